"""Does each call in the place that costs least, as measured while the crawl runs: `offload.executor = "auto"`.

Only plain pages of some kilobytes may ever leave the worker processes: nothing is unpacked and no function of the
user's runs elsewhere, for a page may make these take any time and any memory.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar, cast

from ..parse import Document, ParseJob, parse
from ..protocols import WorkerState
from ..runtime.clock import monotonic
from ..standing import WorkCost
from .choice import LONGEST, Choice, Cost, Place, State
from .metering import AGAIN_S, COLD, MEASURED, SKIPPED, Clocks, Meter, MeteredWorker, Steps, read_clocks
from .opening import count_cores, open_offloader
from .pool import Inline, Lane, Pool, Workers
from .timing import Timed, run_timed

T = TypeVar("T")

MOST_INLINE_BYTES = 16 << 10
"""Pages from this size on are never read on the loop: one that is made to hurt takes a millisecond a kilobyte."""
MOST_THREAD_BYTES = 64 << 10
"""Pages from this size on are never read in a thread."""
FIRST_REVIEW_S, REVIEW_S = 0.05, 0.5
"""Seconds between two reviews of all choices: soon at first, then twice as many each time."""
TURN_S = 0.002
"""CPU time for calls in one turn of the loop. More calls at a time go elsewhere, so that the loop is not late."""
_INLINE = Inline()


class Kind(NamedTuple):
    """Work of which all calls of one size cost about the same."""

    name: str
    class_: int
    """The binary digits of its size in bytes; 0: unknown."""
    is_plain: bool = False
    """Whether it may be done outside of worker processes at all."""

    @property
    def below_bytes(self) -> int:
        return 1 << self.class_ if self.class_ else 0

    def find_places(self) -> tuple[Place, ...]:
        """Returns the places that are safe for it."""
        if not self.is_plain or not self.class_:
            return (Place.PROCESS,)
        bounds = ((Place.INLINE, MOST_INLINE_BYTES), (Place.THREAD, MOST_THREAD_BYTES))
        return (*(place for place, most in bounds if self.below_bytes <= most), Place.PROCESS)


def find_kind(work: Callable[..., object], args: Sequence[object], size: int) -> Kind:
    """Returns the kind of a call."""
    if work is not parse:
        return Kind("robots.txt" if work.__module__.endswith(".robots") else "other", size.bit_length())
    document, job = cast("tuple[Document, ParseJob]", args)
    size = len(document.body)
    if job.extract is not None:
        return Kind("parse with your function", size.bit_length())
    if document.content_encoding:
        return Kind("unpack and parse", size.bit_length())
    return Kind("parse", size.bit_length(), not document.is_suspect)


@dataclass(slots=True, eq=False)
class Auto:
    """Implements `protocols.Offloader` over the loop, a pool of threads and a pool of processes."""

    workers: Workers
    processes: Pool
    threads: Pool
    meters: dict[Place, Meter]
    cores: int
    has_gil: bool = True
    _choices: dict[Kind, Choice] = field(default_factory=dict, init=False)
    _spent_s: float = field(default=0.0, init=False)
    """CPU time of calls in this turn of the loop."""
    _pause_s: float = field(default_factory=lambda: FIRST_REVIEW_S, init=False)
    _done_here: int = field(default=0, init=False)
    _train: tuple[Place, int] = field(default=(Place.PROCESS, 0), init=False)
    """So many calls go to this place, for its cost is not known, or no longer."""
    _reviewed: Clocks = field(default_factory=read_clocks, init=False)
    _counted: dict[Kind, int] = field(default_factory=dict, init=False)

    @property
    def waiting(self) -> int:
        """Returns the number of calls that no worker has taken yet."""
        return self.processes.waiting + self.threads.waiting

    @property
    def members(self) -> Sequence[WorkerState]:
        """Returns its worker processes."""
        return self.processes.members

    def lane(self) -> AutoLane:
        """Returns a lane for one of several crawls."""
        return AutoLane(self, {Place.PROCESS: self.processes.lane(), Place.THREAD: self.threads.lane()})

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return await self.run_in({}, work, *args, size=size)

    async def run_in(self, lanes: dict[Place, Lane], work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        """Does the work in the place that is chosen for it."""
        if 0 < size < self.workers.inline_below_bytes:
            return await _INLINE.run(work, *args)
        now = monotonic()
        if now - self._reviewed.now > self._pause_s:
            self._review(now)
        choice = self._find_choice(find_kind(work, args, size))
        place = self._find_place(choice)
        if place is Place.INLINE:
            return await self._run_here(choice, work, args)
        return await self._hand_over(place, lanes.get(place), choice, work, args, size)

    def costs(self) -> tuple[WorkCost, ...]:
        """Returns where each kind of work is done, and what it costs."""
        state = self._state(0.0)
        return tuple(
            WorkCost(
                kind.name, kind.below_bytes, str(choice.place), choice.why, choice.calls, choice.p99_s * 1000,
                {str(place): cost.total * 1000 for place, cost in sorted(choice.prices(state).items())},
            )
            for kind, choice in sorted(self._choices.items())
            if choice.is_measured
        )  # fmt: skip

    def choose(self, busy: float, calls_per_s: float) -> tuple[WorkCost, ...]:
        """Chooses as if our process used such a share of a core, and returns what came of it."""
        for choice in self._choices.values():
            choice.place = Place.PROCESS
            choice.review(self._state(busy), calls_per_s)
        return self.costs()

    def find_places(self, work: Callable[..., object], /, *args: object, size: int) -> tuple[Place, ...]:
        """Returns the places that are safe for a call."""
        return find_kind(work, args, size).find_places()

    async def try_in(self, place: Place, work: Callable[..., T], /, *args: object, size: int) -> T:
        """Does the work in a place that is safe for it, to measure that."""
        choice = self._find_choice(find_kind(work, args, size))
        if place is Place.INLINE:
            return await self._run_here(choice, work, args)
        return await self._hand_over(place, None, choice, work, args, size)

    # -- places ------------------------------------------------------------------------------------------------------

    def _find_choice(self, kind: Kind) -> Choice:
        """Returns the choice for a kind of work, and counts the call."""
        choice = self._choices.get(kind)
        if choice is None:
            choice = self._choices[kind] = Choice(kind.find_places())
        choice.calls += 1
        return choice

    def _find_place(self, choice: Choice) -> Place:
        place, left = self._train
        if left and self._may_try(choice, place):
            self._train = (place, left - 1)
            return place
        if choice.place is Place.INLINE and self._spent_s > TURN_S:
            return Place.THREAD if self.cores == 1 else Place.PROCESS
        return choice.place

    def _may_try(self, choice: Choice, place: Place) -> bool:
        if place is Place.PROCESS:
            return True
        return place in choice.allowed and choice.is_measured and choice.p99_s < LONGEST[place]

    async def _run_here(self, choice: Choice, work: Callable[..., T], args: tuple[object, ...]) -> T:
        begun = time.thread_time()
        try:
            return await _INLINE.run(work, *args)
        finally:
            spent_s = time.thread_time() - begun
            self._done_here += 1
            if self._done_here > COLD:
                choice.note(spent_s)
            if not self._spent_s:
                asyncio.get_running_loop().call_soon(self._end_turn)
            self._spent_s += spent_s

    def _end_turn(self) -> None:
        self._spent_s = 0.0

    async def _hand_over(
        self,
        place: Place,
        lane: Lane | None,
        choice: Choice,
        work: Callable[..., T],
        args: tuple[object, ...],
        size: int,
    ) -> T:
        pool, meter = self.threads if place is Place.THREAD else self.processes, self.meters[place]
        is_measured = meter.wants_call(self._reviewed.now)
        try:
            if is_measured:
                timed = await self._measure(meter, pool.run_in(lane, run_timed, work, *args, size=size))
            elif place is Place.PROCESS:
                return await pool.run_in(lane, work, *args, size=size)
            else:  # nothing bounds a thread, so each call is looked at
                timed = await pool.run_in(lane, run_timed, work, *args, size=size)
        finally:
            meter.served += 1
        if meter.is_warm(timed):
            choice.note(timed.ended_s - timed.begun_s)
        answer: T = timed.answer
        return answer

    async def _measure(self, meter: Meter, call: Coroutine[Any, Any, Timed]) -> Timed:
        try:
            timed = await Steps(call, meter.calls)
        except BaseException:
            meter.lose()
            raise
        meter.take(timed)
        return timed

    # -- reviews -----------------------------------------------------------------------------------------------------

    def _review(self, now: float) -> None:
        """Chooses the place of all work anew, and what is to be measured next."""
        then, self._reviewed = self._reviewed, read_clocks()
        self._pause_s = min(2 * self._pause_s, REVIEW_S)
        passed_s = max(self._reviewed.now - then.now, 1e-6)
        state = self._state(self._reviewed.find_busy(then))
        for kind, choice in self._choices.items():
            calls = choice.calls - self._counted.get(kind, 0)
            self._counted[kind] = choice.calls
            choice.review(state, calls / passed_s)
        if not self._train[1]:
            self._plan_train(now)

    def _plan_train(self, now: float) -> None:
        """Has some calls measured in a place that is not known, or was not for a while."""
        for place, meter in self.meters.items():
            is_old = meter.cost is None or now - meter.measured_at > AGAIN_S
            if is_old and any(self._may_try(choice, place) for choice in self._choices.values()):
                self._train = place, MEASURED
                return

    def _state(self, busy: float) -> State:
        known: dict[Place, Cost] = {place: meter.cost for place, meter in self.meters.items() if meter.cost}
        return State(known, busy, self.cores, self.has_gil)


@dataclass(frozen=True, slots=True, eq=False)
class AutoLane:
    """One crawl's access to the places of `Auto`."""

    auto: Auto
    lanes: dict[Place, Lane]

    @property
    def waiting(self) -> int:
        """Returns the number of calls of this lane that no worker has taken yet."""
        return sum(lane.waiting for lane in self.lanes.values())

    @property
    def members(self) -> Sequence[WorkerState]:
        """Returns the worker processes."""
        return self.auto.members

    def lane(self) -> AutoLane:
        """Returns another lane."""
        return self.auto.lane()

    def costs(self) -> tuple[WorkCost, ...]:
        """Returns where each kind of work of all lanes is done, and what it costs."""
        return self.auto.costs()

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return await self.auto.run_in(self.lanes, work, *args, size=size)


