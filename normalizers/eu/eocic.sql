-- eu.eocic: tidy rows → regions, categories, mappings to the hub, cells, observations.

CREATE MACRO slug(text) AS trim(regexp_replace(strip_accents(lower(text)), '[^a-z0-9]+', '-', 'g'), '-');

CREATE TABLE category AS
WITH named AS (
    SELECT category_group, bcd, name, unnest([name, other_name]) AS alias FROM reference.eocic_categories
),
sector AS (
    SELECT DISTINCT
        Sector,
        Dimension,
        -- The ten emerging industries overlap the 51, and two have the name of one of them.
        regexp_matches(lower(Sector || ' ' || Dimension), 'emerging') AS says_emerging
    FROM raw.rows WHERE Sector IS NOT NULL AND Dimension IS NOT NULL
)
SELECT
    Sector,
    Dimension,
    coalesce(known.category_group, CASE WHEN says_emerging THEN 'emerging' ELSE 'unknown' END) AS category_group,
    bcd,
    CASE WHEN coalesce(known.category_group = 'emerging', says_emerging) THEN 'emerging-' ELSE '' END
        || slug(coalesce(known.name, clean(Sector))) AS code
FROM sector
LEFT JOIN (
    SELECT slug(alias) AS key, category_group, any_value(name) AS name, any_value(bcd) AS bcd
    FROM named WHERE alias <> '' GROUP BY ALL
) AS known
    ON known.key = slug(Sector)
    AND known.category_group = CASE
        WHEN says_emerging THEN 'emerging'
        WHEN slug(Sector) IN (SELECT slug(alias) FROM named WHERE category_group = 'traded' AND alias <> '') THEN 'traded'
        ELSE 'emerging'
    END;

CREATE TABLE proof AS  -- which mark of decimals a column proves, and all of them together
SELECT Indicator, coalesce(mark_of(list(Value)), (SELECT mark_of(list(Value)) FROM raw.rows)) AS mark
FROM raw.rows GROUP BY Indicator;

CREATE TABLE value_row AS
SELECT
    record.*,
    category.code AS category,
    category.category_group,
    category.bcd,
    'eu.eocic:' || Region || ':' || category.code AS cluster_id,
    CASE WHEN length(Region) = 2 THEN 'country:' || coalesce(country.country_code, Region) ELSE 'nuts:' || Region END
        AS region_id,
    coalesce(country.country_code, left(Region, 2)) AS country_code,
    CASE slug(Indicator)
        WHEN 'specialization' THEN 'specialisation'
        WHEN 'enterprises' THEN 'establishments'
        WHEN 'average-wage' THEN 'wage_average'
        ELSE replace(slug(Indicator), '-', '_')
    END AS indicator_id,
    -- A number that reads alike either way needs no proof.
    coalesce(
        number_of(Value, mark),
        CASE WHEN number_of(Value, ',') = number_of(Value, '.') THEN number_of(Value, '.') END,
        CASE WHEN mark IS NULL AND mark_in(Value) IS NOT NULL THEN number_of(Value, mark_in(Value)) END,
        CASE WHEN regexp_matches(Value, '[eE]') THEN TRY_CAST(Value AS DOUBLE) END
    ) AS number,
    'rows/' || slug(Indicator) || '/' || Year AS partition
FROM raw.rows AS record
JOIN category USING (Sector, Dimension)
JOIN proof USING (Indicator)
LEFT JOIN reference.countries AS country ON left(Region, 2) IN (country.eu_code, country.country_code);

CREATE TABLE staged.regions AS
SELECT
    region_id,
    split_part(region_id, ':', 1) AS scheme,
    split_part(region_id, ':', 2) AS code,
    any_value(clean(Region_name) ORDER BY document_id, locator) AS name,
    any_value(Region_name ORDER BY document_id, locator) AS name_as_published,
    any_value(country_code) AS country_code,
    CASE WHEN length(any_value(Region)) = 3 THEN 'country:' || any_value(country_code)
        WHEN length(any_value(Region)) > 3 THEN 'nuts:' || left(any_value(Region), -1) END AS parent_region_id,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,
    bool_and(rejected) AS confirm_only
