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

CREATE OR REPLACE TEMP MACRO stems_of(text) AS list_filter(
    list_transform(regexp_split_to_array(folded(text), '[^a-z0-9]+'), lambda word: stem(word)),
    lambda word: NOT is_empty_word(word)
);

-- What the list of other words says (trade_words.csv): `same` words of a trade or place are read as one, in the order of their
-- length, and a `part` is a trade that lists also call by the wider word (knitters are `textiles` of their town). Each is a
-- text ` from > to `, for lists are reduced without a join.
CREATE OR REPLACE TEMP TABLE other_words AS
SELECT
    coalesce(list(told ORDER BY length(told) DESC, told) FILTER (relation = 'same'), []) AS trades,
    coalesce(list(told ORDER BY length(told) DESC, told) FILTER (relation = 'place'), []) AS places,
    coalesce(list(told ORDER BY told) FILTER (relation = 'part'), []) AS parts
FROM (
    SELECT
        relation,
        ' ' || array_to_string(stems_of(words), ' ') || ' > ' || array_to_string(stems_of(means), ' ') || ' ' AS told
    FROM trade_word
);

CREATE OR REPLACE TEMP MACRO reworded(stems, others) AS string_split(
    trim(list_reduce(
        list_prepend(' ' || array_to_string(stems, ' ') || ' ', others),
        lambda text, other: replace(text, string_split(other, '>')[1], string_split(other, '>')[2])
    )), ' '
);

CREATE OR REPLACE TEMP MACRO words_of(text) AS list_distinct(list_filter(
    list_transform(regexp_split_to_array(folded(text), '[^a-z0-9]+'), lambda word: stem(word)),
    lambda word: length(word) > 2
));

CREATE OR REPLACE TEMP MACRO place_words_of(text, places) AS list_distinct(list_filter(
    reworded(words_of(text), places), lambda word: length(word) > 2
));

-- `brass and copper utensils` are brass utensils too.
CREATE OR REPLACE TEMP MACRO items_of(text, place, trades) AS list_distinct(list_filter(
    list_transform(
        regexp_split_to_array(
            regexp_replace(
                regexp_replace(folded(text), '\([^)]*\)', ' '),
                '\b(\w+)\s*(&|\band\b)\s*(\w+) (\w+)', '\1, \1 \4, \3 \4', 'g'
            ), '[,;/&+]|\band\b| - '
        ),
        lambda item: reworded(list_filter(stems_of(item), lambda word: NOT list_contains(words_of(place), word)),
            trades)
    ),
    lambda item: len(item) > 0 AND item[1] <> ''
));

-- 1 where both have equal items only, 0.9 where some item of one is an item of the other, 0.85 where one is the wider word for
-- an item of the other, else 0.
CREATE OR REPLACE TEMP MACRO is_item(one, other) AS one[-1] = other[-1]
    AND (list_has_all(one, other) OR list_has_all(other, one));
CREATE OR REPLACE TEMP MACRO is_part(one, other, parts) AS
    list_contains(parts, ' ' || array_to_string(one, ' ') || ' > ' || array_to_string(other, ' ') || ' ')
    OR list_contains(parts, ' ' || one[-1] || ' > ' || array_to_string(other, ' ') || ' ');
CREATE OR REPLACE TEMP MACRO likeness(ones, others, parts) AS CASE
    WHEN len(ones) = 0 OR len(others) = 0 THEN 0.0
    WHEN list_has_all(ones, others) AND list_has_all(others, ones) THEN 1.0
    WHEN len(list_filter(ones, lambda one: len(list_filter(others, lambda other: is_item(one, other))) > 0)) > 0 THEN 0.9
    WHEN len(list_filter(ones, lambda one:
        len(list_filter(others, lambda other: is_part(one, other, parts) OR is_part(other, one, parts))) > 0)) > 0 THEN 0.85
    ELSE 0.0
END;

-- Words of two places that agree: all of one are in the other.
CREATE OR REPLACE TEMP MACRO agree(ones, others) AS len(ones) > 0 AND len(others) > 0
    AND (list_has_all(ones, others) OR list_has_all(others, ones));
-- Two names of one town: some words are spelt alike (Jaro-Winkler, as places.py uses it for what it only proposes).
CREATE OR REPLACE TEMP MACRO alike(ones, others) AS len(list_filter(ones, lambda one:
    len(list_filter(others, lambda other: jaro_winkler_similarity(one, other) >= 0.88)) > 0)) > 0;

CREATE OR REPLACE TEMP TABLE told AS
SELECT
    * EXCLUDE (stated, trades, places, parts),
    place_words_of(stated[1], places) AS place_words,
    CASE WHEN len(stated) > 1 THEN place_words_of(stated[-1], places) ELSE [] END AS state_words,
    -- A town is stated where the district stands beside it.
    CASE WHEN len(stated) > 2 THEN place_words_of(stated[1], places) ELSE [] END AS town_words,
    items_of(name, place, trades) AS name_items,
    list_distinct(items_of(product, place, trades) || items_of(name, place, trades)) AS items,
    -- A district, a metropolitan area, a NUTS region below the country: places in which one cluster of a trade can be.
    CASE WHEN level IN ('in:district', 'us:msa', 'us:county', 'ca:cma', 'nuts:2', 'nuts:3') THEN region_now END AS near
