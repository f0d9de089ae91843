"""Archive → warehouse beside simpler ways: DuckDB alone, a pandas script, dlt.

Each way starts from the same bytes, warm, in this process, and ends with committed rows in a DuckDB file. All make one
row for each of the same 14 measures that a document has. Ours starts from the WARC: it reads and inflates it, checks
the contract, gives each row its provenance, status and method, keeps history and ledgers, and leaves placeholders out.
The others only read, unpivot and insert; dlt only loads the documents, not even unpivoted.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb

import pipeline
import staging
from crawlers import harvest as harvests
from crawlers.harvest import Stage
from crawlers.source import Route, feeds
from pipeline import Order
from warehouse import store
from warehouse.assemble import assemble
from warehouse.load import load
from warehouse.schema import literal

KEYS = ("id", "region_type_t", "region_code_t", "cluster_code_t", "year_t")
MEASURES = {
    **dict.fromkeys(("emp_tl", "emp_reported_tl", "est_tl", "qp1_tl", "ap_tl"), "BIGINT"),
    **dict.fromkeys(
        ("private_wage_tf", "lq_tf", "region_emp_per_tf", "cluster_emp_per_tf", "patent_count_tf"), "DOUBLE"
    ),
    **dict.fromkeys(("qualifying_b", "significant_b", "strong_b", "strong10_b"), "BOOLEAN"),
}
OURS = "ours"

Seconds = dict[str, list[float]]
"""Way or stage → seconds of each counted run."""


def ours(home: Path, folder: Path, seconds: Seconds) -> int:
    """Run the road on the files route, each stage timed; return the rows that it made."""
    feed = feeds()["us.clustermapping"]
    order = Order(feed=feed, route=Route.FILES, files=folder)
    marks = [time.perf_counter()]
    record = pipeline._begin(home, order)  # noqa: SLF001  # the stages one by one
    pipeline._collect_files(home, record, folder)  # noqa: SLF001
    assert record.stage is Stage.CRAWLED
    marks.append(time.perf_counter())
    doubts = staging.stage(home, feed, record)
    assert not doubts, doubts
    marks.append(time.perf_counter())
    with store.opened(home) as connection:
        done = load(connection, staging.folder(home, record), pipeline.ledger_row(record))
    marks.append(time.perf_counter())
    with store.opened(home) as connection:
        assemble(connection, allowed=[feed.feed_id], public=False, sources=[], feeds=[])
    marks.append(time.perf_counter())
    harvests.write(home, record)
    spent = [after - before for before, after in pairwise(marks)]
    stages = ("files → archive", "archive → staging", "staging → warehouse", "warehouse → rows of a release")
    for name, value in zip(stages, spent, strict=True):
        seconds.setdefault(name, []).append(value)
    seconds.setdefault(OURS, []).append(spent[1] + spent[2])
    return done.opened


def duckdb_alone(database: Path, folder: Path) -> int:
    """Read typed, unpivot and insert with DuckDB and nothing else; return the rows."""
    columns = json.dumps(dict.fromkeys(KEYS, "VARCHAR") | MEASURES).replace('"', "'")
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            f"""
            CREATE TABLE observations AS
            UNPIVOT (FROM read_json({literal(str(folder / "msa*.json"))}, format = 'array', columns = {columns}))
            ON {", ".join(f"{name}::DOUBLE AS {name}" for name in MEASURES)} INTO NAME indicator VALUE obs_value
            """
        )
        connection.execute("CHECKPOINT")
        return _count(connection)


def with_pandas(database: Path, folder: Path) -> int:
    """Do the same as a pandas script would."""
    import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  # optional

    frames = [pd.DataFrame(json.loads(path.read_bytes())) for path in sorted(folder.glob("msa*.json"))]
    wide = pd.concat(frames).reindex(columns=[*KEYS, *MEASURES])
    long = wide.melt(id_vars=list(KEYS)).dropna(subset="value")
    long["value"] = long["value"].astype(float)
    with duckdb.connect(str(database)) as connection:
        connection.register("long", long)
        connection.execute("CREATE TABLE observations AS FROM long")
        connection.execute("CHECKPOINT")
        return _count(connection)


def with_dlt(database: Path, folder: Path) -> int:
    """Load the documents with dlt; return their number."""
    import dlt  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  # optional

    rows = [row for path in sorted(folder.glob("msa*.json")) for row in json.loads(path.read_bytes())]
    run = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="b",
        pipelines_dir=str(database.parent),
    )
    run.run(rows, table_name="documents")
    return len(rows)


def measure(folder: Path, scratch: Path, runs: int, *, dlt: bool) -> tuple[Seconds, dict[str, int]]:
    """Run every way in turn, after one warm-up.

    Args:
        folder: the documents.
        scratch: an empty folder.
        runs: counted runs of each way.
        dlt: whether dlt runs too, once: it takes a minute for a year of documents.

    Returns:
        Seconds, and the rows that each way made.
    """
    others: dict[str, Callable[[Path, Path], int]] = {"DuckDB alone": duckdb_alone}
    if importlib.util.find_spec("pandas"):
        others["pandas"] = with_pandas
    seconds: Seconds = {}
    rows: dict[str, int] = {}
    for run in range(runs + 1):
        counted: Seconds = seconds if run else {}
        home = scratch / f"run{run}"
        rows[OURS] = ours(home, folder, counted)
        for name, way in others.items():
            started = time.perf_counter()
            rows[name] = way(home / "other.duckdb", folder)
            counted.setdefault(name, []).append(time.perf_counter() - started)
            (home / "other.duckdb").unlink()
        shutil.rmtree(home)
    if dlt and importlib.util.find_spec("dlt"):
        (scratch / "dlt").mkdir()
        started = time.perf_counter()
        rows["dlt"] = with_dlt(scratch / "dlt" / "dlt.duckdb", folder)
        seconds["dlt"] = [time.perf_counter() - started]
    return seconds, rows


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    counted = connection.execute("SELECT count(*) FROM observations").fetchone()
    assert counted is not None
    return int(counted[0])
