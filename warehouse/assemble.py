"""The rows that a release may show, and what is derived from them.

An in-memory database ``release`` gets every table of the common schema: open rows of the allowed feeds, closed ones in
the history tables, the ledgers, and the derived tables, which are recomputed whole from just these rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from warehouse.schema import (
    CLUSTERS,
    CLUSTERS_CLOSED,
    DOCUMENTS,
    FEEDS,
    HARVESTS,
    OBSERVATIONS,
    OBSERVATIONS_CLOSED,
    QUARANTINE,
    SHARED,
    SOURCES,
    Origin,
    Table,
    create_table,
    literal,
    quoted,
    tables,
)

DERIVE = Path(__file__).parent / "derive"
STEPS = (
    "categories",
    "region_coordinates",
    "themes",
    "product_class",
    "cluster_identification",
    "initiative_links",
    "cluster_links",
    "global_clusters",
    "census",
)
"""The programs in `DERIVE`, in order: each may read what those before it made."""
JUDGED = {
    "link_judgement": "link_judgements.csv",
    "product_class_rule": "product_classes.csv",
    "trade_word": "trade_words.csv",
}
"""Tables made by hand that these programs read: name → file in `DERIVE`."""
MACROS = Path(__file__).parent / "macros"


def assemble(
    connection: DuckDBPyConnection,
    *,
    allowed: Sequence[str],
    public: bool,
    sources: Sequence[Mapping[str, Any]],
    feeds: Sequence[Mapping[str, Any]],
) -> None:
    """Attach the database `release` to a connection to the warehouse, and fill it.

    Args:
        connection: the warehouse.
        allowed: ids of the feeds whose rows may stand in the release.
        public: leave out everything synthetic, and the raw text of quarantined records.
        sources: rows of the table `sources`.
        feeds: rows of the table `feeds`.
    """
    connection.execute("ATTACH ':memory:' AS release")
    for table in tables(*(origin for origin in Origin if origin is not Origin.RELEASE)):
        connection.execute(create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE allowed AS SELECT unnest(?::VARCHAR[]) AS feed_id", [list(allowed)]
    )
    real = "NOT coalesce(synthetic, false)" if public else "true"
    for table in tables(Origin.FEED):
        _fill(connection, table, quoted(table.name), f"closed_by IS NULL AND {real}")
    for table, closed in ((OBSERVATIONS, OBSERVATIONS_CLOSED), (CLUSTERS, CLUSTERS_CLOSED)):
        history = f"""(
            SELECT row.*, opener.evidence_at AS valid_from, closer.evidence_at AS valid_to
            FROM {quoted(table.name)} AS row
            JOIN harvests AS opener ON opener.harvest_id = row.opened_by
            JOIN harvests AS closer ON closer.harvest_id = row.closed_by
        )"""
        _fill(connection, closed, history, real)
    _fill(connection, DOCUMENTS, "documents", real)
    synthetic_too = "harvest_id IN (SELECT harvest_id FROM harvests WHERE NOT coalesce(synthetic, false))"
    _fill(connection, QUARANTINE, "quarantine", synthetic_too if public else "true")
    if public:
        connection.execute("UPDATE release.quarantine SET raw = NULL")
    # What we did is our own fact: it may be told of every feed.
    _fill(connection, HARVESTS, "harvests", real, every_feed=True)
    # But a reason may quote an answer, and the scope names what the source has.
    connection.execute("UPDATE release.harvests SET reason = NULL, scope = NULL WHERE feed_id NOT IN (FROM allowed)")
    for table, rows in ((SOURCES, sources), (FEEDS, feeds)):
        marks = ", ".join("?" for _ in table.names)
        if rows:
            connection.executemany(
                f"INSERT INTO release.{quoted(table.name)} VALUES ({marks})",
                [[row.get(name) for name in table.names] for row in rows],
            )
    for path in sorted(MACROS.glob("*.sql")):
        connection.execute(temporary(path.read_text("utf-8")))
    for name, file in JUDGED.items():
        listed = f"read_csv({literal(str(DERIVE / file))}, all_varchar=true)"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM {listed}")
    for step in STEPS:
        connection.execute((DERIVE / f"{step}.sql").read_text("utf-8"))


def temporary(macros: str) -> str:
    """Return statements that create macros for this connection only, so that none is left in the warehouse."""
    return macros.replace("CREATE MACRO ", "CREATE OR REPLACE TEMP MACRO ")


def _fill(
    connection: DuckDBPyConnection, table: Table, relation: str, condition: str, *, every_feed: bool = False
) -> None:
    columns = ", ".join(quoted(name) for name in table.names)
    key = ", ".join(quoted(name) for name in table.key)
    feeds = "true" if every_feed else "feed_id IN (FROM allowed)"
    # Several feeds may state the same region or class; the lists that we keep ourselves go first.
    one = f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY NOT starts_with(feed_id, 'ref.'), feed_id) = 1"
    connection.execute(
        f"INSERT INTO release.{quoted(table.name)} SELECT {columns} FROM {relation} "
        f"WHERE {condition} AND {feeds} {one if table in SHARED else ''} ORDER BY {key}"
    )
