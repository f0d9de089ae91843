"""Rarer turns of the road on the US replica: regions renamed and vanished, scopes, refusals, a missed publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from conftest import FEED, Observatory

from replicas import us
from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping

US = Replica[ClusterMapping]
Document = dict[str, Any]

HAWAII = f"{FEED}:state:15:22"


def test_a_refused_harvest_is_refused_again(
    observatory: Observatory, replica: US, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither kind enters the home of the other, however often it is tried, and nothing is gone on with."""
    monkeypatch.setattr("replicas.server.SYNTHETIC_HEADER", "X-Plain")
    code, real = observatory.harvest(replica.base_url, route="live", clusters="22")
    assert (code, real["status"]) == (0, "accepted")
    assert observatory.value("SELECT bool_or(synthetic) FROM observations") is False
    monkeypatch.undo()
    contents = observatory.contents()
    for _ in range(2):
        code, refused = observatory.harvest(replica.base_url, route="live", clusters="22,1")
        assert (code, refused["status"], refused["rows_opened"]) == (1, "failed", 0)
        assert "the answers are synthetic, this home is real; they are never mixed" in refused["reason"]
    assert observatory.contents() == contents


def test_what_a_killed_publish_missed_is_published_by_the_next_good_harvest(
    observatory: Observatory, replica: US
) -> None:
    observatory.harvest(replica.base_url, "--no-publish", clusters="22")  # as if killed between load and publish
    assert not (observatory.home / "published" / "latest").exists()
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"]) == (0, "unchanged")
    assert observatory.value(f"SELECT obs_value FROM observations WHERE cluster_id = '{HAWAII}' LIMIT 1") is not None
    release = observatory.manifest()["release_id"]
    assert observatory.harvest(replica.base_url, clusters="22")[1]["status"] == "unchanged"
    assert observatory.manifest()["release_id"] == release


def test_regions_are_renamed_retired_and_come_back(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url, clusters="22")
    observations = observatory.value(f"SELECT count(*) FROM observations WHERE cluster_id = '{HAWAII}'")

    def renamed(document: Document) -> Document:
        return document | {"name_t": "Hawaii  and its islands "} if document["id"] == "region/state/15" else document

    replica.app.mutate = renamed
    _, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert [harvest[f"rows_{what}"] for what in ("opened", "changed", "closed")] == [0, 1, 0]
    change = "SELECT old_value, new_value FROM changes WHERE table_name = 'regions' AND column_name = 'name'"
    assert observatory.sql(change) == [{"old_value": "Hawaii", "new_value": "Hawaii and its islands"}]
    published = "SELECT name_as_published FROM regions WHERE region_id = 'us:state:15'"
    assert observatory.value(published) == "Hawaii  and its islands "

    with urlopen(f"{replica.base_url}/meta/regions") as answer:  # noqa: S310  # loopback
        counts: dict[str, int] = json.load(answer)
    fewer = Response(json.dumps(counts | {"state": counts["state"] - 1}).encode())
    replica.faults.append(Fault("/data/meta/regions", answer=fewer))
    replica.app.mutate = lambda document: (
        None if "state" in document["id"] and document["region_code_t"] == "15" else document
    )
    _, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (harvest["status"], harvest["records"]) == ("accepted", 49)
    # The region, its one cell, and the observations of the cell; its five counties stay, and now belong to the country.
    assert [harvest[f"rows_{what}"] for what in ("opened", "changed", "closed")] == [0, 5, 2 + observations]
    ledger = f"SELECT id, status FROM id_ledger WHERE id IN ('us:state:15', '{HAWAII}') ORDER BY id"
    assert [row["status"] for row in observatory.sql(ledger)] == ["retired", "retired"]
    assert observatory.value("SELECT count(*) FROM regions WHERE region_id LIKE 'us:county:15%'") == 5
    ended = f"SELECT valid_to IS NOT NULL FROM cluster_history WHERE cluster_id = '{HAWAII}'"
    assert observatory.value(ended) is True

    replica.app.mutate = None
    _, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert [harvest[f"rows_{what}"] for what in ("opened", "changed", "closed")] == [2 + observations, 5, 0]
    assert [row["status"] for row in observatory.sql(ledger)] == ["current", "current"]


def test_a_later_year_of_the_states_closes_no_other_year_and_no_other_region(
    observatory: Observatory, replica: US
) -> None:
    parts = (
        "SELECT split_part(cluster_id, ':', 2) AS region_type, time_period, count(*) AS rows "
        "FROM observations GROUP BY ALL ORDER BY ALL"
    )
    observatory.harvest(replica.base_url, region_types="state,msa,county", clusters="22")
    before = observatory.sql(parts)
    assert [row["region_type"] for row in before] == ["county", "msa", "state"]
    _, harvest = observatory.harvest(replica.base_url, clusters="22", years="2017")
    assert (harvest["status"], harvest["records"], harvest["rows_closed"]) == ("accepted", 50, 0)
    assert [row for row in observatory.sql(parts) if row["time_period"] == "2016"] == before


