"""The site of a release: its pages say what its tables say, lead somewhere, load nothing, and show text as text."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urldefrag, urlsplit

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from exports import files, release
from exports.release import Recipe
from exports.site import worldmap
from exports.site.text import file_name, fnv1a, link
from exports.verify import differing_tables, verify
from warehouse import schema
from warehouse.schema import Origin, quoted

X = "{http://www.w3.org/1999/xhtml}"
HOSTILE = "<script>alert(\"1\")</script> & 'quoted' {{ 7 * 7 }} \x00\x1b"
SHOWN = "<script>alert(\"1\")</script> & 'quoted' {{ 7 * 7 }} ��"
PROVENANCE = {"document_id": "open.feed:0", "locator": "json:/0", "harvest_id": "h-open.feed", "route": "files"}
"""Rows of these tests are those of a small world with one open feed, one restricted, and every hostile text at hand."""


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a small release: 505 clusters of the US, one of India, each of one observation or two."""
    own = {"feed_id": "open.feed", "synthetic": False} | PROVENANCE
    cells: list[dict[str, Any]] = [
        {"cluster_id": f"open.feed:{number:03}", "name": f"Cheese, Place {number}", "country_code": "US"}
        for number in range(505)
    ]
    cells.append({"cluster_id": "open.feed:<b>", "name": HOSTILE, "country_code": "IN", "product": HOSTILE})
    cells[0] |= {"latitude": 47.5, "longitude": -120.5, "source_url": "javascript:alert(1)"}
    return {
        "sources": [
            {"source_id": "open", "feed_id": "catalogue", "name": HOSTILE, "homepage_url": "javascript:alert(1)"}
        ],
        "feeds": [
            {
                "feed_id": "open.feed",
                "source_id": "open",
                "title": "Open & good",
                "redistribution": "open",
                "licence": "CC0",
                "licence_url": "https://licence.example/?a=1&b='2'",
                "health": "ok",
                "last_success_at": datetime(2026, 1, 1),  # noqa: DTZ001  # DuckDB's TIMESTAMP has no zone
                "records_found": 506,
            },
            {
                "feed_id": "shut.feed",
                "source_id": "gone",
                "title": "Shut",
                "redistribution": "restricted",
                "health": "never",
            },
        ],
        "documents": [
            {
                "document_id": "open.feed:0",
                "feed_id": "open.feed",
                "url": "https://source.example/data.json",
                "retrieved_at": datetime(2026, 1, 1, 12, 30),  # noqa: DTZ001
                "sha256": "a1" * 32,
                "synthetic": False,
            }
        ],
        "harvests": [{"harvest_id": "h-open.feed", "feed_id": "open.feed", "status": "accepted", "synthetic": False}],
        "regions": [{"region_id": "country:IN", "name": "India <i>", "country_code": "IN"} | own],
        "categories": [{"category_id": "bcd:1", "scheme": "bcd", "name": "Dairy", "traded": True} | own],
        "clusters": [
            {"kind": "cell", "identified_by": ["rule.one"], "hub_category_id": "bcd:1", "source_id": "open"}
            | cell
            | own
            for cell in cells
        ],
        "cluster_identification": [
            {"cluster_id": "open.feed:000", "rule_id": "rule.one", "time_period": year, "is_cluster": year != "2015"}
            | {"feed_id": "open.feed"}
            for year in ("2015", "2016", "2017")
        ],
        "observations": [
            {"cluster_id": "open.feed:000", "indicator": "employment", "unit_kind": "_Z", "method": "stated"}
            | {"time_period": year, "obs_value": value, "obs_status": status, "unit_measure": "persons"}
            | {"value_text": "under 5" if value is None else None}
            | own
            for year, value, status in (("2015", 1234.0, "A"), ("2016", 0.1 + 0.2, "E"), ("2017", None, "Q"))
        ]
        + [
            {"cluster_id": "open.feed:001", "indicator": "employment", "unit_kind": "_Z", "method": method}
            | {"time_period": "2016", "obs_value": 7.0, "obs_status": "A", "unit_measure": "persons"}
            | own
            for method in ("stated", "stated.otherwise")
        ],
        "global_clusters": [
            {
                "global_cluster_id": f"global:{cell['cluster_id']}",
                "feed_id": "derived",
                "name": cell["name"],
                "country_code": cell["country_code"],
                "hub_category_id": None if cell["country_code"] == "IN" else "bcd:1",
                "kind": "cell",
                "members": [cell["cluster_id"]],
                "feeds": ["open.feed"],
                "in_total": cell["country_code"] == "US",
            }
            for cell in cells
        ],
        "census": [
            {"scope": scope, "kind": "all", "rule_id": "all", "hub_category_id": category, "feed_id": "derived"}
            | {"found": found, "deduplicated": once, "low": low, "high": high, "declared": declared}
            for scope, category, found, once, low, high, declared in (
                ("world", "all", 507, 506, 7, 7000, 6400.0),
                ("world", "bcd:1", 506, 505, 6, 506, None),
                ("country:US", "all", 506, 505, 6, 506, None),
                ("country:US", "bcd:1", 506, 505, 6, 506, None),
                ("country:IN", "all", 1, 1, 1, 6400, 6400.0),
            )
        ],
        "claims": [
            {"claim_id": "C1", "subject": HOSTILE, "unit": "clusters", "value": 6400.0, "qualifier": "about"}
            | {"scope": "country:IN", "stated_by": "A paper"}
            | own
        ],
        "resources": [
            {"resource_id": "r1", "name": "Bad", "url": "javascript:alert(1)"} | own,
            {"resource_id": "r2", "name": "Good", "url": 'https://good.example/"><script>'} | own,
        ],
    }


