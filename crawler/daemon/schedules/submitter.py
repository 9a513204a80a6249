"""Submits scheduled jobs: each time once, over kills and jumps of the clock."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from hashlib import blake2b
from typing import Any, Protocol

import anyio
import orjson

from ... import seeds as _seeds
from ...errors import StorageFull, UrlError
from ..errors import BadJob, Complaint, Full, JobError, KeyReused, NoSuchJob, StoreError, WrongState
from ..jobs import validation
from ..jobs.job import Expected, Ids, Job, JobSpec, Template
from ..jobs.outputs import choose_settings
from ..jobs.registry import check_revision
from ..jobs.store import Store
from ..jobs.submission import Lines
from ..owners import Rule
from .schedule import CatchUp, Overlap, Schedule, next_time

log = logging.getLogger(__name__)

MOST = 1000
MOST_SEEDS = 1000
LATE_S = 90.0
"""A daemon that looks later than this was not running at the scheduled time."""
LOOK_S = 30.0
"""Longest time between two looks, so that a jump of the clock is noticed."""
WAITING_S = 1.0
"""Seconds between two looks whether a job has ended that another one waits for."""
RETRY_S = 5.0
TABLE = "CREATE TABLE IF NOT EXISTS schedule (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID"


class Launch(Protocol):
    """The part of `Jobs` that schedules use."""

    @property
    def rule(self) -> Rule: ...
    @property
    def templates(self) -> Mapping[str, Template]: ...
    async def submit(
        self, spec: JobSpec, seeds: Lines, idempotency_key: str | None, *, who: str
    ) -> tuple[Job, bool]: ...
    async def cancel(self, job: str, *, who: str) -> Job: ...
    def find(self, job: str) -> Job: ...


class Schedules:
    """All schedules of a daemon. Each change is stored before it is acknowledged, as with jobs."""

    def __init__(self, store: Store, jobs: Launch, now: Callable[[], float]) -> None:
        self._store = store
        self._jobs = jobs
        self._now = now
        self._ids = Ids()
        self._all: dict[str, Schedule] = {}
        self._turn = asyncio.Lock()
        """Held from deciding on a change until it is on the disk."""
        self._moved = asyncio.Event()

    async def open(self) -> None:
        """Loads the stored schedules. Raises StoreError."""
        found = await self._store.do(_load)
        self._all = {schedule.id: schedule for schedule in found}
        if found:
            self._ids = Ids(f"j{found[-1].id[1:]}")

    # -- asking ------------------------------------------------------------------------------------------------------

    def list(self) -> Sequence[Schedule]:
        """Returns all schedules, the oldest first."""
        return [self._all[one] for one in sorted(self._all)]

    def find(self, schedule: str) -> Schedule:
        """Returns a schedule. Raises NoSuchJob."""
        if schedule not in self._all:
            raise NoSuchJob(f"there is no schedule {schedule[:100]!r}")
        return self._all[schedule]

    async def add(self, asked: Schedule) -> Schedule:
        """Stores a schedule; returns it with its id and next time. Raises BadJob, which names each field; Full."""
        return (await self.add_once(asked, None))[0]

    async def add_once(self, asked: Schedule, idempotency_key: str | None) -> tuple[Schedule, bool]:
        """Returns a new schedule and True, or the one that was added with the same key before and False.

        Raises as `add` does, and KeyReused.
        """
        digest = "" if idempotency_key is None else _digest(asked)
        async with self._turn:
            known = next((one for one in self._all.values() if one.asked_with == idempotency_key), None)
            if known is not None and idempotency_key is not None:
                if known.digest != digest:
                    raise KeyReused(f"this idempotency key belongs to schedule {known.id}, whose request was different")
                return known, False
            if len(self._all) >= MOST:
                raise Full(f"there are {MOST} schedules already: remove some")
            now, number = self._now(), self._ids.next(self._now())
            ahead = replace(asked, id=f"s{number[1:]}", created_at=now, asked_with=idempotency_key, digest=digest)
            new = self._check(ahead)
            await self._keep(new)
            return new, True

    async def change(self, schedule: str, *, expected: Expected = None, **changes: Any) -> Schedule:
        """Changes some fields, and returns the new schedule. Raises NoSuchJob, BadJob, Outdated."""
        async with self._turn:
            before = self._expect(schedule, expected)
            new = self._check(replace(before, **changes, revision=before.revision + 1))
            await self._keep(new)
            return new

    async def remove(self, schedule: str, *, expected: Expected = None) -> None:
        """Removes a schedule; its jobs stay. Raises NoSuchJob, Outdated."""
        async with self._turn:
            self._expect(schedule, expected)
            await self._store.do(lambda connection: connection.execute("DELETE FROM schedule WHERE id = ?", [schedule]))
            del self._all[schedule]

    def _expect(self, schedule: str, expected: Expected) -> Schedule:
        found = self.find(schedule)
        check_revision(f"schedule {schedule}", found.revision, expected)
        return found

    def _check(self, schedule: Schedule) -> Schedule:
        """Returns the schedule, checked, with its next time, which is later than its last one. Raises BadJob."""
        validation.check_names(schedule.spec())
        template = self._jobs.templates.get(schedule.template or "")
        if schedule.template is not None and template is None:
            raise BadJob([Complaint("template", f"there is no template {schedule.template[:100]!r}")])
        chosen = validation.choose(schedule.settings, self._jobs.rule)
        choose_settings(schedule.spec(), self._jobs.rule, template.settings if template else {})
        if wrong := list(find_bad_seeds(schedule.seeds)):
            raise BadJob(wrong[:10])
        next_at = next_time(schedule.cron, schedule.zone, max(self._now(), schedule.last_at or 0.0))
        waiting = schedule.waiting if schedule.is_enabled else None
        return replace(schedule, settings=chosen, next_at=next_at if schedule.is_enabled else None, waiting=waiting)

    async def _keep(self, schedule: Schedule) -> None:
        text = write_schedule(schedule)
        await self._store.do(
            lambda connection: connection.execute("INSERT OR REPLACE INTO schedule VALUES (?, ?)", [schedule.id, text])
        )
        self._all[schedule.id] = schedule
        self._moved.set()

    # -- as time goes by ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Starts due jobs, until cancelled."""
        while True:
            self._moved.clear()
            pause_s = RETRY_S
            try:
                await self.look()
                pause_s = self._pause()
            except (StorageFull, StoreError) as error:
                log.warning("schedules wait: %s", error)
            with anyio.move_on_after(pause_s):
                await self._moved.wait()

    async def look(self) -> None:
        """Starts the jobs that are due now. Raises StorageFull, StoreError; then the others stay due."""
        for schedule in self.list():
            async with self._turn:
                current = self._all.get(schedule.id)
                if current is not None and current.is_enabled:
                    await self._attend(current, self._now())

    def _pause(self) -> float:
        enabled = [schedule for schedule in self._all.values() if schedule.is_enabled]
        least = min((one.next_at - self._now() for one in enabled if one.next_at is not None), default=LOOK_S)
        most = WAITING_S if any(one.waiting is not None for one in enabled) else LOOK_S
        return max(0.0, min(least, most))

    async def _attend(self, schedule: Schedule, now: float) -> None:
        if schedule.waiting is not None and not self._is_live(schedule.last_job):
            schedule = await self._start(schedule, schedule.waiting)
            await self._keep(schedule)
        if schedule.next_at is not None and schedule.next_at <= now:
            await self._keep(await self._advance(schedule, schedule.next_at, now))

    async def _advance(self, schedule: Schedule, due: float, now: float) -> Schedule:
        """Returns the schedule after its time came. Times that were missed meanwhile count as this one."""
        next_at = next_time(schedule.cron, schedule.zone, max(now, due))
        ahead = replace(schedule, next_at=next_at)
        if now - due > LATE_S and schedule.catch_up is CatchUp.NEVER:
            return replace(ahead, said="missed: the daemon was not running")
        if not self._is_live(schedule.last_job):
            return await self._start(ahead, due)
        match schedule.overlap:
            case Overlap.SKIP:
                return replace(ahead, said=f"skipped: job {schedule.last_job} had not ended")
            case Overlap.QUEUE:
                waiting = due if schedule.waiting is None else schedule.waiting
                return replace(ahead, waiting=waiting, said=f"waits for job {schedule.last_job}")
            case Overlap.CANCEL_OLD:
                await self._cancel(schedule)
        return await self._start(ahead, due)

    async def _start(self, schedule: Schedule, due: float) -> Schedule:
        """Submits the job; returns the new schedule. A daemon killed here submits again and gets the same job."""
        ahead = replace(schedule, waiting=None, last_at=due)
        try:
            job, _ = await self._jobs.submit(schedule.spec(), _lines(schedule), schedule.key(due), who=schedule.id)
        except StoreError:
            raise
        except JobError as error:
            log.warning("schedule %s could not start its job: %s", schedule.id, error)
            return replace(ahead, said=f"not started: {error}")
        return replace(ahead, last_job=job.id, said="started")

    async def _cancel(self, schedule: Schedule) -> None:
        try:
            await self._jobs.cancel(schedule.last_job or "", who=schedule.id)
        except (NoSuchJob, WrongState):  # it has ended by itself
            pass

    def _is_live(self, job: str | None) -> bool:
        try:
            return job is not None and not self._jobs.find(job).state.is_over
        except NoSuchJob:
            return False


