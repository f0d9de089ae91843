"""Where a feed is reached: its live site or a replica by HTTP, or files that somebody saved.

On the files route no link is followed: every saved document is offered to the parser. A saved document is a file in a
folder, a member of a zip, or a record of a WARC. It enters the archive as it is; its address is
``file:<feed>/<relative name>``, or the one in the WARC. Large files and members of a zip are streamed.
"""

from __future__ import annotations

import gzip
import logging
import lzma
import mimetypes
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import parse_qs, quote, unquote, urlsplit

from warcio.archiveiterator import WARCIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeaders

from crawlers.evidence import IN_MEMORY, MAX_BODY, Document, EvidenceError, PartWriter, Source, redact_url

logger = logging.getLogger(__name__)

WARC_SUFFIXES = (".warc", ".warc.gz")

_MEDIA_TYPES = mimetypes.MimeTypes()  # Python's own table: that of the machine differs from place to place
_HTTP = ArcWarcRecordLoader(verify_http=False)  # some tools write HTTP/2
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


def archive_files(path: Path, feed_id: str, writer: PartWriter, retrieved_at: datetime) -> Iterator[Document]:
    """Write every saved document below a path into the archive.

    Symbolic links in a folder are not followed: they may lead anywhere.

    Args:
        path: a folder, or one file: a data file (plain or gz), a zip of such, or a WARC. The name tells which:
            ``.zip``, ``.warc``, ``.warc.gz``, anything else.
        feed_id: the feed, for the addresses.
        writer: the part of the archive to write to.
        retrieved_at: when the files were read.

    Yields:
        Each document, once it is archived, in order of the names.

    Raises:
        FileNotFoundError: there is no such path.
        EvidenceError: a file is damaged or locked, or a record of a WARC too large; the message names it.
    """
    if not path.exists():
        raise FileNotFoundError(f"{feed_id}: no file or folder {path}")
    for file in _files(path) if path.is_dir() else [path]:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        if name.lower().endswith(WARC_SUFFIXES):
            yield from _archive_warc(file, writer)
        elif name.lower().endswith(".zip"):
            yield from _archive_zip(file, feed_id, name, writer, retrieved_at)
        else:
            yield _archive_file(feed_id, name, Source.of(file), writer, retrieved_at)


def query_of(address: str) -> dict[str, str]:
    """Return what the query of an address asks for; of a parameter that is repeated the first value.

    A page that was saved under its address, as common tools do, has the query in the name of the file.
    """
    address = unquote(address) if address.startswith("file:") else address
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def _files(folder: Path) -> Iterator[Path]:
    for found in sorted(folder.rglob("*")):
        if found.is_symlink():
            logger.warning("%s: a symbolic link, left out; save the file itself", found)
        elif found.is_file():
            yield found


def _archive_file(
    feed_id: str, name: str, body: bytes | Source, writer: PartWriter, retrieved_at: datetime
) -> Document:
    media_type, packing = _MEDIA_TYPES.guess_type(name)
    if packing is not None:
        media_type = "application/gzip" if packing == "gzip" else None
    return writer.resource(
        url=f"file:{feed_id}/{quote(name, errors='surrogateescape')}",
        body=body,
        media_type=media_type or "application/octet-stream",
        retrieved_at=retrieved_at,
    )


def _archive_zip(file: Path, feed_id: str, name: str, writer: PartWriter, retrieved_at: datetime) -> Iterator[Document]:
    try:
        members = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise EvidenceError(f"{file}: cannot be read as a zip ({error}); save it again") from error
    with members:
        for member in sorted(members.infolist(), key=lambda member: member.filename):
            if not member.is_dir():
                where, member_name = f"{file}, member {member.filename}", f"{name}/{member.filename}"
                with _unpacking(where):  # no more than it states is ever inflated
                    body = (
                        members.read(member)
                        if member.file_size <= IN_MEMORY
                        else Source(partial(_opened, members, member, where), member.file_size)
                    )
                yield _archive_file(feed_id, member_name, body, writer, retrieved_at)


