"""us.clustermapping: the JSON data service of the U.S. Cluster Mapping Project.

Documents of interest, below the base address: ``/meta/years``, ``/meta/clusters``, ``/meta/regions``, ``/region``,
``/region/<type>/<code>/<years>/<clusters>``, which answers one document per region × cluster × year, the same with
``/<subclusters>`` behind it, and ``/region/<type>/<code>/<years>``, which answers totals of the regions. A path that
ends before the code kills a worker of the server. One hit is answered by an object, several by an array, none by
``[]``; answers are cut at 10,000 records unless ``limit`` says otherwise, and pages are stable only under
``sort=id asc``. What is known of the source, and how: docs/sources/us.md.
"""

from __future__ import annotations

import csv
import io
import json
import re
import textwrap
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch
from crawlers.evidence import Document
from crawlers.source import Route
from crawlers.spider import Spider

REGISTRY_COLUMNS = ("org_id", "org_title", "cluster_name")
"""Columns of the organisation registry, which is only ever a saved file."""

AGGREGATE_WEIGHT = 10
"""As how many records an aggregate counts when pages are planned: it has hundreds of keys."""

_IDS, _LOADS = (re.compile(rb'"%b"\s*:\s*"([^"]*)"' % name) for name in (b"id", b"timestamp"))

_HEAD = 2**20
"""Bytes in which the first record of an array is looked for."""

_PROBE = re.compile(r"cluster/country/98/1/[0-9]{4}")
"""Id of the document that is asked for to learn the time of the last load."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked for in one answer, or in several pages of one.

    Attributes:
        path: below the base address, region code included.
        expected: how many records the source should have for it; None where that is not known.
        of_a_year: how many of them are of one year.
    """

    path: str
    expected: int | None = None
    of_a_year: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """Which records of each region and year are asked for.

    Attributes:
        kind: kind of raw record, as it stands in the names of partitions.
        words: the end of the path: cluster codes or a word, and subclusters behind a slash.
        weights: cluster code → records of it for one region and year; one empty code where clusters do not matter.
        weight: as how many records each one counts.
    """

    kind: str
    words: str
    weights: Mapping[str, int]
    weight: int = 1

    @property
    def of_a_region(self) -> int:
        """Records of one region in one year."""
        return sum(self.weights.values())

    def alone(self, code: str) -> Choice:
        """Return the same for one of its clusters."""
        _, slash, subclusters = self.words.partition("/")
        return Choice(self.kind, f"{code}{slash}{subclusters}", {code: self.weights[code]}, self.weight)


def plan(
    region_type: str, regions: int, years: Sequence[str], listed: Sequence[str], choice: Choice, page_size: int
) -> Iterator[Part]:
    """Divide what is asked for into as few answers as fit into a page.

    Years are put together as long as they fit. Where one year alone does not fit and several are asked for, each
    cluster is asked for by itself, for all years. What still does not fit comes page by page.

    Args:
        region_type: one region type.
        regions: how many regions of the type there are, at least one.
        years: the years asked for, ascending.
        listed: all years that the source lists, ascending; where all are asked for at once, it is asked for `all`.
        choice: which records of each region and year.
        page_size: records asked for in one answer.
    """
    of_a_year = regions * choice.of_a_region
    fitting = page_size // (of_a_year * choice.weight)
    if not fitting and len(years) > 1 and len(choice.weights) > 1:
        for code in choice.weights:
            yield from plan(region_type, regions, years, listed, choice.alone(code), page_size)
        return
    step = max(1, fitting)
    for start in range(0, len(years), step):
        group = years[start : start + step]
        period = "all" if len(group) > 1 and list(group) == list(listed) else ",".join(group)
        path = f"/region/{region_type}/all/{period}" + (f"/{choice.words}" if choice.words else "")
        yield Part(path, of_a_year * len(group), of_a_year)


