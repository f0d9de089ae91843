"""ca.seph: the full table of Statistics Canada by its columns; symbols, factors, and quotients against facts."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Observatory

from crawlers.batch import LeftOut, Table
from crawlers.canada import seph
from crawlers.evidence import Document
from replicas.canada import seph as source

FEED = "ca.seph"
KNOWN = Path(__file__).parents[1] / ".." / "shared" / "data" / "canada" / "proxy_seph_manufacturing_lq.csv"
SMALL = (2023,)


def harvest(observatory: Observatory, *options: str) -> dict[str, Any]:
    _, document = observatory.run("harvest", FEED, *options)
    found: dict[str, Any] = document["harvests"][0]
    return found


def saved(observatory: Observatory, path: Path, *options: str) -> dict[str, Any]:
    return harvest(observatory, "--files", f"{FEED}={path}", *options)


def document(body: bytes) -> Document:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Document(
        document_id=f"{FEED}:0",
        url="file:x",
        retrieved_at=now,
        archived_at=None,
        http_status=None,
        media_type="text/csv",
        charset=None,
        headers={},
        content=body,
        sha256="0",
        warc_file="x",
        warc_offset=0,
        synthetic=False,
    )


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Observatory, list[dict[str, Any]], list[str | None]]:
    """Return an observatory with two harvests of the replica, their ends, and the ranges that were asked for."""
    observatory = Observatory(tmp_path_factory.mktemp("seph") / "home")
    with source.replica() as replica:
        options = ("--route", "replica", "--base-url", f"{FEED}={replica.base_url}", "--set", f"{FEED}.delay=0")
        ends = [harvest(observatory, *options) for _ in range(2)]
        ranges = [request.headers.get("range") for request in replica.requests if request.path.endswith(".zip")]
    return observatory, ends, ranges


def test_a_table_is_asked_for_whole_only_when_it_changed(
    replicated: tuple[Observatory, list[dict[str, Any]], list[str | None]],
) -> None:
    observatory, ends, ranges = replicated
    assert [end["status"] for end in ends] == ["accepted", "unchanged"]
    assert ranges == ["bytes=0-0", None, "bytes=0-0"]
    assert ends[0]["records"] == 14 * 11 * 2 - 1
    assert ends[0]["dropped"] == ends[0]["records"] + 28
    told = " ".join(ends[0]["warnings"])
    assert "1 series were terminated: they have no rows after their last year, such as Motor vehicle" in told
    assert "28 rows are of industries without a NAICS code, such as Unclassified businesses" in told
    rows = observatory.value("SELECT count(*) FROM observations WHERE indicator = 'employment'")
    assert rows == ends[0]["records"] - 28


def test_quotients_are_of_published_figures_alone(
    replicated: tuple[Observatory, list[dict[str, Any]], list[str | None]],
) -> None:
    observatory, _, _ = replicated
    [wrong] = observatory.sql("""
        WITH given AS (
            SELECT split_part(cluster_id, ':', 3) AS region, split_part(cluster_id, ':', 4) AS code, time_period,
                obs_value, obs_status
            FROM observations WHERE indicator = 'employment' AND obs_value IS NOT NULL
        ),
        made AS (
            SELECT one.region, one.code, one.time_period,
                one.obs_value / whole.obs_value / (country.obs_value / country_whole.obs_value) AS quotient
            FROM given AS one
            JOIN given AS whole ON whole.region = one.region AND whole.time_period = one.time_period
                AND whole.code = '00-91N'
            JOIN given AS country ON country.region = 'CA' AND country.time_period = one.time_period
                AND country.code = one.code
            JOIN given AS country_whole ON country_whole.region = 'CA' AND country_whole.time_period = one.time_period
                AND country_whole.code = '00-91N'
            WHERE one.region <> 'CA' AND one.code <> '00-91N'
        ),
        told AS (
            SELECT split_part(cluster_id, ':', 3) AS region, split_part(cluster_id, ':', 4) AS code, time_period,
                obs_value
            FROM observations WHERE indicator = 'location_quotient'
        )
        SELECT count(*) AS pairs, count(told.obs_value) AS told, count(quotient) AS made,
            max(abs(told.obs_value - quotient)) AS difference
        FROM made FULL JOIN told USING (region, code, time_period)
    """)
    assert wrong["pairs"] == wrong["told"] == wrong["made"] > 100
    assert wrong["difference"] < 1e-9
    assert observatory.value("SELECT count(*) FROM observations WHERE obs_status IN ('O', 'Q') AND obs_value >= 0") == 0
    [row] = observatory.sql("SELECT * FROM clusters WHERE cluster_id = 'ca.seph:pr:24:3364'")
    assert (row["name"], row["region_id"], row["kind"]) == (
        "Aerospace product and parts manufacturing, Quebec",
        "ca:pr:24",
        "cell",
    )
    assert (row["category_id"], row["hub_category_id"], row["source_id"]) == ("naics:3364", "bcd:1", "canada")
    assert observatory.sql("FROM categories SELECT category_id, parent_category_id WHERE code IN ('336', '336W')") == [
        {"category_id": "naics:336", "parent_category_id": "naics:31-33"},
        {"category_id": "naics:336W", "parent_category_id": None},
    ]


def test_a_value_leads_to_its_row_in_the_zip(
    replicated: tuple[Observatory, list[dict[str, Any]], list[str | None]],
) -> None:
    observatory, _, _ = replicated
    code, traced = observatory.run("trace", "observations", "ca.seph:country:CA:3364", "employment")
    assert code == 0
    [raw] = traced["record"]
    assert (raw["GEO"], raw["REF_DATE"], raw["Type of employee"]) == ("Canada", "2023", "All employees")
    assert float(raw["VALUE"]) == traced["row"]["obs_value"]


HEADER = (
    "VALUE,STATUS,SYMBOL,TERMINATED,GEO,DGUID,North American Industry Classification System (NAICS),REF_DATE,"
    "SCALAR_FACTOR,VECTOR,Seasonal adjustment"
)


def rows(*given: Sequence[str]) -> str:
    """Return a table of the provinces with all employees of each, and the given rows beside them, without their end."""
    totals = [("1000", "", "", "", name, "", source.TOTAL, "2023", "thousands ") for name, _, _ in source.REGIONS]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    for number, row in enumerate([*totals, *given]):
        writer.writerow([*row, f"v{number}", "Unadjusted"])
    return f"\ufeff{HEADER}\r\n{stream.getvalue()}"


def test_symbols_factors_and_names_are_read_in_any_order(observatory: Observatory, tmp_path: Path) -> None:
    def row(value: str, status: str, code: str, symbol: str = "", geo: str = "Quebec", **more: str) -> tuple[str, ...]:
        industry = f"Industry {code} [{code}]"
        year, scalar, ended, dguid = (more.get(name, "") for name in ("year", "scalar", "ended", "dguid"))
        return (value, status, symbol, ended, geo, dguid, industry, year or "2023", scalar or "units")

    text = rows(
        row("", "x", "3111"),
        row("", "..", "3112"),
        row("5", "F", "3113"),
        row("7.5", "E", "3114", scalar="thousands"),
        row("7", "", "3115", symbol="p"),
        row("7", "", "3116", symbol="r", ended="t"),
        row("0", "0s", "3117"),
        row("8", "C", "3118", geo="QUÉBEC"),
        row("9", "", "3119", geo="The province", dguid="2021A000224"),
        row("9", "", "3121", geo="Ontario", dguid="2021A000224"),
        row("9", "", "3122", geo="Montréal, Quebec"),
        row("20", "", "3114", geo="Canada", scalar="hundreds"),
    )
    path = tmp_path / "14100202.csv"
    path.write_text(text, "utf-8", newline="")
    found = saved(observatory, path)
    assert (found["status"], found["quarantined"]) == ("accepted", 1), "the column that is not known"
    assert "unknown key 'seasonal adjustment'" in str(found["warnings"])
    assert "2 rows are of places that are no province, or whose name and identifier differ" in str(found["warnings"])
    told = observatory.sql("""
        SELECT right(cluster_id, 4) AS code, obs_value, obs_status, value_text FROM observations
        WHERE indicator = 'employment' AND contains(cluster_id, ':pr:24:3') ORDER BY ALL
    """)
    assert [tuple(row.values()) for row in told] == [
        ("3111", None, "Q", "x"),
        ("3112", None, "O", ".."),
        ("3113", None, "O", "5 F"),
        ("3114", 7500, "E", "7.5 E"),
        ("3115", 7, "P", "7 p"),
        ("3116", 7, "A", "7 r"),
        ("3117", 0, "A", "0 0s"),
        ("3118", 8, "A", "8 C"),
        ("3119", 9, "A", "9"),
    ]
    [quotient] = observatory.sql("FROM observations SELECT obs_value, obs_status WHERE indicator = 'location_quotient'")
    assert quotient == {"obs_value": pytest.approx((7500 / 1e6) / (2000 / 1e6)), "obs_status": "E"}

    # A symbol that is not known, and a province that is gone: nothing of it is published.
    path.write_text(rows(row("5", "Z", "3111")).replace("Manitoba", "Manitob"), "utf-8", newline="")
    spoilt = harvest(observatory, "--files", f"{FEED}={tmp_path}")
    assert spoilt["status"] == "held"
    assert "rows/2023" in spoilt["reason"]
    _, bad = observatory.run("quarantine", FEED)
    [reason] = [entry["reason"] for entry in bad["quarantine"] if entry["level"] == "record"]
    assert reason.startswith("status: expected a string matching")
    assert reason.endswith('got "Z"')


def test_the_parser_takes_the_table_and_nothing_else() -> None:
    text = source.table(SMALL).encode()
    [batch] = seph.parse(document(text)) or []
    assert isinstance(batch.records, Table)
    assert batch.records.located_by == {"year": "REF_DATE", "vector": "VECTOR"}
    assert batch.records.columns.count(None) == 3
    [batch] = seph.parse(document(source.packed(source.table(SMALL)))) or []
    assert isinstance(batch.records, Table)
    assert batch.records.within == "zip:14100202.csv!"
    assert list(seph.parse(document(b'\xef\xbb\xbf"Cube Title","Product Id"\n"x","14100202"\n')) or "no") == []
    assert seph.parse(document(b"a,b\n1,2\n")) is None
    assert seph.parse(document(b"")) is None
    french = "REF_DATE;GÉO;DGUID;VALEUR;STATUT\n2023;Québec;;1;\n".encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("other.csv", "a,b\n")
    for body, message in (
        (french, "in French; bring the English one"),
        (stream.getvalue(), "holds no table of this source; bring 14100202-eng.zip"),
        (source.packed("x")[:60], "cannot be unpacked"),
    ):
        with pytest.raises(LeftOut, match=message):
            seph.parse(document(body))


@pytest.mark.skipif(
    not KNOWN.is_file(), reason="the shares of manufacturing that Statistics Canada published are not at hand"
)
def test_quotients_agree_with_published_shares(observatory: Observatory, tmp_path: Path) -> None:
    """A table with 10,000 employees in each region, of which the published shares work in each industry."""
    with KNOWN.open(encoding="utf-8", newline="") as stream:
        known = list(csv.DictReader(stream))
    shares = {(row["year"], "Canada", row["naics_ca"]): row["canada_share_pct"] for row in known}
    shares |= {(row["year"], row["province"], row["naics_ca"]): row["share_of_total_employment_pct"] for row in known}
    names = {row["naics_ca"]: row["industry"] for row in known}
    with (tmp_path / "14100202.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["REF_DATE", "GEO", *HEADER.split(",")[6:7], "SCALAR_FACTOR", "VALUE", "STATUS"])
        for year, region in sorted({(year, region) for year, region, _ in shares}):
            writer.writerow([year, region, source.TOTAL, "units", "10000", ""])
        for (year, region, code), share in sorted(shares.items()):
            value = f"{round(float(share) * 100)}" if share else ""
            writer.writerow([year, region, f"{names[code]} [{code}]", "units", value, "" if share else "x"])
    found = saved(observatory, tmp_path)
    assert (found["status"], found["quarantined"]) == ("accepted", 0)
    told = {
        (row["time_period"], row["region"], row["code"]): row["obs_value"]
        for row in observatory.sql("""
            SELECT time_period, split_part(cluster_id, ':', 3) AS region, split_part(cluster_id, ':', 4) AS code,
                obs_value
            FROM observations WHERE indicator = 'location_quotient'
        """)
    }
    derived = {(row["year"], row["pruid"], row["naics_ca"]): row["lq_derived"] for row in known}
    assert told.keys() == {key for key, quotient in derived.items() if quotient}
    assert len(told) > 5_000
    assert max(abs(told[key] - float(derived[key])) for key in told) <= 0.0005 + 1e-9
    assert [
        round(told["2023", pruid, code], 2)
        for pruid, code in (("24", "3364"), ("35", "3361"), ("46", "3364"), ("35", "31-33"))
    ] == [2.69, 2.14, 2.04, 1.13]
