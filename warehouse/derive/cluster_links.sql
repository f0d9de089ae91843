-- The same cluster told twice, and what serves a cluster. What decides is place and activity, never a name alone. A link is
-- `accepted` or `refused`; refused ones are those that a hand judgement turned down (link_judgements.csv).

-- The place is the region of today: a code that was replaced by one other is followed to it; one that was split is not.

CREATE OR REPLACE TEMP TABLE region_now AS
WITH RECURSIVE followed AS (
    SELECT region_id, region_id AS now, 0 AS steps FROM release.regions
    UNION ALL
    SELECT followed.region_id, region.successor, steps + 1
    FROM followed
    JOIN release.regions AS region ON region.region_id = followed.now
    WHERE region.successor IS NOT NULL AND steps < 20  -- a circle of successors ends here, and is never a place
)
SELECT region_id, arg_max(now, steps) AS now FROM followed GROUP BY region_id HAVING max(steps) < 20;

CREATE OR REPLACE TEMP TABLE placed AS
SELECT
    cluster.*,
    coalesce(region_now.now, cluster.region_id) AS region_now,
    -- The first letters of a NUTS code are the country; what follows is the level.
    if(region.scheme = 'nuts', 'nuts:' || (length(region.code) - 2), region.scheme) AS level,
    -- The class of one scheme is that of another only where they match exactly or closely; one that is only a part of the
    -- hub's class stays itself.
    CASE
        WHEN cluster.category_id IS NULL OR cluster.category_id = cluster.hub_category_id OR EXISTS (
            FROM release.category_mappings AS mapping
            WHERE mapping.from_category_id = cluster.category_id AND mapping.to_category_id = cluster.hub_category_id
                AND mapping.relation IN ('exactMatch', 'closeMatch')
        ) THEN cluster.hub_category_id
    END AS same_category_id
FROM release.clusters AS cluster
LEFT JOIN region_now USING (region_id)
LEFT JOIN release.regions AS region ON region.region_id = coalesce(region_now.now, cluster.region_id);

INSERT INTO release.links BY NAME
SELECT
    one.cluster_id AS from_id,
    other.cluster_id AS to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    1 AS score,
    'region and category' AS method,
    'accepted: both are ' || one.same_category_id || ' in ' || one.region_now AS decision,
    'derived' AS route
FROM placed AS one
JOIN placed AS other USING (region_now, same_category_id)
WHERE one.kind = 'cell' AND other.kind = 'cell'
    AND one.feed_id < other.feed_id
    -- Cells that no rule accepts are only places with data: joining them says nothing of clusters.
    AND (len(one.identified_by) > 0 OR len(other.identified_by) > 0);

-- What was surveyed or documented has words for place and product. Products are compared item by item (`dyes, chemicals and
-- plastics` are three), as stems without words that say nothing (cluster, products …); an item is another one where they
-- are equal, or where one adds words before the other's head: `leather footwear` is `footwear`, `leather goods` is not.

CREATE OR REPLACE TEMP MACRO folded(text) AS lower(strip_accents(coalesce(text, '')));

CREATE OR REPLACE TEMP MACRO stem(word) AS CASE
    WHEN regexp_matches(word, '[^aeiou]ies$') THEN word[:-4] || 'y'
    WHEN regexp_matches(word, '[a-z]{3}ings?$') THEN regexp_replace(word, 'ings?$', '')
    WHEN regexp_matches(word, '(s|x|z|ch|sh)es$') THEN word[:-3]
    WHEN regexp_matches(word, '[^su]s$') THEN word[:-2]
    ELSE word
END;

CREATE OR REPLACE TEMP MACRO is_empty_word(word) AS word IN (
    '', 'a', 'and', 'of', 'in', 'the', 'for', 'cluster', 'product', 'manufactur', 'mak', 'good', 'industry', 'unit', 'mega',
    'process', 'production', 'produc', 'ware', 'item', 'article', 'work', 'sector', 'park', 'upgradation', 'project', 'high',
    'small', 'scale', 'mini', 'service', 'equipment', 'allied', 'relat', 'various', 'other', 'all', 'type', 'based'
);

