"""The process as a whole, which the library leaves alone: its event loop, its threads, its files, its children."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")

MAX_FILES = 1 << 20
"""What we ask for at most where the system sets no limit: far more than any concurrency."""

FULL_COLLECTION = 100
"""Collections of the middle generation before all is looked through; Python's own ten come every few seconds."""


def prepare_workers(executor: str) -> None:
    """Start what worker processes descend from: it imports what they need while we import what we need."""
    if executor == "process":
        from crawler.offload import start_fork_server

        start_fork_server()


def run_loop(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run one coroutine on the fastest loop there is, with as many files as the system allows."""
    from crawler.offload import give_memory_back

    _take_all_files()
    give_memory_back()
    _look_rarely_for_garbage()
    sys.setswitchinterval(1e-4)  # else a busy loop starves the threads that feed workers (crawler/runtime/gil.py)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main())


def _look_rarely_for_garbage() -> None:
    """A full collection walks over all that lives, and meanwhile nothing else moves: 130 ms beside a hundred jobs."""
    gc.freeze()  # what was imported stays anyway
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTION)


def _take_all_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    except (OSError, ValueError):
        pass  # macOS names a limit it does not grant


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
