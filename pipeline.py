"""In which order: one harvest, from its first request to its rows in the warehouse; one release.

crawl → check → normalise → load → derive → publish. Each step is a function of what stands before it, so a harvest
that was interrupted at any point is taken up where it stood, and everything after the archive can be made again.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import subprocess
import sys
import traceback
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import duckdb

from crawlers import harvest as harvests
from crawlers.evidence import Evidence, EvidenceError, redact_url
from crawlers.harvest import Attempt, Decision, Harvest, Stage, Status
from crawlers.routes import archive_files
from crawlers.source import FULL, Feed, Route, Source, feeds
from exports.licence import allowed
from exports.release import Recipe, newest, next_release_id, read_manifest, switch, write
from home import SETTINGS_FILE, WAYBACK_URL, is_loopback, read_settings
from normalizers.contract import ContractError
from normalizers.normalise import ROOM, NormaliseError
from staging import folder as staging_folder
from staging import is_offered, naive, stage
from status import FeedState, feed_states
from warehouse import store
from warehouse.assemble import assemble
from warehouse.load import Loaded, is_loaded, load, newer_evidence, write_harvest
from warehouse.schema import SCHEMA_VERSION

RESUME_WITHIN = timedelta(hours=48)
"""An interrupted harvest that is older is not gone on with: its answers would be of two different times."""

_NEWER = "has the same scope and newer evidence, and is loaded"

BROKEN = (
    ContractError,
    EvidenceError,
    NormaliseError,
    duckdb.Error,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
    OSError,
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a document or file that is not as it should be may raise, in a parser or below it: its harvest fails."""

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_DISK_WORDS = (*map(os.strerror, _DISK), "max_temp_directory_size")  # the last: what DuckDB may spill

STOP_WAIT = 10.0
"""Seconds that a crawl has to stop at its last whole record."""


def of_the_disk(error: BaseException) -> str | None:
    """Return what an error says of a disk that is full, faulty or not to be written; None for any other error.

    It is no fault of what was read then.
    """
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno in _DISK else None
    told = str(error) if isinstance(error, duckdb.Error) else ""
    return next((words for words in _DISK_WORDS if words in told), None)


class UsageError(Exception):
    """What an operator asked for cannot be done; the message says what to do instead."""


class StoppedError(Exception):
    """The operator stopped us; what was harvested so far is kept, and gone on with next time.

    Attributes:
        harvest: the harvest that was stopped.
    """

    def __init__(self, harvest: Harvest) -> None:
        super().__init__(f"{harvest.harvest_id} was stopped; the next harvest goes on where it stood")
        self.harvest = harvest


@dataclass(frozen=True, slots=True)
class Order:
    """What to harvest and how.

    Attributes:
        feed: the feed.
        route: how it is reached.
        base_url: address instead of the feed's own, without a trailing slash.
        wayback_url: web archive for the route `wayback` and for the fallback to it, without a trailing slash.
        files: folder or file for the route `files`.
        given: parameters as the operator gave them.
    """

    feed: Feed
    route: Route
    base_url: str | None = None
    wayback_url: str = WAYBACK_URL
    files: Path | None = None
    given: Mapping[str, str] = field(default_factory=dict)


class Reporter:
    """Is told how a harvest goes on; this one keeps silent."""

    def step(self, feed_id: str, step: str) -> None:
        """A step begins: crawl, check, load, publish."""

    def progress(self, requests: int, received: int, queued: int) -> None:
        """The crawl goes on: requests answered, bytes received, requests known so far."""


# One harvest ----------------------------------------------------------------------------------------------------------


def harvest(home: Path, order: Order, report: Reporter) -> Harvest:
    """Harvest a feed once, and load what it brings.

    Args:
        home: the home.
        order: what to harvest and how.
        report: is told how it goes on.

    Returns:
        The record of the harvest, ended: accepted, unchanged, held, failed or partial.

    Raises:
        UsageError: the order cannot be carried out.
        LockedError: the feed or the warehouse is in use by another process.
        StoppedError: the operator stopped it.
    """
    order = _with_shipped(order)
    contact = check_order(home, order)
    with _feed_lock(home, order.feed) as locked:
        record = _take_up(home, order) or _begin(home, order)
        try:
            if record.stage is Stage.CRAWLING:
                record.program = _program(order.feed)
                report.step(record.feed_id, "crawl")
                if order.files is not None:
                    _collect_files(home, record, order.files)
                else:
                    record = _crawl(home, record, contact, locked, report)
            if record.gone and record.route is Route.LIVE and order.feed.fallback:
                record = _fall_back(home, order, record, locked, report)
            if record.stage is Stage.CRAWLED and record.confirms is not None:
                _confirm(home, record, record.confirms, report)
            elif record.stage is Stage.CRAWLED:
                _process(home, order.feed, record, report)
        except KeyboardInterrupt:
            _stop(home, record)
            raise StoppedError(record) from None
    return record


