"""The bulk check: pydantic and SQL agree, and whatever arrives is kept, counted or quarantined."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from normalizers.contract import ContractError, KindReport, RawPage, Record, check

pytestmark = pytest.mark.duckdb

US_ANSWER = Path(__file__).parents[2] / "shared/data/us/data__region__msa__all__2016__all.json.gz"


class Cell(Record):
    """A small record kind."""

    kind: ClassVar[str] = "cells"
    key: ClassVar[tuple[str, ...]] = ("id",)
    ignored: ClassVar[dict[str, str]] = {"timestamp": "the time of the source's index"}

    id: str
    employment: int = Field(alias="emp_tl", ge=0)
    quotient: float | None = Field(default=None, alias="lq_tf", ge=0)
    strong: bool | None = Field(default=None, alias="strong_b")


class Sample(Record):
    """Every type of field that a contract knows."""

    kind: ClassVar[str] = "samples"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: int
    code: str = Field(pattern="^[a-z0-9.-]{1,4}$")
    name: str | None = Field(default=None, alias="Name of the \u0663 \u0027thing\u0027", min_length=1, max_length=3)
    workers: Annotated[int, Field(ge=-5, lt=1000)] | None = None
    big: int | None = None
    share: float | None = Field(default=None, gt=-0.5, le=1e9)
    any_number: float | None = None
    flag: bool
    colour: Literal["red", "it's", "true", "7"] | None = None
    single: Literal["one"] | None = None
    tags: list[str] | None = None
    parts: list[Any] | None = None
    extra: dict[str, Any] | None = None
    whatever: Any | None = None


def write(folder: Path, *pages: object, names: tuple[str, ...] = ()) -> list[RawPage]:
    """Write each page, given as records or as text, to a file."""
    raw_pages = []
    for index, page in enumerate(pages):
        path = folder / (names[index] if names else f"{index}.json")
        path.write_text(page if isinstance(page, str) else json.dumps(page))
        raw_pages.append(RawPage(f"us:{index:016x}", path))
    return raw_pages


def run(model: type[Record], pages: list[RawPage]) -> tuple[KindReport, duckdb.DuckDBPyConnection]:
    """Check the pages on a new connection."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    return check(connection, model, pages), connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(sql).fetchall()


def entries(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """The quarantine without kind and raw text."""
    return rows(connection, "SELECT level, document_id, locator, field, reason FROM quarantine_entries")


plain_numbers = st.integers(-10, 1100) | st.floats(-1000, 1000).map(lambda number: round(number, 3))
words = st.sampled_from(
    [
        "red",
        "it's",
        "true",
        "false",
        "7",
        "one",
        "",
        "n/a",
        "12",
        "-3",
        "007",
        "12.7",
        " 12",
        "1e3",
        "1_0",
        "٣",
        "NaN",
        "inf",
        "[1]",
        '{"a": 1}',
        "null",
        "9223372036854775808",
        "-9223372036854775808",
        "1e999",
        "abcd\n",
    ],
)
scalars = st.none() | st.booleans() | plain_numbers | words | st.text(max_size=5)
nested = st.recursive(
    scalars,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=2), part, max_size=3),
    max_leaves=5,
)
extreme_numbers = st.integers() | st.floats() | st.sampled_from([10**30, 2**63, 2**63 - 1, -(2**63), -(2**63) - 1])
numeric_fields = {"workers", "big", "share", "any_number", "flag"}
values = {
    (info.alias or name): nested | extreme_numbers if name in numeric_fields else nested
    for name, info in Sample.model_fields.items()
    if name != "id"
}
likely = {"code": st.sampled_from(["a", "b1", 12, "x.y"]), "flag": st.sampled_from([True, False, "true"])}
samples = st.fixed_dictionaries(
    {key: likely[key] | value for key, value in values.items() if key in likely},
    optional={key: value for key, value in values.items() if key not in likely},
) | st.fixed_dictionaries({}, optional=values)


