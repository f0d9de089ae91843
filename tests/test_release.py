"""A release: its gate, its files, its digests, its memory of the one before, and what `verify` finds."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exports import files, licence, release
from exports.licence import LicenceError
from exports.release import Recipe, ReleaseError
from exports.verify import verify
from warehouse import schema
from warehouse.schema import Origin, literal, quoted

pytestmark = pytest.mark.duckdb

Rows = dict[str, list[dict[str, Any]]]

HARVEST = "20161231T000000Z-x.cells"
LATER = "20171231T000000Z-x.cells"
DOCUMENT = "x.cells:0123456789abcdef"


def database(rows: Mapping[str, Sequence[Mapping[str, Any]]], threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Return a connection with a database `release`, filled by hand."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute("ATTACH ':memory:' AS release")
    session = connection.cursor()
    session.execute("USE release")
    for table in schema.TABLES.values():
        if table.origin is not Origin.RELEASE:
            session.execute(schema.create_table(table))
    for name, entries in rows.items():
        for row in entries:
            columns, marks = ", ".join(map(quoted, row)), ", ".join("?" * len(row))
            session.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", list(row.values()))
    return connection


def provenance(harvest: str = HARVEST, document: str = DOCUMENT) -> dict[str, Any]:
    """Return the provenance of a row."""
    return {
        "document_id": document,
        "locator": "json:/0",
        "harvest_id": harvest,
        "route": "files",
        "synthetic": False,
    }


def harvest(harvest_id: str, **fields: object) -> dict[str, Any]:
    """Return a row of harvests."""
    return {
        "harvest_id": harvest_id,
        "feed_id": harvest_id.partition("-")[2],
        "route": "files",
        "status": "accepted",
        "evidence_at": datetime.strptime(harvest_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).replace(tzinfo=None),
        "software_version": "1",
        "synthetic": False,
    } | fields


def cluster(key: str, **fields: object) -> dict[str, Any]:
    """Return a row of clusters."""
    return {
        "cluster_id": f"x.cells:{key}",
        "feed_id": "x.cells",
        "name": key,
        "kind": "cell",
        "identified_by": [],
    } | (provenance() | fields)


def employment(key: str, value: float | None, **fields: object) -> dict[str, Any]:
    """Return a row of observations."""
    return {
        "cluster_id": f"x.cells:{key}",
        "indicator": "employment",
        "unit_kind": "_Z",
        "time_period": "2016",
        "method": "stated",
        "feed_id": "x.cells",
        "obs_value": value,
        "obs_status": "O" if value is None else "A",
    } | (provenance() | fields)


def world() -> Rows:
    """Return a small whole world: two clusters of one open feed, each with one observation."""
    return {
        "sources": [{"source_id": "x", "feed_id": "catalogue", "name": "X"}],
        "feeds": [
            {"feed_id": "x.cells", "source_id": "x", "title": "Cells | of X", "redistribution": "open"},
            {"feed_id": "x.shut", "source_id": "x", "title": "Shut", "redistribution": "restricted"},
        ],
        "harvests": [harvest(HARVEST), harvest("20161231T000000Z-x.shut")],
        "documents": [
            {
                "document_id": DOCUMENT,
                "feed_id": "x.cells",
                "url": "file:x.cells/a.json",
                "warc_file": "archive/x.cells/h/00000.warc.gz",
                "warc_offset": 100,
                "synthetic": False,
            }
        ],
        "clusters": [cluster("one"), cluster("two")],
        "observations": [employment("one", 10.0), employment("two", None)],
        "census": [
            {
                "scope": "world",
                "kind": "cell",
                "hub_category_id": "all",
                "rule_id": "r",
                "feed_id": "derived",
                "found": 2,
            }
        ],
    }


def recipe(number: int = 1, profile: str = "local", day: str = "2026.01.02") -> Recipe:
    """Return the recipe of the release with this number of a day."""
    return Recipe(
        release_id=f"{day}.{number}",
        profile=profile,
        published_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        harvests=(HARVEST,),
        software_version="1",
        duckdb_version=duckdb.__version__,
    )


def publish(rows: Rows, published: Path, number: int = 1, profile: str = "local", **options: Any) -> Path:  # noqa: ANN401 - passed on
    """Write a release of these rows."""
    with database(rows) as connection:
        return release.write(connection, recipe(number, profile), published, **options)


@pytest.fixture(scope="session")
def _worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Profile → a folder with one release, of `world()`."""
    folders = {profile: tmp_path_factory.mktemp(profile) for profile in licence.PROFILES}
    for profile, folder in folders.items():
        publish(world(), folder, profile=profile)
    return folders


@pytest.fixture
def small(_worlds: dict[str, Path], tmp_path: Path) -> Path:
    """Return a release of `world()` in a folder of its own, as `publish` makes it; it may be spoiled."""
    return Path(shutil.copytree(_worlds["local"], tmp_path, symlinks=True, dirs_exist_ok=True)) / recipe().release_id


@pytest.fixture
def small_public(_worlds: dict[str, Path], tmp_path: Path) -> Path:
    """Return the same as a public release."""
    return Path(shutil.copytree(_worlds["public"], tmp_path, symlinks=True, dirs_exist_ok=True)) / recipe().release_id


