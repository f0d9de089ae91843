"""The replicas of the demo: which ones run, and what is harvested from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from replicas import us

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "us.clustermapping": {"delay": "0", "region_types": "country,state,economic,msa", "years": "2016,2017"},
}
"""Feed → what the demo asks of it; no pause between requests, since nobody else is served."""


@contextmanager
def addresses() -> Iterator[dict[str, str]]:
    """Run the replicas; yields feed → base address."""
    with us.replica(years=("2016", "2017")) as replica:
        yield {"us.clustermapping": replica.base_url}
