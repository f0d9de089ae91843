"""The bulk file of usaid.foreignassistance, a synthetic one in the true layout of 56 columns, beside DuckDB alone.

Ours goes from the file on disk to committed rows: it reads every line, keeps the torn ones for quarantine, counts what
it leaves out, selects whole activities, checks the contract, sums them by sector, and loads them with their provenance.
The other way is one CREATE TABLE AS of the same columns with the same casts and filter. Each run is a process of its own,
in turn, and begins with the file out of the page cache. Archiving is timed beside it.
"""

# ruff: noqa: E501  # a column is one line

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

import pipeline
import staging
from crawlers import harvest as harvests
from crawlers.harvest import Stage
from crawlers.source import Route, feeds
from crawlers.usaid.foreignassistance import FIELDS, field_of
from normalizers.normalise import shared
from pipeline import Order
from warehouse import store
from warehouse.load import load
from warehouse.schema import literal

FEED = "usaid.foreignassistance"
ROWS = 4_000_000
OURS = "ours"
FILTERS = {
    "CREATE TABLE AS, rows of USAID": "managing_agency = 'USAID'",
    "CREATE TABLE AS, the selection too": """managing_agency = 'USAID' AND (
        selected_by_sector('usg', sector_code) IS NOT NULL OR selected_by_sector('dac', purpose_code) IS NOT NULL
        OR selected_by_words(concat_ws(' ', activity_name, activity_description)) IS NOT NULL)""",
}

Measured = dict[str, dict[str, float]]
"""Way → what a process measured of itself: seconds, CPU seconds, peak of memory (MiB), rows."""

# Column → SQL of its value, in the order of the file of 2025/26. `row` is the number of the row, `activity` that of its
# activity, `dice` 0 to 999 by activity, `throw` 0 to 999 by row. Whatever looks like a fact is invented.
COLUMNS = {
    "Country ID": "place.id",
    "Country Code": "place.code",
    "Country Name": "place.name",
    "Region ID": "(1 + activity % 7)",
    "Region Name": "'Invented Region of the World ' || activity % 7",
    "Income Group ID": "(1 + activity % 4)",
    "Income Group Name": "'Invented Middle Income Country'",
    "Income Group Acronym": "'LMIC'",
    "Managing Agency ID": "if(agency = 'USAID', 1, 2)",
    "Managing Agency Acronym": "agency",
    "Managing Agency Name": "if(agency = 'USAID', 'U.S. Agency for International Development', 'Department of State')",
    "Managing Sub-agency or Bureau ID": "(100 + activity % 50)",
    "Managing Sub-agency or Bureau Acronym": "'INV' || activity % 50",
    "Managing Sub-agency or Bureau Name": "'Invented Bureau for Development, Number ' || activity % 50",
    "Implementing Partner Category ID": "(1 + activity % 6)",
    "Implementing Partner Category Name": "'Enterprises'",
    "Implementing Partner Sub-category ID": "(1 + activity % 9)",
    "Implementing Partner Sub-category Name": "'Enterprises - United States'",
    "Implementing Partner ID": "(4000000 + activity % 9000)",
    "Implementing Partner Name": "if(dice < 250, 'Enterprise - United States Redacted', 'Invented Partner, ' || activity % 9000 || ' Inc.')",
    "International Category ID": "(1 + activity % 9)",
    "International Category Name": "'Economic Infrastructure and Invented Services'",
    "International Sector Code": "purpose // 100",
    "International Sector Name": "'Invented sector of the DAC'",
    "International Purpose Code": "purpose",
    "International Purpose Name": "if(purpose = 25010, 'Business Policy and Administation', 'Invented purpose ' || purpose)",
    "US Category ID": "NULL",
    "US Category Name": "NULL",
    "US Sector ID": "sector",
    "US Sector Name": "if(sector = 30, 'Private Sector Competitiveness', 'Invented sector ' || sector)",
    "Funding Account ID": "'72x1037'",
    "Funding Account Name": "'Department of State and U.S. Agency for International Development, Invented Support Fund'",
    "Funding Agency ID": "1",
    "Funding Agency Name": "'U.S. Agency for International Development'",
    "Funding Agency Acronym": "'USAID'",
    "Foreign Assistance Objective ID": "1",
    "Foreign Assistance Objective Name": "'Economic'",
    "Aid Type Group ID": "(1 + activity % 5)",
    "Aid Type Group Name": "'Project-Type Interventions'",
    "Activity ID": "(100000 + activity)",
    "Submission ID": "(30 + activity % 60)",
    "Activity Name": "if(dice < 300, 'Award title redacted: this sentence stands where a title was, as a rule does', title)",
    "Activity Description": "if(dice < 500, 'Award title redacted: this sentence stands where a title was, as a rule does', "
    "title || E'. It says \"invented\", over\\ntwo lines; ' || repeat('and it goes on for a while, as descriptions do. ', 1 + activity % 4))",
    "Activity Project Number": "'72' || lpad((activity % 1000000)::VARCHAR, 6, '0') || '21C' || lpad((activity % 100000)::VARCHAR, 5, '0')",
    "Activity Start Date": "if(dice < 850, NULL, '20' || 10 + activity % 10 || '-10-01')",
    "Activity End Date": "if(dice < 760, NULL, '20' || 20 + activity % 9 || '-09-30')",
    "Transaction Type ID": "kind",
    "Transaction Type Name": "CASE kind WHEN 2 THEN 'Obligations' WHEN 3 THEN 'Disbursements' ELSE 'President''s Budget Requests' END",
    "Fiscal Year": "if(throw = 0, '1976tq', (1975 + row * 50 // total)::VARCHAR)",
    "Transaction Date": "if(row * 50 // total < 27, NULL, '01SEP' || (1975 + row * 50 // total))",
    "Current Dollar Amount": "if(throw < 220, -1, 1) * (1000 + hash(row, 3) % 900000)::BIGINT",
    "Constant Dollar Amount": "if(throw < 220, -1, 1) * (1100 + hash(row, 3) % 900000)::BIGINT",
    "aid_type_id": "(1 + activity % 12)",
    "aid_type_name": "'Invented type of aid, project interventions'",
    "activity_budget_amount": "NULL",
    "submission_activity_id": "(7000000 + activity)",
}


