"""What a page leads to: pages of a list, calls of scripts that stand for an address, forms whose selects list all there is.

Nothing is fetched and no script is run: of a script only the literal arguments of a named call are read, by a strict
pattern. A spider turns each `Ask` into a request, with `crawlers.spider.Spider.follow`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product
from math import prod
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from lxml import etree

from crawlers.reader.labels import Labels
from crawlers.reader.pages import page, squeezed, text, words_of
from crawlers.reader.pairs import is_noise

LIMIT = 2000
"""Addresses that one walk asks for at most, unless it is told otherwise."""

_ARGUMENT = r"'[^'\\<>]*'|\"[^\"\\<>]*\"|-?\d+(?:\.\d+)?"
_CALL = re.compile(
    rf"\s*(?:javascript:)?\s*(?:void\(0\);\s*)?(?:return\s+)?([A-Za-z_$][\w$.]*)\(\s*((?:{_ARGUMENT})(?:\s*,\s*(?:{_ARGUMENT}))*)?\s*\)\s*;?\s*"
    r"(?:return\s+(?:false|true)\s*;?\s*)?(?:void\(0\)\s*;?\s*)?"
)
_NEXT = re.compile(
    r"[\u00bb\u203a>\u2192\u25b6\u00ab\u2039<\u2190.]*\s*(?:next|next page|older(?: posts| entries)?|more|more results|load more|show more|last|previous|prev|first|newer"
    r"|suivante?|page suivante|pr\u00e9c\u00e9dente?|derni\u00e8re|weiter|n\u00e4chste(?: seite)?|vor|letzte|zur\u00fcck|siguiente|anterior|pr\u00f3xim[ao]|seguinte|avanti|indietro|successiv[ao]|precedente|nast\u0119pna|poprzednia|dalej|volgende|vorige"
    r"|n\u00e4sta|f\u00f6reg\u00e5ende|seterusnya|sebelumnya|\u0905\u0917\u0932\u093e|\u0905\u0917\u0932\u0947"
    r"|\u092a\u093f\u091b\u0932\u093e)?\s*[\u00bb\u203a>\u2192\u25b6\u00ab\u2039<\u2190.]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:page|seite|p\.)?\s*\[?\d{1,4}\]?", re.IGNORECASE)
_PAGER = frozenset(
    [
        "pagination",
        "pager",
        "paging",
        "pages",
        "paginator",
        "pagenav",
        "pagenavi",
        "pagelinks",
        "navlinks",
        "paginate",
        "page",
        "pagine",
        "pagina",
        "paginas",
        "paginacion",
        "paginacao",
        "paginazione",
        "seiten",
        "strony",
    ]
)
_PAGE_NAMES = re.compile(
    r"(?:.*[_\[-])?(?:page|pageno|pagenum|pagenumber|pageindex|page_no|pg|p|pag|pagina|paged|seite|strona|sida|halaman|start|offset|from|limitstart|startrow|first|cp|currentpage|skip|debut|inicio|desde)\]?",
    re.IGNORECASE,
)
_PAGE_PATH = re.compile(r"(?:[/_-](?:page|seite|p)[/_-]?|[-_])\d{1,4}(?=/?$|\.\w{2,5}$)|/\d{1,4}/?$", re.IGNORECASE)
_TOOL = re.compile(r"\b(?:export|excel|csv|pdf|print|log ?(?:in|out)|sign (?:in|out))\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"\W*|[-\u2013\u2014=.*<(\[\s]*(?:please\s+|bitte\s+|kindly\s+)?(?:select|choose|pick|s\u00e9lectionne[rz]?|choisi(?:r|ssez)|(?:aus)?w\u00e4hlen|"
    r"seleccion[ea]r?|elegir|\u091a\u0941\u0928\u0947\u0902|\u091a\u0941\u0928\u093f\u090f)\b.*|[-\u2013\u2014=]{2,}.*|none|n/a",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"[-\u2013\u2014(\[\s]*(?:all|any|every|both|tous|toutes|tout|alle|todos|todas|\u0938\u092d\u0940)\b(?!\s*-\s*\d).*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that a page leads to.

    Attributes:
        address: absolute.
        method: GET or POST.
        fields: what a POST sends, in order.
        chosen: select → text of the chosen option, where a form is walked.
    """

    address: str
    method: Literal["GET", "POST"] = "GET"
    fields: tuple[tuple[str, str], ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Equal for requests that ask for the same: see `canonical`."""
        return f"{self.method} {canonical(self.address)} {urlencode(sorted(self.fields))}"

    @property
    def named(self) -> str:
        """The address under which the answer is kept: that of a POST tells what was chosen, as its fragment."""
        if self.method == "GET":
            return self.address
        said = self.chosen or tuple(pair for pair in self.fields if not pair[0].startswith("__VIEWSTATE"))
        return f"{self.address.partition('#')[0]}#{urlencode(said)}"


def asked_of(address: str) -> dict[str, str]:
    """Return what was chosen in the form whose answer is kept under an address; empty where it is no such address."""
    return dict(parse_qsl(urlsplit(address).fragment, keep_blank_values=True))


def canonical(address: str) -> str:
    """Return an address as it is compared: http and https, with and without www, parameters in any order are one."""
    parts = urlsplit(address)
    host = (parts.hostname or "").removeprefix("www.")
    port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{host}{port}{parts.path or '/'}" + (f"?{query}" if query else "")


def resolved(link: str, address: str) -> str | None:
    """Return the absolute address of a link, on the host and scheme of the page where both are one site; else None."""
    try:
        absolute = urlsplit(urljoin(address, link.strip()))
        here = urlsplit(address)
        same = (absolute.hostname or "").removeprefix("www.") == (here.hostname or "").removeprefix("www.")
        port = absolute.port
    except ValueError:
        return None
    if absolute.scheme not in {"http", "https"} or not absolute.hostname:
        return None
    if same and (port == here.port or {port, here.port} <= {None, 80, 443}):
        absolute = absolute._replace(scheme=here.scheme, netloc=here.netloc)
    return urlunsplit(absolute._replace(fragment=""))


def base_of(root: etree._Element, address: str) -> str:
    """Return what links of a page are relative to: its base element, else its own address."""
    for base in root.iter("base"):
        if base.get("href"):
            return urljoin(address, str(base.get("href")))
    return address


def paging(root: etree._Element, address: str) -> list[str]:
    """Return the addresses of the other pages of a list, as its links name them, in the order of the page.

    A link is one of paging where it says so (`rel`), or is called a number, `next`, `»` and the like and stands in a
    pager, or leads to the same path with another page, start or offset.
    """
    found: dict[str, None] = {}
    base = base_of(root, address)
    here = urlsplit(address)
    for link in root.iter("a", "link"):
        target = resolved(link.get("href") or "", base) if link.get("href") else None
        if target is None or (link.get("href") or "").startswith("#"):
            continue
        parts = urlsplit(target)
        if parts.netloc != here.netloc:
            continue
        relations = (link.get("rel") or "").casefold().split()
        if "next" in relations or "prev" in relations:
            found.setdefault(target)
            continue
        if link.tag == "link":
            continue
        said = text(link) or squeezed(link.get("aria-label") or link.get("title") or "")
        if not said or not (_NUMBER.fullmatch(said) or _NEXT.fullmatch(said)):
            continue
        if _in_pager(link) or _turns(parts.path, parts.query, here.path, here.query):
            found.setdefault(target)
    for select in root.iter("select"):  # `Go to page`: a choice that leads away by itself
        if "location" in (select.get("onchange") or ""):
            for option in select.iter("option"):
                target = resolved(option.get("value") or "", base) if option.get("value") else None
                parts = urlsplit(target or "")
                if target and parts.netloc == here.netloc and _turns(parts.path, parts.query, here.path, here.query):
                    found.setdefault(target)
    return list(found)


def _in_pager(link: etree._Element) -> bool:
    ancestors = (one for _, one in zip(range(4), link.iterancestors(), strict=False) if one.tag not in {"body", "html"})
    return any(
        any(word in _PAGER for word in words_of(one, "class", "id"))
        or (one.get("role") == "navigation" and "pag" in (one.get("aria-label") or "").casefold())
        for one in [link, *ancestors]
    )


def _turns(path: str, query: str, here: str, asked: str) -> bool:
    """Return whether an address differs from the page's only in what tells the number of the page."""
    one, other = dict(parse_qsl(query, keep_blank_values=True)), dict(parse_qsl(asked, keep_blank_values=True))
    changed = {name for name in {*one, *other} if one.get(name) != other.get(name)}
    if path == here:
        return bool(changed) and any(_PAGE_NAMES.fullmatch(name) for name in changed)
    return _PAGE_PATH.sub("", path).rstrip("/") == _PAGE_PATH.sub("", here).rstrip("/") and bool(
        _PAGE_PATH.search(path) or _PAGE_PATH.search(here)
    )


def calls(root: etree._Element, names: Sequence[str]) -> list[tuple[str, tuple[str, ...], etree._Element]]:
    """Return the calls of named functions in links and clicks: name, literal arguments, element.

    A call counts only where it is all that an attribute says, and its arguments are plain strings and numbers.
    """
    found = []
    for element in root.iter(etree.Element):
        for attribute in ("href", "onclick"):
            script = element.get(attribute)
            if not script or "(" not in script:
                continue
            call = _CALL.fullmatch(script)
            if call is not None and call[1] in names:
                arguments = tuple(argument.strip("'\"") for argument in re.findall(_ARGUMENT, call[2] or ""))
                found.append((call[1], arguments, element))
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """The address that the call of a function stands for.

    Attributes:
        address: with `{0}`, `{1}` … for its arguments, relative to the page, or with a leading slash to the base of
            the feed; empty for the form around the link.
        method: GET or POST.
        fields: what a POST sends, name → value with `{0}` …
        form: whether the fields of the form around the link are sent too, as ASP.NET's `__doPostBack` does.
        unless: a pattern; a call with an argument that is wholly of it shows nothing new, and is not made.
    """

    address: str = ""
    method: Literal["GET", "POST"] = "GET"
    fields: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    unless: str = ""


POST_BACK = Call(
    method="POST",
    fields={"__EVENTTARGET": "{0}", "__EVENTARGUMENT": "{1}"},
    form=True,
    unless=r"(?:Sort|Edit|Update|Insert|New|Delete|Cancel)\$.*",
)
"""What `__doPostBack('target','argument')` of ASP.NET stands for; the commands of its GridView that sort and change rows
are left out (`Page$2` and `Select$0` show something)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a select: what is sent, what is shown, and whether it is a choice, a placeholder or all of them."""

    value: str
    text: str
    kind: Literal["choice", "placeholder", "all"]
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A select of a form.

    Attributes:
        name: as it is sent.
        label: what stands beside it, else its placeholder, else its name.
        options: all of them.
    """

    name: str
    label: str
    options: tuple[Option, ...]

    @property
    def choices(self) -> list[Option]:
        """The options that are choices: no placeholder, and not all of them at once."""
        return [option for option in self.options if option.kind == "choice"]

    @property
    def default(self) -> Option | None:
        """What a browser sends when nobody chooses."""
        return next((option for option in self.options if option.selected), self.options[0] if self.options else None)


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page.

    Attributes:
        address: where it is sent to.
        method: GET or POST.
        fixed: fields that are sent as they stand: hidden ones, texts, checked boxes, the first button with a name.
        choices: its selects.
        element: the form.
    """

    address: str
    method: Literal["GET", "POST"]
    fixed: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...]
    element: etree._Element

    def walked(self, labels: Labels | None = None) -> list[Choice]:
        """Return the selects that are walked: those whose label, placeholder or name is known; without labels all."""
        return [choice for choice in self.choices if choice.choices and (labels is None or field_of(choice, labels))]

    def count(self, labels: Labels | None = None) -> int:
        """Return how many combinations its selects have: the denominator."""
        walked = self.walked(labels)
        return prod(len(choice.choices) for choice in walked) if walked else 0

    def combinations(self, labels: Labels | None = None) -> Iterator[Ask]:
        """Yield a request for each combination of the options of the selects that are walked, each once."""
        walked = self.walked(labels)
        kept = [
            (choice.name, choice.default.value) for choice in self.choices if choice not in walked and choice.default
        ]
        for options in product(*(choice.choices for choice in walked)) if walked else ():
            sent = [(choice.name, option.value) for choice, option in zip(walked, options, strict=True)]
            chosen = tuple((choice.name, option.text) for choice, option in zip(walked, options, strict=True))
            yield self.ask([*sent, *kept], chosen)

    def ask(self, given: Sequence[tuple[str, str]], chosen: tuple[tuple[str, str], ...] = ()) -> Ask:
        """Return the request that the form sends with some fields given."""
        names = {name for name, _ in given}
        fields = (*(pair for pair in self.fixed if pair[0] not in names), *given)
        if self.method == "POST":
            return Ask(self.address, "POST", fields, chosen)
        return Ask(f"{self.address.partition('?')[0]}?{urlencode(fields)}", chosen=chosen)


