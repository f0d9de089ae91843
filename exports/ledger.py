"""What a release says about the one before it: every id that was ever published, and every cell that changed.

Both tables compare the attached database ``release`` with the files of the previous release of the same profile, so a
public release is only ever compared with a public one.

Where a feed may no longer be shown, the gate beats the promise that an id stays for ever: its ids leave the ledger, and
one row per table says ``withdrawn``. Derived rows and old values may quote what was withdrawn. So in that release, and
only in it, the ledger drops derived ids that are no longer current, derived tables say ``withdrawn`` as a whole (take
them anew), and changed cells show no old value.
"""

from __future__ import annotations

from pathlib import Path

from duckdb import DuckDBPyConnection

from exports import licence
from exports.files import parquet_name
from warehouse import schema
from warehouse.schema import Origin, Table, literal, quoted

IDENTIFIED = (
    schema.REGIONS,
    schema.CATEGORIES,
    schema.CLUSTERS,
    schema.ORGANISATIONS,
    schema.INITIATIVES,
    schema.CLAIMS,
    schema.RESOURCES,
    schema.THEME_RULES,
    schema.GLOBAL_CLUSTERS,
)
"""Tables whose key is an id that the ledger keeps."""


def write(connection: DuckDBPyConnection, release_id: str, profile: str, previous: Path | None) -> None:
    """Make the tables ``id_ledger`` and ``changes`` of the database ``release`` anew.

    Args:
        connection: one that has the database ``release``.
        release_id: the release that is being made.
        profile: its profile.
        previous: folder of the previous release of the same profile; None for the first.
    """
    session = connection.cursor()
    session.execute("USE release")
    for table in schema.tables(Origin.RELEASE):
        session.execute(f"DROP TABLE IF EXISTS {quoted(table.name)}")
        session.execute(schema.create_table(table))
    shown = licence.permitted(session, profile)
    withdrawn = _withdraw(session, release_id, shown, previous) if previous else False
    _id_ledger(session, release_id, shown, previous, withdrawn=withdrawn)
    for table in schema.tables(Origin.FEED, Origin.DERIVED):
        if previous is None or not set(table.key) <= _columns(session, table, previous):
            _baseline(session, release_id, table)
        elif withdrawn and table.origin is Origin.DERIVED:
            _renew(session, release_id, table, previous)
        elif _count(session, quoted(table.name)) or _count(session, _parquet(table, previous)):
            _delta(session, release_id, table, previous, shown, withdrawn=withdrawn)


def _parquet(table: Table, folder: Path) -> str:
    return f"read_parquet({literal(str(folder / parquet_name(table)))})"


def _columns(session: DuckDBPyConnection, table: Table, previous: Path) -> set[str]:
    """Return the columns that a table had in the previous release, which an older schema may have made."""
    if not (previous / parquet_name(table)).exists():
        return set()
    return {str(row[0]) for row in session.execute(f"DESCRIBE FROM {_parquet(table, previous)}").fetchall()}


def _withdraw(session: DuckDBPyConnection, release_id: str, shown: str, previous: Path) -> bool:
    """Say once per table how many rows of the previous release may no longer be shown; return whether there are any."""
    withdrawn = False
    for table in (*schema.tables(Origin.FEED), schema.ID_LEDGER):
        if not _columns(session, table, previous):
            continue
        [(rows,)] = session.execute(f"SELECT count(*) FROM {_parquet(table, previous)} WHERE NOT {shown}").fetchall()
        if rows:
            withdrawn = True
            _note(session, release_id, table, "withdrawn", (str(rows), None))
    return withdrawn


