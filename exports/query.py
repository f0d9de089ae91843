"""Read-only SQL on a published release, with the outside world shut."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from warehouse.schema import literal
from warehouse.store import connect


class QueryError(Exception):
    """A query that cannot or may not be run; the message says why."""


def open_release(release: Path, *, scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open the database of a release so that a query can read its tables and nothing else.

    Args:
        release: folder of the release.
        scratch: a folder that may be written to, for an export.

    Raises:
        QueryError: there is no such release.
    """
    database = release / "observatory.duckdb"
    if not database.exists():
        raise QueryError(f"there is no release {release}; run `observatory publish` first")
    connection = connect(str(database), read_only=True)
    if scratch is not None:
        connection.execute(f"SET allowed_directories = [{literal(str(scratch))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def select_only(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the one statement of a query, if it only reads.

    Raises:
        QueryError: it is empty, more than one statement, not a query, or does not parse.
    """
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    reads = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
    if len(statements) != 1 or statements[0].type not in reads:
        raise QueryError("give one query that reads, such as: SELECT * FROM feeds")
    return str(statements[0].query).strip().rstrip(";")


def to_parquet(release: Path, query: str) -> bytes:
    """Run a query on a release and return its result as a Parquet file.

    Raises:
        QueryError: as for `select_only`, or the query fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result.parquet"
        with open_release(release, scratch=Path(folder)) as connection:
            statement = select_only(connection, query)
            try:
                connection.execute(f"COPY ({statement}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)")
            except duckdb.Error as error:
                raise QueryError(str(error)) from error
        return target.read_bytes()
