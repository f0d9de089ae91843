"""Temporary tables that pages and data files share, and the queries that several of them ask."""

from __future__ import annotations

from exports.site import worldmap
from exports.site.site import Row, Site
from warehouse import schema

_PREPARE = """
CREATE TEMP TABLE country AS
SELECT used.country_code, coalesce(max(region.name), max(outline.name), used.country_code) AS name
FROM (
    SELECT DISTINCT country_code FROM global_clusters WHERE country_code IS NOT NULL
    UNION SELECT DISTINCT scope[9:] FROM census WHERE starts_with(scope, 'country:')
) AS used
LEFT JOIN regions AS region ON region.region_id = 'country:' || used.country_code
LEFT JOIN outline ON outline.country_code = used.country_code
GROUP BY used.country_code;

CREATE TEMP TABLE category AS
SELECT used.hub_category_id, coalesce(categories.name, used.hub_category_id) AS name, categories.traded
FROM (
    SELECT DISTINCT hub_category_id FROM global_clusters WHERE hub_category_id IS NOT NULL
    UNION SELECT DISTINCT hub_category_id FROM census WHERE hub_category_id <> 'all'
) AS used
LEFT JOIN categories ON categories.category_id = used.hub_category_id;

CREATE TEMP TABLE part AS
SELECT global_cluster_id, clusters.*
FROM (SELECT global_cluster_id, unnest(members) AS cluster_id FROM global_clusters)
JOIN clusters USING (cluster_id);

-- One row per cluster of the world, in the order of all lists; `seq` counts from 0.
CREATE TEMP TABLE listed AS
SELECT
    row_number() OVER (ORDER BY world.name, world.global_cluster_id) - 1 AS seq,
    world.global_cluster_id,
    coalesce(world.name, world.global_cluster_id) AS name,
    world.country_code,
    world.region_id,
    coalesce(regions.name, world.region_id) AS region,
    world.hub_category_id,
    category.name AS category,
    world.kind,
    world.feeds,
    world.in_total,
    coalesce(own.rules, []) AS rules,
    coalesce(own.latitude, regions.latitude) AS latitude,
    coalesce(own.longitude, regions.longitude) AS longitude
FROM global_clusters AS world
LEFT JOIN regions ON regions.region_id = world.region_id
LEFT JOIN category ON category.hub_category_id = world.hub_category_id
LEFT JOIN (
    SELECT
        global_cluster_id,
        list_sort(list_distinct(flatten(list(coalesce(identified_by, []))))) AS rules,
        arg_min(latitude, cluster_id) FILTER (latitude IS NOT NULL AND longitude IS NOT NULL) AS latitude,
        arg_min(longitude, cluster_id) FILTER (latitude IS NOT NULL AND longitude IS NOT NULL) AS longitude
    FROM part GROUP BY global_cluster_id
) AS own USING (global_cluster_id);
"""


def prepare(site: Site) -> None:
    """Make the temporary tables country, category, part and listed; every other function here needs them made."""
    source = schema.literal(str(worldmap.OUTLINES))
    site.session.execute(
        "CREATE TEMP TABLE outline AS "
        f"SELECT country_code, name FROM read_csv({source}, header = true, all_varchar = true)"
    )
    site.session.execute(_PREPARE)


def evidence(table: str) -> str:
    """Return an SQL expression: the document of a row, as the macro of the templates shows it."""
    columns = ("document_id", "url", "retrieved_at", "archived_at", "sha256")
    fields = ", ".join(f"'{name}': documents.{name}" for name in columns)
    return f"{{{fields}, 'locator': {table}.locator}} AS evidence"


def total(site: Site, scope: str) -> Row | None:
    """Return the row of the census that has the total of a scope, such as ``country:IN``; None if there is none."""
    found = site.rows(
        "FROM census WHERE scope = ? AND kind = 'all' AND hub_category_id = 'all' AND rule_id = 'all'", [scope]
    )
    return found[0] if found else None


def claims(site: Site, scope: str) -> list[Row]:
    """Return the claims that count clusters in a scope, the largest first, each with its evidence."""
    return site.rows(
        f"SELECT claims.*, {evidence('claims')} FROM claims "
        "LEFT JOIN documents USING (document_id) WHERE scope = ? AND unit = 'clusters' "
        "ORDER BY value DESC NULLS LAST, claim_id",
        [scope],
    )
