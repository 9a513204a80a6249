"""Measures the CPU time of calls, and of handing them over: on the loop, in threads, in workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time
from typing import Any, Generic, NamedTuple, TypeVar

from .choice import LEAST_SAMPLES, Cost, Place
from .timing import Timed
from .worker import Worker

T = TypeVar("T")
MEASURED, SKIPPED = 32, 480
"""So many calls are measured in a row, and so many are not thereafter: one in sixteen costs next to nothing."""
AGAIN_S = 60.0
"""Seconds after which calls are measured again, however few there were."""
COLD = 4
"""The first calls of a worker: code and caches are cold."""
NEW = 0.5
"""Share of the newest figures in a cost."""
_MOST_GAP_S = 0.05
"""More between two calls is something else, such as a program that was imported."""
_OF_POOLS = ("_ExecutorManagerThread", "QueueFeederThread")
"""Threads that feed worker processes, by class or name."""


class Clocks(NamedTuple):
    """Readings of the clocks of the loop's thread and of its process, in seconds."""

    now: float
    process_s: float
    """CPU time of all threads."""
    wanted_s: float
    """CPU time of this thread, and the time that it waited for a core: other programs may take these. 0: unknown."""

    def find_busy(self, then: Clocks) -> float:
        """Returns the share of a core that our process used since then, or would have used."""
        passed_s = max(self.now - then.now, 1e-6)
        return max(self.process_s - then.process_s, self.wanted_s - then.wanted_s) / passed_s


def read_clocks() -> Clocks:
    """Returns what the clocks show, for the calling thread."""
    return Clocks(time.monotonic(), time.process_time(), sum(_read_schedule(threading.get_native_id())) / 1e9)


@dataclass(slots=True, eq=False)
class Clock:
    """CPU time of the loop that was spent on something."""

    spent_s: float = 0.0


class _Marks(NamedTuple):
    """Readings of the clocks of a pool when a window began."""

    calls: int = 0
    lanes_s: float = 0.0
    feeders_s: float = 0.0


@dataclass(slots=True, eq=False)
class Meter:
    """Measures what it costs to hand calls over to one pool, in windows of some calls."""

    place: Place
    has_gil: bool = True
    skipped: int = SKIPPED
    """Calls that are not measured, between windows."""
    cost: Cost | None = None
    """The cost of handing one call over. None: not measured yet."""
    lanes: Clock = field(default_factory=Clock)
    """The loop's time for the batches of all calls."""
    calls: Clock = field(default_factory=Clock)
    """The loop's time for each of the measured calls."""
    served: int = 0
    """Calls that were answered, measured or not."""
    measured_at: float = 0.0
    """When a window began last."""
    _marks: _Marks = field(default_factory=_Marks)
    _left: int = 0
    _answered: int = 0
    _lost: int = 0
    _skip: int = 0
    _ended: dict[tuple[int, int], float] = field(default_factory=dict)
    _gaps: list[float] = field(default_factory=list)
    _warm: dict[tuple[int, int], int] = field(default_factory=dict)
    """Answers by worker."""

    def wants_call(self, now: float) -> bool:
        """Whether the next call is to be measured."""
        if self._left:
            self._left -= 1
            return True
        self._skip -= 1
        if self._skip >= 0 and now - self.measured_at < AGAIN_S:
            return False
        self._open(now)
        return True

    def is_warm(self, timed: Timed) -> bool:
        """Whether a worker has answered some calls already: the first ones take much longer, and say nothing."""
        calls = self._warm[timed.thread] = self._warm.get(timed.thread, 0) + 1
        return calls > COLD

    def take(self, timed: Timed) -> None:
        """Takes the answer of a measured call."""
        before = self._ended.get(timed.thread)
        self._ended[timed.thread] = timed.ended_s
        if before is not None and 0 <= timed.begun_s - before < _MOST_GAP_S:
            self._gaps.append(timed.begun_s - before)
        self._answered += 1
        self._close_if_full()

    def lose(self) -> None:
        """Takes note that a measured call has no answer: it raised, or was cancelled."""
        self._lost += 1
        self._close_if_full()

    def _open(self, now: float) -> None:
        self._left, self._skip, self.measured_at = MEASURED - 1, self.skipped, now
        self._answered, self._lost, self.calls.spent_s = 0, 0, 0.0
        self._marks = self._look()
        self._ended.clear()
        self._gaps.clear()

    def _look(self) -> _Marks:
        return _Marks(self.served, self.lanes.spent_s, _read_feeders() if self.place is Place.PROCESS else 0.0)

    def _close_if_full(self) -> None:
        if self._answered + self._lost == MEASURED and self._answered >= LEAST_SAMPLES:
            self._close()

    def _close(self) -> None:
        then, now = self._marks, self._look()
        batches_s = (now.lanes_s - then.lanes_s + now.feeders_s - then.feeders_s) / max(1, now.calls - then.calls)
        here = batches_s + self.calls.spent_s / MEASURED
        there = sum(self._gaps) / len(self._gaps) if self._gaps else 0.0
        is_here = self.place is Place.THREAD and self.has_gil
        found = Cost(here + there) if is_here else Cost(here, there)
        before = self.cost or found
        self.cost = Cost(*(old + (new - old) * NEW for old, new in zip(before, found, strict=True)))


class Steps(Generic[T]):
    """Awaits a coroutine, and adds the CPU time of its steps to a clock."""

    __slots__ = ("_clock", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], clock: Clock) -> None:
        self._coroutine = coroutine
        self._clock = clock

    def __await__(self) -> Generator[Any, Any, T]:
        coroutine, raised = self._coroutine, None
        while True:
            begun = thread_time()
            try:
                waits_for = coroutine.send(None) if raised is None else coroutine.throw(raised)
            except StopIteration as ended:
                answer: T = ended.value
                return answer
            finally:
                self._clock.spent_s += thread_time() - begun
                raised = None  # else: the error, its traceback and this frame form a cycle
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation, say, which the coroutine is to see
                raised = error


class MeteredWorker(Worker):
    """A worker whose share of the loop is measured."""

    __slots__ = ("clock",)

    clock: Clock

    async def _lane(self, is_ahead: bool) -> None:
        await Steps(Worker._lane(self, is_ahead), self.clock)


def _read_feeders() -> float:
    """Returns the CPU time of the threads that feed processes; 0 where the system does not tell (Linux does)."""
    spent = 0
    for thread in threading.enumerate():
        if type(thread).__name__ in _OF_POOLS or thread.name in _OF_POOLS:
            spent += _read_schedule(thread.native_id)[0]
    return spent / 1e9


def _read_schedule(thread: int | None) -> tuple[int, int]:
    """Returns how long a thread was on a core, and how long it waited for one, in nanoseconds. 0: it is not known."""
    try:
        ran, waited = Path(f"/proc/self/task/{thread}/schedstat").read_bytes().split()[:2]
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)
