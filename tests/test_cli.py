"""The command: help, exit codes, JSON on standard output also on failure, and text from outside that stays text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import FEED, Observatory
from typer.testing import CliRunner, Result

import cli
import home as homes
from crawlers.source import feeds
from replicas.server import Replica
from replicas.us import ClusterMapping

US = Replica[ClusterMapping]

COMMANDS = sorted(
    str(command.name or getattr(command.callback, "__name__", "")) for command in cli.app.registered_commands
)
HAWAII = f"{FEED}:state:15:22"
HOSTILE = "[bold]Hawaii[/bold]\u001b[31m\nred <script>alert(1)</script> =1+1"


def invoke(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory, _replica: US) -> Observatory:
    """One category of the states, in which a cell has a hostile name and a value that is none; for reading only."""
    observatory = Observatory(tmp_path_factory.mktemp("harvested") / "home")

    def hostile(document: dict[str, Any]) -> dict[str, Any]:
        if document["id"] == "cluster/state/15/22/2016":
            return document | {"region_name_t": HOSTILE, "lq_tf": HOSTILE}
        return document

    _replica.app.mutate = hostile
    code, _ = observatory.harvest(_replica.base_url, clusters="22")
    _replica.app.mutate = None
    assert code == 0
    return observatory


def query(observatory: Observatory, text: str, *options: str) -> Result:
    """Run `sql` without --json."""
    return invoke("sql", text, *options, "--home", str(observatory.home))


# Help and usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f" {command} [OPTIONS]" in result.stdout


def test_the_commands_of_the_contract_are_there() -> None:
    promised = {"demo", "init", "doctor", "sources", "status", "quarantine", "harvest", "accept", "replay", "publish"}
    promised |= {"backup", "restore", "migrate"}
    assert promised | {"schedule", "pause", "resume", "run-now", "sql", "trace", "verify", "rebuild", "serve"} <= set(
        COMMANDS
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["harvest"], "name what to harvest, or --all"),
        (["harvest", "atlantis"], "atlantis"),
        (["harvest", FEED, "--route", "replica"], "needs the address of a running one"),
        (["harvest", FEED, "--route", "files"], f"--files {FEED}=PATH"),
        (["harvest", FEED, "--files", f"{FEED}=no/such/folder"], "there is no file or folder"),
        (["harvest", "ref.bcd", "--route", "live"], "has no route live"),
        (["harvest", FEED], "needs a contact address"),
        (["harvest", FEED, "--base-url", "here"], "expected FEED=VALUE"),
        (["harvest", FEED, "--base-url", "us.none=http://127.0.0.1/"], "no feed 'us.none'"),
        (["harvest", FEED, "--files", "ref.bcd=x"], "ref.bcd has options but is not harvested"),
        (["harvest", FEED, "--set", "delay=0"], "expected FEED.PARAM=VALUE"),
        (["harvest", FEED, "--set", f"{FEED}.speed=9"], "speed"),
        (["harvest", FEED, "--set", f"{FEED}.delay=soon"], "delay"),
        (["accept", "20260101T000000.000Z-us.clustermapping", "--reason", "x"], "the archive has no such harvest"),
        (["accept", "../../etc", "--reason", "x"], "is no harvest id"),
        (["replay", "us.none"], "no feed 'us.none'"),
        (["replay", FEED], "no harvest stands in the warehouse yet"),
        (["verify", "2026.01.01.1"], "there is no release"),
        (["sql", "SELECT 1"], "there is no release"),
        (["trace", "observations", HAWAII], "there is no release"),
        (["quarantine", "us.none"], "us.none"),
    ],
)
def test_what_cannot_be_done_exits_2_and_says_why(observatory: Observatory, arguments: list[str], message: str) -> None:
    code, document = observatory.run(*arguments)
    assert (code, list(document)) == (2, ["error"])
    assert message in document["error"]
    assert not (observatory.home / "archive").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["accept", "20260101T000000.000Z-us.clustermapping"],  # no --reason
        ["harvest", FEED, "--route", "teleport"],
        ["sql"],
        ["trace", "observations"],
        ["publish", "--profile", "secret"],
        ["nonsense"],
        ["status", "--nonsense"],
    ],
)
def test_a_wrong_command_line_exits_2(arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage:" in result.stderr
    told = [invoke("--json", *arguments), invoke(*arguments, "--json")]
    assert [each.exit_code for each in told] == [2, 2]
    assert [list(json.loads(each.stdout)) for each in told] == [["error"]] * 2


def test_settings_that_cannot_be_read_are_named(observatory: Observatory) -> None:
    observatory.home.mkdir()
    path = observatory.home / homes.SETTINGS_FILE
    path.write_text('[feeds."us.none"]\nroute = "live"\n')
    code, document = observatory.run("harvest", "ref.bcd")
    assert (code, str(path) in document["error"], "us.none" in document["error"]) == (2, True, True)


# The home -------------------------------------------------------------------------------------------------------------


def test_the_home_stands_before_or_after_the_command_or_in_the_environment(
    harvested: Observatory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = str(harvested.home)
    monkeypatch.chdir(tmp_path)
    answers = [
        json.loads(invoke(*line).stdout)["home"]
        for line in (
            ["--home", home, "--json", "status"],
            ["status", "--home", home, "--json"],
            ["--home", "elsewhere", "status", "--home", home, "--json"],
        )
    ]
    monkeypatch.setenv("OBSERVATORY_HOME", home)
    answers.append(json.loads(invoke("status", "--json").stdout)["home"])
    assert answers == [home] * 4
    monkeypatch.delenv("OBSERVATORY_HOME")
    assert json.loads(invoke("status", "--json").stdout)["home"] == str(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []  # looking makes no home


def test_init_writes_settings_once(observatory: Observatory) -> None:
    code, document = observatory.run("init")
    assert (code, document["settings"]) == (0, str(observatory.home / homes.SETTINGS_FILE))
    assert homes.read_settings(observatory.home).publish == ("local",)
    path = observatory.home / homes.SETTINGS_FILE
    path.write_text('contact = "me@example.org"\n')
    code, document = observatory.run("init")
    assert (code, "nothing was changed" in document["error"]) == (2, True)
    assert path.read_text() == 'contact = "me@example.org"\n'


def test_doctor_finds_bad_settings(observatory: Observatory) -> None:
    code, document = observatory.run("doctor")
    checks = {check["name"]: check["ok"] for check in document["checks"]}
    assert {"settings", "home", "disk", "lock", "clock"} <= checks.keys()
    assert code == (0 if all(checks.values()) else 1)
    (observatory.home / homes.SETTINGS_FILE).write_text("contact = 5 = 6\n")
    code, document = observatory.run("doctor")
    assert code == 1
    assert {check["name"]: check["ok"] for check in document["checks"]}["settings"] is False


# Looking --------------------------------------------------------------------------------------------------------------


def test_sources_tell_terms_and_routes_of_every_feed() -> None:
    document = json.loads(invoke("sources", "--json").stdout)
    listed = [feed_id for source in document["sources"] for feed_id in source["feeds"]]
    assert sorted(listed) == sorted(feeds())
    text = invoke("sources").stdout
    for feed in feeds().values():
        assert feed.feed_id in text
        assert f"{feed.redistribution}: " in text


def test_status_tells_the_health_of_every_feed(harvested: Observatory) -> None:
    code, document = harvested.run("status")
    states = {state["feed_id"]: state for state in document["feeds"]}
    assert (code, document["synthetic"], set(states)) == (0, True, set(feeds()))
    assert (states[FEED]["health"], states[FEED]["last_status"], states[FEED]["records_found"]) == (
        "ok",
        "accepted",
        50,
    )
    assert states["ref.bcd"]["health"] == "never"
    text = invoke("status", "--home", str(harvested.home)).stdout
    assert "DEMO DATA" in text
    assert harvested.manifest()["release_id"] in text


def test_a_harvest_prints_the_promised_keys(observatory: Observatory) -> None:
    code, document = observatory.run("harvest", "ref.bcd")
    [harvest] = document["harvests"]
    promised = (
        "harvest_id feed_id route status requests bytes documents records empty dropped quarantined rows_opened "
        "rows_changed rows_closed seconds reason"
    )
    assert code == 0
    assert set(promised.split()) <= harvest.keys()
    assert document["release"] == observatory.manifest()["release_id"]
    code, document = observatory.run("harvest", "ref.bcd")
    assert (code, document["harvests"][0]["status"], document["release"]) == (0, "unchanged", None)


# Queries --------------------------------------------------------------------------------------------------------------


def test_a_result_is_printed_in_four_formats(harvested: Observatory) -> None:
    text = f"SELECT cluster_id, obs_value FROM observations WHERE cluster_id = '{HAWAII}' AND indicator = 'employment'"
    assert query(harvested, text, "--format", "csv").stdout == f"cluster_id,obs_value\n{HAWAII},53957.0\n"
    rows = [{"cluster_id": HAWAII, "obs_value": 53957.0}]
    assert json.loads(query(harvested, text, "--format", "json").stdout) == rows
    assert HAWAII in query(harvested, text).stdout
    parquet = query(harvested, text, "--format", "parquet").stdout_bytes
    assert parquet[:4] == parquet[-4:] == b"PAR1"
    with duckdb.connect() as connection:
        target = harvested.home.parent / "result.parquet"
        target.write_bytes(parquet)
        assert connection.execute(f"FROM '{target}'").fetchall() == [(HAWAII, 53957.0)]


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM observations",
        "CREATE TABLE t AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE feeds",
        "",
        "SELEC 1",
        "ATTACH 'other.duckdb'",
        "COPY feeds TO 'feeds.csv'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "PRAGMA database_list; SELECT 1",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM no_such_table",
    ],
)
@pytest.mark.parametrize("options", [["--format", "json"], ["--format", "parquet"]])
def test_a_query_reads_the_release_and_nothing_else(
    harvested: Observatory, text: str, options: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = query(harvested, text, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_query_is_one_json_document(harvested: Observatory) -> None:
    code, document = harvested.run("sql", "SELECT * FROM read_csv('/etc/hostname')")
    assert (code, list(document)) == (2, ["error"])


# Text from outside ----------------------------------------------------------------------------------------------------


def test_hostile_text_is_printed_as_text(harvested: Observatory) -> None:
    printed = [
        query(harvested, f"SELECT name, place FROM clusters WHERE cluster_id = '{HAWAII}'").stdout,
        invoke("quarantine", FEED, "--home", str(harvested.home)).stdout,
        invoke("trace", "clusters", HAWAII, "--home", str(harvested.home)).stdout,
    ]
    for text in printed:
        assert "[bold]Hawaii[/bold]" in text
        assert "\u001b" not in text
        assert "<script>" in text
    code, entries = harvested.run("quarantine", FEED)
    assert (code, len(entries["quarantine"])) == (0, 1)
    assert entries["quarantine"][0]["field"] == "lq_tf"
    assert json.loads(entries["quarantine"][0]["raw"])["region_name_t"] == HOSTILE


def test_json_keeps_hostile_text_whole(harvested: Observatory) -> None:
    code, found = harvested.run("trace", "clusters", HAWAII)
    assert (code, found["record"]["region_name_t"]) == (0, HOSTILE)


def test_quarantine_says_when_there_is_nothing(observatory: Observatory) -> None:
    assert invoke("quarantine", "--home", str(observatory.home)).stdout == "nothing is in quarantine\n"


def test_a_release_that_was_tampered_with_is_found(harvested: Observatory, tmp_path: Path) -> None:
    assert harvested.run("verify")[0] == 0
    copy = Observatory(tmp_path / "copy")
    shutil.copytree(harvested.home, copy.home, symlinks=True)
    with (copy.home / "published" / "latest" / "clusters.parquet").open("ab") as stream:
        stream.write(b"x")
    code, document = copy.run("verify")
    assert code == 1
    assert any("clusters.parquet" in problem for problem in document["problems"])
