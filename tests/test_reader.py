"""The reader of pages by their labels, and numbers as people write them, against slow and plain second readings."""

from __future__ import annotations

from html import escape
from types import SimpleNamespace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scrapy.http import HtmlResponse

from crawlers.batch import LeftOut
from crawlers.reader import (
    POST_BACK,
    Ask,
    Labels,
    Walk,
    asked_of,
    fields,
    forms,
    normal,
    page,
    read,
    read_first,
    tables,
    text,
    xml,
)
from crawlers.reader.over import stated_over
from crawlers.spider import Spider
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
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="<>&ÂÃÄÅâà"),
    min_size=1,
    max_size=8,
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


# Quantities -----------------------------------------------------------------------------------------------------------

QUANTITIES: list[tuple[str, str, str, dict[str, object] | None]] = [
    ("1,58,128", ".", "", {"value": 158128.0}),
    ("99,999,999", ".", "", {"value": 99999999.0}),
    ("1,23,45,678", ".", "", {"value": 12345678.0}),
    ("1.240", ",", "", {"value": 1240.0}),
    ("1.240", ".", "", {"value": 1.24}),
    ("1\u00a0240", ",", "", {"value": 1240.0}),
    ("two lakh", ".", "", {"value": 200000.0, "multiplier": 100000.0}),
    ("four-lakh", ".", "", {"value": 400000.0}),
    ("1.6 lakh", ".", "", {"value": 160000.0}),
    ("twenty five units", ".", "", {"value": 25.0}),
    ("half a million", ".", "", {"value": 500000.0}),
    ("Rs. 10 crore", ".", "", {"value": 1e8, "unit_measure": "INR"}),
    ("Rs10 crores", ".", "", {"value": 1e8, "unit_measure": "INR"}),
    ("50 Lacs Rs.", ".", "", {"value": 5e6, "unit_measure": "INR"}),
    ("12 Rs. Crore", ".", "", {"value": 1.2e8, "unit_measure": "INR"}),
    ("`550 crore", ".", "", {"value": 5.5e9, "unit_measure": "INR"}),
    ("₹ 4,000 Cr.", ".", "", {"value": 4e10, "unit_measure": "INR"}),
    ("Rs. 4,000/-", ".", "", {"value": 4000.0, "unit_measure": "INR"}),
    ("1 lakh crore", ".", "", {"value": 1e12}),
    ("C$ 1.2 million", ".", "", {"value": 1.2e6, "unit_measure": "CAD"}),
    ("15,2 milliards C$", ",", "", {"value": 1.52e10, "unit_measure": "CAD"}),
    ("US$5bn", ".", "", {"value": 5e9, "unit_measure": "USD"}),
    ("€ 3,5 Mio.", ",", "", {"value": 3.5e6, "unit_measure": "EUR"}),
    ("करीब 15 हजार", ".", "", {"value": 15000.0, "qualifier": "about"}),
    ("१,५८,१२८", ".", "", {"value": 158128.0}),
    ("about 15,000 people", ".", "", {"value": 15000.0, "qualifier": "about"}),
    ("nearly 4 lakh", ".", "", {"value": 400000.0, "qualifier": "about"}),
    ("approx. 450", ".", "", {"value": 450.0, "qualifier": "about"}),
    ("450 (approx.)", ".", "", {"value": 450.0, "qualifier": "about"}),
    ("more than Rs. 20 lakhs", ".", "", {"value": 2e6, "qualifier": "over", "unit_measure": "INR"}),
    ("500+", ".", "", {"value": 500.0, "qualifier": "over"}),
    ("up to 100 units", ".", "", {"value": 100.0, "qualifier": "under"}),
    ("less than 5%", ".", "", {"value": 5.0, "qualifier": "under", "unit_measure": "percent"}),
    ("100-150", ".", "", {"value": None, "low": 100.0, "high": 150.0, "qualifier": "range"}),
    ("between 100 and 150 units", ".", "", {"value": None, "low": 100.0, "high": 150.0, "qualifier": "range"}),
    ("Rs. 3 to 4 lakh", ".", "", {"low": 300000.0, "high": 400000.0, "unit_measure": "INR"}),
    ("4,000", ".", "Rs. in Crore", {"value": 4e10, "unit_measure": "INR"}),
    ("4000 crore", ".", "Rs. Crore", {"value": 4e10, "unit_measure": "INR", "multiplier": 1e7}),
    ("120", ".", "'000", {"value": 120000.0}),
    ("1.2 million", ".", "'000", {"value": 1200000.0}),
    ("12.5", ".", "in %", {"value": 12.5, "unit_measure": "percent"}),
    ("459 (2010-11)", ".", "", {"value": 459.0}),
    ("70 (50+20)", ".", "", {"value": 70.0, "contradiction": False}),
    ("Rs 4000 crores (40 billion)", ".", "", {"value": 4e10, "contradiction": False}),
    ("Rs. 550 crore (US$ 66 million)", ".", "", {"value": 5.5e9, "unit_measure": "INR", "contradiction": False}),
    (
        "0.4 billion rupees (4000 crores)",
        ".",
        "",
        {"value": None, "contradiction": True, "readings": [4e8, 4e10], "unit_measure": "INR"},
    ),
    ("459 (450)", ".", "", {"value": None, "contradiction": True, "readings": [459.0, 450.0]}),
    ("cerca de 36 mil", ",", "", {"value": 36000.0, "qualifier": "about"}),
    ("3,5 mil millones de euros", ",", "", {"value": 3.5e9, "unit_measure": "EUR"}),
    ("più di 12mila addetti", ",", "", {"value": 12000.0, "qualifier": "over"}),
    ("1,35 miliardi", ",", "migliaia di euro", {"value": 1.35e9, "unit_measure": "EUR"}),
    ("mniej niż 30 tys. osób", ",", "", {"value": 30000.0, "qualifier": "under"}),
    ("1,3 mld zł", ",", "mln zł", {"value": 1.3e9, "unit_measure": "PLN"}),
    ("30,2", ",", "tys. osób", {"value": 30200.0}),
    ("5,2 Mds d’euros", ",", "", {"value": 5.2e9, "unit_measure": "EUR"}),
    ("meer dan 2 miljoen euro", ",", "", {"value": 2e6, "qualifier": "over", "unit_measure": "EUR"}),
    ("över 3 miljoner", ",", "", {"value": 3e6, "qualifier": "over"}),
    ("RM 20 juta", ".", "", {"value": 2e7, "unit_measure": "MYR"}),
    ("R48.2 billion", ".", "", {"value": 4.82e10, "unit_measure": "ZAR"}),
    ("R$ 5 milhões", ",", "", {"value": 5e6, "unit_measure": "BRL"}),
    ("4.2B", ".", "$", {"value": 4.2e9}),
    ("7,25 v. H.", ",", "", {"value": 7.25, "unit_measure": "percent"}),
    ("± 140", ".", "", {"value": 140.0, "qualifier": "about"}),
    ("entre 5 y 10 mil", ",", "", {"value": None, "low": 5000.0, "high": 10000.0, "qualifier": "range"}),
    ("12.000/13.000", ",", "", {"value": None, "low": 12000.0, "high": 13000.0, "qualifier": "range"}),
    ("1 230 (dont 84 % de PME)", ",", "", {"value": 1230.0, "unit_measure": None}),
    ("R36 bn (2019 prices)", ".", "", {"value": 3.6e10, "unit_measure": "ZAR"}),
    ("R$ 1,9 bi", ",", "", {"value": 1.9e9, "unit_measure": "BRL"}),
    ("38 mi", ".", "", {"value": None}),
    ("Rs. 500/- crores", ".", "", {"value": 5e9, "unit_measure": "INR"}),
    ("2,1 Md€ dont 28 % à l'export", ",", "", {"value": 2.1e9, "unit_measure": "EUR"}),
    ("140 units, of which 20 large", ".", "", {"value": 140.0, "qualifier": None}),
    ("4000 (large: 4, small: rest)", ".", "", {"value": 4000.0}),
    ("+/- 6 500", ",", "", {"value": 6500.0, "qualifier": "about"}),
    ("58,7", ",", "miles de millones de pesos", {"value": 5.87e10}),
    ("12,5", ",", "miles de dólares", {"value": 12500.0}),
    ("10 et 20", ",", "", None),
    ("3/4", ".", "", None),
    ("30 mån", ",", "", None),
    ("15", ".", "Rs. lakh / US$ million", {"value": None, "contradiction": True, "readings": [15.0]}),
    ("15", ".", "Rs. Crore per million tonnes", {"value": None, "contradiction": True}),
    ("15", ".", "lakh crore", {"value": 1.5e13}),
    ("2", ".", "'000 crore", {"value": 2e10}),
    ("5", ".", "रु. करोड़ (Rs. Crore)", {"value": 5e7, "unit_measure": "INR"}),
    ("15", ".", "Rs. Crore, %", {"value": None, "contradiction": True}),
    ("70 (50+30)", ".", "", {"value": None, "contradiction": True}),
    ("300 units and 20 traders", ".", "", None),
    ("5 km from Rajkot", ".", "", None),
    *[(area, ".", "", None) for area in ("5 m²", "5 km²", "450 ft²", "12 m³", "12 sq m²")],
    ("140²", ".", "", {"value": 140.0}),
    ("140 units²", ".", "", {"value": 140.0}),
    ("5 m", ".", "", {"value": None, "contradiction": True, "readings": [5.0, 5e6]}),
    ("5-10 m", ".", "", {"value": None, "low": None, "high": None, "contradiction": True, "qualifier": None}),
    ("5", ".", "M", {"value": None, "contradiction": True, "readings": [5.0, 5e6]}),
    ("140 b", ".", "", {"value": None, "contradiction": True, "readings": [140.0, 1.4e11]}),
    ("€5m", ".", "", {"value": 5e6, "unit_measure": "EUR"}),
    ("5 m", ".", "Rs", {"value": 5e6, "unit_measure": "INR"}),
    ("5", ".", "€ m", {"value": 5e6, "unit_measure": "EUR"}),
    ("₹ 5-10 m", ".", "", {"low": 5e6, "high": 1e7, "unit_measure": "INR", "contradiction": False}),
    ("(1,200)", ".", "", {"value": None, "contradiction": True, "readings": [1200.0, -1200.0]}),
    ("(Rs. 1,200)", ".", "", {"value": None, "contradiction": True, "readings": [1200.0, -1200.0]}),
    ("15000 approx.", ".", "", {"value": 15000.0, "qualifier": "about"}),
    ("15,000 approximately", ".", "", {"value": 15000.0, "qualifier": "about"}),
    ("15,000 workers, approx", ".", "", {"value": 15000.0, "qualifier": "about"}),
    ("Rs. 5 crore approx.", ".", "", {"value": 5e7, "qualifier": "about", "unit_measure": "INR"}),
    (
        "10-12,000",
        ".",
        "",
        {"value": None, "low": None, "high": None, "contradiction": True, "readings": [10, 1e4, 1.2e4]},
    ),
    ("10-12.000", ",", "", {"low": None, "contradiction": True}),
    ("10-12 thousand", ".", "", {"low": 1e4, "high": 1.2e4, "contradiction": False}),
    ("500-1,000", ".", "", {"low": 500.0, "high": 1000.0, "contradiction": False}),
    ("between 10 and 12,000", ".", "", {"low": 10.0, "high": 12000.0}),
    (
        "10 USD",
        ".",
        "Rs. Crore",
        {"value": None, "contradiction": True, "readings": [10.0, 1e8], "unit_measure": None},
    ),
    ("459 (FY18-19)", ".", "", {"value": 459.0}),
    ("FY18-19", ".", "", None),
    ("12,34", ".", "", None),
    ("2018-19", ".", "", None),
    *[
        (nothing, ".", "Rs. Crore", None)
        for nothing in ("", "NaN%", "n/a", "N.A.", "x", "..", "--", "-", "several lakh")
    ],
]


