"""One crawl, in a process of its own: the spider of a feed walks it over HTTP, and every answer goes into the archive.

Run as ``python -m crawlers.crawl HOME HARVEST_ID CONTACT``. The harvest's record says what to do; the crawl writes
its attempt and what it found wrong into it. Lines of JSON on standard output tell the progress. When standard input
ends, the parent is gone and so is this process. SIGTERM stops the crawl at its last whole record.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import scrapy
from scrapy import Request, signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes
from scrapy.robotstxt import RobotParser
from scrapy.settings import default_settings

from crawlers import harvest as harvests
from crawlers.download import HEAD, Downloaded, Handler
from crawlers.evidence import Capture, Document, Evidence, PartWriter, Source, redact_url
from crawlers.harvest import Attempt, Harvest, Stage
from crawlers.source import Feed, Politeness, Route, feeds
from crawlers.spider import Spider
from crawlers.wayback import KEPT, WaybackMiddleware, gone, memento_of, sum_up

PROGRESS_EVERY = 0.2
"""Seconds between two lines of progress."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the middleware needs to know of the attempt; it travels on the spider, for settings are copied.

    Attributes:
        evidence: all captures of the feed.
        writer: the part that this attempt writes.
        answered: address → capture, of the good answers that earlier attempts got.
        home_is_synthetic: kind of the home; None while nothing was answered.
    """

    evidence: Evidence
    writer: PartWriter
    answered: Mapping[str, Capture]
    home_is_synthetic: bool | None


class EvidenceMiddleware:
    """Writes every exchange into the archive, and answers from it what an earlier attempt already asked.

    It stands next to the downloader: it sees redirects, retries and robots.txt, and bodies as they were sent.
    """

    def __init__(self, crawler: Crawler, spider: Spider, context: Context) -> None:
        self.crawler, self.spider, self.context = crawler, spider, context

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build with what `run` gave to the spider."""
        spider = crawler.spider
        assert isinstance(spider, Spider)  # noqa: S101  # for the type checker
        assert isinstance(spider.context, Context)  # noqa: S101  # for the type checker
        return cls(crawler, spider, spider.context)

    def process_request(self, request: Request) -> Response | None:
        """Answer a request that an earlier attempt of this harvest got a good answer to."""
        capture = self.context.answered.get(redact_url(request.url))
        named = request.method == "GET" or urlsplit(request.url).fragment  # a POST whose address tells what it asked
        if capture is None or not named:
            return None
        document = self.context.evidence.read(capture.warc_file, capture.warc_offset)
        headers = Headers({name: value for name, value in document.headers.items() if name != "content-encoding"})
        body = document.content if isinstance(document.content, bytes) else document.head(HEAD)
        response_class = responsetypes.from_args(headers=headers, url=request.url, body=body)
        return response_class(request.url, HTTPStatus.OK, headers=headers, body=body, flags=[KEPT])

    def process_response(self, request: Request, response: Response) -> Response:
        """Archive an exchange before anything looks at it."""
        if KEPT in response.flags:
            return response
        if isinstance(response, Downloaded):
            return self._archive_download(request, response)
        wayback = self.spider.harvest.route is Route.WAYBACK
        document = self.context.writer.exchange(
            url=request.url,
            method=request.method,
            request_headers=[("Host", urlsplit(request.url).netloc), *_pairs(request.headers)],
            request_body=request.body,
            status=response.status,
            reason=_reason(response.status),
            response_headers=_pairs(response.headers),
            body=response.body,
            retrieved_at=harvests.now(),
            archived_at=memento_of(request, response) if wayback else None,
        )
        if not wayback or document.archived_at is not None:  # the archive's own answers say nothing of the source
            self._look_at_kind(document)
        if len(document.body) > self.spider.harvest.limits.max_body_mb * 2**20:
            return response  # it is refused where it is inflated
        return _decoded(response.url, response.status, response.headers, document.body, response.flags)

    def _archive_download(self, request: Request, response: Downloaded) -> Response:
        """Archive a file that was streamed to disk, as one answer; its first bytes go on to the spider."""
        document = self.context.writer.exchange(
            url=request.url,
            request_headers=[("Host", urlsplit(request.url).netloc), *_pairs(request.headers)],
            status=response.status,
            reason=_reason(response.status),
            response_headers=_pairs(response.headers),
            body=Source.of(response.part.path, own=True),
            retrieved_at=harvests.now(),
            ranges=response.part.state.ranges,
        )
        response.part.discard()
        self._look_at_kind(document)
        return _decoded(response.url, response.status, response.headers, document.head(HEAD), response.flags)

    def _look_at_kind(self, document: Document) -> None:
        harvest = self.spider.harvest
        harvest.synthetic = harvest.synthetic or document.synthetic or harvest.route is Route.REPLICA
        refusal = harvests.refuse_mixing(self.context.home_is_synthetic, harvest)
        if refusal and refusal not in harvest.failures:
            harvest.failures.append(refusal)
            assert self.crawler.engine is not None  # noqa: S101  # for the type checker
            self.crawler.engine.close_spider(self.spider, harvests.REFUSED)


