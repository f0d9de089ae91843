"""Ten releases, each with its delta: base and delta give the next one, and the ledger knows what became of every id."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_release import FEEDS, Rows, cluster, employment, marked, provenance, publish, read, reseal, texts, world

from exports import delta, files, release
from exports.verify import verify
from warehouse import schema
from warehouse.schema import literal

pytestmark = pytest.mark.duckdb


def region(code: str, **fields: object) -> dict[str, Any]:
    """Return a row of regions."""
    return {"region_id": f"r:{code}", "feed_id": "x.cells", "code": code} | provenance() | fields


def united(key: str, *members: str) -> dict[str, Any]:
    """Return a row of global_clusters."""
    named = [f"x.cells:{member}" for member in members]
    return {"global_cluster_id": f"global:{key}", "feed_id": "derived", "name": key, "members": named}


def second_feed(rows: Rows, terms: str) -> None:
    """Add a feed and, where its terms allow it in public, a cluster of it that joins the first one."""
    rows["feeds"].append({"feed_id": "y.list", "source_id": "x", "redistribution": terms})
    if terms == "open":
        row = {"cluster_id": "y.list:guest", "feed_id": "y.list", "name": "guest"}
        rows["documents"].append({**rows["documents"][0], "document_id": "y.list:d", "feed_id": "y.list"})
        rows["clusters"].append(cluster("guest") | row | provenance(document="y.list:d"))
        rows["global_clusters"].append(united("guest", "one") | {"members": ["y.list:guest"], "feeds": ["y.list"]})


def stories() -> list[Rows]:
    """Return the rows of ten releases."""
    told = [world() for _ in range(10)]
    for rows in told:
        rows |= {"regions": [region("old", successors=["r:east", "r:west"]), region("north")]}
        rows["clusters"] += [cluster("three"), cluster("four")]
        rows["global_clusters"] = [united("one", "one"), united("two", "two"), united("three", "three", "four")]
    for rows in told[1:]:  # cells change, one by a sign that == does not see; a row is gone
        rows["observations"] = [employment("one", -0.0 if rows is told[2] else 0.0)]
        rows["clusters"][0] |= {"name": "Renamed", "themes": ["a", None]}
    for rows in told[2:]:  # a region is split; a global cluster has another name
        rows["regions"] = [region("east"), region("north"), region("west")]
        rows["global_clusters"][0] = united("first", "one")
    for rows in told[3:]:  # two global clusters become one
        rows["global_clusters"] = [united("first", "one", "two"), united("three", "three", "four")]
    for rows in told[4:]:  # another one is parted
        rows["global_clusters"][1:] = [united("four", "four"), united("third", "three")]
    for number, rows in enumerate(told):  # a feed comes, and may no longer be shown, and comes back
        second_feed(rows, "open" if number in {4, 5, 8} else "restricted")
    for rows in told[7:]:  # the renamed one is renamed once more
        rows["global_clusters"][0] = united("prime", "one", "two")
    told[9]["clusters"] = [row for row in told[9]["clusters"] if row["name"] != "four"]
    told[9]["global_clusters"] = [row for row in told[9]["global_clusters"] if row["name"] != "four"]
    return told


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the folders of ten public releases."""
    published = tmp_path_factory.mktemp("published")
    return [publish(rows, published, number, "public") for number, rows in enumerate(stories(), start=1)]


def modes(folder: Path) -> dict[str, str]:
    """Return the deltas of a release: table → mode."""
    return {entry["table"]: entry["mode"] for entry in release.read_manifest(folder)["files"] if "mode" in entry}


def test_base_and_delta_give_the_next_release(line: list[Path], tmp_path: Path) -> None:
    """Of every neighbouring pair, from nothing but the manifest and the deltas, down to the bytes."""
    for number, (base, following) in enumerate(itertools.pairwise(line)):
        update = tmp_path / f"update-{number}"
        shutil.copytree(following / "delta", update / "delta")
        shutil.copy(following / "manifest.json", update)
        delta.apply(base, update, tmp_path / f"{number}")
        for table in schema.TABLES.values():
            name = files.parquet_name(table)
            assert (tmp_path / f"{number}" / name).read_bytes() == (following / name).read_bytes(), (number, name)
    every = len(schema.TABLES)
    assert [len(modes(folder)) for folder in line] == [0, 3, 5, 4, 6, 1, every, 3, 6, every]
    assert verify(line[1], tmp_path / "nowhere") == verify(line[6], tmp_path / "nowhere") == []


def test_the_snippet_of_the_documentation_gives_the_same(line: list[Path]) -> None:
    with duckdb.connect() as connection:
        old, new = (literal(str(line[0] / part)) for part in ("observations.parquet", "../2026.01.02.2/delta"))
        connection.execute(f"CREATE TABLE base AS FROM {old}")
        connection.execute(f"CREATE TABLE delta AS FROM {new[:-1]}/observations.parquet'")
        query = """
            FROM base ANTI JOIN delta USING (cluster_id, indicator, unit_kind, time_period, method)
            UNION ALL
            SELECT * EXCLUDE (delta) FROM delta WHERE delta = 'upsert'
        """
        assert connection.execute(f"SELECT cluster_id, obs_value FROM ({query})").fetchall() == [("x.cells:one", 0.0)]


