"""How late the event loop comes while a crawl keeps it busy, and the memory of the whole tree: `tick`."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from benchmarks.contestants import PYTHON
from benchmarks.inside import Report, crawl
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving
from benchmarks.tree import Cost

LATE_GOAL_MS, MEMORY_GOAL_MB = 20.0, 300.0


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    report, cost = measure(given.pages)
    _print(report, cost)
    is_complete = report.pages == given.pages and not report.failed
    met = report.late_ms["p99"] < LATE_GOAL_MS and cost.peak_bytes / 1e6 < MEMORY_GOAL_MB
    print(f"goals: p99 under {LATE_GOAL_MS:.0f} ms, memory under {MEMORY_GOAL_MB:.0f} MB")
    return 0 if is_complete and met else 1


def measure(pages: int) -> tuple[Report, Cost]:
    """Crawls the benchmark site once, and watches its loop."""
    with serving(Plan(pages=pages)) as site:
        return crawl([site.url], {"per_site": 64, "concurrency": 256})


def _print(report: Report, cost: Cost) -> None:
    late, busy = told(report.late_ms), told(report.busy_ms)
    print(f"{report.pages} pages in {report.run_s:.1f} s: {report.pages / report.run_s:.0f} pages/s, start-up apart")
    print(f"a turn of the loop comes late by (ms): {late}; with a core of its own by: {busy}")
    loop_ms, threads_ms = (spent / report.pages * 1000 for spent in (report.loop_cpu_s, report.threads_cpu_s))
    print(f"CPU a page: the loop's thread {loop_ms:.2f} ms, all threads of its process {threads_ms:.2f} ms")
    print(f"the tree: {cost.cpu_s / report.pages * 1000:.2f} s CPU per 1,000 pages, at most {_mb(cost)}")


def told(spread: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in spread.items())


def _mb(cost: Cost) -> str:
    return f"{cost.peak_bytes / 1e6:.0f} MB (resident sizes summed: {cost.peak_rss_bytes / 1e6:.0f} MB)"


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks tick", description=__doc__)
    parser.add_argument("--pages", type=int, default=10_000)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