def _id_ledger(
    session: DuckDBPyConnection, release_id: str, shown: str, previous: Path | None, *, withdrawn: bool
) -> None:
    current = " UNION ALL ".join(
        f"SELECT {quoted(table.key[0])} AS id, feed_id, {literal(table.name)} AS table_name FROM {quoted(table.name)}"
        for table in IDENTIFIED
    )
    known = _parquet(schema.ID_LEDGER, previous) if previous else "id_ledger"
    succession = _succession(session, previous)
    session.execute(
        f"""
        INSERT INTO id_ledger BY NAME
        WITH
        now AS ({current}),
        before AS (
            FROM {known}
            WHERE {shown} AND NOT ($withdrawn AND feed_id = $derived AND id NOT IN (SELECT id FROM now))
        ),
        -- What has just gone has the successors that are there now; what went earlier keeps those it had, as far as the
        -- ledger may still name them.
        follows AS (
            SELECT DISTINCT before.id, next.successor
            FROM before
            JOIN ({succession}) AS next USING (id)
            JOIN now ON now.id = next.successor
            WHERE before.status = 'current' AND next.successor <> before.id
            UNION
            SELECT id, successor
            FROM (SELECT id, unnest(successor_ids) AS successor FROM before WHERE status <> 'current')
            WHERE successor IN (SELECT id FROM now UNION ALL SELECT id FROM before)
        ),
        gone AS (
            SELECT
                before.*,
                coalesce(list(successor ORDER BY successor) FILTER (successor IS NOT NULL), []) AS successors,
                -- It joined what was there already, or what another one became too.
                bool_or(
                    successor IN (SELECT id FROM before WHERE status = 'current')
                    OR successor IN (SELECT successor FROM follows GROUP BY ALL HAVING count(*) > 1)
                ) AS joined
            FROM before LEFT JOIN follows USING (id)
            WHERE id NOT IN (SELECT id FROM now)
            GROUP BY ALL
        ),
        all_ids AS (
            SELECT id, feed_id, table_name, 'current' AS status, []::VARCHAR[] AS successor_ids FROM now
            UNION ALL
            SELECT
                id,
                feed_id,
                table_name,
                CASE
                    WHEN len(successors) = 0 THEN 'retired'
                    WHEN status <> 'current' THEN status
                    WHEN len(successors) > 1 THEN 'split'
                    WHEN joined THEN 'merged'
                    ELSE 'moved'
                END,
                successors
            FROM gone
        )
        SELECT
            all_ids.*, if(before.status = all_ids.status, before.since_release, $release) AS since_release
        FROM all_ids LEFT JOIN before USING (id)
        """,
        {"release": release_id, "withdrawn": withdrawn, "derived": schema.DERIVED},
    )


def _succession(session: DuckDBPyConnection, previous: Path | None) -> str:
    """Return a query for the ids that may follow those of the previous release: id, successor.

    A region is followed by what its row named as such; a global cluster by those that have its members now.
    """
    found = ["SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS successor"]
    if previous is None:
        return found[0]
    if {"region_id", "successor", "successors"} <= _columns(session, schema.REGIONS, previous):
        named = "SELECT region_id, unnest(list_append(coalesce(successors, []), successor))"
        found.append(f"{named} FROM {_parquet(schema.REGIONS, previous)}")
    if {"global_cluster_id", "members"} <= _columns(session, schema.GLOBAL_CLUSTERS, previous):
        one = "SELECT global_cluster_id AS {}, unnest(members) AS member FROM {}"
        old = one.format("id", _parquet(schema.GLOBAL_CLUSTERS, previous))
        new = one.format("successor", "global_clusters")
        found.append(f"SELECT id, successor FROM ({old}) JOIN ({new}) USING (member)")
    return " UNION ALL ".join(found)


def _note(
    session: DuckDBPyConnection, release_id: str, table: Table, change: str, values: tuple[str | None, str | None]
) -> None:
    """Add a row on a whole table; its feed is `derived`, for it may speak of many feeds."""
    session.execute(
        "INSERT INTO changes VALUES (?, ?, '*', '*', ?, ?, ?, ?, 'source')",
        [release_id, table.name, schema.DERIVED, change, *values],
    )


