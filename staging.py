"""Archive → staging: the documents of one harvest are parsed, checked and normalised, and the harvest is judged.

Staging is disposable: it is made from the archive alone, by the same parser whatever the route.
"""

from __future__ import annotations

import codecs
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from crawlers import harvest as harvests
from crawlers.batch import Batch, LeftOut, Table
from crawlers.evidence import Document, Evidence, EvidenceError, Stored
from crawlers.harvest import Harvest
from crawlers.source import Feed, Route, catalogue
from guards import Facts, Finding, before, judge
from normalizers.contract import ContractError, KindReport, RawPage, Record, Torn, check
from normalizers.normalise import Normalised, normalise, prepare, records_of, shared, sql_of
from warehouse.schema import DOCUMENTS, QUARANTINE, create_table, literal, quoted
from warehouse.store import connect

PAGE_BYTES = 8 * 2**20
"""Bytes after which a page of records is cut: DuckDB reads pages in parallel, and holds each twice in memory."""

PAGE_ROWS = 200_000
"""The same in rows of a table."""

_HEAD, _PIECE = 2**12, 2**20

MAX_TORN = 10_000
"""Lines of a table that may be torn: each is kept in quarantine. With more of them it is no table of this source."""

MEMORY = "1500MB"
"""What DuckDB may hold in memory of one harvest; the rest of a sort stands on disk meanwhile."""


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


