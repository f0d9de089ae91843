"""eu.legacy: tables by their labels in any order, numbers and stars as written, what was not found is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import Observatory

from replicas.eu import legacy
from replicas.eu.legacy import COLUMNS, table

FEED = "eu.legacy"


def harvest(observatory: Observatory, path: Path) -> dict[str, Any]:
    _, document = observatory.run("harvest", FEED, "--files", f"{FEED}={path}")
    found: dict[str, Any] = document["harvests"][0]
    return found


def test_regions_are_read_over_http(observatory: Observatory) -> None:
    with legacy.replica() as replica:
        options = ("--route", "replica", "--base-url", f"{FEED}={replica.base_url}", "--set", f"{FEED}.delay=0")
        _, document = observatory.run("harvest", FEED, *options)
    [found] = document["harvests"]
    assert (found["status"], found["records"], found["quarantined"]) == ("accepted", 4 * 38, 0)
    assert "the table has no column region" not in str(found["warnings"])
    assert "the column 'Rank' is not known, in 4 documents such as http" in str(found["warnings"])
    rows = observatory.sql("SELECT DISTINCT region_id, country_code FROM clusters ORDER BY region_id")
    assert [(row["region_id"], row["country_code"]) for row in rows] == [
        ("country:IL", "IL"),
        ("nuts:ES51", "ES"),
        ("nuts:GR1", "GR"),
        ("nuts:UKI1", "GB"),
    ]
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