def verdict(record: dict[str, Any]) -> tuple[set[str], dict[str, Any] | None]:
    """What pydantic says: the bad fields; and the values with bad optional ones left out, if the record lives."""
    names = {info.alias or name: name for name, info in Sample.model_fields.items()}
    try:
        return set(), Sample.model_validate(record).model_dump()
    except ValidationError as error:
        bad = {str(problem["loc"][0]) for problem in error.errors()}
        rest = {key: value for key, value in record.items() if key not in bad}
        lives = not any(Sample.model_fields[names[key]].is_required() for key in bad)
        return {names[key] for key in bad}, Sample.model_validate(rest).model_dump() if lives else None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(samples, max_size=30))
def test_pydantic_and_sql_agree(records: list[dict[str, Any]]) -> None:
    """On any record: the same bad fields, the same verdict, the same values."""
    records = [record | {"id": index} for index, record in enumerate(records)]
    with tempfile.TemporaryDirectory() as folder:
        report, connection = run(Sample, write(Path(folder), records))
    assert (report.records, report.duplicates) == (len(records), 0)
    columns = ", ".join(Sample.model_fields)
    found = rows(connection, f"SELECT rejected, rejected_fields, {columns} FROM raw.samples ORDER BY id")
    assert len(found) == len(records)
    for record, (rejected, rejected_fields, *row) in zip(records, found, strict=True):
        bad, expected = verdict(record)
        assert set(rejected_fields) == bad, record
        assert rejected == (expected is None)
        got = dict(zip(Sample.model_fields, row, strict=True))
        for name in ("tags", "parts", "extra", "whatever"):
            got[name] = None if got[name] is None else json.loads(got[name])
        if expected is not None:
            expected["tags"] = record.get("tags") if expected["tags"] is not None else None
            assert got == expected
        assert all(got[name] is None for name in bad)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(max_size=8), nested, max_size=5))
def test_any_key_that_no_field_reads_is_reported(unknown: dict[str, Any]) -> None:
    """Whatever an unknown key is called, it is reported and rejects nothing."""
    known = {"id", "emp_tl", "lq_tf", "strong_b", "timestamp", "_locator"}
    record = {key: value for key, value in unknown.items() if key not in known} | {"id": "a", "emp_tl": 1}
    with tempfile.TemporaryDirectory() as folder:
        report, connection = run(Cell, write(Path(folder), [{"id": "b", "emp_tl": 2}, record]))
    expected = record.keys() - known
    assert report.unknown_keys == dict.fromkeys(expected, (1, "us:0000000000000000", "json:/1"))
    assert {field for _, _, _, field, _ in entries(connection)} == expected
    assert rows(connection, "SELECT id, emp, rejected FROM raw.cells AS c(d, l, id, emp)") == [
        ("b", 2, False),
        ("a", 1, False),
    ]


def test_typed_rows_with_locators(tmp_path: Path) -> None:
    """Columns are typed, and each row names its place in its document."""
    first, second, third = write(
        tmp_path,
        [{"id": "a", "emp_tl": 3, "lq_tf": 1.5, "strong_b": True}, {"id": "b", "emp_tl": "4", "timestamp": "now"}],
        [{"id": 17, "emp_tl": 5, "lq_tf": None, "_locator": "html:table[2]/tr[7]"}, {"id": "d", "emp_tl": 0}],
        [{"id": "e", "emp_tl": 9}],
    )
    second = RawPage("us:second", second.path, "/data/{}/cell")
    third = RawPage("us:third", third.path, "")
    report, connection = run(Cell, [first, second, third])
    assert report == KindReport(
        "cells", 5, 0, 0, 0, {"id": 5, "emp_tl": 5, "lq_tf": 2, "strong_b": 1, "timestamp": 1}, {}, ()
    )
    assert rows(connection, "FROM raw.cells") == [
        ("us:0000000000000000", "json:/0", "a", 3, 1.5, True, False, []),
        ("us:0000000000000000", "json:/1", "b", 4, None, None, False, []),
        ("us:second", "html:table[2]/tr[7]", "17", 5, None, None, False, []),
        ("us:second", "json:/data/1/cell", "d", 0, None, None, False, []),
        ("us:third", "json:", "e", 9, None, None, False, []),
    ]
    assert entries(connection) == []
    types = rows(connection, "SELECT column_name, column_type FROM (DESCRIBE raw.cells)")
    assert [sql_type for _, sql_type in types] == ["VARCHAR"] * 3 + [
        "BIGINT",
        "DOUBLE",
        "BOOLEAN",
        "BOOLEAN",
        "VARCHAR[]",
    ]


