"""eu.eccp: pages found and told apart, increments, places, and no person anywhere but in the archive."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.eu.eccp import _scrubbed, parse
from crawlers.evidence import Document, Evidence
from replicas.eu import eccp
from replicas.eu.eccp import ORGANISATIONS, PEOPLE

FEED = "eu.eccp"
LISTS = ("--set", f"{FEED}.lists=/cluster-organisations")


def harvest(observatory: Observatory, address: str, *options: str) -> dict[str, Any]:
    given_options = ("--route", "replica", "--base-url", f"{FEED}={address}", "--set", f"{FEED}.delay=0")
    _, document = observatory.run("harvest", FEED, *given_options, "--set", f"{FEED}.retries=0", *options)
    found: dict[str, Any] = document["harvests"][0]
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Observatory, dict[str, Any], list[str]]:
    """An observatory with the whole replica, what came of its harvest, and what was asked; only read."""
    observatory = Observatory(tmp_path_factory.mktemp("eccp") / "home")
    with eccp.replica() as replica:
        found = harvest(observatory, replica.base_url, *LISTS)
        asked = [request.target for request in replica.requests]
    return observatory, found, asked


def test_pages_are_found_by_sitemap_and_lists_and_told_apart(
    filled: tuple[Observatory, dict[str, Any], list[str]],
) -> None:
    observatory, found, asked = filled
    assert (found["status"], found["records"], found["reason"]) == ("accepted", len(ORGANISATIONS), None)
    assert {"/sitemap.xml?page=1", "/sitemap.xml?page=2", "/cluster-organisations?page=0%2C2"} <= set(asked)
    assert not [target for target in asked if "login" in target or "/user" in target or "staging" in target]
    assert len(asked) == len(set(asked))
    ids = {row["organisation_id"] for row in observatory.sql("SELECT organisation_id FROM organisations")}
    assert ids == {f"{FEED}:{row[0]}" for row in ORGANISATIONS}
    warnings = " ".join(found["warnings"])
    assert "/content/members-only is not public" in warnings
    assert "a staging copy: it is never crawled" in warnings
    assert "the label 'Languages of the team' is not known; closest: " in warnings


def test_places_are_matched_or_left_open(filled: tuple[Observatory, dict[str, Any], list[str]]) -> None:
    rows = filled[0].sql("SELECT * FROM organisations")
    placed = {row["place"]: (row["country_code"], row["region_id"], row["region_match"]) for row in rows}
    assert placed == {
        "Spain: Catalonia": ("ES", "nuts:ES51", "matched"),
        "Germany: Bayern": ("DE", "nuts:DE2", "matched"),
        "Belgium: Luxembourg": ("BE", "country:BE", "unmatched"),
        "Greece: Attica": ("GR", "nuts:EL30", "matched"),
        "Poland: Ebro Valley": ("PL", "country:PL", "unmatched"),
        "Bulgaria: Sofia": ("BG", "country:BG", "ambiguous"),
        "Serbia": ("RS", "country:RS", None),
        "Italy: Lombardia": ("IT", "nuts:ITC4", "matched"),
    }
    [row] = [row for row in rows if row["organisation_id"] == f"{FEED}:48151"]
    assert (row["members"], row["founded_year"], row["website"]) == (
        1240,
        2008,
        "https://example-textile-cluster.example/",
    )


def test_no_person_leaves_the_archive(filled: tuple[Observatory, dict[str, Any], list[str]]) -> None:
    """Search every byte that is written, packed or not; in the archive they must be found, so the search works."""
    observatory = filled[0]
    observatory.run("publish", "--profile", "local")
    needles = [part.encode() for part in (*PEOPLE, "Roe", "555 01 23")]

    def holds(path: Path) -> list[bytes]:
        body = path.read_bytes()
        if path.name.endswith(".gz"):
            body = gzip.decompress(body)
        elif path.suffix == ".parquet":
            with duckdb.connect(":memory:") as connection:
                body = repr(connection.execute("FROM read_parquet(?)", [str(path)]).fetchall()).encode()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
                body += repr([connection.execute(f'FROM "{name}"').fetchall() for (name,) in names]).encode()
        return [needle for needle in needles if needle in body]

    files = [path for path in observatory.home.rglob("*") if path.is_file() and not path.is_symlink()]
    in_archive = [path for path in files if path.is_relative_to(observatory.home / "archive")]
    pages = [document.body for document in Evidence(observatory.home, FEED).documents(filled[1]["harvest_id"])]
    assert all(any(needle in page for page in pages) for needle in needles)
    told = {path: holds(path) for path in files if path not in in_archive or path.name == "harvest.json"}
    assert len({path.suffix for path in told} & {".parquet", ".duckdb", ".json", ".log"}) == 4
    assert {path: found for path, found in told.items() if found} == {}
    assert not list((observatory.home / "published").rglob("*.warc*"))


def test_fields_of_a_profile_have_columns(filled: tuple[Observatory, dict[str, Any], list[str]]) -> None:
    [row] = filled[0].sql(f"FROM organisations WHERE organisation_id = '{FEED}:48151'")
    assert (row["members"], row["members_smes"], row["members_large"], row["members_research"], row["label"]) == (
        1240,
        1100,
        90,
        50,
        "Invented label, gold",
    )
    assert row["categories"] == ["bcd:42", "eocic:emerging-creative-industries"]
    assert filled[0].value("SELECT name FROM categories WHERE scheme = 'eocic'") == "Creative industries"


def test_a_partnership_is_a_network_whatever_its_address(
    filled: tuple[Observatory, dict[str, Any], list[str]],
) -> None:
    observatory = filled[0]
    [row] = observatory.sql("SELECT initiative_id, title, kind, level, note FROM initiatives")
    note = "type of partnership: Invented partnership for internationalisation; origin: Invented call; months: 24; "
    note += "partners: 6; SMEs involved: 1.300"
    assert tuple(row.values()) == (f"{FEED}:52001", "Invented Partnership", "network", "European Union", note)
    assert observatory.sql("SELECT seq, sector_name FROM initiative_sectors ORDER BY seq") == [
        {"seq": 1, "sector_name": "Food"},
        {"seq": 2, "sector_name": "Packaging"},
    ]
    [place] = observatory.sql("SELECT country_code, admin_name FROM initiative_locations")
    assert tuple(place.values()) == ("ES", "Spain: Catalonia")
    money = observatory.sql("SELECT name, max_cost, currency, unit_basis FROM initiative_components ORDER BY seq")
    assert [tuple(row.values()) for row in money] == [
        ("total budget", 498_000, "EUR", "stated"),
        ("EU contribution", 373_500, "EUR", "stated"),
    ]


def test_an_increment_closes_nothing_and_a_page_that_left_the_sitemap_is_closed(observatory: Observatory) -> None:
    with eccp.replica() as replica:
        first = harvest(observatory, replica.base_url, *LISTS)
        assert (first["status"], first["records"]) == ("accepted", 8)
        replica.app.removed = {"muster-automotive"}
        replica.app.lastmod = {"serbian-cluster": "2026-04-04T08:00Z"}
        replica.requests.clear()
        second = harvest(observatory, replica.base_url, "--set", f"{FEED}.since=2026-04-01")
        pages = [request.path for request in replica.requests if request.path.startswith("/content/")]
        assert pages == ["/content/serbian-cluster"]
        assert (second["status"], second["records"], second["rows_closed"]) == ("unchanged", 1, 0)
        assert observatory.value("SELECT count(*) FROM organisations") == 8

        # Asked for all that begins otherwise, it says nothing of what begins with /content/.
        other = harvest(observatory, replica.base_url, "--set", f"{FEED}.paths=/escp-4x-profiles/")
        assert (other["status"], other["records"], other["rows_closed"]) == ("unchanged", 0, 0)

        # The whole sitemap: what left it is gone; what only a list names stays.
        third = harvest(observatory, replica.base_url)
    assert (third["status"], third["records"], third["rows_closed"]) == ("accepted", 6, 1)
    ids = {row["organisation_id"] for row in observatory.sql("SELECT organisation_id FROM organisations")}
    assert ids == {f"{FEED}:{row[0]}" for row in ORGANISATIONS} - {f"{FEED}:48152"}


def test_a_page_with_one_field_of_a_profile_tells_it_and_names_nobody() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = {"Year of founding": "2011", "Number of members": "40", "Jane Doe": "chair", "E-mail": "x@y.example"}
    body = "<h1>Cluster</h1><table>" + "".join(f"<tr><td>{k}</td><td>{v}</td></tr>" for k, v in rows.items())
    document = Document(
        document_id=f"{FEED}:0", url="https://www.clustercollaboration.eu/x", retrieved_at=at, archived_at=None,
        http_status=200, media_type="text/html", charset=None, headers={}, sha256="", content=body.encode(),
        warc_file="", warc_offset=0, synthetic=True,
    )  # fmt: skip
    made: list[Any] = list(parse(document) or ())
    [batch] = made
    assert (batch.kind, len(batch.records)) == ("other_pages", 1)
    one, label, names = batch.notes
    assert one.startswith(
        "a page has members alone of a profile's fields (emerging, founded, label, location, members, "
    )
    assert label.startswith("the label 'Year of founding' is not known; closest: founded ('Year of foundation', 0.")
    assert names == "labels that are not known and not shown, for they may be names"


def test_a_news_feed_says_nothing_and_a_sitemap_names_pages_of_ours() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def parsed(body: str) -> list[Any]:
        document = Document(
            document_id=f"{FEED}:0", url="https://www.clustercollaboration.eu/x", retrieved_at=at, archived_at=None,
            http_status=200, media_type="text/xml", charset=None, headers={}, sha256="", content=body.encode(),
            warc_file="", warc_offset=0, synthetic=True,
        )  # fmt: skip
        return [(batch.kind, batch.records) for batch in parse(document) or ()]

    debug = "<!-- THEME DEBUG --><?xml version='1.0'?>"
    assert parsed(f"{debug}<rss><channel><item><link>http://default/content/x</link></item></channel></rss>") == []
    place = "http://www.sitemaps.org/schemas/sitemap/0.9"
    named = ("http://default/content/a%20b/", "http://default/user/17", "https://x.eccp.hosted-temp.com/content/y")
    entries = "".join(f"<url><loc>{loc}</loc></url>" for loc in named)
    assert parsed(f"{debug}<urlset xmlns='{place}'>{entries}</urlset>") == [
        ("sitemap", [{"path": "/content/a b", "_locator": "xml:urlset/url[1]"}])
    ]


@given(
    st.sampled_from(["Contact {} now", "{}", "Textile, {}"]),
    st.from_regex(r"\A[a-z]{1,8}\.[a-z]{1,8}(@| \(at\) )[a-z]{1,8}\.(com|eu)\Z"),
)
@settings(max_examples=50, deadline=None)
def test_addresses_of_people_are_removed_from_texts(text: str, email: str) -> None:
    kept = _scrubbed(text.format(email))
    assert "@" not in kept
    assert email.rsplit("@", maxsplit=1)[-1].rsplit("(at) ", maxsplit=1)[-1] not in kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Call +34 93 555 01 23 today", "Call today"),
        ("0034 935550123", ""),
        ("(0)93 555 0123", ""),
        ("1.240", "1.240"),
        ("Textile 2008", "Textile 2008"),
    ],
)
def test_phone_numbers_are_removed_from_texts(text: str, kept: str) -> None:
    assert _scrubbed(text) == kept


def test_a_member_count_is_traced_to_its_page_without_persons(
    filled: tuple[Observatory, dict[str, Any], list[str]],
) -> None:
    code, found = filled[0].run("trace", "organisations", f"{FEED}:48151", "members")
    assert (code, found["record"]["members"], found["record"]["name"]) == (0, "1.240", "Example Textile Cluster")
    assert found["document"]["url"].endswith("/content/example-textile-cluster")
    assert not [person for person in PEOPLE if person in str(found)]
