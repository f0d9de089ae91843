"""The measurements: ``python -m benchmarks [road|crawl|memory|categories|links|pages|layouts|bulk …] [--runs N]``.

Ratios count, not seconds: each is of ways that run in turn in one call, so that they hold on another machine. pandas
and dlt are measured where they are installed (`make bench` does it); the project needs neither.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks import bulk, categories, crawl, layouts, links, material, memory, pages, road

CONSOLE = Console(width=120, soft_wrap=True)
PARTS = ("road", "crawl", "memory", "categories", "links", "pages", "layouts", "bulk")


def show_road(folder: Path, scratch: Path, origin: str, runs: int, *, dlt: bool) -> None:
    """Measure the road and print each way's time as a multiple of the others'."""
    seconds, rows = road.measure(folder, scratch, runs, dlt=dlt)
    base = statistics.median(seconds["DuckDB alone"])
    own = statistics.median(seconds[road.OURS])
    table = Table(title=f"Archive → warehouse: {origin}, {runs} runs, DuckDB {duckdb.__version__}", box=None)
    table.title_justify = "left"
    for column in ("way or stage", "rows", "median s", "min", "max", "rows/s", "× DuckDB alone", "÷ ours"):
        table.add_column(column, justify="left" if column == "way or stage" else "right")
    for name, spent in seconds.items():
        median = statistics.median(spent)
        made = rows.get(name)
        table.add_row(
            name,
            f"{made:,}" if made else "",
            *(f"{value:.2f}" for value in (median, min(spent), max(spent))),
            f"{made / median:,.0f}" if made else "",
            f"{median / base:.2f}",
            f"{median / own:.2f}",
        )
    CONSOLE.print(table, "")


def show_roads(scratch: Path, runs: int, years: int) -> None:
    """Measure the road on the recorded documents, and on synthetic ones of many years."""
    once, often = scratch / "once", scratch / "often"
    once.mkdir()
    show_road(once, scratch, material.recorded(once) or material.synthetic(once, 1), runs, dlt=True)
    if years:
        often.mkdir()
        show_road(often, scratch, material.synthetic(often, years), min(runs, 3), dlt=False)


def show_crawl(scratch: Path, runs: int, years: int) -> None:
    """Measure the crawl and print its time as a multiple of bare Scrapy's."""
    listed = tuple(str(2016 - number) for number in range(years))
    ours, bare, size = crawl.measure(scratch, runs, listed)
    own, other = statistics.median(ours), statistics.median(bare)
    ratios = sorted(mine / its for mine, its in zip(ours, bare, strict=True))
    CONSOLE.print(
        f"Crawl with archive: {own:.2f} s; bare Scrapy, same {size / 2**20:,.0f} MiB from the same server: {other:.2f} "
        f"s; ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}; {runs} runs, {years} years)\n"
    )


def show_crawls(scratch: Path, runs: int, years: int) -> None:
    """Measure the crawl of one year, and of many."""
    for number in sorted({1, years or 1}):
        show_crawl(scratch / f"crawl-{number}", runs, number)


def show_memory(scratch: Path) -> None:
    """Measure a harvest of all counties and print its peak of memory."""
    found = memory.measure(scratch)
    CONSOLE.print(
        f"All counties of a year: {found['documents']:,} documents, {found['rows']:,} rows, {found['seconds']:.0f} s "
        f"from the first request to the release, peak {found['peak_mib']:,.0f} MiB\n"
    )


def show_categories(scratch: Path) -> None:
    """Score the hub categories of labelled names and print them beside the exact-match baseline."""
    release = categories.harvest_lists(scratch / "lists")
    listed = (categories.LABELS, categories.OTHERS, categories.SECOND)
    names = [name for labels in listed for name in categories.answer(release, labels)]
    table = Table(title="Hub category of a product or sector name; 95 % intervals by Wilson's score", box=None)
    table.title_justify = "left"
    for column in ("names", "", "n", "with a class", "precision", "", "recall", "", "F1", "F1 exact match"):
        table.add_column(column, justify="left" if not column or column == "names" else "right")
    titles = {"a": "half a, tuned on", "b": "half b, held out", "c": "lists of others", "d": "six kinds of list"}
    for half, of_half in categories.halves(names).items():
        for kind, chosen in categories.groups(of_half).items():
            found = categories.score(chosen)
            shares = ((found.right, found.right + found.wrong), (found.right, found.right + found.missed))
            precision, recall = ("{:.3f} to {:.3f}".format(*categories.wilson(*share)) for share in shares)
            table.add_row(
                *(titles[half], kind, str(len(chosen)), str(sum(bool(name.expected) for name in chosen))),
                *(f"{found.precision:.3f}", precision, f"{found.recall:.3f}", recall, f"{found.f1:.3f}"),
                f"{categories.score(chosen, baseline=True).f1:.3f}",
            )
    CONSOLE.print(table, "")


