"""THE definition of every table and column; DDL, Parquet, JSON Schema and the dictionary are made from it.

A column is *content* (what a source says about the world) or *provenance* (how we know: documents, harvests,
routes, addresses, times). Only content decides whether a row is unchanged, and only content enters a table's
``content_sha256``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

SCHEMA_VERSION = "1.0.0"

DERIVED = "derived"
"""``feed_id`` and ``route`` of rows that are computed across feeds."""

NOT_APPLICABLE = "_Z"
"""SDMX code for "not applicable": an observation key whose dimension has no meaning for the indicator."""


class Origin(StrEnum):
    """Where the rows of a table come from, and so how they are kept."""

    FEED = "feed"
    """Loaded from harvests; historic: rows are opened and closed, never overwritten."""
    DERIVED = "derived"
    """Recomputed whole for each release from the rows that its profile allows."""
    LEDGER = "ledger"
    """What we did: harvests, documents, quarantine. Only appended."""
    CATALOGUE = "catalogue"
    """The sources and feeds as the software describes them, with their state at the release."""
    RELEASE = "release"
    """What a release says about itself and the one before it."""
    HISTORY = "history"
    """Closed rows of a historic table, with the time in which they were valid."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: snake_case, the same word for the same thing in every table.
        type: a DuckDB type.
        description: what it says and in which unit; one sentence.
        content: False for provenance.
        required: never null in a published row.
        codes: the allowed values, where the list is closed.
    """

    name: str
    type: str
    description: str
    content: bool = True
    required: bool = False
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the common schema; `key` is unique among published rows and is also their order."""

    name: str
    key: tuple[str, ...]
    origin: Origin
    description: str
    columns: tuple[Column, ...]
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in self.columns}
        if len(by_name) != len(self.columns) or not set(self.key) <= by_name.keys():
            raise ValueError(f"table {self.name}: a column stands twice, or the key names no column")
        object.__setattr__(self, "by_name", MappingProxyType(by_name))

    @property
    def historic(self) -> bool:
        """Whether the warehouse keeps closed rows beside the open ones."""
        return self.origin is Origin.FEED

    @property
    def content(self) -> tuple[str, ...]:
        """Names of the content columns, in order."""
        return tuple(column.name for column in self.columns if column.content)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


def _key(name: str, description: str, type_: str = "VARCHAR", codes: tuple[str, ...] = ()) -> Column:
    return Column(name, type_, description, required=True, codes=codes)


def _text(name: str, description: str, codes: tuple[str, ...] = ()) -> Column:
    return Column(name, "VARCHAR", description, codes=codes)


def _list(name: str, description: str) -> Column:
    return Column(name, "VARCHAR[]", description)


def _real(name: str, description: str) -> Column:
    return Column(name, "DOUBLE", description)


def _count(name: str, description: str) -> Column:
    return Column(name, "BIGINT", description)


def _date(name: str, description: str) -> Column:
    return Column(name, "DATE", description)


def _own(name: str, type_: str, description: str, codes: tuple[str, ...] = ()) -> Column:
    """A provenance column: our own account of how we know."""
    return Column(name, type_, description, content=False, codes=codes)


ROUTES = ("live", "wayback", "files", "replica", DERIVED)
RELATIONS = ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")
OBS_STATUS = ("A", "E", "O", "Q", "B", "P")
HEALTH = ("ok", "held", "failing", "stale", "never")
HARVEST_STATUS = ("accepted", "unchanged", "held", "failed", "partial")

FEED_ID = Column(
    "feed_id",
    "VARCHAR",
    "The feed that states the row; `derived` where it is computed across feeds.",
    required=True,
)
PROVENANCE = (
    _own("document_id", "VARCHAR", "The archived document that states the row (documents.document_id)."),
    _own("locator", "VARCHAR", "The record in that document, such as `json:/1234` or `html:table[2]/tr[7]`."),
    _own("harvest_id", "VARCHAR", "The harvest that opened the row."),
    _own("route", "VARCHAR", "How the feed was reached.", ROUTES),
    _own("synthetic", "BOOLEAN", "True where the evidence is a replica: invented, for demo and tests."),
)
LATITUDE = _real("latitude", "WGS 84 latitude, degrees north.")
LONGITUDE = _real("longitude", "WGS 84 longitude, degrees east.")
COUNTRY = _text("country_code", "ISO 3166-1 alpha-2.")
SEQ = _key("seq", "Position within its parent, from 1.", "INTEGER")
CITATION = _text("citation", "What to cite for the row, such as work and section; null: cite the feed.")
NOTE = _text("note", "What the source adds in words, or what we say of the reading.")

