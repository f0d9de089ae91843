-- Spread: localised where one part of the region holds at least half of the employment. The bound is ours.
CREATE MACRO structure_spread(top_share) AS
    CASE WHEN top_share >= 0.5 THEN 'localised' WHEN top_share < 0.5 THEN 'dispersed' END;

-- Density: dense with at least as many establishments as the median of its peers. The bound is ours.
CREATE MACRO structure_density(to_median) AS CASE WHEN to_median >= 1 THEN 'dense' WHEN to_median < 1 THEN 'sparse' END;

-- Breadth: broad with at least two related categories that the same rule accepts in the region. The bound is ours.
CREATE MACRO structure_breadth(related) AS CASE WHEN related >= 2 THEN 'broad' WHEN related < 2 THEN 'narrow' END;

-- Depth of a cell: deep with at least three quarters of the subclusters of its category. The bound is ours.
CREATE MACRO structure_depth(present_share) AS
    CASE WHEN present_share >= 0.75 THEN 'deep' WHEN present_share < 0.75 THEN 'shallow' END;

-- Depth of a cluster that was surveyed or documented: deep with at least three organisations that support it. The bound is ours.
CREATE MACRO structure_support(organisations) AS
    CASE WHEN organisations >= 3 THEN 'deep' WHEN organisations < 3 THEN 'shallow' END;

-- Performance, from growth over the median growth of the peers: 5 % more or less tells. Latent, or "wannabe", is what no rule accepts yet, with more than the expected employment and more than the peers' growth. The bounds are ours.
CREATE MACRO structure_performance(to_median_growth, accepted, above_expected) AS
    CASE
        WHEN to_median_growth >= 1.05 AND accepted THEN 'overachiever'
        WHEN to_median_growth <= 0.95 AND accepted THEN 'underachiever'
        WHEN to_median_growth >= 1.05 AND NOT accepted AND above_expected THEN 'latent'
    END;
