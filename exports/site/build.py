"""The pages and data of a release's site, made from the tables of the database ``release`` and nothing else.

The licence gate has judged those tables, so the site can show nothing that the release may not. Equal tables give equal
bytes: every query is ordered, and nothing reads the clock.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from duckdb import DuckDBPyConnection
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from exports import files, metadata
from warehouse import cookbook, schema
from warehouse.assemble import MACROS, temporary
from warehouse.generate import described_macros, described_views

FOLDER = "site"

ENGINE = Path(__file__).parent / "console" / "built"
"""What `make console` builds: DuckDB for the browser. Without it a site has no console, and says so."""

_ASSETS = Path(__file__).parent / "assets"

LISTED = 500
"""Clusters that a country's page lists; of larger countries the pages of the categories list them."""

PER_SHARD = 100
MOST_SHARDS = 1024
"""Details of the clusters stand in so many files, each of about so many clusters."""

BLOCK = 500
"""Clusters per file of the list that the filters show."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """What every page is made with.

    Attributes:
        folder: where the site is written.
        session: a connection whose current database is ``release``.
        templates: the templates of the pages.
        release: the manifest of the release, as far as it is known.
    """

    folder: Path
    session: DuckDBPyConnection
    templates: Environment
    release: Mapping[str, Any]

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query as dictionaries."""
        cursor = self.session.execute(query, list(parameters))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def page(self, name: str, template: str, **values: object) -> None:
        """Write a page; `name` is its path below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self.templates.get_template(template).render(
            root="../" * name.count("/"), release=self.release, here=name, **values
        )
        path.write_text(text, encoding="utf-8")

    def data(self, name: str, document: object) -> None:
        """Write a JSON file; `name` is its path below ``data/``."""
        path = self.folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def write(connection: DuckDBPyConnection, folder: Path, release: Mapping[str, Any]) -> Path:
    """Write the site of a release.

    Args:
        connection: one that has the database ``release``; every table of the schema is in it.
        folder: folder of the release; the site goes below it.
        release: its manifest: release_id, profile, published_at, synthetic, notes, schema_version, tables, files.

    Returns:
        The folder of the site.
    """
    target = folder / FOLDER
    target.mkdir()
    with connection.cursor() as session:
        session.execute("USE release")
        site = Site(target, session, _templates(), release)
        _prepare(site)
        for name in ("style.css", "site.js"):
            (target / name).write_bytes((_ASSETS / name).read_bytes())
        _front(site)
        _categories(site)
        _countries(site)
        _sources(site)
        _clusters(site)
        _index(site)
        _search(site)
        _single_pages(site)
    _console(site)
    return target


# Text -----------------------------------------------------------------------------------------------------------------

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,60}")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("exports.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "number": number,
        "link": link,
        "file_name": file_name,
        "size": size,
        "id": _quoted,
        "radius": _radius,
        "words": _words,
    }
    return environment


def _shown(value: object) -> object:
    """Show what is null as a dash, times in UTC, and no character that HTML forbids."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return _UNPRINTABLE.sub("�", value)
    return value


def number(value: float | None) -> str | None:
    """Return a number with commas; None as it is."""
    if value is None:
        return None
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def size(value: int) -> str:
    """Return a size in bytes, in words."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if value >= factor:
            return f"{value / factor:,.1f} {unit}"
    return f"{value} B"


def link(address: str | None, words: str | None = None) -> Markup | str | None:
    """Return a link for an http or https address; any other is shown as text, and leads nowhere."""
    if address is None:
        return words
    text = _UNPRINTABLE.sub("�", words or address)
    try:
        parts = urlsplit(address)
    except ValueError:
        return text
    if parts.scheme not in {"http", "https"} or not parts.netloc or _UNPRINTABLE.search(address):
        return text
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(address, text)  # format escapes


def _words(text: str) -> Markup:
    """Return our own words with what stands between backticks as code."""
    parts = _UNPRINTABLE.sub("�", text).split("`")
    if len(parts) % 2 == 0:  # a backtick too many is a backtick
        return Markup("{}").format(text)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def _quoted(identifier: str) -> str:
    return quote(identifier, safe=":")


def file_name(identifier: str) -> str:
    """Return a name for the page of an id: the id itself where it is a plain name, else a digest of it."""
    plain = identifier.replace(":", "-")
    return plain if _PLAIN_NAME.fullmatch(plain) and "-" not in identifier else f"x{fnv1a(identifier):08x}"


def fnv1a(text: str) -> int:
    """Return the 32-bit FNV-1a hash of a text in UTF-8; the page has the same in JavaScript, to find a shard."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


