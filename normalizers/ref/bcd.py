"""ref.bcd: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record


class Class(Record):
    """A category, or a subcluster of one."""

    kind: ClassVar[str] = "classes"
    key: ClassVar[tuple[str, ...]] = ("category", "subcluster")

    category: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")]
    subcluster: Annotated[str, Field(pattern=r"^([0-9]{1,2})?$")]
    traded: bool
    name: Annotated[str, Field(min_length=1)]


RECORDS = (Class,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
