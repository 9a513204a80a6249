"""Answers that hardly come: found out by their pace, whatever part of them drips."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from crawler.errors import FetchError
from crawler.fetch import Budget
from crawler.model import Reason
from tests.fetch.conftest import RawServer, Serve, Talk, ok, open_loopback

HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS: dict[str, tuple[bytes, bytes]] = {
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "a head": (HEAD, b"X"),
    "head fields": (HEAD, b"X: y\r\n"),
    "a body with a length": (HEAD + b"Content-Length: 1000\r\n\r\n", b"x"),
    "a long body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "a body without a length": (HEAD + b"\r\n", b"x"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a chunk extension": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "a trailer": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X: y\r\n"),
}
HASTY: dict[str, Any] = {"min_bytes_per_s": 1e6, "slow_after_s": 0.1, "timeout_s": 60.0}
"""Any drip is too slow for those."""


def dripping(begin: bytes, drops: Iterable[bytes], pause_s: float = 0.01) -> object:
    def server(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_head(reader)
            writer.write(begin)
            for drop in drops:
                await asyncio.sleep(pause_s)
                writer.write(drop)
                await writer.drain()

        return talk

    return server


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIPS)
async def test_an_answer_that_drips_is_too_slow_and_leaves_nothing_behind(name: str, serve: Serve) -> None:
    begin, drop = DRIPS[name]
    server = await serve(dripping(begin, itertools.repeat(drop)))
    async with open_loopback(**HASTY) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request())
        assert (caught.value.reason, caught.value.transient) == (Reason.TOO_SLOW, True), caught.value
        assert "expected" in caught.value.detail
        assert fetcher.budget.used == 0
        await until(lambda: not fetcher.routes.direct.open_connections)


async def test_one_that_stops_amid_its_body_is_too_slow_long_before_the_deadline(serve: Serve) -> None:
    server = await serve(HEAD + b"Content-Length: 1000\r\n\r\nabc")
    async with open_loopback(**(HASTY | {"min_bytes_per_s": 1.0})) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(server.request())
    assert caught.value.reason is Reason.TOO_SLOW


@pytest.mark.slow
async def test_a_server_may_think_before_its_first_byte_and_after_an_interim_answer(serve: Serve) -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    thinking = [b"", interim, b"", b"", b"", interim, b"", b"", b"", ok(b"abc")]
    server = await serve(dripping(b"", thinking, 0.1))
    async with open_loopback(**(HASTY | {"slow_after_s": 0.6})) as fetcher:
        assert (await fetcher.fetch(server.request())).body == b"abc"


async def test_a_steady_answer_may_take_many_times_as_long(serve: Serve) -> None:
    head = HEAD + b"Content-Length: 40000\r\n\r\n"
    server = await serve(dripping(head, [b"x" * 1000] * 40))
    async with open_loopback(**(HASTY | {"min_bytes_per_s": 100.0, "slow_after_s": 0.05})) as fetcher:
        assert len((await fetcher.fetch(server.request())).body) == 40_000


async def test_without_a_minimum_any_pace_will_do(serve: Serve) -> None:
    server = await serve(dripping(HEAD + b"Content-Length: 20\r\n\r\n", [b"x"] * 20))
    async with open_loopback(**(HASTY | {"min_bytes_per_s": 0.0, "slow_after_s": 0.01})) as fetcher:
        assert len((await fetcher.fetch(server.request())).body) == 20


async def test_a_wait_for_the_budget_is_not_held_against_the_server(serve: Serve) -> None:
    server = await serve(ok(b"x" * 100_000))
    budget = Budget(200_200, 100_100)
    async with open_loopback(budget=budget, max_body_bytes=100_000, **HASTY) as fetcher:
        first = await fetcher.fetch(server.request("/1"))
        second = asyncio.create_task(fetcher.fetch(server.request("/2")))
        done, _ = await asyncio.wait([second], timeout=0.5)
        assert not done
        first.release()
        assert len((await second).body) == 100_000


async def until(is_so: Callable[[], bool]) -> None:
    """Something that happens in the loop's next turns, or never."""
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.001)
