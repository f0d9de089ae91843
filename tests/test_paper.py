"""paper.facts: every row of the lists arrives unchanged, cited and traceable; theme rules and views say no more."""

from __future__ import annotations

import csv
import io
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import cli
from crawlers.evidence import Document, Evidence
from crawlers.paper.facts import KINDS, parse
from crawlers.source import catalogue, feeds
from normalizers.contract import Record
from normalizers.normalise import program, records_of
from provenance import locate
from replicas.server import Replica
from replicas.us import ClusterMapping
from warehouse import assemble, generate, schema
from warehouse.schema import CLUSTERS, INITIATIVE_ORGANISATIONS, RESOURCES, TABLES, Origin, quoted

ROOT = Path(__file__).parents[1]
FACTS = ROOT / "crawlers" / "paper" / "facts"
SHARED = ROOT / ".." / "shared" / "data"
FEED = "paper.facts"

ROWS = {
    "claims": 57 + 39 + 45 + 40,  # the paper, India, Canada, Europe
    "clusters": 13,
    "codes": 51,
    "initiatives": 29 + 1 + 23 + 17,  # Table 2, the Modified IIUS in it, the text, the IDB
    "initiative_components": 5,
    "initiative_locations": 9,
    "initiative_organisations": 83,
    "initiative_relations": 5,
    "organisations": 45,
    "resources": 8 + len(catalogue()),  # Annex 1 and the map of USAID, and each source of ours
    "theme_rules": 22,
}
"""Table → rows of the feed."""

VIEWS = ("claimed_vs_found", "programme_reach", "funding_by_organisation_type", "initiative_objectives_by_period")


def listed(path: Path) -> list[dict[str, str]]:
    """Read a list."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def shared(name: str) -> list[dict[str, str]]:
    """Read a file that the lists were carried over from."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not here")
    return listed(SHARED / name)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """Make a home with the facts alone; its newest release is public. For reading only."""
    observatory = Observatory(tmp_path_factory.mktemp("facts") / "home")
    code, document = observatory.run("harvest", FEED)
    assert (code, document["harvests"][0]["status"]) == (0, "accepted"), document
    assert document["harvests"][0]["quarantined"] == 0
    assert observatory.run("publish", "--profile", "public")[0] == 0
    assert observatory.manifest()["profile"] == "public"
    return observatory


# The release holds all of it ------------------------------------------------------------------------------------------


def test_the_public_release_holds_every_row(facts: Observatory) -> None:
    counts = {table: facts.value(f"SELECT count(*) FROM {table} WHERE feed_id = '{FEED}'") for table in ROWS}
    assert counts == ROWS
    assert sum(ROWS.values()) == sum(len(listed(path)) for path in FACTS.glob("*.csv"))
    code, verified = facts.run("verify")
    assert (code, verified["problems"]) == (0, [])


def test_the_same_facts_again_change_nothing(facts: Observatory, tmp_path: Path) -> None:
    home = Observatory(tmp_path / "home")
    shutil.copytree(facts.home, home.home, symlinks=True)
    _, document = home.run("harvest", FEED)
    assert document["harvests"][0]["status"] == "unchanged"


def test_every_row_is_cited_and_leads_to_its_line(facts: Observatory) -> None:
    files = {path.name: path.read_bytes() for path in FACTS.glob("*.csv")}
    lines = {name: body.decode().split("\n") for name, body in files.items()}
    documents = {row["document_id"]: row for row in facts.sql("FROM documents")}
    bodies = {
        name: Evidence(facts.home, FEED).read(row["warc_file"], row["warc_offset"]).body
        for name, row in documents.items()
    }
    with program(FEED, ".fields.csv").open(encoding="utf-8", newline="") as stream:
        plain = [(row["table"], row["target"], row["field"]) for row in csv.DictReader(stream) if not row["conversion"]]
    traced = 0
    for table in ROWS:
        for row in facts.sql(f"FROM {table} WHERE feed_id = '{FEED}'"):
            record = locate(document(bodies[row["document_id"]]), row["locator"])
            name = documents[row["document_id"]]["url"].removeprefix(f"file:{FEED}/")
            assert bodies[row["document_id"]] == files[name]
            number = int(row["locator"].removeprefix("csv:row="))
            assert next(csv.reader([lines[name][number]])) == list(record.values()), "row n stands in line n + 1"
            assert row["citation"] == record["citation"] != ""
            for of_table, target, field in plain:
                if of_table == table:
                    came = row[target]
                    assert (str(came) if isinstance(came, str) else came) == (
                        (type(came)(record[field]) if came is not None else None) if record[field] else None
                    ), (table, target, record)
            traced += 1
    assert traced == sum(ROWS.values())


