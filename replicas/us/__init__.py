"""The API of clustermapping.us as a local server: true codes, names and shapes, invented figures."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from replicas.server import Replica, Request, Response, Unanswered
from replicas.us import facts
from replicas.us.cells import SORTABLE, Cells, Selection
from replicas.us.facts import Document

REGION_TYPES = ("country", "state", "territory", "economic", "msa", "county")
YEARS = ("2016", "2017")
DEFAULT_LIMIT = 10_000  # rows of an answer without `limit`; the rest is cut off without a word
ROBOTS = "User-agent: *\nDisallow: /data/custom\nDisallow: /data/compare\nDisallow: /data/report\n"

Mutation = Callable[[Document], Document | None]


class ClusterMapping:
    """The server's behaviour, faults of the real one included.

    Attributes:
        region_types: region types with cluster documents.
        years: years with cluster documents, ascending.
        unlisted_years: years with placeholders only, which `/meta/years` does not list and `all` brings.
        timestamp: the load time in every document; a new one looks like a new load.
        hang: seconds that a request waits which the real server never answers.
        behind_proxy: a proxy answers 502 or 504 where a worker dies or hangs; else the connection ends.
        robots: the text of /robots.txt.
        base_path: what stands before every path.

    Args:
        seed: decides every invented figure.
        mutate: see the property.

    Raises:
        ValueError: an unknown region type, or a year that is none.
    """

    def __init__(
        self,
        region_types: Sequence[str] = REGION_TYPES,
        years: Sequence[str] = YEARS,
        unlisted_years: Sequence[str] = (),
        seed: int = 1,
        mutate: Mutation | None = None,
    ) -> None:
        if unknown := set(region_types) - set(REGION_TYPES):
            raise ValueError(f"region types are {', '.join(REGION_TYPES)}; got {', '.join(sorted(unknown))}")
        if wrong := [year for year in (*years, *unlisted_years) if not re.fullmatch(r"\d{4}", year)]:
            raise ValueError(f"a year is four digits; got {', '.join(wrong)}")
        self.region_types, self.years, self.unlisted_years = region_types, years, unlisted_years
        self.timestamp = "2020-04-01T00:00:00.000Z"
        self.hang, self.behind_proxy = 0.5, False
        self.robots: str | None = ROBOTS
        self.base_path = "/data"
        self._mutate = mutate
        self._cells = Cells(seed, blank=unlisted_years)

    @property
    def mutate(self) -> Mutation | None:
        """Changes a document before it is served, or drops it by returning None; a new one makes a new load."""
        return self._mutate

    @mutate.setter
    def mutate(self, mutation: Mutation | None) -> None:
        self._mutate = mutation
        self.timestamp = (datetime.fromisoformat(self.timestamp) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def respond(self, request: Request) -> Response:  # noqa: C901, PLR0911 - one case per route
        """Answer as the real server does.

        Raises:
            Unanswered: the real server's worker would die or hang.
        """
        if f"/{'/'.join(request.segments[:1])}" != self.base_path:
            return _not_found(request)
        if request.method not in ("GET", "HEAD"):
            return _error(405, "MethodNotAllowed", f"{request.method} is not allowed")
        match request.segments[1:]:
            case []:
                origin = f"http://{request.headers['host']}{self.base_path}"
                return _json({name: f"{origin}/{name}" for name in ("meta", "region", "cluster")})
            case ["region"]:
                return self._documents(region.document for region in facts.regions().values())
            case ["region", "builder"]:
                return _json([])
            case ["region", _] | ["cluster", _] | ["cluster", _, _] | ["cluster", _, _, _]:
                return self._worker_dies()  # no region code: a TypeError ends it
            case ["region", kind, code, *rest] if len(rest) < 2:  # noqa: PLR2004 - at most a year
                return self._aggregates(request, self._selection(kind, code, *rest))
            case ["region", kind, code, year, cluster] | ["cluster", cluster, year, kind, code]:
                return self._cell_documents(request, self._selection(kind, code, year, cluster))
            case ["region", kind, code, year, cluster, subcluster]:
                return self._cell_documents(request, self._selection(kind, code, year, cluster, subcluster))
            case ["cluster"]:
                return self._documents(facts.cluster_list())
            case ["meta", *rest]:
                return self._meta(rest) or _not_found(request)
            case _:
                return _not_found(request)

    def _meta(self, rest: list[str]) -> Response | None:  # noqa: PLR0911 - one case per route
        clusters = facts.cluster_documents(self.timestamp)
        match rest:
            case []:
                types, years = facts.region_type_counts(), list(self.years)
                listed = list(self._mutated(clusters.values()))
                return _json({"dict": facts.DICTIONARY, "region_types": types, "years": years, "clusters": listed})
            case ["regions"]:
                return _json(facts.region_type_counts())
            case ["regions", kind]:
                return self._documents(facts.full_region_documents(kind, self.timestamp))
            case ["years"]:
                return _json(list(self.years))
            case ["clusters"]:
                return self._documents(clusters.values())
            case ["cluster", wanted]:
                return self._documents(c for c in clusters.values() if wanted in (c["cluster_code_t"], c["key_t"]))
            case ["dict"]:
                return _json(facts.DICTIONARY)
        return None

    def _worker_dies(self) -> Response:
        if self.behind_proxy:
            return _proxy_error(502, "Bad Gateway")
        raise Unanswered(reset=True)

    def _worker_hangs(self) -> Response:
        if self.behind_proxy:
            time.sleep(self.hang)
            return _proxy_error(504, "Gateway Time-out")
        raise Unanswered(self.hang)

    def _selection(
        self, kind: str, code: str, year: str = "all", cluster: str = "all", subcluster: str | None = None
    ) -> Selection:
        codes, key = None, None
        years = (*self.years, *self.unlisted_years) if kind in self.region_types else ()
        if "," in code or code.isdecimal():
            codes = code.split(",")
        elif code != "all":
            key = code
        return Selection(
            region_type=kind,
            years=[y for y in years if year == "all" or y in year.split(",")],
            codes=codes,
            key=key,
            clusters=None if cluster in ("all", "traded", "local") else cluster.split(","),
            traded={"traded": True, "local": False}.get(cluster),
            subcluster=subcluster,
        )

    def _cell_documents(self, request: Request, selection: Selection) -> Response:
        window, order = _window(request), _order(request.query.get("sort"))
        if window is None or order is None:
            return self._worker_hangs()  # the search engine's error is never passed on
        return self._page(
            window, lambda part: self._cells.select(selection, order or None, part, window[0], self.timestamp)
        )

    def _aggregates(self, request: Request, selection: Selection) -> Response:
        window = _window(request)
        if window is None or _order(request.query.get("sort")) is None:
            return self._worker_hangs()
        return self._page(window, lambda part: self._cells.aggregates(selection, part, self.timestamp))

    def _page(self, window: tuple[int, int], texts: Callable[[tuple[int, int | None]], list[str]]) -> Response:
        if self.mutate is None:
            return _answer(texts(window))
        start, limit = window
        documents = list(self._mutated(map(json.loads, texts((0, None)))))
        return _answer([_text(document) for document in documents[start : start + limit]])

    def _mutated(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            changed = document if self.mutate is None else self.mutate(dict(document))
            if changed is not None:
                yield changed

    def _documents(self, documents: Iterable[Document]) -> Response:
        return _answer([_text(document) for document in self._mutated(documents)])


def replica(
    *,
    region_types: Sequence[str] = REGION_TYPES,
    years: Sequence[str] = YEARS,
    unlisted_years: Sequence[str] = (),
    seed: int = 1,
    mutate: Mutation | None = None,
    port: int = 0,
) -> Replica[ClusterMapping]:
    """Make a replica of clustermapping.us, to be entered as a context.

    Documents are made when they are first asked for, so region types and years cost nothing until then.

    Args:
        region_types: region types with cluster documents; others answer nothing.
        years: years with cluster documents.
        unlisted_years: years with placeholders only, which are not listed.
        seed: decides every invented figure.
        mutate: changes a document before it is served, or drops it by returning None.
        port: 0 takes a free one.

    Raises:
        ValueError: an unknown region type, or a year that is none.
    """
    return Replica(ClusterMapping(region_types, sorted(years), sorted(unlisted_years), seed, mutate), port)


def _window(request: Request) -> tuple[int, int] | None:
    """Read `start` and `limit`; None where one is no number."""
    start, limit = request.query.get("start") or "0", request.query.get("limit") or str(DEFAULT_LIMIT)
    return (int(start), int(limit)) if start.isdecimal() and limit.isdecimal() else None


def _order(sort: str | None) -> list[tuple[str, bool]] | None:
    """Read `sort`: names of fields and whether descending; empty without one, None where it is bad."""
    parts = [part.partition(" ") for part in (sort or "").split(",") if part]
    if any(name not in SORTABLE or way.lower() not in ("", "asc", "desc") for name, _, way in parts):
        return None
    return [(name, way.lower() == "desc") for name, _, way in parts]


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _answer(texts: list[str]) -> Response:
    """One hit is an object, any other number an array."""
    return Response((texts[0] if len(texts) == 1 else f"[{','.join(texts)}]").encode())


def _json(value: object) -> Response:
    return Response(_text(value).encode())


def _proxy_error(status: int, words: str) -> Response:
    return Response(f"<html><body><h1>{status} {words}</h1>nginx</body></html>".encode(), status, "text/html")


def _error(status: int, code: str, message: str) -> Response:
    return Response(_text({"code": code, "message": message}).encode(), status)


def _not_found(request: Request) -> Response:
    return _error(404, "ResourceNotFound", f"{request.path} does not exist")
