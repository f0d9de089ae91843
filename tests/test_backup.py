"""Backup, restore, migration: nothing is lost, nothing is written over, and a home that came back goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Observatory
from typer.testing import CliRunner

import backup as backups
import cli
from crawlers import harvest as harvests
from exports.release import sha256
from warehouse import store
from warehouse.schema import SCHEMA_VERSION

SETTINGS = "contact = 'me@example.org'\n"


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """A home with one release, settings and a paused feed; for reading only."""
    observatory = Observatory(tmp_path_factory.mktemp("backup") / "Büro für Cluster" / "home")
    assert observatory.run("harvest", "ref.bcd")[0] == 0
    (observatory.home / "observatory.toml").write_text(SETTINGS, "utf-8")
    with sqlite3.connect(observatory.home / "scheduler.sqlite") as jobs:
        jobs.execute("CREATE TABLE apscheduler_jobs (id, next_run_time)")
        jobs.execute("INSERT INTO apscheduler_jobs VALUES ('ref.bcd', NULL)")
    jobs.close()
    return observatory


@pytest.fixture(scope="module")
def kept(harvested: Observatory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one backup of it; for reading only."""
    folder = tmp_path_factory.mktemp("kept") / "backups of it"
    code, document = harvested.run("backup", str(folder))
    assert (code, document["damaged"], document["removed"]) == (0, [], [])
    assert document["copied_files"] == document["files"] > 100
    return folder


@pytest.fixture
def copied(harvested: Observatory, tmp_path: Path) -> Observatory:
    """A copy of the home that may be changed."""
    shutil.copytree(harvested.home, tmp_path / "copied", symlinks=True)
    return Observatory(tmp_path / "copied")


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy of the folder of backups that may be changed."""
    return shutil.copytree(kept, tmp_path / "folder")


def manifest(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the newest list of a folder, and where it stands."""
    path = max((folder / "backups").iterdir())
    return path, json.loads(path.read_text("utf-8"))


def files(top: Path) -> dict[str, bytes]:
    """Return path → content of all files below a folder."""
    return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}


# Backup ---------------------------------------------------------------------------------------------------------------


def test_only_what_is_new_is_copied_and_the_oldest_backup_gives_way(copied: Observatory, folder: Path) -> None:
    first = manifest(folder)[0].stem
    code, document = copied.run("backup", str(folder), "--keep", "2")
    assert (code, document["copied_files"], document["removed"]) == (0, 0, [])
    (copied.home / "observatory.toml").write_text(SETTINGS + "# changed\n", "utf-8")
    (copied.home / "logs").mkdir(exist_ok=True)
    (copied.home / "logs" / "x.log").write_text("is left out", "utf-8")
    (copied.home / "archive" / "ref.bcd" / ".draft").write_text("is left out", "utf-8")
    code, document = copied.run("backup", str(folder), "--keep", "2")
    assert (code, document["copied_files"], document["removed"]) == (0, 1, [first])
    held = {
        file["sha256"]
        for path in (folder / "backups").iterdir()
        for file in json.loads(path.read_text())["files"].values()
    }
    assert {path.name for path in (folder / "objects").rglob("*") if path.is_file()} == held


