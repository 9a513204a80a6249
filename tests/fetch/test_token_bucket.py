"""The count of bytes against a rate, and who is read next, by a clock turned by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest

from crawler.fetch.throttle import SiteThrottles, Throttle
from crawler.fetch.token_bucket import BURST_S, TokenBucket

RATE = 1000.0


def test_a_burst_is_read_at_once_and_a_debt_is_waited_for() -> None:
    bucket = TokenBucket(RATE, 0.0)
    assert bucket.wait_s(0.0) == 0
    bucket.take(600, 0.0)
    assert bucket.wait_s(0.0) == pytest.approx(0.5)
    assert bucket.wait_s(0.3) == pytest.approx(0.2)
    assert bucket.wait_s(0.6) == 0


def test_idle_time_is_saved_up_no_further_than_a_burst() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.take(round(RATE * BURST_S) + 1, 3600.0)
    assert bucket.wait_s(3600.0) > 0


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(RATE, 10.0)
    bucket.take(1100, 10.0)
    assert bucket.wait_s(5.0) == bucket.wait_s(10.0) == pytest.approx(1.0)


def test_a_debt_is_paid_off_at_the_new_rate() -> None:
    bucket = TokenBucket(RATE, 0.0)
    bucket.take(1100, 0.0)
    bucket.change(4 * RATE, 0.0)
    assert bucket.wait_s(0.0) == pytest.approx(0.25)


class Time:
    """Timers that run when the clock is turned."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._off: set[int] = set()
        self._steps = itertools.count()

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        step = next(self._steps)
        heapq.heappush(self._timers, (self.now + seconds, step, call))

        class Handle:
            def cancel(handle) -> None:
                self._off.add(step)

        return cast("asyncio.TimerHandle", Handle())

    def turn(self) -> None:
        """Turns the clock to the next timer, and runs it."""
        self.now, step, call = heapq.heappop(self._timers)
        if step not in self._off:
            call()

    @property
    def is_idle(self) -> bool:
        return all(step in self._off for _, step, _ in self._timers)


class Pipe:
    """A connection whose server always has more."""

    def __init__(self, name: str, throttles: list[Throttle]) -> None:
        self.name = name
        self.holds = 0
        self.brought = 0
        self.throttles = throttles
        for throttle in throttles:
            throttle.join(self)

    def hold(self) -> None:
        self.holds += 1

    def let_go(self) -> None:
        self.holds -= 1
        assert self.holds >= 0

    def bring(self, size: int) -> None:
        assert not self.holds
        self.brought += size
        for throttle in self.throttles:
            throttle.receive(self, size)

    def leave(self) -> None:
        for throttle in self.throttles:
            throttle.leave(self)


def play(time: Time, pipes: list[Pipe], until: float, size: int = 500) -> None:
    """Reads from pipes that may be read, the longest unread first as the system does, and turns the clock."""
    while time.now < until:
        ready = [pipe for pipe in pipes if not pipe.holds]
        if ready:
            ready[0].bring(size)
            pipes.append(pipes.pop(pipes.index(ready[0])))
        elif time.is_idle:
            return
        else:
            time.turn()


def make_throttle(time: Time, rate: float | None) -> Throttle:
    return Throttle(rate, lambda: time.now, time.call_later)


@pytest.mark.parametrize("number", [1, 3, 520])
def test_the_rate_is_kept_and_used_and_shared_evenly(number: int) -> None:
    time = Time()
    throttle = make_throttle(time, 100_000.0)
    pipes = [Pipe(str(n), [throttle]) for n in range(number)]
    play(time, pipes, 10.0)
    brought = [pipe.brought for pipe in pipes]
    assert 0.98 * 1_000_000 <= sum(brought) <= 1_000_000 + 100_000 * BURST_S + 500
    assert max(brought) - min(brought) <= 1000


def test_a_server_that_is_always_first_does_not_starve_the_others() -> None:
    time = Time()
    throttle = make_throttle(time, 10_000.0)
    pipes = {name: Pipe(name, [throttle]) for name in ("greedy", "a", "b")}
    order: list[str] = []
    while time.now < 30.0:
        ready = [name for name in pipes if not pipes[name].holds]
        if not ready:
            time.turn()
            continue
        first = next(iter(throttle._read))  # the system serves those first that were started first
        pipes[cast("Pipe", first).name].bring(5000 if first is pipes["greedy"] else 500)
        order.append(cast("Pipe", first).name)
    turns = Counter(order)
    assert max(turns.values()) - min(turns.values()) <= 2


def test_a_connection_that_comes_while_the_rate_is_used_up_waits_with_the_others() -> None:
    time = Time()
    throttle = make_throttle(time, RATE)
    Pipe("first", [throttle]).bring(5000)
    late = Pipe("late", [throttle])
    assert late.holds == 1
    late.leave()
    assert late.holds == 0


def test_the_smallest_rate_on_the_way_counts() -> None:
    time = Time()
    of_all, of_site = make_throttle(time, 100_000.0), make_throttle(time, 10_000.0)
    slow, quick = Pipe("slow", [of_all, of_site]), Pipe("quick", [of_all])
    play(time, [slow, quick], 20.0)
    assert slow.brought == pytest.approx(200_000, rel=0.05)
    assert slow.brought + quick.brought == pytest.approx(2_000_000, rel=0.05)


def test_another_rate_counts_at_once_and_none_lets_all_go() -> None:
    time = Time()
    throttle = make_throttle(time, RATE)
    pipe = Pipe("one", [throttle])
    pipe.bring(100_000)
    assert pipe.holds == 1
    throttle.change(100 * RATE)
    play(time, [pipe], 1.5)
    assert pipe.brought > 100_000
    throttle.change(None)
    assert pipe.holds == 0
    pipe.bring(10**9)
    assert pipe.holds == 0
    throttle.change(RATE)
    pipe.bring(10**6)
    assert pipe.holds == 1


def test_nobody_is_left_held_whatever_happens_in_which_order() -> None:
    chance, time = random.Random(7), Time()
    throttles = [make_throttle(time, 50_000.0), make_throttle(time, 20_000.0)]
    pipes: list[Pipe] = []
    for _ in range(5000):
        match chance.randrange(6):
            case 0:
                pipes.append(Pipe("", throttles[: chance.randint(1, 2)]))
            case 1 if pipes:
                gone = pipes.pop(chance.randrange(len(pipes)))
                gone.leave()
                assert gone.holds == 0
            case 2:
                chance.choice(throttles).change(chance.choice([None, 1000.0, 1e6]))
            case 3 if not time.is_idle:
                time.turn()
            case _:
                for pipe in pipes[:2]:
                    if not pipe.holds:
                        pipe.bring(chance.randint(1, 60_000))
    for throttle in throttles:
        throttle.close()
    assert not any(pipe.holds for pipe in pipes)
    for pipe in pipes:
        pipe.leave()
    assert not any(map(len, throttles))


def test_of_several_crawls_at_a_site_the_smallest_rate_counts() -> None:
    time = Time()
    sites = SiteThrottles(lambda rate: make_throttle(time, rate))
    one, two = object(), object()
    throttle = sites.claim("http://a.test", one, 5000.0)
    assert sites.claim("http://a.test", two, 2000.0) is throttle
    assert throttle.bytes_per_s == 2000
    sites.drop(two)
    assert throttle.bytes_per_s == 5000
    pipe = Pipe("under way", [throttle])
    pipe.bring(100_000)
    sites.drop(one)
    assert pipe.holds == 0
    assert not throttle.bytes_per_s
