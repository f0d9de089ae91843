"""The common schema: its rules, its contract with those who read it, and the pages that are made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from cli import app
from exports import files
from warehouse import assemble, generate, schema, store
from warehouse.schema import TABLES, Column, Origin, Table, literal, quoted

DOCS = Path(__file__).parent.parent / "docs"

CONTRACT = """
sources: source_id: name publisher country_coverage homepage_url status
feeds: feed_id: source_id title licence licence_url redistribution attribution routes last_harvest_id
    last_success_at records_expected records_found health
regions: region_id: scheme code name name_as_published country_code iso_3166_2 parent_region_id latitude longitude
    coordinate_basis coordinate_error_km valid_from valid_to successor
region_coordinates: region_id: latitude longitude coordinate_basis coordinate_error_km
exchange_rates: currency time_period: rate_usd days basis
categories: category_id: scheme code name traded parent_category_id
category_mappings: from_category_id to_category_id: relation confidence basis
clusters: cluster_id: source_id name kind identified_by region_id place country_code category_id hub_category_id
    product product_class latitude longitude themes source_url
cluster_identification: cluster_id rule_id time_period: is_cluster inputs
observations: cluster_id indicator unit_kind time_period method: obs_value unit_measure obs_status value_text
    qualifier period_start period_end
organisations: organisation_id: name roles kind country_code region_id categories members founded_year website
initiatives: initiative_id: title kind level country_code sector_scheme sector_code sector_name start_date end_date
    commitment_usd_net commitment_usd_gross implementer clusters_covered clusters_covered_as_of selection objectives
    themes status
initiative_sectors: initiative_id seq: sector_scheme sector_code sector_name commitment_usd_net commitment_usd_gross
    deobligations
initiative_locations: initiative_id seq: country_code admin_name latitude longitude
initiative_organisations: initiative_id seq: organisation_name organisation_id role org_type share
initiative_components: initiative_id seq: name max_cost cost_unit currency unit_basis grant_share
    grant_share_special special_condition
initiative_relations: initiative_id seq: relation to_initiative_id relation_date
claims: claim_id: subject measure value qualifier unit scope as_of stated_by contradicts
resources: resource_id: name kind publisher url scope status what_it_holds feed_ids
codes: code_list code: name definition parent_code citation
theme_rules: rule_id: product theme citation
links: from_id to_id relation: score method decision
global_clusters: global_cluster_id: name country_code region_id hub_category_id kind members feeds
census: scope kind hub_category_id rule_id: feed_id level found declared deduplicated low high coverage_note
documents: document_id: url retrieved_at archived_at http_status media_type sha256 bytes warc_file warc_offset
harvests: harvest_id: route started_at finished_at status scope requests bytes records empty dropped quarantined
    rows_opened rows_changed rows_closed replay_of software_version
