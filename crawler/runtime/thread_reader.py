"""Reads an ordinary iterable in a thread and brings its items to the loop in batches, as soon as they are there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable
from typing import Generic, TypeVar

from .clock import holding
from .gil import yield_gil

T = TypeVar("T")

ROOM = 500
"""Most items read ahead, and so the largest batch."""


async def read_batches(items: Iterable[T], room: int = ROOM) -> AsyncGenerator[list[T], None]:
    """Yields the items in order, in batches. Raises the iterable's error, after the items before it.

    The thread reads no further than `room` items ahead. A thread that is blocked, on a terminal or a pipe, stops
    neither the loop nor the end of the process.
    """
    intake: _Intake[T] = _Intake(room)
    thread = threading.Thread(target=intake.read, args=(items,), name="crawld intake", daemon=True)
    thread.start()
    try:
        with yield_gil():
            while True:
                batch, is_over = await intake.take()
                if batch:
                    yield batch
                if is_over:
                    break
    finally:
        intake.close()
    if intake.error is not None:
        raise intake.error


class _Intake(Generic[T]):
    """The state that the thread and the loop share; `_changed` guards all of it."""

    def __init__(self, room: int) -> None:
        self.error: BaseException | None = None
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._changed = threading.Condition()
        self._batch: list[T] = []
        self._is_over = False
        self._is_closed = False

    # -- in the thread --

    def read(self, items: Iterable[T]) -> None:
        try:
            for item in items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - any error belongs to the reader of the batches
            self.error = error
        with self._changed:
            self._is_over = True
            self._wake()

    def _put(self, item: T) -> bool:
        with self._changed:
            while len(self._batch) >= self._room and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return False
            self._batch.append(item)
            if len(self._batch) == 1:
                self._wake()
            return True

    def _wake(self) -> None:
        if not self._is_closed:  # else the loop may be gone
            self._loop.call_soon_threadsafe(self._arrived.set)

    # -- in the loop --

    async def take(self) -> tuple[list[T], bool]:
        """Returns the items that came since the last call, rarely none, and whether these were the last."""
        with holding():
            await self._arrived.wait()
        with self._changed:
            self._arrived.clear()
            batch, self._batch = self._batch, []
            self._changed.notify()
            return batch, self._is_over

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
