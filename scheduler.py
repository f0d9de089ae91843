"""When: one cron line or interval per feed, in jobs that outlive the daemon.

The daemon stays in the foreground. Each harvest is a process of its own, ``observatory harvest FEED``, which stops when
the daemon is gone, and the same feed never runs twice at once. Jobs stand in ``scheduler.sqlite``; pause, resume and
run-now change them there, and the daemon looks every second.
"""

from __future__ import annotations

import logging
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from crawlers.harvest import Stage, Status, harvests
from crawlers.source import feeds
from home import SETTINGS_FILE, FeedSettings, cron_trigger, read_settings
from warehouse.store import lock

LOOK_EVERY = 1.0
"""Seconds between two looks at what other processes changed."""

STOP_WAIT = 13.0
"""Seconds that running harvests have to stop; they are killed then, which the archive is made for."""

AT_ONCE = 2
"""Harvests of different feeds that run at once."""

_OUTCOMES = {0: "accepted or unchanged", 1: "failed or partial", 2: "could not be carried out", 3: "held"}

_stop = threading.Event()


class SchedulerError(Exception):
    """The jobs of a home cannot be read; the message says what to do."""


class _Jobs(BaseScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """Jobs that are looked at in our own thread, when we say so: an error there ends the daemon, and is seen."""

    def wakeup(self) -> None:
        """Start what is due."""
        self._process_jobs()

    def shutdown(self, wait: bool = True) -> None:
        """Wait for what runs, and close the jobs."""
        super().shutdown(wait)


def run(home: Path) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    Raises:
        LockedError: another daemon runs this home.
        ValueError: the settings cannot be read.
    """
    settings = read_settings(home)
    signals: SimpleQueue[int] = SimpleQueue()  # its put may interrupt its get; an Event would block for ever
    with lock(home / "scheduler.lock", "the scheduler of this home", wait=0), _jobs(home) as jobs:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: signals.put(number))
        jobs.add_listener(_say_left_out, EVENT_JOB_MAX_INSTANCES)
        logging.getLogger("apscheduler.scheduler").addFilter(lambda entry: "skipped" not in entry.msg)  # we say it
        _keep_jobs(jobs, home, settings.feeds)
        _take_up_interrupted(jobs, home)
        if not settings.feeds:
            _say(f"no feed is configured in {home / SETTINGS_FILE}: nothing will be harvested; waiting")
        for job in jobs.get_jobs():
            _say(f"{job.id}: next run {job.next_run_time or 'never, it is paused'}")
        try:
            jobs.resume()
            while not _has_come(signals):
                jobs.wakeup()
        finally:
            _stop.set()
    _say("stopped")


def harvest_feed(home: str, feed_id: str) -> None:
    """Harvest one feed in a process of its own; its output goes into ``logs/scheduler.log``."""
    if _stop.is_set():
        return
    log = Path(home) / "logs" / "scheduler.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "cli", "harvest", feed_id, "--home", home, "--stop-at-eof"]
    with (
        log.open("ab") as output,
        subprocess.Popen(  # noqa: S603  # our own command, no shell
            command,
            stdin=subprocess.PIPE,  # its end tells the child that we are gone
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches only the daemon, which stops it in order
        ) as child,
    ):
        _say(f"{feed_id}: harvest started")
        while child.poll() is None and not _stop.wait(LOOK_EVERY):
            pass
        code = _end(child)
    outcome = _OUTCOMES.get(code, f"ended with code {code}")
    _say(f"{feed_id}: {outcome}" + ("" if code == 0 else f"; see `observatory status` and {log}"))


def _end(child: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a harvest; one that still runs stops at its last whole record, to go on next time."""
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(STOP_WAIT)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def next_runs(home: Path) -> dict[str, datetime | None]:
    """Return feed → its next run (UTC), None while it is paused; empty where no daemon ever ran.

    Raises:
        SchedulerError: the file cannot be read.
    """
    path = home / "scheduler.sqlite"
    if not path.exists():
        return {}
    try:
        # Not read-only: after a kill, SQLite must first roll back what was half written.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'apscheduler_jobs'").fetchall():
                return {}  # a daemon was killed before it had written anything
            rows = database.execute("SELECT id, next_run_time FROM apscheduler_jobs ORDER BY id").fetchall()
    except sqlite3.DatabaseError as error:
        raise SchedulerError(
            f"{path} cannot be read: {error}. Move it away, or take it back from a backup; without it the daemon "
            "schedules all feeds anew, and none is paused"
        ) from error
    return {feed_id: None if at is None else datetime.fromtimestamp(at, UTC) for feed_id, at in rows}


def pause(home: Path, feed_id: str | None) -> list[str]:
    """Pause the job of a feed, or all; return which.

    Raises:
        ValueError: it is not scheduled, or nothing is.
    """
    chosen = _chosen(home, feed_id)
    with _jobs(home) as jobs:
        for name in chosen:
            jobs.pause_job(name)
    return chosen


def resume(home: Path, feed_id: str | None) -> list[str]:
    """Resume the job of a feed, or all; return which. One that is not paused keeps its next run.

    Raises:
        ValueError: it is not scheduled, or nothing is.
    """
    chosen, runs = _chosen(home, feed_id), next_runs(home)
    with _jobs(home) as jobs:
        for name in chosen:
            if runs[name] is None:
                jobs.resume_job(name)
    return chosen


def run_now(home: Path, feed_id: str) -> str:
    """Make the job of a feed due now, also if it is paused; return what that means.

    Raises:
        ValueError: it is not scheduled.
    """
    _chosen(home, feed_id)
    was_paused = next_runs(home)[feed_id] is None
    with _jobs(home) as jobs:
        jobs.modify_job(feed_id, next_run_time=datetime.now(UTC))
    resumed = "; it was paused, and is resumed by this" if was_paused else ""
    return f"{feed_id} is due now; the daemon starts it within seconds, or as soon as it runs{resumed}"


@contextmanager
def _jobs(home: Path) -> Iterator[_Jobs]:
    """Open the jobs of a home, paused."""
    # Loaded here, for it takes as long as all else together, and every other command does without.
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # noqa: PLC0415
    from sqlalchemy import URL  # noqa: PLC0415

    home.mkdir(parents=True, exist_ok=True)
    next_runs(home)  # a file that cannot be read is told in our words
    jobs = _Jobs(
        jobstores={"default": SQLAlchemyJobStore(url=URL.create("sqlite", database=str(home / "scheduler.sqlite")))},
        executors={"default": ThreadPoolExecutor(AT_ONCE)},
        # One run makes up for all that were missed, however late: a source that was due is harvested.
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    jobs.start(paused=True)
    try:
        yield jobs
    finally:
        jobs.shutdown(wait=True)


def _keep_jobs(jobs: _Jobs, home: Path, wanted: dict[str, FeedSettings]) -> None:
    """Make the jobs those of the settings; one that is paused stays so, and an old rhythm keeps its next run."""
    for job in jobs.get_jobs():
        if job.id not in wanted:
            jobs.remove_job(job.id)
            _say(f"{job.id}: no longer configured, so no longer scheduled")
    for feed_id, settings in wanted.items():
        trigger, job = _trigger(feed_id, settings), jobs.get_job(feed_id)
        changes: dict[str, Any] = {"args": (str(home), feed_id)}  # the home may have been moved
        if job is None:
            jobs.add_job("scheduler:harvest_feed", trigger, id=feed_id, name=feed_id, **changes)
            continue
        if str(job.trigger) != str(trigger):
            changes["trigger"] = trigger
            if job.next_run_time is not None:
                changes["next_run_time"] = trigger.get_next_fire_time(None, datetime.now(UTC))
        jobs.modify_job(feed_id, **changes)


def _take_up_interrupted(jobs: _Jobs, home: Path) -> None:
    """Make due now what was interrupted: by its next regular run it may be too old to go on with."""
    for job in jobs.get_jobs():
        newest = next(harvests(home, job.id, newest_first=True), None)
        interrupted = newest is not None and (newest.stage is not Stage.ENDED or newest.status is Status.PARTIAL)
        if interrupted and job.next_run_time is not None:
            jobs.modify_job(job.id, next_run_time=datetime.now(UTC))


def _trigger(feed_id: str, settings: FeedSettings) -> BaseTrigger:
    if settings.every is not None:
        return IntervalTrigger(seconds=settings.every, timezone=UTC)
    return cron_trigger(settings.schedule or feeds()[feed_id].cadence)


def _chosen(home: Path, feed_id: str | None) -> list[str]:
    scheduled = list(next_runs(home))
    if (feed_id is None and scheduled) or feed_id in scheduled:
        return scheduled if feed_id is None else [feed_id]
    raise ValueError(
        f"{feed_id or 'nothing'}: not scheduled in {home}; scheduled are {', '.join(scheduled) or 'none'}. "
        f"Name the feed in {SETTINGS_FILE} and run `observatory schedule`."
    )


def _has_come(signals: SimpleQueue[int]) -> bool:
    """Wait for a signal, for as long as a look may wait."""
    try:
        signals.get(timeout=LOOK_EVERY)
    except Empty:
        return False
    return True


def _say_left_out(event: JobSubmissionEvent) -> None:
    _say(f"{event.job_id}: still running, so this run is left out")


def _say(message: Any) -> None:  # noqa: ANN401  # anything that can be printed
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {message}\n")
    sys.stdout.flush()
