"""Addresses and headers as they may be written: without secrets, and in the letters that HTTP has."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from urllib.parse import quote

from crawlers.evidence.codings import EvidenceError

REDACTED = "REDACTED"

_SECRET_NAMES = "key|api_key|apikey|token|access_token|password|secret|signature"  # noqa: S105  # names, no secret
_SECRET_PARAMETER = re.compile(rf"(?<=[?&;])((?:{_SECRET_NAMES})=)[^&#]*", re.IGNORECASE)
_USER_INFO = re.compile(r"((?:^|:)//)[^/?#]*@")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie", "set-cookie"})
_ADDRESS_HEADERS = frozenset({"location", "content-location", "referer", "link", "refresh"})


def redact_url(url: str) -> str:
    """Remove user info, and the values of query parameters that are secrets; all else stays to the byte."""
    return _SECRET_PARAMETER.sub(rf"\g<1>{REDACTED}", _USER_INFO.sub(r"\g<1>", url))


def address_of(url: str) -> str:
    """Remove secrets from an address that is to be written.

    Raises:
        EvidenceError: it holds white space or control characters, which a WARC header would not give back.
    """
    address = redact_url(url)
    if " " in address or not address.isprintable():
        raise EvidenceError(f"{address!r}: an address holds no white space or control characters; percent-encode them")
    return address


def kept_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out credentials and cookies, and remove secrets from addresses."""
    kept = []
    for name, value in headers:
        if name.lower() == "host":
            kept.append((name, ascii_of(value.rpartition("@")[2])))
        elif name.lower() in _ADDRESS_HEADERS:
            kept.append((name, ascii_of(redact_url(value))))
        elif name.lower() not in _SECRET_HEADERS:
            kept.append((name, ascii_of(value)))
    return kept


def ascii_of(text: str) -> str:
    """Percent-encode what the head of an HTTP message cannot hold: control characters, and all beyond ASCII."""
    return quote(text.strip(), safe=string.punctuation + " \t")