def stage(home: Path, feed: Feed, harvest: Harvest) -> list[Finding]:
    """Make staging from the archive of a harvest, write what was found into its record, and judge it.

    Args:
        home: the home.
        feed: its feed.
        harvest: its record; counts, scope, age of the evidence and warnings are filled in.

    Returns:
        The findings of the guards that hold the harvest: what is wrong with it as a whole.
    """
    target = folder(home, harvest)
    shutil.rmtree(target, ignore_errors=True)
    (target / "raw").mkdir(parents=True)
    contract = records_of(feed.place)
    choosers = {model.kind: model for model in contract if model.chosen}
    parsed = _parse(home, feed, harvest, feed.module().parse, target / "raw", choosers)
    spill = target / "spill"
    with connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)}) as connection:
        prepare(connection, _shipped_lists(), sql_of(feed.place))
        for counted in parsed.left_out:
            connection.execute("INSERT INTO left_out VALUES (?, ?, ?)", counted)
        reports = [
            _check(connection, model, parsed.pages.get(model.kind, []), parsed.torn.get(model.kind, []))
            for model in contract
        ]
        normalised = normalise(
            connection,
            feed.place,
            asked=harvest.asked,
            provenance={
                "feed_id": feed.feed_id,
                "harvest_id": harvest.harvest_id,
                "route": harvest.route.value,
                "synthetic": bool(harvest.synthetic),
            },
            target=target,
        )
        harvest.quarantined = _write_ledgers(connection, harvest, parsed.documents, target)
    shutil.rmtree(target / "raw")
    shutil.rmtree(spill, ignore_errors=True)
    shutil.rmtree(target.parent / "bodies", ignore_errors=True)  # the archive has them
    harvest.documents = len(parsed.documents)
    _account(feed, harvest, reports, normalised)
    facts = Facts(feed, harvest, contract, reports, normalised, parsed.blank, parsed.strangers, before(home, harvest))
    findings = judge(facts)
    noted = [
        f"{feed.feed_id}: {note}, in {len(addresses)} documents such as {addresses[0]}"
        for note, addresses in parsed.notes.items()
    ]
    harvest.warnings = [*harvest.warnings, *(told for told in noted if told not in harvest.warnings)]
    told = [f"{feed.feed_id}: {remark}" for remark in normalised.remarks]
    for message in [*told, *(finding.message for finding in findings if not finding.holds)]:
        if message not in harvest.warnings:  # an interrupted harvest is staged again
            harvest.warnings = [*harvest.warnings, message]
    return [finding for finding in findings if finding.holds]


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What the parser made of a harvest.

    Attributes:
        pages: kind of record → files of raw records.
        documents: rows of the table `documents`.
        blank: addresses of answers without content.
        strangers: addresses of documents that are not of the feed.
        notes: what the parser noted → the addresses.
        left_out: (kind of record, `kept` or `chosen`, rows of tables that this condition leaves out).
        torn: kind of record → lines of tables that are no rows.
    """

    pages: dict[str, list[RawPage]] = field(default_factory=dict)
    documents: list[dict[str, Any]] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[tuple[str, str, int]] = field(default_factory=list)
    torn: dict[str, list[Torn]] = field(default_factory=dict)

    def keep(self, feed: Feed, batch: Batch, document: Document, raw: Path, chooser: type[Record] | None) -> None:
        """Write a batch of a document as JSON arrays, of a table only what is chosen; note what the parser noted."""
        for note in batch.notes:
            self.notes.setdefault(note, []).append(document.url)
        of_kind = self.pages.setdefault(batch.kind, [])
        stem = raw / f"{batch.kind}-{len(of_kind):05d}"
        paths: Iterable[Path]
        if isinstance(batch.records, Table) and chooser is not None:
            chosen = _choose(feed, batch.records, stem, chooser, document)
            paths = [chosen.path]
            self.left_out.extend(chosen.left_out)
            self.torn.setdefault(batch.kind, []).extend(chosen.torn)
        else:
            paths = _write_pages(batch, stem, document.url)
        for number, path in enumerate(paths):
            of_kind.append(RawPage(document.document_id, path, batch.pointer, continues=number > 0))


def _parse(
    home: Path,
    feed: Feed,
    harvest: Harvest,
    parse: Callable[[Document], Iterator[Batch] | None],
    raw: Path,
    choosers: Mapping[str, type[Record]],
) -> _Parsed:
    """Offer every good document of a harvest to the parser; write its batches as JSON arrays."""
    evidence = Evidence(home, feed.feed_id)
    newest = {capture.document_id for capture in evidence.latest(harvest.evidence_id).values()}
    parsed = _Parsed()
    evidence_at = harvest.started_at
    for document in evidence.documents(harvest.evidence_id):
        if not is_offered(document, harvest.route) or document.document_id not in newest:
            continue
        if not document.head(_HEAD).strip() and not document.body.strip():
            if document.url not in harvest.not_understood:  # else the spider has told of it
                parsed.blank.append(document.url)
            continue
        try:
            batches = parse(document)
        except LeftOut as reason:
            parsed.strangers.append(f"{document.url} ({reason})")
            for note in reason.notes:
                parsed.notes.setdefault(note, []).append(document.url)
            continue
        if batches is None:
            parsed.strangers.append(document.url)
            continue
        for batch in batches:
            parsed.keep(feed, batch, document, raw, choosers.get(batch.kind))
        parsed.documents.append(_document_row(feed, document))
    documents = parsed.documents
    declared = any(row["synthetic"] for row in documents)
    harvest.synthetic = bool(harvest.synthetic) or declared or harvest.route is Route.REPLICA
    archived = [row["archived_at"].replace(tzinfo=UTC) for row in documents if row["archived_at"]]
    if harvest.replay_of:
        harvest.evidence_at = harvests.evidence_at(home, harvest.replay_of)
    else:
        harvest.evidence_at = max(archived) if len(archived) == len(documents) and archived else evidence_at
    return parsed


def _shipped_lists() -> dict[str, Path]:
    """Return the lists that we ship as feeds: every program may join them."""
    shipped = {feed.name: feed.shipped_path for feed in catalogue()["ref"].feeds.values()}
    return {name: path for name, path in shipped.items() if path is not None}


def _write_pages(batch: Batch, stem: Path, address: str) -> Iterator[Path]:
    """Write the records of a batch as JSON arrays of objects, into files whose names begin with the stem."""
    records = batch.records
    if isinstance(records, Table):
        yield from _write_table(records, stem, address)
        return
    body = records if isinstance(records, bytes) else json.dumps(records).encode()
    start = 0
    # Several files are read in parallel, and each is whole in memory. Where the cut falls between two objects that are
    # no records, both pieces are broken JSON: `_check` joins them again.
    while (cut := body.find(b"},{", start + PAGE_BYTES)) >= 0:
        yield _write_page(stem, start, body[start : cut + 1], end=b"]")
        start = cut + 2
    yield _write_page(stem, start, body[start:])


def _write_page(stem: Path, start: int, piece: bytes, end: bytes = b"") -> Path:
    path = stem.with_name(f"{stem.name}-{start:012d}.json")
    with path.open("wb") as stream:
        stream.writelines([b"[" if start else b"", piece, end])
    return path


def _check(
    connection: duckdb.DuckDBPyConnection, model: type[Record], pages: Sequence[RawPage], torn: Sequence[Torn] = ()
) -> KindReport:
    """Check the records of one kind, pages that were cut in pieces included."""
    try:
        return check(connection, model, pages, torn)
    except ContractError:
        if not any(page.continues for page in pages):
            raise
    return check(connection, model, list(_joined(pages)), torn)


def _joined(pages: Sequence[RawPage]) -> Iterator[RawPage]:
    """Join the pieces of each page that was cut."""
    for number, page in enumerate(pages):
        if page.continues:
            continue
        pieces = [page, *takewhile(lambda piece: piece.continues, pages[number + 1 :])]
        first, *others = [piece.path.read_bytes() for piece in pieces]
        whole = page.path.with_suffix(".whole.json")
        if others:
            first = b",".join([first[:-1], *(body[1:-1] for body in others[:-1]), others[-1][1:]])
        whole.write_bytes(first)
        yield replace(page, path=whole)


def _write_table(table: Table, stem: Path, address: str) -> Iterator[Path]:
    """Turn a table into JSON in DuckDB; a row that is too short gets nulls, one that is too long is an error.

    Raises:
        EvidenceError: it is not UTF-8, or a column contradicts the constant of the same key.
    """
    body = _file_of(table, stem.with_suffix(".body"))
    _refuse_other_encodings(body, address)
    given = {f"column{number}": key for number, key in enumerate(table.columns)}
    if table.is_json:
        cells = ", ".join(f"row[{number}] AS {name}" for number, name in enumerate(given, 1))
        source = (
            f"SELECT {cells} FROM read_json({literal(str(body))}, format = 'array', records = false, "
            f"columns = {{row: 'VARCHAR[]'}}, maximum_object_size = {body.stat().st_size + 1})"
        )
        locator = "'json:/' || number"
    else:
        columns = ", ".join(f"{name}: 'VARCHAR'" for name in given)
        source = (
            f"FROM read_csv({literal(str(body))}, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
            f"header = false, columns = {{{columns}}}, null_padding = true, parallel = false)"
        )
        locator = "'csv:row=' || number"
    keys = [f"{name} AS {quoted(key)}" for name, key in given.items() if key and key not in table.constants]
    keys += [f"{literal(value)} AS {quoted(key)}" for key, value in table.constants.items()]
    spill = stem.with_suffix(".spill")
    with connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)}) as connection:
        connection.execute(f"CREATE TABLE cell AS SELECT row_number() OVER () - 1 AS number, * FROM ({source})")
        for name, key in given.items():
            if key and key in table.constants:
                _refuse_other_value(connection, name, key, table.constants[key], address)
        ((last,),) = connection.execute("SELECT coalesce(max(number), 0) FROM cell").fetchall()
        for start in range(1, last + 1, PAGE_ROWS):  # row 0 is the header
            path = stem.with_name(f"{stem.name}-{start:09d}.json")
            connection.execute(
                f"COPY (SELECT {', '.join(keys)}, {locator} AS _locator FROM cell "
                f"WHERE number BETWEEN {start} AND {start + PAGE_ROWS - 1} ORDER BY number) "
                f"TO {literal(str(path))} (FORMAT json, ARRAY true)"
            )
            yield path
    shutil.rmtree(spill, ignore_errors=True)
    stem.with_suffix(".body").unlink(missing_ok=True)


def _file_of(table: Table, path: Path) -> Path:
    """Return a file that holds a table: the copy of one that is streamed, else one that is written here."""
    if isinstance(table.body, Stored):
        return table.body.file()
    path.write_bytes(table.body)
    return path


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the contract chooses of a table.

    Attributes:
        path: its rows, in Parquet.
        left_out: (kind of record, `kept` or `chosen`, rows that this condition leaves out).
        torn: lines that are no rows.
    """

    path: Path
    left_out: Sequence[tuple[str, str, int]]
    torn: Sequence[Torn]


