"""What was read of a page: values with their units, records, and what was expected and not found."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from crawlers.reader.labels import Labels, Match

_STARS = re.compile(r"(?<=[\w)])\s?[*\u2020\u2021]+$")


def without_stars(words: str) -> str:
    """Return a name without the marks of footnotes behind it: `Rajkot*`; those of figures are left to `quantity`."""
    return _STARS.sub("", words)


@dataclass(frozen=True, slots=True)
class Value:
    """One text that stands under a label.

    Attributes:
        field: what the label stands for.
        text: as written, blanks squeezed, marks of footnotes left out.
        unit: as written in the label, in the line of units or over the table; empty where the page says none.
        label: as written.
        locator: where it stands.
    """

    field: str
    text: str
    unit: str
    label: str
    locator: str


@dataclass(slots=True)
class Record:
    """What a page says of one thing.

    Attributes:
        locator: ``html:table[2]/tr[7]``, tables and rows counted from 1 in the order of the page, or the path of the
            element that holds it, ``html:/html/body/div[2]``.
        values: field → its values, the first statement first.
        title: the heading of the card or page, or the head of the column, that it stands under.
        section: the row of its own, such as the name of a state, under which its row stands.
        period: the year or years over its columns, as written.
        group: what else stands over its columns, where the same labels stand under several heads.
        others: label → text, of labels that are not known.
    """

    locator: str
    values: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    title: str = ""
    section: str = ""
    period: str = ""
    group: str = ""
    others: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Return the text of a field, or None where the page does not say it."""
        return self.values[name][0].text if name in self.values else None

    def unit(self, name: str) -> str:
        """Return the unit of a field as written; empty where the page says none."""
        return self.values[name][0].unit if name in self.values else ""

    def add(self, value: Value) -> None:
        """Add a value, unless the record has it already."""
        known = self.values.get(value.field, ())
        if all((value.text, value.unit) != (other.text, other.unit) for other in known):
            self.values[value.field] = (*known, value)

    def raw(self, labels: Labels) -> dict[str, object]:
        """Return the record as the contract of a feed sees it.

        Field → text; ``<field>_unit`` for fields that have a unit by their kind; ``<field>_also`` where the field is
        stated more than once, a list of ``text`` and ``unit``; ``title``, ``section``, ``period`` and ``group`` where
        the page has them; ``_locator``.
        """
        made: dict[str, object] = {}
        for name, values in self.values.items():
            made[name] = values[0].text
            if labels.kind(name) != "text":
                made[f"{name}_unit"] = values[0].unit
            if len(values) > 1:
                made[f"{name}_also"] = [{"text": value.text, "unit": value.unit} for value in values[1:]]
        for name in ("title", "section", "period", "group"):
            if said := getattr(self, name):
                made.setdefault(name, said)
        return {**made, "_locator": self.locator}


@dataclass(slots=True)
class Reading:
    """What was read of a page.

    Attributes:
        address: of the page; empty where it was not given.
        language: as the page states it, in lower case; empty where it does not.
        title: its first heading, else its title.
        records: those that have all required fields, in the order of the page.
        statements: values that stand outside of them.
        totals: rows of sums.
        notes: what was expected and not found, found and not expected, or read by likeness; without the address.
        looks_like_data: whether there are no records, and yet a table with a header, or a figure under a known label.
    """

    address: str = ""
    language: str = ""
    title: str = ""
    records: tuple[Record, ...] = ()
    statements: tuple[Value, ...] = ()
    totals: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()
    looks_like_data: bool = False

    @property
    def missed(self) -> tuple[str, ...]:
        """The notes of a page without records that looks like data all the same; none of any other page.

        A feed hands them on with what it makes of such a page, else a layout that the reader does not understand would
        pass for a page about something else.
        """
        return self.notes if self.looks_like_data else ()

    def report(self) -> list[str]:
        """Return the notes with the address of the page."""
        return [f"{self.address}: {note}" for note in self.notes]

    def stated(self, name: str) -> str | None:
        """Return the text of a field that the page states outside of its records; None where it does not."""
        return next((value.text for value in self.statements if value.field == name), None)


class Report:
    """Collects what there is to tell of the labels of a page."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.found: set[str] = set()
        self.fuzzy: dict[str, Match] = {}
        self.unknown: dict[str, None] = {}
        self.told: dict[str, None] = {}

    def known(self, label: str, match: Match) -> None:
        """Note a label that was understood."""
        self.found.add(match.field)
        if match.like:
            self.fuzzy.setdefault(label, match)

    def notes(self, expected: Iterable[str]) -> tuple[str, ...]:
        """Return the notes, what is missing first."""
        notes = []
        for name in expected:
            if name not in self.found:
                synonyms = self.labels.synonyms(name)
                near = sorted(
                    (
                        (score, label)
                        for label in self.unknown
                        for of, _, score in self.labels.closest(label, 9)
                        if of == name
                    ),
                    reverse=True,
                )[:3]
                closest = ", ".join(f"{label!r} ({score:.2f})" for score, label in near) or "none"
                wanted = ", ".join(repr(synonym) for synonym in synonyms[:3])
                notes.append(f"expected {name} ({wanted}), found no such label; the closest unknown ones: {closest}")
        for label, match in self.fuzzy.items():
            notes.append(
                f"the label {label!r} was read as {match.field}, for it is like {match.like!r} ({match.score:.2f})"
            )
        for label in self.unknown:
            near_fields = ", ".join(
                f"{of} ({synonym!r}, {score:.2f})" for of, synonym, score in self.labels.closest(label)
            )
            notes.append(f"the label {label!r} is not known; closest: {near_fields or 'nothing'}")
        return (*notes, *self.told)
