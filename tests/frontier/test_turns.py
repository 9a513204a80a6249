"""Who may visit a site next, when several crawls want it."""

from __future__ import annotations

import asyncio
import random

import pytest

from crawler.frontier import turns as room
from crawler.frontier.turns import Rest, Turns

SITE = "https://alpha.test"


class Crawl:
    """A frontier as Turns knows it."""

    def __init__(
        self, name: str = "", per_site: int = 1, rest_s: float = 5.0, most_asked_s: float = 60.0
    ) -> None:  # fmt: skip
        self.name = name
        self.per_site = per_site
        self.rest_s = rest_s
        self.most_asked_s = most_asked_s
        self.most_held_s = 10 * most_asked_s
        self.calls: list[float] = []

    def at_one_site(self, site: str) -> int:
        return self.per_site

    def rest_of(self, site: str) -> float:
        return self.rest_s

    def call(self, site: str, at: float) -> None:
        self.calls.append(at)


async def test_a_site_is_granted_to_one_and_the_other_is_called_when_it_has_rested() -> None:
    turns, one, two = Turns(), Crawl(), Crawl()
    assert turns.take(SITE, one, 0.0)
    assert not turns.take(SITE, two, 1.0)
    assert two.calls == []
    turns.end(SITE, one, 2.0, Rest(2.0, 5.0))
    assert two.calls == [7.0]
    assert not turns.take(SITE, one, 7.0), "it was promised to the other"
    assert turns.take(SITE, two, 7.0)
    turns.end(SITE, two, 8.0, Rest(8.0, 5.0))
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


async def test_nobody_waits_longer_than_after_a_visit_of_its_own() -> None:
    turns, brisk, calm = Turns(), Crawl(rest_s=2.0), Crawl(rest_s=1e6)
    assert turns.take(SITE, calm, 0.0)
    turns.end(SITE, calm, 1.0, Rest(1.0, 1e6))
    assert not turns.take(SITE, brisk, 2.0)
    assert brisk.calls == [3.0]
    assert turns.take(SITE, brisk, 3.0)
    turns.end(SITE, brisk, 4.0, Rest(4.0, 2.0))
    assert turns.take(SITE, brisk, 6.0)


async def test_nor_than_the_other_one_would_which_so_comes_to_its_turns() -> None:
    turns, brisk, calm = Turns(), Crawl(rest_s=2.0), Crawl(rest_s=100.0)
    assert turns.take(SITE, calm, 0.0)
    turns.end(SITE, calm, 0.0, Rest(0.0, 100.0))
    assert not turns.take(SITE, calm, 1.0)
    assert calm.calls == [100.0]
    for now in range(2, 95, 3):
        assert turns.take(SITE, brisk, now)
        turns.end(SITE, brisk, now + 1, Rest(now + 1, 2.0))
    assert turns.take(SITE, brisk, 97.9)
    turns.end(SITE, brisk, 101.0, Rest(101.0, 2.0))
    assert not turns.take(SITE, calm, 101.0), "the other one was there"
    assert calm.calls == [100.0, 103.0], "as soon as that one could come again"
    assert not turns.take(SITE, brisk, 101.5)
    assert not turns.take(SITE, brisk, 103.0)
    assert turns.take(SITE, calm, 103.0)


async def test_a_promise_no_further_away_than_one_would_rest_goes_first() -> None:
    turns, calm, brisk, heard = Turns(), Crawl(rest_s=100.0), Crawl(rest_s=2.0), Crawl(rest_s=1.0)
    assert turns.take(SITE, calm, 0.0)
    turns.end(SITE, calm, 0.0, Rest(0.0, 100.0))
    assert not turns.take(SITE, calm, 1.0)
    assert turns.take(SITE, brisk, 97.9)
    turns.end(SITE, brisk, 97.9, None)
    assert not turns.take(SITE, brisk, 98.0)
    turns.leave(SITE, brisk, 98.0)
    assert turns.take(SITE, heard, 98.0)
    turns.end(SITE, heard, 98.0, Rest(0.0, asked_s=50.0))  # one at a time, and so long a rest
    assert not turns.take(SITE, heard, 98.5), "it would rest as long itself, by the site's own word"
    assert turns.take(SITE, calm, 100.0)
    turns.forget(calm, [SITE], 100.0)