@pytest.mark.parametrize(
    ("table", "row_id", "column", "raw"),
    [
        ("claims", "C002", "value", "6400"),
        ("initiatives", f"{FEED}:IHCDS", "clusters_covered", "585"),
        ("initiative_components", f"{FEED}:MSECDP|2", "max_cost", "25.00"),
        ("initiative_relations", f"{FEED}:IN-SICDP|2", "relation_date", "2007-10"),
        ("initiative_organisations", f"{FEED}:UMB|3", "organisation_name", "DCMSME"),
        ("initiative_locations", f"{FEED}:IDB-mendoza-cluster-program|1", "admin_name", "Mendoza"),
        ("organisations", f"{FEED}:dc-msme", "name", "Development Commissioner (MSME)"),
        ("resources", f"{FEED}:eu-observatory", "since", "2007-06"),
        ("clusters", f"{FEED}:silicon-valley", "place", "California"),
        ("codes", "theme|financially_weak", "name", "Financially weak"),
        ("theme_rules", "T1-22", "product", "Leather"),
    ],
)
def test_trace_walks_from_each_table(facts: Observatory, table: str, row_id: str, column: str, raw: str) -> None:
    code, traced = facts.run("trace", table, row_id, column)
    assert code == 0, traced
    assert [(field["target"], field["raw"]) for field in traced["fields"]] == [(column, raw)]
    assert len(traced["document"]["sha256"]) == 64
    assert traced["locator"].startswith("csv:row=")


def test_a_synthetic_home_may_publish_the_facts(tmp_path: Path, replica: Replica[ClusterMapping]) -> None:
    observatory = Observatory(tmp_path / "home")
    assert observatory.harvest(replica.base_url, "--no-publish", clusters="22")[0] == 0
    assert observatory.run("harvest", FEED)[0] == 0
    census = {where: rest for where, *rest in cli.census_rows(observatory.home / "published" / "latest")}
    found, once, bounds, declared = census["IN"]
    assert (found, once, bounds) == ("1", "1", "1 to 6,500")
    assert declared == ">6,500, ~6,400, >6,000, ~6,000, >5,000, ~2,500 and 13 more"
    assert list(census)[-1] == "world"
    assert observatory.run("publish", "--profile", "public")[0] == 0
    assert observatory.value(f"SELECT count(*) FROM claims WHERE feed_id = '{FEED}'") == ROWS["claims"]
    assert observatory.value("SELECT count(*) FROM clusters WHERE kind = 'cell'") == 0


# No figure changed ----------------------------------------------------------------------------------------------------


def test_claims_of_the_paper_stand_as_they_are(facts: Observatory) -> None:
    columns = ("claim_id", "subject", "measure", "qualifier", "unit", "scope", "as_of", "stated_by", "note")
    published = facts.sql("FROM claims WHERE claim_id LIKE 'C%' ORDER BY claim_id")
    expected = shared("paper/claims.csv")
    assert [{name: row[name] or "" for name in columns} for row in published] == [
        {name: row[name] for name in columns} for row in expected
    ]
    assert [row["value"] for row in published] == [float(row["value"]) for row in expected]
    for row, old in zip(published, expected, strict=True):
        assert row["citation"].endswith(old["locator"].replace(" footnote", ", footnote"))


@pytest.mark.parametrize(
    ("file", "ids", "value", "others"),
    [
        ("india/schemes_and_counts.csv", "india", "value", {"subject": "what", "note": "detail", "as_of": "as_of"}),
        ("canada/facts_seen.csv", "canada", "value", {"as_of": "year", "note": "note", "citation": "source_url"}),
        (
            "eu/facts_region_category.csv",
            "eu",
            "value",
            {"subject": "category", "measure": "metric", "unit": "unit", "as_of": "period", "citation": "source"},
        ),
    ],
)
def test_claims_of_others_keep_their_figures_and_words(
    facts: Observatory, file: str, ids: str, value: str, others: Mapping[str, str]
) -> None:
    published = facts.sql(f"FROM claims WHERE claim_id LIKE '{FEED}:{ids}:%' ORDER BY claim_id")
    expected = shared(file)
    assert [row["value"] for row in published] == [float(row[value]) for row in expected]
    for column, field in others.items():
        assert [row[column] or "" for row in published] == [row[field] for row in expected], column
    if ids == "canada":
        assert [row["claim_id"].rpartition(":")[2] for row in published] == [row["fact_id"] for row in expected]
        for row, old in zip(published, expected, strict=True):
            assert row["subject"] == (old["cluster"] or old["indicator"])
            assert not old["cluster"] or row["measure"] == old["indicator"]
            assert (row["classification"] or "") == old["cluster_scheme"]


