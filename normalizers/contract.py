"""The contract of a record kind: one bulk check in DuckDB, generated from the kind's pydantic model.

What a model accepts, the generated SQL accepts, and the other way round. The pages are read twice: once for the
keys that occur, once for the fields as text, which are tested and cast. Where all is well that is all. Only where a
record is not clean they are read again with care, record by record beside its JSON, and those that failed are fetched
for quarantine.
"""

from __future__ import annotations

import codecs
import glob
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

LOCATOR_KEY = "_locator"
"""The key under which a parser hands over a record's own locator."""

_INTEGER = "-?[0-9]{1,19}"
_NUMBER = "-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?"
_BIGINT = range(-(2**63), 2**63)
_SQL_TYPES = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
_LIMITS = {key: f"{sign} {{}}" for key, sign in _BOUNDS.items()} | {
    "minLength": "at least {} long",
    "maxLength": "at most {} long",
    "pattern": "matching {}",
}
_WORDS = {
    "any": "a value",
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a finite number",
    "object": "an object",
    "string": "a string",
}
_KEYWORDS = _LIMITS.keys() | {"type", "items", "additionalProperties", "enum", "const"}
_ANNOTATIONS = {"title", "description", "default"}
_PERL_CLASS = re.compile(r"\\[bdswpBDSWP]")
_REPEATS = "(len(list_distinct(json_keys(json))) < len(json_keys(json)))"
_SHOWN_CHARACTERS = 200
_TABLE = ".parquet"
_READERS_OWN = frozenset({"file_index", "whole"})  # names that a column of the same name would hide


class ContractError(ValueError):
    """A page that is no JSON array; the message names the document."""


class Record(BaseModel):
    r"""What one raw record of a kind must satisfy.

    Values count as the text that JSON writes for them: ``2016`` and ``"2016"`` are the same integer and the same
    string. Fields are ``str``, ``int``, ``float``, ``bool``, ``Literal`` of strings, ``list[str]``,
    ``list[Any]``, ``dict[str, Any]`` or ``Any``, each required or ``| None = None``. A source key that is no
    Python name is given as ``Field(alias=...)``. Patterns name their characters (``[0-9]``, not ``\d``).

    Attributes:
        kind: the name of the kind and of its table, such as ``cells``.
        key: the required fields that together name a record.
        ignored: source keys that are knowingly not read, each with the reason.
        ignored_patterns: the same for families of keys: a regular expression that the whole key matches → reason.
        repeated: whether equal records come many times by the nature of the source.
        sparse: optional fields that may be absent from every record; that all others are is a sign of a change.
        kept: of a table, SQL over its texts: the rows that are looked at at all.
        chosen: of a table, SQL over `part`, the rows that were kept: those that become records. May use the macros that
            the feeds of the source share. Rows that are left out are counted in the table `left_out`.
    """

    model_config = ConfigDict(
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        extra="ignore",  # an unknown key is reported by the check, it never rejects a record
        frozen=True,
    )

    kind: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    ignored: ClassVar[Mapping[str, str]] = MappingProxyType({})
    ignored_patterns: ClassVar[Mapping[str, str]] = MappingProxyType({})
    repeated: ClassVar[bool] = False
    sparse: ClassVar[frozenset[str]] = frozenset()
    kept: ClassVar[str] = "true"
    chosen: ClassVar[str | None] = None

    @field_validator("*", mode="before")
    @classmethod
    def _read_text(cls, value: object, info: ValidationInfo) -> object:
        """Read a value as the SQL reads it, from its text; pydantic's own checks follow.

        Raises:
            ValueError: the text is not of the field's type, or a required value is null.
        """
        field = next(field for field in _fields(cls) if field.name == info.field_name)
        if value is None and not field.required:
            return None
        text = json.dumps(value) if isinstance(value, bool | int | float) else value
        match field.type, text:
            case "integer", str() if re.fullmatch(_INTEGER, text) and int(text) in _BIGINT:
                return int(text)
            case "number", str() if re.fullmatch(_NUMBER, text) and math.isfinite(float(text)):
                return float(text)
            case "boolean", "true" | "false":
                return text == "true"
            case "string", str() if field.choices and not isinstance(value, bool):
                return text
            case ("integer" | "number" | "boolean", _) | (_, None):
                raise ValueError(f"expected {field.expectation}")
        return value