SOURCES = Table(
    "sources",
    ("source_id",),
    Origin.CATALOGUE,
    "The observatories.",
    (
        _key("source_id", "Short name of the observatory, such as `us`."),
        FEED_ID,
        _text("name", "Name of the observatory."),
        _text("publisher", "Who publishes it."),
        _list("country_coverage", "ISO 3166-1 alpha-2 codes of the countries it covers."),
        _text("homepage_url", "Its front page."),
        _text("status", "Whether it still serves.", ("live", "closed", "unknown")),
    ),
)

FEEDS = Table(
    "feeds",
    ("feed_id",),
    Origin.CATALOGUE,
    "The machine-readable things that sources offer, with their terms and their state at the release.",
    (
        FEED_ID,
        _text("source_id", "The observatory that offers it."),
        _text("title", "What it is."),
        _text("description", "What it holds, and for which years and places."),
        _text("licence", "Name of its terms."),
        _text("licence_url", "Where its terms stand."),
        _text(
            "redistribution",
            "What may be republished; `open` and `attribution` stand in public releases.",
            ("open", "attribution", "noncommercial", "restricted"),
        ),
        _text("attribution", "The credit that its terms ask for."),
        _list("routes", "How it can be reached."),
        _text("cadence", "How often it is harvested by default (cron line, UTC)."),
        _text("denominator", "The rule that says how many records a complete harvest has."),
        _own("last_harvest_id", "VARCHAR", "Its newest harvest, whatever came of it."),
        _own("last_success_at", "TIMESTAMP", "When a harvest was last accepted or found unchanged (UTC)."),
        _own("records_expected", "BIGINT", "Records that its denominator asks for, at the last success."),
        _own("records_found", "BIGINT", "Records that were found then."),
        _own("health", "VARCHAR", "State as of the release.", HEALTH),
    ),
)

REGIONS = Table(
    "regions",
    ("region_id",),
    Origin.FEED,
    "Places: countries, states, counties, metropolitan and economic areas, NUTS regions, districts.",
    (
        _key("region_id", "`<scheme>:<code>`, such as `us:state:15` or `nuts:ES51`."),
        FEED_ID,
        _text("scheme", "The code list, such as `us:state`."),
        _text("code", "The code in that list, with its leading zeros."),
        _text("name", "Cleaned name."),
        _text("name_as_published", "Name to the letter."),
        _list("other_names", "Earlier names, and names in other languages, where the list has them."),
        COUNTRY,
        _text("iso_3166_2", "ISO 3166-2 code, where the region has one."),
        _text("parent_region_id", "The region one level up that wholly contains it, where there is one."),
        _list("member_region_ids", "The regions that compose it, where the source lists them."),
        LATITUDE,
        LONGITUDE,
        _text(
            "coordinate_basis",
            "What the point is: a basis of `region_coordinates`, or `parent` where it is that of the region above.",
        ),
        _real("coordinate_error_km", "How far it may be from what is in the region, km; see `region_coordinates`."),
        _text("coordinate_region_id", "The region in `region_coordinates` whose point it is."),
        _date("valid_from", "First day on which the code was in force."),
        _date("valid_to", "Last day on which the code was in force."),
        _text("successor", "The region that follows it, where it is one."),
        _list("successors", "The regions that follow it, where it was split among several."),
        *PROVENANCE,
    ),
)

REGION_COORDINATES = Table(
    "region_coordinates",
    ("region_id",),
    Origin.FEED,
    "A point for each region that has one of its own; a release puts it into `regions`, and where one below has none.",
    (
        _key("region_id", "The region; it need not stand in `regions`."),
        FEED_ID,
        LATITUDE,
        LONGITUDE,
        _text(
            "coordinate_basis",
            "What the point is: `area_centroid` of its boundaries (of the largest part of a country), its `capital`, "
            "the `largest_city` in it, its `principal_city` (which names it), its `seat` (or the city of its name).",
        ),
        _real(
            "coordinate_error_km",
            "Radius of a circle with the region's area, km; of the mean area of such regions where that is not known.",
        ),
        _text("place", "The city, where the point is one."),
        CITATION,
        *PROVENANCE,
    ),
)

