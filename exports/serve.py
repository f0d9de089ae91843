"""A release's site and files over HTTP, on loopback alone.

For whoever looks at a release on their own machine; any static file server can publish one (`exports/site/README.md`).
"""

from __future__ import annotations

import gzip
import mimetypes
import re
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from twisted.internet import error
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.filepath import FilePath
from twisted.web import http, pages, resource, server, static
from twisted.web.util import redirectTo

from exports.release import CHECKSUMS, ReleaseError, sha256
from exports.site import FOLDER

HOST = "127.0.0.1"

_Answer: TypeAlias = Any
"""A resource: the interfaces of zope say nothing to mypy."""

_STATUS = "status.json"
_NAMES = frozenset({"127.0.0.1", "localhost"})
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    "": "text/plain; charset=utf-8",
}
_COMPRESSED = frozenset(
    {".cff", ".css", ".csv", ".geojson", ".html", ".js", ".json", ".jsonld", ".md", ".svg", ".txt", ""}
)
_MOST_COMPRESSED = 16_000_000
"""Bytes of a file above which it is sent as it is: what is compressed is held in memory."""


def serve(release: Path, published: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve a release until SIGINT or SIGTERM.

    Args:
        release: folder of the release.
        published: folder of the releases, whose ``status.json`` is served beside it.
        port: the port on 127.0.0.1; 0 takes a free one.
        ready: is told the address once it answers.

    Raises:
        ReleaseError: the port cannot be had.
    """
    from twisted.internet import reactor as loop  # noqa: PLC0415  # to import it is to install it

    reactor: Any = loop  # the module is replaced by the reactor when it is imported
    try:
        listening = reactor.listenTCP(port, Site(release, published), interface=HOST)
    except error.CannotListenError as problem:
        raise ReleaseError(f"port {port} of {HOST} cannot be had ({problem.socketError}): try --port 0") from problem
    only_errors: Any = LogLevelFilterPredicate(LogLevel.error)  # Twisted's interfaces are not known to the type checker
    to_stderr: Any = textFileLogObserver(sys.stderr)
    failures: Any = FilteringLogObserver(to_stderr, [only_errors])
    globalLogBeginner.beginLoggingTo([failures], discardBuffer=True, redirectStandardIO=False)
    reactor.callWhenRunning(ready, f"http://{HOST}:{listening.getHost().port}/")
    reactor.run()


class Site(server.Site):
    """Answers requests for a release; those that name another host are refused.

    A page of the web could else have its own name resolve to this machine, and read a release that is not to be shared.
    """

    def __init__(self, release: Path, published: Path) -> None:
        super().__init__(_Root(release.resolve(), published.resolve()))
        self.displayTracebacks = False

    def getResourceFor(self, request: server.Request) -> _Answer:  # noqa: N802  # Twisted's name
        """Return what answers a request."""
        request.setHeader(b"x-content-type-options", b"nosniff")
        name = (request.getHeader("host") or "").rpartition(":")
        if (name[0] or name[2]) not in _NAMES:
            return pages.errorPage(http.FORBIDDEN, "Forbidden", f"Only {HOST} and localhost are served.")
        return super().getResourceFor(request)


def _missing() -> _Answer:
    return pages.notFound(
        "Not found",
        f"This release has no such file. Its front page is /{FOLDER}/, its files stand on /{FOLDER}/download.html.",
    )


class _File(static.File):
    """A file or folder of a release; nothing outside of it, not even over a symbolic link, and no list of a folder."""

    clonePath = FilePath  # noqa: N815  # Twisted's name; what makes a path from a path
    childNotFound = _missing()  # noqa: N815  # Twisted's name

    def __init__(self, path: str, root: Path, digests: Mapping[str, str]) -> None:
        super().__init__(path, defaultType="application/octet-stream")
        self.root, self.digests = root, digests

    def createSimilarFile(self, path: str) -> _File:  # noqa: N802  # Twisted's name
        """Return the same for another path."""
        return _File(path, self.root, self.digests)

    def directoryListing(self) -> _Answer:  # noqa: N802  # Twisted's name
        """Show no list of a folder without an index."""
        return _missing()

    def getChild(self, path: bytes, request: server.Request) -> _Answer:  # noqa: N802  # Twisted's name
        """Return what stands below this folder, if it truly stands in the release."""
        if b"\0" in path:
            return _missing()
        child = super().getChild(path, request)
        if isinstance(child, FilePath) and not Path(child.path).resolve().is_relative_to(self.root):
            return _missing()
        return child

    def render_GET(self, request: server.Request) -> _Answer:  # noqa: N802  # Twisted's name
        """Answer with the file, a part of it, or that it has not changed."""
        path = Path(self.path)
        if not path.is_file():
            return super().render_GET(request)
        request.setHeader(b"cache-control", b"no-cache")  # another release may stand at this address tomorrow
        self.type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or self.defaultType
        self.encoding = None  # a file that ends in .gz is that file
        digest = self.digests.get(path.relative_to(self.root).as_posix()) or sha256(path)
        packable = path.suffix in _COMPRESSED and path.stat().st_size <= _MOST_COMPRESSED
        if packable:
            request.setHeader(b"vary", b"accept-encoding")
        packed = packable and request.getHeader("range") is None and _accepts_gzip(request)
        tag = f'"{digest}-gzip"' if packed else f'"{digest}"'
        # The digest decides: a release that is older than the one before it on this address is no unchanged one.
        request.requestHeaders.removeHeader(b"if-modified-since")
        if (known := request.getHeader("if-none-match")) is not None:  # compared weakly (RFC 9110, 13.1.2)
            request.requestHeaders.setRawHeaders(b"if-none-match", [known.replace('W/"', '"').encode()])
        if request.setETag(tag.encode()) is http.CACHED:
            return b""
        if request.getHeader("if-range") not in {None, tag}:
            request.requestHeaders.removeHeader(b"range")
        if (asked := request.getHeader("range")) is not None:
            request.requestHeaders.setRawHeaders(b"range", [_bounded(asked, path.stat().st_size).encode()])
        if not packed:
            return super().render_GET(request)
        body = _compressed(path, digest)
        request.setHeader(b"content-type", self.type.encode())
        request.setHeader(b"content-encoding", b"gzip")
        request.setHeader(b"content-length", str(len(body)).encode())
        return b"" if request.method == b"HEAD" else body

    render_HEAD = render_GET  # noqa: N815  # Twisted's name


class _Root(_File):
    """The folder of a release; its front page is that of the site, and `status.json` is that of the home."""

    def __init__(self, release: Path, published: Path) -> None:
        lines = (release / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        super().__init__(
            str(release), release, {name: digest for digest, _, name in (x.partition("  ") for x in lines)}
        )
        self.published = published

    def getChild(self, path: bytes, request: server.Request) -> _Answer:  # noqa: N802  # Twisted's name
        """Return a file of the release, or the state of the sources."""
        if path == b"":
            return _Front()
        if path == _STATUS.encode():
            return _File(str(self.published / _STATUS), self.published, {})
        return super().getChild(path, request)


class _Front(resource.Resource):
    """Leads to the front page."""

    def render_GET(self, request: server.Request) -> bytes:  # noqa: N802  # Twisted's name
        """Lead to the front page."""
        return redirectTo(f"/{FOLDER}/".encode(), request)  # type: ignore[arg-type]  # zope's interface


_LAST_BYTES = re.compile(r"(?<=[=,\s])-([0-9]{1,4000})")


def _bounded(asked: str, size: int) -> str:
    """Return a Range header whose suffixes are no longer than the file: the whole is meant (RFC 9110, 14.1.2)."""
    return _LAST_BYTES.sub(lambda suffix: f"-{min(int(suffix[1]), size)}", asked)


def _accepts_gzip(request: server.Request) -> bool:
    for choice in (request.getHeader("accept-encoding") or "").split(","):
        name, _, quality = choice.partition(";")
        if name.strip().lower() == "gzip":
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


@lru_cache(maxsize=32)
def _compressed(path: Path, digest: str) -> bytes:  # noqa: ARG001  # the digest is there to forget what has changed
    return gzip.compress(path.read_bytes(), mtime=0)