@dataclass(frozen=True, slots=True)
class RawPage:
    """The records of one kind that stand in one archived document.

    Attributes:
        document_id: the document.
        path: a file that holds a JSON array of objects; or of a table, in Parquet, one row of texts for each.
        pointer: JSON pointer of a record in the document; ``{}`` stands for its index in the array. A record
            that carries a ``_locator`` keeps that instead.
        continues: its records go on counting where the page before ended.
    """

    document_id: str
    path: Path
    pointer: str = "/{}"
    continues: bool = False


@dataclass(frozen=True, slots=True)
class KindReport:
    """What the check of one kind found.

    Attributes:
        kind: the record kind.
        records: all elements of all pages.
        duplicates: identical twins that were set aside.
        rejected: records rejected as a whole.
        rejected_values: optional values rejected alone.
        keys: key -> records that have it.
        unknown_keys: key -> (records that have it, first document_id, first locator).
        missing_keys: fields that no record has, although there are records: a renamed key looks like this.
    """

    kind: str
    records: int
    duplicates: int
    rejected: int
    rejected_values: int
    keys: Mapping[str, int]
    unknown_keys: Mapping[str, tuple[int, str, str]]
    missing_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Torn:
    """A record that cannot even be read as one: a line of a table that is no row.

    Attributes:
        document_id: the document.
        locator: where it stands in it.
        reason: what was expected, and what came.
        raw: the line.
    """

    document_id: str
    locator: str
    reason: str
    raw: str


def check(
    connection: duckdb.DuckDBPyConnection, model: type[Record], pages: Sequence[RawPage], torn: Sequence[Torn] = ()
) -> KindReport:
    """Check all records of one kind and keep them, typed, in ``raw.<kind>``.

    The table has ``document_id``, ``locator``, one column per field, ``rejected`` (the record must not be used)
    and ``rejected_fields`` (fields whose bad value is null in the row). Reasons are appended to
    ``quarantine_entries``.

    Args:
        connection: in memory; must preserve the insertion order, as DuckDB does by default.
        model: the contract.
        pages: the records, in the order in which the first of identical twins is kept.
        torn: records that could not be read; they go to quarantine, and count as rejected.

    Returns:
        The counts, and the keys that model and records do not share.

    Raises:
        ContractError: a page is no JSON array.
        TypeError: the model cannot be checked in SQL.
    """
    run = _Check(connection, model, _fields(model), pages)
    run.create_tables()
    keys = run.read() if pages else {}
    run.quarantine(torn)
    records = run.count(run.table)
    known = {field.source_key for field in run.fields} | model.ignored.keys() | {LOCATOR_KEY}
    unknown = {
        name: count
        for name, count in sorted(keys.items())
        if name not in known and not any(re.fullmatch(pattern, name) for pattern in model.ignored_patterns)
    }
    first_seen = run.report_unknown(unknown, records) if unknown else {}
    run.compare_same_keys()
    run.find_problems()
    duplicates, rejected, rejected_values = run.settle()
    return KindReport(
        kind=model.kind,
        records=records + len(torn),
        duplicates=duplicates,
        rejected=rejected + len(torn),
        rejected_values=rejected_values,
        keys={key: count for key, count in keys.items() if key != LOCATOR_KEY},
        unknown_keys=first_seen,
        missing_keys=tuple(field.name for field in run.fields if records and field.source_key not in keys),
    )


