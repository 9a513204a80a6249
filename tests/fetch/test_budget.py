"""The byte budget: never over its limit, never stuck, and empty in the end."""

import asyncio
import copy
import gc
import logging
import pickle
import random
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from crawler.fetch import Budget
from crawler.fetch.budget import SMALL_BYTES, SPARE_BYTES, BodyShare, collect_opened, give_back_held
from crawler.model import NO_SHARE, Response, Url

MIB = 1 << 20
HERE = Url("http://h/")


async def read(share: BodyShare, pieces: list[int]) -> None:
    """What an exchange does with its share."""
    for piece in pieces:
        if not share.take(piece):
            await share.wait(piece)
        await asyncio.sleep(0)


def test_a_kept_body_stays_charged_until_its_response_is_released() -> None:
    budget = Budget(100, 10)
    share = budget.open()
    assert share.take(7)
    share.keep()
    assert budget.used == 7
    response = Response(HERE, 200, (), share=share)
    response.release()
    assert budget.used == 0
    other = budget.open()
    assert other.take(5)
    response.release()
    replace(response, status=404).release()
    assert budget.used == 5, "it gives back once, and only what is its own"


def test_a_failed_body_is_given_back_at_once() -> None:
    budget = Budget(100, 10)
    share = budget.open()
    assert share.take(7)
    share.give_back()
    assert budget.used == 0


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
        share = budget.open()
        pieces = [chance.randint(1, 20) for _ in range(5)]
        await read(share, pieces)
        if chance.random() < 0.2:
            share.give_back()
        else:
            share.keep()
            for _ in range(chance.randint(0, 3)):  # parsing, recording: without a need for another fetch
                await asyncio.sleep(0)
            share.give_back()
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
        share = budget.open()
        try:
            await read(share, [10, 10, 10])
        except asyncio.CancelledError:
            share.give_back()
            raise
        share.keep()
        try:
            await asyncio.sleep(0)
        finally:
            share.give_back()

    tasks = [asyncio.create_task(exchange(number)) for number in range(30)]
    async with asyncio.timeout(30):
        while not all(task.done() for task in tasks):
            chance.choice(tasks).cancel()
            await asyncio.sleep(0)
    assert budget.used == 0
    assert not budget.is_short


async def test_one_waits_while_whole_bodies_fill_the_budget_and_goes_on_when_one_is_released() -> None:
    budget = Budget(20, 10)
    whole = budget.open()
    assert whole.take(10)
    whole.keep()
    waiting = asyncio.create_task(read(budget.open(), [10]))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    whole.give_back()
    await asyncio.wait_for(waiting, 60)


async def test_a_small_body_goes_on_while_large_ones_wait() -> None:
    budget = Budget(3 << 20, 1 << 20)
    large = [budget.open() for number in range(2)]
    waiting = [asyncio.create_task(read(one, [1 << 19, 1 << 19, 1 << 19])) for one in large]
    await asyncio.sleep(0)
    small = budget.open()
    assert not budget.is_short
    assert small.take(40_000)
    assert not small.take(40_000), "that would be no small body any more"
    small.give_back()
    for task, one in zip(waiting, large, strict=True):
        task.cancel()
        await asyncio.wait([task])
        one.give_back()
    assert budget.used == 0


async def test_when_only_half_read_bodies_hold_the_budget_one_of_them_overdraws() -> None:
    budget = Budget(20, 10)
    halves = [budget.open() for number in range(2)]
    assert all(half.take(5) for half in halves)
    readers = [asyncio.create_task(read(half, [5])) for half in halves]
    done, waiting = await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    assert len(waiting) == 1
    assert budget.used <= budget.limit
    halves[readers.index(done.pop())].give_back()
    await asyncio.wait_for(waiting.pop(), 60)


# -- who may wait, and who is served -----------------------------------------------------------------------------------


