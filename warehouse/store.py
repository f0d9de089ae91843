"""The warehouse file: who may open it, and what stands in it.

``warehouse.duckdb`` holds every historic table of the common schema with its open and closed rows, and the ledgers.
Only load and publish open it, one at a time, behind a lock that says who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import duckdb

from warehouse.schema import SCHEMA_VERSION, Column, Origin, Table, create_table, tables

FILE = "warehouse.duckdb"
"""The warehouse, in a home."""

LOCK = "warehouse.lock"
"""Its lock, in a home."""

HISTORY_COLUMNS = (
    Column("opened_by", "VARCHAR", "The harvest that opened the row.", content=False),
    Column("closed_by", "VARCHAR", "The harvest that closed the row; null while it is open.", content=False),
    Column("partition", "VARCHAR", "The part of the source that the row was read from.", content=False),
)
"""What historic tables have in the warehouse beyond the common schema."""

STORED = (Origin.FEED, Origin.LEDGER)
"""Origins of the tables that the warehouse keeps; all others are made anew for each release."""

LOCK_WAIT = 60.0
"""Seconds to wait for a lock before giving up."""

Lock = AbstractContextManager[IO[str]]
"""A lock that is not held yet."""

VERSION = "schema_version"
"""The table that says which version of the common schema the warehouse has."""

_POLL = 0.1
_SHOWN = 3


class LockedError(Exception):
    """Somebody else holds a lock; the message says who and since when."""


class WarehouseError(Exception):
    """The warehouse cannot be used by this software; the message says why, and what to do."""


@contextmanager
def lock(path: Path, what: str, wait: float = LOCK_WAIT) -> Iterator[IO[str]]:
    """Hold a lock, which ends with the process whatever happens to it.

    Args:
        path: the lock file; it stays, with the name of its last holder in it.
        what: what is locked, for the message.
        wait: seconds to wait for it.

    Yields:
        The locked file; a child process that inherits it keeps the lock while it lives.

    Raises:
        LockedError: another process held it for the whole time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        deadline = time.monotonic() + wait
        while not _try_lock(stream):
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"{what} is in use by {_holder(stream)}; waited {wait:g} s ({path}). Try again later."
                )
            time.sleep(_POLL)
        stream.seek(0)
        stream.truncate()
        holder = {"pid": os.getpid(), "command": " ".join(sys.argv), "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        json.dump(holder, stream)
        stream.flush()
        yield stream


def _try_lock(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(stream: IO[str]) -> str:
    stream.seek(0)
    try:
        holder = json.load(stream)
    except ValueError:
        return "another process"
    return f"process {holder['pid']} ({holder['command']}) since {holder['since']}"


def connect(
    database: str = ":memory:", *, read_only: bool = False, config: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database that keeps silent: by itself it draws a bar on standard output when a query takes long.

    Args:
        database: path of the file; in memory without one.
        read_only: many processes may read at once.
        config: DuckDB's settings.
    """
    connection = duckdb.connect(database, read_only=read_only, config=dict(config or {}))
    # Another connection of this process may have opened the same file and locked its settings.
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall() == [(False,)]:
        connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def opened(home: Path, wait: float = LOCK_WAIT) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse of a home for load or publish, made if it is not there yet.

    Raises:
        LockedError: another process held it for longer than `wait` seconds.
        WarehouseError: it has another schema than this software, or cannot be opened.
    """
    home.mkdir(parents=True, exist_ok=True)
    with lock(home / LOCK, "the warehouse", wait), connected(home / FILE) as connection:
        layout = layout_of(connection)
        if not layout.columns:
            _create(connection)
        else:
            refuse_other(home, layout)
            if layout.version is None:  # made before warehouses said their version
                _stamp(connection)
        yield connection


def look(home: Path, wait: float = LOCK_WAIT) -> Layout | None:
    """Return what tables the warehouse of a home has; None where there is no warehouse.

    Raises:
        LockedError: another process held it for longer than `wait` seconds.
        WarehouseError: it cannot be opened.
    """
    if not (home / FILE).exists():
        return None
    with lock(home / LOCK, "the warehouse", wait), connected(home / FILE) as connection:
        return layout_of(connection)


@contextmanager
def connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file of a warehouse, whatever schema it has; the caller holds its lock.

    Raises:
        WarehouseError: it cannot be opened.
    """
    try:
        connection = connect(str(path))
    except duckdb.Error as error:
        told = str(error).splitlines()[0].rstrip(".")
        raise WarehouseError(
            f"{path} cannot be opened: {told}. If the file is damaged, move it away: "
            "`observatory rebuild` makes it again"
        ) from error
    try:
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Layout:
    """What tables a warehouse has.

    Attributes:
        version: of the common schema, as the file says; None if it does not say.
        columns: (table, column) → its type.
    """

    version: str | None
    columns: Mapping[tuple[str, str], str]

    @property
    def differences(self) -> list[str]:
        """What differs from the tables of this software, in words."""
        wanted = {(table.name, column.name): column.type for table in tables(*STORED) for column in _columns(table)}
        lacking = [f"{table} lacks {column}" for table, column in wanted.keys() - self.columns.keys()]
        unknown = [f"{table} has {column}" for table, column in self.columns.keys() - wanted.keys()]
        other = [
            f"{table}.{column} is {self.columns[table, column]} and should be {wanted[table, column]}"
            for table, column in wanted.keys() & self.columns.keys()
            if self.columns[table, column] != wanted[table, column]
        ]
        return sorted(lacking) + sorted(unknown) + sorted(other)

    @property
    def is_current(self) -> bool:
        """Whether this software can use it."""
        return self.version in {None, SCHEMA_VERSION} and not self.differences

    @property
    def is_newer(self) -> bool:
        """Whether it was made by a newer software, or one that is not known."""
        return self.version is not None and _number(self.version) > _number(SCHEMA_VERSION)


def layout_of(connection: duckdb.DuckDBPyConnection) -> Layout:
    """Return what tables a warehouse has."""
    found = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND database_name = current_database() AND schema_name = 'main'"
    ).fetchall()
    columns = {(str(table), str(column)): str(type_) for table, column, type_ in found}
    version = None
    if columns.pop((VERSION, "version"), None) is not None:
        row = connection.execute(f"SELECT version FROM {VERSION}").fetchone()
        version = None if row is None else str(row[0])
    return Layout(version, columns)


def refuse_other(home: Path, layout: Layout) -> None:
    """Refuse a warehouse that this software cannot use.

    Raises:
        WarehouseError: it has another schema; the message says what to do.
    """
    if layout.is_current:
        return
    first, more = layout.differences[:_SHOWN], len(layout.differences) - _SHOWN
    told = f" ({'; '.join(first)}{f'; and {more} more' if more > 0 else ''})" if first else ""
    has = f"schema {layout.version}" if layout.version else "the schema of an older software"
    what = f"{home / FILE} has {has}{told}, this software needs schema {SCHEMA_VERSION}"
    if layout.is_newer:
        raise WarehouseError(f"{what}: install the software that made it, or a newer one. Nothing was changed")
    raise WarehouseError(f"{what}: `observatory migrate` makes it anew from the archive. Nothing was changed")


def refuse_other_schema(home: Path) -> None:
    """Refuse a warehouse that this software cannot use, before hours of crawling are spent on it.

    Raises:
        WarehouseError: it has another schema, or cannot be opened.
    """
    try:
        layout = look(home, wait=0)
    except LockedError:
        return  # whoever has it open has looked
    if layout is not None:
        refuse_other(home, layout)


def _number(version: str) -> tuple[int, ...]:
    """Return the parts of a version as numbers, by which versions are ordered; what is none is newer than all."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else (sys.maxsize,)


def _columns(table: Table) -> tuple[Column, ...]:
    """Return the columns that a table has in the warehouse."""
    return (*table.columns, *(HISTORY_COLUMNS if table.historic else ()))


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all tables, or none."""
    connection.execute("BEGIN")
    for table in tables(*STORED):
        connection.execute(create_table(table, extra=HISTORY_COLUMNS if table.historic else ()))
    _stamp(connection)
    connection.execute("COMMIT")


def _stamp(connection: duckdb.DuckDBPyConnection) -> None:
    """Note the version of the schema."""
    connection.execute(f"CREATE OR REPLACE TABLE {VERSION} AS SELECT ?::VARCHAR AS version", [SCHEMA_VERSION])
