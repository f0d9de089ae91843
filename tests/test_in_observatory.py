"""in.observatory: lists behind functions, clusters by their labels, periods, looms and artisans, schemes, totals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.evidence import Evidence
from crawlers.india.observatory import chosen_of, page_of, template_of
from replicas.india import observatory as site
from replicas.india.observatory import SYNOPSIS, Cluster, Site
from replicas.server import Request

FEED = "in.observatory"
SMALL = (*site.STATED, *site.invented()[:30])


class Filled(NamedTuple):
    """An observatory with a site of forty clusters, its harvest, and what was asked."""

    observatory: Observatory
    found: dict[str, Any]
    asked: list[str]


def harvest(observatory: Observatory, *options: str) -> dict[str, Any]:
    sets = [part for value in ("delay=0", "archive_delay=0", "retries=0") for part in ("--set", f"{FEED}.{value}")]
    _, document = observatory.run("harvest", FEED, *sets, *options)
    found: dict[str, Any] = document["harvests"][0]
    return found


def crawl(observatory: Observatory, address: str, *options: str) -> dict[str, Any]:
    return harvest(observatory, "--route", "replica", "--base-url", f"{FEED}={address}", *options)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    observatory = Observatory(tmp_path_factory.mktemp("observatory") / "home")
    with site.replica(Site(clusters=SMALL)) as replica:
        found = crawl(observatory, replica.base_url)
        asked = [request.target for request in replica.requests]
    return Filled(observatory, found, asked)


def test_lists_behind_functions_are_read_to_their_total(filled: Filled) -> None:
    profiles = [target for target in filled.asked if target.startswith("/cluster.php")]
    assert (filled.found["status"], filled.found["records"]) == ("accepted", len(SMALL) + len(profiles))
    assert len(profiles) == len(set(profiles)) == len(SMALL) // 5
    assert {"/getclusters.php?show=30&pagenum=2", "/getrecords.php?show=30&pagenum=7"} <= set(filled.asked)
    assert len(filled.asked) == len(set(filled.asked))
    assert filled.observatory.value("SELECT count(*) FROM initiatives WHERE kind = 'scheme'") == 193
    [scheme] = filled.observatory.sql(
        "SELECT title, sector_name, organisation_name, role FROM initiatives "
        "JOIN initiative_organisations USING (initiative_id) "
        f"WHERE initiative_id LIKE '{FEED}:scheme:invented-scheme-31:%'"
    )
    assert tuple(scheme.values()) == ("Invented scheme 31", "Leather", "Invented ministry 3", "accountable")


@pytest.mark.parametrize(
    ("cluster", "region", "figures"),
    [
        ("gujarat:rajkot:forging", "in:district:457", {"firms": 140, "employment": 15_000, "turnover": 4e10}),
        ("uttar-pradesh:agra:foundry", "in:district:118", {"firms": 80, "employment": 3_000, "turnover": 5.5e9}),
        ("gujarat:ahmedabad:chemicals", "in:district:438", {"firms": 750, "employment": 2e5, "turnover": 1.1e11}),
        ("maharashtra:kolhapur:foundry", "in:district:480", {"firms": 300}),
        ("maharashtra:solapur:textile", "in:district:496", {"firms": 600}),
        ("maharashtra:pune:forging-and-heat-treatment", "in:district:490", {"firms": 70}),
        ("bihar:patna:brass", "in:district:212", {"artisans": 500, "employment": 2_000, "turnover": 2e8}),
        ("karnataka:belgaum:foundry", "in:district:527", {"firms": 135, "employment": 12_000, "turnover": 7e9}),
    ],
)
def test_figures_that_others_publish_are_read(
    filled: Filled, cluster: str, region: str, figures: dict[str, float]
) -> None:
    rows = filled.observatory.sql(
        "SELECT CASE indicator WHEN 'establishments' THEN unit_kind ELSE indicator END AS what, obs_value, "
        "unit_measure, region_id FROM observations JOIN clusters USING (cluster_id) "
        f"WHERE cluster_id = '{FEED}:{cluster}'"
    )
    assert {row["what"]: row["obs_value"] for row in rows} == figures
    assert {row["region_id"] for row in rows} == {region}
    assert {row["unit_measure"] for row in rows} <= {"INR", "persons", "establishments", "artisans"}


def test_periods_are_part_of_a_figure(filled: Filled) -> None:
    rows = filled.observatory.sql(
        "SELECT time_period, indicator, obs_value, qualifier, period_end FROM observations "
        f"WHERE cluster_id = '{FEED}:gujarat:morbi:ceramics' ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("2010-04-01/P1Y", "employment", 68_000, None, "2011-03-31"),
        ("2010-04-01/P1Y", "establishments", 459, None, "2011-03-31"),
        ("2010-04-01/P1Y", "turnover", 1e11, None, "2011-03-31"),
        ("2020", "employment", 4e5, None, "2020-12-31"),
        ("2020", "establishments", 1_000, "about", "2020-12-31"),
        ("2020", "turnover", 4.5e11, None, "2020-12-31"),
    ]


def test_units_are_what_the_kind_of_cluster_counts(filled: Filled) -> None:
    rows = filled.observatory.sql(
        "SELECT DISTINCT product_class, unit_kind, unit_measure FROM observations JOIN clusters USING (cluster_id) "
        "WHERE indicator = 'establishments' AND product_class_basis IS NULL ORDER BY ALL"  # what the site itself says
    )
    assert [tuple(row.values()) for row in rows] == [
        ("handicraft", "artisans", "artisans"),
        ("handloom", "looms", "looms"),
        ("micro", "firms", "establishments"),
        (None, "firms", "establishments"),
    ]


def test_the_totals_of_the_site_are_claims_of_its_own(filled: Filled) -> None:
    claims = filled.observatory.sql("SELECT claim_id, value, qualifier, unit, scope FROM claims ORDER BY claim_id")
    industrial = sum(cluster.type == "Industrial" for cluster in SMALL)
    assert [tuple(claim.values()) for claim in claims] == [
        (f"{FEED}:total:industrial-clusters", industrial, "exact", "clusters", "country:IN"),
        (f"{FEED}:total:listed", len(SMALL), "exact", "rows", "country:IN"),
        (f"{FEED}:total:micro-enterprise-clusters", len(SMALL) - industrial, "about", "clusters", "country:IN"),
    ]


def test_no_synopsis_leaves_the_archive(filled: Filled) -> None:
    """Search every byte that is written; in the pages of the archive it must be found, so the search works."""

    def holds(path: Path) -> bool:
        body = path.read_bytes()
        if path.suffix == ".parquet":
            with duckdb.connect(":memory:") as connection:
                body = repr(connection.execute("FROM read_parquet(?)", [str(path)]).fetchall()).encode()
        return SYNOPSIS.encode() in body

    home = filled.observatory.home
    files = [path for path in home.rglob("*") if path.is_file() and not path.name.endswith(".warc.gz")]
    assert [path for path in files if holds(path)] == []
    pages = [document.body for document in Evidence(home, FEED).documents(filled.found["harvest_id"])]
    assert sum(SYNOPSIS.encode() in page for page in pages) == len(SMALL) // 5


def test_saved_fragments_give_the_same_rows(filled: Filled, observatory: Observatory, tmp_path: Path) -> None:
    """Fragments without <html>, under names that say nothing, are one list."""
    expected = {
        name: filled.observatory.contents()[name] for name in ("clusters", "observations", "initiatives", "claims")
    }
    app, saved = Site(clusters=SMALL), tmp_path / "saved"
    saved.mkdir()
    for number, target in enumerate(sorted(set(filled.asked) - {"/robots.txt"})):
        body = app.respond(Request("GET", target, {}, b"", 0)).body
        (saved / f"{number:03d}.html").write_bytes(body)
    found = harvest(observatory, "--files", f"{FEED}={saved}")
    assert found["status"] == "accepted"
    assert {name: observatory.contents()[name] for name in expected} == expected


def test_a_list_that_lost_a_page_is_held_and_estates_are_no_clusters(observatory: Observatory, tmp_path: Path) -> None:
    app = Site(clusters=(*SMALL[:30], Cluster("Gujarat", "Surat", "Pandesara Industrial Estate", "Industrial", "900")))
    saved = tmp_path / "saved"
    saved.mkdir()
    for number in (1, 2):
        target = f"/getclusters.php?show=30&pagenum={number}"
        (saved / f"{number}.html").write_bytes(app.respond(Request("GET", target, {}, b"", 0)).body)
    found = harvest(observatory, "--files", f"{FEED}={saved}")
    assert (found["status"], found["dropped"], found["records"]) == ("accepted", 1, 31)
    assert observatory.value("SELECT count(*) FROM clusters WHERE name ILIKE '%estate%'") == 0
    (saved / "2.html").unlink()
    found = harvest(observatory, "--files", f"{FEED}={saved}")
    assert (found["status"], "has 30 of 31 records" in found["reason"]) == ("held", True)


def test_a_list_of_unknown_labels_is_told_with_the_closest(observatory: Observatory, tmp_path: Path) -> None:
    page = tmp_path / "list.html"
    page.write_text(
        "<h1>Clusters of Gujarat</h1><table><tr><th>Naam</th><th>Unit count total</th><th>Empl.</th></tr>"
        "<tr><td>Morbi tiles</td><td>600</td><td>1,200</td></tr></table>",
        "utf-8",
    )
    found = harvest(observatory, "--files", f"{FEED}={page}")
    warnings = "\n".join(found["warnings"])
    where = f"in 1 documents such as file:{FEED}/list.html"
    none = "found no such label; the closest unknown ones"
    assert f"{FEED}: expected district ('District', 'Name of district'), {none}: 'Naam' (0.38), " in warnings
    assert (
        f"expected employment ('Employment', 'No. of workers', 'Workers'), {none}: 'Empl.' (0.57), {where}" in warnings
    )
    assert (
        "the label 'Unit count total' is not known; closest: units ('Units', 0.44), records ('Total records', 0.40), "
        + where
    ) in warnings


def test_a_page_that_hides_its_address_says_what_to_set(observatory: Observatory) -> None:
    only = ("--set", f"{FEED}.pages=/clusters.php")
    with site.replica(Site(clusters=SMALL[:12], names_endpoint=False)) as replica:
        found = crawl(observatory, replica.base_url, *only)
        assert found["status"] == "partial"
        assert f"set {FEED}.records=/clusters.php=/ADDRESS?show={{0}}&pagenum={{1}}" in str(found["reason"])
        given_address = "/clusters.php=/getclusters.php?show={0}&pagenum={1}"
        schemes = "/schemes.php=/getrecords.php?show={0}&pagenum={1}"
        known = ("--set", f"{FEED}.records={given_address},{schemes}", "--set", f"{FEED}.filters=true")
        found = crawl(observatory, replica.base_url, *only, *known)
        asked = {request.target for request in replica.requests}
    # The filter lists each state once, and what it answers is a part of its own.
    states = {cluster.state for cluster in SMALL[:12]}
    assert {f"/clusters.php?{urlencode({'state': state})}" for state in states} <= asked
    assert (found["status"], found["records"], found["dropped"]) == ("accepted", 12 + 3 + 12, 12 + 3)
    scope = observatory.value(f"SELECT scope FROM harvests WHERE harvest_id = '{found['harvest_id']}'")
    assert {"clusters/all", "clusters/state-uttar-pradesh"} <= set(scope)
    assert observatory.value("SELECT count(*) FROM clusters") == 11  # Morbi has two periods


@pytest.mark.parametrize(
    ("script", "template"),
    [
        (
            (
                "function displayRecords(numRecords, pageNum) { $.ajax({ type: 'GET', url: 'getrecords.php', "
                "data: 'show=' + numRecords + '&pagenum=' + pageNum, success: function(h) { if (h) { show(h); } } }); }"
            ),
            "getrecords.php?show={0}&pagenum={1}",
        ),
        (
            'displayRecords = function(n, p) { $("#r").load("rows.php?a=1&n=" + n + "&p=" + p); }',
            "rows.php?a=1&n={0}&p={1}",
        ),
        ("function displayRecords(n,p){x.open('GET', \"/x.php?p=\"+p, true); x.send();}", "/x.php?p={1}"),
        ("function displayRecords(n, p) { $.ajax({url: 'a.php?k=1', data: 'p=' + p}); }", "a.php?k=1&p={1}"),
        ("function displayRecords(n, p) { $.ajax({type: 'POST', url: 'a.php'}); }", None),
        ("function displayRecords(n, p) { $.ajax({url: endpoint, data: 'p=' + p}); }", None),
        ("function displayRecords(n, p) { $.ajax({url: 'a.php', data: 'p=' + secret + p}); }", None),
        ("function other(n) { $.ajax({url: 'a.php'}); }", None),
        ("function displayRecords(n, p) { document.write(n); } function x() { $.ajax({url: 'a.php'}); }", None),
    ],
)
def test_the_address_behind_a_function_is_read_and_never_guessed(script: str, template: str | None) -> None:
    assert template_of(f"var x = 1; {script} search();") == template


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_no_script_breaks_the_reading_of_its_function(script: str) -> None:
    assert template_of(script) is None
    told = template_of(f"function displayRecords(a) {{ $.get('x.php?p=' + a); {script}")
    assert told in {"x.php?p={0}", None}


@pytest.mark.parametrize("host", ["http://clusterobservatory.in", "https://www.clusterobservatory.in"])
def test_a_page_is_one_at_all_its_addresses(host: str) -> None:
    assert page_of(f"{host}/getrecords.php?show=30&pagenum=2") == page_of(f"{host}/getrecords.php?pagenum=2&show=30")
    assert page_of(f"{host}/getrecords.php?pagenum=2") == "/getrecords.php?pagenum=2"
    assert page_of("file:in.observatory/saved/list%201.html") == "list 1.html"
    assert chosen_of(f"{host}/clusters.php?state=Gujarat&pagenum=2&show=30") == "state=Gujarat"
    assert chosen_of(f"{host}/clusters.php?pagenum=2") == ""
