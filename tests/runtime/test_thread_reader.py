"""Seeds on their way from a blocking reader to the loop: at once, in order, and not too many of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest

from crawler.runtime.thread_reader import read_batches


async def test_everything_arrives_once_and_in_order() -> None:
    assert [item async for batch in read_batches(iter(range(100_000))) for item in batch] == list(range(100_000))
    nothing: list[int] = []
    assert [batch async for batch in read_batches(nothing)] == []


async def test_what_is_there_does_not_wait_for_what_is_not() -> None:
    more = threading.Event()

    def trickle() -> Iterator[int]:
        yield 1
        assert more.wait(10)
        yield 2

    seen = []
    async for batch in read_batches(trickle()):
        seen.append(batch)
        more.set()
    assert seen == [[1], [2]]


async def test_the_reader_does_not_run_ahead() -> None:
    taken = 0

    def counted() -> Iterator[int]:
        nonlocal taken
        while taken < 1000:
            taken += 1
            yield taken

    seen = 0
    async for batch in read_batches(counted(), room=10):
        seen += len(batch)
        assert taken <= seen + 11
        await anyio.lowlevel.checkpoint()


async def test_an_error_comes_after_what_came_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("the disk is gone")

    async with aclosing(read_batches(broken())) as taking:
        assert await anext(taking) == [1]
        with pytest.raises(ValueError, match="the disk is gone"):
            await anext(taking)


async def test_who_stops_taking_ends_the_reader() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    async with aclosing(read_batches(endless())) as taking:
        assert await anext(taking)


async def test_a_reader_that_hears_nothing_keeps_nobody_waiting() -> None:
    never = threading.Event()

    def silent() -> Iterator[int]:
        never.wait(10)
        yield 1

    with anyio.move_on_after(0.05) as scope:
        async for _ in read_batches(silent()):
            raise AssertionError("nothing was said")
    assert scope.cancelled_caught
    never.set()