@asynccontextmanager
async def open_auto(workers: Workers, skipped: int = SKIPPED) -> AsyncIterator[Auto]:
    """Opens worker processes and threads. Work goes to processes until something else is found to be cheaper.

    After each window of measured calls, `skipped` are not measured.
    """
    cores, has_gil = count_cores(), uses_gil()
    meters = {place: Meter(place, has_gil, skipped) for place in (Place.PROCESS, Place.THREAD)}

    def make_worker(pool: Pool, workers: Workers) -> MeteredWorker:
        worker = MeteredWorker(pool, workers)
        worker.clock = meters[Place(workers.executor)].lanes
        return worker

    in_processes = replace(workers, executor="process", inline_below_bytes=0)
    in_threads = replace(in_processes, executor="thread", count=1 if has_gil else workers.count)
    async with (
        open_offloader(in_processes, make_worker) as processes,
        open_offloader(in_threads, make_worker) as threads,
    ):
        yield Auto(workers, cast(Pool, processes), cast(Pool, threads), meters, cores, has_gil)


def explain() -> str:
    """Returns what may be chosen on this machine, in a sentence."""
    places = (
        f"plain pages below {MOST_INLINE_BYTES >> 10} KiB on the loop, below {MOST_THREAD_BYTES >> 10} KiB in a thread"
    )
    cores = count_cores()
    if cores == 1:
        return f"{places}, where that is measured to cost less CPU time; all else in worker processes"
    room = "and the loop has room" if uses_gil() else "for threads need no GIL here"
    return f"{places}, where that is measured to cost less CPU time {room}; all else in {cores} worker processes"


def uses_gil() -> bool:
    """Whether threads of this process run Python one at a time: all builds do but the free-threaded ones."""
    asked: Any = getattr(sys, "_is_gil_enabled", None)  # from Python 3.13 on
    return bool(asked()) if asked else True
