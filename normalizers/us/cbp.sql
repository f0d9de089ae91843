-- us.cbp: county × industry rows → cells (region × category) by membership, and the measures of us.clustermapping.
--
-- The formulas are those of the source that is rebuilt (docs/sources/us.md). All sums are of integers, so that their
-- order does not matter. Inputs and outputs are those of every feed's program.

-- What is read: six-digit industries of the 50 states and the District of Columbia -----------------------------------

CREATE VIEW state AS SELECT fips_code AS fipstate FROM reference.us_states WHERE fips_code <> '72';

CREATE VIEW class AS
SELECT vintage, naics, category FROM reference.naics_bcd
UNION ALL  -- the list has of 2017 only what is new
SELECT '2017', naics, category FROM reference.naics_bcd WHERE vintage = '2012';

CREATE TABLE industry_row AS
SELECT
    document_id,
    year,
    CASE
        WHEN year >= '2017' THEN '2017'
        WHEN year >= '2013' THEN '2012'
        WHEN year >= '2008' THEN '2007'
        WHEN year >= '2003' THEN '2002'
        ELSE '1997'
    END AS vintage,
    fipstate,
    fipscty,
    coalesce(listed_code, fipstate || fipscty) AS county,
    naics,
    -- From 2018 on there are no size classes; what an answer has in their place counts only where no number is given.
    CASE WHEN year < '2018' OR coalesce(emp, 0) = 0 THEN midpoint.employment::BIGINT END AS assumed,
    assumed IS NOT NULL OR emp IS NULL OR coalesce(emp_nf, '') IN ('D', 'S')
        OR (emp = 0 AND upper(coalesce(county_row.empflag, '')) IN ('D', 'S')) AS withheld,
    emp,
    qp1,
    ap,
    est
FROM raw.rows AS county_row
SEMI JOIN state USING (fipstate)
LEFT JOIN reference.us_county_changes AS change ON change.new_code = fipstate || fipscty
LEFT JOIN reference.us_cbp_midpoints AS midpoint ON midpoint.empflag = upper(county_row.empflag)
-- Rows of one legal form or size class repeat a part of the rows of all of them.
WHERE NOT rejected AND regexp_full_match(naics, '[0-9]{6}') AND lfo IN ('001', '-') AND empszes = '001';

CREATE TABLE county_cell AS
SELECT
    min(document_id) AS document_id,
    year,
    vintage,
    fipstate,
    county,
    category,
    sum(CASE WHEN withheld THEN coalesce(assumed, 0) ELSE emp END)::BIGINT AS emp,
    sum(CASE WHEN withheld THEN 0 ELSE emp END)::BIGINT AS emp_reported,
    sum(coalesce(qp1, 0))::BIGINT AS qp1,
    sum(coalesce(ap, 0))::BIGINT AS ap,
    sum(est)::BIGINT AS est,
    bool_or(withheld) AS imputed
FROM industry_row JOIN class USING (vintage, naics)
GROUP BY ALL
HAVING sum(est) > 0;

-- What the table holds: counties, and which are absent ---------------------------------------------------------------

CREATE VIEW listed AS
SELECT region_code AS county, left(region_code, 2) AS fipstate
FROM reference.us_geography SEMI JOIN state ON state.fipstate = left(region_code, 2) WHERE region_type = 'county';

-- Lost: it has rows, and not all of what they were.
CREATE TABLE county_seen AS
SELECT
    *,
    -- Since 2017 a county may be so small that none of its industries has the three establishments it takes.
    NOT detailed AND (year < '2017' OR est >= 100) AS bare,
    damaged OR bare AS lost
FROM (
    SELECT
        year,
        fipstate,
        coalesce(listed_code, fipstate || fipscty) AS county,
        bool_or(rejected OR rejected_fields <> []) AS damaged,
        coalesce(bool_or(regexp_full_match(naics, '[0-9]{6}')), false) AS detailed,
        coalesce(max(est) FILTER (naics IN ('------', '00')), 0) AS est
    FROM raw.rows SEMI JOIN state USING (fipstate)
    LEFT JOIN reference.us_county_changes AS change ON change.new_code = fipstate || fipscty
    WHERE fipscty <> '999'
    GROUP BY ALL
);

