"""ref.us_geography: the regions of the United States and the counties that compose them, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("region_type", "region_code", "name", "members")
"""Header of the list; members are county FIPS codes, parted by spaces."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``regions``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("regions", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
