"""Hygiene: every feed has all its parts, and every crawl is polite and closed."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from apscheduler.triggers.cron import CronTrigger
from scrapy.settings import default_settings

from crawlers.crawl import NOT_LOADED, settings
from crawlers.source import Feed, Politeness, Route, catalogue, feeds, read_source, refuse_shared_prefix, select
from normalizers.normalise import ROOM, program, records_of
from warehouse.schema import TABLES

ROOT = Path(__file__).parents[1]
EVERY = pytest.mark.parametrize("feed", feeds().values(), ids=list(feeds()))


@EVERY
def test_every_feed_has_its_parts(feed: Feed) -> None:
    module = feed.module()
    assert callable(module.parse)
    if {Route.LIVE, Route.REPLICA} & set(feed.routes):
        assert module.FeedSpider.name == feed.feed_id
    if feed.shipped_path is not None:
        assert feed.shipped_path.exists()
        assert Route.FILES in feed.routes
    assert program(feed.place, ".sql").is_file()
    assert (ROOT / "docs" / "sources" / f"{feed.source_id}.md").is_file()
    assert any(feed.feed_id in path.read_text("utf-8") for path in (ROOT / "tests").glob("test_*.py"))


@EVERY
def test_every_contract_names_its_kinds_and_says_why_it_ignores(feed: Feed) -> None:
    models = records_of(feed.place)
    kinds = [model.kind for model in models]
    assert len(set(kinds)) == len(kinds)
    assert feed.denominator.counts in kinds
    for model in models:
        assert model.__doc__
        assert set(model.key) <= set(model.model_fields)
        assert model.sparse <= set(model.model_fields)
        assert model.ignored.keys().isdisjoint(model.model_fields)
        assert all(reason.strip() for reason in model.ignored.values())


@EVERY
def test_every_field_map_names_real_fields_columns_and_methods(feed: Feed) -> None:
    fields = {name for model in records_of(feed.place) for name in model.model_fields}
    with (ROOM / "reference" / "methods.csv").open(encoding="utf-8", newline="") as stream:
        methods = {row["method"] for row in csv.DictReader(stream)}
    with program(feed.place, ".fields.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        assert row["field"] in fields
        if row["table"] == "observations":
            assert {row["method_traded"], row["method_local"]} <= methods
            assert row["unit_measure"]
            assert row["unit_kind"]
        else:
            assert row["target"] in TABLES[row["table"]].by_name


@EVERY
def test_every_feed_is_harvested_in_good_manners(feed: Feed) -> None:
    assert CronTrigger.from_crontab(feed.cadence, timezone="UTC")
    if Route.LIVE in feed.routes:
        assert feed.politeness.delay >= 1
        assert feed.base_url is not None
        assert feed.base_url.startswith("https://")


def test_every_crawl_is_closed_and_polite() -> None:
    chosen = settings(Politeness(delay=7, timeout=8, retries=2), "me@example.org", Path("crawl.log"))
    expected = {
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "CONCURRENT_REQUESTS": 1,
        "DOWNLOAD_DELAY": 7,
        "DOWNLOAD_TIMEOUT": 8,
        "RETRY_TIMES": 2,
    }
    assert {name: chosen[name] for name in expected} == expected
    assert "me@example.org" in chosen["USER_AGENT"]


@pytest.mark.parametrize("name", ["EXTENSIONS_BASE", "DOWNLOADER_MIDDLEWARES_BASE"])
def test_only_what_no_crawl_uses_is_left_out(name: str) -> None:
    """Whatever else Scrapy brings is there, and what has another name one day is seen."""
    chosen = settings(Politeness(delay=7, timeout=8, retries=2), "me@example.org", Path("crawl.log"))
    everything = getattr(default_settings, name)
    left_out = {path for path in everything if path.endswith(NOT_LOADED)}
    assert chosen[name] == {path: order for path, order in everything.items() if path not in left_out}
    assert len(left_out) == {"EXTENSIONS_BASE": 3, "DOWNLOADER_MIDDLEWARES_BASE": 1}[name]


@pytest.mark.parametrize("room", ["crawlers", "normalizers", "warehouse", "exports"])
def test_no_code_switches_off_what_protects(room: str) -> None:
    forbidden = re.compile(
        r"dont_obey_robotstxt|verify\s*=\s*False|ROBOTSTXT_OBEY\W+False|ignore_errors\s*=\s*true", re.IGNORECASE
    )
    guilty = [path.name for path in (ROOT / room).rglob("*.py") if forbidden.search(path.read_text("utf-8"))]
    guilty += [path.name for path in (ROOT / room).rglob("*.sql") if forbidden.search(path.read_text("utf-8"))]
    assert guilty == []


def test_names_select_sources_and_feeds_once() -> None:
    assert [feed.feed_id for feed in select(("us.clustermapping", "us"))][:1] == ["us.clustermapping"]
    assert {feed.feed_id for feed in select(tuple(catalogue()))} == set(feeds())
    with pytest.raises(ValueError, match="no source or feed 'mars'"):
        select(("mars",))


def test_parameters_are_resolved_and_checked() -> None:
    feed = feeds()["us.clustermapping"]
    limits, values = feed.settings({"delay": "0.5", "years": "2016, 2017"})
    assert (limits.delay, limits.timeout, values["years"]) == (0.5, 120, ("2016", "2017"))
    assert values["region_types"] == feed.parameters["region_types"].default
    for given, message in (
        ({"colour": "red"}, "no parameter 'colour'; it knows"),
        ({"years": " , "}, "parameter 'years' has no value"),
        ({"delay": "-1"}, "greater than or equal to 0"),
    ):
        with pytest.raises(ValueError, match=message):
            feed.settings(given)


def test_a_source_may_state_the_prefix_of_its_feeds(tmp_path: Path) -> None:
    text = (ROOT / "crawlers" / "paper" / "source.toml").read_text("utf-8")
    for name in ("canada", "kanada"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "source.toml").write_text(f'feed_prefix = "ca"\n{text}', "utf-8")
    source = read_source(tmp_path / "canada" / "source.toml")
    [(feed_id, feed)] = source.feeds.items()
    assert (source.source_id, feed_id, feed.feed_id, feed.place) == ("canada", "ca.facts", "ca.facts", "canada.facts")
    with pytest.raises(ValueError, match="canada and kanada: both give their feeds the prefix 'ca'"):
        refuse_shared_prefix([source, read_source(tmp_path / "kanada" / "source.toml")])


def test_a_bad_source_is_named(tmp_path: Path) -> None:
    path = tmp_path / "xx" / "source.toml"
    path.parent.mkdir()
    path.write_text('name = "X"\n[feeds.y]\nredistribution = "maybe"\n', "utf-8")
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(path))}.*redistribution"):
        read_source(path)