def publish(folder: Path, profile: str = "public", *, demo: bool = False) -> Path:
    """Publish a release of the small world."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        with connection.cursor() as session:
            session.execute("USE release")
            for table in schema.TABLES.values():
                if table.origin is not Origin.RELEASE:
                    session.execute(schema.create_table(table))
            for name, entries in rows().items():
                for entry in entries:
                    columns, marks = ", ".join(map(quoted, entry)), ", ".join("?" * len(entry))
                    session.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", list(entry.values()))
        made = Recipe("2026.01.02.1", profile, datetime(2026, 1, 2, tzinfo=UTC), (), "1", "2")
        return release.write(connection, made, folder, demo=demo, notes=["A <note>."])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, etree._Element]:
    """Return every page, parsed as XML: what is not well-formed fails here."""
    site = folder / "site"
    return {
        path.relative_to(site).as_posix(): etree.fromstring(path.read_bytes().replace(b"<!DOCTYPE html>\n", b""))
        for path in sorted(site.rglob("*.html"))
    }


def words(element: etree._Element | None) -> str:
    """Return the text of an element, its spaces folded."""
    assert element is not None
    return " ".join("".join(element.itertext()).split())


def table(page: etree._Element, number: int = 0) -> list[list[str]]:
    """Return the cells of a table's body."""
    found = list(page.iter(f"{X}tbody"))[number]
    return [[words(cell) for cell in row] for row in found.iter(f"{X}tr")]


def data(folder: Path, name: str) -> Any:  # noqa: ANN401  # JSON
    return json.loads((folder / "site" / "data" / name).read_text("utf-8"))


def test_the_pages_are_those_of_the_release(pages: dict[str, etree._Element]) -> None:
    single = "categories claims cluster console countries dictionary download health index resources search sources"
    below = {
        "categories/bcd-1.html",
        "categories/none.html",
        "countries/IN.html",
        "countries/US.html",
        "sources/open.html",
    }
    assert pages.keys() == {f"{name}.html" for name in single.split()} | below