def write(target: Path, rows: int = ROWS) -> None:
    """Write a synthetic bulk file.

    Half of the rows are managed by USAID, and of these about a seventh is selected, as in exports of two countries
    (docs/sources/usaid.md). Rows of an activity stand far apart. Some values hold commas, quotes and line feeds.

    Args:
        target: the file to write, about 0.94 kB a row.
        rows: how many.
    """
    values = ", ".join(f'{value} AS "{name}"' for name, value in COLUMNS.items())
    with duckdb.connect() as connection:
        connection.execute(f"""
            COPY (
                WITH made AS (
                    SELECT range AS row, {rows} AS total, range * 7919 % ({rows} // 4) AS activity
                    FROM range({rows})
                ), thrown AS (
                    SELECT *, (hash(activity, 1) % 1000)::INTEGER AS dice, (hash(row, 2) % 1000)::INTEGER AS throw,
                        (hash(activity, 4) % 1000)::INTEGER AS lot
                    FROM made
                ), drawn AS (
                    SELECT *,
                        if(activity % 2 = 0, 'USAID', 'STATE') AS agency,
                        -- 3.8 % of the sectors are 30; with their neighbours and the purposes about a tenth is selected.
                        CASE WHEN lot < 38 THEN 30 WHEN lot < 75 THEN 26 WHEN lot < 100 THEN 31 ELSE 1 + lot % 24 END AS sector,
                        CASE WHEN lot < 38 THEN 25010 WHEN lot < 55 THEN 33110 WHEN lot < 120 THEN 1513010
                            ELSE 11000 + 10 * (lot % 60) END AS purpose,
                        CASE WHEN throw < 700 THEN 2 WHEN throw < 990 THEN 3 ELSE 18 END AS kind,
                        CASE WHEN hash(activity, 5) % 100 < 4 THEN 'Invented support to SMEs and value chains, phase '
                            ELSE 'Invented activity for health, schools and "good" roads, number ' END || activity AS title,
                        [
                            {{'id': '498', 'code': 'MDA', 'name': 'Moldova'}},
                            {{'id': '218', 'code': 'ECU', 'name': 'Ecuador'}},
                            {{'id': '4', 'code': 'AFG', 'name': 'Afghanistan'}},
                            {{'id': '1059', 'code': 'CS-KM', 'name': 'Kosovo'}},
                            {{'id': '1028', 'code': 'WLD', 'name': 'World'}},
                            {{'id': '1030', 'code': NULL, 'name': 'Soviet Union (former)'}},
                            {{'id': '410', 'code': 'KOR', 'name': 'Korea, Republic of'}}
                        ][1 + (activity % 7)::INTEGER] AS place
                    FROM thrown
                )
                SELECT {values} FROM drawn
            ) TO {literal(str(target))} (FORMAT csv, HEADER, NULLSTR 'NULL')
        """)


