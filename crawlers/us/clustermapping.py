"""us.clustermapping: the JSON data service of the U.S. Cluster Mapping Project.

Documents of interest, below the base address: ``/meta/years``, ``/meta/clusters``, ``/meta/regions``, ``/region`` and
``/region/<type>/all/<year>/<clusters>``, which answers one document per region × cluster × year. One hit is answered
by an object, several by an array, none by ``[]``; answers are cut at 10,000 records unless ``limit`` says otherwise,
and pages are stable only under ``sort=id asc``. What is known of the source, and how: docs/sources/us.md.
"""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawlers.evidence import Document
from crawlers.spider import Batch, Spider

REGISTRY_COLUMNS = ("org_id", "org_title", "cluster_name")
"""Columns of the organisation registry, which is only ever a saved file."""

_HEAD = 2**20
"""Bytes in which the first record of an array is looked for."""


class FeedSpider(Spider):
    """Asks for the lists, then for the records of each chosen region type and year, page by page."""

    name = "us.clustermapping"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the lists first; the years say which records to ask for."""
        yield self.request("/meta/years", self.records_of_years)
        yield self.request("/meta/clusters", self.understood)
        yield self.request("/meta/regions", self.understood)
        yield self.request("/region", self.understood)
        yield self.request("/meta/dict", self.understood, optional=True)

    def understood(self, response: Response) -> None:
        """Check that a list is JSON; it is parsed from the archive."""
        self._json(response)

    def records_of_years(self, response: Response) -> Iterator[Request]:
        """Ask for the first page of each region type and year."""
        listed = self._json(response)
        if not isinstance(listed, list) or not all(isinstance(year, str) for year in listed) or not listed:
            self.not_understood(response, "an array of years as strings", _shown(listed))
            return
        parameters = self.harvest.parameters
        clusters = ",".join(parameters["clusters"])
        for region_type in parameters["region_types"]:
            for year in self._years(response, sorted(listed)):
                self.harvest.asked.append(f"cells/{region_type}/{year}/{clusters}")
                yield self._page(f"/region/{region_type}/all/{year}/{clusters}", 0, frozenset())

    def _years(self, response: Response, listed: list[str]) -> Iterator[str]:
        for year in self.harvest.parameters["years"]:
            if year == "all":
                yield from listed
            elif year == "latest":
                yield listed[-1]
            elif year in listed:
                yield year
            else:
                self.not_understood(response, f"year {year}, which was asked for", f"only {', '.join(listed)}")

    def _page(self, path: str, start: int, seen: frozenset[str]) -> Request:
        page_size = int(self.harvest.parameters["page_size"][0])
        query: dict[str, str | int] = {"limit": page_size, "start": start, "sort": "id asc"}
        return self.request(path, self.page, query=query, context={"path": path, "start": start, "seen": seen})

    def page(self, response: Response, path: str, start: int, seen: frozenset[str]) -> Iterator[Request]:
        """Go on until a page is short; a page that brings nothing new ends the paging and is doubted."""
        answer = self._json(response)
        records = [answer] if isinstance(answer, dict) else answer
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            self.not_understood(response, "an array of records", _shown(answer))
            return
        ids = frozenset(str(record.get("id")) for record in records)
        page_size = int(self.harvest.parameters["page_size"][0])
        if records and ids <= seen:
            self.harvest.doubts.append(
                f"{self.name}: {response.url} repeats records of earlier pages: the server does not page as expected"
            )
        elif len(records) == page_size:  # a longer one means that the server does not cut its answers
            yield self._page(path, start + page_size, seen | ids)

    def _json(self, response: Response) -> Any:  # noqa: ANN401  # JSON is any
        try:
            return json.loads(response.body)
        except ValueError:
            self.not_understood(response, "JSON", _shown(response.body[:80].decode("utf-8", "replace")))
            return None


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a document of the data service, however it was saved, into raw records.

    Args:
        document: an archived answer or file; what it is shows in its content, not in its name.

    Returns:
        Its batches: ``years``, ``region_counts``, ``region_list``, ``categories``, ``cells``, ``aggregates`` or
        ``registry``; none for documents that we know and do not read. None where the document is not of this source.
    """
    body = document.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if body[:1] in {b"[", b"{"}:
        return _parse_json(body)
    header = next(csv.reader(io.StringIO(body[:200].decode("utf-8", "replace"), newline=None)), [])
    return _parse_registry(body) if tuple(header[:3]) == REGISTRY_COLUMNS else None


def _parse_json(body: bytes) -> Iterator[Batch] | None:  # noqa: PLR0911  # one return per kind of document
    first = _first_record(body)
    pointer = "/{}" if body[:1] == b"[" else ""
    array = body if body[:1] == b"[" else b"[" + body + b"]"
    match first:
        case {"type_t": "cluster"}:
            return iter([Batch("cells", array, pointer)])
        case {"type_t": "aggregate"}:
            return iter([Batch("aggregates", array, pointer)])
        case {"type_t": "clusterData"}:
            return iter([Batch("categories", array, pointer)])
        case {"id": str(), "region_type_t": str()} if "type_t" not in first:
            return iter([Batch("region_list", array, pointer)])
        case {"id": str(), "sub_clusters": _} | {"vars": list()} | None:
            return iter(())  # the short cluster list, the indicator dictionary, `[]`: known, not read
        case dict() if all(isinstance(value, int) for value in first.values()):
            counts = [
                {"region_type": key, "regions": value, "_locator": f"json:/{_escaped(key)}"}
                for key, value in first.items()
            ]
            return iter([Batch("region_counts", counts)])
        case str():
            years = json.loads(body)
            return iter([Batch("years", [{"year": year} for year in years])])
        case _:
            return None


def _first_record(body: bytes) -> Any:  # noqa: ANN401  # JSON is any
    """Read the first value of an array, or the object, without reading the whole."""
    text = body[:_HEAD].decode("utf-8", "ignore")
    text = text[1:].lstrip() if text.startswith("[") else text
    if text.startswith("]"):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except ValueError:
        return ValueError


def _parse_registry(body: bytes) -> Iterator[Batch]:
    """Read the organisation registry; the original has lines that end in a bare carriage return."""
    rows = csv.DictReader(io.StringIO(body.decode("utf-8", "replace"), newline=None))
    records = [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)]
    return iter([Batch("registry", records)])


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: object) -> str:
    return textwrap.shorten(repr(value), 80, placeholder="…")
