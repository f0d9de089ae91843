"""Monitoring and evaluation: an effect that was put in is found again, else the reason stands why none can be told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from warehouse import assemble, generate, schema
from warehouse.store import connect

pytestmark = pytest.mark.duckdb

YEARS = (2009, 2010, 2012, 2014, 2016)
START, END = date(2010, 1, 1), date(2013, 12, 31)


@pytest.fixture
def book() -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables of a release, with its macros and the view."""
    with connect() as connection:
        for table in schema.TABLES.values():
            connection.execute(schema.create_table(table))
        for path in sorted(assemble.MACROS.glob("*.sql")):
            connection.execute(path.read_text("utf-8"))
        connection.execute((generate.VIEWS / "monitoring_evaluation.sql").read_text("utf-8"))
        yield connection


def put(connection: duckdb.DuckDBPyConnection, table: str, **columns: Any) -> None:  # noqa: ANN401  # any column
    """Insert a row; what it does not state is null."""
    row = {"feed_id": "ref.test"} | columns
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])


def measure(connection: duckdb.DuckDBPyConnection, cluster_id: str, growth: float, **given: Any) -> None:  # noqa: ANN401
    """Make a cell whose employment is 1,000 before 2010 and grows to 1,000 × growth at the end."""
    put(
        connection,
        "clusters",
        **{"cluster_id": cluster_id, "kind": "cell", "region_id": f"us:msa:{cluster_id}", "hub_category_id": "bcd:4"}
        | given,
    )
    for year in YEARS:
        put(
            connection,
            "observations",
            cluster_id=cluster_id,
            indicator="employment",
            unit_kind="_Z",
            method="us.cbp.employment",
            time_period=str(year),
            unit_measure="persons",
            obs_status="A",
            obs_value=1000.0 if year == YEARS[0] else 1000.0 * growth,
            period_start=date(year, 1, 1),
            period_end=date(year, 12, 31),
        )


def support(connection: duckdb.DuckDBPyConnection, initiative_id: str, *cluster_ids: str, **given: Any) -> None:  # noqa: ANN401
    """Make a programme that serves clusters."""
    row = {"initiative_id": initiative_id, "country_code": "US", "start_date": START, "end_date": END} | given
    put(connection, "initiatives", **row)
    for cluster_id in cluster_ids:
        put(
            connection,
            "links",
            from_id=initiative_id,
            to_id=cluster_id,
            relation="serves",
            decision="accepted: by test",
        )


def rows(connection: duckdb.DuckDBPyConnection, level: str) -> list[tuple[Any, ...]]:
    """Return subject, n of clusters, of computable ones, the effect in per cent, and the reason."""
    return connection.execute(
        "SELECT subject_id, clusters, computable, round(100 * effect, 6), reason FROM monitoring_evaluation "
        "WHERE level_of_evaluation = ? ORDER BY subject_id",
        [level],
    ).fetchall()


@pytest.mark.parametrize("effect", [0.10, 0.0, -0.25])
def test_a_known_effect_is_found_again(book: duckdb.DuckDBPyConnection, effect: float) -> None:
    for number, growth in enumerate((1.1, 1.2, 1.5)):  # the median is 1.2
        measure(book, f"elsewhere-{number}", growth)
    measure(book, "state", 9.0, region_id="us:state:01")  # another level
    measure(book, "other trade", 9.0, hub_category_id="bcd:5")
    measure(book, "served", 1.2 * (1 + effect))
    measure(book, "served too", 1.2 * (1 + effect), region_id="us:msa:served-too")
    support(book, "programme:1", "served", "served too")
    assert rows(book, "cluster") == [
        ("served", 1, 1, pytest.approx(100 * effect), None),
        ("served too", 1, 1, pytest.approx(100 * effect), None),
    ]
    assert rows(book, "programme") == [("programme:1", 2, 2, pytest.approx(100 * effect), None)]
    assert rows(book, "policy") == [("country:US", 2, 2, pytest.approx(100 * effect), None)]
    [(baseline, during, after, follow_up, compared)] = book.execute(
        "SELECT (baseline_year, baseline), during, after, (follow_up_year, follow_up), comparison_clusters "
        "FROM monitoring_evaluation WHERE subject_id = 'served'"
    ).fetchall()
    grown = pytest.approx(1200 * (1 + effect))
    assert (baseline, during, after, follow_up, compared) == ((2009, 1000.0), grown, grown, (2016, grown), 3)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"start_date": None}, "no start is stated"),
        ({"end_date": None}, "no end is stated"),
        ({"start_date": date(2009, 6, 1)}, "no figure from before the start"),
        ({"end_date": date(2015, 1, 1)}, "no figure from at least two years after the end"),
    ],
)
def test_where_none_can_be_computed_the_reason_stands(
    book: duckdb.DuckDBPyConnection, given: dict[str, Any], reason: str
) -> None:
    measure(book, "elsewhere", 1.2)
    measure(book, "served", 1.2)
    support(book, "programme:1", "served", **given)
    assert rows(book, "cluster") == [("served", 1, 0, None, reason)]
    told = f"none of its clusters is computable, most often: {reason}"
    assert rows(book, "programme") == [("programme:1", 1, 0, None, told)]


