-- ref.canada_geography: the list that we ship → regions.

CREATE TABLE listed AS
SELECT
    *,
    CASE region_type
        WHEN 'country' THEN 'country' WHEN 'cma' THEN 'ca:cma' WHEN 'cma-part' THEN 'ca:cma-part' ELSE 'ca:pr'
    END AS scheme,
    CASE WHEN provinces <> '' THEN string_split(provinces, ' ') ELSE [] END AS within
FROM raw.regions;

CREATE TABLE staged.regions AS
SELECT
    scheme || ':' || region_code AS region_id,
    scheme,
    region_code AS code,
    name,
    name AS name_as_published,
    'CA' AS country_code,
    nullif(iso_3166_2, '') AS iso_3166_2,
    -- An area in two provinces has no region one level up that wholly contains it.
    CASE
        WHEN len(within) = 1 THEN 'ca:pr:' || within[1]
        WHEN scheme = 'ca:pr' THEN 'country:CA'
    END AS parent_region_id,
    CASE WHEN len(within) > 1 THEN
        list_transform(within, lambda province: 'ca:cma-part:' || province || region_code)
    END AS member_region_ids,
    TRY_CAST(nullif(since, '') AS DATE) AS valid_from,
    nullif(list_filter(
        [name_fr] || string_split(other_names, '|'), lambda other: other NOT IN ('', name)
    ), []) AS other_names,
    document_id,
    locator,
    'regions' AS partition,
    rejected AS confirm_only
FROM listed;

CREATE TABLE completeness AS
WITH province AS (SELECT list(code) AS codes FROM staged.regions WHERE scheme = 'ca:pr'),
part AS (SELECT list(region_id) AS ids FROM staged.regions WHERE scheme = 'ca:cma-part')
SELECT
    'regions' AS partition,
    count(*) AS expected,
    count(*) FILTER (
        list_has_all(codes, within)
        AND (member_region_ids IS NULL OR list_has_all(ids, member_region_ids))
    ) AS found
FROM listed JOIN staged.regions USING (scheme, name), province, part
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
