-- ref.mappings: the list that we ship → categories, and their mappings to the hub.

CREATE TABLE staged.categories AS
SELECT
    scheme || ':' || code AS category_id,
    any_value(scheme) AS scheme,
    any_value(code) AS code,
    any_value(name) AS name,
    CASE any_value(traded) WHEN 'true' THEN true END AS traded,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    'links' AS partition,
    bool_and(rejected) AS confirm_only
FROM raw.links
GROUP BY scheme || ':' || code;

CREATE TABLE staged.category_mappings AS
SELECT
    scheme || ':' || code AS from_category_id,
    'bcd:' || bcd AS to_category_id,
    relation,
    confidence,
    concat_ws('; ', 'our judgement by the names and the subclusters of the hub', note) AS basis,
    document_id,
    locator,
    'links' AS partition,
    rejected AS confirm_only
FROM raw.links
WHERE bcd <> '';

CREATE TABLE completeness AS
SELECT
    'links' AS partition,
    count(*) AS expected,
    count(*) FILTER (bcd = '' OR bcd IN (SELECT category FROM reference.bcd WHERE subcluster IS NULL)) AS found
FROM raw.links
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
