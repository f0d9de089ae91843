-- The typology of the founding paper, measured: one row per cluster, dimension (spread, density, breadth, depth, performance) and method of the figures that it rests on, each with a value, a class with its rule, or the reason why there is none. Of each feed, method and level of regions the newest period is read. A cluster is what a rule accepts in its newest period; beside them stand latent cells, which no rule accepts yet. Peers are cells of one feed, category, level, period, method and unit, at least five; `measure` says what the value is. Values of two dimensions, methods or levels are not comparable.
CREATE VIEW cluster_structure AS
WITH placed AS (
    SELECT
        cluster_id,
        feed_id,
        kind,
        country_code,
        region_id,
        region_level(region_id) AS level,
        -- Cells are compared in the classes of their feed; what was surveyed has none of its own as a rule.
        CASE WHEN kind = 'cell' THEN category_id ELSE coalesce(hub_category_id, category_id) END AS category_id,
        coalesce(hub_category_id, CASE WHEN starts_with(category_id, 'bcd:') THEN category_id END) AS hub_category_id
    FROM clusters
),
answered AS (
    SELECT placed.*, answer.rule_id, answer.is_cluster
    FROM cluster_identification AS answer
    JOIN placed USING (cluster_id)
    WHERE answer.is_cluster IS NOT NULL
    QUALIFY answer.time_period
        = max(answer.time_period) OVER (PARTITION BY answer.feed_id, answer.rule_id, placed.country_code)
),
measured AS (
    SELECT
        placed.*,
        fact.indicator,
        fact.unit_kind,
        fact.method,
        fact.unit_measure,
        fact.time_period,
        fact.obs_value,
        fact.obs_status,
        fact.time_period = max(fact.time_period) OVER (
            PARTITION BY placed.feed_id, placed.level, placed.kind, fact.indicator, fact.unit_kind, fact.method,
                fact.unit_measure, CASE WHEN placed.kind = 'cell' THEN NULL ELSE placed.cluster_id END
        ) AS is_newest
    FROM observations AS fact
    JOIN placed USING (cluster_id)
    WHERE fact.obs_value IS NOT NULL
        AND (fact.indicator = 'establishments' OR (fact.indicator = 'employment' AND fact.unit_kind = '_Z'))
),
employment AS (FROM measured WHERE indicator = 'employment' AND is_newest),


-- Growth from the first to the newest period of one method, beside the median growth of the peers.
series AS (
    SELECT feed_id, level, method, unit_measure, min(time_period) AS first_period, max(time_period) AS last_period
    FROM measured
    WHERE indicator = 'employment' AND kind = 'cell'
    GROUP BY ALL
),
grown AS (
    SELECT
        measured.cluster_id,
        measured.feed_id,
        measured.level,
        measured.category_id,
        measured.method,
        measured.unit_measure,
        first_period,
        last_period,
        bool_or(obs_status = 'B' AND time_period > first_period) AS is_broken,
        max(obs_value) FILTER (time_period = last_period)
            / nullif(max(obs_value) FILTER (time_period = first_period), 0) AS growth
    FROM measured
    JOIN series USING (feed_id, level, method, unit_measure)
    WHERE indicator = 'employment' AND kind = 'cell'
    GROUP BY ALL
),
pace AS (
    SELECT
        *,
        median(CASE WHEN is_broken THEN NULL ELSE growth END) OVER peers AS peer_growth,
        count(CASE WHEN is_broken THEN NULL ELSE growth END) OVER peers AS peers,
        CASE WHEN first_period < last_period AND NOT is_broken AND peers >= 5 THEN growth / nullif(peer_growth, 0) END
            AS to_median
    FROM grown
    WINDOW peers AS (PARTITION BY feed_id, level, category_id, method, unit_measure)
),
-- More than the expected employment, by a quotient that the feed states.
quotient AS (
    SELECT DISTINCT cluster_id, true AS is_above
    FROM (
        SELECT cluster_id, obs_value, time_period = max(time_period) OVER (PARTITION BY cluster_id, indicator, method)
            AS is_newest
        FROM observations
        WHERE indicator IN ('location_quotient', 'specialisation') AND unit_kind = '_Z' AND obs_value IS NOT NULL
    )
    WHERE is_newest AND obs_value > 1
),
target AS (
    SELECT placed.*, answers.accepted, coalesce(quotient.is_above, false) AS is_above
    FROM placed
    JOIN (SELECT cluster_id, bool_or(is_cluster) AS accepted FROM answered GROUP BY cluster_id) AS answers
        USING (cluster_id)
    LEFT JOIN quotient USING (cluster_id)
    WHERE answers.accepted OR (
        placed.kind = 'cell' AND cluster_id IN (
            SELECT cluster_id FROM pace JOIN quotient USING (cluster_id)
            WHERE structure_performance(to_median, false, is_above) = 'latent'
        )
    )
),

