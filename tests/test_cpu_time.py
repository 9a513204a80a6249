"""The checks of CPU time can fail: slow code and quadratic code do not pass them, and linear code does."""

from __future__ import annotations

import pytest

from tests.cpu_time import check_growth, check_time
from tests.linear.measure import Row, glance


def count_pairs(size: int) -> int:
    return sum(1 for one in range(size) for other in range(size) if one < other)


def count(size: int) -> int:
    return sum(1 for _ in range(size))


def test_slow_code_fails() -> None:
    check_time(lambda: count_pairs(30), 0.002)
    with pytest.raises(AssertionError, match=r"ms of CPU time at best, where 2\.0 ms are allowed"):
        check_time(lambda: count_pairs(500), 0.002)


def test_quadratic_code_fails_and_linear_code_does_not() -> None:
    check_growth(count, int, 1000)
    check_growth(count_pairs, int, 30, harmless_s=10.0)
    with pytest.raises(AssertionError, match=r"power (1\.[7-9]|2)"):
        check_growth(count_pairs, int, 30)


def test_a_quadratic_reader_fails_at_a_glance_and_a_linear_one_does_not() -> None:
    assert [*glance(Row("linear", count, {"numbers": int}, most=1 << 16, step=2))] == []
    (finding,) = glance(Row("quadratic", count_pairs, {"numbers": int}, most=1 << 10, step=16))
    assert finding.exponent > 1.7
