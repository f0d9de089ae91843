"""Invented documents of cells and aggregates, made in DuckDB so that the formulas of the source hold among them.

Everything grows from counties: a region's employment is the sum over its counties, and the United States are the
sum of all. Subclusters divide their cluster. Draws are MD5 digests of the seed and the codes, so a seed decides every
figure.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from replicas.us import facts

MEMORY_LIMIT = "1GB"
"""What the figures may take up; more is kept on disk. All counties of 19 years are 4.1 million rows."""

BASE_YEAR = 2016
UNITED_STATES = "98"

# The draws u1 … u4 are uniform in [0, 1); `bell` makes a roughly normal number of three of them. `divided` gives the
# part of a whole number that falls to one of several shares, of which `upto` are used up with it.
MACROS = """
CREATE MACRO draw(digest, i) AS ((digest >> (32 * i)::UHUGEINT) & 4294967295)::DOUBLE / 4294967296;
CREATE MACRO bell(u1, u2, u3) AS 2 * (u1 + u2 + u3 - 1.5);
CREATE MACRO yearly(u, year) AS u * year - floor(u * year);
CREATE MACRO divided(whole, share, upto, shares) AS
    CASE WHEN shares = 0 THEN 0 ELSE (whole * upto) // shares - (whole * (upto - share)) // shares END::BIGINT;
CREATE MACRO percentile(rank, regions) AS floor(100 / regions * (rank - 0.5) + 0.5)::INTEGER;
CREATE MACRO number(x) AS CASE WHEN x = trunc(x) THEN x::BIGINT::VARCHAR ELSE x::VARCHAR END;
CREATE MACRO wage(payroll, jobs) AS CASE WHEN jobs = 0 THEN 0 ELSE payroll * 1000 / jobs END::FLOAT;
CREATE MACRO ranks(field, type, rank, regions) AS concat(
    '"', field, '_rank_i":', rank, ',"', field, '_per_rank_i":',
    CASE WHEN type = 'state' THEN rank ELSE percentile(rank, regions) END, ',');
"""

_TEXTS = '"name":"VARCHAR","key":"VARCHAR","json":"VARCHAR"'
TABLES = tuple(
    f"CREATE TABLE {name} AS SELECT unnest(from_json(?, '[{columns}]'), recursive := true)"
    for name, columns in (
        ("region", f'{{"type":"VARCHAR","code":"VARCHAR",{_TEXTS}}}'),
        ("member", '{"type":"VARCHAR","code":"VARCHAR","county":"VARCHAR"}'),
        ("activity", f'{{"cluster":"INT","sub":"INT","traded":"BOOL",{_TEXTS},"sub_json":"VARCHAR"}}'),
    )
)
# `sub` is 0 for a cluster as a whole.
EMPTY = """
CREATE TABLE county_cell (county VARCHAR, cluster INTEGER, sub INTEGER, year INTEGER, emp BIGINT, est BIGINT);
CREATE TABLE cell (
    type VARCHAR, code VARCHAR, cluster INTEGER, sub INTEGER, year INTEGER,
    emp BIGINT, emp_reported BIGINT, qp1 BIGINT, est BIGINT, ap BIGINT, wage FLOAT, records INTEGER,
    lq FLOAT, region_share FLOAT, cluster_share FLOAT,
    qualifying BOOLEAN, significant BOOLEAN, strong BOOLEAN, strong10 BOOLEAN,
    emp_rank INTEGER, wage_rank INTEGER, lq_rank INTEGER, est_rank INTEGER, regions INTEGER, active INTEGER);
"""

# What a county holds in the base year; Puerto Rico has placeholders only.
PROPENSITY = """
CREATE TABLE propensity AS
WITH county AS (
    SELECT code AS county, md5_number($seed || '/' || code) AS d,
           CASE WHEN code LIKE '72%' THEN 0
                ELSE exp(9.45 + 1.5 * bell(draw(d, 0), draw(d, 1), draw(d, 2))) END AS jobs
    FROM region WHERE type = 'county'),
