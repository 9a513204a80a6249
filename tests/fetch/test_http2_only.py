"""Hosts that speak HTTP/2 alone: they are told from broken ones, whichever way they refuse HTTP/1.1."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crawler.errors import FetchError
from crawler.fetch.framing import is_http2
from crawler.model import Reason, Request, Response, Url
from crawler.policy.politeness import setback
from tests.fetch.conftest import Serve, ok, open_loopback
from tests.fetch.test_trouble import acting, saying

SETTINGS = b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"
"""A frame that allows 100 streams: what a server says first (RFC 9113 3.4)."""
GOAWAY = b"\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\0\1"
ALERT = b"\x15\x03\x03\x00\x02\x02\x78"
"""Fatal: no application protocol (RFC 7301 3.2)."""


@asynccontextmanager
async def http2_server(*, greets: bool, tls: bool = True) -> AsyncIterator[int]:
    """A server that offers `h2` alone and says its part before it hears anything, or once it was asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("secure.test.pem"))
    context.set_alpn_protocols(["h2"])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not greets:
            await reader.readuntil(b"\r\n\r\n")
        writer.write(SETTINGS + GOAWAY)
        try:
            await writer.drain()
            await reader.read()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context if tls else None)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def refusal(url: str) -> FetchError:
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}, verify_tls=False) as fetcher, asyncio.timeout(20):
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(Url(url)))
    assert caught.value.detail.startswith("speaks HTTP/2 alone: ")
    assert not caught.value.transient, "asking again helps nobody"
    return caught.value


@pytest.mark.parametrize("greets", [True, False])
@pytest.mark.parametrize("tls", [True, False])
async def test_a_server_that_answers_with_frames_speaks_http2_alone(greets: bool, tls: bool) -> None:
    async with http2_server(greets=greets, tls=tls) as port:
        error = await refusal(f"http{'s' * tls}://secure.test:{port}/")
    assert error.reason is Reason.HTTP2_ONLY


async def test_a_server_that_refuses_http1_in_the_handshake_speaks_http2_alone(serve: Serve) -> None:
    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(ALERT)
        await writer.drain()

    server = await serve(acting(alert))
    assert (await refusal(f"https://secure.test:{server.port}/")).reason is Reason.HTTP2_ONLY


@pytest.mark.parametrize("said", [b"\0" * 20, SETTINGS[:5], b"\0\0\5" + SETTINGS[3:], b"\0\0\6\1" + SETTINGS[4:]])
async def test_other_bytes_are_a_broken_answer(serve: Serve, said: bytes) -> None:
    server = await serve(acting(saying(said)))
    async with open_loopback() as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request())
    assert caught.value.reason is Reason.BAD_RESPONSE
    assert not is_http2(said)
    assert not is_http2(ok(b"abc"))


@pytest.mark.parametrize(
    ("status", "upgrade", "reason"),
    [
        (426, "h2c", Reason.HTTP2_ONLY),
        (426, "TLS/1.2, HTTP/2.0", Reason.HTTP2_ONLY),
        (426, "websocket", Reason.STATUS_4XX),
        (426, "", Reason.STATUS_4XX),
        (505, "", Reason.STATUS_5XX),
        (400, "h2c", Reason.STATUS_4XX),
    ],
)
def test_a_status_says_so_only_where_it_names_http2(status: int, upgrade: str, reason: Reason) -> None:
    fields = ((b"Upgrade", upgrade.encode()),) if upgrade else ()
    error = setback(Response(Url("http://a.test/"), status, fields, b""), 0.0)
    assert error is not None
    assert error.reason is reason