def _decoded(url: str, status: int, headers: Headers, body: bytes, flags: list[str]) -> Response:
    """Make a response of a body that is inflated already: once is enough."""
    kept = Headers({name: value for name, value in headers.items() if name.lower() != b"content-encoding"})
    response_class = responsetypes.from_args(headers=kept, url=url, body=body)
    return response_class(url, status, headers=kept, body=body, flags=flags)


class Robots(RobotsTxtMiddleware):
    """Obeys robots.txt as RFC 9309 asks: a server error means that nothing may be fetched; Crawl-delay is kept."""

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            response = response.replace(body=b"User-agent: *\nDisallow: /\n")
        elif response.status >= HTTPStatus.BAD_REQUEST:
            response = response.replace(body=b"")  # an error page is no robots.txt: all is allowed
        await super()._parse_robots(response, netloc, request)

    def keep_crawl_delay(self, robotparser: RobotParser, request: Request) -> None:
        """Widen the pause between two requests to a host to what it asks for."""
        delay = robotparser.crawl_delay(self._default_useragent)
        assert self.crawler.engine is not None  # noqa: S101  # for the type checker
        slots = self.crawler.engine.downloader.slots
        slot = slots.get(self.crawler.engine.downloader.get_slot_key(request))
        if delay and slot is not None:
            slot.delay = max(slot.delay, delay)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Connect to the signal that tells of a parsed robots.txt."""
        middleware = super().from_crawler(crawler)
        crawler.signals.connect(middleware.keep_crawl_delay, signals.robots_parsed)
        return middleware


class Offsite(OffsiteMiddleware):
    """Keeps a crawl on the hosts it was given, redirects included, and tells the spider of what it refuses."""

    def should_follow(self, request: Request, spider: scrapy.Spider) -> bool:
        """Return whether the host is one of the allowed ones; a subdomain is another host."""
        return urlsplit(request.url).hostname in (spider.allowed_domains or ())  # type: ignore[attr-defined]

    def request_scheduled(self, request: Request, spider: scrapy.Spider) -> None:
        """Let it pass: refused here it would vanish; refused on its way to the downloader it is told to the spider."""


class Progress:
    """Counts what was asked and received, and tells it on standard output."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt, self.queued, self._told = attempt, 0, 0.0

    def scheduled(self) -> None:
        """Count a request that waits its turn."""
        self.queued += 1

    def received(self, response: Response) -> None:
        """Count an answer."""
        if KEPT not in response.flags:
            self.attempt.requests += 1
        self._tell()

    def bytes_received(self, data: bytes) -> None:
        """Count bytes as they arrive."""
        self.attempt.bytes += len(data)
        self._tell()

    def _tell(self) -> None:
        if time.monotonic() - self._told > PROGRESS_EVERY:
            self._told = time.monotonic()
            tell(requests=self.attempt.requests, received=self.attempt.bytes, queued=self.queued)


def tell(**facts: int) -> None:
    """Write one line of progress."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _pairs(headers: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # Scrapy's Headers are untyped mappings of lists
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


NOT_LOADED = (
    "remote_control.RemoteControl",
    "telnet.TelnetConsole",
    "feedexport.FeedExporter",
    "cookies.CookiesMiddleware",
)
"""Parts of Scrapy that no crawl uses. It loads what is switched off too, here a third of the time of a start."""


def _loaded(parts: Mapping[str, int]) -> dict[str, int]:
    return {name: order for name, order in parts.items() if not name.endswith(NOT_LOADED)}


def settings(limits: Politeness, contact: str, log_file: Path) -> dict[str, Any]:
    """Return the Scrapy settings of a polite, closed crawl; each differs from Scrapy's default for a reason."""
    return {
        "USER_AGENT": f"ClusterObservatory/{harvests.software_version()} (research; contact: {contact})",
        "DEFAULT_REQUEST_HEADERS": {"Accept-Encoding": "gzip, deflate"},  # what every WARC tool can read back
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,  # Scrapy does not check certificates by default
        "REMOTE_CONTROL_ENABLED": False,  # runs code over HTTP
        "TELNETCONSOLE_ENABLED": False,  # the same over telnet
        "COOKIES_ENABLED": False,  # nothing here needs a session, and cookies would be personal
        "CONCURRENT_REQUESTS": 1,  # one request at a time: the sources are small
        "DOWNLOAD_HANDLERS": {"http": Handler, "https": Handler},  # big files go to disk
        "DOWNLOAD_DELAY": limits.delay,
        "DOWNLOAD_DELAY_JITTER": 0,  # the stated pause is the pause
        "DOWNLOAD_TIMEOUT": limits.timeout,
        "DOWNLOAD_MAXSIZE": limits.max_body_mb * 2**20,
        "DOWNLOAD_WARNSIZE": 0,
        "RETRY_TIMES": limits.retries,
        "REDIRECT_MAX_TIMES": 5,
        "EXTENSIONS_BASE": _loaded(default_settings.EXTENSIONS_BASE),
        "DOWNLOADER_MIDDLEWARES_BASE": _loaded(default_settings.DOWNLOADER_MIDDLEWARES_BASE),
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            Robots: 100,
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
            Offsite: 50,
            EvidenceMiddleware: 990,  # next to the downloader
        },
        "LOG_FILE": str(log_file),
        "LOG_LEVEL": "INFO",
    }


