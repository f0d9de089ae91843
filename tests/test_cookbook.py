"""The cookbook's twenty questions, on a release of a few rows whose answers can be reckoned by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import cookbook
from warehouse.schema import quoted
from warehouse.store import connect

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
QUESTIONS = cookbook.questions(PAGE)

pytestmark = pytest.mark.duckdb

HAWAII = "us:state:15"
EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


def put(connection: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows that name some of the columns of a table."""
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO {table} ({', '.join(map(quoted, row))}) VALUES ({marks})", [*row.values()])


def observed(cluster_id: str, indicator: str, value: float, method: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any column
    """Return an observation of 2016."""
    return {
        "cluster_id": cluster_id,
        "feed_id": cluster_id.split(":", maxsplit=1)[0],
        "harvest_id": "early",
        "indicator": indicator,
        "unit_kind": "firms" if indicator == "establishments" else "_Z",
        "unit_measure": "persons",
        "time_period": "2016",
        "method": method,
        "obs_value": value,
        "obs_status": "A",
    } | more


@pytest.fixture(scope="module")
def tiny() -> Iterator[duckdb.DuckDBPyConnection]:
    """Four states with two categories, a cell that two feeds tell of, one documented cluster, one programme."""
    with connect() as connection:
        connection.execute((ROOT / "docs" / "schema" / "ddl.sql").read_text("utf-8"))
        connection.execute("SET TimeZone = 'UTC'")
        put(
            connection,
            "feeds",
            {
                "feed_id": "us.cbp",
                "source_id": "us",
                "health": "ok",
                "records_found": 3,
                "records_expected": 4,
                "denominator": "as many as there are",
            },
        )
        put(connection, "sources", {"source_id": "us", "feed_id": "us", "status": "live"})
        put(
            connection,
            "harvests",
            {"harvest_id": "early", "feed_id": "us.cbp", "evidence_at": EARLY},
            {"harvest_id": "late", "feed_id": "us.clustermapping", "evidence_at": LATE},
        )
        put(
            connection,
            "categories",
            *(
                {"category_id": f"bcd:{code}", "feed_id": "ref.bcd", "scheme": "bcd", "name": name, "traded": True}
                for code, name in (("3", "Apparel"), ("4", "Automotive"))
            ),
        )
        workers = {"15": (100, 10), "01": (10, 100), "02": (20, 100), "04": (30, 100)}
        for state, of_categories in workers.items():
            put(connection, "regions", {"region_id": f"us:state:{state}", "feed_id": "ref", "name": f"State {state}"})
            for code, employment in zip(("3", "4"), of_categories, strict=True):
                cell = f"us.cbp:state:{state}:{code}"
                put(connection, "clusters", cell_of(cell))
                put(connection, "observations", observed(cell, "employment", employment, "us.cbp.employment"))
                accepted = (state, code) in {("15", "3"), ("01", "4")}
                put(connection, "cluster_identification", answer(cell, "us.strong.state", yes=accepted))
                put(connection, "cluster_identification", answer(cell, "us.strong.state", "2010", yes=True))
        cell = "us.clustermapping:state:15:3"
        put(connection, "clusters", cell_of(cell))
        put(connection, "cluster_identification", answer(cell, "us.strong.state", yes=True))
        published = observed(cell, "employment", 98, "us.employment.midpoints")
        put(connection, "observations", published | {"harvest_id": "late"})
        closed = {"obs_value": 95, "closed_by": "late", "valid_from": EARLY, "valid_to": LATE}
        put(connection, "observations_closed", published | closed)
        members = ["us.cbp:state:15:3", cell]
        put(
            connection,
            "global_clusters",
            {
                "global_cluster_id": f"global:{cell}",
                "feed_id": "derived",
                "members": members,
                "feeds": ["us.cbp", "us"],
            },
        )
        put(
            connection,
            "clusters",
            {
                "cluster_id": "paper.facts:rajkot",
                "feed_id": "paper.facts",
                "name": "Foundries of Rajkot",
                "kind": "documented",
                "country_code": "IN",
                "product": "castings",
                "product_class": "traditional",
                "product_class_basis": ["word:casting"],
                "themes": ["energy_intensive"],
            },
        )
        put(connection, "cluster_identification", answer("paper.facts:rajkot", "paper.documented", "undated", yes=True))
        total = {"feed_id": "derived", "kind": "all", "hub_category_id": "all", "rule_id": "all"}
        put(
            connection,
            "census",
            total | {"scope": "world", "found": 3, "deduplicated": 2, "low": 1, "high": 9, "coverage_note": "All."},
            total | {"scope": "country:US", "level": "us:state", "found": 3, "deduplicated": 2, "low": 1, "high": 3},
            total | {"scope": "country:IN", "found": 1, "deduplicated": 1, "low": 1, "high": 6400, "declared": 6400},
        )
        claim = {"feed_id": "paper.facts", "subject": "clusters", "unit": "clusters", "scope": "country:IN"}
        put(
            connection,
            "claims",
            claim | {"claim_id": "C002", "value": 6400, "qualifier": "about"},
            claim | {"claim_id": "C003", "value": 6000, "qualifier": "more_than", "contradicts": ["C002"]},
        )
        initiative = {"feed_id": "paper.facts", "kind": "scheme", "country_code": "IN"}
        put(
            connection,
            "initiatives",
            initiative
            | {"initiative_id": "one", "title": "Scheme one", "clusters_covered": 5, "objectives": ["employment"]},
            initiative | {"initiative_id": "two", "title": "Scheme two", "commitment_usd_net": 1000.5},
        )
        put(
            connection,
            "links",
            {"from_id": "one", "to_id": "paper.facts:rajkot", "relation": "serves", "decision": "accepted: named"},
        )
        yield connection


def cell_of(cluster_id: str) -> dict[str, Any]:
    """Return a cell of the hub in a state."""
    feed_id, _, state, code = cluster_id.split(":")
    return {
        "cluster_id": cluster_id,
        "feed_id": feed_id,
        "kind": "cell",
        "country_code": "US",
        "region_id": f"us:state:{state}",
        "category_id": f"bcd:{code}",
        "hub_category_id": f"bcd:{code}",
    }


def answer(cluster_id: str, rule_id: str, period: str = "2016", *, yes: bool) -> dict[str, Any]:
    """Return the answer of a rule."""
    feed_id = cluster_id.split(":", maxsplit=1)[0]
    keys = {"cluster_id": cluster_id, "feed_id": feed_id, "rule_id": rule_id}
    return keys | {"time_period": period, "is_cluster": yes}


NO_PARTS = "the feed has no figures of parts of the region"
ANSWERS: dict[int, list[tuple[Any, ...]]] = {
    1: [(None, 3, 2, 1, 9, "All.")],
    2: [("country:IN", None, 1, 1, 6400, 6400), ("country:US", "us:state", 2, 1, 3, None)],
    3: [("C002", "about", 6400, None, "documented", 1), ("C003", "more_than", 6000, None, "documented", 1)],
    4: [
        ("us.cbp", "us:state", "bcd", "us.strong.state", "2016", 2),
        ("us.clustermapping", "us:state", "bcd", "us.strong.state", "2016", 1),
    ],
    # 100 of 110 workers, where all states together have 160 of 470
    5: [("us.cbp", "Apparel", "2016", 100, 2.67, True)],
    6: [("us.cbp", "us:state", 1, "2016")],
    7: [("global:us.clustermapping:state:15:3", ["us.cbp:state:15:3", "us.clustermapping:state:15:3"])],
    8: [("Foundries of Rajkot", "castings", "traditional", ["word:casting"])],
    9: [("documented", "energy_intensive", 1)],
    10: [
        (
            "breadth",
            None,
            None,
            "us.strong.state",
            "no feed of this release says which categories are related to bcd:3",
        ),
        ("density", None, None, None, "establishments are not stated in the newest period"),
        ("depth", None, None, "us.cbp.employment", "the feed has no figures of subclusters of the category"),
        ("performance", None, None, "us.cbp.employment", "employment of one period only: 2016"),
        ("spread", None, None, "us.cbp.employment", NO_PARTS),
    ],
    11: [],
    12: [("state", "us.employment.midpoints", "us.cbp.employment", 1, None, 0.0204)],
    13: [(HAWAII, "bcd:3", 98, 100, 0.02)],
    14: [("us.cbp", "live", "ok", 3, 0.75)],
    15: [("us.cbp", 8), ("us.clustermapping", 1)],
    16: [
        ("2016", "us.employment.midpoints", 95, "A", False),
        ("2016", "us.employment.midpoints", 98, "A", True),
    ],
    17: [("IN", "paper.facts", "scheme", 2, 1, 1001)],
    18: [("Scheme one", "clusters covered", "exact", 5, None)],
    19: [
        ("cluster", False, "no start is stated", 1),
        ("policy", False, "none of its clusters is computable, most often: no start is stated", 1),
        ("programme", False, "no cluster is linked to it", 1),
        ("programme", False, "none of its clusters is computable, most often: no start is stated", 1),
    ],
    20: [("paper.facts", "undated", "employment", 1), ("paper.facts", "undated", None, 1)],
}


def test_there_are_twenty_questions_in_order() -> None:
    assert [question.number for question in QUESTIONS] == [*range(1, 21)] == [*ANSWERS]
    assert PAGE.count("```sql") == 20, "a query that is not read as a question"
    assert "DEMO DATA" in PAGE.split("## 1.")[0]


@pytest.mark.parametrize("question", QUESTIONS, ids=[str(question.number) for question in QUESTIONS])
def test_answer(tiny: duckdb.DuckDBPyConnection, question: cookbook.Question) -> None:
    assert tiny.execute(question.sql).fetchall() == ANSWERS[question.number]


@pytest.mark.parametrize("question", QUESTIONS, ids=[str(question.number) for question in QUESTIONS])
def test_the_page_shows_what_the_query_selects(tiny: duckdb.DuckDBPyConnection, question: cookbook.Question) -> None:
    head, rule, *rows = question.answer.splitlines()
    columns = [name for name, *_ in tiny.execute(question.sql).description]
    assert head == f"| {' | '.join(columns)} |", "run `make cookbook` on a demo release"
    assert rule.count("---") == len(columns)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == len(columns) + 1 for row in rows)


