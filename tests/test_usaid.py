"""usaid.*: selection, sums of obligations, layouts, pages; against real exports where they are there."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given
from hypothesis import strategies as st

import staging
from crawlers.evidence import Document, EvidenceError
from crawlers.usaid import iati
from crawlers.usaid import map as usaid_map
from crawlers.usaid.foreignassistance import FIELDS, field_of
from normalizers.normalise import shared
from replicas import usaid
from replicas.server import Replica

ROOT = Path(__file__).parents[1]
ORIGINAL = ROOT / ".." / "shared" / "data" / "usaid" / "original"
FA = "usaid.foreignassistance"
SERVICE = ("--route", "replica", "--set", f"{FA}.delay=0", "--set", f"{FA}.retries=0")

needs_exports = pytest.mark.skipif(not ORIGINAL.exists(), reason="the exports in ../shared/data/usaid are not there")


@pytest.fixture(scope="module")
def macros() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute(shared(FA))
    return connection


@pytest.fixture
def service() -> Iterator[Replica[usaid.ForeignAssistance]]:
    with usaid.replica() as replica:
        yield replica


def harvested(observatory: Observatory, *options: str) -> tuple[int, dict[str, object]]:
    code, document = observatory.run("harvest", FA, *options)
    return code, document["harvests"][0]


@needs_exports
def test_the_exports_give_the_counted_activities(observatory: Observatory, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for path in ORIGINAL.glob("foreignassistance_query_*.csv.gz"):
        (folder / path.name).write_bytes(path.read_bytes())
    code, harvest = harvested(observatory, "--files", f"{FA}={folder}")
    assert (code, harvest["status"], harvest["quarantined"]) == (0, "accepted", 0)
    assert harvest["records"] + harvest["dropped"] == 2401 + 2212  # type: ignore[operator]  # every row is accounted for
    assert observatory.sql(
        "SELECT country_code, count(*) FILTER (selection = 'core') AS core, "
        "count(*) FILTER (initiative_id IN (SELECT initiative_id FROM initiative_sectors "
        "WHERE (sector_scheme, sector_code) = ('usg', '30'))) AS competitiveness "
        "FROM initiatives GROUP BY ALL ORDER BY ALL"
    ) == [
        {"country_code": "EC", "core": 36, "competitiveness": 31},
        {"country_code": "MD", "core": 77, "competitiveness": 72},
    ]
    [fund] = observatory.sql(f"FROM initiatives WHERE initiative_id = '{FA}:170841:MDA'")
    assert (fund["title"], fund["commitment_usd_net"]) == ("Future Technologies Activity", 12_636_889)
    code, trace = observatory.run("trace", "initiatives", f"{FA}:170841:MDA", "commitment_usd_net")
    assert code == 0
    assert {row["Activity ID"] for row in trace["record"]} == {"170841"}


@pytest.mark.parametrize(
    ("half", "chosen", "right", "relevant", "titles"),
    [("development", 8, 8, 8, 50), ("scored", 16, 16, 17, 50), ("second", 23, 21, 29, 100), ("third", 25, 24, 24, 100)],
)
def test_the_words_choose_as_precisely_as_the_docs_say(
    macros: duckdb.DuckDBPyConnection, half: str, chosen: int, right: int, relevant: int, titles: int
) -> None:
    found = macros.execute(
        "SELECT count(*) FILTER (tier IS NOT NULL), count(*) FILTER (tier IS NOT NULL AND relevant), "
        "count(*) FILTER (relevant), count(*) FROM (SELECT selected_by_words(title) AS tier, relevant FROM read_csv(?) "
        "WHERE half = ?)",
        [str(ROOT / "tests" / "usaid_titles.csv"), half],
    ).fetchone()
    assert found == (chosen, right, relevant, titles)


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("Needs assessment of schools", None),
        ("Support to SMEs", "keyword"),
        ("Support to MSMEs", "keyword"),
        ("WASH cluster coordination", None),
        ("Logistics Cluster", None),
        ("Non-competitive award for printers", None),
        ("Supercluster Activity", "keyword"),
        ("Competitiveness and cluster development", "keyword"),
        ("HIV services, Cluster 6", None),
    ],
)
def test_words_are_whole_and_traps_are_known(macros: duckdb.DuckDBPyConnection, text: str, tier: str | None) -> None:
    assert macros.execute("SELECT selected_by_words(?)", [text]).fetchone() == (tier,)


@pytest.mark.parametrize(
    ("scheme", "code", "tier"),
    [
        ("usg", "30", "core"),
        ("dac", "32130", "core"),
        ("usg", "26", "extended"),
        ("dac", "33181", "extended"),
        ("dac", "30", None),
        ("dac", "1513010", None),
        ("usg", None, None),
    ],
)
def test_codes_select(macros: duckdb.DuckDBPyConnection, scheme: str, code: str | None, tier: str | None) -> None:
    assert macros.execute("SELECT selected_by_sector(?, ?::VARCHAR)", [scheme, code]).fetchone() == (tier,)


def test_dates_are_read_in_all_three_forms(macros: duckdb.DuckDBPyConnection) -> None:
    found = macros.execute(
        "SELECT list(dated(text)::VARCHAR) FROM unnest(?) AS given(text)",
        [["01SEP2024", "2024-09-01T00:00:00", "9/1/2024", "2024-09", "n/a", "9/1/24", "01SEP24", "24-09-01", None]],
    ).fetchone()
    assert found == (["2024-09-01", "2024-09-01", "2024-09-01", *[None] * 6],)


@given(st.sampled_from([name for names in FIELDS.values() for name in names]), st.sampled_from([" ", "_", "-", "  "]))
def test_a_column_is_known_in_any_spelling(name: str, gap: str) -> None:
    assert name in FIELDS[field_of(f" {name.replace('_', gap).title()} ")]


def table(*rows: dict[str, str]) -> str:
    """Write a synthetic bulk file: quoted where it must be, `NULL` for nothing."""
    usual = {
        "Country ID": "498",
        "Country Code": "MDA",
        "Country Name": "Moldova",
        "Managing Agency Acronym": "USAID",
        "International Purpose Code": "25010",
        "US Sector ID": "30",
        "US Sector Name": "Private Sector Competitiveness",
        "Funding Acount ID": "72x0306",
        "Activity ID": "1",
        "Activity Name": "Invented",
        "Activity Start Date": "NULL",
        "Transaction Type ID": "2",
        "Fiscal Year": "2020",
        "Current Dollar Amount": "100",
        "Constant Dollar Amount": "90",
    }
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(usual), lineterminator="\n")
    writer.writeheader()
    writer.writerows(usual | row for row in rows)
    return stream.getvalue()


def test_obligations_alone_are_commitments(observatory: Observatory, tmp_path: Path) -> None:
    file = tmp_path / "us_foreign_aid_complete.csv"
    file.write_text(
        table(
            {"Current Dollar Amount": "500"},
            {"Current Dollar Amount": "500"},  # the same again: two transactions, not a repetition
            {"Current Dollar Amount": "-200"},
            {"Current Dollar Amount": "70", "US Sector ID": "26", "International Purpose Code": "1513010"},
            {"Current Dollar Amount": "9000", "Transaction Type ID": "3"},
            {"Fiscal Year": "1976tq", "Activity ID": "2", "Country Code": "CS-KM", "Country Name": "Kosovo"},
            {"Activity ID": "2", "Country Code": "WLD", "Country Name": "World", "Country ID": "1028"},
            {"Activity ID": "3", "Country Code": "NULL", "Country Name": "Soviet Union", "Country ID": "1030"},
            {"Activity ID": "4", "Managing Agency Acronym": "STATE"},
            {"Activity ID": "5", "US Sector ID": "7", "International Purpose Code": "NULL"},
            {"Activity ID": "6", "Current Dollar Amount": "800", "Transaction Type ID": "18"},
            {"Activity ID": "7", "Country Code": "CS-KM", "Country Name": "Kosovo", "Country ID": "-1"},
            {"Activity ID": "7", "Country Code": "NULL", "Country Name": "Nowhere", "Country ID": "-1"},
        ),
        "utf-8",
    )
    code, harvest = harvested(observatory, "--files", f"{FA}={file}")
    assert (code, harvest["records"], harvest["dropped"], harvest["warnings"]) == (0, 11, 2, [])
    assert harvest["quarantined"] == 0  # a country id of -1 is none, and nothing is wrong with it
    rows = observatory.sql("FROM initiatives ORDER BY initiative_id")
    assert [
        (row["initiative_id"].removeprefix(f"{FA}:"), row["country_code"], row["commitment_usd_net"]) for row in rows
    ] == [
        ("1:MDA", "MD", 870),
        ("2:CS-KM", "XK", 100),
        ("2:WLD", None, 100),
        ("3:1030", None, 100),
        ("6:MDA", "MD", None),
        ("7:CS-KM", "XK", 100),
        ("7:Nowhere", None, 100),
    ]
    assert (rows[0]["commitment_usd_gross"], rows[0]["sector_code"], rows[0]["start_date"]) == (
        1070,
        "30",
        "2019-10-01",
    )
    assert rows[1]["end_date"] == "1976-09-30"
    sectors = observatory.sql(
        "SELECT sector_scheme, sector_code, commitment_usd_net, deobligations FROM initiative_sectors "
        f"WHERE initiative_id = '{FA}:1:MDA' ORDER BY seq"
    )
    assert [tuple(row.values()) for row in sectors] == [
        ("usg", "30", 800, 1),
        ("usg", "26", 70, 0),
        ("dac", "25010", 800, 1),
        ("dac", "1513010", 70, 0),
    ]


def test_torn_lines_go_to_quarantine(observatory: Observatory, tmp_path: Path) -> None:
    file = tmp_path / "bulk.csv"
    header, *rows = table(*({"Activity ID": str(number)} for number in range(300))).encode().splitlines(keepends=True)
    rows[100:100] = [b"498,MDA\n", rows[0].replace(b"Moldova", b"Mold\xff")]
    file.write_bytes(b"".join([header.replace(b"Country ID", b",Country ID"), *(b"," + row for row in rows)]))
    code, harvest = harvested(observatory, "--files", f"{FA}={file}")
    assert (code, harvest["status"], harvest["records"], harvest["quarantined"]) == (0, "accepted", 302, 2)
    code, found = observatory.run("quarantine", FA)
    assert code == 0
    assert [(entry["level"], entry["locator"], entry["reason"]) for entry in found["quarantine"]] == [
        ("record", "csv:line=102", "expected a row of 16 cells in UTF-8, got missing columns"),
        ("record", "csv:line=103", "expected a row of 16 cells in UTF-8, got invalid encoding"),
    ]
    assert found["quarantine"][0]["raw"] == ",498,MDA"
    assert observatory.value("SELECT count(*) FROM initiatives") == 300


def test_many_torn_lines_hold_a_table_and_more_refuse_it(
    observatory: Observatory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bulk.csv"
    file.write_text(table({}, {}) + "498,MDA\n", "utf-8")
    assert harvested(observatory, "--files", f"{FA}={file}")[1]["status"] == "held"
    monkeypatch.setattr(staging, "MAX_TORN", 0)
    code, harvest = harvested(observatory, "--files", f"{FA}={file}")
    assert (code, harvest["status"]) == (1, "failed")
    assert "more than 0 lines are no rows of 15 columns in UTF-8, such as line 4 (missing columns): '498,MDA'" in str(
        harvest["reason"]
    )
    file.write_bytes(table({}, {}).encode() + table({}).encode().splitlines()[1] + b"\r\n")
    assert "lines that all end alike" in str(harvested(observatory, "--files", f"{FA}={file}")[1]["reason"])
    file.write_text(table({}).replace("Activity Name", "Activity ID", 1), "utf-8")
    code, harvest = harvested(observatory, "--files", f"{FA}={file}")
    assert harvest["records"] == 0


def test_the_service_is_read_to_its_total_and_then_confirmed(
    observatory: Observatory, service: Replica[usaid.ForeignAssistance]
) -> None:
    options = (*SERVICE, "--base-url", f"{FA}={service.base_url}/data-api")
    code, harvest = harvested(observatory, *options)
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 4 * 9 * 3)
    assert observatory.value("SELECT count(*) FROM initiatives") == 4 * 7  # without those of another agency
    assert observatory.value("SELECT records_expected FROM feeds WHERE feed_id = 'usaid.foreignassistance'") == 108
    asked = len(service.requests)
    code, harvest = harvested(observatory, *options)
    assert (code, harvest["status"]) == (0, "unchanged")
    last = service.requests[-1]
    assert (last.method, last.path) == ("HEAD", "/data-api/us_foreign_aid_complete.csv")
    service.app.changed = "Fri, 02 Oct 2026 10:00:00 GMT"
    code, harvest = harvested(observatory, *options)
    assert (code, harvest["status"]) == (0, "unchanged")
    assert len(service.requests) > asked + 4


def test_a_service_that_lost_half_of_its_rows_is_held(
    observatory: Observatory, service: Replica[usaid.ForeignAssistance], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = service.app.rows()
    monkeypatch.setattr(usaid.ForeignAssistance, "rows", lambda _: rows)
    code, _ = harvested(observatory, *SERVICE, "--base-url", f"{FA}={service.base_url}/data-api")
    assert code == 0
    service.app.changed = "another day"
    del rows[: len(rows) // 2]
    code, harvest = harvested(observatory, *SERVICE, "--base-url", f"{FA}={service.base_url}/data-api")
    assert (code, harvest["status"]) == (3, "held")


def test_the_service_never_replaces_what_a_whole_table_states(
    observatory: Observatory, service: Replica[usaid.ForeignAssistance]
) -> None:
    options = (*SERVICE, "--base-url", f"{FA}={service.base_url}/data-api")
    _, harvest = harvested(observatory, *options, "--set", f"{FA}.bulk=true", "--no-publish")
    assert harvest["status"] == "accepted"
    code, harvest = harvested(observatory, *options)
    assert (code, harvest["status"]) == (3, "held")
    assert "this harvest has the sums of transactions/Private Sector Competitiveness alone" in str(harvest["reason"])
    _, document = observatory.run("accept", str(harvest["harvest_id"]), "--reason", "a test", "--no-publish")
    assert document["harvests"][0]["status"] == "accepted"
    # Now sums over one sector stand: those over another are others, those over both hold them.
    sectors = f"{FA}.sectors=Trade and Investment"
    assert harvested(observatory, *options, "--set", sectors)[1]["status"] == "held"
    both = harvested(observatory, *options, "--set", f"{sectors},Private Sector Competitiveness", "--no-publish")
    assert both[1]["status"] == "accepted"


def document(body: bytes) -> Document:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Document(
        document_id="usaid.iati:0", url="file:usaid.iati/x.xml", retrieved_at=at, archived_at=None,
        http_status=None, media_type="text/xml", charset=None, headers={}, sha256="", content=body, warc_file="",
        warc_offset=0, synthetic=True,
    )  # fmt: skip


def parsed(body: bytes) -> dict[str, list[dict[str, object]]]:
    batches = iati.parse(document(body))
    assert batches is not None
    return {batch.kind: list(batch.records) for batch in batches}  # type: ignore[arg-type]


@needs_exports
@pytest.mark.parametrize(
    ("name", "activities"),
    [("iati_1.0_US_government_Brazil_2009_198_activities", 198), ("iati_2.03_dportal_401_real_activities", 401)],
)
def test_every_activity_file_is_read_without_loss(name: str, activities: int) -> None:
    body = gzip.decompress((ORIGINAL / f"{name}.xml.gz").read_bytes())
    found = parsed(body)
    assert len(found["activities"]) == activities
    for kind, tag in (
        ("transactions", b"<transaction>"),
        ("organisations", b"<participating-org "),
        ("sectors", b"<sector "),
        ("countries", b"<recipient-country "),
    ):
        count = body.count(tag) + (body.count(b"<transaction ") if kind == "transactions" else 0)
        assert len(found.get(kind, [])) == count, kind


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=1), st.floats(-90, 90), st.floats(-180, 180), st.booleans()
)
def test_both_versions_give_the_same(title: str, latitude: float, longitude: float, is_new: bool) -> None:
    wrapped = f"<narrative>{title}</narrative>" if is_new else title
    point = f"<point><pos>{latitude!r} {longitude!r}</pos></point>"
    old = f"<coordinates latitude='{latitude!r}' longitude='{longitude!r}'/>"
    code, vocabulary, date = ("2", "1", "2") if is_new else ("C", "DAC", "start-actual")
    found = parsed(
        f"<iati-activities><iati-activity default-currency='USD'><title>{wrapped}</title>"
        f"<iati-identifier>X</iati-identifier><activity-date type='{date}' iso-date='2020-01-01'/>"
        f"<location>{point if is_new else old}</location>"
        f"<transaction><transaction-type code='{code}'/><value>1,000</value>"
        f"<sector vocabulary='{vocabulary}' code='25010'/></transaction></iati-activity></iati-activities>".encode()
    )
    [activity], [place], [sector], [money] = (
        found[kind] for kind in ("activities", "locations", "sectors", "transactions")
    )
    assert (activity["title"], activity["start_date"]) == (title, "2020-01-01")
    assert (place["latitude"], place["longitude"]) == (repr(latitude), repr(longitude))
    assert (sector["level"], sector["code"]) == ("transaction", "25010")
    assert (money["transaction_type"], money["value"], money["currency"]) == ("2", "1000", "USD")


def test_a_file_reaches_for_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", "utf-8")
    found = parsed(
        f"<!DOCTYPE x [<!ENTITY e SYSTEM 'file://{secret}'>]><iati-activities><iati-activity>"
        "<iati-identifier>X</iati-identifier><title>a&e;</title></iati-activity></iati-activities>".encode()
    )
    assert "secret" not in repr(found)
    with pytest.raises(EvidenceError, match=r"x\.xml: expected an IATI activity file that is well-formed"):
        parsed(b"<iati-activities><iati-activity>")


def test_files_are_joined_with_transactions_by_award(
    observatory: Observatory, service: Replica[usaid.ForeignAssistance]
) -> None:
    code, _ = harvested(observatory, *SERVICE, "--base-url", f"{FA}={service.base_url}/data-api")
    assert code == 0
    feed = "usaid.iati"
    options = ("--route", "replica", "--set", f"{feed}.delay=0", "--base-url", f"{feed}={service.base_url}")
    code, result = observatory.run("harvest", feed, *options)
    assert (code, result["harvests"][0]["records"]) == (0, 24)
    assert (
        observatory.value(f"SELECT count(*) FROM links WHERE from_id LIKE '{feed}:%' AND method = 'award number'") == 14
    )
    [row] = observatory.sql(
        "SELECT initiatives.country_code, sector_code, implementer, commitment_usd_net, latitude, longitude "
        "FROM initiatives JOIN initiative_locations USING (initiative_id) "
        f"WHERE initiative_id = '{feed}:US-GOV-1-72000021C00000'"
    )
    assert tuple(row.values()) == ("MD", "25010", "Invented Partner 0", 500_000, 47.0, 28.8)


def test_shares_of_sectors_and_countries_are_kept(observatory: Observatory, tmp_path: Path) -> None:
    """On the activity a percentage is a share of all its money; on a transaction, of that transaction's."""

    def paid(value: int, *parts: str) -> str:
        return (
            "<transaction><transaction-type code='2'/><value value-date='2020-01-01'>"
            f"{value}</value>{''.join(parts)}</transaction>"
        )

    def sector(code: str, percentage: str = "") -> str:
        return f"<sector vocabulary='1' code='{code}'{percentage and f' percentage={percentage!r}'}/>"

    def country(code: str, percentage: str = "") -> str:
        return f"<recipient-country code='{code}'{percentage and f' percentage={percentage!r}'}/>"

    place = "<location><point><pos>47.0 28.8</pos></point></location>"
    bodies = {
        "1": (place, country("md"), sector("25010", "25"), sector("32130", "75"), paid(1000), paid(-200)),
        "2": (place, country("MD", "40"), country("UA", "60"), sector("25010", "50"), paid(10)),
        "3": (
            paid(700, sector("25010"), country("MD")),
            paid(300, sector("25010", "10"), sector("33110", "90"), country("EC")),
        ),
        "4": (paid(10, sector("25010")), paid(20, sector("25010", "10"), sector("33110", "10"))),
    }
    file = tmp_path / "iati-activities-Moldova.xml"
    file.write_text(
        "<iati-activities version='2.03'>"
        + "".join(
            f"<iati-activity default-currency='USD'><iati-identifier>US-GOV-1-{number}</iati-identifier>"
            "<reporting-org ref='US-GOV-1'/><title><narrative>Invented</narrative></title>"
            f"<activity-date type='2' iso-date='{'24' if number == '4' else '2024'}-01-02'/>"
            f"{''.join(parts)}</iati-activity>"
            for number, parts in bodies.items()
        )
        + "</iati-activities>",
        "utf-8",
    )
    code, result = observatory.run("harvest", "usaid.iati", "--files", f"usaid.iati={file}")
    assert (code, result["harvests"][0]["quarantined"]) == (0, 1)  # the date of the year 24
    rows = observatory.sql("FROM initiatives ORDER BY initiative_id")
    assert [(row["country_code"], row["sector_code"], row["start_date"], row["note"]) for row in rows] == [
        ("MD", "32130", "2024-01-02", None),
        (None, "25010", "2024-01-02", "countries as published: UA 60.0 %, MD 40.0 %"),
        (None, "25010", "2024-01-02", "countries as published: MD, EC"),
        (None, "25010", None, None),
    ]
    sectors = observatory.sql(
        "SELECT right(initiative_id, 1), sector_code, commitment_usd_net, commitment_usd_gross, deobligations "
        "FROM initiative_sectors ORDER BY initiative_id, seq"
    )
    assert [tuple(row.values()) for row in sectors] == [
        ("1", "32130", 600, 750, 1),
        ("1", "25010", 200, 250, 1),
        ("2", "25010", None, None, None),  # half of the money is of no sector that is stated
        ("3", "25010", 730, 730, 0),
        ("3", "33110", 270, 270, 0),
        ("4", "25010", None, None, None),
        ("4", "33110", None, None, None),
    ]
    places = observatory.sql("SELECT right(initiative_id, 1), country_code FROM initiative_locations ORDER BY ALL")
    assert [tuple(row.values()) for row in places] == [("1", "MD"), ("2", None)]