trade AS (
    SELECT cluster, traded, md5_number($seed || '//' || cluster) AS d,
           bell(draw(d, 0), draw(d, 1), draw(d, 2)) AS z,
           exp(CASE WHEN traded THEN 1.8 ELSE 0.7 END * z) AS weight,
           CASE WHEN traded THEN 0.36 ELSE 0.64 END * weight / sum(weight) OVER (PARTITION BY traded) AS share,
           exp(2.0 + 0.4 * z) AS jobs_per_establishment,
           1 + 0.03 * (draw(d, 3) - 0.5) AS growth
    FROM activity WHERE sub = 0)
SELECT county, cluster, growth, jobs_per_establishment,
       md5_number($seed || '/' || county || '/' || cluster) AS d2, draw(d2, 3) AS u,
       bell(draw(d2, 0), draw(d2, 1), draw(d2, 2)) AS z2,
       md5_number($seed || '/' || left(county, 2) || '//' || cluster) AS d3,
       bell(draw(d3, 0), draw(d3, 1), draw(d3, 2)) AS z3,
       jobs * share * CASE WHEN traded THEN exp(1.0 * z2 + 1.5 * z3 - 1.6) ELSE exp(0.3 * z2) END
           / jobs_per_establishment AS establishments
FROM county CROSS JOIN trade
"""

COUNTY_CELLS = """
INSERT INTO county_cell
SELECT county, cluster, 0, $year,
       CASE WHEN est = 0 OR (est < 4 AND yearly(u, 7 * $year) < 0.0005) THEN 0
            ELSE greatest(1, round(est * jobs_per_establishment * (0.7 + 0.5 * u + 0.1 * yearly(u, $year))))
       END AS emp, est
FROM (SELECT *, floor(establishments * growth ** ($year - $base_year) + u)::BIGINT AS est FROM propensity)
"""

# The establishments of a cluster in a county fall to its subclusters, and the jobs follow them.
COUNTY_SUBCELLS = """
INSERT INTO county_cell
WITH weighed AS (
    SELECT county, cluster, a.sub, emp, est,
           md5_number($seed || '/' || county || '/' || cluster || '/' || a.sub) AS d,
           (1000 * exp(1.5 * bell(draw(d, 0), draw(d, 1), draw(d, 2))))::BIGINT + 1 AS weight
    FROM county_cell c JOIN activity a USING (cluster) WHERE c.sub = 0 AND a.sub > 0 AND year = $year AND est > 0),
placed AS (
    SELECT *, divided(est, weight, sum(weight) OVER so_far, sum(weight) OVER all_of_it) AS est_sub
    FROM weighed
    WINDOW so_far AS (PARTITION BY county, cluster ORDER BY sub), all_of_it AS (PARTITION BY county, cluster))
SELECT county, cluster, sub, $year, divided(emp, est_sub, sum(est_sub) OVER so_far, est), est_sub
FROM placed WINDOW so_far AS (PARTITION BY county, cluster ORDER BY sub)
"""

# Sections 3.4 and 2.2 of what is known of the source: base of the quotient, quantiles, ranks. `known` is one of the
# two below.
CELLS = """
INSERT INTO cell
WITH total AS (
    SELECT cluster, sub, sum(emp) AS us_emp FROM county_cell WHERE year = $year AND (sub > 0) = $divided GROUP BY ALL),
nation AS (
    SELECT cluster, sub, traded, coalesce(us_emp, 0) AS us_emp, sum(us_emp) OVER (PARTITION BY traded) AS us_base
    FROM activity LEFT JOIN total USING (cluster, sub) WHERE (sub > 0) = $divided),
summed AS (
    SELECT code, cluster, sub, sum(emp)::BIGINT AS emp, sum(est)::BIGINT AS est
    FROM county_cell JOIN member USING (county)
    WHERE type = $type AND year = $year AND (sub > 0) = $divided GROUP BY ALL),
