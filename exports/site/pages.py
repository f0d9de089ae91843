"""The pages: each is a template, filled with rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from importlib import resources

from exports import files, metadata
from exports.site import FOLDER, worldmap
from exports.site.site import Row, Site
from exports.site.tables import claims, evidence, total
from exports.site.text import file_name
from warehouse import cookbook, schema
from warehouse.assemble import MACROS, temporary
from warehouse.generate import described_macros, described_views

LISTED = 500
"""Clusters that a country's page lists; of larger countries the pages of the categories list them."""


def write(site: Site) -> None:
    """Write every page; `tables.prepare` has made the tables."""
    _front(site)
    _categories(site)
    _countries(site)
    _sources(site)
    _single_pages(site)


def _front(site: Site) -> None:
    countries = site.rows(
        "SELECT country.*, found, deduplicated, low, high, declared FROM country LEFT JOIN census "
        "ON scope = 'country:' || country_code AND kind = 'all' AND hub_category_id = 'all' AND rule_id = 'all' "
        "ORDER BY deduplicated DESC NULLS LAST, country_code"
    )
    names = {country["country_code"]: country for country in countries}
    spots = [
        spot
        for row in site.rows("SELECT latitude, longitude FROM listed")
        if (spot := worldmap.spot(row["latitude"], row["longitude"]))
    ]
    site.page(
        "index.html",
        "index.html",
        dataset=metadata.dataset(site.release, "../"),
        world=total(site, "world"),
        countries=countries,
        outlines=[
            {
                "path": line["path"],
                "country": (country := names.get(line["country_code"])),
                "shade": worldmap.shade(country["deduplicated"]) if country else 0,
            }
            for line in worldmap.outlines()
        ],
        shades=worldmap.SHADES,
        sizes=worldmap.SIZES,
        points=[(across, down, count) for (across, down), count in sorted(Counter(spots).items())],
        placed=len(spots),
        clusters=site.rows("SELECT count(*) AS count FROM listed")[0]["count"],
        aside=site.rows("SELECT count(*) AS count FROM global_clusters WHERE NOT in_total")[0]["count"],
        categories=site.rows("FROM category ORDER BY hub_category_id"),
        kinds=[row["kind"] for row in site.rows("SELECT DISTINCT kind FROM listed WHERE kind IS NOT NULL ORDER BY 1")],
        rules=_rules(site),
        by_rule=site.rows(
            "FROM census WHERE scope = 'world' AND hub_category_id = 'all' AND kind NOT IN ('all', 'declared') "
            "ORDER BY kind, rule_id"
        ),
        claims=claims(site, "world"),
    )


def _rules(site: Site) -> list[str]:
    return [row["rule"] for row in site.rows("SELECT DISTINCT unnest(rules) AS rule FROM listed ORDER BY 1")]


def _categories(site: Site) -> None:
    listed = _grouped(site, "hub_category_id")
    counts = site.rows(
        "SELECT category.*, found, deduplicated, low, high FROM category LEFT JOIN census "
        "ON scope = 'world' AND kind = 'all' AND rule_id = 'all' AND census.hub_category_id = category.hub_category_id "
        "ORDER BY try_cast(split_part(category.hub_category_id, ':', 2) AS DOUBLE) NULLS LAST, category.hub_category_id"
    )
    without = listed.get(None, [])
    site.page("categories.html", "categories.html", categories=counts, without=len(without))
    by_country = defaultdict(list)
    for row in site.rows(
        "SELECT census.*, country.name FROM census JOIN country ON scope = 'country:' || country_code "
        "WHERE kind = 'all' AND rule_id = 'all' AND hub_category_id <> 'all' ORDER BY deduplicated DESC, scope"
    ):
        by_country[row["hub_category_id"]].append(row)
    for category in counts:
        identifier = category["hub_category_id"]
        site.page(
            f"categories/{file_name(identifier)}.html",
            "category.html",
            category=category,
            countries=by_country[identifier],
            clusters=listed.get(identifier, []),
        )
    site.page(
        "categories/none.html",
        "category.html",
        category={"hub_category_id": None, "name": "No category of the hub", "traded": None, "deduplicated": None},
        countries=[],
        clusters=without,
    )


def _grouped(site: Site, column: str) -> dict[str | None, list[Row]]:
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for row in site.rows("SELECT * EXCLUDE (latitude, longitude) FROM listed ORDER BY seq"):
        groups[row[column]].append(row)
    return groups


def _countries(site: Site) -> None:
    listed = _grouped(site, "country_code")
    countries = site.rows("FROM country ORDER BY name, country_code")
    by_category = defaultdict(list)
    for row in site.rows(
        "SELECT census.*, category.name FROM census JOIN category USING (hub_category_id) "
        "WHERE starts_with(scope, 'country:') AND kind = 'all' AND rule_id = 'all' ORDER BY deduplicated DESC, name"
    ):
        by_category[row["scope"]].append(row)
    totals = {country["country_code"]: total(site, f"country:{country['country_code']}") for country in countries}
    site.page("countries.html", "countries.html", countries=countries, totals=totals)
    for country in countries:
        code = country["country_code"]
        clusters = listed.get(code, [])
        site.page(
            f"countries/{file_name(code)}.html",
            "country.html",
            country=country,
            total=totals[code],
            claims=claims(site, f"country:{code}"),
            categories=by_category[f"country:{code}"],
            clusters=clusters if len(clusters) <= LISTED else None,
            count=len(clusters),
            aside=[cluster for cluster in clusters if cluster["in_total"] is False],
        )