@pytest.mark.duckdb
def test_quantities_as_people_write_them() -> None:
    SQL.execute("CREATE OR REPLACE TEMP TABLE said (nr INT, words VARCHAR, mark VARCHAR, unit VARCHAR)")
    SQL.executemany("INSERT INTO said VALUES (?, ?, ?, ?)", [(nr, *one[:3]) for nr, one in enumerate(QUANTITIES)])
    rows = SQL.execute("SELECT quantity(words, mark, unit := unit) FROM said ORDER BY nr").fetchall()
    came = {
        (words, mark, unit): figure and {name: figure[name] for name in expected or figure}
        for (words, mark, unit, expected), (figure,) in zip(QUANTITIES, rows, strict=True)
    }
    assert came == {(words, mark, unit): expected for words, mark, unit, expected in QUANTITIES}


@pytest.mark.duckdb
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("quantity('$ 52,000', '.', dollar := 'CAD').unit_measure", "CAD"),
        ("quantity('$ 52,000', '.').unit_measure", None),
        ("settled([quantity('0.4 bn (4000 crores)', '.'), quantity('Rs 4000 crores (40 billion)', '.')]).value", 4e10),
        ("settled([quantity('140', '.'), quantity('150', '.')]).contradiction", True),
        ("settled([quantity('140', '.'), quantity('n/a', '.')]).value", 140.0),
        ("settled([NULL])", None),
        ("period_of('2018-19', fiscal := '04-01')", "2018-04-01/P1Y"),
        ("period_of('FY2018-19', fiscal := '04-01')", "2018-04-01/P1Y"),
        ("period_of('F.Y. 2018-2019', fiscal := '04-01')", "2018-04-01/P1Y"),
        ("period_of('FY19', fiscal := '04-01')", "2018-04-01/P1Y"),
        *[
            (f"period_of('{year}', fiscal := '04-01')", "2018-04-01/P1Y")
            for year in ("FY18-19", "F.Y. 18-19", "FY 18/19", "financial year 18-19")
        ],
        ("period_of('FY98-99', fiscal := '04-01')", "1998-04-01/P1Y"),
        ("period_of('FY99-00', fiscal := '04-01')", "1999-04-01/P1Y"),
        *[(f"period_of('{span}', fiscal := '04-01')", None) for span in ("18-19", "FY18-20")],
        ("period_of('FY18-19')", None),
        *[
            (f"period_of('{day}')", "2019-03-31")
            for day in ("31/03/2019", "as on 31.03.2019", "31-03-2019", "03/31/2019", "2019-03-31", "31 March 2019")
        ],
        ("period_of('05/05/2019')", "2019-05-05"),
        ("period_of('03/04/2019')", None),
        ("period_of('Data pertains to 2018-19', fiscal := '04-01')", "2018-04-01/P1Y"),
        ("period_of('2018-19')", None),
        ("period_of('2010-12', fiscal := '04-01')", None),
        ("period_of('2016-03')", "2016-03"),
        ("period_of('March 2019')", "2019-03"),
        ("period_of('2016')", "2016"),
        ("period_of('soon')", None),
        ("period_of('Mar-19')", None),  # a year or a day
        ("period_of('March 19')", None),
        ("date_of('31/12/99', 'dmy')::VARCHAR", "1999-12-31"),
        ("date_of('31.12.68', 'dmy')::VARCHAR", "2068-12-31"),
        ("date_of('1/1/69', 'dmy')::VARCHAR", "1969-01-01"),
        ("date_of('05-04-16', 'dmy')::VARCHAR", "2016-04-05"),
        ("date_of('05-04-16', 'mdy')::VARCHAR", "2016-05-04"),
        ("date_of('05-04-16', NULL)", None),  # no ISO 8601
        ("date_of('5-Apr-16', 'dmy')::VARCHAR", "2016-04-05"),
        ("date_of('5th April 16', 'dmy')::VARCHAR", "2016-04-05"),
        ("date_of('April 5, 16', 'mdy')::VARCHAR", "2016-04-05"),
        ("date_of('31/12/099', 'dmy')", None),
        ("date_of('2016-4-5', 'dmy')::VARCHAR", "2016-04-05"),
        ("date_of('2018-19', 'dmy')", None),
        ("date_of('5 April, 2016', 'dmy')::VARCHAR", "2016-04-05"),
        ("date_of('5-Apr-2016', 'dmy')::VARCHAR", "2016-04-05"),
        ("date_of('13/07/2020', 'dmy')::VARCHAR", "2020-07-13"),
        ("date_of('3-12-2021', 'dmy')::VARCHAR", "2021-12-03"),
        ("date_of('07/13/2020', 'mdy')::VARCHAR", "2020-07-13"),
        ("date_of('31.02.2020', 'dmy')", None),
        ("date_of('1st March 2020', 'dmy')::VARCHAR", "2020-03-01"),
    ],
)
def test_statements_periods_and_dates(expression: str, expected: object) -> None:
    assert evaluate(expression) == expected