grid AS (
    SELECT r.code, n.*, coalesce(emp, 0) AS emp, coalesce(est, 0) AS est,
           md5_number(concat_ws('/', $seed, $type, r.code, n.cluster, nullif(n.sub, 0), $year)) AS d
    FROM region r CROSS JOIN nation n LEFT JOIN summed s ON s.code = r.code AND s.cluster = n.cluster AND s.sub = n.sub
    WHERE r.type = $type),
{known},
measured AS (
    SELECT *,
           CASE WHEN emp_reported = 0 THEN 0 ELSE ap * 1000 / emp_reported END::FLOAT AS wage,
           CASE WHEN est = 0 THEN 0 ELSE 2 + floor(3 * ln(est)) END::INTEGER AS records,
           sum(emp) OVER (PARTITION BY code, traded) AS base,
           CASE WHEN emp = 0 THEN 0 ELSE emp / base END AS region_share,
           CASE WHEN emp = 0 THEN 0 ELSE region_share / (us_emp / us_base) END::FLOAT AS lq
    FROM known),
bounds AS (
    SELECT cluster, sub,
           quantile_cont(lq::DOUBLE, [0.25, 0.5, 0.75, 0.9]) FILTER (emp > 0) AS q,
           quantile_cont(emp::DOUBLE, 0.25) FILTER (emp > 0) AS least_emp,
           quantile_cont(est::DOUBLE, 0.25) FILTER (emp > 0) AS least_est,
           count(*) AS regions, count(*) FILTER (emp > 0) AS active
    FROM measured GROUP BY cluster, sub)
SELECT $type, code, cluster, sub, $year, emp, emp_reported, qp1, est, ap, wage, records,
       lq, region_share, CASE WHEN emp = 0 THEN 0 ELSE emp / us_emp END,
       large AND lq > q[1], large AND lq > q[2], large AND lq >= q[3] AND lq >= 1, large AND lq >= q[4] AND lq >= 1,
       row_number() OVER (PARTITION BY cluster, sub ORDER BY emp DESC, code),
       row_number() OVER (PARTITION BY cluster, sub ORDER BY wage DESC, code),
       row_number() OVER (PARTITION BY cluster, sub ORDER BY lq DESC, code),
       row_number() OVER (PARTITION BY cluster, sub ORDER BY est DESC, code),
       regions, active
FROM (SELECT *, coalesce(emp > least_emp AND est > least_est, false) AS large
      FROM measured JOIN bounds USING (cluster, sub))
ORDER BY cluster, sub  -- so that a cluster of all years is found without reading all of them
"""

DISCLOSED = """
disclosed AS (
    SELECT *,
           CASE WHEN emp = 0 OR draw(d, 0) < 8 / (8 + est) THEN 0
                WHEN draw(d, 1) < 0.7 THEN emp - floor(emp * 0.6 * draw(d, 2) / (1 + est / 200))
                ELSE emp END::BIGINT AS emp_reported,
           round(CASE WHEN emp = 0 THEN est * 35 ELSE emp_reported END
                 * (24 + 60 * draw(md5_number($seed || '///' || cluster), 0)) * (0.8 + 0.4 * draw(d, 3)))::BIGINT AS ap
    FROM grid),
known AS (SELECT *, round(ap * (0.21 + 0.06 * draw(d, 1)))::BIGINT AS qp1 FROM disclosed)
"""

# What is disclosed of a cluster is divided as its jobs are, payroll as what is disclosed.
DIVIDED = """
placed AS (
    SELECT g.* EXCLUDE (emp, est), w.emp_reported AS reported, w.ap AS payroll, w.qp1 AS quarter, w.emp AS jobs,
           w.est AS places,
           divided(w.est, g.est, sum(g.est) OVER so_far, sum(g.est) OVER all_of_it) AS est,
           divided(w.emp, g.emp, sum(g.emp) OVER so_far, sum(g.emp) OVER all_of_it) AS emp
    FROM grid g JOIN cell w ON w.code = g.code AND w.cluster = g.cluster
        AND w.type = $type AND w.year = $year AND w.sub = 0
    WINDOW so_far AS (PARTITION BY g.code, g.cluster ORDER BY g.sub), all_of_it AS (PARTITION BY g.code, g.cluster)),
