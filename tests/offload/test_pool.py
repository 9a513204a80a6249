"""The pool: an answer for every call, whatever becomes of the worker, and however busy the loop is."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from crawler.errors import CrawlError, OffloadError, ParseError, WorkersGone
from crawler.model import Reason
from crawler.offload import Inline, Pool, open_offloader
from tests.defaults import make_workers


def square(n: int) -> int:
    return n * n


def pid(_: int = 0) -> int:
    return os.getpid()


def crash(number: int) -> None:
    os.kill(os.getpid(), number)


def spin() -> None:
    while True:
        pass


def refuse(why: str) -> None:
    raise ParseError(Reason.PARSE, why)


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["process", "thread", "inline"])
async def test_every_call_gets_its_own_answer(executor: str) -> None:
    async with open_offloader(make_workers(executor=executor, count=2)) as pool:
        answers = await asyncio.gather(*(pool.run(square, n) for n in range(300)))
    assert answers == [n * n for n in range(300)]


async def test_work_runs_in_other_processes_and_small_work_stays() -> None:
    async with open_offloader(make_workers(count=1, inline_below_bytes=100)) as pool:
        assert await pool.run(pid, size=100) != os.getpid()
        assert await pool.run(pid, size=99) == os.getpid()


async def test_what_the_work_raises_comes_back_whole() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        with pytest.raises(ParseError) as caught:
            await pool.run(refuse, "no HTML")
    assert (caught.value.reason, caught.value.detail) == (Reason.PARSE, "no HTML")


async def test_an_argument_that_cannot_be_pickled_fails_its_call_and_the_pool_goes_on() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        with pytest.raises(Exception, match="pickle"):
            await pool.run(lambda: 1)
        assert await pool.run(square, 3) == 9


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_crash_costs_one_page_not_its_batch(number: int) -> None:
    async with open_offloader(make_workers(count=1, batch=32)) as pool:
        await pool.run(square, 1)
        calls = [pool.run(square, n) for n in range(10)]
        answers = await asyncio.gather(*calls, pool.run(crash, number), *(pool.run(square, 7) for _ in range(10)),
                                       return_exceptions=True)  # fmt: skip
    guilty = answers.pop(10)
    assert isinstance(guilty, OffloadError)
    assert guilty.reason is Reason.PARSE_CRASH
    assert answers == [n * n for n in range(10)] + [49] * 10


@pytest.mark.slow
async def test_work_without_end_is_stopped_inside_its_process() -> None:
    async with open_offloader(make_workers(count=1, page_cpu_s=0.2)) as pool:
        await pool.run(square, 1)
        with pytest.raises(OffloadError) as caught:
            await pool.run(spin)
        assert caught.value.reason is Reason.PARSE_TIMEOUT
        assert await pool.run(square, 3) == 9


async def test_a_second_worker_is_needed_only_where_the_first_never_rests() -> None:
    pool = Pool(make_workers(count=2), 2, patience_s=60)
    await pool.wait_until_needed()
    pool.note_started()
    second = asyncio.create_task(pool.wait_until_needed())
    for _ in range(20):
        calls = [asyncio.create_task(pool.run(square, n)) for n in range(3)]
        await until(lambda: pool.waiting == 3)
        while pool.waiting:
            for call in await pool.take():
                call.end(0)
        await asyncio.gather(*calls)
    assert not second.done()
    second.cancel()


async def test_a_second_worker_is_needed_where_a_call_waits_for_one_that_never_ends() -> None:
    pool = Pool(make_workers(count=2), 2, patience_s=0.01)
    await pool.wait_until_needed()
    pool.note_started()
    second = asyncio.create_task(pool.wait_until_needed())
    endless = asyncio.create_task(pool.run(square, 1))
    assert len(await pool.take()) == 1
    other = asyncio.create_task(pool.run(square, 2))
    await second
    assert pool.waiting == 1
    pool.close()
    endless.cancel()
    await asyncio.gather(endless, other, return_exceptions=True)


@pytest.mark.slow
async def test_an_idle_worker_gets_work_while_another_is_busy() -> None:
    async with open_offloader(make_workers(count=2)) as pool:
        await have_both_work(pool)
        slow = asyncio.create_task(pool.run(nap, 0.5))
        await until(lambda: pool.waiting == 1)
        await until(lambda: pool.waiting == 0)
        quick = await asyncio.gather(*(pool.run(pid, n) for n in range(20)))
        assert not slow.done()
        assert set(quick) != {await slow}


async def have_both_work(pool: Pool | Inline) -> set[int]:
    """Returns the ids of both workers, once there are two."""
    found = set[int]()
    while len(found) < 2:
        found |= {*await asyncio.gather(*(pool.run(nap, 0.3) for _ in range(3)))}
    return found


async def until(claim: Callable[[], bool]) -> None:
    while not claim():  # a turn of the loop at a time: nothing announces this
        await asyncio.sleep(0)


@pytest.mark.slow
async def test_a_cancelled_caller_disturbs_nobody() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        gone = asyncio.create_task(pool.run(nap, 0.1))
        other = asyncio.create_task(pool.run(square, 5))
        await asyncio.sleep(0)
        gone.cancel()
        assert await other == 25
        with pytest.raises(asyncio.CancelledError):
            await gone


@pytest.mark.slow
async def test_no_process_outlives_the_pool_even_in_the_middle_of_work() -> None:
    async with open_offloader(make_workers(count=2)) as pool:
        workers = {psutil.Process(p) for p in await have_both_work(pool)}
        left_behind = asyncio.create_task(pool.run(nap, 600))
        await asyncio.sleep(0.05)
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive, (gone, alive)
    with pytest.raises(WorkersGone):
        await left_behind


@pytest.mark.long
@pytest.mark.slow
async def test_a_worker_that_cannot_start_ends_the_pool_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.offload.in_worker.begin", _die_at_once)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with open_offloader(make_workers(count=1)) as pool:
            await pool.run(square, 1)
    assert caught.group_contains(CrawlError, match="worker processes cannot start here .*offload.executor")


def _die_at_once(*given: object) -> None:
    os._exit(3)


@pytest.mark.slow
async def test_the_pool_does_not_starve_beside_a_saturated_loop() -> None:
    """DESIGN 6.5: without the breath, a loop that is always busy lets almost no batch through."""
    async with open_offloader(make_workers(count=1, batch=8)) as pool:
        await pool.run(square, 1)
        ends = time.process_time() + 6.0  # a loop that does not breathe lets a dozen batches through in this time
        done = 0

        def goes_on() -> bool:
            return done < 60 and time.process_time() < ends

        async def keep_busy() -> None:
            while goes_on():
                sum(range(2_000))
                await asyncio.sleep(0)

        async def hand_over() -> None:
            nonlocal done
            while goes_on():
                await asyncio.gather(*(pool.run(square, n) for n in range(8)))
                done += 1

        busy = [asyncio.create_task(keep_busy()) for _ in range(4)]
        await hand_over()
        await asyncio.gather(*busy)
    assert done >= 60, f"{done} batches in 6 s of CPU: the loop does not breathe"


def test_the_pool_is_an_offloader() -> None:
    from crawler.protocols import Offloader

    offloader: Offloader = Pool(make_workers(), 1)
    assert callable(offloader.run)
