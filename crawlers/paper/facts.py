"""paper.facts: what the founding paper and other literature state, from the lists that we ship (README.md here)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from crawlers.batch import Batch
from crawlers.evidence import Document

KINDS: Mapping[str, str] = {
    "claims": (
        "claim_id subject measure value qualifier unit scope as_of stated_by classification programme initiative "
        "contradicts note citation"
    ),
    "clusters": "code name product product_class place country_code region_id note citation",
    "codes": "code_list code name definition parent_code citation",
    "components": (
        "initiative seq name max_cost cost_unit currency unit_basis grant_share grant_share_special special_condition "
        "citation"
    ),
    "initiatives": (
        "code title type level country_code start_year end_year clusters_covered table_3_name same_as note citation"
    ),
    "locations": "initiative seq country_code admin_name citation",
    "organisations": "code name country_code citation",
    "participants": "initiative seq name organisation role org_type citation",
    "relations": "initiative seq relation to_initiative date citation",
    "resources": "code name type publisher url scope since status what_it_holds feeds note citation",
    "theme_rules": "rule_id product theme citation",
}
"""Kind of record → header of its list."""

_KIND_OF = {tuple(header.split()): kind for kind, header in KINDS.items()}


def parse(document: Document) -> Iterator[Batch] | None:
    """Return the rows of a list as records of the kind that its header tells; None where it is another file.

    An empty cell is null. Row n is line n + 1 of the file: no cell of ours holds a line break.
    """
    rows = csv.DictReader(io.StringIO(document.body.decode("utf-8", "replace"), newline=""))
    kind = _KIND_OF.get(tuple(rows.fieldnames or ()))
    if kind is None:
        return None
    records = [
        {**{name: cell or None for name, cell in row.items()}, "_locator": f"csv:row={number}"}
        for number, row in enumerate(rows, 1)
    ]
    return iter([Batch(kind, records)])
