"""The note of a release: what differs from the one before it, written from ``changes`` and ``id_ledger``.

It counts, and names tables and feeds only, so it shows nothing that those tables do not.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection


def notes_of(connection: DuckDBPyConnection, release_id: str, previous: str | None) -> str:
    """Return the note, in Markdown.

    Args:
        connection: one that has the database ``release``, with `changes` and `id_ledger` made.
        release_id: the release.
        previous: the release before it of the same profile; None for the first.
    """
    head = f"# Release {release_id}\n"
    if previous is None:
        rows = connection.execute(
            "SELECT table_name, new_value FROM release.changes WHERE change = 'baseline' ORDER BY ALL"
        ).fetchall()
        return f"{head}\nThe first release of its profile.\n" + _list([f"`{name}`: {held} rows" for name, held in rows])
    return (
        head
        + f"\nWhat differs from release {previous}. Every cell stands in the table `changes`.\n"
        + (_tables(connection) + _feeds(connection) + _ids(connection, release_id) or "\nNothing.\n")
    )


def _list(lines: list[str]) -> str:
    return "\n" + "".join(f"- {line}\n" for line in lines) if lines else ""


def _tables(connection: DuckDBPyConnection) -> str:
    rows = connection.execute(
        """
        SELECT table_name,
            count(*) FILTER (change = 'added'), count(*) FILTER (change = 'removed'),
            count(DISTINCT row_id) FILTER (change = 'changed'), count(*) FILTER (change = 'changed'),
            max(old_value) FILTER (change = 'withdrawn'), max(new_value) FILTER (change IN ('withdrawn', 'baseline')),
            bool_or(change = 'withdrawn')
        FROM release.changes GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    lines = []
    for name, added, removed, changed, cells, before, now, withdrawn in rows:
        told = [
            f"{count:,} {what}"
            for count, what in ((added, "rows added"), (removed, "rows removed"), (changed, "rows changed"))
            if count
        ]
        if changed:
            told[-1] += f" ({cells:,} cells)"
        if withdrawn:
            told.append(
                f"taken anew: {before} rows before, {now} now" if now else f"{before} rows may no longer be shown"
            )
        elif now:
            told.append(f"new, with {now} rows")
        lines.append(f"`{name}`: {', '.join(told)}")
    return _list(lines)


def _feeds(connection: DuckDBPyConnection) -> str:
    rows = connection.execute(
        "SELECT feed_id, count(*), count(*) FILTER (cause = 'source') FROM release.changes "
        "WHERE change IN ('added', 'removed', 'changed') GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    lines = [f"`{feed_id}`: {cells:,} entries, {own:,} of them by the source alone" for feed_id, cells, own in rows]
    return f"\nBy feed:\n{_list(lines)}" if lines else ""


def _ids(connection: DuckDBPyConnection, release_id: str) -> str:
    rows = connection.execute(
        "SELECT status, count(*) FROM release.id_ledger WHERE since_release = ? AND status <> 'current' "
        "GROUP BY ALL ORDER BY ALL",
        [release_id],
    ).fetchall()
    return f"\nIds (`id_ledger`):\n{_list([f'{count:,} {status}' for status, count in rows])}" if rows else ""
