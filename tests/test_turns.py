"""Who may visit a site next, when several crawls want it."""

from __future__ import annotations

import asyncio
import random

import pytest

from crawler import turns as room
from crawler.turns import Rest, Turns

SITE = "https://alpha.test"


class Crawl:
    """A frontier as Turns knows it."""

    def __init__(self, name: str = "", per_site: int = 1) -> None:
        self.name = name
        self.per_site = per_site
        self.calls: list[float] = []

    def call(self, site: str, at: float) -> None:
        self.calls.append(at)


async def test_a_site_is_granted_to_one_and_the_other_is_called_when_it_has_rested() -> None:
    turns, one, two = Turns(), Crawl(), Crawl()
    assert turns.take(SITE, one, 0.0)
    assert not turns.take(SITE, two, 1.0)
    assert two.calls == []
    turns.end(SITE, one, 2.0, Rest(2.0, 5.0, 5.0))
    assert two.calls == [7.0]
    assert not turns.take(SITE, one, 7.0), "it was promised to the other"
    assert turns.take(SITE, two, 7.0)
    turns.end(SITE, two, 8.0, Rest(8.0, 5.0, 5.0))
    assert one.calls == [13.0]


async def test_another_site_is_another_turn() -> None:
    turns, one, two = Turns(), Crawl(), Crawl()
    assert turns.take(SITE, one, 0.0)
    assert turns.take("https://beta.test", two, 0.0)


async def test_whoever_waits_longest_comes_first() -> None:
    turns, crawls = Turns(), [Crawl(str(n)) for n in range(4)]
    order = []
    for crawl in crawls:
        turns.take(SITE, crawl, 0.0)
    for now in range(1, 9):
        (out,) = turns._sites[SITE].out
        assert isinstance(out, Crawl)
        order.append(out.name)
        turns.end(SITE, out, now, Rest(now))
        turns.take(SITE, out, now)
        for crawl in crawls:
            if crawl is not out and crawl.calls and crawl.calls.pop() <= now:
                assert turns.take(SITE, crawl, now)
    assert order == ["0", "1", "2", "3"] * 2


async def test_the_longest_rest_of_those_who_want_the_site_counts() -> None:
    turns, brisk, calm = Turns(), Crawl(), Crawl()
    assert turns.take(SITE, calm, 0.0)
    turns.end(SITE, calm, 1.0, Rest(1.0, 10.0, 10.0))
    assert not turns.take(SITE, brisk, 2.0)
    assert brisk.calls == [11.0]
    assert turns.take(SITE, brisk, 11.0)
    turns.end(SITE, brisk, 12.0, Rest(12.0, 0.0, 0.0))
    assert not turns.take(SITE, brisk, 12.0)
    assert brisk.calls == [11.0, 22.0]
    turns.leave(SITE, calm, 12.0)
    assert turns.take(SITE, brisk, 22.0)
    turns.end(SITE, brisk, 23.0, Rest(23.0, 0.0, 0.0))
    assert turns.take(SITE, brisk, 23.0), "nobody else wants it any more"


async def test_whoever_wants_less_rest_than_before_is_held_to_no_more() -> None:
    turns, crawl = Turns(), Crawl()
    assert turns.take(SITE, crawl, 0.0)
    turns.end(SITE, crawl, 1.0, Rest(1.0, 10.0, 10.0))
    assert turns.take(SITE, crawl, 11.0)
    turns.end(SITE, crawl, 12.0, Rest(12.0))  # a setback tells nothing of what is usual
    assert not turns.take(SITE, crawl, 13.0)
    assert turns.take(SITE, crawl, 22.0)
    turns.end(SITE, crawl, 23.0, Rest(23.0, 0.0, 0.0))
    assert turns.take(SITE, crawl, 23.0)


async def test_a_site_that_asked_one_to_stay_away_is_left_alone_by_all() -> None:
    turns, one, two = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    assert turns.take(SITE, one, 0.0)
    turns.end(SITE, one, 1.0, Rest(1.0, 60.0, 1.0, hold=61.0))
    assert not turns.take(SITE, two, 2.0)
    assert two.calls == [61.0]


async def test_visits_at_a_time_are_as_few_as_the_strictest_allows() -> None:
    turns, wide, narrow = Turns(), Crawl(per_site=3), Crawl(per_site=1)
    assert [turns.take(SITE, wide, 0.0) for _ in range(3)] == [True] * 3
    assert not turns.take(SITE, narrow, 0.0)
    for now in (1.0, 2.0):
        turns.end(SITE, wide, now, Rest(now))
        assert not turns.take(SITE, wide, now), "the other waits for all of them to end"
        assert narrow.calls == []
    turns.end(SITE, wide, 3.0, Rest(3.0))
    assert narrow.calls == [3.0]
    assert turns.take(SITE, narrow, 3.0)
    turns.end(SITE, narrow, 4.0, Rest(4.0))
    assert [turns.take(SITE, wide, 4.0) for _ in range(3)] == [True] * 3


