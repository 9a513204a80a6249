"""A daemon that has few files to open runs fewer jobs at a time, and none fails for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from crawler.testing import Site, Web, html, open_web, slow

from ..kills import ROOT

JOBS = 30
LIMIT = 110
SCRIPT = f"""
import logging, resource, sys
from pathlib import Path
import anyio
from crawler.daemon import DaemonConfig, State, open_jobs
from tests.daemon.conftest import BASE, submit, until

async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))
    async with open_jobs(DaemonConfig(), Path(sys.argv[1]), BASE) as jobs:
        made = [await submit(jobs, [seed], is_paused=True) for seed in sys.argv[2:]]
        for job in made:
            await jobs.resume(job.id)
        for job in made:
            done = await until(jobs, job.id, State.COMPLETED, State.FAILED)
            print(done.state, done.pages, done.error)

logging.basicConfig()
anyio.run(main)
"""


@pytest.mark.slow
async def test_jobs_wait_for_files_instead_of_failing(tmp_path: Path) -> None:
    rest = {f"/{n}": slow(html(f"Page {n}"), 0.1) for n in range(12)}
    names = [f"s{number}.test" for number in range(JOBS)]
    web = Web([Site(name, {"/": html("Home", list(rest)), **rest}) for name in names], [f"http://{n}/" for n in names])
    async with open_web(web) as served:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "data"), *served.seeds]
        with anyio.fail_after(120):
            ran = await anyio.run_process(command, cwd=ROOT, check=False, stderr=subprocess.PIPE)
    assert ran.stdout.decode().splitlines() == ["completed 13 "] * JOBS, ran.stderr.decode()
    assert f"open files are limited to {LIMIT}, too few for more than" in ran.stderr.decode()
