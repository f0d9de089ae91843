-- usaid.iati: activities → initiatives, with sectors, places and bodies. Inputs and outputs are those of every feed's
-- program.

-- An activity is USAID's if USAID reports it or takes part in it.
CREATE TABLE managed AS
SELECT activity.*, 'usaid.iati:' || replace(identifier, ' ', '_') AS initiative_id
FROM raw.activities AS activity
WHERE NOT rejected AND (
    reporting_org = 'US-GOV-1'
    OR EXISTS (
        FROM raw.organisations AS body
        WHERE (body.file, body.number) = (activity.file, activity.number)
            AND (body.ref = 'US-GOV-1' OR body.name ILIKE '%agency for international development%')
    )
);

-- What stands on the activity counts; only where there is nothing, what stands on its transactions.
CREATE TABLE sector_said AS
SELECT
    file, number, level, transaction, code, name, seq,
    coalesce(percentage, CASE WHEN count(*) OVER of_one = 1 THEN 100 END) AS percentage
FROM raw.sectors
WHERE NOT rejected AND code IS NOT NULL AND vocabulary IN ('1', 'DAC')
WINDOW of_one AS (PARTITION BY file, number, level, transaction)
QUALIFY level = min(level) OVER (PARTITION BY file, number);

CREATE TABLE commitment AS
SELECT file, number, seq AS transaction, value::DECIMAL(20, 2) AS value
FROM raw.transactions
WHERE NOT rejected AND transaction_type = '2' AND currency = 'USD' AND value IS NOT NULL;

-- The money of a sector is its share of all commitments, or of those that it stands on. There is none where the shares of
-- an activity, or of one of its transactions, are not stated or are not 100 per cent together.
CREATE TABLE money_of_sector AS
SELECT
    file, number, code,
    round(sum(value * percentage / 100), 2) AS net,
    round(coalesce(sum(value * percentage / 100) FILTER (value > 0), 0), 2) AS gross,
    count(*) FILTER (value < 0) AS deobligations
FROM sector_said AS sector
JOIN commitment USING (file, number)
ANTI JOIN (
    SELECT file, number FROM sector_said GROUP BY file, number, transaction
    HAVING count(percentage) < count(*) OR abs(sum(percentage) - 100) > 0.5
) AS unclear USING (file, number)
WHERE sector.transaction IS NULL OR sector.transaction = commitment.transaction
GROUP BY file, number, code;

CREATE TABLE sector_of AS
SELECT file, number, code, max(name) AS name, sum(percentage) AS percentage, min(seq) AS seq
FROM sector_said
GROUP BY file, number, code;

CREATE TABLE country_of AS
SELECT file, number, upper(code) AS code, CASE WHEN level = 'activity' THEN sum(percentage) END AS percentage, min(seq) AS seq
FROM raw.countries
WHERE NOT rejected
GROUP BY file, number, level, upper(code)
QUALIFY level = min(level) OVER (PARTITION BY file, number);

CREATE TABLE own AS
SELECT
    managed.*,
    best_selection(
        coalesce((
            SELECT list(selected_by_sector('dac', code)) FROM sector_of
            WHERE (sector_of.file, sector_of.number) = (managed.file, managed.number)
        ), []) || [selected_by_words(concat_ws(' ', title, description))]
    ) AS selection
FROM managed
QUALIFY row_number() OVER (PARTITION BY initiative_id ORDER BY document_id, number) = 1;
DELETE FROM own WHERE selection IS NULL;

CREATE TABLE money AS
SELECT
    file, number,
    sum(value)::DOUBLE AS net,
    coalesce(sum(value) FILTER (value > 0), 0)::DOUBLE AS gross
FROM commitment
GROUP BY ALL;

CREATE TABLE numbered_sector AS
SELECT
    initiative_id, file, code, sector.name, net, gross, deobligations, document_id, locator,
    row_number() OVER (PARTITION BY initiative_id ORDER BY gross DESC NULLS LAST, percentage DESC NULLS LAST, sector.seq) AS seq