def _choose(feed: Feed, table: Table, stem: Path, model: type[Record], document: Document) -> _Chosen:
    """Write the rows of a table that the contract chooses; the rest never leaves DuckDB, and is only counted.

    The file is read once. A line that is no row is kept for quarantine, whatever it holds: nobody knows whether it
    would have been chosen.

    Raises:
        EvidenceError: it is no table of these columns.
    """
    body, path = _file_of(table, stem.with_suffix(".csv")), stem.with_suffix(".parquet")
    cells = {f"column{number}": key for number, key in enumerate(table.columns)}
    known = [key for key in table.columns if key]
    if twice := sorted({key for key in known if known.count(key) > 1}):
        raise EvidenceError(f"{document.url}: expected one column for {twice[0]}, got {known.count(twice[0])}")
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in cells)
    given = [f"{name} AS {quoted(key)}" for name, key in cells.items() if key]
    given += [f"{literal(value)} AS {quoted(key)}" for key, value in table.constants.items()]
    absent = [key for key in table.optional if key not in table.columns]
    given += [f"NULL::VARCHAR AS {quoted(key)}" for key in absent]
    without = f"EXCLUDE ({', '.join(map(quoted, absent))})" if absent else ""
    named = " || ';' || ".join(
        f"{literal(f'{name}=')} || coalesce({quoted(key)}, '')" for key, name in table.located_by.items()
    )
    database, spill = stem.with_suffix(".duckdb"), stem.with_suffix(".spill")
    # In a file of its own, which DuckDB compresses: what is kept of a large table may be larger than memory.
    with connect(str(database), config={"memory_limit": MEMORY, "temp_directory": str(spill)}) as connection:
        connection.execute(shared(feed.place) or "SELECT 1")
        # A sequence counts the rows while they are read: `count(*)` would read the file once more. The condition is one
        # expression, so that it is evaluated for every row.
        connection.execute(f"""
            CREATE SEQUENCE counted;
            CREATE VIEW whole AS SELECT {", ".join(given)}
            FROM read_csv({literal(str(body))}, auto_detect = false, delim = ',', quote = '"', escape = '"',
                header = true, nullstr = ['', {literal(table.null)}], columns = {{{columns}}},
                store_rejects = true, rejects_limit = {MAX_TORN + 1})""")
        try:
            connection.execute(f"""
                CREATE TABLE part AS
                FROM whole WHERE CASE WHEN nextval('counted') IS NOT NULL THEN {model.kept} END""")
        except duckdb.InvalidInputException as error:
            told = str(error).partition("\n")[0].removeprefix("Invalid Input Error: ")
            raise EvidenceError(
                f"{document.url}: expected a CSV of {len(cells)} columns, commas and double quotes between lines that "
                f"all end alike, got what cannot be read as one ({told}); save it again"
            ) from error
        torn = _torn(connection, len(cells), document)
        connection.execute(f"CREATE TABLE chosen AS {model.chosen}")
        counted = connection.execute("SELECT coalesce(max(last_value), 0) FROM duckdb_sequences()").fetchone()
        whole, kept, chosen = counted[0] if counted else 0, _count(connection, "part"), _count(connection, "chosen")
        locator = f"{literal(f'{table.within}csv:')} || {named} AS _locator"
        connection.execute(
            f"COPY (SELECT COLUMNS(* {without})::VARCHAR, {locator} FROM chosen) "
            f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION snappy)"
        )
    database.unlink()
    stem.with_suffix(".csv").unlink(missing_ok=True)
    shutil.rmtree(spill, ignore_errors=True)
    return _Chosen(path, [(model.kind, "kept", whole - kept), (model.kind, "chosen", kept - chosen)], torn)


