"""clusterobservatory.in on a local server: its technique of empty lists, and a layout that is our guess.

True are `search()`, `displayRecords('30','N')`, the classes and the header row of schemes.php, and the figures of the
clusters in `STATED`, which others publish. Every other address, label and figure is invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import product as pairs_of
from zlib import crc32

from replicas.server import Replica, Request, Response

ROWS = 30
SYNOPSIS = "An invented synopsis that nobody may publish."
"""Stands on every profile; it must not leave the archive."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as the site tells of it, all of it text as people write it."""

    state: str
    district: str
    product: str
    type: str
    units: str = ""
    employment: str = ""
    turnover: str = ""
    year: str = ""


STATED = (
    Cluster("Gujarat", "Rajkot", "Forging", "Industrial", "140", "15,000", "4,000"),
    Cluster("Uttar Pradesh", "Agra", "Foundry", "Industrial", "80", "3000", "550"),
    Cluster("Gujarat", "Morbi", "Ceramics", "Industrial", "459", "68,000", "10,000", "2010-11"),
    Cluster("Gujarat", "Morbi", "Ceramics", "Industrial", "about 1000", "four lakh", "45,000", "2020"),
    Cluster("Gujarat", "Ahmedabad", "Chemicals", "Industrial", "750", "two lakh", "11,000", "2019-20"),
    Cluster("Maharashtra", "Kolhapur", "Foundry", "Industrial", "around 300"),
    Cluster("Maharashtra", "Solapur", "Textile", "Industrial", "about 600"),
    Cluster("Maharashtra", "Pune", "Forging and heat treatment", "Industrial", "70 (50+20)"),
    Cluster("Bihar", "Patna", "Brass", "Handicraft", "over 500", "nearly 2,000", "almost Rs. 20 crore"),
    Cluster("Karnataka", "Belgaum", "Foundry", "Industrial", "135", "12,000", "700"),
)
"""Figures that other sources publish (docs/sources/india.md), in the words in which they do."""

PLACES = (
    *(("Assam", name) for name in ("Kamrup", "Barpeta", "Nalbari")),
    *(("Gujarat", name) for name in ("Surat", "Jamnagar", "Kachchh", "Bhavnagar")),
    *(("Karnataka", name) for name in ("Mysore", "Bijapur", "Bidar")),
    *(("Maharashtra", name) for name in ("Aurangabad", "Nagpur", "Thane")),
    *(("Orissa", name) for name in ("Ganjam", "Cuttack", "Puri")),
    *(("Tamilnadu", name) for name in ("Salem", "Madurai", "Karur", "Erode")),
    *(("Uttar Pradesh", name) for name in ("Varanasi", "Moradabad", "Bhadohi", "Allahabad", "Kanpur Nagar")),
    *(("West Bengal", name) for name in ("Howrah", "Nadia", "Murshidabad")),
    *(("Nowhere Pradesh", name) for name in ("Nowhere",)),
)
PRODUCTS = (
    *((name, "Industrial") for name in ("Engineering", "Leather goods", "Plastic products", "Rice milling")),
    *((name, "Handloom") for name in ("Cotton sarees", "Silk")),
    *((name, "Handicraft") for name in ("Brass ware", "Terracotta", "Cane & bamboo")),
    ("Agarbatti", "Other micro enterprise"),
)


def invented() -> tuple[Cluster, ...]:
    """Return a cluster for each place and product, with figures that are the same in every run."""
    made = []
    for (state, district), (name, kind) in pairs_of(PLACES, PRODUCTS):
        draw = crc32(f"{state}/{district}/{name}".encode())
        turnover = f"{draw % 900}.{draw % 90 + 10}" if draw % 3 else ""
        year = ("", "2012-13", "2009")[draw % 3]
        made.append(
            Cluster(state, district, name, kind, f"{draw % 4000 + 50:,}", f"{draw % 70_000 + 100:,}", turnover, year)
        )
    return tuple(made)


SCHEMES = tuple(
    (f"Invented scheme {number}", ("Textile", "Leather", "All")[number % 3], f"Invented ministry {number % 7}")
    for number in range(1, 194)
)
"""Name, sector, institution."""

LIST_LABELS = (
    *(("srno", "Sr No."), ("state", "State"), ("district", "District"), ("product", "Product"), ("type", "Type")),
    *(("units", "No. of Units"), ("employment", "Employment"), ("turnover", "Turnover (Rs. Crore)"), ("year", "Year")),
    ("synopsis", "Synopsis"),
)
SCHEME_LABELS = (
    *(("srno", "Sr No."), ("name", "Name"), ("sector", "Sector"), ("author", "Institution")),
    ("download", "Abstract/ Full Version"),
)


