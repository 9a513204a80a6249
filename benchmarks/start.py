"""What a start costs: `crawl --help`, and a crawl of one page: `start`."""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contestants import PYTHON, crawld
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving
from benchmarks.tree import measure as measure_tree

ROOT = Path(__file__).resolve().parent.parent
HELP_GOAL_S, PAGE_GOAL_S = 0.12, 0.40
TIMES = 5


def main(_: Sequence[str] = ()) -> int:
    print(describe(PYTHON))
    asked, page = measure()
    print(f"crawl --help: {asked:.2f} CPU s (goal: {HELP_GOAL_S}); one page: {page:.2f} CPU s (goal: {PAGE_GOAL_S})")
    return 0 if asked <= HELP_GOAL_S and page <= PAGE_GOAL_S else 1


def measure() -> tuple[float, float]:
    """Returns CPU seconds, of the whole tree, of `crawl --help` and of a crawl of one page."""
    command = [str(Path(PYTHON).with_name("crawl")), "--help"]
    with serving(Plan(pages=1)) as site:
        asked = [measure_tree(command, cwd=ROOT).cpu_s for _ in range(TIMES)]
        pages = []
        for _ in range(TIMES):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                pages.append(measure_tree(crawld().command(site, Path(folder)), cwd=ROOT).cpu_s)
    return statistics.median(asked), statistics.median(pages)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