quarantine: harvest_id seq: level document_id locator reason raw
id_ledger: id: status successor_ids since_release
changes: release_id table_name row_id column_name: change old_value new_value cause
"""
"""What others rely on: table → its key, and columns that must exist."""

WITH_EVIDENCE = {"document_id", "locator", "harvest_id", "route", "synthetic"}

HOMONYMS: Mapping[str, set[str]] = {
    "members": {"BIGINT", "VARCHAR[]"},  # how many an organisation has; which clusters a global cluster unites
    "scope": {"VARCHAR", "VARCHAR[]"},  # what a figure is of; the partitions that a harvest read
    "valid_from": {"DATE", "TIMESTAMP"},  # days of a region's code; evidence of a closed row
    "valid_to": {"DATE", "TIMESTAMP"},
}
"""Names that the contract gives to two things."""

COLUMNS = [(table, column) for table in TABLES.values() for column in table.columns]


def test_pages_are_those_of_the_schema(tmp_path: Path) -> None:
    generate.write(tmp_path)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    schemas = {path.relative_to(DOCS) for path in DOCS.glob("schema/*")}
    assert schemas == {name for name in made if name.parts[0] == "schema"}, "docs/schema is stale: run `make docs`"
    for name, path in made.items():
        assert (DOCS / name).read_text("utf-8") == path.read_text("utf-8"), f"docs/{name} is stale: run `make docs`"


def test_pages_of_removed_tables_are_removed(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "gone.schema.json").touch()
    generate.write(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("schema/*.schema.json")) == sorted(
        f"{name}.schema.json" for name in TABLES
    )


def test_dictionary_names_every_column() -> None:
    sections = generate.pages()["data-dictionary.md"].split("\n## ")
    for table in TABLES.values():
        [section] = [section for section in sections if section.startswith(f"{table.name}\n")]
        listed = re.findall(r"^\| `(\w+)` \| (\S+) \| (\w+) \| (.+) \|$", section, re.MULTILINE)
        assert [(name, type_, mark) for name, type_, mark, _ in listed] == [
            (column.name, column.type, "content" if column.content else "provenance") for column in table.columns
        ]
        for (*_, description), column in zip(listed, table.columns, strict=True):
            assert all(f"`{code}`" in description for code in column.codes)


# The rules of the schema ----------------------------------------------------------------------------------------------


def test_contract_holds() -> None:
    lines = [line.split(":") for line in CONTRACT.replace("\n    ", " ").strip().splitlines()]
    assert [name for name, *_ in lines] == [table.name for table in TABLES.values() if table.origin != Origin.HISTORY]
    for name, key, columns in lines:
        table = TABLES[name]
        assert table.key == tuple(key.split()), name
        assert not set(columns.split()) - {*table.names}, name
        assert "feed_id" in table.names, name


def test_rows_of_sources_carry_their_evidence() -> None:
    assert {table.name for table in schema.tables(Origin.FEED)} == {
        *(
            "regions",
            "region_coordinates",
            "exchange_rates",
            "categories",
            "category_mappings",
            "clusters",
            "observations",
            "organisations",
            "initiatives",
        ),
        *(f"initiative_{part}" for part in ("sectors", "locations", "organisations", "components", "relations")),
        *("claims", "resources", "codes", "theme_rules"),
    }
    for table in schema.tables(Origin.FEED, Origin.HISTORY):
        assert {*table.names} >= WITH_EVIDENCE, table.name


def test_provenance_is_how_we_know_and_all_times() -> None:
    for table in schema.tables(Origin.FEED):
        provenance = {*table.names} - {*table.content}
        assert provenance - {"source_url"} == WITH_EVIDENCE, table.name
    for table, column in COLUMNS:
        if column.type == "TIMESTAMP" or column.name in {*WITH_EVIDENCE, "source_url"}:
            assert not column.content, f"{table.name}.{column.name}"
    for table in schema.tables(Origin.LEDGER):
        assert not table.content, table.name  # our own account never makes two releases differ


@pytest.mark.parametrize(
    "column", [column for _, column in COLUMNS], ids=[f"{table.name}.{column.name}" for table, column in COLUMNS]
)
def test_column_is_named_typed_and_described(column: Column) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", column.name)
    assert re.fullmatch(r"\S.*[.…]", column.description), "a description is one sentence with its full stop"
    types = {other.type for _, other in COLUMNS if other.name == column.name}
    assert types == HOMONYMS.get(column.name, {column.type}), "the same name has the same type everywhere"
    assert len({*column.codes}) == len(column.codes)


# What is made of it ---------------------------------------------------------------------------------------------------


def value(column: Column) -> object:
    """Return some value that a column may hold."""
    samples: Mapping[str, object] = {
        "VARCHAR": column.codes[0] if column.codes else "Kültür | `x`",
        "VARCHAR[]": ["a", "b"],
        "BOOLEAN": True,
        "INTEGER": 2**31 - 1,
        "BIGINT": 2**53,
        "DOUBLE": 0.5,
        "DATE": date(2016, 2, 29),
        "TIMESTAMP": datetime(2016, 12, 31, 23, 59, 59),  # noqa: DTZ001  # tables keep UTC without a zone
    }
    return samples[column.type]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home whose release is built by the published DDL; each table has a full row and a bare one."""
    folder = tmp_path_factory.mktemp("home")
    release = folder / "published" / "latest"
    release.mkdir(parents=True)
    with duckdb.connect(str(release / files.DATABASE)) as connection:
        connection.execute((DOCS / "schema" / "ddl.sql").read_text("utf-8"))
        for table in TABLES.values():
            marks = ", ".join("?" for _ in table.columns)
            full = [value(column) for column in table.columns]
            bare = [value(column) if generate.never_null(table, column) else None for column in table.columns]
            connection.executemany(f"INSERT INTO {quoted(table.name)} VALUES ({marks})", [full, bare])
    return folder


