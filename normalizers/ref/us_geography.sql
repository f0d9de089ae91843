-- ref.us_geography: the list that we ship → regions, row for row as us.clustermapping states them.

CREATE TABLE listed AS
SELECT
    *,
    -- The list numbers countries in its own way.
    CASE region_type
        WHEN 'country' THEN CASE region_code WHEN '98' THEN 'US' WHEN '124' THEN 'CA' WHEN '484' THEN 'MX' END
        ELSE region_code
    END AS code,
    CASE region_type WHEN 'country' THEN 'country' ELSE 'us:' || region_type END AS scheme
FROM raw.regions;

CREATE TABLE staged.regions AS
SELECT
    listed.scheme || ':' || listed.code AS region_id,
    listed.scheme,
    listed.code,
    coalesce(corrected.name, clean(listed.name)) AS name,
    listed.name AS name_as_published,
    CASE listed.region_type WHEN 'country' THEN listed.code ELSE 'US' END AS country_code,
    state.iso_3166_2,
    CASE WHEN listed.region_type <> 'country' THEN coalesce(parent.scheme || ':' || parent.code, 'country:US') END
        AS parent_region_id,
    CASE WHEN members <> '' THEN list_transform(string_split(members, ' '), lambda member: 'us:county:' || member) END
        AS member_region_ids,
    document_id,
    locator,
    'regions' AS partition,
    rejected AS confirm_only
FROM listed
-- The District of Columbia has a county here and no state.
LEFT JOIN (SELECT scheme, code FROM listed WHERE region_type IN ('state', 'territory')) AS parent
    ON listed.region_type = 'county' AND parent.code = left(listed.code, 2)
LEFT JOIN reference.us_states AS state
    ON listed.region_type IN ('state', 'territory') AND state.fips_code = listed.code
LEFT JOIN reference.us_region_names AS corrected
    ON corrected.region_type = listed.region_type AND corrected.region_code = listed.region_code;

CREATE TABLE completeness AS
WITH county AS (SELECT list(region_code) AS codes FROM raw.regions WHERE region_type = 'county')
SELECT
    'regions' AS partition,
    count(*) AS expected,
    count(*) FILTER (members = '' OR list_has_all(codes, string_split(members, ' '))) AS found
FROM raw.regions, county
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
