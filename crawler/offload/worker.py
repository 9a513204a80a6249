"""Runs one worker process for the pool: sends it batches from two lanes, and replaces it when it dies.

Each executor has one worker only, because a dead worker breaks its whole `ProcessPoolExecutor`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import field
from functools import partial
from multiprocessing.process import BaseProcess
from threading import Timer
from typing import Any, TypeVar

import anyio
from anyio import create_task_group, to_thread

from ..dataclass import dataclass
from ..errors import CrawlError, OffloadError, WorkersGone
from ..model import Reason
from ..runtime.foreign_errors import describe
from ..runtime.gil import yield_gil
from . import in_worker, process
from .pool import Call, Pool, Workers
from .shared_bytes import SharedBytes, make_shared_bytes

T = TypeVar("T")
log = logging.getLogger(__name__)

STARTS = 4
"""Attempts to start a worker before the crawl gives up. The fork server may die too, and is replaced then."""
PAUSE_S = 0.1
"""Pause before the second attempt. It doubles before each further one."""
_TRIALS = 2
_STOP_S = 5.0
"""A worker that does not end within this time is killed. Perhaps somebody stopped it."""
_WALL_S = 30.0
_WALL_FACTOR = 4
"""A worker that gives no answer within _WALL_S plus _WALL_FACTOR times the CPU time of its pages was stopped or hangs,
and is killed. These are generous, because on a busy machine one CPU second takes many seconds."""


@dataclass(slots=True, eq=False)
class Worker:
    """One executor with one worker process. It has two lanes, so that the next batch is ready when one is done."""

    pool: Pool
    workers: Workers
    _shared: SharedBytes | None = field(default=None, init=False)
    """Carries the bodies of its batches."""
    _executor: Executor | None = field(default=None, init=False)
    _process: BaseProcess | None = field(default=None, init=False)
    _is_broken: bool = field(default=False, init=False)
    _was_killed: bool = field(default=False, init=False)
    _running: int = field(default=0, init=False)
    _trials: int = field(default=0, init=False)
    _trial: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    """Held while the calls of a failed batch are tried: one at a time, with nothing else in the worker."""
    _calm: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def is_busy(self) -> bool:
        """Whether it works on a batch."""
        return self._running > 0

    @property
    def pid(self) -> int | None:
        """The id of its process. None: it is a thread, or does not run yet."""
        return self._process.pid if self._process else None

    async def serve(self) -> None:
        """Starts the worker when the pool needs it, and serves the pool until the pool ends."""
        self._calm.set()
        await self.pool.wait_until_needed()
        if self.workers.executor == "process":
            self._shared = make_shared_bytes()
        try:
            await self._start()
            self.pool.note_started()
            async with create_task_group() as lanes:
                lanes.start_soon(self._lane, False)
                lanes.start_soon(self._lane, True)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._stop)
            if self._shared:
                self._shared.close()

    async def _lane(self, is_ahead: bool) -> None:
        while True:
            batch = await self.pool.take(ahead=is_ahead)
            try:
                await self._calm.wait()
                await self._serve(batch, int(is_ahead))
            finally:
                for call in batch:
                    call.end(WorkersGone())  # no effect on calls that were answered
                batch.clear()  # else a waiting lane would keep the bodies of its last batch

    async def _serve(self, batch: list[Call], lane: int) -> None:
        try:
            await self._run(batch, lane)
        except BrokenExecutor:
            self._calm.clear()
            self._trials += 1
            async with self._trial:
                await self._try_one_by_one(batch, lane)
            self._trials -= 1
            if not self._trials:
                self._calm.set()

    async def _run(self, batch: list[Call], lane: int) -> None:
        """Answers every call. Raises BrokenExecutor if the worker died meanwhile."""
        loop = asyncio.get_running_loop()
        answers: Sequence[object]
        self._running += 1
        deadline = loop.call_later(self._wall_s(batch), self._kill)
        try:
            run, tasks = self._pack(batch, lane)
            with yield_gil():
                answers = await loop.run_in_executor(self._executor, run, tasks)
        except BrokenExecutor:
            self._is_broken = True
            raise
        except Exception as error:  # noqa: BLE001  a call that cannot be pickled is the caller's bug
            answers = [error] if len(batch) == 1 else []
        finally:
            deadline.cancel()
            # A batch that was cancelled still runs in the worker: it counts until `_stop` has ended it.
            self._running -= not asyncio.current_task().cancelling()  # type: ignore[union-attr]
        if not answers:
            for call in batch:
                await self._run([call], lane)
        for call, answer in zip(batch, answers, strict=False):
            call.end(answer)

    def _pack(self, batch: Sequence[Call], lane: int) -> tuple[Callable[..., Any], object]:
        """Returns the function that answers these calls, and its argument."""
        tasks = [in_worker.Task(call.work, call.args, call.allowance) for call in batch]
        if self._shared:
            return in_worker.run_parcel, self._shared.pack(tasks, lane)
        return in_worker.run_here if self.workers.executor == "thread" else in_worker.run_batch, tasks

    async def _try_one_by_one(self, suspects: list[Call], lane: int) -> None:
        """Tries each call alone after the worker died, to find out which of them ended it, if any."""
        if self._is_broken:
            await self._renew()
        for call in suspects:
            await self._try(call, lane)

    async def _try(self, call: Call, lane: int) -> None:
        """Runs the call alone, at most twice: a person, or a system without memory, may have killed the worker."""
        if call.answer.done():
            return None
        for _ in range(_TRIALS):
            try:
                return await self._run([call], lane)
            except BrokenExecutor:
                error = await self._renew()
                if error.reason is Reason.PARSE_TIMEOUT:
                    break
        call.end(error)

    def _wall_s(self, batch: Sequence[Call]) -> float:
        """Returns how long an answer may take. The batch that waits in the other lane may come before it."""
        return _WALL_S + _WALL_FACTOR * self.workers.page_cpu_s * (len(batch) + self.workers.batch)

    # -- the process -------------------------------------------------------------------------------------------------

    async def _renew(self) -> OffloadError:
        """Starts a new worker in place of the dead one, and returns the error that says why the old one died."""
        code, was_killed = await self._in_thread(self._stop), self._was_killed
        if code == in_worker.GROWN:
            log.info("a worker process that had grown large is replaced")
        else:
            log.warning("a worker process died (exit code %s) and is replaced", code)
        await self._start()
        if code == -signal.SIGXCPU:
            return OffloadError(Reason.PARSE_TIMEOUT, f"more than {self.workers.page_cpu_s:g} CPU seconds")
        if was_killed:
            return OffloadError(Reason.PARSE_TIMEOUT, "no answer from the worker process")
        return OffloadError(Reason.PARSE_CRASH, "the worker process died while it read this page")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # Starting takes a third of a second if the fork server has to import its modules first.
        with yield_gil():
            return await to_thread.run_sync(work)

    async def _start(self) -> None:
        """Starts the worker, with several attempts. Raises CrawlError if none succeeds."""
        if self.workers.executor == "thread":
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="crawl-worker")
            return
        for trial in range(STARTS):
            await anyio.sleep(PAUSE_S * (2**trial - 1))
            try:
                self._executor, self._process = await self._in_thread(partial(process.start_worker, self._shared))
            except (BrokenExecutor, OSError, EOFError) as error:
                reason = error
                if self._process is None and isinstance(error, BrokenExecutor):
                    break  # it never worked, so another attempt would not help
            else:
                self._is_broken, self._was_killed, self._running = False, False, 0
                return
        raise CrawlError(
            f"worker processes cannot start here ({describe(reason)}): set offload.executor = 'thread' to do without"
        ) from reason

    def _kill(self) -> None:
        """Kills the worker because it gave no answer in time."""
        if self._process is not None:
            self._was_killed = True
            process.kill(self._process)

    def _stop(self) -> int | None:
        """Shuts the executor down and returns the worker's exit code. Kills a worker that is still busy."""
        if self._executor is None:
            return None
        if self._process is not None and (self._running or self._is_broken):
            process.kill(self._process)  # a broken executor's worker may live: perhaps only the fork server died
        if self._process is None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            return None
        kills = ((_STOP_S, process.kill), (2 * _STOP_S, process.kill_alone))
        late = [Timer(after_s, kill, [self._process]) for after_s, kill in kills]
        for timer in late:
            timer.start()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for timer in late:
            timer.cancel()
            timer.join()
        self._process.join(1)
        return self._process.exitcode
