"""The base spider: what to ask for, in which order, and what to say when an answer is not what it should be.

A feed's module has two parts: a spider, which only sends requests, and a pure function ``parse(document)``, which
turns one archived document into batches of raw records. Records are never made while crawling: they are parsed
from the archive, by the same function for every route.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import scrapy
from OpenSSL import SSL
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from service_identity import VerificationError
from twisted.python.failure import Failure

from crawlers.evidence import redact_url
from crawlers.harvest import Harvest
from crawlers.reader import Ask, Walk

TO_DISK = "to_disk"
"""Key of a request's meta: its body goes to disk."""


class NeverCapturedError(IgnoreRequest):
    """A web archive has nothing for an address: no failure, for no later try mends it. The harvest lists it."""


def tls_fault(error: BaseException | None) -> str | None:
    """Return what is wrong with the certificate of a server and what to do, or None where that is not the fault."""
    reasons = [reason.value for reason in getattr(getattr(error, "__cause__", None), "reasons", ())]
    if not any(isinstance(reason, SSL.Error | VerificationError) for reason in reasons):
        return None
    return (
        f"no secure connection ({'; '.join(map(str, reasons))}). Certificates are always checked. Look at the address "
        "and at the clock of this machine; if the source's certificate has expired, wait or tell the source; for an "
        "authority of your own, such as a company's proxy, set SSL_CERT_FILE"
    )


def charset_of(response: Response) -> str | None:
    """Return the charset that a server declares, or None."""
    found = re.search(
        r"charset\s*=\s*[\"']?([\w.:-]+)",
        (response.headers.get("Content-Type") or b"").decode("latin-1"),
        re.IGNORECASE,
    )
    return found[1] if found else None


class Spider(scrapy.Spider):
    """Base of all spiders. Subclasses set `name` and write `start` and the callbacks.

    Attributes:
        harvest: the record of the harvest; spiders add to its `asked`, `failures`, `doubts` and `warnings`.
        base_url: where the feed answers on this route, without a trailing slash.
        earlier: the good harvest that this one may confirm, where there is one.
        context: what the crawl itself needs to know; no business of a feed's spider.
    """

    harvest: Harvest
    base_url: str
    earlier: Harvest | None
    context: object

    def __init__(
        self,
        harvest: Harvest,
        base_url: str,
        allowed_domains: Iterable[str],
        earlier: Harvest | None,
        context: object,
    ) -> None:
        super().__init__()
        self.harvest, self.base_url, self.earlier, self.context = harvest, base_url, earlier, context
        self.allowed_domains = list(allowed_domains)

    def request(
        self,
        path: str,
        callback: Callable[..., Any],
        *,
        query: Mapping[str, str | int] | None = None,
        optional: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> scrapy.Request:
        """Return a request for a path below the base address.

        Args:
            path: begins with a slash; percent-encoded here.
            callback: called with the response, and with `context` as keywords.
            query: query parameters, in order.
            optional: a failure is a warning and fails nothing.
            context: what the callback must know.
        """
        url = self.base_url + quote(path, safe="/,") + (f"?{urlencode(query)}" if query else "")
        return scrapy.Request(
            url,
            callback=callback,
            errback=self.not_answered,
            cb_kwargs=dict(context or {}),
            meta={"optional": optional},
        )

    def download(self, url: str, callback: Callable[..., Any]) -> scrapy.Request:
        """Return a request for a big file, which is streamed to disk; its response has the first bytes alone.

        Args:
            url: its address.
            callback: called with the response once all of the file is archived.
        """
        return scrapy.Request(url, callback=callback, errback=self.not_answered, meta={TO_DISK: True})

    def request_of(
        self, ask: Ask, callback: Callable[..., Any], context: Mapping[str, Any] | None = None
    ) -> scrapy.Request:
        """Return the request for what a page leads to; the address of a POST tells what was chosen, as its fragment."""
        return scrapy.Request(
            ask.named,
            method=ask.method,
            headers={"Content-Type": "application/x-www-form-urlencoded"} if ask.method == "POST" else None,
            body=urlencode(ask.fields) if ask.method == "POST" else None,
            callback=callback,
            errback=self.not_answered,
            cb_kwargs=dict(context or {}),
            meta={"optional": False},
        )

    def follow(
        self, response: Response, walk: Walk, callback: Callable[..., Any], context: Mapping[str, Any] | None = None
    ) -> Iterator[scrapy.Request]:
        """Ask for what a page leads to: further pages of a list, calls that stand for an address, forms, links.

        What the limit of the walk leaves out is a failure of the harvest: it is not whole.

        Args:
            response: the page.
            walk: knows what was asked for already; one for the whole crawl.
            callback: called with each answer, and with `context` as keywords.
            context: what the callback must know.
        """
        walk.base = self.base_url
        asks = walk.follow(response.body, response.url, charset_of(response))
        if asks is None:
            self.not_understood(response, "a page", repr(response.body[:60]))
            return
        if walk.cut:
            told = f"{self.name}: {walk.cut}"
            self.harvest.failures = [
                *(one for one in self.harvest.failures if "not asked for: the limit" not in one),
                told,
            ]
        for ask in asks:
            yield self.request_of(ask, callback, context)

    def confirms(self, marker: str) -> bool:
        """Note what the source says of its state; return whether it said the same at the last good harvest.

        If it did, the spider asks for nothing more: the harvest ends as `unchanged`.

        Args:
            marker: equal for equal content, whatever the source has for it; our own words around it are welcome.
        """
        self.harvest.change_marker = marker
        if self.earlier is None or self.earlier.change_marker != marker:
            return False
        self.harvest.confirms = self.earlier.confirms or self.earlier.harvest_id
        return True

    def ask_again(self, response: Response, expected: str, came: str) -> Iterator[scrapy.Request]:
        """Ask once more for an answer that cannot be read, as after a failed request; at last note it.

        For answers that are broken by accident: an empty body, or one that was cut.
        """
        assert response.request is not None  # noqa: S101  # for the type checker: Scrapy sets it before callbacks
        again = get_retry_request(response.request, spider=self, reason=f"expected {expected}")
        if again is None:
            self.not_understood(response, expected, came)
        else:
            yield again

    def not_answered(self, failure: Failure) -> None:
        """Note a request that got no good answer after all retries."""
        request: scrapy.Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy on every errback
        if isinstance(failure.value, NeverCapturedError):
            return
        if isinstance(failure.value, HttpError):
            came = f"HTTP {failure.value.response.status}"
        else:
            told = tls_fault(failure.value) or failure.getErrorMessage()
            came = f"{type(failure.value).__name__}: {told}".rstrip(": ")
        self._note(request, f"{request.url}: expected an answer, got {came}")

    def not_understood(self, response: Response, expected: str, came: str) -> None:
        """Note an answer that is not what this address should answer."""
        assert response.request is not None  # noqa: S101  # for the type checker: Scrapy sets it before callbacks
        self.harvest.not_understood.append(redact_url(response.url))
        captured = f" (captured as {response.meta['captured_as']})" if "captured_as" in response.meta else ""
        self._note(response.request, f"{response.url}{captured}: expected {expected}, got {came}")

    def _note(self, request: scrapy.Request, message: str) -> None:
        text = redact_url(f"{self.name}: {message}")
        self.logger.warning(text)
        (self.harvest.warnings if request.meta.get("optional") else self.harvest.failures).append(text)
