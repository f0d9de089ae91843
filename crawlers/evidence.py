"""WARC writing, reading and replay: every answer that a harvest got, kept as it came.

``archive/<feed>/<harvest_id>/00000.warc.gz``, ``00001.warc.gz`` …: one part per attempt, WARC 1.1 (ISO 28500:2017), one
gzip member per record. A process may be killed at any byte: whoever writes next first cuts the torn tail at the last
whole record. A body that was captured before at the same address is not stored again; a revisit record names it.

A body that is large is streamed: written from where it lies, read back piece by piece, never whole in memory. Beside
its record a plain copy of it is kept for the parser, ``staging/<feed>/bodies/<sha256>``.

``staging/<feed>/captures.ndjson`` says what stands in closed parts, so that they are never scanned again. It and the
copies are disposable: the archive alone makes them anew.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import logging
import os
import re
import string
import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self
from urllib.parse import quote

import brotli
from pydantic import BaseModel, ValidationError
from warcio.archiveiterator import WARCIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

logger = logging.getLogger(__name__)

SYNTHETIC_HEADER = "x-cluster-observatory-replica"
"""Response header by which a replica declares itself."""

_SYNTHETIC_HEADERS = frozenset({SYNTHETIC_HEADER, f"x-archive-orig-{SYNTHETIC_HEADER}"})  # the second: web archives

MAX_BODY = 2**30
"""Bytes that a body may have once it is decoded, where it is held in memory as a whole."""

IN_MEMORY = 2**26
"""Bytes; a body that is larger as it came is streamed. One that is gzip is so from a sixteenth of it on."""

MAX_STREAMED = 2**36
"""Bytes that a streamed body may have once it is decoded: what grows over it is a bomb."""

REDACTED = "REDACTED"

_SECRET_NAMES = "key|api_key|apikey|token|access_token|password|secret|signature"  # noqa: S105  # names, no secret
_SECRET_PARAMETER = re.compile(rf"(?<=[?&;])((?:{_SECRET_NAMES})=)[^&#]*", re.IGNORECASE)
_USER_INFO = re.compile(r"((?:^|:)//)[^/?#]*@")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie", "set-cookie"})
_ADDRESS_HEADERS = frozenset({"location", "content-location", "referer", "link", "refresh"})
_TRANSFER_HEADERS = frozenset({"transfer-encoding", "content-length"})

_BODY_DIGEST = "Observatory-Body-Digest"  # SHA-256 (hex) of the content-decoded body: half of a document's id
_BODY_LENGTH = "Observatory-Body-Length"  # bytes of the content-decoded body, of one that is streamed
_ARCHIVED_AT = "Observatory-Archived-At"  # when a web archive captured it
_METHOD = "Observatory-Request-Method"  # where it is not GET
_RANGES = "Observatory-Ranges"  # the pieces that a download came in, where it was resumed
_WITH_BODY = frozenset({"response", "resource"})
_OF_THE_BODY = frozenset({"WARC-Payload-Digest", "WARC-Block-Digest", _BODY_LENGTH})
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 2**16
_HEAD = 2**20  # far more than the headers of a record and of its HTTP message
_STREAMED_LEVEL = 1  # of zlib: twice as fast as the default, for a tenth more bytes


class EvidenceError(Exception):
    """Something in or for the archive cannot be read; the message names the address or the record."""


def redact_url(url: str) -> str:
    """Remove user info, and the values of query parameters that are secrets; all else stays to the byte."""
    return _SECRET_PARAMETER.sub(rf"\g<1>{REDACTED}", _USER_INFO.sub(r"\g<1>", url))


def document_id(feed_id: str, url: str, sha256: str) -> str:
    """Return `<feed>:<first 16 hex digits of SHA-256(url + SHA-256 of the body in hex)>`."""
    return f"{feed_id}:{hashlib.sha256((url + sha256).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Capture:
    """One answer as it stands in the archive, without its body.

    Attributes:
        document_id: names address and body; equal captures share it.
        url: without secrets.
        retrieved_at: when we received it (UTC).
        archived_at: when a web archive captured it (UTC), where one did.
        http_status: None for a saved file.
        media_type: lower case, without parameters; empty where the answer did not say.
        etag: as sent, or None.
        last_modified: as sent, or None.
        sha256: hex digest of the content-decoded body.
        payload_digest: WARC-Payload-Digest of the record.
        warc_file: relative to the home, such as ``archive/us.x/…/00000.warc.gz``.
        warc_offset: where the record begins, bytes.
        revisit: the body stands in an earlier record.
        synthetic: a replica answered.
        method: of the request; the answer to a HEAD is no document.
    """

    document_id: str
    url: str
    retrieved_at: datetime
    archived_at: datetime | None
    http_status: int | None
    media_type: str
    etag: str | None
    last_modified: str | None
    sha256: str
    payload_digest: str
    warc_file: str
    warc_offset: int
    revisit: bool
    synthetic: bool
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Source:
    """A body that is to be archived, and is too large to be held in memory.

    Attributes:
        open: opens it at its beginning, each time that it is called.
        size: bytes.
        own: its file, where nobody but us may change it: it serves as the copy for the parser.
    """

    open: Callable[[], BinaryIO]
    size: int
    own: Path | None = None

    @classmethod
    def of(cls, path: Path, *, own: bool = False) -> Self:
        """Return a file as a source."""
        return cls(lambda: path.open("rb"), path.stat().st_size, path if own else None)


@dataclass(frozen=True, slots=True)
class Stored:
    """The body of a record in the archive, inflated and decoded as it is read, never whole in memory.

    Attributes:
        address: for messages.
        path: the WARC file.
        offset: where the record begins, bytes.
        size: bytes of the content-decoded body.
        sha256: hex digest of the content-decoded body.
        copy: where its plain copy stands, if there is one.
    """

    address: str
    path: Path
    offset: int
    size: int
    sha256: str
    copy: Path

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the content-decoded body in pieces of at most a MiB.

        Raises:
            EvidenceError: the record is damaged, or its body is not what its digest says; at the end at the latest.
        """
        digest, size = hashlib.sha256(), 0
        with closing(_pieces_of_record(self.path, self.offset, self.address, self.size)) as pieces:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                yield piece
        if (size, digest.hexdigest()) != (self.size, self.sha256):
            raise EvidenceError(
                f"{self.address}: {self.path} at {self.offset} should hold {self.size} bytes with SHA-256 "
                f"{self.sha256}, got {size} with {digest.hexdigest()}; restore this part from a backup"
            )

    def open(self) -> BinaryIO:
        """Open the content-decoded body for reading from its beginning."""
        return BufferedReader(_Reader(self.pieces()), _HEAD)

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        with closing(self.pieces()) as pieces:
            found = b""
            while len(found) < size and (piece := next(pieces, None)):
                found += piece
        return found[:size]

    def file(self) -> Path:
        """Return a file with the content-decoded body: its copy, made again from the archive where there is none.

        Raises:
            EvidenceError: the record is damaged.
        """
        if self.copy.exists() and self.copy.stat().st_size == self.size:
            return self.copy
        with _drafted(self.copy.parent) as (draft, stream):
            for piece in self.pieces():
                stream.write(piece)
            _settle(draft, stream, self.copy)
        return self.copy


