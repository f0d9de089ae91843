"""The spider of us.clustermapping against a server that is slow, or that does not cut its answers."""

from __future__ import annotations

from urllib.request import urlopen

from conftest import Observatory

from replicas.server import Fault, Replica, Response
from replicas.us import ClusterMapping

US = Replica[ClusterMapping]

CELLS = "/data/region/state/all/2016/22"


def test_a_server_that_ignores_limit_is_read_once(observatory: Observatory, replica: US) -> None:
    with urlopen(f"{replica.base_url}/region/state/all/2016/22") as answer:  # noqa: S310  # loopback
        replica.faults.append(Fault(f"{CELLS}?limit=20*", times=99, answer=Response(answer.read())))
    replica.requests.clear()
    code, harvest = observatory.harvest(replica.base_url, "--no-publish", clusters="22", page_size="20")
    assert (code, harvest["status"], harvest["records"]) == (0, "accepted", 50)
    assert [request.query["start"] for request in replica.requests if request.path == CELLS] == ["0"]


def test_an_answer_that_does_not_come_in_time_is_told_and_asked_for_again(
    observatory: Observatory, replica: US
) -> None:
    replica.faults.append(Fault(f"{CELLS}*", times=2, delay=4))
    code, harvest = observatory.harvest(replica.base_url, clusters="22", timeout="2")
    assert (code, harvest["status"], harvest["rows_opened"]) == (1, "partial", 0)
    assert f"{CELLS}?" in harvest["reason"]
    assert "Timeout" in harvest["reason"]
    assert not (observatory.home / "published" / "latest").exists()
    assert [request.path for request in replica.requests].count(CELLS) == 2
    code, again = observatory.harvest(replica.base_url, clusters="22")
    assert (code, again["status"], again["harvest_id"]) == (0, "accepted", harvest["harvest_id"])
