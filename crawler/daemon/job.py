"""The nouns: what is asked for (JobSpec), what is kept of it (Record), and what is shown (Job)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, NamedTuple

from ..metrics.latency import Latency
from ..metrics.metrics import ADVICE_IN_SETTINGS, Bound, Ending, Snapshot
from ..model import Disposition, Reason, Url
from ..standing import Counts, RobotsState
from .states import State

PRIORITIES = range(-10, 11)
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: in the order of the values
_RANDOM_BITS = 22
_ID_DIGITS = 14

Settings = Mapping[str, object]
"""Chosen settings in tables, by the names they have in TOML."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What somebody asks for."""

    name: str = ""
    """For people; empty: the first seed's site."""
    settings: Settings = field(default_factory=dict)
    """As in TOML, in tables or by full name, over those of the template."""
    template: str | None = None
    priority: int | None = None
    """-10 to 10: two steps double the share of a busy daemon. None: the template's, or 0."""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_paused: bool = False
    """Whether it waits for `resume` before it begins."""
    webhook: str = ""
    """A URL that is sent each change of its state; it may hold a secret."""


@dataclass(frozen=True, slots=True)
class JobPatch:
    """What somebody wants otherwise; None: as it is."""

    settings: Settings = field(default_factory=dict)
    name: str | None = None
    priority: int | None = None
    labels: Mapping[str, str] | None = None
    """All of them: those that are not named are gone."""


@dataclass(frozen=True, slots=True)
class Template:
    """Settings with a name, for jobs alike."""

    name: str
    settings: Settings = field(default_factory=dict)
    priority: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds of a job, over all its uploads."""

    given: int = 0
    """Lines that were not empty and no comment."""
    bad: int = 0
    """Those that could not be used, of what was read so far; bad-seeds.txt in the folder lists them."""
    is_reading: bool = False
    """Whether some of them have not reached the frontier yet."""
    queued: int = 0
    """Those that were queued, of what was read so far: new ones, and known ones that had failed or were parked. A kill
    while they are read may leave out those of the last seconds."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be fetched after all."""

    retry: tuple[str, ...] = ()
    """URLs that ended for these reasons."""
    unpark: tuple[str, ...] = ()
    """URLs that are parked under these patterns."""
    unpark_all: bool = False
    number: int = 0
    """Which one it is, of all wishes for the job."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the database keeps of a job. Times are Unix seconds."""

    id: str
    folder: str
    """Its name below DIR/crawls."""
    name: str
    state: State
    created_at: float
    settings: Settings = field(default_factory=dict)
    """What was chosen, secrets and all; everything else is the daemon's."""
    priority: int = 0
    template: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    webhook: str = ""
    inherited: tuple[str, ...] = ()
    """Full names of the settings that are the template's, as it was then, and not the job's own choice."""
    held: tuple[str, ...] = ()
    """Sites that are not visited until they are let go."""
    started_at: float | None = None
    ended_at: float | None = None
    ended: Ending | None = None
    error: str = ""
    given: int = 0
    uploads: int = 0
    """Files of seeds in the folder."""
    planted: int = 0
    """How many of them reached the frontier whole."""
    bad: int = 0
    """Bad seeds of those."""
    bad_bytes: int = 0
    """How long bad-seeds.txt was then."""
    queued: int = 0
    """Seeds that were queued, over all uploads."""
    wishes: tuple[Wish, ...] = ()
    """What was not carried out yet, the oldest first."""
    wished: int = 0
    """How many wishes there were."""
    is_widened: bool = False
    """Its settings let in more than those of its last run did."""
    counts: Counts = field(default_factory=Counts)
    """As the last run left them."""
    bytes: int = 0
    """Downloaded, over all runs that ended."""
    spent_s: float = 0.0
    """Of the limits, by the runs since it was asked for or resumed after its end, as the next."""
    spent_bytes: int = 0
    unended: int = 0
    """Runs in a row that began, brought nothing and were never told to have ended: the daemon died with them."""
    key: str | None = None
    """The idempotency key it was asked for with."""
    digest: str = ""
    """Of what was asked for with that key."""

    @property
    def is_adopted(self) -> bool:
        """Whether its folder was made elsewhere."""
        return self.folder != self.id

    @property
    def has_more(self) -> bool:
        """Whether there is more to do for a job that is over, as far as that is known."""
        is_left = self.counts.queued > 0 and self.ended is not Ending.PAGE_LIMIT
        return self.state.is_over and (is_left or self.is_widened or bool(self.wishes) or self.planted < self.uploads)

    def is_called(self, text: str) -> bool:
        """Whether its name holds this, in letters of any size, or it is its id."""
        return text.casefold() in self.name.casefold() or text == self.id

    def is_labelled(self, label: str) -> bool:
        """`name=value`, or the name alone; empty: any."""
        name, _, value = label.partition("=")
        return not label or (name in self.labels and (value == self.labels[name] or "=" not in label))


