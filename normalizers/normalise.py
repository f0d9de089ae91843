"""Raw records of one harvest → rows of the common schema, as Parquet in staging.

Each feed has one SQL program, ``normalizers/<source>/<feed>.sql``, and one field map beside it. This module gives the
program its inputs, takes its outputs, and fills in what every row has: feed, harvest, route, synthetic.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from normalizers import places, values
from normalizers.contract import Record
from warehouse.schema import Column, Origin, Table, literal, quoted, tables

ROOM = Path(__file__).parent

STAGING_COLUMNS = (
    Column("partition", "VARCHAR", "The part of the source that the row was read from; null: it ends with its rows."),
    Column("confirm_only", "BOOLEAN", "The record or value was rejected: an open row stays, and none is opened."),
)
"""What staged rows carry beyond the common schema."""

_CONFLICTS_SHOWN = 3


class NormaliseError(Exception):
    """A feed's SQL program makes rows that do not fit the common schema: a fault of ours, not of the source."""


@dataclass(frozen=True, slots=True)
class Partition:
    """How complete one part of the source was read.

    Attributes:
        name: its path, such as ``cells/state/2016/22``.
        expected: records that it should have.
        found: records that it has.
        empty: those of them that are placeholders for nothing.
        whole: it is meant to be whole wherever it comes from: falling short makes no excerpt of it.
    """

    name: str
    expected: int | None
    found: int
    empty: int = 0
    whole: bool = False

    @property
    def complete(self) -> bool:
        """Whether all of it was read; a part without a denominator never is, nor one that should not be empty."""
        return self.found == self.expected and self.found > 0


@dataclass(frozen=True, slots=True)
class Normalised:
    """What a feed's SQL program made.

    Attributes:
        rows: table → number of staged rows.
        partitions: completeness of each part of the source.
        set_aside: (counts as `empty` or `dropped`, what, number of records).
        remarks: what the program says of this harvest to whoever runs it.
    """

    rows: Mapping[str, int]
    partitions: Sequence[Partition]
    set_aside: Sequence[tuple[str, str, int]]
    remarks: Sequence[str] = ()

    def total(self, counts_as: str) -> int:
        """Return how many records were set aside as `empty` or as `dropped`."""
        return sum(records for kind, _, records in self.set_aside if kind == counts_as)


def program(place: str, suffix: str) -> Path:
    """Return a file of a feed's program: `.sql`, or `.fields.csv` (which field is which column or indicator, how).

    Args:
        place: `<source>.<name>`, which is where the code of a feed stands in every room.
        suffix: the end of the file's name.
    """
    source_id, name = place.split(".", 1)
    return ROOM / source_id / f"{name}{suffix}"


def shared(place: str) -> str:
    """Return the SQL that the feeds of a source share, `normalizers/<source>/shared.sql`: macros; empty if none."""
    path = ROOM / place.split(".", 1)[0] / "shared.sql"
    return path.read_text("utf-8") if path.exists() else ""


def records_of(place: str) -> tuple[type[Record], ...]:
    """Return the contract of a feed: the models of its raw records, from ``normalizers.<source>.<feed>``."""
    contract: tuple[type[Record], ...] = importlib.import_module(f"normalizers.{place}").RECORDS
    return contract


def sql_of(place: str) -> str:
    """Return the SQL program of a feed, what it shares with others included."""
    return f"{shared(place)}\n{program(place, '.sql').read_text('utf-8')}"


