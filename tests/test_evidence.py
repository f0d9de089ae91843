"""The archive: what was answered comes back whole, after a kill at any byte and without any index."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
import resource
import shutil
import signal
import subprocess
import sys
import zlib
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import BufferedReader
from warcio.checker import Checker

from crawlers.evidence import (
    REDACTED,
    SYNTHETIC_HEADER,
    Document,
    Evidence,
    EvidenceError,
    PartWriter,
    decode_body,
    document_id,
    redact_url,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FEED = "us.clustermapping"
FIRST, SECOND = "20260101T000000.000Z-us.clustermapping", "20260201T000000.000Z-us.clustermapping"
NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
URL = "https://example.org/data/region?year=2016"
JSON = b'{"name": "Gie\xc3\x9fen", "values": [1, 2, 3]}'


def gzipped(body: bytes) -> bytes:
    """Compress without the time of day."""
    return gzip.compress(body, mtime=0)


def raw_deflate(body: bytes) -> bytes:
    """Compress without the zlib wrapper, as some servers do."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "x-gzip": gzipped,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}


def ask(writer: PartWriter, url: str = URL, body: bytes = JSON, **facts: Any) -> Document:  # noqa: ANN401  # passed on
    """Write a plain exchange; facts stand in for what is usual."""
    usual: dict[str, Any] = {
        "status": 200,
        "reason": "OK",
        "response_headers": [("Content-Type", "application/json; charset=UTF-8")],
        "retrieved_at": NOON,
    }
    return writer.exchange(url=url, body=body, **(usual | facts))


def records(home: Path) -> list[tuple[str, dict[str, str], dict[str, str], bytes]]:
    """Return type, WARC fields, HTTP headers and payload of all records of a home, as warcio reads them."""
    found = []
    for part in sorted(home.glob("archive/*/*/*.warc.gz")):
        with part.open("rb") as stream:
            for record in ArchiveIterator(stream):
                http = dict(record.http_headers.headers) if record.http_headers else {}
                found.append((record.rec_type, dict(record.rec_headers.headers), http, record.raw_stream.read()))
    return found


def kinds(home: Path) -> list[str]:
    """Return the types of all records of a home."""
    return [kind for kind, *_ in records(home)]


def check(home: Path) -> None:
    """Hold every part against `warcio check`; digests are of encoded bodies, so none need be decoded for it."""
    parts = [str(part) for part in sorted(home.glob("archive/*/*/*.warc.gz"))]
    assert parts
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(BufferedReader.DECOMPRESSORS, "br", raising=False)  # warcio fails on the brotli of today
        assert Checker(Namespace(inputs=parts, verbose=False)).process_all() == 0


def documents(home: Path, *harvests: str) -> list[Document]:
    """Return what a fresh reader finds."""
    return [document for harvest in harvests for document in Evidence(home, FEED).documents(harvest)]


