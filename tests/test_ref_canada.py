"""ref.canada_geography and ref.porter41: codes, names and links as published, against facts that stand elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from conftest import Observatory

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / ".." / "shared" / "data" / "canada"
FEEDS = ("ref.canada_geography", "ref.porter41")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """Return an observatory with both lists, harvested twice."""
    observatory = Observatory(tmp_path_factory.mktemp("canada") / "home")
    for status in ("accepted", "unchanged"):
        code, document = observatory.run("harvest", *FEEDS)
        assert code == 0
        assert [(each["status"], each["warnings"]) for each in document["harvests"]] == [(status, [])] * 2
    return observatory


def test_regions_have_codes_parents_and_earlier_names(lists: Observatory) -> None:
    regions = {row["region_id"]: row for row in lists.sql("FROM regions")}
    areas = [row for row in regions.values() if row["scheme"] == "ca:cma"]
    assert {
        day: sum((row["valid_from"] or "") <= day for row in areas)
        for day in ("1996-05-14", "2001-05-15", "2006-05-16", "2011-05-10", "2016-05-10", "2021-05-11")
    } == {"1996-05-14": 25, "2001-05-15": 27, "2006-05-16": 33, "2011-05-10": 33, "2016-05-10": 35, "2021-05-11": 41}
    assert sum(row["parent_region_id"] == "country:CA" for row in regions.values()) == 13
    assert regions["ca:pr:24"]["iso_3166_2"] == "CA-QC"
    assert regions["ca:pr:24"]["other_names"] == ["Québec"]
    assert [
        (regions[f"ca:cma:{code}"]["name"], regions[f"ca:cma:{code}"]["parent_region_id"]) for code in (310, "001")
    ] == [
        ("Saint John", "ca:pr:13"),
        ("St. John's", "ca:pr:10"),
    ]
    assert regions["ca:cma:408"]["other_names"] == ["Chicoutimi-Jonquière"]
    capital = regions["ca:cma:505"]
    assert (capital["parent_region_id"], capital["other_names"]) == (None, ["Ottawa-Hull", "Ottawa"])
    parents = [regions[part]["parent_region_id"] for part in capital["member_region_ids"]]
    assert parents == ["ca:pr:24", "ca:pr:35"]
    assert not {row["parent_region_id"] for row in areas} & {"ca:pr:11", "ca:pr:60", "ca:pr:61", "ca:pr:62"}


def test_every_class_has_a_best_link_and_false_friends_are_none(lists: Observatory) -> None:
    best = lists.sql("""
        SELECT relation, count(*) AS classes FROM (
            SELECT from_category_id, min_by(relation, list_position(
                ['exactMatch', 'closeMatch', 'broadMatch', 'narrowMatch', 'relatedMatch'], relation)) AS relation
            FROM category_mappings GROUP BY ALL
        ) GROUP BY ALL
    """)
    assert {row["relation"]: row["classes"] for row in best} == {
        "exactMatch": 14,
        "closeMatch": 4,
        "broadMatch": 10,
        "narrowMatch": 9,
        "relatedMatch": 4,
    }
    friends = lists.sql("""
        SELECT to_category_id, relation FROM category_mappings
        WHERE from_category_id IN ('porter41:financial-services', 'porter41:power-generation-and-transmission')
            AND to_category_id IN ('bcd:16', 'bcd:14') ORDER BY ALL
    """)
    assert friends == [
        {"to_category_id": "bcd:14", "relation": "relatedMatch"},
        {"to_category_id": "bcd:16", "relation": "narrowMatch"},
    ]
    assert lists.value("SELECT count(*) FROM categories WHERE scheme = 'porter41' AND traded") == 41


@pytest.mark.skipif(not KNOWN.is_dir(), reason="the notes on Canada are not at hand")
def test_the_lists_are_those_of_the_notes(lists: Observatory) -> None:
    with (KNOWN / "clusters41.csv").open(encoding="utf-8", newline="") as stream:
        stated = {(row["slug"], row["name"]) for row in csv.DictReader(stream)}
    assert {(row["code"], row["name"]) for row in lists.sql("SELECT code, name FROM categories")} == stated
    with (KNOWN / "regions36.csv").open(encoding="utf-8", newline="") as stream:
        areas = {row["code_or_scheme"]: row for row in csv.DictReader(stream) if row["region_type"] == "cma"}
    ours = {row["code"]: row for row in lists.sql("FROM regions WHERE scheme = 'ca:cma' AND valid_from IS NULL")}
    assert ours.keys() == areas.keys()
    for code, row in areas.items():
        names = {ours[code]["name"], *(ours[code]["other_names"] or [])}
        assert row["name_en"].split(" (now ")[0] in names