def test_links_lead_somewhere_and_nothing_is_loaded_from_elsewhere(
    folder: Path, pages: dict[str, etree._Element]
) -> None:
    outward = set()
    for name, page in pages.items():
        ids = [element.get("id") for element in page.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), name
        for element in page.iter():
            address = element.get("href") or element.get("src")
            if address is None:
                continue
            path, anchor = urldefrag(address)
            if urlsplit(address).scheme in {"http", "https"}:
                assert element.tag == f"{X}a"
                outward.add(address)
                continue
            if address == "data:,":
                continue
            assert urlsplit(address).scheme == "", f"{name}: {address}"
            target = (folder / "site" / name).parent / urlsplit(path).path if path else folder / "site" / name
            assert target.resolve().is_relative_to(folder), f"{name}: {address}"
            assert target.is_file() or target.name in {release.MANIFEST, release.CHECKSUMS}, f"{name}: {address}"
            if anchor:
                there = target.resolve().relative_to((folder / "site").resolve()).as_posix()
                assert anchor in [element.get("id") for element in pages[there].iter()]
    assert outward == {
        "https://licence.example/?a=1&b='2'",
        "https://source.example/data.json",
        'https://good.example/"><script>',
    }
    for asset in ("style.css", "site.js"):
        text = (folder / "site" / asset).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace('"http:"', "").replace('"https:"', "").replace(", over HTTP.", "")
        assert [word for word in ("innerHTML", "eval(", "document.write", "url(", "@import") if word in text] == []


def test_the_census_stands_on_the_front_page(pages: dict[str, etree._Element], folder: Path) -> None:
    page = pages["index.html"]
    assert [words(page.find(f".//{X}dd[@id='world-{name}']")) for name in ("found", "once", "range", "declared")] == [
        "507",
        "506",
        "7 to 7,000",
        "6,400",
    ]
    assert table(page) == [
        ["United States of America", "506", "505", "6 to 506", "–"],
        ["India <i>", "1", "1", "1 to 6,400", "6,400"],
    ]
    shaded = {path.get("data-country"): path for path in page.iter("{http://www.w3.org/2000/svg}path") if len(path)}
    assert {code: (path.get("class"), words(path)) for code, path in shaded.items()} == {
        "US": ("s4", "United States of America: 505"),
        "IN": ("s1", "India <i>: 1"),
    }
    [point] = page.iter("{http://www.w3.org/2000/svg}circle")
    assert (point.get("cx"), point.get("cy")) == ("218", "77")
    assert (folder / "site" / "index.html").stat().st_size < 1_000_000


def test_a_search_engine_finds_a_dataset_with_its_downloads(pages: dict[str, etree._Element], folder: Path) -> None:
    said = json.loads(pages["index.html"].find(f".//{X}script[@type='application/ld+json']").text)
    assert (said["@context"], said["@type"], said["datePublished"]) == ("https://schema.org/", "Dataset", "2026-01-02")
    assert said["creator"] == {"@type": "Organization", "name": "Cluster Observatory"}
    files_there = {(folder / "site" / one["contentUrl"]).resolve() for one in said["distribution"]}
    assert files_there == {folder / name for name in ("observatory.duckdb", *(f"{x}.parquet" for x in schema.TABLES))}
    assert all(path.is_file() for path in files_there)


def test_lists_hold_every_cluster(pages: dict[str, etree._Element]) -> None:
    listed = table(pages["categories/bcd-1.html"], 1)
    assert len(listed) == 505
    assert listed[0] == ["Cheese, Place 0", "US", "–", "Dairy", "cell", "open.feed", "rule.one"]
    [unnamed] = table(pages["categories/none.html"])
    assert unnamed[:3] == [SHOWN, "IN", "–"]
    links = [a.get("href") for a in pages["categories/none.html"].find(f".//{X}tbody").iter(f"{X}a")]
    assert [parse_qs(urlsplit(address).query)["id"] for address in links] == [["global:open.feed:<b>"]]
    assert table(pages["countries/IN.html"], 1)[0][0] == SHOWN
    assert table(pages["countries/IN.html"], 1)[0][-1] == "no"
    assert "1 of them is in no total (last column)" in words(pages["countries/IN.html"].find(f".//{X}main"))
    assert "There are 505: too many for one page." in words(pages["countries/US.html"].find(f".//{X}main"))


