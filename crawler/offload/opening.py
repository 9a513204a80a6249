"""Opens and closes a pool with its workers."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import create_task_group

from . import guardian
from .pool import Inline, Pool, Workers
from .worker import Worker

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_offloader(
    workers: Workers, make_worker: Callable[[Pool, Workers], Worker] = Worker
) -> AsyncIterator[Pool | Inline]:
    """Opens the offloader of one or many crawls. Workers end with the block.

    The first worker starts at once, each further one when calls wait and no worker has had a rest for a while.
    """
    if workers.executor == "inline":
        yield Inline()
        return
    if workers.executor == "process" and not guardian.is_possible():
        log.info("processes that a parse function starts outlive its worker here if they leave its group (setsid)")
    async with create_task_group() as tasks:
        pool = Pool(workers, workers.count or count_cores())
        for _ in range(pool.count):
            pool.members.append(worker := make_worker(pool, workers))
            tasks.start_soon(worker.serve)
        try:
            yield pool
        finally:
            tasks.cancel_scope.cancel()
            pool.close()


@asynccontextmanager
async def open_inline(workers: Workers) -> AsyncIterator[Inline]:
    """Opens the offloader that works on the event loop itself, without workers."""
    yield Inline()


def count_cores() -> int:
    """Returns the number of cores that this process may use, or all cores if the platform does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
