"""The replica of clustermapping.us has the real server's shapes and faults, and its figures obey the formulas."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
from collections import Counter, defaultdict
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import pytest

from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping, facts, replica

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REAL = Path(__file__).parents[1] / ".." / "shared" / "data" / "us"
needs_recordings = pytest.mark.skipif(not REAL.exists(), reason="the real recordings are not here")

Document = dict[str, Any]


def recording(name: str) -> Any:  # noqa: ANN401 - any JSON
    """Read a real recording."""
    path = REAL / name
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def exchange(
    server: Replica[ClusterMapping], path: str, *, method: str = "GET", accept_encoding: str = ""
) -> tuple[int, dict[str, str], bytes]:
    """Make one request; give status, headers by lower-case name, and the body as it came."""
    address = urlsplit(server.base_url)
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    headers = {"Accept-Encoding": accept_encoding} if accept_encoding else {}
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def get(server: Replica[ClusterMapping], path: str) -> Any:  # noqa: ANN401 - any JSON
    """Get the JSON below the base path."""
    status, _, body = exchange(server, f"/data{quote(path, safe='/?=&,')}")
    assert status == 200
    return json.loads(body)


@pytest.fixture(scope="module")
def us() -> Iterator[Replica[ClusterMapping]]:
    with replica() as server:
        yield server


@pytest.fixture(scope="module")
def cells(us: Replica[ClusterMapping]) -> Callable[[str, str], list[Document]]:
    """All documents of a region type and year, by id."""
    kept: dict[tuple[str, str], list[Document]] = {}

    def of(kind: str, year: str) -> list[Document]:
        if (kind, year) not in kept:
            kept[kind, year] = get(us, f"/region/{kind}/all/{year}/all?limit=70000&sort=id asc")
        return kept[kind, year]

    return of


def test_one_hit_is_an_object_several_an_array_none_an_empty_array(us: Replica[ClusterMapping]) -> None:
    assert get(us, "/region/state/15/2016/22")["region_name_t"] == "Hawaii"
    assert [d["year_t"] for d in get(us, "/region/state/15/all/22?sort=id asc")] == ["2016", "2017"]
    for nothing in ("state/99/2016/22", "state/15/1990/22", "state/15/2016/999", "all/all/2016/22", "custom/1/2016/22"):
        assert get(us, f"/region/{nothing}") == []


def test_subclusters_divide_their_cluster(us: Replica[ClusterMapping]) -> None:
    parts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    documents = get(us, "/region/state/all/2016/all/all?limit=70000&sort=id asc")
    assert len({d["id"] for d in documents}) == len(documents) == 50 * 316
    assert [d["id"] for d in documents] == sorted(d["id"] for d in documents)
    measures = ("emp_tl", "emp_reported_tl", "est_tl", "ap_tl", "qp1_tl")
    for d in documents:
        assert d["id"].split("/")[-1] == d["sub_code_t"]
        assert d["key_t"].startswith(d["parent_key_t"] + "_")
        assert d["subcluster_b"]
        assert 0 <= d["emp_reported_tl"] <= d["emp_tl"]
        assert (d["rec_count_tl"] == 0) == (d["est_tl"] == 0)
        parts[d["region_code_t"], d["cluster_code_t"]].update({name: d[name] for name in measures})
    for whole in get(us, "/region/state/all/2016/all?limit=70000"):
        sums = parts[whole["region_code_t"], whole["cluster_code_t"]]
        assert {name: sums[name] for name in measures} == {name: whole[name] for name in measures}, whole["id"]
    assert get(us, "/region/state/15/2016/22/1")["sub_code_t"] == "1"  # one hit
    assert get(us, "/region/state/15/2016/22/99") == []


def test_aggregates_are_sums_of_cells(us: Replica[ClusterMapping], cells: Callable[[str, str], list[Document]]) -> None:
    hawaii = get(us, "/region/state/15/2017")
    own = [d for d in cells("state", "2017") if d["region_code_t"] == "15"]
    assert (hawaii["id"], hawaii["type_t"]) == ("aggregate/state/15/2017", "aggregate")
    for suffix, wanted in (("", {True, False}), ("traded_", {True}), ("local_", {False})):
        for measure in ("emp", "emp_reported", "est", "ap"):
            assert hawaii[f"{measure}_{suffix}tl"] == sum(d[f"{measure}_tl"] for d in own if d["traded_b"] in wanted)
    assert hawaii["cluster_22_emp_tl"] == next(d["emp_tl"] for d in own if d["cluster_code_t"] == "22")
    assert [*hawaii["strong_clusters"]] == [
        d["cluster_code_t"] for d in sorted(own, key=lambda d: int(d["cluster_code_t"])) if d.get("strong_b")
    ]
    assert [d["year_t"] for d in get(us, "/region/state/15?sort=id asc")] == ["2016", "2017"]
    assert len(get(us, "/region/state/all/2016")) == 50


def test_years_that_are_not_listed_have_placeholders_only() -> None:
    with replica(region_types=["state"], years=["2016"], unlisted_years=["2017"]) as server:
        assert get(server, "/meta/years") == ["2016"]
        both = get(server, "/region/state/15/all/all")
        assert Counter(d["year_t"] for d in both) == {"2016": 67, "2017": 67}
        blank = get(server, "/region/state/15/2017/all")
        assert {(d["emp_tl"], d["est_tl"], d["rec_count_tl"], d["lq_tf"]) for d in blank} == {(0, 0, 0, 0)}
        assert not any(d.get("strong_b") for d in blank)


def test_the_parameters_select(us: Replica[ClusterMapping]) -> None:
    hawaii = get(us, "/region/state/15/2016/all?sort=id asc")
    assert get(us, "/cluster/all/2016/state/15?sort=id asc") == hawaii
    assert get(us, "/region/state/hawaii/2016/all?sort=id asc") == hawaii
    assert [len(get(us, f"/region/state/15/2016/{c}")) for c in ("all", "traded", "local", "1,2,3")] == [67, 51, 16, 3]
    assert {d["region_code_t"] for d in get(us, "/region/state/01,15/2016/22")} == {"01", "15"}
    assert get(us, "/region/county/honolulu_county_hi/2016/22")["region_code_t"] == "15003"
    assert get(us, "/region/state/1/2016/22") == []  # codes keep their leading zero


def test_ten_thousand_rows_and_not_one_more_without_limit(us: Replica[ClusterMapping]) -> None:
    assert len(get(us, "/region/economic/all/2016/all")) == 10_000
    assert len(get(us, "/region/economic/all/2016/all?limit=70000")) == 180 * 67
    assert len(get(us, "/region/economic/all/2016/all?start=10000&sort=id asc")) == 180 * 67 - 10_000


def pages(server: Replica[ClusterMapping], sort: str) -> list[str]:
    """The ids of the four pages of the states of a year."""
    answers = [get(server, f"/region/state/all/2016/all?limit=1000&start={s}{sort}") for s in (0, 1000, 2000, 3000)]
    return [document["id"] for page in answers for document in page]


def test_paging_is_whole_only_with_sort(us: Replica[ClusterMapping]) -> None:
    ordered = pages(us, "&sort=id asc")
    assert ordered == sorted(ordered)
    assert len(set(ordered)) == len(ordered) == 3350
    loose = pages(us, "")
    assert len(loose) == 3350
    assert len(set(loose)) < 3350
    assert pages(us, "") == loose


def test_sort_by_several_fields(us: Replica[ClusterMapping]) -> None:
    found = get(us, "/region/state/all/2016,2017/22?sort=year_t desc,emp_tl")
    assert len(found) == 100
    assert found == sorted(found, key=lambda d: (-int(d["year_t"]), d["emp_tl"], d["id"]))


@pytest.mark.parametrize("path", ["/region/state", "/cluster/22", "/cluster/22/2016", "/cluster/22/2016/state"])
def test_a_path_without_region_code_kills_a_worker(us: Replica[ClusterMapping], path: str) -> None:
    with pytest.raises(ConnectionResetError):
        exchange(us, f"/data{path}")
    us.app.behind_proxy = True
    status, headers, _ = exchange(us, f"/data{path}")
    us.app.behind_proxy = False
    assert (status, headers["content-type"]) == (502, "text/html")


@pytest.mark.parametrize("query", ["sort=nonsense", "sort=id%20sideways", "limit=many", "start=-1"])
def test_a_bad_sort_field_or_number_is_never_answered(us: Replica[ClusterMapping], query: str) -> None:
    us.app.hang = 0.01
    for path in ("/data/region/state/15/2016/all", "/data/region/state/15/2016"):
        with pytest.raises(http.client.RemoteDisconnected):
            exchange(us, f"{path}?{query}")
    us.app.behind_proxy = True
    status = exchange(us, f"/data/region/state/15/2016/all?{query}")[0]
    us.app.behind_proxy = False
    assert status == 504


@pytest.mark.parametrize("path", ["/data/nonsense", "/data/meta/nonsense", "/", "/elsewhere/region"])
def test_an_unknown_route_is_a_404_in_json(us: Replica[ClusterMapping], path: str) -> None:
    status, headers, body = exchange(us, path)
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body) == {"code": "ResourceNotFound", "message": f"{path} does not exist"}
    assert headers["x-cluster-observatory-replica"] == "synthetic"


def test_a_wrong_method_is_a_405(us: Replica[ClusterMapping]) -> None:
    assert exchange(us, "/data/region", method="POST")[0] == 405


def test_gzip_only_when_asked_and_then_chunked(us: Replica[ClusterMapping]) -> None:
    path = "/data/region/state/15/2016/all?sort=id%20asc"
    _, plain_headers, plain = exchange(us, path)
    assert "content-encoding" not in plain_headers
    assert int(plain_headers["content-length"]) == len(plain)
    _, headers, packed = exchange(us, path, accept_encoding="gzip, deflate")
    assert (headers["content-encoding"], headers["transfer-encoding"]) == ("gzip", "chunked")
    assert "content-length" not in headers
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 5


def test_the_root_the_robots_and_the_log(us: Replica[ClusterMapping]) -> None:
    assert get(us, "/") == {name: f"{us.base_url}/{name}" for name in ("meta", "region", "cluster")}
    status, headers, body = exchange(us, "/robots.txt")
    assert (status, headers["x-cluster-observatory-replica"]) == (200, "synthetic")
    assert body.decode().splitlines() == [
        "User-agent: *",
        *(f"Disallow: /data/{p}" for p in ("custom", "compare", "report")),
    ]
    last = us.requests[-1]
    assert (last.method, last.path, last.headers["host"]) == ("GET", "/robots.txt", urlsplit(us.base_url).netloc)
    assert us.requests[-2].received_at <= last.received_at


def test_counts(us: Replica[ClusterMapping], cells: Callable[[str, str], list[Document]]) -> None:
    counts = {"county": 3221, "custom": 2424, "msa": 917, "economic": 180, "state": 50, "country": 3, "territory": 1}
    assert get(us, "/meta/regions") == counts
    assert list(get(us, "/meta/regions")) == list(counts)
    listed = get(us, "/region")
    assert Counter(d["region_type_t"] for d in listed) == counts
    assert len({d["id"] for d in listed}) == 4372 + 2424
    assert {d["region_type_t"] for d in listed[:4000]} > {"custom", "state", "msa"}
    for kind, regions in (("country", 3), ("state", 50), ("territory", 1), ("economic", 180), ("msa", 917)):
        assert len({d["id"] for d in cells(kind, "2016")}) == regions * 67
    assert len(get(us, "/region/county/all/2016/1?limit=4000")) == 3221
    assert len(get(us, "/meta/regions/msa")) == 917
    assert get(us, "/meta/regions/territory")["region_int_lat_tf"] > 0  # one hit
    assert get(us, "/meta/regions/nonsense") == []


def test_meta(us: Replica[ClusterMapping]) -> None:
    meta = get(us, "/meta")
    assert list(meta) == ["dict", "region_types", "years", "clusters"]
    assert meta["years"] == get(us, "/meta/years") == ["2016", "2017"]
    assert meta["clusters"] == get(us, "/meta/clusters")
    assert len(meta["clusters"]) == 67
    assert sum(len(c["sub_clusters"]) for c in meta["clusters"]) == 316
    assert sum(len(c.get("related_clusters", ())) for c in meta["clusters"]) == 292
    assert get(us, "/meta/cluster/3") == get(us, "/meta/cluster/apparel")
    assert get(us, "/meta/cluster/nonsense") == []
    assert get(us, "/meta/dict") == meta["dict"]
    assert len(get(us, "/cluster")) == 67 + 316


def test_the_true_figure_of_hawaii(us: Replica[ClusterMapping]) -> None:
    hawaii = get(us, "/region/state/15/2016/22")
    assert (hawaii["emp_tl"], hawaii["est_tl"], hawaii["lq_tf"]) == (53957, 1304, 4.800802)
    assert hawaii["strong_b"]
    assert get(us, "/region/state/15/2017/22")["emp_tl"] != 53957


# Hawaii's true row stands among invented ones in 2016: the states are checked in 2017.
CHECKED = [("state", "2017"), ("economic", "2016"), ("msa", "2016"), ("country", "2016")]


@pytest.mark.parametrize(("kind", "year"), CHECKED)
def test_shares_quotients_and_wages_follow_from_the_counts(
    cells: Callable[[str, str], list[Document]], kind: str, year: str
) -> None:
    nation = {d["cluster_code_t"]: d["emp_tl"] for d in cells("country", year) if d["region_code_t"] == "98"}
    nation_base: Counter[bool] = Counter()
    for code, employment in nation.items():
        nation_base[int(code) < 100] += employment
    base: Counter[tuple[str, bool]] = Counter()
    for d in cells(kind, year):
        base[d["region_code_t"], d["traded_b"]] += d["emp_tl"]
    for d in cells(kind, year):
        share = d["emp_tl"] and d["emp_tl"] / base[d["region_code_t"], d["traded_b"]]
        national = nation[d["cluster_code_t"]] / nation_base[d["traded_b"]]
        wage = d["emp_reported_tl"] and d["ap_tl"] * 1000 / d["emp_reported_tl"]
        expected = (share, d["emp_tl"] / nation[d["cluster_code_t"]], share / national, wage)
        served = (d["region_emp_per_tf"], d["cluster_emp_per_tf"], d["lq_tf"], d["private_wage_tf"])
        for want, have in zip(expected, served, strict=True):
            assert abs(have - want) <= 1e-6 * want, d["id"]
        assert 0 <= d["emp_reported_tl"] <= d["emp_tl"]
        assert (d["rec_count_tl"] == 0) == (d["est_tl"] == 0)
        assert d.get("naics_b", False) == (d["rec_count_tl"] > 0 and kind != "economic")


def quantile(values: list[float], share: float) -> float:
    """Interpolate linearly between the two values around a share of a sorted list."""
    place = (len(values) - 1) * share
    low = values[floor(place)]
    return low + (values[min(floor(place) + 1, len(values) - 1)] - low) * (place - floor(place))


@pytest.mark.parametrize(("kind", "year"), CHECKED)
def test_strength_and_ranks_follow_from_the_figures(
    cells: Callable[[str, str], list[Document]], kind: str, year: str
) -> None:
    groups = defaultdict(list)
    for d in cells(kind, year):
        groups[d["cluster_code_t"]].append(d)
    for group in groups.values():
        active = [d for d in group if d["emp_tl"] > 0]
        ordered = {field: sorted(d[field] for d in active) for field in ("lq_tf", "emp_tl", "est_tl")}
        for d in group if group[0]["traded_b"] else []:
            large = all(d[field] > quantile(ordered[field], 0.25) for field in ("emp_tl", "est_tl"))
            p25, p50, p75, p90 = (quantile(ordered["lq_tf"], p) for p in (0.25, 0.5, 0.75, 0.9))
            lq = d["lq_tf"]
            assert d["qualifying_b"] == (large and lq > p25), d["id"]
            assert d["significant_b"] == (large and lq > p50), d["id"]
            assert d["strong_b"] == (large and lq >= p75 and lq >= 1), d["id"]
            assert d["strong10_b"] == (large and lq >= p90 and lq >= 1), d["id"]
        for field in ("emp_tl", "est_tl", "private_wage_tf", "lq_tf"):
            assert all((f"{field}_rank_i" in d) == (f"{field}_per_rank_i" in d) == (d[field] > 0) for d in group)
            ranked = sorted((d for d in group if d[field] > 0), key=lambda d: d[f"{field}_rank_i"])
            assert [d[f"{field}_rank_i"] for d in ranked] == list(range(1, len(ranked) + 1))
            assert [d[field] for d in ranked] == sorted((d[field] for d in ranked), reverse=True)
            compared = len(active) if field == "lq_tf" else len(group)
            for rank, d in enumerate(ranked, start=1):
                percentile = rank if kind == "state" else floor(100 / compared * (rank - 0.5) + 0.5)
                assert d[f"{field}_per_rank_i"] == percentile


def test_regions_are_sums_of_counties(us: Replica[ClusterMapping]) -> None:
    counties = get(us, "/region/county/all/2016/13?limit=4000")
    employment = {d["region_code_t"]: d["emp_tl"] for d in counties}
    for area in ("economic/57074", "msa/47900"):
        members = facts.regions()[f"region/{area}"].counties
        assert get(us, f"/region/{area}/2016/13")["emp_tl"] == sum(employment[c] for c in members) > 0
    assert get(us, "/region/country/98/2016/13")["emp_tl"] == sum(employment.values())


def test_empty_and_imputed_cells_are_as_frequent_as_at_the_source(
    cells: Callable[[str, str], list[Document]],
) -> None:
    def share(kind: str, holds: Callable[[Document], bool]) -> float:
        return sum(map(holds, cells(kind, "2016"))) / len(cells(kind, "2016"))

    assert 0.2 < share("msa", lambda d: d["rec_count_tl"] == 0) < 0.3
    assert 0.01 < share("state", lambda d: d["rec_count_tl"] == 0) < 0.03
    assert share("territory", lambda d: d["rec_count_tl"] == 0) == 1
    assert share("country", lambda d: d["rec_count_tl"] == 0) == 2 / 3  # Mexico and Canada
    assert 0.5 < share("msa", lambda d: d["emp_reported_tl"] < d["emp_tl"]) < 0.8
    assert 0.2 < share("msa", lambda d: d["emp_reported_tl"] == 0 < d["emp_tl"]) < 0.4


@needs_recordings
@pytest.mark.parametrize("kind", ["state", "msa"])
def test_key_sets_and_types_are_those_of_the_real_documents(
    cells: Callable[[str, str], list[Document]], kind: str
) -> None:
    real = recording(f"data__region__{kind}__all__2016__all.json.gz")
    invented = cells(kind, "2016")
    assert {tuple(d) for d in invented} == {tuple(d) for d in real}

    def types(documents: list[Document]) -> set[tuple[str, str]]:
        return {(key, type(value).__name__) for d in documents for key, value in d.items()}

    assert types(invented) == types(real)


@needs_recordings
def test_regions_are_the_real_ones() -> None:
    real = recording("data__region.json.gz")
    ours = [r.document for r in facts.regions().values() if r.document["region_type_t"] != "custom"]
    assert {d["id"]: d for d in ours} == {d["id"]: d for d in real}


@needs_recordings
def test_categories_are_the_real_ones() -> None:
    def facts_of(documents: list[Document]) -> list[Document]:
        return [{k: v for k, v in d.items() if k != "timestamp" and not k.startswith("naics_")} for d in documents]

    ours = list(facts.cluster_documents("").values())
    real = recording("data__meta__clusters.json.gz")
    assert facts_of(ours) == facts_of(real)
    assert [list(d) for d in ours] == [list(d) for d in real]
    assert {d["id"]: d for d in facts.cluster_list()} == {
        d["id"]: d for d in recording("derived__data__cluster.json.gz")
    }


def test_the_odd_names_are_kept() -> None:
    served = {r.document["id"]: r.document for r in facts.regions().values()}
    assert served["region/county/11001"]["region_short_name_t"] == "District Of Columbia, "
    assert served["region/county/11001"]["key_t"] == "district_of_columbia_"
    assert served["region/msa/10700"]["region_short_name_t"] == "Albertville, AL  Micropolitan Area"
    assert served["region/msa/21580"]["key_t"] == "espa\ufffdola_nm"
    assert served["region/economic/57180"]["region_short_name_t"] == "Puerto Rico ,  Economic Area"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    path = "/data/region/state/all/2016/all?sort=id%20asc"
    bodies = []
    for seed in (7, 7, 8):
        with replica(region_types=["state"], years=["2016"], seed=seed) as server:
            bodies.append(exchange(server, path)[2])
    assert bodies[0] == bodies[1]
    assert bodies[0] != bodies[2]


def test_a_replica_can_be_told_to_change_its_documents() -> None:
    def mutate(document: Document) -> Document | None:
        if document["id"] == "cluster/state/01/1/2016":
            return None
        if "est_tl" in document:
            document["establishments"] = document.pop("est_tl")
        return document

    with replica(region_types=["state"], years=["2016"], mutate=mutate) as server:
        server.app.timestamp = "2021-01-01T00:00:00.000Z"
        served = get(server, "/region/state/all/2016/all?sort=id asc")
        assert len(served) == 3350 - 1
        assert all("establishments" in d and "est_tl" not in d for d in served)
        assert {d["timestamp"] for d in served} == {"2021-01-01T00:00:00.000Z"}
        assert len(get(server, "/region/state/all/2016/all?start=3340&sort=id asc")) == 9
        assert get(server, "/region/msa/all/2016/all") == []  # not among its region types


def test_faults_are_used_up_in_order() -> None:
    with replica(region_types=["state"], years=["2016"]) as server:
        server.faults += [
            Fault("/data/meta/years", times=2, answer=Response(b"busy", 503, "text/html")),
            Fault("/data/meta/*", reset=True),
            Fault("/data/meta/years*", delay=0.05, answer=Response(b'[{"torn":')),
        ]
        first, second = (exchange(server, "/data/meta/years", accept_encoding="gzip") for _ in range(2))
        assert (first[0], gzip.decompress(first[2]), first[1]["x-cluster-observatory-replica"]) == (
            503,
            b"busy",
            "synthetic",
        )
        assert second[0] == 503
        with pytest.raises(ConnectionResetError):
            exchange(server, "/data/meta/years")
        assert exchange(server, "/data/meta/years")[2] == b'[{"torn":'
        assert get(server, "/meta/years") == ["2016"]
        assert len(server.requests) == 5


def test_it_runs_in_the_foreground() -> None:
    command = [sys.executable, "-m", "replicas.us", "--years", "2015", "--region-types", "state"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        with urlopen(f"{address}/meta/years") as answer:  # noqa: S310 - loopback
            assert json.load(answer) == ["2015"]
        process.terminate()


@pytest.mark.parametrize("wrong", [{"region_types": ["province"]}, {"years": ["16"]}])
def test_a_wrong_region_type_or_year_is_refused(wrong: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"province|16"):
        replica(**wrong)  # type: ignore[arg-type]
