-- us.clustermapping: raw records → rows of the common schema.
--
-- Given:    raw.<kind>      checked records, with document_id, locator, rejected, rejected_fields
--           asked           partitions that the spider set out to read: cells/<region type>/<year>/<clusters>
--           fields          normalizers/us/clustermapping.fields.csv: which field is which indicator, and how
--           reference.*     normalizers/reference/*.csv
-- Made:     staged.<table>  rows of the common schema, with document_id, locator, partition, confirm_only
--           completeness    partition, expected, found: the denominator
--           set_aside       what made no row, and whether it counts as empty or as dropped

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
    'bcd:' || cluster_code_t || '.' || lpad(sub_code, 2, '0') AS category_id,
    'bcd' AS scheme,
    cluster_code_t || '.' || lpad(sub_code, 2, '0') AS code,
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

-- Cells and observations ---------------------------------------------------------------------------------------------

CREATE TABLE published_cell AS
SELECT
    *,
    'us.clustermapping:' || region_type_t || ':' || region_code_t || ':' || cluster_code_t AS cluster_id,
    'cells/' || region_type_t || '/' || year_t || '/' || cluster_code_t AS partition,
    emp_tl > emp_reported_tl AS imputed
FROM raw.cells
WHERE rec_count_tl > 0 AND region_type_t <> 'custom'
ORDER BY cluster_id, year_t;  -- so that all that follows is in the order of the cells

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'us' AS source_id,
    clean(cluster_name_t) || ', ' || coalesce(corrected.name, clean(region_name_t)) AS name,
    'cell' AS kind,
    region_id_of(region_type_t, region_code_t) AS region_id,
    clean(region_name_t) AS place,
    'US' AS country_code,
    'bcd:' || cluster_code_t AS category_id,
    'bcd:' || cluster_code_t AS hub_category_id,
    document_id,
    locator,
    NULL AS partition,  -- a cell has no year of its own: it ends with its last observation
    rejected AS confirm_only
FROM published_cell
-- Names are those of the newest year.
JOIN (SELECT cluster_id, max(year_t) AS year_t FROM published_cell GROUP BY cluster_id) USING (cluster_id, year_t)
LEFT JOIN reference.us_region_names AS corrected
    ON corrected.region_type = region_type_t AND corrected.region_code = region_code_t;

CREATE VIEW measured AS
SELECT * FROM (
    SELECT
        cluster_id, year_t, traded_b, imputed, document_id, locator, partition, rejected, rejected_fields,
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
);

CREATE TABLE staged.observations AS
SELECT
    cluster_id,
    target AS indicator,
    unit_kind,
    year_t AS time_period,
    CASE WHEN traded_b THEN method_traded ELSE method_local END AS method,
    CASE WHEN unknown THEN NULL ELSE value * factor::DOUBLE END AS obs_value,
    unit_measure,
    CASE WHEN unknown THEN 'O' WHEN imputed AND follows_imputation::BOOLEAN THEN 'E' ELSE 'A' END AS obs_status,
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
    JOIN fields USING (field)
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
WITH wanted AS (
    SELECT split_part(partition, '/', 2) AS region_type, split_part(partition, '/', 3) AS year, cluster_code_t
    FROM asked
    JOIN raw.categories ON CASE split_part(partition, '/', 4)
        WHEN 'all' THEN true
        WHEN 'traded' THEN traded_b
        WHEN 'local' THEN NOT traded_b
        ELSE list_contains(string_split(split_part(partition, '/', 4), ','), cluster_code_t)
    END
    UNION
    SELECT region_type_t, year_t, cluster_code_t FROM raw.cells WHERE region_type_t <> 'custom'
),
regions AS (SELECT region_type_t AS region_type, count(*) AS regions FROM raw.region_list GROUP BY ALL),
cells AS (
    SELECT region_type_t AS region_type, year_t AS year, cluster_code_t, count(*) AS cells FROM raw.cells GROUP BY ALL
)
SELECT
    'cells/' || region_type || '/' || year || '/' || cluster_code_t AS partition,
    coalesce(regions, 0) AS expected,
    coalesce(cells, 0) AS found
FROM wanted
LEFT JOIN regions USING (region_type)
LEFT JOIN cells USING (region_type, year, cluster_code_t)
UNION ALL
SELECT 'regions', (SELECT sum(regions) FROM raw.region_counts WHERE region_type <> 'custom'), count(*)
FROM raw.region_list WHERE region_type_t <> 'custom' HAVING count(*) > 0
UNION ALL
-- Lists that stand whole in one document.
SELECT 'categories', count(*), count(*) FROM raw.categories HAVING count(*) > 0
UNION ALL
SELECT 'category_mappings', count(*), count(*) FROM raw.categories HAVING count(*) > 0
UNION ALL
SELECT 'registry', count(*), count(*) FROM raw.registry HAVING count(*) > 0;

CREATE TABLE set_aside AS
SELECT 'empty' AS counts_as, 'placeholders: no input rows' AS what, count(*) AS records
FROM raw.cells WHERE rec_count_tl = 0 AND region_type_t <> 'custom'
UNION ALL
SELECT 'dropped', 'regions made by users of the site', count(*) FROM raw.region_list WHERE region_type_t = 'custom'
UNION ALL
SELECT 'dropped', 'cells of regions made by users of the site', count(*)
FROM raw.cells WHERE region_type_t = 'custom';
