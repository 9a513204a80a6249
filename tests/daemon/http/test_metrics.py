"""What `/metrics` shows is named by the conventions, described, and enough for the dashboard and the alerts."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from crawler.daemon import State
from crawler.daemon.http.server import open_server
from crawler.metrics.catalog import (
    CLOSED,
    METRICS,
    PROCESS,
    SECTIONS,
    WORK_CHOSEN,
    WORK_CPU,
    WORKERS_MEMORY,
    Kind,
)
from crawler.settings.loading import amend
from crawler.testing import Site, Web, failing, html, open_web
from tests.metrics.reference import PAGE, reference

from ..conftest import BASE, Open, until
from .conftest import TOKEN, Api, _session
from .scraping import (
    DASHBOARD,
    RULES,
    alerts,
    labels_by_name,
    open_prometheus,
    panels,
    queries,
    uses,
    variables_of_dashboard,
)

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
RULE_TESTS = Path(__file__).parent / "crawld.rules.test.yml"


@asynccontextmanager
async def _crawling(open_daemon: Open) -> AsyncIterator[Api]:
    """A daemon with worker processes and a job that runs: it has one page, one failure, and waits for its next turn."""
    pages = {"/": html("Home", ["/gone", "/later", "/never"]), "/gone": failing(html("Gone"), times=99)}
    base = amend(BASE, {"executor": "process", "workers": 1, "max_attempts": 1, "per_site": 1})
    async with (
        open_web(Web([Site("a.test", pages)])) as served,
        open_daemon(base=base) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        _session() as http,
    ):
        api = Api(listening.url, listening.port or 0, jobs, http)
        job = await api.post("/v1/jobs", {"seeds": list(served.seeds), "settings": {"delay_s": 0.3}})
        with anyio.fail_after(60):
            while not _has_begun(samples := await _scrape(api)):
                await asyncio.sleep(0.05)
        assert ("crawld_jobs", (("state", "running"),)) in samples
        await api.ask("PATCH", f"/v1/jobs/{job['id']}", {"settings": {"delay_s": 30}})
        yield api
        await api.post(f"/v1/jobs/{job['id']}/cancel")
        await until(jobs, job["id"], State.CANCELLED)


def _has_begun(samples: dict[tuple[str, tuple[tuple[str, str], ...]], float]) -> bool:
    answers = any(name == "crawld_answer_seconds" for name, _ in samples)
    failed = samples["crawld_visits_total", (("disposition", "failed"),)]
    return answers and failed > 0 and ("crawld_event_loop_busy_ratio", ()) in samples


async def _scrape(api: Api) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = (await api.get("/metrics")).decode()
    return _flatten(read_text(text))


def _flatten(families: Iterable[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.slow
async def test_what_is_scraped_is_what_the_documents_say_and_feeds_every_query(open_daemon: Open) -> None:
    async with _crawling(open_daemon) as api:
        text = (await api.get("/metrics")).decode()
        assert api.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        openmetrics = (await api.get("/metrics", headers={"Accept": OPENMETRICS})).decode()
        assert api.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = list(read_text(text))
    described = {family.name: (family.type, family.documentation) for family in families}
    expected = {metric.name.removesuffix("_total"): (str(metric.kind), metric.meaning) for metric in METRICS}
    assert described == expected

    samples = _flatten(families)
    assert _flatten(read_openmetrics(openmetrics)).keys() == samples.keys()  # type: ignore[no-untyped-call]
    labels = labels_by_name((name, dict(found)) for name, found in samples)
    not_everywhere = {metric.name for metric in (*PROCESS, WORKERS_MEMORY, WORK_CHOSEN, WORK_CPU)}
    assert set(labels) >= {metric.name for metric in METRICS} - not_everywhere
    for metric in METRICS:
        assert labels.get(metric.name, set(metric.labels)) - {"job", "instance"} == set(metric.labels), metric.name

    for name, query in [*queries(), *((f"variable {label}", asked) for asked, label in variables_of_dashboard())]:
        for metric_name, asked_labels in uses(query):
            assert asked_labels <= labels.get(metric_name, set()), (name, metric_name)
    for selector, label in variables_of_dashboard():
        [(metric_name, _)] = uses(selector)
        assert label in labels[metric_name]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("prometheus"), reason="Prometheus is not here")
async def test_a_real_prometheus_has_an_answer_to_every_query(open_daemon: Open, tmp_path: Path) -> None:
    async with _crawling(open_daemon) as api, open_prometheus(tmp_path, api.port, TOKEN) as prometheus:
        with anyio.fail_after(60):  # a rate needs two scrapes
            while not await prometheus.ask("count_over_time(crawld_visits_total[5m]) > 2"):
                await asyncio.sleep(0.2)
        for query in queries():
            answer = await prometheus.ask(query.text)
            assert answer or query.name.startswith("alert ") or query.text.endswith(("> 0", "> 0)")), query
        assert await prometheus.ask('up{job="crawld"} == 1')
        text = await api.get("/metrics")
    assert _lint(text) == (0, b"")


@pytest.mark.slow
async def test_counters_never_fall_and_outlive_their_job(open_daemon: Open) -> None:
    pages = {"/": html("Home", ["/gone"])}
    async with (
        open_web(Web([Site("a.test", pages)])) as served,
        open_daemon() as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        _session() as http,
    ):
        api = Api(listening.url, listening.port or 0, jobs, http)
        before = await _scrape(api)
        assert before["crawld_visits_total", (("disposition", "fetched"),)] == 0
        for times in (1, 2):
            job = await api.post("/v1/jobs", {"seeds": list(served.seeds)})
            await until(jobs, job["id"], State.COMPLETED)
            samples = await _scrape(api)
            assert samples["crawld_visits_total", (("disposition", "fetched"),)] == times
            assert samples["crawld_visit_reasons_total", (("reason", "status-4xx"),)] == times
            assert samples["crawld_responses_total", (("status", "2xx"),)] == times
            assert samples["crawld_responses_total", (("status", "4xx"),)] == times
            assert samples["crawld_received_bytes_total", ()] > before["crawld_received_bytes_total", ()]
            assert [name for name, labels in samples if "job_id" in dict(labels)] == []
            before = samples


def _lint(text: bytes) -> tuple[int, bytes]:
    """Returns what Prometheus' own tool says of the names."""
    ran = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    return ran.returncode, ran.stderr


