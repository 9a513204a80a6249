"""Removes jobs, with their folders, some time after they have ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container

import anyio

from ...errors import StorageFull
from ..errors import JobError
from .registry import Registry
from .states import State
from .submission import Submissions

log = logging.getLogger(__name__)

WHO = "retention"
MOST_AT_ONCE = 100
LEAST_S, MOST_S = 0.05, 60.0
"""Least and most seconds between two looks."""


async def keep_clear(reception: Submissions, runs: Container[str], changed: asyncio.Event) -> None:
    """Removes due jobs again and again, until cancelled. `changed` is set when `retention_s` may have changed."""
    while True:
        retention_s = reception.config.retention_s
        with anyio.move_on_after(None if retention_s is None else min(max(retention_s / 10, LEAST_S), MOST_S)):
            await changed.wait()
            changed.clear()
        try:
            if (retention_s := reception.config.retention_s) is not None:
                await sweep(reception, runs, retention_s)
        except (JobError, StorageFull) as error:
            log.warning("jobs that have ended could not be removed: %s", error)


async def sweep(reception: Submissions, runs: Container[str], retention_s: float) -> int:
    """Removes the jobs that are due, and returns their number. Jobs in `runs` still have a run and are left."""
    registry, removed = reception.registry, 0
    while due := [job for job in _over_since(registry.now() - retention_s, registry) if job not in runs][:MOST_AT_ONCE]:
        await reception.remove(due, WHO)
        removed += len(due)
    return removed


def _over_since(at: float, registry: Registry) -> list[str]:
    over = [record for state in State if state.is_over for record in registry.in_state(state)]
    return [record.id for record in over if record.ended_at is not None and record.ended_at <= at]
