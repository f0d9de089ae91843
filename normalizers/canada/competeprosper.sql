-- ca.competeprosper: cells as pages state them → cells (region × one of the 41 clusters), and their figures.

-- Names: regions of ref.canada_geography, the 41 of ref.porter41 ------------------------------------------------------

CREATE MACRO slug(text) AS trim(regexp_replace(strip_accents(lower(text)), '[^a-z0-9]+', '-', 'g'), '-');

-- Spellings that differ within English, and words that lists leave out.
CREATE MACRO cluster_key(text) AS name_key(regexp_replace(
    replace(replace(replace(lower(text), '&', ' and '), 'defence', 'defense'), 'jewellery', 'jewelry'),
    '\b(and|clusters?)\b|\([^()]*\)', ' ', 'g'
));

CREATE TABLE place AS
SELECT
    region_type,
    region_code,
    replace(region_type, 'province', 'pr') || '-' || region_code AS region_key,
    CASE region_type WHEN 'country' THEN 'country' WHEN 'province' THEN 'ca:pr' ELSE 'ca:' || region_type END
        || ':' || region_code AS region_id,
    name,
    string_split(coalesce(provinces, ''), ' ') AS provinces,
    -- Fields without a value are null.
    list_distinct(list_transform(
        [name, name_fr] || coalesce(string_split(other_names, '|'), []), lambda written: name_key(written)
    )) AS forms,
    -- The 36 regions of the portal: the areas of the census of 1996 are those without a later day.
    region_type IN ('country', 'province') OR (region_type = 'cma' AND since IS NULL) AS in_grid
FROM reference.canada_geography WHERE region_type <> 'territory';

CREATE TABLE abbreviation AS
FROM (VALUES
    ('nl', '10'), ('nf', '10'), ('nfld', '10'), ('pe', '11'), ('pei', '11'), ('ns', '12'), ('nb', '13'), ('qc', '24'),
    ('pq', '24'), ('que', '24'), ('on', '35'), ('ont', '35'), ('mb', '46'), ('man', '46'), ('sk', '47'), ('sask', '47'),
    ('ab', '48'), ('alta', '48'), ('bc', '59')
) AS abbreviation (form, province)
UNION ALL
SELECT unnest(forms), region_code FROM place WHERE region_type = 'province';

CREATE TABLE written AS
SELECT
    region,
    CASE
        WHEN regexp_matches(region, '(?i)\b(cma|metropolitan|city[ -]region)\b') THEN 'cma'
        WHEN regexp_matches(region, '(?i)\bprovince\b') THEN 'province'
    END AS hint,
    clean(regexp_replace(regexp_replace(
        region, '(?i)[(]?\b(cma|census metropolitan area|metropolitan area|city[ -]region|province( of)?)\b[)]?', ' ', 'g'
    ), '[(\s]+$', '')) AS bare,
    -- `London, Ontario` and `London (Ont.)`: what stands behind the name is the province that it is in.
    regexp_extract(bare, '^(.+?)\s*[,(]\s*([^,()]+?)\)?$', ['name', 'of']) AS parts
FROM (SELECT DISTINCT region FROM raw.cells WHERE region IS NOT NULL);

CREATE TABLE wanted AS
SELECT region, hint, province, CASE WHEN province IS NULL THEN bare ELSE parts.name END AS words
FROM written LEFT JOIN abbreviation ON form = name_key(parts.of);

-- Where accents are left out, Quebec may be the province or the city, unless the city is called so.
CREATE TABLE spelling AS
SELECT
    bool_or(name_key(words) IN ('montreal', 'troisrivieres') AND words = strip_accents(words))
        AND NOT bool_or(name_key(words) = 'quebeccity') AS without_accents
FROM wanted;

CREATE TABLE candidate AS
SELECT region, region_key, CASE WHEN words = name AND NOT doubtful THEN 1 ELSE 2 END AS level
FROM (
    SELECT wanted.*, name_key(words) = 'quebec' AND words = strip_accents(words) AND coalesce(without_accents, false) AS doubtful
    FROM wanted, spelling
)
JOIN place ON list_contains(forms, name_key(words))
    AND (hint IS NULL OR region_type = hint)
    AND (province IS NULL OR list_contains(provinces, province));