def _fall_back(home: Path, order: Order, live: Harvest, locked: IO[str], report: Reporter) -> Harvest:
    """Harvest from a web archive what the live site does not answer any more."""
    assert order.feed.fallback is not None  # noqa: S101  # for the type checker: asked before
    order = replace(order, route=order.feed.fallback)
    try:
        contact = check_order(home, order)
    except UsageError as error:
        told = f"{live.feed_id}: the live site is gone, and no web archive was asked: {error}"
        live.warnings = [*live.warnings, told]
        harvests.write(home, live)
        return live
    record = _begin(home, order)
    record.gone = live.gone
    return _crawl(home, record, contact, locked, report)


def _feed_lock(home: Path, feed: Feed) -> store.Lock:
    return store.lock(home / "staging" / feed.feed_id / "lock", f"feed {feed.feed_id}")


def _with_shipped(order: Order) -> Order:
    """Return the order with what we ship for its feed, where no other file or folder is given."""
    shipped = order.route is Route.FILES and order.files is None
    return replace(order, files=order.feed.shipped_path) if shipped else order


def check_order(home: Path, order: Order) -> str:
    """Refuse what cannot work or must not be done, before anything is written; return the contact to state.

    Raises:
        UsageError: the order cannot be carried out.
    """
    order = _with_shipped(order)
    feed, settings = order.feed, read_settings(home)
    try:
        feed.settings(order.given)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if order.route not in feed.routes:
        raise UsageError(f"{feed.feed_id} has no route {order.route}; it can be reached by {', '.join(feed.routes)}")
    if (order.route is Route.FILES) != (order.files is not None):
        raise UsageError(f"{feed.feed_id}: the route files and --files {feed.feed_id}=PATH go together")
    if order.files is not None:
        if not order.files.exists():
            raise UsageError(f"{feed.feed_id}: there is no file or folder {order.files}")
        return settings.contact
    if order.route is Route.REPLICA and order.base_url is None:
        raise UsageError(
            f"{feed.feed_id}: the route replica needs the address of a running one: start it with "
            f"`python -m replicas.{feed.source_id}` and give --base-url {feed.feed_id}=ADDRESS"
        )
    parts = urlsplit(order.base_url or "")
    if order.base_url and (parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc):
        raise UsageError(
            f"{feed.feed_id}: --base-url takes a web address without user name or password, "
            f"such as https://example.org/data; got {redact_url(order.base_url)!r}"
        )
    if parts.query or parts.fragment:
        raise UsageError(f"{feed.feed_id}: --base-url takes no query and no fragment: paths are appended to it")
    _check_wayback_url(order.wayback_url)
    address = order.wayback_url if order.route is Route.WAYBACK else order.base_url or feed.base_url
    if address is not None and not is_loopback(address) and not settings.contact:
        raise UsageError(
            f"{feed.feed_id}: a live crawl needs a contact address by which the source can reach you: set `contact` "
            f"in {home / SETTINGS_FILE} (`observatory init` writes one), or OBSERVATORY_CONTACT"
        )
    return settings.contact or "none, loopback only"


def _check_wayback_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
        raise UsageError(
            f"--wayback-url takes the address of a web archive, such as {WAYBACK_URL}; got {redact_url(url)!r}"
        )


def _begin(home: Path, order: Order) -> Harvest:
    limits, parameters = order.feed.settings(order.given)
    started_at = harvests.now()
    record = Harvest(
        harvest_id=harvests.new_id(order.feed.feed_id, started_at),
        feed_id=order.feed.feed_id,
        route=order.route,
        base_url=order.base_url,
        wayback_url=order.wayback_url if order.route is Route.WAYBACK else None,
        files=order.files,
        parameters=parameters,
        limits=limits,
        started_at=started_at,
        software_version=harvests.software_version(),
    )
    harvests.write(home, record)
    return record


