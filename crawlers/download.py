"""Big files: streamed to disk, resumed by Range, archived like any answer.

A request with `TO_DISK` in its meta goes the way of every other one: robots.txt, pause, identity, certificates, hosts
and retries are the same. Only its body goes into ``staging/<feed>/downloads/<digest of the address>.part``. What is
there already is not asked for again, if the server says by ETag or Last-Modified that the file is still the same: Range
and If-Range of RFC 9110. Else it starts anew. A partial file may be deleted at any time: it costs its bytes again.
"""

# ruff: noqa: SLF001, N802  # Scrapy has no public way to another place for a body, and Twisted has names of its own

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ValidationError
from scrapy import Request, signals
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler, _ResponseReader, _ScrapyAgent
from scrapy.exceptions import DownloadCancelledError, ResponseDataLossError
from scrapy.http import Headers, Response
from scrapy.utils._download_handlers import check_stop_download, wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.iweb import UNKNOWN_LENGTH

from crawlers.spider import TO_DISK

HEAD = 2**16
"""Bytes of a body that its response has, so that a spider can see what came."""

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_BUFFER = 2**20
_LOOK = 0.5  # seconds


class ChangedError(ResponseDataLossError):
    """The file is another one than the part that is here; the part is gone, and the next try starts anew."""


class State(BaseModel):
    """What is known of a partial file.

    Attributes:
        url: its address.
        etag: as sent, or None.
        last_modified: as sent, or None.
        total: bytes of the whole file, where the server says it.
        ranges: what each answer held, and when it began.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None
    ranges: list[str] = []

    @property
    def validator(self) -> str | None:
        """What If-Range may hold: a strong ETag, else the time of the last change."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


