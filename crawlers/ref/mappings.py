"""ref.mappings: classes of European schemes and of aid, and their place in the hub, from our list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = (
    "scheme", "code", "name", "name_evidence", "traded", "bcd", "relation", "confidence", "note",
)  # fmt: skip
"""Header of the list: one row for each link from a class to a category of the hub, or one for a class without any."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``links``; None where it is another file.

    An empty cell is null; but for `bcd`, which is part of a row's key.
    """
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    records = [
        {**{name: cell or None for name, cell in row.items()}, "bcd": row["bcd"], "_locator": f"csv:row={number}"}
        for number, row in enumerate(rows, 1)
    ]
    return iter([Batch("links", records)])
