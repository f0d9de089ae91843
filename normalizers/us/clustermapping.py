"""us.clustermapping: what its raw records must satisfy. The bulk checks are generated from these models.

Field names, meanings and types are the source's own (docs/sources/us.md). An absent value is an absent key.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from normalizers.contract import Record

_Count = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(ge=0)]
_Year = Annotated[str, Field(pattern=r"^[12][0-9]{3}$")]
_Code = Annotated[str, Field(pattern=r"^[0-9]{1,6}$")]
_RegionType = Literal["country", "state", "territory", "economic", "msa", "county", "custom"]

_RANK = "a rank within the answer; it can be computed from the values"
_CHANGE = "a change since the first year; it can be computed from the values"


class Year(Record):
    """A year that the source says it has data for."""

    kind: ClassVar[str] = "years"
    key: ClassVar[tuple[str, ...]] = ("year",)

    year: _Year


class RegionCount(Record):
    """How many regions of a type the source says it has."""

    kind: ClassVar[str] = "region_counts"
    key: ClassVar[tuple[str, ...]] = ("region_type",)

    region_type: _RegionType
    regions: _Count


class Region(Record):
    """A region; its code keeps leading zeros, its key is unique only within its type."""

    kind: ClassVar[str] = "region_list"
    key: ClassVar[tuple[str, ...]] = ("id",)
    sparse: ClassVar[frozenset[str]] = frozenset({"region_state_code_t", "state_codes_txt", "regions_txt"})
    ignored: ClassVar[dict[str, str]] = {
        "region_short_name_t": "the name with the kind of area behind it",
        "key_t": "made from the name",
        "region_count_tl": "the length of regions_txt",
    }

    id: Annotated[str, Field(min_length=1)]
    region_type_t: _RegionType
    region_code_t: Annotated[str, Field(min_length=1)]
    name_t: Annotated[str, Field(min_length=1)]
    region_state_code_t: str | None = None
    state_codes_txt: list[str] | None = None
    regions_txt: list[str] | None = None


class Category(Record):
    """A cluster category with its subclusters, its NAICS codes and its related categories."""

    kind: ClassVar[str] = "categories"
    key: ClassVar[tuple[str, ...]] = ("id",)
    ignored: ClassVar[dict[str, str]] = {
        "type_t": "says that it is a category",
        "key_t": "made from the name",
        "short_name_t": "a shorter name for charts",
        "short_name2_t": "a shorter name for charts",
        "icon_t": "an icon of the site",
        "subcluster_b": "never true in this list",
        "timestamp": "when the source loaded it",
        "naics_1997": "the crosswalk is harvested with the Census rebuild",
        "naics_2002": "the crosswalk is harvested with the Census rebuild",
        "naics_2007": "the crosswalk is harvested with the Census rebuild",
        "naics_2012": "the crosswalk is harvested with the Census rebuild",
        "naics_2017": "the crosswalk is harvested with the Census rebuild",
    }

    id: Annotated[str, Field(min_length=1)]
    cluster_code_t: _Code
    name_t: Annotated[str, Field(min_length=1)]
    traded_b: bool
    sub_clusters: dict[str, Any] | None = None
    related_clusters: list[Any] | None = None


class Cell(Record):
    """One document per cluster, or subcluster, × region × year; `rec_count_tl` = 0 marks a placeholder for nothing."""

    kind: ClassVar[str] = "cells"
    key: ClassVar[tuple[str, ...]] = ("id",)
    sparse: ClassVar[frozenset[str]] = frozenset(
        # Patents were not loaded for every year; the flags are those of traded categories; the last two of subclusters.
        {"patent_count_tf", "qualifying_b", "significant_b", "strong_b", "strong10_b", "sub_code_t", "sub_name_t"}
    )
    ignored: ClassVar[dict[str, str]] = {
        "type_t": "says that it is a cluster document",
        "key_t": "made from the category's name",
        "parent_key_t": "made from the name of a subcluster's cluster",
        "region_short_name_t": "the region's name with the kind of area behind it",
        "region_area_type_t": "the kind of area in words",
        "region_key_t": "made from the region's name",
        "subcluster_b": "true where there is a sub_code_t",
        "empflag_t": "always empty, by a fault of the source",
        "supression_b": "always false, by a fault of the source",
        "naics_b": "whether the input rows were the region's own or sums of counties",
        "timestamp": "when the source loaded it",
        **{
            f"{measure}_{suffix}": _RANK
            for measure in ("emp_tl", "est_tl", "private_wage_tf", "lq_tf")
            for suffix in ("rank_i", "per_rank_i")
        },
        **{
            f"{measure}_change_tf{suffix}": _CHANGE
            for measure in ("emp_tl", "est_tl", "private_wage_tf", "lq_tf")
            for suffix in ("", "_rank_i", "_per_rank_i")
        },
    }

    id: Annotated[str, Field(pattern=r"^cluster/[a-z]+/[0-9A-Za-z]+/[0-9]+/[0-9]{4}(/[0-9]+)?$")]
    region_type_t: _RegionType
    region_code_t: Annotated[str, Field(min_length=1)]
    region_name_t: Annotated[str, Field(min_length=1)]
    cluster_code_t: _Code
    cluster_name_t: Annotated[str, Field(min_length=1)]
    sub_code_t: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")] | None = None
    sub_name_t: str | None = None
    year_t: _Year
    traded_b: bool
    rec_count_tl: _Count
    emp_tl: _Count
    emp_reported_tl: _Count
    est_tl: _Count
    qp1_tl: _Count | None = None
    ap_tl: _Count | None = None
    private_wage_tf: _Positive | None = None
    lq_tf: _Positive | None = None
    region_emp_per_tf: _Share | None = None
    cluster_emp_per_tf: _Share | None = None
    patent_count_tf: _Positive | None = None
    qualifying_b: bool | None = None
    significant_b: bool | None = None
    strong_b: bool | None = None
    strong10_b: bool | None = None


class Aggregate(Record):
    """One document per region × year: totals over all clusters, over the traded and over the local ones.

    No real document is known. The names are those of the source's code; any but the first four may be absent.
    """

    kind: ClassVar[str] = "aggregates"
    key: ClassVar[tuple[str, ...]] = ("id",)
    ignored: ClassVar[dict[str, str]] = {
        "type_t": "says that it is an aggregate",
        "cluster_code_t": "always `all`",
        "key_t": "made from the region's name",
        "region_key_t": "made from the region's name",
        "region_short_name_t": "the region's name with the kind of area behind it",
        "region_area_type_t": "the kind of area in words",
        "area_type_t": "the kind of area in words",
        "abbr_t": "an abbreviation of the region's name",
        "regions_txt": "the members of a region made by a user of the site",
        "naics_b": "whether the input rows were the region's own or sums of counties",
        "strong_clusters": "the strong clusters; the cells have the flags",
        "leading_clusters": "picked by hand for charts",
        "leading_codes_txt": "picked by hand for charts",
        "str_emp_tl": "employment in strong clusters; it can be computed from the cells",
        "rec_count_tl": "how many input rows were merged",
        "qp1_tl": "first-quarter payroll; the annual one is read",
        "empflag_t": "always empty, by a fault of the source",
        "supression_b": "always false, by a fault of the source",
        "timestamp": "when the source loaded it",
    }
    ignored_patterns: ClassVar[dict[str, str]] = {
        r"cluster_[0-9]+_emp_tl": "employment of one traded cluster: the cells have it",
        r"[a-z0-9_]+_tf": "one of hundreds of regional indicators from elsewhere; some are wrong: us.md 2.4",
        r"[a-z0-9_]+_rank_i": _RANK,
        r"(patent_company|fortune1000)_[a-z_]+": "names and numbers of companies, from elsewhere",
    }

    id: Annotated[str, Field(pattern=r"^aggregate/[a-z]+/[0-9A-Za-z]+/[0-9]{4}$")]
    region_type_t: _RegionType
    region_code_t: Annotated[str, Field(min_length=1)]
    year_t: _Year
    region_name_t: str | None = None
    emp_tl: _Count | None = None
    emp_traded_tl: _Count | None = None
    emp_local_tl: _Count | None = None
    emp_reported_tl: _Count | None = None
    emp_reported_traded_tl: _Count | None = None
    emp_reported_local_tl: _Count | None = None
    est_tl: _Count | None = None
    est_traded_tl: _Count | None = None
    est_local_tl: _Count | None = None
    ap_tl: _Count | None = None
    ap_traded_tl: _Count | None = None
    ap_local_tl: _Count | None = None
    private_wage_tf: _Positive | None = None
    private_wage_traded_tf: _Positive | None = None
    private_wage_local_tf: _Positive | None = None


Aggregate.sparse = frozenset(Aggregate.model_fields)  # which of them real documents have is not known


class RegistryEntry(Record):
    """An organisation that says it works for a cluster; one row per pair, many times repeated."""

    kind: ClassVar[str] = "registry"
    key: ClassVar[tuple[str, ...]] = ("org_id", "cluster_name")
    repeated: ClassVar[bool] = True
    ignored: ClassVar[dict[str, str]] = {"cluster_code": "joined to the name by somebody else"}

    org_id: _Code
    org_title: Annotated[str, Field(min_length=1)]
    cluster_name: Annotated[str, Field(min_length=1)]


RECORDS = (Year, RegionCount, Region, Category, Cell, Aggregate, RegistryEntry)
"""The contract: one model for each kind of raw record that the feed's parser makes."""
