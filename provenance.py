"""From a published value back to the archived bytes: address, time, digest, record, and the field it was made of."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from crawlers.evidence import Document, Evidence
from crawlers.source import feeds
from exports.query import open_release
from normalizers.normalise import ROOM, program
from warehouse.schema import OBSERVATIONS, REGION_COORDINATES, REGIONS, TABLES, Table, quoted

_OF_POINT = ("latitude", "longitude", "coordinate_basis", "coordinate_error_km")
"""Columns of `regions` that a release takes from `region_coordinates`."""


class TraceError(Exception):
    """A value that cannot be traced; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one published row to its evidence.

    Attributes:
        row: the published row.
        document: its document: address, times, digest, WARC file and offset.
        locator: the record in the document.
        record: the raw record itself.
        fields: for each traced column or indicator: the source's field, its raw value, and the conversion.
        method: what the method of an observation means, where it has one.
        inputs: published rows that the value is computed from, where the source computes it.
    """

    table: str
    row: Mapping[str, Any]
    document: Mapping[str, Any]
    locator: str
    record: Any
    fields: list[dict[str, Any]]
    method: Mapping[str, str] | None
    inputs: list[dict[str, Any]]


def trace(
    home: Path, release: Path, table_name: str, row_id: str, column: str | None, where: Mapping[str, str]
) -> Trace:
    """Trace one published row.

    Args:
        home: the home, for its archive.
        release: folder of the release.
        table_name: a table of the common schema.
        row_id: its key, parts joined by `|`; for observations the cluster_id.
        column: a column, or for observations an indicator; without it all that are known.
        where: for observations further dimensions: `time_period`, `method`, `unit_kind`. Without a period the newest.

    Raises:
        TraceError: there is no such table, row or evidence.
    """
    table = TABLES.get(table_name)
    if table is None or "locator" not in table.by_name:
        traceable = ", ".join(name for name, each in TABLES.items() if "locator" in each.by_name)
        raise TraceError(f"{table_name!r} is no table with evidence; there are {traceable}")
    with open_release(release) as connection:
        row = _row(connection, table, row_id, column, where)
        stated = _stated(connection, table, row, column)
        found = _rows(connection, "SELECT * FROM documents WHERE document_id = ?", [stated["document_id"]])
        if not found:
            raise TraceError(f"{table_name} {row_id}: its document {stated['document_id']} is not in this release")
        method = _method(row.get("method"))
        inputs = _inputs(connection, row, method)
    document = found[0]
    if not (home / document["warc_file"]).exists():
        raise TraceError(f"{table_name} {row_id}: {document['warc_file']} is not in the archive of {home}")
    archived = Evidence(home, stated["feed_id"]).read(document["warc_file"], document["warc_offset"])
    if stated["locator"].startswith(("html:", "packed:")):
        record = _parsed(archived, stated["feed_id"], stated["locator"])
    else:
        record = locate(archived, stated["locator"])
    target = row.get("indicator") if table is OBSERVATIONS else column
    return Trace(
        table=table_name,
        row=row,
        document=document,
        locator=stated["locator"],
        record=record,
        fields=_fields(stated["feed_id"], stated["table"], target, row.get("method"), record),
        method=method,
        inputs=inputs,
    )


def _stated(
    connection: duckdb.DuckDBPyConnection, table: Table, row: Mapping[str, Any], column: str | None
) -> dict[str, Any]:
    """Return which row states a value, as `table`, `feed_id`, `document_id` and `locator`.

    It is the published row itself, save for the point of a region, which a release takes from `region_coordinates`.
    """
    name, source = table.name, row
    if table is REGIONS and column in _OF_POINT and row["coordinate_region_id"] is not None:
        name = REGION_COORDINATES.name
        [source] = _rows(connection, f"FROM {name} WHERE region_id = ?", [row["coordinate_region_id"]])
    return {"table": name} | {key: source[key] for key in ("feed_id", "document_id", "locator")}


def _parsed(document: Document, feed_id: str, locator: str) -> Any:  # noqa: ANN401  # a record is any JSON value
    """Parse a document again and return the record with this locator: so the parser drops what it must not show.

    Raises:
        TraceError: the parser makes no such record of it.
    """
    for batch in feeds()[feed_id].module().parse(document) or ():
        for record in json.loads(batch.records) if isinstance(batch.records, bytes) else batch.records:
            if record["_locator"] == locator:
                return {key: value for key, value in record.items() if key != "_locator"}
    raise TraceError(f"the document has no {locator}")


def locate(document: Document, locator: str) -> Any:  # noqa: ANN401  # any JSON value, or the rows of a table
    """Find the record that a locator names in a document; a table in CSV is read row by row, however large it is.

    Args:
        document: the document.
        locator: ``json:<JSON pointer>`` (RFC 6901), ``csv:<column>=<value>;…``, ``csv:row=<number>``, or for a cell
            that is a sum over the rows of a county table ``rows:region=<region_id>;bcd=<category>;naics=<edition>``.
            ``zip:<member>!`` before it says in which member of a zip.

    Raises:
        TraceError: the document has no such record.
    """
    scheme, _, path = locator.partition(":")
    if scheme == "json":
        value = json.loads(document.body)
        for token in path.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise TraceError(f"the document has no {locator}: {error!r}") from error
        return value
    if scheme == "zip":
        member, _, within = path.partition("!")
        with document.open() as whole, zipfile.ZipFile(whole) as archive:
            return locate(replace(document, content=archive.read(member)), within)
    if scheme == "rows":
        return _rows_of_cell(document.body, **dict(part.split("=", 1) for part in path.split(";")))
    if scheme == "csv":
        column, _, wanted = path.partition("=")
        with document.open() as body:
            text = io.TextIOWrapper(body, "utf-8-sig", "replace", newline="")
            rows = csv.DictReader(text)
            if column == "row":
                found = list(islice(rows, int(wanted) - 1, int(wanted)))
                if found:
                    return found[0]
            else:
                named = [part.partition("=")[::2] for part in path.split(";")]
                found = [row for row in rows if all(row.get(name) == value for name, value in named)]
                if found:
                    return found
    raise TraceError(f"the document has no {locator}")


def _rows_of_cell(body: bytes, region: str, bcd: str, naics: str) -> list[dict[str, Any]]:
    """Return the rows of a county table that are summed in one cell of region × category."""
    editions = {"2012", "2017"} if naics == "2017" else {naics}  # of the later one only what is new is listed
    industries = {
        row["naics"] for row in _reference("naics_bcd") if row["vintage"] in editions and row["category"] == bcd
    }
    counties = _counties(region)
    text = body.decode("utf-8-sig")
    if text.lstrip().startswith("["):
        header, *rows = json.loads(text)
    else:
        header, *rows = csv.reader(text.splitlines())
        while not header[-1].strip():  # a comma at its end, which the rows may have or not
            header.pop()
    fields = feeds()["us.cbp"].module().FIELDS  # only here: with it comes all that crawls
    place = {fields.get(name.lower()): number for number, name in enumerate(header)}
    return [
        dict(zip(header, row, strict=False))
        for row in rows
        if len(row) >= len(header)
        and row[place["naics"]] in industries
        and {row[place["fipstate"]], row[place["fipstate"]] + row[place["fipscty"]]} & counties
    ]


def _counties(region: str) -> set[str]:
    """Return the codes of the counties of a region, or of the states that it consists of."""
    states = {row["fips_code"] for row in _reference("us_states")} - {"72"}
    kind, code = ("country", "98") if region == "country:US" else region.split(":")[1:]
    if kind in {"country", "state"}:
        return states if kind == "country" else {code}
    listed = {
        row["region_code"]: row["members"].split() for row in _reference("us_geography") if row["region_type"] == kind
    }
    counties = set(listed[code] or [code])
    return counties | {row["new_code"] for row in _reference("us_county_changes") if row["listed_code"] in counties}


def _reference(name: str) -> list[dict[str, str]]:
    feed = feeds().get(f"ref.{name}")
    shipped = None if feed is None else feed.shipped_path
    with (shipped or ROOM / "reference" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _row(
    connection: duckdb.DuckDBPyConnection, table: Table, row_id: str, column: str | None, where: Mapping[str, str]
) -> dict[str, Any]:
    if table is OBSERVATIONS:
        wanted = {"cluster_id": row_id, **({"indicator": column} if column else {}), **where}
        order = "time_period DESC, indicator, method"
    else:
        if column is not None and column not in table.by_name:
            raise TraceError(f"{table.name} has no column {column!r}; it has {', '.join(table.names)}")
        parts = row_id.split("|") if len(table.key) > 1 else [row_id]
        if len(parts) != len(table.key):
            raise TraceError(f"the key of {table.name} is {'|'.join(table.key)}; got {row_id!r}")
        wanted, order = dict(zip(table.key, parts, strict=True)), "1"
    conditions = " AND ".join(f"{quoted(name)}::VARCHAR = ?" for name in wanted)
    rows = _rows(
        connection,
        f"SELECT * FROM {quoted(table.name)} WHERE {conditions} ORDER BY {order} LIMIT 1",
        list(wanted.values()),
    )
    if not rows:
        sought = ", ".join(f"{name} = {value!r}" for name, value in wanted.items())
        raise TraceError(f"this release has no row of {table.name} with {sought}")
    return rows[0]


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _fields(
    feed_id: str,
    table_name: str,
    target: str | None,
    method: str | None,
    record: Any,  # noqa: ANN401
) -> list[dict[str, Any]]:
    """Read from the feed's field map which field became the column or indicator, and how."""
    with program(feeds()[feed_id].place, ".fields.csv").open(encoding="utf-8", newline="") as stream:
        mapped = [row for row in csv.DictReader(stream) if row["table"] == table_name]
    of_method = [row for row in mapped if method and method in {row.get("method_traded"), row.get("method_local")}]
    mapped = of_method or mapped  # an indicator may be made of several fields, each with a method of its own
    return [
        {
            "target": row["target"],
            "field": row["field"],
            "raw": record.get(row["field"]) if isinstance(record, dict) else None,
            "conversion": row["conversion"] or "as it is",
        }
        for row in mapped
        if target in {None, row["target"]}
    ]


def _method(method: str | None) -> dict[str, str] | None:
    if method is None:
        return None
    return next((row for row in _reference("methods") if row["method"] == method), None)


def _inputs(
    connection: duckdb.DuckDBPyConnection, row: Mapping[str, Any], method: Mapping[str, str] | None
) -> list[dict[str, Any]]:
    """Return the published observations of the same cell and period that the method of a value names as its inputs."""
    if method is None or not method["inputs"]:
        return []
    return _rows(
        connection,
        "SELECT indicator, obs_value, unit_measure, obs_status FROM observations "
        "WHERE cluster_id = ? AND time_period = ? AND list_contains(?::VARCHAR[], indicator) ORDER BY ALL",
        [row["cluster_id"], row["time_period"], method["inputs"].split(";")],
    )