def _take_up(home: Path, order: Order) -> Harvest | None:
    """Return the feed's newest harvest if it was interrupted, asks the same, and is not too old."""
    newest = next(harvests.harvests(home, order.feed.feed_id, newest_first=True), None)
    if newest is None or (newest.stage is Stage.ENDED and newest.status is not Status.PARTIAL):
        return None
    if newest.gone and order.route is Route.LIVE and newest.route is order.feed.fallback:
        order = replace(order, route=newest.route)  # it stands in for the live site, which is not asked again for now
    limits, parameters = order.feed.settings(order.given)
    wayback_url = order.wayback_url if order.route is Route.WAYBACK else None
    asked_then = (
        newest.route,
        newest.base_url,
        newest.wayback_url,
        newest.files,
        newest.parameters,
        newest.replay_of,
    )
    asked_now = (order.route, order.base_url, wayback_url, order.files, parameters, None)
    if asked_then == asked_now and harvests.now() - newest.started_at < RESUME_WITHIN:
        newest.limits = limits
        if newest.stage is Stage.ENDED:
            newest.take_up()
        return newest
    if newest.stage is not Stage.ENDED:
        newest.end(
            Status.PARTIAL, "interrupted; the next harvest asked something else or came too late to go on with it"
        )
        harvests.write(home, newest)
    return None


def _collect_files(home: Path, record: Harvest, files: Path) -> None:
    """Bring saved files into the archive."""
    attempt = Attempt(started_at=harvests.now())
    record.attempts = [*record.attempts, attempt]
    harvests.write(home, record)
    try:
        with Evidence(home, record.feed_id).writer(record.harvest_id, record.software) as writer:
            for document in archive_files(files, record.feed_id, writer, record.started_at):
                attempt.requests += 1
                attempt.bytes += document.size
                record.synthetic = bool(record.synthetic or document.synthetic)
    except BROKEN as error:
        if of_the_disk(error):
            raise
        attempt.finished_at, attempt.outcome = harvests.now(), "broken"
        record.end(Status.FAILED, f"{record.feed_id}: {files} cannot be read: {error}")
        harvests.write(home, record)
        return
    attempt.finished_at, attempt.outcome = harvests.now(), "finished"
    record.requests, record.bytes = attempt.requests, attempt.bytes
    if refusal := harvests.refuse_mixing(harvests.kind_of_home(home), record):
        record.end(Status.FAILED, refusal)
    else:
        record.stage = Stage.CRAWLED
    harvests.write(home, record)


def _crawl(home: Path, record: Harvest, contact: str, locked: IO[str], report: Reporter) -> Harvest:
    """Run the crawl in a process of its own and pass on its progress; return the record as the crawl left it."""
    log = _log(home, record)
    harvests.write(home, record)
    with log.open("a", encoding="utf-8") as errors:
        child = subprocess.Popen(  # noqa: S603  # our own module, no shell
            [sys.executable, "-m", "crawlers.crawl", str(home), record.harvest_id, contact],
            stdin=subprocess.PIPE,  # its end tells the child that we are gone
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only us, and we stop the child in order
            pass_fds=(locked.fileno(),),  # the feed stays locked while the child lives
        )
    with child:
        assert child.stdout is not None  # noqa: S101  # for the type checker
        stopped = False
        try:
            for line in child.stdout:
                report.progress(**json.loads(line))
        except KeyboardInterrupt:
            stopped = True
            child.terminate()
        try:
            child.wait(STOP_WAIT)
        except subprocess.TimeoutExpired:
            child.kill()  # the archive is made for that
    record = harvests.read(home, record.harvest_id)
    if stopped:
        _stop(home, record)
        raise StoppedError(record)
    if record.stage is Stage.CRAWLING:
        _end_early(home, record, log)
    return record


def _log(home: Path, record: Harvest) -> Path:
    log = home / "logs" / f"{record.harvest_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log


def _stop(home: Path, record: Harvest) -> None:
    record.end(Status.PARTIAL, "stopped; the next harvest goes on where it stood")
    harvests.write(home, record)


def _end_early(home: Path, record: Harvest, log: Path) -> None:
    """Write the end of a harvest whose crawl did not finish, or finished with requests that failed."""
    documents = Evidence(home, record.feed_id).documents(record.harvest_id)
    # Nothing of a refused one may be gone on with.
    refused = any(attempt.outcome == harvests.REFUSED for attempt in record.attempts)
    some = not refused and any(is_offered(document, record.route) for document in documents)
    status = Status.PARTIAL if some else Status.FAILED
    if record.failures:
        others = f" (and {len(record.failures) - 1} more)" if len(record.failures) > 1 else ""
        record.end(status, f"{record.failures[0]}{others}")
    else:
        record.end(status, f"{record.feed_id}: the crawl ended before it was done; see {log}")
    harvests.write(home, record)


