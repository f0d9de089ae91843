"""ref.products: products in the words of surveys, and the category of the hub that makes them, from our list."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("role", "bcd", "products", "note")
"""Header of the list: what the words are, category of the hub or nothing, names parted by bars, why."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``groups``; None where it is another file.

    An empty cell is null.
    """
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    records = [
        {**{name: cell or None for name, cell in row.items()}, "_locator": f"csv:row={number}"}
        for number, row in enumerate(rows, 1)
    ]
    return iter([Batch("groups", records)])
