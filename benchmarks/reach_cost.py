"""What the union of many seeds costs: microseconds a link, a seed and a folder opened again, bytes a seed's host.

python -m benchmarks.reach_cost [seeds]
"""

from __future__ import annotations

import asyncio
import pickle
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import crawler
from benchmarks.machine import describe
from crawler import Config
from crawler.assembly import parts
from crawler.model import Url
from crawler.policy.admitted import Admitted
from crawler.policy.scope import Reach, Scope, places

LINKS = 200_000
REACHES: tuple[Reach, ...] = ("host", "prefix", "domain")
STORED = 100_000
"""Roots of the folder that is opened again."""


def main(seeds: int) -> int:
    print(describe(sys.executable))
    print(f"\n{seeds:,} seeds, each of a host of its own\n")
    print("| reach | seed in, µs | places | bytes a seed | own host | a seed's host, again | for the first time |"
          " a stranger, again | for the first time |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for reach in REACHES:
        with tempfile.TemporaryDirectory() as folder:
            print(_row(reach, seeds, Path(folder)))
    print("\nµs a link from `own host` on; before there was a table, links were measured from their own root alone:\n")
    print("| reach | own host | another |\n|---|---|---|")
    for reach in REACHES:
        sieve = replace(parts.scope(Config()), reach=reach).sieve(Url("http://www.seed-7.org/docs/"), 1)
        own, other = _us(sieve, _own(7)), _us(sieve, ("http://www.other.org/docs/x" for _ in range(LINKS)))
        print(f"| {reach} | {own:.2f} | {other:.2f} |")
    print(f"\nopened again: {asyncio.run(_opening_us()):.1f} µs a root of a folder")
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    return 0


def _row(reach: Reach, seeds: int, folder: Path) -> str:
    table = Admitted(path=folder / "places")
    began = time.process_time()
    for number in range(seeds):
        table.add(places(Url(f"http://www.seed-{number}.org/docs/"), reach))
    seed_us = (time.process_time() - began) / seeds * 1e6
    scope: Scope = replace(parts.scope(Config()), reach=reach, admitted=table)
    scope = pickle.loads(pickle.dumps(scope))  # as a worker gets it
    sieve = scope.sieve(Url("http://www.seed-7.org/docs/"), 1)
    far = [f"http://www.seed-{number * 7919 % seeds}.org/docs/x" for number in range(LINKS)]
    strange = [f"http://www.other-{number}.org/docs/x" for number in range(LINKS)]
    near = _us(sieve, _own(7))
    costs = [near, _us(sieve, far[:1] * LINKS), _us(sieve, far), _us(sieve, strange[:1] * LINKS), _us(sieve, strange)]
    size = table.nbytes / seeds
    return f"| {reach} | {seed_us:.1f} | {len(table):,} | {size:.1f} | {' | '.join(f'{cost:.2f}' for cost in costs)} |"


def _own(number: int) -> Iterator[str]:
    return (f"http://www.seed-{number}.org/docs/x" for _ in range(LINKS))


def _us(sieve: Callable[[str], int], links: Iterable[str]) -> float:
    links = list(links)
    began = time.process_time()
    for link in links:
        sieve(link)
    return (time.process_time() - began) / len(links) * 1e6


async def _opening_us() -> float:
    """Until a crawl knows again what its seeds admit."""
    with tempfile.TemporaryDirectory() as folder:
        async with crawler.open_crawl(folder=folder, executor="inline") as crawl:
            await crawl.add(f"http://www.seed-{number}.org/docs/" for number in range(STORED))
        async with crawler.open_crawl(folder=folder) as crawl:
            began = time.perf_counter()
            await crawl.explain("http://www.seed-7.org/docs/x", is_offline=True)
            return (time.perf_counter() - began) / STORED * 1e6


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
