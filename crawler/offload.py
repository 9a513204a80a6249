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
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeVar

import anyio
from anyio import create_task_group, to_thread

from .breath import breathing
from .errors import CrawlError, OffloadError
from .model import Reason

T = TypeVar("T")
log = logging.getLogger(__name__)

BATCH_BYTES = 8 << 20
"""A hand-over holds no more than this, so that a crash or a slow page delays few others."""
PRELOAD = ["crawler.parse"]
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
            tasks.start_soon(pool.serve)
        try:
            yield pool
        finally:
            tasks.cancel_scope.cancel()


def _cores() -> int:
    """Those this process may use, where the platform tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Inline:
    """Runs everything on the loop: for tests, tiny crawls and platforms without processes."""

    waiting = 0

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        return work(*args)


@dataclass(slots=True, eq=False)
class _Call:
    work: Callable[..., Any]
    args: tuple[object, ...]
    size: int
    answer: asyncio.Future[Any]


@dataclass(slots=True)
class Pool:
    """Implements `protocols.Offloader` over worker processes (or threads)."""

    workers: Workers
    count: int
    _calls: asyncio.Queue[_Call] = field(default_factory=asyncio.Queue, init=False)

    @property
    def waiting(self) -> int:
        """Calls that no worker has taken yet."""
        return self._calls.qsize()

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        if 0 < size < self.workers.inline_below_bytes:
            return work(*args)
        call = _Call(work, args, size, asyncio.get_running_loop().create_future())
        self._calls.put_nowait(call)
        with breathing():
            answer: T = await call.answer
        return answer

    async def serve(self) -> None:
        """One worker's life: take what has collected, run it, answer; replaced when it dies."""
        worker = _Worker(self.workers)
        try:
            await worker.renew()
            while True:
                await self._run(worker, await self._take())
        finally:
            with anyio.CancelScope(shield=True):
                await worker.end()

    async def _take(self) -> list[_Call]:
        """A fair share of what has collected: what one worker took, no other can take from it."""
        first = await self._calls.get()
        share = min(self.workers.batch, 1 + self._calls.qsize() // self.count)
        batch, size = [first], first.size
        while len(batch) < share and size < BATCH_BYTES and not self._calls.empty():
            call = self._calls.get_nowait()
            batch.append(call)
            size += call.size
        return [call for call in batch if not call.answer.done()]

    async def _run(self, worker: _Worker, batch: list[_Call]) -> None:
        """Answer every call. When the worker dies, each is tried again alone, and the guilty one stands out."""
        try:
            answers = await worker.run([(call.work, call.args) for call in batch])
        except BrokenExecutor:
            reason = await worker.renew_after_death()
            if len(batch) == 1:
                _answer(batch[0], OffloadError(reason, self._what_happened(reason)))
            else:
                for call in batch:
                    await self._run(worker, [call])
        except asyncio.CancelledError:
            for call in batch:
                call.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  what cannot be pickled is the caller's bug, and his to hear of
            for call in batch:
                _answer(call, error)
        else:
            for call, answer in zip(batch, answers, strict=True):
                _answer(call, answer)


    def _what_happened(self, reason: Reason) -> str:
        if reason is Reason.PARSE_TIMEOUT:
            return f"more than {self.workers.page_cpu_s:g} CPU seconds"
        return "the worker process died of this page"


def _answer(call: _Call, answer: object) -> None:
    if call.answer.done():  # the caller was cancelled meanwhile
        return
    if isinstance(answer, BaseException):
        call.answer.set_exception(answer)
    else:
        call.answer.set_result(answer)


@dataclass(slots=True, eq=False)
class _Worker:
    """One executor with one worker in it, and the process behind it."""

    workers: Workers
    _executor: Executor | None = field(default=None, init=False)
    _process: BaseProcess | None = field(default=None, init=False)
    _has_worked: bool = field(default=False, init=False)
    _is_busy: bool = field(default=False, init=False)

    async def run(self, batch: Sequence[tuple[Callable[..., Any], tuple[object, ...]]]) -> list[object]:
        loop = asyncio.get_running_loop()
        self._is_busy = True
        answers = await loop.run_in_executor(self._executor, _run_batch, batch, self._cpu_s)
        self._is_busy = False
        self._has_worked = True
        return answers

    @property
    def _cpu_s(self) -> float | None:
        return self.workers.page_cpu_s if self.workers.executor == "process" else None

    async def renew(self) -> None:
        # In a thread: the fork server imports its preloads before it answers.
        with breathing():
            await to_thread.run_sync(self._start)

    async def renew_after_death(self) -> Reason:
        """A new worker in place of the dead one; what the old one died of."""
        if not self._has_worked:
            raise CrawlError(
                "worker processes cannot start: a script that crawls needs `if __name__ == '__main__':` around its "
                "entry point (or set offload.executor = 'thread')"
            )
        code = await to_thread.run_sync(self._stop)
        log.warning("a worker process died (exit code %s) and was replaced", code)
        await self.renew()
        return Reason.PARSE_TIMEOUT if code == -signal.SIGXCPU else Reason.PARSE_CRASH

    async def end(self) -> None:
        if self._executor is not None:
            await to_thread.run_sync(self._stop)

    def _start(self) -> None:
        if self.workers.executor == "thread":
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="crawl-worker")
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        executor = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
        executor.submit(os.getpid)  # starts the process now rather than with the first page
        self._executor = executor
        self._process = next(iter((getattr(executor, "_processes", None) or {}).values()), None)
        self._is_busy = False

    def _stop(self) -> int | None:
        """Shut the executor down; a worker that is busy with a page nobody waits for is killed."""
        assert self._executor is not None
        if self._is_busy and self._process is not None:
            self._process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._process is None:
            return None
        self._process.join(1)
        return self._process.exitcode


def _begin() -> None:
    """In a new worker: leave Ctrl-C to the parent, die with it, dump no core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
