"""Archive → warehouse on the 61,439 documents of the US metropolitan areas of one year, beside simpler ways.

``python -m benchmarks [--runs N]``. The documents are the recorded ones where ``../shared/data/us`` is there, else
those of the replica. Each way starts from the same bytes, warm, in this process, and ends with committed rows in a
DuckDB file. Ours includes reading and inflating the archive, the contract, provenance, status codes, history and
ledgers; the others only read, unpivot and insert. pandas and dlt are measured where they are installed; the project
needs neither.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

import pipeline
import staging
from crawlers import harvest as harvests
from crawlers.harvest import Stage
from crawlers.source import Route, feeds
from pipeline import Order
from replicas import us
from warehouse import store
from warehouse.assemble import assemble
from warehouse.load import load
from warehouse.schema import literal

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "us"
MEASURES = {
    "emp_tl": "BIGINT",
    "emp_reported_tl": "BIGINT",
    "est_tl": "BIGINT",
    "qp1_tl": "BIGINT",
    "ap_tl": "BIGINT",
    "private_wage_tf": "DOUBLE",
    "lq_tf": "DOUBLE",
    "cluster_emp_per_tf": "DOUBLE",
}
KEYS = ("id", "region_type_t", "region_code_t", "cluster_code_t", "year_t")

Times = dict[str, list[float]]


def documents(folder: Path) -> str:
    """Write the documents and the lists that they need into a folder; return where they are from."""
    lists = ("meta__clusters", "meta__regions", "meta__years", "region")
    if RECORDED.exists():
        for name in (*lists, "region__msa__all__2016__all"):
            path = next(RECORDED.glob(f"data__{name}.json*"))
            body = path.read_bytes()
            (folder / f"data__{name}.json").write_bytes(gzip.decompress(body) if path.suffix == ".gz" else body)
        return "recorded documents"
    with us.replica(region_types=("msa",), years=("2016",)) as replica:
        for name in lists:
            with urllib.request.urlopen(f"{replica.base_url}/{name.replace('__', '/')}") as answer:  # noqa: S310  # loopback
                (folder / f"data__{name}.json").write_bytes(answer.read())
        address = f"{replica.base_url}/region/msa/all/2016/all?limit=70000&sort=id%20asc"
        with urllib.request.urlopen(address) as answer:  # noqa: S310  # loopback
            (folder / "data__region__msa__all__2016__all.json").write_bytes(answer.read())
    return "replica (synthetic documents)"


def paged(folder: Path, size: int = 10_000) -> None:
    """Cut the large answer into pages, as the spider asks for them."""
    path = folder / "data__region__msa__all__2016__all.json"
    records = json.loads(path.read_bytes())
    path.unlink()
    for start in range(0, len(records), size):
        page = json.dumps(records[start : start + size], separators=(",", ":"), ensure_ascii=False)
        (folder / f"{path.stem}.{start:06d}.json").write_text(page, "utf-8")


def ours(home: Path, folder: Path, times: Times) -> int:
    """Run the road on the files route, each stage timed; return the rows that it made."""
    feed = feeds()["us.clustermapping"]
    order = Order(feed=feed, route=Route.FILES, files=folder)
    started = time.perf_counter()
    record = pipeline._begin(home, order)  # noqa: SLF001  # the stages one by one
    pipeline._collect_files(home, record, folder)  # noqa: SLF001
    assert record.stage is Stage.CRAWLED
    archived = time.perf_counter()
    doubts = staging.stage(home, feed, record)
    assert not doubts, doubts
    staged = time.perf_counter()
    with store.opened(home) as connection:
        done = load(connection, staging.folder(home, record), pipeline.ledger_row(record))
    loaded = time.perf_counter()
    with store.opened(home) as connection:
        assemble(connection, allowed=[feed.feed_id], public=False, sources=[], feeds=[])
    assembled = time.perf_counter()
    for name, seconds in {
        "archive (files → WARC)": archived - started,
        "check and normalise (WARC → staging)": staged - archived,
        "load (staging → warehouse)": loaded - staged,
        "assemble (warehouse → release rows)": assembled - loaded,
        "ours: archive → warehouse": loaded - archived,
    }.items():
        times.setdefault(name, []).append(seconds)
    harvests.write(home, record)
    return done.opened


def duckdb_alone(database: Path, folder: Path) -> int:
    """Read typed, unpivot and insert with DuckDB and nothing else; return the rows."""
    columns = json.dumps(dict.fromkeys(KEYS, "VARCHAR") | MEASURES).replace('"', "'")
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            f"""
            CREATE TABLE observations AS
            UNPIVOT (FROM read_json({literal(str(folder / "*msa*.json"))}, format = 'array', columns = {columns}))
            ON {", ".join(f"{name}::DOUBLE AS {name}" for name in MEASURES)} INTO NAME indicator VALUE obs_value
            """
        )
        connection.execute("CHECKPOINT")
        counted = connection.execute("SELECT count(*) FROM observations").fetchone()
    assert counted is not None
    return int(counted[0])


def with_pandas(database: Path, folder: Path) -> int:
    """Do the same as a pandas script would."""
    import pandas as pd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  # optional

    frames = [pd.DataFrame(json.loads(path.read_bytes())) for path in sorted(folder.glob("*msa*.json"))]
    long = pd.concat(frames).melt(id_vars=list(KEYS), value_vars=list(MEASURES))
    with duckdb.connect(str(database)) as connection:
        connection.register("long", long)
        connection.execute("CREATE TABLE observations AS FROM long")
        connection.execute("CHECKPOINT")
    return len(long)


def with_dlt(database: Path, folder: Path) -> int:
    """Load the documents with dlt, not even unpivoted."""
    import dlt  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  # optional

    rows = [row for path in sorted(folder.glob("*msa*.json")) for row in json.loads(path.read_bytes())]
    run = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="b",
        pipelines_dir=str(database.parent),
    )
    run.run(rows, table_name="documents")
    return len(rows)


def main() -> None:
    """Run every way in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each way, after one warm-up")
    runs = parser.parse_args().runs
    optional: dict[str, Callable[[Path, Path], int]] = {"pandas": with_pandas, "dlt": with_dlt}
    others = {"DuckDB alone": duckdb_alone} | {
        name: way for name, way in optional.items() if importlib.util.find_spec(name)
    }
    times: Times = {}
    rows: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "documents"
        folder.mkdir()
        origin = documents(folder)
        paged(folder)
        for run in range(runs + 1):
            counted: Times = times if run else {}
            at = Path(temporary) / f"run{run}"
            rows["ours: archive → warehouse"] = ours(at / "home", folder, counted)
            for name, way in others.items():
                if name == "dlt" and run > 1:
                    continue  # a minute each: one warm-up and one counted run say enough
                started = time.perf_counter()
                rows[name] = way(at / f"{name}.duckdb", folder)
                counted.setdefault(name, []).append(time.perf_counter() - started)
    report(origin, runs, times, rows)


def report(origin: str, runs: int, times: Times, rows: dict[str, int]) -> None:
    """Print the medians, and each way's time as a multiple of DuckDB alone."""
    base = statistics.median(times["DuckDB alone"])
    table = Table(
        title=f"61,439 documents, {origin}, {runs} runs, DuckDB {duckdb.__version__}", title_justify="left", box=None
    )
    for column in ("way or stage", "rows", "median s", "min", "max", "× DuckDB alone"):
        table.add_column(column, justify="left" if column == "way or stage" else "right")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        table.add_row(
            name,
            f"{rows[name]:,}" if name in rows else "",
            f"{median:.2f}",
            f"{min(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"{median / base:.2f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
