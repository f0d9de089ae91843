"""The route wayback: two dialects of a web archive's index, what is evidence and what is not, the fallback to it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import FEED, Observatory
from hypothesis import given
from hypothesis import strategies as st

from crawlers import harvest as harvests
from crawlers.evidence import Document, Evidence
from crawlers.harvest import Harvest
from crawlers.source import feeds
from crawlers.wayback import Capture, archived_at, choose, gone, read_index
from replicas.server import Fault, Replica, Request, Response
from replicas.us import ClusterMapping

ROOT = Path(__file__).parent.parent
PATHS = [
    "/meta/years",
    "/meta/clusters",
    "/meta/regions",
    "/region",
    "/region/state/all/2016/22?limit=10000&start=0&sort=id+asc",
]
IDS = {"clusters": "22", "archive_delay": "0"}
SITE = "http://127.0.0.1:9/data"  # nothing listens on port 9
FIELDS = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]

US = Replica[ClusterMapping]


@dataclass
class InternetArchive:
    """Speaks as the Internet Archive does.

    Attributes:
        captures: address → timestamp → what was captured; a header Location makes a redirect.
    """

    captures: dict[str, dict[str, Response]]
    base_path: str = ""
    robots: str | None = None
    live: frozenset[str] = field(default_factory=frozenset)  # addresses passed on from the live web

    def respond(self, request: Request) -> Response:
        """Answer index and captures."""
        if request.path == "/cdx/search/cdx":
            address = request.query["url"]
            found = self.captures.get(address, {})
            rows = [["key", at, address, "-", str(told.status), "-", "1"] for at, told in found.items()]
            revisit = ["key", "20251231000000", address, "warc/revisit", "-", "-", "1"]
            return Response(json.dumps([FIELDS, *rows, revisit] if rows else []).encode())
        place, _, address = request.target.removeprefix("/web/").partition("id_/")
        told = self.captures.get(address, {}).get(place)
        if told is None:
            return Response(b"never captured", 404)
        at = datetime.strptime(place, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        memento = {} if address in self.live else {"Memento-Datetime": format_datetime(at, usegmt=True)}
        return Response(told.body, told.status, told.media_type, {**memento, **told.headers})


@pytest.fixture(scope="module")
def answers() -> Mapping[str, bytes]:
    """Address at the site that is gone → what it once answered."""
    from replicas import us  # noqa: PLC0415  # a replica of its own, with one region type

    with us.replica(region_types=("state",), years=("2016",)) as replica:
        return {SITE + path: urllib.request.urlopen(replica.base_url + path).read() for path in PATHS}  # noqa: S310


@pytest.fixture
def archive(answers: Mapping[str, bytes]) -> Iterator[Replica[InternetArchive]]:
    captures = {address: {"20190102030405": Response(body)} for address, body in answers.items()}
    with Replica(InternetArchive(captures)) as replica:
        yield replica


def newest(observatory: Observatory) -> Harvest:
    """Return the record of the newest harvest."""
    return next(harvests.harvests(observatory.home, FEED, newest_first=True))


def offered(observatory: Observatory) -> list[Document]:
    """Return the captures among the documents of the newest harvest."""
    documents = Evidence(observatory.home, FEED).documents(newest(observatory).harvest_id)
    return [document for document in documents if document.archived_at is not None]


# What an index says ---------------------------------------------------------------------------------------------------

lines = st.lists(
    st.tuples(st.datetimes(datetime(1996, 1, 1), datetime(2026, 1, 1)), st.sampled_from(["200", "302", "404", "-"])),  # noqa: DTZ001
    min_size=1,
)


def dialects(rows: list[tuple[datetime, str]]) -> tuple[bytes, bytes]:
    """Write captures as both dialects do."""
    stamped = [(f"{at:%Y%m%d%H%M%S}", status) for at, status in rows]
    table = [FIELDS, *(["k", at, "http://x/", "text/html", status, "d", "1"] for at, status in stamped)]
    objects = [json.dumps({"timestamp": at, "url": "http://x/", "status": status}) for at, status in stamped]
    return json.dumps(table).encode(), "\n".join(objects).encode()


@given(lines)
def test_both_dialects_say_the_same(rows: list[tuple[datetime, str]]) -> None:
    table, objects = map(read_index, dialects(rows))
    assert (table[0], objects[0]) == (True, False)
    playable = [f"{at:%Y%m%d%H%M%S}" for at, status in rows if status in {"200", "302"}]
    assert [capture.timestamp for capture in table[1]] == playable
    assert table[1] == objects[1]


@given(lines, st.data())
def test_an_index_that_was_cut_off_is_refused(rows: list[tuple[datetime, str]], data: st.DataObject) -> None:
    table, objects = dialects(rows)
    with pytest.raises(ValueError, match=r"\w"):
        read_index(table[: data.draw(st.integers(1, len(table) - 1))])
    last = objects.rfind(b"\n") + 1  # at the end of a line nothing shows that more should follow
    with pytest.raises(ValueError, match=r"\w"):
        read_index(objects[: data.draw(st.integers(last + 1, len(objects) - 1))])


@pytest.mark.parametrize("body", [b"<html>", b'[{"timestamp": "1"}]', b'{"url": "x", "status": "200"}', b"5", b"\xff"])
def test_what_is_no_index_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_index(body)


def test_no_captures() -> None:
    assert read_index(b"[]") == (True, [])
    assert read_index(b"\n") == (False, [])


def test_the_nearest_or_the_newest_is_chosen() -> None:
    early, late = Capture("20150630000000", "http://x/"), Capture("20190101000000", "http://x/")
    assert choose([late, early], None) == late
    assert choose([late, early], date(2015, 7, 1)) == early
    assert choose([early, late], date(2018, 1, 1)) == late
    assert choose([], None) is None


def test_address_and_header_must_agree() -> None:
    url, told = "http://a/web/20190102030405id_/http://x/", "Wed, 02 Jan 2019 03:04:05 GMT"
    assert archived_at(url, told) == datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert archived_at(url, "Wed, 02 Jan 2019 03:04:06 GMT") is None
    assert archived_at(url, "yesterday") is None
    assert archived_at(url, None) is None
    assert archived_at("http://x/", told) is None


def test_a_replica_shows_through_an_archive(tmp_path: Path) -> None:
    """The Internet Archive gives the headers of a capture under names of its own."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    headers = [("X-Archive-Orig-X-Cluster-Observatory-Replica", "synthetic")]
    harvest_id = harvests.new_id(FEED, at)
    with Evidence(tmp_path, FEED).writer(harvest_id, "test/1") as writer:
        document = writer.exchange(
            url="http://a/x", status=200, reason="OK", response_headers=headers, body=b"x", retrieved_at=at
        )
    assert document.synthetic is True


