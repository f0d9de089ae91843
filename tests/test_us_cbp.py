"""us.cbp: sums, imputation, shares, strength, completeness and trace, against a slow and plain second computation."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from crawlers.batch import Batch, Table
from crawlers.evidence import EvidenceError
from crawlers.source import feeds
from crawlers.us.cbp import year_of
from normalizers.normalise import program
from replicas import us_cbp
from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping
from warehouse.store import connect

ROOT = Path(__file__).parents[1]
REAL = ROOT / ".." / "shared" / "data" / "us"
FEED = "us.cbp"
HEADER = "fipstate,fipscty,naics,empflag,emp_nf,emp,qp1_nf,qp1,ap_nf,ap,est,n1_4,n1000_1,censtate,cencty"
MIDPOINTS = dict(
    zip("ABCEFGHIJKLM", (10, 60, 175, 375, 750, 1750, 3750, 7500, 17500, 37500, 75000, 100000), strict=True)
)

Row = tuple[str, str, str, int, int, int, int]
"""Synthetic: county, NAICS, size class, employment, first-quarter and annual payroll, establishments."""

SPECIAL: list[Row] = [
    ("15003", "721110", "", 1000, 9000, 40000, 20),
    ("15003", "713210", "B", 0, 0, 0, 2),
    ("15009", "721110", "E", 0, 0, 0, 4),
    ("01001", "336411", "", 500, 9000, 45000, 3),
    ("01003", "336411", "", 10, 90, 450, 3),
    ("11001", "541511", "", 800, 30000, 120000, 50),
    ("13001", "541511", "M", 0, 0, 0, 60),
    ("46102", "721110", "", 70, 100, 800, 4),  # the code that Shannon County, 46113, has had since 2015
    ("06999", "511210", "", 44, 1000, 4000, 5),  # no county is known
    ("72001", "721110", "", 33, 100, 400, 5),
    ("15003", "112511", "", 5, 10, 40, 1),  # belongs to no category
]


def listed(path: str) -> list[dict[str, str]]:
    """Read a list of ours."""
    with (ROOT / path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


GEOGRAPHY = listed("crawlers/ref/us_geography.csv")
CATEGORY = {row["naics"]: row["category"] for row in listed("crawlers/ref/naics_bcd.csv") if row["vintage"] == "2012"}
COUNTIES = [
    row["region_code"]
    for row in GEOGRAPHY
    if row["region_type"] == "county" and not row["region_code"].startswith("72") and row["region_code"] != "46113"
]


def rows_of_county_table(special: Iterable[Row] = SPECIAL) -> list[Row]:
    """Return the special rows, and for every county of the country one row of health services."""
    return [*((county, "621111", "", 10, 90, 400, 1) for county in [*COUNTIES, "46102"]), *special]


def county_file(rows: Sequence[Row], *, upper: bool = False) -> str:
    """Write a bulk county file: totals, a broader industry, and the given rows, sorted as the original is."""
    header = HEADER.upper() if upper else HEADER
    lines = [f"{c[:2]},{c[2:]},------,,G,0,G,0,G,0,999,0,0,1,1" for c in {row[0] for row in rows}]
    lines += [f"{c[:2]},{c[2:]},62----,,G,10,G,90,G,400,1,0,0,1,1" for c in {row[0] for row in rows}]
    for county, naics, size, emp, qp1, ap, est in rows:
        noise = "D" if size else "G"
        start = f"{county[:2]},{county[2:]},{naics},{size},{noise},{emp}"
        lines.append(f"{start},{noise},{qp1},{noise},{ap},{est},0,0,1,1")
    return "\n".join([header, *sorted(lines), ""])


def api_answer(text: str) -> str:
    """Write the same table as the API does: an array of arrays, other names, other codes of broader industries."""
    names = {"emp": "EMP", "empflag": "EMP_F", "emp_nf": "EMP_N", "qp1": "PAYQTR1", "ap": "PAYANN", "est": "ESTAB"}
    names |= {
        "naics": "NAICS2012",
        "qp1_nf": "PAYQTR1_N",
        "ap_nf": "PAYANN_N",
        "fipstate": "state",
        "fipscty": "county",
    }
    table: list[list[str | None]] = [list(names.values())]
    for row in csv.DictReader(io.StringIO(text)):
        naics = "00" if row["naics"] == "------" else row["naics"].strip("-/")
        table.append([naics if name == "naics" else row[name] or None for name in names])
    return json.dumps(table)


def harvested(observatory: Observatory, file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    code, document = observatory.run("harvest", FEED, "--files", f"{FEED}={file}", *options)
    return code, document["harvests"][0]


def harvested_live(observatory: Observatory, address: str, years: str = "2016") -> tuple[int, dict[str, Any]]:
    options = ("--route", "replica", "--base-url", f"{FEED}={address}", "--no-publish")
    sets = [part for name, value in {"delay": "0", "retries": "0", "years": years}.items()
            for part in ("--set", f"{FEED}.{name}={value}")]  # fmt: skip
    code, document = observatory.run("harvest", FEED, *options, *sets)
    return code, document["harvests"][0]


def saved(folder: Path, text: str, name: str = "cbp16co.txt") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """An observatory with the synthetic table of 2016, published for both profiles; only read."""
    folder = tmp_path_factory.mktemp("cbp")
    observatory = Observatory(folder / "home")
    code, harvest = harvested(observatory, saved(folder, county_file(rows_of_county_table())))
    assert (code, harvest["status"], harvest["warnings"]) == (0, "accepted", [])
    assert harvest["dropped"] == 2 + 2  # the industry without a category; the two rows and the total of Puerto Rico
    return observatory


Cells = dict[tuple[str, str, str], dict[str, Any]]
"""(region type, region code, category) → name → figure."""


def slow_sums() -> Cells:
    """Sum the rows over the regions that their counties belong to, in plain Python."""
    areas = defaultdict(list)
    for listed_region in GEOGRAPHY:
        for member in listed_region["members"].split():
            areas[member].append((listed_region["region_type"], listed_region["region_code"]))
    known = {region["region_code"] for region in GEOGRAPHY if region["region_type"] == "county"}
    cells: Cells = defaultdict(lambda: defaultdict(int))
    for code, naics, size, emp, _, ap, est in rows_of_county_table():
        county = {"46102": "46113"}.get(code, code)
        if county.startswith("72") or naics not in CATEGORY:
            continue
        places = [("country", "98"), *areas[county]]
        places += [("state", county[:2])] if county[:2] != "11" else []
        places += [("county", county)] if county in known else []
        for kind, region in places:
            cell = cells[kind, region, CATEGORY[naics]]
            cell["emp"] += MIDPOINTS[size] if size else emp
            cell["reported"] += 0 if size else emp
            cell["ap"] += 0 if size else ap
            cell["est"] += est
    return cells


@cache
def slow_cells() -> Cells:
    """Compute sums, shares, quotients and strength of every cell in plain Python."""
    cells = slow_sums()
    bases: dict[tuple[str, str, bool], int] = defaultdict(int)
    for (kind, region, category), cell in cells.items():
        bases[kind, region, int(category) < 100] += cell["emp"]
    for (kind, region, category), cell in cells.items():
        traded = int(category) < 100
        nation = cells["country", "98", category]["emp"]
        cell["region_share"] = cell["emp"] / bases[kind, region, traded]
        cell["category_share"] = cell["emp"] / nation
        cell["lq"] = cell["region_share"] / (nation / bases["country", "98", traded])
    peers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for (kind, _, category), cell in cells.items():
        if int(category) < 100:
            peers[kind, category].append(cell)
    for group in peers.values():
        least_emp, least_est = quantile(group, "emp", 0.25), quantile(group, "est", 0.25)
        low, high = quantile(group, "lq", 0.25), quantile(group, "lq", 0.75)
        for cell in group:
            big = cell["emp"] > least_emp and cell["est"] > least_est
            cell["strong"], cell["qualifying"] = big and cell["lq"] >= max(1, high), big and cell["lq"] > low
    return cells


def quantile(cells: Sequence[dict[str, Any]], name: str, share: float) -> float:
    """Return a quantile over the cells with employment, by linear interpolation."""
    values = sorted(cell[name] for cell in cells if cell["emp"])
    position = (len(values) - 1) * share
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return float(values[low] + (values[high] - values[low]) * (position - low))


INDICATORS = {
    "employment": "emp",
    "employment_reported": "reported",
    "establishments": "est",
    "location_quotient": "lq",
    "region_share": "region_share",
    "category_share": "category_share",
    "strong": "strong",
    "qualifying": "qualifying",
}


def test_every_cell_is_what_the_slow_computation_says(filled: Observatory) -> None:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in filled.sql("SELECT cluster_id, indicator, obs_value FROM observations WHERE obs_value IS NOT NULL"):
        found[row["cluster_id"]][row["indicator"]] = row["obs_value"]
    expected = {":".join((FEED, *key)): cell for key, cell in slow_cells().items()}
    assert found.keys() == expected.keys()
    for cluster_id, cell in expected.items():
        for indicator, name in INDICATORS.items():
            if name in cell:
                assert found[cluster_id][indicator] == pytest.approx(float(cell[name]), rel=1e-12), (
                    cluster_id,
                    indicator,
                )
            else:
                assert indicator not in found[cluster_id], (cluster_id, indicator)


def test_suppressed_cells_count_by_midpoints_and_say_so(filled: Observatory) -> None:
    rows = filled.sql(
        "SELECT indicator, obs_value, obs_status, method FROM observations WHERE cluster_id = 'us.cbp:state:15:22'"
    )
    values = {row["indicator"]: (row["obs_value"], row["obs_status"]) for row in rows}
    assert values["employment"] == (1000 + 60 + 375, "E")
    assert values["employment_reported"] == (1000, "A")
    assert values["payroll_annual"] == (40_000_000, "A")
    assert values["wage_average"] == (40_000, "A")
    maui = filled.sql(
        "SELECT indicator, obs_value, obs_status FROM observations WHERE cluster_id = 'us.cbp:county:15009:22'"
    )
    assert {"indicator": "wage_average", "obs_value": None, "obs_status": "O"} in maui
    assert {row["method"] for row in rows} <= {row["method"] for row in listed("normalizers/reference/methods.csv")}


def test_regions_and_names_are_those_of_the_geography(filled: Observatory) -> None:
    assert filled.sql("SELECT name, place, region_id FROM clusters WHERE cluster_id = 'us.cbp:country:98:22'") == [
        {"name": "Hospitality and Tourism, United States", "place": "United States", "region_id": "country:US"}
    ]
    assert filled.value("SELECT count(*) FROM clusters WHERE starts_with(cluster_id, 'us.cbp:state:11')") == 0
    assert filled.value("SELECT count(*) FROM clusters WHERE region_id LIKE 'us:county:46113'") == 2


def test_the_geography_states_the_regions_as_the_cluster_mapping_does(
    observatory: Observatory, tmp_path: Path, replica: Replica[ClusterMapping]
) -> None:
    query = (
        "SELECT COLUMNS(lambda c: c NOT IN ('feed_id', 'document_id', 'locator', 'harvest_id', 'route', 'synthetic'))"
    )
    code, _ = observatory.run("harvest", "ref.us_geography")
    assert code == 0
    other = Observatory(tmp_path / "other")
    other.harvest(replica.base_url, clusters="22")
    rows = observatory.sql(f"{query} FROM regions ORDER BY region_id")
    assert len(rows) == 4372
    assert rows == other.sql(f"{query} FROM regions ORDER BY region_id")


@pytest.mark.parametrize("kind", ["country", "state", "county"])
def test_shares_of_a_region_sum_to_one(filled: Observatory, kind: str) -> None:
    sums = filled.sql(
        "SELECT sum(obs_value) AS total FROM observations WHERE indicator = 'region_share' "
        f"AND cluster_id LIKE 'us.cbp:{kind}:%' GROUP BY split_part(cluster_id, ':', 3), method"
    )
    assert [row["total"] for row in sums] == pytest.approx([1.0] * len(sums))
    assert len(sums) > 1


def test_the_cells_that_a_rule_accepts_are_identified(filled: Observatory) -> None:
    strong = filled.sql("SELECT cluster_id FROM clusters WHERE list_contains(identified_by, 'us.strong.county')")
    expected = {
        f"{FEED}:{':'.join(key)}" for key, cell in slow_cells().items() if key[0] == "county" and cell["strong"]
    }
    assert {row["cluster_id"] for row in strong} == expected
    assert expected


@pytest.mark.parametrize("name", ["cbp16co.json", "CBP16CO.TXT"])
def test_other_shapes_have_equal_content(
    filled: Observatory, observatory: Observatory, tmp_path: Path, name: str
) -> None:
    rows = rows_of_county_table()
    text = api_answer(county_file(rows)) if name.endswith("json") else county_file(rows, upper=True)
    code, harvest = harvested(observatory, saved(tmp_path, text, name))
    assert (code, harvest["status"]) == (0, "accepted")
    assert observatory.contents()["observations"] == filled.contents()["observations"]
    assert observatory.contents()["clusters"] == filled.contents()["clusters"]


def test_an_equal_table_changes_nothing(observatory: Observatory, tmp_path: Path) -> None:
    text = county_file(rows_of_county_table())
    harvested(observatory, saved(tmp_path, text), "--no-publish")
    packed = tmp_path / "cbp16co.txt.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    code, harvest = harvested(observatory, packed, "--no-publish")
    assert (code, harvest["status"], harvest["rows_opened"]) == (0, "unchanged", 0)


@pytest.mark.parametrize(
    ("keep", "told"),
    [
        (lambda text: text[: len(text) * 9 // 10], "rows/2016"),
        (
            lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("56,")) + "\n",
            "rows/2016/56",
        ),
        (lambda text: text.replace("\n56,045,621111,", "\n56,045,62111/,"), "rows/2016/56"),
        (lambda text: text.replace("\n56,045,621111,,G,10", "\n56,045,621111,,G,ten"), "rows/2016/56"),
    ],
    ids=["cut", "a state less", "a county without industries", "a value that is no number"],
)
def test_what_is_not_whole_is_held(
    observatory: Observatory, tmp_path: Path, keep: Callable[[str], str], told: str
) -> None:
    code, harvest = harvested(observatory, saved(tmp_path, keep(county_file(rows_of_county_table()))))
    assert (code, harvest["status"]) == (3, "held")
    assert told in harvest["reason"]


def test_the_first_year_of_the_new_rule_is_a_break(observatory: Observatory, tmp_path: Path) -> None:
    rows = [row for row in rows_of_county_table() if not row[2]]
    code, _ = harvested(observatory, saved(tmp_path, county_file(rows), "cbp17co.txt"))
    assert code == 0
    [row] = observatory.sql(
        "SELECT method, obs_status, time_period FROM observations "
        "WHERE cluster_id = 'us.cbp:state:15:22' AND indicator = 'employment'"
    )
    assert row == {"method": "us.cbp2017.employment", "obs_status": "B", "time_period": "2017"}
    assert (
        observatory.value("SELECT count(*) FROM cluster_identification WHERE time_period = '2017' AND is_cluster") > 0
    )


def test_a_public_release_has_the_rows(observatory: Observatory, tmp_path: Path) -> None:
    harvested(observatory, saved(tmp_path, county_file(rows_of_county_table())), "--no-publish")
    code, _ = observatory.run("publish", "--profile", "public")
    assert code == 0
    feeds = observatory.sql("SELECT feed_id, count(*) AS n FROM observations GROUP BY ALL")
    assert [row["feed_id"] for row in feeds] == [FEED]
    assert observatory.value("SELECT count(*) FROM us_observed_vs_rebuilt") == 0


@pytest.mark.parametrize("shape", ["csv", "json"])
def test_an_aggregate_is_traced_to_all_its_rows(observatory: Observatory, tmp_path: Path, shape: str) -> None:
    text = county_file(rows_of_county_table())
    harvested(observatory, saved(tmp_path, api_answer(text) if shape == "json" else text, f"cbp16co.{shape}"))
    code, traced = observatory.run("trace", "observations", "us.cbp:state:15:22", "employment")
    assert code == 0
    assert traced["locator"] == "rows:region=us:state:15;bcd=22;naics=2012"
    named = [{name.lower(): value for name, value in row.items()} for row in traced["record"]]
    codes = sorted((row.get("fipscty", row.get("county")), row.get("naics", row.get("naics2012"))) for row in named)
    assert codes == [("003", "713210"), ("003", "721110"), ("009", "721110")]
    code, traced = observatory.run("trace", "observations", "us.cbp:county:46113:22", "employment")
    assert (code, len(traced["record"])) == (0, 1)
    code, traced = observatory.run("trace", "observations", "us.cbp:country:98:23", "employment")
    assert (code, len(traced["record"])) == (0, 1)


def test_the_replica_is_harvested_and_the_key_is_kept_out(
    observatory: Observatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBSERVATORY_CENSUS_KEY", "sesame")
    with us_cbp.replica(years=("2016",), categories=(102,)) as census:
        code, harvest = harvested_live(observatory, census.base_url)
        [variables, table] = census.requests[-2:]
    assert (variables.path, "key" in variables.query) == ("/data/2016/cbp/variables.json", False)
    assert table.query == {
        "get": "NAICS2012,EMP,ESTAB,PAYANN,PAYQTR1,EMP_F,EMP_N",
        "for": "county:*",
        "in": "state:*",
        "LFO": "001",
        "EMPSZES": "001",
        "key": "sesame",
    }
    assert (code, harvest["status"], harvest["warnings"]) == (0, "accepted", [])
    files = [path for path in observatory.home.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".warc.gz") for path in files)
    assert not [
        path
        for path in files
        if b"sesame" in (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    ]


def test_a_table_without_a_year_is_refused_with_a_reason(observatory: Observatory, tmp_path: Path) -> None:
    code, harvest = harvested(observatory, saved(tmp_path, county_file([("01001", "721110", "", 1, 1, 1, 1)]), "a.csv"))
    assert (code, harvest["status"]) == (1, "failed")
    assert "name the file as the Census Bureau does" in harvest["reason"]


@given(st.integers(1998, 2085))
def test_the_year_of_an_address(year: int) -> None:
    assert year_of(f"file:us.cbp/cbp{year % 100:02d}co.zip/Cbp{year % 100:02d}co.txt") == str(year)
    assert year_of(f"https://api.census.gov/data/{year}/cbp?get=NAICS2012") == str(year)
    assert year_of(f"file:us.cbp/county-{year}.csv") == str(year)


def test_a_name_without_a_year_is_told() -> None:
    with pytest.raises(EvidenceError, match="without a year"):
        year_of("file:us.cbp/counties.csv")
    with pytest.raises(EvidenceError, match="1997 is classified by SIC"):
        year_of("file:us.cbp/cbp97co.txt")


@pytest.mark.parametrize(
    ("address", "year"),
    [
        ("file:us.cbp/saved-2024-01-05/counties-2016.csv", "2016"),
        ("file:us.cbp/saved-2024-01-05/cbp15co.zip/counties.csv", "2015"),
        ("file:us.cbp/2024/cbp/counties%202016.csv", "2016"),
        ("file:us.cbp/saved-2024/2016/counties.csv", "2016"),
        ("file:us.cbp/2016/cbp16co-2016.txt", "2016"),
        ("https://api.census.gov/data/2019/cbp?get=NAICS2017,EMP", "2019"),
        ("file:us.cbp/saved-2024/api.census.gov/data/2019/cbp%3Fget=NAICS2017,EMP", "2019"),
        ("https://example.org/get?file=cbp16co.txt", "2016"),
    ],
)
def test_the_file_name_tells_the_year_before_its_folders(address: str, year: str) -> None:
    assert year_of(address) == year


@pytest.mark.parametrize("name", ["counties-2016-saved-2024.csv", "cbp16co-2017.txt"])
def test_a_name_with_two_years_is_refused(name: str) -> None:
    with pytest.raises(EvidenceError, match=f"/2016/{name}: expected one year in the name of .*, got 2016, 20[12]"):
        year_of(f"file:us.cbp/2016/{name}")


@pytest.mark.parametrize("shape", ["csv", "json"])
def test_a_column_with_another_year_than_the_address_is_refused(
    observatory: Observatory, tmp_path: Path, shape: str
) -> None:
    table = [
        ("YEAR", "NAICS2012", "EMP", "ESTAB", "PAYANN", "PAYQTR1", "state", "county"),
        ("2016", "721110", "700", "9", "28000", "7000", "11", "001"),
        ("", "721110", "500", "8", "28000", "7000", "15", "003"),
        ("2016", "721110", "300", "7", "28000", "7000", "10", "003"),
    ]
    text = json.dumps(table) if shape == "json" else "\n".join(map(",".join, table))
    code, harvest = harvested(observatory, saved(tmp_path, text, f"counties-2016.{shape}"))
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 3)
    assert observatory.sql("SELECT DISTINCT time_period FROM observations") == [{"time_period": "2016"}]
    assert values_of(observatory, "county:15003:22")["employment"] == (500, "A")
    other = text.replace('"2016", "721110", "300"', '"2015", "721110", "300"').replace(
        "2016,721110,300", "2015,721110,300"
    )
    code, harvest = harvested(observatory, saved(tmp_path, other, f"cbp16co.{shape}"))
    assert (code, harvest["status"]) == (1, "failed")
    assert f"cbp16co.{shape}: row 3 has '2015' in its column year, expected '2016' by its address" in harvest["reason"]


def statements(*tables: str) -> Iterator[str]:
    """Yield the statements of the feed's program that make these tables."""
    for statement in duckdb.extract_statements(program(FEED, ".sql").read_text("utf-8")):
        if any(f"CREATE TABLE {table} AS" in statement.query for table in tables):
            yield statement.query


