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
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch, LeftOut, Table
from crawlers.evidence import Document, EvidenceError
from crawlers.spider import Spider

KEY_VARIABLE = "OBSERVATORY_CENSUS_KEY"
"""Environment variable with an API key: a parameter would stand in the archive, and a key must not."""

FIRST_YEAR = 1998
"""Older tables are classified by SIC, which the crosswalk does not know."""

MEASURES = ("EMP", "ESTAB", "PAYANN", "PAYQTR1")
"""Variables of the API that every year must have, beside the NAICS code."""

FLAGS = ("EMP_F", "EMP_N", "EMP_N_F")
"""Variables that say how employment was disclosed; which of them there are depends on the year."""

TOTALS = {"LFO": "001", "EMPSZES": "001"}
"""Dimensions of the API by which some years repeat every row → the value that stands for all of it."""

FIELDS = {
    **{name: name for name in ("fipstate", "fipscty", "naics", "empflag", "emp", "qp1", "ap", "est")},
    **{name: name for name in ("emp_nf", "qp1_nf", "ap_nf", "lfo", "empszes")},
    "state": "fipstate",
    "county": "fipscty",
    "emp_f": "empflag",
    "emp_n": "emp_nf",
    "emp_n_f": "emp_nf",
    "payqtr1": "qp1",
    "payann": "ap",
    "estab": "est",
    "year": "year",
    **{f"naics{vintage}": "naics" for vintage in (1997, 2002, 2007, 2012, 2017, 2022)},
}
"""Column, in lower case → field of the raw record; the bulk file first, then the API."""

REQUIRED = frozenset({"fipstate", "fipscty", "naics", "emp", "est"})
"""Fields without which a table is no county file of this source."""

_NOT_READ = re.compile(r"\s*|n<?\d+(_\d+)?|censtate|cencty|name|geo_?id|geotype|geo_ttl|.*_(label|ttl|s)|pay.*_[fn]")
_API_YEAR = re.compile(r"/([12]\d{3})/cbp(?=\?|%3F|$)", re.IGNORECASE)
_YEAR = re.compile(r"cbp(\d{2})co|(?<!\d)((?:19|20)\d{2})(?!\d)", re.IGNORECASE)
_CENTURY_BEGINS = 86  # two digits of a year; the files begin with 1986
_NAICS = re.compile(r"NAICS\d{4}")
_HEAD = 2**14


class FeedSpider(Spider):
    """Asks the service which variables a year has, then for the table of that year."""

    name = "us.cbp"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the variables of each year."""
        for year in self.harvest.parameters["years"]:
            self.harvest.asked.append(f"rows/{year}")
            yield self.request(f"/{year}/cbp/variables.json", self.variables, context={"year": year})

    def variables(self, response: Response, year: str) -> Iterator[Request]:
        """Ask for all counties and industries of a year, in the variables that it has."""
        names = _variables(response.body)
        naics = max(filter(_NAICS.fullmatch, names), default=None)
        if naics is None or not names.issuperset(MEASURES):
            expected = f"a list of variables with NAICS…, {', '.join(MEASURES)}"
            self.not_understood(response, expected, repr(response.body[:80]))
            return
        wanted = (naics, *MEASURES, *(name for name in FLAGS if name in names))
        query: dict[str, str | int] = {"get": ",".join(wanted), "for": "county:*", "in": "state:*"}
        query |= {name: value for name, value in TOTALS.items() if name in names}
        if key := os.environ.get(KEY_VARIABLE):
            query["key"] = key
        yield self.request(f"/{year}/cbp", self.rows, query=query)

    def rows(self, response: Response) -> None:
        """Check that an answer is a whole table of this source; it is parsed from the archive."""
        expected = f"a JSON table with {', '.join(sorted(REQUIRED))}"
        if not _is_county_table(_header(response.body)):
            self.not_understood(response, expected, repr(response.body[:80]))
        elif not response.body.rstrip().endswith(b"]"):
            self.not_understood(response, expected, f"one that ends with {response.body[-40:]!r}")


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a county table, from the API or the bulk file, into raw records of the kind ``rows``.

    Args:
        document: an archived answer or file; its year stands in its address.

    Returns:
        One batch; none for a list of variables; None where the document is no table of this source.

    Raises:
        EvidenceError: it is a county table, and its address names no year, or several.
        LeftOut: it is another table of the publisher, with what it is.
    """
    header = _header(document.body)
    if not _is_county_table(header):
        if document.url.endswith("/variables.json") and _variables(document.body):
            return iter(())
        if kind := _other_table({name.lower() for name in header}):
            raise LeftOut(f"{kind}, not a county file; bring cbpYYco.txt")
        return None
    constants = {"year": year_of(document.url)}
    columns = _columns(header)
    # Most tables have no rows by legal form or size class: all of theirs are totals.
    constants |= {name.lower(): total for name, total in TOTALS.items() if name.lower() not in columns}
    return iter([Batch("rows", Table(document.body, columns, constants))])


