-- Rules that tell clusters from cells, each with its source. Tables `cluster_identification` and view `cluster_strength`
-- say which rule was given what.

-- The level of a region, by which peers are told apart: `us:state`, `nuts:2`, `ca:cma`, `country`.
CREATE MACRO region_level(region_id) AS
    CASE
        WHEN starts_with(region_id, 'nuts:') THEN 'nuts:' || (length(region_id) - length('nuts:XX'))
        ELSE regexp_replace(region_id, ':[^:]*$', '')
    END;

-- The set of categories of which none overlaps another, so that only within one set may cells be added: the scheme; of a
-- scheme whose classes hold or overlap each other the set in it. The ten emerging industries of EOCIC cut across the 51
-- categories (docs/sources/eu.md). Classes of NAICS are those of as many digits, a sector having two (31-33); what is an
-- aggregate of sectors stands alone. Other classes that have a parent are parts: `bcd`, `bcd, parts`.
CREATE MACRO category_set(category_id, parent_category_id) AS
    CASE
        WHEN starts_with(category_id, 'eocic:emerging-') THEN 'eocic, emerging'
        WHEN regexp_matches(category_id, '^naics[0-9]*:[0-9]{2}($|,|-[0-9]{2}$)')
            THEN split_part(category_id, ':', 1) || ', 2 digits'
        WHEN regexp_matches(category_id, '^naics[0-9]*:[0-9]{3}[0-9A-Z]*$')
            THEN split_part(category_id, ':', 1) || ', ' || length(split_part(category_id, ':', 2)) || ' digits'
        WHEN starts_with(category_id, 'naics') THEN regexp_replace(category_id, ':', ', ')
        WHEN parent_category_id IS NOT NULL THEN split_part(category_id, ':', 1) || ', parts'
        ELSE split_part(category_id, ':', 1)
    END;

-- us_2017: strength by Delgado, Porter, Stern (2016, Journal of Economic Geography 16(1)) as the published code of
-- clustermapping.us applies it since July 2017 (docs/sources/us.md): quantiles, by linear interpolation, over the regions
-- of one level that have employment in the category. An aggregate; what is null has no part in its bound.
CREATE MACRO us_2017_bounds(lq, employment, establishments) AS {
    'lq': quantile_cont(lq::DOUBLE, [0.25, 0.5, 0.75, 0.9]) FILTER (employment > 0),
    'employment': quantile_cont(employment::DOUBLE, 0.25) FILTER (employment > 0),
    'establishments': quantile_cont(establishments::DOUBLE, 0.25) FILTER (employment > 0)
};

-- us_2017: above the lower quartiles of employment and of establishments; establishments that are not stated are not asked for.
CREATE MACRO us_2017_large(employment, establishments, bounds) AS
    employment > 0 AND employment > bounds.employment
    AND (establishments IS NULL OR establishments > bounds.establishments);

-- us_2017: large, with a location quotient above the lower quartile.
CREATE MACRO us_2017_qualifying(lq, large, bounds) AS coalesce(large, false) AND lq > bounds.lq[1];

-- us_2017: large, with a location quotient above the median.
CREATE MACRO us_2017_significant(lq, large, bounds) AS coalesce(large, false) AND lq > bounds.lq[2];

-- us_2017: large, with a location quotient in the upper quarter and of at least 1; rules `us.strong.<level>`.
CREATE MACRO us_2017_strong(lq, large, bounds) AS coalesce(large, false) AND lq >= bounds.lq[3] AND lq >= 1;

-- us_2017: large, with a location quotient in the upper tenth and of at least 1; rules `us.strong10.<level>`.
CREATE MACRO us_2017_strong10(lq, large, bounds) AS coalesce(large, false) AND lq >= bounds.lq[4] AND lq >= 1;

-- eu10, the study of ten new member states, 2006 (docs/sources/eu.md): a star for more than 10,000 jobs.
CREATE MACRO eu10_size(employment) AS employment > 10000;

-- eu10: a star for at least twice the expected employment.
CREATE MACRO eu10_specialisation(quotient) AS quotient >= 2;

-- eu10: a star for more than 3 % of the region's employment.
CREATE MACRO eu10_focus(region_share) AS region_share > 0.03;

-- eu10: 0 to 3 stars; what is null gives none.
CREATE MACRO eu10_stars(employment, quotient, region_share) AS
    coalesce(eu10_size(employment)::INTEGER, 0)
    + coalesce(eu10_specialisation(quotient)::INTEGER, 0)
    + coalesce(eu10_focus(region_share)::INTEGER, 0);

-- Rule `eu.eu10_stars`: a cluster has a star. Null: what is known gives none, and not all is known.
CREATE MACRO eu10_is_cluster(employment, quotient, region_share) AS
    eu10_size(employment) OR eu10_specialisation(quotient) OR eu10_focus(region_share);

-- Rule `eu.stars_published`: the European Cluster Observatory calls a cluster what has at least one of its three stars (docs/sources/eu.md).
CREATE MACRO eu_stars_published(stars) AS stars >= 1;

-- Rule `ca.lq`: more employment than the national average would give: the plain reading of a location quotient. No rule of the
-- Institute for Competitiveness & Prosperity was seen.
CREATE MACRO ca_lq(lq) AS lq > 1;
