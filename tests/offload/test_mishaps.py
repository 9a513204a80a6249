"""Workers die of their pages and of everything else; every call gets one answer, and the pool goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from multiprocessing import forkserver

import psutil
import pytest

from crawler.errors import OffloadError
from crawler.model import Reason
from crawler.offload import open_offloader
from crawler.offload import process as processes
from tests.defaults import make_workers


def square(n: int) -> int:
    return n * n


def pid(_: int = 0) -> int:
    return os.getpid()


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def die(number: int) -> None:
    os.kill(os.getpid(), number)


def leave(code: int) -> None:
    os._exit(code)


def stop_itself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def fork(n: int) -> int:
    os.fork()
    return n


def descend() -> tuple[int, int]:
    """Its own process and one that it started and that would go on for a minute."""
    child = os.fork()
    if not child:
        time.sleep(600)
        os._exit(0)
    return os.getpid(), child


def bounds_inside() -> dict[str, object]:
    import resource

    return {
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "prints_to_stderr": os.path.sameopenfile(1, 2),
        "leads_a_group": os.getpgid(0) == os.getpid(),
    }


def privileges() -> str:
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("NoNewPrivs"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
async def test_a_page_that_kills_its_worker_is_the_only_one_lost(number: int) -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        calls = [pool.run(square, n) for n in range(8)]
        answers = await asyncio.gather(*calls, pool.run(die, number), return_exceptions=True)
    assert answers[:8] == [n * n for n in range(8)]
    assert isinstance(answers[8], OffloadError)
    assert answers[8].reason is Reason.PARSE_CRASH


@pytest.mark.long
@pytest.mark.slow
async def test_a_worker_that_leaves_is_replaced() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        with pytest.raises(OffloadError):
            await pool.run(leave, 0)
        assert await pool.run(square, 3) == 9


@pytest.mark.slow
async def test_nobody_is_blamed_for_a_worker_that_was_killed_from_outside() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        worker = await pool.run(pid)
        calls = asyncio.gather(pool.run(nap, 0.3), *(pool.run(square, n) for n in range(8)))
        await asyncio.sleep(0)
        os.kill(worker, signal.SIGKILL)
        survivor, *answers = await calls
    assert survivor != worker
    assert answers == [n * n for n in range(8)]


@pytest.mark.long
@pytest.mark.slow
async def test_where_every_page_kills_its_worker_each_gets_its_answer_and_the_pool_goes_on() -> None:
    async with open_offloader(make_workers(count=2)) as pool:
        calls = (pool.run(die, signal.SIGSEGV) for _ in range(3))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [OffloadError] * 3
        assert await pool.run(square, 3) == 9


@pytest.mark.long
@pytest.mark.slow
async def test_a_fork_server_that_dies_is_replaced_and_its_workers_with_it() -> None:
    async with open_offloader(make_workers(count=2)) as pool:
        workers = {psutil.Process(p) for p in await asyncio.gather(pool.run(nap, 0.1), pool.run(nap, 0.1))}
        server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
        os.kill(server, signal.SIGKILL)
        answers = await asyncio.gather(*(pool.run(square, n) for n in range(40)))
        assert answers == [n * n for n in range(40)]
        gone, alive = psutil.wait_procs(workers, timeout=60)
        assert not alive, (gone, alive)


@pytest.mark.slow
async def test_a_worker_that_somebody_stopped_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        with monkeypatch.context() as hurry:
            hurry.setattr("crawler.offload.worker._WALL_S", 0.5)
            hurry.setattr("crawler.offload.worker._WALL_FACTOR", 0)
            with pytest.raises(OffloadError) as caught:
                await pool.run(stop_itself, 0)
        assert caught.value.reason is Reason.PARSE_TIMEOUT
        assert await pool.run(square, 3) == 9


@pytest.mark.slow
async def test_the_pool_ends_though_a_worker_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.offload.worker._STOP_S", 0.2)
    async with open_offloader(make_workers(count=1)) as pool:
        os.kill(await pool.run(pid), signal.SIGSTOP)


@pytest.mark.slow
async def test_work_that_forks_answers_once() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        assert [await pool.run(fork, n) for n in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.slow
async def test_what_a_page_started_dies_with_its_worker() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        worker, child = await pool.run(descend)
        started = psutil.Process(child)
        os.kill(worker, signal.SIGKILL)
        assert await pool.run(square, 3) == 9
        gone, alive = psutil.wait_procs([started], timeout=60)
        assert not alive, (gone, alive)


@pytest.mark.slow
async def test_a_worker_has_few_files_and_no_say_in_the_output() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        found = await pool.run(bounds_inside)
    assert found == {"core": (0, 0), "files": (64, 64), "prints_to_stderr": True, "leads_a_group": True}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has it")
async def test_a_worker_can_gain_no_privileges() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        assert await pool.run(privileges) == "1"


def stop_at_birth() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def test_a_worker_that_is_stopped_before_it_has_begun_is_a_mishap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "START_S", 1.0)
    monkeypatch.setattr("crawler.offload.process.in_worker.begin", stop_at_birth)
    with pytest.raises(ChildProcessError, match="as it started"):
        processes.start_worker()
