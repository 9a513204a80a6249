"""Keeps how near to a seed each known URL is, and whether its page was read, to notice shorter ways.

Kept only where a shorter way may bring further pages: with a depth limit, extra hops or requisites. 30 bytes a URL,
about. Any way in reach is nearer than an extra hop, and any of these is nearer than a requisite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model import Request
from .fingerprints import U64

FARTHEST = 0xFFFF
LEAST = 1 << 12

NOT_VISITED, WITHOUT_LINKS, WITH_LINKS, REFUSED = 0, 1, 2, 3
"""The standing of a row: it waits for its first visit or another attempt; it is done, and nothing depends on its depth;
it is done, and the targets of its links depend on its depth; scope refused it on the way that was known."""
FETCHED_REQUISITE = 4
"""A bit beside the standing: it was fetched as a requisite, so it counts as no page."""
OUTSIDE = 0xF000
"""The distances from here on are ways outside the reach: this number and the way."""


def distance(depth: int, is_seed: bool) -> int:
    """Returns one number that orders ways in reach: a seed is nearer than any other URL of the same depth."""
    return 0 if is_seed else min(depth + 1, OUTSIDE)


class Depths:
    """The distance and the standing of each row, in two arrays that grow with the rows."""

    def __init__(self, in_depth_order: bool = True, base: int = 0) -> None:
        """Without a depth limit all ways in reach are equally near. Rows count from `base` on."""
        self._base = base
        self.requisites: int = 0
        """How many URLs were fetched as requisites."""
        self._counts_hops = in_depth_order
        self._distances: NDArray[np.uint16] = np.full(LEAST, FARTHEST, np.uint16)
        self._standings: NDArray[np.uint8] = np.zeros(LEAST, np.uint8)

    def distance_of(self, request: Request) -> int:
        """Returns one number that orders all ways, the nearest first."""
        if request.way:
            return OUTSIDE + request.way
        return distance(request.depth, request.via is None and request.seed is None) if self._counts_hops else 0

    def learn(self, first: int, number: int, distance: int) -> None:
        """Notes that `number` rows from `first` on were found at this distance."""
        first -= self._base
        self._make_room(first + number)
        self._distances[first : first + number] = distance

    def restore(self, rows: NDArray[np.int64], hops: NDArray[np.int64], ways: NDArray[np.int64]) -> None:
        """Takes the stored places of all rows: 0 for a seed, else the depth and one; and the ways outside the reach."""
        rows = self._places(rows)
        near = np.minimum(hops, OUTSIDE) if self._counts_hops else np.zeros_like(hops)
        self._distances[rows] = np.where(ways > 0, OUTSIDE + ways, near)

    def restore_standings(self, rows: NDArray[np.int64], standing: int) -> None:
        rows = self._places(rows)
        self._standings[rows] = standing

    def restore_requisites(self, rows: NDArray[np.int64]) -> None:
        """Takes the rows that were fetched as requisites, after the standings."""
        rows = self._places(rows)
        self._standings[rows] |= FETCHED_REQUISITE
        self.requisites += len(rows)

    def nearer(self, rows: U64, distances: NDArray[np.int64]) -> NDArray[np.intp]:
        """Returns the indices of rows that are nearer now than they were known to be."""
        return np.flatnonzero((rows > 0) & (distances < self._distances[self._at(rows)]))

    def distance(self, row: int) -> int:
        return int(self._distances[row - self._base])

    def approach(self, row: int, distance: int) -> bool:
        """Notes a way to a row; returns whether it is shorter."""
        if distance >= self._distances[row - self._base]:
            return False
        self._distances[row - self._base] = distance
        return True

    def standing(self, row: int) -> int:
        return int(self._standings[row - self._base]) & ~FETCHED_REQUISITE

    def stand(self, row: int, standing: int) -> None:
        at = row - self._base
        self._standings[at] = standing | (self._standings[at] & FETCHED_REQUISITE)

    def count_requisite(self, row: int, *, is_one: bool) -> None:
        """Notes whether a row was fetched as a requisite."""
        at = row - self._base
        was_one = bool(self._standings[at] & FETCHED_REQUISITE)
        if was_one is not is_one:
            self._standings[at] ^= FETCHED_REQUISITE
            self.requisites += is_one - was_one

    def _places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the places of these rows in the arrays, which get room for them."""
        places = rows - self._base
        self._make_room(int(places.max(initial=0)) + 1)
        return places

    def _at(self, rows: U64) -> NDArray[np.int64]:
        """Returns the places of rows as the set of known URLs has them; row 0, which it has for none, is place 0."""
        return np.maximum(rows.astype(np.int64) - self._base, 0)

    def _make_room(self, rows: int) -> None:
        size = len(self._distances)
        if rows <= size:
            return
        size = max(rows, size * 3 // 2)
        self._distances = np.concatenate([self._distances, np.full(size - len(self._distances), FARTHEST, np.uint16)])
        self._standings = np.concatenate([self._standings, np.zeros(size - len(self._standings), np.uint8)])