def read(path: Path, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return rows of a published table, in the order of the file."""
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT {columns} FROM read_parquet({literal(str(path / table))} || '.parquet')"
        ).fetchall()


# --- the gate


@pytest.mark.parametrize(
    ("redistribution", "public"),
    [("open", True), ("attribution", True), ("noncommercial", False), ("restricted", False)],
)
def test_public_is_open_and_attribution(redistribution: str, public: bool) -> None:
    """Local holds all; public obeys the terms."""
    assert licence.allowed(redistribution, "public") is public
    assert licence.allowed(redistribution, "local") is True


@pytest.mark.parametrize(("redistribution", "profile"), [("free", "public"), ("", "local"), ("open", "secret")])
def test_unknown_words_are_refused(redistribution: str, profile: str) -> None:
    """Terms are never guessed."""
    with pytest.raises(ValueError, match="expected one of"):
        licence.allowed(redistribution, profile)


GATED = [table for table in schema.TABLES.values() if table.origin is not Origin.RELEASE]


def forbidden(*tables: schema.Table) -> Rows:
    """Return one row of a restricted feed in each of these tables."""
    rows: Rows = {"feeds": world()["feeds"]}
    for table in tables:
        row = {name: 1 if table.by_name[name].type == "INTEGER" else table.name for name in table.key}
        rows[table.name] = [*rows.get(table.name, []), row | {"feed_id": "x.shut"}]
    return rows


@pytest.mark.parametrize("table", GATED, ids=lambda table: table.name)
def test_gate_refuses_a_forbidden_row_in_every_table(table: schema.Table, tmp_path: Path) -> None:
    """The gate looks into every table but those of our own facts, whatever stood upstream."""
    rows = forbidden(*(() if table is schema.FEEDS else (table,)))
    if table.name in licence.EXEMPT:
        assert read(publish(rows, tmp_path, profile="public"), table.name, "count(*)")[0][0] > 0
    else:
        with pytest.raises(LicenceError, match=rf"{table.name} may not be public.*x\.shut"):
            publish(rows, tmp_path, profile="public")
        assert list(tmp_path.iterdir()) == []


def test_local_holds_a_forbidden_row_in_every_table(tmp_path: Path) -> None:
    """What no public release may show stands in a local one, whatever its table."""
    tables = [table for table in GATED if table is not schema.FEEDS]
    folder = publish(forbidden(*tables), tmp_path)
    assert {table.name: read(folder, table.name, "feed_id") for table in tables} == {
        table.name: [("x.shut",)] for table in tables
    }


@pytest.mark.parametrize("table", ["clusters", "harvests", "documents"])
def test_gate_refuses_synthetic_rows(table: str, tmp_path: Path) -> None:
    """A synthetic row is never public, not even in a table of our own facts."""
    rows = world()
    rows[table][0]["synthetic"] = True
    with pytest.raises(LicenceError, match="synthetic"):
        publish(rows, tmp_path, profile="public")


def test_gate_refuses_raw_records_and_feeds_without_terms(tmp_path: Path) -> None:
    """Raw text stays at home, and a feed that the catalogue does not name has no terms."""
    entry = {"harvest_id": HARVEST, "seq": 1, "feed_id": "x.cells", "level": "record", "raw": "{}"}
    with pytest.raises(LicenceError, match="raw"):
        publish(world() | {"quarantine": [entry]}, tmp_path, profile="public")
    with pytest.raises(LicenceError, match=r"x\.unknown"):
        publish(world() | {"clusters": [cluster("one", feed_id="x.unknown")]}, tmp_path, profile="public")
    nameless = world()["feeds"] + [{"feed_id": "x.odd", "redistribution": "perhaps"}]
    with pytest.raises(ValueError, match="perhaps"):
        publish(world() | {"feeds": nameless}, tmp_path, profile="public")


FEEDS = ("a", "b", "c")


def marked(feeds: frozenset[str], shown: frozenset[str], generation: int) -> Rows:
    """Return a world of these feeds, of which some are shown; every text of a feed's rows holds `secret-<feed>`."""
    rows: Rows = {
        "feeds": [{"feed_id": f, "redistribution": "open" if f in shown else "restricted"} for f in FEEDS],
        "documents": [],
        "clusters": [],
        "observations": [],
        "global_clusters": [],
    }
    members = sorted(f"secret-{feed}" for feed in feeds & shown)
    for feed in sorted(feeds & shown):
        secret = f"secret-{feed}"
        traced = provenance(f"secret-{feed}-h", secret)
        own = {"feed_id": feed, "cluster_id": secret}
        rows["documents"].append({"document_id": secret, "feed_id": feed, "url": secret, "synthetic": False})
        rows["clusters"].append(cluster(secret, name=f"{secret} {generation}", themes=members) | traced | own)
        rows["observations"].append(employment(secret, 1.0 * generation) | traced | own)
    if members:
        united = {"feed_id": "derived", "name": members[0], "members": members}
        rows["global_clusters"].append(united | {"global_cluster_id": "all", "kind": "cell"})
        rows["global_clusters"].append(united | {"global_cluster_id": "+".join(["g", *members]), "kind": "cell"})
    return rows


def contents(folder: Path) -> set[str]:
    """Return the files of a release: their paths below it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def texts(folder: Path) -> Iterator[str]:
    """Yield all that can be read in a release: text files, Parquet rows and metadata, DuckDB rows, and the bytes."""
    with duckdb.connect() as connection:
        books = {"book": files.DATABASE, "console": files.CONSOLE}
        for book, name in books.items():
            connection.execute(f"ATTACH {literal(str(folder / name))} AS {book} (READ_ONLY)")
        for path in (folder / name for name in release.listing(folder)):
            yield path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield str(connection.execute(f"FROM read_parquet({literal(str(path))})").fetchall())
        for book in books:
            for name in schema.TABLES:
                yield str(connection.execute(f"FROM {book}.{quoted(name)}").fetchall())
        for name in files.HEAVY_VIEWS:
            yield str(connection.execute(f"FROM console.{quoted(name)}").fetchall())


subsets = st.frozensets(st.sampled_from(FEEDS))


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(terms=st.lists(st.tuples(subsets, subsets), min_size=2, max_size=3))
@example(terms=[(frozenset("abc"), frozenset("abc")), (frozenset("abc"), frozenset("b"))])
@example(
    terms=[(frozenset("abc"), frozenset("abc")), (frozenset("bc"), frozenset("abc")), (frozenset("bc"), frozenset("c"))]
)
def test_nothing_forbidden_stands_anywhere(tmp_path_factory: pytest.TempPathFactory, terms: list[Any]) -> None:
    """Whatever was allowed before, a public release shows no trace of a feed that is not allowed now."""
    published = tmp_path_factory.mktemp("published")
    for number, (feeds, shown) in enumerate(terms, start=1):
        folder = publish(marked(feeds, shown, number), published, number, "public")
        everything = "\n".join(texts(folder))
        for feed in FEEDS:
            if feed not in shown:
                assert f"secret-{feed}" not in everything
            elif feed in feeds:
                assert f"secret-{feed}" in everything


def test_withdrawn_feeds_are_counted_but_not_named(tmp_path: Path) -> None:
    """A feed whose terms changed leaves the ledger; the changes say how many rows went, and nothing else of it."""
    both, one = frozenset("ab"), frozenset("b")
    publish(marked(both, both, 1), tmp_path, 1, "public")
    folder = publish(marked(both, one, 2), tmp_path, 2, "public")
    columns = "table_name, row_id, column_name, feed_id, change, old_value, new_value"
    assert read(folder, "changes", columns) == [
        ("clusters", "*", "*", "derived", "withdrawn", "1", None),
        ("clusters", "secret-b", "name", "b", "changed", None, "secret-b 2"),
        ("clusters", "secret-b", "themes", "b", "changed", None, '["secret-b"]'),
        ("global_clusters", "*", "*", "derived", "withdrawn", "2", "2"),
        ("id_ledger", "*", "*", "derived", "withdrawn", "1", None),
        ("observations", "*", "*", "derived", "withdrawn", "1", None),
        ("observations", "secret-b|employment|_Z|2016|stated", "obs_value", "b", "changed", None, "2.0"),
    ]
    assert read(folder, "id_ledger", "id, status") == [
        ("all", "current"),
        ("g+secret-b", "current"),
        ("secret-b", "current"),
    ]


# --- the files


def canonical(value: object) -> str:
    """Return a value as the recipe of `content_sha256` says, one character at a time."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ",".join(canonical(element) for element in value) + "]"
    text = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    return '"' + "".join(short.get(c, f"\\u{ord(c):04X}" if c < " " else c) for c in text) + '"'


