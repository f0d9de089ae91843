"""What a consumer of the release before needs to have this one: rows to put in, and keys to take out.

``delta/<table>.parquet`` stands for every table that differs from the previous release of the same profile. It has the
columns of the table, and before them ``delta``: `UPSERT` for a row that is new or differs in any column, `DELETE` for
one that is gone, of which only the key and the feed are told. Its mode, in the manifest, is `ROWS`; or it is `WHOLE`:
the file then has every row of the table, as upserts, and what was there before is to be dropped.

A table is whole where the release before had other columns. All tables are where a feed may no longer be shown:
whatever was taken out would have to be named. ``changes`` always is, for it speaks of one release only.
"""

from __future__ import annotations

import filecmp
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from exports import files, licence
from warehouse import schema
from warehouse.schema import Table, literal, quoted
from warehouse.store import connect

FOLDER = "delta"
UPSERT, DELETE = "upsert", "delete"
ROWS, WHOLE = "rows", "whole"


class DeltaError(Exception):
    """A delta cannot be applied; nothing was written."""


def write(
    connection: DuckDBPyConnection, folder: Path, previous: Path, profile: str, note: str
) -> list[dict[str, Any]]:
    """Write the deltas of the database ``release`` against the previous release.

    Args:
        connection: one that has the database ``release``, the tables of its own facts included.
        folder: that of the release, with its Parquet files; ``delta/`` is made in it.
        previous: folder of the previous release of the same profile.
        profile: that profile.
        note: the licence note that each file carries.

    Returns:
        What the manifest says of each file: file, table, mode, base, rows, description.
    """
    (folder / FOLDER).mkdir()
    shown = licence.permitted(connection, profile)
    withdrawn = any(_withdrawn(connection, table, previous, shown) for table in schema.TABLES.values())
    entries = []
    for table in schema.TABLES.values():
        always = withdrawn or table is schema.CHANGES
        if not always and _is_same(folder / files.parquet_name(table), previous / files.parquet_name(table)):
            continue
        whole = always or not _comparable(connection, table, previous)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE delta AS {_everything(table) if whole else _difference(table, previous)}"
        )
        [(rows,)] = connection.execute("SELECT count(*) FROM temp.delta").fetchall()
        if not rows and not whole:
            continue
        path = folder / FOLDER / files.parquet_name(table)
        mode = WHOLE if whole else ROWS
        description = f"{table.name}: what differs from release {previous.name}."
        metadata = {"description": description, "mode": mode, "base": previous.name, "licence": note}
        files.copy_to_parquet(connection, f"SELECT * FROM temp.delta ORDER BY {files.order(table)}", path, metadata)
        told = {"table": table.name, "mode": mode, "base": previous.name, "rows": rows, "description": description}
        entries.append({"file": path.relative_to(folder).as_posix(), **told})
    connection.execute("DROP TABLE IF EXISTS temp.delta")
    return entries


