"""Limits the connections of the API: their number, their time, and which one is closed to make room for another.

A connection is a *stranger* until it has shown the token. Strangers have places of their own. If these are full, the
oldest stranger is closed, so that a new connection always gets the chance to show the token. A connection that has
shown the token keeps its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from .bounds import Bounds, Closed
from .connection import Connection

log = logging.getLogger(__name__)

TOLD_S = 60.0
"""Seconds between two log lines with the number of closed connections."""


class Admission:
    """A protocol factory that holds every connection of the API."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds: Bounds = bounds or Bounds()
        self.closed: Counter[Closed] = Counter()
        """The number of connections that we closed, by reason."""
        self.malformed: int = 0
        """Requests that were not HTTP."""
        self._malformed_told: tuple[int, float] = (0, -TOLD_S)
        """How many of them there were at the last log line about one, and when that was."""
        self._make: Callable[[], web.RequestHandler] | None = None
        self._inside: dict[Connection, None] = {}
        self._known: dict[Connection, None] = {}
        self._strangers: dict[str, dict[Connection, None]] = {}
        """Strangers by address; of each address, the oldest comes first."""
        self._told = Counter[Closed]()
        self._teller: asyncio.TimerHandle | None = None

    def serve(self, make: Callable[[], web.RequestHandler]) -> None:
        """Sets the function that makes aiohttp's protocol for each connection."""
        self._make = make

    def __call__(self) -> asyncio.Protocol:
        assert self._make is not None, "serve comes first"
        return Connection(self, self._make)

    @property
    def inside(self) -> int:
        """The number of open connections."""
        return len(self._inside)

    @property
    def strangers(self) -> int:
        """The number of open connections that have not shown the token."""
        return len(self._inside) - len(self._known)

    def enter(self, newcomer: Connection) -> bool:
        """Returns whether a new connection may stay. To make room, it may close others."""
        if newcomer.is_foreign:
            self._count(Closed.FOREIGN)
            return False
        if not self._has_room(newcomer):
            self._count(Closed.FULL)
            return False
        self._inside[newcomer] = None
        if newcomer.is_local:
            self._known[newcomer] = None
        else:
            self._strangers.setdefault(newcomer.address, {})[newcomer] = None
        return True

    def leave(self, connection: Connection) -> None:
        """Forgets a connection that is gone or being closed."""
        if connection not in self._inside:
            return
        del self._inside[connection]
        self._known.pop(connection, None)
        self._forget_stranger(connection)

    def drop(self, connection: Connection, why: Closed) -> None:
        """Closes a connection at once, even if data waits to be sent."""
        self.leave(connection)
        self._count(why)
        connection.abort()

    def has_asked(self, request: web.Request) -> None:
        """Notes that the head of a request is complete, which ends the connection's time limit for it."""
        if connection := self._of(request):
            connection.has_asked()

    async def pace(self, request: web.Request) -> None:
        """Delays a stranger that has sent many requests."""
        connection = self._of(request)
        if connection and connection not in self._known and connection.asked > self.bounds.requests:
            await asyncio.sleep(self.bounds.pace_s)

    def has_answered(self, request: web.Request) -> None:
        """Notes that a request was served; its answer may still be on its way."""
        if connection := self._of(request):
            connection.is_busy = False

    def recognise(self, request: web.Request) -> None:
        """Notes that a request came with the token: its connection is no longer a stranger."""
        connection = self._of(request)
        if connection and connection not in self._known:
            self._forget_stranger(connection)
            self._known[connection] = None

    def note_malformed(self, peer: str, why: str) -> None:
        """Counts a request that is not HTTP, and logs one line about it: at INFO the first within a minute."""
        self.malformed += 1
        told, at = self._malformed_told
        now = asyncio.get_running_loop().time()
        if now - at < TOLD_S:
            log.debug("no HTTP from %s: %s", peer, why)
            return
        more = self.malformed - told - 1
        log.info("no HTTP from %s: %s%s", peer, why, f" ({more} more since the last line)" if more else "")
        self._malformed_told = self.malformed, now

    def close(self) -> None:
        """Closes all connections at once."""
        for connection in list(self._inside):
            self.leave(connection)
            connection.abort()
        if self._teller:
            self._teller.cancel()
            self._tell()

    def _of(self, request: web.Request) -> Connection | None:
        """Returns the connection of a request, if it is still open."""
        connection = getattr(request.transport, "owner", None)
        return connection if connection in self._inside else None

    def _has_room(self, newcomer: Connection) -> bool:
        bounds = self.bounds
        if not newcomer.is_local:
            of_address = self._strangers.get(newcomer.address, {})
            if len(of_address) >= bounds.of_one_address:
                self.drop(next(iter(of_address)), Closed.CROWDED)
            elif self.strangers >= bounds.strangers:
                self._drop_a_stranger()
        if self.inside < bounds.most:
            return True
        if self.strangers:
            self._drop_a_stranger()
            return True
        idle = next((one for one in self._known if one.is_idle), None)
        if idle is None:
            return False
        self.drop(idle, Closed.CROWDED)
        return True

    def _drop_a_stranger(self) -> None:
        """Closes the oldest stranger of the address that has most, so that no address takes all places."""
        crowd = max(self._strangers.values(), key=len)
        self.drop(next(iter(crowd)), Closed.CROWDED)

    def _forget_stranger(self, connection: Connection) -> None:
        of_address = self._strangers.get(connection.address, {})
        of_address.pop(connection, None)
        if not of_address:
            self._strangers.pop(connection.address, None)

    def _count(self, why: Closed) -> None:
        self.closed[why] += 1
        self._told[why] += 1
        if self._teller is None:
            self._teller = asyncio.get_running_loop().call_later(TOLD_S, self._tell)

    def _tell(self) -> None:
        """Logs one line about all connections closed since the last one."""
        self._teller = None
        words = ", ".join(f"{n} {why}" for why, n in sorted(self._told.items()))
        self._told.clear()
        log.info("closed connections of API clients within a minute: %s (docs/daemon.md says why)", words)
