"""The closed Canadian portal on a local server: the two choices of its front page; layout and figures are invented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs
from zlib import crc32

from replicas.server import Replica, Request, Response

PROVINCES = (
    "Newfoundland and Labrador",
    "Prince Edward Island",
    "Nova Scotia",
    "New Brunswick",
    "Quebec",
    "Ontario",
    "Manitoba",
    "Saskatchewan",
    "Alberta",
    "British Columbia",
)
CITIES = (
    "St. John's",
    "Halifax",
    "Saint John",
    "Chicoutimi-Jonquière",
    "Québec",
    "Sherbrooke",
    "Trois-Rivières",
    "Montréal",
    "Ottawa-Hull",
    "Oshawa",
    "Toronto",
    "Hamilton",
    "St. Catharines-Niagara",
    "Kitchener",
    "London",
    "Windsor",
    "Sudbury",
    "Thunder Bay",
    "Winnipeg",
    "Regina",
    "Saskatoon",
    "Calgary",
    "Edmonton",
    "Vancouver",
    "Victoria",
)
REGIONS = ("Canada", *PROVINCES, *CITIES)
CLUSTERS = (
    "Aerospace Engines",
    "Aerospace Vehicles and Defense",
    "Agricultural Products",
    "Analytical Instruments",
    "Apparel",
    "Automotive",
    "Biopharmaceuticals",
    "Building Fixtures, Equipment and Services",
    "Business Services",
    "Chemical Products",
    "Communications Equipment",
    "Construction Materials",
    "Distribution Services",
    "Education and Knowledge Creation",
    "Entertainment",
    "Financial Services",
    "Fishing and Fishing Products",
    "Footwear",
    "Forest Products",
    "Furniture",
    "Heavy Construction Services",
    "Heavy Machinery",
    "Hospitality and Tourism",
    "Information Technology",
    "Jewelry and Precious Metals",
    "Leather and Related Products",
    "Lighting and Electrical Equipment",
    "Medical Devices",
    "Metal Manufacturing",
    "Motor Driven Products",
    "Oil and Gas Products and Services",
    "Plastics",
    "Power Generation and Transmission",
    "Prefabricated Enclosures",
    "Processed Food",
    "Production Technology",
    "Publishing and Printing",
    "Sporting, Recreational and Children's Goods",
    "Textiles",
    "Tobacco",
    "Transportation and Logistics",
)


@dataclass(slots=True)
class Portal:
    """The server's behaviour.

    Attributes:
        regions: what its selects offer.
        clusters: the same.
        year: what its pages say of their year, where they say any.
    """

    regions: Sequence[str] = REGIONS
    clusters: Sequence[str] = CLUSTERS
    year: str = "2009"
    robots: str | None = "User-agent: *\nDisallow: /system/\n"
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer the front page, all clusters of a region (GET), or one cluster in one region (POST)."""
        path = request.path.removeprefix("/index.php").strip("/")
        if path == "clusters/data":
            return _page("Canadian Cluster Data", self.front())
        if path == "clusters/data/all":
            region = _chosen(self.regions, request.query.get("area"))
            return _page(f"All Clusters: {region}", self.table(region)) if region else _missing()
        if path == "clusters/data/one" and request.method == "POST":
            sent = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            region, cluster = _chosen(self.regions, sent.get("place")), _chosen(self.clusters, sent.get("cl"))
            return _page("Cluster Profile", self.profile(region, cluster)) if region and cluster else _missing()
        return _missing()

    def front(self) -> str:
        """Return the two choices, and a search box that is none of them."""
        return (
            '<form action="/search" method="get"><input type="text" name="q"><input type="submit"></form>'
            "<p>41 clusters of traded industries in 25 city regions, 10 provinces and the nation. For our methodology, "
            '<a href="/index.php/clusters/methodology/">click here</a>.</p>'
            "<p>One cluster in one province or city region:</p>"
            '<form action="/index.php/clusters/data/one" method="post">'
            f'<select name="cl">{_options(self.clusters)}</select>'
            f'<select name="place">{_options(self.regions)}</select>'
            '<input type="hidden" name="XID" value="1"><input type="submit" value="Go"></form>'
            "<p>All clusters of the nation, a province or a city region:</p>"
            '<form action="/clusters/data/all/" method="get">'
            f'<select name="area">{_options(self.regions)}</select><input type="submit" value="Go"></form>'
        )

    def table(self, region: str) -> str:
        """Return the table of a region: 41 rows, and a row of sums."""
        year = f" ({self.year})" if self.year else ""
        rows = [(cluster, *figures(region, cluster)) for cluster in self.clusters]
        rows.append(("Total", f"{sum(int(row[1].replace(',', '')) for row in rows if row[1] != 'n/a'):,}", "", ""))
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        header = (
            "<tr><th>Cluster</th><th>Employment</th><th>Average Annual Wage ($)</th><th>Location Quotient</th></tr>"
        )
        return f"<h2>{escape(region)}{year}</h2><table>{header}{body}</table>"

    def profile(self, region: str, cluster: str) -> str:
        """Return the figures of one cluster in one region, as a list of terms."""
        employment, wage, quotient = figures(region, cluster)
        terms = {"Region": region, "Cluster": cluster, **({"Year": self.year} if self.year else {})}
        terms |= {"Employment": employment, "Average Annual Wage ($)": wage, "Location Quotient": quotient}
        return (
            "<dl>"
            + "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in terms.items())
            + "</dl>"
        )


def figures(region: str, cluster: str) -> tuple[str, str, str]:
    """Draw employment, wage and quotient as a page writes them."""
    draw = crc32(f"{region}/{cluster}".encode())
    if draw % 50 == 0:
        return "n/a", "n/a", "n/a"
    return f"{draw % 40_000 + 100:,}", f"{draw % 50_000 + 25_000:,}", f"{draw % 300 / 100:.2f}"


def _options(names: Sequence[str]) -> str:
    return '<option value="">select</option>' + "".join(_numbered(names))


def _numbered(names: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(names, 101):
        yield f'<option value="{number}">{escape(name)}</option>'


def _chosen(names: Sequence[str], value: str | None) -> str | None:
    number = int(value) - 101 if value and value.isdecimal() else -1
    return names[number] if 0 <= number < len(names) else None


def _page(title: str, main: str) -> Response:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{main}</body></html>"
    return Response(body.encode(), media_type="text/html; charset=utf-8")


def _missing() -> Response:
    return Response(b"<html><body>not found</body></html>", 404, "text/html")


def replica(app: Portal | None = None) -> Replica[Portal]:
    """Make a replica of the portal, to be entered as a context."""
    return Replica(app or Portal())