def field_of(choice: Choice, labels: Labels) -> str | None:
    """Return the field that a select stands for, by what stands beside it, its placeholder or its name."""
    holders = [option.text for option in choice.options if option.kind != "choice"]
    bare = [
        re.sub(
            r"^\W*(?:please\s+)?(?:select|choose|all|any)\b\s*(?:an?|the|your)?|\W+$", "", words, flags=re.IGNORECASE
        )
        for words in holders
    ]
    name = re.sub(r"^(?:ctl00\$)?(?:.*\$)?(?:ddl|cmb|sel|cbo|drp)?_?", "", choice.name)
    for words in (choice.label, *bare, choice.name, re.sub(r"(?<=[a-z])(?=[A-Z])|[-_]+", " ", name)):
        match = labels.match(words.strip()) if words.strip() else None
        if match is not None:
            return match.field
    return None


def forms(root: etree._Element, address: str) -> list[Form]:
    """Return the forms of a page that have a select or a hidden field.

    Args:
        root: the page.
        address: of the page: a form without an address is sent there.
    """
    found = []
    base = base_of(root, address)
    for form in root.iter("form"):
        target = resolved(form.get("action") or "", base if form.get("action") else address)
        if target is None:
            continue
        method: Literal["GET", "POST"] = "POST" if (form.get("method") or "").strip().casefold() == "post" else "GET"
        choices = tuple(choice for select in form.iter("select") if (choice := _choice(select, form)) is not None)
        found.append(Form(target, method, tuple(_fixed(form)), choices, form))
    return found


