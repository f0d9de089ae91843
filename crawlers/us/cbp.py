"""us.cbp: County Business Patterns of the U.S. Census Bureau, of which the cluster measures are rebuilt.

One document holds one year: the bulk county file (``cbpYYco.txt``, CSV), or the answer of ``/<year>/cbp`` of the Census
API (a JSON array of arrays under a header row). Both go through one reader, by the names of their columns in upper or
lower case. What is known of the source, and how: docs/sources/us.md.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawlers.evidence import Document, EvidenceError
from crawlers.spider import Batch, Spider, Table

KEY_VARIABLE = "OBSERVATORY_CENSUS_KEY"
"""Environment variable with an API key: a parameter would stand in the archive, and a key must not."""

MEASURES = ("EMP", "EMP_F", "EMP_N", "PAYQTR1", "PAYQTR1_N", "PAYANN", "PAYANN_N", "ESTAB")
"""Variables that are asked of the API, beside the NAICS code."""

FIELDS = {
    **{name: name for name in ("fipstate", "fipscty", "naics", "empflag", "emp", "qp1", "ap", "est")},
    **{name: name for name in ("emp_nf", "qp1_nf", "ap_nf")},
    "state": "fipstate",
    "county": "fipscty",
    "emp_f": "empflag",
    "emp_n": "emp_nf",
    "payqtr1": "qp1",
    "payqtr1_n": "qp1_nf",
    "payann": "ap",
    "payann_n": "ap_nf",
    "estab": "est",
    **{f"naics{vintage}": "naics" for vintage in (1997, 2002, 2007, 2012, 2017, 2022)},
}
"""Column, in lower case → field of the raw record; the bulk file first, then the API."""

REQUIRED = frozenset({"fipstate", "fipscty", "naics", "emp", "est"})
"""Fields without which a table is no county file of this source."""

VINTAGES = ((2017, 2017), (2013, 2012), (2008, 2007), (2003, 2002))
"""First year of data → the edition of NAICS by which it is classified, newest first; before them all NAICS 1997."""

_NOT_READ = re.compile(r"n<?\d+(_\d+)?|censtate|cencty|geo_?id|geotype|lfo|empszes|year")
_YEARS = (r"/([12]\d{3})/cbp\b", r"cbp(\d{2})co", r"(?<!\d)((?:19|20)\d{2})(?!\d)")
_FIRST_YEAR = 86  # the series begins in 1986
_HEAD = 2**14


class FeedSpider(Spider):
    """Asks for one answer a year."""

    name = "us.cbp"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for all counties and industries of each year."""
        for year in self.harvest.parameters["years"]:
            self.harvest.asked.append(f"rows/{year}")
            variables = ",".join((f"NAICS{vintage(int(year))}", *MEASURES))
            query: dict[str, str | int] = {"get": variables, "for": "county:*", "in": "state:*"}
            if key := os.environ.get(KEY_VARIABLE):
                query["key"] = key
            yield self.request(f"/{year}/cbp", self.rows, query=query)

    def rows(self, response: Response) -> None:
        """Check that an answer is a table of this source; it is parsed from the archive."""
        header = _header(response.body)
        if not _is_county_table(header):
            self.not_understood(response, f"a table with {', '.join(sorted(REQUIRED))}", repr(header)[:80])


def vintage(year: int) -> int:
    """Return the edition of NAICS by which a year of data is classified."""
    return next((edition for first, edition in VINTAGES if year >= first), 1997)


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a county table, from the API or the bulk file, into raw records of the kind ``rows``.

    Args:
        document: an archived answer or file; its year stands in its address.

    Returns:
        One batch; None where the document is no county table.

    Raises:
        EvidenceError: it is a county table, and its address names no year.
    """
    header = _header(document.body)
    if not _is_county_table(header):
        return None
    columns = [
        FIELDS.get(name, None if _NOT_READ.fullmatch(name) else name) for name in (name.lower() for name in header)
    ]
    return iter([Batch("rows", Table(document.body, columns, {"year": year_of(document.url)}))])


def year_of(address: str) -> str:
    """Return the year that an address or a file name tells: ``…/2016/cbp?…``, ``cbp16co.txt``, ``counties-2016.csv``.

    Raises:
        EvidenceError: there is none.
    """
    found = next(filter(None, (re.search(pattern, address, re.IGNORECASE) for pattern in _YEARS)), None)
    if found is None:
        raise EvidenceError(
            f"{address}: a county table without a year in its name; "
            "name the file as the Census Bureau does: cbp16co.txt"
        )
    year = found[1]
    if len(year) == len("16"):
        return f"{19 if int(year) >= _FIRST_YEAR else 20}{year}"
    return year


def _header(body: bytes) -> list[str]:
    """Return the first row of a table, or nothing where the document is none."""
    text = body[:_HEAD].decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("["):
        return next(csv.reader(text.splitlines()[:1]), [])
    try:
        first: Any = json.JSONDecoder().raw_decode(text[1:].lstrip())[0]
    except ValueError:
        return []
    return first if isinstance(first, list) and all(isinstance(name, str) for name in first) else []


def _is_county_table(header: list[str]) -> bool:
    return {FIELDS.get(name.lower()) for name in header} >= REQUIRED
