"""Leases go to the visitor that ended last, outcomes wait in their order, and whoever is cancelled holds up nobody."""

from __future__ import annotations

import asyncio

from crawler.engine.hand_over import IdleVisitors, Outcomes, UnderWay
from crawler.model import Disposition, Lease, Outcome, Request, Url


def outcome(number: int) -> Outcome:
    return Outcome(Lease(Request(Url(f"http://h.example/{number}")), number), Disposition.FETCHED)


def rows(outcomes: list[Outcome]) -> list[int]:
    return [one.lease.token for one in outcomes]


async def test_a_lease_goes_to_the_visitor_that_ended_last_and_to_none_that_is_gone() -> None:
    idle = IdleVisitors()
    first, second, gone = idle.wait(), idle.wait(), idle.wait()
    gone.cancel()
    leases = [outcome(number).lease for number in range(3)]
    assert [idle.give(lease) for lease in leases] == [True, True, False]
    assert (await second, await first) == (leases[0], leases[1])


async def test_outcomes_wait_for_room_and_a_cancelled_visitor_passes_its_turn_on() -> None:
    outcomes = Outcomes(2)
    assert [outcomes.offer(outcome(number)) for number in range(3)] == [True, True, False]
    waiting = [asyncio.create_task(outcomes.put(outcome(number))) for number in (3, 4)]
    await asyncio.sleep(0)
    assert rows(outcomes.take(1, links=10)) == [0]  # room for one: the third was called
    waiting[0].cancel()
    await asyncio.wait(waiting)
    assert rows(outcomes.take(9, links=10)) == [1, 4]
    outcomes.end(3)
    await outcomes.join()


async def test_outcomes_of_an_aborted_run_are_given_out_once() -> None:
    outcomes = Outcomes(8)
    for number in range(3):
        outcomes.offer(outcome(number))
    await outcomes.wait()
    assert rows(outcomes.drop()) == [0, 1, 2]
    assert len(outcomes) == 0
    await outcomes.join()


async def test_nothing_is_waited_for_where_nothing_is_under_way() -> None:
    visits = UnderWay()
    await visits.wait()
    visits.begin()
    waiting = asyncio.create_task(visits.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    visits.end()
    await waiting