def slow_digest(table: schema.Table, rows: Sequence[Mapping[str, Any]]) -> str:
    """Compute `content_sha256` again, in plain Python."""
    ordered = sorted(rows, key=lambda row: [str(row[name]).encode() for name in table.key])
    lines = ("[" + ",".join(canonical(row.get(name)) for name in table.content) + "]\n" for row in ordered)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


words = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["", "null", '","', "\x00", "é", "[]", "\x1f"]
)
doubles = st.floats(allow_nan=False) | st.sampled_from(
    [0.1 + 0.2, 1e16, 1e-5, 5e-324, -0.0, 1e22, 123456789012345680.0]
)
anything = st.fixed_dictionaries(
    {"cluster_id": words},
    optional={
        "feed_id": words,
        "name": words | st.none(),
        "place": words,
        "latitude": doubles | st.none(),
        "themes": st.lists(words | st.none(), max_size=3) | st.none(),
        "locator": words,
    },
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(anything, max_size=6, unique_by=lambda row: str(row["cluster_id"])))
def test_content_digest_follows_its_recipe(rows: list[dict[str, Any]]) -> None:
    """A third party that follows the docstring finds the same digest."""
    with database({"clusters": rows}) as connection:
        assert files.content_sha256(connection, schema.CLUSTERS) == slow_digest(schema.CLUSTERS, rows)


def test_content_digest_covers_every_type() -> None:
    """Dates, whole numbers and truth values have one text each."""
    observation = employment("one", 1e16, period_start=date(2016, 1, 1))
    category = {"category_id": "bcd:1", "feed_id": "ref.bcd", "traded": True}
    organisation = {"organisation_id": "o", "feed_id": "f", "members": 2**62, "founded_year": -5}
    sector = [{"initiative_id": "i", "seq": 2, "feed_id": "f"}, {"initiative_id": "i", "seq": 1, "feed_id": "f"}]
    rows = {
        "observations": [observation],
        "categories": [category],
        "organisations": [organisation],
        "initiative_sectors": sector,
    }
    with database(rows) as connection:
        for name, entries in rows.items():
            table = schema.TABLES[name]
            assert files.content_sha256(connection, table) == slow_digest(table, entries)


