"""in.sameeeksha: articles asked once, labels before prose, contradictions settled or left open, three routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from conftest import Observatory
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.india.sameeeksha import _said, article_of
from replicas.india import sameeeksha
from replicas.india.sameeeksha import PROFILES, Site, article
from replicas.server import Request

FEED = "in.sameeeksha"


class Filled(NamedTuple):
    """An observatory with all profiles of the replica, its harvest, and what was asked."""

    observatory: Observatory
    found: dict[str, Any]
    asked: list[str]


def harvest(observatory: Observatory, *options: str) -> dict[str, Any]:
    sets = [part for value in ("delay=0", "archive_delay=0", "retries=0") for part in ("--set", f"{FEED}.{value}")]
    _, document = observatory.run("harvest", FEED, *sets, *options)
    found: dict[str, Any] = document["harvests"][0]
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    observatory = Observatory(tmp_path_factory.mktemp("sameeeksha") / "home")
    articles = ("--set", f"{FEED}.articles=42")
    with sameeeksha.replica() as replica:
        found = harvest(observatory, "--route", "replica", "--base-url", f"{FEED}={replica.base_url}", *articles)
        asked = [request.target for request in replica.requests]
    return Filled(observatory, found, asked)


def figures(observatory: Observatory, number: str) -> dict[str, tuple[Any, ...]]:
    rows = observatory.sql(f"FROM observations WHERE cluster_id = '{FEED}:{number}'")
    return {row["indicator"]: (row["obs_value"], row["qualifier"], row["time_period"]) for row in rows}


def test_each_article_is_asked_for_once(filled: Filled) -> None:
    assert (filled.found["status"], filled.found["records"], filled.found["dropped"]) == ("accepted", len(PROFILES), 2)
    articles = [article_of(f"http://x{target}")[0] for target in filled.asked if target != "/robots.txt"]
    assert sorted(articles) == sorted(["42", "43", *PROFILES])
    assert "/index.php?option=com_content&view=article&id=130&Itemid=502" in filled.asked


@pytest.mark.parametrize(
    ("number", "place", "expected"),
    [
        (
            "127",
            ("Morbi, Gujarat", "in:district:673"),
            {
                "establishments": (450, None, "2010-04-01/P1Y"),  # beside the label; the prose says 459
                "employment": (68_000, "about", "2010-04-01/P1Y"),
                "turnover": (100_000_000_000, "about", "2010-04-01/P1Y"),
                "energy_consumption": (1_093_900, None, "2010-04-01/P1Y"),
            },
        ),
        ("130", ("Kolhapur, Maharashtra", "in:district:480"), {"establishments": (300, "about", "2011-04-01/P1Y")}),
        ("132", ("Solapur, Maharashtra", "in:district:496"), {"establishments": (600, "about", "2010-04-01/P1Y")}),
        (
            "148",
            ("Ahmedabad, Gujarat", "in:district:438"),
            {
                "establishments": (750, None, "2019-04-01/P1Y"),
                "employment": (200_000, "about", "2019-04-01/P1Y"),
                "turnover": (110_000_000_000, None, "2019-04-01/P1Y"),
                "energy_consumption": (144_624, None, "2019-04-01/P1Y"),
            },
        ),
        (
            "233",
            ("Rajkot, Gujarat", "in:district:457"),
            {
                "establishments": (140, "about", "undated"),
                "employment": (15_000, "about", "undated"),
                "turnover": (40_000_000_000, None, "undated"),  # the table settles what the prose contradicts
            },
        ),
        (
            "259",
            ("Agra, Uttar Pradesh", "in:district:118"),
            {
                "establishments": (80, None, "undated"),
                "employment": (3_000, "about", "undated"),
                "turnover": (5_500_000_000, None, "undated"),
                "energy_consumption": (10_310, None, "undated"),
            },
        ),
        (
            "901",
            ("Hubli Dharwad, Karnataka", "in:district:536"),
            {"establishments": (158_128, None, "undated"), "turnover": (None, "over", "undated")},
        ),
        (
            "902",
            ("Orissa", "in:state:21"),
            {
                "establishments": (None, "range", "2018-04-01/P1Y"),
                "employment": (160_000, "about", "2018-04-01/P1Y"),
                "turnover": (200_000_000, None, "2018-04-01/P1Y"),
                "energy_consumption": (1_240, None, "2018-04-01/P1Y"),
            },
        ),
    ],
)
def test_profiles_say_what_was_seen(
    filled: Filled, number: str, place: tuple[str, str], expected: dict[str, tuple[Any, ...]]
) -> None:
    assert figures(filled.observatory, number) == expected
    [cluster] = filled.observatory.sql(f"FROM clusters WHERE cluster_id = '{FEED}:{number}'")
    assert (cluster["place"], cluster["region_id"], cluster["kind"]) == (*place, "surveyed")
    assert (cluster["name"], cluster["product"]) == (PROFILES[number].title, PROFILES[number].pairs[0][1])
    assert cluster["themes"] == (["energy_intensive"] if number == "148" else None)


def test_what_contradicts_itself_and_what_stands_for_nothing_is_told(filled: Filled) -> None:
    _, told = filled.observatory.run("quarantine", FEED)
    [entry] = told["quarantine"]
    assert (entry["level"], entry["field"]) == ("value", "turnover_said")
    assert "says two things: 400,000,000 and 40,000,000,000 INR" in entry["reason"]
    [row] = filled.observatory.sql(f"FROM observations WHERE cluster_id = '{FEED}:901' AND indicator = 'turnover'")
    assert (row["obs_status"], row["value_text"]) == ("O", "over 0.4 billion rupees (4000 crores)")
    assert filled.found["empty"] == 1  # `--` is no figure
    warnings = " ".join(filled.found["warnings"])
    assert "the label 'Name of the moon' is not known" in warnings
    assert "1 places are not decided, and their clusters stand in the state: Nowhere, Orissa" in warnings


def test_saved_copies_of_an_article_are_one(filled: Filled, observatory: Observatory, tmp_path: Path) -> None:
    expected = filled.observatory.contents()
    # Saved pages keep their address in the head, or in the WARC; http and https, and two captures, are one article.
    head = "<head><base href='http://www.sameeeksha.org/index.php?Itemid=502&amp;id={}&amp;option=com_content&amp;view=article'>"
    saved = tmp_path / "saved"
    saved.mkdir()
    for number, profile in PROFILES.items():
        text = article(profile).replace("<head>", head.format(number))
        (saved / f"{number}.html").write_text(text, "utf-8")
        (saved / f"copy of {number}.html").write_text(text, "utf-8")
    found = harvest(observatory, "--files", f"{FEED}={saved}")
    assert (found["status"], found["dropped"]) == ("accepted", len(PROFILES))
    assert observatory.contents()["clusters"] == expected["clusters"]
    assert observatory.contents()["observations"] == expected["observations"]
    code, traced = observatory.run("trace", "observations", f"{FEED}:233", "turnover")
    assert (code, traced["record"]["production"]) == (0, "Rs 4000 crores (40 billion)")


def test_a_profile_without_its_products_is_told_with_the_closest(observatory: Observatory, tmp_path: Path) -> None:
    page = tmp_path / "profile.html"
    page.write_text(
        "<h1>Rajkot cluster (Gujarat)</h1><p><b>Number of MSMEs:</b> 140</p><p><b>Goods produced:</b> castings</p>",
        "utf-8",
    )
    (tmp_path / "news.html").write_text("<h1>News</h1><p>Source: PTI</p><p>A meeting was held.</p>", "utf-8")
    (tmp_path / "moved.html").write_text("<h1>Rajkot</h1><p><b>Products manufactured:</b> castings</p>", "utf-8")
    warnings = harvest(observatory, "--files", f"{FEED}={tmp_path}")["warnings"]
    where = f"in 1 documents such as file:{FEED}/profile.html"
    closest = "found no such label; the closest unknown ones: 'Goods produced' (0.63)"
    assert f"{FEED}: expected products ('Products manufactured', 'Products'), {closest}, {where}" in warnings
    label = (
        "the label 'Goods produced' is not known; closest: products ('Products', 0.63), production ('Production', 0.55)"
    )
    assert f"{FEED}: {label}, {where}" in warnings
    unnamed = "a page has the labels of a profile, and no heading that names a cluster: it makes no record"
    assert f"{FEED}: {unnamed}, in 1 documents such as file:{FEED}/moved.html" in warnings
    assert "news.html" not in str(warnings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("There are about 600 units in it.", {"units_said": "about 600"}),
        ("The 1,20,000 small and medium enterprises of the city", {"units_said": "1,20,000"}),
        ("It employs nearly two lakh skilled workers.", {}),
        ("It employs nearly two lakh workers.", {"employment_said": "nearly two lakh"}),
        ("Over 3,000 people find employment.", {"employment_said": "Over 3,000"}),
        ("Turnover grew. In 2004 it had Rs. 20 crore.", {}),
        ("Its annual turnover is about Rs. 1,200 crore, of which", {"turnover_said": "about Rs. 1,200 crore"}),
        ("a turnover of ₹ 4.5 billion (450 crores)", {"turnover_said": "₹ 4.5 billion (450 crores)"}),
        ("Data pertains to 2010–11, collected", {"year": "2010–11"}),
        ("The cluster makes 300 tonnes.", {}),
    ],
)
def test_statements_in_prose(text: str, said: dict[str, str]) -> None:
    assert {name: words for name, words in _said(text).items() if words} == said


@settings(max_examples=50, deadline=None)
@given(st.permutations(["option", "view", "id", "Itemid"]), st.integers(1, 9999), st.booleans())
def test_an_article_is_one_whatever_the_order_of_its_parameters(
    order: list[str], number: int, with_alias: bool
) -> None:
    values = {
        "option": "com_content",
        "view": "article",
        "id": f"{number}:alias" if with_alias else str(number),
        "Itemid": "502",
    }
    query = urlencode([(name, values[name]) for name in order])
    assert article_of(f"https://sameeeksha.org/index.php?{query}") == (str(number), "502")
    response = Site().respond(Request("GET", f"/index.php?{query}", {}, b"", 0))
    assert (response.status == 200) == (str(number) in {*PROFILES, "42", "43"})
    assert article_of(f"https://sameeeksha.org/index.php?{query.replace('com_content', 'com_projects')}") == ("", "")
