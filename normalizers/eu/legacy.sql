-- eu.legacy: region × category tables → categories, cells, observations.

CREATE MACRO slug(text) AS trim(regexp_replace(strip_accents(lower(text)), '[^a-z0-9]+', '-', 'g'), '-');

CREATE TABLE cell AS
SELECT
    record.*,
    slug(category) AS code,
    CASE region WHEN 'Israel' THEN 'IL' ELSE coalesce(country.country_code, left(region, 2)) END AS country_code,
    -- Greece and the United Kingdom stand under either code; NUTS writes EL since 2010, for GR before, and UK always.
    CASE
        WHEN region = 'Israel' THEN 'country:IL'
        WHEN starts_with(region, 'GB') THEN 'nuts:UK' || region[3:]
        WHEN starts_with(region, 'GR') THEN 'nuts:EL' || region[3:]
        ELSE 'nuts:' || region
    END AS region_id,
    'eu.legacy:' || region || ':' || slug(category) AS cluster_id,
    -- A table of one category in many regions is a part of its own, else a region is.
    CASE
        WHEN of_category THEN 'cells/category:' || slug(category) || '/' || year
        ELSE 'cells/' || region || '/' || year
    END AS partition
FROM (
    SELECT
        *,
        coalesce(
            (min(category) OVER one_table) = (max(category) OVER one_table)
            AND (min(region) OVER one_table) <> (max(region) OVER one_table),
            false
        ) AS of_category
    FROM raw.cells
    WINDOW one_table AS (PARTITION BY document_id, regexp_extract(locator, '^(.*)/tr', 1), year)
) AS record
LEFT JOIN reference.countries AS country ON left(region, 2) IN (country.eu_code, country.country_code);

CREATE TABLE staged.regions AS
SELECT
    'country:IL' AS region_id, 'country' AS scheme, 'IL' AS code, 'Israel' AS name, 'Israel' AS name_as_published,
    'IL' AS country_code, min(document_id) AS document_id, min(locator) AS locator, NULL AS partition,
    bool_and(rejected) AS confirm_only
FROM cell WHERE region = 'Israel' HAVING count(*) > 0;

CREATE TABLE staged.categories AS
SELECT
    'eco38:' || code AS category_id, 'eco38' AS scheme, code, arg_min(clean(category), (document_id, locator)) AS name,
    arg_min(document_id, (document_id, locator)) AS document_id, arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition, bool_and(rejected) AS confirm_only
FROM cell WHERE code IS NOT NULL GROUP BY code;

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'eu' AS source_id,
    arg_min(clean(category) || ', ' || coalesce(clean(region_name), region), (document_id, locator)) AS name,
    'cell' AS kind,
    any_value(region_id) AS region_id,
    -- The published code beside the region of NUTS.
    arg_min(coalesce(clean(region_name) || ' (' || region || ')', region), (document_id, locator)) AS place,
    any_value(country_code) AS country_code,
    'eco38:' || any_value(code) AS category_id,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,  -- a cell ends with its last observation
    bool_and(rejected) AS confirm_only
FROM cell WHERE cluster_id IS NOT NULL GROUP BY cluster_id;

CREATE TABLE measured AS
FROM (SELECT cluster_id, year, document_id, locator, partition, rejected, rejected_fields,
        employment, size, specialisation, focus, stars FROM cell)
UNPIVOT INCLUDE NULLS (text FOR target IN (employment, size, specialisation, focus, stars));

CREATE TABLE proof AS  -- each table proves its mark; a column that proves none takes that of its document
SELECT document_id, mark_of(list(replace(text, '%', ''))) AS mark
FROM measured WHERE target IN ('size', 'specialisation', 'focus') GROUP BY document_id;

CREATE TABLE staged.observations AS
SELECT
    cluster_id, target AS indicator, unit_kind, year AS time_period, method_traded AS method,
    value AS obs_value, unit_measure,
    -- The splitting of missing cells makes estimates, and the tables did not say which (id=48).
    CASE WHEN value IS NULL THEN 'O' WHEN target = 'employment' THEN 'E' ELSE 'A' END AS obs_status,
    nullif(trim(text), '') AS value_text,
    CASE WHEN year <> 'undated' THEN make_date(TRY_CAST(year AS INTEGER), 1, 1) END AS period_start,
    CASE WHEN year <> 'undated' THEN make_date(TRY_CAST(year AS INTEGER), 12, 31) END AS period_end,
    document_id, locator, partition,
    rejected OR coalesce(list_contains(rejected_fields, target::VARCHAR), false) AS confirm_only
FROM (
    SELECT
        measured.*, fields.* EXCLUDE (target),
        CASE measured.target
            WHEN 'employment' THEN count_of(text)::DOUBLE
            WHEN 'stars' THEN stars_of(text)::DOUBLE
            ELSE coalesce(
                number_of(replace(text, '%', ''), mark),
                CASE WHEN number_of(replace(text, '%', ''), ',') = number_of(replace(text, '%', ''), '.')
                    THEN number_of(replace(text, '%', ''), '.') END
            )
        END AS value
    FROM measured
    JOIN fields ON fields."table" = 'observations' AND fields.target::VARCHAR = measured.target::VARCHAR
    LEFT JOIN proof USING (document_id)
)
WHERE (text IS NOT NULL OR confirm_only) AND cluster_id IS NOT NULL
ORDER BY ALL;

-- A region is whole with the 38 categories of the source, a category's table with its 259 regions; what another table
-- states of it counts too.
CREATE TABLE completeness AS
SELECT
    coalesce(part.partition, 'cells/unreadable') AS partition,
    if(part.of_category, 259, 38) AS expected,
    count(DISTINCT (cell.region, cell.code)) FILTER (cell.region IS NOT NULL) AS found
FROM (SELECT DISTINCT partition, of_category, region, code, year FROM cell) AS part
LEFT JOIN (FROM cell WHERE NOT rejected AND cluster_id IS NOT NULL) AS cell
    ON cell.year = part.year AND if(part.of_category, cell.code = part.code, cell.region = part.region)
GROUP BY ALL;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
