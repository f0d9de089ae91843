"""Whether a release still says what was published, and whether all of it leads back to evidence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

from exports import delta, files, integrity, licence, metadata
from exports.release import CHECKSUMS, MANIFEST, README, ReleaseError, listing, read_manifest, sha256
from warehouse import schema
from warehouse.schema import literal, quoted
from warehouse.store import connect

_PARQUET = tuple(map(files.parquet_name, schema.TABLES.values()))
_LINE = re.compile(r"([0-9a-f]{64})  ((?!\.\.?/)(?:[^/\n]+/(?!\.\.?(?:/|$)))*[^/\n]+)")


def verify(release_dir: Path, home: Path) -> list[str]:
    """Check a release: checksums, digests, keys, codes, references, licence, the DuckDB file, the archive behind it.

    Args:
        release_dir: folder of the release.
        home: folder that holds ``archive/``; without one, the release alone is checked.

    Returns:
        Problems in words; none means that all is well. The tables are judged only when every Parquet file is whole.

    Raises:
        ReleaseError: the folder is not a release, or one of another schema version.
    """
    broken = _checksums(release_dir)
    problems = list(broken.values())
    if broken.keys() & {MANIFEST, *_PARQUET}:
        return problems
    manifest = read_manifest(release_dir)
    if manifest["schema_version"] != schema.SCHEMA_VERSION:
        raise ReleaseError(
            f"{release_dir} has schema {manifest['schema_version']}, this software checks {schema.SCHEMA_VERSION}: "
            f"use software {manifest['software_version']}"
        )
    with connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in schema.TABLES.values():
            source = literal(str(release_dir / files.parquet_name(table)))
            connection.execute(f"CREATE VIEW release.{quoted(table.name)} AS FROM read_parquet({source})")
        wrong = integrity.shape(connection, schema.TABLES.values())
        if wrong:
            return problems + wrong
        for table in schema.TABLES.values():
            problems += _against_manifest(connection, table, manifest)
            problems += integrity.duplicates(connection, table)
            problems += integrity.values(connection, table)
        problems += integrity.references(connection)
        problems += _described(release_dir, manifest, broken)
        if not any(name.startswith(delta.FOLDER) for name in broken):
            problems += delta.problems(connection, release_dir, manifest)
        problems += integrity.unfounded(connection)
        problems += _gate(connection, manifest["profile"])
        for name in files.DATABASES:
            problems += _database(connection, release_dir / name)
        if (home / "archive").is_dir():
            problems += _archive(connection, home)
    return problems


def _checksums(release_dir: Path) -> dict[str, str]:
    """Return a problem per file that is missing, changed or not listed."""
    if not (release_dir / CHECKSUMS).is_file():
        raise ReleaseError(f"{release_dir} is not a release: no {CHECKSUMS}")
    problems = {}
    listed = {CHECKSUMS}
    for line in (release_dir / CHECKSUMS).read_text(encoding="utf-8").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            problems[CHECKSUMS] = f"{CHECKSUMS}: expected <sha256>  <file>, got {line[:200]!r}"
            continue
        expected, name = match.groups()
        listed.add(name)
        if not (release_dir / name).is_file():
            problems[name] = f"{name}: the file is missing"
        elif (found := sha256(release_dir / name)) != expected:
            problems[name] = f"{name}: its SHA-256 is {found}, {CHECKSUMS} says {expected}"
    present = set(listing(release_dir))
    problems |= {name: f"{name}: the file is not listed in {CHECKSUMS}" for name in sorted(present - listed)}
    required = {MANIFEST, README, metadata.NOTES, *files.DATABASES, *_PARQUET, *metadata.FILES}
    return problems | {name: f"{name}: the file is missing" for name in sorted(required - present)}


def _against_manifest(
    connection: duckdb.DuckDBPyConnection, table: schema.Table, manifest: dict[str, Any]
) -> list[str]:
    stated = manifest["tables"][table.name]
    return [
        f"{table.name}: its {what} is {value}, {MANIFEST} says {stated[what]}"
        for what, value in files.measured(connection, table).items()
        if value != stated[what]
    ]


def _described(release_dir: Path, manifest: dict[str, Any], broken: dict[str, str]) -> list[str]:
    """Compare what the manifest and the documents of the standards say of the files with the files."""
    entries = (*manifest["tables"].values(), *manifest["files"])
    told = [(MANIFEST, entry["file"], entry["sha256"]) for entry in entries if "sha256" in entry]
    found: dict[str, str] = {}
    problems = []
    for document in (metadata.DATAPACKAGE, metadata.DCAT, metadata.CROISSANT):
        try:
            told += metadata.stated(release_dir / document) if document not in broken else ()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"{document}: not as this software writes it ({error!r})")
    for document, name, expected in told:
        if name in broken:
            continue
        if not (release_dir / name).is_file():
            problems.append(f"{document}: it names {name}, which is not there")
            continue
        if name not in found:
            found[name] = sha256(release_dir / name)
        if found[name] != expected:
            problems.append(f"{document}: it says that the SHA-256 of {name} is {expected}, it is {found[name]}")
    return problems


def _gate(connection: duckdb.DuckDBPyConnection, profile: str) -> list[str]:
    try:
        licence.check(connection, profile)
    except (licence.LicenceError, ValueError) as error:
        return [str(error)]
    return []


def _database(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Compare the tables of the DuckDB file with the Parquet files, row by row, on all columns."""
    if not path.is_file():
        return []  # the checksums have said so
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS book (READ_ONLY)")
        problems = integrity.shape(connection, schema.TABLES.values(), "book")
        problems = problems or _differing(connection, "its Parquet file")
        return [f"{path.name}: {problem}" for problem in problems]
    except duckdb.Error as error:
        return [f"{path.name}: cannot be read ({error})"]
    finally:
        connection.execute("DETACH DATABASE IF EXISTS book")


