-- ca.seph: rows of the table → NAICS classes, cells (region × industry), employment, and what is computed of it.

-- What is read -------------------------------------------------------------------------------------------------------

CREATE TABLE scalar AS FROM (VALUES
    ('units', 1), ('tens', 10), ('hundreds', 100), ('thousands', 1000), ('tens of thousands', 10000),
    ('hundreds of thousands', 100000), ('millions', 1000000)
) AS scalar (scalar, factor);

CREATE MACRO plain(text) AS lower(strip_accents(trim(text)));

CREATE TABLE place AS
SELECT
    region_type, region_code, name,
    CASE region_type WHEN 'country' THEN 'country:CA' ELSE 'ca:pr:' || region_code END AS region_id,
    CASE region_type WHEN 'country' THEN 'country:' ELSE 'pr:' END || region_code AS place,
    [plain(name), plain(name_fr)] AS names,
    CASE region_type WHEN 'country' THEN 'A000011124' ELSE 'A0002' || region_code END AS dguid_ending
FROM reference.canada_geography WHERE region_type IN ('country', 'province', 'territory');

CREATE TABLE cell AS
SELECT
    record.*,
    -- Where name and identifier tell of different regions, none is taken.
    CASE WHEN coalesce(by_name.place = by_dguid.place, true) THEN coalesce(by_name.place, by_dguid.place) END AS site,
    CASE
        WHEN starts_with(plain(industry), 'industrial aggregate including unclassified') THEN '00-91N'
        ELSE nullif(replace(regexp_extract(industry, '\[([^\[\]]+)\]\s*$', 1), ' ', ''), '')
    END AS code,
    CASE
        WHEN upper(status) = 'X' THEN 'Q'
        WHEN value = '' OR status IN ('F', '..', '...', '<LOD') THEN 'O'
        WHEN status = 'E' THEN 'E'
        WHEN lower(status) = 'p' OR lower(symbol) = 'p' THEN 'P'
        ELSE 'A'
    END AS obs_status,
    CASE WHEN obs_status NOT IN ('Q', 'O') THEN TRY_CAST(value AS DOUBLE) * factor END AS persons,
    'ca.seph:' || site || ':' || code AS cluster_id,
    'rows/' || year AS partition
FROM raw.rows AS record
LEFT JOIN scalar USING (scalar)
LEFT JOIN place AS by_name ON list_contains(by_name.names, plain(geography))
LEFT JOIN place AS by_dguid ON by_dguid.dguid_ending = substring(dguid, 5);

CREATE TABLE class AS
SELECT
    code,
    arg_min(clean(regexp_replace(industry, '\[[^\[\]]+\]\s*$', '')), (document_id, locator)) AS name,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    bool_and(rejected) AS confirm_only
FROM cell WHERE cluster_id IS NOT NULL GROUP BY code;

-- An industry whose six-digit industries all belong to one category of the hub is a part of that category. The lists
-- are of the United States: they have the same four digits, not always the same six.
CREATE TABLE hub AS
SELECT code, any_value(category) AS category, count(*) AS industries
FROM class JOIN reference.naics_bcd AS member
    ON member.vintage = '2012' AND regexp_full_match(code, '[0-9]{3,4}') AND starts_with(member.naics, code)
GROUP BY code HAVING count(DISTINCT category) = 1;

-- What is computed ---------------------------------------------------------------------------------------------------

-- Shares of all employees, those of unclassified businesses included: the one base that every region has.
CREATE TABLE compared AS
SELECT
    cell.cluster_id, cell.document_id, cell.locator, cell.partition, cell.year, cell.code, cell.site,
    CASE WHEN cell.code <> '00-91N' THEN cell.persons / whole.persons END AS region_share,
    CASE WHEN cell.site <> 'country:CA' THEN cell.persons / nullif(country.persons, 0) END AS category_share,
    CASE WHEN cell.site <> 'country:CA'
        THEN region_share / nullif(country.persons / country_whole.persons, 0) END AS location_quotient,
    [cell.obs_status, whole.obs_status] AS of_region,
    [cell.obs_status, country.obs_status] AS of_category,
    [cell.obs_status, whole.obs_status, country.obs_status, country_whole.obs_status] AS of_both
FROM cell
LEFT JOIN (FROM cell WHERE code = '00-91N' AND persons > 0 AND NOT rejected) AS whole USING (year, site)
LEFT JOIN (FROM cell WHERE site = 'country:CA' AND NOT rejected) AS country
    ON country.year = cell.year AND country.code = cell.code
LEFT JOIN (FROM cell WHERE site = 'country:CA' AND code = '00-91N' AND persons > 0 AND NOT rejected) AS country_whole
    ON country_whole.year = cell.year
WHERE cell.persons IS NOT NULL AND cell.cluster_id IS NOT NULL AND NOT cell.rejected;

-- Rows of the common schema ------------------------------------------------------------------------------------------

CREATE TABLE staged.categories AS
SELECT
    'naics:' || class.code AS category_id,
    'naics' AS scheme,
    class.code,
    class.name,
    'naics:' || parent.code AS parent_category_id,
    class.document_id, class.locator, NULL AS partition, class.confirm_only
FROM class
LEFT JOIN class AS parent ON regexp_full_match(class.code, '[0-9]{3,}') AND parent.code = CASE
    WHEN length(class.code) > 3 THEN left(class.code, -1)
    WHEN left(class.code, 2) BETWEEN '31' AND '33' THEN '31-33'
    WHEN left(class.code, 2) IN ('44', '45') THEN '44-45'
    WHEN left(class.code, 2) IN ('48', '49') THEN '48-49'
    ELSE left(class.code, 2)
