"""Measures how the CPU time of a reader grows with its input: the exponent over two doublings, by this thread alone."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import thread_time
from typing import Any

STEEPEST = 1.3
"""The exponent that no reader may exceed: linear is 1, n log n about 1.1 at these sizes, quadratic 2."""
STEEPEST_AT_A_GLANCE = 1.6
"""And in the quick form, which runs on machines that are busy with other things."""
LEAST_S = 0.02
"""Time below which nothing is judged."""
GLANCE_S = 0.003
"""Time at which a glance ends, if the exponent is harmless until then."""
GLANCED = 1 << 16
"""The largest size at which a glance looks."""
FAST_S = 100e-9
"""A character: what handles memory takes longer for each, the more there is, and is as fast as that in the end."""
SLOWEST_S = 10e-6
"""A character, or the hundredth part of an item: no input may take longer in proportion to its size."""
LONGEST_S = 4.0
"""Time beyond which nothing is doubled again."""
FIRST = 1 << 12
LARGEST = 1 << 24
"""Where a look is taken at what seems too steep: no body is larger by default."""
MOST = 1 << 22
"""Characters, bytes or items of the largest input; a reader with a bound of its own says so."""
TIMES = 4
"""Measurements of a size that looks too slow; the fastest counts."""
ROUNDS = 12
"""Measurements of what is about to fail, both sizes in turn: a busy machine makes it look slow, but not each time."""

Shape = Callable[[int], Any]
"""Size -> an input of about that size."""


@dataclass(frozen=True)
class Row:
    """One reader, and the inputs that may hurt it."""

    name: str
    """Dotted, without `crawler.`; behind a blank stands what else tells it from other rows of the same reader."""
    read: Callable[[Any], object]
    shapes: Mapping[str, Shape]
    most: int = MOST
    """The reader's own bound on its input, which nobody gets past."""
    step: int = 1
    """Size of the inputs, divided by this: items of a list cost more than characters."""

    @property
    def reader(self) -> str:
        return self.name.partition(" ")[0]


@dataclass
class Finding:
    """A reader that takes too long for one shape of input."""

    row: Row
    shape: str
    exponent: float
    size: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.row.name}: {self.shape}: {self.seconds * 1000:.0f} ms for {self.size:,}, "
            f"and time grows with the power {self.exponent:.2f} of the size"
        )


@dataclass
class Gauge:
    """Times one shape at ever larger sizes; a size is measured once, and again where it matters."""

    row: Row
    shape: Shape
    _times: dict[int, float] = field(default_factory=dict)
    _salt: int = 0

    def time(self, size: int) -> float:
        return self._times[size] if size in self._times else self.again(size, 1)

    def again(self, size: int, times: int) -> float:
        """The fastest of all measurements so far, and of some more."""
        for _ in range(times):
            self._salt += 1
            given = self.shape(size // self.row.step + self._salt % 7)  # no cache knows it yet
            with _without_garbage():
                begun = thread_time()
                self.row.read(given)
                took = thread_time() - begun
            self._times[size] = min(took, self._times.get(size, math.inf))
        return self._times[size]

    def exponent(self, size: int, times: int = 0) -> float:
        """Over the two doublings that end at `size`."""
        before, after = (max(self.again(at, times) if times else self.time(at), 1e-6) for at in (size // 4, size))
        return math.log2(after / before) / 2

    def stays_above(self, size: int, seconds: float) -> bool:
        """Whether it takes longer than this, however often it is measured."""
        return all(self.again(size, 1) > seconds for _ in range(ROUNDS))

    def stays_steeper(self, size: int, steepest: float) -> bool:
        """Whether it grows faster than this, however often both sizes are measured."""
        return all(self.exponent(size, 1) > steepest for _ in range(ROUNDS))


def glance(row: Row) -> Iterator[Finding]:
    """The quick form: only shapes that look too steep at a few milliseconds are judged."""
    for name, shape in row.shapes.items():
        gauge, size, most = Gauge(row, shape), FIRST, min(row.most * row.step, GLANCED)
        while 4 * size <= most and gauge.time(size) < GLANCE_S:
            size *= 4
        if gauge.time(size) >= GLANCE_S and gauge.exponent(size) > STEEPEST:
            yield from _judged(name, gauge, size, STEEPEST_AT_A_GLANCE)


def judge(row: Row) -> Iterator[Finding]:
    """The full form: every shape is doubled until it takes LEAST_S, or the reader's own bound is reached."""
    for name, shape in row.shapes.items():
        yield from _judged(name, Gauge(row, shape), FIRST, STEEPEST)


def _judged(name: str, gauge: Gauge, size: int, steepest: float) -> Iterator[Finding]:
    """Measure where it takes LEAST_S; who is too steep must be so further on, too: memory has steps, no slopes."""
    row = gauge.row
    most = row.most * row.step
    while gauge.time(size) < LEAST_S and 2 * size <= most:
        size *= 4 if gauge.time(size) < LEAST_S / 8 and 4 * size <= most else 2
    if gauge.time(size) < LEAST_S or gauge.exponent(size) <= STEEPEST:
        if gauge.time(size) > max(LEAST_S, size * SLOWEST_S) and gauge.stays_above(size, size * SLOWEST_S):
            yield Finding(row, name, gauge.exponent(size), size // row.step, gauge.time(size))
        return
    exponent, most = gauge.exponent(size, TIMES), most if row.most < MOST else LARGEST
    while exponent > STEEPEST and 4 * size <= most and gauge.time(size) * 16 < LONGEST_S:
        size *= 4
        exponent = gauge.exponent(size, TIMES)
    if 4 * size > most and gauge.time(size) < size * FAST_S:  # nobody can give it more, and that takes no second
        return
    if exponent > STEEPEST and gauge.time(size) >= LEAST_S and gauge.stays_steeper(size, steepest):
        yield Finding(row, name, gauge.exponent(size), size // row.step, gauge.time(size))


@contextmanager
def _without_garbage() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def runs(*units: str, head: str = "", tail: str = "") -> dict[str, Shape]:
    """Texts that repeat a unit, behind a head and before a tail; named by what they are."""
    return {_named(head, unit, tail): _run(head, unit, tail) for unit in units}


def raw(shapes: Mapping[str, Shape], encoding: str = "utf-8") -> dict[str, Shape]:
    """The same shapes as bytes."""
    return {name: _encoded(shape, encoding) for name, shape in shapes.items()}


def made(shapes: Mapping[str, Shape], make: Callable[[Any], Any]) -> dict[str, Shape]:
    """The same shapes, made into what a reader takes; the making is not timed."""
    return {name: _maker(shape, make) for name, shape in shapes.items()}


def _run(head: str, unit: str, tail: str) -> Shape:
    return lambda size: head + unit * max(1, (size - len(head) - len(tail)) // len(unit)) + tail


def _encoded(shape: Shape, encoding: str) -> Shape:
    return lambda size: shape(size).encode(encoding, "surrogatepass")


def _maker(shape: Shape, make: Callable[[Any], Any]) -> Shape:
    return lambda size: make(shape(size))


def _named(head: str, unit: str, tail: str) -> str:
    return (
        f"{ascii(head[:24]) + ' ' if head else ''}{unit[:32]!a} over and over{' ' + ascii(tail[:24]) if tail else ''}"
    )
