-- ref.products: the list that we ship → one class for each name of a product or material, mapped to the hub.

CREATE TABLE product AS
SELECT
    * EXCLUDE (products),
    trim(name) AS product,
    trim(regexp_replace(strip_accents(lower(replace(name, '''', ''))), '[^a-z0-9]+', '-', 'g'), '-') AS code
FROM (SELECT *, unnest(string_split(products, '|')) AS name FROM raw.groups);

CREATE TABLE staged.categories AS
SELECT
    role || ':' || code AS category_id,
    role AS scheme,
    code,
    product AS name,
    document_id,
    locator,
    'groups' AS partition,
    rejected AS confirm_only
FROM product;

CREATE TABLE staged.category_mappings AS
SELECT
    role || ':' || code AS from_category_id,
    'bcd:' || bcd AS to_category_id,
    'broadMatch' AS relation,
    CASE role WHEN 'material' THEN 0.5 ELSE 0.8 END AS confidence,
    concat_ws('; ', 'our judgement by the subclusters of the hub and the NAICS industries behind them', note) AS basis,
    document_id,
    locator,
    'groups' AS partition,
    rejected AS confirm_only
FROM product
WHERE bcd IS NOT NULL;

CREATE TABLE completeness AS
SELECT
    'groups' AS partition,
    count(*) AS expected,
    count(*) FILTER (bcd IS NULL OR bcd IN (SELECT category FROM reference.bcd WHERE subcluster IS NULL)) AS found
FROM raw.groups
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
