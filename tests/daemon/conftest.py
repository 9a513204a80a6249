"""A daemon's jobs in a folder of their own, over a fake web on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from crawler import Config
from crawler.daemon import DaemonConfig, Job, Jobs, JobSpec, State, open_jobs
from crawler.settings.loading import amend

BASE = amend(
    Config(),
    {
        "delay_s": 0.0,
        "per_site": 4,
        "retry_delay_s": 0.02,
        "allow_networks": ["127.0.0.0/8"],
        "executor": "inline",
        "reach": "any",
    },
)

Open = Callable[..., AbstractAsyncContextManager[Jobs]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_browser() -> AsyncIterator[None]:
    """One browser for all tests of this process that use one."""
    from .browser import share_browser

    async with share_browser():
        yield


@pytest.fixture
def open_daemon(tmp_path: Path) -> Open:
    """Opens the jobs of the test's daemon, with settings of the daemon by name; `base` is what jobs begin with."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Jobs]:
        now = settings.pop("now", None)
        base = settings.pop("base", BASE)
        more = {"now": now} if now else {}
        return open_jobs(DaemonConfig(**{"grace_s": 5, **settings}), tmp_path / "data", base, **more)

    return opened


async def lines(seeds: Iterable[str], batch: int = 100) -> AsyncIterator[Sequence[str]]:
    """Seeds as an upload brings them."""
    texts = list(seeds)
    for first in range(0, len(texts), batch):
        yield texts[first : first + batch]


async def submit(jobs: Jobs, seeds: Iterable[str], **spec: Any) -> Job:
    job, is_new = await jobs.submit(JobSpec(**spec), lines(seeds))
    assert is_new
    return job


async def until(jobs: Jobs, job: str, *states: State) -> Job:
    """The job, once it is in one of these states and nothing of it is under way any more."""
    with anyio.fail_after(60), jobs.listen(job) as heard:
        if jobs.find(job).state not in states:
            async for _ in heard:
                if jobs.find(job).state in states:
                    break
        return jobs.find(job)


def pages(jobs: Jobs, job: str) -> list[str]:
    """The URLs of the job's records."""
    path = jobs.folder(job) / "pages.jsonl"
    return [json.loads(line)["url"] for line in path.read_text().splitlines()] if path.exists() else []