# Excerpts -------------------------------------------------------------------------------------------------------------

EXCERPT = """\
"fipstate","fipscty","naics","empflag","emp_nf","emp","qp1_nf","qp1","ap_nf","ap","est","n1_4","n1000_1","censtate","cencty"
"10","003","------","","G",9999,"G",9,"G",99999,999,1,"N","51","003"
"10","003","33----","","G",9999,"G",9,"G",99999,99,1,"N","51","003"
"10","003","336411","","G",1200,"H",21000,"G",90000,4,1,"N","51","003"
"10","003","336412","B","D",0,"D",0,"D",0,2,1,"N","51","003"
"10","003","721110","","G",300,"G",1500,"G",6000,10,1,"N","51","003"
"15","003","721110","","G",9000,"G",80000,"G",330000,60,1,"N","95","003"
"15","003","713210","E","S",0,"D",0,"D",0,3,1,"N","95","003"
"15","003","621111","","G",2500,"G",30000,"G",125000,200,1,"N","95","003"
"11","001","721110","","G",700,"G",7000,"G",28000,9,1,"N","53","001"
"""
"""Synthetic: three counties; without total rows for two, and with totals that do not agree with the details."""


def values_of(observatory: Observatory, cluster_id: str) -> dict[str, tuple[Any, str]]:
    """Return indicator → value and status of one cell."""
    rows = observatory.sql(
        f"SELECT indicator, obs_value, obs_status FROM observations WHERE cluster_id = '{FEED}:{cluster_id}'"
    )
    return {row["indicator"]: (row["obs_value"], row["obs_status"]) for row in rows}


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """An observatory with the excerpt, published for all; only read."""
    folder = tmp_path_factory.mktemp("excerpt")
    observatory = Observatory(folder / "home")
    code, harvest = harvested(observatory, saved(folder, EXCERPT), "--no-publish")
    assert (code, harvest["status"], harvest["quarantined"]) == (0, "accepted", 0)
    [told] = [warning for warning in harvest["warnings"] if "is an excerpt" in warning]
    assert "it holds 3 of 3,143 counties, of 3 of 51 states" in told
    assert observatory.run("publish", "--profile", "public")[0] == 0
    return observatory


