"""ref.lgd: the states and districts of India, after the Local Government Directory, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = (
    "level",
    "code",
    "name",
    "name_lgd",
    "state",
    "iso_3166_2",
    "since",
    "until",
    "successor",
    "formed_from",
)
"""Header of the list; codes are those of the directory, `formed_from` several of them parted by spaces."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``regions``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("regions", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
