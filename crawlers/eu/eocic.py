"""eu.eocic: the statistics behind the cluster mapping tool of EOCIC, as a dump that somebody published.

A dump is CSV, or a JSON array of objects, plain, or in a zip or 7z. Each row is one value of one indicator of one
sector in one region and year; all columns are text. The spider asks for the dump's address only: the tool's own
endpoint takes SQL in its address, and none is ever sent. What is known of the source, and how: docs/sources/eu.md.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import chain, islice
from json.encoder import encode_basestring_ascii
from typing import Any

import py7zr
import py7zr.exceptions
import py7zr.io
from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch, LeftOut
from crawlers.evidence import MAX_BODY, Document
from crawlers.spider import Spider

COLUMNS = (
    "Indicator",
    "Sector",
    "Dimension",
    "Unit",
    "Zone",
    "Year",
    "Value",
    "Region",
    "Region_name",
    "Country",
    "Country_name",
)
"""The eleven columns, as the JSON writes them; a CSV may leave out the underscores."""

REQUIRED = frozenset({"Indicator", "Sector", "Year", "Value", "Region"})
"""Columns without which a table is none of this source."""

MAX_UNPACKED = MAX_BODY
"""Bytes that an archive may unpack to, all its members together."""

BATCH = 50_000

_NAMES = {name.replace("_", "").casefold(): name for name in COLUMNS}
_ZIP, _7Z = b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c"
_DAMAGED = (
    zipfile.BadZipFile,
    py7zr.exceptions.ArchiveError,
    RuntimeError,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
)


class FeedSpider(Spider):
    """Asks for the dump."""

    name = "eu.eocic"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for each dump that the parameter names."""
        for name in self.harvest.parameters["dumps"]:
            yield self.request(f"/{name}", self.dump)

    def dump(self, response: Response) -> None:
        """Check that the answer is an archive or a table; it is parsed from the archive."""
        body = response.body[:2000]
        if not body.startswith((_ZIP, _7Z)) and not {_named(name) for name in _header(body)} >= REQUIRED:
            self.not_understood(response, "a zip, a 7z, or a table of EOCIC", repr(body[:60]))


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a dump into raw records of the kind ``rows``.

    Args:
        document: an archived answer or file; what it is shows in its content.

    Returns:
        Its batches; None where it is no dump of this source.

    Raises:
        LeftOut: an archive that is damaged, locked, too large, or holds no table of this source.
    """
    body = document.body
    if not body.startswith((_ZIP, _7Z)):
        return _table(body, "")
    try:
        members = _unzipped(body) if body.startswith(_ZIP) else _un7zipped(body)
        for number, member in enumerate(members, 1):
            if (batches := _table(member, f"member={number};")) is not None:
                return batches
    except _DAMAGED as error:
        raise LeftOut(f"the archive cannot be unpacked: {error}; save it again, or unpack it yourself") from error
    raise LeftOut("the archive holds no table of EOCIC")


def _unzipped(body: bytes) -> list[bytes]:
    """Return the members of a zip, by name; names are never used as paths."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = sorted((member for member in archive.infolist() if not member.is_dir()), key=lambda one: one.filename)
        _refuse_large(sum(member.file_size for member in members))
        return [archive.read(member) for member in members]  # and no more than it states is ever inflated


def _un7zipped(body: bytes) -> list[bytes]:
    """Return the members of a 7z, by name; they are unpacked into memory, so their names are never paths."""
    with py7zr.SevenZipFile(io.BytesIO(body)) as archive:
        if archive.needs_password():
            raise LeftOut("the archive is locked; unpack it yourself")
        sizes = {member.filename: member.uncompressed or 0 for member in archive.list() if not member.is_directory}
        _refuse_large(sum(sizes.values()))
        factory = py7zr.io.BytesIOFactory(limit=MAX_UNPACKED)
        archive.extract(targets=list(sizes), factory=factory)
        streams = [factory.products[name] for name in sorted(factory.products)]
        unpacked = []
        for stream in streams:
            stream.seek(0)
            unpacked.append(stream.read())
        return unpacked


