"""An immutable, numbered release: built beside the old ones, then switched to by rename."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from exports import delta, files, integrity, ledger, licence, metadata
from exports.notes import notes_of
from exports.site import build as site
from warehouse import schema
from warehouse.schema import Origin

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
README = metadata.README
NOTES = metadata.NOTES

_RELEASE_ID = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})\.([1-9]\d*)")
_UNFINISHED = re.compile(r"\.(\d{4}\.\d{2}\.\d{2}\.\d+|latest(-public)?)\.tmp-\d+")


class ReleaseError(Exception):
    """A release cannot be made or read; `latest` stands as it was."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a release depends on, beside the archive: with the same software it gives the same files.

    Attributes:
        release_id: ``YYYY.MM.DD.N``.
        profile: one of `licence.PROFILES`.
        published_at: when it is published (UTC); nothing else in a release knows the time.
        harvests: ids of the harvests that were loaded, in order.
        software_version: version of this software.
        duckdb_version: version of DuckDB.
        schema_version: version of the common schema.
    """

    release_id: str
    profile: str
    published_at: datetime
    harvests: tuple[str, ...]
    software_version: str
    duckdb_version: str
    schema_version: str = schema.SCHEMA_VERSION

    def __post_init__(self) -> None:
        if not _RELEASE_ID.fullmatch(self.release_id):
            raise ReleaseError(f"release {self.release_id!r}: expected YYYY.MM.DD.N")
        if self.profile not in licence.PROFILES:
            raise ReleaseError(f"profile {self.profile!r}: expected one of {', '.join(licence.PROFILES)}")
        if self.published_at.utcoffset() != timedelta(0):
            raise ReleaseError(f"published_at {self.published_at}: expected a time in UTC")

    def to_json(self) -> str:
        """Return the recipe as a JSON object, ended by a newline."""
        return _json(asdict(self) | {"published_at": _utc(self.published_at)})

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote.

        Raises:
            ReleaseError: the text is not a recipe.
        """
        try:
            fields = json.loads(text)
            published_at = datetime.fromisoformat(fields.pop("published_at"))
            return cls(published_at=published_at, harvests=tuple(fields.pop("harvests")), **fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReleaseError(f"not a recipe of a release: {error!r} in {text[:200]!r}") from error


def next_release_id(published: Path, archive_releases: Path, day: date) -> str:
    """Return the id of the next release of a day, whatever its profile.

    Args:
        published: folder of the releases.
        archive_releases: folder of their recipes, ``<release>.json``; it remembers releases that were deleted.
        day: the day (UTC).
    """
    names = [path.name for path in _listing(published)] + [path.stem for path in _listing(archive_releases)]
    numbers = [release_number(name) for name in names if _RELEASE_ID.fullmatch(name)]
    today = (day.year, day.month, day.day)
    last = max((number for *of_day, number in numbers if tuple(of_day) == today), default=0)
    return f"{day:%Y.%m.%d}.{last + 1}"


def read_manifest(release: Path) -> dict[str, Any]:
    """Read the manifest of a release.

    Raises:
        ReleaseError: there is none, or it is not JSON.
    """
    path = release / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{release} is not a release: no readable {MANIFEST} ({error})") from error
    if not isinstance(manifest, dict):
        raise ReleaseError(f"{path}: expected a JSON object, got {type(manifest).__name__}")
    return manifest


def newest(published: Path, profile: str | None = None, *, before: str | None = None) -> Path | None:
    """Return the folder of the newest release; None if there is none.

    Args:
        published: folder of the releases.
        profile: only releases of this profile.
        before: only releases older than this one.
    """
    releases = [path for path in _listing(published) if _RELEASE_ID.fullmatch(path.name) and path.is_dir()]
    for release in sorted(releases, key=lambda path: release_number(path.name), reverse=True):
        if before is not None and release_number(release.name) >= release_number(before):
            continue
        if profile is None or read_manifest(release)["profile"] == profile:
            return release
    return None


def write(
    connection: DuckDBPyConnection,
    recipe: Recipe,
    published: Path,
    *,
    notes: Sequence[str] = (),
    demo: bool = False,
) -> Path:
    """Write a release from the attached database ``release`` and switch to it.

    Killed at any moment, it leaves `latest` whole; what it left unfinished is removed by the next one.

    Args:
        connection: one with the database ``release`` attached; it holds every table but those of `Origin.RELEASE`,
            committed.
        recipe: what the release is made of.
        published: folder of the releases; only one release is written there at a time.
        notes: what its readers should know, such as why it is empty.
        demo: mark it as DEMO DATA, even where no row is synthetic.

    Returns:
        The folder of the release.

    Raises:
        ReleaseError: the release exists, or its tables break the schema.
        LicenceError: it holds what its profile forbids.
    """
    target = published / recipe.release_id
    if target.exists():
        raise ReleaseError(f"release {recipe.release_id} exists already; a release is never written twice")
    published.mkdir(parents=True, exist_ok=True)
    _clean(published)

    given = [table for table in schema.TABLES.values() if table.origin is not Origin.RELEASE]
    _refuse(integrity.shape(connection, given))
    _refuse([problem for table in given for problem in integrity.duplicates(connection, table)])
    previous = newest(published, recipe.profile, before=recipe.release_id)
    ledger.write(connection, recipe.release_id, recipe.profile, previous)
    _refuse([problem for table in schema.tables(Origin.RELEASE) for problem in integrity.duplicates(connection, table)])
    licence.check(connection, recipe.profile)

    folder = published / f".{recipe.release_id}.tmp-{os.getpid()}"
    folder.mkdir()
    feeds = licence.feeds_of_tables(connection)
    tables = [
        _write_table(connection, table, folder, recipe.profile) | {"feeds": feeds[table.name]}
        for table in schema.TABLES.values()
    ]
    files.write_database(connection, folder)
    synthetic = demo or _synthetic(connection)
    (folder / README).write_text(_readme(connection, recipe, notes, synthetic=synthetic), encoding="utf-8")
    (folder / NOTES).write_text(
        notes_of(connection, recipe.release_id, previous.name if previous else None), encoding="utf-8"
    )
    manifest = {
        "release_id": recipe.release_id,
        "profile": recipe.profile,
        "published_at": _utc(recipe.published_at),
        "previous": previous.name if previous else None,
        "schema_version": recipe.schema_version,
        "software_version": recipe.software_version,
        "duckdb_version": recipe.duckdb_version,
        "synthetic": synthetic,
        "notes": list(notes),
        "totals": {
            "tables": len(tables),
            "rows": sum(table["rows"] for table in tables),
            "bytes": sum(table["bytes"] for table in tables),
        },
        "feeds": _feeds(connection),
        "tables": {table["name"]: table for table in tables},
        "files": [
            {"file": README, "description": "What the release is, and the terms of its feeds."}
            | _measure(folder / README),
            {"file": files.DATABASE, "description": _DATABASE_NOTE},
            {"file": NOTES, "description": "What differs from the release before, in words."}
            | _measure(folder / NOTES),
            *_write_more(connection, folder, recipe.profile, tables),
            *(_write_deltas(connection, folder, previous, recipe.profile, tables) if previous else ()),
        ],
        "recipe": json.loads(recipe.to_json()),
    }
    site.write(connection, folder, manifest)
    files.write_console(connection, folder)
    for name, text in metadata.documents(manifest).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        manifest["files"].append({"file": name, "description": metadata.described(name)} | _measure(folder / name))
    (folder / MANIFEST).write_text(_json(manifest), encoding="utf-8")
    sums = [f"{sha256(folder / name)}  {name}\n" for name in listing(folder)]
    (folder / CHECKSUMS).write_text("".join(sums), encoding="utf-8")

    for path in (*sorted(folder.rglob("*")), folder):
        sync(path)
    folder.rename(target)
    sync(published)
    switch(published)
    return target


def switch(published: Path) -> None:
    """Point `latest` to the newest release and `latest-public` to the newest public one, each by rename.

    `write` does so itself; it may be called again at any time, such as after a kill just before it.
    """
    for name, release in (("latest", newest(published)), ("latest-public", newest(published, "public"))):
        if release is not None:
            link = published / f".{name}.tmp-{os.getpid()}"
            link.symlink_to(release.name)
            link.replace(published / name)
    sync(published)


def listing(release: Path) -> list[str]:
    """Return the names of all files of a release, below its folder, in order."""
    return sorted(path.relative_to(release).as_posix() for path in release.rglob("*") if not path.is_dir())


_DATABASE_NOTE = (
    "All tables in one DuckDB file. Its bytes differ between two builds of one release, so its checksum stands in "
    f"{CHECKSUMS} only; `observatory verify` compares it table by table."
)


def _clean(published: Path) -> None:
    """Remove what killed runs left unfinished."""
    for path in _listing(published):
        if _UNFINISHED.fullmatch(path.name):
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path)


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise ReleaseError("release refused, nothing was published: " + "; ".join(problems))