CREATE TABLE state_seen AS
WITH wanted AS (
    SELECT DISTINCT year FROM raw.rows WHERE year IS NOT NULL UNION SELECT split_part(partition, '/', 2) FROM asked
),
seen AS (
    SELECT year, fipstate, count(*) AS present, count(*) FILTER (lost) AS lost, count(*) FILTER (bare) AS bare,
        bool_or(listed.county IS NULL) AS redrawn
    FROM county_seen LEFT JOIN listed USING (county, fipstate) GROUP BY ALL
),
counties AS (SELECT fipstate, count(*) AS listed FROM listed GROUP BY ALL)
SELECT
    year,
    fipstate,
    coalesce(present, 0) AS present,
    coalesce(lost, 0) AS lost,
    coalesce(bare, 0) AS bare,
    coalesce(redrawn, false) AS redrawn,
    -- A tenth is for counties that came, went or have no private employer.
    CASE WHEN coalesce(present, 0) < floor(0.9 * listed) THEN listed - coalesce(present, 0) ELSE 0 END AS missing
FROM wanted CROSS JOIN counties LEFT JOIN seen USING (year, fipstate);

-- A table with rows of every state, or of most counties, is meant to be whole; any other is an excerpt.
CREATE TABLE table_seen AS
SELECT
    year,
    bool_and(present > 0) OR sum(present) > 0.5 * (SELECT count(*) FROM listed) AS whole,
    count(*) FILTER (present > 0) AS states,
    sum(present - lost)::BIGINT AS held,
    sum(present + missing)::BIGINT AS counties,
    string_agg(fipstate, ', ' ORDER BY fipstate) FILTER (present = 0) AS without
FROM state_seen GROUP BY year;

CREATE VIEW membership AS
SELECT region_type, region_code, name, unnest(string_split(members, ' ')) AS county
FROM reference.us_geography WHERE region_type IN ('msa', 'economic')
UNION ALL
SELECT region_type, region_code, name, region_code FROM reference.us_geography WHERE region_type = 'county';

-- Regions of which something is missing. Where a state was redrawn, its rows may stand under counties not listed.
CREATE TABLE incomplete AS
SELECT DISTINCT year, region_type, region_code
FROM state_seen
JOIN listed USING (fipstate)
LEFT JOIN county_seen USING (year, county)
JOIN membership USING (county)
WHERE coalesce(county_seen.lost, missing > 0 OR redrawn)
UNION
SELECT year, 'state', fipstate FROM state_seen WHERE missing > 0 OR lost > 0
UNION
SELECT year, 'country', '98' FROM state_seen WHERE missing > 0 OR lost > 0;

-- Cells: counties summed over the regions that they belong to --------------------------------------------------------

CREATE TABLE summed AS
SELECT
    min(document_id) AS document_id,
    year,
    vintage,
    region_type,
    region_code,
    placed.category AS category,
    bcd.traded::BOOLEAN AS traded,
    sum(emp)::BIGINT AS emp,
    sum(emp_reported)::BIGINT AS emp_reported,
    sum(qp1)::BIGINT AS qp1,
    sum(ap)::BIGINT AS ap,
    sum(est)::BIGINT AS est,
    bool_or(imputed) AS imputed
FROM (
    SELECT region_type, region_code, county_cell.* FROM county_cell JOIN membership USING (county)
    UNION ALL BY NAME
    -- Establishments of a state that no county is known of (county 999) count from here on.
    SELECT 'state' AS region_type, fipstate AS region_code, county_cell.* FROM county_cell WHERE fipstate <> '11'
    UNION ALL BY NAME
    SELECT 'country' AS region_type, '98' AS region_code, county_cell.* FROM county_cell
) AS placed
JOIN reference.bcd AS bcd ON bcd.category = placed.category AND bcd.subcluster IS NULL
GROUP BY ALL;

-- Shares, quotients and strength -------------------------------------------------------------------------------------

CREATE TABLE compared AS
SELECT
    *,
    emp / nullif(sum(emp) OVER (PARTITION BY year, region_type, region_code, traded), 0) AS region_share,
    emp / nullif(us_emp, 0) AS category_share,
    region_share / nullif(us_emp / nullif(us_base, 0), 0) AS lq
FROM summed
LEFT JOIN (
    SELECT year, category, emp AS us_emp, sum(emp) OVER (PARTITION BY year, traded) AS us_base
    FROM summed WHERE region_type = 'country'
) USING (year, category);

