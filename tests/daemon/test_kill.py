"""`kill -9` under several running jobs, again and again: nothing lost, nothing twice, all complete."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio

from crawler.daemon import Jobs, State
from crawler.testing import Served, Site, Web, html, open_web, slow

from .conftest import Open, pages, submit, until

ROOT = Path(__file__).parent.parent.parent
JOBS, PAGES, KILLS = 4, 60, 3
SEED = 20261122


def web() -> Web:
    """A site for each job, whose pages take their time."""

    def site(number: int) -> Site:
        links = [f"/{n}" for n in range(1, PAGES)]
        rest = {path: slow(html(path, links[n : n + 3]), 0.01) for n, path in enumerate(links)}
        return Site(f"site{number}.test", {"/": html("Home", links[:9]), **rest})

    names = [f"http://site{number}.test/" for number in range(JOBS)]
    return Web([site(number) for number in range(JOBS)], names)


async def test_killed_under_running_jobs_all_of_them_complete(open_daemon: Open, tmp_path: Path) -> None:
    moments = random.Random(SEED)
    async with open_web(web()) as served:
        seeds = [served.url(f"site{number}.test", "/") for number in range(JOBS)]
        async with open_daemon() as jobs:
            made = [await submit(jobs, [seed], is_paused=True) for seed in seeds]
            for job in made:
                await jobs.resume(job.id)
        kills = 0
        for _ in range(KILLS):
            kills += await killed_after(moments.randint(1, JOBS * PAGES // (2 * KILLS)), served, tmp_path / "data")
        assert kills >= 2, "the jobs were over before they could be killed"
        async with open_daemon() as jobs:
            for job, seed in zip(made, seeds, strict=True):
                await until(jobs, job.id, State.COMPLETED)
                assert_whole(jobs, job.id, {url for url in served.web.reachable() if url.startswith(seed)})
        assert_asked_again_only_for_what_was_in_hand(served, kills)


def assert_whole(jobs: Jobs, job: str, wanted: set[str]) -> None:
    """Every page is in the output, and once."""
    times = Counter(pages(jobs, job))
    assert set(times) == wanted
    assert set(times.values()) == {1}


def assert_asked_again_only_for_what_was_in_hand(served: Served, kills: int) -> None:
    asked = served.counts(robots=False)
    assert set(asked) == served.web.reachable()
    assert asked.total() - len(asked) <= kills * JOBS * 4 * 2  # in flight, and recorded but not settled


async def killed_after(more: int, served: Served, data: Path) -> bool:
    """A daemon that lives until the server saw `more` requests; False if it had nothing left to ask for."""
    process = await anyio.open_process(
        [sys.executable, "-m", "tests.daemon", str(data)], cwd=ROOT, stderr=None, start_new_session=True
    )
    async with process:
        assert process.stdout is not None
        try:
            with anyio.fail_after(60):
                await process.stdout.receive()  # it is ready
            seen = len(served.hits)
            with anyio.move_on_after(10) as patience:
                while len(served.hits) < seen + more:
                    await anyio.sleep(0.001)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return not patience.cancelled_caught


async def test_what_was_acknowledged_survives_a_kill(open_daemon: Open, tmp_path: Path) -> None:
    """The writer dies without closing anything, right after it said yes."""
    script = (
        "import os, sys, anyio; from pathlib import Path\n"
        "from tests.daemon.conftest import BASE, submit\n"
        "from crawler.daemon import DaemonConfig, open_jobs\n"
        "async def main():\n"
        "    async with open_jobs(DaemonConfig(), Path(sys.argv[1]), BASE) as jobs:\n"
        "        job = await submit(jobs, ['https://a.test/'], name='kept', is_paused=True)\n"
        "        await jobs.change(job.id, {'limit': 7})\n"
        "        os.kill(os.getpid(), 9)\n"
        "anyio.run(main)\n"
    )
    ended = await anyio.run_process(
        [sys.executable, "-c", script, str(tmp_path / "data")], cwd=ROOT, check=False, stderr=subprocess.PIPE
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    async with open_daemon() as jobs:
        [job] = jobs.list()
        assert (job.name, job.settings) == ("kept", {"scope": {"limit": 7}})
