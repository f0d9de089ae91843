"""`observatory serve`: what it answers, what it refuses, and how it ends."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Observatory
from test_site import publish

from exports import release


@dataclass(frozen=True, slots=True)
class Served:
    """A home whose release is served."""

    folder: Path
    port: int
    process: subprocess.Popen[str]

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send one request, its path as it is; return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body
        finally:
            connection.close()


def start(home: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start the command; return it with what it says of itself."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import cli; cli.main()",
            "serve",
            "--port",
            "0",
            "--json",
            "--home",
            str(home),
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line == "}\n":
            break
    return process, json.loads(said)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    folder = publish(home / "published")
    (home / "published" / "status.json").write_text('{"feeds": []}', "utf-8")
    (home / "secret.txt").write_text("secret", "utf-8")
    (folder / "outward.txt").symlink_to(home / "secret.txt")
    (folder / "site" / "out").symlink_to(home)
    process, said = start(home)
    assert said["release"] == folder.name
    try:
        yield Served(folder, int(said["url"].rstrip("/").rpartition(":")[2]), process)
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
        assert (process.returncode, told) == (0, "")


def test_files_come_whole_with_their_digest_as_tag(served: Served) -> None:
    for name, kind in (
        ("observatory.duckdb", "application/octet-stream"),
        ("clusters.parquet", "application/vnd.apache.parquet"),
        ("site/index.html", "text/html; charset=utf-8"),
        ("site/data/index.json", "application/json"),
        ("SHA256SUMS", "text/plain; charset=utf-8"),
    ):
        status, headers, body = served.ask(f"/{name}")
        assert (status, body) == (200, (served.folder / name).read_bytes())
        assert headers["content-type"] == kind
        assert headers["etag"] == f'"{release.sha256(served.folder / name)}"'
        assert headers["x-content-type-options"] == "nosniff"


def test_the_front_page_is_that_of_the_site(served: Served) -> None:
    status, headers, _ = served.ask("/")
    assert (status, headers["location"]) == (302, "/site/")
    assert served.ask("/site/")[2] == (served.folder / "site" / "index.html").read_bytes()
    for missing in ("/site/data/", "/site/nothing.html"):
        status, _, body = served.ask(missing)
        assert (status, b"Its front page is /site/" in body) == (404, True)
    assert json.loads(served.ask("/status.json")[2]) == {"feeds": []}


def test_parts_of_a_file(served: Served) -> None:
    whole = (served.folder / "clusters.parquet").read_bytes()
    status, headers, body = served.ask("/clusters.parquet", Range="bytes=4-9")
    assert (status, headers["content-range"], body) == (206, f"bytes 4-9/{len(whole)}", whole[4:10])
    assert served.ask("/clusters.parquet", Range="bytes=-8")[2] == whole[-8:]
    assert served.ask("/clusters.parquet", Range=f"bytes=-{len(whole) + 1}")[::2] == (206, whole)
    assert served.ask("/clusters.parquet", Range=f"bytes=-{'9' * 400}")[::2] == (206, whole)
    assert served.ask("/clusters.parquet", Range=f"bytes={len(whole)}-")[0] == 416
    assert served.ask("/clusters.parquet", Range="bytes=-0")[0] == 416
    assert served.ask("/clusters.parquet", Range="bytes=5-2")[::2] == (200, whole)
    status, headers, body = served.ask("/clusters.parquet", Range="bytes=0-1,4-5")
    assert (status, headers["content-type"].split(";")[0]) == (206, "multipart/byteranges")
    assert b"\r\n\r\n" + whole[4:6] + b"\r\n" in body
    assert served.ask("/clusters.parquet", Range="bytes=4-9", If_Range='"another"')[::2] == (200, whole)
    assert served.ask("/clusters.parquet", Range="bytes=4-9", If_Range=headers["etag"])[::2] == (206, whole[4:10])
    # A part of a text is a part of the file itself, never of its compressed form.
    text = (served.folder / "site" / "index.html").read_bytes()
    status, headers, body = served.ask("/site/index.html", Range="bytes=0-99", Accept_Encoding="gzip")
    assert (status, body, "content-encoding" in headers) == (206, text[:100], False)


def test_what_has_not_changed_is_not_sent_again(served: Served) -> None:
    for coding in ("identity", "gzip"):
        tag = served.ask("/site/index.html", Accept_Encoding=coding)[1]["etag"]
        assert served.ask("/site/index.html", Accept_Encoding=coding, If_None_Match=tag)[::2] == (304, b"")
        assert served.ask("/site/index.html", Accept_Encoding=coding, If_None_Match='"another"')[0] == 200
    for known in (f"W/{tag}", f'"another", W/{tag}', "*"):
        assert served.ask("/site/index.html", Accept_Encoding="gzip", If_None_Match=known)[0] == 304
    # The time alone says nothing: an older release may have taken the place of a newer one.
    assert served.ask("/site/index.html", If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT")[0] == 200


def test_text_is_compressed_for_whoever_takes_it(served: Served) -> None:
    plain = (served.folder / "site" / "index.html").read_bytes()
    status, headers, body = served.ask("/site/index.html", Accept_Encoding="br, gzip;q=0.5")
    assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "accept-encoding")
    assert gzip.decompress(body) == plain
    assert int(headers["content-length"]) == len(body) < len(plain)
    assert served.ask("/site/index.html", Accept_Encoding="gzip;q=0")[2] == plain
    assert "content-encoding" not in served.ask("/clusters.parquet", Accept_Encoding="gzip")[1]


def test_heads_say_what_would_come(served: Served) -> None:
    for name, coding in (("clusters.parquet", "identity"), ("site/index.html", "gzip")):
        whole = served.ask(f"/{name}", Accept_Encoding=coding)
        status, headers, body = served.ask(f"/{name}", "HEAD", Accept_Encoding=coding)
        assert (status, body, headers["content-length"]) == (200, b"", str(len(whole[2])))
        assert headers["etag"] == whole[1]["etag"]
    assert served.ask("/site/index.html", "POST")[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/../../secret.txt",
        "/site/../../../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/site/%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.txt",
        "/..%2f..%2fsecret.txt",
        "/..%5c..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/outward.txt",
        "/site/out/secret.txt",
        "/site/out/",
        "/clusters.parquet%00.html",
        "/site/index.html/",
        "/nothing",
    ],
)
def test_nothing_outside_of_the_release_is_served(served: Served, path: str) -> None:
    status, _, body = served.ask(path)
    assert status == 404
    assert b"secret" not in body
    assert b"root:" not in body


def test_only_requests_for_this_machine_are_answered(served: Served) -> None:
    assert served.ask("/site/index.html", Host="evil.example")[0] == 403
    assert served.ask("/site/index.html", Host=f"localhost:{served.port}")[0] == 200


def test_without_a_public_release_the_local_one_is_served_and_said(tmp_path: Path) -> None:
    home = Observatory(tmp_path)
    code, said = home.run("serve")
    assert (code, said["error"]) == (2, f"{tmp_path / 'published'} has no release; `observatory publish` makes one")
    publish(tmp_path / "published", "local")
    code, said = home.run("serve", "--profile", "public")
    assert (code, said["error"]) == (
        2,
        f"{tmp_path / 'published'} has no public release; `observatory publish` makes one",
    )
    process, said = start(tmp_path)
    port = said["url"].rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-c", "import cli; cli.main()", "serve", "--port", port, "--home", str(tmp_path)]
    busy = subprocess.run(command, capture_output=True, text=True, check=False)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=20)
    assert (process.returncode, said["release"]) == (0, "2026.01.02.1")
    assert told == "there is no public release; this is 2026.01.02.1, which is not for redistribution\n"
    assert busy.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in busy.stderr
