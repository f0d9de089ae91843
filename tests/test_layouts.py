"""Every layout is read as a person reads it: all values with their units, and nothing else. See layouts/README.md."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import duckdb
import pytest

from crawlers import reader
from normalizers.values import MACROS

LAYOUTS = Path(__file__).parent / "layouts"
KINDS = {
    "header_rows",
    "header_columns",
    "definition_lists",
    "label_lines",
    "cards",
    "paging_links",
    "paging_calls",
    "forms",
}
pytestmark = pytest.mark.duckdb
ALL = sorted(LAYOUTS.glob("*/*.json"))
LATER = sorted(LAYOUTS.glob("later*/*/*.json"))
NAMES = [
    pytest.param(name, marks=pytest.mark.xfail(reason=why, strict=True) if why else ())
    for path in ALL + LATER
    for name in [path.relative_to(LAYOUTS).with_suffix("").as_posix()]
    for why in [json.loads(path.read_text("utf-8")).get("not_read")]
]
COMMON = json.loads((LAYOUTS / "labels.json").read_text("utf-8"))


@dataclass
class Read:
    """What was read of one layout, its figures still as written."""

    layout: dict[str, Any]
    labels: reader.Labels
    records: list[reader.Record] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    totals: int = 0
    asked: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    combinations: int = 0
    left_out: int = 0


def request_of(method: str, address: str, fields: Iterable[tuple[str, str]]) -> str:
    return reader.Ask(address, method, tuple(sorted(fields))).key  # type: ignore[arg-type]


def key_of(line: str) -> str:
    method, address, *fields = line.split(" ", 2)
    return request_of(method, address, parse_qsl(fields[0], keep_blank_values=True) if fields else ())


def labels_of(layout: dict[str, Any]) -> reader.Labels:
    synonyms = {**COMMON["labels"], **layout.get("labels", {})}
    if "only" in layout:
        synonyms = {name: synonyms[name] for name in layout["only"]}
    kinds = {**COMMON["kinds"], **layout.get("kinds", {})}
    return reader.Labels(synonyms, kinds={name: kind for name, kind in kinds.items() if name in synonyms})


def read(path: Path) -> Read:
    """Read a layout, and all pages that its first page leads to."""
    layout = json.loads(path.read_text("utf-8"))
    labels = labels_of(layout)
    done = Read(layout, labels)
    answers = {key_of(line): html for line, html in layout.get("answers", {}).items()}
    address = layout.get("address", "http://example.org/page")
    walk = None
    if "answers" in layout:
        forms: bool | reader.Labels = layout.get("forms", False)
        if isinstance(layout.get("forms"), list):
            forms = labels_of({**layout, "only": layout["forms"]})
        calls = {name: reader.POST_BACK if to == "post_back" else to for name, to in layout.get("calls", {}).items()}
        walk = reader.Walk(
            calls=calls, follow=layout.get("follow", ()), forms=forms, limit=layout.get("limit", reader.LIMIT)
        )
    waiting = [(path.with_suffix(".html").read_bytes(), address)]
    while waiting:
        body, here = waiting.pop(0)
        reading = reader.read(
            body, labels, required=layout.get("required", ["cluster"]), expected=layout.get("expected", ()),
            title=layout.get("title"), section=layout.get("section"), address=here, charset=layout.get("charset"),
        )  # fmt: skip
        assert reading is not None
        done.records += reading.records
        done.totals += len({record.locator for record in reading.totals})  # a row under two years makes two records
        if reading.records or walk is None:
            done.notes += reading.notes
        for ask in (walk.follow(body, here, layout.get("charset")) or []) if walk else ():
            done.asked.append(ask.key)
            if ask.key in answers:
                html = answers[ask.key]
                found = html.encode() if html.lstrip().startswith("<") else (path.parent / html).read_bytes()
                waiting.append((found, ask.named))
            else:
                done.strays.append(f"{ask.method} {ask.address} {urlencode(ask.fields)}".strip())
    if walk:
        done.combinations, done.left_out = walk.combinations, walk.left_out
    return done


@pytest.fixture(scope="module")
def everything() -> dict[str, tuple[Read, list[dict[str, Any]]]]:
    return understood(ALL + LATER)


def understood(paths: list[Path]) -> dict[str, tuple[Read, list[dict[str, Any]]]]:
    """Read layouts, all their figures by one query: name -> what was read, and its records as a layout writes them."""
    done = {path.relative_to(LAYOUTS).with_suffix("").as_posix(): read(path) for path in paths}
    statements = [
        (name, at, of, order, value.text, value.unit, one.layout.get("mark", "."), one.layout.get("dollar"))
        for name, one in done.items()
        for at, record in enumerate(one.records)
        for of, values in record.values.items()
        if one.labels.kind(of) != "text"
        for order, value in enumerate(values)
    ]
    connection = duckdb.connect(":memory:")
    connection.execute(MACROS)
    connection.execute(
        "CREATE TABLE said (name VARCHAR, record INT, field VARCHAR, nr INT, words VARCHAR, unit VARCHAR, mark VARCHAR,"
        " usd VARCHAR)"
    )
    connection.executemany("INSERT INTO said VALUES (?, ?, ?, ?, ?, ?, ?, ?)", statements)
    figures: dict[tuple[str, int, str], Any] = {
        (name, at, of): figure
        for name, at, of, figure in connection.execute(
            "SELECT name, record, field, settled(list(q ORDER BY nr)) FROM "
            "(SELECT *, quantity(words, mark, unit := unit, dollar := usd) AS q FROM said) GROUP BY ALL"
        ).fetchall()
    }
    return {
        name: (
            one,
            [
                {
                    of: record.text(of) if one.labels.kind(of) == "text" else plain(figures[name, at, of])
                    for of in record.values
                }
                | {f"_{what}": getattr(record, what) for what in ("period", "group")}
                for at, record in enumerate(one.records)
            ],
        )
        for name, one in done.items()
    }


def plain(figure: dict[str, Any] | None) -> Any:  # noqa: ANN401  # what JSON holds
    """Return a quantity as a layout writes it."""
    if figure is None:
        return None
    kept = {
        "value": figure["value"], "unit": figure["unit_measure"], "qualifier": figure["qualifier"],
        "low": figure["low"], "high": figure["high"], "contradiction": figure["contradiction"] or None,
    }  # fmt: skip
    kept = {name: value for name, value in kept.items() if value is not None}
    return kept["value"] if list(kept) == ["value"] else kept


def stated(record: dict[str, Any], expected: list[dict[str, Any]]) -> dict[str, Any]:
    """Leave out what no record of a layout states, and round what a multiplier made unround."""
    names = {name for one in expected for name in one}
    kept = {name: value for name, value in record.items() if not name.startswith("_") or name in names}
    return {name: rounded(value) for name, value in kept.items() if not (name.startswith("_") and not value)}


def rounded(value: Any) -> Any:  # noqa: ANN401  # what JSON holds
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items() if not (name == "value" and part is None)}
    return round(float(value), 6) if isinstance(value, int | float) and not isinstance(value, bool) else value


def in_order(records: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(record, sort_keys=True, ensure_ascii=False) for record in records)


@pytest.mark.parametrize("name", NAMES)
def test_layout_is_read_as_a_person_reads_it(
    name: str, everything: dict[str, tuple[Read, list[dict[str, Any]]]]
) -> None:
    one, records = everything[name]
    layout, notes = one.layout, "\n".join(one.notes)
    expected = layout["records"]
    assert in_order([stated(record, expected) for record in records]) == in_order(
        [stated(record, expected) for record in expected]
    )
    missing = [note.split()[1] for note in one.notes if note.startswith("expected ")]
    assert sorted(set(missing)) == sorted(layout.get("missing", []))
    for label in layout.get("unknown", []):
        assert f"the label {label!r} is not known" in notes
    for label in layout.get("fuzzy", []):
        assert f"the label {label!r} was read as" in notes
    assert {note for note in one.notes if "was read as" in note and not layout.get("fuzzy")} == set()
    dead = {key_of(line) for line in layout.get("dead", [])}
    assert [stray for stray in one.strays if key_of(stray) not in dead] == []
    assert {key_of(line) for line in layout.get("answers", {})} <= {*one.asked} | {
        key_of(line) for line in layout.get("unasked", [])
    }
    assert not {key_of(line) for line in layout.get("unasked", [])} & {*one.asked}
    assert len(one.asked) == len(set(one.asked))
    for what, came in (("totals", one.totals), ("combinations", one.combinations), ("cut", one.left_out)):
        assert layout.get(what, came) == came


def test_every_kind_has_its_layouts() -> None:
    counts: defaultdict[str, int] = defaultdict(int)
    for path in ALL:
        counts[path.parent.name] += 1
    assert set(counts) == KINDS
    assert min(counts.values()) >= 8
    assert {path.stem for path in LAYOUTS.glob("*/*.html")} >= {path.stem for path in ALL}
