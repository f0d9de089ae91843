-- Which rule accepts which cell or cluster, on what inputs. The macros are those of warehouse/macros/identification.sql.

-- us.strong.<level>, us.strong10.<level>: the flags of the US cells, published by the source or rebuilt from Census data by
-- the same definition, macros us_2017_strong and us_2017_strong10. The view cluster_strength computes them again.

INSERT INTO release.cluster_identification
SELECT
    cluster_id,
    'us.' || indicator || '.' || split_part(cluster_id, ':', 2) AS rule_id,
    time_period,
    feed_id,
    obs_value = 1 AS is_cluster,
    json_object('indicator', indicator, 'method', method, 'obs_value', obs_value) AS inputs
FROM release.observations
WHERE method IN ('us.strength.published', 'us.cbp.strength', 'us.cbp2017.strength')
    AND indicator IN ('strong', 'strong10') AND obs_value IS NOT NULL;

-- eu.stars_published: macro eu_stars_published. Stars of other definitions have other methods, and are not these.

INSERT INTO release.cluster_identification
SELECT
    cluster_id,
    'eu.stars_published' AS rule_id,
    time_period,
    feed_id,
    eu_stars_published(obs_value) AS is_cluster,
    json_object('indicator', indicator, 'method', method, 'obs_value', obs_value) AS inputs
FROM release.observations
WHERE method = 'eu.legacy.stars.eco_2008' AND indicator = 'stars' AND obs_value IS NOT NULL;

-- eu.eu10_stars: macros eu10_*. The share of the region's employment is that which the source states; where it states
-- none, the share of what its traded categories employ is an upper bound, and so may refuse the star but not give it.

INSERT INTO release.cluster_identification
WITH input AS (
    SELECT
        cluster_id,
        feed_id,
        time_period,
        method,
        max(obs_value) FILTER (indicator = 'employment') AS employment,
        max(obs_value) FILTER (indicator = 'specialisation') AS specialisation,
        max(obs_value) FILTER (indicator = 'focus' AND unit_measure = 'percent') / 100 AS focus
    FROM release.observations
    WHERE method IN ('eu.eocic.published', 'eu.legacy.eco_2008') AND unit_kind = '_Z'
    GROUP BY ALL
    HAVING employment IS NOT NULL
),
bounded AS (
    SELECT
        input.*,
        employment / nullif(
            sum(employment::DECIMAL(18, 3)) FILTER (categories.traded)
                OVER (PARTITION BY input.feed_id, clusters.region_id, input.time_period, input.method),
            0
        )::DOUBLE AS most
    FROM input
    JOIN release.clusters AS clusters USING (cluster_id)
    LEFT JOIN release.categories AS categories ON categories.category_id = clusters.category_id
),
known AS (
    SELECT * REPLACE (coalesce(focus, if(eu10_focus(most), NULL, most)) AS focus), focus AS stated FROM bounded
)
SELECT
    cluster_id,
    'eu.eu10_stars' AS rule_id,
    time_period,
    feed_id,
    eu10_is_cluster(employment, specialisation, focus) AS is_cluster,
    json_object(
        'method', method,
        'stars', eu10_stars(employment, specialisation, focus),
        'employment', employment,
        'specialisation', specialisation,
        'region_share', focus,
        'region_share_basis', CASE
            WHEN stated IS NOT NULL THEN 'stated'
            WHEN focus IS NOT NULL THEN 'upper bound: share of the traded categories'
            ELSE 'unknown'
        END
    ) AS inputs
FROM known;

-- ca.lq: macro ca_lq, on the location quotients of the Canadian feeds, each with the base of its method. The country is what
-- they are quotients to: it is no cluster, and the rule has no answer for it, even where a published figure is not 1.

INSERT INTO release.cluster_identification
SELECT
    cluster_id,
    'ca.lq' AS rule_id,
    time_period,
    feed_id,
    ca_lq(arg_min(obs_value, method)) AS is_cluster,
    json_object(
        'indicator', 'location_quotient', 'method', min(method), 'obs_value', arg_min(obs_value, method)
    ) AS inputs
FROM release.observations
WHERE starts_with(feed_id, 'ca.') AND indicator = 'location_quotient' AND obs_value IS NOT NULL
    AND cluster_id NOT IN (SELECT cluster_id FROM release.clusters WHERE starts_with(region_id, 'country:'))
GROUP BY ALL;

-- survey.listed, paper.documented: somebody went there and lists it; a text names it. Both without a period.

INSERT INTO release.cluster_identification
SELECT
    cluster_id,
    CASE kind WHEN 'surveyed' THEN 'survey.listed' ELSE 'paper.documented' END AS rule_id,
    'undated' AS time_period,
    feed_id,
    true AS is_cluster,
    json_object('kind', kind) AS inputs
FROM release.clusters
WHERE kind IN ('surveyed', 'documented');

UPDATE release.clusters
SET identified_by = coalesce(
    (
        SELECT list(DISTINCT rule_id ORDER BY rule_id)
        FROM release.cluster_identification AS identification
        WHERE identification.cluster_id = clusters.cluster_id AND is_cluster
    ),
    []
);
