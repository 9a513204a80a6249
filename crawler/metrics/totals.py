"""Adds up the figures of all runs of a process, those that have ended and those under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..dataclass import dataclass
from ..model import Disposition, Reason
from ..standing import Counts
from . import catalog
from .catalog import Metric, Sample
from .latency import STAGES
from .metrics import Metrics

run_name: ContextVar[str] = ContextVar("run_name", default="")
"""The name of the crawls that the running code opens, such as the id of a job. Empty: the id of the crawl."""

_Key = tuple[Metric, tuple[str, ...]]
_PERCENTILES = ("50", "90", "99")


@dataclass(frozen=True, slots=True)
class Running:
    """A run under way."""

    name: str
    metrics: Metrics
    counts: Callable[[], Counts]


class Totals:
    """The counters of a process, which never fall, and the gauges of the runs under way."""

    def __init__(self) -> None:
        self._ended = Counter[_Key](dict.fromkeys(_known_keys(), 0))
        self._running: list[Running] = []

    @contextmanager
    def count(self, run: Running) -> Iterator[None]:
        """Counts a run, which goes on within the block."""
        self._running.append(run)
        try:
            yield
        finally:
            self._running.remove(run)
            self._ended.update(_tally(run.metrics))

    async def read(self) -> list[Sample]:
        """Returns the samples of this instant."""
        return list(self._samples())

    def _samples(self) -> Iterator[Sample]:
        totals = self._ended.copy()
        for run in self._running:
            totals.update(_tally(run.metrics))
        yield from (Sample(metric, value, labels) for (metric, labels), value in totals.items())
        for run in self._running:
            yield from _gauges(run)
        for bound, n in Counter(str(run.metrics.bound) for run in self._running).items():
            yield Sample(catalog.BOUND_BY, n, (bound,))


def _known_keys() -> Iterator[_Key]:
    """Yields what is counted from zero on: a rate needs the value before the first event."""
    yield from ((catalog.VISITS, (str(one),)) for one in Disposition)
    yield from ((catalog.REASONS, (str(one),)) for one in Reason)
    yield from ((catalog.RESPONSES, (f"{hundreds}xx",)) for hundreds in range(1, 6))
    yield catalog.RECEIVED, ()
    yield from ((catalog.STAGES, (stage,)) for stage in STAGES)


def _tally(metrics: Metrics) -> Counter[_Key]:
    """Returns the counters of one run."""
    tally = Counter[_Key]()
    for disposition, n in metrics.dispositions.items():
        tally[catalog.VISITS, (str(disposition),)] = n
    for reason, n in metrics.reasons.items():
        tally[catalog.REASONS, (str(reason),)] = n
    for status, n in metrics.statuses.items():
        tally[catalog.RESPONSES, (f"{status // 100}xx",)] += n
    tally[catalog.RECEIVED, ()] = metrics.bytes
    for stage, seconds in metrics.stages.seconds().items():
        tally[catalog.STAGES, (stage,)] = seconds  # type: ignore[assignment]  # a Counter of floats
    return tally


def _gauges(run: Running) -> Iterator[Sample]:
    counts, name = run.counts(), (run.name,)
    rates = run.metrics.rates()
    yield Sample(catalog.IN_FLIGHT, run.metrics.in_flight, name)
    yield Sample(catalog.QUEUED, counts.queued, name)
    yield Sample(catalog.PARKED, counts.parked, name)
    yield Sample(catalog.SITES, counts.sites, name)
    yield Sample(catalog.PAGES_PER_S, rates.pages_per_s, name)
    yield Sample(catalog.BYTES_PER_S, rates.bytes_per_s, name)
    for disposition, n in counts.settled.items():
        yield Sample(catalog.SETTLED, n, (run.name, str(disposition)))
    latency = run.metrics.stages.latency()
    for percentile, ms in zip(_PERCENTILES, latency or (), strict=False):
        yield Sample(catalog.ANSWER, ms / 1000, (run.name, percentile))
