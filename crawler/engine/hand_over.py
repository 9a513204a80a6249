"""Hands leases to visitors and outcomes to the recorder, with no more than a future where one of them waits."""

from __future__ import annotations

import asyncio
from collections import deque

from ..model import Lease, Outcome


class UnderWay:
    """Counts what is under way, and tells when nothing is."""

    __slots__ = ("_under_way", "_waiting")

    def __init__(self) -> None:
        self._under_way = 0
        self._waiting: list[asyncio.Future[None]] = []

    def begin(self) -> None:
        self._under_way += 1

    def end(self, number: int = 1) -> None:
        self._under_way -= number
        if not self._under_way:
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                _wake(one)

    async def wait(self) -> None:
        """Waits until nothing is under way."""
        while self._under_way:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn


class IdleVisitors:
    """The visitors that wait for a lease. The one that ended last gets the next one: few of many stay in use."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[Lease]] = []

    def give(self, lease: Lease) -> bool:
        """Gives a lease to a visitor; returns False if none waits."""
        while self._waiting:
            turn = self._waiting.pop()
            if not turn.done():  # it was cancelled
                turn.set_result(lease)
                return True
        return False

    def wait(self) -> asyncio.Future[Lease]:
        """Returns the next lease, once there is one."""
        turn: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return turn


class Outcomes:
    """The outcomes that wait to be recorded, `most` at a time; visitors wait while there are as many."""

    __slots__ = ("_called", "_items", "_most", "_refused", "_unrecorded")

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[Outcome] = deque()
        self._called: asyncio.Future[None] | None = None
        """The recorder waits for it."""
        self._refused: deque[asyncio.Future[None]] = deque()
        """The visitors that wait for room."""
        self._unrecorded = UnderWay()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, outcome: Outcome) -> bool:
        """Adds an outcome and returns True if there is room now. After False, call `put`."""
        if len(self._items) >= self._most:
            return False
        self._items.append(outcome)
        self._unrecorded.begin()
        if self._called is not None:
            called, self._called = self._called, None
            _wake(called)
        return True

    async def put(self, outcome: Outcome) -> None:
        """Adds an outcome as soon as there is room."""
        while not self.offer(outcome):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._refused.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._make_room()  # the next one has its turn
                raise

    async def wait(self) -> None:
        """Waits until there are outcomes. For one recorder alone."""
        while not self._items:
            self._called = asyncio.get_running_loop().create_future()
            await self._called

    def take(self, most: int, links: int) -> list[Outcome]:
        """Takes the next outcomes, `most` at a time, and no more once they have found so many `links`. `end` them."""
        items, taken = self._items, list[Outcome]()
        while items and len(taken) < most and links > 0:
            outcome = items.popleft()
            links -= outcome.n_found
            taken.append(outcome)
        self._make_room()
        return taken

    def end(self, number: int) -> None:
        """Says that so many outcomes that were taken are recorded."""
        self._unrecorded.end(number)

    async def join(self) -> None:
        """Waits until all outcomes are recorded."""
        await self._unrecorded.wait()

    def drop(self) -> list[Outcome]:
        """Takes all that were not taken, which nobody records."""
        dropped = list(self._items)
        self._items.clear()
        self._unrecorded.end(len(dropped))
        return dropped

    def _make_room(self) -> None:
        for _ in range(min(len(self._refused), self._most - len(self._items))):
            _wake(self._refused.popleft())


def _wake(one: asyncio.Future[None]) -> None:
    if not one.done():
        one.set_result(None)
