-- Each region gets the point of its own. One that has none gets that of the nearest region above it which has one, at last
-- of its country, with the basis `parent` and the error of that region, which is its size. A cluster whose source states no
-- point gets that of its region.

UPDATE release.regions
SET latitude = point.latitude,
    longitude = point.longitude,
    coordinate_basis = point.coordinate_basis,
    coordinate_error_km = point.coordinate_error_km,
    coordinate_region_id = point.region_id
FROM release.region_coordinates AS point
WHERE point.region_id = regions.region_id AND regions.latitude IS NULL;

UPDATE release.regions
SET latitude = given.latitude,
    longitude = given.longitude,
    coordinate_basis = 'parent',
    coordinate_error_km = given.coordinate_error_km,
    coordinate_region_id = given.coordinate_region_id
FROM (
    WITH RECURSIVE above AS (
        SELECT region_id, parent_region_id AS ancestor_id, 1 AS steps FROM release.regions WHERE latitude IS NULL
        UNION ALL
        SELECT above.region_id, region.parent_region_id, steps + 1
        FROM above JOIN release.regions AS region ON region.region_id = above.ancestor_id
        WHERE steps < 10  -- a circle of parents would never end
    ),
    candidate AS (
        FROM above
        UNION ALL
        SELECT region_id, 'country:' || country_code, 11 FROM release.regions WHERE latitude IS NULL
    ),
    point AS (
        SELECT region_id, latitude, longitude, coordinate_error_km, coordinate_region_id
        FROM release.regions WHERE latitude IS NOT NULL
        UNION  -- a region above may stand in no feed
        SELECT region_id, latitude, longitude, coordinate_error_km, region_id FROM release.region_coordinates
        WHERE region_id NOT IN (SELECT region_id FROM release.regions)
    )
    SELECT
        candidate.region_id,
        arg_min(latitude, steps) AS latitude,
        arg_min(longitude, steps) AS longitude,
        arg_min_null(coordinate_error_km, steps) AS coordinate_error_km,
        arg_min_null(coordinate_region_id, steps) AS coordinate_region_id
    FROM candidate JOIN point ON point.region_id = candidate.ancestor_id
    GROUP BY candidate.region_id
) AS given
WHERE given.region_id = regions.region_id;

UPDATE release.clusters
SET latitude = region.latitude,
    longitude = region.longitude
FROM release.regions AS region
WHERE region.region_id = clusters.region_id AND (clusters.latitude IS NULL OR clusters.longitude IS NULL);
