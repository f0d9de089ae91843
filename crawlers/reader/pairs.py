"""Pairs of label and value outside of tables: definition lists, paragraphs, line breaks, cards, tiles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lxml import etree

from crawlers.reader.labels import LONGEST, Labels, Match, is_scaled, normal, unit_of
from crawlers.reader.pages import BLOCKS, SILENT, is_data, is_mark, squeezed, text, words_of
from crawlers.reader.records import Report
from crawlers.reader.tables import Column, Pair, TableRead, read_table

UNKNOWN_LABEL = 60
"""Letters that an unknown label may have before its colon; what is longer is a sentence."""

MANY = 8
"""Children of an element that is more than a label."""

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "caption", "legend", "summary"})
_EMPHASIS = frozenset(
    {
        "b",
        "strong",
        "em",
        "i",
        "u",
        "th",
        "label",
        "dt",
        "font",
        "span",
        "small",
        "big",
        "abbr",
        "a",
        "var",
        "cite",
        "data",
        "output",
        "mark",
        "code",
        "dfn",
    }
)
_EXPLAINS = frozenset(
    [
        "glossary",
        "definitions",
        "definition",
        "legend",
        "glossaire",
        "legende",
        "glossar",
        "begriffe",
        "erlauterungen",
        "definitionen",
        "glosario",
        "definiciones",
        "glossario",
        "definizioni",
        "definicoes",
        "slownik",
        "definicje",
        "begrippen",
        "ordlista",
    ]
)
"""Headings, as `normal` gives them, of parts that say what labels mean: there they have explanations under them."""
_LABEL_WORDS = frozenset({"label", "lbl", "key", "term", "attribute", "property", "fieldname", "caption", "libelle"})
_BADGES = frozenset({"badge", "chip", "pill"})
"""Classes of what stands beside a name or a label, and is no part of it."""
_NOISE_TAGS = frozenset({"nav", "footer"})
_NOISE_ROLES = frozenset({"navigation", "contentinfo", "search", "menu", "menubar"})
_NOISE = frozenset(
    [
        "nav",
        "navbar",
        "navigation",
        "menu",
        "submenu",
        "menubar",
        "breadcrumb",
        "breadcrumbs",
        "footer",
        "cookie",
        "cookies",
        "advert",
        "advertisement",
        "ads",
        "ad",
        "social",
        "share",
        "skip",
        "pagination",
        "pager",
        "paging",
        "toolbar",
        "newsletter",
    ]
)
_CONTENT = ("h1", "main", "article", "table", "dl")
_COLON = re.compile("\\s*[:\uff1a](?:[-\u2013](?!\\S))?\\s*")
_DASH = re.compile(r"\s+[-\u2013\u2014=\u2192]\s+|\s*\.{3,}\s*|\s*=\s*")
_NO_VALUE = re.compile(r"\s[-\u2013\u2014=\u2192]\s+[-\u2013\u2014]+$")
_SEPARATOR = re.compile(r"[|;\u2022\u00b7\u2502\u25cf\u25aa\u2023]|,\s|\s[-\u2013\u2014]\s|\.\s")
_BESIDE_NUMBER = re.compile(
    r"(?P<before>[^\W\d][^\d:=<>~+]{2,40}?)\s+(?:[^\w\s]\s*)?\d.*|[^:]{0,20}?\d[\d.,' \u00a0]*\+?\s+(?:(?:lakhs?|crores?|million)\s+)?(?P<after>[^\W\d][^\d:]{2,40})"
)
"""A line that is a label and a number, or a number and a label, with nothing between: `Units 140`, `140 units`."""
_TRIM = " |;,\u2022\u00b7\u2502\u25cf\u25aa\u2013\u2014"


@dataclass(slots=True)
class Piece:
    """Text of a line, and the element that gives it its look."""

    text: str
    element: etree._Element


@dataclass(slots=True)
class Line:
    """A line of the page: pieces of text, or a heading, a rule, pairs that a table holds, or records of a table.

    Attributes:
        block: the element that the line stands in.
        pieces: its text.
        heading: whether it is a heading.
        rule: whether it is a rule between two parts.
        given: pairs that were read already.
        over: whether it stands directly over a table, where it may state a unit.
    """

    block: etree._Element
    pieces: list[Piece] = field(default_factory=list)
    heading: bool = False
    rule: bool = False
    given: list[Pair] = field(default_factory=list)
    over: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return squeezed("".join(piece.text for piece in self.pieces))


class Walked:
    """A page walked through once, in its order: its lines, and what its tables say."""

    def __init__(self, root: etree._Element, labels: Labels, report: Report) -> None:
        self.labels, self.report = labels, report
        self.lines: list[Line] = []
        self.tables: list[tuple[int, TableRead]] = []
        self.numbers = {table: number for number, table in enumerate(root.iter("table"), 1)}
        self._line: list[Piece] = []
        self._heading = ""
        body = root.find("body") if root.tag == "html" else root
        self._walk(body if body is not None else root, body if body is not None else root, None)
        self._flush(body if body is not None else root)

    def _walk(self, element: etree._Element, block: etree._Element, look: etree._Element | None) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in SILENT or is_mark(element) or is_noise(element):
            return
        if tag == "table" and is_data(element):
            self._flush(block)
            before = self.lines[-1].text if self.lines and not self.lines[-1].given else ""
            caption = next((text(own) for own in element.iter("caption")), "")
            read = read_table(
                element,
                self.numbers[element],
                self.labels,
                (caption, before, "" if caption else self._heading),
                self.report,
            )
            if read.read:
                if self.lines:
                    self.lines[-1].over = True
                self._table(element, read)
                return
        is_block = tag in BLOCKS
        own = element if is_block else block
        inner = None if is_block else element if tag in _EMPHASIS else look
        badge = not is_block and not _BADGES.isdisjoint(words_of(element))
        if badge:
            self._flush(block)
        if is_block:
            self._flush(block)
            if tag == "hr":
                self.lines.append(Line(element, rule=True))
        if labelled := self._labelled(element):
            self._flush(own)
            self.lines.append(Line(element, given=[labelled]))
            return
        if element.text:
            self._line.append(Piece(element.text, own if inner is None else inner))
        explains = False
        for child in element:
            if child.tag in _HEADINGS:
                explains = normal(text(child)) in _EXPLAINS
            if not explains:
                self._walk(child, own, inner)
            if child.tail:
                self._line.append(Piece(child.tail, own if inner is None else inner))
        if is_block or badge:
            self._flush(own)

    def _table(self, element: etree._Element, read: TableRead) -> None:
        self.tables.append((len(self.lines), read))
        if read.pairs:
            for head in _full_rows(element):
                self.lines.append(Line(element, [Piece(head, element)], heading=True, over=True))
            self.lines.append(Line(element, given=read.pairs))
        else:
            self.lines.append(Line(element, rule=True))
        for inner in element.iter("table"):
            if inner is not element and is_data(inner) and next(inner.iterancestors("table")) is element:
                more = read_table(inner, self.numbers[inner], self.labels, (self._heading,), self.report)
                if more.read:
                    self._table(inner, more)

    def _labelled(self, element: etree._Element) -> Pair | None:
        """Return the pair that an element is by an attribute that labels it."""
        for name in ("data-label", "data-title", "data-th", "data-field"):
            label = squeezed(element.get(name) or "")
            match = self.labels.exact(label) if label else None
            if match is not None:
                value = text(element)
                shown, colon, rest = value.partition(":")
                if colon and self.labels.exact(shown):
                    value = rest.strip()
                return Pair(element, label, Column(label, match, match.unit, match.period), (value,) if value else ())
        return None

    def _flush(self, block: etree._Element) -> None:
        pieces: list[Piece] = []
        for piece in self._line:
            if pieces and pieces[-1].element is piece.element:
                pieces[-1].text += piece.text
            else:
                pieces.append(piece)
        self._line = []
        if not any(piece.text.strip() for piece in pieces):
            return
        for piece in pieces:
            said = squeezed(piece.text)
            piece.text = (
                (" " if piece.text[:1].isspace() else "") + said + (" " if piece.text[-1:].isspace() and said else "")
            )
        heading = next((True for one in (block, *block.iterancestors()) if one.tag in _HEADINGS), False)
        line = Line(block, [piece for piece in pieces if piece.text], heading=heading)
        self.lines.append(line)
        if heading:
            self._heading = line.text


def _full_rows(table: etree._Element) -> Iterator[str]:
    """Yield what heads a table of pairs: its caption, and the first row where one cell is all of it."""
    for caption in table.iter("caption"):
        yield text(caption)
    first = next(table.iter("tr"), None)
    cells = [cell for cell in first if cell.tag in {"td", "th"}] if first is not None else []
    if len(cells) == 1:
        yield text(cells[0])


def is_noise(element: etree._Element) -> bool:
    """Return whether an element holds menus, footers or advertisements, by its tag, role, class or id."""
    tag = element.tag
    if tag in {"html", "body", "main", "article", "table", "tr", "td"}:
        return False
    if tag in _NOISE_TAGS or element.get("role") in _NOISE_ROLES:
        return next(element.iter(*_CONTENT), None) is None or tag == "nav"
    if element.get("class") or element.get("id"):
        words = words_of(element, "class", "id")
        return any(word in _NOISE for word in words) and next(element.iter(*_CONTENT), None) is None
    return False


def pairs_of(lines: Sequence[Line], labels: Labels) -> Iterator[tuple[int, Pair]]:
    """Yield the pairs of all lines with the number of their line, in order."""
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.given:
            for pair in line.given:
                yield number, pair
        elif line.pieces:
            yield from (
                (number, pair) for pair in _of_line(lines, number, labels) if not (line.over and _states_unit(pair))
            )
        number += 1


def _states_unit(pair: Pair) -> bool:
    """Return whether a pair over a table says nothing but a unit: `Turnover: Rs. in lakhs`."""
    return bool(pair.values) and all(is_scaled(unit_of(words)) and not re.search(r"\d", words) for words in pair.values)


@dataclass(slots=True)
class _Mark:
    """A label in a line: from `start` to `end` of its text, with what separates it from the value."""

    start: int
    label_end: int
    end: int
    label: str
    match: Match | None
    element: etree._Element
    explicit: bool


def _of_line(lines: Sequence[Line], number: int, labels: Labels) -> Iterator[Pair]:
    line = lines[number]
    whole, starts = _laid_out(line)
    marks = _marks(line, whole, starts, labels)
    if not marks:
        return
    if marks[0].end == marks[0].label_end and marks[0].start > 0 and not whole[marks[-1].end :].strip(_TRIM):
        at = 0
        for mark in marks:  # the value stands before its label, as on tiles
            value = whole[at : mark.start].strip(_TRIM) or whole[at : mark.start].strip()
            at = mark.end
            if mark.match and value:
                yield _pair(mark, (value,))
        return
    for place, mark in enumerate(marks):
        until = marks[place + 1].start if place + 1 < len(marks) else len(whole)
        said = whole[mark.end : until].strip(_TRIM + ("" if place + 1 == len(marks) else "("))
        value = said or whole[mark.end : until].strip(" ") if place + 1 == len(marks) else said
        if value.endswith(")") and "(" not in value:
            value = value[:-1].rstrip()
        if value:
            lead = whole[: mark.start].strip(_TRIM + "(:\uff1a") if not place else ""
            yield replace(_pair(mark, (value,)), lead=lead)
            continue
        if place + 1 < len(marks):
            yield _pair(mark, ())
            continue
        values = tuple(_beside(lines, number, labels, mark))
        if values or mark.explicit:
            yield _pair(mark, values)


def _pair(mark: _Mark, values: tuple[str, ...]) -> Pair:
    match = mark.match
    column = Column(mark.label, match, match.unit, match.period) if match else Column(mark.label)
    return Pair(mark.element, mark.label, column, values, mark.explicit)


def _laid_out(line: Line) -> tuple[str, list[tuple[int, Piece]]]:
    whole, starts = "", []
    for piece in line.pieces:
        words = piece.text
        if not whole or whole.endswith(" "):
            words = words.lstrip()
        if not words:
            continue
        starts.append((len(whole), piece))
        whole += words
    return whole.rstrip(), starts


def _marks(line: Line, whole: str, starts: list[tuple[int, Piece]], labels: Labels) -> list[_Mark]:
    marks: list[_Mark] = []
    begins = dict(starts)
    if line.block.tag == "dt" and (whole.endswith(":") or len(starts) > 1):  # a term is a label, and no part of it is
        name = whole.strip(_TRIM + ":")
        if (match := labels.exact(name)) or whole.endswith(":"):
            return [_Mark(0, len(whole), len(whole), name, match or labels.match(name), line.block, explicit=True)]
    at = 0
    for colon in _COLON.finditer(whole):
        after = whole[colon.end() : colon.end() + 2]
        before = whole[at : colon.start()]
        if (
            not before.strip(_TRIM)
            or after.startswith("//")
            or (before[-1:].isdigit() and after[:1].isdigit() and colon[0] == ":")
        ):
            continue
        found = _before_colon(whole, at, colon.start(), begins, labels, line)
        if found is None:
            continue
        start, match = found
        if marks and start < marks[-1].end:
            continue
        name = whole[start : colon.start()].strip(_TRIM)
        marks.append(_Mark(start, colon.start(), colon.end(), name, match, _element_at(starts, start), explicit=True))
        at = colon.end()
    taken = [(mark.start, mark.end) for mark in marks]
    for place, (start, piece) in enumerate(starts):
        words = piece.text.strip()
        if not words or any(first <= start < last for first, last in taken) or _in_link(piece.element):
            continue
        if (line.heading and labels.field(words) is None) or piece.element.get("for"):
            continue  # `Clusters` over a list is no label of one cluster; a label of a control has no value beside it
        if _NO_VALUE.search(words):
            continue  # a label, a dash, and a dash in the place of its value
        by_look = piece.element is not line.block or len(starts) == 1
        structural = _is_label(piece.element, line.block)
        match = (
            labels.match(words.strip(_TRIM + ":"))
            if structural
            else labels.exact(words.strip(_TRIM))
            if by_look or place == 0
            else None
        )
        if match is None and not (structural and line.block.tag == "dt" and len(starts) == 1 and words):
            continue
        end = (
            start
            + len(piece.text.rstrip())
            - (len(piece.text) - len(piece.text.lstrip()) if start and whole[start - 1] == " " else 0)
        )
        marks.append(
            _Mark(start, end, min(end, len(whole)), words.strip(_TRIM + ":"), match, piece.element, explicit=structural)
        )
    if not marks and (dash := _DASH.search(whole)) and dash.start() <= LONGEST:
        match = labels.exact(whole[: dash.start()])
        if match is not None:
            marks.append(
                _Mark(
                    0,
                    dash.start(),
                    dash.end(),
                    whole[: dash.start()].strip(),
                    match,
                    _element_at(starts, 0),
                    explicit=True,
                )
            )
        elif line.block.tag == "li" and dash.start() <= UNKNOWN_LABEL and dash.start() and _dashed(line.block, labels):
            name = whole[: dash.start()].strip()
            marks.append(_Mark(0, dash.start(), dash.end(), name, None, _element_at(starts, 0), explicit=True))
    if not marks and not line.heading and (number := _BESIDE_NUMBER.fullmatch(whole)):
        match = labels.exact(number["before"] or number["after"])
        if match is not None and labels.kind(match.field) != "text":
            start, end = number.span("before" if number["before"] else "after")
            marks.append(_Mark(start, end, end, whole[start:end], match, _element_at(starts, start), explicit=False))
    return sorted(marks, key=lambda mark: mark.start)


def _dashed(item: etree._Element, labels: Labels) -> bool:
    """Return whether an item of a list stands beside one that is a known label, a dash and a value."""
    for other in (item.getprevious(), item.getnext()):
        if other is not None and other.tag == "li":
            words = text(other)
            dash = _DASH.search(words)
            if dash is not None and dash.start() <= LONGEST and labels.exact(words[: dash.start()]) is not None:
                return True
    return False


def _before_colon(
    whole: str, at: int, colon: int, begins: dict[int, Piece], labels: Labels, line: Line
) -> tuple[int, Match | None] | None:
    """Return where the label before a colon begins and what it stands for; None where no label stands there."""
    bounds = [at, *(start for start in begins if at < start < colon)]
    cuts = [at + found.end() for found in _SEPARATOR.finditer(whole[at:colon])]
    spaces = [at + found.end() for found in re.finditer(r"\s+", whole[at:colon])]
    for start in sorted({*bounds, *cuts, *spaces[-8:]}):
        match = labels.exact(whole[start:colon].strip(_TRIM))
        if match is not None:
            return start, match
    edges = sorted({*bounds, *cuts}, reverse=True)
    for start in edges:
        name = whole[start:colon].strip(_TRIM)
        match = labels.match(name) if name else None
        if match is not None:
            return start, match
    start = max((start for start in bounds if start in begins), default=at)
    name = whole[start:colon].strip(_TRIM)
    strong = start in begins and (begins[start].element is not line.block or start == 0)
    if name and strong and len(name) <= UNKNOWN_LABEL and any(letter.isalpha() for letter in name):
        return start, None
    return None


def _element_at(starts: list[tuple[int, Piece]], place: int) -> etree._Element:
    return [piece.element for start, piece in starts if start <= place][-1]


def _in_link(element: etree._Element) -> bool:
    link = element if element.tag == "a" else next(element.iterancestors("a"), None)
    return link is not None and not any(
        one.tag in {"dl", "ul", "div", "p"} for one in link.iter(etree.Element)
    )  # a card


def _is_label(element: etree._Element, block: etree._Element) -> bool:
    """Return whether an element, or the block that it fills, is made to be a label."""
    for one in (element, block):
        if one.tag == "dt" or any(word in _LABEL_WORDS for word in words_of(one)):
            return True
    return element.tag in {"th", "label"} and element.get("for") is None


def _beside(lines: Sequence[Line], number: int, labels: Labels, mark: _Mark) -> Iterator[str]:
    """Yield what stands under a label that fills its line: in the next line of its block, or in the block beside it."""
    line = lines[number]
    if line.block.tag == "dt":
        for following in line.block.itersiblings():
            if following.tag == "dd":
                yield from _parts(following)
            elif following.tag == "dt" and (_follows_dd(following) or _names(following, labels)):
                return
        return
    following_line = lines[number + 1] if number + 1 < len(lines) else None
    if not mark.explicit and (above := _above(lines, number, labels)):
        yield above
        return
    if (
        following_line is not None
        and not following_line.heading
        and (
            following_line.block is line.block
            or (following_line.block is line.block.getparent() and squeezed(line.block.tail or ""))
            or any(one is line.block for one in following_line.block.iterancestors())
        )
        and not following_line.given
        and not following_line.rule
        and not _begins_with_label(following_line, labels)
    ):
        yield following_line.text
        return
    if following_line is not None and following_line.block is line.block and not following_line.rule:
        return  # further lines of its block: what stands beside the block is not the label's
    box = line.block
    while box.getparent() is not None and _fills(box) and box.getparent().tag not in {"body", "html", "td", "th"}:
        box = box.getparent()
    parent = box.getparent()
    if parent is None:
        return
    siblings = [child for child in parent if isinstance(child.tag, str) and child.tag not in SILENT and text(child)]
    first_is_label = bool(siblings) and _names(siblings[0], labels)
    last_is_label = bool(siblings) and _names(siblings[-1], labels)
    following = next(
        (one for one in box.itersiblings() if isinstance(one.tag, str) and one.tag not in {"hr", "br"}), None
    )
    before = next((one for one in box.itersiblings(preceding=True) if isinstance(one.tag, str) and text(one)), None)
    if (
        last_is_label
        and not first_is_label
        and before is not None
        and not _names(before, labels)
        and (not mark.explicit or (following is None and mark.end == mark.label_end))
    ):
        if len(value := text(before)) <= LONGEST:
            yield value
        return
    if following is None or _holds_control(following) or following.tag in _HEADINGS or following.tag == "table":
        return
    if _names(following, labels) or _begins(following, labels):
        return
    if not mark.explicit and _holds_labels(following, labels):
        return
    yield from _parts(following)


def _above(lines: Sequence[Line], number: int, labels: Labels) -> str:
    """Return the figure that stands over a label, where the two are all the lines of their block; else nothing."""
    if not number:
        return ""
    before, line = lines[number - 1], lines[number]
    around = [lines[place] for place in (number - 2, number + 1) if 0 <= place < len(lines)]
    whole = before.block is line.block and all(other.block is not line.block for other in around)
    figure = (
        whole and not before.given and not before.rule and re.search(r"\d|^\W+$|^n\W?a\W?$", before.text, re.IGNORECASE)
    )
    return before.text if figure and not _begins_with_label(before, labels) else ""


def _follows_dd(term: etree._Element) -> bool:
    before = term.getprevious()
    return before is not None and before.tag == "dd"


def _parts(element: etree._Element) -> Iterator[str]:
    """Yield the text of an element; each item for itself where it is a list, or holds items by their class."""
    items = [
        child
        for child in element.iterdescendants()
        if isinstance(child.tag, str) and (child.tag == "li" or _is_of(child, "item"))
    ]
    if items and not any(inner in items for item in items for inner in item.iterancestors() if inner is not element):
        yield from filter(None, map(text, items))
    elif words := text(element):
        yield words.lstrip(":\uff1a ")


def _fills(box: etree._Element) -> bool:
    parent = box.getparent()
    if squeezed(parent.text or ""):
        return False
    return not any(
        (
            child is not box
            and isinstance(child.tag, str)
            and child.tag not in SILENT
            and (text(child) or _holds_control(child))
        )
        or squeezed(child.tail or "")
        for child in parent
    )


def _names(element: etree._Element, labels: Labels) -> bool:
    words = text(element) if len(element) < MANY else ""
    return 0 < len(words) <= LONGEST and labels.exact(words.strip(_TRIM + ":")) is not None


def _begins(element: etree._Element, labels: Labels) -> bool:
    """Return whether a block begins with a label of its own."""
    head, colon, _ = text(element).partition(":")
    if colon and len(head) <= LONGEST and labels.exact(head) is not None:
        return True
    first = next((one for one in element.iter(etree.Element) if squeezed(one.text or "")), None)
    return first is not None and first is not element and _names(first, labels)


def _holds_labels(element: etree._Element, labels: Labels) -> bool:
    """Return whether a block holds more than a value: elements that are labels, or carry one."""
    return any(
        one.get("data-label") or one.tag in {"table", "dl", "form"} or (not len(one) and _names(one, labels))
        for one in element.iter(etree.Element)
    )


def _begins_with_label(line: Line, labels: Labels) -> bool:
    words = line.text
    head = words.partition(":")[0]
    first = next(piece for piece in line.pieces if piece.text.strip())
    if first.element is not line.block and labels.exact(first.text.strip(_TRIM + ":")) is not None:
        return True
    return len(head) <= LONGEST and (
        labels.exact(head) is not None or labels.exact(words) is not None or words.endswith(":")
    )


def _holds_control(element: etree._Element) -> bool:
    controls = element.iter("select", "textarea", "input", "button")
    return any(control.tag != "input" or control.get("type") != "hidden" for control in controls)


# Records out of pairs -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Block:
    """Pairs that say one thing, and the place of the first and last of their lines."""

    pairs: list[tuple[int, Pair]]
    element: etree._Element


def blocks_of(pairs: list[tuple[int, Pair]], lines: Sequence[Line], required: frozenset[str]) -> list[Block]:
    """Return the pairs of a page, grouped by what they say it of: one block for a profile, one for each card."""
    known = [pair for pair in pairs if pair[1].column.match is not None]
    if not known:
        return []
    paths = {id(pair): _path(pair.element) for _, pair in known}
    return _split(known, 0, paths, lines, required)


def _path(element: etree._Element) -> list[etree._Element]:
    return [*reversed(list(element.iterancestors())), element]


def _keys(pairs: Sequence[tuple[int, Pair]]) -> list[tuple[str, str]]:
    return [(pair.column.match.field, pair.column.period) for _, pair in pairs if pair.column.match]


def _split(
    pairs: list[tuple[int, Pair]],
    depth: int,
    paths: dict[int, list[etree._Element]],
    lines: Sequence[Line],
    required: frozenset[str],
) -> list[Block]:
    while all(len(paths[id(pair)]) > depth + 1 for _, pair in pairs) and (
        len({paths[id(pair)][depth + 1] for _, pair in pairs}) == 1
    ):
        depth += 1
    element = paths[id(pairs[0][1])][min(depth, len(paths[id(pairs[0][1])]) - 1)]
    keys = _keys(pairs)
    if len(set(keys)) == len(keys):
        return [Block(pairs, element)]
    children: dict[etree._Element, list[tuple[int, Pair]]] = {}
    for numbered in pairs:
        path = paths[id(numbered[1])]
        children.setdefault(path[depth + 1] if len(path) > depth + 1 else path[-1], []).append(numbered)
    alike: dict[tuple[str, str], list[etree._Element]] = {}
    for child in children:
        alike.setdefault((child.tag, _shape(child)), []).append(child)
    for same in sorted(alike.values(), key=len, reverse=True):
        parts = [children[child] for child in same]
        rest = [numbered for child, part in children.items() if child not in same for numbered in part]
        if _headed_by(parts, rest, required):
            continue
        if len(parts) > 1 and _repeat(parts, required):
            made = [block for part in parts for block in _split(part, depth + 1, paths, lines, required)]
            if rest:
                made += _split(rest, depth, paths, lines, required)
            return sorted(made, key=lambda block: block.pairs[0][0])
    if _holds_list(children, paths, depth):
        made = [block for part in children.values() for block in _split(part, depth + 1, paths, lines, required)]
        return sorted(made, key=lambda block: block.pairs[0][0])
    segments = _segments(pairs, lines, required)
    if len(segments) > 1:
        return [block for part in segments for block in _split(part, depth, paths, lines, required)]
    big = [part for part in children.values() if len(part) > 1]
    if len(children) > 1 and len(big) > 1 and _repeat(big, required):
        made = [block for part in children.values() for block in _split(part, depth + 1, paths, lines, required)]
        return sorted(made, key=lambda block: block.pairs[0][0])
    return [Block(pairs, element)]


def _shape(element: etree._Element) -> str:
    """Return the class of an element without the words that tell one of a row of siblings: odd, even, first, last, 3."""
    words = (element.get("class") or "").casefold().split()
    return " ".join(
        sorted(word for word in words if not re.search(r"\d|^(?:odd|even|first|last|active|alt|alternate)$", word))
    )


def _repeat(parts: list[list[tuple[int, Pair]]], required: frozenset[str]) -> bool:
    """Return whether parts of a page say the same of several things."""
    if len(parts) == 1 or all(len(part) == 1 for part in parts):
        return False  # labels that follow one another, each in an element of its own
    fields = [{name for name, _ in _keys(part)} for part in parts]
    if required and sum(required <= names for names in fields) > 1:
        return True
    return _alike(fields)


def _holds_list(
    children: dict[etree._Element, list[tuple[int, Pair]]], paths: dict[int, list[etree._Element]], depth: int
) -> bool:
    """Return whether one part of a page, and no other, says the same of several things, each in an element of its own."""
    parts = sorted(children.values(), key=len, reverse=True)
    if len(parts) == 1 or sum(map(len, parts[1:])) * 4 > len(parts[0]):
        return False
    keys = _keys(parts[0])
    held = {paths[id(pair)][min(depth + 2, len(paths[id(pair)]) - 1)] for _, pair in parts[0]}
    return len(set(keys)) < len(keys) and len(held) > 1 and len({_shape(one) + one.tag for one in held}) == 1


def _headed_by(parts: list[list[tuple[int, Pair]]], rest: list[tuple[int, Pair]], required: frozenset[str]) -> bool:
    """Return whether what names each part stands before it, in an element of its own: a line over each list."""
    inside = {name for part in parts for name, _ in _keys(part)}
    outside = [name for name, _ in _keys(rest)]
    return len(parts) > 1 and any(name not in inside and outside.count(name) == len(parts) for name in required)


def _alike(fields: list[set[str]]) -> bool:
    shared = [len(one & other) / len(one | other) for one, other in pairwise(fields)]
    return bool(shared) and sum(shared) / len(shared) >= 1 / 3


def _segments(
    pairs: list[tuple[int, Pair]], lines: Sequence[Line], required: frozenset[str]
) -> list[list[tuple[int, Pair]]]:
    """Cut pairs that follow one another without an element around each thing: at headings and rules, or where a required field, or the first one, comes again."""
    cuts: set[int] = set()
    for place in range(1, len(pairs)):
        between = lines[pairs[place - 1][0] + 1 : pairs[place][0]]
        if any(line.heading or line.rule for line in between):
            cuts.add(place)
    by_heading = _cut(pairs, cuts)
    long = [part for part in by_heading if len(part) > 1]
    if (
        len(by_heading) > 1
        and len(long) != 1
        and _alike([{name for name, _ in _keys(part)} for part in long or by_heading])
    ):
        return by_heading
    names = [pair.column.match.field for _, pair in pairs if pair.column.match]
    for name in [*[name for name in names if name in required], names[0]]:
        if names.count(name) > 1:
            cut = _cut(pairs, {place for place, other in enumerate(names) if other == name and place})
            if name in required or _repeat(cut, required):
                return cut
    return [pairs]


def _cut(pairs: list[tuple[int, Pair]], places: set[int]) -> list[list[tuple[int, Pair]]]:
    cuts = [0, *sorted(places), len(pairs)]
    return [pairs[start:end] for start, end in pairwise(cuts) if end > start]


# The first form: fields wherever they stand, as the feeds of the EU read them -----------------------------------------


@dataclass(slots=True)
class Fields:
    """What a page says in pairs of label and value.

    Attributes:
        values: field → the texts that stand under its labels.
        unexpected: labels that stand where labels stand, and are not known.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)

    def missing(self, expected: Sequence[str]) -> list[str]:
        """Return the fields that were expected and not found."""
        return [name for name in expected if name not in self.values]


