"""A page read by its labels, whatever its layout: one call for tables, lists, paragraphs and cards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from lxml import etree

from crawlers.reader.labels import LONGEST, Labels, period_in
from crawlers.reader.pages import is_data, page, text, words_of
from crawlers.reader.pairs import Block, Line, Walked, blocks_of, is_noise, pairs_of
from crawlers.reader.records import Reading, Record, Report, Value, without_stars
from crawlers.reader.tables import HEADER_WITHIN, Grid, Pair, grid_of

_GENERAL = frozenset(
    [
        "general",
        "details",
        "detail",
        "information",
        "profile",
        "overview",
        "basic",
        "summary",
        "introduction",
        "about",
        "data",
        "facts",
        "key",
        "figures",
        "figure",
        "particulars",
        "cluster",
        "page",
        "the",
        "of",
        "at",
        "a",
        "glance",
        "and",
        "description",
        "statistics",
        "main",
    ]
)
_TITLE_WORDS = frozenset({"title", "name", "heading", "headline", "titre"})
_SAYS_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|lakhs?|crores?|half|hundred)\b", re.IGNORECASE
)

_SAYS_NONE = re.compile(
    r"[-\u2013\u2014.x]+|n\.? ?[/.]? ?[acd]\.?|\(?d\)?|nil|none|negligible|b\. ?d\.|k\. ?a\.|(?:not|non) [^\W\d]{4,12}|nicht verf\u00fcgbar"
    r"|no disponible|\u0909\u092a\u0932\u092c\u094d\u0927 \u0928\u0939\u0940\u0902",
    re.IGNORECASE,
)
"""How pages say, in the place of a figure, that there is none."""

_NUMBERED = re.compile(r"\(?\d{1,3}[.)]\s+(?=\D)")
"""Before a title, in a list of titles: `2. Aligarh Locks`."""
_FIGURE = re.compile(r"(?:rs\.? ?|inr ?|[$€£₹`] ?)?\d[\d., ]*(?: ?%)?", re.IGNORECASE)


def read(  # noqa: PLR0913, PLR0915  # what a feed knows of its pages, by name
    source: bytes | etree._Element,
    labels: Labels,
    *,
    required: Collection[str] = (),
    expected: Collection[str] = (),
    title: str | None = None,
    section: str | None = None,
    address: str = "",
    charset: str | None = None,
) -> Reading | None:
    """Read a page by its labels; return None where it is none.

    Tables with header rows or header columns, definition lists, labels and values in paragraphs, lines, lists, tiles
    and cards are read alike; menus, footers and rows of sums make no record. A table whose rows lack required fields
    that the one profile of the page has, such as years below a name, gets them from there.

    Args:
        source: the page as bytes or as parsed.
        labels: the labels that are known.
        required: fields without which nothing is a record.
        expected: fields that should be on the page besides; what is missing is reported.
        title: the field that the heading of a profile or card, or the head of a column, stands for.
        section: the field that a row of its own, above the rows that it heads, stands for.
        address: of the page, for the report.
        charset: as the server declared it, for bytes.
    """
    root = page(source, charset) if isinstance(source, bytes) else source
    if root is None:
        return None
    report = Report(labels)
    walked = Walked(root, labels, report)
    pairs = _without_asides(list(pairs_of(walked.lines, labels)))
    for _, pair in pairs:
        if pair.column.match is not None:
            report.known(pair.label, pair.column.match)
        elif pair.explicit and pair.label:
            report.unknown.setdefault(pair.label)
    needed = frozenset(required)
    blocks = blocks_of(pairs, walked.lines, needed)
    numbered = _of_blocks(blocks, walked.lines, {number for number, _ in pairs}, root, labels)
    whole: list[tuple[int, Record]] = []
    statements: list[Value] = []
    profiles = []
    for number, record in numbered:
        said = bool(record.values)  # a heading alone is no profile
        made = _named(record, title, section)
        if said and needed <= made.values.keys():
            whole.append((number, made))
            profiles.append(made)
        else:
            statements += [value for values in record.values.values() for value in values]
    totals: list[Record] = []
    for number, read_of in walked.tables:
        rows = [_named(record, title, section) for record in read_of.records]
        if title in needed and not numbered:
            _name_years(rows, title, root)
        short = [record for record in rows if not needed <= record.values.keys()]
        sums = [_named(record, title, section) for record in read_of.totals]
        if len(short) < len(rows) or not rows or len(profiles) == 1:  # else it counts other things
            totals += sums
        figures = any(labels.kind(name) != "text" for record in rows for name in record.values)
        if (
            len(profiles) == 1
            and short
            and (figures or len(rows) == 1)
            and all(needed <= {*record.values, *profiles[0].values} for record in rows)
        ):
            if len(rows) == 1:
                for values in rows[0].values.values():
                    for value in values:
                        profiles[0].add(value)
                continue
            shared = {name: values for name, values in profiles[0].values.items() if labels.kind(name) == "text"}
            shared |= {name: profiles[0].values[name] for name in needed if name in profiles[0].values}
            for record in short:
                record.values = {**shared, **record.values}
                record.title = record.title or profiles[0].title
            if shared.keys() == profiles[0].values.keys():
                whole = [one for one in whole if one[1] is not profiles[0]]
            short = []
        whole += (
            [(number, record) for record in rows if record not in short] if short else [(number, row) for row in rows]
        )
        if short:
            lacking = ", ".join(sorted({name for record in short for name in needed - record.values.keys()}))
            where = short[0].locator.split("/")[0].removeprefix("html:")
            report.told.setdefault(f"{len(short)} rows of {where} have no {lacking}, and make no record")
    whole.sort(key=lambda one: one[0])
    near = not whole and (
        _note_heads(root, report) or bool(report.told) or any(labels.kind(said.field) != "text" for said in statements)
    )
    report.found |= {name for name in (title, section) if name and any(name in record.values for _, record in whole)}
    return Reading(
        address=address,
        language=_language(root),
        title=_page_title(root),
        records=tuple(record for _, record in whole),
        statements=tuple(statements),
        totals=tuple(totals),
        notes=report.notes([*sorted(needed), *(name for name in expected if name not in needed)]),
        looks_like_data=near,
    )


def read_first(
    root: etree._Element,
    labels: Labels,
    choices: Sequence[Collection[str]],
    *,
    expected: Collection[str] = (),
    title: str | None = None,
    section: str | None = None,
) -> Reading:
    """Read a page by the first of several sets of required fields that gives records.

    Args:
        root: the page as parsed.
        labels: the labels that are known.
        choices: sets of fields without which nothing is a record, the best one first.
        expected: see `read`.
        title: see `read`.
        section: see `read`.

    Returns:
        The reading that has records; where none has, the one that has the least to tell, so that it is known what the
        page lacks.
    """
    tried = []
    for required in choices:
        reading = read(root, labels, required=required, expected=expected, title=title, section=section)
        if reading is None:
            continue
        if reading.records:
            return reading
        tried.append(reading)
    return min(tried, key=lambda reading: len(reading.notes), default=Reading())


def _name_years(rows: Sequence[Record], title: str, root: etree._Element) -> None:
    """Name the records of a table that has nothing but years over its columns after the heading of the page."""
    if rows and all(record.period and title not in record.values for record in rows):
        for record in rows:
            record.title = record.title or next(filter(None, map(text, root.iter("h1"))), "")
            _named(record, title, None)


def _note_heads(root: etree._Element, report: Report) -> bool:
    """Note the labels of tables that look like data and are not known; return whether there is such a table."""
    heads = list(_heads_of_tables(root))
    for label in heads:
        if report.labels.match(label) is None:
            report.unknown.setdefault(label)
    return bool(heads)


def _heads_of_tables(root: etree._Element) -> Iterator[str]:
    """Yield the labels of tables that look like data, known or not: of the first row, or of the first of two columns.

    Such a table has figures below its header, or a header of `th` alone; menus and layout have neither.
    """
    for table in root.iter("table"):
        if not is_data(table) or any(is_noise(one) for one in (table, *table.iterancestors())):
            continue
        grid = grid_of(table)
        if not grid.nested:
            yield from _heads_of(grid)


def _heads_of(grid: Grid) -> Sequence[str]:
    for number in range(min(len(grid.rows) - 1, HEADER_WITHIN)):
        row = grid.rows[number]
        if grid.is_full(number) or len(row) < len(("label", "value")):
            continue
        is_header = all(cell is None or cell.tag == "th" for cell in row)
        if grid.width == len(("label", "value")) and not is_header:
            labels, values = (
                [cells[side] for cells in map(grid.texts, range(len(grid.rows))) if len(cells) > 1] for side in (0, 1)
            )
        else:
            labels, values = (
                grid.texts(number),
                [cell for below in range(number + 1, len(grid.rows)) for cell in grid.texts(below)],
            )
        said = [words for words in labels if words]
        if len(said) > 1 and all(len(words) <= LONGEST and not _FIGURE.match(words) for words in said):
            return said if is_header or any(_FIGURE.fullmatch(words) for words in values) else []
        return []
    return []


def _without_asides(pairs: list[tuple[int, Pair]]) -> list[tuple[int, Pair]]:
    """Leave out of a page's asides what the page says of several things: an aside is about none of them."""
    aside = {id(pair) for _, pair in pairs if _in_aside(pair.element)}
    said = Counter(pair.column.match.field for _, pair in pairs if pair.column.match and id(pair) not in aside)
    return [
        (number, pair)
        for number, pair in pairs
        if not (id(pair) in aside and pair.column.match and said[pair.column.match.field] > 1)
    ]


