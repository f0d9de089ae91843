"""in.observatory: what its raw records must satisfy. No page of its lists was seen: almost all may be absent."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Text = Annotated[str, Field(min_length=1)]


class Cluster(Record):
    """A row of a list of clusters, or the profile of one: what stands under, or beside, its labels."""

    kind: ClassVar[str] = "clusters"
    key: ClassVar[tuple[str, ...]] = ("address", "row")
    sparse: ClassVar[frozenset[str]] = frozenset(
        {
            *(
                "filtered",
                "serial",
                "total",
                "section",
                "state",
                "district",
                "place",
                "cluster",
                "product",
                "type",
                "year",
                "period",
            ),
            *("units", "units_unit", "units_also", "looms", "looms_unit", "looms_also", "artisans", "artisans_unit"),
            *("artisans_also", "employment", "employment_unit", "employment_also"),
            *("turnover", "turnover_unit", "turnover_also"),
        }
    )
    ignored: ClassVar[dict[str, str]] = {
        "title": "the heading, read as `cluster`",
        "group": "a heading over several columns",
        "records": "the number of rows, read as `total`",
    }
    ignored_patterns: ClassVar[dict[str, str]] = {
        "(serial|state|district|place|cluster|product|type|year)_also": "a name that stands twice; the first one counts"
    }

    address: _Text
    page: _Text
    row: _Text
    captured: _Text
    is_profile: bool
    filtered: str | None = None
    serial: Annotated[int, Field(ge=1)] | None = None
    total: Annotated[int, Field(ge=0)] | None = None
    section: str | None = None
    state: str | None = None
    district: str | None = None
    place: str | None = None
    cluster: str | None = None
    product: str | None = None
    type: str | None = None
    year: str | None = None
    period: str | None = None
    units: str | None = None
    units_unit: str | None = None
    units_also: list[Any] | None = None
    looms: str | None = None
    looms_unit: str | None = None
    looms_also: list[Any] | None = None
    artisans: str | None = None
    artisans_unit: str | None = None
    artisans_also: list[Any] | None = None
    employment: str | None = None
    employment_unit: str | None = None
    employment_also: list[Any] | None = None
    turnover: str | None = None
    turnover_unit: str | None = None
    turnover_also: list[Any] | None = None


class Scheme(Record):
    """A row of schemes.php, whose labels were seen."""

    kind: ClassVar[str] = "schemes"
    key: ClassVar[tuple[str, ...]] = ("address", "row")
    sparse: ClassVar[frozenset[str]] = frozenset({"total", "sector", "institution"})
    ignored: ClassVar[dict[str, str]] = {
        "download": "a link to a document that is not read",
        "title": "the heading over the list",
        "section": "a row of its own above others",
        "group": "a heading over several columns",
    }

    address: _Text
    page: _Text
    row: _Text
    captured: _Text
    serial: Annotated[int, Field(ge=1)]
    total: Annotated[int, Field(ge=0)] | None = None
    scheme: _Text
    sector: str | None = None
    institution: str | None = None


class Total(Record):
    """A number of clusters that a page states in words."""

    kind: ClassVar[str] = "totals"
    key: ClassVar[tuple[str, ...]] = ("address", "subject", "count")
    sparse: ClassVar[frozenset[str]] = frozenset({"hedge"})

    address: _Text
    page: _Text
    captured: _Text
    subject: _Text
    count: Annotated[str, Field(pattern=r"^[0-9][0-9,]*$")]
    hedge: str | None = None


class OtherPage(Record):
    """A page of the site without clusters or schemes."""

    kind: ClassVar[str] = "other_pages"
    key: ClassVar[tuple[str, ...]] = ("address",)

    address: _Text
    title: str


RECORDS = (Cluster, Scheme, Total, OtherPage)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
