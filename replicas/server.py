"""A small HTTP/1.1 server on loopback that serves one replica of a source, and misbehaves on request."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

SYNTHETIC_HEADER = "X-Cluster-Observatory-Replica"
CHUNK = 1 << 18  # bytes of one chunk of a compressed answer


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a replica sees it, and as its log keeps it.

    Attributes:
        method: upper-case HTTP method.
        target: path and query as they were sent.
        headers: header values by lower-case name.
        body: the request's body.
        received_at: seconds of the monotonic clock.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    received_at: float

    @property
    def path(self) -> str:
        """The path as it was sent, still percent-encoded, without the query."""
        return urlsplit(self.target).path

    @property
    def segments(self) -> list[str]:
        """The decoded, non-empty parts of the path."""
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def query(self) -> dict[str, str]:
        """The decoded query; of a repeated parameter the last value."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: its status, its body before any compression, and extra headers.

    Attributes:
        cut: bytes of the body after which the connection breaks.
        hang: seconds before it breaks there.
    """

    body: bytes
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    hang: float = 0


class Unanswered(Exception):  # noqa: N818 - it is an outcome, not an error of the replica
    """The connection closes without an answer, after `seconds`; with a TCP reset where asked."""

    def __init__(self, seconds: float = 0, *, reset: bool = False) -> None:
        super().__init__(seconds, reset)
        self.seconds = seconds
        self.reset = reset


class App(Protocol):
    """A source's behaviour: from a request to an answer, in any thread.

    Attributes:
        base_path: what stands before every path of the app, "/data" or "".
        robots: the text of /robots.txt, or None for a source that has none.
    """

    base_path: str
    robots: str | None

    def respond(self, request: Request) -> Response:
        """Answer a request below `base_path`, or raise `Unanswered`."""


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next requests whose path and query match.

    Attributes:
        pattern: shell pattern for path and query, e.g. "/data/region/*".
        times: how many requests it still hits.
        delay: seconds to wait before anything else.
        cut: bytes of the app's answer after which the connection breaks.
        hang: seconds before it breaks there.
        answer: what to send in place of the app's answer.
        reset: close the connection with a TCP reset in place of any answer.
    """

    pattern: str
    times: int = 1
    delay: float = 0
    cut: int | None = None
    hang: float = 0
    answer: Response | None = None
    reset: bool = False


A = TypeVar("A", bound=App)


class Replica(Generic[A]):
    """Serves an app on 127.0.0.1 in a thread; a context manager.

    Attributes:
        app: the app that answers.
        base_url: the address below which the app answers, without a closing slash.
        requests: every request received, in order.
        faults: what shall go wrong; the first matching fault with `times` left is used up first.
    """

    def __init__(self, app: A, port: int = 0) -> None:
        self.app = app
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}{app.base_path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, request: Request) -> Response:
        """Log a request and answer it: by a fault, as robots.txt, or by the app.

        Raises:
            Unanswered: there shall be no answer; the wait is over.
        """
        with self._lock:
            self.requests.append(request)
            fault = next((f for f in self.faults if f.times and fnmatchcase(request.target, f.pattern)), None)
            if fault:
                fault.times -= 1
        try:
            if fault and (answer := self._misbehave(fault)):
                return answer
            if request.path == "/robots.txt" and self.app.robots is not None:
                return Response(self.app.robots.encode(), media_type="text/plain")
            response = self.app.respond(request)
            return response if fault is None else replace(response, cut=fault.cut, hang=fault.hang)
        except Unanswered as silence:
            self._stopping.wait(silence.seconds)
            raise

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the replica runs."""
        self._stopping.wait(seconds)

    def _misbehave(self, fault: Fault) -> Response | None:
        self._stopping.wait(fault.delay)
        if fault.reset:
            raise Unanswered(reset=True)
        return fault.answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], replica: Replica[A]) -> None:
        super().__init__(address, _Handler)
        self.replica = replica


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "replica"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client went away: its right, and often what a test wants
            self.close_connection = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, time.monotonic())
        try:
            response = self.server.replica.handle(request)
        except Unanswered as silence:
            self.close_connection = True
            if silence.reset:
                self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            return
        self._send(response, compress="gzip" in headers.get("accept-encoding", ""))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _send(self, response: Response, *, compress: bool) -> None:
        self.send_response(response.status)
        self.send_header(SYNTHETIC_HEADER, "synthetic")
        self.send_header("Content-Type", response.media_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        is_compressed = "Content-Encoding" in response.headers
        compress = compress and bool(response.body) and not is_compressed and self.request_version == "HTTP/1.1"
        compress = compress and response.cut is None
        if compress:
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if not compress:
            self.wfile.write(response.body[: response.cut])
            if response.cut is not None:
                self.wfile.flush()
                self.server.replica.wait(response.hang)
                self.close_connection = True
            return
        for chunk in _gzip(response.body):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Stay silent: the replica keeps its own log."""


def _gzip(body: bytes) -> Iterator[bytes]:
    """Compress in pieces, none of them empty (an empty chunk would end the answer)."""
    packer = zlib.compressobj(level=1, wbits=31)
    view = memoryview(body)
    for start in range(0, len(body), CHUNK):
        if piece := packer.compress(view[start : start + CHUNK]):
            yield piece
    yield packer.flush()
