"""A webhook hears after each run what its visits found, with the cursors between which it stands in the feed."""

from __future__ import annotations

from typing import Any

from crawler.daemon import State
from crawler.testing import Site, Web, html, open_web

from ..conftest import Open, submit, until
from ..http.test_changes import news
from .test_webhooks import Target, open_target

NEWS = {"/": html("Home", ["/news"]), "/news": news()}


def told(target: Target) -> list[dict[str, Any]]:
    return [event["data"] for event in target.events if event["kind"] == "note"]


async def test_changes_are_told_after_each_run_and_none_where_nothing_changed(open_daemon: Open) -> None:
    async with open_target() as target, open_web(Web([Site("a.test", NEWS)])) as served, open_daemon() as jobs:
        settings = {"politeness.revisit_after_s": 0.0}
        job = await submit(jobs, served.seeds, webhook=target.url, settings=settings)
        await until(jobs, job.id, State.COMPLETED)
        await target.until(lambda: len(told(target)) == 1)
        await jobs.resume(job.id)
        await until(jobs, job.id, State.COMPLETED)
        await target.until(lambda: len(told(target)) == 2)
        changes = await jobs.changes.read(job.id, told(target)[1]["since"], 10)
        once = await submit(jobs, served.seeds, webhook=target.url)
        await until(jobs, once.id, State.COMPLETED)
        await target.until(lambda: len(target.states(once.id)) == 3)
    first, second = told(target)
    assert first == {"changes": {"new": 2}, "since": "", "cursor": second["since"]}
    assert second["changes"] == {"changed": 1}
    assert [(one.kind, one.cursor) for one in changes] == [("changed", second["cursor"])]
