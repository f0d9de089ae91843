"""usaid.foreignassistance: transactions of ForeignAssistance.gov, from its JSON service or a saved table.

Tables have had three layouts: the names of columns decide, never their places. What is known: docs/sources/usaid.md.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch, Table
from crawlers.evidence import Document
from crawlers.routes import query_of
from crawlers.source import Route, feeds
from crawlers.spider import Spider

BULK = "us_foreign_aid_complete.csv"
BULK_ADDRESS = f"https://s3.amazonaws.com/files.explorer.devtechlab.com/{BULK}"
PER_PAGE = 1000

TABLE = "table"
"""What the rows of a saved table were asked for: all that it holds."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "country_id": ("country_id",),
    "country_code": ("country_code",),
    "country_name": ("country_name",),
    "managing_agency": ("managing_agency_acronym", "implementing_agency_acronym"),
    "partner": ("implementing_partner_name", "channel_name"),
    "purpose_code": ("international_purpose_code", "dac_purpose_code"),
    "purpose_name": ("international_purpose_name", "dac_purpose_name"),
    "sector_code": ("us_sector_id", "usg_sector_id"),
    "sector_name": ("us_sector_name", "usg_sector_name"),
    "funding_agency": ("funding_agency_name",),
    "activity_id": ("activity_id",),
    "activity_name": ("activity_name",),
    "activity_description": ("activity_description",),
    "award": ("activity_project_number",),
    "start_date": ("activity_start_date",),
    "end_date": ("activity_end_date",),
    "transaction_type": ("transaction_type_id",),
    "fiscal_year": ("fiscal_year",),
    "amount": ("current_dollar_amount", "current_amount"),
}
"""Field of a raw record → names of its column, in lower case with `_` for all else; one per layout."""

REQUIRED = frozenset(
    {"country_name", "managing_agency", "activity_id", "activity_name", "transaction_type", "fiscal_year", "amount"}
)
"""Fields without which a table is none of this source."""

_NOT_READ = re.compile(
    r"region_.*|income_group_.*|(managing|implementing)_(sub_)?agency_.*|implementing_partner_.*|channel_.*"
    r"|(international|dac)_(category|sector)_.*|usg?_category_.*|funding_(account|acount|agency)_.*"
    r"|foreign_assistance_objective_.*|assistance_category_.*|aid_type_.*|submission_.*|transaction_(type_name|date)"
    r"|constant_(dollar_)?amount|activity_budget_amount|usg_sector.*"
)
_HEAD = 2**14