END;

CREATE TABLE staged.category_mappings AS
SELECT
    'naics:' || code AS from_category_id,
    'bcd:' || category AS to_category_id,
    'broadMatch' AS relation,
    0.9 AS confidence,
    format('each of the {} six-digit industries of it that the hub lists for NAICS 2012 is of this category', industries)
        AS basis,
    document_id, locator, NULL AS partition, confirm_only
FROM hub JOIN class USING (code);

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'canada' AS source_id,
    any_value(class.name) || ', ' || any_value(place.name) AS name,
    'cell' AS kind,
    any_value(region_id) AS region_id,
    arg_min(clean(geography), (cell.document_id, cell.locator)) AS place,
    'CA' AS country_code,
    'naics:' || any_value(cell.code) AS category_id,
    'bcd:' || any_value(category) AS hub_category_id,
    arg_min(cell.document_id, (cell.document_id, cell.locator)) AS document_id,
    arg_min(cell.locator, (cell.document_id, cell.locator)) AS locator,
    NULL AS partition,  -- a cell has no year of its own: it ends with its last observation
    bool_and(cell.rejected) AS confirm_only
FROM cell JOIN place ON place.place = cell.site JOIN class USING (code) LEFT JOIN hub USING (code)
GROUP BY cluster_id ORDER BY cluster_id;

CREATE TABLE staged.observations AS
SELECT
    cluster_id,
    target AS indicator,
    unit_kind,
    year AS time_period,
    method_traded AS method,
    obs_value,
    unit_measure,
    obs_status,
    value_text,
    make_date(year::INTEGER, 1, 1) AS period_start,
    make_date(year::INTEGER, 12, 31) AS period_end,
    document_id, locator, partition, confirm_only
FROM (
    SELECT
        cluster_id, 'employment' AS target, year, persons AS obs_value, obs_status,
        nullif(concat_ws(' ', nullif(value, ''), nullif(status, ''), symbol), '') AS value_text,
        document_id, locator, partition, rejected AS confirm_only
    FROM cell WHERE cluster_id IS NOT NULL AND year IS NOT NULL
    UNION ALL
    SELECT
        cluster_id, target, year, obs_value,
        CASE WHEN list_contains(inputs, 'E') THEN 'E' WHEN list_contains(inputs, 'P') THEN 'P' ELSE 'A' END,
        NULL, document_id, locator, partition, false
    FROM (
        SELECT *, 'region_share' AS target, region_share AS obs_value, of_region AS inputs FROM compared
        UNION ALL
        SELECT *, 'category_share', category_share, of_category FROM compared
        UNION ALL
        SELECT *, 'location_quotient', location_quotient, of_both FROM compared
    )
    WHERE obs_value IS NOT NULL
)
JOIN fields USING (target)
WHERE "table" = 'observations'
ORDER BY cluster_id, indicator, unit_kind, time_period, method;

-- The denominator: every row of a year, and the sum over all industries of the country and of each province -----------

CREATE TABLE completeness AS
WITH listed AS (SELECT place AS site FROM place WHERE region_type IN ('country', 'province')),
lacking AS (
    SELECT year, count(*) AS totals
    FROM (SELECT DISTINCT year FROM cell WHERE year IS NOT NULL) CROSS JOIN listed
    ANTI JOIN (FROM cell WHERE code = '00-91N' AND NOT rejected) AS whole USING (year, site)
    GROUP BY year
)
SELECT
    'rows/' || coalesce(year, 'unreadable') AS partition,
    count(*) + coalesce(any_value(totals), 0) AS expected,
    count(*) FILTER (NOT rejected) AS found
FROM cell LEFT JOIN lacking USING (year) GROUP BY year;

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'rows of one type of employees, or not in persons' AS what, records
FROM left_out WHERE stage = 'kept'
UNION ALL
SELECT 'dropped', 'rows of places that are no province, or are named in two ways', count(*)
FROM cell WHERE site IS NULL AND NOT rejected
UNION ALL
SELECT 'dropped', 'rows of industries without a NAICS code in brackets', count(*)
FROM cell WHERE site IS NOT NULL AND code IS NULL AND NOT rejected;

CREATE TABLE remarks AS
SELECT format(
    '{} rows are of places that are no province, or whose name and identifier differ, such as {}', count(*), min(geography)
) AS remark
FROM cell WHERE site IS NULL AND NOT rejected HAVING count(*) > 0
UNION ALL
SELECT format('{} rows are of industries without a NAICS code, such as {}', count(*), min(industry))
FROM cell WHERE site IS NOT NULL AND code IS NULL AND NOT rejected HAVING count(*) > 0
UNION ALL
SELECT format(
    '{} series were terminated: they have no rows after their last year, such as {} in {} ({})',
    count(DISTINCT cluster_id), min_by(industry, cluster_id), min_by(geography, cluster_id), max(year)
)
FROM cell WHERE terminated IS NOT NULL AND cluster_id IS NOT NULL HAVING count(*) > 0
UNION ALL
SELECT 'no sum over all industries of Canada in ' || string_agg(year, ', ' ORDER BY year) || ': no quotient is computed'
FROM (
    SELECT year FROM cell WHERE year IS NOT NULL GROUP BY year
    HAVING count(*) FILTER (site = 'country:CA' AND code = '00-91N' AND persons > 0) = 0
)
HAVING count(*) > 0;
