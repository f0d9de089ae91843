"""The files route: every saved document enters the archive under an address that names it, or is refused by name."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

import crawlers.evidence.writer
import crawlers.routes
from crawlers.evidence import SYNTHETIC_HEADER, Document, Evidence, EvidenceError, Stored
from crawlers.routes import _join_chunks, archive_files, query_of

FEED = "us.clustermapping"
HARVEST = "20260101T000000.000Z-us.clustermapping"
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)
SAVED_AT = datetime(2016, 9, 19, 17, 20, 24, tzinfo=UTC)
ADDRESS = "http://www.clustermapping.us/data/region"


def collect(home: Path, path: Path, harvest: str = HARVEST) -> list[Document]:
    """Archive a path in a home; what comes back from the archive must be what was told."""
    evidence = Evidence(home, FEED)
    with evidence.writer(harvest, "observatory 1") as writer:
        told = list(archive_files(path, FEED, writer, READ_AT))
    assert list(evidence.documents(harvest)) == told
    return told


def bodies(documents: Sequence[Document]) -> dict[str, bytes]:
    """Return address → body, in order."""
    return {document.url: document.body for document in documents}


def chunked(body: bytes, size: int = 7) -> bytes:
    """Send a body in chunks."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;x=1\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


class Tool:
    """Another tool that writes WARCs."""

    def __init__(self, packed: bool) -> None:
        self.out = BytesIO()
        self.writer = WARCWriter(self.out, gzip=packed)
        self.ends = [0]
        self._write(self.writer.create_warcinfo_record("x.warc", {"software": "another"}))

    def _write(self, record: object) -> None:
        self.writer.write_record(record)
        self.ends.append(self.out.tell())

    def answer(self, url: str, body: bytes, headers: Sequence[tuple[str, str]] = (), status: str = "200 OK") -> None:
        """Write a response."""
        http = StatusAndHeaders(status, list(headers), protocol="HTTP/1.1")
        self._record(url, "response", body, http)

    def resource(self, url: str, body: bytes, media_type: str) -> None:
        """Write a resource."""
        self._record(url, "resource", body, None, {"Content-Type": media_type})

    def asides(self) -> None:
        """Write what is no document: a request, a revisit, metadata, a look-up of a name."""
        request = StatusAndHeaders("GET /data/region HTTP/1.1", [("Host", "h.org")], is_http_request=True)
        self._record(ADDRESS, "request", b"", request)
        http = StatusAndHeaders("200 OK", [], protocol="HTTP/1.1")
        self._write(self.writer.create_revisit_record(ADDRESS, "sha1:A", ADDRESS, "2016-01-01T00:00:00Z", http))
        self._record(ADDRESS, "metadata", b"via: x\r\n", None)
        self._record("dns:h.org", "response", b"20160919 h.org. IN A 192.0.2.1\n", None, {"Content-Type": "text/dns"})

    def _record(
        self, url: str, kind: str, body: bytes, http: StatusAndHeaders | None, fields: dict[str, str] | None = None
    ) -> None:
        dated = {"WARC-Date": "2016-09-19T17:20:24Z"} | (fields or {})
        self._write(
            self.writer.create_warc_record(
                url, kind, payload=BytesIO(body), length=len(body), http_headers=http, warc_headers_dict=dated
            )
        )

    def save(self, path: Path) -> Path:
        """Write the file."""
        path.write_bytes(self.out.getvalue())
        return path


# --- folders and files


