"""What stands in the archive of a feed, so that closed parts are never scanned again."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from crawlers.evidence.codings import EvidenceError
from crawlers.evidence.documents import Capture, Stored, capture_of
from crawlers.evidence.records import WITH_BODY, members, record_of

logger = logging.getLogger(__name__)


class Part(NamedTuple):
    """What stands in one WARC file; `end` is where its last whole record ends, bytes."""

    captures: list[Capture]
    end: int
    covered: bool = False


class _Line(BaseModel):
    """One line of captures.ndjson: what stands in a closed part of this size (bytes)."""

    part: str
    size: int
    captures: list[Capture]


class Index:
    """What stands in the parts of a feed: as captures.ndjson says of parts that were closed, else by a scan."""

    def __init__(self, home: Path, feed_id: str) -> None:
        self.home, self.feed_id = home, feed_id
        self.parts: dict[str, Part] = {}
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
        self.parts[name] = Part([], 0)
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

    def _covered(self) -> dict[str, Part]:
        covered: dict[str, Part] = {}
        for text in self._path.read_bytes().splitlines() if self._path.exists() else []:
            try:
                line = _Line.model_validate_json(text)
            except ValidationError:
                continue  # torn, or of other software: the part is scanned
            covered[line.part] = Part(line.captures, line.size, covered=True)
        return covered

    def _scan(self, name: str) -> Part:
        """Find the captures of a part, and where its last whole record ends, reading heads only."""
        captures, end = [], 0
        with (self.home / name).open("rb") as stream:
            for start, end, head in members(stream):  # noqa: B007  # the last end is wanted
                record = record_of(head, f"{name} at {start}")
                if record.rec_type in WITH_BODY | {"revisit"}:
                    captures.append(capture_of(self.feed_id, record, name, start))
        return Part(captures, end)

    def _remember(self, capture: Capture) -> None:
        if not capture.revisit:
            self._firsts.setdefault((capture.document_id, capture.http_status, capture.synthetic), capture)
