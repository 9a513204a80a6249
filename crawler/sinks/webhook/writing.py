"""Puts records into the spool of a webhook, and holds the crawl while too many wait there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import anyio
from anyio.abc import TaskGroup

from ...model import CrawlInfo, Outcome, Position
from ..jsonl.writing import off_loop
from ..record import Wants, record
from ..spool import Place, Spool
from .sending import Sending

FILE_BYTES = 16 << 20
"""Length from which on records go to a new file, so that those that were taken can be removed."""
MOST_WAITING = 4
"""Files of records that wait at most; then the crawl waits."""


class Webhook:
    """Keeps records until they are settled, then has them sent. While the receiver is far behind, `write` waits."""

    def __init__(self, name: str, spool: Spool, wants: Wants, sending: Sending, tasks: TaskGroup) -> None:
        self.name = name
        self._spool = spool
        self._wants = wants
        self._sending = sending
        self._tasks = tasks
        self._unsettled = 0
        self._is_sending = False
        self._done = asyncio.Event()

    def hurry(self) -> None:
        """Waits no longer for a receiver that is away: the run is to end."""
        self._sending.patience.hurry()

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        self._sending.begin(crawl.id)

    async def rewind(self, position: Position | None) -> None:
        """Removes records that were not settled, and begins to send those that were."""
        await off_loop(self._cut, Place.read(position) if position else None)
        self._is_sending = True
        self._tasks.start_soon(self._send)

    def _cut(self, settled: Place | None) -> None:
        may_be_gone = self._sending.load(settled)
        if settled is None:
            for segment in self._spool.segments():
                self._spool.remove(segment)
        self._spool.cut(settled or Place(1, 0), may_be_gone=may_be_gone)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await self._sending.wait_for_room(self._spool.end.segment - MOST_WAITING)
        if self._sending.trouble:
            raise self._sending.trouble
        end = await off_loop(self._add, outcomes)
        self._unsettled += len(outcomes)
        return end.position

    def _add(self, outcomes: Sequence[Outcome]) -> Place:
        lines = b"".join(record(outcome, self._wants) for outcome in outcomes)
        return self._spool.append(lines, begins_file=self._spool.end.bytes >= FILE_BYTES)

    def note_settled(self) -> None:
        self._sending.note_settled(self._spool.end, self._unsettled)
        self._unsettled = 0

    async def close(self, *, is_quiet: bool = False) -> None:
        """Sends what is settled. Raises SinkError if it cannot, unless `is_quiet`."""
        if not self._is_sending:
            return
        self._sending.end()
        with anyio.CancelScope(shield=True):
            await self._done.wait()
        if self._sending.trouble and not is_quiet:
            raise self._sending.trouble

    async def _send(self) -> None:
        try:
            await self._sending.run()
        finally:
            self._done.set()