def test_a_folder_is_walked_in_order(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    (saved / "b" / "ü c").mkdir(parents=True)
    (saved / "empty").mkdir()
    (saved / "b" / "ü c" / "Gießen #1?.html").write_bytes(b"<p>")
    (saved / "b" / "a.json").write_bytes(b"{}")
    (saved / "z.csv").write_bytes(b"a,b")
    (saved / "100%.unknown").write_bytes(b"?")
    written = collect(tmp_path, saved)
    assert list(bodies(written).items()) == [
        (f"file:{FEED}/100%25.unknown", b"?"),
        (f"file:{FEED}/b/a.json", b"{}"),
        (f"file:{FEED}/b/%C3%BC%20c/Gie%C3%9Fen%20%231%3F.html", b"<p>"),
        (f"file:{FEED}/z.csv", b"a,b"),
    ]
    assert [document.media_type for document in written] == [
        *("application/octet-stream", "application/json", "text/html", "text/csv"),
    ]
    assert {(document.http_status, document.retrieved_at, document.archived_at) for document in written} == {
        (None, READ_AT, None)
    }


def test_a_name_that_is_no_utf8_has_an_address(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / os.fsdecode(b"caf\xe9.json")).write_bytes(b"{}")
    assert bodies(collect(tmp_path, saved)) == {f"file:{FEED}/caf%E9.json": b"{}"}


@pytest.mark.parametrize(
    ("name", "body", "inflated", "media_type"),
    [
        ("region.json", b"[1]", b"[1]", "application/json"),
        ("region.json.gz", gzip.compress(b"[1]", mtime=0), b"[1]", "application/gzip"),
        ("table.json.bz2", b"BZh9", b"BZh9", "application/octet-stream"),
        ("book.xlsx", b"PK\x05\x06" + bytes(18), b"PK\x05\x06" + bytes(18), None),
        ("nothing.json", b"", b"", "application/json"),
    ],
    ids=["plain", "gzip", "bzip2", "a zip by its bytes only", "empty"],
)
def test_one_file(tmp_path: Path, name: str, body: bytes, inflated: bytes, media_type: str | None) -> None:
    (tmp_path / name).write_bytes(body)
    [written] = collect(tmp_path, tmp_path / name)
    assert (written.url, written.body) == (f"file:{FEED}/{name}", inflated)
    assert media_type in {None, written.media_type}


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"us\.clustermapping: no file or folder {tmp_path}/nowhere"):
        collect(tmp_path, tmp_path / "nowhere")


def test_a_torn_gzip_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "region.json.gz").write_bytes(gzip.compress(b"[1, 2, 3]", mtime=0)[:-9])
    with pytest.raises(EvidenceError, match=r"file:us\.clustermapping/region\.json\.gz: .*ends too early"):
        collect(tmp_path, tmp_path / "region.json.gz")


def test_symbolic_links_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outside, saved = tmp_path / "outside", tmp_path / "saved"
    outside.mkdir()
    saved.mkdir()
    (outside / "secret.json").write_bytes(b"secret")
    (saved / "a.json").write_bytes(b"{}")
    (saved / "file.json").symlink_to(outside / "secret.json")
    (saved / "folder").symlink_to(outside, target_is_directory=True)
    (saved / "round").symlink_to(saved, target_is_directory=True)
    (saved / "broken.json").symlink_to(outside / "nothing")
    with caplog.at_level(logging.WARNING):
        assert bodies(collect(tmp_path, saved)) == {f"file:{FEED}/a.json": b"{}"}
    assert [message.partition(":")[0].rpartition("/")[2] for message in caplog.messages] == [
        *("broken.json", "file.json", "folder", "round"),
    ]
    (tmp_path / "given").symlink_to(saved, target_is_directory=True)
    assert f"file:{FEED}/a.json" in bodies(collect(tmp_path / "other", tmp_path / "given")), "a link that is asked for"


# --- zips