def fields(root: etree._Element, labels: Labels) -> Fields:
    """Read what a page says in pairs of label and value, by the labels.

    Pairs are definition lists, table rows of two cells, and elements whose class ends in ``label`` beside others whose
    class ends in ``item``, ``items`` or ``value``.
    """
    reading = Fields()
    for label, values in _pairs(root):
        name = labels.field(label)
        if name is not None:
            reading.values.setdefault(name, []).extend(value for value in values if value)
        elif normal(label) and label not in reading.unexpected:
            reading.unexpected.append(label)
    return reading


def _pairs(root: etree._Element) -> Iterator[tuple[str, list[str]]]:
    for term in root.iter("dt"):
        yield text(term), list(_definitions(term))
    for row in root.iter("tr"):
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        if len(cells) == len(("label", "value")) and cells[1].tag == "td":
            yield text(cells[0]), [text(cells[1])]
    for label in root.iter("div", "span", "h3", "h4", "strong", "p"):
        if _is_of(label, "label"):
            yield text(label), list(_items(label))


def _definitions(term: etree._Element) -> Iterator[str]:
    defined = False
    for following in term.itersiblings():
        if following.tag == "dt" and defined:
            return
        if following.tag == "dd":
            defined = True
            yield text(following)


def _items(label: etree._Element) -> Iterator[str]:
    for following in label.itersiblings():
        if _is_of(following, "label"):
            return
        if _is_of(following, "items"):
            inner = [child for child in following.iterdescendants() if _is_of(child, "item")]
            yield from map(text, inner or [following])
        elif _is_of(following, "item", "value"):
            yield text(following)


def _is_of(element: etree._Element, *kinds: str) -> bool:
    if not isinstance(element.tag, str):
        return False
    words = re.split(r"[\s_-]+", (element.get("class") or "").casefold())
    return any(kind in words for kind in kinds)
