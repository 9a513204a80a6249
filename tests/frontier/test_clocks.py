"""Clocks that are set while a crawl runs or lies still: nobody waits for a day, and nobody is asked too soon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from crawler.frontier import Clock
from crawler.model import Disposition, Lease
from tests.defaults import make_terms, open_sqlite
from tests.frontier.conftest import HandClock, deferred, fetched, lend_one, pages

Lend = Callable[[int], Awaitable[Sequence[Lease]]]
DAY_S = 86400.0
TERMS = make_terms(rest_s=1.0, longest_s=60.0)


class Clocks(HandClock):
    """The wall's can be set."""

    def __init__(self) -> None:
        super().__init__()
        self.off = 0.0
        self.both = Clock(lambda: self.now, lambda: self.now + 1.7e9 + self.off)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.mark.parametrize("jump_s", [-DAY_S, DAY_S, 0.0])
async def test_a_turn_is_kept_within_a_run_however_the_clock_is_set(
    tmp_path: Path, clocks: Clocks, jump_s: float
) -> None:
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await frontier.add(pages("a", 1, 2))
        outcome = fetched(await lend_one(frontier), clocks, rest_s=10.0)
        clocks.off = jump_s
        await frontier.settle([outcome], {})
        clocks.move(9.9)
        assert await frontier.lease(1) == []
        clocks.move(0.2)
        await lend_one(frontier)


@pytest.mark.parametrize(("jump_s", "least_s", "most_s"), [(-DAY_S, 10.0, 60.0), (DAY_S, 1.0, 1.0), (0.0, 10.0, 10.0)])
async def test_a_turn_over_a_restart_is_neither_skipped_nor_a_day_away(
    tmp_path: Path, clocks: Clocks, jump_s: float, least_s: float, most_s: float
) -> None:
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await frontier.add(pages("a", 1, 2))
        await frontier.settle([fetched(await lend_one(frontier), clocks, rest_s=10.0)], {})
    clocks.off = jump_s
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await lends_between(frontier.lease, clocks, least_s, most_s)


async def test_a_setback_over_a_restart_is_not_a_day_away(tmp_path: Path, clocks: Clocks) -> None:
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await frontier.add(pages("a", 1))
        await frontier.settle([deferred(await lend_one(frontier), clocks, 30.0)], {})
    clocks.off = -DAY_S
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await lends_between(frontier.lease, clocks, 30.0, 60.0)


async def test_who_was_asked_by_a_process_that_was_killed_rests_before_it_is_asked_again(
    tmp_path: Path, clocks: Clocks
) -> None:
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await frontier.add([*pages("a", 1), *pages("b", 1)])
        await lend_one(frontier)  # it is asked, and nobody hears the answer
    async with open_sqlite(tmp_path / "f", TERMS, clock=clocks.both) as frontier:
        await frontier.add(pages("c", 1))
        await lends_between(frontier.lease, clocks, 1.0, 1.0)


async def test_pages_visited_in_a_future_that_was_none_are_revisited_all_the_same(
    tmp_path: Path, clocks: Clocks
) -> None:
    terms = make_terms(revisit_after_s=3600.0)
    clocks.off = 365 * DAY_S
    async with open_sqlite(tmp_path / "f", terms, clock=clocks.both) as frontier:
        await frontier.add(pages("a", 1))
        await frontier.settle([fetched(await lend_one(frontier), clocks, revisit_in_s=3600.0)], {})
        assert frontier.counts().settled == {Disposition.FETCHED: 1}
    clocks.off = 0.0
    async with open_sqlite(tmp_path / "f", terms, clock=clocks.both) as frontier:
        assert await frontier.revisit(clocks.both.wall() + 3599) == 0
        assert await frontier.revisit(clocks.both.wall() + 3600) == 1


async def lends_between(lease: Lend, clocks: Clocks, least_s: float, most_s: float) -> None:
    """Nothing before, something at the latest then."""
    assert await lease(1) == []
    clocks.move(least_s - 0.1)
    assert await lease(1) == []
    clocks.move(most_s - least_s + 0.2)
    assert len(await lease(1)) == 1
