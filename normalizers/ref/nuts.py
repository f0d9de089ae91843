"""ref.nuts: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Version = Annotated[str, Field(pattern=r"^(2003|2006|2010|2013|2016|2021|2024)?$")]


class Region(Record):
    """A country or a region; its length tells the level: two characters are a country, five are NUTS 3."""

    kind: ClassVar[str] = "regions"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9A-Z]{0,3}$")]
    name: Annotated[str, Field(min_length=1)]
    name_latin: Annotated[str, Field(min_length=1)]
    first_version: _Version
    last_version: _Version
    successors: Annotated[str, Field(pattern=r"^([A-Z]{2}[0-9A-Z]{1,3}( [A-Z]{2}[0-9A-Z]{1,3})*)?$")]


RECORDS = (Region,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
