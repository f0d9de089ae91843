-- in.observatory: rows of lists and profiles → clusters with what they state; schemes → initiatives; totals → claims.

-- One page stands at many addresses (http and https, with and without www), and may be saved of several times: of each
-- page the newest capture counts.
CREATE TABLE kept AS
SELECT page, arg_max(address, (captured, address)) AS address
FROM (
    SELECT page, address, captured FROM raw.clusters
    UNION ALL SELECT page, address, captured FROM raw.schemes
    UNION ALL SELECT page, address, captured FROM raw.totals
)
GROUP BY page;

-- Clusters ------------------------------------------------------------------------------------------------------------

CREATE TABLE entry AS
SELECT
    *,
    coalesce(state, section) AS state_text,
    array_to_string(list_filter(
        [slug(state_text), slug(coalesce(district, place)), slug(coalesce(product, cluster))],
        lambda part: part IS NOT NULL
    ), ':') AS own_key,
    'in.observatory:' || own_key AS cluster_id,
    coalesce(period_of(coalesce(year, period), fiscal := '04-01'), 'undated') AS time_period,
    no_cluster_but(concat_ws(' ', cluster, product, type)) AS refused,
    CASE WHEN is_profile THEN 'clusters/profile/' || own_key
        ELSE 'clusters/' || coalesce(slug(filtered), 'all') END AS partition
FROM raw.clusters SEMI JOIN kept USING (page, address);

-- Two rows of one cluster and period: the first stays. Where another tells something else, it stands in the quarantine.
CREATE TABLE own AS
SELECT
    *,
    row_number() OVER (
        PARTITION BY cluster_id, time_period, is_profile ORDER BY rejected, filtered IS NOT NULL, serial, address, locator
    ) AS nth,
    concat_ws('|', units, looms, artisans, employment, turnover) AS told
FROM entry WHERE refused IS NULL AND own_key <> '';

INSERT INTO quarantine_entries
SELECT
    'clusters', 'record', other.document_id, other.locator, NULL,
    other.cluster_id || ', ' || other.time_period || ': stated before as ' || first.told || ' (' || first.locator
        || '), here as ' || other.told,
    NULL
FROM own AS other
JOIN own AS first ON first.cluster_id = other.cluster_id AND first.time_period = other.time_period
    AND first.is_profile = other.is_profile AND first.nth = 1
WHERE other.nth > 1 AND other.told <> first.told AND NOT other.rejected;

CREATE TABLE wanted AS
SELECT DISTINCT clean(state_text) AS state, clean(district) AS district, clean(place) AS place FROM own;
CREATE TABLE found AS FROM placed_in_india('wanted');

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'india' AS source_id,
    coalesce(
        nullif(clean(cluster), ''),
        concat_ws(' ', clean(coalesce(own.district, own.place)), lower(clean(product)), 'cluster')
    ) AS name,
    'surveyed' AS kind,
    coalesce(found.region_id, found.state_id, 'country:IN') AS region_id,
    concat_ws(', ', clean(own.place), clean(own.district), clean(state_text)) AS place,
    'IN' AS country_code,
    nullif(clean(product), '') AS product,
    CASE
        WHEN regexp_matches(type, 'hand ?loom', 'i') THEN 'handloom'
        WHEN regexp_matches(type, 'handicraft|craft|artisan', 'i') THEN 'handicraft'
        WHEN regexp_matches(type, 'micro', 'i') THEN 'micro'
    END AS product_class,
    document_id,
    locator,
    partition,
    rejected AS confirm_only
FROM own
LEFT JOIN found ON found.state IS NOT DISTINCT FROM clean(state_text)
    AND found.district IS NOT DISTINCT FROM clean(own.district) AND found.place IS NOT DISTINCT FROM clean(own.place)
QUALIFY row_number() OVER (PARTITION BY cluster_id ORDER BY rejected, is_profile, nth, time_period) = 1
ORDER BY cluster_id;