def test_names_follow_the_conventions() -> None:
    for metric in METRICS:
        assert metric.name.startswith(("crawld_", "process_"))
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        for unit in ("seconds", "bytes"):
            is_rate = metric.unit.endswith(" a second")
            assert (metric.unit == unit) == (unit in metric.name.split("_") and not is_rate), metric.name
        assert "_ms" not in metric.name
        assert not set(metric.labels) & {"job", "instance", "le", "quantile"}, "names that Prometheus uses itself"
        assert metric.meaning.endswith(".")
        assert metric.when_high
    assert len({metric.name for metric in METRICS}) == len(METRICS) == sum(map(len, SECTIONS.values()))


def test_the_page_of_metrics_is_written_from_the_code() -> None:
    text = PAGE.read_text()
    assert text == reference(), "write it again: make settings"
    assert all(word in text for word in CLOSED.labels["why"].split(", "))


def test_every_panel_and_every_alert_says_what_it_is() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["title"] == "crawld"
    assert [one["name"] for one in dashboard["templating"]["list"]] == ["datasource", "job", "instance", "job_id"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert str(panel["description"]).endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]  # type: ignore[index]
    for alert in alerts():
        assert alert["annotations"].keys() == {"summary", "description"}  # type: ignore[attr-defined]
    names = {name for query in queries() for name, _ in uses(query.text)}
    left_out = {metric.name for metric in METRICS} - names
    assert left_out == {
        "crawld_build_info", "crawld_sites", "crawld_bytes_per_second", "process_virtual_memory_bytes",
        "process_start_time_seconds", "crawld_work_chosen", "crawld_work_cpu_seconds",
        "crawld_rendered_pages_total", "crawld_rendering_pages", "crawld_rendering_seconds_total",
        "crawld_browser_starts_total", "crawld_browser_memory_bytes",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Prometheus, which is not here")
def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    for command in (["check", "rules", str(RULES)], ["test", "rules", str(RULE_TESTS)]):
        ran = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