-- Parts of a region: those that name it as their parent, or that it names as members.
part AS (
    SELECT parent_region_id AS region_id, region_id AS part_id FROM regions WHERE parent_region_id IS NOT NULL
    UNION
    SELECT region_id, unnest(member_region_ids) FROM regions
),
-- Made first, for DuckDB 1.5 would pair all cells of a category, and look at the regions last.
whole AS MATERIALIZED (
    SELECT employment.*, part.part_id, region_level(part.part_id) AS part_level
    FROM employment
    JOIN target USING (cluster_id)
    JOIN part ON part.region_id = employment.region_id
    WHERE employment.kind = 'cell'
),
spread AS (
    SELECT
        whole.cluster_id,
        whole.method,
        whole.unit_measure,
        whole.part_level,
        any_value(known.parts) AS parts,
        max(inner_cell.obs_value) / nullif(sum(inner_cell.obs_value::DECIMAL(18, 3))::DOUBLE, 0) AS top_share,
        sum(inner_cell.obs_value::DECIMAL(18, 3))::DOUBLE / nullif(any_value(whole.obs_value), 0) AS covered
    FROM whole
    JOIN measured AS inner_cell
        ON inner_cell.region_id = whole.part_id AND inner_cell.feed_id = whole.feed_id
        AND inner_cell.category_id = whole.category_id AND inner_cell.kind = 'cell'
        AND inner_cell.indicator = 'employment' AND inner_cell.method = whole.method
        AND inner_cell.unit_measure = whole.unit_measure AND inner_cell.time_period = whole.time_period
    JOIN (SELECT region_id, region_level(part_id) AS level, count(*) AS parts FROM part GROUP BY ALL) AS known
        ON known.region_id = whole.region_id AND known.level = whole.part_level
    GROUP BY whole.cluster_id, whole.method, whole.unit_measure, whole.part_level
    -- Of several levels of parts the one that holds most nearly all of the region.
    QUALIFY row_number() OVER (
        PARTITION BY whole.cluster_id, whole.method, whole.unit_measure ORDER BY abs(covered - 1), whole.part_level
    ) = 1
),

establishments AS (
    SELECT
        *,
        median(nullif(obs_value, 0)) OVER peers AS peer_median,
        count(nullif(obs_value, 0)) OVER peers AS peers
    FROM measured
    WHERE indicator = 'establishments' AND is_newest
    WINDOW peers AS (PARTITION BY feed_id, kind, level, category_id, unit_kind, method, unit_measure, time_period)
),

-- The stricter form of a rule would only tell less of what is around, and a text names what it is about.
around AS (FROM answered WHERE NOT starts_with(rule_id, 'us.strong10.') AND rule_id <> 'paper.documented'),
related AS (
    SELECT DISTINCT from_category_id AS hub_category_id, to_category_id AS related_id
    FROM category_mappings
    WHERE relation = 'relatedMatch' AND starts_with(from_category_id, 'bcd:') AND starts_with(to_category_id, 'bcd:')
        AND from_category_id <> to_category_id
),
breadth AS (
    SELECT
        self.cluster_id,
        self.rule_id,
        count(DISTINCT related.related_id) AS known,
        count(DISTINCT other.hub_category_id) AS present
    FROM around AS self
    JOIN target USING (cluster_id)
    LEFT JOIN related ON related.hub_category_id = self.hub_category_id
    LEFT JOIN (
        SELECT DISTINCT region_id, feed_id, rule_id, hub_category_id FROM around WHERE is_cluster
    ) AS other
        ON other.region_id = self.region_id AND other.feed_id = self.feed_id AND other.rule_id = self.rule_id
        AND other.hub_category_id = related.related_id
    GROUP BY self.cluster_id, self.rule_id
),