def test_locators_hold_over_large_pages_read_in_parallel(tmp_path: Path) -> None:
    """Several pages, each of several vectors, keep their order."""
    pages = write(
        tmp_path,
        *(
            [{"id": f"{page}/{i}", "emp_tl": -1 if i % 1000 == 999 else i} for i in range(4_000 + page)]
            for page in range(5)
        ),
        [],
    )
    report, connection = run(Cell, pages)
    assert (report.records, report.rejected) == (20_010, 20)
    place = "document_id[-1:] || '/' || locator[7:]"
    assert rows(connection, f"SELECT count(*) FROM raw.cells WHERE {place} <> id") == [(0,)]
    quarantined = rows(connection, f"SELECT {place}, raw ->> 'id' FROM quarantine_entries")
    assert quarantined == [(f"{page}/{i}",) * 2 for page in range(5) for i in (999, 1999, 2999, 3999)]


def test_a_bad_required_value_rejects_the_record_and_a_bad_optional_one_only_itself(tmp_path: Path) -> None:
    """The two levels of quarantine."""
    records = [
        {"id": "a", "emp_tl": "n/a", "lq_tf": -1},
        {"id": "b", "lq_tf": "NaN", "strong_b": 1},
        {"id": ["c"], "emp_tl": 12.7},
        {"id": "d", "emp_tl": 1, "strong_b": "yes"},
        {"id": "e", "emp_tl": 1},
    ]
    report, connection = run(Cell, write(tmp_path, records))
    assert (report.records, report.rejected, report.rejected_values) == (5, 3, 4)
    assert rows(connection, "SELECT COLUMNS(* EXCLUDE (document_id, locator)) FROM raw.cells ORDER BY locator") == [
        ("a", None, None, None, True, ["employment", "quotient"]),
        ("b", None, None, None, True, ["employment", "quotient", "strong"]),
        (None, None, None, None, True, ["employment", "id"]),
        ("d", 1, None, None, False, ["strong"]),
        ("e", 1, None, None, False, []),
    ]
    assert [(level, locator, field, reason) for level, _, locator, field, reason in entries(connection)] == [
        ("record", "json:/0", "employment", 'emp_tl: expected an integer >= 0, got "n/a"'),
        ("value", "json:/0", "quotient", "lq_tf: expected a finite number >= 0, got -1"),
        ("record", "json:/1", "employment", "emp_tl: expected an integer >= 0, got nothing"),
        ("value", "json:/1", "quotient", 'lq_tf: expected a finite number >= 0, got "NaN"'),
        ("value", "json:/1", "strong", "strong_b: expected true or false, got 1"),
        ("record", "json:/2", "employment", "emp_tl: expected an integer >= 0, got 12.7"),
        ("record", "json:/2", "id", 'id: expected a string, got ["c"]'),
        ("value", "json:/3", "strong", 'strong_b: expected true or false, got "yes"'),
    ]
    raw = rows(connection, "SELECT raw FROM quarantine_entries WHERE locator = 'json:/3'")
    assert json.loads(raw[0][0]) == records[3]


