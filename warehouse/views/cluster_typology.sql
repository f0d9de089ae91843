-- The typology of the founding paper, one row per cluster that a rule accepts in its newest period, and per latent cell: its product class and themes, and its classes of spread, density, breadth, depth and performance out of `cluster_structure`. A class on which two methods disagree is null; `missing` says why a class is not there. The product class is stated by the source, or follows from words or category (`product_class_basis`).
CREATE VIEW cluster_typology AS
WITH structure AS (
    SELECT
        cluster_id,
        dimension,
        any_value(accepted) AS accepted,
        CASE count(DISTINCT class) WHEN 1 THEN any_value(class) END AS class,
        CASE count(DISTINCT class)
            WHEN 0 THEN string_agg(DISTINCT reason, '; ' ORDER BY reason)
            WHEN 1 THEN NULL
            ELSE 'methods disagree'
        END AS reason,
        list(DISTINCT method ORDER BY method) FILTER (class IS NOT NULL) AS methods
    FROM cluster_structure
    GROUP BY cluster_id, dimension
),
typed AS (
    SELECT
        cluster_id,
        any_value(accepted) AS accepted,
        any_value(class) FILTER (dimension = 'spread') AS spread,
        any_value(class) FILTER (dimension = 'density') AS density,
        any_value(class) FILTER (dimension = 'breadth') AS breadth,
        any_value(class) FILTER (dimension = 'depth') AS depth,
        any_value(class) FILTER (dimension = 'performance') AS performance,
        string_agg(dimension || ': ' || reason, '. ' ORDER BY dimension) AS missing,
        list_sort(list_distinct(flatten(list(methods) FILTER (methods IS NOT NULL)))) AS methods
    FROM structure
    GROUP BY cluster_id
)
SELECT
    cluster_id,
    clusters.feed_id,
    clusters.name,
    clusters.kind,
    clusters.country_code,
    clusters.region_id,
    clusters.hub_category_id,
    clusters.product,
    clusters.product_class,
    clusters.product_class_basis,
    clusters.themes,
    typed.accepted,
    typed.spread,
    typed.density,
    typed.breadth,
    typed.depth,
    typed.performance,
    typed.missing,
    'cluster_structure: ' || array_to_string(typed.methods, ', ') AS method,
    concat_ws(
        ' ',
        CASE WHEN clusters.product_class_basis IS NOT NULL THEN 'The product class is derived, not stated.' END,
        CASE WHEN NOT typed.accepted THEN 'A latent cell: no rule accepts it.' END,
        'Classes rest on bounds of ours.'
    ) AS caveat
FROM typed
JOIN clusters USING (cluster_id);
