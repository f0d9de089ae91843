"""in.sameeeksha: what its raw records must satisfy."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Text = Annotated[str, Field(min_length=1)]


class Profile(Record):
    """A profile of a cluster: what stands beside its labels, and words of its introduction where no label has them."""

    kind: ClassVar[str] = "profiles"
    key: ClassVar[tuple[str, ...]] = ("address",)
    sparse: ClassVar[frozenset[str]] = frozenset(
        {
            *("article", "state", "year", "products", "energy_level"),
            *("units", "units_unit", "units_also", "units_said", "employment", "employment_unit", "employment_also"),
            *("employment_said", "turnover", "turnover_unit", "turnover_also", "turnover_said", "production"),
            *("energy", "energy_unit", "energy_also"),
        }
    )
    ignored: ClassVar[dict[str, str]] = {
        "fuels": "names of fuels, without amounts",
        "associations": "bodies of industry, which are not read yet",
        "manual": "the address of a PDF",
        "initiatives": "names of programmes, free text",
        "resources": "bodies and their addresses, which are not read yet",
        "source": "read as `year`",
        "title": "read as `heading`",
        "section": "a heading above the labels",
        "group": "a heading over several columns",
        "period": "years over columns, which no page was seen to have",
    }
    ignored_patterns: ClassVar[dict[str, str]] = {
        "(products|energy_level|production|fuels|associations|manual|initiatives|resources|source)_also": "a text that "
        "stands twice; the first one counts"
    }

    address: _Text
    captured: _Text
    heading: _Text
    name: _Text
    article: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None
    state: str | None = None
    year: Annotated[str, Field(pattern=r"^[12][0-9]{3}")] | None = None
    products: str | None = None
    energy_level: str | None = None
    units: str | None = None
    units_unit: str | None = None
    units_also: list[Any] | None = None
    units_said: str | None = None
    employment: str | None = None
    employment_unit: str | None = None
    employment_also: list[Any] | None = None
    employment_said: str | None = None
    production: str | None = None
    turnover: str | None = None
    turnover_unit: str | None = None
    turnover_also: list[Any] | None = None
    turnover_said: str | None = None
    energy: str | None = None
    energy_unit: str | None = None
    energy_also: list[Any] | None = None


class OtherPage(Record):
    """An article that is no profile of a cluster."""

    kind: ClassVar[str] = "other_pages"
    key: ClassVar[tuple[str, ...]] = ("address",)

    address: _Text
    captured: _Text
    heading: str


RECORDS = (Profile, OtherPage)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
