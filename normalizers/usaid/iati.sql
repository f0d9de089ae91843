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
CREATE TABLE sector_of AS
SELECT file, number, code, max(name) AS name, sum(percentage) AS percentage, min(seq) AS seq
FROM raw.sectors
WHERE NOT rejected AND code IS NOT NULL AND vocabulary IN ('1', 'DAC')
GROUP BY file, number, level, code
QUALIFY level = min(level) OVER (PARTITION BY file, number);

CREATE TABLE country_of AS
SELECT file, number, upper(code) AS code
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
    sum(value::DECIMAL(20, 2))::DOUBLE AS net,
    coalesce(sum(value::DECIMAL(20, 2)) FILTER (value > 0), 0)::DOUBLE AS gross
FROM raw.transactions
WHERE NOT rejected AND transaction_type = '2' AND currency = 'USD' AND value IS NOT NULL
GROUP BY ALL;

CREATE TABLE numbered_sector AS
SELECT
    initiative_id, file, code, sector.name, document_id, locator,
    row_number() OVER (PARTITION BY initiative_id ORDER BY percentage DESC NULLS LAST, sector.seq) AS seq
FROM own JOIN sector_of AS sector USING (file, number);

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    title,
    'project' AS kind,
    'national government' AS level,
    (SELECT if(count(*) = 1, any_value(code), NULL) FROM country_of
     WHERE (country_of.file, country_of.number) = (own.file, own.number)) AS country_code,
    CASE WHEN sector.code IS NOT NULL THEN 'dac' END AS sector_scheme,
    sector.code AS sector_code,
    sector.name AS sector_name,
    dated(start_date) AS start_date,
    dated(end_date) AS end_date,
    CASE WHEN coalesce(dated(start_date), dated(end_date)) IS NOT NULL THEN 'day' END AS date_precision,
    net AS commitment_usd_net,
    gross AS commitment_usd_gross,
    (SELECT first(name ORDER BY seq) FROM raw.organisations AS body
     WHERE (body.file, body.number) = (own.file, own.number) AND body.role = 'implementing') AS implementer,
    selection,
    status,
    CASE WHEN starts_with(identifier, 'US-GOV-1-') THEN substr(identifier, 10) END AS award_number,
    own.document_id,
    own.locator,
    'activities/' || file AS partition,
    false AS confirm_only
FROM own
LEFT JOIN money USING (file, number)
LEFT JOIN (FROM numbered_sector WHERE seq = 1) AS sector USING (initiative_id, file);

CREATE TABLE staged.initiative_sectors AS
SELECT
    initiative_id, seq::INTEGER AS seq, 'dac' AS sector_scheme, code AS sector_code, name AS sector_name,
    document_id, locator, 'activities/' || file AS partition, false AS confirm_only
FROM numbered_sector;

CREATE TABLE staged.initiative_locations AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY place.seq)::INTEGER AS seq,
    place.name AS admin_name,
    latitude,
    longitude,
    place.document_id,
    place.locator,
    'activities/' || file AS partition,
    false AS confirm_only
FROM own JOIN raw.locations AS place USING (file, number)
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
