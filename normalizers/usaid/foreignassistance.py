"""usaid.foreignassistance: what a transaction must satisfy, and which rows of a big table are looked at at all."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record

_Text = str | None


class Transaction(Record):
    """One row: an amount of one type, of one activity in one country, sector and fiscal year."""

    kind: ClassVar[str] = "transactions"
    key: ClassVar[tuple[str, ...]] = ("edition", "record")
    sparse: ClassVar[frozenset[str]] = frozenset(
        # Which columns there are depends on the layout.
        {
            "country_id",
            "country_code",
            "partner",
            "purpose_code",
            "purpose_name",
            "sector_code",
            "sector_name",
            "funding_agency",
            "activity_description",
            "award",
            "start_date",
            "end_date",
        }
    )
    kept: ClassVar[str] = "managing_agency = 'USAID'"
    chosen: ClassVar[str] = """
        -- An activity is chosen with all its rows: by the code of any of them, or by its words.
        WITH activity AS (
            SELECT activity_id, country_id, country_code, country_name
            FROM (
                SELECT DISTINCT
                    activity_id, country_id, country_code, country_name, sector_code, purpose_code, activity_name,
                    activity_description
                FROM part
            )
            GROUP BY ALL
            HAVING bool_or(
                selected_by_sector('usg', sector_code) IS NOT NULL
                OR selected_by_sector('dac', purpose_code) IS NOT NULL
            ) OR bool_or(selected_by_words(concat_ws(' ', activity_name, activity_description)) IS NOT NULL)
        )
        SELECT row_number() OVER () AS record, part.*
        FROM part SEMI JOIN activity ON part.activity_id IS NOT DISTINCT FROM activity.activity_id
            AND part.country_name IS NOT DISTINCT FROM activity.country_name
    """

    edition: str
    record: str
    asked: str
    country_id: Annotated[str, Field(pattern=r"^(-1|[0-9]{1,4})$")] | None = None  # -1: none
    country_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z-]{1,5}$")] | None = None
    country_name: Annotated[str, Field(min_length=1)]
    managing_agency: Annotated[str, Field(min_length=1)]
    partner: _Text = None
    purpose_code: Annotated[str, Field(pattern=r"^[0-9]{5,7}$")] | None = None
    purpose_name: _Text = None
    sector_code: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")] | None = None
    sector_name: _Text = None
    funding_agency: _Text = None
    activity_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]+$")]
    activity_name: Annotated[str, Field(min_length=1)]
    activity_description: _Text = None
    award: _Text = None
    start_date: (
        Annotated[
            str,
            Field(
                pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{2}[A-Za-z]{3}[0-9]{4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})$"
            ),
        ]
        | None
    ) = None
    end_date: (
        Annotated[
            str,
            Field(
                pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{2}[A-Za-z]{3}[0-9]{4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})$"
            ),
        ]
        | None
    ) = None
    transaction_type: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]
    fiscal_year: Annotated[str, Field(pattern=r"^([12][0-9]{3}|1976[Tt][Qq])$")]
    amount: float


class Page(Record):
    """What one page of the service says of itself."""

    kind: ClassVar[str] = "pages"
    key: ClassVar[tuple[str, ...]] = ("asked", "page")
    sparse: ClassVar[frozenset[str]] = frozenset()

    asked: str
    page: Annotated[int, Field(ge=1)]
    per_page: Annotated[int, Field(ge=1)]
    total_records: Annotated[int, Field(ge=0)]
    rows: Annotated[int, Field(ge=0)]


RECORDS = (Transaction, Page)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
