"""Forecasts hold: on 200 generated webs of known size, intervals of 80 % contain the truth in 70 % of the cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.forecast import GOAL, Told, coverage, sample_many, watch_many

MOST_WIDE = 3.0
"""The most that the upper bound of an ordinary interval is above the lower one, as a factor."""


@pytest.mark.slow
@pytest.mark.parametrize(("sitemaps", "least_told"), [(1.0, 0.95), (0.0, 0.4)], ids=["sitemaps", "links alone"])
def test_the_intervals_of_200_sites_hold_before_a_crawl(sitemaps: float, least_told: float) -> None:
    told = [one for one in sample_many(230, seed=100, sitemaps=sitemaps) if one.share < 1][:200]
    check(told, least_told)


@pytest.mark.slow
def test_the_ends_of_crawls_that_run_are_told_with_intervals_that_hold() -> None:
    check(watch_many(24, seed=4, most=120), 0.5)


@pytest.mark.long
def test_the_ends_of_200_crawls_that_run_are_told_with_intervals_that_hold() -> None:
    check(watch_many(200, seed=5, most=300), 0.6)


def check(told: Sequence[Told], least_told: float) -> None:
    """Checks that intervals hold and are of use, and that where only the least is told, it is never above the truth."""
    closed = [one for one in told if one.high is not None]
    assert coverage(told) >= GOAL
    assert len(closed) >= least_told * len(told), "where nearly nothing is told, it is of no use that it holds"
    widths = sorted((one.high or 0.0) / max(one.low, 1.0) for one in closed)
    assert widths[len(widths) // 2] <= MOST_WIDE
    assert all(one.low <= one.truth for one in told if one.high is None)
    assert coverage([replace(one, truth=2 * one.truth) for one in told]) < GOAL, "intervals tell nothing else either"
