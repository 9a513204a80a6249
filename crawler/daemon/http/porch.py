"""Bounds who stands at the door: so many connections, and each says what it wants within its time."""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp import web

MOST = 1000
"""Connections at a time; whoever comes then is sent away, so that crawls keep their descriptors."""
HEAD_S = 10.0
"""From connecting to the end of the first request's head. Later ones are bounded by the keep-alive time."""


class Porch:
    """A protocol factory around aiohttp's, which itself waits for a first request without end."""

    def __init__(self, *, most: int = MOST, head_s: float = HEAD_S) -> None:
        self._server: web.Server | None = None
        self.most = most
        self.head_s = head_s
        self.inside = 0
        self.silent: set[asyncio.BaseTransport] = set()
        """Those that have not asked for anything yet."""

    def serve(self, server: web.Server) -> None:
        """From now on, connections are handed to `server`."""
        self._server = server

    def __call__(self) -> asyncio.Protocol:
        assert self._server is not None, "serve comes first"
        return _Guest(self, self._server())

    def has_asked(self, request: web.Request) -> None:
        """The head of a request is whole: its connection may take its time."""
        if request.transport is not None:
            self.silent.discard(request.transport)


class _Guest(asyncio.Protocol):
    """Hands everything on to aiohttp's protocol, and leaves when nothing was asked in time."""

    __slots__ = ("_inner", "_porch", "_timer", "_transport")

    def __init__(self, porch: Porch, inner: asyncio.Protocol) -> None:
        self._porch = porch
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        """None: it was not let in."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        door = cast(asyncio.Transport, transport)
        if self._porch.inside >= self._porch.most:
            door.abort()
            return
        self._transport = door
        self._porch.inside += 1
        self._porch.silent.add(door)
        self._timer = asyncio.get_running_loop().call_later(self._porch.head_s, self._send_away, door)
        self._inner.connection_made(door)

    def data_received(self, data: bytes) -> None:
        if self._transport:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is None:
            return
        self._porch.inside -= 1
        self._porch.silent.discard(self._transport)
        if self._timer:
            self._timer.cancel()
        self._transport = None
        self._inner.connection_lost(error)

    def _send_away(self, transport: asyncio.Transport) -> None:
        if transport in self._porch.silent:
            transport.abort()