def _torn(connection: duckdb.DuckDBPyConnection, columns: int, document: Document) -> list[Torn]:
    """Return the lines of a CSV that DuckDB rejected, each with what is wrong with it.

    Raises:
        EvidenceError: there are too many.
    """
    lines = connection.execute(
        "SELECT line, string_agg(DISTINCT error_type::VARCHAR, ', ' ORDER BY error_type::VARCHAR), any_value(csv_line) "
        "FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    if _count(connection, "reject_errors") > MAX_TORN:  # DuckDB keeps no more of them: a line may have several
        line, kind, raw = lines[0]
        raise EvidenceError(
            f"{document.url}: more than {MAX_TORN} lines are no rows of {columns} columns in UTF-8, such as line "
            f"{line} ({kind.lower()}): {raw[:200]!r}; save it again"
        )
    return [
        Torn(
            document.document_id,
            f"csv:line={line}",
            f"expected a row of {columns} cells in UTF-8, got {kind.lower()}",
            raw,
        )
        for line, kind, raw in lines
    ]


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


def _refuse_other_encodings(body: Path, address: str) -> None:
    """Refuse what is not UTF-8, piece by piece: a table is too big to be held as text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with body.open("rb") as stream:
        try:
            while piece := stream.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            stream.seek(0)
            _refuse_line(stream, address)


def _refuse_line(stream: BinaryIO, address: str) -> None:
    for number, line in enumerate(stream, 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise EvidenceError(
                f"{address}: expected UTF-8, got {line[max(error.start - 20, 0) : error.end + 20]!r} in line {number}, "
                f"byte {error.start + 1}; save it as UTF-8"
            ) from error


def _refuse_other_value(
    connection: duckdb.DuckDBPyConnection, name: str, key: str, expected: str, address: str
) -> None:
    """Refuse a table that has another value in a column than the one that its address tells."""
    other = connection.execute(
        f"SELECT number, trim({name}) AS told FROM cell "
        "WHERE number > 0 AND told NOT IN ('', ?) ORDER BY number LIMIT 1",
        [expected],
    ).fetchone()
    if other is not None:
        raise EvidenceError(
            f"{address}: row {other[0]} has {other[1]!r} in its column {key}, expected {expected!r} by its address; "
            "name the file after what it holds"
        )


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
        "bytes": document.size,
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
    harvest.sizes = {part.name: part.found for part in normalised.partitions}
    harvest.keys = {report.kind: sorted(report.keys) for report in reports if report.records}
    harvest.scope = [part.name for part in normalised.partitions if part.complete]
    # A record that cannot be read may be any of the rows that were not seen.
    harvest.closing = [] if any(report.rejected for report in reports) else harvest.scope