def test_what_has_no_figures_no_peers_or_no_cluster_is_told(book: duckdb.DuckDBPyConnection) -> None:
    put(book, "clusters", cluster_id="listed", kind="surveyed", hub_category_id="bcd:9")
    measure(book, "alone", 1.2, hub_category_id="bcd:8")
    support(book, "programme:1", "listed")
    support(book, "programme:2", "alone")
    support(book, "programme:3")
    assert rows(book, "cluster") == [
        ("alone", 1, 0, None, "no cluster of the category elsewhere has figures of both years"),
        ("listed", 1, 0, None, "the cluster has no figures with a period"),
    ]
    assert rows(book, "programme")[-1] == ("programme:3", 0, 0, None, "no cluster is linked to it")


def test_a_surveyed_cluster_is_measured_by_the_cell_it_is_united_with(book: duckdb.DuckDBPyConnection) -> None:
    measure(book, "elsewhere", 1.0)
    measure(book, "cell", 1.1)
    put(book, "clusters", cluster_id="listed", kind="surveyed", hub_category_id="bcd:4")
    put(book, "global_clusters", global_cluster_id="global:listed", members=["cell", "listed"])
    support(book, "programme:1", "listed")
    assert rows(book, "programme") == [("programme:1", 1, 1, pytest.approx(10), None)]


def test_a_link_that_the_source_itself_states_is_evaluated_on_every_level(book: duckdb.DuckDBPyConnection) -> None:
    """Run the derive step that writes the links, so that its words are those that the view reads."""
    app = {"feed_id": "in.msecdp", "country_code": "IN"}
    for name in ("in.msecdp:gujarat:rajkot:brass", "in.msecdp:gujarat:morbi:clocks"):
        put(book, "clusters", cluster_id=name, kind="documented", **app)
    for name in (
        "rajkot:brass:2022-01-05",
        "rajkot:brass:undated:2",
        "morbi:clocks:2022-02-06",
        "nowhere:locks:undated",
    ):
        put(book, "initiatives", initiative_id=f"in.msecdp:gujarat:{name}", **app)
    book.execute("CREATE SCHEMA release")
    for table in ("links", "initiatives", "clusters"):
        book.execute(f"CREATE VIEW release.{table} AS FROM main.{table}")
    program = (assemble.DERIVE / "initiative_links.sql").read_text("utf-8")
    book.execute(program.replace("INSERT INTO release.links", "INSERT INTO main.links"))
    none = "none of its clusters is computable, most often: no start is stated"
    assert rows(book, "cluster") == [
        ("in.msecdp:gujarat:morbi:clocks", 1, 0, None, "no start is stated"),
        *[("in.msecdp:gujarat:rajkot:brass", 1, 0, None, "no start is stated")] * 2,
    ]
    assert rows(book, "programme") == [
        ("in.msecdp:gujarat:morbi:clocks:2022-02-06", 1, 0, None, none),
        ("in.msecdp:gujarat:nowhere:locks:undated", 0, 0, None, "no cluster is linked to it"),
        ("in.msecdp:gujarat:rajkot:brass:2022-01-05", 1, 0, None, none),
        ("in.msecdp:gujarat:rajkot:brass:undated:2", 1, 0, None, none),
    ]
    assert rows(book, "policy") == [("country:IN", 2, 0, None, none)]


def test_a_link_that_was_refused_serves_nothing(book: duckdb.DuckDBPyConnection) -> None:
    measure(book, "served", 1.2)
    support(book, "programme:1")
    put(book, "links", from_id="programme:1", to_id="served", relation="serves", decision="refused: another town")
    assert rows(book, "programme") == [("programme:1", 0, 0, None, "no cluster is linked to it")]