def test_each_cluster_stands_in_its_shard_with_values_and_evidence(folder: Path) -> None:
    index = data(folder, "clusters.json")
    assert index["shards"] == 6
    assert index["series"] == [
        {"indicator": "employment", "unit_kind": "_Z", "unit_measure": "persons", "method": method}
        for method in ("stated", "stated.otherwise")
    ]
    shards = [data(folder, f"clusters/{number}.json") for number in range(6)]
    assert sum(len(shard["clusters"]) for shard in shards) == 506
    for number, shard in enumerate(shards):
        assert {fnv1a(name) % 6 for name in shard["clusters"]} == {number}
    shard = shards[fnv1a("global:open.feed:000") % 6]
    [member] = shard["clusters"]["global:open.feed:000"]["members"]
    assert member["lines"] == [
        [0, "2015", [0], [1234.0], None],
        [0, "2016", [0], [0.30000000000000004], ["E"]],
        [0, "2017", [0], ["under 5"], ["Q"]],
    ]
    assert member["rules"] == [{"rule": "rule.one", "periods": ["2016", "2017"]}]
    assert (member["paper"], member["locator"]) == (0, "json:/0")
    paper = shard["papers"]["0"]
    assert (paper["url"], paper["retrieved_at"]) == ("https://source.example/data.json", "2026-01-01T12:30:00Z")
    assert paper["sha256"] == "a1" * 32


def test_filters_and_search_run_on_the_same_clusters(folder: Path) -> None:
    index = data(folder, "index.json")
    us = index["values"]["country_code"].index("US")
    assert index["columns"]["country_code"].count(us) == 505
    assert index["values"]["rules"] == [["rule.one"]]
    assert {len(column) for column in index["columns"].values()} == {506}
    names = [entry for number in (0, 1) for entry in data(folder, f"list/{number}.json")]
    assert len(names) == 506
    assert {"al", "ch", "da", "pl", "qu", "sc", "7", "50"} <= set(data(folder, "search.json")["shards"])
    [found] = data(folder, "search/qu.json")["quoted"]
    assert names[found][0] == "global:open.feed:<b>"
    assert len(data(folder, "search/ch.json")["cheese"]) == 505


def test_hostile_text_is_text(pages: dict[str, etree._Element]) -> None:
    assert words(pages["sources/open.html"].find(f".//{X}h1")) == SHOWN
    scripts = [element for page in pages.values() for element in page.iter(f"{X}script", f"{X}b", f"{X}i")]
    assert {element.get("src", "").removeprefix("../") for element in scripts} == {"site.js", ""}
    [spoken] = [element for element in scripts if element.get("src") is None]
    assert spoken.get("type") == "application/ld+json"
    assert words(pages["index.html"].find(f".//{X}p[@class='note']")) == "A <note>."
    assert all("javascript:" not in (a.get("href") or "") for page in pages.values() for a in page.iter(f"{X}a"))
    handlers = [
        name for page in pages.values() for element in page.iter() for name in element.attrib if name[:2] == "on"
    ]
    assert handlers == []


def test_claims_and_resources_show_their_evidence(pages: dict[str, etree._Element]) -> None:
    claim = pages["countries/IN.html"].find(f".//{X}details")
    assert [words(fact) for fact in claim.iter(f"{X}dd")] == [
        "https://source.example/data.json",
        "2026-01-01 12:30 UTC",
        "a1" * 32,
        "json:/0",
    ]
    [claimed] = table(pages["claims.html"])
    assert (claimed[0], claimed[1], claimed[4]) == (SHOWN, "about 6,400", "0 documented0 surveyed")
    assert [row[0] for row in table(pages["resources.html"])] == ["Bad", "Good"]


