"""The shapes that travel: what clients send (`...In`), ask (`...Query`) and get (`...Out`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from ..job import Progress, Wish
from .storable import MAX_INT, storable

StateName: TypeAlias = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
Name: TypeAlias = Annotated[str, Field(max_length=200)]
Priority: TypeAlias = Annotated[int, Field(ge=-10, le=10)]
Settings: TypeAlias = Annotated[
    dict[str, Any],
    AfterValidator(storable),
    Field(description="Settings by the names they have in TOML, in tables or by full name: `scope.max_depth`."),
]
Labels: TypeAlias = Annotated[dict[Annotated[str, Field(max_length=100)], Name], Field(max_length=50)]


class Shape(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False, from_attributes=True
    )


class Sent(Shape):
    """What comes from a client."""

    @field_validator("*", mode="after")
    @classmethod
    def _holds_no_control_characters(cls, value: object) -> object:
        if isinstance(value, str) and not value.isprintable():
            raise ValueError("should be printable text on one line")
        return value


# -- what clients send ------------------------------------------------------------------------------------------------


class JobIn(Sent):
    """A crawl to be done."""

    name: Name = ""
    """For people; empty: made from the first seed."""
    seeds: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(max_length=50_000)] = ()
    """URLs as people write them; files are refused. More of them: as lines, here or at `/seeds`."""
    settings: Settings = Field(default_factory=dict)
    template: Name | None = None
    """Settings to start from, by the name they were kept under."""
    priority: Priority | None = None
    """Two more is twice the share of what all jobs share; absent: the template's, or 0."""
    labels: Labels = Field(default_factory=dict)
    is_paused: bool = False
    """Whether it waits for `resume` before it begins."""
    webhook: Annotated[str, Field(max_length=2048)] = ""
    """A URL that is sent each change of its state, signed; docs/daemon.md tells how."""


class JobQuery(Sent):
    """The fields of a job whose seeds are the body."""

    name: Name = ""
    template: Name | None = None
    priority: Priority | None = None


class JobPatch(Sent):
    """What to change of a job; what is absent stays."""

    name: Name | None = None
    priority: Priority | None = None
    settings: Settings = Field(default_factory=dict)
    labels: Labels | None = None
    """All of them: those that are not named are gone."""


class SeedsIn(Sent):
    """More seeds for a job."""

    seeds: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(min_length=1, max_length=50_000)]


class TemplateIn(Sent):
    """Settings kept under a name."""

    settings: Settings
    priority: Priority = 0
    labels: Labels = Field(default_factory=dict)


# -- what they ask ----------------------------------------------------------------------------------------------------


class ListQuery(Sent):
    state: StateName | None = None
    name: Name = ""
    """What the name of a job holds, in letters of any size; or its id."""
    label: Annotated[str, Field(max_length=301)] = ""
    """A label that jobs have: `team`, or with its value `team=search`."""
    cursor: Annotated[str, Field(max_length=500)] | None = None
    """The `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PagesQuery(Sent):
    cursor: Annotated[str, Field(max_length=500)] | None = None
    """The `next` of the page before."""
    last: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Without a cursor: begin with the last so many that match, of those in the last 64 MiB of records."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    status: Annotated[str, Field(pattern=r"^([1-9][0-9]{2}|[1-9]xx)$")] | None = None
    """`404`, or `4xx`."""
    site: Annotated[str, Field(max_length=300)] | None = None
    """Scheme, host and port, or a host alone."""
    disposition: Annotated[str, Field(pattern="^[a-z]{1,20}$")] | None = None
    reason: Annotated[str, Field(pattern="^[a-z0-9-]{1,30}$")] | None = None


class UrlQuery(Sent):
    url: Annotated[str, Field(min_length=1, max_length=8192)]
    """As you would write a seed."""


class SinceQuery(Sent):
    since: Annotated[float, Field(ge=0)] = 0.0
    """Unix seconds: what came later."""


class EventsQuery(Sent):
    after: Annotated[int, Field(ge=0, le=MAX_INT)] | None = None
    """The id of the last event seen; the header `Last-Event-ID` says the same."""


# -- what they get ----------------------------------------------------------------------------------------------------


class FaultOut(Shape):
    field: str
    detail: str


class ProblemOut(Shape):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FaultOut, ...] = ()


class SeedsOut(Shape):
    given: int
    """Lines that were not empty and no comment."""
    bad: int
    """Those that could not be used, of what was read so far; bad-seeds.txt lists them."""
    is_reading: bool
    """Whether some still wait to be queued."""
    queued: int
    """Those that were queued, of what was read so far: new ones, and known ones that had failed or were parked."""


class CountsOut(Shape):
    known: int = 0
    queued: int = 0
    leased: int = 0
    retrying: int = 0
    sites: int = 0
    parked: int = 0
    """URLs that wait until somebody wants them: `/parked` lists their patterns. Not among `queued`."""
    settled: Mapping[str, int] = Field(default_factory=dict)
    """How many URLs ended with each disposition."""


class LatencyOut(Shape):
    """Milliseconds that recent answers took: half of them, nine in ten, all but one in a hundred."""

    p50: float
    p90: float
    p99: float


class JobOut(Shape):
    """A job as it stands."""

    id: str
    name: str
    state: StateName
    priority: int
    template: str | None
    created_at: float
    """Unix seconds, as all times here."""
    started_at: float | None
    ended_at: float | None
    ended: str | None
    """Why its last run ended: `exhausted`, `page-limit`, ..."""
    error: str
    """What made it fail, in words."""
    settings: dict[str, Any]
    """Those that somebody chose; secrets are not shown."""
    labels: dict[str, str]
    webhook: str
    """The site of its webhook; the whole URL is not shown."""
    seeds: SeedsOut
    counts: CountsOut
    pages: int
    """Fetched, over all runs."""
    bytes: int
    """Downloaded, over all runs."""
    wishes: tuple[Wish, ...]
    """What was asked for at `/retry` and `/unpark`, and waits for the job to run."""
    has_more: bool
    """It is over, and would do more if it were resumed, as far as that is known: something is queued, or let in now."""
    pages_per_s: float
    """Over the last ten seconds, as the next."""
    bytes_per_s: float
    in_flight: int
    progress: Progress
    bound_by: str
    """What limits it right now: `politeness`, `network`, ..."""
    advice: str
    """What that means and what would help, by the names of settings."""
    remedies: dict[str, Any]
    """Settings that would help, by full name, as they could be."""
    stages: dict[str, float]
    """The part of the time of all visits that each stage took lately."""
    latency: LatencyOut | None


class JobsOut(Shape):
    items: tuple[JobOut, ...]
    next: str | None
    """The cursor of the next page; null: this was the last."""


class ChangeOut(Shape):
    """What became of a change."""

    job: JobOut
    applied: tuple[str, ...]
    """Settings that count from now on."""
    needs_restart: tuple[str, ...]
    """Settings that count from the next run on: pause and resume the job."""


class PlantedOut(Shape):
    given: int
    """Lines that were kept, those that are no URL included. `seeds.queued` of the job tells later how many were new."""


class PagesOut(Shape):
    items: tuple[dict[str, Any], ...]
    """Records as docs/records.md describes them."""
    next: str | None


class RobotsOut(Shape):
    state: Literal["not-asked", "open", "rules", "unreachable", "ignored"]
    """What the site's robots.txt said: nothing yet, no rule, rules, no answer; or the job does not ask."""
    crawl_delay_s: float | None
    asked_in_s: float | None
    """How long until it may be asked for again."""
    detail: str
    """Why it cannot be reached."""


