"""in.msecdp: what a row of the report must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Words = Annotated[str, Field(pattern="[A-Za-z]")]


class Application(Record):
    """An application of a cluster. It has no number of its own: the serial number is that of the row in the report."""

    kind: ClassVar[str] = "applications"
    key: ClassVar[tuple[str, ...]] = ("report", "state", "serial")
    sparse: ClassVar[frozenset[str]] = frozenset({"more_than_days"})
    ignored_patterns: ClassVar[dict[str, str]] = {"title|section|period|group|.+_also": "headings over the table"}

    report: str
    serial: Annotated[int, Field(ge=1)]
    state: _Words
    district: _Words
    cluster: _Words
    office: str | None = None
    status: str | None = None
    application_date: Annotated[str, Field(pattern=r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$")] | None = None
    pendency_days: Annotated[int, Field(ge=0)] | None = None
    more_than_days: Annotated[int, Field(ge=0)] | None = None


RECORDS = (Application,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
