"""Releases, and the warehouse, made again from the archive alone: no network, and nothing else of the home is read.

A release depends on the archive, its recipe, this software and DuckDB. So what is rebuilt is compared byte by byte with
what was published, where that is still there; DuckDB files are compared table by table, for no two builds of one are
alike.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from crawlers import harvest as harvests
from crawlers.harvest import Harvest
from crawlers.source import feeds
from exports import files
from exports.release import CHECKSUMS, Recipe, release_number, switch, sync
from exports.site import FOLDER
from exports.verify import differing_tables
from pipeline import BROKEN, Reporter, UsageError, ended, ledger_row, of_the_disk, write_release
from staging import folder as staging_folder
from staging import stage
from status import write_status
from warehouse import store
from warehouse.load import load, write_harvest
from warehouse.schema import SCHEMA_VERSION, Origin, quoted, tables


class RebuildError(Exception):
    """The archive does not give what the recipe asks for; nothing that was published is touched."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of a rebuild.

    Attributes:
        release: folder of the release, in the home.
        identical: files that are as they were published, byte by byte; of the DuckDB file, table by table.
        different: files that are not, each with what differs; empty where nothing was there to compare with.
        installed: whether the release was missing, and is now there.
        warehouse: whether the warehouse was missing, and is now there.
        warnings: what an operator should know.
    """

    release: Path
    identical: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    installed: bool = False
    warehouse: bool = False
    warnings: list[str] = field(default_factory=list)


def rebuild(home: Path, release_id: str | None, report: Reporter) -> Rebuilt:
    """Make a release again from the archive, and the warehouse where it is missing.

    Args:
        home: the home; of it only ``archive/`` is read, and ``published/`` to compare.
        release_id: the release; without it the newest.
        report: is told how it goes on.

    Raises:
        UsageError: the archive knows no such release.
        RebuildError: the archive lacks a harvest of the recipe, or it cannot be turned into rows.
        LockedError: the warehouse is in use by another process.
    """
    recipes = _recipes(home)
    target = recipes[-1] if release_id is None else next((one for one in recipes if one.release_id == release_id), None)
    if target is None:
        known = ", ".join(one.release_id for one in recipes[-5:])
        raise UsageError(f"the archive knows no release {release_id}; the newest are {known}")
    # The ledger of ids and the changes of a release speak of the one before it.
    line = [one for one in recipes[: recipes.index(target) + 1] if one.profile == target.profile]
    with (
        store.lock(home / store.LOCK, "the warehouse"),
        _shadow(home) as shadow,
        _no_network(),
        store.opened(shadow) as connection,
    ):
        loaded: set[str] = set()
        for recipe in line:
            report.step(recipe.release_id, "rebuild")
            load_harvests(shadow, connection, ended(shadow, recipe.published_at), loaded, report)
            if lost := sorted(set(recipe.harvests) - loaded):
                raise RebuildError(
                    f"release {recipe.release_id}: the archive lacks {len(lost)} of its harvests, such as {lost[0]}; "
                    "bring back their folders below archive/"
                )
            write_release(shadow, connection, recipe)
        result = _compare(home, shadow / "published" / target.release_id)
        result.warnings.extend(_warn(recipe) for recipe in line if _warn(recipe))
        missing = not (home / store.FILE).exists()
        if missing:
            load_harvests(shadow, connection, ended(shadow, harvests.now()), loaded, report)
            connection.close()
            _install(shadow, home)
    write_status(home)
    return Rebuilt(result.release, result.identical, result.different, result.installed, missing, result.warnings)


@dataclass(frozen=True, slots=True)
class Migrated:
    """What came of a migration.

    Attributes:
        before: version of the schema that the warehouse had; None if it did not say, or there is no warehouse.
        after: version that it has; None if there is no warehouse.
        changed: whether it was made anew.
        rows: table → rows that are open, where their number is another than before: [before, after].
    """

    before: str | None
    after: str | None
    changed: bool = False
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)


def migrate(home: Path, report: Reporter) -> Migrated:
    """Make a warehouse of an older schema anew from the archive; the old one stands until the new one is whole.

    It is replayed, and not altered: what new columns hold is known from the archive alone.

    Args:
        home: the home.
        report: is told how it goes on.

    Raises:
        WarehouseError: the warehouse is of a newer software, or cannot be opened.
        RebuildError: the archive does not give what the old warehouse has.
        LockedError: the warehouse is in use by another process.
    """
    with store.lock(home / store.LOCK, "the warehouse"):
        if not (home / store.FILE).exists():
            return Migrated(None, None)
        with store.connected(home / store.FILE) as old:
            layout = store.layout_of(old)
            if layout.is_current:
                return Migrated(SCHEMA_VERSION, SCHEMA_VERSION)
            if layout.is_newer:
                store.refuse_other(home, layout)
            loaded_before, rows_before = _loaded(old), _open_rows(old)
        loaded: set[str] = set()
        with _shadow(home) as shadow, _no_network():
            with store.opened(shadow) as connection:
                report.step("warehouse", "migrate")
                load_harvests(shadow, connection, ended(shadow, harvests.now()), loaded, report)
                rows_after = _open_rows(connection)
            if lost := sorted(loaded_before - loaded):
                raise RebuildError(
                    f"the archive lacks {len(lost)} harvests that the warehouse has, such as {lost[0]}: bring back "
                    "their folders below archive/. The warehouse stands as it was"
                )
            fed_before, fed_after = ({feed_id for _, feed_id in rows} for rows in (rows_before, rows_after))
            if lost := sorted(fed_before - fed_after):
                raise RebuildError(
                    f"this software reads no row of {', '.join(lost)} in the archive, and the warehouse has some: "
                    "the warehouse stands as it was. Go back to the software that made it, and report this"
                )
            _install(shadow, home)
    totals = [_by_table(rows) for rows in (rows_before, rows_after)]
    names = sorted(totals[0].keys() | totals[1].keys())
    pairs = {name: (totals[0].get(name, 0), totals[1].get(name, 0)) for name in names}
    differing = {name: (before, after) for name, (before, after) in pairs.items() if before != after}
    return Migrated(layout.version, SCHEMA_VERSION, changed=True, rows=differing)


def _loaded(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the harvests that stand in a warehouse of any schema."""
    there = {table for table, _ in store.layout_of(connection).columns}
    if "harvests" not in there:
        return set()
    query = "SELECT harvest_id FROM harvests WHERE status IN ('accepted', 'unchanged')"
    return {str(harvest_id) for (harvest_id,) in connection.execute(query).fetchall()}


