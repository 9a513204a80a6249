"""A schedule: the job and its times, and the next time that a cron line names; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ..errors import BadJob, Complaint
from ..jobs.job import JobSpec, Settings


class Overlap(StrEnum):
    """The choice of what happens if a job is due while the previous one has not ended."""

    SKIP = "skip"
    """Skip this run; the next one comes at the next time."""
    QUEUE = "queue"
    """Start one job when the previous one has ended, however many were due meanwhile."""
    CANCEL_OLD = "cancel-old"
    """Cancel the previous job and start the new one."""


class CatchUp(StrEnum):
    """The choice of what happens if the daemon was not running at the time."""

    ONCE = "once"
    """Start one job as soon as the daemon runs again, however many times were missed."""
    NEVER = "never"
    """Wait for the next time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is submitted again and again. Times are Unix seconds."""

    id: str
    cron: str
    """Five fields as crontab(5) has them."""
    seeds: tuple[str, ...]
    name: str = ""
    """The name of the jobs. Empty: the first seed's site."""
    zone: str = "UTC"
    """The time zone of `cron`, by its name in the tz database."""
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.ONCE
    is_enabled: bool = True
    template: str | None = None
    settings: Settings = field(default_factory=dict)
    priority: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    links: bool | None = None
    text: bool | None = None
    markdown: bool | None = None
    metadata: bool | None = None
    formats: tuple[str, ...] = ()
    created_at: float = 0.0
    next_at: float | None = None
    """The next time; None: the schedule is switched off."""
    waiting: float | None = None
    """The time of a job that waits for the previous one to end."""
    last_at: float | None = None
    """The scheduled time of the last job."""
    last_job: str | None = None
    said: str = ""
    """The result of the last time, in words."""
    asked_with: str | None = None
    """The idempotency key of the request that made it."""
    digest: str = ""
    """The digest of the request with that key."""
    revision: int = 0
    """Counts its changes by requests."""

    def spec(self) -> JobSpec:
        """Returns the request for the job that each time submits."""
        labels = {**self.labels, "schedule": self.id}
        return JobSpec(
            self.name, self.settings, self.template, self.priority, labels,
            links=self.links, text=self.text, markdown=self.markdown, metadata=self.metadata, formats=self.formats,
        )  # fmt: skip

    def key(self, due: float) -> str:
        """Returns the idempotency key of the job at this time, so that no kill makes one time submit two jobs."""
        return f"{self.id} at {due:.0f}"


def next_time(cron: str, zone: str, after: float) -> float:
    """Returns the next time after `after`, in Unix seconds. Raises BadJob, which names the field."""
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # names of folders fail as well
        raise BadJob([Complaint("zone", f"{zone[:50]!r} is not a time zone; write UTC or Europe/Berlin")]) from None
    if len(cron.split()) != 5:
        raise BadJob([Complaint("cron", "should have five fields: minute, hour, day of month, month, day of week")])
    try:
        return next(CronSim(cron, datetime.fromtimestamp(after, place))).timestamp()
    except CronSimError as error:
        raise BadJob([Complaint("cron", f"{cron[:100]!r} cannot be read: {str(error).lower()}")]) from None
    except StopIteration:
        raise BadJob([Complaint("cron", f"{cron[:100]!r} names no time in the next fifty years")]) from None
