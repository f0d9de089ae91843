"""Memory and time of a harvest of all counties of a year, from the replica to a release, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from replicas import us

COUNTIES = 3221
CATEGORIES = 67

HARVEST = """
import sys
import cli
sys.argv = ["observatory", *sys.argv[1:]]
try:
    cli.main()
finally:
    import resource, json
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sys.stderr.write(json.dumps({"peak_kib": peak}) + "\\n")
"""


def measure(scratch: Path) -> dict[str, float]:
    """Harvest all counties of 2016 with the command; return documents, rows, seconds and the peak of memory (MiB)."""
    with us.replica(region_types=("country", "county"), years=("2016",)) as replica:
        options = ["--set", "us.clustermapping.region_types=county", "--set", "us.clustermapping.years=2016"]
        started = time.perf_counter()
        told = subprocess.run(  # noqa: S603  # our own
            [
                *(sys.executable, "-c", HARVEST, "harvest", "us.clustermapping", "--home", str(scratch / "counties")),
                *("--route", "replica", "--base-url", f"us.clustermapping={replica.base_url}", "--json"),
                *("--set", "us.clustermapping.delay=0", *options),
            ],
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - started
    [harvest] = json.loads(told.stdout)["harvests"]
    assert harvest["records"] == COUNTIES * CATEGORIES, harvest
    said = next(line for line in told.stderr.splitlines() if line.startswith(b'{"peak_kib"'))
    peak = json.loads(said)["peak_kib"] / 1024
    return {"documents": harvest["records"], "rows": harvest["rows_opened"], "seconds": seconds, "peak_mib": peak}
