"""ref.naics_bcd: six-digit industries of NAICS and their category of the hub, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("vintage", "naics", "category", "replaces")
"""Header of the list: edition of NAICS, code, category code; codes of 2012 that a code of 2017 replaces, by spaces.

The edition of 2017 has only what is new in it: its other codes are those of 2012 that none of them replaces.
"""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``industries``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("industries", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
