"""Takes the figures of a daemon that belong to no single run: its jobs by state, its disk, its process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector

from ..assembly.vitals import read_disk
from ..metrics import catalog
from ..metrics.catalog import Sample
from .api import Jobs

_PROCESS = {metric.name: metric for metric in catalog.PROCESS}


@dataclass(frozen=True, slots=True)
class DaemonMeters:
    """The source of these figures."""

    jobs: Jobs

    async def read(self) -> Iterable[Sample]:
        """Returns the samples of this instant."""
        states = (Sample(catalog.JOBS, n, (str(state),)) for state, n in self.jobs.numbers().items())
        limit = Sample(catalog.VISITS_LIMIT, self.jobs.shared.places.most)
        return [*states, limit, *_of_process(), *await read_disk(self.jobs.data)]


def _of_process() -> Iterator[Sample]:
    """Yields what the client library of Prometheus tells of a process, on systems where it can."""
    for family in ProcessCollector(registry=CollectorRegistry()).collect():
        for sample in family.samples:
            if metric := _PROCESS.get(sample.name):
                yield Sample(metric, sample.value)
