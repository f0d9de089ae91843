"""Which rule tells a cluster from a cell, and strength by one method in every feed that has the inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse import assemble
from warehouse.schema import TABLES, create_table, quoted
from warehouse.store import connect

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / ".." / "shared" / "data" / "us"
DDL = ROOT / "docs" / "schema" / "ddl.sql"

pytestmark = pytest.mark.duckdb


def put(connection: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows that name some of the columns of a table."""
    for row in rows:
        names = ", ".join(map(quoted, row))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' for _ in row)})", [*row.values()])


def observed(
    cluster_id: str,
    indicator: str,
    value: float | None,
    method: str,
    *,
    status: str = "A",
    **more: str,
) -> dict[str, Any]:
    """Return an observation of 2016 by the feed that the cluster's id names."""
    return {
        "cluster_id": cluster_id,
        "indicator": indicator,
        "unit_kind": "firms" if indicator == "establishments" else "_Z",
        "time_period": "2016",
        "method": method,
        "feed_id": cluster_id.split(":", maxsplit=1)[0],
        "obs_value": value,
        "obs_status": status,
        **more,
    }


def cell(cluster_id: str, region_id: str, category_id: str, country: str, **more: str) -> dict[str, Any]:
    """Return a cell of the feed that its id names."""
    feed_id = cluster_id.split(":", maxsplit=1)[0]
    place = {"region_id": region_id, "category_id": category_id, "country_code": country}
    return {"cluster_id": cluster_id, "feed_id": feed_id, "kind": "cell", **place, **more}


# The macros -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book() -> Iterator[duckdb.DuckDBPyConnection]:
    """Make the tables, macros and views of a release, empty."""
    with connect() as connection:
        connection.execute(DDL.read_text("utf-8"))
        yield connection


def one(connection: duckdb.DuckDBPyConnection, expression: str) -> Any:  # noqa: ANN401  # whatever it is
    """Return the value of an expression."""
    [(value,)] = connection.execute(f"SELECT {expression}").fetchall()
    return value


@pytest.mark.parametrize(
    ("region_id", "level"),
    [
        ("us:state:15", "us:state"),
        ("nuts:ES51", "nuts:2"),
        ("nuts:ES5", "nuts:1"),
        ("country:ES", "country"),
        ("ca:cma:535", "ca:cma"),
        ("in:district:438", "in:district"),
    ],
)
def test_the_level_of_a_region_is_that_of_its_code(book: duckdb.DuckDBPyConnection, region_id: str, level: str) -> None:
    assert one(book, f"region_level('{region_id}')") == level


def test_bounds_are_interpolated_over_regions_with_employment(book: duckdb.DuckDBPyConnection) -> None:
    rows = "(VALUES (0.5, 10, 1), (0.9, 20, 2), (1.0, 30, 3), (1.5, 40, 4), (3.0, 50, NULL), (0.0, 0, 0)) AS t(q, p, e)"
    [(bounds,)] = book.execute(f"SELECT us_2017_bounds(q, p, e) FROM {rows}").fetchall()
    assert [round(bound, 9) for bound in bounds["lq"]] == [0.9, 1.0, 1.5, 2.4]
    assert (bounds["employment"], bounds["establishments"]) == (20, 1.75)


BOUNDS = "{'lq': [0.8, 0.9, 0.95, 2.0], 'employment': 20.0, 'establishments': 5.0}"


@pytest.mark.parametrize(
    ("lq", "employment", "establishments", "flags"),
    [
        ("2.0", 21, "6", "strong strong10 significant qualifying"),
        ("1.99", 21, "6", "strong significant qualifying"),
        ("0.97", 21, "6", "significant qualifying"),  # in the upper quarter, but below 1
        ("0.9", 21, "6", "qualifying"),  # above the median is meant, not at it
        ("0.8", 21, "6", ""),
        ("9.0", 20, "6", ""),  # above the lower quartile of employment is meant, not at it
        ("9.0", 21, "5", ""),
        ("9.0", 21, "NULL", "strong strong10 significant qualifying"),
        ("9.0", 0, "6", ""),
        ("NULL", 0, "6", ""),
    ],
)
def test_strength_at_its_bounds(
    book: duckdb.DuckDBPyConnection, lq: str, employment: int, establishments: str, flags: str
) -> None:
    large = f"us_2017_large({employment}, {establishments}, {BOUNDS})"
    names = ("strong", "strong10", "significant", "qualifying")
    found = [name for name in names if one(book, f"us_2017_{name}({lq}::DOUBLE, {large}, {BOUNDS})")]
    assert found == flags.split()