FROM value_row
GROUP BY region_id;

CREATE TABLE staged.categories AS
SELECT
    'eocic:' || category AS category_id,
    'eocic' AS scheme,
    category AS code,
    arg_min(clean(Sector), (document_id, locator)) AS name,
    CASE any_value(category_group) WHEN 'traded' THEN true END AS traded,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,
    bool_and(rejected) AS confirm_only
FROM value_row
GROUP BY category;

CREATE TABLE staged.category_mappings AS
SELECT
    'eocic:' || category AS from_category_id,
    'bcd:' || any_value(bcd) AS to_category_id,
    'closeMatch' AS relation,
    'same concept by name: the 51 categories follow the Benchmark Cluster Definitions, on NACE' AS basis,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,
    bool_and(rejected) AS confirm_only
FROM value_row
WHERE bcd <> ''
GROUP BY category;

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'eu' AS source_id,
    arg_min(clean(Sector) || ', ' || coalesce(clean(Region_name), Region), (document_id, locator)) AS name,
    'cell' AS kind,
    any_value(region_id) AS region_id,
    arg_min(clean(Region_name), (document_id, locator)) AS place,
    any_value(country_code) AS country_code,
    'eocic:' || any_value(category) AS category_id,
    'bcd:' || any_value(nullif(bcd, '')) AS hub_category_id,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,  -- a cell ends with its last observation
    bool_and(rejected) AS confirm_only
FROM value_row
GROUP BY cluster_id
ORDER BY cluster_id;

CREATE TABLE staged.observations AS
SELECT
    cluster_id,
    indicator_id AS indicator,
    -- What sorts rows of one indicator apart, where something but the group of the category does.
    CASE
        WHEN slug(Dimension) = '' OR regexp_matches(lower(Dimension), 'emerging|traded|sector|cluster|industr')
            THEN coalesce(fields.unit_kind::VARCHAR, '_Z')
        ELSE slug(Dimension)
    END AS unit_kind,
    Year AS time_period,
    coalesce(fields.method_traded::VARCHAR, 'eu.eocic.unknown') AS method,
    number AS obs_value,
    coalesce(
        CASE WHEN slug(Unit) IN ('number', 'ratio', 'persons', 'nr') THEN fields.unit_measure::VARCHAR END,
        nullif(clean(Unit), ''), fields.unit_measure::VARCHAR, 'unknown'
    ) AS unit_measure,
    CASE WHEN number IS NULL THEN 'O' ELSE 'A' END AS obs_status,
    nullif(trim(Value), '') AS value_text,
    make_date(Year::INTEGER, 1, 1) AS period_start,
    make_date(Year::INTEGER, 12, 31) AS period_end,
    document_id,
    locator,
    partition,
    rejected OR coalesce(list_contains(rejected_fields, 'Value'), false) AS confirm_only
FROM value_row
LEFT JOIN fields ON fields."table" = 'observations' AND fields.target::VARCHAR = indicator_id
ORDER BY ALL;

-- A dump has no denominator but itself: a part is whole where each of its rows could be read.
CREATE TABLE completeness AS
SELECT
    'rows/' || coalesce(slug(Indicator), 'unreadable') || '/' || coalesce(Year, 'unreadable') AS partition,
    count(*) AS expected,
    count(*) FILTER (NOT rejected) AS found,
    count(*) FILTER (coalesce(trim(Value), '') = '') AS empty
FROM raw.rows
GROUP BY ALL;

CREATE TABLE set_aside AS
SELECT
    'dropped' AS counts_as,
    'values that may be read either way (1.240), for no value of the dump proves how it marks decimals' AS what,
    count(*) AS records
FROM value_row
WHERE number IS NULL AND regexp_matches(Value, '[0-9]');
