-- How many clusters, projects or units each initiative is stated to reach: one row per statement, as stated, side by side.
-- A cluster that several programmes reach is counted by each, so statements are not added here.
CREATE VIEW programme_reach AS
WITH stated AS (
    SELECT
        initiative_id,
        clusters_covered::DOUBLE AS reach,
        'clusters' AS unit,
        'clusters covered' AS subject,
        'exact' AS qualifier,
        clusters_covered_as_of AS as_of,
        NULL::VARCHAR AS stated_by,
        NULL::VARCHAR AS claim_id,
        citation,
        'the count that the row of the initiative states' AS method
    FROM initiatives
    WHERE clusters_covered IS NOT NULL
    UNION ALL
    SELECT
        initiative_id,
        value,
        unit,
        subject,
        qualifier,
        as_of,
        stated_by,
        claim_id,
        citation,
        'a claim about the initiative'
    FROM claims
    WHERE initiative_id IS NOT NULL AND unit IN ('clusters', 'projects', 'units')
),
silent AS (
    SELECT
        count(*) AS initiatives,
        count(*) FILTER (initiative_id NOT IN (SELECT initiative_id FROM stated)) AS without_reach
    FROM initiatives
)
SELECT
    initiatives.initiative_id,
    initiatives.title,
    initiatives.kind,
    initiatives.country_code,
    stated.subject,
    stated.reach,
    stated.unit,
    stated.qualifier,
    stated.as_of,
    stated.stated_by,
    stated.claim_id,
    stated.citation,
    initiatives.feed_id,
    stated.method,
    'Not to be added: a cluster in two programmes is counted by both, and dates and senses differ. '
        || silent.without_reach || ' of ' || silent.initiatives || ' initiatives state no reach.' AS caveat
FROM stated
JOIN initiatives USING (initiative_id)
CROSS JOIN silent
ORDER BY initiatives.initiative_id, stated.as_of NULLS FIRST, stated.claim_id NULLS FIRST;
