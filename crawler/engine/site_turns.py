"""Gives exchanges beside the visits their turns: one at a time with each site, its rest, and no visit meanwhile."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import field

from ..dataclass import dataclass
from ..protocols import Frontier
from ..runtime.clock import monotonic

MOST_NOTED = 10_000
"""Most sites whose last exchange is remembered; the rest of a site is over long before so many others had one."""


@dataclass(slots=True, eq=False)
class SiteTurn:
    """The turn of one site: one exchange at a time, with a rest after it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    free_at: float = 0.0
    """`monotonic()` at which its rest is over."""
    end: asyncio.TimerHandle | None = None

    async def wait_for_rest(self) -> None:
        """Waits until the rest of the site is over."""
        delay_s = self.free_at - monotonic()
        if delay_s > 0:
            await asyncio.sleep(delay_s)


class SiteTurns:
    """The turns of all sites. While a site has an exchange beside its visits, and rests then, no visit of it starts."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._turns: dict[str, SiteTurn] = {}
        self._is_closed = False
        self._held: set[str] = set()
        """The sites that the program holds."""
        self._ends: OrderedDict[str, float] = OrderedDict()
        """When the last exchange of a visit with a site ended (monotonic)."""

    def note_visit(self, site: str) -> None:
        """Notes that a visit has just had an exchange with a site."""
        self._ends[site] = monotonic()
        self._ends.move_to_end(site)
        if len(self._ends) > MOST_NOTED:
            self._ends.popitem(last=False)

    def last_visit(self, site: str) -> float:
        """Returns when a visit last had an exchange with a site (monotonic); minus infinity: long ago or never."""
        return self._ends.get(site, -math.inf)

    @asynccontextmanager
    async def take(self, site: str) -> AsyncIterator[SiteTurn]:
        """Waits for the exchanges of the site that came before, and keeps visits from it until its rest is over."""
        turn = self._turns.setdefault(site, SiteTurn())
        if turn.end is not None:
            turn.end.cancel()
            turn.end = None
        self._frontier.hold(site)
        turn.waiting += 1
        try:
            async with turn.lock:
                yield turn
        finally:
            turn.waiting -= 1
            if not turn.waiting and not self._is_closed:
                rest_s = max(0.0, turn.free_at - monotonic())
                turn.end = asyncio.get_running_loop().call_later(rest_s, self._end_rest, site)

    def close(self) -> None:
        """Ends all rests."""
        self._is_closed = True
        for turn in self._turns.values():
            if turn.end is not None:
                turn.end.cancel()

    def _end_rest(self, site: str) -> None:
        del self._turns[site]
        if site not in self._held:
            self._frontier.let_go(site)

    # -- sites that the program holds --------------------------------------------------------------------------------

    def hold(self, site: str) -> None:
        """Keeps visits from a site until `let_go`."""
        self._held.add(site)
        self._frontier.hold(site)

    def let_go(self, site: str) -> None:
        """Lets visits to a site start again, once no exchange of it is under way."""
        self._held.discard(site)
        if site not in self._turns:
            self._frontier.let_go(site)

    @property
    def held(self) -> frozenset[str]:
        """The sites that the program holds."""
        return frozenset(self._held)
