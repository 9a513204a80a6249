"""What a job's frontier is asked: its sites as they stand, while it runs and at rest, and never at its peril."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import anyio
import pytest

from crawler.daemon import Jobs, State
from crawler.daemon.jobs.job import SiteSeen
from crawler.daemon.runs.run import Run
from crawler.frontier import Look
from crawler.testing import Site, Web, html, open_web, robots
from crawler.testing.pages import error

from ..conftest import Open, submit, until

PAUSED = {"is_paused": True}
OPENED_ELSEWHERE = """
import sys
from pathlib import Path
from crawler.errors import FrontierError
from crawler.frontier.sqlite.file import open_file
try: open_file(Path(sys.argv[1]), "process")
except FrontierError as refused: print(refused)
"""


async def test_sites_that_run_tell_their_delay_their_robots_and_for_what_they_are_left_alone(open_daemon: Open) -> None:
    pages = {"/": html("Home", ["/1", "/2"]), "/1": html("1"), "/2": html("2")}
    web = Web([
        Site("slow.test", pages, robots=robots.disallowing("/x", crawl_delay_s=40)),
        Site("busy.test", {"/": error(503, retry_after_s=300)}),
        Site("dark.test", pages, robots=robots.broken()),
    ])  # fmt: skip
    async with open_web(web) as served, open_daemon() as jobs:
        names = ("slow.test", "busy.test", "dark.test")
        seeds = [served.url(name, "/") for name in names]
        more = [served.url(name, "/2") for name in names]
        job = await submit(jobs, [*seeds, *more], settings={"delay_s": 0.2, "retry_delay_s": 60, "per_site": 1})
        slow, busy, dark = await told(jobs, job.id, seeds)
        assert (slow.delay_s, slow.robots.state, slow.robots.crawl_delay_s) == (40, "rules", 40)
        assert 30 < (slow.next_turn_in_s or 0) <= 40
        assert (busy.setback, busy.delay_s) == ("status-5xx", 0.2)
        assert 200 < busy.backoff_s <= 300
        assert (busy.slowed_by, busy.rest_s) == ("HTTP 503", 0.4)
        assert (slow.slowed_by, slow.rest_s) == ("", 40)
        assert (dark.robots.state, dark.leased, dark.retrying) == ("unreachable", 0, 2)
        assert "HTTP 503" in dark.robots.detail
        await jobs.pause(job.id)
        await jobs._scheduler.wait_until_idle(job.id)
        at_rest = {one.site: one for one in await jobs.sites(job.id)}
        assert at_rest[slow.site].robots.state == "not-asked"
        assert 30 < (at_rest[slow.site].next_turn_in_s or 0) <= 40
        assert at_rest[slow.site].queued == 2
        assert (at_rest[busy.site].slowed_by, at_rest[busy.site].rest_s) == ("HTTP 503", 0.4)


async def told(jobs: Jobs, job: str, seeds: list[str]) -> list[SiteSeen]:
    """The sites, once each was asked for something."""
    with anyio.fail_after(30):
        while True:
            sites = {one.site: one for one in await jobs.sites(job)}
            slow, busy, dark = (sites.get(seed.rstrip("/")) for seed in seeds)
            if slow and busy and dark and slow.next_turn_in_s and busy.setback and dark.retrying == 2:  # noqa: SIM102
                if (slow.robots.state, dark.robots.state) == ("rules", "unreachable"):
                    return [slow, busy, dark]
            await anyio.sleep(0.01)


async def test_a_job_that_has_not_begun_has_no_sites_but_held_ones(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, ["https://a.test/"], **PAUSED)
        assert await jobs.sites(job.id) == []
        await jobs.hold(job.id, "https://a.test/")
        [held] = await jobs.sites(job.id)
        assert (held.site, held.is_held, held.robots.state) == ("https://a.test", True, "not-asked")


@pytest.mark.slow
async def test_a_run_keeps_its_lock_whoever_looks_while_it_starts(open_daemon: Open) -> None:
    """Closing a file gives up the locks of the whole process: a run waits for a look that was there before."""
    web = Web([Site("a.test", {"/": html("Home", ["/1"]), "/1": html("1")})])
    async with open_web(web) as served, open_daemon() as jobs:
        job = await submit(jobs, [served.url("a.test", "/")], settings={"limit": 1})
        await until(jobs, job.id, State.COMPLETED)
        file = jobs.folder(job.id) / "frontier.sqlite"
        looks, begun, may_end = jobs._scheduler.inspector, threading.Event(), threading.Event()

        def asked(_: Look) -> str:
            begun.set()
            may_end.wait(30)
            return "answered"

        looking = asyncio.create_task(looks.ask(job.id, file, asked))
        await asyncio.to_thread(begun.wait, 30)
        await jobs.change(job.id, {"delay_s": 3600, "limit": 5})
        await jobs.resume(job.id)
        run = await running(jobs, job.id)
        assert run.crawl is None
        looking.cancel()  # who asked is gone, but not the look
        with pytest.raises(asyncio.CancelledError):
            await looking
        with anyio.move_on_after(0.1):
            await run.opened.wait()
        assert not run.opened.is_set()
        may_end.set()
        await run.opened.wait()
        await jobs.explain(job.id, served.url("a.test", "/"), is_offline=True)
        await jobs.sites(job.id)
        assert "in use by another process" in await elsewhere(file)


async def running(jobs: Jobs, job: str) -> Run:
    with anyio.fail_after(30):
        while job not in jobs._scheduler.runs:
            await anyio.sleep(0.005)
    return jobs._scheduler.runs[job]


async def elsewhere(file: Path) -> str:
    ran = await anyio.run_process([sys.executable, "-c", OPENED_ELSEWHERE, str(file)])
    return ran.stdout.decode()