def test_the_download_page_has_the_sizes_and_digests_of_the_files(
    folder: Path, pages: dict[str, etree._Element]
) -> None:
    listed = {row[0]: row for row in table(pages["download.html"])}
    assert listed.keys() == {f"{name}.parquet" for name in schema.TABLES}
    for name, row in listed.items():
        assert row[4] == release.sha256(folder / name)
    assert listed["clusters.parquet"][2] == "506"
    assert [row[0] for row in table(pages["health.html"])] == ["open.feed", "shut.feed"]


def test_pages_can_be_heard_and_walked_by_key(pages: dict[str, etree._Element]) -> None:
    for name, page in pages.items():
        assert page.get("lang") == "en"
        assert [len(list(page.iter(f"{X}{tag}"))) for tag in ("main", "header", "footer", "nav", "h1")] == [1] * 5, name
        assert page.find(f".//{X}a").get("href") == "#main"
        for found in page.iter(f"{X}table"):
            assert words(found.find(f"{X}caption")), name
            assert {cell.get("scope") for cell in found.iter(f"{X}th")} <= {"col", "row"}
        for field in page.iter(f"{X}select", f"{X}input"):
            assert field.getparent().tag == f"{X}label"


def test_a_demo_says_so_on_every_page_and_a_real_release_on_none(
    pages: dict[str, etree._Element], tmp_path: Path
) -> None:
    assert not any("DEMO DATA" in words(page) for page in pages.values())
    demo = publish(tmp_path, "local", demo=True)
    made = sorted((demo / "site").rglob("*.html"))
    assert len(made) == len(pages)
    assert all("DEMO DATA" in words(etree.fromstring(path.read_bytes()[16:]).find(f"{X}body")) for path in made)


def test_the_site_is_the_same_again_and_verified(folder: Path, tmp_path: Path) -> None:
    again = publish(tmp_path)
    first, second = (
        {
            name: (one / name).read_bytes()
            for name in release.listing(one)
            if name.startswith("site/") and name != files.CONSOLE
        }
        for one in (folder, again)
    )
    assert second == first
    assert differing_tables(folder / files.CONSOLE, again / files.CONSOLE) == []
    assert verify(again, tmp_path) == []
    (again / "site" / "index.html").write_text("another", "utf-8")
    (again / "site" / "data" / "new.json").write_text("{}", "utf-8")
    problems = verify(again, tmp_path)
    assert [problem.split(":")[0] for problem in problems] == ["site/index.html", "site/data/new.json"]


@pytest.mark.parametrize(("text", "digest"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_the_hash_is_fnv_1a(text: str, digest: int) -> None:
    """Test vectors of the draft of the standard (draft-eastlake-fnv)."""
    assert fnv1a(text) == digest


@given(st.text(min_size=1))
def test_a_page_name_is_a_plain_name(identifier: str) -> None:
    name = file_name(identifier)
    assert "/" not in name
    assert name[0] not in ".-"
    assert name.isascii()
    assert name.isprintable()


@given(st.text())
def test_only_web_addresses_become_links(address: str) -> None:
    for scheme in ("javascript:", "data:text/html,", "file:///", "//", " https:", ""):
        assert "<a " not in str(link(scheme + address)) or (scheme + address).lower().startswith("http")


def test_the_map_is_equal_earth() -> None:
    """The equator ends at 2.7066 radii, a pole at 1.3173 (Šavrič, Patterson and Jenny, 2018)."""
    assert worldmap.project(0, 0) == (500, 243.4)
    assert worldmap.project(0, 180) == pytest.approx((500 + 2.70663 * 184.7, 243.4), abs=0.01)
    assert worldmap.project(90, 0) == pytest.approx((500, 243.4 - 1.31736 * 184.7), abs=0.01)


def test_outlines_are_paths_of_countries() -> None:
    with worldmap.OUTLINES.open(encoding="utf-8", newline="") as lines:
        found = {line["country_code"]: line["path"] for line in csv.DictReader(lines)}
    assert len(found) == 236
    assert all(set(path) <= set("Mlz,.-0123456789") for path in found.values())
