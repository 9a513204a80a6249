"""Bounds who stands at the door: how many, for how long, and who makes room for whom.

A connection is a *stranger's* until it has shown the token. Strangers have places of their own; where these are full,
the stranger who came first makes room, so that a newcomer can always say who it is. A connection that has shown the
token keeps its place.
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
"""Connections that were closed are told in the log at most so often, by their number."""


class Porch:
    """A protocol factory: every connection of the API stands here."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.closed: Counter[Closed] = Counter()
        """Connections that we closed, by why."""
        self.malformed = 0
        """Requests that were no HTTP."""
        self._make: Callable[[], web.RequestHandler] | None = None
        self._inside: dict[Connection, None] = {}
        self._known: dict[Connection, None] = {}
        self._strangers: dict[str, dict[Connection, None]] = {}
        """By address; of each, the one who came first stands first."""
        self._told = Counter[Closed]()
        self._teller: asyncio.TimerHandle | None = None

    def serve(self, make: Callable[[], web.RequestHandler]) -> None:
        """From now on, connections are handed to protocols that `make` makes."""
        self._make = make

    def __call__(self) -> asyncio.Protocol:
        assert self._make is not None, "serve comes first"
        return Connection(self, self._make)

    @property
    def inside(self) -> int:
        """Open connections."""
        return len(self._inside)

    @property
    def strangers(self) -> int:
        """Those that have not shown the token."""
        return len(self._inside) - len(self._known)

    def enter(self, newcomer: Connection) -> bool:
        """Whether it may stay; where there is no room, others may have to make some."""
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
        """It is gone, or as good as gone."""
        if connection not in self._inside:
            return
        del self._inside[connection]
        self._known.pop(connection, None)
        self._forget_stranger(connection)

    def drop(self, connection: Connection, why: Closed) -> None:
        """Close it at once, whatever it was sent."""
        self.leave(connection)
        self._count(why)
        connection.abort()

    def has_asked(self, request: web.Request) -> None:
        """The head of a request is whole: its connection may take its time."""
        if connection := self._of(request):
            connection.has_asked()

    async def pace(self, request: web.Request) -> None:
        """Let a stranger wait who has asked a lot."""
        connection = self._of(request)
        if connection and connection not in self._known and connection.asked > self.bounds.requests:
            await asyncio.sleep(self.bounds.pace_s)

    def has_answered(self, request: web.Request) -> None:
        """The function that serves the request is done; what it wrote may still be on its way."""
        if connection := self._of(request):
            connection.is_busy = False

    def recognise(self, request: web.Request) -> None:
        """The request came with the token: its connection is no stranger's any more."""
        connection = self._of(request)
        if connection and connection not in self._known:
            self._forget_stranger(connection)
            self._known[connection] = None

    def close(self) -> None:
        """Nobody stays, not even those who do not read."""
        for connection in list(self._inside):
            self.leave(connection)
            connection.abort()
        if self._teller:
            self._teller.cancel()
            self._tell()

    def _of(self, request: web.Request) -> Connection | None:
        """The connection that the request came over, if it is still there."""
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
        """Drop the first of the address that has most, so that no address takes the places of all others."""
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
        """One line for all that happened since the last one."""
        self._teller = None
        words = ", ".join(f"{n} {why}" for why, n in sorted(self._told.items()))
        self._told.clear()
        log.info("closed connections of API clients within a minute: %s (docs/daemon.md says why)", words)
