"""us.cbp: what a row of a county table must satisfy. Field names are those of the bulk county file."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Count = Annotated[int, Field(ge=0)]


class CountyRow(Record):
    """One county × industry × year; `naics` is ``------`` (API: ``00``) for the total of the county.

    `lfo` and `empszes` are ``001`` for all legal forms and size classes; tables without them get that by the parser.
    """

    kind: ClassVar[str] = "rows"
    key: ClassVar[tuple[str, ...]] = ("year", "fipstate", "fipscty", "naics", "lfo", "empszes")
    sparse: ClassVar[frozenset[str]] = frozenset(
        # Size classes ended in 2018, noise flags began in 2007.
        {"empflag", "emp_nf"}
    )
    ignored: ClassVar[dict[str, str]] = {
        "qp1_nf": "payroll is read as published, without a status of its own",
        "ap_nf": "payroll is read as published, without a status of its own",
    }

    year: Annotated[str, Field(pattern=r"^[12][0-9]{3}$")]
    fipstate: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    fipscty: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    naics: Annotated[str, Field(pattern=r"^([0-9]{2}|[0-9]{2}-[0-9]{2}|[0-9-]{2}[0-9/-]{4}|[0-9]{3,5})$")]
    lfo: Annotated[str, Field(pattern=r"^([A-Z-]|[0-9]{3,4})$")]
    empszes: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    # The API writes small letters, and D or S where the bulk file has them in the noise flag.
    empflag: Annotated[str, Field(pattern=r"^[A-Za-z]?$")] | None = None
    emp_nf: Annotated[str, Field(max_length=40)] | None = None
    emp: _Count | None = None
    qp1: _Count | None = None
    ap: _Count | None = None
    est: _Count


RECORDS = (CountyRow,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
