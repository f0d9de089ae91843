-- usaid.foreignassistance: transactions → one initiative per activity and country as published, its sectors and its
-- bodies. Inputs and outputs are those of every feed's program; `left_out` counts rows that were never made records.

-- A country id of -1 is none.
CREATE VIEW managed AS
SELECT *, coalesce(country_code, nullif(country_id, '-1'), country_name) AS place
FROM raw.transactions
WHERE NOT rejected AND managing_agency = 'USAID';

-- Saved tables overlap; a table and the service do too. Of each activity and country the edition with most rows counts.
CREATE TABLE edition AS
SELECT activity_id, place, arg_max(edition, (rows, edition)) AS edition
FROM (SELECT activity_id, place, edition, count(*) AS rows FROM managed GROUP BY ALL)
GROUP BY ALL;

CREATE TABLE tier AS
SELECT
    activity_id,
    place,
    best_selection(
        list(selected_by_sector('usg', sector_code)) || list(selected_by_sector('dac', purpose_code))
        || list(selected_by_words(concat_ws(' ', activity_name, activity_description)))
    ) AS selection
FROM (
    -- Its many rows have the same words: to look for them once spares three quarters of the time.
    SELECT DISTINCT activity_id, place, sector_code, purpose_code, activity_name, activity_description
    FROM managed SEMI JOIN edition USING (activity_id, place, edition)
)
GROUP BY ALL;

CREATE TABLE own AS
SELECT managed.* EXCLUDE (activity_description), 'usaid.foreignassistance:' || activity_id || ':' || replace(place, ' ', '_') AS initiative_id, selection
FROM managed
SEMI JOIN edition USING (activity_id, place, edition)
JOIN tier USING (activity_id, place)
WHERE selection IS NOT NULL;

-- Commitments are obligations alone: types of transaction tell of the same money at other times.
CREATE TABLE sector_of AS
SELECT
    initiative_id,
    sector_scheme,
    sector_code,
    max(sector_name) AS sector_name,
    coalesce(sum(amount::DECIMAL(20, 2)) FILTER (obligation), 0)::DOUBLE AS net,
    coalesce(sum(amount::DECIMAL(20, 2)) FILTER (obligation AND amount > 0), 0)::DOUBLE AS gross,
    count(*) FILTER (obligation AND amount < 0) AS deobligations,
    first(document_id ORDER BY record) AS document_id,
    first(locator ORDER BY record) AS locator
FROM (
    SELECT
        initiative_id, document_id, locator, record, amount, transaction_type = '2' AS obligation,
        unnest([
            {'sector_scheme': 'usg', 'sector_code': sector_code, 'sector_name': sector_name},
            {'sector_scheme': 'dac', 'sector_code': purpose_code, 'sector_name': purpose_name}
        ], recursive := true)
    FROM own
)
WHERE sector_code IS NOT NULL
GROUP BY ALL;

CREATE TABLE numbered_sector AS
SELECT *, row_number() OVER (PARTITION BY initiative_id ORDER BY sector_scheme DESC, gross DESC, sector_code) AS seq
FROM sector_of;

CREATE TABLE summed AS
SELECT
    initiative_id,
    first(activity_name ORDER BY record) AS activity_name,
    first(country_code ORDER BY record) AS published_code,
    first(country_name ORDER BY record) AS country_name,
    first(partner ORDER BY record) FILTER (partner IS NOT NULL) AS partner,
    first(funding_agency ORDER BY record) FILTER (funding_agency IS NOT NULL) AS funding_agency,
    first(award ORDER BY record) FILTER (award IS NOT NULL) AS award,
    min(dated(start_date)) AS start_date,
    max(dated(end_date)) AS end_date,
    min(left(fiscal_year, 4)::INTEGER) AS first_year,
    max(left(fiscal_year, 4)::INTEGER) AS last_year,
    max_by(lower(fiscal_year), left(fiscal_year, 4)::INTEGER) = '1976tq' AS ends_in_quarter,
    sum(amount::DECIMAL(20, 2)) FILTER (transaction_type = '2')::DOUBLE AS net,
    sum(amount::DECIMAL(20, 2)) FILTER (transaction_type = '2' AND amount > 0)::DOUBLE AS gross,
    any_value(selection) AS selection,
    any_value(asked) AS asked,
    any_value(place) AS place,
    first(document_id ORDER BY record) AS document_id,
    first(locator ORDER BY record) AS locator
