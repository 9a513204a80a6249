"""Servers that misbehave at every stage of a connection: each costs one exchange, little time, and no file."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.fetch.wire import MAX_FRAMING, MAX_HEAD_BYTES
from crawler.model import Reason, Request, Url
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback
from tests.fetch.test_speed_check import until

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
RECORD = b"\x16\x03\x03"
Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def leaving_nothing(port: int, **settings: Any) -> AsyncIterator[HttpFetcher]:
    """A fetcher of which nothing is left once its exchange is over: no socket, no task, no byte of the budget."""
    tasks = {task.get_name() for task in asyncio.all_tasks()}
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}, **settings) as fetcher:
        yield fetcher
        assert fetcher.budget.used == 0
        await until(lambda: not fetcher.routes.direct.open_connections)
        await until(lambda: port not in _peers())
    ours = [task for task in asyncio.all_tasks() if task.get_name() not in tasks and "connected" not in repr(task)]
    assert ours == []


def _peers() -> set[int]:
    """The ports that sockets of this process are connected to."""
    peers: set[int] = set()
    for file in map(int, os.listdir("/dev/fd")):
        with suppress(OSError):  # the listing's own file is gone by now; some sockets have no peer
            if stat.S_ISSOCK(os.fstat(file).st_mode):
                with socket.socket(fileno=os.dup(file)) as sock:
                    peer = sock.getpeername()
                    peers |= {peer[1]} if isinstance(peer, tuple) else set()
    return peers


async def setback(fetcher: HttpFetcher, url: str) -> tuple[Reason, bool]:
    async with asyncio.timeout(20):
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(Url(url)))
    assert caught.value.detail.isprintable()
    return caught.value.reason, caught.value.transient


def acting(act: Act) -> Callable[[RawServer], Talk]:
    """Does one thing with each connection, then closes it."""
    return lambda raw: act


def resetting(act: Act) -> Act:
    """The same, but the connection ends with a reset."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await act(reader, writer)

    return reset


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pass


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client goes


async def deafness(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


def saying(*pieces: bytes) -> Act:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 16)
        writer.write(b"".join(pieces))
        await writer.drain()

    return act


def staying(*pieces: bytes) -> Act:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(*pieces)(reader, writer)
        await silence(reader, writer)

    return act


def half_closing(answer: bytes) -> Act:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(answer)(reader, writer)
        writer.write_eof()
        await silence(reader, writer)

    return act


def without_end(begin: bytes, more: Iterable[bytes]) -> Act:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(begin)(reader, writer)
        for piece in more:
            writer.write(piece)
            await writer.drain()

    return act


End = tuple[Reason, bool]
FINAL, BROKEN = (Reason.BAD_RESPONSE, False), (Reason.BAD_RESPONSE, True)
HUGE, LATE = (Reason.TOO_LARGE, False), (Reason.TIMEOUT, True)
LOST, INSECURE = (Reason.CONNECT, True), (Reason.TLS, True)
PLAIN: dict[str, tuple[Act, End]] = {
    "closes for an answer": (saying(), BROKEN),
    "resets at once": (resetting(nothing), LOST),
    "never reads": (deafness, LATE),
    "never answers": (silence, LATE),
    "resets for an answer": (resetting(saying()), LOST),
    "closes within the head": (saying(OK, b"X: y\r\n"), BROKEN),
    "resets within the head": (resetting(saying(OK, b"X: y\r\n")), LOST),
    "closes within the body": (saying(OK, b"Content-Length: 9\r\n\r\nabc"), BROKEN),
    "closes within a chunk": (saying(CHUNKED, b"9\r\nabc"), BROKEN),
    "closes between chunks": (saying(CHUNKED, b"3\r\nabc\r\n"), BROKEN),
    "half closes for an answer": (half_closing(b""), BROKEN),
    "half closes within the body": (half_closing(OK + b"Content-Length: 9\r\n\r\nabc"), BROKEN),
    "stalls within the head": (staying(OK, b"X: y\r\n"), LATE),
    "stalls within the body": (staying(OK, b"Content-Length: 9\r\n\r\nabc"), LATE),
    "stalls within a chunk size": (staying(CHUNKED, b"3"), LATE),
    "stalls before the last chunk": (staying(CHUNKED, b"3\r\nabc\r\n"), LATE),
    "an endless reason": (without_end(b"HTTP/1.1 200 ", repeat(b"OK" * 1000)), FINAL),
    "an endless field": (without_end(OK + b"X: ", repeat(b"y" * 1000)), FINAL),
    "an endless name": (without_end(OK, repeat(b"y" * 1000)), FINAL),
    "endless fields": (without_end(OK, repeat(b"X: y\r\n" * 99)), FINAL),
    "endless blank lines": (without_end(b"", repeat(b"\r\n" * 500)), FINAL),
    "endless interim answers": (without_end(b"", repeat(b"HTTP/1.1 102 Processing\r\n\r\n")), FINAL),
    "an endless chunk size": (without_end(CHUNKED, repeat(b"0" * 1000)), FINAL),
    "an endless chunk extension": (without_end(CHUNKED + b"1;", repeat(b"x" * 1000)), FINAL),
    "chunks that are all extension": (without_end(CHUNKED, repeat(b"1;" + b"x" * 1000 + b"\r\na\r\n")), FINAL),
    "chunks of one byte": (without_end(CHUNKED, repeat(b"1\r\na\r\n" * 200)), FINAL),
    "endless trailers": (without_end(CHUNKED + b"1\r\na\r\n0\r\n", repeat(b"X: y\r\n" * 99)), FINAL),
    "an endless trailer": (without_end(CHUNKED + b"0\r\nX: ", repeat(b"y" * 1000)), FINAL),
    "an endless body": (without_end(OK + b"\r\n", repeat(b"y" * 10_000)), HUGE),
    "endless chunks": (without_end(CHUNKED, repeat(b"64\r\n" + b"y" * 100 + b"\r\n")), HUGE),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAIN)
