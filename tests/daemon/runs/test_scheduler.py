"""Which job runs when, and that what becomes of one touches no other."""

from __future__ import annotations

import anyio
import psutil
import pytest

from crawler import Ending
from crawler.daemon import BadJob, Jobs, JobSpec, NoSuchJob, State, WrongState
from crawler.daemon.jobs.retention import sweep
from crawler.testing import Served, Site, Web, html, open_web, silent, slow

from ..conftest import Open, lines, pages, submit, until

PAUSED = {"is_paused": True}


def slow_site(name: str, pages: int = 20, seconds: float = 0.02) -> Site:
    """A site that takes its time, so that something happens meanwhile."""
    rest = {f"/{n}": slow(html(str(n)), seconds) for n in range(pages)}
    return Site(name, {"/": html("Home", list(rest)), **rest})


async def asked(served: Served, times: int) -> None:
    with anyio.fail_after(30):
        while served.counts(robots=False).total() < times:
            await anyio.sleep(0.002)


async def test_the_most_urgent_job_gets_the_next_place_and_then_the_oldest(open_daemon: Open) -> None:
    web = Web([Site("a.test", {"/": html("A")}), Site("b.test", {"/": silent()})])
    async with open_web(web) as served, open_daemon(max_running=1) as jobs:
        first = await submit(jobs, [served.url("b.test", "/")])
        await until(jobs, first.id, State.RUNNING)
        made = [await submit(jobs, served.seeds, priority=priority) for priority in (0, 5, 0, 9, -3)]
        assert len(jobs.list(State.QUEUED)) == 5
        started: list[str | None] = []
        with jobs.listen() as heard, anyio.fail_after(60):
            await jobs.cancel(first.id)
            over = 0
            async for batch in heard:
                started += [event.job for event in batch if event.data.get("to") == "running"]
                over += sum(event.data.get("to") == "completed" for event in batch)
                assert len(jobs.list(State.RUNNING)) <= 1
                if over == len(made):
                    break
        assert started == [made[n].id for n in (3, 1, 0, 2, 4)]


@pytest.mark.slow
async def test_a_paused_job_leaves_its_place_to_another_and_goes_on_later(open_daemon: Open) -> None:
    web = Web([slow_site("a.test", 99), slow_site("b.test")])
    async with open_web(web) as served, open_daemon(max_running=1) as jobs:
        first = await submit(jobs, [served.url("a.test", "/")])
        second = await submit(jobs, [served.url("b.test", "/")])
        await asked(served, 3)
        assert [jobs.find(job.id).state for job in (first, second)] == [State.RUNNING, State.QUEUED]
        assert (await jobs.pause(first.id)).state is State.PAUSED
        assert (await jobs.pause(first.id)).state is State.PAUSED
        await until(jobs, second.id, State.COMPLETED)
        await jobs.resume(first.id)
        assert (await until(jobs, first.id, State.COMPLETED)).pages == 100
        assert set(served.counts(robots=False).values()) == {1}
        assert len(pages(jobs, first.id)) == 100


@pytest.mark.slow
async def test_paused_and_resumed_in_one_breath_it_goes_on(open_daemon: Open) -> None:
    async with open_web(Web([slow_site("a.test", 99, 0.05)])) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds)
        for times in range(1, 5):
            await asked(served, times)
            await jobs.pause(job.id)
            await jobs.resume(job.id)
        assert (await until(jobs, job.id, State.COMPLETED)).pages == 100
        assert len(pages(jobs, job.id)) == 100


async def test_a_cancelled_job_ends_at_once_and_keeps_what_it_has(open_daemon: Open) -> None:
    web = Web([Site("a.test", {"/": html("A", ["/never"]), "/never": silent()})])
    async with open_web(web) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds)
        await asked(served, 2)
        assert (await jobs.cancel(job.id)).state is State.CANCELLED
        with pytest.raises(WrongState, match="resume it first"):
            await jobs.pause(job.id)
        await jobs.remove(job.id)
        assert jobs.list() == []
        with pytest.raises(NoSuchJob):
            jobs.find(job.id)


async def test_a_removed_job_leaves_no_file(open_daemon: Open) -> None:
    async with open_web(Web([slow_site("a.test")])) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds)
        await asked(served, 3)
        folder = jobs.folder(job.id)
        assert folder.is_dir()
        await jobs.remove(job.id)
        assert not folder.exists()
        assert list((jobs.data / "going").iterdir()) == []
        for call in (jobs.remove, jobs.pause, jobs.resume, jobs.cancel):
            with pytest.raises(NoSuchJob, match=job.id):
                await call(job.id)


@pytest.mark.slow
async def test_a_job_that_fails_touches_no_other(open_daemon: Open) -> None:
    web = Web([slow_site("a.test", 99), slow_site("b.test")])
    async with open_web(web) as served, open_daemon() as jobs:
        broken = await submit(jobs, [served.url("a.test", "/")])
        healthy = await submit(jobs, [served.url("b.test", "/")])
        await asked(served, 6)
        with (jobs.folder(broken.id) / "pages.jsonl").open("a") as file:
            file.write("somebody else writes here\n")
        failed = await until(jobs, broken.id, State.FAILED)
        assert "was changed by another program" in failed.error
        assert (await until(jobs, healthy.id, State.COMPLETED)).pages == 21
        await jobs.resume(broken.id)
        assert (await until(jobs, broken.id, State.COMPLETED)).error == ""
        assert len(set(pages(jobs, broken.id))) == 100


