"""Pages of records are cut so that they are read in parallel, and nothing shows of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import staging
from crawlers.batch import Batch
from normalizers import contract
from normalizers.contract import ContractError, RawPage, Record

pytestmark = pytest.mark.duckdb


class Item(Record):
    """Anything with an id."""

    kind: ClassVar[str] = "items"
    key: ClassVar[tuple[str, ...]] = ("id",)
    sparse: ClassVar[frozenset[str]] = frozenset({"parts", "text"})

    id: int
    text: str | None = None
    parts: list[Any] | None = None


def checked(folder: Path, *documents: bytes) -> tuple[list[tuple[Any, ...]], int]:
    """Cut, write and check documents; return the rows, and how many files there were."""
    pages = []
    for number, body in enumerate(documents):
        paths = staging._write_pages(Batch("items", body), folder / f"items-{number:05d}", "us:a")  # noqa: SLF001  # what is tested
        pages += [RawPage(f"us:{number}", path, "/{}", continues=piece > 0) for piece, path in enumerate(paths)]
    with duckdb.connect() as connection:
        staging._check(connection, Item, pages)  # noqa: SLF001  # what is tested
        rows = connection.execute("SELECT document_id, locator, id, text, parts FROM raw.items ORDER BY ALL").fetchall()
    return rows, len(pages)


def test_records_are_counted_through_the_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [json.dumps([{"id": i} for i in range(n, n + 7)], separators=(",", ":")).encode() for n in (10, 20)]
    monkeypatch.setattr(staging, "PAGE_BYTES", 15)
    rows, files = checked(tmp_path, *documents)
    assert [(row[0], row[1], row[2]) for row in rows] == [
        (f"us:{document}", f"json:/{number}", 10 * (document + 1) + number)
        for document in (0, 1)
        for number in range(7)
    ]
    assert files > len(documents)


def test_pieces_that_duckdb_appends_out_of_order_are_counted_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen with wide records: each of two threads read every other piece, and one thread's pieces all came first."""
    plain = contract._Check._insert  # noqa: SLF001  # what is tested

    def by_turns(run: contract._Check, relation: str, values: Sequence[str], clean: str) -> None:
        for rest in (0, 1):
            plain(run, f"(FROM {relation} WHERE page % 2 = {rest})", values, clean)

    monkeypatch.setattr(contract._Check, "_insert", by_turns)  # noqa: SLF001
    monkeypatch.setattr(staging, "PAGE_BYTES", 15)
    rows, files = checked(tmp_path, json.dumps([{"id": i} for i in range(40)], separators=(",", ":")).encode())
    assert files > 10
    assert [(row[1], row[2]) for row in sorted(rows, key=lambda row: int(row[2]))] == [
        (f"json:/{number}", number) for number in range(40)
    ]


parts = st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(["},{", "]", '"', "x"])), max_size=3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=4), parts), min_size=1, max_size=6), st.integers(1, 40))
def test_a_cut_never_changes_a_record(tmp_path_factory: pytest.TempPathFactory, items: list[Any], size: int) -> None:
    """Not even where the marks of a cut stand inside a text or a list."""
    body = json.dumps(
        [{"id": i, "text": text, "parts": parts} for i, (text, parts) in enumerate(items)], separators=(",", ":")
    ).encode()
    folder = tmp_path_factory.mktemp("whole")
    whole, _ = checked(folder, body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "PAGE_BYTES", size)
        cut, _ = checked(tmp_path_factory.mktemp("cut"), body)
    assert cut == whole
    assert [json.loads(row[4]) for row in cut] == [parts for _, parts in items]


def test_a_page_that_is_broken_is_named_whether_it_was_cut_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PAGE_BYTES", 5)
    with pytest.raises(ContractError, match="us:0: expected a JSON array"):
        checked(tmp_path, b'[{"id":1},{"id":2},{"id":3')
