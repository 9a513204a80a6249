"""Does one kind of work in one way for some seconds."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count

from anyio import create_task_group

from ..assembly import parts
from ..model import Request, Url
from ..offload import open_offloader
from ..parse import parse
from ..protocols import Fetcher
from ..runtime.lateness import Lateness
from ..settings import Config
from .measures import Rate, Way, Work
from .pieces import begin_process, do_until, document, make_job, parse_one, ready_bodies

TICK_S = 0.005
"""How often the loop is asked for a turn, to see how late it comes."""
Parse = Callable[[bytes, str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Setting:
    """Settings that all ways have in common."""

    origin: str
    """The address of the server."""
    seconds: float
    config: Config
    cores: int
    threads: int
    at_once: int


async def do_work(work: Work, way: Way, setting: Setting) -> Rate:
    """Does the work for so many seconds, and returns what came of it."""
    match way:
        case Way.SEQUENTIAL:
            return await _in_threads(work, setting, 1)
        case Way.THREADS:
            return await _in_threads(work, setting, setting.threads)
        case Way.PROCESSES:
            return await _in_processes(work, setting)
        case _:
            return await _on_loop(work, way, setting)


async def _in_threads(work: Work, setting: Setting, count: int) -> Rate:
    make_job(), ready_bodies()
    with ThreadPoolExecutor(count) as threads:
        return await _in_executor(threads, count, work, setting)


async def _in_processes(work: Work, setting: Setting) -> Rate:
    with _open_processes(setting.cores) as processes:
        await _make_ready(processes, setting.cores)
        return await _in_executor(processes, setting.cores, work, setting)


async def _in_executor(executor: Executor, count: int, work: Work, setting: Setting) -> Rate:
    loop, begun = asyncio.get_running_loop(), time.time()
    until = begun + setting.seconds
    done = [loop.run_in_executor(executor, do_until, work, setting.origin, until) for _ in range(count)]
    return Rate(sum(await asyncio.gather(*done)), time.time() - begun)


def _open_processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("forkserver"))


async def _make_ready(processes: ProcessPoolExecutor, count: int) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(*[loop.run_in_executor(processes, begin_process) for _ in range(count * 4)])


async def _on_loop(work: Work, way: Way, setting: Setting) -> Rate:
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(open_fetcher(setting.config))
        parse_it = await stack.enter_async_context(open_parsing(way, setting))
        return await run_tasks(setting, lambda number: _piece(work, fetcher, parse_it, setting.origin, number))


async def _piece(work: Work, fetcher: Fetcher, parse_it: Parse, origin: str, number: int) -> None:
    bodies = ready_bodies()
    body = await fetch(fetcher, f"{origin}/w/{number}") if work.fetches else bodies[number % len(bodies)]
    if work.parses:
        await parse_it(body, f"{origin}/{number}")


async def run_tasks(setting: Setting, do_piece: Callable[[int], Awaitable[None]]) -> Rate:
    """Does pieces on the loop until the time is over, and sees how late its turns come."""
    ready_bodies(), make_job()
    numbers, done = count(), 0
    begun, cpu_s = time.perf_counter(), time.thread_time()
    until = begun + setting.seconds

    async def do_many() -> None:
        nonlocal done
        while True:
            await do_piece(next(numbers))
            done += 1
            if time.perf_counter() >= until:
                return

    late = open_lateness()
    with late.watch():
        async with create_task_group() as tasks:
            for _ in range(setting.at_once):
                tasks.start_soon(do_many)
    return Rate(done, time.perf_counter() - begun, time.thread_time() - cpu_s, p99_ms(late))


def open_lateness() -> Lateness:
    """Returns what measures how late turns of the loop come, all of them."""
    return Lateness(TICK_S, kept=None)


def p99_ms(late: Lateness) -> float:
    """Returns the delay that 99 of 100 turns stayed below, in ms."""
    return late.quantiles().get(0.99, 0.0) * 1000


@asynccontextmanager
async def open_fetcher(config: Config) -> AsyncIterator[Fetcher]:
    """Opens the fetcher of a crawl."""
    budget = parts.budget(config)
    async with parts.open_fetcher(config, budget) as fetcher:
        yield fetcher


async def fetch(fetcher: Fetcher, url: str) -> bytes:
    """Returns the body of a page."""
    response = await fetcher.fetch(Request(Url(url)))
    body = bytes(response.body)
    response.release()
    return body


@asynccontextmanager
async def open_parsing(way: Way, setting: Setting) -> AsyncIterator[Parse]:
    """Opens what parses a page: the loop, our workers, or a plain pool."""
    job = make_job()
    if way is Way.ASYNCIO:

        async def on_loop(body: bytes, url: str) -> object:
            return parse_one(body, url, job)

        yield on_loop
    elif way is Way.UNBATCHED:
        loop = asyncio.get_running_loop()
        with _open_processes(setting.cores) as processes:
            await _make_ready(processes, setting.cores)

            async def in_executor(body: bytes, url: str) -> object:
                return await loop.run_in_executor(processes, parse_one, body, url, job)

            yield in_executor
    else:
        workers = replace(parts.workers(setting.config), count=setting.cores)
        async with open_offloader(workers) as offloader:
            first = document(ready_bodies()[0], f"{setting.origin}/")
            await asyncio.gather(*[offloader.run(parse, first, job) for _ in range(setting.cores * 4)])

            async def in_worker(body: bytes, url: str) -> object:
                return await offloader.run(parse, document(body, url), job, size=len(body))

            yield in_worker
