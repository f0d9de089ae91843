"""What lines over a table say of the units of its figures: `(Rs. in lakh)`, `Turnover in Rs. Crore`, `All values in €`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crawlers.reader.labels import (
    LONGEST,
    Labels,
    Match,
    has_amount,
    has_multiplier,
    is_bare,
    is_money,
    is_scaled,
    is_share,
    unit_of,
    without_amounts,
)
from crawlers.reader.pages import squeezed

_ALL_VALUES = re.compile(
    r"(?:(?:all |the )*(?:monetary )?(?:values?|figures?|figs?\.?|amounts?|data|money)(?: are| is)?"
    r"(?: given| expressed| shown| stated| quoted| reported)?(?: in|\s*:)?"
    r"|(?:alle )?(?:werte|angaben|betr\u00e4ge|geldbetr\u00e4ge) in|(?:valeurs|montants|donn\u00e9es)(?: exprim\u00e9e?s)? en"
    r"|(?:valori|importi|dati)(?: espressi)? in|(?:valores|importes|montos|cifras|datos|montantes)(?: expresad[oa]s| expressos)? e[nm]"
    r"|(?:warto\u015bci|kwoty|dane) w|(?:bedragen|waarden) in|(?:belopp|v\u00e4rden) i)\s+(.+)",
    re.IGNORECASE,
)
"""How a line states the unit of all figures of a table: `Values in \u20b9 crore`."""
_ALL_COUNTS = re.compile(
    r"(?:all |the )*(?:nos?\.?|numbers?)(?: are)?(?: given| expressed| shown)?(?: in|\s*:)\s+(.+)", re.IGNORECASE
)
"""How a line states the multiplier of all counts: `Numbers in thousands`."""
_UNLESS = re.compile(r"\s+(?:unless|except|where not|sofern nicht|soweit nicht|sauf|salvo)\b.*", re.IGNORECASE)
_BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_SAYS_IN = re.compile(r"(?:in|en|em|w|i)\b", re.IGNORECASE)
_THOUSAND = re.compile(r"1[ .,]?000")
"""Alone in brackets it may be a figure: `(1,000 rupees)`."""
_NOISE = re.compile(
    r"\b(?:all|the|of|for|is|are|was|were|in|figures?|values?|amounts?|data|given|expressed|shown|stated|quoted|reported)\b|[:\u2013-]",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:,|&|/|\b(?:and|und|et|y|e|i)\b)\s*", re.IGNORECASE)
_ABBREVIATED = re.compile(
    r"(?:\b(?:rs|re|crs?|lacs?|nos?|approx|appx|est|figs?|mn|bn|mio|mrd|mln|mld|tsd|tys|usd?|u\.s|p\.a|v|h|\u0930\u0941))$",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"[^\s.]+")


@dataclass(slots=True)
class Over:
    """The units that lines over a table state.

    Attributes:
        own: field \u2192 the unit that a line states for it by its label, as written.
        general: kind of field \u2192 the unit that a line states for all of that kind.
        bare: a multiplier without a currency, of which no line says that it is of all figures: it is of money alone.
        doubts: what names a currency or a multiplier, and was not understood.
    """

    own: dict[str, str] = field(default_factory=dict)
    general: dict[str, str] = field(default_factory=dict)
    bare: str = ""
    doubts: dict[str, None] = field(default_factory=dict)

    def unit_for(self, name: str, labels: Labels) -> str:
        """Return the unit that the lines state for a field; empty where they state none."""
        return self.own.get(name) or self.general.get(labels.kind(name), "")

    def told(self, given: Iterable[tuple[str, Match | None, bool]], labels: Labels) -> Iterator[str]:
        """Yield what there is to tell of the lines, once the columns have their units.

        Args:
            given: for each column its label, what it stands for, and whether it has a unit.
            labels: the labels that are known.
        """
        figures = [
            (label, labels.kind(match.field), has_unit)
            for label, match, has_unit in given
            if match is not None and labels.kind(match.field) in {"money", "number", "share"}
        ]
        left_out = [label for label, kind, has_unit in figures if kind == "number" and not has_unit]
        if self.bare and left_out:
            yield (
                f"the multiplier {self.bare!r} stands over the table, which does not say that it is of all figures: "
                f"{', '.join(map(repr, left_out))} is read without it"
            )
        elif self.general and not any(has_unit or kind in self.general for _, kind, has_unit in figures):
            yield f"the unit {next(iter(self.general.values()))!r} stands over the table, and fits no column"
        if any(not has_unit for _, _, has_unit in figures):
            for words in self.doubts:
                said = words if len(words) <= LONGEST else f"{words[:LONGEST]}\u2026"
                yield f"{said!r} over the table names a currency or a multiplier, and is not understood: no unit is taken from it"


def stated_over(lines: Iterable[str], labels: Labels) -> Over:
    """Return the units that the lines over a table state; what stands nearer to it, and comes first, goes before.

    A unit is a line, a sentence or brackets that are wholly one, or a sentence that says whose unit it is. An amount,
    such as `(4000 crores)` in prose, is none.
    """
    over = Over()
    for line in dict.fromkeys(squeezed(words) for words in lines):
        if is_scaled(unit_of(line)) and not has_amount(line) and _general(over, line.strip(" ()[]:")):
            continue
        end = 0
        for bracket in _BRACKET.finditer(line):
            before, inside = _sentences(line[end : bracket.start()]), squeezed(bracket[1])
            end = bracket.end()
            if not _is_unit(inside):
                before += _sentences(inside)
            elif named := _fields(before[-1], labels) if before else []:
                _own(over, named[-1:] if is_bare(inside) else named, unit_of(inside), labels)
                before.pop()
            elif not _general(over, inside):
                before.append(inside)
            for sentence in before:
                _understand(over, sentence, labels)
        for sentence in _sentences(line[end:]):
            _understand(over, sentence, labels)
    return over


def _sentences(words: str) -> list[str]:
    """Return the parts of a text at its full stops and semicolons; the dot of `Rs.` or `Cr.` before a unit is none."""
    made, start = [], 0
    for stop in re.finditer(r";|\.(?=\s|$)", words):
        following = _FIRST_WORD.search(words, stop.end())
        if (
            stop[0] == "."
            and _ABBREVIATED.search(words[max(start, stop.start() - len("approx, or so")) : stop.start()])
            and following is not None
            and (not following[0][0].isupper() or unit_of(following[0]) or _SAYS_IN.fullmatch(following[0]))
        ):
            continue
        made.append(words[start : stop.start()])
        start = stop.end()
    return [part for piece in (*made, words[start:]) if (part := piece.strip(" ,:"))]


def _is_unit(words: str) -> bool:
    """Return whether brackets, or a clause, are wholly a unit of figures."""
    unit = unit_of(words)
    figure = has_amount(unit) or (_THOUSAND.search(unit) and not _SAYS_IN.match(unit))
    return bool(unit) and is_scaled(unit) and not figure


def _understand(over: Over, sentence: str, labels: Labels) -> None:
    """Take from a sentence the units that it states; what names one and is not understood is a doubt."""
    pieces = [piece for piece in re.split(r",\s|\s(?:and|und|et|&)\s", sentence) if piece]
    if sum(map(is_scaled, pieces)) < len(("one unit", "another")) and _taken(over, sentence, labels, whole=True):
        return
    for place, piece in enumerate(pieces):
        if not _taken(over, piece, labels, whole=place in {0, len(pieces) - 1} and len(sentence) <= LONGEST):
            left = without_amounts(piece)
            if is_money(left) or is_bare(left):
                over.doubts.setdefault(piece)


def _taken(over: Over, clause: str, labels: Labels, *, whole: bool) -> bool:
    clause = _UNLESS.sub("", clause).strip(" ,:")
    if len(clause) > LONGEST or has_amount(clause):
        return False
    match = labels.exact(clause)
    if match is not None and is_scaled(match.unit):
        return _own(over, [match.field], match.unit, labels)
    if (whole and _is_unit(clause)) or _ALL_VALUES.fullmatch(clause) or _ALL_COUNTS.fullmatch(clause):
        return _general(over, clause)
    words = clause.split(" ")
    for count in range(1, len(words)):
        unit, head = unit_of(" ".join(words[count:])), " ".join(words[:count])
        if is_scaled(unit):
            return not is_scaled(head) and _own(over, _fields(head, labels), unit, labels)
    return False


def _own(over: Over, names: Iterable[str], unit: str, labels: Labels) -> bool:
    fitting = [name for name in names if labels.kind(name) != "text" and labels.fits(name, unit)]
    for name in fitting:
        over.own.setdefault(name, unit)
    return bool(fitting)


def _general(over: Over, clause: str) -> bool:
    """Take a unit that a clause states for all figures that it fits; return whether it states one."""
    of_all, of_counts = _ALL_VALUES.fullmatch(clause), _ALL_COUNTS.fullmatch(clause)
    said = of_all or of_counts
    unit = unit_of(said[1] if said else clause)
    parts = re.split(r"[;,]\s", clause)
    if len(parts) > 1 and sum(is_scaled(part) for part in parts) > 1:  # `Rs. in crore, nos. in thousands`
        understood = [_general(over, part) for part in parts]
        return all(understood)
    if not is_scaled(unit):
        return False
    if is_money(unit):
        kinds = ["money"]
    elif is_share(unit):
        kinds = ["share"]
    elif of_counts:
        kinds = ["number"]
    else:
        kinds = ["money", "number"] if of_all else ["money"]
        over.bare = over.bare or ("" if of_all else unit)
    for kind in kinds:
        known = over.general.setdefault(kind, unit)
        if is_bare(unit) and not has_multiplier(known):  # `Figures in lakh` over `(Rs.)`
            over.general[kind] = f"{known} {unit}"
    return True


def _fields(words: str, labels: Labels) -> list[str]:
    """Return the fields that words before a unit name: `Turnover figures`, `Turnover and exports are given`."""
    if len(words) > LONGEST:
        return []
    said = squeezed(_NOISE.sub(" ", words))
    whole = labels.exact(words.strip(" :,")) or labels.exact(said)
    found = [whole] if whole else [labels.exact(part) for part in _AND.split(said) if part]
    return [match.field for match in found if match is not None]
