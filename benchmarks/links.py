"""How well the same cluster is found in two feeds, and what serves it, on pairs of records that were labelled by hand.

The records of all pairs of a half stand in one release, and the derive steps link them as they would any others: so a
record may be linked with that of another pair too, which nobody judged; only the labelled pairs are scored. Places of
India are resolved as its feeds resolve them. Labels and rules of scoring: tests/labels.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.categories import Score
from normalizers.normalise import ROOM, prepare
from warehouse.assemble import DERIVE, JUDGED, MACROS, temporary
from warehouse.schema import TABLES, create_table

LABELS = Path(__file__).parents[1] / "tests" / "link_pairs.csv"
SECOND = LABELS.with_name("link_pairs_second.csv")
WORDS = DERIVE / JUDGED["trade_word"]
LISTS = ("categories", "category_mappings", "regions")

_REGION = re.compile(r"((?:us|ca|nuts|in)(?::[a-z]+)?:[A-Z0-9]+)(?:\s+(.*))?")
_CLASS = re.compile(r"[a-z0-9]+:\S+")
_KINDS = {"cluster": "clusters", "organisation": "organisations", "initiative": "initiatives"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled pair and what was answered.

    Attributes:
        half: `a` for tuning, `b` held out.
        hard: labelled as hard.
        expected: `same_as`, `serves` or `none`.
        answer: the relation that the derive step gives, or `none`.
        exact: the answer of the baseline: `same_as` for clusters with equal names and places, else `none`.
        told: both records in words.
    """

    half: str
    hard: bool
    expected: str
    answer: str
    exact: str
    told: str


