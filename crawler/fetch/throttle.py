"""Keeps what is received within a rate: while it is used up, no connection is read, so servers have to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from .token_bucket import TokenBucket

TICK_S = 0.05
"""Least time for which connections are not read: they are stopped and started twenty times a second at most."""
MOST_AT_ONCE = 500
"""Connections that are started again in one turn of the loop, in about a millisecond."""
MOST_SITES = 1 << 14
"""Sites whose throttles are kept before those without connections are dropped."""


class Readable(Protocol):
    """A connection, which is read unless somebody holds it."""

    def hold(self) -> None:
        """Stops reading until `let_go` was called as often."""
        ...

    def let_go(self) -> None:
        """Takes one `hold` back."""
        ...


class Throttle:
    """Shares one rate among connections, each in its turn: those that were read longest ago are started first.

    No timer runs while nothing is held. Without a rate nothing is.
    """

    def __init__(
        self,
        bytes_per_s: float | None,
        now: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], asyncio.TimerHandle],
    ) -> None:
        self._now = now
        self._call_later = call_later
        self._bucket = None if bytes_per_s is None else TokenBucket(bytes_per_s, now())
        self._read: dict[Readable, None] = {}
        """Connections that are read, in the order in which they were started or last brought something."""
        self._held: dict[Readable, None] = {}
        """Connections that wait, the next first."""
        self._served: set[Readable] = set()
        """Connections that brought something since they were started."""
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Returns how many connections are under way."""
        return len(self._read) + len(self._held)

    @property
    def bytes_per_s(self) -> float | None:
        return self._bucket.bytes_per_s if self._bucket else None

    @property
    def is_used_up(self) -> bool:
        """Whether the rate is used up now, and connections wait for it."""
        return self._timer is not None and len(self._held) > 0

    def join(self, one: Readable) -> None:
        """Adds a connection that is to be read."""
        if self._timer is not None:
            one.hold()
            self._held[one] = None
        else:
            self._read[one] = None

    def leave(self, one: Readable) -> None:
        """Removes a connection; it is not held any more."""
        self._read.pop(one, None)
        self._served.discard(one)
        if one in self._held:
            del self._held[one]
            one.let_go()

    def receive(self, one: Readable, size: int) -> None:
        """Charges bytes that a connection brought; stops all of them when the rate is used up."""
        if self._bucket is None:
            return
        now = self._now()
        self._bucket.take(size, now)
        if self._read.pop(one, 0) is None:
            self._read[one] = None
        self._served.add(one)
        if wait_s := self._bucket.wait_s(now):
            self._stop(wait_s)

    def change(self, bytes_per_s: float | None) -> None:
        """Keeps within another rate from now on; None: reads as fast as it comes."""
        now = self._now()
        if bytes_per_s is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = TokenBucket(bytes_per_s, now)
        else:
            self._bucket.change(bytes_per_s, now)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._start()

    def close(self) -> None:
        """Lets all connections go."""
        self.change(None)

    def _stop(self, wait_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        unserved = [one for one in self._read if one not in self._served]
        served = [one for one in self._read if one in self._served]
        for one in self._read:
            one.hold()
        self._held = dict.fromkeys([*unserved, *self._held, *served])
        self._read = {}
        self._served = set()
        self._timer = self._call_later(max(wait_s, TICK_S), self._start)

    def _start(self) -> None:
        """Starts connections again, unless the rate is used up all the same."""
        self._timer = None
        if self._bucket and (wait_s := self._bucket.wait_s(self._now())):
            self._stop(wait_s)
            return
        for one in list(self._held)[:MOST_AT_ONCE]:
            del self._held[one]
            self._read[one] = None
            one.let_go()
        if self._held:
            self._timer = self._call_later(0.0, self._start)


class SiteThrottles:
    """The throttles of sites. Where several crawls have a rate for one site, the smallest counts for all of them."""

    def __init__(self, make: Callable[[float], Throttle]) -> None:
        self._make = make
        self._throttles: dict[str, Throttle] = {}
        self._rates: dict[str, dict[object, float]] = {}

    def claim(self, site: str, owner: object, bytes_per_s: float) -> Throttle:
        """Returns the throttle of a site, for an owner with this rate, until the owner drops it."""
        throttle = self._throttles.get(site)
        if throttle is None:
            if len(self._throttles) >= MOST_SITES:
                self._forget_idle()
            throttle = self._throttles[site] = self._make(bytes_per_s)
        self._rates.setdefault(site, {})[owner] = bytes_per_s
        self._choose(site)
        return throttle

    def drop(self, owner: object) -> None:
        """Takes all rates of an owner back."""
        for site in [site for site, rates in self._rates.items() if owner in rates]:
            del self._rates[site][owner]
            self._choose(site)

    def _choose(self, site: str) -> None:
        rates, throttle = self._rates[site], self._throttles[site]
        if throttle.bytes_per_s != (wanted := min(rates.values(), default=None)):
            throttle.change(wanted)
        if not rates:
            del self._rates[site], self._throttles[site]

    def _forget_idle(self) -> None:
        for site in [site for site, throttle in self._throttles.items() if not len(throttle)]:
            del self._rates[site], self._throttles[site]


def make_throttle(bytes_per_s: float | None) -> Throttle:
    """Returns a throttle by the clock of the running loop."""
    loop = asyncio.get_running_loop()
    return Throttle(bytes_per_s, loop.time, loop.call_later)