def test_an_excerpt_is_published_for_all(excerpt: Observatory) -> None:
    assert excerpt.manifest()["profile"] == "public"
    assert excerpt.sql("SELECT DISTINCT feed_id FROM observations") == [{"feed_id": FEED}]
    assert excerpt.value("SELECT count(*) FROM clusters WHERE feed_id = 'us.cbp'") > 0
    assert excerpt.value("SELECT sum(n) FROM us_rebuild_report") == 0
    assert excerpt.value("SELECT count(*) FROM us_rebuild_report") == 13 * 5


def test_an_excerpt_is_computed_from_what_it_holds(excerpt: Observatory) -> None:
    traded = 1200 + 60 + 300 + 9000 + 375 + 700
    hospitality = 300 + 9000 + 375 + 700
    maui = values_of(excerpt, "county:15003:22")
    assert maui["employment"] == (9375, "E")  # a midpoint
    assert maui["employment_reported"] == (9000, "A")
    assert maui["establishments"] == (63, "A")
    assert maui["payroll_annual"] == (330_000_000, "A")
    assert maui["payroll_first_quarter"] == (80_000_000, "A")
    assert maui["wage_average"] == (pytest.approx(330_000_000 / 9000), "A")
    assert maui["region_share"] == (1, "E")
    assert maui["category_share"] == (pytest.approx(9375 / hospitality), "E")
    assert maui["location_quotient"] == (pytest.approx(1 / (hospitality / traded)), "E")
    newcastle = values_of(excerpt, "county:10003:1")
    assert newcastle["employment"] == (1260, "E")
    assert newcastle["location_quotient"] == (pytest.approx((1260 / 1560) / (1260 / traded)), "E")