def _process(home: Path, feed: Feed, record: Harvest, report: Reporter, *, accepted: bool = False) -> None:
    """Check, normalise, judge and load an archived harvest; write its end into its record."""
    report.step(feed.feed_id, "check")
    record.software_version, record.program = harvests.software_version(), _program(feed)
    try:
        doubts = stage(home, feed, record)
    except BROKEN as error:
        if of_the_disk(error):
            raise  # no fault of the answers: the next harvest goes on from here
        # The evidence is kept: once the fault is mended, `replay` loads it.
        with _log(home, record).open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        record.end(Status.FAILED, f"{feed.feed_id}: the archive cannot be turned into rows: {error}")
        harvests.write(home, record)
        return
    if refusal := harvests.refuse_mixing(harvests.kind_of_home(home), record):
        record.end(Status.FAILED, refusal)
        harvests.write(home, record)
        return
    if doubts and not accepted:
        told = [*(doubt.message for doubt in doubts), *([record.gaps] if record.gaps else [])]
        record.end(Status.HELD, "; ".join(told))
        harvests.write(home, record)
        return
    report.step(feed.feed_id, "load")
    with store.opened(home) as connection:
        done = is_loaded(connection, record.harvest_id)
        if done is None:
            row = ledger_row(record, harvests.now()) | {"reason": _decided(record)}
            newer = newer_evidence(connection, feed.feed_id, record.scope, row["evidence_at"])
            newer = newer or harvests.newer_of_same_parts(home, record)
            overruled = accepted and _NEWER in record.decisions[-1].held_because
            if newer is not None and not overruled:
                record.end(Status.HELD, f"{feed.feed_id}: {newer} {_NEWER}")
                harvests.write(home, record)
                return
            done = load(connection, staging_folder(home, record), row)
        _note_loaded(home, record, done)


def _confirm(home: Path, record: Harvest, confirmed_id: str, report: Reporter) -> None:
    """End a harvest to which the source said that nothing has changed: it stands for all that it confirms."""
    report.step(record.feed_id, "load")
    confirmed = harvests.read(home, confirmed_id)
    for name in ("scope", "records", "records_expected", "empty", "dropped", "quarantined"):
        setattr(record, name, getattr(confirmed, name))
    documents = Evidence(home, record.feed_id).documents(record.harvest_id)
    record.documents = sum(is_offered(document, record.route) for document in documents)
    record.evidence_at = record.started_at
    with store.opened(home) as connection:
        if is_loaded(connection, confirmed_id) is None:
            record.end(
                Status.FAILED,
                f"{record.feed_id}: nothing has changed at the source since {confirmed_id}, and that is not in the "
                f"warehouse: `observatory replay {record.feed_id} {confirmed_id}` loads it again",
            )
        else:
            record.end(
                Status.UNCHANGED,
                f"the source says that nothing has changed since {confirmed_id}, so nothing more was asked; "
                f"`--set {record.feed_id}.{FULL}=true` asks for all of it",
            )
            write_harvest(connection, ledger_row(record))
    harvests.write(home, record)


def _program(feed: Feed) -> str:
    """Return a digest of what decides which rows an answer becomes: parser, reader, contract, SQL, field map, lists."""
    parser = Path(feed.module().__file__ or "").parent
    shipped = [path for each in feeds().values() if (path := each.shipped_path) is not None and path.is_file()]
    rooms = (ROOM, ROOM / feed.source_id, ROOM / "reference", parser, parser.parent / "reader")
    files = {path for room in rooms for path in room.iterdir() if path.suffix in {".py", ".sql", ".csv"}}
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted({*files, *shipped}))).hexdigest()[:16]


def _note_loaded(home: Path, record: Harvest, done: Loaded) -> None:
    """Write the end of a harvest that stands in the warehouse; the caller holds the lock of the warehouse."""
    assert done.finished_at is not None  # noqa: S101  # for the type checker: the ledger row of a load has a time
    record.rows_opened, record.rows_changed, record.rows_closed = done.opened, done.changed, done.closed
    at = done.finished_at.replace(tzinfo=UTC)
    record.end(Status.ACCEPTED if done else Status.UNCHANGED, _decided(record), at)
    harvests.write(home, record)


def _decided(record: Harvest) -> str | None:
    return record.decisions[-1].reason if record.decisions else None


