"""Faults of our own side, each played to the real command: stopped processes, full disks, folders it may not write.

`python -m tests.hostile.faults` prints a table; tests/test_faults.py tells the quick ones.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import psutil

from crawler.testing import Web, link_graph, slow
from tests.hostile.archives import check_archive
from tests.hostile.kills import is_proven, is_whole, victim
from tests.hostile.victim import Victim, ended, workers_of


async def stopped_for_a_while(crawl: Victim) -> str:
    """SIGSTOP of the main process, for longer than any exchange may take: no attempt is spent on it."""
    crawl.options = ("--set", "fetch.timeout_s=3", "--set", "fetch.connect_timeout_s=2", "--retries", "0")
    async with crawl.running() as process:
        await crawl.sees(4)
        os.kill(process.pid, signal.SIGSTOP)
        await anyio.sleep(5)
        os.kill(process.pid, signal.SIGCONT)
        code, said = await ended(process)
    assert code == 0, f"exit code {code}: {said}"
    await is_complete(crawl)
    return "stopped for 5 s with time-outs of 3 s and one attempt each: nothing failed"


async def a_worker_is_stopped(crawl: Victim) -> str:
    """SIGSTOP of every worker: the pages they hold are given up on, and tried again by others."""
    crawl.options = ("--set", "offload.page_cpu_s=1", "--set", "offload.inline_below_bytes=0")
    async with crawl.running() as process:
        await crawl.sees(6)
        begun = time.monotonic()
        for worker in workers_of(psutil.Process(process.pid)):
            worker.suspend()
        code, said = await ended(process)
    assert code == 0, f"exit code {code}: {said}"
    await is_complete(crawl)
    return f"the crawl came to its end {time.monotonic() - begun:.0f} s later"


async def the_disk_is_full(crawl: Victim) -> str:
    """No file may grow beyond a bound: exit code 5, nothing torn; with room again the same command goes on."""
    seen = []
    for bound in (100_000, 200_000, 260_000, 330_000, 500_000):
        code, said = await crawl.ends(through=("bash", "-c", f'ulimit -f {bound // 1024} && exec "$@"', "bash"))
        crawl.records()
        seen.append(code)
        crawl.kills["main"] += code == 5  # it ends as suddenly
        assert code == 5 or (code == 0 and crawl.records()), f"exit code {code} at {bound}: {said}"
        assert "Traceback" not in said, said
    assert 5 in seen
    await is_whole(crawl)
    return f"exit codes {seen}, then 0"


async def the_disk_is_full_of_archives(crawl: Victim) -> str:
    """The same while an archive is written: it keeps whole records, and goes on with them."""
    crawl.options = ("--warc",)
    said = await the_disk_is_full(crawl)
    return f"{said}; {check_archive(crawl)}"


async def a_full_file_system(crawl: Victim) -> str:
    """The same on a small file system of its own, where one may be mounted; it goes with the processes that see it."""
    disk = crawl.folder.with_name("disk")
    disk.mkdir()
    kept, crawl.folder = crawl.folder, disk / "crawl"
    script = """
        mount -t tmpfs -o size=700k tmpfs "$1" || exit 99
        disk=$1 kept=$2; shift 2
        "$@"; code=$?
        mount -o remount,size=64m "$disk" && "$@"; echo "codes $code $?" >&2
        cp -r "$disk/crawl" "$kept"
    """
    shell = ("unshare", "--mount", "bash", "-c", script, "bash", str(disk), str(kept))
    code, said = await crawl.ends(through=shell)
    crawl.folder = kept
    crawl.kills["main"] += 1
    if code == 99 or "unshare" in said:
        return "skipped: no file system can be mounted here"
    assert "codes 5 0" in said, said
    await is_whole(crawl)
    return "exit code 5; with room, 0"


async def is_complete(crawl: Victim) -> None:
    lost = crawl.lost()
    assert not lost, f"{len(lost)} lost: {sorted(lost)[:3]}"
    attempts = {record["attempt"] for record in crawl.records()}
    assert attempts == {1}, f"attempts were spent: {attempts}"
    is_proven(crawl)


Story = Callable[[Victim], Awaitable[str]]


def slow_web(pages: int) -> Web:
    graph = link_graph(seed=7, sites=4, pages_per_site=pages // 4, links_per_page=12)
    sites = [replace(site, pages={t: slow(site.page(t), 0.5) for t in site.pages}) for site in graph.sites]
    return Web(sites, graph.seeds)


STORIES: tuple[tuple[Story, Callable[[], Web]], ...] = (
    (stopped_for_a_while, lambda: slow_web(60)),
    (a_worker_is_stopped, lambda: slow_web(60)),
    (the_disk_is_full, lambda: link_graph(seed=7, sites=4, pages_per_site=100, links_per_page=12)),
    (the_disk_is_full_of_archives, lambda: link_graph(seed=7, sites=4, pages_per_site=100, links_per_page=12)),
    (a_full_file_system, lambda: link_graph(seed=7, sites=4, pages_per_site=100, links_per_page=12)),
)


async def tell(only: str) -> bool:
    print(f"{'fault':<24} {'':<6} {'seconds':>7}  what was seen")
    return all([await tell_one(story, web()) for story, web in STORIES if only in story.__name__])


async def tell_one(story: Story, web: Web) -> bool:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crawld-faults-") as folder:
        async with victim(web, Path(folder)) as crawl:
            try:
                word, seen = "ok", await story(crawl)
            except Exception as error:  # noqa: BLE001 - the other stories are told all the same
                word, seen = "FAILED", repr(error)
    print(f"{story.__name__.replace('_', ' '):<24} {word:<6} {time.monotonic() - begun:>7.1f}  {seen}", flush=True)
    return word == "ok"


if __name__ == "__main__":
    sys.exit(not asyncio.run(tell(sys.argv[1] if len(sys.argv) > 1 else "")))