class FeedSpider(Spider):
    """Asks whether anything is new, then for the lists, then for the records of each chosen region type and year."""

    name = "us.clustermapping"

    years: list[str]
    loaded_at: str | None = None
    clusters: dict[str, Mapping[str, Any]] | None = None
    regions: dict[str, int] | None = None

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the years: what else is asked for depends on them. Of a web archive all lists are asked for."""
        yield self.request("/meta/years", self.of_years)
        if self.harvest.route is Route.WAYBACK:
            for request in self._lists():
                yield request

    def of_years(self, response: Response) -> Iterator[Request]:
        """Ask for one document, for it carries the time of the last load; a web archive has no such thing."""
        listed = yield from self._answer(response, "an array of years as strings", _is_years)
        if listed is None:
            return
        self.years = sorted(listed)
        known = {"all", "latest", *self.years}
        if missing := [year for year in self.harvest.parameters["years"] if year not in known]:
            wanted = f"the years {', '.join(missing)}, which were asked for"
            self.not_understood(response, wanted, f"only {', '.join(self.years)}")
        elif self.harvest.route is Route.WAYBACK:
            yield from self._unplanned()
        else:
            yield self.request(f"/region/country/98/{self.years[-1]}/1", self.of_load)

    def of_load(self, response: Response) -> Iterator[Request]:
        """Go on only if the source was loaded anew, or now lists other years."""
        answer = yield from self._answer(response, "one record, an array or []", lambda it: isinstance(it, dict | list))
        if answer is None:
            return
        self.loaded_at = answer.get("timestamp") if isinstance(answer, dict) else None
        if self.loaded_at is None:
            self.harvest.warnings.append(
                f"{self.name}: {response.url}: expected one record with a timestamp, got {_shown(answer)}: whether "
                "anything has changed cannot be told, so all is asked for"
            )
        elif self.confirms(f"loaded at {self.loaded_at}; years {', '.join(self.years)}"):
            return
        yield from self._lists()

    def _lists(self) -> Iterator[Request]:
        """Ask for the other lists; the records follow when clusters and regions are known."""
        yield self.request("/meta/clusters", self.of_clusters)
        yield self.request("/meta/regions", self.of_regions)
        yield self.request("/region", self.understood)
        yield self.request("/meta/dict", self.understood, optional=True)

    def of_clusters(self, response: Response) -> Iterator[Request]:
        """Learn which clusters and subclusters there are."""
        answer = yield from self._answer(response, "an array of clusters with their codes", _is_clusters)
        if answer is None:
            return
        clusters = {each["cluster_code_t"]: each for each in answer}
        asked = self.harvest.parameters["clusters"]
        if unknown := [code for code in asked if code not in {"all", "traded", "local", *clusters}]:
            self.not_understood(
                response, f"clusters {', '.join(unknown)}, which were asked for", f"only {', '.join(clusters)}"
            )
            return
        choices = list(_choices(self.harvest.parameters, clusters))
        if empty := [choice.words for choice in choices if not choice.weights]:
            self.not_understood(response, f"subclusters {', '.join(empty)}, which were asked for", "no such ones")
            return
        self.clusters = clusters
        yield from self._records()

    def of_regions(self, response: Response) -> Iterator[Request]:
        """Learn how many regions there are of each type."""
        counts = yield from self._answer(response, "an object of region counts", _is_counts)
        if counts is None:
            return
        if missing := [kind for kind in self.harvest.parameters["region_types"] if not counts.get(kind)]:
            self.not_understood(response, f"regions of type {', '.join(missing)}, which were asked for", _shown(counts))
            return
        self.regions = counts
        yield from self._records()

    def _records(self) -> Iterator[Request]:
        """Ask for the records, as soon as it is known how many there should be."""
        if self.clusters is None or self.regions is None or self.harvest.route is Route.WAYBACK:
            return
        parameters, page_size = self.harvest.parameters, int(self.harvest.parameters["page_size"][0])
        years = [year for year in self.years if self._is_asked_for(year)]
        choices = list(_choices(parameters, self.clusters))
        for region_type in dict.fromkeys(parameters["region_types"]):
            for choice in choices:
                words = f"/{choice.words}" if choice.words else ""
                self.harvest.asked += [f"{choice.kind}/{region_type}/{year}{words}" for year in years]
                for part in plan(region_type, self.regions[region_type], years, self.years, choice, page_size):
                    yield self._page(part, 0, set())

    def _unplanned(self) -> Iterator[Request]:
        """Ask a web archive for each year by itself, whatever lists it has: it holds what others asked for."""
        parameters = self.harvest.parameters
        clusters = ",".join(parameters["clusters"])
        subclusters = [each.lstrip("0") for each in parameters["subclusters"] if each != "none"]
        kinds = [("cells", f"/{clusters}"), *(("cells", f"/{clusters}/{each}") for each in subclusters)]
        kinds += [("aggregates", "")] if "all" in parameters["aggregates"] else []
        for region_type in parameters["region_types"]:
            for year in filter(self._is_asked_for, self.years):
                for kind, words in kinds:
                    self.harvest.asked.append(f"{kind}/{region_type}/{year}{words}")
                    yield self._page(Part(f"/region/{region_type}/all/{year}{words}"), 0, set())

    def _is_asked_for(self, year: str) -> bool:
        asked = self.harvest.parameters["years"]
        return year in asked or "all" in asked or ("latest" in asked and year == self.years[-1])

    def understood(self, response: Response) -> Iterator[Request]:
        """Check that a list is JSON; it is parsed from the archive."""
        yield from self._answer(response, "JSON", lambda _: True)

    def _page(self, part: Part, start: int, seen: set[bytes]) -> Request:
        page_size = int(self.harvest.parameters["page_size"][0])
        query: dict[str, str | int] = {"limit": page_size, "start": start, "sort": "id asc"}
        return self.request(part.path, self.page, query=query, context={"part": part, "start": start, "seen": seen})

    def page(self, response: Response, part: Part, start: int, seen: set[bytes]) -> Iterator[Request]:
        """Go on until as many records came as there should be, or no more come.

        A short page is the last one only if nothing is missing: a server may cut its answers below our limit. Years
        that the source does not list may come on top.
        """
        records = _count(response.body)
        if records is None:
            yield from self._answer(response, "an array of records", lambda _: False)
            return
        self._compare_load(response, records)
        if records and seen and seen.issuperset(_IDS.findall(response.body)):
            self.harvest.doubts.append(
                f"{self.name}: {response.url} repeats records of earlier pages: the server does not page as expected"
            )
            return
        page_size, came = int(self.harvest.parameters["page_size"][0]), start + records
        if part.expected is None:
            more = records == page_size
        else:
            whole = came >= part.expected and (came - part.expected) % part.of_a_year == 0
            more = bool(records) and not (whole and records != page_size)
        if more:
            yield self._page(part, came, seen.union(_IDS.findall(response.body)))

    def _compare_load(self, response: Response, records: int) -> None:
        """Doubt a harvest in the midst of which the source was loaded anew."""
        if self.loaded_at is None or response.body.count(f'"timestamp":"{self.loaded_at}"'.encode()) == records:
            return
        loads = {load.decode("utf-8", "replace") for load in _LOADS.findall(response.body)}
        if loads - {self.loaded_at}:
            self.harvest.doubts.append(
                f"{self.name}: {response.url} was loaded at {_shown(max(loads))}, the first record of this harvest at "
                f"{self.loaded_at!r}: it may be of two loads; harvest again"
            )

    def _answer(
        self, response: Response, expected: str, fits: Callable[[Any], bool]
    ) -> Generator[Request, None, Any | None]:
        """Read an answer; None where it cannot be read (it is asked for again, at last noted) or is another one."""
        try:
            answer = from_json(response.body)
        except ValueError:
            yield from self.ask_again(response, "JSON", _shown(response.body[:80].decode("utf-8", "replace")))
            return None
        if not fits(answer):
            self.not_understood(response, expected, _shown(answer))
            return None
        return answer


def _choices(parameters: Mapping[str, tuple[str, ...]], clusters: Mapping[str, Mapping[str, Any]]) -> Iterator[Choice]:
    """What is asked for of each region and year: cells, and on request subclusters and aggregates."""
    words: dict[str, set[str]] = {
        "all": {*clusters},
        "traded": {code for code, cluster in clusters.items() if cluster.get("traded_b")},
        "local": {code for code, cluster in clusters.items() if not cluster.get("traded_b")},
    }
    asked = {code for each in parameters["clusters"] for code in words.get(each, {each})}
    codes = sorted(asked, key=int)
    word = next((word for word, meant in words.items() if meant == asked), ",".join(codes))
    yield Choice("cells", word, dict.fromkeys(codes, 1))
    wanted = ["all"] if "all" in parameters["subclusters"] else [*parameters["subclusters"]]
    for subcluster in dict.fromkeys(each.lstrip("0") for each in wanted if each != "none"):
        having = {code: list(clusters[code].get("sub_clusters") or {}) for code in codes}
        weights = {code: len(subs) if subcluster == "all" else subs.count(subcluster) for code, subs in having.items()}
        yield Choice("cells", f"{word}/{subcluster}", {code: weight for code, weight in weights.items() if weight})
    if "all" in parameters["aggregates"]:
        yield Choice("aggregates", "", {"": 1}, AGGREGATE_WEIGHT)


def _is_years(answer: Any) -> bool:  # noqa: ANN401  # JSON is any
    return isinstance(answer, list) and bool(answer) and all(isinstance(year, str) for year in answer)


def _is_clusters(answer: Any) -> bool:  # noqa: ANN401  # JSON is any
    return (
        isinstance(answer, list)
        and bool(answer)
        and all(isinstance(each, dict) and str(each.get("cluster_code_t")).isdecimal() for each in answer)
    )


def _is_counts(answer: Any) -> bool:  # noqa: ANN401  # JSON is any
    return isinstance(answer, dict) and bool(answer) and all(isinstance(count, int) for count in answer.values())


def _count(body: bytes) -> int | None:
    """Return the number of records of a page by their ids; None where it is no array of records, nor one record.

    The page is not read as JSON: at its size that takes longer than to fetch and to archive it. One that was cut ends
    otherwise; any other fault shows when it is parsed from the archive.
    """
    body = body.strip() if body[-1:].isspace() or body[:1].isspace() else body
    if body[:1] + body[-1:] not in {b"[]", b"{}"}:
        return None
    ids = body.count(b'"id":"') or len(_IDS.findall(body))
    return ids if ids or body == b"[]" else None


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn a document of the data service, however it was saved, into raw records.

    Args:
        document: an archived answer or file; what it is shows in its content, not in its name.

    Returns:
        Its batches: ``years``, ``region_counts``, ``region_list``, ``categories``, ``cells``, ``aggregates`` or
        ``registry``; none for documents that we know and do not read. None where the document is not of this source.
    """
    body = document.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if body[:1] in {b"[", b"{"}:
        return _parse_json(body)
    header = next(csv.reader(io.StringIO(body[:200].decode("utf-8", "replace"), newline=None)), [])
    return _parse_registry(body) if tuple(header[:3]) == REGISTRY_COLUMNS else None