EXCHANGE_RATES = Table(
    "exchange_rates",
    ("currency", "time_period"),
    Origin.FEED,
    "Average rates of currencies in USD over years and months.",
    (
        _key("currency", "ISO 4217 code."),
        _key("time_period", "Year (`2016`) or month (`2016-03`)."),
        FEED_ID,
        _real("rate_usd", "USD for one unit."),
        _count("days", "Days with a rate that it is the average of."),
        _text("basis", "How it was made."),
        CITATION,
        *PROVENANCE,
    ),
)

CATEGORIES = Table(
    "categories",
    ("category_id",),
    Origin.FEED,
    "Activity classes. The hub is the Benchmark Cluster Definitions, scheme `bcd`.",
    (
        _key("category_id", "`<scheme>:<code>`, such as `bcd:22`, or `bcd:22.01` for a subcluster."),
        FEED_ID,
        _text("scheme", "The classification."),
        _text("code", "The code in it."),
        _text("name", "Name of the class."),
        Column("traded", "BOOLEAN", "True: sells beyond its region; false: local; null: no such distinction."),
        _text("parent_category_id", "The class one level up."),
        *PROVENANCE,
    ),
)

CATEGORY_MAPPINGS = Table(
    "category_mappings",
    ("from_category_id", "to_category_id"),
    Origin.FEED,
    "SKOS mappings between activity classes. Directed.",
    (
        _key("from_category_id", "The class that is mapped."),
        _key("to_category_id", "The class it is mapped to."),
        FEED_ID,
        _text("relation", "SKOS mapping relation, without its prefix.", RELATIONS),
        _real("confidence", "From 0 to 1; null where the source states none."),
        _text("basis", "What the mapping rests on."),
        *PROVENANCE,
    ),
)

CLUSTERS = Table(
    "clusters",
    ("cluster_id",),
    Origin.FEED,
    "Cells (a statistical place × activity) and clusters (cells that a rule accepts, surveyed, documented).",
    (
        _key("cluster_id", "`<feed>:<the source's own key>`."),
        FEED_ID,
        _text("source_id", "The observatory."),
        _text("name", "Cleaned name."),
        _text("kind", "A cell is not yet a cluster.", ("cell", "surveyed", "documented")),
        _list("identified_by", "Rules that accept it as a cluster in any period; empty: only a cell."),
        _text("region_id", "Where it is."),
        _text("place", "Where it is, in the source's words."),
        COUNTRY,
        _text("category_id", "Its activity, in the source's classification."),
        _text("hub_category_id", "Its activity in the hub classification (`bcd:`), or null."),
        _text(
            "hub_category_match",
            "How the hub category was found: by the mapping of its class, by the words of its product, or not; null: "
            "its feed states it, or there is nothing to go by.",
            ("mapped", "matched", "ambiguous", "unmatched"),
        ),
        _list("hub_category_basis", "The classes by which it was found, or which disagree (`eco38:`, `product:` ...)."),
        _text("product", "What it makes, in the source's words."),
        _text(
            "product_class",
            "Product class of the founding paper.",
            ("micro", "handicraft", "handloom", "traditional", "high_tech", "service"),
        ),
        _list(
            "product_class_basis",
            "What gave the class (`word:textile`, `category:bcd:42`), or what disagrees; null: its source states it.",
        ),
        _real("latitude", "WGS 84 latitude, degrees north: stated, else of its region (basis and error: `regions`)."),
        _real("longitude", "WGS 84 longitude, degrees east: stated, else of its region."),
        _list("themes", "Themes of the founding paper: stated, else given by `theme_rules` to the product."),
        NOTE,
        CITATION,
        _own("source_url", "VARCHAR", "The address that states it, or a file name."),
        *PROVENANCE,
    ),
)

CLUSTER_IDENTIFICATION = Table(
    "cluster_identification",
    ("cluster_id", "rule_id", "time_period"),
    Origin.DERIVED,
    "Which rule accepts or refuses which cell as a cluster, in which period, on what inputs.",
    (
        _key("cluster_id", "The cell."),
        _key("rule_id", "The rule, such as `us.strong.state`."),
        _key("time_period", "The period that the rule looks at."),
        FEED_ID,
        Column("is_cluster", "BOOLEAN", "The rule's answer."),
        _text("inputs", "What the rule looked at, as JSON."),
    ),
)

