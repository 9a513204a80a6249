"""What the audit of requests costs a page: the same crawl by turns with it and without."""

import argparse
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving

GOAL = 0.03
"""Of the pages a second, at most. CPU decides where a machine is loaded by others: the goal holds for it as well."""
WAYS = {"off": {"audit_requests": False}, "on": {"audit_requests": True}}


class Run(NamedTuple):
    cpu_us: float
    """Of all processes, a page."""
    loop_us: float
    """Of the loop's thread, a page."""
    per_s: float


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    print("CPU of all processes and of the loop's thread, in µs a page, and pages a second\n")
    print("| round |" + "".join(f" {way}: all | loop | pages/s |" for way in WAYS))
    print("|---" * (1 + 3 * len(WAYS)) + "|")
    found: dict[str, list[Run]] = {way: [] for way in WAYS}
    with serving(Plan(pages=given.pages, hosts=given.hosts)) as site:
        for number in range(given.rounds):
            for way in [*WAYS][:: 1 if number % 2 else -1]:
                found[way].append(_crawl(site.url, way, given.durability))
            cells = (f"{run.cpu_us:.0f} | {run.loop_us:.0f} | {run.per_s:.0f}" for run in (found[w][-1] for w in WAYS))
            print(f"| {number + 1} | {' | '.join(cells)} |", flush=True)
    return _judge(found)


def _judge(found: dict[str, list[Run]]) -> int:
    """Compares runs of one round, for the machine may be another one in the next."""
    pairs = list(zip(found["on"], found["off"], strict=True))
    cpu = statistics.median(on.cpu_us / off.cpu_us for on, off in pairs) - 1
    loop = statistics.median(on.loop_us - off.loop_us for on, off in pairs)
    slower = 1 - statistics.median(on.per_s / off.per_s for on, off in pairs)
    least = min(run.cpu_us for run in found["on"]) / min(run.cpu_us for run in found["off"]) - 1
    print(f"\nmedians of the rounds: {cpu:+.1%} CPU of all processes ({least:+.1%} by the least of all rounds), "
          f"{loop:+.0f} µs of the loop a page, {slower:+.1%} slower; goal: at most {GOAL:.0%}")  # fmt: skip
    return 0 if min(slower, least) <= GOAL else 1


def _crawl(seed: str, way: str, durability: str) -> Run:
    settings = {"reach": "any", "per_site": 64, "durability": durability, **WAYS[way]}
    report, cost = crawl([seed], settings, watch=False)
    return Run(cost.cpu_s / report.pages * 1e6, report.loop_cpu_s / report.pages * 1e6, report.pages / report.run_s)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks proof_cost", description=__doc__)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7, help="crawls of each kind")
    parser.add_argument("--durability", choices=("process", "power"), default="power")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
