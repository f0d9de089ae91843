"""The common schema for its readers: data dictionary, DDL, JSON Schemas and Parquet types, written from ``schema.py``.

Run as ``python -m warehouse.generate [FOLDER]``; the folder is ``docs`` unless another is given. Nothing here reads the
clock or a warehouse: the same schema gives the same files.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from warehouse.schema import SCHEMA_VERSION, TABLES, Column, Origin, Table, create_table, literal, quoted
from warehouse.store import connect

VIEWS = Path(__file__).parent / "views"
MACROS = Path(__file__).parent / "macros"

_KEPT: Mapping[Origin, str] = {
    Origin.FEED: "Loaded from harvests. The warehouse opens and closes its rows; a release shows the open ones.",
    Origin.DERIVED: "Computed anew for each release, from the rows that its profile allows.",
    Origin.LEDGER: "Our own account of what we did; only appended.",
    Origin.CATALOGUE: "What `source.toml` says of each source, with the state of its feeds at the release.",
    Origin.RELEASE: "What a release says about itself and the one before it.",
    Origin.HISTORY: "Closed rows of a historic table, with the time in which they were valid.",
}

_JSON_TYPES: Mapping[str, Mapping[str, Any]] = {
    "VARCHAR": {"type": "string"},
    "VARCHAR[]": {"type": "array", "items": {"type": "string"}},
    "BOOLEAN": {"type": "boolean"},
    "INTEGER": {"type": "integer"},
    "BIGINT": {"type": "integer"},
    "DOUBLE": {"type": "number"},
    "DATE": {"type": "string", "format": "date"},
    "TIMESTAMP": {"type": "string", "format": "date-time"},
}


def pages() -> dict[str, str]:
    """Return every generated page: path below the folder of the docs → text."""
    return {
        "data-dictionary.md": _dictionary(),
        "schema/ddl.sql": _ddl(),
        "schema/parquet.json": _json(_parquet()),
        **{f"schema/{table.name}.schema.json": _json(row_schema(table)) for table in TABLES.values()},
    }


def write(folder: Path) -> None:
    """Write every page below a folder, and remove the schemas of tables that are no more."""
    made = pages()
    for path in folder.glob("schema/*.schema.json"):
        if path.relative_to(folder).as_posix() not in made:
            path.unlink()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def row_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one row as ``observatory sql --format json`` prints it.

    A column that may be null may be absent too. Columns may be added in later versions, so others are not forbidden.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:cluster-observatory:schema:{SCHEMA_VERSION}:{table.name}",
        "title": table.name,
        "description": table.description,
        "type": "object",
        "properties": {column.name: _property(table, column) for column in table.columns},
        "required": [column.name for column in table.columns if never_null(table, column)],
    }


def never_null(table: Table, column: Column) -> bool:
    """Return whether every published row has a value in a column: it is required, or part of the key."""
    return column.required or column.name in table.key


def _property(table: Table, column: Column) -> dict[str, Any]:
    schema = {"description": column.description, **_JSON_TYPES[column.type]}
    if column.codes:
        schema["enum"] = [*column.codes]
    if not never_null(table, column):
        schema["type"] = [schema["type"], "null"]
        if column.codes:
            schema["enum"].append(None)
    return schema


def _ddl() -> str:
    """The tables, macros and views of ``observatory.duckdb``, in an order in which they can be created."""
    statements = [create_table(table, comments=True) for table in TABLES.values()]
    head = (
        f"-- Common schema {SCHEMA_VERSION}: tables, macros and views of a release. Made by `make docs`; do not edit."
    )
    return "\n".join([head, *statements, *(path.read_text("utf-8") for path in (*_macros(), *_views()))])


def _views() -> list[Path]:
    return sorted(VIEWS.glob("*.sql"))


def _macros() -> list[Path]:
    return sorted(MACROS.glob("*.sql"))


def _parquet() -> dict[str, Any]:
    """The types that DuckDB gives to each column, read back from an empty file of each table."""
    with tempfile.TemporaryDirectory() as folder, connect() as connection:
        tables = {table.name: _parquet_columns(connection, table, Path(folder)) for table in TABLES.values()}
    return {
        "schema_version": SCHEMA_VERSION,
        "description": (
            "Parquet types of each column, in file order. `logical_type` is the annotation by its ConvertedType name; "
            "null where the physical type says all. A LIST holds elements of its physical type, in UTF8. "
            "Times are UTC, stored as local timestamps (isAdjustedToUTC = false)."
        ),
        "tables": tables,
    }


def _parquet_columns(connection: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> list[dict[str, str | None]]:
    file = literal(str(folder / f"{table.name}.parquet"))
    connection.execute(create_table(table))
    connection.execute(f"COPY {quoted(table.name)} TO {file} (FORMAT parquet)")
    nodes = iter(connection.execute(f"SELECT type, converted_type FROM parquet_schema({file})").fetchall()[1:])
    columns = []
    for column in table.columns:
        physical, logical = next(nodes)
        if logical == "LIST":
            next(nodes)  # the repeated group between a list and its elements
            physical, _ = next(nodes)
        columns.append({"name": column.name, "physical_type": physical, "logical_type": logical})
    return columns


def _dictionary() -> str:
    contents = "\n".join(f"- [{table.name}](#{table.name}): {table.description}" for table in TABLES.values())
    tables = "\n".join(_table(table) for table in TABLES.values())
    views = "\n".join(f"- `{name}`: {comment}" for name, comment in described_views())
    macros = "\n".join(f"- `{call}`: {comment}" for call, comment in described_macros())
    return f"""\
