"""Makes one HTTP exchange (RFC 9110, 9112): sends a request and reads the answer; follows and decodes nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from itertools import count

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
from .connector import Kept, wire_of
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

    def run(self, dns_ms: float, queue_ms: float) -> Awaitable[Response]:
        """Returns the answer. Its body is charged to the share. Raises FetchError.

        The error says that another attempt may help only if the request may be sent twice, or was not sent at all.
        """
        return (self._run if self.request.may_repeat else self._run_once)(dns_ms, queue_ms)

    async def _run_once(self, dns_ms: float, queue_ms: float) -> Response:
        try:
            return await self._run(dns_ms, queue_ms)
        except FetchError as error:
            if not (self._sent and error.transient):
                raise
            detail = f"{error.detail}; {self.request.method} is not sent again, for it may have been heeded"
            raise FetchError(error.reason, detail, retry_after_s=error.retry_after_s) from error

    async def _run(self, dns_ms: float, queue_ms: float) -> Response:
        """Makes the exchange within its time."""
        started_at, begun = wall(), monotonic()
        try:
            with Deadline(self.line.deadlines) as self._deadline:
                connection, wire, message, stream = await self._answer()
                answered, head_held_s = monotonic(), wire.held_s
                heads = Heads(self._sent, wire.head, wire.interim_heads)
                try:
                    body, is_cut = await self._body(wire, message, stream)
                except BaseException as error:
                    connection.close()
                    self._record_failure(error)
                    raise
                number, held_s = self._record_end(message, len(body)), wire.held_s
                self._end(connection, wire, message, is_cut=is_cut)
                waited_s, connect_ms = self._deadline.waited_s, self._connect_ms
                timings = Timings(
                    dns_ms,
                    connect_ms,
                    max(0.0, (answered - begun - head_held_s) * 1000 - connect_ms),
                    max(0.0, monotonic() - answered - waited_s - (held_s - head_held_s)) * 1000,
                    queue=queue_ms + (waited_s + held_s) * 1000,
                )
                return self._make_response(wire, message, body, started_at, timings, heads, number, is_cut=is_cut)
        except TimeoutError as error:
            detail = f"no complete answer within {self.line.timeout_s:g} s"
            raise FetchError(Reason.TIMEOUT, detail, transient=True) from error
        except (ClientError, HttpProcessingError, OSError) as error:
            raise setback(error) from error

    def _end(self, connection: Connection, wire: Wire, message: RawResponseMessage, *, is_cut: bool) -> None:
        """Keeps the connection and the cookies."""
        line = self.line
        if is_cut:
            connection.close()
        else:
            wire.end_answer()
            wire.absences = line.presence.absences
            self.origin.connector.put_back(self.origin.request, connection, wire)
        if line.cookies is not None and "Set-Cookie" in message.headers:
            line.cookies.keep(self.request.url, message.headers.getall("Set-Cookie"))

    def _make_response(
        self, wire: Wire, message: RawResponseMessage, body: bytes, started_at: float, timings: Timings, heads: Heads,
        number: int, *, is_cut: bool,
    ) -> Response:  # fmt: skip
        return Response(
            self.request.url,
            message.code,
            message.raw_headers,
            body,
            "" if self.origin.proxy else wire.ip,
            started_at,
            timings,
            self.origin.tls,
            "length" if is_cut and self.cap is None else "",
            wire.cipher,
            heads,
            number,
            self.share,
        )

    async def _answer(self) -> tuple[Connection, Wire, RawResponseMessage, StreamReader]:
        """Returns the connection, the head of the answer, and the stream of its body.

        A kept connection that the server closed just as we used it is no setback: RFC 9112 9.3.1 lets a GET be sent
        again at once, on another connection. One that was kept while this process was away is not used: its other end
        may be gone without a word. A request that may not be sent twice gets a connection of its own from the start.
        """
        is_resent = False
        origin = self.origin
        while True:
            connection, wire, _ = origin.connector.take(origin.request) or await self._connect()
            if wire.exchanges and (wire.absences != self.line.presence.absences or not self.request.may_repeat):
                connection.close()
                continue
            try:
                self._send(wire, is_resent=is_resent)
                message, stream = await wire.read()
                if message.code < 200:
                    message, stream = await self._skip_interim(wire, message)
                if message.code == 304:
                    check_condition(is_conditional(origin, self.request))
                if not check_framing(message):
                    wire.force_close()
                return connection, wire, message, stream
            except BaseException as error:
                connection.close()
                self._record_failure(error)
                if wire.exchanges == 1 or not isinstance(error, (ServerDisconnectedError, ClientOSError)):
                    raise
                is_resent = True

    async def _connect(self) -> Kept:
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
        now, wire = monotonic(), wire_of(connection)
        if not wire.exchanges:
            self._connect_ms += (now - begun) * 1000
        return Kept(connection, wire, now)

    def _blame(self, error: Exception, told: FetchError) -> FetchError:
        """Returns the error of a connection that could not be made."""
        return blame_proxy(error, told) if self.origin.proxy else told

    def _send(self, wire: Wire, *, is_resent: bool) -> None:
        """Sends the request."""
        line, origin, request = self.line, self.origin, self.request
        wire.expect(origin.throttles, has_body=request.method != "HEAD")
        if self._deadline:
            self._deadline.watch(wire)
        if wire.transport is None:
            raise ServerDisconnectedError
        cookie = line.cookies.of(request.url) if line.cookies is not None else ""
        self._sent = make_head(origin, request, cookie)
        if recorder := line.recorder:
            address = "proxy" if origin.proxy else wire.ip
            self._number = recorder.begin(request, address, is_resent=is_resent)
        wire.transport.write(self._sent + request.body if request.body else self._sent)
        if wire.exchanges == 1:
            line.pace.watch(wire)

    async def _skip_interim(self, wire: Wire, message: RawResponseMessage) -> tuple[RawResponseMessage, StreamReader]:
        """Returns the answer that comes after interim ones."""
        for number in count(1):
            check_interim(message, number)
            message, stream = await wire.read()
            if message.code >= 200:
                return message, stream
        raise AssertionError

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


def _declared(message: RawResponseMessage) -> int:
    """Returns Content-Length, or -1 without one. The parser has already refused contradicting lengths."""
    text = message.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and not message.chunked else -1