CREATE TABLE cell AS
SELECT
    compared.*,
    ap * 1000 / nullif(emp_reported, 0) AS wage,
    CASE WHEN traded THEN big AND lq > lq_bounds[1] END AS qualifying,
    CASE WHEN traded THEN big AND lq > lq_bounds[2] END AS significant,
    CASE WHEN traded THEN big AND lq >= lq_bounds[3] AND lq >= 1 END AS strong,
    CASE WHEN traded THEN big AND lq >= lq_bounds[4] AND lq >= 1 END AS strong10
FROM (
    SELECT compared.*, lq_bounds, coalesce(emp > 0 AND emp > least_emp AND est > least_est, false) AS big
    FROM compared
    LEFT JOIN (
        SELECT
            year, region_type, category,
            quantile_cont(lq, [0.25, 0.5, 0.75, 0.9]) AS lq_bounds,
            quantile_cont(emp::DOUBLE, 0.25) AS least_emp,
            quantile_cont(est::DOUBLE, 0.25) AS least_est
        FROM compared
        WHERE emp > 0
        GROUP BY ALL
    ) USING (year, region_type, category)
) AS compared
ORDER BY region_type, region_code, category, year;

-- Rows of the common schema ------------------------------------------------------------------------------------------

CREATE VIEW named_cell AS
SELECT
    cell.*,
    'us.cbp:' || region_type || ':' || region_code || ':' || category AS cluster_id,
    CASE region_type WHEN 'country' THEN 'country:US' ELSE 'us:' || region_type || ':' || region_code END AS region_id,
    'rows:region=' || region_id || ';bcd=' || category || ';naics=' || vintage AS locator,
    'cells/' || year AS partition,
    incomplete.year IS NOT NULL AS incomplete,
    year IN (SELECT year FROM incomplete WHERE region_type = 'country') AS country_incomplete
FROM cell LEFT JOIN incomplete USING (year, region_type, region_code);

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'us' AS source_id,
    clean(bcd.name) || ', ' || coalesce(corrected.name, clean(region.name)) AS name,
    'cell' AS kind,
    region_id,
    clean(region.name) AS place,
    'US' AS country_code,
    'bcd:' || named_cell.category AS category_id,
    'bcd:' || named_cell.category AS hub_category_id,
    document_id,
    locator,
    NULL AS partition,  -- a cell has no year of its own: it ends with its last observation
    false AS confirm_only
FROM named_cell
-- The document of the newest year; names do not change with the year.
JOIN (SELECT cluster_id, max(year) AS year FROM named_cell GROUP BY cluster_id) USING (cluster_id, year)
JOIN reference.bcd AS bcd ON bcd.category = named_cell.category AND bcd.subcluster IS NULL
JOIN reference.us_geography AS region USING (region_type, region_code)
LEFT JOIN reference.us_region_names AS corrected USING (region_type, region_code)
ORDER BY cluster_id;

CREATE TABLE staged.observations AS
SELECT
    cluster_id,
    target AS indicator,
    unit_kind,
    year AS time_period,
    -- A new rule of disclosure in 2017: cells of one or two establishments are left out.
    CASE WHEN year >= '2017' THEN replace(stated, 'us.cbp.', 'us.cbp2017.') ELSE stated END AS method,
    CASE WHEN NOT unknown THEN value * factor::DOUBLE END AS obs_value,
    unit_measure,
    CASE
        WHEN unknown THEN 'O'
        WHEN year >= '2017' THEN 'B'
        WHEN incomplete OR (imputed AND follows_imputation::BOOLEAN) THEN 'E'
        WHEN country_incomplete AND rests_on_country::BOOLEAN THEN 'E'
        ELSE 'A'
    END AS obs_status,
    make_date(year::INTEGER, 1, 1) AS period_start,
    make_date(year::INTEGER, 12, 31) AS period_end,
    document_id,
    locator,
    partition,
    false AS confirm_only
