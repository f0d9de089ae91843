"""ref.porter41: the 41 traded clusters of Porter's first classification and their place in the hub, as we ship them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("code", "name", "name_evidence", "bcd", "relation", "confidence", "note")
"""Header of the list: one row for each link from one of the 41 to a category of the hub."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``links``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("links", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
