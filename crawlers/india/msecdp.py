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
        reading = reader.read(response.body, LABELS, required=NEEDED)
        if reading is None or not reading.records:
            self.not_understood(response, "a table with " + ", ".join(sorted(NEEDED)), repr(response.body[:60]))


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a report into raw records of the kind ``applications``; None where the document is no page.

    Raises:
        LeftOut: a page without such a table; the message says what was looked for.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    reading = reader.read(root, LABELS, required=NEEDED, expected=LABELS.fields)
    if reading is None or not reading.records:
        raise LeftOut("expected a table with S.No., State, District and Cluster Name, and rows in it")
    told = _THRESHOLD.search(reader.text(root))
    of_page = {"report": document.sha256[:16], **({"more_than_days": told[1]} if told else {})}
    records = [{**record.raw(LABELS), **of_page} for record in reading.records]
    return iter([Batch("applications", records, notes=reading.notes)])
