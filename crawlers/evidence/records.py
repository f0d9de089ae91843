"""WARC records as bytes: found, inflated, their heads read, their bodies decoded, and written with SHA-256 digests."""

from __future__ import annotations

import base64
import os
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from warcio.archiveiterator import WARCIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

from crawlers.evidence.codings import GZIP, GZIP_MAGIC, MIB, EvidenceError, decoded_pieces, packing

BODY_DIGEST = "Observatory-Body-Digest"  # SHA-256 (hex) of the content-decoded body: half of a document's id
BODY_LENGTH = "Observatory-Body-Length"  # bytes of the content-decoded body, of one that is streamed
ARCHIVED_AT = "Observatory-Archived-At"  # when a web archive captured it
METHOD = "Observatory-Request-Method"  # where it is not GET
RANGES = "Observatory-Ranges"  # the pieces that a download came in, where it was resumed

WITH_BODY = frozenset({"response", "resource"})
"""The types of records that hold a body."""

_CHUNK = 2**16


def inflated_member(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what one gzip member holds, in pieces of at most a MiB.

    Raises:
        EOFError: the file ends before it does.
    """
    inflater = zlib.decompressobj(GZIP)
    while not inflater.eof:
        data = inflater.unconsumed_tail or stream.read(MIB)
        if not data:
            raise EOFError
        if piece := inflater.decompress(data, MIB):
            yield piece


def first_bytes(pieces: Iterator[bytes]) -> bytes:
    """Return the first bytes of a record, enough for its head."""
    head = b""
    while len(head) < MIB and (piece := next(pieces, None)):
        head += piece
    return head


def record_of(inflated: bytes, where: str) -> ArcWarcRecord:
    """Read the head of a record.

    Raises:
        EvidenceError: it is none.
    """
    try:
        return next(iter(WARCIterator(BytesIO(inflated))))
    except (StopIteration, ArchiveLoadFailed) as error:
        raise EvidenceError(f"{where}: no WARC record stands here ({error!r})") from error


def members(stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (start, end, first bytes inflated) of each gzip member of a part, up to a torn tail.

    Raises:
        EvidenceError: whole records stand behind what cannot be read, so it is no torn tail.
    """
    inflater, head, start, end, fault = zlib.decompressobj(GZIP), b"", 0, 0, "it never ends"
    try:
        while data := stream.read(_CHUNK):
            while data:
                inflated = inflater.decompress(data)
                head += inflated[: MIB - len(head)]
                end += len(data) - len(inflater.unused_data)
                data = inflater.unused_data
                if inflater.eof:
                    yield start, end, head
                    inflater, head, start = zlib.decompressobj(GZIP), b"", end
    except zlib.error as error:
        fault = str(error)
        stream.seek(0, os.SEEK_END)
    seen = stream.tell()  # and no further: another process may be writing
    if _holds_record(stream, start + 1, seen):
        raise EvidenceError(
            f"{stream.name}: damaged between byte {start} and a later whole record ({fault}); "
            "restore this part from a backup"
        )


def _holds_record(stream: BinaryIO, start: int, end: int) -> bool:
    """Whether a WARC record begins anywhere between two places of a part."""
    while end - start >= len(GZIP_MAGIC):
        stream.seek(start)
        block = stream.read(min(MIB, end - start))
        for magic in re.finditer(GZIP_MAGIC, block):
            stream.seek(start + magic.start())
            with suppress(zlib.error):
                begun = stream.read(min(_CHUNK, end - start - magic.start()))
                if zlib.decompressobj(GZIP).decompress(begun, 5) == b"WARC/":
                    return True
        if len(block) < len(GZIP_MAGIC):
            break
        start += len(block) - len(GZIP_MAGIC) + 1  # a magic number may stand across the end of the block
    return False


def headers_of(http: StatusAndHeaders) -> dict[str, str]:
    """Return the headers of a message, names in lower case, repeated ones joined by commas."""
    headers: dict[str, str] = {}
    for name, value in http.headers:
        earlier = headers.get(name.lower())
        headers[name.lower()] = value if earlier is None else f"{earlier}, {value}"
    return headers


def content_type_of(record: ArcWarcRecord) -> str:
    """Return the Content-Type of what was captured, as it was sent or given."""
    if record.http_headers:
        return headers_of(record.http_headers).get("content-type", "")
    return str(record.rec_headers.get_header("Content-Type"))


def pieces_of_record(path: Path, offset: int, address: str, limit: int) -> Generator[bytes, None, None]:
    """Yield the content-decoded body of a record in pieces.

    Raises:
        EvidenceError: no whole record stands there, or it grows over the limit (bytes).
    """
    where = f"{path} at {offset}"
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            inflated = inflated_member(stream)
            record = record_of(first_bytes(inflated), where)
            http = record.http_headers
            first = record.raw_stream.read()

            def as_it_came() -> Iterator[bytes]:
                yield first
                left = record.raw_stream.limit  # of the block, behind what its head held
                for piece in inflated:
                    if left > 0:
                        yield piece[:left]
                    left -= len(piece)

            encoding = headers_of(http).get("content-encoding") if http else packing(first)
            yield from decoded_pieces(as_it_came(), encoding, address, limit)
    except (OSError, zlib.error) as error:
        raise EvidenceError(f"{where}: no whole record begins here ({error!r})") from error
    except EOFError as error:
        raise EvidenceError(f"{where}: the file ends before the record does") from error


def digest_field(digest: bytes) -> str:
    """Return a digest as WARC fields state it."""
    return f"sha256:{base64.b32encode(digest).decode()}"


def date_of(time: datetime) -> str:
    """Return a time as WARC fields state it: UTC, to the microsecond.

    Raises:
        ValueError: it has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError(f"{time}: a time of evidence needs a time zone; give UTC")
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def time_of(text: str) -> datetime:
    """Return the time (UTC) that a WARC field states."""
    return datetime.fromisoformat(text).astimezone(UTC)


class Sha256Writer(WARCWriter):  # type: ignore[misc]  # warcio has no types
    """Writes WARC records with SHA-256 digests; warcio's own are SHA-1."""

    @staticmethod
    def _create_digester() -> Any:  # noqa: ANN401  # warcio has no types
        return Digester("sha256")
