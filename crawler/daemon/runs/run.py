"""One run of one job: brings its seeds to the frontier, and crawls until the end or until it is stopped."""

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

from ...api import Crawl
from ...engine.limits import NOTHING_SPENT, Spent
from ...errors import FolderError, StorageFull
from ...metrics.metrics import Ending, Snapshot, Summary
from ...model import Reason, Url
from ...policy.wider import lets_more_in
from ...runtime.thread_reader import read_batches
from ...settings import Config
from ...settings.catalog import FIXED
from ...settings.loading import Changes, amend, value_of
from ..errors import JobError
from ..jobs import spool
from ..jobs.job import Record, Seeds, weight_of
from ..jobs.registry import Registry
from ..jobs.wishes import Wishes

Open = Callable[[Record], AbstractAsyncContextManager[Crawl]]
"""Opens the crawl of a job in its folder."""
TOLD_S = 0.2
"""Seconds between two signs to a crawl that has nothing to do that seeds were queued."""
COUNTED_S = 2.0
"""Seconds between two stored counts of queued seeds, while seeds are read."""
KEPT_S = 30.0
"""Seconds between two times that the used part of the limits is stored: `kill -9` forgets at most this much."""
SettingsOf = Callable[[Record], Config]


current_job: ContextVar[str | None] = ContextVar("job", default=None)
"""The job that the running code belongs to; the log names it."""