# --- names


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://h.org/a?b=1&Key=s3cret&c=2#f", "https://h.org/a?b=1&Key=REDACTED&c=2#f"),
        (
            "https://h.org/a?api_key=a&APIKEY=b&token=c",
            "https://h.org/a?api_key=REDACTED&APIKEY=REDACTED&token=REDACTED",
        ),
        ("https://h.org/a?password=x;y", "https://h.org/a?password=REDACTED"),
        ("https://h.org/a?p=1;secret=x", "https://h.org/a?p=1;secret=REDACTED"),
        ("https://me:pa@ss@h.org:8080/", "https://h.org:8080/"),
        ("https://archive.org/web/2016/http://me:pass@h.org/", "https://archive.org/web/2016/http://h.org/"),
        ("//me:pass@h.org/x", "//h.org/x"),
        ("https://h.org/a//b@c?monkey=1&keys=2&q=me@h.org", "https://h.org/a//b@c?monkey=1&keys=2&q=me@h.org"),
        ("file:us.clustermapping/sub/data__region.json.gz", "file:us.clustermapping/sub/data__region.json.gz"),
    ],
)
def test_redact_url(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


@given(st.text(alphabet="ab:/@?&;=#.key1"))
def test_redact_url_is_idempotent(text: str) -> None:
    once = redact_url("https://h.org/" + text)
    assert redact_url(once) == once


@given(st.text(alphabet="abc/?=;:#[]%-~.", max_size=40).filter(lambda text: "//" not in text and "key" not in text))
def test_redact_url_leaves_all_else(text: str) -> None:
    assert redact_url("https://h.org/" + text) == "https://h.org/" + text


def test_document_id_is_defined() -> None:
    sha256 = hashlib.sha256(JSON).hexdigest()
    expected = hashlib.sha256(f"{URL}{sha256}".encode()).hexdigest()[:16]
    assert document_id(FEED, URL, sha256) == f"{FEED}:{expected}"


@given(st.lists(st.tuples(st.text(min_size=1), st.binary()), min_size=2, max_size=2, unique=True))
def test_document_id_differs_by_address_and_body(pair: list[tuple[str, bytes]]) -> None:
    ids = {document_id(FEED, f"https://h.org/{url}", hashlib.sha256(body).hexdigest()) for url, body in pair}
    assert len(ids) == 2


# --- round trips


@pytest.mark.parametrize("encoding", ENCODERS)
def test_exchange_comes_back(tmp_path: Path, encoding: str) -> None:
    sent = ENCODERS[encoding](JSON)
    headers = [
        ("Content-Type", "Application/JSON; charset=UTF-8"),
        ("Content-Encoding", encoding),
        ("ETag", '"a1"'),
        ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "999999"),
        ("Vary", "Accept"),
        ("Vary", "Cookie"),
    ]
    evidence = Evidence(tmp_path, FEED)
    with evidence.writer(FIRST, "observatory 1") as writer:
        written = ask(writer, body=sent, response_headers=headers, archived_at=NOON - timedelta(days=4000))

    assert written.body == JSON
    assert written.sha256 == hashlib.sha256(JSON).hexdigest()
    assert written.document_id == document_id(FEED, URL, written.sha256)
    assert (written.media_type, written.charset, written.http_status) == ("application/json", "utf-8", 200)
    assert (written.retrieved_at, written.archived_at) == (NOON, NOON - timedelta(days=4000))
    assert written.warc_file == f"archive/{FEED}/{FIRST}/00000.warc.gz"
    assert written.headers["content-length"] == str(len(sent))
    assert written.headers["vary"] == "Accept, Cookie"
    assert "transfer-encoding" not in written.headers
    assert not written.synthetic
    assert Evidence(tmp_path, FEED).read(written.warc_file, written.warc_offset) == written
    assert documents(tmp_path, FIRST) == [written]
    capture = Evidence(tmp_path, FEED).latest(FIRST)[URL]
    assert (capture.etag, capture.last_modified) == ('"a1"', "Thu, 01 Jan 2026 00:00:00 GMT")
    (*_, payload) = records(tmp_path)[1]
    assert payload == sent, "the body is stored as it was sent"
    check(tmp_path)


