-- The hub category of clusters whose feed states none: by the mapping of their class, else by the words of their product.
--
-- 1. A class with an exact, close or broad match has that category; of several the nearest and surest. A class that is
--    only wider than a category (narrowMatch) or related to it has none: a sum over it could not be undone.
-- 2. A product is read as words. Names of the schemes `product` and `material` are looked for in it, and the longer one
--    goes before those inside it. A name has parts (`and`, commas). Of each part its head counts: what stands last, but
--    before `of` or `for`, for steel furniture is furniture and packaging machinery is machinery. A material, or a way of
--    making such as handicrafts, counts only where no product is named. The parts must agree, else the name is
--    ambiguous. A product without a mapping is known to be in no category. The name of a category or subcluster of the
--    hub, if it is all of the name, goes before the rest.

-- Words in lower case, parted by one blank, without accents; American spelling; singular; `and` for what joins words.
CREATE OR REPLACE TEMP MACRO folded_name(text) AS (' ' || text || ' ')
    .lower().strip_accents()
    .regexp_replace('[''’]', '', 'g')
    .regexp_replace('[&,;/+]', ' and ', 'g')
    .regexp_replace('[^a-z0-9]+', ' ', 'g')
    .regexp_replace('jewell?[ea]r+y', 'jewelry', 'g')
    .regexp_replace('wool+en', 'woolen', 'g')
    .regexp_replace('(vulcan|galvan|anod|fertil)is', '\1iz', 'g')
    .replace('defence', 'defense').replace('fibre', 'fiber').replace('mould', 'mold').replace('aluminium', 'aluminum')
    .replace(' tyre', ' tire').replace(' grey', ' gray').replace('colour', 'color')
    .regexp_replace('ies ', 'y ', 'g')
    .regexp_replace('(ch|sh|ss|x)es ', '\1 ', 'g')
    .regexp_replace('([^s ])s ', '\1 ', 'g')
    .trim();

-- The one category of the hub that a class is mapped to; null where its best mappings disagree.
CREATE OR REPLACE TEMP TABLE class_hub AS
SELECT
    from_category_id AS category_id,
    CASE count(DISTINCT to_category_id) WHEN 1 THEN any_value(to_category_id) END AS hub_category_id
FROM (
    SELECT
        from_category_id,
        regexp_replace(to_category_id, '[.].*$', '') AS to_category_id,
        list_position(['exactMatch', 'closeMatch', 'broadMatch'], relation) AS distance,
        coalesce(confidence, 0) AS confidence
    FROM release.category_mappings
    WHERE starts_with(to_category_id, 'bcd:')
)
WHERE distance > 0
GROUP BY category_id, distance, confidence
QUALIFY row_number() OVER (PARTITION BY category_id ORDER BY distance, confidence DESC) = 1;

CREATE OR REPLACE TEMP TABLE known_name AS
SELECT folded_name(name) AS words, category_id, scheme, hub_category_id
FROM release.categories LEFT JOIN class_hub USING (category_id)
WHERE scheme IN ('product', 'material')
UNION ALL
SELECT folded_name(name), category_id, 'hub', regexp_replace(category_id, '[.].*$', '')
FROM release.categories WHERE scheme = 'bcd';

-- What is to be read: the product; without one the name of a cluster that has no class either.
CREATE OR REPLACE TEMP TABLE unread AS
SELECT DISTINCT
    coalesce(product, CASE WHEN category_id IS NULL THEN name END) AS text,
    string_split(folded_name(text), ' ') AS words
FROM release.clusters
LEFT JOIN class_hub USING (category_id)
WHERE clusters.hub_category_id IS NULL AND class_hub.hub_category_id IS NULL AND kind <> 'cell' AND text IS NOT NULL;

