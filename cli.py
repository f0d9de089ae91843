"""The `observatory` command. Each subcommand calls one function and prints what it returns."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import duckdb
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup
from typer.exceptions import TyperException

import backup as backups
import home as homes
import pipeline
import provenance
import scheduler
import status as health
from backup import BackupError
from crawlers import harvest as harvests
from crawlers.evidence import EvidenceError
from crawlers.harvest import Harvest, Status
from crawlers.source import Route, catalogue, feeds, select
from exports.licence import LicenceError
from exports.query import QueryError, open_release, select_only, to_parquet
from exports.release import ReleaseError, newest, read_manifest
from exports.verify import verify as verify_release
from pipeline import Order, Reporter, StoppedError, UsageError
from rebuild import RebuildError
from rebuild import migrate as migrate_warehouse
from rebuild import rebuild as rebuild_release
from staging import folder as staging_folder
from warehouse.schema import literal
from warehouse.store import LockedError, WarehouseError, connect, refuse_other_schema

PIPED_WIDTH = 240
"""Columns of a table that is not printed on a terminal, so that nothing is folded."""


class Commands(TyperGroup):
    """Tells a wrong command line, and a stop, as a JSON document too, where one was asked for."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # noqa: ANN401  # Typer's own signature
        """Run the command that the arguments name."""
        asked = ctx.params["as_json"] or "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except TyperException as error:
            if asked:
                _print_json({"error": str(error)})
            raise
        except KeyboardInterrupt:
            told = "stopped; run the command again to go on: what was there before is whole"
            if asked:
                _print_json({"error": told})
            err.print(Text(told, style="yellow"))
            raise typer.Exit(Exit.FAILED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Harvest the world's industrial-cluster observatories, keep the evidence, publish one traceable dataset.",
)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)
for console in (out, err):
    if not console.is_terminal:
        console.width = PIPED_WIDTH


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    """All accepted or unchanged."""
    FAILED = 1
    """Something failed or stayed partial."""
    USAGE = 2
    """The command cannot be carried out as given."""
    HELD = 3
    """Something was held."""


HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of the observatory (OBSERVATORY_HOME; else ./data).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
FeedNames = Annotated[list[str] | None, typer.Argument(metavar="[SOURCE|FEED]...")]


class Profile(StrEnum):
    """What a release may hold."""

    PUBLIC = "public"
    LOCAL = "local"


class Format(StrEnum):
    """How the result of a query is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Context:
    """What every command knows: the home, and whether to print JSON."""

    home: Path
    as_json: bool


_given: dict[str, Any] = {"home": None, "json": False}


@app.callback()
def root(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Take the options that may also stand before the command."""
    _given.update(home=home, json=as_json)


def _context(home: Path | None, as_json: bool = False) -> Context:
    chosen = home or _given["home"] or Path(os.environ.get("OBSERVATORY_HOME") or "data")
    return Context(chosen.resolve(), as_json or _given["json"])


# Printing -------------------------------------------------------------------------------------------------------------


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2, default=_plain, ensure_ascii=False) + "\n")