-- Units are looms or artisans by the kind of cluster, where the label does not say which. What a row says more than once,
-- and what list and profile say, are statements of one figure: the profile's first.
CREATE TABLE statement AS
WITH told AS (
    SELECT
        cluster_id, time_period, is_profile, document_id, locator, partition, indicator, unit_kind, field, text, unit,
        rejected OR list_contains(rejected_fields, field) AS rejected
    FROM own, LATERAL (VALUES
        ('establishments', CASE
            WHEN regexp_matches(type, 'hand ?loom', 'i') THEN 'looms'
            WHEN regexp_matches(type, 'craft|artisan', 'i') THEN 'artisans'
            ELSE 'firms'
        END, 'units', units, units_unit, units_also),
        ('establishments', 'looms', 'looms', looms, looms_unit, looms_also),
        ('establishments', 'artisans', 'artisans', artisans, artisans_unit, artisans_also),
        ('employment', '_Z', 'employment', employment, employment_unit, employment_also),
        ('turnover', '_Z', 'turnover', turnover, turnover_unit, turnover_also)
    ) AS each(indicator, unit_kind, field, first_text, unit, also),
        LATERAL (SELECT unnest([first_text] || coalesce(also ->> '$[*].text', [])) AS text)
    WHERE nth = 1
)
SELECT
    *,
    row_number() OVER (
        PARTITION BY cluster_id, time_period, indicator, unit_kind
        ORDER BY usable DESC, is_profile DESC, field <> 'units' DESC, locator, text
    ) AS nth
FROM (
    SELECT *, coalesce(q.value IS NOT NULL OR q.low IS NOT NULL, false) AS usable
    FROM (
        SELECT *, quantity(clean(text), '.', unit := coalesce(unit, '')) AS q
        FROM told WHERE NOT is_nothing(text)
    )
);

CREATE TABLE measured AS
SELECT
    first.* EXCLUDE (q),
    CASE WHEN first.q.contradiction THEN settled(every.quantities) ELSE first.q END AS q
FROM statement AS first
JOIN (
    SELECT cluster_id, time_period, indicator, unit_kind, list(q ORDER BY nth) FILTER (q IS NOT NULL) AS quantities
    FROM statement GROUP BY ALL
) AS every USING (cluster_id, time_period, indicator, unit_kind)
WHERE first.nth = 1;

CREATE TABLE staged.observations AS
SELECT
    cluster_id, indicator, unit_kind, time_period, method_traded AS method,
    round(q.value, 2) AS obs_value,  -- paise
    CASE indicator WHEN 'turnover' THEN coalesce(q.unit_measure, fields.unit_measure::VARCHAR)
        WHEN 'establishments' THEN CASE unit_kind WHEN 'firms' THEN 'establishments' ELSE unit_kind END
        ELSE fields.unit_measure::VARCHAR END AS unit_measure,
    CASE WHEN q.value IS NULL THEN 'O' ELSE 'A' END AS obs_status,
    clean(text) AS value_text,
    q.qualifier AS qualifier,
    TRY_CAST(left(time_period, 4) || CASE WHEN contains(time_period, '/') THEN '-04-01' ELSE '-01-01' END AS DATE)
        AS period_start,
    (period_start + INTERVAL 1 YEAR - INTERVAL 1 DAY)::DATE AS period_end,
    document_id, locator, partition, rejected AS confirm_only
FROM measured
JOIN (SELECT * EXCLUDE (unit_kind) FROM fields WHERE "table" = 'observations') AS fields
    ON fields.target::VARCHAR = measured.indicator AND fields.field = measured.field
ORDER BY ALL;

INSERT INTO quarantine_entries
SELECT
    'clusters', 'value', document_id, locator, field,
    indicator || ': ' || text || ' says two things: ' || array_to_string(list_transform(q.readings, lambda reading: format('{:,.0f}', reading)), ' and ')
        || coalesce(' ' || q.unit_measure, ''),
    NULL
FROM measured WHERE q.contradiction AND q.value IS NULL
UNION ALL
SELECT
    'clusters', 'value', other.document_id, other.locator, other.field,
    other.indicator || ': ' || other.text || ' here, ' || first.text || ' at ' || first.locator || ', which counts',
    NULL
FROM statement AS other
JOIN measured AS first USING (cluster_id, time_period, indicator, unit_kind)
WHERE other.nth > 1 AND other.q.value <> first.q.value;

-- Schemes: the serial number is that of the row in the list, so their own words name them. ------------------------------

CREATE TABLE scheme AS
SELECT
    *,
    'in.observatory:scheme:' || concat_ws(':', slug(scheme), slug(institution)) AS initiative_id,
    row_number() OVER (PARTITION BY slug(scheme), slug(institution) ORDER BY rejected, serial, address) AS nth
