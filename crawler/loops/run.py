"""Runs one crawl on several event loops: plants the seeds, hands the shards to children, and collects what they did.

It stands in the place of an `Engine`. While children visit, this process holds no shard: it moves settled records into
the outputs, adds up figures, starts children that died again, and passes on what its owner wants.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from anyio import create_task_group

from .. import errors
from ..engine.limits import NOTHING_SPENT, Limits, Spent
from ..errors import CrawlError, FrontierError
from ..frontier.sharded import ShardedFrontier
from ..metrics.metrics import Ending, Metrics, Snapshot, Summary
from ..model import Request
from ..runtime.clock import monotonic
from ..standing import Counts
from . import figures
from .child import Child, open_child
from .merging import Merger
from .order import LoopOrder

log = logging.getLogger(__name__)

WATCH_S = 0.25
MERGED_EVERY = 2
"""Looks between two moves of settled records."""
MOST_DEATHS = 6
"""Deaths of children without a settled page between: after more of them something is wrong with the crawl itself."""
Order = Callable[[int], LoopOrder]
"""Returns the order for the loop with this number, from 1 on, by the settings of now."""


class Loops:
    """One run on `number` loops. It has the calls of `Engine` that a crawl makes."""

    def __init__(
        self, frontier: ShardedFrontier, merger: Merger, number: int, limits: Limits, order: Order,
        kept: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self.metrics: Metrics = Metrics()
        self.limits: Limits = limits
        self.spent: Spent = NOTHING_SPENT
        self.look_again: Callable[[], Awaitable[int]] | None = None
        self._frontier = frontier
        self._merger = merger
        self._number = number
        self._order = order
        self._kept = kept
        self._children: dict[int, Child] = {}
        self._figures: dict[int, Mapping[str, Any]] = {}
        """The latest figures of the living children."""
        self._ended: list[Mapping[str, Any]] = []
        """The last figures of those that are gone."""
        self._settled: Mapping[str, int] | None = None
        """Final visits of the crawl, while children hold the shards."""
        self._endings: list[Ending] = []
        self._ending: Ending | None = None
        self._is_planting = True
        self._is_paused = False
        self._errands = 0
        self._deaths = 0

    # -- control -----------------------------------------------------------------------------------------------------

    def stop(self, ending: Ending = Ending.STOPPED) -> None:
        """Gives visits under way the grace time to finish; then `run` returns."""
        self._ending = self._ending or ending
        self._tell_all({"do": "stop"})

    def abort(self) -> None:
        """Drops the visits under way. Nothing is lost: the next run makes them again."""
        self._ending = Ending.ABORTED
        self._tell_all({"do": "abort"})

    def pause(self) -> None:
        self._is_paused = True
        self._tell_all({"do": "pause"})

    def resume(self) -> None:
        self._is_paused = False
        self._tell_all({"do": "resume"})

    def change(self, visit: object, limits: Limits) -> None:
        """Takes other limits. Children begin anew with other settings once they were started again."""
        self.limits = limits

    def send(self, errand: Callable[[], Awaitable[object]]) -> bool:
        """Returns False: nothing can be run beside the visits of other processes."""
        return False

    @contextmanager
    def keep_open(self) -> Iterator[None]:
        self._errands += 1
        try:
            yield
        finally:
            self._errands -= 1

    def snapshot(self) -> Snapshot:
        in_flight = sum(part["in_flight"] for part in self._figures.values())
        return self.metrics.snapshot(self._counts(), (), in_flight, reads_seeds=self._is_planting)

    def _counts(self) -> Counts:
        if self._settled is None:
            return self._frontier.counts()
        return figures.counts_of(self._figures.values(), self._settled)

    def _tell_all(self, message: Mapping[str, object]) -> None:
        for child in self._children.values():
            child.tell(message)

    # -- a run -------------------------------------------------------------------------------------------------------

    async def run(self, seeds: AsyncIterator[Sequence[Request]]) -> Summary:
        """Visits until nothing is left; returns a summary. Raises errors in an ExceptionGroup."""
        self.metrics.started = monotonic()
        before = self._frontier.counts()
        await self._plant(seeds)
        while self._ending is None:
            if self._has_all_pages():
                self._ending = Ending.PAGE_LIMIT
                break
            await self._visit()
            self._stop_at_limit()
            if not await self._find_more():
                break
        counts = self._frontier.counts()
        self.metrics.count_settled(
            {name: number - before.settled.get(name, 0) for name, number in counts.settled.items()}
        )
        return self.metrics.summary(self._ending or Ending.EXHAUSTED, counts)

    async def _find_more(self) -> bool:
        """Looks for more work when nothing is left; returns whether there is some now."""
        if self._ending is Ending.ABORTED or self.look_again is None:
            return False
        return await self.look_again() > 0

    def _stop_at_limit(self) -> None:
        """Ends the run where a loop ended for a limit that all share."""
        if Ending.PAGE_LIMIT in self._endings:
            self.stop(Ending.PAGE_LIMIT)

    async def _plant(self, seeds: AsyncIterator[Sequence[Request]]) -> None:
        """Adds all seeds before the first visit: while children visit, this process cannot judge what is new."""
        async for batch in seeds:
            await self._frontier.add(batch)
            if self._ending is not None:
                break
        self._is_planting = False

    def _has_all_pages(self) -> bool:
        return self.limits.pages is not None and self._frontier.counts().pages >= self.limits.pages

    async def _visit(self) -> None:
        """Lets children visit all that there is, and takes the shards back when they have ended."""
        if not self._frontier.counts().queued:
            return
        self._settled = {str(name): number for name, number in self._frontier.counts().settled.items()}
        await self._frontier.node.hand_over()
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(self._watch)
                async with create_task_group() as children:
                    for number in range(1, self._number + 1):
                        children.start_soon(self._keep_child, number)
                tasks.cancel_scope.cancel()
            await self._merger.merge(is_over=True)
        finally:
            self._figures.clear()
        await self._frontier.node.take_over()
        self._settled = None

    # -- children ----------------------------------------------------------------------------------------------------

    async def _keep_child(self, number: int) -> None:
        """Runs one loop until it has ended by itself; starts it again where it died."""
        while True:
            order = self._order(number)
            async with open_child(order, self._kept) as child:
                self._children[number] = child
                if self._is_paused:
                    child.tell({"do": "pause"})
                if self._ending is not None:
                    child.tell({"do": "abort" if self._ending is Ending.ABORTED else "stop"})
                has_ended = await self._listen(number, child)
                del self._children[number]
            if (told := self._figures.pop(number, None)) is not None:
                self._ended.append(told)
            if has_ended:
                return
            log.warning("event loop %d died and is started again", number)
            self._count_death()
            await self._frontier.node.forget(order.node)
            if self._ending is not None:
                return

    async def _listen(self, number: int, child: Child) -> bool:
        """Takes the figures of a child until it is gone; returns whether it ended by itself. Raises its error."""
        while (message := await child.hear()) is not None:
            if "figures" in message:
                self._figures[number] = message["figures"]
            if "error" in message:
                raise _error(str(message["error"]), str(message["text"]))
            if "ended" in message:
                self._endings.append(Ending(str(message["ended"])))
                return True
        return False

    def _count_death(self) -> None:
        self._deaths += 1
        if self._deaths > MOST_DEATHS:
            raise FrontierError(
                f"the event loops of this crawl died {MOST_DEATHS} times and settled no page between: see crawl.log"
            )

    # -- watching ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Adds up figures, keeps the limits of time and size, and moves settled records."""
        looks = 0
        while True:
            await asyncio.sleep(WATCH_S)
            looks += 1
            figures.add_up(self.metrics, [*self._ended, *self._figures.values()], self._figures.values())
            self._check_limits()
            if looks % MERGED_EVERY == 0:
                settled = await self._frontier.node.settled()
                self._deaths = self._deaths if settled == self._settled else 0
                self._settled = settled
                await self._merger.merge(is_over=False)

    def _check_limits(self) -> None:
        limits, spent_s = self.limits, self.spent.time_s + monotonic() - self.metrics.started
        if limits.size_bytes is not None and self.spent.bytes + self.metrics.bytes >= limits.size_bytes:
            self.stop(Ending.SIZE_LIMIT)
        if limits.time_s is not None and spent_s + WATCH_S >= limits.time_s:
            self.stop(Ending.TIME_LIMIT)


def _error(kind: str, text: str) -> CrawlError:
    """Returns the error of a child as one of this process."""
    found = getattr(errors, kind, CrawlError)
    is_plain = isinstance(found, type) and issubclass(found, CrawlError) and found.__init__ is CrawlError.__init__
    return found(text) if is_plain else CrawlError(text)
