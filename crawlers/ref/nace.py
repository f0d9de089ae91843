"""ref.nace: groups of NACE Rev. 2 and ISIC Rev. 4 with the NAICS codes behind them, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("nace", "isic", "name", "naics")
"""Header of the list: group of NACE, the group of ISIC that holds it, name, NAICS 2012 codes or their beginnings."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``groups``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("groups", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