# When a live site is gone ---------------------------------------------------------------------------------------------


def page(status: int, body: bytes = b"", media_type: str = "text/html") -> Document:
    """Return what a site answered first."""
    return Document(
        document_id="f:0", url="http://x/a", retrieved_at=datetime(2026, 1, 1, tzinfo=UTC), archived_at=None,
        http_status=status, media_type=media_type, charset=None, headers={}, sha256="", body=body, warc_file="",
        warc_offset=0, synthetic=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "errors", "why"),
    [
        (page(404), [], "http://x/a answered HTTP 404"),
        (page(410), [], "http://x/a answered HTTP 410"),
        (page(200, b"<h1>This domain is for sale</h1>"), [], "http://x/a answered the page of a parked domain"),
        (None, ["CannotResolveHostError"], "no server answers there (CannotResolveHostError)"),
        (None, ["DownloadConnectionRefusedError"], "no server answers there (DownloadConnectionRefusedError)"),
        (None, ["CannotResolveHostError", "DownloadTimeoutError"], None),
        (None, [], None),
        (page(500), [], None),
        (page(403), [], None),
        (page(200, b"<h1>Maintenance</h1>"), [], None),
        (page(200, b'["this domain is for sale"]', "application/json"), [], None),
    ],
)
def test_when_a_site_is_gone(first: Document | None, errors: list[str], why: str | None) -> None:
    stats = {f"downloader/exception_type_count/scrapy.exceptions.{name}": 1 for name in errors}
    assert gone(first, stats) == why


def test_at_is_a_date_of_feeds_with_the_route() -> None:
    feed = feeds()[FEED]
    assert feed.settings({"at": "2015-06-30"})[1]["at"] == ("2015-06-30",)
    assert feed.settings({})[1]["at"] == ()
    with pytest.raises(ValueError, match="expected a date such as 2015-06-30, got 'then'"):
        feed.settings({"at": "then"})
    with pytest.raises(ValueError, match="no parameter 'at'"):
        feeds()["ref.bcd"].settings({"at": "2015-06-30"})


# A harvest from the Internet Archive ----------------------------------------------------------------------------------


