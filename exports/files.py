"""The files of a release: one Parquet file per table, and one DuckDB file that holds them all.

Every statement here reads the tables of the attached database ``release``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from duckdb import DuckDBPyConnection

from warehouse import schema
from warehouse.generate import described_views
from warehouse.store import connect

DATABASE = "observatory.duckdb"
STORAGE_VERSION = "v1.0.0"
"""The oldest storage that every client since DuckDB 1.0 reads, the browser's included."""

CONSOLE = "site/data/console.duckdb"
"""The database of the site's console: the other one, with the views that take a browser too much as tables."""

DATABASES = (DATABASE, CONSOLE)

HEAVY_VIEWS = ("cluster_strength", "cluster_structure")
"""They need more memory than the 4 GB that a browser gives, or more seconds than a visitor waits."""

_BATCH = 10_000

_FORMULA = "^'*[=+\\-@\t\r\n＝＋－＠]"
"""What a spreadsheet may take for a formula, also behind apostrophes that we, or somebody before us, put there."""


def parquet_name(table: schema.Table) -> str:
    """Return the file name of a table."""
    return f"{table.name}.parquet"


def order(table: schema.Table) -> str:
    """Return the order of a table's rows, as a list for ORDER BY."""
    # The key is unique (integrity.duplicates stands before every release), so this order is total.
    return ", ".join(f"{schema.quoted(name)} NULLS LAST" for name in table.key)


def write_parquet(connection: DuckDBPyConnection, table: schema.Table, path: Path, licence: str) -> None:
    """Write one table in key order; byte-identical for equal rows, whatever their order and the number of threads.

    Args:
        connection: one that has the database ``release``.
        table: which table.
        path: the file to make.
        licence: the licence note that the file carries, beside its description and the schema version.
    """
    columns = ", ".join(map(schema.quoted, table.names))
    metadata = described(table, licence)
    query = f"SELECT {columns} FROM release.{schema.quoted(table.name)} ORDER BY {order(table)}"
    copy_to_parquet(connection, query, path, metadata)


def described(table: schema.Table, licence: str) -> dict[str, str]:
    """Return the metadata of a table's file. Parquet has no place for the words of one column: ``columns`` is JSON."""
    columns = {column.name: column.description for column in table.columns}
    return {
        "description": table.description,
        "licence": licence,
        "schema_version": schema.SCHEMA_VERSION,
        "columns": json.dumps(columns, ensure_ascii=False),
    }


PLACED = (schema.REGIONS, schema.CLUSTERS)
"""Tables that have points, and so a GeoParquet file."""

SMALL = (
    schema.SOURCES,
    schema.FEEDS,
    schema.REGIONS,
    schema.CATEGORIES,
    schema.CATEGORY_MAPPINGS,
    schema.ORGANISATIONS,
    schema.INITIATIVES,
    schema.INITIATIVE_SECTORS,
    schema.INITIATIVE_LOCATIONS,
    schema.INITIATIVE_ORGANISATIONS,
    schema.INITIATIVE_COMPONENTS,
    schema.INITIATIVE_RELATIONS,
    schema.CLAIMS,
    schema.RESOURCES,
    schema.CODES,
    schema.THEME_RULES,
    schema.GLOBAL_CLUSTERS,
    schema.CENSUS,
)
"""Tables that are also written as CSV; the list is fixed, so that no file comes and goes with the size of a table."""


def write_geo(connection: DuckDBPyConnection, table: schema.Table, folder: Path, licence: str) -> Path:
    """Write ``<table>.geo.parquet`` (GeoParquet 1.0): the rows that have a point, in key order, and it in ``geometry``.

    The point is WKB, longitude before latitude, in OGC:CRS84, which GeoParquet takes where no other system is named.
    """
    path = folder / f"{table.name}.geo.parquet"
    columns = ", ".join(map(schema.quoted, table.names))
    query = (
        f"SELECT {columns}, ('POINT(' || longitude || ' ' || latitude || ')')::GEOMETRY AS geometry "
        f"FROM release.{schema.quoted(table.name)} WHERE longitude IS NOT NULL AND latitude IS NOT NULL "
        f"ORDER BY {order(table)}"
    )
    copy_to_parquet(connection, query, path, described(table, licence))
    return path


def write_table_csv(connection: DuckDBPyConnection, table: schema.Table, folder: Path) -> Path:
    """Write ``csv/<table>.csv`` in key order: texts as `safe_text` has them, lists as JSON, times in UTC."""
    (folder / "csv").mkdir(exist_ok=True)
    path = folder / "csv" / f"{table.name}.csv"
    cells = ", ".join(f"{_csv_cell(column)} AS {schema.quoted(column.name)}" for column in table.columns)
    # The order is that of the table, not of the cells, which have its names.
    order_by = ", ".join(f"source.{part}" for part in order(table).split(", "))
    write_csv(
        connection, f"SELECT {cells} FROM release.{schema.quoted(table.name)} AS source ORDER BY {order_by}", path
    )
    return path


