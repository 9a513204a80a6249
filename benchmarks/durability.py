"""What it costs a page to survive a power cut: the same crawl with both settings of `frontier.durability`, in turns."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contestants import PYTHON
from benchmarks.inside import crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving

GOAL = 0.03
"""Of the pages a second and of the CPU seconds of a page, at most."""
WAYS = ("process", "power")
SYNCS = 200


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    print(f"a synced write to this disk takes {_sync_ms():.2f} ms (median of {SYNCS})\n")
    print("| round | pages/s process | power | CPU s per 1,000 process | power | loop p99 ms process | power |")
    print("|---" * 7 + "|")
    speeds, costs = [], []
    with serving(Plan(pages=given.pages, hosts=given.hosts)) as site:
        for number in range(given.rounds):
            order = WAYS if number % 2 else WAYS[::-1]
            found = {way: _crawl(site.url, way, given) for way in order}
            process, power = found["process"], found["power"]
            pairs = zip(process, power, strict=True)
            print(f"| {number + 1} | {' | '.join(f'{a:.1f} | {b:.1f}' for a, b in pairs)} |", flush=True)
            speeds.append(1 - power[0] / process[0])
            costs.append(power[1] / process[1] - 1)
    slower, dearer = statistics.median(speeds), statistics.median(costs)
    print(f"\npower costs {slower:+.1%} of the pages a second ({_spread(speeds)}) and {dearer:+.1%} of CPU "
          f"({_spread(costs)}); goal: at most {GOAL:.0%}")  # fmt: skip
    return 0 if max(slower, dearer) <= GOAL else 1


def _crawl(seed: str, way: str, given: argparse.Namespace) -> tuple[float, float, float]:
    """Pages a second, CPU seconds of all processes for a thousand pages, and how late the loop came at the worst."""
    report, cost = crawl([seed], {"reach": "any", "durability": way, "per_site": given.per_site, "delay_s": 0})
    return report.pages / report.run_s, cost.cpu_s / report.pages * 1000, report.late_ms["p99"]


def _sync_ms() -> float:
    """What the disk under the temporary folder takes, the median."""
    taken = []
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "file").open("ab", buffering=0) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _spread(values: Sequence[float]) -> str:
    least, _, most = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return f"half of the rounds {least:+.1%} to {most:+.1%}"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks durability", description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--per-site", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=10, help="pairs of crawls; TMPDIR names the disk")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
