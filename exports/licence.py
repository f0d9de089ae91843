"""The gate: which feeds may stand in a release of which profile, checked at the door."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from warehouse import schema

PROFILES = ("public", "local")
"""``public`` obeys the terms of every feed; ``local`` holds all, for use at home."""

EXEMPT = ("sources", "feeds", "harvests")
"""Tables in which a feed that is not allowed may still stand in public: what they say are our own facts."""

OURS = (schema.DERIVED, "catalogue")
"""``feed_id`` of rows that we make ourselves, from rows that the profile allows."""

_PUBLIC = {"open": True, "attribution": True, "noncommercial": False, "restricted": False}


class LicenceError(Exception):
    """A release holds what its profile forbids; nothing of it was published."""


def allowed(redistribution: str, profile: str) -> bool:
    """Return whether a feed with these terms may stand in a release of this profile.

    Raises:
        ValueError: a word that is not known; terms are never guessed.
    """
    if redistribution not in _PUBLIC:
        raise ValueError(f"redistribution {redistribution!r}: expected one of {', '.join(_PUBLIC)}")
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r}: expected one of {', '.join(PROFILES)}")
    return profile == "local" or _PUBLIC[redistribution]


def permitted(connection: DuckDBPyConnection, profile: str) -> str:
    """Return an SQL condition on ``feed_id`` that is true where the profile allows the feed, and never null.

    In ``local`` it is always true. In ``public`` a feed that the table ``release.feeds`` does not name has no terms,
    and so is not allowed.

    Raises:
        ValueError: a feed states terms that are not known.
    """
    terms = connection.execute("SELECT feed_id, redistribution FROM release.feeds ORDER BY feed_id").fetchall()
    feeds = [feed_id for feed_id, redistribution in terms if allowed(redistribution, profile)]
    if profile == "local":
        return "true"
    return f"coalesce(feed_id IN ({', '.join(map(schema.literal, [*OURS, *feeds]))}), false)"


def feeds_of_tables(connection: DuckDBPyConnection) -> dict[str, list[str]]:
    """Return table of the database ``release`` → the feeds whose terms hold for it, in order; none for our own facts.

    Rows that are computed across feeds count as of every feed that any table shows.
    """
    tables = [name for name in schema.TABLES if name not in EXEMPT]
    found: dict[str, set[str]] = {name: set() for name in tables}
    each = " UNION ALL ".join(
        f"SELECT DISTINCT {schema.literal(name)}, feed_id FROM release.{schema.quoted(name)}" for name in tables
    )
    for name, feed_id in connection.execute(each).fetchall():
        if feed_id is not None:
            found[name].add(feed_id)
    every = set().union(*found.values())
    return {name: [] for name in EXEMPT} | {
        name: sorted((every if schema.DERIVED in feeds else feeds) - set(OURS)) for name, feeds in found.items()
    }


def check(connection: DuckDBPyConnection, profile: str) -> None:
    """Refuse what the profile forbids in the database ``release``: its tables as they are about to be published.

    Raises:
        LicenceError: in public, a row of a feed that is not allowed stands outside of `EXEMPT`, a row is synthetic, or
            the raw text of a rejected record is shown.
    """
    condition = permitted(connection, profile)
    if profile != "public":
        return
    for table in schema.TABLES.values():
        faults = {} if table.name in EXEMPT else {"its feed is not allowed": f"NOT {condition}"}
        if "synthetic" in table.by_name:
            faults["it is synthetic"] = "synthetic"
        if table is schema.QUARANTINE:
            faults["it shows a raw record"] = "raw IS NOT NULL"
        for fault, where in faults.items():
            found = connection.execute(
                f"SELECT count(*), min(feed_id) FROM release.{schema.quoted(table.name)} WHERE {where}"
            ).fetchall()
            [(rows, feed_id)] = found
            if rows:
                raise LicenceError(
                    f"release refused: {rows:,} rows of {table.name} may not be public, for example one of feed "
                    f"{feed_id}: {fault}. Leave them out of the release, or publish the profile local."
                )