@contextmanager
def _unpacking(where: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise EvidenceError(f"{where}: cannot be unpacked ({error}); unpack it yourself, or save it again") from error


def _opened(members: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> BinaryIO:
    with _unpacking(where):
        return BufferedReader(_Unpacked(members.open(member), where))


class _Unpacked(RawIOBase):
    """A member of a zip; what is wrong with it is told as of the zip, never as of the archive that it is written to."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self._stream, self._where = stream, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # whatever holds bytes
        with _unpacking(self._where):
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _archive_warc(file: Path, writer: PartWriter) -> Iterator[Document]:
    """Archive what a WARC of any tool holds; other records than answers and resources are left out."""
    for fields, block in _warc_records(file):
        kind, url = fields.get_header("WARC-Type"), fields.get_header("WARC-Target-URI")
        if kind not in {"response", "resource"}:
            continue
        if not url:
            raise EvidenceError(f"{file}: a {kind} record has no WARC-Target-URI")
        where = f"{file}: {redact_url(url)}"
        captured_at = _captured_at(fields, where)
        if kind == "resource":
            yield writer.resource(
                url=url,
                body=block,
                media_type=fields.get_header("Content-Type") or "application/octet-stream",
                retrieved_at=captured_at,
                archived_at=captured_at,
            )
        elif url.lower().startswith(("http:", "https:")):  # others are look-ups of names and the like
            yield _archive_answer(url, block, captured_at, writer, where)


def _archive_answer(url: str, block: bytes, captured_at: datetime, writer: PartWriter, where: str) -> Document:
    stream = BytesIO(block)
    http = _HTTP.load_http_headers("response", "http:", stream, len(block))
    if http is None or not http.get_statuscode().isdecimal():
        raise EvidenceError(f"{where}: the record holds no HTTP answer")
    body = stream.read()
    if "chunked" in (http.get_header("Transfer-Encoding") or "").lower():
        body = _join_chunks(body, where)
    scheme, colon, rest = url.partition(":")
    return writer.exchange(
        url=f"{scheme.lower()}{colon}{rest}",
        status=int(http.get_statuscode()),
        reason=http.statusline.partition(" ")[2],
        response_headers=http.headers,
        body=body,
        retrieved_at=captured_at,
        archived_at=captured_at,
    )


def _warc_records(file: Path) -> Iterator[tuple[StatusAndHeaders, bytes]]:
    """Yield the WARC fields and the block of each record.

    Raises:
        EvidenceError: the file is torn or damaged, or a record is too large.
    """
    try:
        with file.open("rb") as raw:
            stream = _Gzip(fileobj=raw) if raw.peek(2).startswith(b"\x1f\x8b") else raw
            record = None
            for record in WARCIterator(stream, no_record_parse=True):
                block = record.raw_stream.read(MAX_BODY + 1)
                _refuse_large(f"{file}: a {record.rec_type} record", len(block))
                if record.rec_headers.get_header("Content-Length") != str(len(block)):
                    raise EvidenceError(f"{file}: the file ends within a record; save it again, or cut the torn record")
                yield record.rec_headers, block
            if record is None:
                raise EvidenceError(f"{file}: holds no record; save it again")
    except (ArchiveLoadFailed, gzip.BadGzipFile, zlib.error) as error:
        raise EvidenceError(f"{file}: cannot be read as a WARC ({error}); save it again") from error


class _Gzip(gzip.GzipFile):
    """Tells a torn file from a whole one: warcio takes an EOFError for the end."""

    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(size)
        except EOFError as error:
            raise gzip.BadGzipFile("the file ends within a record") from error


def _captured_at(fields: StatusAndHeaders, where: str) -> datetime:
    text = fields.get_header("WARC-Date")
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise EvidenceError(f"{where}: WARC-Date is {text!r}, not a time such as 2016-09-19T17:20:24Z") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _join_chunks(body: bytes, where: str) -> bytes:
    """Undo the chunked transfer coding (RFC 9112, 7.1); a body that some tool joined already is left as it is."""
    size, start, chunks = _CHUNK_SIZE.match(body), 0, []
    if size is None:
        return body
    while size is not None and int(size[1], 16):
        start = size.end() + int(size[1], 16)
        chunks.append(body[size.end() : start])
        size = _CHUNK_SIZE.match(body, start + 2) if body[start : start + 2] == b"\r\n" else None
    if size is None:
        raise EvidenceError(f"{where}: the chunks of the body are torn after {start} bytes")
    return b"".join(chunks)


def _refuse_large(where: str, size: int) -> None:
    if size > MAX_BODY:
        raise EvidenceError(f"{where}: over the limit of {MAX_BODY} bytes; split it")
