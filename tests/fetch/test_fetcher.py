"""Many exchanges at a time: limits by address, by budget and by open files; proxies and TLS."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawler.errors import ConfigError, FetchError
from crawler.fetch import Budget, HttpFetcher
from crawler.model import Reason, Request, Url
from crawler.settings import FetchConfig
from tests.defaults import open_fetcher
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_files, open_loopback

MANY = 2000


class Crowd:
    """A server that answers nobody until `size` are waiting, and knows how many ever waited together."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.inside = self.worst = 0
        self.is_full = asyncio.Event()

    def __call__(self, raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await raw.read_head(reader)
                self.inside += 1
                self.worst = max(self.worst, self.inside)
                if self.inside == self.size:
                    self.is_full.set()
                await self.is_full.wait()
                self.inside -= 1
                writer.write(ok(b"hello"))

        return talk


@pytest.mark.slow
async def test_two_thousand_slow_answers_are_waited_for_together(serve: Serve) -> None:
    with open_files(3 * MANY):
        crowd = Crowd(MANY)
        server = await serve(crowd)
        async with open_loopback(per_ip=MANY, connect_timeout_s=120.0, timeout_s=120.0) as fetcher:
            answers = [fetcher.fetch(server.request(f"/{number}")) for number in range(MANY)]
            responses = await asyncio.gather(*answers)
        assert crowd.worst == MANY
        assert {response.body for response in responses} == {b"hello"}


async def test_one_address_is_asked_so_many_times_at_once_whatever_its_names(serve: Serve) -> None:
    crowd = Crowd(3)
    server = await serve(crowd)
    hosts = {f"name{number}.test": "127.0.0.1" for number in range(12)}
    async with open_loopback(per_ip=3, hosts=hosts) as fetcher:
        responses = await asyncio.gather(
            *[fetcher.fetch(Request(Url(f"http://{host}:{server.port}/"))) for host in hosts]
        )
    assert len(responses) == 12
    assert crowd.worst == 3


async def test_fifty_streams_over_a_budget_of_two_bodies_all_arrive(serve: Serve) -> None:
    body = os.urandom(400_000)
    server = await serve(ok(body))
    budget = Budget(1_000_000, 500_000)
    async with open_loopback(per_ip=50, budget=budget, max_body_bytes=500_000) as fetcher:

        async def visit(number: int) -> int:
            response = await fetcher.fetch(server.request(f"/{number}"))
            assert budget.used <= budget.limit
            await asyncio.sleep(0)
            response.release()
            return len(response.body)

        async with asyncio.timeout(60):
            assert sum(await asyncio.gather(*[visit(number) for number in range(50)])) == 50 * len(body)
    assert budget.used == 0


async def test_time_spent_waiting_for_the_budget_is_not_held_against_the_server(serve: Serve) -> None:
    server = await serve(ok(b"x" * 1000))
    budget = Budget(2200, 1100)  # a body, its head, and room for no second one
    async with open_loopback(budget=budget, max_body_bytes=1000, timeout_s=0.2) as fetcher:
        first = await fetcher.fetch(server.request("/1"))
        second = asyncio.create_task(fetcher.fetch(server.request("/2")))
        done, _ = await asyncio.wait([second], timeout=0.5)  # longer than the exchange may take
        assert not done
        first.release()
        response = await second
    assert response.timings.queue > 200


async def test_a_plain_proxy_is_told_the_whole_url_and_who_asks(serve: Serve) -> None:
    proxy = await serve(ok(b"relayed"))
    async with open_loopback(proxy=f"http://me:s%40crt@127.0.0.1:{proxy.port}", allow_networks=()) as fetcher:
        for _ in range(2):
            response = await fetcher.fetch(Request(Url("http://far.test/page?q")))
    assert (response.body, response.ip) == (b"relayed", "")
    head = proxy.heads[1].decode()
    assert head.startswith("GET http://far.test/page?q HTTP/1.1\r\nHost: far.test\r\n")
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'me:s@crt').decode()}\r\n" in head
    assert proxy.connections == 1


async def test_a_proxy_that_refuses_the_tunnel_is_named(serve: Serve) -> None:
    proxy = await serve(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    async with open_loopback(proxy=proxy.url) as fetcher:
        with pytest.raises(FetchError, match="the proxy answered HTTP 403") as caught:
            await fetcher.fetch(Request(Url("https://far.test/")))
    assert caught.value.reason is Reason.CONNECT
    assert proxy.heads[0].startswith(b"CONNECT far.test:443 HTTP/1.1\r\n")


async def test_an_address_that_is_not_public_is_not_asked_of_a_proxy_either(serve: Serve) -> None:
    proxy = await serve(ok())
    async with open_loopback(proxy=proxy.url, allow_networks=()) as fetcher:
        with pytest.raises(FetchError, match="private"):
            await fetcher.fetch(Request(Url("http://10.0.0.1/")))
    assert not proxy.heads


@pytest.fixture
async def secure_port() -> AsyncIterator[int]:
    """A server behind a certificate of its own making, for the name secure.test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("secure.test.pem"))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ok(b"in confidence"))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def _secure(fetcher: HttpFetcher, port: int) -> bytes:
    return (await fetcher.fetch(Request(Url(f"https://secure.test:{port}/")))).body


async def test_a_certificate_nobody_vouches_for_is_a_final_setback(secure_port: int) -> None:
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}) as fetcher:
        with pytest.raises(FetchError, match="self-signed certificate") as caught:
            await _secure(fetcher, secure_port)
    assert (caught.value.reason, caught.value.transient) == (Reason.TLS, False)


async def test_certificates_are_not_asked_for_where_settings_say_so(secure_port: int) -> None:
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}, verify_tls=False) as fetcher:
        assert await _secure(fetcher, secure_port) == b"in confidence"


async def test_a_server_that_speaks_no_tls_is_a_tls_setback(serve: Serve) -> None:
    server = await serve(_impolite)
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}) as fetcher:
        with pytest.raises(FetchError) as caught:
            await _secure(fetcher, server.port)
    assert (caught.value.reason, caught.value.transient) == (Reason.TLS, True)


def _impolite(raw: RawServer) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test ESMTP\r\n")
        await reader.read()

    return talk


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"Host": "x"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"Bad Name": "x"}},
        {"headers": {"": "x"}},
    ],
)
async def test_settings_that_would_break_every_request_are_refused_at_once(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"fetch\.headers"):
        async with open_fetcher(FetchConfig.model_validate(settings), "storybot/1.0"):
            pytest.fail("opened")


async def test_a_contact_becomes_the_from_field_when_it_is_a_mailbox(serve: Serve) -> None:
    server = await serve(ok())
    config = FetchConfig(allow_networks=("127.0.0.0/8",))
    for contact in ("owner@example.org", "https://example.org/@bot"):
        async with open_fetcher(config, "storybot/1.0", contact=contact) as fetcher:
            await fetcher.fetch(server.request())
    assert b"From: owner@example.org\r\n" in server.heads[0]
    assert b"From" not in server.heads[1]
