-- paper.facts: the lists that we ship → rows of the common schema, one row each. Inputs and outputs are those of every
-- feed's program. A cell that lists several parts them by semicolons.

CREATE MACRO listed(text) AS CASE WHEN text IS NOT NULL THEN string_split(text, ';') END;
CREATE MACRO own(code) AS 'paper.facts:' || code;

CREATE TABLE staged.claims AS
SELECT
    claim_id,
    subject,
    measure,
    value,
    qualifier,
    unit,
    scope,
    as_of,
    stated_by,
    classification,
    programme,
    own(initiative) AS initiative_id,
    listed(contradicts) AS contradicts,
    note,
    citation,
    document_id,
    locator,
    'claims' AS partition,
    rejected AS confirm_only
FROM raw.claims;

CREATE TABLE staged.clusters AS
SELECT
    own(code) AS cluster_id,
    'paper' AS source_id,
    name,
    'documented' AS kind,
    []::VARCHAR[] AS identified_by,
    region_id,
    place,
    country_code,
    product,
    product_class,
    note,
    citation,
    document_id,
    locator,
    'clusters' AS partition,
    rejected AS confirm_only
FROM raw.clusters;

CREATE TABLE staged.codes AS
SELECT
    code_list,
    code,
    name,
    definition,
    parent_code,
    citation,
    document_id,
    locator,
    'codes' AS partition,
    rejected AS confirm_only
FROM raw.codes;

CREATE TABLE staged.theme_rules AS
SELECT rule_id, product, theme, citation, document_id, locator, 'theme_rules' AS partition, rejected AS confirm_only
FROM raw.theme_rules;

CREATE TABLE staged.initiatives AS
SELECT
    own(code) AS initiative_id,
    title,
    type AS kind,
    level,
    country_code,
    make_date(start_year, 1, 1) AS start_date,
    make_date(end_year, 12, 31) AS end_date,
    CASE WHEN coalesce(start_year, end_year) IS NOT NULL THEN 'year' END AS date_precision,
    clusters_covered,
    list_transform(listed(same_as), lambda code: own(code)) AS same_as,
    note,
    citation,
    document_id,
    locator,
    'initiatives' AS partition,
    rejected AS confirm_only
FROM raw.initiatives;

CREATE TABLE staged.initiative_locations AS
SELECT
    own(initiative) AS initiative_id,
    seq,
    country_code,
    admin_name,
    citation,
    document_id,
    locator,
    'locations' AS partition,
    rejected AS confirm_only
FROM raw.locations;

CREATE TABLE staged.organisations AS
SELECT
    own(code) AS organisation_id,
    name,
    country_code,
    citation,
    document_id,
    locator,
    'organisations' AS partition,
    rejected AS confirm_only
FROM raw.organisations;

CREATE TABLE staged.initiative_organisations AS
SELECT
    own(initiative) AS initiative_id,
    seq,
    name AS organisation_name,
    own(organisation) AS organisation_id,
    role,
    org_type,
    citation,
    document_id,
    locator,
    'participants' AS partition,
    rejected AS confirm_only
FROM raw.participants;

CREATE TABLE staged.initiative_components AS
SELECT
    own(initiative) AS initiative_id,
    seq,
    name,
    max_cost,
    cost_unit,
    currency,
    unit_basis,
    grant_share,
    grant_share_special,
    special_condition,
    citation,
    document_id,
    locator,
    'components' AS partition,
    rejected AS confirm_only
FROM raw.components;

CREATE TABLE staged.initiative_relations AS
SELECT
    own(initiative) AS initiative_id,
    seq,
    relation,
    own(to_initiative) AS to_initiative_id,
    date AS relation_date,
    citation,
    document_id,
    locator,
    'relations' AS partition,
    rejected AS confirm_only
FROM raw.relations;

CREATE TABLE staged.resources AS
SELECT
    own(code) AS resource_id,
    name,
    type AS kind,
    publisher,
    url,
    scope,
    since,
    status,
    what_it_holds,
    listed(feeds) AS feed_ids,
    note,
    citation,
    document_id,
    locator,
    'resources' AS partition,
    rejected AS confirm_only
FROM raw.resources;

-- A row is found whole if what it names is listed; a contradiction, if the other side names it too.
CREATE TABLE completeness AS
WITH named AS (
    SELECT
        'claims' AS partition,
        (initiative IS NULL OR initiative IN (SELECT code FROM raw.initiatives))
        AND NOT EXISTS (
            FROM unnest(coalesce(listed(claim.contradicts), [])) AS named(other)
            WHERE NOT EXISTS (
                FROM raw.claims AS others
                WHERE others.claim_id = named.other AND list_contains(listed(others.contradicts), claim.claim_id)
            )
        ) AS whole
    FROM raw.claims AS claim
    UNION ALL
    SELECT 'clusters', true FROM raw.clusters
    UNION ALL
    SELECT
        'codes',
        parent_code IS NULL
        OR EXISTS (FROM raw.codes AS wider WHERE wider.code_list = codes.code_list AND wider.code = codes.parent_code)
    FROM raw.codes
    UNION ALL
    SELECT 'theme_rules', theme IN (SELECT code FROM raw.codes WHERE code_list = 'theme') FROM raw.theme_rules
    UNION ALL
    SELECT 'initiatives', list_has_all((SELECT list(code) FROM raw.initiatives), coalesce(listed(same_as), []))
    FROM raw.initiatives
    UNION ALL
    SELECT 'locations', initiative IN (SELECT code FROM raw.initiatives) FROM raw.locations
    UNION ALL
    SELECT 'organisations', true FROM raw.organisations
    UNION ALL
    SELECT
        'participants',
        initiative IN (SELECT code FROM raw.initiatives)
        AND organisation IN (SELECT code FROM raw.organisations)
        AND org_type IN (SELECT code FROM raw.codes WHERE code_list = 'iati_organisation_type')
    FROM raw.participants
    UNION ALL
    SELECT 'components', initiative IN (SELECT code FROM raw.initiatives) FROM raw.components
    UNION ALL
    SELECT
        'relations',
        initiative IN (SELECT code FROM raw.initiatives) AND to_initiative IN (SELECT code FROM raw.initiatives)
    FROM raw.relations
    UNION ALL
    SELECT 'resources', true FROM raw.resources
)
SELECT partition, count(*) AS expected, count(*) FILTER (whole) AS found
FROM named
GROUP BY partition;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