async def test_its_own_rest_counts_for_each_however_long_this_one_is() -> None:
    turns, one, two = Turns(), Crawl(rest_s=5.0), Crawl(rest_s=5.0)
    assert turns.take(SITE, one, 0.0)
    turns.end(SITE, one, 1.0, Rest(1.0, 50.0))  # a setback: it backs off
    assert not turns.take(SITE, one, 6.0)
    assert one.calls == [51.0]
    assert not turns.take(SITE, two, 5.0)
    assert two.calls == [6.0], "before the other one, which was promised a later turn"
    assert turns.take(SITE, two, 6.0)
    turns.end(SITE, two, 7.0, Rest(7.0, 5.0))
    assert turns.take(SITE, one, 51.0)


async def test_a_shorter_rest_than_usual_counts_too() -> None:
    turns, one, two = Turns(), Crawl(rest_s=5.0), Crawl(rest_s=5.0)
    assert turns.take(SITE, one, 0.0)
    turns.end(SITE, one, 1.0, Rest(1.0, 2.0))
    assert not turns.take(SITE, two, 2.0)
    assert two.calls == [3.0]


@pytest.mark.parametrize("is_gone", [False, True])
async def test_a_turn_far_away_that_one_was_promised_stands_in_nobodys_way(is_gone: bool) -> None:
    turns, calm, brisk, third = Turns(), Crawl(rest_s=1e6), Crawl(rest_s=1.0), Crawl(rest_s=1.0)
    assert turns.take(SITE, calm, 0.0)
    turns.end(SITE, calm, 0.0, Rest(0.0, 1e6))
    assert not turns.take(SITE, calm, 1.0)
    assert calm.calls == [1e6]
    if is_gone:
        turns.forget(calm, [SITE], 1.0)
    assert turns.take(SITE, brisk, 1.0)
    assert not turns.take(SITE, third, 1.0)
    turns.end(SITE, brisk, 2.0, Rest(2.0, 1.0))
    assert third.calls == [3.0]
    assert turns.take(SITE, third, 3.0)
    turns.forget(calm, [SITE], 3.0)  # else its timer outlasts the test


async def test_the_rest_of_one_that_has_left_is_kept_no_longer_than_others_need() -> None:
    turns, gone, other = Turns(), Crawl(rest_s=1e6), Crawl(rest_s=3.0)
    assert turns.take(SITE, gone, 0.0)
    turns.end(SITE, gone, 1.0, Rest(1.0, 1e6))
    turns.leave(SITE, gone, 1.0)
    assert not turns.take(SITE, other, 2.0)
    assert other.calls == [4.0]
    turns.leave(SITE, other, 4.0)
    line = turns._sites[SITE]
    assert not line.is_idle(3600.0)
    assert line.is_idle(3601.0), "and the site is forgotten"


async def test_what_one_left_of_a_site_before_it_came_here_counts_likewise() -> None:
    turns, back, other = Turns(), Crawl(rest_s=1e6), Crawl(rest_s=0.5)
    turns.note_earlier_rest(SITE, back, 500.0, 10.0)
    assert not turns.take(SITE, other, 10.2)
    assert other.calls == [10.5]
    assert not turns.take(SITE, back, 10.4)
    assert turns.take(SITE, other, 10.5)
    turns.end(SITE, other, 11.0, Rest(11.0, 0.5))
    assert back.calls == [500.0]
    turns.forget(back, [SITE], 13.0)
    turns.forget(other, [SITE], 13.0)


async def test_what_is_remembered_of_a_site_is_bounded_however_many_come_at_a_time() -> None:
    turns, many = Turns(), Crawl(per_site=1000, rest_s=1e6, most_asked_s=1e6)
    for _ in range(1000):
        assert turns.take(SITE, many, 0.0)
    for number in range(1000):
        turns.end(SITE, many, 1.0, Rest(1.0, 1e6, held_s=5000.0 - number))
    line = turns._sites[SITE]
    assert (len(line.ends), len(line.holds)) == (room.MOST_ENDS, room.MOST_HOLDS)
    turns.forget(many, [SITE], 1.0)
    assert not [end for end in line.ends if end.taker], "who has left is kept by nothing"