_OBSERVATION = (
    _key("cluster_id", "The cell or cluster."),
    _key("indicator", "What is measured, such as `employment`."),
    _key("unit_kind", "What is counted, where it matters (`firms`, `looms`, `artisans`); else `_Z`."),
    _key("time_period", "SDMX time period: `2016`, `2018-04-01/P1Y`, or `undated`."),
    _key("method", "How the value was made; values of different methods are not comparable."),
    FEED_ID,
    _real("obs_value", "The value, as a plain amount of `unit_measure`; null where the status says why."),
    _text("unit_measure", "`persons`, `ratio`, an ISO 4217 code …"),
    Column(
        "obs_status",
        "VARCHAR",
        "SDMX: A normal, E estimated or imputed, O missing, Q suppressed, B series break, P provisional.",
        required=True,
        codes=OBS_STATUS,
    ),
    _text("value_text", "The value as it was written."),
    _text("qualifier", "How the value is hedged, where it is.", ("about", "over", "under", "range")),
    _date("period_start", "First day of the period."),
    _date("period_end", "Last day of the period."),
)

OBSERVATIONS = Table(
    "observations",
    ("cluster_id", "indicator", "unit_kind", "time_period", "method"),
    Origin.FEED,
    "One value of one indicator of one cluster or cell in one period.",
    (*_OBSERVATION, *PROVENANCE),
)

ORGANISATIONS = Table(
    "organisations",
    ("organisation_id",),
    Origin.FEED,
    "Bodies in or for clusters. No personal data.",
    (
        _key("organisation_id", "`<feed>:<the source's own key>`."),
        FEED_ID,
        _text("name", "Name as published, cleaned."),
        _list("roles", "Roles after the founding paper."),
        _text("kind", "What kind of body it is, in the source's words."),
        COUNTRY,
        _text("region_id", "Where it sits."),
        _text("place", "Where it sits, in the source's words."),
        _text(
            "region_match",
            "Whether the words name one region, several or none we know; null: they name no region.",
            ("matched", "ambiguous", "unmatched"),
        ),
        _list("categories", "Activity classes it works for (category ids)."),
        _count("members", "Member firms or bodies."),
        _count("members_smes", "Small and medium-sized firms among them."),
        _count("members_large", "Large firms among them."),
        _count("members_research", "Research organisations among them."),
        _text("label", "Label of quality of its management, in the source's words."),
        Column("founded_year", "INTEGER", "Year in which it was founded."),
        _text("website", "Its own front page."),
        CITATION,
        *PROVENANCE,
    ),
)

INITIATIVES = Table(
    "initiatives",
    ("initiative_id",),
    Origin.FEED,
    "Laws, schemes, programmes and projects that support clusters (IATI: activity).",
    (
        _key("initiative_id", "`<feed>:<the source's own key>`."),
        FEED_ID,
        _text("title", "Title as published."),
        _text("kind", "What it is.", ("law", "scheme", "programme", "project", "loan", "network")),
        _text("level", "Level of government or reach."),
        COUNTRY,
        _text("sector_scheme", "Classification of the largest sector: `usg` or `dac`."),
        _text("sector_code", "Code of the largest sector."),
        _text("sector_name", "Name of the largest sector."),
        _date("start_date", "First day; see `date_precision`."),
        _date("end_date", "Last day; see `date_precision`."),
        _text(
            "date_precision",
            "How precisely the dates are stated: a year stands as its first or last day.",
            ("day", "month", "year"),
        ),
        _real("commitment_usd_net", "Commitments less de-obligations, USD."),
        _real("commitment_usd_gross", "Commitments, USD."),
        _text("implementer", "Who carries it out."),
        _count("clusters_covered", "Clusters that it covers, as stated."),
        _text("clusters_covered_as_of", "The date of that count, as stated."),
        _text("selection", "Why it is here.", ("core", "extended", "keyword")),
        _list("objectives", "Stated objectives."),
        _list("themes", "Themes of the founding paper."),
        _text("status", "Its state, in the source's words."),
        _text("award_number", "Number of the contract or grant that carries it out, where the source states one."),
        _list("same_as", "Other rows of this table that tell of the same initiative."),
        NOTE,
        CITATION,
        *PROVENANCE,
    ),
)