disclosed AS (
    SELECT *, divided(reported, emp, sum(emp) OVER so_far, jobs) AS emp_reported
    FROM placed WINDOW so_far AS (PARTITION BY code, cluster ORDER BY sub)),
paid AS (
    SELECT *, CASE WHEN reported > 0 THEN divided(payroll, emp_reported, sum(emp_reported) OVER so_far, reported)
                   ELSE divided(payroll, est, sum(est) OVER so_far, places) END AS ap
    FROM disclosed WINDOW so_far AS (PARTITION BY code, cluster ORDER BY sub)),
known AS (
    SELECT *, divided(quarter, ap, sum(ap) OVER so_far, payroll) AS qp1
    FROM paid WINDOW so_far AS (PARTITION BY code, cluster ORDER BY sub))
"""

# The one true row: Hawaii, Hospitality and Tourism, 2016. Its neighbours are invented.
HAWAII = """
UPDATE cell SET emp = 53957, emp_reported = 53762, qp1 = 549862, est = 1304, ap = 2229293, wage = 41465.96,
    records = 24, lq = 4.800802, region_share = 0.34214965, cluster_share = 0.016734112,
    qualifying = true, significant = true, strong = true, strong10 = true,
    emp_rank = 20, wage_rank = 8, lq_rank = 2, est_rank = 36
WHERE type = 'state' AND code = '15' AND cluster = 22 AND sub = 0 AND year = 2016
"""

# A value that is absent at the source is an absent key. States carry the plain rank as percentile. One `concat` of all
# parts is three times as fast as a chain of `||`.
DOCUMENT = """concat(
    '{"id":"cluster/', type, '/', code, '/', cluster, '/', year, CASE WHEN sub > 0 THEN '/' || sub END,
    '","type_t":"cluster",', a.json, ',"year_t":"', year, '",', r.json,
    ',"traded_b":', traded, ',"subcluster_b":', sub > 0, a.sub_json, ',"empflag_t":"","emp_tl":', emp,
    ',"emp_reported_tl":', emp_reported, ',"qp1_tl":', qp1, ',"est_tl":', est, ',"ap_tl":', ap,
    ',"private_wage_tf":', number(wage), ',"rec_count_tl":', records, ',"supression_b":false,',
    CASE WHEN records > 0 AND type <> 'economic' THEN '"naics_b":true,' END,
    '"lq_tf":', number(lq), ',"region_emp_per_tf":', number(region_share),
    ',"cluster_emp_per_tf":', number(cluster_share), ',',
    CASE WHEN traded THEN concat('"qualifying_b":', qualifying, ',"significant_b":', significant,
                                 ',"strong_b":', strong, ',"strong10_b":', strong10, ',') END,
    CASE WHEN emp > 0 THEN ranks('emp_tl', type, emp_rank, regions) END,
    CASE WHEN wage > 0 THEN ranks('private_wage_tf', type, wage_rank, regions) END,
    CASE WHEN lq > 0 THEN ranks('lq_tf', type, lq_rank, active) END,
    CASE WHEN est > 0 THEN ranks('est_tl', type, est_rank, regions) END,
    '"timestamp":"', $timestamp::VARCHAR, '"}')
