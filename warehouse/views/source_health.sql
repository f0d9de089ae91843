-- How every feed stood at the release: whether its last harvest was well, how old its data is, how complete it was.
CREATE VIEW source_health AS
SELECT
    feeds.source_id,
    feeds.feed_id,
    feeds.title,
    sources.status AS source_status,
    feeds.health,
    feeds.last_harvest_id,
    feeds.last_success_at,
    feeds.records_found,
    feeds.records_expected,
    feeds.records_found / nullif(feeds.records_expected, 0) AS completeness,
    'records found over those that a complete harvest has, at the last success: ' || feeds.denominator AS method,
    concat_ws(
        ' ',
        'As of the release; status.json says how it is now.',
        CASE
            WHEN feeds.health = 'never' THEN 'Never harvested.'
            WHEN feeds.records_expected IS NULL THEN 'How many records there should be was not known.'
        END
    ) AS caveat
FROM feeds
LEFT JOIN sources USING (source_id)
ORDER BY feeds.source_id, feeds.feed_id;
