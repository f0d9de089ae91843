"""A small web archive on loopback, for the tests of the route wayback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from replicas.server import Request, Response

FIELDS = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
THEN = "20190102030405"


@dataclass
class InternetArchive:
    """Speaks as the Internet Archive does.

    Attributes:
        captures: address → timestamp → what was captured; a header Location makes a redirect.
        live: addresses that are passed on from the live web.
        page: captures in one answer of the index.
    """

    captures: dict[str, dict[str, Response]]
    base_path: str = ""
    robots: str | None = None
    live: frozenset[str] = frozenset()
    page: int = 100
    hidden: dict[str, dict[str, Response]] = field(default_factory=dict)  # played, though no index tells of them

    def respond(self, request: Request) -> Response:
        """Answer index and captures."""
        if request.path == "/cdx/search/cdx":
            return Response(json.dumps(self._index(request.query)).encode())
        place, _, address = request.target.removeprefix("/web/").partition("id_/")
        told = (self.captures | self.hidden).get(address, {}).get(place)
        if told is None:
            return Response(b"not in archive", 404, "text/html")
        at = datetime.strptime(place, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        memento = {} if address in self.live else {"Memento-Datetime": format_datetime(at, usegmt=True)}
        link = {"Link": f'<{address}>; rel="original"'}
        return Response(told.body, told.status, told.media_type, {**memento, **link, **told.headers})

    def _index(self, query: Mapping[str, str]) -> list[list[str]]:
        address = query["url"]
        rows = [
            ["key", at, address, "-", str(told.status), str(hash(told.body)), "1"]
            for at, told in self.captures.get(address, {}).items()
        ]
        start = int(query.get("resumeKey", "0"))
        rest = [[], [str(start + self.page)]] if len(rows) > start + self.page else []
        return [FIELDS, *rows[start : start + self.page], *rest] if rows else []
