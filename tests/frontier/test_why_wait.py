"""A frontier that lends nothing says why."""

from __future__ import annotations

import pytest

from crawler.model import Disposition, Outcome, Reason
from crawler.policy.politeness import Wait
from tests.frontier.conftest import HandClock, Open, deferred, fetched, lend, pages


async def test_sites_rest_as_we_have_it_or_as_they_ask(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier() as frontier:
        await frontier.add(pages("a", 1, 2, 3))
        (lease,) = await lend(frontier, 9)
        assert frontier.why_wait() is Wait.BUSY
        await frontier.settle([fetched(lease, clock, rest_s=1.0, asked_s=0.0)], {})
        assert not await lend(frontier, 9)
        assert frontier.why_wait() is Wait.REST
        clock.move(1)
        (lease,) = await lend(frontier, 9)
        await frontier.settle([fetched(lease, clock, rest_s=4.0, asked_s=4.0)], {})
        assert not await lend(frontier, 9)
        assert frontier.why_wait() is Wait.ASKED
        clock.move(4)
        await lend(frontier, 9)
        assert frontier.why_wait() is Wait.ASKED


@pytest.mark.parametrize(
    ("reason", "why"), [(Reason.DNS, Wait.DNS), (Reason.CONNECT, Wait.RETRY), (Reason.RATE_LIMITED, Wait.RETRY)]
)
async def test_setbacks_are_waited_for_as_such(
    open_frontier: Open, clock: HandClock, reason: Reason, why: Wait
) -> None:
    """Whether all that is left waits for another attempt, or the site is left alone for one of them."""
    async with open_frontier() as frontier:
        await frontier.add(pages("a", 1, 2))
        (lease,) = await lend(frontier, 1)
        await frontier.settle([deferred(lease, clock, 30, reason, rest_s=20)], {})
        assert not await lend(frontier, 9)
        assert frontier.why_wait() is why
        clock.move(20)
        (lease,) = await lend(frontier, 9)
        await frontier.settle([fetched(lease, clock)], {})
        assert not await lend(frontier, 9)
        assert frontier.why_wait() is why


async def test_a_few_names_among_many_setbacks_are_not_the_reason(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier() as frontier:
        await frontier.add([request for site in "abc" for request in pages(site, 1)])
        reasons = [Reason.DNS, Reason.TIMEOUT, Reason.CONNECT]
        outcomes = [
            deferred(lease, clock, 30, reason) for lease, reason in zip(await lend(frontier, 9), reasons, strict=True)
        ]
        await frontier.settle(outcomes, {})
        assert frontier.why_wait() is Wait.RETRY


async def test_addresses_and_owners_hold_sites_too(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_ip=1) as frontier:
        await frontier.add([*pages("a", 1, 2), *pages("b", 1, 2)])
        for lease in await lend(frontier, 9):
            await frontier.settle([fetched(lease, clock, ip="10.0.0.1", asked_s=0.0)], {})
        (lease,) = await lend(frontier, 9)
        assert frontier.why_wait() is Wait.ADDRESS
        await frontier.settle([Outcome(lease, Disposition.FAILED, Reason.TIMEOUT, ended=clock.now)], {})
        frontier.hold("http://a")
        frontier.hold("http://b")
        assert not await lend(frontier, 9)
        assert frontier.why_wait() is Wait.HELD


async def test_a_site_that_is_held_is_the_reason_when_nobody_else_is_asked(
    open_frontier: Open, clock: HandClock
) -> None:
    async with open_frontier() as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1)])
        frontier.hold("http://b")
        (lease,) = await lend(frontier, 9)
        assert frontier.why_wait() is Wait.BUSY
        await frontier.settle([fetched(lease, clock)], {})
        assert frontier.why_wait() is Wait.HELD
        frontier.let_go("http://b")
        await lend(frontier, 9)
        assert frontier.why_wait() is Wait.BUSY


async def test_setbacks_that_are_over_are_no_reason_any_more(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier() as frontier:
        await frontier.add([request for site in "abc" for request in pages(site, 1)])
        await frontier.settle([deferred(lease, clock, 30, Reason.DNS) for lease in await lend(frontier, 9)], {})
        assert frontier.why_wait() is Wait.DNS
        clock.move(30)
        await frontier.settle([deferred(lease, clock, 30, Reason.CONNECT) for lease in await lend(frontier, 9)], {})
        assert frontier.why_wait() is Wait.RETRY
