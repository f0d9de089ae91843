"""The route `wayback`: each request for a live address is answered by its capture in a web archive.

The spider asks as it would ask the live site. For each address the archive's index (CDX) is looked up once, a capture
is chosen, and its bytes are fetched as they were captured (``<timestamp>id_/``). Two dialects of the index are
understood: that of the Internet Archive, and that of pywb, where the archive's address ends in a collection.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawlers.evidence import REDACTED, Document, EvidenceError, decode_body, redact_url
from crawlers.evidence import Capture as Kept
from crawlers.harvest import Harvest
from crawlers.spider import NeverCapturedError, Spider, tls_fault

KEPT = "kept"
"""Flag of a response that stands in our archive already."""

TRIES = 3
"""Captures of one address that are fetched until one is evidence."""

MAX_REDIRECTS = 5
MAX_PAGES = 20
"""Answers of the index for one address, where it cuts them."""

MAX_WAIT = 300.0
"""Seconds; an archive that asks for a longer pause has failed for now."""

BUSY_WAIT, OTHER_WAIT = 60.0, 5.0
"""Seconds before the second try, per second of the archive's delay: after HTTP 429, and after any other failure that
passes. Doubled for each further try."""

BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Answers of an archive that wants to be left alone for a while."""

FAILED_IN_A_ROW = 3
"""Addresses for which the archive failed one after the other; no more are asked then."""

