"""The API of clustermapping.us as a local server: true codes, names and shapes, invented figures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from replicas.server import Replica, Request, Response, Unanswered
from replicas.us import facts
from replicas.us.cells import SORTABLE, Cells, Selection
from replicas.us.facts import Document

REGION_TYPES = ("country", "state", "territory", "economic", "msa", "county")
YEARS = ("2016", "2017")
DEFAULT_LIMIT = 10_000  # rows of an answer without `limit`; the rest is cut off without a word
ROBOTS = "User-agent: *\nDisallow: /data/custom\nDisallow: /data/compare\nDisallow: /data/report\n"

Mutation = Callable[[Document], Document | None]


@dataclass(slots=True)
class ClusterMapping:
    """The server's behaviour, faults of the real one included.

    Attributes:
        region_types: region types with cluster documents.
        years: years with cluster documents, ascending.
        seed: decides every invented figure.
        timestamp: the load time in every document; a new one looks like a new load.
        mutate: changes a document before it is served, or drops it by returning None.
        hang: seconds that a request waits which the real server never answers.
        robots: the text of /robots.txt.
        base_path: what stands before every path.
    """

    region_types: Sequence[str] = REGION_TYPES
    years: Sequence[str] = YEARS
    seed: int = 1
    timestamp: str = "2020-04-01T00:00:00.000Z"
    mutate: Mutation | None = None
    hang: float = 0.5
    robots: str | None = ROBOTS
    base_path: str = "/data"
    _cells: Cells = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if unknown := set(self.region_types) - set(REGION_TYPES):
            raise ValueError(f"region types are {', '.join(REGION_TYPES)}; got {', '.join(sorted(unknown))}")
        if wrong := [year for year in self.years if not re.fullmatch(r"\d{4}", year)]:
            raise ValueError(f"a year is four digits; got {', '.join(wrong)}")
        self._cells = Cells(self.seed)

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
                raise Unanswered  # no region code: a TypeError ends the worker
            case ["region", _, _] | ["region", _, _, _] | ["region", _, _, _, _, _]:
                return _json([])  # aggregate and subcluster documents are not made
            case ["region", kind, code, year, cluster] | ["cluster", cluster, year, kind, code]:
                return self._cell_documents(request, self._selection(kind, code, year, cluster))
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

    def _selection(self, kind: str, code: str, year: str, cluster: str) -> Selection:
        codes, key = None, None
        if "," in code or code.isdecimal():
            codes = code.split(",")
        elif code != "all":
            key = code
        return Selection(
            region_type=kind,
            years=[y for y in self.years if year == "all" or y in year.split(",")] if kind in self.region_types else [],
            codes=codes,
            key=key,
            clusters=None if cluster in ("all", "traded", "local") else cluster.split(","),
            traded={"traded": True, "local": False}.get(cluster),
        )

    def _cell_documents(self, request: Request, selection: Selection) -> Response:
        order = self._order(request.query.get("sort"))
        start = self._integer(request.query.get("start") or "0")
        limit = self._integer(request.query.get("limit") or str(DEFAULT_LIMIT))
        if self.mutate is None:
            return _answer(self._cells.select(selection, order, (start, limit), start, self.timestamp))
        texts = self._cells.select(selection, order, (0, None), start, self.timestamp)
        documents = list(self._mutated(map(json.loads, texts)))
        return _answer([_text(document) for document in documents[start : start + limit]])

    def _order(self, sort: str | None) -> list[tuple[str, bool]] | None:
        if not sort:
            return None
        order = []
        for part in sort.split(","):
            name, _, direction = part.partition(" ")
            if name not in SORTABLE or direction.lower() not in ("", "asc", "desc"):
                raise Unanswered(self.hang)  # the search engine's error is never passed on
            order.append((name, direction.lower() == "desc"))
        return order

    def _integer(self, text: str) -> int:
        if not text.isdecimal():
            raise Unanswered(self.hang)
        return int(text)

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
    seed: int = 1,
    mutate: Mutation | None = None,
    port: int = 0,
) -> Replica[ClusterMapping]:
    """Make a replica of clustermapping.us, to be entered as a context.

    Documents are made when they are first asked for, so region types and years cost nothing until then.

    Args:
        region_types: region types with cluster documents; others answer nothing.
        years: years with cluster documents.
        seed: decides every invented figure.
        mutate: changes a document before it is served, or drops it by returning None.
        port: 0 takes a free one.

    Raises:
        ValueError: an unknown region type, or a year that is none.
    """
    app = ClusterMapping(region_types=region_types, years=sorted(years), seed=seed, mutate=mutate)
    return Replica(app, port)


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _answer(texts: list[str]) -> Response:
    """One hit is an object, any other number an array."""
    return Response((texts[0] if len(texts) == 1 else f"[{','.join(texts)}]").encode())


def _json(value: object) -> Response:
    return Response(_text(value).encode())


def _error(status: int, code: str, message: str) -> Response:
    return Response(_text({"code": code, "message": message}).encode(), status)


def _not_found(request: Request) -> Response:
    return _error(404, "ResourceNotFound", f"{request.path} does not exist")
