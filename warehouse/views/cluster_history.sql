-- Every state of a cluster that ever held, with the time in which it was valid; valid_to is null while it holds. What is derived, such as themes and product class, is that of the release for open rows, and is not kept for closed ones.
CREATE VIEW cluster_history AS
SELECT clusters.*, NULL::VARCHAR AS closed_by, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
FROM clusters
LEFT JOIN harvests USING (harvest_id)
UNION ALL BY NAME
FROM clusters_closed;
