"""The whole road on the US replica: what comes in, what stands, what is held, what is published, what is traced."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import FEED, Observatory

from crawlers import harvest as harvests
from crawlers.source import catalogue, feeds
from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping

HAWAII = "us.clustermapping:state:15:22"
CELL = "cluster/state/15/22/2016"

US = Replica[ClusterMapping]


def change(**values: Any) -> Any:  # noqa: ANN401  # a hook of the replica
    """Return a hook that changes keys of the document of Hawaii's tourism in 2016; None drops the document."""

    def hook(document: dict[str, Any]) -> dict[str, Any] | None:
        if document.get("id") != CELL:
            return document
        return {**document, **values} if values else None

    return hook


def test_a_harvest_says_what_the_source_says(observatory: Observatory, replica: US) -> None:
    code, harvest = observatory.harvest(replica.base_url)
    assert (code, harvest["status"]) == (0, "accepted")
    assert (harvest["records"], harvest["dropped"], harvest["quarantined"]) == (3350, 2424, 0)
    counts = {name: table["rows"] for name, table in observatory.manifest()["tables"].items()}
    assert counts["regions"] == 4372
    assert counts["categories"] == 67 + 316
    assert counts["category_mappings"] == 292
    assert counts["clusters"] == 3350 - harvest["empty"]
    values = {
        row["indicator"]: (row["obs_value"], row["unit_measure"], row["obs_status"], row["value_text"])
        for row in observatory.sql(f"SELECT * FROM observations WHERE cluster_id = '{HAWAII}'")
    }
    assert values["employment"] == (53957.0, "persons", "E", "53957")
    assert values["employment_reported"] == (53762.0, "persons", "A", "53762")
    assert values["establishments"] == (1304.0, "establishments", "A", "1304")
    assert values["location_quotient"] == (4.800802, "ratio", "E", "4.800802")
    assert values["wage_average"] == (41465.96, "USD/year", "A", "41465.96")
    assert values["payroll_annual"] == (2_229_293_000.0, "USD", "A", "2229293")
    assert values["payroll_first_quarter"] == (549_862_000.0, "USD", "A", "549862")
    assert values["strong"] == (1.0, "boolean", "E", "true")
    assert observatory.value("SELECT count(*) FROM observations WHERE obs_status = 'O' AND obs_value IS NOT NULL") == 0
    assert (
        observatory.value("SELECT count(*) FROM observations WHERE indicator = 'wage_average' AND obs_value = 0") == 0
    )
    assert observatory.value("SELECT count(*) FROM clusters WHERE identified_by = ['us.strong.state']") > 0
    names = observatory.sql("SELECT name, name_as_published FROM regions WHERE name_as_published LIKE '%  %' LIMIT 1")
    assert names == [] or "  " not in names[0]["name"]
    assert observatory.value("SELECT name FROM regions WHERE region_id = 'us:msa:15860'") == "Cañon City, CO"
    parent = "SELECT parent_region_id FROM regions WHERE region_id = 'us:county:11001'"
    assert observatory.value(parent) == "country:US"
    assert observatory.value("SELECT count(*) FROM observations WHERE NOT synthetic OR method IS NULL") == 0
    assert observatory.run("verify") == (0, {"release": observatory.manifest()["release_id"], "problems": []})


def test_an_unchanged_source_costs_no_rows_and_no_bodies(observatory: Observatory, replica: US) -> None:
    _, first = observatory.harvest(replica.base_url, clusters="22")
    release = observatory.manifest()["release_id"]
    code, second = observatory.harvest(replica.base_url, clusters="22")
    assert (code, second["status"], second["rows_opened"]) == (0, "unchanged", 0)
    replica.app.timestamp = "2030-01-01T00:00:00.000Z"
    assert observatory.harvest(replica.base_url, clusters="22")[1]["status"] == "unchanged"
    assert observatory.manifest()["release_id"] == release
    sizes = [
        (harvests.folder(observatory.home, each["harvest_id"]) / "00000.warc.gz").stat().st_size
        for each in (first, second)
    ]
    assert sizes[1] * 10 < sizes[0]


