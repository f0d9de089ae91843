"""The same cluster told twice, one row per real-world cluster, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from warehouse import assemble, schema
from warehouse.store import connect

pytestmark = pytest.mark.duckdb

IT, AUTOMOTIVE, LOCAL = "bcd:23", "bcd:4", "bcd:101"
EMERGING = "eocic:emerging-digital-industries"
SETS = {"us": "bcd", "eu.eocic": "eocic", "eu.legacy": "eco38", "ca.competeprosper": "porter41"}
"""Source or feed → the scheme of the classes of its cells."""


@pytest.fixture
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty release with a few regions and categories, ready to be filled and derived."""
    with connect() as connection:
        connection.execute("ATTACH ':memory:' AS release")
        for table in schema.TABLES.values():
            connection.execute(schema.create_table(table).replace("CREATE TABLE ", "CREATE TABLE release.", 1))
        connection.execute(
            "CREATE TEMP TABLE link_judgement AS "
            "SELECT ''::VARCHAR AS from_id, '' AS to_id, '' AS relation, '' AS decision, '' AS reason WHERE false"
        )
        words = assemble.DERIVE / assemble.JUDGED["trade_word"]
        connection.execute(f"CREATE TEMP TABLE trade_word AS FROM read_csv('{words}', all_varchar=true)")
        for path in sorted(assemble.MACROS.glob("*.sql")):
            connection.execute(assemble.temporary(path.read_text("utf-8")))
        put(
            connection,
            "categories",
            [
                {"category_id": IT, "scheme": "bcd", "code": "23", "traded": True},
                {"category_id": AUTOMOTIVE, "scheme": "bcd", "code": "4", "traded": True},
                {"category_id": LOCAL, "scheme": "bcd", "code": "101", "traded": False},
                {"category_id": "eocic:automotive", "scheme": "eocic", "code": "automotive", "traded": True},
                {"category_id": EMERGING, "scheme": "eocic", "code": EMERGING.removeprefix("eocic:")},
            ],
        )
        put(
            connection,
            "regions",
            [
                {
                    "region_id": f"{scheme}:{code}",
                    "scheme": scheme,
                    "code": code,
                    "name": name,
                    "country_code": code[:2] if scheme == "nuts" else scheme[:2].upper(),
                    "successor": successor,
                }
                for scheme, code, name, successor in (
                    ("us:msa", "41940", "San Jose-Sunnyvale-Santa Clara, CA", None),
                    ("us:state", "06", "California", None),
                    ("nuts", "ITE3", "Marche", "nuts:ITI3"),
                    ("nuts", "ITI3", "Marche", None),
                    ("nuts", "IT", "Italia", None),
                    ("nuts", "DE1", "Baden-Württemberg", None),
                    ("nuts", "DE12", "Karlsruhe", None),
                    ("ca:cma", "505", "Ottawa-Hull", None),
                    ("in:district", "438", "Rajkot", None),
                    ("in:district", "469", "Aurangabad", None),
                )
            ],
        )
        yield connection