CREATE OR REPLACE TEMP MACRO words_of(text) AS list_distinct(list_filter(
    list_transform(regexp_split_to_array(folded(text), '[^a-z0-9]+'), lambda word: stem(word)),
    lambda word: length(word) > 2
));

CREATE OR REPLACE TEMP MACRO items_of(text, place) AS list_distinct(list_filter(
    list_transform(
        regexp_split_to_array(
            regexp_replace(folded(text), '\([^)]*\)', ' '), '[,;/&+]|\band\b| - '
        ),
        lambda item: list_filter(
            list_transform(regexp_split_to_array(item, '[^a-z0-9]+'), lambda word: stem(word)),
            lambda word: NOT is_empty_word(word) AND NOT list_contains(words_of(place), word)
        )
    ),
    lambda item: len(item) > 0
));

-- 1 where both have equal items only, 0.9 where some item of one is an item of the other, else 0.
CREATE OR REPLACE TEMP MACRO is_item(one, other) AS one[-1] = other[-1]
    AND (list_has_all(one, other) OR list_has_all(other, one));
CREATE OR REPLACE TEMP MACRO likeness(ones, others) AS CASE
    WHEN len(ones) = 0 OR len(others) = 0 THEN 0.0
    WHEN list_has_all(ones, others) AND list_has_all(others, ones) THEN 1.0
    WHEN len(list_filter(ones, lambda one: len(list_filter(others, lambda other: is_item(one, other))) > 0)) > 0 THEN 0.9
    ELSE 0.0
END;

CREATE OR REPLACE TEMP TABLE told AS
SELECT
    *,
    words_of(string_split(coalesce(place, ''), ',')[1]) AS place_words,
    words_of(string_split(nullif(regexp_extract(place, ',(.*)', 1), ''), ',')[-1]) AS state_words,
    list_distinct(items_of(product, place) || items_of(name, place)) AS items,
    -- A district, a metropolitan area, a NUTS region below the country: places in which one cluster of a trade can be.
    CASE WHEN level IN ('in:district', 'us:msa', 'us:county', 'ca:cma', 'nuts:2', 'nuts:3') THEN region_now END AS near
FROM placed
WHERE kind <> 'cell';

INSERT INTO release.links BY NAME
WITH pair AS (
    SELECT
        one.cluster_id AS from_id,
        other.cluster_id AS to_id,
        one.feed_id = other.feed_id AS of_one_feed,
        likeness(one.items, other.items) AS score,
        one.near IS NOT NULL AND one.near = other.near AS one_region,
        coalesce(one.near, one.place) AS at_place
    FROM told AS one
    JOIN told AS other
        ON one.country_code = other.country_code
        AND one.cluster_id < other.cluster_id
        AND CASE
            WHEN one.near IS NOT NULL AND other.near IS NOT NULL THEN one.near = other.near
            ELSE len(one.place_words) > 0 AND len(other.place_words) > 0
                AND (list_has_all(one.place_words, other.place_words) OR list_has_all(other.place_words, one.place_words))
                -- Towns of one name stand in several states.
                AND (len(one.state_words) = 0 OR len(other.state_words) = 0
                    OR list_has_any(one.state_words, other.state_words))
        END
)
SELECT
    from_id,
    to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    if(one_region, score, score - 0.05) AS score,
    'place and product' AS method,
    'accepted: one trade in ' || at_place AS decision,
    'derived' AS route
FROM pair
-- One list names a cluster twice only in the same words.
WHERE score >= if(of_one_feed, 1.0, 0.9);

-- A cluster that somebody surveyed or documented is a cell of the same category whose region has its name.
INSERT INTO release.links BY NAME
SELECT
    told.cluster_id AS from_id,
    cell.cluster_id AS to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    if(told.near = cell.region_now, 0.95, 0.9) AS score,
    'place and category' AS method,
    'accepted: both are ' || told.hub_category_id || ' in ' || region.name AS decision,
    'derived' AS route
