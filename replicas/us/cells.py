"""Invented cluster-in-region documents, made in DuckDB so that the formulas of the source hold among them.

Everything grows from counties: a region's employment is the sum over its counties, and the United States are the
sum of all. Draws are MD5 digests of the seed and the codes, so a seed decides every figure.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from replicas.us import facts

BASE_YEAR = 2016
UNITED_STATES = "98"

# The draws u1 … u4 are uniform in [0, 1); `bell` makes a roughly normal number of three of them.
MACROS = """
CREATE MACRO draw(digest, i) AS ((digest >> (32 * i)::UHUGEINT) & 4294967295)::DOUBLE / 4294967296;
CREATE MACRO bell(u1, u2, u3) AS 2 * (u1 + u2 + u3 - 1.5);
CREATE MACRO yearly(u, year) AS u * year - floor(u * year);
CREATE MACRO percentile(rank, regions) AS floor(100 / regions * (rank - 0.5) + 0.5)::INTEGER;
CREATE MACRO number(x) AS regexp_replace(x::VARCHAR, '\\.0$', '');
CREATE MACRO flag(x) AS CASE WHEN x THEN 'true' ELSE 'false' END;
CREATE MACRO ranks(field, type, rank, regions) AS
    '"' || field || '_rank_i":' || rank || ',"' || field || '_per_rank_i":'
    || CASE WHEN type = 'state' THEN rank ELSE percentile(rank, regions) END || ',';
