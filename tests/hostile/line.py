"""One connection as a hostile server holds it: raw bytes, and every way to end."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_NO_LINGER = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST
_MOST_HEAD = 1 << 20


class Asked(NamedTuple):
    """One request."""

    path: str
    """With its query."""
    visit: int
    """Which request for this path of this site, from 1."""
    site: str
    """Scheme, address and port, as the client wrote them."""
    nth: int = 1
    """Which request on this connection, from 1."""
    total: int = 1
    """Which request of this site, from 1."""


@dataclass(slots=True)
class Line:
    """What a behaviour has in hand."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    stays: bool = False
    """Whether another request may come on this connection; a behaviour sets it."""

    async def send(self, *pieces: bytes) -> None:
        """No faster than the client reads. ConnectionError when it is gone."""
        self.writer.write(b"".join(pieces))
        await self.writer.drain()
        if self.writer.is_closing():
            raise ConnectionResetError

    async def drip(self, data: bytes, pause_s: float = 1.0, step: int = 1) -> None:
        """A few bytes at a time."""
        for start in range(0, len(data), step):
            await self.send(data[start : start + step])
            await asyncio.sleep(pause_s)

    async def flood(self, pieces: Iterable[bytes]) -> None:
        """All of them, or as many as the client takes."""
        for piece in pieces:
            await self.send(piece)

    async def silence(self) -> None:
        """Not a byte until the client goes."""
        while await self.reader.read(1 << 16):
            pass

    async def deafness(self) -> None:
        """Nothing is read any more, nothing said, and the end of the client not noticed for long."""
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(40)

    def half_close(self) -> None:
        """Our side has ended; the client's may go on."""
        self.writer.write_eof()

    async def reset(self) -> None:
        """An RST, whatever was in flight."""
        await asyncio.sleep(0.05)  # what was sent before is to arrive before
        wire: socket.socket = self.writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.writer.transport.abort()

    async def head(self) -> bytes:
        """The next request's head. EOFError or ConnectionError when there is none."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = await self.reader.readline()
            if not line or len(head) > _MOST_HEAD:
                raise EOFError
            head += line
        return head
