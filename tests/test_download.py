"""Big files: streamed, resumed after a break, begun anew where they changed, archived like any answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Observatory

from crawlers import harvest as harvests
from crawlers.download import ChangedError, Part
from crawlers.evidence import Evidence
from replicas import usaid
from replicas.server import Fault, Replica

FA = "usaid.foreignassistance"
PATTERN = "*us_foreign_aid_complete.csv"
Service = Replica[usaid.ForeignAssistance]


@pytest.fixture
def service() -> Iterator[Service]:
    with usaid.replica(usaid.ForeignAssistance(activities=40)) as replica:
        yield replica


def options(service: Service, **given: str) -> list[str]:
    given = {"delay": "0", "retries": "1", "bulk": "true"} | given
    sets = [part for name, value in given.items() for part in ("--set", f"{FA}.{name}={value}")]
    return ["--route", "replica", "--base-url", f"{FA}={service.base_url}/data-api", *sets]


def harvested(observatory: Observatory, service: Service, **given: str) -> dict[str, object]:
    _, document = observatory.run("harvest", FA, *options(service, **given), "--no-publish")
    [harvest] = document["harvests"]
    return dict(harvest)


def whole(service: Service) -> bytes:
    request = type("Asked", (), {"headers": {}})()
    return service.app.bulk(request).body


def archived(observatory: Observatory) -> bytes:
    """Return the bulk file as the newest harvest archived it."""
    record = next(harvests.harvests(observatory.home, FA, newest_first=True))
    [document] = [
        document
        for document in Evidence(observatory.home, FA).documents(record.harvest_id)
        if document.url.endswith(".csv") and document.http_status == 200
    ]
    return document.body


def asked(service: Service) -> list[str | None]:
    """Return what was asked for of the bulk file, by GET."""
    gets = [request for request in service.requests if request.method == "GET" and request.path.endswith(".csv")]
    return [request.headers.get("range") for request in gets]


def test_a_break_is_resumed_and_the_whole_is_one_answer(observatory: Observatory, service: Service) -> None:
    service.app.robots = "User-agent: *\nDisallow: /nothing\n"
    service.faults.append(Fault(PATTERN, times=0))
    body = whole(service)
    service.faults = [Fault(f"{PATTERN}", times=1), Fault(PATTERN, times=1, cut=50_000)]  # the first is the HEAD
    harvest = harvested(observatory, service)
    assert (harvest["status"], harvest["records"]) == ("accepted", 4 * 40 * 3 - 4 * 8 * 3), harvest
    assert asked(service) == [None, "bytes=50000-"]
    resumed = service.requests[-1]
    assert (resumed.headers["if-range"], resumed.headers["accept-encoding"]) == ('"1"', "identity")
    assert "ClusterObservatory" in resumed.headers["user-agent"]
    assert archived(observatory) == body
    assert not list((observatory.home / "staging" / FA).glob("downloads/*"))
    # An unchanged head is all that is asked for.
    before = len(service.requests)
    assert harvested(observatory, service)["status"] == "unchanged"
    assert [request.method for request in service.requests[before:]] == ["GET", "HEAD"]  # robots.txt, and the head


@pytest.mark.parametrize("how", ["ignores", "changes", "weak", "lies"])
def test_what_cannot_be_resumed_starts_anew(observatory: Observatory, service: Service, how: str) -> None:
    service.faults = [Fault(PATTERN, times=1), Fault(PATTERN, times=1, cut=50_000)]
    assert harvested(observatory, service, retries="0")["status"] in {"failed", "partial"}
    [part] = (observatory.home / "staging" / FA / "downloads").glob("*.part")
    assert part.stat().st_size == 50_000
    service.requests.clear()
    if how == "ignores":
        service.app.ranges = False
    elif how == "weak":
        service.app.etag = service.app.changed = 'W/"2"'
    else:
        service.app.etag, service.app.activities = '"2"', 41
    if how == "lies":  # the rest of another file, whatever If-Range says
        state = part.with_suffix(".json")
        state.write_text(state.read_text("utf-8").replace('\\"1\\"', '\\"2\\"').replace("02 Sep", "01 Sep"), "utf-8")
    harvest = harvested(observatory, service, retries="2")
    assert harvest["status"] == "accepted", harvest
    assert archived(observatory) == whole(service)
    assert asked(service) == (["bytes=50000-", None] if how == "lies" else ["bytes=50000-"])


def test_a_file_over_the_limit_is_refused_before_it_is_read(observatory: Observatory, service: Service) -> None:
    service.app.activities = 2000
    harvest = harvested(observatory, service, max_download_mb="1", retries="0")
    assert harvest["status"] == "failed"
    assert "over the limit of 1048576" in str(harvest["reason"])
    assert asked(service) == [None]


def test_sigterm_keeps_the_part_and_the_next_harvest_goes_on(tmp_path: Path, service: Service) -> None:
    observatory = Observatory(tmp_path / "home")
    service.faults = [Fault(PATTERN, times=1), Fault(PATTERN, times=1, cut=60_000, hang=60)]
    child = subprocess.Popen(
        [sys.executable, "-m", "cli", "harvest", FA, *options(service), "--home", str(observatory.home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    downloads = observatory.home / "staging" / FA / "downloads"
    while not any(path.stat().st_size for path in downloads.glob("*.json")):
        time.sleep(0.02)
        assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert child.wait(15) == 1
    [record] = harvests.harvests(observatory.home)
    assert record.status == "partial"
    [part] = downloads.glob("*.part")
    size = part.stat().st_size
    service.faults.clear()
    service.requests.clear()
    harvest = harvested(observatory, service)
    assert (harvest["status"], harvest["harvest_id"]) == ("accepted", record.harvest_id)
    assert asked(service) == [f"bytes={size}-" if size else None]
    assert archived(observatory) == whole(service)


def test_a_part_without_a_validator_is_never_gone_on_with(tmp_path: Path) -> None:
    part = Part(tmp_path, FA, "https://example.org/a.csv")
    with part.begin(200, {"etag": 'W/"1"'}, 10) as stream:
        stream.write(b"01234")
    assert Part(tmp_path, FA, part.url).headers() == {"Accept-Encoding": "identity"}
    with part.begin(200, {"etag": '"1"'}, 10) as stream:
        stream.write(b"01234")
    part = Part(tmp_path, FA, part.url)
    assert part.headers() == {"Accept-Encoding": "identity", "Range": "bytes=5-", "If-Range": '"1"'}
    with pytest.raises(ChangedError, match="it starts anew"):
        part.begin(206, {"etag": '"1"', "content-range": "bytes 4-9/10"}, 6)
    assert part.size == 0
    with part.begin(200, {"last-modified": "yesterday"}, 10) as stream:
        stream.write(b"0123456789")
    assert part.headers()["Range"] == "bytes=9-"  # so that the server says whether it is the same
    with part.begin(206, {"last-modified": "yesterday", "content-range": "bytes 9-9/10"}, 1) as stream:
        stream.write(b"9")
    assert (part.is_whole(), part.path.read_bytes()) == (True, b"0123456789")
