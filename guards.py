"""What makes a harvest look wrong as a whole: the guards, the same for every feed.

A guard looks at what the checks counted and at what the feed's last good harvest held, never at a source's name or
layout. A finding that holds keeps the harvest out of the warehouse until an operator accepts it; the others are told.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Literal

from crawlers import harvest as harvests
from crawlers.harvest import Harvest
from crawlers.source import Feed, Route
from normalizers.contract import KindReport, Record
from normalizers.normalise import Normalised, Partition

Guard = Literal["crawl", "completeness", "grain", "rejected", "key_sets", "empty_answers", "duplicates"]

FEW = 5
"""So many records more or less are no sign of anything."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard says of a harvest.

    Attributes:
        guard: which one.
        message: what was expected, what came, where.
        holds: the harvest must not be loaded as it is.
    """

    guard: Guard
    message: str
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Before:
    """What the good harvests of a feed held before.

    Attributes:
        sizes: partition → records, as it was last read, completely or not.
        keys: kind of record → keys that occurred in the newest good harvest which had records of that kind.
        newest: partitions of the newest good harvest that read any.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    newest: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a harvest when it is judged.

    Attributes:
        feed: its feed.
        harvest: its record.
        contract: the kinds of its records, in the order of the reports.
        reports: what the check of each kind found.
        normalised: what the feed's program made and counted.
        blank: addresses of answers without content.
        strangers: addresses of documents that are not of this feed, each with the reason where there is one.
        before: what earlier harvests held.
    """

    feed: Feed
    harvest: Harvest
    contract: Sequence[type[Record]]
    reports: Sequence[KindReport]
    normalised: Normalised
    blank: Sequence[str]
    strangers: Sequence[str]
    before: Before


def before(home: Path, harvest: Harvest) -> Before:
    """Return what the good harvests of a feed held, each partition and kind as it was last read."""
    sizes: dict[str, int] = {}
    keys: dict[str, Sequence[str]] = {}
    newest: Sequence[str] = ()
    for record in harvests.harvests(home, harvest.feed_id, newest_first=True):
        if record.status is not None and record.status.good and record.harvest_id != harvest.harvest_id:
            newest = newest or list(record.sizes)
            sizes = {**record.sizes, **sizes}
            keys = {**record.keys, **keys}
    return Before(sizes, keys, newest)


def judge(facts: Facts) -> list[Finding]:
    """Return what the guards find, those that hold first."""
    found = [Finding("crawl", doubt) for doubt in facts.harvest.doubts]
    for guard in GUARDS:
        found += guard(facts)
    return sorted(found, key=lambda finding: not finding.holds)


def completeness(facts: Facts) -> Iterator[Finding]:
    """Hold each part against its denominator, and against what was last read of it."""
    feed, harvest, partitions = facts.feed, facts.harvest, facts.normalised.partitions
    short = [part for part in partitions if not part.complete]
    excerpts = [part for part in short if _is_excerpt(facts, part)]
    for parts, holds in (([part for part in short if part not in excerpts], True), (excerpts, False)):
        for parent, group in groupby(parts, key=_parent):
            of_parent = list(group)
            expected, found = sum(part.expected or 0 for part in of_parent), sum(part.found for part in of_parent)
            yield Finding(
                "completeness",
                f"{feed.feed_id}: {parent} has {found:,} of {expected:,} records in the {len(of_parent)} of its parts "
                f"that are not complete, such as {_some(part.name for part in of_parent)}; the rule is "
                f"{feed.denominator.rule!r}" + ("" if holds else "; it is taken for an excerpt, which closes nothing"),
                holds,
            )
    known = [part.name.split("/") for part in partitions]
    for asked in harvest.asked:
        # The last of more than three names what of it: `cells/state/2016/all` are the parts of `cells/state/2016`.
        wanted = asked.split("/")[:3]
        if not any(name[: len(wanted)] == wanted for name in known):
            yield Finding("completeness", f"{feed.feed_id}: {asked} was asked for, and no such part is known")
    shrunk = [
        part
        for part in partitions
        if part.complete
        and (last := facts.before.sizes.get(part.name, 0)) - part.found > max(FEW, last * feed.max_shrinkage)
    ]
    for parent, group in groupby(shrunk, key=_parent):
        of_parent = list(group)
        last = sum(facts.before.sizes[part.name] for part in of_parent)
        yield Finding(
            "completeness",
            f"{feed.feed_id}: {parent} has {sum(part.found for part in of_parent):,} records where the last good "
            f"harvest had {last:,}, in {_some(part.name for part in of_parent)}; "
            f"at most {feed.max_shrinkage:.0%} may go",
        )


def grain(facts: Facts) -> Iterator[Finding]:
    """Keep a harvest of pieces from replacing sums over a whole, or over other pieces."""
    grains = facts.feed.grains
    stands = {(grains.index(name.split("/")[0]), name) for name in facts.before.newest if name.split("/")[0] in grains}
    names = [part.name for part in facts.normalised.partitions]
    comes = {(grains.index(name.split("/")[0]), name) for name in names if name.split("/")[0] in grains}
    if not stands or not comes:
        return
    best, now = min(stands)[0], min(comes)[0]
    # Of the whole each piece stands for itself; sums over pieces are others once a piece is missing.
    lost = sorted(name for place, name in stands - comes if place == best) if best == now > 0 else []
    if now > best or lost:
        had = lost or [name for place, name in stands if place == best]
        yield Finding(
            "grain",
            f"{facts.feed.feed_id}: this harvest has the sums of {_some(sorted(name for _, name in comes))} alone; "
            f"what stands was made of {_some(sorted(had))}, and would be replaced by less. Harvest that again, or "
            "accept this one",
        )


def rejected(facts: Facts) -> Iterator[Finding]:
    """Limit the share of records that were rejected, repeated keys with different content among them."""
    total = sum(report.rejected for report in facts.reports)
    if total:
        yield Finding(
            "rejected",
            f"{facts.feed.feed_id}: {total:,} records were rejected, so this harvest closes no row",
            holds=False,
        )
    for report in facts.reports:
        if _share(report.rejected, report) > facts.feed.max_rejected_share:
            yield Finding(
                "rejected",
                f"{facts.feed.feed_id}: {report.rejected:,} of {report.records:,} {report.kind} were rejected "
                f"({_share(report.rejected, report):.1%}; at most {facts.feed.max_rejected_share:.1%} pass): see "
                f"`observatory quarantine {facts.feed.feed_id}`",
            )


def key_sets(facts: Facts) -> Iterator[Finding]:
    """Compare the keys that occur with those of the contract and of the last good harvest."""
    feed_id = facts.feed.feed_id
    for model, report in zip(facts.contract, facts.reports, strict=True):
        new = sorted(report.unknown_keys)
        if missing := sorted(set(report.missing_keys) - model.sparse):
            yield Finding(
                "key_sets",
                f"{feed_id}: none of {report.records:,} {report.kind} has {', '.join(missing)}{_renamed(missing, new)}",
            )
        for key, (count, document_id, locator) in sorted(report.unknown_keys.items()):
            yield Finding(
                "key_sets",
                f"{feed_id}: unknown key {key!r} in {count:,} of {report.records:,} {report.kind}, first at "
                f"{document_id} {locator}: map it, or list it as ignored with the reason",
                holds=False,
            )
        gone = sorted(set(facts.before.keys.get(report.kind, ())) - report.keys.keys() - set(missing))
        if gone and report.records:
            yield Finding(
                "key_sets",
                f"{feed_id}: no {report.kind} has {_some(gone)} any more, which the last good harvest had"
                f"{_renamed(gone, new)}",
                holds=False,
            )


def empty_answers(facts: Facts) -> Iterator[Finding]:
    """Tell an empty world from an answer that says nothing."""
    feed, partitions = facts.feed, facts.normalised.partitions
    if not any(part.found for part in partitions):
        yield Finding("empty_answers", f"{feed.feed_id}: {facts.harvest.documents} documents, and no record in them")
    for parent, group in groupby(partitions, key=_parent):
        parts = list(group)
        found = sum(part.found for part in parts)
        if found and found == sum(part.empty for part in parts):
            yield Finding(
                "empty_answers",
                f"{feed.feed_id}: all {found:,} records of {parent} are placeholders for nothing",
            )
    if facts.blank:
        yield Finding(
            "empty_answers",
            f"{feed.feed_id}: {len(facts.blank)} answers have no content, such as {_some(facts.blank)}",
            holds=facts.harvest.route is not Route.FILES,
        )
    if facts.strangers:
        yield Finding(
            "empty_answers",
            f"{feed.feed_id}: {len(facts.strangers)} documents are not of this feed and were left out, such as "
            f"{_some(facts.strangers)}",
            holds=False,
        )


def duplicates(facts: Facts) -> Iterator[Finding]:
    """Limit the share of records that came more than once; saved files may well overlap."""
    for model, report in zip(facts.contract, facts.reports, strict=True):
        share = _share(report.duplicates, report)
        if model.repeated or report.duplicates <= FEW or share <= facts.feed.max_duplicate_share:
            continue
        yield Finding(
            "duplicates",
            f"{facts.feed.feed_id}: {report.duplicates:,} of {report.records:,} {report.kind} repeat another one "
            f"({share:.1%}; at most {facts.feed.max_duplicate_share:.1%} are usual)",
            holds=facts.harvest.route is not Route.FILES,
        )


GUARDS: Sequence[Callable[[Facts], Iterator[Finding]]] = (
    completeness,
    grain,
    rejected,
    key_sets,
    empty_answers,
    duplicates,
)
"""Every guard, in the order in which an operator reads of them."""


def _is_excerpt(facts: Facts, part: Partition) -> bool:
    """Whether an operator brought a piece of a whole: it may be short, but only a piece of its own size replaces it.

    Another piece, or the whole, gave other sums for what both hold: none of them replaces the other by itself.
    """
    return (
        facts.feed.excerpts
        and facts.harvest.route is Route.FILES
        and not part.whole
        and 0 < part.found < (part.expected or 0)
        and facts.before.sizes.get(part.name, part.found) == part.found
    )


def _parent(part: Partition) -> str:
    return part.name.rpartition("/")[0] or part.name


def _share(count: int, report: KindReport) -> float:
    return count / report.records if report.records else 0.0


def _some(names: Sequence[str] | Iterator[str]) -> str:
    return ", ".join(list(names)[:_SHOWN])


def _renamed(missing: Sequence[str], new: Sequence[str]) -> str:
    """Say which new keys may be the missing ones under another name."""
    likely = {name: difflib.get_close_matches(name, new, 1) for name in missing}
    pairs = [f"{name} may be {matches[0]} now" for name, matches in likely.items() if matches]
    return f" ({', '.join(pairs)})" if pairs else ""