# Labels, charsets, walks ----------------------------------------------------------------------------------------------


def test_a_label_carries_its_unit_and_period_and_near_misses_are_told() -> None:
    labels = Labels(
        {"turnover": ["Turnover", "कारोबार"], "employment": ["Employment", "Average jobs"], "state": ["State", "राज्य"]},
        kinds={"turnover": "money", "employment": "number"},
    )
    for label, expected in [
        ("Turnover (Rs. Crore)", ("turnover", "Rs. Crore", "", "")),
        ("TURNOVER, in Rs. lakh", ("turnover", "in Rs. lakh", "", "")),
        ("Turnover during 2018-19 (Rs. Crore)", ("turnover", "Rs. Crore", "2018-19", "")),
        ("Employment ('000)", ("employment", "'000", "", "")),
        ("राज्य State", ("state", "", "", "")),
        ("Turnover कारोबार (₹ crore)", ("turnover", "₹ crore", "", "")),
        ("Turnover (R million)", ("turnover", "R million", "", "")),
        ("Turnover en millions d'euros", ("turnover", "millions d'euros", "", "")),
        ("Avg. jobs (tys. osób)", ("employment", "tys. osób", "", "")),
        ("कारोबार की तिथि Date", None),
        ("Employmnt", ("employment", "", "", "Employment")),
        ("Turnover per employee", None),
        ("Employment (%)", None),
        ("Unemployment", None),
        ("Estate", None),
    ]:
        match = labels.match(label)
        assert (match and (match.field, match.unit, match.period, match.like)) == expected, label


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<p>Montréal – ₹</p>".encode(), "iso-8859-1"),
        ("<p>Montréal – </p>".encode("cp1252"), None),
        ("<p>Montréal – </p>".encode("cp1252"), "utf-8"),
        ("<p>Montréal ".encode() + "– </p>".encode("cp1252"), "utf-8"),
        ("<p>Montréal – </p>".encode().decode("cp1252").encode(), None),
        (b"<p>Montr&eacute;al &#150;</p>", None),
        ("<p>Montréal – </p>".encode("utf-16"), None),
        ("<p>Montréal – </p>".encode("cp1252"), "no-such-charset"),
        (b"<p>Montr&amp;eacute;al &amp;ndash;</p>", None),
    ],
)
def test_charsets_that_lie(body: bytes, charset: str | None) -> None:
    root = page(body, charset)
    assert root is not None
    assert text(root).removesuffix(" ₹") == "Montréal –"


