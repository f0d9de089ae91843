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


class Partnership(Record):
    """A partnership of cluster organisations, as its page says it. Its summary is not read: it may name persons."""

    kind: ClassVar[str] = "partnerships"
    key: ClassVar[tuple[str, ...]] = ("path",)
    sparse: ClassVar[frozenset[str]] = frozenset(
        {
            *("node_id", "type", "origin", "location", "duration", "partners", "exchanges", "smes", "budget"),
            *("contribution", "sectors"),
        }
    )
    ignored: ClassVar[dict[str, str]] = {"website": "initiatives have none in the common schema"}

    path: Annotated[str, Field(pattern=r"^/")]
    name: Annotated[str, Field(min_length=1)]
    node_id: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None
    type: str | None = None
    origin: str | None = None
    location: str | None = None
    duration: str | None = None
    partners: str | None = None
    exchanges: str | None = None
    smes: str | None = None
    budget: str | None = None
    contribution: str | None = None
    sectors: list[str] | None = None


class Named(Record):
    """A page that the sitemap names."""

    kind: ClassVar[str] = "sitemap"
    key: ClassVar[tuple[str, ...]] = ("path",)
    repeated: ClassVar[bool] = True

    path: Annotated[str, Field(pattern=r"^/")]


class OtherPage(Record):
    """A page that is none of these: news, calls, a login."""

    kind: ClassVar[str] = "other_pages"
    key: ClassVar[tuple[str, ...]] = ("path",)

    path: Annotated[str, Field(pattern=r"^/")]
    type: str


RECORDS = (Profile, Partnership, Named, OtherPage)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