def test_an_excerpt_says_what_rests_on_counties_that_are_absent(excerpt: Observatory) -> None:
    whole = values_of(excerpt, "county:10003:22")
    assert whole["employment"] == (300, "A")
    assert whole["region_share"] == (pytest.approx(300 / 1560), "A")
    assert whole["category_share"][1] == whole["location_quotient"][1] == whole["strong"][1] == "E"
    for region in ("state:10", "country:98", "msa:37980", "economic:57127"):
        rows = excerpt.sql(
            "SELECT DISTINCT obs_status FROM observations "
            f"WHERE starts_with(cluster_id, '{FEED}:{region}:') AND obs_value IS NOT NULL"
        )
        assert rows == [{"obs_status": "E"}], region
    assert values_of(excerpt, "msa:46520:22")["establishments"] == (63, "A")  # it has one county, and that is here
    assert values_of(excerpt, "state:10:22")["establishments"] == (10, "E")
    assert values_of(excerpt, "country:98:22")["establishments"] == (82, "E")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace('"', ""),
        lambda text: text.replace("fipstate", "FIPSTATE").replace('"naics"', '"NAICS"').replace('"est"', '"EST"'),
        lambda text: "\ufeff" + text.rstrip("\n"),
        lambda text: text.replace('"n1_4"', '"n<5"'),
    ],
    ids=["CRLF", "no quotes", "upper case", "byte order mark, no last line end", "the size classes of later years"],
)
def test_an_excerpt_may_be_written_in_many_ways(
    excerpt: Observatory, observatory: Observatory, tmp_path: Path, change: Callable[[str], str]
) -> None:
    path = tmp_path / "cbp16co.txt"
    path.write_bytes(change(EXCERPT).encode())
    code, harvest = harvested(observatory, path)
    assert (code, harvest["status"]) == (0, "accepted")
    assert [warning for warning in harvest["warnings"] if "unknown key" in warning] == []
    assert observatory.contents()["observations"] == excerpt.contents()["observations"]


