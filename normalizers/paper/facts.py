"""paper.facts: what a row of each list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record

Text = Annotated[str, Field(min_length=1)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Code = Annotated[str, Field(pattern="^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]
Codes = Annotated[str, Field(pattern="^[A-Za-z0-9]+(-[A-Za-z0-9]+)*(;[A-Za-z0-9]+(-[A-Za-z0-9]+)*)*$")]
Slug = Annotated[str, Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
Word = Annotated[str, Field(pattern="^[a-z0-9]+(_[a-z0-9]+)*$")]
Year = Annotated[int, Field(ge=1800, le=2100)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Claim(Record):
    """A figure that somebody states; its id is that of the list that it was noted in."""

    kind: ClassVar[str] = "claims"
    key: ClassVar[tuple[str, ...]] = ("claim_id",)

    claim_id: Annotated[str, Field(pattern="^(C[0-9]{3}|paper[.]facts:[a-z]+:[A-Z0-9]+)$")]
    subject: Text
    measure: Text
    value: float
    qualifier: Literal["exact", "about", "more_than", "less_than"]
    unit: Text
    scope: Annotated[
        str,
        Field(
            pattern="^(world|region:[^:]+|country:[A-Z]{2}|[A-Z]{2}-[A-Z0-9]{1,3}|[a-z]+:[a-z]+:[0-9]+|place:[A-Z]{2}:.+)$"
        ),
    ]
    as_of: Text | None = None
    stated_by: Text | None = None
    classification: Text | None = None
    programme: Text | None = None
    initiative: Code | None = None
    contradicts: Text | None = None
    note: Text | None = None
    citation: Text


class Cluster(Record):
    """A cluster that a text names; its code is its name in lower case and hyphens."""

    kind: ClassVar[str] = "clusters"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: Slug
    name: Text
    product: Text
    product_class: Literal["micro", "handicraft", "handloom", "traditional", "high_tech", "service"] | None = None
    place: Text | None = None
    country_code: Country
    region_id: Annotated[str, Field(pattern="^[a-z]+(:[A-Za-z0-9]+)+$")] | None = None
    note: Text | None = None
    citation: Text


class CodeOfList(Record):
    """A code of a code list."""

    kind: ClassVar[str] = "codes"
    key: ClassVar[tuple[str, ...]] = ("code_list", "code")

    code_list: Word
    code: Word
    name: Text
    definition: Text | None = None
    parent_code: Word | None = None
    citation: Text


class Component(Record):
    """What an initiative pays for: the figure as stated, and shares from 0 to 1."""

    kind: ClassVar[str] = "components"
    key: ClassVar[tuple[str, ...]] = ("initiative", "seq")

    initiative: Code
    seq: Count
    name: Text
    max_cost: Annotated[float, Field(gt=0)]
    cost_unit: Text
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    unit_basis: Text
    grant_share: Share
    grant_share_special: Share | None = None
    special_condition: Text | None = None
    citation: Text


class Initiative(Record):
    """A law, scheme, programme, project or loan; with its reach and its name in Table 3, where it stands there."""

    kind: ClassVar[str] = "initiatives"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: Code
    title: Text
    type: Literal["law", "scheme", "programme", "project", "loan", "network"]
    level: Text | None = None
    country_code: Country | None = None
    start_year: Year | None = None
    end_year: Year | None = None
    clusters_covered: Count | None = None
    table_3_name: Text | None = None
    same_as: Codes | None = None
    note: Text | None = None
    citation: Text


class Location(Record):
    """A place of an initiative that is not a country."""

    kind: ClassVar[str] = "locations"
    key: ClassVar[tuple[str, ...]] = ("initiative", "seq")

    initiative: Code
    seq: Count
    country_code: Country | None = None
    admin_name: Text
    citation: Text


class Organisation(Record):
    """A body that a text names; its code is ours."""

    kind: ClassVar[str] = "organisations"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: Slug
    name: Text
    country_code: Country | None = None
    citation: Text


class Participant(Record):
    """A body in an initiative, with its name as published; the role only where the text gives one."""

    kind: ClassVar[str] = "participants"
    key: ClassVar[tuple[str, ...]] = ("initiative", "seq")

    initiative: Code
    seq: Count
    name: Text
    organisation: Slug
    role: Literal["funding", "accountable", "extending", "implementing"] | None = None
    org_type: Word
    citation: Text


class Relation(Record):
    """What an initiative became; each stated date has a row of its own."""

    kind: ClassVar[str] = "relations"
    key: ClassVar[tuple[str, ...]] = ("initiative", "seq")

    initiative: Code
    seq: Count
    relation: Literal["renamed_to", "subsumed_in"]
    to_initiative: Code
    date: Annotated[str, Field(pattern="^[0-9]{4}(-[0-9]{2})?$")] | None = None
    citation: Text


class Resource(Record):
    """An observatory, network, platform or directory; `feeds` are ours that harvest it, parted by semicolons."""

    kind: ClassVar[str] = "resources"
    key: ClassVar[tuple[str, ...]] = ("code",)

    code: Slug
    name: Text
    type: Literal["observatory", "network", "platform", "directory"]
    publisher: Text
    url: Annotated[str, Field(pattern="^https?://")] | None = None
    scope: Text
    since: Annotated[str, Field(pattern="^[0-9]{4}(-[0-9]{2})?$")] | None = None
    status: Literal["live", "closed", "unknown"]
    what_it_holds: Text
    feeds: Annotated[str, Field(pattern="^[a-z]+[.][a-z0-9_]+(;[a-z]+[.][a-z0-9_]+)*$")] | None = None
    note: Text | None = None
    citation: Text


class ThemeRule(Record):
    """A pair of Table 1: the product, and the theme that it gives."""

    kind: ClassVar[str] = "theme_rules"
    key: ClassVar[tuple[str, ...]] = ("rule_id",)

    rule_id: Annotated[str, Field(pattern="^T1-[0-9]{2}$")]
    product: Text
    theme: Word
    citation: Text


RECORDS = (
    Claim,
    Cluster,
    CodeOfList,
    Component,
    Initiative,
    Location,
    Organisation,
    Participant,
    Relation,
    Resource,
    ThemeRule,
)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