@dataclass(frozen=True)
class _Field:
    """One field of a model as the SQL sees it: `v` is the record as a struct of texts, `json` the record."""

    name: str
    source_key: str
    required: bool
    schema: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The JSON Schema type, ``any`` where there is none."""
        return str(self.schema.get("type", "any"))

    @property
    def choices(self) -> Sequence[str]:
        """The allowed strings, where the list is closed."""
        return self.schema.get("enum") or [self.schema[key] for key in ("const",) if key in self.schema]

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the column."""
        return _SQL_TYPES.get(self.type, "JSON")

    @property
    def text(self) -> str:
        """What is written; nested JSON as JSON; null where nothing is."""
        return f"v.{_identifier(self.source_key)}"

    @property
    def path(self) -> str:
        """The JSON path of the value."""
        return _literal(f'$."{self.source_key}"')

    @cached_property
    def valid(self) -> str:
        """SQL predicate: what is written is a value of this field."""
        # As text, {"a": 1}, [1] and true look like strings; only such a text is worth a look at its JSON type.
        is_string = f"CASE WHEN {self._doubtful} THEN json_type(json, {self.path}) = 'VARCHAR' ELSE true END"
        return self._conditions(is_string)

    @property
    def clean(self) -> str:
        """SQL predicate: without a look at its JSON, there is no doubt that the field is good."""
        valid = self._conditions(f"NOT {self._doubtful}")
        return valid if self.required else f"({self.text} IS NULL OR {valid})"

    @property
    def clean_value(self) -> str:
        """SQL of the typed value of a clean field."""
        return self.text if self.sql_type in {"VARCHAR", "JSON"} else f"TRY_CAST({self.text} AS {self.sql_type})"

    def _conditions(self, is_string: str) -> str:
        text, conditions = self.text, []
        match self.type:
            case "integer" | "number":
                number = f"TRY_CAST({text} AS {self.sql_type})"
                conditions = [
                    f"regexp_full_match({text}, '{_INTEGER if self.type == 'integer' else _NUMBER}')",
                    f"isfinite({number}::DOUBLE)",
                    *(f"{number} {sign} {self.schema[key]}" for key, sign in _BOUNDS.items() if key in self.schema),
                ]
            case "boolean":
                conditions = [f"{text} IN ('true', 'false')"]
            case "object":
                conditions = [f"json_type({text}) = 'OBJECT'"]
            case "array":
                conditions = [f"json_type({text}) = 'ARRAY'"]
                if self.schema["items"]:
                    not_strings = "['NULL', 'BOOLEAN', 'ARRAY', 'OBJECT']"
                    conditions.append(f"NOT list_has_any({not_strings}, json_type({text}, '$[*]'))")
            case "string":
                conditions = [is_string, *self._string_conditions()]
        return f"coalesce({' AND '.join((f'{text} IS NOT NULL', *conditions))}, false)"

    @property
    def good(self) -> str:
        """SQL predicate: the field does not speak against the record."""
        return self.valid if self.required else f"({self.text} IS NULL OR {self.valid})"

    @property
    def value(self) -> str:
        """SQL of the typed value, null where it is not valid."""
        return f"CASE WHEN {self.valid} THEN CAST({self.text} AS {self.sql_type}) END"

    @property
    def problem(self) -> str:
        """SQL of the quarantine entry of the field, null where the field is good."""
        level = "record" if self.required else "value"
        reason = _literal(f"{self.source_key}: expected {self.expectation}, got ")
        got = f"coalesce(left(json_extract(json, {self.path})::VARCHAR, {_SHOWN_CHARACTERS}), 'nothing')"
        return f"CASE WHEN NOT {self.good} THEN {_entry(level, _literal(self.name), f'{reason} || {got}')} END"

    @property
    def expectation(self) -> str:
        """What the field accepts, in words."""
        if self.choices:
            return f"one of {', '.join(map(_shown, self.choices))}"
        words = "a list of strings" if self.schema.get("items") else _WORDS[self.type]
        limits = [text.format(self.schema[key]) for key, text in _LIMITS.items() if key in self.schema]
        return f"{words} {', '.join(limits)}".rstrip()

    @property
    def _doubtful(self) -> str:
        """SQL predicate: the text may be that of something else than a string."""
        return f"regexp_matches({self.text}, '^([\\[{{]|true$|false$)')"

    def _string_conditions(self) -> list[str]:
        schema, text = self.schema, self.text
        tests = {
            "pattern": f"regexp_matches({text}, {_literal(schema.get('pattern', ''))})",
            "minLength": f"length({text}) >= {schema.get('minLength')}",
            "maxLength": f"length({text}) <= {schema.get('maxLength')}",
        }
        return [
            *([f"{text} IN ({', '.join(map(_literal, self.choices))})"] if self.choices else []),
            *(test for key, test in tests.items() if key in schema),
        ]


