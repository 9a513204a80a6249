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


class Deadlines:
    """The deadlines of all exchanges of a fetcher. They last equally long, so one timer does for all of them."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s: float = timeout_s
        self._open: dict[Deadline, None] = {}
        """Those that end in the order in which they began."""
        self._timer: asyncio.TimerHandle | None = None
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()

    def add(self, deadline: Deadline) -> None:
        """Calls `look` of a deadline that begins now, at its end."""
        self._open[deadline] = None
        if self._timer is None:
            self._timer = self.loop.call_at(deadline.ends, self._look, self.loop)

    def remove(self, deadline: Deadline) -> None:
        """Calls it no more. The timer stays: it does for the next ones."""
        self._open.pop(deadline, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, now = None, loop.time()
        while self._open:
            oldest = next(iter(self._open))
            if oldest.ends > now:
                self._timer = loop.call_at(oldest.ends, self._look, loop)
                return
            del self._open[oldest]
            oldest.look()


class Deadline:
    """Raises TimeoutError in the block after the time of its `deadlines`, as `asyncio.timeout` does.

    Time for which throttles hold the `wire` counts on top; time between `stop` and `start` does, too.
    """

    __slots__ = (
        "_cancelling", "_credited_s", "_deadlines", "_is_over", "_loop", "_task", "_timer", "_wire", "ends", "waited_s",
    )  # fmt: skip

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._loop = loop = deadlines.loop
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_over = False
        self.ends: float = loop.time() + deadlines.timeout_s
        """When it ends, by the clock of the loop."""
        self._timer: asyncio.TimerHandle | None = None
        """A timer of its own, once it ends later than those that began with it."""
        self._wire: Held | None = None
        self._credited_s = 0.0
        self.waited_s: float = 0.0
        """Seconds between `stop` and `start` so far."""

    def __enter__(self) -> Deadline:
        self._task = asyncio.current_task(self._loop)
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._deadlines.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task, self._task = self._task, None
        is_ours = self._is_over and task is not None and task.uncancel() <= self._cancelling
        if is_ours and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def watch(self, wire: Held) -> None:
        """Counts the time for which this wire is held from now on."""
        self._wire, self._credited_s = wire, 0.0

    def stop(self) -> float:
        """Stops the clock; returns the time, for `start`."""
        self._let_be()
        return self._loop.time()

    def start(self, since: float) -> None:
        """Starts the clock again that was stopped at `since`."""
        waited_s = self._loop.time() - since
        self.waited_s += waited_s
        self.ends += waited_s
        self._timer = self._loop.call_at(self.ends, self.look)

    def look(self) -> None:
        """Ends the block, unless its wire was held in the meantime: then it gets as much time on top."""
        wire = self._wire
        late_s = 0.0 if wire is None else wire.held_s - self._credited_s  # a wire without heads to read counts as false
        if wire is not None and (late_s > GRAIN_S or wire.is_held):
            self._credited_s += late_s
            self.ends = self._loop.time() + max(late_s, LEAST_S)
            self._timer = self._loop.call_at(self.ends, self.look)
        elif self._task is not None:
            self._timer, self._is_over = None, True
            self._task.cancel()

    def _let_be(self) -> None:
        self._deadlines.remove(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
