"""The bulk file of usaid.foreignassistance: a synthetic one in the true layout of 56 columns."""

# ruff: noqa: E501  # a column is one line

from __future__ import annotations

from pathlib import Path

import duckdb

from warehouse.schema import literal

ROWS = 4_000_000
ACTIVITIES = ROWS // 4

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
