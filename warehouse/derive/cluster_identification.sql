-- Which rule accepts which cell: the strength flags of the US cells, published by the source or rebuilt from Census data
-- by the same definition.
-- us.strong.<level>    location quotient at or above the 75th percentile of regions of that level, and at least 1, with
--                      employment and establishments above their 25th percentiles (Delgado, Porter, Stern 2016)
-- us.strong10.<level>  the same with the 90th percentile

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

UPDATE release.clusters
SET identified_by = coalesce(
    (
        SELECT list(DISTINCT rule_id ORDER BY rule_id)
        FROM release.cluster_identification AS identification
        WHERE identification.cluster_id = clusters.cluster_id AND is_cluster
    ),
    []
);