def _plain(value: object) -> object:
    return f"{value:%Y-%m-%dT%H:%M:%S}Z" if isinstance(value, datetime) else str(value)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """Print a table; what came from outside is text, never markup."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value), style=_STYLES.get(str(value), "")) for value in row))
    out.print(table)


_STYLES = {
    **dict.fromkeys(("ok", "accepted", "unchanged"), "green"),
    **dict.fromkeys(("held", "stale", "partial"), "yellow"),
    **dict.fromkeys(("failing", "failed"), "red"),
}


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    return "".join(character if character.isprintable() else "�" for character in str(value))


def _fail(context: Context, message: str, code: Exit = Exit.USAGE) -> NoReturn:
    if context.as_json:
        _print_json({"error": message})
    err.print(Text(f"error: {message}", style="red"), soft_wrap=True)
    raise typer.Exit(code)


_FAILURES = (
    BackupError,
    LockedError,
    WarehouseError,
    scheduler.SchedulerError,
    provenance.TraceError,
    EvidenceError,
    RebuildError,
    ReleaseError,
    LicenceError,
    duckdb.Error,
    OSError,
)
"""What an operator cannot mend in the command line."""


@contextmanager
def _clear_errors(context: Context, written: Path | None = None) -> Iterator[None]:
    """Turn what an operator can mend into one clear line and an exit code; `written`: where, if not in the home."""
    try:
        yield
    except (UsageError, QueryError) as error:
        _fail(context, str(error))
    except _FAILURES as error:
        _fail(context, _told(written or context.home, error), Exit.FAILED)
    except ValueError as error:
        _fail(context, str(error))


def _told(folder: Path, error: Exception) -> str:
    """Say in one sentence what went wrong, and what to do where it is the disk."""
    if words := pipeline.of_the_disk(error):
        return (
            f"{folder} cannot be written: {words}. See that its disk has room (old logs and releases may go), is not "
            "read-only (`observatory doctor`), then run the command again: what was begun goes on, releases are whole"
        )
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; see that it is there and may be read and written"
    return str(error)


class ConsoleReporter(Reporter):
    """Bars with rate and time left on a terminal, plain lines when piped. On standard error."""

    def __init__(self) -> None:
        self.progress_bar: Progress | None = None
        self._received = 0
        if err.is_terminal:
            self.progress_bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.fields[feed]}"),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed}/{task.total} requests, {task.fields[received]}, {task.fields[rate]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=err,
                transient=True,
            )
            self.progress_bar.start()

    def step(self, feed_id: str, step: str) -> None:
        """Begin a line or a bar."""
        if self.progress_bar is None:
            err.print(Text(f"{harvests.now():%H:%M:%S} {feed_id}: {step}"))
            return
        for task in self.progress_bar.task_ids:
            self.progress_bar.remove_task(task)
        self.progress_bar.add_task(step, total=None, feed=feed_id, received="0 B", rate="")

    def progress(self, requests: int, received: int, queued: int) -> None:
        """Move the bar."""
        if self.progress_bar is None or not self.progress_bar.task_ids:
            return
        task = self.progress_bar.tasks[-1]
        elapsed = task.elapsed or 0.0
        self.progress_bar.update(
            task.id,
            completed=requests,
            total=max(requests, queued),
            received=_size(received),
            rate=f"{_size(int(received / elapsed))}/s" if elapsed else "",
        )

    def close(self) -> None:
        """Take the bar away."""
        if self.progress_bar is not None:
            self.progress_bar.stop()


@contextmanager
def _reporting() -> Iterator[ConsoleReporter]:
    report = ConsoleReporter()
    try:
        yield report
    finally:
        report.close()


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004  # the step of SI units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


# Harvest --------------------------------------------------------------------------------------------------------------


def _row(record: Harvest) -> dict[str, Any]:
    names = [
        "harvest_id",
        "feed_id",
        "route",
        "status",
        "requests",
        "bytes",
        "documents",
        "records",
        "empty",
        "dropped",
        "quarantined",
        "rows_opened",
        "rows_changed",
        "rows_closed",
    ]
    seconds = (record.finished_at - record.started_at) / timedelta(seconds=1) if record.finished_at else None
    return {
        **{name: getattr(record, name) for name in names},
        "seconds": seconds,
        "reason": record.reason,
        "gone": record.gone,
        "never_captured": record.never_captured,
        "warnings": record.warnings,
    }


def _print_harvests(context: Context, records: Sequence[Harvest], releases: Sequence[Path], error: str | None) -> None:
    if context.as_json:
        document: dict[str, Any] = {
            "harvests": [_row(record) for record in records],
            "release": releases[-1].name if releases else None,
        }
        _print_json(document | ({"error": error} if error else {}))
        return
    if records:
        _table(
            ("feed", "status", "records", "left out", "rows", "seconds"),
            [
                (
                    record.feed_id,
                    record.status,
                    record.records,
                    ", ".join(
                        f"{getattr(record, name):,} {name}"
                        for name in ("empty", "dropped", "quarantined")
                        if getattr(record, name)
                    ),
                    f"+{record.rows_opened:,} ~{record.rows_changed:,} -{record.rows_closed:,}",
                    f"{_row(record)['seconds']:.1f}",
                )
                for record in records
            ],
        )
    for record in records:
        for warning in record.warnings:
            err.print(Text(f"warning: {warning}", style="yellow"))
        if record.reason:
            err.print(Text(f"{record.status}: {record.reason}", style=_STYLES.get(str(record.status), "")))
        if record.status is Status.HELD:
            err.print(Text(f"  look:   observatory quarantine {record.feed_id}"))
            err.print(Text(f'  accept: observatory accept {record.harvest_id} --reason "…"'))
    for release in releases:
        out.print(Text(f"released {release.name}: {release}"))


def _exit_code(records: Sequence[Harvest]) -> Exit:
    statuses = {record.status for record in records}
    if statuses & {Status.FAILED, Status.PARTIAL, None}:
        return Exit.FAILED
    return Exit.HELD if Status.HELD in statuses else Exit.OK


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Read options of the form FEED=VALUE, and check the feeds."""
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise UsageError(f"{option} {text!r}: expected FEED=VALUE, such as us.clustermapping=…")
        pairs[name] = value
    if unknown := sorted(pairs.keys() - feeds().keys()):
        raise UsageError(f"{option}: no feed {unknown[0]!r}; there are {', '.join(feeds())}")
    return pairs


