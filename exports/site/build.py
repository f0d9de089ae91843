"""The pages and data of a release's site, made from the tables of the database ``release`` and nothing else.

The licence gate has judged those tables, so the site can show nothing that the release may not. Equal tables give equal
bytes: every query is ordered, and nothing reads the clock.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from exports.site import FOLDER, pages, shards, tables
from exports.site.site import Site, templates

ENGINE = Path(__file__).parent / "console" / "built"
"""What `make console` builds: DuckDB for the browser. Without it a site has no console, and says so."""

_ASSETS = Path(__file__).parent / "assets"


def write(connection: DuckDBPyConnection, folder: Path, release: Mapping[str, Any]) -> Path:
    """Write the site of a release.

    Args:
        connection: one that has the database ``release``; every table of the schema is in it.
        folder: folder of the release; the site goes below it.
        release: its manifest: release_id, profile, published_at, synthetic, notes, schema_version, tables, files.

    Returns:
        The folder of the site.
    """
    target = folder / FOLDER
    target.mkdir()
    with connection.cursor() as session:
        session.execute("USE release")
        site = Site(target, session, templates(), release)
        tables.prepare(site)
        pages.write(site)
        shards.write(site)
    for name in ("style.css", "site.js"):
        (target / name).write_bytes((_ASSETS / name).read_bytes())
    if ENGINE.is_dir():
        shutil.copytree(ENGINE, target / "console", copy_function=shutil.copyfile)
    return target
