-- How near what is rebuilt from Census data comes to what the U.S. Cluster Mapping Project published, by indicator, level and pair of methods; n = 0 where both have no value in common.
CREATE VIEW us_rebuild_report AS
SELECT
    indicator,
    level,
    observed_method,
    rebuilt_method,
    unit_kind,
    unit_measure,
    coalesce(n, 0) AS n,
    correlation,
    median_relative_difference,
    share_within_5_percent,
    flags_alike,
    CASE
        WHEN coalesce(n, 0) = 0 THEN 'No value in common.'
        ELSE 'Differences of method; states, areas and counties contain each other, so levels are not to be added.'
    END AS caveat
FROM (
    SELECT indicator, level, 100 * indicator_order + level_order AS place
    FROM
        (
            SELECT *
            FROM (
                VALUES
                (1, 'employment'), (2, 'employment_reported'), (3, 'establishments'), (4, 'payroll_annual'),
                (5, 'payroll_first_quarter'), (6, 'wage_average'), (7, 'location_quotient'), (8, 'region_share'),
                (9, 'category_share'), (10, 'qualifying'), (11, 'significant'), (12, 'strong'), (13, 'strong10')
            ) AS listed (indicator_order, indicator)
        ),
        (
            SELECT *
            FROM (VALUES (1, 'country'), (2, 'state'), (3, 'economic'), (4, 'msa'), (5, 'county'))
                AS listed (level_order, level)
        )
) AS wanted
LEFT JOIN (
    SELECT
        indicator,
        level,
        observed_method,
        rebuilt_method,
        unit_kind,
        unit_measure,
        count(*) AS n,
        -- There is none where all values of one side are equal, as every quotient of the country is 1.
        CASE WHEN bool_or(unit_measure <> 'boolean') AND isfinite(corr(rebuilt, observed)) THEN corr(rebuilt, observed)
        END AS correlation,
        CASE WHEN bool_or(unit_measure <> 'boolean') THEN median(relative_difference) END AS median_relative_difference,
        CASE
            WHEN bool_or(unit_measure <> 'boolean') THEN avg((abs(difference) <= 0.05 * abs(observed))::INTEGER)
        END AS share_within_5_percent,
        CASE WHEN bool_and(unit_measure = 'boolean') THEN avg((rebuilt = observed)::INTEGER) END AS flags_alike
    FROM us_observed_vs_rebuilt
    GROUP BY ALL
) AS compared USING (indicator, level)
ORDER BY place, observed_method, rebuilt_method;
