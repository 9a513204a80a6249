"""Runs the queued jobs: as many as there are places, by priority. A failure of one job affects no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import anyio
from anyio import CancelScope, create_task_group
from anyio.abc import TaskGroup

from ...errors import CrawlError, StorageFull
from ...fetch import Files
from ...metrics.metrics import Ending, Snapshot
from ...runtime.escaping import escape_text
from ...settings.catalog import fields
from ..errors import JobError, NoSuchJob, WrongState
from ..events import Event, Events, Kind
from ..jobs.figures import take_for_event
from ..jobs.folders import Folders
from ..jobs.job import Record
from ..jobs.recovery import is_on_trial
from ..jobs.registry import Registry
from ..jobs.states import State, Verb
from ..jobs.wishes import Wishes
from ..settings import DaemonConfig
from . import stats
from .inspect import Inspector
from .logs import Logs
from .run import Open, Run, SettingsOf

log = logging.getLogger(__name__)

TICK_S = 1.0
MOST_SERIES = 200
"""Jobs that are not running and whose figures are kept: those that ran last."""
RETRY_S = 5.0
"""Seconds until the next attempt after the database could not be written."""
FILES_A_JOB = 6
"""Open files of one job: its lock, its frontier with a log, its pages, its log, and one for short use."""
DAEMON = "daemon"
"""Named in events as the one who acted, if no request asked for it."""


class Scheduler:
    """The running jobs, in one task group."""

    def __init__(
        self,
        registry: Registry,
        folders: Folders,
        events: Events,
        open_crawl: Open,
        settings_of: SettingsOf,
        config: DaemonConfig,
        logs: Logs,
        files: Files,
    ) -> None:
        self.runs: dict[str, Run] = {}
        self.series: dict[str, stats.Series] = {}
        self.wishes: Wishes = Wishes(registry)
        self.inspector: Inspector = Inspector(self.runs, folders, settings_of)
        self._registry = registry
        self._folders = folders
        self._events = events
        self._open_crawl = open_crawl
        self._logs = logs
        self._files = files
        self._settings_of = settings_of
        self.config = config
        """Limits the jobs that run at a time, and the crashes that one may be part of."""
        self._moved = asyncio.Event()
        self._again: set[str] = set()
        """Jobs in state `running` whose run has ended, and which start again."""
        self.is_closing: bool = False
        self._is_short_of_files = False

    # -- what the door asks ------------------------------------------------------------------------------------------

    def check_queue(self) -> None:
        """Looks whether jobs can start, after something changed."""
        self._moved.set()

    def stop_run(self, job: str, *, at_once: bool = False) -> None:
        """Stops the run of a job whose state has already changed. `at_once` drops the visits under way."""
        run = self.runs.get(job)
        if run is not None:
            (run.abort if at_once else run.stop)()
        self._moved.set()

    def figures_of(self, job: str) -> tuple[Snapshot, int] | None:
        """Returns the figures of the job's run, and the bytes that earlier runs downloaded; None: it does not run."""
        run = self.runs.get(job)
        snapshot = run.snapshot if run else None
        return (snapshot, run.bytes_before) if run and snapshot else None

    async def wait_until_idle(self, job: str) -> None:
        """Waits until the job has no run."""
        while run := self.runs.get(job):
            await run.over.wait()

    async def retune(self, job: str, who: str) -> Container[str]:
        """Applies the stored settings to the present run. Returns the names of settings that it cannot change."""
        run = self.runs.get(job)
        try:
            told = await run.retune(who) if run else None
        except (CrawlError, OSError) as error:
            log.warning("job %s takes on its new settings when it is resumed: %s", job, error)
            return fields()
        return [one.key for one in told.needs_restart] if told else ()

    async def close(self, grace_s: float) -> None:
        """Stops all runs; visits under way get the grace time. Their jobs continue with the next daemon."""
        self.is_closing = True
        self._moved.set()
        for run in self.runs.values():
            run.stop()
        with anyio.move_on_after(grace_s):
            await self._all_over()
        for run in self.runs.values():
            run.abort()
        await self._all_over()
        for record in filter(_may_be_blamed, self._registry.records()):  # their runs had just begun, or had not begun
            with suppress(JobError, StorageFull):
                await self._registry.amend(record.id, unended=0)

    async def _all_over(self) -> None:
        for run in list(self.runs.values()):
            await run.over.wait()

    # -- the task group ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Starts the jobs that ran when the last daemon ended, then queued jobs, until cancelled."""
        try:
            await self._run()
        finally:
            for run in self.runs.values():  # not begun yet: the group was cancelled first
                run.opened.set()
                run.over.set()
            self.runs.clear()

    async def _run(self) -> None:
        async with create_task_group() as tasks:
            tasks.start_soon(self._tick)
            for record in self._registry.in_state(State.RUNNING):
                self._begin(tasks, record)
            while True:
                self._moved.clear()
                is_done = await self._start_queued(tasks)
                with anyio.move_on_after(None if is_done else RETRY_S):
                    await self._moved.wait()

    async def _start_queued(self, tasks: TaskGroup) -> bool:
        """Starts due jobs. Returns False if the database could not be written, or too few files can be opened."""
        for job in [job for job in self._again if job not in self.runs]:
            self._again.discard(job)
            if job in self._registry:
                self._begin(tasks, self._registry.record(job))
        for record in self._due():
            if not self._files.set_apart(FILES_A_JOB):
                self._say_files_are_wanting()
                return False
            self._files.take_back(FILES_A_JOB)  # `_begin` sets them apart again
            try:
                begun: dict[str, Any] = {
                    "started_at": record.started_at or self._registry.now(),
                    "unended": record.unended + 1,
                }
                await self._registry.move(record.id, Verb.START, DAEMON, **begun)
            except (NoSuchJob, WrongState):  # it was cancelled or removed meanwhile
                continue
            except (JobError, StorageFull) as error:
                log.warning("jobs stay queued: %s", error)
                return False
            self._begin(tasks, self._registry.record(record.id))
        return True

    def _say_files_are_wanting(self) -> None:
        if not self._is_short_of_files:
            self._is_short_of_files = True
            advice = "the others wait; raise the limit (ulimit -n, LimitNOFILE) or lower daemon.max_running"
            log.warning("open files are limited to %d, too few for more than %d jobs at a time: %s",
                        self._files.soft, len(self.runs), advice)  # fmt: skip

    def _due(self) -> Sequence[Record]:
        if self.is_closing:
            return []
        queued = [record for record in self._registry.in_state(State.QUEUED) if record.id not in self.runs]
        queued.sort(key=lambda record: (-record.priority, record.id))
        waiting = [record for record in queued if self._is_on_trial(record)]
        for record in waiting if any(map(self._is_on_trial, self._under_way())) else waiting[1:]:
            queued.remove(record)
        return queued[: max(0, self.config.max_running - len(self.runs))]

    def _under_way(self) -> list[Record]:
        return [self._registry.record(job) for job in self.runs if job in self._registry]

    def _is_on_trial(self, record: Record) -> bool:
        return is_on_trial(record, self.config.max_crashes)

    def _begin(self, tasks: TaskGroup, record: Record) -> None:
        if record.state is not State.RUNNING or self.is_closing:  # it changed while the start was written
            return
        if not self._files.set_apart(FILES_A_JOB):
            self._say_files_are_wanting()
            self._again.add(record.id)
            return
        folder = self._folders.path(record)
        run = self.runs[record.id] = Run(record.id, self._registry, folder, self._settings_of, self.wishes)
        tasks.start_soon(self._live, run)

    async def _live(self, run: Run) -> None:
        """Carries one run from its start to the record of its end. Raises nothing but cancellation."""
        with self._logs.keep(run.job, run.folder):
            log.info("job %s starts", run.job)
            verb, fields = Verb.COMPLETE, dict[str, Any]()
            try:
                async with self.inspector.keep_out(run.job):
                    summary = await run.go(self._open_crawl)
                fields = {"ended": summary.ended} if summary else {}
            except (CrawlError, OSError) as error:
                log.error("job %s cannot continue: %s", run.job, error)
                verb, fields = Verb.FAIL, {"error": escape_text(str(error))}
            except Exception as error:
                log.exception("a bug while job %s was running", run.job)
                said = escape_text(f"{type(error).__name__}: {error}")
                verb, fields = Verb.FAIL, {"error": f"a bug, see the log: {said}"}
            finally:
                with CancelScope(shield=True):
                    await self._tell_end(run, verb, fields)
                log.info("job %s stops: %s", run.job, fields.get("ended") or fields.get("error") or "on request")
                self._leave(run)

    def _leave(self, run: Run) -> None:
        self.runs.pop(run.job, None)
        self._files.take_back(FILES_A_JOB)
        self._keep_latest(run.job)
        run.opened.set()
        run.over.set()
        self._moved.set()

    async def _tell_end(self, run: Run, verb: Verb, fields: dict[str, Any]) -> None:
        try:
            left = {"unended": 0, **self._left_by(run)}
            when = _is_running
            if fields.get("ended") is Ending.EXHAUSTED:
                when = _has_nothing_new if run.lags else _has_no_more
            if fields and await self._registry.move(run.job, verb, DAEMON, when=when, **fields, **left):
                return
            await self._registry.amend(run.job, **left)
            if fields and _is_running(self._registry.record(run.job)):  # seeds came while the end was written
                self._again.add(run.job)
        except NoSuchJob:  # removed meanwhile
            pass
        except (JobError, StorageFull) as error:
            log.error("the end of job %s could not be written, so the next daemon runs it again: %s", run.job, error)

    def _left_by(self, run: Run) -> dict[str, Any]:
        record, snapshot = self._registry.record(run.job), run.snapshot
        if snapshot is None:
            return {}
        return {
            "counts": replace(snapshot.counts, leased=0, due_in_s=None),
            "bytes": run.bytes_before + snapshot.bytes,
            **({} if record.state.is_over else run.spent),
        }

    def _keep_latest(self, job: str) -> None:
        if job in self.series:
            self.series[job] = self.series.pop(job)  # moves it to the end
        idle = [job for job in self.series if job not in self.runs]
        for oldest in idle[: max(0, len(idle) - MOST_SERIES)]:
            del self.series[oldest]

    # -- once a second -----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.observe()
            await self._acquit()

    def observe(self) -> None:
        """Takes the figures of every run, stores them, and sends progress events to listeners."""
        at = self._registry.now()
        for job, run in self.runs.items():
            if (snapshot := run.look()) is None:
                continue
            point = stats.point(at, snapshot, run.bytes_before)
            self.series.setdefault(job, stats.Series()).add(point)
            if len(self._events):
                figures = take_for_event(snapshot)
                self._events.tell(Event(None, at, job, Kind.PROGRESS, {**point._asdict(), **figures}))

    async def _acquit(self) -> None:
        """Clears each suspected job that has fetched something, so that the next suspect may start."""
        for record in filter(self._is_on_trial, self._under_way()):
            snapshot = self.runs[record.id].snapshot
            if snapshot and sum(snapshot.counts.settled.values()) > sum(record.counts.settled.values()):
                with suppress(JobError, StorageFull):  # then at the next tick
                    await self._registry.amend(record.id, unended=1, counts=replace(snapshot.counts, leased=0))
                    self._moved.set()


def _is_running(record: Record) -> bool:
    return record.state is State.RUNNING


def _may_be_blamed(record: Record) -> bool:
    return record.state is State.RUNNING and record.unended > 0


def _has_no_more(record: Record) -> bool:
    return _has_nothing_new(record) and not record.is_widened


def _has_nothing_new(record: Record) -> bool:
    return _is_running(record) and record.planted >= record.uploads and not record.wishes
