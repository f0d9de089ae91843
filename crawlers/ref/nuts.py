"""ref.nuts: the countries and regions of Europe, NUTS 2003 to 2024, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("code", "name", "name_latin", "first_version", "last_version", "successors")
"""Header of the list; versions are the years by which NUTS names them, successors are codes parted by spaces."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``regions``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("regions", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
