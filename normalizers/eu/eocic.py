"""eu.eocic: what a row of a dump must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_VALUE = "^[ ]*([-+−]?[0-9][0-9 .,'\u00a0\u202f]*([eE][-+]?[0-9]+)?|[-.:]|n/?a|N/?A|NULL|null|NaN)?[ ]*$"
_Word = Annotated[str, Field(min_length=1)]


class Row(Record):
    """One value of one indicator of one sector in one region and year; all are text, as the source has them."""

    kind: ClassVar[str] = "rows"
    key: ClassVar[tuple[str, ...]] = ("Indicator", "Sector", "Region", "Year", "Dimension")
    sparse: ClassVar[frozenset[str]] = frozenset({"Unit", "Zone", "Region_name", "Country", "Country_name"})

    Indicator: _Word
    Sector: _Word
    Dimension: str
    Unit: str | None = None
    Year: Annotated[str, Field(pattern=r"^[12][0-9]{3}$")]
    Value: Annotated[str, Field(pattern=_VALUE)] | None = None
    Region: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9A-Z]{0,3}$")]
    Zone: str | None = None
    Region_name: str | None = None
    Country: str | None = None
    Country_name: str | None = None


RECORDS = (Row,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
