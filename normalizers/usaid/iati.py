"""usaid.iati: what the parts of an activity must satisfy. Codes of version 1 are those of version 2 by now."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}.*$"
_Number = Annotated[int, Field(ge=0)]


class File(Record):
    """How many activities a file has, by its opening tags."""

    kind: ClassVar[str] = "files"
    key: ClassVar[tuple[str, ...]] = ("file",)

    file: str
    stated: _Number


class Activity(Record):
    """An activity itself."""

    kind: ClassVar[str] = "activities"
    key: ClassVar[tuple[str, ...]] = ("file", "number")
    sparse: ClassVar[frozenset[str]] = frozenset(
        {"title", "description", "reporting_org", "status", "start_date", "end_date"}
    )

    file: str
    number: _Number
    identifier: Annotated[str, Field(min_length=1)]
    title: str | None = None
    description: str | None = None
    reporting_org: str | None = None
    status: str | None = None
    start_date: Annotated[str, Field(pattern=_ISO_DATE)] | None = None
    end_date: Annotated[str, Field(pattern=_ISO_DATE)] | None = None


class _Part(Record):
    """A part of an activity."""

    key: ClassVar[tuple[str, ...]] = ("file", "seq")

    file: str
    number: _Number
    seq: _Number


class Sector(_Part):
    """A sector, of the activity or of one of its transactions, which `transaction` names by its `seq`."""

    kind: ClassVar[str] = "sectors"
    sparse: ClassVar[frozenset[str]] = frozenset({"name", "percentage", "code", "transaction"})

    level: str
    transaction: _Number | None = None
    vocabulary: str
    code: str | None = None
    name: str | None = None
    percentage: float | None = None


class Country(_Part):
    """A recipient country, of the activity or of one of its transactions."""

    kind: ClassVar[str] = "countries"
    sparse: ClassVar[frozenset[str]] = frozenset({"percentage"})

    level: str
    code: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
    percentage: float | None = None


class Location(_Part):
    """A place."""

    kind: ClassVar[str] = "locations"
    sparse: ClassVar[frozenset[str]] = frozenset({"name", "latitude", "longitude"})

    name: str | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class Organisation(_Part):
    """A body that takes part."""

    kind: ClassVar[str] = "organisations"
    sparse: ClassVar[frozenset[str]] = frozenset({"name", "ref", "org_type"})

    name: str | None = None
    ref: str | None = None
    role: str
    org_type: str | None = None


class Transaction(_Part):
    """A transaction; type 2 is a commitment."""

    kind: ClassVar[str] = "transactions"
    sparse: ClassVar[frozenset[str]] = frozenset({"currency", "value", "transaction_type"})

    transaction_type: str | None = None
    value: float | None = None
    currency: str | None = None


RECORDS = (File, Activity, Sector, Country, Location, Organisation, Transaction)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