class FeedSpider(Spider):
    """Asks for the transactions of each sector, page by page, or for the bulk file, unless that is what it was."""

    name = "usaid.foreignassistance"

    async def start(self) -> AsyncIterator[Request]:
        """Look at the head of the bulk file: it tells its time, ETag and size."""
        if self.harvest.route is Route.WAYBACK:
            if self.bulk:
                self.harvest.failures.append(
                    f"{self.name}: the bulk file cannot be streamed from a web archive; "
                    "download it, and give it with --files"
                )
                return
            for request in self.sectors():
                yield request
            return
        yield Request(
            self.bulk_address,
            method="HEAD",
            headers={"Accept-Encoding": "identity"},
            callback=self.changed,
            errback=self.no_marker,
            meta={"optional": True},
        )

    @property
    def bulk(self) -> bool:
        """Whether the bulk file is asked for, in place of the service."""
        return self.harvest.parameters.get("bulk") == ("true",)

    @property
    def bulk_address(self) -> str:
        """Where the bulk file stands."""
        return BULK_ADDRESS if self.base_url == feeds()[self.name].base_url else f"{self.base_url}/{BULK}"

    def changed(self, response: Response) -> Iterator[Request]:
        """Ask for everything if the bulk file has changed, or does not say."""
        names = ("Last-Modified", "ETag", "Content-Length")
        told = [(response.headers.get(name) or b"").decode("latin-1") for name in names]
        if any(told[:2]) and self.confirms(f"{BULK}: {', '.join(filter(None, told))}"):
            return
        yield from self.everything()

    def no_marker(self, failure: Any) -> Iterator[Request]:  # noqa: ANN401  # Twisted's failures are untyped here
        """Ask for everything where the bulk file cannot be looked at."""
        self.not_answered(failure)
        yield from self.everything()

    def everything(self) -> Iterator[Request]:
        """Ask for the bulk file, or for the first page of each sector."""
        if self.bulk:
            self.harvest.asked.append("country")
            yield self.download(self.bulk_address, self.table)
        else:
            yield from self.sectors()

    def table(self, response: Response) -> None:
        """Check that the bulk file is a table of this source; it is parsed from the archive."""
        if _columns(response.body) is None:
            self.not_understood(response, f"a table with {', '.join(sorted(REQUIRED))}", repr(response.body[:80]))

    def sectors(self) -> Iterator[Request]:
        """Ask for the first page of each sector."""
        for sector in self.harvest.parameters["sectors"]:
            self.harvest.asked.append(f"transactions/{sector}")
            yield self.page(sector, 1)

    def page(self, sector: str, number: int) -> Request:
        """Return the request for one page."""
        query: dict[str, str | int] = {"per_page": PER_PAGE, "usg_sector_name": sector, "page": number}
        return self.request("/complete-data.json", self.transactions, query=query, context={"sector": sector})

    def transactions(self, response: Response, sector: str) -> Iterator[Request]:
        """Ask for the next page, until the total is reached; the page is parsed from the archive."""
        answer = _answer(response.body)
        if answer is None:
            yield from self.ask_again(response, "an object with data and page_info", repr(response.body[:80]))
            return
        info = answer["page_info"]
        number, per_page, total = (int(info[name]) for name in ("current_page", "per_page", "total_records"))
        if answer["data"] and number * per_page < total:
            yield self.page(sector, number + 1)


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a table, or a page of the service, into raw records of the kinds ``transactions`` and ``pages``.

    Args:
        document: an archived answer or file; a table is told by its columns, a page by its keys.

    Returns:
        Its batches; None where the document is none of this source.
    """
    head = document.head(_HEAD)
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        return _parse_page(document)
    names = _columns(head)
    if names is None:
        return None
    known = [field_of(name) for name in names]
    columns = [None if not name or _NOT_READ.fullmatch(name) else name for name in known]
    located_by = {field: names[known.index(field)] for field in ("activity_id", "country_name")}
    constants = {"edition": document.document_id, "asked": TABLE}
    return iter([Batch("transactions", Table(document.content, columns, constants, located_by, "NULL", tuple(FIELDS)))])


def field_of(name: str) -> str:
    """Return the field that a column or key is, or its own name in snake_case: ``US Sector ID`` is `sector_code`."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    return next((field for field, names in FIELDS.items() if plain in names), plain)


def _columns(head: bytes) -> list[str] | None:
    """Return the columns of a table of this source; None where it is none."""
    lines = head.decode("utf-8-sig", "replace").lstrip().splitlines()[:1]
    names = next(csv.reader(lines), [])
    return names if {field_of(name) for name in names} >= REQUIRED else None


def _answer(body: bytes) -> dict[str, Any] | None:
    """Read a page of the service; None where it is none."""
    try:
        answer = json.loads(body)
        info = answer["page_info"]
        whole = isinstance(answer["data"], list) and all(
            str(info[name]).isdecimal() for name in ("current_page", "per_page", "total_records")
        )
    except (ValueError, LookupError, TypeError):
        return None
    return answer if whole else None


def _parse_page(document: Document) -> Iterator[Batch] | None:
    answer = _answer(document.body)
    if answer is None:
        return None
    info = answer["page_info"]
    asked = query_of(document.url).get("usg_sector_name", "all")
    records = []
    for number, row in enumerate(answer["data"]):
        named = {field_of(name): value for name, value in row.items()}
        record = {name: _text(value) for name, value in named.items() if not _NOT_READ.fullmatch(name)}
        # In the order of the source on every route: the first record of an activity gives its words.
        place = {"edition": "service", "asked": asked, "record": f"{asked}/{int(info['current_page']):06}/{number:06}"}
        records.append({**dict.fromkeys(FIELDS), **record, **place, "_locator": f"json:/data/{number}"})
    page = {
        "asked": asked,
        "page": info["current_page"],
        "per_page": info["per_page"],
        "total_records": info["total_records"],
        "rows": len(records),
        "_locator": "json:/page_info",
    }
    return iter([Batch("transactions", records), Batch("pages", [page])])


def _text(value: Any) -> str | None:  # noqa: ANN401  # JSON is any
    return None if value in {None, "", "NULL"} else str(value)
