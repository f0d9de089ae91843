"""ref.exchange_rates: what a row of the list must satisfy."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from normalizers.contract import Record


class Rate(Record):
    """The average rate of a currency over the days of a year or a month."""

    kind: ClassVar[str] = "rates"
    key: ClassVar[tuple[str, ...]] = ("currency", "time_period")

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    time_period: Annotated[str, Field(pattern=r"^[0-9]{4}(-[0-9]{2})?$")]
    rate_usd: Annotated[float, Field(gt=0)]
    days: Annotated[int, Field(ge=1, le=366)]


RECORDS = (Rate,)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
