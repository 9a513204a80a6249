"""A crawl, its shared parts and a daemon's jobs end with the block that opened them, and say so to late callers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import ClosedError, Crawl
from crawler.daemon import DaemonConfig, Jobs, JobSpec, Template, open_jobs
from crawler.daemon.schedules.schedule import Schedule
from crawler.testing import Site, Web, html, open_web, slow
from tests.list_sink import ListSink

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}
HERE = "https://example.org/"

CALLS: dict[str, Callable[[Crawl], object]] = {
    "add": lambda crawl: crawl.add([HERE]),
    "run": lambda crawl: crawl.run(),
    "reconsider": lambda crawl: crawl.reconsider(),
    "change": lambda crawl: crawl.change(delay_s=1.0),
    "pause": lambda crawl: crawl.pause(),
    "resume": lambda crawl: crawl.resume(),
    "hold": lambda crawl: crawl.hold(HERE),
    "let_go": lambda crawl: crawl.let_go(HERE),
    "fetch": lambda crawl: crawl.fetch(HERE),
    "decode": lambda crawl: crawl.decode(crawler.Response(crawler.Url(HERE), 200, ())),
    "sites": lambda crawl: crawl.sites(1),
    "ask": lambda crawl: crawl.ask(lambda opened: opened.queued()),
    "cookies": lambda crawl: crawl.cookies,
    "explain": lambda crawl: crawl.explain(HERE, is_offline=True),
}
STILL = {"stop", "abort", "close", "snapshot", "held", "weight", "id", "archives"}
"""What can be asked of a closed crawl: nothing of it needs what was closed."""


async def refusal(call: Callable[[], object]) -> str:
    """The words with which a call is refused."""
    try:
        result = call()
        if inspect.isawaitable(result):
            await result
    except ClosedError as error:
        return str(error)
    return ""


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


async def test_a_closed_crawl_refuses_every_call_that_needs_it_open(tmp_path: Path) -> None:
    assert public(Crawl) == CALLS.keys() | STILL
    async with crawler.open_crawl(folder=tmp_path / "crawl", **QUICK) as crawl:
        pass
    for name, call in CALLS.items():
        assert "this crawl is closed" in await refusal(lambda call=call: call(crawl)), name  # type: ignore[misc]
    with pytest.raises(ClosedError):
        crawl.weight = 2.0


async def test_a_closed_crawl_still_tells_the_figures_of_its_last_run_and_lets_itself_be_stopped() -> None:
    async with open_web(Web([Site("a.test", {"/": html("A", ["/b"]), "/b": html("B")})])) as served:
        async with crawler.open_crawl(**QUICK) as crawl:
            await crawl.run(served.seeds)
        assert (crawl.snapshot().pages, crawl.snapshot().counts.known, crawl.weight) == (2, 2, 1.0)
        crawl.stop()
        crawl.abort()


async def test_a_run_that_outlives_its_block_is_dropped_and_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    pages = {f"/{n}": slow(html(str(n)), 0.05) for n in range(20)}
    async with open_web(Web([Site("a.test", {"/": html("A", list(pages)), **pages})])) as served:
        async with crawler.open_crawl(folder=folder, **QUICK) as crawl:
            running = asyncio.ensure_future(crawl.run(served.seeds))
            while crawl.snapshot().pages < 2:
                await anyio.sleep(0.001)
        assert running.done()
        assert (await running).ended is crawler.Ending.ABORTED
        async with crawler.open_crawl(folder=folder, **QUICK) as crawl:
            await crawl.run()
            assert crawl.snapshot().counts.settled == {crawler.Disposition.FETCHED: 21}


async def test_closed_shared_parts_take_no_more_crawls() -> None:
    async with crawler.open_shared(executor="inline") as shared:
        pass
    for opening in (
        crawler.open_crawl(shared=shared, **QUICK),
        crawler.stream([HERE], shared=shared, **QUICK),
    ):
        with pytest.raises(ClosedError, match="shared parts are closed"):
            async with opening:
                pass
    with pytest.raises(ClosedError, match="shared parts are closed"):
        await crawler.crawl([HERE], shared=shared, **QUICK)


async def test_a_crawl_and_a_stream_share_workers_and_turns_with_others() -> None:
    pages = {f"/{n}": html(str(n)) for n in range(5)}
    async with open_web(Web([Site("a.test", {"/": html("A", list(pages)), **pages})])) as served:
        async with crawler.open_shared(executor="inline", allow_networks=["127.0.0.0/8"]) as shared:
            sink, streamed = ListSink(), []

            async def read() -> None:
                async with crawler.stream(served.seeds, shared=shared, weight=2.0, **QUICK) as outcomes:
                    streamed.extend([outcome async for outcome in outcomes])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
                await crawler.crawl(served.seeds, shared=shared, weight=0.5, sinks=[sink], **QUICK)
            with pytest.raises(crawler.ConfigError, match="weight"):
                await crawler.crawl(served.seeds, shared=shared, weight=0, **QUICK)
        assert served.worst_concurrency("a.test") == 1
    assert len(sink.got) == len(streamed) == 6


async def lines() -> AsyncIterator[Sequence[str]]:
    yield [HERE]


def calls_of(job: str) -> dict[str, Callable[[Jobs], object]]:
    """A call of each public method of a daemon's jobs that needs them open."""
    return {
        "submit": lambda jobs: jobs.submit(JobSpec(), lines()),
        "plant": lambda jobs: jobs.plant(job, lines()),
        "list": lambda jobs: jobs.list(),
        "numbers": lambda jobs: jobs.numbers(),
        "change": lambda jobs: jobs.change(job, {"delay_s": 1.0}),
        "hold": lambda jobs: jobs.hold(job, HERE),
        "let_go": lambda jobs: jobs.let_go(job, HERE),
        "history": lambda jobs: jobs.history(job),
        "events": lambda jobs: jobs.events(0),
        "note": lambda jobs: jobs.note(None, {}),
        "webhook": lambda jobs: jobs.webhook(job),
        "templates": lambda jobs: jobs.templates,
        "put_template": lambda jobs: jobs.put_template(Template("one")),
        "remove_template": lambda jobs: jobs.remove_template("one"),
        "explain": lambda jobs: jobs.explain(job, HERE, is_offline=True),
        **{
            name: lambda jobs, name=name: getattr(jobs, name)(job)  # type: ignore[misc]
            for name in (
                "retry", "unpark", "find", "snapshot", "stats", "folder", "outputs", "settings", "origins", "sites",
                "parked", "run_again", "pause", "resume", "cancel", "remove", "template",
            )
        },
    }  # fmt: skip


OPEN_OR_NOT = {
    "config", "base", "rule", "adopt", "keep_clear", "hurry", "is_open", "crawl", "running", "listen", "last_event",
    "webhooks",
}  # fmt: skip
"""They ask nothing of what is closed: settings in memory, and what runs, which is nothing."""


async def test_closed_jobs_refuse_every_call_that_needs_them_open(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        base = crawler.Config.model_validate({"offload": {"executor": "inline"}})
        jobs = await stack.enter_async_context(open_jobs(DaemonConfig(), tmp_path / "data", base))
        job, _ = await jobs.submit(JobSpec(is_paused=True), lines())
    calls = calls_of(job.id)
    assert public(Jobs) == calls.keys() | OPEN_OR_NOT
    for name, call in calls.items():
        assert "these jobs are closed" in await refusal(lambda call=call: call(jobs)), name  # type: ignore[misc]
    with pytest.raises(ClosedError):
        await jobs.schedules.add(Schedule("", "5 4 * * *", (HERE,)))
    assert (jobs.is_open, list(jobs.running())) == (False, [])
