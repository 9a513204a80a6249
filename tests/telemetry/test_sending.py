"""Sending goes on beside the crawl: it never waits for a collector, and says in one line that there is none."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import anyio
import pytest

from crawler import Disposition, crawl, open_crawl
from crawler.daemon import State
from crawler.metrics.catalog import METRICS, Kind
from crawler.settings.loading import amend
from crawler.telemetry.complaints import shorten
from crawler.telemetry.figures import name_metric
from crawler.testing import Served, Site, Web, html, open_web
from tests.daemon.conftest import BASE, Open, open_daemon, submit, until  # noqa: F401 - a fixture

from .collector import Collector, open_collector
from .conftest import send_to

NOBODY = "http://127.0.0.1:1"
PAGES = {"/": html("Home", [f"/{n}" for n in range(40)]), **{f"/{n}": html(f"Page {n}") for n in range(40)}}


@pytest.fixture
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends every few milliseconds, and waits for answers a second at most."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")


async def _crawl_all(served: Served, collector: Collector, **more: object) -> None:
    summary = await crawl(served.seeds, **send_to(collector, per_site=4, **more))
    assert (summary.ended, summary.pages) == ("exhausted", 41)


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says about telemetry, ours and the SDK's."""
    return [one.getMessage() for one in caplog.records if "telemetry" in one.name or "opentelemetry" in one.name]


@pytest.mark.slow
@pytest.mark.usefixtures("in_haste")
async def test_a_collector_that_is_away_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        await _crawl_all(served, Collector(NOBODY))
    [line] = _said(caplog)
    assert line == (
        "telemetry cannot be sent to http://127.0.0.1:1 (no answer in time): the crawl goes on, and what does not fit "
        "in memory is dropped"
    )
    assert not any(logging.getLogger(name).filters for name in logging.root.manager.loggerDict if "otlp" in name)


@pytest.mark.slow
@pytest.mark.usefixtures("in_haste")
async def test_a_collector_that_hangs_holds_up_neither_the_crawl_nor_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_web(Web([Site("a.test", PAGES)])) as served, open_collector() as collector:
        collector.hangs = True
        await _crawl_all(served, collector)
        assert collector.asked > 0
    assert len(_said(caplog)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("in_haste")
async def test_sending_goes_on_when_the_collector_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_web(Web([Site("a.test", PAGES)])) as served, open_collector() as collector:
        collector.status = 503
        async with open_crawl(**send_to(collector)) as opened:
            with anyio.fail_after(30):
                while not _said(caplog):
                    await asyncio.sleep(0.02)
                collector.status = 200
                await opened.run(served.seeds)
                while len(_said(caplog)) < 2:
                    await asyncio.sleep(0.02)
        assert collector.named("crawl")
    assert _said(caplog)[1:] == ["telemetry is sent again"]


@pytest.mark.parametrize(
    ("words", "short"),
    [
        ("Transient error Service Unavailable encountered while exporting spans batch", "Service Unavailable"),
        ("Failed to export spans batch code: 401, reason: Unauthorized", "Unauthorized"),
        ("Transient error X (E(\"[Errno -2] Name not known\")) encountered while exporting", "Name not known"),
        ("Failed to export spans batch due to timeout, max retries or shutdown.", "no answer in time"),
        ("Queue full, dropping Span.", "Queue full, dropping Span."),
        ("x" * 999, "x" * 150),
    ],
)  # fmt: skip
def test_the_words_of_the_sdk_are_cut_to_the_reason(words: str, short: str) -> None:
    assert shorten(words) == short


@pytest.mark.slow
async def test_a_program_hears_its_own_complaints_of_the_sdk(caplog: pytest.LogCaptureFixture) -> None:
    async with open_crawl(**send_to(Collector(NOBODY))):
        logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").warning("mine")
    [mine, ours] = _said(caplog)
    assert (mine, "Connection refused" in ours) == ("mine", True)


async def test_figures_are_sent_where_and_as_the_variables_of_opentelemetry_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "crawls of mine")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x")
    async with open_web(Web([Site("a.test", PAGES)])) as served, open_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        async with open_crawl(**{**send_to(collector), "otel_endpoint": ""}) as opened:
            summary = await opened.run(served.seeds)
        figures = collector.figures
    fetched = figures["crawld.visits", (("disposition", str(Disposition.FETCHED)),)]
    assert fetched == summary.pages == 41
    assert figures["crawld.received", ()] == summary.bytes
    assert figures["crawld.responses", (("status", "2xx"),)] == 41
    assert figures["crawld.stage", (("stage", "wait"),)] > 0
    assert (collector.units["crawld.received"], collector.units["crawld.stage"]) == ("By", "s")
    assert collector.headers["Authorization"] == "Bearer x"
    assert collector.named("crawl")[0].resource["service.name"] == "crawls of mine"


def test_no_two_metrics_have_one_name_and_each_name_gets_its_unit_back() -> None:
    """A collector appends the unit and `_total`, as the OpenTelemetry specification says of Prometheus."""
    words = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}
    for metric in METRICS:
        name, unit = name_metric(metric)
        made = name.replace(".", "_")
        main, _, per = unit.partition("/")
        made += words.get(main, "") if not made.endswith(words.get(main, "?")) else ""
        made += "_per_second" if per else ""
        assert made + ("_total" if metric.kind is Kind.COUNTER else "") == metric.name
    assert len({name_metric(metric).name for metric in METRICS}) == len(METRICS)


@pytest.mark.usefixtures("in_haste")
async def test_a_daemon_names_its_jobs(open_daemon: Open) -> None:  # noqa: F811
    async with open_web(Web([Site("a.test", PAGES)])) as served, open_collector() as collector:
        told = {"otel": True, "otel_endpoint": collector.url, "trace_ratio": 1.0}
        base = amend(BASE, {**told, "delay_s": 30, "per_site": 1, "robots": "ignore"})
        async with open_daemon(base=base) as jobs:
            job = await submit(jobs, served.seeds)
            with anyio.fail_after(30):
                while collector.figures.get(("crawld.queued", (("job_id", job.id),))) != 40:
                    await asyncio.sleep(0.02)
            assert collector.figures["crawld.jobs", (("state", "running"),)] == 1
            await jobs.cancel(job.id)
            await until(jobs, job.id, State.CANCELLED)
        [run] = collector.named("crawl")
        assert (run.about["crawld.job.id"], run.about["crawld.ended"]) == (job.id, "aborted")


async def test_the_queue_of_spans_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20")
    async with open_web(Web([Site("a.test", PAGES)])) as served, open_collector() as collector:
        async with open_crawl(folder=tmp_path / "c", **send_to(collector)) as opened:
            collector.hangs = True
            await opened.run(served.seeds)
            collector.hangs = False
    assert 0 < len(collector.spans) <= 2 * 20 + 1