def test_answers_are_replaced_and_stay(tiny: duckdb.DuckDBPyConnection) -> None:
    page = "# A page\n\n## 1. One?\n\nA note.\n\n```sql\nSELECT 1.0 AS n, 'a|b' AS t, NULL AS x, ['c', 'd'] AS l\n```\n"
    once = cookbook.answered(tiny, page)
    assert once == page + "\n| n | t | x | l |\n| --- | --- | --- | --- |\n| 1.0 | a\\|b |  | c, d |\n"
    assert cookbook.answered(tiny, once.replace("a\\|b", "stale")) == once
    two = page + "\n## 2. Two?\n\n```sql\nSELECT true AS yes\n```\n"
    assert cookbook.answered(tiny, cookbook.answered(tiny, two)) == cookbook.answered(tiny, two)
    assert [question.answer[-8:] for question in cookbook.questions(cookbook.answered(tiny, two))] == [
        "  | c, d |"[-8:],
        "| true |",
    ]


# The views that the cookbook reads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "employment"),
    [("2019-12-31", []), ("2020-01-01", [95]), ("2020-12-31 23:59:59", [95]), ("2021-01-01", [98])],
)
def test_as_of_a_time_one_value_holds(tiny: duckdb.DuckDBPyConnection, moment: str, employment: list[float]) -> None:
    rows = tiny.execute(
        "SELECT obs_value FROM as_of(?::TIMESTAMP) WHERE cluster_id = 'us.clustermapping:state:15:3'", [moment]
    ).fetchall()
    assert [value for (value,) in rows] == employment


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_a_time_is_the_same_in_every_zone(tiny: duckdb.DuckDBPyConnection, zone: str) -> None:
    asked = "SELECT obs_value FROM as_of({}) WHERE cluster_id = 'us.clustermapping:state:15:3'"
    tiny.execute(f"SET TimeZone = '{zone}'")
    try:
        for moment, value in (
            ("TIMESTAMPTZ '2020-12-31 23:59:59+00'", 95),
            ("TIMESTAMPTZ '2021-01-01 02:00:00+02'", 98),
            ("TIMESTAMP '2021-01-01'", 98),
            ("DATE '2020-12-31'", 95),
            ("'2021-01-01'", 98),
        ):
            assert tiny.execute(asked.format(moment)).fetchall() == [(value,)], moment
    finally:
        tiny.execute("SET TimeZone = 'UTC'")