subcluster AS (
    SELECT parent_category_id AS category_id, category_id AS subcluster_id
    FROM categories WHERE parent_category_id IS NOT NULL
),
-- Feeds that state subclusters at all, by method, period and level.
with_subclusters AS (
    SELECT DISTINCT employment.feed_id, employment.level, employment.method, employment.time_period
    FROM employment JOIN subcluster ON subcluster.subcluster_id = employment.category_id
),
depth AS (
    SELECT
        whole.cluster_id,
        whole.method,
        whole.unit_measure,
        count(DISTINCT subcluster.subcluster_id) AS known,
        count(DISTINCT inner_cell.category_id) AS present
    FROM employment AS whole
    JOIN with_subclusters USING (feed_id, level, method, time_period)
    JOIN target USING (cluster_id)
    JOIN subcluster ON subcluster.category_id = whole.category_id
    LEFT JOIN employment AS inner_cell
        ON inner_cell.category_id = subcluster.subcluster_id AND inner_cell.region_id = whole.region_id
        AND inner_cell.feed_id = whole.feed_id AND inner_cell.method = whole.method
        AND inner_cell.unit_measure = whole.unit_measure AND inner_cell.time_period = whole.time_period
        AND inner_cell.obs_value > 0
    GROUP BY whole.cluster_id, whole.method, whole.unit_measure
),
support AS (
    SELECT to_id AS cluster_id, count(DISTINCT from_id) AS organisations
    FROM links
    JOIN organisations ON organisation_id = from_id
    WHERE relation IN ('serves', 'supports', 'member_of') AND coalesce(starts_with(decision, 'accepted'), true)
    GROUP BY to_id
),