async def test_a_site_that_asked_one_to_stay_away_is_left_alone_by_all() -> None:
    turns, one, two = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    assert turns.take(SITE, one, 0.0)
    turns.end(SITE, one, 1.0, Rest(1.0, 60.0, held_s=60.0))
    assert not turns.take(SITE, two, 2.0)
    assert two.calls == [61.0]


async def test_each_hears_the_word_of_a_site_as_far_as_it_honours_any() -> None:
    turns, patient, other = Turns(), Crawl(most_asked_s=1e6), Crawl(rest_s=1.0, most_asked_s=3.0)
    assert turns.take(SITE, patient, 0.0)
    turns.end(SITE, patient, 1.0, Rest(1.0, 1e6, asked_s=1e6))
    assert not turns.take(SITE, other, 2.0)
    assert other.calls == [4.0]
    assert turns.take(SITE, other, 4.0)
    turns.end(SITE, other, 5.0, Rest(5.0, 3.0, asked_s=3.0))
    turns.leave(SITE, patient, 5.0)
    assert turns.take(SITE, other, 8.0)
    turns.end(SITE, other, 9.0, Rest(9.0, 1e6, held_s=1e6))
    assert not turns.take(SITE, other, 20.0)
    assert other.calls[1:] == [9.0 + 1e6], "its own rest"
    third = Crawl(rest_s=1.0, most_asked_s=3.0)
    assert not turns.take(SITE, third, 20.0)
    assert third.calls == [39.0], "ten times that, where it asks to be left alone"
    turns.forget(other, [SITE], 20.0)


async def test_a_later_word_of_a_site_does_not_shorten_an_earlier_one() -> None:
    turns, one, two = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    for _ in range(3):
        assert turns.take(SITE, one, 0.0)
    for held_s in (100.0, 20.0, 30.0):
        turns.end(SITE, one, 1.0, Rest(1.0, held_s=held_s))
    assert turns._sites[SITE].holds == [(1.0, 100.0), (1.0, 30.0)]
    assert not turns.take(SITE, two, 2.0)
    assert two.calls == [101.0]


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
    async with asyncio.timeout(60):
        while not waiting.calls:
            await asyncio.sleep(0.001)
    assert waiting.calls == [0.01], "when the promise lapsed"
    assert turns.take(SITE, waiting, 1.0)
    assert not turns.take(SITE, paused, 1.0), "it waits once more"
    turns.end(SITE, waiting, 2.0, Rest(2.0))
    assert turns.take(SITE, paused, 2.0)


async def test_a_promise_is_kept_until_a_while_after_its_time() -> None:
    turns, one, two = Turns(), Crawl(), Crawl()
    loop = asyncio.get_running_loop()
    assert turns.take(SITE, one, 100.0)
    assert not turns.take(SITE, two, 100.0)
    before = loop.time()
    turns.end(SITE, one, 101.0, Rest(101.0, 5.0))
    promise = turns._sites[SITE].called[two]
    assert promise.at == 106.0
    lapses_at, lasts_s, tick_s = promise.lapse.when(), 5.0 + room.PATIENCE_S, 0.002
    assert before + lasts_s - tick_s <= lapses_at <= loop.time() + lasts_s + tick_s
    assert turns.take(SITE, two, 106.0)
    assert promise.lapse.cancelled(), "it was kept"
    turns.forget(two, [SITE], 101.0)


async def test_whoever_is_closed_waits_no_more_and_has_nothing_out() -> None:
    turns, closed, called, left = Turns(), Crawl(), Crawl(), Crawl()
    assert turns.take(SITE, closed, 0.0)
    assert not turns.take(SITE, called, 0.0)
    assert not turns.take(SITE, left, 0.0)
    turns.forget(closed, [SITE], 5.0)
    assert called.calls == [10.0], "who was there may have asked just now"
    turns.forget(called, [SITE], 5.0)
    assert left.calls == [10.0]
    assert turns.take(SITE, left, 10.0)
    turns.forget(left, [SITE], 16.0)
    assert not turns._sites[SITE].is_idle(20.0)
    assert turns._sites[SITE].is_idle(21.0)