def _count(session: DuckDBPyConnection, source: str) -> int:
    [(rows,)] = session.execute(f"SELECT count(*) FROM {source}").fetchall()
    return int(rows)


def _baseline(session: DuckDBPyConnection, release_id: str, table: Table) -> None:
    if rows := _count(session, quoted(table.name)):
        _note(session, release_id, table, "baseline", (None, str(rows)))


def _renew(session: DuckDBPyConnection, release_id: str, table: Table, previous: Path) -> None:
    before, now = _count(session, _parquet(table, previous)), _count(session, quoted(table.name))
    if before:
        _note(session, release_id, table, "withdrawn", (str(before), str(now)))
    else:
        _baseline(session, release_id, table)


def _delta(
    session: DuckDBPyConnection, release_id: str, table: Table, previous: Path, shown: str, *, withdrawn: bool
) -> None:
    """Add the rows and cells of one table that differ from the previous release."""
    before = _columns(session, table, previous)
    compared = [name for name in table.content if name in before and name not in table.key]
    differs = " OR ".join(f"old.{quoted(name)} IS DISTINCT FROM new.{quoted(name)}" for name in compared)
    cells = ", ".join(
        f"{{column_name: {literal(name)}, "
        f"old_value: {_text(table, 'old', name)}, new_value: {_text(table, 'new', name)}}}"
        for name in compared
    )
    key = ", ".join(f"coalesce(new.{quoted(name)}, old.{quoted(name)})" for name in table.key)
    first = quoted(table.key[0])
    historic = f"""
        LEFT JOIN harvests AS opening ON opening.harvest_id = new.harvest_id
        LEFT JOIN {_parquet(schema.HARVESTS, previous)} AS earlier ON earlier.harvest_id = old.harvest_id
    """
    cause = f"""
        CASE
            WHEN opening.replay_of IS NOT NULL THEN 'software'
            WHEN old.{first} IS NOT NULL AND new.{first} IS NOT NULL
                AND opening.software_version IS DISTINCT FROM earlier.software_version THEN 'both'
            ELSE 'source'
        END
    """
    session.execute(
        f"""
        INSERT INTO changes BY NAME
        WITH difference AS (
            SELECT
                concat_ws('|', {key}) AS row_id,
                coalesce(new.feed_id, old.feed_id) AS feed_id,
                CASE WHEN old.{first} IS NULL THEN 'added' WHEN new.{first} IS NULL THEN 'removed' ELSE 'changed' END
                    AS change,
                {cause if table.historic else "'source'"} AS cause,
                unnest(
                    if(
                        old.{first} IS NULL OR new.{first} IS NULL,
                        [{{column_name: '*', old_value: NULL::VARCHAR, new_value: NULL::VARCHAR}}],
                        [{cells}]
                    )
                ) AS cell
            FROM {quoted(table.name)} AS new
            FULL JOIN (FROM {_parquet(table, previous)} WHERE {shown}) AS old
                ON {" AND ".join(f"new.{quoted(name)} = old.{quoted(name)}" for name in table.key)}
            {historic if table.historic else ""}
            WHERE old.{first} IS NULL OR new.{first} IS NULL OR {differs}
        )
        SELECT
            $release AS release_id,
            $table AS table_name,
            row_id,
            cell.column_name,
            feed_id,
            change,
            if($withdrawn, NULL, cell.old_value) AS old_value,
            cell.new_value,
            cause
        FROM difference
        WHERE change <> 'changed' OR cell.old_value IS DISTINCT FROM cell.new_value
        """,
        {"release": release_id, "table": table.name, "withdrawn": withdrawn},
    )


def _text(table: Table, side: str, name: str) -> str:
    cell = f"{side}.{quoted(name)}"
    return f"to_json({cell})::VARCHAR" if table.by_name[name].type.endswith("[]") else f"{cell}::VARCHAR"