def test_what_is_missing_is_told_with_the_closest_and_the_address() -> None:
    reading = read(
        b"<dl><dt>Cluster</dt><dd>A</dd><dt>Turn-out</dt><dd>5</dd></dl>",
        Labels({"cluster": ["Cluster"], "turnover": ["Turnover"]}),
        required={"cluster"},
        expected=["turnover"],
        address="http://a.example/1",
    )
    assert reading is not None
    told = "the label 'Turn-out' is not known; closest: turnover ('Turnover', 0.67), cluster ('Cluster', 0.29)"
    assert reading.notes == (
        "expected turnover ('Turnover'), found no such label; the closest unknown ones: 'Turn-out' (0.67)",
        told,
    )
    assert reading.report()[1] == f"http://a.example/1: {told}"


_KNOWN = Labels(
    {"cluster": ["Cluster"], "state": ["State"], "units": ["No. of units"], "product": ["Product"]},
    kinds={"units": "number"},
)
_ROWS = "<tr><td>Morbi</td><td>1,200</td><td>9</td></tr><tr><td>Surat</td><td>60</td><td>8</td></tr>"


@pytest.mark.parametrize(
    ("main", "unknown"),
    [
        (
            f"<table><tr><th>Naam</th><th>Unit count</th><th>Empl.</th></tr>{_ROWS}</table>",
            ["Naam", "Unit count", "Empl."],
        ),
        (
            f"<table><tr><td>Naam</td><td>Unit count</td><td>Empl.</td></tr>{_ROWS}</table>",
            ["Naam", "Unit count", "Empl."],
        ),
        ("<table><tr><th>Naam</th><th>Goods</th></tr><tr><td>A</td><td>B</td></tr></table>", ["Naam", "Goods"]),
        ("<table><tr><td>Naam</td><td>Morbi</td></tr><tr><td>Firms</td><td>60</td></tr></table>", ["Naam", "Firms"]),
        (f"<table><tr><th>State</th><th>Naam</th><th>No. of units</th></tr>{_ROWS}</table>", ["Naam"]),
        ("<p><b>No. of units:</b> 140</p><p><b>Goods:</b> castings</p>", ["Goods"]),
        (
            "<p>Published: 3 May</p><table><tr><td>Home</td><td>News</td></tr><tr><td>a</td><td>b</td></tr></table>",
            None,
        ),
        (f"<nav><table><tr><th>Naam</th><th>Firms</th><th>Empl.</th></tr>{_ROWS}</table></nav>", None),
        (f"<table><tr><td>{_ROWS}</td></tr></table><p>State: Gujarat</p>", None),
        ("<h1>News</h1><p>We met in 2019: it was good.</p>", None),
    ],
)
def test_a_page_without_records_tells_what_it_lacks_only_where_it_looks_like_data(
    main: str, unknown: list[str] | None
) -> None:
    root = page(f"<html><body>{main}</body></html>".encode())
    assert root is not None
    reading = read_first(root, _KNOWN, [{"cluster", "product"}, {"cluster"}])
    assert reading.records == ()
    told = [note.split("'")[1] for note in reading.missed if note.startswith("the label ")]
    assert (told if reading.missed else None) == unknown
    assert [note.split()[1] for note in reading.missed if note.startswith("expected ")] == ["cluster"] * bool(unknown)