def _in_aside(element: etree._Element) -> bool:
    around = [element, *element.iterancestors()]
    return any(one.tag == "aside" or one.get("role") == "complementary" for one in around) and not any(
        one.tag in {"main", "article"} for one in around
    )


def _named(record: Record, title: str | None, section: str | None) -> Record:
    record.title, record.section = (without_stars(_NUMBERED.sub("", said)) for said in (record.title, record.section))
    for name, said in ((title, record.title), (section, record.section)):
        if name is not None and any(map(str.isalpha, said)) and name not in record.values:
            record.values = {name: (Value(name, said, "", "", record.locator),), **record.values}
    return record


def _language(root: etree._Element) -> str:
    return (root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or "").casefold()


def _page_title(root: etree._Element) -> str:
    for heading in root.iter("h1"):
        if found := text(heading):
            return found
    return next((" ".join("".join(title.itertext()).split()) for title in root.iter("title")), "")


def _of_blocks(
    blocks: Sequence[Block], lines: Sequence[Line], in_pairs: set[int], root: etree._Element, labels: Labels
) -> list[tuple[int, Record]]:
    made: list[tuple[int, Record]] = []
    tree = root.getroottree()
    held = Counter(block.element for block in blocks)
    starts = [(block.pairs[0][0], block.pairs[-1][0] + 1) for block in blocks]
    between = [at for (_, end), (first, _) in pairwise(starts) for at in range(end, first) if at not in in_pairs]
    heads = {lines[at].block.tag for at in between if lines[at].heading}
    headed = len(blocks) == 1 or bool(heads)  # else a heading stands over all of them, and names none
    most = max((len(_fields_of(block)) for block in blocks), default=0)
    end = 0
    for block in blocks:
        first = block.pairs[0][0]
        # what says less than the cards that have headings of their own, is no thing that the page is about
        of_page = "h1" if heads - {"h1"} and len(_fields_of(block)) < most else ""
        locator = f"html:{tree.getpath(block.element)}"
        shared = held[block.element] > 1
        name = _title_of(
            block,
            lines,
            (end, first),
            in_pairs,
            alone=len(blocks) == 1,
            shared=shared,
            headed=headed,
            of_page=of_page,
            root=root,
        )
        record = Record(locator, title=name)
        for explicit in (True, False):
            for _, pair in block.pairs:
                if pair.explicit is explicit:
                    _add(record, pair, labels, locator)
        periods = {pair.column.period for _, pair in block.pairs if pair.column.period}
        parts = _by_period(record, block, labels, locator) if len(periods) > 1 else [record]
        if len(periods) == 1:
            record.period = next(iter(periods))
        made += [(first, part) for part in parts]
        end = block.pairs[-1][0] + 1
    return made