def test_members_of_a_zip(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    with zipfile.ZipFile(saved / "all of it.ZIP", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("b.json.gz", gzip.compress(b"[2]", mtime=0))
        out.mkdir("a")
        out.writestr("a/Gießen.json", b"[1]")
        out.writestr("../../up.json", b"[0]")
    assert list(bodies(collect(tmp_path, saved)).items()) == [
        (f"file:{FEED}/all%20of%20it.ZIP/../../up.json", b"[0]"),
        (f"file:{FEED}/all%20of%20it.ZIP/a/Gie%C3%9Fen.json", b"[1]"),
        (f"file:{FEED}/all%20of%20it.ZIP/b.json.gz", b"[2]"),
    ]
    [alone, *_] = collect(tmp_path / "other", saved / "all of it.ZIP")
    assert alone.url == f"file:{FEED}/all%20of%20it.ZIP/../../up.json"


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Set a limit of 1000 bytes."""
    monkeypatch.setattr(crawlers.routes, "MAX_BODY", 1000)
    return 1000


@pytest.mark.parametrize("name", ["large.csv", "large.csv.gz", "large.zip"])
def test_large_files_and_members_are_streamed(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawlers.routes, "IN_MEMORY", 1000)
    monkeypatch.setattr(crawlers.evidence.writer, "IN_MEMORY", 1000)
    body = b"a,b\n" + b"1,2\n" * 100_000
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("large.csv", body)
    else:
        path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    [document] = collect(tmp_path / "home", path)
    assert isinstance(document.content, Stored)
    assert (document.size, document.head(4), document.body) == (len(body), b"a,b\n", body)
    assert document.sha256 == hashlib.sha256(body).hexdigest()
    copy = document.content.copy
    assert copy.read_bytes() == body
    copy.unlink()
    assert document.content.file().read_bytes() == body  # made again from the archive
    with document.open() as stream:
        assert stream.read(7) == b"a,b\n1,2"
    [again] = collect(tmp_path / "home", path, "20260102T000000.000Z-us.clustermapping")
    assert (again.document_id, again.warc_file) == (document.document_id, document.warc_file)


def test_a_large_member_that_is_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawlers.routes, "IN_MEMORY", 1000)
    monkeypatch.setattr(crawlers.evidence.writer, "IN_MEMORY", 1000)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a.csv", b"figures," * 1000)
    path.write_bytes(path.read_bytes().replace(b"figures", b"fibures", 1))
    with pytest.raises(EvidenceError, match=r"x\.zip, member a\.csv: cannot be unpacked"):
        collect(tmp_path, path)


def test_a_zip_bomb_that_lies_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("bomb.csv", bytes(100_000))
    stated, lie = (100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    packed = (tmp_path / "bomb.zip").read_bytes()
    assert packed.count(stated) == 2
    (tmp_path / "bomb.zip").write_bytes(packed.replace(stated, lie))
    with pytest.raises(EvidenceError, match=r"bomb\.zip, member bomb\.csv: cannot be unpacked"):
        collect(tmp_path, tmp_path / "bomb.zip")


def test_damaged_and_locked_zips_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(EvidenceError, match=r"x\.zip: cannot be read as a zip"):
        collect(tmp_path, path)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a.csv", b"figures")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"figures", b"fibures"))
    with pytest.raises(EvidenceError, match=r"x\.zip, member a\.csv: cannot be unpacked"):
        collect(tmp_path, path)
    entry = whole.index(b"PK\x01\x02")
    locked = bytearray(whole)
    locked[6] |= 1
    locked[entry + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(EvidenceError, match=r"x\.zip, member a\.csv: .*encrypted"):
        collect(tmp_path, path)


# --- WARCs of other tools


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_a_warc_of_another_tool(tmp_path: Path, packed: bool) -> None:
    tool = Tool(packed)
    plain = b'{"name": "Automotive", "stars": [1, 2, 3]}'
    json_type = ("Content-Type", "application/json; charset=utf-8")
    coded = gzip.compress(plain, mtime=0)
    tool.answer(ADDRESS, chunked(coded), [json_type, ("Content-Encoding", "gzip"), ("Transfer-Encoding", "Chunked")])
    tool.asides()
    tool.answer(f"{ADDRESS}?year=2016", plain, [json_type, ("Transfer-Encoding", "chunked")], "404 Not Found")
    tool.answer("HTTPS://me:pass@h.org/?api_key=s3cret&a=1", b"", [(SYNTHETIC_HEADER, "1")], "204 ")
    tool.resource("urn:saved:1", b"<p>", "Text/HTML; charset=latin-1")
    path = tool.save(tmp_path / ("saved.WARC.gz" if packed else "saved.warc"))

    region, missing, empty, saved = collect(tmp_path, path)
    assert (region.url, region.body, region.http_status) == (ADDRESS, plain, 200)
    assert (region.media_type, region.charset) == ("application/json", "utf-8")
    assert region.headers["content-length"] == str(len(coded)), "the body is stored as it was sent, chunks joined"
    assert "transfer-encoding" not in region.headers
    assert (missing.body, missing.http_status) == (plain, 404), "some tools join the chunks and leave the header"
    assert (empty.url, empty.body, empty.http_status) == ("https://h.org/?api_key=REDACTED&a=1", b"", 204)
    assert [document.synthetic for document in (region, missing, empty, saved)] == [False, False, True, False]
    assert (saved.url, saved.body, saved.media_type, saved.charset) == ("urn:saved:1", b"<p>", "text/html", "latin-1")
    assert {document.archived_at for document in (region, missing, empty, saved)} == {SAVED_AT}
    archived = b"".join(gzip.decompress(part.read_bytes()) for part in tmp_path.glob("archive/*/*/*.warc.gz"))
    assert b"s3cret" not in archived
    assert b"pass@" not in archived


def test_a_warc_in_one_gzip_member_is_read(tmp_path: Path) -> None:
    tool = Tool(packed=False)
    tool.answer(ADDRESS, b"1")
    tool.answer(f"{ADDRESS}/2", b"2")
    (tmp_path / "x.warc.gz").write_bytes(gzip.compress(tool.out.getvalue(), mtime=0))
    assert bodies(collect(tmp_path, tmp_path / "x.warc.gz")) == {ADDRESS: b"1", f"{ADDRESS}/2": b"2"}


def test_our_own_archive_can_be_saved_files(tmp_path: Path) -> None:
    for name, body in (("a.json", b"{}"), ("b.json.gz", gzip.compress(b"[]", mtime=0))):
        (tmp_path / "saved").mkdir(exist_ok=True)
        (tmp_path / "saved" / name).write_bytes(body)
    first = collect(tmp_path, tmp_path / "saved")
    again = collect(tmp_path / "other", tmp_path / "archive")
    assert bodies(again) == bodies(first)


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_a_torn_warc_is_named_at_every_byte(tmp_path: Path, packed: bool) -> None:
    tool = Tool(packed)
    tool.answer(ADDRESS, b"figures", [("Content-Type", "text/plain")])
    tool.resource("urn:saved:1", b"<p>", "text/html")
    whole = tool.out.getvalue()
    path = tmp_path / ("torn.warc.gz" if packed else "torn.warc")
    closing = 0 if packed else len(b"\r\n\r\n")  # these may be missing: the record before them is whole
    with Evidence(tmp_path, FEED).writer(HARVEST, "observatory 1") as writer:
        for number, end in enumerate(tool.ends[1:]):
            for size in range(tool.ends[number] + 1, end - closing):
                path.write_bytes(whole[:size])
                with pytest.raises(EvidenceError, match=r"torn\.warc"):
                    list(archive_files(path, FEED, writer, READ_AT))
            path.write_bytes(whole[: end - closing])
            assert len(list(archive_files(path, FEED, writer, READ_AT))) == number


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    tool = Tool(packed=True)
    tool.answer(ADDRESS, b"figures")
    damaged = bytearray(tool.out.getvalue())
    damaged[tool.ends[1] + 40] ^= 0xFF
    (tmp_path / "x.warc.gz").write_bytes(damaged)
    with pytest.raises(EvidenceError, match=r"x\.warc\.gz: cannot be read as a WARC"):
        collect(tmp_path, tmp_path / "x.warc.gz")


@pytest.mark.parametrize(
    ("fields", "block", "message"),
    [
        (b"WARC-Date: yesterday\r\n", b"HTTP/1.1 200 OK\r\n\r\n", "key=REDACTED: WARC-Date is 'yesterday'"),
        (b"", b"HTTP/1.1 200 OK\r\n\r\n", "WARC-Date is None"),
        (b"WARC-Date: 2016-09-19T17:20:24Z\r\n", b"", "the record holds no HTTP answer"),
        (b"WARC-Date: 2016-09-19T17:20:24Z\r\n", b"<p>hello</p>", "the record holds no HTTP answer"),
        (
            b"WARC-Date: 2016-09-19T17:20:24Z\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde",
            "the chunks of the body are torn",
        ),
        (
            b"WARC-Date: 2016-09-19T17:20:24Z\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabc",
            "cannot decode the body by its Content-Encoding 'gzip'",
        ),
    ],
    ids=["date", "no date", "empty", "no HTTP", "chunks", "coding"],
)
def test_a_broken_record_is_named(tmp_path: Path, fields: bytes, block: bytes, message: str) -> None:
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://h.org/?key=s3cret\r\n"
    path = tmp_path / "x.warc"
    path.write_bytes(head + fields + b"Content-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n")
    with pytest.raises(EvidenceError) as caught:
        collect(tmp_path, path)
    assert message in str(caught.value)
    assert "http://h.org/?key=REDACTED" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("date", ["2016-09-19T17:20:24", "2016-09-19T19:20:24+02:00", "2016-09-19T17:20:24.000Z"])
def test_a_date_without_a_zone_is_utc(tmp_path: Path, date: str) -> None:
    block = b"HTTP/2 200 OK\r\n\r\nfigures"
    head = f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: <{ADDRESS}>\r\nWARC-Date: {date}\r\n"
    path = tmp_path / "x.warc"
    path.write_bytes(head.encode() + b"Content-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n")
    [written] = collect(tmp_path, path)
    assert (written.url, written.archived_at, written.body) == (ADDRESS, SAVED_AT, b"figures")


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_a_large_record_is_refused(tmp_path: Path, packed: bool, limit: int) -> None:
    tool = Tool(packed)
    tool.resource("urn:saved:1", bytes(limit + 1), "text/plain")
    path = tool.save(tmp_path / "large.warc")
    with pytest.raises(EvidenceError, match=r"large\.warc: a resource record: over the limit of 1000 bytes"):
        collect(tmp_path, path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no WARC", "cannot be read as a WARC"),
        (gzip.compress(b"no WARC", mtime=0), "cannot be read as a WARC"),
        (b"", "holds no record"),
    ],
    ids=["plain", "gzip", "empty"],
)
def test_what_is_no_warc_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.warc.gz").write_bytes(content)
    with pytest.raises(EvidenceError, match=rf"x\.warc\.gz: {message}"):
        collect(tmp_path, tmp_path / "x.warc.gz")


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50))
def test_chunks_are_joined(body: bytes, size: int) -> None:
    sent = chunked(body, size)
    assert _join_chunks(sent, ADDRESS) == body
    assert _join_chunks(sent + b"Trailer: x\r\n\r\n", ADDRESS) == body
    with pytest.raises(EvidenceError, match="torn"):
        _join_chunks(sent[: len(sent) - len(b"0;x=1\r\n\r\n")], ADDRESS)


@given(st.binary(max_size=60).map(zlib.compress))
def test_joined_chunks_are_left(body: bytes) -> None:
    assert _join_chunks(body, ADDRESS) == body


@given(st.dictionaries(st.text("aä b&=%?#", min_size=1), st.text("aä b&=%?#/", min_size=1)))
def test_a_page_saved_under_its_address_keeps_its_query(asked: dict[str, str]) -> None:
    address = f"http://x.example/MapData?{urlencode(asked)}"
    assert query_of(address) == query_of(f"http://a/web/2019id_/{address}") == asked
    assert query_of(f"file:usaid.map/{quote(address.partition('//')[2])}") == asked