def archive(home: Path, file: Path) -> float:
    """Bring the file into the archive of a new home; return how many documents that made."""
    record = pipeline._begin(home, Order(feed=feeds()[FEED], route=Route.FILES, files=file))  # noqa: SLF001  # one stage
    pipeline._collect_files(home, record, file)  # noqa: SLF001
    assert record.stage is Stage.CRAWLED, record.reason
    return record.requests


def ours(home: Path, _: Path) -> float:
    """Stage and load what was archived; return the rows that were opened."""
    record = next(harvests.harvests(home, FEED))
    doubts = staging.stage(home, feeds()[FEED], record)
    assert not doubts, doubts
    with store.opened(home) as connection:
        return load(connection, staging.folder(home, record), pipeline.ledger_row(record)).opened


def alone(home: Path, file: Path, condition: str) -> float:
    """Make a table of the file with one statement; return its rows."""
    with file.open(encoding="utf-8", newline="") as stream:
        known = [field_of(name) for name in next(csv.reader(stream))]
    columns = ", ".join(f"column{number}: 'VARCHAR'" for number in range(len(known)))
    read = ", ".join(f"column{number} AS {name}" for number, name in enumerate(known) if name in FIELDS)
    database = home / "alone.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(shared(FEED))
        connection.execute(f"""
            CREATE TABLE alone AS
            SELECT * REPLACE (amount::DOUBLE AS amount, dated(start_date) AS start_date, dated(end_date) AS end_date)
            FROM (SELECT {read} FROM read_csv({literal(str(file))}, auto_detect = false, delim = ',', quote = '"',
                escape = '"', header = true, nullstr = ['', 'NULL'], columns = {{{columns}}}))
            WHERE {condition}""")
        connection.execute("CHECKPOINT")
        counted = connection.execute("SELECT count(*) FROM alone").fetchone()
    database.unlink()
    assert counted is not None
    return float(counted[0])


def _apart(step: str, home: Path, file: Path) -> dict[str, float]:
    """Run a step in a process of its own, with no page of the file in memory."""
    for path in (file, *home.glob(f"staging/{FEED}/bodies/*")):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    told = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-m", "benchmarks.bulk", step, str(home), str(file)], check=True, capture_output=True
    )
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def measure(scratch: Path, runs: int, rows: int = ROWS) -> list[Measured]:
    """Archive the file once, then run all ways in turn; return what each run measured, archiving in the first."""
    scratch.mkdir(parents=True, exist_ok=True)
    file, home = scratch / "us_foreign_aid_complete.csv", scratch / "home"
    write(file, rows)
    home.mkdir()
    measured: list[Measured] = [{"files → archive": _apart("archive", home, file)}]
    [copy] = home.glob(f"staging/{FEED}/bodies/*")
    kept = scratch / "copy"
    os.link(copy, kept)
    for run in range(runs):
        of_run: Measured = measured[0] if not run else {}
        if not copy.exists():
            copy.parent.mkdir()
            os.link(kept, copy)
        for step in (OURS, *FILTERS) if run % 2 else (*FILTERS, OURS):
            of_run[step] = _apart(step, home, file)
        if run:
            measured.append(of_run)
        for harvest in home.glob(f"staging/{FEED}/2*"):
            shutil.rmtree(harvest)
        (home / "warehouse.duckdb").unlink()
    return measured


def main(step: str, home: Path, file: Path) -> None:
    """Run one step, and print what it took."""
    started = time.perf_counter()
    steps = {"archive": archive, OURS: ours}
    rows = alone(home, file, FILTERS[step]) if step in FILTERS else steps[step](home, file)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024, "rows": rows}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
