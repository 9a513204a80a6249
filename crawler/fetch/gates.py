"""Lets so many exchanges at a time through to one address, whatever the number of sites behind it."""

from __future__ import annotations

import asyncio
from collections import deque


class Gates:
    """Counts by address; a gate exists only while somebody is inside."""

    def __init__(self, per_address: int) -> None:
        self._per_address = per_address
        self._inside: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def is_entered(self, address: str) -> bool:
        """Go in if there is room now; else False, and `enter` is the way. Whoever is in must `leave`."""
        inside = self._inside.get(address, 0)
        if inside >= self._per_address:
            return False
        self._inside[address] = inside + 1
        return True

    async def enter(self, address: str) -> None:
        """Go in, after those who came before."""
        if self.is_entered(address):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(address, deque())
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(address)
            elif turn in queue:
                queue.remove(turn)
            raise

    def leave(self, address: str) -> None:
        """Make room: the next in the queue takes the place over."""
        queue = self._waiting.get(address)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._waiting.pop(address, None)
        inside = self._inside[address] - 1
        if inside:
            self._inside[address] = inside
        else:
            del self._inside[address]
