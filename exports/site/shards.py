"""The data that scripts of the pages read: JSON in shards, so that a page fetches only what it shows."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from typing import Any

from exports.site import worldmap
from exports.site.site import Row, Site
from exports.site.text import file_name, fnv1a

PER_SHARD = 100
MOST_SHARDS = 1024
"""Details of the clusters stand in so many files, each of about so many clusters."""

BLOCK = 500
"""Clusters per file of the list that the filters show."""


def write(site: Site) -> None:
    """Write every data file but the console's database; `tables.prepare` has made the tables."""
    _clusters(site)
    _index(site)
    _search(site)


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
            "country_page": f"countries/{file_name(cluster['country_code'])}.html" if cluster["country_code"] else None,
            "region": cluster["region"],
            "region_id": cluster["region_id"],
            "category": cluster["category"],
            "category_page": file_name(cluster["hub_category_id"]) if cluster["hub_category_id"] else "none",
            "category_id": cluster["hub_category_id"],
            "kind": cluster["kind"],
            "in_total": cluster["in_total"],
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
        taken = [
            worldmap.spot(row["latitude"], row["longitude"]) if column == "place" else row[column] for row in clusters
        ]
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
