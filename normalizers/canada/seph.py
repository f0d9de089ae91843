"""ca.seph: what a row of the table must satisfy, and which of its rows are looked at at all."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

SCALARS = "units|tens|hundreds|thousands|tens of thousands|hundreds of thousands|millions"
"""Words of the column SCALAR_FACTOR; the SQL program has their factors."""


class Row(Record):
    """Employment in one industry, region and year."""

    kind: ClassVar[str] = "rows"
    key: ClassVar[tuple[str, ...]] = ("year", "geography", "industry")
    sparse: ClassVar[frozenset[str]] = frozenset(
        # Columns that not every edition has, or that only say something where there is something to say.
        {"dguid", "employees", "unit", "vector", "coordinate", "symbol", "terminated"}
    )
    # A table without these columns has one type of employee, or one unit.
    kept: ClassVar[str] = """
        coalesce(lower(trim(employees)), 'all employees') = 'all employees'
        AND coalesce(lower(trim(unit)), 'persons') = 'persons'
    """
    chosen: ClassVar[str] = """
        SELECT * REPLACE (
            lower(trim(scalar)) AS scalar, coalesce(trim(value), '') AS value, coalesce(trim(status), '') AS status
        )
        FROM part
    """

    year: Annotated[str, Field(pattern=r"^[12][0-9]{3}$")]
    geography: Annotated[str, Field(min_length=1)]
    dguid: str | None = None
    industry: Annotated[str, Field(min_length=1)]
    employees: str | None = None
    unit: str | None = None
    scalar: Annotated[str, Field(pattern=f"^({SCALARS})$")]
    vector: str | None = None
    coordinate: str | None = None
    value: Annotated[str, Field(pattern=r"^([0-9]+([.][0-9]+)?)?$")]
    # Symbols of Statistics Canada; an unknown one is no reason to guess what the value is worth.
    status: Annotated[str, Field(pattern=r"^([A-FxprXPR]|[.][.][.]?|0s|<LOD)?$")]
    symbol: Annotated[str, Field(pattern=r"^[prPR]$")] | None = None
    terminated: Annotated[str, Field(pattern=r"^[tT]$")] | None = None


RECORDS = (Row,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