INITIATIVE_SECTORS = Table(
    "initiative_sectors",
    ("initiative_id", "seq"),
    Origin.FEED,
    "Sectors of an initiative, with their share of its money.",
    (
        _key("initiative_id", "The initiative."),
        SEQ,
        FEED_ID,
        _text("sector_scheme", "`usg` or `dac`."),
        _text("sector_code", "Code in that scheme."),
        _text("sector_name", "Name in that scheme."),
        _real("commitment_usd_net", "Commitments less de-obligations, USD."),
        _real("commitment_usd_gross", "Commitments, USD."),
        _count("deobligations", "Number of de-obligations."),
        *PROVENANCE,
    ),
)

INITIATIVE_LOCATIONS = Table(
    "initiative_locations",
    ("initiative_id", "seq"),
    Origin.FEED,
    "Places in which an initiative works.",
    (
        _key("initiative_id", "The initiative."),
        SEQ,
        FEED_ID,
        COUNTRY,
        _text("admin_name", "Name of the place as published."),
        LATITUDE,
        LONGITUDE,
        CITATION,
        *PROVENANCE,
    ),
)

INITIATIVE_ORGANISATIONS = Table(
    "initiative_organisations",
    ("initiative_id", "seq"),
    Origin.FEED,
    "Bodies that take part in an initiative (IATI: participating-org).",
    (
        _key("initiative_id", "The initiative."),
        SEQ,
        FEED_ID,
        _text("organisation_name", "Name as published."),
        _text("organisation_id", "The organisation, where it is known."),
        _text("role", "IATI organisation role.", ("funding", "accountable", "extending", "implementing")),
        _text("org_type", "IATI organisation type: its code, named in `codes`."),
        _real("share", "Its share of the money, from 0 to 1."),
        CITATION,
        *PROVENANCE,
    ),
)

INITIATIVE_COMPONENTS = Table(
    "initiative_components",
    ("initiative_id", "seq"),
    Origin.FEED,
    "What an initiative pays for, and how much of it.",
    (
        _key("initiative_id", "The initiative."),
        SEQ,
        FEED_ID,
        _text("name", "Name of the component."),
        _real("max_cost", "The figure as stated, in `cost_unit`."),
        _text("cost_unit", "The unit as stated, such as `lakh INR`."),
        _text("currency", "ISO 4217."),
        _text("unit_basis", "Whether the unit is stated or inferred, and from what."),
        _real("grant_share", "Share that is granted, from 0 to 1."),
        _real("grant_share_special", "Share under the special condition."),
        _text("special_condition", "That condition."),
        CITATION,
        *PROVENANCE,
    ),
)

INITIATIVE_RELATIONS = Table(
    "initiative_relations",
    ("initiative_id", "seq"),
    Origin.FEED,
    "How initiatives follow, subsume or rename each other.",
    (
        _key("initiative_id", "The initiative."),
        SEQ,
        FEED_ID,
        _text("relation", "What it did."),
        _text("to_initiative_id", "To which other one."),
        _text("relation_date", "When, as stated."),
        CITATION,
        *PROVENANCE,
    ),
)

CLAIMS = Table(
    "claims",
    ("claim_id",),
    Origin.FEED,
    "Figures that somebody states about the world. Claims may contradict each other.",
    (
        _key("claim_id", "Stable id of the claim."),
        FEED_ID,
        _text("subject", "What is counted, such as `clusters`."),
        _text("measure", "How, such as `count`."),
        _real("value", "The figure."),
        _text("qualifier", "How it is hedged; `exact`: not at all.", ("exact", "about", "more_than", "less_than")),
        _text("unit", "Its unit."),
        _text(
            "scope",
            "Of where: `world`, `region:EU`, `country:IN`, ISO 3166-2 `CA-QC`, a region_id, or `place:GB:<name>`.",
        ),
        _text("as_of", "Of when, as stated."),
        _text("stated_by", "Who states it."),
        _text("classification", "The classification that the subject is a class of, as stated."),
        _text("programme", "The programme whose work is counted, as stated."),
        _text("initiative_id", "The initiative whose work is counted, where it is one of ours."),
        _list("contradicts", "Claims that say otherwise."),
        NOTE,
        CITATION,
        *PROVENANCE,
    ),
)

