"""in.msecdp: pending applications, the day of a report, one cluster with several initiatives."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Observatory

from replicas.india import msecdp
from replicas.india.msecdp import COLUMNS, Portal, page

FEED = "in.msecdp"
WOOLLEN = f"{FEED}:uttar-pradesh:budaun:woollen-tufted-cluster"


def harvest(observatory: Observatory, *options: str) -> dict[str, Any]:
    _, document = observatory.run("harvest", FEED, *options)
    found: dict[str, Any] = document["harvests"][0]
    return found


def crawl(observatory: Observatory, address: str) -> dict[str, Any]:
    sets = [part for value in ("delay=0", "retries=0", "states=120,901") for part in ("--set", f"{FEED}.{value}")]
    return harvest(observatory, "--route", "replica", "--base-url", f"{FEED}={address}", *sets)


def read(observatory: Observatory, path: Path) -> dict[str, Any]:
    return harvest(observatory, "--files", f"{FEED}={path}")


def saved(path: Path, *rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(page(90, columns, rows), "utf-8")
    return path


def row(serial: str, cluster: str = "Toy", applied: str = "18/02/2021", days: str = "1451") -> tuple[str, ...]:
    return (serial, "Agra", "UTTAR PRADESH", "CHITRAKOOT", cluster, "DPR uploaded by SPV", applied, days)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Observatory, dict[str, Any]]:
    """An observatory with both states of the replica, and what came of the harvest; only read."""
    observatory = Observatory(tmp_path_factory.mktemp("msecdp") / "home")
    with msecdp.replica() as replica:
        return observatory, crawl(observatory, replica.base_url)


def test_applications_of_one_name_are_one_cluster(filled: tuple[Observatory, dict[str, Any]]) -> None:
    observatory, found = filled
    assert (found["status"], found["records"], found["quarantined"], found["dropped"]) == ("accepted", 10, 0, 1)
    assert [
        "NOWHERE NAGAR, UTTAR PRADESH (no region has this name; nearest: " in told for told in found["warnings"]
    ] == [True]
    assert observatory.value("SELECT count(*) FROM clusters WHERE name ILIKE '%estate%'") == 0
    assert observatory.sql("SELECT DISTINCT place, region_id FROM clusters ORDER BY place") == [
        {"place": "AZAMGARH, UTTAR PRADESH", "region_id": "in:district:123"},
        {"place": "BUDAUN, UTTAR PRADESH", "region_id": "in:district:133"},
        {"place": "CHITRAKOOT, UTTAR PRADESH", "region_id": "in:district:136"},
        {"place": "GORAKHAPUR, UTTAR PRADESH", "region_id": "in:district:148"},
        {"place": "MORBI, GUJARAT", "region_id": "in:district:673"},
        {"place": "NOWHERE NAGAR, UTTAR PRADESH", "region_id": "in:state:9"},
        {"place": "RAJKOT, GUJARAT", "region_id": "in:district:457"},
    ]
    [cluster] = observatory.sql(f"FROM clusters WHERE cluster_id = '{WOOLLEN}'")
    assert (cluster["name"], cluster["kind"], cluster["place"], cluster["product"], cluster["country_code"]) == (
        "Woollen Tufted Cluster",
        "documented",
        "BUDAUN, UTTAR PRADESH",
        "Woollen Tufted",
        "IN",
    )
    rows = observatory.sql(
        "SELECT right(initiative_id, 10) AS day, status, organisation_name, to_initiative_id, relation_date, "
        "admin_name FROM initiatives JOIN links ON from_id = initiative_id "
        "JOIN initiative_organisations USING (initiative_id) "
        "JOIN initiative_relations USING (initiative_id) JOIN initiative_locations USING (initiative_id) "
        f"WHERE to_id = '{WOOLLEN}' AND links.relation = 'supports' ORDER BY day"
    )
    assert [(row["day"], row["status"]) for row in rows] == [
        ("2020-12-28", "Clarification sought by MSME-DFO"),
        ("2021-03-16", "Application forwarded to MSME-DFO"),
        ("2021-03-27", "DPR uploaded by SPV"),
    ]
    for told in rows:
        assert told["relation_date"] == told["day"]
        assert told["organisation_name"] == "MSME-DI Agra"
        assert told["to_initiative_id"] == "paper.facts:MSECDP"
        assert told["admin_name"] == "BUDAUN, UTTAR PRADESH"


def test_the_day_of_a_report_is_that_of_its_rows(filled: tuple[Observatory, dict[str, Any]]) -> None:
    claims = filled[0].sql("SELECT claim_id, subject, value, unit, as_of, scope FROM claims ORDER BY claim_id")
    assert [tuple(claim.values()) for claim in claims] == [
        (
            f"{FEED}:{state}:pending",
            "applications pending for more than 90 days",
            rows,
            "applications",
            "2025-02-08",
            scope,
        )
        for state, rows, scope in (("gujarat", 2.0, "in:state:24"), ("uttar-pradesh", 8.0, "in:state:9"))
    ]


def test_saved_reports_give_the_same_rows(
    filled: tuple[Observatory, dict[str, Any]], observatory: Observatory, tmp_path: Path
) -> None:
    pages = {
        "120": Portal().report("120", 91),
        "901": Portal().report("901", 91),
        # An older report, and one of the same day that lists less, add nothing.
        "older": Portal(today=date(2025, 2, 1), removed={"Toy"}).report("120", 91),
        "shorter": Portal().report("120", 1460),
    }
    folder = tmp_path / "saved"
    folder.mkdir()
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    found = read(observatory, folder)
    assert (found["status"], found["dropped"]) == ("accepted", 7 + 2 + 1)  # and an industrial estate
    assert observatory.contents() == filled[0].contents()


def test_an_application_that_left_the_report_is_closed(observatory: Observatory) -> None:
    with msecdp.replica() as replica:
        assert crawl(observatory, replica.base_url)["status"] == "accepted"
        replica.app.removed = {"Toy"}
        assert crawl(observatory, replica.base_url)["status"] == "accepted"
    assert observatory.value("SELECT count(*) FROM clusters WHERE name = 'Toy'") == 0
    assert observatory.value("SELECT count(*) FROM clusters_closed WHERE name = 'Toy'") == 1
    assert observatory.value(f"SELECT value FROM claims WHERE claim_id = '{FEED}:uttar-pradesh:pending'") == 7


def test_days_that_disagree_and_labels_in_any_order_are_told(observatory: Observatory, tmp_path: Path) -> None:
    columns = (*reversed(COLUMNS), "Name of SPV")
    rows = [row("1"), row("2"), row("3", days="1450"), row("4", "Brass", applied="", days="")]
    path = saved(tmp_path / "report.html", *((*reversed(cells), "x") for cells in rows), columns=columns)
    found = read(observatory, path)
    told = " ".join(found["warnings"])
    assert "the report is of 2025-02-08, as 2 of 4 rows give it" in told
    assert "1 rows give another day" in told
    assert "the label 'Name of SPV' is not known" in told
    ids = [told["initiative_id"] for told in observatory.sql("SELECT initiative_id FROM initiatives ORDER BY ALL")]
    toy = f"{FEED}:uttar-pradesh:chitrakoot:toy:2021-02-18"
    assert ids == [f"{FEED}:uttar-pradesh:chitrakoot:brass:undated", toy, f"{toy}:2", f"{toy}:3"]


def test_a_report_with_a_gap_is_held_and_a_bad_row_is_quarantined(observatory: Observatory, tmp_path: Path) -> None:
    found = read(observatory, saved(tmp_path / "gap.html", row("1"), row("3", "Brass")))
    assert (found["status"], "has 2 of 3 records" in found["reason"]) == ("held", True)
    found = read(observatory, saved(tmp_path / "bad.html", row("one"), *(row(str(n), f"C{n}") for n in range(2, 9))))
    assert (found["status"], found["quarantined"]) == ("held", 1)
    _, entries = observatory.run("quarantine", FEED)
    reasons = [entry["reason"] for entry in entries["quarantine"]]
    assert 'serial: expected an integer >= 1, got "one"' in reasons


def test_pages_that_are_no_report_are_named(observatory: Observatory, tmp_path: Path) -> None:
    empty = saved(tmp_path / "saved" / "empty.html")
    text = empty.read_text("utf-8")
    empty.write_text(
        text.replace("</table></div>", "<tr><td colspan='8'>No record found</td></tr></table></div>"), "utf-8"
    )
    saved(tmp_path / "saved" / "hindi.html", row("1"), columns=tuple("Zila" if c == "District" else c for c in COLUMNS))
    (tmp_path / "saved" / "login.html").write_text("<html><body><p>Log in</p></body></html>", "utf-8")
    found = read(observatory, tmp_path / "saved")
    assert found["status"] == "held"
    told = " ".join(found["warnings"])
    assert "login.html (expected a table with the columns S.No., State, District and Cluster Name)" in told
    assert "expected district ('District', 'Name of District'), found no such label; the closest unknown ones: " in told
    assert "the label 'Zila' is not known; closest: " in told
    assert "in 1 documents such as file:in.msecdp/hindi.html" in told
    assert "the report has no rows: it closes nothing, in 1 documents such as file:in.msecdp/empty.html" in told
