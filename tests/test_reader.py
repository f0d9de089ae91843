"""The reader of pages by their labels, and numbers as people write them, against slow and plain second readings."""

from __future__ import annotations

from html import escape

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.reader import Labels, fields, normal, page, tables, text, xml
from crawlers.spider import LeftOut
from normalizers.values import MACROS

LABELS = Labels(
    {"region": ["Region", "NUTS region"], "employment": ["Employment", "Employees", "Beschäftigte"], "stars": ["Stars"]}
)
SQL = duckdb.connect(":memory:")
SQL.execute(MACROS)


def evaluate(expression: str, *values: object) -> object:
    row = SQL.execute(f"SELECT {expression}", list(values)).fetchone()
    assert row is not None
    return row[0]


WORDS = st.text(
    # Letters that begin UTF-8 read as windows-1252 are left out: what follows them may be mended.
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="<>&ÂÃÄÅâà"), min_size=1, max_size=8
)


@given(
    st.permutations(["Region", "Employees:", "STARS (0-3)", "Rank", ""]), st.lists(st.tuples(*[WORDS] * 5), max_size=4)
)
@settings(max_examples=60, deadline=None)
def test_columns_are_found_by_label_in_any_order(order: list[str], rows: list[tuple[str, ...]]) -> None:
    header = "".join(f"<th>{label}</th>" for label in order)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    document = page(f"<h2>ES51</h2><table><tr>{header}</tr>{body}<tr>{header}</tr></table>".encode())
    assert document is not None
    [table] = tables(document, LABELS, frozenset({"region", "employment"}))
    assert table.caption == "ES51"
    expected = [dict(zip(order, row, strict=True)) for row in rows]
    assert [row.cells for row in table.rows] == [
        {"region": row["Region"], "employment": row["Employees:"], "stars": row["STARS (0-3)"]} for row in expected
    ]
    assert [row.others["Rank"] for row in table.rows] == [row["Rank"] for row in expected]


def test_pairs_are_read_from_lists_tables_and_fields() -> None:
    document = page(
        "<dl><dt>NUTS region</dt><dd>Spain: Catalonia</dd><dt>Colour</dt><dd>red</dd></dl>"
        "<table><tr><th>Beschäftigte</th><td>1.240</td></tr></table>"
        '<div class="field"><div class="field__label">Stars</div><div class="field__items">'
        '<div class="field__item">1</div><div class="field__item">2</div></div></div>'.encode()
    )
    assert document is not None
    reading = fields(document, LABELS)
    assert reading.values == {"region": ["Spain: Catalonia"], "employment": ["1.240"], "stars": ["1", "2"]}
    assert reading.unexpected == ["Colour"]
    assert reading.missing(["region", "founded"]) == ["founded"]


def test_images_speak_where_there_is_no_text() -> None:
    document = page(
        b'<p><img src="/i/stars_3.gif?v=1"></p><p><img alt="star"><img alt="star"></p><p>x<script>y</script></p>'
    )
    assert document is not None
    assert [text(element) for element in document.iter("p")] == ["stars_3.gif", "star star", "x"]


def test_a_label_names_one_field() -> None:
    assert normal(" Größe  (in Tsd.):* ") == "grosse"
    with pytest.raises(ValueError, match="stands for b and for a"):
        Labels({"a": ["Size"], "b": ["SIZE:"]})


def test_xml_is_read_without_dtd_and_with_comments_before_its_declaration() -> None:
    root = xml(b"<!-- THEME DEBUG -->\n<!-- BEGIN -->\n<?xml version='1.0'?><a><b>1</b></a>", "x")
    assert root.findtext("b") == "1"
    for body in (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>', b"<a>"):
        with pytest.raises(LeftOut, match="x: expected XML"):
            xml(body, "x")


def test_a_damaged_page_states_no_more_columns_than_it_may() -> None:
    document = page(
        b'<table><tr><th>Region</th><th>Employment</th></tr><tr><td colspan="999999999">x</td></tr></table>'
    )
    assert document is not None
    [table] = tables(document, LABELS, frozenset({"region", "employment"}))
    assert table.rows[0].cells == {"region": "x", "employment": "x"}


# Numbers --------------------------------------------------------------------------------------------------------------


def written(number: int, decimals: str, mark: str, separator: str) -> str:
    """Write a number as a locale does."""
    return f"{number:,}".replace(",", separator) + (mark + decimals if decimals else "")


@given(
    st.integers(0, 10**12),
    st.from_regex(r"\A[0-9]{0,6}\Z"),
    st.sampled_from(
        [(",", "."), (",", " "), (",", "\u00a0"), (",", "\u202f"), (".", ","), (".", "'"), (".", ""), (",", "")]
    ),
)
@settings(max_examples=200, deadline=None)
def test_numbers_are_read_by_their_locale(number: int, decimals: str, locale: tuple[str, str]) -> None:
    mark, separator = locale
    shown = written(number, decimals, mark, separator)
    assert evaluate("number_of(?, ?)", shown, mark) == pytest.approx(float(f"{number}.{decimals or 0}"))
    if not decimals:
        assert evaluate("count_of(?)", shown) == number
    assert evaluate("mark_in(?)", shown) in {mark, None}


@given(st.text(max_size=12))
@settings(max_examples=200, deadline=None)
def test_what_is_no_number_is_null(anything: str) -> None:
    if not any(letter.isdigit() for letter in anything):
        for macro in ("number_of(?, '.')", "number_of(?, ',')", "count_of(?)", "mark_in(?)"):
            assert evaluate(macro, anything) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("number_of('1.240', ',')", 1240),
        ("number_of('1.240', '.')", 1.24),
        ("number_of('1 240,5', ',')", 1240.5),
        ("number_of('−0,5', ',')", -0.5),
        ("number_of('1.24', ',')", None),
        ("number_of('1 24 0', '.')", None),
        ("number_of('1.240', NULL)", None),
        ("count_of('12,34')", None),
        ("mark_of(['1.240', '0,5'])", ","),
        ("mark_of(['1.240', '17'])", None),
        ("mark_of(['1.5', '0,5'])", None),
        ("mark_in('0.125')", "."),
        ("stars_of('***')", 3),
        ("stars_of('★★☆')", 2),
        ("stars_of('2 stars')", 2),
        ("stars_of('stars_2.gif')", 2),
        ("stars_of('star.gif star.gif')", 2),
        ("stars_of('-')", 0),
        ("stars_of('')", None),
        ("stars_of('high')", None),
    ],
)
def test_values_as_people_write_them(expression: str, expected: object) -> None:
    assert evaluate(expression) == expected