FROM own
GROUP BY initiative_id;

CREATE TABLE placed AS
SELECT summed.*, if(asked = 'table', 'country/' || place, 'transactions/' || asked) AS partition FROM summed;

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    clean(activity_name) AS title,
    'project' AS kind,
    'national government' AS level,
    known.country_code,
    sector_scheme,
    sector_code,
    sector_name,
    -- A fiscal year begins in October of the year before; it is named by the year in which it ends.
    coalesce(start_date, make_date(first_year - 1, 10, 1)) AS start_date,
    coalesce(end_date, if(ends_in_quarter, make_date(1976, 9, 30), make_date(last_year, 9, 30))) AS end_date,
    if(start_date IS NULL OR end_date IS NULL, 'year', 'day') AS date_precision,
    summed.net AS commitment_usd_net,
    coalesce(summed.gross, if(summed.net IS NOT NULL, 0, NULL)) AS commitment_usd_gross,
    partner AS implementer,
    selection,
    nullif(concat_ws(
        '; ',
        CASE WHEN known.country_code IS NULL THEN 'country as published: ' || country_name END,
        CASE WHEN start_date IS NULL OR end_date IS NULL THEN 'a date that is not stated is that of its fiscal years' END,
        CASE WHEN asked <> 'table' THEN 'sums are those of the sector asked for' END), '') AS note,
    award AS award_number,
    summed.document_id,
    summed.locator,
    partition,
    false AS confirm_only
FROM placed AS summed
LEFT JOIN (FROM numbered_sector WHERE seq = 1) AS sector USING (initiative_id)
LEFT JOIN reference.usaid_countries AS known ON known.published_code = summed.published_code;

CREATE TABLE staged.initiative_sectors AS
SELECT
    sector.initiative_id,
    seq::INTEGER AS seq,
    sector_scheme,
    sector_code,
    sector_name,
    sector.net AS commitment_usd_net,
    sector.gross AS commitment_usd_gross,
    deobligations,
    sector.document_id,
    sector.locator,
    partition,
    false AS confirm_only
FROM numbered_sector AS sector JOIN placed USING (initiative_id);

CREATE TABLE staged.initiative_organisations AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY place_in_list)::INTEGER AS seq,
    organisation_name,
    role,
    document_id,
    locator,
    partition,
    false AS confirm_only
FROM (
    SELECT
        initiative_id, document_id, locator, partition,
        unnest([
            {'place_in_list': 1, 'organisation_name': funding_agency, 'role': 'funding'},
            {'place_in_list': 2, 'organisation_name': 'U.S. Agency for International Development', 'role': 'extending'},
            {'place_in_list': 3, 'organisation_name': partner, 'role': 'implementing'}
        ], recursive := true)
    FROM placed
)
WHERE organisation_name IS NOT NULL;

-- The denominator: the total that the service states for a sector; a table is whole in itself, country by country.
CREATE TABLE completeness AS
SELECT 'transactions/' || asked AS partition, max(total_records) AS expected, sum(rows)::BIGINT AS found
FROM raw.pages WHERE NOT rejected GROUP BY ALL
UNION ALL
SELECT 'country/' || coalesce(country_code, nullif(country_id, '-1'), country_name), count(*), count(*)
FROM raw.transactions WHERE asked = 'table' AND NOT rejected GROUP BY ALL;

CREATE TABLE set_aside AS
SELECT
    'dropped' AS counts_as,
    if(stage = 'kept', 'rows managed by other agencies', 'rows of activities that the selection leaves out') AS what,
    records
FROM left_out
UNION ALL
SELECT 'dropped', 'rows managed by other agencies', count(*)
FROM raw.transactions WHERE NOT rejected AND managing_agency <> 'USAID'
UNION ALL
SELECT 'dropped', 'rows that another table, or the service, states too', count(*)
FROM managed ANTI JOIN edition USING (activity_id, place, edition);