def test_initiatives_keep_their_words_and_years(facts: Observatory) -> None:
    published = {row["initiative_id"]: row for row in facts.sql("FROM initiatives")}
    schemes, others = shared("paper/schemes.csv"), shared("paper/initiatives.csv")
    programmes = shared("usaid/cluster_programmes_other_bodies.csv")
    assert (len(schemes), len(others), len(programmes)) == (29, 23, 17)
    for row in schemes:
        mine = published.pop(f"{FEED}:{row['code']}")
        assert (mine["title"], mine["kind"], mine["country_code"]) == (row["name"], row["kind"], "IN")
        assert mine["citation"].partition(";")[0].endswith(row["locator"])
    for row in others:
        mine = published.pop(f"{FEED}:{row['code']}")
        assert (mine["title"], mine["kind"], mine["level"]) == (row["title"], row["kind"], row["level"])
        assert (mine["country_code"] or "", mine["note"] or "") == (row["country"], row["note"])
        assert (mine["start_date"] or "")[:4] == row["start_year"]
        assert (mine["end_date"] or "")[:4] == row["end_year"]
        assert mine["date_precision"] == ("year" if row["start_year"] or row["end_year"] else None)
    modified = published.pop(f"{FEED}:MIIUS")
    assert modified["title"] == "Modified IIUS"
    assert sorted(row["title"] for row in published.values()) == sorted(row["programme"] for row in programmes)


def test_the_other_lists_keep_their_figures(facts: Observatory) -> None:
    assert [(row["rule_id"], row["product"], row["theme"]) for row in facts.sql("FROM theme_rules")] == [
        tuple(row.values()) for row in shared("paper/themes.csv")
    ]
    assert [
        (row["name"], row["kind"], row["publisher"], row["url"] or "", row["scope"], row["since"] or "")
        for row in facts.sql(
            "FROM resources WHERE NOT contains(resource_id, ':source-') ORDER BY length(locator), locator"
        )
    ] == [tuple(list(row.values())[:6]) for row in shared("paper/resources.csv")]
    assert [
        (row["name"], row["product"], row["place"] or "", row["country_code"], row["note"] or "")
        for row in facts.sql(f"FROM clusters WHERE feed_id = '{FEED}' ORDER BY length(locator), locator")
    ] == [tuple(list(row.values())[:5]) for row in shared("paper/documented_clusters.csv")]
    bodies = [
        name
        for row in facts.sql("FROM initiative_organisations ORDER BY length(locator), locator")
        if not row["initiative_id"].startswith(f"{FEED}:IDB-")
        for name in [row["organisation_name"]]
    ]
    stated = [row["institutions"] for row in shared("paper/schemes.csv")]
    stated += [row["organisations"] for row in shared("paper/initiatives.csv")]
    assert bodies == [
        name
        for text in stated
        # Two bodies behind a hyphen are two rows, and one that stands twice is one.
        for name in dict.fromkeys(
            part
            for each in text.split("; ")
            for part in (each.split("-") if re.fullmatch("[A-Z]+-[A-Z]+", each) else [each])
        )
    ]


# The relations that the paper states ----------------------------------------------------------------------------------


def test_table_3_is_joined_to_the_schemes_and_adds_up(facts: Observatory) -> None:
    reach = facts.sql("SELECT initiative_id, clusters_covered FROM initiatives WHERE clusters_covered IS NOT NULL")
    assert {row["initiative_id"].removeprefix(f"{FEED}:"): row["clusters_covered"] for row in reach} == {
        "MSECDP": 534,
        "SFURTI": 103,
        "IIUS": 38,
        "AHVY": 1237,
        "IHCDS": 585,  # IHDS
        "SITP": 40,
        "MFP": 15,  # Mega Food Park Scheme
        "AYUSH-CF": 12,
        "NABARD": 48,
        "TUP": 45,  # SIDBI Technology Up-gradation Programme
        "UNIDO-CDP": 40,
    }
    assert facts.value("SELECT sum(clusters_covered) FROM initiatives") == 2697
    names = {row["code"]: row["table_3_name"] for row in listed(FACTS / "initiatives.csv") if row["table_3_name"]}
    assert sorted(names.values()) == sorted(row["programme"] for row in shared("paper/reach.csv"))


