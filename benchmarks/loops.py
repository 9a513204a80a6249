"""Measures the cost of a page on one event loop and on two: CPU of the whole tree, and pages a second, by turns."""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from crawler.testing import link_graph, open_web

CRAWL = Path(sys.executable).with_name("crawl")


class Run(NamedTuple):
    """One crawl of the whole web."""

    cpu_ms: float
    """CPU of all its processes, a page."""
    pages_per_s: float


async def crawl(seeds: list[str], pages: int, loops: int, workers: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        process = await asyncio.create_subprocess_exec(
            str(CRAWL), *seeds, "-o", f"{folder}/crawl", "-q", "--reach", "any", "--delay", "0", "--per-site", "16",
            "--set", "politeness.per_ip=64", "--allow-network", "127.0.0.0/8", "--loops", str(loops),
            "--set", f"offload.workers={workers}", "--set", "proof.audit_requests=false",
        )  # fmt: skip
        assert await process.wait() == 0
        took_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        lines = (Path(folder) / "crawl/pages.jsonl").read_bytes().count(b"\n")
        assert lines == pages, f"{lines} records of {pages} pages"
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cpu_s / pages * 1000, pages / took_s)


async def measure(sites: int, pages: int, turns: int) -> None:
    web = link_graph(seed=7, sites=sites, pages_per_site=pages // sites, links_per_page=20)
    async with open_web(web) as served:
        runs: dict[int, list[Run]] = {1: [], 2: []}
        for _ in range(turns):
            for loops, made in runs.items():
                made.append(await crawl(list(served.seeds), len(web.reachable()), loops, 2))
    print(f"{len(web.reachable()):,} pages, {turns} turns, two workers in all; load {os.getloadavg()[0]:.1f}")
    for loops, made in runs.items():
        cpu, speed = median(run.cpu_ms for run in made), median(run.pages_per_s for run in made)
        print(f"{loops} event loop(s): {cpu:.2f} ms CPU a page with the start, {speed:.0f} pages/s")
    ratio = median(run.cpu_ms for run in runs[2]) / median(run.cpu_ms for run in runs[1])
    print(f"two loops cost {ratio:.2f} times the CPU of one")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=64)
    parser.add_argument("--pages", type=int, default=6400)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(measure(given.sites, given.pages, given.turns))