@dataclass(slots=True)
class Site:
    """The server's behaviour.

    Attributes:
        clusters: what the list holds.
        names_endpoint: the scripts of its pages name the address that answers the rows.
    """

    clusters: tuple[Cluster, ...] = field(default_factory=lambda: (*STATED, *invented()))
    names_endpoint: bool = True
    robots: str | None = "User-agent: *\nDisallow: /admin/\n"
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer a page, a fragment with rows, or a profile."""
        text = self._answer(request.path, request.query)
        return Response(b"", 404, "text/html") if text is None else _html(text)

    def _answer(self, path: str, query: dict[str, str]) -> str | None:
        if path == "/cluster.php":
            number = int(query.get("id", "0"))
            return self._profile(number) if self._has_profile(number) else None
        answers = {
            "/": lambda: page("Cluster Observatory", "<p>An invented welcome.</p>"),
            "/clustermap.php": lambda: page("Definition of Clusters", self._totals()),
            "/objective.php": lambda: page("Objective Of Cluster Observatory", "<ul><li>An invented aim.</li></ul>"),
            "/clusters.php": lambda: page("Clusters in India", self._form(query) + self._script("getclusters.php")),
            "/schemes.php": lambda: page("Schemes", "<div id='results'></div>" + self._script("getrecords.php")),
            "/getclusters.php": lambda: self._rows(query),
            "/getrecords.php": lambda: _schemes(query),
        }
        return answers[path]() if path in answers else None

    def _has_profile(self, number: int) -> bool:
        return 0 < number <= len(self.clusters) and number % 5 == 1  # every fifth

    def _totals(self) -> str:
        industrial = sum(cluster.type == "Industrial" for cluster in self.clusters)
        return (
            "<p>A cluster is a concentration of enterprises, in invented words.</p>"
            f"<p>The observatory knows {industrial:,} industrial clusters and about "
            f"{len(self.clusters) - industrial:,} micro-enterprise clusters.</p>"
        )

    def _form(self, query: dict[str, str]) -> str:
        """Return the filter, and below it the rows of the state that was chosen, or nothing."""
        shown = self._rows({"show": "9999"}, query["state"]) if query.get("state") else ""
        options = "".join(f"<option>{name}</option>" for name in sorted({cluster.state for cluster in self.clusters}))
        return (
            f"<form action='clusters.php' method='get'><select name='state'><option value=''>All</option>{options}"
            f"</select></form><div id='results'>{shown}</div>"
        )

    def _script(self, endpoint: str) -> str:
        named = f'url: "{endpoint}",' if self.names_endpoint else "url: endpoint,"
        return (
            "<script>function displayRecords(numRecords, pageNum) { $.ajax({ type: 'GET', "
            f"{named} data: 'show=' + numRecords + '&pagenum=' + pageNum, "
            "success: function(html) { $('#results').html(html); } }); } "
            "function search() { displayRecords('30', '1'); }</script>"
            "<a href='javascript:void(0)' onclick='search();'>Search</a>"
        )

    def _rows(self, query: dict[str, str], state: str = "") -> str:
        rows: list[tuple[str, ...]] = []
        for number, cluster in enumerate(self.clusters, 1):
            if state not in {"", cluster.state}:
                continue
            link = f"<a href='cluster.php?id={number}'>View</a>" if self._has_profile(number) else ""
            told = (cluster.state, cluster.district, cluster.product, cluster.type, cluster.units)
            figures = (cluster.employment, cluster.turnover, cluster.year)
            rows.append((str(len(rows) + 1), *map(escape, (*told, *figures)), link))
        return _fragment(LIST_LABELS, rows, query)

    def _profile(self, number: int) -> str:
        cluster = self.clusters[number - 1]
        unit = {"Handloom": "No. of looms", "Handicraft": "No. of artisans"}.get(cluster.type, "No. of units")
        crore = f"Rs. {cluster.turnover} crore" if cluster.turnover[:1].isdigit() else cluster.turnover
        told = (
            *(("State", cluster.state), ("District", cluster.district), ("Product", cluster.product)),
            *(("Type of cluster", cluster.type), (unit, cluster.units), ("Employment", cluster.employment)),
            *(("Annual turnover", crore), ("Year", cluster.year)),
        )
        cells = [(label, escape(value)) for label, value in told]
        lines = (
            "<table>" + "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in cells) + "</table>",
            "<dl>" + "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in cells) + "</dl>",
            "<div>" + "<br>".join(f"<b>{label}:</b> {value}" for label, value in cells) + "</div>",
        )
        main = f"{lines[number // 5 % len(lines)]}<h3>Synopsis</h3><p>{SYNOPSIS}</p>"
        return page(f"{cluster.district} {cluster.product} cluster", main)


def _schemes(query: dict[str, str]) -> str:
    rows = [
        (str(number), name, sector, institution, f"<a href='upload/{number}.pdf'>View</a>")
        for number, (name, sector, institution) in enumerate(SCHEMES, 1)
    ]
    return _fragment(SCHEME_LABELS, rows, query, total=False)


def _fragment(
    labels: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], query: dict[str, str], *, total: bool = True
) -> str:
    """Return the rows of one page, without <html>; the header row has the classes of the cells."""
    size, number = int(query.get("show", ROWS)), int(query.get("pagenum", "1"))
    shown = [[label for _, label in labels], *rows[(number - 1) * size : number * size]]
    cells = [zip(labels, row, strict=True) for row in shown]
    lines = ["".join(f"<td class='{kind}'>{cell}</td>" for (kind, _), cell in row) for row in cells]
    pager = "".join(
        f"<a href='javascript:void(0)' onclick=\"displayRecords('{size}','{other}');\">{other}</a>"
        for other in range(1, -(-len(rows) // size) + 1)
    )
    told = f"<p>Total records: {len(rows):,}</p>" if total else ""
    return f"{told}<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table><div class='pager'>{pager}</div>"


def page(title: str, main: str) -> str:
    """Return a page of the site with its menu."""
    menu = "".join(f"<a href='{name}.php'>{name}</a>" for name in ("clustermap", "objective", "clusters", "schemes"))
    head = f"<head><title>{escape(title)}</title></head>"
    return f"<html>{head}<body><div>{menu}</div><h2>{escape(title)}</h2>{main}</body></html>"


def _html(text: str) -> Response:
    return Response(text.encode(), media_type="text/html; charset=utf-8")


def replica(app: Site | None = None) -> Replica[Site]:
    """Return a server of the replica, to be entered as a context."""
    return Replica(app or Site())
