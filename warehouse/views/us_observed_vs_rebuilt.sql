-- What the U.S. Cluster Mapping Project published beside what is rebuilt from Census data: the same indicator of the same region, category and year, wherever both have a value.
CREATE VIEW us_observed_vs_rebuilt AS
SELECT
    observed_cell.region_id,
    observed_cell.hub_category_id,
    split_part(observed.cluster_id, ':', 2) AS level,
    observed.indicator,
    observed.unit_kind,
    observed.time_period,
    observed.obs_value AS observed,
    rebuilt.obs_value AS rebuilt,
    rebuilt.obs_value - observed.obs_value AS difference,
    (rebuilt.obs_value - observed.obs_value) / nullif(observed.obs_value, 0) AS relative_difference,
    observed.unit_measure,
    observed.method AS observed_method,
    rebuilt.method AS rebuilt_method,
    concat_ws(
        ' ',
        'Two methods side by side: the difference tells of the methods, not of the world.',
        CASE WHEN observed.obs_status = 'E' THEN 'The observed value is estimated or imputed.' END,
        CASE WHEN rebuilt.obs_status = 'E' THEN 'The rebuilt value is estimated or imputed.' END
    ) AS caveat
FROM observations AS observed
JOIN clusters AS observed_cell ON observed_cell.cluster_id = observed.cluster_id
JOIN clusters AS rebuilt_cell
    ON rebuilt_cell.region_id = observed_cell.region_id
    AND rebuilt_cell.hub_category_id = observed_cell.hub_category_id
    AND rebuilt_cell.feed_id = 'us.cbp'
JOIN observations AS rebuilt
    ON rebuilt.cluster_id = rebuilt_cell.cluster_id
    AND rebuilt.indicator = observed.indicator
    AND rebuilt.unit_kind = observed.unit_kind
    AND rebuilt.unit_measure = observed.unit_measure
    AND rebuilt.time_period = observed.time_period
WHERE observed.feed_id = 'us.clustermapping' AND observed.obs_value IS NOT NULL AND rebuilt.obs_value IS NOT NULL;
