"""The set of fingerprints is exact, whatever its size and whatever it is doing."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from crawler.frontier.fingerprints import STEP, U64, Fingerprints

keys = st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 1, 2, 1 << 32, (1 << 64) - 1])


def array(*numbers: int) -> U64:
    return np.array(numbers, np.uint64)


def test_of_equal_fingerprints_in_one_call_the_first_is_new() -> None:
    seen = Fingerprints()
    assert seen.add_many(array(5, 7, 5, 9, 7)).tolist() == [True, True, False, True, False]
    assert seen.add_many(array(9, 11)).tolist() == [False, True]
    assert len(seen) == 4


def test_nothing_is_nothing() -> None:
    seen = Fingerprints()
    assert seen.add_many(array()).tolist() == []
    assert len(seen) == 0


@given(st.lists(st.lists(keys, max_size=60), max_size=20))
def test_it_agrees_with_a_plain_set(calls: list[list[int]]) -> None:
    seen, known = Fingerprints(), set[int]()
    for call in calls:
        expected = []
        for key in call:
            expected.append((key or 1) not in known)  # zero counts as one
            known.add(key or 1)
        assert seen.add_many(array(*call)).tolist() == expected
    assert len(seen) == len(known)


@given(st.lists(st.tuples(keys, st.integers(0, 1 << 40)), max_size=300))
def test_a_value_stays_that_of_the_first(pairs: list[tuple[int, int]]) -> None:
    seen, known = Fingerprints(with_values=True), dict[int, int]()
    for key, value in pairs:
        seen.add_many(array(key), array(value))
        known.setdefault(key or 1, value)
    assert {key: seen.get(key) for key in known} == known
    assert seen.get(12345) == known.get(12345)


def test_it_stays_exact_while_it_grows_by_steps() -> None:
    seen, numbers = Fingerprints(with_values=True), np.random.default_rng(7)
    every = np.unique(numbers.integers(1, 1 << 64, 300_000, np.uint64))
    numbers.shuffle(every)
    for at in range(0, len(every), 997):
        part = every[at : at + 997]
        assert seen.add_many(part, part >> np.uint64(1)).all()
        again = every[: at + 997][-5000:]
        assert not seen.add_many(again, again).any()
    assert len(seen) == len(every)
    assert not seen.add_many(every, every).any()
    assert all(seen.get(int(key)) == int(key) >> 1 for key in every[::1000])
    assert seen.nbytes / len(seen) < 2 * 45  # a slot takes 16 bytes here; while growing there are three tables


@given(st.lists(st.lists(keys, max_size=60), max_size=20), st.booleans())
def test_made_at_once_it_is_what_it_is_bit_by_bit(calls: list[list[int]], with_values: bool) -> None:
    made = Fingerprints.build([array(*call) for call in calls], sum(map(len, calls)), with_values=with_values)
    every = [key or 1 for call in calls for key in call]
    assert len(made) == len(set(every))
    assert all(key in made for key in every)
    assert (2**63 + 12345 in made) == (2**63 + 12345 in every)
    if with_values:
        assert {key: made.get(key) for key in every} == {key: every.index(key) + 1 for key in every}
    fresh = sorted({7, 1 << 33, (1 << 64) - 5} - set(every))
    assert made.add_many(array(*fresh), array(*fresh) if with_values else None).all()
    assert all(key in made for key in [*every, *fresh])


def test_made_at_once_it_holds_many_members_wherever_they_crowd() -> None:
    """Runs that are longer than a step, several equal ones across steps, and a run that goes on at the beginning."""
    numbers = np.random.default_rng(5)
    evenly = numbers.integers(1, 1 << 64, 3 * STEP, np.uint64)
    low = np.arange(1, 2 * STEP + 1, dtype=np.uint64)
    high = np.uint64((1 << 64) - 1) - np.arange(2 * STEP, dtype=np.uint64)
    every = numbers.permutation(np.concatenate([evenly, low, high]))
    parts = np.array_split(np.concatenate([every, every[:1000], np.repeat(low[:1], 2 * STEP)]), 9)
    expected, first = np.unique(np.concatenate(parts), return_index=True)
    for with_values in (False, True):
        table = Fingerprints.build(parts, sum(map(len, parts)), with_values=with_values)._table
        slots = np.flatnonzero(table.keys)
        order = np.argsort(table.keys[slots])
        assert (table.keys[slots][order] == expected).all()
        assert table.used == len(expected)
        empty_before = np.concatenate([[0], np.cumsum(table.keys == 0)])
        homes, is_behind = table._homes(table.keys[slots]), slots < table._homes(table.keys[slots])
        between = empty_before[slots] - empty_before[homes] + is_behind * empty_before[-1]
        assert not between.any(), "no search ends before it is found"
        assert is_behind.any()
        if with_values:
            assert (table.values[slots][order] == first + 1).all()


def test_crowded_slots_at_the_end_go_on_at_the_beginning() -> None:
    seen = Fingerprints()
    last = [(1 << 64) - 1 - i for i in range(500)]
    assert seen.add_many(array(*last)).all()
    assert not seen.add_many(array(*last)).any()
    assert len(seen) == 500


def test_one_large_call_makes_all_the_room_it_needs() -> None:
    seen = Fingerprints()
    evenly = np.arange(1, 200_001, dtype=np.uint64) * np.uint64((1 << 64) // 200_003)
    many = np.random.default_rng(3).permutation(evenly)
    assert seen.add_many(many).all()
    assert not seen.add_many(many).any()
