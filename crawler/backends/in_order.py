"""Does work on a server one piece after the other, in the order in which it was given."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from asyncio import Future, Task
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from anyio import CancelScope

T = TypeVar("T")
Work = Callable[[Any], Awaitable[T]]
"""Takes a connection or a client, as the server's library has it."""


class InOrder(ABC):
    """A line of work."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Work[Any], Future[Any]]] = deque()
        self._worker: Task[None] | None = None

    @abstractmethod
    async def _insist(self, work: Work[T]) -> T:
        """Does the work, again and again while the server is away."""

    async def work(self, work: Work[T]) -> T:
        """Does the work, again and again while the server is away. Raises FrontierError, StorageFull."""
        return await asyncio.shield(self.submit(work))

    def submit(self, work: Work[T]) -> Future[T]:
        """Does the work after all that was submitted before. See `work`."""
        done: Future[T] = asyncio.get_running_loop().create_future()
        done.add_done_callback(mark_seen)
        self._waiting.append((work, done))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.ensure_future(self._work_off())
        return done

    async def _work_off(self) -> None:
        while self._waiting:
            work, done = self._waiting.popleft()
            if done.cancelled():
                continue
            try:
                answer = await self._insist(work)
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked
                if not done.done():
                    done.set_exception(error)
            except BaseException:
                done.cancel()
                raise
            else:
                if not done.done():
                    done.set_result(answer)

    async def _finish_work(self, most_s: float) -> None:
        """Waits for the work under way, but not for a server that is away."""
        if self._worker is not None and not self._worker.done():
            with CancelScope(shield=True):
                await asyncio.wait([self._worker], timeout=most_s)
            self._worker.cancel()
            await asyncio.wait([self._worker])


def mark_seen(done: Future[T]) -> None:
    """Marks a failure as seen, even if nobody waits: those who wait for the answer get it all the same."""
    if not done.cancelled():
        done.exception()