FROM (
    SELECT
        *,
        value IS NULL OR (value = 0 AND zero_is_unknown::BOOLEAN) AS unknown,
        CASE WHEN traded THEN method_traded ELSE method_local END AS stated
    FROM (
        SELECT * FROM (
            SELECT
                cluster_id, year, traded, imputed, incomplete, country_incomplete, document_id, locator, partition,
                emp::DOUBLE AS employment,
                emp_reported::DOUBLE AS employment_reported,
                est::DOUBLE AS establishments,
                ap::DOUBLE AS payroll_annual,
                qp1::DOUBLE AS payroll_first_quarter,
                wage AS wage_average,
                lq AS location_quotient,
                region_share,
                category_share,
                qualifying::DOUBLE AS qualifying,
                significant::DOUBLE AS significant,
                strong::DOUBLE AS strong,
                strong10::DOUBLE AS strong10
            FROM named_cell
        )
        UNPIVOT INCLUDE NULLS (
            value FOR target IN (
                employment, employment_reported, establishments, payroll_annual, payroll_first_quarter, wage_average,
                location_quotient, region_share, category_share, qualifying, significant, strong, strong10
            )
        )
    )
    JOIN fields USING (target)
    WHERE "table" = 'observations' AND (traded OR unit_measure <> 'boolean')  -- only traded categories have strength
)
ORDER BY cluster_id, indicator, unit_kind, time_period, method;

-- The denominator: all states, nine tenths of the counties that the geography lists, and details for each ------------

CREATE TABLE part AS
SELECT
    year,
    coalesce(fipstate, 'unreadable') AS fipstate,
    coalesce(rows, 0) + coalesce(bare, 0) + coalesce(missing, 0) AS expected,
    coalesce(good, 0) AS found
FROM state_seen
FULL JOIN (
    SELECT year, fipstate, count(*) AS rows, count(*) FILTER (NOT rejected AND rejected_fields = []) AS good
    FROM raw.rows GROUP BY ALL
) AS counted USING (year, fipstate);

CREATE TABLE completeness AS
SELECT 'rows/' || year || '/' || fipstate AS partition, expected, found, whole
FROM part JOIN table_seen USING (year) WHERE whole
UNION ALL
SELECT 'rows/' || year, sum(expected)::BIGINT, sum(found)::BIGINT, whole
FROM part JOIN table_seen USING (year) WHERE NOT whole GROUP BY ALL
UNION ALL
-- The cells of a year need every county: each share is a share of the country.
SELECT 'cells/' || year, counties, held, whole FROM table_seen;

-- The rows of broader industries, which repeat the sums of the six-digit ones, are no loss and are not counted.
CREATE TABLE uncategorised AS
SELECT
    year,
    count(DISTINCT naics) FILTER (category IS NULL) AS codes,
    count(*) FILTER (category IS NULL) AS records,
    coalesce(100.0 * sum(emp) FILTER (category IS NULL) / nullif(sum(emp), 0), 0)::DOUBLE AS percent
FROM industry_row LEFT JOIN class USING (vintage, naics)
GROUP BY year;

CREATE TABLE set_aside AS
SELECT
    'dropped' AS counts_as,
    format('{} six-digit codes of {} belong to no category: {:.2f} % of disclosed employment', codes, year, percent) AS what,
    records
FROM uncategorised
UNION ALL
SELECT 'dropped', 'rows of one legal form or size class, which repeat a part of the rows of all of them', count(*)
FROM raw.rows WHERE NOT rejected AND NOT (lfo IN ('001', '-') AND empszes = '001')
UNION ALL
SELECT 'dropped', 'rows of Puerto Rico and the islands: the measures are those of the 50 states and DC', count(*)
FROM raw.rows ANTI JOIN state USING (fipstate) WHERE NOT rejected
UNION ALL
SELECT 'dropped', 'rows of counties that the geography does not list: they count only in state and country', count(*)
FROM industry_row SEMI JOIN class USING (vintage, naics) ANTI JOIN listed USING (county)
WHERE fipscty <> '999';

CREATE TABLE remarks AS
SELECT format(
    'the table of {} is an excerpt: it holds {:,} of {:,} counties, of {} of 51 states{}; what rests on the others has '
    'status E, or B from 2017 on', year, held, counties, states, coalesce(', none of ' || without, '')
) AS remark
FROM table_seen WHERE NOT whole
UNION ALL
SELECT format('{} six-digit codes of {} belong to no category: {:.1f} % of the disclosed employment', codes, year, percent)
FROM uncategorised WHERE percent > 1
UNION ALL
SELECT format(
    'the rows of {} stand in {} documents; a cell whose rows stand in several is traced to one of them',
    year, count(DISTINCT document_id)
)
FROM industry_row GROUP BY year HAVING count(DISTINCT document_id) > 1;
