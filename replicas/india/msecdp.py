"""The cluster portal of the MSME ministry on a local server: columns that were seen, invented applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from replicas.server import Replica, Request, Response

COLUMNS = (
    *("S.No.", "MSME-DI", "State", "District", "Cluster Name", "Status", "Application Date"),
    "Pendency Days from Application Date",
)
STATES = {"120": "UTTAR PRADESH", "901": "GUJARAT"}
"""stId → state; 120 was seen, the other number is invented."""

STATUSES = (
    "Clarification sought by MSME-DFO",
    "Clarification done by SPV",
    "DPR uploaded by SPV",
    "Application forwarded to MSME-DFO",
)

APPLICATIONS = (
    ("120", "Allahabad", "AZAMGARH", "Jute Rope Industry Cluster", 0, date(2020, 7, 13)),
    ("120", "Agra", "BUDAUN", "Woollen Tufted Cluster", 3, date(2021, 3, 16)),
    ("120", "Agra", "BUDAUN", "Woollen Tufted Cluster", 2, date(2021, 3, 27)),
    ("120", "Agra", "BUDAUN", "Woollen Tufted Cluster", 0, date(2020, 12, 28)),
    ("120", "Allahabad", "CHITRAKOOT", "Toy", 0, date(2021, 2, 18)),
    ("120", "Kanpur", "GORAKHAPUR", "Terra Cota Cluster", 0, date(2021, 2, 10)),
    ("120", "Kanpur", "KANPUR NAGAR", "Invented Industrial Estate", 1, date(2021, 5, 4)),
    ("120", "Agra", "NOWHERE NAGAR", "Invented Locks Cluster", 1, date(2021, 6, 1)),
    ("901", "Ahmedabad", "RAJKOT", "Invented Brass Parts Cluster", 2, date(2022, 1, 5)),
    ("901", "Ahmedabad", "MORBI", "Invented Wall Clock Cluster", 0, date(2022, 2, 6)),
)
"""stId, office, district, cluster, number of its status, day of the application."""


@dataclass(slots=True)
class Portal:
    """The server's behaviour.

    Attributes:
        today: the day of the reports.
        removed: clusters whose applications are gone.
    """

    today: date = date(2025, 2, 8)
    removed: set[str] = field(default_factory=set)
    robots: str | None = None
    base_path: str = ""

    def respond(self, request: Request) -> Response:
        """Answer the report of a state."""
        state, days = request.query.get("stId", ""), request.query.get("dys", "")
        if request.path != "/CFCRPT/NCFC_DI_StatePendencyDetail.aspx" or state not in STATES or not days.isdecimal():
            return Response(b"", 404, "text/html")
        return Response(self.report(state, int(days)).encode(), media_type="text/html; charset=utf-8")

    def report(self, state: str, days: int) -> str:
        """Return the page of a state: what has been pending for at least so many days."""
        rows = [
            (office, STATES[state], district, cluster, STATUSES[status], f"{applied:%d/%m/%Y}", str(pending.days))
            for of_state, office, district, cluster, status, applied in APPLICATIONS
            if of_state == state
            and cluster not in self.removed
            and (pending := self.today - applied) >= timedelta(days=days)
        ]
        return page(days - 1, COLUMNS, [(str(number), *row) for number, row in enumerate(rows, 1)])


def page(more_than: int, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a report: the ministry's name in two languages, the title, a table."""
    lines = ["".join(f"<th>{name}</th>" for name in columns)]
    lines += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    table = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        "<!DOCTYPE html><html><head><title>Cluster Development Programme</title></head><body>"
        "<table><tr><td>CLUSTER DEVELOPMENT PROGRAMME<br>सूक्ष्म, लघु और मध्यम उद्यम मंत्रालय<br>"
        "Ministry of Micro, Small &amp; Medium Enterprises</td></tr></table>"
        f"<h3>State more than {more_than} Days Pendency Report</h3>"
        f'<ul><li><div><table class="table table-bordered">{table}</table></div></li></ul></body></html>'
    )


def replica(app: Portal | None = None) -> Replica[Portal]:
    """Return a server of the replica, to be entered as a context."""
    return Replica(app or Portal())
