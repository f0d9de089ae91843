"""eu.legacy: region × category tables of clusterobservatory.eu, 2007 to 2014, as saved or archived pages.

No page with such a table was ever seen: the reader finds the columns by their labels, wherever they stand, and says
what it did not find. What is known of the source, and how: docs/sources/eu.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl, urljoin, urlsplit

from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.evidence import Document
from crawlers.spider import Batch, LeftOut, Spider

LABELS = reader.Labels(
    {
        "region": ["Region", "NUTS", "NUTS code", "NUTS region", "Region code", "Code"],
        "region_name": ["Region name", "Name of region", "NUTS name"],
        "category": ["Cluster category", "Category", "Cluster", "Sector", "Industry"],
        "employment": ["Employees", "Employment", "Number of employees", "Jobs", "Persons employed"],
        "size": ["Size"],
        "specialisation": ["Specialisation", "Specialization", "Specialisation quotient"],
        "focus": ["Focus", "Share of region", "Share of regional employment"],
        "stars": ["Stars", "Star rating", "Cluster stars"],
        "innovation": ["Innovation"],
        "exports": ["Exports", "Export"],
        "year": ["Year"],
    }
)
"""The columns that are known by name; only their names were seen."""

EXPECTED = ("region", "category", "employment", "size", "specialisation", "focus", "stars")
_MEASURES = frozenset({"employment", "size", "specialisation", "focus", "stars"})
_COUNTRIES = "AT|BE|BG|CH|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|GR|HU|IE|IS|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|TR|UK"
_REGION = re.compile(rf"\b(Israel|(?:{_COUNTRIES})(?:[0-9A-Z]|(?=[A-Z]*[0-9])[0-9A-Z]{{2}}))\b")
_YEAR = re.compile(r"\b(19|20)[0-9]{2}\b")


class FeedSpider(Spider):
    """Asks for the pages that the operator names, and follows their links to further tables."""

    name = "eu.legacy"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for each page of the parameter."""
        self.known: set[str] = set()
        for number in self.harvest.parameters["pages"]:
            yield self._ask(number)

    def _ask(self, number: str) -> Request:
        self.known.add(number)
        return self.request("/index.php", self.page, query={"id": number, "nid": ""}, context={"number": number})

    def page(self, response: Response, number: str) -> Iterator[Request]:
        """Look for a table, and for links ``index.php?id=…`` within the site."""
        root = reader.page(response.body)
        if root is None:
            self.not_understood(response, f"page {number}", repr(response.body[:60]))
            return
        for link in root.iter("a"):
            parts = urlsplit(urljoin(response.url, link.get("href") or ""))
            further = dict(parse_qsl(parts.query)).get("id", "")
            within = parts.hostname in self.allowed_domains and parts.path.endswith("/index.php")
            if within and further.isascii() and further.isdecimal() and further not in self.known:
                yield self._ask(further)


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a page into raw records of the kind ``cells``, one for each region and category.

    A table has a category, and a region or a caption that names one, and a measure. None where the document is no page.

    Raises:
        LeftOut: a page without such a table; the message says what was looked for.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    found = [
        table
        for table in reader.tables(root, LABELS, frozenset({"category"}))
        if _MEASURES & set(table.columns) and ("region" in table.columns or _REGION.search(table.caption))
    ]
    if not found:
        raise LeftOut("expected a table with a category, a region and employment, size, specialisation, focus or stars")
    return iter([_cells(table) for table in found])


def _cells(table: reader.Table) -> Batch:
    of_caption = _REGION.search(table.caption)
    year = _YEAR.search(table.caption)
    present = {*table.columns, *({"region"} if of_caption else ())}
    notes = [f"the table has no column {name}" for name in EXPECTED if name not in present]
    unknown = {label for name, label in zip(table.columns, table.labels, strict=True) if name is None and label}
    notes += [f"the column {label!r} is not known" for label in sorted(unknown)]
    records = []
    for row in table.rows:
        cells = dict(row.cells)
        shown = cells.pop("region", of_caption[1] if of_caption else "")
        code = _REGION.search(shown)
        year_of_row = _YEAR.search(cells.pop("year", ""))
        known = {
            "region": code[1] if code else shown,
            "year": year_of_row[0] if year_of_row else year[0] if year else "undated",
        }
        records.append({**cells, **known, "_locator": row.locator})
    return Batch("cells", records, notes=notes)
