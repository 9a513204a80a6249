"""Tells the time to a crawl: the one door by which time comes in, so that a test may let it pass faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ahead_s = 0.0
"""Seconds that were skipped."""
_is_skipping = False
_held = 0
"""How many wait for work that takes real time."""
_monotonic, _wall = time.monotonic, time.time


def monotonic() -> float:
    """Returns seconds of the clock that never jumps back: `time.monotonic()`, and what was skipped."""
    return _monotonic() + _ahead_s


def wall() -> float:
    """Returns Unix seconds: `time.time()`, and what was skipped."""
    return _wall() + _ahead_s


@contextmanager
def holding() -> Iterator[None]:
    """Lets nobody skip time within the block: it waits for a thread that no executor knows."""
    global _held  # noqa: PLW0603 - time is one, whoever asks
    _held += 1
    try:
        yield
    finally:
        _held -= 1


# -- for tests: `crawler.testing` has an event loop that skips the time in which all only wait -------------------------


@contextmanager
def skipping() -> Iterator[Callable[[float], None]]:
    """Yields a function that lets seconds pass at once, for the whole process.

    Afterwards the time is that of the machine again: times of the block are not to be compared with later ones. Raises
    RuntimeError where time is skipped already.
    """
    global _is_skipping, _ahead_s  # noqa: PLW0603
    if _is_skipping:
        raise RuntimeError("time is skipped already in this process: one virtual clock at a time")
    _is_skipping = True
    try:
        yield _skip
    finally:
        _is_skipping, _ahead_s = False, 0.0


@contextmanager
def told_by(monotonic: Callable[[], float], wall: Callable[[], float]) -> Iterator[None]:
    """Takes the time from these functions, for the whole process: simulations, in which work takes no time.

    Raises RuntimeError where time is skipped or told already.
    """
    global _monotonic, _wall
    with skipping():
        _monotonic, _wall = monotonic, wall
        try:
            yield
        finally:
            _monotonic, _wall = time.monotonic, time.time


def is_skipping() -> bool:
    """Whether time may be skipped now: then nothing is told by how long the event loop takes."""
    return _is_skipping


def is_held() -> bool:
    """Whether no time may be skipped at this moment."""
    return _held > 0


def _skip(seconds: float) -> None:
    global _ahead_s  # noqa: PLW0603
    _ahead_s += seconds