def test_exchange_writes_both_sides(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        ask(
            writer,
            method="POST",
            request_headers=[("Host", "example.org"), ("Content-Length", "5")],
            request_body=b"a=b&c",
        )
    (info, response, request) = records(tmp_path)
    assert info[0] == "warcinfo"
    assert b"software: observatory 1\r\n" in info[3]
    assert request[0] == "request"
    assert request[1]["WARC-Concurrent-To"] == response[1]["WARC-Record-ID"]
    assert request[1]["WARC-Date"] == response[1]["WARC-Date"] == "2026-01-01T12:00:00.123456Z"
    assert request[2] == {"Host": "example.org", "Content-Length": "5"}
    assert request[3] == b"a=b&c"
    assert response[1]["WARC-Block-Digest"].startswith("sha256:")
    assert b"POST /data/region?year=2016 HTTP/1.1\r\n" in inflated(tmp_path)


def inflated(home: Path) -> bytes:
    """Return everything that the parts of a home hold."""
    return b"".join(gzip.decompress(part.read_bytes()) for part in home.glob("archive/*/*/*.warc.gz"))


@pytest.mark.parametrize(
    ("packed", "body"), [(JSON, JSON), (gzipped(JSON), JSON), (b"", b"")], ids=["plain", "gzip", "empty"]
)
def test_resource_comes_back(tmp_path: Path, packed: bytes, body: bytes) -> None:
    url = f"file:{FEED}/sub/data__region.json.gz"
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = writer.resource(url=url, body=packed, media_type="application/gzip", retrieved_at=NOON)
        again = writer.resource(url=url, body=packed, media_type="application/gzip", retrieved_at=NOON)
    assert (written.body, written.sha256) == (body, hashlib.sha256(body).hexdigest())
    assert (written.url, written.http_status, written.media_type) == (url, None, "application/gzip")
    assert again == written
    assert kinds(tmp_path) == ["warcinfo", "resource", "revisit"]
    assert documents(tmp_path, FIRST) == [written]
    assert records(tmp_path)[1][3] == packed
    check(tmp_path)


def test_replica_declares_itself(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        assert not ask(writer).synthetic
        assert ask(writer, response_headers=[(SYNTHETIC_HEADER.title(), "1")]).synthetic, "though the bytes are equal"
    assert Evidence(tmp_path, FEED).latest(FIRST)[URL].synthetic


def test_status_of_equal_bytes_stays_apart(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        for status in (503, 200, 503, 200):
            assert ask(writer, body=b"", status=status).http_status == status
    assert kinds(tmp_path)[1::2] == ["response", "response", "revisit", "revisit"]
    assert Evidence(tmp_path, FEED).latest(FIRST)[URL].http_status == 200
    assert [document.http_status for document in documents(tmp_path, FIRST)] == [200]


def test_times_of_other_zones(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer, retrieved_at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30))))
        with pytest.raises(ValueError, match="needs a time zone"):
            ask(writer, retrieved_at=NOON.replace(tzinfo=None))
    assert written.retrieved_at == NOON
    assert written.retrieved_at.tzinfo is UTC


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=8).map(lambda name: "/" + name),
            st.binary(max_size=60),
            st.sampled_from([200, 404, 503]),
            st.sampled_from(sorted(ENCODERS)),
            st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
        ),
        max_size=6,
    )
)
def test_a_scan_finds_what_was_noted(
    tmp_path_factory: pytest.TempPathFactory, answers: Sequence[tuple[str, bytes, int, str, str]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    evidence = Evidence(home, FEED)
    with evidence.writer(FIRST, "observatory 1") as writer:
        for path, body, status, encoding, text in answers:
            headers = [("Content-Encoding", encoding), ("ETag", text), ("Content-Type", f"text/html; charset={text}")]
            ask(
                writer,
                "https://h.org" + path,
                ENCODERS[encoding](body),
                status=status,
                reason=text,
                response_headers=headers,
            )
    noted = evidence.captures(FIRST)
    assert Evidence(home, FEED).captures(FIRST) == noted
    shutil.rmtree(home / "staging")
    assert Evidence(home, FEED).captures(FIRST) == noted
    assert {(document.url, document.body) for document in evidence.documents(FIRST)} == {
        (redact_url("https://h.org" + path), body) for path, body, *_ in answers
    }
    shutil.rmtree(home)


# --- revisits


def test_no_body_is_stored_twice(tmp_path: Path) -> None:
    body = bytes(range(256)) * 40
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        first = ask(writer, body=body)
        other = ask(writer, URL + "&page=2", body)
    with Evidence(tmp_path, FEED).writer(SECOND, "observatory 1") as writer:
        later = ask(
            writer,
            body=gzipped(body),
            response_headers=[("Content-Encoding", "gzip"), ("Content-Type", "application/json")],
            retrieved_at=NOON + timedelta(days=31),
        )
        new = ask(writer, body=body + b"!", retrieved_at=NOON + timedelta(days=31))

    assert other.document_id != first.document_id, "another address is another document"
    assert kinds(tmp_path) == [
        *("warcinfo", "response", "request", "response", "request"),
        *("warcinfo", "revisit", "request", "response", "request"),
    ]
    revisit = records(tmp_path)[6]
    assert revisit[1]["WARC-Refers-To-Target-URI"] == URL
    assert revisit[1]["WARC-Refers-To-Date"] == "2026-01-01T12:00:00.123456Z"
    assert revisit[1]["WARC-Payload-Digest"] == records(tmp_path)[1][1]["WARC-Payload-Digest"]
    assert revisit[3] == b""
    assert (later.document_id, later.retrieved_at, later.warc_file, later.warc_offset) == (
        *(first.document_id, first.retrieved_at, first.warc_file, first.warc_offset),
    )
    assert documents(tmp_path, FIRST) == [first, other]
    assert documents(tmp_path, SECOND) == [first, new], "a revisit is read where its bytes stand"
    check(tmp_path)


def test_latest_is_the_last_answer(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        ask(writer, body=b"busy", status=503)
        good = ask(writer)
        ask(writer, URL + "&page=2", b"gone", status=404)
    latest = Evidence(tmp_path, FEED).latest(FIRST)
    assert {url: capture.http_status for url, capture in latest.items()} == {URL: 200, URL + "&page=2": 404}
    assert Evidence(tmp_path, FEED).read(latest[URL].warc_file, latest[URL].warc_offset) == good


def test_a_lost_first_capture_is_an_error(tmp_path: Path) -> None:
    for harvest in (FIRST, SECOND):
        with Evidence(tmp_path, FEED).writer(harvest, "observatory 1") as writer:
            ask(writer)
    shutil.rmtree(tmp_path / "archive" / FEED / FIRST)
    with pytest.raises(EvidenceError, match=re.escape(URL) + ".*restore the older harvests"):
        documents(tmp_path, SECOND)


# --- kills


def two_answers_and_one(home: Path) -> tuple[list[Document], bytes]:
    """Write two answers in one harvest and a third in the next; return them, and the bytes of the last part."""
    with Evidence(home, FEED).writer(FIRST, "observatory 1") as writer:
        written = [ask(writer, f"{URL}&page={page}", b"%d" % page) for page in (1, 2)]
    with Evidence(home, FEED).writer(SECOND, "observatory 1") as writer:
        written.append(ask(writer, f"{URL}&page=3", b"3"))
    return written, (home / written[2].warc_file).read_bytes()


def member_end(data: bytes, start: int) -> int:
    """Return where the gzip member that begins at `start` ends."""
    decompressor = zlib.decompressobj(31)
    decompressor.decompress(data[start:])
    return len(data) - len(decompressor.unused_data)


@pytest.mark.parametrize("request_record", [False, True], ids=["response", "request"])
def test_kill_at_every_byte(tmp_path: Path, request_record: bool, caplog: pytest.LogCaptureFixture) -> None:
    written, whole = two_answers_and_one(tmp_path)
    start = member_end(whole, written[2].warc_offset) if request_record else written[2].warc_offset
    end = member_end(whole, start)
    kept = written if request_record else written[:2]
    torn = tmp_path / written[2].warc_file
    index = tmp_path / "staging" / FEED / "captures.ndjson"
    before = index.read_bytes().rpartition(b"\n")[0]
    covered = (tmp_path / written[0].warc_file).stat()
    for size in range(start, end):
        torn.write_bytes(whole[:size])
        index.write_bytes(before)
        assert documents(tmp_path, FIRST, SECOND) == kept, "a reader stops at the last whole record"
        assert torn.stat().st_size == size, "a reader repairs nothing"
        caplog.clear()
        with caplog.at_level(logging.WARNING), Evidence(tmp_path, FEED).writer(SECOND, "observatory 1") as writer:
            again = ask(writer, written[2].url, b"3")
        assert torn.read_bytes() == whole[:start]
        assert [f"of {size - start} bytes" in message for message in caplog.messages] == [True] * (size > start)
        assert (again.document_id, again.body) == (written[2].document_id, b"3")
        assert documents(tmp_path, FIRST, SECOND) == [*written[:2], written[2] if request_record else again]
        appended = torn.with_name("00001.warc.gz")
        assert (again.warc_file == written[2].warc_file) == request_record, "no body is stored twice"
        if size % 50 == 0:
            check(tmp_path)
        appended.unlink()
    after = (tmp_path / written[0].warc_file).stat()
    assert (after.st_mtime_ns, after.st_ino) == (covered.st_mtime_ns, covered.st_ino), "a covered part is not touched"


@pytest.mark.parametrize("size", [0, 1, 40])
def test_a_part_without_a_whole_record_goes(tmp_path: Path, size: int) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        ask(writer)
    part = tmp_path / "archive" / FEED / FIRST / "00000.warc.gz"
    part.write_bytes(part.read_bytes()[:size])
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 2") as writer:
        written = ask(writer)
    assert Evidence(tmp_path, FEED).parts(FIRST) == [part]
    assert documents(tmp_path, FIRST) == [written]
    assert kinds(tmp_path) == ["warcinfo", "response", "request"]


def test_a_tail_of_zeros_is_torn(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
    part = tmp_path / written.warc_file
    whole = part.read_bytes()
    part.write_bytes(whole + whole[:100] + bytes(5000))
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1"):
        assert part.read_bytes() == whole
    assert documents(tmp_path, FIRST) == [written]


def test_damage_in_the_middle_is_no_torn_tail(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
        ask(writer, URL + "&page=2")
    part = tmp_path / written.warc_file
    damaged = bytearray(part.read_bytes())
    damaged[written.warc_offset + 60] ^= 0xFF
    part.write_bytes(damaged)
    shutil.rmtree(tmp_path / "staging")
    with pytest.raises(EvidenceError, match=r"00000\.warc\.gz: damaged between byte \d+.*backup"):
        Evidence(tmp_path, FEED).writer(FIRST, "observatory 1")
    assert part.read_bytes() == bytes(damaged), "nothing is cut"


def inflates_alike(member: bytes, at: int) -> bool:
    """Whether a gzip member gives the same bytes although the highest bit of one of its bytes is flipped."""
    damaged = bytearray(member)
    damaged[at] ^= 0x80
    try:
        return gzip.decompress(damaged) == gzip.decompress(member)
    except (OSError, zlib.error, EOFError):
        return False


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, FEED)
    with evidence.writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
        ask(writer, URL + "&page=2")
    captures = evidence.captures(FIRST)
    part = tmp_path / written.warc_file
    whole = part.read_bytes()
    shutil.rmtree(tmp_path / "staging")
    start = written.warc_offset
    end = member_end(whole, start)
    # Time and system in the gzip header; the bits that fill up the last byte before checksum and length.
    harmless = {*range(start + 4, start + 10)}
    if inflates_alike(whole[start:end], end - 9 - start):
        harmless.add(end - 9)
    for at in range(start, end):
        damaged = bytearray(whole)
        damaged[at] ^= 0x80
        part.write_bytes(damaged)
        if at in harmless:
            assert Evidence(tmp_path, FEED).captures(FIRST) == captures
            assert evidence.read(written.warc_file, start) == written
            continue
        with pytest.raises(EvidenceError, match=r"00000\.warc\.gz: damaged between"):
            Evidence(tmp_path, FEED).captures(FIRST)
        with pytest.raises(EvidenceError, match=rf"00000\.warc\.gz at {start}: "):
            evidence.read(written.warc_file, start)


def test_damage_that_swallows_what_follows_is_no_torn_tail(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
    part = tmp_path / written.warc_file
    whole = part.read_bytes()
    stored = bytearray(gzip.compress(gzip.decompress(whole[: written.warc_offset]), 0, mtime=0))
    stored[11:15] = b"\xff\xff\x00\x00"  # a stored block of 65,535 bytes: longer than the file
    part.write_bytes(stored + whole[written.warc_offset :])
    shutil.rmtree(tmp_path / "staging")
    with pytest.raises(EvidenceError, match=r"00000\.warc\.gz: damaged between byte 0 and .*it never ends.*backup"):
        Evidence(tmp_path, FEED).writer(SECOND, "observatory 1")
    assert part.read_bytes() == stored + whole[written.warc_offset :], "nothing is cut"


def test_a_closed_part_of_another_size_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
        lost = ask(writer, URL + "&page=2")
    part = tmp_path / written.warc_file
    size = part.stat().st_size
    part.write_bytes(part.read_bytes()[: lost.warc_offset + 9])
    with caplog.at_level(logging.WARNING):
        assert documents(tmp_path, FIRST) == [written]
    assert [
        f"had {size} bytes when it was closed, and has {lost.warc_offset + 9}" in text for text in caplog.messages
    ] == [True]


@pytest.mark.parametrize("content", [b"", b"no WARC record\r\n"], ids=["empty", "foreign"])
def test_a_member_that_is_no_record_is_named(tmp_path: Path, content: bytes) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
    part = tmp_path / written.warc_file
    size = part.stat().st_size
    part.write_bytes(part.read_bytes() + gzipped(content))
    shutil.rmtree(tmp_path / "staging")
    for use in (Evidence(tmp_path, FEED).captures, lambda harvest: Evidence(tmp_path, FEED).writer(harvest, "1")):
        with pytest.raises(EvidenceError, match=rf"00000\.warc\.gz at {size}: no WARC record stands here"):
            use(FIRST)


def test_sigkill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    script = (
        "import itertools, sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from crawlers.evidence import Evidence\n"
        f"writer = Evidence(Path(sys.argv[1]), {FEED!r}).writer({FIRST!r}, 'observatory 1')\n"
        "for page in itertools.count():\n"
        "    document = writer.exchange(url=f'https://h.org/{page}', status=200, reason='OK', response_headers=[],\n"
        "        body=b'%d' % page * 999, retrieved_at=datetime.now(UTC))\n"
        "    print(document.document_id, flush=True)\n"
    )
    acknowledged = []
    for _ in range(2):
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
            assert process.stdout is not None
            acknowledged += [process.stdout.readline().strip() for _ in range(40)]
            process.send_signal(signal.SIGKILL)
    assert len(set(acknowledged)) == 40, "the second process asks for the same pages"
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1"):
        pass
    found = [document.document_id for document in documents(tmp_path, FIRST)]
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
    bodies = [fields["WARC-Target-URI"] for kind, fields, *_ in records(tmp_path) if kind == "response"]
    assert len(bodies) == len(set(bodies)), "no body is stored twice"
    check(tmp_path)


def test_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = hashlib.shake_256(b"noise").digest(50_000)
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        first = ask(writer)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            with pytest.raises(OSError, match="no room for a record"):
                ask(writer, URL + "&page=2", noise)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        last = ask(writer, URL + "&page=3")
    shutil.rmtree(tmp_path / "staging")
    assert documents(tmp_path, FIRST) == [first, last]
    check(tmp_path)


# --- the index


def test_staging_is_disposable(tmp_path: Path) -> None:
    for harvest, bodies in ((FIRST, [b"1", b"2"]), (SECOND, [b"2", b"3"])):
        with Evidence(tmp_path, FEED).writer(harvest, "observatory 1") as writer:
            for body in bodies:
                ask(writer, body=body)
    found = documents(tmp_path, FIRST, SECOND)
    latest = Evidence(tmp_path, FEED).latest(SECOND)
    shutil.rmtree(tmp_path / "staging")
    assert documents(tmp_path, FIRST, SECOND) == found
    assert not (tmp_path / "staging").exists(), "a reader writes nothing"
    with Evidence(tmp_path, FEED).writer(SECOND, "observatory 1") as writer:
        assert ask(writer, body=b"1") == found[0]
    shutil.rmtree(tmp_path / "archive" / FEED / SECOND)
    assert documents(tmp_path, FIRST) == found[:2]
    assert [document.body for document in found] == [b"1", b"2", b"2", b"3"]
    assert asdict(latest[URL])["sha256"] == found[3].sha256


def test_covered_parts_are_not_read_again(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
    part = tmp_path / written.warc_file
    part.write_bytes(bytes(part.stat().st_size))
    with Evidence(tmp_path, FEED).writer(SECOND, "observatory 1"):
        pass
    index = (tmp_path / "staging" / FEED / "captures.ndjson").read_text().split()
    assert [json.loads(line)["part"].split("/")[2] for line in index] == [FIRST, SECOND], "one line a part"
    assert [capture.url for capture in Evidence(tmp_path, FEED).captures(FIRST)] == [URL]


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b'\n{"part":"arch',
        b'\n{"part": "archive/x", "size": 3, "captures": [{"document_id": "of other software"}]}',
    ],
)
def test_a_torn_or_foreign_index_line_is_ignored(tmp_path: Path, tail: bytes) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        first = ask(writer)
    index = tmp_path / "staging" / FEED / "captures.ndjson"
    index.write_bytes(index.read_bytes() + tail)
    with Evidence(tmp_path, FEED).writer(SECOND, "observatory 1") as writer:
        second = ask(writer, URL + "&page=2")
    covered = [json.loads(line)["part"] for line in index.read_bytes().splitlines() if line.endswith(b"}")]
    assert {first.warc_file, second.warc_file} <= set(covered)
    assert documents(tmp_path, FIRST, SECOND) == [first, second]


def test_index_torn_at_every_byte(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
        ask(writer)
    index = tmp_path / "staging" / FEED / "captures.ndjson"
    whole = index.read_bytes()
    expected = Evidence(tmp_path, FEED).captures(FIRST)
    for size in range(len(whole) + 1):
        index.write_bytes(whole[:size])
        assert Evidence(tmp_path, FEED).captures(FIRST) == expected
    assert documents(tmp_path, FIRST) == [written]


def test_reading_while_another_writes(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        assert documents(tmp_path, FIRST) == []
        stale = Evidence(tmp_path, FEED)
        assert stale.captures(FIRST) == []
        first = ask(writer)
        assert documents(tmp_path, FIRST) == [first]
        second = ask(writer, URL + "&page=2")
        assert documents(tmp_path, FIRST) == [first, second]
    with stale.writer(FIRST, "observatory 1") as writer:
        third = ask(writer, URL + "&page=3")
    assert documents(tmp_path, FIRST) == [first, second, third], "an old look cuts nothing"
    assert list(stale.documents(FIRST)) == [first, second, third], "a writer's own captures are seen"


def test_a_long_part_is_scanned_whole(tmp_path: Path) -> None:
    noise = [hashlib.shake_256(b"%d" % number).digest(1500 + 37 * number) for number in range(300)]
    evidence = Evidence(tmp_path, FEED)
    with evidence.writer(FIRST, "observatory 1") as writer:
        for number, body in enumerate(noise):
            ask(writer, f"{URL}&page={number}", body, response_headers=[("X-Noise", body[:600].hex())])
    shutil.rmtree(tmp_path / "staging")
    assert Evidence(tmp_path, FEED).captures(FIRST) == evidence.captures(FIRST), "heads may lie across two reads"
    assert [document.body for document in documents(tmp_path, FIRST)] == noise


# --- secrets

SECRET = st.text(alphabet="ABCDEFGHJKLMNPQRSTUVWXYZ23456789;:,.!*'()@", min_size=16, max_size=24).map(
    lambda text: f"Z9{text}9Z"
)


@settings(max_examples=60, deadline=None)
@given(
    SECRET,
    st.sampled_from(["key", "api_key", "apikey", "token", "access_token", "Password", "SECRET", "signature"]),
    st.sampled_from(["Authorization", "proxy-authorization", "Cookie", "Set-Cookie", "X-Api-Key"]),
)
def test_no_secret_is_written(
    tmp_path_factory: pytest.TempPathFactory, secret: str, parameter: str, header: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    url = f"https://zoe:{secret}@example.org/data?a=1&{parameter}={secret}&b=2"
    with Evidence(home, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(
            writer,
            url,
            request_headers=[(header, secret), ("Referer", url), ("Host", f"zoe:{secret}@example.org")],
            response_headers=[(header, secret), ("Location", url), ("Link", f'<{url}>; rel="next"')],
        )
        ask(writer, url)
        writer.resource(url=url, body=b"saved", media_type="text/plain", retrieved_at=NOON)
    assert written.url == f"https://example.org/data?a=1&{parameter}={REDACTED}&b=2"
    assert secret.encode() not in inflated(home)
    assert secret not in (home / "staging" / FEED / "captures.ndjson").read_text()
    assert b"zoe" not in inflated(home)
    shutil.rmtree(home)


# --- what cannot be read


@pytest.mark.parametrize(
    ("encoding", "body", "message"),
    [
        ("compress", b"x", "'compress': no such encoding is known"),
        ("gzip, utf-8", b"x", "'utf-8': no such encoding is known"),
        ("gzip", b"plain", "'gzip'"),
        ("gzip", gzipped(JSON)[:-9], "'gzip': the compressed data ends too early"),
        ("deflate", b"\xff\xff\xff", "'deflate'"),
        ("br", b"\xff\xff\xff", "'br'"),
        ("br", brotli.compress(JSON)[:-3], "'br': the compressed data ends too early"),
        ("zstd", b"plain", "'zstd'"),
        ("zstd", zstd.compress(JSON)[:-3], "'zstd': the compressed data ends too early"),
    ],
    ids=["unknown", "unknown-last", "gzip", "gzip-torn", "deflate", "br", "br-torn", "zstd", "zstd-torn"],
)
def test_a_body_that_cannot_be_decoded(tmp_path: Path, encoding: str, body: bytes, message: str) -> None:
    evidence = Evidence(tmp_path, FEED)
    with evidence.writer(FIRST, "observatory 1") as writer:
        with pytest.raises(EvidenceError, match=re.escape(URL) + ".*" + re.escape(message)):
            ask(writer, body=body, response_headers=[("Content-Encoding", encoding)])
        good = ask(writer)
    assert documents(tmp_path, FIRST) == [good]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity"])
def test_a_bomb_is_refused(encoding: str) -> None:
    bomb = ENCODERS[encoding](bytes(100_000))
    assert decode_body(bomb, encoding, URL, limit=100_000) == bytes(100_000)
    with pytest.raises(EvidenceError, match="grows over the limit"):
        decode_body(bomb, encoding, URL, limit=99_999)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_of_several_members_is_refused(encoding: str) -> None:
    bomb = ENCODERS[encoding](bytes(60_000)) + ENCODERS[encoding](bytes(40_000))
    assert decode_body(bomb, encoding, URL, limit=100_000) == bytes(100_000)
    with pytest.raises(EvidenceError, match="grows over the limit"):
        decode_body(bomb, encoding, URL, limit=99_999)


@given(
    st.lists(st.binary(max_size=30), min_size=1, max_size=3), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3)
)
def test_decode_undoes_encode(pieces: list[bytes], encodings: list[str]) -> None:
    body = b"".join(pieces)
    encoded = b"".join(gzipped(piece) for piece in pieces)
    assert decode_body(encoded, "gzip", URL) == body, "a body may have several gzip members"
    encoded = b"".join(zstd.compress(piece) for piece in pieces)
    assert decode_body(encoded, "zstd", URL) == body
    assert decode_body(raw_deflate(body), "deflate", URL) == body
    for encoding in encodings:
        body = ENCODERS[encoding](body)
    assert decode_body(body, " , ".join(encodings).upper(), URL) == b"".join(pieces)


def test_wrong_places_are_named(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer, body=hashlib.shake_256(b"noise").digest(5000))
        ask(writer, body=written.body)
    evidence = Evidence(tmp_path, FEED)
    (_, revisit) = evidence.captures(FIRST)
    for offset, message in [
        (0, "a warcinfo record has no body"),
        (revisit.warc_offset, "a revisit record has no body"),
        (written.warc_offset + 1, "no whole record begins here"),
        (10**9, "the file ends before the record does"),
    ]:
        with pytest.raises(EvidenceError, match=f"{re.escape(written.warc_file)} at {offset}: {message}"):
            evidence.read(written.warc_file, offset)
    with pytest.raises(EvidenceError, match=r"00009.warc.gz at 0: no whole record begins here"):
        evidence.read(written.warc_file.replace("00000", "00009"), 0)
    part = tmp_path / written.warc_file
    part.write_bytes(part.read_bytes()[: written.warc_offset + 2000])
    with pytest.raises(EvidenceError, match="the file ends before the record does"):
        evidence.read(written.warc_file, written.warc_offset)


@pytest.mark.parametrize("url", ["https://h.org/a b", "https://h.org/\r\nWARC-Type: request", "https://h.org/\u2028"])
def test_an_address_that_breaks_a_record_is_refused(tmp_path: Path, url: str) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        with pytest.raises(EvidenceError, match="percent-encode"):
            ask(writer, url)
        with pytest.raises(EvidenceError, match="percent-encode"):
            writer.resource(url=url, body=b"", media_type="", retrieved_at=NOON)
        with pytest.raises(EvidenceError, match="http or https"):
            ask(writer, f"file:{FEED}/x")
    assert kinds(tmp_path) == ["warcinfo"]


def test_two_writers_cannot_share_a_part(tmp_path: Path) -> None:
    with Evidence(tmp_path, FEED).writer(FIRST, "observatory 1") as writer:
        written = ask(writer)
        with pytest.raises(FileExistsError):
            PartWriter(Evidence(tmp_path, FEED)._index, tmp_path / written.warc_file, "observatory 1")  # noqa: SLF001  # past the lock
