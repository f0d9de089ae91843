"""ca.seph: employment by province and industry, table 14-10-0202-01 of Statistics Canada, from its full-table file.

The file is a zip of one CSV, in the layout of all full tables of the publisher: its columns are known by their names,
wherever they stand. What is known of the source, and how: docs/sources/canada.md.
"""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch, LeftOut, Table
from crawlers.evidence import MAX_BODY, Document
from crawlers.source import Route
from crawlers.spider import Spider

PRODUCT = "14100202"
ARCHIVE = f"/{PRODUCT}-eng.zip"

COLUMNS = {
    "ref_date": "year",
    "geo": "geography",
    "dguid": "dguid",
    "north american industry classification system (naics)": "industry",
    "type of employee": "employees",
    "uom": "unit",
    "scalar_factor": "scalar",
    "vector": "vector",
    "coordinate": "coordinate",
    "value": "value",
    "status": "status",
    "symbol": "symbol",
    "terminated": "terminated",
}
"""Column, in lower case → field of the raw record."""

REQUIRED = frozenset({"year", "geography", "industry", "scalar", "value", "status"})
"""Fields without which a table is none of this source."""

NOT_READ = frozenset({"uom_id", "scalar_id", "decimals"})
"""Columns that repeat what others say in words."""

_FRENCH = frozenset({"géo", "valeur"})
_ZIP = b"PK\x03\x04"
_HEAD = 2**14
_DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError)


class FeedSpider(Spider):
    """Asks for the file of the whole table, unless it is what it was."""

    name = "ca.seph"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the first byte of the file, which tells its size and time; over a web archive for all of it."""
        self.harvest.asked.append("rows")
        if self.harvest.route is Route.WAYBACK:
            yield self.request(ARCHIVE, self.whole)
            return
        first = self.request(ARCHIVE, self.changed, optional=True)
        first.headers["Range"] = "bytes=0-0"
        yield first.replace(errback=self.no_marker)

    def changed(self, response: Response) -> Iterator[Request]:
        """Ask for the whole file if it has changed, or does not say; an answer that is whole already will do."""
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            yield from self.whole(response)
            return
        told = [(response.headers.get(name) or b"").decode("latin-1") for name in ("Last-Modified", "Content-Range")]
        if all(told) and self.confirms(f"{ARCHIVE[1:]} of {told[0]}, {told[1].rpartition('/')[2]} bytes"):
            return
        yield self.request(ARCHIVE, self.whole).replace(dont_filter=True)

    def no_marker(self, failure: Any) -> Iterator[Request]:  # noqa: ANN401  # Twisted's failures are untyped here
        """Ask for the whole file where its first byte cannot be had."""
        self.not_answered(failure)
        yield self.request(ARCHIVE, self.whole).replace(dont_filter=True)

    def whole(self, response: Response) -> Iterator[Request]:
        """Ask once more for an answer that is no zip; it is parsed from the archive."""
        if not response.body.startswith(_ZIP):
            yield from self.ask_again(response, f"a zip with {PRODUCT}.csv", repr(response.body[:60]))


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a table, or the zip that holds it, into raw records of the kind ``rows``.

    Args:
        document: an archived answer or file; what it is shows in its content.

    Returns:
        One batch; none for the description of the table; None where the document is none of this source.

    Raises:
        LeftOut: a zip that cannot be unpacked or has no such table, or a table in French.
    """
    if not document.body.startswith(_ZIP):
        return _parse_member(document.body, "")
    try:
        with zipfile.ZipFile(io.BytesIO(document.body)) as archive:
            for member in sorted(archive.infolist(), key=lambda one: one.filename):
                if member.filename.lower().endswith(".csv") and not member.filename.lower().endswith("_metadata.csv"):
                    if member.file_size > MAX_BODY:
                        raise LeftOut(f"{member.filename} has {member.file_size} bytes, over the limit of {MAX_BODY}")
                    # No more than it states is ever inflated.
                    found = _parse_member(archive.read(member), f"zip:{member.filename}!")
                    if found is not None:
                        return found
    except _DAMAGED as error:
        raise LeftOut(f"the zip cannot be unpacked: {error}; save it again, or unpack it yourself") from error
    raise LeftOut(f"the zip holds no table of this source; bring {ARCHIVE[1:]}")


def _parse_member(body: bytes, within: str) -> Iterator[Batch] | None:
    header = _header(body)
    names = [name.strip().lower() for name in header]
    fields = [None if name in NOT_READ else COLUMNS.get(name, name) for name in names]
    if not set(fields) >= REQUIRED:
        if set(names) >= _FRENCH:
            raise LeftOut(f"a table in French; bring the English one, {ARCHIVE[1:]}")
        return iter(()) if names[:2] == ["cube title", "product id"] else None
    located_by = {field: header[fields.index(field)].strip() for field in _naming(fields)}
    table = Table(body, fields, {}, located_by, optional=tuple(COLUMNS.values()), within=within)
    return iter([Batch("rows", table)])


def _naming(fields: Sequence[str | None]) -> tuple[str, ...]:
    """Return the fields whose values name a row: the year, and what the publisher numbers its series by."""
    series = next((field for field in ("vector", "coordinate") if field in fields), None)
    return ("year", series) if series else ("year", "geography", "industry")


def _header(body: bytes) -> list[str]:
    line = next(iter(body[:_HEAD].decode("utf-8-sig", "replace").splitlines()), "")
    return next(csv.reader([line], delimiter=max(",;", key=line.count)), [])
