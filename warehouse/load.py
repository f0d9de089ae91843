"""Staged rows of one harvest → the warehouse: history by close and append, in one transaction.

For each table, rows of the feed that are open are compared with the staged ones by key, on content columns only. An
equal row is confirmed and left alone. A different one is closed and its successor appended. An open row that is not
staged is closed only if its partition was read completely. Everything is set-based.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from warehouse.schema import DOCUMENTS, HARVESTS, QUARANTINE, Origin, Table, literal, quoted, tables


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did: rows opened, replaced and ended; and when the harvest ended with it (UTC, naive)."""

    opened: int = 0
    changed: int = 0
    closed: int = 0
    finished_at: datetime | None = None

    def __add__(self, other: Loaded) -> Loaded:
        opened, changed, closed = self.opened + other.opened, self.changed + other.changed, self.closed + other.closed
        return replace(self, opened=opened, changed=changed, closed=closed)

    def __bool__(self) -> bool:
        return bool(self.opened or self.changed or self.closed)


def is_loaded(connection: DuckDBPyConnection, harvest_id: str) -> Loaded | None:
    """Return what the load of a harvest did, or None where it was not loaded."""
    row = connection.execute(
        "SELECT rows_opened, rows_changed, rows_closed, finished_at FROM harvests WHERE harvest_id = ? "
        "AND status IN ('accepted', 'unchanged')",
        [harvest_id],
    ).fetchone()
    return None if row is None else Loaded(*row)


def newer_evidence(
    connection: DuckDBPyConnection, feed_id: str, scope: Sequence[str], evidence_at: datetime
) -> str | None:
    """Return a loaded harvest of the same scope whose evidence is newer, if there is one.

    Args:
        connection: the warehouse.
        feed_id: the feed.
        scope: partitions that the harvest at hand read.
        evidence_at: age of its evidence (UTC, naive).
    """
    row = connection.execute(
        "SELECT harvest_id FROM harvests WHERE feed_id = ? AND status IN ('accepted', 'unchanged') "
        "AND evidence_at > ? AND list_has_any(scope, ?::VARCHAR[]) ORDER BY evidence_at DESC LIMIT 1",
        [feed_id, evidence_at, list(scope)],
    ).fetchone()
    return None if row is None else str(row[0])


