"""The route `wayback`: each request for a live address is answered by its capture in a web archive.

The spider asks as it would ask the live site. For each address the archive's index (CDX) is looked up once, a capture
is chosen, and its bytes are fetched as they were captured (``<timestamp>id_/``). Two dialects of the index are
understood: that of the Internet Archive, and that of pywb, where the archive's address ends in a collection.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawlers.evidence import Document, redact_url
from crawlers.spider import Spider

KEPT = "kept"
"""Flag of a response that stands in our archive already."""

MAX_REDIRECTS = 5
MAX_WAIT = 300.0
"""Seconds; an archive that asks for a longer pause has failed for now."""

FIRST_WAIT = 5.0
"""Seconds before the second try, per second of the archive's delay; doubled for each further try."""

BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Answers of an archive that wants to be left alone for a while."""

_TIMESTAMP = "%Y%m%d%H%M%S"
_MEMENTO = re.compile(r"/(\d{14})id_/(.+)$")
_PLAYED = re.compile(r"(\d{4,14})(?:[a-z]{2}_)?/(https?:.+)$")
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_NO_SERVER = frozenset({"CannotResolveHostError", "DownloadConnectionRefusedError"})
_EXCEPTIONS = "downloader/exception_type_count/"
_PARKED = re.compile(
    rb"domain (?:name )?(?:is|may be) for sale|this domain is parked|buy this domain|domain has expired|"
    rb"sedoparking\.com|parkingcrew\.net",
    re.IGNORECASE,
)


class WebArchiveError(IgnoreRequest):
    """A web archive gave no evidence for an address; the message says why."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One line of an index.

    Attributes:
        timestamp: when it was captured (UTC), 14 digits.
        url: address as it was captured.
    """

    timestamp: str
    url: str

    @property
    def at(self) -> datetime:
        """When it was captured (UTC)."""
        return datetime.strptime(self.timestamp, _TIMESTAMP).replace(tzinfo=UTC)


def read_index(body: bytes) -> tuple[bool, list[Capture]]:
    """Read the answer of an index.

    Args:
        body: an array of arrays whose first row names the fields, or one object per line; empty for no capture.

    Returns:
        Whether it speaks the dialect of the Internet Archive, and the captures that can be played: those of status
        200 and redirects. A revisit that does not say its status is none of them.

    Raises:
        ValueError: it is neither, or it was cut off.
    """
    text = body.decode("utf-8").strip()
    internet_archive = text.startswith("[")
    if internet_archive:
        table = json.loads(text)
        if not all(isinstance(row, list) for row in table) or len({len(row) for row in table}) > 1:
            raise ValueError("the rows of the index are not arrays of one length")
        rows = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
    else:
        rows = [json.loads(line) for line in text.splitlines()]
    return internet_archive, [_capture(row) for row in rows if _can_be_played(row)]


def _can_be_played(row: Mapping[str, Any]) -> bool:
    status = str(_field(row, "statuscode", "status"))
    return status == "200" or (status.startswith("3") and status != "304")


def _capture(row: Mapping[str, Any]) -> Capture:
    capture = Capture(str(_field(row, "timestamp")), str(_field(row, "original", "url")))
    _ = capture.at  # a timestamp that is none must not become part of an address
    return capture


def _field(row: Mapping[str, Any], *names: str) -> object:
    for name in names:
        if isinstance(row, dict) and name in row:
            return row[name]
    raise ValueError(f"a row of the index has no {' or '.join(names)}: {str(row)[:80]}")


def choose(captures: Sequence[Capture], at: date | None) -> Capture | None:
    """Return the newest capture, or the one nearest to noon (UTC) of a day; None where there is none."""
    if at is None:
        return max(captures, key=lambda capture: capture.timestamp, default=None)
    noon = datetime.combine(at, time(12), UTC)
    return min(captures, key=lambda capture: (abs(capture.at - noon), capture.timestamp), default=None)


def archived_at(url: str, memento_datetime: str | None) -> datetime | None:
    """Return when an answer was captured, if it is a capture.

    Args:
        url: address that was asked, ``…/<timestamp>id_/<url>``.
        memento_datetime: value of the header Memento-Datetime (RFC 7089).

    Returns:
        The time (UTC) in which address and header agree; None where they do not: the answer is no evidence.
    """
    found = _MEMENTO.search(url)
    if found is None or memento_datetime is None:
        return None
    try:
        told = parsedate_to_datetime(memento_datetime).astimezone(UTC)
    except ValueError:
        return None
    return told if told.strftime(_TIMESTAMP) == found[1] else None


def memento_of(request: Request, response: Response) -> datetime | None:
    """Return when an answer of a web archive was captured; None for all else: indexes, errors, live pages."""
    header = response.headers.get("Memento-Datetime")
    return archived_at(request.url, header.decode("latin-1") if header else None)


def gone(first: Document | None, stats: Mapping[str, Any]) -> str | None:
    """Return why a live site is held to be gone, or None while it may be there.

    It is gone if no server was found at its address, or if the first answer was HTTP 404 or 410, or an HTML page that
    offers the domain for sale. A page that is merely not what was expected is no sign.

    Args:
        first: what the site answered first, robots.txt apart; None where it answered nothing.
        stats: of the crawl, as Scrapy counts.
    """
    if first is None:
        errors = {name.rpartition(".")[2] for name in stats if name.startswith(_EXCEPTIONS)}
        return f"no server answers there ({', '.join(sorted(errors))})" if errors and errors <= _NO_SERVER else None
    if first.http_status in _GONE:
        return f"{first.url} answered HTTP {first.http_status}"
    if first.http_status == HTTPStatus.OK and first.media_type == "text/html" and _PARKED.search(first.body):
        return f"{first.url} answered the page of a parked domain"
    return None


class WaybackMiddleware:
    """Answers the spider's requests from a web archive, one at a time; requests to the archive itself pass."""

    def __init__(self, crawler: Crawler, spider: Spider) -> None:
        harvest = spider.harvest
        assert harvest.wayback_url is not None  # noqa: S101  # for the type checker: the route has an archive
        self.crawler, self.spider, self.base = crawler, spider, harvest.wayback_url
        at = ",".join(harvest.parameters["at"])
        self.at = date.fromisoformat(at) if at else None
        self.retries, self.delay = harvest.limits.retries, harvest.limits.archive_delay
        indexes = [f"{self.base}/cdx", f"{self.base}/cdx/search/cdx"]
        self.indexes = indexes if urlsplit(self.base).path else indexes[::-1]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build with the spider's harvest."""
        spider = crawler.spider
        assert isinstance(spider, Spider)  # noqa: S101  # for the type checker
        return cls(crawler, spider)

    async def process_request(self, request: Request) -> Response | None:
        """Answer a request for a live address by its capture, as if the live site had answered.

        Raises:
            WebArchiveError: it was never captured, or the archive failed, or what it answered is no capture.
        """
        if urlsplit(request.url).netloc == urlsplit(self.base).netloc:
            return None
        request.meta["dont_retry"] = True  # the requests to the archive are tried again; not all of them once more
        address = redact_url(request.url)  # a secret is not told to an archive
        if request.method != "GET":
            raise WebArchiveError(f"a web archive holds no answers to {request.method}")
        response = await self._memento(*await self._look_up(address))
        return response.replace(url=request.url, request=request, flags=[*response.flags, KEPT])

    async def _look_up(self, address: str) -> tuple[str, Capture]:
        """Return where captures are played, and the capture of an address."""
        query = urlencode({"url": address, "output": "json"})
        for index in self.indexes:
            response = await self._ask(f"{index}?{query}")
            if response.status != HTTPStatus.NOT_FOUND:
                break
        if response.status != HTTPStatus.OK:
            raise WebArchiveError(
                f"expected an index of captures at {response.url}, got HTTP {response.status}; is {self.base} the "
                "address of a web archive (of pywb: with its collection)?"
            )
        self.indexes = [index]
        try:
            internet_archive, captures = read_index(response.body)
        except ValueError as error:
            self._ask_again_next_time(response)
            raise WebArchiveError(
                f"expected an index of captures at {response.url}, got what cannot be read ({error}); harvest again"
            ) from error
        capture = choose(captures, self.at)
        if capture is None:
            raise WebArchiveError(f"never captured in {self.base}")
        return f"{self.base}/web" if internet_archive else self.base, capture

    async def _memento(self, player: str, capture: Capture) -> Response:
        """Fetch a capture, and follow redirects within the archive."""
        for _ in range(1 + MAX_REDIRECTS):
            response = await self._ask(f"{player}/{capture.timestamp}id_/{capture.url}")
            if not (HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST):
                break
            capture = self._redirected(player, capture, response)
        else:
            raise WebArchiveError(f"more than {MAX_REDIRECTS} redirects in the archive, the last to {capture.url}")
        if response.status != HTTPStatus.OK:
            raise WebArchiveError(f"expected the capture {response.url}, got HTTP {response.status}")
        assert response.request is not None  # noqa: S101  # for the type checker: Scrapy sets it
        if memento_of(response.request, response) is None:
            self._ask_again_next_time(response)
            told = (response.headers.get("Memento-Datetime") or b"none").decode("latin-1")
            raise WebArchiveError(
                f"{response.url} is no evidence: expected a Memento-Datetime equal to the timestamp, got {told}"
            )
        return response

    def _redirected(self, player: str, capture: Capture, response: Response) -> Capture:
        """Return the capture that a redirect leads to: of the archive to another time, or of the site itself."""
        location = (response.headers.get("Location") or b"").decode("latin-1")
        target = urljoin(response.url, location)
        played = _PLAYED.match(target.removeprefix(f"{player}/")) if target.startswith(f"{player}/") else None
        if played is not None:
            following = Capture(played[1], played[2])
        elif "Memento-Datetime" in response.headers:
            following = Capture(capture.timestamp, urljoin(capture.url, location))  # the site's own, as captured
        else:
            raise WebArchiveError(f"{response.url} leads out of the archive, to {target or 'nowhere'}")
        if urlsplit(following.url).hostname not in self.spider.allowed_domains:
            raise WebArchiveError(f"{response.url} leads to {following.url}, a host that the feed may not touch")
        return following

    async def _ask(self, url: str) -> Response:
        """Ask the archive; where it is busy, wait as it says, or ever longer."""
        assert self.crawler.engine is not None  # noqa: S101  # for the type checker
        for tried in range(1 + self.retries):
            request = Request(url, callback=NO_CALLBACK, dont_filter=True, meta={"dont_redirect": True})
            response = await self.crawler.engine.download_async(request)
            if response.status not in BUSY:
                return response
            wait = _retry_after(response)
            if wait is None:
                wait = min(MAX_WAIT, FIRST_WAIT * self.delay * 2**tried)
            if wait > MAX_WAIT or tried == self.retries:
                break
            await asyncio.sleep(wait)
        raise WebArchiveError(
            f"{self.base} is busy: HTTP {response.status} after {1 + tried} tries, wait {wait:g} s; harvest again later"
        )

    def _ask_again_next_time(self, response: Response) -> None:
        self.spider.harvest.not_understood.append(redact_url(response.url))


def _retry_after(response: Response) -> float | None:
    """Return the seconds that a busy server asks to wait, or None where it does not say."""
    text = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return None
