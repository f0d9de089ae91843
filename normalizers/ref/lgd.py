"""ref.lgd: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record

_Day = Annotated[str, Field(pattern=r"^([0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)?$")]
"""A day, a month or a year; empty where unknown."""


class Region(Record):
    """India, a state or union territory, or a district."""

    kind: ClassVar[str] = "regions"
    key: ClassVar[tuple[str, ...]] = ("level", "code")

    level: Literal["country", "state", "district"]
    code: Annotated[str, Field(pattern=r"^(IN|[1-9][0-9]{0,2})$")]
    name: Annotated[str, Field(min_length=1)]
    name_lgd: str
    state: Annotated[str, Field(pattern=r"^([1-9][0-9]?)?$")]
    iso_3166_2: Annotated[str, Field(pattern=r"^(IN-[A-Z]{2})?$")]
    since: _Day
    until: _Day
    successor: Annotated[str, Field(pattern=r"^([1-9][0-9]{0,2})?$")]
    formed_from: Annotated[str, Field(pattern=r"^([1-9][0-9]{0,2}( [1-9][0-9]{0,2})*)?$")]


RECORDS = (Region,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
