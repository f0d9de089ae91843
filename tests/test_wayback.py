"""The route wayback: two dialects of a web archive's index, what is evidence and what is not, the fallback to it."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import scrapy
import scrapy.http
from conftest import FEED, Observatory
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner
from web_archive import FIELDS, THEN, InternetArchive

import cli
import scheduler
from crawlers import harvest as harvests
from crawlers import wayback
from crawlers.evidence import Document, Evidence
from crawlers.harvest import Harvest
from crawlers.source import Route, feeds
from crawlers.wayback import Capture, gone, memento_of, playable, ranked, read_index, same_address
from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping

ROOT = Path(__file__).parent.parent
PATHS = [
    "/meta/years",
    "/meta/clusters",
    "/meta/regions",
    "/region",
    "/region/state/all/2016/22?limit=70000&start=0&sort=id+asc",
]
IDS = {"clusters": "22", "archive_delay": "0"}
SITE = "http://127.0.0.1:9/data"  # nothing listens on port 9
YEARS, CLUSTERS, REGIONS, REGION, CELLS = (SITE + path for path in PATHS)
PARKED = b"<html><h1>This domain is for sale</h1></html>"

US = Replica[ClusterMapping]


Archive = Replica[InternetArchive]


@pytest.fixture(scope="module")
def answers() -> Mapping[str, bytes]:
    """Address at the site that is gone → what it once answered."""
    from replicas import us  # noqa: PLC0415  # a replica of its own, with one region type

    with us.replica(region_types=("state",), years=("2016",)) as replica:
        return {SITE + path: urllib.request.urlopen(replica.base_url + path).read() for path in PATHS}  # noqa: S310


@pytest.fixture
def archive(answers: Mapping[str, bytes]) -> Iterator[Archive]:
    captures = {address: {THEN: Response(body)} for address, body in answers.items()}
    with Replica(InternetArchive(captures)) as replica:
        yield replica


def newest(observatory: Observatory) -> Harvest:
    """Return the record of the newest harvest."""
    return next(harvests.harvests(observatory.home, FEED, newest_first=True))


def offered(observatory: Observatory) -> list[Document]:
    """Return the captures among the documents of the newest harvest."""
    documents = Evidence(observatory.home, FEED).documents(newest(observatory).harvest_id)
    return [document for document in documents if document.archived_at and document.http_status == 200]


def from_archive(
    observatory: Observatory, archive: Archive, route: str = "wayback", **given: str
) -> tuple[int, dict[str, Any]]:
    """Harvest the site that is gone."""
    options = ("--wayback-url", archive.base_url, "--no-publish")
    return observatory.harvest(SITE, *options, route=route, **IDS | {"retries": "0"} | given)


def state(observatory: Observatory) -> dict[str, Any]:
    """Return what `status` says of the feed."""
    _, status = observatory.run("status")
    [found] = [found for found in status["feeds"] if found["feed_id"] == FEED]
    assert isinstance(found, dict)
    return found


# What an index says ---------------------------------------------------------------------------------------------------

lines = st.lists(
    st.tuples(st.datetimes(datetime(1996, 1, 1), datetime(2026, 1, 1)), st.sampled_from(["200", "302", "404", "-"])),  # noqa: DTZ001
    min_size=1,
)


def dialects(rows: list[tuple[datetime, str]]) -> tuple[bytes, bytes]:
    """Write captures as both dialects do."""
    stamped = [(f"{at:%Y%m%d%H%M%S}", status) for at, status in rows]
    table = [FIELDS, *(["k", at, "http://x/", "text/html", status, f"d{at}", "1"] for at, status in stamped)]
    objects = [
        json.dumps({"timestamp": at, "url": "http://x/", "status": status, "digest": f"d{at}"})
        for at, status in stamped
    ]
    return json.dumps(table).encode(), "\n".join(objects).encode()


@given(lines)
def test_both_dialects_say_the_same(rows: list[tuple[datetime, str]]) -> None:
    table, objects = map(read_index, dialects(rows))
    assert (table.internet_archive, objects.internet_archive) == (True, False)
    expected = [f"{at:%Y%m%d%H%M%S}" for at, status in rows if status in {"200", "302"}]
    assert [capture.timestamp for capture in playable(table.rows, "http://x/")] == expected
    assert playable(table.rows, "http://x/") == playable(objects.rows, "http://x/")


@given(lines, st.data())
def test_an_index_that_was_broken_off_is_refused(rows: list[tuple[datetime, str]], data: st.DataObject) -> None:
    table, objects = dialects(rows)
    with pytest.raises(ValueError, match=r"\w"):
        read_index(table[: data.draw(st.integers(1, len(table) - 1))])
    last = objects.rfind(b"\n") + 1  # at the end of a line nothing shows that more should follow
    with pytest.raises(ValueError, match=r"\w"):
        read_index(objects[: data.draw(st.integers(last + 1, len(objects) - 1))])


@pytest.mark.parametrize("body", [b"<html>", b'[{"timestamp": "1"}]', b'[["a"], ["b", "c"]]', b"5", b"\xff"])
def test_what_is_no_index_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_index(body)


@pytest.mark.parametrize("row", [{"url": "x", "status": "200"}, {"timestamp": "1", "url": "x", "status": "200"}])
def test_a_row_without_a_time_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"timestamp|time data"):
        playable([row], "x")


def test_no_captures() -> None:
    assert read_index(b"[]").rows == read_index(b"\n").rows == []


def test_an_answer_that_was_cut_tells_how_to_go_on() -> None:
    row = ["k", THEN, "http://x/", "text/html", "200", "d", "1"]
    index = read_index(json.dumps([FIELDS, row, [], ["x%29+2019%21"]]).encode())
    assert (len(index.rows), index.resume_key) == (1, "x%29+2019%21")


def test_a_revisit_has_the_status_of_the_capture_with_its_digest() -> None:
    rows = [
        {"timestamp": "20150101000000", "url": "http://x/", "mime": "text/html", "status": "200", "digest": "A"},
        {"timestamp": "20160101000000", "url": "http://x/", "mime": "text/html", "status": "404", "digest": "B"},
        {"timestamp": "20170101000000", "url": "http://x/", "mime": "warc/revisit", "digest": "A"},  # pywb: no status
        {"timestamp": "20180101000000", "url": "http://x/", "mime": "warc/revisit", "status": "-", "digest": "B"},
        {"timestamp": "20190101000000", "url": "http://x/", "mime": "warc/revisit", "status": "-", "digest": "C"},
    ]
    captures = playable(rows, "http://x/")
    assert [(capture.timestamp[:4], capture.status) for capture in captures] == [("2015", "200"), ("2017", "200")]


def test_rows_of_similar_addresses_are_left_out() -> None:
    asked = "https://x.example/data?limit=10&start=20&sort=id+asc"
    same = ["http://www.x.example:80/data?sort=id%20asc&limit=10&start=20", asked]
    other = ["https://x.example/data?limit=10&start=0&sort=id+asc", "https://x.example/DATA", "http://x:y/", "http://["]
    rows = [{"timestamp": THEN, "original": url, "statuscode": "200"} for url in [*same, *other]]
    assert [capture.url for capture in playable(rows, asked)] == same


@given(st.text("abc%2/", max_size=6), st.lists(st.tuples(st.text("ab"), st.text("ab+ "))))
def test_an_address_is_its_own_whatever_the_scheme_and_order(path: str, pairs: list[tuple[str, str]]) -> None:
    query = urllib.parse.urlencode(pairs)
    other = urllib.parse.urlencode(pairs[::-1])
    assert same_address(f"https://www.x.example/{path}?{query}", f"http://x.example:80/{path}?{other}")
    assert not same_address(f"https://x.example/{path}?{query}", f"https://x.example/{path}?{query}&c=1")


def test_the_nearest_or_the_newest_comes_first_and_redirects_last() -> None:
    early, late = Capture("20150630000000", "http://x/"), Capture("20190101000000", "http://x/")
    moved = Capture("20230101000000", "http://x/", "301")
    assert ranked([early, moved, late], None) == [late, early, moved]
    assert ranked([moved, late, early], date(2015, 7, 1)) == [early, late, moved]
    assert ranked([early, late], date(2018, 1, 1)) == [late, early]
    assert ranked([], None) == []


# What is evidence -----------------------------------------------------------------------------------------------------

ADDRESS = "http://x.example/data?a=1&b=2"
TOLD = {"Memento-Datetime": "Wed, 02 Jan 2019 03:04:05 GMT"}


def memento(headers: Mapping[str, str], body: bytes = b"x", status: int = 200) -> datetime | None:
    """Return when an answer to the question for a capture of 2019 was captured; the crawl began in 2020."""
    meta = {"capture": Capture("20190601000000", ADDRESS), "began": datetime(2020, 1, 1, tzinfo=UTC)}
    request = scrapy.Request(f"http://a/web/20190601000000id_/{ADDRESS}", meta=meta)
    return memento_of(request, scrapy.http.Response(request.url, status, dict(headers), body))


def test_the_archive_says_when_it_captured_what_it_answers() -> None:
    """Where it has no capture of just that second, pywb answers the nearest without a redirect."""
    at = datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert memento(TOLD) == at
    assert memento({**TOLD, "Link": f'<http://a/timemap>; rel="timemap", <{ADDRESS}>; rel="original"'}) == at


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Memento-Datetime": "yesterday"},
        {"Memento-Datetime": "Wed, 01 Jan 2020 00:00:00 GMT"},  # captured since we began: the live web
        {**TOLD, "Link": '<http://x.example/data?a=1&b=3>; rel="original"'},
    ],
)
def test_what_is_no_capture_of_the_address_is_no_evidence(headers: Mapping[str, str]) -> None:
    assert memento(headers) is None


def test_the_page_of_a_parked_domain_is_no_evidence() -> None:
    html = {**TOLD, "Content-Type": "text/html; charset=utf-8"}
    assert memento(html, b"<p>fine</p>") is not None
    assert memento(html, PARKED) is None
    assert memento({**html, "Content-Encoding": "gzip"}, gzip.compress(PARKED)) is None
    assert memento({**TOLD, "Content-Type": "application/json"}, PARKED) is not None


def test_the_archives_own_answers_are_no_evidence() -> None:
    request = scrapy.Request("http://a/cdx?url=x")
    assert memento_of(request, scrapy.http.Response(request.url, 200, TOLD)) is None


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


def test_a_secret_is_not_told_to_an_archive() -> None:
    asked = wayback._asked_of_archive  # noqa: SLF001  # where it is made
    assert asked("https://x/data?get=A,B&key=s3cret&for=county:*") == "https://x/data?get=A,B&for=county:*"
    assert asked("https://x/data?key=s3cret") == "https://x/data"
    assert asked("https://x/data?keys=1&a=2") == "https://x/data?keys=1&a=2"


def test_the_key_of_an_api_stays_with_us(
    observatory: Observatory, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSERVATORY_CENSUS_KEY", "s3cret")
    variables = "https://api.census.gov/data/2016/cbp/variables.json"
    names = {key: {"label": "synthetic"} for key in ("NAICS2012", "EMP", "PAYANN", "PAYQTR1", "ESTAB")}
    archive.app.captures[variables] = {THEN: Response(json.dumps({"variables": names}).encode())}
    options = ("--route", "wayback", "--wayback-url", archive.base_url, "--set", "us.cbp.archive_delay=0")
    code, document = observatory.run("harvest", "us.cbp", *options)
    [harvest] = document["harvests"]
    assert (code, harvest["status"]) == (3, "held")
    [address] = harvest["never_captured"]
    assert address.startswith("https://api.census.gov/data/2016/cbp?get=")
    assert "key" not in address
    asked = [request.query["url"] for request in archive.requests if "/cdx/" in request.target]
    assert asked == [variables, address]
    assert "s3cret" not in "".join(request.target for request in archive.requests)


# When a live site is gone ---------------------------------------------------------------------------------------------


def page(status: int, body: bytes = b"", media_type: str = "text/html", url: str = "http://x/a") -> Document:
    """Return what a site answered."""
    return Document(
        document_id="f:0", url=url, retrieved_at=datetime(2026, 1, 1, tzinfo=UTC), archived_at=None,
        http_status=status, media_type=media_type, charset=None, headers={}, sha256="", content=body, warc_file="",
        warc_offset=0, synthetic=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "errors", "why"),
    [
        ([page(404)], [], "http://x/a answered HTTP 404"),
        ([page(410)], [], "http://x/a answered HTTP 410"),
        ([page(404, url="http://x/robots.txt"), page(410)], [], "http://x/a answered HTTP 410"),
        ([page(301), page(404, url="https://x/a")], [], "http://x/a answered HTTP 404"),
        ([page(200, PARKED)], [], "http://x/a answered the page of a parked domain"),
        ([], ["CannotResolveHostError"], "no server answers there (CannotResolveHostError)"),
        ([], ["DownloadConnectionRefusedError"], "no server answers there (DownloadConnectionRefusedError)"),
        ([], ["CannotResolveHostError", "DownloadTimeoutError"], None),
        ([], ["DownloadFailedError"], None),
        ([page(301)], ["CannotResolveHostError"], None),
        ([page(200), page(404)], [], None),
        ([page(404), page(200)], [], None),
        ([page(404), page(410)], [], "http://x/a answered HTTP 404"),
        ([], [], None),
        ([page(500)], [], None),
        ([page(403)], [], None),
        ([page(200, b"<h1>Maintenance</h1>")], [], None),
        ([page(200, b'["this domain is for sale"]', "application/json")], [], None),
    ],
)
def test_when_a_site_is_gone(answers: list[Document], errors: list[str], why: str | None) -> None:
    stats = {f"downloader/exception_type_count/scrapy.exceptions.{name}": 1 for name in errors}
    assert gone(answers, stats) == why


def test_at_is_a_date_of_feeds_with_the_route() -> None:
    feed = feeds()[FEED]
    assert feed.settings({"at": "2015-06-30"})[1]["at"] == ("2015-06-30",)
    assert feed.settings({})[1]["at"] == ()
    with pytest.raises(ValueError, match="expected a date such as 2015-06-30, got 'then'"):
        feed.settings({"at": "then"})
    with pytest.raises(ValueError, match="no parameter 'at'"):
        feeds()["ref.bcd"].settings({"at": "2015-06-30"})


# A harvest from the Internet Archive ----------------------------------------------------------------------------------


def test_captures_near_a_date(observatory: Observatory, archive: Archive) -> None:
    captures = archive.app.captures
    captures[YEARS]["20250101000000"] = Response(b'["2025"]')  # the newest
    captures[CLUSTERS]["20250101000000"] = Response(b"", 302, headers={"Location": "http://elsewhere.example/"})
    captures[CLUSTERS]["20190601000000"] = Response(b"{}")  # the archive cannot play it, and leads to the nearest
    to_other_time = Response(b"", 302, headers={"Location": f"/web/{THEN}id_/{CLUSTERS}"})
    archive.faults.append(Fault("/web/20190601000000id_/*clusters", answer=to_other_time))
    archive.app.hidden[f"{SITE}/moved"] = {"20190601000000": captures[REGIONS].pop(THEN)}
    captures[REGIONS]["20190601000000"] = Response(b"", 301, headers={"Location": f"{SITE}/moved"})
    archive.app.page = 1  # the index cuts its answers
    archive.faults.append(Fault("/cdx/*meta%2Fyears*", answer=Response(b"", 429, headers={"Retry-After": "0"})))
    options = ("--wayback-url", archive.base_url)
    code, harvest = observatory.harvest(SITE, *options, route="wayback", at="2019-06-01", **IDS)
    assert (code, harvest["status"], harvest["records"], harvest["route"]) == (0, "accepted", 50, "wayback")
    assert harvest["never_captured"] == [f"{SITE}/meta/dict"]
    assert harvest["warnings"] == [f"{FEED}: 1 addresses were never captured in {archive.base_url}: {SITE}/meta/dict"]
    record = newest(observatory)
    assert record.evidence_at == datetime(2019, 6, 1, tzinfo=UTC)
    assert record.synthetic is True
    assert len(offered(observatory)) == harvest["documents"] == len(PATHS)
    asked = [request.query.get("url") for request in archive.requests if "/cdx/" in request.target]
    assert asked[:3] == [YEARS] * 3  # refused, then two pages

    # What is published leads to the archive, and says when it was captured.
    [document] = observatory.sql(f"SELECT DISTINCT url, archived_at FROM documents WHERE url LIKE '%{PATHS[-1]}'")
    assert document == {"url": f"{archive.base_url}/web/{THEN}id_/{CELLS}", "archived_at": "2019-01-02T03:04:05Z"}
    _, traced = observatory.run("trace", "observations", f"{FEED}:state:01:22", "employment")
    assert traced["document"]["url"] == document["url"]
    assert traced["document"]["archived_at"] == document["archived_at"]
    assert observatory.value("SELECT evidence_at FROM harvests") == "2019-06-01T00:00:00Z"
    assert (state(observatory)["evidence_at"], state(observatory)["never_captured"]) == ("2019-06-01T00:00:00Z", 1)
    printed = CliRunner().invoke(cli.app, ["status", "--home", str(observatory.home)]).stdout
    assert f"{FEED}: 1 addresses were never captured: see {observatory.home}/archive/{FEED}/" in printed

    replayed, answer = observatory.run("replay", FEED, "--no-publish")
    assert (replayed, answer["harvests"][0]["status"]) == (0, "unchanged")
    assert answer["harvests"][0]["never_captured"] == harvest["never_captured"]


def test_what_is_no_evidence_is_refused(observatory: Observatory, archive: Archive) -> None:
    archive.app.live = frozenset({CLUSTERS})
    archive.faults.append(Fault("/cdx/*meta%2Fregions*", answer=Response(b'[["urlkey","timest')))
    to_other_address = Response(b"", 302, headers={"Location": f"/web/{THEN}id_/{SITE}/elsewhere"})
    archive.faults.append(Fault(f"/web/{THEN}id_/*/region", answer=to_other_address))
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"], harvest["rows_opened"]) == (1, "partial", 0)
    told = newest(observatory).failures
    assert len(told) == 3
    for address, why in {
        CLUSTERS: "is no evidence: it has no Memento-Datetime",
        REGIONS: "expected an index of captures",
        REGION: "leads to a capture of another address",
    }.items():
        [failure] = [one for one in told if f" {address}: expected an answer, got WebArchiveError" in one]
        assert why in failure
    assert [document.url.partition("id_/")[2] for document in offered(observatory)] == [YEARS, CELLS]

    # The archive has recovered: only what was no evidence is asked again.
    archive.app.live = frozenset()
    archive.requests.clear()
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"]) == (0, "accepted")
    targets = [request.target for request in archive.requests if request.path != "/robots.txt"]
    assert sorted(target.partition("data")[2] for target in targets) == [
        "%2Fmeta%2Fregions&output=json&showResumeKey=true",
        "/meta/clusters",
        "/meta/regions",
        "/region",
    ]


def test_a_capture_that_is_no_evidence_is_passed_over(observatory: Observatory, archive: Archive) -> None:
    """A domain that was sold goes on being captured, and every page of it says the same."""
    captures = archive.app.captures
    for year in range(2020, 2026):
        captures[YEARS][f"{year}0101000000"] = Response(PARKED, media_type="text/html")
        captures[CELLS][f"{year}0101000000"] = Response(b"", 404)
    captures[REGIONS]["20210101000000"] = Response(b"{}")
    archive.faults.append(Fault("/web/20210101000000id_/*", times=9, answer=Response(b"blocked", 403)))
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    assert newest(observatory).evidence_at == datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC)
    played = [request.path for request in archive.requests if request.path.endswith("/meta/years")]
    assert [path[5:9] for path in played] == ["2025", "2019"]


def test_what_was_never_captured_is_judged_by_the_denominator(observatory: Observatory, archive: Archive) -> None:
    """It is no failure that a later try mends: the harvest is complete or held, and its operator decides once."""
    del archive.app.captures[CLUSTERS]
    archive.app.captures[REGIONS] = {THEN: Response(b"", 302, headers={"Location": "http://elsewhere.example/"})}
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"]) == (3, "held")
    record = newest(observatory)
    assert record.failures == []
    assert record.never_captured == [CLUSTERS, REGIONS, f"{SITE}/meta/dict"]
    assert f"3 addresses were never captured in {archive.base_url}: {CLUSTERS}, {REGIONS}, " in (record.reason or "")
    assert f"{REGIONS}: no capture is evidence" in "".join(record.warnings)
    assert state(observatory)["never_captured"] == 3

    archive.requests.clear()
    code, again = from_archive(observatory, archive)
    assert again["harvest_id"] != harvest["harvest_id"]  # there is nothing to go on with

    code, accepted = observatory.run("accept", again["harvest_id"], "--reason", "all there is", "--no-publish")
    assert (code, accepted["harvests"][0]["status"]) == (0, "accepted")


def test_an_archive_that_has_nothing(observatory: Observatory, archive: Archive) -> None:
    archive.app.captures.clear()
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"]) == (1, "failed")
    assert f"5 addresses were never captured in {archive.base_url}: {YEARS}, {CLUSTERS}, {REGIONS}" in harvest["reason"]
    assert "and 2 more, all listed as never_captured in harvest.json" in harvest["reason"]
    assert "is it the right archive" in harvest["reason"]


def test_captures_that_lie_far_apart_are_told(observatory: Observatory, archive: Archive) -> None:
    archive.app.captures[YEARS] = {"20110101000000": archive.app.captures[YEARS][THEN]}
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"]) == (0, "accepted")
    assert "the captures are of 2011-01-01 to 2019-01-02, more than the 400 days" in harvest["warnings"][1]


def test_evidence_older_than_what_is_loaded_is_held(observatory: Observatory, archive: Archive, replica: US) -> None:
    assert observatory.harvest(replica.base_url, "--no-publish", clusters="22")[0] == 0
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"], harvest["rows_opened"], harvest["rows_changed"]) == (3, "held", 0, 0)
    assert "has the same scope and newer evidence, and is loaded" in harvest["reason"]


def test_an_archive_that_stays_busy_is_left_alone(observatory: Observatory, archive: Archive) -> None:
    archive.faults.append(Fault("/cdx/*", times=99, answer=Response(b"", 429)))
    code, harvest = from_archive(observatory, archive, retries="1")
    assert (code, harvest["status"]) == (1, "failed")
    assert "is busy or failing: HTTP 429 after 2 tries" in harvest["reason"]
    assert len([request for request in archive.requests if "/cdx/" in request.target]) == 2  # not for each address


def test_an_archive_that_fails_is_asked_for_three_addresses(observatory: Observatory, archive: Archive) -> None:
    archive.faults.append(Fault("/cdx/*", times=99, answer=Response(b"", 502)))
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"]) == (1, "failed")
    assert len([request for request in archive.requests if "/cdx/" in request.target]) == 3


def test_robots_of_the_archive_are_obeyed(observatory: Observatory, archive: Archive) -> None:
    archive.app.robots = "User-agent: *\nDisallow: /cdx\n"
    code, harvest = from_archive(observatory, archive)
    assert (code, harvest["status"]) == (1, "failed")
    assert f"{archive.base_url}: Forbidden by robots.txt" in harvest["reason"]
    assert {request.path for request in archive.requests} == {"/robots.txt"}


def test_usage(observatory: Observatory) -> None:
    code, document = observatory.run("harvest", FEED, "--route", "wayback")
    assert code == 2
    assert "contact" in document["error"]
    code, document = observatory.run("harvest", FEED, "--route", "wayback", "--wayback-url", "archive")
    assert code == 2
    assert "--wayback-url takes the address of a web archive" in document["error"]


# Any feed: pages with links, a sitemap, a site that moved -------------------------------------------------------------

PAGES = """
    import json, sys
    from pathlib import Path
    from crawlers import crawl, harvest
    from crawlers.source import Feed, feeds
    from crawlers.spider import Spider

    class FeedSpider(Spider):
        name = "xx.pages"

        async def start(self):
            yield self.request("/sitemap.xml", self.listed)

        def listed(self, response):
            for address in response.xpath("//*[local-name()='loc']/text()").getall():
                yield response.follow(address, self.page, errback=self.not_answered)

        def page(self, response):
            print(json.dumps([response.url, response.css("h1::text").get()]))
            for link in response.css("a::attr(href)").getall():
                yield response.follow(link, self.page, errback=self.not_answered)

    feed = feeds()["us.clustermapping"].model_copy(update={"source_id": "xx", "prefix": "xx", "name": "pages"})
    Feed.module = lambda self: sys.modules["__main__"]
    crawl.feeds = lambda: {"xx.pages": feed}
    limits, parameters = feed.settings({"archive_delay": "0"})
    at = harvest.now()
    record = harvest.Harvest(
        harvest_id=harvest.new_id("xx.pages", at), feed_id="xx.pages", route="wayback", base_url="http://x.example",
        wayback_url=sys.argv[2], parameters=parameters, limits=limits, started_at=at, software_version="test",
    )
    crawl.run(Path(sys.argv[1]), record, "none, loopback only")