def _fixed(form: etree._Element) -> Iterator[tuple[str, str]]:
    radios: dict[str, bool] = {}
    button = False
    for control in form.iter("input", "button", "textarea"):
        name, kind = (
            control.get("name"),
            (control.get("type") or ("text" if control.tag == "input" else "submit")).casefold(),
        )
        if not name or control.get("disabled") is not None:
            continue
        if control.tag == "textarea":
            yield name, control.text or ""
        elif kind in {"checkbox", "radio"}:
            if control.get("checked") is not None and not radios.get(name):
                radios[name] = kind == "radio"
                yield name, control.get("value") or "on"
        elif kind == "submit":
            if not button:
                button = True
                yield name, control.get("value") or ""
        elif kind not in {"button", "image", "reset", "file"}:
            yield name, control.get("value") or ""


def _choice(select: etree._Element, form: etree._Element) -> Choice | None:
    name = select.get("name")
    if not name or select.get("disabled") is not None:
        return None
    options: dict[str, Option] = {}
    for option in select.iter("option"):
        said = squeezed("".join(option.itertext()))
        value = option.get("value") if option.get("value") is not None else said
        if option.get("disabled") is not None and not _PLACEHOLDER.fullmatch(said):
            continue
        kind: Literal["choice", "placeholder", "all"] = "choice"
        if _PLACEHOLDER.fullmatch(said):
            kind = "placeholder"
        elif _ALL.fullmatch(said) or (not value.strip() and said):
            kind = "all"
        options.setdefault(value, Option(value, said, kind, option.get("selected") is not None))
    return Choice(name, _label_of(select, form) or name, tuple(options.values()))


