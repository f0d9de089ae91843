"""The typology of the founding paper: product classes by rule, and spread, density, breadth, depth, performance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import assemble
from warehouse.schema import TABLES, create_table, literal, quoted
from warehouse.store import connect

DDL = Path(__file__).parents[1] / "docs" / "schema" / "ddl.sql"

pytestmark = pytest.mark.duckdb


def put(connection: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows that name some of the columns of a table."""
    for row in rows:
        named = {"feed_id": "us.cbp"} | row
        names = ", ".join(map(quoted, named))
        marks = ", ".join("?" for _ in named)
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*named.values()])


# Product classes ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def classify() -> Iterator[duckdb.DuckDBPyConnection]:
    """Make a release with the tables that the rule reads."""
    with connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in TABLES.values():
            connection.execute(create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        path = literal(str(assemble.DERIVE / assemble.JUDGED["product_class_rule"]))
        connection.execute(f"CREATE TEMP TABLE product_class_rule AS FROM read_csv({path}, all_varchar = true)")
        yield connection


@pytest.mark.parametrize(
    ("columns", "found", "basis"),
    [
        ({"product": "Handloom textiles"}, "handloom", ["word:handloom", "word:textile"]),
        ({"product": "Handlooms & handicrafts"}, "micro", ["word:handicraft", "word:handloom"]),
        ({"product": "Terracotta"}, "handicraft", ["word:terracotta"]),
        ({"product": "Coir products"}, "micro", ["word:coir"]),
        ({"product": "Castings and forgings"}, "traditional", ["word:casting", "word:forging"]),
        ({"product": "agricultural biotechnology"}, "high_tech", ["word:biotechnology"]),
        ({"product": "Electronics and textiles"}, None, ["word:electronic", "word:textile"]),
        ({"product": "Textile machinery"}, None, None),  # machinery has no class
        ({"product": "bioplastic"}, None, None),
        ({"name": "Brass Parts Cluster"}, "traditional", ["word:brass part"]),
        ({"name": "Brass Parts Cluster", "product": "bolts"}, None, None),  # the product goes before the name
        ({"product": "bolts", "hub_category_id": "bcd:12"}, "traditional", ["category:bcd:12"]),
        ({"product": "Software", "hub_category_id": "bcd:6"}, "high_tech", ["word:software"]),
        ({"product": "pumps", "hub_category_id": "bcd:40"}, None, None),
        ({"kind": "cell", "name": "Textile", "hub_category_id": "bcd:22.01"}, "service", ["category:bcd:22"]),
        ({"product": "Textiles", "product_class": "handicraft"}, "handicraft", None),  # as the source states it
    ],
)
def test_product_class(
    classify: duckdb.DuckDBPyConnection, columns: dict[str, str], found: str | None, basis: list[str] | None
) -> None:
    classify.execute("DELETE FROM release.clusters")
    put(classify, "release.clusters", {"cluster_id": "one", "kind": "surveyed"} | columns)
    for step in ("themes", "product_class"):
        classify.execute((assemble.DERIVE / f"{step}.sql").read_text("utf-8"))
    assert classify.execute("SELECT product_class, product_class_basis FROM release.clusters").fetchall() == [
        (found, basis)
    ]


def test_rules_name_known_classes_and_categories_once() -> None:
    rows = duckdb.read_csv(str(assemble.DERIVE / "product_classes.csv"), all_varchar=True).fetchall()
    names = [(kind, name) for kind, listed, *_ in rows for name in listed.split("|")]
    assert len({*names}) == len(names) > 100
    assert {row[2] for row in rows} - {None} == {*TABLES["clusters"].by_name["product_class"].codes}
    assert {kind for kind, _ in names} == {"word", "category"}
    assert all(name in {f"bcd:{number}" for number in range(1, 52)} for kind, name in names if kind == "category")


# Structure ------------------------------------------------------------------------------------------------------------

RELATED = ("bcd:5", "bcd:6", "bcd:7")


def fact(cluster_id: str, indicator: str, value: float | None, period: str = "2016", **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any column
    """Return an observation."""
    firms = indicator == "establishments"
    return {
        "cluster_id": cluster_id,
        "indicator": indicator,
        "unit_kind": "firms" if firms else "_Z",
        "time_period": period,
        "method": f"us.cbp.{indicator}",
        "unit_measure": "establishments" if firms else "persons",
        "obs_value": value,
        "obs_status": "A",
    } | more


def answer(cluster_id: str, rule_id: str, period: str = "2016", *, yes: bool = True) -> dict[str, Any]:
    """Return the answer of a rule."""
    return {"cluster_id": cluster_id, "rule_id": rule_id, "time_period": period, "is_cluster": yes}


@pytest.fixture(scope="module")
def book() -> Iterator[duckdb.DuckDBPyConnection]:
    """Automotive cells of six metropolitan areas in 2014 and 2016, of their counties, and a cluster that is listed."""
    with connect() as connection:
        connection.execute(DDL.read_text("utf-8"))
        put(
            connection,
            "categories",
            {"category_id": "bcd:4", "scheme": "bcd", "traded": True},
            *(
                {"category_id": f"bcd:4.0{number}", "scheme": "bcd", "parent_category_id": "bcd:4"}
                for number in range(1, 5)
            ),
        )
        put(
            connection,
            "category_mappings",
            *({"from_category_id": "bcd:4", "to_category_id": to, "relation": "relatedMatch"} for to in RELATED),
            {"from_category_id": "bcd:4", "to_category_id": "bcd:9", "relation": "closeMatch"},
            {"from_category_id": "bcd:4", "to_category_id": "bcd:4", "relation": "relatedMatch"},
        )
        #     employment 2014, 2016, establishments; the median growth is 1.2, that of establishments 30
        areas = {
            1: (100, 150, 60),
            2: (100, 120, 30),
            3: (100, 120, 30),
            4: (100, 90, 20),
            5: (100, 120, 15),
            6: (100, 140, 40),
        }
        for number, (before, now, firms) in areas.items():
            region, cell = f"us:msa:{number}", f"us.cbp:msa:{number}:4"
            members = [f"us:county:{number}1"] if number == 3 else [f"us:county:{number}1", f"us:county:{number}2"]
            put(connection, "regions", {"region_id": region, "member_region_ids": members})
            put(connection, "clusters", cell_of(cell, region, "bcd:4"))
            put(
                connection,
                "observations",
                fact(cell, "employment", before, "2014"),
                fact(cell, "employment", now, obs_status="B" if number == 5 else "A"),
                fact(cell, "establishments", firms),
                fact(cell, "establishments", 999, "2014"),
                fact(cell, "location_quotient", 1.5 if number == 6 else 0.5, unit_measure="ratio"),
            )
            put(connection, "cluster_identification", answer(cell, "us.strong.msa", "2014"))
            put(connection, "cluster_identification", answer(cell, "us.strong.msa", yes=number != 6))
        for county, now in (("11", 90), ("12", 60), ("21", 40), ("22", 50), ("31", 120), ("41", 44), ("42", 46)):
            cell = f"us.cbp:county:{county}:4"
            put(connection, "clusters", cell_of(cell, f"us:county:{county}", "bcd:4"))
            put(connection, "observations", fact(cell, "employment", now))
            put(connection, "observations", fact(cell, "employment", 9999, method="us.cbp.other"))
        for number, category in ((1, "bcd:5"), (1, "bcd:6"), (1, "bcd:9"), (2, "bcd:5"), (2, "bcd:6")):
            cell = f"us.cbp:msa:{number}:{category[4:]}"
            put(connection, "clusters", cell_of(cell, f"us:msa:{number}", category))
            yes = (number, category) != (2, "bcd:6")
            put(connection, "cluster_identification", answer(cell, "us.strong.msa", yes=yes))
            put(connection, "cluster_identification", answer(cell, "us.strong10.msa", yes=False))
        for number, subclusters in ((1, (1, 2, 3)), (2, (1,)), (3, ())):
            for sub in subclusters:
                cell = f"us.cbp:msa:{number}:4.0{sub}"
                put(connection, "clusters", cell_of(cell, f"us:msa:{number}", f"bcd:4.0{sub}"))
                put(connection, "observations", fact(cell, "employment", 10))
        put(
            connection,
            "clusters",
            {
                "cluster_id": "in.observatory:1",
                "feed_id": "in.observatory",
                "kind": "surveyed",
                "product": "auto parts",
            },
        )
        put(connection, "cluster_identification", answer("in.observatory:1", "survey.listed", "undated"))
        text = cell_of("paper.facts:1", "us:msa:1", "bcd:4") | {"kind": "documented", "feed_id": "paper.facts"}
        put(connection, "clusters", text)
        put(connection, "cluster_identification", answer("paper.facts:1", "paper.documented", "undated"))
        put(connection, "organisations", *({"organisation_id": f"body:{number}"} for number in range(4)))
        put(
            connection,
            "links",
            *(
                {"from_id": f"body:{number}", "to_id": "in.observatory:1", "relation": "serves", "decision": decision}
                for number, decision in enumerate(["accepted: a", "accepted: b", "accepted: c", "refused: by hand"])
            ),
        )
        yield connection


def cell_of(cluster_id: str, region_id: str, category_id: str) -> dict[str, Any]:
    """Return a cell of the hub."""
    return {
        "cluster_id": cluster_id,
        "kind": "cell",
        "country_code": "US",
        "region_id": region_id,
        "category_id": category_id,
        "hub_category_id": category_id,
    }


def structure(connection: duckdb.DuckDBPyConnection, dimension: str) -> dict[str, tuple[Any, ...]]:
    """Return the last two parts of the id of each automotive cell (or the id) → value, class, n, reason."""
    rows = connection.execute(
        "SELECT regexp_extract(cluster_id, '[^:]+:[^:]+$'), round(value, 6), class, n, reason FROM cluster_structure "
        "WHERE dimension = ? AND (category_id = 'bcd:4' OR kind = 'surveyed') AND kind <> 'documented' ORDER BY ALL",
        [dimension],
    ).fetchall()
    assert len({key for key, *_ in rows}) == len(rows)
    return {key: tuple(rest) for key, *rest in rows}


def test_spread_is_the_share_of_the_greatest_part(book: duckdb.DuckDBPyConnection) -> None:
    silent = "the feed has no figures of parts of the region"
    assert structure(book, "spread") == {
        "1:4": (0.6, "localised", 2, None),
        "2:4": (None, None, 2, "the parts hold 75 % of the employment of the region, not 80 to 120 %"),
        "3:4": (None, None, 1, "the region has one part only"),
        "4:4": (round(46 / 90, 6), "localised", 2, None),
        "5:4": (None, None, None, silent),
        "6:4": (None, None, None, silent),
        "in.observatory:1": (
            None,
            None,
            None,
            "no employment by parts of its region is known: it was surveyed or documented",
        ),
    }


def test_density_is_beside_the_median_of_the_level(book: duckdb.DuckDBPyConnection) -> None:
    found = structure(book, "density")
    assert {key: row[:3] for key, row in found.items()} == {
        "1:4": (2.0, "dense", 6),
        "2:4": (1.0, "dense", 6),
        "3:4": (1.0, "dense", 6),
        "4:4": (round(2 / 3, 6), "sparse", 6),
        "5:4": (0.5, "sparse", 6),
        "6:4": (round(4 / 3, 6), "dense", 6),
        "in.observatory:1": (None, None, None),
    }
    assert found["in.observatory:1"][3] == "establishments are not stated in the newest period"


def test_breadth_counts_related_categories_that_the_rule_accepts(book: duckdb.DuckDBPyConnection) -> None:
    found = structure(book, "breadth")
    assert found["1:4"] == (2, "broad", 3, None)  # 5 and 6, not 9, which is not related
    assert found["2:4"] == (1, "narrow", 3, None)
    assert found["in.observatory:1"][3] == "its category in the hub is not known"
    [reason] = book.execute(
        "SELECT reason FROM cluster_structure WHERE dimension = 'breadth' AND cluster_id = 'us.cbp:msa:1:9'"
    ).fetchone() or [None]
    assert reason == "no feed of this release says which categories are related to bcd:9"


def test_what_a_text_names_says_nothing_of_what_is_around(book: duckdb.DuckDBPyConnection) -> None:
    rows = book.execute(
        "SELECT value, class, reason FROM cluster_structure WHERE dimension = 'breadth' AND kind = 'documented'"
    ).fetchall()
    assert rows == [(None, None, "no rule that says what is around answers for it")]


def test_depth_counts_subclusters_or_organisations(book: duckdb.DuckDBPyConnection) -> None:
    found = structure(book, "depth")
    assert found["1:4"] == (0.75, "deep", 4, None)
    assert found["2:4"] == (0.25, "shallow", 4, None)
    assert found["3:4"] == (0.0, "shallow", 4, None)
    assert found["in.observatory:1"] == (3.0, "deep", None, None)


def test_performance_is_growth_beside_that_of_the_peers(book: duckdb.DuckDBPyConnection) -> None:
    same = "it grows as its peers do"
    assert structure(book, "performance") == {
        "1:4": (1.25, "overachiever", 5, None),
        "2:4": (1.0, None, 5, same),
        "3:4": (1.0, None, 5, same),
        "4:4": (0.75, "underachiever", 5, None),
        "5:4": (None, None, 5, "the series breaks between 2014 and 2016"),
        "6:4": (round(1.4 / 1.2, 6), "latent", 5, None),  # no rule accepts it any more
        "in.observatory:1": (None, None, None, "no employment is stated"),
    }


def test_few_peers_one_period_and_no_employment_are_told(book: duckdb.DuckDBPyConnection) -> None:
    try:
        book.execute("BEGIN")
        put(book, "clusters", cell_of("us.cbp:state:1:4", "us:state:1", "bcd:4"))
        put(
            book,
            "observations",
            fact("us.cbp:state:1:4", "employment", 5),
            fact("us.cbp:state:1:4", "establishments", 5),
        )
        put(book, "cluster_identification", answer("us.cbp:state:1:4", "us.strong.state"))
        found = book.execute(
            "SELECT dimension, value, reason FROM cluster_structure WHERE cluster_id = 'us.cbp:state:1:4' ORDER BY ALL"
        ).fetchall()
    finally:
        book.execute("ROLLBACK")
    assert found == [
        ("breadth", 0, None),
        ("density", None, "only 1 of the level have establishments in the category"),
        ("depth", None, "the feed has no figures of subclusters of the category"),
        ("performance", None, "employment of one period only: 2016"),
        ("spread", None, "the feed has no figures of parts of the region"),
    ]


def test_every_class_has_its_value_its_rule_and_its_code(book: duckdb.DuckDBPyConnection) -> None:
    codes = {(row["code_list"], row["code"]) for row in paper_codes()}
    rows = book.execute(
        "SELECT DISTINCT dimension, class, value IS NULL, reason IS NULL FROM cluster_structure"
    ).fetchall()
    assert {(dimension, found) for dimension, found, *_ in rows if found} <= codes
    for dimension, found, no_value, no_reason in rows:
        assert (found is None) != no_reason, (dimension, found)
        assert not (no_value and found), dimension
    assert book.execute(
        "SELECT count(*) FROM cluster_structure WHERE rule_id IS NULL OR caveat IS NULL OR measure IS NULL"
    ).fetchall() == [(0,)]


def paper_codes() -> list[dict[str, str]]:
    """Return the code lists of the founding paper."""
    path = Path(__file__).parents[1] / "crawlers" / "paper" / "facts" / "codes.csv"
    rows = duckdb.read_csv(str(path), all_varchar=True)
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]


def test_typology_is_one_row_per_cluster(book: duckdb.DuckDBPyConnection) -> None:
    rows = book.execute(
        "SELECT cluster_id, accepted, spread, density, breadth, depth, performance FROM cluster_typology "
        "WHERE (hub_category_id = 'bcd:4' OR kind = 'surveyed') AND kind <> 'documented' ORDER BY cluster_id"
    ).fetchall()
    assert rows[0] == ("in.observatory:1", True, None, None, None, "deep", None)
    assert rows[1] == ("us.cbp:msa:1:4", True, "localised", "dense", "broad", "deep", "overachiever")
    assert rows[6] == ("us.cbp:msa:6:4", False, None, "dense", "narrow", "shallow", "latent")
    assert len(rows) == 7
    [missing] = book.execute("SELECT missing FROM cluster_typology WHERE cluster_id = 'us.cbp:msa:3:4'").fetchone() or [
        None
    ]
    assert missing == "performance: it grows as its peers do. spread: the region has one part only"


def test_a_class_on_which_two_methods_disagree_is_null(book: duckdb.DuckDBPyConnection) -> None:
    try:
        book.execute("BEGIN")
        for number in range(1, 7):
            firms = fact(f"us.cbp:msa:{number}:4", "establishments", 10 if number == 1 else 20, method="us.cbp.other")
            put(book, "observations", firms)
        found = book.execute(
            "SELECT cluster_id, density, missing FROM cluster_typology WHERE density IS NULL AND kind = 'cell' "
            "AND hub_category_id = 'bcd:4' ORDER BY ALL"
        ).fetchall()
    finally:
        book.execute("ROLLBACK")
    assert [(row[0], "density: methods disagree" in row[2]) for row in found] == [
        ("us.cbp:msa:1:4", True),
        ("us.cbp:msa:4:4", True),
        ("us.cbp:msa:5:4", True),
    ]
