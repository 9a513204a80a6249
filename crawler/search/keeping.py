"""Brings the index of a crawl that runs up to date, every few seconds and at its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CancelScope, create_task_group

from ..errors import CrawlError
from ..folder.folder import Folder
from ..protocols import Frontier, Output, Reader
from ..runtime.clock import monotonic
from ..runtime.threads import run_in_thread
from ..sinks import find_readable
from .indexing import NAME, open_index

log = logging.getLogger(__name__)

EVERY_S = 2.0
PART_S = 1.0
GRACE_S = 5.0
"""Seconds at the end of a run in which it catches up. The next run or search takes what is left."""


@asynccontextmanager
async def keep_index(folder: Folder | None, frontier: Frontier, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Lets the index follow while the block runs.

    Its trouble is logged and ends no crawl: it can be made again from the records.
    """
    found = find_readable(folder.outputs) if folder is not None else None
    if folder is None or found is None or frontier.durable is None:
        yield
        return
    if not any(sink.text or sink.markdown for sink in folder.config.sinks):
        log.warning("the search index of %s will hold only titles and addresses: crawl with --text", folder.path)
    keeper = _Keeper(folder, frontier, *found)
    async with create_task_group() as tasks:
        tasks.start_soon(keeper.follow, every_s)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
    if keeper.works:
        await keeper.catch_up(monotonic() + GRACE_S)


class _Keeper:
    """Takes settled records into the index of one folder."""

    def __init__(self, folder: Folder, frontier: Frontier, output: Output, reader: Reader) -> None:
        self._folder = folder
        self._frontier = frontier
        self._output = output
        self._reader = reader
        self.works = True

    async def follow(self, every_s: float) -> None:
        """Takes records until cancelled, or until that fails."""
        while self.works:
            await self.catch_up(float("inf"))
            await asyncio.sleep(every_s)

    async def catch_up(self, until: float) -> None:
        """Takes what is settled, but begins nothing after `until`."""
        try:
            end = await self._end()
            has_more = True
            while has_more and monotonic() < until:
                with CancelScope(shield=True):  # a thread cannot be cancelled
                    has_more = await run_in_thread(self._take, end)
                await asyncio.sleep(0)
        except (CrawlError, OSError) as error:
            self.works = False
            log.warning("the search index of %s does not follow: %s", self._folder.path, error)

    async def _end(self) -> int:
        """Returns the place behind the last settled record."""
        durable = self._frontier.durable
        assert durable is not None
        positions = await durable.ask(lambda opened: opened.positions())
        return self._reader.end(positions.get(self._output.name, {}))

    def _take(self, end: int) -> bool:
        """Takes parts for a second or so; returns whether there are more."""
        until = monotonic() + PART_S
        with open_index(self._folder.path / NAME) as index:
            while has_more := index.take_part(self._reader, end):
                if monotonic() >= until:
                    break
        return has_more
