"""ref.lgd and the places of India: places labelled by hand, names that several have, spellings, noise; no clusters."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Observatory
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.source import feeds
from normalizers.normalise import prepare, shared

HERE = Path(__file__).parent
SEEN = HERE / ".." / ".." / "shared" / "data" / "india"
FEED = "ref.lgd"

needs_sources = pytest.mark.skipif(not SEEN.is_dir(), reason="../shared/data/india is not there")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def lgd() -> list[dict[str, str]]:
    path = feeds()[FEED].shipped_path
    assert path is not None
    return rows_of(path)


LABELLED = rows_of(HERE / "india_places.csv")
NAMED = rows_of(HERE / "india_names.csv")
STATE = {row["code"]: row["name"] for row in lgd() if row["level"] == "state"}
DISTRICTS = [
    (STATE[row["state"]], row["name"], f"in:district:{row['code']}") for row in lgd() if row["level"] == "district"
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    path = feeds()[FEED].shipped_path
    assert path is not None
    prepare(connection, {"lgd": path}, shared("india.places"))
    connection.execute(shared("india.places"))
    return connection


Triple = tuple[str | None, str | None, str | None]


def placed(connection: duckdb.DuckDBPyConnection, triples: list[Triple]) -> dict[Triple, dict[str, Any]]:
    connection.execute("CREATE OR REPLACE TABLE wanted (state VARCHAR, district VARCHAR, place VARCHAR)")
    columns = [list(column) for column in zip(*triples, strict=True)]
    connection.execute(
        "INSERT INTO wanted SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", columns
    )
    found = connection.execute("FROM placed_in_india('wanted')")
    names = [column[0] for column in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    answers = {(row["state"], row["district"], row["place"]): row for row in rows}
    assert len(answers) == len(rows) == len(set(triples))
    return answers


def one(connection: duckdb.DuckDBPyConnection, triple: Triple) -> dict[str, Any]:
    return placed(connection, [triple])[triple]


def ids(answer: dict[str, Any]) -> list[str]:
    return [candidate["region_id"].removeprefix("in:district:") for candidate in answer["candidates"]]


# The labels.


@needs_sources
def test_the_labelled_rows_are_those_whose_state_is_stated() -> None:
    assert [(row["record"], row["state"], row["district"], row["place"]) for row in LABELLED] == [
        (row["record_id"], row["state"], row["district"], row["location"])
        for row in rows_of(SEEN / "clusters_seen.csv")
        if row["state_basis"] == "stated"
    ]


@pytest.mark.duckdb
def test_the_labelled_places_are_found_and_none_is_wrong(connection: duckdb.DuckDBPyConnection) -> None:
    answers = placed(connection, [(row["state"], row["district"], row["place"]) for row in LABELLED])
    counted: Counter[tuple[str, str]] = Counter()
    for row in LABELLED:
        answer = answers[row["state"], row["district"], row["place"]]
        counted["district" if row["district"] else "place only", answer["outcome"]] += 1
        assert answer["state_id"] == f"in:state:{row['lgd_state']}", row
        if answer["outcome"] == "matched":
            assert answer["region_id"] == f"in:district:{row['lgd_district']}", (row, answer)
        else:
            assert answer["region_id"] is None
            assert answer["candidates"], row
        if answer["outcome"] == "ambiguous":
            assert sorted(ids(answer)) == sorted(row["also_possible"].split()), (row, answer)
    print(dict(counted))  # noqa: T201  # the numbers that the task asks for
    assert counted == {
        ("district", "matched"): 69,
        ("district", "ambiguous"): 3,
        ("place only", "matched"): 22,
        ("place only", "ambiguous"): 2,
        ("place only", "unmatched"): 5,
    }


# The list.


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    observatory = Observatory(tmp_path_factory.mktemp("lgd") / "home")
    code, document = observatory.run("harvest", FEED)
    assert (code, document["harvests"][0]["status"], document["harvests"][0]["warnings"]) == (0, "accepted", [])
    code, again = observatory.run("harvest", FEED)
    assert (code, again["harvests"][0]["status"]) == (0, "unchanged")
    return {row["region_id"]: row for row in observatory.sql("FROM regions")}


def test_states_and_districts_are_regions(regions: dict[str, dict[str, Any]]) -> None:
    assert Counter(row["scheme"] for row in regions.values()) == {"country": 1, "in:state": 38, "in:district": 763}
    assert sum(row["scheme"] == "in:state" and row["valid_to"] is None for row in regions.values()) == 36

    def told(region_id: str) -> list[str | None]:
        columns = ("name", "name_as_published", "iso_3166_2", "parent_region_id", "valid_from", "valid_to", "successor")
        return [regions[region_id][column] for column in columns]

    assert told("in:state:36") == ["Telangana", "TELANGANA", "IN-TS", "country:IN", "2014-06-02", None, None]
    assert told("in:state:26") == [
        "Dadra and Nagar Haveli", None, "IN-DN", "country:IN", None, "2020-01-25", "in:state:38",
    ]  # fmt: skip
    assert told("in:district:673") == ["Morbi", "MORBI", None, "in:state:24", "2013-08-15", None, None]
    assert told("in:district:704")[4] == "2017-04-07"
    assert told("in:district:642")[4] is None  # January 2012: the day is not known
    assert {row["country_code"] for row in regions.values()} == {"IN"}
    assert {row["latitude"] for row in regions.values()} == {None}


@needs_sources
def test_the_codes_are_those_of_the_directory(regions: dict[str, dict[str, Any]]) -> None:
    listed = rows_of(SEEN / "lgd_districts.csv")
    assert {(f"in:state:{row['State Code']}", row["District Code"], row["District Name"]) for row in listed} == {
        (row["parent_region_id"], row["code"], row["name_as_published"])
        for row in regions.values()
        if row["scheme"] == "in:district"
    }
    now = {row["lgd_code"]: row["iso_3166_2_current"] for row in rows_of(SEEN / "state_crosswalk.csv")}
    assert now == {
        row["code"]: row["iso_3166_2"]
        for row in regions.values()
        if row["scheme"] == "in:state" and row["valid_to"] is None
    }


def test_a_list_with_a_district_of_no_state_is_held(observatory: Observatory, tmp_path: Path) -> None:
    path = feeds()[FEED].shipped_path
    assert path is not None
    text = path.read_text("utf-8")
    (tmp_path / "lgd.csv").write_text(
        text.replace("district,673,Morbi,MORBI,24,", "district,673,Morbi,MORBI,99,"), "utf-8"
    )
    code, document = observatory.run("harvest", FEED, "--files", f"{FEED}={tmp_path / 'lgd.csv'}")
    assert (code, document["harvests"][0]["status"]) == (3, "held")


# The resolver.


@pytest.mark.duckdb
def test_each_district_is_found_by_its_names(connection: duckdb.DuckDBPyConnection) -> None:
    directory = [
        (STATE[row["state"]], row["name_lgd"], f"in:district:{row['code']}")
        for row in lgd()
        if row["level"] == "district"
    ]
    names = [*DISTRICTS, *directory]
    answers = placed(connection, list({(state, name, None) for state, name, _ in names}))
    assert {(state, name, answers[state, name, None]["region_id"]) for state, name, _ in names} == set(names)


@pytest.mark.duckdb
def test_without_a_state_no_shared_name_is_decided(connection: duckdb.DuckDBPyConnection) -> None:
    answers = placed(connection, list({(None, name, None) for _, name, _ in DISTRICTS}))
    wrong = [
        (name, region)
        for _, name, region in DISTRICTS
        if answers[None, name, None]["outcome"] == "matched" and answers[None, name, None]["region_id"] != region
    ]
    assert not wrong
    assert {name for _, name, _ in answers if answers[None, name, None]["outcome"] == "ambiguous"} >= {
        "Aurangabad", "Balrampur", "Bijapur", "Bilaspur", "Hamirpur", "Pratapgarh", "Raigarh", "Lakhimpur",
    }  # fmt: skip
    assert answers[None, "Morbi", None]["region_id"] == "in:district:673"


MATCHED: list[tuple[Triple, str, str]] = [
    # The state decides between names that several have.
    (("Bihar", "Aurangabad", None), "district:189", "name"),
    (("Maharashtra", "AURANGABAD", None), "district:469", "name"),
    (("Chhattisgarh", "Bijapur", None), "district:636", "name"),
    (("Karnataka", "Bijapur", None), "district:530", "alias"),
    (("H.P.", "Bilaspur", None), "district:15", "name"),
    (("Rajasthan", "Pratapgarh", ""), "district:629", "name"),
    (("Assam", "Lakhimpur", None), "district:295", "name"),
    (("U.P.", "Lakhimpur", None), "district:159", "alias"),
    (("Maharashtra", "Raigarh", None), "district:491", "alias"),
    # A state that was larger is read by the district.
    (("Andhra Pradesh", "Hyderabad", None), "district:507", "name"),
    (("Andhra Pradesh", None, "Hyderabad"), "district:507", "name"),
    (("Madhya Pradesh", "Raipur", None), "district:387", "name"),
    (("Bihar", "Ranchi", None), "district:339", "name"),
    (("Jammu & Kashmir", "Leh", None), "district:9", "name"),
    (("Daman & Diu", "Daman", None), "district:463", "name"),
    (("Uttaranchal", "Hardwar", None), "district:50", "alias"),
    # Old and new names, and codes.
    (("Orissa", "Keonjhar", None), "district:361", "alias"),
    (("Uttar Pradesh", "Allahabad", None), "district:120", "alias"),
    (("Haryana", "Mewat", None), "district:604", "alias"),
    (("Maharashtra", "Chhatrapati Sambhajinagar", None), "district:469", "alias"),
    (("West Bengal", "24 Parganas (N)", None), "district:303", "alias"),
    (("West Bengal", "Purba Bardhaman", None), "district:306", "name"),
    (("IN-TG", "Warangal Urban", None), "district:686", "alias"),
    (("Gujarāt", "Kachchh", None), "district:449", "name"),
    (("Ladakh (UT)", None, None), "state:37", "state"),
    (("Goa", None, "Goa"), "state:30", "state"),
    (("Delhi", "Central", None), "district:77", "name"),
    (("Chandigarh", None, "Chandigarh"), "district:44", "name"),
    # Spellings.
    (("Tamil Nadu", "Virudhunagr", None), "district:597", "spelling"),
    (("Uttar Pradesh", "Shahjahaanpur", None), "district:180", "spelling"),
    (("Uttar Pardesh", "Agra", None), "district:118", "name"),
    (("Andhra Pradesh", "Dist. Krishna", None), "district:510", "name"),
    (("Himachal Pradesh", "Lahul & Spiti Distt.", None), "district:21", "name"),
    # Several texts and parts.
    (("Tamil Nadu", None, "Salem, Tamil Nadu"), "district:584", "parts"),
    (("Madhya Pradesh", "Khargone (West Nimar)", None), "district:414", "alias"),
    (("West Bengal", "Burdwan", "Durgapur"), "district:704", "place"),
    (("Uttar Pradesh", "Kanpur", "Jajmau"), "district:157", "place"),
    (("Karnataka", "Hubli-Dharwad", None), "district:536", "town"),
    (("Gujarat", "Rajkot", "Morbi"), "district:457", "name"),
]
"""State, district and place; the region that they name, and how."""

UNDECIDED: list[tuple[Triple, str, str]] = [
    ((None, "Aurangabad", None), "ambiguous", "189 469"),
    (("", "Bijapur", "  "), "ambiguous", "530 636"),
    (("Uttar Pradesh", "Kanpur", None), "ambiguous", "156 157"),
    (("West Bengal", "Burdwan", "Burdwan"), "ambiguous", "306 704"),
    (("West Bengal", None, "Burdwan"), "ambiguous", "306 704"),
    (("West Bengal", "Midnapore", None), "ambiguous", "317 318 703"),
    (("Maharashtra", None, "Mumbai"), "ambiguous", "482 483"),
    (("Maharashtra", "Kolhapur and Sangli", None), "ambiguous", "480 493"),
    (("Gujarat", "Rajkot (Morbi)", None), "ambiguous", "457 673"),
    (("Gujarat", None, "Kalol"), "ambiguous", "446 454"),
    # A part that is no name may be in another district.
    (("Rajasthan", None, "Balotra, Jodhpur"), "unmatched", "107"),
    # No state: a place alone may be one of many.
    ((None, None, "Morbi"), "unmatched", "673"),
    # The state contradicts the district.
    (("Telangana", "Guntur", None), "unmatched", ""),
    # A town that is not listed: one letter from a district, and elsewhere.
    (("Maharashtra", "Sangola", None), "unmatched", ""),
    (("Uttar Pradesh", "Rajpur", None), "unmatched", ""),
    (("Gujarat", None, "Moorbi"), "unmatched", ""),
    (("Atlantis", "Agra", None), "unmatched", ""),
    ((None, None, None), "unmatched", ""),
    ((" ", "-", "."), "unmatched", ""),
]
"""State, district and place; the outcome, and the districts that the texts name."""


@pytest.fixture(scope="module")
def answers(connection: duckdb.DuckDBPyConnection) -> dict[Triple, dict[str, Any]]:
    return placed(connection, [case[0] for case in (*MATCHED, *UNDECIDED)])


@pytest.mark.duckdb
@pytest.mark.parametrize(("triple", "region", "basis"), MATCHED)
def test_a_place_is_matched(answers: dict[Triple, dict[str, Any]], triple: Triple, region: str, basis: str) -> None:
    answer = answers[triple]
    assert (answer["outcome"], answer["region_id"], answer["basis"]) == ("matched", f"in:{region}", basis)
    assert (answer["candidates"], answer["why"]) == ([], None)


@pytest.mark.duckdb
@pytest.mark.parametrize(("triple", "outcome", "candidates"), UNDECIDED)
def test_what_is_not_decided_lists_candidates(
    answers: dict[Triple, dict[str, Any]], triple: Triple, outcome: str, candidates: str
) -> None:
    answer = answers[triple]
    assert (answer["outcome"], answer["region_id"], answer["basis"]) == (outcome, None, None)
    assert answer["why"]
    named = [one["region_id"].removeprefix("in:district:") for one in answer["candidates"] if one["near"] is None]
    assert named == candidates.split()
    near = len(answer["candidates"]) - len(named)
    assert near == 0 if outcome == "ambiguous" or answer["why"] == "nothing is stated" else 4 <= near <= 5


@pytest.mark.duckdb
def test_the_nearest_name_comes_first(connection: duckdb.DuckDBPyConnection) -> None:
    first = one(connection, ("Uttar Pradesh", None, "Khurza"))["candidates"][0]
    assert (first["region_id"], first["name"], first["near"]) == ("in:district:134", "Bulandshahr", "Khurja")
    assert 0.9 < first["likeness"] < 1
    answer = one(connection, ("Utter Predish", "Agra", None))
    assert answer["why"] == "the state is not known"
    assert answer["candidates"][0]["region_id"] == "in:state:9"


@pytest.mark.duckdb
def test_codes_of_iso_3166_old_and_new_name_their_state(connection: duckdb.DuckDBPyConnection) -> None:
    codes = {
        "IN-OR": 21, "IN-OD": 21, "in-ct": 22, "IN-CG": 22, "IN-TG": 36, "IN-TS": 36, "IN-UT": 5, "IN-UK": 5,
        "IN-UL": 5, "IN-DD": 38, "IN-DN": 38, "IN-DH": 38, "IN-CH": 4, "IN-LA": 37, "MH": 27, "tn": 33,
    }  # fmt: skip
    answers = placed(connection, [(code, None, None) for code in codes])
    assert {code: answers[code, None, None]["region_id"] for code in codes} == {
        code: f"in:state:{state}" for code, state in codes.items()
    }
    history = connection.execute(
        "SELECT state, since, until FROM reference.in_iso_3166_2 WHERE code = 'IN-CH' ORDER BY state"
    ).fetchall()
    assert history == [("22", "2002-05-21", "2002-08-20"), ("4", None, None)]


# Noise.

MACRON = "\u0304"
"""A macron after a letter: ā, ē …; composed into one character or not must make no difference."""

SIGNS = st.text(alphabet=" .,-_'’*:/()\t\u00a0", max_size=2)


@st.composite
def noise(draw: st.DrawFn) -> list[str]:
    """Return what is put before each letter in turn; a capital A stands for the letter in another case."""
    return draw(st.lists(st.tuples(SIGNS, st.sampled_from(["", "A", MACRON])).map("".join), min_size=1, max_size=7))


def noisy(name: str, added: list[str]) -> str:
    letters = []
    for number, letter in enumerate(name):
        noise = added[number % len(added)]
        letters += [noise.strip("A" + MACRON), letter.swapcase() if "A" in noise else letter]
        if MACRON in noise and letter.isalpha():
            letters.append(MACRON)
    return "".join(letters)


@pytest.mark.duckdb
@given(noise(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_the_key_of_a_name_is_free_of_noise(
    connection: duckdb.DuckDBPyConnection, added: list[str], composed: bool
) -> None:
    for name in ("Ahmedabad", "Kanniyakumari", "Virudhunagar"):  # no word in it is left out when signs part it
        text = noisy(name, added)
        text = unicodedata.normalize("NFC", text) if composed else text
        assert connection.execute("SELECT name_key(?), name_key(?)", [name, text]).fetchone() == (
            name.lower(),
            name.lower(),
        )


@pytest.mark.duckdb
@given(noise())
@settings(max_examples=5, deadline=None)
def test_noise_never_leads_to_another_region(connection: duckdb.DuckDBPyConnection, added: list[str]) -> None:
    asked = {(noisy(state, added), noisy(name, added), None): region for state, name, region in DISTRICTS}
    answers = placed(connection, list(asked))
    assert not [
        (triple, region, answers[triple])
        for triple, region in asked.items()
        if answers[triple]["region_id"] not in {region, None}
    ]


@pytest.mark.duckdb
@given(st.integers(0, 12), st.sampled_from("aehinrstuy"), st.booleans())
@settings(max_examples=5, deadline=None)
def test_a_slip_never_leads_to_another_region(
    connection: duckdb.DuckDBPyConnection, place: int, letter: str, inserted: bool
) -> None:
    """A letter too many, or another one; what thereby is a name in its state is left out."""
    names = set(connection.execute("SELECT within, name_key(name) FROM india_gazetteer").fetchall())
    asked = {}
    for state, name, region in DISTRICTS:
        at = place % len(name)
        slip = name[:at] + letter + name[at + (not inserted) :]
        asked[state, slip, None] = region
    keys = dict(
        connection.execute(
            "SELECT text, name_key(text) FROM (SELECT unnest(?::VARCHAR[]) AS text)", [[slip for _, slip, _ in asked]]
        ).fetchall()
    )
    state_ids = {state: f"in:state:{code}" for code, state in STATE.items()}
    asked = {triple: region for triple, region in asked.items() if (state_ids[triple[0]], keys[triple[1]]) not in names}
    assert len(asked) > 500
    answers = placed(connection, list(asked))
    assert not [
        (triple, region, answers[triple]["region_id"])
        for triple, region in asked.items()
        if answers[triple]["region_id"] not in {region, None}
    ]


# What is no cluster.


@needs_sources
def test_the_listed_names_are_those_of_the_sources() -> None:
    assert [(row["record"], row["kind"], row["name"]) for row in NAMED] == [
        (row["record_id"], row["record_kind"], row["cluster_name"])
        for row in rows_of(SEEN / "clusters_seen.csv")
        if row["record_kind"] in {"cluster", "industrial_estate"}
    ]


@pytest.mark.duckdb
def test_estates_are_refused_and_no_cluster_is(connection: duckdb.DuckDBPyConnection) -> None:
    names = [row["name"] for row in NAMED]
    read = connection.execute(
        "SELECT no_cluster_but(name) FROM (SELECT unnest(?::VARCHAR[]) AS name)", [names]
    ).fetchall()
    refused = Counter((row["kind"], reason) for row, (reason,) in zip(NAMED, read, strict=True))
    assert refused == {("industrial_estate", "industrial estate"): 21, ("cluster", None): 80}


@pytest.mark.duckdb
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Geographical Indication No. 47: Kondapalli Bommallu", "geographical indication"),
        ("Banaras Brocades and Sarees (GI tagged)", "geographical indication"),
        ("G.I. registered handicraft", "geographical indication"),
        ("Kunkuri Rurban Cluster", "Rurban cluster"),
        ("Shyama Prasad Mukherji Rurban Mission", "Rurban cluster"),
        ("IID Centre", "industrial estate"),
        ("ID Centre, Baddi", "industrial estate"),
        ("Integrated Industrial Township", "industrial estate"),
        ("Industrial Growth Centre", "industrial estate"),
        ("Flatted Factories Complex", "industrial estate"),
        ("Peenya Industrial Area Engineering Cluster", None),
        ("Industrial valves cluster", None),
        ("Industrial gloves", None),
        ("Gift items", None),
        ("GI wire and pipes", None),  # galvanised iron
        ("Coir park (upgradation)", None),
        (None, None),
    ],
)
def test_what_is_called_a_cluster_or_stands_beside_them(
    connection: duckdb.DuckDBPyConnection, text: str | None, reason: str | None
) -> None:
    assert connection.execute("SELECT no_cluster_but(?)", [text]).fetchone() == (reason,)
