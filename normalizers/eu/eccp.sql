-- eu.eccp: profiles → organisations, placed on NUTS by name; never a guess between two regions.

CREATE MACRO slug(text) AS trim(regexp_replace(strip_accents(lower(text)), '[^\p{L}\p{N}]+', '-', 'g'), '-');

-- Names of regions in force, each part of a bilingual name too; England's names in brackets do not count.
CREATE TABLE region_name AS
SELECT DISTINCT code, slug(regexp_replace(part, '\(.*\)', '')) AS name
FROM (
    SELECT code, unnest([name, name_latin] || string_split(name, '/') || string_split(name_latin, '/')) AS part
    FROM reference.nuts WHERE coalesce(last_version, '') = '' OR left(code, 2) = 'UK' AND last_version = '2021'
    UNION ALL
    SELECT code, name AS part FROM reference.nuts_english_names
)
WHERE length(code) > 2 AND slug(part) <> '';

CREATE TABLE country_name AS
SELECT country_code, eu_code, slug(unnest([name] || string_split(coalesce(other_names, ''), '|'))) AS name
FROM reference.countries;

CREATE TABLE profile AS
SELECT
    *,
    'eu.eccp:' || coalesce(node_id, regexp_extract(path, '([^/]+)/?$', 1)) AS organisation_id,
    coalesce(location, concat_ws(': ', country, region)) AS place,
    clean(split_part(place, ':', 1)) AS country_text,
    CASE WHEN contains(place, ':') THEN nullif(clean(regexp_replace(place, '^[^:]*:', '')), '') END AS region_text
FROM raw.profiles
QUALIFY row_number() OVER (PARTITION BY organisation_id ORDER BY rejected, path) = 1;

CREATE TABLE placed AS
SELECT
    organisation_id,
    any_value(country.country_code) AS country_code,
    list(DISTINCT region.code ORDER BY region.code) FILTER (region.code IS NOT NULL) AS codes,
    -- One name for nested regions (a NUTS 1 region that is its only NUTS 2 region) is one place.
    list_filter(codes, lambda code: len(list_filter(codes, lambda other: starts_with(other, code))) = len(codes)) AS widest,
    list_filter(codes, lambda code: length(code) = 4) AS level_2
FROM profile
LEFT JOIN country_name AS country ON country.name = slug(country_text)
LEFT JOIN region_name AS region
    ON region.name = slug(region_text) AND starts_with(region.code, country.eu_code)
GROUP BY organisation_id;

CREATE TABLE staged.organisations AS
SELECT
    organisation_id,
    clean(profile.name) AS name,
    clean(kind_of_body) AS kind,
    placed.country_code,
    CASE
        WHEN len(widest) = 1 THEN 'nuts:' || CASE WHEN len(level_2) = 1 THEN level_2[1] ELSE widest[1] END
        WHEN placed.country_code IS NOT NULL THEN 'country:' || placed.country_code
    END AS region_id,
    nullif(place, '') AS place,
    CASE
        WHEN region_text IS NULL THEN NULL
        WHEN len(widest) = 1 THEN 'matched'
        WHEN len(codes) > 1 THEN 'ambiguous'
        ELSE 'unmatched'
    END AS region_match,
    category.ids AS categories,
    count_of(members) AS members,
    founded AS founded_year,
    website,
    profile.document_id,
    profile.locator,
    'profiles' || path AS partition,
    rejected AS confirm_only
FROM profile
JOIN placed USING (organisation_id)
LEFT JOIN (
    SELECT organisation_id, list(DISTINCT 'bcd:' || bcd.category ORDER BY 'bcd:' || bcd.category) AS ids
    FROM (SELECT organisation_id, slug(unnest(from_json(sectors, '["VARCHAR"]'))) AS sector FROM profile)
    JOIN reference.bcd AS bcd ON bcd.subcluster IS NULL AND slug(bcd.name) = sector
    GROUP BY organisation_id
) AS category USING (organisation_id)
ORDER BY organisation_id;

-- Each page is a part of its own, so a page that was not asked for is not closed.
CREATE TABLE completeness AS
WITH page AS (
    SELECT 'profiles' || path AS partition, bool_and(NOT rejected) AS good FROM raw.profiles WHERE path IS NOT NULL
    GROUP BY ALL
)
SELECT partition, 1 AS expected, CASE WHEN good THEN 1 ELSE 0 END AS found
FROM (SELECT partition FROM asked UNION SELECT partition FROM page) LEFT JOIN page USING (partition);

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'pages that are no profile: ' || type AS what, count(*) AS records
FROM raw.other_pages GROUP BY type;