"""


def test_a_feed_of_pages_needs_no_code_of_its_own(tmp_path: Path) -> None:
    def html(title: str, *links: str) -> Response:
        anchors = "".join(f"<a href='{link}'>x</a>" for link in links)
        return Response(f"<h1>{title}</h1>{anchors}".encode(), media_type="text/html")

    site = "http://x.example"
    sitemap = f"<urlset><url><loc>{site}/old</loc></url><url><loc>{site}/b?x=1</loc></url></urlset>"
    captures = {
        f"{site}/sitemap.xml": {THEN: Response(sitemap.encode(), media_type="application/xml")},
        f"{site}/old": {THEN: Response(b"", 301, headers={"Location": f"{site}/new/page"})},
        f"{site}/new/page": {"20190102040000": html("moved", "sister", "/lost")},
        f"{site}/new/sister": {THEN: html("sister", "/b?x=1")},
        f"{site}/b?x=1": {THEN: html("b")},
    }
    with Replica(InternetArchive(captures)) as archive:
        # The second leg of a redirect is asked for with the time of the first, and led to the nearest capture.
        nearest = Response(b"", 302, headers={"Location": f"/web/20190102040000id_/{site}/new/page"})
        archive.faults.append(Fault(f"/web/{THEN}id_/{site}/new/page", answer=nearest))
        script = tmp_path / "feed.py"
        script.write_text(textwrap.dedent(PAGES))
        command = [sys.executable, str(script), str(tmp_path), archive.base_url]
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    pages = [json.loads(line) for line in output.stdout.splitlines() if line.startswith("[")]
    assert sorted(pages) == [
        [f"{site}/b?x=1", "b"],
        [f"{site}/new/page", "moved"],  # its links are read against the address that it moved to
        [f"{site}/new/sister", "sister"],
    ]
    [record] = harvests.harvests(tmp_path)
    assert record.never_captured == [f"{site}/lost"]
    assert record.failures == []


# The fallback ---------------------------------------------------------------------------------------------------------


def test_a_scheduled_feed_falls_back_and_status_says_why(observatory: Observatory, archive: Archive) -> None:
    given = {"region_types": "state", "years": "2016", "clusters": "22", "archive_delay": "0", "delay": "0"}
    pairs = ", ".join(f'{name} = "{value}"' for name, value in (given | {"retries": "0"}).items())
    observatory.home.mkdir()
    (observatory.home / "observatory.toml").write_text(
        f'wayback_url = "http://127.0.0.1:9/other"\n'
        f'[feeds."{FEED}"]\nbase_url = "{SITE}"\nwayback_url = "{archive.base_url}/"\nset = {{ {pairs} }}\n'
    )
    archive.faults.append(Fault("/web/*/region/*", answer=Response(b"", 429)))
    scheduler.harvest_feed(str(observatory.home), FEED)
    live, stand_in = harvests.harvests(observatory.home, FEED)
    why = "no server answers there (DownloadConnectionRefusedError)"
    assert [(record.route, record.status, record.gone) for record in (live, stand_in)] == [
        ("live", "failed", why),
        ("wayback", "partial", why),
    ]

    # What was interrupted is gone on with; the live site is not asked again for that.
    scheduler.harvest_feed(str(observatory.home), FEED)
    assert [record.harvest_id for record in harvests.harvests(observatory.home, FEED)] == [
        live.harvest_id,
        stand_in.harvest_id,
    ]
    found = state(observatory)
    assert (found["route"], found["last_status"], found["gone"], found["health"]) == (
        "wayback",
        "accepted",
        why,
        "stale",
    )
    published = json.loads((observatory.home / "published" / "status.json").read_text("utf-8"))
    [told] = [told for told in published["feeds"] if told["feed_id"] == FEED]
    assert (told["route"], told["gone"], told["never_captured"]) == ("wayback", why, 1)
    printed = CliRunner().invoke(cli.app, ["status", "--home", str(observatory.home)]).stdout
    assert f"{FEED}: the live site is gone: {why}" in printed
    _, checks = observatory.run("doctor")
    [check] = [check for check in checks["checks"] if check["name"] == "live sites"]
    assert (check["ok"], why in check["found"]) == (False, True)


@contextmanager
def site(answers: Mapping[str, bytes], archive: Archive) -> Iterator[Archive]:
    """A live site that answers nothing but faults, and was captured."""
    with Replica(InternetArchive({}, base_path="/data")) as replica:
        captures = {address.replace(SITE, replica.base_url): body for address, body in answers.items()}
        archive.app.captures = {address: {THEN: Response(body)} for address, body in captures.items()}
        yield replica


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Response(b"", 410), "answered HTTP 410"),
        (Response(PARKED, media_type="text/html"), "answered the page of a parked domain"),
    ],
    ids=["410", "parked"],
)
def test_what_is_gone_is_harvested_from_the_archive(
    observatory: Observatory, archive: Archive, answers: Mapping[str, bytes], answer: Response, why: str
) -> None:
    with site(answers, archive) as live:
        live.faults.append(Fault("/data/*", times=99, answer=answer))
        options = ("--wayback-url", archive.base_url, "--no-publish")
        code, harvest = observatory.harvest(live.base_url, *options, route="live", **IDS)
        assert (code, harvest["route"], harvest["records"]) == (0, "wayback", 50)
        assert harvest["gone"] == f"{live.base_url}/meta/years {why}"
        assert f"harvested from {archive.base_url}, for the live site is gone: " in harvest["warnings"][0]


@pytest.mark.parametrize(
    ("fault", "robots", "told"),
    [
        (Fault("/data/*", times=99, answer=Response(b"", 500)), None, "HTTP 500"),
        (Fault("/data/*", times=99, delay=5), None, "DownloadTimeoutError"),
        (Fault("/data/*", times=99, reset=True), None, "DownloadFailedError"),
        (Fault("/nothing", times=0), "User-agent: *\nDisallow: /\n", "Forbidden by robots.txt"),
    ],
    ids=["500", "timeout", "reset", "robots"],
)
def test_what_may_be_there_is_not(
    observatory: Observatory,
    archive: Archive,
    answers: Mapping[str, bytes],
    fault: Fault,
    robots: str | None,
    told: str,
) -> None:
    with site(answers, archive) as live:
        live.faults.append(fault)
        live.app.robots = robots
        options = ("--wayback-url", archive.base_url, "--no-publish")
        limits = {"retries": "0", "timeout": "0.5"}
        code, harvest = observatory.harvest(live.base_url, *options, route="live", **IDS | limits)
    assert (code, harvest["route"], harvest["status"], harvest["gone"]) == (1, "live", "failed", None)
    assert told in harvest["reason"]
    assert archive.requests == []


# Certificates ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server that answers 404, and the file with the certificate that it signed itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, loopback = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    public, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    public.write_bytes(certificate.public_bytes(pem))
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))

    class Absent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    with HTTPServer(("127.0.0.1", 0), Absent) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}", public
        server.shutdown()


def test_a_certificate_that_is_not_trusted_is_an_error(
    observatory: Observatory, archive: Archive, self_signed: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, certificate = self_signed
    options = ("--wayback-url", archive.base_url, "--no-publish")
    code, harvest = observatory.harvest(f"{address}/data", *options, route="live", **IDS | {"retries": "0"})
    assert (code, harvest["route"], harvest["status"], harvest["gone"]) == (1, "live", "failed", None)
    assert "certificate verify failed" in harvest["reason"]
    assert "Certificates are always checked" in harvest["reason"]
    assert "SSL_CERT_FILE" in harvest["reason"]
    assert archive.requests == []

    # So is that of an archive.
    code, harvest = observatory.harvest(SITE, "--wayback-url", address, "--no-publish", route="wayback", **IDS)
    assert (code, harvest["status"]) == (1, "failed")
    assert "certificate verify failed" in harvest["reason"]

    # It was the certificate and nothing else: once it is trusted, the server is heard, and says that the site is gone.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _, harvest = observatory.harvest(f"{address}/data", *options, route="live", **IDS | {"retries": "0"})
    assert (harvest["route"], harvest["gone"]) == ("wayback", f"{address}/data/meta/years answered HTTP 404")


# A real pywb ----------------------------------------------------------------------------------------------------------

PYWB = ROOT / ".venv-pywb"


@dataclass(frozen=True, slots=True)
class Pywb:
    """A running pywb with one collection.

    Attributes:
        folder: in which it runs.
        address: of the collection.
    """

    folder: Path
    address: str

    def add(self, observatory: Observatory) -> None:
        """Give it the WARC of the newest harvest."""
        record = newest(observatory)
        [part] = Evidence(observatory.home, FEED).parts(record.harvest_id)
        copy = self.folder / f"{record.harvest_id}.warc.gz"
        shutil.copy(part, copy)
        self.manage("add", "us", str(copy))

    def manage(self, *arguments: str) -> None:
        """Run a command of wb-manager."""
        subprocess.run([PYWB / "bin" / "wb-manager", *arguments], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture
def pywb(tmp_path: Path) -> Iterator[Pywb]:
    if not (PYWB / "ready").exists():
        pytest.skip("needs pywb in an environment of its own: run `make pywb`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    archive = Pywb(tmp_path / "pywb", f"http://127.0.0.1:{port}/us")
    archive.folder.mkdir()
    archive.manage("init", "us")
    command = [str(PYWB / "bin" / "wayback"), "-b", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, cwd=archive.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(600):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield archive
        server.terminate()


@pytest.mark.pywb
def test_pywb_gives_what_the_source_gave(observatory: Observatory, replica: US, pywb: Pywb, tmp_path: Path) -> None:
    assert observatory.harvest(replica.base_url)[0] == 0
    pywb.add(observatory)
    replica.requests.clear()
    other = Observatory(tmp_path / "other")
    options = ("--wayback-url", pywb.address)
    code, harvest = other.harvest(replica.base_url, *options, route="wayback", archive_delay="0")
    assert (code, harvest["status"], harvest["records"], harvest["warnings"]) == (0, "accepted", 3350, [])
    assert other.contents() == observatory.contents()
    assert replica.requests == []
    documents = other.sql("SELECT url, archived_at, synthetic FROM documents")
    assert documents
    assert all(row["synthetic"] and row["archived_at"] for row in documents)
    assert all(
        row["url"].startswith(f"{pywb.address}/20") and f"id_/{replica.base_url}" in row["url"] for row in documents
    )
    assert other.manifest()["synthetic"] is True
    first = newest(other).evidence_at

    # The second WARC holds revisits: nothing has changed at the source, and the data is as new as they are.
    assert observatory.harvest(replica.base_url)[1]["status"] == "unchanged"
    pywb.add(observatory)
    code, harvest = other.harvest(replica.base_url, *options, route="wayback", archive_delay="0")
    assert (code, harvest["status"]) == (0, "unchanged")
    second = newest(other).evidence_at
    assert first is not None
    assert second is not None
    assert first < newest(observatory).started_at <= second + timedelta(seconds=1)


@pytest.mark.pywb
def test_pywb_follows_an_archived_redirect_to_the_nearest_capture(
    observatory: Observatory, answers: Mapping[str, bytes], pywb: Pywb, tmp_path: Path
) -> None:
    """Where it has no capture of just that second, pywb answers another one, without a redirect of its own."""
    then = datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC)
    archived = Observatory(tmp_path / "archived")
    record = Harvest(
        harvest_id=harvests.new_id(FEED, then), feed_id=FEED, route=Route.LIVE, parameters={},
        limits=feeds()[FEED].politeness, started_at=then, software_version="test",
    )  # fmt: skip
    harvests.write(archived.home, record)
    replica = [("X-Cluster-Observatory-Replica", "synthetic"), ("Content-Type", "application/json")]
    with Evidence(archived.home, FEED).writer(record.harvest_id, "test/1") as writer:
        for address, body in answers.items():
            moved = address == REGION
            at = then + timedelta(days=1) if moved else then
            if moved:
                location = [("Location", "/data/moved")]
                writer.exchange(
                    url=address, status=301, reason="Moved", response_headers=location, body=b"", retrieved_at=then
                )
            headers = [*replica, ("Content-Encoding", "gzip")]
            writer.exchange(
                url=f"{SITE}/moved" if moved else address, status=200, reason="OK", response_headers=headers,
                body=gzip.compress(body, mtime=0), retrieved_at=at,
            )  # fmt: skip
    pywb.add(archived)
    options = ("--wayback-url", pywb.address, "--no-publish")
    code, harvest = observatory.harvest(SITE, *options, route="wayback", **IDS)
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    assert harvest["never_captured"] == [f"{SITE}/meta/dict"]
    assert newest(observatory).evidence_at == then + timedelta(days=1)
