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
EUROPE = (
    ("AT13", "Wien", "AT", "Austria"),
    ("BE10", "Bruxelles-Capitale", "BE", "Belgium"),
    ("BG41", "Yugozapaden", "BG", "Bulgaria"),
    ("CY00", "Kýpros", "CY", "Cyprus"),
    ("CZ01", "Praha", "CZ", "Czechia"),
    ("CZ08", "Moravskoslezsko", "CZ", "Czechia"),
    ("DE11", "Stuttgart", "DE", "Germany"),
    ("DE21", "Oberbayern", "DE", "Germany"),
    ("DE30", "Berlin", "DE", "Germany"),
    ("DK01", "Hovedstaden", "DK", "Denmark"),
    ("EE00", "Eesti", "EE", "Estonia"),
    ("EL30", "Attiki", "EL", "Greece"),
    ("ES30", "Comunidad de Madrid", "ES", "Spain"),
    ("ES51", "Cataluña", "ES", "Spain"),
    ("FI1B", "Helsinki-Uusimaa", "FI", "Finland"),
    ("FR10", "Ile-de-France", "FR", "France"),
    ("FRK2", "Rhône-Alpes", "FR", "France"),
    ("HR04", "Kontinentalna Hrvatska", "HR", "Croatia"),
    ("HU11", "Budapest", "HU", "Hungary"),
    ("IE06", "Eastern and Midland", "IE", "Ireland"),
    ("IS00", "Ísland", "IS", "Iceland"),
    ("ITC4", "Lombardia", "IT", "Italy"),
    ("ITH5", "Emilia-Romagna", "IT", "Italy"),
    ("LT01", "Sostinės regionas", "LT", "Lithuania"),
    ("LU00", "Luxembourg", "LU", "Luxembourg"),
    ("LV00", "Latvija", "LV", "Latvia"),
    ("MT00", "Malta", "MT", "Malta"),
    ("NL32", "Noord-Holland", "NL", "Netherlands"),
    ("NO01", "Oslo og Akershus", "NO", "Norway"),
    ("PL22", "Śląskie", "PL", "Poland"),
    ("PL91", "Warszawski stołeczny", "PL", "Poland"),
    ("PT17", "Área Metropolitana de Lisboa", "PT", "Portugal"),
    ("RO32", "Bucureşti-Ilfov", "RO", "Romania"),
    ("SE11", "Stockholm", "SE", "Sweden"),
    ("SI04", "Zahodna Slovenija", "SI", "Slovenia"),
    ("SK01", "Bratislavský kraj", "SK", "Slovakia"),
    ("UKG3", "West Midlands", "UK", "United Kingdom"),
    ("UKI3", "Inner London — West", "UK", "United Kingdom"),
)
"""Regions of NUTS 2016 in thirty countries: what the demo has."""
CATEGORIES = (
    ("Aerospace Vehicles and Defense", "Traded clusters"),
    ("Agricultural Inputs and Services", "Traded clusters"),
    ("Apparel", "Traded clusters"),
    ("Automotive", "Traded clusters"),
    ("Biopharmaceuticals", "Traded clusters"),
    ("Business Services", "Traded clusters"),
    ("Coal Mining", "Traded clusters"),
    ("Communications Equipment and Services", "Traded clusters"),
    ("Construction Products and Services", "Traded clusters"),
    ("Distribution and Electronic Commerce", "Traded clusters"),
    ("Downstream Chemical Products", "Traded clusters"),
    ("Downstream Metal Products", "Traded clusters"),
    ("Education and Knowledge Creation", "Traded clusters"),
    ("Electric Power Generation and Transmission", "Traded clusters"),
    ("Environmental Services", "Traded clusters"),
    ("Financial Services", "Traded clusters"),
    ("Fishing and Fishing Products", "Traded clusters"),
    ("Food Processing and Manufacturing", "Traded clusters"),
    ("Footwear", "Traded clusters"),
    ("Forestry", "Traded clusters"),
    ("Furniture", "Traded clusters"),
    ("Hospitality and Tourism", "Traded clusters"),
    ("Information Technology and Analytical Instruments", "Traded clusters"),
    ("Insurance Services", "Traded clusters"),
    ("Jewelry and Precious Metals", "Traded clusters"),
    ("Leather and Related Products", "Traded clusters"),
    ("Lighting and Electrical Equipment", "Traded clusters"),
    ("Livestock Processing", "Traded clusters"),
    ("Marketing, Design, and Publishing", "Traded clusters"),
    ("Medical Devices", "Traded clusters"),
    ("Metal Mining", "Traded clusters"),
    ("Metalworking Technology", "Traded clusters"),
    ("Music and Sound Recording", "Traded clusters"),
    ("Nonmetal Mining", "Traded clusters"),
    ("Oil and Gas Production and Transportation", "Traded clusters"),
    ("Paper and Packaging", "Traded clusters"),
    ("Performing Arts", "Traded clusters"),
    ("Plastics", "Traded clusters"),
    ("Printing Services", "Traded clusters"),
    ("Production Technology and Heavy Machinery", "Traded clusters"),
    ("Recreational and Small Electric Goods", "Traded clusters"),
    ("Textile Manufacturing", "Traded clusters"),
    ("Tobacco", "Traded clusters"),
    ("Trailers, Motor Homes, and Appliances", "Traded clusters"),
    ("Transportation and Logistics", "Traded clusters"),
    ("Upstream Chemical Products", "Traded clusters"),
    ("Upstream Metal Manufacturing", "Traded clusters"),
    ("Video Production and Distribution", "Traded clusters"),
    ("Vulcanized and Fired Materials", "Traded clusters"),
    ("Water Transportation", "Traded clusters"),
    ("Wood Products", "Traded clusters"),
)
"""The 51 traded categories, in the words of the tool."""
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
        regions: code, name, country and its name of each region.
        sectors: name and dimension of each sector.
        seed: decides every invented figure.
        robots: the text of /robots.txt.
        base_path: what stands before every path.
    """

    years: Sequence[str] = ("2014", "2016")
    regions: Sequence[tuple[str, str, str, str]] = REGIONS
    sectors: Sequence[tuple[str, str]] = SECTORS
    seed: int = 1
    robots: str | None = None
    base_path: str = "/Downloads"

    def respond(self, request: Request) -> Response:
        """Answer any dump with the whole table as CSV."""
        return Response(self.table().encode(), media_type="text/csv") if request.segments[1:] else Response(b"", 404)

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows; figures are made of CRC-32 digests, with decimal commas; one in eleven is empty."""
        for year in self.years:
            for indicator, unit in INDICATORS:
                for sector, dimension in self.sectors:
                    for region, name, country, country_name in self.regions:
                        draw = crc32(f"{self.seed}/{year}/{indicator}/{sector}/{dimension}/{region}".encode())
                        jobs, ratio = draw % 90_000 // (1 + draw % 17), f"{draw % 23 // 9},{draw % 89 + 10}"
                        figure = str(jobs) if indicator == "Employment" else ratio
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


def replica(*, europe: bool = False) -> Replica[Dump]:
    """Make a replica of the place where the dump lies, to be entered as a context.

    Args:
        europe: all categories and the emerging industries in regions of thirty countries, of one year.
    """
    return Replica(Dump(("2016",), EUROPE, (*CATEGORIES, *SECTORS[3:])) if europe else Dump())