class Part:
    """A partial file of one address, and what is known of it."""

    def __init__(self, home: Path, feed_id: str, url: str) -> None:
        stem = hashlib.sha256(url.encode()).hexdigest()[:16]
        self.url = url
        self.path = home / "staging" / feed_id / "downloads" / f"{stem}.part"
        self._state = self.path.with_suffix(".json")
        self.state = State(url=url)
        with suppress(FileNotFoundError, ValidationError):  # torn by a kill: it starts anew
            self.state = State.model_validate_json(self._state.read_bytes())

    @property
    def size(self) -> int:
        """Bytes that are here and may be gone on with; at least one is always left to ask for."""
        if self.state.validator is None or not self.path.exists():
            return 0
        size = self.path.stat().st_size
        return size if self.state.total is None else min(size, max(self.state.total - 1, 0))

    def headers(self) -> dict[str, str]:
        """Return what to ask for."""
        asked = {"Accept-Encoding": "identity"}  # the parts of a packed body do not fit together
        if self.size and self.state.validator:
            asked |= {"Range": f"bytes={self.size}-", "If-Range": self.state.validator}
        return asked

    def begin(self, status: int, headers: Mapping[str, str], length: int | None) -> BinaryIO:
        """Take in the head of an answer, and open the file where its body belongs.

        Args:
            status: 200 for the whole, 206 for the rest of it.
            headers: names in lower case.
            length: bytes of the body, where the answer says it.

        Raises:
            ChangedError: it is the rest of another file, or not the rest that was asked for.
        """
        told = State(url=self.url, etag=headers.get("etag"), last_modified=headers.get("last-modified"), total=length)
        start = 0
        if status == HTTPStatus.PARTIAL_CONTENT:
            found = _RANGE.fullmatch(headers.get("content-range", "").strip())
            start = self.size
            same = found is not None and int(found[1]) == start > 0
            told.total = None if found is None or found[3] == "*" else int(found[3])
            for name in ("etag", "last_modified", "total"):
                before, now = getattr(self.state, name), getattr(told, name)
                same = same and (before == now or now is None)
            if not same:
                self.discard()
                raise ChangedError(
                    f"{self.url}: expected the bytes from {start} on of the file that was begun, got "
                    f"{headers.get('content-range')!r} of another one; it starts anew"
                )
            self.state = self.state.model_copy(update={"total": told.total or self.state.total})
        else:
            self.state = told
        stated = headers.get("content-range", "all")
        self.state.ranges = [*self.state.ranges, f"{stated} at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stream = self.path.open("r+b" if start else "wb", buffering=_BUFFER)
        stream.truncate(start)
        stream.seek(start)
        draft = self._state.with_suffix(".draft")
        draft.write_text(self.state.model_dump_json(), "utf-8")
        draft.replace(self._state)
        return stream

    def is_whole(self) -> bool:
        """Whether all of the file is here, as far as the server says how much that is."""
        return self.state.total is None or self.path.stat().st_size == self.state.total

    def discard(self) -> None:
        """Forget the part."""
        self._state.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.state = State(url=self.url)


class Downloaded(Response):
    """A whole file on disk, as if one answer with status 200 had brought it; `body` has its first bytes only.

    Attributes:
        part: the file.
    """

    part: Part


class Handler(HTTP11DownloadHandler):
    """Scrapy's own handler, but that bodies of requests with `TO_DISK` go to disk."""

    async def download_request(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            ChangedError: what was begun cannot be gone on with.
            DownloadCancelledError: the file is over the limit, or the disk has no room for it, or the crawl stops.
            ResponseDataLossError: the connection broke; the part is kept.
        """
        if not request.meta.get(TO_DISK):
            return await super().download_request(request)
        spider: Any = self._crawler.spider
        part = Part(spider.context.evidence.home, spider.name, request.url)
        for name in ("Range", "If-Range"):
            request.headers.pop(name, None)
        request.headers.update(part.headers())
        agent = _Agent(
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            maxsize=self._default_maxsize,
            warnsize=0,
            crawler=self._crawler,
        )
        agent.part, agent.limit = part, spider.harvest.limits.max_download_mb * 2**20
        with wrap_twisted_exceptions():
            response = await maybe_deferred_to_future(agent.download_request(request))
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.discard()
            raise ChangedError(f"{request.url}: has fewer bytes than before; it starts anew")
        return _downloaded(part, response) if agent.begun else response


def _downloaded(part: Part, response: Response) -> Downloaded:
    if not part.is_whole():
        raise ResponseDataLossError(f"{part.url}: has {part.path.stat().st_size} of {part.state.total} bytes")
    headers = Headers({name: values for name, values in response.headers.items() if name.lower() != b"content-range"})
    with part.path.open("rb") as stream:
        body = stream.read(HEAD)
    found = Downloaded(part.url, HTTPStatus.OK, headers=headers, body=body, protocol=response.protocol)
    found.part = part
    return found


class _Agent(_ScrapyAgent):
    """Delivers a body to disk where it is the file that was asked for; error pages and redirects go to memory."""

    part: Part
    limit: int
    begun = False

    def _cb_bodyready(self, txresponse: Any, request: Request) -> Any:  # noqa: ANN401  # Twisted's, untyped here
        if txresponse.code not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT} or not txresponse.length:
            return super()._cb_bodyready(txresponse, request)
        length = None if txresponse.length == UNKNOWN_LENGTH else int(txresponse.length)
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in txresponse.headers.getAllRawHeaders()
        }
        try:
            stream = self.part.begin(txresponse.code, headers, length)
            self._refuse(self.part.state.total, stream)
        except (ChangedError, DownloadCancelledError):
            txresponse._transport._producer.abortConnection()
            raise
        self.begun = True
        finished: Deferred[Any] = Deferred(partial(self._cancel, txresponse=txresponse))
        txresponse.deliverBody(
            _ToDisk(
                stream,
                self.limit,
                self._wait_on,
                finished=finished,
                txresponse=txresponse,
                request=request,
                maxsize=0,
                warnsize=0,
                fail_on_dataloss=True,
                crawler=self._crawler,
            )
        )
        self._txresponse = txresponse
        return finished

    def _refuse(self, total: int | None, stream: BinaryIO) -> None:
        """Refuse a file that is too large.

        Raises:
            DownloadCancelledError: it is over the limit, or the disk has no room for it and for its record.
        """
        here = stream.tell()
        if total is None:
            return
        free, needed = shutil.disk_usage(self.part.path.parent).free, 2 * total - here
        if total > self.limit:
            stream.close()
            raise DownloadCancelledError(
                f"{self.part.url}: has {total} bytes, over the limit of {self.limit}; raise max_download_mb for it"
            )
        if needed > free:
            stream.close()
            raise DownloadCancelledError(f"{self.part.url}: needs {needed} bytes on disk, {free} are free")

    def _wait_on(self) -> None:
        """Count the time-out from the last byte, not from the first: it is one of silence."""
        waiting: Any = self._timeout_cl
        if waiting.active():
            waiting.reset(self._timeout)

    def download_request(self, request: Request) -> Deferred[Response]:
        self._timeout = float(request.meta.get("download_timeout") or self._connectTimeout)
        return super().download_request(request)


class _ToDisk(_ResponseReader):
    """Writes a body to disk as it comes."""

    def __init__(self, stream: BinaryIO, limit: int, wait_on: Any, **others: Any) -> None:  # noqa: ANN401
        super().__init__(**others)
        self._stream, self._limit, self._alive = stream, limit, wait_on

    def connectionMade(self) -> None:
        """Begin; a stop of the crawl is looked for, for no byte may come for long."""
        super().connectionMade()
        self._watch()

    def _watch(self) -> None:
        from twisted.internet import reactor  # noqa: PLC0415  # Scrapy installs it first

        if self._finished.called:
            return
        if self._crawler.crawling:
            timer: Any = reactor
            timer.callLater(_LOOK, self._watch)
        else:  # what is here is kept, and gone on with
            self._give_up(DownloadCancelledError(f"{self._request.url}: stopped"))

    def dataReceived(self, data: bytes) -> None:
        """Write what came."""
        if self._finished.called:
            return
        self._alive()
        try:
            self._stream.write(data)
        except OSError as error:
            self._give_up(DownloadCancelledError(f"{self._request.url}: cannot be written to disk: {error}"))
            return
        check_stop_download(signals.bytes_received, self._crawler, self._request, data=data)
        if self._stream.tell() > self._limit:
            self._give_up(DownloadCancelledError(f"{self._request.url}: over the limit of {self._limit} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the file, whole or not, and tell how it ended."""
        with suppress(OSError):  # told where it was written
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._stream.close()
        super().connectionLost(reason)

    def _give_up(self, error: Exception) -> None:
        self._finished.errback(Failure(error))  # type: ignore[no-untyped-call]
        connection: Any = self.transport
        connection._producer.abortConnection()
