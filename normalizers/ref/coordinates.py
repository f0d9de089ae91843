"""ref.coordinates: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record


class Point(Record):
    """A point that stands for a region: where it is, what it is, how far it may be from what is in the region."""

    kind: ClassVar[str] = "points"
    key: ClassVar[tuple[str, ...]] = ("region_id",)

    region_id: Annotated[str, Field(pattern=r"^[a-z]+(:[a-z-]+)?:[0-9A-Z]+$")]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    coordinate_basis: Literal["area_centroid", "capital", "largest_city", "principal_city", "seat"]
    coordinate_error_km: Annotated[float, Field(ge=1)]
    place: str
    source: Annotated[str, Field(min_length=1)]


RECORDS = (Point,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