def test_components_of_mse_cdp(facts: Observatory) -> None:
    rows = facts.sql("FROM initiative_components")
    assert [(row["max_cost"], row["grant_share"], row["grant_share_special"]) for row in rows] == [
        (2.5, 1.0, None),
        (25.0, 0.75, 0.9),
        (5.0, 1.0, None),
        (1500.0, 0.7, 0.9),
        (1000.0, 0.6, 0.8),
    ]
    assert {(row["initiative_id"], row["cost_unit"], row["currency"]) for row in rows} == {
        (f"{FEED}:MSECDP", "lakh INR", "INR")
    }
    assert all(row["unit_basis"].startswith("inferred") for row in rows)
    assert [bool(row["special_condition"]) for row in rows] == [False, True, False, True, True]


def test_programmes_follow_each_other_with_both_stated_dates(facts: Observatory) -> None:
    rows = facts.sql("FROM initiative_relations")
    assert [
        (*(row[name].removeprefix(f"{FEED}:") for name in ("initiative_id", "to_initiative_id")), row["relation"])
        for row in rows
    ] == [
        ("IIUS", "MIIUS", "renamed_to"),
        ("IN-IID", "IN-MSECDP", "subsumed_in"),
        ("IN-SICDP", "IN-MSECDP", "renamed_to"),
        ("IN-SICDP", "IN-MSECDP", "renamed_to"),
        ("IN-UPTECH", "IN-SICDP", "renamed_to"),
    ]
    assert [row["relation_date"] for row in rows] == [None, "2007-10", "2006", "2007-10", "2003-08"]


def test_one_scheme_told_of_twice_stays_two_rows_with_a_link(facts: Observatory) -> None:
    [link] = facts.sql("FROM links")
    assert (link["from_id"], link["to_id"], link["relation"]) == (f"{FEED}:IN-MSECDP", f"{FEED}:MSECDP", "same_as")
    assert (
        facts.value(f"SELECT count(*) FROM initiatives WHERE initiative_id IN ('{FEED}:MSECDP', '{link['from_id']}')")
        == 2
    )


def test_contradictions_stand_side_by_side_and_name_each_other(facts: Observatory) -> None:
    linked = {row["claim_id"]: set(row["contradicts"] or ()) for row in facts.sql("FROM claims")}
    assert {claim: others for claim, others in linked.items() if others} == {
        "C002": {"C003"},
        "C003": {"C002"},
        "C004": {f"{FEED}:india:01"},
        f"{FEED}:india:01": {"C004"},
    }
    assert facts.sql("SELECT value FROM claims WHERE claim_id IN ('C002', 'C003') ORDER BY value") == [
        {"value": 6000.0},
        {"value": 6400.0},
    ]


def test_bodies_and_claims_name_rows_that_are_there(facts: Observatory) -> None:
    for table, column, parent in (
        ("initiative_organisations", "organisation_id", "organisations"),
        ("claims", "initiative_id", "initiatives"),
        ("initiative_relations", "to_initiative_id", "initiatives"),
    ):
        key = TABLES[parent].key[0]
        assert facts.value(f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT {key} FROM {parent})") == 0
    # One body has one type, wherever it takes part.
    assert (
        facts.sql(
            "SELECT organisation_id FROM initiative_organisations GROUP BY ALL HAVING count(DISTINCT org_type) > 1"
        )
        == []
    )


# Resources, clusters, code lists --------------------------------------------------------------------------------------


def test_resources_are_annex_1_and_every_source_of_ours(facts: Observatory) -> None:
    rows = {row["resource_id"].removeprefix(f"{FEED}:"): row for row in facts.sql("FROM resources")}
    ours = {f"source-{source_id}": source for source_id, source in catalogue().items()}
    assert {name for name in rows if name.startswith("source-")} == ours.keys(), (
        "a source needs its line in crawlers/paper/facts/resources.csv"
    )
    assert len(rows) - len(ours) == 8
    for name, source in ours.items():
        row = rows[name]
        stated = (row["name"], row["publisher"], row["url"], row["status"], row["feed_ids"])
        assert stated == (source.name, source.publisher, source.homepage_url, source.status, sorted(source.feeds)), name
    for row in rows.values():
        assert row["status"]
        assert row["what_it_holds"]
        assert set(row["feed_ids"] or ()) <= set(feeds())
    hosts = {host.removeprefix("www."): feed.feed_id for feed in feeds().values() for host in feed.allowed_hosts}
    for name in rows.keys() - ours.keys():
        feed_id = hosts.get((urlsplit(rows[name]["url"] or "").hostname or "").removeprefix("www."))
        assert rows[name]["feed_ids"] == ([feed_id] if feed_id else None), f"{name} is harvested by {feed_id}"


