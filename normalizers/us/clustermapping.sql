-- us.clustermapping: raw records → rows of the common schema.
--
-- Given:    raw.<kind>      checked records, with document_id, locator, rejected, rejected_fields
--           asked           partitions that the spider set out to read: cells/<region type>/<year>/<clusters>, with
--                           /<subclusters> behind it for subclusters, and aggregates/<region type>/<year>
--           fields          normalizers/us/clustermapping.fields.csv: which field is which indicator, and how
--           reference.*     normalizers/reference/*.csv
-- Made:     staged.<table>  rows of the common schema, with document_id, locator, partition, confirm_only
--           completeness    partition, expected, found: the denominator
--           set_aside       what made no row, and whether it counts as empty or as dropped

-- Years that came although the source does not list them: `all` may bring years that it has no data for.
CREATE TABLE unlisted_year AS
FROM (SELECT year_t FROM raw.cells UNION SELECT year_t FROM raw.aggregates)
WHERE year_t NOT IN (SELECT year FROM raw.years WHERE year IS NOT NULL) AND EXISTS (FROM raw.years);

CREATE MACRO category_code_of(cluster_code, sub_code) AS
    CASE WHEN sub_code IS NULL THEN cluster_code ELSE cluster_code || '.' || lpad(sub_code, 2, '0') END;

-- Regions ------------------------------------------------------------------------------------------------------------

CREATE MACRO region_id_of(region_type, code) AS
    CASE region_type
        WHEN 'country' THEN 'country:' || CASE code WHEN '98' THEN 'US' WHEN '124' THEN 'CA' WHEN '484' THEN 'MX' END
        ELSE 'us:' || region_type || ':' || code
    END;

CREATE TABLE staged.regions AS
SELECT
    region_id_of(region_type_t, region_code_t) AS region_id,
    CASE region_type_t WHEN 'country' THEN 'country' ELSE 'us:' || region_type_t END AS scheme,
    CASE region_type_t WHEN 'country' THEN split_part(region_id, ':', 2) ELSE region_code_t END AS code,
    coalesce(corrected.name, clean(name_t)) AS name,
    name_t AS name_as_published,
    CASE region_type_t WHEN 'country' THEN split_part(region_id, ':', 2) ELSE 'US' END AS country_code,
    state.iso_3166_2,
    CASE
        WHEN region_type_t = 'country' THEN NULL
        WHEN region_type_t <> 'county' THEN 'country:US'
        -- The District of Columbia has a county here and no state.
        WHEN region_state_code_t IN (SELECT region_code_t FROM raw.region_list WHERE region_type_t = 'state')
            THEN 'us:state:' || region_state_code_t
        WHEN region_state_code_t IN (SELECT region_code_t FROM raw.region_list WHERE region_type_t = 'territory')
            THEN 'us:territory:' || region_state_code_t
        ELSE 'country:US'
    END AS parent_region_id,
    list_transform(from_json(regions_txt, '["VARCHAR"]'), lambda member: 'us:county:' || split_part(member, '/', 3))
        AS member_region_ids,
    document_id,
    locator,
    'regions' AS partition,
    rejected AS confirm_only
FROM raw.region_list
LEFT JOIN reference.us_states AS state
    ON region_type_t IN ('state', 'territory') AND state.fips_code = region_code_t
LEFT JOIN reference.us_region_names AS corrected
    ON corrected.region_type = region_type_t AND corrected.region_code = region_code_t
WHERE region_type_t <> 'custom';

-- Categories ---------------------------------------------------------------------------------------------------------

CREATE TABLE staged.categories AS
SELECT
    'bcd:' || cluster_code_t AS category_id,
    'bcd' AS scheme,
    cluster_code_t AS code,
    clean(name_t) AS name,
    traded_b AS traded,
    NULL AS parent_category_id,
    document_id,
    locator,
    'categories' AS partition,
    rejected AS confirm_only
FROM raw.categories
UNION ALL BY NAME
SELECT
    'bcd:' || category_code_of(cluster_code_t, sub_code) AS category_id,
    'bcd' AS scheme,
    category_code_of(cluster_code_t, sub_code) AS code,
    clean(sub_clusters ->> sub_code) AS name,
    traded_b AS traded,
    'bcd:' || cluster_code_t AS parent_category_id,
    document_id,
    locator || '/sub_clusters/' || sub_code AS locator,
    'categories' AS partition,
    rejected AS confirm_only
FROM (SELECT *, unnest(json_keys(sub_clusters)) AS sub_code FROM raw.categories);

CREATE TABLE staged.category_mappings AS
SELECT
    'bcd:' || cluster_code_t AS from_category_id,
    'bcd:' || (related ->> 'cluster_code_t') AS to_category_id,
    'relatedMatch' AS relation,
    NULL AS confidence,
    format(
        'Published as related: share of locational correlations {} %, related industries {} on average, {} at least',
        related ->> 'related_percentage', related ->> 'related_avg', related ->> 'related_min'
    ) AS basis,
    document_id,
    locator || '/related_clusters/' || position AS locator,
    'category_mappings' AS partition,
    rejected AS confirm_only
FROM (
    SELECT
        *,
        unnest(related_clusters -> '$[*]') AS related,
        unnest(range(json_array_length(related_clusters)::BIGINT)) AS position
    FROM raw.categories
);

-- Cells, of clusters and of subclusters ------------------------------------------------------------------------------

CREATE MACRO id_of(cell) AS
    concat_ws(
        '/', 'cluster', cell.region_type_t, cell.region_code_t, cell.cluster_code_t, cell.year_t, cell.sub_code_t
    );

-- The key of a record is its id, that of a cell its parts: where they disagree, the record is no evidence of either.
INSERT INTO quarantine_entries
SELECT
    'cells', 'record', document_id, locator, 'id',
    format('id: expected {}, as the other fields say, got {}', id_of(cell), id), to_json(cell)
FROM raw.cells AS cell
WHERE NOT rejected AND id <> id_of(cell);

DELETE FROM raw.cells AS cell WHERE NOT rejected AND id <> id_of(cell);

-- In the order of the source, which is asked to sort by id; so is all that follows.
CREATE TABLE published_cell AS
SELECT
    *,
    category_code_of(cluster_code_t, sub_code_t) AS category_code,
    coalesce(sub_name_t, cluster_name_t) AS category_name,
    'us.clustermapping:' || region_type_t || ':' || region_code_t || ':' || category_code AS cluster_id,
    'cells/' || region_type_t || '/' || year_t || '/' || category_code AS partition
FROM raw.cells
WHERE rec_count_tl > 0 AND region_type_t <> 'custom' AND year_t NOT IN (FROM unlisted_year);

-- Each name is cleaned once, not once for each cell.
CREATE TABLE place AS
SELECT region_type_t, region_code_t, region_name_t, clean(region_name_t) AS place, coalesce(corrected.name, place) AS name
FROM (SELECT DISTINCT region_type_t, region_code_t, region_name_t FROM published_cell)
LEFT JOIN reference.us_region_names AS corrected
    ON corrected.region_type = region_type_t AND corrected.region_code = region_code_t;

CREATE TABLE category AS
SELECT category_code, category_name, clean(category_name) AS name
FROM (SELECT DISTINCT category_code, category_name FROM published_cell);

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'us' AS source_id,
    category.name || ', ' || place.name AS name,
    'cell' AS kind,
    region_id_of(region_type_t, region_code_t) AS region_id,
    place,
    'US' AS country_code,
    'bcd:' || category_code AS category_id,
    'bcd:' || category_code AS hub_category_id,
    document_id,
    locator,
    NULL AS partition,  -- a cell has no year of its own: it ends with its last observation
    rejected AS confirm_only
FROM published_cell
-- Names are those of the newest year.
JOIN (SELECT cluster_id, max(year_t) AS year_t FROM published_cell GROUP BY cluster_id) USING (cluster_id, year_t)
LEFT JOIN place USING (region_type_t, region_code_t, region_name_t)
LEFT JOIN category USING (category_code, category_name);

-- Aggregates: a region's totals over all clusters, the traded and the local ones -------------------------------------

CREATE TABLE published_aggregate AS
SELECT
    *,
    'us.clustermapping:' || region_type_t || ':' || region_code_t || ':all' AS cluster_id,
    'aggregates/' || region_type_t || '/' || year_t AS partition
FROM raw.aggregates
WHERE (rejected OR greatest(emp_tl, est_tl) > 0) AND region_type_t <> 'custom' AND year_t NOT IN (FROM unlisted_year)
ORDER BY cluster_id, year_t;

INSERT INTO staged.clusters BY NAME
SELECT
    cluster_id,
    'us' AS source_id,
    'All clusters, ' || coalesce(region.name, clean(region_name_t)) AS name,
    'cell' AS kind,
    region_id_of(region_type_t, region_code_t) AS region_id,
    coalesce(region.name, clean(region_name_t)) AS place,
    'US' AS country_code,
    aggregate.document_id,
    aggregate.locator,
    rejected AS confirm_only
FROM published_aggregate AS aggregate
JOIN (SELECT cluster_id, max(year_t) AS year_t FROM published_aggregate GROUP BY cluster_id) USING (cluster_id, year_t)
LEFT JOIN (FROM staged.regions WHERE NOT confirm_only) AS region
    ON region.region_id = region_id_of(region_type_t, region_code_t);

-- Observations -------------------------------------------------------------------------------------------------------

CREATE VIEW measured AS
SELECT 'cells' AS kind, * FROM (
    SELECT
        cluster_id, year_t, traded_b, emp_tl > emp_reported_tl AS imputed, document_id, locator, partition, rejected,
        rejected_fields,
        emp_tl::DOUBLE AS emp_tl,
        emp_reported_tl::DOUBLE AS emp_reported_tl,
        est_tl::DOUBLE AS est_tl,
        qp1_tl::DOUBLE AS qp1_tl,
        ap_tl::DOUBLE AS ap_tl,
        private_wage_tf,
        lq_tf,
        region_emp_per_tf,
        cluster_emp_per_tf,
        patent_count_tf,
        qualifying_b::DOUBLE AS qualifying_b,
        significant_b::DOUBLE AS significant_b,
        strong_b::DOUBLE AS strong_b,
        strong10_b::DOUBLE AS strong10_b
    FROM published_cell
)
UNPIVOT INCLUDE NULLS (
    value FOR field IN (
        emp_tl, emp_reported_tl, est_tl, qp1_tl, ap_tl, private_wage_tf, lq_tf, region_emp_per_tf, cluster_emp_per_tf,
        patent_count_tf, qualifying_b, significant_b, strong_b, strong10_b
    )
)
UNION ALL BY NAME
SELECT
    'aggregates' AS kind,
    * EXCLUDE (imputed_traded, imputed_local)
        REPLACE (CASE split_part(field, '_', 2) WHEN 'traded' THEN imputed_traded WHEN 'local' THEN imputed_local
                 ELSE imputed END AS imputed)
FROM (
    SELECT
        cluster_id, year_t, NULL::BOOLEAN AS traded_b, document_id, locator, partition, rejected, rejected_fields,
        coalesce(emp_tl > emp_reported_tl, false) AS imputed,
        coalesce(emp_traded_tl > emp_reported_traded_tl, false) AS imputed_traded,
        coalesce(emp_local_tl > emp_reported_local_tl, false) AS imputed_local,
        COLUMNS('^(emp|est|ap|private_wage)_((reported|traded|local)_)*(tl|tf)$')::DOUBLE
    FROM published_aggregate
)
UNPIVOT INCLUDE NULLS (value FOR field IN (COLUMNS('^(emp|est|ap|private_wage)_.*')));

CREATE TABLE staged.observations AS
SELECT
    cluster_id,
    target AS indicator,
    unit_kind,
    year_t AS time_period,
    CASE WHEN traded_b THEN method_traded ELSE method_local END AS method,
    CASE WHEN unknown THEN NULL ELSE value * factor::DOUBLE END AS obs_value,
    unit_measure,
    CASE
        WHEN unknown THEN 'O'
        -- From 2017 on industries are those of NAICS 2017, and the Census discloses in another way: us.md 4.3.
        WHEN year_t >= '2017' AND value IS NOT NULL THEN 'B'
        WHEN imputed AND follows_imputation::BOOLEAN THEN 'E'
        ELSE 'A'
    END AS obs_status,
    CASE
        WHEN unit_measure = 'boolean' THEN (value = 1)::VARCHAR
        WHEN value = trunc(value) THEN value::BIGINT::VARCHAR  -- 53957, not 53957.0
        ELSE value::VARCHAR
    END AS value_text,
    make_date(year_t::INTEGER, 1, 1) AS period_start,
    make_date(year_t::INTEGER, 12, 31) AS period_end,
    document_id,
    locator,
    partition,
    rejected OR coalesce(list_contains(rejected_fields, field), false) AS confirm_only
FROM (
    SELECT *, value = 0 AND zero_is_unknown::BOOLEAN AS unknown
    FROM measured
    JOIN fields USING (kind, field)
    WHERE "table" = 'observations'
)
WHERE value IS NOT NULL OR confirm_only;

-- Organisations: the registry, which is only ever a saved file ------------------------------------------------------

CREATE TABLE staged.organisations AS
SELECT
    'us.clustermapping:organisation:' || org_id AS organisation_id,
    first(clean(org_title) ORDER BY entry.locator) AS name,
    'US' AS country_code,
    list(DISTINCT category_id ORDER BY category_id) FILTER (category_id IS NOT NULL) AS categories,
    first(entry.document_id ORDER BY entry.locator) AS document_id,
    'csv:org_id=' || org_id AS locator,
    'registry' AS partition,
    bool_or(rejected) AS confirm_only
FROM raw.registry AS entry
LEFT JOIN (SELECT category_id, name FROM staged.categories WHERE parent_category_id IS NULL) AS category
    ON category.name = clean(entry.cluster_name)
GROUP BY org_id;

-- The denominator: regions of each type × clusters × years, for all that was asked and all that came -----------------

CREATE TABLE completeness AS
WITH request AS (
    SELECT
        part[1] AS kind, part[2] AS region_type, part[3] AS year, string_split(part[4], ',') AS clusters, part[5] AS sub_codes
    FROM (SELECT string_split(partition, '/') AS part FROM asked)
),
category AS (
    SELECT cluster_code_t, NULL AS sub_code, traded_b FROM raw.categories
    UNION ALL
    SELECT cluster_code_t, unnest(json_keys(sub_clusters)), traded_b FROM raw.categories
),
wanted AS (
    SELECT region_type, year, category_code_of(cluster_code_t, sub_code) AS category_code
    FROM request
    JOIN category
        ON (
            list_contains(clusters, cluster_code_t)
            OR list_contains(clusters, CASE WHEN traded_b THEN 'traded' ELSE 'local' END)
            OR list_contains(clusters, 'all')
        )
        AND CASE
            WHEN sub_codes IS NULL THEN sub_code IS NULL
            ELSE sub_code IS NOT NULL AND sub_codes IN ('all', sub_code)
        END
    WHERE kind = 'cells'
    UNION
    SELECT region_type_t, year_t, category_code_of(cluster_code_t, sub_code_t) FROM raw.cells
    WHERE region_type_t <> 'custom' AND year_t NOT IN (FROM unlisted_year)
),
regions AS (SELECT region_type_t AS region_type, count(*) AS regions FROM raw.region_list GROUP BY ALL),
cells AS (
    SELECT
        region_type_t AS region_type, year_t AS year, category_code_of(cluster_code_t, sub_code_t) AS category_code,
        count(*) AS cells,
        -- A year of nothing but placeholders was never loaded; the territory, Puerto Rico, has nothing else.
        count(*) FILTER (rec_count_tl = 0 AND region_type_t <> 'territory') AS placeholders
    FROM raw.cells
    GROUP BY ALL
),
aggregates AS (
    SELECT region_type_t AS region_type, year_t AS year, count(*) AS aggregates
    FROM raw.aggregates
    WHERE region_type_t <> 'custom' AND year_t NOT IN (FROM unlisted_year)
    GROUP BY ALL
)
SELECT
    'cells/' || region_type || '/' || year || '/' || category_code AS partition,
    coalesce(regions, 0) AS expected,
    coalesce(cells, 0) AS found,
    coalesce(placeholders, 0) AS empty
FROM wanted
LEFT JOIN regions USING (region_type)
LEFT JOIN cells USING (region_type, year, category_code)
UNION ALL
SELECT 'aggregates/' || region_type || '/' || year, coalesce(regions, 0), coalesce(aggregates, 0), 0
FROM (
    SELECT region_type, year FROM request WHERE kind = 'aggregates' UNION SELECT region_type, year FROM aggregates
)
LEFT JOIN regions USING (region_type)
LEFT JOIN aggregates USING (region_type, year)
UNION ALL
SELECT 'regions', (SELECT sum(regions) FROM raw.region_counts WHERE region_type <> 'custom'), count(*), 0
FROM raw.region_list WHERE region_type_t <> 'custom' HAVING count(*) > 0
UNION ALL
-- Lists that stand whole in one document.
SELECT 'categories', count(*), count(*), 0 FROM raw.categories HAVING count(*) > 0
UNION ALL
SELECT 'category_mappings', count(*), count(*), 0 FROM raw.categories HAVING count(*) > 0
UNION ALL
SELECT 'registry', count(*), count(*), 0 FROM raw.registry HAVING count(*) > 0;

CREATE TABLE set_aside AS
SELECT 'empty' AS counts_as, 'placeholders: no input rows' AS what, count(*) AS records
FROM raw.cells WHERE rec_count_tl = 0 AND region_type_t <> 'custom' AND year_t NOT IN (FROM unlisted_year)
UNION ALL
SELECT 'empty', 'aggregates of regions without employment and establishments', count(*) FROM raw.aggregates
WHERE NOT rejected AND coalesce(greatest(emp_tl, est_tl), 0) = 0 AND region_type_t <> 'custom'
    AND year_t NOT IN (FROM unlisted_year)
UNION ALL
SELECT 'dropped', 'records of years that the source does not list', count(*)
FROM (SELECT year_t FROM raw.cells UNION ALL SELECT year_t FROM raw.aggregates) JOIN unlisted_year USING (year_t)
UNION ALL
SELECT 'dropped', 'regions made by users of the site', count(*) FROM raw.region_list WHERE region_type_t = 'custom'
UNION ALL
SELECT 'dropped', 'cells of regions made by users of the site', count(*)
FROM raw.cells WHERE region_type_t = 'custom' AND year_t NOT IN (FROM unlisted_year);