def test_history_is_closed_and_appended(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url, clusters="22")
    replica.app.mutate = change(emp_tl=60000, ap_tl=0)
    _, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert [harvest[f"rows_{what}"] for what in ("opened", "changed", "closed")] == [0, 2, 0]
    history = observatory.sql(
        f"SELECT obs_value, obs_status, closed_by, valid_to IS NULL AS open FROM observation_history "
        f"WHERE cluster_id = '{HAWAII}' AND indicator IN ('employment', 'payroll_annual') "
        "ORDER BY indicator, valid_from"
    )
    by = harvest["harvest_id"]
    assert history == [
        {"obs_value": 53957.0, "obs_status": "E", "closed_by": by, "open": False},
        {"obs_value": 60000.0, "obs_status": "E", "closed_by": None, "open": True},
        {"obs_value": 2_229_293_000.0, "obs_status": "A", "closed_by": by, "open": False},
        {"obs_value": None, "obs_status": "O", "closed_by": None, "open": True},
    ]
    changed = observatory.sql("SELECT column_name, old_value, new_value, cause FROM changes ORDER BY ALL LIMIT 1")
    assert changed == [{"column_name": "obs_status", "old_value": "A", "new_value": "O", "cause": "source"}]


def test_only_what_was_read_completely_is_closed(observatory: Observatory, replica: US) -> None:
    """2016 with counties, then 2017, then states only: 2016 and the counties stay; a document gone is closed."""
    kept = {"01001", "15001", "15003"}

    def few_counties(document: dict[str, Any]) -> dict[str, Any] | None:
        of_county = "county" in (document.get("region_type_t"), document.get("type_t"))
        return None if of_county and document["region_code_t"] not in kept else document

    replica.app.mutate = few_counties
    counts = Response(
        json.dumps({"county": 3, "msa": 917, "economic": 180, "state": 50, "country": 3, "territory": 1}).encode()
    )
    replica.faults.append(Fault("*/meta/regions", times=99, answer=counts))
    part = "time_period || ' ' || split_part(cluster_id, ':', 2)"
    periods = f"SELECT {part} AS part, count(*) AS rows FROM observations GROUP BY 1"
    _, first = observatory.harvest(replica.base_url, region_types="state,county", clusters="22")
    assert (first["status"], first["records"]) == ("accepted", 50 + 3)
    before = {row["part"]: row["rows"] for row in observatory.sql(periods)}
    assert observatory.harvest(replica.base_url, years="2017", clusters="22")[1]["rows_closed"] == 0
    assert observatory.harvest(replica.base_url, clusters="22")[1]["status"] == "unchanged"
    after = {row["part"]: row["rows"] for row in observatory.sql(periods)}
    assert after == before | {"2017 state": after["2017 state"]}
    assert set(before) == {"2016 state", "2016 county"}
    # A cell that becomes a placeholder ends, with its observations, but only in the year that says so.
    replica.app.mutate = lambda document: few_counties(change(rec_count_tl=0)(document))
    _, last = observatory.harvest(replica.base_url, clusters="22")
    gone = observatory.sql(f"SELECT DISTINCT time_period FROM observations WHERE cluster_id = '{HAWAII}'")
    assert (last["status"], last["rows_opened"], gone) == ("accepted", 0, [{"time_period": "2017"}])
    assert last["rows_closed"] == 13


def test_a_short_harvest_is_held_until_it_is_accepted(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url, clusters="22")
    contents = observatory.contents()
    replica.app.mutate = change()
    code, held = observatory.harvest(replica.base_url, clusters="22")
    assert (code, held["status"]) == (3, "held")
    assert "cells/state/2016 has 49 of 50 records" in held["reason"]
    assert observatory.contents() == contents
    told = json.loads((observatory.home / "published" / "status.json").read_text("utf-8"))["feeds"]
    assert {feed["feed_id"]: (feed["health"], feed["reason"]) for feed in told}[FEED] == ("held", None)
    code, document = observatory.run("accept", held["harvest_id"], "--reason", "the source says so")
    assert (code, document["harvests"][0]["reason"]) == (0, "the source says so")
    assert document["harvests"][0]["rows_closed"] == 0  # what is missing in an incomplete part is not known to be gone
    code, document = observatory.run("accept", held["harvest_id"], "--reason", "again")
    assert (code, "only a held harvest" in document["error"]) == (2, True)


