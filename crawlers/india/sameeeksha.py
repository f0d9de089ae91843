"""in.sameeeksha: profiles of energy-intensive clusters on sameeeksha.org (TERI and Bureau of Energy Efficiency).

Articles of one site in Joomla: an introduction in prose, then labels and values, then the year of the data. The labels
and values were seen, the HTML was not. What is known of the source, and how: docs/sources/india.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.batch import Batch
from crawlers.evidence import Document
from crawlers.spider import Spider

LABELS = reader.Labels(
    {
        "products": ["Products manufactured", "Product manufactured", "Products"],
        "units": ["Number of MSMEs", "Number of MSME", "No. of MSMEs", "Number of units", "No. of units"],
        "employment": ["Employment", "Number of employees", "Persons employed"],
        "energy_level": ["Energy consumption", "Energy intensity"],
        "fuels": ["Main fuels", "Main fuel"],
        "production": [
            *("Production & turnover", "Production and turnover", "Annual production & turnover"),
            *("Annual production and turnover", "Production", "Annual production", "Production/turnover"),
        ],
        "turnover": ["Turnover", "Annual turnover"],
        "energy": ["Total energy consumption (toe)", "Total energy consumption", "Annual energy consumption"],
        "associations": ["Leading industry association(s)", "Leading industry associations", "Industry associations"],
        "manual": ["Cluster profile", "Cluster manual"],
        "initiatives": ["Energy efficiency initiatives"],
        "resources": ["Other resources"],
        "source": ["Source"],
    },
    kinds={"units": "number", "employment": "number", "turnover": "money", "energy": "number"},
)
"""What stands beside a label on a profile."""

REQUIRED = frozenset({"products"})
"""With the word cluster in the heading it makes a profile."""

EXPECTED = ("units", "production", "energy")

MAX_ARTICLES = 500

_ARTICLE = re.compile(r"[0-9]+")
_HEADING = re.compile(r"^(?P<name>.+?)\s+cluster\s*(?:\((?P<state>[^()]+)\))?\s*$", re.IGNORECASE)
_LABELS_BEGIN = re.compile(r"\bProducts? manufactured\b|\bNumber of MSME", re.IGNORECASE)
_YEAR = re.compile(
    r"data\s+pertains?\s+to\s+(?:the\s+year\s+|FY\s*)?([0-9]{4}(?:\s*[-–/]\s*[0-9]{2,4})?)", re.IGNORECASE
)

_HEDGE = r"(?:(?:about|around|approximately|over|more than|nearly|almost|some|at least|less than)\s+)?"
_WORD = "one|two|three|four|five|six|seven|eight|nine|ten"
_NUMBER = rf"(?:[0-9][0-9,.]*|\b(?:{_WORD})\b)(?:[ -](?:lakhs?|lacs?|crores?|thousand|million))?"
_PEOPLE = r"(?:people|persons|workers|employees|artisans|labou?rers)"
_FIRMS = r"(?:units|MSMEs?|enterprises|foundries|industries|firms|factories|workshops)"
_WITHIN = r"(?:(?!\.\s)[^;])*?"  # of one sentence; a full stop within a number is followed by a digit
SAID = {
    "units_said": (rf"\b({_HEDGE}{_NUMBER})\s+(?:[\w-]+\s+){{0,4}}?{_FIRMS}\b",),
    "employment_said": (
        rf"\bemploy\w*\b{_WITHIN}({_HEDGE}{_NUMBER})\s+{_PEOPLE}\b",
        rf"\b({_HEDGE}{_NUMBER})\s+{_PEOPLE}\b{_WITHIN}\bemploy",
    ),
    "turnover_said": (
        (
            rf"\bturnover\b{_WITHIN}({_HEDGE}(?:(?:Rs\.?|INR|₹|`)\s*)?{_NUMBER}(?:\s*(?:billion|rupees))*"
            r"(?:\s*\([^()]*\))?)"
        ),
    ),
}
"""Statements in prose: field → patterns, of which the first that is found counts."""


class FeedSpider(Spider):
    """Asks for the articles that the operator names, and for those that they link to."""

    name = "in.sameeeksha"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for each article of the parameter."""
        self.known: set[str] = set()
        for given in self.harvest.parameters["articles"]:
            article, _, item = given.partition("/")
            for request in self._ask(article, item):
                yield request

    def _ask(self, article: str, item: str) -> Iterator[Request]:
        """Ask for an article once, whatever the order of the parameters and the menu items of its links."""
        if article in self.known:
            return
        if len(self.known) >= MAX_ARTICLES:
            told = f"{self.name}: more than {MAX_ARTICLES} articles are linked; the rest is not asked for"
            self.harvest.doubts += [] if told in self.harvest.doubts else [told]
            return
        self.known.add(article)
        query = {"option": "com_content", "view": "article", "id": article, **({"Itemid": item} if item else {})}
        yield self.request("/index.php", self.article, query=query)

    def article(self, response: Response) -> Iterator[Request]:
        """Look for links to further articles of the site."""
        root = reader.page(response.body)
        if root is None:
            self.not_understood(response, "a page", repr(response.body[:60]))
            return
        for link in root.iter("a"):
            address = urljoin(response.url, (link.get("href") or "").strip())
            if urlsplit(address).hostname in {*self.allowed_domains, urlsplit(self.base_url).hostname}:
                article, item = article_of(address)
                yield from self._ask(article, item) if article else ()