@dataclass(frozen=True)
class Document:
    """One answer with its body.

    Attributes:
        retrieved_at: when these bytes were first captured at this address (UTC).
        charset: as declared, in lower case, or None.
        headers: of the response, names in lower case, repeated ones joined by commas.
        content: the content-decoded body, or where it can be read from, piece by piece.

    The others are those of `Capture`.
    """

    document_id: str
    url: str
    retrieved_at: datetime
    archived_at: datetime | None
    http_status: int | None
    media_type: str
    charset: str | None
    headers: Mapping[str, str]
    sha256: str
    content: bytes | Stored
    warc_file: str
    warc_offset: int
    synthetic: bool

    @cached_property
    def body(self) -> bytes:
        """The content-decoded body as a whole.

        Raises:
            EvidenceError: it is too large for that, or damaged.
        """
        if isinstance(self.content, bytes):
            return self.content
        if self.content.size > MAX_BODY:
            raise EvidenceError(
                f"{self.url}: has {self.size} bytes, over the limit of {MAX_BODY} bytes for what is not read row by "
                "row; split it"
            )
        return b"".join(self.content.pieces())

    @property
    def size(self) -> int:
        """Bytes of the content-decoded body."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.size

    def head(self, size: int) -> bytes:
        """Return the first bytes of the content-decoded body."""
        return self.content[:size] if isinstance(self.content, bytes) else self.content.head(size)

    def open(self) -> BinaryIO:
        """Open the content-decoded body for reading from its beginning."""
        return BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open()


class Evidence:
    """All captures of one feed below a home, as they stood at the first look and as its own writer added to them.

    Reading changes nothing, and may go on while another process writes; only a writer repairs.
    """

    def __init__(self, home: Path, feed_id: str) -> None:
        self.home, self.feed_id = home, feed_id

    def writer(self, harvest_id: str, software: str) -> PartWriter:
        """Open the next part of a harvest for writing, after cutting the torn tails that killed writers left.

        The caller holds the lock of the feed: two processes never write the same feed.

        Args:
            harvest_id: names the folder.
            software: name and version, for the warcinfo record.

        Raises:
            EvidenceError: a part is damaged in its middle, which no kill explains.
        """
        self._index = _Index(self.home, self.feed_id)  # afresh: others may have written since we looked
        self._index.repair()
        folder = self.home / "archive" / self.feed_id / harvest_id
        folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(part.name[:5]) for part in self.parts(harvest_id)), default=-1)
        return PartWriter(self._index, folder / f"{number:05d}.warc.gz", software)

    def parts(self, harvest_id: str) -> list[Path]:
        """Return the WARC files of a harvest, in order."""
        return sorted((self.home / "archive" / self.feed_id / harvest_id).glob("[0-9]*.warc.gz"))

    def captures(self, harvest_id: str) -> list[Capture]:
        """Return every capture of a harvest in archive order, whatever its status."""
        folder = f"archive/{self.feed_id}/{harvest_id}/"
        return [
            capture for name, part in self._index.parts.items() if name.startswith(folder) for capture in part.captures
        ]

    def latest(self, harvest_id: str) -> dict[str, Capture]:
        """Return address → last capture of a harvest, each as the record that holds its body."""
        return {
            capture.url: self._index.with_body(capture)
            for capture in self.captures(harvest_id)
            if capture.method != "HEAD"
        }

    def documents(self, harvest_id: str) -> Iterator[Document]:
        """Yield every document of a harvest in archive order, each once, whatever its (last) status."""
        captures = (capture for capture in self.captures(harvest_id) if capture.method != "HEAD")
        for capture in {capture.document_id: capture for capture in captures}.values():
            found = self._index.with_body(capture)
            yield self.read(found.warc_file, found.warc_offset)

    def read(self, warc_file: str, warc_offset: int) -> Document:
        """Read one record.

        Args:
            warc_file: relative to the home.
            warc_offset: where the record begins, bytes.

        Raises:
            EvidenceError: there is no such record, or it is a revisit, or it is damaged.
        """
        where = f"{warc_file} at {warc_offset}"
        try:
            with (self.home / warc_file).open("rb") as stream:
                stream.seek(warc_offset)
                inflated = _inflated(stream)
                head = _first(inflated)
                streamed = self._streamed(head, warc_file, warc_offset)
                if streamed is not None:
                    return streamed
                pieces = [head, *inflated]
        except (OSError, zlib.error) as error:
            raise EvidenceError(f"{where}: no whole record begins here ({error!r})") from error
        except EOFError as error:
            raise EvidenceError(f"{where}: the file ends before the record does") from error
        record = _record(b"".join(pieces), where)
        if record.rec_type not in _WITH_BODY:
            raise EvidenceError(f"{where}: a {record.rec_type} record has no body")
        body = record.raw_stream.read()
        capture = _capture(self.feed_id, record, warc_file, warc_offset)
        encoding = _headers(record.http_headers).get("content-encoding") if record.http_headers else _packing(body)
        return _document(capture, record, decode_body(body, encoding, capture.url))

    def _streamed(self, head: bytes, warc_file: str, warc_offset: int) -> Document | None:
        """Return the document of a record that is streamed; None for any other."""
        record = _record(head, f"{warc_file} at {warc_offset}")
        size = record.rec_headers.get_header(_BODY_LENGTH)
        if size is None or record.rec_type not in _WITH_BODY:
            return None
        capture = _capture(self.feed_id, record, warc_file, warc_offset)
        return _document(capture, record, self._index.stored(capture, int(size)))

    @cached_property
    def _index(self) -> _Index:
        return _Index(self.home, self.feed_id)


class PartWriter:
    """One part of a harvest, open for writing; a context manager."""

    def __init__(self, index: _Index, path: Path, software: str) -> None:
        self._stream = path.open("xb", buffering=0)  # a record is with the operating system once it is written
        self._index, self._name = index, index.add(path)
        self._records = _Sha256Writer(None, gzip=False, warc_version="1.1")
        info = {"software": software, "format": "WARC File Format 1.1", "isPartOf": path.parent.name}
        self._append(self._records.create_warcinfo_record(path.name, info))

    def exchange(  # noqa: PLR0913  # all the parts of an HTTP exchange, by name
        self,
        *,
        url: str,
        method: str = "GET",
        request_headers: Sequence[tuple[str, str]] = (),
        request_body: bytes = b"",
        status: int,
        reason: str,
        response_headers: Sequence[tuple[str, str]],
        body: bytes | Source,
        retrieved_at: datetime,
        archived_at: datetime | None = None,
        ranges: Sequence[str] = (),
    ) -> Document:
        """Write a response and its request; a revisit where the same bytes were captured before at the address.

        Args:
            url: address as asked; secrets are removed.
            method: of the request.
            request_headers: as sent; credentials and cookies are left out.
            request_body: as sent.
            status: of the response.
            reason: of the response.
            response_headers: as received; cookies are left out.
            body: as received: still content-encoded, chunks joined.
            retrieved_at: when it was received.
            archived_at: when a web archive captured it, where it comes from one.
            ranges: of a body that was put together of several answers (RFC 9110, 15.3.7.3): what each held, and when.

        Raises:
            EvidenceError: the body cannot be decoded by its Content-Encoding, or is too large; the address is no web
                address, or holds white space.
            OSError: the disk is full; nothing of the record was written.
        """
        address = _address(url)
        if not address.startswith(("http:", "https:")):
            raise EvidenceError(f"{address}: an exchange has an http or https address; give other things as resources")
        headers = [pair for pair in _kept(response_headers) if pair[0].lower() not in _TRANSFER_HEADERS]
        body = _in_memory(body)
        size = body.size if isinstance(body, Source) else len(body)
        stated = [value for name, value in response_headers if method == "HEAD" and name.lower() == "content-length"]
        headers.append(("Content-Length", stated[0] if stated else str(size)))
        http = StatusAndHeaders(f"{status} {_ascii(reason)}".rstrip(), headers, protocol="HTTP/1.1")
        fields = {"WARC-Date": _date(retrieved_at)}
        if archived_at is not None:
            fields[_ARCHIVED_AT] = _date(archived_at)
        if method != "GET":
            fields[_METHOD] = method
        if len(ranges) > 1:
            fields[_RANGES] = "; ".join(ranges)
        document, record = self._write(address, "response", body, _headers(http).get("content-encoding"), fields, http)
        target = _ascii(re.sub(r"^[^/?#]*//[^/?#]*", "", address.partition("#")[0]))
        line = f"{method} {'' if target.startswith('/') else '/'}{target} HTTP/1.1"
        request = self._records.create_warc_record(
            address,
            "request",
            payload=BytesIO(request_body),
            length=len(request_body),
            http_headers=StatusAndHeaders(line, _kept(request_headers), is_http_request=True),
            warc_headers_dict={
                "WARC-Date": fields["WARC-Date"],
                "WARC-Concurrent-To": record.rec_headers.get_header("WARC-Record-ID"),
            },
        )
        self._append(request)
        return document

    def resource(
        self,
        *,
        url: str,
        body: bytes | Source,
        media_type: str,
        retrieved_at: datetime,
        archived_at: datetime | None = None,
    ) -> Document:
        """Write a saved file as it is; one that is gzip is inflated for the document.

        Args:
            url: address, such as ``file:us.clustermapping/sub/data.json.gz``; secrets are removed.
            body: as saved.
            media_type: of the file; empty where it is unknown.
            retrieved_at: when it was read.
            archived_at: when a web archive captured it, where it comes from one.

        Raises:
            EvidenceError: it is gzip by its first bytes and cannot be inflated, or is too large; the address holds
                white space.
            OSError: the disk is full; nothing of the record was written.
        """
        address = _address(url)
        body = _in_memory(body)
        fields = {"WARC-Date": _date(retrieved_at), "Content-Type": media_type or "application/octet-stream"}
        if archived_at is not None:
            fields[_ARCHIVED_AT] = _date(archived_at)
        return self._write(address, "resource", body, _packing(body), fields, None)[0]

    def close(self) -> None:
        """Close the part; from now on it is never changed."""
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._index.cover(self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(
        self,
        address: str,
        kind: str,
        body: bytes | Source,
        encoding: str | None,
        fields: dict[str, str],
        http: StatusAndHeaders | None,
    ) -> tuple[Document, ArcWarcRecord]:
        packed = False
        if isinstance(body, Source):
            packed = encoding == "gzip"
            fields |= self._measure(address, body, encoding, http)
            record = self._records.create_warc_record(address, kind, http_headers=http, warc_headers_dict=fields)
            record.length = record.payload_length = body.size
        else:
            decoded = decode_body(body, encoding, address)
            packed = decoded is not body
            fields[_BODY_DIGEST] = hashlib.sha256(decoded).hexdigest()
            record = self._records.create_warc_record(
                address, kind, payload=BytesIO(body), length=len(body), http_headers=http, warc_headers_dict=fields
            )
        offset = self._stream.tell()
        capture = _capture(self._index.feed_id, record, self._name, offset)
        first = self._index.first(capture)
        if first is not None:
            record = self._records.create_revisit_record(
                address,
                first.payload_digest,  # of the body that is kept: equal bytes may have come in another encoding
                first.url,
                _date(first.retrieved_at),
                http_headers=http,
                # The length would say that the body stands here.
                warc_headers_dict={name: value for name, value in fields.items() if name not in _OF_THE_BODY},
            )
            capture = _capture(self._index.feed_id, record, self._name, offset)
            self._append(record)
        elif isinstance(body, Source):
            self._append_streamed(record, body, packed=packed)
        else:
            self._append(record, packed=packed)
        self._index.note(capture)
        found = first or capture
        content = self._index.stored(found, int(fields[_BODY_LENGTH])) if isinstance(body, Source) else decoded
        return _document(found, record, content), record

    def _measure(
        self, address: str, body: Source, encoding: str | None, http: StatusAndHeaders | None
    ) -> dict[str, str]:
        """Read a body that is streamed once: for its digests, and for the copy that the parser reads.

        Returns:
            WARC fields: the digests, and the length of the content-decoded body.
        """
        payload, decoded, block, came, length = hashlib.sha256(), hashlib.sha256(), hashlib.sha256(), 0, 0
        if http is not None:
            http.compute_headers_buffer(None)
            block.update(http.headers_buff)

        def as_it_came(stream: BinaryIO) -> Iterator[bytes]:
            nonlocal came
            while data := stream.read(_HEAD):
                came += len(data)
                payload.update(data)
                if http is not None:
                    block.update(data)
                yield data

        plain = body.own if encoding in {None, "", "identity"} else None
        with body.open() as stream, _drafted(self._index.bodies) as (draft, copy):
            for piece in _decoded_pieces(as_it_came(stream), encoding, address, MAX_STREAMED):
                decoded.update(piece)
                length += len(piece)
                if plain is None:
                    copy.write(piece)
            if came != body.size:
                raise EvidenceError(f"{address}: has {came} bytes, and had {body.size}; it changed while it was read")
            if plain is not None:
                draft.unlink()
                os.link(plain, draft)
            _settle(draft, copy, self._index.bodies / decoded.hexdigest())
        return {
            "WARC-Payload-Digest": _digest(payload.digest()),
            "WARC-Block-Digest": _digest((payload if http is None else block).digest()),
            _BODY_DIGEST: decoded.hexdigest(),
            _BODY_LENGTH: str(length),
        }

    def _append(self, record: ArcWarcRecord, *, packed: bool = False) -> None:
        """Write one record as one gzip member, wholly or not at all; a body that is packed is not packed again."""
        self._records.out = plain = BytesIO()
        self._records.write_record(record)
        level = zlib.Z_NO_COMPRESSION if packed else zlib.Z_DEFAULT_COMPRESSION
        compressor = zlib.compressobj(level, wbits=_GZIP)
        member = compressor.compress(plain.getbuffer()) + compressor.flush()
        offset = self._stream.tell()
        if self._stream.write(member) < len(member):
            self._stream.seek(self._stream.truncate(offset))
            raise OSError(errno.ENOSPC, f"no room for a record of {len(member)} bytes; free some space", self._name)

    def _append_streamed(self, record: ArcWarcRecord, body: Source, *, packed: bool) -> None:
        """Write one record as one gzip member while its body is read, wholly or not at all.

        Raises:
            EvidenceError: the body is not the one that was measured.
        """
        offset = self._stream.tell()
        level = zlib.Z_NO_COMPRESSION if packed else _STREAMED_LEVEL
        member = _Member(self._stream, zlib.compressobj(level, wbits=_GZIP))
        try:
            with body.open() as stream:
                record.raw_stream = checked = _Checked(stream)
                self._records.out = member
                self._records.write_record(record)
            _refuse_change(record, checked)
            member.end()
        except BaseException:  # a stop too: what follows must not stand behind half a record
            self._stream.seek(self._stream.truncate(offset))
            raise


def _refuse_change(record: ArcWarcRecord, body: _Checked) -> None:
    if _digest(body.sha256.digest()) != record.rec_headers.get_header("WARC-Payload-Digest"):
        address = record.rec_headers.get_header("WARC-Target-URI")
        raise EvidenceError(f"{address}: changed while it was read; harvest again")


class _Member:
    """A gzip member that is written piece by piece to an unbuffered file."""

    def __init__(self, stream: RawIOBase, compressor: Any) -> None:  # noqa: ANN401  # zlib does not name its class
        self._stream, self._compressor = stream, compressor

    def write(self, data: bytes) -> None:
        self._put(self._compressor.compress(data))

    def flush(self) -> None:
        """Do nothing: only `end` ends the member."""

    def end(self) -> None:
        self._put(self._compressor.flush())

    def _put(self, data: bytes) -> None:
        left = memoryview(data)
        while left:  # a disk that is full takes a part first, and then raises
            left = left[self._stream.write(left) :]


class _Checked:
    """A body that is read and digested at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.sha256 = stream, hashlib.sha256()

    def read(self, _: int) -> bytes:
        data = self._stream.read(_HEAD)  # more than warcio asks for, which is little
        self.sha256.update(data)
        return data