async def test_a_limit_ends_a_job_and_a_larger_one_lets_it_go_on(open_daemon: Open) -> None:
    async with open_web(Web([slow_site("a.test")])) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"limit": 4})
        job = await until(jobs, job.id, State.COMPLETED)
        assert (job.ended, job.pages) == (Ending.PAGE_LIMIT, 4)
        assert (await jobs.change(job.id, {"scope": {"limit": 9}})).applied == ("scope.limit",)
        await jobs.resume(job.id)
        await until(jobs, job.id, State.RUNNING, State.COMPLETED)
        assert (await until(jobs, job.id, State.COMPLETED)).pages == 9
        [changed] = [event for event in await jobs.history(job.id) if event.kind == "change"]
        assert changed.data == {"who": "api", "changes": [{"key": "scope.limit", "from": 4, "to": 9}]}


async def test_a_job_can_be_called_otherwise(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, ["https://a.test/"], labels={"a": "1"}, **PAUSED)
        assert job.name == "a.test"
        changed = await jobs.change(job.id, {}, name="mine", labels={"b": "2"}, priority=0)
        assert changed.applied == ("name", "labels")
        with pytest.raises(BadJob):
            await jobs.change(job.id, {}, name="two\nlines")
    async with open_daemon() as jobs:
        job = jobs.find(job.id)
        assert (job.name, job.labels, job.priority) == ("mine", {"b": "2"}, 0)


async def test_jobs_are_listed_the_newest_first_page_by_page(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        made = [(await submit(jobs, ["https://a.test/"], **PAUSED)).id for _ in range(5)]
        await jobs.cancel(made[2])
        assert made == sorted(made)
        assert [job.id for job in jobs.list(limit=2)] == made[:2:-1]
        assert [job.id for job in jobs.list(after=made[3], limit=2)] == [made[2], made[1]]
        assert [job.id for job in jobs.list(State.CANCELLED)] == [made[2]]
        assert jobs.numbers()[State.PAUSED] == 4


async def test_jobs_that_are_over_for_long_enough_are_removed(open_daemon: Open) -> None:
    clock = [1000.0]
    async with open_daemon(retention_s=0.5, now=lambda: clock[0]) as jobs:
        old, young, paused = [await submit(jobs, ["https://a.test/"], **PAUSED) for _ in range(3)]
        await jobs.cancel(old.id)
        clock[0] += 0.4
        await jobs.cancel(young.id)
        clock[0] += 0.2
        folder = jobs.folder(old.id)
        with jobs.listen(old.id) as heard, anyio.fail_after(30):
            async for batch in heard:
                if batch[-1].data.get("to") == "removed":
                    break
        assert {job.id for job in jobs.list()} == {young.id, paused.id}
        with anyio.fail_after(30):
            while folder.exists() or list((jobs.data / "going").iterdir()):
                await anyio.sleep(0.01)


async def test_a_job_is_removed_at_its_time_and_not_while_its_run_comes_to_rest(open_daemon: Open) -> None:
    clock = [1000.0]
    async with open_daemon(now=lambda: clock[0]) as jobs:
        over, resting, paused = [await submit(jobs, ["https://a.test/"], **PAUSED) for _ in range(3)]
        for job in (over, resting):
            await jobs.cancel(job.id)
        clock[0] += 10.0
        for after_s, removed in ((10.5, 0), (10.0, 1)):
            assert await sweep(jobs._reception, {resting.id}, after_s) == removed
        assert {job.id for job in jobs.list()} == {resting.id, paused.id}
        assert await sweep(jobs._reception, (), 10.0) == 1
        assert [job.id for job in jobs.list()] == [paused.id]


@pytest.mark.slow
async def test_many_short_jobs_leave_nothing_behind(open_daemon: Open) -> None:
    """A bounded form of a long life: memory is measured in benchmarks, here files, tasks and folders are counted."""
    from asyncio import all_tasks

    web = Web([Site("a.test", {"/": html("A", ["/1"]), "/1": html("1")})])
    async with open_web(web) as served, open_daemon() as jobs:
        await lived_through(jobs, served.seeds, 5)
        files, tasks = psutil.Process().num_fds(), len(all_tasks())
        await lived_through(jobs, served.seeds, 20)
        assert psutil.Process().num_fds() <= files + 5
        assert len(all_tasks()) <= tasks + 2
        assert list((jobs.data / "crawls").iterdir()) == []
        assert len(await jobs.events(0)) == 25


async def lived_through(jobs: Jobs, seeds: list[str], times: int) -> None:
    async def live(_: int) -> None:
        job, _is_new = await jobs.submit(JobSpec(), lines(seeds))
        await until(jobs, job.id, State.COMPLETED)
        await jobs.remove(job.id)

    for first in range(0, times, 10):
        async with anyio.create_task_group() as tasks:
            for number in range(first, min(times, first + 10)):
                tasks.start_soon(live, number)
