-- How many initiatives of a feed name a body of each IATI organisation type, in which role, and the money that they state:
-- commitments in USD times the stated share of the funding bodies of that type. Where no role is stated, it is null.
CREATE VIEW funding_by_organisation_type AS
WITH told AS (
    SELECT
        feed_id,
        count(*) AS initiatives,
        count(*) FILTER (initiative_id IN (SELECT initiative_id FROM initiative_organisations WHERE role = 'funding'))
            AS with_funder,
        count(*) FILTER (
            initiative_id IN (SELECT initiative_id FROM initiative_organisations WHERE role = 'funding' AND share IS NOT NULL)
            AND commitment_usd_net IS NOT NULL
        ) AS with_amount
    FROM initiatives
    GROUP BY feed_id
)
SELECT
    bodies.feed_id,
    bodies.org_type,
    named.name AS org_type_name,
    bodies.role,
    count(DISTINCT bodies.initiative_id) AS initiatives,
    count(DISTINCT coalesce(bodies.organisation_id, bodies.organisation_name)) AS organisations,
    sum(initiatives.commitment_usd_net * bodies.share ORDER BY bodies.initiative_id, bodies.seq)
        FILTER (bodies.role = 'funding') AS commitment_usd_net,
    'bodies named in an initiative, by IATI type and role; money = net commitment in USD × share of the funding body, of one feed'
        AS method,
    told.with_funder || ' of ' || told.initiatives || ' initiatives of ' || bodies.feed_id || ' name a funding body, '
        || told.with_amount || ' an amount with a share. An initiative with bodies of two types stands in both rows.'
        || CASE WHEN bodies.feed_id = 'paper.facts' THEN ' The types are our reading of the names.' ELSE '' END AS caveat
FROM initiative_organisations AS bodies
JOIN initiatives USING (initiative_id)
JOIN told ON told.feed_id = bodies.feed_id
LEFT JOIN codes AS named ON named.code_list = 'iati_organisation_type' AND named.code = bodies.org_type
GROUP BY ALL
ORDER BY bodies.feed_id, bodies.org_type, bodies.role;
