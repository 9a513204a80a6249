"""Makes one HTTP exchange (RFC 9110, 9112): sends a request and reads the answer; follows and decodes nothing."""

from __future__ import annotations

from typing import cast

from aiohttp import ClientError, ClientOSError, ClientTimeout, ServerDisconnectedError
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

from ..dataclass import dataclass
from ..errors import FetchError
from ..model import Heads, Reason, Request, Response, Timings
from ..proof import RequestRecorder
from ..runtime.clock import monotonic, wall
from ..runtime.presence import Presence
from ..settings import FetchConfig
from .budget import BodyShare
from .cookies import Cookies
from .deadline import Deadline, Deadlines
from .framing import check_condition, check_framing, check_interim
from .origins import Origin, is_conditional, make_head
from .proxies import blame_proxy
from .setbacks import setback
from .speed_check import SpeedCheck
from .wire import READ_BYTES, Wire


class ExchangeTerms:
    """The cookies and limits that all exchanges share."""

    def __init__(self, config: FetchConfig, presence: Presence) -> None:
        self.presence = presence
        self.recorder: RequestRecorder | None = None
        """Records each request before it leaves. None: nobody does."""
        self.cookies: Cookies | None = Cookies() if config.cookies else None
        self.pace: SpeedCheck = SpeedCheck(config.min_bytes_per_s, config.slow_after_s)
        self.timeout_s: float = config.timeout_s
        self.deadlines: Deadlines = Deadlines(config.timeout_s)
        self.max_body_bytes: int = config.max_body_bytes
        self.keeps_oversized: bool = config.oversized == "keep"
        # By default aiohttp rounds timers of more than 5 s up to whole seconds.
        self.connect_timeout: ClientTimeout = ClientTimeout(
            connect=config.connect_timeout_s, ceil_threshold=float("inf")
        )


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `cap` keeps at most that many bytes of the body and ignores the rest."""

    line: ExchangeTerms
    origin: Origin
    request: Request
    share: BodyShare
    cap: int | None = None
    _sent: bytes = b""
    """The head of the request."""
    _deadline: Deadline | None = None
    _connect_ms: float = 0.0
    _number: int = 0
    """The number of the request under way in the audit of requests; 0: none is, or it is not recorded."""

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
        started_at = wall()
        try:
            with Deadline(self.line.deadlines) as self._deadline:
                return await self._run(started_at, dns_ms, queue_ms)
        except TimeoutError as error:
            detail = f"no complete answer within {self.line.timeout_s:g} s"
            raise FetchError(Reason.TIMEOUT, detail, transient=True) from error
        except (ClientError, HttpProcessingError, OSError) as error:
            raise setback(error) from error

    async def _run(self, started_at: float, dns_ms: float, queue_ms: float) -> Response:
        begun = monotonic()
        connection, message, stream = await self._answer()
        answered = monotonic()
        wire = _wire(connection)
        head_held_s = wire.held_s
        heads = Heads(self._sent, wire.head, wire.interim_heads)
        try:
            body, is_cut = await self._body(wire, message, stream)
        except BaseException as error:
            connection.close()
            self._record_failure(error)
            raise
        number = self._record_end(message, len(body))
        held_s = wire.held_s
        if is_cut:
            connection.close()
        else:
            wire.end_answer()
            wire.absences = self.line.presence.absences
            self.origin.connector.put_back(connection)
        if self.line.cookies is not None and "Set-Cookie" in message.headers:
            self.line.cookies.keep(self.request.url, message.headers.getall("Set-Cookie"))
        budget_s, body_held_s = self._deadline.waited_s if self._deadline else 0.0, held_s - head_held_s
        timings = Timings(
            dns=dns_ms,
            connect=self._connect_ms,
            ttfb=max(0.0, (answered - begun - head_held_s) * 1000 - self._connect_ms),
            download=max(0.0, monotonic() - answered - budget_s - body_held_s) * 1000,
            queue=queue_ms + (budget_s + held_s) * 1000,
        )
        ip = "" if self.origin.proxy else wire.ip
        return Response(
            self.request.url,
            message.code,
            message.raw_headers,
            body,
            ip,
            started_at,
            timings,
            tls=self.origin.tls,
            cipher=wire.cipher,
            truncated="length" if is_cut and self.cap is None else "",
            heads=heads,
            number=number,
            share=self.share,
        )

    async def _answer(self) -> tuple[Connection, RawResponseMessage, StreamReader]:
        """Returns the connection, the head of the answer, and the stream of its body.

        A kept connection that the server closed just as we used it is no setback: RFC 9112 9.3.1 lets a GET be sent
        again at once, on another connection. One that was kept while this process was away is not used: its other end
        may be gone without a word. A request that may not be sent twice gets a connection of its own from the start.
        """
        is_resent = False
        while True:
            connection = await self._connect()
            wire = _wire(connection)
            if wire.exchanges and (wire.absences != self.line.presence.absences or not self.request.may_repeat):
                connection.close()
                continue
            try:
                return (connection, *await self._ask(wire, is_resent=is_resent))
            except BaseException as error:
                connection.close()
                self._record_failure(error)
                if wire.exchanges == 1 or not isinstance(error, (ServerDisconnectedError, ClientOSError)):
                    raise
                is_resent = True

    async def _connect(self) -> Connection:
        begun = monotonic()
        try:
            connection = await self.origin.connector.connect(self.origin.request, [], self.line.connect_timeout)
        except TimeoutError as error:
            raise self._blame(error, FetchError(Reason.TIMEOUT, "no connection in time", transient=True)) from error
        except RuntimeError as error:  # uvloop's way of saying that a descriptor is not free yet
            raise FetchError(Reason.CONNECT, str(error), transient=True) from error
        except FetchError as error:
            raise self._blame(error, error) from error.__cause__
        except (ClientError, HttpProcessingError, OSError) as error:
            raise self._blame(error, setback(error)) from error
        if not _wire(connection).exchanges:
            self._connect_ms += (monotonic() - begun) * 1000
        return connection

    def _blame(self, error: Exception, told: FetchError) -> FetchError:
        """Returns the error of a connection that could not be made."""
        return blame_proxy(error, told) if self.origin.proxy else told

    async def _ask(self, wire: Wire, *, is_resent: bool) -> tuple[RawResponseMessage, StreamReader]:
        wire.expect(self.origin.throttles, has_body=self.request.method != "HEAD")
        if self._deadline:
            self._deadline.watch(wire)
        if wire.transport is None:
            raise ServerDisconnectedError
        cookie = self.line.cookies.of(self.request.url) if self.line.cookies is not None else ""
        self._sent = make_head(self.origin, self.request, cookie)
        if recorder := self.line.recorder:
            address = "proxy" if self.origin.proxy else wire.ip
            self._number = recorder.begin(self.request, address, is_resent=is_resent)
        wire.transport.write(self._sent + self.request.body if self.request.body else self._sent)
        if wire.exchanges == 1:
            self.line.pace.watch(wire)
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
        return message, stream

    def _record_end(self, message: RawResponseMessage, size: int) -> int:
        """Records the whole answer; returns the number of its request."""
        number, self._number = self._number, 0
        if number and (recorder := self.line.recorder):
            recorder.end(number, message.code, size, message.headers.get("Retry-After", ""))
        return number

    def _record_failure(self, error: BaseException) -> None:
        """Records that the request under way, if one is, got no whole answer."""
        number, self._number = self._number, 0
        if number and (recorder := self.line.recorder):
            recorder.fail(number, type(error).__name__)

    async def _body(self, wire: Wire, message: RawResponseMessage, stream: StreamReader) -> tuple[bytes, bool]:
        """Returns the body as the server sent it, and whether it was cut at the limit. Charges it with its heads."""
        most = self.line.max_body_bytes if self.cap is None else self.cap
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
    def _may_cut(self) -> bool:
        return self.cap is not None or self.line.keeps_oversized

    def _cut(self, chunk: bytes, size: int) -> bytes:
        if not self._may_cut:
            raise FetchError(Reason.TOO_LARGE, f"more than {self.line.max_body_bytes:,} bytes")
        return chunk[:size]

    async def _wait(self, wire: Wire, stream: StreamReader, size: int) -> None:
        """Waits until the budget has room. Reading pauses meanwhile, and the deadline moves by as much."""
        deadline = self._deadline
        since = deadline.stop() if deadline else 0.0
        is_held = wire.connected and not stream.is_eof()
        wire.is_awaited = False
        if is_held:
            wire.pause_reading()
        await self.share.wait(size)
        if is_held and wire.connected:
            wire.restart()
        if deadline:
            deadline.start(since)


def _wire(connection: Connection) -> Wire:
    return cast(Wire, connection.protocol)


def _declared(message: RawResponseMessage) -> int:
    """Returns Content-Length, or -1 without one. The parser has already refused contradicting lengths."""
    text = message.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and not message.chunked else -1
