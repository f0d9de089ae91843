-- ref.lgd: the list that we ship → regions: `country:IN`, `in:state:<code>`, `in:district:<code>`.

-- The column is a day: a year or a month alone stays in the list.
CREATE MACRO known_day(text) AS CASE WHEN regexp_full_match(text, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN text::DATE END;

CREATE TABLE staged.regions AS
SELECT
    CASE level WHEN 'country' THEN 'country' ELSE 'in:' || level END || ':' || code AS region_id,
    CASE level WHEN 'country' THEN 'country' ELSE 'in:' || level END AS scheme,
    code,
    clean(name) AS name,
    nullif(name_lgd, '') AS name_as_published,
    'IN' AS country_code,
    nullif(iso_3166_2, '') AS iso_3166_2,
    CASE level WHEN 'state' THEN 'country:IN' WHEN 'district' THEN 'in:state:' || state END AS parent_region_id,
    known_day(since) AS valid_from,
    known_day(until) AS valid_to,
    'in:' || level || ':' || nullif(successor, '') AS successor,
    document_id,
    locator,
    'regions' AS partition,
    rejected AS confirm_only
FROM raw.regions;

CREATE TABLE completeness AS
WITH listed AS (SELECT list(level || ':' || code) AS codes FROM raw.regions),
named AS (
    SELECT unnest(
        [CASE WHEN level = 'district' THEN 'state:' || state END]
        || [level || ':' || nullif(successor, '')]
        || list_transform(string_split(formed_from, ' '), lambda other: level || ':' || nullif(other, ''))
    ) AS code, row_number() OVER () AS row
    FROM raw.regions
),
lacking AS (SELECT count(DISTINCT row) AS rows FROM named, listed WHERE NOT list_contains(codes, code))
SELECT 'regions' AS partition, count(*) AS expected, count(*) - any_value(lacking.rows) AS found
FROM raw.regions, lacking
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
