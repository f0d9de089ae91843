"""eu.legacy: what a row of a region × category table must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Figure = Annotated[str, Field(pattern="^[-+−]?[0-9 .,'%\u00a0\u202f]*$|^-$|^n/?a$")]


class Cell(Record):
    """A region × category, with the figures as they stand in the table."""

    kind: ClassVar[str] = "cells"
    key: ClassVar[tuple[str, ...]] = ("region", "category", "year")
    sparse: ClassVar[frozenset[str]] = frozenset(
        {"region_name", "employment", "size", "specialisation", "focus", "stars"}
    )
    ignored: ClassVar[dict[str, str]] = {
        "innovation": "a flag of the region, not of the cell",
        "exports": "a flag of the country, not of the cell",
    }

    region: Annotated[str, Field(pattern=r"^([A-Z]{2}[0-9A-Z]{1,3}|Israel)$")]
    category: Annotated[str, Field(min_length=1)]
    year: Annotated[str, Field(pattern=r"^([12][0-9]{3}|undated)$")]
    region_name: str | None = None
    employment: _Figure | None = None
    size: _Figure | None = None
    specialisation: _Figure | None = None
    focus: _Figure | None = None
    stars: str | None = None


RECORDS = (Cell,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
