"""Opens connections to sites, to vetted addresses alone, and keeps them for the sites' next turns."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from functools import partial
from ssl import SSLContext
from typing import TYPE_CHECKING, NamedTuple

from aiohappyeyeballs import AddrInfoType, pop_addr_infos_interleave, start_connection

from .files import Files
from .guard import Guard
from .plain_wire import PlainWire
from .resolver import Resolver
from .tls import CommonTrust
from .wire_faults import AddressRefused

if TYPE_CHECKING:
    from .wire import Wire

KEEP_ALIVE_S = 20.0
"""Longer than the usual time between two turns of a site. Servers close at 5 to 75 s; if one closes just before our
request, the request is sent again."""
NEXT_ADDRESS_S = 0.25
"""Time that an address gets before the next one is tried beside it (RFC 8305 5)."""


class Endpoint(NamedTuple):
    """Where the connections of a site lead, and which certificates they trust."""

    host: str
    literal: str
    """The host if it is an address, else empty."""
    port: int
    is_tls: bool
    trust: SSLContext | None
    """None: that of most sites."""


class Connections:
    """The connections to sites that no proxy leads to. The frontier and the visitors bound how many there are."""

    def __init__(self, resolver: Resolver, guard: Guard, files: Files, trust: CommonTrust) -> None:
        self.files = files
        self.open_connections = 0
        self._resolver = resolver
        self._trust = trust
        self._loop = asyncio.get_running_loop()
        self._make_wire = partial(PlainWire, self, self._loop)
        self._make_socket = partial(make_socket, guard, files)
        self._idle: dict[Endpoint, deque[tuple[PlainWire, float]]] = {}
        """Connections that wait, the one that was used last at the end, and since when."""
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, endpoint: Endpoint) -> PlainWire | None:
        """Returns a connection that was kept; None: there is none."""
        idle = self._idle.get(endpoint)
        while idle:
            wire, since = idle.pop()
            if not idle:
                del self._idle[endpoint]
            if wire.connected and self._loop.time() - since < KEEP_ALIVE_S:
                return wire
            wire.close()
        return None

    async def connect(self, endpoint: Endpoint, timeout_s: float) -> PlainWire:
        """Opens a connection. Raises FetchError (a name that cannot be looked up), TimeoutError, OSError."""
        async with asyncio.timeout(timeout_s):
            addresses = (endpoint.literal,) if endpoint.literal else await self._resolver.addresses(endpoint.host)
            trust = (endpoint.trust or await self._trust.get()) if endpoint.is_tls else None
            return await self._connect_to_one([_info(one, endpoint.port) for one in addresses], endpoint.host, trust)

    async def _connect_to_one(self, infos: list[AddrInfoType], host: str, trust: SSLContext | None) -> PlainWire:
        """Connects to the first address that answers, and to another one where TLS with that one fails."""
        while True:
            try:
                sock = await start_connection(
                    infos, happy_eyeballs_delay=NEXT_ADDRESS_S, loop=self._loop, socket_factory=self._make_socket
                )
                name = host.rstrip(".") if trust else None  # certificates name hosts without the last dot
                _, wire = await self._loop.create_connection(
                    self._make_wire, sock=sock, ssl=trust, server_hostname=name
                )
            except OSError:
                pop_addr_infos_interleave(infos, 1)
                if not infos:
                    raise
            else:
                return wire

    def put_back(self, endpoint: Endpoint, wire: PlainWire | Wire) -> None:
        """Keeps the connection for the site's next turn, unless open files are short."""
        if self.files.is_short or wire.should_close:
            wire.close()
            return
        if not isinstance(wire, PlainWire):
            assert wire.lender is not None
            wire.lender.take_back(wire)
            wire = wire.lender
        self._idle.setdefault(endpoint, deque()).append((wire, self._loop.time()))
        if self._sweep is None:
            self._sweep = self._loop.call_later(KEEP_ALIVE_S, self._close_old)

    async def close(self) -> None:
        """Closes all connections that are kept."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for idle in self._idle.values():
            for wire, _ in idle:
                wire.close()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop closes them in its next turn

    def _close_old(self) -> None:
        self._sweep = None
        oldest = self._loop.time() - KEEP_ALIVE_S
        for endpoint in list(self._idle):
            idle = self._idle[endpoint]
            while idle and (idle[0][1] <= oldest or not idle[0][0].connected):
                idle.popleft()[0].close()
            if not idle:
                del self._idle[endpoint]
        if self._idle:
            first = min(idle[0][1] for idle in self._idle.values())
            self._sweep = self._loop.call_at(first + KEEP_ALIVE_S, self._close_old)


def make_socket(guard: Guard | None, files: Files, info: AddrInfoType) -> socket.socket:
    """Makes a socket for an address. Raises AddressRefused. Without a guard every address is allowed."""
    family, kind, protocol, _, address = info
    refusal = guard.refuses(str(address[0])) if guard else None
    if refusal:
        raise AddressRefused(f"{address[0]}: {refusal}")
    files.make_room()
    return socket.socket(family, kind, protocol)


def _info(address: str, port: int) -> AddrInfoType:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
