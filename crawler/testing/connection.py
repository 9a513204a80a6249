"""Serves one connection of the fake web: takes requests from the stream, one at a time, and sends the answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from crawler.runtime.clock import monotonic
from crawler.testing.wire import Ending, Step, Wait

HEAD_LIMIT_BYTES = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_NO_LINGER = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST


class Exchange(Protocol):
    """A request that is being answered."""

    @property
    def steps(self) -> bytes | Iterator[Step]:
        """Returns the answer: bytes to send at once, or steps."""
        ...

    def end(self, complete: bool, at: float) -> None:
        """Notes that the answer was sent, or the connection ended. At time `at` no client can have all of it yet."""
        ...


Receive = Callable[[bytes, tuple[str, int]], Exchange]


class Connection(asyncio.Protocol):
    """Implements the HTTP/1.1 that a fake web needs: GET and HEAD, keep-alive, pipelining, no request bodies."""

    _transport: asyncio.Transport

    def __init__(self, receive: Receive, open_connections: set[Connection]) -> None:
        """`receive` takes a request head and the client's address; `open_connections` holds all open connections."""
        self._receive = receive
        self._open = open_connections
        self._inbox = bytearray()
        self._client = ("", 0)
        self._exchange: Exchange | None = None
        self._steps: Iterator[Step] = iter(())
        self._next: asyncio.Handle | None = None
        self._is_full = False
        self._is_last = False
        self._written_at = 0.0

    def abort(self) -> None:
        """Ends the connection now."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._client = tuple(transport.get_extra_info("peername")[:2])
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        self._is_last = True
        if self._next is not None:
            self._next.cancel()
        self._finish(complete=False)

    def data_received(self, data: bytes) -> None:
        self._inbox += data
        self._take_requests()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        if self._exchange is not None and self._next is None:
            self._play()

    def _take_requests(self) -> None:
        while self._exchange is None and not self._is_last:
            end = self._inbox.find(_END_OF_HEAD)
            if end < 0:
                break
            head = bytes(self._inbox[:end])
            del self._inbox[: end + len(_END_OF_HEAD)]
            self._answer(head)
        if len(self._inbox) > HEAD_LIMIT_BYTES:
            self._transport.abort()

    def _answer(self, head: bytes) -> None:
        self._is_last = _is_last(head)
        self._written_at = monotonic()
        self._exchange = exchange = self._receive(head, self._client)
        if isinstance(steps := exchange.steps, bytes):
            self._write(steps)
            self._finish(complete=True)
        else:
            self._steps = steps
            self._play()

    def _play(self) -> None:
        """Takes one step and plans the next: later, when the client has read, or in the loop's next round."""
        self._next = None
        loop = asyncio.get_running_loop()
        try:
            step = next(self._steps, None)
        except BaseException:  # a page's own code failed: the client must not wait for ever
            self._transport.abort()
            raise
        match step:
            case bytes(data):
                self._write(data)
                if not self._is_full:
                    self._next = loop.call_soon(self._play)
            case Wait(seconds):
                self._next = loop.call_later(seconds, self._play)
            case Ending() as ending:
                self._break_off(ending)
            case _:
                self._finish(complete=True)
                self._take_requests()

    def _write(self, data: bytes) -> None:
        self._written_at = monotonic()  # before the write, because the client may have it before `write` returns
        self._transport.write(data)

    def _finish(self, complete: bool) -> None:
        if self._exchange is not None:
            exchange, self._exchange, self._steps = self._exchange, None, iter(())
            exchange.end(complete, self._written_at if complete else monotonic())
            if complete and self._is_last:
                self._transport.close()

    def _break_off(self, ending: Ending) -> None:
        self._is_last = True
        self._finish(complete=False)
        if ending is Ending.CLOSE:
            self._transport.close()
            return
        wire = self._transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()


def _is_last(head: bytes) -> bool:
    """Whether the connection ends after this request: by request, in HTTP/1.0, or because a body follows."""
    lowered = head.lower()
    return b"\r\nconnection: close" in lowered or b" http/1.0\r\n" in lowered or b"\r\ncontent-length:" in lowered
