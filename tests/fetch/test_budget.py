"""The byte budget: never over its limit, never stuck, and empty in the end."""

import asyncio
import random

import pytest

from crawler.fetch import Budget
from crawler.fetch.budget import Share
from crawler.model import Response, Url


def url(name: object) -> Url:
    return Url(f"http://h/{name}")


async def read(share: Share, pieces: list[int]) -> None:
    """What an exchange does with its share."""
    for piece in pieces:
        if not share.take(piece):
            await share.wait(piece)
        await asyncio.sleep(0)


def test_a_kept_body_stays_charged_until_its_response_is_released() -> None:
    budget = Budget(100, 10)
    share = budget.open(url(1))
    assert share.take(7)
    share.keep()
    assert budget.used == 7
    budget.release(Response(url(1), 200, ()))
    assert budget.used == 0
    budget.release(Response(url(1), 200, ()))
    assert budget.used == 0


def test_a_failed_body_is_given_back_at_once() -> None:
    budget = Budget(100, 10)
    share = budget.open(url(1))
    assert share.take(7)
    share.drop()
    assert budget.used == 0


def test_fetching_a_url_again_releases_what_it_held() -> None:
    budget = Budget(100, 10)
    for _ in range(50):
        share = budget.open(url(1))
        assert share.take(10)
        share.keep()
    assert budget.used == 10


def test_the_limit_is_never_less_than_two_of_the_largest() -> None:
    assert Budget(5, 10).limit == 20


@pytest.mark.parametrize("seed", range(20))
async def test_fifty_streams_over_a_tiny_budget_all_finish(seed: int) -> None:
    chance = random.Random(seed)
    largest = 100
    budget = Budget(250, largest)
    finished = 0

    async def exchange(number: int) -> None:
        nonlocal finished
        share = budget.open(url(number))
        pieces = [chance.randint(1, 20) for _ in range(5)]
        await read(share, pieces)
        if chance.random() < 0.2:
            share.drop()
        else:
            share.keep()
            for _ in range(chance.randint(0, 3)):  # parsing, recording: without a need for another fetch
                await asyncio.sleep(0)
            budget.release(Response(url(number), 200, ()))
        finished += 1
        assert budget.used <= budget.limit

    async with asyncio.timeout(30):
        await asyncio.gather(*[exchange(number) for number in range(50)])
    assert finished == 50
    assert budget.used == 0
    assert not budget.is_short


@pytest.mark.parametrize("seed", range(20))
async def test_cancelling_streams_at_any_point_leaks_nothing(seed: int) -> None:
    chance = random.Random(seed)
    budget = Budget(60, 30)

    async def exchange(number: int) -> None:
        share = budget.open(url(number))
        try:
            await read(share, [10, 10, 10])
        except asyncio.CancelledError:
            share.drop()
            raise
        share.keep()
        try:
            await asyncio.sleep(0)
        finally:
            budget.release(Response(url(number), 200, ()))

    tasks = [asyncio.create_task(exchange(number)) for number in range(30)]
    async with asyncio.timeout(30):
        while not all(task.done() for task in tasks):
            chance.choice(tasks).cancel()
            await asyncio.sleep(0)
    assert budget.used == 0
    assert not budget.is_short


async def test_one_waits_while_whole_bodies_fill_the_budget_and_goes_on_when_one_is_released() -> None:
    budget = Budget(20, 10)
    whole = budget.open(url(1))
    assert whole.take(10)
    whole.keep()
    waiting = asyncio.create_task(read(budget.open(url(2)), [10]))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    budget.release(Response(url(1), 200, ()))
    await asyncio.wait_for(waiting, 5)


async def test_a_small_body_goes_on_while_large_ones_wait() -> None:
    budget = Budget(3 << 20, 1 << 20)
    large = [budget.open(url(number)) for number in range(2)]
    waiting = [asyncio.create_task(read(one, [1 << 19, 1 << 19, 1 << 19])) for one in large]
    await asyncio.sleep(0)
    small = budget.open(url(9))
    assert not budget.is_short
    assert small.take(40_000)
    assert not small.take(40_000), "that would be no small body any more"
    small.drop()
    for task, one in zip(waiting, large, strict=True):
        task.cancel()
        await asyncio.wait([task])
        one.drop()
    assert budget.used == 0


async def test_when_only_half_read_bodies_hold_the_budget_one_of_them_overdraws() -> None:
    budget = Budget(20, 10)
    halves = [budget.open(url(number)) for number in range(2)]
    assert all(half.take(5) for half in halves)
    readers = [asyncio.create_task(read(half, [5])) for half in halves]
    done, waiting = await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    assert len(waiting) == 1
    assert budget.used <= budget.limit
    halves[readers.index(done.pop())].drop()
    await asyncio.wait_for(waiting.pop(), 5)


def test_the_same_url_is_held_for_each_of_those_who_share_a_budget() -> None:
    budget = Budget(100, 10)
    one, two = budget.purse(), budget.purse()
    for purse in (one, two):
        share = purse.open(url(1))
        assert share.take(10)
        share.keep()
    assert budget.used == one.used == 20
    one.release(Response(url(1), 200, ()))
    assert budget.used == 10
    one.close()
    assert budget.used == 10
    two.close()
    assert budget.used == 0
