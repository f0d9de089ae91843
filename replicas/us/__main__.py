"""Runs the replica of clustermapping.us in the foreground: `python -m replicas.us --port 8123`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from threading import Event

from replicas.us import REGION_TYPES, YEARS, replica


def main() -> None:
    """Serve until interrupted; print the base address first."""
    parser = ArgumentParser(prog="python -m replicas.us", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--years", default=",".join(YEARS), help="by comma; default %(default)s")
    parser.add_argument("--unlisted-years", default="", help="years with placeholders only, by comma; default none")
    parser.add_argument("--region-types", default=",".join(REGION_TYPES), help="by comma; default %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="decides every invented figure; default %(default)s")
    given = parser.parse_args()
    types, years = given.region_types.split(","), given.years.split(",")
    unlisted = [year for year in given.unlisted_years.split(",") if year]
    with replica(region_types=types, years=years, unlisted_years=unlisted, seed=given.seed, port=given.port) as server:
        sys.stdout.write(server.base_url + "\n")
        sys.stdout.flush()
        try:
            Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
