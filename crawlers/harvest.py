"""One harvest and its record: ``archive/<feed>/<harvest_id>/harvest.json``.

The record is the only thing beside the WARC parts that a harvest leaves in the archive. It says what was asked,
what came of it, and what an operator decided; status, ledger and warehouse are made from it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from crawlers.source import FULL, Politeness, Route

SHIPPED = ("paper.", "ref.")
"""Feeds of facts that we ship: they may stand in a real and in a synthetic home."""

REFUSED = "refused"
"""Outcome of an attempt whose answers may not enter this home."""

_SHOWN = 3

_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-([a-z0-9_]+\.[a-z0-9_]+)")  # it becomes a path


class Stage(StrEnum):
    """How far a harvest has come."""

    CRAWLING = "crawling"
    CRAWLED = "crawled"
    ENDED = "ended"


class Status(StrEnum):
    """What came of a harvest that has ended."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    HELD = "held"
    FAILED = "failed"
    PARTIAL = "partial"

    @property
    def good(self) -> bool:
        """Whether the harvest stands in the warehouse."""
        return self in {Status.ACCEPTED, Status.UNCHANGED}


class Attempt(BaseModel):
    """One run of the crawler; a harvest that was interrupted has several."""

    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    requests: int = 0
    bytes: int = 0
    outcome: str = "running"


class Decision(BaseModel):
    """Something that an operator decided about the harvest."""

    at: AwareDatetime
    decision: Literal["accept"]
    reason: str
    held_because: str


class Ending(BaseModel):
    """How a harvest stood when it ended before: held and then accepted, or interrupted and then gone on with.

    The attributes are those of `Harvest`.
    """

    status: Status
    finished_at: AwareDatetime
    evidence_at: AwareDatetime | None = None
    gone: str | None = None
    scope: list[str] = Field(default_factory=list)
    requests: int = 0
    bytes: int = 0
    documents: int = 0
    records: int = 0
    records_expected: int | None = None
    empty: int = 0
    dropped: int = 0
    quarantined: int = 0
    rows_opened: int = 0
    rows_changed: int = 0
    rows_closed: int = 0
    reason: str | None = None
    software_version: str
    synthetic: bool | None = None