@pytest.mark.parametrize("where", ["header", "every line"])
def test_a_header_cell_without_a_name_is_not_read(
    excerpt: Observatory, observatory: Observatory, tmp_path: Path, where: str
) -> None:
    text = (
        EXCERPT.replace("\n", ",\n", 1) if where == "header" else EXCERPT.replace("\n", ",x\n").replace(",x", ", ", 1)
    )
    code, harvest = harvested(observatory, saved(tmp_path, text))
    assert (code, harvest["status"], harvest["records"], harvest["quarantined"]) == (0, "accepted", 9, 0)
    assert [warning for warning in harvest["warnings"] if "unknown key" in warning] == []
    assert observatory.contents()["observations"] == excerpt.contents()["observations"]
    code, traced = observatory.run("trace", "observations", f"{FEED}:county:15003:22", "employment")
    assert (code, [(row["naics"], row["emp"]) for row in traced["record"]]) == (
        0,
        [("721110", "9000"), ("713210", "0")],
    )


def test_a_table_that_is_not_utf_8_is_refused_with_a_reason(observatory: Observatory, tmp_path: Path) -> None:
    path = tmp_path / "cbp16co.txt"
    names = ["name", *("Doña Ana" if "721110" in line else "" for line in EXCERPT.splitlines()[1:])]
    text = "\n".join(f"{name},{line}" for name, line in zip(names, EXCERPT.splitlines(), strict=True))
    path.write_bytes(text.encode("latin-1"))
    code, harvest = harvested(observatory, path, "--no-publish")
    assert (code, harvest["status"]) == (1, "failed")
    assert 'cbp16co.txt: expected UTF-8, got b\'Do\\xf1a Ana,"10","003","7' in harvest["reason"]
    assert harvest["reason"].endswith(" in line 6, byte 3; save it as UTF-8")
    path.write_bytes(text.encode())
    code, harvest = harvested(observatory, path, "--no-publish")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 9)


