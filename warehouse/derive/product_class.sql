-- Product classes of the founding paper, where the source states none: by the words of the product (of the name, where no
-- product is stated), else by the hub category. The rules are a table by hand, product_classes.csv. High-tech and
-- traditional follow Eurostat's aggregation of manufacturing by technological intensity: high technology, and low or
-- medium-low technology. What lies between (chemicals, machinery, vehicles) has no class, nor has what names two.
-- Words are compared as the themes are (themes.sql, macro words).

CREATE OR REPLACE TEMP TABLE product_class_word AS
SELECT unnest(string_split(names, '|')) AS name, product_class FROM product_class_rule WHERE kind = 'word';

CREATE OR REPLACE TEMP TABLE product_class_found AS
WITH spoken AS (
    SELECT DISTINCT coalesce(product, name) AS text
    FROM release.clusters
    WHERE product_class IS NULL AND kind <> 'cell' AND coalesce(product, name) IS NOT NULL
),
named AS (
    SELECT
        text,
        list(DISTINCT product_class ORDER BY product_class) FILTER (product_class IS NOT NULL) AS classes,
        list(DISTINCT 'word:' || rule.name ORDER BY 'word:' || rule.name) FILTER (product_class IS NOT NULL) AS basis,
        bool_or(product_class IS NULL) AS is_other
    FROM spoken
    JOIN product_class_word AS rule ON contains(words(text), words(rule.name))
    GROUP BY text
),
by_word AS (
    SELECT
        text,
        basis,
        CASE
            WHEN len(classes) = 1 THEN classes[1]
            -- A household makes by hand what others make in a factory: `handloom textiles` are handloom.
            WHEN list_has_any(classes, ['high_tech', 'service']) THEN NULL
            WHEN list_has_all(classes, ['handicraft', 'handloom']) THEN 'micro'
            ELSE list_filter(['handloom', 'handicraft', 'micro'], lambda class: list_contains(classes, class))[1]
        END AS product_class
    FROM named
    WHERE NOT is_other AND len(classes) > 0
),
by_category AS (
    SELECT unnest(string_split(names, '|')) AS hub_category_id, product_class
    FROM product_class_rule
    WHERE kind = 'category'
)
SELECT
    cluster_id,
    if(by_word.text IS NULL, by_category.product_class, by_word.product_class) AS product_class,
    if(by_word.text IS NULL, ['category:' || by_category.hub_category_id], by_word.basis) AS product_class_basis
FROM release.clusters AS clusters
LEFT JOIN by_word ON clusters.kind <> 'cell' AND by_word.text = coalesce(clusters.product, clusters.name)
LEFT JOIN by_category ON by_category.hub_category_id = regexp_replace(clusters.hub_category_id, '[.].*$', '')
WHERE clusters.product_class IS NULL AND (by_word.text IS NOT NULL OR by_category.product_class IS NOT NULL);

UPDATE release.clusters
SET product_class = found.product_class, product_class_basis = found.product_class_basis
FROM product_class_found AS found
WHERE found.cluster_id = clusters.cluster_id;
