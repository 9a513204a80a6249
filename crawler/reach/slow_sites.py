"""Keeps the slow sites of a crawl with its frontier, so that its next run and `explain` know them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from anyio import CancelScope, create_task_group

from ..errors import CrawlError
from ..policy.pace import Pace
from ..protocols import Frontier
from ..runtime.clock import wall

NOTE = "slow-sites"
"""The note with the slow sites and the time of the wall clock at which they were slow."""
EVERY_S = 10.0
FRESH_S = 3600.0
"""Older notes say little about a site: it begins at its delay and is judged afresh."""
MOST = 1000
"""The most sites in the note, those with the longest rests: some 80 kB."""


@asynccontextmanager
async def keep_slow_sites(frontier: Frontier, pace: Pace, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Reads what the run before knew, and writes what this one learns: every few seconds, and at its end."""
    if frontier.durable is None:
        yield
        return
    if not len(pace):
        recall_slow_sites(pace, (await frontier.notes()).get(NOTE))
    async with create_task_group() as tasks:
        tasks.start_soon(_write_forever, frontier, pace, every_s)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
            with CancelScope(shield=True), suppress(CrawlError):  # a frontier that failed has said so already
                await _write(frontier, pace)


def recall_slow_sites(pace: Pace, note: object) -> Pace:
    """Reads a note into the pace, and returns it. A note that is absent, old or unreadable changes nothing."""
    match note:
        case {"at": int() | float() as at, "sites": dict() as sites} if 0 <= wall() - at <= FRESH_S:
            pace.recall(sites)
    return pace


async def _write_forever(frontier: Frontier, pace: Pace, every_s: float) -> None:
    with suppress(CrawlError):
        while True:
            await asyncio.sleep(every_s)
            with CancelScope(shield=True):
                await _write(frontier, pace)


async def _write(frontier: Frontier, pace: Pace) -> None:
    sites = pace.slowest(MOST)
    if sites or (await frontier.notes()).get(NOTE):
        await frontier.note(NOTE, {"at": wall(), "sites": sites} if sites else {})
