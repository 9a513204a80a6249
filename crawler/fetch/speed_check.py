"""Gives up on servers that begin an answer and then send it too slowly."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from .wire import TooSlow, Wire

LOOKS = 4
"""Checks of each answer per `slow_after_s`. A slow one is found at most a quarter of that time too late."""


class SpeedCheck:
    """Ends an answer that, after its first byte, brings less than `min_bytes_per_s` over `slow_after_s` seconds.

    One timer checks all connections, so an exchange pays nothing for it; without connections no timer runs. The time
    before the first byte is bounded by the deadline instead. An interim answer (RFC 9110 15.2) restarts the count. Time
    during which a throttle kept us from reading does not count.
    """

    def __init__(self, min_bytes_per_s: float, slow_after_s: float) -> None:
        self._min_bytes_per_s = min_bytes_per_s
        self._slow_after_s = slow_after_s
        self._marks: dict[Wire, _Mark] = {}
        self._next_look: asyncio.TimerHandle | None = None

    def watch(self, wire: Wire) -> None:
        """Checks the speed of answers over this connection until it is closed."""
        if self._min_bytes_per_s:
            self._marks[wire] = _UNMARKED
            if self._next_look is None:
                self._look_later()

    def close(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(self._slow_after_s / LOOKS, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        self._marks = {wire: self._mark(wire, mark, now) for wire, mark in self._marks.items() if wire.connected}
        self._next_look = None
        if self._marks:
            self._look_later()

    def _mark(self, wire: Wire, mark: _Mark, now: float) -> _Mark:
        if not (wire.is_awaited and wire.received):
            return _UNMARKED
        if mark.turn != wire.turn:
            return _Mark(wire.turn, now, wire.received, wire.held_s)
        seconds = now - mark.at - (wire.held_s - mark.held_s)
        return mark if seconds < self._slow_after_s else self._judge(wire, mark, now, seconds)

    def _judge(self, wire: Wire, mark: _Mark, now: float, seconds: float) -> _Mark:
        brought = wire.received - mark.received
        if brought < self._min_bytes_per_s * seconds:
            wire.give_up(TooSlow(f"{brought:,} bytes in {seconds:.1f} s, {self._min_bytes_per_s:g} a second expected"))
        return _Mark(wire.turn, now, wire.received, wire.held_s)


class _Mark(NamedTuple):
    turn: int
    at: float
    received: int
    held_s: float
    """Seconds during which we did not read: they do not count."""


_UNMARKED = _Mark(0, 0.0, 0, 0.0)