async def test_a_visit_that_asked_nothing_needs_no_rest() -> None:
    turns, one, two = Turns(), Crawl(), Crawl()
    assert turns.take(SITE, one, 0.0)
    turns.end(SITE, one, 1.0, None)
    assert turns.take(SITE, two, 1.0)


async def test_a_promise_that_is_not_taken_up_passes_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PATIENCE_S", 0.01)
    turns, busy, paused, waiting = Turns(), Crawl(), Crawl(), Crawl()
    assert turns.take(SITE, busy, 0.0)
    assert not turns.take(SITE, paused, 0.0)
    assert not turns.take(SITE, waiting, 0.0)
    turns.end(SITE, busy, 0.0, Rest(0.0))
    assert (len(paused.calls), len(waiting.calls)) == (1, 0)
    async with asyncio.timeout(10):
        while not waiting.calls:
            await asyncio.sleep(0.001)
    assert turns.take(SITE, waiting, 1.0)
    assert not turns.take(SITE, paused, 1.0), "it waits once more"
    turns.end(SITE, waiting, 2.0, Rest(2.0))
    assert turns.take(SITE, paused, 2.0)


async def test_whoever_is_closed_waits_no_more_and_has_nothing_out() -> None:
    turns, closed, called, left = Turns(), Crawl(), Crawl(), Crawl()
    assert turns.take(SITE, closed, 0.0)
    assert not turns.take(SITE, called, 0.0)
    assert not turns.take(SITE, left, 0.0)
    turns.forget(closed, [SITE], 5.0)
    assert called.calls == [5.0]
    turns.forget(called, [SITE], 5.0)
    assert left.calls == [5.0]
    assert turns.take(SITE, left, 5.0)
    turns.forget(left, [SITE], 6.0)
    assert turns._sites[SITE].is_idle(6.0)


async def test_sites_that_nobody_wants_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SWEPT_AT", 10)
    turns, one = Turns(), Crawl()
    for number in range(3000):
        site = f"https://{number}.test"
        assert turns.take(site, one, number)
        turns.end(site, one, number, Rest(number, 1.0, 1.0))
        turns.leave(site, one, number)
    assert len(turns) < 1100


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_crawls_do_the_site_has_its_rest_and_everyone_comes_to_it(seed: int) -> None:
    chance = random.Random(seed)
    turns, crawls = Turns(), [Crawl(str(n), chance.choice([1, 1, 2, 3])) for n in range(5)]
    out: list[tuple[float, Crawl]] = []
    due = dict.fromkeys(crawls, 0.0)
    served = dict.fromkeys(crawls, 0)
    ended, now = 0.0, 0.0
    rest_s = 3.0
    for _ in range(1500):
        now += 0.5
        for until, crawl in [visit for visit in out if visit[0] <= now]:
            out.remove((until, crawl))
            turns.end(SITE, crawl, now, Rest(now, rest_s, rest_s))
            ended, due[crawl] = now, now
        for crawl in chance.sample(crawls, len(crawls)):
            if crawl.calls:
                due[crawl] = crawl.calls.pop()
                crawl.calls.clear()
            if due[crawl] > now:
                continue
            due[crawl] = float("inf")
            if turns.take(SITE, crawl, now):
                strictest = min([crawl.per_site, *(other.per_site for _, other in out)])
                assert len(out) < strictest
                if strictest == 1:
                    assert now >= ended + rest_s or not ended
                served[crawl] += 1
                out.append((now + chance.choice([0.5, 1.0, 4.0]), crawl))
    assert min(served.values()) >= 1500 * 0.5 / (rest_s + 4.0) / len(crawls) / 2


async def test_a_site_that_asks_for_one_at_a_time_gets_that_from_all_together() -> None:
    turns, heard, other = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    assert turns.take(SITE, heard, 0.0)
    assert turns.take(SITE, other, 0.0)
    turns.end(SITE, heard, 1.0, Rest(1.0, 4.0, 4.0, asked_s=4.0))
    assert not turns.take(SITE, heard, 9.0), "the other is still there"
    turns.end(SITE, other, 10.0, Rest(10.0, 0.5, 0.5, asked_s=0.0))
    assert heard.calls == [14.0], "the gap counts after whoever was there last"
    assert turns.take(SITE, heard, 14.0)
    assert not turns.take(SITE, other, 14.0)
    turns.end(SITE, heard, 15.0, Rest(15.0, 0.5, 0.5, asked_s=0.0))
    assert turns.take(SITE, other, 19.0)
    assert turns.take(SITE, heard, 19.0), "it takes its word back"


async def test_the_gap_that_one_heard_of_outlasts_its_leaving() -> None:
    turns, heard, other = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    assert turns.take(SITE, heard, 0.0)
    turns.end(SITE, heard, 1.0, Rest(1.0, 4.0, 4.0, asked_s=4.0))
    turns.leave(SITE, heard, 1.0)
    assert not turns.take(SITE, other, 2.0)
    assert other.calls == [5.0]
    assert turns.take(SITE, other, 5.0)
