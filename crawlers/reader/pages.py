"""Bytes to a tree of elements, and elements to text: charsets that lie, text that was encoded twice, hidden pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from lxml import etree, html
from lxml.html import HtmlElement

from crawlers.batch import LeftOut

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
"""Elements that begin and end a line; all others run on within one."""

SILENT = frozenset({"script", "style", "noscript", "template", "select", "textarea", "button", "svg", "head", "iframe"})
"""Elements whose text nobody reads as a value: programs, styles, controls."""

_PROLOGUE = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*(?=<)", re.DOTALL)
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_ROWS_ALONE = re.compile(r"\A\s*<(?:tr|td|th|tbody|thead)\b", re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BLANKS = re.compile(r"[\s\u00a0\u200b\u200e\u200f\ufeff]+")

_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]+")
_DECLARED_LOOSELY = frozenset(
    [
        "utf-8",
        "utf8",
        "ascii",
        "us-ascii",
        "iso-8859-1",
        "iso8859-1",
        "latin1",
        "latin-1",
        "windows-1252",
        "cp1252",
        "unknown",
    ]
)
"""Names that pages state without meaning them; browsers, too, take each of them for UTF-8 or windows-1252."""

_CP1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}
_BYTE_OF = {**{letter: code for code, letter in _CP1252.items()}, **{chr(code): code for code in range(0x80, 0x100)}}
_CONTROLS = {code: letter for code, letter in _CP1252.items() if ord(letter) != code}
_LAST_FOLLOWING = 0xBF
_TWICE = re.compile(
    "[\u00c2-\u00c5\u00e0\u00e2]["
    + "".join(re.escape(letter) for letter, code in _BYTE_OF.items() if code <= _LAST_FOLLOWING)
    + "]+"
)
"""What UTF-8 looks like when it was read as windows-1252: letters of Europe and India, punctuation, currencies."""
_PLAUSIBLE = re.compile("[\u00a0-\u017f\u0900-\u0d7f\u2000-\u206f\u20a0-\u20bf\u2100-\u214f]+")
_ENTITY = re.compile(r"&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,8});")


def page(body: bytes, charset: str | None = None) -> HtmlElement | None:
    """Parse an HTML page or a fragment of one; return None where it is none.

    Bytes that are UTF-8 are read as UTF-8, whatever was declared; else as declared; else, and where the declaration
    does not hold, as UTF-8 with windows-1252 in between. UTF-8 that was encoded twice is repaired.

    Args:
        body: the page, content-decoded.
        charset: as the server declared it.
    """
    if b"<" not in body[:4096]:
        return None
    words = _NOT_XML.sub(" ", repaired(decoded(body, charset)))
    if _ROWS_ALONE.match(words):
        words = f"<table>{words}</table>"
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(words.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    for term in list(root.iter("dt")):  # libxml2 puts a term that follows an open one inside it
        parent = term.getparent()
        if parent is not None and parent.tag == "dt":
            parent.addnext(term)
    return root


def decoded(body: bytes, charset: str | None = None) -> str:
    """Return the text of a page's bytes; see `page` for the order in which charsets are tried."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    meta = _META.search(body[:4096])
    for declared in (charset, meta[1].decode("ascii") if meta else None):
        if declared and declared.strip().casefold() not in _DECLARED_LOOSELY:
            try:
                return body.decode(declared)
            except (LookupError, UnicodeError):
                continue
    return _mixed(body)


def _mixed(body: bytes) -> str:
    pieces: list[str] = []
    end = 0
    for high in _HIGH.finditer(body):
        pieces.append(body[end : high.start()].decode("ascii"))
        run, at = high[0], 0
        while at < len(run):
            whole = _UTF8.match(run, at)
            try:
                pieces.append(whole[0].decode("utf-8") if whole else _CP1252.get(run[at], chr(run[at])))
                at = whole.end() if whole else at + 1
            except UnicodeDecodeError:  # three bytes that UTF-8 forbids, such as half a surrogate
                pieces.append(_CP1252.get(run[at], chr(run[at])))
                at += 1
        end = high.end()
    pieces.append(body[end:].decode("ascii"))
    return "".join(pieces)


