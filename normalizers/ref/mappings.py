"""ref.mappings: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record

Text = Annotated[str, Field(min_length=1)]


class Link(Record):
    """A class and a category of the hub, or a class without one; `name_evidence` says where its name was met."""

    kind: ClassVar[str] = "links"
    key: ClassVar[tuple[str, ...]] = ("scheme", "code", "bcd")

    scheme: Literal["eco38", "eocic", "usg", "dac"]
    code: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    name: Text
    name_evidence: Literal["seen", "seen_us", "remembered"]
    traded: Literal["true"] | None = None
    bcd: Annotated[str, Field(pattern=r"^([0-9]{1,3})?$")]
    relation: Literal["exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch"] | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    note: Text | None = None


RECORDS = (Link,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
