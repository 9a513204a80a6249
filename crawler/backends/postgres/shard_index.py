"""Keeps in memory which rows of a shard are queued as they were found, and which were queued again."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class ShardIndex:
    """One bit a row that is gone, twelve bytes a family, and the rows that were queued again."""

    def __init__(self, base: int = 0) -> None:
        """Rows count from `base` on."""
        self._base = base
        self.nearer: set[int] = set()
        """Rows to which a shorter way was found."""
        self._gone = bytearray(1)
        self._firsts = array("q")
        self._left = array("i")
        """How many rows of each family are queued as they were found."""
        self._back: set[int] = set()
        """Keys of requests that were queued again."""

    @classmethod
    def restore(cls, base: int, sizes: NDArray[np.uint32], gone: NDArray[np.uint64], back: Sequence[int]) -> ShardIndex:
        """Returns the index from the sizes of all families in their order, the rows that are gone, and the keys of
        those that came back."""
        index = cls(base)
        ends = np.cumsum(sizes, dtype=np.int64)
        firsts, last = ends - sizes + 1, int(ends[-1]) if len(ends) else 0
        is_gone = np.zeros((last // 8 + 1) * 8, np.bool_)
        is_gone[gone.astype(np.int64) - base] = True
        before = np.concatenate([[0], np.cumsum(is_gone)])
        index._gone = bytearray(np.packbits(is_gone, bitorder="little").tobytes())
        index._firsts = array("q", firsts.astype("<i8").tobytes())
        index._left = array("i", (sizes - (before[ends + 1] - before[firsts])).astype("<i4").tobytes())
        index._back = set(back)
        return index

    def add_families(self, first: int, sizes: Sequence[int]) -> None:
        """Takes in families whose rows follow those that are known."""
        first -= self._base
        for size in sizes:
            self._firsts.append(first)
            self._left.append(size)
            first += size
        if (short := first // 8 + 1 - len(self._gone)) > 0:
            self._gone.extend(bytes(short))

    def is_gone(self, row: int) -> bool:
        row -= self._base
        return bool(self._gone[row >> 3] >> (row & 7) & 1)

    def leave(self, row: int) -> int | None:
        """Takes a row out of its family; returns how many are left there. None: it was gone before."""
        if self.is_gone(row):
            return None
        row -= self._base
        self._gone[row >> 3] |= 1 << (row & 7)
        at = bisect_right(self._firsts, row) - 1
        self._left[at] -= 1
        return self._left[at]

    def first_of(self, row: int) -> int:
        """Returns the first row of the family of a row."""
        return self._base + self._firsts[bisect_right(self._firsts, row - self._base) - 1]

    def put_back(self, place: int) -> bool:
        """Queues a request again; returns whether it was not there."""
        if place in self._back:
            return False
        self._back.add(place)
        return True

    def take_from_back(self, place: int) -> bool:
        """Returns whether the request was queued again, and takes it out."""
        if place not in self._back:
            return False
        self._back.remove(place)
        return True