def answer(release: Path, half: str, labels: Path = LABELS) -> list[Pair]:
    """Link the labelled records of one half.

    Args:
        release: a folder with the tables of `LISTS` as Parquet.
        half: `a` or `b`.
        labels: the labelled pairs.
    """
    with labels.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["half"] == half]
    with duckdb.connect() as connection:
        india = (ROOM / "india" / "shared.sql").read_text("utf-8")
        prepare(connection, {"lgd": Path(__file__).parents[1] / "crawlers" / "ref" / "lgd.csv"}, india)
        connection.execute(india)
        connection.execute("ATTACH ':memory:' AS release")
        for table in TABLES.values():
            connection.execute(create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        for name in LISTS:
            connection.execute(f"INSERT INTO release.{name} BY NAME FROM read_parquet('{release / name}.parquet')")
        connection.execute(
            "CREATE TEMP TABLE link_judgement "
            "(from_id VARCHAR, to_id VARCHAR, relation VARCHAR, decision VARCHAR, reason VARCHAR)"
        )
        connection.execute(f"CREATE TEMP TABLE trade_word AS FROM read_csv('{WORDS}', all_varchar=true)")
        _put(connection, rows)
        for path in sorted(MACROS.glob("*.sql")):
            connection.execute(temporary(path.read_text("utf-8")))
        connection.execute((DERIVE / "categories.sql").read_text("utf-8"))
        connection.execute(
            """
            UPDATE release.organisations SET categories = [hub_category_id]
            FROM release.clusters AS words
            WHERE words.cluster_id = organisation_id AND words.hub_category_id IS NOT NULL;
            DELETE FROM release.clusters WHERE cluster_id IN (SELECT organisation_id FROM release.organisations);
            """
        )
        connection.execute((DERIVE / "cluster_links.sql").read_text("utf-8"))
        found = connection.execute(
            "SELECT DISTINCT from_id, to_id, relation FROM release.links WHERE starts_with(decision, 'accepted')"
        ).fetchall()
    linked = {frozenset(ends): relation for *ends, relation in found}
    return [
        Pair(
            half=half,
            hard=row["hard"] == "yes",
            expected=row["label"],
            answer=linked.get(frozenset({f"{number}:from", f"{number}:to"}), "none"),
            exact="same_as" if _words(row, "from") == _words(row, "to") else "none",
            told=" | ".join(row[f"{side}_{part}"] for side in ("from", "to") for part in ("feed", "name", "place")),
        )
        for number, row in enumerate(rows)
    ]


def _words(row: dict[str, str], side: str) -> tuple[str, ...]:
    return tuple(row[f"{side}_{part}"].casefold() for part in ("kind", "name", "place", "country"))


def _put(connection: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, str]]) -> None:
    """Insert both records of each pair as rows of a release, their places resolved."""
    connection.execute(
        "CREATE TABLE told (id VARCHAR, kind VARCHAR, feed_id VARCHAR, name VARCHAR, country VARCHAR, "
        "region_id VARCHAR, place VARCHAR, class VARCHAR, words VARCHAR)"
    )
    records = []
    for number, row in enumerate(rows):
        for side in ("from", "to"):
            stated = _REGION.fullmatch(row[f"{side}_place"])
            category = row[f"{side}_category"]
            is_class = _CLASS.fullmatch(category) is not None
            records.append(
                (
                    f"{number}:{side}",
                    row[f"{side}_kind"],
                    row[f"{side}_feed"],
                    row[f"{side}_name"],
                    row[f"{side}_country"],
                    stated[1] if stated else None,
                    stated[2] if stated else row[f"{side}_place"] or None,
                    category if is_class else None,
                    None if is_class else category or None,
                )
            )
    connection.executemany(f"INSERT INTO told VALUES ({', '.join('?' * 9)})", records)
    connection.execute(
        """
        -- Place, district, state; place, state; or a place alone.
        CREATE TABLE wanted AS
        SELECT DISTINCT
            place AS published,
            if(len(parts) > 1, parts[-1], NULL) AS state,
            if(len(parts) > 2, parts[-2], NULL) AS district,
            array_to_string(if(len(parts) > 2, parts[:-3], parts[:1]), ', ') AS place
        FROM (SELECT place, string_split(place, ', ') AS parts FROM told WHERE country = 'IN' AND region_id IS NULL)
        WHERE published IS NOT NULL;
        CREATE TABLE in_india AS
        SELECT published, region_id FROM wanted JOIN placed_in_india('wanted') AS found
            ON found.place IS NOT DISTINCT FROM wanted.place AND found.district IS NOT DISTINCT FROM wanted.district
            AND found.state IS NOT DISTINCT FROM wanted.state;
        CREATE TABLE record AS
        SELECT told.* REPLACE (coalesce(told.region_id, in_india.region_id, named.region_id) AS region_id)
        FROM told
        LEFT JOIN in_india ON in_india.published = told.place AND told.country = 'IN'
        -- The feed of organisations finds a region by its name.
        LEFT JOIN (
            SELECT name_key(name) AS key, country_code, min(region_id) AS region_id
            FROM release.regions WHERE scheme = 'nuts' AND length(code) IN (3, 4) AND valid_to IS NULL
            GROUP BY ALL HAVING count(*) = 1
        ) AS named ON named.key = name_key(told.place) AND named.country_code = told.country
            AND told.kind = 'organisation';

        INSERT INTO release.clusters BY NAME
        SELECT
            id AS cluster_id, feed_id, name,
            CASE
                WHEN class IS NOT NULL THEN 'cell'
                WHEN starts_with(feed_id, 'paper') THEN 'documented'
                ELSE 'surveyed'
            END AS kind,
            ['label'] AS identified_by, region_id, place, country AS country_code, class AS category_id,
            if(starts_with(class, 'bcd:'), class, NULL) AS hub_category_id,
            words AS product
        FROM record WHERE kind IN ('cluster', 'organisation');
        INSERT INTO release.organisations BY NAME
        SELECT id AS organisation_id, feed_id, name, region_id, place, country AS country_code
        FROM record WHERE kind = 'organisation';
        INSERT INTO release.initiatives BY NAME
        SELECT id AS initiative_id, feed_id, name || coalesce(': ' || words, '') AS title, country AS country_code
        FROM record WHERE kind = 'initiative';
        INSERT INTO release.initiative_locations BY NAME
        SELECT id AS initiative_id, 1 AS seq, feed_id, place AS admin_name
        FROM record WHERE kind = 'initiative' AND place IS NOT NULL;
        """
    )


def score(pairs: Sequence[Pair], *, baseline: bool = False) -> Score:
    """Count links that are right, wrong and missing; with `baseline` of the exact matches alone."""
    answers = [(pair.exact if baseline else pair.answer, pair.expected) for pair in pairs]
    return Score(
        right=sum(given == expected != "none" for given, expected in answers),
        wrong=sum(given not in {"none", expected} for given, expected in answers),
        missed=sum(expected not in {"none", given} for given, expected in answers),
    )