def repaired(words: str) -> str:
    """Return a text in which UTF-8 that was read as windows-1252, once or twice, is what was meant."""
    for _ in range(2):
        mended = _TWICE.sub(_once_less, words)
        if mended == words:
            break
        words = mended
    return words


def _once_less(run: re.Match[str]) -> str:
    try:
        meant = bytes(_BYTE_OF[letter] for letter in run[0]).decode("utf-8")
    except UnicodeDecodeError:
        return run[0]
    return meant if _PLAUSIBLE.fullmatch(meant) else run[0]


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


def text(element: etree._Element, *, tables: bool = True) -> str:
    """Return the text of an element as it is seen: blanks squeezed, hidden pieces and marks of footnotes left out.

    Where it has none, what its images say: an image says its `alt`, else the name of its file; three stars may be three
    images, or one called `stars_3.gif`.

    Args:
        element: any element.
        tables: whether tables inside it are its text too; one with a single cell, which only draws a border, always is.
    """
    if not len(element):
        found = squeezed(element.text or "") if element.tag not in SILENT else ""
    else:
        found = squeezed("".join(_texts(element, seen=True, tables=tables)))
        if not found and tables:
            found = squeezed("".join(_texts(element, seen=False, tables=True)))
    if found or not len(element):
        return found
    said = (
        image.get("alt") or (image.get("src") or "").split("?")[0].rsplit("/", 1)[-1] for image in element.iter("img")
    )
    return squeezed(" ".join(said))


def is_data(table: etree._Element) -> bool:
    """Return whether a table has more than one cell: one with a single cell only draws a border."""
    cells = table.iter("td", "th")
    return next(cells, None) is not None and next(cells, None) is not None


def _texts(element: etree._Element, *, seen: bool, tables: bool) -> Iterator[str]:
    tag = element.tag
    if not isinstance(tag, str) or tag in SILENT:
        return
    block = tag in BLOCKS
    if block:
        yield " "
    yield element.text or ""
    for child in element:
        shown = isinstance(child.tag, str) and not (seen and (hidden(child) or is_mark(child)))
        if shown and (tables or child.tag != "table" or not is_data(child)):
            yield from _texts(child, seen=seen, tables=tables)
        yield child.tail or ""
    if block:
        yield " "


_HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MARK = re.compile(
    r"[*\u2020\u2021\u00a7\u00b6#^]{1,3}|[\[(]?(?:[0-9]{1,2}|[a-z]|[ivx]{1,4})[\])]?(?:\s*,\s*[0-9]{1,2})*",
    re.IGNORECASE,
)


def hidden(element: etree._Element) -> bool:
    """Return whether an element says that it is not shown."""
    return element.get("hidden") is not None or bool(_HIDES.search(element.get("style") or ""))


def is_mark(element: etree._Element) -> bool:
    """Return whether an element is the raised mark of a footnote, and not an exponent (10 or m before it)."""
    if element.tag != "sup":
        return False
    raised = squeezed("".join(element.itertext()))
    if not _MARK.fullmatch(raised):
        return False
    if element.find("a") is not None or not raised[0].isdigit():
        return True
    before = element.getprevious()
    said = (before.tail if before is not None else element.getparent().text) or ""
    return not re.search(r"(?:\b10|(?<![^\W\d])[ckdm]?m)\s*$", said)


def squeezed(words: str) -> str:
    """Return a text with single blanks, entities that were escaped twice resolved, windows-1252 controls replaced."""
    if "&" in words:
        words = _ENTITY.sub(lambda entity: unescape(entity[0]), words)
    if not words.isascii():
        words = _BLANKS.sub(" ", words.translate(_CONTROLS))
    return " ".join(words.split())


def words_of(element: etree._Element, *attributes: str) -> list[str]:
    """Return the words of the class, or of other attributes, of an element in lower case."""
    return re.split(r"[\s_-]+", " ".join(element.get(name) or "" for name in attributes or ("class",)).casefold())