def test_a_table_is_read_within_the_limit_of_memory_and_spills_into_staging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_of: list[tuple[Any, ...]] = []

    def connecting(config: dict[str, str]) -> duckdb.DuckDBPyConnection:
        connection = connect(config=config)
        query = "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
        settings_of.extend(connection.execute(query).fetchall())
        return connection

    monkeypatch.setattr(staging, "MEMORY", "512MiB")
    monkeypatch.setattr(staging, "connect", connecting)
    batch = Batch("rows", Table(b"a,b\n1,2\n", ["a", None], {}))
    [page] = staging._write_pages(batch, tmp_path / "rows-00000", "us:a")  # noqa: SLF001  # what is tested
    assert json.loads(page.read_bytes()) == [{"a": "1", "_locator": "csv:row=1"}]
    assert settings_of == [("512.0 MiB", str(tmp_path / "rows-00000.spill"))]
    assert list(tmp_path.iterdir()) == [page]


def test_an_excerpt_closes_nothing_and_another_one_is_held(observatory: Observatory, tmp_path: Path) -> None:
    harvested(observatory, saved(tmp_path, EXCERPT))
    lines = EXCERPT.splitlines()
    text = "\n".join([lines[0], *(line for line in lines if line.startswith('"11"'))])
    code, harvest = harvested(observatory, saved(tmp_path, text + "\n"))
    assert (code, harvest["status"], harvest["rows_closed"]) == (3, "held", 0)
    code, document = observatory.run("accept", harvest["harvest_id"], "--reason", "a test")
    assert (code, document["harvests"][0]["status"], document["harvests"][0]["rows_closed"]) == (0, "accepted", 0)
    assert values_of(observatory, "county:15003:22")["establishments"] == (63, "A")


def test_an_excerpt_never_replaces_a_whole(observatory: Observatory, tmp_path: Path) -> None:
    harvested(observatory, saved(tmp_path, county_file(rows_of_county_table())))
    before = observatory.contents()
    code, harvest = harvested(observatory, saved(tmp_path, EXCERPT))
    assert (code, harvest["status"]) == (3, "held")
    assert "cells has 3 of 3,143 records" in harvest["reason"]
    assert observatory.contents() == before


def test_a_torn_line_is_rejected(observatory: Observatory, tmp_path: Path) -> None:
    text = EXCERPT + '"01","001","336411","","G",77'
    code, harvest = harvested(observatory, saved(tmp_path, text))
    assert (code, harvest["status"], harvest["quarantined"]) == (3, "held", 1)
    assert "1 of 10 rows were rejected" in harvest["reason"]


def test_figures_that_are_none_leave_their_county_incomplete(observatory: Observatory, tmp_path: Path) -> None:
    code, harvest = harvested(observatory, saved(tmp_path, EXCERPT.replace('"G",300,', '"G",3OO,')))
    assert (code, harvest["status"], harvest["quarantined"]) == (0, "accepted", 1)
    assert any("it holds 2 of 3,143 counties" in warning for warning in harvest["warnings"])
    assert values_of(observatory, "county:10003:22")["establishments"] == (10, "E")


# From 2017 on ---------------------------------------------------------------------------------------------------------

NEW_RULE = """\
fipstate,fipscty,naics,emp_nf,emp,qp1_nf,qp1,ap_nf,ap,est,n<5
11,001,------,G,1000,G,9000,G,36000,50,N
11,001,517312,G,100,G,900,G,3600,5,N
11,001,541714,J,200,J,2900,J,9600,6,N
11,001,454110,S,0,S,0,S,0,3,N
"""
"""Synthetic: no size classes, codes that are new in NAICS 2017, and a row that is withheld."""


@pytest.mark.parametrize("year", ["17", "21"])
def test_the_new_rule_is_a_break(observatory: Observatory, tmp_path: Path, year: str) -> None:
    code, harvest = harvested(observatory, saved(tmp_path, NEW_RULE, f"cbp{year}co.txt"))
    assert (code, harvest["status"]) == (0, "accepted")
    assert values_of(observatory, "county:11001:8")["employment"] == (100, "B")
    assert values_of(observatory, "county:11001:13")["payroll_annual"] == (9_600_000, "B")
    withheld = values_of(observatory, "county:11001:10")
    assert (withheld["employment"], withheld["wage_average"]) == ((0, "B"), (None, "O"))
    assert observatory.sql(
        "SELECT DISTINCT time_period, starts_with(method, 'us.cbp2017.') AS new FROM observations"
    ) == [{"time_period": f"20{year}", "new": True}]
    code, traced = observatory.run("trace", "observations", "us.cbp:county:11001:8", "employment")
    assert (code, [row["naics"] for row in traced["record"]]) == (0, ["517312"])


# The Census API -------------------------------------------------------------------------------------------------------


def api_table(header: Sequence[str], *rows: Sequence[str | None]) -> str:
    return json.dumps([header, *rows])


def test_rows_by_legal_form_are_counted_once(observatory: Observatory, tmp_path: Path) -> None:
    header = ("ESTAB", "EMP", "PAYANN", "PAYQTR1", "NAICS2012", "EMP_F", "EMP_N", "LFO", "EMPSZES", "state", "county")
    text = api_table(
        header,
        ("9", "700", "28000", "7000", "721110", None, "G", "001", "001", "11", "001"),
        ("5", "500", "20000", "5000", "721110", None, "G", "9101", "001", "11", "001"),
        ("4", "200", "8000", "2000", "721110", None, "G", "001", "242", "11", "001"),
        ("3", "0", "0", "0", "713210", "e", "D", "001", "001", "11", "001"),  # a small letter, as the API writes it
        ("2", "0", "0", "0", "721120", "D", None, "001", "001", "11", "001"),
    )
    code, harvest = harvested(observatory, saved(tmp_path, text, "counties-2016.json"))
    assert (code, harvest["status"], harvest["dropped"]) == (0, "accepted", 2)
    found = values_of(observatory, "county:11001:22")
    assert (found["employment"], found["establishments"]) == ((700 + 375, "E"), (9 + 3 + 2, "A"))
    assert found["employment_reported"] == (700, "A")