def load(connection: DuckDBPyConnection, staging: Path, harvest: Mapping[str, Any]) -> Loaded:
    """Load the staged rows of one harvest, all or nothing.

    Args:
        connection: the warehouse.
        staging: folder of the harvest with `<table>.parquet` for each table that it states, `documents.parquet` and
            `quarantine.parquet`.
        harvest: its row for the table `harvests`, and `closing`, the partitions in which rows that were not seen are
            closed; the counts of rows and the status are filled in here.

    Returns:
        What was done.
    """
    harvest_id, feed_id = str(harvest["harvest_id"]), str(harvest["feed_id"])
    connection.execute("BEGIN")
    try:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE scope AS SELECT unnest(?::VARCHAR[]) AS partition", [list(harvest["closing"])]
        )
        loaded = Loaded(finished_at=harvest["finished_at"])
        for table in tables(Origin.FEED):
            staged = staging / f"{table.name}.parquet"
            if staged.exists():
                loaded += _load_table(connection, table, staged, harvest_id, feed_id)
        loaded += _end_cells(connection, harvest_id, feed_id)
        connection.execute("DELETE FROM quarantine WHERE harvest_id = ?", [harvest_id])
        _append(connection, DOCUMENTS, staging, harvest_id)
        _append(connection, QUARANTINE, staging, harvest_id)
        write_harvest(
            connection,
            {
                **harvest,
                "status": "accepted" if loaded else "unchanged",
                "rows_opened": loaded.opened,
                "rows_changed": loaded.changed,
                "rows_closed": loaded.closed,
            },
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return loaded


def write_harvest(connection: DuckDBPyConnection, harvest: Mapping[str, Any]) -> None:
    """Write the row of a harvest, in place of an older one with its id."""
    connection.execute("DELETE FROM harvests WHERE harvest_id = ?", [harvest["harvest_id"]])
    columns, marks = ", ".join(map(quoted, HARVESTS.names)), ", ".join("?" for _ in HARVESTS.names)
    # By name: a warehouse that older software extended has its columns in another order.
    connection.execute(
        f"INSERT INTO harvests ({columns}) VALUES ({marks})", [harvest.get(name) for name in HARVESTS.names]
    )


def _load_table(connection: DuckDBPyConnection, table: Table, staged: Path, harvest_id: str, feed_id: str) -> Loaded:
    name, feed = quoted(table.name), literal(feed_id)
    key = " AND ".join(f"old.{quoted(part)} = new.{quoted(part)}" for part in table.key)
    content = [quoted(part) for part in table.content if part not in table.key]
    differs = " OR ".join(f"old.{part} IS DISTINCT FROM new.{part}" for part in content) or "false"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW staged AS FROM read_parquet({literal(str(staged))})")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE replaced AS
        SELECT old.rowid AS row
        FROM {name} AS old JOIN staged AS new ON {key}
        WHERE old.closed_by IS NULL AND old.feed_id = {feed} AND NOT new.confirm_only AND ({differs});

        CREATE OR REPLACE TEMP TABLE vanished AS
        SELECT old.rowid AS row
        FROM {name} AS old
        WHERE old.closed_by IS NULL AND old.feed_id = {feed}
            AND old.partition IN (FROM scope)
            AND NOT EXISTS (FROM staged AS new WHERE {key});

        UPDATE {name} SET closed_by = {literal(harvest_id)}
        WHERE rowid IN (FROM replaced UNION ALL FROM vanished);
        """
    )
    columns = ", ".join(quoted(part) for part in table.names)
    inserted = _count(
        connection,
        f"""
        INSERT INTO {name} ({columns}, opened_by, closed_by, partition)
        SELECT {columns}, {literal(harvest_id)}, NULL, partition
        FROM staged AS new
        WHERE NOT confirm_only AND NOT EXISTS (
            FROM {name} AS old WHERE {key} AND old.closed_by IS NULL AND old.feed_id = {feed}
        )
        """,
    )
    changed = _count(connection, "SELECT count(*) FROM replaced")
    return Loaded(inserted - changed, changed, _count(connection, "SELECT count(*) FROM vanished"))


def _end_cells(connection: DuckDBPyConnection, harvest_id: str, feed_id: str) -> Loaded:
    """Close the cells of which no observation is open any more: a cell has no year or page of its own."""
    return Loaded(
        closed=_count(
            connection,
            f"""
            UPDATE clusters SET closed_by = {literal(harvest_id)}
            WHERE closed_by IS NULL AND feed_id = {literal(feed_id)} AND kind = 'cell' AND partition IS NULL
                AND cluster_id NOT IN (
                    SELECT cluster_id FROM observations
                    WHERE closed_by IS NULL AND feed_id = {literal(feed_id)}
                )
            """,
        )
    )


def _append(connection: DuckDBPyConnection, table: Table, staging: Path, harvest_id: str) -> None:
    """Append the ledger rows of a harvest: its quarantine, and the documents that its rows or quarantine name."""
    staged = staging / f"{table.name}.parquet"
    if table is DOCUMENTS:
        used = " UNION ".join(
            f"SELECT document_id FROM {quoted(other.name)} WHERE opened_by = {literal(harvest_id)}"
            for other in tables(Origin.FEED)
        )
        condition = (
            f"document_id IN ({used} UNION SELECT document_id FROM "
            f"read_parquet({literal(str(staging / 'quarantine.parquet'))})) "
            "AND document_id NOT IN (SELECT document_id FROM documents)"
        )
    else:
        condition = "true"
    columns = ", ".join(quoted(name) for name in table.names)
    connection.execute(
        f"INSERT INTO {quoted(table.name)} ({columns}) SELECT {columns} "
        f"FROM read_parquet({literal(str(staged))}) WHERE {condition}"
    )


def _count(connection: DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    assert row is not None  # noqa: S101  # for the type checker: counts and changes always answer one row
    return int(row[0])
