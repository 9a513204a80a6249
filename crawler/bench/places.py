"""Measures what reading a page costs on the loop, in a thread and in a worker, and what `auto` would choose."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from itertools import cycle, islice

from ..assembly import parts
from ..offload.auto import Auto, open_auto, uses_gil
from ..offload.interpreters import why_no_interpreters
from ..parse import parse
from ..standing import WorkCost
from .measures import Places
from .pages import make_sized
from .pieces import document, make_job
from .ways import Setting

SIZES = (1_500, 3_000, 6_000, 12_000, 24_000, 48_000, 200_000)
PAGES = 8
CALLS = 24
"""Calls of each size in each place, again and again until the time is over."""
AT_ONCE = 64
RESTS, HURRIES = 0.05, 1.0
"""The share of a core that a process uses in a crawl that mostly waits, and in one that does all it can."""


async def measure_places(setting: Setting) -> Places:
    """Returns the costs in a crawl that hands over page by page, and in one that has many pages at a time."""
    at_rest = await _measure(setting, 1, RESTS)
    in_a_hurry = await _measure(setting, AT_ONCE, HURRIES)
    refused = await asyncio.to_thread(why_no_interpreters)
    return Places(at_rest, in_a_hurry, uses_gil(), refused)


async def _measure(setting: Setting, at_once: int, busy: float) -> tuple[WorkCost, ...]:
    workers = replace(parts.workers(setting.config), count=setting.cores, inline_below_bytes=0)
    until = time.perf_counter() + setting.seconds / 2
    async with open_auto(workers, skipped=0) as auto:
        while True:
            for size in SIZES:
                await _call(auto, size, at_once)
            if time.perf_counter() >= until:
                return auto.choose(busy, calls_per_s=1000.0 * busy)


async def _call(auto: Auto, size: int, at_once: int) -> None:
    """Parses pages of a size in each place that is safe for them."""
    job = make_job()
    documents = [document(body, "http://127.0.0.1/") for body in make_sized(size, PAGES)]
    for place in auto.find_places(parse, documents[0], job, size=size):
        left = CALLS
        while left > 0:
            some = islice(cycle(documents), min(left, at_once))
            await asyncio.gather(*[auto.try_in(place, parse, one, job, size=len(one.body)) for one in some])
            left -= at_once