def _label_of(select: etree._Element, form: etree._Element) -> str:
    identity = select.get("id")
    for label in form.iter("label"):
        own = (identity and label.get("for") == identity) or any(one is label for one in select.iterancestors())
        if own and (said := text(label)):
            return said.strip(" :*")
    if said := squeezed(select.get("aria-label") or select.get("title") or ""):
        return said
    before = select.getprevious()
    if before is not None and squeezed(before.tail or ""):
        return squeezed(before.tail or "").strip(" :*")
    if before is None and select.getparent() is not None and squeezed(select.getparent().text or ""):
        return squeezed(select.getparent().text or "").strip(" :*")
    if before is not None and before.tag not in {"select", "input"} and (said := text(before)):
        return said.strip(" :*")
    parent = select.getparent()
    beside = parent.getprevious() if parent is not None and parent.tag in {"td", "dd", "div", "span", "p"} else None
    return text(beside).strip(" :*") if beside is not None and beside.find(".//select") is None else ""


class Walk:
    """A walk through a site: what was asked for, and what each page leads to that was not asked for yet.

    Attributes:
        cut: what the limit kept from being asked for, in words; nothing where it kept nothing.
        combinations: how many combinations the forms list that are walked: the denominator.
    """

    def __init__(
        self,
        *,
        calls: Mapping[str, str | Call] | None = None,
        follow: Sequence[str] = (),
        forms: bool | Labels = False,
        pages: bool = True,
        limit: int = LIMIT,
        base: str = "",
    ) -> None:
        """Set out.

        Args:
            calls: name of a function → the address that its call stands for, with `{0}`, `{1}` … for its arguments.
            follow: patterns of addresses (path and query) whose links are followed.
            forms: whether forms are walked: True all selects of forms that have one; labels: the selects that they
                know. A form is walked once, from the first page that shows it.
            pages: whether links of paging are followed.
            limit: addresses that are asked for at most.
            base: address that templates with a leading slash stand below; a spider sets its own.
        """
        self.calls = {name: Call(said) if isinstance(said, str) else said for name, said in (calls or {}).items()}
        self.patterns = [re.compile(pattern) for pattern in follow]
        self.forms, self.pages, self.limit, self.base = forms, pages, limit, base
        self.seen: set[str] = set()
        self.combinations = 0
        self.left_out = 0
        self._contents: set[bytes] = set()
        self._forms: set[str] = set()

    @property
    def cut(self) -> str:
        """What the limit kept from being asked for, in words."""
        if not self.left_out:
            return ""
        return f"{self.left_out} addresses were not asked for: the limit is {self.limit}; raise it, or narrow what is walked"

    def follow(self, source: bytes | etree._Element, address: str, charset: str | None = None) -> list[Ask] | None:
        """Return what a page leads to and nobody asked for yet; None where it is no page.

        A page whose content was seen under another address leads nowhere: lists that go round in circles end there.
        """
        root = page(source, charset) if isinstance(source, bytes) else source
        if root is None:
            return None
        self.seen.add(Ask(address).key)
        content = sha256(" ".join(_content(root)).encode()).digest()
        if content in self._contents:
            return []
        self._contents.add(content)
        asks: list[Ask] = []
        if self.pages:
            asks += [Ask(found) for found in paging(root, address)]
        asks += self._called(root, address)
        base = base_of(root, address)
        for link in root.iter("a") if self.patterns else ():
            target = resolved(link.get("href") or "", base) if link.get("href") else None
            if target is None or urlsplit(target).netloc != urlsplit(address).netloc:
                continue
            parts = urlsplit(target)
            if any(
                pattern.search(parts.path + (f"?{parts.query}" if parts.query else "")) for pattern in self.patterns
            ):
                asks.append(Ask(target))
        if self.forms is not False:
            asks += self._walked(root, address)
        return [ask for ask in asks if self._is_new(ask)]

    def _is_new(self, ask: Ask) -> bool:
        if ask.key in self.seen:
            return False
        self.seen.add(ask.key)
        if len(self.seen) > self.limit:
            self.left_out += 1
            return False
        return True

    def _called(self, root: etree._Element, address: str) -> Iterator[Ask]:
        for name, arguments, element in calls(root, list(self.calls)) if self.calls else ():
            call = self.calls[name]
            if call.unless and any(re.fullmatch(call.unless, argument) for argument in arguments):
                continue
            try:
                fields = [(of, template.format(*arguments)) for of, template in call.fields.items()]
                path = call.address.format(*(quote(argument, safe="") for argument in arguments))
            except IndexError as error:
                raise ValueError(
                    f"{address}: {name} has {len(arguments)} arguments, its template asks for more"
                ) from error
            if call.form:
                if _is_tool(element):
                    continue
                around = next(element.iterancestors("form"), None)
                own = next((form for form in forms(root, address) if form.element is around), None)
                if own is not None:
                    sent = [(choice.name, choice.default.value) for choice in own.choices if choice.default]
                    fixed = [pair for pair in own.fixed if not _is_button(around, pair[0])]
                    names = {of for of, _ in fields}
                    told = tuple(pair for pair in (*fixed, *sent) if pair[0] not in names)
                    yield Ask(own.address, "POST", (*told, *fields), tuple(fields))
                continue
            target = self.base + path if path.startswith("/") and self.base else urljoin(address, path)
            if call.method == "POST":
                yield Ask(target, "POST", tuple(fields), tuple(fields))
            else:
                yield Ask(target + (("&" if "?" in target else "?") + urlencode(fields) if fields else ""))

    def _walked(self, root: etree._Element, address: str) -> Iterator[Ask]:
        labels = self.forms if isinstance(self.forms, Labels) else None
        for form in forms(root, address):
            names = f"{form.method} {canonical(form.address)} {[choice.name for choice in form.choices]}"
            if names in self._forms or not form.walked(labels):
                continue
            self._forms.add(names)
            self.combinations += form.count(labels)
            room = self.limit - len(self.seen)
            for number, ask in enumerate(form.combinations(labels)):
                if number >= room:
                    self.left_out += form.count(labels) - number
                    break
                yield ask


def _is_tool(element: etree._Element) -> bool:
    """Return whether a post-back sorts the table that it heads, or exports or prints it, and leads to no other page."""
    said = text(element)
    if _NUMBER.fullmatch(said) or (said and _NEXT.fullmatch(said)):
        return False
    row = next(element.iterancestors("tr"), None)
    is_head = row is not None and row.getprevious() is None and row.getnext() is not None
    return bool(is_head or _TOOL.search(said))


def _is_button(form: etree._Element, name: str) -> bool:
    return any(
        control.get("name") == name and (control.tag == "button" or (control.get("type") or "").casefold() == "submit")
        for control in form.iter("input", "button")
    )


def _content(root: etree._Element) -> Iterator[str]:
    """Yield the texts of a page without menus and pagers, and what its forms and links hold."""
    stack = [root]
    while stack:
        element = stack.pop()
        if not isinstance(element.tag, str) or is_noise(element) or element.tag in {"script", "style"}:
            continue
        if element.tag == "a" and (_NUMBER.fullmatch(text(element)) or _NEXT.fullmatch(text(element))):
            continue
        yield element.text or ""
        yield from (child.tail or "" for child in element)
        stack += list(element)
