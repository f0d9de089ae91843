"""ref.naics_bcd: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record


class Industry(Record):
    """A six-digit industry of one edition of NAICS, and its category."""

    kind: ClassVar[str] = "industries"
    key: ClassVar[tuple[str, ...]] = ("vintage", "naics")

    vintage: Literal["1997", "2002", "2007", "2012", "2017"]
    naics: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    category: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")]
    replaces: Annotated[str, Field(pattern=r"^([0-9]{6}( [0-9]{6})*)?$")]


RECORDS = (Industry,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
