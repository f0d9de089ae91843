-- us.cbp: county × industry rows → cells (region × category) by membership, and the measures of us.clustermapping.
--
-- The formulas are those of the source that is rebuilt (docs/sources/us.md). All sums are of integers, so that their
-- order does not matter. Inputs and outputs are those of every feed's program.

-- What is read: six-digit industries of the 50 states and the District of Columbia -----------------------------------

CREATE VIEW industry_row AS
SELECT
    county_row.*,
    coalesce(change.listed_code, fipstate || fipscty) AS county,
    CASE
        WHEN year >= '2013' THEN '2012'  -- codes of NAICS 2017 that NAICS 2012 has too; others are counted as dropped
        WHEN year >= '2008' THEN '2007'
        WHEN year >= '2003' THEN '2002'
        ELSE '1997'
    END AS vintage
FROM raw.rows AS county_row
LEFT JOIN reference.us_county_changes AS change ON change.new_code = fipstate || fipscty
WHERE NOT rejected AND regexp_full_match(naics, '[0-9]{6}')
    AND fipstate IN (SELECT fips_code FROM reference.us_states WHERE fips_code <> '72');

CREATE TABLE county_cell AS
SELECT
    min(document_id) AS document_id,
    year,
    vintage,
    fipstate,
    county,
    category,
    sum(CASE WHEN withheld THEN coalesce(midpoint.employment::BIGINT, 0) ELSE coalesce(emp, 0) END)::BIGINT AS emp,
    sum(CASE WHEN withheld THEN 0 ELSE coalesce(emp, 0) END)::BIGINT AS emp_reported,
    sum(CASE WHEN withheld THEN 0 ELSE coalesce(qp1, 0) END)::BIGINT AS qp1,
    sum(CASE WHEN withheld THEN 0 ELSE coalesce(ap, 0) END)::BIGINT AS ap,
    sum(est)::BIGINT AS est,
    bool_or(withheld) AS imputed
FROM (
    SELECT *, coalesce(empflag, '') <> '' OR coalesce(emp_nf, '') IN ('D', 'S') OR emp IS NULL AS withheld
    FROM industry_row
)
JOIN reference.naics_bcd AS class USING (vintage, naics)
LEFT JOIN reference.us_cbp_midpoints AS midpoint USING (empflag)
GROUP BY ALL
HAVING sum(est) > 0;

-- Cells: counties summed over the regions that they belong to --------------------------------------------------------

CREATE VIEW membership AS
SELECT region_type, region_code, name, unnest(string_split(members, ' ')) AS county
FROM reference.us_geography WHERE region_type IN ('msa', 'economic')
UNION ALL
SELECT region_type, region_code, name, region_code FROM reference.us_geography WHERE region_type = 'county';

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
    'cells/' || year AS partition
FROM cell;

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
    -- A new rule of disclosure in 2017: cells of one or two establishments are left out, others are blurred.
    CASE WHEN year >= '2017' THEN replace(stated, 'us.cbp.', 'us.cbp2017.') ELSE stated END AS method,
    CASE WHEN NOT unknown THEN value * factor::DOUBLE END AS obs_value,
    unit_measure,
    CASE
        WHEN unknown THEN 'O'
        WHEN year = '2017' THEN 'B'
        WHEN imputed AND follows_imputation::BOOLEAN THEN 'E'
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
                cluster_id, year, traded, imputed, document_id, locator, partition,
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
WITH listed AS (
    SELECT left(region_code, 2) AS fipstate, floor(0.9 * count(*))::BIGINT AS counties
    FROM reference.us_geography WHERE region_type = 'county' AND left(region_code, 2) <> '72' GROUP BY ALL
),
county_total AS (
    SELECT DISTINCT year, fipstate, fipscty, est FROM raw.rows WHERE NOT rejected AND naics IN ('------', '00')
),
detailed AS (SELECT DISTINCT year, fipstate, fipscty FROM industry_row),
found AS (
    SELECT year, fipstate, count(*) AS counties, count(*) FILTER (detailed.year IS NULL AND (
        -- Since 2017 a county may be so small that none of its industries has the three establishments it takes.
        year < '2017' OR est >= 100
    )) AS bare
    FROM county_total SEMI JOIN listed USING (fipstate) LEFT JOIN detailed USING (year, fipstate, fipscty)
    WHERE fipscty <> '999'
    GROUP BY year, fipstate
),
counted AS (
    SELECT coalesce(year, 'unknown') AS year, coalesce(fipstate, 'unreadable') AS fipstate,
        count(*) AS rows, count(*) FILTER (NOT rejected AND rejected_fields = []) AS good
    FROM raw.rows GROUP BY ALL
),
wanted AS (
    SELECT year, fipstate FROM listed, (
        SELECT split_part(partition, '/', 2) AS year FROM asked UNION SELECT year FROM raw.rows WHERE year IS NOT NULL
    )
    UNION
    SELECT year, fipstate FROM counted
)
SELECT
    year,
    fipstate,
    coalesce(counted.rows, 0) + coalesce(bare, 0) + greatest(coalesce(listed.counties, 0) - coalesce(found.counties, 0), 0)
        AS expected,
    coalesce(good, 0) AS found
FROM wanted
LEFT JOIN counted USING (year, fipstate)
LEFT JOIN found USING (year, fipstate)
LEFT JOIN listed USING (fipstate);

CREATE TABLE completeness AS
SELECT 'rows/' || year || '/' || fipstate AS partition, expected, found FROM part
UNION ALL
-- The cells of a year need every state: each share is a share of the country.
SELECT 'cells/' || year, count(*), count(*) FILTER (found = expected) FROM part GROUP BY year;

-- The rows of broader industries, which repeat the sums of the six-digit ones, are no loss and are not counted.
CREATE TABLE set_aside AS
SELECT
    'dropped' AS counts_as,
    format(
        '{} six-digit codes of NAICS in {} belong to no category: {:.2f} % of the employment that is disclosed',
        count(DISTINCT naics) FILTER (category IS NULL), year,
        coalesce(100.0 * sum(emp) FILTER (category IS NULL) / nullif(sum(emp), 0), 0)::DOUBLE
    ) AS what,
    count(*) FILTER (category IS NULL) AS records
FROM industry_row LEFT JOIN reference.naics_bcd USING (vintage, naics)
GROUP BY year
UNION ALL
SELECT 'dropped', 'rows of Puerto Rico and the islands: the measures are those of the 50 states and DC', count(*)
FROM raw.rows WHERE NOT rejected AND fipstate NOT IN (SELECT fips_code FROM reference.us_states WHERE fips_code <> '72')
UNION ALL
SELECT 'dropped', 'rows of counties that the geography does not list: they count only in state and country', count(*)
FROM industry_row JOIN reference.naics_bcd USING (vintage, naics)
WHERE fipscty <> '999' AND county NOT IN (SELECT region_code FROM reference.us_geography WHERE region_type = 'county');
