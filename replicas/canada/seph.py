"""Table 14-10-0202-01 of Statistics Canada on a local server: the true layout with invented figures."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from replicas.server import Replica, Request, Response

CHANGED = "Thu, 27 Mar 2025 12:30:00 GMT"
ARCHIVE = "14100202-eng.zip"

HEADER = (
    "REF_DATE",
    "GEO",
    "DGUID",
    "North American Industry Classification System (NAICS)",
    "Type of employee",
    "UOM",
    "UOM_ID",
    "SCALAR_FACTOR",
    "SCALAR_ID",
    "VECTOR",
    "COORDINATE",
    "VALUE",
    "STATUS",
    "SYMBOL",
    "TERMINATED",
    "DECIMALS",
)
REGIONS = (
    ("Canada", "2016A000011124", 16_000_000),
    ("Newfoundland and Labrador", "2016A000210", 200_000),
    ("Prince Edward Island", "2016A000211", 70_000),
    ("Nova Scotia", "2016A000212", 400_000),
    ("New Brunswick", "2016A000213", 320_000),
    ("Quebec", "2016A000224", 3_700_000),
    ("Ontario", "2016A000235", 6_400_000),
    ("Manitoba", "2016A000246", 620_000),
    ("Saskatchewan", "2016A000247", 480_000),
    ("Alberta", "2016A000248", 2_100_000),
    ("British Columbia", "2016A000259", 2_300_000),
    ("Yukon", "2016A000260", 22_000),
    ("Northwest Territories", "2016A000261", 23_000),
    ("Nunavut", "2016A000262", 14_000),
)
"""Region, identifier, employees: an invented number of the true order."""

TOTAL = "Industrial aggregate including unclassified businesses [00-91N]"
INDUSTRIES = (
    TOTAL,
    "Industrial aggregate excluding unclassified businesses [11-91N]",
    "Unclassified businesses",
    "Manufacturing [31-33]",
    "Transportation equipment manufacturing [336]",
    "Motor vehicle manufacturing [3361]",
    "Motor vehicle parts manufacturing [3363]",
    "Aerospace product and parts manufacturing [3364]",
    "Miscellaneous transportation equipment manufacturing [336W]",
    "Seafood product preparation and packaging [3117]",
    "Educational services [61,611]",
)
TYPES = ("All employees", "Salaried employees paid a fixed salary")


@dataclass(slots=True)
class FullTable:
    """The server's behaviour.

    Attributes:
        years: years that the table has; the last one is preliminary.
        changed: when the file was last made.
    """

    years: Sequence[int] = (2022, 2023)
    changed: str = CHANGED
    robots: str | None = None
    base_path: str = "/n1/tbl/csv"

    def respond(self, request: Request) -> Response:
        """Answer the zip of the whole table, or its first byte."""
        if request.path != f"{self.base_path}/{ARCHIVE}":
            return Response(b"not found", 404, "text/plain")
        body = packed(table(self.years))
        headers = {"Last-Modified": self.changed}
        if request.headers.get("range") == "bytes=0-0":
            headers["Content-Range"] = f"bytes 0-0/{len(body)}"
            return Response(body[:1], 206, "application/zip", headers)
        return Response(body, 200, "application/zip", headers)


def packed(text: str) -> bytes:
    """Return the zip of a table and of the description that comes with it, the same bytes for the same table."""
    described = '"Cube Title","Product Id","CANSIM Id"\n"Employment by industry, annual","14100202","281-0024"\n'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("14100202.csv", text), ("14100202_MetaData.csv", described)):
            archive.writestr(zipfile.ZipInfo(name, (2025, 3, 27, 8, 30, 0)), b"\xef\xbb\xbf" + content.encode())
    return stream.getvalue()


def table(years: Sequence[int]) -> str:
    """Return the whole table as CSV: every cell quoted, as the publisher does."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_rows(years))
    return stream.getvalue()


def _rows(years: Sequence[int]) -> Iterator[Sequence[str]]:
    for year in years:
        for place, (region, dguid, employees) in enumerate(REGIONS, 1):
            for number, industry in enumerate(INDUSTRIES, 1):
                for kind, type_of in enumerate(TYPES, 1):
                    coordinate = f"{place}.{number}.{kind}"
                    ended = (region, industry) == ("Nova Scotia", INDUSTRIES[5])
                    if ended and year > years[0]:
                        continue
                    value, status = _value(industry, region, year, employees)
                    yield (
                        str(year),
                        region,
                        dguid,
                        industry,
                        type_of,
                        "Persons",
                        "249",
                        "units",
                        "0",
                        f"v{crc32(coordinate.encode()) % 10**9}",
                        coordinate,
                        "" if value is None else str(value // kind),
                        status,
                        "p" if year == years[-1] and value is not None and not status else "",
                        "t" if ended else "",
                        "0",
                    )


def _value(industry: str, region: str, year: int, employees: int) -> tuple[int | None, str]:
    """Draw a figure and its symbol; a total and the country have always one."""
    whole = employees + employees // 100 * (year % 10)
    if industry == TOTAL:
        return whole, ""
    draw = crc32(f"{industry}/{region}".encode())
    withheld = (None, "x"), (None, ".."), (None, "F"), (whole // 400, "E"), (whole // 300, "A")
    if region != "Canada" and draw % 10 < len(withheld):
        return withheld[draw % 10]
    tilt = 1000 if region == "Canada" else draw // 10 % 1600 + 200  # so that quotients are about 0.2 to 1.8
    return whole * (crc32(industry.encode()) % 50 + 5) * tilt // 10**7, ""


def replica() -> Replica[FullTable]:
    """Make a replica of the file server, to be entered as a context."""
    return Replica(FullTable())
