"""Queues the calls that wait for workers, and shares them and the memory out.

An idle worker gets work at once. While all workers are busy, calls collect and are sent together, which makes sending
five times cheaper. Each call may use a little memory, and one call at a time may use much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import field
from functools import lru_cache
from typing import Any, Literal, TypeVar

from ..dataclass import dataclass
from ..errors import OffloadError, WorkersGone
from ..model import Reason
from ..protocols import WorkerState
from .fair_queue import Lanes
from .in_worker import Allowance, run_one

T = TypeVar("T")

BATCH_BYTES = 2 << 20
"""A batch holds no more than this, so that a crash or a slow page delays few others, and copies stay small."""
SHARE = 4
"""Calls that run beside others may use `page_memory_bytes / SHARE` each. One call at a time may use all of it."""
SIZE_FACTOR = 10
"""Memory needed to read an ordinary HTML page, divided by its size. Measured on pages of 1 to 16 MB."""


PATIENCE_S = 0.5
"""A further worker starts when calls have waited for so long without a moment in which a worker had nothing to do."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Settings for CPU work. With `count` 0 there is one worker for each core that this process may use."""

    executor: Literal["process", "thread", "inline", "auto"]
    count: int
    inline_below_bytes: int
    batch: int
    page_cpu_s: float
    page_memory_bytes: int

    @property
    def small_bytes(self) -> int:
        """Returns the memory that a call may use while others run too."""
        return self.page_memory_bytes // SHARE


class Inline:
    """Runs all work on the loop, for tests, tiny crawls and platforms without processes."""

    waiting = 0

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return _run_on_loop(work, args)

    def lane(self) -> Inline:
        """Returns itself: no call ever waits."""
        return self


@dataclass(slots=True, eq=False)
class Call:
    """One piece of work, and the future that waits for its answer."""

    lane: object
    work: Callable[..., Any]
    args: tuple[object, ...]
    size: int
    allowance: Allowance | None
    answer: asyncio.Future[Any]

    def end(self, answer: object) -> None:
        if self.answer.done():  # the caller was cancelled meanwhile
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


