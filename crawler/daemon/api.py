"""The API of all jobs in Python: submit, look, change, pause, resume, cancel, remove. The HTTP API calls it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..api import Crawl
from ..assembly.shared import Shared
from ..explanation import Explanation
from ..metrics.metrics import Snapshot
from ..protocols import Output
from ..settings import Config
from ..settings.loading import chosen_settings
from ..standing import Trap
from .errors import WrongState
from .events import Event, Events, Kind, Listener
from .jobs import retention, validation, wishes
from .jobs.job import Expected, Job, JobPatch, JobSpec, Origin, Record, Settings, SiteSeen, Template, Wish, view_job
from .jobs.listing import After, Sort, sort_jobs
from .jobs.progress import progress
from .jobs.registry import Draft, Registry
from .jobs.states import State, Verb
from .jobs.store import Store
from .jobs.submission import Lines, Submissions
from .owners import Rule, clamp_to_bounds
from .reload import Changed, merge_reloaded
from .runs.changes import PageChanges
from .runs.records import outputs
from .runs.remedies import HELPED, find_remedies
from .runs.reports import Reports
from .runs.scheduler import Scheduler
from .runs.stats import Point, Series
from .schedules.submitter import Schedules
from .settings import DaemonConfig

log = logging.getLogger(__name__)

API, MOST_LISTED = "api", 1000
NOTHING_CHOSEN = Config()


class Jobs:
    """All jobs of a daemon; `open_jobs` makes it. When a call returns, its change survives `kill -9` and power cuts.

    Every call that names a job raises NoSuchJob if there is none. Every call that changes something raises
    StorageFull or StoreError if the change cannot be stored; then nothing has changed. `expected` are revisions: if
    the job has none of them when the change is made, the call raises Outdated and changes nothing.
    """

    def __init__(
        self,
        registry: Registry,
        store: Store,
        reception: Submissions,
        scheduler: Scheduler,
        events: Events,
        shared: Shared,
    ) -> None:
        self._registry = registry
        self._reception = reception
        self._scheduler = scheduler
        self._events = events
        self._folders = reception.folders
        self.shared: Shared = shared
        """The parts that all its crawls share."""
        self._retuned = asyncio.Event()
        self.data: Path = self._folders.data
        """The daemon's data folder."""
        self.schedules: Schedules = Schedules(store, self, registry.now)
        """The schedules, which submit jobs again and again."""
        self.reports: Reports = Reports(scheduler.runs, self.outputs, self.folder)
        """The reports, counted from the jobs' records."""
        self.changes: PageChanges = PageChanges(self, scheduler.inspector)
        """The pages that visits of jobs found to be new, changed, moved or gone."""
        self.store = store
        """The database, for modules that keep tables of their own in it."""

    @property
    def config(self) -> DaemonConfig:
        """The daemon's own settings in force."""
        return self._reception.config

    @property
    def base(self) -> Config:
        """The settings that every job starts from: the crawl settings of the daemon's own file."""
        return self._reception.base

    @property
    def rule(self) -> Rule:
        """The settings that every job starts from, and the bounds that no job may exceed."""
        return self._reception.rule

    def adopt(self, config: DaemonConfig, base: Config) -> Changed:
        """Takes on new settings, as far as a running daemon can. Settings of jobs take effect with their next run."""
        told = merge_reloaded((self.config, self.base), (config, clamp_to_bounds(base, config.bounds)))
        self._reception.config, self._reception.base = told.config, told.base
        self._scheduler.config = told.config
        self.shared.places.most = told.config.concurrency
        self.shared.network.throttle.change(told.base.fetch.bytes_per_s)
        self._scheduler.check_queue()
        self._retuned.set()
        return Changed(told.applied, told.needs_restart)

    async def keep_clear(self) -> None:
        """Removes jobs that ended longer than `retention_s` ago, until cancelled."""
        await retention.keep_clear(self._reception, self._scheduler.runs, self._retuned)

    def hurry(self) -> None:
        """Drops all visits under way, because the daemon stops at once. The next daemon makes them again."""
        for run in self._scheduler.runs.values():
            run.abort()

    # -- asking for jobs ---------------------------------------------------------------------------------------------

    async def submit(
        self, spec: JobSpec, seeds: Lines, idempotency_key: str | None = None, *, who: str = API
    ) -> tuple[Job, bool]:
        """Returns a new job and True, or the job that was submitted with the same key before and False.

        Seeds are URLs, one a line as in a seed file; they are never all in memory at once. Raises BadSettings,
        BadSeeds, BadJob, Full, KeyReused; NoSuchJob for an unknown template.
        """
        record, is_new = await self._reception.submit(spec, seeds, idempotency_key, who)
        self._scheduler.check_queue()
        return self._seen(record), is_new

    async def run_again(
        self, job: str, spec: JobSpec | None = None, seeds: Sequence[str] | None = None, *, without: Sequence[str] = (),
        idempotency_key: str | None = None, who: str = API,
    ) -> tuple[Job, bool]:  # fmt: skip
        """Returns a new job like this one and True, or one and False as `submit` does.

        `spec` and `seeds` come over what the job has; settings that `without` names are the daemon's again. Raises
        WrongState if its seeds are gone, and as `submit` does.
        """
        asked = spec or JobSpec()
        record, is_new = await self._reception.run_again(job, asked, without, seeds, idempotency_key, who)
        self._scheduler.check_queue()
        return self._seen(record), is_new

    async def plant(self, job: str, seeds: Lines, idempotency_key: str | None = None, *, who: str = API) -> int:
        """Adds seeds to a job in any state, and returns the number of lines. Raises BadSeeds, Full, KeyReused.

        A job that has ended reads them when it is resumed. The same seeds with the same key are added once.
        """
        given = await self._reception.plant(job, seeds, idempotency_key, who)
        if run := self._scheduler.runs.get(job):
            run.uploaded.set()
        return given

    async def retry(
        self, job: str, reasons: Sequence[str] = (), *, expected: Expected = None, who: str = API
    ) -> int | None:
        """Visits URLs again that failed for these reasons; without reasons, all failed ones.

        Resumes a job that has ended. Returns how many URLs were queued; None if that is not known yet: the wish is
        stored until the job runs. Raises BadJob, WrongState.
        """
        return await self._want(job, wishes.make_retry_wish(reasons), who, expected)

    async def unpark(
        self, job: str, patterns: Sequence[str] = (), *, expected: Expected = None, who: str = API
    ) -> int | None:
        """Fetches the URLs parked under these patterns; without patterns, all parked ones.

        Resumes the job and returns a number as `retry` does. Raises Full, WrongState.
        """
        return await self._want(job, wishes.make_unpark_wish(patterns), who, expected)

    # -- looking -----------------------------------------------------------------------------------------------------

    def find(self, job: str) -> Job:
        """Returns the job as it is now."""
        return self._seen(self._registry.record(job))

    def list(
        self, state: State | None = None, after: After | None = None, limit: int = 100, *, name: str = "",
        label: str = "", sort: Sort = Sort.CREATED, is_ascending: bool = False,
    ) -> list[Job]:  # fmt: skip
        """Returns jobs, the newest or largest first. `after` is the last job of the page before.

        Only jobs whose name contains `name`, whatever its case, and that have the label: `team`, or `team=search`.
        """
        records = self._registry.records() if state is None else self._registry.in_state(state)
        wanted = (record for record in records if record.is_called(name) and record.is_labelled(label))
        ordered = sort_jobs(wanted, sort, self._scheduler.figures_of, is_ascending=is_ascending, after=after)
        return [self._seen(record) for record in ordered[: min(limit, MOST_LISTED)]]

    @property
    def is_open(self) -> bool:
        """Whether jobs are started; false while the daemon stops."""
        return not self._scheduler.is_closing

    def numbers(self) -> Mapping[State, int]:
        """Returns how many jobs are in each state."""
        return self._registry.numbers()

    def snapshot(self, job: str) -> Snapshot | None:
        """Returns the figures of a running job, at most a second old; None if it is not running."""
        self._registry.record(job)
        run = self._scheduler.runs.get(job)
        return run.snapshot if run else None

    def crawl(self, job: str) -> Crawl | None:
        """Returns the crawl of a running job; None if it is not running."""
        run = self._scheduler.runs.get(job)
        return run.crawl if run else None

    def running(self) -> Sequence[Job]:
        """Returns all jobs that have a run."""
        return [self._seen(self._registry.record(job)) for job in self._scheduler.runs if job in self._registry]

    def stats(self, job: str, since: float = 0.0) -> Sequence[Point]:
        """Returns the job's figures over time from `since` (Unix seconds), as far as this daemon has recorded them."""
        self._registry.record(job)
        return self._scheduler.series.get(job, Series()).since(since)

    def folder(self, job: str) -> Path:
        """Returns the job's crawl folder."""
        return self._folders.path(self._registry.record(job))

    async def outputs(self, job: str) -> Sequence[Output]:
        """Returns the outputs of the job, to be read back. Raises ConfigError if its folder's settings are damaged."""
        folder, chosen = self.folder(job), partial(self.settings, job)
        return await asyncio.to_thread(outputs, folder, chosen, self.base, self._folders.trust)

    def settings(self, job: str) -> Config:
        """Returns all settings that the job runs with, secrets included."""
        return validation.apply_rules(self._registry.record(job).settings, self.rule)

    def origins(self, job: str) -> Mapping[str, Origin]:
        """Returns where the job's settings come from, by full name. Settings that are not in it are defaults."""
        record = self._registry.record(job)
        daemons = dict.fromkeys(chosen_settings(self.base), Origin.DAEMON)
        own = dict.fromkeys(validation.flatten_settings(record.settings), Origin.JOB)
        return {**daemons, **own, **{name: Origin.TEMPLATE for name in record.inherited if name in own}}

    async def sites(self, job: str, limit: int = 100, start: int = 0) -> Sequence[SiteSeen]:
        """Returns the sites with most URLs to visit, from number `start` on; from 0, all held ones too."""
        return await self._scheduler.inspector.sites(self._registry.record(job), limit, start)

    async def parked(self, job: str) -> Sequence[Trap]:
        """Returns the patterns under which URLs are parked, the largest first. Raises FrontierError."""
        return await self._scheduler.inspector.parked(self._registry.record(job))

    async def explain(self, job: str, text: str, *, is_offline: bool = False) -> Explanation:
        """Explains why the job fetches a URL or not, and its outcome. Asks the site for robots.txt, unless offline.

        Raises UrlError, FrontierError, ConfigError; BadSettings if the job's settings are no longer allowed.
        """
        if not is_offline:
            record = self._registry.record(job)
            validation.check_still(record.settings, self.rule, is_adopted=record.is_adopted)
        return await self._scheduler.inspector.explain(self._registry.record(job), text, is_offline=is_offline)

    # -- steering ----------------------------------------------------------------------------------------------------

    async def pause(self, job: str, *, expected: Expected = None, who: str = API) -> Job:
        """Pauses the job: it finishes visits under way, starts no new ones, and gives its place to another job.

        Raises WrongState.
        """
        await self._registry.move(job, Verb.PAUSE, who, expected=expected)
        self._scheduler.stop_run(job)
        return self.find(job)

    async def resume(self, job: str, *, expected: Expected = None, who: str = API) -> Job:
        """Resumes the job as soon as there is a place. A job that has ended looks whether there is more to do."""
        await self._registry.move(job, Verb.RESUME, who, expected=expected)
        self._scheduler.check_queue()
        return self.find(job)

    async def cancel(self, job: str, *, expected: Expected = None, who: str = API) -> Job:
        """Ends the job at once; its pages are kept. Raises WrongState."""
        await self._registry.move(job, Verb.CANCEL, who, expected=expected)
        self._scheduler.stop_run(job, at_once=True)
        return self.find(job)

    async def remove(self, job: str, *, expected: Expected = None, who: str = API) -> None:
        """Removes the job, its history and its folder. A job that has not ended is cancelled first."""
        if not self._registry.record(job, expected).state.is_over:
            with suppress(WrongState):  # it has ended meanwhile
                await self.cancel(job, expected=expected, who=who)
                expected = None  # our own change
        await self._scheduler.wait_until_idle(job)
        await self._reception.remove([job], who, expected)
        self._scheduler.series.pop(job, None)

    async def change(
        self, job: str, settings: Settings, *, name: str | None = None, priority: int | None = None,
        labels: Mapping[str, str] | None = None, expected: Expected = None, who: str = API,
    ) -> Changed:  # fmt: skip
        """Changes settings (by their names in TOML), name, priority and labels of a job: all of it, or nothing.

        Raises BadSettings, BadJob.
        """
        keys = await self._reception.change(job, JobPatch(settings, name, priority, labels), who, expected)
        self._scheduler.check_queue()
        pending = await self._scheduler.retune(job, who)
        return Changed(tuple(key for key in keys if key not in pending), tuple(key for key in keys if key in pending))

    async def hold(self, job: str, site: str, *, expected: Expected = None, who: str = API) -> None:
        """Starts no further visits to a site, given by any of its URLs, until it is released. Raises UrlError."""
        await self._reception.hold(job, site, True, who, expected)
        await self._scheduler.retune(job, who)

    async def let_go(self, job: str, site: str, *, expected: Expected = None, who: str = API) -> None:
        """Releases a site, so that it is visited again. Raises UrlError."""
        await self._reception.hold(job, site, False, who, expected)
        await self._scheduler.retune(job, who)

    # -- what happened -----------------------------------------------------------------------------------------------

    async def history(self, job: str, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """Returns the stored events of the job, the oldest first: what changed, when, and who did it."""
        self._registry.record(job)
        return await self.store.events(after, job, limit)

    async def events(self, after: int, job: str | None = None, limit: int = 1000) -> Sequence[Event]:
        """Returns the stored events after the one with this id."""
        return await self.store.events(after, job, limit)

    def listen(self, job: str | None = None) -> AbstractContextManager[Listener]:
        """Opens a listener for events from now on, in batches.

        A listener that is too slow gets a gap event and is cut off. To miss nothing, listen first, then replay
        `events`, and skip by id the events that came twice.
        """
        return self._events.listening(job)

    @property
    def last_event(self) -> int:
        """The id of the latest stored event."""
        return self._registry.last_event

    async def note(self, job: str | None, data: Mapping[str, object]) -> None:
        """Stores a note event of a job, or of the whole daemon, for people to read."""
        await self._registry.change(
            lambda: Draft(news=[(job if job and job in self._registry else None, Kind.NOTE, data)])
        )

    def webhooks(self) -> Sequence[str]:
        """Returns the URLs that receive every change of any job's state."""
        return self.config.webhooks

    def webhook(self, job: str) -> str:
        """Returns the URL that receives changes of this job's state; empty if there is none, or no job."""
        return self._registry.record(job).webhook if job in self._registry else ""

    # -- templates ---------------------------------------------------------------------------------------------------

    @property
    def templates(self) -> Mapping[str, Template]:
        """All templates, by name."""
        return self._registry.templates

    def template(self, name: str) -> Template:
        """Returns a template. Raises NoSuchJob."""
        return self._registry.template(name)

    async def put_template(self, template: Template, *, expected: Expected = None, is_new: bool = False) -> Template:
        """Stores a template under its name; jobs made from an older one stay the same.

        Raises BadJob, BadSettings; Outdated also if it must be new and is not.
        """
        validation.check_names(JobSpec(template.name, priority=template.priority, labels=template.labels))
        chosen = validation.choose(template.settings, self.rule)
        return await self._registry.put_template(replace(template, settings=chosen), expected, is_new)

    async def remove_template(self, name: str, *, expected: Expected = None) -> None:
        """Removes a template. Raises NoSuchJob, Outdated."""
        await self._registry.remove_template(name, expected)

    async def _want(self, job: str, wish: Wish, who: str, expected: Expected) -> int | None:
        await self._reception.check_folder(job)
        coming = await self._scheduler.wishes.keep(job, wish, who, expected)
        self._scheduler.check_queue()
        if run := self._scheduler.runs.get(job):
            run.wished.set()
        if self._registry.record(job).state is State.PAUSED:
            self._scheduler.wishes.forget(job, coming)
            return None
        return await self._scheduler.wishes.wait_for_result(job, coming)

    def _seen(self, record: Record) -> Job:
        run = self._scheduler.runs.get(record.id)
        shown = validation.mask_secrets(record.settings)
        still = view_job(record, shown, None)
        job = view_job(record, shown, run.snapshot, run.seeds(record), run.bytes_before) if run else still
        spent = run.spent if run else {"spent_s": record.spent_s, "spent_bytes": record.spent_bytes}
        job = replace(job, progress=progress(record, self.base, job.counts, **spent))
        if not run or job.bound_by not in HELPED:
            return job
        return replace(job, remedies=find_remedies(job.bound_by, self.settings(record.id), self.config.concurrency))
