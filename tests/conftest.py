"""Shared fixtures: the US replica, and an observatory in a home of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import cli
from exports.site import build
from replicas import us
from replicas.server import Replica
from replicas.us import ClusterMapping

FEED = "us.clustermapping"
STATES_2016 = {"delay": "0", "retries": "1", "region_types": "state", "years": "2016"}


class Units(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Deals out the tests of a file one by one, but for files whose tests share something: those go to one worker.

    Every worker would set up a module's fixtures for itself. xdist's own groups (`--dist loadgroup`) do nothing with
    pytest 9.2, which keeps the ids that they are written into elsewhere.
    """

    def _split_scope(self, nodeid: str) -> str:
        """Return the unit that a test belongs to: its file, or itself."""
        file = nodeid.partition("::")[0]
        return file if _shares(self.config.rootpath / file) else nodeid


@cache
def _shares(file: Path) -> bool:
    return 'scope="module"' in file.read_text("utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Units:
    """Let xdist deal out the tests as `Units` says, the largest units first."""
    return Units(config, log)


@dataclass(frozen=True, slots=True)
class Observatory:
    """The command in one home."""

    home: Path

    def run(self, *arguments: str) -> tuple[int, Any]:
        """Run a command in this process; return its exit code and its JSON document."""
        result = CliRunner().invoke(cli.app, [*arguments, "--home", str(self.home), "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, json.loads(result.stdout)

    def harvest(
        self, address: str, *options: str, route: str = "replica", **parameters: str
    ) -> tuple[int, dict[str, Any]]:
        """Harvest the US feed from an address; return the exit code and the harvest."""
        given = STATES_2016 | parameters
        sets = [part for name, value in given.items() for part in ("--set", f"{FEED}.{name}={value}")]
        code, document = self.run("harvest", FEED, "--route", route, "--base-url", f"{FEED}={address}", *sets, *options)
        return code, document["harvests"][0]

    def harvest_files(self, path: Path, *options: str) -> tuple[int, dict[str, Any]]:
        """Harvest the US feed from saved files."""
        code, document = self.run("harvest", FEED, "--route", "files", "--files", f"{FEED}={path}", *options)
        return code, document["harvests"][0]

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Query the newest release."""
        code, rows = self.run("sql", query)
        assert code == 0, rows
        assert isinstance(rows, list)
        return rows

    def value(self, query: str) -> Any:  # noqa: ANN401  # whatever the query selects
        """Return the one value that a query selects."""
        [row] = self.sql(query)
        [value] = row.values()
        return value

    def manifest(self, release: str = "latest") -> dict[str, Any]:
        """Read the manifest of a release."""
        manifest: dict[str, Any] = json.loads((self.home / "published" / release / "manifest.json").read_text("utf-8"))
        return manifest

    def contents(self, release: str = "latest") -> dict[str, str]:
        """Return table → content digest, of the tables that have content and rows."""
        tables = self.manifest(release)["tables"]
        return {name: table["content_sha256"] for name, table in tables.items() if table["content_sha256"]}


@pytest.fixture(scope="session", autouse=True)
def _no_engine() -> Iterator[None]:
    """Leave the engine of the console, 35 MB, out of every release but those that a browser opens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "ENGINE", Path("not-built"))
        yield


@pytest.fixture
def observatory(tmp_path: Path) -> Observatory:
    return Observatory(tmp_path / "home")


@pytest.fixture(scope="session")
def _replica() -> Iterator[Replica[ClusterMapping]]:
    with us.replica(region_types=("country", "state", "msa", "county"), years=("2016", "2017")) as replica:
        yield replica


@pytest.fixture
def replica(_replica: Replica[ClusterMapping]) -> Iterator[Replica[ClusterMapping]]:
    """The US replica with an empty log, as it is until a test changes it."""
    timestamp = _replica.app.timestamp
    _replica.requests.clear()
    yield _replica
    _replica.app.mutate, _replica.app.timestamp, _replica.app.robots = None, timestamp, us.ROBOTS
    _replica.faults.clear()
