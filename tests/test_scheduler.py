"""The scheduler over real processes: harvests on time, stops in order, survives a kill, and listens to others.

One story is told by three daemons on one home, since each harvest costs seconds; the tests look at its chapters.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

import scheduler
from crawlers.harvest import Harvest, Stage, Status, harvests
from home import SETTINGS_FILE
from replicas import us
from warehouse.store import lock

pytestmark = pytest.mark.xdist_group("scheduler")

US, BCD = "us.clustermapping", "ref.bcd"
PATIENCE = 40.0
"""Seconds after which a test gives up waiting."""

STOP_WITHIN = 15.0
"""Seconds in which the daemon promises to stop."""


class Daemon:
    """`observatory schedule` in a process of its own; what it prints can be read while it runs."""

    def __init__(self, home: Path) -> None:
        self.output = home / "daemon.out"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli", "schedule", "--home", home], stdout=output, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()

    def said(self, text: str) -> int:
        """Return in how many lines a text was printed so far."""
        return sum(text in line for line in self.output.read_text("utf-8").splitlines())

    def waits_to_say(self, text: str, times: int = 1) -> None:
        """Wait until a text was printed."""
        until(lambda: self.said(text) >= times, lambda: f"{text!r}; the daemon said {self.output.read_text('utf-8')}")

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE), time.monotonic() - started


def until(true: Callable[[], bool], expected: Callable[[], str] = lambda: "it to come true") -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s for {expected()}"
        time.sleep(0.1)


def ended(home: Path, feed_id: str) -> list[Harvest]:
    """Return the harvests of a feed that have ended, oldest first."""
    return [record for record in harvests(home, feed_id) if record.stage is Stage.ENDED]


def configure(home: Path, **feeds: str) -> None:
    """Write the settings: a table for each feed."""
    home.mkdir(parents=True, exist_ok=True)
    names = {"us": US, "bcd": BCD}
    tables = (f'[feeds."{names[name]}"]\n{table}\n' for name, table in feeds.items())
    (home / SETTINGS_FILE).write_text("".join(tables), encoding="utf-8")


def us_table(rhythm: str, base_url: str, *, delay: str, page_size: str) -> str:
    """Return the table of settings for the replica with the states of one year."""
    return (
        f'{rhythm}\nroute = "replica"\nbase_url = "{base_url}"\n'
        f'set = {{ delay = "{delay}", page_size = "{page_size}", region_types = "state", years = "2016" }}'
    )


def observatory(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another command on the same home."""
    command = [sys.executable, "-m", "cli", *arguments, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@dataclass
class Story:
    """What was seen while three daemons ran one after the other on one home."""

    harvested: dict[str, list[Harvest]] = field(default_factory=dict)
    generated_at: str = ""
    status: dict[str, str | None] = field(default_factory=dict)
    first_pid: int = 0
    second: subprocess.CompletedProcess[str] | None = None
    paused: dict[str, datetime | None] = field(default_factory=dict)
    pause_said: str = ""
    while_paused: tuple[int, int] = (0, 0)
    run_now_said: str = ""
    after_run_now: int = 0
    stopped: tuple[int, float] = (0, 0.0)
    kept: dict[str, datetime | None] = field(default_factory=dict)
    changed: dict[str, datetime | None] = field(default_factory=dict)
    removed_said: int = 0
    started_while_slow: int = 0
    seconds_of_orphan: float = 0.0
    orphan: Harvest | None = None
    slow_stop: tuple[int, float] = (0, 0.0)
    slow: Harvest | None = None
    last: Harvest | None = None
    asked_by_slow: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Let three daemons run."""
    home, told = tmp_path_factory.mktemp("scheduler") / "a home", Story()
    with us.replica(region_types=("state",), years=("2016",)) as replica:
        _harvest_often(home, replica.base_url, told)
        asked_before = len(replica.requests)
        _kill_while_slow(home, replica.base_url, told)
        _stop_while_slow(home, told)
        _go_on(home, replica.base_url, told)
        told.asked_by_slow = [request.target for request in replica.requests[asked_before:]]
    yield told


def _harvest_often(home: Path, base_url: str, told: Story) -> None:
    """Run two feeds every two seconds; talk to the daemon from other processes."""
    configure(home, us=us_table("every = 2", base_url, delay="0", page_size="10000"), bcd="every = 2")
    with Daemon(home) as daemon:
        told.first_pid = daemon.process.pid
        until(lambda: len(ended(home, US)) >= 3 and len(ended(home, BCD)) >= 3)
        told.harvested = {feed_id: ended(home, feed_id) for feed_id in (US, BCD)}
        until(lambda: (home / "published" / "status.json").exists())
        told.second = observatory(home, "schedule")
        told.pause_said = observatory(home, "pause").stdout
        until(lambda: daemon.said("accepted or unchanged") == daemon.said("harvest started"))
        told.paused = scheduler.next_runs(home)
        before = daemon.said("harvest started")
        time.sleep(3)
        told.while_paused = (before, daemon.said("harvest started"))
        told.generated_at = json.loads((home / "published" / "status.json").read_text("utf-8"))["generated_at"]
        told.run_now_said = scheduler.run_now(home, BCD)
        daemon.waits_to_say("ref.bcd: harvest started", daemon.said("ref.bcd: harvest started") + 1)
        told.after_run_now = daemon.said("harvest started") - before
        assert scheduler.resume(home, None) == [BCD, US]
        daemon.waits_to_say("us.clustermapping: harvest started", daemon.said("us.clustermapping: harvest started") + 1)
        told.stopped = daemon.stop()
    told.kept = scheduler.next_runs(home)
    listed = json.loads(observatory(home, "status", "--json").stdout)["feeds"]
    told.status = {feed["feed_id"]: feed["next_run_at"] for feed in listed}


def _kill_while_slow(home: Path, base_url: str, told: Story) -> None:
    """Change the rhythm of one feed, drop the other, and kill the daemon in the middle of a slow crawl."""
    configure(home, us=us_table("every = 3600", base_url, delay="0.8", page_size="200"))
    known = len(list(harvests(home, US)))
    with Daemon(home) as daemon:
        daemon.waits_to_say("us.clustermapping: next run")
        told.changed, told.removed_said = scheduler.next_runs(home), daemon.said("ref.bcd: no longer configured")
        # What the first daemon stopped is due at once; else the hour has only begun.
        if not daemon.said("harvest started"):
            scheduler.run_now(home, US)
        until(lambda: len(list(harvests(home, US))) > known and has_pages(newest(home), 8))
        scheduler.run_now(home, US)
        daemon.waits_to_say("us.clustermapping: still running")
        told.started_while_slow = daemon.said("harvest started")
        daemon.process.kill()
        killed = time.monotonic()
        # A crawl holds the lock of its feed while it lives, and so does the harvest that started it.
        with lock(home / "staging" / US / "lock", "the feed", wait=PATIENCE):
            told.seconds_of_orphan = time.monotonic() - killed
    told.orphan = newest(home)


def _stop_while_slow(home: Path, told: Story) -> None:
    """Start again: what was interrupted is due at once; stop it in the middle."""
    assert told.orphan is not None
    pages = evidence_bytes(home, told.orphan)
    with Daemon(home) as daemon:
        until(lambda: told.orphan is not None and evidence_bytes(home, told.orphan) > pages)
        told.slow_stop = daemon.stop()
    told.slow = newest(home)


def _go_on(home: Path, base_url: str, told: Story) -> None:
    """Start a last time, without a pause between requests, until the interrupted harvest is whole."""
    configure(home, us=us_table("every = 3600", base_url, delay="0", page_size="200"))
    with Daemon(home) as daemon:
        daemon.waits_to_say("us.clustermapping: accepted or unchanged")
        assert daemon.stop()[0] == 0
    told.last = newest(home)


def newest(home: Path) -> Harvest:
    """Return the newest harvest of the US feed."""
    return next(harvests(home, US, newest_first=True))


def has_pages(record: Harvest, wanted: int) -> bool:
    raise NotImplementedError


def evidence_bytes(home: Path, record: Harvest) -> int:
    """Return how many bytes of evidence a harvest has so far."""
    return sum(part.stat().st_size for part in (home / "archive" / US / record.harvest_id).glob("*.warc.gz"))