FROM (SELECT *, string_split(coalesce(place, ''), ',') AS stated FROM placed WHERE kind <> 'cell')
CROSS JOIN other_words;

INSERT INTO release.links BY NAME
WITH near_pair AS (
    SELECT
        one.cluster_id AS from_id,
        other.cluster_id AS to_id,
        one.feed_id = other.feed_id AS of_one_feed,
        likeness(one.items, other.items, parts) AS score,
        likeness(one.name_items, other.name_items, parts) AS name_score,
        one.near IS NOT NULL AND one.near = other.near AS one_region,
        coalesce(one.near, one.place) AS at_place
    FROM told AS one
    JOIN told AS other
        ON one.country_code = other.country_code
        AND one.cluster_id < other.cluster_id
        AND CASE
            -- One district, unless each states another town of it.
            WHEN one.near IS NOT NULL AND one.near = other.near THEN
                len(one.town_words) = 0 OR len(other.town_words) = 0 OR alike(one.town_words, other.town_words)
            -- Districts are split and renamed: one town of one state is one place, and where a list knows no district,
            -- the words decide. Towns of one name stand in several states.
            ELSE agree(one.place_words, other.place_words)
                AND (len(one.state_words) = 0 OR len(other.state_words) = 0
                    OR list_has_any(one.state_words, other.state_words))
                AND (one.near IS NULL OR other.near IS NULL
                    -- A town that one of them states, and a state that both do, hold where the district has changed.
                    OR len(one.town_words) + len(other.town_words) > 0
                    AND len(one.state_words) > 0 AND len(other.state_words) > 0)
        END
    CROSS JOIN other_words
)
SELECT
    from_id,
    to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    CASE WHEN one_region THEN score ELSE score - 0.05 END AS score,
    'place and product' AS method,
    CASE WHEN score > 0.85 THEN 'accepted: one trade in ' ELSE 'accepted: one trade, told by a wider word, in ' END || at_place
        AS decision,
    'derived' AS route
FROM near_pair
-- One list names a cluster twice only in the same words.
WHERE CASE WHEN of_one_feed THEN greatest(score, name_score) = 1.0 ELSE score >= 0.85 END;

-- A cluster that somebody surveyed or documented is a cell of the same category whose region has its name.
INSERT INTO release.links BY NAME
SELECT
    told.cluster_id AS from_id,
    cell.cluster_id AS to_id,
    'same_as' AS relation,
    'derived' AS feed_id,
    CASE WHEN told.region_now = cell.region_now THEN 0.95 ELSE 0.9 END AS score,
    'place and category' AS method,
    'accepted: both are ' || told.hub_category_id || ' in ' || region.name AS decision,
    'derived' AS route
FROM told
JOIN placed AS cell
    ON cell.country_code = told.country_code AND cell.same_category_id = told.hub_category_id
JOIN release.regions AS region ON region.region_id = cell.region_now
LEFT JOIN release.regions AS state
    ON state.scheme = 'us:state' AND lower(state.name) = lower(trim(string_split(told.place, ',')[-1]))
WHERE cell.kind = 'cell' AND len(cell.identified_by) > 0
    AND CASE
        WHEN told.region_now = cell.region_now THEN cell.level IN ('us:msa', 'ca:cma', 'ca:pr', 'nuts:2')
        -- Cities of a region are parted by hyphens; Wichita is not in Wichita Falls.
        WHEN told.near IS NULL AND cell.level IN ('us:msa', 'ca:cma', 'nuts:2') THEN
            len(place_words) > 0
            AND list_contains(
                list_transform(
                    string_split(regexp_replace(string_split(region.name, ',')[1], '\(.*\)', ''), '-'),
                    lambda city: array_to_string(list_sort(words_of(city)), ' ')
                ),
                array_to_string(list_sort(place_words), ' ')
            )
            -- The state stands behind the cities: Columbia, SC is not Columbia, MO.
            AND (
                state.iso_3166_2 IS NULL OR cell.level <> 'us:msa'
                OR list_contains(
                    string_split(trim(string_split(region.name, ',')[-1]), '-'), right(state.iso_3166_2, 2)
                )
            )
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

