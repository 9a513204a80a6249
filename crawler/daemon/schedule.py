"""A schedule: what is asked for and when, and which instants a line of cron names; in plain functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from .job import JobSpec, Settings
from .trouble import BadJob, Complaint


class Overlap(StrEnum):
    """What happens when a job is due while the one before it is not over."""

    SKIP = "skip"
    """Nothing: the next time is the next time."""
    QUEUE = "queue"
    """It begins when the other one is over; however many were due meanwhile, one begins."""
    CANCEL_OLD = "cancel-old"
    """The other one is cancelled."""


class CatchUp(StrEnum):
    """What happens when the daemon was not there at the time."""

    ONCE = "once"
    """One job begins as soon as it is there again, however many times were missed."""
    NEVER = "never"
    """The next time is the next time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is asked for again and again. Times are Unix seconds."""

    id: str
    cron: str
    """Five fields as crontab(5) has them."""
    seeds: tuple[str, ...]
    name: str = ""
    """Of the jobs; empty: the first seed's site."""
    zone: str = "UTC"
    """The time zone, by its name in the tz database, that `cron` is read in."""
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.ONCE
    is_enabled: bool = True
    template: str | None = None
    settings: Settings = field(default_factory=dict)
    priority: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    next_at: float | None = None
    """None: never, for it is switched off."""
    waiting: float | None = None
    """The time of a job that begins when the one before it is over."""
    last_at: float | None = None
    """The time of the last job, as `cron` names it."""
    last_job: str | None = None
    said: str = ""
    """What became of the last time."""

    def spec(self) -> JobSpec:
        """What is asked for each time."""
        labels = {**self.labels, "schedule": self.id}
        return JobSpec(self.name, self.settings, self.template, self.priority, labels)

    def key(self, due: float) -> str:
        """So that no time brings two jobs, whatever is killed meanwhile: the idempotency key."""
        return f"{self.id} at {due:.0f}"


def following(cron: str, zone: str, after: float) -> float:
    """The next time that comes later. Raises BadJob, which names the field."""
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # the names of folders are none
        raise BadJob([Complaint("zone", f"{zone[:50]!r} is no time zone; write UTC or Europe/Berlin")]) from None
    if len(cron.split()) != 5:
        raise BadJob([Complaint("cron", "should have five fields: minute, hour, day of month, month, day of week")])
    try:
        return next(CronSim(cron, datetime.fromtimestamp(after, place))).timestamp()
    except CronSimError as error:
        raise BadJob([Complaint("cron", f"{cron[:100]!r} cannot be read: {str(error).lower()}")]) from None
    except StopIteration:
        raise BadJob([Complaint("cron", f"{cron[:100]!r} names no time in the next fifty years")]) from None
