"""The Census API for County Business Patterns as a local server: true codes and shapes, invented figures, few rows.

Every county of the 50 states and DC has its total and `industries` six-digit rows; the real table has some hundred.
Figures are CRC-32 digests of the codes and the seed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from zlib import crc32

from replicas.server import Replica, Request, Response

HEADER = ("EMP", "EMP_F", "EMP_N", "PAYQTR1", "PAYQTR1_N", "PAYANN", "PAYANN_N", "ESTAB")
NAICS = ("112511", "336411", "336111", "511210", "541511", "621111", "713210", "721110", "722511")
"""Six-digit industries; 112511 (finfish farming) belongs to no category, and 722511 is new in NAICS 2012."""

_SIZE_CLASSES = {20: "A", 100: "B", 250: "C", 500: "E", 1000: "F"}
_DISCLOSURE_CHANGED = 2017


@dataclass(slots=True)
class CountyBusinessPatterns:
    """The server's behaviour.

    Attributes:
        years: years that it serves; others are not found.
        industries: six-digit rows of each county.
        seed: decides every invented figure.
        robots: the text of /robots.txt.
        base_path: what stands before every path.
    """

    years: Sequence[str]
    industries: int = 3
    seed: int = 1
    robots: str | None = None
    base_path: str = "/data"

    def respond(self, request: Request) -> Response:
        """Answer ``/data/<year>/cbp`` with all counties, whatever the query asks."""
        match request.segments:
            case ["data", year, "cbp"] if year in self.years:
                rows = [self.header(request), *self._rows(year)]
                return Response(json.dumps(rows, separators=(",", ":")).encode())
            case _:
                return Response(b"error: unknown dataset", 404, "text/plain")

    def header(self, request: Request) -> list[str]:
        """Return the header row: what was asked, then the geography."""
        naics = request.query.get("get", "NAICS2012").partition(",")[0]
        return [naics, *HEADER, "state", "county"]

    def _rows(self, year: str) -> Iterator[list[str | None]]:
        for code in _counties():
            yield ["00", "0", None, None, "0", None, "0", None, "999", code[:2], code[2:]]
            first = crc32(f"{self.seed}/{code}".encode()) % len(NAICS)
            for number in range(self.industries):
                naics = NAICS[(first + number) % len(NAICS)]
                draw = crc32(f"{self.seed}/{year}/{code}/{naics}".encode())
                establishments, jobs = draw % 29 + 1, draw // 29 % 990 + 1
                withheld = draw % 5 == 0 and int(year) < _DISCLOSURE_CHANGED
                size = next(letter for limit, letter in _SIZE_CLASSES.items() if jobs < limit) if withheld else None
                noise = "D" if withheld else "GHJ"[draw % 3]
                shown = (0, 0, 0) if withheld else (jobs, jobs * 9, jobs * 40)
                figures = [text for figure in shown[1:] for text in (str(figure), noise)]
                yield [naics, str(shown[0]), size, noise, *figures, str(establishments), code[:2], code[2:]]


def replica(*, years: Sequence[str] = ("2016",), industries: int = 3, seed: int = 1) -> Replica[CountyBusinessPatterns]:
    """Make a replica of the Census API, to be entered as a context.

    Args:
        years: years that it serves.
        industries: six-digit rows of each county, 1 to 9.
        seed: decides every invented figure.
    """
    return Replica(CountyBusinessPatterns(years, industries, seed))


@cache
def _counties() -> tuple[str, ...]:
    """The counties of the 50 states and DC; the facts are those of the replica of clustermapping.us."""
    with (files("replicas.us") / "regions.csv").open(encoding="utf-8") as stream:
        rows = [row["code"] for row in csv.DictReader(stream) if row["type"] == "county"]
    return tuple(code for code in rows if not code.startswith("72"))
