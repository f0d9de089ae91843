"""ref.exchange_rates: average rates of currencies in USD, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("currency", "time_period", "rate_usd", "days")
"""Header of the list: ISO 4217 code, year or month, USD for one unit, days that the average is over."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``rates``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("rates", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