class Run:
    """A running job. When it is stopped, it ends after the visits under way."""

    def __init__(self, job: str, registry: Registry, folder: Path, settings_of: SettingsOf, wishes: Wishes) -> None:
        self.job = job
        self.over: asyncio.Event = asyncio.Event()
        self.opened: asyncio.Event = asyncio.Event()
        """Set when its crawl was opened, or failed to open."""
        self.uploaded: asyncio.Event = asyncio.Event()
        """Set when seeds were added."""
        self.is_told: bool = False
        self.crawl: Crawl | None = None
        self.wished: asyncio.Event = asyncio.Event()
        """Set when a wish was stored."""
        self._bad: int | None = None
        """Unusable seeds so far."""
        self._queued: int | None = None
        """Queued seeds so far."""
        self.lags: bool = False
        """Whether, at the end of the run, the job's settings admit more URLs than its crawl could take on."""
        self._registry = registry
        self.folder = folder
        self._settings_of = settings_of
        self._wishes = wishes
        self._granting = asyncio.Lock()
        """Wishes are carried out one after the other."""
        self._planting = asyncio.Lock()
        """Uploads reach the frontier one after the other."""
        self._snapshot: Snapshot | None = None
        self._bytes = self._most_bytes = 0
        """Bytes downloaded before the crawl was continued for late seeds, and the largest figure seen."""
        self.bytes_before: int = registry.record(job).bytes
        """Bytes downloaded by earlier runs. The record holds those of this one as well once its end is written."""
        self._begun = 0.0
        self._before = NOTHING_SPENT

    @property
    def spent(self) -> dict[str, Any]:
        """The used part of the limits, by this run and those before, as fields of the record."""
        elapsed_s = time.monotonic() - self._begun if self._begun else 0.0
        received = max(self._bytes, self._most_bytes)
        return {"spent_s": self._before.time_s + elapsed_s, "spent_bytes": self._before.bytes + received}

    def stop(self) -> None:
        """Stops the run: visits under way are finished."""
        self.is_told = True
        if self.crawl:
            self.crawl.stop()

    def abort(self) -> None:
        """Drops the visits under way; a later run makes them again."""
        self.is_told = True
        if self.crawl:
            self.crawl.abort()

    @property
    def snapshot(self) -> Snapshot | None:
        """The figures of the last look; None: the run has not begun."""
        return self._snapshot or self.look()

    def look(self) -> Snapshot | None:
        """Takes the run's figures now, and returns them."""
        if self.crawl:
            now = self.crawl.snapshot()
            self._most_bytes = max(self._most_bytes, self._bytes + now.bytes)
            self._snapshot = replace(now, bytes=self._most_bytes)
        return self._snapshot

    async def retune(self, who: str) -> Changes | None:
        """Applies the settings in the record to the running crawl. Returns the changes; None if no crawl is open.

        Raises ConfigError, FolderError, StorageFull.
        """
        crawl, record = self.crawl, self._registry.record(self.job)
        if crawl is None:
            return None
        crawl.weight = weight_of(record.priority)
        for site in crawl.held.difference(record.held):
            crawl.let_go(site)
        for site in set(record.held).difference(crawl.held):
            crawl.hold(site)
        wanted = self._settings_of(record)
        kept = {key: value_of(crawl.config, key) for key in FIXED}
        return await crawl.change(amend(wanted, kept), who=who)

    async def go(self, open_crawl: Open) -> Summary | None:
        """Runs until nothing is left to do, and returns the summary; None if it was stopped. Raises CrawlError."""
        record = self._registry.record(self.job)
        if not (self.folder / "crawl.toml").is_file():
            raise FolderError(f"its folder {self.folder} is gone: put it back and resume, or remove the job")
        async with open_crawl(record) as crawl:
            self.crawl = crawl
            self.opened.set()
            await self.retune("daemon")  # settings may have changed while it was opened
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
                self._bytes = self._most_bytes
                summary = await crawl.run(seeds, spent=Spent(*self.spent.values()))
            self._most_bytes = self._bytes + summary.bytes
            if summary.ended is not Ending.EXHAUSTED:
                await self._note_widened(crawl)
            if summary.ended is not Ending.EXHAUSTED or not self._has_more(crawl):
                return None if self._is_told() else summary
        return None

    async def _keep_spent(self) -> None:
        while True:
            await asyncio.sleep(KEPT_S)
            with suppress(JobError, StorageFull):  # the end of the run reports it
                scope = self._settings_of(self._registry.record(self.job)).scope
                if scope.time_limit_s is not None or scope.size_limit_bytes is not None:
                    await self._registry.amend(self.job, **self.spent)

    def _is_told(self) -> bool:
        return self.is_told

    def _has_more(self, crawl: Crawl) -> bool:
        """Whether seeds, wishes or wider settings came while the crawl was ending."""
        record = self._registry.record(self.job)
        came = record.planted < record.uploads or record.wishes or (record.is_widened and not self._lags(crawl))
        return bool(came) or crawl.snapshot().counts.queued > 0

    def _lags(self, crawl: Crawl) -> bool:
        """Whether the job's settings would admit more URLs if its crawl were opened again."""
        return lets_more_in(crawl.config, self._settings_of(self._registry.record(self.job)))

    async def _note_widened(self, crawl: Crawl) -> None:
        """Clears `is_widened`, once the crawl has looked at everything that its present settings admit."""
        if self._registry.record(self.job).is_widened and not self._lags(crawl):
            await self._registry.amend(self.job, is_widened=False)

    # -- wishes ------------------------------------------------------------------------------------------------------

    async def _grant_later(self, crawl: Crawl) -> None:
        """Carries out wishes that come while the crawl runs."""
        while True:
            await self.wished.wait()
            self.wished.clear()
            await self._grant(crawl)

    async def _grant(self, crawl: Crawl) -> None:
        """Queues the URLs of each wish, and only then removes the wish. After a kill, the next run does it again."""
        async with self._granting:
            while wishes := self._registry.record(self.job).wishes:
                wish = wishes[0]
                found = await crawl.reconsider(
                    retry=tuple(map(Reason, wish.retry)), unpark=wish.unpark, unpark_all=wish.unpark_all
                )
                await self._wishes.finish(self.job, wish, found.pages + found.again + found.unparked)

    # -- seeds -------------------------------------------------------------------------------------------------------

    def seeds(self, record: Record) -> Seeds:
        """Returns the counts of the job's seeds, as far as they are read."""
        bad = record.bad if self._bad is None else self._bad
        queued = record.queued if self._queued is None else self._queued
        return Seeds(record.given, bad, record.planted < record.uploads, queued)

    async def _begin(self, crawl: Crawl) -> AsyncGenerator[Url, None]:
        """Carries out wishes, then yields the seeds, at the start of a run."""
        await self._note_widened(crawl)
        await self._grant(crawl)
        async with aclosing(self._plant(crawl)) as planted:
            async for url in planted:
                yield url

    async def _plant_later(self, crawl: Crawl) -> None:
        """Reads seeds that are uploaded while the crawl runs."""
        while True:
            await self.uploaded.wait()
            self.uploaded.clear()
            async with aclosing(self._plant(crawl)) as planted:
                async for _ in planted:
                    pass

    async def _plant(self, crawl: Crawl) -> AsyncGenerator[Url, None]:
        """Brings each new upload to the frontier, and notes it only when all of it is there.

        After a kill, the next run reads the upload again from its start: the frontier knows what it has. Yields a
        queued URL now and then, so that the crawl sees that there is work.
        """
        told, kept = -TOLD_S, time.monotonic()
        async with self._planting:
            while (record := self._registry.record(self.job)).planted < record.uploads:
                is_first = not record.planted and not record.is_adopted  # a repeated line in it repeats no visit
                self._queued = record.queued
                bad = spool.BadLines(self.folder, record.bad, record.bad_bytes)
                upload = spool.read(spool.path_of(self.folder, record.planted + 1), bad)
                async with aclosing(read_batches(upload)) as read:
                    async for batch in read:
                        self._queued += await crawl.add(batch, again=False if is_first else "failed")
                        self._bad = bad.count
                        if (now := time.monotonic()) >= told + TOLD_S:
                            told = now
                            yield batch[-1]
                        if now >= kept + COUNTED_S:
                            kept = now
                            await self._registry.amend(self.job, queued=self._queued)
                new: dict[str, Any] = {"planted": record.planted + 1, "queued": self._queued}
                self._bad = bad.count  # includes lines after the last batch
                await self._registry.amend(self.job, **new, bad=bad.count, bad_bytes=bad.length)
