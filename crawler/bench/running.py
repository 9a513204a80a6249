"""Measures all stages and all ways, one after the other, and says what comes next."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ..api import Crawl, open_crawl
from ..errors import CrawlError
from ..event_loop import require_asyncio
from ..offload import count_cores
from ..settings.loading import load
from .measures import Extra, Figures, Places, Rate, Stage, Way, Work
from .pieces import ready_bodies
from .places import measure_places
from .ways import Setting, do_work, fetch, open_fetcher, open_lateness, open_parsing, p99_ms, run_tasks

LATENCY_MS = 40.0
"""How long the server waits where work is I/O-bound or mixed. Real servers take 20 to 500 ms."""
THREADS, AT_ONCE = 32, 256
SECONDS = 60.0
MIN_S = 0.05
_SETTINGS = {"delay_s": 0, "allow_networks": ["127.0.0.0/8"], "per_site": AT_ONCE, "concurrency": AT_ONCE}
_UNBATCHED = (Work.MIXED,)
"""Work for which the plain pool is measured too."""


def cells(*, has_ways: bool = True) -> list[tuple[Stage | Work | Extra, Way | None]]:
    """Returns what is measured, in its order."""
    stages: list[tuple[Stage | Work | Extra, Way | None]] = [(stage, None) for stage in Stage]
    ways = [(work, way) for work in Work for way in Way if way is not Way.UNBATCHED or work in _UNBATCHED]
    return [*stages, *ways, (Extra.PLACES, None)] if has_ways else stages


async def measure(
    seconds: float = SECONDS,
    *,
    latency_ms: float = LATENCY_MS,
    has_ways: bool = True,
    cores: int = 0,
    told: Callable[[Stage | Work | Extra, Way | None], object] = lambda *_: None,
) -> Figures:
    """Measures for about so many seconds in all. `told` is called with each thing before it is measured.

    Without `has_ways` only the stages of a crawl are measured. With `cores` 0 there is a worker for each core.
    Everything stays on this machine: the pages come from a process that listens on 127.0.0.1.
    """
    require_asyncio()
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    todo = cells(has_ways=has_ways)
    config = load(settings=_SETTINGS)
    stages: dict[Stage, Rate] = {}
    work: dict[Work, dict[Way, Rate]] = {}
    places: Places | None = None
    async with _serving(latency_ms) as origin:
        setting = Setting(origin, max(MIN_S, seconds / len(todo)), config, cores or count_cores(), THREADS, AT_ONCE)
        for what, way in todo:
            told(what, way)
            if isinstance(what, Stage):
                stages[what] = await _do_stage(what, setting)
            elif isinstance(what, Extra):
                places = await measure_places(setting)
            elif way is not None:
                work.setdefault(what, {})[way] = await do_work(what, way, setting)
    return Figures(setting.cores, busy, THREADS, AT_ONCE, latency_ms, len(ready_bodies()[0]), stages, work, places)


async def _do_stage(stage: Stage, setting: Setting) -> Rate:
    if stage is Stage.CRAWL:
        return await _crawl(setting)
    async with open_fetcher(setting.config) as fetcher, open_parsing(Way.HYBRID, setting) as parse:

        async def do_piece(number: int) -> None:
            body = await fetch(fetcher, f"{setting.origin}/{number}")
            if stage is Stage.PARSE:
                await parse(body, f"{setting.origin}/{number}")

        return await run_tasks(setting, do_piece)


async def _crawl(setting: Setting) -> Rate:
    """Crawls the pages into a folder that is thrown away, until the time is over or all are there."""
    with tempfile.TemporaryDirectory(prefix="crawl-bench-") as folder:
        async with open_crawl(folder=Path(folder) / "crawl", config=setting.config) as crawl:
            stopping = asyncio.create_task(_stop(crawl, setting.seconds))
            begun, cpu_s = time.perf_counter(), time.thread_time()
            late = open_lateness()
            with late.watch():
                summary = await crawl.run([f"{setting.origin}/0"])
            stopping.cancel()
            return Rate(summary.pages, time.perf_counter() - begun, time.thread_time() - cpu_s, p99_ms(late))


async def _stop(crawl: Crawl, seconds: float) -> None:
    await asyncio.sleep(seconds)
    while not crawl.snapshot().pages:  # noqa: ASYNC110 - on a busy machine a short measurement is over before the first page
        await asyncio.sleep(seconds)
    crawl.stop()


@asynccontextmanager
async def _serving(latency_ms: float) -> AsyncIterator[str]:
    """Runs the server in a process of its own; yields its address. The process ends with ours, however that ends."""
    command = (sys.executable, "-m", "crawler.bench.server", f"{latency_ms:g}")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    try:
        origin = (await process.stdout.readline()).decode().strip()
        if not origin:
            raise CrawlError("the process that serves the pages ended before it listened: its message stands above")
        yield origin
    finally:
        process.stdin.close()
        await process.wait()