def test_the_edges_of_numbers(tmp_path: Path) -> None:
    """Nothing is rounded, wrapped round or taken for infinite; null stands for rejected."""
    edges: dict[str, tuple[int | None, float | None]] = {
        '"007"': (7, 7.0),
        "-0": (0, 0.0),
        "9223372036854775807": (2**63 - 1, 2.0**63),
        "9223372036854775808": (None, 2.0**63),
        "-9223372036854775808": (-(2**63), -(2.0**63)),
        "-9223372036854775809": (None, -(2.0**63)),
        "12.7": (None, 12.7),
        "12.0": (None, 12.0),
        "1e3": (None, 1000.0),
        "1e308": (None, 1e308),
        "1e309": (None, None),
        "-1e309": (None, None),
        "NaN": (None, None),
        "Infinity": (None, None),
        '" 12"': (None, None),
        '"1_000"': (None, None),
        '"1,000"': (None, None),
        '"0x10"': (None, None),
        '"\u0663"': (None, None),
        '""': (None, None),
        "true": (None, None),
    }
    page = ", ".join(
        f'{{"id": {index}, "code": "a", "flag": true, "big": {text}, "any_number": {text}}}'
        for index, text in enumerate(edges)
    )
    report, connection = run(Sample, write(tmp_path, f"[{page}]"))
    assert rows(connection, "SELECT big, any_number FROM raw.samples ORDER BY id") == list(edges.values())
    assert report.rejected_values == sum(value is None for pair in edges.values() for value in pair)


def test_reasons_say_what_a_field_expects(tmp_path: Path) -> None:
    """Every field type has its words."""
    nowhere_valid = {key: [None] for key in values if key != "whatever"}
    _, connection = run(Sample, write(tmp_path, [nowhere_valid | {"id": 1, "parts": 0, "extra": []}]))
    expected = {
        "any_number": "any_number: expected a finite number, got [null]",
        "big": "big: expected an integer, got [null]",
        "code": "code: expected a string matching ^[a-z0-9.-]{1,4}$, got [null]",
        "colour": """colour: expected one of "red", "it's", "true", "7", got [null]""",
        "extra": "extra: expected an object, got []",
        "flag": "flag: expected true or false, got [null]",
        "name": "Name of the \u0663 'thing': expected a string at least 1 long, at most 3 long, got [null]",
        "parts": "parts: expected a list, got 0",
        "share": "share: expected a finite number > -0.5, <= 1000000000.0, got [null]",
        "single": 'single: expected one of "one", got [null]',
        "tags": "tags: expected a list of strings, got [null]",
        "workers": "workers: expected an integer >= -5, < 1000, got [null]",
    }
    assert {field: reason for _, _, _, field, reason in entries(connection)} == expected


def test_identical_twins_are_set_aside_and_different_ones_rejected(tmp_path: Path) -> None:
    """The first twin stays; rivals all go, and name each other."""
    twin = {"id": "twin", "emp_tl": 1, "timestamp": "first"}
    rivals = [{"id": "rival", "emp_tl": number} for number in (1, 2, 1)]
    bad_twin = {"id": "bad", "emp_tl": None}
    pages = write(
        tmp_path, [twin, rivals[0], bad_twin], [twin | {"timestamp": "second"}, rivals[1], bad_twin, rivals[2], twin]
    )
    report, connection = run(Cell, pages)
    assert (report.records, report.duplicates, report.rejected) == (8, 3, 4)
    assert rows(connection, "SELECT document_id[-1:], locator, id, rejected FROM raw.cells ORDER BY ALL") == [
        ("0", "json:/0", "twin", False),
        ("0", "json:/1", "rival", True),
        ("0", "json:/2", "bad", True),
        ("1", "json:/1", "rival", True),
        ("1", "json:/3", "rival", True),
    ]
    first, second = "us:0000000000000000 json:/1", "us:0000000000000001 json:/1"
    assert [(level, locator, reason) for level, _, locator, _, reason in entries(connection)] == [
        ("record", "json:/1", f'two different records have the key ["rival"]; also at {second}'),
        ("record", "json:/2", "emp_tl: expected an integer >= 0, got null"),
        ("record", "json:/1", f'two different records have the key ["rival"]; also at {first}'),
        ("record", "json:/3", f'two different records have the key ["rival"]; also at {first}'),
    ]