def put(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows; what they do not state is null."""
    for row in rows:
        columns = {"feed_id": "ref.test"} | row
        marks = ", ".join("?" for _ in columns)
        connection.execute(f"INSERT INTO release.{table} ({', '.join(columns)}) VALUES ({marks})", [*columns.values()])


def cluster(cluster_id: str, kind: str = "cell", **columns: object) -> dict[str, Any]:
    """Return a cluster of the feed that its id names."""
    feed_id = cluster_id.split(":", maxsplit=1)[0]
    source = {"in": "india", "ca": "canada"}.get(feed_id.split(".")[0], feed_id.split(".")[0])
    scheme = SETS.get(feed_id, SETS.get(source))
    own = {"category_id": f"{scheme}:{cluster_id.rsplit(':', maxsplit=1)[-1]}"} if kind == "cell" and scheme else {}
    return {"cluster_id": cluster_id, "feed_id": feed_id, "source_id": source, "kind": kind, **own, **columns}


def derive(
    connection: duckdb.DuckDBPyConnection, *clusters: tuple[dict[str, Any], dict[tuple[str, str], bool]]
) -> None:
    """Insert clusters with the answers of the rules, (rule, period) → accepted; and derive what follows from them."""
    put(
        connection,
        "clusters",
        [
            row | {"identified_by": sorted({rule for (rule, _), yes in answers.items() if yes})}
            for row, answers in clusters
        ],
    )
    for row, answers in clusters:
        keys = {"cluster_id": row["cluster_id"], "feed_id": row["feed_id"]}
        put(
            connection,
            "cluster_identification",
            [
                keys | {"rule_id": rule, "time_period": period, "is_cluster": yes, "inputs": '{"stars": 2}'}
                for (rule, period), yes in answers.items()
            ],
        )
    # A class is that of the hub, unless the test says otherwise.
    connection.execute(
        "INSERT INTO release.category_mappings BY NAME SELECT DISTINCT category_id AS from_category_id, "
        "hub_category_id AS to_category_id, 'closeMatch' AS relation, 'ref.test' AS feed_id FROM release.clusters "
        "WHERE category_id <> hub_category_id "
        "AND category_id NOT IN (SELECT from_category_id FROM release.category_mappings)"
    )
    for step in ("cluster_links", "global_clusters", "census"):
        connection.execute((assemble.DERIVE / f"{step}.sql").read_text("utf-8"))


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the database `release`."""
    cursor = connection.cursor()
    cursor.execute("USE release")
    return cursor.execute(query).fetchall()


SURVEYED = {("survey.listed", "undated"): True}
DOCUMENTED = {("paper.documented", "undated"): True}
STRONG = {("us.strong.msa", "2016"): True, ("us.strong10.msa", "2016"): True}
SAN_JOSE = {"country_code": "US", "region_id": "us:msa:41940", "hub_category_id": IT}


def test_a_cell_of_two_feeds_is_one_cluster_and_the_first_in_rank_is_counted(
    release: duckdb.DuckDBPyConnection,
) -> None:
    derive(
        release,
        (cluster("us.clustermapping:msa:41940:23", **SAN_JOSE), STRONG),
        (cluster("us.cbp:msa:41940:23", **SAN_JOSE), {("us.strong.msa", "2016"): True}),
        (
            cluster("us.cbp:msa:41940:4", **SAN_JOSE | {"hub_category_id": AUTOMOTIVE}),
            {("us.strong.msa", "2016"): True},
        ),
    )
    assert ask(release, "SELECT global_cluster_id, members, feeds, kind FROM global_clusters") == [
        (
            "global:us.clustermapping:msa:41940:23",
            ["us.cbp:msa:41940:23", "us.clustermapping:msa:41940:23"],
            ["us.cbp", "us.clustermapping"],
            "cell",
        )
    ]
    assert ask(release, "SELECT from_id, to_id, relation FROM links") == [
        ("us.cbp:msa:41940:23", "us.clustermapping:msa:41940:23", "same_as")
    ]
    assert (
        ask(
            release,
            "SELECT found, deduplicated, low, high, level FROM census WHERE scope = 'world' AND rule_id = 'all'",
        )
        == [(1, 1, 1, 1, "us:msa")] * 2
    )  # all activities, and this one


def test_no_state_stands_beside_its_metropolitan_area_and_no_local_activity_is_counted(
    release: duckdb.DuckDBPyConnection,
) -> None:
    state = SAN_JOSE | {"region_id": "us:state:06"}
    derive(
        release,
        (cluster("us.clustermapping:msa:41940:23", **SAN_JOSE), {("us.strong.msa", "2016"): True}),
        (cluster("us.clustermapping:msa:41940:101", **SAN_JOSE | {"hub_category_id": LOCAL}), STRONG),
        (cluster("us.clustermapping:state:06:23", **state), {("us.strong.state", "2016"): True}),
    )
    assert ask(release, "SELECT members FROM global_clusters") == [(["us.clustermapping:msa:41940:23"],)]
    assert ask(
        release,
        "SELECT rule_id, found, deduplicated, low, high FROM census "
        "WHERE scope = 'country:US' AND hub_category_id = 'all'",
    ) == [("us.strong.msa", 1, 1, 0, 1), ("all", 1, 1, 0, 1)]


def test_only_the_newest_period_of_a_feed_and_country_counts(release: duckdb.DuckDBPyConnection) -> None:
    derive(
        release,
        (cluster("us.clustermapping:msa:41940:23", **SAN_JOSE), STRONG | {("us.strong.msa", "2017"): False}),
        (
            cluster("us.clustermapping:msa:41940:4", **SAN_JOSE | {"hub_category_id": AUTOMOTIVE}),
            {("us.strong.msa", "2016"): False, ("us.strong.msa", "2017"): True},
        ),
    )
    assert ask(release, "SELECT global_cluster_id FROM global_clusters") == [("global:us.clustermapping:msa:41940:4",)]
    assert ask(release, "SELECT DISTINCT found FROM census") == [(1,)]


def test_a_region_is_followed_to_the_code_that_replaced_it(release: duckdb.DuckDBPyConnection) -> None:
    marche = {"country_code": "IT", "hub_category_id": "bcd:26"}
    derive(
        release,
        (
            cluster("eu.legacy:ITE3:leather-products", region_id="nuts:ITE3", **marche),
            {("eu.stars_published", "2007"): True},
        ),
        (cluster("eu.eocic:ITI3:leather", region_id="nuts:ITI3", **marche), {("eu.eu10_stars", "2017"): True}),
        (
            cluster("eu.eocic:ITI3:emerging", region_id="nuts:ITI3", country_code="IT", category_id=EMERGING),
            {("eu.eu10_stars", "2017"): True},
        ),
    )
    assert ask(release, "SELECT global_cluster_id, region_id, members FROM global_clusters") == [
        (
            "global:eu.eocic:ITI3:leather",
            "nuts:ITI3",
            ["eu.eocic:ITI3:leather", "eu.legacy:ITE3:leather-products"],
        )
    ]
    assert (
        ask(release, "SELECT found, low, high FROM census WHERE rule_id = 'all' AND hub_category_id = 'all'")
        == [(1, 1, 1)] * 2
    )  # the country and the world


def test_a_class_that_is_only_a_part_of_the_hub_s_class_stays_itself(release: duckdb.DuckDBPyConnection) -> None:
    put(
        release,
        "category_mappings",
        [
            {"from_category_id": f"eco38:{name}", "to_category_id": AUTOMOTIVE, "relation": relation}
            for name, relation in (("automotive", "closeMatch"), ("tyres", "broadMatch"))
        ],
    )
    marche = {"country_code": "IT", "region_id": "nuts:ITI3", "hub_category_id": AUTOMOTIVE}
    derive(
        release,
        (cluster("eu.eocic:ITI3:automotive", **marche), {("eu.eu10_stars", "2017"): True}),
        *(
            (
                cluster(f"eu.legacy:ITI3:{name}", **marche),
                {("eu.stars_published", "2007"): True},
            )
            for name in ("automotive", "tyres")
        ),
    )
    assert ask(release, "SELECT from_id, to_id FROM links") == [
        ("eu.eocic:ITI3:automotive", "eu.legacy:ITI3:automotive")
    ]
    assert ask(release, "SELECT members FROM global_clusters") == [
        (["eu.eocic:ITI3:automotive", "eu.legacy:ITI3:automotive"],)
    ]


RAJKOT = {"country_code": "IN", "region_id": "in:district:438", "place": "Rajkot, Gujarat"}


@pytest.mark.parametrize(
    ("product", "other", "same"),
    [
        ("forging", "Castings, forgings", True),
        ("leather footwear", "footwear", True),
        ("rice mills", "Rice Milling", True),
        ("dyes, chemicals & plastics", "Dyes and intermediates", True),
        ("leather footwear", "leather goods", False),
        ("cotton ginning", "cotton knitwear", False),
        ("diesel engines", "engine valves", False),
        ("brass parts", "brass utensils", False),
        ("hosiery", "woollen knitwear", True),
        ("foundry", "grey iron castings", True),
        ("power looms", "textiles", True),
        ("brass and copper utensils", "brass utensils", True),
        ("imitation jewellery", "artificial ornaments", True),
        ("imitation jewellery", "gold jewellery", False),
        ("zari", "textiles", False),
        ("power looms", "knitwear", False),
        (None, None, False),
    ],
)
def test_products_are_compared_item_by_item(
    release: duckdb.DuckDBPyConnection, product: str | None, other: str | None, same: bool
) -> None:
    derive(
        release,
        (cluster("in.observatory:one", "surveyed", product=product, **RAJKOT), SURVEYED),
        (cluster("in.sameeeksha:two", "surveyed", product=other, **RAJKOT), SURVEYED),
    )
    assert len(ask(release, "FROM global_clusters")) == (1 if same else 2)
    assert ask(release, "SELECT found, deduplicated FROM census WHERE scope = 'country:IN' AND rule_id = 'all'") == [
        (2, 1 if same else 2)
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (RAJKOT, RAJKOT | {"place": "Metoda, Rajkot"}, True),
        (RAJKOT, RAJKOT | {"region_id": "in:district:469"}, False),
        (RAJKOT | {"region_id": None}, RAJKOT | {"region_id": None}, True),
        (RAJKOT | {"region_id": None, "place": "Rajkot, Kerala"}, RAJKOT | {"region_id": None}, False),
        (RAJKOT, RAJKOT | {"country_code": "PK"}, False),
        # Two towns of one district; a town whose district was split; the old name of a place.
        (RAJKOT | {"place": "Gondal, Rajkot, Gujarat"}, RAJKOT | {"place": "Metoda, Rajkot, Gujarat"}, False),
        (RAJKOT | {"place": "Gondal, Rajkot, Gujarat"}, RAJKOT | {"place": "Gondaal, Rajkot, Gujarat"}, True),
        (
            RAJKOT | {"place": "Morbi, Rajkot, Gujarat"},
            RAJKOT | {"region_id": "in:district:469", "place": "Morbi, Gujarat"},
            True,
        ),
        (
            RAJKOT | {"region_id": None, "place": "Baroda, Gujarat"},
            RAJKOT | {"region_id": None, "place": "Vadodara, Gujarat"},
            True,
        ),
        (RAJKOT | {"region_id": None, "place": None}, RAJKOT | {"region_id": None, "place": None}, False),
    ],
)
def test_one_trade_in_two_places_is_two_clusters(
    release: duckdb.DuckDBPyConnection, one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    derive(
        release,
        (cluster("in.observatory:one", "surveyed", product="forging", **one), SURVEYED),
        (cluster("in.sameeeksha:two", "surveyed", product="forging", **other), SURVEYED),
    )
    assert len(ask(release, "FROM global_clusters")) == (1 if same else 2)


def test_one_list_names_a_cluster_twice_only_in_the_same_words(release: duckdb.DuckDBPyConnection) -> None:
    derive(
        release,
        (cluster("in.msecdp:1", "surveyed", product="Garments Cluster", **RAJKOT), SURVEYED),
        (cluster("in.msecdp:2", "surveyed", product="garment", **RAJKOT), SURVEYED),
        (cluster("in.msecdp:3", "surveyed", product="cotton garments", **RAJKOT), SURVEYED),
    )
    assert ask(release, "SELECT members FROM global_clusters ORDER BY ALL") == [
        (["in.msecdp:1", "in.msecdp:2"],),
        (["in.msecdp:3"],),
    ]


def test_what_a_text_names_is_the_cell_of_that_place_and_category(release: duckdb.DuckDBPyConnection) -> None:
    derive(
        release,
        (
            cluster("paper.facts:ottawa", "documented", country_code="CA", place="Ottawa", hub_category_id=IT),
            DOCUMENTED,
        ),
        (
            cluster("ca.competeprosper:cma-505:it", country_code="CA", region_id="ca:cma:505", hub_category_id=IT),
            {("ca.lq", "undated"): True},
        ),
    )
    assert ask(release, "SELECT global_cluster_id, region_id, kind FROM global_clusters") == [
        ("global:paper.facts:ottawa", "ca:cma:505", "documented")
    ]


NAMED = {"country_code": "CA", "hub_category_id": IT}
CMA = NAMED | {"region_id": "ca:cma:505"}


@pytest.mark.parametrize(
    ("text", "in_total"),
    [
        ({"region_id": "ca:cma:505"}, True),  # the place and category of a counted cell
        ({"place": "Ottawa"}, True),
        ({"place": "Elsewhere"}, False),
        ({"region_id": "ca:cma:505", "hub_category_id": AUTOMOTIVE}, False),
    ],
)
def test_what_a_text_names_adds_nothing_to_a_total_of_cells(
    release: duckdb.DuckDBPyConnection, text: dict[str, Any], in_total: bool
) -> None:
    derive(
        release,
        (cluster("paper.facts:named", "documented", **NAMED | text), DOCUMENTED),
        (cluster("paper.facts:wine", "documented", country_code="CL"), DOCUMENTED),
        (cluster("ca.competeprosper:cma-505:information-technology", **CMA), {("ca.lq", "undated"): True}),
    )
    total = "FROM census WHERE kind = 'all' AND hub_category_id = 'all' ORDER BY scope"
    assert ask(release, f"SELECT scope, level, found, deduplicated, low, high {total}") == [
        ("country:CA", "ca:cma", 1, 1, 1, 1),
        ("country:CL", "places that a text names", 1, 1, 1, 1),
        ("world", "ca:cma + places that a text names", 2, 2, 2, 2),
    ]
    # The row of its rule has it all the same, and says that no total does.
    [(found, note)] = ask(
        release,
        "SELECT found, coverage_note FROM census "
        "WHERE scope = 'country:CA' AND rule_id = 'paper.documented' AND hub_category_id = 'all'",
    )
    apart = "1 not in a total: cells are counted in the country, and none is linked to it."
    assert (found, apart in note) == (1, not in_total)
    assert dict(ask(release, "SELECT unnest(members), in_total FROM global_clusters")) == {
        "paper.facts:named": in_total,
        "paper.facts:wine": True,
        "ca.competeprosper:cma-505:information-technology": True,
    }


def test_a_survey_and_a_text_are_one_level_where_no_cell_is_counted(release: duckdb.DuckDBPyConnection) -> None:
    derive(
        release,
        (cluster("in.observatory:one", "surveyed", product="forging", **RAJKOT), SURVEYED),
        (cluster("in.msecdp:two", "documented", product="toys", **RAJKOT), DOCUMENTED),
    )
    assert ask(
        release, "SELECT level, found, deduplicated FROM census WHERE scope = 'country:IN' AND rule_id = 'all'"
    ) == [("places that a survey lists or a text names", 2, 2)]


def test_a_subcluster_is_not_counted_beside_its_category(release: duckdb.DuckDBPyConnection) -> None:
    part = {"category_id": f"{IT}.01", "scheme": "bcd", "code": "23.01", "traded": True, "parent_category_id": IT}
    put(release, "categories", [part])
    derive(
        release,
        (cluster("us.cbp:msa:41940:23", **SAN_JOSE), STRONG),
        (cluster("us.cbp:msa:41940:23.01", **SAN_JOSE), STRONG),
    )
    assert ask(release, "SELECT members FROM global_clusters") == [(["us.cbp:msa:41940:23"],)]


def test_it_is_told_how_many_of_unknown_category_are_counted(release: duckdb.DuckDBPyConnection) -> None:
    israel = {"country_code": "IL", "region_id": "country:IL"}
    stars = {("eu.stars_published", "2009"): True}
    put(release, "regions", [{"region_id": "country:IL", "scheme": "country", "code": "IL"}])
    derive(
        release,
        *((cluster(f"eu.legacy:IL:invented-{number}", **israel), stars) for number in range(3)),
        (cluster("eu.legacy:IL:automotive", **israel, hub_category_id=AUTOMOTIVE), stars),
        (cluster("paper.facts:wine", "documented", country_code="CL"), DOCUMENTED),
        (cluster("us.clustermapping:msa:41940:23", **SAN_JOSE), STRONG),
    )
    notes = dict(
        ask(release, "SELECT scope || ' ' || rule_id, coverage_note FROM census WHERE hub_category_id = 'all'")
    )
    unknown = {
        row: note.partition(" of unknown category")[0].rpartition(" ")[2]
        for row, note in notes.items()
        if "of unknown category (traded or local) counted." in note
    }
    assert unknown == {
        "country:IL eu.stars_published": "3",
        "country:IL all": "3",
        "country:CL paper.documented": "1",
        "country:CL all": "1",
        "world eu.stars_published": "3",
        "world paper.documented": "1",
        "world all": "4",
    }
    assert "Local activities are not counted." in notes["world all"]
    assert not any("Traded activities only" in note for note in notes.values())


def test_an_organisation_serves_what_lies_in_its_region(release: duckdb.DuckDBPyConnection) -> None:
    body = {"feed_id": "eu.eccp", "categories": [IT]}
    put(
        release,
        "organisations",
        [
            body | {"organisation_id": "eu.eccp:1", "country_code": "DE", "region_id": "nuts:DE1"},
            body
            | {
                "organisation_id": "eu.eccp:2",
                "country_code": "DE",
                "region_id": "nuts:DE12",
                "categories": [AUTOMOTIVE],
            },
            body | {"organisation_id": "eu.eccp:3", "country_code": "IT", "region_id": "nuts:IT"},
        ],
    )
    derive(
        release,
        (
            cluster("eu.eocic:DE12:it", country_code="DE", region_id="nuts:DE12", hub_category_id=IT),
            {("eu.eu10_stars", "2017"): True},
        ),
        (
            cluster("eu.eocic:ITI3:it", country_code="IT", region_id="nuts:ITI3", hub_category_id=IT),
            {("eu.eu10_stars", "2017"): True},
        ),
    )
    assert ask(release, "SELECT from_id, to_id, score FROM links WHERE relation = 'serves'") == [
        ("eu.eccp:1", "eu.eocic:DE12:it", 0.9)
    ]


def test_a_body_serves_where_its_own_words_say(release: duckdb.DuckDBPyConnection) -> None:
    """Its name has the region of the cluster, or all of the country; else nobody knows where it works."""
    body = {"feed_id": "us.clustermapping", "country_code": "US", "categories": [IT]}
    put(release, "regions", [{"region_id": "country:IT", "scheme": "country", "name": "Italy", "country_code": "IT"}])
    put(
        release,
        "organisations",
        [
            body | {"organisation_id": "us:1", "name": "San José Software Council", "place": "Milpitas, California"},
            body | {"organisation_id": "us:2", "name": "Software Council", "place": "San Jose, California"},
            body | {"organisation_id": "us:3", "name": "California Software Council", "place": "Fresno, California"},
            body | {"organisation_id": "us:4", "name": "San Jose Motor Council", "categories": [AUTOMOTIVE]},
            body | {"organisation_id": "eu:1", "name": "IT of Italy", "country_code": "IT", "region_id": "country:IT"},
            body | {"organisation_id": "eu:2", "name": "IT Network", "country_code": "IT", "region_id": "country:IT"},
        ],
    )
    derive(
        release,
        (cluster("us.clustermapping:msa:41940:23", **SAN_JOSE), STRONG),
        (
            cluster("eu.eocic:ITI3:it", country_code="IT", region_id="nuts:ITI3", hub_category_id=IT),
            {("eu.eu10_stars", "2017"): True},
        ),
    )
    assert ask(release, "SELECT from_id, to_id, score FROM links WHERE relation = 'serves' ORDER BY from_id") == [
        ("eu:1", "eu.eocic:ITI3:it", 0.8),
        ("us:1", "us.clustermapping:msa:41940:23", 0.85),
        ("us:2", "us.clustermapping:msa:41940:23", 0.85),
    ]


def test_a_body_serves_no_place_whose_name_is_only_a_part_of_what_it_names(release: duckdb.DuckDBPyConnection) -> None:
    """New York is not York, and of two places of one name nobody knows which is meant; a state may name its city."""
    us = {"country_code": "US"}
    names = {"us:msa:49620": "York-Hanover, PA", "us:msa:40380": "Rochester, NY", "us:msa:40340": "Rochester, MN"}
    names |= {"us:state:36": "New York", "us:msa:35620": "New York-Newark-Jersey City, NY-NJ-PA"}
    regions = [(region, *region.rsplit(":", maxsplit=1), name) for region, name in names.items()]
    put(
        release,
        "regions",
        [
            us | {"region_id": region, "scheme": scheme, "code": code, "name": name}
            for region, scheme, code, name in regions
        ],
    )
    bodies = ("New York Photonics", "Rochester Photonics Cluster", "York Photonics")
    put(
        release,
        "organisations",
        [
            us | {"organisation_id": f"us:{name}", "feed_id": "us.clustermapping", "name": name, "categories": [IT]}
            for name in bodies
        ],
    )
    clusters = [
        cluster(f"us.clustermapping:{region.removeprefix('us:')}:23", **us, region_id=region, hub_category_id=IT)
        for region in names
    ]
    derive(release, *((each, STRONG) for each in clusters))
    assert ask(release, "SELECT from_id, to_id FROM links WHERE relation = 'serves' ORDER BY ALL") == [
        ("us:New York Photonics", "us.clustermapping:msa:35620:23"),
        ("us:New York Photonics", "us.clustermapping:state:36:23"),
        ("us:York Photonics", "us.clustermapping:msa:49620:23"),
    ]


@pytest.mark.parametrize(
    ("place", "same"),
    [
        ("San Jose, California", True),
        ("Santa Clara, California", True),
        ("San, California", False),
        ("San Jose, Iowa", False),
    ],
)
def test_a_city_of_a_region_s_name_is_that_region(release: duckdb.DuckDBPyConnection, place: str, same: bool) -> None:
    release.execute("UPDATE release.regions SET iso_3166_2 = 'US-CA' WHERE region_id = 'us:state:06'")
    put(release, "regions", [{"region_id": "us:state:19", "scheme": "us:state", "name": "Iowa", "iso_3166_2": "US-IA"}])
    told = {"country_code": "US", "place": place, "hub_category_id": IT, "product": "software"}
    derive(
        release,
        (cluster("us.clustermapping:msa:41940:23", **SAN_JOSE), STRONG),
        (cluster("paper.facts:it", "documented", **told), DOCUMENTED),
    )
    assert len(ask(release, "FROM links WHERE relation = 'same_as'")) == same


def test_a_scheme_without_a_place_serves_its_trade_in_the_country(release: duckdb.DuckDBPyConnection) -> None:
    scheme = {"feed_id": "paper.facts", "country_code": "IN"}
    put(
        release,
        "initiatives",
        [
            scheme | {"initiative_id": "paper.facts:1", "title": "Integrated Handloom Cluster Scheme"},
            scheme | {"initiative_id": "paper.facts:2", "title": "Rajkot handloom centre"},
            scheme | {"initiative_id": "paper.facts:3", "title": "Technology scheme for rural small enterprises"},
        ],
    )
    known = RAJKOT | {"place": "Bankura, West Bengal", "hub_category_id": "bcd:42"}
    derive(
        release,
        (cluster("in.observatory:1", "surveyed", product="Baluchari sarees", **known), SURVEYED),
        (cluster("in.observatory:2", "surveyed", product="sarees", **known), SURVEYED),
        (cluster("in.observatory:3", "surveyed", product="rural technology", **RAJKOT), SURVEYED),
    )
    assert ask(release, "SELECT from_id, to_id, score FROM links WHERE relation = 'serves'") == [
        ("paper.facts:1", "in.observatory:1", 0.8)
    ]


def test_an_initiative_serves_the_cluster_that_it_names(release: duckdb.DuckDBPyConnection) -> None:
    initiative = {"feed_id": "usaid.iati", "country_code": "PK"}
    put(
        release,
        "initiatives",
        [
            initiative | {"initiative_id": "usaid.iati:1", "title": "Surgical Instruments Export Development"},
            initiative | {"initiative_id": "usaid.iati:2", "title": "Health cluster coordination in Sialkot"},
        ],
    )
    put(
        release,
        "initiative_locations",
        [{"initiative_id": "usaid.iati:1", "seq": 1, "feed_id": "usaid.iati", "admin_name": "Sialkot"}],
    )
    sialkot = {"country_code": "PK", "place": "Sialkot", "product": "surgical instruments"}
    derive(release, (cluster("paper.facts:surgical", "documented", **sialkot), DOCUMENTED))
    assert ask(release, "SELECT from_id, to_id FROM links WHERE relation = 'serves'") == [
        ("usaid.iati:1", "paper.facts:surgical")
    ]


def test_what_a_source_links_itself_is_not_linked_again(release: duckdb.DuckDBPyConnection) -> None:
    row = {"feed_id": "in.msecdp", "country_code": "IN", "title": "Forging cluster, Rajkot"}
    put(release, "initiatives", [row | {"initiative_id": "in.msecdp:a"}])
    put(
        release,
        "links",
        [{"from_id": "in.msecdp:a", "to_id": "in.msecdp:1", "relation": "supports", "decision": "accepted: stated"}],
    )
    derive(release, (cluster("in.msecdp:1", "documented", product="forging", **RAJKOT), DOCUMENTED))
    assert ask(release, "SELECT relation FROM links") == [("supports",)]


@pytest.mark.parametrize(("decision", "clusters"), [("refused", 2), ("accepted", 1)])
def test_a_judgement_by_hand_goes_before_the_rules(
    release: duckdb.DuckDBPyConnection, decision: str, clusters: int
) -> None:
    release.execute(
        "INSERT INTO link_judgement VALUES ('in.sameeeksha:two', 'in.observatory:one', 'same_as', ?, 'seen on site')",
        [decision],
    )
    derive(
        release,
        (cluster("in.observatory:one", "surveyed", product="forging", **RAJKOT), SURVEYED),
        (cluster("in.sameeeksha:two", "surveyed", product="forging", **RAJKOT), SURVEYED),
    )
    assert ask(release, "SELECT method, decision FROM links") == [("by hand", f"{decision}: seen on site")]
    assert len(ask(release, "FROM global_clusters")) == clusters


def test_declared_stands_beside_found(release: duckdb.DuckDBPyConnection) -> None:
    claim = {"unit": "clusters", "scope": "country:IN", "subject": "clusters", "contradicts": []}
    put(
        release,
        "claims",
        [
            claim | {"claim_id": "C1", "value": 6400, "qualifier": "about", "contradicts": ["C2"]},
            claim | {"claim_id": "C2", "value": 6000, "qualifier": "more_than"},
            claim | {"claim_id": "C3", "value": 1156, "qualifier": "exact"},
            claim
            | {
                "claim_id": "C4",
                "value": 41,
                "qualifier": "exact",
                "scope": "country:IR",
                "subject": "clusters of one",
            },
            claim | {"claim_id": "C5", "value": 9, "qualifier": "exact", "unit": "regions"},
        ],
    )
    derive(release, (cluster("in.observatory:one", "surveyed", product="forging", **RAJKOT), SURVEYED))
    assert ask(release, "SELECT rule_id, declared, low, high FROM census WHERE kind = 'declared' ORDER BY rule_id") == [
        ("claim.C1", 6400, None, None),
        ("claim.C2", 6000, 6000, None),
        ("claim.C3", 1156, 1156, 1156),
        ("claim.C4", 41, 41, 41),
    ]
    assert ask(
        release,
        "SELECT scope, found, declared, deduplicated, low, high FROM census "
        "WHERE kind = 'all' AND hub_category_id = 'all' ORDER BY scope",
    ) == [
        ("country:IN", 1, 6400, 1, 1, 6400),
        ("world", 1, None, 1, 1, 6400),
    ]