FROM own JOIN sector_of AS sector USING (file, number)
LEFT JOIN money_of_sector USING (file, number, code);

-- The one country of an activity; where it has several their codes stand in its note, with the shares that are stated.
CREATE TABLE country_in AS
SELECT
    file, number,
    CASE WHEN count(*) = 1 THEN any_value(code) END AS country_code,
    CASE WHEN count(*) > 1 THEN 'countries as published: ' || string_agg(
        code || coalesce(' ' || round(percentage, 2)::VARCHAR || ' %', ''), ', ' ORDER BY percentage DESC NULLS LAST, seq
    ) END AS note
FROM country_of
GROUP BY file, number;

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    title,
    'project' AS kind,
    'national government' AS level,
    country_in.country_code,
    CASE WHEN sector.code IS NOT NULL THEN 'dac' END AS sector_scheme,
    sector.code AS sector_code,
    sector.name AS sector_name,
    dated(start_date) AS start_date,
    dated(end_date) AS end_date,
    CASE WHEN coalesce(dated(start_date), dated(end_date)) IS NOT NULL THEN 'day' END AS date_precision,
    money.net AS commitment_usd_net,
    money.gross AS commitment_usd_gross,
    (SELECT first(name ORDER BY seq) FROM raw.organisations AS body
     WHERE (body.file, body.number) = (own.file, own.number) AND body.role = 'implementing') AS implementer,
    selection,
    status,
    country_in.note,
    CASE WHEN starts_with(identifier, 'US-GOV-1-') THEN substr(identifier, 10) END AS award_number,
    own.document_id,
    own.locator,
    'activities/' || file AS partition,
    false AS confirm_only
FROM own
LEFT JOIN money USING (file, number)
LEFT JOIN country_in USING (file, number)
LEFT JOIN (FROM numbered_sector WHERE seq = 1) AS sector USING (initiative_id, file);

CREATE TABLE staged.initiative_sectors AS
SELECT
    initiative_id, seq::INTEGER AS seq, 'dac' AS sector_scheme, code AS sector_code, name AS sector_name,
    net AS commitment_usd_net, gross AS commitment_usd_gross, deobligations,
    document_id, locator, 'activities/' || file AS partition, false AS confirm_only
FROM numbered_sector;

CREATE TABLE staged.initiative_locations AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY place.seq)::INTEGER AS seq,
    country_code,
    place.name AS admin_name,
    latitude,
    longitude,
    place.document_id,
    place.locator,
    'activities/' || file AS partition,
    false AS confirm_only
FROM own JOIN raw.locations AS place USING (file, number)
LEFT JOIN country_in USING (file, number)
WHERE NOT place.rejected;

CREATE TABLE staged.initiative_organisations AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY body.seq)::INTEGER AS seq,
    coalesce(body.name, body.ref) AS organisation_name,
    body.role,
    org_type,
    body.document_id,
    body.locator,
    'activities/' || file AS partition,
    false AS confirm_only
FROM own JOIN raw.organisations AS body USING (file, number)
WHERE NOT body.rejected AND coalesce(body.name, body.ref) IS NOT NULL
    AND body.role IN ('funding', 'accountable', 'extending', 'implementing');

-- The denominator: the opening tags of each file.
CREATE TABLE completeness AS
SELECT 'activities/' || file AS partition, stated AS expected, coalesce(found, 0) AS found
FROM raw.files LEFT JOIN (SELECT file, count(*) AS found FROM raw.activities GROUP BY ALL) USING (file);

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'activities in which USAID takes no part' AS what, count(*) AS records
FROM raw.activities ANTI JOIN managed USING (file, number) WHERE NOT rejected
UNION ALL
SELECT 'dropped', 'activities that the selection leaves out, or that another file states too', count(*)
FROM managed ANTI JOIN own USING (file, number);
