"""`kill -9` under running jobs, again and again: nothing lost, nothing twice, all complete.

`python -m tests.daemon.kills --jobs 10 --kills 10` tells it at length, tests/daemon/test_kill.py in short.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import anyio

from crawler.daemon import DaemonConfig, Jobs, State, open_jobs
from crawler.testing import Served, Site, Web, html, open_web, slow
from tests.daemon.conftest import BASE, pages, submit, until
from tests.proving.breaches import find_breaches

ROOT = Path(__file__).parent.parent.parent
SEED = 20261122
"""Of the instants of death: another number, other instants."""


def web(jobs: int, size: int) -> Web:
    """A site for each job, whose pages take their time."""

    def site(number: int) -> Site:
        links = [f"/{n}" for n in range(1, size)]
        rest = {path: slow(html(path, links[n : n + 3]), 0.01) for n, path in enumerate(links)}
        return Site(f"site{number}.test", {"/": html("Home", links[:9]), **rest})

    return Web([site(number) for number in range(jobs)], [f"http://site{number}.test/" for number in range(jobs)])


async def killed_under_running_jobs(data: Path, jobs: int, size: int, kills: int) -> str:
    """Raises AssertionError where something was lost or is there twice."""
    moments, died = Random(SEED), 0
    async with open_web(web(jobs, size)) as served:
        async with open_jobs(DaemonConfig(grace_s=0, max_crashes=1000), data, BASE) as daemon:
            made = [(await submit(daemon, [seed])).id for seed in served.seeds]
        for _ in range(kills):
            died += await killed_after(moments.randint(1, jobs * size // kills), served, data)
        assert died >= kills // 2, "the jobs were over before they could be killed"
        async with open_jobs(DaemonConfig(max_crashes=1000), data, BASE) as daemon:
            for job, seed in zip(made, served.seeds, strict=True):
                await until(daemon, job, State.COMPLETED)
                assert_whole(daemon, job, {url for url in served.web.reachable() if url.startswith(seed)})
                await assert_reported(daemon, job)
                assert not (found := [*find_breaches(daemon.folder(job))]), found
        asked = served.counts(robots=False)
        again = asked.total() - len(asked)
        assert set(asked) == served.web.reachable()
        assert again <= (died + 1) * jobs * BASE.politeness.per_site * 2, "more than was in hand was asked for again"
    return f"{died} kills under {jobs} jobs of {size} pages: all complete, {again} pages asked for again"


def assert_whole(daemon: Jobs, job: str, wanted: set[str]) -> None:
    """Every page is in the output, and once."""
    times = Counter(pages(daemon, job))
    assert set(times) == wanted
    assert set(times.values()) == {1}


async def assert_reported(daemon: Jobs, job: str) -> None:
    """The report counts each record that is there, and none that a kill has taken away."""
    while not (report := await daemon.reports.report(job, 100)).is_whole:
        pass
    assert (report.records, report.unreadable) == (len(pages(daemon, job)), 0)
    assert sum(one.n for one in report.outcomes) == report.records


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


async def killed_right_after_it_said_yes(data: Path) -> None:
    """The one who writes dies without closing anything."""
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
        [sys.executable, "-c", script, str(data)], cwd=ROOT, check=False, stderr=subprocess.PIPE
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crawld-kills-") as folder:
        said = asyncio.run(killed_under_running_jobs(Path(folder), chosen.jobs, chosen.pages, chosen.kills))
    print(said)  # noqa: T201


if __name__ == "__main__":
    main()
