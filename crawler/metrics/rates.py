"""Takes rates and means of a run over its last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..runtime.clock import monotonic

RECENT_S = 10.0
"""Seconds over which rates and means are taken."""


class Mark(NamedTuple):
    """The totals of a run at one moment."""

    pages: int
    bytes: int
    visits: int
    in_flight: int


class Rates(NamedTuple):
    """Pages, bytes and visits a second, and the mean of the visits under way."""

    pages_per_s: float = 0.0
    bytes_per_s: float = 0.0
    visits_per_s: float = 0.0
    mean_in_flight: float = 0.0


class RecentMarks:
    """Keeps the totals of the last seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, Mark]] = deque()

    def add(self, mark: Mark) -> None:
        """Notes the totals of now."""
        now = self._clock()
        self._marks.append((now, mark))
        while self._marks[0][0] < now - RECENT_S:
            self._marks.popleft()

    def rates(self) -> Rates:
        """Returns the rates over the marks that are kept; all are 0 before there are two."""
        if len(self._marks) < 2:
            return Rates()
        (then, first), (now, last) = self._marks[0], self._marks[-1]
        stretch = max(now - then, 1e-3)
        return Rates(
            (last.pages - first.pages) / stretch,
            (last.bytes - first.bytes) / stretch,
            (last.visits - first.visits) / stretch,
            sum(mark.in_flight for _, mark in self._marks) / len(self._marks),
        )
