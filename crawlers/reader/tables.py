"""Tables: header rows of several levels, header columns, spans, lines of units, rows of sums, rows that head others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

from lxml import etree

from crawlers.reader.labels import (
    LONGEST,
    Labels,
    Match,
    is_bare,
    is_scaled,
    period_in,
    unit_of,
    unit_within,
)
from crawlers.reader.over import Over, stated_over
from crawlers.reader.pages import squeezed, text
from crawlers.reader.records import Record, Report, Value, without_stars

MAX_SPAN = 100
"""Columns that one cell may span: a page that states more is damaged, or means harm."""
MAX_ROW_SPAN = 1000
"""Rows that one cell may span, for the same reason; the head of a group may stand beside many rows."""
HEADER_WITHIN = 40
"""Rows from the top of a table among which its header is looked for."""
HEADER_LEVELS = 4
"""Rows that one header may have."""

_DATA_LABELS = ("data-label", "data-title", "data-th", "data-column", "data-header", "data-field", "aria-label")
_SERIAL = re.compile(r"\(?(?:\d{1,4}|[a-z]|[ivx]{1,5})[.)]*", re.IGNORECASE)
_COLUMN_NUMBER = re.compile(r"[(\[]?(\d{1,2}|[a-z])[)\]]?\.?", re.IGNORECASE)
_TOTAL = re.compile(
    r"(?:(?:grand|sub|overall|page|state)[\s-]*)?totals?(?:\s*[:.]|\s+(?:of|for|in|no|number)\b.*|\s*\(.*\))?|sums?:?|gesamt|"
    r"insgesamt|summe|zusammen|somme|ensemble(?: d\S.*)?|all india|toutes? (?:les )?\w+|totaux|total g[\u00e9e]n[\u00e9e]ral|totales?(?: generale?s?| (?:di )?pagina)?|totaal|totalt|jumlah|razem|og[\u00f3]\u0142em|suma|\u092f\u094b\u0917|\u0915\u0941\u0932(?: \u092f\u094b\u0917)?",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"(?:(?<![^\W\d])(?:[^\W\d]*ver\u00e4nderung|[^\W\d]*wachstum|variation|variaci\u00f3n|variazione|varia\u00e7\u00e3o|crecimiento|crescita|crescimento|croissance"
    r"|\u00e9volution|change|growth|zmiana)|increase|decrease|difference|cagr|\u0394)\b|\bvar\.|[+-]/[+-]|\u00b1",
    re.IGNORECASE,
)
"""A change from one year to another is no figure of either."""
_REMARK = re.compile(
    r"(?:notes?|sources?|quelle|hinweis|anmerkung|remarks?|n\.?b|legend|\u0938\u094d\u0930\u094b\u0924|\u091f\u093f\u092a\u094d\u092a\u0923\u0940)\b|[*\u2020\u2021]",
    re.IGNORECASE,
)
_NUMBER_WORDS = frozenset(
    [
        "number",
        "no",
        "no.",
        "nos",
        "nos.",
        "total",
        "value",
        "count",
        "absolute",
        "nombre",
        "anzahl",
        "all",
        "overall",
        "figure",
    ]
)
_UNIT_HEADS = frozenset(
    [
        "unidad",
        "unidad de medida",
        "unidade",
        "unità",
        "jednostka",
        "मात्रक",
        "unit",
        "unit of measurement",
        "unit of measure",
        "units of measurement",
        "uom",
        "measure",
        "einheit",
        "unité",
    ]
)


@dataclass(slots=True)
class Grid:
    """A table with its spans resolved.

    Attributes:
        table: the element.
        rows: for each row the cell that covers each column, or None.
        elements: the rows themselves.
        nested: whether cells hold tables of their own.
        width: columns of the widest row.
    """

    table: etree._Element
    rows: list[list[etree._Element | None]] = field(default_factory=list)
    elements: list[etree._Element] = field(default_factory=list)
    nested: bool = False
    width: int = 0

    def text(self, cell: etree._Element | None) -> str:
        """Return the text of a cell, without that of tables inside it that are read for themselves."""
        return "" if cell is None else text(cell, tables=not self.nested)

    def texts(self, number: int) -> list[str]:
        """Return the texts of a row."""
        return [self.text(cell) for cell in self.rows[number]]

    def is_full(self, number: int) -> bool:
        """Return whether one cell covers the whole row of a table that has several columns."""
        cells = self.rows[number]
        return (
            self.width > 1
            and bool(cells)
            and all(cell is cells[0] for cell in cells)
            and (len(cells) == self.width or (len(cells) > 1) or self.width > len(("label", "value")))
        )


def grid_of(table: etree._Element) -> Grid:
    """Return a table with its spans resolved; rows of tables inside it are not its own."""
    grid = Grid(table)
    open_spans: dict[int, tuple[etree._Element, int]] = {}
    grid.nested = any(inner is not table for inner in table.iter("table"))
    for row in table.iter("tr"):
        if grid.nested and next(row.iterancestors("table")) is not table:
            continue
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        spanned = open_spans or any(cell.get("rowspan") or cell.get("colspan") for cell in cells)
        line: list[etree._Element | None] = list(cells)
        if spanned:
            line = []
            for cell in cells:
                _covered(line, open_spans)
                down, across = _span(cell, "rowspan", MAX_ROW_SPAN), _span(cell, "colspan", MAX_SPAN)
                for _ in range(across):
                    if down > 1:
                        open_spans[len(line)] = (cell, down - 1)
                    line.append(cell)
            _covered(line, open_spans)
        grid.rows.append(line)
        grid.elements.append(row)
        grid.width = max(grid.width, len(line))
    return grid


def _covered(line: list[etree._Element | None], open_spans: dict[int, tuple[etree._Element, int]]) -> None:
    while len(line) in open_spans:
        cell, left = open_spans.pop(len(line))
        if left > 1:
            open_spans[len(line)] = (cell, left - 1)
        line.append(cell)


def _span(cell: etree._Element, name: str, most: int) -> int:
    stated = (cell.get(name) or "1").strip()
    return max(1, min(int(stated), most)) if stated.isascii() and stated.isdecimal() else 1


@dataclass(frozen=True, slots=True)
class Column:
    """What stands over a column, or before a row.

    Attributes:
        label: as written, its levels set off by `/`.
        match: what it stands for; None where it is not known.
        unit: as written; of the label, or of the line of units.
        period: the year or years, as written.
        group: levels that say none of these.
    """

    label: str
    match: Match | None = None
    unit: str = ""
    period: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a table: its rows from `first` to `last`, counted from 0, and its columns."""

    first: int
    last: int
    columns: tuple[Column, ...]

    @property
    def fields(self) -> set[str]:
        """The fields that its columns stand for."""
        return {column.match.field for column in self.columns if column.match}


