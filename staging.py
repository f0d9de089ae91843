"""Archive → staging: the documents of one harvest are parsed, checked and normalised, and the harvest is judged.

Staging is disposable: it is made from the archive alone, by the same parser whatever the route.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from crawlers import harvest as harvests
from crawlers.evidence import Document, Evidence
from crawlers.harvest import Harvest
from crawlers.source import Feed, Route, catalogue
from crawlers.spider import Batch, Table
from normalizers.contract import KindReport, RawPage, check
from normalizers.normalise import Normalised, normalise, prepare, records_of
from warehouse.schema import DOCUMENTS, QUARANTINE, create_table, literal, quoted

_SHOWN = 3

PAGE_ROWS = 200_000
"""Rows of a table that are checked as one page: DuckDB holds a page twice in memory."""


def folder(home: Path, harvest: Harvest) -> Path:
    """Return the folder of a harvest in staging."""
    return home / "staging" / harvest.feed_id / harvest.harvest_id


def is_offered(document: Document, route: Route) -> bool:
    """Whether a document is offered to the parser: good answers and saved files, but for robots.txt.

    On the route wayback only captures are: no index, and no page that a web archive passed on from the live web.
    """
    if route is Route.WAYBACK and document.archived_at is None:
        return False
    return document.http_status in {None, HTTPStatus.OK} and not document.url.endswith("/robots.txt")


def naive(time: datetime) -> datetime:
    """Drop the zone of a UTC time: tables keep UTC without saying so in each value."""
    return time.astimezone(UTC).replace(tzinfo=None)


def stage(home: Path, feed: Feed, harvest: Harvest) -> list[str]:
    """Make staging from the archive of a harvest, and write what was found into its record.

    Args:
        home: the home.
        feed: its feed.
        harvest: its record; counts, scope, age of the evidence and warnings are filled in.

    Returns:
        What is wrong with the harvest as a whole; it is held unless this is empty.
    """
    target = folder(home, harvest)
    shutil.rmtree(target, ignore_errors=True)
    (target / "raw").mkdir(parents=True)
    contract = records_of(feed.feed_id)
    pages, documents = _parse(home, feed, harvest, feed.module().parse, target / "raw")
    with duckdb.connect(":memory:") as connection:
        prepare(connection, _shipped_lists())
        reports = [check(connection, model, pages.get(model.kind, [])) for model in contract]
        normalised = normalise(
            connection,
            feed.feed_id,
            asked=harvest.asked,
            provenance={
                "feed_id": feed.feed_id,
                "harvest_id": harvest.harvest_id,
                "route": harvest.route.value,
                "synthetic": bool(harvest.synthetic),
            },
            target=target,
        )
        harvest.quarantined = _write_ledgers(connection, harvest, documents, target)
    shutil.rmtree(target / "raw")
    harvest.documents = len(documents)
    _account(feed, harvest, reports, normalised)
    return [
        *harvest.doubts,
        *_incomplete(feed, harvest, normalised),
        *(
            doubt
            for model, report in zip(contract, reports, strict=True)
            for doubt in _malformed(feed, report, model.sparse)
        ),
    ]


def _parse(
    home: Path,
    feed: Feed,
    harvest: Harvest,
    parse: Callable[[Document], Iterator[Batch] | None],
    raw: Path,
) -> tuple[dict[str, list[RawPage]], list[dict[str, Any]]]:
    """Offer every good document of a harvest to the parser; write its batches as JSON arrays."""
    evidence = Evidence(home, feed.feed_id)
    newest = {capture.document_id for capture in evidence.latest(harvest.evidence_id).values()}
    pages: dict[str, list[RawPage]] = {}
    documents: list[dict[str, Any]] = []
    strangers: list[str] = []
    evidence_at = harvest.started_at
    for document in evidence.documents(harvest.evidence_id):
        if not is_offered(document, harvest.route) or document.document_id not in newest:
            continue
        batches = parse(document)
        if batches is None:
            strangers.append(document.url)
            continue
        for batch in batches:
            of_kind = pages.setdefault(batch.kind, [])
            for path in _write_pages(batch, raw / f"{batch.kind}-{len(of_kind):05d}"):
                of_kind.append(RawPage(document.document_id, path, batch.pointer))
        documents.append(_document_row(feed, document))
    declared = any(row["synthetic"] for row in documents)
    harvest.synthetic = bool(harvest.synthetic) or declared or harvest.route is Route.REPLICA
    archived = [row["archived_at"].replace(tzinfo=UTC) for row in documents if row["archived_at"]]
    if harvest.replay_of:
        harvest.evidence_at = harvests.read(home, harvest.replay_of).evidence_at
    else:
        harvest.evidence_at = max(archived) if len(archived) == len(documents) and archived else evidence_at
    if strangers:
        _warn(
            harvest,
            f"{feed.feed_id}: {len(strangers)} documents are not of this feed and were left out, such as "
            f"{', '.join(strangers[:_SHOWN])}",
        )
    return pages, documents


def _shipped_lists() -> dict[str, Path]:
    """Return the lists that we ship as feeds: every program may join them."""
    shipped = {feed.name: feed.shipped_file for feed in catalogue()["ref"].feeds.values()}
    return {name: path for name, path in shipped.items() if path is not None}


def _write_pages(batch: Batch, stem: Path) -> Iterator[Path]:
    """Write the records of a batch as JSON arrays of objects, into files whose names begin with the stem."""
    records = batch.records
    if isinstance(records, Table):
        yield from _write_table(records, stem)
        return
    path = stem.with_suffix(".json")
    path.write_bytes(records if isinstance(records, bytes) else json.dumps(records).encode())
    yield path


def _write_table(table: Table, stem: Path) -> Iterator[Path]:
    """Turn a table into JSON in DuckDB; a row that is too short gets nulls, one that is too long is an error."""
    body = stem.with_suffix(".body")
    body.write_bytes(table.body)
    given = {f"column{number}": key for number, key in enumerate(table.columns)}
    if table.is_json:
        cells = ", ".join(f"row[{number}] AS {name}" for number, name in enumerate(given, 1))
        source = (
            f"SELECT {cells} FROM read_json({literal(str(body))}, format = 'array', records = false, "
            f"columns = {{row: 'VARCHAR[]'}}, maximum_object_size = {len(table.body) + 1})"
        )
        locator = "'json:/' || number"
    else:
        columns = ", ".join(f"{name}: 'VARCHAR'" for name in given)
        source = (
            f"FROM read_csv({literal(str(body))}, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
            f"header = false, columns = {{{columns}}}, null_padding = true, parallel = false)"
        )
        locator = "'csv:row=' || number"
    keys = [f"{name} AS {quoted(key)}" for name, key in given.items() if key is not None]
    keys += [f"{literal(value)} AS {quoted(key)}" for key, value in table.constants.items()]
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE cell AS SELECT row_number() OVER () - 1 AS number, * FROM ({source})")
        ((last,),) = connection.execute("SELECT coalesce(max(number), 0) FROM cell").fetchall()
        for start in range(1, last + 1, PAGE_ROWS):  # row 0 is the header
            path = stem.with_name(f"{stem.name}-{start:09d}.json")
            connection.execute(
                f"COPY (SELECT {', '.join(keys)}, {locator} AS _locator FROM cell "
                f"WHERE number BETWEEN {start} AND {start + PAGE_ROWS - 1} ORDER BY number) "
                f"TO {literal(str(path))} (FORMAT json, ARRAY true)"
            )
            yield path
    body.unlink()


def _document_row(feed: Feed, document: Document) -> dict[str, Any]:
    return {
        "document_id": document.document_id,
        "feed_id": feed.feed_id,
        "url": document.url,
        "retrieved_at": naive(document.retrieved_at),
        "archived_at": naive(document.archived_at) if document.archived_at else None,
        "http_status": document.http_status,
        "media_type": document.media_type,
        "sha256": document.sha256,
        "bytes": len(document.body),
        "warc_file": document.warc_file,
        "warc_offset": document.warc_offset,
        "synthetic": document.synthetic,
    }


def _write_ledgers(
    connection: duckdb.DuckDBPyConnection, harvest: Harvest, documents: Sequence[Mapping[str, Any]], target: Path
) -> int:
    """Write the documents and the quarantine of a harvest; return how many entries the quarantine has."""
    connection.execute(create_table(DOCUMENTS))
    if documents:
        marks = ", ".join("?" for _ in DOCUMENTS.names)
        rows = [[document[name] for name in DOCUMENTS.names] for document in documents]
        connection.executemany(f"INSERT INTO documents VALUES ({marks})", rows)
    connection.execute(create_table(QUARANTINE))
    connection.execute(
        "INSERT INTO quarantine BY NAME SELECT ? AS harvest_id, "
        "row_number() OVER (ORDER BY level, kind, document_id, locator, field, reason) AS seq, "
        "? AS feed_id, * FROM quarantine_entries",
        [harvest.harvest_id, harvest.feed_id],
    )
    for table in (DOCUMENTS, QUARANTINE):
        key = ", ".join(quoted(name) for name in table.key)
        file = literal(str(target / f"{table.name}.parquet"))
        connection.execute(f"COPY (FROM {quoted(table.name)} ORDER BY {key}) TO {file} (FORMAT parquet)")
    counted = connection.execute("SELECT count(*) FROM quarantine").fetchone()
    assert counted is not None  # noqa: S101  # for the type checker: an aggregate has one row
    return int(counted[0])


def _account(feed: Feed, harvest: Harvest, reports: Sequence[KindReport], normalised: Normalised) -> None:
    """Write into the record of a harvest what was found."""
    counts = feed.denominator.counts
    counted = next(report for report in reports if report.kind == counts)
    own = [part for part in normalised.partitions if part.name.split("/")[0] == counts]
    harvest.records = counted.records - counted.duplicates
    harvest.records_expected = sum(part.expected or 0 for part in own)
    harvest.empty, harvest.dropped = normalised.total("empty"), normalised.total("dropped")
    harvest.scope = harvest.closing = [part.name for part in normalised.partitions if part.complete]
    if rejected := sum(report.rejected for report in reports):
        # A record that cannot be read may be any of the rows that were not seen.
        harvest.closing = []
        _warn(harvest, f"{feed.feed_id}: {rejected} records were rejected, so this harvest closes no row")
    for report in reports:
        for key, (count, document_id, locator) in sorted(report.unknown_keys.items()):
            _warn(
                harvest,
                f"{feed.feed_id}: unknown key {key!r} in {count:,} of {report.records:,} {report.kind}, first at "
                f"{document_id} {locator}: map it, or list it as ignored with the reason",
            )


def _incomplete(feed: Feed, harvest: Harvest, normalised: Normalised) -> Iterator[str]:
    """Say which parts of the source were not read whole, by what they are parts of."""
    short = [part for part in normalised.partitions if not part.complete]
    for parent, group in groupby(short, key=lambda part: part.name.rpartition("/")[0] or part.name):
        parts = list(group)
        expected, found = sum(part.expected or 0 for part in parts), sum(part.found for part in parts)
        yield (
            f"{feed.feed_id}: {parent} has {found:,} of {expected:,} records in the {len(parts)} of its parts that "
            f"are not complete, such as {', '.join(part.name for part in parts[:_SHOWN])}; the rule is "
            f"{feed.denominator.rule!r}"
        )
    kinds = {part.name.split("/")[0] for part in normalised.partitions}
    for asked in harvest.asked:
        if asked.split("/")[0] not in kinds:
            yield f"{feed.feed_id}: {asked} was asked for, and no such part is known"
    if not any(part.found for part in normalised.partitions):
        yield f"{feed.feed_id}: {harvest.documents} documents, and no record in them"


def _malformed(feed: Feed, report: KindReport, sparse: frozenset[str]) -> Iterator[str]:
    """Say where the records of a kind as a whole are not what the contract expects."""
    share = report.rejected / report.records if report.records else 0.0
    if share > feed.max_rejected_share:
        yield (
            f"{feed.feed_id}: {report.rejected:,} of {report.records:,} {report.kind} were rejected ({share:.1%}; at "
            f"most {feed.max_rejected_share:.1%} pass): see `observatory quarantine {feed.feed_id}`"
        )
    if missing := sorted(set(report.missing_keys) - sparse):
        yield f"{feed.feed_id}: none of {report.records:,} {report.kind} has {', '.join(missing)}"


def _warn(harvest: Harvest, message: str) -> None:
    if message not in harvest.warnings:  # a harvest that was interrupted is staged again
        harvest.warnings = [*harvest.warnings, message]
