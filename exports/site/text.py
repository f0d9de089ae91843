"""How values stand in a page: numbers, sizes, links, names of files; text from outside is only ever text."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote, urlsplit

from markupsafe import Markup

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,60}")


def shown(value: object) -> object:
    """Show what is null as a dash, times in UTC, and no character that HTML forbids."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return _UNPRINTABLE.sub("�", value)
    return value


def number(value: float | None) -> str | None:
    """Return a number with commas; None as it is."""
    if value is None:
        return None
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def size(value: int) -> str:
    """Return a size in bytes, in words."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if value >= factor:
            return f"{value / factor:,.1f} {unit}"
    return f"{value} B"


def link(address: str | None, label: str | None = None) -> Markup | str | None:
    """Return a link for an http or https address; any other is shown as text, and leads nowhere."""
    if address is None:
        return label
    text = _UNPRINTABLE.sub("�", label or address)
    try:
        parts = urlsplit(address)
    except ValueError:
        return text
    if parts.scheme not in {"http", "https"} or not parts.netloc or _UNPRINTABLE.search(address):
        return text
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(address, text)  # format escapes


def words(text: str) -> Markup:
    """Return our own words with what stands between backticks as code."""
    parts = _UNPRINTABLE.sub("�", text).split("`")
    if len(parts) % 2 == 0:  # a backtick too many is a backtick
        return Markup("{}").format(text)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def quoted(identifier: str) -> str:
    """Return an id as a value in the query of an address."""
    return quote(identifier, safe=":")


def file_name(identifier: str) -> str:
    """Return a name for the page of an id: the id itself where it is a plain name, else a digest of it."""
    plain = identifier.replace(":", "-")
    return plain if _PLAIN_NAME.fullmatch(plain) and "-" not in identifier else f"x{fnv1a(identifier):08x}"


def fnv1a(text: str) -> int:
    """Return the 32-bit FNV-1a hash of a text in UTF-8; the page has the same in JavaScript, to find a shard."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
