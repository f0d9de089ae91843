"""eu.legacy: region × category tables of clusterobservatory.eu, 2007 to 2014, as saved or archived pages.

No page with such a table was ever seen: the reader finds the columns by their labels, wherever they stand, and says
what it did not find. The later site was one page with a script: its addresses ``index.html#!view=…`` are asked for as
crawlers did then, ``index.html?_escaped_fragment_=view=…``. What is known of the source, and how: docs/sources/eu.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.batch import Batch, LeftOut
from crawlers.evidence import Document
from crawlers.spider import Spider

LABELS = reader.Labels(
    {
        "region": ["Region", "NUTS", "NUTS code", "NUTS region", "Region code", "Code"],
        "region_name": ["Region name", "Name of region", "NUTS name"],
        "category": ["Cluster category", "Category", "Cluster", "Sector", "Industry"],
        "employment": ["Employees", "Employment", "Number of employees", "Jobs", "Persons employed"],
        "size": ["Size"],
        "specialisation": ["Specialisation", "Specialization", "Specialisation quotient"],
        "focus": ["Focus", "Share of region", "Share of regional employment"],
        "stars": ["Stars", "Star rating", "Cluster stars"],
        "innovation": ["Innovation"],
        "exports": ["Exports", "Export"],
        "year": ["Year"],
    }
)
"""The columns that are known by name; only their names were seen."""

EXPECTED = ("region", "category", "employment", "size", "specialisation", "focus", "stars")
_MEASURES = frozenset({"employment", "size", "specialisation", "focus", "stars"})
_COUNTRIES = "AT|BE|BG|CH|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|GR|HU|IE|IS|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|TR|UK"
_REGION = re.compile(rf"\b(Israel|(?:{_COUNTRIES})(?:[0-9A-Z]|(?=[A-Z]*[0-9])[0-9A-Z]{{2}}))\b")
_SAYS_REGION = re.compile(r"\b(?:region|nuts)\b|\(", re.IGNORECASE)
"""Words in which three capitals, such as ITC, are the code of a region."""
_YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_PARAGRAPHS = ("p", "div", "dd")
_LONGEST = 200
"""Letters of a paragraph that may say what a table is about; longer ones are texts."""

MAX_PAGES = 5000
"""Pages of one crawl: 259 regions by 38 categories have far fewer, but a calendar goes on for ever."""

ESCAPED = "_escaped_fragment_="


class FeedSpider(Spider):
    """Asks for the pages and views that the operator names, and follows their links to further tables."""

    name = "eu.legacy"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for each page and each view of the parameters."""
        self.known: set[str] = set()
        targets = [f"/index.php?id={number}&nid=" for number in self.harvest.parameters["pages"]]
        targets += [f"/index.html?{ESCAPED}{escaped(view)}" for view in self.harvest.parameters["views"]]
        for target in targets:
            for request in self._ask(target):
                yield request

    def _ask(self, target: str) -> Iterator[Request]:
        """Ask for a path and query below the base address, once."""
        if target in self.known:
            return
        if len(self.known) == MAX_PAGES:
            self.harvest.doubts.append(
                f"{self.name}: more than {MAX_PAGES} pages are linked; {target} is not asked for"
            )
        self.known.add(target)
        if len(self.known) <= MAX_PAGES:
            request = self.request("/", self.page, context={"target": target})
            yield request.replace(url=self.base_url + target)

    def page(self, response: Response, target: str) -> Iterator[Request]:
        """Look for links ``index.php?id=…`` and ``#!…`` within the site."""
        root = reader.page(response.body)
        if root is None:
            self.not_understood(response, f"the page {target}", repr(response.body[:60]))
            return
        for link in root.iter("a"):
            further = _target(urljoin(response.url, link.get("href") or ""), self.allowed_domains)
            if further is not None:
                yield from self._ask(further)