def ledger_row(record: Harvest, finished_at: datetime | None = None) -> dict[str, Any]:
    """Return the row of a harvest for the table `harvests`, ended as it says, or at the time given (aware, UTC)."""
    row = record.model_dump()
    row["finished_at"] = finished_at or row["finished_at"]
    times = ("started_at", "finished_at", "evidence_at")
    return row | {name: naive(row[name]) for name in times if row[name] is not None}


# Decisions and replays ------------------------------------------------------------------------------------------------


def accept(home: Path, harvest_id: str, reason: str, report: Reporter) -> Harvest:
    """Load a held harvest all the same; the decision is recorded with it.

    Raises:
        UsageError: there is no such harvest, or it is not held.
    """
    record = _known(home, harvest_id)
    if record.status is not Status.HELD:
        raise UsageError(f"{harvest_id} is {record.status or 'not ended'}; only a held harvest can be accepted")
    feed = feeds()[record.feed_id]
    with _feed_lock(home, feed):
        decision = Decision(at=harvests.now(), decision="accept", reason=reason, held_because=record.reason or "")
        record.decisions = [*record.decisions, decision]
        harvests.write(home, record)  # before anything follows from it
        _process(home, feed, record, report, accepted=True)
    return record


def replay(home: Path, feed: Feed, harvest_id: str | None, report: Reporter) -> Harvest:
    """Parse the archive of a harvest again with today's software, without the network.

    Args:
        home: the home.
        feed: the feed.
        harvest_id: the harvest; without it the newest that stands in the warehouse.
        report: is told how it goes on.

    Returns:
        A harvest of its own; it is loaded only if no newer evidence of its scope is.

    Raises:
        UsageError: there is nothing to replay.
    """
    original = _known(home, harvest_id) if harvest_id else _newest_good(home, feed)
    if original.confirms is not None:
        original = _known(home, original.confirms)  # it has the evidence
    if original.feed_id != feed.feed_id:
        raise UsageError(f"{harvest_id} is a harvest of {original.feed_id}, not of {feed.feed_id}")
    if original.stage is Stage.CRAWLING:
        raise UsageError(f"{original.harvest_id} is not ended; harvest {feed.feed_id} again to go on with it")
    started_at = harvests.now()
    record = Harvest(
        harvest_id=harvests.new_id(feed.feed_id, started_at),
        replay_of=original.evidence_id,
        stage=Stage.CRAWLED,
        started_at=started_at,
        software_version=harvests.software_version(),
        **original.model_dump(
            include={
                "feed_id",
                "route",
                "base_url",
                "wayback_url",
                "files",
                "parameters",
                "limits",
                "change_marker",
                "asked",
                "gone",
                "never_captured",
                "doubts",
                "synthetic",
            }
        ),
    )
    with _feed_lock(home, feed):
        harvests.write(home, record)
        _process(home, feed, record, report)
    return record


def _newest_good(home: Path, feed: Feed) -> Harvest:
    if record := harvests.newest_good(home, feed.feed_id):
        return record
    raise UsageError(f"{feed.feed_id}: no harvest stands in the warehouse yet; give the id of the one to replay")


def _known(home: Path, harvest_id: str) -> Harvest:
    try:
        return harvests.read(home, harvest_id)
    except (FileNotFoundError, ValueError) as error:
        raise UsageError(str(error)) from error


# One release ----------------------------------------------------------------------------------------------------------


def publish(home: Path, profile: str, report: Reporter) -> Path | None:
    """Publish what the warehouse holds as a new release.

    Args:
        home: the home.
        profile: `public` obeys the licence gate, `local` holds everything.
        report: is told how it goes on.

    Returns:
        The folder of the release, or None where nothing differs from the newest release of the profile.

    Raises:
        LockedError: the warehouse is in use by another process.
    """
    report.step(profile, "publish")
    published, recipes = home / "published", home / "archive" / "releases"
    with store.opened(home) as connection:
        _mend(published, recipes)
        at = harvests.now()
        for record in harvests.harvests(home):
            good = record.status is not None and record.status.good
            if not good and (done := is_loaded(connection, record.harvest_id)) is not None:
                _note_loaded(home, record, done)  # killed between the warehouse and its record
        recipe = Recipe(
            release_id=next_release_id(published, recipes, at.date()),
            profile=profile,
            published_at=at,
            harvests=tuple(record.harvest_id for record in ended(home, at) if record.status is Status.ACCEPTED),
            software_version=harvests.software_version(),
            duckdb_version=duckdb.__version__,
            schema_version=SCHEMA_VERSION,
        )
        if _nothing_new(published, recipe):
            return None
        release = write_release(home, connection, recipe)
        _mend(published, recipes)
    return release