def test_contract_rejects_values_and_records_but_never_overwrites(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url)
    contents = observatory.contents()
    for level, values in (("value", {"ap_tl": "n/a"}), ("record", {"emp_tl": "n/a"})):
        replica.app.mutate = change(**values)
        code, harvest = observatory.harvest(replica.base_url)
        assert (code, harvest["status"], harvest["quarantined"]) == (0, "unchanged", 1)
        entry = observatory.run("quarantine", FEED)[1]["quarantine"][0]
        [field] = values
        assert (entry["level"], entry["field"]) == (level, field)
        assert entry["reason"] == f'{field}: expected an integer >= 0, got "n/a"'
        assert json.loads(entry["raw"])["id"] == CELL
    assert observatory.contents() == contents

    replica.app.mutate = lambda document: (
        document | {"novel_t": "x"} if document.get("type_t") == "cluster" else document
    )
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"]) == (0, "unchanged")
    assert "unknown key 'novel_t' in 50 of 50 cells" in harvest["warnings"][0]

    def renamed(document: dict[str, Any]) -> dict[str, Any]:
        return {("wages_tf" if key == "private_wage_tf" else key): value for key, value in document.items()}

    replica.app.mutate = renamed
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, "none of 50 cells has private_wage_tf" in harvest["reason"]) == (3, True)
    replica.app.mutate = lambda document: (
        document | {"emp_tl": None} if document.get("type_t") == "cluster" else document
    )
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, "50 of 50 cells were rejected" in harvest["reason"]) == (3, True)


def test_pages(observatory: Observatory, replica: US) -> None:
    _, harvest = observatory.harvest(replica.base_url, "--no-publish", page_size="1000")
    assert (harvest["status"], harvest["records"]) == ("accepted", 3350)
    starts = [request.query["start"] for request in replica.requests if request.path.endswith("/2016/all")]
    assert starts == ["0", "1000", "2000", "3000"]
    # A server that answers the same page whatever is asked ends the paging, and the harvest is held.
    page = json.dumps([{"id": f"cluster/state/01/{code}/2016", "type_t": "cluster"} for code in range(10)]).encode()
    replica.faults.append(Fault("*/2016/all*", times=99, answer=Response(page)))
    code, harvest = observatory.harvest(replica.base_url, page_size="10")
    assert (code, "repeats records of earlier pages" in harvest["reason"]) == (3, True)
    assert sum(request.path.endswith("/2016/all") for request in replica.requests) == 4 + 2


def test_one_hit_is_an_object_and_none_is_an_empty_array(observatory: Observatory, replica: US) -> None:
    replica.app.mutate = lambda document: (
        None if document.get("region_type_t") == "state" and document["region_code_t"] != "15" else document
    )
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"], harvest["records"]) == (3, "held", 1)  # /meta/regions still says 50 states
    assert harvest["reason"].startswith("us.clustermapping: regions has 4,323 of 4,372 records")
    code, document = observatory.run("accept", harvest["harvest_id"], "--reason", "a test of one region")
    assert (code, document["harvests"][0]["status"]) == (0, "accepted")
    assert observatory.value("SELECT DISTINCT locator FROM observations") == "json:"
    assert observatory.run("trace", "observations", HAWAII, "employment")[1]["record"]["id"] == CELL
    replica.app.mutate = lambda document: None if document.get("type_t") == "cluster" else document
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"], harvest["records"]) == (3, "held", 0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(b"no", status=500), "expected an answer, got HTTP 500"),
        (Response(b"<html>soon</html>", media_type="text/html"), "expected JSON, got '<html>soon</html>'"),
        (Response(b""), "expected JSON, got ''"),
        (Response(b'"text"'), "expected an array of records, got 'text'"),
        (Response(b"", status=302, headers={"Location": "http://elsewhere.example/"}), "elsewhere.example"),
        (None, "expected an answer, got"),
    ],
)
def test_failures_are_told_and_change_nothing(
    observatory: Observatory, replica: US, answer: Response | None, expected: str
) -> None:
    replica.faults.append(Fault("*/2016/22*", times=99, answer=answer, reset=answer is None))
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"], harvest["rows_opened"]) == (1, "partial", 0)
    assert expected in harvest["reason"]
    assert "/region/state/all/2016/22" in harvest["reason"] or "elsewhere" in expected
    replica.faults.clear()
    replica.requests.clear()
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    asked = [request.path.removeprefix("/data") for request in replica.requests]
    answered_well_before = ["/meta/years", "/meta/clusters", "/meta/regions", "/region", "/meta/dict"]
    assert not set(asked) & set(answered_well_before)


