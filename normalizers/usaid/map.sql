-- usaid.map: projects of the map, and of AidTracker's lists → initiatives. The map has no codes of sectors: words select.
-- Awards are stated whole, not by project, so they are no commitment of it.

CREATE TABLE country_name AS
SELECT country_code, lower(unnest([name] || string_split(coalesce(other_names, ''), '|'))) AS name
FROM reference.countries;

CREATE TABLE project AS
SELECT
    listed.Id AS id,
    coalesce(nullif(clean(Public_Name__c), ''), clean(Project_Name__c)) AS title,
    regexp_replace(Project_Description__c, '<[^>]*>', ' ', 'g') AS description,
    'mission as published: ' || MissionName__c AS note,
    NULL AS country_code,
    Sector_Name__c AS sector_name,
    Start_Date__c AS start_text,
    End_Date__c AS end_text,
    NULL AS partner,
    listed.document_id,
    listed.locator,
    'details' AS partition
FROM raw.listed AS listed LEFT JOIN (FROM raw.details WHERE NOT rejected) AS detail USING (Id)
WHERE NOT listed.rejected
UNION ALL
SELECT
    Id, clean(tracked.name), regexp_replace(description, '<[^>]*>', ' ', 'g'),
    nullif(concat_ws('; ', 'country as published: ' || tracked.country, 'org as published: ' || org), ''),
    known.country_code, sector, startDate, endDate, partner, document_id, locator, 'tracked'
FROM raw.tracked AS tracked
ANTI JOIN raw.listed USING (Id)
LEFT JOIN country_name AS known ON known.name = lower(clean(tracked.country))
WHERE NOT rejected;

CREATE TABLE own AS
SELECT
    *,
    'usaid.map:' || id AS initiative_id,
    dated(start_text) AS start_date,
    dated(end_text) AS end_date,
    selected_by_words(concat_ws(' ', title, sector_name, description)) AS selection
FROM project;

CREATE TABLE staged.initiatives AS
SELECT
    initiative_id,
    title,
    'project' AS kind,
    'national government' AS level,
    country_code,
    sector_name,
    start_date,
    end_date,
    CASE WHEN coalesce(start_date, end_date) IS NOT NULL THEN 'day' END AS date_precision,
    partner AS implementer,
    selection,
    note,
    document_id,
    locator,
    partition,
    false AS confirm_only
FROM own WHERE selection IS NOT NULL;

CREATE TABLE staged.initiative_locations AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY country, province)::INTEGER AS seq,
    known.country_code,
    province || ', ' || country AS admin_name,
    place.document_id,
    place.locator,
    partition,
    false AS confirm_only
FROM own JOIN raw.places AS place USING (id)
LEFT JOIN country_name AS known ON known.name = lower(clean(country))
WHERE selection IS NOT NULL AND NOT place.rejected;

CREATE TABLE staged.initiative_organisations AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY award.seq)::INTEGER AS seq,
    award.partner AS organisation_name,
    'implementing' AS role,
    award.document_id,
    award.locator,
    partition,
    false AS confirm_only
FROM own JOIN raw.awards AS award USING (id)
WHERE selection IS NOT NULL AND NOT award.rejected AND award.partner IS NOT NULL
UNION ALL
SELECT initiative_id, 1, partner, 'implementing', document_id, locator, partition, false
FROM own WHERE selection IS NOT NULL AND partner IS NOT NULL;

CREATE TABLE staged.initiative_components AS
SELECT
    initiative_id,
    row_number() OVER (PARTITION BY initiative_id ORDER BY award.seq)::INTEGER AS seq,
    'award' || coalesce(' of ' || award.partner, '') AS name,
    amount AS max_cost,
    'USD' AS cost_unit,
    'USD' AS currency,
    'inferred: the source names no currency' AS unit_basis,
    award.document_id,
    award.locator,
    partition,
    false AS confirm_only
FROM own JOIN raw.awards AS award USING (id)
WHERE selection IS NOT NULL AND NOT award.rejected AND amount IS NOT NULL;

-- The denominator: a detail for each project of the list; AidTracker's list is whole in itself.
CREATE TABLE completeness AS
SELECT 'details' AS partition, count(*) AS expected, count(detail.Id) AS found
FROM raw.listed LEFT JOIN raw.details AS detail USING (Id) HAVING count(*) > 0
UNION ALL
SELECT 'tracked', count(*), count(*) FROM raw.tracked HAVING count(*) > 0;

CREATE TABLE set_aside AS
SELECT 'dropped' AS counts_as, 'projects that the words leave out' AS what, count(*) AS records
FROM own WHERE selection IS NULL;

CREATE TABLE remarks AS
SELECT count(*) || ' dates of projects cannot be read, such as ' || min(text) || ': these are null' AS remark
FROM (SELECT unnest([start_text, end_text]) AS text FROM own) WHERE text IS NOT NULL AND dated(text) IS NULL
HAVING count(*) > 0;