FROM raw.schemes SEMI JOIN kept USING (page, address);

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    clean(scheme) AS title,
    'scheme' AS kind,
    'IN' AS country_code,
    nullif(clean(sector), '') AS sector_name,
    document_id, locator, 'schemes/all' AS partition, rejected AS confirm_only
FROM scheme WHERE nth = 1 AND initiative_id IS NOT NULL;

CREATE TABLE staged.initiative_organisations AS
SELECT
    initiative_id, 1 AS seq, clean(institution) AS organisation_name, 'accountable' AS role,
    document_id, locator, 'schemes/all' AS partition, rejected AS confirm_only
FROM scheme WHERE nth = 1 AND nullif(clean(institution), '') IS NOT NULL;

-- What the site says of itself: totals in words, and the number of rows of its list. -----------------------------------

CREATE TABLE staged.claims AS
SELECT
    'in.observatory:total:' || slug(subject) AS claim_id,
    arg_max(lower(clean(subject)), (captured, address, locator)) AS subject,
    'count' AS measure,
    arg_max(replace(count, ',', '')::DOUBLE, (captured, address, locator)) AS value,
    arg_max(
        CASE
            WHEN hedge IS NULL THEN 'exact'
            WHEN regexp_matches(hedge, 'more than|over|above|at least', 'i') THEN 'more_than'
            WHEN regexp_matches(hedge, 'less than|under|below|up ?to|at most', 'i') THEN 'less_than'
            ELSE 'about'
        END,
        (captured, address, locator)
    ) AS qualifier,
    'clusters' AS unit,
    'country:IN' AS scope,
    'Cluster Observatory, Foundation for MSME Clusters' AS stated_by,
    arg_max(document_id, (captured, address, locator)) AS document_id,
    arg_max(locator, (captured, address, locator)) AS locator,
    'totals/' || slug(subject) AS partition,
    false AS confirm_only
FROM raw.totals SEMI JOIN kept USING (page, address)
WHERE NOT rejected GROUP BY slug(subject)
UNION ALL
SELECT
    'in.observatory:total:listed', 'clusters that the list says it has', 'count', max(total), 'exact', 'rows', 'country:IN',
    'Cluster Observatory, Foundation for MSME Clusters', arg_max(document_id, (total, locator)),
    arg_max(locator, (total, locator)), 'clusters/all', false
FROM entry WHERE filtered IS NULL AND total IS NOT NULL AND NOT rejected HAVING count(*) > 0;

-- Completeness: a list has as many rows as it says, else as its highest serial number; a profile is one of one. ----------

CREATE TABLE completeness AS
SELECT
    partition, coalesce(max(total), max(serial), count(*)) AS expected,
    count(DISTINCT coalesce(serial::VARCHAR, address || locator)) FILTER (NOT rejected) AS found
FROM entry WHERE NOT is_profile GROUP BY partition
UNION ALL
SELECT coalesce(partition, 'clusters/profile/unreadable'), 1, CASE WHEN bool_and(NOT rejected) THEN 1 ELSE 0 END
FROM entry WHERE is_profile GROUP BY ALL
UNION ALL
SELECT
    'schemes/all', coalesce(max(total), max(serial)), count(DISTINCT serial) FILTER (NOT rejected)
FROM scheme HAVING count(*) > 0
UNION ALL
SELECT 'totals/' || slug(subject), 1, CASE WHEN bool_or(NOT rejected) THEN 1 ELSE 0 END
FROM raw.totals WHERE slug(subject) IS NOT NULL GROUP BY ALL;

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'no cluster but ' || refused AS what, count(*) AS records
FROM entry WHERE refused IS NOT NULL GROUP BY refused
UNION ALL
SELECT 'dropped', 'older or other captures of a page', count(*)
FROM raw.clusters ANTI JOIN kept USING (page, address) HAVING count(*) > 0
UNION ALL
SELECT 'dropped', 'rows that say the same again', count(*)
FROM own WHERE nth > 1 HAVING count(*) > 0
UNION ALL
SELECT 'dropped', 'schemes that are listed twice', count(*) FROM scheme WHERE nth > 1 HAVING count(*) > 0
UNION ALL
SELECT 'dropped', 'pages without clusters or schemes', count(*) FROM raw.other_pages HAVING count(*) > 0;

CREATE TABLE remarks AS FROM undecided('found');
