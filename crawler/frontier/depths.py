"""How near to a seed each known URL is, and whether its page was read: by it a shorter way to a known URL is noticed.

Kept only where a depth limit is set, for only there a shorter way may bring further pages. 30 bytes a URL, about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .seen import U64

FARTHEST = 0xFFFF
LEAST = 1 << 12

NOT_VISITED, WITHOUT_LINKS, WITH_LINKS = 0, 1, 2
"""How a row stands: waiting for its first visit or another attempt; done, and nothing follows from its depth; done, and
what its links may lead to depends on its depth."""


def distance(depth: int, is_seed: bool) -> int:
    """One number that orders ways: a seed is nearer than whatever else is as deep."""
    return 0 if is_seed else min(depth + 1, FARTHEST)


class Depths:
    """Two arrays by row, which grow as rows come."""

    def __init__(self) -> None:
        self._distances: NDArray[np.uint16] = np.full(LEAST, FARTHEST, np.uint16)
        self._standings: NDArray[np.uint8] = np.zeros(LEAST, np.uint8)

    def learn(self, first: int, number: int, distance: int) -> None:
        """Rows from `first` on were found so far away."""
        self._make_room(first + number)
        self._distances[first : first + number] = distance

    def restore(self, rows: NDArray[np.int64], distances: NDArray[np.int64]) -> None:
        """What a store remembered of all rows."""
        self._make_room(int(rows.max(initial=0)) + 1)
        self._distances[rows] = np.minimum(distances, FARTHEST)

    def restore_standings(self, rows: NDArray[np.int64], standing: int) -> None:
        self._make_room(int(rows.max(initial=0)) + 1)
        self._standings[rows] = standing

    def nearer(self, rows: U64, distances: NDArray[np.int64]) -> NDArray[np.intp]:
        """The places of those that are nearer now than they were known to be."""
        return np.flatnonzero((rows > 0) & (distances < self._distances[rows.astype(np.int64)]))

    def distance(self, row: int) -> int:
        return int(self._distances[row])

    def approach(self, row: int, distance: int) -> bool:
        """Note a shorter way; whether it is one."""
        if distance >= self._distances[row]:
            return False
        self._distances[row] = distance
        return True

    def standing(self, row: int) -> int:
        return int(self._standings[row])

    def stand(self, row: int, standing: int) -> None:
        self._standings[row] = standing

    def _make_room(self, rows: int) -> None:
        size = len(self._distances)
        if rows <= size:
            return
        size = max(rows, size * 3 // 2)
        self._distances = np.concatenate([self._distances, np.full(size - len(self._distances), FARTHEST, np.uint16)])
        self._standings = np.concatenate([self._standings, np.zeros(size - len(self._standings), np.uint8)])
