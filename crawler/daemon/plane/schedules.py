"""Schedules on an engine: each time starts one job, whatever number of control planes run, and whichever of them die.

A schedule is a paper in the engine. The control plane that writes its next version has claimed the time that came, and
begins the job; its name says the time, so another one that does the same after a death begins no second job.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ...api.engines import Engine
from ...errors import CrawlError, FrontierError
from ...standing import CrawlStanding
from ...urls import parse
from ..errors import BadJob, Complaint, Full, NoSuchJob, Outdated
from ..jobs import validation
from ..jobs.job import Expected
from ..jobs.outputs import choose_settings
from ..owners import Rule
from ..schedules.schedule import CatchUp, Overlap, Schedule, next_time
from ..schedules.submitter import LATE_S, MOST, find_bad_seeds, read_schedule, write_schedule
from .shown import state_of

log = logging.getLogger(__name__)

PREFIX = "schedule/"
ID_BYTES = 4
LOOK_S = 1.0
CLAIM_S = 60.0
"""A job that a control plane claimed so long ago, and that is not begun, is begun by another one."""
STARTING = "is being started"
MOST_BASE = 60
REFUSED = ("template", "priority", "labels", "formats")


class Kept(NamedTuple):
    """A schedule as the engine has it."""

    schedule: Schedule
    version: int


class PlaneSchedules:
    """The schedules of an engine. Several control planes may have an object each."""

    def __init__(self, engine: Engine, rule: Rule) -> None:
        self._engine = engine
        self._rule = rule

    async def list(self) -> Sequence[Schedule]:
        """Returns all schedules, the oldest first."""
        found = [kept.schedule for kept in (await self._load()).values()]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    async def find(self, schedule: str) -> Schedule:
        """Returns a schedule. Raises NoSuchJob."""
        return (await self._find(schedule)).schedule

    async def add(self, asked: Schedule) -> Schedule:
        """Keeps a schedule; returns it with its id and next time. Raises BadJob, Full."""
        if len(await self._load()) >= MOST:
            raise Full(f"there are {MOST} schedules already: remove some")
        now = await self._engine.now()
        new = self._check(replace(asked, id=f"s{secrets.token_hex(ID_BYTES)}", created_at=now), now)
        await self._engine.keep_paper(PREFIX + new.id, 0, write_schedule(new))
        return new

    async def change(self, schedule: str, expected: Expected, changes: Mapping[str, Any]) -> Schedule:
        """Changes some fields, and returns the new schedule. Raises NoSuchJob, BadJob, Outdated."""
        while True:
            before = await self._find(schedule)
            _check_revision(before.schedule, expected)
            ahead = replace(before.schedule, **changes, revision=before.schedule.revision + 1)
            new = self._check(ahead, await self._engine.now())
            if await self._keep(new, before.version):
                return new

    async def remove(self, schedule: str, expected: Expected) -> None:
        """Removes a schedule; its jobs stay. Raises NoSuchJob, Outdated."""
        while True:
            before = await self._find(schedule)
            _check_revision(before.schedule, expected)
            if await self._engine.keep_paper(PREFIX + schedule, before.version, None):
                return

    async def _load(self) -> Mapping[str, Kept]:
        papers = await self._engine.papers(PREFIX)
        return {name.removeprefix(PREFIX): Kept(read_schedule(one.text), one.version) for name, one in papers.items()}

    async def _find(self, schedule: str) -> Kept:
        kept = (await self._load()).get(schedule)
        if kept is None:
            raise NoSuchJob(f"there is no schedule {schedule[:100]!r}")
        return kept

    async def _keep(self, schedule: Schedule, version: int) -> bool:
        return await self._engine.keep_paper(PREFIX + schedule.id, version, write_schedule(schedule))

    def _check(self, schedule: Schedule, now: float) -> Schedule:
        """Returns the schedule, checked, with its next time. Raises BadJob."""
        wrong = [Complaint(name, "is not for schedules of an engine: leave it out")
                 for name in REFUSED if getattr(schedule, name)]  # fmt: skip
        if wrong := [*wrong, *find_bad_seeds(schedule.seeds)]:
            raise BadJob(wrong[:10])
        validation.check_names(schedule.spec())
        chosen = validation.choose(schedule.settings, self._rule)
        choose_settings(schedule.spec(), self._rule, {})
        next_at = next_time(schedule.cron, schedule.zone, max(now, schedule.last_at or 0.0))
        waiting = schedule.waiting if schedule.is_enabled else None
        return replace(schedule, settings=chosen, next_at=next_at if schedule.is_enabled else None, waiting=waiting)

    # -- as time goes by ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Starts due jobs, until it is cancelled."""
        while True:
            try:
                await self.look()
            except FrontierError as error:
                log.debug("schedules wait: %s", error)
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Starts the jobs that are due now. Raises FrontierError; then the others stay due."""
        found = await self._load()
        if not found:
            return
        now = await self._engine.now()
        if due := [one for one in found.values() if _asks(one.schedule, now)]:
            crawls = {crawl.name: crawl for crawl in await self._engine.standings()}
            for one in due:
                await self._attend(one, crawls, now)

    async def _attend(self, kept: Kept, crawls: Mapping[str, CrawlStanding], now: float) -> None:
        """Claims what is due of one schedule, and begins the job. Does nothing if another control plane was faster."""
        ahead, ends = _decide(kept.schedule, crawls, now)
        if ahead == kept.schedule or not await self._keep(ahead, kept.version):
            return
        if ends and kept.schedule.last_job:
            await self._engine.control(kept.schedule.last_job, "stop", who=ahead.id)
        if ahead.said.startswith(STARTING):
            said = await self._begin(ahead)
            await self._keep(replace(ahead, said=said), kept.version + 1)

    async def _begin(self, schedule: Schedule) -> str:
        """Begins the job of a schedule; returns what came of it. Raises FrontierError."""
        try:
            config = validation.apply_rules(choose_settings(schedule.spec(), self._rule, {}), self._rule)
            await self._engine.begin(schedule.last_job or "", config, schedule.seeds)
        except FrontierError:
            raise
        except CrawlError as error:
            log.warning("schedule %s could not start its job: %s", schedule.id, error)
            return f"not started: {error}"
        return "started"


def _asks(schedule: Schedule, now: float) -> bool:
    """Returns whether something may have to be done for a schedule now."""
    if not schedule.is_enabled:
        return False
    is_due = schedule.next_at is not None and schedule.next_at <= now
    return is_due or schedule.waiting is not None or _is_left(schedule, now)


def _is_left(schedule: Schedule, now: float) -> bool:
    """Returns whether a control plane claimed the job and did not begin it."""
    claimed_at = schedule.said.removeprefix(f"{STARTING} ")
    return schedule.said.startswith(STARTING) and now > float(claimed_at) + CLAIM_S


def _decide(schedule: Schedule, crawls: Mapping[str, CrawlStanding], now: float) -> tuple[Schedule, bool]:
    """Returns the schedule after this moment, and whether its last job is to end."""
    if _is_left(schedule, now):
        return replace(schedule, said=f"{STARTING} {now:.0f}"), False
    last = crawls.get(schedule.last_job or "")
    is_live = last is not None and not state_of(last).is_over
    if schedule.waiting is not None and not is_live:
        return _start(schedule, schedule.waiting, now), False
    if schedule.next_at is None or schedule.next_at > now:
        return schedule, False
    due = schedule.next_at
    ahead = replace(schedule, next_at=next_time(schedule.cron, schedule.zone, max(now, due)))
    if now - due > LATE_S and schedule.catch_up is CatchUp.NEVER:
        return replace(ahead, said="missed: no control plane was running"), False
    if not is_live:
        return _start(ahead, due, now), False
    if schedule.overlap is Overlap.SKIP:
        return replace(ahead, said=f"skipped: job {schedule.last_job} had not ended"), False
    if schedule.overlap is Overlap.QUEUE:
        waiting = due if schedule.waiting is None else schedule.waiting
        return replace(ahead, waiting=waiting, said=f"waits for job {schedule.last_job}"), False
    return _start(ahead, due, now), True


def _start(schedule: Schedule, due: float, now: float) -> Schedule:
    """Returns the schedule whose job for this time is claimed."""
    name = name_job(schedule, due)
    return replace(schedule, waiting=None, last_at=due, last_job=name, said=f"{STARTING} {now:.0f}")


def name_job(schedule: Schedule, due: float) -> str:
    """Returns the name of the job at this time: of the schedule, the time in UTC, and the schedule's id."""
    host = parse(schedule.seeds[0]).site.partition("://")[2]
    words = "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "-" for one in schedule.name or host)
    base = words.strip("-_.")[:MOST_BASE] or "job"
    return f"{base}-{datetime.fromtimestamp(due, UTC):%Y%m%dT%H%M}-{schedule.id}"


def _check_revision(schedule: Schedule, expected: Expected) -> None:
    if expected is not None and schedule.revision not in expected:
        raise Outdated(f"schedule {schedule.id} was changed meanwhile: it has revision {schedule.revision}")
