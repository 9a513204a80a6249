"""What a page started ends with its worker, though it left its group; what the program started itself does not."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from crawler.errors import OffloadError
from crawler.model import Reason
from crawler.offload import guardian, open_offloader
from crawler.offload import process as processes
from tests.defaults import make_workers
from tests.offload.calls import daemonize, die_of, leave_the_family, pid, start_a_program

pytestmark = pytest.mark.skipif(not guardian.is_possible(), reason="only Linux lets a process adopt its descendants")


def all_are_gone(*pids: int) -> bool:
    """Whether they end, though nobody may have taken note of it yet."""
    return all(map(_ends, pids))


def _ends(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(process, "rb") as ended:
        return bool(select.select([ended], [], [], 10)[0])


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_daemon_that_a_page_made_ends_with_its_killed_worker(depth: int) -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        worker, daemon = await pool.run(leave_the_family, depth)
        assert os.getsid(daemon) not in (os.getsid(0), os.getsid(worker))
        os.kill(worker, signal.SIGKILL)
        assert await pool.run(pid) != worker
        assert all_are_gone(daemon)


async def test_a_program_without_a_trace_of_us_ends_with_the_pool() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        program = await pool.run(start_a_program)
        assert psutil.Process(program).environ() == {}
        assert psutil.pid_exists(program)
    assert all_are_gone(program)


async def test_while_its_worker_lives_a_daemon_may(tmp_path: Path) -> None:
    """A function may keep a browser for all its pages."""
    async with open_offloader(make_workers(count=1)) as pool:
        worker, daemon = await pool.run(leave_the_family)
        assert [await pool.run(pid) for _ in range(5)] == [worker] * 5
        assert psutil.pid_exists(daemon)
    assert all_are_gone(daemon, worker)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGSEGV, Reason.PARSE_CRASH),
        (signal.SIGKILL, Reason.PARSE_CRASH),
        (signal.SIGXCPU, Reason.PARSE_TIMEOUT),
    ],
)
async def test_the_exit_of_a_worker_is_told_as_it_was_and_its_daemon_ends(
    number: int, reason: Reason, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        with pytest.raises(OffloadError) as caught:
            await pool.run(die_of, str(tmp_path / "told"), number)
    assert caught.value.reason is reason
    assert f"exit code {-number}" in caplog.text
    assert all_are_gone(int((tmp_path / "told").read_text()))


def test_a_killed_guardian_takes_its_worker_along() -> None:
    executor, process = processes.start_worker()
    assert process is not None
    worker = executor.submit(pid).result()
    assert worker != process.pid
    processes.kill_alone(process)
    assert all_are_gone(worker)
    executor.shutdown(wait=True)


def test_a_guardian_that_was_stopped_hears_all_the_same() -> None:
    executor, process = processes.start_worker()
    assert process is not None
    assert process.pid is not None
    worker, daemon = executor.submit(leave_the_family).result()
    os.kill(process.pid, signal.SIGSTOP)
    processes.kill(process)
    assert all_are_gone(worker, daemon)
    executor.shutdown(wait=True)


SCRIPT = """
import asyncio, os, sys
from crawler.offload import open_offloader
from tests.defaults import make_workers
from tests.offload.calls import leave_the_family

async def main():
    async with open_offloader(make_workers(count=1)) as pool:
        print(*await pool.run(leave_the_family), flush=True)
        await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.slow
def test_a_crawl_that_is_killed_leaves_no_daemon_of_its_pages(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SCRIPT)
    root = str(Path(__file__).parent.parent.parent)
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    )
    assert program.stdout is not None
    worker, daemon = map(int, program.stdout.readline().split())
    program.kill()
    program.wait()
    program.stdout.close()
    assert all_are_gone(worker, daemon)


async def test_what_the_program_itself_started_lives_on(tmp_path: Path) -> None:
    """Its own daemons, and those of its own processes, though they descend from the same fork server as workers do."""
    _, own = leave_the_family()
    theirs = multiprocessing.get_context("forkserver").Process(target=daemonize, args=(str(tmp_path / "told"),))
    async with open_offloader(make_workers(count=1)) as pool:
        theirs.start()
        theirs.join()
        worker = await pool.run(pid)
        os.kill(worker, signal.SIGKILL)
        assert await pool.run(pid) != worker
    daemons = [own, int((tmp_path / "told").read_text())]
    try:
        assert [psutil.pid_exists(daemon) for daemon in daemons] == [True, True]
    finally:
        for daemon in daemons:
            os.kill(daemon, signal.SIGKILL)
