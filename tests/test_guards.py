"""The guards: what each of them holds, what it only tells, and what it lets pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers import harvest as harvests
from crawlers.harvest import Harvest, Stage, Status
from crawlers.source import Route, feeds
from guards import FEW, Before, Facts, Finding, before, grain, judge
from normalizers.contract import KindReport, Record
from normalizers.normalise import Normalised, Partition

FEED = feeds()["us.clustermapping"]
AT = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = (Partition("cells/state/2016/1", 50, 50), Partition("cells/state/2016/2", 50, 50))


class Cell(Record):
    """A small kind of record."""

    kind: ClassVar[str] = "cells"
    key: ClassVar[tuple[str, ...]] = ("id",)
    sparse: ClassVar[frozenset[str]] = frozenset({"patents"})

    id: str
    employment: int | None = None
    patents: int | None = None


class Entry(Cell):
    """The same, of a source that repeats itself."""

    repeated: ClassVar[bool] = True


def record(route: Route = Route.LIVE, day: int = 2, **content: Any) -> Harvest:  # noqa: ANN401  # fields of a harvest
    """Return the record of a harvest."""
    at = AT.replace(day=day)
    limits, parameters = FEED.settings({})
    return Harvest(
        harvest_id=harvests.new_id(FEED.feed_id, at),
        feed_id=FEED.feed_id,
        route=route,
        parameters=parameters,
        limits=limits,
        started_at=at,
        software_version="0",
        documents=1,
        **content,
    )


def report(**content: Any) -> KindReport:  # noqa: ANN401  # fields of a report
    """Return the report of a hundred good cells, changed as told."""
    good: dict[str, Any] = {
        "kind": "cells",
        "records": 100,
        "duplicates": 0,
        "rejected": 0,
        "rejected_values": 0,
        "keys": {"id": 100, "employment": 100},
        "unknown_keys": {},
        "missing_keys": ("patents",),
    }
    return KindReport(**(good | content))


def facts(  # noqa: PLR0913  # the facts, each with what is usual
    *,
    partitions: Sequence[Partition] = WHOLE,
    of: KindReport | None = None,
    model: type[Record] = Cell,
    harvest: Harvest | None = None,
    sizes: Mapping[str, int] | None = None,
    keys: Mapping[str, Sequence[str]] | None = None,
    blank: Sequence[str] = (),
    strangers: Sequence[str] = (),
    excerpts: bool = False,
) -> Facts:
    """Return the facts of a harvest that nothing is wrong with, changed as told."""
    return Facts(
        feed=FEED.model_copy(update={"excerpts": excerpts}),
        harvest=harvest or record(),
        contract=[model],
        reports=[of or report()],
        normalised=Normalised({}, partitions, ()),
        blank=blank,
        strangers=strangers,
        before=Before(sizes or {}, keys or {}),
    )


def only(findings: Sequence[Finding]) -> tuple[str, bool, str]:
    """Return guard, whether it holds, and message of the one finding."""
    [finding] = findings
    return finding.guard, finding.holds, finding.message


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    sizes = {part.name: part.found for part in WHOLE}
    assert judge(facts()) == judge(facts(sizes=sizes, keys={"cells": ["employment", "id"]})) == []


@pytest.mark.parametrize("found", [49, 51, 0])
def test_a_part_of_another_size_than_its_denominator_is_held(found: int) -> None:
    guard, holds, message = only(judge(facts(partitions=[WHOLE[0], replace(WHOLE[1], found=found)])))
    assert (guard, holds) == ("completeness", True)
    assert f"cells/state/2016 has {found} of 50 records in the 1 of its parts" in message
    assert FEED.denominator.rule in message


def test_a_part_without_a_denominator_is_held() -> None:
    assert only(judge(facts(partitions=[WHOLE[0], replace(WHOLE[1], expected=None)])))[:2] == ("completeness", True)


def test_a_part_of_a_part_that_was_asked_for_and_is_unknown_is_held() -> None:
    known, unknown = "cells/state/2016/all", "cells/msa/2016/all"
    found = judge(facts(harvest=record(asked=[known, unknown])))
    assert only(found) == ("completeness", True, f"{FEED.feed_id}: {unknown} was asked for, and no such part is known")


def test_a_part_that_was_asked_for_and_is_unknown_is_held() -> None:
    found = judge(facts(harvest=record(asked=["cells/state/2016/all", "registry"])))
    assert only(found) == ("completeness", True, f"{FEED.feed_id}: registry was asked for, and no such part is known")


@pytest.mark.parametrize(("now", "held"), [(100, False), (90, False), (89, True), (1, True), (200, False)])
def test_a_list_that_shrinks_is_held(now: int, held: bool) -> None:
    """A list that stands whole in one document counts itself; only the last good harvest says that it is short."""
    findings = judge(facts(partitions=[*WHOLE, Partition("categories", now, now)], sizes={"categories": 100}))
    assert bool(findings) == held
    if held:
        guard, holds, message = only(findings)
        assert (guard, holds) == ("completeness", True)
        assert f"categories has {now} records where the last good harvest had 100" in message


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_few_records_less_are_no_sign(last: int, now: int) -> None:
    part = Partition("categories", now, now)
    findings = judge(facts(partitions=[*WHOLE, part], sizes={"categories": last}))
    held = any("the last good harvest had" in finding.message for finding in findings)
    assert held == (now > 0 and last - now > max(FEW, last / 10))


def test_an_excerpt_that_an_operator_brings_is_told_and_not_held() -> None:
    short = [replace(WHOLE[0], found=3)]
    files = record(Route.FILES)
    guard, holds, message = only(judge(facts(partitions=short, harvest=files, excerpts=True)))
    assert (guard, holds) == ("completeness", False)
    assert "3 of 50" in message
    assert "closes nothing" in message
    again = facts(partitions=short, harvest=files, excerpts=True, sizes={short[0].name: 3})
    assert only(judge(again))[:2] == ("completeness", False), "the same piece, perhaps with new values"
    for kept in (
        facts(partitions=short, harvest=files),  # the feed knows no excerpts
        facts(partitions=short, excerpts=True),  # the source itself answered
        facts(partitions=short, harvest=files, excerpts=True, sizes={short[0].name: 50}),  # it was read whole before
        facts(partitions=short, harvest=files, excerpts=True, sizes={short[0].name: 4}),  # or another piece of it
        facts(partitions=[replace(short[0], whole=True)], harvest=files, excerpts=True),  # it is meant to be whole
        facts(partitions=[replace(short[0], found=51)], harvest=files, excerpts=True),  # and this is no piece of it
    ):
        assert only(judge(kept))[:2] == ("completeness", True)


@pytest.mark.parametrize(("count", "held"), [(0, False), (1, False), (2, True)])
def test_the_share_of_rejected_records_is_limited(count: int, held: bool) -> None:
    findings = judge(facts(of=report(rejected=count)))
    assert [finding.guard for finding in findings] == ["rejected"] * (bool(count) + held)
    assert any(finding.holds for finding in findings) == held


def test_a_field_that_no_record_has_is_held_and_may_have_a_new_name() -> None:
    unknown = {"employments": (100, "us:1", "json:/0")}
    found = judge(facts(of=report(missing_keys=("employment", "patents"), unknown_keys=unknown)))
    assert [(finding.guard, finding.holds) for finding in found] == [("key_sets", True), ("key_sets", False)]
    assert found[0].message == (f"{FEED.feed_id}: none of 100 cells has employment (employment may be employments now)")
    assert "unknown key 'employments' in 100 of 100 cells, first at us:1 json:/0" in found[1].message


def test_an_ignored_key_that_is_gone_is_told() -> None:
    guard, holds, message = only(judge(facts(keys={"cells": ["employment", "id", "timestamp"]})))
    assert (guard, holds) == ("key_sets", False)
    assert "no cells has timestamp any more" in message
    assert judge(facts(of=report(records=0, keys={}, missing_keys=()), keys={"cells": ["id"]})) == []


def test_no_record_at_all_is_held() -> None:
    found = judge(facts(partitions=[], of=report(records=0, keys={}, missing_keys=())))
    assert only(found) == ("empty_answers", True, f"{FEED.feed_id}: 1 documents, and no record in them")


@pytest.mark.parametrize(("empty", "held"), [(0, False), (49, False), (50, True)])
def test_nothing_but_placeholders_is_held(empty: int, held: bool) -> None:
    findings = judge(facts(partitions=[replace(part, empty=empty) for part in WHOLE]))
    assert [(finding.guard, finding.holds) for finding in findings] == [("empty_answers", True)] * held


def test_answers_without_content_are_held_and_foreign_documents_told() -> None:
    found = judge(facts(blank=["http://a/x"], strangers=["http://a/y"]))
    assert [(finding.guard, finding.holds) for finding in found] == [("empty_answers", True), ("empty_answers", False)]
    assert "1 answers have no content, such as http://a/x" in found[0].message
    assert "1 documents are not of this feed and were left out, such as http://a/y" in found[1].message
    assert [finding.holds for finding in judge(facts(harvest=record(Route.FILES), blank=["file:x"]))] == [False]


@pytest.mark.parametrize(
    ("count", "route", "model", "found"),
    [
        (FEW, Route.LIVE, Cell, []),
        (FEW + 1, Route.LIVE, Cell, [True]),
        (FEW + 1, Route.FILES, Cell, [False]),
        (90, Route.LIVE, Entry, []),
    ],
)
def test_repeated_records(count: int, route: Route, model: type[Record], found: list[bool]) -> None:
    findings = judge(facts(of=report(duplicates=count), model=model, harvest=record(route)))
    assert [finding.holds for finding in findings] == found
    assert {finding.guard for finding in findings} <= {"duplicates"}


@pytest.mark.parametrize(
    ("stands", "comes", "held"),
    [
        ([], ["piece/a"], False),
        (["whole/x"], ["piece/a"], True),
        (["whole/x"], ["whole/y"], False),
        (["piece/a"], ["whole/x"], False),
        (["piece/a"], ["piece/a", "piece/b"], False),
        (["piece/a", "piece/b"], ["piece/a"], True),
        (["list"], ["piece/a"], False),
        (["whole/x"], ["list"], False),
    ],
)
def test_sums_over_pieces_never_replace_those_over_the_whole(stands: list[str], comes: list[str], held: bool) -> None:
    given = facts(partitions=[Partition(name, 1, 1) for name in comes])
    feed = given.feed.model_copy(update={"grains": ("whole", "piece")})
    found = grain(replace(given, feed=feed, before=Before(newest=stands)))
    assert [finding.holds for finding in found] == [True] * held


def test_what_the_crawl_doubts_comes_first_of_what_holds() -> None:
    found = judge(facts(harvest=record(doubts=["pages repeat"]), of=report(rejected=1)))
    assert [(finding.guard, finding.holds) for finding in found] == [("crawl", True), ("rejected", False)]


def test_before_is_what_the_good_harvests_read_each_part_as_it_was_last_read(tmp_path: Path) -> None:
    ended: dict[str, Any] = {"stage": Stage.ENDED, "status": Status.ACCEPTED}
    harvests.write(tmp_path, record(day=3, sizes={"a": 1, "b": 1}, keys={"cells": ["id"]}, **ended))
    harvests.write(tmp_path, record(day=4, sizes={"b": 2}, keys={"cells": ["id", "emp"]}, **ended))
    harvests.write(tmp_path, record(day=5, sizes={"a": 9}, **ended | {"status": Status.HELD}))
    mine = record(day=6, sizes={"a": 7}, **ended)
    harvests.write(tmp_path, mine)
    assert before(tmp_path, mine) == Before({"a": 1, "b": 2}, {"cells": ["id", "emp"]}, ["b"])
