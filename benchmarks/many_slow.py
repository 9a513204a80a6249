"""Thousands of slow answers at a time: how little longer than one of them all of them take: `many_slow`."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.contestants import PYTHON
from benchmarks.inside import Report, crawl
from benchmarks.machine import describe
from benchmarks.slow import slow_sites
from benchmarks.tick import told
from benchmarks.tree import Cost

LONGER_GOAL = 2.0  # times as long as one answer: room for two exchanges with each of 2,000 sites
MEMORY_GOAL_MB = 400.0

_ROBOTS = {
    "none": "asked before each page, 404 at once",
    "allow": "asked before each page, a file at once",
    "ignore": "not asked",
}


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    report, cost = measure(given.sites, given.delay, given.robots, watch=given.watch)
    print(f"{given.sites} sites, each answers after {given.delay:g} s; robots.txt: {_ROBOTS[given.robots]}")
    print(f"start-up {report.import_s:.2f} s imports + {report.open_s:.2f} s workers, folder and frontier")
    print(f"{report.pages} pages in {report.run_s:.2f} s")
    if given.watch:
        late, busy = told(report.late_ms), told(report.busy_ms)
        print(f"a turn of the loop comes late by (ms): {late}; with a core of its own by: {busy}")
    print(
        f"the tree: {cost.cpu_s:.1f} s CPU, at most {cost.peak_bytes / 1e6:.0f} MB (resident: {_rss_mb(cost):.0f} MB)"
    )
    print(f"goals: under {given.delay * LONGER_GOAL:g} s and {MEMORY_GOAL_MB:.0f} MB")
    met = report.run_s < given.delay * LONGER_GOAL and cost.peak_bytes / 1e6 < MEMORY_GOAL_MB
    return 0 if report.pages == given.sites and met else 1


def measure(sites: int, delay_s: float, robots: str = "none", *, watch: bool = True) -> tuple[Report, Cost]:
    """Crawls a page of each site, all of them at a time."""
    is_asked = robots != "ignore"
    settings = {"concurrency": sites, "max_depth": 0, "robots": "obey" if is_asked else "ignore"}
    with slow_sites(sites, delay_s, robots=robots if is_asked else "none") as seeds:
        return crawl(seeds, settings, watch=watch)


def _rss_mb(cost: Cost) -> float:
    return cost.peak_rss_bytes / 1e6


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks many_slow", description=__doc__)
    parser.add_argument("--sites", type=int, default=2000)
    parser.add_argument("--delay", type=float, default=2.0, help="seconds until a page is answered")
    parser.add_argument("--watch", action="store_true", help="ask the loop for a turn every 5 ms")
    parser.add_argument(
        "--robots", choices=tuple(_ROBOTS), default="none", help="404, a file to be parsed, or not asked"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
