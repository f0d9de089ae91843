-- Every state of a cluster that ever held, with the time in which it was valid; valid_to is null while it holds.
CREATE VIEW cluster_history AS
SELECT clusters.*, NULL::VARCHAR AS closed_by, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
FROM clusters
LEFT JOIN harvests USING (harvest_id)
UNION ALL BY NAME
FROM clusters_closed;
