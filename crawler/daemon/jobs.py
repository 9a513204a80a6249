"""The door to all jobs: submit, look, change, pause, resume, cancel, remove; what HTTP offers is offered here first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    suppress,
)
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ..api import Crawl
from ..engine.slots import Places
from ..errors import CrawlError
from ..explanation import Explanation
from ..metrics.metrics import Snapshot
from ..settings import Config
from ..settings.loading import explicit, fields
from ..standing import Trap
from . import asking, retention, wishes
from .book import Book, Draft
from .events import Event, Events, Kind, Listener
from .job import Job, JobPatch, JobSpec, Origin, Record, Settings, SiteSeen, Template, Wish, seen
from .owners import Rule, within
from .progress import progress
from .reloading import taken
from .remedies import HELPED, remedies
from .running import Running
from .schedules import Schedules
from .settings import DaemonConfig
from .states import State, Verb
from .stats import Point, Series
from .store import Store
from .submission import Lines, Reception
from .trouble import NoSuchJob, WrongState

log = logging.getLogger(__name__)

API = "api"
MOST_LISTED = 1000
NOTHING_CHOSEN = Config()


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of changed settings, by their full names."""

    applied: tuple[str, ...]
    """They hold already; those of a job that does not run hold from its next run on."""
    needs_restart: tuple[str, ...]
    """They hold once the job was paused and resumed, or the daemon was started again."""


