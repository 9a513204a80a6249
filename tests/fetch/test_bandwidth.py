"""The cap on bandwidth over real connections: what it holds back waits at the server, and is nobody's fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.fetch.token_bucket import BURST_S
from crawler.model import Reason, Request, Url
from tests.defaults import make_rules
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback

PIECE = 256 << 10
"""The most that one read of a connection brings."""


class Meter:
    """What was read of all connections of a fetcher, and when, by the clock of its loop."""

    def __init__(self, fetcher: HttpFetcher) -> None:
        self.read: list[tuple[float, int]] = []
        throttle, loop = fetcher.limits.own, asyncio.get_running_loop()
        receive = throttle.receive

        def note(one: object, size: int) -> None:
            self.read.append((loop.time(), size))
            receive(one, size)  # type: ignore[arg-type]

        throttle.receive = note  # type: ignore[method-assign]

    def worst_excess(self, rate: float) -> float:
        """Returns by how many bytes any stretch of time brought more than its length times the rate."""
        worst = level = 0.0
        for (before, _), (at, size) in zip([self.read[0], *self.read], self.read, strict=False):
            level = max(0.0, level - (at - before) * rate) + size
            worst = max(worst, level)
        return worst

    @property
    def total(self) -> int:
        return sum(size for _, size in self.read)


async def get(fetcher: HttpFetcher, url: str) -> int:
    response = await fetcher.fetch(Request(Url(url)))
    response.release()
    return len(response.body)


def endless(sent: list[int]) -> Callable[[RawServer], Talk]:
    """A server that sends as fast as it is let, and notes how much it got rid of."""

    def serve_one(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(bytes(1 << 16))
                await writer.drain()
                sent[0] += 1 << 16

        return talk

    return serve_one


async def test_no_stretch_of_time_brings_more_than_the_cap(serve: Serve) -> None:
    server, rate = await serve(ok(bytes(300_000))), 4_000_000
    async with open_loopback(bytes_per_s=rate) as fetcher:
        meter = Meter(fetcher)
        assert await asyncio.gather(*[get(fetcher, f"{server.url}/{n}") for n in range(8)]) == [300_000] * 8
    assert meter.total > 8 * 300_000, "heads count as well"
    assert meter.worst_excess(rate) <= rate * BURST_S + PIECE


async def test_a_server_waits_while_it_is_not_read(serve: Serve) -> None:
    """What it sends stays with it but for what the system buffers: nothing of it collects in our memory."""
    sent = [0]
    server = await serve(endless(sent))
    async with open_loopback(bytes_per_s=100_000, max_body_bytes=1 << 30, budget_bytes=1 << 31) as fetcher:
        meter = Meter(fetcher)
        task = asyncio.create_task(get(fetcher, f"{server.url}/"))
        while not meter.read or sent[0] == 0:
            await asyncio.sleep(0.01)
        before = -1
        while sent[0] != before:  # until its buffers and those of the system are full
            before = sent[0]
            await asyncio.sleep(0.1)
        assert meter.total <= 2 * PIECE
        assert fetcher.budget.used <= 2 * PIECE
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not len(fetcher.limits.own)


async def test_who_is_held_back_by_us_is_neither_too_slow_nor_too_late(serve: Serve) -> None:
    server = await serve(ok(bytes(1_000_000)))
    hasty = {"min_bytes_per_s": 10e6, "slow_after_s": 0.1, "timeout_s": 0.2}
    async with open_loopback(bytes_per_s=2_000_000, **hasty) as fetcher:  # type: ignore[arg-type]
        response = await fetcher.fetch(server.request())
        assert len(response.body) == 1_000_000
        assert response.timings.queue > 200 > response.timings.ttfb + response.timings.download
        response.release()


async def test_a_server_that_is_silent_under_a_cap_is_too_late_all_the_same(serve: Serve) -> None:
    silent = await serve(lambda raw: lambda reader, writer: asyncio.Event().wait())
    async with open_loopback(bytes_per_s=1000, timeout_s=0.2) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(silent.request())
    assert caught.value.reason is Reason.TIMEOUT


async def test_exchanges_share_the_cap_evenly(serve: Serve) -> None:
    """None of them is done before all have most of their bodies."""
    server = await serve(ok(bytes(400_000)))
    async with open_loopback(bytes_per_s=4_000_000) as fetcher:
        brought: dict[object, int] = {}
        throttle = fetcher.limits.own
        receive = throttle.receive

        def note(one: object, size: int) -> None:
            brought[one] = brought.get(one, 0) + size
            receive(one, size)  # type: ignore[arg-type]

        throttle.receive = note  # type: ignore[method-assign]
        tasks = [asyncio.create_task(get(fetcher, f"{server.url}/{n}")) for n in range(5)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert min(brought.values()) > 50_000
        assert len(brought) == 5
        await asyncio.gather(*tasks)


async def test_a_cap_is_changed_while_exchanges_are_under_way(serve: Serve) -> None:
    server = await serve(ok(bytes(3_000_000)))
    async with open_loopback(bytes_per_s=1000) as fetcher:
        task = asyncio.create_task(get(fetcher, f"{server.url}/"))
        while not fetcher.limits.own._held:
            await asyncio.sleep(0.01)
        fetcher.limit_speed(None)
        assert await task == 3_000_000
        fetcher.limit_speed(1000)
        task = asyncio.create_task(get(fetcher, f"{server.url}/"))
        while not fetcher.limits.own._held:
            await asyncio.sleep(0.01)
        fetcher.limit_speed(1 << 40)
        assert await task == 3_000_000


async def test_a_site_has_a_cap_of_its_own(serve: Serve) -> None:
    slow, quick = await serve(ok(bytes(2_000_000))), await serve(ok(bytes(2_000_000)))
    async with open_loopback(sites={slow.url: {"bytes_per_s": "1K"}}) as fetcher:
        task = asyncio.create_task(get(fetcher, f"{slow.url}/"))
        assert await get(fetcher, f"{quick.url}/") == 2_000_000
        assert not task.done()
        fetcher.prepare_sites(make_rules({slow.url: {"bytes_per_s": "1G"}}))()
        await get(fetcher, f"{quick.url}/")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await get(fetcher, f"{slow.url}/") == 2_000_000


async def test_connections_that_are_kept_are_not_held(serve: Serve) -> None:
    server = await serve(ok(bytes(90_000)))
    async with open_loopback(bytes_per_s=1_000_000) as fetcher:
        for n in range(3):
            await get(fetcher, f"{server.url}/{n}")
        assert not len(fetcher.limits.own)
    assert server.connections == 1
