"""Hub categories: the lists that map to the hub, the labelled names, and the derive step that reads products."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import categories, links
from warehouse.assemble import DERIVE
from warehouse.schema import TABLES, create_table

ROOT = Path(__file__).parents[1]
LISTS = ("ref.bcd", "ref.mappings", "ref.nace", "ref.naics_bcd", "ref.products")
NAMES = ROOT / "tests" / "category_names.csv"
PAIRS = ROOT / "tests" / "link_pairs.csv"


def listed(path: Path) -> list[dict[str, str]]:
    """Read a list."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """Make a home with the lists that map to the hub, and the documented clusters. For reading only."""
    observatory = Observatory(tmp_path_factory.mktemp("categories") / "home")
    code, document = observatory.run("harvest", *LISTS, "paper.facts")
    assert code == 0, document
    assert {harvest["feed_id"]: harvest["status"] for harvest in document["harvests"]} == dict.fromkeys(
        [*LISTS, "paper.facts"], "accepted"
    )
    assert [harvest["warnings"] for harvest in document["harvests"]] == [[]] * 6
    return observatory


@pytest.fixture(scope="module")
def release(lists: Observatory) -> Path:
    """Return the folder of the newest release."""
    return lists.home / "published" / "latest"


# The labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "named", "rows", "hard"),
    [
        (NAMES, ("scheme", "name"), 200, 125),
        (PAIRS, ("from_feed", "from_name", "from_place", "to_feed", "to_name", "to_place"), 150, 118),
        (links.SECOND, ("from_feed", "from_name", "from_place", "to_feed", "to_name", "to_place"), 208, 188),
    ],
)
def test_labels_are_unique_and_halved_by_their_names(path: Path, named: Sequence[str], rows: int, hard: int) -> None:
    labels = listed(path)
    keys = ["|".join(row[name] for name in named) for row in labels]
    assert len(set(keys)) == len(keys) == rows
    assert sum(row["hard"] == "yes" for row in labels) == hard
    assert all((row["hard"] == "yes") == (row["reason"] != "") for row in labels)
    for key, row in zip(keys, labels, strict=True):
        assert row["half"] == "ab"[int(hashlib.sha256(key.encode()).hexdigest(), 16) % 2], key


def test_labels_expect_categories_that_there_are() -> None:
    known = {f"bcd:{row['category']}" for row in listed(ROOT / "crawlers" / "ref" / "bcd.csv")}
    expected = [
        {part for row in listed(path) for part in row["expected"].split(";") if part}
        for path in (NAMES, categories.OTHERS, categories.SECOND)
    ]
    assert set.union(*expected) <= known
    assert [len(parts) for parts in expected] == [47, 16, 38]
    labels = listed(PAIRS)
    assert {row["label"] for row in labels} == {"same_as", "serves", "none"}
    assert sum(row["label"] == "none" and row["hard"] == "yes" for row in labels) == 89
    linked = {row[f"{side}_category"] for row in labels for side in ("from", "to")}
    assert {category for category in linked if category.startswith("bcd:")} <= known


# The lists ------------------------------------------------------------------------------------------------------------


def test_mappings_lead_to_the_hub_each_with_relation_confidence_and_basis(lists: Observatory) -> None:
    counts = lists.sql(
        "SELECT split_part(from_category_id, ':', 1) AS scheme, count(*) AS mappings, count(DISTINCT from_category_id) "
        "AS classes FROM category_mappings GROUP BY scheme ORDER BY scheme"
    )
    assert {row["scheme"]: (row["mappings"], row["classes"]) for row in counts if row["scheme"] != "product"} == {
        "dac": (58, 40),
        "eco38": (64, 41),
        "eocic": (92, 61),
        "isic4": (119, 96),
        "material": (19, 19),
        "nace2": (153, 119),
        "naics1997": (1082, 1082),
        "naics2002": (1092, 1092),
        "naics2007": (1088, 1088),
        "naics2012": (978 + 448, 978),
        "naics2017": (970, 970),
        "usg": (9, 3),
    }
    assert (
        lists.value("SELECT count(*) FROM category_mappings WHERE confidence IS NULL OR coalesce(basis, '') = ''") == 0
    )
    orphans = "SELECT count(*) FROM category_mappings ANTI JOIN categories ON {}_category_id = category_id"
    assert [lists.value(orphans.format(side)) for side in ("from", "to")] == [0, 0]


@pytest.mark.parametrize(
    ("scheme", "code", "expected"),
    [
        ("eco38", "automotive", [("bcd:4", "closeMatch")]),
        ("eco38", "financial-services", [("bcd:16", "narrowMatch"), ("bcd:24", "narrowMatch")]),
        (
            "eco38",
            "power-generation-and-transmission",
            [("bcd:14", "relatedMatch"), ("bcd:27", "relatedMatch"), ("bcd:40", "relatedMatch")],
        ),
        ("eocic", "medical-devices", [("bcd:30", "closeMatch")]),
        (
            "eocic",
            "emerging-medical-devices",
            [("bcd:23", "relatedMatch"), ("bcd:30", "relatedMatch"), ("bcd:5", "relatedMatch")],
        ),
        ("usg", "30", []),
        ("dac", "32166", [("bcd:9", "broadMatch")]),
        ("naics2017", "311212", [("bcd:18", "broadMatch")]),
        ("naics2017", "211120", [("bcd:35", "broadMatch")]),  # new in 2017
        ("naics2017", "211111", []),  # replaced in 2017
        ("naics2012", "316110", [("bcd:19", "broadMatch"), ("isic4:151", "broadMatch")]),
        ("isic4", "107", [("nace2:10.7", "narrowMatch"), ("nace2:10.8", "narrowMatch")]),
        ("nace2", "24.5", [("bcd:4", "broadMatch")]),
        ("nace2", "15.1", [("bcd:19", "relatedMatch"), ("bcd:26", "broadMatch")]),
        ("product", "khadi", [("bcd:42", "broadMatch")]),
        ("product", "farming", []),
    ],
)
def test_a_class_is_mapped(lists: Observatory, scheme: str, code: str, expected: list[tuple[str, str]]) -> None:
    category = f"{scheme}:{code}"
    rows = lists.sql(
        f"SELECT to_category_id, relation FROM category_mappings WHERE from_category_id = '{category}' ORDER BY ALL"
    )
    assert [(row["to_category_id"], row["relation"]) for row in rows] == expected


def test_the_confidence_of_a_group_of_nace_is_the_share_of_its_industries(lists: Observatory) -> None:
    rows = lists.sql("SELECT * FROM category_mappings WHERE from_category_id = 'nace2:15.1' ORDER BY to_category_id")
    assert [(row["to_category_id"], row["confidence"]) for row in rows] == [("bcd:19", 0.27), ("bcd:26", 0.53)]
    assert rows[0]["basis"].startswith("approximate: 1 of 3 industries of NAICS 2012 behind it are in the category")


def test_no_product_stands_for_two_categories(lists: Observatory) -> None:
    groups = listed(ROOT / "crawlers" / "ref" / "products.csv")
    products = [product for row in groups for product in row["products"].split("|")]
    assert lists.value("SELECT count(*) FROM categories WHERE feed_id = 'ref.products'") == len(products) > 2000
    with database([]) as connection:
        twice = connection.execute(
            "SELECT folded_name(name) AS words FROM (SELECT unnest(?) AS name) GROUP BY words HAVING count(*) > 1",
            [products],
        ).fetchall()
    assert twice == []


def test_a_mapping_leads_to_its_line(lists: Observatory) -> None:
    code, trail = lists.run("trace", "category_mappings", "eco38:footwear|bcd:19", "relation")
    assert code == 0
    assert trail["record"]["name"] == "Footwear"


# The derive step ------------------------------------------------------------------------------------------------------


def database(clusters: Sequence[Mapping[str, Any]], release: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Run the derive step over clusters, with the categories of a release or with none."""
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS release")
    for table in ("categories", "category_mappings", "clusters"):
        connection.execute(create_table(TABLES[table]).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
    for table in ("categories", "category_mappings") if release else ():
        connection.execute(f"INSERT INTO release.{table} FROM read_parquet('{release}/{table}.parquet')")
    for number, cluster in enumerate(clusters):
        row = {"cluster_id": f"x:{number:03}", "feed_id": "x", "kind": "surveyed", **cluster}
        names, marks = ", ".join(row), ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO release.clusters ({names}) VALUES ({marks})", list(row.values()))
    connection.execute((DERIVE / "categories.sql").read_text("utf-8"))
    return connection


READ = {
    # What stands last is what is made.
    "Steel furniture": ("bcd:21", "matched", ["product:steel-furniture"]),
    "Hand-made iron lamps": ("bcd:27", "matched", ["product:lamps"]),
    "Leather footwear machinery": ("bcd:40", "matched", ["product:machinery"]),
    "Machinery for leather footwear": ("bcd:40", "matched", ["product:machinery"]),
    "Manufacture of rice mill machinery": ("bcd:40", "matched", ["product:rice-mill-machinery"]),
    # The longest name goes before those inside it.
    "Tyre retreading": ("bcd:49", "matched", ["product:tyre-retreading"]),
    "Screen printing of textiles": ("bcd:42", "matched", ["product:screen-printing-of-textiles"]),
    "Screen printing": ("bcd:39", "matched", ["product:screen-printing"]),
    # Parts must agree.
    "Marble & granite": ("bcd:9", "matched", ["product:granite", "product:marble"]),
    "Printing, Packaging": (None, "ambiguous", ["product:packaging", "product:printing"]),
    "Cane and Bamboo": ("bcd:51", "matched", ["product:cane-and-bamboo"]),
    # A material counts only where no product is named.
    "Brass": ("bcd:12", "matched", ["material:brass"]),
    "Zari craft": ("bcd:42", "matched", ["product:zari"]),
    "Brass handicrafts": ("bcd:12", "matched", ["material:brass"]),
    "Handicrafts": (None, "unmatched", ["material:handicrafts"]),
    "Brass and copper tiles": ("bcd:49", "matched", ["product:tiles"]),
    # Known to be in no category; not known at all.
    "Poultry farming": (None, "unmatched", ["product:poultry-farming"]),
    "Quux": (None, "unmatched", None),
    "": (None, "unmatched", None),
    # Spelling, accents, plural, town.
    "JEWELLARY of Nellore": ("bcd:25", "matched", ["product:jewellery"]),
    "Papier-Mâché": ("bcd:41", "matched", ["product:papier-mache"]),
    "Kolhapuri chappals": ("bcd:19", "matched", ["product:kolhapuri-chappals"]),
    "Vulcanised and Fired Materials": ("bcd:49", "matched", ["bcd:49"]),
    # A name of the hub that two of its subclusters bear.
    "Metal Products": (None, "ambiguous", ["bcd:12.01", "bcd:47.03"]),
}
"""Product → hub category, how it was found, by which classes."""


@pytest.mark.duckdb
def test_products_are_read(release: Path) -> None:
    with database([{"product": product} for product in READ], release) as connection:
        rows = connection.execute(
            "SELECT product, hub_category_id, hub_category_match, hub_category_basis FROM release.clusters "
            "ORDER BY cluster_id"
        ).fetchall()
    assert {product: tuple(found) for product, *found in rows} == READ


@pytest.mark.duckdb
def test_the_class_goes_before_the_product_and_what_a_feed_states_before_both(release: Path) -> None:
    clusters: list[dict[str, str | None]] = [
        {"category_id": "eco38:footwear", "kind": "cell"},
        {"category_id": "eco38:financial-services", "kind": "cell"},
        {"category_id": "eocic:emerging-medical-devices", "kind": "cell"},
        {"category_id": "eco38:footwear", "product": "carpets"},
        {"category_id": "eco38:financial-services", "product": "carpets"},
        {"category_id": "x:unknown", "name": "Carpets"},
        {"name": "Carpets of Bhadohi"},
        {"name": "Carpets", "kind": "cell"},
        {"category_id": "eco38:footwear", "hub_category_id": "bcd:26", "product": "carpets"},
        {"name": None},
    ]
    with database(clusters, release) as connection:
        found = connection.execute(
            "SELECT hub_category_id, hub_category_match FROM release.clusters ORDER BY cluster_id"
        ).fetchall()
    assert found == [
        ("bcd:19", "mapped"),
        (None, "unmatched"),
        (None, "unmatched"),
        ("bcd:19", "mapped"),
        ("bcd:42", "matched"),
        (None, "unmatched"),
        ("bcd:42", "matched"),
        (None, None),
        ("bcd:26", None),
        (None, "unmatched"),
    ]


def test_of_several_mappings_the_nearest_and_surest_counts() -> None:
    with database([{"category_id": f"s:{name}"} for name in "abcd"]) as connection:
        connection.executemany(
            "INSERT INTO release.category_mappings (from_category_id, to_category_id, relation, confidence) "
            "VALUES (?, ?, ?, ?)",
            [
                *(("s:a", "bcd:1", "broadMatch", 0.9), ("s:a", "bcd:2.01", "closeMatch", 0.5)),
                *(("s:b", "bcd:1", "closeMatch", 0.5), ("s:b", "bcd:2", "closeMatch", 0.6)),
                *(("s:c", "bcd:1", "closeMatch", 0.5), ("s:c", "bcd:2", "closeMatch", 0.5)),
                *(("s:d", "bcd:1", "narrowMatch", 1), ("s:d", "nace2:10.1", "exactMatch", 1)),
            ],
        )
        connection.execute((DERIVE / "categories.sql").read_text("utf-8"))
        found = connection.execute("SELECT hub_category_id FROM release.clusters ORDER BY cluster_id").fetchall()
    assert found == [("bcd:2",), ("bcd:2",), (None,), (None,)]


@pytest.fixture(scope="module")
def folding() -> Iterator[duckdb.DuckDBPyConnection]:
    """Make a connection that has the macro."""
    with database([]) as connection:
        yield connection


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(st.text(alphabet="abYZ sé&,-'/", max_size=12), min_size=1, max_size=20))
def test_names_are_folded_alike_however_they_are_written(folding: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    for text, folded, again in folding.execute(
        "SELECT text, folded_name(text), folded_name('  ' || upper(text) || '.') FROM (SELECT unnest(?) AS text)",
        [texts],
    ).fetchall():
        assert folded == again, text
        assert folded == " ".join(folded.split())
        assert set(folded) <= set("abcdefghijklmnopqrstuvwxyz ")


def test_documented_clusters_have_a_hub_category_in_the_release(lists: Observatory) -> None:
    rows = lists.sql("SELECT name, hub_category_id, hub_category_match FROM clusters WHERE feed_id = 'paper.facts'")
    found = {row["name"]: row["hub_category_id"] for row in rows}
    assert found["Knitwear cluster of Prato"] == "bcd:42"
    assert found["Silicon Valley"] == "bcd:23"
    assert found["Surgical instruments cluster of Sialkot"] == "bcd:30"
    assert {row["hub_category_match"] for row in rows if row["hub_category_id"]} == {"matched"}
    code, trail = lists.run("verify")
    assert (code, trail["problems"]) == (0, [])


def test_the_half_for_tuning_is_read_well_and_far_better_than_by_exact_names(release: Path) -> None:
    """The other half is scored by `make bench` alone."""
    names = categories.halves(categories.answer(release))["a"]
    assert len(names) == 90
    found = categories.score(names)
    assert found.f1 >= 0.9
    assert found.wrong == 0
    assert categories.score(names, baseline=True).f1 < 0.2


def test_scores_count_as_the_rules_say() -> None:
    def name(expected: str, answer: str | None) -> categories.Name:
        return categories.Name("s", "n", frozenset(expected.split(";")) - {""}, "a", hard=False, answer=answer)

    names = [
        name("bcd:1;bcd:2", "bcd:2"),
        name("bcd:1", "bcd:3"),  # wrong, and missed
        name("bcd:1", None),
        name("", "bcd:1"),
        name("", None),
    ]
    found = categories.score(names)
    assert (found.right, found.wrong, found.missed) == (1, 2, 2)
    assert (found.precision, found.recall, found.f1) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert categories.score([]).f1 == 0
    assert categories.wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert categories.wilson(10, 10) == pytest.approx((0.722467, 1), abs=1e-6)
    assert categories.wilson(0, 0) == (0, 1)


# Links ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("labels", "right"), [(links.LABELS, 15), (links.SECOND, 26)])
def test_links_of_the_half_that_was_tuned_on(release: Path, labels: Path, right: int) -> None:
    """The lists of this home have no regions, so only what words alone decide is linked here; and none wrongly."""
    found = links.score(links.answer(release, "a", labels))
    assert (found.right, found.wrong) == (right, 0)
