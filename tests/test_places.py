"""Where regions are: ref.coordinates, and the points that a release gives to the regions of every feed."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Observatory

from crawlers.source import feeds
from warehouse import assemble
from warehouse.schema import CLUSTERS, REGION_COORDINATES, REGIONS, create_table
from warehouse.store import connect

ROOT = Path(__file__).parents[1]
SHARED = ROOT / ".." / "shared" / "data"
FEED = "ref.coordinates"


def rows_of(path: Path | None) -> list[dict[str, str]]:
    """Read a CSV."""
    assert path is not None
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def points() -> dict[str, dict[str, Any]]:
    """Return region id → row of the list that we ship."""
    rows = rows_of(feeds()[FEED].shipped_path)
    return {
        row["region_id"]: row | {name: float(row[name]) for name in ("latitude", "longitude", "coordinate_error_km")}
        for row in rows
    }


def apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the distance of two points in km (haversine)."""
    north, south = math.radians(one["latitude"]), math.radians(other["latitude"])
    east = math.radians(one["longitude"] - other["longitude"])
    chord = math.sin((north - south) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(chord))


KNOWN = """
us:state:15 20.3 -156.4 | us:state:20 38.5 -98.4 | us:state:02 63.83 -152 | us:territory:72 18.2 -66.5
us:county:06037 34.2 -118.3 | us:county:17031 41.8 -87.8 | us:county:11001 38.9 -77.0 | us:county:46113 43.3 -102.6
us:msa:16980 41.88 -87.63 | us:msa:41940 37.34 -121.89 | us:msa:46520 21.31 -157.86
nuts:ES51 41.39 2.17 | nuts:DE21 48.14 11.58 | nuts:FR71 45.76 4.84 | nuts:ITC4 45.46 9.19 | nuts:PL21 50.06 19.94
nuts:SE23 57.71 11.97 | nuts:UKD3 53.48 -2.24 | nuts:RO41 44.32 23.8 | nuts:EL43 35.34 25.13 | nuts:TR61 36.9 30.7
nuts:PT20 37.74 -25.67 | nuts:FRY4 -20.88 55.45 | nuts:FI1 60.17 24.94 | nuts:UA73 49.84 24.03 | nuts:NO0A 60.39 5.32
in:district:457 22.3 70.8 | in:district:569 11.02 76.97 | in:state:24 23.03 72.58 | in:state:36 17.38 78.48
in:district:156 26.38 79.95 | in:district:164 27.15 83.56 | in:district:118 27.18 78.02
ca:cma:535 43.65 -79.38 | ca:cma:462 45.5 -73.57 | ca:pr:59 49.25 -123.1 | ca:cma:580 46.49 -81.0
country:IN 22 79 | country:FR 46.6 2.5 | country:CA 60 -97 | country:IL 31.4 35.0
"""
"""Places as an atlas has them, from memory: region, latitude, longitude."""

LOOSE_KM = 60.0
"""How far an atlas from memory may be off, beside the error of the point itself."""


@pytest.mark.parametrize(
    "place",
    [" ".join(place.split()) for place in KNOWN.replace("\n", "|").split("|") if place.strip()],
)
def test_known_places_are_where_an_atlas_has_them(points: dict[str, dict[str, Any]], place: str) -> None:
    values = place.split()
    for region_id, latitude, longitude in zip(values[::3], values[1::3], values[2::3], strict=True):
        known = {"latitude": float(latitude), "longitude": float(longitude)}
        off = apart(points[region_id], known)
        assert off <= LOOSE_KM + (points[region_id]["coordinate_error_km"] / 4 if "country" in region_id else 0), off


BOXES = {
    "us:": (17.6, 71.6, -180, -65),
    "in:": (6.5, 37.5, 68, 97.5),
    "ca:": (42, 70, -141.5, -52),
    "nuts:ES": (27.5, 44, -18.5, 4.5),
    "nuts:DE": (47, 55.2, 5.8, 15.2),
    "nuts:IT": (35.3, 47.2, 6.5, 18.7),
    "nuts:PL": (49, 55, 14, 24.3),
    "nuts:UK": (49.8, 61, -8.3, 2),
    "nuts:SE": (55.2, 69.1, 10.9, 24.3),
    "nuts:RO": (43.6, 48.4, 20.2, 29.8),
    "nuts:EL": (34.7, 41.8, 19.3, 29.7),
    "nuts:TR": (35.8, 42.2, 25.6, 45),
    "nuts:NL": (50.7, 53.6, 3.3, 7.3),
    "nuts:CZ": (48.5, 51.1, 12, 18.9),
    "nuts:FI": (59.7, 70.2, 19, 31.7),
    "nuts:BE": (49.4, 51.6, 2.5, 6.5),
    "nuts:HU": (45.7, 48.6, 16, 23),
}
"""Beginning of region ids → south, north, west and east of the country, as an atlas has them."""


