"""Keeps the setbacks that wait for another attempt, by the time they fall due."""

from __future__ import annotations

import heapq
from collections import Counter

from ..model import Reason
from .order import Entry


class Retries:
    """The setbacks, all in memory: there are no more than visits fail within the longest wait. Monotonic seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Entry, Reason | None]] = []
        self._sites: Counter[str] = Counter()
        self._reasons: Counter[Reason | None] = Counter()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, entry: Entry, due: float, reason: Reason | None = None) -> None:
        heapq.heappush(self._heap, (due, entry, reason))
        self._sites[entry.request.url.site] += 1
        self._reasons[reason] += 1

    def are_mostly(self, reason: Reason) -> bool:
        return 2 * self._reasons[reason] > len(self._heap)

    def number(self, reason: Reason) -> int:
        """Returns how many wait for this reason."""
        return self._reasons[reason]

    @property
    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[Entry]:
        """Returns and drops all that may be tried again now."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            _, entry, reason = heapq.heappop(self._heap)
            self._leave(entry.request.url.site)
            self._reasons[reason] -= 1
            due.append(entry)
        return due

    def sites(self) -> Counter[str]:
        """Returns how many wait at each site."""
        return self._sites

    def _leave(self, site: str) -> None:
        self._sites[site] -= 1
        if not self._sites[site]:
            del self._sites[site]