RESOURCES = Table(
    "resources",
    ("resource_id",),
    Origin.FEED,
    "Observatories, networks, platforms and directories of clusters, and what became of them.",
    (
        _key("resource_id", "Stable id."),
        FEED_ID,
        _text("name", "Name."),
        _text("kind", "What it is.", ("observatory", "network", "platform", "directory")),
        _text("publisher", "Who runs it."),
        _text("url", "Its address."),
        _text("scope", "Which places and activities it covers."),
        _text("since", "Since when, as stated."),
        _text("status", "Whether it still serves.", ("live", "closed", "unknown")),
        _text("what_it_holds", "What can be found there."),
        _list("feed_ids", "Our feeds that harvest it."),
        NOTE,
        CITATION,
        *PROVENANCE,
    ),
)

CODES = Table(
    "codes",
    ("code_list", "code"),
    Origin.FEED,
    "Code lists (SDMX): the vocabulary of the founding paper, and the lists of others that our columns use.",
    (
        _key("code_list", "The list, such as `theme` or `product_class`."),
        _key("code", "The code."),
        FEED_ID,
        _text("name", "Its name."),
        _text("definition", "What it means, where the list says so."),
        _text("parent_code", "The wider code of the same list."),
        CITATION,
        *PROVENANCE,
    ),
)

THEME_RULES = Table(
    "theme_rules",
    ("rule_id",),
    Origin.FEED,
    "Which product gives a cluster which theme (Table 1 of the founding paper).",
    (
        _key("rule_id", "`T1-01` to `T1-22`, in the order of the table."),
        FEED_ID,
        _text("product", "The product; `&` joins two that each suffice."),
        _text("theme", "The theme (`codes`, list `theme`)."),
        CITATION,
        *PROVENANCE,
    ),
)

LINKS = Table(
    "links",
    ("from_id", "to_id", "relation"),
    Origin.DERIVED,
    "The same thing in two feeds, and what serves, supports, funds or contains what.",
    (
        _key("from_id", "One end."),
        _key("to_id", "The other end."),
        _key(
            "relation",
            "What joins them.",
            codes=("same_as", "serves", "supports", "member_of", "located_in", "funds", "implements"),
        ),
        FEED_ID,
        _real("score", "Likeness from 0 to 1."),
        _text("method", "How it was found."),
        _text("decision", "What was decided, and by what."),
        _own("route", "VARCHAR", "How the feed was reached.", ROUTES),
    ),
)

GLOBAL_CLUSTERS = Table(
    "global_clusters",
    ("global_cluster_id",),
    Origin.DERIVED,
    "The unified dataset: one row per real-world cluster.",
    (
        _key("global_cluster_id", "Stable id."),
        FEED_ID,
        _text("name", "Name."),
        COUNTRY,
        _text("region_id", "Where it is."),
        _text("hub_category_id", "Its activity (`bcd:`)."),
        _text("kind", "Kind of its best evidence.", ("cell", "surveyed", "documented")),
        _list("members", "The clusters that it unites."),
        _list("feeds", "The feeds that state them."),
        Column(
            "in_total",
            "BOOLEAN",
            "It is counted in the total of its country in `census`. False: cells are counted there, and this was only "
            "surveyed or documented, with no link to one of them.",
        ),
        _own("route", "VARCHAR", "How the feed was reached.", ROUTES),
    ),
)

CENSUS = Table(
    "census",
    ("scope", "kind", "hub_category_id", "rule_id"),
    Origin.DERIVED,
    "How many clusters there are, by scope and rule: found, declared, deduplicated, as a range.",
    (
        _key("scope", "`world`, or `country:IN` …"),
        _key("kind", "Kind of cluster."),
        _key("hub_category_id", "Activity class, or `all`."),
        _key("rule_id", "The rule that identifies, or the claim that declares."),
        FEED_ID,
        _text(
            "level", "The one non-overlapping region level that is counted; of the world the levels of its countries."
        ),
        _count("found", "Clusters found."),
        _real("declared", "Clusters that somebody declares."),
        _count("deduplicated", "Clusters found, each real-world cluster once."),
        _count("low", "Lower bound."),
        _count("high", "Upper bound."),
        _text("coverage_note", "What is and is not counted."),
        _own("route", "VARCHAR", "How the feed was reached.", ROUTES),
    ),
)

