-- Strong clusters of all countries side by side, by one method (`cluster_strength`), in the newest period of each feed, level of regions and method of employment. What is strong is so among the regions of its own feed and level: a location quotient here is not to be ranked against one of another feed, level or `employment_method`. Categories of two sets overlap: count within one `category_set`.
CREATE VIEW strong_clusters AS
WITH newest AS (
    FROM cluster_strength
    QUALIFY time_period = max(time_period) OVER (PARTITION BY feed_id, level, employment_method, employment_unit)
)
SELECT
    newest.cluster_id,
    newest.feed_id,
    newest.country_code,
    newest.region_id,
    newest.level,
    region.name AS region_name,
    newest.category_id,
    newest.category_set,
    newest.hub_category_id,
    category.name AS category_name,
    newest.time_period,
    newest.employment,
    newest.establishments,
    newest.location_quotient,
    newest.strong10,
    newest.strong_published,
    newest.peers,
    newest.employment_method,
    newest.employment_unit,
    newest.establishments_method,
    newest.method,
    concat_ws(' ', 'Strong among the regions of its feed and level only.', newest.caveat) AS caveat
FROM newest
LEFT JOIN regions AS region ON region.region_id = newest.region_id
LEFT JOIN categories AS category ON category.category_id = coalesce(newest.hub_category_id, newest.category_id)
WHERE newest.strong;
