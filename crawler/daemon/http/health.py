"""Reports the state of the daemon itself: alive, ready, and metrics for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ...settings.loading import project_version
from ..api import Jobs
from . import answers
from .admission import Admission
from .bounds import Closed
from .keys import ADMISSION, JOBS, STREAMS
from .models import HealthOut
from .operations import Operations
from .problems import Problem

TEXT = "text/plain"
operation = Operations()


@operation("GET", "/healthz", {200: HealthOut}, is_public=True)
async def is_alive(request: web.Request) -> web.StreamResponse:
    """Whether the daemon's event loop runs."""
    return answers.json(HealthOut(status="ok", version=project_version()))


@operation("GET", "/readyz", {200: HealthOut}, is_public=True, raises=("not-ready",))
async def is_ready(request: web.Request) -> web.StreamResponse:
    """Whether jobs are accepted: not before the earlier ones run again, and not while the daemon stops."""
    if not request.app[JOBS].is_open:
        raise Problem(503, "not-ready", "the daemon is starting or stopping", headers={"Retry-After": "1"})
    return answers.json(HealthOut(status="ok", version=project_version()))


@operation("GET", "/metrics", {200: TEXT})
async def show_metrics(request: web.Request) -> web.StreamResponse:
    """Metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Numbers(request.app[JOBS], request.app))
    return web.Response(
        body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


class _Numbers(Collector):
    """Collects the metrics. Labels are few: ids of running jobs, never sites or URLs."""

    def __init__(self, jobs: Jobs, app: web.Application) -> None:
        self._jobs = jobs
        self._app = app

    def collect(self) -> Iterator[Metric]:
        states = {str(state): n for state, n in self._jobs.numbers().items()}
        yield _gauge("crawld_jobs", "Jobs by state.", "state", states)
        yield from self._of_running_jobs()
        yield _gauge("crawld_event_streams", "Open streams of events.", None, len(self._app[STREAMS]))
        if (admission := self._app.get(ADMISSION)) is not None:
            yield from _of_porch(admission)

    def _of_running_jobs(self) -> Iterator[Metric]:
        running = self._jobs.running()
        yield _gauge("crawld_in_flight", "Visits under way.", "job", {job.id: job.in_flight for job in running})
        yield _gauge("crawld_queued", "URLs queued.", "job", {job.id: job.counts.queued for job in running})
        yield _gauge("crawld_parked", "URLs parked.", "job", {job.id: job.counts.parked for job in running})
        pages, received = ({job.id: getattr(job, name) for job in running} for name in ("pages_per_s", "bytes_per_s"))
        yield _gauge("crawld_pages_per_second", "Over the last ten seconds.", "job", pages)
        yield _gauge("crawld_bytes_per_second", "Over the last ten seconds.", "job", received)
        bound = Counter(str(job.bound_by) for job in running)
        yield _gauge("crawld_bound_by", "Running jobs by what limits them.", "bound", dict(bound))
        settled = CounterMetricFamily("crawld_settled", "URLs settled, of running jobs.", labels=["job", "disposition"])
        for job in running:
            for disposition, n in job.counts.settled.items():
                settled.add_metric([job.id, str(disposition)], n)
        yield settled


def _of_porch(admission: Admission) -> Iterator[Metric]:
    yield _gauge("crawld_connections", "Open connections of API clients.", None, admission.inside)
    yield _gauge("crawld_strangers", "Those of them that have not shown the token.", None, admission.strangers)
    closed = CounterMetricFamily("crawld_connections_closed", "Connections that we closed.", labels=["why"])
    for why in Closed:
        closed.add_metric([str(why)], admission.closed[why])
    yield closed
    yield CounterMetricFamily("crawld_malformed_requests", "Requests that are no HTTP.", value=admission.malformed)


def _gauge(name: str, meaning: str, label: str | None, values: Mapping[str, float] | float) -> Metric:
    if not isinstance(values, Mapping):
        return GaugeMetricFamily(name, meaning, value=values)
    family = GaugeMetricFamily(name, meaning, labels=[label or ""])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family
