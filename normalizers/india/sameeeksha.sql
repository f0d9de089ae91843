-- in.sameeeksha: profiles → clusters and what they state: units, employment, turnover, energy.

-- Copies of one article stand at many addresses: the newest counts.
CREATE TABLE copy AS
SELECT
    *,
    'in.sameeeksha:' || coalesce(article, slug(heading)) AS cluster_id,
    no_cluster_but(heading) AS refused,
    row_number() OVER (PARTITION BY cluster_id ORDER BY rejected, captured DESC, address) = 1 AS newest
FROM raw.profiles;

CREATE TABLE profile AS
SELECT *, 'profiles/' || replace(cluster_id, 'in.sameeeksha:', '') AS partition
FROM copy WHERE newest AND refused IS NULL AND cluster_id IS NOT NULL;

-- A heading names the place first, in one word or in several, and then the product: the longest beginning that is a place
-- of the stated state.
CREATE TABLE beginning AS
SELECT cluster_id, state, array_to_string(words[:size], ' ') AS place, size
FROM (SELECT cluster_id, state, string_split(clean(name), ' ') AS words FROM profile),
    range(1, 4) AS sizes(size)
WHERE size <= len(words);

CREATE TABLE wanted AS SELECT DISTINCT state, NULL::VARCHAR AS district, place FROM beginning;
CREATE TABLE found AS FROM placed_in_india('wanted');

CREATE TABLE located AS
SELECT
    cluster_id,
    beginning.place,
    NULL AS district,
    found.state,
    coalesce(found.region_id, found.state_id, 'country:IN') AS region_id,
    found.outcome, found.why, found.candidates
FROM beginning
JOIN found ON found.state IS NOT DISTINCT FROM beginning.state AND found.place = beginning.place
QUALIFY row_number() OVER (
    PARTITION BY cluster_id
    ORDER BY CASE found.outcome WHEN 'matched' THEN 0 WHEN 'ambiguous' THEN 1 ELSE 2 END,
        CASE WHEN found.outcome = 'unmatched' THEN size ELSE -size END
) = 1;

CREATE TABLE staged.clusters AS
SELECT
    cluster_id,
    'india' AS source_id,
    clean(heading) AS name,
    'surveyed' AS kind,
    region_id,
    concat_ws(', ', CASE WHEN outcome = 'unmatched' THEN NULL ELSE place END, clean(profile.state)) AS place,
    'IN' AS country_code,
    nullif(clean(products), '') AS product,
    CASE WHEN lower(clean(energy_level)) IN ('high', 'very high') THEN ['energy_intensive'] END AS themes,
    CASE WHEN article IS NOT NULL
        THEN 'https://sameeeksha.org/index.php?option=com_content&view=article&id=' || article END AS source_url,
    document_id,
    locator,
    partition,
    rejected AS confirm_only
FROM profile LEFT JOIN located USING (cluster_id);

-- What stands beside a label, each of its statements, and what the prose says. USD in brackets repeat what stands in INR;
-- a sum's parts in brackets are no second reading of it.
CREATE TABLE cell AS (
    SELECT cluster_id, 'establishments' AS indicator, 'units' AS field, units AS text, units_unit AS unit FROM profile
    UNION ALL SELECT cluster_id, 'establishments', 'units', unnest(units_also ->> '$[*].text'), '' FROM profile
    UNION ALL SELECT cluster_id, 'establishments', 'units_said', units_said, '' FROM profile
    UNION ALL SELECT cluster_id, 'employment', 'employment', employment, employment_unit FROM profile
    UNION ALL SELECT cluster_id, 'employment', 'employment', unnest(employment_also ->> '$[*].text'), '' FROM profile
    UNION ALL SELECT cluster_id, 'employment', 'employment_said', employment_said, '' FROM profile
    UNION ALL SELECT cluster_id, 'turnover', 'turnover', turnover, turnover_unit FROM profile
    UNION ALL SELECT cluster_id, 'turnover', 'turnover', unnest(turnover_also ->> '$[*].text'), '' FROM profile
    -- `5.28 million tonnes per year; about Rs 100 billion (USD 2.2 billion)`: the part that is money.
    UNION ALL SELECT cluster_id, 'turnover', 'production', unnest(string_split(production, ';')), '' FROM profile
    UNION ALL SELECT cluster_id, 'turnover', 'turnover_said', turnover_said, '' FROM profile
    UNION ALL SELECT cluster_id, 'energy_consumption', 'energy', energy, energy_unit FROM profile
    UNION ALL SELECT cluster_id, 'energy_consumption', 'energy', unnest(energy_also ->> '$[*].text'), 'toe' FROM profile
);

