-- eu.eccp: profiles → organisations, placed on NUTS by name, never a guess between two regions; partnerships →
-- initiatives, with their sectors, place and budget.

CREATE MACRO slug(text) AS trim(regexp_replace(strip_accents(lower(text)), '[^\p{L}\p{N}]+', '-', 'g'), '-');

-- An amount of money in whole units, with or without its currency; null where it may have decimals or is none.
CREATE MACRO amount_of(text) AS count_of(regexp_replace(text, '(?i)€|euros?|eur', '', 'g'))::DOUBLE;

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

-- Of a page that the sitemap names the sitemap is the part: all that begin alike are asked for together.
CREATE TABLE in_sitemap AS
SELECT DISTINCT path, 'sitemap/' || split_part(path, '/', 2) AS part FROM raw.sitemap WHERE NOT rejected;

CREATE TABLE profile AS
SELECT
    *,
    'eu.eccp:' || coalesce(node_id, regexp_extract(path, '([^/]+)/?$', 1)) AS organisation_id,
    coalesce(location, concat_ws(': ', country, region)) AS place,
    clean(split_part(place, ':', 1)) AS country_text,
    CASE WHEN contains(place, ':') THEN nullif(clean(regexp_replace(place, '^[^:]*:', '')), '') END AS region_text
FROM raw.profiles LEFT JOIN in_sitemap USING (path)
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

-- Sectors are categories of the hub by their names; emerging industries are those of eu.eocic, which overlap them.
CREATE TABLE stated AS
SELECT organisation_id, 'bcd:' || bcd.category AS category_id, NULL AS code, NULL AS name, document_id, locator
FROM (SELECT *, slug(unnest(from_json(sectors, '["VARCHAR"]'))) AS sector FROM profile)
JOIN reference.bcd AS bcd ON bcd.subcluster IS NULL AND slug(bcd.name) = sector
UNION ALL
SELECT organisation_id, 'eocic:emerging-' || slug(known.name), 'emerging-' || slug(known.name), known.name, document_id, locator
FROM (SELECT *, slug(unnest(from_json(emerging, '["VARCHAR"]'))) AS industry FROM profile)
JOIN reference.eocic_categories AS known
    ON known.category_group = 'emerging' AND industry IN (slug(known.name), slug(known.other_name));

CREATE TABLE staged.categories AS
SELECT
    category_id,
    'eocic' AS scheme,
    code,
    name,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    NULL AS partition,
    false AS confirm_only
FROM stated WHERE code IS NOT NULL GROUP BY ALL;

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
    count_of(smes) AS members_smes,
    count_of(large) AS members_large,
    count_of(research) AS members_research,
    clean(label) AS label,
    founded AS founded_year,
    website,
    profile.document_id,
    profile.locator,
    coalesce(part, 'profiles' || path) AS partition,
    rejected AS confirm_only
FROM profile
JOIN placed USING (organisation_id)
LEFT JOIN (
    SELECT organisation_id, list(DISTINCT category_id ORDER BY category_id) AS ids FROM stated GROUP BY organisation_id
) AS category USING (organisation_id)
ORDER BY organisation_id;

CREATE TABLE partnership AS
SELECT
    *,
    'eu.eccp:' || coalesce(node_id, regexp_extract(path, '([^/]+)/?$', 1)) AS initiative_id,
    coalesce(part, 'partnerships' || path) AS partition,
    regexp_matches(concat_ws(' ', budget, contribution), '(?i)€|eur') AS says_euro
FROM raw.partnerships LEFT JOIN in_sitemap USING (path)
QUALIFY row_number() OVER (PARTITION BY initiative_id ORDER BY rejected, path) = 1;

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    clean(name) AS title,
    -- Partnerships are networks of cluster organisations; a few are projects, and their type says so.
    CASE WHEN regexp_matches(lower(type), '\bprojects?\b') THEN 'project' ELSE 'network' END AS kind,
    'European Union' AS level,
    nullif(concat_ws(
        '; ',
        'type of partnership: ' || clean(type),
        'origin: ' || clean(origin),
        'months: ' || duration,
        'partners: ' || partners,
        'planned exchanges: ' || exchanges,
        'SMEs involved: ' || smes,
        CASE WHEN amount_of(budget) IS NULL THEN 'total budget: ' || budget END,
        CASE WHEN amount_of(contribution) IS NULL THEN 'EU contribution: ' || contribution END
    ), '') AS note,
    document_id,
    locator,
    partition,
    rejected AS confirm_only
FROM partnership
ORDER BY initiative_id;

CREATE TABLE staged.initiative_sectors AS
SELECT
    initiative_id, generate_subscripts(names, 1)::INTEGER AS seq, unnest(names) AS sector_name, document_id, locator,
    partition, rejected AS confirm_only
FROM (SELECT *, from_json(sectors, '["VARCHAR"]') AS names FROM partnership);

CREATE TABLE staged.initiative_locations AS
SELECT
    initiative_id, 1 AS seq, country_code, clean(location) AS admin_name, document_id, locator, partition,
    rejected AS confirm_only
FROM partnership LEFT JOIN country_name ON country_name.name = slug(split_part(location, ':', 1))
WHERE location IS NOT NULL;

CREATE TABLE staged.initiative_components AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY place)::INTEGER AS seq,
    name,
    amount_of(text) AS max_cost,
    'EUR' AS cost_unit,
    'EUR' AS currency,
    CASE WHEN says_euro THEN 'stated' ELSE 'inferred: amounts of the European Union are in euro' END AS unit_basis,
    document_id,
    locator,
    partition,
    rejected AS confirm_only
FROM (
    SELECT * EXCLUDE (name), unnest([
        {'place': 1, 'name': 'total budget', 'text': budget},
        {'place': 2, 'name': 'EU contribution', 'text': contribution}
    ], recursive := true) FROM partnership
)
WHERE amount_of(text) IS NOT NULL;

-- Each page that was asked for is a part of its own. Where all pages of the sitemap that begin alike were asked for,
-- these are a part together: what stood there and does no more is gone.
CREATE TABLE completeness AS
WITH page AS (
    SELECT kind || path AS partition, path, bool_and(NOT rejected) AS good
    FROM (
        SELECT 'profiles' AS kind, path, rejected FROM raw.profiles
        UNION ALL
        SELECT 'partnerships', path, rejected FROM raw.partnerships
    )
    WHERE path IS NOT NULL
    GROUP BY ALL
),
one AS (
    SELECT
        partition,
        regexp_replace(partition, '^(profiles|partnerships)', '') AS path,
        coalesce(good, false) AS good
    FROM (SELECT partition FROM asked WHERE NOT starts_with(partition, 'sitemap/') UNION SELECT partition FROM page)
    LEFT JOIN page USING (partition)
)
SELECT partition, 1 AS expected, good::INTEGER AS found FROM one
UNION ALL
SELECT part, count(*), count(*) FILTER (good)
FROM one JOIN in_sitemap USING (path)
WHERE part IN (SELECT partition FROM asked)
GROUP BY part;

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'pages that are neither profile nor partnership: ' || type AS what, count(*) AS records
FROM raw.other_pages GROUP BY type;