def test_the_first_fields_that_give_records_count() -> None:
    root = page(b"<table><tr><th>State<th>Cluster<th>Empl.</tr><tr><td>Gujarat<td>Morbi<td>5</tr></table>")
    assert root is not None
    reading = read_first(root, _KNOWN, [{"product"}, {"cluster"}, {"state"}], expected=["units"])
    assert [record.text("cluster") for record in reading.records] == ["Morbi"]
    assert (reading.looks_like_data, reading.missed) == (False, ())
    assert reading.notes[0].startswith("expected units ('No. of units'), found no such label")


def test_a_post_is_kept_under_an_address_that_tells_what_was_chosen() -> None:
    root = page(
        b"<form method=post action=/r><input type=hidden name=v value=1><select name=s><option value=''>-- Select --"
        b"<option value=9>Uttar Pradesh</select></form>"
    )
    assert root is not None
    [form] = forms(root, "http://a.example/")
    [ask] = form.combinations()
    assert ask == Ask("http://a.example/r", "POST", (("v", "1"), ("s", "9")), (("s", "Uttar Pradesh"),))
    assert asked_of(ask.named) == {"s": "Uttar Pradesh"}
    assert form.count() == 1


def test_a_template_that_asks_for_more_arguments_than_a_call_has_is_refused() -> None:
    walk = Walk(calls={"go": "/x?a={0}&b={1}"})
    with pytest.raises(ValueError, match="go has 1 arguments"):
        walk.follow(b"<a href=\"javascript:go('1')\">1</a>", "http://a.example/")


