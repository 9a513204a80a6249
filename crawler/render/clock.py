"""Bounds the time of one page. The clock stands still while a request of the page waits for the turn of its site."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..runtime.clock import monotonic

MOST_TIMES = 20.0
"""The longest that a page may take with all its waits, as a multiple of its own time."""


class Clock:
    """The time that one page has left."""

    def __init__(self, limit_s: float) -> None:
        self._spent = 0.0
        self._since = monotonic()
        self._limit_s = limit_s
        self._until = self._since + MOST_TIMES * limit_s
        self._pauses = 0

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        now = monotonic()
        running = 0.0 if self._pauses else now - self._since
        return min(self._limit_s - self._spent - running, self._until - now)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Stops the clock within the block."""
        if not self._pauses:
            self._spent += monotonic() - self._since
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if not self._pauses:
                self._since = monotonic()

    async def wait(self, event: asyncio.Event, most_s: float | None = None) -> bool:
        """Waits for the event. False: the time of the page is over before it, or `most_s` of its time have passed."""
        end_s = 0.0 if most_s is None else max(0.0, self.left_s - most_s)
        while not event.is_set() and (left_s := self.left_s - end_s) > 0:
            try:
                async with asyncio.timeout(min(max(left_s, 0.02), 1.0) if self._pauses else left_s):
                    await event.wait()
            except TimeoutError:
                continue
        return event.is_set()
