"""What the parser of a feed gives: batches of raw records, or the reason why a document is not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crawlers.evidence import Stored

_HEAD = 200


@dataclass(frozen=True, slots=True)
class Table:
    """A table of rows under one header that stands whole in a document, too big for one Python object per row.

    Attributes:
        body: CSV, or a JSON array of arrays; the first row is the header. The content of the document: what is large
            stays where it is.
        columns: for each column the key under which its values are handed over; None for one that is not.
        constants: keys and values that every record gets beside its own. A column of the same key is compared with
            it: a document with another value is refused.
        located_by: keys whose columns and values name a record, where only chosen rows are handed over: many rows are
            one thing then, and none is counted.
        null: what stands for nothing, beside an empty cell.
        optional: keys that a table may lack; the query that chooses rows sees nulls there.
        within: where in the document the table stands: `zip:<member>!`, or nothing where it is the document. Only for a
            table of which rows are chosen.
    """

    body: bytes | Stored
    columns: Sequence[str | None]
    constants: Mapping[str, str]
    located_by: Mapping[str, str] = field(default_factory=dict)
    null: str = ""
    optional: Sequence[str] = ()
    within: str = ""

    @property
    def is_json(self) -> bool:
        """Whether the rows are JSON arrays; else they are lines of CSV."""
        head = self.body[:_HEAD] if isinstance(self.body, bytes) else self.body.head(_HEAD)
        return head.lstrip().startswith(b"[")


@dataclass(frozen=True, slots=True)
class Batch:
    """Raw records of one kind from one document.

    Attributes:
        kind: kind of record; the feed's contract has a model for it.
        records: a JSON array of objects as bytes, the objects, or a table.
        pointer: JSON pointer of a record in the document, `{}` for its index. Records that carry a `_locator` of
            their own need none.
        notes: what was expected in the document and not found, or found and not expected. The harvest warns of each,
            with the addresses.
    """

    kind: str
    records: bytes | Sequence[Mapping[str, Any]] | Table
    pointer: str = "/{}"
    notes: Sequence[str] = ()


class LeftOut(ValueError):  # noqa: N818  # it is an outcome: the document is kept, and not read
    """A document that the parser of a feed knows and does not read; the message says why, and what to bring instead.

    Attributes:
        notes: what was expected in the document and not found, as of a `Batch`.
    """

    def __init__(self, reason: str, notes: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.notes = tuple(notes)
