"""eu.legacy: tables by their labels in any order, numbers and stars as written, what was not found is told."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from conftest import Observatory
from hypothesis import given
from hypothesis import strategies as st

from crawlers.batch import LeftOut
from crawlers.eu.legacy import _target, escaped, parse
from crawlers.evidence import Document
from replicas.eu import legacy
from replicas.eu.legacy import COLUMNS, VIEWS, table

FEED = "eu.legacy"


def harvest(observatory: Observatory, path: Path) -> dict[str, Any]:
    _, document = observatory.run("harvest", FEED, "--files", f"{FEED}={path}")
    found: dict[str, Any] = document["harvests"][0]
    return found


def test_regions_are_read_over_http_behind_both_kinds_of_address(observatory: Observatory) -> None:
    with legacy.replica() as replica:
        options = ("--route", "replica", "--base-url", f"{FEED}={replica.base_url}", "--set", f"{FEED}.delay=0")
        _, document = observatory.run("harvest", FEED, *options)
        asked = [request.target for request in replica.requests if "escaped" in request.target]
    assert asked == [f"/index.html?_escaped_fragment_={view}" for view in VIEWS]
    [found] = document["harvests"]
    assert (found["status"], found["records"], found["quarantined"]) == ("accepted", 5 * 38, 0)
    assert "the table has no column region" not in str(found["warnings"])
    assert "the column 'Rank' is not known, in 5 documents such as http" in str(found["warnings"])
    rows = observatory.sql("SELECT DISTINCT region_id, country_code, place FROM clusters ORDER BY region_id")
    assert [tuple(row.values()) for row in rows] == [
        ("country:IL", "IL", "Israel"),
        ("nuts:EL1", "GR", "GR1"),
        ("nuts:ES51", "ES", "ES51"),
        ("nuts:FR71", "FR", "FR71"),
        ("nuts:UKI1", "GB", "UKI1"),
    ]
    assert observatory.value("SELECT count(*) FROM clusters WHERE cluster_id LIKE 'eu.legacy:GR1:%'") == 38
    values = {
        row["indicator"]: (row["value_text"], row["obs_value"], row["obs_status"])
        for row in observatory.sql(f"FROM observations WHERE cluster_id = '{FEED}:ES51:automotive'")
    }
    text, value, status = values["employment"]
    assert (value, status) == (float(text.replace(".", "")), "E")
    text, value, status = values["specialisation"]
    assert (value, status) == (float(text.replace(",", ".")), "A")
    text, value, _ = values["stars"]
    assert value == (0 if text == "-" else len(text.split()))
    assert observatory.value("SELECT count(DISTINCT category_id) FROM categories") == 38


def test_columns_in_any_order_give_the_same_content(observatory: Observatory, tmp_path: Path) -> None:
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    one.write_text(f"<html><body>{table('ES51')}</body></html>", "utf-8")
    other.write_text(f"<html><body>{table('ES51', tuple(reversed(COLUMNS)))}</body></html>", "utf-8")
    assert harvest(observatory, one)["status"] == "accepted"
    assert harvest(observatory, other)["status"] == "unchanged"


def test_what_is_not_found_is_told_and_a_short_table_is_an_excerpt(observatory: Observatory, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<table><tr><td>NUTS code</td><td>Industry</td><td>Stars</td></tr>"
        "<tr><td>FR24</td><td>Automotive</td><td>★★☆</td></tr></table>",
        "utf-8",
    )
    found = harvest(observatory, page)
    assert (found["status"], found["records"]) == ("accepted", 1)
    assert "the table has no column employment, in 1 documents such as file:eu.legacy/page.html" in str(
        found["warnings"]
    )
    assert observatory.value("SELECT obs_value FROM observations") == 2
    page.write_text("<p>About the observatory</p>", "utf-8")
    assert "expected a table with a category" in str(harvest(observatory, page)["warnings"])


def test_a_table_of_a_category_is_whole_with_its_259_regions(observatory: Observatory, tmp_path: Path) -> None:
    """The category may stand in the caption alone; what a whole table names no more is closed, a short one is held."""
    with (Path(__file__).parents[1] / "crawlers" / "ref" / "nuts.csv").open(encoding="utf-8", newline="") as stream:
        old = [
            row["code"] for row in csv.DictReader(stream) if row["first_version"] == "2003" and len(row["code"]) == 4
        ]
    regions = [*old[:258], "Israel"]
    page = tmp_path / "page.html"

    def found(named: list[str]) -> dict[str, Any]:
        rows = "".join(f"<tr><td>{region}</td><td>1.000</td><td>*</td></tr>" for region in named)
        header = "<tr><th>Region</th><th>Employees</th><th>Stars</th></tr>"
        page.write_text(f"<h2>Automotive, 2009</h2><table>{header}{rows}</table>", "utf-8")
        return harvest(observatory, page)

    first = found(regions)
    assert (first["status"], first["records"], first["quarantined"]) == ("accepted", 259, 0)
    assert "the table has no column category; 'Automotive' of its caption is taken for it" in str(first["warnings"])
    assert observatory.value("SELECT list(scope) FROM harvests") == [["cells/category:automotive/2009"]]
    assert observatory.value("SELECT records_expected FROM feeds WHERE feed_id = 'eu.legacy'") == 259
    short = found(regions[1:])
    assert (short["status"], short["rows_closed"]) == ("held", 0)
    assert "cells/category:automotive has 258 of 259 records" in short["reason"]
    other = found([*regions[1:], old[258]])
    assert (other["status"], other["rows_closed"]) == ("accepted", 3)  # the cell, its employment and its stars


def test_tables_of_regions_and_of_categories_are_parts_of_their_own(observatory: Observatory, tmp_path: Path) -> None:
    (tmp_path / "region.html").write_text(table("ES51"), "utf-8")
    figures = "<tr><td>{}</td><td>{}</td><td>{}</td></tr>"
    rows = figures.format("ES51", "Automotive", "") + figures.format("ES52", "Automotive", "100")
    header = "<tr><th>Region</th><th>Category</th><th>Jobs</th></tr>"
    (tmp_path / "category.html").write_text(f"<h2>2010</h2><table>{header}{rows}</table>", "utf-8")
    assert harvest(observatory, tmp_path)["status"] == "accepted"
    assert observatory.value("SELECT list(scope) FROM harvests") == [["cells/ES51/2009"]]


@given(st.text("aä/;=&#%+ !", min_size=1, max_size=20))
def test_a_view_is_asked_for_as_crawlers_did(view: str) -> None:
    assert unquote(escaped(view)) == view
    assert not set("&#+ ") & set(escaped(view))
    address = f"http://x.example/index.html?_escaped_fragment_={escaped(view)}"
    assert _target(address, ["x.example"]) == _target(f"http://x.example/index.html#!{quote(view)}", ["x.example"])


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("http://x.example/index.php?id=101&nid=7", "/index.php?id=101&nid="),
        ("http://x.example/index.php?id=x", None),
        ("http://elsewhere.example/index.html#!view=a", None),
        ("http://x.example/index.html#top", None),
        ("http://x.example/index.html#!view=a;url=/b/", "/index.html?_escaped_fragment_=view=a;url=/b/"),
        ("http://[", None),
    ],
)
def test_links_to_tables_are_told_from_others(address: str, target: str | None) -> None:
    assert _target(address, ["x.example"]) == target


def page_of(html: str) -> Document:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Document(
        document_id="eu.legacy:0", url="file:eu.legacy/x.html", retrieved_at=at, archived_at=None, http_status=None,
        media_type="text/html", charset=None, headers={}, sha256="", content=html.encode(), warc_file="",
        warc_offset=0, synthetic=True,
    )  # fmt: skip


ROWS = "<tr><th>Category</th><th>Employees</th></tr><tr><td>Automotive</td><td>1.000</td></tr>"


def cells(html: str) -> tuple[list[tuple[str, str, str]], str]:
    """Return region, category and year of each record of a page, and all notes."""
    batches: list[Any] = list(parse(page_of(html)) or ())
    found = [(row["region"], row["category"], row["year"]) for batch in batches for row in batch.records]
    return found, "; ".join(note for batch in batches for note in batch.notes)


@pytest.mark.parametrize(
    ("over", "region", "year", "told"),
    [
        (
            "<h1>Attica (GR30)</h1><p>Year: 2011</p>",
            "GR30",
            "2011",
            "the year 2011 of a table is taken from 'Year: 2011'",
        ),
        ("<h1>Attica (GR30)</h1><h2>2009</h2>", "GR30", "2009", "the region GR30 of a table is taken from 'Attica"),
        ("<h1>Data of 2010</h1><h3>GR30</h3>", "GR30", "2010", "the year 2010 of a table is taken from 'Data of 2010'"),
        ("<title>Clusters in GR30, 2012</title>", "GR30", "2012", "taken from 'Clusters in GR30, 2012' over it"),
        ("<h1>GR30</h1><p>Jobs, 2008</p><p>From 2007 to 2014.</p>", "GR30", "2008", "taken from 'Jobs, 2008'"),
        ("<h1>GR30</h1><p>From 2007 to 2014.</p>", "GR30", "undated", "the page says no year over a table, or several"),
        (
            "<h1>GR30</h1><h2>2007 and 2014</h2><p>2011</p>",
            "GR30",
            "undated",
            "the page says no year over a table, or s",
        ),
        ("<h1>GR30, 2009</h1><div><a href='x'>GR43</a></div><ul><li>2010</li></ul>", "GR30", "2009", ""),
        ("<p>GR30 and GR43</p><div>Region: ITC</div><h2>2009</h2>", "ITC", "2009", "taken from 'Region: ITC' over it"),
        (
            "<h1>Israel</h1><h2>2009</h2>",
            "Israel",
            "2009",
            "the region Israel of a table is taken from 'Israel' over it",
        ),
        ("<h1>ITA</h1><h2>2009</h2>", "", "", ""),
        ("<h1>ESA (GR30)</h1><h2>2009</h2>", "", "", ""),  # two codes, in brackets and out of them: none
    ],
)
def test_region_and_year_may_stand_anywhere_over_a_table(over: str, region: str, year: str, told: str) -> None:
    html = f"<html><body>{over}<table>{ROWS}</table></body></html>"
    if not region:
        with pytest.raises(LeftOut, match="expected a table with a category, a region"):
            cells(html)
        return
    found, notes = cells(html)
    assert found == [(region, "Automotive", year)]
    assert told in notes


def test_what_stands_over_an_earlier_table_is_of_that_one_alone() -> None:
    one = f"<table>{ROWS}</table>"
    found, notes = cells(f"<h1>2009</h1><h2>Attica (GR30)</h2><p>2010</p>{one}<h2>Crete (GR43)</h2>{one}")
    assert found == [("GR30", "Automotive", "2010"), ("GR43", "Automotive", "2009")]
    assert "undated" not in notes
    found, _ = cells(f"<h1>2009</h1><h2>Attica (GR30)</h2>{one}<h2>Crete</h2>{one}")
    assert found == [("GR30", "Automotive", "2009")]
    found, _ = cells(f"<p>Year: 2011</p><h3>GR30</h3>{one}<h3>GR43</h3>{one}")
    assert found == [("GR30", "Automotive", "2011"), ("GR43", "Automotive", "2011")]
    in_layout = f"<h1>GR30</h1><table><tr><td><p>Year: 2011</p>{one}</td></tr></table>"
    assert cells(in_layout)[0] == [("GR30", "Automotive", "2011")]


def test_a_category_may_stand_over_the_year() -> None:
    rows = "<tr><th>Region</th><th>Jobs</th><th>Stars</th></tr><tr><td>GR30</td><td>10</td><td>*</td></tr>"
    found, notes = cells(f"<h1>Automotive</h1><h2>2009</h2><table>{rows}</table>")
    assert found == [("GR30", "Automotive", "2009")]
    assert "'Automotive' of its caption is taken for it" in notes


def test_a_page_that_looks_like_data_tells_what_it_lacks(observatory: Observatory, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        "<h1>Attica (GR30)</h1><table><tr><th>Klasse</th><th>Employed</th></tr>"
        "<tr><td>Automotive</td><td>1.000</td></tr></table>",
        "utf-8",
    )
    warnings = "\n".join(harvest(observatory, tmp_path)["warnings"])
    assert "expected employment ('Employees', 'Employment'" in warnings
    assert "the closest unknown ones: 'Employed' (0.88)" in warnings
    assert "in 1 documents such as file:eu.legacy/page.html" in warnings
