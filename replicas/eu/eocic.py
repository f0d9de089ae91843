"""A dump of EOCIC on a local server: the true columns, regions and categories, invented figures.

Indicators beyond employment, specialisation and productivity, units and dimensions are a guess of ours.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from replicas.server import Replica, Request, Response

COLUMNS = [
    "Indicator",
    "Sector",
    "Dimension",
    "Unit",
    "Zone",
    "Year",
    "Value",
    "Region",
    "RegionName",
    "Country",
    "CountryName",
]
REGIONS = (
    ("ES51", "Cataluña", "ES", "Spain"),
    ("FRK2", "Rhône-Alpes", "FR", "France"),
    ("EL30", "Attiki", "EL", "Greece"),
    ("UKI3", "Inner London - West", "UK", "United Kingdom"),
    ("SE11", "Stockholm", "SE", "Sweden"),
)
SECTORS = (
    ("Automotive", "Traded clusters"),
    ("Biopharmaceuticals", "Traded clusters"),
    ("Medical Devices", "Traded clusters"),
    ("Biopharmaceuticals", "Emerging industries"),
    ("Digital industries", "Emerging industries"),
)
INDICATORS = (
    ("Employment", "Number"),
    ("Specialisation", "Ratio"),
    ("Productivity", "EUR"),
    ("Innovation index", "Index"),
)


@dataclass(slots=True)
class Dump:
    """The server's behaviour: one CSV, whatever it is asked.

    Attributes:
        years: years that the dump holds.
        seed: decides every invented figure.
        robots: the text of /robots.txt.
        base_path: what stands before every path.
    """

    years: Sequence[str] = ("2014", "2016")
    seed: int = 1
    robots: str | None = None
    base_path: str = "/Downloads"

    def respond(self, request: Request) -> Response:
        """Answer any dump with the whole table as CSV."""
        return Response(self.table().encode(), media_type="text/csv") if request.segments[1:] else Response(b"", 404)

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows; figures are CRC-32 digests, with decimal commas, and one in eleven is empty."""
        for year in self.years:
            for indicator, unit in INDICATORS:
                for sector, dimension in SECTORS:
                    for region, name, country, country_name in REGIONS:
                        draw = crc32(f"{self.seed}/{year}/{indicator}/{sector}/{dimension}/{region}".encode())
                        figure = str(draw % 90_000) if indicator == "Employment" else f"{draw % 4},{draw % 89 + 10}"
                        value = "" if draw % 11 == 0 else figure
                        yield [
                            indicator,
                            sector,
                            dimension,
                            unit,
                            "NUTS 2",
                            year,
                            value,
                            region,
                            name,
                            country,
                            country_name,
                        ]

    def table(self) -> str:
        """Return the dump as CSV."""
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\r\n").writerows([COLUMNS, *self.rows()])
        return stream.getvalue()


def replica() -> Replica[Dump]:
    """Make a replica of the place where the dump lies, to be entered as a context."""
    return Replica(Dump())
