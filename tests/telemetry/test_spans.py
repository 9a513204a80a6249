"""Spans tell of runs, visits and exchanges, in the words of OpenTelemetry, and of no secret."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from crawler import Request, Response, Url, crawl, open_crawl
from crawler.telemetry.recorded import find_server, record_url
from crawler.testing import Site, Web, html, open_web

from .collector import open_collector
from .conftest import send_to

CLIENT, INTERNAL = 3, 1


async def test_a_run_its_visits_and_their_exchanges_are_one_trace(tmp_path: Path) -> None:
    deaf = "http://127.0.0.1:1/"
    pages = {"/": html("Home", ["/a?user=7&q=", "/gone", deaf]), "/a?user=7&q=": html("A")}
    async with open_web(Web([Site("a.test", pages)])) as served, open_collector() as collector:
        async with open_crawl(folder=tmp_path / "c", **send_to(collector, reach="any")) as opened:
            summary = await opened.run(served.seeds)
    [run] = collector.named("crawl")
    assert (run.parent, run.kind, run.is_error) == ("", INTERNAL, False)
    assert run.about.pop("crawld.crawl.id") == opened.id
    assert run.about == {"crawld.ended": "exhausted", "crawld.pages": 2, "crawld.received_bytes": summary.bytes}
    assert run.resource["service.name"] == "crawld"
    assert run.resource["service.version"]

    visits = {span.about["url.full"]: span for span in collector.named("visit")}
    [home] = served.seeds
    gone, queried = f"{home}gone", f"{home}a?user=REDACTED&q="
    assert visits.keys() == {home, queried, gone, deaf}
    assert {(span.trace, span.parent, span.kind) for span in visits.values()} == {(run.trace, run.id, INTERNAL)}
    told = visits[home].about
    assert (told["crawld.disposition"], told["http.response.status_code"]) == ("fetched", 200)
    assert (told["crawld.depth"], told["crawld.attempt"]) == (0, 1)
    assert told["crawld.ttfb_s"] > 0
    assert (visits[deaf].about["crawld.reason"], visits[deaf].about["error.type"]) == ("connect", "connect")
    assert {url for url, span in visits.items() if span.is_error} == {gone, deaf}

    exchanges = {span.about["url.full"]: span for span in collector.named("GET")}
    assert exchanges.keys() == {home, queried, gone, f"{home}robots.txt", f"{deaf}robots.txt"}
    by_id = {span.id: url for url, span in visits.items()}
    assert {by_id[span.parent] for span in exchanges.values()} == visits.keys()
    assert {(span.trace, span.kind) for span in exchanges.values()} == {(run.trace, CLIENT)}
    server, told = find_server(Url(home)), exchanges[queried].about
    assert told["http.request.method"] == "GET"
    assert (told["server.address"], told["server.port"]) == (server.address, server.port)
    assert (told["http.response.status_code"], told["network.protocol.version"]) == (200, "1.1")
    assert told["network.peer.address"].startswith("127.")
    assert told["http.response.body.size"] > 0
    assert not exchanges[queried].is_error
    assert (exchanges[gone].about["error.type"], exchanges[gone].is_error) == ("404", True)
    assert exchanges[f"{deaf}robots.txt"].about["error.type"] == "connect"


async def test_a_share_of_the_visits_is_traced_and_the_rest_leaves_no_span() -> None:
    pages = {"/": html("Home", [f"/{n}" for n in range(60)]), **{f"/{n}": html(f"Page {n}") for n in range(60)}}
    async with open_web(Web([Site("a.test", pages)])) as served, open_collector() as collector:
        random.seed(7)
        await crawl(served.seeds, **send_to(collector, trace_ratio=0.3, per_site=8))
        visits = collector.named("visit")
        assert 5 <= len(visits) <= 40
        assert {span.parent for span in collector.named("GET")} <= {span.id for span in visits}
        collector.spans.clear()
        await crawl(served.seeds, **send_to(collector, trace_ratio=0))
        assert [span.name for span in collector.spans] == ["crawl"]


async def test_a_run_that_fails_says_so_in_its_span() -> None:
    class Failing:
        async def fetch(self, request: Request) -> Response:
            raise SystemExit(3)

    async with open_collector() as collector:
        with pytest.raises(Exception, match="SystemExit"):
            await crawl(["http://127.0.0.1:9/"], fetcher=Failing(), **send_to(collector))
    assert {(span.name, span.is_error) for span in collector.spans} == {("crawl", True), ("visit", True), ("GET", True)}
    told = {span.name: span.about["error.type"] for span in collector.spans}
    assert told == {"crawl": "ExceptionGroup", "visit": "SystemExit", "GET": "SystemExit"}


async def test_odd_methods_and_further_attempts_are_told_as_the_conventions_say() -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home")})])) as served, open_collector() as collector:
        seed = Request(served.seeds[0], method="PURGE")
        await crawl([seed], **send_to(collector, robots="ignore"))
    [told] = [span.about for span in collector.named("HTTP")]
    assert (told["http.request.method"], told["http.request.method_original"]) == ("_OTHER", "PURGE")


@pytest.mark.parametrize(
    ("url", "hidden", "shown"),
    [
        ("https://a.test/p/q", "https://a.test/p/q", "https://a.test/p/q"),
        ("https://a.test/?q=x&page=2", "https://a.test/?q=REDACTED&page=REDACTED", "https://a.test/?q=x&page=2"),
        ("https://a.test/?api_key=x&p=1", "https://a.test/?api_key=REDACTED&p=REDACTED", "https://a.test/?api_key=REDACTED&p=1"),
        ("https://a.test/?eyJhbGciOi", "https://a.test/?REDACTED", "https://a.test/?eyJhbGciOi"),
        ("https://a.test/?X-Amz-Signature=f&a=", "https://a.test/?X-Amz-Signature=REDACTED&a=", "https://a.test/?X-Amz-Signature=REDACTED&a="),
        ("https://a.test/?", "https://a.test/?", "https://a.test/?"),
        ("https://a.test/?a=b=c&&d", "https://a.test/?a=REDACTED&&REDACTED", "https://a.test/?a=b=c&&d"),
    ],
)  # fmt: skip
def test_values_in_queries_are_recorded_on_request_alone_and_secrets_never(url: str, hidden: str, shown: str) -> None:
    assert record_url(Url(url), with_queries=False) == hidden
    assert record_url(Url(url), with_queries=True) == shown


def test_the_server_is_named_with_its_port() -> None:
    assert find_server(Url("https://a.test/x")) == ("a.test", 443)
    assert find_server(Url("http://[::1]:81/")) == ("::1", 81)


@pytest.mark.slow
def test_a_crawl_without_telemetry_imports_nothing_of_it_and_uses_the_same_objects() -> None:
    ran = _run("""
        import asyncio, sys
        from crawler import open_crawl
        from crawler.fetch import HttpFetcher

        async def main():
            async with open_crawl(executor="inline") as crawl:
                works = crawl._works
                assert type(works.fetcher) is type(works.visiting) is HttpFetcher
                assert works.tracing is None
                assert "telemetry" not in crawl._engine.visit.__module__
                await crawl.run([])
        asyncio.run(main())
        found = [name for name in sys.modules if name.startswith(("opentelemetry", "crawler.telemetry."))]
        assert found == [], found
    """)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_where_the_extra_is_missing_an_error_says_how_to_install_it() -> None:
    ran = _run("""
        import sys
        sys.modules["opentelemetry"] = None
        from crawler import ConfigError, crawl_sync
        try:
            crawl_sync(["http://127.0.0.1:9/"], otel=True, executor="inline")
        except ConfigError as error:
            print(error)
    """)
    assert ran.stdout == (
        "telemetry.otel needs the extra `otel`, and opentelemetry is missing: pip install 'crawld[otel]'\n"
    )


@pytest.mark.slow
def test_the_providers_of_a_program_are_used_where_it_has_set_them() -> None:
    ran = _run("""
        import asyncio, threading
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
        from crawler import crawl, open_crawl
        from crawler.testing import Site, Web, html, open_web

        kept, reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF))
        provider.add_span_processor(SimpleSpanProcessor(kept))
        trace.set_tracer_provider(provider)
        metrics.set_meter_provider(MeterProvider([reader]))
        sampled = trace.SpanContext(7, 8, True, trace.TraceFlags(1))

        class Mine:
            def __init__(self, inner):
                self.inner = inner
            async def fetch(self, request):
                with trace.get_tracer("mine").start_as_current_span("mine"):
                    return await self.inner.fetch(request)

        async def main():
            async with open_web(Web([Site("a.test", {"/": html("Home")})])) as served:
                settings = {"otel": True, "trace_ratio": 1, "executor": "inline", "allow_networks": ["127.0.0.0/8"]}
                async with open_crawl(**settings) as opened:
                    await opened.run(served.seeds)
                    await asyncio.to_thread(reader.collect)
                assert kept.get_finished_spans() == ()  # the program samples no root
                [[found]] = [group.scope_metrics for group in reader.get_metrics_data().resource_metrics]
                told = {metric.name: metric.data.data_points for metric in found.metrics}
                values = {point.attributes["disposition"]: point.value for point in told["crawld.visits"]}
                assert (values["fetched"], values["failed"]) == (1, 0), values
                with trace.use_span(trace.NonRecordingSpan(sampled)):
                    await crawl(served.seeds, fetcher=Mine, **settings | {"trace_ratio": 0})
                    await crawl(served.seeds, fetcher=Mine, **settings)
                spans = {span.name: span for span in kept.get_finished_spans()}
                names = [span.name for span in kept.get_finished_spans()]
                assert (names.count("crawl"), names.count("mine")) == (2, 2), names  # robots.txt and the page
                assert {"crawl", "visit", "GET", "mine"} == spans.keys(), spans
                assert spans["crawl"].parent.span_id == 8
                assert {span.context.trace_id for span in spans.values()} == {7}
                assert spans["visit"].parent.span_id == spans["crawl"].context.span_id
            names = {thread.name for thread in threading.enumerate()}
            assert not [name for name in names if "Otel" in name], names
        asyncio.run(main())
    """)
    assert ran.returncode == 0, ran.stderr
    assert "already" not in ran.stderr, "instruments are made once"


def _run(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own, for providers are set once in the life of a process."""
    lines = program.splitlines()[1:]
    text = "\n".join(line.removeprefix("        ") for line in lines)
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
