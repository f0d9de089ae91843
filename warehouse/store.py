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
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import duckdb

from warehouse.schema import Column, Origin, create_table, quoted, tables

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

_POLL = 0.1


class LockedError(Exception):
    """Somebody else holds a lock; the message says who and since when."""


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
    """
    home.mkdir(parents=True, exist_ok=True)
    with lock(home / "warehouse.lock", "the warehouse", wait):
        connection = connect(str(home / "warehouse.duckdb"))
        try:
            _create_missing(connection)
            yield connection
        finally:
            connection.close()


def _create_missing(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables, and the columns of older tables, that the schema has and the file has not."""
    there: dict[str, set[str]] = {}
    for table, column in connection.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall():
        there.setdefault(table, set()).add(column)
    for table in tables(*STORED):
        extra = HISTORY_COLUMNS if table.historic else ()
        if table.name not in there:
            connection.execute(create_table(table, extra=extra))
            continue
        for column in (*table.columns, *extra):
            if column.name not in there[table.name]:
                name = f"{quoted(table.name)} ADD COLUMN {quoted(column.name)}"
                connection.execute(f"ALTER TABLE {name} {column.type}")