def _parse_json(body: bytes) -> Iterator[Batch] | None:  # noqa: PLR0911  # one return per kind of document
    first = _first_record(body)
    pointer = "/{}" if body[:1] == b"[" else ""
    array = body if body[:1] == b"[" else b"[" + body + b"]"
    match first:
        case {"type_t": "cluster", "id": str(id_)} if body[:1] == b"{" and _PROBE.fullmatch(id_):
            return iter(())  # asked for to see whether anything is new; where countries are read, it comes again
        case {"type_t": "cluster"}:
            return iter([Batch("cells", array, pointer)])
        case {"type_t": "aggregate"}:
            return iter([Batch("aggregates", array, pointer)])
        case {"type_t": "clusterData"}:
            return iter([Batch("categories", array, pointer)])
        case {"id": str(), "region_type_t": str()} if "type_t" not in first:
            return iter([Batch("region_list", array, pointer)])
        case {"id": str(), "sub_clusters": _} | {"vars": list()} | None:
            return iter(())  # the short cluster list, the indicator dictionary, `[]`: known, not read
        case dict() if all(isinstance(value, int) for value in first.values()):
            counts = [
                {"region_type": key, "regions": value, "_locator": f"json:/{_escaped(key)}"}
                for key, value in first.items()
            ]
            return iter([Batch("region_counts", counts)])
        case str():
            years = json.loads(body)
            return iter([Batch("years", [{"year": year} for year in years])])
        case _:
            return None


def _first_record(body: bytes) -> Any:  # noqa: ANN401  # JSON is any
    """Read the first value of an array, or the object, without reading the whole."""
    text = body[:_HEAD].decode("utf-8", "ignore")
    text = text[1:].lstrip() if text.startswith("[") else text
    if text.startswith("]"):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except ValueError:
        return ValueError


def _parse_registry(body: bytes) -> Iterator[Batch]:
    """Read the organisation registry; the original has lines that end in a bare carriage return."""
    rows = csv.DictReader(io.StringIO(body.decode("utf-8", "replace"), newline=None))
    records = [{**row, "_locator": f"csv:row={number}"} for number, row in enumerate(rows, 1)]
    return iter([Batch("registry", records)])


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: object) -> str:
    return textwrap.shorten(repr(value), 80, placeholder="…")
