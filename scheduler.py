"""When: one cron line or interval per feed, in jobs that outlive the daemon.

The daemon stays in the foreground. Each harvest is a process of its own, ``observatory harvest FEED``, and the same
feed never runs twice at once. Jobs stand in ``scheduler.sqlite``; pause, resume and run-now change them there, and the
daemon looks every second.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from crawlers.source import feeds
from home import SETTINGS_FILE, FeedSettings, read_settings
from warehouse.store import lock

LOOK_EVERY = 1.0
"""Seconds between two looks at what other processes changed."""

STOP_WAIT = 13.0
"""Seconds that running harvests have to stop; they are killed then, which the archive is made for."""

AT_ONCE = 2
"""Harvests of different feeds that run at once."""

_running: dict[str, subprocess.Popen[bytes]] = {}
_stop = threading.Event()


def run(home: Path) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    Raises:
        LockedError: another daemon runs this home.
        ValueError: the settings cannot be read.
    """
    settings = read_settings(home)
    with lock(home / "scheduler.lock", "the scheduler of this home", wait=0), _jobs(home) as jobs:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _stop.set())
        jobs.add_listener(_tell_trouble, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR)
        _keep_jobs(jobs, home, settings.feeds)
        if not settings.feeds:
            _say(f"no feed is configured in {home / SETTINGS_FILE}: nothing will be harvested; waiting")
        for job in jobs.get_jobs():
            _say(f"{job.id}: next run {job.next_run_time or 'never, it is paused'}")
        jobs.resume()
        while not _stop.wait(LOOK_EVERY):
            jobs.wakeup()
        jobs.pause()
        _stop_running()
    _say("stopped")


def harvest_feed(home: str, feed_id: str) -> None:
    """Harvest one feed in a process of its own; its output goes into ``logs/scheduler.log``."""
    if _stop.is_set():
        return
    log = Path(home) / "logs" / "scheduler.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603  # our own command, no shell
            [sys.executable, "-m", "cli", "harvest", feed_id, "--home", home],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches only the daemon, which stops it in order
        )
    _running[feed_id] = child
    _say(f"{feed_id}: harvest started")
    code = child.wait()
    del _running[feed_id]
    outcome = {0: "accepted or unchanged", 1: "failed or partial", 3: "held"}.get(code, f"ended with code {code}")
    _say(f"{feed_id}: {outcome}" + ("" if code == 0 else f"; see `observatory status` and {log}"))


def next_runs(home: Path) -> dict[str, datetime | None]:
    """Return feed → its next run (UTC), None while it is paused; empty where no daemon ever ran."""
    path = home / "scheduler.sqlite"
    if not path.exists():
        return {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT id, next_run_time FROM apscheduler_jobs").fetchall()
    database.close()
    return {feed_id: None if at is None else datetime.fromtimestamp(at, UTC) for feed_id, at in rows}


def pause(home: Path, feed_id: str | None) -> list[str]:
    """Pause the job of a feed, or all; return which."""
    with _jobs(home) as jobs:
        chosen = _chosen(jobs, home, feed_id)
        for name in chosen:
            jobs.pause_job(name)
    return chosen


def resume(home: Path, feed_id: str | None) -> list[str]:
    """Resume the job of a feed, or all; return which."""
    with _jobs(home) as jobs:
        chosen = _chosen(jobs, home, feed_id)
        for name in chosen:
            jobs.resume_job(name)
    return chosen


def run_now(home: Path, feed_id: str) -> str:
    """Make the job of a feed due now; return what that means."""
    with _jobs(home) as jobs:
        _chosen(jobs, home, feed_id)
        jobs.modify_job(feed_id, next_run_time=datetime.now(UTC))
    return f"{feed_id} is due now; the daemon starts it within seconds, or as soon as it runs"


@contextmanager
def _jobs(home: Path) -> Iterator[BackgroundScheduler]:
    """Open the jobs of a home, paused."""
    home.mkdir(parents=True, exist_ok=True)
    jobs = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{home / 'scheduler.sqlite'}")},
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


def _keep_jobs(jobs: BackgroundScheduler, home: Path, wanted: dict[str, FeedSettings]) -> None:
    """Make the jobs those of the settings; one whose rhythm did not change keeps its next run, or its pause."""
    for job in jobs.get_jobs():
        if job.id not in wanted:
            jobs.remove_job(job.id)
    for feed_id, settings in wanted.items():
        trigger, job = _trigger(feed_id, settings), jobs.get_job(feed_id)
        if job is None:
            jobs.add_job("scheduler:harvest_feed", trigger, args=[str(home), feed_id], id=feed_id, name=feed_id)
        elif str(job.trigger) != str(trigger):
            jobs.reschedule_job(feed_id, trigger=trigger)


def _trigger(feed_id: str, settings: FeedSettings) -> BaseTrigger:
    if settings.every is not None:
        return IntervalTrigger(seconds=settings.every, timezone=UTC)
    return CronTrigger.from_crontab(settings.schedule or feeds()[feed_id].cadence, timezone=UTC)


def _chosen(jobs: BackgroundScheduler, home: Path, feed_id: str | None) -> list[str]:
    known = [job.id for job in jobs.get_jobs()]
    if feed_id is not None and feed_id not in known:
        raise ValueError(
            f"{feed_id} is not scheduled in {home}; scheduled are {', '.join(known) or 'none'}. "
            f"Name it in {SETTINGS_FILE} and run `observatory schedule`."
        )
    return known if feed_id is None else [feed_id]


def _stop_running() -> None:
    """End the harvests that run: each stops at its last whole record and is gone on with next time."""
    children = list(_running.values())
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(STOP_WAIT)
        except subprocess.TimeoutExpired:
            child.kill()


def _tell_trouble(event: JobExecutionEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        _say(f"{event.job_id}: still running, so this run is left out")
    else:
        _say(f"{event.job_id}: {event.exception!r}")


def _say(message: Any) -> None:  # noqa: ANN401  # anything that can be printed
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {message}\n")
    sys.stdout.flush()