def year_of(address: str) -> str:
    """Return the year that an address or a file name tells: ``…/2016/cbp?…``, ``cbp16co.txt``, ``counties-2016.csv``.

    The file name counts before the folders, and a near folder before a far one: a folder may say when it was saved.

    Raises:
        EvidenceError: there is none, or several in the part that tells it, or it is older than the classification.
    """
    path, _, query = address.partition("?")
    parts = (unquote(part) for part in [*reversed(path.split("/")), query])
    api = _API_YEAR.search(address)
    years = {api[1]} if api else next(filter(None, map(_years_in, parts)), set())
    if not years:
        raise EvidenceError(
            f"{address}: a county table without a year in its name; "
            "name the file as the Census Bureau does: cbp16co.txt"
        )
    if len(years) > 1:
        raise EvidenceError(
            f"{address}: expected one year in the name of a county table, got {', '.join(sorted(years))}; "
            "name the file as the Census Bureau does: cbp16co.txt"
        )
    [year] = years
    if int(year) < FIRST_YEAR:
        raise EvidenceError(f"{address}: {year} is classified by SIC; expected a year from {FIRST_YEAR} on")
    return year


def _years_in(name: str) -> set[str]:
    """Return the years that one part of an address names."""
    return {four or f"{19 if int(two) >= _CENTURY_BEGINS else 20}{two}" for two, four in _YEAR.findall(name)}


def _columns(header: Iterable[str]) -> list[str | None]:
    """Return for each column the field that it is, None where it is not read, its own name where it is unknown.

    Of two columns for one field the later in `FIELDS` counts, such as the noise flag before the noise range.
    """
    names = [name.lower() for name in header]
    taken = {FIELDS[name]: name for name in FIELDS if name in names}
    columns: list[str | None] = []
    for name in names:
        field = FIELDS.get(name)
        known = field is not None or _NOT_READ.fullmatch(name) is not None
        columns.append((field if taken.get(field or "") == name and field not in columns else None) if known else name)
    return columns


def _variables(body: bytes) -> set[str]:
    """Return the variables that a list of the API names, and the attributes of each; none where it is no such list."""
    try:
        listed = json.loads(body)["variables"].items()
    except (ValueError, LookupError, TypeError, AttributeError):
        return set()
    attributes = [str(about.get("attributes", "")) for _, about in listed if isinstance(about, dict)]
    return {name for name, _ in listed} | {name for text in attributes for name in text.split(",")}


def _header(body: bytes) -> list[str]:
    """Return the first row of a table, or nothing where the document is none."""
    text = body[:_HEAD].decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("["):
        return [name.strip() for name in next(csv.reader(text.splitlines()[:1]), [])]
    try:
        first: Any = json.JSONDecoder().raw_decode(text[1:].lstrip())[0]
    except ValueError:
        return []
    return first if isinstance(first, list) and all(isinstance(name, str) for name in first) else []


def _is_county_table(header: Iterable[str]) -> bool:
    return {FIELDS.get(name.lower()) for name in header} >= REQUIRED


def _other_table(names: set[str]) -> str | None:
    """Say what a table with these columns is, if it is one of the publisher's others."""
    fields = {FIELDS.get(name) for name in names}
    if "sic" in names and "est" in fields:
        return "a table by SIC"
    if not {"naics", "est"} <= fields:
        return None
    if "msa" in names or any("metropolitan" in name for name in names):
        return "a table of metropolitan areas"
    if "zip" in names:
        return "a table of ZIP codes"
    return "a table of states" if "fipstate" in fields else "a table of the country"