def test_documented_clusters_are_placed_where_the_place_is_one_region_for_sure(facts: Observatory) -> None:
    rows = facts.sql("FROM clusters")
    assert {(row["kind"], row["source_id"], tuple(row["identified_by"])) for row in rows} == {
        ("documented", "paper", ("paper.documented",))
    }
    assert {row["place"]: row["region_id"] for row in rows if row["region_id"]} == {
        "California": "us:state:06",
        "Prato": "nuts:ITI15",
        "Bangalore": "in:district:525",
        "Niagara, Ontario": "ca:cma:539",
        "Ottawa": "ca:cma:505",
        "Saskatoon": "ca:cma:725",
    }
    listed_there = {
        f"{scheme}:{row['code' if 'code' in row else 'region_code']}"
        for name, kind, scheme in (
            ("nuts", None, "nuts"),
            ("lgd", "district", "in:district"),
            ("canada_geography", "cma", "ca:cma"),
            ("us_geography", "state", "us:state"),
        )
        for row in listed(ROOT / "crawlers" / "ref" / f"{name}.csv")
        if kind is None or kind in {row.get("level"), row.get("region_type")}
    }
    assert {row["region_id"] for row in rows if row["region_id"]} <= listed_there
    for row in rows:
        words = unicodedata.normalize("NFKD", row["name"]).casefold()
        assert row["cluster_id"] == f"{FEED}:{re.sub('[^a-z0-9]+', '-', words)}"


def test_code_lists_are_those_of_the_columns(facts: Observatory) -> None:
    lists: dict[str, list[str]] = {}
    for row in facts.sql("SELECT code_list, code FROM codes ORDER BY length(locator), locator"):
        lists.setdefault(row["code_list"], []).append(row["code"])
    roles = lists.pop("organisation_role")
    assert (len(roles), roles[0], roles[-1]) == (10, "principal_firm", "association")
    assert lists.pop("iati_organisation_type")[0] == "10"
    themes = lists.pop("theme")
    assert set(themes) - {row["theme"] for row in listed(FACTS / "theme_rules.csv")} == {"financially_weak"}
    assert lists == {
        "organisation_position": ["inside", "outside"],
        "product_class": list(CLUSTERS.by_name["product_class"].codes),
        "performance": ["overachiever", "underachiever", "latent"],
        "spread": ["localised", "dispersed"],
        "density": ["dense", "sparse"],
        "breadth": ["broad", "narrow"],
        "depth": ["deep", "shallow"],
    }


# Theme rules ----------------------------------------------------------------------------------------------------------

EXAMPLES = {
    "T1-01": ("steel forgings", "energy_intensive"),
    "T1-02": ("Steel Re-Rolling mills", "energy_intensive"),
    "T1-03": ("foundries", "energy_intensive"),
    "T1-04": ("ceramic tiles", "energy_intensive"),
    "T1-05": ("bricks", "energy_intensive"),
    "T1-06": ("leather goods", "pollution_intensive"),
    "T1-07": ("dye and intermediates", "pollution_intensive"),
    "T1-08": ("basic chemicals", "pollution_intensive"),
    "T1-09": ("plastic products", "pollution_intensive"),
    "T1-10": ("ELECTROPLATING", "pollution_intensive"),
    "T1-11": ("fly-ash bricks", "pollution_intensive"),
    "T1-12": ("glass bangles", "pollution_intensive"),
    "T1-13": ("detergent", "pollution_intensive"),
    "T1-14": ("dry cell", "pollution_intensive"),
    "T1-15": ("powerloom textiles", "location_disadvantage"),
    "T1-16": ("chemical", "location_disadvantage"),
    "T1-17": ("Leather", "location_disadvantage"),
    "T1-18": ("agro processing", "quality_challenged"),
    "T1-19": ("pharmaceutical", "quality_challenged"),
    "T1-20": ("safety matches", "socially_not_responsible"),
    "T1-21": ("Textile", "socially_not_responsible"),
    "T1-22": ("leather footwear", "socially_not_responsible"),
}
"""Rule → a product that names the rule's own in other words, and the theme that it gives."""

RULES = {row["rule_id"]: row for row in listed(FACTS / "theme_rules.csv")}


