"""How the CPU time of a function grows with what it is given: 1 is linear, 2 quadratic."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import count

STEP = 8
ENOUGH_S = 0.005


def exponent(work: Callable[[str], object], sized: Callable[[int, int], str], size: int) -> float:
    """From a size to eight times that size. `sized` makes a text of a size and a number, so that no cache knows it."""
    numbers = count()
    small, large = (cpu_s(work, lambda: sized(one, next(numbers))) for one in (size, size * STEP))  # noqa: B023
    return math.log(large / small, STEP)


def cpu_s(work: Callable[[str], object], make: Callable[[], str]) -> float:
    """Of one call. The least of three measurements: what else the machine does only adds to it."""
    return min(_mean(work, make) for _ in range(3))


def _mean(work: Callable[[str], object], make: Callable[[], str]) -> float:
    spent, calls = 0.0, 0
    while spent < ENOUGH_S:
        text = make()
        started = time.process_time()
        work(text)
        spent += time.process_time() - started
        calls += 1
    return spent / calls
