"""eu.eccp: cluster organisations and partnerships on the European Cluster Collaboration Platform.

Pages of clustercollaboration.eu are found by the sitemap, whose locations name the host ``default``, and on lists with
several pagers. What the sitemap names is read too: a page that has left it is known to be gone by that. Paths do not
tell what a page is: its content does. No person is read: elements and labels of contacts and authors are dropped before
anything else, and texts lose e-mail addresses and phone numbers. What is known, and how: docs/sources/eu.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers import reader
from crawlers.batch import Batch, LeftOut
from crawlers.evidence import Document
from crawlers.source import feeds
from crawlers.spider import Spider

LABELS = reader.Labels(
    {
        "location": ["Country: Region", "Location", "Country/Region", "Country and region"],
        "country": ["Country"],
        "region": ["Region", "NUTS region", "NUTS 2 region"],
        "founded": ["Year founded", "Founded", "Founding year", "Year of foundation", "Year of establishment"],
        "members": ["Number of members", "Total number of members", "Members", "Cluster members"],
        "smes": ["Number of SMEs", "SMEs", "SME members"],
        "large": ["Number of large companies", "Large companies", "Large firms"],
        "research": ["Number of research organisations", "Research organisations", "Research institutions"],
        "sectors": ["Sectoral industries", "Sectoral/industrial focus", "Sectors", "Industrial focus"],
        "emerging": ["Emerging industries"],
        "ecosystems": ["Industrial ecosystems", "EU industrial ecosystems"],
        "label": ["Cluster label", "Quality label", "ECEI label", "Label of excellence"],
        "programmes": ["Regional/National Support Programmes", "Support programmes"],
        "kind": ["Type of organisation", "Organisation type", "Profile type"],
        "website": ["Website", "Web site", "Homepage", "URL"],
    }
)
"""What is read of a profile."""

PARTNERSHIP = reader.Labels(
    {
        "type": ["Type of partnership"],
        "origin": ["Partnership origin"],
        "location": ["Country: Region", "Location", "Country/Region", "Country and region"],
        "duration": ["Partnership duration (months)"],
        "partners": ["Number of partners"],
        "exchanges": ["Number of planned exchanges"],
        "smes": ["Number of SMEs involved"],
        "budget": ["Total budget"],
        "contribution": ["EU contribution"],
        "sectors": ["Sectoral/industrial focus", "Sectoral industries", "Sectors"],
        "summary": ["Summary and objectives"],
        "website": ["Website", "Web site", "Homepage", "URL"],
    }
)
"""What is read of a partnership; the first two no other page has. The summary is free text, which may name persons."""

PERSONAL = reader.Labels(
    {
        "person": [
            *(
                "Contact",
                "Contact name",
                "Contact person",
                "Contact details",
                "Name",
                "First name",
                "Last name",
                "Surname",
            ),
            *(
                "Role",
                "Position",
                "Job title",
                "Manager",
                "Cluster manager",
                "Director",
                "CEO",
                "Team",
                "Staff",
                "Author",
            ),
            *(
                "Submitted by",
                "E-mail",
                "Email",
                "Mail",
                "Phone",
                "Telephone",
                "Tel",
                "Mobile",
                "Fax",
                "Skype",
                "LinkedIn",
            ),
        ]
    }
)
"""Labels under which persons stand; what they head is dropped."""

PROFILE = frozenset({"founded", "members", "smes", "sectors", "emerging", "label", "programmes", "location", "region"})
"""Fields that organisations have and other pages do not; two make a profile."""

EXPECTED = {
    "profiles": ("founded", "members", "sectors", "website"),
    "partnerships": ("type", "partners", "sectors"),
}
"""Kind of record → fields whose absence is told."""
MAX_LIST_PAGES = 500

_OF_PERSONS = re.compile(r"contact|author|submitted|username|person|people|team|staff|vcard|member-user", re.IGNORECASE)
_EMAIL = re.compile(r"\S+\s*(?:@|\(at\)|\[at\])\s*\S+", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|\b00|\(0)[0-9()][0-9 ()./-]{5,}[0-9]|\b0[0-9]{1,4}[ /.-][0-9 /.-]{5,}[0-9]")
_MONEY = re.compile(r"(?:EUR|€)?\s*[0-9][0-9 .,'\u00a0\u202f]*\s*(?:EUR|€|euros?)?", re.IGNORECASE)
_COUNT = re.compile(r"[0-9][0-9 .,'\u00a0\u202f]*")
_FIGURES = {
    **dict.fromkeys(("members", "smes", "large", "research", "duration", "partners", "exchanges"), _COUNT),
    **dict.fromkeys(("budget", "contribution"), _MONEY),
}
_PLAYED = re.compile(r"/[0-9]{14}id_/(https?://.*)$")
_MOVED = [301, 302, 303, 307, 308]
_TITLE_SUFFIX = re.compile(r"\s*\|\s*European Cluster Collaboration Platform\s*$")


class FeedSpider(Spider):
    """Reads the sitemap and the lists, then asks for each page once."""

    name = "eu.eccp"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the sitemap, and for the lists that the operator names."""
        self.known: set[str] = set()
        self.named: set[str] = set()  # by a sitemap all of whose pages are asked for
        self.lists: set[str] = set()
        yield self.request("/sitemap.xml", self.sitemap)
        for path in self.harvest.parameters["lists"]:
            self.lists.add(path)
            yield self.request(path, self.list_page, optional=True)

    def sitemap(self, response: Response) -> Iterator[Request]:
        """Ask for the parts of a sitemap, or for its pages; hosts are those of this feed, whatever the sitemap says."""
        try:
            root = reader.xml(response.body, response.url)
        except LeftOut as error:
            self.not_understood(response, "a sitemap", str(error))
            return
        is_index = etree.QName(root).localname == "sitemapindex"
        since = "".join(self.harvest.parameters["since"])
        for told in _entries(root):
            path = self._path(told.get("loc", ""), response)
            if path is None:
                continue
            if is_index:
                yield self._below(path, self.sitemap)
            elif told.get("lastmod", "9999") >= since:
                if not since:
                    self.named.add(urlsplit(path).path.rstrip("/"))
                yield from self._ask(path)

    def _claim(self, path: str) -> None:
        """Note that all pages of the sitemap that begin as this one are asked for: those that left it are gone.

        Only once one of them was read: a part without profiles and partnerships is none that can be complete.
        """
        beginning = f"/{path.split('/')[1]}/"
        part = f"sitemap{beginning.rstrip('/')}"
        if beginning in self.harvest.parameters["paths"] and part not in self.harvest.asked:
            self.harvest.asked.append(part)

    def list_page(self, response: Response) -> Iterator[Request]:
        """Ask for the pages that a list links to, and for its further pages, whichever of its pagers they belong to."""
        root = reader.page(response.body)
        if root is None:
            self.not_understood(response, "a page with a list", repr(response.body[:60]))
            return
        for link in root.iter("a"):
            path = self._path(urljoin(response.url, link.get("href") or ""), response)
            if path is None:
                continue
            query = dict(parse_qsl(urlsplit(path).query))
            if urlsplit(response.url).path.endswith(urlsplit(path).path) and re.fullmatch(
                r"\d+(,\d+)*", query.get("page", "")
            ):
                further = f"{urlsplit(path).path}?page={query['page']}"
                if further not in self.lists and len(self.lists) < MAX_LIST_PAGES:
                    self.lists.add(further)
                    yield self._below(further, self.list_page)
            else:
                yield from self._ask(path)

    def _path(self, address: str, response: Response) -> str | None:
        """Return path and query of an address below the base, or None where it leads elsewhere."""
        try:
            parts = urlsplit(address)
            host = parts.hostname
        except ValueError:
            return None
        if parts.scheme not in {"http", "https"} or host not in {"default", *self.allowed_domains}:
            if host is not None and host.endswith(".hosted-temp.com"):
                self._note_once(f"{response.url} names {host}, a staging copy: it is never crawled")
            return None
        return unquote(parts.path) + (f"?{parts.query}" if parts.query else "")

    def _note_once(self, message: str) -> None:
        if (told := f"{self.name}: {message}") not in self.harvest.warnings:
            self.harvest.warnings.append(told)

    def _below(self, path: str, callback: Any) -> Request:  # noqa: ANN401  # Scrapy's callbacks
        parts = urlsplit(path)
        return self.request(parts.path, callback, query=dict(parse_qsl(parts.query)))

    def _ask(self, path: str) -> Iterator[Request]:
        bare = urlsplit(path).path.rstrip("/")
        if not bare.startswith(tuple(self.harvest.parameters["paths"])) or bare in self.known:
            return
        self.known.add(bare)
        self.harvest.asked.append(f"profiles{bare}")
        yield self._page(bare, bare, 0)

    def _page(self, path: str, asked: str, hops: int) -> Request:
        # A page that only members may see leads to the login, which robots.txt may forbid.
        request = self.request(path, self.page, context={"asked": asked, "hops": hops})
        return request.replace(meta={**request.meta, "dont_redirect": True, "handle_httpstatus_list": _MOVED})

    def page(self, response: Response, asked: str, hops: int) -> Iterator[Request]:
        """Look whether a page is there; where it moved within the site it is followed, the login is not."""
        if response.status in _MOVED:
            self.harvest.asked.remove(f"profiles{asked}")
            target = self._path(
                urljoin(response.url, (response.headers.get("Location") or b"").decode("latin-1")), response
            )
            if target is None or "/user/login" in target or hops >= len(_MOVED):
                self._note_once(f"{response.url} is not public, or has moved elsewhere; it is left out")
            else:
                self.harvest.asked.append(f"profiles{urlsplit(target).path}")
                yield self._page(target, urlsplit(target).path, hops + 1)
            return
        kind = kind_of(reader.page(response.body))
        if kind != "profile":
            self.harvest.asked.remove(f"profiles{asked}")
        if kind == "partnership":
            self.harvest.asked.append(f"partnerships{asked}")
        if kind in {"profile", "partnership"} and asked in self.named:
            self._claim(asked)


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a page into raw records: ``profiles``, ``partnerships`` or ``other_pages``; a sitemap into ``sitemap``.

    Returns:
        Its batches, none for an index of sitemaps or a news feed; None where it is no page of this source.

    Raises:
        LeftOut: a sitemap or a news feed that is no XML.
    """
    if re.match(
        rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:\?xml|urlset|sitemapindex|rss)", document.body, re.DOTALL
    ):
        return _sitemap(reader.xml(document.body, document.url))
    root = reader.page(document.body, document.charset)
    if root is None:
        return None
    path = _path_of(document.url, root)
    kind = kind_of(root)
    if kind == "profile":
        return iter([_record("profiles", LABELS, root, path)])
    if kind == "partnership":
        return iter([_record("partnerships", PARTNERSHIP, root, path)])
    notes = _missed(root) if kind == "other" else []
    return iter([Batch("other_pages", [{"path": path, "type": kind, "_locator": "html:page"}], notes=notes)])


def _entries(root: etree._Element) -> Iterator[dict[str, str]]:
    """Yield what each entry of a sitemap, or of an index of sitemaps, tells: `loc`, `lastmod`."""
    for entry in root.iter("{*}url", "{*}sitemap"):
        yield {etree.QName(child).localname: (child.text or "").strip() for child in entry.iter("{*}loc", "{*}lastmod")}


def _sitemap(root: etree._Element) -> Iterator[Batch]:
    """Read which pages a sitemap names; those of users are none of ours, nor are those of staging copies."""
    if etree.QName(root).localname != "urlset":
        return
    feed = feeds()[FeedSpider.name]
    beginnings, hosts = feed.parameters["paths"].default, {"default", *feed.allowed_hosts}
    pages = [urlsplit(told.get("loc", "")) for told in _entries(root)]
    yield Batch(
        "sitemap",
        [
            {"path": path.rstrip("/"), "_locator": f"xml:urlset/url[{number}]"}
            for number, page in enumerate(pages, 1)
            if page.hostname in hosts and (path := unquote(page.path)).startswith(beginnings)
        ],
    )


def _path_of(address: str, root: etree._Element) -> str:
    """Return the path of a page on its site, wherever it was saved."""
    if (played := _PLAYED.search(address)) is not None:
        address = played[1]
    if not address.startswith(("http:", "https:")):
        stated = (link.get("href") or "" for link in root.iter("link") if link.get("rel") == "canonical")
        address = next(stated, "") or "/" + address.rsplit("/", 1)[-1].removesuffix(".html")
    return unquote(urlsplit(address).path) or "/"


def kind_of(root: etree._Element | None) -> str:
    """Return what a page is by its content: `profile`, `partnership`, `login` or `other`."""
    if root is None:
        return "other"
    title = _title(root)
    if title.casefold().startswith("log in"):
        return "login"
    if {"type", "origin"} & reader.fields(root, PARTNERSHIP).values.keys():
        return "partnership"
    return "profile" if len(PROFILE & reader.fields(root, LABELS).values.keys()) > 1 else "other"


def _drop_persons(root: etree._Element) -> None:
    for element in list(root.iter()):
        told = f"{element.get('class') or ''} {element.get('id') or ''}" if isinstance(element.tag, str) else ""
        if element.tag not in {"html", "body", "main", "article"} and _OF_PERSONS.search(told):
            element.drop_tree()


def _unknown(reading: reader.Fields, labels: reader.Labels) -> list[str]:
    """Return what there is to tell of labels that are not known, with the field that each is most like."""
    unknown = [label for label in reading.unexpected if PERSONAL.field(label) is None]
    # A label may be a person's name: only those that read like words of a form are told.
    told_labels = [label for label in unknown if re.fullmatch(r"[A-Z][a-z]+( [a-z/-]+)+:?", label)]
    notes = []
    for label in told_labels:
        near = ", ".join(f"{name} ({like!r}, {score:.2f})" for name, like, score in labels.closest(label, 1))
        notes.append(f"the label {label!r} is not known; closest: {near or 'nothing'}")
    if len(unknown) > len(told_labels):
        notes.append("labels that are not known and not shown, for they may be names")
    return notes


def _missed(root: etree._Element) -> list[str]:
    """Return what a page lacks that has one label of a profile, and so looks like one; nothing of any other page."""
    _drop_persons(root)
    reading = reader.fields(root, LABELS)
    found = sorted(PROFILE & reading.values.keys())
    if not found:
        return []
    return [
        f"a page has {found[0]} alone of a profile's fields ({', '.join(sorted(PROFILE))}): it makes no record",
        *_unknown(reading, LABELS),
    ]


def _record(kind: str, labels: reader.Labels, root: etree._Element, path: str) -> Batch:
    """Return the one record of a page, without persons."""
    _drop_persons(root)
    reading = reader.fields(root, labels)
    notes = [f"a page of {kind} has no {name}" for name in reading.missing(EXPECTED[kind])]
    notes += _unknown(reading, labels)
    record: dict[str, Any] = {"path": path, "name": _scrubbed(_heading(root)), "_locator": "html:page"}
    node = next(
        (
            article.get("data-history-node-id")
            for article in root.iter("article")
            if article.get("data-history-node-id")
        ),
        "",
    )
    if node.isascii() and node.isdecimal():
        record["node_id"] = node
    for name, values in reading.values.items():
        kept = "" if name == "summary" else _value(name, values, root)
        if kept is None:
            notes.append(f"the {name} cannot be read")
        elif kept:
            record[name] = kept
    return Batch(kind, [record], notes=notes)


def _value(name: str, values: list[str], root: etree._Element) -> str | list[str] | None:
    """Return what is kept of a field: counts and years only where they are such, texts without persons."""
    if not values:
        return ""
    first = _scrubbed(values[0])
    if (pattern := _FIGURES.get(name)) is not None:
        return first if pattern.fullmatch(first) else None
    if name == "founded":
        found = re.search(r"\b(1[89]|20)[0-9]{2}\b", first)
        return found[0] if found else None
    if name == "website":
        return _website(values[0], root)
    if name in {"sectors", "emerging", "ecosystems", "programmes"}:
        parts = [_scrubbed(part) for value in values for part in re.split(r"[;|]", value)]
        return [part for part in parts if part]
    return first


def _website(shown: str, root: etree._Element) -> str | None:
    addresses = [link.get("href") or "" for link in root.iter("a") if reader.text(link) == shown] + [shown]
    for address in addresses:
        try:
            parts = urlsplit(address if "//" in address else f"https://{address}")
            host = parts.hostname or ""
        except ValueError:
            continue
        if parts.scheme in {"http", "https"} and "@" not in address and re.fullmatch(r"[\w.-]+\.\w{2,}", host):
            return f"{parts.scheme}://{host}{parts.path}"
    return None


def _title(root: etree._Element) -> str:
    return next((_TITLE_SUFFIX.sub("", reader.text(title)) for title in root.iter("title")), "")


def _heading(root: etree._Element) -> str:
    return next((found for heading in root.iter("h1") if (found := reader.text(heading))), "") or _title(root)


def _scrubbed(text: str) -> str:
    return " ".join(_PHONE.sub(" ", _EMAIL.sub(" ", text)).split()).strip(" ,;")
