"""Measures how late the event loop does what is due, and how busy its thread is."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .clock import monotonic

STEP_S = 0.25
"""Seconds between two measurements."""
KEPT = 240
"""Measurements that are kept: those of a minute, so that no peak is missed by who looks once a minute."""
QUANTILES = (0.5, 0.9, 0.99, 1.0)


class Lateness:
    """The lateness of the running event loop: by default over the last minute."""

    def __init__(self, step_s: float = STEP_S, kept: int | None = KEPT) -> None:
        """It measures every `step_s` seconds, and keeps the last `kept` measurements; None: all."""
        self._step_s = step_s
        self._late = deque[float](maxlen=kept)
        self._marks = deque[tuple[float, float]](maxlen=kept)
        """The clock, and the CPU time of the loop's thread."""
        self._watchers = 0
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Measures within the block. Blocks may overlap."""
        if not self._watchers:
            self._set(asyncio.get_running_loop())
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers and self._timer is not None:
                self._timer.cancel()

    def quantiles(self) -> Mapping[float, float]:
        """Returns how many seconds late the loop was, by quantile. Empty: nothing was measured."""
        late = sorted(self._late)
        return {part: late[math.ceil(part * len(late)) - 1] for part in QUANTILES} if late else {}

    def busy(self) -> float | None:
        """Returns the share of the time in which the loop's thread was on a CPU. None: nothing was measured."""
        if len(self._marks) < 2:
            return None
        (then, cpu_then), (now, cpu_now) = self._marks[0], self._marks[-1]
        return (cpu_now - cpu_then) / max(now - then, 1e-6)

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        self._marks.append((monotonic(), time.thread_time()))
        self._timer = loop.call_later(self._step_s, self._measure, loop, monotonic() + self._step_s)

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._late.append(max(0.0, monotonic() - due))
        self._set(loop)
