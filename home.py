"""A home: the folder in which one observatory keeps its archive, warehouse and releases, and its settings.

Settings stand in ``observatory.toml`` in the home; each can be overridden by an environment variable, such as
``OBSERVATORY_CONTACT``. A home without that file works with the defaults.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import duckdb
from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from crawlers.harvest import harvests
from crawlers.source import Route, feeds
from warehouse import store
from warehouse.schema import SCHEMA_VERSION
from warehouse.store import LockedError, WarehouseError

SETTINGS_FILE = "observatory.toml"

WAYBACK_URL = "https://web.archive.org"
"""The web archive that is asked unless another is given."""

MIN_FREE = 2_000_000_000
"""Bytes that should be free: a release is written beside the old one."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def cron_trigger(line: str) -> CronTrigger:
    """Read a cron line (UTC): minute, hour, day of month, month, weekday.

    A weekday goes by its name, since the number 0 is Sunday to cron and Monday to APScheduler.

    Raises:
        ValueError: it is no cron line, its weekday is a number, or it names no day that ever comes.
    """
    trigger = CronTrigger.from_crontab(line, timezone=UTC)
    if any(character.isdigit() for character in line.rsplit(maxsplit=1)[-1]):
        raise ValueError(f"{line!r}: give weekdays by name (mon, tue-fri), not by number")
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise ValueError(f"{line!r}: there is no such day")
    return trigger


