"""A frontier lends one at a time to a site that asks for that, whatever its terms, whatever it keeps in memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from crawler.model import Disposition, Lease, Outcome, Reason, Response
from crawler.protocols import Frontier
from tests.frontier.conftest import HandClock, Open, fetched, lend, lend_one, opened, pages

GAP_S = 4.0


async def test_a_site_that_asks_for_a_gap_is_lent_one_at_a_time(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=4) as frontier:
        await frontier.add(pages("a", *range(8)))
        first, *others = await lend(frontier, 9)
        assert (len(others), first.is_alone) == (3, False)
        await frontier.settle([fetched(first, clock, rest_s=GAP_S, asked_s=GAP_S)], {})
        clock.move(1)
        await frontier.settle([fetched(lease, clock) for lease in others], {})
        clock.move(GAP_S - 0.1)
        assert not await lend(frontier, 9), "the gap counts from the last of those that were there"
        for _ in range(3):
            clock.move(GAP_S)
            (lease,) = await lend(frontier, 9)
            assert lease.is_alone
            clock.move(60)
            assert not await lend(frontier, 9)
            await frontier.settle([fetched(lease, clock, rest_s=GAP_S, asked_s=GAP_S)], {})


async def test_only_a_visit_lent_since_takes_the_word_back(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=4) as frontier:
        await frontier.add(pages("a", *range(12)))
        limited, late, *others = await lend(frontier, 9)
        said = Outcome(limited, Disposition.FAILED, Reason.RATE_LIMITED, rest_s=10, asked_s=10, ended=clock.now)
        await frontier.settle([said], {})
        await frontier.settle([fetched(lease, clock, asked_s=0.0) for lease in (late, *others)], {})
        assert not await lend(frontier, 9)
        clock.move(10)
        (lease,) = await lend(frontier, 9)
        await frontier.settle([fetched(lease, clock, asked_s=0.0)], {})
        assert len(await lend(frontier, 9)) == 4


async def test_what_asks_nobody_takes_no_gap(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(per_site=4) as frontier:
        await frontier.add(pages("a", *range(8)))
        await frontier.settle([fetched(await lend_one(frontier), clock, rest_s=GAP_S, asked_s=GAP_S)], {})
        clock.move(GAP_S)
        for _ in range(3):
            forbidden = Outcome(
                await lend_one(frontier), Disposition.EXCLUDED, Reason.ROBOTS, asked_s=GAP_S, ended=clock.now
            )
            await frontier.settle([forbidden], {})


async def test_a_run_that_ends_in_order_keeps_the_site_waiting_no_longer_than_it_asks(
    tmp_path: Path, clock: HandClock
) -> None:
    path = tmp_path / "frontier.sqlite"
    async with opened(path, clock, per_site=4) as frontier:
        await frontier.add(pages("a", *range(8)))
        await frontier.settle([fetched(await lend_one(frontier), clock, rest_s=GAP_S, asked_s=GAP_S)], {})
    async with opened(path, clock, per_site=4) as frontier:
        clock.move(GAP_S - 0.1)
        assert not await lend(frontier, 9)
        clock.move(0.1)
        assert await lend(frontier, 9)


async def test_a_kill_amid_a_visit_costs_no_site_its_gap(tmp_path: Path, clock: HandClock) -> None:
    """Nobody knows when that visit ended: the next comes a whole gap after it began at the earliest."""
    path = tmp_path / "frontier.sqlite"
    async with opened(path, clock, per_site=4, rest_s=0.5) as frontier:
        await frontier.add(pages("a", *range(8)))
        await frontier.settle([fetched(await lend_one(frontier), clock, rest_s=GAP_S, asked_s=GAP_S)], {})
        clock.move(GAP_S)
        await lend_one(frontier)
    clock.move(0.5)
    async with opened(path, clock, per_site=4, rest_s=0.5) as frontier:
        clock.move(GAP_S - 0.6)
        assert not await lend(frontier, 9)
        clock.move(0.1)
        assert await lend(frontier, 9)


@dataclass
class Story:
    """A site that gives its word in robots.txt, visited by whoever is lent a turn there, in any order of events."""

    clock: HandClock
    chance: random.Random
    gap_s: float
    delay_s: float
    is_known: bool = False
    """Whether robots.txt was read."""
    last_end: float = float("-inf")
    there: list[Lease] = field(default_factory=list)
    starts: int = 0

    async def work(self, frontier: Frontier) -> None:
        while frontier.counts().queued or frontier.counts().leased:
            leases = await frontier.lease(self.chance.randint(1, 6))
            outcomes = [outcome for lease in leases if (outcome := self.begin(lease))]
            while self.there and self.chance.random() < 0.5:
                self.clock.move(self.chance.random())
                outcomes.append(self.end(self.there.pop()))
            await frontier.settle(outcomes, {})
            self.clock.move(self.chance.random())

    def begin(self, lease: Lease) -> Outcome | None:
        if self.is_known and self.gap_s and not lease.is_alone:
            return Outcome(lease, Disposition.DEFERRED, retry_in_s=0.0, asked_s=self.gap_s, ended=self.clock.now)
        if self.is_known:
            self.start()
            self.there.append(lease)
            return None
        self.start()
        self.is_known = True
        self.last_end = self.clock.now
        rest_s = max(self.gap_s, self.delay_s)
        said: dict[str, Any] = {"rest_s": rest_s, "asked_s": self.gap_s and rest_s, "ended": self.clock.now}
        return Outcome(lease, Disposition.DEFERRED, retry_in_s=0.0, **said)

    def start(self) -> None:
        self.starts += 1
        if self.gap_s:
            assert not self.there, "two are there at once"
            assert self.clock.now >= self.last_end + self.gap_s - 1e-6, "it comes too early"

    def end(self, lease: Lease) -> Outcome:
        self.last_end = self.clock.now
        rest_s = max(self.gap_s, self.delay_s)
        said: dict[str, Any] = {"rest_s": rest_s, "asked_s": self.gap_s and rest_s, "ended": self.clock.now}
        if self.chance.random() < 0.1:
            return Outcome(lease, Disposition.DEFERRED, Reason.TIMEOUT, retry_in_s=self.chance.random() * 9, **said)
        return Outcome(lease, Disposition.FETCHED, response=Response(lease.request.url, 200, ()), **said)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
async def test_no_two_requests_are_closer_than_the_site_asks(open_frontier: Open, clock: HandClock, seed: int) -> None:
    chance = random.Random(seed)
    story = Story(clock, chance, gap_s=chance.choice([0.0, 0.5, 4.0]), delay_s=chance.choice([0.0, 1.0]))
    async with open_frontier(per_site=chance.randint(1, 5), in_depth_order=chance.random() < 0.3) as frontier:
        await frontier.add(pages("a", *range(20)))
        await story.work(frontier)
        assert frontier.counts().settled == {Disposition.FETCHED: 20}
