"""What is healthy: the state of every feed, read from the records of the harvests alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from crawlers import harvest as harvests
from crawlers.harvest import Harvest, Status
from crawlers.source import Feed, Source, catalogue
from exports.licence import allowed

Health = Literal["ok", "held", "failing", "stale", "never"]


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of one feed.

    Attributes:
        last_harvest_id, last_status, reason: its newest ended harvest, whatever came of it.
        gone: why the live site was held to be gone, where it was; `route` says what stands in.
        never_captured: how many addresses the web archive has nothing for; the record of the harvest lists them.
        last_success_at: when a harvest was last accepted or found unchanged (UTC).
        evidence_at: age of the newest evidence that is loaded (UTC).
        records_expected, records_found: of the last success.
        health: `ok`; `held` or `failing` after the newest harvest; `stale` where the data is too old; `never`.
    """

    feed_id: str
    health: Health
    last_harvest_id: str | None = None
    last_status: str | None = None
    reason: str | None = None
    route: str | None = None
    gone: str | None = None
    never_captured: int = 0
    last_success_at: datetime | None = None
    evidence_at: datetime | None = None
    records_expected: int | None = None
    records_found: int | None = None


def feed_state(home: Path, feed: Feed, at: datetime) -> FeedState:
    """Return the state of a feed at a point of time (aware, UTC)."""
    last: Harvest | None = None
    for newest in harvests.harvests(home, feed.feed_id, newest_first=True):
        record = newest.as_it_stood(at)
        if record is None or record.status is None:
            continue
        if last is None:
            last = record
        if record.status.good:
            return _state(feed, last, record, at)
    return FeedState(feed.feed_id, "never") if last is None else _state(feed, last, None, at)


def _state(feed: Feed, last: Harvest, success: Harvest | None, at: datetime) -> FeedState:
    health: Health
    if last.status is Status.HELD:
        health = "held"
    elif last is not success or success.evidence_at is None:
        health = "failing"
    else:
        health = "stale" if at - success.evidence_at > timedelta(days=feed.stale_after_days) else "ok"
    return FeedState(
        feed_id=feed.feed_id,
        health=health,
        last_harvest_id=last.harvest_id,
        last_status=last.status,
        reason=last.reason,
        route=last.route,
        gone=last.gone,
        never_captured=len(last.never_captured),
        last_success_at=success.finished_at if success else None,
        evidence_at=success.evidence_at if success else None,
        records_expected=success.records_expected if success else None,
        records_found=success.records if success else None,
    )


def feed_states(home: Path, at: datetime) -> list[tuple[Source, Feed, FeedState]]:
    """Return the state of every feed, in the order of the catalogue."""
    return [
        (source, feed, feed_state(home, feed, at)) for source in catalogue().values() for feed in source.feeds.values()
    ]


def write_status(home: Path) -> Path:
    """Write ``published/status.json``: the only published thing that changes between releases.

    It is public whatever the profile: of a feed that may not be republished it tells our own facts alone (name,
    terms, health, counts), and never the words of an answer.
    """
    at = harvests.now()
    feeds = []
    for source, feed, state in feed_states(home, at):
        told = asdict(state)
        if not allowed(feed.redistribution, "public"):
            told["reason"] = None
        feeds.append(
            {
                "source": source.name,
                "title": feed.title,
                "licence": feed.licence,
                "redistribution": feed.redistribution,
                "age_days": _days(at, state.evidence_at),
                **told,
            }
        )
    document: dict[str, Any] = {
        "generated_at": at,
        "synthetic": bool(harvests.kind_of_home(home)),
        "software_version": harvests.software_version(),
        "feeds": feeds,
    }
    target = home / "published" / "status.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    harvests.write_atomically(target, json.dumps(document, indent=2, default=_text, ensure_ascii=False) + "\n")
    return target


def _days(at: datetime, then: datetime | None) -> float | None:
    return None if then is None else round((at - then) / timedelta(days=1), 2)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}Z"
    raise TypeError(f"{type(value)} is not for JSON")
