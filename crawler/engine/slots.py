"""How a number of places is shared among those who want them: fairly by weight, and none stays empty that is wanted."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count


class Places:
    """So many visits at a time over all crawls of a process: max-min fair, and decided in plain functions.

    Nobody is turned out of a place. Of those who want one while all are taken, whoever holds least for its weight gets
    the next that becomes free: so each comes to its fair share as fast as visits end, and what it does not want goes to
    the others.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._taken = 0
        self._wants: dict[Seat, None] = {}
        """Those who were refused and did not take or leave since, longest waiting first."""

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
        """For one more crawl; `leave` it at the end."""
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
        """What is free; while others want some of it, no more than brings this one to where the poorest of them is."""
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
        """Wake whoever is first; he takes, and so wakes the next while anything is left."""
        if self._wants and self._taken < self._most:
            min(self._wants, key=lambda seat: seat.level).wake()


class Seat:
    """One crawl's claim to places."""

    __slots__ = ("_number", "_places", "taken", "wake", "weight")
    _numbers = count()

    def __init__(self, places: Places, weight: float) -> None:
        self._places = places
        self.weight = weight
        self.taken = 0
        self.wake: Callable[[], None] = _nobody
        """Called when a place may be had by one who was refused."""

    @property
    def level(self) -> float:
        """What it holds for its weight."""
        return self.taken / self.weight

    @property
    def is_refused(self) -> bool:
        """Whether it wants a place and waits for it."""
        return self in self._places._wants

    def take(self, wanted: int) -> int:
        """Up to `wanted` places; 0: it waits for one now, and is woken, until it takes one or lets it be."""
        return self._places._take(self, wanted) if wanted > 0 else 0

    def give_back(self, number: int) -> None:
        if number:
            self._places._give_back(self, number)

    def let_be(self) -> None:
        """It wants none for now: whoever comes after it goes first."""
        self._places._leave(self)


_MANY = 1 << 30


def _nobody() -> None:
    """Nobody waits."""