CREATE TABLE statement AS
SELECT
    cluster_id, indicator, field, clean(text) AS text, ends_with(field, '_said') AS said,
    quantity(
        clean(regexp_replace(
            regexp_replace(clean(text), '\((including|incl|usd|us\$)[^()]*\)|\btoe\b', '', 'gi'),
            '\((i\.e\.|that is) ', '(', 'gi'
        )),
        '.', unit := coalesce(nullif(lower(unit), 'toe'), '')
    ) AS q
FROM cell
WHERE NOT is_nothing(text)
    AND (field <> 'production' OR regexp_matches(text, '\b(rs|inr|rupees?|crores?|lakhs?|lacs?)\b|₹|`', 'i'));

-- The label counts, where it says something that can be read; else the prose. What contradicts itself is settled by the
-- other, or by nothing.
CREATE TABLE measured AS
SELECT
    cluster_id, indicator,
    CASE WHEN beside.usable OR said.text IS NULL THEN beside.text ELSE said.text END AS text,
    CASE WHEN beside.usable OR said.text IS NULL THEN beside.field ELSE said.field END AS field,
    CASE
        WHEN beside.usable OR said.text IS NULL THEN beside.q
        WHEN beside.q.contradiction THEN settled([beside.q, said.q])
        ELSE said.q
    END AS q
FROM (
    SELECT *, coalesce(q.value IS NOT NULL OR q.low IS NOT NULL, false) AS usable
    FROM statement WHERE NOT said
    QUALIFY row_number() OVER (PARTITION BY cluster_id, indicator ORDER BY usable DESC, field DESC, text) = 1
) AS beside
FULL JOIN (FROM statement WHERE said) AS said USING (cluster_id, indicator);

CREATE TABLE staged.observations AS
SELECT
    cluster_id, indicator, unit_kind, time_period, method_traded AS method,
    round(q.value, 2) AS obs_value,  -- paise
    CASE indicator WHEN 'turnover' THEN coalesce(q.unit_measure, unit_measure::VARCHAR) ELSE unit_measure::VARCHAR END
        AS unit_measure,
    CASE WHEN q.value IS NULL THEN 'O' ELSE 'A' END AS obs_status,
    text AS value_text,
    q.qualifier AS qualifier,
    TRY_CAST(left(time_period, 4) || CASE WHEN contains(time_period, '/') THEN '-04-01' ELSE '-01-01' END AS DATE)
        AS period_start,
    (period_start + INTERVAL 1 YEAR - INTERVAL 1 DAY)::DATE AS period_end,
    document_id, locator, partition,
    rejected OR list_contains(rejected_fields, measured.field) AS confirm_only
FROM measured
JOIN (
    SELECT *, coalesce(period_of(year, fiscal := '04-01'), 'undated') AS time_period FROM profile
) AS profile USING (cluster_id)
JOIN fields ON fields."table" = 'observations' AND fields.target::VARCHAR = measured.indicator AND fields.field = measured.field
ORDER BY ALL;

INSERT INTO quarantine_entries
SELECT
    'profiles', 'value', document_id, locator, field,
    indicator || ': ' || text || ' says two things: ' || array_to_string(list_transform(q.readings, lambda reading: format('{:,.0f}', reading)), ' and ')
        || coalesce(' ' || q.unit_measure, ''),
    NULL
FROM measured JOIN profile USING (cluster_id) WHERE q.contradiction AND q.value IS NULL;

-- Each article is a part of its own.
CREATE TABLE completeness AS
WITH page AS (
    SELECT partition, bool_and(NOT rejected) AS good FROM profile GROUP BY partition
)
SELECT partition, 1 AS expected, CASE WHEN good THEN 1 ELSE 0 END AS found
FROM (SELECT partition FROM asked UNION SELECT partition FROM page) LEFT JOIN page USING (partition);

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'no cluster but ' || refused AS what, count(*) AS records
FROM copy WHERE newest AND refused IS NOT NULL GROUP BY refused
UNION ALL
SELECT 'dropped', 'other captures of an article', count(*) FROM copy WHERE NOT newest HAVING count(*) > 0
UNION ALL
SELECT 'empty', 'marks for nothing, such as --', count(*) FROM cell
WHERE is_nothing(text) AND clean(text) <> '' HAVING count(*) > 0
UNION ALL
SELECT 'dropped', 'pages that are no profile of a cluster', count(*) FROM raw.other_pages HAVING count(*) > 0;

CREATE TABLE remarks AS
FROM undecided('located');
