"""Several proxies: which site goes to which, and where its sites go while one fails."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import pytest

from crawler.errors import ConfigError, FetchError
from crawler.fetch import HttpFetcher
from crawler.fetch.proxy_pool import ASIDE_S, MOST_ASIDE_S, ProxyPool
from crawler.model import Reason, Request, Url
from crawler.settings import FetchConfig
from crawler.settings.loading import load, mask_value
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback
from tests.fetch.test_proxies import socks

SITES = [f"http://h{number}.test" for number in range(600)]


class HandClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


def make_pool(clock: HandClock, *proxies: str, no_proxy: tuple[str, ...] = ()) -> ProxyPool:
    return ProxyPool(FetchConfig(proxies=proxies, no_proxy=no_proxy), clock.now)


def choices(pool: ProxyPool) -> dict[str, str]:
    return {site: proxy.name for site in SITES if (proxy := pool.choose(site, site[7:]))}


PROXIES = ("http://one.test:1", "http://two.test:2", "socks5://three.test:3")


def test_each_site_keeps_to_one_proxy_and_all_have_their_share() -> None:
    pool = make_pool(HandClock(), *PROXIES)
    chosen = choices(pool)
    assert chosen == choices(make_pool(HandClock(), *reversed(PROXIES)))
    assert min(Counter(chosen.values()).values()) > 150
    assert set(chosen.values()) == set(PROXIES)


def test_only_the_sites_of_a_proxy_that_fails_move_and_they_come_back() -> None:
    clock = HandClock()
    pool = make_pool(clock, *PROXIES)
    before, version = choices(pool), pool.version
    assert pool.note_failure(pool.proxies[0], "connection refused")
    assert pool.version > version
    during = choices(pool)
    assert {site for site in SITES if during[site] != before[site]} == {
        site for site in SITES if before[site] == PROXIES[0]
    }
    assert set(during.values()) == set(PROXIES[1:])
    version = pool.version
    clock.time += ASIDE_S
    assert pool.version > version
    assert choices(pool) == before


def test_a_proxy_that_fails_again_stays_away_for_longer_and_one_that_works_begins_anew() -> None:
    clock = HandClock()
    pool = make_pool(clock, *PROXIES)
    proxy, waits = pool.proxies[0], []
    for _ in range(8):
        pool.note_failure(proxy, "refused")
        waits.append(proxy.aside_until - clock.time)
        pool.note_failure(proxy, "refused by another exchange at the same time")
        assert proxy.aside_until - clock.time == waits[-1]
        clock.time = proxy.aside_until
    assert waits == [30, 60, 120, 240, 480, MOST_ASIDE_S, MOST_ASIDE_S, MOST_ASIDE_S]
    pool.note_success(proxy)
    pool.note_failure(proxy, "refused")
    assert proxy.aside_until - clock.time == ASIDE_S


def test_if_all_fail_all_are_tried_as_if_none_did() -> None:
    pool = make_pool(HandClock(), *PROXIES)
    before = choices(pool)
    assert [pool.note_failure(proxy, "refused") for proxy in pool.proxies] == [True, True, False]
    assert choices(pool) == before


def test_one_proxy_alone_is_never_put_aside() -> None:
    pool = ProxyPool(FetchConfig(proxy="http://one.test:1"))
    assert not pool.note_failure(pool.proxies[0], "refused")
    assert pool.choose("http://a.test", "a.test") is pool.proxies[0]


def test_a_site_behind_a_proxy_that_works_is_at_fault_itself() -> None:
    clock = HandClock()
    pool = make_pool(clock, *PROXIES)
    began = clock.time
    clock.time += 5
    pool.note_success(pool.proxies[0])
    assert not pool.note_failure(pool.proxies[0], "no connection in time", began=began)
    clock.time += 5
    assert pool.note_failure(pool.proxies[0], "no connection in time", began=began + 6)


def test_a_site_s_own_proxy_comes_before_all_others() -> None:
    pool = make_pool(HandClock(), *PROXIES, no_proxy=("a.test",))
    assert pool.choose("http://a.test", "a.test") is None
    own = pool.choose("http://a.test", "a.test", "http://me:s3cret@own.test:8080")
    assert own
    assert own.name == "http://own.test:8080"
    assert pool.choose("http://b.test", "b.test", "direct") is None
    assert pool.choose("http://b.test", "b.test", PROXIES[1]) is pool.proxies[1]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"proxies": ["ftp://me:s3cret@p.test"]}, "should begin with http://"),
        ({"proxies": ["http://p.test:1", "http://p.test:1"]}, "should name each proxy once"),
        (
            {"proxies": ["http://me:s3cret@p.test:1"], "proxy": "http://p.test:1"},
            "should have one of proxy and proxies",
        ),
    ],
)
def test_proxies_that_cannot_be_used_are_told_without_their_passwords(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(settings=settings)
    assert "s3cret" not in str(caught.value)


def test_proxies_are_shown_unless_they_have_a_password() -> None:
    assert mask_value("fetch.proxies", PROXIES) == PROXIES
    assert mask_value("fetch.proxies", ("http://me:pw@p.test:1",)) == "(not shown)"


# -- real exchanges ----------------------------------------------------------------------------------------------------


async def ask(fetcher: HttpFetcher, url: str) -> bytes:
    response = await fetcher.fetch(Request(Url(url)))
    response.release()
    return response.body


async def gone_proxy() -> str:
    """The URL of a proxy that is not there."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://me:s3cret@127.0.0.1:{port}"


