"""ref.nuts: codes, names, validity and successors, against facts of Eurostat that stand elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from conftest import Observatory

ROOT = Path(__file__).parents[1]
REAL = ROOT / ".." / "shared" / "data" / "eu" / "nuts"
FEED = "ref.nuts"


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return region id → row, of the list as it is published."""
    observatory = Observatory(tmp_path_factory.mktemp("nuts") / "home")
    code, document = observatory.run("harvest", FEED)
    assert (code, document["harvests"][0]["status"], document["harvests"][0]["warnings"]) == (0, "accepted", [])
    code, again = observatory.run("harvest", FEED)
    assert (code, again["harvests"][0]["status"]) == (0, "unchanged")
    return {row["region_id"]: row for row in observatory.sql("FROM regions")}


@pytest.mark.parametrize(
    ("code", "country", "parent", "since", "until", "followers"),
    [
        ("ES51", "ES", "nuts:ES5", "2003-07-11", None, []),
        ("ES5", "ES", "country:ES", "2003-07-11", None, []),
        ("GR30", "GR", "nuts:GR3", "2003-07-11", "2011-12-31", ["EL30"]),
        ("DE41", "DE", "nuts:DE4", "2003-07-11", "2011-12-31", ["DE40"]),
        ("FR24", "FR", "nuts:FR2", "2003-07-11", "2017-12-31", ["FRB0"]),
        ("HU10", "HU", "nuts:HU1", "2003-07-11", "2017-12-31", ["HU11", "HU12"]),
        ("PT16", "PT", "nuts:PT1", "2003-07-11", "2023-12-31", ["PT19", "PT1D"]),
        ("IE01", "IE", "nuts:IE0", "2003-07-11", "2017-12-31", []),
        ("UKI1", "GB", "nuts:UKI", "2003-07-11", "2014-12-31", ["UKI3", "UKI4"]),
        ("UKN16", "GB", "nuts:UKN0", "2018-01-01", "2020-12-31", ["UKN0G"]),
        ("RS11", "RS", "nuts:RS1", None, None, []),
    ],
)
def test_a_code_is_valid_for_a_time_and_followed(
    regions: dict[str, dict[str, Any]],
    code: str,
    country: str,
    parent: str,
    since: str | None,
    until: str | None,
    followers: list[str],
) -> None:
    row = regions[f"nuts:{code}"]
    told = row["successors"] or [successor for successor in [row["successor"]] if successor]
    assert told == [f"nuts:{follower}" for follower in followers]
    assert [row[name] for name in ("country_code", "parent_region_id", "valid_from", "valid_to")] == [
        country,
        parent,
        since,
        until,
    ]


def test_names_are_national_and_latin(regions: dict[str, dict[str, Any]]) -> None:
    assert (regions["nuts:BG31"]["name"], regions["nuts:BG31"]["name_as_published"]) == (
        "Severozapaden",
        "Северозападен",
    )
    assert regions["nuts:GR42"]["name"] == regions["nuts:EL42"]["name"] == "Notio Aigaio"
    assert not [
        row["name"] for row in regions.values() if any("\u0370" <= letter <= "\u04ff" for letter in row["name"])
    ]
    assert (regions["country:GR"]["name"], regions["country:GB"]["code"]) == ("Greece", "GB")


def test_each_version_has_its_number_of_regions(regions: dict[str, dict[str, Any]]) -> None:
    """27 members without the regions for what is nowhere (ZZ): 242 in NUTS 2021, 244 in NUTS 2024 (Eurostat)."""
    members = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

    def level_2(day: str) -> int:
        return sum(
            len(row["code"]) == 4
            and row["scheme"] == "nuts"
            and row["country_code"] in members
            and not row["code"].endswith("ZZ")
            and row["valid_from"] <= day <= (row["valid_to"] or "9999")
            for row in regions.values()
        )

    assert (level_2("2021-06-01"), level_2("2024-06-01")) == (242, 244)


@pytest.mark.skipif(not REAL.is_dir(), reason="the tables of Eurostat are not at hand")
def test_the_codes_of_2024_are_those_of_eurostat(regions: dict[str, dict[str, Any]]) -> None:
    with (REAL / "nuts_2024.csv").open(encoding="utf-8", newline="") as stream:
        stated = {row["NUTS Code"] for row in csv.DictReader(stream)}
    with (REAL / "statistical_regions_2024.csv").open(encoding="utf-8", newline="") as stream:
        stated |= {row["SR Code"] for row in csv.DictReader(stream)}
    in_force = {row["code"] for row in regions.values() if row["scheme"] == "nuts" and row["valid_to"] is None}
    assert in_force == {code.strip() for code in stated if len(code.strip()) > 2}
