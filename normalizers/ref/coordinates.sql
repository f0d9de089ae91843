-- ref.coordinates: the list that we ship → region_coordinates. The warehouse puts them into the regions of every feed.

CREATE TABLE staged.region_coordinates AS
SELECT
    region_id,
    latitude,
    longitude,
    coordinate_basis,
    coordinate_error_km,
    nullif(place, '') AS place,
    source AS citation,
    document_id,
    locator,
    'points' AS partition,
    rejected AS confirm_only
FROM raw.points;

CREATE TABLE completeness AS
SELECT 'points' AS partition, count(*) AS expected, count(DISTINCT region_id) AS found FROM raw.points HAVING count(*) > 0;

CREATE TABLE set_aside (counts_as VARCHAR, what VARCHAR, records BIGINT);
