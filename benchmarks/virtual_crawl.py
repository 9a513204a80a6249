"""What rests cost on the virtual clock of `crawler.testing`, and what its plug-in costs a pytest without use for it."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import crawler
from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from crawler.testing import OpenWeb, VirtualClock, assert_polite, delaying, html

CRAWL_DELAY_S = 10.0
GOAL_S = 1.0
"""For a hundred pages, each of them with a rest of ten seconds."""
START = """
import sys, time, pytest
begun, before = time.perf_counter(), set(sys.modules)
import crawler.testing.plugin
print((time.perf_counter() - begun) * 1000, len(set(sys.modules) - before))
"""


class Round(NamedTuple):
    """One crawl."""

    wall_s: float
    cpu_s: float
    virtual_s: float


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    measure(given.pages)  # it imports all that a crawl needs
    rounds = [measure(given.pages) for _ in range(given.rounds)]
    for one in rounds:
        by_ours = f"{one.wall_s:.2f} s by ours, {one.cpu_s:.2f} CPU s"
        print(f"{given.pages} pages: {one.virtual_s:.1f} s by its clock, {by_ours}")
    best = min(one.wall_s for one in rounds)
    starts = [
        subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True) for _ in range(5)
    ]
    took_ms, modules = min((float(one.stdout.split()[0]), int(one.stdout.split()[1])) for one in starts)
    print(f"the plug-in costs a pytest that does not use it {took_ms:.1f} ms and {modules} modules")
    print(f"goal: the best round under {GOAL_S * given.pages / 100:.1f} s")
    return 0 if best < GOAL_S * given.pages / 100 else 1


def measure(pages: int) -> Round:
    """Crawls a site with a long Crawl-delay, and proves that it was kept."""
    names = {f"/{number}": html(f"Page {number}") for number in range(1, pages)}
    with tempfile.TemporaryDirectory() as made, VirtualClock() as clock, OpenWeb(clock) as serve:
        site, folder = (
            serve({"/": html("Home", list(names)), **names}, robots=delaying(CRAWL_DELAY_S)),
            Path(made, "crawl"),
        )
        begun, cpu_s, virtual_s = time.perf_counter(), time.process_time(), clock.elapsed_s
        crawl = crawler.crawl(site.seeds, folder=folder, allow_networks=["127.0.0.0/8"], durability="process")
        summary = clock.run(crawl)
        done = Round(time.perf_counter() - begun, time.process_time() - cpu_s, clock.elapsed_s - virtual_s)
        assert summary.pages == pages
        assert done.virtual_s >= pages * CRAWL_DELAY_S
        assert_polite(folder)
    return done


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks virtual_crawl", description=__doc__)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