"""

# No real aggregate is known: names and order of its keys are those of the source's code, and the indicators at the end
# stand for hundreds.
AGGREGATE = """concat(
    '{"id":"aggregate/', type, '/', code, '/', year, '","type_t":"aggregate","cluster_code_t":"all","year_t":"', year,
    '",', r.json, ',"emp_tl":', emp, ',"emp_traded_tl":', emp_traded, ',"emp_local_tl":', emp - emp_traded,
    ',"emp_reported_tl":', reported, ',"emp_reported_traded_tl":', reported_traded,
    ',"emp_reported_local_tl":', reported - reported_traded,
    ',"est_tl":', est, ',"est_traded_tl":', est_traded, ',"est_local_tl":', est - est_traded,
    ',"ap_tl":', ap, ',"ap_traded_tl":', ap_traded, ',"ap_local_tl":', ap - ap_traded,
    ',"private_wage_tf":', number(wage(ap, reported)),
    ',"private_wage_traded_tf":', number(wage(ap_traded, reported_traded)),
    ',"private_wage_local_tf":', number(wage(ap - ap_traded, reported - reported_traded)), ',', by_cluster,
    '"strong_clusters":{', strong, '},"leading_clusters":[],"str_emp_tl":', emp_strong,
    ',"population_tf":', 3 * emp, ',"gdp_per_capita_tf":', 40000 + emp % 10000, ',"gdp_per_capita_tf_rank_i":1',
    ',"patent_company_txt":["Synthetic Company"],"timestamp":"', $timestamp::VARCHAR, '"}')
"""
AGGREGATES = """
    SELECT type, code, year,
           sum(emp)::BIGINT AS emp, coalesce(sum(emp) FILTER (traded), 0)::BIGINT AS emp_traded,
           sum(emp_reported)::BIGINT AS reported,
           coalesce(sum(emp_reported) FILTER (traded), 0)::BIGINT AS reported_traded,
           sum(est)::BIGINT AS est, coalesce(sum(est) FILTER (traded), 0)::BIGINT AS est_traded,
           sum(ap)::BIGINT AS ap, coalesce(sum(ap) FILTER (traded), 0)::BIGINT AS ap_traded,
           coalesce(sum(emp) FILTER (strong AND traded), 0)::BIGINT AS emp_strong,
           string_agg(concat('"cluster_', cluster, '_emp_tl":', emp, ','), '' ORDER BY cluster) FILTER (traded)
               AS by_cluster,
           string_agg(concat('"', cluster, '":{"name":"', name, '","code":"', cluster, '","key":"', key, '"}'), ','
                      ORDER BY cluster) FILTER (strong AND traded) AS strong
    FROM cell JOIN activity USING (cluster, sub)
    WHERE type = $type AND list_contains($years, year::VARCHAR) AND sub = 0
    GROUP BY type, code, year
"""

# What `sort` may name: a field of the documents that every one of them has. Codes of one region type are equally long,
# or none begins another, so that parts of the id sort as the id does.
ID = "code, cluster::VARCHAR, year, sub::VARCHAR"
SORTABLE = {
    "id": ID,
    "type_t": "'cluster'",
    "cluster_code_t": "cluster::VARCHAR",
    "cluster_name_t": "a.name",
    "key_t": "a.key",
    "year_t": "year",
    "region_type_t": "type",
    "region_code_t": "code",
    "region_name_t": "r.name",
    "region_key_t": "r.key",
    "traded_b": "traded",
    "emp_tl": "emp",
    "emp_reported_tl": "emp_reported",
    "est_tl": "est",
    "qp1_tl": "qp1",
    "ap_tl": "ap",
    "private_wage_tf": "wage",
    "rec_count_tl": "records",
    "lq_tf": "lq",
    "region_emp_per_tf": "region_share",
    "cluster_emp_per_tf": "cluster_share",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents a request asks for; None means no restriction.

    Attributes:
        region_type: one region type.
        years: years that the replica serves.
        codes: region codes.
        key: a region key, in place of codes.
        clusters: cluster codes.
        traded: traded or local clusters only.
        subcluster: `all` subclusters, or those of one code; None for the clusters themselves.
    """

    region_type: str
    years: Sequence[str]
    codes: Sequence[str] | None = None
    key: str | None = None
    clusters: Sequence[str] | None = None
    traded: bool | None = None
    subcluster: str | None = None


