"""Makes the spans of a crawl: one for each run, and for a share of its visits and their exchanges."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

from ..errors import VisitError
from ..metrics.metrics import Summary
from ..model import Disposition, Lease, Outcome, Request, Response, Timings
from ..protocols import Capping, Fetcher, PerAddress
from ..settings import TelemetryConfig
from . import Visit
from .recorded import find_server, record_url

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"))
"""Methods that spans name; others are `_OTHER`, since a program may invent any number of them."""
_STAGES = ("queue", "dns", "connect", "ttfb", "download", "parse")

_is_traced: ContextVar[bool] = ContextVar("is_traced", default=False)
"""Whether the running code belongs to a visit that is traced."""


class SpanMaker:
    """Implements Tracing with a tracer of OpenTelemetry."""

    def __init__(self, tracer: Tracer, config: TelemetryConfig) -> None:
        self._tracer = tracer
        self._ratio = config.trace_ratio
        self._with_queries = config.trace_queries
        self._run: Context | None = None
        """The parent of visits. None: no run is traced now."""

    @contextmanager
    def run(self, crawl_id: str, name: str) -> Iterator[Callable[[Summary], None]]:
        """Makes the span of a run. What visits do that are not traced themselves has an unsampled parent."""
        about = {"crawld.crawl.id": crawl_id, **({"crawld.job.id": name} if name else {})}
        with _begin(self._tracer, "crawl", attributes=about) as span:
            if not span.is_recording():
                yield lambda summary: None
                return
            self._run = trace.set_span_in_context(span)
            token = contexts.attach(trace.set_span_in_context(_leave_unsampled(span)))
            try:
                yield lambda summary: _describe_run(span, summary)
            finally:
                contexts.detach(token)
                self._run = None

    # -- visits --------------------------------------------------------------------------------------------------------

    def trace_visits(self, visit: Visit) -> Visit:
        """Returns a function that visits. It costs a visit that is not traced one random number."""

        def choose(lease: Lease) -> Awaitable[Outcome]:
            if self._run is None or random.random() >= self._ratio:
                return visit(lease)
            return self._trace_visit(visit, lease, self._run)

        return choose

    async def _trace_visit(self, visit: Visit, lease: Lease, run: Context) -> Outcome:
        request = lease.request
        about = {
            "url.full": record_url(request.url, with_queries=self._with_queries),
            "crawld.depth": request.depth,
            "crawld.attempt": request.attempt,
        }
        with _begin(self._tracer, "visit", run, attributes=about) as span:
            token = _is_traced.set(span.is_recording())
            try:
                outcome = await visit(lease)
            finally:
                _is_traced.reset(token)
            _describe_visit(span, outcome)
            return outcome

    # -- exchanges -----------------------------------------------------------------------------------------------------

    def trace_exchanges(self, fetcher: Fetcher) -> Fetcher:
        return TracedFetcher(fetcher, self._trace_exchange)

    async def _trace_exchange(self, fetcher: Fetcher, request: Request) -> Response:
        method = request.method if request.method in METHODS else "_OTHER"
        server = find_server(request.url)
        about: dict[str, str | int] = {
            "http.request.method": method,
            "url.full": record_url(request.url, with_queries=self._with_queries),
            "server.address": server.address,
            "server.port": server.port,
        }
        if method != request.method:
            about["http.request.method_original"] = request.method
        if request.attempt > 1:
            about["http.request.resend_count"] = request.attempt - 1
        name = "HTTP" if method == "_OTHER" else method
        with _begin(self._tracer, name, kind=SpanKind.CLIENT, attributes=about) as span:
            response = await fetcher.fetch(request)
            _describe_exchange(span, response)
            return response


class TracedFetcher:
    """A Fetcher that holds another one, and traces the exchanges of traced visits."""

    def __init__(self, inner: Fetcher, trace_exchange: Callable[[Fetcher, Request], Coroutine[Any, Any, Response]]):
        self._inner = inner
        self._trace = trace_exchange

    def fetch(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Makes one exchange. Raises FetchError."""
        return self._trace(self._inner, request) if _is_traced.get() else self._inner.fetch(request)

    def capped(self, limit_bytes: int) -> Fetcher:
        """Returns a Fetcher that reads at most `limit_bytes` of each body, if the other one can."""
        return TracedFetcher(self._inner.capped(limit_bytes), self._trace) if isinstance(self._inner, Capping) else self

    def limit_per_address(self, most: int) -> None:
        """Allows `most` exchanges at a time with each address, if the other one counts them."""
        if isinstance(self._inner, PerAddress):
            self._inner.limit_per_address(most)


@contextmanager
def _begin(
    tracer: Tracer,
    name: str,
    parent: Context | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: dict[str, Any],
) -> Iterator[Span]:
    """Makes a span, which is the current one within the block. An error that leaves the block is its error."""
    with tracer.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            _note_error(span, str(error.reason) if isinstance(error, VisitError) else type(error).__qualname__)
            raise


def _leave_unsampled(span: Span) -> NonRecordingSpan:
    """Returns the same place in the trace, for code whose spans are not wanted."""
    here = span.get_span_context()
    return NonRecordingSpan(
        SpanContext(here.trace_id, here.span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.DEFAULT))
    )


def _describe_run(span: Span, summary: Summary) -> None:
    span.set_attributes(
        {"crawld.ended": str(summary.ended), "crawld.pages": summary.pages, "crawld.received_bytes": summary.bytes}
    )


def _describe_visit(span: Span, outcome: Outcome) -> None:
    span.set_attribute("crawld.disposition", str(outcome.disposition))
    if outcome.reason is not None:
        span.set_attribute("crawld.reason", str(outcome.reason))
    if outcome.disposition is Disposition.FAILED:
        _note_error(span, str(outcome.reason))
    if outcome.response is not None:
        span.set_attribute("http.response.status_code", outcome.response.status)
        span.set_attributes(_stages(outcome.response.timings))


def _describe_exchange(span: Span, response: Response) -> None:
    span.set_attributes({"http.response.status_code": response.status, "http.response.body.size": len(response.body)})
    if response.ip:
        span.set_attribute("network.peer.address", response.ip)
    if version := response.heads.status_line.partition(b" ")[0].removeprefix(b"HTTP/").decode("latin-1"):
        span.set_attribute("network.protocol.version", version)
    if response.status >= 400:
        _note_error(span, str(response.status))


def _stages(timings: Timings) -> dict[str, float]:
    return {f"crawld.{stage}_s": ms / 1000 for stage in _STAGES if (ms := getattr(timings, stage))}


def _note_error(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)
