"""One run of one job: its seeds reach the frontier, its crawl goes to its end or until it is told to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from anyio import create_task_group

from ..api import Crawl
from ..engine.limits import NOTHING_SPENT, Spent
from ..errors import FolderError, StorageFull
from ..metrics.metrics import Ending, Snapshot, Summary
from ..model import Reason, Url
from ..policy.wider import lets_more_in
from ..runtime.thread_reader import batches
from ..settings import Config
from ..settings.loading import FIXED, Changes, amend, value_of
from . import spool
from .book import Book
from .job import Record, Seeds, weight
from .trouble import JobError
from .wishes import Wishes

Open = Callable[[Record], AbstractAsyncContextManager[Crawl]]
"""Opens the crawl of a job in its folder."""
TOLD_S = 0.2
"""How often a crawl that ran dry meanwhile hears of what was planted."""
COUNTED_S = 2.0
"""How often it is kept how many seeds were queued, while they are read."""
KEPT_S = 30.0
"""How often it is kept what a run took of its limits: `kill -9` gives so much of them back at most."""
SettingsOf = Callable[[Record], Config]


under_way: ContextVar[str | None] = ContextVar("job", default=None)
"""The job that what runs here belongs to; the log names it."""


class Run:
    """A job that runs. Told to stop, it ends as soon as what is in hand is done."""

    def __init__(self, job: str, book: Book, folder: Path, settings_of: SettingsOf, wishes: Wishes) -> None:
        self.job = job
        self.over = asyncio.Event()
        self.opened = asyncio.Event()
        """Set when its crawl was opened, or could not be."""
        self.uploaded = asyncio.Event()
        """Set when seeds were added."""
        self.is_told = False
        self.crawl: Crawl | None = None
        self.wished = asyncio.Event()
        """Set when somebody wants more of it."""
        self._bad: int | None = None
        """Seeds that could not be used so far."""
        self._queued: int | None = None
        """Those that were queued so far."""
        self.lags = False
        """It is over, and the job's settings let in more than its crawl took on."""
        self._book = book
        self.folder = folder
        self._settings_of = settings_of
        self._wishes = wishes
        self._granting = asyncio.Lock()
        """Wishes are carried out one after the other."""
        self._planting = asyncio.Lock()
        """Uploads reach the frontier one after the other."""
        self._snapshot: Snapshot | None = None
        self._bytes = self._most_bytes = 0
        """Downloaded before the crawl was taken up again for seeds that came late, and at the last look."""
        self._begun = 0.0
        self._before = NOTHING_SPENT

    @property
    def spent(self) -> dict[str, Any]:
        """Of the limits, by this run and those before, as fields of the record."""
        elapsed_s = time.monotonic() - self._begun if self._begun else 0.0
        received = max(self._bytes, self._most_bytes)
        return {"spent_s": self._before.time_s + elapsed_s, "spent_bytes": self._before.bytes + received}

    def stop(self) -> None:
        """Finish what is in hand."""
        self.is_told = True
        if self.crawl:
            self.crawl.stop()

    def abort(self) -> None:
        """Drop what is in hand; a later run fetches it again."""
        self.is_told = True
        if self.crawl:
            self.crawl.abort()

    @property
    def snapshot(self) -> Snapshot | None:
        """As it was looked at last; None: it has not begun."""
        return self._snapshot or self.look()

    def look(self) -> Snapshot | None:
        """Where it stands now."""
        if self.crawl:
            now = self.crawl.snapshot()
            self._most_bytes = max(self._most_bytes, self._bytes + now.bytes)
            self._snapshot = replace(now, bytes=self._most_bytes)
        return self._snapshot

    async def retune(self) -> Changes | None:
        """What the record says holds for the crawl that is under way. Raises ConfigError, FolderError, StorageFull."""
        crawl, record = self.crawl, self._book.record(self.job)
        if crawl is None:
            return None
        crawl.weight = weight(record.priority)
        for site in crawl.held.difference(record.held):
            crawl.let_go(site)
        for site in set(record.held).difference(crawl.held):
            crawl.hold(site)
        wanted = self._settings_of(record)
        return await crawl.change(amend(wanted, {key: value_of(crawl.config, key) for key in FIXED}))

    async def go(self, open_crawl: Open) -> Summary | None:
        """Until nothing is left to do, or it was told to stop: then None. Raises CrawlError."""
        record = self._book.record(self.job)
        if not (self.folder / "crawl.toml").is_file():
            raise FolderError(f"its folder {self.folder} is gone: put it back and resume, or remove the job")
        async with open_crawl(record) as crawl:
            self.crawl = crawl
            self.opened.set()
            await self.retune()  # something may have changed while it was opened
            self._begun, self._before = time.monotonic(), Spent(record.spent_s, record.spent_bytes)
            try:
                async with create_task_group() as tasks:
                    tasks.start_soon(self._plant_later, crawl)
                    tasks.start_soon(self._grant_later, crawl)
                    tasks.start_soon(self._keep_spent)
                    summary = await self._crawl(crawl)
                    self.lags = self._lags(crawl)
                    tasks.cancel_scope.cancel()
                return summary
            finally:
                self.look()
                self.crawl = None

    async def _crawl(self, crawl: Crawl) -> Summary | None:
        while not self._is_told():
            async with aclosing(self._begin(crawl)) as seeds:
                summary = await crawl.run(seeds, spent=Spent(*self.spent.values()))
            self._bytes += summary.bytes
            if summary.ended is not Ending.EXHAUSTED:
                await self._note_widened(crawl)
            if summary.ended is not Ending.EXHAUSTED or not self._has_more(crawl):
                return None if self._is_told() else summary
        return None

    async def _keep_spent(self) -> None:
        while True:
            await asyncio.sleep(KEPT_S)
            with suppress(JobError, StorageFull):  # whoever tells its end says so
                scope = self._settings_of(self._book.record(self.job)).scope
                if scope.time_limit_s is not None or scope.size_limit_bytes is not None:
                    await self._book.amend(self.job, **self.spent)

    def _is_told(self) -> bool:
        return self.is_told

    def _has_more(self, crawl: Crawl) -> bool:
        """Whether seeds, wishes or wider settings came while the crawl came to its end."""
        record = self._book.record(self.job)
        came = record.planted < record.uploads or record.wishes or (record.is_widened and not self._lags(crawl))
        return bool(came) or crawl.snapshot().counts.queued > 0

    def _lags(self, crawl: Crawl) -> bool:
        """Whether its settings let in more once it is opened again."""
        return lets_more_in(crawl.config, self._settings_of(self._book.record(self.job)))

    async def _note_widened(self, crawl: Crawl) -> None:
        """The crawl has looked at all that its settings of now let in."""
        if self._book.record(self.job).is_widened and not self._lags(crawl):
            await self._book.amend(self.job, is_widened=False)

    # -- wishes ------------------------------------------------------------------------------------------------------

    async def _grant_later(self, crawl: Crawl) -> None:
        """What is wanted while the crawl is under way."""
        while True:
            await self.wished.wait()
            self.wished.clear()
            await self._grant(crawl)

    async def _grant(self, crawl: Crawl) -> None:
        """Queue what is wanted, and only then note that it is. Killed meanwhile, the next run does it again."""
        async with self._granting:
            while wishes := self._book.record(self.job).wishes:
                wish = wishes[0]
                found = await crawl.reconsider(
                    retry=tuple(map(Reason, wish.retry)), unpark=wish.unpark, unpark_all=wish.unpark_all
                )
                await self._wishes.strike(self.job, wish, found.pages + found.again + found.unparked)

    # -- seeds -------------------------------------------------------------------------------------------------------

    def seeds(self, record: Record) -> Seeds:
        """The seeds of the job, as far as they were read by now."""
        bad = record.bad if self._bad is None else self._bad
        queued = record.queued if self._queued is None else self._queued
        return Seeds(record.given, bad, record.planted < record.uploads, queued)

    async def _begin(self, crawl: Crawl) -> AsyncGenerator[Url, None]:
        """What a run begins with, once it has looked at what its settings let in: wishes, then seeds."""
        await self._note_widened(crawl)
        await self._grant(crawl)
        async with aclosing(self._plant(crawl)) as planted:
            async for url in planted:
                yield url

    async def _plant_later(self, crawl: Crawl) -> None:
        """What is uploaded while the crawl is under way."""
        while True:
            await self.uploaded.wait()
            self.uploaded.clear()
            async with aclosing(self._plant(crawl)) as planted:
                async for _ in planted:
                    pass

    async def _plant(self, crawl: Crawl) -> AsyncGenerator[Url, None]:
        """Bring every upload that is not there yet to the frontier, whole, and only then note that it is.

        Killed meanwhile, the next run reads it again from its beginning: the frontier knows what it has. Yields a URL
        that is there now and then, so that whoever runs the crawl sees that something came.
        """
        told, kept = -TOLD_S, time.monotonic()
        async with self._planting:
            while (record := self._book.record(self.job)).planted < record.uploads:
                is_first = not record.planted and not record.is_adopted  # a repeated line there asks for nothing again
                self._queued = record.queued
                bad = spool.BadLines(self.folder, record.bad, record.bad_bytes)
                upload = spool.read(spool.path_of(self.folder, record.planted + 1), bad)
                async with aclosing(batches(upload)) as read:
                    async for batch in read:
                        self._queued += await crawl.add(batch, again=not is_first)
                        self._bad = bad.count
                        if (now := time.monotonic()) >= told + TOLD_S:
                            told = now
                            yield batch[-1]
                        if now >= kept + COUNTED_S:
                            kept = now
                            await self._book.amend(self.job, queued=self._queued)
                new: dict[str, Any] = {"planted": record.planted + 1, "queued": self._queued}
                self._bad = bad.count  # lines behind the last batch, too
                await self._book.amend(self.job, **new, bad=bad.count, bad_bytes=bad.length)