class _Reader(RawIOBase):
    """A file made of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._piece = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # whatever holds bytes
        if not self._piece:
            self._piece = memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._piece))
        buffer[:size], self._piece = self._piece[:size], self._piece[size:]
        return size


class _Sha256Writer(WARCWriter):  # type: ignore[misc]  # warcio has no types
    """Writes WARC records with SHA-256 digests; warcio's own are SHA-1."""

    @staticmethod
    def _create_digester() -> Any:  # noqa: ANN401  # warcio has no types
        return Digester("sha256")


class _Part(NamedTuple):
    """What stands in one WARC file; `end` is where its last whole record ends, bytes."""

    captures: list[Capture]
    end: int
    covered: bool = False


class _Line(BaseModel):
    """One line of captures.ndjson: what stands in a closed part of this size (bytes)."""

    part: str
    size: int
    captures: list[Capture]


class _Index:
    """What stands in the parts of a feed: as captures.ndjson says of parts that were closed, else by a scan."""

    def __init__(self, home: Path, feed_id: str) -> None:
        self.home, self.feed_id = home, feed_id
        self.parts: dict[str, _Part] = {}
        self._firsts: dict[tuple[str, int | None, bool], Capture] = {}
        self._path = home / "staging" / feed_id / "captures.ndjson"
        covered = self._covered()
        for path in sorted((home / "archive" / feed_id).glob("*/[0-9]*.warc.gz")):
            name = self.add(path)
            size, known = path.stat().st_size, covered.get(name)
            if known and known.end != size:
                logger.warning(
                    "%s: it had %d bytes when it was closed, and has %d; it is read again. Restore it from a backup",
                    *(name, known.end, size),
                )
                known = None
            part = self.parts[name] = known or self._scan(name)
            for capture in part.captures:
                self._remember(capture)

    @property
    def bodies(self) -> Path:
        """The folder of the plain copies of what is streamed."""
        return self._path.parent / "bodies"

    def stored(self, capture: Capture, size: int) -> Stored:
        """Return the body of a capture that is streamed."""
        path, copy = self.home / capture.warc_file, self.bodies / capture.sha256
        return Stored(capture.url, path, capture.warc_offset, size, capture.sha256, copy)

    def add(self, path: Path) -> str:
        """Take in a part of which nothing is known yet, and return its name."""
        name = path.relative_to(self.home).as_posix()
        self.parts[name] = _Part([], 0)
        return name

    def note(self, capture: Capture) -> None:
        """Take in a capture that was just written."""
        self.parts[capture.warc_file].captures.append(capture)
        self._remember(capture)

    def first(self, capture: Capture) -> Capture | None:
        """Return the capture that holds the body of an equal answer: same address, bytes, status and kind of home."""
        return self._firsts.get((capture.document_id, capture.http_status, capture.synthetic))

    def with_body(self, capture: Capture) -> Capture:
        """Return the capture itself, or the one that it revisits.

        Raises:
            EvidenceError: the one that it revisits is not in the archive.
        """
        found = self.first(capture) if capture.revisit else capture
        if found is None:
            raise EvidenceError(
                f"{capture.url}: {capture.warc_file} at {capture.warc_offset} refers to an earlier capture that is not "
                f"in the archive of {self.feed_id}; restore the older harvests"
            )
        return found

    def repair(self) -> None:
        """Cut the torn tail of every part that is not covered, and cover it; remove a part with no whole record."""
        for name, part in list(self.parts.items()):
            path = self.home / name
            if part.covered:
                continue
            torn = path.stat().st_size - part.end
            if torn:
                logger.warning("%s: cut a torn tail of %d bytes at the last whole record", name, torn)
                os.truncate(path, part.end)
            if part.end:
                self.cover(name)
            else:
                path.unlink()
                del self.parts[name]

    def cover(self, name: str) -> None:
        """Note in captures.ndjson what stands in a part that nobody writes to any more."""
        size = (self.home / name).stat().st_size
        line = _Line(part=name, size=size, captures=self.parts[name].captures).model_dump_json()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"\n{line}")  # the line feed comes first: it parts this line from a torn one

    def _covered(self) -> dict[str, _Part]:
        covered: dict[str, _Part] = {}
        for text in self._path.read_bytes().splitlines() if self._path.exists() else []:
            try:
                line = _Line.model_validate_json(text)
            except ValidationError:
                continue  # torn, or of other software: the part is scanned
            covered[line.part] = _Part(line.captures, line.size, covered=True)
        return covered

    def _scan(self, name: str) -> _Part:
        """Find the captures of a part, and where its last whole record ends, reading heads only."""
        captures, end = [], 0
        with (self.home / name).open("rb") as stream:
            for start, end, head in _members(stream):  # noqa: B007  # the last end is wanted
                record = _record(head, f"{name} at {start}")
                if record.rec_type in _WITH_BODY | {"revisit"}:
                    captures.append(_capture(self.feed_id, record, name, start))
        return _Part(captures, end)

    def _remember(self, capture: Capture) -> None:
        if not capture.revisit:
            self._firsts.setdefault((capture.document_id, capture.http_status, capture.synthetic), capture)