@pytest.mark.parametrize(("start", "box"), BOXES.items(), ids=BOXES)
def test_points_lie_in_their_country(
    points: dict[str, dict[str, Any]], start: str, box: tuple[float, float, float, float]
) -> None:
    south, north, west, east = box
    of_country = [row for region_id, row in points.items() if region_id.startswith(start)]
    assert len(of_country) > 8
    astray = [
        row["region_id"]
        for row in of_country
        if not (south <= row["latitude"] <= north and west <= row["longitude"] <= east)
        # The last of the Aleutian Islands lie beyond the antimeridian.
        and not (row["region_id"] == "us:county:02016" and row["latitude"] > 51)
    ]
    assert astray == []


def test_counties_and_districts_lie_near_their_state(points: dict[str, dict[str, Any]]) -> None:
    """No county is farther from the centre of its state than three radii of that; Alaska and Hawaii are long."""
    long = {"02", "15"}
    astray = [
        region_id
        for region_id, row in points.items()
        if region_id.startswith("us:county:")
        and (code := region_id[10:12]) not in long | {"11", "72"}
        and apart(row, points[f"us:state:{code}"]) > 3 * points[f"us:state:{code}"]["coordinate_error_km"]
    ]
    assert astray == []
    areas = {row["region_code"]: row for row in rows_of(feeds()["ref.us_geography"].shipped_path)}
    for region_id, row in points.items():
        if region_id.startswith(("us:msa:", "us:economic:")):
            members = areas[region_id.split(":")[2]]["members"].split()
            nearest = min(
                apart(row, points[f"us:county:{member}"]) - 3 * points[f"us:county:{member}"]["coordinate_error_km"]
                for member in members
            )
            assert nearest <= 0, region_id


def own(points: Mapping[str, object], region_ids: Iterable[str]) -> float:
    """Return the share of regions that have a point of their own."""
    wanted = list(region_ids)
    return sum(region_id in points for region_id in wanted) / len(wanted)


def test_nearly_every_region_that_may_carry_clusters_has_a_point_of_its_own(points: dict[str, dict[str, Any]]) -> None:
    geography = rows_of(feeds()["ref.us_geography"].shipped_path)
    american = [f"us:{row['region_type']}:{row['region_code']}" for row in geography if row["region_type"] != "country"]
    assert own(points, american) == 1
    # What is nowhere (extra-regio, ZZ) has no place; NUTS 3 is below what the European feeds are about.
    codes = [row["code"] for row in rows_of(feeds()["ref.nuts"].shipped_path)]
    assert own(points, (f"nuts:{code}" for code in codes if len(code) in {3, 4} and not code.endswith("Z"))) == 1


@pytest.mark.skipif(not (SHARED / "india").is_dir(), reason="the directory of Indian districts is not at hand")
def test_districts_of_india_have_points(points: dict[str, dict[str, Any]]) -> None:
    codes = [row["District Code"] for row in rows_of(SHARED / "india" / "lgd_districts.csv")]
    assert own(points, (f"in:district:{code}" for code in codes)) == pytest.approx(750 / 763)
    states = [row["lgd_code"] for row in rows_of(SHARED / "india" / "state_crosswalk.csv")]
    assert own(points, (f"in:state:{code}" for code in states)) == 1


@pytest.mark.skipif(not (SHARED / "canada").is_dir(), reason="the regions of Canada are not at hand")
def test_provinces_and_areas_of_canada_have_points(points: dict[str, dict[str, Any]]) -> None:
    regions = rows_of(SHARED / "canada" / "regions36.csv")
    provinces = [f"ca:pr:{row['pruid']}" for row in regions if row["region_type"] == "province"]
    areas = [f"ca:cma:{row['statcan_uid'][-3:]}" for row in regions if "CMA" in row["region_id"]]
    assert (len(provinces), len(areas)) == (10, 25)
    assert own(points, provinces + areas) == 1


# What a release makes of it -------------------------------------------------------------------------------------------


