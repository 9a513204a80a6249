"""The connector: pooled TCP and TLS connections that know their peer, none to an address the guard refuses."""

from __future__ import annotations

import asyncio
import resource
import socket
from functools import partial

from aiohappyeyeballs import AddrInfoType
from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from .guard import Guard
from .resolver import Resolver

KEEP_ALIVE_S = 20.0
"""Longer than a site's usual turn takes to come round; servers close at 5 to 75 s, and a lost race is asked again."""


class AddressRefused(OSError):
    """The guard's word at the last instant, when a socket is made for an address."""


class Wire(ResponseHandler):
    """One connection. aiohttp reads HTTP from it; we note whom it leads to and whether it was used before."""

    def __init__(self, connector: Connector, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._connector = connector
        self.ip = ""
        self.exchanges = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connector.open_connections += 1
        peer = transport.get_extra_info("peername")
        self.ip = peer[0] if peer else ""

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connector.open_connections -= 1
        super().connection_lost(exc)


class Connector(TCPConnector):
    """aiohttp's pool without its limits: the frontier and the visitors bound concurrency."""

    def __init__(self, resolver: Resolver, guard: Guard | None) -> None:
        """Without a guard (behind a proxy) any address is connected to."""
        super().__init__(
            resolver=resolver,
            use_dns_cache=False,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=partial(_guarded_socket, guard) if guard else None,
        )
        self.open_connections = 0
        self._most_kept = _open_files() // 2
        self._factory = partial(Wire, self, self._loop)  # type: ignore[assignment]  # a Wire is a ResponseHandler

    def put_back(self, connection: Connection) -> None:
        """Keep the connection for the site's next turn, unless open files run short."""
        if self.open_connections > self._most_kept:
            connection.close()
        else:
            connection.release()


def _guarded_socket(guard: Guard, info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    refusal = guard.refuses(str(address[0]))
    if refusal:
        raise AddressRefused(f"{address[0]}: {refusal}")
    return socket.socket(family, kind, protocol)


def _open_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft > 0 else 1 << 20
