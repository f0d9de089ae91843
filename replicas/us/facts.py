"""The regions and categories of clustermapping.us: real codes and names, in the shape that its server gives them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from zlib import crc32

Document = dict[str, Any]

CUSTOM_REGIONS = 2424  # regions that users of the real site had drawn for themselves
STATE_CODES = {
    "AL": "01", "AK": "02", "AZ": "04", "AR": "05", "CA": "06", "CO": "08", "CT": "09", "DE": "10",
    "FL": "12", "GA": "13", "HI": "15", "ID": "16", "IL": "17", "IN": "18", "IA": "19", "KS": "20",
    "KY": "21", "LA": "22", "ME": "23", "MD": "24", "MA": "25", "MI": "26", "MN": "27", "MS": "28",
    "MO": "29", "MT": "30", "NE": "31", "NV": "32", "NH": "33", "NJ": "34", "NM": "35", "NY": "36",
    "NC": "37", "ND": "38", "OH": "39", "OK": "40", "OR": "41", "PA": "42", "RI": "44", "SC": "45",
    "SD": "46", "TN": "47", "TX": "48", "UT": "49", "VT": "50", "VA": "51", "WA": "53", "WV": "54",
    "WI": "55", "WY": "56", "PR": "72",
}  # fmt: skip
ABBREVIATIONS = {code: abbreviation for abbreviation, code in STATE_CODES.items()} | {"11": ""}  # sic: DC has none
DICTIONARY: Document = {
    "varTypes": [{"label": "Performance", "key": "performance"}],
    "vars": [
        {"label": "Employment", "key": "emp_tl", "mapTypes": ["cluster"], "format": ",f", "type": "cagr"},
        {"label": "Establishments", "key": "est_tl", "mapTypes": ["cluster"], "format": ",f"},
        {"label": "Average Wage", "key": "private_wage_tf", "mapTypes": ["cluster"], "format": "$,f"},
        {"label": "Location Quotient", "key": "lq_tf", "mapTypes": ["cluster"], "format": ".2f"},
    ],
    "colors": {"rowA": {"max": "#222222", "middle": "#888888", "zero": "#eeeeee", "min": "#ffffff"}},
    "stateIdMapping": STATE_CODES | {"DC": "11"},
}


@dataclass(frozen=True, slots=True)
class Region:
    """A region: the document of `/region`, its kind in words, and the counties it consists of."""

    document: Document
    area_type: str
    counties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """A cluster category or, with a subcode, a subcluster of one."""

    code: str
    subcode: str
    name: str
    short_name: str
    short_name_2: str
    icon: str

    @property
    def traded(self) -> bool:
        """Codes 1 to 51 are traded, 101 to 116 local."""
        return int(self.code) < 100  # noqa: PLR2004 - the source's numbering

    @property
    def key(self) -> str:
        """The source's key for the name."""
        return _key(self.name)


@cache
def regions() -> dict[str, Region]:
    """All regions by id, `custom` ones included, in the order of `/region`.

    Solr sorts the analysed name by its last word in the alphabet: "Bakersfield, CA" stands under "ca".
    """
    read = [_region(row) for row in _rows("regions.csv")]
    counties = [region.document["region_code_t"] for region in read if region.area_type == "county"]
    read += [_custom_region(number, counties) for number in range(1, CUSTOM_REGIONS + 1)]
    read.sort(key=lambda region: (_sort_word(region.document["name_t"]), region.document["id"]))
    return {region.document["id"]: region for region in read}


@cache
def categories() -> tuple[Category, ...]:
    """The 67 clusters, each followed by its subclusters."""
    return tuple(Category(**row) for row in _rows("categories.csv"))


@cache
def region_type_counts() -> dict[str, int]:
    """How many regions of each type there are: the answer of `/meta/regions`."""
    return dict(Counter(region.document["region_type_t"] for region in regions().values()).most_common())


def full_region_documents(region_type: str, timestamp: str) -> Iterator[Document]:
    """The documents of `/meta/regions/:type`; their coordinates and lengths are invented.

    Args:
        region_type: one region type; an unknown one has no documents.
        timestamp: the load time that the documents carry.
    """
    for region in regions().values():
        if region.document["region_type_t"] == region_type:
            draw = crc32(region.document["id"].encode())
            yield {
                **region.document,
                "type_t": "region",
                "region_name_t": region.document["name_t"],
                "area_type_t": region.area_type,
                "region_length_tf": draw % 900 + 100,
                "region_area_tf": draw % 90_000 + 1000,
                "region_int_lat_tf": 25 + draw % 2300 / 100,
                "region_int_lon_tf": -124 + draw % 5700 / 100,
                "timestamp": timestamp,
            }


