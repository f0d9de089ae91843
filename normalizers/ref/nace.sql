-- ref.nace: the list that we ship → groups of NACE Rev. 2 and ISIC Rev. 4; NAICS 2012 → ISIC → NACE → hub.
--
-- All of it is approximate: which industries of NAICS stand behind a group is remembered. How much of a group belongs to a
-- category is counted by the industries behind it, not by their size.

CREATE TABLE member AS
SELECT raw_group.nace, raw_group.isic, industry.naics, industry.category
FROM (SELECT nace, isic, unnest(string_split(naics, ' ')) AS beginning FROM raw.groups) AS raw_group
JOIN reference.naics_bcd AS industry ON industry.vintage = '2012' AND starts_with(industry.naics, beginning);

CREATE TABLE staged.categories AS
SELECT
    'nace2:' || nace AS category_id,
    'nace2' AS scheme,
    nace AS code,
    name,
    document_id,
    locator,
    'groups' AS partition,
    rejected AS confirm_only
FROM raw.groups
UNION ALL BY NAME
SELECT
    'isic4:' || isic AS category_id,
    'isic4' AS scheme,
    isic AS code,
    CASE count(*) WHEN 1 THEN any_value(name) END AS name,
    arg_min(document_id, (document_id, nace)) AS document_id,
    arg_min(locator, (document_id, nace)) AS locator,
    'groups' AS partition,
    bool_and(rejected) AS confirm_only
FROM raw.groups
GROUP BY isic;

CREATE TABLE link AS
SELECT
    'naics2012:' || naics AS from_category_id,
    'isic4:' || isic AS to_category_id,
    'broadMatch' AS relation,
    0.7 AS confidence,
    'approximate: remembered' AS basis,
    min(nace) AS nace
FROM member GROUP BY ALL
UNION ALL
SELECT
    'isic4:' || isic, 'nace2:' || nace,
    CASE count(*) OVER (PARTITION BY isic) WHEN 1 THEN 'closeMatch' ELSE 'narrowMatch' END,
    0.8, 'approximate: remembered; NACE has the divisions of ISIC', nace
FROM raw.groups
UNION ALL
SELECT
    'nace2:' || nace, 'bcd:' || category,
    CASE WHEN 2 * n > of_all THEN 'broadMatch' ELSE 'relatedMatch' END,
    round(0.8 * n / of_all, 2),
    format('approximate: {} of {} industries of NAICS 2012 behind it are in the category; which ones they are is remembered', n, of_all),
    nace
FROM (
    SELECT nace, category, count(*) AS n, sum(count(*)) OVER (PARTITION BY nace)::BIGINT AS of_all
    FROM member GROUP BY nace, category
);

CREATE TABLE staged.category_mappings AS
SELECT link.* EXCLUDE (nace), document_id, locator, 'groups' AS partition, rejected AS confirm_only
FROM link JOIN raw.groups USING (nace);

-- Complete where each beginning of a code is that of an industry.
CREATE TABLE completeness AS
SELECT
    'groups' AS partition,
    count(*) AS expected,
    count(*) FILTER (list_bool_and(list_transform(
        string_split(naics, ' '),
        lambda beginning: list_bool_or(list_transform(codes, lambda code: starts_with(code, beginning)))
    ))) AS found
FROM raw.groups, (SELECT list(naics) AS codes FROM reference.naics_bcd WHERE vintage = '2012')
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