def test_the_map_is_read_province_by_province_and_aidtracker_by_its_lists(observatory: Observatory) -> None:
    feed = "usaid.map"
    with usaid.map_replica() as replica:
        options = ("--route", "replica", "--set", f"{feed}.delay=0", "--base-url", f"{feed}={replica.base_url}")
        code, result = observatory.run("harvest", feed, *options, "--set", f"{feed}.lists={usaid.LIST}")
    harvest = result["harvests"][0]
    assert (code, harvest["status"], harvest["dropped"]) == (0, "accepted", 2), harvest
    assert harvest["warnings"] == [f"{feed}: 1 dates of projects cannot be read, such as soon: these are null"]
    rows = observatory.sql(
        "SELECT title, country_code AS country, sector_name AS sector, start_date AS start, end_date AS until, "
        "list(organisation_name ORDER BY seq) AS partners, note FROM initiatives "
        "LEFT JOIN initiative_organisations USING (initiative_id) GROUP BY ALL ORDER BY title"
    )
    of_map = (None, "2012-10-01", "2014-09-30", "mission as published: Moldova")
    of_list = ("GE", "2013-10-01", "2015-09-30", "country as published: Georgia; org as published: Invented mission")
    assert [(row["title"], row["sector"], row["partners"]) for row in rows] == [
        ("Invented market systems", "Agriculture", [None]),
        ("Invented support to SMEs", "Economic Growth", ["Invented & Co.", "Renamed, Inc."]),
        ("Invented value chains", "Economic Growth", ["Tracked & Sons"]),
    ]
    told = [(row["country"], row["start"], row["until"], row["note"]) for row in rows]
    assert told == [of_map, of_map, of_list]
    assert observatory.value("SELECT sum(max_cost) FROM initiative_components") == 3_500_000
    [place] = observatory.sql("SELECT country_code, admin_name FROM initiative_locations")
    assert tuple(place.values()) == ("MD", "Chișinău, Moldova")


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.booleans())
def test_parentheses_are_taken_off(answer: dict[str, object], wrapped: bool) -> None:
    body = json.dumps(answer)
    assert usaid_map.unwrap((f"( {body} );" if wrapped else body).encode()) == answer
