"""The figures of a job over time: one point a second for ten minutes, one in ten seconds for three hours, one a
minute for two days.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from ...metrics.metrics import Snapshot
from ...model import Disposition

TIERS = ((1.0, 600), (10.0, 1080), (60.0, 2880))
"""Pairs of seconds between points, and the number of points kept."""
_SLACK_S = 0.25
"""A tick may come this much too early."""


class Point(NamedTuple):
    """The figures of a job at one moment. Counts are totals, so that the difference of two points gives a rate."""

    at: float
    """Unix seconds."""
    pages: float
    """Pages fetched."""
    bytes: float
    """Bytes downloaded."""
    failed: float
    """URLs that failed."""
    excluded: float
    """URLs that a rule excluded."""
    status_2xx: float
    """Answers with a status from 200 to 299."""
    status_3xx: float
    """Answers with a status from 300 to 399."""
    status_4xx: float
    """Answers with a status from 400 to 499."""
    status_5xx: float
    """Answers with a status from 500 to 599."""
    in_flight: float
    """Visits under way."""
    queued: float
    """URLs to visit."""
    known: float
    """All URLs ever found."""
    p50: float
    """Milliseconds that recent answers took (this one and the next two); 0: there were no answers."""
    p90: float
    """The same of nine answers in ten."""
    p99: float
    """The same of 99 answers in 100."""


_TIMES = 3
"""The last fields of a point, for which single precision will do."""
_PACKED = Struct(f"<{len(Point._fields) - _TIMES}d{_TIMES}f")


@dataclass(slots=True)
class Series:
    """The points of one job, at most 500 kB."""

    _tiers: list[deque[bytes]] = field(default_factory=lambda: [deque(maxlen=most) for _, most in TIERS])
    _latest: list[float] = field(default_factory=lambda: [0.0] * len(TIERS))

    def add(self, point: Point) -> None:
        packed = _PACKED.pack(*point)
        for number, (step, _) in enumerate(TIERS):
            if point.at - self._latest[number] >= step - _SLACK_S:
                self._tiers[number].append(packed)
                self._latest[number] = point.at

    def since(self, at: float) -> Sequence[Point]:
        """Returns the points from `at` on, in order of time, from the finest tier that reaches back so far."""
        for points in self._tiers[:-1]:
            if points and _time(points[0]) <= at:
                break
            if len(points) < (points.maxlen or 0):  # it was never full, so it holds all points
                break
        else:
            points = self._tiers[-1]
        return [point for packed in points if (point := Point(*_PACKED.unpack(packed))).at >= at]


def point(at: float, snapshot: Snapshot, bytes_before: int) -> Point:
    """Returns the point of a run at `at`. `bytes_before` were downloaded by earlier runs; statuses are of this run."""
    counts = snapshot.counts
    statuses = Counter[int]()
    for status, n in snapshot.statuses.items():
        statuses[status // 100] += n
    p50, p90, p99 = snapshot.latency or (0.0, 0.0, 0.0)
    return Point(
        at=at,
        pages=counts.pages,
        bytes=bytes_before + snapshot.bytes,
        failed=counts.settled.get(Disposition.FAILED, 0),
        excluded=counts.settled.get(Disposition.EXCLUDED, 0),
        status_2xx=statuses[2],
        status_3xx=statuses[3],
        status_4xx=statuses[4],
        status_5xx=statuses[5],
        in_flight=snapshot.in_flight,
        queued=counts.queued,
        known=counts.known,
        p50=p50,
        p90=p90,
        p99=p99,
    )


def _time(packed: bytes) -> float:
    at: float = _PACKED.unpack(packed)[0]
    return at
