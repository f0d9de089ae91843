"""How fast a page is read: one table of 50,000 rows, and pages of cards with a small table each, of growing size."""

from __future__ import annotations

import time

from crawlers import reader

LABELS = reader.Labels(
    {
        "cluster": ["Cluster"],
        "state": ["State"],
        "district": ["District"],
        "units": ["Units"],
        "employment": ["Employment"],
        "turnover": ["Turnover"],
    },
    kinds={"units": "number", "employment": "number", "turnover": "money"},
)
HEADER = "<tr><th>No<th>Cluster<th>State<th>District<th>Units<th>Employment<th>Turnover (Rs. Crore)<th>Link</tr>"


def big_table(rows: int) -> bytes:
    """Return a page with one table of invented rows, eight columns each."""
    body = "".join(
        f"<tr><td>{row}</td><td>Cluster {row}</td><td>Gujarat</td><td>District {row % 700}</td><td>{row % 5000:,}</td>"
        f"<td>{row * 3:,}</td><td>{row / 7:.1f}</td><td><a href='/c/{row}'>more</a></td></tr>"
        for row in range(rows)
    )
    return f"<html><body><h1>Clusters</h1><table>{HEADER}{body}</table></body></html>".encode()


def cards(count: int) -> bytes:
    """Return a page of invented cards, each with two lines and a table of one row."""
    body = "".join(
        f"<div class=card><h3>C{card}</h3><p><b>State:</b> Goa</p><p><b>Units:</b> {card}</p>"
        f"<table><tr><th>Cluster<th>Units<tr><td>T{card}<td>{card}</table></div>"
        for card in range(count)
    )
    return f"<html><body>{body}</body></html>".encode()


def measure(body: bytes) -> tuple[int, float]:
    """Read a page; return its records and the seconds of processor time that parsing and reading took."""
    begin = time.process_time()
    reading = reader.read(body, LABELS, required={"cluster"}, title="cluster")
    spent = time.process_time() - begin
    assert reading is not None
    return len(reading.records), spent
