"""What is asked of a job's frontier: of the crawl that runs, or of the file of a job at rest.

A file is never looked at while a run of this process opens, holds or closes it: whoever closes a file gives up all
locks that his process has on it (POSIX), and so would the run's own lock be gone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from ..api import Crawl
from ..assembly import parts
from ..explanation import Explanation, explain
from ..frontier import Look, look
from ..runtime.gil import breathing
from ..standing import SiteView, Trap
from .folders import Folders
from .job import Record, SiteSeen
from .run import Run, SettingsOf

T = TypeVar("T")


class Looks:
    """Of all jobs; `runs` are those under way. Raises FrontierError where a file cannot be read."""

    def __init__(self, runs: Mapping[str, Run], folders: Folders, settings_of: SettingsOf) -> None:
        self._runs = runs
        self._folders = folders
        self._settings_of = settings_of
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Of a job's file: it is looked at, or it is a run's."""

    @asynccontextmanager
    async def kept_out(self, job: str) -> AsyncIterator[None]:
        """For a run: what is being asked of the file is answered first, and nobody looks at it until the end."""
        async with self._turn(job):
            yield

    async def sites(self, record: Record, limit: int) -> Sequence[SiteSeen]:
        """The sites with most to do, and those that are held. At rest nobody knows what their robots.txt says."""
        held = set(record.held)
        crawl = await self._opened(record.id)
        views = crawl.sites(limit) if crawl else await self._resting(record, limit)
        idle = [SiteView(site, 0, 0, None) for site in sorted(held.difference(view.site for view in views))]
        return [SiteSeen(*view, view.site in held) for view in (*views, *idle)]

    async def parked(self, record: Record) -> Sequence[Trap]:
        """The patterns under which URLs are parked, those that hold most first."""
        if crawl := await self._opened(record.id):
            traps = crawl.snapshot().counts.traps
            return sorted((trap for trap in traps if trap.parked), key=lambda trap: -trap.parked)
        file = self._file(record)
        return await self.ask(record.id, file, lambda opened: opened.parkings()) if file.exists() else ()

    async def explain(self, record: Record, text: str, *, is_offline: bool) -> Explanation:
        """As `Jobs.explain`."""
        if crawl := await self._opened(record.id):
            return await crawl.explain(text, is_offline=is_offline)
        file = self._file(record)
        frontier = _AtRest(self, record.id, file) if file.exists() else None
        return await explain(text, self._settings_of(record), frontier=frontier, is_offline=is_offline)

    async def ask(self, job: str, file: Path, question: Callable[[Look], T]) -> T:
        """What `question` finds out in the frontier."""
        if crawl := await self._opened(job):
            return await crawl.ask(question)
        turn = self._turn(job)
        await turn.acquire()
        found = asyncio.get_running_loop().run_in_executor(None, look, file, question)
        found.add_done_callback(lambda _: turn.release())  # whoever asked may be gone; the thread looks on
        with breathing():
            return await asyncio.shield(found)

    async def _resting(self, record: Record, limit: int) -> Sequence[SiteView]:
        file, now = self._file(record), time.time()
        if not file.exists():
            return ()
        delay_s = parts.politeness(self._settings_of(record)).rest_s(None)
        busiest = await self.ask(record.id, file, lambda opened: opened.busiest(limit))
        return [
            SiteView(one.site, one.queued, 0, max(0.0, one.next_at - now), delay_s=delay_s)
            for one in busiest
        ]  # fmt: skip

    async def _opened(self, job: str) -> Crawl | None:
        """The crawl of the job; None: no run of it is under way. One that opens or closes is waited for."""
        while run := self._runs.get(job):
            if run.crawl:
                return run.crawl
            await (run.over if run.opened.is_set() else run.opened).wait()
        return None

    def _file(self, record: Record) -> Path:
        return self._folders.path(record) / "frontier.sqlite"

    def _turn(self, job: str) -> asyncio.Lock:
        turn = self._turns.get(job)
        if turn is None:
            turn = self._turns[job] = asyncio.Lock()
        return turn


@dataclass(frozen=True, slots=True)
class _AtRest:
    """The frontier of a job that was at rest a moment ago."""

    looks: Looks
    job: str
    file: Path

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await self.looks.ask(self.job, self.file, question)
