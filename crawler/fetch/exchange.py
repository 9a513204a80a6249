"""Makes one HTTP exchange (RFC 9110, 9112): sends a request and reads the answer; follows and decodes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter, time
from typing import TYPE_CHECKING, NamedTuple

from anyio import to_thread

from ..errors import FetchError
from ..model import Heads, Reason, Request, Response, Timings
from ..runtime.presence import Presence
from ..settings import FetchConfig
from .budget import BodyShare
from .connections import Connections
from .cookies import Cookies
from .deadline import Deadline, Deadlines
from .framing import READ_BYTES, check_condition, check_framing, check_interim
from .origins import Origin, is_conditional, make_head
from .plain_wire import PlainAnswer, PlainWire
from .proxies import blame_proxy
from .setbacks import handshake_setback, setback
from .speed_check import SpeedCheck
from .wire_faults import NoAnswer

if TYPE_CHECKING:
    from aiohttp.http_parser import RawResponseMessage
    from aiohttp.streams import StreamReader

    from .wire import Wire


class _Begun(NamedTuple):
    """The head of an answer that aiohttp reads, and the stream of its body."""

    message: RawResponseMessage
    stream: StreamReader


class ExchangeTerms:
    """The cookies and limits that all exchanges share."""

    def __init__(self, config: FetchConfig, presence: Presence) -> None:
        self.presence = presence
        self.cookies: Cookies | None = Cookies() if config.cookies else None
        self.pace: SpeedCheck = SpeedCheck(config.min_bytes_per_s, config.slow_after_s)
        self.timeout_s: float = config.timeout_s
        self.deadlines: Deadlines = Deadlines(config.timeout_s)
        self.max_body_bytes: int = config.max_body_bytes
        self.keeps_oversized: bool = config.oversized == "keep"
        self.connect_timeout_s: float = config.connect_timeout_s


_WIRE = f"{__package__}.wire"
_LOST = ("ServerDisconnectedError", "ClientOSError")
"""Names of aiohttp's errors for connections that ended."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `cap` keeps at most that many bytes of the body and ignores the rest."""

    line: ExchangeTerms
    connections: Connections
    origin: Origin
    request: Request
    share: BodyShare
    cap: int | None = None
    _sent: bytes = b""
    """The head of the request."""
    _deadline: Deadline | None = None
    _connect_ms: float = 0.0

    async def run(self, dns_ms: float, queue_ms: float) -> Response:
        """Returns the answer. Its body is charged to the share. Raises FetchError.

        The error says that another attempt may help only if the request may be sent twice, or was not sent at all.
        """
        try:
            return await self._run_in_time(dns_ms, queue_ms)
        except FetchError as error:
            if not (self._sent and error.transient) or self.request.may_repeat:
                raise
            detail = f"{error.detail}; {self.request.method} is not sent again, for it may have been heeded"
            raise FetchError(error.reason, detail, retry_after_s=error.retry_after_s) from error

    async def _run_in_time(self, dns_ms: float, queue_ms: float) -> Response:
        started_at = time()
        try:
            with Deadline(self.line.deadlines) as self._deadline:
                return await self._run(started_at, dns_ms, queue_ms)
        except TimeoutError as error:
            detail = f"no complete answer within {self.line.timeout_s:g} s"
            raise FetchError(Reason.TIMEOUT, detail, transient=True) from error
        except OSError as error:
            raise setback(error) from error
        except Exception as error:
            if isinstance(error, NoAnswer) or type(error).__module__.startswith("aiohttp"):
                raise setback(error) from error
            raise

    async def _run(self, started_at: float, dns_ms: float, queue_ms: float) -> Response:
        begun = perf_counter()
        wire, answer = await self._answer()
        head_held_s = wire.held_s
        try:
            if isinstance(answer, PlainAnswer):
                answered, status, fields = answer.begun_at, answer.head.status, answer.head.fields
                heads = Heads(self._sent, answer.raw_head)
                body, is_cut = answer.body, False
                await self._charge(len(body) + len(answer.raw_head))
            else:
                answered, status, fields = perf_counter(), answer.message.code, answer.message.raw_headers
                heads = Heads(self._sent, wire.head, wire.interim_heads)  # type: ignore[union-attr]
                body, is_cut = await self._body(wire, *answer)  # type: ignore[arg-type]
        except BaseException:
            wire.drop()
            raise
        held_s = wire.held_s
        self._release(wire, is_cut)
        if self.line.cookies is not None and (said := _cookies(fields)):
            self.line.cookies.keep(self.request.url, said)
        budget_s, body_held_s = self._deadline.waited_s if self._deadline else 0.0, held_s - head_held_s
        timings = Timings(
            dns=dns_ms,
            connect=self._connect_ms,
            ttfb=max(0.0, (answered - begun - head_held_s) * 1000 - self._connect_ms),
            download=max(0.0, perf_counter() - answered - budget_s - body_held_s) * 1000,
            queue=queue_ms + (budget_s + held_s) * 1000,
        )
        ip = "" if self.origin.proxy else wire.ip
        return Response(
            self.request.url,
            status,
            fields,
            body,
            ip,
            started_at,
            timings,
            tls=self.origin.tls,
            cipher=wire.cipher,
            truncated="length" if is_cut and self.cap is None else "",
            heads=heads,
            share=self.share,
        )

    def _release(self, wire: PlainWire | Wire, is_cut: bool) -> None:
        """Keeps the connection for the next exchange, if it may be used again."""
        if is_cut:
            wire.drop()
            return
        wire.absences = self.line.presence.absences
        wire.end_answer()
        if self.origin.relay is None:
            self.connections.put_back(self.origin.endpoint, wire)
        else:
            self.origin.relay.connector.put_back(wire)  # type: ignore[arg-type]

    async def _answer(self) -> tuple[PlainWire | Wire, PlainAnswer | _Begun]:
        """Returns the connection and the answer: a whole one, or one of which aiohttp has read the head.

        A kept connection that the server closed just as we used it is no setback: RFC 9112 9.3.1 lets a GET be sent
        again at once, on another connection. One that was kept while this process was away is not used: its other end
        may be gone without a word. A request that may not be sent twice gets a connection of its own from the start.
        """
        while True:
            wire = await self._connect()
            if wire.exchanges and (wire.absences != self.line.presence.absences or not self.request.may_repeat):
                wire.drop()
                continue
            is_kept = wire.exchanges > 0
            try:
                if not isinstance(wire, PlainWire):
                    return wire, await self._ask(wire)
                if answer := await self._ask_plainly(wire):
                    return wire, answer
                wire = await self._lend(wire)
                return wire, await self._read(wire)
            except BaseException as error:
                wire.drop()
                if not (is_kept and _is_lost(error)):
                    raise

    async def _connect(self) -> PlainWire | Wire:
        begun = perf_counter()
        relay = self.origin.relay
        try:
            if relay is not None:
                wire: PlainWire | Wire = await relay.open(self.line.connect_timeout_s)
            elif (kept := self.connections.take(self.origin.endpoint)) is not None:
                return kept
            else:
                wire = await self.connections.connect(self.origin.endpoint, self.line.connect_timeout_s)
        except RuntimeError as error:  # uvloop's way of saying that a descriptor is not free yet
            raise FetchError(Reason.CONNECT, str(error), transient=True) from error
        except FetchError as error:
            raise self._blame(error, error) from error.__cause__
        except Exception as error:
            if isinstance(error, TimeoutError) and error.errno is None:
                told = FetchError(Reason.TIMEOUT, "no connection in time", transient=True)
            elif isinstance(error, OSError) or type(error).__module__.startswith("aiohttp"):
                told = handshake_setback(error)
            else:
                raise
            raise self._blame(error, told) from error
        if not wire.exchanges:
            self._connect_ms += (perf_counter() - begun) * 1000
        return wire

    def _blame(self, error: Exception, told: FetchError) -> FetchError:
        """Returns the error of a connection that could not be made."""
        return blame_proxy(error, told) if self.origin.proxy else told

    async def _ask_plainly(self, wire: PlainWire) -> PlainAnswer | None:
        """Sends the request. Returns the answer; None: aiohttp is to read it."""
        wire.expect(self.origin.throttles, -1 if self.request.method == "HEAD" else min(self._most, READ_BYTES))
        self._send(wire)
        answer = await wire.read()
        if answer is not None and answer.head.status == 304:
            check_condition(is_conditional(self.origin, self.request))
        return answer

    async def _lend(self, plain: PlainWire) -> Wire:
        """Returns aiohttp's connection in the place of this one, with the answer that has begun to come."""
        if _WIRE not in sys.modules:  # it imports aiohttp, in a tenth of a second, which many crawls never need
            await to_thread.run_sync(import_module, _WIRE)
        from .wire import Wire  # noqa: PLC0415

        wire = Wire(self.connections, plain.loop)
        plain.lend(wire, has_body=self.request.method != "HEAD")
        self._watch(wire)
        self.line.pace.watch(wire)
        return wire

    async def _ask(self, wire: Wire) -> _Begun:
        wire.expect(self.origin.throttles, has_body=self.request.method != "HEAD")
        self._send(wire)
        return await self._read(wire)

    def _send(self, wire: PlainWire | Wire) -> None:
        self._watch(wire)
        if wire.transport is None:
            raise NoAnswer
        cookie = self.line.cookies.of(self.request.url) if self.line.cookies is not None else ""
        self._sent = make_head(self.origin, self.request, cookie)
        wire.transport.write(self._sent + self.request.body if self.request.body else self._sent)
        self.line.pace.watch(wire)

    def _watch(self, wire: PlainWire | Wire) -> None:
        if self._deadline:
            self._deadline.watch(wire)

    async def _read(self, wire: Wire) -> _Begun:
        message, stream = await wire.read()
        interim = 0
        while message.code < 200:
            interim += 1
            check_interim(message, interim)
            message, stream = await wire.read()
        if message.code == 304:
            check_condition(is_conditional(self.origin, self.request))
        if not check_framing(message):
            wire.force_close()
        return _Begun(message, stream)

    async def _body(self, wire: Wire, message: RawResponseMessage, stream: StreamReader) -> tuple[bytes, bool]:
        """Returns the body as the server sent it, and whether it was cut at the limit. Charges it with its heads."""
        most = self._most
        if not stream.is_eof():
            declared = _declared(message)
            if declared > most and not self._may_cut:
                raise FetchError(Reason.TOO_LARGE, f"{declared:,} bytes declared, {most:,} allowed")
            if not 0 < declared <= READ_BYTES:
                return await self._long_body(wire, stream, most)
            if stream.exception() is None:  # else the next read raises it
                await stream.wait_eof()
        body = stream.read_nowait()
        is_cut = len(body) > most
        if is_cut:
            body = self._cut(body, most)
        charged = len(body) + wire.heads_bytes
        if not self.share.take(charged):
            await self._wait(wire, stream, charged)
        return body, is_cut

    async def _long_body(self, wire: Wire, stream: StreamReader, most: int) -> tuple[bytes, bool]:
        chunks: list[bytes] = []
        size, heads = 0, wire.heads_bytes
        if not self.share.take(heads):
            await self._wait(wire, stream, heads)
        while chunk := await stream.readany():
            size += len(chunk)
            is_cut = size > most
            if is_cut:
                chunk = self._cut(chunk, len(chunk) - (size - most))
            if not self.share.take(len(chunk)):
                await self._wait(wire, stream, len(chunk))
            chunks.append(chunk)
            if is_cut:
                return b"".join(chunks), True
        return b"".join(chunks), False

    @property
    def _most(self) -> int:
        """The bytes of a body that are kept at most."""
        return self.line.max_body_bytes if self.cap is None else self.cap

    @property
    def _may_cut(self) -> bool:
        return self.cap is not None or self.line.keeps_oversized

    def _cut(self, chunk: bytes, size: int) -> bytes:
        if not self._may_cut:
            raise FetchError(Reason.TOO_LARGE, f"more than {self.line.max_body_bytes:,} bytes")
        return chunk[:size]

    async def _wait(self, wire: Wire, stream: StreamReader, size: int) -> None:
        """Waits until the budget has room. Reading pauses meanwhile, and the deadline moves by as much."""
        is_held = wire.connected and not stream.is_eof()
        wire.is_awaited = False
        if is_held:
            wire.pause_reading()
        await self._wait_for_room(size)
        if is_held and wire.connected:
            wire.restart()

    async def _charge(self, size: int) -> None:
        """Charges the share, as soon as the budget has room."""
        if not self.share.take(size):
            await self._wait_for_room(size)

    async def _wait_for_room(self, size: int) -> None:
        """Waits until the budget has room. The deadline moves by as much."""
        deadline = self._deadline
        since = deadline.stop() if deadline else 0.0
        await self.share.wait(size)
        if deadline:
            deadline.start(since)


def _cookies(fields: Iterable[tuple[bytes, bytes]]) -> list[str]:
    return [value.decode("utf-8", "surrogateescape") for name, value in fields if name.lower() == b"set-cookie"]


def _is_lost(error: BaseException) -> bool:
    """Whether a connection ended before its answer was there."""
    if isinstance(error, NoAnswer):
        return True
    return type(error).__module__.startswith("aiohttp") and type(error).__name__ in _LOST


def _declared(message: RawResponseMessage) -> int:
    """Returns Content-Length, or -1 without one. The parser has already refused contradicting lengths."""
    text = message.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and not message.chunked else -1
