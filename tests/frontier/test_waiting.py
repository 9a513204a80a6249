"""Who waits for a frontier wakes when something may have come of it, and settles never get in each other's way."""

from __future__ import annotations

import asyncio

import pytest

from crawler.protocols import Frontier
from tests.frontier.conftest import HandClock, fetched, lend, lend_one, page, pages, request, texts


async def test_an_empty_frontier_does_not_make_wait(frontier: Frontier) -> None:
    assert not await frontier.wait()


async def test_who_waits_is_woken_by_arrivals_settles_and_releases(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1))
    lease = await lend_one(frontier)

    async def woken_by(change: object) -> bool:
        waiting = asyncio.ensure_future(frontier.wait())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await change  # type: ignore[misc]
        return await asyncio.wait_for(waiting, 60)

    assert await woken_by(frontier.add(pages("b", 1)))
    other = await lend_one(frontier)
    assert await woken_by(frontier.release([other]))
    [other] = await lend(frontier, 9)
    assert await woken_by(
        frontier.settle([fetched(lease, clock, page=page(frontier, "http://a/2"))], {})
    )  # fmt: skip
    [last] = await lend(frontier, 9)
    await frontier.settle([fetched(other, clock)], {})
    assert not await woken_by(frontier.settle([fetched(last, clock)], {}))


async def test_who_waits_is_woken_when_a_turn_falls_due(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    await frontier.settle([fetched(await lend_one(frontier), clock, rest_s=0.02)], {})
    waiting = asyncio.ensure_future(frontier.wait())
    await asyncio.sleep(0)
    clock.move(0.02)
    assert await asyncio.wait_for(waiting, 60)


async def test_waiting_may_be_cancelled(frontier: Frontier) -> None:
    await frontier.add(pages("a", 1, 2))
    [lease] = await lend(frontier, 9)
    waiting = asyncio.ensure_future(frontier.wait())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await frontier.release([lease])
    assert await frontier.wait()


async def test_settles_at_the_same_time_all_count(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(request(f"http://s{i}/") for i in range(8))
    leases = await lend(frontier, 9)
    async with asyncio.TaskGroup() as tasks:
        for n, lease in enumerate(leases):
            found = page(frontier, "http://same/", f"http://own{n}/")
            outcome = fetched(lease, clock, page=found)
            tasks.create_task(frontier.settle([outcome], {"sink": {"file": n}}))
    assert frontier.counts().known == 8 + 1 + 8
    assert await frontier.positions() == {"sink": {"file": 7}}


async def test_a_settle_counts_before_it_is_durable(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add(pages("a", 1, 2))
    settling = frontier.settle([fetched(await lend_one(frontier), clock, page=page(frontier, "http://b/"))], {})
    written = asyncio.ensure_future(settling)
    await asyncio.sleep(0)
    assert sorted(texts(await lend(frontier, 9))) == ["http://a/2", "http://b/"]
    await written