def _csv_cell(column: schema.Column) -> str:
    cell = f"source.{schema.quoted(column.name)}"
    if column.type == "VARCHAR":
        return safe_text(cell)
    if column.type == "TIMESTAMP":
        return f"strftime({cell}, '%Y-%m-%dT%H:%M:%SZ')"
    return f"to_json({cell})::VARCHAR" if column.type.endswith("[]") else cell


def copy_to_parquet(connection: DuckDBPyConnection, query: str, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the rows of a query, in its order, with metadata of the file (name → text)."""
    notes = ", ".join(f"{schema.quoted(name)}: {schema.literal(text)}" for name, text in metadata.items())
    connection.execute(
        f"COPY ({query}) TO {schema.literal(str(path))} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{notes}}})"
    )


LICENCE_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "public": (
            "Each row is under the terms of its feed_id: see licence, licence_url and attribution in feeds.parquet."
        ),
        "local": "Not for redistribution: some feeds forbid it. See licence and redistribution in feeds.parquet.",
    }
)
"""What every file of a profile says of its terms."""


def measured(connection: DuckDBPyConnection, table: schema.Table) -> dict[str, int | str | None]:
    """Return what the manifest says of a table's content: its rows, and its digest."""
    [(rows,)] = connection.execute(f"SELECT count(*) FROM release.{schema.quoted(table.name)}").fetchall()
    return {"rows": rows, "content_sha256": content_sha256(connection, table)}


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def code_lists() -> dict[str, tuple[schema.Column, list[str]]]:
    """Return the closed lists of the schema: name of the list → a column that uses it, and all columns that do.

    A list has the name of its column where all columns of that name share it, else ``<table>.<column>``.
    """
    using: dict[tuple[str, tuple[str, ...]], list[tuple[schema.Table, schema.Column]]] = {}
    for table in schema.TABLES.values():
        for column in table.columns:
            if column.codes:
                using.setdefault((column.name, column.codes), []).append((table, column))
    names = [name for name, _ in using]
    return {
        name if names.count(name) == 1 else f"{users[0][0].name}.{name}": (
            users[0][1],
            [f"{table.name}.{column.name}" for table, column in users],
        )
        for (name, _), users in using.items()
    }


CODE_COLUMNS = ("code", "name", "definition", "used_by")


def write_code_lists(connection: DuckDBPyConnection, folder: Path) -> list[Path]:
    """Write each closed list of the schema as ``codes/<list>.csv``, with what the table ``codes`` says of its codes.

    Returns:
        The files that were made, in order.
    """
    (folder / "codes").mkdir()
    lists = code_lists()
    given = [
        (name, column.name, place, code, " ".join(users))
        for name, (column, users) in lists.items()
        for place, code in enumerate(column.codes)
    ]
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE listed_code AS
        SELECT
            file,
            place,
            given.code,
            {safe_text("known.name")} AS name,
            {safe_text("known.definition")} AS definition,
            used_by
        FROM (
            SELECT unnest($1::VARCHAR[]) AS file, unnest($2::VARCHAR[]) AS code_list, unnest($3::BIGINT[]) AS place,
                unnest($4::VARCHAR[]) AS code, unnest($5::VARCHAR[]) AS used_by
        ) AS given
        LEFT JOIN release.codes AS known USING (code_list, code)
        """,
        [list(column) for column in zip(*given, strict=True)],
    )
    made = []
    for name in lists:
        path = folder / "codes" / f"{name}.csv"
        columns = ", ".join(CODE_COLUMNS)
        write_csv(
            connection,
            f"SELECT {columns} FROM temp.listed_code WHERE file = {schema.literal(name)} ORDER BY place",
            path,
        )
        made.append(path)
    connection.execute("DROP TABLE temp.listed_code")
    return made


def safe_text(expression: str) -> str:
    """Return SQL for a text that no spreadsheet takes for a formula.

    What begins with one of ``= + - @``, a tab, CR or LF (or the full-width signs), also behind apostrophes, gets one
    more apostrophe in front. So one apostrophe is to be taken away from what begins with apostrophes and such a sign,
    and nothing is lost.
    """
    pattern = schema.literal(_FORMULA)
    return f"if(regexp_matches({expression}, {pattern}), '''' || {expression}, {expression})"


def write_csv(connection: DuckDBPyConnection, query: str, path: Path) -> None:
    """Write the rows of a query as CSV (UTF-8, with a header): null is an empty cell, an empty text is ``""``."""
    connection.execute(f"COPY ({query}) TO {schema.literal(str(path))} (FORMAT csv, HEADER)")


def content_sha256(connection: DuckDBPyConnection, table: schema.Table) -> str | None:
    r"""Return the digest of a table's content, in hex; None where a table has no content columns.

    It is the SHA-256 of a text in UTF-8 with one line per row, in key order (each key column ascending, text by its
    bytes). A line is a JSON array of the row's content columns in schema order, without spaces, ended by ``\n``. A null
    is ``null``; a list is an array of its texts; every other value is a JSON string: text as it is, integers in
    decimal, doubles as the shortest text that reads back the same (Python's ``repr``), dates as ``2016-12-31``, times
    as ``2016-12-31 23:59:59``, and ``true`` or ``false``. Only ``"``, ``\`` and what is below U+0020 are escaped: as
    ``\"``, ``\\``, ``\b``, ``\t``, ``\n``, ``\f``, ``\r``, and else as ``\u`` with four hex digits in upper case.
    """
    if not table.content:
        return None
    cells = ", ".join(
        schema.quoted(name) if table.by_name[name].type.endswith("[]") else f"{schema.quoted(name)}::VARCHAR"
        for name in table.content
    )
    rows = connection.execute(
        f"SELECT json_array({cells})::VARCHAR || chr(10) "
        f"FROM release.{schema.quoted(table.name)} ORDER BY {order(table)}"
    )
    digest = hashlib.sha256()
    while batch := rows.fetchmany(_BATCH):
        digest.update("".join([line for (line,) in batch]).encode())
    return digest.hexdigest()


def write_database(connection: DuckDBPyConnection, folder: Path) -> Path:
    """Write ``observatory.duckdb`` from the Parquet files of a folder: all tables, commented, macros and views.

    Returns:
        The file that was made. Its bytes differ between two builds, as those of every DuckDB file; its tables do not.
    """
    path = folder / DATABASE
    with tempfile.TemporaryDirectory() as beside:
        template = Path(beside) / DATABASE
        template.write_bytes(_without_rows())
        connection.execute(f"ATTACH {schema.literal(str(template))} AS template (READ_ONLY)")
        try:
            with _attached(connection, path, "book", _STORAGE) as session:
                session.execute("COPY FROM DATABASE template TO book (SCHEMA)")
                for table in schema.TABLES.values():
                    source = schema.literal(str(folder / parquet_name(table)))
                    session.execute(f"INSERT INTO {schema.quoted(table.name)} FROM read_parquet({source})")
        finally:
            connection.execute("DETACH template")
    return path


@cache
def _without_rows() -> bytes:
    """Return the database of a release without its rows: the same for all, and more work than the rows of most."""
    with tempfile.TemporaryDirectory() as folder, connect() as connection:
        path = Path(folder) / DATABASE
        with _attached(connection, path, "book", _STORAGE) as session:
            for table in schema.TABLES.values():
                session.execute(schema.create_table(table, comments=True))
            for room in ("macros", "views"):  # views call macros
                statements = resources.files("warehouse") / room
                for name in sorted(file.name for file in statements.iterdir() if file.name.endswith(".sql")):
                    session.execute((statements / name).read_text(encoding="utf-8"))
            for name, words in described_views():
                kind = "MACRO TABLE" if name == "as_of" else "VIEW"
                session.execute(f"COMMENT ON {kind} {schema.quoted(name)} IS {schema.literal(words)}")
        return path.read_bytes()


_STORAGE = f"(STORAGE_VERSION {schema.literal(STORAGE_VERSION)})"


@contextmanager
def _attached(connection: DuckDBPyConnection, path: Path, name: str, options: str = "") -> Iterator[DuckDBPyConnection]:
    """Attach a database file, and write it in one transaction: a commit per statement costs a second of fsync."""
    connection.execute(f"ATTACH {schema.literal(str(path))} AS {name} {options}")
    try:
        with connection.cursor() as session:
            session.execute(f"USE {name}")
            session.execute("BEGIN")
            yield session
            session.execute("COMMIT")
            session.execute(f"CHECKPOINT {name}")
    finally:
        connection.execute(f"DETACH {name}")


def write_console(connection: DuckDBPyConnection, folder: Path) -> Path:
    """Write ``site/data/console.duckdb`` from the ``observatory.duckdb`` of a folder; the folder of the site is there.

    The browser's DuckDB has no more than its core, so neither tables nor views may need json, parquet or icu.

    Returns:
        The file that was made; as of every DuckDB file, its tables are the same in two builds and its bytes are not.
    """
    path = folder / CONSOLE
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / DATABASE, path)
    with _attached(connection, path, "console") as session:
        for view in HEAVY_VIEWS:
            session.execute(f"CREATE TABLE answered AS SELECT * FROM {view} ORDER BY ALL")
            session.execute(f"DROP VIEW {view}")
            session.execute(f"ALTER TABLE answered RENAME TO {view}")
            session.execute(f"COMMENT ON TABLE {view} IS {schema.literal(dict(described_views())[view])}")
    return path
