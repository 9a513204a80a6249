"""Runs one crawl: feeder, visitors and recorder, what lies between them, and how they stop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

import anyio
from anyio import CancelScope, create_task_group
from anyio.abc import TaskGroup

from ..dataclass import dataclass, field
from ..errors import HookError, SinkError, WorkersGone
from ..metrics.gauges import Gauges
from ..metrics.metrics import SAMPLE_S, SAMPLE_SKIPPED_S, Ending, Metrics, Snapshot, Summary
from ..model import Disposition, Lease, Outcome, Reason, Request
from ..policy.politeness import Wait
from ..protocols import Frontier, Sink
from ..runtime.clock import is_skipping, monotonic, wall
from ..runtime.presence import Presence
from ..standing import Counts
from .hand_over import IdleVisitors, Outcomes, UnderWay
from .hooks import guard_hook
from .limits import NOTHING_SPENT, Limits, Quota, Spent
from .memory_watch import MemoryWatch
from .settling import store_and_settle
from .slots import Places, Seat
from .suspension import AbsenceJudge

log = logging.getLogger(__name__)

Visit = Callable[[Lease], Awaitable[Outcome]]

LEASE_BATCH = 64
"""Leases taken at a time, and the size of the queue to the visitors: enough to keep them busy, few to give back."""
RECORD_BATCH, RECORD_LINKS = 256, 2000
"""Most outcomes in one transaction, and new links from which on no page is added to it: 1 µs of the loop each."""
BUSIEST = 8
_VISIT = guard_hook("a visit")


@dataclass(slots=True, eq=False)
class Engine:
    """Visits all that a frontier lends, once. `run` returns when it is exhausted, at a limit, or after `stop`."""

    frontier: Frontier
    visit: Visit
    sinks: Sequence[Sink]
    limits: Limits
    parse_backlog: Callable[[], int] = lambda: 0
    is_throttled: Callable[[], bool] = lambda: False
    seat: Seat = field(default_factory=lambda: Places().seat())
    """Takes a place for each visit; several crawls may share the places."""
    metrics: Metrics = field(default_factory=Metrics)
    presence: Presence = field(default_factory=Presence)
    """Tells when this process was away; all crawls of the process share it."""
    forewarning: MemoryWatch = field(default_factory=MemoryWatch)
    quota: Quota | None = None
    """The pages that this engine may fetch, where several share the limit of pages. None: all of them."""
    spent: Spent = NOTHING_SPENT
    look_again: Callable[[], Awaitable[int]] | None = None
    """Called when nothing is left to do, and before a run that was not aborted ends; returns how much it queued."""

    _idle: IdleVisitors = field(default_factory=IdleVisitors, init=False)
    _visits: UnderWay = field(default_factory=UnderWay, init=False)
    """Tells when no lease is with a visitor."""
    _outcomes: Outcomes = field(default_factory=lambda: Outcomes(RECORD_BATCH), init=False)
    _out: dict[int, Lease] = field(default_factory=dict, init=False)
    """Leases on loan by `id`: a URL may be lent again while its first outcome is still being settled."""
    _absence: AbsenceJudge = field(init=False)
    _ending: Ending | None = field(default=None, init=False)
    _patience: CancelScope = field(default_factory=CancelScope, init=False)
    """Cancelled by the end: the feeder waits in it."""
    _goes: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _moved: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _is_planting: bool = field(default=True, init=False)
    _errands: int = field(default=0, init=False)
    _planting: TaskGroup | None = field(default=None, init=False)
    _waits_for_turn: bool = field(default=False, init=False)
    _work: CancelScope = field(default_factory=CancelScope, init=False)
    _storing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Held while outcomes are stored and settled, and while leases are given back, so that no lease is in both."""

    def __post_init__(self) -> None:
        self._absence = AbsenceJudge(self.presence)
        self._goes.set()
        self.seat.wake = self._moved.set

    # -- control -----------------------------------------------------------------------------------------------------

    def stop(self, ending: Ending = Ending.STOPPED) -> None:
        """Gives visits under way the grace time to finish; then `run` returns."""
        self._ending = self._ending or ending
        self._patience.cancel()

    def abort(self) -> None:
        """Drops the visits under way. Nothing is lost: the next run makes them again."""
        self.stop(Ending.ABORTED)
        self._ending = Ending.ABORTED
        self._work.cancel()

    def pause(self) -> None:
        """Takes no more leases; visits under way go on."""
        self._goes.clear()

    def resume(self) -> None:
        self._goes.set()

    def change(self, visit: Visit, limits: Limits) -> None:
        """Puts other rules and limits in force from the next visit on."""
        self.visit, self.limits = visit, limits
        self._moved.set()

    def send(self, errand: Callable[[], Awaitable[object]]) -> bool:
        """Runs `errand` beside the visits; the run does not end before it. Returns False if there is no run."""
        if self._planting is None:
            return False
        self._errands += 1
        self._planting.start_soon(self._do, errand)
        return True

    @contextmanager
    def keep_open(self) -> Iterator[None]:
        """Keeps the run from ending as exhausted within the block, since work in it may queue more."""
        self._errands += 1
        try:
            yield
        finally:
            self._errands -= 1
            self._moved.set()

    def snapshot(self) -> Snapshot:
        busiest = self.frontier.busiest(BUSIEST)
        return self.metrics.snapshot(self.frontier.counts(), busiest, len(self._out), reads_seeds=self._is_planting)

    # -- a run from beginning to end ---------------------------------------------------------------------------------

    async def run(self, seeds: AsyncIterator[Sequence[Request]]) -> Summary:
        """Visits until nothing is left; returns a summary. Raises errors of frontier and sinks in an ExceptionGroup."""
        self.metrics.started = monotonic()
        async with create_task_group() as tasks:
            tasks.start_soon(self._record)
            tasks.start_soon(self._watch)
            try:
                with self._work:
                    await self._crawl(seeds)
                await self._outcomes.join()
                if self.look_again is not None and self._ending is not Ending.ABORTED:
                    await self.look_again()
            finally:
                await self._give_back()
            tasks.cancel_scope.cancel()
        return self.metrics.summary(self._ending or Ending.EXHAUSTED, self.frontier.counts())

    async def _crawl(self, seeds: AsyncIterator[Sequence[Request]]) -> None:
        async with create_task_group() as visits:
            async with create_task_group() as planting:
                self._is_planting, self._planting = True, planting
                planting.start_soon(self._plant, seeds)
                try:
                    await self._feed(visits)
                finally:
                    self.seat.give_up_place()
                    self._planting = None
                planting.cancel_scope.cancel()
            await self._come_to_rest()
            visits.cancel_scope.cancel()

    async def _come_to_rest(self) -> None:
        """Gives the visits under way the grace time. There are none if nothing was left to do."""
        with anyio.move_on_after(self.limits.grace_s):
            await self._visits.wait()

    async def _plant(self, seeds: AsyncIterator[Sequence[Request]]) -> None:
        """Adds the seeds to the frontier during the crawl, so that ten million of them are never all in memory."""
        with guard_hook("reading the seeds"):
            async for batch in seeds:
                await self.frontier.add(batch)
                self._moved.set()
        self._is_planting = False
        self._moved.set()

    async def _do(self, errand: Callable[[], Awaitable[object]]) -> None:
        try:
            await errand()
        finally:
            self._errands -= 1
            self._moved.set()

    # -- feeder ------------------------------------------------------------------------------------------------------

    async def _feed(self, visits: TaskGroup) -> None:
        """Takes leases no faster than visitors do, and never more pages than the limit."""
        while await self._may_go_on():
            room = self.seat.take(min(self._room(), LEASE_BATCH))
            if not room:
                await self._wait_until_moved()
                continue
            self._moved.clear()
            leases = await self._lease(room)
            if self._ending is not None:  # the end came while these were being lent: they are not visited
                self._let_go(leases)
                await self._release(leases)
                return
            for lease in leases:
                self._visits.begin()
                if not self._idle.give(lease):
                    visits.start_soon(self._visit_forever, lease)
            if not leases:
                await self._wait_until_due()

    async def _lease(self, room: int) -> Sequence[Lease]:
        leases: Sequence[Lease] = ()
        try:
            with CancelScope(shield=True):  # a lease cut off half-way would be lent to nobody
                leases = await self.frontier.lease(room)
        finally:
            self.seat.give_back(room - len(leases))
        self._out |= {id(lease): lease for lease in leases}
        return leases

    async def _may_go_on(self) -> bool:
        if not self._goes.is_set():
            self.seat.give_up_place()
            await self._wait_or_end(self._goes.wait)
        return self._ending is None

    def _room(self) -> int:
        """Returns how many leases may be taken now: the free visitors, at most the rest of the page limit."""
        room = self.limits.concurrency - len(self._out)
        if self.limits.pages is None:
            return room
        left = self.limits.pages - self.frontier.counts().pages
        if self.quota.is_used_up if self.quota else left <= 0:
            self.stop(Ending.PAGE_LIMIT)
        return min(room, self.quota.left(len(self._out)) if self.quota else left - len(self._out))

    async def _wait_until_moved(self) -> None:
        if self._ending is None:
            await self._wait_or_end(self._moved.wait)
            self._moved.clear()

    async def _wait_until_due(self) -> None:
        """Waits for a turn, for new work, or for the end. Called when nothing is due."""
        self._waits_for_turn = True
        more = await self._wait_or_end(self.frontier.wait)
        self._waits_for_turn = False
        if more is not False or self._moved.is_set():
            return
        if self._out or self._is_planting or self._errands:  # outcomes or seeds may still bring work
            await self._wait_until_moved()
        elif not await self._find_more():
            self.stop(Ending.EXHAUSTED)

    async def _find_more(self) -> bool:
        """Looks for more work when nothing is left; returns whether there is some now."""
        found = await self.look_again() if self.look_again else 0
        return found > 0 or self._errands > 0 or self._moved.is_set()

    async def _wait_or_end(self, wait: Callable[[], Awaitable[bool]]) -> bool | None:
        """Returns the result of `wait`, or None if the end came first."""
        answer: bool | None = None
        if self._ending is None:
            with CancelScope() as self._patience:
                answer = await wait()
        return answer

    # -- visitors ----------------------------------------------------------------------------------------------------

    async def _visit_forever(self, lease: Lease) -> None:
        """Visits one lease after another, until it is cancelled. One more visitor starts where all are busy."""
        while True:
            begun = self.presence.beat()
            try:
                outcome = self._absence.forgive(await self.visit(lease), begun)
            except BaseException as error:  # noqa: BLE001 - a page's bug is told, all else is raised
                outcome = self._judge_bug(lease, error)
            if not self._outcomes.offer(outcome):
                try:
                    await self._outcomes.put(outcome)
                except asyncio.CancelledError:
                    outcome.release()
                    raise
            self._visits.end()
            del lease, outcome  # otherwise a waiting visitor would keep its last body in memory
            lease = await self._idle.wait()

    def _judge_bug(self, lease: Lease, error: BaseException) -> Outcome:
        """Returns the outcome of a visit that ended with a bug; raises all that is not the fault of the page."""
        try:
            with _VISIT:
                raise error
        except (HookError, SinkError, WorkersGone):
            raise  # the page stays queued
        except Exception:
            log.exception("a bug while visiting %r", lease.request.url.text)
            return Outcome(lease, Disposition.FAILED, Reason.INTERNAL, visited_at=wall(), ended=monotonic())

    # -- recorder ----------------------------------------------------------------------------------------------------

    async def _record(self) -> None:
        """Stores and settles outcomes in batches, until it is cancelled."""
        while True:
            await self._outcomes.wait()
            batch = self._outcomes.take(RECORD_BATCH, RECORD_LINKS)
            try:
                with CancelScope(shield=True):  # never half a batch
                    async with self._storing:
                        await self._store_and_settle([one for one in batch if id(one.lease) in self._out])
                        self._let_go([outcome.lease for outcome in batch])
            finally:
                for outcome in batch:
                    outcome.release()
            self._outcomes.end(len(batch))
            is_told = log.isEnabledFor(logging.DEBUG)
            for outcome in batch:
                self.metrics.fold(outcome)
                if is_told:
                    log.debug("%s %s %s", outcome.disposition, outcome.url, outcome.reason or "")
            del batch, outcome  # the budget no longer counts their bodies
            self._check_size()
            self._moved.set()

    async def _store_and_settle(self, batch: Sequence[Outcome]) -> None:
        """Writes the sinks, then settles with their positions. On open, sinks are cut back to the settled positions."""
        if not batch:  # all of it was given back
            return
        await store_and_settle(self.frontier, self.sinks, batch)

    def _check_size(self) -> None:
        most = self.limits.size_bytes
        if most is not None and self.spent.bytes + self.metrics.bytes >= most:
            self.stop(Ending.SIZE_LIMIT)

    # -- watching and giving back --------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Samples what limits the crawl, and stops it at the time limit."""
        with self.presence.watch():
            while True:
                await self._sample()

    async def _sample(self) -> None:
        cpu, now, every_s = time.thread_time(), monotonic(), SAMPLE_SKIPPED_S if is_skipping() else SAMPLE_S
        await asyncio.sleep(every_s)
        self.presence.beat()
        busy = (time.thread_time() - cpu) / (monotonic() - now)
        counts = self.frontier.counts()
        self.metrics.observe(self._gauges(busy, counts))
        self.forewarning.look(counts, self.limits.known_bytes)
        spent_s = self.spent.time_s + now - self.metrics.started
        if self.limits.time_s is not None and spent_s + every_s >= self.limits.time_s:
            self.stop(Ending.TIME_LIMIT)

    def _gauges(self, busy: float, counts: Counts) -> Gauges:
        waits = self._waits_for_turn and counts.queued > 0
        return Gauges(
            in_flight=len(self._out),
            concurrency=self.limits.concurrency,
            waits_for_place=self.seat.is_refused,
            waits_for_turn=waits,
            why=Wait(self.frontier.why_wait()) if waits else None,
            has_parked=counts.parked > 0,
            parse_backlog=self.parse_backlog(),
            is_throttled=self.is_throttled(),
            record_backlog=len(self._outcomes),
            record_room=RECORD_BATCH,
            loop_busy=busy,
            reads_seeds=self._is_planting,
        )

    async def _give_back(self) -> None:
        """Gives back all leases that are left when the run ends, except those whose outcomes are being recorded."""
        with CancelScope(shield=True):
            async with self._storing:
                left = list(self._out.values())
                self._let_go(left)
                await self._release(left)
        for outcome in self._outcomes.drop():
            outcome.release()

    def _let_go(self, leases: Sequence[Lease]) -> None:
        before = len(self._out)
        for lease in leases:
            self._out.pop(id(lease), None)
        self.seat.give_back(before - len(self._out))

    async def _release(self, leases: Sequence[Lease]) -> None:
        with anyio.move_on_after(1, shield=True):
            await self.frontier.release(leases)