def apply(base: Path, update: Path, target: Path) -> None:
    """Make the tables of a release from those of the release before it and its deltas.

    Args:
        base: a folder with the Parquet files of the release before, and its manifest.
        update: a folder with ``manifest.json`` and ``delta/`` of the release that is wanted; the rest may be missing.
        target: a folder in which to write ``<table>.parquet``; made if it is missing.

    Raises:
        DeltaError: the base is not the one that the deltas are against, or what comes out is not as the manifest says.
    """
    told, held = files.read_json(update / "manifest.json"), files.read_json(base / "manifest.json")
    if (told["previous"], told["schema_version"]) != (held["release_id"], schema.SCHEMA_VERSION):
        raise DeltaError(
            f"release {told['release_id']} (schema {told['schema_version']}) has deltas against {told['previous']}; "
            f"the base is {held['release_id']}, and this software applies those of schema {schema.SCHEMA_VERSION}"
        )
    modes = {entry["table"]: entry["mode"] for entry in told["files"] if "mode" in entry}
    with connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in schema.TABLES.values():
            connection.execute(schema.create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
            query = applied(table, base, update, modes.get(table.name))
            connection.execute(f"INSERT INTO release.{quoted(table.name)} {query}")
        if problems := [
            f"{name}: {what} is {found}, expected {told['tables'][name][what]}"
            for name, table in schema.TABLES.items()
            for what, found in files.measured(connection, table).items()
            if found != told["tables"][name][what]
        ]:
            raise DeltaError(f"base and delta do not give release {told['release_id']}: {'; '.join(problems)}")
        target.mkdir(parents=True, exist_ok=True)
        for table in schema.TABLES.values():
            note = files.LICENCE_NOTES[told["profile"]]
            files.write_parquet(connection, table, target / files.parquet_name(table), note)


def applied(table: Table, base: Path, update: Path, mode: str | None) -> str:
    """Return a query for the rows of a table, from the base and the delta; without a mode there is no delta."""
    columns = ", ".join(map(quoted, table.names))
    old, new = _parquet(base, table), _parquet(update / FOLDER, table)
    kept = f"SELECT {columns} FROM {old}"
    if mode is None:
        return kept
    upserts = f"SELECT {columns} FROM {new} WHERE delta = '{UPSERT}'"
    if mode == WHOLE:
        return upserts
    return f"{kept} AS base ANTI JOIN {new} AS delta USING ({', '.join(map(quoted, table.key))}) UNION ALL {upserts}"


def problems(connection: DuckDBPyConnection, release: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Check the deltas of a release against the database ``release``, its gate, and the base where that stands beside.

    Returns:
        Problems in words; none means that all is well.
    """
    found = []
    shown = licence.permitted(connection, manifest["profile"])
    base = release.parent / str(manifest["previous"])
    for entry in manifest["files"]:
        if "mode" not in entry:
            continue
        table = schema.TABLES[entry["table"]]
        file = f"read_parquet({literal(str(release / entry['file']))})"
        hidden = "false" if table.name in licence.EXEMPT else f"NOT {shown}"
        source, columns = f"release.{quoted(table.name)}", ", ".join(map(quoted, table.names))
        keys = ", ".join(map(quoted, table.key))
        [(forbidden, foreign, left)] = connection.execute(
            f"SELECT (SELECT count(*) FROM {file} WHERE {hidden}), (SELECT count(*) FROM "
            f"(SELECT {columns} FROM {file} WHERE delta = '{UPSERT}' EXCEPT SELECT {columns} FROM {source})), "
            f"(SELECT count(*) FROM (FROM {file} WHERE delta = '{DELETE}') SEMI JOIN {source} USING ({keys}))"
        ).fetchall()
        if forbidden:
            found.append(f"{entry['file']}: {forbidden:,} rows of feeds that may not be shown")
        if foreign or left:
            found.append(
                f"{entry['file']}: {foreign:,} rows to put in and {left:,} to take out disagree with the table"
            )
        if base.is_dir():
            query = applied(table, base, release, entry["mode"])
            [(missing,)] = connection.execute(
                f"SELECT count(*) FROM (SELECT {columns} FROM {source} EXCEPT ALL FROM ({query}))"
            ).fetchall()
            if missing:
                found.append(f"{entry['file']}: {missing:,} rows of {table.name} do not come out of it and {base.name}")
    return found


def _parquet(folder: Path, table: Table) -> str:
    return f"read_parquet({literal(str(folder / files.parquet_name(table)))})"


def _withdrawn(connection: DuckDBPyConnection, table: Table, previous: Path, shown: str) -> bool:
    """Return whether the previous release shows rows of feeds that may no longer be shown."""
    if table.name in licence.EXEMPT or not (previous / files.parquet_name(table)).exists():
        return False
    return connection.execute(f"SELECT count(*) FROM {_parquet(previous, table)} WHERE NOT {shown}").fetchall() != [
        (0,)
    ]


def _is_same(file: Path, other: Path) -> bool:
    """Return whether two files have the same bytes, and so the same rows: far cheaper than to compare those."""
    return other.exists() and filecmp.cmp(file, other, shallow=False)


def _comparable(connection: DuckDBPyConnection, table: Table, previous: Path) -> bool:
    if not (previous / files.parquet_name(table)).exists():
        return False
    described = connection.execute(f"DESCRIBE FROM {_parquet(previous, table)}").fetchall()
    return [row[:2] for row in described] == [(column.name, column.type) for column in table.columns]


def _everything(table: Table) -> str:
    columns = ", ".join(map(quoted, table.names))
    return f"SELECT '{UPSERT}' AS delta, {columns} FROM release.{quoted(table.name)}"


def _difference(table: Table, previous: Path) -> str:
    columns, keys = ", ".join(map(quoted, table.names)), ", ".join(map(quoted, table.key))
    # EXCEPT takes 0.0 and -0.0 for equal, which a content digest does not.
    signs = "".join(f", signbit({quoted(each.name)})" for each in table.columns if each.type == "DOUBLE")
    told = {*table.key, "feed_id"}
    gone = ", ".join(
        quoted(each.name) if each.name in told else f"NULL::{each.type} AS {quoted(each.name)}"
        for each in table.columns
    )
    now, before = f"release.{quoted(table.name)}", _parquet(previous, table)
    return f"""
        SELECT '{UPSERT}' AS delta, {columns}
        FROM (SELECT {columns}{signs} FROM {now} EXCEPT SELECT {columns}{signs} FROM {before})
        UNION ALL
        SELECT '{DELETE}' AS delta, {gone} FROM {before} ANTI JOIN {now} USING ({keys})
    """
