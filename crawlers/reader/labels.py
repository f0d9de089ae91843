"""What labels stand for: synonyms by language, the unit and the period that a label carries, and near misses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from crawlers.reader.pages import squeezed

THRESHOLD = 0.88
"""Least likeness (difflib ratio, 0 to 1) of a label to a synonym that it is taken for."""
MARGIN = 0.05
"""How much less alike the nearest synonym of any other field must be."""
SHORTEST = 5
"""Letters that a label needs to be compared by likeness: short words differ in one letter and mean another thing."""
LONGEST = 90
"""Letters that a label may have; what is longer is a sentence."""

Kind = Literal["text", "number", "money", "share", "ratio"]

_RAISED = re.compile("[\u00b9\u00b2\u00b3\u2070-\u2079]")
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_STOP = frozenset(
    ["the", "of", "a", "an", "de", "des", "du", "la", "le", "les", "der", "die", "das", "el", "los", "las", "d", "l"]
)
_SAME = {
    "no": "number",
    "nos": "number",
    "num": "number",
    "nr": "number",
    "nbre": "nombre",
    "nb": "nombre",
    "avg": "average",
    "ave": "average",
}

_CURRENCY = (
    r"rs\.?|inr|\u20b9|`|rupees?|rupee|us ?\$|u\.s\. ?\$|usd|c ?\$|ca ?\$|cad|can ?\$|cdn ?\$|\$ ?ca|\$|dollars?|d\u00f3lares|cop|col ?\$|\u20ac|eur|euros?"
    r"|r ?\$|brl|rands?|zar|rm|myr|ringgit|z\u0142|pln|mx ?\$|mxn|pesos?|r(?= ?(?:million|mn|m|billion|bn|'?000)\b)"
    r"|\u00a3|gbp|pounds?|roupies?|rupien|\u0930\u0941\.?|\u0930\u0941\u092a\u092f\u0947|\u0930\u0941\u092a\u090f"
)
_MULTIPLIER = (
    r"crores?|crs?\.?|lakhs?|lacs?\.?|millions?|mn\.?|mio\.?|mln\.?|m|billions?|bn\.?|mrd\.?|milliards?|milliarden|millionen"
    r"|millones|milh\u00f5es|mil|miles|milhares|migliaia|mila|milioni|miliardi|tys\.?|tysi\u0119cy|mld\.?|miljoen|miljard|duizend|tusen|mds?"
    r"|thousands?|'?0{3}s?|,000s?|1[ .,]?000(?! ?(?:crore|cr\b|lakh|lac|million|mn\b|billion|bn\b|thousand))|k|tsd\.?|tausend|milliers?|mille|hundreds?|\u0915\u0930\u094b\u0921\u093c?|\u0932\u093e\u0916|\u0939\u091c\u093c?\u093e\u0930"
)
_PERCENT = r"%|per ?cent(?:age)?|pct\.?|prozent|v\. ?h\.|pour ?cent|por ciento|por cento|per cento|procent|\u092a\u094d\u0930\u0924\u093f\u0936\u0924"
_COUNTED = (
    r"nos?\.?|numbers?|persons?|people|workers?|employees?|heads?|headcount|jobs?|units?|firms?|enterprises?"
    r"|establishments?|looms?|artisans?|members?|toe|tonnes?|tons?|mt|kg|ha|km2?|years?|yr|personen|personnes|employ\u00e9s?"
    r"|nombre|anzahl|os\u00f3b|personas|pessoas|fte|ratio|index|figures?|values?|approx\.?|est\.?"
)
_LINK = r"in|of|per|and|for|the|all|are|en|em|w|de|di|/|-|\u2013|,|:|;|\.|a|p\.? ?a\.?|annum|year|an|jahr|pro|par|\u092e\u0947\u0902"
_WORD = re.compile(
    rf"(?:{_CURRENCY}|{_MULTIPLIER}|{_PERCENT}|{_COUNTED}|{_LINK})(?![\w])|d['\u2019](?=e)|[%`$\u20b9\u20ac\u00a3/,.:;\u2013-]",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    rf"(?<![\w])(?:{_CURRENCY}|{_MULTIPLIER}|{_PERCENT}|{_COUNTED})(?![\w])|[%`$\u20b9\u20ac\u00a3]", re.IGNORECASE
)
_STRONG = re.compile(
    rf"(?<![\w])(?:{_CURRENCY}|{_MULTIPLIER}|{_PERCENT})(?![\w])|[%`$\u20b9\u20ac\u00a3]", re.IGNORECASE
)
_MONEY = re.compile(rf"(?<![\w])(?:{_CURRENCY})(?![\w])|[`$\u20b9\u20ac\u00a3]", re.IGNORECASE)
_SCALED = re.compile(rf"(?<![\w])(?:{_MULTIPLIER})(?![\w])", re.IGNORECASE)
_SHARE = re.compile(rf"(?<![\w])(?:{_PERCENT})(?![\w])|%", re.IGNORECASE)
_YEAR = (
    r"(?:fy|f\.y\.)?\s*(?:19|20)\d\d(?:\s*[-/\u2013]\s*(?:(?:19|20)\d\d|\d\d))?|fy\s*'?\d\d(?:\s*[-/\u2013]\s*\d\d)?"
)
_PERIOD = re.compile(rf"(?<![\w/.-])(?:{_YEAR})(?![\w/-])", re.IGNORECASE)
_FIGURE = (
    r"(?!'?0{3}(?!\d)|1[ .,]?000(?![\d.,]*\d| ?(?:crore|cr\b|lakh|lac|million|mn\b|billion|bn\b|thousand))"
    r"|(?:19|20)\d\d ?[-/\u2013] ?(?:(?:19|20)\d\d|\d\d)(?!\d))"
    r"(?:\d[\d.,]*(?: ?(?:-|\u2013|to) ?\d[\d.,]*)?|(?:one|two|three|four|five|six|seven|eight|nine|ten|half an?|a few|several|many|some)\b)\+?"
)
_NO_YEAR = r"(?!(?:19|20)\d\d(?!\d))"
_AMOUNT = re.compile(
    rf"(?:(?<!\w)(?:{_CURRENCY})\s*)?(?<![\w'.,/-])(?:{_FIGURE}[\s-]*(?:{_MULTIPLIER}|{_PERCENT})|{_NO_YEAR}{_FIGURE}\s*(?:{_CURRENCY}))(?!\w)"
    rf"(?:\s*(?:of\s+)?(?:{_CURRENCY}|{_MULTIPLIER}|{_PERCENT})(?!\w))*"
    rf"|(?<!\w)(?:{_CURRENCY})\s*(?:(?:over|above|below|under|about|nearly|around|upto|up to|more than|less than)\s+)?{_NO_YEAR}{_FIGURE}",
    re.IGNORECASE,
)
"""A figure with its currency or multiplier: `Rs. 4000 crores`, `2 thousand`, `$ 5`; neither `'000` nor a year."""
_RATE = re.compile(
    r"(?:\bper\b|\bpro\b|\bpar\b|/)\s*(?!annum|year|yr|cent|a\b|an\b|jahr|month|[\d'])[a-z]+", re.IGNORECASE
)
_BEFORE_PERIOD = re.compile(
    r"\s*[,(\[-]?\s*(?:as\s+(?:on|of|at)|during|in|for|for the year|the year|year|since|per|at|en|im jahr|stand)?\s*$",
    re.IGNORECASE,
)


def normal(label: str) -> str:
    """Return a label as it is compared: lower case, without accents, signs and what stands in brackets."""
    bare = _BRACKETS.sub(" ", label)
    return _letters(bare if bare.strip(" :*") else label)


def _letters(label: str) -> str:
    folded = unicodedata.normalize("NFKD", _RAISED.sub("", label)).casefold().replace("&", " and ")
    kept = (
        letter if letter.isalnum() or letter == "%" or unicodedata.category(letter) in {"Mc", "Mn"} else " "
        for letter in folded
        if not unicodedata.combining(letter) or letter == "\u094d"
    )
    return " ".join("".join(kept).split())


def canonical(name: str) -> str:
    """Return a normal label with what spellings differ in evened out: `No. of units`, `Number of unit`."""
    words = [_SAME.get(word, word) for word in name.split() if word not in _STOP] or name.split()
    return "".join(
        word[:-1] if len(word) > len("gas") and word.endswith("s") and not word.endswith("ss") else word
        for word in words
    )


def unit_of(words: str) -> str:
    """Return a text where it says nothing but a unit, such as `Rs. in Crore`, `'000` or `%`; else nothing."""
    bare = unicodedata.normalize("NFC", squeezed(words)).strip(" ()[]:*")
    at = 0
    for _ in range(12):
        found = _WORD.match(bare, at)
        if found is None:
            break
        at = found.end()
        while at < len(bare) and bare[at] == " ":
            at += 1
    return bare if bare and at == len(bare) and _MEASURE.search(bare) else ""


def unit_within(words: str) -> str:
    """Return the unit that stands in the brackets of a label.

    It is the whole of them, or the clauses that are one, else the currency and multiplier among other words. An amount,
    such as `over Rs. 5 crore`, is no unit.
    """
    amount = has_amount(words)
    whole = "" if amount else unit_of(_without_period(words)[0])
    if whole:
        return whole
    clauses = [clause for clause in re.split(r"[;,]\s", words) if not has_amount(clause)]
    found = ", ".join(unit for clause in clauses if is_scaled(unit := unit_of(_without_period(clause)[0])))
    return found if found or amount or len(words) > LONGEST else " ".join(_strong(words))


def _strong(words: str) -> list[str]:
    parts = [part[0] for part in _STRONG.finditer(unicodedata.normalize("NFC", words))]
    return parts if any(len(part) > 1 or not part.isalpha() for part in parts) else []


def has_amount(words: str) -> bool:
    """Return whether a text holds a figure with a currency, a multiplier or per cent."""
    return bool(_AMOUNT.search(words))


def without_amounts(words: str) -> str:
    """Return a text without its figures that have a currency, a multiplier or per cent."""
    return _AMOUNT.sub(" ", words)


def has_multiplier(unit: str) -> bool:
    """Return whether a unit names a multiplier, with or without a currency."""
    return bool(_SCALED.search(unit))


def is_bare(words: str) -> bool:
    """Return whether a text names a multiplier, and neither a currency nor per cent."""
    return bool(_strong(words)) and not is_money(words) and not is_share(words)


def is_money(unit: str) -> bool:
    """Return whether a unit names a currency."""
    return bool(_MONEY.search(unit))


def is_share(unit: str) -> bool:
    """Return whether a unit is per cent."""
    return bool(_SHARE.search(unit))


def is_scaled(unit: str) -> bool:
    """Return whether a unit says more than what is counted: a currency, a multiplier or per cent."""
    return bool(_STRONG.search(unit))


def period_in(words: str) -> str:
    """Return the year, or the span of years, that a text names; nothing where it names none or several."""
    found = _PERIOD.findall(words)
    return squeezed(found[0]) if len(found) == 1 else ""


@dataclass(frozen=True, slots=True)
class Match:
    """What a label was understood as.

    Attributes:
        field: the field that it names.
        unit: the unit that it carries, as written; empty where it has none.
        period: the year or years that it carries, as written.
        like: the synonym that it is like, where it is no known one; such a match is reported.
        score: the likeness, 0 to 1; 1 for a synonym.
    """

    field: str
    unit: str = ""
    period: str = ""
    like: str = ""
    score: float = 1.0


class Labels:
    """What labels stand for: field → the labels that name it, in any language."""

    def __init__(
        self,
        synonyms: Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]],
        *,
        kinds: Mapping[str, Kind] | None = None,
        threshold: float = THRESHOLD,
        margin: float = MARGIN,
    ) -> None:
        """Build the table.

        Args:
            synonyms: field → its labels, or field → language (ISO 639) → its labels.
            kinds: field → `number`, `money`, `share`, `ratio` or `text`; text where nothing is said. A unit that stands
                over a whole table, such as `Rs. in lakh`, goes to the fields that it fits; per cent names no number or
                money; a ratio, such as a location quotient, has no unit.
            threshold: least likeness of a label that is no synonym, 0 to 1; above 1 only synonyms are known.
            margin: how much less alike the nearest synonym of any other field must be.

        Raises:
            ValueError: one label stands for two fields, or `kinds` names a field without labels.
        """
        self.fields = tuple(synonyms)
        self.kinds: dict[str, Kind] = dict(kinds or {})
        self.threshold, self.margin = threshold, margin
        self._field_of: dict[str, str] = {}
        self._written: dict[str, str] = {}
        if strange := sorted(self.kinds.keys() - synonyms.keys()):
            raise ValueError(f"kinds names {strange[0]!r}, which has no labels")
        alike: dict[str, set[str]] = {}
        for name, given in synonyms.items():
            for label in _flat(given):
                for form in {normal(label), _letters(label)}:
                    if self._field_of.setdefault(form, name) != name:
                        raise ValueError(f"the label {label!r} stands for {name} and for {self._field_of[form]}")
                    alike.setdefault(canonical(form), set()).add(name)
                    self._written.setdefault(canonical(form), label)
        self._alike = {form: next(iter(names)) for form, names in alike.items() if len(names) == 1}
        self._known: dict[str, Match | None] = {}

    def field(self, label: str) -> str | None:
        """Return the field that a label names, in its own words and with nothing beside them; or None."""
        return self._field_of.get(normal(label))

    def whole(self, label: str) -> bool:
        """Return whether a label is a synonym as it stands, what is in its brackets included."""
        return _letters(label) in self._field_of

    def kind(self, name: str) -> Kind:
        """Return the kind of a field."""
        return self.kinds.get(name, "text")

    def match(self, label: str) -> Match | None:
        """Return what a label stands for, with the unit and the period that it carries; None where it is not known."""
        if label not in self._known:
            self._known[label] = self._match(label) if len(label) <= LONGEST else None
        return self._known[label]

    def exact(self, label: str) -> Match | None:
        """Return what a label stands for where it is a synonym; None where it is only like one."""
        found = self.match(label)
        return found if found is not None and not found.like else None

    def _match(self, label: str) -> Match | None:
        parts = list(_parts(label))
        for name, unit, period in parts:
            field = (
                self._field_of.get(_letters(name))
                or self._field_of.get(normal(name))
                or self._alike.get(canonical(normal(name)))
            )
            if field is not None and self.fits(field, unit):
                return Match(field, unit, period)
        for name, unit, period in parts:
            near = self._nearest(normal(name))
            if near is not None and self.fits(near.field, unit):
                return Match(near.field, unit, period, near.like, near.score)
        return None

    def fits(self, field: str, unit: str) -> bool:
        """Return whether a field may have a unit, by its kind; any may have none."""
        kind = self.kind(field)
        if kind == "ratio":
            return not is_scaled(unit)
        return not (kind in {"number", "money"} and is_share(unit)) and not (
            kind in {"number", "share"} and is_money(unit)
        )

    def _nearest(self, name: str) -> Match | None:
        form = canonical(name)
        if len(form) < SHORTEST or self.threshold > 1:
            return None
        best = self._likenesses(form)
        if not best:
            return None
        score, field, label = best[0]
        synonym = canonical(normal(label))
        same_start = form[0] == synonym[0] and re.findall(r"[\d%]", form) == re.findall(r"[\d%]", synonym)
        second = next((other for other, name_of, _ in best if name_of != field), 0.0)
        if score >= self.threshold and score - second >= self.margin and same_start and len(synonym) >= SHORTEST:
            return Match(field, like=label, score=score)
        return None

    def _likenesses(self, form: str) -> list[tuple[float, str, str]]:
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(form)
        found = []
        for synonym, field in self._alike.items():
            matcher.set_seq1(synonym)
            if matcher.real_quick_ratio() > 1 / 3 and matcher.quick_ratio() > 1 / 3:
                found.append((matcher.ratio(), field, self._written[synonym]))
        return sorted(found, key=lambda like: (-like[0], like[1], like[2]))

    def closest(self, label: str, count: int = 2) -> list[tuple[str, str, float]]:
        """Return the fields nearest to a label that is not known: field, its synonym, likeness from 0 to 1."""
        seen: dict[str, tuple[str, str, float]] = {}
        for score, field, synonym in self._likenesses(canonical(normal(label))):
            seen.setdefault(field, (field, synonym, round(score, 2)))
        return list(seen.values())[:count]

    def known_labels(self) -> list[str]:
        """Return all labels as they are compared."""
        return list(self._field_of)

    def synonyms(self, field: str) -> list[str]:
        """Return the labels of a field."""
        return list(
            dict.fromkeys(self._written[canonical(form)] for form, name in self._field_of.items() if name == field)
        )


def _flat(given: Sequence[str] | Mapping[str, Sequence[str]]) -> Iterator[str]:
    if isinstance(given, Mapping):
        for labels in given.values():
            yield from labels
    else:
        yield from given


def _parts(label: str) -> Iterator[tuple[str, str, str]]:
    """Yield the ways in which a label may be a name, a unit and a period; the one that takes least away first."""
    label = squeezed(label).strip(" :*\uff1a")
    inside = [first or second for first, second in _BRACKETS.findall(label)]
    unit = next((found for part in inside if (found := unit_within(part))), "")
    period = next((found for part in inside if (found := period_in(part))), "")
    if any(_RATE.search(part) and not is_scaled(_RATE.sub("", part)) for part in inside):
        return  # `Turnover (per unit)` is no turnover
    yield label, unit, period
    if "/" in label or not label.isascii():  # one label in two languages: `State / राज्य`
        halves = [
            half
            for half in re.split(r"\s*/\s*" if label.isascii() else r"\s*[/|]\s*", _BRACKETS.sub(" ", label))
            if half
        ]
        if len(halves) > 1:
            for half in halves:
                if not unit_of(half):
                    yield half, unit or next((found for other in halves if (found := unit_of(other))), ""), period
    bare = squeezed(_BRACKETS.sub(" ", label))
    for half in _scripts(bare):  # one under the other in one cell: `राज्य State`
        yield half, unit, period
    bare, outside = _without_period(bare)
    period = period or outside
    if outside:
        yield bare, unit, period
    for separator in (", ", " - ", " \u2013 ", ": ", " in ", " en ", " (", " ["):
        name, found, rest = bare.rpartition(separator)
        if found and name and not _RATE.search(rest) and unit_of(rest.rstrip(")]")):
            yield name, unit or unit_of(rest.rstrip(")]")), period
    words = bare.split(" ")
    for count in range(1, min(len(words), 5)):
        last = unit_of(" ".join(words[-count:]))
        if last and is_scaled(last) and not _is_letter(last) and not _RATE.search(last):
            yield " ".join(words[:-count]), unit or last, period
    for count in range(1, min(len(words), 5)):
        first = unit_of(" ".join(words[:count]))
        if first and is_scaled(first):
            yield " ".join(words[count:]), unit or first, period


def _is_letter(unit: str) -> bool:
    """Return whether a unit is a letter and nothing more: `M` below a head is male, and no million."""
    return len(unit) == 1 and unit.isalpha()


def _scripts(label: str) -> list[str]:
    """Return the two parts of a label that changes its script once, from Latin or to it; nothing of any other."""
    latin = [
        (word, any(letter.isascii() for letter in word if letter.isalpha()))
        for word in label.split(" ")
        if any(letter.isalpha() for letter in word)
    ]
    changes = [place for place in range(1, len(latin)) if latin[place][1] is not latin[place - 1][1]]
    if len(changes) != 1 or all(letter < "\u0900" for letter in label):
        return []
    cut = changes[0]
    return [" ".join(word for word, _ in part) for part in (latin[:cut], latin[cut:])]


def _without_period(label: str) -> tuple[str, str]:
    found = list(_PERIOD.finditer(label))
    if len(found) != 1:
        return label, ""
    before, after = label[: found[0].start()], label[found[0].end() :]
    name = squeezed(_BEFORE_PERIOD.sub(" ", before) + " " + after.lstrip(" ,:)-")).strip(" ,:-")
    return (name, squeezed(found[0][0])) if name else (label, "")