def decode_body(body: bytes, content_encoding: str | None, address: str, limit: int = MAX_BODY) -> bytes:
    """Undo the content encodings of a body.

    Args:
        body: as received.
        content_encoding: the header's value; several are undone from the last to the first.
        address: for the message.
        limit: bytes that the decoded body may have.

    Raises:
        EvidenceError: an encoding is unknown, the body does not fit it, or it grows over the limit.
    """
    for encoding in reversed([part.strip().lower() for part in (content_encoding or "").split(",")]):
        try:
            body = _decode(body, encoding, limit)
        except (zlib.error, zstd.ZstdError, brotli.error, ValueError) as error:
            raise EvidenceError(
                f"{address}: cannot decode the body by its Content-Encoding {encoding!r}: {error}"
            ) from error
    return body


def _decode(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in {"", "identity"} or not body:
        return _whole(body, limit, ended=True)
    if encoding in {"gzip", "x-gzip"}:
        return _expand(body, partial(zlib.decompressobj, _GZIP), _GZIP_MAGIC, limit)
    if encoding == "deflate":
        try:
            return _expand(body, zlib.decompressobj, None, limit)
        except zlib.error:  # some servers leave out the zlib wrapper
            return _expand(body, partial(zlib.decompressobj, -zlib.MAX_WBITS), None, limit)
    if encoding == "zstd":
        return _expand(body, zstd.ZstdDecompressor, _ZSTD_MAGIC, limit)
    if encoding == "br":
        decompressor = brotli.Decompressor()
        return _whole(decompressor.process(body, output_buffer_limit=limit + 1), limit, decompressor.is_finished())
    raise ValueError("no such encoding is known; gzip, deflate, br and zstd are")


def _expand(body: bytes, decompressor_of: Callable[[], Any], magic: bytes | None, limit: int) -> bytes:
    """Decompress a body; where a magic number is given, all the members that begin with it."""
    members, left = [], limit
    while True:
        decompressor = decompressor_of()
        members.append(_whole(decompressor.decompress(body, left + 1), left, decompressor.eof))
        left -= len(members[-1])
        body = decompressor.unused_data
        if magic is None or not body.startswith(magic):
            return members[0] if len(members) == 1 else b"".join(members)


def _whole(decoded: bytes, limit: int, ended: bool) -> bytes:
    if len(decoded) > limit:
        raise ValueError(f"it grows over the limit of {limit} bytes")
    if not ended:
        raise ValueError("the compressed data ends too early")
    return decoded


def _packing(body: bytes | Source) -> str | None:
    """Return the encoding of a saved file, by its magic number."""
    if isinstance(body, Source):
        with body.open() as stream:
            body = stream.read(len(_GZIP_MAGIC))
    return "gzip" if body.startswith(_GZIP_MAGIC) else None


def _in_memory(body: bytes | Source) -> bytes | Source:
    """Read what is small after all."""
    if isinstance(body, bytes) or body.size > (IN_MEMORY // 16 if _packing(body) else IN_MEMORY):
        return body
    with body.open() as stream:
        return stream.read()


def _digest(digest: bytes) -> str:
    """Return a digest as WARC fields state it."""
    return f"sha256:{base64.b32encode(digest).decode()}"


@contextmanager
def _drafted(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file that is gone afterwards, unless it was settled."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{os.getpid()}"
    try:
        with draft.open("wb") as stream:
            yield draft, stream
    finally:
        draft.unlink(missing_ok=True)


def _settle(draft: Path, stream: BinaryIO, target: Path) -> None:
    """Give a file that was drafted its name, once it is whole on the disk."""
    stream.flush()
    os.fsync(stream.fileno())
    draft.replace(target)


def _inflated(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what one gzip member holds, in pieces of at most a MiB.

    Raises:
        EOFError: the file ends before it does.
    """
    inflater = zlib.decompressobj(_GZIP)
    while not inflater.eof:
        data = inflater.unconsumed_tail or stream.read(_HEAD)
        if not data:
            raise EOFError
        if piece := inflater.decompress(data, _HEAD):
            yield piece


def _first(pieces: Iterator[bytes]) -> bytes:
    """Return the first bytes of a record, enough for its head."""
    head = b""
    while len(head) < _HEAD and (piece := next(pieces, None)):
        head += piece
    return head


def _pieces_of_record(path: Path, offset: int, address: str, limit: int) -> Generator[bytes, None, None]:
    """Yield the content-decoded body of a record in pieces.

    Raises:
        EvidenceError: no whole record stands there, or it grows over the limit (bytes).
    """
    where = f"{path} at {offset}"
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            inflated = _inflated(stream)
            record = _record(_first(inflated), where)
            http = record.http_headers
            first = record.raw_stream.read()

            def as_it_came() -> Iterator[bytes]:
                yield first
                left = record.raw_stream.limit  # of the block, behind what its head held
                for piece in inflated:
                    if left > 0:
                        yield piece[:left]
                    left -= len(piece)

            encoding = _headers(http).get("content-encoding") if http else _packing(first)
            yield from _decoded_pieces(as_it_came(), encoding, address, limit)
    except (OSError, zlib.error) as error:
        raise EvidenceError(f"{where}: no whole record begins here ({error!r})") from error
    except EOFError as error:
        raise EvidenceError(f"{where}: the file ends before the record does") from error


def _decoded_pieces(pieces: Iterator[bytes], encoding: str | None, address: str, limit: int) -> Iterator[bytes]:
    """Undo the content encoding of a body that is streamed: gzip or none.

    Raises:
        EvidenceError: it is another encoding, the body does not fit it, or it grows over the limit (bytes).
    """
    if encoding in {None, "", "identity"}:
        decoded = pieces
    elif encoding in {"gzip", "x-gzip"}:
        decoded = _gunzipped(pieces, address)
    else:
        raise EvidenceError(f"{address}: a large body cannot be read with Content-Encoding {encoding!r}; gzip can")
    for piece in decoded:
        limit -= len(piece)
        if limit < 0:
            raise EvidenceError(f"{address}: it grows over its limit of bytes by its Content-Encoding {encoding!r}")
        yield piece


def _gunzipped(pieces: Iterator[bytes], address: str) -> Iterator[bytes]:
    """Inflate all gzip members of a body, in pieces of at most a MiB; what follows the last one is left out."""
    inflater, fresh, data = zlib.decompressobj(_GZIP), True, b""
    try:
        while data or (data := next(pieces, b"")):
            if fresh and not _GZIP_MAGIC.startswith(data[: len(_GZIP_MAGIC)]) and not data.startswith(_GZIP_MAGIC):
                return
            if piece := inflater.decompress(data, _HEAD):
                yield piece
            fresh, data = False, inflater.unconsumed_tail
            if inflater.eof:
                data, inflater, fresh = inflater.unused_data, zlib.decompressobj(_GZIP), True
    except zlib.error as error:
        raise EvidenceError(f"{address}: cannot decode the body by its Content-Encoding 'gzip': {error}") from error
    if not fresh:
        raise EvidenceError(
            f"{address}: cannot decode the body by its Content-Encoding 'gzip': the compressed data ends too early"
        )


def _members(stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (start, end, first bytes inflated) of each gzip member of a part, up to a torn tail.

    Raises:
        EvidenceError: whole records stand behind what cannot be read, so it is no torn tail.
    """
    inflater, head, start, end, fault = zlib.decompressobj(_GZIP), b"", 0, 0, "it never ends"
    try:
        while data := stream.read(_CHUNK):
            while data:
                inflated = inflater.decompress(data)
                head += inflated[: _HEAD - len(head)]
                end += len(data) - len(inflater.unused_data)
                data = inflater.unused_data
                if inflater.eof:
                    yield start, end, head
                    inflater, head, start = zlib.decompressobj(_GZIP), b"", end
    except zlib.error as error:
        fault = str(error)
        stream.seek(0, os.SEEK_END)
    seen = stream.tell()  # and no further: another process may be writing
    if _holds_record(stream, start + 1, seen):
        raise EvidenceError(
            f"{stream.name}: damaged between byte {start} and a later whole record ({fault}); "
            "restore this part from a backup"
        )


def _record(inflated: bytes, where: str) -> ArcWarcRecord:
    """Read the head of a record.

    Raises:
        EvidenceError: it is none.
    """
    try:
        return next(iter(WARCIterator(BytesIO(inflated))))
    except (StopIteration, ArchiveLoadFailed) as error:
        raise EvidenceError(f"{where}: no WARC record stands here ({error!r})") from error


def _holds_record(stream: BinaryIO, start: int, end: int) -> bool:
    """Whether a WARC record begins anywhere between two places of a part."""
    while end - start >= len(_GZIP_MAGIC):
        stream.seek(start)
        block = stream.read(min(_HEAD, end - start))
        for magic in re.finditer(_GZIP_MAGIC, block):
            stream.seek(start + magic.start())
            with suppress(zlib.error):
                begun = stream.read(min(_CHUNK, end - start - magic.start()))
                if zlib.decompressobj(_GZIP).decompress(begun, 5) == b"WARC/":
                    return True
        if len(block) < len(_GZIP_MAGIC):
            break
        start += len(block) - len(_GZIP_MAGIC) + 1  # a magic number may stand across the end of the block
    return False


def _address(url: str) -> str:
    """Remove secrets from an address that is to be written.

    Raises:
        EvidenceError: it holds white space or control characters, which a WARC header would not give back.
    """
    address = redact_url(url)
    if " " in address or not address.isprintable():
        raise EvidenceError(f"{address!r}: an address holds no white space or control characters; percent-encode them")
    return address


def _kept(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out credentials and cookies, and remove secrets from addresses."""
    kept = []
    for name, value in headers:
        if name.lower() == "host":
            kept.append((name, _ascii(value.rpartition("@")[2])))
        elif name.lower() in _ADDRESS_HEADERS:
            kept.append((name, _ascii(redact_url(value))))
        elif name.lower() not in _SECRET_HEADERS:
            kept.append((name, _ascii(value)))
    return kept


def _ascii(text: str) -> str:
    """Percent-encode what the head of an HTTP message cannot hold: control characters, and all beyond ASCII."""
    return quote(text.strip(), safe=string.punctuation + " \t")


def _headers(http: StatusAndHeaders) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in http.headers:
        earlier = headers.get(name.lower())
        headers[name.lower()] = value if earlier is None else f"{earlier}, {value}"
    return headers


def _content_type(record: ArcWarcRecord) -> str:
    """Return the Content-Type of what was captured, as it was sent or given."""
    if record.http_headers:
        return _headers(record.http_headers).get("content-type", "")
    return str(record.rec_headers.get_header("Content-Type"))


def _capture(feed_id: str, record: ArcWarcRecord, warc_file: str, warc_offset: int) -> Capture:
    fields, http = record.rec_headers, record.http_headers
    headers = _headers(http) if http else {}
    url, sha256 = fields.get_header("WARC-Target-URI"), fields.get_header(_BODY_DIGEST)
    if sha256 is None:
        raise EvidenceError(f"{warc_file} at {warc_offset}: no {_BODY_DIGEST}; this software did not write the record")
    archived_at = fields.get_header(_ARCHIVED_AT)
    return Capture(
        document_id=document_id(feed_id, url, sha256),
        url=url,
        retrieved_at=_time(fields.get_header("WARC-Date")),
        archived_at=_time(archived_at) if archived_at else None,
        http_status=int(http.get_statuscode()) if http else None,
        media_type=_content_type(record).partition(";")[0].strip().lower(),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        sha256=sha256,
        payload_digest=fields.get_header("WARC-Payload-Digest"),
        warc_file=warc_file,
        warc_offset=warc_offset,
        revisit=record.rec_type == "revisit",
        synthetic=not _SYNTHETIC_HEADERS.isdisjoint(headers),
        method=fields.get_header(_METHOD) or "GET",
    )


def _document(capture: Capture, record: ArcWarcRecord, content: bytes | Stored) -> Document:
    charset = re.search(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", _content_type(record), re.IGNORECASE)
    return Document(
        document_id=capture.document_id,
        url=capture.url,
        retrieved_at=capture.retrieved_at,
        archived_at=capture.archived_at,
        http_status=capture.http_status,
        media_type=capture.media_type,
        charset=charset[1].lower() if charset else None,
        headers=_headers(record.http_headers) if record.http_headers else {},
        sha256=capture.sha256,
        content=content,
        warc_file=capture.warc_file,
        warc_offset=capture.warc_offset,
        synthetic=capture.synthetic,
    )


def _date(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError(f"{time}: a time of evidence needs a time zone; give UTC")
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