-- Every run of up to six words that is a known name.
CREATE OR REPLACE TEMP TABLE found_name AS
SELECT text, place, place + length - 1 AS last, category_id, scheme, hub_category_id
FROM (
    SELECT text, words, place, unnest(range(1, least(6, len(words) - place + 1) + 1)) AS length
    FROM (SELECT text, words, unnest(range(1, len(words) + 1)) AS place FROM unread)
) AS run
JOIN known_name AS known ON known.words = array_to_string(run.words[place : place + length - 1], ' ')
WHERE known.scheme <> 'hub' OR length = len(run.words);

-- Of these the longest ones; where the whole is a name of the hub, that alone.
CREATE OR REPLACE TEMP TABLE longest_name AS
SELECT *
FROM found_name AS found
WHERE NOT EXISTS (
    FROM found_name AS longer
    WHERE longer.text = found.text AND longer.place <= found.place AND longer.last >= found.last
        AND longer.last - longer.place > found.last - found.place
)
QUALIFY (scheme = 'hub') = bool_or(scheme = 'hub') OVER (PARTITION BY text);

-- The head of each part.
CREATE OR REPLACE TEMP TABLE head_name AS
WITH joint AS (  -- words that part a name, unless they stand inside of one that was found
    SELECT text, place, word
    FROM (SELECT text, unnest(range(1, len(words) + 1)) AS place, unnest(words) AS word FROM unread) AS spoken
    WHERE word IN ('and', 'of', 'for', 'from', 'in', 'with')
        AND NOT EXISTS (
            FROM longest_name AS found
            WHERE found.text = spoken.text AND spoken.place BETWEEN found.place AND found.last
        )
),
placed AS (
    SELECT
        found.*,
        count(joint.place) FILTER (word = 'and') AS part,
        coalesce(max(joint.place) FILTER (word <> 'and') > coalesce(max(joint.place) FILTER (word = 'and'), 0), false)
            AS behind
    FROM longest_name AS found
    LEFT JOIN joint ON joint.text = found.text AND joint.place < found.place
    GROUP BY ALL
)
FROM (
    FROM placed
    QUALIFY rank() OVER (
        PARTITION BY text, part
        ORDER BY scheme = 'material', scheme = 'material' AND hub_category_id IS NULL, behind, last DESC
    ) = 1
)
QUALIFY (scheme = 'material') = bool_and(scheme = 'material') OVER (PARTITION BY text);

CREATE OR REPLACE TEMP TABLE hub_of_text AS
SELECT
    text,
    CASE count(DISTINCT coalesce(hub_category_id, 'none')) WHEN 1 THEN any_value(hub_category_id) END AS hub_category_id,
    CASE
        WHEN count(DISTINCT coalesce(hub_category_id, 'none')) > 1 THEN 'ambiguous'
        WHEN any_value(hub_category_id) IS NULL THEN 'unmatched'
        ELSE 'matched'
    END AS match,
    list(DISTINCT category_id ORDER BY category_id) FILTER (category_id IS NOT NULL) AS basis
FROM unread LEFT JOIN head_name USING (text)
GROUP BY text;

UPDATE release.clusters
SET
    hub_category_id = found.hub_category_id,
    hub_category_match = found.match,
    hub_category_basis = found.basis
FROM (
    SELECT
        cluster_id,
        coalesce(class_hub.hub_category_id, hub_of_text.hub_category_id) AS hub_category_id,
        CASE WHEN class_hub.hub_category_id IS NULL THEN coalesce(match, 'unmatched') ELSE 'mapped' END AS match,
        CASE WHEN class_hub.hub_category_id IS NOT NULL THEN [category_id] ELSE hub_of_text.basis END AS basis
    FROM release.clusters
    LEFT JOIN class_hub USING (category_id)
    LEFT JOIN hub_of_text ON hub_of_text.text = coalesce(product, CASE WHEN category_id IS NULL THEN name END)
        AND kind <> 'cell'
    WHERE clusters.hub_category_id IS NULL AND (category_id IS NOT NULL OR kind <> 'cell')
) AS found
WHERE found.cluster_id = clusters.cluster_id;
