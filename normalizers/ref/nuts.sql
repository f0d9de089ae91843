-- ref.nuts: the list that we ship → regions. A country is `country:<ISO 3166>`, whatever NUTS calls it.

-- First day on which a version applied (Eurostat, history of NUTS).
CREATE TABLE version AS
SELECT *, lead(since) OVER (ORDER BY since) - 1 AS until
FROM (VALUES
    ('2003', DATE '2003-07-11'), ('2006', DATE '2008-01-01'), ('2010', DATE '2012-01-01'), ('2013', DATE '2015-01-01'),
    ('2016', DATE '2018-01-01'), ('2021', DATE '2021-01-01'), ('2024', DATE '2024-01-01')
) AS version (name, since);

-- NUTS 2016 counts the districts of UKN0 on from UKN09 to UKN16; NUTS 2003 and 2006 wrote GR.
CREATE MACRO above(code) AS CASE left(code, -1) WHEN 'UKN1' THEN 'UKN0' WHEN 'GR' THEN 'EL' ELSE left(code, -1) END;

CREATE TABLE staged.regions AS
SELECT
    region.scheme || ':' || region.code AS region_id,
    region.scheme,
    region.code,
    clean(name_latin) AS name,
    region.name AS name_as_published,
    region.country_code,
    CASE length(region.listed)
        WHEN 3 THEN 'country:' || region.country_code
        WHEN 2 THEN NULL
        ELSE 'nuts:' || above(region.listed)
    END AS parent_region_id,
    since.since AS valid_from,
    until.until AS valid_to,
    CASE WHEN len(followers) = 1 THEN followers[1] END AS successor,
    CASE WHEN len(followers) > 1 THEN followers END AS successors,
    document_id,
    locator,
    'regions' AS partition,
    rejected AS confirm_only
FROM (
    SELECT
        * REPLACE (CASE length(code) WHEN 2 THEN country.country_code ELSE code END AS code),
        code AS listed,
        CASE length(code) WHEN 2 THEN 'country' ELSE 'nuts' END AS scheme,
        country.country_code AS country_code,
        CASE WHEN successors <> ''
            THEN list_transform(string_split(successors, ' '), lambda follower: 'nuts:' || follower) END AS followers
    FROM raw.regions
    LEFT JOIN (SELECT country_code, eu_code FROM reference.countries) AS country
        ON left(code, 2) IN (country.eu_code, country.country_code)
) AS region
LEFT JOIN version AS since ON since.name = region.first_version
LEFT JOIN version AS until ON until.name = region.last_version;

CREATE TABLE completeness AS
WITH listed AS (SELECT list(code) AS codes FROM raw.regions)
SELECT
    'regions' AS partition,
    count(*) AS expected,
    count(*) FILTER (
        (length(code) = 2 OR list_contains(codes, above(code)))
        AND (successors = '' OR list_has_all(codes, string_split(successors, ' ')))
    ) AS found
FROM raw.regions, listed
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
