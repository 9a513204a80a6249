"""Answers questions about a job's frontier: from the running crawl, or from the file of a job that does not run.

A file is never read while a run of this process opens, holds or closes it. Closing a file drops all locks that the
process has on it (POSIX), so the run would lose its own lock.
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

from ...api import Crawl
from ...assembly.site_facts import find_site_facts
from ...explanation import Explanation, explain
from ...frontier import Look, look
from ...policy.pace import Pace
from ...reach.slow_sites import NOTE, recall_slow_sites
from ...runtime.threads import start_in_thread
from ...standing import SiteView, Trap
from ..jobs.folders import Folders
from ..jobs.job import Record, SiteSeen
from .run import Run, SettingsOf

T = TypeVar("T")
MOST_READ = 20_000
"""Sites that are read from the file of a job that does not run."""


class Inspector:
    """Looks into the frontiers of all jobs; `runs` are the running ones. Raises FrontierError."""

    def __init__(self, runs: Mapping[str, Run], folders: Folders, settings_of: SettingsOf) -> None:
        self._runs = runs
        self._folders = folders
        self._settings_of = settings_of
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One lock for each job's file: either a look or a run holds it."""

    @asynccontextmanager
    async def keep_out(self, job: str) -> AsyncIterator[None]:
        """Keeps looks away from the job's file while the block lasts; waits for those under way."""
        async with self._turn(job):
            yield

    async def sites(self, record: Record, limit: int, start: int = 0) -> Sequence[SiteSeen]:
        """Returns the sites with most URLs to visit from the `start`th on; from 0, all held ones too.

        For a job that does not run, nothing is known of their robots.txt.
        """
        held = set(record.held)
        crawl = await self._find_crawl(record.id)
        most = start + limit
        views = (crawl.sites(most) if crawl else await self._read_sites(record, most))[start:]
        others = held.difference(view.site for view in views) if start == 0 else ()
        idle = [SiteView(site, 0, 0, None) for site in sorted(others)]
        return [SiteSeen(*view, view.site in held) for view in (*views, *idle)]

    async def parked(self, record: Record) -> Sequence[Trap]:
        """Returns the patterns under which URLs are parked, the largest first."""
        if crawl := await self._find_crawl(record.id):
            traps = crawl.snapshot().counts.traps
            return sorted((trap for trap in traps if trap.parked), key=lambda trap: -trap.parked)
        file = self._file(record)
        return await self.ask(record.id, file, lambda opened: opened.parkings()) if file.exists() else ()

    async def explain(self, record: Record, text: str, *, is_offline: bool) -> Explanation:
        """Explains a URL, as `Jobs.explain` does."""
        if crawl := await self._find_crawl(record.id):
            return await crawl.explain(text, is_offline=is_offline)
        file = self._file(record)
        frontier = _AtRest(self, record.id, file) if file.exists() else None
        return await explain(text, self._settings_of(record), frontier=frontier, is_offline=is_offline)

    async def ask(self, job: str, file: Path, question: Callable[[Look], T]) -> T:
        """Returns the answer of `question`, which gets the frontier."""
        if crawl := await self._find_crawl(job):
            return await crawl.ask(question)
        turn = self._turn(job)
        await turn.acquire()
        found = start_in_thread(None, look, file, question)
        found.add_done_callback(lambda _: turn.release())  # the caller may be cancelled; the thread still reads
        return await asyncio.shield(found)

    async def _read_sites(self, record: Record, limit: int) -> Sequence[SiteView]:
        file, now = self._file(record), time.time()
        if not file.exists():
            return ()
        facts = find_site_facts(self._settings_of(record))
        found, note = await self.ask(record.id, file, lambda opened: (opened.busiest(MOST_READ), opened.note(NOTE)))
        busiest = found[:limit]  # the file leaves out sites where only retries wait: a limit there would count them
        pace = recall_slow_sites(Pace(), note)
        views = [SiteView(one.site, one.queued, 0, max(0.0, one.next_at - now)) for one in busiest]
        return [pace.show(view, view.delay_s, facts.politeness.adapt) for view in facts.complete(views)]

    async def _find_crawl(self, job: str) -> Crawl | None:
        """Returns the crawl of a running job, or None. Waits for a run that is opening or closing."""
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
    """The frontier of a job that was not running a moment ago."""

    inspector: Inspector
    job: str
    file: Path

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await self.inspector.ask(self.job, self.file, question)
