"""The life of jobs, from being asked for to being removed."""

from __future__ import annotations

from crawler import Ending
from crawler.daemon import State
from crawler.testing import Site, Web, html, link_graph, open_web, slow

from .conftest import Open, pages, submit, until


def slow_web(pages: int = 30, seconds: float = 0.05) -> Web:
    """A site that takes its time, so that something happens meanwhile."""
    rest = {f"/{n}": slow(html(str(n)), seconds) for n in range(pages)}
    return Web([Site("a.test", {"/": html("Home", list(rest)), **rest})])


async def test_a_job_runs_to_its_end(open_daemon: Open) -> None:
    async with open_web(link_graph(seed=3, sites=3, pages_per_site=10, links_per_page=5)) as served:
        async with open_daemon() as jobs:
            job = await submit(jobs, served.seeds, name="all of it", labels={"for": "test"})
            assert (job.name, job.labels, job.seeds.given) == ("all of it", {"for": "test"}, len(served.seeds))
            job = await until(jobs, job.id, State.COMPLETED)
            assert job.ended is Ending.EXHAUSTED
            assert job.created_at <= (job.started_at or 0) <= (job.ended_at or 0)
            assert not job.seeds.is_reading
            urls = pages(jobs, job.id)
            assert job.pages <= len(urls) == len(set(urls))
            assert set(urls) == served.web.reachable()
            told = [event.data["to"] for event in await jobs.history(job.id)]
            assert told == ["queued", "running", "completed"]


async def test_a_paused_job_goes_on_where_it_stood(open_daemon: Open) -> None:
    async with open_web(slow_web()) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds)
        await until(jobs, job.id, State.RUNNING)
        while served.counts(robots=False).total() < 5:
            await served_one_more(served)
        assert (await jobs.pause(job.id)).state is State.PAUSED
        assert (await jobs.pause(job.id)).state is State.PAUSED
        await jobs.resume(job.id)
        assert (await until(jobs, job.id, State.COMPLETED)).pages == 31
        assert set(served.counts(robots=False).values()) == {1}
        assert len(pages(jobs, job.id)) == 31


async def served_one_more(served: object) -> None:
    import anyio

    await anyio.sleep(0.005)
