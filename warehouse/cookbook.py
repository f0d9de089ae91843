"""The cookbook: ``questions.md`` has questions with their SQL; ``docs/cookbook.md`` has the answers of a release too.

Run as ``python -m warehouse.cookbook [DATABASE [PAGE]]``: the database is that of the newest demo release unless
another is given. The page is made anew, with the answer to each query below it as a table.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb

from warehouse.store import connect

PAGE = Path("docs/cookbook.md")
DATABASE = Path("demo/published/latest/observatory.duckdb")

_QUESTION = re.compile(
    r"^## (?P<number>\d+)\. (?P<title>.+)\n(?P<note>(?:(?!## |```sql\n).*\n)*)```sql\n(?P<sql>(?:(?!```).*\n)+)```\n"
    r"(?P<answer>(?:(?!## ).*\n)*)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the page, and the answer that stands under it.

    Attributes:
        number: its place, from 1.
        title: the question.
        sql: one statement on a release.
        answer: the table below it, with its header; empty where none was written yet.
    """

    number: int
    title: str
    sql: str
    answer: str


def source() -> str:
    """Return the page without answers."""
    return (resources.files("warehouse") / "questions.md").read_text(encoding="utf-8")


def questions(page: str) -> list[Question]:
    """Return the questions of a page, in order."""
    return [
        Question(int(found["number"]), found["title"], found["sql"], found["answer"].strip())
        for found in _QUESTION.finditer(page)
    ]


def answered(connection: duckdb.DuckDBPyConnection, page: str) -> str:
    """Return the page with the answers of the release that a connection has open.

    Raises:
        duckdb.Error: a query does not run on this release.
    """

    def write(found: re.Match[str]) -> str:
        cursor = connection.execute(found["sql"])
        return f"{found[0].removesuffix(found['answer'])}\n{table(cursor)}\n"

    return _QUESTION.sub(write, page).rstrip("\n") + "\n"


def table(cursor: duckdb.DuckDBPyConnection) -> str:
    """Return a result as a Markdown table; null is an empty cell, a list its items by comma."""
    head = [name for name, *_ in cursor.description]
    rows = [[_cell(value) for value in row] for row in cursor.fetchall()]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("|", "\\|").replace("\n", " ")


def main(database: Path = DATABASE, page: Path = PAGE) -> None:
    """Write the answers of a release into the page."""
    with connect(str(database), read_only=True) as connection:
        page.write_text(answered(connection, source()), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
