"""Where the time of visits goes."""

from __future__ import annotations

import pytest

from crawler.metrics.latency import STAGES, Stages
from crawler.model import Timings


def test_shares_add_up_and_name_what_takes_longest() -> None:
    stages = Stages(4)
    stages.fold(Timings(dns=10, connect=20, ttfb=60, download=10))
    stages.tick(resting_ms=300.0, storing_ms=0.0)
    shares = stages.shares()
    assert tuple(shares) == STAGES
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["politeness"] == pytest.approx(0.75)
    assert shares["wait"] == pytest.approx(0.15)


def test_percentiles_are_right_within_a_fifth() -> None:
    stages = Stages(4)
    for took in range(1, 1001):
        stages.fold(Timings(ttfb=took))
    stages.tick(0.0, 0.0)
    latency = stages.latency()
    assert latency is not None
    for found, true in zip(latency, (500, 900, 990), strict=True):
        assert true <= found <= true * 1.2


def test_what_is_long_ago_is_forgotten() -> None:
    stages = Stages(2)
    stages.fold(Timings(dns=10))
    for _ in range(3):
        stages.tick(0.0, 0.0)
    assert stages.latency() is None
    assert not any(stages.shares().values())
