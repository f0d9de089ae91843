"""The scheduler over real processes: harvests on time, stops in order, survives a kill, and listens to others.

One story is told by four daemons on one home, since each harvest costs seconds; the tests look at its chapters.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

import scheduler
from crawlers.harvest import Harvest, Stage, Status, harvests
from home import SETTINGS_FILE
from replicas import us
from replicas.server import Replica
from replicas.us import ClusterMapping
from warehouse.store import lock

US, BCD = "us.clustermapping", "ref.bcd"
PATIENCE = 120.0
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


def configure(home: Path, text: str) -> None:
    """Write the settings."""
    home.mkdir(parents=True, exist_ok=True)
    (home / SETTINGS_FILE).write_text(text, encoding="utf-8")


def observatory(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another command on the same home."""
    command = [sys.executable, "-m", "cli", *arguments, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@dataclass
class Story:
    """What was seen while four daemons ran one after the other on one home."""

    home: Path
    replica: Replica[ClusterMapping]
    harvested: dict[str, list[Harvest]] = field(default_factory=dict)
    generated_at: datetime | None = None
    releases: list[str] = field(default_factory=list)
    first_pid: int = 0
    refused: subprocess.CompletedProcess[str] | None = None
    pause_said: str = ""
    paused: dict[str, datetime | None] = field(default_factory=dict)
    starts_while_paused: int = 0
    stops: list[tuple[int, float]] = field(default_factory=list)
    kept: dict[str, datetime | None] = field(default_factory=dict)
    shown: dict[str, str | None] = field(default_factory=dict)
    starts_while_slow: int = 0
    orphan_lived: float = 0.0
    interrupted: list[Harvest] = field(default_factory=list)
    scheduled_at_last: dict[str, datetime | None] = field(default_factory=dict)
    asked_at_last: list[str] = field(default_factory=list)

    def pages(self) -> int:
        """Return how many pages of records the replica was asked for so far."""
        return sum("/region/state/" in request.target for request in self.replica.requests)

    def configure(self, rhythm: str, *, delay: str, page_size: str, more: str = "") -> None:
        """Write the settings of the US feed: the states of one year, from the replica."""
        configure(
            self.home,
            f'[feeds."us.clustermapping"]\n{rhythm}\nroute = "replica"\nbase_url = "{self.replica.base_url}"\n'
            f'set = {{ delay = "{delay}", page_size = "{page_size}", region_types = "state", years = "2016" }}\n{more}',
        )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Let four daemons run."""
    with us.replica(region_types=("state",), years=("2016",)) as replica:
        told = Story(tmp_path_factory.mktemp("scheduler") / "a home", replica)
        _harvest_often(told)
        replica.requests.clear()
        _kill_while_slow(told)
        _stop_while_slow(told)
        _go_on(told)
    return told


def _harvest_often(told: Story) -> None:
    """Run two feeds every four seconds, and talk to the daemon from other processes."""
    home = told.home
    told.configure("every = 4", delay="0", page_size="10000", more='[feeds."ref.bcd"]\nevery = 4\n')
    with Daemon(home) as daemon:
        told.first_pid = daemon.process.pid
        until(lambda: all(len(ended(home, feed_id)) >= 3 for feed_id in (US, BCD)))
        told.refused = observatory(home, "schedule")
        told.pause_said = observatory(home, "pause").stdout
        until(lambda: daemon.said("accepted or unchanged") == daemon.said("harvest started"))
        told.paused = scheduler.next_runs(home)
        told.harvested = {feed_id: ended(home, feed_id) for feed_id in (US, BCD)}
        status = json.loads((home / "published" / "status.json").read_text("utf-8"))
        told.generated_at = datetime.fromisoformat(status["generated_at"])
        told.releases = sorted(path.name for path in (home / "published").glob("2*"))
        before = daemon.said("harvest started")
        time.sleep(5)
        told.starts_while_paused = daemon.said("harvest started") - before
        assert "it was paused, and is resumed by this" in scheduler.run_now(home, BCD)
        daemon.waits_to_say("ref.bcd: harvest started", daemon.said("ref.bcd: harvest started") + 1)
        assert scheduler.resume(home, None) == [BCD, US]
        daemon.waits_to_say("us.clustermapping: harvest started", daemon.said("us.clustermapping: harvest started") + 1)
        told.stops.append(daemon.stop())
    told.kept = scheduler.next_runs(home)
    shown = json.loads(observatory(home, "status", "--json").stdout)["feeds"]
    told.shown = {feed["feed_id"]: feed["next_run_at"] for feed in shown}


def _kill_while_slow(told: Story) -> None:
    """Change the rhythm of one feed, drop the other, and kill the daemon in the middle of a slow crawl."""
    told.configure("every = 3600", delay="0.4", page_size="200")
    with Daemon(told.home) as daemon:
        daemon.waits_to_say("ref.bcd: no longer configured")
        daemon.waits_to_say("us.clustermapping: next run")
        scheduler.run_now(told.home, US)
        until(lambda: told.pages() >= 3)
        scheduler.run_now(told.home, US)
        daemon.waits_to_say("us.clustermapping: still running", daemon.said("us.clustermapping: still running") + 1)
        told.starts_while_slow = daemon.said("harvest started")
        daemon.process.kill()
        killed = time.monotonic()
        # The harvest holds the lock of its feed, and so does the crawl that it started, as long as they live.
        with lock(told.home / "staging" / US / "lock", "the feed", wait=PATIENCE):
            told.orphan_lived = time.monotonic() - killed
    told.interrupted.append(newest(told.home))


def _stop_while_slow(told: Story) -> None:
    """Start again, and stop when the interrupted crawl has gone on a little."""
    before = told.pages()
    with Daemon(told.home) as daemon:
        until(lambda: told.pages() >= before + 2)
        told.stops.append(daemon.stop())
    told.interrupted.append(newest(told.home))


def _go_on(told: Story) -> None:
    """Start a last time, without a pause between requests, until the interrupted harvest is whole."""
    told.configure("every = 3600", delay="0", page_size="200")
    with Daemon(told.home) as daemon:
        daemon.waits_to_say("us.clustermapping: accepted or unchanged")
        told.scheduled_at_last = scheduler.next_runs(told.home)
        told.stops.append(daemon.stop())
    told.interrupted.append(newest(told.home))
    told.asked_at_last = [request.path for request in told.replica.requests]


def newest(home: Path) -> Harvest:
    """Return the newest harvest of the US feed."""
    return next(harvests(home, US, newest_first=True))


def test_feeds_are_harvested_again_and_again(story: Story) -> None:
    for records in story.harvested.values():
        assert [record.status for record in records] == [Status.ACCEPTED] + [Status.UNCHANGED] * (len(records) - 1)
        assert len(records) >= 3
    assert [story.harvested[feed_id][-1].records for feed_id in (US, BCD)] == [3350, 383]


def test_what_is_accepted_is_published_and_what_is_unchanged_only_updates_the_status(story: Story) -> None:
    assert 1 <= len(story.releases) <= 2  # the two first harvests may have been published together
    finished = [record.finished_at for records in story.harvested.values() for record in records if record.finished_at]
    assert story.generated_at is not None
    assert story.generated_at >= max(finished).replace(microsecond=0)


def test_a_feed_never_runs_twice_at_once(story: Story) -> None:
    for records in story.harvested.values():
        for before, after in pairwise(records):
            assert before.finished_at is not None
            assert before.finished_at <= after.started_at
    assert story.starts_while_slow == 1


def test_a_second_daemon_is_refused_and_told_of_the_first(story: Story) -> None:
    assert story.refused is not None
    assert story.refused.returncode == 1
    assert f"the scheduler of this home is in use by process {story.first_pid} " in story.refused.stderr


def test_a_pause_from_another_process_is_heard(story: Story) -> None:
    assert story.pause_said == "paused ref.bcd, us.clustermapping\n"
    assert story.paused == {US: None, BCD: None}
    assert story.starts_while_paused == 0


def test_sigterm_ends_the_daemon_cleanly_also_in_the_middle_of_a_slow_crawl(story: Story) -> None:
    assert [code for code, _ in story.stops] == [0, 0, 0]
    assert max(seconds for _, seconds in story.stops) < STOP_WITHIN


def test_jobs_outlive_the_daemon_and_status_shows_them(story: Story) -> None:
    assert story.kept.keys() == {US, BCD}
    assert all(next_run is not None for next_run in story.kept.values())
    shown = {feed_id: next_run for feed_id, next_run in story.shown.items() if next_run is not None}
    assert shown == {feed_id: f"{at:%Y-%m-%dT%H:%M:%S}Z" for feed_id, at in story.kept.items() if at}


def test_removed_feeds_and_changed_rhythms_are_taken_from_the_settings(story: Story) -> None:
    assert story.scheduled_at_last.keys() == {US}
    next_run, ended_at = story.scheduled_at_last[US], story.interrupted[-1].finished_at
    assert next_run is not None
    assert ended_at is not None
    assert timedelta(minutes=50) < next_run - ended_at < timedelta(minutes=61)


def test_a_harvest_stops_when_its_daemon_was_killed(story: Story) -> None:
    assert story.orphan_lived < STOP_WITHIN
    assert story.interrupted[0].status is Status.PARTIAL


def test_an_interrupted_harvest_goes_on_where_it_stood(story: Story) -> None:
    killed, stopped, done = story.interrupted
    assert killed.harvest_id == stopped.harvest_id == done.harvest_id
    assert stopped.status is Status.PARTIAL
    assert (done.status, done.records) == (Status.UNCHANGED, 3350)
    assert len(done.attempts) == 3
    assert story.asked_at_last.count("/data/meta/years") == 1
    pages, interruptions = 17, 2
    assert pages <= story.pages() <= pages + interruptions


def test_without_a_feed_the_daemon_says_so_and_stays(tmp_path: Path) -> None:
    home = tmp_path / "what? 100%"
    home.mkdir()
    with Daemon(home) as daemon:
        daemon.waits_to_say(f"no feed is configured in {home / SETTINGS_FILE}")
        until((home / "scheduler.sqlite").exists)
        assert scheduler.next_runs(home) == {}
        with pytest.raises(ValueError, match=r"nothing: not scheduled in .*; scheduled are none"):
            scheduler.pause(home, None)
        assert daemon.process.poll() is None
        assert daemon.stop()[0] == 0


def test_settings_that_cannot_be_read_end_the_daemon_with_the_place(tmp_path: Path) -> None:
    configure(tmp_path, '[feeds."ref.bcd"]\nevery = "often"\n')
    refused = observatory(tmp_path, "schedule")
    assert refused.returncode == 2
    assert f"{tmp_path / SETTINGS_FILE}: feeds.ref.bcd.every: " in refused.stderr


def test_a_feed_that_is_not_scheduled_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "nowhere"
    for change in (scheduler.pause, scheduler.resume, scheduler.run_now):
        with pytest.raises(ValueError, match=r"ref\.bcd: not scheduled in .*Name the feed in observatory\.toml"):
            change(home, BCD)
    assert not home.exists()


@pytest.fixture
def run_briefly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], list[tuple[str, str]]]]:
    """Run the daemon in this process for two looks, with harvests that are only noted: (home, feed)."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    started: list[tuple[str, str]] = []

    def harvest_feed(home: str, feed_id: str) -> None:
        started.append((home, feed_id))

    # Jobs are stored by the name of what they call.
    harvest_feed.__module__, harvest_feed.__qualname__ = "scheduler", "harvest_feed"
    monkeypatch.setattr(scheduler, "harvest_feed", harvest_feed)

    def run(home: Path) -> list[tuple[str, str]]:
        started.clear()
        monkeypatch.setattr(scheduler, "_stop", threading.Event())
        looks = iter((False, True))
        monkeypatch.setattr(scheduler, "_has_come", lambda _: next(looks))
        scheduler.run(home)
        return started

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


Run = Callable[[Path], list[tuple[str, str]]]


def test_a_paused_feed_stays_paused_when_its_rhythm_changes(tmp_path: Path, run_briefly: Run) -> None:
    configure(tmp_path, '[feeds."ref.bcd"]\nevery = 3600\n')
    assert run_briefly(tmp_path) == []
    scheduler.pause(tmp_path, BCD)
    configure(tmp_path, '[feeds."ref.bcd"]\nschedule = "5 4 * * mon"\n')
    assert run_briefly(tmp_path) == []
    assert scheduler.next_runs(tmp_path) == {BCD: None}
    scheduler.resume(tmp_path, BCD)
    next_run = scheduler.next_runs(tmp_path)[BCD]
    assert next_run is not None
    assert (next_run.weekday(), next_run.hour, next_run.minute) == (0, 4, 5)


def test_resume_leaves_the_next_run_of_a_feed_that_is_not_paused(tmp_path: Path, run_briefly: Run) -> None:
    configure(tmp_path, '[feeds."ref.bcd"]\nevery = 3600\n')
    run_briefly(tmp_path)
    before = scheduler.next_runs(tmp_path)
    assert scheduler.resume(tmp_path, None) == [BCD]
    assert scheduler.next_runs(tmp_path) == before


def test_a_missed_run_is_made_up_for_once_in_the_home_where_it_stands_now(tmp_path: Path, run_briefly: Run) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    configure(old, '[feeds."ref.bcd"]\nevery = 3600\n')
    run_briefly(old)
    scheduler.run_now(old, BCD)
    old.rename(new)
    assert run_briefly(new) == [(str(new), BCD)]
