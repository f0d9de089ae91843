"""How many values of the layouts are read right, read wrong or missed: ``python -m benchmarks.layouts [folder …]``.

The test of the layouts says whether each is read whole; this says how much of each is. Folders are named relative to
tests/layouts, and are all by default. A record that is read is compared with the expected one it agrees with most; a
value that differs, and one that no layout states, is wrong. What `quantity` gives back as no figure is missing: it goes
to quarantine as it was written. Wrong values are worse than missing ones.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from tests.test_layouts import LAYOUTS, rounded, stated, understood

Record = dict[str, Any]


def compared(read: list[Record], expected: list[Record]) -> tuple[int, list[str], list[str]]:
    """Return how many values are right, and say which are wrong and which are missing."""
    pairs = sorted(
        (
            (sum(one.get(field) == value for field, value in other.items()), at, to)
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
        for field in other.keys() | one.keys():
            if field in one and field in other and one[field] == other[field]:
                right += 1
            elif field in one and field in other and one[field] is None:
                missing.append(f"{field}: {other[field]!r}, which is stated, and not read")
            elif field in one:
                wrong.append(f"{field}: {one[field]!r} instead of {other.get(field, 'nothing')!r}")
            else:
                missing.append(f"{field}: {other[field]!r}")
    for at, one in enumerate(read):
        if at not in partner.values():
            wrong += [f"{field}: {value!r} in a record that is none" for field, value in one.items()]
    return right, wrong, missing


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a proportion (Wilson 1927, JASA 22(158), 209-212)."""
    share, square = right / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return middle - half, middle + half


def main(folders: list[str]) -> None:
    paths = sorted(path for folder in folders or ["."] for path in (LAYOUTS / folder).rglob("*/*.json"))
    sums, whole, count = [0, 0, 0], 0, 0
    for name, (one, records) in understood(paths).items():
        expected = one.layout["records"]
        right, wrong, missing = compared(
            [stated(record, expected) for record in records],
            [{field: rounded(value) for field, value in record.items()} for record in expected],
        )
        count += sum(len(record) for record in expected)
        whole += not wrong and not missing
        sums = [sums[0] + right, sums[1] + len(wrong), sums[2] + len(missing)]
        if wrong or missing:
            print(f"{name}: {right} right", *(f"  wrong {line}" for line in wrong), sep="\n")
            print(*(f"  missing {line}" for line in missing), sep="\n")
    low, high = wilson(sums[0], count)
    print(f"{whole} of {len(paths)} layouts whole; {sums[0]} of {count} values right (95 %: {low:.1%} to {high:.1%})")
    print(f"{sums[1]} wrong, {sums[2]} missing")


if __name__ == "__main__":
    main(sys.argv[1:])
