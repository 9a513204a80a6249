"""Tells what the visits of jobs found: pages that are new, changed, moved or gone, while a job runs, too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from ...errors import CrawlError
from ...feed import NAME, Cursor, PageChange, Untold, open_feed
from ...folder.folder import translate_os_errors
from ...protocols import Output, Reader
from ...runtime.threads import run_in_thread
from ...settings import Config
from ..events import Event, Kind, Listener
from ..jobs.states import State
from .inspect import Inspector
from .records import readable, readable_output

log = logging.getLogger(__name__)


class Source(Protocol):
    """The part of `Jobs` that feeds use."""

    def listen(self, job: str | None = None) -> AbstractContextManager[Listener]: ...
    def folder(self, job: str) -> Path: ...
    def settings(self, job: str) -> Config: ...
    async def outputs(self, job: str) -> Sequence[Output]: ...
    async def note(self, job: str | None, data: Mapping[str, object]) -> None: ...


class PageChanges:
    """The feeds of all jobs. One thread at a time reads the records of a job."""

    def __init__(self, jobs: Source, inspector: Inspector) -> None:
        self._jobs = jobs
        self._inspector = inspector
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, job: str, since: str, limit: int) -> Sequence[PageChange]:
        """Returns the changes of a job behind a cursor, at most so many. What is settled counts.

        Raises NoSuchJob, NoRecords, WrongState, ConfigError for what is no cursor of this job, FrontierError,
        StorageFull.
        """
        folder = self._jobs.folder(job)
        if since:
            Cursor.read(since)
        async with self._turns.setdefault(job, asyncio.Lock()):
            reader, end = await self.find_settled(job, folder)
            return await run_in_thread(_read, folder, reader, end, since, limit) if end else ()

    async def run(self) -> None:
        """Tells after each run of a job with revisits how many changes there are, until cancelled.

        They are told by a note of the job, which its webhook is sent, too.
        """
        while True:
            with self._jobs.listen() as listener:
                async for batch in listener:
                    for job in map(_ended_job, batch):
                        if job is not None:
                            await self._tell(job)

    async def _tell(self, job: str) -> None:
        try:
            if self._jobs.settings(job).politeness.revisit_after_s is None:
                return
            folder = self._jobs.folder(job)
            async with self._turns.setdefault(job, asyncio.Lock()):
                reader, end = await self.find_settled(job, folder)
                untold = await run_in_thread(_sum_up, folder, reader, end) if end else None
                if untold is not None:
                    said = {"changes": dict(untold.counts), "since": untold.since, "cursor": untold.last.text}
                    await self._jobs.note(job, said)  # a kill behind this line tells it twice, under the same cursor
                    await run_in_thread(_mark_told, folder, untold.last)
        except (CrawlError, OSError) as error:  # the job was removed meanwhile, or keeps no records
            log.debug("the changes of job %s are not told: %s", job, error)

    async def find_settled(self, job: str, folder: Path) -> tuple[Reader, int]:
        """Returns what reads the records of a job, and the place behind the last settled one."""
        output, reader = readable_output(await self._jobs.outputs(job))
        frontier = folder / "frontier.sqlite"
        if not frontier.exists():
            return reader, 0
        positions = await self._inspector.ask(job, frontier, lambda opened: opened.positions())
        return reader, reader.end(positions.get(output.name, {}))


def _ended_job(event: Event) -> str | None:
    """Returns the job whose run an event tells to be over."""
    is_end = event.kind is Kind.STATE and event.data.get("to") in set(State)
    return event.job if is_end and State(str(event.data["to"])).is_over else None


def _read(folder: Path, reader: Reader, end: int, since: str, limit: int) -> Sequence[PageChange]:
    with translate_os_errors(folder), open_feed(folder / NAME) as feed:
        with readable():
            feed.take(reader, end)
        return list(islice(feed.changes(since), limit))


def _sum_up(folder: Path, reader: Reader, end: int) -> Untold | None:
    with translate_os_errors(folder), open_feed(folder / NAME) as feed:
        feed.take(reader, end)
        return feed.untold()


def _mark_told(folder: Path, last: Cursor) -> None:
    with translate_os_errors(folder), open_feed(folder / NAME) as feed:
        feed.mark_told(last)
