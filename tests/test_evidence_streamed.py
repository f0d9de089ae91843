"""Large bodies: streamed into the archive and out of it, whole after a kill at any byte, checked both ways."""

from __future__ import annotations

import csv
import gzip
import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from conftest import Observatory
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

import crawlers.evidence.writer
from crawlers.evidence import Document, Evidence, EvidenceError, Source, Stored
from crawlers.evidence.codings import decoded_pieces
from replicas import usaid
from replicas.server import Request

FEED = "usaid.foreignassistance"
FIRST, SECOND = f"20260101T000000.000Z-{FEED}", f"20260201T000000.000Z-{FEED}"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
URL = "https://example.org/bulk.csv"
BODY = random.Random(1).randbytes(300_000)  # noqa: S311  # no secret; it does not pack


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stream what is over 1000 bytes."""
    monkeypatch.setattr(crawlers.evidence.writer, "IN_MEMORY", 1000)


def download(home: Path, harvest_id: str, body: bytes = BODY, headers: Sequence[tuple[str, str]] = ()) -> Document:
    """Archive a file that was downloaded in two pieces."""
    path = home / "part"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    with Evidence(home, FEED).writer(harvest_id, "observatory 1") as writer:
        return writer.exchange(
            url=URL, status=200, reason="OK", response_headers=[("ETag", '"1"'), *headers],
            body=Source.of(path, own=True), retrieved_at=NOON, ranges=["all at 1", "bytes 5-9/10 at 2"],
        )  # fmt: skip


def test_a_download_comes_back_and_is_a_warc_for_every_tool(tmp_path: Path) -> None:
    told = download(tmp_path, FIRST)
    evidence = Evidence(tmp_path, FEED)
    [found] = evidence.documents(FIRST)
    assert found == told
    assert isinstance(found.content, Stored)
    assert (found.size, found.body, found.sha256) == (len(BODY), BODY, hashlib.sha256(BODY).hexdigest())
    assert found.headers["content-length"] == str(len(BODY))
    # The copy is our file itself, for it came as it is.
    assert found.content.copy.samefile(tmp_path / "part")
    [part] = evidence.parts(FIRST)
    checker = Checker(type("Arguments", (), {"inputs": [str(part)], "verbose": False})())
    checker.process_one(str(part))
    assert checker.exit_value == 0
    with part.open("rb") as stream:
        kinds = [
            (record.rec_type, record.rec_headers.get_header("Observatory-Ranges")) for record in ArchiveIterator(stream)
        ]
    assert kinds == [("warcinfo", None), ("response", "all at 1; bytes 5-9/10 at 2"), ("request", None)]
    # The same again is a revisit, which holds no body.
    again = download(tmp_path, SECOND)
    assert (again.warc_file, again.warc_offset, again.body) == (told.warc_file, told.warc_offset, BODY)
    [part] = Evidence(tmp_path, FEED).parts(SECOND)
    assert part.stat().st_size < 5000
    [found] = Evidence(tmp_path, FEED).documents(SECOND)
    assert found == again


def test_a_packed_body_is_unpacked_as_it_is_read(tmp_path: Path) -> None:
    told = download(
        tmp_path, FIRST, gzip.compress(BODY) + gzip.compress(b"more"), headers=[("Content-Encoding", "gzip")]
    )
    assert told.body == BODY + b"more"
    assert told.content.copy.read_bytes() == BODY + b"more"  # type: ignore[union-attr]
    with pytest.raises(EvidenceError, match=r"a large body cannot be read with Content-Encoding 'br'"):
        download(tmp_path, SECOND, headers=[("Content-Encoding", "br")])
    with pytest.raises(EvidenceError, match="the compressed data ends too early"):
        download(tmp_path, SECOND, gzip.compress(BODY)[:-4], headers=[("Content-Encoding", "gzip")])
    assert [capture.url for capture in Evidence(tmp_path, FEED).captures(SECOND)] == []


def test_cut_anywhere_no_record_is_lost_and_none_is_there_twice(tmp_path: Path) -> None:
    download(tmp_path, FIRST)
    [part] = Evidence(tmp_path, FEED).parts(FIRST)
    whole = part.read_bytes()
    [capture] = Evidence(tmp_path, FEED).captures(FIRST)
    end = next(at for at in range(len(whole) - 1, 0, -1) if whole.startswith(b"\x1f\x8b\x08", at))  # of the response
    for size in (capture.warc_offset + 1, capture.warc_offset + 50_000, end - 1, end, end + 5):
        (tmp_path / "staging" / FEED / "captures.ndjson").unlink()
        part.write_bytes(whole[:size])
        with Evidence(tmp_path, FEED).writer(SECOND, "observatory 1"):
            pass
        assert part.stat().st_size == (end if size >= end else capture.warc_offset)
        assert len(Evidence(tmp_path, FEED).captures(FIRST)) == (size >= end)


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    bodies = iter([BODY, BODY, BODY, BODY[:-1] + b"x"])  # looked at twice, measured, written
    evidence = Evidence(tmp_path, FEED)
    with evidence.writer(FIRST, "observatory 1") as writer:
        given: dict[str, Any] = {"url": f"file:{FEED}/a.csv", "media_type": "text/csv", "retrieved_at": NOON}
        with pytest.raises(EvidenceError, match="changed while it was read; harvest again"):
            writer.resource(body=Source(lambda: BytesIO(next(bodies)), len(BODY)), **given)
        with pytest.raises(EvidenceError, match="it changed while it was read"):
            writer.resource(body=Source(lambda: BytesIO(BODY), len(BODY) + 1), **given)
        writer.resource(body=Source(lambda: BytesIO(BODY), len(BODY)), **given)
    [document] = Evidence(tmp_path, FEED).documents(FIRST)
    assert document.body == BODY


def test_damage_is_told_when_it_is_read(tmp_path: Path) -> None:
    document = download(tmp_path, FIRST)
    assert isinstance(document.content, Stored)
    document.content.copy.unlink()
    (tmp_path / "part").unlink()
    path = tmp_path / document.warc_file
    packed = bytearray(path.read_bytes())
    packed[document.warc_offset + 100_000] ^= 1
    path.write_bytes(packed)
    with pytest.raises(EvidenceError, match=r"no whole record begins here|with SHA-256"):
        document.content.file()
    assert not document.content.copy.exists()
    packed[document.warc_offset + 100_000] ^= 1
    path.write_bytes(packed)
    assert document.content.file().read_bytes() == BODY


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 7))
def test_gzip_members_are_joined_however_they_are_cut(bodies: list[bytes], size: int) -> None:
    packed = b"".join(gzip.compress(body) for body in bodies)

    def pieces(whole: bytes) -> Iterator[bytes]:
        yield from (whole[at : at + size] for at in range(0, len(whole), size))

    assert b"".join(decoded_pieces(pieces(packed), "gzip", "x:a", 1000)) == b"".join(bodies)
    if len(packed) > 8 and bodies:
        with pytest.raises(EvidenceError):
            list(decoded_pieces(pieces(packed[:-5]), "gzip", "x:a", 1000))


def test_a_bomb_is_refused() -> None:
    with pytest.raises(EvidenceError, match="grows over its limit"):
        list(decoded_pieces(iter([gzip.compress(bytes(10_000))]), "gzip", "x:a", 9_999))


WITHIN = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from crawlers.evidence import Evidence, Source
resource.setrlimit(resource.RLIMIT_AS, (700 * 2**20, 700 * 2**20))
home, size = Path(sys.argv[1]), 2**27
path = home / "large"
with path.open("wb") as stream:
    stream.truncate(size)
with Evidence(home, "us.x").writer("20260101T000000.000Z-us.x", "s") as writer:
    writer.resource(url="file:us.x/large", body=Source.of(path), media_type="", retrieved_at=datetime.now(UTC))
[document] = Evidence(home, "us.x").documents("20260101T000000.000Z-us.x")
document.content.copy.unlink()
assert document.content.file().stat().st_size == size == document.size
# Not `ru_maxrss`, which a child begins with what its parent had.
told = Path("/proc/self/status").read_text("utf-8").split("VmHWM:")[1].split()
print(int(told[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of memory there")
def test_memory_does_not_grow_with_the_body(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, "-c", WITHIN, str(tmp_path)], check=True, capture_output=True, text=True)
    assert int(told.stdout) < 150  # MiB, of a body of 128


def test_a_streamed_table_gives_the_same_rows_is_traced_and_replayed(
    observatory: Observatory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bulk.csv"
    asked = Request("GET", "/", {}, b"", 0)
    file.write_bytes(usaid.ForeignAssistance(activities=20).bulk(asked).body)
    files = ("--files", f"{FEED}={file}")
    code, document = observatory.run("harvest", FEED, *files)
    assert (code, document["harvests"][0]["status"]) == (0, "accepted")
    assert not (observatory.home / "staging" / FEED / "bodies").exists()  # staged, and the archive has it
    code, trace = observatory.run("trace", "initiatives", f"{FEED}:100000:MDA")
    rows = [row for row in csv.DictReader(file.read_text("utf-8").splitlines()) if row["Activity ID"] == "100000"]
    assert (code, trace["record"]) == (0, rows)
    code, document = observatory.run("replay", FEED)
    assert (code, document["harvests"][0]["status"]) == (0, "unchanged")
    assert observatory.run("verify")[0] == 0
    monkeypatch.setattr(crawlers.evidence.writer, "IN_MEMORY", 2**26)
    at_once = Observatory(tmp_path / "another")
    at_once.run("harvest", FEED, *files)
    assert at_once.contents() == observatory.contents()