def over_wayback(of_crawl: dict[str, Any], limits: Politeness) -> dict[str, Any]:
    """Return the settings of a crawl whose requests a web archive answers."""
    return {
        **of_crawl,
        "DOWNLOAD_DELAY": limits.archive_delay,
        # Before robots.txt: that of the live site says nothing of the archive.
        "DOWNLOADER_MIDDLEWARES": {**of_crawl["DOWNLOADER_MIDDLEWARES"], WaybackMiddleware: 60},
    }


def allowed_domains(feed: Feed, base_url: str) -> list[str]:
    """Return the hosts that a crawl may touch: the feed's own on its own address, else only the given one."""
    host = urlsplit(base_url).hostname
    if host is None:
        raise ValueError(f"{feed.feed_id}: {base_url!r} is no web address; one looks like https://example.org/data")
    return list(feed.allowed_hosts) if host in feed.allowed_hosts else [host]


def _host(url: str | None) -> list[str]:
    return [urlsplit(url).hostname or ""] if url else []


def run(home: Path, harvest: Harvest, contact: str) -> None:
    """Carry out one attempt of a harvest, and write what came of it into its record."""
    feed = feeds()[harvest.feed_id]
    evidence = Evidence(home, feed.feed_id)
    answered = {
        url: capture
        for url, capture in evidence.latest(harvest.harvest_id).items()
        if capture.http_status == HTTPStatus.OK
        and not url.endswith("/robots.txt")
        and url not in harvest.not_understood
    }
    attempt = Attempt(started_at=harvests.now())
    harvest.attempts = [*harvest.attempts, attempt]
    harvest.failures, harvest.doubts, harvest.warnings, harvest.asked, harvest.not_understood = [], [], [], [], []
    harvest.never_captured = []
    harvest.change_marker = harvest.confirms = None
    if harvest.route is Route.WAYBACK and harvest.gone:
        told = f"harvested from {harvest.wayback_url}, for the live site is gone: {harvest.gone}"
        harvest.warnings = [f"{feed.feed_id}: {told}"]
    harvests.write(home, harvest)
    base_url = harvest.base_url or feed.base_url
    if base_url is None:
        raise ValueError(f"{feed.feed_id} has no address of its own: give one")
    log_file = home / "logs" / f"{harvest.harvest_id}.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(attempt)
    with evidence.writer(harvest.harvest_id, harvest.software) as writer:
        of_crawl = settings(harvest.limits, contact, log_file)
        if harvest.route is Route.WAYBACK:
            of_crawl = over_wayback(of_crawl, harvest.limits)
        process = AsyncCrawlerProcess(of_crawl)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_without_secrets)
        crawler = process.create_crawler(feed.module().FeedSpider)
        crawler.signals.connect(progress.scheduled, signals.request_scheduled)
        crawler.signals.connect(progress.received, signals.response_received)
        crawler.signals.connect(progress.bytes_received, signals.bytes_received)
        process.crawl(
            crawler,
            harvest=harvest,
            base_url=base_url,
            allowed_domains=[*allowed_domains(feed, base_url), *_host(harvest.wayback_url)],
            earlier=harvests.confirmable(home, harvest),
            context=Context(evidence, writer, answered, harvests.kind_of_home(home)),
        )
        process.start()
    assert crawler.stats is not None  # noqa: S101  # for the type checker
    attempt.outcome = str(crawler.stats.get_value("finish_reason", "not started"))
    attempt.finished_at = harvests.now()
    for name in ("spider_exceptions/count", "log_count/CRITICAL"):
        if count := crawler.stats.get_value(name):
            harvest.failures.append(f"{feed.feed_id}: {count} errors in our own code ({name}); see {log_file}")
    if harvest.route is Route.WAYBACK:
        sum_up(harvest, evidence.captures(harvest.harvest_id), timedelta(days=feed.stale_after_days))
    harvest.requests = sum(attempt.requests for attempt in harvest.attempts)
    harvest.bytes = sum(attempt.bytes for attempt in harvest.attempts)
    if attempt.outcome == "finished" and not harvest.failures:
        harvest.stage = Stage.CRAWLED
    elif attempt.outcome == "finished" and harvest.route is Route.LIVE:
        harvest.gone = gone(evidence.documents(harvest.harvest_id), crawler.stats.get_stats())
    harvests.write(home, harvest)


def _without_secrets(entry: logging.LogRecord) -> bool:
    """Remove secrets from addresses in a line of the log."""
    entry.msg, entry.args = redact_url(entry.getMessage()), None
    return True


def _die_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)  # as if killed: the archive is made for that


def main(home: str, harvest_id: str, contact: str) -> None:
    """Run one attempt of a harvest that is recorded in the archive."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    path = Path(home)
    run(path, harvests.read(path, harvest_id), contact)


if __name__ == "__main__":
    main(*sys.argv[1:])