-- Where no region was found for it, or the region is a whole country, its own words may say where: they name the region of the
-- cluster (the first city, of several), or all of the country.
INSERT INTO release.links BY NAME
WITH body AS (
    SELECT
        organisation_id, country_code, category, name_words, whole_country,
        words_of(string_split(coalesce(place, ''), ',')[1]) AS place_words
    FROM (
        SELECT
            organisation.*, unnest(categories) AS category, words_of(organisation.name) AS name_words,
            -- Names of the country in the list of regions, in whatever language.
            EXISTS (
                FROM release.regions AS country
                WHERE country.country_code = organisation.country_code
                    AND (country.scheme = 'country' OR country.scheme = 'nuts' AND length(country.code) = 2)
                    AND len(words_of(country.name)) > 0
                    AND list_has_all(words_of(organisation.name), words_of(country.name))
            ) AS whole_country
        FROM release.organisations AS organisation
        LEFT JOIN release.regions AS region USING (region_id)
        WHERE region.region_id IS NULL OR region.scheme = 'country'
            OR region.scheme = 'nuts' AND length(region.code) = 2
    )
),
area AS (
    SELECT
        region_id, country_code, name, scheme, code, valid_to,
        words_of(regexp_replace(string_split(string_split(name, ',')[1], '-')[1], '\(.*\)', '')) AS words
    FROM release.regions
    WHERE scheme NOT IN ('country', 'us:county') AND NOT (scheme = 'nuts' AND length(code) = 2) AND successor IS NULL
),
named AS (
    SELECT organisation_id, area.*
    FROM (SELECT DISTINCT organisation_id, country_code, name_words, place_words FROM body)
    JOIN area USING (country_code)
    WHERE len(words) > 0 AND (list_has_all(name_words, words) OR list_sort(place_words) = list_sort(words))
),
-- Who names New York does not name York, nor who names West Virginia Virginia; and which Rochester is meant nobody knows.
named_area AS (
    FROM named AS one
    WHERE NOT EXISTS (
        FROM named AS other
        WHERE other.organisation_id = one.organisation_id AND list_has_all(other.words, one.words)
            AND (len(other.words) > len(one.words)
                OR other.scheme = one.scheme AND other.valid_to IS NULL  -- but a region that has the name of the one above it
                AND NOT starts_with(other.code, one.code) AND NOT starts_with(one.code, other.code))
    )
)
SELECT
    body.organisation_id AS from_id,
    cluster.cluster_id AS to_id,
    'serves' AS relation,
    'derived' AS feed_id,
    CASE WHEN named_area.name IS NOT NULL THEN 0.85 ELSE 0.8 END AS score,
    'own words and category' AS method,
    'accepted: works on ' || cluster.hub_category_id || ' and names ' || coalesce(named_area.name, cluster.country_code)
        AS decision,
    'derived' AS route
FROM body
JOIN placed AS cluster
    ON cluster.hub_category_id = body.category AND cluster.country_code = body.country_code
    AND len(cluster.identified_by) > 0
LEFT JOIN named_area
    ON named_area.organisation_id = body.organisation_id AND named_area.region_id = cluster.region_now
WHERE named_area.region_id IS NOT NULL OR body.whole_country;

-- An initiative serves a cluster whose place and product its own words name; one that states no place serves the clusters of
-- its trade in its country, if its words name a trade and no place of a cluster there.
INSERT INTO release.links BY NAME
WITH worded AS (
    SELECT
        initiative_id,
        initiative.country_code,
        reworded(stems_of(title), any_value(trades)) AS title_words,
        place_words_of(title || ' ' || coalesce(string_agg(location.admin_name, ' ' ORDER BY seq), ''), any_value(places)) AS all_words,
        count(location.admin_name) = 0 AS placeless
    FROM release.initiatives AS initiative
    LEFT JOIN release.initiative_locations AS location USING (initiative_id)
    CROSS JOIN other_words
    GROUP BY initiative_id, initiative.country_code, title
),
place AS (SELECT DISTINCT country_code, place_words FROM told WHERE len(place_words) > 0),
named AS (
    SELECT
        worded.* EXCLUDE (placeless),
        placeless AND NOT EXISTS (
            FROM place WHERE place.country_code = worded.country_code AND list_has_all(all_words, place.place_words)
        ) AS of_country
    FROM worded
)
SELECT
    named.initiative_id AS from_id,
    told.cluster_id AS to_id,
    'serves' AS relation,
    'derived' AS feed_id,
    CASE WHEN of_country THEN 0.8 ELSE 0.9 END AS score,
    CASE WHEN of_country THEN 'product named, in the country' ELSE 'place and product named' END AS method,
    'accepted: names ' || coalesce(told.product, told.name) || ' and '
        || CASE WHEN of_country THEN 'is for all of ' || named.country_code ELSE told.place END AS decision,
    'derived' AS route
FROM named
JOIN told USING (country_code)
CROSS JOIN other_words
-- A word that names no trade, such as `rural`, is not what a scheme of the country is for.
WHERE (of_country AND told.hub_category_id IS NOT NULL OR len(place_words) > 0 AND list_has_all(all_words, place_words))
    AND (named.initiative_id, told.cluster_id) NOT IN (SELECT (from_id, to_id) FROM release.links)  -- its source says so
    AND len(list_filter(items, lambda item:
        list_has_all(title_words, item) AND NOT list_has_any(item, ['technology', 'tech', 'innovation', 'engineer'])
        OR of_country AND len(list_filter(title_words, lambda word: is_part(item, [word], parts))) > 0
    )) > 0;

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