def ended(home: Path, at: datetime) -> list[Harvest]:
    """Return all harvests that had ended at a time (aware, UTC), as they stood then, in the order of their ends."""
    stood = (record.as_it_stood(at) for record in harvests.harvests(home))
    return sorted(
        (record for record in stood if record is not None), key=lambda record: (record.finished_at, record.harvest_id)
    )


def write_release(home: Path, connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> Path:
    """Write the release of a recipe.

    Args:
        home: the home; the release goes below its ``published/``.
        connection: its warehouse, with the good harvests that had ended when the recipe was made, and no others.
        recipe: what the release is made of.
    """
    for record in ended(home, recipe.published_at):
        if record.status is not None and not record.status.good:
            write_harvest(connection, ledger_row(record))
    states = feed_states(home, recipe.published_at)
    synthetic = bool(harvests.kind_of_home(home))
    public = recipe.profile == "public"
    assemble(
        connection,
        allowed=[feed.feed_id for _, feed, _ in states if allowed(feed.redistribution, recipe.profile)],
        public=public,
        sources=[
            {**source.model_dump(exclude={"feeds"}), "feed_id": "catalogue"}
            for source in {source.source_id: source for source, _, _ in states}.values()
        ],
        feeds=[_feed_row(feed, state, told=not (public and synthetic)) for _, feed, state in states],
    )
    try:
        return write(
            connection,
            recipe,
            home / "published",
            notes=_notes(states, recipe.profile, synthetic=synthetic),
            demo=synthetic,
        )
    finally:
        connection.execute("DETACH release")


def is_unpublished(home: Path, profile: str) -> bool:
    """Return whether an accepted harvest stands in no release of the profile: new, or since a publish was killed."""
    last = newest(home / "published", profile)
    published = Recipe.from_json(json.dumps(read_manifest(last)["recipe"])).harvests if last else ()
    return any(
        record.status is Status.ACCEPTED and record.harvest_id not in published for record in harvests.harvests(home)
    )


def _mend(published: Path, recipes: Path) -> None:
    """Do what a publish does last, for it may have been killed before: switch `latest`, keep recipes in the archive."""
    if not published.exists():
        return
    switch(published)
    recipes.mkdir(parents=True, exist_ok=True)
    for manifest in sorted(published.glob("[0-9]*/manifest.json")):
        recipe = recipes / f"{manifest.parent.name}.json"
        if not recipe.exists():
            told = json.dumps(read_manifest(manifest.parent)["recipe"])
            harvests.write_atomically(recipe, Recipe.from_json(told).to_json())


def _nothing_new(published: Path, recipe: Recipe) -> bool:
    last = newest(published, recipe.profile)
    if last is None:
        return False
    before = Recipe.from_json(json.dumps(read_manifest(last)["recipe"]))
    return replace(recipe, release_id=before.release_id, published_at=before.published_at) == before


def _feed_row(feed: Feed, state: FeedState, *, told: bool) -> dict[str, Any]:
    """Return the row of a feed; of a synthetic home a public release tells only what the catalogue says."""
    row = {
        **feed.model_dump(include={"source_id", "title", "description", "licence", "licence_url", "attribution"}),
        "feed_id": feed.feed_id,
        "redistribution": feed.redistribution.value,
        "routes": [route.value for route in feed.routes],
        "cadence": feed.cadence,
        "denominator": feed.denominator.rule,
        "health": "never",
    }
    if told:
        row |= {
            "last_harvest_id": state.last_harvest_id,
            "last_success_at": naive(state.last_success_at) if state.last_success_at else None,
            "records_expected": state.records_expected,
            "records_found": state.records_found,
            "health": state.health,
        }
    return row


def _notes(states: list[tuple[Source, Feed, FeedState]], profile: str, *, synthetic: bool) -> list[str]:
    """Say in words what the release leaves out, and why."""
    notes = []
    if synthetic and profile == "public":
        notes.append("The home is synthetic: its rows are invented for demo and tests, and none of them is public.")
    for _, feed, state in states:
        if state.last_success_at is None:
            notes.append(f"{feed.feed_id} has no rows here: it was not harvested with success yet.")
        elif not allowed(feed.redistribution, profile):
            notes.append(
                f"{feed.feed_id} has no rows here: its terms are {feed.redistribution.value} ({feed.licence}; "
                f"{feed.licence_url})."
            )
    return notes
