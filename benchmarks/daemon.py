"""One daemon under crawl load, as its clients see it: shares, answers, streams of events, half-open connections."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import uvloop

from benchmarks.contestants import PYTHON
from benchmarks.machine import describe
from benchmarks.served import Served, open_served
from crawler.testing import open_web_process

SHARE_GOAL = 0.5
"""Of the fair share that every job must get at least."""
ANSWER_GOAL_MS = 100.0
"""99 of 100 lists of jobs come sooner."""
STREAMS_GOAL, HALF_OPEN_GOAL = 0.10, 0.05
"""Of a page's price in CPU time that they may add to it. Speed tells the same, on a machine that does nothing else."""


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON), flush=True)
    missed = [name for name in given.figures or FIGURES if not uvloop.run(FIGURES[name](given))]
    return 1 if missed else 0


# -- the figures ------------------------------------------------------------------------------------------------------


async def shares(given: argparse.Namespace) -> bool:
    """Many jobs at once, each with a site of its own, all of them asked for more than there are places."""
    async with crawling(given.jobs, given.pages, concurrency=given.places) as daemon:
        before = await daemon.pages()
        waits = await _asked_for(daemon, given.seconds, given.every)
        gained = [after - before[job] for job, after in (await daemon.pages()).items()]
    fair = sum(gained) / len(gained)
    least, most = min(gained) / max(fair, 1e-9), max(gained) / max(fair, 1e-9)
    print(f"shares: {len(gained)} jobs fetched {sum(gained)} pages in {given.seconds:g} s, a fair share is {fair:.1f}:")
    print(f"  the least {least:.2f} of it (goal {SHARE_GOAL}), the most {most:.2f}")
    p50, p99 = median(waits), quantiles(waits, n=100)[98]
    print(f"answers: {len(waits)} lists of {len(gained)} jobs meanwhile: {p50:.0f} ms, p99 {p99:.0f}", end=" ")
    print(f"(goal {ANSWER_GOAL_MS:.0f}), the slowest {max(waits):.0f}", flush=True)
    return least >= SHARE_GOAL and p99 < ANSWER_GOAL_MS


async def streams(given: argparse.Namespace) -> bool:
    """Many clients that follow all events, beside a crawl."""
    async with crawling(given.busy, given.pages) as daemon:
        extra = await _price_of(daemon, given, "streams", partial(daemon.following, given.streams))
    return extra < STREAMS_GOAL


async def half_open(given: argparse.Namespace) -> bool:
    """Many connections that begin to ask and never finish; each comes back when it is sent away."""
    async with crawling(given.busy, given.pages) as daemon:
        extra = await _price_of(daemon, given, "half-open connections", partial(daemon.besieging, given.half_open))
        waits = await _asked_for(daemon, 2.0, 0.1)
        print(f"  lists of jobs meanwhile and after: at most {max(waits):.0f} ms")
    return extra < HALF_OPEN_GOAL


Guests = Callable[[], AbstractAsyncContextManager[int]]
Figure = Callable[[argparse.Namespace], Coroutine[None, None, bool]]
FIGURES: dict[str, Figure] = {"shares": shares, "streams": streams, "half-open": half_open}


# -- measuring --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def crawling(jobs: int, pages: int, **settings: object) -> AsyncIterator[Served]:
    """A daemon that is busy with so many jobs, each at a site of its own."""
    with tempfile.TemporaryDirectory(prefix="crawld-bench-") as folder:
        async with (
            open_web_process("--sites", str(jobs), "--pages", str(pages), "--links", "20") as homes,
            open_served(Path(folder), **settings) as daemon,
        ):
            for home in homes:
                await daemon.submit(home)
            while min((await daemon.pages()).values()) == 0:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
            yield daemon


async def _price_of(daemon: Served, given: argparse.Namespace, what: str, guests: Guests) -> float:
    """What they add to the price of a page, in parts of it: in turns with and without them."""
    alone: list[tuple[float, float]] = []
    beside: list[tuple[float, float]] = []
    for _ in range(given.turns):
        alone.append(await _stretch(daemon, given.seconds))
        async with guests() as there:
            beside.append(await _stretch(daemon, given.seconds))
    (speed, price), (slower, dearer) = map(_medians, (alone, beside))
    print(f"{there} {what}: {speed:.0f} pages/s and {price:.2f} ms of the daemon's CPU a page without them,")
    print(f"  {slower:.0f} and {dearer:.2f} with: {slower / speed - 1:+.1%} speed, {dearer / price - 1:+.1%} CPU")
    return dearer / price - 1


async def _stretch(daemon: Served, seconds: float) -> tuple[float, float]:
    """Pages a second, and milliseconds of the daemon's own process a page."""
    pages, cpu, began = sum((await daemon.pages()).values()), daemon.cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    gained = max(1, sum((await daemon.pages()).values()) - pages)
    return gained / (time.monotonic() - began), (daemon.cpu_s() - cpu) / gained * 1000


def _medians(rows: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(row[0] for row in rows), median(row[1] for row in rows)


async def _asked_for(daemon: Served, seconds: float, every_s: float) -> list[float]:
    """Milliseconds that lists of all jobs took."""
    waits, end = [], time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await daemon.get("/v1/jobs?limit=500")
        waits.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(max(0.0, every_s - (time.monotonic() - began)))
    return waits


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks daemon", description=__doc__)
    parser.add_argument("figures", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--places", type=int, default=64, help="visits at a time over all jobs")
    parser.add_argument("--pages", type=int, default=20_000, help="of each site")
    parser.add_argument("--busy", type=int, default=10, help="jobs beside streams and half-open connections")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--half-open", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each stretch")
    parser.add_argument("--turns", type=int, default=3, help="stretches with guests, and as many without")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two lists of jobs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
