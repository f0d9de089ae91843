-- Themes of the founding paper: a cluster whose product names the product of a rule has the rule's theme, unless its
-- source states themes. Both are compared as words in lower case without accents and plural endings, and `&` in a rule
-- joins two products that each suffice: `Plastics` is named in `plastic products`, not in `bioplastic`.

CREATE OR REPLACE TEMP MACRO words(text) AS regexp_replace(
    regexp_replace(
        regexp_replace(lower(strip_accents(' ' || text || ' ')), '[^a-z0-9]+', ' ', 'g'), 'ies ', 'y ', 'g'
    ),
    '([^s ])s ', '\1 ', 'g'
);

UPDATE release.clusters
SET themes = given.themes
FROM (
    SELECT clusters.cluster_id, list(DISTINCT rule.theme ORDER BY rule.theme) AS themes
    FROM release.clusters AS clusters
    JOIN (
        SELECT theme, words(unnest(string_split(product, '&'))) AS named FROM release.theme_rules
    ) AS rule ON contains(words(clusters.product), rule.named)
    WHERE clusters.product IS NOT NULL AND clusters.themes IS NULL
    GROUP BY clusters.cluster_id
) AS given
WHERE given.cluster_id = clusters.cluster_id;