def test_current_clusters_are_named_with_their_rules(tiny: duckdb.DuckDBPyConnection) -> None:
    rows = tiny.execute(
        "SELECT cluster_id, region_name, hub_category_name, time_period, method, global_cluster_id IS NOT NULL "
        "FROM clusters_current ORDER BY cluster_id"
    ).fetchall()
    assert rows == [
        ("paper.facts:rajkot", None, None, "undated", "paper.documented", False),
        ("us.cbp:state:01:4", "State 01", "Automotive", "2016", "us.strong.state", False),
        ("us.cbp:state:15:3", "State 15", "Apparel", "2016", "us.strong.state", True),
        ("us.clustermapping:state:15:3", "State 15", "Apparel", "2016", "us.strong.state", True),
    ]
    caveats = tiny.execute("SELECT caveat FROM clusters_current WHERE cluster_id = 'us.cbp:state:01:4'").fetchall()
    assert caveats == [
        (
            (
                "A region of one level × an activity; regions of other levels may contain it. "
                "Not counted in the census: of each country one feed, level, rule and set of categories is."
            ),
        )
    ]


def test_initiatives_say_how_many_state_no_money(tiny: duckdb.DuckDBPyConnection) -> None:
    assert tiny.execute(
        "SELECT first_year, commitment_usd_net, commitment_usd_gross, caveat FROM initiatives_by_country"
    ).fetchall() == [(None, 1000.5, None, "1 of 2 state no net commitment.")]