def _target(address: str, hosts: list[str]) -> str | None:
    """Return path and query under which a linked page is asked for, or None where it is none of the site's tables."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if host not in hosts:
        return None
    name = parts.path.rsplit("/", 1)[-1]
    if parts.fragment.startswith("!") or parts.query.startswith(ESCAPED):
        view = unquote(parts.fragment[1:] if parts.fragment else parts.query.removeprefix(ESCAPED))
        return f"/{name}?{ESCAPED}{escaped(view)}" if view else None
    number = dict(parse_qsl(parts.query)).get("id", "")
    return f"/index.php?id={number}&nid=" if name == "index.php" and number.isascii() and number.isdecimal() else None


def escaped(view: str) -> str:
    """Return what stood behind ``#!`` as a crawler asks for it: most signs stay, ``;`` and ``=`` among them.

    Source: Google, "Making AJAX applications crawlable" (2009), the scheme ``_escaped_fragment_``.
    """
    return quote(view, safe="!$'()*,-./:;=?@_~")


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a page into raw records of the kind ``cells``, one for each region and category.

    A table has a category, and a region, or stands below words that name one, and a measure. A table of one category
    may name that in its caption alone; then it has a column of regions and two measures. Region and year that a table
    does not say in its rows are those of its caption, else of the headings and paragraphs above it, the nearest first,
    else of the title of the page; where the caption names several, or nothing names one, there is none. None where the
    document is no page.

    Raises:
        LeftOut: a page without such a table; the message says what was looked for.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    found = [
        table
        for table in reader.tables(root, LABELS, frozenset({"category"}))
        if _MEASURES & set(table.columns) and ("region" in table.columns or _Above.of(root, table).region)
    ]
    found += [
        table
        for table in reader.tables(root, LABELS, frozenset({"region"}))
        if "category" not in table.columns
        and len(_MEASURES & set(table.columns)) > 1
        and (named := _Above.of(root, table).category)
        and not _REGION.search(named)
    ]
    if not found:
        reading = reader.read_first(root, LABELS, [{"category", "region"}], expected=EXPECTED)
        notes = list(reading.missed)
        if reading.records:
            notes = ["a table has categories and regions, and none of the measures " + ", ".join(sorted(_MEASURES))]
        raise LeftOut(
            "expected a table with a category, a region and employment, size, specialisation, focus or stars", notes
        )
    return iter([_cells(table, _Above.of(root, table)) for table in found])


@dataclass(frozen=True, slots=True)
class _Above:
    """What a table is about by the words that stand over it.

    Attributes:
        region: the one code of a region; empty where none is named, or several are.
        year: the one year; empty likewise.
        category: what the caption, else the nearest heading, names beside a year.
        told: region and year that are not of the caption, with the words that they are taken from.
    """

    region: str
    year: str
    category: str
    told: tuple[str, ...]

    @classmethod
    def of(cls, root: etree._Element, table: reader.Table) -> _Above:
        """Look at the caption of a table, else at what is over it."""
        over = _over(root, table)
        title = [(" ".join("".join(one.itertext()).split()), True) for one in root.iter("title")]
        found = {}
        told = []
        for name, pattern in (("region", _REGION), ("year", _YEAR)):
            codes = set(pattern.findall(table.caption))
            words = table.caption
            for text, _ in [] if codes else [*over, *title]:
                codes = {code for code in pattern.findall(text) if _is_plain(code) or _SAYS_REGION.search(text)}
                if len(codes) == 1:
                    words = text
                    break
            found[name] = codes.pop() if len(codes) == 1 else ""
            if found[name] and words != table.caption:
                told.append(f"the {name} {found[name]} of a table is taken from {words!r} over it")
        named = (_category(text) for text in (table.caption, *(text for text, is_heading in over if is_heading)))
        return cls(found["region"], found["year"], next(filter(None, named), ""), tuple(told))


def _is_plain(code: str) -> bool:
    """Return whether a year or code is one in any words; three capitals, such as ITA, are not."""
    return code == "Israel" or any(letter.isdigit() for letter in code)


def _over(root: etree._Element, table: reader.Table) -> list[tuple[str, bool]]:
    """Return the headings and short paragraphs over a table, the nearest first; with each, whether it is a heading.

    What stands over an earlier table is of that table alone, but for headings of a higher level than those that follow
    them, and for years in the paragraphs below these.
    """
    if not table.rows:
        return []
    number = int(table.rows[0].locator.removeprefix("html:table[").split("]")[0])
    own = list(root.iter("table"))[number - 1]
    around = {own, *own.iterancestors()}
    before = []
    for element in root.iter("table", *_HEADINGS, *_PARAGRAPHS):
        if element is own:
            break
        before.append(element)
    over: list[tuple[str, bool]] = []
    held: list[tuple[str, bool]] = []
    passed, lowest = False, len(_HEADINGS) + 1
    for element in reversed(before):
        if element.tag == "table":
            passed = passed or element not in around
        elif element.tag in _HEADINGS:
            level = int(element.tag[1])
            if not passed or level < lowest:
                over += [*held, (reader.text(element), True)]
            held = []
            lowest = min(lowest, level)
        elif not _holds_blocks(element):
            text = reader.text(element)
            if len(text) <= _LONGEST and (not passed or not _REGION.search(text)):
                (held if passed else over).append((text, False))
    return [*over, *held]


def _holds_blocks(element: etree._Element) -> bool:
    """Return whether an element holds other headings, paragraphs or tables, or links, as menus of regions do."""
    inner = element.iter("table", "a", "ul", "select", *_HEADINGS, *_PARAGRAPHS)
    next(inner)
    return next(inner, None) is not None


def _category(caption: str) -> str:
    """Return what a caption names beside a year."""
    return _YEAR.sub("", caption).strip(" ,;:-–()")


def _cells(table: reader.Table, above: _Above) -> Batch:
    named = {} if "category" in table.columns else {"category": above.category}
    present = {*table.columns, *({"region"} if above.region else ()), *named}
    notes = [f"the table has no column {name}" for name in EXPECTED if name not in present]
    notes += [f"the table has no column category; {name!r} of its caption is taken for it" for name in named.values()]
    unknown = {label for name, label in zip(table.columns, table.labels, strict=True) if name is None and label}
    notes += [f"the column {label!r} is not known" for label in sorted(unknown)]
    notes += [told for told in above.told if told.split()[1] not in table.columns]
    records = []
    undated = False
    for row in table.rows:
        cells = dict(row.cells)
        shown = cells.pop("region", above.region)
        code = _REGION.search(shown)
        year_of_row = _YEAR.search(cells.pop("year", ""))
        known = {
            "region": code[1] if code else shown,
            "year": year_of_row[0] if year_of_row else above.year or "undated",
        }
        if known["year"] == "undated":
            undated = True
        records.append({**cells, **named, **known, "_locator": row.locator})
    if undated:
        notes.append("the page says no year over a table, or several: its figures are undated")
    return Batch("cells", records, notes=notes)
