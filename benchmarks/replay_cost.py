"""What a replay costs beside the live crawl whose archive it reads: pages a second, CPU a page, and reading WARC."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from benchmarks.pages import Plan
from benchmarks.site import serving
from benchmarks.tree import Cost, measure

GOAL = 1.35
"""CPU time of a replay as a share of that of the live crawl. A page is unpacked twice, for the index and when it is
asked for, and its digest is checked."""
COMMAND = (str(Path(PYTHON).with_name("crawl")),)
OPTIONS = ("-q", "--reach", "any", "--per-site", "8")
ON_LOOPBACK = ("--allow-network", "127.0.0.0/8", "--delay", "0")


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    print("\nPages a second, and CPU seconds of the whole tree per 1,000 pages\n")
    print("| round | live | replay | replay/live CPU |\n|---|---|---|---|")
    with serving(Plan(pages=given.pages, hosts=given.hosts)) as site, tempfile.TemporaryDirectory() as name:
        home = Path(name)
        archived = _crawl(home, "archived", site.url, "--warc")
        found = [_compare(home, number, site.url, given.pages) for number in range(given.rounds)]
        _read_alone(home / "archived")
    live, replayed = (statistics.median(costs) for costs in zip(*found, strict=True))
    with_archive = archived.cpu_s / given.pages * 1000
    print(f"\nCPU s per 1,000 pages, medians: live {live:.2f}, replay {replayed:.2f}")
    print(f"live with --warc, once: {with_archive:.2f}")
    return 0 if replayed <= live * GOAL else 1


def _compare(home: Path, number: int, url: str, pages: int) -> tuple[float, float]:
    """Crawls live and replays, by turns; returns CPU seconds of both trees per 1,000 pages."""
    live = _crawl(home, f"live-{number}", url)
    replayed = _run(home, "replay", "archived", "-o", f"again-{number}", *OPTIONS)
    costs = live.cpu_s / pages * 1000, replayed.cpu_s / pages * 1000
    told = " | ".join(f"{pages / one.wall_s:.0f}, {one.cpu_s / pages * 1000:.2f}" for one in (live, replayed))
    print(f"| {number + 1} | {told} | {costs[1] / costs[0]:.2f} |", flush=True)
    return costs


def _crawl(home: Path, name: str, url: str, *options: str) -> Cost:
    return _run(home, url, "-o", name, *OPTIONS, *ON_LOOPBACK, *options)


def _run(home: Path, *words: str) -> Cost:
    log = home / "stderr.txt"
    cost = measure([*COMMAND, *words], cwd=home, log=log)
    if cost.exit_code != 0:
        raise SystemExit(f"crawl {' '.join(words)} ended with exit code {cost.exit_code}:\n{log.read_text()}")
    return cost


def _read_alone(folder: Path) -> None:
    """Says how fast WARC files are read, with digests compared."""
    from crawler.warc.reading import Walk
    from crawler.warc.unpacking import Window

    records, packed, unpacked, began = 0, 0, 0, time.process_time()
    for path in (folder / "warc").glob("*.warc.gz"):
        with path.open("rb") as file:
            for record in Walk(Window(file.fileno()), path.name):
                record.finish()
                records, unpacked = records + 1, unpacked + record.size
            packed += os.fstat(file.fileno()).st_size
    cpu_s = time.process_time() - began
    sizes = f"{packed / 1e6:.0f} MB packed, {unpacked / 1e6:.0f} MB unpacked"
    print(f"\nreading alone: {records:,} records, {sizes}: {cpu_s:.2f} CPU s")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks replay_cost", description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
