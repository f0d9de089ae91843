"""in.observatory: lists and profiles of clusters, schemes and totals of clusterobservatory.in.

Lists are empty until a function of the page, `search()`, calls another, `displayRecords('30','N')`, which stands for an
address that answers rows. That address is read from the function itself, or given by the operator. No list or profile
of clusters was ever seen: they are read by their labels. What is known, and how: docs/sources/india.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.batch import Batch
from crawlers.evidence import Document
from crawlers.spider import Spider

LABELS = reader.Labels(
    {
        "serial": ["Sr No.", "S.No.", "Sl. No.", "Serial No."],
        "state": ["State", "State/UT", "Name of state"],
        "district": ["District", "Name of district"],
        "place": ["Place", "Location", "Town", "City"],
        "cluster": ["Cluster", "Cluster name", "Name of cluster", "Name of the cluster"],
        "product": ["Product", "Products", "Product manufactured", "Main product"],
        "type": ["Type", "Type of cluster", "Cluster type"],
        "units": ["No. of units", "Units", "No. of enterprises", "No. of MSMEs", "No. of firms"],
        "looms": ["No. of looms", "Looms", "No. of handlooms"],
        "artisans": ["No. of artisans", "Artisans", "No. of artisan units"],
        "employment": ["Employment", "No. of workers", "Workers", "Persons employed", "No. of persons employed"],
        "turnover": ["Turnover", "Annual turnover"],
        "year": ["Year", "Data year", "Year of data", "Reference year", "Data pertains to"],
        "synopsis": ["Synopsis", "Profile", "Details", "Diagnostic study"],
        "records": ["Total records", "Total clusters", "No. of records"],
    },
    kinds={"units": "number", "looms": "number", "artisans": "number", "employment": "number", "turnover": "money"},
)
"""What stands under or beside a label of a list or profile of clusters."""

REQUIRED = (
    frozenset({"state", "product"}),
    frozenset({"state", "cluster"}),
    frozenset({"district", "product"}),
    frozenset({"district", "cluster"}),
)
"""What makes a cluster: where it is and what it makes, or is called; the first that a page has."""

EXPECTED = ("district", "employment", "turnover", "year")

SCHEMES = reader.Labels(
    {
        "serial": ["Sr No."],
        "scheme": ["Name", "Name of scheme", "Scheme"],
        "sector": ["Sector"],
        "institution": ["Institution", "Ministry"],
        "download": ["Abstract/ Full Version"],
    }
)
"""The columns of schemes.php, which were seen."""

LINKS = (r"\.php(\?|$)",)
"""Addresses (path and query) that are followed within the site; documents are not."""

FUNCTION = "displayRecords"
ROWS = "30"
PAGING = frozenset({"show", "pagenum", "page", "rows", "limit", "start", "id"})
"""Parameters of addresses that choose no part of the clusters."""

_TOTAL = re.compile(
    r"\btotal (?:no\.? of |number of )?(?:records|clusters|results)\s*[:=-]?\s*([0-9][0-9,]*)"
    r"|\bof\s+([0-9][0-9,]*)\s+(?:records|clusters|results|entries)\b|\b([0-9][0-9,]*)\s+records found\b",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"(?:\b(about|around|approximately|nearly|almost|over|more than|at least|less than|up to)\s+)?"
    r"\b([0-9][0-9,]*)\s+((?:[a-z]+(?:[ /-][a-z]+){0,4}[ -])?clusters)\b",
    re.IGNORECASE,
)
_TEXT = r"'[^'\n]*'|\"[^\"\n]*\""
_SUM = rf"(?:{_TEXT}|\w+)(?:\s*\+\s*(?:{_TEXT}|\w+))*"
_ADDRESS = re.compile(
    rf"\burl\s*:\s*({_SUM})|\.(?:load|get|getJSON)\(\s*({_SUM})|\.open\(\s*['\"]GET['\"]\s*,\s*({_SUM})", re.IGNORECASE
)
_DATA = re.compile(rf"\bdata\s*:\s*({_SUM})")
_POSTS = re.compile(r"['\"]POST['\"]|\$\.post\(", re.IGNORECASE)


def template_of(script: str, function: str = FUNCTION) -> str | None:
    """Return the address that a function of a page fetches: its first parameter is `{0}`, and so on.

    Read, never run: the address must be a sum of texts and parameters in jQuery's or the browser's own calls. None
    where there is no such function, or where its address cannot be told (it posts, or adds up other things).
    """
    head = re.search(rf"\b{function}\s*(?:=\s*function\s*)?\(([\w\s,]*)\)\s*\{{", script)
    if head is None:
        return None
    body, depth = script[head.end() :], 1
    for place, letter in enumerate(body):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            body = body[:place]
            break
    address = _ADDRESS.search(body)
    if address is None or _POSTS.search(body):
        return None
    places = {name.strip(): f"{{{place}}}" for place, name in enumerate(head[1].split(","))}
    data = _DATA.search(body)
    path = _added_up(next(filter(None, address.groups())), places)
    query = _added_up(data[1], places) if data else ""
    if path is None or query is None:
        return None
    return f"{path}{'&' if '?' in path else '?'}{query.lstrip('?&')}" if query else path


def _added_up(told: str, places: Mapping[str, str]) -> str | None:
    parts = re.findall(rf"{_TEXT}|\w+", told)
    said = [part[1:-1].replace("{", "").replace("}", "") if part[0] in "'\"" else places.get(part) for part in parts]
    return None if None in said else "".join(part for part in said if part is not None)


def page_of(address: str) -> str:
    """Return what a page is called whatever the address that it stands at: path and sorted query, without host.

    http and https, with and without www, are one site; of a saved file it is the name.
    """
    parts = urlsplit(address.replace("&amp;", "&"))
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    path = unquote(parts.path) or "/"
    return (path if parts.scheme in {"http", "https"} else path.rsplit("/", 1)[-1]) + (f"?{query}" if query else "")


def chosen_of(address: str) -> str:
    """Return which part of the clusters an address asks for, such as `state=Gujarat`; empty where it asks for all."""
    given = {name: value for name, value in parse_qsl(urlsplit(address).query) if name.casefold() not in PAGING}
    return urlencode(sorted(given.items()))


class FeedSpider(Spider):
    """Follows the links of the site, and where a page fills its list by a function, asks for the rows behind it."""

    name = "in.observatory"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for each page of the parameter."""
        given = self.harvest.parameters
        self.filled: set[str] = set()
        self.limit = int(given["limit"][0])
        self.templates = dict(told.split("=", 1) for told in given["records"])
        filters = LABELS if given["filters"] == ("true",) else False
        self.walk = reader.Walk(follow=LINKS, forms=filters, limit=self.limit)
        for path in given["pages"]:
            yield self.request(path, self.page)

    def page(self, response: Response) -> Iterator[Request]:
        """Follow a page, and ask for the first rows of its list, where a function fills it."""
        yield from self.follow(response, self.walk, self.page)
        root = reader.page(response.body)
        scripts = "" if root is None else "\n".join(script.text or "" for script in root.iter("script"))
        path = urlsplit(page_of(response.url)).path
        if root is None or FUNCTION not in scripts + " ".join(map(str, root.xpath("//@onclick | //a/@href"))):
            return
        if path in self.filled:  # a form leads to the same page again
            return
        self.filled.add(path)
        template = self.templates.get(path) or template_of(scripts)
        if template is None:
            self.not_understood(
                response,
                f"the address that {FUNCTION} stands for in a script of the page",
                f"none; look it up in a browser and set {self.name}.records={path}=/ADDRESS?show={{0}}&pagenum={{1}}",
            )
            return
        walk = reader.Walk(calls={FUNCTION: template}, follow=LINKS, limit=self.limit)
        first = urlsplit(urljoin(response.url.removeprefix(self.base_url) or "/", template.format(ROWS, "1")))
        yield self.request(first.path, self.rows, query=dict(parse_qsl(first.query)), context={"walk": walk})

    def rows(self, response: Response, walk: reader.Walk) -> Iterator[Request]:
        """Follow what rows lead to: further rows, and profiles."""
        yield from self.follow(response, walk, self.rows, {"walk": walk})


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a page, or a fragment with rows, into raw records: ``clusters``, ``schemes``, ``totals``, ``other_pages``.

    Returns:
        Its batches; None where the document is no page.
    """
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    about = {
        "address": document.url,
        "page": page_of(document.url),
        "captured": (document.archived_at or document.retrieved_at).isoformat(),
    }
    text = reader.text(root)
    stated = _TOTAL.search(text)
    of_list = {"total": next(filter(None, stated.groups())).replace(",", "")} if stated else {}
    clusters = _read(root, LABELS, REQUIRED, "cluster")
    if clusters.records:
        is_profile = len(clusters.records) == 1 and "serial" not in clusters.records[0].values
        filtered = chosen_of(document.url) if document.url.startswith("http") and not is_profile else ""
        of_page = {**about, "is_profile": is_profile, **(of_list if not is_profile else {})}
        of_page |= {"filtered": filtered} if filtered else {}
        return iter([_batch("clusters", clusters, LABELS, of_page)])
    schemes = _read(root, SCHEMES, (frozenset({"serial", "scheme", "institution"}),), None)
    if schemes.records:
        return iter([_batch("schemes", schemes, SCHEMES, {**about, **of_list})])
    claims = {(match[3].casefold(), match[2]): match for match in _CLAIM.finditer(text)}
    totals = [
        {
            **about,
            "subject": subject,
            "count": count,
            **({"hedge": match[1]} if match[1] else {}),
            "_locator": "html:page",
        }
        for (subject, count), match in claims.items()
    ]
    title = next((told for each in root.iter("h1", "h2", "title") if (told := reader.text(each))), "")
    other = {"address": document.url, "title": title, "_locator": "html:page"}
    return iter([Batch("totals", totals), Batch("other_pages", [] if totals else [other], notes=clusters.missed)])


def _read(
    root: etree._Element, labels: reader.Labels, required: tuple[frozenset[str], ...], title: str | None
) -> reader.Reading:
    """Read the records of a page by the first of several sets of fields that any of them has."""
    expected = EXPECTED if labels is LABELS else ()
    section = "state" if labels is LABELS else None
    return reader.read_first(root, labels, required, expected=expected, title=title, section=section)


def _batch(kind: str, reading: reader.Reading, labels: reader.Labels, of_page: Mapping[str, Any]) -> Batch:
    records = []
    for record in reading.records:
        # A synopsis is a text of the site, which goes no further than the archive.
        told = {key: value for key, value in record.raw(labels).items() if value and not key.startswith("synopsis")}
        records.append({**told, **of_page, "row": record.locator})
    return Batch(kind, records, notes=reading.notes)
