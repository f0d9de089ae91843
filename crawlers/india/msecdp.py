"""in.msecdp: applications pending under MSE-CDP, one report (a plain table) per state of cluster.dcmsme.gov.in.

The columns of the report were seen, its HTML was not. What is known of the source, and how: docs/sources/india.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.evidence import Document
from crawlers.spider import Batch, LeftOut, Spider

LABELS = reader.Labels(
    {
        "serial": ["S.No.", "S. No.", "Sr. No.", "Sl. No."],
        "office": ["MSME-DI", "MSME-DFO", "Name of MSME-DI"],
        "state": ["State", "Name of State"],
        "district": ["District", "Name of District"],
        "cluster": ["Cluster Name", "Name of Cluster", "Name of the Cluster"],
        "status": ["Status", "Current Status"],
        "application_date": ["Application Date", "Date of Application"],
        "pendency_days": ["Pendency Days from Application Date", "Pendency Days", "Pendency (Days)"],
    }
)
"""The columns of the report, and spellings of them."""

NEEDED = frozenset({"serial", "state", "district", "cluster"})
_THRESHOLD = re.compile(r"more than ([0-9]+) days", re.IGNORECASE)


class FeedSpider(Spider):
    """Asks for the report of each state."""

    name = "in.msecdp"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for each state of the parameter."""
        [days] = self.harvest.parameters["days"]
        for state in self.harvest.parameters["states"]:
            query = {"stId": state, "dys": days}
            yield self.request("/CFCRPT/NCFC_DI_StatePendencyDetail.aspx", self.report, query=query)

    def report(self, response: Response) -> None:
        """Look whether the answer is a report."""
        root = reader.page(response.body)
        if root is None or not any(reader.tables(root, LABELS, NEEDED)):
            self.not_understood(response, "a table with " + ", ".join(sorted(NEEDED)), repr(response.body[:60]))


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a report into raw records of the kind ``applications``; None where the document is no page.

    Raises:
        LeftOut: a page without such a table; the message says what was looked for.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    found = list(reader.tables(root, LABELS, NEEDED))
    if not found:
        raise LeftOut("expected a table with the columns S.No., State, District and Cluster Name")
    told = _THRESHOLD.search(reader.text(root))
    of_page = {"report": document.sha256[:16], **({"more_than_days": told[1]} if told else {})}
    return iter([_applications(table, of_page) for table in found])


def _applications(table: reader.Table, of_page: dict[str, str]) -> Batch:
    notes = [f"the report has no column {name}" for name in LABELS.fields if name not in table.columns]
    unknown = {label for name, label in zip(table.columns, table.labels, strict=True) if name is None and label}
    notes += [f"the column {label!r} is not known" for label in sorted(unknown)]
    # One cell across the table, such as `No record found`, is no application.
    rows = [row for row in table.rows if len(set(row.cells.values())) > 1]
    notes += ["the report has no rows"] if not rows else []
    return Batch("applications", [{**row.cells, **of_page, "_locator": row.locator} for row in rows], notes=notes)