class Origin(StrEnum):
    """Who chose a setting."""

    DEFAULT = "default"
    DAEMON = "daemon"
    TEMPLATE = "template"
    JOB = "job"


class SiteSeen(NamedTuple):
    """One site of a job."""

    site: str
    queued: int
    leased: int
    next_turn_in_s: float | None
    """None: not before a visit there has ended, one of this job or of another."""
    backoff_s: float
    """How long it is left alone still for a setback."""
    setback: Reason | None
    retrying: int
    """URLs that wait for another attempt, not among `queued`."""
    delay_s: float
    """How long it rests after each visit: ours or its Crawl-delay, where that is known."""
    robots: RobotsState
    is_held: bool
    """Whether it is not visited until it is let go."""


@dataclass(frozen=True, slots=True)
class Progress:
    """So much is done of so much."""

    done: float
    of: float
    unit: Literal["URLs", "pages", "seconds", "bytes"]
    """`pages`, `seconds` and `bytes` count towards a limit; `URLs` are those that are known by now."""


NO_PROGRESS = Progress(0, 0, "URLs")


@dataclass(frozen=True, slots=True)
class Job:
    """A job at an instant, fit to be shown: secrets are not in it."""

    id: str
    name: str
    state: State
    priority: int
    template: str | None
    labels: Mapping[str, str]
    webhook: str
    """The site of its webhook: the whole may hold a secret."""
    created_at: float
    started_at: float | None
    ended_at: float | None
    ended: Ending | None
    error: str
    settings: Settings
    """What was chosen for this job; secrets read `***`."""
    seeds: Seeds
    counts: Counts
    bytes: int
    """Downloaded, over all runs."""
    wishes: Sequence[Wish] = ()
    """What was asked for and is not queued yet."""
    has_more: bool = False
    """It is over, and resuming it would bring more, as far as that is known."""
    pages_per_s: float = 0.0
    bytes_per_s: float = 0.0
    in_flight: int = 0
    bound_by: Bound = Bound.IDLE
    advice: str = ""
    """What that means and what would help, by the names of settings."""
    remedies: Mapping[str, object] = field(default_factory=dict)
    """Settings that would help, by full name, as they could be."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """The part of the time of all visits that each stage took lately."""
    latency: Latency | None = None
    """Of recent answers."""
    progress: Progress = NO_PROGRESS

    @property
    def pages(self) -> int:
        """Pages fetched, over all runs."""
        return self.counts.settled.get(Disposition.FETCHED, 0)


def seen(record: Record, settings: Settings, snapshot: Snapshot | None, seeds: Seeds | None = None) -> Job:
    """The record with what its run says now; `settings` are those that may be shown."""
    job = Job(
        id=record.id,
        name=record.name,
        state=record.state,
        priority=record.priority,
        template=record.template,
        labels=record.labels,
        webhook=Url(record.webhook).site if record.webhook else "",
        created_at=record.created_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        ended=record.ended,
        error=record.error,
        settings=settings,
        seeds=seeds or Seeds(record.given, record.bad, record.planted < record.uploads, record.queued),
        counts=record.counts,
        bytes=record.bytes,
        wishes=record.wishes,
        has_more=record.has_more,
    )
    if snapshot is None:
        return job
    return replace(
        job,
        counts=snapshot.counts,
        bytes=record.bytes + snapshot.bytes,
        pages_per_s=snapshot.pages_per_s,
        bytes_per_s=snapshot.bytes_per_s,
        in_flight=snapshot.in_flight,
        bound_by=snapshot.bound_by,
        advice=ADVICE_IN_SETTINGS[snapshot.bound_by],
        stages=snapshot.stages,
        latency=snapshot.latency,
    )


def weight(priority: int) -> float:
    """The share of a job in what all jobs have together, against others."""
    return float(2 ** (priority / 2))


class Ids:
    """Makes ids that sort by the time they were made, in the order they were made."""

    def __init__(self, last: str = "") -> None:
        self._last = _number(last) if last else 0

    def next(self, now: float | None = None) -> str:
        made = int((time.time() if now is None else now) * 1000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        self._last = max(made, self._last + 1)
        return "j-" + "".join(_DIGITS[self._last >> shift & 31] for shift in range(5 * (_ID_DIGITS - 1), -1, -5))


def _number(text: str) -> int:
    number = 0
    for digit in text.removeprefix("j-"):
        number = number << 5 | _DIGITS.index(digit)
    return number
