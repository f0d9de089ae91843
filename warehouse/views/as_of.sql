-- `FROM as_of(TIMESTAMP '2026-01-31')`: observations as they were valid at a time (UTC; a time with a zone is turned into it), out of open and closed rows; a table macro. What is valid begins with the age of the evidence that opened a row and ends with the age of that which closed it. `valid_to` is null while a row holds. A row whose evidence has no age is not in it. Where the file is attached under a name of its own, `USE` it first.
CREATE MACRO as_of(moment) AS TABLE
SELECT
    cluster_id,
    indicator,
    unit_kind,
    time_period,
    method,
    feed_id,
    obs_value,
    unit_measure,
    obs_status,
    value_text,
    qualifier,
    document_id,
    locator,
    harvest_id,
    valid_from,
    valid_to,
    'As far as this release knows: a harvest that came later may have read older evidence.' AS caveat
FROM (
    -- A cast of a time with a zone would give the session's wall clock.
    SELECT
        CASE typeof(moment) WHEN 'TIMESTAMP WITH TIME ZONE' THEN make_timestamp(epoch_us(moment::TIMESTAMPTZ))
            ELSE moment::TIMESTAMP END AS instant
)
JOIN (
    SELECT observations.*, harvests.evidence_at AS valid_from, NULL::TIMESTAMP AS valid_to
    FROM observations
    JOIN harvests USING (harvest_id)
    UNION ALL BY NAME
    SELECT * EXCLUDE (closed_by) FROM observations_closed
) ON valid_from <= instant AND (valid_to IS NULL OR valid_to > instant);
