-- How many clusters there are: what was found, what is declared, and a range (docs/census.md).
-- For each country and source one feed, one level of regions and one set of categories are counted, so no total holds a
-- region and its part, a category and one that overlaps it, or regions and places that a text names.

CREATE OR REPLACE TEMP TABLE scoped AS
SELECT
    totalled.*,
    unnest(['country:' || country_code, 'world']) AS scope,
    activity,
    CASE kind WHEN 'cell' THEN level WHEN 'surveyed' THEN 'places that a survey lists' ELSE 'places that a text names' END
        AS counted_level
FROM totalled, unnest(list_distinct(['all', coalesce(hub_category_id, 'all')])) AS activities (activity)
WHERE counted AND country_code IS NOT NULL;

CREATE OR REPLACE TEMP MACRO unknown_note(clusters) AS
    CASE WHEN clusters > 0 THEN clusters || ' of unknown category (traded or local) counted.' END;

-- Each rule by itself.
INSERT INTO release.census BY NAME
SELECT
    scope,
    kind,
    activity AS hub_category_id,
    rule_id,
    'derived' AS feed_id,
    array_to_string(list(DISTINCT counted_level ORDER BY counted_level), ' + ') AS level,
    count(DISTINCT cluster_id) AS found,
    count(DISTINCT global_cluster_id) AS deduplicated,
    count(DISTINCT global_cluster_id) FILTER (strict) AS low,
    count(DISTINCT cluster_id) AS high,
    concat_ws(
        ' ',
        'Feeds: ' || array_to_string(list(DISTINCT feed_id ORDER BY feed_id), ', ') || '.',
        'Periods: ' || array_to_string(list(DISTINCT time_period ORDER BY time_period), ', ') || '.',
        CASE
            WHEN NOT bool_and(strict) THEN 'The lower bound counts those that the stricter form of the rule accepts.'
        END,
        unknown_note(count(DISTINCT cluster_id) FILTER (traded IS NULL)),
        CASE
            WHEN NOT bool_and(in_total)
                THEN count(DISTINCT cluster_id) FILTER (NOT in_total)
                    || ' not in a total: cells are counted in the country, and none is linked to it.'
        END
    ) AS coverage_note,
    'derived' AS route
FROM scoped
GROUP BY scope, kind, activity, rule_id;

-- Each claim that counts clusters, in its own words and scope.
INSERT INTO release.census BY NAME
SELECT
    scope,
    'declared' AS kind,
    'all' AS hub_category_id,
    'claim.' || claim_id AS rule_id,
    'derived' AS feed_id,
    'as stated' AS level,
    value AS declared,
    CASE WHEN qualifier IN ('exact', 'more_than') THEN value::BIGINT END AS low,
    CASE WHEN qualifier IN ('exact', 'less_than') THEN value::BIGINT END AS high,
    concat_ws(
        ' ',
        qualifier || ' ' || value::BIGINT || ' "' || subject || '"'
            || coalesce(', as of ' || as_of, '') || coalesce(', stated by ' || stated_by, '') || '.',
        'Of the programme ' || programme || ', which need not reach every cluster.',
        CASE WHEN len(contradicts) > 0 THEN 'Contradicts ' || array_to_string(contradicts, ', ') || '.' END
    ) AS coverage_note,
    'derived' AS route
FROM release.claims
WHERE unit = 'clusters' AND value IS NOT NULL AND scope IS NOT NULL;

-- Totals: of each country, and of the world as the sum of its countries.
CREATE OR REPLACE TEMP TABLE total AS
SELECT
    scope,
    activity,
    -- Places are of one kind, whoever tells of them.
    CASE
        WHEN count(DISTINCT counted_level) > 1 AND NOT bool_or(kind = 'cell')
            THEN 'places that a survey lists or a text names'
        ELSE array_to_string(list(DISTINCT counted_level ORDER BY counted_level), ' + ')
    END AS level,
    count(DISTINCT cluster_id) AS found,
    count(DISTINCT global_cluster_id) AS deduplicated,
    count(DISTINCT global_cluster_id) FILTER (cluster_is_strict) AS low,
    count(DISTINCT cluster_id) FILTER (traded IS NULL) AS unknown,
    list(DISTINCT feed_id ORDER BY feed_id) AS feeds
FROM scoped
WHERE in_found AND scope <> 'world'
GROUP BY scope, activity;

-- Claims that count all clusters of a country, or all industrial ones: not those of one body or programme, nor those that
-- something was done for.
CREATE OR REPLACE TEMP TABLE most_declared AS
SELECT
    scope,
    max(value) AS declared,
    arg_max(claim_id, (value, claim_id)) AS claim_id,
    arg_max(qualifier, (value, claim_id)) AS qualifier
FROM release.claims
WHERE unit = 'clusters' AND value IS NOT NULL AND starts_with(scope, 'country:') AND programme IS NULL
    AND NOT regexp_matches(
        lower(subject),
        '\b(of|by|under|with|in|supported|assisted|developed|mapped|identified|funded|cleared|approved|adopted|completed)\b'
    )
GROUP BY scope;

INSERT INTO release.census BY NAME
WITH country AS (
    SELECT
        scope, activity, level, feeds,
        coalesce(found, 0) AS found,
        coalesce(deduplicated, 0) AS deduplicated,
        coalesce(low, 0) AS low,
        coalesce(unknown, 0) AS unknown,
        declared,
        claim_id,
        qualifier
    FROM total
    FULL JOIN (SELECT *, 'all' AS activity FROM most_declared) AS most_declared USING (scope, activity)
)
SELECT
    scope,
    'all' AS kind,
    activity AS hub_category_id,
    'all' AS rule_id,
    'derived' AS feed_id,
    level,
    found,
    declared,
    deduplicated,
    low,
    greatest(found, coalesce(declared, 0)::BIGINT) AS high,
    concat_ws(
        ' ',
        coalesce('Found by ' || array_to_string(feeds, ', ') || '.', 'No feed has found one here.'),
        CASE
            WHEN declared > found THEN 'The upper bound is claim ' || claim_id
                || CASE qualifier WHEN 'more_than' THEN ', which is a lower bound itself: there may be more.' ELSE '.' END
            ELSE 'The upper bound is what was found, before same ones were joined.'
        END,
        unknown_note(unknown)
    ) AS coverage_note,
    'derived' AS route
FROM country
UNION ALL
SELECT
    'world', 'all', activity, 'all', 'derived',
    array_to_string(list(DISTINCT level ORDER BY level) FILTER (level IS NOT NULL), ' + '),
    sum(found), NULL, sum(deduplicated), sum(low),
    sum(greatest(found, coalesce(declared, 0)::BIGINT)),
    concat_ws(
        ' ',
        'Sum over ' || count(*) || ' countries; of all others nothing is known here.',
        'Local activities are not counted.',
        unknown_note(sum(unknown)::BIGINT),
        'Each country has a level and rules of its own, and an upper bound that may be a claim.'
    ),
    'derived'
FROM country
GROUP BY activity;
