"""Reports the state of the daemon itself: alive, ready, and metrics for Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ...metrics import catalog
from ...metrics.catalog import Kind, Sample
from ...settings.loading import project_version
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
    """Metrics in the text format of Prometheus, or in that of OpenMetrics where the client asks for it."""
    registry = CollectorRegistry()
    registry.register(_Families(await request.app[JOBS].shared.meters.read()))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return web.Response(body=encode(registry), headers={"Content-Type": content_type})


async def offer_figures(app: web.Application) -> AsyncIterator[None]:
    """Offers the figures of the API itself while the application runs."""

    async def read() -> Iterable[Sample]:
        admission = app.get(ADMISSION)
        return [Sample(catalog.STREAMS, len(app[STREAMS])), *(_of_porch(admission) if admission else ())]

    with app[JOBS].shared.meters.offer("api", read):
        yield


def _of_porch(admission: Admission) -> Iterator[Sample]:
    yield Sample(catalog.CONNECTIONS, admission.inside)
    yield Sample(catalog.STRANGERS, admission.strangers)
    yield from (Sample(catalog.CLOSED, admission.closed[why], (str(why),)) for why in Closed)
    yield Sample(catalog.MALFORMED, admission.malformed)


class _Families(Collector):
    """Gives samples to the client library of Prometheus."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = {metric: list(found) for metric, found in groupby(samples, lambda sample: sample.metric)}

    def collect(self) -> Iterator[Metric]:
        """Yields all metrics, also those that have no sample now, so that each is described."""
        for metric in catalog.METRICS:
            kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            family = kind(metric.name, metric.meaning, labels=list(metric.labels))
            for sample in self._samples.get(metric, ()):
                family.add_metric(sample.labels, sample.value)
            yield family
