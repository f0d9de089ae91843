-- ref.bcd: the list that we ship → categories. Inputs and outputs are those of every feed's program.

CREATE TABLE staged.categories AS
SELECT
    'bcd:' || code AS category_id,
    'bcd' AS scheme,
    code,
    name,
    traded,
    CASE WHEN subcluster <> '' THEN 'bcd:' || category END AS parent_category_id,
    document_id,
    locator,
    'classes' AS partition,
    rejected AS confirm_only
FROM (
    SELECT *, category || CASE subcluster WHEN '' THEN '' ELSE '.' || lpad(subcluster, 2, '0') END AS code
    FROM raw.classes
);

CREATE TABLE completeness AS
SELECT
    'classes' AS partition,
    count(*) AS expected,
    count(*) FILTER (subcluster = '' OR category IN (SELECT category FROM raw.classes WHERE subcluster = '')) AS found
FROM raw.classes
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
