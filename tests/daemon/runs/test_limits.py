"""Limits of time and size hold for a job, however often it is paused, and anew once it is resumed after its end."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from crawler.daemon import Jobs, State
from crawler.testing import Site, Web, html, open_web, slow

from ..conftest import Open, submit, until

SIZE = 20
WEB = Web([
    Site("a.test", {"/": html("Home", [f"/{n}" for n in range(SIZE)])}
         | {f"/{n}": slow(html(str(n), size_bytes=10_000), 0.01) for n in range(SIZE)}),
])  # fmt: skip


async def at_rest(jobs: Jobs, job: str) -> None:
    await jobs.pause(job)
    await jobs._scheduler.wait_until_idle(job)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "spent", "ending"),
    [
        ({"time_limit_s": 3600}, {"spent_s": 3600.0}, "time-limit"),
        ({"size_limit_bytes": 1_000_000}, {"spent_bytes": 999_999}, "size-limit"),
    ],
)
async def test_what_earlier_runs_took_counts_until_the_job_has_ended(
    open_daemon: Open, limit: dict[str, object], spent: dict[str, Any], ending: str
) -> None:
    async with open_web(WEB) as served, open_daemon() as jobs:
        job = await submit(jobs, [served.url("a.test", "/")], settings={**limit, "delay_s": 0.2}, is_paused=True)
        await jobs._registry.amend(job.id, **spent)
        await jobs.resume(job.id)
        cut = await until(jobs, job.id, State.COMPLETED)
        assert cut.ended == ending
        assert cut.pages <= SIZE
        await jobs.change(job.id, {"delay_s": 0})
        await jobs.resume(job.id)  # the same command continues: with the whole limit again
        whole = await until(jobs, job.id, State.COMPLETED)
        assert (whole.ended, whole.pages) == ("exhausted", SIZE + 1)


async def test_a_run_that_is_paused_keeps_what_it_took(open_daemon: Open) -> None:
    async with open_web(WEB) as served, open_daemon() as jobs:
        job = await submit(jobs, [served.url("a.test", "/")], settings={"delay_s": 0.2, "time_limit_s": 3600})
        taken = [0.0]
        for _ in range(2):
            with anyio.fail_after(30):
                pages = jobs.find(job.id).pages
                while jobs.find(job.id).pages == pages:
                    await anyio.sleep(0.01)
                    jobs._scheduler.observe()
            await at_rest(jobs, job.id)
            record = jobs._registry.record(job.id)
            assert taken[-1] < record.spent_s < 60
            assert record.spent_bytes == record.bytes > 0
            taken.append(record.spent_s)
            await jobs.resume(job.id)
        await jobs.cancel(job.id)
        await jobs._scheduler.wait_until_idle(job.id)
        assert jobs._registry.record(job.id).spent_s == 0
