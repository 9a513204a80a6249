"""Gives the figures of a process to OpenTelemetry, under the names that make those of `/metrics` again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import groupby
from typing import NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from ..metrics.catalog import METRICS, Kind, Metric, Sample
from ..metrics.meters import Meters
from ..runtime.clock import monotonic
from ..settings.loading import project_version

FRESH_S = 0.2
"""Seconds for which figures are not read again: each metric asks for its own, one right after the other."""
ANSWER_S = 5.0
"""Seconds that the event loop has to read them."""

_UNITS = {"seconds": ("_seconds", "s"), "bytes": ("_bytes", "By"), "shares of 1": ("_ratio", "1")}


class Name(NamedTuple):
    """The name and the unit of a metric as OpenTelemetry has them."""

    name: str
    unit: str


def name_metric(metric: Metric) -> Name:
    """Returns the name of a metric without its unit, from which a collector makes the name at `/metrics` again."""
    name = metric.name.removesuffix("_total")
    ending, unit = _UNITS.get(metric.unit, ("", ""))
    if metric.unit == "bytes a second":
        ending, unit = "_per_second", "By/s"
    elif metric.unit.endswith(" a second"):
        ending, unit = "_per_second", f"{{{metric.unit.removesuffix(' a second')}}}/s"
    elif metric.unit and not unit:
        unit = f"{{{metric.unit}}}"
    return Name(name.removesuffix(ending).replace("_", ".", 1), unit)


class Figures:
    """The figures of one process, read on its event loop for threads that send them."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._samples: Mapping[Metric, list[Sample]] = {}

    def of(self, metric: Metric) -> Iterable[Sample]:
        """Returns the samples of a metric, at most a moment old. None while the loop does not answer.

        The loop's own thread, which cannot wait for itself, gets those that were read last.
        """
        if threading.get_ident() != self._thread:
            with self._lock:
                if monotonic() - self._read_at > FRESH_S:
                    self._samples, self._read_at = self._read(), monotonic()
        return self._samples.get(metric, ())

    def _read(self) -> Mapping[Metric, list[Sample]]:
        reading = self._meters.read()
        try:
            answer = asyncio.run_coroutine_threadsafe(reading, self._loop)
        except RuntimeError:  # the loop is closed
            reading.close()
            return {}
        try:
            samples = answer.result(ANSWER_S)
        except (TimeoutError, CancelledError):  # it has no time, or ends
            answer.cancel()
            return {}
        return {metric: list(found) for metric, found in groupby(samples, lambda sample: sample.metric)}


class Instruments:
    """The instruments of one provider, which show what several sources have. An instrument is made only once."""

    def __init__(self, provider: MeterProvider) -> None:
        self._sources: list[Figures] = []
        meter = provider.get_meter("crawld", project_version())
        for metric in METRICS:
            name, unit = name_metric(metric)
            is_counter = metric.kind is Kind.COUNTER
            create = meter.create_observable_counter if is_counter else meter.create_observable_gauge
            create(name, [self._observe(metric)], unit, metric.meaning)

    @contextmanager
    def show(self, figures: Figures) -> Iterator[None]:
        """Shows the figures within the block."""
        self._sources.append(figures)
        try:
            yield
        finally:
            self._sources.remove(figures)

    def _observe(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            for figures in list(self._sources):
                for sample in figures.of(metric):
                    yield Observation(sample.value, dict(zip(metric.labels, sample.labels, strict=True)))

        return observe


_of_programs: WeakKeyDictionary[MeterProvider, Instruments] = WeakKeyDictionary()
"""The instruments in providers of programs, which outlive our crawls."""


def find_instruments(provider: MeterProvider) -> Instruments:
    """Returns the instruments in a provider of a program."""
    if provider not in _of_programs:
        _of_programs[provider] = Instruments(provider)
    return _of_programs[provider]
