"""ca.competeprosper: figures by their labels, regions by their names, both choices of the portal, the grid's gaps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Observatory
from web_archive import InternetArchive

from crawlers.batch import LeftOut
from crawlers.canada import competeprosper as portal
from crawlers.evidence import Document
from replicas.canada import competeprosper as source
from replicas.server import Replica, Response

FEED = "ca.competeprosper"
SMALL = source.Portal(regions=("Canada", "Ontario", "Ottawa-Hull"), clusters=("Automotive", "Apparel", "Furniture"))


def harvest(observatory: Observatory, *options: str) -> dict[str, Any]:
    _, document = observatory.run("harvest", FEED, *options)
    found: dict[str, Any] = document["harvests"][0]
    return found


def over_http(observatory: Observatory, replica: Replica[source.Portal], *options: str) -> dict[str, Any]:
    address = ("--route", "replica", "--base-url", f"{FEED}={replica.base_url}", "--set", f"{FEED}.delay=0")
    return harvest(observatory, *address, *options)


def document(html: str, url: str = f"file:{FEED}/x.html") -> Document:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Document(
        document_id=f"{FEED}:0",
        url=url,
        retrieved_at=now,
        archived_at=None,
        http_status=None,
        media_type="text/html",
        charset="utf-8",
        headers={},
        content=html.encode(),
        sha256="0",
        warc_file="x",
        warc_offset=0,
        synthetic=False,
    )


def records(html: str, url: str = f"file:{FEED}/x.html") -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for batch in portal.parse(document(html, url)) or ():
        assert isinstance(batch.records, list)
        made += batch.records
    return made


def page(main: str, title: str = "Cluster Data") -> str:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{main}</body></html>"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Observatory, dict[str, Any], list[str]]:
    """Return an observatory with all clusters of all regions, the end of that harvest, and what was asked for."""
    observatory = Observatory(tmp_path_factory.mktemp("portal") / "home")
    with source.replica() as replica:
        end = over_http(observatory, replica)
        asked = [request.path for request in replica.requests]
    return observatory, end, asked


def test_the_grid_is_read_over_the_form_of_regions(whole: tuple[Observatory, dict[str, Any], list[str]]) -> None:
    observatory, end, asked = whole
    assert (end["status"], end["records"], end["quarantined"], end["warnings"]) == ("accepted", 1476, 0, [])
    assert asked == ["/robots.txt", "/clusters/data/", *["/clusters/data/all/"] * 36]
    [told] = observatory.sql("""
        SELECT count(*) AS cells, count(DISTINCT category_id) AS clusters, count(DISTINCT region_id) AS regions,
            count(*) FILTER (starts_with(region_id, 'ca:cma:')) AS in_cities
        FROM clusters
    """)
    assert told == {"cells": 1476, "clusters": 41, "regions": 36, "in_cities": 25 * 41}
    [cell] = observatory.sql("FROM clusters WHERE cluster_id = 'ca.competeprosper:cma-505:automotive'")
    assert (cell["name"], cell["place"], cell["region_id"]) == (
        "Automotive, Ottawa-Gatineau",
        "Ottawa-Hull",
        "ca:cma:505",
    )
    assert (cell["category_id"], cell["hub_category_id"], cell["kind"]) == ("porter41:automotive", "bcd:4", "cell")
    hubs = observatory.sql("SELECT category_id, any_value(hub_category_id) AS hub FROM clusters GROUP BY ALL")
    named = {row["category_id"].removeprefix("porter41:"): row["hub"] for row in hubs}
    assert [named[name] for name in ("financial-services", "heavy-machinery", "power-generation-and-transmission")] == [
        None,
        "bcd:40",
        None,
    ]
    employment, wage, quotient = source.figures("Saint John", "Tobacco")
    rows = observatory.sql(
        "FROM observations WHERE cluster_id = 'ca.competeprosper:cma-310:tobacco' ORDER BY indicator"
    )
    assert [
        (row["indicator"], row["value_text"], row["unit_measure"], row["time_period"], row["method"]) for row in rows
    ] == [
        ("employment", employment, "persons", "2009", "ca.competeprosper.employment"),
        ("location_quotient", quotient, "ratio", "2009", "ca.competeprosper.lq"),
        ("wage_average", wage, "CAD/year", "2009", "ca.competeprosper.wage"),
    ]
    assert [row["obs_value"] for row in rows] == [float(text.replace(",", "")) for text in (employment, quotient, wage)]
    absent = sum("n/a" in source.figures(region, cluster) for region in source.REGIONS for cluster in source.CLUSTERS)
    assert absent > 10
    assert (
        observatory.value("SELECT count(*) FROM observations WHERE obs_status = 'O' AND obs_value IS NULL")
        == 3 * absent
    )


def test_the_form_of_cells_states_the_same_and_gaps_hold(observatory: Observatory) -> None:
    """A portal of three regions: what is walked has the whole grid for its denominator."""
    with Replica(SMALL) as replica:
        end = over_http(observatory, replica, "--set", f"{FEED}.choices=clusters")
        assert [request.method for request in replica.requests] == ["GET", "GET", *["POST"] * 9]
        assert {request.path for request in replica.requests[2:]} == {"/clusters/data/one"}, "without its alias"
    assert end["status"] == "held"
    assert "cells/2009 has 9 of 1,476 records" in end["reason"]
    told = " ".join(end["warnings"])
    assert "9 of the 1,476 cells of 2009 were read; nothing of 33 of the 36 regions: St. John's, Halifax" in told
    code, _ = observatory.run("accept", end["harvest_id"], "--reason", "a small portal")
    assert code == 0
    rows = observatory.sql("SELECT cluster_id, value_text FROM observations WHERE indicator = 'employment'")
    assert {row["cluster_id"].removeprefix(f"{FEED}:"): row["value_text"] for row in rows} == {
        f"{key}:{cluster.lower()}": source.figures(region, cluster)[0]
        for key, region in (("country-CA", "Canada"), ("pr-35", "Ontario"), ("cma-505", "Ottawa-Hull"))
        for cluster in SMALL.clusters
    }


def test_a_web_archive_has_what_it_has(observatory: Observatory) -> None:
    """The front page and a region only at their other address, one region at neither."""
    site, then = "http://www.competeprosper.ca", "20100302040000"

    def captured(main: str) -> dict[str, Response]:
        return {then: Response(page(main).encode(), media_type="text/html; charset=utf-8")}

    captures = {
        f"{site}/index.php/clusters/data/": captured(SMALL.front()),
        f"{site}/clusters/data/all/?area=102": captured(f"<h1>Ontario</h1>{SMALL.table('Ontario')}"),
        f"{site}/index.php/clusters/data/all/?area=101": captured(f"<h1>Canada</h1>{SMALL.table('Canada')}"),
    }
    with Replica(InternetArchive(captures)) as archive:
        end = harvest(
            observatory, "--route", "wayback", "--wayback-url", archive.base_url, "--set", f"{FEED}.archive_delay=0"
        )
    assert end["status"] == "held", "3 of 41 clusters each"
    assert "cells/2009 has 6 of 82 records" in end["reason"]
    assert "6 of the 1,476 cells of 2009 were read" in str(end["warnings"])
    assert any(address.endswith("area=103") for address in end["never_captured"])


TERMS = """<h1>Profile</h1><dl><dt>City region</dt><dd>Windsor</dd><dt>Cluster</dt><dd>Automotive</dd><dt>Year</dt>
    <dd>2008</dd><dt>Jobs</dt><dd>31,200</dd><dt>LQ</dt><dd>8.1</dd></dl>"""
LINES = "<h1>Automotive in London, Ontario</h1><p>Employment: 12,345<br>Wages: C$45,000<br>LQ: 1.23</p>"
DOWN = """<select><option>Toronto</option><option selected>Saint John</option></select><h2>Tobacco</h2>
    <table><tr><th></th><th>2007</th></tr><tr><th>Employment</th><td>310</td></tr>
    <tr><th>Average wage ($)</th><td>30,100</td></tr></table>"""
ACROSS = """<table><tr><td>LQ</td><td>Province</td><td>Industry</td><td>Employees</td></tr>
    <tr><td>0.4</td><td>Québec</td><td>Jewellery &amp; Precious Metals</td><td>1 234</td></tr></table>"""


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        (TERMS, ("Windsor", "Automotive", "2008", {"employment": "31,200", "location_quotient": "8.1"})),
        (LINES, ("London, Ontario", "Automotive", "undated", {"employment": "12,345", "wages": "C$45,000"})),
        (DOWN, ("Saint John", "Tobacco", "2007", {"employment": "310", "wages": "30,100", "wages_unit": "$"})),
        (ACROSS, ("Québec", "Jewellery & Precious Metals", "undated", {"employment": "1 234"})),
    ],
    ids=["terms", "lines", "down", "across"],
)
def test_figures_are_found_in_any_layout(main: str, expected: tuple[str, str, str, dict[str, str]]) -> None:
    [record] = records(page(main))
    region, cluster, year, figures = expected
    assert (record["region"], record["cluster"], record["year"]) == (region, cluster, year)
    assert {name: record.get(name) for name in figures} == figures


ROWS = "<table><tr><th>Cluster</th><th>LQ</th></tr><tr><td>Plastics</td><td>1.5</td></tr></table>"


def test_what_was_chosen_comes_before_headings() -> None:
    main = f"<h1>Ontario and its neighbours</h1>{ROWS}"
    assert records(page(main))[0]["region"] == "Ontario"
    assert records(page(main), "http://x.example/one#place=Manitoba&cl=Plastics")[0]["region"] == "Manitoba"


@pytest.mark.parametrize(
    ("main", "message"),
    [
        ("<h1>About the Institute</h1><p>We study prosperity.</p>", "expected figures of clusters"),
        (
            "<h1>Ontario and Manitoba</h1><dl><dt>Cluster</dt><dd>Plastics</dd><dt>Jobs</dt><dd>7</dd></dl>",
            "of which no region is named, or several are",
        ),
        ("<h1>Ontario</h1><dl><dt>Employment</dt><dd>7</dd></dl>", "of which no cluster is named"),
    ],
)
def test_pages_without_a_cell_are_left_out_and_told(main: str, message: str) -> None:
    with pytest.raises(LeftOut, match=message):
        list(portal.parse(document(page(main))) or ())
    table = "<table><tr><th>Cluster</th><th>Emplois</th></tr><tr><td>Plastics</td><td>7</td></tr></table>"
    with pytest.raises(LeftOut, match="expected figures of clusters") as left_out:
        list(portal.parse(document(page(f"<h1>Ontario</h1>{table}"))) or ())
    assert left_out.value.notes[0] == (
        "expected employment ('Employment', 'Employees', 'Number of employees'), found no such label; "
        "the closest unknown ones: 'Emplois' (0.71)"
    )
    assert list(portal.parse(document(page(SMALL.front()))) or "none") == [], "the front page is known"


def test_names_units_and_contradictions(observatory: Observatory, tmp_path: Path) -> None:
    def table(region: str, *rows: str, label: str = "Wages", year: str = "2009") -> str:
        lines = "".join(f"<tr><td>{'</td><td>'.join(row.split('|'))}</td></tr>" for row in rows)
        return page(
            f"<h2>{year}</h2><dl><dt>Region</dt><dd>{region}</dd></dl>"
            f"<table><tr><th>Cluster</th><th>Employment</th><th>{label}</th></tr>{lines}</table>"
        )

    pages = {
        "a": table("Quebec", "Plastics|10|5", label="Weekly wages ($)"),
        "b": table("Québec", "Plastics|20|x"),
        "c": table("Saint John", "Plastics|30|$9"),
        "d": table("St. John’s", "Plastics|40|9", label="Average Annual Wage (C$ thousands)"),
        "e": table("St. John", "Plastics|50|9"),
        "f": table("Chicoutimi–Jonquière CMA", "Plastics|60|9"),
        "g": table("Guelph", "Plastics|70|9", year=""),
        "h": table("London, Ont.", "Plastics|80|9", "Widgets|1|1"),
        "i": table("London", "Plastics|81|9"),
        "j": table("Greater Sudbury", "Sporting, Recreational, and Childrens Goods|5|9"),
    }
    saved = tmp_path / "saved"
    saved.mkdir()
    for name, text in pages.items():
        (saved / f"{name}.html").write_text(text, "utf-8")
    end = harvest(observatory, "--files", f"{FEED}={saved}")
    assert end["status"] == "accepted", end["reason"]
    rows = observatory.sql("""
        SELECT replace(cluster_id, 'ca.competeprosper:', '') AS id, region_id, indicator, obs_value, unit_measure,
            time_period, obs_status, value_text
        FROM observations JOIN clusters USING (cluster_id)
    """)
    told = {(row["id"], row["indicator"]): row for row in rows}
    employment = {name: (row["region_id"], row["obs_value"]) for (name, of), row in told.items() if of == "employment"}
    assert employment == {
        "pr-24:plastics": ("ca:pr:24", 10),
        "cma-421:plastics": ("ca:cma:421", 20),
        "cma-310:plastics": ("ca:cma:310", 30),
        "cma-001:plastics": ("ca:cma:001", 40),
        "st-john:plastics": (None, 50),
        "cma-408:plastics": ("ca:cma:408", 60),
        "cma-550:plastics": ("ca:cma:550", 70),
        "cma-555:plastics": ("ca:cma:555", None),
        "cma-555:widgets": ("ca:cma:555", 1),
        "cma-580:sporting-recreational-and-childrens-goods": ("ca:cma:580", 5),
    }
    wages = {name: (row["obs_value"], row["unit_measure"]) for (name, of), row in told.items() if of == "wage_average"}
    assert wages["pr-24:plastics"] == (5, "CAD/week")
    assert wages["cma-421:plastics"] == (None, "unknown")
    assert wages["cma-310:plastics"] == (9, "CAD")
    assert wages["cma-001:plastics"] == (9000, "CAD/year")
    assert wages["st-john:plastics"] == (9, "unknown")
    assert told["cma-550:plastics", "employment"]["time_period"] == "undated"
    contradicted = told["cma-555:plastics", "employment"]
    assert (contradicted["obs_status"], contradicted["value_text"]) == ("O", "80 | 81")
    warned = " ".join(end["warnings"])
    for message in (
        "the region St. John is none that we know; the nearest names: S",
        "the cluster Widgets is none of the 41; the nearest name: ",
        "1 figures are stated in two ways, such as employment of ca.competeprosper:cma-555:plastics in 2009: 80 | 81",
        "the page says no year, or several: its figures are undated, in 1 documents such as file:ca.competeprosper/g",
    ):
        assert message in warned, message


def test_on_pages_without_accents_quebec_is_neither(observatory: Observatory, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    for region in ("Quebec", "Montreal", "Quebec (CMA)"):
        main = f"<h2>{region}, 2009</h2>{ROWS}"
        (saved / f"{region}.html").write_text(page(main), "utf-8")
    end = harvest(observatory, "--files", f"{FEED}={saved}")
    assert end["status"] == "accepted"
    assert "the region Quebec is more than one that we know" in str(end["warnings"])
    rows = observatory.sql("SELECT place, region_id FROM clusters ORDER BY place")
    assert [tuple(row.values()) for row in rows] == [
        ("Montreal", "ca:cma:462"),
        ("Quebec", None),
        ("Quebec (CMA)", "ca:cma:421"),
    ]
