"""WARC writing, reading and replay: every answer that a harvest got, kept as it came.

``archive/<feed>/<harvest_id>/00000.warc.gz``, ``00001.warc.gz`` …: one part per attempt, WARC 1.1 (ISO 28500:2017), one
gzip member per record. A process may be killed at any byte: whoever writes next first cuts the torn tail at the last
whole record. A body that was captured before at the same address is not stored again; a revisit record names it.

``staging/<feed>/captures.ndjson`` says what stands in closed parts, so that they are never scanned again. It is
disposable: the archive alone makes it anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Self

import brotli
from warcio.archiveiterator import ArchiveIterator
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

logger = logging.getLogger(__name__)

SYNTHETIC_HEADER = "x-cluster-observatory-replica"
"""Response header by which a replica declares itself."""

MAX_BODY = 2**30
"""Bytes that a body may have once it is decoded."""

REDACTED = "REDACTED"

_SECRET_NAMES = "key|api_key|apikey|token|access_token|password|secret|signature"  # noqa: S105  # names, no secret
_SECRET_PARAMETER = re.compile(rf"(?<=[?&;])((?:{_SECRET_NAMES})=)[^&;#]*", re.IGNORECASE)
_USER_INFO = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#@]*@", re.IGNORECASE)
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_ADDRESS_HEADERS = frozenset({"location", "content-location", "referer", "link", "refresh"})
_TRANSFER_HEADERS = frozenset({"transfer-encoding", "content-length"})

_BODY_DIGEST = "Observatory-Body-Digest"  # SHA-256 (hex) of the content-decoded body: half of a document's id
_ARCHIVED_AT = "Observatory-Archived-At"  # when a web archive captured it
_CAPTURES = frozenset({"response", "resource", "revisit"})
_CHUNK = 2**20
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


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
        retrieved_at: when we received it (UTC).
        archived_at: when a web archive captured it (UTC), where one did.
        http_status: None for a saved file.
        sha256: hex digest of the content-decoded body.
        payload_digest: WARC-Payload-Digest of the record.
        warc_file: relative to the home, such as ``archive/us.x/…/00000.warc.gz``.
        revisit: the body stands in an earlier record.
        synthetic: a replica answered.
    """

    document_id: str
    url: str
    retrieved_at: datetime
    archived_at: datetime | None
    http_status: int | None
    sha256: str
    payload_digest: str
    warc_file: str
    warc_offset: int
    revisit: bool
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Document:
    """One answer with its body.

    Attributes:
        retrieved_at: when these bytes were first captured at this address (UTC).
        media_type: lower case, without parameters; empty where the answer did not say.
        charset: as declared, or None.
        headers: of the response, names in lower case.
        body: content-decoded.

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
    body: bytes
    warc_file: str
    warc_offset: int
    synthetic: bool


class Evidence:
    """All captures of one feed below a home. Reading changes nothing; only a writer repairs."""

    def __init__(self, home: Path, feed_id: str) -> None:
        self.home, self.feed_id = home, feed_id
        self._index = home / "staging" / feed_id / "captures.ndjson"

    def writer(self, harvest_id: str, software: str) -> PartWriter:
        """Open the next part of a harvest for writing, after cutting the torn tails that killed writers left.

        The caller holds the lock of the feed: two processes never write the same feed.
        """
        self._repair()
        folder = self.home / "archive" / self.feed_id / harvest_id
        folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(part.name[:5]) for part in self.parts(harvest_id)), default=-1)
        return PartWriter(self, folder / f"{number:05d}.warc.gz", software)

    def parts(self, harvest_id: str) -> list[Path]:
        """Return the WARC files of a harvest, in order."""
        return sorted((self.home / "archive" / self.feed_id / harvest_id).glob("[0-9]*.warc.gz"))

    def captures(self, harvest_id: str) -> list[Capture]:
        """Return every capture of a harvest in archive order, whatever its status."""
        return [capture for part in self.parts(harvest_id) for capture in self._captured.get(self._name(part), [])]

    def latest(self, harvest_id: str) -> dict[str, Capture]:
        """Return address → last capture of a harvest; a revisit stands where its body does."""
        return {capture.url: self._with_body(capture) for capture in self.captures(harvest_id)}

    def documents(self, harvest_id: str) -> Iterator[Document]:
        """Yield every document of a harvest in archive order, each once, whatever its status."""
        seen: set[str] = set()
        for capture in self.captures(harvest_id):
            if capture.document_id not in seen:
                seen.add(capture.document_id)
                found = self._with_body(capture)
                yield self.read(found.warc_file, found.warc_offset)

    def read(self, warc_file: str, warc_offset: int) -> Document:
        """Read one record.

        Args:
            warc_file: relative to the home.
            warc_offset: where the record begins, bytes.

        Raises:
            EvidenceError: there is no such record, or it is a revisit, or its body cannot be decoded.
        """
        try:
            with (self.home / warc_file).open("rb") as stream:
                stream.seek(warc_offset)
                record = next(iter(ArchiveIterator(stream)))
                payload = record.raw_stream.read()
        except (OSError, StopIteration, zlib.error) as error:
            raise EvidenceError(f"{warc_file} at {warc_offset}: no whole record ({error!r})") from error
        if record.rec_type not in _CAPTURES - {"revisit"}:
            raise EvidenceError(f"{warc_file} at {warc_offset}: a {record.rec_type} record has no body")
        return _document(self._capture(record, warc_file, warc_offset), record, payload)

    def first(self, document: str) -> Capture | None:
        """Return the first capture of a document, which holds its body."""
        return self._firsts.get(document)

    def note(self, capture: Capture) -> None:
        """Take in a capture that was just written."""
        self._captured.setdefault(capture.warc_file, []).append(capture)
        if not capture.revisit:
            self._firsts.setdefault(capture.document_id, capture)

    def cover(self, part: Path) -> None:
        """Note in the index what stands in a part that nobody writes to any more."""
        name = self._name(part)
        lines = [json.dumps(asdict(capture), default=datetime.isoformat) for capture in self._captured.get(name, [])]
        lines.append(json.dumps({"covered": name, "size": part.stat().st_size}))
        self._index.parent.mkdir(parents=True, exist_ok=True)
        torn = self._index.exists() and self._index.read_bytes()[-1:] != b"\n"
        with self._index.open("a", encoding="utf-8") as stream:
            stream.write("\n" * torn + "\n".join(lines) + "\n")

    @cached_property
    def _firsts(self) -> dict[str, Capture]:
        """Document → the capture that holds its body."""
        firsts: dict[str, Capture] = {}
        for _, captures in sorted(self._captured.items()):
            for capture in captures:
                if not capture.revisit:
                    firsts.setdefault(capture.document_id, capture)
        return firsts

    @cached_property
    def _captured(self) -> dict[str, list[Capture]]:
        """Part → its captures: closed parts from the index, others by a scan."""
        covered = self._covered()
        found: dict[str, list[Capture]] = {}
        for part in sorted((self.home / "archive" / self.feed_id).glob("*/[0-9]*.warc.gz")):
            name = self._name(part)
            size, captures = covered.get(name, (-1, []))
            found[name] = captures if size == part.stat().st_size else self._scan(part)[0]
        return found

    def _covered(self) -> dict[str, tuple[int, list[Capture]]]:
        """Read the index: part → size that it describes, and captures. A torn line ends a part that is not covered."""
        covered: dict[str, tuple[int, list[Capture]]] = {}
        pending: list[Capture] = []
        for line in self._index.read_bytes().splitlines() if self._index.exists() else []:
            try:
                entry = json.loads(line)
            except ValueError:
                pending = []
                continue
            if "covered" in entry:
                name = entry["covered"]
                covered[name] = (entry["size"], [capture for capture in pending if capture.warc_file == name])
                pending = []
            else:
                for time in ("retrieved_at", "archived_at"):
                    entry[time] = datetime.fromisoformat(entry[time]) if entry[time] else None
                pending.append(Capture(**entry))
        return covered

    def _repair(self) -> None:
        """Cut the torn tail of every part that is not covered, and cover it."""
        covered = self._covered()
        for part in sorted((self.home / "archive" / self.feed_id).glob("*/[0-9]*.warc.gz")):
            size = part.stat().st_size
            if covered.get(self._name(part), (-1, []))[0] == size:
                continue
            captures, whole = self._scan(part)
            if whole < size:
                logger.warning("%s: cut a torn tail of %d bytes at the last whole record", part, size - whole)
                os.truncate(part, whole)
            self._captured[self._name(part)] = captures
            self.cover(part)

    def _scan(self, part: Path) -> tuple[list[Capture], int]:
        """Return the captures of a part and where its last whole record ends, reading heads only."""
        captures, end = [], 0
        with part.open("rb") as stream:
            for offset, end, head in _members(stream):  # noqa: B007  # the last end is wanted
                record = next(iter(ArchiveIterator(BytesIO(head))))
                if record.rec_type in _CAPTURES:
                    captures.append(self._capture(record, self._name(part), offset))
        return captures, end

    def _with_body(self, capture: Capture) -> Capture:
        if not capture.revisit:
            return capture
        first = self.first(capture.document_id)
        if first is None:
            raise EvidenceError(
                f"{capture.url}: {capture.warc_file} at {capture.warc_offset} refers to an earlier capture that is not "
                f"in the archive of {self.feed_id}"
            )
        return first

    def _capture(self, record: ArcWarcRecord, warc_file: str, warc_offset: int) -> Capture:
        fields, http = record.rec_headers, record.http_headers
        url, sha256 = fields.get_header("WARC-Target-URI"), fields.get_header(_BODY_DIGEST)
        if sha256 is None:
            raise EvidenceError(f"{warc_file} at {warc_offset}: the record was not written by this software")
        archived_at = fields.get_header(_ARCHIVED_AT)
        return Capture(
            document_id=document_id(self.feed_id, url, sha256),
            url=url,
            retrieved_at=_time(fields.get_header("WARC-Date")),
            archived_at=_time(archived_at) if archived_at else None,
            http_status=int(http.get_statuscode()) if http else None,
            sha256=sha256,
            payload_digest=fields.get_header("WARC-Payload-Digest"),
            warc_file=warc_file,
            warc_offset=warc_offset,
            revisit=record.rec_type == "revisit",
            synthetic=bool(http and http.get_header(SYNTHETIC_HEADER)),
        )

    def _name(self, part: Path) -> str:
        return part.relative_to(self.home).as_posix()


class PartWriter:
    """One part of a harvest, open for writing; a context manager."""

    def __init__(self, evidence: Evidence, path: Path, software: str) -> None:
        self._evidence, self._path = evidence, path
        self._stream = path.open("xb")
        self._records = WARCWriter(None, gzip=False, warc_version="1.1")
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
        body: bytes,
        retrieved_at: datetime,
        archived_at: datetime | None = None,
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
            retrieved_at: when it was received (UTC).
            archived_at: when a web archive captured it (UTC).

        Raises:
            EvidenceError: the body cannot be decoded by its Content-Encoding, or is too large.
        """
        address = redact_url(url)
        headers = [*_kept(response_headers), ("Content-Length", str(len(body)))]
        http = StatusAndHeaders(f"{status} {reason}".rstrip(), headers, protocol="HTTP/1.1")
        decoded = decode_body(body, http.get_header("Content-Encoding"), address)
        fields = self._fields(decoded, retrieved_at, archived_at)
        document, record = self._write(address, "response", body, decoded, fields, http, retrieved_at)
        target = re.sub(r"^[a-z]+://[^/?#]+", "", address.partition("#")[0], flags=re.IGNORECASE) or "/"
        request = self._records.create_warc_record(
            address,
            "request",
            payload=BytesIO(request_body),
            length=len(request_body),
            http_headers=StatusAndHeaders(f"{method} {target} HTTP/1.1", _kept(request_headers), is_http_request=True),
            warc_headers_dict={
                "WARC-Date": fields["WARC-Date"],
                "WARC-Concurrent-To": record.rec_headers.get_header("WARC-Record-ID"),
            },
        )
        self._append(request)
        return document

    def resource(
        self, *, url: str, body: bytes, media_type: str, retrieved_at: datetime, archived_at: datetime | None = None
    ) -> Document:
        """Write a saved file as it is; one that is gzip is inflated for the document.

        Raises:
            EvidenceError: it is gzip by its first bytes and cannot be inflated, or is too large.
        """
        address = redact_url(url)
        decoded = decode_body(body, "gzip" if body[:2] == _GZIP_MAGIC else None, address)
        fields = {**self._fields(decoded, retrieved_at, archived_at), "Content-Type": media_type}
        return self._write(address, "resource", body, decoded, fields, None, retrieved_at)[0]

    def close(self) -> None:
        """Close the part; from now on it is never changed."""
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._evidence.cover(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fields(self, decoded: bytes, retrieved_at: datetime, archived_at: datetime | None) -> dict[str, str]:
        fields = {
            "WARC-Date": _date(retrieved_at),
            _BODY_DIGEST: hashlib.sha256(decoded).hexdigest(),
        }
        if archived_at is not None:
            fields[_ARCHIVED_AT] = _date(archived_at)
        return fields

    def _write(
        self,
        address: str,
        kind: str,
        body: bytes,
        decoded: bytes,
        fields: dict[str, str],
        http: StatusAndHeaders | None,
        retrieved_at: datetime,
    ) -> tuple[Document, ArcWarcRecord]:
        evidence = self._evidence
        first = evidence.first(document_id(evidence.feed_id, address, fields[_BODY_DIGEST]))
        if first is not None and first.http_status == (int(http.get_statuscode()) if http else None):
            record = self._records.create_revisit_record(
                address,
                first.payload_digest,
                first.url,
                _date(first.retrieved_at),
                http_headers=http,
                warc_headers_dict=fields,
            )
        else:
            record = self._records.create_warc_record(
                address,
                kind,
                payload=BytesIO(body),
                length=len(body),
                warc_content_type=fields.get("Content-Type", ""),
                http_headers=http,
                warc_headers_dict=fields,
            )
        offset = self._append(record)
        capture = evidence._capture(record, evidence._name(self._path), offset)  # noqa: SLF001  # the two are one room
        evidence.note(capture)
        where = first if capture.revisit and first is not None else replace(capture, retrieved_at=retrieved_at)
        return _describe(where, record, decoded), record

    def _append(self, record: ArcWarcRecord) -> int:
        """Write one record as one gzip member, and hand it to the operating system whole."""
        buffer = BytesIO()
        self._records.out = buffer
        self._records.write_record(record)
        compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        offset = self._stream.tell()
        self._stream.write(compressor.compress(buffer.getbuffer()) + compressor.flush())
        self._stream.flush()
        return offset


def decode_body(body: bytes, content_encoding: str | None, address: str) -> bytes:
    """Undo the content encodings of a body.

    Args:
        body: as received.
        content_encoding: the header's value; several are undone from the last to the first.
        address: for the message.

    Raises:
        EvidenceError: an encoding is unknown, the body does not fit it, or it grows over `MAX_BODY`.
    """
    for encoding in reversed([part.strip().lower() for part in (content_encoding or "").split(",")]):
        try:
            body = _decode(body, encoding)
        except (zlib.error, brotli.error, ValueError) as error:
            raise EvidenceError(f"{address}: the body is not {encoding!r} as its header says ({error})") from error
    return body


def _decode(body: bytes, encoding: str) -> bytes:
    if encoding in {"", "identity"} or not body:
        return body
    if encoding in {"gzip", "x-gzip"}:
        return _inflate(body, _GZIP)
    if encoding == "deflate":
        try:
            return _inflate(body, zlib.MAX_WBITS)
        except zlib.error:
            return _inflate(body, -zlib.MAX_WBITS)  # some servers leave out the zlib wrapper
    if encoding == "br":
        decoded = bytes(brotli.decompress(body))
        return _bounded(decoded)
    raise ValueError("no such encoding is known; we ask for gzip, deflate and br")


def _inflate(body: bytes, window: int) -> bytes:
    """Inflate all members of a compressed body."""
    inflated = []
    size = 0
    while body:
        decompressor = zlib.decompressobj(window)
        inflated.append(decompressor.decompress(body, MAX_BODY - size + 1))
        size += len(inflated[-1])
        _bounded(inflated[-1] if size <= MAX_BODY else None)
        if not decompressor.eof:
            raise zlib.error("the compressed data ends too early")
        body = decompressor.unused_data if decompressor.unused_data[:2] == _GZIP_MAGIC else b""
    return inflated[0] if len(inflated) == 1 else b"".join(inflated)


def _bounded(body: bytes | None) -> bytes:
    if body is None or len(body) > MAX_BODY:
        raise ValueError(f"it grows over {MAX_BODY} bytes")
    return body


def _members(stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (start, end, first bytes inflated) of each whole gzip member of a file."""
    start, data = 0, b""
    while True:
        decompressor = zlib.decompressobj(_GZIP)
        head, end = b"", start
        try:
            while not decompressor.eof:
                data = data or stream.read(_CHUNK)
                if not data:
                    return
                inflated = decompressor.decompress(data)
                end += len(data) - len(decompressor.unused_data)
                data = decompressor.unused_data
                head = head or inflated
        except zlib.error:
            return
        yield start, end, head
        start = end


def _kept(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out credentials, cookies and what describes the transfer; remove secrets from addresses."""
    return [
        (name, redact_url(value) if name.lower() in _ADDRESS_HEADERS else value)
        for name, value in headers
        if name.lower() not in _SECRET_HEADERS | _TRANSFER_HEADERS
    ]


def _document(capture: Capture, record: ArcWarcRecord, payload: bytes) -> Document:
    if record.http_headers is None:
        encoding = "gzip" if payload[:2] == _GZIP_MAGIC else None
    else:
        encoding = record.http_headers.get_header("Content-Encoding")
    return _describe(capture, record, decode_body(payload, encoding, capture.url))


def _describe(capture: Capture, record: ArcWarcRecord, decoded: bytes) -> Document:
    http = record.http_headers
    headers = {name.lower(): value for name, value in http.headers} if http else {}
    content_type = headers.get("content-type", "") if http else record.rec_headers.get_header("Content-Type") or ""
    media_type, _, parameters = content_type.partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", parameters, re.IGNORECASE)
    return Document(
        document_id=capture.document_id,
        url=capture.url,
        retrieved_at=capture.retrieved_at,
        archived_at=capture.archived_at,
        http_status=capture.http_status,
        media_type=media_type.strip().lower(),
        charset=charset[1].lower() if charset else None,
        headers=headers,
        sha256=capture.sha256,
        body=decoded,
        warc_file=capture.warc_file,
        warc_offset=capture.warc_offset,
        synthetic=capture.synthetic,
    )


def _date(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