def article_of(address: str) -> tuple[str, str]:
    """Return the number and the menu item of the article that an address or the name of a file says; else nothing."""
    told = unquote(address) if address.startswith("file:") else address
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(told.replace("&amp;", "&")).query)}
    number = _ARTICLE.match(query.get("id", ""))
    if number is None or query.get("option") != "com_content" or query.get("view") != "article":
        return "", ""
    return number[0], query.get("itemid", "")


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a page into raw records: ``profiles`` or ``other_pages``; None where the document is no page."""
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    heading = _heading(root)
    about = {
        "address": document.url,
        "captured": (document.archived_at or document.retrieved_at).isoformat(),
        "heading": heading,
    }
    reading = reader.read(root, LABELS, required=REQUIRED, expected=EXPECTED)
    named = _HEADING.match(heading)
    if "cluster" not in heading.casefold() or reading is None or not reading.records:
        notes = () if reading is None else reading.notes if named else reading.missed
        if reading is not None and reading.records:
            notes = ("a page has the labels of a profile, and no heading that names a cluster: it makes no record",)
        return iter([Batch("other_pages", [{**about, "_locator": "html:page"}], notes=notes)])
    record = {**about, "name": named["name"] if named else heading, **reading.records[0].raw(LABELS)}
    if named and named["state"]:
        record["state"] = named["state"]
    stated = [link.get("href") or "" for link in root.iter("base", "link") if link.get("rel") in {None, "canonical"}]
    record["article"] = next(filter(None, (article_of(address)[0] for address in (document.url, *stated))), None)
    record |= _said(reader.text(root))
    return iter([Batch("profiles", [{key: value for key, value in record.items() if value}], notes=reading.notes)])


def _heading(root: etree._Element) -> str:
    """Return the heading that names a cluster, else the first, else the title."""
    told = [reader.text(element) for element in root.iter("h1", "h2", "h3")]
    told += [" ".join((title.text or "").split()) for title in root.iter("title")]
    return next(iter([*(text for text in told if _HEADING.match(text)), *filter(None, told)]), "")


def _said(text: str) -> dict[str, str | None]:
    """Return the year of the data, and what the introduction says in numbers: these words alone."""
    year = _YEAR.search(text)
    said = {"year": year[1] if year else None}
    prose = _LABELS_BEGIN.split(text)[0]
    for name, patterns in SAID.items():
        found = (re.search(pattern, prose, re.IGNORECASE) for pattern in patterns)
        said[name] = next((match[1] for match in found if match), None)
    return said
