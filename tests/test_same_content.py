"""Hygiene: every feed with a replica gives the same content on each of its routes, and loaded in any order of feeds.

Feeds of the source `us` are larger: their routes are compared in test_road.py, test_us_cbp.py and test_wayback.py.

All feeds are harvested from their replicas. What the replicas answered is then served by a web archive, and brought as
files: as WARCs, and as a folder of plain files named after their addresses, as common tools save them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import duckdb
import pytest
from conftest import Observatory
from web_archive import THEN, InternetArchive

from crawlers import harvest as harvests
from crawlers.evidence import Document, Evidence
from crawlers.source import Route, feeds
from exports.release import Recipe, release_number
from pipeline import Reporter, ended, write_release
from rebuild import load_harvests
from replicas import demo, us
from replicas.eu import eocic
from replicas.server import Replica, Response
from warehouse import store
from warehouse.schema import Origin, quoted, tables

FEEDS = [id_ for id_, feed in feeds().items() if Route.REPLICA in feed.routes and feed.source_id != "us"]

SAVED = "a folder of pages"
WAYS = (Route.WAYBACK.value, Route.FILES.value, SAVED)


def answers(observatory: Observatory, feed_id: str) -> list[Document]:
    """Return what a replica answered in the only harvest of a feed, but for robots.txt."""
    [harvest] = harvests.harvests(observatory.home, feed_id)
    documents = Evidence(observatory.home, feed_id).documents(harvest.harvest_id)
    return [document for document in documents if not document.url.endswith("/robots.txt")]


def harvested(observatory: Observatory, names: list[str], *options: str) -> Observatory:
    """Harvest feeds, all of which must be accepted, and return the observatory."""
    _, document = observatory.run("harvest", *names, *options)
    told = {harvest["feed_id"]: (harvest["status"], harvest["reason"]) for harvest in document["harvests"]}
    assert told == dict.fromkeys(names, ("accepted", None))
    return observatory


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Observatory, list[str]]:
    """An observatory with every feed from its replica, and the options that say what was asked where."""
    sets = [f"{feed_id}.{name}={value}" for feed_id in FEEDS for name, value in demo.PARAMETERS[feed_id].items()]
    options = [part for told in sets for part in ("--set", told)]
    with demo.addresses() as addresses, eocic.replica() as dump:
        addresses["eu.eocic"] = dump.base_url  # the demo's is larger than is needed here
        options += [part for feed_id in FEEDS for part in ("--base-url", f"{feed_id}={addresses[feed_id]}")]
        observatory = Observatory(tmp_path_factory.mktemp("replica") / "home")
        return harvested(observatory, FEEDS, "--route", "replica", *options), options


@pytest.fixture(scope="module")
def others(
    reference: tuple[Observatory, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Observatory]:
    """Way → an observatory with the same answers; the replicas are gone by then."""
    original, options = reference
    folder = tmp_path_factory.mktemp("ways")
    captures, warcs, saved = {}, [], []
    for feed_id in FEEDS:
        for document in answers(original, feed_id):
            moved = {}
            if "location" in document.headers:  # archives make addresses of their own of it
                moved = {"Location": f"/web/{THEN}id_/{urljoin(document.url, document.headers['location'])}"}
            assert document.http_status is not None
            answer = Response(document.body, document.http_status, document.media_type, moved)
            captures[document.url] = {THEN: answer}
            if document.http_status == 200:
                parts = urlsplit(document.url)
                name = parts.path.lstrip("/") + ("index.html" if parts.path.endswith("/") else "")
                name += f"?{parts.query}" if parts.query else ""
                target = folder / "saved" / feed_id / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(document.body)
        (folder / "warcs" / feed_id).mkdir(parents=True)
        for warc in (original.home / "archive" / feed_id).rglob("*.warc.gz"):
            shutil.copy(warc, folder / "warcs" / feed_id)
        warcs += ["--files", f"{feed_id}={folder / 'warcs' / feed_id}"]
        saved += ["--files", f"{feed_id}={folder / 'saved' / feed_id}"]
    hurry = [part for feed_id in FEEDS for part in ("--set", f"{feed_id}.archive_delay=0")]
    with Replica(InternetArchive(captures)) as archive:
        route = ("--route", "wayback", "--wayback-url", archive.base_url)
        wayback = harvested(Observatory(folder / "wayback"), FEEDS, *route, *options, *hurry)
    return {
        Route.WAYBACK.value: wayback,
        Route.FILES.value: harvested(Observatory(folder / "files"), FEEDS, *warcs),
        SAVED: harvested(Observatory(folder / "plain"), FEEDS, *saved),
    }


@pytest.mark.parametrize("feed_id", FEEDS)
def test_every_route_gives_the_same_rows(
    reference: tuple[Observatory, list[str]], others: dict[str, Observatory], feed_id: str
) -> None:
    """The digests of whole tables say that something differs; this says of which feed, where, and what."""
    with duckdb.connect(":memory:") as connection:
        for name, observatory in {"replica": reference[0], **others}.items():
            database = observatory.home / "published" / "latest" / "observatory.duckdb"
            connection.execute(f"ATTACH '{database}' AS {quoted(name)} (READ_ONLY)")
        stated = 0
        for table in tables(Origin.FEED):
            columns = ", ".join(map(quoted, table.content))
            rows = f"SELECT {columns} FROM {{}}.{quoted(table.name)} WHERE feed_id = '{feed_id}'"
            stated += len(connection.execute(rows.format("replica")).fetchall())
            for way in map(quoted, others):
                one, other = rows.format("replica"), rows.format(way)
                differing = f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})"
                assert connection.execute(differing).fetchall() == [], (table.name, way)
        assert stated


@pytest.mark.parametrize("way", WAYS)
def test_every_route_gives_equal_content_digests(
    reference: tuple[Observatory, list[str]], others: dict[str, Observatory], way: str
) -> None:
    assert others[way].contents() == reference[0].contents()


SHIPPED = ("paper.facts", "ref.bcd", "ref.mappings", "ref.products", "ref.porter41", "ref.nace", "ref.exchange_rates")


@pytest.fixture(scope="module")
def everything(reference: tuple[Observatory, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    """The harvests of the reference, and beside them those of feeds that link, map and rate across feeds."""
    observatory = Observatory(tmp_path_factory.mktemp("everything") / "home")
    shutil.copytree(reference[0].home / "archive", observatory.home / "archive")
    shutil.copytree(reference[0].home / "published", observatory.home / "published", symlinks=True)
    shutil.copy(reference[0].home / "warehouse.duckdb", observatory.home)
    harvested(observatory, list(SHIPPED))
    with us.replica(region_types=("country", "state"), years=("2016",)) as replica:
        code, _ = observatory.harvest(replica.base_url)
    assert code == 0
    return observatory


def test_another_order_of_feeds_gives_equal_content_digests(everything: Observatory, tmp_path: Path) -> None:
    """All that links, maps and rates across feeds comes last where it came first, and the other way round."""
    home = everything.home
    [*_, last] = sorted((home / "archive" / "releases").glob("*.json"), key=lambda path: release_number(path.stem))
    recipe = Recipe.from_json(last.read_text("utf-8"))
    by_feed: dict[str, list[harvests.Harvest]] = {}
    for record in ended(home, recipe.published_at):
        by_feed.setdefault(record.feed_id, []).append(record)
    assert by_feed.keys() == {*FEEDS, *SHIPPED, "us.clustermapping"}
    (tmp_path / "archive").symlink_to(home / "archive")
    with store.opened(tmp_path) as connection:
        records = [record for feed_id in reversed(by_feed) for record in by_feed[feed_id]]
        load_harvests(tmp_path, connection, records, set(), Reporter())
        write_release(tmp_path, connection, recipe)
    again = Observatory(tmp_path)
    assert again.contents() == everything.contents()
    assert again.manifest()["tables"]["global_clusters"]["rows"] > 100