async def test_all_visits_of_one_that_is_closed_are_over() -> None:
    turns, closed, other = Turns(), Crawl(per_site=3), Crawl(per_site=3, rest_s=2.0)
    for _ in range(3):
        assert turns.take(SITE, closed, 0.0)
    assert not turns.take(SITE, other, 0.0)
    turns.forget(closed, [SITE], 5.0)
    assert not turns._sites[SITE].out
    assert other.calls == [7.0]
    assert [turns.take(SITE, other, 7.0) for _ in range(3)] == [True] * 3


async def test_sites_that_nobody_wants_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SWEPT_AT", 10)
    turns, one = Turns(), Crawl()
    for number in range(3000):
        site = f"https://{number}.test"
        assert turns.take(site, one, number)
        turns.end(site, one, number, Rest(number, 1.0))
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
            turns.end(SITE, crawl, now, Rest(now, rest_s))
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


@pytest.mark.parametrize("seed", range(20))
async def test_nobody_waits_for_the_rest_of_another_whatever_crawls_do(seed: int) -> None:
    chance = random.Random(seed)
    turns = Turns()
    crawls = [Crawl(str(n), 1, rest_s) for n, rest_s in enumerate([0.0, 1.0, 3.0, 20.0, 1e6])]
    out: tuple[float, Crawl] | None = None
    due = dict.fromkeys(crawls, 0.0)
    asked_at: dict[Crawl, float] = {}
    longest = dict.fromkeys(crawls, 0.0)
    served = dict.fromkeys(crawls, 0)
    now, free = 0.0, dict.fromkeys(crawls, 0.0)
    while now < 600.0:
        now += 0.5
        if out and out[0] <= now:
            visitor, out = out[1], None
            turns.end(SITE, visitor, now, Rest(now, visitor.rest_s))
            due[visitor] = now + visitor.rest_s
            free = {one: now + min(one.rest_s, visitor.rest_s) for one in crawls}
        for crawl in chance.sample(crawls, len(crawls)):
            if crawl.calls:
                due[crawl] = crawl.calls.pop()
            if due[crawl] > now:
                continue
            due[crawl] = float("inf")
            asked_at.setdefault(crawl, now)
            if turns.take(SITE, crawl, now):
                assert out is None
                assert now >= free[crawl]
                longest[crawl] = max(longest[crawl], now - asked_at.pop(crawl))
                served[crawl] += 1
                out = now + chance.choice([0.5, 1.0, 4.0]), crawl
    for crawl in crawls:
        assert longest[crawl] <= len(crawls) * (4.0 + min(crawl.rest_s, 20.0)), crawl.name
        assert served[crawl] >= min(600.0, crawl.rest_s + 1) / (crawl.rest_s + 1) / 3
    assert asked_at.keys() <= {crawl for crawl in crawls if crawl.rest_s < 600}
    for crawl in crawls:
        turns.forget(crawl, [SITE], now)


async def test_a_site_that_asks_for_one_at_a_time_gets_that_from_all_together() -> None:
    turns, heard, other = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    assert turns.take(SITE, heard, 0.0)
    assert turns.take(SITE, other, 0.0)
    turns.end(SITE, heard, 1.0, Rest(1.0, 4.0, asked_s=4.0))
    assert not turns.take(SITE, heard, 9.0), "the other is still there"
    turns.end(SITE, other, 10.0, Rest(10.0, 0.5, asked_s=0.0))
    assert heard.calls == [14.0], "the gap counts after whoever was there last"
    assert turns.take(SITE, heard, 14.0)
    assert not turns.take(SITE, other, 14.0)
    turns.end(SITE, heard, 15.0, Rest(15.0, 0.5, asked_s=0.0))
    assert turns.take(SITE, other, 19.0)
    assert turns.take(SITE, heard, 19.0), "it takes its word back"


async def test_the_gap_that_one_heard_of_outlasts_its_leaving() -> None:
    turns, heard, other = Turns(), Crawl(per_site=4), Crawl(per_site=4)
    assert turns.take(SITE, heard, 0.0)
    turns.end(SITE, heard, 1.0, Rest(1.0, 4.0, asked_s=4.0))
    turns.leave(SITE, heard, 1.0)
    assert not turns.take(SITE, other, 2.0)
    assert other.calls == [5.0]
    assert turns.take(SITE, other, 5.0)