@pytest.fixture(scope="module")
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database `release`; `themes` fills it."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in TABLES.values():
            connection.execute(schema.create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        yield connection


def themes(
    connection: duckdb.DuckDBPyConnection, product: str, rules: Mapping[str, Mapping[str, str]]
) -> list[str] | None:
    """Return the themes that rules give a cluster by its product."""
    connection.execute("DELETE FROM release.clusters")
    connection.execute("DELETE FROM release.theme_rules")
    connection.execute("INSERT INTO release.clusters (cluster_id, product) VALUES ('x', ?)", [product])
    for rule in rules.values():
        connection.execute(
            "INSERT INTO release.theme_rules (rule_id, product, theme) VALUES (?, ?, ?)",
            [rule["rule_id"], rule["product"], rule["theme"]],
        )
    connection.execute((assemble.DERIVE / "themes.sql").read_text("utf-8"))
    [(given_themes,)] = connection.execute("SELECT themes FROM release.clusters").fetchall()
    found: list[str] | None = given_themes
    return found


@pytest.mark.duckdb
@pytest.mark.parametrize("rule_id", EXAMPLES)
def test_each_rule_alone_gives_its_theme_and_no_other_does(release: duckdb.DuckDBPyConnection, rule_id: str) -> None:
    product, theme = EXAMPLES[rule_id]
    assert themes(release, RULES[rule_id]["product"], {rule_id: RULES[rule_id]}) == [theme]
    assert themes(release, product, {rule_id: RULES[rule_id]}) == [theme]
    without = themes(release, product, {name: rule for name, rule in RULES.items() if name != rule_id}) or []
    # `fly-ash bricks` are bricks too, with a theme of their own.
    assert theme not in without
    assert themes(release, "surgical instruments", {rule_id: RULES[rule_id]}) is None


def test_there_are_22_rules() -> None:
    assert list(RULES) == list(EXAMPLES) == [f"T1-{number:02d}" for number in range(1, 23)]


@pytest.mark.duckdb
def test_rules_go_by_whole_words_and_never_find_weak_finances(release: duckdb.DuckDBPyConnection) -> None:
    for product in ("bioplastic", "glassware", "leatherette", "financially weak", "ash", "steel", "%", "' OR true --"):
        assert themes(release, product, RULES) is None, product
    assert themes(release, "Leather", RULES) == [
        "location_disadvantage",
        "pollution_intensive",
        "socially_not_responsible",
    ]
    assert themes(release, "castings", RULES) == themes(release, "Castings & Forging", RULES) == ["energy_intensive"]


@pytest.mark.duckdb
def test_stated_themes_are_left_alone(release: duckdb.DuckDBPyConnection) -> None:
    themes(release, "glass", RULES)
    release.execute("UPDATE release.clusters SET themes = ['as stated']")
    release.execute((assemble.DERIVE / "themes.sql").read_text("utf-8"))
    assert release.execute("SELECT themes FROM release.clusters").fetchall() == [(["as stated"],)]


# Views ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def book() -> Iterator[duckdb.DuckDBPyConnection]:
    """A small release of another feed: cells that a rule accepts on two levels, surveyed clusters, and two claims."""
    with duckdb.connect() as connection:
        for table in TABLES.values():
            connection.execute(schema.create_table(table))
        for path in (*generate.MACROS.glob("*.sql"), *sorted(generate.VIEWS.glob("*.sql"))):
            connection.execute(path.read_text("utf-8"))
        connection.execute(
            """
            INSERT INTO regions (region_id, iso_3166_2, parent_region_id) VALUES
                ('in:state:24', 'IN-GJ', 'country:IN'), ('in:district:438', NULL, 'in:state:24');
            INSERT INTO clusters (cluster_id, feed_id, kind, country_code, region_id) VALUES
                ('cell:1', 'x', 'cell', 'IN', 'in:state:24'), ('cell:2', 'x', 'cell', 'IN', 'in:district:438'),
                ('cell:3', 'x', 'cell', 'IN', 'in:district:438'), ('s:1', 'x', 'surveyed', 'IN', 'in:district:438'),
                ('s:2', 'x', 'surveyed', 'IN', NULL), ('s:3', 'x', 'surveyed', 'IT', NULL);
            INSERT INTO cluster_identification (cluster_id, rule_id, time_period, is_cluster) VALUES
                ('cell:1', 'strong.state', '2016', true), ('cell:1', 'strong.state', '2015', true),
                ('cell:2', 'strong.district', '2015', true), ('cell:3', 'strong.district', '2016', false),
                ('cell:2', 'strong.district', '2016', true);
            INSERT INTO claims (claim_id, feed_id, subject, value, unit, scope, qualifier, contradicts) VALUES
                ('a', 'y', 'clusters', 10, 'clusters', 'country:IN', 'about', ['b']),
                ('b', 'y', 'clusters', 20, 'clusters', 'country:IN', 'exact', ['a']),
                ('c', 'y', 'clusters', 3, 'clusters', 'IN-GJ', 'exact', NULL),
                ('d', 'y', 'clusters', 4, 'clusters', 'region:LAC', 'exact', NULL),
                ('e', 'y', 'clusters', 5, 'clusters', 'region:EU', 'exact', NULL),
                ('f', 'y', 'firms', 9000, 'firms', 'country:IN', 'exact', NULL);
            """
        )
        yield connection


@pytest.mark.duckdb
def test_claims_stand_beside_what_is_found_by_kind_and_rule(book: duckdb.DuckDBPyConnection) -> None:
    found = book.execute(
        "SELECT claim_id, kind, rule_id, time_period, found FROM claimed_vs_found ORDER BY ALL"
    ).fetchall()
    india = [("documented", None, None, 0), ("surveyed", None, None, 2)]
    cells = [("cell", "strong.district", "2016", 1), ("cell", "strong.state", "2016", 1)]
    gujarat = [*cells, ("documented", None, None, 0), ("surveyed", None, None, 1)]
    unknown = [("documented", None, None, None), ("surveyed", None, None, None)]
    europe = [("documented", None, None, 0), ("surveyed", None, None, 1)]
    assert found == [
        (claim, *row)
        for claim, rows in (
            ("a", [*cells, *india]),
            ("b", [*cells, *india]),
            ("c", gujarat),
            ("d", unknown),
            ("e", europe),
        )
        for row in rows
    ]
    caveats = dict(
        book.execute("SELECT DISTINCT claim_id, caveat FROM claimed_vs_found WHERE kind = 'surveyed'").fetchall()
    )
    assert "Other claims say otherwise: b." in caveats["a"]
    assert "does not say which places" in caveats["d"]


@pytest.mark.duckdb
def test_money_is_that_of_funding_bodies_with_a_share_and_objectives_are_counted(
    book: duckdb.DuckDBPyConnection,
) -> None:
    book.execute(
        """
        INSERT INTO codes (code_list, code, name) VALUES ('iati_organisation_type', '40', 'Multilateral');
        INSERT INTO initiatives (initiative_id, feed_id, start_date, commitment_usd_net, objectives) VALUES
            ('i', 'x', DATE '1998-03-01', 1000, ['exports', 'jobs']), ('j', 'x', DATE '1999-01-01', 500, []),
            ('k', 'x', NULL, NULL, ['jobs']);
        INSERT INTO initiative_organisations (initiative_id, seq, feed_id, organisation_name, role, org_type, share)
        VALUES
            ('i', 1, 'x', 'A', 'funding', '40', 0.25), ('i', 2, 'x', 'B', 'funding', '40', 0.5),
            ('j', 1, 'x', 'A', 'funding', '40', NULL), ('k', 1, 'x', 'C', 'implementing', NULL, NULL);
        """
    )
    rows = book.execute(
        "SELECT org_type_name, role, initiatives, organisations, commitment_usd_net FROM funding_by_organisation_type"
    ).fetchall()
    assert sorted(rows, key=str) == [("Multilateral", "funding", 2, 2, 750.0), (None, "implementing", 1, 1, None)]
    [(caveat,)] = book.execute("SELECT DISTINCT caveat FROM funding_by_organisation_type").fetchall()
    assert caveat.startswith("2 of 3 initiatives of x name a funding body, 1 an amount with a share.")
    objectives = book.execute(
        "SELECT period, objective, initiatives FROM initiative_objectives_by_period ORDER BY ALL"
    ).fetchall()
    assert objectives == [("1990s", "exports", 1), ("1990s", "jobs", 1), ("1990s", None, 1), ("undated", "jobs", 1)]
    [(caveat,)] = book.execute("SELECT DISTINCT caveat FROM initiative_objectives_by_period").fetchall()
    assert caveat == "1 of 3 initiatives of x state no objective; none is inferred."


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_says_how_and_with_which_caveat(facts: Observatory, view: str) -> None:
    rows = facts.sql(f"FROM {view}")
    assert rows
    assert all(row["method"] and row["caveat"] for row in rows)


def test_the_views_say_what_the_paper_does_not(facts: Observatory) -> None:
    assert facts.sql("SELECT DISTINCT objective, caveat FROM initiative_objectives_by_period") == [
        {"objective": None, "caveat": f"70 of 70 initiatives of {FEED} state no objective; none is inferred."}
    ]
    assert facts.value("SELECT sum(initiatives) FROM initiative_objectives_by_period") == 70
    reach = facts.sql(f"SELECT reach, as_of FROM programme_reach WHERE initiative_id = '{FEED}:SFURTI'")
    assert sorted(row["reach"] for row in reach) == [48, 103, 371, 394, 498]
    assert facts.sql(
        "SELECT claim_id, found FROM claimed_vs_found WHERE claim_id = 'C047' AND kind = 'documented'"
    ) == [{"claim_id": "C047", "found": 5}]


# Parser and contract --------------------------------------------------------------------------------------------------


def document(body: bytes) -> Document:
    """Return a saved list as the archive gives it."""
    return Document(
        document_id=f"{FEED}:0123456789abcdef",
        url=f"file:{FEED}/list.csv",
        retrieved_at=datetime(2026, 1, 1, tzinfo=UTC),
        archived_at=None,
        http_status=None,
        media_type="text/csv",
        charset=None,
        headers={},
        content=body,
        sha256="0" * 64,
        warc_file="archive/x/00000.warc.gz",
        warc_offset=0,
        synthetic=False,
    )


@given(data=st.data())
def test_any_list_is_read_as_it_was_written_and_every_record_is_found_again(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    columns = KINDS[kind].split()
    cell = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
    rows = data.draw(st.lists(st.lists(cell, min_size=len(columns), max_size=len(columns)), max_size=4))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([columns, *rows])
    body = text.getvalue().encode()
    batches = parse(document(body))
    assert batches is not None
    [batch] = batches
    assert batch.kind == kind
    for row, record in zip(rows, batch.records, strict=True):  # type: ignore[arg-type]  # a list, as written above
        assert isinstance(record, dict)
        locator = record.pop("_locator")
        assert list(record.values()) == [value or None for value in row]
        assert list(locate(document(body), locator).values()) == row


def test_other_files_are_not_of_this_feed() -> None:
    for body in (b"", b"\xff\xfe", b"category,subcluster,traded,name\n1,,true,X\n", b"claim_id,subject\nC001,x\n"):
        assert parse(document(body)) is None


MODELS: dict[str, type[Record]] = {model.kind: model for model in records_of(FEED)}


@pytest.mark.parametrize(
    ("kind", "field", "wrong"),
    [
        ("claims", "claim_id", "58"),
        ("claims", "value", "about 6400"),
        ("claims", "qualifier", "perhaps"),
        ("claims", "scope", "India"),
        ("claims", "citation", None),
        ("clusters", "country_code", "Italy"),
        ("clusters", "code", "Silicon Valley"),
        ("codes", "code", "High-tech"),
        ("components", "grant_share", "75"),
        ("components", "currency", "lakh"),
        ("initiatives", "type", "law and order"),
        ("initiatives", "start_year", "91"),
        ("initiatives", "clusters_covered", "0"),
        ("locations", "admin_name", None),
        ("organisations", "citation", None),
        ("participants", "role", "sponsor"),
        ("relations", "date", "August 2003"),
        ("resources", "url", "javascript:alert(1)"),
        ("resources", "status", "down"),
        ("theme_rules", "rule_id", "T2-01"),
    ],
)
def test_the_contract_refuses(kind: str, field: str, wrong: str | None) -> None:
    model = MODELS[kind]
    path = next(
        path for path in FACTS.glob("*.csv") if path.read_text("utf-8").split("\n")[0] == KINDS[kind].replace(" ", ",")
    )
    good = [{name: cell or None for name, cell in row.items()} for row in listed(path)]
    for row in good:
        model.model_validate(row)
    with pytest.raises(ValidationError, match=field):
        model.model_validate({**good[0], field: wrong})


def test_closed_lists_of_the_contract_are_those_of_the_schema() -> None:
    for kind, field, column in (
        ("clusters", "product_class", CLUSTERS.by_name["product_class"]),
        ("participants", "role", INITIATIVE_ORGANISATIONS.by_name["role"]),
        ("resources", "status", RESOURCES.by_name["status"]),
    ):
        stated = str(MODELS[kind].model_fields[field].annotation)
        assert tuple(re.findall(r"'(\w+)'", stated)) == column.codes
    lists = {"region_coordinates", "exchange_rates"}  # of the reference lists
    assert {table.name for table in schema.tables(Origin.FEED) if "citation" in table.by_name} - lists == set(ROWS)
    assert all(quoted(name) in schema.create_table(TABLES["claims"]) for name in KINDS["claims"].split()[:9])


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("claims.csv", ",C003,contradicts 6000", ",,contradicts 6000", "claims has 180 of 181"),
        ("initiative_components.csv", "MSECDP,5", "NOSUCH,5", "components has 4 of 5"),
        ("theme_rules.csv", "Leather,pollution_intensive", "Leather,smelly", "theme_rules has 21 of 22"),
    ],
)
def test_a_list_that_names_what_is_not_there_is_held(tmp_path: Path, file: str, old: str, new: str, part: str) -> None:
    folder = tmp_path / "facts"
    shutil.copytree(FACTS, folder)
    text = (folder / file).read_text("utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), "utf-8")
    code, answer = Observatory(tmp_path / "home").run("harvest", FEED, "--files", f"{FEED}={folder}")
    assert (code, answer["harvests"][0]["status"]) == (3, "held")
    assert part in answer["harvests"][0]["reason"]
