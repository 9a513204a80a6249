"""Proxies: which stand before a site, and what they are told."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crawler.errors import ConfigError, FetchError
from crawler.fetch.proxy_pool import ProxyPool
from crawler.model import Reason, Request, Url
from crawler.settings import FetchConfig
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback


@pytest.mark.parametrize(
    ("entry", "passed_by", "not_passed_by"),
    [
        ("example.org", ["example.org", "www.example.org"], ["badexample.org", "example.org.evil.test"]),
        (".Example.org", ["example.org", "www.example.org"], ["example.com"]),
        ("*.example.org", ["www.example.org"], ["example.com"]),
        ("localhost", ["localhost"], ["local"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "10.example.org"]),
        ("127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]),
        ("::1", ["::1"], ["::2", "127.0.0.1"]),
        ("*", ["example.org", "10.0.0.1"], []),
        ("  ", [], ["example.org"]),
    ],
)
def test_no_proxy_names_who_is_reached_without(entry: str, passed_by: list[str], not_passed_by: list[str]) -> None:
    pool = ProxyPool(FetchConfig(proxy="http://proxy.test:3128", no_proxy=(entry,)))
    assert not any(pool.choose(f"http://{host}", host) for host in passed_by)
    assert all(pool.choose(f"http://{host}", host) for host in not_passed_by)


def test_without_a_proxy_nothing_stands_before_anyone() -> None:
    assert ProxyPool(FetchConfig(no_proxy=("example.org",))).choose("http://example.com", "example.com") is None


@pytest.mark.parametrize("text", ["http://", "http://:80", "http://[::1", "http://proxy.test:port"])
def test_a_proxy_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match=r"fetch\.proxy: not a URL like http://host:port"):
        ProxyPool(FetchConfig(proxy=text))


async def test_who_is_reached_without_the_proxy_is_guarded_all_the_same(serve: Serve) -> None:
    direct, proxy = await serve(ok(b"direct")), await serve(ok(b"relayed"))
    hosts = {"near.test": "127.0.0.1", "inward.test": "10.0.0.1"}
    async with open_loopback(proxy=proxy.url, no_proxy=["near.test", "inward.test"], hosts=hosts) as fetcher:
        near = await fetcher.fetch(Request(Url(f"http://near.test:{direct.port}/")))
        far = await fetcher.fetch(Request(Url("http://far.test/")))
        with pytest.raises(FetchError, match="private") as caught:
            await fetcher.fetch(Request(Url("http://inward.test/")))
    assert (near.body, near.ip, far.body, far.ip) == (b"direct", "127.0.0.1", b"relayed", "")
    assert caught.value.reason is Reason.BLOCKED_ADDRESS
    assert direct.heads[0].startswith(b"GET / HTTP/1.1\r\n")


async def test_a_proxy_is_asked_by_as_many_as_there_are_sites_behind_it(serve: Serve) -> None:
    inside, is_full = 0, asyncio.Event()

    def patient(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal inside
            await raw.read_head(reader)
            inside += 1
            if inside == 9:
                is_full.set()
            await is_full.wait()
            writer.write(ok(b"relayed"))

        return talk

    proxy = await serve(patient)
    async with open_loopback(proxy=proxy.url, per_ip=2) as fetcher:
        await asyncio.gather(*[fetcher.fetch(Request(Url(f"http://far{number}.test/"))) for number in range(9)])
    assert inside == 9


async def test_the_proxy_may_stand_where_no_site_may(serve: Serve) -> None:
    proxy = await serve(ok(b"relayed"))
    async with open_loopback(proxy=proxy.url, allow_networks=()) as fetcher:
        assert (await fetcher.fetch(Request(Url("http://far.test/")))).body == b"relayed"
        with pytest.raises(FetchError, match="loopback"):
            await fetcher.fetch(Request(Url(proxy.url + "/")))


# --- SOCKS ---


@dataclass
class Socks:
    """A SOCKS 5 proxy (RFC 1928, 1929) that leads everywhere to one port of this machine."""

    target: int
    password: bytes = b""
    refusal: int = 0
    port: int = 0
    asked: list[tuple[bytes, int]] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        await reader.readexactly(count)
        writer.write(b"\x05\x02" if self.password else b"\x05\x00")
        if self.password and not await self._is_known(reader, writer):
            return
        _, _, _, kind = await reader.readexactly(4)
        size = {1: 4, 3: None, 4: 16}[kind]
        host = await reader.readexactly(size or (await reader.readexactly(1))[0])
        port = int.from_bytes(await reader.readexactly(2))
        self.asked.append((host, port))
        writer.write(bytes([5, self.refusal, 0, 1]) + bytes(6))
        if self.refusal:
            return
        near_reader, near_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            await asyncio.gather(_pour(reader, near_writer), _pour(near_reader, writer))
        finally:
            near_writer.close()

    async def _is_known(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(1)
        await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x01\x00" if password == self.password else b"\x01\x01")
        return password == self.password


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def socks(target: int, password: bytes = b"", refusal: int = 0) -> AsyncIterator[Socks]:
    proxy = Socks(target, password, refusal)
    server = await asyncio.start_server(proxy.talk, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_looks_names_up_itself(scheme: str, serve: Serve) -> None:
    server = await serve(ok(b"relayed"))
    async with (
        socks(server.port, b"s@crt") as proxy,
        open_loopback(proxy=f"{scheme}://me:s%40crt@127.0.0.1:{proxy.port}", allow_networks=()) as fetcher,
    ):
        for path in ("/a", "/b"):
            response = await fetcher.fetch(Request(Url(f"http://far.test:8080{path}")))
            assert (response.body, response.ip) == (b"relayed", "")
        with pytest.raises(FetchError, match="private"):
            await fetcher.fetch(Request(Url("http://10.0.0.1/")))
    assert proxy.asked == [(b"far.test", 8080)]  # one connection, used twice
    assert server.heads[0].startswith(b"GET /a HTTP/1.1\r\nHost: far.test:8080\r\n")
    assert b"Proxy" not in server.heads[0]


async def test_tls_goes_through_a_socks_proxy_to_the_site_itself() -> None:
    pem = Path(__file__).with_name("secure.test.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ok(b"in confidence"))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with socks(server.sockets[0].getsockname()[1]) as proxy:
        url = f"socks5://127.0.0.1:{proxy.port}"
        async with open_loopback(proxy=url, ca_file=str(pem)) as fetcher:
            assert (await fetcher.fetch(Request(Url("https://secure.test/")))).body == b"in confidence"
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(Request(Url("https://other.test/")))
            assert caught.value.reason is Reason.TLS
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("password", "refusal"), [(b"other", 0), (b"", 2), (b"", 5)])
async def test_a_socks_proxy_that_refuses_is_told(password: bytes, refusal: int) -> None:
    async with (
        socks(1, password, refusal) as proxy,
        open_loopback(proxy=f"socks5://me:wrong@127.0.0.1:{proxy.port}") as fetcher,
    ):
        with pytest.raises(FetchError, match="proxy refused") as caught:
            await fetcher.fetch(Request(Url("http://far.test/")))
    assert (caught.value.reason, caught.value.transient) == (Reason.CONNECT, True)
    assert "wrong" not in str(caught.value)


async def test_a_socks_proxy_that_is_gone_is_told() -> None:
    async with socks(1) as gone:
        pass
    async with open_loopback(proxy=f"socks5://127.0.0.1:{gone.port}") as fetcher:
        with pytest.raises(FetchError, match="connection refused") as caught:
            await fetcher.fetch(Request(Url("http://far.test/")))
    assert (caught.value.reason, caught.value.transient) == (Reason.CONNECT, True)


async def test_a_silent_socks_proxy_is_given_up_on(serve: Serve) -> None:
    silent = await serve(lambda raw: lambda reader, writer: asyncio.Event().wait())
    async with open_loopback(proxy=f"socks5://127.0.0.1:{silent.port}", connect_timeout_s=0.1) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(Request(Url("http://far.test/")))
    assert caught.value.reason is Reason.TIMEOUT


async def test_without_its_library_socks_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ConfigError, match=r"pip install 'crawld\[socks\]'"):
        async with open_loopback(proxy="socks5://127.0.0.1:1"):
            pytest.fail("opened")
