"""ca.competeprosper: the closed Canadian cluster portal, as saved or archived pages.

No page with a table was ever seen: figures are found by their labels, the region, the cluster and the year by what the
page says of them, wherever it says so. What is known of the source, and how: docs/sources/canada.md.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.batch import Batch, LeftOut
from crawlers.evidence import Document
from crawlers.source import Route, feeds
from crawlers.spider import NeverCapturedError, Spider

HOME = "http://www.competeprosper.ca"
FRONT = "/clusters/data/"

LABELS = reader.Labels(
    {
        "cluster": ["Cluster", "Cluster name", "Name of cluster", "Traded cluster", "Industry cluster", "Industry"],
        "region": [
            "Region",
            "City region",
            "Province",
            "Province or city region",
            "CMA",
            "Census metropolitan area",
            "Geography",
            "Area",
        ],
        "year": ["Year", "Reference year", "Data year"],
        "employment": ["Employment", "Employees", "Number of employees", "Total employment", "Jobs"],
        "wages": [
            f"{average}{period}{wage}"
            for average in ("Average ", "")
            for period in ("annual ", "weekly ", "hourly ", "")
            for wage in ("wage", "wages")
        ],
        "location_quotient": ["Location quotient", "Location quotients", "LQ"],
    },
    kinds={"employment": "number", "wages": "money", "location_quotient": "ratio"},
)
"""The labels that are known by name; the names of the three measures were seen, as words of a sentence."""

MEASURES = ("employment", "wages", "location_quotient")
CHOICES: Mapping[str, frozenset[str]] = {
    "regions": frozenset({"region"}),
    "clusters": frozenset({"region", "cluster"}),
}
"""Choice of the front page → what its form has one select for."""

_YEAR = re.compile(r"(?<![\d/.,$-])(?:19[89]|20[0-4])\d(?![\d/.,%-]\d|\d)")
_KIND = r"(?:CMA|census metropolitan area|metropolitan area|city region|province)"
_OF_REGION = ("name", "name_fr", "other_names")
_SHORT = (
    "|".join(
        r"\.?\s?".join(letters) for letters in ("NL", "PEI", "PE", "NS", "NB", "QC", "PQ", "ON", "MB", "SK", "AB", "BC")
    )
    + "|Nfld|Que|Ont|Man|Sask|Alta"
)
_SPELLINGS = {"'": "['’‘]?", "-": r"\s?[-–—]\s?", " ": r"\s+", ".": r"\.?", ",": ",?"}


class FeedSpider(Spider):
    """Goes through the forms of the front page, whatever their selects are called."""

    name = "ca.competeprosper"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the front page."""
        if self.harvest.route is not Route.WAYBACK:  # a web archive has what it has
            self.harvest.asked.append("cells")
        yield self.request(FRONT, self.front).replace(errback=self.other_address)

    def other_address(self, failure: Any) -> Iterator[Request]:  # noqa: ANN401  # Twisted's failures are untyped here
        """Ask for a page at its other address, where a web archive does not have it at the first."""
        self.not_answered(failure)
        if failure.check(NeverCapturedError):
            parts = urlsplit(failure.request.url)
            other = urlunsplit(parts._replace(path=f"/index.php{parts.path}"))
            yield failure.request.replace(url=other, errback=self.not_answered)

    def front(self, response: Response) -> Iterator[Request]:
        """Send each form that offers what the operator has chosen, with each of its choices."""
        root = reader.page(response.body)
        offered = _offered(root, response.url) if root is not None else []
        for choice in self.harvest.parameters["choices"]:
            wanted = [form for form, meant in offered if meant == CHOICES[choice]]
            if not wanted:
                expected = f"a form with a select of {' and one of '.join(sorted(CHOICES[choice]))}s"
                came = f"{len(offered)} forms with selects of {[sorted(meant) for _, meant in offered]}"
                self.not_understood(response, expected, came)
            for form in wanted:
                for ask in form.combinations():
                    request = self.request_of(replace(ask, address=without_index(ask.address)), self.page)
                    yield request.replace(errback=self.other_address)

    def page(self, response: Response) -> None:
        """Check that an answer is a page; it is parsed from the archive."""
        if reader.page(response.body) is None:
            self.not_understood(response, "a page with figures of clusters", repr(response.body[:60]))


