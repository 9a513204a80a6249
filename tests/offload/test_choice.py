"""The choice of a place by its cost: figures in, a place out."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest

from crawler.offload.choice import FIRST_HOLD, LEAST_SAMPLES, SAMPLES, Choice, Cost, Place, State

ALL = (Place.INLINE, Place.THREAD, Place.PROCESS)
HAND_OVER = {Place.PROCESS: Cost(150e-6, 130e-6), Place.THREAD: Cost(50e-6)}
IDLE = State(HAND_OVER, busy=0.05, cores=2)
FULL = State(HAND_OVER, busy=0.95, cores=2)
ONE_CORE = State(HAND_OVER, busy=0.95, cores=1)


def measured(costs_ms: Iterable[float], allowed: Iterable[Place] = ALL) -> Choice:
    choice = Choice(tuple(allowed))
    note(choice, costs_ms)
    return choice


def note(choice: Choice, costs_ms: Iterable[float]) -> None:
    for cost in costs_ms:
        choice.calls += 1
        choice.note(cost / 1000)


def where(choice: Choice) -> Place:
    return choice.place


def reviewed(costs_ms: Iterable[float], state: State, calls_per_s: float = 10.0) -> Place:
    choice = measured(costs_ms)
    choice.review(state, calls_per_s)
    return choice.place


def test_nothing_is_chosen_before_enough_is_measured() -> None:
    choice = measured([0.1] * (LEAST_SAMPLES - 1))
    choice.review(IDLE, 10)
    assert (choice.place, choice.why) == (Place.PROCESS, "not measured yet")
    note(choice, [0.1])
    choice.review(IDLE, 10)
    assert where(choice) is Place.INLINE


@pytest.mark.parametrize(
    ("cost_ms", "state", "place"),
    [
        (0.1, IDLE, Place.INLINE),
        (0.3, IDLE, Place.INLINE),
        (0.8, IDLE, Place.THREAD),
        (4.0, IDLE, Place.PROCESS),
        (8.0, IDLE, Place.PROCESS),
        (0.1, FULL, Place.INLINE),  # less than to hand it over
        (0.3, FULL, Place.PROCESS),
        (0.8, FULL, Place.PROCESS),
        (0.3, ONE_CORE, Place.INLINE),
        (0.8, ONE_CORE, Place.THREAD),
        (8.0, ONE_CORE, Place.PROCESS),
    ],
)
def test_the_cheapest_place_that_leaves_the_loop_free(cost_ms: float, state: State, place: Place) -> None:
    assert reviewed([cost_ms] * 50, state) is place


def test_work_that_is_not_safe_elsewhere_stays_in_processes() -> None:
    choice = measured([0.01] * 50, [Place.PROCESS])
    choice.review(IDLE, 10)
    assert (choice.place, choice.why) == (Place.PROCESS, "the only place that is safe for it")


def test_one_slow_outlier_changes_nothing() -> None:
    choice = measured([0.2] * 100)
    choice.review(IDLE, 10)
    note(choice, [40.0])
    assert where(choice) is Place.INLINE
    choice.review(IDLE, 10)
    assert where(choice) is Place.INLINE


def test_pages_made_slow_leave_the_loop_with_the_second_one_and_stay_away_longer_each_time() -> None:
    choice = measured([0.2] * 100)
    for hold in (FIRST_HOLD, 2 * FIRST_HOLD):
        choice.review(IDLE, 10)
        assert where(choice) is Place.INLINE
        left = choice.calls + 2
        note(choice, [16.0, 16.0])
        assert where(choice) is Place.PROCESS, "at once, not with the next review"
        while choice.calls < left + hold - 1:
            note(choice, [0.2])
            choice.review(IDLE, 10)
            assert where(choice) is not Place.INLINE
        note(choice, [0.2])


def test_noise_makes_no_change_after_change() -> None:
    rng = random.Random(5)
    choice, places = Choice(ALL), []
    for _ in range(200):
        note(choice, [max(0.05, rng.gauss(0.6, 0.15)) for _ in range(40)])
        noisy = {place: Cost(*(part * rng.uniform(0.7, 1.4) for part in cost)) for place, cost in HAND_OVER.items()}
        choice.review(State(noisy, rng.uniform(0.05, 0.3), 2), 20)
        places.append(choice.place)
    changes = sum(one is not other for one, other in pairwise(places))
    assert (changes, places[-1]) == (0, Place.THREAD)


def test_equal_prices_keep_the_place() -> None:
    close = {Place.PROCESS: Cost(60e-6), Place.THREAD: Cost(50e-6)}
    choice = measured([0.8] * 50)
    choice.review(State(close, 0.05, 2), 10)
    assert where(choice) is Place.PROCESS, "a hundredth less is none"


def test_other_pages_bring_another_place() -> None:
    choice = measured([0.2] * 100)
    choice.review(IDLE, 10)
    assert where(choice) is Place.INLINE
    note(choice, [9.0] * SAMPLES)
    choice.review(IDLE, 10)
    assert where(choice) is Place.PROCESS
    note(choice, [0.2] * 2 * FIRST_HOLD)
    choice.review(IDLE, 10)
    assert where(choice) is Place.INLINE


def test_work_comes_to_our_process_only_if_it_has_room_for_all_of_it() -> None:
    assert reviewed([0.4] * 50, IDLE, calls_per_s=500) is Place.INLINE
    assert reviewed([0.4] * 50, IDLE, calls_per_s=3000) is Place.PROCESS


def test_work_that_came_stays_until_the_core_is_full_and_does_not_swing() -> None:
    choice = measured([0.4] * 50)
    choice.review(IDLE, 500)
    for busy in (0.3, 0.7, 0.8):
        choice.review(IDLE._replace(busy=busy), 1500)
        assert where(choice) is Place.INLINE
    choice.review(FULL, 1500)
    assert where(choice) is Place.PROCESS
    choice.review(FULL._replace(busy=0.7), 1800)
    assert where(choice) is Place.PROCESS


def test_a_place_that_is_not_measured_is_not_taken() -> None:
    choice = measured([0.8] * 50)
    choice.review(IDLE._replace(hand_over={Place.PROCESS: HAND_OVER[Place.PROCESS]}), 10)
    assert where(choice) is Place.PROCESS


def test_without_a_gil_a_thread_takes_no_room_of_the_loop() -> None:
    free = FULL._replace(
        hand_over={Place.PROCESS: Cost(150e-6, 130e-6), Place.THREAD: Cost(20e-6, 30e-6)}, has_gil=False
    )
    assert reviewed([0.8] * 50, free, calls_per_s=1000) is Place.THREAD


def test_prices_hold_the_work_and_its_hand_over() -> None:
    prices = measured([0.2] * 50).prices(IDLE)
    assert {place: round(price.total * 1e6) for place, price in prices.items()} == {
        Place.INLINE: 200,
        Place.THREAD: 250,
        Place.PROCESS: 480,
    }
