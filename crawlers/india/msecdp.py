"""in.msecdp: applications pending under MSE-CDP, one report (a plain table) per state of cluster.dcmsme.gov.in.

The columns of the report were seen, its HTML was not. What is known of the source, and how: docs/sources/india.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.batch import Batch, LeftOut
from crawlers.evidence import Document
from crawlers.spider import Spider

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
        if root is None or not report_of(root)[1]:
            self.not_understood(response, "a table with " + ", ".join(sorted(NEEDED)), repr(response.body[:60]))


def report_of(root: etree._Element) -> tuple[reader.Reading, bool]:
    """Return what a page says, and whether it is a report, with or without rows."""
    reading = reader.read_first(root, LABELS, [NEEDED])
    return reading, bool(reading.records) or not any(note.startswith("expected ") for note in reading.notes)


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a report into raw records of the kind ``applications``; None where the document is no page.

    Raises:
        LeftOut: a page without such a table; the message says what was looked for.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    reading, is_report = report_of(root)
    if not is_report:
        raise LeftOut("expected a table with the columns S.No., State, District and Cluster Name", reading.missed)
    told = _THRESHOLD.search(reader.text(root))
    of_page = {"report": document.sha256[:16], **({"more_than_days": told[1]} if told else {})}
    records = [{**record.raw(LABELS), **of_page} for record in reading.records]
    missing = [name for name in LABELS.fields if records and not any(name in record for record in records)]
    notes = [*reading.notes, *(f"the report has no column {name}" for name in missing)]
    return iter(
        [Batch("applications", records, notes=notes if records else ["the report has no rows: it closes nothing"])]
    )
