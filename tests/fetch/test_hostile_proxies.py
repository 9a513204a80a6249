"""Proxies that lie, stall and babble: each costs one exchange, is told in one printable line, and leaves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.model import Reason, Request, Url
from tests.fetch.conftest import Serve, ok, open_loopback
from tests.fetch.test_trouble import (
    BROKEN,
    FINAL,
    LATE,
    LOST,
    Act,
    End,
    acting,
    resetting,
    saying,
    silence,
    staying,
    without_end,
)

SECRET = "s3cret"
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


@asynccontextmanager
async def through(proxy: str, **settings: Any) -> AsyncIterator[HttpFetcher]:
    async with open_loopback(proxy=proxy, **settings) as fetcher:
        yield fetcher
        assert fetcher.budget.used == 0


async def told(fetcher: HttpFetcher, url: str) -> End:
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(Request(Url(url)))
    assert caught.value.detail.isprintable()
    assert SECRET not in str(caught.value)
    assert len(caught.value.detail) < 300
    return caught.value.reason, caught.value.transient


TUNNELS: dict[str, tuple[Act, End]] = {
    "refuses": (saying(b"HTTP/1.1 403 \x1b[31mNo\r\nContent-Length: 0\r\n\r\n"), LOST),
    "wants to know who asks": (saying(b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n"), LOST),
    "sends elsewhere": (saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"), LOST),
    "answers itself": (saying(ok(b"<title>log in to the hotel</title>", b"Connection: close")), LOST),
    "opens a tunnel to plain words": (saying(TUNNEL + ok(b"plain")), LOST),
    "opens a tunnel to nowhere": (saying(TUNNEL), LOST),
    "opens a tunnel to silence": (staying(TUNNEL), LATE),
    "says nothing": (silence, LATE),
    "closes": (saying(), BROKEN),
    "resets": (resetting(saying()), LOST),
    "says what is no HTTP": (saying(b"\x16\x03\x03\xff\xff" * 99), LOST),
    "says fields without end": (without_end(b"HTTP/1.1 200 OK\r\n", repeat(b"X: y\r\n" * 99)), LOST),
    "says a field without end": (without_end(b"HTTP/1.1 200 OK\r\nX: ", repeat(b"y" * 1000)), LOST),
    "says interim answers without end": (without_end(b"", repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 99)), LOST),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", TUNNELS)
async def test_a_proxy_that_opens_no_tunnel_costs_one_exchange(name: str, serve: Serve) -> None:
    act, expected = TUNNELS[name]
    proxy = await serve(acting(act))
    seconds = 0.4 if expected is LATE else 20.0
    url = f"http://me:{SECRET}@127.0.0.1:{proxy.port}"
    async with through(url, connect_timeout_s=seconds, timeout_s=30.0) as fetcher:
        assert await told(fetcher, "https://far.test/") == expected


RELAYED: dict[str, tuple[Act, End]] = {
    "closes": (saying(), BROKEN),
    "says what is no HTTP": (saying(b"hello\r\n\r\n"), FINAL),
    "says fields without end": (without_end(b"HTTP/1.1 200 OK\r\n", repeat(b"X: y\r\n" * 99)), FINAL),
    "says nothing": (silence, LATE),
}


@pytest.mark.parametrize("name", RELAYED)
async def test_a_proxy_that_relays_badly_costs_one_exchange(name: str, serve: Serve) -> None:
    act, expected = RELAYED[name]
    proxy = await serve(acting(act))
    seconds = 0.4 if expected is LATE else 20.0
    async with through(f"http://me:{SECRET}@127.0.0.1:{proxy.port}", timeout_s=seconds) as fetcher:
        assert await told(fetcher, "http://far.test/") == expected


SOCKS: dict[str, tuple[Act, End]] = {
    "speaks another version": (saying(b"\x04\x5a" + bytes(6)), LOST),
    "speaks HTTP": (saying(b"HTTP/1.1 400 Bad\r\n\r\n"), LOST),
    "knows no way in": (saying(b"\x05\xff"), LOST),
    "asks for a way we did not offer": (saying(b"\x05\x01"), LOST),
    "closes amid its word": (saying(b"\x05"), LOST),
    "resets": (resetting(saying()), LOST),
    "says a reason that is none": (saying(b"\x05\x00\x05\xee\x00\x01" + bytes(6)), LOST),
    "names an address of no kind": (saying(b"\x05\x00\x05\x00\x00\x09" + bytes(6)), LOST),
    "names a host of 255 bytes and leaves": (saying(b"\x05\x00\x05\x00\x00\x03\xff"), LOST),
    "says nothing": (silence, LATE),
    "stalls amid its word": (staying(b"\x05"), LATE),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SOCKS)
async def test_a_socks_proxy_that_misbehaves_costs_one_exchange(name: str, serve: Serve) -> None:
    act, expected = SOCKS[name]
    proxy = await serve(acting(act))
    async with through(f"socks5://127.0.0.1:{proxy.port}", connect_timeout_s=0.4, timeout_s=20.0) as fetcher:
        assert await told(fetcher, "http://far.test/") == expected


async def test_a_socks_proxy_that_never_stops_talking_fills_no_memory(serve: Serve) -> None:
    proxy = await serve(acting(without_end(b"\x05\x00\x05\x00\x00\x01" + bytes(6), repeat(b"x" * 1000))))
    async with through(f"socks5://127.0.0.1:{proxy.port}", timeout_s=20.0) as fetcher:
        assert (await told(fetcher, "http://far.test/"))[0] is Reason.BAD_RESPONSE


async def test_what_a_proxy_says_of_cookies_and_names_stays_with_the_site_that_was_asked(serve: Serve) -> None:
    proxy = await serve(ok(b"relayed", b"Set-Cookie: a=b; Domain=other.test", b"Set-Cookie: c=d; Domain=127.0.0.1"))
    async with through(f"http://127.0.0.1:{proxy.port}", allow_networks=()) as fetcher:
        for url in ("http://far.test/", "http://other.test/", "http://far.test/again"):
            (await fetcher.fetch(Request(Url(url)))).release()
    assert [b"Cookie" in head for head in proxy.heads] == [False, False, False]