def test_content_digest_knows_content_from_provenance() -> None:
    """Another harvest is the same content; null is not an empty text; a table of provenance has no digest."""

    def digest(**fields: object) -> str | None:
        with database({"clusters": [cluster("one", **fields)]}) as connection:
            return files.content_sha256(connection, schema.CLUSTERS)

    assert digest(harvest_id=LATER, locator="json:/9") == digest()
    assert len({digest(), digest(place=""), digest(themes=[]), digest(themes=[""]), digest(themes=[None])}) == 5
    with database({}) as connection:
        assert files.content_sha256(connection, schema.HARVESTS) is None
        assert files.content_sha256(connection, schema.CLUSTERS) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("name", ["observations", "clusters"])
def test_files_depend_on_neither_threads_nor_order(name: str, tmp_path: Path) -> None:
    """The same rows give the same bytes, over several row groups."""
    table = schema.TABLES[name]
    made = set()
    for threads, order in ((1, "i"), (2, "hash(i)"), (2, "-i")):
        with database({}, threads) as connection:
            connection.execute(
                f"""
                INSERT INTO release.{name} BY NAME
                SELECT COLUMNS(lambda c: list_contains({list(table.names)}, c))
                FROM (
                    SELECT 'x:' || (i % 99991) || ':' || i AS cluster_id, 'employment' AS indicator, '_Z' AS unit_kind,
                        '2016' AS time_period, 'stated' AS method, 'x' AS feed_id, sqrt(i) AS obs_value,
                        'A' AS obs_status, ['a', 'b' || i] AS themes
                    FROM range(260_000) AS numbers(i) ORDER BY {order}
                )
                """
            )
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
            files.write_parquet(connection, table, path, "a note")
            made.add((release.sha256(path), files.content_sha256(connection, table)))
    assert len(made) == 1


def test_same_inputs_give_the_same_release(tmp_path: Path) -> None:
    """Every file is byte-identical but the DuckDB file, and with it its checksum."""
    first, second = publish(world(), tmp_path / "a"), publish(world(), tmp_path / "b")
    names = release.listing(first)
    assert names == release.listing(second)
    differing = {name for name in names if (first / name).read_bytes() != (second / name).read_bytes()}
    assert differing <= {files.DATABASE, release.CHECKSUMS}
    sums = [(folder / release.CHECKSUMS).read_text().splitlines() for folder in (first, second)]
    assert {line.split("  ")[1] for line in set(sums[0]) ^ set(sums[1])} <= {files.DATABASE}


def test_parquet_has_the_types_and_the_words_of_the_schema(small: Path) -> None:
    """Whoever finds one file alone knows what it is."""
    with duckdb.connect() as connection:
        for table in schema.TABLES.values():
            path = literal(str(small / f"{table.name}.parquet"))
            described = connection.execute(f"DESCRIBE FROM read_parquet({path})").fetchall()
            assert [row[:2] for row in described] == [(column.name, column.type) for column in table.columns]
            notes = dict(connection.execute(f"SELECT key, value FROM parquet_kv_metadata({path})").fetchall())
            assert notes[b"description"] == table.description.encode()
            assert notes[b"schema_version"] == schema.SCHEMA_VERSION.encode()
            assert b"redistribution" in notes[b"licence"]


OLDEST = Path(__file__).parents[1] / ".venv-duckdb-1.5" / "bin" / "python"
CREATED = re.compile(r"^CREATE VIEW (\w+)", re.MULTILINE)
ASK_ALL = """
import sys, duckdb
answered = []
for path in sys.argv[1:]:
    with duckdb.connect(path, read_only=True) as book:
        names = [name for name, in book.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()]
        names += [name for name, in book.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for name in names:
            book.execute(f'SELECT * FROM "{name}"').fetchall()
        answered.append(len(names))
print(duckdb.__version__, *answered)
"""


