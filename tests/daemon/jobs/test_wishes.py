"""What a job did not fetch is fetched after all: failures, parked URLs, seeds given again, wider settings."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from crawler.daemon import BadJob, Full, Job, Jobs, State, WrongState, open_jobs
from crawler.daemon.settings import DaemonConfig
from crawler.model import Disposition, Reason
from crawler.testing import Page, Served, Site, Web, error, failing, html, open_web, slow

from ..conftest import BASE, Open, lines, pages, submit, until

ROOT = Path(__file__).parents[3]
SIZE = 260
"""Pages of the endless place, which is judged one after about half of them."""
ONCE = {"max_attempts": 1}

LATER = None
"""The answer of a machine so busy that the job has not begun yet."""


def endless(target: str) -> Page:
    """The same words under ever other numbers."""
    at = int(target.removeprefix("/t/"))
    return html("Without end", [f"/t/{n}" for n in range(at + 1, min(at + 6, SIZE))])


def trap() -> Web:
    return Web(
        [Site("a.test", {"/": html("Home", ["/t/0", "/about"]), "/about": html("About us")}, traps={"/t/": endless})]
    )


def failing_web(times: int = 1) -> Web:
    """Two pages that fail at first, one of them with what it links to."""
    return Web([Site("a.test", {
        "/": html("Home", ["/busy", "/gone"]),
        "/busy": failing(html("Busy", ["/behind"]), times=times),
        "/gone": failing(html("Gone"), times=times, by=error(404)),
        "/behind": html("Behind"),
    })])  # fmt: skip


async def parked_job(jobs: Jobs, served: Served) -> Job:
    job = await submit(jobs, served.seeds)
    job = await until(jobs, job.id, State.COMPLETED)
    assert job.counts.parked > 2
    return job


def failed(job: Job) -> int:
    return job.counts.settled.get(Disposition.FAILED, 0)


# -- failures --------------------------------------------------------------------------------------------------------


async def test_a_job_that_is_over_is_resumed_to_try_again_what_failed_for_a_reason(open_daemon: Open) -> None:
    async with open_web(failing_web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings=ONCE)
        job = await until(jobs, job.id, State.COMPLETED)
        assert (failed(job), job.has_more) == (2, False)
        assert await jobs.retry(job.id, ["status-5xx"]) in (1, LATER)
        job = await until(jobs, job.id, State.COMPLETED)
        assert (failed(job), job.wishes) == (1, ())
        assert sorted(url.rpartition("/")[2] for url in pages(jobs, job.id)) == ["", "behind", "busy", "busy", "gone"]
        assert await jobs.retry(job.id) in (1, LATER)
        job = await until(jobs, job.id, State.COMPLETED)
        assert (failed(job), job.pages) == (0, 4)
        assert await jobs.retry(job.id) in (0, LATER)
        noted = [event.data for event in await jobs.history(job.id) if "retry" in event.data]
        assert [one["retry"] for one in noted] == [["status-5xx"], "all", "all"]


async def test_a_paused_job_keeps_wishes_until_it_goes_on(open_daemon: Open) -> None:
    async with open_web(failing_web()) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds, settings=ONCE)
            await until(jobs, job.id, State.COMPLETED)
            held = await submit(jobs, ["http://127.0.0.1:9/"], is_paused=True)
            for reasons in (["dns"], ["timeout"], ["tls", "timeout"]):
                assert await jobs.retry(held.id, reasons) is None
            assert await jobs.unpark(held.id, ["http://a.test/#"]) is None
            assert [wish.retry for wish in jobs.find(held.id).wishes] == [("dns",), ("timeout", "tls")]
        async with open_daemon() as jobs:
            kept = jobs.find(held.id)
            assert (kept.state, len(kept.wishes)) == (State.PAUSED, 2)
            assert kept.wishes[1].unpark == ("http://a.test/#",)
            await jobs.cancel(held.id)
            assert jobs.find(held.id).has_more


@pytest.mark.slow
async def test_what_failed_is_tried_again_by_the_run_that_is_under_way(open_daemon: Open) -> None:
    slowly = {f"/{n}": slow(html(str(n)), 0.1) for n in range(60)}
    web = Web([Site("a.test", {"/": html("Home", ["/busy", *slowly]), **slowly, "/busy": failing(html("B"), times=1)})])
    async with open_web(web) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings=ONCE)
        with anyio.fail_after(30):
            while not failed(jobs.find(job.id)):
                await anyio.sleep(0.02)
        assert await jobs.retry(job.id) == 1
        assert jobs.find(job.id).state is State.RUNNING
        job = await until(jobs, job.id, State.COMPLETED)
        assert (failed(job), job.pages) == (0, 62)
        moves = [event.data["to"] for event in await jobs.history(job.id) if event.kind == "state"]
        assert moves == ["queued", "running", "completed"]


async def test_reasons_are_checked_before_anything_is_kept(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, ["http://127.0.0.1:9/"], is_paused=True)
        with pytest.raises(BadJob, match="did you mean timeout") as refused:
            await jobs.retry(job.id, ["dns", "time-out"])
        assert [one.field for one in refused.value.complaints] == ["reasons.1"]
        for n in range(2):
            await jobs.unpark(job.id, [f"http://a.test/{n}"])
        with pytest.raises(Full, match="name none"):
            await jobs.unpark(job.id, [f"http://a.test/#/{n}" for n in range(1001)])
        (jobs.folder(job.id) / "crawl.toml").unlink()
        with pytest.raises(WrongState, match="is gone"):
            await jobs.retry(job.id)
        assert len(jobs.find(job.id).wishes) == 2


@pytest.mark.slow
async def test_a_wish_survives_kill_9_right_after_it_was_acknowledged(tmp_path: Path) -> None:
    script = (
        "import os, sys, anyio; from pathlib import Path\n"
        "from tests.daemon.conftest import BASE\n"
        "from crawler.daemon import DaemonConfig, open_jobs\n"
        "async def main():\n"
        "    async with open_jobs(DaemonConfig(), Path(sys.argv[1]), BASE) as jobs:\n"
        "        jobs._scheduler.is_closing = True  # nothing is started any more\n"
        "        await jobs.retry(sys.argv[2])\n"
        "        os.kill(os.getpid(), 9)\n"
        "anyio.run(main)\n"
    )
    async with open_web(failing_web()) as served:
        async with open_jobs(DaemonConfig(), tmp_path, BASE) as jobs:
            job = await submit(jobs, served.seeds, settings=ONCE)
            assert failed(await until(jobs, job.id, State.COMPLETED)) == 2
        command = [sys.executable, "-c", script, str(tmp_path), job.id]
        ended = await anyio.run_process(command, cwd=ROOT, check=False, stderr=subprocess.PIPE)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        async with open_jobs(DaemonConfig(), tmp_path, BASE) as jobs:
            job = await until(jobs, job.id, State.COMPLETED)
            assert (failed(job), job.pages, job.wishes) == (0, 4, ())


# -- parked ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_what_is_parked_is_told_at_rest_and_fetched_when_wanted(open_daemon: Open) -> None:
    async with open_web(trap()) as served:
        async with open_daemon() as jobs:
            job = await parked_job(jobs, served)
            [one] = await jobs.parked(job.id)
            assert (one.parked, one.reason, len(one.examples)) == (job.counts.parked, Reason.TRAP, 2)
            assert one.pattern.endswith("/t/#")
            assert one.fetched > one.news > 0
            assert (job.progress.done, job.progress.of) == (sum(job.counts.settled.values()),) * 2
            waiting = await jobs.explain(job.id, one.examples[0], is_offline=True)
            assert waiting.known
            assert (waiting.known.standing, waiting.known.pattern) == ("parked", one.pattern)
            assert (waiting.verdict, waiting.reason, waiting.trap) == ("exclude", Reason.TRAP, one)
        async with open_daemon() as jobs:  # nothing of it is in memory
            assert jobs.find(job.id).counts.parked == one.parked
            assert await jobs.parked(job.id) == [one]
            assert await jobs.unpark(job.id, ["http://nowhere.test/#"]) == 0
            await until(jobs, job.id, State.COMPLETED)
            assert await jobs.unpark(job.id, [one.pattern]) == one.parked
            done = await until(jobs, job.id, State.COMPLETED)
            assert (done.counts.parked, await jobs.parked(job.id)) == (0, [])
            assert done.counts.known == SIZE + 2


async def test_all_that_is_parked_is_fetched_when_no_pattern_is_named(open_daemon: Open) -> None:
    async with open_web(trap()) as served, open_daemon() as jobs:
        job = await parked_job(jobs, served)
        assert await jobs.unpark(job.id) == job.counts.parked
        done = await until(jobs, job.id, State.COMPLETED)
        assert (done.counts.parked, done.counts.known) == (0, SIZE + 2)


# -- seeds that are given again --------------------------------------------------------------------------------------


async def test_seeds_given_again_are_tried_again_if_they_failed_and_counted(open_daemon: Open) -> None:
    async with open_web(failing_web()) as served, open_daemon() as jobs:
        home, busy = served.url("a.test", "/"), served.url("a.test", "/busy")
        job = await submit(jobs, [home, busy, home], settings=ONCE)
        job = await until(jobs, job.id, State.COMPLETED)
        assert (job.seeds.given, job.seeds.queued, failed(job)) == (3, 2, 2)
        assert await jobs.plant(job.id, lines([home, busy])) == 2
        assert jobs.find(job.id).has_more
        await jobs.resume(job.id)
        job = await until(jobs, job.id, State.COMPLETED)
        assert (job.seeds.given, job.seeds.queued, failed(job), job.has_more) == (5, 3, 1, False)
        assert served.counts(robots=False)[home] == 1
        assert served.counts(robots=False)[busy] == 2


# -- wider settings --------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_wider_settings_go_on_after_the_end_and_while_it_runs(open_daemon: Open) -> None:
    web = Web([Site("a.test", {"/": html("0", ["/1"]), **{f"/{n}": slow(html(str(n), [f"/{n + 1}"]), 0.05)
                                                         for n in range(1, 9)}})])  # fmt: skip
    async with open_web(web) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"max_depth": 1})
        job = await until(jobs, job.id, State.COMPLETED)
        assert (job.pages, job.has_more) == (2, False)
        await jobs.change(job.id, {"max_depth": 3})
        assert jobs.find(job.id).has_more
        await jobs.resume(job.id)
        with anyio.fail_after(30):
            while jobs.find(job.id).pages < 3:
                await anyio.sleep(0.005)
        await jobs.change(job.id, {"max_depth": 6})
        job = await until(jobs, job.id, State.COMPLETED)
        if job.has_more:  # it was over before
            await jobs.resume(job.id)
            job = await until(jobs, job.id, State.COMPLETED)
        assert (job.pages, job.has_more) == (7, False)
        assert len(pages(jobs, job.id)) == 7, "what is read again has one record"
