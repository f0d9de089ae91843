"""ref.canada_geography: provinces, territories and census metropolitan areas of Canada, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = (
    "region_type",
    "region_code",
    "name",
    "name_fr",
    "iso_3166_2",
    "provinces",
    "since",
    "other_names",
)
"""Header of the list; provinces are codes parted by spaces, other names are parted by bars."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``regions``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("regions", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
