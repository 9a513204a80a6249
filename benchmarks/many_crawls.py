"""A hundred crawls at once in one process: what one costs while it is open, and whether each gets its share."""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import uvloop

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from crawler import Crawl, open_crawl, open_shared
from crawler.testing import open_web_process

SHARE_GOAL = 0.5
"""Of the fair share that every crawl must get at least."""
COST_GOALS = {"threads": 2.0, "files": 6.0, "MB": 3.0}
"""For each crawl that is open."""


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    return uvloop.run(_measure(given))


async def _measure(given: argparse.Namespace) -> int:
    settings: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "concurrency": given.places}
    sites = 1 if given.together else given.crawls
    async with AsyncExitStack() as stack:
        homes = await stack.enter_async_context(
            open_web_process("--sites", str(sites), "--pages", str(given.pages), "--links", "20")
        )
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shared = await stack.enter_async_context(open_shared(workers=given.workers, **settings))
        before, begun = _cost(), time.perf_counter()
        crawls = [
            await stack.enter_async_context(
                open_crawl(folder=folder / str(number), shared=shared, delay_s=given.delay, **settings)
            )
            for number in range(given.crawls)
        ]
        each = {name: (after - before[name]) / given.crawls for name, after in _cost().items()}
        print(f"{given.crawls} crawls opened in {time.perf_counter() - begun:.1f} s; each costs", end=" ")
        print(", ".join(f"{number:.2f} {name}" for name, number in each.items()))
        pages = await _run(crawls, homes, given.seconds)
        print(f"{sum(pages)} pages in {given.seconds:g} s; {_cost()['MB']:.0f} MB in the main process at the end")
    fair = sum(pages) / len(pages)
    least, most = min(pages) / fair, max(pages) / fair
    print(f"a fair share is {fair:.1f} pages; the least {least:.2f} of it, the most {most:.2f}")
    print(f"goals: at least {SHARE_GOAL} of the fair share; for each crawl that is open {COST_GOALS}")
    is_cheap = all(each[name] <= goal for name, goal in COST_GOALS.items())
    return 0 if is_cheap and least >= SHARE_GOAL else 1


async def _run(crawls: Sequence[Crawl], homes: Sequence[str], seconds: float) -> list[int]:
    """The pages of each within that time."""
    async with asyncio.TaskGroup() as tasks:
        for number, crawl in enumerate(crawls):
            tasks.create_task(crawl.run([homes[number % len(homes)]]))
        await asyncio.sleep(seconds)
        pages = [crawl.snapshot().pages for crawl in crawls]
        for crawl in crawls:
            crawl.abort()
    return pages


def _cost() -> dict[str, float]:
    process = psutil.Process()
    return {
        "threads": threading.active_count(),
        "files": process.num_fds(),
        "MB": process.memory_info().rss / 1e6,
    }


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks many_crawls", description=__doc__)
    parser.add_argument("--crawls", type=int, default=100)
    parser.add_argument("--places", type=int, default=64, help="visits at a time over all of them")
    parser.add_argument("--pages", type=int, default=2000, help="of each site")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="a site's rest")
    parser.add_argument("--together", action="store_true", help="all of one site, instead of one each")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