def column_of(levels: list[str], labels: Labels, unit: str = "") -> Column:
    """Return what the levels of a header, the top one first, mean together."""
    levels = [level for number, level in enumerate(levels) if level and level not in levels[:number]]
    label = " / ".join(levels)
    if len(levels) > 1 and any(map(_is_letter, levels)):
        return Column(label, None, unit)
    for known in (labels.exact, labels.match):
        if len(levels) > 1:
            for joined in (" ".join(levels), " ".join(reversed(levels))):
                if (match := known(joined)) and labels.fits(match.field, _joined(match.unit, unit)):
                    return Column(label, match, _joined(match.unit, unit), match.period)
        for place in range(len(levels) - 1, -1, -1):
            match = known(levels[place])
            below = levels[place + 1 :]
            if match is None or not all(_is_aside(level) for level in below):
                continue
            units, periods, groups = [match.unit], [match.period], []
            for level in [*levels[:place], *below]:
                said_unit, said_period = _unit_in(level), period_in(level)
                units.append("" if labels.kind(match.field) == "ratio" and is_bare(said_unit) else said_unit)
                periods.append(said_period)
                if not said_unit and not said_period and not _is_aside(level):
                    groups.append(level)
            if not labels.fits(match.field, _joined(next(filter(None, units), ""), unit)):
                continue
            return Column(
                label,
                match,
                _joined(next(filter(None, units), ""), unit),
                next(filter(None, periods), ""),
                " / ".join(groups),
            )
    return Column(label, None, unit)


def _is_aside(level: str) -> bool:
    return (
        bool(unit_of(level) or _unit_in(level))
        or level.casefold().strip(" .:") in _NUMBER_WORDS
        or bool(period_in(level) and len(level) <= len("for the financial year 2018-2019"))
    )