@pytest.mark.parametrize(
    ("employment", "quotient", "share", "stars", "is_cluster"),
    [
        ("10001", "2.0", "0.031", 3, True),
        ("10000", "1.99", "0.03", 0, False),
        ("10001", "NULL", "NULL", 1, True),
        ("500", "2.5", "0.01", 1, True),
        ("500", "1.0", "NULL", 0, None),
    ],
)
def test_stars_of_the_ten_new_members(
    book: duckdb.DuckDBPyConnection, employment: str, quotient: str, share: str, stars: int, is_cluster: bool | None
) -> None:
    arguments = f"{employment}, {quotient}, {share}"
    assert one(book, f"eu10_stars({arguments})") == stars
    assert one(book, f"eu10_is_cluster({arguments})") is is_cluster


# Strength, side by side -----------------------------------------------------------------------------------------------

MEASURED = {"r1": ((60, 9), (40, 4)), "r2": ((30, 5), (70, 8)), "r3": ((10, 1), (90, 12)), "r4": ((0, 0), (0, 0))}
"""Region → (employment, establishments) in category 1 and in category 2."""


def grid(connection: duckdb.DuckDBPyConnection, feed: str, scheme: str, countries: str, *, with_firms: bool) -> None:
    """Fill a feed with the cells of `MEASURED`; region n is of country n, or the last."""
    for number, (region, categories) in enumerate(MEASURED.items()):
        country = countries.split()[min(number, len(countries.split()) - 1)]
        for category, (employment, establishments) in enumerate(categories, 1):
            cluster_id = f"{feed}:{region}:{category}"
            put(connection, "clusters", cell(cluster_id, f"{scheme}:{region}", f"bcd:{category}", country))
            put(connection, "observations", observed(cluster_id, "employment", employment, f"{feed}.jobs"))
            if with_firms:
                put(connection, "observations", observed(cluster_id, "establishments", establishments, f"{feed}.est"))


