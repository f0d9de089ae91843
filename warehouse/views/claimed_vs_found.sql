-- Each claim that counts clusters beside what the release holds in its scope: surveyed clusters, documented ones, and, by
-- rule, feed, level of regions and set of categories that do not overlap, cells that a rule accepts in its newest period. Claims that contradict each other stand side by side; nothing is
-- added or averaged. `found` is null where the release cannot tell which places the scope has.
CREATE VIEW claimed_vs_found AS
WITH claimed AS (
    SELECT * FROM claims WHERE unit = 'clusters' AND value IS NOT NULL
),
-- The European Union as it was when the claims were made: from 2013 to 2020.
european AS (
    SELECT unnest(string_split(
        'AT BE BG CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK', ' '
    )) AS country_code
),
placed AS (
    SELECT
        clusters.cluster_id,
        clusters.kind,
        clusters.feed_id AS found_by,
        region_level(clusters.region_id) AS level,
        category_set(clusters.category_id, category.parent_category_id) AS category_set,
        unnest(list_distinct([
            'world',
            'country:' || clusters.country_code,
            CASE WHEN clusters.country_code IN (FROM european) THEN 'region:EU' END,
            clusters.region_id,
            region.iso_3166_2,
            parent.iso_3166_2
        ])) AS scope
    FROM clusters
    LEFT JOIN regions AS region ON region.region_id = clusters.region_id
    LEFT JOIN regions AS parent ON parent.region_id = region.parent_region_id
    LEFT JOIN categories AS category ON category.category_id = clusters.category_id
),
accepted AS (
    SELECT cluster_id, rule_id, time_period
    FROM cluster_identification
    WHERE is_cluster
    QUALIFY time_period = max(time_period) OVER (PARTITION BY feed_id, rule_id)
),
found AS (
    SELECT scope, kind, NULL::VARCHAR AS rule_id, NULL::VARCHAR AS time_period, NULL::VARCHAR AS found_by,
        NULL::VARCHAR AS level, NULL::VARCHAR AS category_set, count(*) AS found
    FROM placed
    WHERE kind <> 'cell' AND scope IN (SELECT scope FROM claimed)
    GROUP BY scope, kind
    UNION ALL
    SELECT placed.scope, placed.kind, accepted.rule_id, accepted.time_period, placed.found_by, placed.level,
        placed.category_set, count(*)
    FROM placed
    JOIN accepted USING (cluster_id)
    WHERE placed.kind = 'cell' AND placed.scope IN (SELECT scope FROM claimed)
    GROUP BY ALL
),
compared AS (
    SELECT claimed.claim_id, kinds.kind, found.* EXCLUDE (scope, kind, found), coalesce(found.found, 0) AS found
    FROM claimed
    CROSS JOIN (VALUES ('surveyed'), ('documented')) AS kinds(kind)
    LEFT JOIN found ON found.scope = claimed.scope AND found.kind = kinds.kind
    UNION ALL
    SELECT claimed.claim_id, found.kind, found.* EXCLUDE (scope, kind, found), found.found
    FROM claimed
    JOIN found ON found.scope = claimed.scope AND found.kind = 'cell'
)
SELECT
    claimed.claim_id,
    claimed.subject,
    claimed.scope,
    claimed.as_of,
    claimed.stated_by,
    claimed.qualifier,
    claimed.value AS claimed,
    compared.kind,
    compared.rule_id,
    compared.time_period,
    compared.found_by,
    compared.level,
    compared.category_set,
    CASE WHEN known.scope IS NOT NULL THEN compared.found END AS found,
    claimed.contradicts,
    claimed.citation,
    claimed.feed_id,
    CASE compared.kind
        WHEN 'surveyed' THEN 'clusters that a source lists, counted in the scope of the claim'
        WHEN 'documented' THEN 'clusters that a text names, counted in the scope of the claim'
        ELSE 'cells that the rule accepts in its newest period, counted in the scope of the claim'
    END AS method,
    concat_ws(
        ' ',
        CASE
            WHEN known.scope IS NULL THEN 'The release does not say which places this scope has.'
            WHEN compared.kind = 'cell' THEN 'A cell is a place × activity, and the same place may stand in cells of several levels and sets of categories: no two rows are to be added.'
            ELSE 'The release holds only what its feeds list: a small number says nothing about the world.'
        END,
        'The claim counts "' || claimed.subject || '" in its own sense'
            || coalesce(', of the programme ' || claimed.programme, '') || '.',
        'Other claims say otherwise: ' || array_to_string(claimed.contradicts, ', ') || '.'
    ) AS caveat
FROM claimed
JOIN compared USING (claim_id)
LEFT JOIN (
    SELECT DISTINCT scope
    FROM claimed
    WHERE scope IN ('world', 'region:EU') OR starts_with(scope, 'country:')
        OR scope IN (SELECT region_id FROM regions) OR scope IN (SELECT iso_3166_2 FROM regions WHERE iso_3166_2 IS NOT NULL)
) AS known ON known.scope = claimed.scope
ORDER BY claimed.scope, claimed.value DESC, claimed.claim_id, compared.kind, compared.rule_id, compared.found_by,
    compared.level, compared.category_set;