told AS (
    SELECT
        target.cluster_id,
        'spread' AS dimension,
        CASE WHEN covered BETWEEN 0.8 AND 1.2 AND parts > 1 THEN top_share END AS value,
        structure_spread(value) AS class,
        'structure.spread.top_share' AS rule_id,
        'share of the employment of the parts of the region that its greatest part has' AS measure,
        employment.method,
        '_Z' AS unit_kind,
        employment.unit_measure,
        employment.time_period,
        parts AS n,
        CASE
            WHEN target.kind <> 'cell' THEN 'no employment by parts of its region is known: it was surveyed or documented'
            WHEN employment.cluster_id IS NULL THEN 'no employment in the newest period'
            WHEN spread.cluster_id IS NULL THEN 'the feed has no figures of parts of the region'
            WHEN parts = 1 THEN 'the region has one part only'
            WHEN covered IS NULL THEN 'the cell has no employment'
            WHEN value IS NULL
                THEN 'the parts hold ' || round(100 * covered)::BIGINT || ' % of the employment of the region, not 80 to 120 %'
        END AS reason
    FROM target
    LEFT JOIN employment ON employment.cluster_id = target.cluster_id AND employment.kind = 'cell'
    LEFT JOIN spread
        ON spread.cluster_id = employment.cluster_id AND spread.method = employment.method
        AND spread.unit_measure IS NOT DISTINCT FROM employment.unit_measure
    UNION ALL
    SELECT
        target.cluster_id,
        'density',
        CASE WHEN peers >= 5 THEN obs_value / peer_median END AS value,
        structure_density(value),
        'structure.density.median',
        'establishments over the median of the regions of the level that have some in the category',
        establishments.method,
        establishments.unit_kind,
        establishments.unit_measure,
        establishments.time_period,
        peers,
        CASE
            WHEN establishments.cluster_id IS NULL THEN 'establishments are not stated in the newest period'
            WHEN establishments.category_id IS NULL OR establishments.level IS NULL
                THEN 'its category or its region is not known'
            WHEN peers < 5 THEN 'only ' || peers || ' of the level have establishments in the category'
        END
    FROM target
    LEFT JOIN establishments ON establishments.cluster_id = target.cluster_id
    UNION ALL
    SELECT
        target.cluster_id,
        'breadth',
        CASE WHEN known > 0 AND target.region_id IS NOT NULL THEN present END::DOUBLE AS value,
        structure_breadth(value),
        'structure.breadth.related',
        'related categories that the rule accepts in the region',
        breadth.rule_id,
        '_Z',
        'categories',
        NULL,
        known,
        CASE
            WHEN breadth.cluster_id IS NULL THEN 'no rule that says what is around answers for it'
            WHEN target.hub_category_id IS NULL THEN 'its category in the hub is not known'
            WHEN target.region_id IS NULL THEN 'its region is not known'
            WHEN known = 0 THEN 'no feed of this release says which categories are related to ' || target.hub_category_id
        END
    FROM target
    LEFT JOIN breadth ON breadth.cluster_id = target.cluster_id
    UNION ALL
    SELECT
        target.cluster_id,
        'depth',
        depth.present / depth.known AS value,
        structure_depth(value),
        'structure.depth.subclusters',
        'share of the subclusters of the category with employment in the region',
        employment.method,
        '_Z',
        employment.unit_measure,
        employment.time_period,
        depth.known,
        CASE
            WHEN employment.cluster_id IS NULL THEN 'no employment in the newest period'
            WHEN depth.cluster_id IS NULL THEN 'the feed has no figures of subclusters of the category'
        END
    FROM target
    LEFT JOIN employment ON employment.cluster_id = target.cluster_id
    LEFT JOIN depth
        ON depth.cluster_id = employment.cluster_id AND depth.method = employment.method
        AND depth.unit_measure IS NOT DISTINCT FROM employment.unit_measure
    WHERE target.kind = 'cell'
    UNION ALL
    SELECT
        target.cluster_id,
        'depth',
        support.organisations::DOUBLE AS value,
        structure_support(value),
        'structure.depth.support',
        'organisations that are linked to it as serving, supporting or being a member of it',
        'links',
        '_Z',
        'organisations',
        NULL,
        NULL,
        CASE
            WHEN support.cluster_id IS NULL THEN 'no organisation is linked to it, which need not mean that there is none'
        END
    FROM target
    LEFT JOIN support ON support.cluster_id = target.cluster_id
    WHERE target.kind <> 'cell'
    UNION ALL
    SELECT
        target.cluster_id,
        'performance',
        to_median AS value,
        structure_performance(value, target.accepted, target.is_above),
        'structure.performance.growth',
        concat_ws(', ', 'growth of employment over the median growth of the peers', first_period || ' to ' || last_period),
        pace.method,
        '_Z',
        pace.unit_measure,
        last_period,
        peers,
        CASE
            WHEN pace.cluster_id IS NULL THEN 'no employment is stated'
            WHEN first_period = last_period THEN 'employment of one period only: ' || last_period
            WHEN is_broken THEN 'the series breaks between ' || first_period || ' and ' || last_period
            WHEN growth IS NULL THEN 'no employment in both ' || first_period || ' and ' || last_period
            WHEN peers < 5 THEN 'only ' || peers || ' of the level have employment in both periods'
            WHEN to_median IS NULL THEN 'the peers have no growth to compare with'
            WHEN structure_performance(to_median, target.accepted, target.is_above) IS NULL THEN 'it grows as its peers do'
        END
    FROM target
    LEFT JOIN pace ON pace.cluster_id = target.cluster_id
)
SELECT
    told.cluster_id,
    target.feed_id,
    target.kind,
    target.country_code,
    target.region_id,
    target.level,
    target.category_id,
    target.hub_category_id,
    target.accepted,
    told.* EXCLUDE (cluster_id),
    concat_ws(
        ' ',
        'The bounds of the class are ours; the founding paper names classes and gives no figures.',
        CASE WHEN NOT target.accepted THEN 'A latent cell: no rule accepts it.' END,
        CASE WHEN told.dimension = 'spread' THEN 'Parts may be suppressed or estimated.' END,
        CASE WHEN told.dimension = 'depth' AND target.kind <> 'cell' THEN 'Only organisations that a feed lists are counted.' END,
        CASE WHEN told.dimension = 'performance' THEN 'Growth over few years says little.' END
    ) AS caveat
FROM told
JOIN target USING (cluster_id);
