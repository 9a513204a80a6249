"""One connection of an API client, closed if the client sends no request or does not read its answer in time."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any, Protocol, cast

from aiohttp import web

from .bounds import Bounds, Closed


class ConnectionPolicy(Protocol):
    """Decides which connections may stay."""

    @property
    def bounds(self) -> Bounds: ...

    def enter(self, newcomer: Connection) -> bool:
        """Returns whether a new connection may stay."""

    def leave(self, connection: Connection) -> None:
        """Forgets a connection that is gone."""

    def drop(self, connection: Connection, why: Closed) -> None:
        """Close it at once."""


class Connection(asyncio.Protocol):
    """Passes everything to aiohttp's protocol, and is closed if its client is too slow."""

    __slots__ = (
        "_door",
        "_make",
        "_transport",
        "_waits_for_head",
        "address",
        "asked",
        "inner",
        "is_busy",
        "is_foreign",
        "is_local",
    )

    def __init__(self, door: ConnectionPolicy, make: Callable[[], web.RequestHandler]) -> None:
        self.inner: web.RequestHandler | None = None
        """aiohttp's protocol, made when the first byte comes, so that silent connections cost little."""
        self._make = make
        self.address: str = ""
        """The address under which its peer is counted."""
        self.is_local: bool = False
        """Whether it came over the unix socket, which only its owner can open."""
        self.is_foreign: bool = False
        """Whether it came over the unix socket, yet from another user."""
        self.is_busy: bool = False
        """Whether a request is being served."""
        self.asked: int = 0
        """Requests so far."""
        self._door = door
        self._transport: _Watched | None = None
        """None: the connection was refused, or is gone."""
        self._waits_for_head: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is being served and no data waits to be sent."""
        return not self.is_busy and not (self._transport and self._transport.get_write_buffer_size())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        door = cast(asyncio.Transport, transport)
        self.address, self.is_local = _peer(door)
        self.is_foreign = self.is_local and not _is_ours(door)
        if not self._door.enter(self):
            door.abort()
            return
        bounds = self._door.bounds
        self._transport = _Watched(door, bounds, self)
        self._waits_for_head = asyncio.get_running_loop().call_later(bounds.head_s, self._drop, Closed.SILENT)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self.inner is None:
            self.inner = self._make()
            self.inner.connection_made(cast(asyncio.Transport, self._transport))
        self.inner.data_received(data)

    def eof_received(self) -> None:
        if self.inner:
            self.inner.eof_received()

    def pause_writing(self) -> None:
        if self.inner:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        if self.inner:
            self.inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is None:
            return
        self._door.leave(self)
        self._forget_timers()
        self._transport = None
        if self.inner:
            self.inner.connection_lost(error)

    def has_asked(self) -> None:
        """Notes that the head of a request is complete."""
        self.is_busy = True
        self.asked += 1
        if self._waits_for_head:
            self._waits_for_head.cancel()
            self._waits_for_head = None

    def has_not_read(self) -> None:
        """Closes the connection, because its client did not read."""
        self._drop(Closed.UNREAD)

    def abort(self) -> None:
        """Closes the connection at once; data that waits to be sent is lost."""
        self._forget_timers()
        if self._transport:
            self._transport.abort()

    def _drop(self, why: Closed) -> None:
        self._door.drop(self, why)

    def _forget_timers(self) -> None:
        if self._waits_for_head:
            self._waits_for_head.cancel()
        if self._transport:
            self._transport.forget()


class _Watched:
    """A transport that checks whether its client reads.

    In each period of `write_s`, the client must take all data that waited at its start, or `write_bytes` of it. This
    holds for short answers, long ones and streams, and for data that is left when the server has closed its side.
    """

    __slots__ = ("_bounds", "_goal", "_timer", "_transport", "_written", "owner")

    def __init__(self, transport: asyncio.Transport, bounds: Bounds, owner: Connection) -> None:
        self._transport = transport
        self._bounds = bounds
        self.owner = owner
        self._written = 0
        self._goal = 0
        """The number of written bytes that must be taken when the timer ends."""
        self._timer: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._written += len(data)
        self._transport.write(data)
        self._watch()

    def writelines(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        whole = list(parts)
        self._written += sum(map(len, whole))
        self._transport.writelines(whole)
        self._watch()

    def forget(self) -> None:
        """Stops watching."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        if self._timer is None and (waiting := self._transport.get_write_buffer_size()):
            self._goal = self._written - waiting + min(waiting, self._bounds.write_bytes)
            self._timer = asyncio.get_running_loop().call_later(self._bounds.write_s, self._judge)

    def _judge(self) -> None:
        self._timer = None
        if self._written - self._transport.get_write_buffer_size() < self._goal:
            self.owner.has_not_read()
        else:
            self._watch()


def network(address: object) -> str:
    """Returns the address under which a peer is counted: of IPv6 the first 64 bits, one customer's share."""
    try:
        parsed = ip_address(str(address).partition("%")[0])
    except ValueError:
        return str(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or f"{IPv6Address(int(parsed) >> 64 << 64)}/64")


def _peer(transport: asyncio.Transport) -> tuple[str, bool]:
    """Returns the peer's address, and whether it came over a unix socket."""
    peer = transport.get_extra_info("peername")
    return (network(peer[0]), False) if isinstance(peer, tuple) else ("", True)


def _is_ours(transport: asyncio.Transport) -> bool:
    """Whether the process at the other end runs as our own user or as root.

    If the system does not tell, the socket's mode must be enough.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    own = transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(own.fileno())) as copy:
        _, uid, _ = struct.unpack("3i", copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return uid in (0, os.geteuid())
