"""The places of requests in their site's queue, as numbers at their bounds, and how far URLs are from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from crawler.frontier.depths import FARTHEST, Depths, distance
from crawler.frontier.order import FIELD_MASK, LAST, MIDDLE, Entry, key, place, rank
from crawler.model import Request, Url


@pytest.mark.parametrize("in_depth_order", [False, True], ids=["priority", "depth"])
def test_the_largest_numbers_neither_overflow_nor_pass_those_behind(in_depth_order: bool) -> None:
    least, most = -(1 << 40), 1 << 40
    assert rank(least, 0, in_depth_order) == rank(-MIDDLE, 0, in_depth_order) == 0
    assert rank(most, most, in_depth_order) == rank(MIDDLE - 1, FIELD_MASK, in_depth_order) == LAST
    assert rank(most, 0, False) < rank(most, most, False)
    assert rank(0, most, True) < rank(1, most, True)


def test_a_request_that_is_given_back_twice_stands_where_it_stood_and_keeps_its_place() -> None:
    entry = Entry(key(rank(3, 2, False), 7), Request(Url("http://a/")), 0, 0)
    head = entry.at_head()
    assert head.key < 0
    assert head.at_head() == head
    assert (head.row, head.rank, head.place) == (entry.row, entry.rank, entry.key)
    assert place(entry.key) == place(head.key) == entry.key


def test_a_seed_is_nearest_and_nothing_is_farther_than_the_farthest() -> None:
    assert distance(5, is_seed=True) < distance(0, is_seed=False) < distance(1, is_seed=False)
    assert distance(1 << 30, is_seed=False) < FARTHEST


def test_only_a_shorter_way_to_a_known_row_is_nearer() -> None:
    depths = Depths()
    depths.learn(1, 2, 5)
    rows, ways = np.array([0, 1, 2, 2], np.uint64), np.array([1, 5, 4, 6], np.int64)
    assert depths.nearer(rows, ways).tolist() == [2]
    assert [depths.approach(1, way) for way in (5, 4, 4)] == [False, True, False]
    assert (depths.distance(1), depths.distance(2)) == (4, 5)
