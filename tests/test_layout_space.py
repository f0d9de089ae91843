"""Random records through random layouts are read back exactly: kind, order, depth, grouping, units, charset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawlers import reader
from normalizers.values import MACROS

LABELS = reader.Labels(
    {
        "cluster": ["Name of cluster", "Cluster"],
        "state": {"en": ["State"], "fr": ["Province"]},
        "units": {"en": ["No. of units", "Number of MSMEs"], "de": ["Betriebe"]},
        "employment": ["Employment", "Persons employed", "Beschäftigte"],
        "turnover": ["Turnover", "Annual turnover", "Chiffre d'affaires"],
    },
    kinds={"units": "number", "employment": "number", "turnover": "money"},
)
NAMES = {
    "cluster": ["Name of cluster", "CLUSTER", "Cluster"],
    "state": ["State", "Province", "state"],
    "units": ["No. of units", "Number of MSMEs", "Betriebe", "No of Units"],
    "employment": ["Employment", "Persons Employed", "Beschäftigte"],
    "turnover": ["Turnover", "Annual turnover", "Chiffre d'affaires"],
}
COUNTS = {"units", "employment"}
MONEY = {
    "Rs. Crore": (1e7, "INR"),
    "₹ lakh": (1e5, "INR"),
    "C$ million": (1e6, "CAD"),
    "€": (1.0, "EUR"),
    "US$ 000s": (1e3, "USD"),
}
SQL = duckdb.connect(":memory:")
SQL.execute(MACROS)
SQL.execute("CREATE TABLE said (nr INTEGER, words VARCHAR, unit VARCHAR)")
SQL.execute(
    "PREPARE figures AS SELECT list(q ORDER BY nr) FROM (SELECT nr, quantity(words, '.', unit := unit) AS q FROM said)"
)


def grouped(number: int, how: str) -> str:
    """Write a number with its digits in groups."""
    digits = str(number)
    if how == "indian" and len(digits) > 3:
        head, tail = digits[:-3], digits[-3:]
        pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
        return ",".join([*reversed(pairs), tail])
    return f"{number:,}".replace(",", {"western": ",", "blank": "\u00a0", "none": "", "indian": ","}[how])


@dataclass(frozen=True)
class Choice:
    """How a page is written."""

    kind: str
    order: list[str]
    names: dict[str, str]
    group: str
    unit: str
    place: str
    extra: int
    charset: str
    depth: int
    colon: bool


WORDS = st.from_regex(r"\A[A-Z][a-zé]{2,8}( [a-z]{3,8})?\Z").filter(
    lambda words: LABELS.match(words) is None and not words.startswith("Total")
)
CHOICES = st.builds(
    Choice,
    kind=st.sampled_from(["rows", "columns", "dl", "lines", "cards", "pairs"]),
    order=st.permutations(["state", "units", "employment", "turnover"]),
    names=st.fixed_dictionaries({name: st.sampled_from(labels) for name, labels in NAMES.items()}),
    group=st.sampled_from(["indian", "western", "blank", "none"]),
    unit=st.sampled_from(sorted(MONEY)),
    place=st.sampled_from(["label", "cell", "line", "over"]),
    extra=st.integers(0, 2),
    charset=st.sampled_from(["utf-8", "cp1252", "double"]),
    depth=st.integers(1, 2),
    colon=st.booleans(),
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "cluster": WORDS,
            "state": WORDS,
            "units": st.integers(0, 10**7),
            "employment": st.integers(0, 10**8),
            "turnover": st.integers(1, 10**6),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda record: record["cluster"],
)


def shown(record: dict[str, Any], name: str, how: Choice) -> str:
    if name in {"cluster", "state"}:
        return str(record[name])
    words = grouped(record[name], how.group)
    if name != "turnover" or how.place != "cell":
        return words
    return (
        f"{how.unit} {words}"
        if how.unit == "€"
        else f"{words} {how.unit}"
        if "000s" not in how.unit
        else f"US$ {words} thousand"
    )


def label(name: str, how: Choice) -> str:
    return how.names[name] + (f" ({how.unit})" if name == "turnover" and how.place in {"label", "line"} else "")


def page(records: list[dict[str, Any]], how: Choice) -> str:
    cell = {(at, name): escape(shown(record, name, how)) for at, record in enumerate(records) for name in record}
    named = {name: escape(label(name, how)) for name in NAMES}
    colon = ":" if how.colon or how.kind == "lines" else ""
    extras = [(f"Column {'xyz'[number]}", f"<i>other {'abc'[number]}</i>") for number in range(how.extra)]
    over = f"<p>({how.unit})</p>" if how.place == "over" else ""
    names = ["cluster", *how.order]
    if how.kind == "rows":
        units = how.place == "line"
        heads = "".join(f"<th>{how.names[name] if units else named[name]}</th>" for name in names) + "".join(
            f"<th>{one}</th>" for one, _ in extras
        )
        line = (
            "<tr>"
            + "".join(
                f"<td>{f'({how.unit})' if name == 'turnover' else '(No.)' if name in COUNTS else ''}</td>"
                for name in names
            )
            + "<td></td>" * len(extras)
            + "</tr>"
        )
        upper = (
            f"<tr><th colspan='{len(names)}'>Clusters</th>" + "<th></th>" * len(extras) + "</tr>"
            if how.depth > 1
            else ""
        )
        body = "".join(
            "<tr>"
            + "".join(f"<td>{cell[at, name]}</td>" for name in names)
            + "".join(f"<td>{one}</td>" for _, one in extras)
            + "</tr>"
            for at in range(len(records))
        )
        return f"{over}<table>{upper}<tr>{heads}</tr>{line if units else ''}{body}</table>"
    if how.kind == "columns":
        rows = "".join(
            f"<tr><th>{named[name]}{colon}</th>"
            + "".join(f"<td>{cell[at, name]}</td>" for at in range(len(records)))
            + "</tr>"
            for name in names
        )
        return f"{over}<table>{rows}</table>"
    blocks = []
    for at in range(len(records)):
        if how.kind == "dl":
            inner = (
                "<dl>"
                + "".join(f"<dt>{named[name]}{colon}</dt><dd>{cell[at, name]}</dd>" for name in how.order)
                + "</dl>"
            )
        elif how.kind == "lines":
            inner = "<p>" + "<br>".join(f"<b>{named[name]}{colon}</b> {cell[at, name]}" for name in how.order) + "</p>"
        elif how.kind == "pairs":
            inner = (
                "<table>"
                + "".join(f"<tr><td>{named[name]}{colon}</td><td>{cell[at, name]}</td></tr>" for name in how.order)
                + "</table>"
            )
        else:
            inner = "".join(
                f"<div><span class='label'>{named[name]}{colon}</span> <span>{cell[at, name]}</span></div>"
                for name in how.order
            )
        blocks.append(f"<div class='card'><h3>{cell[at, 'cluster']}</h3>{inner}</div>")
    return "".join(blocks)


def encoded(html: str, charset: str) -> bytes:
    whole = f"<html><head><title>x</title></head><body><h1>All of them</h1>{html}<p>Fin – é</p></body></html>"
    if charset == "double":
        return (
            whole.encode().decode("cp1252", "ignore").encode()
            if "\u00a0" not in whole and "₹" not in whole
            else whole.encode()
        )
    return whole.encode("cp1252", "xmlcharrefreplace") if charset == "cp1252" else whole.encode()


@given(RECORDS, CHOICES)
@settings(
    max_examples=25,
    phases=[p for p in __import__("hypothesis").Phase if p.name != "shrink"],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_what_is_written_is_read(records: list[dict[str, Any]], how: Choice) -> None:
    if how.place == "over" and how.kind not in {"rows", "columns"}:
        how = replace(how, place="cell")
    reading = reader.read(encoded(page(records, how), how.charset), LABELS, required={"cluster"}, title="cluster")
    assert reading is not None
    assert not [note for note in reading.notes if "was read as" in note]
    read = [
        (at, name, value.text, value.unit)
        for at, record in enumerate(reading.records)
        for name, values in sorted(record.values.items())
        for value in values
    ]
    asked = [(nr, text, unit) for nr, (_, name, text, unit) in enumerate(read) if LABELS.kind(name) != "text"]
    SQL.execute("DELETE FROM said")
    SQL.executemany("INSERT INTO said VALUES (?, ?, ?)", asked)
    row = SQL.execute("EXECUTE figures").fetchone()
    assert row is not None
    figures = iter(row[0] or [])
    came: list[tuple[int, str, Any]] = []
    for at, name, text, _ in read:
        if LABELS.kind(name) == "text":
            came.append((at, name, text))
        else:
            figure = next(figures)
            came.append((at, name, (figure["value"], figure["unit_measure"])))
    factor, currency = MONEY[how.unit]
    expected = [
        (
            at,
            name,
            record[name]
            if LABELS.kind(name) == "text"
            else (record[name] * factor, currency)
            if name == "turnover"
            else (float(record[name]), None),
        )
        for at, record in enumerate(records)
        for name in sorted(record)
    ]
    assert came == expected
