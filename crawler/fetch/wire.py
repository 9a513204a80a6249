"""Reads answers from one TCP or TLS connection, and bounds what a server may send on it and when."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

from .files import Files
from .framing import (
    BLANK_LINE,
    LOOK_BACK,
    count_lengths,
    find_final_head,
    find_plain_head,
    is_http2,
    join_equal_lengths,
    split_heads,
)
from .throttle import Throttle

READ_BYTES = 1 << 16
"""A body declared up to this size is awaited whole. Of a longer one about twice as much may lie unread."""
MAX_FIELD_BYTES = 1 << 16
"""Bytes of the status line or of one header field. Real policies and cookies exceed aiohttp's 8 KiB."""
MAX_FIELDS = 256
"""Header fields of one answer, and of its trailer. Real answers exceed aiohttp's 128."""
MAX_HEAD_BYTES = 1 << 18
"""Bytes of an answer before its body, interim answers included, give or take one read. Browsers allow as much."""
MAX_FRAMING, FRAMING_BYTES = 2, 1 << 19
"""Bytes of framing (chunk sizes, their extensions, trailers) allowed for each byte of a body, and in addition.

Chunks of three bytes pass; an answer that is nothing but framing is ended.
"""


class Http2Only(OSError):
    """Raised when a server answers in HTTP/2, which we did not ask in."""


class TooSlow(OSError):
    """Raised when an answer began and then came too slowly."""


class Owner(Protocol):
    """The pool that a connection belongs to."""

    files: Files
    open_connections: int