DOCUMENTS = Table(
    "documents",
    ("document_id",),
    Origin.LEDGER,
    "The archived answers that state at least one record. The row describes the first capture.",
    (
        Column(
            "document_id",
            "VARCHAR",
            "`<feed>:<first 16 hex of sha256(url + sha256 of the body)>`.",
            content=False,
            required=True,
        ),
        Column("feed_id", "VARCHAR", "The feed.", content=False, required=True),
        _own("url", "VARCHAR", "Its address, without secrets; `file:<feed>/<name>` for a saved file."),
        _own("retrieved_at", "TIMESTAMP", "When we received it (UTC)."),
        _own("archived_at", "TIMESTAMP", "When a web archive captured it (UTC), where one did."),
        _own("http_status", "INTEGER", "HTTP status; null for a saved file."),
        _own("media_type", "VARCHAR", "Media type as declared."),
        _own("sha256", "VARCHAR", "SHA-256 (hex) of the content-decoded body."),
        _own("bytes", "BIGINT", "Length of the content-decoded body, bytes."),
        _own("warc_file", "VARCHAR", "WARC file, relative to the home."),
        _own("warc_offset", "BIGINT", "Byte offset of the record in it."),
        _own("synthetic", "BOOLEAN", "True where a replica answered."),
    ),
)

HARVESTS = Table(
    "harvests",
    ("harvest_id",),
    Origin.LEDGER,
    "Every harvest that reached the warehouse or ended before it.",
    (
        Column("harvest_id", "VARCHAR", "UTC time + feed; sortable.", content=False, required=True),
        Column("feed_id", "VARCHAR", "The feed.", content=False, required=True),
        _own("route", "VARCHAR", "How the feed was reached.", ROUTES),
        _own("started_at", "TIMESTAMP", "Start of its first attempt (UTC)."),
        _own("finished_at", "TIMESTAMP", "End of its last attempt (UTC)."),
        _own("evidence_at", "TIMESTAMP", "How old its newest evidence is (UTC)."),
        _own("status", "VARCHAR", "What came of it.", HARVEST_STATUS),
        _own("scope", "VARCHAR[]", "Partitions that it read completely."),
        _own("requests", "BIGINT", "Requests sent."),
        _own("bytes", "BIGINT", "Bytes received."),
        _own("documents", "BIGINT", "Documents that were offered to the parser."),
        _own("records", "BIGINT", "Records found of the kind that the denominator counts."),
        _own("records_expected", "BIGINT", "Records that the denominator asks for."),
        _own("empty", "BIGINT", "Placeholders for nothing, which make no row."),
        _own("dropped", "BIGINT", "Records knowingly left out."),
        _own("quarantined", "BIGINT", "Records and values rejected by the contract."),
        _own("rows_opened", "BIGINT", "Rows that it added."),
        _own("rows_changed", "BIGINT", "Rows that it replaced."),
        _own("rows_closed", "BIGINT", "Rows that it ended."),
        _own("reason", "VARCHAR", "Why it was held, failed or stayed partial; an operator's words if accepted."),
        _own("replay_of", "VARCHAR", "The harvest whose archive it parsed again."),
        _own("software_version", "VARCHAR", "Version that parsed and loaded it."),
        _own("synthetic", "BOOLEAN", "True where a replica answered."),
    ),
)

QUARANTINE = Table(
    "quarantine",
    ("harvest_id", "seq"),
    Origin.LEDGER,
    "Records and values that the contract rejected, and why.",
    (
        Column("harvest_id", "VARCHAR", "The harvest.", content=False, required=True),
        Column("seq", "INTEGER", "Position in it, from 1.", content=False, required=True),
        Column("feed_id", "VARCHAR", "The feed.", content=False, required=True),
        _own("level", "VARCHAR", "Whether the record or only a value was rejected.", ("record", "value")),
        _own("kind", "VARCHAR", "Kind of record."),
        _own("field", "VARCHAR", "The field, where one is at fault."),
        _own("document_id", "VARCHAR", "The document."),
        _own("locator", "VARCHAR", "The record in it."),
        _own("reason", "VARCHAR", "What was expected and what came."),
        _own("raw", "VARCHAR", "The record as it came; null in public releases."),
    ),
)

ID_LEDGER = Table(
    "id_ledger",
    ("id",),
    Origin.RELEASE,
    "Every id that was ever published by this profile, for ever.",
    (
        _key("id", "The id."),
        FEED_ID,
        _text("table_name", "The table that it identifies a row of."),
        _text("status", "What became of it.", ("current", "moved", "merged", "split", "retired")),
        _list("successor_ids", "The ids that follow it."),
        _own("since_release", "VARCHAR", "The release since which the status holds."),
    ),
)

