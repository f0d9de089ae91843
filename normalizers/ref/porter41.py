"""ref.porter41: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record


class Link(Record):
    """One of the 41 and a category of the hub; `name_evidence` says where its name was met."""

    kind: ClassVar[str] = "links"
    key: ClassVar[tuple[str, ...]] = ("code", "bcd")

    code: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]
    name: Annotated[str, Field(min_length=1)]
    name_evidence: Literal["seen", "seen_us", "remembered"]
    bcd: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]
    relation: Literal["exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch"]
    confidence: Annotated[float, Field(ge=0, le=1)]
    note: str


RECORDS = (Link,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