class Cells:
    """The documents of one seed; each region type and year is made when it is first asked for.

    Args:
        seed: decides every figure.
        blank: years that have placeholders only.
    """

    def __init__(self, seed: int, blank: Sequence[str] = ()) -> None:
        self._seed, self._blank = str(seed), set(blank)
        self._made: set[tuple[str, str, bool]] = set()
        self._lock = threading.Lock()
        spill = tempfile.mkdtemp(prefix="replica-")
        weakref.finalize(self, shutil.rmtree, spill, ignore_errors=True)
        self._connection = duckdb.connect(config={"threads": 2, "memory_limit": MEMORY_LIMIT, "temp_directory": spill})
        self._connection.execute("ATTACH ':memory:' AS figures (COMPRESS); USE figures;" + MACROS)
        for statement, rows in zip(TABLES, (_regions(), _members(), _activities()), strict=True):
            self._connection.execute(statement, [json.dumps(rows)])
        self._connection.execute(EMPTY)
        self._connection.execute(PROPENSITY, {"seed": self._seed})

    def select(
        self,
        selection: Selection,
        order: Sequence[tuple[str, bool]] | None,
        window: tuple[int, int | None],
        shuffle: int,
        timestamp: str,
    ) -> list[str]:
        """Give the JSON texts of the selected cells.

        Args:
            selection: which documents.
            order: names of `SORTABLE` and whether descending; None for an order that `shuffle` decides.
            window: how many documents to skip, and how many to give at most.
            shuffle: any number.
            timestamp: the load time that the documents carry.
        """
        conditions, values = _conditions(selection)
        conditions.append("sub = 0" if selection.subcluster is None else "sub > 0")
        for condition, name, value in (
            ("list_contains($clusters, cluster::VARCHAR)", "clusters", selection.clusters),
            ("traded = $traded", "traded", selection.traded),
            ("sub::VARCHAR = $sub", "sub", None if selection.subcluster == "all" else selection.subcluster),
        ):
            if value is not None:
                conditions.append(condition)
                values[name] = value
        if order is None:
            order_by = f"md5_number(concat_ws('/', {ID}, $shuffle::VARCHAR))"
            values["shuffle"] = shuffle
        else:
            order_by = ", ".join(_direction(SORTABLE[name], down) for name, down in order)
        # The long texts are joined to the rows that are given, not to all that are sorted.
        query = f"""
            SELECT {DOCUMENT}
            FROM (SELECT c.*, row_number() OVER (ORDER BY {order_by}, {ID}) AS position
                  FROM cell c JOIN region r USING (type, code) JOIN activity a USING (cluster, sub)
                  WHERE {" AND ".join(conditions)} ORDER BY position LIMIT $limit OFFSET $start) c
            JOIN region r USING (type, code) JOIN activity a USING (cluster, sub)
            ORDER BY position"""
        return self._texts(selection, query, values, window, timestamp)

    def aggregates(self, selection: Selection, window: tuple[int, int | None], timestamp: str) -> list[str]:
        """Give the JSON texts of the aggregates of the selected regions and years, in the order of their ids.

        Args:
            selection: which regions and years.
            window: how many documents to skip, and how many to give at most.
            timestamp: the load time that the documents carry.
        """
        conditions, values = _conditions(selection)
        query = f"""
            SELECT {AGGREGATE} FROM ({AGGREGATES}) JOIN region r USING (type, code)
            WHERE {" AND ".join(conditions)} ORDER BY code, year LIMIT $limit OFFSET $start"""
        return self._texts(selection, query, values, window, timestamp)

    def _texts(
        self,
        selection: Selection,
        query: str,
        values: dict[str, object],
        window: tuple[int, int | None],
        timestamp: str,
    ) -> list[str]:
        start, limit = window
        with self._lock:
            for year in selection.years:
                self._make(selection.region_type, year, divided=selection.subcluster is not None)
            given = values | {"timestamp": timestamp, "start": start, "limit": limit}
            return [text for (text,) in self._connection.execute(query, given).fetchall()]

    def _make(self, region_type: str, year: str, *, divided: bool) -> None:
        """Fill the tables for a region type and a year, once: with clusters, and where asked with subclusters."""
        if (region_type, year, divided) in self._made:
            return
        self._made.add((region_type, year, divided))
        if divided:
            self._make(region_type, year, divided=False)
        if ("", year, divided) not in self._made and year not in self._blank:
            self._made.add(("", year, divided))
            if divided:
                self._connection.execute(COUNTY_SUBCELLS, {"year": int(year), "seed": self._seed})
            else:
                self._connection.execute(COUNTY_CELLS, {"year": int(year), "base_year": BASE_YEAR})
        self._connection.execute(
            CELLS.format(known=(DIVIDED if divided else DISCLOSED).strip()),
            {"seed": self._seed, "type": region_type, "year": int(year), "divided": divided},
        )
        if (region_type, year) == ("state", str(BASE_YEAR)) and not divided:
            self._connection.execute(HAWAII)


