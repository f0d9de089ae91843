"""usaid.map: what the records of the map and of AidTracker must satisfy. Field names are the source's own."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{3,18}$")]


class Listed(Record):
    """A project of the list."""

    kind: ClassVar[str] = "listed"
    key: ClassVar[tuple[str, ...]] = ("Id",)
    sparse: ClassVar[frozenset[str]] = frozenset({"Public_Name__c"})

    Id: _Id
    Project_Name__c: str
    Public_Name__c: str | None = None


class Place(Record):
    """A project in the list of a province."""

    kind: ClassVar[str] = "places"
    key: ClassVar[tuple[str, ...]] = ("Id", "province", "country")

    Id: _Id
    province: str
    country: str


class Detail(Record):
    """A project. Fields went away in 2013: all but its id may be absent."""

    kind: ClassVar[str] = "details"
    key: ClassVar[tuple[str, ...]] = ("Id",)
    sparse: ClassVar[frozenset[str]] = frozenset(
        {
            "MissionName__c",
            "Sector_Name__c",
            "Start_Date__c",
            "End_Date__c",
            "Project_Theme__c",
            "Project_Description__c",
            "Primary_Initiative__c",
        }
    )
    ignored: ClassVar[dict[str, str]] = {
        "Public_Photo__c": "a picture",
        "Provinces__c": "read from the lists of provinces",
        "Public_Name__c": "read from the list",
        "Project_Name__c": "read from the list",
    }

    Id: _Id
    MissionName__c: str | None = None
    Sector_Name__c: str | None = None
    Start_Date__c: str | None = None
    End_Date__c: str | None = None
    Project_Theme__c: str | None = None
    Project_Description__c: str | None = None
    Primary_Initiative__c: str | None = None


class Award(Record):
    """A mechanism that carries out a project: its partner, and the amount of the award."""

    kind: ClassVar[str] = "awards"
    key: ClassVar[tuple[str, ...]] = ("Id", "seq")
    sparse: ClassVar[frozenset[str]] = frozenset({"partner", "amount"})

    Id: _Id
    seq: Annotated[int, Field(ge=0)]
    partner: str | None = None
    amount: float | None = None


class Tracked(Record):
    """A project of AidTracker's list."""

    kind: ClassVar[str] = "tracked"
    key: ClassVar[tuple[str, ...]] = ("Id",)
    sparse: ClassVar[frozenset[str]] = frozenset(
        {"description", "country", "org", "sector", "partner", "startDate", "endDate"}
    )

    Id: _Id
    name: str
    description: str | None = None
    country: str | None = None
    org: str | None = None
    sector: str | None = None
    partner: str | None = None
    startDate: str | None = None  # noqa: N815  # the source's name
    endDate: str | None = None  # noqa: N815  # the source's name


RECORDS = (Listed, Place, Detail, Award, Tracked)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