def _is_letter(level: str) -> bool:
    """Return whether a level is one letter: `M` and `F` are men and women, and no million."""
    return len(level.strip(" .")) == 1 and level[0].isalpha()


def _is_change(head: str) -> bool:
    """Return whether a head says that a column holds changes, growth or differences, not the figures of its rows."""
    told = re.search(r"\d|%", head) or len(head.split()) <= len(("annual", "growth"))
    return bool(told and _CHANGE.search(head))  # else a name: `Climate Change Cluster`


def _unit_in(level: str) -> str:
    """Return the unit that a heading is, or carries in brackets, where it says more than what is counted."""
    found = [unit_of(level), *(unit_within(part) for part in re.findall(r"[(\[]([^()\[\]]*)[)\]]", level))]
    return next((unit for unit in found if unit and is_scaled(unit)), "")


def is_sum(words: str) -> bool:
    """Return whether a cell, in either of its languages, says that its row or column holds sums."""
    return bool(_TOTAL.fullmatch(words)) or all(_TOTAL.fullmatch(part) for part in re.split(r"\s+[/|]\s+", words))


def _joined(own: str, below: str) -> str:
    if not own or not below or below in own:
        return own or below
    return f"{own} {below}"


def header_at(grid: Grid, number: int, labels: Labels) -> Header:
    """Return the header that has the given row among its levels."""
    first = last = number
    while first > 0 and last - first + 1 < HEADER_LEVELS and not grid.is_full(first - 1) and _heads(grid, first - 1):
        first -= 1
    units: dict[int, str] = {}
    named = last
    while last + 1 < len(grid.rows) and last - first < HEADER_LEVELS:
        texts = grid.texts(last + 1)
        said = [words for words in texts if words]
        if len(said) > 1 and not grid.is_full(last + 1) and _is_units(said):
            units = {column: unit_of(words) for column, words in enumerate(texts)}
        elif _is_numbered(said):
            pass
        elif named == last and not grid.is_full(last + 1) and said and _goes_on(grid, last):
            named += 1
        else:
            break
        last += 1
    columns = []
    for place in range(max(len(grid.rows[row]) for row in range(first, named + 1))):
        levels: list[str] = []
        cells: list[etree._Element] = []
        for row in range(first, named + 1):
            cell = grid.rows[row][place] if place < len(grid.rows[row]) else None
            if cell is not None and all(cell is not other for other in cells):
                cells.append(cell)
                levels.append(grid.text(cell))
        columns.append(column_of(levels, labels, units.get(place, "")))
    return Header(first, last, tuple(columns))


def _is_units(said: list[str]) -> bool:
    units = [unit_of(words) for words in said]
    return all(unit or words in {"-", "\u2013"} for unit, words in zip(units, said, strict=True)) and any(
        is_scaled(unit)
        or words.startswith(("(", "["))
        or unit.casefold() in {"no.", "nos.", "number", "nos", "persons"}
        for unit, words in zip(units, said, strict=True)
    )


def _is_numbered(said: list[str]) -> bool:
    marks = [found[1].casefold() for words in said if (found := _COLUMN_NUMBER.fullmatch(words))]
    if len(marks) < len(said) or len(said) < len(("1", "2", "3")):
        return False
    return marks in (
        [str(number) for number in range(1, len(said) + 1)],
        [chr(ord("a") + number) for number in range(len(said))],
    )


def _heads(grid: Grid, number: int) -> bool:
    """Return whether a row stands over the next one as an upper level of the same header."""
    cells, below = grid.rows[number], grid.rows[number + 1]
    across = any(one is not None and one is other and grid.text(one) for one, other in pairwise(cells))
    down = any(one is not None and one is other for one, other in zip(cells, below, strict=False))
    both = all(grid.elements[row].getparent().tag == "thead" for row in (number, number + 1))
    return (across or down or both) and any(grid.texts(number))