def test_what_passes_is_retried_and_what_is_optional_may_fail(observatory: Observatory, replica: US) -> None:
    replica.faults += [
        Fault("*/2016/all*", answer=Response(b"busy", status=503)),
        Fault("*/meta/dict", times=99, answer=Response(b"gone", status=404)),
    ]
    code, harvest = observatory.harvest(replica.base_url, "--no-publish")
    assert (code, harvest["status"]) == (0, "accepted")
    assert [warning.endswith("/meta/dict: expected an answer, got HTTP 404") for warning in harvest["warnings"]] == [
        True
    ]


@pytest.mark.parametrize(("status", "robots"), [(200, "User-agent: *\nDisallow: /data/"), (500, "oops")])
def test_robots_txt_is_obeyed(observatory: Observatory, replica: US, status: int, robots: str) -> None:
    replica.faults.append(Fault("/robots.txt", times=99, answer=Response(robots.encode(), status, "text/plain")))
    code, harvest = observatory.harvest(replica.base_url)
    assert (code, harvest["status"]) == (1, "failed")
    assert "Forbidden by robots.txt" in harvest["reason"]
    assert {request.path for request in replica.requests} == {"/robots.txt"}


def test_crawl_delay_is_kept(observatory: Observatory, replica: US) -> None:
    replica.app.robots = "User-agent: *\nCrawl-delay: 0.4\n"
    observatory.harvest(replica.base_url, "--no-publish")
    times = [request.received_at for request in replica.requests if request.path != "/robots.txt"]
    assert (times[-1] - times[0]) / (len(times) - 1) > 0.35  # one pause may look shorter on a busy machine


def test_every_request_is_polite(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url, "--no-publish")
    agents = {request.headers["user-agent"] for request in replica.requests}
    assert [agent.startswith("ClusterObservatory/") and "contact:" in agent for agent in agents] == [True]
    assert not any("cookie" in request.headers for request in replica.requests)


def test_routes_give_equal_content(observatory: Observatory, replica: US, tmp_path: Path) -> None:
    """HTTP, saved files, and the archive of the first route as a saved WARC."""
    _, harvest = observatory.harvest(replica.base_url)
    contents = observatory.contents()
    saved = tmp_path / "saved"
    saved.mkdir()
    for path in ("meta/years", "meta/clusters", "meta/regions", "region", "region/state/all/2016/all", "meta/dict"):
        with urllib.request.urlopen(f"{replica.base_url}/{path}") as answer:  # noqa: S310  # loopback
            (saved / f"data__{path.replace('/', '__')}.json.gz").write_bytes(gzip.compress(answer.read()))
    (saved / "empty_result.json").write_bytes(b"[]")
    (saved / "stranger.txt").write_text("hello", "utf-8")
    (saved / "registry.csv").write_bytes(
        b"org_id,org_title,cluster_name\r7,  Aloha   Tourism,Hospitality and Tourism\r"
        b"7,  Aloha   Tourism,Hospitality and Tourism\r7,  Aloha   Tourism,Performing Arts\r8,Other,No such cluster\r"
    )
    files = Observatory(tmp_path / "files")
    code, from_files = files.harvest_files(saved)
    assert (code, from_files["status"], from_files["records"]) == (0, "accepted", 3350)
    assert "1 documents are not of this feed" in from_files["warnings"][0]
    assert "stranger.txt" in from_files["warnings"][0]
    organisations = files.sql(
        "SELECT split_part(organisation_id, ':', 3) AS id, name, categories, locator FROM organisations ORDER BY 1"
    )
    assert organisations == [
        {"id": "7", "name": "Aloha Tourism", "categories": ["bcd:22", "bcd:37"], "locator": "csv:org_id=7"},
        {"id": "8", "name": "Other", "categories": None, "locator": "csv:org_id=8"},
    ]
    traced = files.run("trace", "organisations", f"{FEED}:organisation:7", "name")[1]
    assert [row["cluster_name"] for row in traced["record"]] == ["Hospitality and Tourism"] * 2 + ["Performing Arts"]
    ours = {"organisations", "feeds", "sources", "id_ledger"}
    differing = {table for table, digest in contents.items() if files.contents()[table] != digest}
    assert differing <= ours

    warc = Observatory(tmp_path / "warc")
    code, from_warc = warc.harvest_files(harvests.folder(observatory.home, harvest["harvest_id"]))
    assert (code, from_warc["status"]) == (0, "accepted")
    assert warc.contents() == contents
    assert warc.value("SELECT bool_and(synthetic) FROM observations") is True
    assert warc.value("SELECT bool_and(archived_at IS NOT NULL) FROM documents") is True