# Tables ---------------------------------------------------------------------------------------------------------------

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


def _prepare(site: Site) -> None:
    source = schema.literal(str(_ASSETS / "world.csv"))
    site.session.execute(
        "CREATE TEMP TABLE outline AS "
        f"SELECT country_code, name FROM read_csv({source}, header = true, all_varchar = true)"
    )
    site.session.execute(_PREPARE)


def _evidence(table: str) -> str:
    """Return an SQL expression: the document of a row, as the macro of the templates shows it."""
    columns = ("document_id", "url", "retrieved_at", "archived_at", "sha256")
    fields = ", ".join(f"'{name}': documents.{name}" for name in columns)
    return f"{{{fields}, 'locator': {table}.locator}} AS evidence"


def _total(site: Site, scope: str) -> Row | None:
    found = site.rows(
        "FROM census WHERE scope = ? AND kind = 'all' AND hub_category_id = 'all' AND rule_id = 'all'", [scope]
    )
    return found[0] if found else None


def _claims(site: Site, scope: str) -> list[Row]:
    return site.rows(
        f"SELECT claims.*, {_evidence('claims')} FROM claims "
        "LEFT JOIN documents USING (document_id) WHERE scope = ? AND unit = 'clusters' "
        "ORDER BY value DESC NULLS LAST, claim_id",
        [scope],
    )


# Pages ----------------------------------------------------------------------------------------------------------------


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """Return a place on the map: Equal Earth (Šavrič, Patterson and Jenny, 2018), scaled to 1000 × 487.

    Args:
        latitude: degrees north, -90 to 90.
        longitude: degrees east, -180 to 180.

    Returns:
        x to the right and y downwards, in units of the map's view box.
    """
    first, second, third, fourth = 1.340264, -0.081106, 0.000893, 0.003796
    half = math.sqrt(3) / 2
    angle = math.asin(half * math.sin(math.radians(latitude)))
    square, sixth = angle**2, angle**6
    across = math.radians(longitude) * math.cos(angle)
    across /= half * (first + 3 * second * square + sixth * (7 * third + 9 * fourth * square))
    up = angle * (first + second * square + sixth * (third + fourth * square))
    return 500 + across * _SCALE, 243.4 - up * _SCALE


_SCALE = 184.7


def _spot(row: Row) -> tuple[int, int] | None:
    """Return where a row is on the map, to a unit of the view box: less than two pixels. None where it has no place."""
    latitude, longitude = row["latitude"], row["longitude"]
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004
        return None
    across, down = project(latitude, longitude)
    return round(across), round(down)


def _radius(count: int) -> float:
    return round(min(6, 0.8 + 0.35 * math.sqrt(count)), 1)


def _outlines() -> list[dict[str, str]]:
    return list(csv.DictReader((_ASSETS / "world.csv").read_text(encoding="utf-8").splitlines()))


def _front(site: Site) -> None:
    countries = site.rows(
        "SELECT country.*, found, deduplicated, low, high, declared FROM country LEFT JOIN census "
        "ON scope = 'country:' || country_code AND kind = 'all' AND hub_category_id = 'all' AND rule_id = 'all' "
        "ORDER BY deduplicated DESC NULLS LAST, country_code"
    )
    names = {country["country_code"]: country for country in countries}
    spots = [spot for row in site.rows("SELECT latitude, longitude FROM listed") if (spot := _spot(row))]
    site.page(
        "index.html",
        "index.html",
        dataset=metadata.dataset(site.release, "../"),
        world=_total(site, "world"),
        countries=countries,
        outlines=[
            {"path": line["path"], "country": (country := names.get(line["country_code"])), "shade": _shade(country)}
            for line in _outlines()
        ],
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
        claims=_claims(site, "world"),
    )


def _rules(site: Site) -> list[str]:
    return [row["rule"] for row in site.rows("SELECT DISTINCT unnest(rules) AS rule FROM listed ORDER BY 1")]


