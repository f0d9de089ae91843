"""The recorded answers of the real US data service, where they are there: over HTTP, then as files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import Observatory

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "us"
LOAD = {"id": "cluster/country/98/1/2016", "type_t": "cluster", "timestamp": "2018-10-01T03:23:00.952Z"}
"""Of a document that was not recorded, what the spider asks it for: the load time is that of all recorded ones."""

HAWAII = "us.clustermapping:state:15:22"

pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="the recordings in ../shared/data/us are not there")


@cache
def recorded(name: str) -> Any:  # noqa: ANN401  # any JSON document
    """Read a recorded answer; its name is the address with `__` for `/`."""
    [path] = RECORDED.glob(f"data__{name}.json*")
    body = path.read_bytes()
    return json.loads(gzip.decompress(body) if path.suffix == ".gz" else body)


class Handler(BaseHTTPRequestHandler):
    """Answers like the API: `start` and `limit` over the recorded arrays; it does not declare itself a replica."""

    def do_GET(self) -> None:  # the name that http.server calls
        """Answer a recorded document, a page of it, or 404."""
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        name = url.path.removeprefix("/data/").replace("/", "__")
        try:
            answer = LOAD if name == "region__country__98__2016__1" else recorded(name)
        except ValueError:
            self.send_error(404)
            return
        if "limit" in query:
            start = int(query["start"])
            answer = sorted(answer, key=lambda record: str(record["id"]))[start : start + int(query["limit"])]
        body = gzip.compress(json.dumps(answer).encode(), 1)
        self.send_response(200)
        for header, value in (("Content-Type", "application/json"), ("Content-Encoding", "gzip")):
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep silent."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/data"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def live(served: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Observatory, dict[str, Any]]:
    observatory = Observatory(tmp_path_factory.mktemp("live"))
    code, harvest = observatory.harvest(served, route="live", region_types="state,msa")
    assert (code, harvest["status"], harvest["reason"]) == (0, "accepted", None)
    return observatory, harvest


def test_counts(live: tuple[Observatory, dict[str, Any]]) -> None:
    observatory, harvest = live
    assert (harvest["records"], harvest["empty"]) == (3350 + 61439, 56 + 15038)
    assert (harvest["dropped"], harvest["quarantined"], harvest["warnings"]) == (0, 0, [])
    tables = {name: table["rows"] for name, table in observatory.manifest()["tables"].items()}
    assert tables["regions"] == 4372
    assert tables["clusters"] == 3350 + 61439 - harvest["empty"]
    assert (tables["categories"], tables["category_mappings"]) == (67 + 316, 292)
    without_wage = observatory.value(
        "SELECT count(*) FROM observations WHERE indicator = 'wage_average' AND obs_status = 'O' "
        "AND cluster_id LIKE 'us.clustermapping:msa:%'"
    )
    assert without_wage + 15038 == 33968  # the placeholders among these documents make no row
    strong = observatory.sql(
        "SELECT rule_id, count(*) AS cells FROM cluster_identification WHERE is_cluster AND rule_id LIKE 'us.strong.%' "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert strong == [{"rule_id": "us.strong.msa", "cells": 5887}, {"rule_id": "us.strong.state", "cells": 512}]
    assert observatory.value("SELECT count(*) FROM observations WHERE synthetic") == 0


def test_values_and_trace(live: tuple[Observatory, dict[str, Any]]) -> None:
    observatory, _ = live
    rows = observatory.sql(f"SELECT indicator, obs_value FROM observations WHERE cluster_id = '{HAWAII}'")
    values = {row["indicator"]: row["obs_value"] for row in rows}
    expected = {
        "employment": 53957,
        "employment_reported": 53762,
        "establishments": 1304,
        "location_quotient": 4.800802,
        "wage_average": 41465.96,
        "payroll_annual": 2_229_293_000,
    }
    assert {name: values[name] for name in expected} == expected
    code, found = observatory.run("trace", "observations", HAWAII, "employment")
    [original] = [
        each for each in recorded("region__state__all__2016__all") if each["id"] == "cluster/state/15/22/2016"
    ]
    assert (code, found["record"]) == (0, original)


def test_the_files_give_equal_content(live: tuple[Observatory, dict[str, Any]], tmp_path: Path) -> None:
    observatory, _ = live
    files = Observatory(tmp_path / "files")
    code, harvest = files.harvest_files(RECORDED)
    assert (code, harvest["status"], harvest["records"], harvest["empty"]) == (0, "accepted", 64789, 15094)
    from_files, from_live = files.contents(), observatory.contents()
    # The registry of organisations is only ever a file, and so is whom they serve.
    assert {name for name in from_live if from_files[name] != from_live[name]} == {
        "organisations",
        "links",
        "id_ledger",
    }
    assert files.value("SELECT count(*) FROM organisations") == 145
    assert files.value("SELECT count(*) FROM links SEMI JOIN organisations ON from_id = organisation_id") == 30
    assert files.value("SELECT count(*) FROM links ANTI JOIN organisations ON from_id = organisation_id") == 0