def test_every_method_is_explained_and_every_name_is_clean(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url)
    untidy = "regexp_matches(name, '^\\s|\\s$|\\s\\s|,$')"
    for table in ("regions", "categories", "clusters"):
        assert observatory.sql(f"SELECT name FROM {table} WHERE {untidy}") == []
    kept = "SELECT count(*) FROM regions WHERE name <> name_as_published"
    assert observatory.value(kept) > 900
    kinds = "SELECT DISTINCT split_part(region_id, ':', 2) AS kind, country_code FROM clusters"
    assert observatory.sql(kinds) == [{"kind": "state", "country_code": "US"}]
    for (method,) in {tuple(row.values()) for row in observatory.sql("SELECT DISTINCT method FROM observations")}:
        where = f"SELECT cluster_id FROM observations WHERE method = '{method}' ORDER BY ALL LIMIT 1"
        code, found = observatory.run("trace", "observations", observatory.value(where), "--method", method)
        assert (code, found["method"]["method"]) == (0, method)


def test_a_year_of_nothing_but_placeholders_is_held_and_a_territory_is_not(observatory: Observatory) -> None:
    """A source lists a year before it has loaded it; Puerto Rico never has anything else."""
    with us.replica(region_types=("country", "state", "territory"), years=("2016",)) as replica:
        code, harvest = observatory.harvest(replica.base_url, region_types="territory")
        assert (code, harvest["status"], harvest["empty"]) == (0, "accepted", 67)
        replica.app.mutate = lambda document: document | ({"rec_count_tl": 0} if "rec_count_tl" in document else {})
        code, harvest = observatory.harvest(replica.base_url)
    assert (code, harvest["status"]) == (3, "held")
    assert "all 3,350 records of cells/state/2016 are placeholders for nothing" in harvest["reason"]


HEADER = "fipstate,fipscty,naics,empflag,emp_nf,emp,qp1_nf,qp1,ap_nf,ap,est"


def test_an_excerpt_replaces_only_itself_and_an_older_one_nothing(observatory: Observatory, tmp_path: Path) -> None:
    """Sums of another piece are other sums: the country of one would stand beside the states of the other."""

    def excerpt(name: str, *rows: str) -> tuple[int, dict[str, Any]]:
        file = tmp_path / name / "cbp16co.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
        code, document = observatory.run("harvest", "us.cbp", "--files", f"us.cbp={file}")
        return code, document["harvests"][0]

    def country() -> Any:  # noqa: ANN401  # a number
        where = "cluster_id = 'us.cbp:country:98:22' AND indicator = 'employment'"
        return observatory.value(f"SELECT obs_value FROM observations WHERE {where}")

    code, first = excerpt("first", "15,003,721110,,G,100,G,9,G,9,3")
    assert (code, first["status"], country()) == (0, "accepted", 100)
    code, second = excerpt("second", "15,003,721110,,G,200,G,9,G,9,3")
    assert (code, second["status"], country()) == (0, "accepted", 200)
    code, other = excerpt("other", "06,085,721110,,G,7,G,9,G,9,3", "06,069,721110,,G,7,G,9,G,9,3")
    assert (code, other["status"], country()) == (3, "held", 200)
    code, replayed = observatory.run("replay", "us.cbp", first["harvest_id"])
    assert (code, country()) == (3, 200)
    assert f"{second['harvest_id']} has the same scope and newer evidence" in replayed["harvests"][0]["reason"]


def test_what_was_accepted_with_a_hole_is_not_confirmed(observatory: Observatory) -> None:
    """The source says that nothing has changed; but what was missing may be there by now."""
    with us.replica(region_types=("country", "state"), years=("2016",)) as replica:
        replica.faults.append(Fault("/data/region/state/*", answer=Response(b"[]")))
        code, held = observatory.harvest(replica.base_url, clusters="22")
        assert (code, held["status"]) == (3, "held")
        assert observatory.run("accept", held["harvest_id"], "--reason", "a test")[0] == 0
        code, harvest = observatory.harvest(replica.base_url, clusters="22")
        assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)


def test_an_id_that_contradicts_its_fields_is_quarantined(observatory: Observatory) -> None:
    with us.replica(region_types=("country", "state"), years=("2016",)) as replica:
        wrong = {"id": "cluster/state/15/22/2015"}
        hawaii = "cluster/state/15/22/2016"
        replica.app.mutate = lambda document: document | (wrong if document.get("id") == hawaii else {})
        code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"], harvest["quarantined"]) == (3, "held", 1)
    code, entries = observatory.run("quarantine", FEED)
    assert code == 0
    assert f"id: expected {hawaii}, as the other fields say, got {wrong['id']}" in json.dumps(entries)