def show_pages() -> None:
    """Print how fast pages are read."""
    for name, body in (
        ("a table of 50,000 rows", pages.big_table(50_000)),
        *((f"{count:,} cards with a table each", pages.cards(count)) for count in (1_000, 2_000, 4_000)),
    ):
        records, spent = pages.measure(body)
        CONSOLE.print(
            f"{name}, {len(body) / 1e6:.1f} MB: {records:,} records in {spent:.2f} s, {records / spent:,.0f} rows/s"
        )


def show_layouts() -> None:
    """Print how much of the layouts is read right, and what is not."""
    for name, folder in (
        ("the 64", ""),
        ("24 later ones", "later"),
        ("16 still later ones", "later2"),
        ("8 last ones", "later3"),
    ):
        score = layouts.measure([folder])
        low, high = categories.wilson(score.right, score.count)
        CONSOLE.print(
            f"{name}: {score.whole} of {score.layouts} whole; {score.right} of {score.count} values right "
            f"({low:.3f} to {high:.3f}), {len(score.wrong)} wrong, {len(score.missing)} missing"
        )
        for what, lines in (("wrong", score.wrong), ("missing", score.missing)):
            for line in lines:
                CONSOLE.print(f"  {what} {line}", markup=False)


def show_links(scratch: Path) -> None:
    """Score the links of labelled pairs and print them beside the exact-match baseline."""
    release = categories.harvest_lists(scratch / "lists")
    table = Table(title="Same cluster, or what serves it; 95 % intervals by Wilson's score", box=None)
    table.title_justify = "left"
    for column in ("pairs", "n", "with a link", "linked", "precision", "", "recall", "", "baseline: precision, recall"):
        table.add_column(column, justify="left" if not column or column == "pairs" else "right")
    for title, labels, half in (
        ("first set, half a, tuned on", links.LABELS, "a"),
        ("first set, half b, held out", links.LABELS, "b"),
        ("second set, half a, tuned on", links.SECOND, "a"),
        ("second set, half b, held out", links.SECOND, "b"),
    ):
        pairs = links.answer(release, half, labels)
        found, exact = links.score(pairs), links.score(pairs, baseline=True)
        shares = ((found.right, found.right + found.wrong), (found.right, found.right + found.missed))
        precision, recall = ("{:.3f} to {:.3f}".format(*categories.wilson(*share)) for share in shares)
        table.add_row(
            *(title, str(len(pairs)), str(sum(pair.expected != "none" for pair in pairs)), str(shares[0][1])),
            *(f"{found.precision:.3f}", precision, f"{found.recall:.3f}", recall),
            f"{exact.precision:.3f}, {exact.recall:.3f}",
        )
    CONSOLE.print(table, "")


def show_bulk(scratch: Path, runs: int) -> None:
    """Measure the bulk file and print each way's time, and ours as a multiple of it, run by run."""
    measured = bulk.measure(scratch, runs)
    table = Table(
        title=f"Bulk file: {bulk.ROWS:,} synthetic rows, {runs} cold runs, DuckDB {duckdb.__version__}", box=None
    )
    table.title_justify = "left"
    for column in ("way or stage", "rows", "median s", "min", "max", "CPU s", "peak MiB", "ours ÷ it", "min", "max"):
        table.add_column(column, justify="left" if column == "way or stage" else "right")
    for name in measured[0]:
        of_way = [run[name] for run in measured if name in run]
        spent = [each["seconds"] for each in of_way]
        ratios = [run[bulk.OURS]["seconds"] / run[name]["seconds"] for run in measured if name in run]
        table.add_row(
            name,
            f"{of_way[0]['rows']:,.0f}",
            *(f"{value:.1f}" for value in (statistics.median(spent), min(spent), max(spent))),
            f"{statistics.median(each['cpu'] for each in of_way):.1f}",
            f"{max(each['peak_mib'] for each in of_way):,.0f}",
            *(f"{value:.2f}" for value in (statistics.median(ratios), min(ratios), max(ratios))),
        )
    CONSOLE.print(table, "")


def main() -> None:
    """Run what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all of them without")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each way, after one warm-up")
    parser.add_argument("--years", type=int, default=10, help="years of synthetic documents; 0 leaves them out")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    parts = given.parts or PARTS
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        ways: dict[str, Callable[[], None]] = {
            "road": lambda: show_roads(scratch, given.runs, given.years),
            "crawl": lambda: show_crawls(scratch, given.runs, given.years),
            "memory": lambda: show_memory(scratch),
            "categories": lambda: show_categories(scratch),
            "links": lambda: show_links(scratch),
            "pages": show_pages,
            "layouts": show_layouts,
            "bulk": lambda: show_bulk(scratch / "bulk", given.runs),
        }
        for part in PARTS:
            if part in parts:
                ways[part]()


if __name__ == "__main__":
    main()
