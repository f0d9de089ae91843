-- What the feeds of India share: places, and what is called a cluster or stands beside clusters and is none.

-- The names of states, districts and towns (normalizers/places.py says what the columns are). The two territories that
-- were joined in 2020 are read as the one that followed them. A code of ISO 3166-2 is a name of its state, with and
-- without `IN-`; IN-CH, which Chhattisgarh had for three months of 2002, is Chandigarh.
CREATE VIEW india_gazetteer AS
WITH listed_state AS (
    SELECT
        code, 'in:state:' || coalesce(successor, code) AS region_id, successor IS NULL AS in_force, name, name_lgd,
        formed_from
    FROM reference.lgd WHERE level = 'state'
),
listed_district AS (
    SELECT code, 'in:state:' || state AS within, 'in:district:' || code AS region_id, name, name_lgd
    FROM reference.lgd WHERE level = 'district'
),
other_name AS (
    SELECT level, name, unnest(string_split(codes, ' ')) AS code FROM reference.in_place_names
),
town AS (
    SELECT name, unnest(string_split(districts, ' ')) AS code FROM reference.in_towns
),
iso_code AS (
    SELECT code, state FROM reference.in_iso_3166_2
    QUALIFY until IS NULL OR count(*) FILTER (until IS NULL) OVER (PARTITION BY code) = 0
),
district_name AS (
    SELECT 'district' AS level, within, 1 AS tier, name, region_id FROM listed_district
    UNION ALL
    SELECT 'district', within, 2, name_lgd, region_id FROM listed_district
    UNION ALL
    SELECT 'district', within, 3, other_name.name, region_id
    FROM other_name JOIN listed_district USING (code) WHERE other_name.level = 'district'
    UNION ALL
    SELECT 'town', within, 1, town.name, region_id FROM town JOIN listed_district USING (code)
),
-- Telangana was a part of Andhra Pradesh: a record that states the old state is read by its district.
part_once AS (
    SELECT child.region_id AS child, parent.region_id AS parent
    FROM (SELECT region_id, unnest(string_split(formed_from, ' ')) AS origin FROM listed_state) AS child
    JOIN listed_state AS parent ON parent.code = child.origin AND parent.in_force
)
SELECT 'state' AS level, NULL AS within, CASE WHEN in_force THEN 1 ELSE 3 END AS tier, name, region_id FROM listed_state
UNION ALL
SELECT 'state', NULL, 2, name_lgd, region_id FROM listed_state WHERE name_lgd IS NOT NULL
UNION ALL
SELECT 'state', NULL, 3, other_name.name, region_id
FROM other_name JOIN listed_state USING (code) WHERE other_name.level = 'state'
UNION ALL
SELECT 'state', NULL, 3, unnest([iso_code.code, right(iso_code.code, 2)]), region_id
FROM iso_code JOIN listed_state ON listed_state.code = iso_code.state
UNION ALL
FROM district_name
UNION ALL
SELECT level, parent, tier + 3, name, region_id FROM district_name JOIN part_once ON part_once.child = district_name.within;

-- One row for each distinct (state, district, place) of a relation: see normalizers/places.py.
CREATE MACRO placed_in_india(wanted) AS TABLE FROM placed(wanted, 'india_gazetteer');

-- Estates, parks and infrastructure projects (`ID centre`: Infrastructure Development, the other half of MSE-CDP). What
-- says that it is a cluster is one, wherever it stands: `Peenya Industrial Area Engineering Cluster`.
CREATE MACRO is_industrial_estate(name) AS
    regexp_matches(
        name,
        '\b(industrial|indl\.?) (and \w+ )?(estate|park|area|zone|complex|township|colony|hub|corridor|plot|development cent(re|er))s?\b|\bflatted factor(y|ies)\b|\b(iid|id|infrastructure development|infrastructural development)[ -](project|cent(re|er))s?\b|\bgrowth cent(re|er)s?\b|\bspecial economic zones?\b|\bsez\b',
        'i'
    )
    AND NOT regexp_matches(name, '\bclusters?\b', 'i');

-- A sign for a product's origin: `Geographical Indication No. 47`, `GI tag`, `G.I. registered`.
CREATE MACRO is_geographical_indication(text) AS
    regexp_matches(
        text,
        '\bgeographical[ -]indications?\b|\b(gi|g\.i\.)[ -]?(tag(s|ged)?|registered|registrations?|registry|certified|certification|status|products?|application|no\.?|goods)(\W|$)',
        'i'
    );

-- A group of villages of the Shyama Prasad Mukherji Rurban Mission, which calls them clusters.
CREATE MACRO is_rurban_cluster(text) AS regexp_matches(text, 'rurban|\bspmrm\b', 'i');

-- What a name or a kind of record is in place of a cluster; null where nothing speaks against a cluster.
CREATE MACRO no_cluster_but(text) AS CASE
    WHEN is_rurban_cluster(text) THEN 'Rurban cluster'
    WHEN is_geographical_indication(text) THEN 'geographical indication'
    WHEN is_industrial_estate(text) THEN 'industrial estate'
END;

-- Words as published, as a part of an id; null where nothing is left.
CREATE MACRO slug(text) AS nullif(trim(regexp_replace(strip_accents(lower(text)), '[^\p{L}\p{N}]+', '-', 'g'), '-'), '');

-- What stands for nothing in a cell.
CREATE MACRO is_nothing(text) AS coalesce(
    regexp_full_match(clean(text), '[-–—.]*|n\.? ?/? ?a\.?|nil|none|x', 'i'), true
);

-- What an operator is told of places that `placed_in_india` did not match: how many, and the first three.
CREATE MACRO undecided(places) AS TABLE
SELECT
    count(*) || ' places are not decided, and their clusters stand in the state: '
        || string_agg(told, '; ' ORDER BY nth) FILTER (nth <= 3) AS remark
FROM (
    SELECT
        concat_ws(', ', place, district, state) || ' (' || why || coalesce('; nearest: ' || array_to_string(
            list_transform(candidates[:3], lambda near: near.region_id || ' ' || near.name), ', '
        ), '') || ')' AS told,
        row_number() OVER (ORDER BY state, district, place) AS nth
    FROM query_table(places) WHERE outcome <> 'matched'
)
HAVING count(*) > 0;