@cache
def _fields(model: type[Record]) -> tuple[_Field, ...]:
    """The fields of a model, from its JSON Schema.

    Raises:
        TypeError: the model says something that SQL and pydantic would not read alike.
    """
    properties = model.model_json_schema(by_alias=False)["properties"]
    fields = []
    for name, info in model.model_fields.items():
        alternatives = properties[name].get("anyOf", [properties[name]])
        schemas = [schema for schema in alternatives if schema.get("type") != "null"]
        nullable = len(schemas) < len(alternatives) or ("type" not in schemas[0] and not info.is_required())
        plain = (
            len(schemas) == 1
            and schemas[0].keys() <= _KEYWORDS | _ANNOTATIONS
            and schemas[0].get("items", {}) in ({}, {"type": "string"})
            and schemas[0].get("additionalProperties", True) is True
        )
        if not plain or nullable == info.is_required() or (nullable and info.default is not None):
            raise TypeError(f"{model.__name__}.{name}: expected one plain type, required or `| None = None`")
        if _PERL_CLASS.search(schemas[0].get("pattern", "")):
            raise TypeError(f"{model.__name__}.{name}: name the characters, as in [0-9]; the engines differ in \\d")
        fields.append(_Field(name, info.alias or name, info.is_required(), schemas[0]))
    if not model.key or not {field.name for field in fields if field.required}.issuperset(model.key):
        raise TypeError(f"{model.__name__}.key: expected required fields, got {model.key}")
    return tuple(fields)


