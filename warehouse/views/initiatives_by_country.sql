-- Initiatives that support clusters, by country, feed, kind and level: how many, since when, and the money that they state, net and gross in USD. Null stands for what is not stated. Feeds are not added: one award may stand in two (`links`).
CREATE VIEW initiatives_by_country AS
WITH same AS (
    SELECT from_id AS initiative_id FROM links WHERE relation = 'same_as'
    UNION
    SELECT to_id FROM links WHERE relation = 'same_as'
)
SELECT
    country_code,
    feed_id,
    kind,
    level,
    count(*) AS initiatives,
    count(*) FILTER (status IS NOT NULL) AS with_status,
    min(year(start_date)) AS first_year,
    max(year(start_date)) AS last_year,
    count(commitment_usd_net) AS with_commitment,
    sum(commitment_usd_net::DECIMAL(18, 2))::DOUBLE AS commitment_usd_net,
    sum(commitment_usd_gross::DECIMAL(18, 2))::DOUBLE AS commitment_usd_gross,
    'rows of initiatives of one feed; money = the sum of the commitments in USD that are stated' AS method,
    concat_ws(
        ' ',
        count(*) - count(commitment_usd_net) || ' of ' || count(*) || ' state no net commitment.',
        CASE WHEN country_code IS NULL THEN 'No country, or several.' END,
        CASE
            WHEN count(*) FILTER (initiative_id IN (SELECT initiative_id FROM same)) > 0
                THEN count(*) FILTER (initiative_id IN (SELECT initiative_id FROM same))
                    || ' of them stand in another row or feed too.'
        END
    ) AS caveat
FROM initiatives
GROUP BY country_code, feed_id, kind, level;