# Data dictionary

Common schema {SCHEMA_VERSION}. Made from `warehouse/schema.py` by `make docs`; do not edit.

Each table is a file `<table>.parquet` of a release and a table in its `observatory.duckdb`. The key of a table is
unique and is the order of its rows. A column is *content* (what a source says about the world) or *provenance* (how we
know it); only content decides whether a row has changed. "Never null" holds for every published row.

{contents}

{tables}
## Views

In `observatory.duckdb` only.

{views}

## Macros

In `observatory.duckdb` only; the rules that identify clusters, and what they rest on.

{macros}
"""


def described_views() -> list[tuple[str, str]]:
    """Return each view's name, and what it says."""
    return [(path.stem, _opening_comment(path)) for path in _views()]


def described_macros() -> list[tuple[str, str]]:
    """Return each macro as it is called, and what it says."""
    return [described for path in _macros() for described in _described_macros(path)]


def _table(table: Table) -> str:
    rows = "\n".join(
        f"| `{column.name}` | {column.type} | {_mark(column)} | {_described(table, column)} |"
        for column in table.columns
    )
    return f"""\
## {table.name}

{table.description}

Key: {", ".join(f"`{name}`" for name in table.key)}. Origin: {table.origin}. {_KEPT[table.origin]}

| column | type | mark | description |
| --- | --- | --- | --- |
{rows}
"""


def _mark(column: Column) -> str:
    return "content" if column.content else "provenance"


def _described(table: Table, column: Column) -> str:
    codes = f" Codes: {', '.join(f'`{code}`' for code in column.codes)}." if column.codes else ""
    return column.description.replace("|", "\\|") + codes + (" Never null." if never_null(table, column) else "")


def _opening_comment(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines()
    comment = lines[: next(number for number, line in enumerate(lines) if not line.startswith("--"))]
    return " ".join(line.removeprefix("--").strip() for line in comment)


_MACRO = re.compile(r"((?:^--.*\n)+)^CREATE MACRO (\w+\([^)]*\))", re.MULTILINE)


def _described_macros(path: Path) -> list[tuple[str, str]]:
    """Return each macro of a file, as it is called, with the comment above it."""
    found = _MACRO.findall(path.read_text("utf-8"))
    return [(call, " ".join(line.removeprefix("--").strip() for line in lines.splitlines())) for lines, call in found]


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
