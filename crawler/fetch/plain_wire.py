"""Offers the connection over which most answers come: it reads plain ones, and is lent to aiohttp for all others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .files import Files
from .framing import READ_BYTES
from .plain_answers import CHUNKED, Chunks, PlainHead, may_be_plain, read_head
from .throttle import Throttle
from .wire_faults import NoAnswer

if TYPE_CHECKING:
    from .wire import Wire


class Pool(Protocol):
    """Counts the connections that it opened."""

    files: Files
    open_connections: int


class PlainAnswer(NamedTuple):
    """A whole answer."""

    head: PlainHead
    raw_head: bytes
    body: bytes
    begun_at: float
    """When its head was whole, by `perf_counter`."""


class PlainWire(asyncio.Protocol):
    """One connection. It reads plain answers of up to READ_BYTES and leaves all others, untouched, to aiohttp's Wire.

    Bytes that arrive while nothing was asked end the connection: they must not answer the next request (RFC 9112 9.2).
    """

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._files = pool.files
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.ip: str = ""
        self.cipher: str = ""
        """The version and the cipher suite of TLS."""
        self.exchanges: int = 0
        self.absences = 0
        """Absences of this process that were known when the last exchange ended."""
        self.received: int = 0
        """Bytes of the current answer."""
        self.turn: int = 0
        """Goes up with each answer."""
        self._answer: asyncio.Future[PlainAnswer | None] | None = None
        self._data: bytes | bytearray = b""
        """All bytes of the current answer."""
        self._head: PlainHead | None = None
        self._head_bytes = 0
        self._head_at = 0.0
        self._chunks: Chunks | None = None
        self._most = READ_BYTES
        self._keeps = True
        """Whether the last answer lets the connection be used again."""
        self._is_early = False
        """Whether bytes came before the first request."""
        self._is_left = False
        """Whether the current answer is left to aiohttp."""
        self._is_over = False
        self._error: BaseException | None = None
        self._throttles: tuple[Throttle, ...] = ()
        self._holds = 0
        self._held_since = 0.0
        self._held_s = 0.0

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def should_close(self) -> bool:
        """Whether the connection may not be used again."""
        return not (self._keeps and self.connected)

    @property
    def is_awaited(self) -> bool:
        """Whether we wait for bytes of the server now."""
        return self._answer is not None and not self._answer.done()

    # -- one exchange --------------------------------------------------------------------------------------------------

    def expect(self, throttles: tuple[Throttle, ...] = (), most: int = READ_BYTES) -> None:
        """Prepares for the next answer, which is read as fast as the throttles let it.

        It is left to aiohttp if its body is longer than `most` bytes. -1: so is every answer, for it has no body.
        """
        self._most = most
        self.exchanges += 1
        self._files.idle.pop(self, None)
        self.turn += 1
        self.received = 0
        self._head = self._chunks = None
        self._held_s = 0.0
        self._answer = self.loop.create_future()
        if self._is_early:
            self._leave()
        if throttles and self.connected:
            self._throttles = throttles
            for throttle in throttles:
                throttle.join(self)

    async def read(self) -> PlainAnswer | None:
        """Returns the answer; None: it is not plain, so `lend` the connection. Raises NoAnswer, and what `give_up` got.

        Call it once after `expect`.
        """
        assert self._answer is not None
        if self._is_over and not self._answer.done():
            raise NoAnswer from self._error
        return await self._answer

    def end_answer(self) -> None:
        """Ends the answer; nothing is expected until the next request."""
        self._answer, self._data, self._head, self._chunks = None, b"", None, None
        self._leave_throttles()
        self._files.idle[self] = None

    def lend(self, wire: Wire, *, has_body: bool) -> None:
        """Gives the connection to `wire`, with all bytes that came since the request was sent."""
        wire.lender = self
        throttles = self._throttles
        self._leave_throttles()
        self._answer = None
        transport, self.transport = self.transport, None
        assert transport is not None
        if not self._is_over:
            self._uncount()
            transport.set_protocol(wire)
        wire.connection_made(transport)
        wire.ip, wire.cipher, wire.absences, wire.exchanges = self.ip, self.cipher, self.absences, self.exchanges - 1
        data, self._data = bytes(self._data), b""
        if self._is_early:
            wire.data_received(data)
        wire.expect(has_body=has_body)
        if data and not self._is_early:
            wire.data_received(data)
        self._is_early = False
        wire.join(throttles)  # what came so far is charged to them already
        if self._is_over:
            wire.connection_lost(self._error)
        else:
            wire.read_on()

    def take_back(self, wire: Wire) -> None:
        """Takes the connection back from `wire`, whose answer has ended."""
        transport = wire.detach()
        transport.set_protocol(self)
        self._is_left = False
        self._head, self._data, self._chunks = None, b"", None
        self.exchanges, self.absences = wire.exchanges, wire.absences
        self.connection_made(transport)
        self._files.idle[self] = None

    # -- what the loop and others call ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._pool.open_connections += 1
        self._files.open += 1
        peer = transport.get_extra_info("peername")
        self.ip = peer[0] if peer else ""
        if cipher := transport.get_extra_info("cipher"):
            suite, version, _ = cipher
            self.cipher = f"{version} {suite}"

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._is_over or self.transport is None:
            return
        self._is_over, self._error = True, exc
        self._uncount()
        self._leave_throttles()
        if not self.is_awaited:
            return
        if self._data:
            self._leave()
        else:
            error = NoAnswer()
            error.__cause__ = exc
            self._fail(error)

    def data_received(self, data: bytes) -> None:
        if self._answer is None and self.exchanges:
            self.close()
            return
        if self._answer is None or self._is_early:
            self._is_early = True
            self._data += data
            self._stop_transport()
            return
        self.received += len(data)
        for throttle in self._throttles:
            throttle.receive(self, len(data))
        if not self._data:
            self._data = bytes(data)
        else:
            if not isinstance(self._data, bytearray):
                self._data = bytearray(self._data)
            self._data += data
        if self._answer.done():
            self._leave_late()
        elif (self._head is not None or self._read_head()) and not self._is_left:
            self._read_body()

    def close(self) -> None:
        """Closes at once, without waiting for further bytes or for the end of TLS."""
        if self.transport is not None:
            self.transport.abort()

    def drop(self) -> None:
        """Closes at once."""
        self.close()

    def give_up(self, error: Exception) -> None:
        """Ends the answer and the connection with this error."""
        self._fail(error)
        self.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read_head(self) -> bool:
        """Reads the head if it is whole, and returns whether it is."""
        data = self._data
        if self._most < 0:
            self._leave()
            return False
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            if not may_be_plain(data):
                self._leave()
            return False
        self._head = read_head(bytes(data[:end]))
        if self._head is None or self._head.length > self._most:
            self._leave()
            return False
        self._head_bytes, self._head_at = end, perf_counter()
        if self._head.length == CHUNKED:
            self._chunks = Chunks(end, self._most)
        return True

    def _read_body(self) -> None:
        assert self._head is not None
        data, begin = self._data, self._head_bytes
        if self._chunks is not None:
            if not self._chunks.read(data):
                self._leave()
            elif self._chunks.is_whole:
                self._end(self._head, self._chunks.body)
        elif len(data) - begin == self._head.length:
            self._end(self._head, bytes(data[begin:]))
        elif len(data) - begin > self._head.length:
            self._leave()

    def _end(self, head: PlainHead, body: bytes) -> None:
        assert self._answer is not None
        self._keeps = head.keeps
        self._answer.set_result(PlainAnswer(head, bytes(self._data[: self._head_bytes]), body, self._head_at))

    def _leave(self) -> None:
        """Leaves this answer to aiohttp, and reads no more until the connection is lent to it."""
        assert self._answer is not None
        self._is_left = True
        self._stop_transport()
        self._answer.set_result(None)

    def _leave_late(self) -> None:
        """Leaves an answer to aiohttp that more bytes follow, while nobody has taken it yet."""
        if self._is_left:
            return
        self.close()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _uncount(self) -> None:
        self._pool.open_connections -= 1
        self._files.open -= 1
        self._files.idle.pop(self, None)

    # -- throttles -----------------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether a throttle keeps us from reading now."""
        return self._holds > 0

    @property
    def held_s(self) -> float:
        """Seconds of this answer during which throttles kept us from reading."""
        return self._held_s + (self.loop.time() - self._held_since if self._holds else 0.0)

    def hold(self) -> None:
        """Reads nothing until `let_go` was called as often. The bytes stay with the system, so servers have to wait."""
        self._holds += 1
        if self._holds == 1:
            self._held_since = self.loop.time()
            self._stop_transport()

    def let_go(self) -> None:
        """Takes one `hold` back."""
        self._holds -= 1
        if not self._holds:
            self._held_s += self.loop.time() - self._held_since
            if self.connected and not self._is_left:
                with suppress(RuntimeError):  # it is closing
                    self.transport.resume_reading()  # type: ignore[union-attr]

    def _stop_transport(self) -> None:
        if self.connected:
            with suppress(RuntimeError):  # it is closing
                self.transport.pause_reading()  # type: ignore[union-attr]

    def _leave_throttles(self) -> None:
        throttles, self._throttles = self._throttles, ()
        for throttle in throttles:
            throttle.leave(self)