def _digest(asked: Schedule) -> str:
    """Returns the digest of a request for a schedule."""
    said = {name: value for name, value in asdict(asked).items() if value not in (None, "", (), {})}
    text = orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).hexdigest()


def find_bad_seeds(seeds: Sequence[str]) -> Iterator[Complaint]:
    """Yields what is wrong with the seeds of a schedule."""
    if not 0 < len(seeds) <= MOST_SEEDS:
        yield Complaint("seeds", f"should be 1 to {MOST_SEEDS:,}; give a longer list to a job")
    for number, seed in enumerate(seeds[:MOST_SEEDS]):
        try:
            _seeds.parse(seed)
        except UrlError as error:
            yield Complaint(f"seeds.{number}", str(error))


async def _lines(schedule: Schedule) -> AsyncIterator[Sequence[str]]:
    yield schedule.seeds


def _load(connection: sqlite3.Connection) -> Sequence[Schedule]:
    connection.execute(TABLE)
    return [read_schedule(text) for (text,) in connection.execute("SELECT record FROM schedule ORDER BY id")]


def write_schedule(schedule: Schedule) -> str:
    """Returns a schedule as text."""
    return orjson.dumps(asdict(schedule)).decode()


def read_schedule(text: str) -> Schedule:
    """Returns the schedule that a text tells of. Fields that this version does not know are left out."""
    known = {field.name for field in fields(Schedule)}
    values = {name: value for name, value in orjson.loads(text).items() if name in known}
    typed = {
        "seeds": tuple(values["seeds"]), "overlap": Overlap(values["overlap"]), "catch_up": CatchUp(values["catch_up"]),
        "formats": tuple(values.get("formats", ())),
    }  # fmt: skip
    return Schedule(**{**values, **typed})