def test_an_interrupted_backup_leaves_the_one_before(
    copied: Observatory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(folder / "backups")
    (copied.home / "observatory.toml").write_text("contact = 'you@example.org'\n", "utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(harvests, "write_atomically", full)
        code, document = copied.run("backup", str(folder))
    assert (code, "No space left on device" in document["error"]) == (1, True)
    assert files(folder / "backups") == before
    digest = manifest(folder)[1]["files"]["observatory.toml"]["sha256"]
    assert (folder / "objects" / digest[:2] / digest).read_text("utf-8") == SETTINGS
    code, document = copied.run("backup", str(folder))
    assert (code, document["copied_files"]) == (0, 0)  # it goes on with what was copied


def test_a_damaged_part_of_the_archive_does_not_replace_the_good_one(copied: Observatory, folder: Path) -> None:
    [part] = copied.home.glob("archive/ref.bcd/*/*.warc.gz")
    good = part.read_bytes()
    part.write_bytes(good[:50] + b"\0" + good[51:])
    code, document = copied.run("backup", str(folder))
    [told] = document["damaged"]
    assert (code, str(part) in told) == (1, True)
    assert Path(told.rpartition(" ")[2]).read_bytes() == good
    assert manifest(folder)[1]["files"][str(part.relative_to(copied.home))]["sha256"] in told


def test_a_damaged_record_does_not_replace_the_good_one(copied: Observatory, folder: Path) -> None:
    [record] = copied.home.glob("archive/ref.bcd/*/harvest.json")
    good = record.read_bytes()
    record.write_bytes(b"{")
    (copied.home / "scheduler.sqlite").write_bytes(b"no database at all")
    code, document = copied.run("backup", str(folder))
    [told, of_the_scheduler] = document["damaged"]
    assert (code, str(record) in told, "cannot be read" in of_the_scheduler) == (1, True, True)
    assert Path(told.rpartition(" ")[2]).read_bytes() == good
    for command, file in ((["pause"], "scheduler.sqlite"), (["status"], "harvest.json")):
        result = CliRunner().invoke(cli.app, [*command, "--home", str(copied.home)])
        assert (result.exit_code > 0, result.stderr.count("\n")) == (True, 1)
        assert file in result.stderr
        assert "back from a backup" in result.stderr
    checks = {check["name"]: check["found"] for check in copied.run("doctor")[1]["checks"]}
    assert "harvest.json" in checks["archive"]


def test_a_damaged_copy_is_found_and_made_again(copied: Observatory, folder: Path) -> None:
    digest = manifest(folder)[1]["files"]["warehouse.duckdb"]["sha256"]
    there = folder / "objects" / digest[:2] / digest
    there.write_bytes(b"\0" * there.stat().st_size)
    assert copied.run("backup", str(folder))[1]["copied_files"] == 0
    assert copied.run("backup", str(folder), "--check")[1]["copied_files"] == 1
    assert sha256(there) == digest


def test_a_home_that_lost_harvests_is_not_backed_up(copied: Observatory, folder: Path) -> None:
    [lost] = (copied.home / "archive" / "ref.bcd").iterdir()
    shutil.rmtree(lost)
    before = files(folder / "backups")
    code, document = copied.run("backup", str(folder))
    assert (code, files(folder / "backups")) == (1, before)
    assert f"lacks 1 harvests that the backup {manifest(folder)[0].stem} has, such as {lost.name}" in document["error"]


def test_a_folder_that_cannot_serve_is_refused(copied: Observatory, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    for place, said in (
        (copied.home / "b", "lie in one another"),
        (tmp_path, "lie in one another"),
        (other, "something"),
    ):
        code, document = copied.run("backup", str(place))
        assert (code, said in document["error"]) == (2, True), place
    code, document = Observatory(tmp_path / "none").run("backup", str(tmp_path / "b"))
    assert (code, "nothing to back up" in document["error"], (tmp_path / "b").exists()) == (2, True, False)


def test_a_backup_waits_for_a_load_and_names_it(
    copied: Observatory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LOCK_WAIT", 0.2)
    hold = (
        "import sys, pathlib; from warehouse.store import lock\n"
        "with lock(pathlib.Path(sys.argv[1]), 'it'): print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(copied.home / store.LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        code, document = copied.run("backup", str(folder))
    assert (code, f"in use by process {other.pid} " in document["error"]) == (1, True)


# Restore --------------------------------------------------------------------------------------------------------------


def test_a_home_that_came_back_goes_on(harvested: Observatory, kept: Path, tmp_path: Path) -> None:
    back = Observatory(tmp_path / "a new home")
    code, document = back.run("restore", str(kept))
    assert (code, document["problems"], document["release"]) == (0, [], harvested.manifest()["release_id"])
    checks = {check["name"]: check["ok"] for check in document["checks"]}
    assert (checks["warehouse"], checks["settings"]) == (True, True)
    for room in ("archive", "published", "observatory.toml", store.FILE):
        left, right = harvested.home / room, back.home / room
        assert (files(left) or left.read_bytes()) == (files(right) or right.read_bytes())
    assert (back.home / "published" / "latest").readlink() == Path(document["release"])
    assert back.run("status")[1]["feeds"] == harvested.run("status")[1]["feeds"]
    assert back.run("publish") == (0, {"release": None, "folder": None})
    assert back.run("harvest", "ref.bcd")[1]["harvests"][0]["status"] == "unchanged"
    code, document = back.run("harvest", "ref.porter41")
    assert (code, back.manifest()["previous"]) == (0, harvested.manifest()["release_id"])
    assert back.value("SELECT count(DISTINCT since_release) FROM id_ledger") == 2
    assert back.run("verify")[1]["problems"] == []
    code, document = back.run("restore", str(kept))
    assert (code, "is not empty" in document["error"]) == (2, True)


def test_a_damaged_backup_writes_nothing(folder: Path, tmp_path: Path) -> None:
    listed = manifest(folder)[1]["files"]
    digest = listed["archive/releases/" + next(path for path in listed if "archive/releases" in path).split("/")[-1]][
        "sha256"
    ]
    (folder / "objects" / digest[:2] / digest).unlink()
    digest = listed[store.FILE]["sha256"]
    there = folder / "objects" / digest[:2] / digest
    there.write_bytes(b"\0" * there.stat().st_size)
    code, document = Observatory(tmp_path / "back").run("restore", str(folder))
    assert (code, "2 of " in document["error"], (tmp_path / "back").exists()) == (1, True, False)


def test_an_interrupted_restore_leaves_an_empty_home(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = Observatory(tmp_path / "back")
    (back.home / ".restore" / "archive").mkdir(parents=True)  # killed before
    (back.home / "lost+found").mkdir()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(back.home))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        assert back.run("restore", str(kept))[0] == 1
    assert [path.name for path in back.home.iterdir()] == ["lost+found"]
    assert back.run("restore", str(kept))[0] == 0


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "archive/../../evil",
        "/etc/evil",
        "archive//evil",
        "archive/./evil",
        "archive/.evil",
        "evil",
        "staging/evil",
        "archive",
        "archive/a\0b",
        "observatory.toml/evil",
    ],
)
def test_a_list_that_names_other_places_is_refused(folder: Path, tmp_path: Path, path: str) -> None:
    place, document = manifest(folder)
    document["files"][path] = next(iter(document["files"].values()))
    place.write_text(json.dumps(document), "utf-8")
    before = sorted(tmp_path.iterdir())
    code, said = Observatory(tmp_path / "back").run("restore", str(folder))
    assert (code, "no list of a backup that can be used" in said["error"]) == (1, True)
    assert sorted(tmp_path.iterdir()) == before


def test_a_symbolic_link_in_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    digest = manifest(folder)[1]["files"]["observatory.toml"]["sha256"]
    there = folder / "objects" / digest[:2] / digest
    there.rename(secret)
    there.symlink_to(secret)
    code, said = Observatory(tmp_path / "back").run("restore", str(folder))
    assert (code, "such as observatory.toml" in said["error"]) == (1, True)


def test_what_is_no_backup_is_told(kept: Path, tmp_path: Path) -> None:
    back = Observatory(tmp_path / "back")
    for arguments, said in (([str(tmp_path)], "holds no backup"), ([str(kept), "--backup", "x"], "the newest are 2")):
        code, document = back.run("restore", *arguments)
        assert (code, said in document["error"]) == (2, True)


# Migration ------------------------------------------------------------------------------------------------------------


def rows(home: Path) -> list[tuple[Any, ...]]:
    """Return what a warehouse says of the classes."""
    with duckdb.connect(str(home / store.FILE), read_only=True) as connection:
        columns = "category_id, name, parent_category_id, opened_by, closed_by, partition"
        return connection.execute(f"SELECT {columns} FROM categories ORDER BY ALL").fetchall()


def age(home: Path) -> None:
    """Make a warehouse one of an older schema: a column is missing, and what it holds is lost."""
    with duckdb.connect(str(home / store.FILE)) as connection:
        connection.execute(
            "UPDATE schema_version SET version = '0.9.0'; ALTER TABLE categories DROP parent_category_id"
        )


def test_an_older_warehouse_is_made_anew_from_the_archive(harvested: Observatory, copied: Observatory) -> None:
    assert copied.run("migrate") == (
        0,
        {"before": SCHEMA_VERSION, "after": SCHEMA_VERSION, "changed": False, "rows": {}},
    )
    age(copied.home)
    for command in (["publish"], ["harvest", "ref.bcd"]):
        code, document = copied.run(*command)
        assert (code, "has schema 0.9.0 (categories lacks parent_category_id)" in document["error"]) == (1, True)
        assert "`observatory migrate`" in document["error"]
    assert len(list(copied.home.glob("archive/ref.bcd/*"))) == 1  # nothing was asked before it was said
    code, document = copied.run("doctor")
    assert {check["name"]: check["ok"] for check in document["checks"]}["warehouse"] is False
    assert copied.run("migrate") == (0, {"before": "0.9.0", "after": SCHEMA_VERSION, "changed": True, "rows": {}})
    assert rows(copied.home) == rows(harvested.home)
    assert copied.run("publish") == (0, {"release": None, "folder": None})
    assert sorted(path.name for path in copied.home.iterdir() if path.name.startswith((".", "warehouse"))) == [
        store.FILE,
        store.LOCK,
    ]


def test_a_warehouse_that_the_archive_cannot_make_anew_stays(copied: Observatory) -> None:
    age(copied.home)
    before = (copied.home / store.FILE).read_bytes()
    [part] = copied.home.glob("archive/ref.bcd/*/*.warc.gz")
    good = part.read_bytes()
    part.write_bytes(good[:400] + bytes(100) + good[500:])
    shutil.rmtree(copied.home / "staging")
    code, document = copied.run("migrate")
    assert (code, "ref.bcd" in document["error"]) == (1, True)
    part.write_bytes(good)
    [kept_aside] = (copied.home / "archive" / "ref.bcd").iterdir()
    shutil.move(kept_aside, copied.home.parent / "aside")
    code, document = copied.run("migrate")
    assert (code, "lacks 1 harvests that the warehouse has" in document["error"]) == (1, True)
    assert (copied.home / store.FILE).read_bytes() == before


def test_a_home_without_a_warehouse_has_nothing_to_migrate(observatory: Observatory) -> None:
    assert observatory.run("migrate") == (0, {"before": None, "after": None, "changed": False, "rows": {}})
