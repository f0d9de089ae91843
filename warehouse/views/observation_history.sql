-- Every observation that ever held, with the time in which it was valid; valid_to is null while it holds. Two rows of one key are two answers of a source, never to be added.
CREATE VIEW observation_history AS
SELECT
    *,
    CASE
        WHEN valid_to IS NULL THEN 'Holds at the time of the release.'
        ELSE 'A later harvest found another value, or none: it need not have been wrong in its time.'
    END AS caveat
FROM (
    SELECT observations.*, NULL::VARCHAR AS closed_by, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
    FROM observations
    LEFT JOIN harvests USING (harvest_id)
    UNION ALL BY NAME
    FROM observations_closed
);