def _conditions(selection: Selection) -> tuple[list[str], dict[str, object]]:
    conditions = ["type = $type", "list_contains($years, year::VARCHAR)"]
    values: dict[str, object] = {"type": selection.region_type, "years": list(selection.years)}
    if selection.codes is not None:
        conditions.append("list_contains($codes, code)")
        values["codes"] = list(selection.codes)
    if selection.key is not None:
        conditions.append("r.key = $key")
        values["key"] = selection.key
    return conditions, values


def _direction(columns: str, descending: bool) -> str:
    return ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column in columns.split(", "))


def _regions() -> list[facts.Document]:
    rows = []
    for region in facts.regions().values():
        source = region.document
        shown = {
            "region_type_t": source["region_type_t"],
            "region_code_t": source["region_code_t"],
            "region_name_t": source["name_t"],
            "region_short_name_t": source.get("region_short_name_t"),
            "region_area_type_t": region.area_type,
            "region_key_t": source["key_t"],
        }
        rows.append(
            {
                "type": source["region_type_t"],
                "code": source["region_code_t"],
                "name": source["name_t"],
                "key": source["key_t"],
                "json": _inner({name: value for name, value in shown.items() if value is not None}),
            }
        )
    return [row for row in rows if row["type"] != "custom"]


def _members() -> list[facts.Document]:
    """Which counties each region consists of."""
    rows = []
    for region in facts.regions().values():
        kind, code = region.document["region_type_t"], region.document["region_code_t"]
        rows += [{"type": kind, "code": code, "county": county} for county in region.counties]
        if kind == "county":
            rows.append({"type": "state", "code": code[:2], "county": code})
            rows.append({"type": "country", "code": UNITED_STATES, "county": code})
    return rows


def _activities() -> list[facts.Document]:
    """The clusters, and with a code of their own their subclusters."""
    rows = []
    parent = facts.categories()[0]
    for category in facts.categories():
        parent = parent if category.subcode else category
        key = f"{parent.key}_{category.key}" if category.subcode else category.key
        shown = {"cluster_name_t": parent.name, "cluster_code_t": parent.code, "key_t": key}
        of_sub = {"sub_code_t": category.subcode, "sub_name_t": category.name, "parent_key_t": parent.key}
        rows.append(
            {
                "cluster": int(category.code),
                "sub": int(category.subcode or 0),
                "traded": parent.traded,
                "name": category.name,
                "key": key,
                "json": _inner(shown),
                "sub_json": f",{_inner(of_sub)}" if category.subcode else "",
            }
        )
    return rows


def _inner(document: facts.Document) -> str:
    """The members of a JSON object, without its braces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))[1:-1]
