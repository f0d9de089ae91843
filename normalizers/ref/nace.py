"""ref.nace: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record


class Group(Record):
    """A group of NACE Rev. 2, the group of ISIC Rev. 4 that holds it, and the industries of NAICS 2012 in it."""

    kind: ClassVar[str] = "groups"
    key: ClassVar[tuple[str, ...]] = ("nace",)

    nace: Annotated[str, Field(pattern=r"^[0-9]{2}[.][0-9]$")]
    isic: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    name: Annotated[str, Field(min_length=1)]
    naics: Annotated[str, Field(pattern=r"^[0-9]{4,6}( [0-9]{4,6})*$")]


RECORDS = (Group,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
