"""Places as people write them → regions, as SQL macros for the programs of the feeds.

A program makes a gazetteer of its country, a relation of

- ``level``: ``state``, ``district`` or ``town``;
- ``within``: the region id of the state in which the name holds; null for a state itself;
- ``tier``: how good the name is. 1 to 3 are the region's name, its name in the code list, and other names of it; 4 to 6
  are the same of a region that was in this state once. A town has 1, or 4 where its state is such a one;
- ``name``, ``region_id``: a name that several regions share, a split district's for one, has a row for each of them.

``placed(wanted, gazetteer)`` takes the names of two relations, the first with the columns ``state``, ``district`` and
``place`` (texts, null or blank where nothing is stated). It gives one row for each distinct triple:

- ``state``, ``district``, ``place``: as they came; join on them with IS NOT DISTINCT FROM.
- ``state_id``: the region of the state, where its text is one.
- ``outcome``: ``matched``, ``ambiguous`` or ``unmatched``, of the finest text that is stated. A triple with nothing but
  a state is matched with the state.
- ``region_id``: the district, or the state; null unless matched.
- ``basis``: how it was matched: ``name``, ``alias``, ``town``, ``parts`` (each part of the text names it),
  ``spelling``, ``place`` (the place decided between the districts of a shared name) or ``state``.
- ``candidates``: list of {region_id, name, near, likeness}; empty where matched. First the regions that a text or a
  part of it names (``near`` is null); where it is unmatched, also the five regions with the nearest names: ``near`` is
  the name, a town's for one, and ``likeness`` its Jaro-Winkler similarity, 0 to 1.
- ``why``: the reason in words, where it is not matched.

It never chooses between two. The rules:

1. Names are compared by ``name_key``: without case, accents, blanks and signs, `&` as `and`, without the word district.
2. A state must be stated; without it only a district's text is matched, and only where nothing else in the gazetteer
   has the name.
3. A district's text is looked up among the names of districts, best tier first, then among towns. A place's text is
   looked up among all of them at once, so that a town and the districts that a split left with its name stay apart;
   what was in the state once comes second.
4. A text that is no name is read by its parts (`Namakkal-Tiruchengode`): each must be a name, and all must agree.
5. A district's text that is still unknown matches a district of the stated state that it spells otherwise
   (``same_but_spelling``), if no other district there is within two edits more. A place's text never does: villages
   have names that differ by a letter from a district's. A state's text may be spelled otherwise in the same way.
"""

from __future__ import annotations