@pytest.mark.duckdb
def test_ddl_makes_every_table_and_view_with_comments(home: Path) -> None:
    with duckdb.connect(str(home / "published" / "latest" / files.DATABASE), read_only=True) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE table_name IN "
            "(SELECT table_name FROM duckdb_tables()) ORDER BY ALL"
        ).fetchall()
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall()
        assert columns == sorted(
            (table.name, column.name, column.type, column.description) for table, column in COLUMNS
        )
        macros = connection.execute(
            "SELECT function_name FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'"
        ).fetchall()
        assert sorted(f"{name}.sql" for (name,) in [*views, *macros]) == sorted(
            path.name for path in generate.VIEWS.iterdir()
        )
        assert macros == [("as_of",)]
        connection.execute("FROM as_of(TIMESTAMP '2020-01-01')").fetchall()
        for (name,) in views:
            connection.execute(f"FROM {quoted(name)}").fetchall()


@pytest.mark.duckdb
def test_parquet_types_are_those_of_a_release(tmp_path: Path) -> None:
    published = json.loads((DOCS / "schema" / "parquet.json").read_text("utf-8"))["tables"]
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in TABLES.values():
            connection.execute(schema.create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
            connection.execute(
                f"INSERT INTO release.{quoted(table.name)} VALUES ({', '.join('?' for _ in table.columns)})",
                [value(column) for column in table.columns],
            )
            path = tmp_path / files.parquet_name(table)
            files.write_parquet(connection, table, path, "none")
            nodes = connection.execute(
                f"SELECT name, type, converted_type FROM parquet_schema({literal(str(path))})"
            ).fetchall()
            lists = [node for node in nodes if node[2] == "LIST"]
            plain = [node for node in nodes[1:] if node[2] != "LIST" and node[0] not in {"list", "element"}]
            stated = [
                (column["name"], column["physical_type"], column["logical_type"]) for column in published[table.name]
            ]
            assert [column for column in stated if column[2] != "LIST"] == plain
            assert [column for column in stated if column[2] == "LIST"] == [
                (name, "BYTE_ARRAY", "LIST") for name, *_ in lists
            ]


TYPES: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}


def is_of(instance: object, name: str) -> bool:
    """Whether a value is of a JSON type."""
    return isinstance(instance, TYPES[name]) and (name == "boolean" or not isinstance(instance, bool))


def faults(instance: Any, rule: Mapping[str, Any]) -> list[str]:  # noqa: ANN401  # JSON is any
    """Hold a value against a JSON Schema that uses no more keywords than ours do."""
    assert {*rule} <= {
        *("$schema", "$id", "title", "description"),
        *("type", "enum", "format", "items", "properties", "required"),
    }
    names = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if not any(is_of(instance, name) for name in names):
        return [f"{instance!r} is not {' or '.join(names)}"]
    found = []
    if "enum" in rule and instance not in rule["enum"]:
        found.append(f"{instance!r} is not one of {rule['enum']}")
    if isinstance(instance, str) and rule.get("format") == "date":
        date.fromisoformat(instance)
    if isinstance(instance, str) and rule.get("format") == "date-time":
        assert datetime.fromisoformat(instance).tzinfo is not None
    if isinstance(instance, list):
        found += [fault for item in instance for fault in faults(item, rule["items"])]
    if isinstance(instance, dict):
        found += [f"{name} is absent" for name in rule["required"] if name not in instance]
        for name, part in rule["properties"].items():
            found += [f"{name}: {fault}" for fault in faults(instance[name], part)] if name in instance else []
    return found


