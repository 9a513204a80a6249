"""The byte budget: never over its limit, never stuck, and empty in the end."""

import asyncio
import random

import pytest

from crawler.fetch import Budget
from crawler.fetch.budget import SMALL_BYTES, SPARE_BYTES, Share
from crawler.model import Disposition, Lease, Outcome, Request, Response, Url

MIB = 1 << 20


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


# -- who may wait, and who is served -----------------------------------------------------------------------------------


async def waiting(share: Share, size: int) -> asyncio.Task[None]:
    task = asyncio.create_task(share.wait(size))
    await turns()
    return task


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def full(budget: Budget, common: int) -> list[Share]:
    """Two bodies half read that hold all that is common, and a small one beside them."""
    shares = [budget.open(url(number)) for number in range(3)]
    assert all(share.take(size) for share, size in zip(shares, (common // 2, common // 2, SMALL_BYTES), strict=True))
    return shares


@pytest.mark.parametrize("size", [0, 100])
async def test_who_holds_nothing_waits_and_never_overdraws(size: int) -> None:
    """It may not have begun to connect: nobody knows when it would give back what it overdrew."""
    budget = Budget(3 * MIB, MIB)
    half, other, small = full(budget, MIB)
    idle = await waiting(budget.open(url("idle")), size)
    assert not idle.done()
    reading = await waiting(half, 100)
    assert reading.done()
    assert not idle.done()
    half.drop()
    await turns()
    assert idle.done()
    other.drop()
    small.drop()
    assert budget.used == size


async def test_only_who_holds_something_overdraws_however_many_wait_before() -> None:
    budget = Budget(3 * MIB, MIB)
    half, *_ = full(budget, MIB)
    idle = [await waiting(budget.open(url(f"idle {n}")), 100) for n in range(5)]
    reading = await waiting(half, 100)
    assert [reading.done(), *(task.done() for task in idle)] == [True, *[False] * 5]
    half.keep()
    budget.release(Response(url(0), 200, ()))
    await turns()
    assert all(task.done() for task in idle)


async def test_nobody_overdraws_while_a_whole_body_will_be_given_back() -> None:
    budget = Budget(3 * MIB, MIB)
    whole, half, _ = full(budget, MIB)
    whole.keep()
    reading = await waiting(half, 100)
    assert not reading.done()
    budget.dispose(Outcome(Lease(Request(url(0)), 1), Disposition.FETCHED))
    await turns()
    assert reading.done()


async def test_one_overdraws_at_a_time_and_without_waiting_until_it_ends() -> None:
    budget = Budget(3 * MIB, MIB)
    one, two, _ = full(budget, MIB)
    first, second = await waiting(one, 100), await waiting(two, 100)
    assert (first.done(), second.done()) == (True, False)
    assert one.take(MIB // 2 - 100), "what it needs further it takes"
    assert not second.done()
    assert budget.used <= budget.limit
    one.drop()
    await turns()
    assert second.done()
    assert budget.used == MIB // 2 + 100 + SMALL_BYTES


async def test_the_next_overdraws_only_once_the_first_has_given_back() -> None:
    """In between, both together would be more than the limit."""
    budget = Budget(2 * MIB, MIB)
    one, two = budget.open(url(1)), budget.open(url(2))
    assert one.take(MIB // 2)
    assert two.take(MIB // 2)
    first = await waiting(one, MIB // 2)
    second = await waiting(two, MIB // 2)
    assert (first.done(), second.done()) == (True, False)
    most = [budget.used]

    class Watched(type(budget)):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            if name == "used":
                most.append(int(str(value)))
            super().__setattr__(name, value)

    budget.__class__ = Watched
    assert one.take(MIB // 2)
    one.drop()
    await turns()
    assert second.done()
    assert max(most) <= budget.limit


async def test_who_waits_is_served_in_order_and_all_for_whom_there_is_room() -> None:
    budget = Budget(2 * MIB, MIB)
    whole = budget.open(url(0))
    assert whole.take(MIB)
    whole.keep()
    tasks = [await waiting(budget.open(url(n)), size) for n, size in ((1, MIB - 300), (2, 200), (3, 101), (4, 0))]
    assert not any(task.done() for task in tasks)
    budget.release(Response(url(0), 200, ()))
    await turns()
    assert [task.done() for task in tasks] == [True, True, False, False], "nobody overtakes"
    tasks[2].cancel()
    tasks[3].cancel()
    await turns()


async def test_a_large_body_does_not_overtake_who_waits() -> None:
    budget = Budget(3 * MIB, MIB)
    whole = budget.open(url(0))
    assert whole.take(MIB // 2)
    whole.keep()
    waits = await waiting(budget.open(url(1)), MIB // 2 + 1)
    assert not budget.open(url(2)).take(2 * SMALL_BYTES), "there is room, but somebody else's turn"
    waits.cancel()
    await turns()
    assert budget.open(url(3)).take(2 * SMALL_BYTES)


async def test_who_stops_waiting_leaves_no_trace() -> None:
    budget = Budget(2 * MIB, MIB)
    whole = budget.open(url(0))
    assert whole.take(MIB)
    whole.keep()
    gone, next_one = await waiting(budget.open(url(1)), 100), await waiting(budget.open(url(2)), 100)
    gone.cancel()
    budget.release(Response(url(0), 200, ()))
    await turns()
    assert (gone.cancelled(), next_one.done(), budget.used) == (True, True, 100)
    assert budget.open(url(3)).take(1)


@pytest.mark.parametrize(("size", "is_taken"), [(SMALL_BYTES, True), (SMALL_BYTES + 1, False)])
async def test_a_body_is_small_up_to_its_bound(size: int, is_taken: bool) -> None:
    budget = Budget(3 * MIB, MIB)
    share = budget.open(url(1))
    assert share.take(MIB)
    assert not share.take(1)
    assert budget.open(url(2)).take(size) == is_taken


def is_short(budget: Budget) -> bool:
    return budget.is_short


async def test_small_bodies_have_what_is_set_aside_and_no_more() -> None:
    budget = Budget(3 * MIB, MIB)
    large = budget.open(url("large"))
    assert large.take(MIB)
    claim = await waiting(budget.open(url("idle")), MIB)
    number = MIB // SMALL_BYTES
    smalls = [budget.open(url(n)) for n in range(number)]
    for small in smalls:
        assert not is_short(budget)
        assert small.take(SMALL_BYTES)
    assert is_short(budget)
    assert not budget.open(url("one more")).take(1)
    assert budget.used == 2 * MIB
    smalls[0].drop()
    assert not is_short(budget), "there is room for exactly one"
    claim.cancel()
    await turns()
    assert smalls[0].take(SMALL_BYTES)
    assert not is_short(budget), "nobody waits"


def test_what_is_set_aside_has_a_bound_of_its_own() -> None:
    """What all may have is the limit without it and without the largest body."""
    budget = Budget(100 * MIB, MIB)
    share = budget.open(url(1))
    assert share.take(99 * MIB - SPARE_BYTES)
    assert not share.take(1)


async def test_a_body_of_nothing_is_not_kept() -> None:
    budget = Budget(2 * MIB, MIB)
    empty = budget.open(url("empty"))
    empty.keep()
    half = budget.open(url(1))
    assert half.take(MIB)
    assert (await waiting(half, 1)).done(), "nothing would be given back that it could wait for"


def test_a_body_that_is_dropped_at_once_leaves_the_kept_one_of_its_url_alone() -> None:
    budget = Budget(100, 10)
    kept, other = budget.open(url(1)), budget.open_unkept(url(1))
    assert kept.take(7)
    kept.keep()
    again = budget.open_unkept(url(1))
    assert again.take(2)
    again.drop()
    again.drop()
    other.drop()
    assert budget.used == 7


def test_a_visit_that_is_recorded_gives_back_for_its_purse_alone() -> None:
    budget = Budget(100, 10)
    one, two = budget.purse(), budget.purse()
    for purse in (one, two):
        share = purse.open(url(1))
        assert share.take(10)
        share.keep()
    one.dispose(Outcome(Lease(Request(url(1)), 1), Disposition.FETCHED))
    assert budget.used == 10
    two.close()
    assert (budget.used, one.is_short) == (0, False)
