-- Strength of cells by one method, us_2017 (Delgado, Porter, Stern 2016), in every feed that has the inputs, so that strong clusters of several countries stand side by side. Peers are the regions of the same level in the same feed and period, with employment, and establishments, of the same method and unit; they decide what is strong, so two feeds are comparable in this sense only. The location quotient has traded employment as its base, or is the published one where the feed has less than nine tenths of the categories of such a base. `strong_published` is the flag of the source, where it has one; the caveat says what was not applied.
CREATE VIEW cluster_strength AS
WITH cell AS (
    SELECT
        clusters.cluster_id,
        clusters.feed_id,
        clusters.name,
        clusters.region_id,
        region_level(clusters.region_id) AS level,
        clusters.country_code,
        clusters.category_id,
        clusters.hub_category_id,
        categories.scheme,
        categories.parent_category_id,
        category_set(clusters.category_id, categories.parent_category_id) AS category_set,
        coalesce(categories.traded, false) AS traded,
        coalesce(categories.traded AND categories.parent_category_id IS NULL, false) AS in_base
    FROM clusters
    LEFT JOIN categories USING (category_id)
    WHERE clusters.kind = 'cell' AND clusters.category_id IS NOT NULL AND clusters.region_id IS NOT NULL
        AND categories.traded IS NOT false
),
-- Feeds of one country: its cell is the reference, and no peer of anything.
national AS (
    SELECT feed_id, 'country:' || min(country_code) AS region_id
    FROM cell GROUP BY feed_id HAVING count(DISTINCT country_code) = 1
),
stated AS (
    SELECT cluster_id, time_period, indicator, unit_kind, method, unit_measure, obs_value, obs_status
    FROM observations
    WHERE indicator IN ('employment', 'establishments', 'location_quotient', 'specialisation', 'category_share', 'strong')
        AND unit_kind IN ('_Z', 'firms') AND obs_value IS NOT NULL
),
measured AS (
    SELECT
        cell.*,
        employment.time_period,
        employment.method AS employment_method,
        coalesce(employment.unit_measure, '') AS employment_unit,
        employment.obs_value AS employment,
        employment.obs_status,
        other.* EXCLUDE (cluster_id, time_period),
        cell.region_id = national.region_id AS is_reference
    FROM cell
    JOIN stated AS employment ON employment.cluster_id = cell.cluster_id AND employment.indicator = 'employment'
    LEFT JOIN (
        SELECT
            cluster_id,
            time_period,
            arg_min(obs_value, indicator || method) FILTER (indicator IN ('location_quotient', 'specialisation'))
                AS published_quotient,
            arg_min(method, indicator || method) FILTER (indicator IN ('location_quotient', 'specialisation'))
                AS quotient_method,
            arg_min(obs_value, method) FILTER (indicator = 'category_share') AS category_share,
            arg_min(obs_value, method) FILTER (indicator = 'strong') = 1 AS strong_published
        FROM stated
        GROUP BY ALL
    ) AS other ON other.cluster_id = employment.cluster_id AND other.time_period = employment.time_period
    LEFT JOIN national ON national.feed_id = cell.feed_id
),
-- Employment of the category in the reference area: its own cell, else what the feed's shares of it imply, else all peers.
reference AS (
    SELECT
        part.feed_id,
        part.level,
        part.category_id,
        part.time_period,
        part.employment_method,
        part.employment_unit,
        part.scheme,
        bool_and(part.in_base) AS in_base,
        coalesce(
            any_value(whole.employment),
            arg_max(part.employment / nullif(part.category_share, 0), part.employment)
                FILTER (part.category_share > 0 AND part.employment > 0)
        ) AS of_country,
        sum(part.employment::DECIMAL(18, 3))::DOUBLE AS of_peers
    FROM measured AS part
    LEFT JOIN measured AS whole
        ON whole.is_reference AND whole.feed_id = part.feed_id AND whole.category_id = part.category_id
        AND whole.time_period = part.time_period AND whole.employment_method = part.employment_method
        AND whole.employment_unit = part.employment_unit
    WHERE part.traded AND part.is_reference IS NOT true
    GROUP BY ALL
),
base AS (
    SELECT
        feed_id,
        level,
        scheme,
        time_period,
        employment_method,
        employment_unit,
        bool_and(of_country IS NOT NULL) AS has_country,
        sum(of_country::DECIMAL(18, 3))::DOUBLE AS of_country,
        sum(of_peers::DECIMAL(18, 3))::DOUBLE AS of_peers,
        count(*) AS categories,
        any_value(known.categories) AS known_categories
    FROM reference
    JOIN (
        SELECT scheme, count(*) AS categories
        FROM categories WHERE traded AND parent_category_id IS NULL GROUP BY scheme
    ) AS known USING (scheme)
    WHERE in_base
    GROUP BY ALL
),
region AS (
    SELECT
        feed_id,
        region_id,
        scheme,
        time_period,
        employment_method,
        employment_unit,
        sum(employment::DECIMAL(18, 3))::DOUBLE AS employment
    FROM measured WHERE in_base GROUP BY ALL
),
compared AS (
    SELECT
        measured.*,
        base.has_country,
        base.categories,
        base.known_categories,
        (measured.employment / nullif(region.employment, 0)) / nullif(
            CASE
                WHEN base.has_country THEN reference.of_country / nullif(base.of_country, 0)
                ELSE reference.of_peers / nullif(base.of_peers, 0)
            END,
            0
        ) AS traded_quotient,
        -- A base of a few categories is none, where quotients are published; one peer group never has both.
        measured.traded AND base.feed_id IS NOT NULL AND (
            base.categories >= 0.9 * base.known_categories
            OR count(measured.published_quotient) OVER (
                PARTITION BY measured.feed_id, level, measured.category_id, time_period, employment_method,
                    employment_unit
            ) = 0
        ) AS uses_base,
        CASE WHEN uses_base THEN traded_quotient ELSE published_quotient END AS location_quotient
    FROM measured
    LEFT JOIN region USING (feed_id, region_id, scheme, time_period, employment_method, employment_unit)
    LEFT JOIN reference USING (feed_id, level, category_id, time_period, employment_method, employment_unit)
    LEFT JOIN base USING (feed_id, level, scheme, time_period, employment_method, employment_unit)
    WHERE measured.is_reference IS NOT true
),
-- Establishments by each method that the feed has for the level and period.
counted AS (
    SELECT cluster_id, time_period, method AS establishments_method, arg_min(obs_value, unit_kind) AS establishments
    FROM stated
    WHERE indicator = 'establishments'
    GROUP BY ALL
),
counting AS (
    SELECT DISTINCT compared.feed_id, compared.level, counted.time_period, counted.establishments_method
    FROM compared JOIN counted USING (cluster_id, time_period)
),
peer AS (
    SELECT
        compared.*,
        coalesce(counting.establishments_method, '') AS establishments_method,
        counted.establishments
    FROM compared
    LEFT JOIN counting USING (feed_id, level, time_period)
    LEFT JOIN counted
        ON counted.cluster_id = compared.cluster_id AND counted.time_period = compared.time_period
        AND counted.establishments_method = counting.establishments_method
),
bounded AS (
    SELECT
        compared.*,
        peer.bounds,
        peer.peers,
        peer.with_establishments,
        us_2017_large(compared.employment, compared.establishments, peer.bounds) AS large
    FROM peer AS compared
    JOIN (
        SELECT
            feed_id,
            level,
            category_id,
            time_period,
            employment_method,
            employment_unit,
            establishments_method,
            us_2017_bounds(location_quotient, employment, establishments) AS bounds,
            count(*) FILTER (employment > 0) AS peers,
            count(establishments) FILTER (employment > 0) AS with_establishments
        FROM peer
        GROUP BY ALL
    ) AS peer USING (feed_id, level, category_id, time_period, employment_method, employment_unit, establishments_method)
)
SELECT
    cluster_id,
    name,
    country_code,
    region_id,
    level,
    category_id,
    category_set,
    hub_category_id,
    time_period,
    'us_2017' AS method,
    employment,
    establishments,
    location_quotient,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_strong(location_quotient, large, bounds) END
        AS strong,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_strong10(location_quotient, large, bounds) END
        AS strong10,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_significant(location_quotient, large, bounds) END
        AS significant,
    CASE WHEN location_quotient IS NOT NULL OR employment = 0 THEN us_2017_qualifying(location_quotient, large, bounds) END
        AS qualifying,
    peers,
    employment_method,
    nullif(employment_unit, '') AS employment_unit,
    nullif(establishments_method, '') AS establishments_method,
    strong_published,
    feed_id,
    nullif(
        concat_ws(
            ' ',
            CASE
                WHEN location_quotient IS NULL AND employment > 0
                    THEN 'No location quotient: the feed has neither a traded base nor a published one for this cell.'
                WHEN NOT uses_base AND employment > 0
                    THEN 'Location quotient as published (' || quotient_method || '): its base is not traded employment.'
                WHEN uses_base AND NOT has_country
                    THEN 'Reference: the sum of the regions of this level, for the feed has no figure of the whole area.'
            END,
            CASE WHEN NOT traded THEN 'Whether the category is traded is not known; the method is for such.' END,
            CASE
                WHEN category_set = 'eocic, emerging'
                    THEN 'Emerging industries overlap the other categories: the two are never to be added.'
                WHEN parent_category_id IS NOT NULL
                    THEN 'The category is a part of ' || parent_category_id || ', which may stand here too.'
            END,
            CASE
                WHEN uses_base AND categories < known_categories
                    THEN 'The base holds ' || categories || ' of ' || known_categories || ' traded categories.'
            END,
            CASE
                WHEN with_establishments = 0 AND peers > 0
                    THEN 'Establishments are not stated: their condition was not applied.'
                WHEN establishments IS NULL
                    THEN 'Establishments of this cell are not stated: their condition was not applied to it.'
            END,
            CASE obs_status
                WHEN 'E' THEN 'Employment is estimated or imputed.'
                WHEN 'P' THEN 'Employment is provisional.'
            END,
            CASE WHEN peers < 10 THEN 'Only ' || peers || ' regions have employment in this category.' END
        ),
        ''
    ) AS caveat
FROM bounded;
