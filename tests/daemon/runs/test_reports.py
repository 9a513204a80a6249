"""A job has a report while it runs, when it is over and after a restart, and asking for it costs what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from crawler import ClosedError
from crawler.daemon import Jobs, State
from crawler.daemon.errors import NoRecords, NoSuchJob
from crawler.daemon.runs import reports
from crawler.reports import NAME, Report
from crawler.testing import Site, Web, error, html, open_web

from ..conftest import Open, submit, until


def web() -> Web:
    pages = {f"/{n}": html(f"Page {n}") for n in range(30)}
    home = html("Home", [*pages, "/no/1", "/no/2", "/broken"])
    sites = [Site("a.test", {"/": home, **pages, "/broken": error(503)}), Site("b.test", {"/": html("B", ["/gone"])})]
    return Web(sites, ["http://a.test/", "http://b.test/"])


async def told(jobs: Jobs, job: str, most_sites: int = 100) -> Report:
    """The report, once all records are counted."""
    while not (report := await jobs.reports.report(job, most_sites)).is_whole:
        pass
    return report


def records(jobs: Jobs, job: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (jobs.folder(job) / "pages.jsonl").read_bytes().splitlines()]


def check(report: Report, written: list[dict[str, Any]]) -> None:
    """The figures are those of the records, counted in the plainest way."""
    assert report.records == len(written)
    for one in report.statuses:
        assert one.n == sum(record["status"] == one.status for record in written)
    for site in report.sites:
        assert site.n == sum(record["url"].startswith(f"{site.site}/") for record in written)
    for outcome in report.outcomes:
        same = [record for record in written if record["disposition"] == outcome.disposition]
        assert outcome.n == sum(record["reason"] == outcome.reason for record in same)


async def test_a_finished_job_is_reported_and_so_it_is_after_a_restart(open_daemon: Open) -> None:
    async with open_web(web()) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds, settings={"max_attempts": 1})
            await until(jobs, job.id, State.COMPLETED)
            report = await told(jobs, job.id)
            check(report, records(jobs, job.id))
            assert {(one.status, one.n) for one in report.statuses} == {(200, 32), (404, 3), (503, 1)}
            assert [(one.reason, one.n) for one in report.errors] == [("status-4xx", 3), ("status-5xx", 1)]
            assert (jobs.folder(job.id) / NAME).exists()
        async with open_daemon() as jobs:
            again = await told(jobs, job.id)
            assert again.sites == report.sites
            few = await told(jobs, job.id, 1)
            assert (len(few.sites), few.other_sites.n) == (1, report.sites[1].n)


async def test_a_job_of_an_older_version_is_counted_when_somebody_asks(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"max_attempts": 1})
        await until(jobs, job.id, State.COMPLETED)
        (jobs.folder(job.id) / NAME).unlink(missing_ok=True)
        check(await told(jobs, job.id), records(jobs, job.id))


async def test_a_running_job_is_reported_so_far_and_keeps_only_what_is_settled(
    open_daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "FRESH_S", 0.0)
    monkeypatch.setattr(reports, "TICK_S", 0.02)
    async with open_web(web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"delay_s": 0.2, "per_site": 1})
        while (first := await told(jobs, job.id)).records < 2:
            pass
        kept = jobs.folder(job.id) / NAME
        await told(jobs, job.id)
        assert kept.exists()  # a count of a moment ago
        await jobs.change(job.id, {"delay_s": 0.0, "max_attempts": 1})
        await until(jobs, job.id, State.COMPLETED)
        last = await told(jobs, job.id)
        assert last.records > first.records
        check(last, records(jobs, job.id))


async def test_many_who_ask_at_once_are_answered_by_one_counting(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"max_attempts": 1})
        await until(jobs, job.id, State.COMPLETED)
        counting = [jobs.reports._begin(job.id) for _ in range(20)]
        assert len({id(one) for one in counting}) == 1
        await counting[0].done.wait()
        check(await told(jobs, job.id), records(jobs, job.id))


async def test_while_many_records_are_counted_the_report_says_how_far_it_is(
    open_daemon: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reports, "WAIT_S", 0.0)
    async with open_web(web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"max_attempts": 1})
        await until(jobs, job.id, State.COMPLETED)
        pages = jobs.folder(job.id) / "pages.jsonl"
        pages.write_bytes(pages.read_bytes() * 300)
        first = await jobs.reports.report(job.id, 100)
        assert 0 < first.share < 1
        assert 0 < first.records < 300 * 36
        assert (await told(jobs, job.id)).records == 300 * 36


async def test_a_report_of_a_job_without_records_is_refused_and_none_is_kept_where_the_disk_says_no(
    open_daemon: Open,
) -> None:
    async with open_web(web()) as served, open_daemon() as jobs:
        bare = await submit(jobs, served.seeds, settings={"sinks": []})
        await until(jobs, bare.id, State.COMPLETED)
        with pytest.raises(NoRecords):
            await jobs.reports.report(bare.id, 100)
        job = await submit(jobs, served.seeds, settings={"max_attempts": 1})
        await until(jobs, job.id, State.COMPLETED)
        (jobs.folder(job.id) / NAME).mkdir()
        check(await told(jobs, job.id), records(jobs, job.id))


async def test_an_output_that_was_cut_back_meanwhile_is_counted_anew(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"max_attempts": 1})
        await until(jobs, job.id, State.COMPLETED)
        await told(jobs, job.id)
        pages = jobs.folder(job.id) / "pages.jsonl"
        lines = pages.read_bytes().splitlines(keepends=True)
        pages.write_bytes(b"".join([*lines[:-9], *lines[:3]]))
        check(await told(jobs, job.id), records(jobs, job.id))


async def test_a_report_of_no_job_or_of_a_closed_daemon_is_refused(open_daemon: Open) -> None:
    async with open_web(web()) as served, open_daemon() as jobs:
        with pytest.raises(NoSuchJob):  # the first thing that is asked of it
            await jobs.reports.report("j-none", 100)
        job = await submit(jobs, served.seeds, is_paused=True)
        assert (await told(jobs, job.id)).records == 0
    with pytest.raises(ClosedError):
        await jobs.reports.report(job.id, 100)