def prepare(connection: DuckDBPyConnection, lists: Mapping[str, Path], sql: str) -> None:
    """Create what a SQL program may use: schemas, reference lists, the macro `clean`, those for numbers and places.

    Of the lists and the larger macros only those that it names are created: all of them take longer than most programs.

    Args:
        connection: in memory.
        lists: name → CSV of reference lists that stand elsewhere than in `normalizers/reference`.
        sql: the program.
    """
    connection.execute(
        """
        CREATE SCHEMA IF NOT EXISTS raw;
        CREATE SCHEMA staged;
        CREATE SCHEMA reference;
        CREATE TABLE asked (partition VARCHAR);
        -- Rows of tables that the feed's contract leaves out: not `kept`, or kept and not `chosen`.
        CREATE TABLE left_out (kind VARCHAR, stage VARCHAR, records BIGINT);
        -- Spaces of any kind trimmed and squeezed, a trailing comma removed.
        CREATE MACRO clean(text) AS regexp_replace(
            trim(regexp_replace(text, '[\\s\\x{00A0}]+', ' ', 'g')), '[ ,]+$', ''
        );
        """
    )
    named = set(re.findall(r"\w+", sql))
    connection.execute(values.SIMPLE)
    for macros in (values.QUANTITIES, places.MACROS):
        if named.intersection(re.findall(r"CREATE MACRO (\w+)", macros)):
            connection.execute(macros)
    own = {path.stem: path for path in sorted((ROOM / "reference").glob("*.csv"))}
    for name, path in {**own, **lists}.items():
        if name in named:
            connection.execute(
                f"CREATE VIEW reference.{quoted(name)} AS "
                f"FROM read_csv({literal(str(path))}, header = true, all_varchar = true)"
            )


def normalise(
    connection: DuckDBPyConnection,
    place: str,
    *,
    asked: Sequence[str],
    provenance: Mapping[str, str | bool],
    target: Path,
) -> Normalised:
    """Run a feed's SQL program over its checked records, and write one Parquet file per table.

    Args:
        connection: holds `raw.<kind>`, made by the contract, and what `prepare` makes.
        place: of the feed, `<source>.<name>`.
        asked: partitions that the spider set out to read.
        provenance: values of `feed_id`, `harvest_id`, `route` and `synthetic` for every row.
        target: an existing folder; gets `<table>.parquet`.

    Returns:
        What was made.

    Raises:
        NormaliseError: the program makes an unknown table or column, a key twice or null, or a value outside a
            closed code list.
    """
    if asked:
        connection.execute("INSERT INTO asked SELECT unnest(?::VARCHAR[])", [list(asked)])
    _read_field_map(connection, program(place, ".fields.csv"))
    connection.execute(sql_of(place))
    known = {table.name: table for table in tables(Origin.FEED)}
    made = [
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'staged' ORDER BY ALL"
        ).fetchall()
    ]
    if unknown := set(made) - known.keys():
        raise NormaliseError(f"{provenance['feed_id']}: the common schema has no table {', '.join(sorted(unknown))}")
    rows = {name: _write(connection, known[name], provenance, target / f"{name}.parquet") for name in made}
    return Normalised(
        rows=rows,
        partitions=_partitions(connection),
        set_aside=connection.execute(
            "SELECT counts_as, what, sum(records)::BIGINT FROM set_aside GROUP BY ALL ORDER BY ALL"
        ).fetchall(),
        remarks=_remarks(connection),
    )


def _remarks(connection: DuckDBPyConnection) -> list[str]:
    """Return what a program says in its table `remarks`, where it makes one."""
    made = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'remarks'").fetchone()
    return [text for (text,) in connection.execute("FROM remarks ORDER BY ALL").fetchall()] if made else []


def _partitions(connection: DuckDBPyConnection) -> list[Partition]:
    """Read the relation `completeness`; the columns `empty` and `whole` may be left out."""
    made = {row[0] for row in connection.execute("DESCRIBE completeness").fetchall()}
    empty, whole = ("empty" if "empty" in made else "0"), ("whole" if "whole" in made else "false")
    rows = connection.execute(f"SELECT partition, expected, found, {empty}, {whole} FROM completeness ORDER BY ALL")
    return [Partition(*row) for row in rows.fetchall()]


