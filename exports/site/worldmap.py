"""The map of the world: outlines of countries, where a place is on it, and how much a shade and a point stand for."""

from __future__ import annotations

import csv
import math
from pathlib import Path

OUTLINES = Path(__file__).parent / "assets" / "world.csv"
"""Country code, name and SVG path of each country."""

_SCALE = 184.7

SHADES = (1, 5, 25, 125, 625, 3125)
"""Clusters from which on a country has the next shade. The page holds them in ``data-shades``, for the filters."""

SIZES = {"least": 0.8, "growth": 0.35, "most": 6}
"""The radius of a point is ``min(most, least + growth * sqrt(clusters))``, in units of the view box.

The page holds these numbers in ``data-sizes``, for the filters.
"""


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Return a place on the map: Equal Earth (Šavrič, Patterson and Jenny, 2018), scaled to 1000 × 487.

    Args:
        latitude: degrees north, -90 to 90.
        longitude: degrees east, -180 to 180.

    Returns:
        x to the right and y downwards, in units of the map's view box.
    """
    first, second, third, fourth = 1.340264, -0.081106, 0.000893, 0.003796
    half = math.sqrt(3) / 2
    angle = math.asin(half * math.sin(math.radians(latitude)))
    square, sixth = angle**2, angle**6
    across = math.radians(longitude) * math.cos(angle)
    across /= half * (first + 3 * second * square + sixth * (7 * third + 9 * fourth * square))
    up = angle * (first + second * square + sixth * (third + fourth * square))
    return 500 + across * _SCALE, 243.4 - up * _SCALE


def spot(latitude: float | None, longitude: float | None) -> tuple[int, int] | None:
    """Return a place on the map, to a unit of the view box: less than two pixels.

    Args:
        latitude: degrees north.
        longitude: degrees east.

    Returns:
        x and y as `project` gives them; None where there are no coordinates, or none on Earth.
    """
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004
        return None
    across, down = project(latitude, longitude)
    return round(across), round(down)


def radius(count: int) -> float:
    """Return the radius of a point that stands for so many clusters, in units of the view box."""
    return round(min(SIZES["most"], SIZES["least"] + SIZES["growth"] * math.sqrt(count)), 1)


def shade(count: int | None) -> int:
    """Return the shade of a country: how many of `SHADES` it reaches; 0 for none."""
    return sum((count or 0) >= least for least in SHADES)


def outlines() -> list[dict[str, str]]:
    """Return the outline of each country: country_code, name, path."""
    return list(csv.DictReader(OUTLINES.read_text(encoding="utf-8").splitlines()))
