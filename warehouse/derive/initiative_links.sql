-- Initiatives that a source tells of twice: both rows stay, and a link joins them.

INSERT INTO release.links BY NAME
SELECT
    initiative_id AS from_id,
    unnest(same_as) AS to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    'stated' AS method,
    'accepted: the row of ' || initiative_id || ' names the other as the same (' || feed_id || ')' AS decision,
    'derived' AS route
FROM release.initiatives
WHERE same_as IS NOT NULL;

-- An award that two feeds of USAID name by the same number. An award works in several countries in one feed, and is one
-- activity in the other.

INSERT INTO release.links BY NAME
SELECT
    activity.initiative_id AS from_id,
    transactions.initiative_id AS to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    1 AS score,
    'award number' AS method,
    'accepted: both name the award ' || activity.award_number AS decision,
    'derived' AS route
FROM release.initiatives AS activity
JOIN release.initiatives AS transactions USING (award_number)
WHERE activity.feed_id = 'usaid.iati' AND transactions.feed_id = 'usaid.foreignassistance';

-- An initiative whose id goes on from that of a cluster of its own feed is one for that cluster.

INSERT INTO release.links BY NAME
SELECT
    initiatives.initiative_id AS from_id,
    clusters.cluster_id AS to_id,
    'supports' AS relation,
    'derived' AS feed_id,
    'stated' AS method,
    'accepted: the source names the cluster in the row of the initiative (' || clusters.feed_id || ')' AS decision,
    'derived' AS route
FROM (
    SELECT
        initiative_id,
        feed_id,
        -- The id of the cluster, and after it a date, and a number where two are of one day.
        regexp_extract(initiative_id, '^(.+?):(undated|[0-9]{4}-[0-9]{2}-[0-9]{2})(:[0-9]+)?$', 1) AS cluster_id
    FROM release.initiatives
) AS initiatives
JOIN release.clusters AS clusters USING (cluster_id, feed_id);