class Harvest(BaseModel):
    """The record of one harvest.

    Attributes:
        base_url: address instead of the feed's own.
        wayback_url: the web archive, on the route wayback.
        gone: why the live site was held to be gone: by this harvest, or by the one that this one stands in for.
        change_marker: what the source said of its state, where it says anything: equal words mean equal content.
        confirms: the good harvest that it confirms, because the source said the same then; nothing more was asked.
        asked: partitions that the spider set out to read; empty where it offers whatever was saved.
        scope: partitions that were read completely.
        sizes: partition → records, of all that it read, completely or not.
        keys: kind of record → keys that occurred.
        closing: partitions in which rows that were not seen are closed: the scope, unless records were rejected.
        evidence_at: age of its newest evidence.
        never_captured: addresses for which the web archive has nothing; no failure, for no later try mends it.
        not_understood: addresses whose answers were not what they should be; they are asked again.
        doubts: what the crawl or the checks found wrong with the harvest as a whole; they hold it.
        warnings: what an operator should know and what holds nothing.
        endings: how it ended before this, oldest first; releases of that time tell of it so.
        software_version: what crawled it, and once it is processed what parsed it.
        program: digest of all that decides which rows its answers become.
        synthetic: whether a replica answered; None until the first answer.
    """

    model_config = ConfigDict(validate_assignment=True, extra="forbid")

    harvest_id: str
    feed_id: str
    route: Route
    base_url: str | None = None
    wayback_url: str | None = None
    files: Path | None = None
    parameters: dict[str, tuple[str, ...]]
    limits: Politeness
    stage: Stage = Stage.CRAWLING
    status: Status | None = None
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    evidence_at: AwareDatetime | None = None
    gone: str | None = None
    change_marker: str | None = None
    confirms: str | None = None
    asked: list[str] = Field(default_factory=list)
    scope: list[str] = Field(default_factory=list)
    sizes: dict[str, int] = Field(default_factory=dict)
    keys: dict[str, list[str]] = Field(default_factory=dict)
    closing: list[str] = Field(default_factory=list)
    attempts: list[Attempt] = Field(default_factory=list)
    failures: list[str] = Field(default_factory=list)
    never_captured: list[str] = Field(default_factory=list)
    not_understood: list[str] = Field(default_factory=list)
    doubts: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    requests: int = 0
    bytes: int = 0
    documents: int = 0
    records: int = 0
    records_expected: int | None = None
    empty: int = 0
    dropped: int = 0
    quarantined: int = 0
    rows_opened: int = 0
    rows_changed: int = 0
    rows_closed: int = 0
    reason: str | None = None
    replay_of: str | None = None
    decisions: list[Decision] = Field(default_factory=list)
    endings: list[Ending] = Field(default_factory=list)
    software_version: str
    program: str | None = None
    synthetic: bool | None = None

    @property
    def software(self) -> str:
        """Name and version of the software, as it stands in the archive."""
        return f"cluster-observatory/{self.software_version}"

    @property
    def gaps(self) -> str | None:
        """Say in one line what the web archive does not have; None where it has all that was asked."""
        if not self.never_captured:
            return None
        first, more = self.never_captured[:_SHOWN], len(self.never_captured) - _SHOWN
        return f"{len(self.never_captured)} addresses were never captured in {self.wayback_url}: {', '.join(first)}" + (
            f" and {more} more, all listed as never_captured in harvest.json" if more > 0 else ""
        )

    @property
    def evidence_id(self) -> str:
        """The harvest whose WARC parts hold the evidence: its own, or that of the one it replays."""
        return self.replay_of or self.harvest_id

    def end(self, status: Status, reason: str | None = None, at: datetime | None = None) -> None:
        """Note what came of the harvest, now or at a time (aware, UTC)."""
        self._keep_ending()
        self.stage, self.status, self.reason, self.finished_at = Stage.ENDED, status, reason, at or now()

    def take_up(self) -> None:
        """Go on with a harvest that has ended; how it ended is kept."""
        self._keep_ending()
        self.stage, self.status, self.reason, self.finished_at = Stage.CRAWLING, None, None, None

    def _keep_ending(self) -> None:
        if self.finished_at is not None:
            self.endings = [*self.endings, Ending(**self.model_dump(include=set(Ending.model_fields)))]

    def as_it_stood(self, at: datetime) -> Harvest | None:
        """Return the record with the end that it had at a time (aware, UTC); None where it had not ended yet."""
        if self.finished_at is not None and self.finished_at <= at:
            return self
        for ending in reversed(self.endings):
            if ending.finished_at <= at:
                return self.model_copy(update=dict(ending) | {"stage": Stage.ENDED})
        return None


def now() -> datetime:
    """Return the time in UTC, to the millisecond."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def software_version() -> str:
    """Return the version of this software as installed."""
    return metadata.version("cluster-observatory")


def new_id(feed_id: str, at: datetime) -> str:
    """Return a harvest id: UTC time (given in any zone) + feed; ids sort by time."""
    at = at.astimezone(UTC)
    return f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z-{feed_id}"


def feed_of(harvest_id: str) -> str:
    """Return the feed that a harvest id names.

    Raises:
        ValueError: it is not a harvest id.
    """
    found = _ID.fullmatch(harvest_id)
    if found is None:
        raise ValueError(f"{harvest_id!r} is no harvest id; one looks like 20261123T231529.482Z-us.clustermapping")
    return found[1]


def folder(home: Path, harvest_id: str) -> Path:
    """Return the folder of a harvest in the archive."""
    return home / "archive" / feed_of(harvest_id) / harvest_id


def write(home: Path, harvest: Harvest) -> None:
    """Write the record, whole or not at all."""
    target = folder(home, harvest.harvest_id) / "harvest.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, harvest.model_dump_json(indent=2, exclude_none=True) + "\n")


def write_atomically(target: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)  # of a disk that is full
        raise


def read(home: Path, harvest_id: str) -> Harvest:
    """Read the record of a harvest.

    Raises:
        FileNotFoundError: the archive has no such harvest.
        ValueError: the id or the record cannot be read; the message names the file.
    """
    path = folder(home, harvest_id) / "harvest.json"
    try:
        return Harvest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"{harvest_id}: the archive has no such harvest ({path})") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the record"
        raise ValueError(f"{path}: {where}: {fault['msg']}; take this file back from a backup") from error


def harvests(home: Path, feed_id: str | None = None, *, newest_first: bool = False) -> Iterator[Harvest]:
    """Yield the records of all harvests, or of one feed's, in order of their ids."""
    paths = (home / "archive").glob(f"{feed_id or '*'}/*/harvest.json")
    ids = (path.parent.name for path in paths if _ID.fullmatch(path.parent.name))
    return (read(home, harvest_id) for harvest_id in sorted(ids, reverse=newest_first))