def _sources(site: Site) -> None:
    sources = site.rows("FROM sources ORDER BY source_id")
    site.page("sources.html", "sources.html", sources=sources)
    for source in sources:
        site.page(
            f"sources/{file_name(source['source_id'])}.html",
            "source.html",
            source=source,
            feeds=site.rows("FROM feeds WHERE source_id = ? ORDER BY feed_id", [source["source_id"]]),
            countries=site.rows(
                "SELECT country_code, coalesce(country.name, country_code) AS name, "
                "count(DISTINCT global_cluster_id) AS clusters FROM part LEFT JOIN country USING (country_code) "
                "WHERE source_id = ? AND country_code IS NOT NULL GROUP BY ALL ORDER BY clusters DESC, country_code",
                [source["source_id"]],
            ),
            documents=site.rows(
                "SELECT url, retrieved_at, sha256 FROM documents JOIN feeds USING (feed_id) "
                f"WHERE feeds.source_id = ? ORDER BY document_id LIMIT {LISTED}",
                [source["source_id"]],
            ),
        )


_BESIDE = frozenset({metadata.README, metadata.NOTES, files.DATABASE})
"""Files without a table that the download page lists; code lists and schemas have their folders."""


def _single_pages(site: Site) -> None:
    site.page("cluster.html", "cluster.html")
    site.page("search.html", "search.html")
    site.page(
        "health.html",
        "health.html",
        feeds=site.rows(
            "SELECT feeds.*, sources.source_id AS page, sources.status AS source_status FROM feeds "
            "LEFT JOIN sources USING (source_id) ORDER BY feed_id"
        ),
    )
    for macros in sorted(MACROS.glob("*.sql")):  # the view calls them
        site.session.execute(temporary(macros.read_text("utf-8")))
    view = (resources.files("warehouse") / "views" / "claimed_vs_found.sql").read_text(encoding="utf-8")
    site.session.execute(view.replace("CREATE VIEW", "CREATE OR REPLACE TEMP VIEW", 1))
    site.page("claims.html", "claims.html", scopes=_claimed(site))
    site.page(
        "resources.html",
        "resources.html",
        resources=site.rows(
            f"SELECT resources.*, {evidence('resources')} "
            "FROM resources LEFT JOIN documents USING (document_id) ORDER BY kind, resources.name, resource_id"
        ),
    )
    site.page(
        "download.html",
        "download.html",
        database=files.DATABASE,
        others=[file for file in site.release["files"] if "table" in file or file["file"] in _BESIDE],
        documents=[(name, metadata.described(name)) for name in metadata.FILES if "/" not in name],
        feeds=site.rows("FROM feeds ORDER BY feed_id"),
    )
    site.page(
        "dictionary.html",
        "dictionary.html",
        tables=schema.TABLES.values(),
        views=described_views(),
        macros=described_macros(),
    )
    site.page(
        "console.html",
        "console.html",
        database=files.DATABASE,
        console=files.CONSOLE.removeprefix(f"{FOLDER}/"),
        questions=cookbook.questions(cookbook.source()),
    )


def _claimed(site: Site) -> list[Row]:
    """Return each scope with its name and its claims, each claim once, beside all that was found in its scope."""
    scopes: dict[str, Row] = {}
    claimed: dict[str, Row] = {}
    for row in site.rows(
        "SELECT compared.*, coalesce(region.name, coded.name, country.name, compared.scope) AS name, claims.note, "
        f"{evidence('claims')} "
        "FROM claimed_vs_found AS compared JOIN claims USING (claim_id) LEFT JOIN documents USING (document_id) "
        "LEFT JOIN regions AS region ON region.region_id = compared.scope "
        "LEFT JOIN country ON 'country:' || country.country_code = compared.scope "
        "LEFT JOIN (SELECT iso_3166_2, min(name) AS name FROM regions "
        "WHERE iso_3166_2 IS NOT NULL AND valid_to IS NULL GROUP BY ALL HAVING count(*) = 1) AS coded "
        "ON coded.iso_3166_2 = compared.scope "
        "ORDER BY name, compared.scope, claimed DESC, claim_id, compared.kind, rule_id NULLS FIRST, compared.found_by, "
        "compared.level, compared.category_set"
    ):
        name = row.pop("name").removeprefix("region:")
        scope = scopes.setdefault(row["scope"], {"name": name, "claims": []})
        if row["claim_id"] not in claimed:
            claimed[row["claim_id"]] = row | {"found": [], "caveats": []}
            scope["claims"].append(claimed[row["claim_id"]])
        claim = claimed[row["claim_id"]]
        claim["found"].append(row)
        if row["caveat"] and row["caveat"] not in claim["caveats"]:
            claim["caveats"].append(row["caveat"])
    return list(scopes.values())