def test_field_names_do_not_meet_the_names_of_the_check(tmp_path: Path) -> None:
    """Names that the SQL uses itself, and words of SQL."""
    names = ["record", "records", "other", "level", "field", "reason", "raw", "page", "first", "entry", "v", "twin"]
    names += ["problem", "conflict", "checked", "also", "verdict", "begin", "seen", "order", "only", "identical"]
    names += ["documents", "file_index", "select", "group"]
    namespace: dict[str, Any] = {"__annotations__": dict.fromkeys([*names, "sector"], str), "__module__": __name__}
    namespace |= {"sector": Field(alias="Sector Name"), "kind": "order", "key": ("record", "level")}
    model = type("Names", (Record,), namespace)
    good = dict.fromkeys([*names, "Sector Name"], "x")
    bad = good | {"record": "y", "field": [], "unknown": 1}
    report, connection = run(
        model, write(tmp_path, [good, good, bad, good | {"level": "z"}, good | {"level": "z", "v": "z"}])
    )
    assert (report.records, report.duplicates, report.rejected, list(report.unknown_keys)) == (5, 1, 3, ["unknown"])
    assert [(locator, field) for _, _, locator, field, _ in entries(connection)] == [
        ("json:/2", "unknown"),
        ("json:/2", "field"),
        ("json:/3", None),
        ("json:/4", None),
    ]
    assert rows(connection, 'SELECT locator, sector FROM raw."order" WHERE NOT rejected') == [("json:/0", "x")]
    assert rows(connection, "SELECT count(*) FROM duckdb_tables() WHERE temporary") == [(0,)]


def test_a_key_of_several_fields(tmp_path: Path) -> None:
    """Only records that agree in all key fields are compared."""

    class Yearly(Cell):
        kind: ClassVar = "yearly"
        key: ClassVar = ("id", "employment")

    report, connection = run(
        Yearly,
        write(tmp_path, [{"id": "a", "emp_tl": 1}, {"id": "a", "emp_tl": 2}, {"id": "a", "emp_tl": 2, "lq_tf": 1}]),
    )
    assert (report.duplicates, report.rejected) == (0, 2)
    assert '["a","2"]' in entries(connection)[0][4]


def test_unknown_and_missing_keys(tmp_path: Path) -> None:
    """A renamed key shows as one that is unknown and one that is missing."""
    pages = write(
        tmp_path,
        [{"id": "a", "emp_tl": 1}],
        [{"id": str(i), "emp_tl": 1, "lq": 2, "strong_b": None} for i in range(1200)],
    )
    report, connection = run(Cell, pages)
    assert report.unknown_keys == {"lq": (1200, "us:0000000000000001", "json:/0")}
    assert report.missing_keys == ("quotient",)
    assert (report.rejected, report.rejected_values) == (0, 0)
    assert entries(connection) == [
        ("value", "us:0000000000000001", "json:/0", "lq", 'unknown key "lq" in 1,200 of 1,201 cells'),
    ]
    assert json.loads(rows(connection, "SELECT raw FROM quarantine_entries")[0][0])["id"] == "0"


def test_families_of_keys_are_ignored_by_pattern(tmp_path: Path) -> None:
    class Wide(Cell):
        ignored_patterns: ClassVar[dict[str, str]] = {"cluster_[0-9]+_emp_tl": "a sum of the cells"}

    records = [{"id": "a", "emp_tl": 1, "cluster_7_emp_tl": 1, "cluster_8_emp_tl": 2, "cluster_x_emp_tl": 3}]
    report, _ = run(Wide, write(tmp_path, records))
    assert list(report.unknown_keys) == ["cluster_x_emp_tl"]


@pytest.mark.parametrize("pages", [(), ([],), ([], [])])
def test_nothing_leaves_an_empty_table(tmp_path: Path, pages: tuple[list[Any], ...]) -> None:
    """No page and an empty page give the table with all its columns."""
    report, connection = run(Cell, write(tmp_path, *pages))
    assert report == KindReport("cells", 0, 0, 0, 0, {}, {}, ())
    result = connection.execute("FROM raw.cells")
    names = [column[0] for column in result.description]
    assert names == ["document_id", "locator", "id", "employment", "quotient", "strong", "rejected", "rejected_fields"]
    assert result.fetchall() == entries(connection) == []


