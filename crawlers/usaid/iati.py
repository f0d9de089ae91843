"""usaid.iati: activity files of the IATI standard, versions 1.x and 2.x, one activity after the other.

No DTD, entity or address that a file names is ever followed. What is known: docs/sources/usaid.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

from lxml import etree
from scrapy import Request
from scrapy.http import Response

from crawlers.batch import Batch
from crawlers.evidence import Document, EvidenceError
from crawlers.spider import Spider

_OPENING = re.compile(rb"<iati-activity[\s>/]")
_HEAD = 2**12
_DATES = {"start-planned": "1", "start-actual": "2", "end-planned": "3", "end-actual": "4"}
_TRANSACTIONS = {"C": "2", "D": "3"}
_ROLES = {"1": "funding", "2": "accountable", "3": "extending", "4": "implementing"}
_POINT = 2

Records = dict[str, list[dict[str, Any]]]
"""Kind of record → records."""


class FeedSpider(Spider):
    """Asks for the file of each country."""

    name = "usaid.iati"

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the file of each country."""
        for country in self.harvest.parameters["countries"]:
            self.harvest.asked.append("activities")
            yield self.request(f"/iati-activities-{country}.xml", self.activities)

    def activities(self, response: Response) -> None:
        """Check that an answer is an activity file; it is parsed from the archive."""
        if b"<iati-activities" not in response.body[:_HEAD]:
            self.not_understood(response, "an IATI activity file", repr(response.body[:80]))


def parse(document: Document) -> Iterator[Batch] | None:
    """Turn an activity file into records of the kinds ``files``, ``activities``, ``sectors`` …, one kind per table.

    Sector and country of a transaction are records too: a publisher may state them there alone.

    Raises:
        EvidenceError: the file is no well-formed XML.
    """
    if b"<iati-activities" not in document.body[:_HEAD]:
        return None
    records: Records = defaultdict(list)
    try:
        for number, element in enumerate(_elements(document.body), 1):
            _read(element, number, records)
            element.clear()
    except etree.XMLSyntaxError as error:
        raise EvidenceError(
            f"{document.url}: expected an IATI activity file that is well-formed XML; {error}"
        ) from error
    stated = len(_OPENING.findall(document.body))
    records["files"] = [{"file": document.url, "stated": stated, "_locator": "xml:/iati-activities"}]
    for kind in records:
        for record in records[kind]:
            record["file"] = document.url
    return (Batch(kind, of_kind) for kind, of_kind in records.items())


def _elements(body: bytes) -> Iterator[Any]:
    events = etree.iterparse(
        BytesIO(body),
        events=("end",),
        tag="iati-activity",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return (element for _, element in events)


def _read(element: Any, number: int, records: Records) -> None:  # noqa: ANN401  # lxml has no types
    identifier = _text(element.find("iati-identifier"))
    place = f"xml:/iati-activities/iati-activity[{number}]"
    dates = {
        _DATES.get(kind := each.get("type", ""), kind): each.get("iso-date")
        for each in element.iterfind("activity-date")
    }
    currency = element.get("default-currency")

    def note(kind: str, **fields: Any) -> None:  # noqa: ANN401
        records[kind].append({"number": number, "seq": len(records[kind]), "_locator": place, **fields})

    records["activities"].append(
        {
            "number": number,
            "identifier": identifier,
            "title": _narrative(element.find("title")),
            "description": _narrative(element.find("description")),
            "reporting_org": _attribute(element.find("reporting-org"), "ref"),
            "status": _attribute(element.find("activity-status"), "code"),
            "start_date": dates.get("2") or dates.get("1"),
            "end_date": dates.get("4") or dates.get("3"),
            "_locator": place,
        }
    )
    for each in element.iterfind("participating-org"):
        role = (each.get("role") or "").lower()
        note(
            "organisations",
            name=_narrative(each),
            ref=each.get("ref"),
            role=_ROLES.get(role, role),
            org_type=each.get("type"),
        )
    for each in element.iterfind("location"):
        point = (_text(each.find("point/pos")) or "").split()
        old = each.find("coordinates")
        latitude, longitude = (
            point if len(point) == _POINT else (_attribute(old, "latitude"), _attribute(old, "longitude"))
        )
        note("locations", name=_narrative(each.find("name")), latitude=latitude, longitude=longitude)
    _classify(element, "activity", note)
    for each in element.iterfind("transaction"):
        value = each.find("value")
        code = _attribute(each.find("transaction-type"), "code")
        note(
            "transactions",
            transaction_type=_TRANSACTIONS.get(code or "", code),
            value=(_text(value) or "").replace(",", "") or None,
            currency=_attribute(value, "currency") or currency,
        )
        _classify(each, "transaction", note, records["transactions"][-1]["seq"])


def _classify(element: Any, level: str, note: Any, transaction: int | None = None) -> None:  # noqa: ANN401  # lxml has no types
    for each in element.iterfind("sector"):
        note(
            "sectors",
            level=level,
            transaction=transaction,
            vocabulary=each.get("vocabulary") or "1",
            code=each.get("code"),
            name=_narrative(each),
            percentage=each.get("percentage"),
        )
    for each in element.iterfind("recipient-country"):
        note("countries", level=level, code=each.get("code"), percentage=each.get("percentage"))


def _narrative(element: Any) -> str | None:  # noqa: ANN401
    """Return the English narrative, else the first; in version 1 the text stands in the element itself."""
    if element is None:
        return None
    narratives = element.findall("narrative")
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    chosen = next((each for each in narratives if (each.get(language) or "").lower() == "en"), None)
    return _text(chosen if chosen is not None else narratives[0] if narratives else element)


def _text(element: Any) -> str | None:  # noqa: ANN401
    return None if element is None else " ".join((element.text or "").split()) or None


def _attribute(element: Any, name: str) -> str | None:  # noqa: ANN401
    return None if element is None else element.get(name)