def _write_table(connection: DuckDBPyConnection, table: schema.Table, folder: Path, profile: str) -> dict[str, Any]:
    path = folder / files.parquet_name(table)
    files.write_parquet(connection, table, path, files.LICENCE_NOTES[profile])
    content = files.measured(connection, table)
    return {
        "name": table.name,
        "file": path.name,
        "rows": content["rows"],
        **_measure(path),
        "content_sha256": content["content_sha256"],
        "description": table.description,
    }


def _write_more(
    connection: DuckDBPyConnection, folder: Path, profile: str, tables: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Write points, CSV and code lists, and return what the manifest says of each file."""
    note = files.LICENCE_NOTES[profile]
    feeds = {table["name"]: table["feeds"] for table in tables}
    made = [
        (table, files.write_geo(connection, table, folder, note), "The rows that have a point, as GeoParquet")
        for table in files.PLACED
    ] + [(table, files.write_table_csv(connection, table, folder), "The table as CSV") for table in files.SMALL]
    return [
        {
            "file": path.relative_to(folder).as_posix(),
            "table": table.name,
            "description": f"{what}. {table.description}",
            "feeds": feeds[table.name],
        }
        | _measure(path)
        for table, path, what in made
    ] + [
        {
            "file": path.relative_to(folder).as_posix(),
            "description": f"Codes of {path.stem}, a closed list of the schema.",
            "columns": [*files.CODE_COLUMNS],
        }
        | _measure(path)
        for path in files.write_code_lists(connection, folder)
    ]


def _write_deltas(
    connection: DuckDBPyConnection, folder: Path, previous: Path, profile: str, tables: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    feeds = {table["name"]: table["feeds"] for table in tables}
    return [
        {**entry, "feeds": feeds[entry["table"]]} | _measure(folder / entry["file"])
        for entry in delta.write(connection, folder, previous, profile, files.LICENCE_NOTES[profile])
    ]


def _feeds(connection: DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the feeds with their terms and who publishes them."""
    rows = connection.execute(
        "SELECT feed.feed_id, feed.title, feed.description, source.publisher, source.homepage_url, feed.licence, "
        "feed.licence_url, feed.redistribution, feed.attribution "
        "FROM release.feeds AS feed LEFT JOIN release.sources AS source USING (source_id) ORDER BY feed.feed_id"
    )
    names = [name for name, *_ in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _synthetic(connection: DuckDBPyConnection) -> bool:
    tables = (table for table in schema.TABLES.values() if "synthetic" in table.by_name)
    any_row = " OR ".join(f"EXISTS (FROM release.{schema.quoted(table.name)} WHERE synthetic)" for table in tables)
    [(found,)] = connection.execute(f"SELECT {any_row}").fetchall()
    return bool(found)


def _readme(connection: DuckDBPyConnection, recipe: Recipe, notes: Sequence[str], *, synthetic: bool) -> str:
    feeds = connection.execute(
        "SELECT feed_id, title, licence, licence_url, attribution FROM release.feeds ORDER BY feed_id"
    ).fetchall()
    warning = (
        "\n**DEMO DATA. Made by replicas of the sources: nothing in it is a fact about the world.**\n"
        if synthetic
        else ""
    )
    remarks = "".join(f"\n- {note}" for note in notes)
    rows = "\n".join(f"| {' | '.join(_markdown(cell) for cell in feed)} |" for feed in feeds)
    return f"""\
# Cluster Observatory, release {recipe.release_id}
{warning}
Industrial clusters of the world, from the observatories that map them, in one schema.
Profile `{recipe.profile}`, published {_utc(recipe.published_at)}. {files.LICENCE_NOTES[recipe.profile]}
{remarks}

## How to query

    duckdb -readonly {files.DATABASE} "SELECT country_code, count(*) FROM global_clusters GROUP BY ALL ORDER BY ALL"

Every table is also a Parquet file. `{MANIFEST}` describes the files, `sha256sum -c {CHECKSUMS}` checks them, and the
table `changes` says what differs from the release before, `{NOTES}` in short. How to cite it
stands in `{metadata.CITATION}`.

## Feeds and their terms

| feed | what it is | licence | terms | credit |
| --- | --- | --- | --- | --- |
{rows}
"""


def _markdown(cell: str | None) -> str:
    return "" if cell is None else cell.replace("|", "\\|").replace("\n", " ")


def _measure(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _utc(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def release_number(release_id: str) -> tuple[int, ...]:
    """Return the parts of a release's id as numbers, by which releases are ordered."""
    return tuple(map(int, release_id.split(".")))


def _listing(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
