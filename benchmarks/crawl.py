"""The crawl with its archive beside bare Scrapy that fetches the same bytes from the same server.

The server stands in a process of its own and answers from memory, compressed as the source does it, so that it costs
both the same and little. Both crawlers are processes of their own and time themselves from their first request.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import pipeline
from crawlers import harvest as harvests
from crawlers.evidence import Evidence
from crawlers.harvest import Stage
from crawlers.source import Route, feeds
from pipeline import Order
from replicas import us
from replicas.server import Replica, Request, Response

FEED = "us.clustermapping"
CONTACT = "none, loopback only"


@dataclass(slots=True)
class Recorder:
    """Answers as a replica once did.

    Attributes:
        answers: target → compressed body.
    """

    origin: str
    answers: dict[str, bytes] = field(default_factory=dict)
    base_path: str = "/data"
    robots: str | None = us.ROBOTS

    def respond(self, request: Request) -> Response:
        """Answer from memory; what was never asked is fetched once."""
        if request.target not in self.answers:
            with urllib.request.urlopen(self.origin + request.target.removeprefix("/data")) as answer:  # noqa: S310  # loopback
                self.answers[request.target] = gzip.compress(answer.read(), 6)
        return Response(self.answers[request.target], headers={"Content-Encoding": "gzip"})


def serve(years: tuple[str, ...], pipe: Connection) -> None:
    """Serve the metropolitan areas of some years until the pipe says that it is enough."""
    with (
        us.replica(region_types=("country", "msa"), years=years) as origin,
        Replica(Recorder(origin.base_url)) as server,
    ):
        pipe.send(server.base_url)
        pipe.recv()


@contextmanager
def server(years: tuple[str, ...]) -> Iterator[str]:
    """Run the server in a process of its own; yields its base address."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=serve, args=(years, its), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        mine.send(None)
        process.join(10)


def ours(home: Path, address: str, years: tuple[str, ...]) -> tuple[float, list[str]]:
    """Crawl into the archive of a new home; return the seconds and the addresses that were asked for."""
    given = {"delay": "0", "region_types": "msa", "years": ",".join(years)}
    order = Order(feed=feeds()[FEED], route=Route.REPLICA, base_url=address, given=given)
    record = pipeline._begin(home, order)  # noqa: SLF001  # the crawl alone
    command = [sys.executable, "-m", "crawlers.crawl", str(home), record.harvest_id, CONTACT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:  # noqa: S603  # our own
        process.wait(600)
    record = harvests.read(home, record.harvest_id)
    assert record.stage is Stage.CRAWLED, record.failures
    [attempt] = record.attempts
    assert attempt.finished_at is not None
    asked = [capture.url for capture in Evidence(home, FEED).captures(record.harvest_id)]
    return (attempt.finished_at - attempt.started_at).total_seconds(), asked


BARE = """
import json, sys, time
import scrapy
from scrapy.crawler import AsyncCrawlerProcess

class Bare(scrapy.Spider):
    name = "bare"
    size = 0

    async def start(self):
        for url in json.loads(sys.argv[1]):
            yield scrapy.Request(url, dont_filter=True)

    def parse(self, response):
        Bare.size += len(response.body)

started = time.monotonic()
process = AsyncCrawlerProcess({
    "CONCURRENT_REQUESTS": 1, "DOWNLOAD_DELAY": 0, "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False, "DOWNLOAD_WARNSIZE": 0,
    "DEFAULT_REQUEST_HEADERS": {"Accept-Encoding": "gzip, deflate"},
})
process.crawl(Bare)
process.start()
print(json.dumps([time.monotonic() - started, Bare.size]))
"""


def bare(addresses: list[str]) -> tuple[float, int]:
    """Fetch the same addresses with Scrapy alone; return the seconds and the bytes, inflated."""
    told = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", BARE, json.dumps(addresses)], check=True, capture_output=True, timeout=600
    )
    seconds, size = json.loads(told.stdout)
    return seconds, size


def measure(scratch: Path, runs: int, years: tuple[str, ...]) -> tuple[list[float], list[float], int]:
    """Run both in turn, after one warm-up; return the seconds of ours and of bare Scrapy, and the bytes, inflated."""
    ours_, bare_, size = [], [], 0
    scratch.mkdir()
    with server(years) as address:
        for run in range(runs + 1):
            seconds, addresses = ours(scratch / f"crawl{run}", address, years)
            others, size = bare(addresses)
            if run:
                ours_.append(seconds)
                bare_.append(others)
    return ours_, bare_, size