def differing_tables(path: Path, other: Path) -> list[str]:
    """Compare two DuckDB files table by table, row by row, on all columns.

    Returns:
        Problems in words; none means that their tables are equal.
    """
    with connect() as connection:
        try:
            connection.execute(f"ATTACH {literal(str(path))} AS book (READ_ONLY)")
            connection.execute(f"ATTACH {literal(str(other))} AS release (READ_ONLY)")
            problems = [
                problem
                for database in ("book", "release")
                for problem in integrity.shape(connection, schema.TABLES.values(), database)
            ]
            return [f"{path.name}: {problem}" for problem in problems or _differing(connection, "the other file")]
        except duckdb.Error as error:
            return [f"{path.name}: cannot be read ({error})"]


def _differing(connection: duckdb.DuckDBPyConnection, what: str) -> list[str]:
    """Compare the tables of the attached databases ``book`` and ``release``: by sums of 64-bit hashes of their rows."""
    problems = []
    for table in schema.TABLES.values():
        held, book = f"release.{quoted(table.name)}", f"book.{quoted(table.name)}"
        sums = "SELECT count(*), sum(hash(row_of)), bit_xor(hash(row_of)) FROM"
        ours, other = connection.execute(f"{sums} {held} AS row_of UNION ALL {sums} {book} AS row_of").fetchall()
        if ours == other:
            continue  # only rows that differ are looked for, which takes a hundred times as long
        [(missing, extra)] = connection.execute(
            f"SELECT (SELECT count(*) FROM (FROM {held} EXCEPT ALL FROM {book})), "
            f"(SELECT count(*) FROM (FROM {book} EXCEPT ALL FROM {held}))"
        ).fetchall()
        if missing or extra:
            problems.append(f"{table.name} differs from {what}: {missing:,} rows are missing, {extra:,} are extra")
    return problems


def _archive(connection: duckdb.DuckDBPyConnection, home: Path) -> list[str]:
    """Look for the WARC file of every document."""
    problems = []
    for name, offset in connection.execute(
        "SELECT warc_file, max(warc_offset) FROM release.documents "
        "WHERE warc_file IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        path = home / name
        if not path.is_file():
            problems.append(f"documents: {name} is not in the archive")
        elif path.stat().st_size <= offset:
            problems.append(
                f"documents: {name} has {path.stat().st_size:,} bytes, but a document stands at byte {offset:,}"
            )
    return problems
