"""What every page and data file of a site is made with: the tables, the templates, the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection
from jinja2 import Environment, PackageLoader, StrictUndefined

from exports.site import text, worldmap

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """What every page is made with.

    Attributes:
        folder: where the site is written.
        session: a connection whose current database is ``release``.
        templates: the templates of the pages.
        release: the manifest of the release, as far as it is known.
    """

    folder: Path
    session: DuckDBPyConnection
    templates: Environment
    release: Mapping[str, Any]

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query as dictionaries."""
        cursor = self.session.execute(query, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def page(self, name: str, template: str, **values: object) -> None:
        """Write a page; `name` is its path below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = self.templates.get_template(template).render(
            root="../" * name.count("/"), release=self.release, here=name, **values
        )
        path.write_text(content, encoding="utf-8")

    def data(self, name: str, document: object) -> None:
        """Write a JSON file; `name` is its path below ``data/``."""
        path = self.folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


@cache
def templates() -> Environment:
    """Return the templates of the pages, with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("exports.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=text.shown,
    )
    environment.filters |= {
        "number": text.number,
        "link": text.link,
        "file_name": text.file_name,
        "size": text.size,
        "id": text.quoted,
        "radius": worldmap.radius,
        "words": text.words,
    }
    return environment
