-- Did what was supported grow otherwise than what was not? One row per level, subject and measure: a cluster that an initiative serves, a programme over its clusters, the policy of a country over its programmes. `effect` is the growth from the baseline (the last year before the start) to the follow-up (the first year at least two years after the end), over the median growth of clusters of the same category, level and measure that nothing serves, less 1; null where `reason` says why. No figures of two methods, units, levels of regions or sets of categories are compared or joined in one median.
CREATE VIEW monitoring_evaluation AS
WITH served AS (
    SELECT DISTINCT
        initiative.initiative_id,
        initiative.country_code,
        year(initiative.start_date) AS start_year,
        year(initiative.end_date) AS end_year,
        link.to_id AS cluster_id,
        -- The statistics of a cluster that was surveyed may stand in the cell that it is united with.
        coalesce(member.cluster_id, link.to_id) AS measured_id
    FROM links AS link
    JOIN initiatives AS initiative ON initiative.initiative_id = link.from_id
    LEFT JOIN (SELECT unnest(members) AS cluster_id, members FROM global_clusters) AS united
        ON united.cluster_id = link.to_id
    LEFT JOIN (SELECT unnest(members) AS cluster_id, members FROM global_clusters) AS member
        ON member.members = united.members
    WHERE link.relation IN ('serves', 'supports', 'funds', 'implements')
        AND coalesce(starts_with(link.decision, 'accepted'), true)
),
series AS (
    SELECT
        cluster_id,
        coalesce(cluster.hub_category_id, cluster.category_id) AS category_id,
        cluster.region_id,
        region_level(cluster.region_id) AS level,
        category_set(
            coalesce(cluster.hub_category_id, cluster.category_id), category.parent_category_id
        ) AS category_set,
        indicator,
        unit_kind,
        method,
        unit_measure,
        year(period_end) AS measured_in,
        obs_value
    FROM observations
    JOIN clusters AS cluster USING (cluster_id)
    LEFT JOIN categories AS category
        ON category.category_id = coalesce(cluster.hub_category_id, cluster.category_id)
    WHERE indicator IN (
        'employment', 'employment_reported', 'establishments', 'turnover', 'exports', 'payroll_annual', 'wage_average'
    )
        AND obs_value > 0 AND period_end IS NOT NULL
),
-- Before, during, after, and two years after.
phases AS (
    SELECT
        served.*,
        series.category_id,
        series.region_id,
        series.level,
        series.category_set,
        indicator,
        unit_kind,
        method,
        unit_measure,
        max(measured_in) FILTER (measured_in < start_year) AS baseline_year,
        arg_max(obs_value, measured_in) FILTER (measured_in < start_year) AS baseline,
        arg_max(obs_value, measured_in) FILTER (measured_in BETWEEN start_year AND end_year) AS during,
        arg_min(obs_value, measured_in) FILTER (measured_in > end_year) AS after,
        min(measured_in) FILTER (measured_in >= end_year + 2) AS follow_up_year,
        arg_min(obs_value, measured_in) FILTER (measured_in >= end_year + 2) AS follow_up
    FROM served
    LEFT JOIN series ON series.cluster_id = served.measured_id
    GROUP BY ALL
),
-- What grew elsewhere: clusters of the same category and measure, in regions of the same level, that nothing serves.
elsewhere AS (
    SELECT
        phases.initiative_id,
        phases.measured_id,
        phases.indicator,
        phases.unit_kind,
        phases.method,
        phases.unit_measure,
        count(*) AS comparison_clusters,
        median(later.obs_value / earlier.obs_value) AS comparison_growth
    FROM phases
    JOIN series AS earlier
        ON earlier.category_id = phases.category_id AND earlier.level = phases.level
        AND earlier.region_id <> phases.region_id
        AND earlier.indicator = phases.indicator AND earlier.unit_kind = phases.unit_kind
        AND earlier.method = phases.method AND earlier.unit_measure = phases.unit_measure
        AND earlier.measured_in = phases.baseline_year
    JOIN series AS later
        ON later.cluster_id = earlier.cluster_id AND later.indicator = earlier.indicator
        AND later.unit_kind = earlier.unit_kind AND later.method = earlier.method
        AND later.unit_measure = earlier.unit_measure AND later.measured_in = phases.follow_up_year
    WHERE earlier.cluster_id NOT IN (SELECT measured_id FROM served)
    GROUP BY ALL
),
compared AS (
    SELECT
        phases.*,
        follow_up / baseline AS growth,
        comparison_growth,
        coalesce(comparison_clusters, 0) AS comparison_clusters,
        CASE
            WHEN start_year IS NULL THEN 'no start is stated'
            WHEN end_year IS NULL THEN 'no end is stated'
            WHEN indicator IS NULL THEN 'the cluster has no figures with a period'
            WHEN baseline IS NULL THEN 'no figure from before the start'
            WHEN follow_up IS NULL THEN 'no figure from at least two years after the end'
            WHEN comparison_clusters IS NULL THEN 'no cluster of the category elsewhere has figures of both years'
        END AS reason
    FROM phases
    LEFT JOIN elsewhere USING (initiative_id, measured_id, indicator, unit_kind, method, unit_measure)
    -- That a cluster has no figures is told once, and only where no cell that it is united with has some.
    QUALIFY indicator IS NOT NULL OR (
        count(indicator) OVER (PARTITION BY initiative_id, cluster_id) = 0
        AND row_number() OVER (PARTITION BY initiative_id, cluster_id ORDER BY measured_id) = 1
    )
),
of_cluster AS (
    SELECT *, CASE WHEN reason IS NULL THEN growth / comparison_growth - 1 END AS effect FROM compared
),
summed AS (
    SELECT
        CASE WHEN grouping(initiative_id) = 0 THEN 'programme' ELSE 'policy' END AS level_of_evaluation,
        coalesce(initiative_id, 'country:' || country_code) AS subject_id,
        country_code,
        initiative_id,
        level,
        category_set,
        indicator,
        unit_kind,
        method,
        unit_measure,
        count(DISTINCT cluster_id) AS clusters,
        count(DISTINCT cluster_id) FILTER (reason IS NULL) AS computable,
        sum(comparison_clusters) FILTER (reason IS NULL) AS comparison_clusters,
        median(effect) AS effect,
        mode(reason ORDER BY reason) FILTER (reason IS NOT NULL) AS most_frequent_reason
    FROM of_cluster
    WHERE country_code IS NOT NULL OR initiative_id IS NOT NULL
    GROUP BY GROUPING SETS (
        (initiative_id, country_code, level, category_set, indicator, unit_kind, method, unit_measure),
        (country_code, level, category_set, indicator, unit_kind, method, unit_measure)
    )
)
SELECT
    'cluster' AS level_of_evaluation,
    cluster_id AS subject_id,
    initiative_id,
    country_code,
    level,
    category_set,
    indicator,
    unit_kind,
    method,
    unit_measure,
    baseline_year,
    baseline,
    during,
    after,
    follow_up_year,
    follow_up,
    growth,
    comparison_growth,
    comparison_clusters,
    1 AS clusters,
    (reason IS NULL)::INTEGER AS computable,
    effect,
    reason,
    'A difference of growth is no proof of a cause: who was served was not drawn by lot.' AS caveat
FROM of_cluster
UNION ALL BY NAME
SELECT
    * EXCLUDE (most_frequent_reason),
    CASE WHEN computable = 0 THEN 'none of its clusters is computable, most often: ' || most_frequent_reason END AS reason,
    'The median over its clusters. A difference of growth is no proof of a cause.' AS caveat
FROM summed
UNION ALL BY NAME
SELECT
    'programme' AS level_of_evaluation,
    initiative_id AS subject_id,
    initiative_id,
    country_code,
    0 AS comparison_clusters,
    0 AS clusters,
    0 AS computable,
    'no cluster is linked to it' AS reason,
    'Most initiatives do not say which cluster they serve.' AS caveat
FROM initiatives
WHERE initiative_id NOT IN (SELECT initiative_id FROM served);
