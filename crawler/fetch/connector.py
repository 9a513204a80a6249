"""Offers the connector: kept TCP and TLS connections that know their peer's address, vetted by the guard."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import NamedTuple, cast

from aiohappyeyeballs import AddrInfoType
from aiohttp import ClientRequest, TCPConnector
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection

from .files import Files
from .guard import Guard
from .wire import Wire

KEEP_ALIVE_S = 20.0
"""Longer than the usual time between two turns of a site. Servers close at 5 to 75 s; if one closes just before our
request, the request is sent again."""


class AddressRefused(OSError):
    """Raised when the guard refuses an address at the moment when a socket is made for it."""


class Kept(NamedTuple):
    """A connection, and since when it is not used."""

    connection: Connection
    wire: Wire
    since: float


class Connector(TCPConnector):
    """aiohttp's connector without its limits, because the frontier and the visitors bound concurrency.

    It keeps idle connections itself, by the request that stands for their site: a page takes one and puts it back.
    """

    def __init__(self, resolver: AbstractResolver, guard: Guard | None, files: Files) -> None:
        """Without a guard (behind a proxy) every address is allowed."""
        super().__init__(
            resolver=resolver,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=partial(_socket, guard, files),
        )
        self.files = files
        self.open_connections = 0
        self._factory = partial(Wire, self, self._loop)  # type: ignore[assignment]  # a Wire is a ResponseHandler
        self._kept: dict[ClientRequest, list[Kept]] = {}
        """Idle connections, the one used last at the end."""
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, request: ClientRequest) -> Kept | None:
        """Returns the connection to a site that was used last, if one is kept and alive."""
        kept = self._kept.get(request)
        while kept:
            last = kept.pop()
            transport = last.wire.transport
            if transport is not None and not transport.is_closing() and self._loop.time() - last.since <= KEEP_ALIVE_S:
                return last
            last.connection.close()
        return None

    def put_back(self, request: ClientRequest, connection: Connection, wire: Wire) -> None:
        """Keeps the connection for the site's next turn, unless it cannot be used again or open files are short."""
        if self.files.is_short or wire.should_close:
            connection.close()
            return
        kept = self._kept.get(request)
        if kept is None:
            kept = self._kept[request] = []
        kept.append(Kept(connection, wire, self._loop.time()))
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(KEEP_ALIVE_S, self._sweep)

    def give_up_kept(self) -> None:
        """Gives the kept connections to aiohttp, so that `close` closes them and waits for their ends."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for kept in self._kept.values():
            for one in kept:
                one.connection.release()
        self._kept.clear()

    def _sweep(self) -> None:
        """Closes the connections that were kept long enough, and forgets those that the server closed."""
        oldest, self._sweeping = self._loop.time() - KEEP_ALIVE_S, None
        for request, kept in list(self._kept.items()):
            fresh = []
            for one in kept:
                if one.since > oldest and one.wire.transport is not None:
                    fresh.append(one)
                else:
                    one.connection.close()
            if fresh:
                self._kept[request] = fresh
            else:
                del self._kept[request]
        if self._kept:
            self._sweeping = self._loop.call_later(KEEP_ALIVE_S / 4, self._sweep)


def wire_of(connection: Connection) -> Wire:
    """Returns the protocol of a connection that a Connector made."""
    return cast(Wire, connection.protocol)


def _socket(guard: Guard | None, files: Files, info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    refusal = guard.refuses(str(address[0])) if guard else None
    if refusal:
        raise AddressRefused(f"{address[0]}: {refusal}")
    files.make_room()
    return socket.socket(family, kind, protocol)
