"""The time limit of an exchange: what counts towards it, and what does not."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import cast

import pytest

from crawler.fetch.deadline import Deadline, Deadlines
from crawler.fetch.wire import Wire


@dataclass
class HeldWire:
    held_s: float = 0.0
    is_held: bool = False

    def __len__(self) -> int:
        """A wire counts what was read of heads, so an empty one is false."""
        return 0


async def wait_under(deadline_s: float, wire: HeldWire, for_s: float) -> None:
    with Deadline(Deadlines(deadline_s)) as deadline:
        deadline.watch(cast(Wire, wire))
        await asyncio.sleep(for_s)


async def test_it_ends_what_takes_too_long_and_leaves_the_rest_alone() -> None:
    await wait_under(60.0, HeldWire(), 0.0)
    with pytest.raises(TimeoutError):
        await wait_under(0.01, HeldWire(), 60.0)


async def test_time_for_which_a_throttle_held_the_wire_is_given_back_once() -> None:
    await wait_under(0.01, HeldWire(held_s=60.0), 0.1)
    with pytest.raises(TimeoutError):
        await wait_under(0.01, HeldWire(held_s=0.05), 60.0)


async def test_it_does_not_end_what_is_held_now() -> None:
    wire = HeldWire(is_held=True)
    waiting = asyncio.create_task(wait_under(0.01, wire, 60.0))
    await asyncio.wait([waiting], timeout=0.2)  # it would be over long before
    assert not waiting.done()
    wire.is_held = False
    with pytest.raises(TimeoutError):
        await waiting


async def test_a_clock_that_is_stopped_ends_nothing() -> None:
    with Deadline(Deadlines(0.01)) as deadline:
        since = deadline.stop()
        await asyncio.sleep(0.05)
        deadline.start(since)
        await asyncio.sleep(0)
    assert deadline.waited_s > 0


async def test_a_clock_that_was_started_again_ends_what_takes_too_long() -> None:
    async def wait() -> None:
        with Deadline(Deadlines(0.01)) as deadline:
            deadline.start(deadline.stop())
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await wait()


async def test_a_cancellation_from_outside_stays_one() -> None:
    waiting = asyncio.create_task(wait_under(60.0, HeldWire(), 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_exchanges_that_share_a_timer_end_each_in_its_time_and_those_that_are_over_do_not_count() -> None:
    loop, deadlines, ended = asyncio.get_running_loop(), Deadlines(0.05), list[float]()

    async def wait(begin_s: float, for_s: float) -> None:
        await asyncio.sleep(begin_s)
        begun = loop.time()
        try:
            with Deadline(deadlines):
                await asyncio.sleep(for_s)
        except TimeoutError:
            ended.append(loop.time() - begun)

    begins = [n / 200 for n in range(20)]
    await asyncio.gather(*(wait(begin, 60.0) for begin in begins), *(wait(begin, 0.0) for begin in begins))
    assert len(ended) == 20
    assert min(ended) >= 0.05
    assert not deadlines._open
    with Deadline(deadlines):
        await asyncio.sleep(0)


async def test_a_thousand_exchanges_have_one_timer() -> None:
    deadlines, timers = Deadlines(60.0), set[asyncio.TimerHandle | None]()
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(Deadline(deadlines))
            timers.add(deadlines._timer)
    deadlines.close()
    assert len(timers) == 1


async def test_a_cancellation_from_outside_that_comes_with_the_end_is_not_lost() -> None:
    deadlines = Deadlines(0.0)

    async def wait() -> None:
        with Deadline(deadlines) as deadline:
            deadline.look()  # its end has come
            await asyncio.sleep(60)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
