"""Notices that the process itself was away: stopped (SIGSTOP), suspended with its machine, or blocked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

log = logging.getLogger(__name__)

AWAY_S = 2.0
"""Seconds without a beat that count as away: eight times the interval of the engine's samples."""


_clock: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
"""Returns seconds of a clock that goes on while the machine sleeps, if the platform has one."""


class Presence:
    """Counts the absences of this process. All crawls of a process share one.

    Work that fails compares the counts of its beginning and its end: if they differ, the failure may be our own. The
    failure of such work is not kept, since others would get it as an answer although they began after the absence.
    """

    def __init__(self, clock: Callable[[], float] = _clock) -> None:
        self._clock = clock
        self._beat = clock()
        self._watchers = 0
        self.absences: int = 0
        """Absences that were noticed until the last beat."""

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Counts absences within the block, in which `beat` must be called several times a second."""
        if not self._watchers:
            self._beat = self._clock()
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    def beat(self) -> int:
        """Notes that the process runs, and returns the number of absences so far."""
        now = self._clock()
        away_s, self._beat = now - self._beat, now
        if away_s > AWAY_S and self._watchers:
            self.absences += 1
            log.warning("away for %.1f s (stopped, suspended or blocked): visits that failed are tried again", away_s)
        return self.absences