MACROS = r"""
-- What is left of a name when it is compared; null where that is nothing.
CREATE MACRO name_key(text) AS nullif(replace(
    regexp_replace(
        regexp_replace(replace(lower(strip_accents(text)), '&', ' and '), '[^\p{L}\p{M}\p{N}]+', ' ', 'g'),
        '\b(the|district|distt|dist)\b', '', 'g'
    ),
    ' ', ''
), '');

-- The consonants of a key: vowels, y, h and doubled letters come and go when Indian names are written in Latin letters.
CREATE MACRO consonants(key) AS list_aggregate(
    list_filter(
        string_split(regexp_replace(replace(key, 'w', 'v'), '[aeiouyh]', '', 'g'), ''),
        lambda letter, place: place = 1
            OR letter <> regexp_replace(replace(key, 'w', 'v'), '[aeiouyh]', '', 'g')[place - 1]
    ),
    'string_agg', ''
);

-- Two keys, with their consonants, are spellings of one name: first letter and consonants are the same, at least three
-- of these, and one edit leads from one to the other (Damerau-Levenshtein), or two where both have ten letters. Names
-- of less than six letters have too many neighbours.
CREATE MACRO same_but_spelling(a, consonants_a, b, consonants_b) AS
    least(length(a), length(b)) >= 6
    AND left(a, 1) = left(b, 1)
    AND consonants_a = consonants_b
    AND length(consonants_a) >= 3
    AND damerau_levenshtein(a, b) <= CASE WHEN least(length(a), length(b)) >= 10 THEN 2 ELSE 1 END;

-- Edits between two keys as far as they matter here; lengths that differ by five are that many edits at least.
CREATE MACRO edits_between(a, b) AS
    CASE WHEN abs(length(a) - length(b)) < 5 THEN damerau_levenshtein(a, b) ELSE abs(length(a) - length(b)) END;

CREATE MACRO placed(wanted, gazetteer) AS TABLE
WITH names AS MATERIALIZED (
    SELECT *, consonants(key) AS sound
    FROM (SELECT DISTINCT level, within, tier, name, region_id, name_key(name) AS key FROM query_table(gazetteer))
    WHERE key IS NOT NULL
),
region AS (SELECT region_id, arg_min(name, tier) AS name FROM names WHERE level <> 'town' GROUP BY region_id),
asked AS MATERIALIZED (
    SELECT *, row_number() OVER (ORDER BY state, district, place) AS ask, name_key(state) AS state_key
    FROM (SELECT DISTINCT state, district, place FROM query_table(wanted))
),

-- The state.
state_named AS (
    SELECT ask, region_id, 0 AS edits FROM asked JOIN names ON names.level = 'state' AND names.key = asked.state_key
),
state_spelt AS (
    SELECT ask, region_id, min(edits_between(key, state_key)) AS edits,
        bool_or(same_but_spelling(key, names.sound, state_key, unknown.sound)) AS same
    FROM (
        SELECT ask, state_key, consonants(state_key) AS sound FROM asked ANTI JOIN state_named USING (ask)
        WHERE state_key IS NOT NULL
    ) AS unknown
    JOIN names ON names.level = 'state'
    GROUP BY ALL
),
state_read AS (
    SELECT ask, list_sort(list(DISTINCT region_id)) AS regions FROM state_named GROUP BY ask
    UNION ALL
    SELECT ask, [region_id] FROM state_spelt AS best
    WHERE same AND NOT EXISTS (
        FROM state_spelt AS other
        WHERE other.ask = best.ask AND other.region_id <> best.region_id AND other.edits < best.edits + 2
    )
),
stated AS MATERIALIZED (
    SELECT
        asked.*,
        CASE WHEN len(regions) = 1 THEN regions[1] END AS state_id,
        state_key IS NULL AS stateless,
        regions AS state_regions
    FROM asked LEFT JOIN state_read USING (ask)
),

-- District and place, whole (part 0) and in their parts.
field AS (
    SELECT ask, state_id, stateless, 'district' AS field, district AS text FROM stated
    WHERE name_key(district) IS NOT NULL
    UNION ALL
    SELECT ask, state_id, stateless, 'place', place FROM stated WHERE name_key(place) IS NOT NULL
),
split AS (
    SELECT ask, state_id, stateless, field, unnest(parts) AS key, generate_subscripts(parts, 1) AS part
    FROM (
        SELECT *, list_filter(
            list_transform(
                regexp_split_to_array(text, '(?i)[][,;/|()–—-]+|\s+(and|&)\s+'), lambda piece: name_key(piece)
            ),
            lambda piece: piece IS NOT NULL
        ) AS parts FROM field
    )
    WHERE len(parts) > 1
),
part AS MATERIALIZED (
    SELECT ask, state_id, stateless, field, 0 AS part, name_key(text) AS key FROM field
    UNION ALL
    SELECT ask, state_id, stateless, field, part, key FROM split
),
hit AS (
    SELECT part.ask, part.field, part.part, names.region_id, names.level, names.tier,
        CASE
            WHEN stateless THEN 0
            WHEN field = 'place' THEN CASE WHEN tier <= 3 THEN 0 ELSE 1 END
            ELSE CASE level WHEN 'town' THEN 10 ELSE 0 END + tier
        END AS rank
    FROM part JOIN names USING (key)
    WHERE names.level <> 'state' AND (names.within = part.state_id OR part.stateless)
),
best AS MATERIALIZED (
    SELECT ask, field, part, list_sort(list(DISTINCT region_id)) AS regions,
        CASE WHEN bool_and(level = 'town') THEN 'town' WHEN min(tier) IN (3, 6) THEN 'alias' ELSE 'name' END AS basis
    FROM (FROM hit QUALIFY rank = min(rank) OVER (PARTITION BY ask, field, part))
    GROUP BY ALL
),
-- The state's own name in a text tells nothing more, unless a district or town has it.
told AS MATERIALIZED (
    SELECT part.*, best.regions, best.basis
    FROM part LEFT JOIN best USING (ask, field, part)
    WHERE best.regions IS NOT NULL OR NOT EXISTS (
        FROM names WHERE names.level = 'state' AND names.region_id = part.state_id AND names.key = part.key
    )
),
shared AS (
    SELECT
        ask, field,
        list_sort(list(region_id)) AS every,
        list_sort(list(region_id) FILTER (parts = total)) AS common,
        bool_or(known < total) AS unknown
    FROM (
        SELECT ask, field, total, known, region_id, count(*) AS parts
        FROM (
            SELECT ask, field, total, known, unnest(regions) AS region_id
            FROM (
                SELECT *, count(*) OVER texts AS total, count(regions) OVER texts AS known FROM told WHERE part > 0
                WINDOW texts AS (PARTITION BY ask, field)
            )
        )
        GROUP BY ALL
    )
    GROUP BY ALL
),
read AS MATERIALIZED (
    SELECT
        field.ask, field.field, field.text, field.state_id,
        whole.ask IS NULL AS only_state,
        CASE
            WHEN whole.regions IS NOT NULL THEN whole.regions
            WHEN NOT shared.unknown THEN coalesce(shared.common, shared.every)
        END AS regions,
        coalesce(whole.regions, shared.every) AS hints,
        CASE WHEN whole.regions IS NOT NULL THEN whole.basis ELSE 'parts' END AS basis
    FROM field
    LEFT JOIN (FROM told WHERE part = 0) AS whole USING (ask, field)
    LEFT JOIN shared USING (ask, field)
),

-- Other spellings of a district.
spelt AS MATERIALIZED (
    SELECT ask, region_id, min(edits_between(names.key, unknown.key)) AS edits,
        bool_or(same_but_spelling(names.key, names.sound, unknown.key, unknown.sound)) AS same
    FROM (
        SELECT ask, state_id, name_key(text) AS key, consonants(name_key(text)) AS sound FROM read
        WHERE field = 'district' AND hints IS NULL AND NOT only_state AND state_id IS NOT NULL
    ) AS unknown
    JOIN names ON names.level = 'district' AND names.within = unknown.state_id AND names.tier <= 3
    GROUP BY ALL
),
spelling AS (
    SELECT ask, region_id FROM spelt AS nearest
    WHERE same AND NOT EXISTS (
        FROM spelt AS other
        WHERE other.ask = nearest.ask AND other.region_id <> nearest.region_id AND other.edits < nearest.edits + 2
    )
),

-- What the texts say together. `only_state`: the text is the state's own name, and says no more.
judged AS MATERIALIZED (
    SELECT
        stated.*,
        by_district.ask IS NOT NULL AND NOT by_district.only_state AS has_district,
        by_place.ask IS NOT NULL AND NOT by_place.only_state AS has_place,
        spelling.region_id AS spelling,
        by_district.regions AS of_district,
        by_place.regions AS of_place,
        coalesce(by_district.hints, []) || coalesce(by_place.hints, []) AS hints,
        by_district.basis AS district_basis,
        by_place.basis AS place_basis,
        CASE WHEN name_key(place) <> name_key(district)
            THEN list_intersect(coalesce(by_district.regions, []), coalesce(by_place.regions, [])) ELSE [] END AS agreed
    FROM stated
    LEFT JOIN (FROM read WHERE field = 'district') AS by_district USING (ask)
    LEFT JOIN (FROM read WHERE field = 'place') AS by_place USING (ask)
    LEFT JOIN spelling USING (ask)
),
outcome AS MATERIALIZED (
    SELECT
        *,
        CASE
            WHEN NOT stateless AND state_id IS NULL THEN NULL
            WHEN has_district THEN CASE
                WHEN len(of_district) = 1 THEN of_district[1]
                WHEN len(of_district) > 1 AND len(agreed) = 1 THEN agreed[1]
                ELSE spelling
            END
            WHEN has_place THEN CASE WHEN len(of_place) = 1 AND NOT stateless THEN of_place[1] END
            ELSE state_id
        END AS region_id,
        CASE
            WHEN NOT stateless AND state_id IS NULL THEN state_regions
            WHEN has_district THEN of_district
            WHEN has_place THEN of_place
        END AS several
    FROM judged
),
named AS (
    SELECT DISTINCT ask, unnest(CASE WHEN len(several) > 0 THEN several ELSE hints END) AS region_id
    FROM outcome WHERE region_id IS NULL
),
sought AS (
    SELECT ask, true AS of_state, NULL AS within, state_key AS key FROM outcome
    WHERE region_id IS NULL AND NOT stateless AND state_id IS NULL
    UNION ALL
    SELECT ask, false, outcome.state_id, key FROM outcome JOIN told USING (ask)
    WHERE region_id IS NULL AND (outcome.stateless OR outcome.state_id IS NOT NULL) AND len(coalesce(several, [])) < 2
),
near AS (
    SELECT ask, region_id, arg_max(name, (likeness, name)) AS near, max(likeness) AS likeness
    FROM (
        SELECT ask, region_id, name, round(jaro_winkler_similarity(names.key, sought.key), 3) AS likeness
        FROM sought JOIN names ON (level = 'state') = of_state AND tier <= 3
            AND (sought.within IS NULL OR names.within = sought.within)
    )
    GROUP BY ALL
),
candidates AS (
    SELECT
        ask,
        list(
            {'region_id': region_id, 'name': name, 'near': near, 'likeness': likeness}
            ORDER BY near IS NOT NULL, likeness DESC, region_id
        ) AS candidates
    FROM (
        SELECT ask, region_id, NULL AS near, 1.0::DOUBLE AS likeness FROM named
        UNION ALL
        FROM (FROM near QUALIFY row_number() OVER (PARTITION BY ask ORDER BY likeness DESC, region_id) <= 5)
        ANTI JOIN named USING (ask, region_id)
    )
    JOIN region USING (region_id)
    GROUP BY ask
)
SELECT
    state, district, place, state_id,
    CASE
        WHEN region_id IS NOT NULL THEN 'matched'
        WHEN len(several) > 1 THEN 'ambiguous'
        ELSE 'unmatched'
    END AS outcome,
    region_id,
    CASE
        WHEN region_id IS NULL THEN NULL
        WHEN has_district AND len(of_district) = 1 THEN district_basis
        WHEN has_district AND len(of_district) > 1 THEN 'place'
        WHEN has_district THEN 'spelling'
        WHEN has_place THEN place_basis
        ELSE 'state'
    END AS basis,
    coalesce(candidates, []) AS candidates,
    CASE
        WHEN region_id IS NOT NULL THEN NULL
        WHEN len(several) > 1 THEN 'several regions have this name'
        WHEN NOT stateless AND state_id IS NULL THEN 'the state is not known'
        WHEN NOT has_district AND NOT has_place THEN 'nothing is stated'
        WHEN stateless AND NOT has_district THEN 'a place is stated and no state'
        ELSE 'no region has this name'
    END AS why
FROM outcome LEFT JOIN candidates USING (ask)
ORDER BY ask;
"""
"""Macros that every SQL program may use."""
