"""ca.competeprosper: what a cell of the portal must satisfy, with its figures as the page writes them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record


class Cell(Record):
    """One cluster in one region, as a page states it; both choices of the portal state the same cells."""

    kind: ClassVar[str] = "cells"
    key: ClassVar[tuple[str, ...]] = ("region", "cluster", "year", "page")
    sparse: ClassVar[frozenset[str]] = frozenset(
        # What a page has beside the names is not known; a page without any figure has no cell.
        {
            "employment",
            "employment_unit",
            "wages",
            "wages_unit",
            "wages_label",
            "location_quotient",
            "location_quotient_unit",
        }
    )

    region: Annotated[str, Field(min_length=1, max_length=120)]
    cluster: Annotated[str, Field(min_length=1, max_length=120)]
    year: Annotated[str, Field(pattern=r"^([12][0-9]{3}|undated)$")]
    page: Annotated[str, Field(min_length=1)]
    employment: Annotated[str, Field(max_length=60)] | None = None
    employment_unit: str | None = None
    wages: Annotated[str, Field(max_length=60)] | None = None
    wages_unit: str | None = None
    wages_label: str | None = None
    location_quotient: Annotated[str, Field(max_length=60)] | None = None
    location_quotient_unit: str | None = None


RECORDS = (Cell,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
