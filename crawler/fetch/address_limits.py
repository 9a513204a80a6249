"""Limits the exchanges that go to one address at the same time, however many sites it serves."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple


class AddressLimits:
    """Counts exchanges by address. A gate exists only while an exchange is inside.

    `others` shares its gates: all exchanges inside are counted together, and each waits for its own limit.
    """

    def __init__(self, per_address: int, others: AddressLimits | None = None) -> None:
        self.per_address = per_address
        self._inside: dict[str, int] = others._inside if others else {}
        self._waiting: dict[str, deque[_Waiting]] = others._waiting if others else {}

    def is_entered(self, address: str) -> bool:
        """Goes in and returns True if there is room now. After False, call `enter`. Both need a `leave` at the end."""
        inside = self._inside.get(address, 0)
        if inside >= self.per_address or (inside and self._waiting.get(address)):
            return False
        self._inside[address] = inside + 1
        return True

    async def enter(self, address: str) -> None:
        """Waits for a place, in order of arrival, and goes in."""
        if self.is_entered(address):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(turn, self.per_address)
        self._waiting.setdefault(address, deque()).append(waiting)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(address)
            else:
                self._admit(address, self._inside[address])
            raise

    def leave(self, address: str) -> None:
        """Frees the place; the next exchange in the queue takes it."""
        inside = self._inside[address] - 1
        if inside and not self._waiting:  # the usual case
            self._inside[address] = inside
        else:
            self._admit(address, inside)

    def _admit(self, address: str, inside: int) -> None:
        queue = self._waiting.get(address)
        while queue and (queue[0].turn.done() or inside < queue[0].per_address):
            turn = queue.popleft().turn
            if not turn.done():
                inside += 1
                turn.set_result(None)
        if not queue:
            self._waiting.pop(address, None)
        if inside:
            self._inside[address] = inside
        else:
            del self._inside[address]


class _Waiting(NamedTuple):
    turn: asyncio.Future[None]
    per_address: int
