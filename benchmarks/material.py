"""The documents that are measured: those recorded of one year's metropolitan areas, or the replica's of many years."""

from __future__ import annotations

import gzip
import json
import urllib.request
from pathlib import Path

from replicas import us

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "us"
LISTS = ("meta/years", "meta/clusters", "meta/regions", "region")
PAGE = 10_000
"""Documents of one file, as many as the source answers by itself."""


def recorded(folder: Path) -> str | None:
    """Write the recorded documents of 2016, 61,439 of them, and the lists; None where the recordings are absent."""
    if not RECORDED.exists():
        return None
    for name in (*LISTS, "region/msa/all/2016/all"):
        path = next(RECORDED.glob(f"data__{name.replace('/', '__')}.json*"))
        body = path.read_bytes()
        body = gzip.decompress(body) if path.suffix == ".gz" else body
        if name in LISTS:
            (folder / f"data__{name.replace('/', '__')}.json").write_bytes(body)
        else:
            _write_pages(folder, "msa.2016", json.loads(body))
    return "recorded documents, 1 year"


def synthetic(folder: Path, years: int) -> str:
    """Write the replica's documents of the metropolitan areas, 61,439 a year, and the lists."""
    listed = [str(2016 - number) for number in range(years)]
    with us.replica(region_types=("msa",), years=listed) as replica:
        for name in LISTS:
            (folder / f"data__{name.replace('/', '__')}.json").write_bytes(_get(f"{replica.base_url}/{name}"))
        for year in listed:
            for start in range(0, 70_000, PAGE):
                query = f"limit={PAGE}&start={start}&sort=id%20asc"
                body = _get(f"{replica.base_url}/region/msa/all/{year}/all?{query}")
                (folder / f"msa.{year}.{start:06d}.json").write_bytes(body)
    return f"synthetic documents of the replica, {years} years"


def _write_pages(folder: Path, stem: str, records: list[object]) -> None:
    for start in range(0, len(records), PAGE):
        page = json.dumps(records[start : start + PAGE], separators=(",", ":"), ensure_ascii=False)
        (folder / f"{stem}.{start:06d}.json").write_text(page, "utf-8")


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address) as answer:  # noqa: S310  # loopback
        body: bytes = answer.read()
    return body