async def test_a_server_that_misbehaves_costs_one_exchange(name: str, serve: Serve) -> None:
    act, expected = PLAIN[name]
    server = await serve(acting(act))
    timeout_s = 0.3 if expected is LATE else 30.0
    async with leaving_nothing(server.port, timeout_s=timeout_s, max_body_bytes=1 << 20) as fetcher:
        assert await setback(fetcher, server.url + "/") == expected


async def test_an_answer_is_whole_when_the_server_half_closes_after_it(serve: Serve) -> None:
    server = await serve(acting(half_closing(ok(b"abc"))))
    async with leaving_nothing(server.port) as fetcher:
        response = await fetcher.fetch(server.request())
        assert response.body == b"abc"
        response.release()


async def test_small_chunks_pass_while_they_bring_more_than_framing(serve: Serve) -> None:
    chunk = b"%x\r\n" % 4 + b"abcd\r\n"
    count = MAX_FRAMING * MAX_HEAD_BYTES // len(chunk)
    server = await serve(acting(saying(CHUNKED, chunk * count, b"0\r\n\r\n")))
    async with open_loopback() as fetcher:
        assert (await fetcher.fetch(server.request())).body == b"abcd" * count


# --- before there is a connection ---


async def test_a_host_that_takes_no_connection_costs_the_connect_timeout() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for other in (first, second):  # they fill its queue: the next one's SYN is dropped
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        async with open_loopback(connect_timeout_s=0.2) as fetcher:
            assert await setback(fetcher, f"http://127.0.0.1:{full.getsockname()[1]}/") == LATE


TLS: dict[str, tuple[Act, End]] = {
    "accepts in silence": (silence, LATE),
    "stalls within its hello": (staying(RECORD + b"\x00\x7a\x02\x00"), LATE),
    "closes at the hello": (saying(), LOST),
    "resets at the hello": (resetting(saying()), LOST),
    "speaks plain HTTP": (saying(ok(b"abc")), INSECURE),
    "speaks garbage": (saying(bytes(range(256)) * 40), INSECURE),
    "sends a record too large": (saying(RECORD + b"\xff\xff" + b"x" * 70_000), INSECURE),
    "sends an alert": (saying(b"\x15\x03\x03\x00\x02\x02\x28"), INSECURE),
    "garbage without end": (without_end(b"\x00", repeat(b"x" * 1000)), INSECURE),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", TLS)
async def test_tls_that_goes_wrong_costs_one_exchange(name: str, serve: Serve) -> None:
    act, expected = TLS[name]
    server = await serve(acting(act))
    async with leaving_nothing(server.port, connect_timeout_s=0.3 if expected is LATE else 20.0) as fetcher:
        assert await setback(fetcher, f"https://secure.test:{server.port}/") == expected


@pytest.mark.parametrize(
    "rest", [b"", b"\r\nabc", b"Content-Length: 9\r\n\r\nabc", b"Content-Length: 90000\r\n\r\nabc"]
)
async def test_plain_words_within_tls_are_noticed_at_once(rest: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("secure.test.pem"))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + rest)
        await writer.drain()
        sock: socket.socket = writer.get_extra_info("socket")
        os.write(sock.fileno(), b"plain words\r\n" * 50)
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with leaving_nothing(port, verify_tls=False) as fetcher:
        assert await setback(fetcher, f"https://secure.test:{port}/") == INSECURE
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("answer", [ok(b"abc", b"Connection: close"), OK + b"Content-Length: 900\r\n\r\nabc"])
async def test_a_tls_server_that_never_says_goodbye_holds_no_file(answer: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("secure.test.pem"))
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await gone.wait()
        writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with leaving_nothing(port, verify_tls=False, timeout_s=0.5) as fetcher:
        if b"900" in answer:
            assert await setback(fetcher, f"https://secure.test:{port}/") == LATE
        else:
            response = await fetcher.fetch(Request(Url(f"https://secure.test:{port}/")))
            assert (response.body, response.tls) == (b"abc", "unverified")
            assert response.cipher.startswith("TLSv1.")
            response.release()
        async with asyncio.timeout(10):  # half of what TLS would wait for the server's word
            await until(lambda: not fetcher.routes.direct.open_connections)
        gone.set()
    server.close()
    await server.wait_closed()
