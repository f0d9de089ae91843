"""The heirs of USAID's project map as a local server: true shapes and codes, invented activities. See README.md."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from replicas.server import Replica, Request, Response

CHANGED = "Wed, 02 Sep 2026 10:00:00 GMT"
COUNTRIES = (("498", "MDA", "Moldova"), ("218", "ECU", "Ecuador"), ("688", "CS-KM", "Kosovo"), ("1028", "WLD", "World"))
SECTORS = {"30": "Private Sector Competitiveness", "26": "Trade and Investment"}

ISO = {"Moldova": "MD", "Ecuador": "EC", "Kosovo": "XK", "World": "MD"}
ACTIVITY = """<iati-activity default-currency="USD">
 <iati-identifier>US-GOV-1-{award}</iati-identifier>
 <reporting-org ref="US-GOV-1" type="10"><narrative>USAID</narrative></reporting-org>
 <title><narrative>{title}</narrative></title>
 <participating-org ref="US-GOV-1" role="1" type="10"><narrative>USAID</narrative></participating-org>
 <participating-org role="4"><narrative>{partner}</narrative></participating-org>
 <activity-status code="2"/>
 <activity-date type="2" iso-date="2019-10-01"/>
 <location><name><narrative>Invented place</narrative></name><point><pos>47.0 28.8</pos></point></location>
 <transaction>
  <transaction-type code="2"/><transaction-date iso-date="2020-01-01"/><value value-date="2020-01-01">{amount}</value>
  <sector vocabulary="1" code="{purpose}"/><recipient-country code="{country}"/>
 </transaction>
