-- How many clusters there are: what was found, what is declared, and a range (docs/census.md).
-- For each country and source one feed and one level of regions are counted, so no total holds a region and its part, or
-- two sets of categories.

CREATE OR REPLACE TEMP TABLE scoped AS
SELECT
    united.*,
    unnest(['country:' || country_code, 'world']) AS scope,
    activity,
    CASE kind WHEN 'cell' THEN level WHEN 'surveyed' THEN 'places that a survey lists' ELSE 'places that a text names' END
        AS counted_level
FROM united, unnest(list_distinct(['all', coalesce(hub_category_id, 'all')])) AS activities (activity)
WHERE counted AND country_code IS NOT NULL;

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
        if(bool_and(strict), NULL, 'The lower bound counts those that the stricter form of the rule accepts.')
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
        if(len(contradicts) > 0, 'Contradicts ' || array_to_string(contradicts, ', ') || '.', NULL)
    ) AS coverage_note,
    'derived' AS route
FROM release.claims
WHERE unit = 'clusters' AND value IS NOT NULL AND scope IS NOT NULL;

-- Totals: of each country, and of the world as the sum of its countries.
CREATE OR REPLACE TEMP TABLE total AS
SELECT
    scope,
    activity,
    array_to_string(list(DISTINCT counted_level ORDER BY counted_level), ' + ') AS level,
    count(DISTINCT cluster_id) AS found,
    count(DISTINCT global_cluster_id) AS deduplicated,
    count(DISTINCT global_cluster_id) FILTER (strict) AS low,
    list(DISTINCT feed_id ORDER BY feed_id) AS feeds,
    list(DISTINCT country_code ORDER BY country_code) AS countries
FROM scoped
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
        declared,
        claim_id,
        qualifier
    FROM (FROM total WHERE scope <> 'world') AS total
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
                || if(qualifier = 'more_than', ', which is a lower bound itself: there may be more.', '.')
            ELSE 'The upper bound is what was found, before same ones were joined.'
        END
    ) AS coverage_note,
    'derived' AS route
FROM country
UNION ALL
SELECT
    'world', 'all', activity, 'all', 'derived',
    max(total.level),
    sum(country.found), NULL, sum(country.deduplicated), sum(country.low),
    sum(greatest(country.found, coalesce(country.declared, 0)::BIGINT)),
    'Sum over ' || count(*) || ' countries; of all others nothing is known here. Traded activities only. '
        || 'Each country has rules of its own, and an upper bound that may be a claim.',
    'derived'
FROM country
LEFT JOIN (FROM total WHERE scope = 'world') AS total USING (activity)
GROUP BY activity;