def _fields_of(block: Block) -> set[str]:
    return {pair.column.match.field for _, pair in block.pairs if pair.column.match}


def _add(record: Record, pair: Pair, labels: Labels, locator: str) -> None:
    match = pair.column.match
    if match is None or not pair.values:
        return
    values = pair.values
    if labels.kind(match.field) == "text":
        values = ("; ".join(dict.fromkeys(values)),)
        if not pair.explicit and _FIGURE.fullmatch(values[0]) and not period_in(values[0]):
            return  # `5,412 Clusters` counts them, and names none
    elif not pair.explicit:
        values = tuple(
            words
            for words in values
            if len(words) <= LONGEST and (_SAYS_NUMBER.search(words) or _SAYS_NONE.fullmatch(words))
        )
    for words in values:
        record.add(Value(match.field, words, pair.column.unit, pair.label, locator))


def _by_period(record: Record, block: Block, labels: Labels, locator: str) -> list[Record]:
    """Return a record for each year that the labels of a profile carry, with what they say of no year in each."""
    periods = list(dict.fromkeys(pair.column.period for _, pair in block.pairs if pair.column.period))
    counts = [pair.column.match.field for _, pair in block.pairs if pair.column.match and pair.column.period]
    if len(set(counts)) == len(counts):
        return [record]  # each figure of a year of its own: one thing, figures of different age
    made = []
    for period in periods:
        part = Record(locator, title=record.title, period=period)
        for _, pair in block.pairs:
            if pair.column.period in {"", period}:
                _add(part, pair, labels, locator)
        made.append(part)
    return made


