-- The clusters of today: one row per cell that a rule accepts in its newest period, and per cluster that was surveyed or documented, with the names of its region and category, the rules that accept it, and the real-world cluster that it is a member of. The newest period is that of a feed, rule and country. Cells of several levels of regions, and of several sets of categories, stand side by side and overlap each other: count within one feed, `level` and `category_set`, or count `global_clusters`.
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
    SELECT unnest(members) AS cluster_id, global_cluster_id, in_total FROM global_clusters
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
    category_set(clusters.category_id, own.parent_category_id) AS category_set,
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
        CASE
            WHEN category_set(clusters.category_id, own.parent_category_id) = 'eocic, emerging'
                THEN 'Emerging industries overlap the other categories: the two are never to be added.'
            WHEN own.parent_category_id IS NOT NULL
                THEN 'The category is a part of ' || own.parent_category_id || ', which may stand here too.'
        END,
        CASE
            WHEN NOT united.in_total
                THEN 'Not in the total of its country in the census: cells are counted there, and none is linked to it.'
            WHEN united.global_cluster_id IS NOT NULL THEN NULL
            WHEN NOT coalesce(hub.traded, own.traded, true)
                THEN 'Not counted in the census: a local activity, which is everywhere.'
            ELSE 'Not counted in the census: of each country one feed, level, rule and set of categories is.'
        END
    ) AS caveat
FROM accepted
JOIN clusters USING (cluster_id)
LEFT JOIN united USING (cluster_id)
LEFT JOIN regions AS region ON region.region_id = clusters.region_id
LEFT JOIN categories AS hub ON hub.category_id = clusters.hub_category_id
LEFT JOIN categories AS own ON own.category_id = clusters.category_id;