class SiteOut(Shape):
    site: str
    queued: int
    retrying: int
    """URLs that wait for another attempt, not among `queued`."""
    leased: int
    next_turn_in_s: float | None
    """null: not before a visit there has ended, one of this job or of another."""
    delay_s: float
    """How long it rests after each visit: the job's delay, or its Crawl-delay where that is known and longer."""
    backoff_s: float
    """How long it is left alone still, for it asked for that or could not be reached."""
    setback: str | None
    """The reason of that."""
    robots: RobotsOut
    is_held: bool


class SitesOut(Shape):
    items: tuple[SiteOut, ...]


class FailureOut(Shape):
    site: str
    reason: str
    n: int
    example: str


class FailuresOut(Shape):
    items: tuple[FailureOut, ...]


class EventOut(Shape):
    """Something that happened."""

    id: int | None
    at: float
    job: str | None
    kind: str
    data: dict[str, Any]


class HistoryOut(Shape):
    items: tuple[EventOut, ...]


class SettingOut(Shape):
    key: str
    value: Any
    origin: str
    """`default`, `daemon`, `template` or `job`."""
    meaning: str


class SettingsOut(Shape):
    items: tuple[SettingOut, ...]


class SchemaOut(Shape):
    """What a form for new jobs is made from."""

    json_schema: dict[str, Any]
    """Of all settings (JSON Schema 2020-12)."""
    defaults: dict[str, Any]
    """By full name, those of the daemon applied."""
    live: tuple[str, ...]
    """Full names of what may change while a job runs."""
    refused: tuple[str, ...]
    """Full names of what only the daemon's own configuration may set."""


class ExplanationOut(Shape):
    """Why (not): docs/explain.md describes the fields."""

    model_config = ConfigDict(extra="allow")
    v: int
    url: str
    verdict: Literal["fetch", "exclude", "unknown"]
    reason: str | None


class SeriesOut(Shape):
    """Columns of equal length over time."""

    at: tuple[float, ...]
    columns: dict[str, tuple[float, ...]]


class FileOut(Shape):
    path: str
    bytes: int
    modified_at: float


class FilesOut(Shape):
    items: tuple[FileOut, ...]


class ReloadOut(Shape):
    """What became of settings that were read anew; those that are the same are not named."""

    applied: tuple[str, ...]
    """In force; what jobs begin with holds for their next run."""
    needs_restart: tuple[str, ...]
    """In force once the daemon is started again."""


class TemplateOut(Shape):
    name: str
    settings: dict[str, Any]
    priority: int
    labels: dict[str, str]


class TemplatesOut(Shape):
    items: tuple[TemplateOut, ...]


class HealthOut(Shape):
    status: Literal["ok", "starting", "stopping"]
    version: str
    jobs: dict[str, int] = Field(default_factory=dict)
    """How many are in each state."""
