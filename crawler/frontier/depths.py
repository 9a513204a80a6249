"""Keeps how near to a seed each known URL is, and whether its page was read, to notice shorter ways.

Kept only where a depth limit is set, for only there a shorter way may bring further pages. 30 bytes a URL, about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .fingerprints import U64

FARTHEST = 0xFFFF
LEAST = 1 << 12

NOT_VISITED, WITHOUT_LINKS, WITH_LINKS = 0, 1, 2
"""The standing of a row: it waits for its first visit or another attempt; it is done, and nothing depends on its depth;
it is done, and the targets of its links depend on its depth."""


def distance(depth: int, is_seed: bool) -> int:
    """Returns one number that orders ways: a seed is nearer than any other URL of the same depth."""
    return 0 if is_seed else min(depth + 1, FARTHEST)


class Depths:
    """The distance and the standing of each row, in two arrays that grow with the rows."""

    def __init__(self) -> None:
        self._distances: NDArray[np.uint16] = np.full(LEAST, FARTHEST, np.uint16)
        self._standings: NDArray[np.uint8] = np.zeros(LEAST, np.uint8)

    def learn(self, first: int, number: int, distance: int) -> None:
        """Notes that `number` rows from `first` on were found at this distance."""
        self._make_room(first + number)
        self._distances[first : first + number] = distance

    def restore(self, rows: NDArray[np.int64], distances: NDArray[np.int64]) -> None:
        """Takes the stored distances of all rows."""
        self._make_room(int(rows.max(initial=0)) + 1)
        self._distances[rows] = np.minimum(distances, FARTHEST)

    def restore_standings(self, rows: NDArray[np.int64], standing: int) -> None:
        self._make_room(int(rows.max(initial=0)) + 1)
        self._standings[rows] = standing

    def nearer(self, rows: U64, distances: NDArray[np.int64]) -> NDArray[np.intp]:
        """Returns the indices of rows that are nearer now than they were known to be."""
        return np.flatnonzero((rows > 0) & (distances < self._distances[rows.astype(np.int64)]))

    def distance(self, row: int) -> int:
        return int(self._distances[row])

    def approach(self, row: int, distance: int) -> bool:
        """Notes a way to a row; returns whether it is shorter."""
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
