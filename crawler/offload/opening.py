"""Brings a pool to life with its workers, and ends both."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import create_task_group

from . import guardian
from .pool import Inline, Pool, Workers
from .worker import Worker

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_offloader(workers: Workers = Workers()) -> AsyncIterator[Pool | Inline]:  # noqa: B008  it is frozen
    """The offloader of one or many crawls; its workers are started at once and gone on exit."""
    if workers.executor == "inline":
        yield Inline()
        return
    if workers.executor == "process" and not guardian.is_possible():
        log.info("on this system a process that a page starts outlives its worker if it leaves its group (setsid)")
    async with create_task_group() as tasks:
        pool = Pool(workers, workers.count or cores())
        for _ in range(pool.count):
            tasks.start_soon(Worker(pool, workers).serve)
        try:
            yield pool
        finally:
            tasks.cancel_scope.cancel()
            pool.close()


def cores() -> int:
    """Those this process may use, where the platform tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
