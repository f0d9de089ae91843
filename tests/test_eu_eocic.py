"""eu.eocic: one table in many packings gives equal contents; marks of decimals, emerging industries, limits."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import py7zr
import pytest
from conftest import Observatory
from hypothesis import given
from hypothesis import strategies as st

from crawlers.batch import LeftOut
from crawlers.eu import eocic as feed
from crawlers.eu.eocic import COLUMNS
from crawlers.evidence import Document
from replicas.eu import eocic
from replicas.eu.eocic import Dump

FEED = "eu.eocic"
TABLE = Dump().table()


def harvest(observatory: Observatory, path: Path) -> dict[str, Any]:
    _, document = observatory.run("harvest", FEED, "--files", f"{FEED}={path}")
    found: dict[str, Any] = document["harvests"][0]
    return found


def document(body: bytes) -> Document:
    """Return a saved dump."""
    return Document(
        document_id=f"{FEED}:0", url=f"file:{FEED}/dump.csv", retrieved_at=datetime(2026, 1, 1, tzinfo=UTC),
        archived_at=None, http_status=None, media_type="text/csv", charset=None, headers={}, sha256="", content=body,
        warc_file="", warc_offset=0, synthetic=True,
    )  # fmt: skip


def rows() -> list[list[str]]:
    return list(csv.reader(io.StringIO(TABLE)))


def semicolons(*, repeat: bool) -> str:
    _, *others = rows()
    lines = [";".join(name.replace("_", "") for name in COLUMNS), *(";".join(row) for row in others)]
    return "\n".join(lines[:50] + lines[:1] * repeat + lines[50:])


def packed(shape: str, path: Path) -> Path:
    """Write the same table in another packing."""
    if shape == "json":
        body = json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows()[1:]])
        path.with_suffix(".json").write_text(body)
        return path.with_suffix(".json")
    if shape in {"csv", "semicolons"}:
        path.with_suffix(".csv").write_text(TABLE if shape == "csv" else semicolons(repeat=True), "utf-8")
        return path.with_suffix(".csv")
    target = path.with_suffix(f".{shape}")
    if shape == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("../../evil.csv", TABLE)
    else:
        with py7zr.SevenZipFile(target, "w") as sevenzip:
            sevenzip.writestr("nothing", "a/read me.txt")
            sevenzip.writestr(TABLE, "eocic_data.csv")
    return target


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """An observatory with the table as plain CSV; only read."""
    folder = tmp_path_factory.mktemp("eocic")
    observatory = Observatory(folder / "home")
    found = harvest(observatory, packed("csv", folder / "dump"))
    assert (found["status"], found["records"], found["warnings"]) == ("accepted", 200, [])
    return observatory


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=4, max_size=6), max_size=4),
    st.sampled_from([",", ";", "\t"]),
)
def test_a_table_is_read_as_any_reader_of_csv_does(others: list[list[str]], mark: str) -> None:
    names = ["Indicator", "Sector", "Year", "Value", "Region"]
    stream = io.StringIO()
    csv.writer(stream, delimiter=mark).writerows([names, *others])
    batches = feed.parse(document(stream.getvalue().encode()))
    assert batches is not None
    read = [record for batch in batches for record in json.loads(batch.records)]  # type: ignore[arg-type]  # it is bytes
    expected = []
    scheme = "csv" if mark == "," else "packed"
    for number, row in enumerate(filter(None, csv.reader(io.StringIO(stream.getvalue(), newline=""), delimiter=mark))):
        if row != names:
            extra = {"cells_too_many": row[5]} if len(row) > 5 else {}
            expected.append({**dict(zip(names, row, strict=False)), **extra, "_locator": f"{scheme}:row={number}"})
    assert read == expected


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(LeftOut, match="stands twice in the header"):
        feed.parse(document(b"Indicator,Sector,Year,Value,Region,Region\n"))


@pytest.mark.parametrize("shape", ["json", "semicolons", "zip", "7z"])
def test_every_packing_gives_the_same_content(
    reference: Observatory, observatory: Observatory, tmp_path: Path, shape: str
) -> None:
    found = harvest(observatory, packed(shape, tmp_path / "dump"))
    assert (found["status"], found["records"], found["quarantined"]) == ("accepted", 200, 0)
    assert observatory.contents() == reference.contents()
    assert not list(tmp_path.rglob("evil.csv"))
    cell = "eu.eocic:EL30:automotive"
    _, traced = observatory.run("trace", "observations", cell, "specialisation", "--period", "2014")
    stated = next(line for line in rows() if line[:2] == ["Specialisation", "Automotive"] and line[7] == "EL30")
    assert list(traced["record"].values())[:11] == stated


def test_the_replica_is_asked_for_no_sql(observatory: Observatory) -> None:
    with eocic.replica() as replica:
        options = ("--route", "replica", "--base-url", f"{FEED}={replica.base_url}", "--set", f"{FEED}.delay=0")
        code, document = observatory.run("harvest", FEED, *options, "--no-publish")
        asked = [request.target for request in replica.requests]
    assert (code, document["harvests"][0]["status"]) == (0, "accepted")
    assert asked == ["/robots.txt", "/Downloads/eocic_data.7z"]


def test_values_regions_and_categories(reference: Observatory) -> None:
    [row] = reference.sql(
        "SELECT * FROM observations WHERE cluster_id = 'eu.eocic:EL30:automotive' "
        "AND indicator = 'specialisation' AND time_period = '2014'"
    )
    stated = next(line for line in rows() if line[:2] == ["Specialisation", "Automotive"] and line[7] == "EL30")
    assert (row["value_text"], row["obs_value"]) == (stated[6], float(stated[6].replace(",", ".")))
    [cell] = reference.sql("FROM clusters WHERE cluster_id = 'eu.eocic:EL30:automotive'")
    assert [cell[name] for name in ("region_id", "country_code", "category_id", "hub_category_id", "kind")] == [
        "nuts:EL30",
        "GR",
        "eocic:automotive",
        "bcd:4",
        "cell",
    ]
    empty = sum(not line[6] for line in rows())
    assert empty > 0
    query = "SELECT count(*) FROM observations WHERE obs_status = 'O' AND obs_value IS NULL"
    assert reference.value(query) == empty
    kept = "SELECT DISTINCT method FROM observations WHERE indicator = 'innovation_index'"
    assert reference.value(kept) == "eu.eocic.unknown"


def test_emerging_industries_are_never_one_of_the_51(reference: Observatory) -> None:
    ids = reference.sql("SELECT category_id, traded FROM categories WHERE category_id LIKE '%biopharmaceuticals'")
    assert ids == [
        {"category_id": "eocic:biopharmaceuticals", "traded": True},
        {"category_id": "eocic:emerging-biopharmaceuticals", "traded": None},
    ]
    mapped = reference.sql("SELECT from_category_id FROM category_mappings")
    assert not [row for row in mapped if "emerging" in row["from_category_id"]]
    assert reference.value("SELECT count(DISTINCT cluster_id) FROM observations") == 25


def test_what_may_be_read_either_way_is_no_value(observatory: Observatory, tmp_path: Path) -> None:
    lines = ["Indicator,Sector,Dimension,Unit,Year,Value,Region", "Employment,Automotive,,Number,2016,1.240,ES51"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    harvest(observatory, tmp_path / "a.csv")
    [row] = observatory.sql("SELECT obs_value, obs_status, value_text, unit_measure FROM observations")
    assert row == {"obs_value": None, "obs_status": "O", "value_text": "1.240", "unit_measure": "persons"}
    (tmp_path / "a.csv").write_text("\n".join([*lines, 'Employment,Automotive,,Number,2016,"0,5",FRK2']))
    harvest(observatory, tmp_path / "a.csv")
    assert observatory.value("SELECT obs_value FROM observations WHERE cluster_id LIKE '%ES51%'") == 1240


def test_bad_rows_and_archives_are_told(
    observatory: Observatory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed("7z", tmp_path / "dump")
    monkeypatch.setattr(feed, "MAX_UNPACKED", 1000)
    found = harvest(observatory, path)
    assert found["status"] == "held"
    assert "over the limit of 1000; split it" in str(found["warnings"])
    path.write_bytes(path.read_bytes()[:500])
    assert "cannot be unpacked" in str(harvest(observatory, path)["warnings"])
    (tmp_path / "a.csv").write_text(TABLE.replace("ES51", "es 51", 1))
    found = harvest(observatory, tmp_path / "a.csv")
    assert (found["status"], found["quarantined"]) == ("held", 1)
