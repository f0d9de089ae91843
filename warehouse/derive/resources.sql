-- Every source of the catalogue is a resource too, with its status and what its feeds hold. One whose feeds can all be
-- read from files only is a directory that we keep ourselves.

INSERT INTO release.resources BY NAME
SELECT
    'source:' || sources.source_id AS resource_id,
    'derived' AS feed_id,
    sources.name,
    if(bool_and(feeds.routes = ['files']), 'directory', 'observatory') AS kind,
    sources.publisher,
    sources.homepage_url AS url,
    if(
        len(sources.country_coverage) > 0,
        array_to_string(list_transform(sources.country_coverage, lambda code: 'country:' || code), ' '),
        'world'
    ) AS scope,
    sources.status,
    string_agg(feeds.feed_id || ': ' || feeds.description, ' ' ORDER BY feeds.feed_id) AS what_it_holds,
    list(feeds.feed_id ORDER BY feeds.feed_id) AS feed_ids,
    'Cluster Observatory, catalogue of sources (tables sources and feeds)' AS citation,
    'derived' AS route
FROM release.sources
JOIN release.feeds USING (source_id)
GROUP BY ALL;

-- A list of facts may name feeds that this software does not have.
UPDATE release.resources
SET feed_ids = list_filter(resources.feed_ids, lambda feed: list_contains(known.ids, feed))
FROM (SELECT list(feed_id) AS ids FROM release.feeds) AS known
WHERE resources.feed_ids IS NOT NULL;
