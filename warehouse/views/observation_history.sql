-- Every observation that ever held, with the time in which it was valid; valid_to is null while it holds.
CREATE VIEW observation_history AS
SELECT observations.*, NULL::VARCHAR AS closed_by, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
FROM observations
LEFT JOIN harvests USING (harvest_id)
UNION ALL BY NAME
FROM observations_closed;