@dataclass(frozen=True)
class _Check:
    """One run over the records of one kind.

    The rows of the table stand in the order of the records, so that `rowid` is the number of the record in all
    pages; this holds until rows are deleted, and an update of a list column comes last because it moves rows.
    """

    connection: duckdb.DuckDBPyConnection
    model: type[Record]
    fields: Sequence[_Field]
    pages: Sequence[RawPage]

    @property
    def table(self) -> str:
        """The table of the kind."""
        return f"raw.{_identifier(self.model.kind)}"

    @cached_property
    def source(self) -> str:
        """SQL table function over all pages; its `file_index` is the position of the page.

        Raises:
            ContractError: a page does not begin like a JSON array.
        """
        for page in self.in_json:
            with page.path.open("rb") as file:
                start = file.read(_SHOWN_CHARACTERS).removeprefix(codecs.BOM_UTF8).lstrip()
            if not start.startswith(b"["):
                raise ContractError(f"{page.document_id}: expected a JSON array of objects, got {start!r}")
        return f"read_json_objects({self.arguments})"

    @cached_property
    def arguments(self) -> str:
        """What DuckDB's readers of JSON are told of the pages."""
        paths = ", ".join(_literal(glob.escape(str(page.path))) for page in self.in_json)
        # No object is larger than its page, and a higher limit costs memory: the buffers have twice its size.
        largest = max(page.path.stat().st_size for page in self.in_json)
        return f"[{paths}], format = 'array', maximum_object_size = {largest}"

    @cached_property
    def in_json(self) -> Sequence[RawPage]:
        """All pages as JSON; tables are written as that once more, which only what is not clean needs."""
        return [self._to_json(page) if page.path.suffix == _TABLE else page for page in self.pages]

    def _to_json(self, page: RawPage) -> RawPage:
        path = page.path.with_suffix(".json")
        self.connection.execute(
            f"COPY (FROM read_parquet({_literal(glob.escape(str(page.path)))})) TO {_literal(str(path))} "
            "(FORMAT json, ARRAY true)"
        )
        return replace(page, path=path)

    @property
    def numbered(self) -> str:
        """SQL of all records with their number; read by one thread."""
        return f"(SELECT row_number() OVER () - 1 AS record, json FROM {self.source})"

    @property
    def structure(self) -> str:
        """What `json_transform` reads: the fields as text, nested ones as JSON."""
        texts = {field.source_key: "JSON" if field.sql_type == "JSON" else "VARCHAR" for field in self.fields}
        return _literal(json.dumps(texts | {LOCATOR_KEY: "VARCHAR"}))

    def count(self, relation: str) -> int:
        """The number of rows of a table, which may be followed by a WHERE clause."""
        ((count,),) = self.connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
        return int(count)

    def create_tables(self) -> None:
        """Create the empty tables; the quarantine only if there is none."""
        self.connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        self._create_table()
        self.connection.execute("""
            CREATE TABLE IF NOT EXISTS quarantine_entries (
                kind VARCHAR, level VARCHAR, document_id VARCHAR, locator VARCHAR, field VARCHAR, reason VARCHAR,
                raw VARCHAR);
            CREATE OR REPLACE TEMP TABLE problem (
                record BIGINT, raw VARCHAR, level VARCHAR, field VARCHAR, reason VARCHAR)""")

    def _create_table(self) -> None:
        columns = ", ".join(f"{_identifier(field.name)} {field.sql_type}" for field in self.fields)
        self.connection.execute(f"""
            CREATE OR REPLACE TABLE {self.table} (
                document_id VARCHAR, locator VARCHAR, {columns}, rejected BOOLEAN, rejected_fields VARCHAR[],
                _page BIGINT, _clean BOOLEAN)""")

    def read(self) -> Mapping[str, int]:
        """Fill the table.

        Returns:
            Every key that occurs, and in how many records.

        Raises:
            ContractError: a page is no JSON array, or DuckDB may shuffle the records.
        """
        ordered = self.connection.execute("SELECT current_setting('preserve_insertion_order')").fetchone()
        if ordered != (True,):
            raise ContractError("expected a connection with preserve_insertion_order = true: locators count records")
        if (clean := self._read_clean_tables()) is not None:
            return clean
        try:
            keys = self._read_keys()
            self._read_records(repeats=any(repeats for _, repeats in keys.values()))
        except duckdb.InvalidInputException as error:
            for page in self.in_json:
                if f'"{page.path}"' in str(error):
                    raise ContractError(f"{page.document_id}: expected a JSON array of objects; {error}") from error
            raise
        return {key: records for key, (records, _) in keys.items()}

    def _read_clean_tables(self) -> dict[str, int] | None:
        """Fill the table if all pages are tables and all is well with every row.

        Returns:
            Every key, and in how many records; None where the pages must be read as JSON.
        """
        if any(page.path.suffix != _TABLE for page in self.pages):
            return None
        keys: dict[str, int] = {}
        for number, page in enumerate(self.pages):
            file = f"read_parquet({_literal(glob.escape(str(page.path)))})"
            there = {row[0] for row in self.connection.execute(f"DESCRIBE FROM {file}").fetchall()}
            rows = self.count(file)
            keys |= {key: keys.get(key, 0) + rows for key in there}
            wanted = [*(field.source_key for field in self.fields), LOCATOR_KEY]
            texts = (_identifier(key) if key in there else f"NULL::VARCHAR AS {_identifier(key)}" for key in wanted)
            self._insert(
                f"(SELECT {number} AS page, v FROM (SELECT {', '.join(texts)} FROM {file}) AS v)",
                [field.clean_value for field in self.fields],
                " AND ".join(field.clean for field in self.fields),
            )
        if self.count(f"{self.table} WHERE NOT _clean"):
            self._create_table()  # so that rows are counted from the first again
            return None
        self._number()
        return keys

    def quarantine(self, torn: Sequence[Torn]) -> None:
        """Keep the records that could not be read."""
        if torn:
            self.connection.execute(
                """
                INSERT INTO quarantine_entries
                SELECT $kind, 'record', unnest($documents), unnest($locators), NULL, unnest($reasons), unnest($raws)""",
                {
                    "kind": self.model.kind,
                    "documents": [record.document_id for record in torn],
                    "locators": [record.locator for record in torn],
                    "reasons": [record.reason for record in torn],
                    "raws": [record.raw for record in torn],
                },
            )

    def _read_keys(self) -> dict[str, tuple[int, bool]]:
        """Each key with its number of records, and whether one of them writes some key twice."""
        rows = self.connection.execute(f"""
            WITH key_sets AS (
                -- Grouped by a digest of 64 bits: to group by the lists themselves takes five times as long.
                SELECT any_value(keys) AS keys, count(*) AS records
                FROM (SELECT json_keys(json) AS keys FROM {self.source}) GROUP BY hash(keys))
            SELECT key, sum(records)::BIGINT, bool_or(repeats)
            FROM (SELECT unnest(list_distinct(keys)) AS key, records, len(list_distinct(keys)) < len(keys) AS repeats
                  FROM key_sets)
            GROUP BY key""").fetchall()
        return {key: (records, repeats) for key, records, repeats in rows}

    def _read_records(self, *, repeats: bool) -> None:
        if repeats or not self._read_clean_records():
            self._read_with_care(repeats=repeats)
        if not self._is_in_order():
            self._put_in_order()
        self._number()

    def _is_in_order(self) -> bool:
        """Return whether the rows stand page by page and are numbered without a gap.

        DuckDB 2.0 reads several large files side by side, and may append what each thread has read as a whole, though
        it is told to preserve the order. Within a file the order is that of the file.
        """
        pages = self.connection.execute(
            f"SELECT count(*), min(rowid), max(rowid) FROM {self.table} GROUP BY _page ORDER BY _page"
        ).fetchall()
        begins = accumulate((rows for rows, _, _ in pages), initial=0)
        return all(
            (first, last) == (begin, begin + rows - 1)
            for begin, (rows, first, last) in zip(begins, pages, strict=False)
        )

    def _put_in_order(self) -> None:
        """Write the table again, page by page.

        Raises:
            ContractError: even so the rows are not in order, so no record could be named.
        """
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE disordered AS SELECT *, rowid AS _row FROM {self.table}")
        self._create_table()
        self.connection.execute(
            f"INSERT INTO {self.table} SELECT * EXCLUDE (_row) FROM disordered ORDER BY _page, _row; "
            "DROP TABLE disordered"
        )
        if not self._is_in_order():
            raise ContractError(f"{self.model.kind}: DuckDB does not keep records in order: no locator can be given")

    def _read_clean_records(self) -> bool:
        """Fill the table if all is well with every record; return whether it is."""
        types = {field.source_key: "JSON" if field.sql_type == "JSON" else "VARCHAR" for field in self.fields}
        if not _READERS_OWN.isdisjoint(key.lower() for key in types):
            return False
        columns = ", ".join(f"{_literal(key)}: '{kind}'" for key, kind in (types | {LOCATOR_KEY: "VARCHAR"}).items())
        try:
            self._insert(
                "(SELECT file_index::BIGINT AS page, whole AS v "
                f"FROM read_json({self.arguments}, columns = {{{columns}}}) AS whole)",
                [field.clean_value for field in self.fields],
                " AND ".join(field.clean for field in self.fields),
            )
        except duckdb.InvalidInputException:
            return False
        if not self.count(f"{self.table} WHERE NOT _clean"):
            return True
        self._create_table()  # so that rows are counted from the first again
        return False

    def _read_with_care(self, *, repeats: bool) -> None:
        values = f"json_transform(json, {self.structure}) AS v"
        self._insert(
            f"(SELECT file_index::BIGINT AS page, json, {values} FROM {self.source})",
            [field.value for field in self.fields],
            " AND ".join((f"NOT {_REPEATS}" if repeats else "true", *(field.good for field in self.fields))),
        )

    def _insert(self, relation: str, values: Sequence[str], clean: str) -> None:
        self.connection.execute(
            f"""
            INSERT INTO {self.table}
            SELECT $documents[page + 1], v.{LOCATOR_KEY}, {", ".join(values)}, false, [], page, {clean}
            FROM {relation}""",
            {"documents": [page.document_id for page in self.pages]},
        )

    def _number(self) -> None:
        """Write the locators of records that carry none of their own: the number in the document."""
        self.connection.execute(
            f"""
            UPDATE {self.table}
            SET locator = 'json:' || replace($pointers[_page + 1], '{{}}', (rowid - begin._first)::VARCHAR)
            FROM (SELECT $begins[_page + 1] AS _begun, min(rowid) AS _first FROM {self.table} GROUP BY _begun) AS begin
            WHERE $begins[_page + 1] = begin._begun AND locator IS NULL""",
            {
                "pointers": [page.pointer for page in self.pages],
                # The page with which the counting began.
                "begins": list(
                    accumulate(
                        (0 if page.continues else number for number, page in enumerate(self.pages)),
                        max,
                    )
                ),
            },
        )

    def report_unknown(self, unknown: Mapping[str, int], total: int) -> dict[str, tuple[int, str, str]]:
        """Quarantine one entry for each unknown key, at the first record that has it."""
        kind = self.model.kind
        reasons = [f"unknown key {_shown(key)} in {count:,} of {total:,} {kind}" for key, count in unknown.items()]
        first_seen = self.connection.execute(
            f"""
            INSERT INTO quarantine_entries
            SELECT $kind, 'value', checked.document_id, checked.locator, seen.key, seen.reason, seen.json
            FROM (SELECT key, any_value(reason) AS reason,
                      min(record) AS record, arg_min(json, record) AS json
                  FROM (SELECT record, json, unnest(json_keys(json)) AS key FROM {self.numbered})
                  JOIN (SELECT unnest($keys) AS key, unnest($reasons) AS reason) USING (key)
                  GROUP BY key) AS seen
            JOIN {self.table} AS checked ON checked.rowid = seen.record
            ORDER BY seen.record, seen.key
            RETURNING field, document_id, locator""",
            {"kind": kind, "keys": list(unknown), "reasons": reasons},
        ).fetchall()
        return {key: (unknown[key], document_id, locator) for key, document_id, locator in first_seen}

    def compare_same_keys(self) -> None:
        """Note records with the same key: in `twin` identical ones after the first, in `conflict` different ones."""
        key = ", ".join(map(_identifier, self.model.key))
        grouped = ", ".join(f"checked.{_identifier(name)}" for name in self.model.key)
        shown_key = ", ".join(f"{_identifier(name)}::VARCHAR" for name in self.model.key)
        present = " AND ".join(f"{_identifier(name)} IS NOT NULL" for name in self.model.key)
        content = ", ".join(_identifier(field.name) for field in self.fields)
        self.connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE same_key AS
            SELECT to_json([{shown_key}]) AS key, list(rowid ORDER BY rowid) AS records,
                count(DISTINCT row({content})) = 1 AS identical
            FROM {self.table} AS checked
            SEMI JOIN (SELECT {key} FROM {self.table} WHERE {present} GROUP BY {key} HAVING count(*) > 1)
                USING ({key})
            GROUP BY {grouped};
            CREATE OR REPLACE TEMP TABLE twin AS
            SELECT unnest(records[2:]) AS record FROM same_key WHERE identical;
            CREATE OR REPLACE TEMP TABLE conflict AS
            SELECT key, unnest(records) AS record, if(record = records[1], records[2], records[1]) AS other
            FROM same_key WHERE NOT identical""")

    def find_problems(self) -> None:
        """Read again the records that failed, and say what is wrong with each."""
        failed = f"""(
            SELECT checked.rowid AS record, conflict.key, also.document_id, also.locator
            FROM {self.table} AS checked
            LEFT JOIN conflict ON conflict.record = checked.rowid
            LEFT JOIN {self.table} AS also ON also.rowid = conflict.other
            WHERE (NOT checked._clean OR conflict.key IS NOT NULL)
                AND checked.rowid NOT IN (SELECT twin.record FROM twin))"""
        if not self.count(failed):
            return
        conflict = "'two different records have the key ' || key || '; also at ' || document_id || ' ' || locator"
        no_object = f"'expected a JSON object, got ' || left(json::VARCHAR, {_SHOWN_CHARACTERS})"
        problems = (
            f"CASE WHEN key IS NOT NULL THEN {_entry('record', 'NULL', conflict)} END",
            f"CASE WHEN {_REPEATS} THEN {_entry('record', 'NULL', _literal('a key is written twice'))} END",
            *(field.problem for field in self.fields),
        )
        self.connection.execute(f"""
            INSERT INTO problem
            SELECT record, json, entry.level, entry.field, entry.reason
            FROM (SELECT record, json, unnest(CASE WHEN json_type(json) = 'OBJECT' THEN [{", ".join(problems)}]
                                              ELSE [{_entry("record", "NULL", no_object)}] END) AS entry
                  FROM (SELECT *, json_transform(json, {self.structure}) AS v
                        FROM {failed} JOIN {self.numbered} USING (record)))
            WHERE entry IS NOT NULL""")

    def settle(self) -> tuple[int, int, int]:
        """Bring the problems to the quarantine and into the table, and take twins and helpers out of it.

        Returns:
            How many twins, rejected records and rejected values there were.
        """
        self.connection.execute(
            f"""
            INSERT INTO quarantine_entries
            SELECT $kind, problem.level, checked.document_id, checked.locator,
                problem.field, problem.reason, problem.raw
            FROM problem JOIN {self.table} AS checked ON checked.rowid = problem.record
            ORDER BY problem.record, problem.field, problem.reason""",
            {"kind": self.model.kind},
        )
        self.connection.execute(f"""
            DELETE FROM {self.table} WHERE rowid IN (SELECT twin.record FROM twin);
            UPDATE {self.table} SET rejected = verdict._rejected, rejected_fields = verdict._fields
            FROM (SELECT record AS _record, bool_or(level = 'record') AS _rejected,
                      coalesce(list(field ORDER BY field) FILTER (field IS NOT NULL), []) AS _fields
                  FROM problem GROUP BY record) AS verdict
            WHERE rowid = verdict._record;
            ALTER TABLE {self.table} DROP COLUMN _page;
            ALTER TABLE {self.table} DROP COLUMN _clean""")
        counts = (
            self.count("twin"),
            self.count(f"{self.table} WHERE rejected"),
            self.count("problem WHERE level = 'value'"),
        )
        self.connection.execute("DROP TABLE problem; DROP TABLE same_key; DROP TABLE twin; DROP TABLE conflict")
        return counts


def _entry(level: str, field: str, reason: str) -> str:
    """SQL struct of a quarantine entry; `field` and `reason` are SQL."""
    return f"{{'level': '{level}', 'field': {field}::VARCHAR, 'reason': {reason}}}"


def _identifier(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _literal(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _shown(text: str) -> str:
    """A text from outside, quoted and cut, for a message."""
    return json.dumps(text[:_SHOWN_CHARACTERS], ensure_ascii=False)
