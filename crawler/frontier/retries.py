"""The setbacks that wait for another attempt, by the time they fall due."""

from __future__ import annotations

import heapq
from collections import Counter

from .order import Entry


class Retries:
    """All stand in memory: there are no more of them than visits fail within the longest wait. Monotonic seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Entry]] = []
        self._sites: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, entry: Entry, due: float) -> None:
        heapq.heappush(self._heap, (due, entry))
        self._sites[entry.request.url.site] += 1

    @property
    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[Entry]:
        """All that may be tried again now."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)[1]
            self._leave(entry.request.url.site)
            due.append(entry)
        return due

    def sites(self) -> Counter[str]:
        """How many wait at each site."""
        return self._sites

    def _leave(self, site: str) -> None:
        self._sites[site] -= 1
        if not self._sites[site]:
            del self._sites[site]