def _read_field_map(connection: DuckDBPyConnection, path: Path) -> None:
    """Make the relation `fields`; words that are repeated in each observation are an ENUM, far cheaper than text."""
    file = f"read_csv({literal(str(path))}, all_varchar = true)"
    words = ("target", "unit_kind", "unit_measure", "method_traded", "method_local")
    connection.execute(
        f"""
        CREATE TYPE field_word AS ENUM (
            SELECT DISTINCT word FROM (SELECT unnest([{", ".join(words)}]) AS word FROM {file})
            WHERE word IS NOT NULL ORDER BY word
        );
        CREATE TABLE fields AS
        SELECT * REPLACE ({", ".join(f"{word}::field_word AS {word}" for word in words)}) FROM {file};
        """
    )


def _write(connection: DuckDBPyConnection, table: Table, provenance: Mapping[str, str | bool], target: Path) -> int:
    """Check the rows of one staged table and write them in the order in which they were made; return their number."""
    made = {row[0]: row[1] for row in connection.execute(f"DESCRIBE staged.{quoted(table.name)}").fetchall()}
    columns = (*table.columns, *STAGING_COLUMNS)
    if unknown := made.keys() - {column.name for column in columns}:
        raise NormaliseError(f"{table.name}: the common schema has no column {', '.join(sorted(unknown))}")
    _check(connection, table, made)
    expressions = [f"{_source_of(column, made, provenance)} AS {quoted(column.name)}" for column in columns]
    connection.execute(
        f"COPY (SELECT {', '.join(expressions)} FROM staged.{quoted(table.name)}) "
        f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION snappy)"
    )
    counted = connection.execute(f"SELECT count(*) FROM staged.{quoted(table.name)}").fetchone()
    assert counted is not None  # noqa: S101  # for the type checker: an aggregate has one row
    return int(counted[0])


def _source_of(column: Column, made: Mapping[str, str], provenance: Mapping[str, str | bool]) -> str:
    """SQL of a column of a staged file; what is the same in many rows is an ENUM, which Parquet keeps as text."""
    if column.name in made:
        if column.codes:
            return f"{quoted(column.name)}::ENUM ({', '.join(literal(code) for code in column.codes)})"
        is_enum = made[column.name].startswith("ENUM") and column.type == "VARCHAR"
        return quoted(column.name) if is_enum else f"{quoted(column.name)}::{column.type}"
    value = provenance.get(column.name)
    if isinstance(value, str):
        return f"{literal(value)}::ENUM ({literal(value)})"
    return f"{'NULL' if value is None else value}::{column.type}"


def _check(connection: DuckDBPyConnection, table: Table, made: Mapping[str, str]) -> None:
    """Check keys, required columns and closed code lists of a staged table, set-based."""
    opening = " WHERE NOT confirm_only" if "confirm_only" in made else ""  # a rejected record opens no row
    name, key = f"(FROM staged.{quoted(table.name)}{opening})", ", ".join(quoted(part) for part in table.key)
    digests = f"(SELECT hash({key}) AS digest, {key} FROM {name})"
    faults = {
        # Digests are compared first: equal keys have equal ones, and to group by them takes half the time.
        f"the key ({', '.join(table.key)}) stands twice": (
            f"SELECT {key} FROM {digests} WHERE digest IN (SELECT digest FROM {digests} GROUP BY digest "
            f"HAVING count(*) > 1) GROUP BY ALL HAVING count(*) > 1"
        ),
        f"the key ({', '.join(table.key)}) is null": (
            f"SELECT {key} FROM {name} WHERE {' OR '.join(f'{quoted(part)} IS NULL' for part in table.key)}"
        ),
    }
    for column in table.columns:
        if column.codes and column.name in made:
            codes = ", ".join(literal(code) for code in column.codes)
            faults[f"{column.name} is not one of {', '.join(column.codes)}"] = (
                f"SELECT {key}, {quoted(column.name)} FROM {name} WHERE {quoted(column.name)} NOT IN ({codes})"
            )
    for fault, query in faults.items():
        if rows := connection.execute(f"{query} LIMIT {_CONFLICTS_SHOWN}").fetchall():
            raise NormaliseError(f"{table.name}: {fault}, such as {rows}")