class Jobs:
    """All jobs of a daemon. `open_jobs` makes it. Whatever returns is kept: `kill -9` and power cuts do not undo it.

    Every call that names a job raises NoSuchJob where there is none; every call that changes something raises
    StorageFull or StoreError where it cannot be kept, and has then changed nothing.
    """

    def __init__(
        self, book: Book, store: Store, reception: Reception, running: Running, events: Events, places: Places
    ) -> None:
        self._book = book
        self._reception = reception
        self._running = running
        self._events = events
        self._folders = reception.folders
        self._places = places
        self._retuned = asyncio.Event()
        self.data = self._folders.data
        """The folder of all of it."""
        self.schedules = Schedules(store, self, book.now)
        """Jobs that are asked for again and again."""
        self.store = store
        """The database, for rooms that keep tables of their own in it."""

    @property
    def config(self) -> DaemonConfig:
        return self._reception.config

    @property
    def base(self) -> Config:
        """What every job begins with: the crawl settings of the daemon's own file."""
        return self._reception.base

    @property
    def rule(self) -> Rule:
        """That, and what no job may go beyond."""
        return self._reception.rule

    def adopt(self, config: DaemonConfig, base: Config) -> Changed:
        """Other settings for the daemon, as far as it can take them on now; those of jobs hold for their next run."""
        told = taken((self.config, self.base), (config, within(base, config.bounds)))
        self._reception.config, self._reception.base = told.config, told.base
        self._running.config = told.config
        self._places.most = told.config.concurrency
        self._running.look_around()
        self._retuned.set()
        return Changed(told.applied, told.needs_restart)

    async def keep_clear(self) -> None:
        """Remove jobs that are over for long enough, until cancelled."""
        await retention.keep_clear(self._reception, self._running.runs, self._retuned)

    def hurry(self) -> None:
        """The daemon is to leave now: what is in hand is dropped, and fetched again by the next one."""
        for run in self._running.runs.values():
            run.abort()

    # -- asking for jobs ---------------------------------------------------------------------------------------------

    async def submit(
        self, spec: JobSpec, seeds: Lines, idempotency_key: str | None = None, *, who: str = API
    ) -> tuple[Job, bool]:
        """The new job; or the one asked for with this key before, and False.

        Seeds are URLs, a line each as in a file of the command line; they never stand in memory together. Raises
        BadSettings, BadSeeds, BadJob, Full, KeyReused; NoSuchJob for a template.
        """
        record, is_new = await self._reception.submit(spec, seeds, idempotency_key, who)
        self._running.look_around()
        return self._seen(record), is_new

    async def plant(self, job: str, seeds: Lines, *, who: str = API) -> int:
        """Further seeds, for a job in any state; how many lines. One that is over reads them when it is resumed.

        Raises BadSeeds, Full.
        """
        given = await self._reception.plant(job, seeds, who)
        if run := self._running.runs.get(job):
            run.uploaded.set()
        return given

    async def retry(self, job: str, reasons: Sequence[str] = (), *, who: str = API) -> int | None:
        """Visit again what failed for these reasons; none: for any. A job that is over is resumed for it.

        Returns how many URLs were queued; None: that is not known yet, and kept until the job runs. Raises BadJob,
        WrongState.
        """
        return await self._want(job, wishes.retrying(reasons), who)

    async def unpark(self, job: str, patterns: Sequence[str] = (), *, who: str = API) -> int | None:
        """Fetch what is parked under these patterns; none: all of it. As `retry` does. Raises Full, WrongState."""
        return await self._want(job, wishes.unparking(patterns), who)

    # -- looking -----------------------------------------------------------------------------------------------------

    def find(self, job: str) -> Job:
        """Where the job stands."""
        return self._seen(self._book.record(job))

    def list(
        self, state: State | None = None, after: str | None = None, limit: int = 100, *, name: str = "", label: str = ""
    ) -> list[Job]:
        """The newest first; `after` is the id of the last one that was seen.

        Only those whose name holds `name` in letters of any size, and that have the label: `team`, or `team=search`.
        """
        records = self._book.records() if state is None else self._book.in_state(state)
        newest = sorted(records, key=lambda record: record.id, reverse=True)
        wanted = (record for record in newest if record.is_called(name) and record.is_labelled(label))
        older = (record for record in wanted if after is None or record.id < after)
        return [self._seen(record) for record in islice(older, min(limit, MOST_LISTED))]

    @property
    def is_open(self) -> bool:
        """Whether jobs are started; not while the daemon stops."""
        return not self._running.is_closing

    def numbers(self) -> Mapping[State, int]:
        """How many jobs are in each state."""
        return self._book.numbers()

    def snapshot(self, job: str) -> Snapshot | None:
        """What its run says, at most a second old; None: it does not run."""
        self._book.record(job)
        run = self._running.runs.get(job)
        return run.snapshot if run else None

    def crawl(self, job: str) -> Crawl | None:
        """The crawl of a job that runs."""
        run = self._running.runs.get(job)
        return run.crawl if run else None

    def running(self) -> Sequence[Job]:
        """All jobs that have a run."""
        return [self._seen(self._book.record(job)) for job in self._running.runs if job in self._book]

    def stats(self, job: str, since: float = 0.0) -> Sequence[Point]:
        """How it went from then on (Unix seconds), since this daemon was started."""
        self._book.record(job)
        return self._running.series.get(job, Series()).since(since)

    def folder(self, job: str) -> Path:
        """The crawl folder."""
        return self._folders.path(self._book.record(job))

    def settings(self, job: str) -> Config:
        """All settings the job runs with, secrets and all."""
        return asking.ruled(self._book.record(job).settings, self.rule)

    def origins(self, job: str) -> Mapping[str, Origin]:
        """Who chose its settings, by full name; those that are not here are defaults."""
        record = self._book.record(job)
        daemons = dict.fromkeys(explicit(self.base), Origin.DAEMON)
        own = dict.fromkeys(asking.named(record.settings), Origin.JOB)
        return {**daemons, **own, **{name: Origin.TEMPLATE for name in record.inherited if name in own}}

    async def sites(self, job: str, limit: int = 100) -> Sequence[SiteSeen]:
        """The sites with most to do, and those that are held; also of a job at rest. Raises FrontierError."""
        return await self._running.looks.sites(self._book.record(job), limit)

    async def parked(self, job: str) -> Sequence[Trap]:
        """The patterns under which URLs are parked, those that hold most first. Raises FrontierError."""
        return await self._running.looks.parked(self._book.record(job))

    async def explain(self, job: str, text: str, *, is_offline: bool = False) -> Explanation:
        """Why (not), for one URL, and what became of it. Its site is asked for robots.txt, unless offline.

        Raises UrlError, FrontierError, ConfigError; BadSettings where it may not be asked any more.
        """
        if not is_offline:
            record = self._book.record(job)
            asking.check_still(record.settings, self.rule, is_adopted=record.is_adopted)
        return await self._running.looks.explain(self._book.record(job), text, is_offline=is_offline)

    # -- steering ----------------------------------------------------------------------------------------------------

    async def pause(self, job: str, *, who: str = API) -> Job:
        """It starts nothing further and gives its place to another; visits in hand are finished. Raises WrongState."""
        await self._book.move(job, Verb.PAUSE, who)
        self._running.halt(job)
        return self.find(job)

    async def resume(self, job: str, *, who: str = API) -> Job:
        """It goes on where it stood, as soon as there is a place; also a job that is over, to see whether more came."""
        await self._book.move(job, Verb.RESUME, who)
        self._running.look_around()
        return self.find(job)

    async def cancel(self, job: str, *, who: str = API) -> Job:
        """It ends at once; what it has fetched stays. Raises WrongState."""
        await self._book.move(job, Verb.CANCEL, who)
        self._running.halt(job, at_once=True)
        return self.find(job)

    async def remove(self, job: str, *, who: str = API) -> None:
        """The job, its history and its folder are gone; one that is not over is cancelled first."""
        if not self._book.record(job).state.is_over:
            with suppress(WrongState):  # it came to its end meanwhile
                await self.cancel(job, who=who)
        await self._running.rest(job)
        await self._reception.remove([job], who)
        self._running.series.pop(job, None)

    async def change(
        self, job: str, settings: Settings, *, name: str | None = None, priority: int | None = None,
        labels: Mapping[str, str] | None = None, who: str = API,
    ) -> Changed:  # fmt: skip
        """Change settings, by the names they have in TOML, and what a job is called: all of it, or nothing.

        Raises BadSettings, BadJob.
        """
        keys = await self._reception.change(job, JobPatch(settings, name, priority, labels), who)
        self._running.look_around()
        pending = await self._retune(job)
        return Changed(tuple(key for key in keys if key not in pending), tuple(key for key in keys if key in pending))

    async def hold(self, job: str, site: str, *, who: str = API) -> None:
        """No further visits to a site, given by any of its URLs, until it is let go. Raises UrlError."""
        await self._reception.hold(job, site, True, who)
        await self._retune(job)

    async def let_go(self, job: str, site: str, *, who: str = API) -> None:
        """The site may be visited again. Raises UrlError."""
        await self._reception.hold(job, site, False, who)
        await self._retune(job)

    # -- what happened -----------------------------------------------------------------------------------------------

    async def history(self, job: str, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """What became of the job, who did it and when: the events that are kept, the oldest first."""
        self._book.record(job)
        return await self.store.events(after, job, limit)

    async def events(self, after: int, job: str | None = None, limit: int = 1000) -> Sequence[Event]:
        """The kept events that followed the one with this id."""
        return await self.store.events(after, job, limit)

    def listen(self, job: str | None = None) -> AbstractContextManager[Listener]:
        """What happens from now on, in batches; whoever is too slow is told so and cut off, and nobody waits for him.

        To miss nothing, listen first, then replay `events`, and skip what was heard already by its id.
        """
        return self._events.listening(job)

    @property
    def last_event(self) -> int:
        return self._book.last_event

    async def note(self, job: str | None, data: Mapping[str, object]) -> None:
        """Something a person should know, of a job or of all."""
        await self._book.change(lambda: Draft(news=[(job if job and job in self._book else None, Kind.NOTE, data)]))

    def webhooks(self) -> Sequence[str]:
        """What is sent every change of any job's state."""
        return self.config.webhooks

    def webhook(self, job: str) -> str:
        """What is sent those of this job; empty: nothing, or there is no such job."""
        return self._book.record(job).webhook if job in self._book else ""

    # -- templates ---------------------------------------------------------------------------------------------------

    @property
    def templates(self) -> Mapping[str, Template]:
        return self._book.templates

    async def put_template(self, template: Template) -> None:
        """Keep it under its name; jobs made from an older one stay as they are. Raises BadJob, BadSettings."""
        asking.check_names(JobSpec(template.name, priority=template.priority, labels=template.labels))
        chosen = asking.choose(template.settings, self.rule)
        await self._book.change(lambda: Draft(templates=[replace(template, settings=chosen)]))

    async def remove_template(self, name: str) -> None:
        """Raises NoSuchJob."""
        if name not in self._book.templates:
            raise NoSuchJob(f"there is no template {name[:100]!r}")
        await self._book.change(lambda: Draft(removed_templates=[name]))

    # ----------------------------------------------------------------------------------------------------------------

    async def _want(self, job: str, wish: Wish, who: str) -> int | None:
        await self._reception.check_folder(job)
        coming = await self._running.wishes.keep(job, wish, who)
        self._running.look_around()
        if run := self._running.runs.get(job):
            run.wished.set()
        if self._book.record(job).state is State.PAUSED:
            self._running.wishes.forget(job, coming)
            return None
        return await self._running.wishes.told(job, coming)

    async def _retune(self, job: str) -> Container[str]:
        """Let what was kept hold for the run that is under way; the names of what it cannot take on."""
        run = self._running.runs.get(job)
        try:
            told = await run.retune() if run else None
        except (CrawlError, OSError) as error:
            log.warning("job %s takes on its new settings when it is resumed: %s", job, error)
            return fields()
        return [one.key for one in told.needs_restart] if told else ()

    def _seen(self, record: Record) -> Job:
        run = self._running.runs.get(record.id)
        shown = asking.masked(record.settings)
        job = seen(record, shown, run.snapshot, run.seeds(record)) if run else seen(record, shown, None)
        spent = run.spent if run else {"spent_s": record.spent_s, "spent_bytes": record.spent_bytes}
        job = replace(job, progress=progress(record, self.base, job.counts, **spent))
        if not run or job.bound_by not in HELPED:
            return job
        return replace(job, remedies=remedies(job.bound_by, self.settings(record.id), self.config.concurrency))