def without_index(address: str) -> str:
    """Return an address without ``/index.php``: the portal answers the same with it and without."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=parts.path.removeprefix("/index.php") or "/"))


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a page into raw records of the kind ``cells``, one for each region, cluster and year.

    Region, cluster and year are those of the record, else of what the page states outside of it, of what was chosen to
    get it, and of its headings, in this order. No batch for the front page; None where the document is no page.

    Raises:
        LeftOut: a page without a figure of a cluster, or one of which no region or no cluster is named.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    page = _Page(root, document)
    reading = _read(root)
    if not reading.records:
        address = document.url if document.url.startswith("http") else HOME
        if any(meant in CHOICES.values() for _, meant in _offered(root, address)):
            return iter(())  # the front page
        raise LeftOut(
            "expected figures of clusters: employment, wages or location quotients under such labels", reading.missed
        )
    records, notes = _cells(reading, page)
    if not records:
        raise LeftOut("; ".join(notes), notes)
    return iter([Batch("cells", [{**record, "page": document.document_id} for record in records], notes=notes)])


def _cells(reading: reader.Reading, page: _Page) -> tuple[list[dict[str, str]], list[str]]:
    """Return the figures of a page with their region, cluster and year, and what there is to tell."""
    notes = dict.fromkeys(reading.notes)
    records: list[dict[str, str]] = []
    for record in reading.records:
        if not any(record.text(name) for name in MEASURES):
            continue
        own = [text for text in (record.section, record.group, record.title) if text]
        region, cluster = (
            record.text(name) or _stated(reading, name) or page.named(name, own) for name in ("region", "cluster")
        )
        if not region or not cluster:
            absent = " and no ".join(name for name, text in (("region", region), ("cluster", cluster)) if not text)
            notes[f"figures of clusters of which no {absent} is named, or several are: they make no record"] = None
            continue
        said = (record.text("year"), record.period, _stated(reading, "year"))
        year = next(filter(None, map(_year, said)), None) or page.year(own)
        if year is None:
            notes["the page says no year, or several: its figures are undated"] = None
        made = {"region": region, "cluster": cluster, "year": year or "undated"}
        for name in MEASURES:
            if (text := record.text(name)) is not None:
                made |= {name: text, f"{name}_unit": record.unit(name)}
        if "wages" in made:
            made["wages_label"] = record.values["wages"][0].label
        records.append({**made, "_locator": record.locator})
    return records, list(notes)


def _stated(reading: reader.Reading, name: str) -> str | None:
    """Return what the page states outside of its figures, where it states one thing."""
    found = {value.text for value in reading.statements if value.field == name}
    return found.pop() if len(found) == 1 else None


def _read(root: etree._Element) -> reader.Reading:
    """Return what the page says by its labels; without records where it has no figure."""
    reading = reader.read_first(root, LABELS, [{"cluster"}], expected=MEASURES)
    if any(record.text(name) for record in reading.records for name in MEASURES):
        return reading
    return reader.read_first(root, LABELS, [{name} for name in MEASURES], expected=MEASURES)


class _Page:
    """What a page says of itself outside of its figures."""

    def __init__(self, root: etree._Element, document: Document) -> None:
        chosen = [*reader.asked_of(document.url).values(), *_selected(root)]
        heads = root.iter("h1", "h2", "h3", "h4", "caption", "title")
        self.chosen, self.headings = chosen, [reader.text(head) for head in heads]
        self.heads = [text for head in root.iter("th") if _YEAR.fullmatch(text := reader.text(head))]

    def named(self, kind: str, own: Sequence[str]) -> str | None:
        """Return the one region or cluster that was chosen, else that headings name; None where none or several are."""
        chosen = {text for text in self.chosen if _known(kind, text)}
        if len(chosen) == 1:
            return chosen.pop()
        for texts in (own, self.headings):
            found = {name for text in texts for name in _names_in(kind, text)}
            if len(found) == 1:
                return found.pop()
        return None

    def year(self, own: Sequence[str]) -> str | None:
        """Return the one year that headings name, else the one that is all that a head of a table says."""
        for texts in (own, self.headings, self.heads):
            found: set[str] = {year for text in texts for year in _YEAR.findall(text)}
            if len(found) == 1:
                return found.pop()
        return None


def _year(text: str | None) -> str | None:
    found = set(_YEAR.findall(text or ""))
    return found.pop() if len(found) == 1 else None


def _selected(root: etree._Element) -> Iterable[str]:
    return [reader.text(option) for option in root.iter("option") if option.get("selected") is not None]


def _offered(root: etree._Element, address: str) -> list[tuple[reader.Form, frozenset[str]]]:
    """Return the forms of a page with what their selects offer."""
    return [(form, frozenset(filter(None, map(_meaning, form.choices)))) for form in reader.forms(root, address)]


def _meaning(choice: reader.Choice) -> str | None:
    """Return whether a select offers regions or clusters, by most of its options; None where it is neither."""
    offered = [option.text for option in choice.choices]
    for kind in ("region", "cluster"):
        if offered and sum(_known(kind, text) for text in offered) > len(offered) / 2:
            return kind
    return None


def _known(kind: str, text: str) -> bool:
    """Return whether a text says nothing but the name of one region, or of one cluster."""
    return _names(kind).fullmatch(text.strip()) is not None


def _names_in(kind: str, text: str) -> set[str]:
    """Return the names of regions or clusters in a text, as they stand there; of a part of the country that alone."""
    found = {match[0] for match in _names(kind).finditer(text)}
    return found - {"Canada"} or found


@cache
def _names(kind: str) -> re.Pattern[str]:
    """Return a pattern of the names that we ship: any case, with or without accents, any dash and apostrophe.

    Behind the name of a city may stand its province, and what it is: `London, Ontario`, `Saint John (N.B.)`.
    """
    feed, columns = ("canada_geography", _OF_REGION) if kind == "region" else ("porter41", ("name",))
    path = feeds()[f"ref.{feed}"].shipped_path
    assert path is not None  # noqa: S101  # for the type checker
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = {name for row in rows for column in columns for name in row[column].split("|") if name}
    spelled = "|".join(_spelled(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    if kind == "cluster":
        return re.compile(rf"(?<!\w)(?:{spelled})(?!\w)", re.IGNORECASE)
    provinces = {row[name] for row in rows if row["region_type"] == "province" for name in ("name", "name_fr")}
    behind = "|".join([*map(_spelled, sorted(provinces, key=len, reverse=True)), _SHORT])
    within = rf"(?:\s*[,(]\s*(?:{behind})(?!\w)\.?\)?)?"
    said = rf"(?:\s*[,(]?\s*{_KIND}(?!\w)\)?)?"
    return re.compile(rf"(?<!\w)(?:{_KIND}\s+of\s+)?(?:{spelled})(?!\w){within}{said}", re.IGNORECASE)


def _spelled(name: str) -> str:
    """Return a pattern of a name and of its usual spellings."""
    letters = []
    for letter in name:
        plain = unicodedata.normalize("NFD", letter)[0]
        letters.append(_SPELLINGS.get(letter) or (f"[{letter}{plain}]" if plain != letter else re.escape(letter)))
    spelled = "".join(letters).replace("Defense", "Defen[cs]e").replace("Jewelry", "Jewell?e?ry")
    return spelled.replace(r"\s+and\s+", r"\s+(?:and|&)\s+")
