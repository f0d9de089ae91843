-- Observations in money, each with its value in USD at the average rate of its period: that of the year or month where one is stated, else the average over the months of the period, such as a fiscal year. `value_usd` is null where `reason` says why. Values of different methods, indicators or unit kinds are not comparable, in USD or not; nothing is added here, and no price level is taken out.
CREATE VIEW observations_usd AS
WITH money AS (
    SELECT
        *,
        split_part(unit_measure, '/', 1) AS currency,
        CASE WHEN regexp_full_match(time_period, '[0-9]{4}') THEN make_date(time_period::INTEGER, 1, 1) ELSE period_start END
            AS first_day,
        CASE WHEN regexp_full_match(time_period, '[0-9]{4}') THEN make_date(time_period::INTEGER, 12, 31) ELSE period_end END
            AS last_day
    FROM observations
    WHERE regexp_full_match(unit_measure, '[A-Z]{3}(/[a-z]+)?')
),
span AS (
    SELECT
        period.currency,
        period.first_day,
        period.last_day,
        sum(month.rate_usd * month.days ORDER BY month.time_period) / sum(month.days) AS rate,
        count(month.time_period) = datediff('month', period.first_day, period.last_day) + 1 AS whole
    FROM (SELECT DISTINCT currency, first_day, last_day FROM money) AS period
    JOIN exchange_rates AS month
        ON month.currency = period.currency AND length(month.time_period) = 7
        AND month.time_period BETWEEN strftime(period.first_day, '%Y-%m') AND strftime(period.last_day, '%Y-%m')
    WHERE day(period.first_day) = 1 AND period.last_day = last_day(period.last_day)
    GROUP BY period.currency, period.first_day, period.last_day
),
held AS (
    SELECT currency, min(time_period) AS since, max(time_period) AS until
    FROM exchange_rates WHERE length(time_period) = 7 GROUP BY currency
),
rated AS (
    SELECT
        money.*,
        CASE
            WHEN money.currency = 'USD' THEN 1
            ELSE coalesce(stated.rate_usd, CASE WHEN span.whole THEN span.rate END)
        END AS rate,
        held.since,
        held.until
    FROM money
    LEFT JOIN exchange_rates AS stated
        ON stated.currency = money.currency AND stated.time_period = money.time_period
    LEFT JOIN span
        ON span.currency = money.currency AND span.first_day = money.first_day AND span.last_day = money.last_day
    LEFT JOIN held ON held.currency = money.currency
)
SELECT
    cluster_id,
    indicator,
    unit_kind,
    time_period,
    method,
    feed_id,
    obs_value,
    unit_measure,
    obs_value * rate AS value_usd,
    regexp_replace(unit_measure, '^[A-Z]{3}', 'USD') AS unit_usd,
    rate,
    CASE
        WHEN currency = 'USD' OR rate IS NULL THEN NULL
        WHEN regexp_full_match(time_period, '[0-9]{4}(-[0-9]{2})?') THEN time_period
        ELSE strftime(first_day, '%Y-%m') || '/' || strftime(last_day, '%Y-%m')
    END AS rate_period,
    obs_status,
    qualifier,
    CASE
        WHEN obs_value IS NULL THEN 'no value (status ' || obs_status || ')'
        WHEN rate IS NOT NULL THEN NULL
        WHEN since IS NULL THEN 'no rates of ' || currency || ' are held'
        WHEN first_day IS NULL OR last_day IS NULL THEN 'the period is not known: ' || time_period
        WHEN day(first_day) <> 1 OR last_day <> last_day(last_day) THEN 'the period is not made of whole months'
        ELSE 'no rate of ' || currency || ' for all of ' || time_period || ': rates are held from ' || since || ' to ' || until
    END AS reason,
    concat_ws(
        ' ',
        'At the average rate of the period; prices differ between countries and years.',
        CASE obs_status
            WHEN 'E' THEN 'The value is estimated or imputed.'
            WHEN 'P' THEN 'The value is provisional.'
        END
    ) AS caveat
FROM rated;
