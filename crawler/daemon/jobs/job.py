"""The nouns of the daemon: a request (JobSpec), the stored job (Record), the job as it is shown (Job)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from ...metrics.metrics import Ending, Snapshot
from ...model import Reason, Url
from ...standing import Counts, RobotsState
from .figures import Figures, take_figures
from .states import State

PRIORITIES = range(-10, 11)
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: in the order of the values
_RANDOM_BITS = 22
_ID_DIGITS = 14

Settings = Mapping[str, object]
"""Chosen settings in tables, by their names in TOML."""


CHANGEABLE = ("state", "name", "priority", "settings", "labels", "held", "webhook")
"""Fields of a job that requests change: each change of one makes a new revision. Figures do not."""
Expected = Collection[int] | None
"""Revisions of which a job must have one, or nothing is changed. None: it may have any."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A request for a new job."""

    name: str = ""
    """A name for people. Empty: the first seed's site."""
    settings: Settings = field(default_factory=dict)
    """Settings as in TOML, in tables or by full name. They override those of the template."""
    template: str | None = None
    """The name of the template that it starts from. None: of none."""
    priority: int | None = None
    """From -10 to 10. Two steps more double the job's share of a busy daemon. None: the template's, or 0."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Words of yours, by name, to find it by."""
    is_paused: bool = False
    """Whether the job waits for `resume` before it starts."""
    webhook: str = ""
    """A URL that receives each change of the job's state. It may hold a secret."""
    links: bool | None = None
    """Whether records list the links of each page. None: as the settings say."""
    text: bool | None = None
    """Whether records hold the readable text of each page. None: as the settings say."""
    markdown: bool | None = None
    """Whether records hold the main part of each page as markdown. None: as the settings say."""
    metadata: bool | None = None
    """Whether records hold what each page says of itself. None: as the settings say."""
    formats: tuple[str, ...] = ()
    """The formats of its outputs: `jsonl`, or those of the daemon's own outputs. Empty: as the settings say."""


@dataclass(frozen=True, slots=True)
class JobPatch:
    """A request to change a job. None: leave this as it is."""

    settings: Settings = field(default_factory=dict)
    name: str | None = None
    priority: int | None = None
    labels: Mapping[str, str] | None = None
    """The complete labels: those that are not named are removed."""


@dataclass(frozen=True, slots=True)
class Template:
    """Named settings from which similar jobs start."""

    name: str
    """Its name."""
    settings: Settings = field(default_factory=dict)
    """Settings as in TOML, in tables or by full name."""
    priority: int = 0
    """The priority of jobs that give none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of jobs that start from it; their own come over them."""
    revision: int = 0
    """When it was changed, in milliseconds; the daemon sets it."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """The counts of a job's seeds, over all its uploads."""

    given: int = 0
    """Lines that are neither empty nor comments."""
    bad: int = 0
    """Unusable seeds among those read so far; bad-seeds.txt in the folder lists them."""
    is_reading: bool = False
    """Whether some seeds have not reached the frontier yet."""
    queued: int = 0
    """Seeds that were queued, among those read so far: new URLs, and known URLs that had failed or were parked. After a
    kill, the seeds of the last seconds may be missing from this count."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request to fetch failed or parked URLs of a job."""

    retry: tuple[str, ...] = ()
    """Fetch URLs that ended for these reasons."""
    unpark: tuple[str, ...] = ()
    """Fetch URLs that are parked under these patterns."""
    unpark_all: bool = False
    number: int = 0
    """Counts the wishes of a job, from 1."""


@dataclass(frozen=True, slots=True)
class Record:
    """A job as the database stores it. Times are Unix seconds."""

    id: str
    folder: str
    """The folder's name in DIR/crawls."""
    name: str
    state: State
    created_at: float
    settings: Settings = field(default_factory=dict)
    """The chosen settings, secrets included; all others are the daemon's."""
    priority: int = 0
    template: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    webhook: str = ""
    inherited: tuple[str, ...] = ()
    """Full names of the settings that came from the template, as it was then, and not from the job itself."""
    held: tuple[str, ...] = ()
    """Sites that are not visited until they are released."""
    started_at: float | None = None
    ended_at: float | None = None
    ended: Ending | None = None
    error: str = ""
    given: int = 0
    uploads: int = 0
    """Files of seeds in the folder."""
    planted: int = 0
    """The number of uploads that reached the frontier completely."""
    bad: int = 0
    """Unusable seeds of those uploads."""
    bad_bytes: int = 0
    """The length of bad-seeds.txt at that time."""
    queued: int = 0
    """Seeds that were queued, over all uploads."""
    wishes: tuple[Wish, ...] = ()
    """Wishes that are not carried out yet, the oldest first."""
    wished: int = 0
    """The number of wishes so far."""
    is_widened: bool = False
    """Whether its settings admit more URLs than those of its last run."""
    counts: Counts = field(default_factory=Counts)
    """The counts at the end of the last run."""
    bytes: int = 0
    """Bytes downloaded over all runs that ended."""
    spent_s: float = 0.0
    """Time that counts towards the time limit: of all runs since the job was added, or last resumed after its end."""
    spent_bytes: int = 0
    """Bytes that count towards the size limit, of the same runs."""
    unended: int = 0
    """Runs in a row that started, fetched nothing, and whose end was never recorded: the daemon died with them."""
    key: str | None = None
    """The idempotency key of the request."""
    digest: str = ""
    """The digest of the request with that key."""
    revision: int = 0
    """Counts the changes of what a request can change: the fields in CHANGEABLE."""

    @property
    def is_adopted(self) -> bool:
        """Whether its folder was made outside this daemon."""
        return self.folder != self.id

    @property
    def has_more(self) -> bool:
        """Whether a job that has ended would do more if it were resumed, as far as is known."""
        is_left = self.counts.queued > 0 and self.ended is not Ending.PAGE_LIMIT
        return self.state.is_over and (is_left or self.is_widened or bool(self.wishes) or self.planted < self.uploads)

    def is_called(self, text: str) -> bool:
        """Whether the name contains this text, whatever its case, or the id is this text."""
        return text.casefold() in self.name.casefold() or text == self.id

    def is_labelled(self, label: str) -> bool:
        """Whether the job has this label: `name=value`, or the name alone. An empty text matches every job."""
        name, _, value = label.partition("=")
        return not label or (name in self.labels and (value == self.labels[name] or "=" not in label))