def published_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema that stands in the docs."""
    read: dict[str, Any] = json.loads((DOCS / "schema" / f"{table.name}.schema.json").read_text("utf-8"))
    return read


@pytest.mark.duckdb
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_json_schema_accepts_rows_as_published(table: Table, home: Path) -> None:
    printed = CliRunner().invoke(app, ["sql", f"FROM {table.name}", "--format", "json", "--home", str(home)])
    full, bare = json.loads(printed.stdout)
    assert tuple(full) == table.names
    assert None not in full.values()
    assert [faults(row, published_schema(table)) for row in (full, bare)] == [[], []]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_json_schema_refuses_what_no_row_is(table: Table) -> None:
    rule = published_schema(table)
    assert rule["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert rule["$id"] == f"urn:cluster-observatory:schema:{schema.SCHEMA_VERSION}:{table.name}"
    row = {column.name: value(column) for column in table.columns if column.type not in {"DATE", "TIMESTAMP"}}
    assert faults(row, rule) == []
    for column in table.columns:
        needed = column.required or column.name in table.key
        wrong = "1" if column.type in {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"} else 1
        assert faults({**row, column.name: wrong}, rule), f"{column.name} = {wrong!r} passes"
        assert bool(faults({**row, column.name: None}, rule)) == needed
        absent = {name: cell for name, cell in row.items() if name != column.name}
        assert bool(faults(absent, rule)) == needed
        if column.codes:
            assert faults({**row, column.name: "no such code"}, rule)


OTHER_WAREHOUSES = [
    ("DROP TABLE schema_version", None),  # made before it was kept, and alike
    (
        "DROP TABLE schema_version; ALTER TABLE clusters DROP place",
        "older software (clusters lacks place), .* migrate`",
    ),
    ("UPDATE schema_version SET version = '0.9.0'", "has schema 0.9.0, this .* needs schema .*`observatory migrate`"),
    ("ALTER TABLE documents ALTER bytes TYPE INTEGER", "documents.bytes is INTEGER and should be BIGINT"),
    ("UPDATE schema_version SET version = '10.0.0'", "has schema 10.0.0, .* install the software that made it"),
    ("UPDATE schema_version SET version = 'x'; ALTER TABLE clusters ADD COLUMN y INTEGER", "clusters has y.* install"),
]


@pytest.mark.parametrize(("change", "said"), OTHER_WAREHOUSES)
def test_a_warehouse_of_another_schema_is_refused_and_left_alone(tmp_path: Path, change: str, said: str | None) -> None:
    with store.opened(tmp_path) as connection:
        connection.execute(change)
        before = store.layout_of(connection)
    if said is None:
        with store.opened(tmp_path) as connection:
            assert store.layout_of(connection).version == schema.SCHEMA_VERSION
        return
    with (
        pytest.raises(store.WarehouseError, match=said.replace("(", r"\(").replace(")", r"\)")),
        store.opened(tmp_path),
    ):
        pass
    assert store.look(tmp_path) == before


def test_a_warehouse_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / store.FILE).write_bytes(b"no database" * 1000)
    with (
        pytest.raises(store.WarehouseError, match=r"cannot be opened: .*`observatory rebuild`"),
        store.opened(tmp_path),
    ):
        pass


def test_every_program_that_derives_has_its_place() -> None:
    assert sorted(assemble.STEPS) == sorted(path.stem for path in assemble.DERIVE.glob("*.sql"))
