"""eu.eccp: what its raw records must satisfy. No field holds a person: the parser drops them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record


class Profile(Record):
    """A profile of a cluster organisation, as its page says it."""

    kind: ClassVar[str] = "profiles"
    key: ClassVar[tuple[str, ...]] = ("path",)
    sparse: ClassVar[frozenset[str]] = frozenset(
        {
            *("node_id", "location", "country", "region", "founded", "members", "smes", "large", "research", "sectors"),
            *("emerging", "label", "kind_of_body", "website"),
        }
    )
    ignored: ClassVar[dict[str, str]] = {
        "ecosystems": "a list of the EU's own that overlaps the sectors",
        "programmes": "the support programmes that the organisation takes part in, free text",
    }

    path: Annotated[str, Field(pattern=r"^/")]
    name: Annotated[str, Field(min_length=1)]
    node_id: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None
    location: str | None = None
    country: str | None = None
    region: str | None = None
    founded: Annotated[int, Field(ge=1800, le=2100)] | None = None
    members: str | None = None
    smes: str | None = None
    large: str | None = None
    research: str | None = None
    sectors: list[str] | None = None
    emerging: list[str] | None = None
    label: str | None = None
    kind_of_body: Annotated[str | None, Field(alias="kind")] = None
    website: Annotated[str, Field(pattern=r"^https?://")] | None = None


class OtherPage(Record):
    """A page that is no profile: news, calls, partnerships, a login."""

    kind: ClassVar[str] = "other_pages"
    key: ClassVar[tuple[str, ...]] = ("path",)

    path: Annotated[str, Field(pattern=r"^/")]
    type: str


RECORDS = (Profile, OtherPage)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
