"""What every test starts from and leaves behind: nothing."""

import asyncio
import gc
import inspect
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import hypothesis
import pytest
import pytest_asyncio

from crawler.runtime.watchdog import Stall, open_watchdog
from tests.postgres import Server, make_engine_with_set_clock, open_server, why_not
from tests.redis_server import RedisServer, open_redis
from tests.redis_server import why_not as why_no_redis

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts `make test &` like this, and processes hand it on: no test could press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

MAX_CPU_S = 1.5
MAX_WAIT_S = 30.0

# A deadline would measure the machine, not the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Garbage is looked for in what tests make, and never in the thousands of tests themselves: a third of a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_unconfigure() -> None:
    """Let all be garbage at the end, or extensions in C report what nobody has freed."""
    gc.unfreeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: gzip writes the time of day, and workers that collect different ids run nothing."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tester's own CRAWL_ variables are not part of the story."""
    for name in [name for name in os.environ if name.startswith("CRAWL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def nothing_outlives_its_test() -> Iterator[None]:
    """Every thread and every worker process has an owner who ends it."""
    threads, workers = set(threading.enumerate()), set(multiprocessing.active_children())
    yield
    left = [thread for thread in set(threading.enumerate()) - threads if not _ends(thread)]
    left_workers = set(multiprocessing.active_children()) - workers
    assert not left, f"threads outlive their test: {left}"
    assert not left_workers, f"worker processes outlive their test: {left_workers}"


@pytest.fixture(autouse=True)
def the_loop_turns(request: pytest.FixtureRequest, nothing_outlives_its_test: None) -> None:
    """Where a test has an event loop, our code never holds it for long."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        marker = request.node.get_closest_marker("asyncio")
        is_shared = marker is not None and marker.kwargs.get("loop_scope") == "session"
        request.getfixturevalue("_watched_shared_loop" if is_shared else "_watched_loop")


@pytest.fixture
async def _watched_loop() -> AsyncIterator[None]:
    async with _watch():
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def _watched_shared_loop() -> AsyncIterator[None]:
    """For tests that share a loop, and with it a browser. Each has threads of its own."""
    with ThreadPoolExecutor(thread_name_prefix="asyncio") as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        async with _watch():
            yield


@asynccontextmanager
async def _watch() -> AsyncIterator[None]:
    """By CPU time, for the machine may be busy with others; what waits is given much longer than anything lasts."""
    stalls: list[Stall] = []
    async with open_watchdog(stalls.append, MAX_CPU_S):
        yield
    held = [stall for stall in stalls if stall.cpu_s >= MAX_CPU_S or stall.seconds >= MAX_WAIT_S]
    held = [stall for stall in held if "importlib" not in str(stall.stack)]  # once in the life of a process
    assert not held, f"the event loop stood still: {held}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server with an engine whose clock stands until it is set, for as many crawls as tests need."""
    if reason := why_not():
        pytest.skip(reason)
    with open_server() as server:
        with ThreadPoolExecutor(1) as thread:  # a loop may run here
            thread.submit(asyncio.run, make_engine_with_set_clock(server)).result()
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server, for as many crawls as tests need."""
    if reason := why_no_redis():
        pytest.skip(reason)
    with open_redis() as server:
        yield server


def _ends(thread: threading.Thread) -> bool:
    """A thread told to end may need a while on a busy machine."""
    thread.join(timeout=30.0)
    return not thread.is_alive()
