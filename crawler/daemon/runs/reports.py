"""Counts the records of jobs for their reports: bit by bit while a job runs, the rest when it ends or somebody asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio import create_task_group
from anyio.abc import TaskGroup

from ...errors import ClosedError, CrawlError
from ...protocols import Output, Reader
from ...reports import Count, Report, keep, recall
from ...runtime.threads import run_in_thread
from .records import readable, readable_output

log = logging.getLogger(__name__)

TICK_S = 20.0
"""Seconds between two times that the records of running jobs are counted."""
WAIT_S = 1.0
"""Seconds that a question waits for records to be counted. Later it gets the figures of those that are."""
FRESH_S = 1.0
"""Seconds for which the figures of a running job are not counted again, however often somebody asks."""
MOST_KEPT = 20
"""Jobs that are not running and whose counts stay in memory, about 1 MB each at most."""


@dataclass(slots=True)
class _Counting:
    """The counting of one job's records."""

    count: Count | None = None
    is_whole: bool = False
    share: float = 0.0
    counted_at: float = float("-inf")
    """When all records were counted last, on the monotonic clock."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there are figures, or an error."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    kept_at: float = field(default_factory=time.monotonic)
    older: bytes = b""
    """A count of a running job from a while ago, all of whose records are settled by now."""

    @property
    def is_fresh(self) -> bool:
        return self.is_whole and time.monotonic() < self.counted_at + FRESH_S


class Reports:
    """The reports of all jobs. One part of one output is read at a time, in a thread, so that crawls go on."""

    def __init__(
        self,
        runs: Mapping[str, object],
        outputs_of: Callable[[str], Awaitable[Sequence[Output]]],
        folder_of: Callable[[str], Path],
    ) -> None:
        self._runs = runs
        self._outputs_of = outputs_of
        self._folder_of = folder_of
        self._jobs: dict[str, _Counting] = {}
        """By job; the one that was counted longest ago comes first."""
        self._turn = asyncio.Lock()
        """Held while a thread uses any count. Jobs take turns, part by part."""
        self._tasks: TaskGroup | None = None
        self._opened = asyncio.Event()

    async def run(self) -> None:
        """Counts what running jobs wrote, and the rest of those that ended, until cancelled."""
        before: set[str] = set()
        async with create_task_group() as self._tasks:
            self._opened.set()
            while True:
                await asyncio.sleep(TICK_S)
                now = set(self._runs)
                for job in now | before:
                    self._begin(job)
                before = now

    async def report(self, job: str, most_sites: int) -> Report:
        """Returns the report of a job with so many sites, of all records or of those that are counted by now.

        Raises NoSuchJob, NoRecords, WrongState, ConfigError, ClosedError.
        """
        self._folder_of(job)
        await self._opened.wait()
        one = self._begin(job)
        await one.begun.wait()
        with anyio.move_on_after(WAIT_S):
            await one.done.wait()
        if one.error is not None:
            raise one.error
        if one.count is None:  # cancelled before it began
            raise ClosedError("these jobs are", "open_jobs")
        async with self._turn:
            share = 1.0 if one.is_whole else min(one.share, 0.999)
            return await run_in_thread(one.count.report, share, most_sites)

    def _begin(self, job: str) -> _Counting:
        """Counts the job's records, unless that is under way or was done just now."""
        one = self._jobs.get(job)
        if one is not None and (not one.done.is_set() or (one.is_fresh and job in self._runs)):
            return one
        one = self._jobs[job] = self._jobs.pop(job, _Counting())
        one.begun.clear()
        one.done.clear()
        one.error, one.is_whole = None, False
        assert self._tasks is not None
        self._tasks.start_soon(self._count, job, one)
        return one

    async def _count(self, job: str, one: _Counting) -> None:
        try:
            with readable():
                await self._count_all(job, one)
        except (CrawlError, OSError) as error:
            one.error = error
        except Exception as error:
            log.exception("a bug while the records of job %s were counted", job)
            one.error = error
        finally:
            one.begun.set()
            one.done.set()
            self._drop_oldest()

    async def _count_all(self, job: str, one: _Counting) -> None:
        output, reader = readable_output(await self._outputs_of(job))
        folder = self._folder_of(job)
        async with self._turn:
            one.count = await run_in_thread(_open, one.count, folder, output.name, reader)
        is_more = True
        while is_more:
            began = time.monotonic()
            async with self._turn:
                is_more, one.share = await run_in_thread(_add_part, one.count, reader)
            one.begun.set()
            await self._keep(job, one, folder)
            if is_more:
                await asyncio.sleep(time.monotonic() - began)  # as long as it took: crawls need the other half
        one.is_whole, one.counted_at = True, time.monotonic()
        await self._keep(job, one, folder)

    async def _keep(self, job: str, one: _Counting, folder: Path) -> None:
        """Writes the count of a job at rest when it is whole, or now and then.

        Of a running job the one before is written: the crawl may not have settled its last records, and after
        `kill -9` they are gone.
        """
        assert one.count is not None
        is_running, is_due = job in self._runs, time.monotonic() >= one.kept_at + TICK_S
        if not (is_due or (one.is_whole and not is_running)):
            return
        async with self._turn:
            text = await run_in_thread(one.count.dump)
        kept, one.older = (one.older, text) if is_running else (text, b"")
        one.kept_at = time.monotonic()
        if kept:
            try:
                await run_in_thread(keep, folder, kept)
            except OSError as error:  # a full disk, or the job was removed: it is counted again
                log.debug("the report of job %s is not kept: %s", job, error)

    def _drop_oldest(self) -> None:
        idle = [job for job, one in self._jobs.items() if one.done.is_set() and job not in self._runs]
        for job in idle[: max(0, len(idle) - MOST_KEPT)]:
            del self._jobs[job]


def _open(count: Count | None, folder: Path, output: str, reader: Reader) -> Count:
    if count is not None and count.output == output and count.still_holds(reader):
        return count
    return recall(folder, output, reader)


def _add_part(count: Count, reader: Reader) -> tuple[bool, float]:
    return count.add_part(reader), count.share(reader)
