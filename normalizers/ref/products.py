"""ref.products: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record


class Group(Record):
    """Names of products that one category makes, or that none does.

    A material tells the category only where nothing is named that is made of it: brass is utensils, brass lamps lamps.
    """

    kind: ClassVar[str] = "groups"
    key: ClassVar[tuple[str, ...]] = ("products",)

    role: Literal["product", "material"]
    bcd: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")] | None = None
    products: Annotated[str, Field(pattern=r"^[^|]+([|][^|]+)*$")]
    note: Annotated[str, Field(min_length=1)] | None = None


RECORDS = (Group,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