def test_a_spider_follows_what_a_page_leads_to_and_says_what_the_limit_left_out() -> None:
    harvest = SimpleNamespace(failures=[], warnings=[], not_understood=[])
    spider = type("FeedSpider", (Spider,), {"name": "in.observatory"})(
        harvest, "http://a.example/base", ["a.example"], None, None
    )
    walk = Walk(calls={"go": "/x?n={0}"}, forms=True, limit=4)
    body = (
        b"<form method=post action=/r><select name=s><option value=9>Uttar Pradesh<option value=24>Goa</select></form>"
        b"<p class=pager><a href='?page=2'>2</a></p><a href=\"javascript:go('3')\">3</a>"
    )
    response = HtmlResponse("http://a.example/list", body=body, headers={"Content-Type": "text/html; charset=utf-8"})
    made = [(one.method, one.url, one.body) for one in spider.follow(response, walk, print)]
    assert made == [
        ("GET", "http://a.example/list?page=2", b""),
        ("GET", "http://a.example/base/x?n=3", b""),
        ("POST", "http://a.example/r#s=Uttar+Pradesh", b"s=9"),
    ]
    assert harvest.failures == [
        "in.observatory: 1 addresses were not asked for: the limit is 4; raise it, or narrow what is walked"
    ]
    assert not [*spider.follow(response, walk, print)]


CLUSTERS = Labels(
    {
        "cluster": ["Cluster"],
        "units": ["Units", "Firms"],
        "turnover": ["Turnover"],
        "lq": ["LQ"],
        "share": ["Share"],
    },
    kinds={"units": "number", "turnover": "money", "lq": "ratio", "share": "share"},
)


def clusters(body: str, title: str | None = None) -> list[dict[str, tuple[str, str]]]:
    """What a page says of clusters: field → text and unit."""
    reading = read(body.encode(), CLUSTERS, required=["cluster"], title=title)
    assert reading is not None
    return [
        {name: (values[0].text, values[0].unit) for name, values in record.values.items()} for record in reading.records
    ]


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("Values in ₹ crore unless stated otherwise", "₹ crore"),
        ("Turnover in thousands of euros; firms as counted in May", "thousands of euros"),
        ("Tous montants confondus. Montants exprimés en milliers d’euros", "milliers d’euros"),
        ("(Alle Beträge in Mio. €, sofern nicht anders vermerkt)", "Mio. €"),
        ("Turnover rose in thousands of firms", ""),
    ],
)
def test_a_sentence_over_a_table_states_the_unit_of_what_it_names(line: str, unit: str) -> None:
    rows = "<tr><th>Cluster</th><th>Firms</th><th>Turnover</th></tr><tr><td>Agra</td><td>80</td><td>550</td></tr>"
    table = f"<table>{rows}<tr><td>Gesamt / Total</td><td>80</td><td>550</td></tr></table>"
    assert clusters(f"<p>{line}</p>{table}") == [
        {"cluster": ("Agra", ""), "units": ("80", ""), "turnover": ("550", unit)}
    ]


ACROSS = (
    "<tr><th>Cluster</th><th>Firms</th><th>Turnover</th><th>LQ</th><th>Share</th></tr>"
    "<tr><td>Agra</td><td>1,240</td><td>10</td><td>1.24</td><td>3</td></tr>"
)
DOWN = "".join(
    f"<tr><th>{label}</th><td>{value}</td></tr>"
    for label, value in (("Cluster", "Agra"), ("Firms", "1,240"), ("Turnover", "10"), ("LQ", "1.24"), ("Share", "3"))
)


def figures_under(lines: list[str]) -> list[tuple[dict[str, float | None], tuple[str, ...]]]:
    """The figures of a table under each line, and what is told; the same whichever way table and line stand."""
    told: list[tuple[str, ...]] = []
    cells: list[tuple[int, str, str, str]] = []
    for nr, line in enumerate(lines):
        came = []
        for rows, width in ((ACROSS, 5), (DOWN, 2)):
            for page_ in (
                f"<p>{line}</p><table>{rows}</table>",
                f"<table><caption>{line}</caption>{rows}</table>",
                f"<table><tr><td colspan='{width}'>{line}</td></tr>{rows}</table>",
            ):
                reading = read(f"<h1>Clusters</h1>{page_}".encode(), CLUSTERS, required=["cluster"])
                assert reading is not None
                [record] = reading.records
                assert record.text("cluster") == "Agra"
                figures = [value for name in FIGURES for value in record.values[name]]
                came.append(([(one.field, one.text, one.unit) for one in figures], reading.notes))
        notes = [tuple(note for note in of if not note.startswith("the label ")) for _, of in came]
        assert all(of == notes[0] for of in notes), line
        assert all(figures == came[0][0] for figures, _ in came), line
        told.append(notes[0])
        cells += [(nr, *figure) for figure in came[0][0]]
    SQL.execute("CREATE OR REPLACE TEMP TABLE under (nr INT, field VARCHAR, words VARCHAR, unit VARCHAR)")
    SQL.executemany("INSERT INTO under VALUES (?, ?, ?, ?)", cells)
    values: list[dict[str, float | None]] = [{} for _ in lines]
    for nr, name, value in SQL.execute(
        "SELECT nr, field, quantity(words, '.', unit := unit).value FROM under"
    ).fetchall():
        values[nr][name] = value
    return list(zip(values, told, strict=True))


