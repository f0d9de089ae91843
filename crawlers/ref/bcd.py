"""ref.bcd: the Benchmark Cluster Definitions, the hub classification, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = ("category", "subcluster", "traded", "name")
"""Header of the list: category code, subcluster code or nothing, `true` or `false`, name."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``classes``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("classes", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