-- One region of that name, at the better level; else none: nothing is guessed between two.
CREATE TABLE placed AS
SELECT
    wanted.region,
    CASE WHEN count(region_key) FILTER (best) = 1 THEN any_value(region_key) FILTER (best) END AS region_key,
    count(region_key) > 0 AS known
FROM wanted
LEFT JOIN (
    SELECT *, level = min(level) OVER (PARTITION BY region) AS best FROM candidate
) AS candidate USING (region)
GROUP BY wanted.region;

CREATE TABLE class AS
SELECT DISTINCT code, name, cluster_key(name) AS form FROM reference.porter41;

CREATE TABLE cell AS
SELECT
    record.*,
    coalesce(placed.region_key, slug(region)) AS region_key,
    class.code,
    coalesce(class.code, slug(cluster)) AS cluster_key,
    'ca.competeprosper:' || coalesce(placed.region_key, slug(region)) || ':' || cluster_key AS cluster_id,
    'cells/' || year || '/' || coalesce(placed.region_key, slug(region)) AS partition
FROM raw.cells AS record
LEFT JOIN placed USING (region)
LEFT JOIN class ON class.form = cluster_key(cluster);

-- Rows of the common schema ------------------------------------------------------------------------------------------

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'canada' AS source_id,
    arg_min(coalesce(class.name, clean(cluster)) || ', ' || coalesce(place.name, clean(region)), (document_id, locator)) AS name,
    'cell' AS kind,
    any_value(place.region_id) AS region_id,
    arg_min(clean(region), (document_id, locator)) AS place,
    'CA' AS country_code,
    'porter41:' || any_value(code) AS category_id,
    any_value('bcd:' || hub.bcd) AS hub_category_id,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,  -- a cell ends with its last observation
    bool_and(rejected) AS confirm_only
FROM cell
LEFT JOIN place USING (region_key)
LEFT JOIN class USING (code)
-- Only a class that is the same in the hub, or lies within one of the hub: a class that was split has no one place.
LEFT JOIN (
    FROM reference.porter41 WHERE relation IN ('exactMatch', 'closeMatch', 'broadMatch')
    QUALIFY row_number() OVER (
        PARTITION BY code ORDER BY list_position(['exactMatch', 'closeMatch', 'broadMatch'], relation)
    ) = 1
) AS hub USING (code)
WHERE cluster_id IS NOT NULL
GROUP BY cluster_id ORDER BY cluster_id;

-- Each figure of a cell, from all pages that state it.
CREATE TABLE stated AS
SELECT
    cluster_id, year, partition, target,
    list(DISTINCT clean(text) ORDER BY clean(text)) AS texts,
    arg_min(unit, (document_id, locator)) AS unit,
    arg_min(label, (document_id, locator)) AS label,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    bool_and(confirm_only) AS confirm_only
FROM (
    SELECT
        cluster_id, year, partition, document_id, locator,
        unnest([
            {'target': 'employment', 'text': employment, 'unit': employment_unit, 'label': '',
                'confirm_only': rejected OR list_contains(rejected_fields, 'employment')},
            {'target': 'wage_average', 'text': wages, 'unit': wages_unit, 'label': wages_label,
                'confirm_only': rejected OR list_contains(rejected_fields, 'wages')},
            {'target': 'location_quotient', 'text': location_quotient, 'unit': location_quotient_unit, 'label': '',
                'confirm_only': rejected OR list_contains(rejected_fields, 'location_quotient')}
        ], recursive := true)
    FROM cell WHERE cluster_id IS NOT NULL AND year IS NOT NULL
)
WHERE text IS NOT NULL OR confirm_only
GROUP BY cluster_id, year, partition, target;

CREATE TABLE read AS
SELECT
    stated.*,
    len(texts) > 1 AS contradicted,
    CASE WHEN len(texts) = 1 THEN quantity(texts[1], '.', unit := coalesce(unit, ''), dollar := 'CAD') END AS figure,
    lower(concat_ws(' ', unit, label, texts[1])) AS around
FROM stated;