def test_captures_near_a_date(observatory: Observatory, archive: Replica[InternetArchive]) -> None:
    years, clusters, regions, *_ = (SITE + path for path in PATHS)
    captures = archive.app.captures
    captures[years]["20250101000000"] = Response(b'["2025"]')  # the newest
    to_other_time = Response(b"", 302, headers={"Location": f"/web/20190102030405id_/{clusters}"})
    captures[clusters]["20190601000000"] = to_other_time
    captures[f"{SITE}/moved"] = {"20190601000000": captures[regions].pop("20190102030405")}
    captures[regions]["20190601000000"] = Response(b"", 301, headers={"Location": f"{SITE}/moved"})
    archive.faults.append(Fault("/cdx/*meta%2Fyears*", answer=Response(b"", 429, headers={"Retry-After": "0"})))
    code, harvest = observatory.harvest(
        SITE, "--wayback-url", archive.base_url, "--no-publish", route="wayback", at="2019-06-01", **IDS
    )
    assert (code, harvest["status"], harvest["records"], harvest["route"]) == (0, "accepted", 50, "wayback")
    [warning] = harvest["warnings"]
    assert warning.endswith(
        f"{SITE}/meta/dict: expected an answer, got WebArchiveError: never captured in {archive.base_url}"
    )
    record = newest(observatory)
    assert record.evidence_at == datetime(2019, 6, 1, tzinfo=UTC)
    assert record.synthetic is True
    documents = [document for document in offered(observatory) if document.http_status == 200]
    assert len(documents) == harvest["documents"] == len(PATHS)
    assert documents[0].url == f"{archive.base_url}/web/20190102030405id_/{years}"
    asked = [request.target.partition("%2Fdata")[2][:14] for request in archive.requests if "/cdx/" in request.target]
    assert asked[:2] == ["%2Fmeta%2Fyears&output=json"[:14]] * 2
    replayed, answer = observatory.run("replay", FEED, "--no-publish")
    assert (replayed, answer["harvests"][0]["status"]) == (0, "unchanged")


def test_what_is_no_evidence_is_refused(observatory: Observatory, archive: Replica[InternetArchive]) -> None:
    years, clusters, regions, region, cells = (SITE + path for path in PATHS)
    archive.app.live = frozenset({clusters})
    archive.faults.append(Fault("/cdx/*meta%2Fregions*", answer=Response(b'[["urlkey","timest')))
    del archive.app.captures[region]
    archive.app.captures[cells] = {
        "20190102030405": Response(b"", 302, headers={"Location": "http://elsewhere.example/x"})
    }
    options = ("--wayback-url", archive.base_url, "--no-publish")
    code, harvest = observatory.harvest(SITE, *options, route="wayback", **IDS)
    assert (code, harvest["status"], harvest["rows_opened"]) == (1, "partial", 0)
    told = "\n".join(newest(observatory).failures)
    assert f"{clusters}: expected an answer, got WebArchiveError" in told
    assert "is no evidence: expected a Memento-Datetime equal to the timestamp, got none" in told
    assert f"{regions}: expected an answer, got WebArchiveError: expected an index of captures" in told
    assert f"{region}: expected an answer, got WebArchiveError: never captured in {archive.base_url}" in told
    assert "leads to http://elsewhere.example/x, a host that the feed may not touch" in told
    assert len(newest(observatory).failures) == 4
    assert [document.url.partition("id_/")[2] for document in offered(observatory) if document.http_status == 200] == [
        years
    ]

    # The archive has recovered: only what was no evidence is asked again.
    archive.app.live = frozenset()
    archive.app.captures[region] = {"20190102030405": Response(b"[]")}
    archive.requests.clear()
    observatory.harvest(SITE, *options, route="wayback", **IDS)
    targets = [request.target for request in archive.requests]
    assert not [target for target in targets if "meta%2Fyears" in target or target.endswith("meta/years")]
    assert [target for target in targets if target.endswith(f"id_/{clusters}")]
    assert [target for target in targets if "meta%2Fregions" in target]


def test_an_archive_that_stays_busy(observatory: Observatory, archive: Replica[InternetArchive]) -> None:
    archive.faults.append(Fault("/cdx/*", times=99, answer=Response(b"", 429)))
    code, harvest = observatory.harvest(SITE, "--wayback-url", archive.base_url, route="wayback", **IDS)
    assert (code, harvest["status"]) == (1, "failed")
    assert "is busy: HTTP 429 after 2 tries" in harvest["reason"]


