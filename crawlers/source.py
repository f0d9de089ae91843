"""Sources and feeds as data: publisher, terms, cadence, politeness, routes, denominators.

Each folder of this room that holds a ``source.toml`` is a source; its tables ``[feeds.<name>]`` are its feeds.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

ROOM = Path(__file__).parent


class Route(StrEnum):
    """How a feed is reached."""

    LIVE = "live"
    WAYBACK = "wayback"
    FILES = "files"
    REPLICA = "replica"


class Redistribution(StrEnum):
    """What the terms of a feed allow to be republished."""

    OPEN = "open"
    ATTRIBUTION = "attribution"
    NONCOMMERCIAL = "noncommercial"
    RESTRICTED = "restricted"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Politeness(_Strict):
    """Limits of a crawl; each can be set for one run with ``--set FEED.delay=…`` and so on.

    Attributes:
        delay: seconds between two requests to one host.
        archive_delay: the same for a web archive.
        timeout: seconds that one answer may take.
        retries: further tries after a failed one.
        max_body_mb: an answer over this size (MiB, as received) is refused.
        max_download_mb: the same of a big file that is streamed to disk.
    """

    delay: Annotated[float, Field(ge=0)] = 5.0
    archive_delay: Annotated[float, Field(ge=0)] = 1.5  # the Internet Archive allows 60 look-ups a minute
    timeout: Annotated[float, Field(gt=0)] = 60.0
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    max_body_mb: Annotated[int, Field(gt=0)] = 256
    max_download_mb: Annotated[int, Field(gt=0)] = 8192


class Denominator(_Strict):
    """How many records a complete harvest has: a rule that is computed from the harvest itself, never a count.

    Attributes:
        rule: the rule in words; the feed's SQL computes it as the relation ``completeness``.
        counts: the kind of raw record that it counts.
    """

    rule: Text
    counts: Text


class Parameter(_Strict):
    """A choice that an operator has, with ``--set FEED.PARAM=VALUE``; lists by comma.

    Attributes:
        default: its values unless an operator sets others.
        description: its values in words.
        pattern: regular expression that each value matches whole.
        single: it has one value; a list is refused.
    """

    default: tuple[str, ...]
    description: Text
    pattern: str | None = None
    single: bool = False


WAYBACK_PARAMETERS: Mapping[str, Parameter] = {
    "at": Parameter(
        default=(), description="route wayback: the captures nearest to this date, such as 2015-06-30; else the newest"
    )
}
"""Parameters of every feed that has the route wayback."""

FULL = "full"
"""Name of the parameter that every feed with a change marker has."""

MARKER_PARAMETERS: Mapping[str, Parameter] = {
    FULL: Parameter(
        default=("false",),
        description="`true` asks for everything, also where the source says that nothing has changed",
        pattern="true|false",
        single=True,
    )
}
"""Parameters of every feed whose source says whether something has changed."""


class Feed(_Strict):
    """One machine-readable thing that a source offers.

    Attributes:
        prefix: first part of its id.
        name: last part of its id; also the name of its module and of its SQL file.
        base_url: where the live site answers; a harvest may replace it whole.
        shipped: file or folder in the source's own folder that the route `files` reads unless another is given: facts
            that we carry ourselves.
        fallback: route that is taken when the live site is gone.
        change_marker: what the source says of its state, in words; where it says the same as at the last good harvest,
            nothing more is asked.
        cadence: cron line (UTC) by which it is harvested unless the operator says otherwise.
        stale_after_days: data older than this is called stale.
        max_rejected_share: a harvest with a larger share of rejected records is held.
        max_duplicate_share: a crawl that brings a larger share of records twice is held.
        max_shrinkage: a harvest of which a part lost a larger share of its records is held.
        excerpts: saved files may be a piece of the whole: what is short then makes rows, and closes none.
        grains: first parts of names of partitions that state the same rows in another grain, the whole first: a harvest
            of a later one is held where an earlier one stands.
    """

    source_id: Text
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
    name: Text
    title: Text
    description: Text
    licence: Text
    licence_url: Text
    redistribution: Redistribution
    attribution: Text
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+[^/\s?#]$")] | None = None
    allowed_hosts: tuple[Text, ...] = ()
    shipped: str | None = None
    fallback: Literal[Route.WAYBACK] | None = None
    change_marker: Text | None = None
    cadence: Annotated[str, StringConstraints(pattern=r"^\S+( \S+){4}$")]
    stale_after_days: Annotated[int, Field(gt=0)]
    max_rejected_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    max_duplicate_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    max_shrinkage: Annotated[float, Field(ge=0, lt=1)] = 0.1
    excerpts: bool = False
    grains: tuple[Text, ...] = ()
    denominator: Denominator
    politeness: Politeness = Politeness()
    parameters: Mapping[str, Parameter] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Feed:
        if Route.LIVE in self.routes and not (self.base_url and self.allowed_hosts):
            raise ValueError(f"{self.feed_id}: the route live needs base_url and allowed_hosts")
        if self.fallback is not None and self.fallback not in self.routes:
            raise ValueError(f"{self.feed_id}: the fallback {self.fallback} is none of its routes")
        return self

    @property
    def feed_id(self) -> str:
        """`<prefix>.<name>`, such as `ca.seph`."""
        return f"{self.prefix}.{self.name}"

    @property
    def place(self) -> str:
        """Where its code stands in the rooms: `<source>.<name>`, such as `canada.seph`."""
        return f"{self.source_id}.{self.name}"

    @property
    def shipped_path(self) -> Path | None:
        """The file or folder that we ship for the feed, where there is one."""
        return None if self.shipped is None else ROOM / self.source_id / self.shipped

    @property
    def all_parameters(self) -> dict[str, Parameter]:
        """The feed's own parameters, and those that its change marker and its routes bring."""
        return {
            **self.parameters,
            **(MARKER_PARAMETERS if self.change_marker else {}),
            **(WAYBACK_PARAMETERS if Route.WAYBACK in self.routes else {}),
        }

    def module(self) -> ModuleType:
        """Import the feed's module, ``crawlers.<source>.<name>``."""
        return importlib.import_module(f"crawlers.{self.place}")

    def settings(self, given: Mapping[str, str]) -> tuple[Politeness, dict[str, tuple[str, ...]]]:
        """Resolve what an operator has set against the defaults.

        Args:
            given: parameter name → text as given on the command line.

        Returns:
            The limits of the crawl, and every parameter of the feed with its values.

        Raises:
            ValueError: the feed knows no such parameter, or the value does not fit.
        """
        limits = {name: value for name, value in given.items() if name in Politeness.model_fields}
        own = {name: value for name, value in given.items() if name not in limits}
        parameters = self.all_parameters
        if unknown := sorted(own.keys() - parameters.keys()):
            known = ", ".join(sorted({*parameters, *Politeness.model_fields}))
            raise ValueError(f"{self.feed_id}: no parameter {unknown[0]!r}; it knows {known}")
        values = {
            name: tuple(part.strip() for part in own[name].split(",") if part.strip())
            if name in own
            else parameter.default
            for name, parameter in parameters.items()
        }
        if empty := sorted(name for name in own if not values[name]):
            raise ValueError(f"{self.feed_id}: parameter {empty[0]!r} has no value")
        for name in own:
            pattern = parameters[name].pattern
            if parameters[name].single and len(values[name]) > 1:
                told = f"expected one value, {parameters[name].description}; got {', '.join(values[name])}"
                raise ValueError(f"{self.feed_id}.{name}: {told}")
            if wrong := [value for value in values[name] if pattern and not re.fullmatch(pattern, value)]:
                raise ValueError(
                    f"{self.feed_id}.{name}: expected {parameters[name].description}; got {', '.join(wrong)}"
                )
        if "at" in own and not _is_date(own["at"]):
            raise ValueError(f"{self.feed_id}.at: expected a date such as 2015-06-30, got {own['at']!r}")
        try:
            return Politeness.model_validate({**self.politeness.model_dump(), **limits}), values
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{self.feed_id}.{first['loc'][0]}: {first['msg']}, got {first['input']!r}") from error


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


