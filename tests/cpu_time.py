"""Checks of CPU time that no busy machine fails and no slow code passes.

Other programs make code look slower for a while, by cache and clock, and never quicker. So code that looks slow is
measured again, and only code that is slow every time fails. A machine that is slow as such gets as much more time.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Given = TypeVar("Given")

ROUNDS = 12
"""Measurements of code that looks slow: in one of them the machine is quiet enough."""
PATIENCE_S = 5.0
"""CPU time after which three measurements do."""
STEEPEST = 1.5
"""Greatest exponent of growth: linear is 1, n log n about 1.1, quadratic 2."""
STEP = 16
"""Larger size over smaller one: linear code may look four times slower here, and so may quadratic code look quicker."""
ENOUGH_S = 0.002
"""CPU time from which one call of a function is measured; a quicker one is called more often."""
YARDSTICK_S = 0.0005
"""CPU time of the yardstick on the machine that all bounds are meant for: a core of 2023."""


def check_time(work: Callable[[], object], most_s: float) -> None:
    """Raises AssertionError if one call takes more CPU time than this, however often it is tried."""
    check_least(lambda: cpu_s(work), most_s)


def check_least(measure: Callable[[], float], most_s: float) -> None:
    """Raises AssertionError if the measured CPU time is more than this, however often it is measured."""
    least = math.inf
    for _ in _rounds():
        slowness = max(1.0, cpu_s(_yardstick) / YARDSTICK_S)
        least = min(least, measure() / slowness)
        if least <= most_s:
            return
    raise AssertionError(f"{least * 1000:.1f} ms of CPU time at best, where {most_s * 1000:.1f} ms are allowed")


def check_growth(
    work: Callable[[Given], object], make: Callable[[int], Given], size: int, *, harmless_s: float = 0.0
) -> None:
    """Raises AssertionError if CPU time grows much faster than the input, from a size to sixteen times that size.

    `make` makes an input of a size. Code that takes at most `harmless_s` for the larger one may grow as it likes.
    """
    small = large = math.inf
    for _ in _rounds():
        small = min(small, *(_mean_s(work, make, size) for _ in range(3)))
        large = min(large, _mean_s(work, make, size * STEP))
        exponent = math.log(large / small, STEP)
        if large <= harmless_s or exponent <= STEEPEST:
            return
    raise AssertionError(f"{large * 1000:.1f} ms of CPU time at best; time grows with the power {exponent:.2f} of size")


def cpu_s(work: Callable[[], object]) -> float:
    """Returns the CPU time that this thread takes for one call, without the garbage of the tests before."""
    gc.disable()
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        gc.enable()


def _rounds() -> Iterator[None]:
    until = time.thread_time() + PATIENCE_S
    for number in range(ROUNDS):
        if number < 3 or time.thread_time() < until:
            yield


def _mean_s(work: Callable[[Given], object], make: Callable[[int], Given], size: int) -> float:
    spent, calls = 0.0, 0
    while spent < ENOUGH_S:
        given = make(size)
        spent += cpu_s(lambda: work(given))  # noqa: B023 - it is called at once
        calls += 1
    return spent / calls


def _yardstick() -> None:
    """Does the same little work every time, of the kinds that readers do."""
    text = "a,bc;" * 400
    for _ in range(4):
        sum(len(part) for part in text.replace(";", ",").split(","))
        dict.fromkeys(text[n : n + 3] for n in range(0, len(text), 3))
