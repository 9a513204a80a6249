"""Takes what connects to a listening socket, a number at each turn of the loop, so that no crowd waits in the kernel.

uvloop takes one connection a turn: while strangers keep it busy, whoever has the token waits behind hundreds of them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)

AT_ONCE = 10
"""Connections taken at one turn of the loop. A head that came along is read some four turns later. Until then no more
strangers may come than have a place, else a crowd at one address pushes everybody out before they are heard."""
REST_S = 1.0
"""How long nothing is taken where no file can be opened."""


@asynccontextmanager
async def listening(sock: socket.socket, make: Callable[[], asyncio.Protocol], backlog: int) -> AsyncIterator[None]:
    """While the block lasts, each connection to `sock` gets a protocol that `make` makes."""
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
            except ConnectionError:  # it has gone already
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
        except OSError as error:  # it has gone meanwhile
            client.close()
            log.debug("a connection ended as it was taken: %s", error)

    def _pause(self, error: OSError) -> None:
        log.warning("no connection of API clients can be taken for %g s: %s", REST_S, error)
        self._loop.remove_reader(self._sock)
        self._rest = self._loop.call_later(REST_S, self.go_on)