def _web_archive(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ValueError(f"expected the address of a web archive, such as {WAYBACK_URL}, of pywb with its collection")
    return url.rstrip("/")


WebArchive = Annotated[str, AfterValidator(_web_archive)]


class FeedSettings(BaseModel):
    """How one feed is harvested here.

    Attributes:
        schedule: cron line (UTC); the feed's own cadence where neither this nor `every` is given.
        every: seconds between two harvests, instead of a cron line.
        route: how the feed is reached; a feed that has one route only needs none.
        base_url: address instead of the feed's own.
        wayback_url: web archive instead of the home's own.
        files: folder or file for the route `files`, absolute.
        set: parameters, as for ``--set``.
    """

    model_config = ConfigDict(extra="forbid")

    schedule: str | None = None
    every: Annotated[float, Field(ge=1, le=366 * 86400)] | None = None
    route: Route = Route.LIVE
    base_url: str | None = None
    wayback_url: WebArchive | None = None
    files: Path | None = None
    set: dict[str, str] = Field(default_factory=dict)

    @field_validator("schedule")
    @classmethod
    def _is_cron_line(cls, line: str | None) -> str | None:
        if line is not None:
            cron_trigger(line)
        return line

    @field_validator("files")
    @classmethod
    def _is_absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError("give an absolute path: a scheduled harvest has no folder of its own to start from")
        return path

    @model_validator(mode="after")
    def _one_rhythm(self) -> FeedSettings:
        if self.schedule is not None and self.every is not None:
            raise ValueError("give `schedule` or `every`, not both")
        return self


class Settings(BaseSettings):
    """Settings of a home.

    Attributes:
        contact: e-mail or web address of the operator; part of the user agent, asked for by every live crawl.
        wayback_url: web archive for the route wayback, and for the fallback to it.
        publish: profiles that are published after an accepted harvest.
        feeds: the feeds that are harvested on a schedule, and how.
    """

    model_config = SettingsConfigDict(env_prefix="OBSERVATORY_", extra="forbid")

    contact: str = ""
    wayback_url: WebArchive = WAYBACK_URL
    publish: tuple[Literal["public", "local"], ...] = ("local",)
    feeds: dict[str, FeedSettings] = Field(default_factory=dict)

    @field_validator("feeds", mode="before")
    @classmethod
    def _known_feeds(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        if unknown := sorted(given.keys() - feeds().keys()):
            known = ", ".join(f'"{feed_id}"' for feed_id in feeds())
            raise ValueError(f"no feed {unknown[0]!r}; there are {known}, each written with its quotes")
        return given

    @field_validator("feeds")
    @classmethod
    def _can_be_harvested(cls, given: dict[str, FeedSettings]) -> dict[str, FeedSettings]:
        for feed_id, own in given.items():
            feed = feeds()[feed_id]
            feed.settings(own.set)
            if len(feed.routes) > 1 and own.route not in feed.routes:
                raise ValueError(f"{feed_id} has no route {own.route}; give `route`: {', '.join(feed.routes)}")
        return given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; no .env and no secrets folder."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def read_settings(home: Path) -> Settings:
    """Read the settings of a home.

    Raises:
        ValueError: the file cannot be read; the message names the file and the place in it.
    """
    path = home / SETTINGS_FILE
    try:
        given = TomlConfigSettingsSource(Settings, toml_file=path)() if path.exists() else {}
        return Settings(**given)
    except ValidationError as error:
        raise ValueError(f"{path}: {'; '.join(map(_told, error.errors()))}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _told(fault: ErrorDetails) -> str:
    """Say in one line which setting is wrong, how, and what was given."""
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}, got {fault['input']!r}"


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine."""
    return urlsplit(url).hostname in _LOOPBACK


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a healthy home needs, and what was found."""

    name: str
    ok: bool
    found: str


def examine(home: Path) -> list[Check]:
    """Check settings, live sites, disk, lock, warehouse and clock of a home; a missing folder is made."""
    checks = [Check("python", True, sys.version.split()[0]), Check("duckdb", True, duckdb.__version__)]
    try:
        settings = read_settings(home)
        checks += [Check("settings", True, f"{len(settings.feeds)} feeds configured"), _check_contact(settings)]
        checks.append(_check_live_sites(home, settings))
    except ValueError as error:
        checks.append(Check("settings", False, str(error)))
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            checks.append(Check("home", True, f"{home} can be written"))
        free = shutil.disk_usage(home).free
        checks.append(
            Check("disk", free > MIN_FREE, f"{free / 1e9:.1f} GB free; at least {MIN_FREE / 1e9:g} are wanted")
        )
        with store.lock(home / store.LOCK, "the warehouse", wait=0):
            checks.append(Check("lock", True, "the warehouse is free"))
        checks.extend(_check_warehouse(home))
    except OSError as error:
        checks.append(Check("home", False, f"{home}: {error}"))
    except LockedError as error:
        checks.append(Check("lock", False, str(error)))
    checks.append(_check_clock(home))
    return checks


def _check_contact(settings: Settings) -> Check:
    if settings.contact:
        return Check("contact", True, settings.contact)
    addresses = {
        feed_id: own.wayback_url or settings.wayback_url
        if own.route is Route.WAYBACK
        else own.base_url or feeds()[feed_id].base_url or ""
        for feed_id, own in settings.feeds.items()
        if own.route in {Route.LIVE, Route.WAYBACK} and own.route in feeds()[feed_id].routes
    }
    asking = [feed_id for feed_id, address in addresses.items() if not is_loopback(address)]
    needed = f"; {', '.join(asking)} cannot be harvested: set `contact` or OBSERVATORY_CONTACT" if asking else ""
    return Check("contact", not asking, f"none: live crawls are refused{needed}")


def _check_live_sites(home: Path, settings: Settings) -> Check:
    """Look for feeds whose live site is gone, and for which nobody has decided yet how they go on."""
    live = [feed_id for feed_id, own in settings.feeds.items() if own.route is Route.LIVE]
    newest = [next(harvests(home, feed_id, newest_first=True), None) for feed_id in live]
    lost = [f"{record.feed_id}: {record.gone}" for record in newest if record is not None and record.gone]
    if not lost:
        return Check("live sites", True, "none is known to be gone")
    return Check("live sites", False, f'gone: {"; ".join(lost)}; give a new `base_url`, or route = "wayback"')


def _check_warehouse(home: Path) -> list[Check]:
    """Look whether this software can use the warehouse, if there is one."""
    try:
        layout = store.look(home, wait=0)
        if layout is None:
            return []
        store.refuse_other(home, layout)
    except WarehouseError as error:
        return [Check("warehouse", False, str(error))]
    return [Check("warehouse", True, f"schema {SCHEMA_VERSION}")]


def _check_clock(home: Path) -> Check:
    """Compare the clock with the newest harvest: after a jump back, harvests would seem older than they are."""
    now = datetime.now(UTC)
    try:
        newest = max(harvests(home), key=lambda record: record.harvest_id, default=None)
    except ValueError as error:
        return Check("archive", False, str(error))
    late = newest is not None and newest.started_at > now
    return Check(
        "clock", not late, f"{now:%Y-%m-%dT%H:%M:%SZ}" + (f", before {newest.harvest_id}" if late and newest else "")
    )


TEMPLATE = """\
# Settings of this home. Every line is optional; `observatory doctor` checks them.

# Who runs this observatory: an e-mail or web address. It stands in the user agent of every request.
# A live crawl of any host but this machine needs it.
# contact = "observatory@example.org"

# The web archive for the route "wayback", and for harvests of sites that are gone; of pywb with its collection.
# wayback_url = "https://web.archive.org"

# What is published after an accepted harvest: "local" holds everything, "public" only what may be republished.
publish = ["local"]

# One table per feed that `observatory schedule` harvests; `observatory sources` lists them all.
# [feeds."us.clustermapping"]
# schedule = "17 3 2 * *"           # cron line, UTC, weekdays by name; without it the feed's own cadence
# every = 86400                     # or seconds, instead of a cron line
# route = "live"                    # live, wayback, files or replica
# base_url = "https://example.org/data"   # instead of the feed's own address
# wayback_url = "http://127.0.0.1:8080/us"  # instead of the web archive above
# files = "/srv/saved/us"           # for route = "files"
# set = { years = "latest", region_types = "state,msa" }
"""
