"""What a new daemon makes of what the last one, or somebody else, left."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

import crawler
from crawler import Config, FolderError
from crawler.daemon import BadSettings, JobSpec, State, WrongState
from crawler.daemon.daemon import Sources
from crawler.daemon.jobs.store import Change, open_store
from crawler.errors import ConfigError
from crawler.folder.folder import lock_folder
from crawler.settings.loading import amend, chosen_settings
from crawler.standing import Counts
from crawler.testing import Site, Web, html, open_web, silent, slow

from ..conftest import BASE, Open, lines, pages, submit, until
from ..kills import ROOT

PAUSED = {"is_paused": True}


def slow_web(name: str = "a.test", pages: int = 30) -> Web:
    """A site that takes its time, so that something happens meanwhile."""
    rest = {f"/{n}": slow(html(str(n)), 0.02) for n in range(pages)}
    return Web([Site(name, {"/": html("Home", list(rest)), **rest})])


async def test_what_ran_runs_again_and_what_was_paused_stays_so(open_daemon: Open) -> None:
    async with open_web(slow_web()) as served:
        async with open_daemon() as jobs:
            running, paused = await submit(jobs, served.seeds), await submit(jobs, served.seeds, **PAUSED)
            await until(jobs, running.id, State.RUNNING)
            with anyio.fail_after(30):
                while served.counts(robots=False).total() < 8:
                    await anyio.sleep(0.005)
        async with open_daemon() as jobs:
            assert jobs.find(running.id).state is State.RUNNING
            assert jobs.find(paused.id).state is State.PAUSED
            await until(jobs, running.id, State.COMPLETED)
            assert len(pages(jobs, running.id)) == 31
            assert set(served.counts(robots=False).values()) == {1}
            told = [event.data["to"] for event in await jobs.history(running.id)]
            assert told == ["queued", "running", "completed"]


async def test_two_daemons_do_not_share_a_folder(open_daemon: Open) -> None:
    async with open_daemon():
        with pytest.raises(FolderError, match="in use by pid"):
            async with open_daemon():
                pass


async def test_a_folder_that_a_command_crawls_is_left_to_it(open_daemon: Open) -> None:
    async with open_web(slow_web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, **PAUSED)
        with lock_folder(jobs.folder(job.id)):
            await jobs.resume(job.id)
            failed = await until(jobs, job.id, State.FAILED)
            assert "is in use by pid" in failed.error
        await jobs.resume(job.id)
        assert (await until(jobs, job.id, State.COMPLETED)).error == ""


async def test_a_job_whose_folder_is_gone_fails_with_words(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        lost = await submit(jobs, ["https://a.test/"], **PAUSED)
        folder = jobs.folder(lost.id)
    shutil.rmtree(folder)
    async with open_daemon() as jobs:
        job = jobs.find(lost.id)
        assert (job.state, "is gone" in job.error) == (State.FAILED, True)
        await jobs.resume(lost.id)
        assert "is gone" in (await until(jobs, lost.id, State.FAILED)).error
        assert not folder.exists()
        with pytest.raises(WrongState, match="is gone"):
            await jobs.plant(lost.id, lines(["https://a.test/"]))
        await jobs.remove(lost.id)
        assert jobs.list() == []


async def test_a_crawl_folder_of_the_command_becomes_a_paused_job(open_daemon: Open, tmp_path: Path) -> None:
    async with open_web(slow_web()) as served:
        home = tmp_path / "data" / "crawls" / "mine.crawl"
        await crawler.crawl(served.seeds, BASE, folder=home, limit=5)
        (tmp_path / "data" / "crawls" / "no crawl at all").mkdir()
        async with open_daemon() as jobs:
            [job] = jobs.list()
            assert (job.name, job.state, job.pages) == ("mine.crawl", State.PAUSED, 5)
            await jobs.change(job.id, {"limit": None})
            await jobs.plant(job.id, lines(served.seeds))
            await jobs.resume(job.id)
            await until(jobs, job.id, State.COMPLETED)
            assert len(pages(jobs, job.id)) == 31
            assert set(served.counts(robots=False).values()) == {1}
        summary = await crawler.crawl([], folder=home)
        assert summary.pages == 0
        async with open_daemon() as jobs:
            assert [one.id for one in jobs.list()] == [job.id]


async def test_what_was_under_way_at_the_end_is_finished_or_undone(open_daemon: Open, tmp_path: Path) -> None:
    async with open_daemon() as jobs:
        kept, removed = [await submit(jobs, ["https://a.test/"], **PAUSED) for _ in range(2)]
        folders = [jobs.folder(job.id) for job in (kept, removed)]
    data = tmp_path / "data"
    folders[0].rename(data / "coming" / kept.id)  # acknowledged: the record was written
    folders[1].rename(data / "going" / removed.id)  # its removal had begun
    (data / "coming" / "j-never").mkdir()
    (data / "coming" / "j-x+j-y.txt").write_text("half a list")
    async with open_daemon() as jobs:
        assert [job.id for job in jobs.list()] == [kept.id]
        assert jobs.find(kept.id).state is State.PAUSED
        assert (jobs.folder(kept.id) / "seeds" / "0001.txt").read_text() == "https://a.test/\n"
    assert [path for name in ("coming", "going") for path in (data / name).iterdir()] == []


async def test_seeds_are_read_again_where_reading_was_cut_off(open_daemon: Open) -> None:
    """A kill between two batches: some seeds are in the frontier, and the file is not noted as read."""
    async with open_web(slow_web(pages=3)) as served:
        seeds = [served.url("a.test", f"/{n}") for n in range(3)]
        async with open_daemon() as jobs:
            job, _ = await jobs.submit(JobSpec(is_paused=True), lines(["bad one", *seeds]))
            folder = jobs.folder(job.id)
            (folder / "bad-seeds.txt").write_text("seeds/0001.txt:1: torn\nhalf a li")
            async with crawler.open_crawl(BASE, folder=folder) as crawl:
                await crawl.add(seeds[:2])
            await jobs.resume(job.id)
            done = await until(jobs, job.id, State.COMPLETED)
            assert sorted(pages(jobs, job.id)) == seeds
            assert done.seeds.bad == 1
            assert len((folder / "bad-seeds.txt").read_text().splitlines()) == 1


# -- a rule that became stricter ---------------------------------------------------------------------------------------

STRICTER = amend(
    Config(), {key: value for key, value in chosen_settings(BASE).items() if key != "fetch.allow_networks"}
)


async def test_what_a_job_chose_is_held_to_the_rule_of_today(open_daemon: Open) -> None:
    async with open_web(slow_web(pages=3)) as served:
        async with open_daemon() as jobs:
            chosen = {"fetch": {"allow_networks": ["127.0.0.0/8"]}}
            job = await submit(jobs, served.seeds, settings=chosen, **PAUSED)
        async with open_daemon(base=STRICTER) as jobs:
            await jobs.resume(job.id)
            failed = await until(jobs, job.id, State.FAILED)
            assert failed.error.startswith("fetch.allow_networks: 127.0.0.0/8 is not allowed by the daemon's own")
            with pytest.raises(BadSettings, match="allow_networks"):
                await jobs.explain(job.id, served.seeds[0])
            assert (await jobs.explain(job.id, served.seeds[0], is_offline=True)).scope
            assert not served.hits
            await jobs.change(job.id, {"fetch": {"allow_networks": []}})
            await jobs.resume(job.id)
            done = await until(jobs, job.id, State.COMPLETED)
            assert (done.pages, len(served.hits)) == (0, 0)


async def test_a_pattern_that_is_refused_by_now_fails_its_job_alone_until_it_is_changed(open_daemon: Open) -> None:
    async with open_web(slow_web(pages=3)) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds, settings={"scope": {"exclude": ["re:abcde"]}}, **PAUSED)
            store = jobs.folder(job.id).parents[1] / "daemon.sqlite"
        with sqlite3.connect(store) as database:
            database.execute("UPDATE job SET record = replace(record, 're:abcde', 're:(?!a)')")
        database.close()
        async with open_daemon() as jobs:
            await jobs.resume(job.id)
            failed = await until(jobs, job.id, State.FAILED)
            assert re.search(
                r"scope\.exclude: 're:\(\?!a\)' holds a lookahead, .*: change it, and resume", failed.error
            )
            await jobs.change(job.id, {"scope": {"exclude": []}})
            await jobs.resume(job.id)
            assert (await until(jobs, job.id, State.COMPLETED)).pages == 4


def test_a_daemon_whose_own_settings_hold_such_a_pattern_does_not_start() -> None:
    with pytest.raises(ConfigError, match=r"^scope\.exclude: 're:\(\?!a\)' holds a lookahead"):
        Sources(settings={"exclude": ["re:(?!a)"]}).load()


async def test_what_was_allowed_to_all_jobs_does_not_live_on_in_their_folders(open_daemon: Open) -> None:
    async with open_web(slow_web(pages=3)) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds, **PAUSED)
            assert "127.0.0.0/8" in (jobs.folder(job.id) / "crawl.toml").read_text()
        async with open_daemon(base=STRICTER) as jobs:
            await jobs.resume(job.id)
            done = await until(jobs, job.id, State.COMPLETED)
            assert (done.pages, len(served.hits)) == (0, 0)
            assert "127.0.0.0/8" not in (jobs.folder(job.id) / "crawl.toml").read_text()


# -- a job that ends the daemon ----------------------------------------------------------------------------------------

POISON = """
import os, sys, anyio
from pathlib import Path
from crawler.daemon import DaemonConfig, open_jobs
from tests.daemon.conftest import BASE

