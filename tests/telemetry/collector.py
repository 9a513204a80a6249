"""A collector of OpenTelemetry on loopback: it takes OTLP over HTTP, and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Sent:
    """A span as it was sent."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    about: dict[str, Any]
    is_error: bool
    resource: dict[str, Any]


@dataclass
class Collector:
    """What was sent to it; `status` is what it answers."""

    url: str = ""
    status: int = 200
    hangs: bool = False
    asked: int = 0
    spans: list[Sent] = field(default_factory=list)
    figures: dict[tuple[str, tuple[tuple[str, Any], ...]], float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def named(self, name: str) -> list[Sent]:
        return [span for span in self.spans if span.name == name]

    async def take_spans(self, request: web.Request) -> web.Response:
        body = await self._read(request)
        if self.status == 200:
            self.spans += _read_spans(ExportTraceServiceRequest.FromString(body))
        return web.Response(status=self.status)

    async def take_figures(self, request: web.Request) -> web.Response:
        body = await self._read(request)
        if self.status == 200:
            for name, unit, about, value in _read_figures(ExportMetricsServiceRequest.FromString(body)):
                self.units[name] = unit
                self.figures[name, tuple(sorted(about.items()))] = value
        return web.Response(status=self.status)

    async def _read(self, request: web.Request) -> bytes:
        self.asked += 1
        self.headers = dict(request.headers)
        while self.hangs:
            await asyncio.sleep(0.05)
        return await request.read()


@asynccontextmanager
async def open_collector() -> AsyncIterator[Collector]:
    """Opens a collector on a free port."""
    collector = Collector()
    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.post("/v1/traces", collector.take_spans), web.post("/v1/metrics", collector.take_figures)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        collector.hangs = False
        await runner.cleanup()


def _read_spans(asked: Any) -> Iterator[Sent]:
    for group in asked.resource_spans:
        resource = _about(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Sent(
                    span.name, span.kind, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                    _about(span.attributes), span.status.code == 2, resource,
                )  # fmt: skip


def _read_figures(asked: Any) -> Iterator[tuple[str, str, dict[str, Any], float]]:
    for group in asked.resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    value = getattr(point, point.WhichOneof("value"))
                    yield metric.name, metric.unit, _about(point.attributes), value


def _about(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
