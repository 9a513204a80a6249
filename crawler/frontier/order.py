"""The order in which a site's requests are lent, packed into one integer per request."""

from __future__ import annotations

from typing import NamedTuple

from ..model import Request

ROW_BITS = 40
ROW_MASK = (1 << ROW_BITS) - 1
FIELD_BITS = 20
FIELD_MASK = (1 << FIELD_BITS) - 1
MIDDLE = 1 << (FIELD_BITS - 1)
"""Priority 0 in its field: half of the field lies below."""
HEAD = 1 << (ROW_BITS + 2 * FIELD_BITS)
"""Taken off a key, it puts a request before all others of its site and keeps the order among those so treated."""


class Entry(NamedTuple):
    """One queued request as it stands in memory. Keys are unique, so that entries compare by key alone."""

    key: int
    """Rank and row, smallest first; below zero: given back, at the head of the queue."""
    request: Request
    seed: int
    """The row of its seed; 0: it is one."""
    root: int
    """The row of its root; 0: itself."""

    @property
    def row(self) -> int:
        return self.key & ROW_MASK

    @property
    def rank(self) -> int:
        return (self.key >> ROW_BITS) & (FIELD_MASK << FIELD_BITS | FIELD_MASK)

    @property
    def place(self) -> int:
        """The key it had before it was ever given back."""
        return self.key if self.key >= 0 else self.key + HEAD

    def at_head(self) -> Entry:
        return self if self.key < 0 else self._replace(key=self.key - HEAD)


def rank(priority: int, depth: int, in_depth_order: bool) -> int:
    """Priority, then depth; in depth order the other way round. Both are clamped to 20 bits."""
    first = min(max(priority + MIDDLE, 0), FIELD_MASK)
    second = min(depth, FIELD_MASK)
    return second << FIELD_BITS | first if in_depth_order else first << FIELD_BITS | second


def key(rank: int, row: int) -> int:
    return rank << ROW_BITS | row