def test_robots_of_the_archive_are_obeyed(observatory: Observatory, archive: Replica[InternetArchive]) -> None:
    archive.app.robots = "User-agent: *\nDisallow: /cdx\n"
    code, harvest = observatory.harvest(SITE, "--wayback-url", archive.base_url, route="wayback", **IDS)
    assert (code, harvest["status"]) == (1, "failed")
    assert "robots.txt" in harvest["reason"]
    assert {request.path for request in archive.requests} == {"/robots.txt"}


def test_usage(observatory: Observatory) -> None:
    code, document = observatory.run("harvest", FEED, "--route", "wayback")
    assert code == 2
    assert "contact" in document["error"]
    code, document = observatory.run("harvest", FEED, "--route", "wayback", "--wayback-url", "archive")
    assert code == 2
    assert "--wayback-url takes the address of a web archive" in document["error"]


# The fallback ---------------------------------------------------------------------------------------------------------


def test_a_closed_port_is_gone(observatory: Observatory, archive: Replica[InternetArchive]) -> None:
    options = ("--wayback-url", archive.base_url, "--no-publish")
    code, harvest = observatory.harvest(SITE, *options, route="live", retries="0", **IDS)
    assert (code, harvest["route"], harvest["status"]) == (0, "wayback", "accepted")
    why = "the live site is gone: no server answers there (DownloadConnectionRefusedError)"
    assert harvest["warnings"][0] == f"{FEED}: harvested from {archive.base_url}: {why}"
    _, status = observatory.run("status")
    [state] = [state for state in status["feeds"] if state["feed_id"] == FEED]
    assert (state["route"], state["reason"]) == ("wayback", why)
    assert [record.route for record in harvests.harvests(observatory.home, FEED)] == ["live", "wayback"]


def test_410_is_gone_and_500_is_not(
    observatory: Observatory, archive: Replica[InternetArchive], answers: Mapping[str, bytes]
) -> None:
    with Replica(InternetArchive({}, base_path="/data")) as site:
        captures = {address.replace(SITE, site.base_url): body for address, body in answers.items()}
        archive.app.captures = {address: {"20190102030405": Response(body)} for address, body in captures.items()}
        options = ("--wayback-url", archive.base_url, "--no-publish")
        site.faults.append(Fault("/data/*", times=99, answer=Response(b"", 500)))
        code, harvest = observatory.harvest(site.base_url, *options, route="live", **IDS | {"retries": "0"})
        assert (code, harvest["route"], harvest["status"]) == (1, "live", "failed")
        assert archive.requests == []
        site.faults[:] = [Fault("/data/*", times=99, answer=Response(b"", 410))]
        code, harvest = observatory.harvest(site.base_url, *options, route="live", **IDS)
    assert (code, harvest["route"], harvest["records"]) == (0, "wayback", 50)
    assert f"{site.base_url}/meta/years answered HTTP 410" in harvest["warnings"][0]


# A real pywb ----------------------------------------------------------------------------------------------------------


def pywb(name: str) -> str:
    """Return a command of pywb; it needs an environment of its own, for it does not resolve beside Scrapy."""
    found = shutil.which(name, path=f"{ROOT / '.venv-pywb' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{name} of pywb is not installed: see docs/wayback.md")
    return found


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A pywb with an empty collection: its folder and its address."""
    folder = tmp_path / "pywb"
    folder.mkdir()
    subprocess.run([pywb("wb-manager"), "init", "us"], cwd=folder, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [pywb("wayback"), "-b", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield folder, f"http://127.0.0.1:{port}/us"
        server.terminate()


def test_pywb_gives_what_the_source_gave(
    observatory: Observatory, replica: US, collection: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = collection
    assert observatory.harvest(replica.base_url)[0] == 0
    [part] = Evidence(observatory.home, FEED).parts(newest(observatory).harvest_id)
    subprocess.run([pywb("wb-manager"), "add", "us", str(part)], cwd=folder, check=True, capture_output=True)
    replica.requests.clear()
    other = Observatory(tmp_path / "other")
    code, harvest = other.harvest(replica.base_url, "--wayback-url", address, route="wayback", archive_delay="0")
    assert (code, harvest["status"], harvest["records"], harvest["warnings"]) == (0, "accepted", 3350, [])
    assert other.contents() == observatory.contents()
    assert replica.requests == []
    documents: list[dict[str, Any]] = other.sql("SELECT url, archived_at, synthetic FROM documents")
    assert documents
    assert all(row["synthetic"] and row["archived_at"] for row in documents)
    assert all(row["url"].startswith(f"{address}/20") and f"id_/{replica.base_url}" in row["url"] for row in documents)
    assert other.manifest()["synthetic"] is True
