"""Keeps the rules of sites while they are fresh: for one crawl, or for several that may share them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakValueDictionary

from ..errors import FetchError
from .rules import RobotsRules

MAX_SITES = 50_000
"""A few hundred bytes each. Beyond this number the oldest is forgotten and asked again when needed."""
MAX_KEPT_BYTES = 64 << 20
"""Bytes of all rules together. One robots.txt can take 1.5 MB.

Beyond it, the sites that were asked longest ago are forgotten first, and asked again when needed.
"""


class Known(NamedTuple):
    """The rules of a site, or the error that says why there are none."""

    until: float
    rules: RobotsRules | None
    error: FetchError
    failures: int
    """Failures in a row, up to now."""
    since: float
    """Time when the site began to answer only with server errors; infinite if it does not."""


class RobotsMemory:
    """Holds what is known of sites, within bounds. Crawls of one event loop and one user agent may share it."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self._kept_bytes = 0
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, site: str) -> asyncio.Lock:
        """Returns the lock of a site: who holds it asks the site, and others wait for the answer."""
        turn = self._turns.get(site)
        if turn is None:
            turn = self._turns[site] = asyncio.Lock()
        return turn

    def remember(self, site: str, known: Known) -> None:
        """Keeps what a site answered. Forgets the oldest sites where there is no room."""
        self._forget(site)
        self._kept_bytes += known.rules.size if known.rules else 0
        while self.known and (len(self.known) >= MAX_SITES or self._kept_bytes > MAX_KEPT_BYTES):
            self._forget(next(iter(self.known)))
        self.known[site] = known

    def sitemaps(self, site: str) -> Sequence[str]:
        """Returns the sitemaps that the robots.txt of a site names, as far as it is known."""
        known = self.known.get(site)
        return known.rules.sitemaps if known and known.rules else ()

    def _forget(self, site: str) -> None:
        known = self.known.pop(site, None)
        if known and known.rules:
            self._kept_bytes -= known.rules.size


class SharedRobots:
    """The memories of several crawls, one for each user agent: a robots.txt has other rules for another one."""

    def __init__(self) -> None:
        self._of: dict[str, RobotsMemory] = {}

    def of(self, agent: str) -> RobotsMemory:
        """Returns the memory for a user agent. Of many agents, the latest few are kept."""
        memory = self._of.pop(agent, None) or RobotsMemory()
        self._of[agent] = memory
        while len(self._of) > MOST_AGENTS:
            del self._of[next(iter(self._of))]
        return memory


MOST_AGENTS = 8
