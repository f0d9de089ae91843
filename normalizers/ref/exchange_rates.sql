-- ref.exchange_rates: the list that we ship → exchange_rates.

CREATE TABLE staged.exchange_rates AS
SELECT
    currency,
    time_period,
    rate_usd,
    days,
    'mean over the days of the period of (USD per EUR) / (units per EUR)' AS basis,
    'European Central Bank, euro foreign exchange reference rates' AS citation,
    document_id,
    locator,
    'rates' AS partition,
    rejected AS confirm_only
FROM raw.rates;

-- A year of which a currency has the average has all its months too, with as many days.
CREATE TABLE completeness AS
SELECT
    'rates' AS partition,
    count(*) AS expected,
    count(*) FILTER (
        length(time_period) = 7 OR days = (
            SELECT sum(month.days) FROM raw.rates AS month
            WHERE month.currency = rate.currency AND starts_with(month.time_period, rate.time_period || '-')
        )
    ) AS found
FROM raw.rates AS rate
HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
