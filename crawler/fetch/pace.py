"""Gives up on servers that begin an answer and then hold it back, byte by byte."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from .wire import TooSlow, Wire

LOOKS = 4
"""At each answer in the time it may be slow for: it is found out no more than a quarter of that too late."""


class Pace:
    """From its first byte on, an answer brings `min_bytes_per_s` over every `slow_after_s` seconds, or is given up.

    One timer looks after all answers, and none runs while there are none. How long a server thinks before its first
    byte is the deadline's matter; an interim answer (RFC 9110 15.2) begins its time anew.
    """

    def __init__(self, min_bytes_per_s: float, slow_after_s: float) -> None:
        self._min_bytes_per_s = min_bytes_per_s
        self._slow_after_s = slow_after_s
        self._marks: dict[Wire, _Mark] = {}
        self._next_look: asyncio.TimerHandle | None = None

    def watch(self, wire: Wire) -> None:
        """Mind how fast this connection's answer comes, until `forget`."""
        if self._min_bytes_per_s:
            self._marks[wire] = _UNMARKED
            if self._next_look is None:
                self._look_later()

    def forget(self, wire: Wire) -> None:
        """It has come, or may pause: the time is not the server's."""
        self._marks.pop(wire, None)

    def close(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(self._slow_after_s / LOOKS, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for wire, mark in list(self._marks.items()):
            if mark.received > wire.received or not mark.received:
                self._marks[wire] = _Mark(now, wire.received)
            elif now - mark.at >= self._slow_after_s:
                self._judge(wire, mark, now)
        self._next_look = None
        if self._marks:
            self._look_later()

    def _judge(self, wire: Wire, mark: _Mark, now: float) -> None:
        brought, seconds = wire.received - mark.received, now - mark.at
        if brought >= self._min_bytes_per_s * seconds:
            self._marks[wire] = _Mark(now, wire.received)
        else:
            del self._marks[wire]
            wire.give_up(TooSlow(f"{brought:,} bytes in {seconds:.1f} s, {self._min_bytes_per_s:g} a second expected"))


class _Mark(NamedTuple):
    at: float
    received: int


_UNMARKED = _Mark(0.0, 0)
