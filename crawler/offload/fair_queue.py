"""A queue of several lanes that is read from each in turn: a long lane does not make the others wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Protocol, TypeVar


class OfLane(Protocol):
    @property
    def lane(self) -> object:
        """Whatever tells lanes apart; hashable."""
        ...


T = TypeVar("T", bound=OfLane)


class Lanes(asyncio.Queue[T], Generic[T]):
    """An unbounded `asyncio.Queue` whose items are in order within their lanes."""

    def _init(self, maxsize: int) -> None:
        self._lanes: dict[object, deque[T]] = {}
        """Those that hold something, the one to be read next first."""
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