"""

TABLES = tuple(
    f"CREATE TABLE {name} AS SELECT unnest(from_json(?, '[{columns}]'), recursive := true)"
    for name, columns in (
        ("region", '{"type":"VARCHAR","code":"VARCHAR","name":"VARCHAR","key":"VARCHAR","json":"VARCHAR"}'),
        ("member", '{"type":"VARCHAR","code":"VARCHAR","county":"VARCHAR"}'),
        ("cluster", '{"cluster":"INTEGER","traded":"BOOLEAN","name":"VARCHAR","key":"VARCHAR","json":"VARCHAR"}'),
    )
)
EMPTY = """
CREATE TABLE county_cell (county VARCHAR, cluster INTEGER, year INTEGER, emp BIGINT, est BIGINT);
CREATE TABLE cell (
    type VARCHAR, code VARCHAR, cluster INTEGER, year INTEGER,
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
activity AS (
    SELECT cluster, traded, md5_number($seed || '//' || cluster) AS d,
           bell(draw(d, 0), draw(d, 1), draw(d, 2)) AS z,
           exp(CASE WHEN traded THEN 1.8 ELSE 0.7 END * z) AS weight,
           CASE WHEN traded THEN 0.36 ELSE 0.64 END * weight / sum(weight) OVER (PARTITION BY traded) AS share,
           exp(2.0 + 0.4 * z) AS jobs_per_establishment,
           1 + 0.03 * (draw(d, 3) - 0.5) AS growth
    FROM cluster)
SELECT county, cluster, growth, jobs_per_establishment,
       md5_number($seed || '/' || county || '/' || cluster) AS d2, draw(d2, 3) AS u,
       bell(draw(d2, 0), draw(d2, 1), draw(d2, 2)) AS z2,
       md5_number($seed || '/' || left(county, 2) || '//' || cluster) AS d3,
       bell(draw(d3, 0), draw(d3, 1), draw(d3, 2)) AS z3,
       jobs * share * CASE WHEN traded THEN exp(1.0 * z2 + 1.5 * z3 - 1.6) ELSE exp(0.3 * z2) END
           / jobs_per_establishment AS establishments
FROM county CROSS JOIN activity
"""

COUNTY_CELLS = """
INSERT INTO county_cell
SELECT county, cluster, $year,
       CASE WHEN est = 0 OR (est < 4 AND yearly(u, 7 * $year) < 0.0005) THEN 0
            ELSE greatest(1, round(est * jobs_per_establishment * (0.7 + 0.5 * u + 0.1 * yearly(u, $year))))
       END AS emp, est
FROM (SELECT *, floor(establishments * growth ** ($year - $base_year) + u)::BIGINT AS est FROM propensity)
"""

# Sections 3.4 and 2.2 of what is known of the source: base of the quotient, quantiles, ranks.
CELLS = """
INSERT INTO cell
WITH total AS (
    SELECT cluster, sum(emp) AS us_emp FROM county_cell WHERE year = $year GROUP BY cluster),
nation AS (
    SELECT cluster, traded, us_emp, sum(us_emp) OVER (PARTITION BY traded) AS us_base
    FROM total JOIN cluster USING (cluster)),
summed AS (
    SELECT code, cluster, sum(emp) AS emp, sum(est) AS est
    FROM county_cell JOIN member USING (county) WHERE type = $type AND year = $year GROUP BY code, cluster),
known AS (
    SELECT r.code, n.*, coalesce(emp, 0)::BIGINT AS emp, coalesce(est, 0)::BIGINT AS est,
           md5_number($seed || '/' || $type || '/' || r.code || '/' || n.cluster || '/' || $year) AS d
    FROM region r CROSS JOIN nation n LEFT JOIN summed s ON s.code = r.code AND s.cluster = n.cluster
    WHERE r.type = $type),
disclosed AS (
    SELECT *,
           CASE WHEN emp = 0 OR draw(d, 0) < 8 / (8 + est) THEN 0
                WHEN draw(d, 1) < 0.7 THEN emp - floor(emp * 0.6 * draw(d, 2) / (1 + est / 200))
                ELSE emp END::BIGINT AS emp_reported,
           round(CASE WHEN emp = 0 THEN est * 35 ELSE emp_reported END
                 * (24 + 60 * draw(md5_number($seed || '///' || cluster), 0)) * (0.8 + 0.4 * draw(d, 3)))::BIGINT AS ap
    FROM known),
measured AS (
    SELECT *,
           round(ap * (0.21 + 0.06 * draw(d, 1)))::BIGINT AS qp1,
           CASE WHEN emp_reported = 0 THEN 0 ELSE ap * 1000 / emp_reported END::FLOAT AS wage,
           CASE WHEN est = 0 THEN 0 ELSE 2 + floor(3 * ln(est)) END::INTEGER AS records,
           sum(emp) OVER (PARTITION BY code, traded) AS base,
           CASE WHEN emp = 0 THEN 0 ELSE emp / base END AS region_share,
           CASE WHEN emp = 0 THEN 0 ELSE region_share / (us_emp / us_base) END::FLOAT AS lq
    FROM disclosed),
bounds AS (
    SELECT cluster,
           quantile_cont(lq::DOUBLE, [0.25, 0.5, 0.75, 0.9]) FILTER (emp > 0) AS q,
           quantile_cont(emp::DOUBLE, 0.25) FILTER (emp > 0) AS least_emp,
           quantile_cont(est::DOUBLE, 0.25) FILTER (emp > 0) AS least_est,
           count(*) AS regions, count(*) FILTER (emp > 0) AS active
    FROM measured GROUP BY cluster)
SELECT $type, code, cluster, $year, emp, emp_reported, qp1, est, ap, wage, records,
       lq, region_share, CASE WHEN emp = 0 THEN 0 ELSE emp / us_emp END,
       large AND lq > q[1], large AND lq > q[2], large AND lq >= q[3] AND lq >= 1, large AND lq >= q[4] AND lq >= 1,
       row_number() OVER (PARTITION BY cluster ORDER BY emp DESC, code),
       row_number() OVER (PARTITION BY cluster ORDER BY wage DESC, code),
       row_number() OVER (PARTITION BY cluster ORDER BY lq DESC, code),
       row_number() OVER (PARTITION BY cluster ORDER BY est DESC, code),
       regions, active
FROM (SELECT *, coalesce(emp > least_emp AND est > least_est, false) AS large
      FROM measured JOIN bounds USING (cluster))
"""

# The one true row: Hawaii, Hospitality and Tourism, 2016. Its neighbours are invented.
HAWAII = """
UPDATE cell SET emp = 53957, emp_reported = 53762, qp1 = 549862, est = 1304, ap = 2229293, wage = 41465.96,
    records = 24, lq = 4.800802, region_share = 0.34214965, cluster_share = 0.016734112,
    qualifying = true, significant = true, strong = true, strong10 = true,
    emp_rank = 20, wage_rank = 8, lq_rank = 2, est_rank = 36
WHERE type = 'state' AND code = '15' AND cluster = 22 AND year = 2016
"""

# A value that is absent at the source is an absent key. States carry the plain rank as percentile.
DOCUMENT = """
    '{"id":"' || id || '","type_t":"cluster",' || cluster_json || ',"year_t":"' || year || '",' || region_json
    || ',"traded_b":' || flag(traded) || ',"subcluster_b":false,"empflag_t":"","emp_tl":' || emp
    || ',"emp_reported_tl":' || emp_reported || ',"qp1_tl":' || qp1 || ',"est_tl":' || est || ',"ap_tl":' || ap
    || ',"private_wage_tf":' || number(wage) || ',"rec_count_tl":' || records || ',"supression_b":false,'
    || CASE WHEN records > 0 AND type <> 'economic' THEN '"naics_b":true,' ELSE '' END
    || '"lq_tf":' || number(lq) || ',"region_emp_per_tf":' || number(region_share)
    || ',"cluster_emp_per_tf":' || number(cluster_share) || ','
    || CASE WHEN traded THEN '"qualifying_b":' || flag(qualifying) || ',"significant_b":' || flag(significant)
            || ',"strong_b":' || flag(strong) || ',"strong10_b":' || flag(strong10) || ',' ELSE '' END
    || CASE WHEN emp > 0 THEN ranks('emp_tl', type, emp_rank, regions) ELSE '' END
    || CASE WHEN wage > 0 THEN ranks('private_wage_tf', type, wage_rank, regions) ELSE '' END
    || CASE WHEN lq > 0 THEN ranks('lq_tf', type, lq_rank, active) ELSE '' END
    || CASE WHEN est > 0 THEN ranks('est_tl', type, est_rank, regions) ELSE '' END
    || '"timestamp":"' || $timestamp || '"}'
"""

# What `sort` may name: a field of the documents that every one of them has.
SORTABLE = {
    "id": "id",
    "type_t": "'cluster'",
    "cluster_code_t": "cluster::VARCHAR",
    "cluster_name_t": "k.name",
    "key_t": "k.key",
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
    """

    region_type: str
    years: Sequence[str]
    codes: Sequence[str] | None = None
    key: str | None = None
    clusters: Sequence[str] | None = None
    traded: bool | None = None


class Cells:
    """The documents of one seed; each region type and year is made when it is first asked for."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed)
        self._made: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._connection = duckdb.connect(config={"threads": 2})
        self._connection.execute(MACROS)
        for statement, rows in zip(TABLES, (_regions(), _members(), _clusters()), strict=True):
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
        """Give the JSON texts of the selected documents.

        Args:
            selection: which documents.
            order: names of `SORTABLE` and whether descending; None for an order that `shuffle` decides.
            window: how many documents to skip, and how many to give at most.
            shuffle: any number.
            timestamp: the load time that the documents carry.
        """
        start, limit = window
        conditions = ["type = $type", "list_contains($years, year::VARCHAR)"]
        values: dict[str, object] = {"type": selection.region_type, "years": list(selection.years)}
        for condition, name, value in (
            ("list_contains($codes, code)", "codes", selection.codes),
            ("r.key = $key", "key", selection.key),
            ("list_contains($clusters, cluster::VARCHAR)", "clusters", selection.clusters),
            ("traded = $traded", "traded", selection.traded),
        ):
            if value is not None:
                conditions.append(condition)
                values[name] = value
        if order is None:
            order_by = "md5_number(id || '/' || $shuffle)"
            values["shuffle"] = shuffle
        else:
            order_by = ", ".join(f"{SORTABLE[name]} {'DESC' if down else 'ASC'}" for name, down in order)
        query = f"""
            SELECT {DOCUMENT}
            FROM (SELECT c.*, r.json AS region_json, k.json AS cluster_json, traded,
                         'cluster/' || type || '/' || code || '/' || cluster || '/' || year AS id
                  FROM cell c JOIN region r USING (type, code) JOIN cluster k USING (cluster)
                  WHERE {" AND ".join(conditions)} ORDER BY {order_by}, id LIMIT $limit OFFSET $start)"""
        values |= {"timestamp": timestamp, "start": start, "limit": limit}
        with self._lock:
            for year in selection.years:
                self._make(selection.region_type, year)
            return [text for (text,) in self._connection.execute(query, values).fetchall()]

    def _make(self, region_type: str, year: str) -> None:
        """Fill the tables for a region type and a year, once."""
        if ("", year) not in self._made:
            self._connection.execute(COUNTY_CELLS, {"year": int(year), "base_year": BASE_YEAR})
            self._made.add(("", year))
        if (region_type, year) not in self._made:
            self._connection.execute(CELLS, {"seed": self._seed, "type": region_type, "year": int(year)})
            self._made.add((region_type, year))
            if (region_type, year) == ("state", str(BASE_YEAR)):
                self._connection.execute(HAWAII)


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


def _clusters() -> list[facts.Document]:
    return [
        {
            "cluster": int(c.code),
            "traded": c.traded,
            "name": c.name,
            "key": c.key,
            "json": _inner({"cluster_name_t": c.name, "cluster_code_t": c.code, "key_t": c.key}),
        }
        for c in facts.categories()
        if not c.subcode
    ]


def _inner(document: facts.Document) -> str:
    """The members of a JSON object, without its braces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))[1:-1]