class Source(_Strict):
    """One observatory and what it offers.

    Attributes:
        feed_prefix: what the ids of its feeds begin with, such as `ca` of `canada`; the source's id unless it says so.
    """

    source_id: Text
    feed_prefix: Text
    name: Text
    publisher: Text
    country_coverage: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")], ...]
    homepage_url: Text
    status: Literal["live", "closed", "unknown"]
    feeds: Mapping[str, Feed]


def read_source(path: Path) -> Source:
    """Read one ``source.toml``; the folder's name is the source's id.

    Raises:
        ValueError: the file is not TOML or does not fit; the message names the file.
    """
    source_id = path.parent.name
    try:
        text = {"feed_prefix": source_id, **tomllib.loads(path.read_text("utf-8"))}
        prefix = text["feed_prefix"]
        feeds = {
            f"{prefix}.{name}": {"source_id": source_id, "prefix": prefix, "name": name, **feed}
            for name, feed in text.get("feeds", {}).items()
        }
        return Source.model_validate({**text, "source_id": source_id, "feeds": feeds})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@cache
def catalogue() -> Mapping[str, Source]:
    """Return every source by id, read once.

    Raises:
        ValueError: two sources give their feeds one prefix.
    """
    found = {source.source_id: source for source in map(read_source, sorted(ROOM.glob("*/source.toml")))}
    refuse_shared_prefix(found.values())
    return found


def refuse_shared_prefix(sources: Iterable[Source]) -> None:
    """Raise ValueError where two sources give their feeds one prefix: ids of one would read as those of the other."""
    seen: dict[str, str] = {}
    for source in sources:
        other = seen.setdefault(source.feed_prefix, source.source_id)
        if other != source.source_id:
            raise ValueError(f"{other} and {source.source_id}: both give their feeds the prefix {source.feed_prefix!r}")


def feeds() -> dict[str, Feed]:
    """Return every feed by id, in order."""
    return {feed_id: feed for source in catalogue().values() for feed_id, feed in source.feeds.items()}


def select(names: tuple[str, ...]) -> list[Feed]:
    """Return the feeds that a list of source and feed names means, each once.

    Raises:
        ValueError: a name is neither a source nor a feed.
    """
    known = feeds()
    chosen: dict[str, Feed] = {}
    for name in names:
        of_source = catalogue()[name].feeds if name in catalogue() else None
        if of_source is None and name not in known:
            raise ValueError(f"no source or feed {name!r}; there are {', '.join([*catalogue(), *known])}")
        chosen |= dict(of_source) if of_source is not None else {name: known[name]}
    return list(chosen.values())