def _title_of(  # noqa: PLR0913  # what stands around a block, by name
    block: Block,
    lines: Sequence[Line],
    between: tuple[int, int],
    in_pairs: set[int],
    *,
    alone: bool,
    shared: bool,
    headed: bool,
    of_page: str,
    root: etree._Element,
) -> str:
    start, first = between
    before = [
        (number, lines[number])
        for number in range(start, first)
        if number not in in_pairs and lines[number].text and lines[number].block.tag != of_page
    ]
    headings = [(number, line) for number, line in before if line.heading and headed]
    if alone:
        last = block.pairs[-1][0]
        later = {line.block.tag for line in lines[first : last + 1] if line.heading}
        named = [
            line
            for _, line in reversed(headings)
            if line.block.tag not in later and not set(re.findall(r"\w+", line.text.casefold())) <= _GENERAL
        ]
        said = next((" ".join("".join(one.itertext()).split()).casefold() for one in root.iter("title")), "")
        in_title = [line for line in named if line.text.casefold() in said]
        headings_of_page = [line for line in named if re.fullmatch("h[1-6]", line.block.tag)]
        return next((line.text for line in [*in_title, *headings_of_page, *named]), None) or _page_title(root)
    if lead := block.pairs[0][1].lead:
        return lead if len(lead) <= LONGEST and not lead.endswith(".") else ""
    inside = [line for _, line in before if _within(line.block, block.element)]
    for candidates in ([line for line in inside if line.heading], [line for _, line in headings]):
        if candidates:
            return candidates[-1].text if shared or candidates[0] not in inside else candidates[0].text
    looking = [line for line in inside if _looks_like_title(line)] or inside or [line for _, line in before][-1:]
    return _name_in(looking[0]) if looking and len(looking[0].text) <= LONGEST else ""


def _name_in(line: Line) -> str:
    """Return the name that a line is: what is set off by its look, where nothing but brackets stands behind it."""
    first = next(piece for piece in line.pieces if piece.text.strip())
    rest = line.text.removeprefix(first.text.strip()).strip()
    set_off = first.element.tag in {"b", "strong", "a"} and re.fullmatch(r"\([^()]*\)", rest)
    return first.text.strip() if set_off else line.text


def _within(element: etree._Element, box: etree._Element) -> bool:
    return element is box or any(one is box for one in element.iterancestors())


def _looks_like_title(line: Line) -> bool:
    one = line.pieces[0].element
    return len(line.pieces) == 1 and (
        one.tag in {"b", "strong", "a"} or any(word in _TITLE_WORDS for word in [*words_of(one), *words_of(line.block)])
    )
