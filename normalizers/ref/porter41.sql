-- ref.porter41: the list that we ship → categories, and their mappings to the hub.

CREATE TABLE staged.categories AS
SELECT
    'porter41:' || code AS category_id,
    'porter41' AS scheme,
    code,
    min(name) AS name,
    true AS traded,
    arg_min(document_id, (document_id, locator)) AS document_id,
    arg_min(locator, (document_id, locator)) AS locator,
    'links' AS partition,
    bool_and(rejected) AS confirm_only
FROM raw.links GROUP BY code;

CREATE TABLE staged.category_mappings AS
SELECT
    'porter41:' || code AS from_category_id,
    'bcd:' || bcd AS to_category_id,
    relation,
    confidence,
    concat_ws(
        '; ', 'our judgement by the names and the subclusters of the hub: the industries of the 41 were not seen',
        nullif(note, '')
    ) AS basis,
    document_id,
    locator,
    'links' AS partition,
    rejected AS confirm_only
FROM raw.links;

CREATE TABLE completeness AS
SELECT
    'links' AS partition,
    count(*) AS expected,
    count(*) FILTER (bcd IN (SELECT category FROM reference.bcd WHERE subcluster IS NULL AND traded = 'true')) AS found
FROM raw.links
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
