"""Limits the time of an exchange, without the time for which we ourselves let it wait."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol

LEAST_S = 0.05
"""Least time between two looks at an exchange whose time is over while a throttle holds it."""
GRAIN_S = 0.005
"""Less held time than this gives no more time."""


class Held(Protocol):
    """A connection that throttles may hold."""

    @property
    def held_s(self) -> float: ...

    @property
    def is_held(self) -> bool: ...


class Deadline:
    """Raises TimeoutError in the block after `timeout_s`, as `asyncio.timeout` does. One timer, as there.

    Time for which throttles hold the `wire` counts on top; time between `stop` and `start` does, too.
    """

    __slots__ = ("_block", "_credited_s", "_ends", "_loop", "_timer", "_wire", "waited_s")

    def __init__(self, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._block = asyncio.timeout(None)
        self._ends = self._loop.time() + timeout_s
        self._timer: asyncio.TimerHandle | None = None
        self._wire: Held | None = None
        self._credited_s = 0.0
        self.waited_s: float = 0.0
        """Seconds between `stop` and `start` so far."""

    async def __aenter__(self) -> Deadline:
        await self._block.__aenter__()
        self._timer = self._loop.call_at(self._ends, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._block.__aexit__(kind, error, trace)

    def watch(self, wire: Held) -> None:
        """Counts the time for which this wire is held from now on."""
        self._wire, self._credited_s = wire, 0.0

    def stop(self) -> float:
        """Stops the clock; returns the time, for `start`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._loop.time()

    def start(self, since: float) -> None:
        """Starts the clock again that was stopped at `since`."""
        waited_s = self._loop.time() - since
        self.waited_s += waited_s
        self._ends += waited_s
        self._timer = self._loop.call_at(self._ends, self._look)

    def _look(self) -> None:
        """Ends the block, unless its wire was held in the meantime: then it gets as much time on top."""
        wire = self._wire
        late_s = 0.0 if wire is None else wire.held_s - self._credited_s  # a wire without heads to read counts as false
        if wire is not None and (late_s > GRAIN_S or wire.is_held):
            self._credited_s += late_s
            self._ends = self._loop.time() + max(late_s, LEAST_S)
            self._timer = self._loop.call_at(self._ends, self._look)
        else:
            self._timer = None
            self._block.reschedule(self._loop.time())
