"""A relay on loopback between nodes and a server, which can be told to stall, to reset and to let one side alone."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PIECE = 1 << 16


class Relay:
    """Passes connections on to a port. New connections are as old ones: what stalls, stalls for all."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_deaf = False
        self._pairs: set[tuple[StreamWriter, StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def stall(self) -> None:
        """Passes nothing on, and closes nothing: packets that get lost on the way."""
        self._flows.clear()

    def go_on(self) -> None:
        self._is_deaf = False
        self._flows.set()

    def reset(self) -> None:
        """Cuts all connections, as a firewall that forgets them."""
        for client, server in self._pairs:
            client.transport.abort()
            server.transport.abort()

    def half_open(self) -> None:
        """Ends the connections on the side of the server alone, and lets what clients send go nowhere."""
        self._is_deaf = True
        for _, server in self._pairs:
            server.transport.abort()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            behind, onward = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, onward)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pass(reader, onward, writer), self._pass(behind, writer, onward))
        finally:
            self._pairs.discard(pair)
            for one in pair:
                one.transport.abort()

    async def _pass(self, reader: StreamReader, writer: StreamWriter, back: StreamWriter) -> None:
        with suppress(ConnectionError, OSError):
            while data := await reader.read(PIECE):
                await self._flows.wait()
                if self._is_deaf and writer.transport.is_closing():
                    continue  # swallowed
                writer.write(data)
                await writer.drain()
        if not self._is_deaf:
            for one in (writer, back):
                one.transport.abort()

    def hold(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self.go_on()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def open_relay(to: int) -> AsyncIterator[Relay]:
    """Opens a relay to a port of this machine."""
    relay = Relay(to)
    async with await asyncio.start_server(relay.hold, "127.0.0.1", 0) as listening:
        relay.port = listening.sockets[0].getsockname()[1]
        try:
            yield relay
        finally:
            listening.close()
            await relay.close()