def _parameters(given: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read options of the form FEED.PARAM=VALUE."""
    parameters: dict[str, dict[str, str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        feed_id, dot, parameter = name.rpartition(".")
        if not equals or not dot or feed_id not in feeds():
            raise UsageError(f"--set {text!r}: expected FEED.PARAM=VALUE, such as us.clustermapping.years=2016,2017")
        parameters.setdefault(feed_id, {})[parameter] = value
    return parameters


def _finish(
    context: Context, records: list[Harvest], profiles: Sequence[str], report: Reporter
) -> tuple[list[Path], str | None]:
    """Publish if a harvest was good and something accepted is not published yet; write the status."""
    releases: list[Path] = []
    error = None
    try:
        if any(record.status and record.status.good for record in records):
            due = [profile for profile in profiles if pipeline.is_unpublished(context.home, profile)]
            made = [pipeline.publish(context.home, profile, report) for profile in due]
            releases = [release for release in made if release is not None]
    except _FAILURES as failure:
        error = _told(context.home, failure)
    try:
        health.write_status(context.home)
    except OSError as failure:
        error = error or _told(context.home, failure)
    return releases, error


def _harvest_all(context: Context, orders: Sequence[Order], profiles: Sequence[str]) -> Exit:
    """Carry out orders one after the other; one that fails does not stop the others."""
    records: list[Harvest] = []
    error: str | None = None
    releases: list[Path] = []
    refuse_other_schema(context.home)
    for order in orders:
        pipeline.check_order(context.home, order)  # all of them, before the first is carried out
    with _reporting() as report:
        try:
            for order in orders:
                try:
                    records.append(pipeline.harvest(context.home, order, report))
                except LockedError as locked:
                    error = str(locked)
                except _FAILURES as failure:  # those that follow would meet the same
                    error = _told(context.home, failure)
                    break
        except StoppedError as stopped:
            records.append(stopped.harvest)
            error = str(stopped)
            health.write_status(context.home)
        else:
            releases, publish_error = _finish(context, records, profiles, report)
            error = error or publish_error
    _print_harvests(context, records, releases, error)
    if error:
        err.print(Text(f"error: {error}", style="red"), soft_wrap=True)
    return Exit.FAILED if error else _exit_code(records)


@app.command()
def harvest(  # noqa: PLR0913, PLR0917  # the options of the command
    names: FeedNames = None,
    all_: Annotated[bool, typer.Option("--all", help="Every feed that the chosen route can reach.")] = False,
    route: Annotated[Route | None, typer.Option(help="How to reach the feeds.")] = None,
    base_url: Annotated[list[str] | None, typer.Option(help="FEED=URL: whole address instead of its own.")] = None,
    wayback_url: Annotated[
        str | None, typer.Option(help="Web archive instead of that of observatory.toml; of pywb with its collection.")
    ] = None,
    files: Annotated[list[str] | None, typer.Option(help="FEED=PATH: folder or file for the route files.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="FEED.PARAM=VALUE; lists by comma.")] = None,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Load, but make no release.")] = False,
    stop_at_eof: Annotated[
        bool, typer.Option("--stop-at-eof", help="Stop when standard input ends.", hidden=True)
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Harvest feeds once each, load what they bring, and publish."""
    context = _context(home, as_json)
    if stop_at_eof:
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    with _clear_errors(context):
        chosen = list(feeds().values()) if all_ else select(tuple(names or ()))
        if not chosen:
            raise UsageError(f"name what to harvest, or --all; there are {', '.join([*catalogue(), *feeds()])}")
        settings = homes.read_settings(context.home)
        addresses, paths = _pairs(base_url or [], "--base-url"), _pairs(files or [], "--files")
        parameters = _parameters(set_ or [])
        named = {feed.feed_id for feed in chosen}
        if stray := sorted({*addresses, *paths, *parameters} - named):
            raise UsageError(f"{stray[0]} has options but is not harvested: name it, or --all")
        orders = []
        for feed in chosen:
            own = settings.feeds.get(feed.feed_id, homes.FeedSettings())
            alone = feed.routes[0] if len(feed.routes) == 1 else own.route
            given_route = route or (Route.FILES if feed.feed_id in paths else alone)
            if all_ and given_route not in feed.routes:
                continue
            path = Path(paths[feed.feed_id]) if feed.feed_id in paths else own.files
            orders.append(
                Order(
                    feed=feed,
                    route=given_route,
                    base_url=(addresses.get(feed.feed_id) or own.base_url or "").rstrip("/") or None,
                    wayback_url=(wayback_url or own.wayback_url or settings.wayback_url).rstrip("/"),
                    files=path.resolve() if path and given_route is Route.FILES else None,
                    given=own.set | parameters.get(feed.feed_id, {}),
                )
            )
        code = _harvest_all(context, orders, [] if no_publish else settings.publish)
    raise typer.Exit(code)


def _stop_at_eof() -> None:
    """Stop in order when the scheduler that started us is gone."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _one(context: Context, work: Callable[[Reporter], Harvest], no_publish: bool) -> NoReturn:
    """Carry out work that ends in one harvest, then publish."""
    with _clear_errors(context), _reporting() as report:
        profiles = [] if no_publish else homes.read_settings(context.home).publish
        record = work(report)
        releases, error = _finish(context, [record], profiles, report)
    _print_harvests(context, [record], releases, error)
    raise typer.Exit(Exit.FAILED if error else _exit_code([record]))


@app.command()
def accept(
    harvest_id: Annotated[str, typer.Argument(metavar="HARVEST")],
    reason: Annotated[str, typer.Option(help="Why it is right all the same; it is recorded.")],
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Load, but make no release.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a held harvest all the same."""
    context = _context(home, as_json)
    _one(context, lambda report: pipeline.accept(context.home, harvest_id, reason, report), no_publish)


@app.command()
def replay(
    feed_id: Annotated[str, typer.Argument(metavar="FEED")],
    harvest_id: Annotated[str | None, typer.Argument(metavar="[HARVEST]")] = None,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Load, but make no release.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Parse the archive of a harvest again with today's software, without the network."""
    context = _context(home, as_json)
    with _clear_errors(context):
        if feed_id not in feeds():
            raise UsageError(f"no feed {feed_id!r}; there are {', '.join(feeds())}")
    _one(context, lambda report: pipeline.replay(context.home, feeds()[feed_id], harvest_id, report), no_publish)


# Looking --------------------------------------------------------------------------------------------------------------


@app.command()
def sources(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List sources and feeds: terms, routes, cadence, parameters."""
    context = _context(home, as_json)
    if context.as_json:
        _print_json({"sources": [source.model_dump(mode="json") for source in catalogue().values()]})
        return
    for source in catalogue().values():
        out.print(Text(f"{source.source_id}: {source.name} ({source.publisher}; {source.status})", style="bold"))
        for feed in source.feeds.values():
            _table(
                (feed.feed_id, feed.title),
                [
                    ("holds", feed.description),
                    ("terms", f"{feed.redistribution}: {feed.licence} {feed.licence_url}"),
                    ("routes", ", ".join(feed.routes)),
                    ("address", feed.base_url),
                    ("cadence", f"{feed.cadence} (cron, UTC); stale after {feed.stale_after_days} days"),
                    ("complete", feed.denominator.rule),
                    *(
                        (f"--set {name}", f"{one.description} [{','.join(one.default)}]")
                        for name, one in feed.all_parameters.items()
                    ),
                ],
            )


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what is healthy: last harvests, age of the data, next run."""
    context = _context(home, as_json)
    with _clear_errors(context):
        at = harvests.now()
        states = [state for _, _, state in health.feed_states(context.home, at)]
        runs = scheduler.next_runs(context.home)
        release = newest(context.home / "published")
    if context.as_json:
        _print_json(
            {
                "home": context.home,
                "synthetic": harvests.kind_of_home(context.home),
                "release": release.name if release else None,
                "feeds": [asdict(state) | {"next_run_at": runs.get(state.feed_id)} for state in states],
            }
        )
        return
    if harvests.kind_of_home(context.home):
        out.print(Text("DEMO DATA: this home is synthetic", style="bold yellow"))
    _table(
        ("feed", "health", "last harvest", "came of it", "route", "found", "expected", "data is of", "age", "next run"),
        [
            (
                state.feed_id,
                state.health,
                state.last_harvest_id,
                state.last_status,
                state.route,
                state.records_found,
                state.records_expected,
                state.evidence_at,
                f"{(at - state.evidence_at) / timedelta(days=1):.1f} days" if state.evidence_at else None,
                runs.get(state.feed_id),
            )
            for state in states
        ],
    )
    for state in states:
        if state.reason:
            out.print(Text(f"{state.feed_id}: {state.last_status}: {state.reason}"))
        if state.gone:
            out.print(Text(f"{state.feed_id}: the live site is gone: {state.gone}"))
        if state.never_captured and state.last_harvest_id:
            record = harvests.folder(context.home, state.last_harvest_id) / "harvest.json"
            out.print(Text(f"{state.feed_id}: {state.never_captured} addresses were never captured: see {record}"))
    out.print(Text(f"newest release: {release.name if release else 'none'}"))


@app.command()
def quarantine(
    feed_id: Annotated[str | None, typer.Argument(metavar="[FEED]")] = None,
    limit: Annotated[int, typer.Option(help="Entries shown for each feed.")] = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the newest harvest of each feed rejected, and why."""
    context = _context(home, as_json)
    with _clear_errors(context):
        chosen = [feed.feed_id for feed in (select((feed_id,)) if feed_id else feeds().values())]
        entries = [entry for name in chosen for entry in _quarantined(context.home, name, limit)]
    if context.as_json:
        _print_json({"quarantine": entries})
        return
    if not entries:
        out.print(Text("nothing is in quarantine"))
        return
    columns = ("feed_id", "level", "kind", "document_id", "locator", "reason")
    _table(columns, [[entry[column] for column in columns] for entry in entries])


def _quarantined(home: Path, feed_id: str, limit: int) -> list[dict[str, Any]]:
    for record in harvests.harvests(home, feed_id, newest_first=True):
        path = staging_folder(home, record) / "quarantine.parquet"
        if path.exists():
            with connect() as connection:
                cursor = connection.execute(f"FROM read_parquet({literal(str(path))}) ORDER BY seq LIMIT ?", [limit])
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return []


@app.command()
def sql(
    query: str,
    format_: Annotated[Format, typer.Option("--format", help="How to print the result.")] = Format.TABLE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a read-only query on the newest release."""
    context = _context(home, as_json)
    chosen = Format.JSON if context.as_json else format_
    release = context.home / "published" / "latest"
    with _clear_errors(context):
        if chosen is Format.PARQUET:
            sys.stdout.buffer.write(to_parquet(release, query))
            return
        with open_release(release) as connection:
            try:
                cursor = connection.execute(select_only(connection, query))
                columns, rows = [column[0] for column in cursor.description or []], cursor.fetchall()
            except duckdb.Error as error:
                raise QueryError(str(error)) from error
    if chosen is Format.JSON:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif chosen is Format.CSV:
        csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])
    else:
        _table(columns, rows)


@app.command()
def trace(  # noqa: PLR0913, PLR0917  # the options of the command
    table: str,
    row_id: Annotated[str, typer.Argument(metavar="ID")],
    column: Annotated[str | None, typer.Argument(metavar="[COLUMN]")] = None,
    period: Annotated[str | None, typer.Option(help="Period of an observation; without it the newest.")] = None,
    method: Annotated[str | None, typer.Option(help="Method of an observation.")] = None,
    unit_kind: Annotated[str | None, typer.Option(help="Unit kind of an observation.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a published value back to the archived bytes."""
    context = _context(home, as_json)
    where = {"time_period": period, "method": method, "unit_kind": unit_kind}
    with _clear_errors(context):
        release = context.home / "published" / "latest"
        found = provenance.trace(
            context.home, release, table, row_id, column, {name: value for name, value in where.items() if value}
        )
    if context.as_json:
        _print_json(asdict(found))
        return
    _table(("published row", ""), [(name, value) for name, value in found.row.items() if value is not None])
    names = ("url", "retrieved_at", "archived_at", "http_status", "sha256", "bytes", "warc_file", "warc_offset")
    _table(("evidence", ""), [*((name, found.document[name]) for name in names), ("locator", found.locator)])
    if found.fields:
        _table(
            ("field", "raw value", "became", "conversion"),
            [(field["field"], field["raw"], field["target"], field["conversion"]) for field in found.fields],
        )
    if found.method:
        _table(("method", ""), [(found.method["method"], found.method["description"])])
    if found.inputs:
        _table(("input", "value", "unit", "status"), [tuple(row.values()) for row in found.inputs])
    out.print(Text("original record", style="bold"))
    out.print(Text(json.dumps(found.record, indent=2, ensure_ascii=False)))


@app.command()
def verify(
    release: Annotated[str, typer.Argument(metavar="[RELEASE]")] = "latest",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a release: checksums, keys, provenance, licences."""
    context = _context(home, as_json)
    folder = context.home / "published" / release
    with _clear_errors(context):
        if not (folder / "manifest.json").exists():
            raise UsageError(f"there is no release {folder}")
        problems = verify_release(folder, context.home)
    if context.as_json:
        _print_json({"release": folder.resolve().name, "problems": problems})
    else:
        for problem in problems:
            err.print(Text(problem, style="red"))
        out.print(
            Text(f"{folder.resolve().name}: {len(problems)} problems" if problems else f"{folder.resolve().name}: ok")
        )
    raise typer.Exit(Exit.FAILED if problems else Exit.OK)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 8360,
    profile: Annotated[
        Profile | None, typer.Option(help="Serve the newest release of this profile; without it a public one, if any.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the site and the files of a release on this machine alone, until Ctrl-C."""
    context = _context(home, as_json)
    published = context.home / "published"
    with _clear_errors(context):
        release = newest(published, profile or Profile.PUBLIC)
        if release is None and profile is None:
            release = newest(published, Profile.LOCAL)
            if release is not None:
                told = f"there is no public release; this is {release.name}, which is not for redistribution"
                err.print(Text(told, style="yellow"))
        if release is None:
            raise UsageError(
                f"{published} has no {profile or ''} release; `observatory publish` makes one".replace("  ", " ")
            )
        if not (release / "site" / "index.html").is_file():
            raise UsageError(
                f"{release} has no site: it was made by software {read_manifest(release)['software_version']}"
            )
        chosen = release
        from exports import serve as serving  # noqa: PLC0415  # Twisted's server would cost every command its start

        def ready(address: str) -> None:
            if context.as_json:
                _print_json({"release": chosen.name, "url": address})
                sys.stdout.flush()
            else:
                out.print(Text(f"{chosen.name} at {address} (Ctrl-C ends it)"))

        serving.serve(chosen, published, port, ready)


@app.command()
def rebuild(
    release: Annotated[
        str | None, typer.Option("--release", metavar="N", help="The release; without it the newest.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a release again from the archive alone, without network, and compare it with what was published."""
    context = _context(home, as_json)
    with _clear_errors(context), _reporting() as report:
        done = rebuild_release(context.home, release, report)
    if context.as_json:
        _print_json(asdict(done))
    else:
        for warning in done.warnings:
            err.print(Text(f"warning: {warning}", style="yellow"))
        for problem in done.different:
            err.print(Text(problem, style="red"))
        told = "was missing and is back" if done.installed else f"{len(done.identical)} files are identical"
        out.print(Text(f"{done.release.name}: {told}" + "; so is the warehouse" * done.warehouse))
    raise typer.Exit(Exit.FAILED if done.different else Exit.OK)


@app.command()
def migrate(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make a warehouse of an older schema anew from the archive, without network."""
    context = _context(home, as_json)
    with _clear_errors(context), _reporting() as report:
        done = migrate_warehouse(context.home, report)
    if context.as_json:
        _print_json(asdict(done))
    elif done.after is None:
        told = "holds no warehouse: nothing to migrate; the first harvest makes one, `observatory rebuild` a lost one"
        out.print(Text(f"{context.home} {told}"))
    elif not done.changed:
        out.print(Text(f"the warehouse has schema {done.after} already: nothing to migrate"))
    else:
        for name, (before, after) in done.rows.items():
            out.print(Text(f"{name}: {before:,} rows before, {after:,} now"))
        had = f"schema {done.before}" if done.before else "an older schema"
        out.print(Text(f"the warehouse had {had}, and has {done.after} now; the next release tells what changed"))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups, outside of the home.")],
    keep: Annotated[int, typer.Option(help="Backups that stay, the newest first.", min=1)] = backups.KEEP,
    check: Annotated[bool, typer.Option("--check", help="Read again what earlier backups copied.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back a home up: only what is new is copied, and earlier backups stay whole. Harvests may run meanwhile."""
    context = _context(home, as_json)
    with _clear_errors(context, folder), _reporting() as report:
        done = backups.backup(context.home, folder.resolve(), report, keep=keep, check=check)
    if context.as_json:
        _print_json(asdict(done))
    else:
        for problem in done.damaged:
            err.print(Text(problem, style="red"))
        out.print(
            Text(
                f"backup {done.backup}: {done.files:,} files, {_size(done.bytes)}; copied {done.copied_files:,} files, "
                f"{_size(done.copied_bytes)}, in {done.seconds:.1f} seconds"
            )
        )
        for older in done.removed:
            out.print(Text(f"removed backup {older}: {keep} stay"))
    raise typer.Exit(Exit.FAILED if done.damaged else Exit.OK)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups.")],
    backup_id: Annotated[
        str | None, typer.Option("--backup", metavar="ID", help="The backup; without it the newest.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a home back from a backup, into a folder that is empty or not there yet."""
    context = _context(home, as_json)
    with _clear_errors(context), _reporting() as report:
        done = backups.restore(folder.resolve(), context.home, backup_id, report)
    if context.as_json:
        _print_json(asdict(done))
    else:
        for finding in done.checks:
            if not finding.ok:
                err.print(Text(f"warning: {finding.name}: {finding.found}", style="yellow"))
        for problem in done.problems:
            err.print(Text(problem, style="red"))
        verified = f"{done.release} {'has problems' if done.problems else 'is whole'}" if done.release else "no release"
        told = f"{done.files:,} files, {_size(done.bytes)}, in {done.seconds:.1f} seconds; {verified}"
        out.print(Text(f"restored backup {done.backup} to {done.home}: {told}"))
    raise typer.Exit(Exit.FAILED if done.problems else Exit.OK)


# Running an observatory -----------------------------------------------------------------------------------------------


@app.command()
def init(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make a home, with a commented observatory.toml."""
    context = _context(home, as_json)
    path = context.home / homes.SETTINGS_FILE
    with _clear_errors(context):
        if path.exists():
            raise UsageError(f"{path} is there already; nothing was changed")
        context.home.mkdir(parents=True, exist_ok=True)
        path.write_text(homes.TEMPLATE, encoding="utf-8")
    if context.as_json:
        _print_json({"home": context.home, "settings": path})
    else:
        out.print(Text(f"wrote {path}: set `contact`, name your feeds, then run `observatory doctor`"))


@app.command()
def doctor(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check that this machine and this home are fit to harvest."""
    context = _context(home, as_json)
    checks = homes.examine(context.home)
    if context.as_json:
        _print_json({"checks": [asdict(check) for check in checks]})
    else:
        _table(("check", "", "found"), [(check.name, "ok" if check.ok else "failing", check.found) for check in checks])
    raise typer.Exit(Exit.OK if all(check.ok for check in checks) else Exit.FAILED)


@app.command()
def publish(
    profile: Annotated[
        Profile, typer.Option(help="public obeys the licence gate, local holds everything.")
    ] = Profile.LOCAL,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish what the warehouse holds as a new release."""
    context = _context(home, as_json)
    with _clear_errors(context):
        with _reporting() as report:
            release = pipeline.publish(context.home, profile, report)
        health.write_status(context.home)
    if context.as_json:
        _print_json({"release": release.name if release else None, "folder": release})
    elif release is None:
        out.print(Text(f"nothing new since the newest {profile} release"))
    else:
        _print_release(release)


def _print_release(release: Path) -> None:
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    if manifest["synthetic"]:
        out.print(Text("DEMO DATA", style="bold yellow"))
    rows = [(name, table["rows"], _size(table["bytes"])) for name, table in manifest["tables"].items() if table["rows"]]
    _table(("table", "rows", "bytes"), rows, title=f"release {release.name} ({manifest['profile']})")
    for note in manifest["notes"]:
        out.print(Text(note))
    out.print(Text(str(release)))


@app.command()
def schedule(home: HomeOption = None) -> None:
    """Harvest on a schedule, in the foreground; SIGTERM or Ctrl-C ends it cleanly."""
    context = _context(home)
    with _clear_errors(context):
        scheduler.run(context.home)


@app.command()
def pause(feed_id: Annotated[str | None, typer.Argument(metavar="[FEED]")] = None, home: HomeOption = None) -> None:
    """Stop starting harvests of a feed, or of all; what runs goes on."""
    context = _context(home)
    with _clear_errors(context):
        out.print(Text(f"paused {', '.join(scheduler.pause(context.home, feed_id))}"))


@app.command()
def resume(feed_id: Annotated[str | None, typer.Argument(metavar="[FEED]")] = None, home: HomeOption = None) -> None:
    """Start harvests of a feed, or of all, again."""
    context = _context(home)
    with _clear_errors(context):
        out.print(Text(f"resumed {', '.join(scheduler.resume(context.home, feed_id))}"))


@app.command("run-now")
def run_now(feed_id: Annotated[str, typer.Argument(metavar="FEED")], home: HomeOption = None) -> None:
    """Let the scheduler harvest a feed now."""
    context = _context(home)
    with _clear_errors(context):
        out.print(Text(scheduler.run_now(context.home, feed_id)))


@app.command()
def demo(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Harvest the replicas over HTTP into a home of its own and publish; no network, about a minute."""
    from replicas import demo as demonstration  # noqa: PLC0415  # only the demo knows the replicas

    chosen = home or _given["home"] or os.environ.get("OBSERVATORY_HOME")
    context = _context(Path(chosen) if chosen else Path("demo"), as_json)
    if not chosen and context.home.exists():
        shutil.rmtree(context.home)  # the demo's own folder; a home that was given is never emptied
    with _clear_errors(context), demonstration.addresses() as addresses:
        shipped = [Order(feed=feed, route=Route.FILES) for feed in feeds().values() if feed.shipped]
        replicated = [
            Order(feed=feeds()[feed_id], route=Route.REPLICA, base_url=address, given=demonstration.PARAMETERS[feed_id])
            for feed_id, address in addresses.items()
        ]
        orders = [*shipped, *replicated]
        code = _harvest_all(context, orders, (Profile.LOCAL,))
    if code is Exit.OK and not context.as_json:
        _say_what_next(context.home)
    raise typer.Exit(code)


def _say_what_next(home: Path) -> None:
    release = home / "published" / "latest"
    out.print()
    _print_release(release.resolve())
    _print_census(release)
    command = "observatory" if shutil.which("observatory") else os.path.relpath(sys.argv[0])
    option = "" if home == Path("data").resolve() else f" --home {shlex.quote(os.path.relpath(home))}"
    out.print(Text("\nQueries to try:", style="bold"))
    for query in (
        "SELECT * FROM source_health",
        (
            "SELECT c.name, o.obs_value AS lq FROM observations o JOIN clusters c USING (cluster_id) WHERE "
            "o.indicator = 'location_quotient' AND o.time_period = '2016' AND o.feed_id = 'us.clustermapping' "
            "AND list_contains(c.identified_by, 'us.strong10.state') ORDER BY lq DESC LIMIT 10"
        ),
        (
            "SELECT r.name, count(*) FILTER (i.feed_id = 'us.clustermapping') AS strong_as_published, "
            "count(*) FILTER (i.feed_id = 'us.cbp') AS strong_as_rebuilt FROM cluster_identification i JOIN clusters c "
            "USING (cluster_id) JOIN regions r USING (region_id) WHERE i.rule_id = 'us.strong.state' "
            "AND i.time_period = '2016' AND i.is_cluster GROUP BY ALL ORDER BY strong_as_published DESC, name LIMIT 10"
        ),
        "FROM us_rebuild_report",
    ):
        out.print(Text(f'  {command} sql{option} "{query}"'), soft_wrap=True)
    out.print(Text("And from a number to its evidence:", style="bold"))
    evidence = f"  {command} trace{option} observations us.clustermapping:state:15:22 employment"
    out.print(Text(evidence), soft_wrap=True)
    out.print(Text("And the site, on this machine alone:", style="bold"))
    out.print(Text(f"  {command} serve{option}"), soft_wrap=True)


_SHOWN = 12
"""Countries that the demo prints of the census; all stand in the table."""

_TOLD = 6
"""Claims that the demo prints of a country, the largest first."""


def census_rows(release: Path) -> list[tuple[str, ...]]:
    """Return the census of a release in words: scope, found, once each, as a range, and what is declared.

    The countries stand in the order of their upper bounds, the world last.
    """
    with open_release(release) as connection:
        rows = connection.execute(
            """
            SELECT scope, found, deduplicated, low, high, (
                SELECT list(
                    CASE qualifier WHEN 'about' THEN '~' WHEN 'more_than' THEN '>' WHEN 'less_than' THEN '<' ELSE '' END
                    || format('{:,}', value::BIGINT) ORDER BY value DESC, claim_id
                )
                FROM claims
                WHERE claims.scope = census.scope AND unit = 'clusters' AND programme IS NULL
            )
            FROM census
            WHERE kind = 'all' AND hub_category_id = 'all' AND rule_id = 'all'
            ORDER BY scope = 'world', high DESC, scope
            """
        ).fetchall()
    return [
        (scope.removeprefix("country:"), f"{found:,}", f"{once:,}", f"{low:,} to {high:,}", _claims(declared or []))
        for scope, found, once, low, high, declared in rows
    ]


def _claims(figures: Sequence[str]) -> str:
    more = len(figures) - _TOLD
    return (", ".join(figures[:_TOLD]) or "–") + (f" and {more} more" if more > 0 else "")


def _print_census(release: Path) -> None:
    *countries, world = census_rows(release)
    title = "census: clusters found, each once, as a range, and declared"
    if json.loads((release / "manifest.json").read_text("utf-8"))["synthetic"]:
        title += " (DEMO DATA)"
    out.print()
    _table(("where", "found", "once", "range", "declared"), [*countries[:_SHOWN], world], title=title)
    left_out = len(countries) - _SHOWN
    if left_out > 0:
        out.print(Text(f"and {left_out} countries more: SELECT * FROM census"))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command; SIGTERM is treated as Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    app()


if __name__ == "__main__":
    main()