def test_of_two_noise_columns_the_flag_counts(observatory: Observatory, tmp_path: Path) -> None:
    text = api_table(
        ("NAICS2017", "NAICS2017_LABEL", "EMP", "EMP_N", "EMP_N_F", "ESTAB", "PAYANN", "PAYQTR1", "state", "county"),
        ("721110", "Hotels", "700", "0 to <2%", "G", "9", "28000", "7000", "11", "001"),
        ("721120", "Casino hotels", "0", "", "D", "3", "0", "0", "11", "001"),
    )
    code, harvest = harvested(observatory, saved(tmp_path, text, "counties-2019.json"))
    assert (code, harvest["status"], harvest["quarantined"]) == (0, "accepted", 0)
    assert values_of(observatory, "county:11001:22")["employment_reported"] == (700, "B")


@pytest.mark.parametrize(
    ("name", "header", "kind"),
    [
        ("cbp16st.txt", "fipstate,naics,lfo,empflag,emp_nf,emp,qp1_nf,qp1,ap_nf,ap,est", "a table of states"),
        ("cbp16us.txt", "lfo,naics,empflag,emp_nf,emp,qp1_nf,qp1,ap_nf,ap,est", "a table of the country"),
        ("cbp16msa.txt", "msa,naics,empflag,emp_nf,emp,qp1_nf,qp1,ap_nf,ap,est", "a table of metropolitan areas"),
        ("cbp97co.txt", "fipstate,fipscty,sic,empflag,emp,qp1,ap,est", "a table by SIC"),
    ],
)
def test_tables_of_other_regions_are_left_out_with_a_reason(
    observatory: Observatory, tmp_path: Path, name: str, header: str, kind: str
) -> None:
    saved(tmp_path, EXCERPT)
    saved(tmp_path, f"{header}\n" + ",".join("1" for _ in header.split(",")) + "\n", name)
    code, harvest = harvested(observatory, tmp_path, "--no-publish")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 9)
    [told] = [warning for warning in harvest["warnings"] if "left out" in warning]
    assert f"{name} ({kind}, not a county file; bring cbpYYco.txt)" in told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Response(b"<html><title>Missing Key</title>", 200, "text/html"), "Missing Key"),
        (Response(b"error: unknown variable 'EMP_F'", 400, "text/plain"), "HTTP 400"),
        (Response(b"", 204), "expected a JSON table"),
        (Response(b'[["NAICS2012","EMP","ESTAB","state","county"],["721110","1","1","01"', 200), "one that ends with"),
    ],
    ids=["a page", "an unknown variable", "nothing", "torn"],
)
def test_what_is_no_table_is_told(observatory: Observatory, answer: Response, told: str) -> None:
    with us_cbp.replica(categories=(102,)) as census:
        census.faults.append(Fault("/data/2016/cbp[?]*", answer=answer))
        code, harvest = harvested_live(observatory, census.base_url)
    assert (code, harvest["rows_opened"]) == (1, 0)
    assert told in harvest["reason"]


@pytest.mark.parametrize("years", ["1997", "16", "2016,1986", "latest"])
def test_years_that_cannot_be_had_are_refused_before_anything_is_asked(observatory: Observatory, years: str) -> None:
    with us_cbp.replica(categories=(102,)) as census:
        options = ("--route", "replica", "--base-url", f"{FEED}={census.base_url}", "--set", f"{FEED}.years={years}")
        code, document = observatory.run("harvest", FEED, *options)
        assert (code, census.requests) == (2, [])
    assert "us.cbp.years: expected years from 1998 on; 2016 is the last one before" in document["error"]


@pytest.mark.parametrize("year", ["1998", "1999", "2000", "2023"])
def test_years_that_may_be_had_are_taken(year: str) -> None:
    assert feeds()[FEED].settings({"years": f"{year},2016"})[1]["years"] == (year, "2016")


def test_a_state_that_the_api_leaves_out_is_held(observatory: Observatory) -> None:
    with us_cbp.replica(categories=(102,)) as census:
        table = json.loads(census.app._table(2016, ("NAICS2012", "EMP", "ESTAB", "PAYANN", "PAYQTR1")))  # noqa: SLF001
        less = json.dumps([row for row in table if row[-2] != "56"]).encode()
        census.faults.append(Fault("/data/2016/cbp[?]*", answer=Response(less)))
        code, harvest = harvested_live(observatory, census.base_url)
    assert (code, harvest["status"]) == (3, "held")
    assert "rows/2016/56" in harvest["reason"]


# The report -----------------------------------------------------------------------------------------------------------