CREATE TABLE staged.observations AS
SELECT
    cluster_id,
    target AS indicator,
    unit_kind,
    year AS time_period,
    method_traded AS method,
    figure.value AS obs_value,
    -- A wage without a currency on its page has an unknown unit; the period is that of its label.
    CASE
        WHEN target::VARCHAR <> 'wage_average' THEN unit_measure::VARCHAR
        WHEN coalesce(figure.unit_measure, '') = '' THEN 'unknown'
        ELSE figure.unit_measure || CASE
            WHEN regexp_matches(around, 'annual|year|per annum') THEN '/year'
            WHEN around LIKE '%month%' THEN '/month'
            WHEN around LIKE '%week%' THEN '/week'
            WHEN around LIKE '%hour%' THEN '/hour'
            ELSE ''
        END
    END AS unit_measure,
    CASE
        WHEN figure.value IS NOT NULL THEN 'A'
        WHEN regexp_matches(around, 'suppress|confidential') THEN 'Q'
        ELSE 'O'
    END AS obs_status,
    nullif(array_to_string(texts, ' | '), '') AS value_text,
    figure.qualifier AS qualifier,
    CASE WHEN year <> 'undated' THEN make_date(TRY_CAST(year AS INTEGER), 1, 1) END AS period_start,
    CASE WHEN year <> 'undated' THEN make_date(TRY_CAST(year AS INTEGER), 12, 31) END AS period_end,
    document_id, locator, partition, confirm_only
FROM (SELECT read.* REPLACE (target::field_word AS target) FROM read) AS read
JOIN fields USING (target)
WHERE "table" = 'observations'
ORDER BY cluster_id, indicator, unit_kind, time_period, method;

-- The denominator: the 41 clusters of each region and year; where the portal was walked, of all its 36 regions ---------

CREATE TABLE completeness AS
WITH found AS (
    SELECT year, region_key, count(DISTINCT code) FILTER (NOT rejected) AS found FROM cell
    WHERE partition IS NOT NULL GROUP BY ALL
),
grid AS (
    SELECT year, region_key FROM (SELECT DISTINCT year FROM found) CROSS JOIN place
    WHERE in_grid AND EXISTS (FROM asked)
)
SELECT 'cells/' || year || '/' || region_key AS partition, 41 AS expected, coalesce(found, 0) AS found
FROM found FULL JOIN grid USING (year, region_key)
UNION ALL
SELECT 'cells/unreadable', count(*), 0 FROM cell WHERE partition IS NULL HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);

CREATE TABLE remarks AS
SELECT format('{:,} of the 1,476 cells of {} were read', read, year) || CASE WHEN absent > 0
    THEN format('; nothing of {} of the 36 regions: {}', absent, absent_names) ELSE '' END AS remark
FROM (
    SELECT
        year, sum(cells)::BIGINT AS read, count(*) FILTER (cells = 0) AS absent,
        string_agg(name, ', ' ORDER BY region_key) FILTER (cells = 0) AS absent_names
    FROM (
        SELECT year, region_key, any_value(name) AS name, count(DISTINCT code) FILTER (NOT rejected) AS cells
        FROM (SELECT DISTINCT year FROM cell WHERE year IS NOT NULL) CROSS JOIN place LEFT JOIN cell USING (year, region_key)
        WHERE in_grid GROUP BY year, region_key
    )
    GROUP BY year
)
WHERE read < 1476
UNION ALL
SELECT format(
    'the region {} is {}; the nearest names: {}', region, if(known, 'more than one that we know', 'none that we know'),
    (SELECT string_agg(name, ', ' ORDER BY likeness DESC) FROM (
        SELECT name, max(list_max(list_transform(forms, lambda form: jaro_winkler_similarity(form, name_key(region))))) AS likeness
        FROM place GROUP BY name ORDER BY likeness DESC, name LIMIT 3
    ))
)
FROM placed WHERE region_key IS NULL
UNION ALL
SELECT format('the cluster {} is none of the 41; the nearest name: {}', cluster, (
    SELECT max_by(name, (jaro_winkler_similarity(form, cluster_key(cluster)), name)) FROM class
))
FROM (SELECT DISTINCT cluster FROM cell WHERE code IS NULL AND NOT rejected)
UNION ALL
SELECT format('{} figures are stated in two ways, such as {} of {} in {}: {}; they are no value', count(*),
    min_by(target, (cluster_id, year, target)), min_by(cluster_id, (cluster_id, year, target)),
    min_by(year, (cluster_id, year, target)), min_by(array_to_string(texts, ' | '), (cluster_id, year, target)))
FROM read WHERE contradicted HAVING count(*) > 0;
