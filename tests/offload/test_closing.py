"""How calls are handed out, and how those who wait are let go when their pool closes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from crawler.errors import CrawlError, OffloadError, WorkersGone
from crawler.model import Reason
from crawler.offload import Lane, Pool, open_offloader
from crawler.offload.pool import BATCH_BYTES, SIZE_FACTOR
from tests.defaults import make_workers

THREADS = make_workers(executor="thread", count=1, inline_below_bytes=0, batch=4, page_memory_bytes=1 << 20)
LARGE = THREADS.page_memory_bytes


def square(n: int) -> int:
    return n * n


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


async def asking(pool: Pool | Lane, *sizes: int) -> list[asyncio.Task[int]]:
    """Calls of so many bytes that wait for a worker, which nobody is."""
    tasks = [asyncio.create_task(pool.run(square, n, size=size)) for n, size in enumerate(sizes)]
    await turns()
    return tasks


async def turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def answers(tasks: list[asyncio.Task[Any]]) -> list[object]:
    with anyio.fail_after(60):
        return [type(answer) for answer in await asyncio.gather(*tasks, return_exceptions=True)]


# -- closing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [lambda pool: pool, Pool.lane], ids=["pool", "lane"])
async def test_whoever_waits_when_the_pool_closes_is_told_so(of: Callable[[Pool], Pool | Lane]) -> None:
    pool = Pool(THREADS, 1)
    waiting = await asking(of(pool), 0, 10, 20)
    assert pool.waiting == 3
    pool.close()
    assert await answers(waiting) == [WorkersGone] * 3
    assert pool.waiting == 0


async def test_whoever_comes_later_is_told_so_at_once() -> None:
    pool = Pool(THREADS, 1)
    pool.close()
    assert await answers(await asking(pool, 0, LARGE)) == [WorkersGone] * 2
    pool.close()


async def test_whoever_waits_for_much_memory_is_told_so_too() -> None:
    """One has it, the others stand in line for it and have not asked for a worker yet."""
    pool = Pool(THREADS, 1)
    waiting = await asking(pool, LARGE, LARGE, LARGE)
    assert pool.waiting == 1
    pool.close()
    assert await answers(waiting) == [WorkersGone] * 3


async def test_who_needs_more_memory_after_the_pool_was_closed_is_told_so() -> None:
    pool = Pool(THREADS, 1)
    waiting = await asking(pool, 10)
    [call] = await pool.take()
    pool.close()
    call.end(MemoryError())
    assert await answers(waiting) == [WorkersGone]


async def test_who_was_cancelled_before_disturbs_no_closing() -> None:
    pool = Pool(THREADS, 1)
    waiting = await asking(pool, 0, 0)
    waiting[0].cancel()
    await turns()
    pool.close()
    assert await answers(waiting) == [asyncio.CancelledError, WorkersGone]


@pytest.mark.slow
async def test_work_in_hand_is_let_go_when_the_pool_closes() -> None:
    async with open_offloader(THREADS) as pool:
        waiting = [asyncio.create_task(pool.run(nap, 0.2)) for _ in range(3)]
        await turns()
        while pool.waiting == len(waiting):
            await asyncio.sleep(0)
    assert await answers(waiting) == [WorkersGone] * 3


async def test_callers_outside_are_let_go_when_the_block_of_the_pool_fails() -> None:
    waiting: list[asyncio.Task[int]] = []

    async def fail() -> None:
        async with open_offloader(THREADS) as pool:
            assert isinstance(pool, Pool)
            waiting.extend(asyncio.create_task(pool.run(square, n, size=LARGE)) for n in range(3))
            raise OSError("something else")

    with pytest.raises(BaseExceptionGroup):
        await fail()
    assert await answers(waiting) == [WorkersGone] * 3


async def test_callers_are_let_go_when_no_worker_can_be_had_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[asyncio.Task[int]] = []

    async def wait() -> None:
        async with open_offloader(THREADS) as pool:
            waiting.append(asyncio.create_task(pool.run(square, 1)))
            await anyio.sleep_forever()

    async def fail(worker: object) -> None:
        raise CrawlError("no worker")

    monkeypatch.setattr("crawler.offload.worker.Worker._start", fail)
    with anyio.fail_after(60), pytest.raises(BaseExceptionGroup) as caught:
        await wait()
    assert caught.group_contains(CrawlError, match="no worker")
    assert await answers(waiting) == [WorkersGone]


# -- handing out -------------------------------------------------------------------------------------------------------


async def taken(pool: Pool, *, ahead: bool = False) -> int:
    """How many calls one worker takes; 0: it waits."""
    with anyio.move_on_after(0.01):
        return len(await pool.take(ahead=ahead))
    return 0


@pytest.mark.parametrize(("count", "waiting", "shares"), [
    (1, 1, [1]), (1, 4, [4]), (1, 6, [4, 2]), (2, 2, [1, 1]), (2, 5, [3, 1, 1]), (4, 9, [3, 2, 1, 1, 1, 1]),
])  # fmt: skip
async def test_each_worker_takes_its_share_and_no_more_than_a_batch(
    count: int, waiting: int, shares: list[int]
) -> None:
    pool = Pool(THREADS, count)
    tasks = await asking(pool, *[0] * waiting)
    assert [await taken(pool) for _ in range(len(shares) + 1)] == [*shares, 0]
    await cancel(tasks)


async def test_a_batch_is_bounded_in_bytes() -> None:
    pool = Pool(replace(THREADS, page_memory_bytes=1 << 40), 1)
    tasks = await asking(pool, BATCH_BYTES - 1, 1, 1, BATCH_BYTES, 5)
    assert [await taken(pool) for _ in range(4)] == [2, 2, 1, 0]
    await cancel(tasks)


async def test_who_was_cancelled_is_not_worked_for() -> None:
    pool = Pool(THREADS, 1)
    tasks = await asking(pool, 0, 0, 0)
    tasks[1].cancel()
    await turns()
    assert [call.args for call in await pool.take()] == [(0,), (2,)]
    await cancel(tasks)


@pytest.mark.parametrize("count", [1, 2])
async def test_a_busy_worker_takes_ahead_once_so_much_waits_that_none_is_idle(count: int) -> None:
    pool = Pool(THREADS, count)
    enough = THREADS.batch // 2 * count
    tasks = await asking(pool, *[0] * (enough - 1))
    ahead = asyncio.create_task(pool.take(ahead=True))
    await turns()
    assert not ahead.done()
    tasks += await asking(pool, 0)
    assert ahead.done()
    await cancel(tasks)


async def test_no_more_than_one_call_at_a_time_has_much_memory() -> None:
    """It counts as much where ten times its size is more than the share that each may have."""
    pool = Pool(replace(THREADS, page_memory_bytes=4 * 1000 * SIZE_FACTOR), 1)
    most = 1000
    tasks = await asking(pool, most, most, most + 1, most + 1)
    assert pool.waiting == 3
    sizes = [call.size for call in await pool.take()]
    assert sizes == [most, most, most + 1]
    await cancel(tasks)


async def test_a_caller_who_is_answered_is_answered_once() -> None:
    pool = Pool(THREADS, 1)
    tasks = await asking(pool, 0, 0)
    first, second = await pool.take()
    first.end(7)
    first.end(OffloadError(Reason.PARSE_CRASH))
    second.end(OffloadError(Reason.PARSE_CRASH))
    second.end(7)
    assert await answers(tasks) == [int, OffloadError]


async def cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