def newest_good(home: Path, feed_id: str) -> Harvest | None:
    """Return the newest harvest of a feed that stands in the warehouse."""
    ended = harvests(home, feed_id, newest_first=True)
    return next((harvest for harvest in ended if harvest.status is not None and harvest.status.good), None)


def confirmable(home: Path, harvest: Harvest) -> Harvest | None:
    """Return the harvest that this one may confirm, should the source say what it said then.

    It is the newest good one of the feed, if it asked the same of the same address, and the same program made rows of
    it. A harvest with the parameter ``full=true`` confirms none.
    """
    earlier = newest_good(home, harvest.feed_id)
    if earlier is None or earlier.change_marker is None or harvest.parameters.get(FULL) == ("true",):
        return None
    if earlier.decisions or earlier.quarantined or earlier.records < (earlier.records_expected or 0):
        return None  # what it lacks may be there by now

    def asked(record: Harvest) -> tuple[object, ...]:
        parameters = {name: values for name, values in record.parameters.items() if name != FULL}
        return record.route, record.base_url, parameters, record.program

    may = harvest.route in {Route.LIVE, Route.REPLICA} and asked(earlier) == asked(harvest)
    return earlier if may else None


def evidence_at(home: Path, harvest_id: str) -> datetime | None:
    """Return how old the evidence of a harvest is: when it was found, or last confirmed by another harvest."""
    records = list(harvests(home, feed_of(harvest_id)))
    same = {record.harvest_id for record in records if record.evidence_id == harvest_id}
    times = [
        record.evidence_at
        for record in records
        if (record.harvest_id == harvest_id or record.confirms in same) and record.evidence_at is not None
    ]
    return max(times, default=None)


def newer_of_same_parts(home: Path, harvest: Harvest) -> str | None:
    """Return a good harvest that read a part which this one read too, completely or not, and has newer evidence."""
    assert harvest.evidence_at is not None  # noqa: S101  # for the type checker: it is staged
    for other in harvests(home, harvest.feed_id, newest_first=True):
        if other.status is None or not other.status.good or other.evidence_at is None:
            continue
        if other.evidence_at > harvest.evidence_at and other.sizes.keys() & harvest.sizes.keys():
            return other.harvest_id
    return None


def kind_of_home(home: Path) -> bool | None:
    """Return whether the home is synthetic; its first answered harvest decides. None: nothing was answered yet."""
    return next(
        (
            harvest.synthetic
            for harvest in harvests(home)
            if harvest.synthetic is not None and not harvest.feed_id.startswith(SHIPPED)
        ),
        None,
    )


def refuse_mixing(home_is_synthetic: bool | None, harvest: Harvest) -> str | None:
    """Return why evidence of this kind may not enter the home, or None where it may."""
    mixes = harvest.synthetic is not None and home_is_synthetic is not None
    if not mixes or harvest.synthetic == home_is_synthetic or harvest.feed_id.startswith(SHIPPED):
        return None
    kinds = ("real", "synthetic")
    return (
        f"{harvest.feed_id}: the answers are {kinds[bool(harvest.synthetic)]}, this home is "
        f"{kinds[bool(home_is_synthetic)]}; they are never mixed. Use another --home."
    )
