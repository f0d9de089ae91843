"""Where a feed is reached: its live site or a replica by HTTP, or files that somebody saved.

On the files route no link is followed: every saved document is offered to the parser. A saved document is a file in a
folder, a member of a zip, or a record of a WARC. It enters the archive as it is; its address is
``file:<feed>/<relative name>``, or the one in the WARC.
"""

from __future__ import annotations

import mimetypes
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from warcio.archiveiterator import ArchiveIterator

from crawlers.evidence import Document, PartWriter

WARC_SUFFIXES = (".warc", ".warc.gz")


def archive_files(path: Path, feed_id: str, writer: PartWriter, retrieved_at: datetime) -> Iterator[Document]:
    """Write every saved document below a path into the archive.

    Args:
        path: a folder, or one file: a data file (plain or gz), a zip of such, or a WARC.
        feed_id: the feed, for the addresses.
        writer: the part of the archive to write to.
        retrieved_at: when the files were read.

    Yields:
        Each document, once it is archived.

    Raises:
        FileNotFoundError: there is no such path.
    """
    if not path.exists():
        raise FileNotFoundError(f"{feed_id}: no file or folder {path}")
    files = sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        if file.name.endswith(WARC_SUFFIXES):
            yield from _archive_warc(file, writer)
        elif zipfile.is_zipfile(file):
            yield from _archive_zip(file, feed_id, name, writer, retrieved_at)
        else:
            yield _archive_file(feed_id, name, file.read_bytes(), writer, retrieved_at)


def _archive_file(feed_id: str, name: str, body: bytes, writer: PartWriter, retrieved_at: datetime) -> Document:
    media_type, encoding = mimetypes.guess_type(name)
    return writer.resource(
        url=f"file:{feed_id}/{quote(name)}",
        body=body,
        media_type="application/gzip" if encoding == "gzip" else media_type or "application/octet-stream",
        retrieved_at=retrieved_at,
    )


def _archive_zip(file: Path, feed_id: str, name: str, writer: PartWriter, retrieved_at: datetime) -> Iterator[Document]:
    with zipfile.ZipFile(file) as members:
        for member in sorted(members.infolist(), key=lambda member: member.filename):
            if not member.is_dir():
                yield _archive_file(feed_id, f"{name}/{member.filename}", members.read(member), writer, retrieved_at)


def _archive_warc(file: Path, writer: PartWriter) -> Iterator[Document]:
    with file.open("rb") as stream:
        for record in ArchiveIterator(stream):
            if record.rec_type not in {"response", "resource"}:
                continue
            url = record.rec_headers.get_header("WARC-Target-URI")
            captured_at = datetime.fromisoformat(record.rec_headers.get_header("WARC-Date")).astimezone(UTC)
            body = record.raw_stream.read() if record.http_headers is None else record.content_stream().read()
            if record.http_headers is None:
                yield writer.resource(
                    url=url,
                    body=body,
                    media_type=record.rec_headers.get_header("Content-Type") or "application/octet-stream",
                    retrieved_at=captured_at,
                    archived_at=captured_at,
                )
                continue
            # content_stream has undone the transfer and content encodings.
            headers = [
                (header, value) for header, value in record.http_headers.headers if header.lower() != "content-encoding"
            ]
            status = int(record.http_headers.get_statuscode())
            yield writer.exchange(
                url=url,
                request_headers=[],
                status=status,
                reason=record.http_headers.statusline.partition(" ")[2],
                response_headers=headers,
                body=body,
                retrieved_at=captured_at,
                archived_at=captured_at,
            )