def test_kinds_share_the_quarantine_and_a_second_check_replaces_the_rows(tmp_path: Path) -> None:
    """The quarantine is appended to, the table made new."""
    pages = write(tmp_path, [{"id": "a", "emp_tl": -1}], [{"id": 1, "code": "?", "flag": False}])
    connection = duckdb.connect()
    check(connection, Cell, pages[:1])
    check(connection, Sample, pages[1:])
    check(connection, Cell, [])
    assert rows(connection, "SELECT kind, field FROM quarantine_entries") == [
        ("cells", "employment"),
        ("samples", "code"),
    ]
    assert rows(connection, "SELECT count(*) FROM raw.cells") == [(0,)]


@pytest.mark.parametrize(
    "page",
    [
        "",
        " \n",
        "null",
        "3",
        '{"id": "a"}',
        "<html>Bad gateway</html>",
        '[{"id": "a"}',
        '[{"id": "a"}] tail',
        '[{"id": "a"},]',
        '[{"id": "\\ud800"}]',
        '[{"id": "a\tb"}]',
        '[{"id": "a"}][{"id": "b"}]',
    ],
)
def test_a_page_that_is_no_json_array_is_named(tmp_path: Path, page: str) -> None:
    """Broken pages stop the check with the name of the document."""
    good = [{"id": "a", "emp_tl": 1}]
    pages = write(tmp_path, good, page, good, names=("1.json", "11.json", "111.json"))
    with pytest.raises(ContractError, match="us:0000000000000001: expected a JSON array of objects"):
        run(Cell, pages)


def test_elements_that_are_no_objects_are_rejected(tmp_path: Path) -> None:
    """One reason for each, with what came."""
    elements = [7, "text", None, ["a"], {"id": "a", "emp_tl": 1}, {}]
    report, connection = run(Cell, write(tmp_path, elements))
    assert (report.records, report.duplicates, report.rejected) == (6, 0, 5)
    assert [(locator, reason) for _, _, locator, _, reason in entries(connection)] == [
        ("json:/0", "expected a JSON object, got 7"),
        ("json:/1", 'expected a JSON object, got "text"'),
        ("json:/2", "expected a JSON object, got null"),
        ("json:/3", 'expected a JSON object, got ["a"]'),
        ("json:/5", "emp_tl: expected an integer >= 0, got nothing"),
        ("json:/5", "id: expected a string, got nothing"),
    ]
    assert rows(connection, "SELECT id FROM raw.cells WHERE NOT rejected") == [("a",)]


def test_a_key_written_twice_rejects_the_record(tmp_path: Path) -> None:
    """Nobody can say which of the two values is meant."""
    report, connection = run(Cell, write(tmp_path, '[{"id": "a", "emp_tl": 1, "emp_tl": 2}, {"id": "b", "emp_tl": 1}]'))
    assert report.rejected == 1
    assert [(locator, reason) for _, _, locator, _, reason in entries(connection)] == [
        ("json:/0", "a key is written twice")
    ]


