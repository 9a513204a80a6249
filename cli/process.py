"""Sets up the process: event loop, threads, open files, children. The library itself leaves all this alone."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
from collections.abc import Callable, Coroutine
from typing import TypeVar

from .garbage import USUAL
from .interrupts import raising_interrupts

T = TypeVar("T")

MAX_FILES = 1 << 20
"""The limit of open files that we ask for if the system sets none: far more than any concurrency needs."""

FULL_COLLECTION = 100
"""Collections of the middle generation before a full one. Python's default of ten makes one every few seconds."""


def fork_helpers() -> None:
    """Forks the processes that workers come from while this one has read no settings yet. They wait."""
    from crawler.offload import fork_early

    fork_early(USUAL)


def import_settings() -> None:
    """Imports the settings without pydantic's plugins, which it would look for in all installed packages: 10 ms."""
    name = "PYDANTIC_DISABLE_PLUGINS"
    is_said = name in os.environ
    os.environ.setdefault(name, "__all__")
    try:
        from crawler.settings.loading import load  # noqa: F401
    finally:
        if not is_said:
            del os.environ[name]  # a parse function may want them


def prepare_workers(executor: str) -> None:
    """Starts the process that workers are forked from. It imports their modules while we import ours."""
    if executor in ("process", "auto"):
        from crawler.offload import start_fork_server

        fork_helpers()
        start_fork_server()


def run_loop(main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Runs one coroutine on uvloop if it is installed, with as many open files as the system allows."""
    from crawler.event_loop import loop_factory
    from crawler.offload import give_memory_back

    _take_all_files()
    give_memory_back()
    _look_rarely_for_garbage()
    sys.setswitchinterval(1e-4)  # else a busy loop starves the threads that feed workers (crawler/runtime/gil.py)
    with raising_interrupts(), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main())


def _look_rarely_for_garbage() -> None:
    """Makes full collections rare. One walks over all objects and stops the loop: 130 ms with a hundred jobs."""
    gc.freeze()  # imported modules are never freed anyway
    young, middle, _ = USUAL
    gc.set_threshold(young, middle, FULL_COLLECTION)


def _take_all_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    except (OSError, ValueError):
        pass  # macOS reports a limit that it does not grant
