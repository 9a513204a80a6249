"""Accepts connections, several at each turn of the event loop, so that they do not queue up in the kernel.

uvloop accepts one connection a turn. Under a flood of strangers, a client with the token would wait behind hundreds.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)

AT_ONCE = 10
"""Connections accepted at one turn of the loop. A request's head is read about four turns later. Until then, no more
strangers may come than have a place; otherwise a flood from one address pushes out all others before they are read."""
REST_S = 1.0
"""Seconds for which nothing is accepted after a file could not be opened."""


@asynccontextmanager
async def accept_connections(
    sock: socket.socket, make: Callable[[], asyncio.Protocol], backlog: int
) -> AsyncIterator[None]:
    """Accepts connections to `sock` while the block lasts. `make` makes the protocol of each."""
    sock.setblocking(False)
    sock.listen(backlog)
    listener = _Listener(sock, make)
    listener.go_on()
    try:
        yield
    finally:
        await listener.end()


class _Listener:
    def __init__(self, sock: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make = make
        self._coming: set[asyncio.Task[object]] = set()
        self._rest: asyncio.TimerHandle | None = None

    def go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._sock, self._take)

    async def end(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()
        if self._coming:
            await asyncio.wait(self._coming)

    def _take(self) -> None:
        for _ in range(AT_ONCE):
            try:
                client, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:  # the client is gone already
                continue
            except OSError as error:
                self._pause(error)
                return
            client.setblocking(False)
            coming = self._loop.create_task(self._let_in(client))
            self._coming.add(coming)
            coming.add_done_callback(self._coming.discard)

    async def _let_in(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, client)
        except OSError as error:  # the client is gone
            client.close()
            log.debug("a connection ended as it was taken: %s", error)

    def _pause(self, error: OSError) -> None:
        log.warning("no connection of API clients can be taken for %g s: %s", REST_S, error)
        self._loop.remove_reader(self._sock)
        self._rest = self._loop.call_later(REST_S, self.go_on)
