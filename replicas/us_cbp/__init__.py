"""The Census API for County Business Patterns as a local server: true codes and shapes, invented figures.

The figures are those of the replica of clustermapping.us with the same seed: what a county holds of a category there is
split here over one or two of its industries. So what is rebuilt comes near to what is observed, and differs by what is
withheld. See README.md.
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import duckdb

from replicas.server import Replica, Request, Response
from replicas.us import cells, facts

DISCLOSURE_CHANGED = 2017
EDITIONS = ((2017, 2017), (2013, 2012), (2008, 2007), (2003, 2002), (0, 1997))

# One row per county × industry. What a county holds of a category goes to one industry, or to two that sum to it.
# Rows with `withheld` show a size class in place of figures.
ROWS = """
CREATE OR REPLACE VIEW industry_row AS
WITH whole AS (
    SELECT county, year, cluster AS category, emp, est, est >= 6 AND industries = 2 AS pair
    FROM county_cell
    JOIN (SELECT category AS cluster, count(*) AS industries FROM industry GROUP BY ALL) USING (cluster)
),
split AS (
    SELECT
        county, year, category, naics,
        CASE WHEN NOT pair THEN est WHEN seq = 0 THEN est - est // 3 ELSE est // 3 END AS est,
        CASE WHEN NOT pair THEN emp WHEN seq = 0 THEN emp - emp // 3 ELSE emp // 3 END AS emp
    FROM whole JOIN industry USING (category)
    WHERE seq = 0 OR pair
)
SELECT
    county, year, category, naics, emp, est,
    year < $changed AND est <= 2 AS withheld,
    -- Thousand USD a job, the same in all counties, as in the other replica but for its noise.
    round(emp * (24 + 60 * draw(md5_number($seed || '///' || category), 0)))::BIGINT AS ap
