"""How well the hub category of a product or sector name is found, on names that were labelled by hand.

The lists that we ship are harvested into a home of its own; then the names stand in for clusters, and the derive step
of the releases reads them. Labels and rules of scoring: tests/labels.md.
"""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from crawlers.source import catalogue
from normalizers.normalise import program
from warehouse.assemble import DERIVE
from warehouse.schema import TABLES, create_table

LABELS = Path(__file__).parents[1] / "tests" / "category_names.csv"
OTHERS = LABELS.with_name("category_names_of_others.csv")
SECOND = LABELS.with_name("category_names_second.csv")

READ_AS_WORDS = ("indian_product", "eccp", "free_text", "us")
"""Schemes of the labels whose names have no class of their own: they are read as products are."""


@dataclass(frozen=True, slots=True)
class Name:
    """A labelled name and what was answered.

    Attributes:
        scheme: where the name is from.
        name: the name.
        expected: classes of which each would be right; none where none is.
        half: `a` for tuning, `b` held out, `c` names from lists of others, `d` of six kinds of list.
        hard: labelled as hard; of the lists of others nobody says so.
        answer: the class that the derive step gives, or None.
        match: how it was found.
        exact: the class of the hub that has this name, or None: the baseline.
    """

    scheme: str
    name: str
    expected: frozenset[str]
    half: str
    hard: bool
    answer: str | None = None
    match: str | None = None
    exact: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of answers that are right, wrong, and missing."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the answers that are right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Share of the names with a class that got a right one."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0


def harvest_lists(home: Path) -> Path:
    """Harvest the lists that name categories or regions into a home; return the folder of the release."""
    named = [
        feed.feed_id
        for feed in catalogue()["ref"].feeds.values()
        if re.search(r"staged\.(categories|regions)", program(feed.feed_id, ".sql").read_text("utf-8"))
    ]
    for arguments in (["harvest", *named, "--no-publish"], ["publish", "--profile", "local"]):
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "cli", *arguments, "--home", str(home), "--json"], capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"observatory {' '.join(arguments)}: {done.stdout.decode()}{done.stderr.decode()}")
        json.loads(done.stdout)
    return home / "published" / "latest"


def answer(release: Path, labels: Path = LABELS) -> list[Name]:
    """Read the labelled names as a release would read clusters of them.

    Args:
        release: a folder with `categories.parquet` and `category_mappings.parquet`.
        labels: the labelled names.
    """
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in ("categories", "category_mappings", "clusters"):
            connection.execute(create_table(TABLES[table]).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        for table in ("categories", "category_mappings"):
            connection.execute(f"INSERT INTO release.{table} FROM read_parquet('{release / table}.parquet')")
        step = (DERIVE / "categories.sql").read_text("utf-8")
        connection.execute(step)  # without a cluster yet: for its macro
        with labels.open(encoding="utf-8", newline="") as stream:
            rows = [
                (f"label:{number}", row["scheme"], row["name"], row["expected"], row["half"], row.get("hard") == "yes")
                for number, row in enumerate(csv.DictReader(stream))
            ]
        connection.execute(
            "CREATE TEMP TABLE label "
            "(cluster_id VARCHAR, scheme VARCHAR, name VARCHAR, expected VARCHAR, half VARCHAR, hard BOOLEAN)"
        )
        connection.executemany("INSERT INTO label VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute(
            """
            INSERT INTO release.clusters BY NAME
            SELECT
                cluster_id, 'label' AS feed_id, label.name, 'surveyed' AS kind,
                CASE WHEN label.scheme NOT IN ? THEN coalesce(category.category_id, label.scheme || ':unlisted') END
                    AS category_id,
                CASE WHEN label.scheme IN ? THEN label.name END AS product
            FROM label
            LEFT JOIN release.categories AS category
                ON category.scheme = regexp_replace(label.scheme, '_emerging$', '')
                AND folded_name(category.name) = folded_name(label.name)
                AND starts_with(category.code, 'emerging-') = (label.scheme = 'eocic_emerging')
            """,
            [list(READ_AS_WORDS), list(READ_AS_WORDS)],
        )
        connection.execute(step)
        found = connection.execute(
            """
            SELECT label.scheme, label.name, expected, half, hard, hub_category_id, hub_category_match, exact
            FROM label
            JOIN release.clusters USING (cluster_id)
            LEFT JOIN (
                SELECT folded_name(name) AS words, min(regexp_replace(category_id, '[.].*$', '')) AS exact
                FROM release.categories WHERE scheme = 'bcd'
                GROUP BY words HAVING count(DISTINCT regexp_replace(category_id, '[.].*$', '')) = 1
            ) AS hub ON hub.words = folded_name(label.name)
            ORDER BY label.scheme, label.name
            """
        ).fetchall()
    return [
        Name(scheme, name, frozenset(expected.split(";")) - {""}, half, hard, hub, match, exact)
        for scheme, name, expected, half, hard, hub, match, exact in found
    ]


def score(names: Sequence[Name], *, baseline: bool = False) -> Score:
    """Count what is right, wrong and missing; with `baseline` of the exact matches alone."""
    answers = [(name.exact if baseline else name.answer, name.expected) for name in names]
    right = sum(given in expected for given, expected in answers)
    return Score(
        right=right,
        wrong=sum(given is not None and given not in expected for given, expected in answers),
        missed=sum(bool(expected) and given not in expected for given, expected in answers),
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's score, which is no point where all is right, as a bootstrap's."""
    if not of:
        return 0.0, 1.0
    z = 1.959964
    share, spread = right / of, z * z / of
    middle, half = share + spread / 2, z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def groups(names: Sequence[Name]) -> Mapping[str, Sequence[Name]]:
    """Return the names of a half as a whole and by kind; a kind that is empty, or all of it, is left out."""
    kinds = {
        "all": names,
        "hard": [name for name in names if name.hard],
        "Indian products": [name for name in names if name.scheme == "indian_product"],
        "classes of schemes": [name for name in names if name.scheme not in READ_AS_WORDS],
    }
    return {kind: chosen for kind, chosen in kinds.items() if kind == "all" or 0 < len(chosen) < len(names)}


def halves(names: Sequence[Name]) -> Mapping[str, Sequence[Name]]:
    """Return the names of each half."""
    return {half: [name for name in names if name.half == half] for half in sorted({name.half for name in names})}
