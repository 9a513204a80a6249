"""Places for visits: nobody gets less than a fair share of them, and none stays empty."""

from __future__ import annotations

import random
from collections import deque
from functools import partial

import pytest

from crawler.engine.slots import Places, Seat


def seats(places: Places, *weights: float) -> list[Seat]:
    return [places.seat(weight) for weight in weights]


def test_who_is_alone_gets_all() -> None:
    places = Places(10)
    seat = places.seat()
    assert seat.take(64) == 10
    assert seat.take(1) == 0
    assert seat.is_refused


def test_without_a_bound_everyone_gets_what_he_asks_for() -> None:
    assert Places().seat().take(10_000) == 10_000


def test_what_becomes_free_goes_to_whoever_holds_least() -> None:
    places = Places(10)
    rich, poor = seats(places, 1, 1)
    rich.take(10)
    assert poor.take(5) == 0
    rich.give_back(1)
    assert rich.take(5) == 0, "the other wants it and has nothing"
    assert poor.take(5) == 1
    assert poor.take(5) == 0
    rich.give_back(6)
    assert rich.take(6) == 0
    assert poor.take(6) == 2, "as much as brings it to where the other is"
    assert rich.take(6) == 4, "the other wants no more now"


def test_what_one_does_not_want_goes_to_the_others() -> None:
    places = Places(10)
    idle, busy = seats(places, 1, 1)
    assert idle.take(2) == 2
    assert busy.take(20) == 8
    idle.give_back(2)
    assert busy.take(20) == 2


def test_weights_set_the_shares() -> None:
    places = Places(30)
    heavy, light = seats(places, 2, 1)
    average = share(places, [heavy, light], visits=3000, seed=1)
    assert average == {heavy: pytest.approx(20, abs=0.5), light: pytest.approx(10, abs=0.5)}


def test_who_was_refused_is_woken_until_it_takes_or_lets_be() -> None:
    places = Places(1)
    holder, first, second = seats(places, 1, 1, 1)
    woken: list[str] = []
    first.wake, second.wake = lambda: woken.append("first"), lambda: woken.append("second")
    holder.take(1)
    assert first.take(1) == second.take(1) == 0
    holder.give_back(1)
    assert woken == ["first"]
    first.give_up_place()
    assert woken == ["first", "second"]
    assert second.take(1) == 1


def test_who_finds_nothing_to_do_passes_the_place_on() -> None:
    places = Places(4)
    holder, first, second = seats(places, 1, 1, 1)
    woken: list[str] = []
    second.wake = lambda: woken.append("second")
    holder.take(4)
    first.take(4), second.take(4)
    holder.give_back(4)
    first.give_back(first.take(4))
    assert woken
    assert second.take(4) == 4


def test_more_places_wake_those_who_wait() -> None:
    places = Places(1)
    one, two = seats(places, 1, 1)
    woken: list[bool] = []
    two.wake = lambda: woken.append(True)
    one.take(1), two.take(1)
    places.most = 2
    assert woken
    assert two.take(1) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_hundred_crawls_hold_their_fair_shares_of_what_is_wanted(seed: int) -> None:
    places = Places(256)
    crawls = [places.seat(weight) for weight in random.Random(seed).choices([0.5, 1, 2, 4], k=100)]
    average = share(places, crawls, visits=8_000, seed=seed)
    level = places.most / sum(seat.weight for seat in crawls)
    assert min(average[seat] / (level * seat.weight) for seat in crawls) > 0.8


def test_with_fewer_places_than_crawls_each_comes_in_turn() -> None:
    places = Places(3)
    crawls = seats(places, *[1.0] * 20)
    average = share(places, crawls, visits=8_000, seed=3)
    assert min(average.values()) > 0.8 * 3 / 20


def share(places: Places, crawls: list[Seat], *, visits: int, seed: int) -> dict[Seat, float]:
    """All want all they can get, the first come first; visits end at random. How many each held on the average."""
    chance = random.Random(seed)
    woken: deque[Seat] = deque(crawls)
    for seat in crawls:
        seat.wake = partial(woken.append, seat)
    held, samples = dict.fromkeys(crawls, 0), 0
    for turn in range(visits):
        while woken:
            seat = woken.popleft()
            while seat.take(64):
                pass
        assert places.taken == sum(seat.taken for seat in crawls) <= places.most
        if turn >= visits // 2 and turn % 10 == 0:
            samples += 1
            for one in crawls:
                held[one] += one.taken
        seat = chance.choices(crawls, [seat.taken for seat in crawls])[0]
        seat.give_back(1)
        woken.append(seat)  # its feeder wakes, too
    return {seat: number / samples for seat, number in held.items()}