@pytest.fixture(scope="module")
def strength(book: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Fill the tables with five feeds, and return cluster id → row of `cluster_strength`."""
    put(
        book,
        "categories",
        *({"category_id": f"bcd:{code}", "scheme": "bcd", "traded": True} for code in (1, 2)),
        {"category_id": "bcd:101", "scheme": "bcd", "traded": False},
        {"category_id": "naics:3364", "scheme": "naics", "parent_category_id": "naics:336"},
    )
    # A country with a cell of its own, which is the reference: half and half.
    grid(book, "us.own", "us:state", "US", with_firms=True)
    for category in (1, 2):
        whole = f"us.own:whole:{category}"
        put(book, "clusters", cell(whole, "country:US", f"bcd:{category}", "US"))
        put(book, "observations", observed(whole, "employment", 150, "us.own.jobs"))
    put(book, "clusters", cell("us.own:r1:101", "us:state:r1", "bcd:101", "US"))
    put(book, "observations", observed("us.own:r1:101", "employment", 1000, "us.own.jobs"))
    put(book, "observations", observed("us.own:r1:1", "strong", 0, "us.strength.published"))
    # The same without that cell, but with shares of the category.
    grid(book, "us.shares", "us:state", "US", with_firms=True)
    for region, ((first, _), (second, _)) in MEASURED.items():
        for category, employment in ((1, first), (2, second)):
            cluster_id = f"us.shares:{region}:{category}"
            put(book, "observations", observed(cluster_id, "category_share", employment / 150, "us.shares.share"))
    # Several countries, without establishments; one region of a higher level.
    grid(book, "eu.sum", "nuts", "ES FR", with_firms=False)
    book.execute(
        "UPDATE clusters SET region_id = 'nuts:' || country_code || '1' || region_id[-1] WHERE feed_id = 'eu.sum'"
    )
    put(book, "clusters", cell("eu.sum:big:1", "nuts:BE1", "bcd:1", "BE"))
    put(book, "observations", observed("eu.sum:big:1", "employment", 10**6, "eu.sum.jobs", status="E"))
    # Quotients as published, categories that are not known to be traded, two levels that are nested.
    for level, code, employment, quotient in (
        *(("pr", code, 100 * code, code / 2) for code in (1, 2, 3)),
        ("cma", 9, 5000, 9.0),
        ("cma", 8, 4000, None),
    ):
        cluster_id = f"ca.published:{level}-{code}:3364"
        put(book, "clusters", cell(cluster_id, f"ca:{level}:{code}", "naics:3364", "CA"))
        put(book, "observations", observed(cluster_id, "employment", employment, "ca.jobs"))
        put(book, "observations", observed(cluster_id, "location_quotient", quotient, "ca.lq.all"))
    # One traded category of two, with a quotient as published: no base to speak of.
    for code in (1, 2):
        cluster_id = f"eu.part:{code}:1"
        put(book, "clusters", cell(cluster_id, f"nuts:IT{code}0", "bcd:1", "IT"))
        put(book, "observations", observed(cluster_id, "employment", 100 * code, "eu.part.jobs"))
        put(book, "observations", observed(cluster_id, "specialisation", 0.5 + code, "eu.part.lq"))
    names = [name for name, *_ in book.execute("DESCRIBE cluster_strength").fetchall()]
    rows = [dict(zip(names, row, strict=True)) for row in book.execute("FROM cluster_strength").fetchall()]
    found = {row["cluster_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize("feed", ["us.own", "us.shares"])
def test_the_country_is_the_reference(strength: dict[str, dict[str, Any]], feed: str) -> None:
    quotients = {
        (region, category): strength[f"{feed}:{region}:{category}"]["location_quotient"]
        for region in ("r1", "r2", "r3")
        for category in (1, 2)
    }
    expected = {("r1", 1): 1.2, ("r2", 1): 0.6, ("r3", 1): 0.2, ("r1", 2): 0.8, ("r2", 2): 1.4, ("r3", 2): 1.8}
    assert quotients == pytest.approx(expected)
    flags = {
        cluster_id.removeprefix(f"{feed}:"): (row["strong"], row["strong10"], row["significant"], row["qualifying"])
        for cluster_id, row in strength.items()
        if row["feed_id"] == feed
    }
    assert flags == {
        "r1:1": (True, True, True, True),
        "r2:1": (False, False, False, True),
        "r3:1": (False, False, False, False),
        "r4:1": (False, False, False, False),
        "r1:2": (False, False, False, False),
        "r2:2": (False, False, False, True),
        "r3:2": (True, True, True, True),
        "r4:2": (False, False, False, False),
    }
    assert strength[f"{feed}:r1:1"]["caveat"] == "Only 3 regions have employment in this category."
    assert {row["method"] for row in strength.values()} == {"us_2017"}


def test_what_is_not_a_peer_has_no_row(strength: dict[str, dict[str, Any]]) -> None:
    assert "us.own:whole:1" not in strength  # the reference
    assert "us.own:r1:101" not in strength  # local
    assert strength["us.own:r1:1"]["strong_published"] is False
    assert strength["us.shares:r1:1"]["strong_published"] is None


def test_regions_of_several_countries_are_their_own_reference(strength: dict[str, dict[str, Any]]) -> None:
    row = strength["eu.sum:r1:1"]
    assert row["location_quotient"] == pytest.approx(0.6 / (100 / 300))
    assert (row["strong"], row["peers"], row["level"], row["establishments"]) == (True, 3, "nuts:2", None)
    assert row["caveat"] == (
        "Reference: the sum of the regions of this level, for the feed has no figure of the whole area. "
        "Establishments are not stated: their condition was not applied. "
        "Only 3 regions have employment in this category."
    )
    big = strength["eu.sum:big:1"]
    assert (big["level"], big["peers"], big["strong"]) == ("nuts:1", 1, False)
    assert "The base holds 1 of 2 traded categories." in big["caveat"]
    assert "Employment is estimated or imputed." in big["caveat"]


def test_without_a_traded_base_the_published_quotient_counts(strength: dict[str, dict[str, Any]]) -> None:
    found = {
        cluster_id.split(":")[1]: (row["location_quotient"], row["strong"], row["peers"])
        for cluster_id, row in strength.items()
        if row["feed_id"] == "ca.published"
    }
    assert found == {
        "pr-1": (0.5, False, 3),
        "pr-2": (1.0, False, 3),
        "pr-3": (1.5, True, 3),
        "cma-9": (9.0, True, 2),
        "cma-8": (None, None, 2),
    }
    assert strength["ca.published:pr-3:3364"]["caveat"] == (
        "Location quotient as published (ca.lq.all): its base is not traded employment. "
        "Whether the category is traded is not known; the method is for such. "
        "The category is a part of naics:336, which may stand here too. "
        "Establishments are not stated: their condition was not applied. "
        "Only 3 regions have employment in this category."
    )
    assert strength["ca.published:cma-8:3364"]["caveat"].startswith("No location quotient:")


def test_a_base_of_few_categories_is_none_where_quotients_are_published(strength: dict[str, dict[str, Any]]) -> None:
    row = strength["eu.part:2:1"]
    assert (row["location_quotient"], row["strong"], row["peers"]) == (2.5, True, 2)
    assert row["caveat"] == (
        "Location quotient as published (eu.part.lq): its base is not traded employment. "
        "Establishments are not stated: their condition was not applied. "
        "Only 2 regions have employment in this category."
    )


# The rules ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def identified() -> Iterator[duckdb.DuckDBPyConnection]:
    """Let the rules judge a few cells and clusters of every kind."""
    with connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in TABLES.values():
            connection.execute(create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        put(
            connection,
            "release.categories",
            {"category_id": "eocic:a", "scheme": "eocic", "traded": True},
            {"category_id": "eocic:b", "scheme": "eocic", "traded": True},
            {"category_id": "eocic:emerging-a", "scheme": "eocic"},
            {"category_id": "eco38:a", "scheme": "eco38"},
        )
        tidy, old = "eu.eocic.published", "eu.legacy.eco_2008"
        put(
            connection,
            "release.clusters",
            cell("eu.eocic:ES51:a", "nuts:ES51", "eocic:a", "ES"),
            cell("eu.eocic:ES51:b", "nuts:ES51", "eocic:b", "ES"),
            cell("eu.eocic:ES51:emerging-a", "nuts:ES51", "eocic:emerging-a", "ES"),
            cell("eu.legacy:ES51:a", "nuts:ES51", "eco38:a", "ES"),
            cell("eu.legacy:PT11:a", "nuts:PT11", "eco38:a", "PT"),
            cell("ca.seph:pr-24:3364", "ca:pr:24", "naics:3364", "CA"),
            cell("ca.seph:pr-35:3364", "ca:pr:35", "naics:3364", "CA"),
            cell("ca.competeprosper:country-CA:a", "country:CA", "porter41:a", "CA"),
            cell("us.clustermapping:state:15:22", "us:state:15", "bcd:22", "US"),
            cell("in.observatory:rajkot", "in:district:438", "x", "IN", kind="surveyed"),
            cell("paper.facts:prato", "country:IT", "x", "IT", kind="documented"),
        )
        put(
            connection,
            "release.observations",
            observed("eu.eocic:ES51:a", "employment", 9000, tidy),
            observed("eu.eocic:ES51:a", "specialisation", 2.0, tidy),
            observed("eu.eocic:ES51:b", "employment", 200, tidy),
            observed("eu.eocic:ES51:b", "specialisation", 0.5, tidy),
            # Overlaps the others: it is no part of the region's base.
            observed("eu.eocic:ES51:emerging-a", "employment", 500, tidy),
            observed("eu.eocic:ES51:emerging-a", "specialisation", 0.7, tidy),
            observed("eu.legacy:ES51:a", "employment", 12000, old),
            observed("eu.legacy:ES51:a", "specialisation", 2.4, old),
            observed("eu.legacy:ES51:a", "focus", 3.1, old, unit_measure="percent"),
            observed("eu.legacy:ES51:a", "stars", 3, "eu.legacy.stars.eco_2008"),
            observed("eu.legacy:PT11:a", "employment", 12, old),
            observed("eu.legacy:PT11:a", "specialisation", 0.4, old),
            observed("eu.legacy:PT11:a", "focus", 3.0, old, unit_measure="percent"),
            observed("eu.legacy:PT11:a", "stars", 0, "eu.legacy.stars.eco_2008"),
            observed("ca.seph:pr-24:3364", "location_quotient", 2.69, "ca.seph.lq"),
            observed("ca.seph:pr-35:3364", "location_quotient", 1.0, "ca.seph.lq"),
            # The base of the quotients is no cluster, whatever rounding makes of its 1.
            observed("ca.competeprosper:country-CA:a", "location_quotient", 1.01, "ca.lq.all"),
            observed("us.clustermapping:state:15:22", "strong", 1, "us.strength.published"),
            observed("us.clustermapping:state:15:22", "strong10", 0, "us.strength.published"),
        )
        for path in sorted(assemble.MACROS.glob("*.sql")):
            connection.execute(assemble.temporary(path.read_text("utf-8")))
        connection.execute((assemble.DERIVE / "cluster_identification.sql").read_text("utf-8"))
        yield connection


def test_each_rule_answers_for_its_feeds(identified: duckdb.DuckDBPyConnection) -> None:
    answers = identified.execute(
        "SELECT rule_id, cluster_id, time_period, feed_id, is_cluster FROM release.cluster_identification ORDER BY ALL"
    ).fetchall()
    assert answers == [
        ("ca.lq", "ca.seph:pr-24:3364", "2016", "ca.seph", True),
        ("ca.lq", "ca.seph:pr-35:3364", "2016", "ca.seph", False),
        ("eu.eu10_stars", "eu.eocic:ES51:a", "2016", "eu.eocic", True),
        ("eu.eu10_stars", "eu.eocic:ES51:b", "2016", "eu.eocic", False),
        ("eu.eu10_stars", "eu.eocic:ES51:emerging-a", "2016", "eu.eocic", None),
        ("eu.eu10_stars", "eu.legacy:ES51:a", "2016", "eu.legacy", True),
        ("eu.eu10_stars", "eu.legacy:PT11:a", "2016", "eu.legacy", False),
        ("eu.stars_published", "eu.legacy:ES51:a", "2016", "eu.legacy", True),
        ("eu.stars_published", "eu.legacy:PT11:a", "2016", "eu.legacy", False),
        ("paper.documented", "paper.facts:prato", "undated", "paper.facts", True),
        ("survey.listed", "in.observatory:rajkot", "undated", "in.observatory", True),
        ("us.strong.state", "us.clustermapping:state:15:22", "2016", "us.clustermapping", True),
        ("us.strong10.state", "us.clustermapping:state:15:22", "2016", "us.clustermapping", False),
    ]


def test_clusters_name_the_rules_that_accept_them(identified: duckdb.DuckDBPyConnection) -> None:
    named = dict(identified.execute("SELECT cluster_id, identified_by FROM release.clusters").fetchall())
    assert named["eu.legacy:ES51:a"] == ["eu.eu10_stars", "eu.stars_published"]
    assert (named["eu.eocic:ES51:emerging-a"], named["ca.seph:pr-35:3364"]) == ([], [])
    assert named["us.clustermapping:state:15:22"] == ["us.strong.state"]


@pytest.mark.parametrize(
    ("cluster_id", "stars", "share", "basis"),
    [
        ("eu.eocic:ES51:a", 1, None, "unknown"),  # 98 % of the traded jobs: what of all jobs cannot be said
        ("eu.eocic:ES51:b", 0, 200 / 9200, "upper bound: share of the traded categories"),
        ("eu.legacy:ES51:a", 3, 0.031, "stated"),
    ],
)
def test_the_rule_says_what_it_looked_at(
    identified: duckdb.DuckDBPyConnection, cluster_id: str, stars: int, share: float | None, basis: str
) -> None:
    [(text,)] = identified.execute(
        "SELECT inputs FROM release.cluster_identification WHERE cluster_id = ? AND rule_id = 'eu.eu10_stars'",
        [cluster_id],
    ).fetchall()
    inputs = json.loads(text)
    assert (inputs["stars"], inputs["region_share_basis"]) == (stars, basis)
    assert inputs["region_share"] == (None if share is None else pytest.approx(share))


# The real rows --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings in ../shared/data/us are not there")
def test_employment_and_establishments_alone_give_the_published_flags_of_2016() -> None:
    """All flags of 2,550 state and 46,767 MSA cells; those of the country are the reference."""
    with connect() as connection:
        connection.execute(DDL.read_text("utf-8"))
        documents = [
            next(RECORDED.glob(f"data__region__{level}__all__2016__all.json*")).as_posix() for level in ("state", "msa")
        ]
        connection.execute(
            """
            CREATE TEMP TABLE published AS
            SELECT
                concat_ws(':', region_type_t, region_code_t, cluster_code_t) AS cluster_id,
                'us:' || region_type_t || ':' || region_code_t AS region_id,
                cluster_code_t AS category, emp_tl, est_tl, qualifying_b, significant_b, strong_b, strong10_b
            FROM read_json(?) WHERE traded_b
            UNION ALL BY NAME
            SELECT
                'whole:' || cluster_code AS cluster_id, 'country:US' AS region_id, cluster_code AS category,
                us_emp_2016_derived::BIGINT AS emp_tl
            FROM read_csv(?, all_varchar = true) WHERE type = 'traded'
            """,
            [documents, (RECORDED / "derived__country_98__2016__clusters.csv").as_posix()],
        )
        connection.execute(
            """
            INSERT INTO categories BY NAME
            SELECT DISTINCT 'bcd:' || category AS category_id, 'bcd' AS scheme, true AS traded FROM published;
            INSERT INTO clusters BY NAME
            SELECT cluster_id, 'us' AS feed_id, 'cell' AS kind, region_id, 'US' AS country_code,
                'bcd:' || category AS category_id
            FROM published;
            INSERT INTO observations BY NAME
            SELECT cluster_id, unnest(['employment', 'establishments']) AS indicator,
                unnest(['_Z', 'firms']) AS unit_kind, '2016' AS time_period, 'us' AS method, 'us' AS feed_id,
                unnest([emp_tl, est_tl]) AS obs_value, 'A' AS obs_status
            FROM published;
            """
        )
        compared = connection.execute(
            """
            SELECT
                level,
                count(*),
                count(*) FILTER (strength.strong),
                count(*) FILTER (strength.strong IS DISTINCT FROM strong_b),
                count(*) FILTER (strength.strong10 IS DISTINCT FROM strong10_b),
                count(*) FILTER (strength.significant IS DISTINCT FROM significant_b),
                count(*) FILTER (strength.qualifying IS DISTINCT FROM qualifying_b)
            FROM published LEFT JOIN cluster_strength AS strength USING (cluster_id)
            WHERE published.region_id <> 'country:US' GROUP BY level ORDER BY level
            """
        ).fetchall()
    assert compared == [("us:msa", 46767, 5887, 0, 0, 0, 0), ("us:state", 2550, 512, 0, 0, 0, 0)]