def _shade(country: Row | None) -> int:
    """Return the shade of a country, 0 to 6: one more for each factor of ten, and half of it."""
    count = (country or {}).get("deduplicated") or 0
    return 0 if count < 1 else min(6, 1 + int(2 * math.log10(count) / 1.4))


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
    totals = {country["country_code"]: _total(site, f"country:{country['country_code']}") for country in countries}
    site.page("countries.html", "countries.html", countries=countries, totals=totals)
    for country in countries:
        code = country["country_code"]
        clusters = listed.get(code, [])
        site.page(
            f"countries/{file_name(code)}.html",
            "country.html",
            country=country,
            total=totals[code],
            claims=_claims(site, f"country:{code}"),
            categories=by_category[f"country:{code}"],
            clusters=clusters if len(clusters) <= LISTED else None,
            count=len(clusters),
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
    site.page(
        "claims.html",
        "claims.html",
        claims=site.rows(
            f"SELECT compared.*, claims.note, {_evidence('claims')} "
            "FROM claimed_vs_found AS compared JOIN claims USING (claim_id) LEFT JOIN documents USING (document_id) "
            "ORDER BY compared.scope, claimed DESC, claim_id, compared.kind, rule_id NULLS FIRST"
        ),
    )
    site.page(
        "resources.html",
        "resources.html",
        resources=site.rows(
            f"SELECT resources.*, {_evidence('resources')} "
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


def _console(site: Site) -> None:
    """Write the page of the console, and the engine where it is built; its database is written with the other one."""
    site.page(
        "console.html",
        "console.html",
        database=files.DATABASE,
        console=files.CONSOLE.removeprefix(f"{FOLDER}/"),
        questions=cookbook.questions(cookbook.source()),
    )
    if ENGINE.is_dir():
        shutil.copytree(ENGINE, site.folder / "console", copy_function=shutil.copyfile)


# Data -----------------------------------------------------------------------------------------------------------------

_DETAILS = """
CREATE TEMP TABLE series AS
SELECT row_number() OVER (ORDER BY indicator, unit_kind, unit_measure, method) - 1 AS series, *
FROM (
    SELECT DISTINCT indicator, unit_kind, unit_measure, method
    FROM observations SEMI JOIN part USING (cluster_id)
);

CREATE TEMP TABLE told AS
SELECT cluster_id, document_id FROM part
UNION SELECT cluster_id, document_id FROM observations SEMI JOIN part USING (cluster_id);

CREATE TEMP TABLE paper AS
SELECT row_number() OVER (ORDER BY document_id) - 1 AS paper, *
FROM documents SEMI JOIN told USING (document_id);

-- What one document says of one member for one period: document, period, series, values, and their status where one is
-- not plain.
CREATE TEMP TABLE line AS
SELECT
    cluster_id,
    time_period,
    paper,
    [
        to_json(paper),
        to_json(time_period),
        to_json(list(series ORDER BY series)),
        to_json(list(
            CASE WHEN isfinite(obs_value) THEN to_json(obs_value) ELSE to_json(value_text) END ORDER BY series
        )),
        CASE WHEN bool_and(obs_status = 'A' AND qualifier IS NULL) THEN NULL
            ELSE to_json(list(concat_ws(' ', obs_status, qualifier) ORDER BY series)) END
    ] AS line
FROM observations
SEMI JOIN part USING (cluster_id)
JOIN series ON series.indicator = observations.indicator AND series.unit_kind = observations.unit_kind
    AND series.method = observations.method AND series.unit_measure IS NOT DISTINCT FROM observations.unit_measure
LEFT JOIN paper USING (document_id)
GROUP BY cluster_id, time_period, paper;

CREATE TEMP TABLE detail AS
SELECT
    global_cluster_id,
    to_json(list({
        'id': part.cluster_id,
        'feed': part.feed_id,
        'name': part.name,
        'kind': part.kind,
        'product': product,
        'category': coalesce(categories.name, part.category_id),
        'url': source_url,
        'paper': paper.paper,
        'locator': part.locator,
        'citation': part.citation,
        'rules': coalesce(accepted.rules, []),
        'lines': coalesce(lines.lines, [])
    } ORDER BY part.cluster_id)) AS members
FROM part
LEFT JOIN categories ON categories.category_id = part.category_id
LEFT JOIN paper ON paper.document_id = part.document_id
LEFT JOIN (
    SELECT cluster_id, list({'rule': rule_id, 'periods': periods} ORDER BY rule_id) AS rules
    FROM (
        SELECT cluster_id, rule_id, list(time_period ORDER BY time_period) AS periods
        FROM cluster_identification SEMI JOIN part USING (cluster_id) WHERE is_cluster GROUP BY ALL
    )
    GROUP BY ALL
) AS accepted ON accepted.cluster_id = part.cluster_id
LEFT JOIN (
    SELECT cluster_id, list(line ORDER BY time_period, paper) AS lines FROM line GROUP BY ALL
) AS lines ON lines.cluster_id = part.cluster_id
GROUP BY global_cluster_id;
"""


def _clusters(site: Site) -> None:
    """Write the details of the clusters, in shards by the hash of their ids."""
    site.session.execute(_DETAILS)
    clusters = site.rows(
        "SELECT listed.*, members FROM listed LEFT JOIN detail USING (global_cluster_id) ORDER BY global_cluster_id"
    )
    shards = max(1, min(MOST_SHARDS, math.ceil(len(clusters) / PER_SHARD)))
    papers = {
        row.pop("paper"): row
        for row in site.rows(
            "SELECT paper, feed_id, url, strftime(retrieved_at, '%Y-%m-%dT%H:%M:%SZ') AS retrieved_at, "
            "strftime(archived_at, '%Y-%m-%dT%H:%M:%SZ') AS archived_at, sha256, warc_file, warc_offset "
            "FROM paper ORDER BY paper"
        )
    }
    held: dict[int, dict[str, Row]] = {shard: {} for shard in range(shards)}
    for cluster in clusters:
        members = json.loads(cluster["members"] or "[]")
        held[fnv1a(cluster["global_cluster_id"]) % shards][cluster["global_cluster_id"]] = {
            "name": cluster["name"],
            "country": cluster["country_code"],
            "region": cluster["region"],
            "region_id": cluster["region_id"],
            "category": cluster["category"],
            "category_page": file_name(cluster["hub_category_id"]) if cluster["hub_category_id"] else "none",
            "kind": cluster["kind"],
            "members": members,
        }
    for shard, group in held.items():
        used = sorted(
            {
                paper
                for cluster in group.values()
                for member in cluster["members"]
                for paper in (member["paper"], *(line[0] for line in member["lines"]))
                if paper is not None
            }
        )
        site.data(f"clusters/{shard}.json", {"papers": {str(one): papers[one] for one in used}, "clusters": group})
    site.data(
        "clusters.json",
        {
            "shards": shards,
            "series": site.rows("SELECT indicator, unit_kind, unit_measure, method FROM series ORDER BY series"),
        },
    )


def _index(site: Site) -> None:
    """Write what the filters run on: codes of every cluster, in columns; and names in blocks, of which few are read."""
    clusters = site.rows("FROM listed ORDER BY seq")
    columns: dict[str, list[Any]] = {}
    values: dict[str, list[Any]] = {}
    for column in ("country_code", "hub_category_id", "kind", "rules", "place"):
        taken = [_spot(row) if column == "place" else row[column] for row in clusters]
        taken = [tuple(value) if isinstance(value, list) else value for value in taken]
        codes = sorted(set(taken), key=lambda value: (value is None, value if value is not None else ""))
        number_of = {code: position for position, code in enumerate(codes)}
        values[column] = codes
        columns[column] = [number_of[value] for value in taken]
    site.data("index.json", {"block": BLOCK, "values": values, "columns": columns})
    for start in range(0, len(clusters), BLOCK):
        site.data(
            f"list/{start // BLOCK}.json",
            [
                [row["global_cluster_id"], row["name"], row["country_code"], row["category"]]
                for row in clusters[start : start + BLOCK]
            ],
        )


_WORDS = r"""
SELECT word, list(DISTINCT seq ORDER BY seq) AS found
FROM (
    SELECT seq, unnest(regexp_split_to_array(text, '[^\p{L}\p{N}]+')) AS word
    FROM (SELECT seq, lower(strip_accents(concat_ws(' ', name, region, category))) AS text FROM listed)
)
WHERE word <> ''
GROUP BY word
ORDER BY word
"""


def _search(site: Site) -> None:
    """Write which words stand in the names of which clusters, in shards by the first letters of the word."""
    shards: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for row in site.rows(_WORDS):
        shards[search_shard(row["word"])][row["word"]] = row["found"]
    for shard, words in sorted(shards.items()):
        site.data(f"search/{shard}.json", words)
    site.data("search.json", {"block": BLOCK, "shards": sorted(shards)})


def search_shard(word: str) -> str:
    """Return the name of the shard that holds a word: its first two letters, or `other` for letters beyond a to z."""
    return match.group() if (match := re.match(r"[a-z0-9]{1,2}", word)) else "other"
