"""Shares a number of places among crawls: fairly by weight, and no place stays empty while a crawl wants one."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count


class Places:
    """Limits the visits at a time over all crawls of a process: max-min fair, and decided in plain functions.

    A crawl keeps a place until its visit ends. If all places are taken, the next free one goes to the waiting crawl
    that has the fewest for its weight. So each gets its fair share as fast as visits end, and places that one crawl
    does not want go to the others.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._taken = 0
        self._wants: dict[Seat, None] = {}
        """Seats that were refused and have not taken a place or left since; the longest waiting come first."""

    @property
    def most(self) -> float:
        return self._most

    @most.setter
    def most(self, most: float) -> None:
        self._most = most
        self._call()

    @property
    def taken(self) -> int:
        return self._taken

    def seat(self, weight: float = 1.0) -> Seat:
        """Returns a seat for one more crawl."""
        return Seat(self, weight)

    def _take(self, seat: Seat, wanted: int) -> int:
        self._wants.pop(seat, None)
        granted = min(wanted, self._room(seat))
        if granted <= 0:
            self._wants[seat] = None
            return 0
        self._taken += granted
        seat.taken += granted
        self._call()
        return granted

    def _room(self, seat: Seat) -> int:
        """Returns how many places the seat may take.

        While others wait, no more than bring it to the level of the poorest of them.
        """
        free = self._most - self._taken
        if free <= 0 or not self._wants:
            return int(min(free, _MANY))
        level = min(other.level for other in self._wants)
        if seat.level > level:
            return 0
        return int(min(free, max(1, level * seat.weight - seat.taken)))

    def _give_back(self, seat: Seat, number: int) -> None:
        self._taken -= number
        seat.taken -= number
        self._call()

    def _leave(self, seat: Seat) -> None:
        if self._wants.pop(seat, 0) is None:
            self._call()

    def _call(self) -> None:
        """Wakes the waiting seat with the lowest level; when that takes its places, it wakes the next one."""
        if self._wants and self._taken < self._most:
            min(self._wants, key=lambda seat: seat.level).wake()


class Seat:
    """The claim of one crawl to places."""

    __slots__ = ("_number", "_places", "taken", "wake", "weight")
    _numbers = count()

    def __init__(self, places: Places, weight: float) -> None:
        self._places = places
        self.weight: float = weight
        self.taken: int = 0
        self.wake: Callable[[], None] = _nobody
        """Called when this seat was refused and may have a place now."""

    @property
    def level(self) -> float:
        """Places taken, divided by the weight."""
        return self.taken / self.weight

    @property
    def is_refused(self) -> bool:
        """Whether it waits for a place."""
        return self in self._places._wants

    def take(self, wanted: int) -> int:
        """Takes up to `wanted` places; returns how many. 0: it now waits in line, and is woken when it may have one."""
        return self._places._take(self, wanted) if wanted > 0 else 0

    def give_back(self, number: int) -> None:
        if number:
            self._places._give_back(self, number)

    def give_up_place(self) -> None:
        """Gives up its place in the line; the next one is served."""
        self._places._leave(self)


_MANY = 1 << 30


def _nobody() -> None:
    """Does nothing: no crawl waits."""
