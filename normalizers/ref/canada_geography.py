"""ref.canada_geography: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record


class Region(Record):
    """The country, a province or territory, a census metropolitan area, or the part of one in one province."""

    kind: ClassVar[str] = "regions"
    key: ClassVar[tuple[str, ...]] = ("region_type", "region_code")

    region_type: Literal["country", "province", "territory", "cma", "cma-part"]
    region_code: Annotated[str, Field(pattern=r"^(CA|[0-9]{2,5})$")]
    name: Annotated[str, Field(min_length=1)]
    name_fr: str
    iso_3166_2: Annotated[str, Field(pattern=r"^(CA-[A-Z]{2})?$")]
    provinces: Annotated[str, Field(pattern=r"^([0-9]{2}( [0-9]{2})*)?$")]
    since: Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
    other_names: str


RECORDS = (Region,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