def _refuse_large(size: int) -> None:
    if size > MAX_UNPACKED:
        raise LeftOut(f"the archive unpacks to {size} bytes, over the limit of {MAX_UNPACKED}; split it")


def _table(body: bytes, member: str) -> Iterator[Batch] | None:
    """Read a table, or return None where the body is none of this source."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return _of_json(body, member)
    header = _header(body)
    names = [_named(name) for name in header]
    if not set(names) >= REQUIRED:
        return None
    if len(set(names)) < len(names):
        raise LeftOut(f"a column stands twice in the header of the table: {', '.join(header)}; leave one of them out")
    return _of_csv(body, names, member)


def _of_json(body: bytes, member: str) -> Iterator[Batch] | None:
    try:
        rows = json.loads(body)
    except ValueError:
        return None
    if not rows or not all(isinstance(row, dict) for row in rows) or not {_named(key) for key in rows[0]} >= REQUIRED:
        return None
    scheme = "packed:" if member else "json:"
    return _batches(
        {**{_named(key): value for key, value in row.items()}, "_locator": f"{scheme}{member}/{number}"}
        for number, row in enumerate(rows)
    )


def _of_csv(body: bytes, names: list[str], member: str) -> Iterator[Batch]:
    """Read the rows of a CSV; a header that is repeated is no row, a cell too many has a key of its own.

    Rows are written as JSON right away: a dump has hundreds of thousands, and a dict for each costs twice the time.
    """
    text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", "replace", newline="")
    mark = _delimiter(body)
    rows = filter(None, csv.reader(text, delimiter=mark))
    scheme = "packed:" if member or mark != "," else "csv:"  # the latter is found again by any reader of CSV
    openings = [f"{',' if number else '{'}{json.dumps(name)}:" for number, name in enumerate(names)]

    def records() -> Iterator[str]:
        for number, row in enumerate(rows):
            # The first cell is looked at before the others: there are many rows, and few headers.
            if _named(row[0]) == names[0] and [_named(cell) for cell in row] == names:
                continue
            locator = f"{scheme}{member}row={number}"
            if len(row) == len(names):
                cells = "".join(chain.from_iterable(zip(openings, map(encode_basestring_ascii, row), strict=True)))
                yield f'{cells},"_locator":"{locator}"}}'
            else:
                extra = {"cells_too_many": ";".join(row[len(names) :])} if len(row) > len(names) else {}
                yield json.dumps({**dict(zip(names, row, strict=False)), **extra, "_locator": locator})

    made = records()
    while batch := list(islice(made, BATCH)):
        yield Batch("rows", f"[{','.join(batch)}]".encode())


def _batches(records: Iterator[Mapping[str, Any]]) -> Iterator[Batch]:
    while batch := list(islice(records, BATCH)):
        yield Batch("rows", batch)


def _header(body: bytes) -> list[str]:
    """Return the first row of a CSV, or the keys of the first object of a JSON array."""
    head = body[:2000].decode("utf-8-sig", "replace").lstrip()
    if head.startswith("["):
        try:
            first = json.JSONDecoder().raw_decode(head[1:].lstrip())[0]
        except ValueError:
            return []
        return list(first) if isinstance(first, dict) else []
    return next(csv.reader(head.splitlines()[:1], delimiter=_delimiter(body)), [])


def _delimiter(body: bytes) -> str:
    """Return what parts the cells: where a comma marks decimals, a semicolon mostly does."""
    line = body[:2000].splitlines()[0] if body else b""
    return max(",;\t", key=lambda mark: line.count(mark.encode()))


def _named(column: str) -> str:
    """Return a column's name as the JSON writes it, whatever its case and with or without underscores."""
    return _NAMES.get(column.strip().replace("_", "").replace(" ", "").casefold(), column.strip())
