"""Killed and stopped anywhere: nothing lost, nothing twice, `latest` always whole."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from conftest import FEED, STATES_2016, Observatory

from crawlers import harvest as harvests
from exports.verify import verify
from replicas.server import Fault, Replica
from replicas.us import ClusterMapping
from warehouse.schema import Origin, quoted, tables

US = Replica[ClusterMapping]

KILLS = 10


def start(home: Path, address: str) -> subprocess.Popen[bytes]:
    """Start a harvest in a process group of its own."""
    parameters = STATES_2016 | {"page_size": "500"}
    sets = [part for name, value in parameters.items() for part in ("--set", f"{FEED}.{name}={value}")]
    route = ["--route", "replica", "--base-url", f"{FEED}={address}", "--home", str(home)]
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "harvest", FEED, *route, *sets],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def open_keys_stand_once(home: Path) -> None:
    """Assert that no key of an open row stands twice in the warehouse."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for table in tables(Origin.FEED):
            key = ", ".join(quoted(name) for name in ("feed_id", *table.key))
            twice = f"SELECT {key} FROM {quoted(table.name)} WHERE closed_by IS NULL GROUP BY ALL HAVING count(*) > 1"
            assert connection.execute(twice).fetchall() == []
        repeated = "SELECT harvest_id FROM harvests GROUP BY ALL HAVING count(*) > 1"
        assert connection.execute(repeated).fetchall() == []


def test_a_full_disk_is_no_fault_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    observatory = Observatory(tmp_path / "home")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for place in ("pipeline.stage", "pipeline.load"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            code, document = observatory.run("harvest", "ref.porter41", "ref.bcd")
        assert (code, document["harvests"]) == (1, [])
        assert f"{observatory.home} cannot be written: No space left on device. See" in document["error"]
        [record] = harvests.harvests(observatory.home)
        assert (record.feed_id, record.stage) == ("ref.porter41", "crawled")  # those that follow were not tried
    code, document = observatory.run("harvest", "ref.porter41", "--no-publish")
    assert (code, document["harvests"][0]["harvest_id"]) == (0, record.harvest_id)


def test_a_stop_is_one_document_and_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.publish", stop)
    code, document = Observatory(tmp_path / "home").run("publish")
    assert (code, document["error"].startswith("stopped; run the command again")) == (1, True)


def test_killed_at_ten_random_moments(tmp_path: Path, replica: US) -> None:
    undisturbed = Observatory(tmp_path / "undisturbed")
    began = time.monotonic()
    assert start(undisturbed.home, replica.base_url).wait(60) == 0
    whole_run = time.monotonic() - began

    disturbed = Observatory(tmp_path / "disturbed")
    moments = random.Random(20261123)  # noqa: S311  # reproducible moments, no secret
    killed = 0
    for number in range(KILLS):
        # One kill in each tenth of a run, so that crawl, check, load and publish are all hit.
        wait = whole_run * (number + moments.random()) / KILLS
        child = start(disturbed.home, replica.base_url)
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            killed += 1
        # The crawl is in a session of its own, and ends by itself when its parent is gone.
        os.killpg(child.pid, signal.SIGKILL) if child.returncode is None else None
        child.wait()
        latest = disturbed.home / "published" / "latest"
        if latest.exists():
            assert verify(latest.resolve(), disturbed.home) == []
    assert killed >= KILLS // 2
    assert start(disturbed.home, replica.base_url).wait(60) == 0
    assert disturbed.contents() == undisturbed.contents()
    assert verify(disturbed.home / "published" / "latest", disturbed.home) == []
    open_keys_stand_once(disturbed.home)
    assert [record.status.good for record in harvests.harvests(disturbed.home) if record.status].count(True) >= 1


def test_sigterm_stops_in_order_and_the_next_harvest_goes_on(tmp_path: Path, replica: US) -> None:
    undisturbed, stopped = Observatory(tmp_path / "undisturbed"), Observatory(tmp_path / "stopped")
    undisturbed.harvest(replica.base_url, page_size="500")
    replica.requests.clear()
    replica.faults.append(Fault("*start=1500*", times=1, delay=4))
    child = start(stopped.home, replica.base_url)
    while not any(request.query.get("start") == "1500" for request in replica.requests):
        time.sleep(0.02)
        assert child.poll() is None
    asked_for = time.monotonic()
    child.terminate()
    assert child.wait(15) == 1
    assert time.monotonic() - asked_for < 15
    [record] = harvests.harvests(stopped.home)
    assert (record.status, record.reason) == ("partial", "stopped; the next harvest goes on where it stood")
    replica.faults.clear()
    replica.requests.clear()
    code, harvest = stopped.harvest(replica.base_url, page_size="500")
    assert (code, harvest["status"], harvest["harvest_id"]) == (0, "accepted", record.harvest_id)
    starts = [request.query["start"] for request in replica.requests if "start" in request.query]
    assert {"0", "500", "1000"}.isdisjoint(starts)
    assert starts[-1] == "3000"
    assert stopped.contents() == undisturbed.contents()
