-- in.msecdp: pending applications → one cluster for all applications of the same name and district, one initiative each.

CREATE TABLE application AS
SELECT
    *,
    try_strptime(application_date, '%d/%m/%Y')::DATE AS applied_on,
    (applied_on + pendency_days::INTEGER)::DATE AS reported_on,
    'in.msecdp:' || slug(state) || ':' || slug(district) || ':' || slug(cluster) AS cluster_id,
    no_cluster_but(cluster) AS refused,
    coalesce('applications/' || slug(state), 'applications/unreadable') AS partition
FROM raw.applications;

-- The day of a report is not on the page: each row gives it, as application date + pendency days. The day that most rows
-- give is that of the report.
CREATE TABLE report AS
SELECT
    partition, report,
    arg_max(reported_on, (rows, reported_on)) AS reported_on,
    sum(rows)::BIGINT AS rows,
    max(serial) AS highest,
    coalesce(sum(rows) FILTER (reported_on IS NOT NULL), 0)::BIGINT AS dated,
    max(rows) FILTER (reported_on IS NOT NULL) AS agreeing,
    any_value(more_than_days) AS more_than_days,
    min(document_id) AS document_id,
    min(locator) AS locator
FROM (
    SELECT
        partition, report, reported_on, any_value(more_than_days) AS more_than_days, count(*) AS rows,
        max(serial) AS serial, min(document_id) AS document_id, min(locator) AS locator
    FROM application GROUP BY ALL
)
GROUP BY ALL;

-- Saved reports of one state overlap: the newest counts, and of one day that which lists most.
CREATE TABLE chosen AS
FROM report
QUALIFY row_number() OVER (
    PARTITION BY partition ORDER BY reported_on DESC NULLS LAST, rows DESC, more_than_days, report
) = 1;

CREATE TABLE own AS
SELECT
    application.* EXCLUDE (reported_on),
    -- Two applications of one cluster on one day are told apart by their order in the report.
    cluster_id || ':' || coalesce(strftime(applied_on, '%Y-%m-%d'), 'undated')
        || CASE WHEN nth > 1 THEN ':' || nth ELSE '' END AS initiative_id
FROM (
    SELECT
        application.*,
        row_number() OVER (PARTITION BY cluster_id, applied_on, report ORDER BY rejected, serial, locator) AS nth
    FROM application SEMI JOIN chosen USING (partition, report)
) AS application
WHERE cluster_id IS NOT NULL AND refused IS NULL;

CREATE TABLE wanted AS SELECT DISTINCT state, district, NULL::VARCHAR AS place FROM own;
CREATE TABLE found AS FROM placed_in_india('wanted');

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'india' AS source_id,
    arg_min(clean(cluster), serial) AS name,
    'documented' AS kind,
    any_value(coalesce(found.region_id, found.state_id, 'country:IN')) AS region_id,
    arg_min(clean(own.district) || ', ' || clean(own.state), serial) AS place,
    'IN' AS country_code,
    arg_min(nullif(clean(regexp_replace(cluster, '\s+cluster\s*$', '', 'i')), ''), serial) AS product,
    arg_min(document_id, serial) AS document_id,
    arg_min(locator, serial) AS locator,
    any_value(partition) AS partition,
    bool_and(rejected) AS confirm_only
FROM own LEFT JOIN found USING (state, district) GROUP BY cluster_id;

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    clean(cluster) AS title,
    'project' AS kind,
    'national' AS level,
    'IN' AS country_code,
    nullif(clean(status), '') AS status,
    'an application' || coalesce(' of ' || strftime(applied_on, '%Y-%m-%d'), '')
        || ', not a project that was approved' AS note,
    document_id,
    locator,
    partition,
    rejected AS confirm_only
FROM own;

CREATE TABLE staged.initiative_locations AS
SELECT
    initiative_id, 1 AS seq, 'IN' AS country_code, clean(district) || ', ' || clean(state) AS admin_name,
    document_id, locator, partition, rejected AS confirm_only
FROM own;

CREATE TABLE staged.initiative_organisations AS
SELECT
    initiative_id, 1 AS seq, 'MSME-DI ' || clean(office) AS organisation_name, 'extending' AS role, '10' AS org_type,
    document_id, locator, partition, rejected AS confirm_only
FROM own WHERE nullif(clean(office), '') IS NOT NULL;

CREATE TABLE staged.initiative_relations AS
SELECT
    initiative_id, 1 AS seq, 'applies_under' AS relation, 'paper.facts:MSECDP' AS to_initiative_id,
    strftime(applied_on, '%Y-%m-%d') AS relation_date,
    document_id, locator, partition, rejected AS confirm_only
FROM own;

-- What each report says as a whole, with the day that it is of.
CREATE TABLE staged.claims AS
SELECT
    'in.msecdp:' || replace(partition, 'applications/', '') || ':pending' AS claim_id,
    'applications pending' || coalesce(' for more than ' || more_than_days || ' days', '') AS subject,
    'count' AS measure,
    rows AS value,
    'exact' AS qualifier,
    'applications' AS unit,
    coalesce(
        (SELECT min(state_id) FROM own JOIN found USING (state, district) WHERE own.partition = chosen.partition),
        'place:IN:' || (SELECT min(clean(state)) FROM own WHERE own.partition = chosen.partition)
    ) AS scope,
    strftime(reported_on, '%Y-%m-%d') AS as_of,
    'Development Commissioner (MSME)' AS stated_by,
    'MSE-CDP' AS programme,
    'paper.facts:MSECDP' AS initiative_id,
    document_id,
    locator,
    partition,
    false AS confirm_only
FROM chosen WHERE partition <> 'applications/unreadable';

-- Rows are numbered without a gap, so the highest number is how many there should be.
CREATE TABLE completeness AS
SELECT
    chosen.partition, any_value(chosen.highest) AS expected, count(*) FILTER (NOT application.rejected) AS found
FROM chosen JOIN application USING (partition, report) GROUP BY chosen.partition;

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'rows of an older or shorter report of the same state' AS what, sum(rows)::BIGINT AS records
FROM report ANTI JOIN chosen USING (partition, report) HAVING count(*) > 0
UNION ALL
SELECT 'dropped', 'no cluster but ' || refused, count(*)
FROM application SEMI JOIN chosen USING (partition, report) WHERE refused IS NOT NULL GROUP BY refused;

CREATE TABLE remarks AS
SELECT
    replace(partition, 'applications/', '') || ': the report is of ' || reported_on || ', as ' || agreeing || ' of '
        || rows || ' rows give it (application date + pendency days)'
        || CASE WHEN agreeing < dated THEN '; ' || (dated - agreeing) || ' rows give another day' ELSE '' END AS remark
FROM chosen WHERE agreeing < dated OR dated < rows OR reported_on IS NULL
UNION ALL
FROM undecided('found');
