-- ref.naics_bcd: the list that we ship → one class for each industry of each edition, mapped to the hub.

CREATE TABLE industry AS
SELECT 'naics' || vintage AS scheme, * EXCLUDE (replaces) FROM raw.industries
UNION ALL
SELECT 'naics2017', earlier.* EXCLUDE (replaces)
FROM raw.industries AS earlier
WHERE vintage = '2012'
    AND naics NOT IN (SELECT unnest(string_split(replaces, ' ')) FROM raw.industries WHERE replaces <> '');

CREATE TABLE staged.categories AS
SELECT
    scheme || ':' || naics AS category_id,
    scheme,
    naics AS code,
    document_id,
    locator,
    'industries' AS partition,
    rejected AS confirm_only
FROM industry;

CREATE TABLE staged.category_mappings AS
SELECT
    scheme || ':' || naics AS from_category_id,
    'bcd:' || category AS to_category_id,
    'broadMatch' AS relation,
    CASE scheme WHEN 'naics2017' THEN 0.9 ELSE 1 END AS confidence,
    CASE
        WHEN scheme <> 'naics2017' THEN 'crosswalk of the Benchmark Cluster Definitions, October 2018'
        WHEN vintage = '2012' THEN 'the crosswalk for NAICS 2012; the code was not replaced in 2017'
        ELSE 'edited list of a third party; as the codes of 2012 that it replaces'
    END AS basis,
    document_id,
    locator,
    'industries' AS partition,
    rejected AS confirm_only
FROM industry;

CREATE TABLE completeness AS
SELECT
    'industries' AS partition,
    count(*) AS expected,
    count(*) FILTER (category IN (SELECT category FROM reference.bcd WHERE subcluster IS NULL)) AS found
FROM raw.industries
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
