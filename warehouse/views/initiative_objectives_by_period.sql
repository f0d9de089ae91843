-- How many initiatives of a feed that began in a decade state each objective; the row with a null objective counts those
-- that state none. An initiative with two objectives stands in both rows.
CREATE VIEW initiative_objectives_by_period AS
WITH silent AS (
    SELECT
        feed_id,
        count(*) AS initiatives,
        count(*) FILTER (len(coalesce(objectives, [])) = 0) AS without_objective
    FROM initiatives
    GROUP BY feed_id
)
SELECT
    stated.feed_id,
    stated.period,
    stated.objective,
    count(*) AS initiatives,
    'initiatives by the decade of their start date and by stated objective' AS method,
    silent.without_objective || ' of ' || silent.initiatives || ' initiatives of ' || stated.feed_id
        || ' state no objective; none is inferred.' AS caveat
FROM (
    SELECT
        feed_id,
        coalesce((year(start_date) // 10 * 10)::VARCHAR || 's', 'undated') AS period,
        unnest(CASE WHEN len(coalesce(objectives, [])) = 0 THEN [NULL] ELSE list_distinct(objectives) END) AS objective
    FROM initiatives
) AS stated
JOIN silent ON silent.feed_id = stated.feed_id
GROUP BY ALL
ORDER BY stated.feed_id, stated.period, stated.objective;
