"""A name server on loopback that knows the host names of one web, and remembers which of them were asked for."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import cast

_A = 1
_ANSWER, _NO_SUCH_NAME = 0x8180, 0x8183


class Names(asyncio.DatagramProtocol):
    """Answers questions for IPv4 addresses (RFC 1035 4.1); a name that is not there does not exist."""

    _transport: asyncio.DatagramTransport

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.asked: set[str] = set()
        self._addresses = addresses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = _name(data)
        self.asked.add(name)
        address = self._addresses.get(name)
        is_found = address is not None and data[end : end + 2] == _A.to_bytes(2, "big")
        flags = _ANSWER if address is not None else _NO_SUCH_NAME
        head = data[:2] + struct.pack("!5H", flags, 1, int(is_found), 0, 0)
        record = struct.pack("!HHHIH", 0xC00C, _A, 1, 300, 4) + IPv4Address(address).packed if is_found else b""
        self._transport.sendto(head + data[12 : end + 4] + record, addr)


@asynccontextmanager
async def open_names(addresses: Mapping[str, str]) -> AsyncIterator[tuple[Names, str]]:
    """Serves the names until the block ends; gives the server and its `address:port`."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(lambda: Names(addresses), ("127.0.0.1", 0))
    try:
        yield names, f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


def _name(message: bytes) -> tuple[str, int]:
    """The name in question, and where it ends."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("ascii", "replace").lower())
        at += 1 + message[at]
    return ".".join(labels), at + 1