FROM split
-- Since 2017 cells of fewer than three establishments are left out.
WHERE est > 0 AND (year < $changed OR est >= 3)
"""

VALUES = {
    "EMP": "CASE WHEN withheld THEN 0 ELSE emp END",
    "EMP_F": "CASE WHEN withheld THEN CASE WHEN emp < 20 THEN 'A' WHEN emp < 100 THEN 'B' WHEN emp < 250 THEN 'C' "
    "WHEN emp < 500 THEN 'E' WHEN emp < 1000 THEN 'F' ELSE 'G' END END",
    "EMP_N": "CASE WHEN withheld THEN 'D' ELSE 'G' END",
    "EMP_N_F": "CASE WHEN withheld THEN 'D' ELSE 'G' END",
    "PAYANN": "CASE WHEN withheld THEN 0 ELSE ap END",
    "PAYQTR1": "CASE WHEN withheld THEN 0 ELSE ap // 4 END",
    "ESTAB": "est",
    "LFO": "'001'",
    "EMPSZES": "'001'",
}


@dataclass(slots=True)
class CountyBusinessPatterns:
    """The server's behaviour.

    Attributes:
        years: years that it serves; others are not found.
        categories: categories whose industries it has; None for all.
        seed: decides every invented figure.
        robots: the text of /robots.txt.
        base_path: what stands before every path.
    """

    years: Sequence[str]
    categories: Sequence[int] | None = None
    seed: int = 1
    robots: str | None = None
    base_path: str = "/data"
    _made: duckdb.DuckDBPyConnection | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def respond(self, request: Request) -> Response:
        """Answer the list of variables of a year, and its table of all counties."""
        match request.segments:
            case ["data", year, "cbp", "variables.json"] if year in self.years:
                return Response(json.dumps({"variables": _variables(int(year))}).encode())
            case ["data", year, "cbp"] if year in self.years:
                asked = request.query.get("get", "").split(",")
                known = _variables(int(year)) | {name: {} for name in _flags(int(year))}
                if unknown := [name for name in asked if name not in known]:
                    return Response(f"error: unknown variable '{unknown[0]}'".encode(), 400, "text/plain")
                asked += [name for name in ("LFO", "EMPSZES") if name in request.query]
                with self._lock:
                    return Response(self._table(int(year), asked).encode())
            case _:
                return Response(b"error: unknown dataset", 404, "text/plain")

    def _table(self, year: int, names: Sequence[str]) -> str:
        """Write the table of a year: for each county its total and its industries."""
        if self._made is None:
            self._made = self._connect()
        made = self._made
        if made.execute("SELECT 1 FROM county_cell WHERE year = ? LIMIT 1", [year]).fetchone() is None:
            made.execute(cells.COUNTY_CELLS, {"year": year, "base_year": cells.BASE_YEAR})
        values = [f"coalesce('\"' || ({VALUES.get(name, 'naics')})::VARCHAR || '\"', 'null')" for name in names]
        line = (
            "'[' || "
            + " || ',' || ".join(values)
            + """ || ',"' || left(county, 2) || '","' || right(county, 3) || '"]'"""
        )
        chosen = "" if self.categories is None else f"AND category IN ({', '.join(map(str, self.categories))})"
        (text,) = made.execute(
            f"""
            SELECT string_agg({line}, ',' ORDER BY county, naics)
            FROM (
                SELECT county, naics, emp, est, withheld, ap FROM industry_row WHERE year = $year {chosen}
                UNION ALL
                SELECT code, '00', coalesce(sum(emp), 0), coalesce(sum(est), 0), false, coalesce(sum(ap), 0)
                FROM region LEFT JOIN (FROM industry_row WHERE year = $year {chosen}) ON county = code GROUP BY code
            )""",
            {"year": year},
        ).fetchone() or ("",)
        return f"[{json.dumps([*names, 'state', 'county'])},{text}]"

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Draw what the counties hold, by the formulas of the replica of clustermapping.us."""
        connection = duckdb.connect(config={"threads": 2})
        connection.execute(cells.MACROS)
        counties = [{"type": "county", "code": code} for code in _counties()]
        categories = [
            {"cluster": int(c.code), "sub": 0, "traded": c.traded} for c in facts.categories() if not c.subcode
        ]
        for name, columns, rows in (
            ("region", '{"type":"VARCHAR","code":"VARCHAR"}', counties),
            ("activity", '{"cluster":"INTEGER","sub":"INTEGER","traded":"BOOLEAN"}', categories),
            ("industry", '{"category":"INTEGER","naics":"VARCHAR","seq":"INTEGER"}', _industries()),
        ):
            connection.execute(
                f"CREATE TABLE {name} AS SELECT unnest(from_json(?, '[{columns}]'), recursive := true)",
                [json.dumps(rows)],
            )
        connection.execute(cells.EMPTY)
        connection.execute(cells.PROPENSITY, {"seed": str(self.seed)})
        connection.execute(ROWS.replace("$changed", str(DISCLOSURE_CHANGED)).replace("$seed", f"'{int(self.seed)}'"))
        return connection


def replica(
    *, years: Sequence[str] = ("2016",), categories: Sequence[int] | None = None, seed: int = 1
) -> Replica[CountyBusinessPatterns]:
    """Make a replica of the Census API, to be entered as a context.

    Args:
        years: years that it serves.
        categories: categories whose industries it has; None for all, which are some 200,000 rows a year.
        seed: decides every invented figure; the replica of clustermapping.us has those of the same seed.
    """
    return Replica(CountyBusinessPatterns(years, categories, seed))


def _flags(year: int) -> tuple[str, ...]:
    """The variables that stand only as attributes of others."""
    return ("EMP_N_F",) if year >= DISCLOSURE_CHANGED else ("EMP_F", "EMP_N")


def _variables(year: int) -> dict[str, dict[str, str]]:
    edition = next(edition for first, edition in EDITIONS if year >= first)
    names = [f"NAICS{edition}", "EMP", "PAYANN", "PAYQTR1", "ESTAB", "LFO", "EMPSZES"]
    return {name: {"attributes": ",".join(_flags(year))} if name == "EMP" else {} for name in names}


def _counties() -> list[str]:
    """The counties of the 50 states and DC."""
    documents = (region.document for region in facts.regions().values())
    codes = [d["region_code_t"] for d in documents if d["region_type_t"] == "county"]
    return sorted(code for code in codes if not code.startswith("72"))


def _industries() -> list[dict[str, object]]:
    """Up to two industries of each category that NAICS 2012 and 2017 both have."""
    with (files("replicas.us_cbp") / "industries.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    before = [row["category"] for row in rows]
    return [
        {"category": int(row["category"]), "naics": row["naics"], "seq": before[:number].count(row["category"])}
        for number, row in enumerate(rows)
    ]
