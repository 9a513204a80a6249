"""Waits for a store that is away, with growing pauses, up to a time."""

from __future__ import annotations

import asyncio
import logging

import anyio

from ..errors import SinkError
from ..runtime.clock import monotonic

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S = 0.5, 15.0
"""The first pause between two attempts, which doubles, and the longest."""
HURRIED_S = 5.0
"""How long it still waits once somebody wants the run to end."""


class Patience:
    """Says once that a store is away, once that it is back, and when it was waited for long enough."""

    def __init__(self, place: str, give_up_s: float) -> None:
        """`place` is shown: it holds no secret."""
        self._place = place
        self._give_up_s = give_up_s
        self._since = 0.0
        self._ends = 0.0
        self._pause_s = 0.0
        """0: the store is there."""
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Makes it wait for HURRIED_S more at most."""
        self._ends = min(self._ends, monotonic() + HURRIED_S)
        self._hurry.set()

    def note_success(self) -> None:
        """Says that the store is back, if it was away."""
        if self._pause_s:
            log.warning("%s takes pages again, after %.0f s", self._place, monotonic() - self._since)
        self._pause_s = 0.0

    async def pause(self, why: str, least_s: float = 0.0) -> None:
        """Waits until the next attempt, `least_s` at least. Raises SinkError once it was waited for long enough."""
        now = monotonic()
        if not self._pause_s:
            self._begin(now, why)
        if now >= self._ends:
            raise SinkError(
                f"{self._place} has taken no pages for {now - self._since:.0f} s: {why}. "
                f"Nothing is lost: once it takes them again, run the same command"
            )
        pause_s = min(self._ends - now, max(least_s, self._pause_s))
        if self._hurry.is_set():
            await anyio.sleep(min(pause_s, FIRST_S))
        else:
            with anyio.move_on_after(pause_s):
                await self._hurry.wait()
        self._pause_s = min(2 * self._pause_s, LONGEST_S)

    def _begin(self, now: float, why: str) -> None:
        self._since, self._pause_s = now, FIRST_S
        self._ends = now + (min(HURRIED_S, self._give_up_s) if self._hurry.is_set() else self._give_up_s)
        log.warning(
            "%s takes no pages: %s. It gets %.0f s, and the crawl waits for it", self._place, why, self._ends - now
        )
