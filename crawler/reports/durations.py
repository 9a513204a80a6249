"""Times in buckets: few numbers that give a mean and percentiles of any number of times."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2

STEPS = 8
"""Buckets in which a time doubles, so that a percentile is off by 5 % at most."""
_MOST = 40 * STEPS
"""The last bucket: 2 to the power of 40 milliseconds, 35 years."""


def bucket_of(ms: float) -> int:
    """Returns the bucket of a time in milliseconds."""
    return min(_MOST, int(log2(ms) * STEPS) + 1) if ms > 1.0 else 0


@dataclass(slots=True)
class Durations:
    """Sums times in milliseconds, and how many were about as long."""

    n: int = 0
    total_ms: float = 0.0
    buckets: dict[int, int] = field(default_factory=dict)
    """How many times lie in each bucket. Bucket 0 holds those up to 1 ms."""

    def add(self, ms: float, bucket: int) -> None:
        """Adds a time that lies in this bucket."""
        self.n += 1
        self.total_ms += ms
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Durations) -> None:
        self.n += other.n
        self.total_ms += other.total_ms
        for bucket, n in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + n

    @property
    def mean_ms(self) -> float:
        """The mean; 0 without any time."""
        return self.total_ms / self.n if self.n else 0.0

    def percentile_ms(self, share: float) -> float:
        """Returns the time that this share of all times does not exceed, to 5 %; 0 without any time."""
        left = share * self.n
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return float(2 ** ((bucket - 0.5) / STEPS)) if bucket else 1.0
        return 0.0

    def to_json(self) -> list[object]:
        return [self.n, self.total_ms, sorted(self.buckets.items())]

    @classmethod
    def from_json(cls, given: list[object]) -> Durations:
        """Returns what `to_json` made a list of. Raises ValueError, TypeError."""
        n, total_ms, buckets = given
        if not (isinstance(n, int) and isinstance(total_ms, float | int) and isinstance(buckets, list)):
            raise ValueError("not durations")
        return cls(n, float(total_ms), {int(bucket): int(times) for bucket, times in buckets})