def test_replay_needs_neither_network_nor_staging(
    observatory: Observatory, replica: US, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = observatory.harvest(replica.base_url, clusters="22")
    contents = observatory.contents()
    shutil.rmtree(observatory.home / "staging")

    def refuse(*_: object) -> None:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    code, document = observatory.run("replay", FEED)
    assert (code, document["harvests"][0]["status"]) == (0, "unchanged")
    monkeypatch.undo()
    replica.app.mutate = change(emp_tl=60000)
    _, second = observatory.harvest(replica.base_url, clusters="22")
    code, document = observatory.run("replay", FEED, first["harvest_id"])
    assert (code, document["harvests"][0]["status"]) == (3, "held")
    assert second["harvest_id"] in document["harvests"][0]["reason"]
    assert observatory.contents() != contents


def test_real_and_synthetic_are_never_mixed(observatory: Observatory, replica: US, tmp_path: Path) -> None:
    observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "years.json").write_text('["2016"]', "utf-8")
    code, harvest = observatory.harvest_files(saved)
    assert (code, harvest["status"]) == (1, "failed")
    assert "never mixed" in harvest["reason"]
    assert observatory.run("harvest", "ref.bcd", "--no-publish")[0] == 0


def test_public_holds_no_row_of_a_restricted_feed(observatory: Observatory, replica: US) -> None:
    code, document = observatory.run("publish", "--profile", "public")
    assert (code, len(document["release"])) == (0, len("2026.01.01.1"))
    assert any("was not harvested with success yet" in note for note in observatory.manifest()["notes"])
    observatory.harvest(replica.base_url, clusters="22")
    observatory.run("publish", "--profile", "public")
    manifest = observatory.manifest("latest-public")
    assert {name: table["rows"] for name, table in manifest["tables"].items() if table["rows"]} == {
        "sources": len(catalogue()),
        "feeds": len(feeds()),
    }
    assert any("its terms are restricted" in note for note in manifest["notes"])
    for path in (observatory.home / "published" / "latest-public").rglob("*"):
        assert path.is_dir() or b"Hospitality" not in path.read_bytes()
    assert observatory.run("verify", "latest-public")[1]["problems"] == []
    assert observatory.run("publish", "--profile", "public")[1]["release"] is None


@pytest.mark.parametrize(
    ("table", "row", "column", "field", "raw"),
    [
        ("observations", HAWAII, "payroll_annual", "ap_tl", 2229293),
        ("clusters", HAWAII, "region_id", "region_code_t", "15"),
        ("regions", "us:county:11001", "name_as_published", "name_t", "District of Columbia"),
        ("categories", "bcd:22", "code", "cluster_code_t", "22"),
    ],
)  # fmt: skip
def test_trace_prints_the_original_record(
    traced: Observatory, table: str, row: str, column: str, field: str, raw: object
) -> None:
    code, found = traced.run("trace", table, row, column)
    assert code == 0
    assert found["record"][field] == raw
    assert [(each["field"], each["raw"]) for each in found["fields"]] == [(field, raw)]
    assert len(found["document"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("observations", "us.clustermapping:state:99:1"), "no row of observations"),
        (("observations", HAWAII, "happiness"), "no row of observations"),
        (("harvests", "x"), "is no table with evidence"),
        (("regions", "us:state:15", "colour"), "has no column 'colour'"),
        (("category_mappings", "bcd:1"), "the key of category_mappings is from_category_id|to_category_id"),
    ],
)  # fmt: skip
def test_trace_says_what_is_missing(traced: Observatory, arguments: tuple[str, ...], message: str) -> None:
    code, document = traced.run("trace", *arguments)
    assert (code, message in document["error"]) == (1, True)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, _replica: US) -> Observatory:
    observatory = Observatory(tmp_path_factory.mktemp("traced"))
    observatory.harvest(_replica.base_url)
    return observatory
