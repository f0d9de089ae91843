"""ref.us_geography: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record


class Region(Record):
    """A region; its code keeps leading zeros, its members are county FIPS codes in the published order."""

    kind: ClassVar[str] = "regions"
    key: ClassVar[tuple[str, ...]] = ("region_type", "region_code")

    region_type: Literal["country", "state", "territory", "economic", "msa", "county"]
    region_code: Annotated[str, Field(pattern=r"^[0-9]{2,5}$")]
    name: Annotated[str, Field(min_length=1)]
    members: Annotated[str, Field(pattern=r"^([0-9]{5}( [0-9]{5})*)?$")]


RECORDS = (Region,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