def test_the_ledger_forgets_no_id_but_what_was_withdrawn(line: list[Path]) -> None:
    """An id leaves it where a feed is withdrawn, if it was that feed's, or derived and gone; and at no other time."""
    withdrawing = {line[6], line[9]}
    for before, after in itertools.pairwise(line):
        lost = {row[0] for row in read(before, "id_ledger", "id")} - {row[0] for row in read(after, "id_ledger", "id")}
        assert after in withdrawing or lost == set()
        assert all(name == "y.list:guest" or name.startswith("global:") for name in lost)
    last = {row[0]: row[1:] for row in read(line[-1], "id_ledger", "id, status, successor_ids, since_release")}
    assert last["r:old"] == ("split", ["r:east", "r:west"], "2026.01.02.3")
    assert last["x.cells:four"] == ("retired", [], "2026.01.02.10")


def test_ids_move_merge_and_part(tmp_path: Path) -> None:
    """Without a withdrawal every id stays, and leads to what is current."""
    told = stories()
    chosen = [told[1], told[2], told[3], told[6], told[7], told[9]]
    folders = [publish(rows, tmp_path, number) for number, rows in enumerate(chosen, start=1)]
    ledger = {row[0]: row[1:] for row in read(folders[-1], "id_ledger", "id, status, successor_ids, since_release")}
    assert {name: row[:2] for name, row in ledger.items() if row[0] != "current"} == {
        "global:first": ("moved", ["global:prime"]),
        "global:four": ("retired", []),
        "global:one": ("moved", ["global:first"]),
        "global:three": ("split", ["global:four", "global:third"]),
        "global:two": ("merged", ["global:first"]),
        "r:old": ("split", ["r:east", "r:west"]),
        "x.cells:four": ("retired", []),
    }
    assert {ledger[name][2] for name in ("global:one", "r:old")} == {"2026.01.02.2"}
    with duckdb.connect(str(folders[-1] / files.DATABASE), read_only=True) as book:
        found = book.execute(
            "SELECT id, current_id FROM id_resolution WHERE status <> 'current' ORDER BY ALL"
        ).fetchall()
    assert found == [
        ("global:first", "global:prime"),
        ("global:four", None),
        ("global:one", "global:prime"),
        ("global:three", "global:third"),
        ("global:two", "global:prime"),
        ("r:old", "r:east"),
        ("r:old", "r:west"),
        ("x.cells:four", None),
    ]


def test_what_was_withdrawn_is_in_no_delta(line: list[Path]) -> None:
    """Where a feed may no longer be shown, every table comes whole, and nothing of the feed is named."""
    for number in (6, 9):
        everything = "\n".join(texts(line[number]))
        assert "guest" not in everything
        assert set(modes(line[number]).values()) == {"whole"}
    assert "guest" in "\n".join(texts(line[8]))


def test_a_feed_of_documents_alone_is_withdrawn_too(tmp_path: Path) -> None:
    """Also a key of a document is never named once its feed may not be shown."""
    rows = marked(frozenset(), frozenset("a"), 1)
    rows["documents"] = [{"document_id": "secret-a", "feed_id": "a", "synthetic": False}]
    publish(rows, tmp_path, 1, "public")
    folder = publish(marked(frozenset(), frozenset(), 2), tmp_path, 2, "public")
    assert "secret-a" not in "\n".join(texts(folder))
    assert len(FEEDS) == 3


def test_a_wrong_base_is_refused(line: list[Path], tmp_path: Path) -> None:
    with pytest.raises(delta.DeltaError, match=r"deltas against 2026\.01\.02\.1; the base is 2026\.01\.02\.3"):
        delta.apply(line[2], line[1], tmp_path / "out")
    spoilt = tmp_path / "base"
    shutil.copytree(line[0], spoilt)
    shutil.copy(line[1] / "observations.parquet", spoilt / "observations.parquet")
    shutil.copy(line[1] / "clusters_closed.parquet", spoilt / "clusters.parquet")
    with pytest.raises(delta.DeltaError, match=r"do not give release 2026\.01\.02\.2: clusters: rows is 1, expected 4"):
        delta.apply(spoilt, line[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_verify_judges_deltas(line: list[Path], tmp_path: Path) -> None:
    """A delta that leaves a row out, though every checksum agrees, is found."""
    for folder in line[:2]:
        shutil.copytree(folder, tmp_path / folder.name)
    made = tmp_path / line[1].name
    path = made / "delta" / "observations.parquet"
    manifest = (made / "manifest.json").read_text("utf-8")
    before = release.sha256(path)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE kept AS FROM {literal(str(path))} WHERE delta = 'delete'")
        connection.execute(f"COPY kept TO {literal(str(path))} (FORMAT parquet)")
    (made / "manifest.json").write_text(manifest.replace(before, release.sha256(path)), "utf-8")
    reseal(made)
    assert "delta/observations.parquet: 1 rows of observations do not come out of it and 2026.01.02.1" in verify(
        made, tmp_path / "nowhere"
    )