@pytest.mark.duckdb
def test_a_region_without_a_point_gets_that_of_the_nearest_above() -> None:
    """And a cluster whose source states none gets that of its region."""
    with connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in (REGIONS, REGION_COORDINATES, CLUSTERS):
            connection.execute(create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        connection.executemany(
            "INSERT INTO release.regions (region_id, parent_region_id, country_code, latitude) VALUES (?, ?, ?, ?)",
            [
                ("x:own", "x:state", "XX", None),
                ("x:child", "x:middle", "XX", None),
                ("x:middle", "x:state", "XX", None),
                ("x:orphan", None, "XX", None),
                ("x:circle", "x:circle", "XX", None),
                ("x:lost", "x:nowhere", "YY", None),
                ("x:stated", "x:state", "XX", 12.5),
            ],
        )
        connection.executemany(
            "INSERT INTO release.region_coordinates (region_id, latitude, longitude, coordinate_basis, "
            "coordinate_error_km) VALUES (?, ?, ?, ?, ?)",
            [
                ("x:own", 1, 2, "seat", 10),
                ("x:state", 3, 4, "area_centroid", 100),  # which stands in no feed
                ("country:XX", 5, 6, "capital", 1000),
                ("x:stated", 9, 9, "seat", 9),
            ],
        )
        connection.executemany(
            "INSERT INTO release.clusters (cluster_id, region_id, latitude, longitude) VALUES (?, ?, ?, ?)",
            [("a", "x:own", 7, 8), ("b", "x:own", None, None), ("c", "x:child", None, None), ("d", None, None, None)],
        )
        connection.execute((assemble.DERIVE / "region_coordinates.sql").read_text("utf-8"))
        placed = connection.execute(
            "SELECT cluster_id, latitude, longitude FROM release.clusters ORDER BY ALL"
        ).fetchall()
        assert placed == [("a", 7, 8), ("b", 1, 2), ("c", 3, 4), ("d", None, None)]
        found = connection.execute(
            "SELECT region_id, latitude, longitude, coordinate_basis, coordinate_error_km, coordinate_region_id "
            "FROM release.regions ORDER BY region_id"
        ).fetchall()
    assert found == [
        ("x:child", 3, 4, "parent", 100, "x:state"),
        ("x:circle", 5, 6, "parent", 1000, "country:XX"),
        ("x:lost", None, None, None, None, None),
        ("x:middle", 3, 4, "parent", 100, "x:state"),
        ("x:orphan", 5, 6, "parent", 1000, "country:XX"),
        ("x:own", 1, 2, "seat", 10, "x:own"),
        ("x:stated", 12.5, None, None, None, None),
    ]


@pytest.fixture(scope="module")
def harvested(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """Harvest the points, the regions of Europe and the rates."""
    observatory = Observatory(tmp_path_factory.mktemp("places") / "home")
    code, document = observatory.run("harvest", FEED, "ref.nuts", "ref.exchange_rates")
    found = {
        harvest["feed_id"]: (harvest["status"], harvest["warnings"], harvest["quarantined"])
        for harvest in document["harvests"]
    }
    assert (code, found) == (0, dict.fromkeys((FEED, "ref.nuts", "ref.exchange_rates"), ("accepted", [], 0)))
    return observatory


def test_a_release_places_every_region(harvested: Observatory) -> None:
    assert harvested.value("SELECT count(*) FROM regions WHERE latitude IS NULL") == 0
    [barcelona] = harvested.sql("FROM regions WHERE region_id = 'nuts:ES51'")
    names = ("latitude", "longitude", "coordinate_basis", "coordinate_error_km", "coordinate_region_id", "feed_id")
    assert [barcelona[name] for name in names] == [41.3888, 2.159, "largest_city", 90, "nuts:ES51", "ref.nuts"]
    below = "SELECT coordinate_region_id FROM regions WHERE region_id = 'nuts:PL219' AND coordinate_basis = 'parent'"
    assert harvested.value(below) == "nuts:PL21"


def test_a_point_is_traced_to_the_list(harvested: Observatory) -> None:
    code, found = harvested.run("trace", "regions", "nuts:PL219", "latitude")
    assert (code, found["document"]["url"]) == (0, f"file:{FEED}/coordinates.csv")
    assert (found["record"]["region_id"], found["record"]["source"]) == ("nuts:PL21", "GeoNames 3094802")
    assert [(field["target"], field["raw"]) for field in found["fields"]] == [("latitude", "50.0614")]
    code, found = harvested.run("trace", "regions", "nuts:PL219", "name")
    assert (code, found["document"]["url"]) == (0, "file:ref.nuts/nuts.csv")


# Money ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "year", "per_usd"),
    [
        ("EUR", "2016", 1 / 1.1069),  # annual averages as the ECB publishes them
        ("EUR", "2018", 1 / 1.1810),
        ("INR", "2016", 67.2),  # as the Federal Reserve has them
        ("JPY", "2018", 110.4),
        ("CAD", "2016", 1.3248),  # as the Bank of Canada has them
        ("CAD", "2018", 1.2957),
    ],
)
def test_yearly_averages_are_those_of_other_sources(
    harvested: Observatory, currency: str, year: str, per_usd: float
) -> None:
    """Averages of rates and of their reciprocals differ by a few tenths of a percent."""
    query = f"SELECT rate_usd FROM exchange_rates WHERE currency = '{currency}' AND time_period = '{year}'"
    assert harvested.value(query) == pytest.approx(1 / per_usd, rel=0.004)


def test_rates_cover_whole_periods_only(harvested: Observatory) -> None:
    since = "SELECT min(time_period) FROM exchange_rates WHERE currency = 'INR'"
    assert harvested.value(since) == "2009"
    years = harvested.sql(
        "SELECT time_period FROM exchange_rates WHERE currency = 'ISK' AND len(time_period) = 4 ORDER BY time_period"
    )
    assert [row["time_period"] for row in years] == [str(year) for year in (*range(1999, 2008), *range(2019, 2026))]
    assert harvested.value("SELECT count(*) FROM exchange_rates WHERE time_period = '2026'") == 0


MONEY = [
    # cluster, time_period, period_start, period_end, value, unit
    ("year", "2016", None, None, 200, "INR"),
    ("wage", "2016", "2016-01-01", "2016-12-31", 100, "INR/year"),
    ("month", "2018-04", "2018-04-01", "2018-04-30", 100, "INR"),
    ("fiscal", "2018-04-01/P3M", "2018-04-01", "2018-06-30", 1000, "INR"),
    ("gap", "2018-05-01/P3M", "2018-05-01", "2018-07-31", 1000, "INR"),
    ("early", "2008", "2008-01-01", "2008-12-31", 1000, "INR"),
    ("weeks", "2018-04-02/P1M", "2018-04-02", "2018-05-01", 1000, "INR"),
    ("undated", "undated", None, None, 1000, "INR"),
    ("missing", "2016", None, None, None, "INR"),
    ("dollar", "1990", None, None, 7, "USD/year"),
    ("dollar-undated", "undated", None, None, 7, "USD"),
    ("mark", "1990", None, None, 7, "DEM"),
    ("people", "2016", None, None, 7, "persons"),
]


@pytest.mark.duckdb
def test_money_is_converted_at_the_average_of_its_period_or_says_why_not() -> None:
    with connect() as connection:
        connection.execute((ROOT / "docs" / "schema" / "ddl.sql").read_text("utf-8"))
        connection.executemany(
            "INSERT INTO exchange_rates (currency, time_period, rate_usd, days) VALUES ('INR', ?, ?, ?)",
            [("2016", 0.015, 257), ("2018-04", 0.01, 10), ("2018-05", 0.02, 20), ("2018-06", 0.03, 10)],
        )
        connection.executemany(
            "INSERT INTO observations (cluster_id, time_period, period_start, period_end, obs_value, unit_measure, "
            "indicator, unit_kind, method, obs_status) VALUES (?, ?, ?, ?, ?, ?, 'turnover', '_Z', 'm', 'A')",
            MONEY,
        )
        found = {
            cluster_id: (None if value is None else round(value, 9), *rest)
            for cluster_id, value, *rest in connection.execute(
                "SELECT cluster_id, value_usd, unit_usd, rate_period, reason FROM observations_usd"
            ).fetchall()
        }
    held = "rates are held from 2018-04 to 2018-06"
    assert found == {
        "year": (3.0, "USD", "2016", None),
        "wage": (1.5, "USD/year", "2016", None),
        "month": (1.0, "USD", "2018-04", None),
        "fiscal": (20.0, "USD", "2018-04/2018-06", None),  # by the days of each month
        "gap": (None, "USD", None, f"no rate of INR for all of 2018-05-01/P3M: {held}"),
        "early": (None, "USD", None, f"no rate of INR for all of 2008: {held}"),
        "weeks": (None, "USD", None, "the period is not made of whole months"),
        "undated": (None, "USD", None, "the period is not known: undated"),
        "missing": (None, "USD", "2016", "no value (status A)"),
        "dollar": (7.0, "USD/year", None, None),
        "dollar-undated": (7.0, "USD", None, None),
        "mark": (None, "USD", None, "no rates of DEM are held"),
    }
