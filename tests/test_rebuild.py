"""Releases made again from the archive alone: every file byte by byte, whatever happened to the harvests since."""

from __future__ import annotations

import functools
import shutil
import socket
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import FEED, Observatory

from exports.release import listing
from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping


def without_one(document: dict[str, Any]) -> dict[str, Any] | None:
    """Leave out one document, as a source does whose table has a hole, and change another one."""
    if document.get("id") == "cluster/state/06/22/2016":
        return document | {"ap_tl": "123456"}
    return None if document.get("id") == "cluster/state/15/22/2016" else document


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, _replica: Replica[ClusterMapping]) -> Observatory:
    """A home with releases of both profiles, between which one harvest was broken off, and another one held."""
    observatory = Observatory(tmp_path_factory.mktemp("story") / "home")
    assert observatory.run("harvest", "ref.bcd")[0] == 0  # release 1
    _replica.faults.append(Fault("*/2016/22*", times=9, answer=Response(b"", 500)))
    code, broken = observatory.harvest(_replica.base_url, clusters="22", retries="0")
    assert (code, broken["status"]) == (1, "partial")
    _replica.faults.clear()
    assert observatory.run("harvest", "paper.facts")[0] == 0  # release 2, which tells of the one that was broken off
    code, whole = observatory.harvest(_replica.base_url, clusters="22")
    assert (code, whole["harvest_id"]) == (0, broken["harvest_id"])  # release 3
    _replica.app.mutate = without_one
    code, held = observatory.harvest(_replica.base_url, clusters="22")
    assert code == 3
    _replica.app.mutate = None
    assert observatory.run("publish", "--profile", "public")[0] == 0  # release 4
    assert observatory.run("accept", held["harvest_id"], "--reason", "it is so")[0] == 0  # release 5, which loads it
    return observatory


def released(observatory: Observatory) -> list[str]:
    return sorted(path.name for path in (observatory.home / "published").iterdir() if path.name[:1].isdigit())


def with_threads(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """Let DuckDB work with a number of threads."""
    plain = duckdb.connect

    @functools.wraps(plain)
    def connect(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:  # noqa: ANN401  # as DuckDB's own
        return plain(*arguments, **options | {"config": options.get("config", {}) | {"threads": threads}})

    monkeypatch.setattr(duckdb, "connect", connect)


def test_the_story_is_told(story: Observatory) -> None:
    def told(release: str) -> list[tuple[str, str | None]]:
        table = story.home / "published" / release / "harvests.parquet"
        query = f"SELECT status, reason FROM '{table}' WHERE feed_id = '{FEED}' ORDER BY harvest_id"
        return duckdb.execute(query).fetchall()

    [first, second, third, public, last] = released(story)
    assert public == story.manifest("latest-public")["release_id"]
    [(broken_off, why)] = told(second)
    assert (told(first), broken_off, told(third)) == ([], "partial", [("accepted", None)])
    assert why is not None
    assert told(public) == []  # nothing of a replica is public
    assert told(last) == [("accepted", None), ("accepted", "it is so")]


@pytest.mark.parametrize(("place", "threads"), [(1, 2), (3, 4), (4, 1)])
def test_every_file_is_made_again_byte_by_byte(
    story: Observatory, monkeypatch: pytest.MonkeyPatch, place: int, threads: int
) -> None:
    release = released(story)[place]
    with_threads(monkeypatch, threads)
    code, document = story.run("rebuild", "--release", release)
    assert document["different"] == []
    assert (code, document["installed"], document["warehouse"]) == (0, False, False)
    published = set(listing(story.home / "published" / release))
    assert set(document["identical"]) == published - {"SHA256SUMS"}
    assert not list(story.home.glob(".rebuild-*"))


def test_the_archive_alone_is_enough(story: Observatory, tmp_path: Path) -> None:
    bare = Observatory(tmp_path / "home")
    shutil.copytree(story.home / "archive", bare.home / "archive")
    code, document = bare.run("rebuild")
    assert (code, document["installed"], document["warehouse"]) == (0, True, True)
    assert bare.contents() == story.contents()
    assert bare.run("verify")[0] == 0
    assert bare.run("publish") == (0, {"release": None, "folder": None})  # it knows that this one is the newest
    code, document = bare.run("harvest", "ref.bcd")
    assert (code, document["harvests"][0]["status"]) == (0, "unchanged")


def test_what_was_changed_since_is_named(story: Observatory, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(story.home, home, symlinks=True)
    release = home / "published" / "latest"
    (release / "README.md").write_text("another text", "utf-8")
    (release / "notes.txt").write_text("mine", "utf-8")
    with duckdb.connect(str(release / "observatory.duckdb")) as book:
        book.execute("DELETE FROM claims WHERE claim_id = 'C002'")
    code, document = Observatory(home).run("rebuild")
    assert code == 1
    assert document["different"] == [
        "README.md: its bytes differ",
        "notes.txt: only in the published release",
        "observatory.duckdb: claims differs from the other file: 0 rows are missing, 1 are extra",
    ]


def test_what_the_archive_lacks_is_said(story: Observatory, tmp_path: Path) -> None:
    bare = Observatory(tmp_path / "home")
    code, document = bare.run("rebuild")
    assert (code, "nothing was published yet" in document["error"]) == (2, True)
    shutil.copytree(story.home / "archive", bare.home / "archive")
    code, document = bare.run("rebuild", "--release", "1999.01.01.1")
    assert (code, "the archive knows no release 1999.01.01.1" in document["error"]) == (2, True)
    [lost] = (bare.home / "archive" / "paper.facts").iterdir()
    shutil.rmtree(lost)
    code, document = bare.run("rebuild")
    assert code == 1
    assert f"the archive lacks 1 of its harvests, such as {lost.name}" in document["error"]
    assert not (bare.home / "published").exists()
    assert not (bare.home / "warehouse.duckdb").exists()


def test_another_software_is_told(story: Observatory, tmp_path: Path) -> None:
    bare = Observatory(tmp_path / "home")
    shutil.copytree(story.home / "archive", bare.home / "archive")
    for recipe in (bare.home / "archive" / "releases").iterdir():
        recipe.write_text(recipe.read_text("utf-8").replace('"duckdb_version": "', '"duckdb_version": "0.'), "utf-8")
    code, document = bare.run("rebuild", "--release", released(story)[0])
    assert code == 0
    [warning] = document["warnings"]
    assert f"was made by DuckDB 0.{duckdb.__version__}, here {duckdb.__version__}" in warning


def test_no_socket_is_opened(story: Observatory, monkeypatch: pytest.MonkeyPatch) -> None:
    def calls_home(*_: object, **__: object) -> None:
        socket.create_connection(("127.0.0.1", 9), timeout=1)

    monkeypatch.setattr("rebuild.stage", calls_home)
    code, document = story.run("rebuild")
    assert code == 1
    assert "a rebuild uses no network" in document["error"]
    with socket.socket() as listening:  # and afterwards all is as before
        listening.bind(("127.0.0.1", 0))
