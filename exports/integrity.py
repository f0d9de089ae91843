"""What must hold among the tables of a release: their columns, keys, codes and references.

Every function reads the attached database ``release`` and returns problems in words; none means that all is well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from duckdb import DuckDBPyConnection

from warehouse import schema
from warehouse.schema import Origin, quoted

_REFERENCES = (
    # child, column, parent, its key, which child rows are held to it
    ("observations", "cluster_id", "clusters", "cluster_id", "true"),
    ("clusters", "region_id", "regions", "region_id", "feed_id IN (SELECT feed_id FROM release.regions)"),
    ("clusters", "category_id", "categories", "category_id", "feed_id IN (SELECT feed_id FROM release.categories)"),
)


def shape(connection: DuckDBPyConnection, tables: Iterable[schema.Table], database: str = "release") -> list[str]:
    """Compare the columns of tables with the schema: names, order and types.

    Args:
        connection: one that has the database.
        tables: which ones.
        database: name under which it is attached.
    """
    columns = connection.execute(
        "SELECT table_name, list((column_name, data_type) ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = ? GROUP BY table_name",
        [database],
    ).fetchall()
    found = {name: list(map(tuple, pairs)) for name, pairs in columns}
    problems = []
    for table in tables:
        expected = [(column.name, column.type) for column in table.columns]
        if table.name not in found:
            problems.append(f"{table.name}: the table is missing")
        elif found[table.name] != expected:
            wrong = sorted(set(found[table.name]) ^ set(expected)) or "another order of columns"
            problems.append(f"{table.name}: its columns are not those of schema {schema.SCHEMA_VERSION}: {wrong}")
    return problems


def duplicates(connection: DuckDBPyConnection, table: schema.Table) -> list[str]:
    """Find keys that stand more than once."""
    key = ", ".join(map(quoted, table.key))
    source = f"release.{quoted(table.name)}"
    # Equal hashes cost a fifth of equal texts; only when some are equal are the keys themselves compared.
    unique = connection.execute(f"SELECT count(*) = count(DISTINCT hash({key})) FROM {source}").fetchall()
    if unique == [(True,)]:
        return []
    rows = connection.execute(
        f"SELECT {key}, count(*) FROM {source} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL"
    ).fetchall()
    if not rows:
        return []
    *values, times = rows[0]
    example = ", ".join(f"{name}={value!r}" for name, value in zip(table.key, values, strict=True))
    return [f"{table.name}: {len(rows):,} keys stand more than once, for example {example} ({times} times)"]


def values(connection: DuckDBPyConnection, table: schema.Table) -> list[str]:
    """Find nulls where the schema requires a value, and codes outside of a closed list."""
    rules = {
        f"{table.name}.{column.name} is null": f"{quoted(column.name)} IS NULL"
        for column in table.columns
        if column.required or column.name in table.key
    } | {
        f"{table.name}.{column.name} is none of {', '.join(column.codes)}": (
            f"{quoted(column.name)} NOT IN ({', '.join(map(schema.literal, column.codes))})"
        )
        for column in table.columns
        if column.codes
    }
    counts = ", ".join(f"count(*) FILTER ({where})" for where in rules.values())
    [found] = connection.execute(f"SELECT {counts} FROM release.{quoted(table.name)}").fetchall()
    return [f"{rule} in {rows:,} rows" for rule, rows in zip(rules, found, strict=True) if rows]


def references(connection: DuckDBPyConnection) -> list[str]:
    """Find rows that name a document, a harvest, a cluster, a region or a category that the release does not hold."""
    problems = []
    for child, column, parent, key, where in (*_provenance(), *_REFERENCES):
        [(rows, example)] = connection.execute(
            f"SELECT count(*), min({column}) FROM release.{quoted(child)} WHERE {where} AND {column} IS NOT NULL "
            f"AND {column} NOT IN (SELECT {key} FROM release.{parent} WHERE {key} IS NOT NULL)"
        ).fetchall()
        if rows:
            problems.append(f"{child}.{column}: {rows:,} rows name what is not in {parent}, for example {example!r}")
    return problems


def unfounded(connection: DuckDBPyConnection) -> list[str]:
    """Find rows of feeds that lead back to no evidence at all."""
    problems = []
    for table in schema.tables(Origin.FEED, Origin.HISTORY):
        [(rows,)] = connection.execute(
            f"SELECT count(*) FROM release.{quoted(table.name)} "
            "WHERE feed_id <> ? AND (document_id IS NULL OR harvest_id IS NULL)",
            [schema.DERIVED],
        ).fetchall()
        if rows:
            problems.append(f"{table.name}: {rows:,} rows name no document or no harvest")
    return problems


def foreign_keys() -> Iterator[tuple[str, str, str, str]]:
    """Yield the references that hold for every row which has a value: child table, column, parent table, its key."""
    return (
        (child, column, parent, key)
        for child, column, parent, key, where in (*_provenance(), *_REFERENCES)
        if where == "true"
    )


def _provenance() -> Iterator[tuple[str, str, str, str, str]]:
    for table in schema.TABLES.values():
        for parent in (schema.DOCUMENTS, schema.HARVESTS):
            [key] = parent.key
            if key in table.by_name and table is not parent:
                yield table.name, key, parent.name, key, "true"