async def waiting(share: BodyShare, size: int) -> asyncio.Task[None]:
    task = asyncio.create_task(share.wait(size))
    await turns()
    return task


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def full(budget: Budget, common: int) -> list[BodyShare]:
    """Two bodies half read that hold all that is common, and a small one beside them."""
    shares = [budget.open() for number in range(3)]
    assert all(share.take(size) for share, size in zip(shares, (common // 2, common // 2, SMALL_BYTES), strict=True))
    return shares


@pytest.mark.parametrize("size", [0, 100])
async def test_who_holds_nothing_waits_and_never_overdraws(size: int) -> None:
    """It may not have begun to connect: nobody knows when it would give back what it overdrew."""
    budget = Budget(3 * MIB, MIB)
    half, other, small = full(budget, MIB)
    nothing = budget.open()
    idle = await waiting(nothing, size)
    assert not idle.done()
    reading = await waiting(half, 100)
    assert reading.done()
    assert not idle.done()
    half.give_back()
    await turns()
    assert idle.done()
    other.give_back()
    small.give_back()
    assert budget.used == size


async def test_only_who_holds_something_overdraws_however_many_wait_before() -> None:
    budget = Budget(3 * MIB, MIB)
    half, *_ = full(budget, MIB)
    idle = [await waiting(budget.open(), 100) for n in range(5)]
    reading = await waiting(half, 100)
    assert [reading.done(), *(task.done() for task in idle)] == [True, *[False] * 5]
    half.keep()
    half.give_back()
    await turns()
    assert all(task.done() for task in idle)


async def test_nobody_overdraws_while_a_whole_body_will_be_given_back() -> None:
    budget = Budget(3 * MIB, MIB)
    whole, half, _ = full(budget, MIB)
    whole.keep()
    reading = await waiting(half, 100)
    assert not reading.done()
    whole.give_back()
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
    one.give_back()
    await turns()
    assert second.done()
    assert budget.used == MIB // 2 + 100 + SMALL_BYTES


async def test_the_next_overdraws_only_once_the_first_has_given_back() -> None:
    """In between, both together would be more than the limit."""
    budget = Budget(2 * MIB, MIB)
    one, two = budget.open(), budget.open()
    assert one.take(MIB // 2)
    assert two.take(MIB // 2)
    first = await waiting(one, MIB // 2)
    second = await waiting(two, MIB // 2)
    assert (first.done(), second.done()) == (True, False)
    most = [budget.used]

    class Watched(type(budget)):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            if name == "_used":
                most.append(int(str(value)))
            super().__setattr__(name, value)

    budget.__class__ = Watched
    assert one.take(MIB // 2)
    one.give_back()
    await turns()
    assert second.done()
    assert max(most) <= budget.limit


async def test_who_waits_is_served_in_order_and_all_for_whom_there_is_room() -> None:
    budget = Budget(2 * MIB, MIB)
    whole = budget.open()
    assert whole.take(MIB)
    whole.keep()
    sizes = (MIB - 300, 200, 101, 0)
    shares = [budget.open() for _ in sizes]
    tasks = [await waiting(share, size) for share, size in zip(shares, sizes, strict=True)]
    assert not any(task.done() for task in tasks)
    whole.give_back()
    await turns()
    assert [task.done() for task in tasks] == [True, True, False, False], "nobody overtakes"
    tasks[2].cancel()
    tasks[3].cancel()
    await turns()


async def test_a_large_body_does_not_overtake_who_waits() -> None:
    budget = Budget(3 * MIB, MIB)
    whole = budget.open()
    assert whole.take(MIB // 2)
    whole.keep()
    waits = await waiting(budget.open(), MIB // 2 + 1)
    assert not budget.open().take(2 * SMALL_BYTES), "there is room, but somebody else's turn"
    waits.cancel()
    await turns()
    assert budget.open().take(2 * SMALL_BYTES)


async def test_who_stops_waiting_leaves_no_trace() -> None:
    budget = Budget(2 * MIB, MIB)
    whole = budget.open()
    assert whole.take(MIB)
    whole.keep()
    shares = budget.open(), budget.open()
    gone, next_one = [await waiting(share, 100) for share in shares]
    gone.cancel()
    whole.give_back()
    await turns()
    assert (gone.cancelled(), next_one.done(), budget.used) == (True, True, 100)
    assert budget.open().take(1)


@pytest.mark.parametrize(("size", "is_taken"), [(SMALL_BYTES, True), (SMALL_BYTES + 1, False)])
async def test_a_body_is_small_up_to_its_bound(size: int, is_taken: bool) -> None:
    budget = Budget(3 * MIB, MIB)
    share = budget.open()
    assert share.take(MIB)
    assert not share.take(1)
    assert budget.open().take(size) == is_taken


def is_short(budget: Budget) -> bool:
    return budget.is_short


async def test_small_bodies_have_what_is_set_aside_and_no_more() -> None:
    budget = Budget(3 * MIB, MIB)
    large = budget.open()
    assert large.take(MIB)
    claim = await waiting(budget.open(), MIB)
    number = MIB // SMALL_BYTES
    smalls = [budget.open() for n in range(number)]
    for small in smalls:
        assert not is_short(budget)
        assert small.take(SMALL_BYTES)
    assert is_short(budget)
    assert not budget.open().take(1)
    assert budget.used == 2 * MIB
    smalls[0].give_back()
    assert not is_short(budget), "there is room for exactly one"
    claim.cancel()
    await turns()
    assert smalls[0].take(SMALL_BYTES)
    assert not is_short(budget), "nobody waits"


def test_what_is_set_aside_has_a_bound_of_its_own() -> None:
    """What all may have is the limit without it and without the largest body."""
    budget = Budget(100 * MIB, MIB)
    share = budget.open()
    assert share.take(99 * MIB - SPARE_BYTES)
    assert not share.take(1)


async def test_a_body_of_nothing_is_not_kept() -> None:
    budget = Budget(2 * MIB, MIB)
    empty = budget.open()
    empty.keep()
    half = budget.open()
    assert half.take(MIB)
    assert (await waiting(half, 1)).done(), "nothing would be given back that it could wait for"


# -- responses that nobody releases ------------------------------------------------------------------------------------


def response_of(budget: Budget, size: int) -> Response:
    share = budget.open()
    assert share.take(size)
    share.keep()
    return Response(HERE, 200, (), b"x" * size, share=share)


@pytest.mark.slow
def test_a_response_that_was_dropped_gives_back_and_one_warning_says_so(caplog: pytest.LogCaptureFixture) -> None:
    budget = Budget(100, 10)
    for _ in range(3):
        dropped = [response_of(budget, 7)]
        assert budget.used == 7
        dropped.append(dropped)  # type: ignore[arg-type]  # a cycle: only the collector finds it
        del dropped
        gc.collect()
        assert budget.used == 0
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_a_response_that_was_released_is_dropped_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    budget = Budget(100, 10)
    response_of(budget, 7).release()
    gc.collect()
    assert (budget.used, caplog.records) == (0, [])


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["on the loop", "in a thread"])
async def test_who_waits_goes_on_when_a_dropped_response_is_collected(is_elsewhere: bool) -> None:
    budget = Budget(20, 10)
    dropped = [response_of(budget, 10)]
    reading = await waiting(share := budget.open(), 10)
    assert not reading.done()
    if is_elsewhere:
        thread = threading.Thread(target=dropped.clear)
        thread.start()
        thread.join()
    else:
        dropped.clear()
    await asyncio.wait_for(reading, 60)
    assert (budget.used, share.held) == (10, 10)


def test_who_comes_next_finds_the_room_of_a_dropped_response() -> None:
    budget = Budget(20, 10)
    response_of(budget, 10)
    gc.collect()
    assert budget.open().take(10)


async def test_who_begins_to_wait_finds_the_room_of_a_response_that_was_just_dropped() -> None:
    budget = Budget(20, 10)
    dropped = [response_of(budget, 10)]
    share = budget.open()
    assert not share.take(10)
    dropped.clear()
    gc.collect()
    await asyncio.wait_for(share.wait(10), 60)


def test_what_code_of_others_keeps_is_given_back_but_for_bodies_half_read() -> None:
    budget = Budget(100, 10)
    with collect_opened() as opened:
        kept, returned = response_of(budget, 1), response_of(budget, 2)
        opened.close(returned.share)
        later = response_of(budget, 8)
    assert budget.used == 2 + 8
    with collect_opened() as opened:
        half = budget.open()
        assert half.take(4)
        opened.close(NO_SHARE)
    assert budget.used == 2 + 8 + 4
    assert kept.body
    assert later.body


def test_code_of_others_that_fetches_holds_nothing_of_what_it_fetched_before() -> None:
    """Else it could wait for memory that it holds itself, at whichever wait of a fetch."""
    budget = Budget(100, 10)
    with collect_opened():
        with collect_opened() as inner:
            first = response_of(budget, 1)
            inner.close(first.share)
        assert budget.used == 1, "the block around it has it now"
        second, third = budget.open(), budget.open()
        assert (budget.used, second.take(2), third.take(4)) == (0, True, True)
        second.keep()
        assert budget.used == 4, "the second body is whole while the third is under way"
        third.keep()
        assert budget.used == 4, "nothing is waited for"
        give_back_held()
        assert budget.used == 0


async def test_a_budget_that_nobody_gives_back_to_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("crawler.fetch.budget.STUCK_S", 0.001)
    budget = Budget(20, 10)
    held = [response_of(budget, 10)]
    reading = await waiting(budget.open(), 10)
    while not caplog.records:
        await asyncio.sleep(0.001)
    assert "no memory for bodies was given back" in caplog.text
    assert "lambda inner" in caplog.text
    held[0].release()
    await reading


def test_a_budget_whose_loop_is_closed_takes_back_all_the_same() -> None:
    budget, held = Budget(20, 10), []

    async def wait_in_vain() -> None:
        held.append(response_of(budget, 10))
        reading = await waiting(budget.open(), 10)
        reading.cancel()
        budget._queue.append(budget._queue[0])  # still there when its loop is gone

    asyncio.run(wait_in_vain())
    held.clear()
    assert budget.used == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda response: pickle.loads(pickle.dumps(response))])
def test_copies_for_elsewhere_hold_nothing(copied: Callable[[Response], Response]) -> None:
    budget = Budget(100, 10)
    response = response_of(budget, 7)
    other = copied(response)
    assert (other, other.share) == (response, NO_SHARE)
    other.release()
    assert budget.used == 7
    response.release()
    assert budget.used == 0


def test_a_response_of_no_budget_is_released_without_effect() -> None:
    response = Response(HERE, 200, ())
    response.release()
    assert pickle.loads(pickle.dumps(response)).share is NO_SHARE
