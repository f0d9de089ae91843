"""What was captured: an answer as it stands in the archive, with its body or where that can be read from."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from warcio.recordloader import ArcWarcRecord

from crawlers.evidence.codings import MAX_BODY, MIB, EvidenceError
from crawlers.evidence.records import (
    ARCHIVED_AT,
    BODY_DIGEST,
    METHOD,
    content_type_of,
    headers_of,
    pieces_of_record,
    time_of,
)

SYNTHETIC_HEADER = "x-cluster-observatory-replica"
"""Response header by which a replica declares itself."""

_SYNTHETIC_HEADERS = frozenset({SYNTHETIC_HEADER, f"x-archive-orig-{SYNTHETIC_HEADER}"})  # the second: web archives


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
        method: of the request; the answer to a MIB is no document.
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
        with closing(pieces_of_record(self.path, self.offset, self.address, self.size)) as pieces:
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
        return BufferedReader(_Reader(self.pieces()), MIB)

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
        with drafted(self.copy.parent) as (draft, stream):
            for piece in self.pieces():
                stream.write(piece)
            settle(draft, stream, self.copy)
        return self.copy


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


def capture_of(feed_id: str, record: ArcWarcRecord, warc_file: str, warc_offset: int) -> Capture:
    """Return what the head of a record says of its capture.

    Raises:
        EvidenceError: the record is not of this software.
    """
    fields, http = record.rec_headers, record.http_headers
    headers = headers_of(http) if http else {}
    url, sha256 = fields.get_header("WARC-Target-URI"), fields.get_header(BODY_DIGEST)
    if sha256 is None:
        raise EvidenceError(f"{warc_file} at {warc_offset}: no {BODY_DIGEST}; this software did not write the record")
    archived_at = fields.get_header(ARCHIVED_AT)
    return Capture(
        document_id=document_id(feed_id, url, sha256),
        url=url,
        retrieved_at=time_of(fields.get_header("WARC-Date")),
        archived_at=time_of(archived_at) if archived_at else None,
        http_status=int(http.get_statuscode()) if http else None,
        media_type=content_type_of(record).partition(";")[0].strip().lower(),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        sha256=sha256,
        payload_digest=fields.get_header("WARC-Payload-Digest"),
        warc_file=warc_file,
        warc_offset=warc_offset,
        revisit=record.rec_type == "revisit",
        synthetic=not _SYNTHETIC_HEADERS.isdisjoint(headers),
        method=fields.get_header(METHOD) or "GET",
    )


def document_of(capture: Capture, record: ArcWarcRecord, content: bytes | Stored) -> Document:
    """Return a capture with its body; the charset and the headers are those of the record."""
    charset = re.search(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", content_type_of(record), re.IGNORECASE)
    return Document(
        document_id=capture.document_id,
        url=capture.url,
        retrieved_at=capture.retrieved_at,
        archived_at=capture.archived_at,
        http_status=capture.http_status,
        media_type=capture.media_type,
        charset=charset[1].lower() if charset else None,
        headers=headers_of(record.http_headers) if record.http_headers else {},
        sha256=capture.sha256,
        content=content,
        warc_file=capture.warc_file,
        warc_offset=capture.warc_offset,
        synthetic=capture.synthetic,
    )


@contextmanager
def drafted(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new file that is gone afterwards, unless it was settled."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{os.getpid()}"
    try:
        with draft.open("wb") as stream:
            yield draft, stream
    finally:
        draft.unlink(missing_ok=True)


def settle(draft: Path, stream: BinaryIO, target: Path) -> None:
    """Give a file that was drafted its name, once it is whole on the disk."""
    stream.flush()
    os.fsync(stream.fileno())
    draft.replace(target)
