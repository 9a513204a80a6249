"""Points thin out with age, and what is asked for is found in the finest tier that has it."""

from __future__ import annotations

from itertools import pairwise

from crawler.daemon.runs.stats import TIERS, Point, Series


def point(at: float) -> Point:
    return Point(at, *[float(number) for number in range(len(Point._fields) - 1)])


def filled(seconds: int) -> Series:
    series = Series()
    for second in range(1, seconds + 1):
        series.add(point(1000.0 + second))
    return series


def test_ten_minutes_are_kept_by_the_second() -> None:
    points = filled(300).since(0)
    assert len(points) == 300
    assert points[-1] == point(1300.0)


def test_what_is_older_is_kept_more_coarsely() -> None:
    series = filled(3600)
    assert len(series.since(1000 + 3600 - 500)) == 501
    hour = series.since(0)
    assert len(hour) == 360
    assert {later.at - earlier.at for earlier, later in pairwise(hour)} == {10.0}


def test_a_series_is_bounded() -> None:
    series = filled(20_000)
    assert len(series.since(0)) <= sum(most for _, most in TIERS)
    assert len(series.since(0)) >= 20_000 // 60


def test_nothing_is_an_answer_too() -> None:
    assert Series().since(0) == []