async def test_a_proxy_that_is_gone_costs_no_exchange(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    proxy = await serve(ok(b"relayed"))
    async with open_loopback(proxies=[await gone_proxy(), proxy.url]) as fetcher:
        for number in range(12):
            assert await ask(fetcher, f"http://h{number}.test/") == b"relayed"
        assert {fetcher.proxy_of(f"http://h{number}.test") for number in range(12)} == {proxy.url}
    (warning,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "fails (connection refused): its sites use others for 30 s" in warning
    assert "s3cret" not in caplog.text


async def test_if_none_is_there_the_exchange_says_so() -> None:
    async with open_loopback(proxies=[await gone_proxy(), await gone_proxy()]) as fetcher:
        for _ in range(2):
            with pytest.raises(FetchError, match="connection refused") as caught:
                await fetcher.fetch(Request(Url("http://a.test/")))
            assert (caught.value.reason, caught.value.transient) == (Reason.CONNECT, True)


async def test_sites_come_back_to_a_proxy_that_works_again(serve: Serve) -> None:
    one, two = await serve(ok(b"one")), await serve(ok(b"two"))
    clock = HandClock()
    async with open_loopback(proxies=[one.url, two.url]) as fetcher:
        pool = fetcher.routes.pool
        pool._now = clock.now

        async def ask_all() -> list[bytes]:
            return [await ask(fetcher, f"{site}/") for site in SITES[:10]]

        before = await ask_all()
        assert set(before) == {b"one", b"two"}
        pool.note_failure(pool.proxies[0], "refused")
        assert set(await ask_all()) == {b"two"}
        clock.time += ASIDE_S
        assert await ask_all() == before


def refusing(answer: bytes) -> Callable[[RawServer], Talk]:
    def serve_one(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(answer)
            await writer.drain()

        return talk

    return serve_one


async def test_a_proxy_that_does_not_know_us_costs_no_exchange_if_another_one_does(serve: Serve) -> None:
    stranger = await serve(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n")
    friend = await serve(ok(b"relayed"))
    async with open_loopback(proxies=[stranger.url, friend.url]) as fetcher:
        assert {await ask(fetcher, f"{site}/") for site in SITES[:40]} == {b"relayed"}
        assert len(stranger.heads) == 1
        assert fetcher.budget.used == 0
    async with open_loopback(proxy=stranger.url) as fetcher:
        response = await fetcher.fetch(Request(Url("http://a.test/")))
        response.release()
        assert response.status == 407


@pytest.mark.parametrize(("answer", "is_aside"), [(b"407 Who", True), (b"403 No", False), (b"502 Gone", False)])
async def test_a_refused_tunnel_is_the_proxy_s_fault_only_if_it_does_not_know_us(
    answer: bytes, is_aside: bool, serve: Serve
) -> None:
    proxies = [await serve(refusing(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % answer)) for _ in range(2)]
    async with open_loopback(proxies=[proxy.url for proxy in proxies]) as fetcher:
        with pytest.raises(FetchError, match=f"the proxy answered HTTP {answer[:3].decode()}"):
            await fetcher.fetch(Request(Url("https://far.test/")))
        assert sum(proxy.connections for proxy in proxies) == (2 if is_aside else 1)


async def test_sites_behind_http_and_socks_proxies_have_them_for_themselves(serve: Serve) -> None:
    server, http = await serve(ok(b"by socks")), await serve(ok(b"by http"))
    near = await serve(ok(b"direct"))
    async with socks(server.port) as proxy:
        sites = {
            "socks.test": {"proxy": f"socks5://127.0.0.1:{proxy.port}"},
            near.url: {"proxy": "direct"},
        }
        async with open_loopback(proxy=http.url, sites=sites) as fetcher:
            assert await ask(fetcher, "http://socks.test/") == b"by socks"
            assert await ask(fetcher, "http://other.test/") == b"by http"
            assert await ask(fetcher, f"{near.url}/") == b"direct"
