"""A long life of a daemon in short: thousands of small jobs and a large upload; what is left in memory, files, tasks.

python -m benchmarks.daemon_life [jobs] [seeds]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from asyncio import all_tasks
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio
import psutil

from crawler import Config
from crawler.daemon import DaemonConfig, Jobs, JobSpec, State, open_jobs
from crawler.settings.loading import amend
from crawler.testing.process import open_web_process

AT_ONCE = 20
BATCH = 5000
MIB = 1 << 20
BASE = amend(Config(), {"delay_s": 0.0, "per_site": 8, "allow_networks": ["127.0.0.0/8"], "workers": 1})
GROWTH_MIB = 16.0
"""What memory may grow by between a third of the jobs and the last of them."""


class Size(NamedTuple):
    """The process at an instant."""

    rss_mib: float
    files: int
    tasks: int
    threads: int
    cpu_s: float


async def main(jobs: int, seeds: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with open_web_process("--sites", "4", "--pages", "3", "--links", "3") as homes:
            async with open_jobs(DaemonConfig(), Path(folder) / "life", BASE) as daemon:
                is_flat = await live(daemon, homes, jobs)
        async with open_jobs(DaemonConfig(), Path(folder) / "upload", BASE) as daemon:
            await upload(daemon, seeds)
    return 0 if is_flat else 1


async def live(daemon: Jobs, homes: Sequence[str], jobs: int) -> bool:
    """Small jobs, one after the other; whether the last third left nothing behind."""
    third = max(1, jobs // 3)
    started = time.monotonic()
    await many(daemon, homes, third)
    early = size()
    await many(daemon, homes, jobs - third)
    late = size()
    rate = jobs / (time.monotonic() - started)
    print(f"{jobs} jobs of 3 pages, {AT_ONCE} at a time: {rate:.1f} jobs/s")
    print(f"after {third:>6}: {early}")
    print(f"after {jobs:>6}: {late}")
    return late.rss_mib - early.rss_mib < GROWTH_MIB and late.files <= early.files + 2 and late.tasks <= early.tasks + 2


async def many(daemon: Jobs, homes: Sequence[str], jobs: int) -> None:
    left = iter(range(jobs))

    async def one_after_the_other() -> None:
        for number in left:
            job, _ = await daemon.submit(JobSpec(), lines([homes[number % len(homes)]]))
            await over(daemon, job.id)
            await daemon.remove(job.id)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(one_after_the_other)


async def over(daemon: Jobs, job: str) -> None:
    with daemon.listen(job) as heard:
        if not daemon.find(job).state.is_over:
            async for batch in heard:
                if any(event.data.get("to") in tuple(State) and daemon.find(job).state.is_over for event in batch):
                    break


async def upload(daemon: Jobs, seeds: int) -> None:
    """Seeds taken in: durable when acknowledged, and then in the frontier; their sites rest, and nobody is asked."""
    before, started = size(), time.monotonic()
    sites = [f"http://127.{a}.{b}.{c}:9" for a in range(1, 11) for b in range(100) for c in range(1, 101)]
    job, _ = await daemon.submit(JobSpec(is_paused=True), lines(f"{sites[n % len(sites)]}/{n}" for n in range(seeds)))
    tell(f"{seeds} seeds acknowledged", seeds, started, before)
    await daemon.change(job.id, {"fetch": {"concurrency": 1, "connect_timeout_s": 3600}})
    started = time.monotonic()
    with daemon.listen(job.id) as heard:
        await daemon.resume(job.id)
        async for _ in heard:  # once a second at least
            if not daemon.find(job.id).seeds.is_reading:
                break
    tell(f"{seeds} seeds in the frontier", seeds, started, before)
    await daemon.cancel(job.id)


def tell(what: str, number: int, started: float, before: Size) -> None:
    took, grown = time.monotonic() - started, size().rss_mib - before.rss_mib
    cpu_us = (time.process_time() - before.cpu_s) / number * 1e6
    print(f"{what} after {took:.1f} s ({number / took:,.0f}/s, {cpu_us:.0f} us of CPU each), memory {grown:+.0f} MiB")


async def lines(urls: Iterable[str]) -> AsyncIterator[Sequence[str]]:
    batch: list[str] = []
    for url in urls:
        batch.append(url)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def size() -> Size:
    gc.collect()
    process = psutil.Process()
    return Size(
        process.memory_info().rss / MIB, process.num_fds(), len(all_tasks()), process.num_threads(), time.process_time()
    )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    jobs, seeds = numbers + [2000, 1_000_000][len(numbers) :]
    raise SystemExit(asyncio.run(main(jobs, seeds)))
