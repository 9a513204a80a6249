"""Offers a queue of several lanes that are read in turn, so that a long lane does not make the others wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Protocol, TypeVar


class OfLane(Protocol):
    @property
    def lane(self) -> object:
        """Returns the hashable key of the item's lane."""
        ...


T = TypeVar("T", bound=OfLane)


class Lanes(asyncio.Queue[T], Generic[T]):
    """An unbounded `asyncio.Queue` that takes items from its lanes in turn, and keeps the order within each lane."""

    def _init(self, maxsize: int) -> None:
        self._lanes: dict[object, deque[T]] = {}
        """Lanes that hold items; the one to be read next comes first."""
        self._size = 0

    def qsize(self) -> int:
        return self._size

    def empty(self) -> bool:
        return not self._size

    def size(self, lane: object) -> int:
        return len(self._lanes.get(lane, ()))

    def _put(self, item: T) -> None:
        self._lanes.setdefault(item.lane, deque()).append(item)
        self._size += 1

    def _get(self) -> T:
        lane = next(iter(self._lanes))
        items = self._lanes.pop(lane)
        item = items.popleft()
        if items:
            self._lanes[lane] = items
        self._size -= 1
        return item