class Wire(ResponseHandler):
    """One connection. aiohttp reads HTTP from it; we note its peer, and when the server may send and how much.

    Bytes that arrive after an answer, or while nothing was asked, end the connection: they must not answer the next
    request (RFC 9112 9.2). Bytes read after a request was sent cannot be told from its answer.
    """

    def __init__(self, connector: Owner, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._connector = connector
        self._files = connector.files
        self.ip: str = ""
        self.cipher: str = ""
        """The version and the cipher suite of TLS."""
        self.exchanges: int = 0
        self.absences = 0
        """Absences of this process that were known when the last exchange ended."""
        self.received: int = 0
        """Bytes of the current answer since the last turn began."""
        self.turn: int = 0
        """Goes up with each answer, interim ones included, and after each pause."""
        self.is_awaited: bool = False
        """Whether we wait for bytes of the server now."""
        self._is_asked = True  # from the start: if a server greets us, aiohttp reports what is wrong with it
        self._is_answered = False
        self._head = bytearray()
        """Bytes before the body that came in earlier pieces."""
        self._piece = b""
        """The piece that is being parsed."""
        self._plain = b""
        """The head that the piece begins with, if it is that of a final answer and needs no closer look."""
        self._interim = 0
        """Interim answers that came before."""
        self._lengths = 0
        """Lengths that the head says so far, where it comes in pieces."""
        self.head: bytes = b""
        """The head of the final answer, byte for byte. Set when it is complete."""
        self.interim_heads: tuple[bytes, ...] = ()
        """The heads of the interim answers before it."""
        self._has_body = True
        self._is_retrying = False
        self._fault: BaseException | None = None
        self._throttles: tuple[Throttle, ...] = ()
        self._holds = 0
        self._is_full = False
        """Whether aiohttp wants no more bytes for now."""
        self._held_since = 0.0
        self._held_s = 0.0

    def expect(self, throttles: tuple[Throttle, ...] = (), *, has_body: bool = True) -> None:
        """Prepares for the next answer, with a fresh parser. Without `has_body` the answer is that to a HEAD.

        It is read as fast as the throttles let it.
        """
        self._has_body = has_body
        self.exchanges += 1
        self._files.idle.pop(self, None)
        self.is_awaited = True
        self._is_asked, self._is_answered, self._is_retrying = True, False, False
        self.turn += 1
        self.received = 0
        self._head.clear()
        self._interim = self._lengths = 0
        self._plain = b""
        self._parse_anew()
        self._held_s = 0.0
        self._throttles = throttles if self.connected else ()
        for throttle in self._throttles:
            throttle.join(self)

    @property
    def heads_bytes(self) -> int:
        """The length of the heads of the answer, interim ones included."""
        return len(self.head) + (sum(map(len, self.interim_heads)) if self.interim_heads else 0)

    @property
    def is_held(self) -> bool:
        """Whether a throttle keeps us from reading now."""
        return self._holds > 0

    @property
    def held_s(self) -> float:
        """Seconds of this answer during which throttles kept us from reading."""
        return self._held_s + (self._loop.time() - self._held_since if self._holds else 0.0)

    def hold(self) -> None:
        """Reads nothing until `let_go` was called as often. The bytes stay with the system, so servers have to wait."""
        self._holds += 1
        if self._holds == 1:
            self._held_since = self._loop.time()
            self._stop_transport()

    def let_go(self) -> None:
        """Takes one `hold` back."""
        self._holds -= 1
        if not self._holds:
            self._held_s += self._loop.time() - self._held_since
            if self.transport is not None and not self._is_full:
                with suppress(RuntimeError):  # it is closing
                    self.transport.resume_reading()

    def pause_reading(self) -> None:
        self._is_full = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        if not self._reading_paused:  # aiohttp also calls this for each body that it gives away, and parses nothing
            return
        self._is_full = False
        super().resume_reading(resume_parser)
        if self._holds:
            self._stop_transport()

    def _stop_transport(self) -> None:
        if self.transport is not None:
            with suppress(RuntimeError):  # it is closing
                self.transport.pause_reading()

    def restart(self) -> None:
        """Resumes reading after a pause."""
        self.turn += 1
        self.is_awaited = True
        self.resume_reading()

    def end_answer(self) -> None:
        """Ends the answer; nothing is expected until the next request.

        If more bytes came already, the connection is closed: aiohttp itself finds a whole further answer, and its
        parser finds a part of one.
        """
        if self._has_part_of_more():
            self.force_close()
        self._is_asked = self.is_awaited = False
        self._leave_throttles()
        self.head, self.interim_heads = b"", ()
        self._files.idle[self] = None

    def close(self) -> None:
        """Closes at once, without waiting for further bytes or for the end of TLS."""
        self.abort()

    def give_up(self, error: Exception) -> None:
        """Ends the answer and the connection with this error."""
        self._is_retrying = True
        self.set_exception(error)
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connector.open_connections += 1
        self._files.open += 1
        peer = transport.get_extra_info("peername")
        self.ip = peer[0] if peer else ""
        if cipher := transport.get_extra_info("cipher"):
            suite, version, _ = cipher
            self.cipher = f"{version} {suite}"

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connector.open_connections -= 1
        self._files.open -= 1
        self._files.idle.pop(self, None)
        self._leave_throttles()
        # After a reset or a TLS error, a body that ends with its connection would count as whole.
        if isinstance(exc, OSError):
            self._tell_reader(exc)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._is_asked:
            self.close()
            return
        self.received += len(data)
        if data:
            for throttle in self._throttles:
                throttle.receive(self, len(data))
        self._piece = piece = data
        if not self._is_answered:
            prepared = self._prepare(data)
            if prepared is None:
                return
            data = prepared
        super().data_received(data)
        self._piece = b""
        if self._fault is not None:
            self._read_apart(bytes(self._head + data), bytes(self._head + piece))
            if self._exception is None:
                self.give_up(BadHttpMessage("the answer reads differently the second time"))
        elif not self._is_answered:
            self._add_to_head(data)
        elif self.received > 2 * MAX_HEAD_BYTES and self._payload is not None:
            self._check_framing(self._payload.total_bytes)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        if data[0].code >= 200:
            self._is_answered = True
            if self._head:
                self._piece = bytes(self._head) + self._piece
                self._head.clear()
            if self._plain and not self._interim:
                self.head = self._plain
            else:
                self.head, self.interim_heads = split_heads(self._piece, self._interim)
            self._plain = b""
        else:
            self.turn += 1
            self.received = 0
            self._interim += 1
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Passes the error on to readers of the body too; aiohttp passes it to readers of the head alone."""
        if isinstance(exc, HttpProcessingError) and not (self._is_answered or self._is_retrying):
            exc.__cause__ = exc_cause
            self._fault = exc
            return
        self._tell_reader(exc)
        super().set_exception(exc, exc if exc_cause is None else exc_cause)

    def _leave_throttles(self) -> None:
        throttles, self._throttles = self._throttles, ()
        for throttle in throttles:
            throttle.leave(self)

    def _prepare(self, data: bytes) -> bytes | None:
        """Returns the bytes to parse, of an answer whose head is not read yet; None: they wait for the rest of it."""
        if not self._head and (plain := find_plain_head(data)):
            self._plain = plain
            return data
        head = None if self._head else find_final_head(data)
        data = join_equal_lengths(data, head)
        if head is None and self._says_lengths(data):
            self._gather(data)
            return None
        return data

    def _add_to_head(self, data: bytes) -> None:
        self._head += data
        if len(self._head) > MAX_HEAD_BYTES:
            self.give_up(BadHttpMessage(f"more than {MAX_HEAD_BYTES:,} bytes before the body"))

    def _says_lengths(self, data: bytes) -> bool:
        """Returns whether a head that comes in pieces has more than one length by now."""
        self._lengths += count_lengths(bytes(self._head[-LOOK_BACK:]), data)
        return self._lengths > 1

    def _gather(self, data: bytes) -> None:
        """Keeps a piece until its head is whole, since the parser refuses two lengths, be they equal."""
        self._add_to_head(data)
        if head := find_final_head(self._head):
            exact = bytes(self._head)
            self._read_apart(join_equal_lengths(exact, head), exact)

    def _read_apart(self, data: bytes, exact: bytes) -> None:
        """Parses once more, heads and body apart: aiohttp's parser loses an answer when junk follows in the same piece.

        Examples are a Content-Length that is too small and a body after 204. RFC 9112 6.3 lets us take the answer and
        drop the rest. `exact` is what was sent, where `data` is not.
        """
        self._fault, self._is_retrying, self._plain = None, True, b""
        if is_http2(data):
            self.give_up(Http2Only("it answered with HTTP/2 frames"))
            return
        self._head.clear()
        self._piece, self._interim = exact, 0
        self._parse_anew()
        begin = 0
        for blank in BLANK_LINE.finditer(data):
            super().data_received(data[begin : blank.end()])
            begin = blank.end()
            if self._is_answered or self._exception is not None:
                break
        if self._exception is None:
            super().data_received(data[begin:])
        self._piece = b""

    def _has_part_of_more(self) -> bool:
        try:
            return self._parser is not None and self._parser.feed_eof() is not None
        except HttpProcessingError:
            return True

    def _check_framing(self, body_bytes: int) -> None:
        if self.received > FRAMING_BYTES + (1 + MAX_FRAMING) * body_bytes:
            self.give_up(BadHttpMessage(f"{self.received:,} bytes for {body_bytes:,} of the body"))

    def _parse_anew(self) -> None:
        self.set_response_params(
            auto_decompress=False,
            skip_payload=not self._has_body,
            read_until_eof=True,
            read_bufsize=READ_BYTES,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
        )

    def _tell_reader(self, error: BaseException) -> None:
        if self._payload is not None and not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(error)