@dataclass(slots=True)
class Pool:
    """Implements `protocols.Offloader` over worker processes (or threads)."""

    workers: Workers
    count: int
    members: list[WorkerState] = field(default_factory=list)
    """Its workers."""
    patience_s: float = PATIENCE_S
    _calls: Lanes[Call] = field(default_factory=Lanes, init=False)
    _crowded: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _much: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Held by the one call that may use much memory."""
    _is_closed: bool = field(default=False, init=False)
    _short: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when calls wait that no worker is free for."""
    _free: int = field(default=0, init=False)
    """Workers that wait for a call, or that start."""
    _begun: int = field(default=0, init=False)
    _idle_at: float = field(default=0.0, init=False)
    """The loop's time when a worker last had nothing to do."""

    @property
    def _is_crowded(self) -> bool:
        return self._calls.qsize() >= self.workers.batch // 2 * self.count

    @property
    def waiting(self) -> int:
        """Returns the number of calls that no worker has taken yet."""
        return self._calls.qsize()

    async def wait_until_needed(self) -> None:
        """Waits until there is work for one more worker, which then begins to start. The first is needed at once.

        A further one is worth its memory where the others never rest: two workers that share what one could do read
        every link twice, once each.
        """
        while self._begun and (patience_s := self._patience_s()):
            if self._calls.empty():
                self._short.clear()
                await self._short.wait()
            await asyncio.sleep(patience_s)
        self._begun += 1
        self._free += 1
        self._note_idle()

    def note_started(self) -> None:
        """Says that a worker has started, and takes calls from now on."""
        self._free -= 1
        self._note_idle()

    def _patience_s(self) -> float:
        """Returns how long to wait before the next look whether a worker is needed; 0: one is."""
        if self._calls.qsize() <= self._free * self.workers.batch:
            return self.patience_s
        return max(0.0, self._idle_at + self.patience_s - asyncio.get_running_loop().time())

    def _note_idle(self) -> None:
        self._idle_at = asyncio.get_running_loop().time()

    def lane(self) -> Lane:
        """Returns a lane for one of several crawls. Workers take calls from the lanes in turn."""
        return Lane(self)

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return await self.run_in(None, work, *args, size=size)

    async def run_in(self, lane: Lane | None, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        if 0 < size < self.workers.inline_below_bytes:
            return _run_on_loop(work, args)
        little, much = self.workers.small_bytes, self.workers.page_memory_bytes
        if size * SIZE_FACTOR <= little:
            try:
                return await self._answer(self._make_call(lane, work, args, size, little))  # type: ignore[no-any-return]
            except MemoryError:
                pass  # tried again below with more memory, while no other call has much
        async with self._much:
            try:
                return await self._answer(self._make_call(lane, work, args, size, much))  # type: ignore[no-any-return]
            except MemoryError:
                raise OffloadError(Reason.PARSE, f"reading it takes more than {much >> 20} MiB of memory") from None

    def _make_call(
        self, lane: Lane | None, work: Callable[..., Any], args: tuple[object, ...], size: int, memory_bytes: int
    ) -> Call:
        is_bounded = self.workers.executor == "process"
        allowance = _allow(self.workers.page_cpu_s, memory_bytes) if is_bounded else None
        return Call(lane, work, args, size, allowance, asyncio.get_running_loop().create_future())

    async def _answer(self, call: Call) -> Any:
        """Returns a worker's answer. Raises MemoryError if the call needs more than it may use, or WorkersGone."""
        if self._is_closed:
            raise WorkersGone
        self._calls.put_nowait(call)
        if self._is_crowded:
            self._crowded.set()
        if self._calls.qsize() > self._free:
            self._short.set()
        try:
            return await call.answer
        finally:
            del call  # else: call, its error, the traceback and this frame form a cycle that keeps the body in memory

    def waiting_in(self, lane: Lane) -> int:
        return self._calls.size(lane)

    async def take(self, *, ahead: bool = False) -> list[Call]:
        """Waits for calls, and returns a fair share of them: calls that one worker took are lost to idle ones.

        With `ahead`, for a worker that is busy, it waits until there are so many calls that no worker can be idle.
        """
        while ahead and not self._is_crowded:
            self._crowded.clear()
            await self._crowded.wait()
        self._free += not ahead
        is_idle = self._calls.empty()
        try:
            first = await self._calls.get()
        finally:
            self._free -= not ahead
        if is_idle:
            self._note_idle()
        share = min(self.workers.batch, 1 + self._calls.qsize() // self.count)
        batch, size = [first], first.size
        while len(batch) < share and size < BATCH_BYTES and not self._calls.empty():
            call = self._calls.get_nowait()
            batch.append(call)
            size += call.size
        return [call for call in batch if not call.answer.done()]

    def close(self) -> None:
        """Ends all waiting calls with WorkersGone, and refuses later ones."""
        self._is_closed = True
        while not self._calls.empty():
            self._calls.get_nowait().end(WorkersGone())


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One crawl's access to a shared pool."""

    pool: Pool

    @property
    def waiting(self) -> int:
        """Returns the number of calls of this lane that no worker has taken yet."""
        return self.pool.waiting_in(self)

    def lane(self) -> Lane:
        """Returns another lane of the same pool."""
        return self.pool.lane()

    def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> Coroutine[Any, Any, T]:
        return self.pool.run_in(self, work, *args, size=size)


_allow = lru_cache(16)(Allowance)
"""Makes an allowance. Calls that share one are pickled with one."""


def _run_on_loop(work: Callable[..., T], args: tuple[object, ...]) -> T:
    """Does small work at once. Errors of any kind come as an Exception, except Ctrl-C."""
    answer = run_one(work, args)
    if isinstance(answer, MemoryError):
        raise OffloadError(Reason.PARSE, "reading it takes more memory than there is")
    if isinstance(answer, BaseException):
        raise answer
    return answer  # type: ignore[return-value]
