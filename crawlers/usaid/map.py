"""usaid.map: MapData of map.usaid.gov and the lists of AidTracker, both gone: archived or saved answers are read.

Answers are JSON in parentheses, ``( … );``. What an answer is shows in its keys. What is known: docs/sources/usaid.md.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch
from crawlers.evidence import Document
from crawlers.routes import query_of
from crawlers.source import feeds
from crawlers.spider import Spider

AIDTRACKER = "http://portfolio.usaid.gov"
"""Where AidTracker answered, the successor of the map."""

PARTNER = ("Partner_Name__c", "Partner__c")
"""Names of the field of a partner; it was renamed in 2013, to what is unknown: any name with `partner` will do."""


class FeedSpider(Spider):
    """Asks for the counts by province, the list of projects, each province's list, each project, AidTracker's lists."""

    name = "usaid.map"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the counts and the list, and for the lists of AidTracker that the operator names."""
        self.harvest.asked.append("details")
        yield self.ask({"r": "overview", "l": "", "w": ""}, self.overview)
        yield self.ask({"r": "projects", "l": "", "w": ""}, self.projects)
        tracker = AIDTRACKER if self.base_url == feeds()[self.name].base_url else self.base_url
        for address in self.harvest.parameters["lists"]:
            parts = urlsplit(address)
            request = self.request(parts.path, self.tracked, query=dict(parse_qsl(parts.query, keep_blank_values=True)))
            yield request.replace(url=tracker + request.url.removeprefix(self.base_url))

    def ask(self, query: dict[str, str], callback: Any) -> Request:  # noqa: ANN401  # any callback of Scrapy
        """Return the request for one answer of MapData."""
        return self.request("/MapData", callback, query=query)

    def overview(self, response: Response) -> Iterator[Request]:
        """Ask for the projects of each province."""
        answer = unwrap(response.body)
        if not isinstance(answer, dict) or not isinstance(answer.get("details"), list):
            self.not_understood(response, "an object with details", repr(response.body[:80]))
            return
        for place in answer["details"]:
            if place.get("province"):
                query = {"r": "projects", "l": "", "w": "", "p": str(place["province"]), "c": str(place["country"])}
                yield self.ask(query, self.of_province)

    def projects(self, response: Response) -> Iterator[Request]:
        """Ask for each project of the list."""
        answer = unwrap(response.body)
        if not isinstance(answer, list):
            self.not_understood(response, "a list of projects", repr(response.body[:80]))
            return
        for project in answer:
            yield self.request("/MapData", self.detail, query={"d": str(project["Id"]), "r": "detail"})

    def of_province(self, response: Response) -> None:
        """Check the list of a province."""
        if not isinstance(unwrap(response.body), list):
            self.not_understood(response, "a list of projects", repr(response.body[:80]))

    def tracked(self, response: Response) -> None:
        """Check a list of AidTracker."""
        if not _is_tracked(unwrap(response.body)):
            self.not_understood(response, "a list of AidTracker: projects with Id and sector", repr(response.body[:80]))

    def detail(self, response: Response) -> None:
        """Check a project."""
        if not isinstance(unwrap(response.body), dict):
            self.not_understood(response, "a project", repr(response.body[:80]))


def unwrap(body: bytes) -> Any:  # noqa: ANN401  # JSON is any
    """Read JSON that stands in parentheses, as the map writes it, or plain; None where it is none."""
    text = body.decode("utf-8-sig", "replace").strip().rstrip(";").strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return None


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn an answer into records of the kinds ``listed``, ``places``, ``details``, ``awards`` or ``tracked``.

    Returns:
        Its batches; none for the counts by province, from which the spider goes on; None for a stranger.
    """
    answer = unwrap(document.body)
    if isinstance(answer, dict):
        if "details" in answer and "Id" not in answer:
            return iter(())
        return _detail(document, answer) if "ImpMechs_Projects__r" in answer or "MissionName__c" in answer else None
    if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
        return None
    if all("Id" in each and "Project_Name__c" in each for each in answer):
        return _listed(document, answer)
    if _is_tracked(answer):
        keys = ("Id", "name", "description", "country", "org", "sector", "partner", "startDate", "endDate")
        tracked = [
            {**{key: each.get(key) or None for key in keys}, "_locator": f"json:/{number}"}
            for number, each in enumerate(answer)
        ]
        return iter([Batch("tracked", tracked)])
    return None


def _is_tracked(answer: Any) -> bool:  # noqa: ANN401  # JSON is any
    return isinstance(answer, list) and all(
        isinstance(each, dict) and {"Id", "sector"} <= each.keys() for each in answer
    )


def _listed(document: Document, answer: list[dict[str, Any]]) -> Iterator[Batch]:
    query = query_of(document.url)
    if "p" not in query:
        keys = ("Id", "Project_Name__c", "Public_Name__c")
        records = [{key: each.get(key) for key in keys} for each in answer]
        return iter([Batch("listed", records)])
    place = {"province": query["p"], "country": query.get("c", "")}
    return iter([Batch("places", [{"Id": each["Id"], **place} for each in answer])])


def _detail(document: Document, answer: dict[str, Any]) -> Iterator[Batch]:
    identifier = answer.get("Id") or query_of(document.url).get("d")
    own = {key: value for key, value in answer.items() if key not in {"ImpMechs_Projects__r", "attributes"}}
    mechanisms = (answer.get("ImpMechs_Projects__r") or {}).get("records") or []
    awards = []
    for number, mechanism in enumerate(mechanisms):
        award = mechanism.get("Implementing_Mechanism_Number__r") or {}
        partner = next((award[name] for name in PARTNER if award.get(name)), None) or next(
            (value for name, value in award.items() if "partner" in name.lower() and isinstance(value, str)), None
        )
        place = f"json:/ImpMechs_Projects__r/records/{number}"
        awards.append(
            {
                "Id": identifier,
                "seq": number,
                "partner": partner,
                "amount": award.get("Award_Amount__c"),
                "_locator": place,
            }
        )
    return iter([Batch("details", [{**own, "Id": identifier, "_locator": "json:"}]), Batch("awards", awards)])