FIGURES = ("units", "turnover", "lq", "share")
AS_WRITTEN: dict[str, float | None] = {"units": 1240.0, "turnover": 10.0, "lq": 1.24, "share": 3.0}
AMOUNTS = [
    "It has a turnover of over 0.4 billion rupees (4000 crores), more than others",
    "It makes 0.1 billion rupees (1000 crores).",
    "In its last survey (2011) it made Rs. 2000 crore (Rs. 20 billion).",
    "Jobs in the cluster (in 2 thousand firms).",
    "It has 2 lakh workers (1 lakh women).",
    "It grew by US$ 5-6 million (40 billion) a year (five thousand firms)",
    "Of its firms few have sales over Rs. 5 crore",
]
STATED = [
    ("Turnover in Rs. Crore", 1e8, 1240),
    ("All amounts in Rs. Crores", 1e8, 1240),
    ("Turnover Rs. in lakhs", 1e6, 1240),
    ("Turnover figures in Rs. Lakh", 1e6, 1240),
    ("Turnover is in Rs. crore.", 1e8, 1240),
    ("Turnover: Rs. in lakhs", 1e6, 1240),
    ("Amount: Rs. lakhs", 1e6, 1240),
    ("Amounts in Rs. Cr. Source: survey of 2011", 1e8, 1240),
    ("Survey of 2011. All figs. in Rs. lakh", 1e6, 1240),
    ("Amounts (Rs. lakhs)", 1e6, 1240),
    ("Table 3. Clusters of Gujarat, Rs. in crore", 1e8, 1240),
    ("Turnover (Rs. crore) and firms ('000)", 1e8, 1240000),
    ("Turnover in Rs. crore and firms in thousands", 1e8, 1240000),
    ("Firms and turnover (Rs. crore)", 1e8, 1240),
    ("(Rs. in crore, nos. in thousands)", 1e8, 1240000),
    ("All figures in thousands", 1e4, 1240000),
    ("(figures in lakh)", 1e6, 124000000),
    ("Numbers in thousands", 10, 1240000),
    ("(1.000 €)", 1e4, 1240),
]
BARE = (
    "the multiplier 'in thousands' stands over the table, which does not say that it is of all figures: 'Firms' is "
    "read without it"
)
TOLD = "over the table names a currency or a multiplier, and is not understood: no unit is taken from it"
DOUBTS = [
    ("Money is counted in crores here", "Money is counted in crores here"),
    ("Net sales in Rs. lakh", "Net sales in Rs. lakh"),
    ("Dues (1,000 rupees)", "1,000 rupees"),
]


@pytest.mark.duckdb
def test_lines_over_a_table_are_units_amounts_or_told() -> None:
    lines = [*AMOUNTS, *(line for line, _, _ in STATED), *(line for line, _ in DOUBTS), "(in thousands)"]
    expected = [
        *((AS_WRITTEN, ()) for _ in AMOUNTS),
        *((AS_WRITTEN | {"turnover": turnover, "units": units}, ()) for _, turnover, units in STATED),
        *((AS_WRITTEN, (f"{said!r} {TOLD}",)) for _, said in DOUBTS),
        (AS_WRITTEN | {"turnover": 1e4}, (BARE,)),
    ]
    assert dict(zip(lines, figures_under(lines), strict=True)) == dict(zip(lines, expected, strict=True))


@given(
    st.integers(1, 10**6),
    st.booleans(),
    st.sampled_from(["", "Rs. ", "₹", "US$ ", "€ "]),
    st.sampled_from(["crore", "crores", "lakh", "thousand", "million", "bn", "Cr.", "Mio.", "percent"]),
    st.sampled_from(["", " rupees", " firms", " (4 lakh women)", " of dollars a year"]),
)
@settings(max_examples=100, deadline=None)
def test_no_figure_with_its_multiplier_is_a_unit(
    number: int, grouped: bool, currency: str, scale: str, behind: str
) -> None:
    amount = f"{currency}{number:,} {scale}{behind}" if grouped else f"{currency}{number} {scale}{behind}"
    for line in (
        f"It makes much ({amount})",
        f"({amount})",
        amount,
        f"It makes about {amount} in all.",
        f"Turnover {amount}",
    ):
        over = stated_over([line], CLUSTERS)
        assert (over.own, over.general) == ({}, {}), line


def test_a_ratio_has_no_unit_and_an_amount_in_a_label_is_none() -> None:
    heads = "<tr><th rowspan=2>Cluster</th><th colspan=2>All (in thousands)</th></tr><tr><th>Firms</th><th>LQ</th></tr>"
    table = f"<table>{heads}<tr><td>Agra</td><td>80</td><td>1.24</td></tr></table>"
    assert clusters(table) == [{"cluster": ("Agra", ""), "units": ("80", "in thousands"), "lq": ("1.24", "")}]
    assert CLUSTERS.match("LQ ('000)") is None
    for label, unit in [
        ("Turnover (over Rs. 5 crore)", ""),
        ("Turnover (Rs. crore, firms over Rs. 5 lakh)", "Rs. crore"),
        ("Turnover (US$ million, 1 US$ = Rs. 65)", "US$ million"),
        ("Turnover (2018-19 Rs. crore)", "Rs. crore"),
        ("Firms (in 2 thousand villages)", ""),
        ("Firms (in '000)", "in '000"),
    ]:
        match = CLUSTERS.match(label)
        assert match is not None, label
        assert match.unit == unit, label
    area = page(b"<table><tr><td>5m<sup>2</sup></td><td>5 km<sup>2</sup></td><td>5 units<sup>2</sup></td></tr></table>")
    assert area is not None
    assert [text(cell) for cell in area.iter("td")] == ["5m2", "5 km2", "5 units"]