HOSTILE = [
    "'; DROP TABLE quarantine_entries; --",
    '"; DROP SCHEMA raw CASCADE; --',
    "a\nb\r\n\t\\",
    "nul\0nul",
    "{}$documents[1]",
    "\U0001f986\u202e\ufffe",
    "x" * 1_000_000,
    "constructor\\u0000",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_data(tmp_path: Path, text: str) -> None:
    """In a key, a number and a string."""
    records = [{"id": text, "emp_tl": 1}, {"id": "b", "emp_tl": text}, {"id": "c", "emp_tl": 1, text: text}]
    report, connection = run(Cell, write(tmp_path, records))
    assert report.unknown_keys == {text: (1, "us:0000000000000000", "json:/2")}
    assert rows(connection, "SELECT id, rejected FROM raw.cells ORDER BY locator") == [
        (text, False),
        ("b", True),
        ("c", False),
    ]
    (unknown, bad) = entries(connection)
    assert (unknown[3], bad[3]) == (text, "employment")
    assert len(unknown[4]) < 1500
    assert len(bad[4]) < 300


def test_deep_nesting_breaks_nothing(tmp_path: Path) -> None:
    """In a field, in a nested field and under an unknown key."""
    deep = "[" * 100_000 + "]" * 100_000
    bad = f'{{"id": 1, "code": {deep}, "flag": true, "parts": {deep}}}'
    good = f'{{"id": 2, "code": "a", "flag": true, "x": {deep}}}'
    report, connection = run(Sample, write(tmp_path, f"[{bad}, {good}]"))
    assert (report.records, report.rejected, list(report.unknown_keys)) == (2, 1, ["x"])
    assert rows(connection, "SELECT length(parts) FROM raw.samples WHERE id = 1") == [(200_000,)]


def test_an_object_may_be_larger_than_the_readers_default(tmp_path: Path) -> None:
    """DuckDB stops at 32 MB unless told."""
    report, connection = run(Cell, write(tmp_path, [{"id": "a" * 40_000_000, "emp_tl": 1}]))
    assert report.rejected == 0
    assert rows(connection, "SELECT length(id) FROM raw.cells") == [(40_000_000,)]


def test_file_names_are_not_patterns(tmp_path: Path) -> None:
    """Brackets, stars and quotes in a path mean themselves."""
    names = ("a[1].json", "a1.json", "it's *.json")
    pages = write(tmp_path, *([{"id": name, "emp_tl": 1}] for name in names), names=names)
    report, connection = run(Cell, [pages[0], pages[2]])
    assert report.records == 2
    assert rows(connection, "SELECT document_id, id FROM raw.cells") == [
        ("us:0000000000000000", "a[1].json"),
        ("us:0000000000000002", "it's *.json"),
    ]


def test_a_connection_that_shuffles_is_refused(tmp_path: Path) -> None:
    """Locators would be wrong without a word."""
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    with pytest.raises(ContractError, match="preserve_insertion_order"):
        check(connection, Cell, write(tmp_path, [{"id": "a", "emp_tl": 1}]))


@pytest.mark.parametrize(
    "field",
    [
        (int, 0),
        (int | None, ...),
        (int | str, ...),
        (dict[str, int], ...),
        (list[int], ...),
        (Cell, ...),
        (str, Field(pattern=r"^\d+$")),
        (int, Field(multiple_of=5)),
        (list[str], Field(min_length=1)),
    ],
)
def test_a_model_that_sql_would_read_differently_is_refused(field: tuple[Any, Any]) -> None:
    """The generator knows its limits."""
    annotation, default = field
    namespace: dict[str, Any] = {"__annotations__": {"id": str, "value": annotation}, "__module__": __name__}
    if default is not ...:
        namespace["value"] = default
    model = type("Odd", (Record,), namespace | {"kind": "odd", "key": ("id",)})
    with pytest.raises(TypeError, match=r"Odd\.value"):
        check(duckdb.connect(), model, [])


@pytest.mark.parametrize("key", [(), ("quotient",), ("nothing",)])
def test_a_key_of_other_than_required_fields_is_refused(key: tuple[str, ...]) -> None:
    """A record without its key could not be told from another."""
    model = type("Odd", (Cell,), {"kind": "odd", "key": key, "__module__": __name__})
    with pytest.raises(TypeError, match=r"Odd\.key"):
        check(duckdb.connect(), model, [])


def test_a_real_answer_passes_whole(tmp_path: Path) -> None:
    """61,439 recorded records, value for value."""
    if not US_ANSWER.exists():
        pytest.skip("the recorded US answer is not here (../shared/data/us)")
    records = json.loads(gzip.decompress(US_ANSWER.read_bytes()))
    pages = write(tmp_path, *(records[start : start + 10_000] for start in range(0, len(records), 10_000)))
    report, connection = run(Cell, pages)
    assert (report.records, report.duplicates, report.rejected, report.rejected_values) == (61_439, 0, 0, 0)
    assert report.missing_keys == ()
    assert len(report.unknown_keys) == 35
    expected = [(r["id"], r["emp_tl"], r["lq_tf"], r.get("strong_b")) for r in records]
    assert rows(connection, "SELECT id, employment, quotient, strong FROM raw.cells") == expected