_FAULTS = BUSY | {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
_NO_ANSWER = (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
_REDIRECTS = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)
_TIMESTAMP = "%Y%m%d%H%M%S"
_PLAYED = re.compile(r"(\d{4,14})(?:[a-z]{2}_)?/(https?:.+)$")
_ORIGINAL = re.compile(r"<([^<>]+)>\s*;\s*rel=\"?original\"?", re.IGNORECASE)
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_NO_SERVER = frozenset({CannotResolveHostError.__name__, DownloadConnectionRefusedError.__name__})
_HEAD = 2**20  # bytes; a page of a parked domain is far smaller
_EXCEPTIONS = "downloader/exception_type_count/"
_PARKED = re.compile(
    rb"domain (?:name )?(?:is|may be) for sale|this domain is parked|buy this domain|domain has expired|"
    rb"sedoparking\.com|parkingcrew\.net|hugedomains\.com",
    re.IGNORECASE,
)


class WebArchiveError(IgnoreRequest):
    """A web archive gave no evidence for an address; the message says why. A later try may."""


class _NoEvidenceError(Exception):
    """A capture is no evidence.

    Attributes:
        for_good: no later try will change it.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


class Capture(NamedTuple):
    """One capture of which an index tells.

    Attributes:
        timestamp: when it was captured (UTC), 14 digits.
        url: address as it was captured.
        status: as it was answered: 200, or that of a redirect.
        digest: of its body, in whatever form; empty where the index does not say.
    """

    timestamp: str
    url: str
    status: str = "200"
    digest: str = ""

    @property
    def at(self) -> datetime:
        """When it was captured (UTC)."""
        return datetime.strptime(self.timestamp, _TIMESTAMP).replace(tzinfo=UTC)


# What an index says ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Index:
    """One answer of an index.

    Attributes:
        rows: one mapping per capture, with the index's own names.
        internet_archive: it speaks the dialect of the Internet Archive.
        resume_key: by which the rest is asked for, where the answer was cut.
    """

    rows: list[dict[str, Any]]
    internet_archive: bool
    resume_key: str | None = None


def read_index(body: bytes) -> Index:
    """Read an answer of an index.

    Args:
        body: an array of arrays whose first row names the fields and whose last two may be ``[], [key]``; or one
            object per line. Empty for no capture.

    Raises:
        ValueError: it is neither, or it was broken off.
    """
    text = body.decode("utf-8").strip()
    if not text.startswith("["):
        rows = [json.loads(line) for line in text.splitlines()]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("a line of the index is no object")
        return Index(rows, internet_archive=False)
    table = json.loads(text)
    if not all(isinstance(row, list) for row in table):
        raise ValueError("a row of the index is no array")
    key = None
    if len(table) > 1 and table[-2] == [] and len(table[-1]) == 1:
        key = str(table[-1][0])
        del table[-2:]
    if len({len(row) for row in table}) > 1:
        raise ValueError("the rows of the index are not of one length")
    return Index([dict(zip(table[0], row, strict=True)) for row in table[1:]], True, key)


def playable(rows: Iterable[Mapping[str, Any]], address: str) -> list[Capture]:
    """Return the captures that can be evidence for an address: answered with status 200 or a redirect.

    A revisit record does not say its status: it has that of the capture with the same digest. Archives look up
    similar addresses too; rows of another address are left out.

    Args:
        rows: of one index, complete.
        address: as it is asked.

    Raises:
        ValueError: a row has no timestamp or no address.
    """
    told = [
        Capture(
            _field(row, "timestamp"),
            _field(row, "original", "url"),
            "" if _is_revisit(row) else _field(row, "statuscode", "status"),
            _field(row, "digest", default=""),
        )
        for row in rows
    ]
    statuses = {capture.digest: capture.status for capture in told if capture.status and capture.digest}
    captures = [capture._replace(status=capture.status or statuses.get(capture.digest, "")) for capture in told]
    for capture in captures:
        _ = capture.at  # a timestamp that is none must not become part of an address
    return [
        capture
        for capture in captures
        if (capture.status == "200" or (capture.status.startswith("3") and capture.status != "304"))
        and same_address(capture.url, address)
    ]


def _is_revisit(row: Mapping[str, Any]) -> bool:
    return _field(row, "mimetype", "mime", default="") == "warc/revisit"


def _field(row: Mapping[str, Any], *names: str, default: str | None = None) -> str:
    for name in names:
        if name in row:
            return str(row[name])
    if default is None:
        raise ValueError(f"a row of the index has no {' or '.join(names)}: {str(row)[:80]}")
    return default


def ranked(captures: Iterable[Capture], at: date | None) -> list[Capture]:
    """Return captures, best first: the newest, or those nearest to noon (UTC) of a day; redirects after all others.

    A site that closes often ends with years of redirects to elsewhere.
    """
    if at is None:
        return sorted(captures, key=lambda capture: (capture.status == "200", capture.timestamp), reverse=True)
    noon = datetime.combine(at, time(12), UTC)
    return sorted(captures, key=lambda one: (one.status != "200", abs(one.at - noon), one.timestamp))


def same_address(one: str, other: str) -> bool:
    """Return whether two addresses differ only in scheme, ``www.``, port, escapes or the order of parameters."""
    try:
        return _canonical(one) == _canonical(other)
    except ValueError:  # one of them is none
        return False


def _canonical(url: str) -> tuple[str, str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    host = (parts.hostname or "").removeprefix("www.") + port
    return host, unquote(parts.path).rstrip("/"), sorted(parse_qsl(parts.query, keep_blank_values=True))


# What is evidence -----------------------------------------------------------------------------------------------------


def memento_of(request: Request, response: Response) -> datetime | None:
    """Return when an answer of a web archive was captured; None for what is no evidence: indexes, errors, live pages.

    Args:
        request: to the archive; its meta tells the capture that was asked for, and when the crawl began.
        response: the answer.
    """
    try:
        return _memento_of(request, response)
    except _NoEvidenceError:
        return None


def _memento_of(request: Request, response: Response) -> datetime:
    """Return when an answer was captured (RFC 7089); it may be another capture than the one that was asked for.

    Raises:
        _NoEvidenceError: it is none, and why.
    """
    capture, began = request.meta.get("capture"), request.meta.get("began")
    told = (response.headers.get("Memento-Datetime") or b"").decode("latin-1")
    if capture is None or began is None or not told:
        raise _NoEvidenceError("it has no Memento-Datetime, so it is no capture; the live web may have leaked in")
    try:
        at = parsedate_to_datetime(told).astimezone(UTC)
    except ValueError as error:
        raise _NoEvidenceError(f"its Memento-Datetime is {told!r}") from error
    if at >= began:
        raise _NoEvidenceError(f"it was captured at {at:%Y-%m-%dT%H:%M:%SZ}, after we began: it is the live web")
    links = b", ".join(response.headers.getlist("Link")).decode("latin-1")
    original = _ORIGINAL.search(links)
    if original is not None and not same_address(original[1], capture.url):
        raise _NoEvidenceError(f"it is a capture of another address, {original[1]}")
    if response.status == HTTPStatus.OK and is_parked(_media_type(response), _decoded(response)):
        raise _NoEvidenceError("it is the page of a parked domain", for_good=True)
    return at


def _media_type(response: Response) -> str:
    return (response.headers.get("Content-Type") or b"").decode("latin-1").partition(";")[0].strip().lower()


def _decoded(response: Response) -> bytes:
    encoding = response.headers.get("Content-Encoding")
    return decode_body(response.body, encoding.decode("latin-1") if encoding else None, response.url)


def is_parked(media_type: str, body: bytes) -> bool:
    """Return whether a page offers its domain for sale, or says that it is parked or has expired."""
    return media_type == "text/html" and _PARKED.search(body) is not None


def gone(answers: Iterable[Document], stats: Mapping[str, Any]) -> str | None:
    """Return why a live site is held to be gone, or None while it may be there.

    It is gone if no server was found at its address, or if the first answer, redirects apart, was HTTP 404 or 410, or
    an HTML page that offers the domain for sale, and nothing else was answered well: one page may be missing where a
    site is not. A page that is merely not what was expected is no sign.

    Args:
        answers: what the site answered, in order.
        stats: of the crawl, as Scrapy counts.
    """
    asked: str | None = None
    why: str | None = None
    for page in answers:
        if page.url.endswith("/robots.txt"):
            continue
        asked = asked or page.url
        if page.http_status in _REDIRECTS:
            continue
        parked = page.http_status == HTTPStatus.OK and is_parked(page.media_type, page.head(_HEAD))
        if not parked and page.http_status not in _GONE:
            return None
        if why is None:
            why = "the page of a parked domain" if parked else f"HTTP {page.http_status}"
    if why is not None:
        return f"{asked} answered {why}"
    errors = {name.rpartition(".")[2] for name in stats if name.startswith(_EXCEPTIONS)}
    found_none = asked is None and errors and errors <= _NO_SERVER
    return f"no server answers there ({', '.join(sorted(errors))})" if found_none else None


# The crawl ------------------------------------------------------------------------------------------------------------


class WaybackMiddleware:
    """Answers the spider's requests from a web archive, one at a time; requests to the archive itself pass."""

    def __init__(self, crawler: Crawler, spider: Spider) -> None:
        harvest = spider.harvest
        assert harvest.wayback_url is not None  # noqa: S101  # for the type checker: the route has an archive
        self.crawler, self.spider, self.base = crawler, spider, harvest.wayback_url
        at = ",".join(harvest.parameters["at"])
        self.at = date.fromisoformat(at) if at else None
        self.began = datetime.now(UTC).replace(microsecond=0)  # what is captured from now on is the live web
        self.retries, self.delay = harvest.limits.retries, harvest.limits.archive_delay
        indexes = [f"{self.base}/cdx", f"{self.base}/cdx/search/cdx"]
        self.indexes = indexes if urlsplit(self.base).path else indexes[::-1]
        self.failed_in_a_row = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build with the spider's harvest."""
        spider = crawler.spider
        assert isinstance(spider, Spider)  # noqa: S101  # for the type checker
        return cls(crawler, spider)

    async def process_request(self, request: Request) -> Response | None:
        """Answer a request for a live address by its capture, as if the live site had answered.

        Raises:
            NeverCapturedError: the archive has nothing for it.
            WebArchiveError: the archive failed, or what it answered is no capture.
        """
        if urlsplit(request.url).netloc == urlsplit(self.base).netloc:
            return None
        request.meta["dont_retry"] = True  # the requests to the archive are tried again; not all of them once more
        if request.method != "GET":
            raise WebArchiveError(f"a web archive holds no answers to {request.method}")
        address = _asked_of_archive(request.url)
        player, captures = await self._look_up(address)
        if not captures:
            raise self._never_captured(address, f"never captured in {self.base}")
        refused: dict[str, _NoEvidenceError] = {}
        for capture in captures:
            if len(refused) == TRIES:
                break
            if (capture.digest or capture.timestamp) in refused:
                continue  # the same bytes
            try:
                url, response = await self._play(player, capture, follow=not request.meta.get("dont_redirect", False))
            except _NoEvidenceError as error:
                refused[capture.digest or capture.timestamp] = error
                continue
            request.meta["captured_as"] = response.url
            return response.replace(url=url or request.url, request=request, flags=[*response.flags, KEPT])
        reasons = "; ".join(map(str, refused.values()))
        if all(error.for_good for error in refused.values()):
            self.spider.harvest.warnings.append(f"{self.spider.name}: {address}: no capture is evidence: {reasons}")
            raise self._never_captured(address, reasons)
        raise WebArchiveError(reasons)

    def _never_captured(self, address: str, why: str) -> NeverCapturedError:
        if address not in self.spider.harvest.never_captured:
            self.spider.harvest.never_captured.append(address)
        return NeverCapturedError(why)

    async def _look_up(self, address: str) -> tuple[str, list[Capture]]:
        """Return where captures are played, and the captures of an address, best first."""
        query = {"url": address, "output": "json", "showResumeKey": "true"}
        rows: list[dict[str, Any]] = []
        for _ in range(MAX_PAGES):
            response = await self._ask_index(query)
            try:
                page = read_index(response.body)
                rows += page.rows
                captures = playable(rows, address)
            except ValueError as error:
                self._ask_again_next_time(response)
                raise WebArchiveError(
                    f"expected an index of captures at {response.url}, got what cannot be read ({error}); harvest again"
                ) from error
            if page.resume_key is None:
                known = [capture for capture in captures if capture.at < self.began]
                return f"{self.base}/web" if page.internet_archive else self.base, ranked(known, self.at)
            query["resumeKey"] = page.resume_key
        raise WebArchiveError(f"the index of captures is over {MAX_PAGES} pages long, the last at {response.url}")

    async def _ask_index(self, query: Mapping[str, str]) -> Response:
        for index in self.indexes:
            response = await self._ask(f"{index}?{urlencode(query)}")
            if response.status != HTTPStatus.NOT_FOUND:
                break
        if response.status != HTTPStatus.OK:
            raise WebArchiveError(
                f"expected an index of captures at {response.url}, got HTTP {response.status}; is {self.base} the "
                "address of a web archive (of pywb: with its collection), and may it show this site?"
            )
        self.indexes = [index]
        return response

    async def _play(self, player: str, capture: Capture, *, follow: bool) -> tuple[str | None, Response]:
        """Fetch a capture, and follow redirects within the archive; return where the site's own led, if they did.

        Where the spider wants to see redirects of the site itself (`follow` is false), it gets them as captured.
        """
        moved, seen = None, {capture}
        while True:
            response = await self._ask(f"{player}/{capture.timestamp}id_/{capture.url}", capture)
            if response.status not in _REDIRECTS:
                break
            following, of_site = self._redirected(player, capture, response)
            if of_site and not follow:
                self._refuse_no_evidence(response)
                response.headers["Location"] = following.url  # the archive may have made it an address of its own
                return None, response
            if following in seen or len(seen) > MAX_REDIRECTS:
                raise _NoEvidenceError(f"{response.url} leads in a circle, or too far", for_good=True)
            capture = following
            moved = capture.url if of_site else moved
            seen.add(capture)
        if response.status != HTTPStatus.OK:
            raise _NoEvidenceError(f"expected the capture {response.url}, got HTTP {response.status}")
        self._refuse_no_evidence(response)
        return moved, response

    def _refuse_no_evidence(self, response: Response) -> None:
        assert response.request is not None  # noqa: S101  # for the type checker: Scrapy sets it
        try:
            _memento_of(response.request, response)
        except _NoEvidenceError as error:
            self._ask_again_next_time(response)
            raise _NoEvidenceError(f"{response.url} is no evidence: {error}", for_good=error.for_good) from error

    def _redirected(self, player: str, capture: Capture, response: Response) -> tuple[Capture, bool]:
        """Return the capture that a redirect leads to, and whether the site did: else the archive, to another time."""
        location = (response.headers.get("Location") or b"").decode("latin-1")
        of_site = "Memento-Datetime" in response.headers
        try:
            target = urljoin(response.url, location)
            _ = urlsplit(target).hostname
        except ValueError as error:
            raise _NoEvidenceError(f"{response.url} leads to {location!r}: {error}", for_good=of_site) from error
        played = _PLAYED.match(target.removeprefix(f"{player}/")) if target.startswith(f"{player}/") else None
        if played is not None:
            following = Capture(played[1], played[2])
        elif of_site:
            following = Capture(capture.timestamp, urljoin(capture.url, location))  # as captured
        else:
            raise _NoEvidenceError(f"{response.url} leads out of the archive, to {target or 'nowhere'}")
        if not of_site and not same_address(following.url, capture.url):
            raise _NoEvidenceError(f"{response.url} leads to a capture of another address, {following.url}")
        if of_site and urlsplit(following.url).hostname not in self.spider.allowed_domains:
            raise _NoEvidenceError(
                f"{response.url} leads to {following.url}, a host that the feed may not touch", for_good=True
            )
        return following, of_site

    async def _ask(self, url: str, capture: Capture | None = None) -> Response:
        """Ask the archive; where it fails, wait as it says, or ever longer."""
        assert self.crawler.engine is not None  # noqa: S101  # for the type checker
        if self.failed_in_a_row >= FAILED_IN_A_ROW:
            raise WebArchiveError(f"not asked: {self.base} is busy or failing; harvest again later")
        meta = {"dont_redirect": True, "dont_retry": True, "capture": capture, "began": self.began}
        for tried in range(1, 2 + self.retries):
            request = Request(url, callback=NO_CALLBACK, dont_filter=True, meta=meta)
            status, told = None, None
            try:
                response = await self.crawler.engine.download_async(request)
            except _NO_ANSWER as error:
                if fault := tls_fault(error):
                    raise WebArchiveError(fault) from error
                came = f"{type(error).__name__}: {error}"
            except EvidenceError as error:  # an encoding that is not what it says
                raise (_NoEvidenceError if capture else WebArchiveError)(str(error)) from error
            except IgnoreRequest as error:
                raise WebArchiveError(f"{self.base}: {error}") from error
            else:
                if response.status not in _FAULTS or "Memento-Datetime" in response.headers:
                    self.failed_in_a_row = 0
                    return response
                status, told = response.status, _retry_after(response)
                came = f"HTTP {status}"
            first = BUSY_WAIT if status == HTTPStatus.TOO_MANY_REQUESTS else OTHER_WAIT
            wait = first * self.delay * 2 ** (tried - 1)
            wait = min(MAX_WAIT, wait) if told is None else told
            if wait > MAX_WAIT or tried > self.retries:
                break
            await asyncio.sleep(wait)
        self.failed_in_a_row = FAILED_IN_A_ROW if status in BUSY else self.failed_in_a_row + 1
        raise WebArchiveError(
            f"{self.base} is busy or failing: {came} after {tried} tries, wait {wait:g} s; harvest again later"
        )

    def _ask_again_next_time(self, response: Response) -> None:
        self.spider.harvest.not_understood.append(redact_url(response.url))


def _asked_of_archive(url: str) -> str:
    """Return an address without parameters that are secrets: an archive is not told them, and captured without."""
    return re.sub(rf"[^?&]*={REDACTED}(?:&|$)", "", redact_url(url)).rstrip("?&")


def _retry_after(response: Response) -> float | None:
    """Return the seconds that a busy server asks to wait, or None where it does not say."""
    text = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return None


def sum_up(harvest: Harvest, captures: Sequence[Kept], stale_after: timedelta) -> None:
    """Write into the record of a harvest what the archive does not have, and how far its captures lie apart.

    Args:
        harvest: its record, at the end of an attempt.
        captures: all that stands in our archive of it.
        stale_after: age from which data of the feed is called stale.
    """
    times = [kept.archived_at for kept in captures if kept.archived_at and kept.http_status == HTTPStatus.OK]
    if not times and harvest.never_captured and not harvest.failures:
        harvest.failures.append(
            f"{harvest.feed_id}: {harvest.gaps}; nothing was: is it the right archive (of pywb: with its collection)?"
        )
    elif harvest.never_captured:
        harvest.warnings.append(f"{harvest.feed_id}: {harvest.gaps}")
    if times and max(times) - min(times) > stale_after:
        harvest.warnings.append(
            f"{harvest.feed_id}: the captures are of {min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}, more than the "
            f"{stale_after.days} days after which this feed is stale: set `at`, and see archived_at of each document"
        )