def test_the_report_compares_each_pair_of_methods_apart() -> None:
    with duckdb.connect() as connection:
        connection.execute((ROOT / "docs" / "schema" / "ddl.sql").read_text("utf-8"))
        for feed, category, employment in (
            ("us.clustermapping", 1, 100.0),
            ("us.cbp", 1, 103.0),
            ("us.clustermapping", 2, 10.0),
            ("us.cbp", 2, 20.0),
        ):
            cluster_id = f"{feed}:state:15:{category}"
            connection.execute(
                "INSERT INTO clusters BY NAME SELECT ? AS cluster_id, ? AS feed_id, 'us:state:15' AS region_id, "
                "? AS hub_category_id",
                [cluster_id, feed, f"bcd:{category}"],
            )
            for year, indicator, value, unit in (
                ("2016", "employment", employment, "persons"),
                ("2017", "employment", employment, "persons"),
                ("2016", "strong", float(employment > 15), "boolean"),
            ):
                connection.execute(
                    "INSERT INTO observations BY NAME SELECT ? AS cluster_id, ? AS feed_id, ? AS indicator, "
                    "'_Z' AS unit_kind, ? AS time_period, ? AS method, ? AS obs_value, ? AS unit_measure",
                    [cluster_id, feed, indicator, year, f"{feed}.{year}", value, unit],
                )
        report = connection.execute(
            "SELECT indicator, observed_method, n, correlation, median_relative_difference, share_within_5_percent, "
            "flags_alike FROM us_rebuild_report WHERE level = 'state' AND n > 0"
        ).fetchall()
    assert report == [
        ("employment", "us.clustermapping.2016", 2, pytest.approx(1), pytest.approx((0.03 + 1) / 2), 0.5, None),
        ("employment", "us.clustermapping.2017", 2, pytest.approx(1), pytest.approx((0.03 + 1) / 2), 0.5, None),
        ("strong", "us.clustermapping.2016", 2, None, None, None, 0.5),
    ]


# The crosswalk --------------------------------------------------------------------------------------------------------


def test_new_codes_of_2017_belong_where_those_that_they_replace_do() -> None:
    for row in [row for row in listed("crawlers/ref/naics_bcd.csv") if row["vintage"] == "2017"]:
        assert row["naics"] not in CATEGORY
        assert {CATEGORY[code] for code in row["replaces"].split()} == {row["category"]}, row


@pytest.mark.skipif(not REAL.exists(), reason="the recordings are not here")
def test_the_crosswalk_is_that_of_the_source() -> None:
    with gzip.open(REAL / "naics_cluster_crosswalk_api_2018-10.csv.gz", "rt", encoding="utf-8") as stream:
        published = {(row["naics_vintage"], row["naics"], row["cluster_code"]) for row in csv.DictReader(stream)}
    ours = [
        (row["vintage"], row["naics"], row["category"])
        for row in listed("crawlers/ref/naics_bcd.csv")
        if row["vintage"] != "2017"
    ]
    assert (set(ours), len(ours)) == (published, 4240)


@pytest.mark.skipif(not REAL.exists(), reason="the recordings are not here")
def test_the_edition_of_2017_is_that_of_a_third_party_whose_other_codes_agree() -> None:
    with (REAL / "naics_cluster_subcluster_crosswalk_2012_noco.csv").open(encoding="utf-8", newline="") as stream:
        theirs = {row["naics"]: row["cluster_code"] for row in csv.DictReader(stream)}
    shared = theirs.keys() & CATEGORY.keys()
    assert len(shared) == 950
    assert [naics for naics in shared if theirs[naics] != CATEGORY[naics]] == []
    changes = [row for row in listed("crawlers/ref/naics_bcd.csv") if row["vintage"] == "2017"]
    assert {row["naics"]: theirs[row["naics"]] for row in changes} == {row["naics"]: row["category"] for row in changes}
    assert {code for row in changes for code in row["replaces"].split()} == CATEGORY.keys() - theirs.keys()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**4)), min_size=2, max_size=6))
def test_location_quotients_follow_the_formula(figures: list[tuple[int, int]]) -> None:
    """Two states and two categories; the country is their sum."""
    cells = {
        (state, category): figures[(2 * state + category) % len(figures)][0] for state in (0, 1) for category in (0, 1)
    }
    values = compare(
        [("state", str(state), str(category + 1), emp, 1) for (state, category), emp in cells.items()]
        + [("country", "98", str(c + 1), cells[0, c] + cells[1, c], 1) for c in (0, 1)]
    )
    for (state, category), emp in cells.items():
        base, us = cells[state, 0] + cells[state, 1], cells[0, category] + cells[1, category]
        lq = values["state", str(state), str(category + 1)]["lq"]
        if base and us:
            assert lq == pytest.approx(emp * sum(cells.values()) / (base * us))
        else:
            assert lq is None


def compare(cells: Sequence[tuple[str, str, str, int, int]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Run only the formulas of the program on cells of traded categories in one year."""
    with duckdb.connect() as connection:
        names = ("region_type", "region_code", "category", "emp", "est")
        values = json.dumps([dict(zip(names, cell, strict=True)) for cell in cells])
        connection.execute(
            "CREATE TABLE summed AS SELECT '2016' AS year, true AS traded, 0 AS ap, 0 AS emp_reported, "
            'unnest(from_json(?, \'[{"region_type":"VARCHAR","region_code":"VARCHAR","category":"VARCHAR",'
            '"emp":"BIGINT","est":"BIGINT"}]\'), recursive := true)',
            [values],
        )
        for statement in statements("compared", "cell"):
            connection.execute(statement)
        cursor = connection.execute("SELECT * FROM cell")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return {(row["region_type"], row["region_code"], row["category"]): row for row in rows}


@pytest.mark.skipif(not REAL.exists(), reason="the recordings are not here")
def test_the_formulas_reproduce_the_recorded_flags_of_2016() -> None:
    documents = json.loads(gzip.decompress((REAL / "data__region__state__all__2016__all.json.gz").read_bytes()))
    states = {(d["region_code_t"], d["cluster_code_t"]): d for d in documents if d["traded_b"]}
    with (REAL / "derived__country_98__2016__clusters.csv").open(encoding="utf-8") as stream:
        nation = {row["cluster_code"]: row for row in csv.DictReader(stream) if row["type"] == "traded"}
    found = compare(
        [("state", *key, d["emp_tl"], d["est_tl"]) for key, d in states.items()]
        + [("country", "98", code, int(row["us_emp_2016_derived"]), 1) for code, row in nation.items()]
    )
    flags = ("qualifying", "significant", "strong", "strong10")
    differing = [
        (key, flag) for key, d in states.items() for flag in flags if found["state", *key][flag] != d[f"{flag}_b"]
    ]
    assert differing == []
    assert sum(found["state", *key]["strong"] for key in states) == 512
    assert len(states) == 2550
