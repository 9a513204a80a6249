"""Whatever a server says: one answer or one FetchError, in time, and no connection left over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.model import Request, Response, Url
from tests.fetch.conftest import RawServer, Talk, _serving, open_loopback

TIMEOUT_S = 0.3
HANGS_S = 30.0
"""What takes longer than this does not end by its timeout; a busy machine may take some seconds."""

TOKENS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200\n", b"HTTP/1.1 103 E\r\n\r\n", b"HTTP/1.1 304 N\r\n", b"HTTP/1.1 204 N\r\n",
    b"HTTP/1.1 101 S\r\n", b"HTTP/9.9 999 ?\r\n", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"\r\n", b"\n",
    b"Content-Length: 99999\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"3\r\nabc\r\n",
    b"0\r\n\r\n", b"ffffffff\r\n", b"abc", b"Connection: close\r\n", b"Connection: keep-alive, upgrade\r\n",
    b"X: y\r\n", b"Upgrade: websocket\r\n", b"Set-Cookie: a=b\r\n", b": \r\n", b"\x00", b"\xff" * 70, b" ", b"\t",
    b"x" * 9000, b"Content-Encoding: gzip\r\n", b"Location: /x\r\n",
]  # fmt: skip
HEADS = st.lists(st.sampled_from(TOKENS) | st.binary(max_size=20), max_size=14).map(b"".join)
ANSWERS = st.binary(max_size=200) | HEADS | HEADS.map(b"HTTP/1.1 200 OK\r\n".__add__)


def saying(pieces: list[bytes], end: str) -> Callable[[RawServer], Talk]:
    """Says these, then closes, resets or just stands there."""

    def server(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if end == "reset":
                writer.transport.abort()
            elif end == "silence":
                await reader.read()

        return talk

    return server


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANSWERS, max_size=4), st.sampled_from(["close", "close", "reset", "silence"]))
@example([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\nabc"], "silence")
@example([b"HTTP/1.1 200 OK\r\n\r\n", b"abc"], "reset")
def test_whatever_a_server_says_is_one_answer_or_one_error(pieces: list[bytes], end: str) -> None:
    asyncio.run(_exchanges(pieces, end))


async def _exchanges(pieces: list[bytes], end: str) -> None:
    async with _serving(saying(pieces, end), "127.0.0.1") as server:
        async with open_loopback(timeout_s=TIMEOUT_S, cookies=True) as fetcher:
            for path in ("/1", "/2"):
                await _exchange(fetcher, Request(Url(server.url + path), etag='"1"'))
            assert fetcher.gates._inside == {}
            assert fetcher.budget.used == 0
            connector = fetcher.routes.direct
        while connector.open_connections:  # closed, which the loop does in its own time
            await asyncio.sleep(0)
        assert server.connections <= 4


async def _exchange(fetcher: HttpFetcher, request: Request) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        response = await fetcher.fetch(request)
    except FetchError as error:
        told = error.detail
        assert told.isprintable()
        assert len(told) < 300
    else:
        assert isinstance(response, Response)
        assert 200 <= response.status <= 999
        assert fetcher.budget.used == len(response.body) + len(response.heads.response)
        response.release()
    assert loop.time() - begun < HANGS_S
