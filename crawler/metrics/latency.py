"""Measures over the last few seconds how long each stage of visits takes, and how long answers take."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from ..model import Timings

STAGES = ("politeness", "queue", "dns", "connect", "wait", "download", "parse", "output")
"""The stages of a visit in order: `politeness`, no site is due; `queue`, robots.txt and limits; ... `output`."""
_FACTOR = 2**0.25
_BOUNDS = tuple(_FACTOR**n for n in range(72))
"""Bounds of buckets in milliseconds, from 1 to 220,000. Times in one bucket differ by a fifth at most."""
_POLITENESS, _OUTPUT = STAGES.index("politeness"), STAGES.index("output")


class Latency(NamedTuple):
    """Percentiles in milliseconds from the DNS look-up to the last byte, accurate to a fifth."""

    p50: float
    p90: float
    p99: float


class Stages:
    """Sums times over a sliding window of `ticks` intervals."""

    def __init__(self, ticks: int) -> None:
        self._slots: deque[_Slot] = deque(maxlen=ticks)
        self._now = _Slot()
        self._ended_ms = [0.0] * len(STAGES)
        """The sums of all intervals that have ended, also of those that are forgotten."""

    def fold(self, timings: Timings) -> None:
        """Adds one answer."""
        sums = self._now.sums
        sums[1] += timings.queue
        sums[2] += timings.dns
        sums[3] += timings.connect
        sums[4] += timings.ttfb
        sums[5] += timings.download
        sums[6] += timings.parse
        took = timings.dns + timings.connect + timings.ttfb + timings.download
        buckets, bucket = self._now.buckets, bisect_left(_BOUNDS, took)
        buckets[bucket] = buckets.get(bucket, 0) + 1

    def tick(self, resting_ms: float, storing_ms: float) -> None:
        """Ends an interval, with the milliseconds that free places waited for a turn, and outcomes for the output."""
        self._now.sums[_POLITENESS] += resting_ms
        self._now.sums[_OUTPUT] += storing_ms
        self._slots.append(self._now)
        self._ended_ms = [total + spent for total, spent in zip(self._ended_ms, self._now.sums, strict=True)]
        self._now = _Slot()

    def shares(self) -> Mapping[str, float]:
        """Returns the share of the time that each stage took. The shares add up to 1, or all are 0."""
        sums = [sum(spent) for spent in zip(*(slot.sums for slot in self._slots), strict=True)] or [0.0] * len(STAGES)
        total = sum(sums) or 1.0
        return {stage: spent / total for stage, spent in zip(STAGES, sums, strict=True)}

    def seconds(self) -> Mapping[str, float]:
        """Returns the time that each stage took since the beginning, in seconds."""
        spent = zip(STAGES, self._ended_ms, self._now.sums, strict=True)
        return {stage: (ended + now) / 1000 for stage, ended, now in spent}

    def latency(self) -> Latency | None:
        """Returns the percentiles of recent answers; None: there were none."""
        counts = [0] * (len(_BOUNDS) + 1)
        for slot in self._slots:
            for bucket, n in slot.buckets.items():
                counts[bucket] += n
        total = sum(counts)
        return Latency(*(_percentile(counts, total * part) for part in (0.5, 0.9, 0.99))) if total else None


class _Slot:
    __slots__ = ("buckets", "sums")

    def __init__(self) -> None:
        self.sums = [0.0] * len(STAGES)
        self.buckets: dict[int, int] = {}


def _percentile(counts: list[int], wanted: float) -> float:
    below = 0
    for bucket, n in enumerate(counts):
        below += n
        if below >= wanted:
            return _BOUNDS[min(bucket, len(_BOUNDS) - 1)]
    return _BOUNDS[-1]