</iati-activity>
"""


@dataclass(slots=True)
class ForeignAssistance:
    """The JSON service of ForeignAssistance.gov, what its bulk file says of itself, and IATI files.

    Attributes:
        activities: how many activities each country has.
        page_limit: rows of one page, however many are asked for.
        changed: when the bulk file was last made.
        etag: of the bulk file; None for a server that has none.
        ranges: whether the server gives parts of the bulk file.
    """

    activities: int = 12
    page_limit: int = 50
    changed: str = CHANGED
    etag: str | None = '"1"'
    ranges: bool = True
    robots: str | None = None
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer one page of transactions, the bulk file, or an IATI file."""
        match request.segments:
            case ["data-api", "complete-data.json"]:
                rows = [row for row in self.rows() if row["US Sector Name"] == request.query.get("usg_sector_name")]
                size = min(self.page_limit, int(request.query.get("per_page", "100")))
                number = int(request.query.get("page", "1"))
                info = {
                    "current_page": number,
                    "per_page": size,
                    "total_pages": -(-len(rows) // size),
                    "total_records": len(rows),
                }
                page = rows[(number - 1) * size : number * size]
                return Response(json.dumps({"data": page, "page_info": info}).encode())
            case ["data-api", "us_foreign_aid_complete.csv"]:
                return self.bulk(request)
            case [name] if name.startswith("iati-activities-") and name.endswith(".xml"):
                country = name.removeprefix("iati-activities-").removesuffix(".xml")
                if any(country == listed for _, _, listed in COUNTRIES):
                    return Response(self.activity_file(country).encode(), media_type="application/xml")
        return Response(b"not found", status=404, media_type="text/plain")

    def bulk(self, request: Request) -> Response:
        """Answer with the bulk file, or with the rest of it where Range and If-Range ask for that (RFC 9110)."""
        stream = io.StringIO()
        rows = self.rows()
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        body = stream.getvalue().encode()
        headers = {"Last-Modified": self.changed, "Accept-Ranges": "bytes"}
        if self.etag:
            headers["ETag"] = self.etag
        asked = request.headers.get("range", "")
        same = request.headers.get("if-range") in {None, self.changed, self.etag}
        if not asked or not same or not self.ranges:
            return Response(body, media_type="text/csv", headers=headers)
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        if start >= len(body):
            return Response(b"", status=416, headers=headers | {"Content-Range": f"bytes */{len(body)}"})
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return Response(body[start:], status=206, media_type="text/csv", headers=headers)

    def activity_file(self, country: str) -> str:
        """Return the IATI file of a country: sector and country stand on the transactions, as USAID writes them."""
        activities = [
            ACTIVITY.format(
                award=row["Activity Project Number"],
                title=row["Activity Name"],
                partner=row["Implementing Partner Name"],
                amount=row["Current Dollar Amount"],
                purpose=row["International Purpose Code"],
                country=ISO[country],
            )
            for row in self.rows()
            if row["Country Name"] == country and row["Transaction Type ID"] == "2" and row["Current Dollar Amount"] > 0
        ]
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<iati-activities version="2.03">\n'
        return f"{head}{''.join(activities)}</iati-activities>\n"

    def rows(self) -> list[dict[str, Any]]:
        """Return every transaction: obligations, a de-obligation, disbursements; every fifth is another agency's."""
        made = []
        for place, (country_id, code, country) in enumerate(COUNTRIES):
            for number in range(self.activities):
                sector = "26" if number % 4 == 3 else "30"  # noqa: PLR2004  # every fourth
                for seq, (type_id, amount) in enumerate((("2", 500_000), ("2", -40_000), ("3", 300_000))):
                    made.append(
                        {
                            "Country ID": country_id,
                            "Country Code": code,
                            "Country Name": country,
                            "Managing Agency Acronym": "STATE" if number % 5 == 4 else "USAID",  # noqa: PLR2004
                            "Implementing Partner Name": f"Invented Partner {number}",
                            "International Purpose Code": "25010" if sector == "30" else "33110",
                            "International Purpose Name": "Business Policy and Administation",
                            "US Sector ID": sector,
                            "US Sector Name": SECTORS[sector],
                            "Funding Agency Name": "U.S. Agency for International Development",
                            "Activity ID": str(100_000 + 100 * place + number),
                            "Activity Name": f"Invented activity {number} for {country}",
                            "Activity Description": "It helps invented firms to compete.",
                            "Activity Project Number": f"72000021C{100 * place + number:05d}",
                            "Activity Start Date": "NULL",
                            "Activity End Date": "2024-09-30",
                            "Transaction Type ID": type_id,
                            "Fiscal Year": "1976tq" if number == 0 else str(2019 + seq),
                            "Transaction Date": "01SEP2024",
                            "Current Dollar Amount": amount + number,
                            "Constant Dollar Amount": amount,
                        }
                    )
        return made


def replica(app: ForeignAssistance | None = None) -> Replica[ForeignAssistance]:
    """Return a server of the replica, to be entered as a context."""
    return Replica(app or ForeignAssistance())


@dataclass(slots=True)
class ProjectMap:
    """MapData of map.usaid.gov: three invented projects, one without mechanisms; and a list of AidTracker."""

    robots: str | None = None
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer the counts, a list, or a project, in parentheses."""
        asked = request.query
        if request.path == "/AidTrackerProjectListData" and asked.get("v") == "list":
            wanted = asked.get("c", "").split(":::")
            return Response(f"( {json.dumps([row for row in TRACKED if row['country'] in wanted])} );".encode())
        if request.path != "/MapData":
            return Response(b"not found", status=404, media_type="text/plain")
        if asked.get("r") == "overview":
            answer: Any = {"details": [{"id": "1", "country": "Moldova", "province": "Chișinău", "total": 1}]}
        elif asked.get("r") == "projects":
            shown = list(PROJECTS)[:1] if asked.get("p") == "Chișinău" else list(PROJECTS)
            answer = [{"Id": key, "Project_Name__c": PROJECTS[key][0], "Public_Name__c": None} for key in shown]
        else:
            title, sector, mechanisms = PROJECTS[asked["d"]]
            answer = {
                "MissionName__c": "Moldova",
                "Sector_Name__c": sector,
                "Start_Date__c": "2012-10-01",
                "End_Date__c": "2014-09-30",
                "Project_Description__c": f"<p>{title}</p>",
                "ImpMechs_Projects__r": mechanisms,
            }
        return Response(f"( {json.dumps(answer)} );".encode())


PROJECTS: dict[str, tuple[str, str, Any]] = {
    "a0cd0000000001": (
        "Invented support to SMEs",
        "Economic Growth",
        {
            "totalSize": 2,
            "done": True,
            "records": [
                {
                    "Implementing_Mechanism_Number__r": {
                        "Award_Amount__c": 1_500_000,
                        "Partner_Name__c": "Invented & Co.",
                    }
                },
                {"Implementing_Mechanism_Number__r": {"Award_Amount__c": 2_000_000, "IM_Partner__c": "Renamed, Inc."}},
            ],
        },
    ),
    "a0cd0000000002": ("Invented market systems", "Agriculture", None),
    "a0cd0000000003": ("Invented clinic", "Health", None),
}


TRACKED = (
    {
        "Id": "a0ct0000000001",
        "name": "Invented value chains",
        "description": "<p>Competitiveness of invented clusters.</p>",
        "country": "Georgia",
        "org": "Invented mission",
        "sector": "Economic Growth",
        "partner": "Tracked & Sons",
        "startDate": "10/1/2013",
        "endDate": "9/30/2015",
    },
    {"Id": "a0ct0000000002", "name": "Invented school", "description": None, "country": "Georgia", "org": None,
     "sector": "Education", "partner": None, "startDate": "soon", "endDate": None},
    {"Id": "a0cd0000000001", "name": "Invented support to SMEs, again", "description": None, "country": "Moldova",
     "org": None, "sector": "Economic Growth", "partner": None, "startDate": None, "endDate": None},
)  # fmt: skip
"""AidTracker's list, in the fields that were seen: a project to select, one to leave out, one that the map has too."""

LIST = "/AidTrackerProjectListData?c=Georgia:::Moldova&r=search&l=&w=&m=&s=&v=list"
"""Path and query of the list."""


def map_replica() -> Replica[ProjectMap]:
    """Return a server of the replica of the map."""
    return Replica(ProjectMap())
