"""The spider of us.clustermapping against each behaviour of the real server: the table in docs/sources/us.md 1.4."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

import pytest
from conftest import FEED, Observatory
from hypothesis import given
from hypothesis import strategies as st

from crawlers import harvest as harvests
from crawlers.source import feeds
from crawlers.us.clustermapping import Choice, Part, plan
from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping
from replicas.us import replica as make_replica

US = Replica[ClusterMapping]
Document = dict[str, Any]

CELLS = "/data/region/state/all/2016/22"
LISTED = [str(year) for year in range(1998, 2017)]
CLUSTERS = {str(code): 1 for code in (*range(1, 52), *range(101, 117))}
ALL = Choice("cells", "all", CLUSTERS)
REGIONS = {"country": 3, "state": 50, "territory": 1, "economic": 180, "msa": 917, "county": 3221}
PAGE = 70_000


def paths(replica: US) -> list[str]:
    """The paths of all requests below the base address, in order."""
    return [request.path.removeprefix("/data") for request in replica.requests]


def starts(replica: US, path: str = CELLS) -> list[str]:
    """The `start` of each request for a path."""
    return [request.query["start"] for request in replica.requests if request.path == path and request.query]


def answer_of(replica: US, path: str) -> bytes:
    """What the replica answers to a path."""
    with urlopen(replica.base_url + path) as answer:  # noqa: S310  # loopback
        body: bytes = answer.read()
    return body


# --- the plan


def test_all_years_are_asked_for_in_as_few_answers_as_fit() -> None:
    parts = {kind: list(plan(kind, regions, LISTED, LISTED, ALL, PAGE)) for kind, regions in REGIONS.items()}
    assert {kind: len(each) for kind, each in parts.items()} == {
        "country": 1,
        "state": 1,
        "territory": 1,
        "economic": 4,
        "msa": 19,
        "county": 67,
    }
    assert parts["state"] == [Part("/region/state/all/all/all", 63_650, 3350)]
    assert parts["economic"][0] == Part("/region/economic/all/1998,1999,2000,2001,2002/all", 60_300, 12_060)
    assert parts["msa"][-1] == Part("/region/msa/all/2016/all", 61_439, 61_439)
    assert parts["county"][21] == Part("/region/county/all/all/22", 61_199, 3221)
    assert all((part.expected or 0) <= PAGE for each in parts.values() for part in each)
    assert sum(part.expected or 0 for each in parts.values() for part in each) == 4372 * 67 * 19


def test_one_year_is_asked_for_in_one_answer_for_each_region_type() -> None:
    kinds = feeds()[FEED].settings({})[1]["region_types"]
    assert [part.path for kind in kinds for part in plan(kind, REGIONS[kind], ["2016"], LISTED, ALL, PAGE)] == [
        f"/region/{kind}/all/2016/all" for kind in ("country", "state", "economic", "msa")
    ]
    assert [part.expected for part in plan("county", 3221, ["2016"], LISTED, ALL, PAGE)] == [215_807]  # in four pages


@given(
    kind=st.sampled_from([*REGIONS]),
    regions=st.integers(1, 4000),
    years=st.lists(st.sampled_from(LISTED), min_size=1, unique=True).map(sorted),
    codes=st.lists(st.sampled_from([*CLUSTERS]), min_size=1, unique=True),
    page_size=st.integers(1, 100_000),
)
def test_no_plan_leaves_out_a_region_code_or_a_record(
    kind: str, regions: int, years: list[str], codes: list[str], page_size: int
) -> None:
    choice = Choice("cells", ",".join(codes), dict.fromkeys(codes, 1))
    asked = []
    for part in plan(kind, regions, years, LISTED, choice, page_size):
        _, region, of_kind, code, period, clusters = part.path.split("/")
        assert (region, of_kind, code) == ("region", kind, "all")
        group = LISTED if period == "all" else period.split(",")
        asked += [(year, cluster) for year in group for cluster in clusters.split(",")]
        assert part.expected == regions * len(group) * len(clusters.split(","))
    assert sorted(asked) == sorted((year, code) for year in years for code in codes)


# --- nothing has changed


def test_an_unchanged_source_is_asked_three_small_questions(observatory: Observatory, replica: US) -> None:
    _, first = observatory.harvest(replica.base_url, clusters="22")
    release = observatory.manifest()["release_id"]
    before = harvests.read(observatory.home, first["harvest_id"])
    assert before.change_marker == f"loaded at {replica.app.timestamp}; years 2016, 2017"
    replica.requests.clear()
    code, second = observatory.harvest(replica.base_url, clusters="22")
    assert (code, second["status"], second["requests"]) == (0, "unchanged", 3)
    assert [request.target for request in replica.requests] == [
        "/robots.txt",
        "/data/meta/years",
        "/data/region/country/98/2017/1",
    ]
    assert first["harvest_id"] in second["reason"]
    assert observatory.manifest()["release_id"] == release
    after = harvests.read(observatory.home, second["harvest_id"])
    assert (after.confirms, after.change_marker) == (first["harvest_id"], before.change_marker)
    assert (after.scope, after.records, after.records_expected, after.empty, after.dropped) == (
        before.scope,
        before.records,
        before.records_expected,
        before.empty,
        before.dropped,
    )
    told = {feed["feed_id"]: feed for feed in observatory.run("status")[1]["feeds"]}[FEED]
    assert (told["health"], told["last_harvest_id"], told["records_found"]) == ("ok", after.harvest_id, 50)
    # A third one confirms the first, which has the evidence, and so does a replay of the second.
    _, third = observatory.harvest(replica.base_url, clusters="22")
    assert harvests.read(observatory.home, third["harvest_id"]).confirms == first["harvest_id"]
    _, document = observatory.run("replay", FEED, second["harvest_id"])
    replayed = harvests.read(observatory.home, document["harvests"][0]["harvest_id"])
    assert (replayed.replay_of, replayed.status, replayed.records) == (first["harvest_id"], "unchanged", 50)
    assert replayed.change_marker == before.change_marker
    observatory.run("publish", "--profile", "local")
    replica.app.mutate = lambda document: document | {"patent_count_tf": 3} if "lq_tf" in document else document
    assert observatory.harvest(replica.base_url, clusters="22")[1]["status"] == "accepted"
    ledger = observatory.sql(
        "SELECT harvest_id, status, requests, records, len(scope) AS parts FROM harvests ORDER BY 1"
    )
    assert ledger[1] == {
        "harvest_id": second["harvest_id"],
        "status": "unchanged",
        "requests": 3,
        "records": 50,
        "parts": len(before.scope),
    }


def test_what_may_have_changed_is_asked_for_whole(observatory: Observatory, replica: US) -> None:
    """A new load, other years, other parameters, `full`."""

    def bulk(**parameters: str) -> bool:
        replica.requests.clear()
        code, _ = observatory.harvest(replica.base_url, "--no-publish", **{"clusters": "22"} | parameters)
        assert code == 0
        return CELLS in [request.path for request in replica.requests]

    assert bulk()
    assert not bulk()
    assert bulk(full="true")
    assert not bulk()
    replica.app.timestamp = "2030-01-01T00:00:00.000Z"
    assert bulk()
    assert not bulk(clusters="22,1,2")  # another path, and then the newest good harvest is another one
    assert bulk()
    assert not bulk()
    replica.faults.append(Fault("/data/meta/years", answer=Response(b'["2015", "2016", "2017"]')))
    assert bulk()


def test_a_lost_warehouse_is_not_confirmed(observatory: Observatory, replica: US) -> None:
    _, first = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    (observatory.home / "warehouse.duckdb").unlink()
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    assert (code, harvest["status"]) == (1, "failed")
    assert f"observatory replay {FEED} {first['harvest_id']}" in harvest["reason"]
    assert observatory.run("replay", FEED, first["harvest_id"], "--no-publish")[1]["harvests"][0]["rows_opened"] > 0
    assert observatory.harvest(replica.base_url, "--no-publish", clusters="22")[1]["status"] == "unchanged"


def test_a_source_without_a_load_time_is_read_whole_with_a_warning(observatory: Observatory, replica: US) -> None:
    replica.faults.append(Fault("*/region/country/98/*", times=2, answer=Response(b"[]")))
    for status in ("accepted", "unchanged"):
        _, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
        assert (harvest["status"], harvest["records"]) == (status, 50)
        assert "expected one record with a timestamp, got []" in harvest["warnings"][0]
    assert starts(replica) == ["0", "0"]


def test_a_load_in_the_midst_of_a_harvest_is_doubted(observatory: Observatory, replica: US) -> None:
    old = answer_of(replica, "/region/country/98/2017/1")
    replica.faults.append(Fault("*/region/country/98/*", answer=Response(old)))
    replica.app.timestamp = "2030-01-01T00:00:00.000Z"
    code, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (code, harvest["status"]) == (3, "held")
    assert "it may be of two loads" in harvest["reason"]


# --- pages


def test_a_server_that_ignores_limit_is_read_once(observatory: Observatory, replica: US) -> None:
    replica.faults.append(
        Fault(f"{CELLS}?limit=20*", times=99, answer=Response(answer_of(replica, "/region/state/all/2016/22")))
    )
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22", page_size="20")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    assert starts(replica) == ["0"]


def test_a_server_that_cuts_below_our_limit_is_asked_for_the_rest(observatory: Observatory, replica: US) -> None:
    def cut(start: int) -> Response:
        return Response(answer_of(replica, f"/region/state/all/2016/22?start={start}&limit=20&sort=id%20asc"))

    answers = {start: cut(start) for start in (0, 20, 40)}
    replica.requests.clear()
    replica.faults += [Fault(f"{CELLS}?limit=70000&start={start}&*", answer=each) for start, each in answers.items()]
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    assert starts(replica) == ["0", "20", "40"]


def test_an_answer_that_stays_short_is_held(observatory: Observatory, replica: US) -> None:
    replica.app.mutate = lambda document: None if document["id"] == "cluster/state/15/22/2016" else document
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    assert (code, harvest["status"]) == (3, "held")
    assert "cells/state/2016 has 49 of 50 records" in harvest["reason"]
    assert starts(replica) == ["0", "49"]  # the rest is asked for, and does not come


def test_every_page_is_asked_for_with_limit_start_and_sort_one_at_a_time(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url, "--no-publish", clusters="22", page_size="20")
    pages = [request.query for request in replica.requests if request.path == CELLS]
    assert pages == [{"limit": "20", "start": start, "sort": "id asc"} for start in ("0", "20", "40")]
    codes = [path.split("/")[3] for path in paths(replica) if path.startswith("/region/")]
    assert codes == ["98", "all", "all", "all"]
    feed = feeds()[FEED]
    assert (feed.politeness.delay, feed.politeness.timeout) == (5.0, 120.0)
    assert feed.settings({})[1]["page_size"] == ("70000",)


# --- years, region types, subclusters, aggregates


def test_all_years_in_one_answer_and_years_not_listed_are_dropped(observatory: Observatory) -> None:
    kinds = ("country", "state", "territory")
    with make_replica(region_types=kinds, years=["2016", "2017"], unlisted_years=["2018", "2019"]) as server:
        code, harvest = observatory.harvest(
            server.base_url, years="all", clusters="22,101", region_types="state,country,territory"
        )
        assert (code, harvest["status"], harvest["dropped"]) == (0, "accepted", 2424 + 54 * 2 * 2)
        asked = [path for path in paths(server) if "/all/all/" in path]
        assert sorted(asked) == [f"/region/{kind}/all/all/22,101" for kind in ("country", "state", "territory")]
    assert observatory.sql("SELECT DISTINCT time_period FROM observations ORDER BY 1") == [
        {"time_period": "2016"},
        {"time_period": "2017"},
    ]
    # Series break: from 2017 on each value has status B, and what is unknown stays O.
    statuses = observatory.sql(
        "SELECT time_period, obs_value IS NULL AS unknown, list(DISTINCT obs_status ORDER BY obs_status) AS statuses "
        "FROM observations GROUP BY ALL ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in statuses] == [
        ("2016", False, ["A", "E"]),
        ("2016", True, ["O"]),
        ("2017", False, ["B"]),
        ("2017", True, ["O"]),
    ]


def test_subclusters_and_aggregates_on_request(observatory: Observatory, replica: US) -> None:
    parameters = {"clusters": "22", "subclusters": "all", "aggregates": "all"}
    code, harvest = observatory.harvest(replica.base_url, **parameters)
    assert (code, harvest["status"], harvest["warnings"]) == (0, "accepted", [])
    assert harvest["records"] == 50 * (1 + 7)  # hospitality and tourism has seven subclusters
    asked = [path for path in paths(replica) if path.startswith("/region/state")]
    assert asked.count("/region/state/all/2016/22/all") == asked.count("/region/state/all/2016") == 1
    record = harvests.read(observatory.home, harvest["harvest_id"])
    assert {"cells/state/2016/22", "cells/state/2016/22.01", "aggregates/state/2016"} <= set(record.scope)
    category = "SELECT category_id FROM clusters WHERE cluster_id = 'us.clustermapping:state:15:22.01'"
    assert observatory.value(category) == "bcd:22.01"
    # The parts make up the whole.
    sums = observatory.sql(
        "SELECT indicator, sum(obs_value) FILTER (cluster_id LIKE '%.%.%') AS parts, "
        "sum(obs_value) FILTER (cluster_id NOT LIKE '%.%.%') AS whole FROM observations "
        "WHERE (cluster_id LIKE 'us.clustermapping:state:15:22.%' OR cluster_id = 'us.clustermapping:state:15:22') "
        "AND indicator IN ('employment', 'establishments', 'payroll_annual') GROUP BY 1"
    )
    assert len(sums) == 3
    assert all(row["parts"] == row["whole"] for row in sums)
    totals = observatory.sql(
        "SELECT indicator, split_part(method, '.', 4) AS base, obs_value FROM observations "
        "WHERE cluster_id = 'us.clustermapping:state:15:all' AND indicator <> 'wage_average'"
    )
    values = {(row["indicator"], row["base"]): row["obs_value"] for row in totals}
    document = json.loads(answer_of(replica, "/region/state/15/2016"))
    assert values["employment", "total"] == document["emp_tl"]
    assert values["payroll_annual", "traded"] == document["ap_traded_tl"] * 1000
    for indicator in ("employment", "employment_reported", "establishments", "payroll_annual"):
        assert values[indicator, "total"] == values[indicator, "traded"] + values[indicator, "local"]
    cell = observatory.sql("SELECT category_id, hub_category_id, name FROM clusters WHERE cluster_id LIKE '%:15:all'")
    assert cell == [{"category_id": None, "hub_category_id": None, "name": "All clusters, Hawaii"}]
    method = "us.aggregate.employment.local"
    code, found = observatory.run(
        "trace", "observations", "us.clustermapping:state:15:all", "employment", "--method", method
    )
    assert (code, found["fields"]) == (
        0,
        [{"target": "employment", "field": "emp_local_tl", "raw": document["emp_local_tl"], "conversion": "as it is"}],
    )


def test_one_subcluster_by_its_code(observatory: Observatory, replica: US) -> None:
    _, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22,3", subclusters="01")
    assert (harvest["status"], harvest["records"]) == ("accepted", 50 * 4)
    assert "/region/state/all/2016/3,22/1" in paths(replica)


def test_an_aggregate_of_another_shape_is_read_as_far_as_it_goes(observatory: Observatory, replica: US) -> None:
    def bare(document: Document) -> Document:
        kept = ("id", "type_t", "region_type_t", "region_code_t", "year_t", "emp_tl", "est_tl", "timestamp")
        return {name: document[name] for name in kept} if document.get("type_t") == "aggregate" else document

    replica.app.mutate = bare
    code, harvest = observatory.harvest(replica.base_url, clusters="22", aggregates="all")
    assert (code, harvest["status"], harvest["quarantined"]) == (0, "accepted", 0)
    indicators = observatory.sql("SELECT DISTINCT indicator FROM observations WHERE cluster_id LIKE '%:all' ORDER BY 1")
    assert [row["indicator"] for row in indicators] == ["employment", "establishments"]


def test_region_types_come_one_at_a_time_and_equal_keys_are_two_regions(
    observatory: Observatory,
) -> None:
    with make_replica(region_types=("country", "msa", "economic"), years=["2016"]) as server:
        _, harvest = observatory.harvest(server.base_url, region_types="msa,economic", clusters="22")
        assert harvest["status"] == "accepted"
        assert sorted(path for path in paths(server) if path.endswith("/22")) == [
            "/region/economic/all/2016/22",
            "/region/msa/all/2016/22",
        ]
        keys = {
            kind: json.loads(answer_of(server, f"/region/{kind}/abilene_tx/2016/22"))["region_code_t"]
            for kind in ("msa", "economic")
        }
    ids = [f"us.clustermapping:{kind}:{code}:22" for kind, code in keys.items()]
    assert keys["msa"] != keys["economic"]
    assert observatory.value(f"SELECT count(*) FROM clusters WHERE cluster_id IN {tuple(ids)}") == 2
    names = observatory.sql(f"SELECT place FROM clusters WHERE cluster_id IN {tuple(ids)}")
    assert not any(row["place"] != row["place"].strip() or "  " in row["place"] for row in names)
    spoilt = "SELECT name, place FROM clusters WHERE cluster_id = 'us.clustermapping:msa:15860:22'"
    for row in observatory.sql(spoilt):
        assert row["name"] == "Hospitality and Tourism, Cañon City, CO"


def test_codes_keep_their_zeros_and_absent_keys_are_no_values(observatory: Observatory, replica: US) -> None:
    replica.app.mutate = lambda document: {
        key: value for key, value in document.items() if (document["id"], key) != ("cluster/state/01/22/2016", "lq_tf")
    }
    _, harvest = observatory.harvest(replica.base_url, clusters="22")
    assert (harvest["status"], harvest["quarantined"]) == ("accepted", 0)
    found = observatory.sql(
        "SELECT cluster_id, count(*) FILTER (indicator = 'location_quotient') AS quotients FROM observations "
        "WHERE cluster_id IN ('us.clustermapping:state:01:22', 'us.clustermapping:state:02:22') GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row.values()) for row in found] == [
        ("us.clustermapping:state:01:22", 0),
        ("us.clustermapping:state:02:22", 1),
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"region_types": "province"}, "us.clustermapping.region_types: expected country, state"),
        ({"years": "16"}, "us.clustermapping.years: expected years such as 2016"),
        ({"subclusters": "hotels"}, "us.clustermapping.subclusters: expected `none`"),
        ({"subclusters": "00"}, "us.clustermapping.subclusters: expected `none`"),
        ({"subclusters": "0"}, "us.clustermapping.subclusters: expected `none`"),
        ({"page_size": "70000,1"}, "us.clustermapping.page_size: expected one value, records .*; got 70000, 1$"),
        ({"aggregates": "none,all"}, "us.clustermapping.aggregates: expected one value, .*; got none, all$"),
        ({"full": "yes"}, "us.clustermapping.full: expected `true` asks"),
        ({"full": "true,false"}, "us.clustermapping.full: expected one value, .*; got true, false$"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(parameters: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        feeds()[FEED].settings(parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"years": "1950"}, "expected the years 1950, which were asked for, got only 2016, 2017"),
        ({"clusters": "999"}, "expected clusters 999, which were asked for, got only"),
        ({"clusters": "22", "subclusters": "99"}, "expected subclusters 22/99, which were asked for"),
    ],
)
def test_what_the_source_does_not_have_is_told_before_records_are_asked_for(
    observatory: Observatory, replica: US, parameters: dict[str, str], message: str
) -> None:
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", **parameters)
    assert (code, harvest["status"]) == (1, "partial")
    assert message in harvest["reason"]
    assert not [path for path in paths(replica) if path.startswith("/region/state")]


# --- answers that do not come, or are broken


def test_an_answer_that_does_not_come_in_time_is_told_and_asked_for_again(
    observatory: Observatory, replica: US
) -> None:
    replica.faults.append(Fault(f"{CELLS}*", times=2, delay=4))
    code, harvest = observatory.harvest(replica.base_url, clusters="22", timeout="2")
    assert (code, harvest["status"], harvest["rows_opened"]) == (1, "partial", 0)
    assert f"{CELLS}?" in harvest["reason"]
    assert "Timeout" in harvest["reason"]
    assert not (observatory.home / "published" / "latest").exists()
    assert [request.path for request in replica.requests].count(CELLS) == 2
    code, again = observatory.harvest(replica.base_url, clusters="22")
    assert (code, again["status"], again["harvest_id"]) == (0, "accepted", harvest["harvest_id"])


@pytest.mark.parametrize(
    "fault",
    [
        {"reset": True},
        {"answer": Response(b"<html>nginx</html>", 502, "text/html")},
        {"answer": Response(b"<html>nginx</html>", 504, "text/html")},
        {"answer": Response(b"")},
        {"answer": Response(b'[{"id":"cluster/state/01/22')},
    ],
    ids=["reset", "502", "504", "blank", "broken"],
)
def test_a_dead_worker_and_a_broken_answer_are_tried_again(
    observatory: Observatory, replica: US, fault: dict[str, Any]
) -> None:
    replica.faults += [Fault(pattern, **fault) for pattern in ("/data/meta/years", "/data/region/c*", f"{CELLS}*")]
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    asked = paths(replica)
    assert [
        asked.count(path) for path in ("/meta/years", "/region/country/98/2017/1", "/region/state/all/2016/22")
    ] == [
        2,
        2,
        2,
    ]


def test_an_unknown_route_is_told_with_its_address(observatory: Observatory, replica: US) -> None:
    code, harvest = observatory.harvest(replica.base_url + "/v2", "--no-publish", clusters="22")
    assert (code, harvest["status"]) == (1, "failed")
    assert harvest["reason"].endswith("/data/v2/meta/years: expected an answer, got HTTP 404")


def test_gzip_is_asked_for(observatory: Observatory, replica: US) -> None:
    observatory.harvest(replica.base_url, "--no-publish", clusters="22")
    assert {request.headers["accept-encoding"] for request in replica.requests} == {"gzip, deflate"}
