"""One part of a harvest, written record by record: each wholly or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Self

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders

from crawlers.evidence.addresses import address_of, ascii_of, kept_headers
from crawlers.evidence.codings import (
    GZIP,
    GZIP_MAGIC,
    MAX_STREAMED,
    MIB,
    EvidenceError,
    decode_body,
    decoded_pieces,
    packing,
)
from crawlers.evidence.documents import Document, capture_of, document_of, drafted, settle
from crawlers.evidence.index import Index
from crawlers.evidence.records import (
    ARCHIVED_AT,
    BODY_DIGEST,
    BODY_LENGTH,
    METHOD,
    RANGES,
    Sha256Writer,
    date_of,
    digest_field,
    headers_of,
)

IN_MEMORY = 2**26
"""Bytes; a body that is larger as it came is streamed. One that is gzip is so from a sixteenth of it on."""

_TRANSFER_HEADERS = frozenset({"transfer-encoding", "content-length"})
_OF_THE_BODY = frozenset({"WARC-Payload-Digest", "WARC-Block-Digest", BODY_LENGTH})
_STREAMED_LEVEL = 1  # of zlib: twice as fast as the default, for a tenth more bytes


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


def _packing(body: bytes | Source) -> str | None:
    if isinstance(body, bytes):
        return packing(body)
    with body.open() as stream:
        return packing(stream.read(len(GZIP_MAGIC)))


def _in_memory(body: bytes | Source) -> bytes | Source:
    """Read what is small after all."""
    if isinstance(body, bytes) or body.size > (IN_MEMORY // 16 if _packing(body) else IN_MEMORY):
        return body
    with body.open() as stream:
        return stream.read()


class PartWriter:
    """One part of a harvest, open for writing; a context manager."""

    def __init__(self, index: Index, path: Path, software: str) -> None:
        self._stream = path.open("xb", buffering=0)  # a record is with the operating system once it is written
        self._index, self._name = index, index.add(path)
        self._records = Sha256Writer(None, gzip=False, warc_version="1.1")
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
        address = address_of(url)
        if not address.startswith(("http:", "https:")):
            raise EvidenceError(f"{address}: an exchange has an http or https address; give other things as resources")
        headers = [pair for pair in kept_headers(response_headers) if pair[0].lower() not in _TRANSFER_HEADERS]
        body = _in_memory(body)
        size = body.size if isinstance(body, Source) else len(body)
        stated = [value for name, value in response_headers if method == "HEAD" and name.lower() == "content-length"]
        headers.append(("Content-Length", stated[0] if stated else str(size)))
        http = StatusAndHeaders(f"{status} {ascii_of(reason)}".rstrip(), headers, protocol="HTTP/1.1")
        fields = {"WARC-Date": date_of(retrieved_at)}
        if archived_at is not None:
            fields[ARCHIVED_AT] = date_of(archived_at)
        if method != "GET":
            fields[METHOD] = method
        if len(ranges) > 1:
            fields[RANGES] = "; ".join(ranges)
        document, record = self._write(
            address, "response", body, headers_of(http).get("content-encoding"), fields, http
        )
        target = ascii_of(re.sub(r"^[^/?#]*//[^/?#]*", "", address.partition("#")[0]))
        line = f"{method} {'' if target.startswith('/') else '/'}{target} HTTP/1.1"
        request = self._records.create_warc_record(
            address,
            "request",
            payload=BytesIO(request_body),
            length=len(request_body),
            http_headers=StatusAndHeaders(line, kept_headers(request_headers), is_http_request=True),
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
        address = address_of(url)
        body = _in_memory(body)
        fields = {"WARC-Date": date_of(retrieved_at), "Content-Type": media_type or "application/octet-stream"}
        if archived_at is not None:
            fields[ARCHIVED_AT] = date_of(archived_at)
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
            fields[BODY_DIGEST] = hashlib.sha256(decoded).hexdigest()
            record = self._records.create_warc_record(
                address, kind, payload=BytesIO(body), length=len(body), http_headers=http, warc_headers_dict=fields
            )
        offset = self._stream.tell()
        capture = capture_of(self._index.feed_id, record, self._name, offset)
        first = self._index.first(capture)
        if first is not None:
            record = self._records.create_revisit_record(
                address,
                first.payload_digest,  # of the body that is kept: equal bytes may have come in another encoding
                first.url,
                date_of(first.retrieved_at),
                http_headers=http,
                # The length would say that the body stands here.
                warc_headers_dict={name: value for name, value in fields.items() if name not in _OF_THE_BODY},
            )
            capture = capture_of(self._index.feed_id, record, self._name, offset)
            self._append(record)
        elif isinstance(body, Source):
            self._append_streamed(record, body, packed=packed)
        else:
            self._append(record, packed=packed)
        self._index.note(capture)
        found = first or capture
        content = self._index.stored(found, int(fields[BODY_LENGTH])) if isinstance(body, Source) else decoded
        return document_of(found, record, content), record

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
            while data := stream.read(MIB):
                came += len(data)
                payload.update(data)
                if http is not None:
                    block.update(data)
                yield data

        plain = body.own if encoding in {None, "", "identity"} else None
        with body.open() as stream, drafted(self._index.bodies) as (draft, copy):
            for piece in decoded_pieces(as_it_came(stream), encoding, address, MAX_STREAMED):
                decoded.update(piece)
                length += len(piece)
                if plain is None:
                    copy.write(piece)
            if came != body.size:
                raise EvidenceError(f"{address}: has {came} bytes, and had {body.size}; it changed while it was read")
            if plain is not None:
                draft.unlink()
                os.link(plain, draft)
            settle(draft, copy, self._index.bodies / decoded.hexdigest())
        return {
            "WARC-Payload-Digest": digest_field(payload.digest()),
            "WARC-Block-Digest": digest_field((payload if http is None else block).digest()),
            BODY_DIGEST: decoded.hexdigest(),
            BODY_LENGTH: str(length),
        }

    def _append(self, record: ArcWarcRecord, *, packed: bool = False) -> None:
        """Write one record as one gzip member, wholly or not at all; a body that is packed is not packed again."""
        self._records.out = plain = BytesIO()
        self._records.write_record(record)
        level = zlib.Z_NO_COMPRESSION if packed else zlib.Z_DEFAULT_COMPRESSION
        compressor = zlib.compressobj(level, wbits=GZIP)
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
        member = _Member(self._stream, zlib.compressobj(level, wbits=GZIP))
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
    if digest_field(body.sha256.digest()) != record.rec_headers.get_header("WARC-Payload-Digest"):
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
        data = self._stream.read(MIB)  # more than warcio asks for, which is little
        self.sha256.update(data)
        return data
