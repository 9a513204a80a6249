"""Sends spans and figures by OTLP, beside the event loop and within bounds; or gives them to the program's own SDK."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import anyio
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from ..metrics.meters import Meters
from ..runtime.clock import holding
from ..settings import TelemetryConfig
from ..settings.loading import project_version
from . import Telemetry
from .complaints import Complaints
from .figures import Figures, Instruments, find_instruments
from .tracing import SpanMaker

FLUSH_S = 5.0
"""Seconds at the end in which what is left is sent."""
FAILING_FLUSH_S = 1.0
"""The same from the moment on at which an attempt fails: it is not worth a longer wait."""
_LOOK_S = 0.05
_GIVE_UP_S = 0.5
"""Seconds that the threads have to notice that we no longer wait."""


class Tracers:
    """Implements Telemetry with one tracer."""

    def __init__(self, tracer: trace.Tracer, config: TelemetryConfig) -> None:
        self._tracer = tracer
        self._config = config

    def open_tracing(self) -> SpanMaker:
        return SpanMaker(self._tracer, self._config)


@asynccontextmanager
async def open_sending(config: TelemetryConfig, meters: Meters) -> AsyncIterator[Telemetry]:
    """Opens telemetry: with the global providers of OpenTelemetry where a program has set them, else with our own."""
    complaints, closing, figures = Complaints(_name_collector(config)), list[_Closing](), Figures(meters)
    with ExitStack() as stack:
        stack.enter_context(complaints.installed())
        spans: trace.TracerProvider = trace.get_tracer_provider()
        if isinstance(spans, trace.ProxyTracerProvider):
            spans = _make_tracer_provider(config, complaints, closing)
        own_meters = metrics.get_meter_provider()
        if isinstance(own_meters, MeterProvider | NoOpMeterProvider):
            instruments = find_instruments(own_meters)
        else:
            instruments = Instruments(_make_meter_provider(config, complaints, closing))
        with instruments.show(figures):
            try:
                yield Tracers(spans.get_tracer("crawld", project_version()), config)
            finally:
                with anyio.CancelScope(shield=True):
                    await _close(closing, complaints)


# -- what sends --------------------------------------------------------------------------------------------------------


class SpanSender(OTLPSpanExporter):
    """Sends spans, and complains in one line."""

    def __init__(self, complaints: Complaints, endpoint: str | None) -> None:
        super().__init__(endpoint=endpoint)
        self._complaints = complaints
        self._is_shut = False

    def shutdown(self) -> None:
        """Gives up what is under way. A second call does nothing."""
        if not self._is_shut:
            self._is_shut = True
            super().shutdown()  # type: ignore[no-untyped-call]

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._complaints.listen():
            result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self._complaints.praise()
        return result


class FigureSender(OTLPMetricExporter):
    """Sends figures, and complains in one line."""

    def __init__(self, complaints: Complaints, endpoint: str | None) -> None:
        super().__init__(endpoint=endpoint)
        self._complaints = complaints
        self._is_shut = False

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Gives up what is under way. A second call does nothing."""
        if not self._is_shut:
            self._is_shut = True
            super().shutdown(timeout_millis, **kwargs)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        with self._complaints.listen():
            result = super().export(metrics_data, timeout_millis, **kwargs)
        if result is MetricExportResult.SUCCESS:
            self._complaints.praise()
        return result


class Batches(BatchSpanProcessor):
    """Collects spans for the thread that sends them. When its queue is full, it drops spans and never waits."""

    def __init__(self, sender: SpanSender, complaints: Complaints) -> None:
        super().__init__(sender)
        self._complaints = complaints

    def on_end(self, span: ReadableSpan) -> None:
        with self._complaints.listen():
            super().on_end(span)


class _Closing:
    """How to close something that sends: at first with what it holds, then at once."""

    def __init__(self, flush: Callable[[], object], give_up: Callable[[], object]) -> None:
        self.flush = flush
        self.give_up = give_up


def _make_tracer_provider(
    config: TelemetryConfig, complaints: Complaints, closing: list[_Closing]
) -> trace.TracerProvider:
    provider = TracerProvider(resource=_describe_process(), shutdown_on_exit=False)
    if _is_wanted("OTEL_TRACES_EXPORTER"):
        sender = SpanSender(complaints, _place(config, "v1/traces"))
        provider.add_span_processor(Batches(sender, complaints))
        closing.append(_Closing(provider.shutdown, sender.shutdown))
    return provider


def _make_meter_provider(
    config: TelemetryConfig, complaints: Complaints, closing: list[_Closing]
) -> metrics.MeterProvider:
    if not _is_wanted("OTEL_METRICS_EXPORTER"):
        return NoOpMeterProvider()
    sender = FigureSender(complaints, _place(config, "v1/metrics"))
    reader = PeriodicExportingMetricReader(sender)
    provider = MeterProvider([reader], _describe_process(), shutdown_on_exit=False)
    closing.append(_Closing(provider.shutdown, sender.shutdown))
    return provider


def _is_wanted(variable: str) -> bool:
    """Whether OpenTelemetry's own variables leave a signal switched on."""
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not is_off and os.environ.get(variable, "").strip().lower() != "none"


def _place(config: TelemetryConfig, path: str) -> str | None:
    """Returns where to send to; None: where OpenTelemetry's own variables say."""
    return f"{config.otel_endpoint}/{path}" if config.otel_endpoint else None


def _name_collector(config: TelemetryConfig) -> str:
    """Returns the place of the collector as a person knows it, without what may be secret in it."""
    parts = urlsplit(config.otel_endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318")
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def _describe_process() -> Resource:
    about = {"service.version": project_version(), "service.instance.id": str(uuid4())}
    is_named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create(about if is_named else {"service.name": "crawld", **about})


# -- the end -----------------------------------------------------------------------------------------------------------


async def _close(closing: Sequence[_Closing], complaints: Complaints) -> None:
    """Sends what is left, side by side; gives up after some time. Threads that hang then die with the process."""
    with holding():
        await _flush(closing, complaints)


async def _flush(closing: Sequence[_Closing], complaints: Complaints) -> None:
    flushing = [_start(one.flush) for one in closing]
    with anyio.move_on_after(FLUSH_S):
        for done in flushing:
            await _wait_while_it_helps(done, complaints)
    late = [one for one, done in zip(closing, flushing, strict=True) if not done.is_set()]
    given_up = [_start(one.give_up) for one in late]
    with anyio.move_on_after(_GIVE_UP_S):
        for done in (*given_up, *flushing):
            await done.wait()


async def _wait_while_it_helps(done: asyncio.Event, complaints: Complaints) -> None:
    """Waits until it is done, or sending has been failing for some time."""
    failing_s = 0.0
    while not done.is_set() and failing_s < FAILING_FLUSH_S:
        with anyio.move_on_after(_LOOK_S):
            await done.wait()
        failing_s += _LOOK_S if complaints.is_failing else 0.0


def _start(work: Callable[[], object]) -> asyncio.Event:
    """Runs a call in a thread that does not keep the process alive; the event is set when it is done."""
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def run() -> None:
        try:
            work()
        finally:
            with _unless_closed():
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="telemetry end", daemon=True).start()
    return done


@contextmanager
def _unless_closed() -> Iterator[None]:
    try:
        yield
    except RuntimeError:  # the loop is closed: nobody waits any more
        pass