def test_what_explains_labels_or_stands_beside_a_list_is_no_record() -> None:
    one = "<h3>Figures</h3><dl><dt>Units</dt><dd>80</dd></dl><h3>Money</h3><dl><dt>Turnover</dt><dd>550</dd></dl>"
    pages = "".join(f"<div class='box'><h2>{name}</h2>{one}</div>" for name in ("Agra", "Batala", "Rajkot"))
    agra = {"units": ("80", ""), "turnover": ("550", "")}
    expected = [{"cluster": (name, ""), **agra} for name in ("Agra", "Batala", "Rajkot")]
    for beside in (
        "<h2>Glossary</h2><dl><dt>Cluster</dt><dd>Firms near one another</dd><dt>Units</dt><dd>Firms</dd></dl>",
        "<details><summary>Definitions</summary><p>Units: all firms of 2011.</p></details>",
        "<aside><h2>News</h2><p>Units: 12 more in May</p></aside>",
    ):
        assert clusters(f"<div>{beside}</div><div id='list'>{pages}</div>", "cluster") == expected, beside
    sole = "<aside><dl><dt>Units</dt><dd>80</dd><dt>Turnover</dt><dd>550</dd></dl></aside>"
    assert clusters(f"<h1>Agra</h1>{sole}", "cluster") == [{"cluster": ("Agra", ""), **agra}]


def test_values_above_their_labels_below_a_name_and_in_one_column() -> None:
    agra = {"cluster": ("Agra", ""), "units": ("80", ""), "turnover": ("—", "")}
    batala = {"cluster": ("Batala", ""), "units": ("9", ""), "turnover": ("12", "")}
    tiles = "".join(
        f"<div class='card'><h4>{name}</h4><div><p class='v'>{units}</p><p class='{look}'>Units</p></div>"
        f"<div><p class='v'>{money}</p><p class='{look}'>Turnover</p></div></div>"
        for look in ("lbl",)
        for name, units, money in (("Agra", "80", "—"), ("Batala", "9", "12"))
    )
    assert clusters(tiles, "cluster") == [agra, batala]
    lists = "".join(
        f"<p>Cluster: {name}</p><ul><li>Units – {units}</li><li>Turnover – {money}</li></ul>"
        for name, units, money in (("Agra", "80", "—"), ("Batala", "9", "12"))
    )
    assert clusters(lists) == [agra, batala]
    column = "<tr><th></th><th>Agra</th></tr><tr><td>Units</td><td>80</td></tr><tr><td>Turnover</td><td>—</td></tr>"
    select = "<tr><td>Cluster</td><td><select><option>Agra</option></select></td></tr>"
    form = f"<form><table>{select}<tr><td>Note</td><td>One at a time</td></tr></table></form>"
    assert clusters(f"<h1>Query</h1>{form}<table>{column}</table>", "cluster") == [agra]


def test_columns_of_change_are_left_out_and_men_and_women_are_no_units() -> None:
    for last, names in (("Annual growth", ["Agra"]), ("Climate Change Cluster", ["Agra", "Climate Change Cluster"])):
        rows = "<tr><td>Units</td><td>80</td><td>9</td></tr><tr><td>Turnover</td><td>5</td><td>4</td></tr>"
        made = clusters(f"<table><tr><th></th><th>Agra</th><th>{last}</th></tr>{rows}</table>", "cluster")
        assert [one["cluster"][0] for one in made] == names
    head = "<tr><th rowspan=2>Cluster</th><th colspan=3>Units</th></tr><tr><th>M</th><th>F</th><th>Total</th></tr>"
    row = "<tr><td>Agra*</td><td>50</td><td>30</td><td>80</td></tr>"
    assert clusters(f"<table>{head}{row}</table>") == [{"cluster": ("Agra", ""), "units": ("80", "")}]


def test_calls_that_only_sort_are_not_made() -> None:
    links = "".join(f"<a href=\"javascript:__doPostBack('g','{what}')\">{what}</a>" for what in ("Sort$Name", "Page$2"))
    asks = Walk(calls={"__doPostBack": POST_BACK}).follow(
        f"<form action='l.aspx'>{links}</form>".encode(), "http://e/l"
    )
    assert [dict(ask.fields)["__EVENTARGUMENT"] for ask in asks or []] == ["Page$2"]
