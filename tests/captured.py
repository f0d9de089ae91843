"""What a replica answered in one crawl, as a web archive holds it."""

from __future__ import annotations

from typing import Any

from web_archive import THEN, InternetArchive

from replicas.server import Replica, Response

GONE = "http://127.0.0.1:9"
"""The site that is gone: the base address to ask an archive for. Nothing listens on port 9."""


def archive_of(replica: Replica[Any]) -> Replica[InternetArchive]:
    """Return a web archive that holds all that the replica was asked for, but for robots.txt, under `GONE`."""
    captures: dict[str, dict[str, Response]] = {}
    for request in replica.requests:
        if request.path != "/robots.txt":
            captures.setdefault(f"{GONE}{request.target}", {})[THEN] = replica.app.respond(request)
    return Replica(InternetArchive(captures))
