-- Initiatives that a source tells of twice: both rows stay, and a link joins them.

INSERT INTO release.links BY NAME
SELECT
    initiative_id AS from_id,
    unnest(same_as) AS to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    'stated' AS method,
    'the row of ' || initiative_id || ' names the other as the same (' || feed_id || ')' AS decision,
    'derived' AS route
FROM release.initiatives
WHERE same_as IS NOT NULL;
