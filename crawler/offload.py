"""CPU work leaves the event loop here: a pool of worker processes that outlives its workers.

One executor of one worker each, because a dead worker breaks its whole `ProcessPoolExecutor`. An idle worker gets
work at once; while all are busy, calls collect and go over together, which makes a hand-over five times cheaper.
"""

from __future__ import annotations

import asyncio
import logging
import math
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeVar

import anyio
from anyio import create_task_group, to_thread

from .breath import breathing
from .errors import CrawlError, OffloadError
from .lanes import Lanes
from .model import Reason
from .shelter import sheltered

T = TypeVar("T")
log = logging.getLogger(__name__)

BATCH_BYTES = 8 << 20
"""A hand-over holds no more than this, so that a crash or a slow page delays few others."""
PRELOAD = ["crawler.parse", "crawler.shelter"]
"""Imported once by the fork server, so that a new worker stands in about 0.03 s."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How CPU work is done. `count` 0: one worker for each core this process may use."""

    executor: Literal["process", "thread", "inline"] = "process"
    count: int = 0
    inline_below_bytes: int = 2048
    batch: int = 16
    page_cpu_s: float = 10.0


@asynccontextmanager
async def open_offloader(workers: Workers = Workers()) -> AsyncIterator[Pool | Inline]:
    """The offloader of one or many crawls; its workers are started at once and gone on exit."""
    if workers.executor == "inline":
        yield Inline()
        return
    async with create_task_group() as tasks:
        pool = Pool(workers, workers.count or _cores())
        for _ in range(pool.count):
            tasks.start_soon(_Worker(pool, workers).serve)
        try:
            yield pool
        finally:
            tasks.cancel_scope.cancel()
            pool.close()


def _cores() -> int:
    """Those this process may use, where the platform tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Inline:
    """Runs everything on the loop: for tests, tiny crawls and platforms without processes."""

    waiting = 0

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return work(*args)

    def lane(self) -> Inline:
        return self


@dataclass(slots=True, eq=False)
class _Call:
    lane: object
    work: Callable[..., Any]
    args: tuple[object, ...]
    size: int
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
    _calls: Lanes[_Call] = field(default_factory=Lanes, init=False)
    _crowded: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def _is_crowded(self) -> bool:
        return self._calls.qsize() >= self.workers.batch // 2 * self.count

    @property
    def waiting(self) -> int:
        """Calls that no worker has taken yet."""
        return self._calls.qsize()

    def lane(self) -> Lane:
        """For one of several crawls: their calls are taken in turn."""
        return Lane(self)

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return await self.run_in(None, work, *args, size=size)

    async def run_in(self, lane: Lane | None, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        if 0 < size < self.workers.inline_below_bytes:
            return work(*args)
        call = _Call(lane, work, args, size, asyncio.get_running_loop().create_future())
        self._calls.put_nowait(call)
        if self._is_crowded:
            self._crowded.set()
        with breathing():
            answer: T = await call.answer
        return answer

    def waiting_in(self, lane: Lane) -> int:
        return self._calls.size(lane)

    async def take(self, *, ahead: bool = False) -> list[_Call]:
        """A fair share of what has collected: what one worker took, no other can take from it.

        `ahead`, for a worker that is busy: only once so much has collected that no idle worker can be left.
        """
        while ahead and not self._is_crowded:
            self._crowded.clear()
            await self._crowded.wait()
        first = await self._calls.get()
        share = min(self.workers.batch, 1 + self._calls.qsize() // self.count)
        batch, size = [first], first.size
        while len(batch) < share and size < BATCH_BYTES and not self._calls.empty():
            call = self._calls.get_nowait()
            batch.append(call)
            size += call.size
        return [call for call in batch if not call.answer.done()]

    def close(self) -> None:
        """Whoever still waits for a worker waits in vain."""
        while not self._calls.empty():
            self._calls.get_nowait().answer.cancel()


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One crawl's access to a pool it shares."""

    pool: Pool

    @property
    def waiting(self) -> int:
        """Its calls that no worker has taken yet."""
        return self.pool.waiting_in(self)

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return await self.pool.run_in(self, work, *args, size=size)


