"""Counts records over time in bounded memory: how many a second, how they ended, how long they took and why."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ..model import Url
from ..records import Record
from ..reports.durations import Durations, bucket_of

MOST_STEPS = 400
"""Steps of time that are kept. With more the steps become twice as long."""
MOST_SITES = 4096
"""Sites whose latest visit is remembered, to measure their rest."""
MOST_DEPTHS = 100
LONGEST_PAUSE = 12
"""Steps without a record that are drawn. Longer pauses, such as those between two runs, are left out."""
STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")
CLASSES = ("2xx", "3xx", "4xx", "5xx", "no answer")


@dataclass(slots=True)
class Step:
    """The records of one step of time."""

    classes: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    bytes: int = 0
    stages: list[float] = field(default_factory=lambda: [0.0] * len(STAGES))
    times: Durations = field(default_factory=Durations)

    def merge(self, other: Step) -> None:
        self.classes = [a + b for a, b in zip(self.classes, other.classes, strict=True)]
        self.stages = [a + b for a, b in zip(self.stages, other.stages, strict=True)]
        self.bytes += other.bytes
        self.times.merge(other.times)


class Course(NamedTuple):
    """The steps in order, without long pauses."""

    at_s: list[float]
    """Seconds of crawling at which each step begins."""
    steps: list[Step]
    pauses: int
    """How many long pauses are left out."""


class Timeline:
    """The records of a crawl over time."""

    def __init__(self) -> None:
        self.step_s: float = 1.0
        self.depths: Counter[int] = Counter()
        self.gaps: Durations = Durations()
        """Times from the end of a visit of a site to the start of the next one."""
        self._first: float | None = None
        self._steps: dict[int, Step] = {}
        self._ends: OrderedDict[str, float] = OrderedDict()

    def add(self, record: Record) -> None:
        """Adds a record. One that lacks what every record has is left out."""
        try:
            began = datetime.fromisoformat(record["fetched_at"]).timestamp()
            timings, url, depth = record["timings"], record["url"], int(record["depth"] or 0)
            stages = [float(timings[stage]) for stage in STAGES] if timings else None
            status, length = int(record["status"] or 0), int(record["length"] or 0)
            site = Url(url).site
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return
        self.depths[min(depth, MOST_DEPTHS)] += 1
        step = self._step(began)
        step.classes[status // 100 - 2 if 200 <= status < 600 else 4] += 1
        step.bytes += length
        if stages is not None:
            self._add_times(step, stages)
            self._add_gap(site, began, began + sum(stages[:-1]) / 1000)

    def course(self) -> Course:
        """Returns the steps in order, those without a record in short pauses among them."""
        at_s: list[float] = []
        steps: list[Step] = []
        pauses, last, now = 0, None, 0.0
        for number in sorted(self._steps):
            gap = 0 if last is None else number - last
            if gap > LONGEST_PAUSE:
                pauses, gap = pauses + 1, 1
            for _ in range(gap - 1):
                now += self.step_s
                at_s.append(now)
                steps.append(Step())
            now += self.step_s if gap else 0.0
            at_s.append(now)
            steps.append(self._steps[number])
            last = number
        return Course(at_s, steps, pauses)

    def _step(self, at: float) -> Step:
        if self._first is None:
            self._first = float(int(at))
        number = int((at - self._first) // self.step_s)
        step = self._steps.get(number)
        if step is None:
            step = self._steps[number] = Step()
            if len(self._steps) > MOST_STEPS:
                self._widen()
                return self._step(at)
        return step

    def _widen(self) -> None:
        self.step_s *= 2
        wider: dict[int, Step] = {}
        for number, step in self._steps.items():
            if (known := wider.get(number >> 1)) is None:
                wider[number >> 1] = step
            else:
                known.merge(step)
        self._steps = wider

    def _add_times(self, step: Step, stages: list[float]) -> None:
        took = sum(stages[1:-1])
        step.times.add(took, bucket_of(took))
        for at, ms in enumerate(stages):
            step.stages[at] += ms

    def _add_gap(self, site: str, began: float, ended: float) -> None:
        last = self._ends.pop(site, None)
        self._ends[site] = max(ended, last or 0.0)
        if last is not None:
            ms = max(0.0, began - last) * 1000
            self.gaps.add(ms, bucket_of(ms))
        elif len(self._ends) > MOST_SITES:
            self._ends.popitem(last=False)


def histogram(times: Durations) -> Iterator[tuple[float, int]]:
    """Yields ever longer times in milliseconds, each twice the one before, and how many are at most as long."""
    if not times.n:
        return
    doubled: Counter[int] = Counter()
    for bucket, n in times.buckets.items():
        doubled[-(-bucket // 8)] += n
    for power in range(min(doubled), max(doubled) + 1):
        yield float(2**power), doubled[power]