def _goes_on(grid: Grid, number: int) -> bool:
    """Return whether the row after the given one is a lower level of the same header."""
    cells, below = grid.rows[number], grid.rows[number + 1]
    named = [cell for cell in below if cell is not None]
    if (
        len(named) > 1
        and all(cell.tag == "th" for cell in named)
        and any(c.tag == "th" for c in cells if c is not None)
    ):
        return True
    if all(grid.elements[row].getparent().tag == "thead" for row in (number, number + 1)):
        return True
    wide = {
        place
        for place, cell in enumerate(cells)
        if cell is not None
        and ((place and cells[place - 1] is cell) or (place + 1 < len(cells) and cells[place + 1] is cell))
    }
    if not wide or any(place >= len(below) or below[place] is cells[place] for place in wide):
        return False
    return all(
        below[place] is cells[place] or not grid.text(below[place])
        for place in range(min(len(cells), len(below)))
        if place not in wide
    )


def find_header(grid: Grid, labels: Labels) -> Header | None:
    """Return the header among the first rows of a table whose labels name the most fields; None where none does."""
    best: Header | None = None
    for number in range(min(len(grid.rows), HEADER_WITHIN)):
        if best is not None and best.first <= number <= best.last:
            continue
        texts = grid.texts(number)
        if grid.is_full(number) or not any(labels.match(words) for words in texts if words):
            continue
        header = header_at(grid, number, labels)
        if best is None or len(header.fields) > len(best.fields):
            best = header
    return best


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and what stands under it.

    Attributes:
        element: that holds the label.
        label: as written.
        column: what it stands for.
        values: the texts under it.
        explicit: whether a colon, a list, a cell or a class says that it is a label.
        lead: what stands before it in its line.
    """

    element: etree._Element
    label: str
    column: Column
    values: tuple[str, ...]
    explicit: bool = True
    lead: str = ""


@dataclass(slots=True)
class TableRead:
    """What was read of one table: records, rows of sums, or pairs; none of them where it only arranges the page."""

    records: list[Record] = field(default_factory=list)
    totals: list[Record] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    statements: list[Value] = field(default_factory=list)
    read: bool = False


def read_table(table: etree._Element, number: int, labels: Labels, over: tuple[str, ...], report: Report) -> TableRead:
    """Read a table by its labels, whichever way it stands.

    Args:
        table: the element.
        number: its place among the tables of the page, from 1.
        labels: the labels that are known.
        over: the lines over it, the nearest first, caption or heading among them: a unit may stand there.
        report: told what is known and unknown.
    """
    grid = grid_of(table)
    header = find_header(grid, labels)
    across = len(header.fields) if header and header.last + 1 < len(grid.rows) else 0
    column, down = _label_column(grid, labels)
    if across >= max(down, 2) or (header is not None and across == 1 and down <= 1 and _all_heads(grid, header)):
        assert header is not None  # noqa: S101  # for the type checker: `across` counts its fields
        return _Rows(grid, number, labels, over, report).read(header)
    if down > 1 or (down == 1 and grid.width <= len(("label", ":", "value")) and _names_its_row(grid, column)):
        return _read_down(grid, number, labels, column, over, report)
    return _read_by_attributes(grid, number, labels, stated_over(over, labels), report)


def _all_heads(grid: Grid, header: Header) -> bool:
    row = grid.rows[header.first]
    return grid.elements[header.first].getparent().tag == "thead" or all(
        cell is None or cell.tag == "th" for cell in row
    )


def _names_its_row(grid: Grid, column: int) -> bool:
    cells = [cell for row in grid.rows if len(row) > column and (cell := row[column]) is not None]
    return all(cell.tag == "th" or grid.text(cell).endswith((":", "\uff1a")) or len(cells) == 1 for cell in cells)


class _Rows:
    """Reads a table below its header."""

    def __init__(self, grid: Grid, number: int, labels: Labels, over: tuple[str, ...], report: Report) -> None:
        self.grid, self.number, self.labels, self.over, self.report = grid, number, labels, over, report
        self.found = TableRead(read=True)
        self.section = ""
        self.given: list[Value] = []

    def read(self, header: Header) -> TableRead:
        """Read all rows below a header; another header among them takes over."""
        self._take(header)
        starts = {label.casefold().strip(" :*") for label in self.labels.known_labels()}
        at = header.last + 1
        while at < len(self.grid.rows):
            texts = self.grid.texts(at)
            first = next((words for words in texts if words), "")
            if not first:
                pass
            elif self.grid.is_full(at) and (at > 0 and self.grid.rows[at][0] is not self.grid.rows[at - 1][0]):
                self._full(first)
            elif tuple(texts) in self.headers:
                pass
            elif first.casefold().strip(" :*") in starts and self._is_header(texts):
                header = header_at(self.grid, at, self.labels)
                self._take(header)
                at = header.last
            else:
                self._row(at, texts)
            at += 1
        return self.found

    def _is_header(self, texts: list[str]) -> bool:
        said = [words for words in texts if words]
        return sum(self.labels.exact(words) is not None for words in said) * 2 > len(said) > 1

    def _take(self, header: Header) -> None:
        first, last = header.first, header.last
        self.headers = {tuple(self.grid.texts(row)) for row in range(first, last + 1)}
        above = [self.grid.texts(row)[0] for row in range(first) if self.grid.is_full(row)]
        self.columns = _whole_first(header.columns, self.labels)
        for column in self.columns:
            if column.match:
                self.report.known(column.label, column.match)
            elif column.label:
                self.report.unknown.setdefault(column.label)
        self.columns = _with(
            self.columns, stated_over([*reversed(above), *self.over], self.labels), self.labels, self.report
        )
        names = [column.match.field for column in self.columns if column.match]
        repeated = {name for name in names if names.count(name) > 1}
        keys: dict[tuple[str, str], None] = {}
        for column in self.columns:
            if column.match and column.match.field in repeated:
                keys.setdefault((column.period, column.group))
        periods = {column.period for column in self.columns if column.match and column.period}
        alone = (next(iter(periods)), "") if len(periods) == 1 and len(keys) < len(("one", "two")) else ("", "")
        self.parts: list[tuple[tuple[str, str], list[tuple[int, str, str, str]]]] = []
        for key in [*keys] if len(keys) > 1 else [alone]:
            own = [
                (place, column.match.field, column.unit, column.label)
                for place, column in enumerate(self.columns)
                if column.match
                and (
                    len(keys) <= 1
                    or (column.period, column.group) == key
                    or (column.match.field not in repeated and (column.period, column.group) not in keys)
                    or (column.match.field not in repeated and not column.period)
                )
            ]
            self.parts.append((key, own))
        self.others = [(place, column.label) for place, column in enumerate(self.columns) if not column.match]

    def _full(self, words: str) -> None:
        name, colon, rest = words.partition(":")
        match = self.labels.exact(name) if colon and rest.strip() else None
        if match is not None:
            self.report.known(name, match)
            value = Value(match.field, rest.strip(), match.unit, name.strip(), f"html:table[{self.number}]")
            self.given = [other for other in self.given if other.field != match.field] + [value]
            self.section = words
        elif not _REMARK.match(words) and not is_sum(words) and len(words) <= LONGEST:
            self.section, self.given = words, []

    def _row(self, at: int, texts: list[str]) -> None:
        locator = f"html:table[{self.number}]/tr[{at + 1}]"
        said = [words for words in texts if words]
        if len(said) == 1 and _REMARK.match(said[0]) and len(self.columns) > 1 and texts[0]:
            return
        summed = any(is_sum(words) for words in said[:2]) or self._is_merged(at)
        if len(texts) > len(self.columns):
            self.report.told.setdefault("a row has more cells than the header; those beyond it are not read")
        others = {label or "column without a label": texts[place] for place, label in self.others if place < len(texts)}
        for (period, group), own in self.parts:
            record = Record(locator, section=self.section, period=period, group=group, others=others)
            for place, name, unit, label in own:
                if place < len(texts) and (words := texts[place]):
                    if self.labels.kind(name) == "text":
                        words = without_stars(words)
                    if name in record.values:
                        record.add(Value(name, words, unit, label, locator))
                    else:
                        record.values[name] = (Value(name, words, unit, label, locator),)
            for value in self.given:
                record.values.setdefault(value.field, (value,))
            if record.values:
                (self.found.totals if summed else self.found.records).append(record)

    def _is_merged(self, at: int) -> bool:
        """Return whether one cell of a row covers columns of several fields that are text: a name of none of them."""
        cells = self.grid.rows[at]
        for place, column in enumerate(self.columns[1 : len(cells)], 1):
            before = self.columns[place - 1]
            if column.match and before.match and column.match.field != before.match.field and cells[place] is not None:
                kinds = {self.labels.kind(column.match.field), self.labels.kind(before.match.field)}
                if cells[place] is cells[place - 1] and kinds == {"text"} and self.grid.text(cells[place]):
                    words = self.grid.text(cells[place])
                    self.report.told.setdefault(
                        f"{words!r} stands in one cell under {before.label!r} and {column.label!r}: a sum"
                    )
                    return True
        return False


def _whole_first(columns: Sequence[Column], labels: Labels) -> list[Column]:
    """Return the columns of a header; one that is known by its whole label takes the field from one that is known without its brackets.

    `No. of artisans (achieved)` stands beside `No. of artisans (target)`, which nobody asked for.
    """
    whole = {column.match.field for column in columns if column.match and labels.whole(column.label)}
    return [
        replace(column, match=None)
        if column.match
        and column.match.field in whole
        and not column.match.unit
        and not column.match.period
        and "(" in column.label
        and not labels.whole(column.label)
        else column
        for column in columns
    ]


def _label_column(grid: Grid, labels: Labels) -> tuple[int, int]:
    """Return the column whose cells name the most fields, and how many they name, pairs further right included."""
    if len(grid.rows) > 10 * HEADER_WITHIN:
        return 0, 0
    best = (0, 0)
    for column in range(min(3, grid.width)):
        names: set[str] = set()
        for number, row in enumerate(grid.rows):
            if grid.is_full(number):
                continue
            texts = grid.texts(number)
            matches = [labels.match(words) for words in texts]
            for place in range(column, len(row) - 1):
                match = matches[place]
                if match is None or matches[place + 1] is not None or (place and row[place] is row[place - 1]):
                    continue
                if place == column or (place - column > 1 and not match.like):
                    names.add(match.field)
        own = sum(1 for row in grid.rows if len(row) > column + 1 and labels.match(grid.text(row[column])) is not None)
        if own and len(names) > best[1]:
            best = (column, len(names))
    return best


def _read_down(
    grid: Grid, number: int, labels: Labels, column: int, over: tuple[str, ...], report: Report
) -> TableRead:
    """Read a table whose rows begin with their labels: pairs, or a record for each further column."""
    found = TableRead(read=True)
    rows = [(at, row) for at, row in enumerate(grid.rows) if not grid.is_full(at) and len(row) > column + 1]
    deep = any(
        row[column] is not None
        and _span(row[column], "rowspan", MAX_ROW_SPAN) > 1
        and labels.match(grid.text(row[column]).strip(" :\uff1a")) is not None
        for _, row in rows
    )
    start = column + 1 + (1 if deep and grid.width > column + 2 else 0)
    lines: list[tuple[int, Column, list[etree._Element | None]]] = []
    for at, row in rows:
        levels = list(dict.fromkeys(grid.text(cell) for cell in row[column:start]))
        cells = [cell for cell in row[start:] if grid.text(cell) not in {":", "\uff1a"}]
        lines.append((at, column_of([level.strip(" :\uff1a") for level in levels], labels), cells))
    named = [cells for _, of, cells in lines if of.match]
    if len(named) > 1:  # a picture beside the rows is no value of any
        beside = [cell for cell in named[0] if all(any(cell is one for one in cells) for cells in named)]
        lines = [
            (at, of, [cell for cell in cells if all(cell is not one for one in beside)]) for at, of, cells in lines
        ]
    units_at = _units_column(grid, lines)
    if units_at is not None:
        lines = [
            (
                at,
                _measured(of, _unit_beside(grid.text(cells[units_at])), labels) if units_at < len(cells) else of,
                cells[:units_at] + cells[units_at + 1 :],
            )
            for at, of, cells in lines
        ]
    in_pairs = [
        (at, place)
        for at, of, cells in lines
        for place, cell in enumerate(cells)
        if place and place + 1 < len(cells) and cells[place - 1] is not cell and labels.exact(grid.text(cell))
    ]
    width = max((len(cells) for _, _, cells in lines), default=0)
    first = next((at for at, of, _ in lines if of.match), 0)
    above = [grid.texts(row)[0] for row in range(first) if grid.is_full(row)]
    stated = stated_over([*reversed(above), *over], labels)
    columns = _with([of for _, of, _ in lines], stated, labels, report)
    lines = [(at, of, cells) for (at, _, cells), of in zip(lines, columns, strict=True)]
    if (width > 1 or _is_headed(grid, lines)) and not in_pairs:
        _read_columns(grid, number, labels, lines, width, report, found)
        return found
    for at, of, cells in lines:
        place = 0
        label, element, column_here = of.label, grid.rows[at][column], of
        while True:
            value = next((grid.text(cell).lstrip(" :\uff1a") for cell in cells[place : place + 1]), "")
            if element is not None and label:
                found.pairs.append(Pair(element, label, column_here, (value,) if value else ()))
            place += 1
            if place >= len(cells) - 1 or not in_pairs:
                break
            element = cells[place]
            label = grid.text(element).strip(" :\uff1a")
            column_here = _under(column_of([label], labels), stated, labels)
            place += 1
    return found


def _is_headed(grid: Grid, lines: list[tuple[int, Column, list[etree._Element | None]]]) -> bool:
    """Return whether the only column of values has a head of its own over it, beside nothing."""
    _, of, cells = lines[0]
    return (
        not of.label and len(cells) == 1 and cells[0] is not None and cells[0].tag == "th" and bool(grid.text(cells[0]))
    )


def _measured(column: Column, unit: str, labels: Labels) -> Column:
    """Return a column with the unit that stands beside its label; of one that may not have it nothing is known."""
    if column.match is None or column.unit:
        return column
    return replace(column, unit=unit, match=column.match if labels.fits(column.match.field, unit) else None)


def _with(columns: list[Column], over: Over, labels: Labels, report: Report) -> list[Column]:
    """Give columns without a unit the one that stands over the table, and tell what there is to tell of it."""
    made = [_under(column, over, labels) for column in columns]
    for note in over.told([(column.label, column.match, is_scaled(column.unit)) for column in made], labels):
        report.told.setdefault(note)
    return made


def _under(column: Column, over: Over, labels: Labels) -> Column:
    if column.match is None or is_scaled(column.unit):
        return column
    unit = over.unit_for(column.match.field, labels)
    return replace(column, unit=_joined(column.unit, unit)) if unit else column


def _units_column(grid: Grid, lines: list[tuple[int, Column, list[etree._Element | None]]]) -> int | None:
    """Return the place, among the cells after the labels, of a column that holds nothing but units."""
    for place in range(max((len(cells) for _, _, cells in lines), default=0)):
        words = [grid.text(cells[place]) for _, _, cells in lines if place < len(cells)]
        said = [text for text in words if text and text not in {"-", "\u2013"} and text.casefold() not in _UNIT_HEADS]
        if any(text.casefold() in _UNIT_HEADS for text in words):
            return place
        if (
            place < len(("unit", "value"))
            and said
            and all(unit_of(text) for text in said)
            and any(is_scaled(unit_of(text)) for text in said)
        ):
            return place
    return None


def _unit_beside(words: str) -> str:
    """Return what a cell of a column of units says: `millones de US$ FOB`; words that are no unit are what is counted."""
    return unit_of(words) or unit_within(words)


def _read_columns(
    grid: Grid,
    number: int,
    labels: Labels,
    lines: list[tuple[int, Column, list[etree._Element | None]]],
    width: int,
    report: Report,
    found: TableRead,
) -> None:
    first_known = next((at for at, of, _ in lines if of.match), 0)
    heads: list[list[str]] = [[] for _ in range(width)]
    for at, of, cells in lines:
        if at < first_known and of.match is None:
            for place, cell in enumerate(cells):
                if (said := grid.text(cell)) and said not in heads[place]:
                    heads[place].append(said)
        elif of.match:
            report.known(of.label, of.match)
        elif of.label:
            report.unknown.setdefault(of.label)
    for place in range(width):
        if any(map(_is_change, heads[place])):
            report.unknown.setdefault(" / ".join(heads[place]))
            continue
        period = next((period_in(head) for head in heads[place] if _is_aside(head)), "")
        head = next((head for head in heads[place] if not _is_aside(head)), "")
        locator = f"html:table[{number}]/td[{place + 2}]"
        record = Record(locator, title=head, period=period)
        for at, of, cells in lines:
            if of.match is None:
                if at >= first_known and of.label and place < len(cells):
                    record.others[of.label] = grid.text(cells[place])
            elif place < len(cells) and (words := grid.text(cells[place])):
                record.add(Value(of.match.field, words, of.unit, of.label, f"{locator}/tr[{at + 1}]"))
        if record.values:
            summed = is_sum(head or next(iter(heads[place]), "-")) or any(
                is_sum(values[0].text) for name, values in record.values.items() if labels.kind(name) == "text"
            )
            (found.totals if summed else found.records).append(record)


def _read_by_attributes(grid: Grid, number: int, labels: Labels, over: Over, report: Report) -> TableRead:
    """Read rows whose cells carry their labels themselves, in an attribute for small screens or in their class."""
    found = TableRead()
    columns: dict[str, Column] = {}
    for at, row in enumerate(grid.rows):
        locator = f"html:table[{number}]/tr[{at + 1}]"
        record = Record(locator)
        cells = [cell for cell in dict.fromkeys(row) if cell is not None]
        if all(cell.tag == "th" for cell in cells):
            continue
        for cell in cells:
            for label in labels_in(cell):
                match = labels.exact(label)
                if match is not None and (words := grid.text(cell)):
                    if labels.exact(words):
                        continue  # a header that carries the same classes
                    report.known(label, match)
                    column = columns.setdefault(label, _under(Column(label, match, match.unit), over, labels))
                    record.values.setdefault(match.field, (Value(match.field, words, column.unit, label, locator),))
                    break
        if len(record.values) > 1:
            summed = any(is_sum(grid.text(cell)) for cell in cells[:2])
            (found.totals if summed else found.records).append(record)
            found.read = True
    if found.read:
        _with(list(columns.values()), over, labels, report)
    return found


def labels_in(element: etree._Element) -> Iterator[str]:
    """Yield what an element says of itself: attributes that label it on small screens, then the words of its class."""
    for name in _DATA_LABELS:
        if said := squeezed(element.get(name) or ""):
            yield said
    for word in (element.get("class") or "").split():
        yield re.sub(r"(?<=[a-z])(?=[A-Z])|[-_]+", " ", word)


# The first form: tables by a header row of one level, as the feeds of the EU read them -------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        locator: ``html:table[2]/tr[7]``, tables and rows counted from 1 in the order of the page.
        cells: field → text, of the columns whose labels are known.
        others: label → text, of the columns whose labels are not.
    """

    locator: str
    cells: Mapping[str, str]
    others: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header row is known by its labels.

    Attributes:
        caption: its caption, else the heading before it.
        columns: the fields of its columns, in order; None for a column whose label is not known.
        labels: the labels, in order.
        rows: its rows, without headers that are repeated.
    """

    caption: str
    columns: tuple[str | None, ...]
    labels: tuple[str, ...]
    rows: tuple[Row, ...]


def tables(root: etree._Element, labels: Labels, required: frozenset[str]) -> Iterator[Table]:
    """Yield the tables of a page whose header row has all required fields, wherever their columns stand.

    Args:
        root: the page.
        labels: the labels that are known.
        required: fields without which a table is none of those that are meant.
    """
    heading, number = None, 0
    for table in root.iter("table", "h1", "h2", "h3", "h4"):
        if table.tag != "table":
            heading = table
            continue
        number += 1
        rows = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
        header: tuple[str, ...] | None = None
        columns: tuple[str | None, ...] = ()
        found: list[Row] = []
        for place, row in enumerate(rows, 1):
            cells = list(_cells(row))
            named = tuple(labels.field(cell) for cell in cells)
            if required <= set(named):
                if header is None:
                    header, columns = tuple(cells), named
                continue
            if header is None or not any(cells):
                continue
            known: dict[str, str] = {}
            others: dict[str, str] = {}
            for name, label, cell in zip_longest(columns, header, cells):
                if cell is None:
                    continue
                if name is None:
                    others[label or "column without a label"] = cell
                else:
                    known.setdefault(name, cell)
            found.append(Row(f"html:table[{number}]/tr[{place}]", known, others))
        if header is not None:
            caption = next(table.iter("caption"), heading)
            yield Table("" if caption is None else text(caption), columns, header, tuple(found))


def _cells(row: etree._Element) -> Iterator[str]:
    for cell in row:
        if cell.tag in {"td", "th"}:
            yield from [text(cell)] * _span(cell, "colspan", MAX_SPAN)
