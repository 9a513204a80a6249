"""Counts the visits at each address, for all tables of sites in one event loop, and keeps who waits for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Protocol

from .site import Site


class Table(Protocol):
    """A table of sites that lends on the terms of an address."""

    def come_back(self, site: Site, now: float) -> bool:
        """Lines up a site that waited for its address; returns whether it may be lent at once."""
        ...


class Addresses:
    """The visits under way at each address. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[Table, Site]]] = {}
        self._allowed: Mapping[str, int] | None = None
        self._steps = count()
        self._wake: Callable[[], None] = _wake_nobody

    def wake_by(self, wake: Callable[[], None]) -> None:
        """Calls `wake` when a site begins to wait for its address."""
        self._wake = wake

    def next_step(self) -> int:
        """Returns the next place in the line of all sites: who lines up first goes first, whatever table it is in."""
        return next(self._steps)

    def allow(self, allowed: Mapping[str, int] | None) -> None:
        """Allows only so many visits at each address from now on: other event loops have the rest. None: all of it."""
        self._allowed = allowed

    def free(self, ip: str, most: int) -> int:
        """Returns how many more visits an address bears, of `most` over all event loops."""
        allowed = most if self._allowed is None else min(most, self._allowed.get(ip, 0))
        return allowed - self._at.get(ip, 0)

    def arrive(self, ip: str, leases: int) -> None:
        if ip and leases:
            self._at[ip] = self._at.get(ip, 0) + leases

    def leave(self, ip: str, leases: int) -> bool:
        """Ends visits at an address; returns whether sites wait for it."""
        left = self._at[ip] - leases
        if left:
            self._at[ip] = left
        else:
            del self._at[ip]
        return ip in self._waiting

    def park(self, table: Table, site: Site) -> None:
        """Lets a site wait until its address has room."""
        self._waiting.setdefault(site.ip, deque()).append((table, site))
        self._wake()

    def forget(self, table: Table, site: Site, ip: str) -> None:
        """Lets a site wait no longer."""
        self._waiting[ip].remove((table, site))
        if not self._waiting[ip]:
            del self._waiting[ip]

    def call(self, ip: str, most: int, now: float) -> None:
        """Lines up as many sites as the address has room for now; those with a later turn ask again when it comes."""
        waiting = self._waiting.get(ip)
        if waiting is None:
            return
        free = self.free(ip, most)
        while waiting and free > 0:
            table, site = waiting.popleft()
            free -= table.come_back(site, now)
        if not waiting:
            self._waiting.pop(ip, None)

    @property
    def crowded(self) -> list[str]:
        """The addresses for which sites wait."""
        return list(self._waiting)

    def waiting(self) -> Mapping[str, int]:
        """Returns how many sites wait for each address."""
        return {ip: len(sites) for ip, sites in self._waiting.items()}

    def visits(self) -> Mapping[str, int]:
        """Returns the visits under way, by address."""
        return self._at


def _wake_nobody() -> None:
    """Does nothing: this event loop is alone."""