def _open_rows(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Return (table, feed) → open rows, of a warehouse of any schema."""
    there = store.layout_of(connection).columns
    return {
        (table.name, str(feed_id)): int(rows)
        for table in tables(Origin.FEED)
        if {(table.name, "feed_id"), (table.name, "closed_by")} <= there.keys()
        for feed_id, rows in connection.execute(
            f"SELECT feed_id, count(*) FROM {quoted(table.name)} WHERE closed_by IS NULL GROUP BY ALL"
        ).fetchall()
    }


def _by_table(rows: dict[tuple[str, str], int]) -> dict[str, int]:
    return {name: sum(count for (table, _), count in rows.items() if table == name) for name, _ in rows}


def _install(shadow: Path, home: Path) -> None:
    """Put a warehouse that was closed in the place of the one that is there, or is not."""
    sync(shadow / store.FILE)
    # What a killed process left beside a file that is gone would be played into this one.
    (home / f"{store.FILE}.wal").unlink(missing_ok=True)
    (shadow / store.FILE).replace(home / store.FILE)


def _recipes(home: Path) -> list[Recipe]:
    found = [
        Recipe.from_json(path.read_text("utf-8"))
        for path in sorted((home / "archive" / "releases").glob("[0-9]*.json"))
    ]
    if not found:
        raise UsageError(f"{home / 'archive' / 'releases'} has no recipe of a release: nothing was published yet")
    return sorted(found, key=lambda recipe: release_number(recipe.release_id))


def _warn(recipe: Recipe) -> str:
    made = (recipe.software_version, recipe.duckdb_version, recipe.schema_version)
    here = (harvests.software_version(), duckdb.__version__, SCHEMA_VERSION)
    if made == here:
        return ""
    words = ("software", "DuckDB", "schema")
    changed = [f"{word} {old}, here {new}" for word, old, new in zip(words, made, here, strict=True) if old != new]
    return f"release {recipe.release_id} was made by {'; '.join(changed)}: its files may come out otherwise"


def load_harvests(
    home: Path,
    connection: duckdb.DuckDBPyConnection,
    records: Sequence[Harvest],
    loaded: set[str],
    report: Reporter,
) -> None:
    """Load good harvests that are not loaded yet, in the order that is given.

    Args:
        home: the home whose archive has them; they are staged there, and the staging is removed.
        connection: the warehouse.
        records: the harvests, those of one feed in the order of their ends; any order of feeds gives the same rows.
        loaded: ids of the harvests that the warehouse has; what is loaded is added.
        report: is told how it goes on.

    Raises:
        RebuildError: this software has no such feed, or cannot turn its archive into rows.
    """
    for record in records:
        if record.status is None or not record.status.good or record.harvest_id in loaded:
            continue
        loaded.add(record.harvest_id)
        row = ledger_row(record)
        if record.confirms is not None:
            write_harvest(connection, row)
            continue
        if record.feed_id not in feeds():
            raise RebuildError(f"{record.harvest_id}: this software has no feed {record.feed_id}")
        report.step(record.feed_id, f"load {record.harvest_id}")
        again = record.model_copy(deep=True)
        try:
            stage(home, feeds()[record.feed_id], again)
        except BROKEN as error:
            if of_the_disk(error):
                raise
            raise RebuildError(f"{record.harvest_id}: the archive cannot be turned into rows: {error}") from error
        load(connection, staging_folder(home, again), row | {"closing": again.closing})
        shutil.rmtree(staging_folder(home, again))


def _compare(home: Path, built: Path) -> Rebuilt:
    """Compare a rebuilt release with the published one, or put it in its place where there is none."""
    published = home / "published" / built.name
    if not published.is_dir():
        published.parent.mkdir(parents=True, exist_ok=True)
        built.rename(published)
        switch(published.parent)
        return Rebuilt(published, installed=True)
    result = Rebuilt(published)
    # The checksums name that of the DuckDB file, which differs between two builds.
    names = sorted({path.relative_to(root).as_posix() for root in (built, published) for path in _files(root)})
    for name in names:
        if name == CHECKSUMS:
            continue
        one, other = built / name, published / name
        if not one.is_file() or not other.is_file():
            engine = other.is_file() and name.startswith(f"{FOLDER}/console/")
            hint = "; `make console` builds it here" if engine else ""
            where = "published" if other.is_file() else "rebuilt"
            result.different.append(f"{name}: only in the {where} release{hint}")
        elif name in files.DATABASES:
            problems = differing_tables(one, other)
            result.different.extend(problems)
            result.identical.extend([] if problems else [name])
        elif one.read_bytes() != other.read_bytes():
            result.different.append(f"{name}: its bytes differ")
        else:
            result.identical.append(name)
    return result


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


@contextmanager
def _shadow(home: Path) -> Iterator[Path]:
    """Make a home that has nothing but the archive of another; what killed ones left is removed."""
    for left in home.glob(".rebuild-*"):
        shutil.rmtree(left)
    shadow = home / ".rebuild-shadow"
    shadow.mkdir()
    (shadow / "archive").symlink_to(home.resolve() / "archive")
    try:
        yield shadow
    finally:
        shutil.rmtree(shadow)


_state = {"hooked": False, "blocked": False}


def _refuse_connections(event: str, arguments: tuple[object, ...]) -> None:
    if _state["blocked"] and event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"}:
        raise RebuildError(f"a rebuild uses no network, and something tried {event} {arguments[1:]!r}")


@contextmanager
def _no_network() -> Iterator[None]:
    """Refuse every connection of this process. An audit hook can never be taken away again, only told to be silent."""
    if not _state["hooked"]:
        sys.addaudithook(_refuse_connections)
        _state["hooked"] = True
    _state["blocked"] = True
    try:
        yield
    finally:
        _state["blocked"] = False