CHANGES = Table(
    "changes",
    ("release_id", "table_name", "row_id", "column_name"),
    Origin.RELEASE,
    "What differs from the previous release of the same profile.",
    (
        Column("release_id", "VARCHAR", "The release.", content=False, required=True),
        Column("table_name", "VARCHAR", "The table.", content=False, required=True),
        Column(
            "row_id",
            "VARCHAR",
            "Key of the row, its parts joined by `|`; `*`: the whole table.",
            content=False,
        ),
        Column("column_name", "VARCHAR", "The column; `*`: the whole row.", content=False),
        Column("feed_id", "VARCHAR", "The feed.", content=False, required=True),
        _own("change", "VARCHAR", "What happened.", ("added", "removed", "changed", "baseline", "withdrawn")),
        _own("old_value", "VARCHAR", "Value before."),
        _own("new_value", "VARCHAR", "Value now."),
        _own(
            "cause",
            "VARCHAR",
            "Whether the source or our software changed, or both.",
            ("source", "software", "both"),
        ),
    ),
)


def _closed(table: Table, name: str, description: str) -> Table:
    return Table(
        name,
        (*table.key, "harvest_id"),
        Origin.HISTORY,
        description,
        (
            *table.columns,
            _own("closed_by", "VARCHAR", "The harvest that closed the row."),
            _own("valid_from", "TIMESTAMP", "Age of the evidence that opened the row (UTC)."),
            _own("valid_to", "TIMESTAMP", "Age of the evidence that closed the row (UTC)."),
        ),
    )


OBSERVATIONS_CLOSED = _closed(
    OBSERVATIONS, "observations_closed", "Observations that a later harvest replaced or no longer found."
)
CLUSTERS_CLOSED = _closed(CLUSTERS, "clusters_closed", "Clusters that a later harvest changed or no longer found.")

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            SOURCES,
            FEEDS,
            REGIONS,
            REGION_COORDINATES,
            EXCHANGE_RATES,
            CATEGORIES,
            CATEGORY_MAPPINGS,
            CLUSTERS,
            CLUSTER_IDENTIFICATION,
            OBSERVATIONS,
            ORGANISATIONS,
            INITIATIVES,
            INITIATIVE_SECTORS,
            INITIATIVE_LOCATIONS,
            INITIATIVE_ORGANISATIONS,
            INITIATIVE_COMPONENTS,
            INITIATIVE_RELATIONS,
            CLAIMS,
            RESOURCES,
            CODES,
            THEME_RULES,
            LINKS,
            GLOBAL_CLUSTERS,
            CENSUS,
            DOCUMENTS,
            HARVESTS,
            QUARANTINE,
            ID_LEDGER,
            CHANGES,
            OBSERVATIONS_CLOSED,
            CLUSTERS_CLOSED,
        )
    }
)
"""Every published table by name, in the order in which they are documented."""


SHARED = (REGIONS, CATEGORIES, CATEGORY_MAPPINGS)
"""Reference tables that several feeds may state; a release shows one row per key, by `ref.` feeds first."""


def tables(*origins: Origin) -> Iterator[Table]:
    """Yield the tables of the given origins, in order."""
    return (table for table in TABLES.values() if table.origin in origins)


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def create_table(table: Table, *, extra: tuple[Column, ...] = (), comments: bool = False) -> str:
    """Return the DDL of a table.

    Args:
        table: its definition.
        extra: columns that only this database has, such as the warehouse's `opened_by`.
        comments: add COMMENT ON statements.

    Returns:
        One or more statements, each ended by a semicolon. No primary key: on facts it costs ten times the build
        time; uniqueness is checked set-based instead.
    """
    columns = (*table.columns, *extra)
    lines = ",\n".join(f"    {quoted(column.name)} {column.type}" for column in columns)
    statements = [f"CREATE TABLE {quoted(table.name)} (\n{lines}\n);"]
    if comments:
        statements.append(f"COMMENT ON TABLE {quoted(table.name)} IS {literal(table.description)};")
        statements += [
            f"COMMENT ON COLUMN {quoted(table.name)}.{quoted(column.name)} IS {literal(column.description)};"
            for column in columns
        ]
    return "\n".join(statements) + "\n"