FROM told
JOIN placed AS cell
    ON cell.country_code = told.country_code AND cell.same_category_id = told.hub_category_id
JOIN release.regions AS region ON region.region_id = cell.region_now
WHERE cell.kind = 'cell' AND len(cell.identified_by) > 0
    AND cell.level IN ('us:msa', 'ca:cma', 'nuts:2')
    AND CASE
        WHEN told.near IS NOT NULL THEN told.near = cell.region_now
        ELSE len(place_words) > 0 AND list_has_all(words_of(string_split(region.name, ',')[1]), place_words)
    END;

-- An organisation serves the clusters of its categories in its region, or in the regions that this one holds; of one whose
-- region is a whole country nobody knows which.
INSERT INTO release.links BY NAME
SELECT
    organisation.organisation_id AS from_id,
    cluster.cluster_id AS to_id,
    'serves' AS relation,
    'derived' AS feed_id,
    if(cluster.region_now = coalesce(region_now.now, organisation.region_id), 1.0, 0.9) AS score,
    'region and category' AS method,
    'accepted: works on ' || cluster.hub_category_id || ' in ' || organisation.region_id AS decision,
    'derived' AS route
FROM (SELECT *, unnest(categories) AS category FROM release.organisations) AS organisation
JOIN release.regions AS region USING (region_id)
LEFT JOIN region_now USING (region_id)
JOIN placed AS cluster
    ON cluster.hub_category_id = organisation.category
    AND cluster.country_code = organisation.country_code
    AND len(cluster.identified_by) > 0
    AND (
        cluster.region_now = coalesce(region_now.now, organisation.region_id)
        OR (region.scheme = 'nuts' AND starts_with(cluster.region_now, coalesce(region_now.now, organisation.region_id)))
    )
WHERE region.scheme <> 'country' AND NOT (region.scheme = 'nuts' AND length(region.code) = 2);

-- An initiative serves a cluster whose place and product its own words name.
INSERT INTO release.links BY NAME
WITH named AS (
    SELECT
        initiative_id,
        initiative.country_code,
        words_of(title) AS title_words,
        words_of(title || ' ' || coalesce(string_agg(location.admin_name, ' '), '')) AS all_words
    FROM release.initiatives AS initiative
    LEFT JOIN release.initiative_locations AS location USING (initiative_id)
    GROUP BY initiative_id, initiative.country_code, title
)
SELECT
    named.initiative_id AS from_id,
    told.cluster_id AS to_id,
    'serves' AS relation,
    'derived' AS feed_id,
    0.9 AS score,
    'place and product named' AS method,
    'accepted: names ' || coalesce(told.product, told.name) || ' and ' || told.place AS decision,
    'derived' AS route
FROM named
JOIN told USING (country_code)
WHERE len(place_words) > 0 AND list_has_all(all_words, place_words)
    AND (named.initiative_id, told.cluster_id) NOT IN (SELECT (from_id, to_id) FROM release.links)  -- its source says so
    AND len(list_filter(items, lambda item: list_has_all(title_words, item))) > 0;

-- Judgements by hand go before all rules, and are kept for pairs of which the release holds both ends.
DELETE FROM release.links
WHERE (from_id, to_id, relation) IN (SELECT (from_id, to_id, relation) FROM link_judgement)
    OR (to_id, from_id, relation) IN (SELECT (from_id, to_id, relation) FROM link_judgement);

INSERT INTO release.links BY NAME
SELECT
    from_id, to_id, relation, 'derived' AS feed_id, 'by hand' AS method, decision || ': ' || reason AS decision,
    'derived' AS route
FROM link_judgement
WHERE (from_id IN (SELECT cluster_id FROM placed) OR from_id IN (SELECT organisation_id FROM release.organisations)
        OR from_id IN (SELECT initiative_id FROM release.initiatives))
    AND to_id IN (SELECT cluster_id FROM placed);
