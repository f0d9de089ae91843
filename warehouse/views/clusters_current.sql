-- The clusters of today: one row per cell that a rule accepts in its newest period, and per cluster that was surveyed or documented, with the names of its region and category, the rules that accept it, and the real-world cluster that it is a member of. The newest period is that of a feed, rule and country. Cells of several levels of regions stand side by side and contain each other: count within one `level` and feed, or count `global_clusters`.
CREATE VIEW clusters_current AS
WITH accepted AS (
    SELECT cluster_id, list(rule_id ORDER BY rule_id) AS rule_ids, max(time_period) AS time_period
    FROM (
        SELECT answer.cluster_id, answer.rule_id, answer.time_period, answer.is_cluster
        FROM cluster_identification AS answer
        JOIN clusters USING (cluster_id)
        WHERE answer.is_cluster IS NOT NULL
        QUALIFY answer.time_period
            = max(answer.time_period) OVER (PARTITION BY answer.feed_id, answer.rule_id, clusters.country_code)
    )
    WHERE is_cluster
    GROUP BY cluster_id
),
united AS (
    SELECT unnest(members) AS cluster_id, global_cluster_id FROM global_clusters
)
SELECT
    cluster_id,
    clusters.feed_id,
    clusters.name,
    clusters.kind,
    clusters.country_code,
    clusters.region_id,
    region_level(clusters.region_id) AS level,
    region.name AS region_name,
    clusters.place,
    clusters.category_id,
    clusters.hub_category_id,
    hub.name AS hub_category_name,
    clusters.product,
    clusters.product_class,
    clusters.themes,
    united.global_cluster_id,
    accepted.time_period,
    array_to_string(accepted.rule_ids, ', ') AS method,
    concat_ws(
        ' ',
        CASE clusters.kind
            WHEN 'cell' THEN 'A region of one level × an activity; regions of other levels may contain it.'
            WHEN 'surveyed' THEN 'Listed by those who surveyed it; no rule on figures was applied.'
            ELSE 'Named in a text; no rule on figures was applied.'
        END,
        CASE WHEN united.global_cluster_id IS NULL THEN 'Not counted in the census: another level or feed is.' END
    ) AS caveat
FROM accepted
JOIN clusters USING (cluster_id)
LEFT JOIN united USING (cluster_id)
LEFT JOIN regions AS region ON region.region_id = clusters.region_id
LEFT JOIN categories AS hub ON hub.category_id = clusters.hub_category_id;
