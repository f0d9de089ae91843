"""Pages and XML read by their labels, never by position: what a label stands for, definition lists, header-row tables.

A feed says which labels it knows (`Labels`); the reader finds them wherever they stand, and tells what it expected and
did not find, and what it found and did not expect. Nothing is executed or fetched: no DTD, no entities, no network.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from lxml import etree, html
from lxml.html import HtmlElement

from crawlers.spider import LeftOut

MAX_SPAN = 100
"""Columns that one cell may span: a page that states more is damaged, or means harm."""

_PROLOGUE = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*(?=<)", re.DOTALL)
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_SILENT = frozenset({"script", "style", "noscript", "template"})


def page(body: bytes, charset: str | None = None) -> HtmlElement | None:
    """Parse an HTML page; return None where it is none.

    Args:
        body: the page, content-decoded.
        charset: as the server declared it; else UTF-8 where the bytes are that, else what the page itself says.
    """
    if b"<" not in body[:4096]:
        return None
    if charset is None:
        try:
            body.decode("utf-8")
            charset = "utf-8"
        except UnicodeDecodeError:
            charset = None
    try:
        parser = html.HTMLParser(encoding=charset, no_network=True, remove_comments=True, remove_pis=True)
    except LookupError:  # the server names an encoding that does not exist
        parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    return root


def xml(body: bytes, address: str) -> etree._Element:
    """Parse an XML document, comments before its declaration included.

    Raises:
        LeftOut: it has a DTD or entities, or is not well-formed; the message says where.
    """
    start = _PROLOGUE.match(body)
    body = body[start.end() :] if start else body
    if _DOCTYPE.search(body):
        raise LeftOut(f"{address}: expected XML without a DTD, got one; it is not read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise LeftOut(f"{address}: expected XML, got what is not well-formed ({error})") from error


def text(element: etree._Element) -> str:
    """Return the text of an element with its blanks squeezed; where it has none, what its images say.

    An image says its `alt`, else the name of its file: three stars may be three images, or one called `stars_3.gif`.
    """
    found = _squeezed(" ".join(_texts(element)))
    if found:
        return found
    said = (
        image.get("alt") or (image.get("src") or "").split("?")[0].rsplit("/", 1)[-1] for image in element.iter("img")
    )
    return _squeezed(" ".join(said))


def _texts(element: etree._Element) -> Iterator[str]:
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return
    yield element.text or ""
    for child in element:
        yield from _texts(child) if isinstance(child.tag, str) else ()
        yield child.tail or ""


def _squeezed(words: str) -> str:
    return " ".join(words.split())


def normal(label: str) -> str:
    """Return a label as it is compared: lower case, without accents, signs and what stands in brackets."""
    bare = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", label)
    letters = unicodedata.normalize("NFKD", bare if bare.strip(" :*") else label).casefold()
    without_accents = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _squeezed("".join(letter if letter.isalnum() or letter == "%" else " " for letter in without_accents))


class Labels:
    """What labels stand for: field → the labels that name it, in any language."""

    def __init__(self, synonyms: Mapping[str, Sequence[str]]) -> None:
        """Build the table.

        Raises:
            ValueError: one label stands for two fields.
        """
        self.fields = tuple(synonyms)
        self._field_of: dict[str, str] = {}
        for name, labels in synonyms.items():
            for label in labels:
                if self._field_of.setdefault(normal(label), name) != name:
                    raise ValueError(f"the label {label!r} stands for {name} and for {self._field_of[normal(label)]}")

    def field(self, label: str) -> str | None:
        """Return the field that a label names, or None."""
        return self._field_of.get(normal(label))


@dataclass(slots=True)
class Reading:
    """What was read of a page.

    Attributes:
        values: field → the texts that stand under its labels.
        unexpected: labels that stand where labels stand, and are not known.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)

    def missing(self, expected: Sequence[str]) -> list[str]:
        """Return the fields that were expected and not found."""
        return [name for name in expected if name not in self.values]


def fields(root: etree._Element, labels: Labels) -> Reading:
    """Read what a page says in pairs of label and value, by the labels.

    Pairs are definition lists, table rows of two cells, and elements whose class ends in ``label`` beside others whose
    class ends in ``item``, ``items`` or ``value``.
    """
    reading = Reading()
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
    for number, table in enumerate(root.iter("table"), 1):
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
            yield Table(_caption(table), columns, header, tuple(found))


def _cells(row: etree._Element) -> Iterator[str]:
    for cell in row:
        if cell.tag in {"td", "th"}:
            span = cell.get("colspan") or "1"
            yield from [text(cell)] * (min(int(span), MAX_SPAN) if span.isascii() and span.isdecimal() else 1)


def _caption(table: etree._Element) -> str:
    for own in table.iter("caption"):
        return text(own)
    headings = table.xpath("preceding::*[self::h1 or self::h2 or self::h3 or self::h4][1]")
    return text(headings[-1]) if isinstance(headings, list) and headings else ""