async def main():
    async with open_jobs(DaemonConfig(), Path(sys.argv[1]), BASE) as jobs:
        while not jobs.crawl(jobs.list()[0].id):
            await anyio.sleep(0.01)
        os.kill(os.getpid(), 9)

anyio.run(main)
"""


def mute_web(name: str) -> Web:
    return Web([Site(name, {"/": silent()})], [f"http://{name}/"])


async def leave_as_killed(data: Path, deaths: dict[str, int]) -> None:
    """As they stand when the daemon died so many times in a row while these jobs ran."""
    async with open_store(data / "daemon.sqlite") as (store, remembered):
        records = [replace(one, state=State.RUNNING, unended=deaths[one.id], counts=Counts())
                   for one in remembered.records if one.id in deaths]  # fmt: skip
        await store.write(Change(records))


@pytest.mark.long
@pytest.mark.slow
async def test_a_job_that_ends_the_daemon_again_and_again_is_paused(open_daemon: Open, tmp_path: Path) -> None:
    async with open_web(mute_web("a.test")) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds)
            await until(jobs, job.id, State.RUNNING)
        for _ in range(3):
            command = [sys.executable, "-c", POISON, str(tmp_path / "data")]
            assert (await anyio.run_process(command, cwd=ROOT, check=False)).returncode == -signal.SIGKILL
        async with open_daemon(grace_s=0) as jobs:
            paused = jobs.find(job.id)
            assert paused.state is State.PAUSED
            assert paused.error.startswith("the daemon died 3 times in a row while this job ran")
            assert (await jobs.history(job.id))[-1].data["to"] == "paused"
            await jobs.resume(job.id)
            assert (await until(jobs, job.id, State.RUNNING)).error == ""


async def test_of_several_jobs_the_one_that_ends_the_daemon_is_found_out(open_daemon: Open, tmp_path: Path) -> None:
    async with open_web(slow_web()) as well, open_web(mute_web("b.test")) as mute:
        async with open_daemon() as jobs:
            good, bad, other = [(await submit(jobs, web.seeds, **PAUSED)).id for web in (well, mute, mute)]
        await leave_as_killed(tmp_path / "data", {good: 2, bad: 2, other: 2})
        async with open_daemon(grace_s=0) as jobs:
            await until(jobs, good, State.RUNNING)
            assert {jobs.find(job).state for job in (bad, other)} == {State.QUEUED}, "one at a time"
            await until(jobs, bad, State.RUNNING)  # for the first one brought something
            assert jobs.find(other).state is State.QUEUED
        await leave_as_killed(tmp_path / "data", {good: 1, bad: 3})
        async with open_daemon(grace_s=0) as jobs:
            assert jobs.find(bad).state is State.PAUSED
            await until(jobs, other, State.RUNNING)
            await until(jobs, good, State.COMPLETED)


async def test_a_job_that_brought_something_each_time_is_not_to_blame(open_daemon: Open, tmp_path: Path) -> None:
    async with open_web(slow_web(pages=3)) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds)
            await until(jobs, job.id, State.COMPLETED)
        await leave_as_killed(tmp_path / "data", {job.id: 3})
        async with open_daemon() as jobs:
            assert (await until(jobs, job.id, State.COMPLETED)).pages == 4


async def test_a_daemon_that_was_stopped_is_no_crash(open_daemon: Open) -> None:
    async with open_web(mute_web("a.test")) as served:
        async with open_daemon(grace_s=0) as jobs:
            job = await submit(jobs, served.seeds)
            await until(jobs, job.id, State.RUNNING)
        for _ in range(4):
            async with open_daemon(grace_s=0) as jobs:
                await until(jobs, job.id, State.RUNNING)
