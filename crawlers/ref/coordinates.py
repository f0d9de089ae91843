"""ref.coordinates: a point for each region, from the list that we ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crawlers.batch import Batch
from crawlers.evidence import Document

COLUMNS = (
    "region_id",
    "latitude",
    "longitude",
    "coordinate_basis",
    "coordinate_error_km",
    "place",
    "source",
)
"""Header of the list; degrees are WGS 84, the error is in km, the place is the city that stands for the region."""


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of the list as records of the kind ``points``; None where it is another file."""
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return None
    return iter([Batch("points", [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)])])
