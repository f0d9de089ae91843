"""The record of a harvest: its id sorts by time, its file is never torn, and it says which kind of home this is."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.harvest import (
    Attempt,
    Decision,
    Harvest,
    Stage,
    Status,
    feed_of,
    folder,
    harvests,
    kind_of_home,
    new_id,
    now,
    read,
    refuse_mixing,
    write,
    write_atomically,
)
from crawlers.source import Politeness, Route

FEED = "us.clustermapping"
NOON = datetime(2026, 1, 1, 12, 0, 0, 482_000, tzinfo=UTC)

MOMENT = NOON.replace(tzinfo=None)
TIMES = st.datetimes(MOMENT - timedelta(days=9000), MOMENT + timedelta(days=9000), timezones=st.timezones())
FEEDS = st.from_regex(r"[a-z0-9_]{1,12}\.[a-z0-9_]{1,20}", fullmatch=True)


def record(feed_id: str = FEED, days: int = 0, *, synthetic: bool | None = None) -> Harvest:
    """Return the record of a harvest that began so many days after noon."""
    started_at = NOON + timedelta(days=days)
    return Harvest(
        harvest_id=new_id(feed_id, started_at),
        feed_id=feed_id,
        route=Route.LIVE,
        parameters={"years": ("2016", "2017")},
        limits=Politeness(),
        started_at=started_at,
        software_version="1.2.3",
        synthetic=synthetic,
    )


# --- ids


def test_an_id_is_time_and_feed() -> None:
    assert new_id(FEED, NOON) == "20260101T120000.482Z-us.clustermapping"
    assert new_id(FEED, NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))) == new_id(FEED, NOON)


@given(TIMES, TIMES, FEEDS, FEEDS)
def test_ids_sort_by_time_and_parse_back(one: datetime, other: datetime, feed: str, another: str) -> None:
    assert feed_of(new_id(feed, one)) == feed
    assert folder(Path("home"), new_id(feed, one)) == Path("home", "archive", feed, new_id(feed, one))
    earlier, later = sorted((one.astimezone(UTC), other.astimezone(UTC)))
    if later - earlier >= timedelta(milliseconds=1):
        assert new_id(feed, earlier) < new_id(another, later)


@pytest.mark.parametrize(
    "bad",
    [
        *("", FEED, "20260101T120000.482Z", "20260101T120000.482Z-", "20260101T120000Z-us.clustermapping"),
        *("20260101T120000.482Z-us", "20260101T120000.482Z-us.clustermapping\n", "x20260101T120000.482Z-us.a"),
        *("20260101T120000.482Z-../../etc", "20260101T120000.482Z-us.a/../..", "20260101T120000.482Z-.."),
        *("٢٠٢٦0101T120000.482Z-us.a", "20260101T120000.482Z-US.a", "20260101T120000.482z-us.a"),
    ],
)
def test_bad_ids_are_refused(tmp_path: Path, bad: str) -> None:
    message = re.escape(f"{bad!r} is no harvest id; one looks like 2026")
    with pytest.raises(ValueError, match=message):
        feed_of(bad)
    with pytest.raises(ValueError, match=message):
        read(tmp_path, bad)


@given(FEEDS, st.text(min_size=1, max_size=5))
def test_an_id_with_something_before_it_is_refused(feed: str, text: str) -> None:
    with pytest.raises(ValueError, match="is no harvest id"):
        feed_of(text + new_id(feed, NOON))


def test_now_has_milliseconds() -> None:
    time = now()
    assert time.tzinfo is UTC
    assert time.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=1)


# --- the file


def test_a_record_comes_back(tmp_path: Path) -> None:
    harvest = record(synthetic=False)
    harvest.files = tmp_path / "saved"
    harvest.attempts = [Attempt(started_at=NOON, finished_at=NOON, requests=3, bytes=10**12, outcome="finished")]
    harvest.decisions = [Decision(at=NOON, decision="accept", reason="Gießen", held_because="too few")]
    harvest.end(Status.HELD, "too few")
    write(tmp_path, harvest)
    assert read(tmp_path, harvest.harvest_id) == harvest
    path = tmp_path / "archive" / FEED / harvest.harvest_id / "harvest.json"
    written = json.loads(path.read_text("utf-8"))
    assert {"base_url", "replay_of"}.isdisjoint(written), "what was not given is not written"
    assert (written["stage"], written["status"], written["reason"]) == ("ended", "held", "too few")
    assert [path.name for path in path.parent.iterdir()] == ["harvest.json"], "no draft is left"


def test_the_end_of_a_harvest() -> None:
    assert [status.value for status in Status if status.good] == ["accepted", "unchanged"]
    harvest = record()
    assert (harvest.stage, harvest.status, harvest.finished_at) == (Stage.CRAWLING, None, None)
    assert harvest.evidence_id == harvest.harvest_id
    assert harvest.software == "cluster-observatory/1.2.3"
    harvest.replay_of = "20250101T000000.000Z-us.clustermapping"
    assert harvest.evidence_id == "20250101T000000.000Z-us.clustermapping"
    harvest.end(Status.ACCEPTED)
    assert (harvest.stage, harvest.status, harvest.reason) == (Stage.ENDED, Status.ACCEPTED, None)
    assert harvest.finished_at is not None


def test_a_reader_never_sees_a_torn_file(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    texts = [f"{number}" * 300_000 for number in (1, 2)]
    write_atomically(target, texts[0])
    done = threading.Event()

    def rewrite() -> None:
        for turn in range(60):
            write_atomically(target, texts[turn % 2])
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen: list[str] = []
    while not done.is_set() or not seen:
        seen.append(target.read_text("utf-8"))
    writer.join()
    assert set(seen) <= set(texts)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "x" * 100_000 + "\ud800")
    assert target.read_text("utf-8") == "old"


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    harvest = record()
    with pytest.raises(FileNotFoundError, match=rf"{harvest.harvest_id}: the archive has no such harvest"):
        read(tmp_path, harvest.harvest_id)
    write(tmp_path, harvest)
    path = folder(tmp_path, harvest.harvest_id) / "harvest.json"
    whole = path.read_text("utf-8")
    for text in (whole[:-20], whole.replace('"route"', '"rout"'), whole.replace('"live"', '"pigeon"'), ""):
        path.write_text(text, "utf-8")
        with pytest.raises(ValueError, match=re.escape(f"{path}: ")):
            read(tmp_path, harvest.harvest_id)


# --- all harvests of a home


def test_harvests_in_order(tmp_path: Path) -> None:
    assert list(harvests(tmp_path)) == []
    written = [record(feed, day) for day, feed in enumerate(["us.b", "us.a", "ref.x", "us.a"])]
    for harvest in reversed(written):
        write(tmp_path, harvest)
    (tmp_path / "archive" / "releases").mkdir()
    for name in ("notes", f"{written[0].harvest_id}.old", f"x{written[0].harvest_id}"):
        (tmp_path / "archive" / "us.b" / name).mkdir()
        (tmp_path / "archive" / "us.b" / name / "harvest.json").write_text("no harvest", "utf-8")
    folder(tmp_path, new_id("us.b", NOON + timedelta(days=9))).mkdir()  # killed before its record was written
    assert list(harvests(tmp_path)) == written
    assert list(harvests(tmp_path, newest_first=True)) == written[::-1]
    assert list(harvests(tmp_path, "us.a")) == [written[1], written[3]]
    assert list(harvests(tmp_path, "us.a", newest_first=True)) == [written[3], written[1]]
    assert list(harvests(tmp_path, "us.none")) == []


def test_the_first_answer_decides_the_kind_of_home(tmp_path: Path) -> None:
    assert kind_of_home(tmp_path) is None
    write(tmp_path, record("ref.bcd", 0, synthetic=False))
    write(tmp_path, record("paper.facts", 1, synthetic=False))
    write(tmp_path, record(FEED, 2))
    assert kind_of_home(tmp_path) is None, "shipped facts and harvests without an answer decide nothing"
    write(tmp_path, record(FEED, 4, synthetic=True))
    assert kind_of_home(tmp_path) is True
    write(tmp_path, record("us.cbp", 5, synthetic=False))
    assert kind_of_home(tmp_path) is True, "a later one that was refused decides nothing"
    write(tmp_path, record("us.cbp", 3, synthetic=False))
    assert kind_of_home(tmp_path) is False


@pytest.mark.parametrize(("home", "answers"), list(product([None, False, True], repeat=2)))
@pytest.mark.parametrize("feed_id", [FEED, "ref.bcd", "paper.facts"])
def test_kinds_are_never_mixed(home: bool | None, answers: bool | None, feed_id: str) -> None:
    refusal = refuse_mixing(home, record(feed_id, synthetic=answers))
    expected = {
        (False, True): f"{FEED}: the answers are synthetic, this home is real; ",
        (True, False): f"{FEED}: the answers are real, this home is synthetic; ",
    }
    if feed_id == FEED and home is not None and answers is not None and home != answers:
        assert refusal == expected[home, answers] + "they are never mixed. Use another --home."
    else:
        assert refusal is None
