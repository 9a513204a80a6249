"""A job that runs is changed, its sites are held, and it explains itself."""

from __future__ import annotations

import anyio
import pytest

from crawler import UrlError
from crawler.daemon import BadSettings, Jobs, State
from crawler.testing import Served, Site, Web, html, open_web, slow

from ..conftest import Open, lines, pages, submit, until

PAUSED = {"is_paused": True}


def web(*names: str, size: int = 20) -> Web:
    """Sites that take their time."""
    rest = {f"/{n}": slow(html(str(n)), 0.02) for n in range(size)}
    seeds = [f"http://{name}/" for name in names]
    return Web([Site(name, {"/": html("Home", list(rest)), **rest}) for name in names], seeds)


async def asked(served: Served, times: int) -> None:
    with anyio.fail_after(30):
        while served.counts(robots=False).total() < times:
            await anyio.sleep(0.002)


@pytest.mark.slow
async def test_a_change_holds_at_once_and_is_kept(open_daemon: Open) -> None:
    async with open_web(web("a.test")) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"delay_s": 0.3, "per_site": 1})
        await asked(served, 1)
        changed = await jobs.change(job.id, {"politeness": {"delay_s": 0, "per_site": 4}, "limit": 7}, priority=4)
        assert set(changed.applied) == {"politeness.delay_s", "politeness.per_site", "scope.limit", "priority"}
        assert changed.needs_restart == ()
        done = await until(jobs, job.id, State.COMPLETED)
        assert (done.pages, done.ended, done.priority) == (7, "page-limit", 4)
        assert "limit = 7" in (jobs.folder(job.id) / "crawl.toml").read_text()


async def test_settings_of_single_sites_hold_at_once_and_are_shown(open_daemon: Open) -> None:
    async with open_web(web("a.test", size=12)) as served, open_daemon() as jobs:
        site = served.seeds[0].rstrip("/")
        job = await submit(jobs, served.seeds, settings={"sites": {site: {"delay_s": 3600}}, "robots": "ignore"})
        await asked(served, 1)
        changed = await jobs.change(job.id, {"sites": {site: {"per_site": 3, "headers": {"X-Team": "red"}}, "*": {}}})
        assert (changed.applied, changed.needs_restart) == (("sites",), ())
        await jobs.pause(job.id)
        (seen,) = await jobs.sites(job.id)
        assert (seen.rules, seen.per_site, seen.delay_s, seen.proxy) == ((site, "*"), 3, 0.0, "")
        told = await jobs.explain(job.id, f"{site}/3", is_offline=True)
        assert told.rules == (site, "*")


@pytest.mark.slow
async def test_what_cannot_be_changed_live_holds_after_pause_and_resume(open_daemon: Open) -> None:
    async with open_web(web("a.test", size=100)) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds)
        await asked(served, 2)
        changed = await jobs.change(job.id, {"user_agent": "other/2.0", "limit": 90})
        assert (changed.applied, changed.needs_restart) == (("scope.limit",), ("user_agent",))
        await jobs.pause(job.id)
        await jobs.resume(job.id)
        await until(jobs, job.id, State.COMPLETED)
        assert served.hits[-1].headers["user-agent"].startswith("other/2.0")


@pytest.mark.parametrize("settings", [{"delay_s": -1}, {"sinks": [{"path": "other.jsonl"}]}, {"proxy": "http://a:1"}])
async def test_a_change_that_cannot_be_changes_nothing(open_daemon: Open, settings: dict[str, object]) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, ["https://a.test/"], settings={"limit": 3}, **PAUSED)
        with pytest.raises(BadSettings):
            await jobs.change(job.id, {"limit": 4} | settings)
        assert jobs.find(job.id).settings == {"scope": {"limit": 3}}
        assert len(await jobs.history(job.id)) == 1


async def test_a_job_that_rests_for_days_holds_its_site_against_no_other(open_daemon: Open) -> None:
    async with open_web(web("a.test", size=5)) as served, open_daemon() as jobs:
        calm = await submit(jobs, served.seeds, settings={"delay_s": 1e6, "retry_delay_s": 1e6, "max_delay_s": 1e6})
        with anyio.fail_after(30):
            while not served.hits:
                await anyio.sleep(0.002)
        while_it_runs = await submit(jobs, served.seeds, settings={"per_site": 1})
        assert (await until(jobs, while_it_runs.id, State.COMPLETED)).pages == 6
        await jobs.cancel(calm.id)
        after = await submit(jobs, served.seeds, settings={"per_site": 1})
        assert (await until(jobs, after.id, State.COMPLETED)).pages == 6


async def test_a_held_site_waits_until_it_is_let_go(open_daemon: Open) -> None:
    async with open_web(web("a.test", "b.test")) as served:
        held, free = served.url("a.test", "/"), served.url("b.test", "/")
        async with open_daemon() as jobs:
            job = await submit(jobs, [held, free], **PAUSED)
            await jobs.hold(job.id, held)
            await jobs.hold(job.id, held)
            await jobs.resume(job.id)
            await asked(served, 21)
        async with open_daemon() as jobs:
            with anyio.fail_after(30):
                while free in {view.site for view in await jobs.sites(job.id)} or not jobs.find(job.id).counts.queued:
                    await anyio.sleep(0.005)
            [view] = await jobs.sites(job.id)
            assert (view.site, view.is_held) == (held.rstrip("/"), True)
            assert served.of("a.test") == []
            await jobs.let_go(job.id, held)
            await until(jobs, job.id, State.COMPLETED)
            assert len(pages(jobs, job.id)) == 42
            assert len([event for event in await jobs.history(job.id) if event.kind == "change"]) == 2
            with pytest.raises(UrlError):
                await jobs.hold(job.id, "no site at all")


async def test_a_job_explains_itself_running_and_at_rest(open_daemon: Open) -> None:
    async with open_web(web("a.test")) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"exclude": ["*/13"]})
        await asked(served, 3)
        await explained(jobs, job.id, served.seeds[0])
        await until(jobs, job.id, State.COMPLETED)
        await explained(jobs, job.id, served.seeds[0])
        with pytest.raises(UrlError):
            await jobs.explain(job.id, "no URL at all")


async def explained(jobs: Jobs, job: str, url: str) -> None:
    home = await jobs.explain(job, url, is_offline=True)
    assert home.known is not None
    assert home.known.depth == 0
    excluded = await jobs.explain(job, f"{url}13", is_offline=True)
    assert excluded.reason == "out-of-scope"


async def test_seeds_that_come_while_a_job_runs_are_visited_in_the_same_run(open_daemon: Open) -> None:
    async with open_web(web("a.test", "b.test")) as served, open_daemon() as jobs:
        job = await submit(jobs, [served.url("a.test", "/")])
        await asked(served, 2)
        assert await jobs.plant(job.id, lines([served.url("b.test", "/"), served.url("a.test", "/")])) == 2
        done = await until(jobs, job.id, State.COMPLETED)
        while done.seeds.is_reading:  # it had come to its end before they were there
            await jobs.resume(job.id)
            done = await until(jobs, job.id, State.COMPLETED)
        assert sorted(pages(jobs, job.id)) == sorted(served.web.reachable())
        assert set(served.counts(robots=False).values()) == {1}
