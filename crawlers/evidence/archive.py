"""All captures of one feed: written part by part, read record by record."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from crawlers.evidence.codings import EvidenceError, decode_body, packing
from crawlers.evidence.documents import Capture, Document, capture_of, document_of
from crawlers.evidence.index import Index
from crawlers.evidence.records import BODY_LENGTH, WITH_BODY, first_bytes, headers_of, inflated_member, record_of
from crawlers.evidence.writer import PartWriter


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
        self._index = Index(self.home, self.feed_id)  # afresh: others may have written since we looked
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
                inflated = inflated_member(stream)
                head = first_bytes(inflated)
                streamed = self._streamed(head, warc_file, warc_offset)
                if streamed is not None:
                    return streamed
                pieces = [head, *inflated]
        except (OSError, zlib.error) as error:
            raise EvidenceError(f"{where}: no whole record begins here ({error!r})") from error
        except EOFError as error:
            raise EvidenceError(f"{where}: the file ends before the record does") from error
        record = record_of(b"".join(pieces), where)
        if record.rec_type not in WITH_BODY:
            raise EvidenceError(f"{where}: a {record.rec_type} record has no body")
        body = record.raw_stream.read()
        capture = capture_of(self.feed_id, record, warc_file, warc_offset)
        encoding = headers_of(record.http_headers).get("content-encoding") if record.http_headers else packing(body)
        return document_of(capture, record, decode_body(body, encoding, capture.url))

    def _streamed(self, head: bytes, warc_file: str, warc_offset: int) -> Document | None:
        """Return the document of a record that is streamed; None for any other."""
        record = record_of(head, f"{warc_file} at {warc_offset}")
        size = record.rec_headers.get_header(BODY_LENGTH)
        if size is None or record.rec_type not in WITH_BODY:
            return None
        capture = capture_of(self.feed_id, record, warc_file, warc_offset)
        return document_of(capture, record, self._index.stored(capture, int(size)))

    @cached_property
    def _index(self) -> Index:
        return Index(self.home, self.feed_id)