@pytest.mark.skipif(not OLDEST.exists(), reason="needs the oldest DuckDB beside this one: run `make test-duckdb-1.5`")
def test_the_oldest_duckdb_reads_every_table_and_view(tmp_path: Path) -> None:
    """What DuckDB 2 stores of a view may name functions that older ones do not have; it did, with `if`."""
    folder = publish(world(), tmp_path)
    command = [str(OLDEST), "-c", ASK_ALL, *(str(folder / name) for name in files.DATABASES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    views = [
        name
        for path in (Path(schema.__file__).parent / "views").glob("*.sql")
        for name in CREATED.findall(path.read_text("utf-8"))
    ]
    everything = len(schema.TABLES) + len(views)
    version, *answered = done.stdout.split()
    assert version.startswith("1.5.")
    assert answered == [str(everything)] * 2


def test_database_holds_tables_comments_and_views(tmp_path: Path) -> None:
    """The one file is enough, under whatever name it is attached."""
    rows = world()
    rows["harvests"].append(harvest(LATER))
    rows["clusters"][0] |= {"harvest_id": LATER, "name": "renamed"}
    gone = {"closed_by": LATER, "valid_from": datetime(2016, 12, 31), "valid_to": datetime(2017, 12, 31)}  # noqa: DTZ001 - UTC
    rows["clusters_closed"] = [cluster("one") | gone]
    rows["observations_closed"] = [employment("one", 9.0) | gone]
    folder = publish(rows, tmp_path)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(str(folder / files.DATABASE))} AS other (READ_ONLY)")
        history = "name, year(valid_from), year(valid_to), closed_by"
        assert connection.execute(f"SELECT {history} FROM other.cluster_history ORDER BY ALL").fetchall() == [
            ("one", 2016, 2017, LATER),
            ("renamed", 2017, None, None),
            ("two", 2016, None, None),
        ]
        history = "cluster_id, obs_value, year(valid_from), year(valid_to)"
        assert connection.execute(f"SELECT {history} FROM other.observation_history ORDER BY ALL").fetchall() == [
            ("x.cells:one", 9.0, 2016, 2017),
            ("x.cells:one", 10.0, 2016, None),
            ("x.cells:two", None, 2016, None),
        ]
        health = connection.execute("SELECT feed_id, source_status, completeness FROM other.source_health").fetchall()
        assert health == [("x.cells", None, None), ("x.shut", None, None)]
        comments = connection.execute(
            "SELECT comment FROM duckdb_tables() WHERE database_name = 'other' AND table_name = 'clusters'"
        ).fetchall()
        assert comments == [(schema.CLUSTERS.description,)]
        [(unsaid,)] = connection.execute(
            "SELECT count(*) FROM duckdb_views() WHERE database_name = 'other' AND NOT internal AND comment IS NULL"
        ).fetchall()
        assert unsaid == 0


def test_manifest_measures_every_file(tmp_path: Path) -> None:
    """What the manifest says of a file is true of it."""
    folder = publish(world(), tmp_path, notes=["Why it is so."])
    manifest = release.read_manifest(folder)
    assert list(manifest["tables"]) == list(schema.TABLES)
    for entry in manifest["tables"].values():
        data = (folder / entry["file"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["tables"]["observations"]["rows"] == 2
    assert manifest["totals"]["rows"] == sum(entry["rows"] for entry in manifest["tables"].values())
    assert (manifest["synthetic"], manifest["notes"], manifest["previous"]) == (False, ["Why it is so."], None)
    assert Recipe.from_json(json.dumps(manifest["recipe"])) == recipe()
    ours = {release.MANIFEST, release.CHECKSUMS, *(entry["file"] for entry in manifest["tables"].values())}
    others = [name for name in release.listing(folder) if name not in ours and not name.startswith("site/")]
    assert sorted(entry["file"] for entry in manifest["files"]) == others  # the many pages stand in the checksums alone
    assert (folder / release.MANIFEST).read_text().endswith("}\n")


def test_checksums_satisfy_sha256sum(small: Path) -> None:
    """The tool that everybody has accepts the list, and the list names every other file."""
    listed = {line.split("  ")[1] for line in (small / release.CHECKSUMS).read_text().splitlines()}
    assert listed == {*release.listing(small)} - {release.CHECKSUMS}
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum on this machine")
    subprocess.run([tool, "--check", "--strict", "--quiet", release.CHECKSUMS], cwd=small, check=True)


def test_readme_says_what_it_is(tmp_path: Path) -> None:
    """Terms stand in a table that no title can break; invented data is called so in capitals."""
    plain = (publish(world(), tmp_path / "a", notes=["Small."]) / release.README).read_text()
    assert "Cells \\| of X" in plain
    assert "- Small." in plain
    assert "DEMO DATA" not in plain
    invented = world()
    invented["clusters"][0]["synthetic"] = True
    for folder in (publish(invented, tmp_path / "b"), publish(world(), tmp_path / "c", demo=True)):
        assert "DEMO DATA" in (folder / release.README).read_text()
        assert release.read_manifest(folder)["synthetic"] is True


# --- the release and the one before it


def test_first_release_is_a_baseline(small: Path) -> None:
    """The first of a profile says how much there is, and remembers every id."""
    assert read(small, "changes") == [
        ("2026.01.02.1", table, "*", "*", "derived", "baseline", None, rows, "source")
        for table, rows in (("census", "1"), ("clusters", "2"), ("observations", "2"))
    ]
    assert read(small, "id_ledger") == [
        (f"x.cells:{name}", "x.cells", "clusters", "current", [], "2026.01.02.1") for name in ("one", "two")
    ]


def test_second_release_says_what_changed(tmp_path: Path) -> None:
    """Rows come and go, cells change, and provenance alone changes nothing; an id that went may come back."""
    first = world()
    publish(first, tmp_path, 1)
    second = world()
    second["clusters"] = [cluster("one", themes=["a", 'b"'], harvest_id=LATER), cluster("three")]
    second["observations"] = [employment("one", 11.5, locator="json:/7"), employment("three", 3.0)]
    second["census"][0]["found"] = 3
    folder = publish(second, tmp_path, 2)
    key = "employment|_Z|2016|stated"
    assert read(folder, "changes", "table_name, row_id, column_name, feed_id, change, old_value, new_value, cause") == [
        ("census", "world|cell|all|r", "found", "derived", "changed", "2", "3", "source"),
        ("clusters", "x.cells:one", "themes", "x.cells", "changed", None, '["a","b\\""]', "both"),
        ("clusters", "x.cells:three", "*", "x.cells", "added", None, None, "source"),
        ("clusters", "x.cells:two", "*", "x.cells", "removed", None, None, "source"),
        ("observations", f"x.cells:one|{key}", "obs_value", "x.cells", "changed", "10.0", "11.5", "source"),
        ("observations", f"x.cells:three|{key}", "*", "x.cells", "added", None, None, "source"),
        ("observations", f"x.cells:two|{key}", "*", "x.cells", "removed", None, None, "source"),
    ]
    third = publish(first, tmp_path, 3)
    assert read(third, "id_ledger", "id, status, since_release") == [
        ("x.cells:one", "current", "2026.01.02.1"),
        ("x.cells:three", "retired", "2026.01.02.3"),
        ("x.cells:two", "current", "2026.01.02.3"),
    ]
    fourth = publish(first, tmp_path, 4)
    assert read(fourth, "changes") == []
    assert read(fourth, "id_ledger") == read(third, "id_ledger")


@pytest.mark.parametrize(
    ("later", "cause"),
    [
        ({}, "source"),
        ({"software_version": "2"}, "both"),
        ({"replay_of": HARVEST}, "software"),
        ({"replay_of": HARVEST, "software_version": "2"}, "software"),
    ],
)
def test_cause_of_a_change(later: dict[str, Any], cause: str, tmp_path: Path) -> None:
    """A replay is our doing; a harvest by newer software may be both; a removed row is the source's doing."""
    publish(world(), tmp_path, 1)
    rows = world()
    rows["harvests"].append(harvest(LATER, **later))
    rows["clusters"] = [cluster("one", name="new", harvest_id=LATER), cluster("three", harvest_id=LATER)]
    added = "software" if cause == "software" else "source"
    assert read(publish(rows, tmp_path, 2), "changes", "row_id, cause")[:3] == [
        ("x.cells:one", cause),
        ("x.cells:three", added),
        ("x.cells:two", "source"),
    ]


def test_profiles_have_lines_of_their_own(tmp_path: Path) -> None:
    """A public release is compared with the public one before it, whatever was published in between."""
    publish(world(), tmp_path, 1, "public")
    secret = world()
    secret["clusters"].append(cluster("hidden", cluster_id="x.shut:hidden", feed_id="x.shut"))
    publish(secret, tmp_path, 2)
    folder = publish(world(), tmp_path, 3, "public")
    assert release.read_manifest(folder)["previous"] == "2026.01.02.1"
    assert read(folder, "changes") == []
    assert "x.shut:hidden" not in {row[0] for row in read(folder, "id_ledger")}


def test_older_schema_is_compared_where_it_can_be(tmp_path: Path) -> None:
    """A table that is new starts with a baseline; a column that is new is no change of the source."""
    folder = publish(world(), tmp_path, 1)
    (folder / "census.parquet").unlink()
    path = literal(str(folder / "clusters.parquet"))
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE old AS SELECT * EXCLUDE (name) FROM read_parquet({path})")
        connection.execute(f"COPY old TO {path}")
    assert read(publish(world(), tmp_path, 2), "changes", "table_name, change") == [("census", "baseline")]


def test_an_empty_release_is_a_release(tmp_path: Path) -> None:
    """Nothing to show is shown, with the reason."""
    folder = publish({}, tmp_path, profile="public", notes=["All feeds are restricted."])
    assert release.read_manifest(folder)["totals"]["rows"] == 0
    assert verify(folder, tmp_path) == []


def test_latest_names_the_newest(tmp_path: Path) -> None:
    """`latest` is the newest of any profile, `latest-public` the newest public one; numbers are numbers."""
    publish(world(), tmp_path, 9, "public")
    assert (tmp_path / "latest").readlink() == (tmp_path / "latest-public").readlink() == Path("2026.01.02.9")
    publish(world(), tmp_path, 10)
    assert (tmp_path / "latest").readlink() == Path("2026.01.02.10")
    assert (tmp_path / "latest-public").readlink() == Path("2026.01.02.9")
    assert release.newest(tmp_path) == tmp_path / "2026.01.02.10"
    assert release.newest(tmp_path, "public") == tmp_path / "2026.01.02.9"
    assert release.newest(tmp_path, "local", before="2026.01.02.10") is None
    assert {path.name for path in tmp_path.iterdir()} == {"latest", "latest-public", "2026.01.02.9", "2026.01.02.10"}


def test_release_numbers_are_never_used_again(tmp_path: Path) -> None:
    """Numbers count the releases of a day in both folders."""
    published, archived = tmp_path / "published", tmp_path / "archive"
    day = date(2026, 1, 2)
    assert release.next_release_id(published, archived, day) == "2026.01.02.1"
    (published / "2026.01.02.9").mkdir(parents=True)
    (published / ".2026.01.02.30.tmp-1").mkdir()
    (published / "latest").symlink_to("2026.01.02.9")
    assert release.next_release_id(published, archived, day) == "2026.01.02.10"
    archived.mkdir()
    (archived / "2026.01.02.12.json").touch()
    (archived / "2026.01.03.50.json").touch()
    assert release.next_release_id(published, archived, day) == "2026.01.02.13"


def test_a_release_is_never_written_twice(small: Path) -> None:
    """Immutable means that even the same recipe is refused."""
    with pytest.raises(ReleaseError, match="exists already"):
        publish(world(), small.parent)


class Killed(BaseException):
    """Stands for a kill: nothing in the software catches it."""


@pytest.mark.parametrize("place", ["files.write_parquet", "files.write_database", "release._readme", "release.sync"])
def test_a_kill_leaves_latest_whole(place: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was unfinished is not a release, and the next one clears it away."""

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"exports.{place}", kill)
        with pytest.raises(Killed):
            publish(world(), tmp_path, 2)
    assert (tmp_path / "latest").resolve() == small
    assert verify(small, tmp_path) == []
    assert release.newest(tmp_path) == small
    assert [path.name for path in tmp_path.glob(".*")] != []
    second = publish(world(), tmp_path, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"latest", small.name, second.name}
    assert verify(second, tmp_path) == []


def test_a_failure_leaves_the_connection_usable(tmp_path: Path) -> None:
    """What could not be built is not left attached or in a transaction: the same connection can try again."""
    with database(world()) as connection:
        with pytest.raises(duckdb.IOException, match="sources"):
            files.write_database(connection, tmp_path)
        assert verify(release.write(connection, recipe(), tmp_path), tmp_path) == []


def test_a_kill_before_the_switch_is_mended(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two renames the release stands and `latest` is still the old one; switching again is safe."""
    tmp_path = small.parent
    with monkeypatch.context() as patched:
        patched.setattr(Path, "symlink_to", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            publish(world(), tmp_path, 2)
    assert (tmp_path / "latest").readlink() == Path("2026.01.02.1")
    release.switch(tmp_path)
    assert (tmp_path / "latest").readlink() == Path("2026.01.02.2")
    assert verify(tmp_path / "latest", tmp_path) == []


def test_broken_tables_are_refused(tmp_path: Path) -> None:
    """A key that stands twice, a column that is missing, an id that means two things: nothing is published."""
    with pytest.raises(ReleaseError, match=r"clusters: 1 keys stand more than once.*'x\.cells:one' \(2 times\)"):
        publish(world() | {"clusters": [cluster("one"), cluster("one"), cluster("two")]}, tmp_path)
    with database(world()) as connection:
        connection.execute("ALTER TABLE release.claims DROP COLUMN unit")
        with pytest.raises(ReleaseError, match=r"claims: its columns are not those of schema.*unit"):
            release.write(connection, recipe(), tmp_path)
    organisation = {"organisation_id": "x.cells:one", "feed_id": "x.cells"}
    with pytest.raises(ReleaseError, match=r"id_ledger.*x\.cells:one"):
        publish(world() | {"organisations": [organisation]}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(
    recipes=st.builds(
        Recipe,
        release_id=st.builds("{:%Y.%m.%d}.{}".format, st.dates(date(2000, 1, 1)), st.integers(1, 999)),
        profile=st.sampled_from(licence.PROFILES),
        published_at=st.datetimes(timezones=st.just(UTC)),
        harvests=st.lists(words).map(tuple),
        software_version=words,
        duckdb_version=words,
    )
)
def test_recipe_survives_json(recipes: Recipe) -> None:
    """What is written is what is read."""
    assert Recipe.from_json(recipes.to_json()) == recipes


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"published_at": "2026-01-02T00:00:00Z", "harvests": [], "more": 1}']
)
def test_what_is_no_recipe_is_refused(text: str) -> None:
    """A broken recipe never becomes a release."""
    with pytest.raises(ReleaseError, match="not a recipe"):
        Recipe.from_json(text)


@pytest.mark.parametrize(
    "fields",
    [{"release_id": "2026.1.2.1"}, {"profile": "secret"}, {"published_at": datetime(2026, 1, 2)}],  # noqa: DTZ001 - the fault
)
def test_recipe_refuses_bad_fields(fields: dict[str, Any]) -> None:
    """The number has one form, the profile is known, the time is UTC."""
    good = {name: getattr(recipe(), name) for name in Recipe.__slots__}
    with pytest.raises(ReleaseError, match="expected"):
        Recipe(**good | fields)


# --- verify


def forge(folder: Path, table: str, query: str) -> None:
    """Rewrite a table of a release and make checksums and manifest agree, as only a bug or a liar would."""
    path = folder / f"{table}.parquet"
    manifest = release.read_manifest(folder)
    with database({}) as connection:
        connection.execute(f"CREATE TEMP TABLE old AS FROM read_parquet({literal(str(path))})")
        connection.execute(f"DROP TABLE IF EXISTS release.{table}")
        connection.execute(f"CREATE TABLE release.{table} AS {query}")
        connection.execute(f"COPY release.{table} TO {literal(str(path))}")
        [(rows,)] = connection.execute(f"SELECT count(*) FROM release.{table}").fetchall()
        digest = files.content_sha256(connection, schema.TABLES[table])
    manifest["tables"][table] |= {"rows": rows, "content_sha256": digest}
    (folder / release.MANIFEST).write_text(json.dumps(manifest))
    reseal(folder)


def reseal(folder: Path) -> None:
    """Write the checksums of what is there now."""
    names = [name for name in release.listing(folder) if name != release.CHECKSUMS]
    (folder / release.CHECKSUMS).write_text("".join(f"{release.sha256(folder / name)}  {name}\n" for name in names))


def test_a_good_release_has_no_problem(small_public: Path) -> None:
    """With the archive behind it and without."""
    folder, tmp_path = small_public, small_public.parent
    assert verify(folder, tmp_path) == []
    warc = tmp_path / "archive/x.cells/h/00000.warc.gz"
    warc.parent.mkdir(parents=True)
    assert verify(folder, tmp_path) == [f"documents: {warc.relative_to(tmp_path)} is not in the archive"]
    warc.write_bytes(bytes(100))
    assert verify(folder, tmp_path) == [
        f"documents: {warc.relative_to(tmp_path)} has 100 bytes, but a document stands at byte 100"
    ]
    warc.write_bytes(bytes(101))
    assert verify(folder, tmp_path) == []


@pytest.mark.parametrize("name", ["clusters.parquet", "manifest.json", "README.md", "observatory.duckdb"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_verify_finds_a_flipped_byte(name: str, place: float, small: Path) -> None:
    """One bit anywhere is enough."""
    path = small / name
    data = bytearray(path.read_bytes())
    data[math.floor(len(data) * place)] ^= 1
    path.write_bytes(data)
    assert any(problem.startswith(f"{name}: its SHA-256 is") for problem in verify(small, small.parent))


def test_verify_finds_missing_and_foreign_files(small: Path) -> None:
    """The list of files is complete both ways."""
    (small / "extra.txt").touch()
    (small / "README.md").unlink()
    assert verify(small, small.parent) == [
        "README.md: the file is missing",
        "extra.txt: the file is not listed in SHA256SUMS",
    ]
    (small / "claims.parquet").unlink()
    reseal(small)
    assert verify(small, small.parent) == ["README.md: the file is missing", "claims.parquet: the file is missing"]


@pytest.mark.parametrize(
    ("table", "query", "problem"),
    [
        ("clusters", "FROM old UNION ALL FROM old LIMIT 3", "clusters: 1 keys stand more than once"),
        ("clusters", "SELECT * REPLACE (NULL::VARCHAR AS feed_id) FROM old", "clusters.feed_id is null in 2 rows"),
        (
            "clusters",
            "SELECT * REPLACE ('heap' AS kind) FROM old",
            "clusters.kind is none of cell, surveyed, documented",
        ),
        ("clusters", "SELECT * REPLACE (NULL::VARCHAR AS document_id) FROM old", "clusters: 2 rows name no document"),
        ("clusters", "SELECT * EXCLUDE (themes), ['a'] AS themes FROM old", "clusters: its columns are not those"),
        ("clusters", "FROM old LIMIT 1", "observations.cluster_id: 1 rows name what is not in clusters"),
        ("documents", "FROM old LIMIT 0", "clusters.document_id: 2 rows name what is not in documents"),
        ("harvests", "FROM old LIMIT 0", "observations.harvest_id: 2 rows name what is not in harvests"),
        ("feeds", "SELECT * REPLACE ('restricted' AS redistribution) FROM old", "release refused: 2 rows of clusters"),
        (
            "census",
            "SELECT * REPLACE (3::BIGINT AS found) FROM old",
            "observatory.duckdb: census differs from its Parquet file",
        ),
    ],
)
def test_verify_finds_what_checksums_cannot(table: str, query: str, problem: str, small_public: Path) -> None:
    """The files agree with their checksums, and still the release is wrong."""
    forge(small_public, table, query)
    problems = verify(small_public, small_public.parent)
    assert any(found.startswith(problem) for found in problems), problems


@pytest.mark.parametrize(("column", "parent"), [("region_id", "regions"), ("category_id", "categories")])
def test_verify_follows_places_and_activities(column: str, parent: str, tmp_path: Path) -> None:
    """A feed that brings its own regions or categories must bring all that its clusters name."""
    rows = world() | {parent: [{column: "known", "feed_id": "x.cells"} | provenance()]}
    rows["clusters"][0] |= {column: "known"}
    rows["clusters"][1] |= {column: "lost"}
    problem = f"clusters.{column}: 1 rows name what is not in {parent}, for example 'lost'"
    assert verify(publish(rows, tmp_path / "a"), tmp_path) == [problem]
    rows[parent][0]["feed_id"] = "x.shut"
    assert verify(publish(rows, tmp_path / "b"), tmp_path) == []


def test_verify_compares_with_the_manifest(small: Path) -> None:
    """Rows and content digests are counted again."""
    manifest = release.read_manifest(small)
    manifest["tables"]["claims"] |= {"rows": 7, "content_sha256": "0"}
    (small / release.MANIFEST).write_text(json.dumps(manifest))
    reseal(small)
    empty = hashlib.sha256(b"").hexdigest()
    assert verify(small, small.parent) == [
        "claims: its rows is 0, manifest.json says 7",
        f"claims: its content_sha256 is {empty}, manifest.json says 0",
    ]


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            "UPDATE clusters SET name = 'forged' WHERE name = 'one'",
            "clusters differs from its Parquet file: 1 rows are",
        ),
        ("DELETE FROM observations", "observations differs from its Parquet file: 2 rows are missing, 0 are extra"),
        ("INSERT INTO clusters FROM clusters LIMIT 1", "clusters differs from its Parquet file: 0 rows are missing, 1"),
        ("DROP TABLE claims", "claims: the table is missing"),
    ],
)
def test_verify_finds_an_edited_database(edit: str, problem: str, small: Path) -> None:
    """Even when its checksum was made to agree."""
    with duckdb.connect(str(small / files.DATABASE)) as connection:
        connection.execute(edit)
    reseal(small)
    [found] = verify(small, small.parent)
    assert found.startswith(f"observatory.duckdb: {problem}")


def test_verify_refuses_what_it_cannot_judge(small: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder that is no release, and a release of another schema, are said to be so."""
    with pytest.raises(ReleaseError, match="not a release"):
        verify(tmp_path_factory.mktemp("empty"), small.parent)
    (small / release.MANIFEST).write_text(json.dumps(release.read_manifest(small) | {"schema_version": "0.1"}))
    reseal(small)
    with pytest.raises(ReleaseError, match=r"schema 0\.1"):
        verify(small, small.parent)
    (small / release.MANIFEST).write_text("{")
    with pytest.raises(ReleaseError, match="not a release"):
        release.read_manifest(small)
