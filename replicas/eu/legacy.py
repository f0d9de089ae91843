"""The old observatory on a local server: wholly a guess at its layout, with invented figures."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from replicas.server import Replica, Request, Response

ABOUT, REGION = "view=aboutobservatory;url=/about-observatory/", "view=regionmapping;url=/regions/FR71/"
VIEWS = (ABOUT, REGION)
"""What stands behind ``#!`` on the later site: a page with a link, the table of one region more. The first was seen."""

REGIONS = ("ES51", "GR1", "GB I1", "Israel")
CATEGORIES = ("Automotive", "Business services", *(f"Invented category {number}" for number in range(1, 37)))
COLUMNS = ("Rank", "Cluster category", "Stars", "Employees", "Specialisation", "Size", "Focus")


@dataclass(slots=True)
class Observatory:
    """The server's behaviour: page 44 links to one page a region, 101 and on; the later site has one region more."""

    robots: str | None = None
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer ``/index.php?id=NN`` and ``/index.html?_escaped_fragment_=…``."""
        if request.path == "/index.html":
            views = {ABOUT: f'<h1>About</h1><a href="#!{REGION}">x</a>', REGION: table("FR71")}
            view = request.target.partition("_escaped_fragment_=")[2]
            return _page(views[view]) if view in views else Response(b"", 404, "text/html")
        number = request.query.get("id", "")
        if number == "44":
            links = "".join(f'<a href="index.php?id={101 + place}&nid=">x</a>' for place in range(len(REGIONS)))
            return _page(f'<h1>Methodology</h1>{links}<a href="http://elsewhere.example/index.php?id=9">y</a>')
        if number.isdecimal() and 0 <= int(number) - 101 < len(REGIONS):
            return _page(table(REGIONS[int(number) - 101].replace(" ", "").replace("GBI", "UKI")))
        return Response(b"", 404, "text/html")


def table(region: str, columns: tuple[str, ...] = COLUMNS) -> str:
    """Return the table of a region with the columns in the given order."""
    lines = []
    for rank, category in enumerate(CATEGORIES, 1):
        draw = crc32(f"{region}/{category}".encode())
        cells = {
            "Rank": str(rank),
            "Cluster category": category,
            "Stars": '<img src="star.gif">' * (draw % 4) or "-",
            "Employees": f"{draw % 90_000 + 1000:,}".replace(",", "."),
            "Specialisation": f"{draw % 5},{draw % 90 + 10}",
            "Size": f"0,{draw % 90 + 10}",
            "Focus": f"{draw % 9},{draw % 89 + 10} %",
        }
        lines.append("<tr>" + "".join(f"<td>{cells[name]}</td>" for name in columns) + "</tr>")
    header = "<tr>" + "".join(f"<th>{name}</th>" for name in columns) + "</tr>"
    return f"<h2>{region}, 2009</h2><table>{header}{''.join(lines)}</table>"


def _page(main: str) -> Response:
    return Response(f"<html><body>{main}</body></html>".encode(), media_type="text/html; charset=utf-8")


def replica() -> Replica[Observatory]:
    """Make a replica of the old site, to be entered as a context."""
    return Replica(Observatory())
