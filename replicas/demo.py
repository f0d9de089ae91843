"""The replicas of the demo: which ones run, and what is harvested from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from replicas import us, us_cbp, usaid
from replicas.canada import competeprosper, seph
from replicas.eu import eccp, eocic, legacy
from replicas.india import msecdp, observatory, sameeeksha

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "us.clustermapping": {"delay": "0", "region_types": "country,state,economic,msa", "years": "2016,2017"},
    "us.cbp": {"delay": "0", "years": "2016"},
    "ca.competeprosper": {"delay": "0"},
    "ca.seph": {"delay": "0"},
    "eu.eccp": {"delay": "0", "lists": "/cluster-organisations"},
    "eu.eocic": {"delay": "0"},
    "eu.legacy": {"delay": "0"},
    "in.msecdp": {"delay": "0", "states": "120,901"},
    "in.observatory": {"delay": "0"},
    "in.sameeeksha": {"delay": "0", "articles": "42"},
    "usaid.foreignassistance": {"delay": "0"},
    "usaid.iati": {"delay": "0"},
    "usaid.map": {"delay": "0", "lists": usaid.LIST},
}
"""Feed → what the demo asks of it; no pause between requests, since nobody else is served."""


@contextmanager
def addresses() -> Iterator[dict[str, str]]:
    """Run the replicas; yields feed → base address."""
    years = ("2016", "2017")
    with (
        us.replica(years=years) as replica,
        us_cbp.replica(years=years) as census,
        competeprosper.replica() as portal,
        seph.replica() as payrolls,
        eocic.replica(europe=True) as dump,
        eccp.replica() as platform,
        legacy.replica() as old,
        msecdp.replica() as applications,
        observatory.replica() as india,
        sameeeksha.replica() as profiles,
        usaid.replica() as aid,
        usaid.map_replica() as project_map,
    ):
        yield {
            "us.clustermapping": replica.base_url,
            "us.cbp": census.base_url,
            "ca.competeprosper": portal.base_url,
            "ca.seph": payrolls.base_url,
            "eu.eccp": platform.base_url,
            "eu.eocic": dump.base_url,
            "eu.legacy": old.base_url,
            "in.msecdp": applications.base_url,
            "in.observatory": india.base_url,
            "in.sameeeksha": profiles.base_url,
            "usaid.foreignassistance": f"{aid.base_url}/data-api",
            "usaid.iati": aid.base_url,
            "usaid.map": project_map.base_url,
        }
