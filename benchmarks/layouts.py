"""How many values of the layouts in tests/layouts are read right, read wrong or missed.

The test of the layouts says whether each is read whole; this says how much of each is. A record that is read is
compared with the expected one it agrees with most; a value that differs, and one that no layout states, is wrong. What
`quantity` gives back as no figure is missing: it goes to quarantine as it was written. Wrong values are worse than
missing ones.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass
class Score:
    """What was read of some layouts.

    Attributes:
        layouts: how many there are.
        whole: how many of them have neither wrong nor missing values.
        count: values that they state.
        right: values that were read as they state them.
        wrong: in words, values that were read and are not stated so.
        missing: in words, values that were not read.
    """

    layouts: int = 0
    whole: int = 0
    count: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def compared(read: list[Record], expected: list[Record]) -> tuple[int, list[str], list[str]]:
    """Return how many values are right, and say which are wrong and which are missing."""
    pairs = sorted(
        (
            (sum(one.get(of) == value for of, value in other.items()), at, to)
            for at, one in enumerate(read)
            for to, other in enumerate(expected)
        ),
        reverse=True,
    )
    partner: dict[int, int] = {}
    for agreed, at, to in pairs:
        if agreed and at not in partner.values() and to not in partner:
            partner[to] = at
    right, wrong, missing = 0, [], []
    for to, other in enumerate(expected):
        one = read[partner[to]] if to in partner else {}
        for of in other.keys() | one.keys():
            if of in one and of in other and one[of] == other[of]:
                right += 1
            elif of in one and of in other and one[of] is None:
                missing.append(f"{of}: {other[of]!r}, which is stated, and not read")
            elif of in one:
                wrong.append(f"{of}: {one[of]!r} instead of {other.get(of, 'nothing')!r}")
            else:
                missing.append(f"{of}: {other[of]!r}")
    for at, one in enumerate(read):
        if at not in partner.values():
            wrong += [f"{of}: {value!r} in a record that is none" for of, value in one.items()]
    return right, wrong, missing


def measure(folders: Sequence[str]) -> Score:
    """Read the layouts of folders, named relative to tests/layouts: ``""`` for the 64, ``later``, ``later2``."""
    tests = importlib.import_module("tests.test_layouts")  # the tests are no package that types are checked of
    paths = sorted(path for folder in folders for path in (tests.LAYOUTS / folder).glob("*/*.json"))
    score = Score(layouts=len(paths))
    for name, (one, records) in tests.understood(paths).items():
        expected = one.layout["records"]
        right, wrong, missing = compared(
            [tests.stated(record, expected) for record in records],
            [{of: tests.rounded(value) for of, value in record.items()} for record in expected],
        )
        score.count += sum(len(record) for record in expected)
        score.whole += not wrong and not missing
        score.right += right
        score.wrong += [f"{name}: {line}" for line in wrong]
        score.missing += [f"{name}: {line}" for line in missing]
    return score