class Origin(StrEnum):
    """The source of a setting's value."""

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
    """None: only after a visit there has ended, one of this job or of another."""
    backoff_s: float
    """Seconds for which the site is still left alone after a setback."""
    setback: Reason | None
    retrying: int
    """URLs that wait for another attempt, not among `queued`."""
    delay_s: float
    """Least seconds of rest after each visit: our delay, or the site's Crawl-delay if it is known."""
    robots: RobotsState
    rest_s: float
    """Seconds of rest after each visit now: longer than `delay_s` while the site is slow or in trouble."""
    slowed_by: str
    """Why it rests longer than `delay_s`, in words; empty: it does not."""
    per_site: int
    """Visits at a time."""
    rules: tuple[str, ...]
    """The names of the tables of `sites` that it matches, the one that wins first."""
    proxy: str
    """The proxy that it goes to now, without its password; empty: it is reached directly."""
    visits: int
    """Visits that ended since the site came into memory; 0 while the job does not run."""
    is_held: bool
    """Whether the site is not visited until it is released."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job: `done` of `of`, in `unit`."""

    done: float
    of: float
    unit: Literal["URLs", "pages", "seconds", "bytes"]
    """`pages`, `seconds` and `bytes` count towards a limit; `URLs` are all known URLs."""


NO_PROGRESS = Progress(0, 0, "URLs")


@dataclass(frozen=True, slots=True)
class Job(Figures):
    """A job at one moment, as it is shown: without secrets; with the figures of its run."""

    id: str
    """Its id, for all calls about it."""
    name: str
    """Its name for people."""
    state: State
    """Whether it waits, runs, is paused or has ended, and how."""
    priority: int
    """From -10 to 10: two steps more double its share of a busy daemon."""
    template: str | None
    """The name of the template that it started from. None: of none."""
    labels: Mapping[str, str]
    """Words of its owner, by name."""
    webhook: str
    """The site of its webhook. The whole URL may hold a secret and is not shown."""
    created_at: float
    """When it was submitted, in Unix seconds."""
    started_at: float | None
    """When its last run began, in Unix seconds. None: it has not run."""
    ended_at: float | None
    """When it ended, in Unix seconds. None: it has not ended."""
    ended: Ending | None
    """Why its last run ended. None: none has."""
    error: str
    """The error that ended it. Empty: none did."""
    settings: Settings
    """The settings chosen for this job; secrets read `***`."""
    seeds: Seeds
    """The counts of its seeds."""
    counts: Counts
    """Its URLs, by their state."""
    bytes: int
    """Bytes downloaded over all runs."""
    revision: int = 0
    """Counts the changes of its state, name, priority, settings, labels and held sites, not of its figures."""
    wishes: Sequence[Wish] = ()
    """Requests to fetch failed or parked URLs that are not carried out yet."""
    has_more: bool = False
    """Whether it has ended and would do more if it were resumed, as far as is known."""
    remedies: Mapping[str, object] = field(default_factory=dict)
    """Settings that would help, by full name, with their suggested values."""
    progress: Progress = NO_PROGRESS
    """How far its run has come."""

    @property
    def pages(self) -> int:
        """Pages fetched, over all runs."""
        return self.counts.pages


def view_job(
    record: Record,
    settings: Settings,
    snapshot: Snapshot | None,
    seeds: Seeds | None = None,
    bytes_before: int = 0,
) -> Job:
    """Returns a job as it is shown: the record with the figures of its run. `settings` have their secrets hidden.

    `bytes_before` were downloaded by earlier runs.
    """
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
        revision=record.revision,
        wishes=record.wishes,
        has_more=record.has_more,
    )
    if snapshot is None:
        return job
    figures: dict[str, Any] = take_figures(snapshot)
    return replace(job, counts=snapshot.counts, bytes=bytes_before + snapshot.bytes, **figures)


def weight_of(priority: int) -> float:
    """Returns the weight of a job when jobs share the daemon's capacity."""
    return float(2 ** (priority / 2))


class Ids:
    """Makes ids that sort in the order in which they were made."""

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