@cache
def cluster_documents(timestamp: str) -> dict[str, Document]:
    """The documents of `/meta/clusters` by code; NAICS codes and labels are invented.

    Args:
        timestamp: the load time that the documents carry.
    """
    names = {c.code: c.name for c in categories() if not c.subcode}
    related: dict[str, list[Document]] = {}
    for row in _rows("relations.csv"):
        code, other = row.pop("code"), row.pop("related_code")
        related.setdefault(code, []).append({"cluster_code_t": other, "cluster_name_t": names[other]} | row)
    documents = {}
    for cluster in sorted((c for c in categories() if not c.subcode), key=lambda c: _sort_word(c.name)):
        parts = {c.subcode: c.name for c in categories() if c.code == cluster.code and c.subcode}
        industries = {f"9{int(cluster.code):03d}{int(s):02d}": f"Synthetic Industry {s}" for s in parts}
        documents[cluster.code] = {
            "id": f"clusterData/{cluster.code}",
            "type_t": "clusterData",
            **_names(cluster),
            "cluster_code_t": cluster.code,
            "traded_b": cluster.traded,
            "subcluster_b": False,
            "timestamp": timestamp,
            "sub_clusters": parts,
            **{f"naics_{vintage}": industries for vintage in ("2012", "2007", "2002", "1997")},
            **({"related_clusters": related[cluster.code]} if cluster.code in related else {}),
        }
    return documents


@cache
def cluster_list() -> list[Document]:
    """The documents of `/cluster`: clusters and subclusters; `sub_clusters` is always empty (sic)."""
    documents = []
    parent = categories()[0]
    for category in categories():
        if not category.subcode:
            parent = category
        document = {
            "id": "/".join(filter(None, ("clusterData", category.code, category.subcode))),
            **_names(parent),
            "cluster_code_t": parent.code,
            "traded_b": parent.traded,
            "subcluster_b": bool(category.subcode),
        }
        if category.subcode:
            document |= {
                "key_t": f"{parent.key}_{category.key}",
                "parent_key_t": parent.key,
                "sub_name_t": category.name,
            }
        documents.append(document | {"sub_clusters": {}})
    return sorted(documents, key=lambda document: _sort_word(document["name_t"]))


def _rows(name: str) -> list[dict[str, str]]:
    with (files("replicas.us") / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _sort_word(name: str) -> str:
    words: list[str] = re.findall(r"[\w']+", name.lower())
    return max(words)


def _names(cluster: Category) -> Document:
    return {
        "name_t": cluster.name,
        "key_t": cluster.key,
        "short_name_t": cluster.short_name,
        "short_name2_t": cluster.short_name_2,
        "icon_t": cluster.icon,
    }


def _key(name: str) -> str:
    """Make the source's key of a name: marks dropped, spaces and hyphens and camel humps to underscores."""
    bare = re.sub(r"[()*&,'\":;/.]", "", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"[ -]", "_", bare)).lower()


def _region(row: dict[str, str]) -> Region:
    kind, code, name = row["type"], row["code"], row["name"]
    members = tuple(row["members"].split())
    head = {"id": f"region/{kind}/{code}", "region_code_t": code, "region_type_t": kind}
    if kind == "country":
        return Region({**head, "name_t": name, "key_t": _key(name)}, kind, members)
    if kind in ("state", "territory"):
        named = {**head, "name_t": name, "region_short_name_t": name, "key_t": _key(name)}
        return Region(named | {"region_state_code_t": code}, kind, members)
    if kind == "county":
        state = code[:2]
        place = ", " + ABBREVIATIONS[state]
        document: Document = {
            **head,
            "name_t": name,
            "region_short_name_t": " ".join(word.capitalize() for word in name.split(" ")) + place,
            "key_t": _key(name + place),
            "state_codes_txt": [state],
            "region_state_code_t": state,
        }
        return Region(document, kind, (code,))
    area_type = "Economic Area" if kind == "economic" else f"{row['area']} Statistical Area"
    return Region(_area(head, name, area_type.replace(" Statistical", ""), members), area_type, members)


def _area(head: Document, name: str, area: str, counties: tuple[str, ...]) -> Document:
    """Make the document of an area that consists of counties; the odd blanks in its names are the source's."""
    published = name + " "
    place, _, states = published.partition(", ")
    key = _key(re.sub("['/]", " ", name))
    return {
        **head,
        "key_t": re.sub("__+", "_", key, count=1),  # the source collapses only the first run
        "name_t": published,
        "region_short_name_t": f"{_first(place)}, {_first(states.partition(', ')[0])} {area}",
        "regions_txt": [f"region/county/{county}" for county in counties],
        "region_count_tl": len(counties),
        "state_codes_txt": sorted({county[:2] for county in counties}),
    }


def _first(words: str) -> str:
    return words.partition("-")[0]


def _custom_region(number: int, counties: list[str]) -> Region:
    """Invent a region such as users of the site drew: up to five neighbours in the list of counties."""
    start = number * 37 % (len(counties) - 5)
    members = tuple(sorted(counties[start : start + 1 + number % 5]))
    head = {"id": f"region/custom/{number}", "region_code_t": str(number), "region_type_t": "custom"}
    return Region(_area(head, f"Custom region {number}", "Custom Area", members), "custom", members)