@dataclass(slots=True, eq=False)
class _Worker:
    """One executor with one worker process in it, fed by two lanes so that the next batch lies there already."""

    pool: Pool
    workers: Workers
    _executor: Executor | None = field(default=None, init=False)
    _process: BaseProcess | None = field(default=None, init=False)
    _is_broken: bool = field(default=False, init=False)
    _running: int = field(default=0, init=False)
    _trials: int = field(default=0, init=False)
    _trial: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Guards `_executor` while suspects are tried: one at a time and nothing beside them."""
    _calm: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def serve(self) -> None:
        """One worker's life, from its start to the end of the pool."""
        self._calm.set()
        try:
            await self._in_thread(self._start)
            async with create_task_group() as lanes:
                lanes.start_soon(self._lane, False)
                lanes.start_soon(self._lane, True)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._stop)

    async def _lane(self, is_ahead: bool) -> None:
        while True:
            batch = await self.pool.take(ahead=is_ahead)
            try:
                await self._calm.wait()
                await self._serve(batch)
            finally:
                for call in batch:
                    call.answer.cancel()  # without effect on those that were answered

    async def _serve(self, batch: list[_Call]) -> None:
        try:
            await self._run(batch)
        except BrokenExecutor:
            self._calm.clear()
            self._trials += 1
            async with self._trial:
                await self._try_one_by_one(batch)
            self._trials -= 1
            if not self._trials:
                self._calm.set()

    async def _run(self, batch: list[_Call]) -> None:
        """Answer every call. Raises BrokenExecutor when the worker died meanwhile."""
        loop = asyncio.get_running_loop()
        tasks = [(call.work, call.args) for call in batch]
        answers: Sequence[object]
        self._running += 1
        try:
            answers = await loop.run_in_executor(self._executor, _run_batch, tasks, self._cpu_s)
        except BrokenExecutor:
            self._is_broken = True
            raise
        except Exception as error:  # noqa: BLE001  what cannot be pickled is the caller's bug, and his to hear of
            answers = [error] * len(batch)
        finally:
            # A batch that was cancelled still runs in the worker: it counts until `_stop` has ended it.
            self._running -= not asyncio.current_task().cancelling()  # type: ignore[union-attr]
        for call, answer in zip(batch, answers, strict=True):
            call.end(answer)

    async def _try_one_by_one(self, suspects: list[_Call]) -> None:
        """The worker died, of one of these or of nobody's fault: each is tried alone, and the guilty one stands out."""
        if self._is_broken:
            await self._renew()
        for call in suspects:
            try:
                await self._run([call])
            except BrokenExecutor:
                call.end(await self._renew())

    @property
    def _cpu_s(self) -> float | None:
        return self.workers.page_cpu_s if self.workers.executor == "process" else None

    # -- the process -------------------------------------------------------------------------------------------------

    async def _renew(self) -> OffloadError:
        """A new worker in place of the dead one; what the old one died of."""
        code = await self._in_thread(self._stop)
        log.warning("a worker process died (exit code %s) and is replaced", code)
        await self._in_thread(self._start)
        if code == -signal.SIGXCPU:
            return OffloadError(Reason.PARSE_TIMEOUT, f"more than {self.workers.page_cpu_s:g} CPU seconds")
        return OffloadError(Reason.PARSE_CRASH, "the worker process died of this page")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # Starting takes a third of a second where the fork server has to import its preloads first.
        with breathing():
            return await to_thread.run_sync(work)

    def _start(self) -> None:
        self._is_broken, self._running = False, 0
        if self.workers.executor == "thread":
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="crawl-worker")
            return
        start_fork_server()
        context = multiprocessing.get_context("forkserver")
        self._executor = executor = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
        started = executor.submit(os.getpid)
        self._process = next(iter((getattr(executor, "_processes", None) or {}).values()), None)
        try:
            started.result()
        except BrokenExecutor as error:
            raise CrawlError(
                "worker processes cannot start: a script that crawls needs `if __name__ == '__main__':` around its "
                "entry point (or set offload.executor = 'thread')"
            ) from error

    def _stop(self) -> int | None:
        """Shut the executor down; a worker that is busy with a page nobody waits for is killed."""
        if self._executor is None:
            return None
        if self._running and self._process is not None:
            self._process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._process is None:
            return None
        self._process.join(1)
        return self._process.exitcode


def start_fork_server() -> None:
    """Start what worker processes descend from, unless it runs already: it imports what they need.

    A terminal sends Ctrl-C, and its own end, to every process it holds. They are for the main process alone, so the
    others are born deaf to them; until they could ignore them by themselves they would be killed.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    resource_tracker.ensure_running()  # first, for it changes the mask as well
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        with sheltered():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin() -> None:
    """In a new worker: leave Ctrl-C to the parent, die with it, dump no core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the fork server may have been started by others, who hear it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A worker of a killed parent would wait for work for ever: it holds both ends of its own pipe."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _run_batch(batch: Sequence[tuple[Callable[..., Any], tuple[object, ...]]], cpu_s: float | None) -> list[object]:
    """In the worker: what each call returned or raised."""
    return [_run_one(work, args, cpu_s) for work, args in batch]


def _run_one(work: Callable[..., Any], args: tuple[object, ...], cpu_s: float | None) -> object:
    if cpu_s is not None:
        _allow_cpu(cpu_s)
    try:
        return work(*args)
    except Exception as error:  # noqa: BLE001  it is raised again where the call was made
        return error


def _allow_cpu(seconds: float) -> None:
    """Move the kernel's CPU deadline forward: only a signal stops C code that never returns."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + seconds), hard))
