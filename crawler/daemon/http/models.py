"""The models of the API: bodies that clients send (`...In`), queries (`...Query`), answers (`...Out`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from ...forecast import Eta
from ..jobs.job import Progress, Wish
from .settings_schema import MARK
from .storable import MAX_INT, storable

StateName: TypeAlias = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
Name: TypeAlias = Annotated[str, Field(max_length=200)]
Priority: TypeAlias = Annotated[int, Field(ge=-10, le=10)]
Settings: TypeAlias = Annotated[
    dict[str, Any],
    AfterValidator(storable),
    Field(
        description="Settings by the names they have in TOML, in tables or by full name: `scope.max_depth`.",
        json_schema_extra={MARK: True},
    ),
]
Formats: TypeAlias = Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=16)]
Cursor: TypeAlias = Annotated[str, Field(max_length=2000)]
Labels: TypeAlias = Annotated[dict[Annotated[str, Field(max_length=100)], Name], Field(max_length=50)]


class Shape(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False, from_attributes=True
    )


class Sent(Shape):
    """Base class of input from a client."""

    @field_validator("*", mode="after")
    @classmethod
    def _holds_no_control_characters(cls, value: object) -> object:
        if isinstance(value, str) and not value.isprintable():
            raise ValueError("should be printable text on one line")
        return value


# -- what clients send ------------------------------------------------------------------------------------------------


class JobIn(Sent):
    """A new job."""

    name: Name = ""
    """A name for people. Empty: the first seed's site."""
    seeds: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(max_length=50_000)] = ()
    """URLs as people write them; names of files are refused. Send longer lists as lines, here or at `/seeds`."""
    settings: Settings = Field(default_factory=dict)
    template: Name | None = None
    """The name of a template to start from."""
    priority: Priority | None = None
    """Two steps more double the job's share of the daemon's capacity. Absent: the template's, or 0."""
    labels: Labels = Field(default_factory=dict)
    is_paused: bool = False
    """Whether the job waits for `resume` before it starts."""
    webhook: Annotated[str, Field(max_length=2048)] = ""
    """A URL that receives each change of the job's state, signed as docs/daemon.md describes."""
    links: bool | None = None
    """Whether records list the links of each page. Absent: as `sinks` in the settings have it."""
    text: bool | None = None
    """Whether records hold the readable text of each page. Absent: as `sinks` in the settings have it."""
    markdown: bool | None = None
    """Whether records hold the main part of each page as markdown. Absent: as `sinks` in the settings have it."""
    metadata: bool | None = None
    """Whether records hold what each page says of itself. Absent: as `sinks` in the settings have it."""
    formats: Formats = ()
    """The formats of its outputs, among those that `GET /v1/settings` lists. Absent: as the settings have it."""


class JobPatch(Sent):
    """A change of a job. Absent fields stay as they are."""

    name: Name | None = None
    priority: Priority | None = None
    settings: Settings = Field(default_factory=dict)
    labels: Labels | None = None
    """The complete labels: those that are not named are removed."""


class SeedsIn(Sent):
    """More seeds for a job."""

    seeds: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(min_length=1, max_length=50_000)]


class TemplateIn(Sent):
    """A template: settings stored under a name."""

    settings: Settings
    priority: Priority = 0
    labels: Labels = Field(default_factory=dict)


# -- what they ask ----------------------------------------------------------------------------------------------------


class ListQuery(Sent):
    state: StateName | None = None
    name: Name = ""
    """Text that the job's name contains, whatever its case; or the job's id."""
    label: Annotated[str, Field(max_length=301)] = ""
    """A label of the job: `team`, or with its value `team=search`."""
    sort: Literal["created", "name", "state", "pages", "pages_per_s", "bytes", "queued", "failed"] = "created"
    """The figure that orders the list."""
    order: Literal["desc", "asc"] = "desc"
    """The newest, or largest, first; or last."""
    cursor: Cursor | None = None
    """The `next` of the previous page."""
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class PagesQuery(Sent):
    cursor: Cursor | None = None
    """The `next` of the previous page."""
    last: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Without a cursor: begin with the last N matching records within the last 64 MiB of the file."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    status: Annotated[str, Field(pattern=r"^([1-9][0-9]{2}|[1-9]xx)$")] | None = None
    """`404`, or `4xx`."""
    site: Annotated[str, Field(max_length=300)] | None = None
    """Scheme, host and port, or a host alone."""
    disposition: Annotated[str, Field(pattern="^[a-z]{1,20}$")] | None = None
    reason: Annotated[str, Field(pattern="^[a-z0-9-]{1,30}$")] | None = None
    type: Annotated[str, Field(pattern=r"^[a-z0-9!#$&^_.+-]{1,60}/([a-z0-9!#$&^_.+-]{1,60}|\*)$")] | None = None
    """A media type: `text/html`, or `image/*`."""


class UrlQuery(Sent):
    url: Annotated[str, Field(min_length=1, max_length=8192)]
    """The URL, written as a seed."""


class SinceQuery(Sent):
    since: Annotated[float, Field(ge=0)] = 0.0
    """Unix seconds: points from this time on."""


class EventsQuery(Sent):
    after: Annotated[int, Field(ge=0, le=MAX_INT)] | None = None
    """The id of the last event seen; the header `Last-Event-ID` says the same."""


# -- what they get ----------------------------------------------------------------------------------------------------


class ListOut(Shape):
    """One page of a list."""

    next: str | None = None
    """The cursor of the next page, which the header field `Link` names too; null: this is the last page."""


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
    """Lines that are neither empty nor comments."""
    bad: int
    """Unusable seeds among those read so far; bad-seeds.txt lists them."""
    is_reading: bool
    """Whether some seeds still wait to be queued."""
    queued: int
    """Seeds that were queued, among those read so far: new URLs, and known ones that had failed or were parked."""


class CountsOut(Shape):
    known: int = 0
    queued: int = 0
    leased: int = 0
    retrying: int = 0
    sites: int = 0
    parked: int = 0
    """Parked URLs, which wait until somebody asks for them; `/parked` lists their patterns. Not in `queued`."""
    settled: Mapping[str, int] = Field(default_factory=dict)
    """The number of URLs that ended with each disposition. Of those `fetched`, the `requisites` are no pages."""
    requisites: int = 0


class LatencyOut(Shape):
    """Milliseconds that recent answers took: the 50th, 90th and 99th percentile."""

    p50: float
    p90: float
    p99: float


class JobOut(Shape):
    """A job."""

    id: str
    name: str
    state: StateName
    priority: int
    template: str | None
    created_at: float
    """Unix seconds, as all times in the API."""
    started_at: float | None
    ended_at: float | None
    ended: str | None
    """Why its last run ended: `exhausted`, `page-limit`, ..."""
    error: str
    """The reason of a failure, in words."""
    settings: dict[str, Any]
    """The chosen settings, with secrets hidden."""
    labels: dict[str, str]
    webhook: str
    """The site of the webhook; the whole URL is not shown."""
    seeds: SeedsOut
    counts: CountsOut
    pages: int
    """Pages fetched over all runs."""
    bytes: int
    """Bytes downloaded over all runs."""
    revision: int
    """Counts the changes of its state, name, priority, settings, labels and held sites. In quotes it is the ETag."""
    wishes: tuple[Wish, ...]
    """Requests made at `/retry` and `/unpark` that wait for the job to run."""
    has_more: bool
    """Whether an ended job would do more if it were resumed, as far as is known: URLs are queued, or admitted now."""
    pages_per_s: float
    """Pages a second over the last ten seconds; the next field gives bytes."""
    bytes_per_s: float
    in_flight: int
    progress: Progress
    bound_by: str
    """The present limit of its speed: `politeness`, `network`, ..."""
    advice: str
    """An explanation of `bound_by`, and what would help, with names of settings."""
    remedies: dict[str, Any]
    """Settings that would help, by full name, with their suggested values."""
    at_least_s: float | None
    """Seconds that the queue of now takes at least, since sites rest between requests. null: it cannot be said."""
    eta: Eta | None
    """When the run ends, with an interval; null: it does not run."""
    stages: dict[str, float]
    """The share of recent visit time that each stage took."""
    latency: LatencyOut | None


class JobsOut(ListOut):
    items: tuple[JobOut, ...]


class ChangeOut(Shape):
    """The result of a change."""

    job: JobOut
    applied: tuple[str, ...]
    """Settings in effect now."""
    needs_restart: tuple[str, ...]
    """Settings in effect from the next run on: pause and resume the job."""


class PlantedOut(Shape):
    given: int
    """Stored lines, unusable ones included. `seeds.queued` of the job shows later how many were queued."""


class PagesOut(ListOut):
    items: tuple[dict[str, Any], ...]
    """Records as docs/records.md describes them."""


class FailureOut(Shape):
    site: str
    reason: str
    n: int
    example: str


class FailuresOut(ListOut):
    items: tuple[FailureOut, ...]


class EventOut(Shape):
    """Something that happened."""

    id: int | None
    at: float
    job: str | None
    kind: str
    data: dict[str, Any]


class HistoryOut(ListOut):
    items: tuple[EventOut, ...]


class SettingOut(Shape):
    key: str
    value: Any
    origin: str
    """`default`, `daemon`, `template` or `job`."""
    meaning: str


class SettingsOut(ListOut):
    items: tuple[SettingOut, ...]


class SchemaOut(Shape):
    """The data from which a form for new jobs is made."""

    json_schema: dict[str, Any]
    """The schema of all settings (JSON Schema 2020-12)."""
    defaults: dict[str, Any]
    """The default values by full name, including the daemon's."""
    live: tuple[str, ...]
    """Full names of settings that may change while a job runs."""
    refused: tuple[str, ...]
    """Full names of settings that only the daemon's own file may set."""
    formats: tuple[str, ...]
    """The formats that a job may choose for its outputs."""


class ExplanationOut(Shape):
    """Explains why a URL is fetched or not; docs/explain.md describes the fields."""

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


class FilesOut(ListOut):
    items: tuple[FileOut, ...]


class ReloadOut(Shape):
    """The result of reloading settings; unchanged ones are not named."""

    applied: tuple[str, ...]
    """Settings in effect now; those of jobs take effect with their next run."""
    needs_restart: tuple[str, ...]
    """Settings that take effect after a restart of the daemon."""


class TemplateOut(Shape):
    name: str
    settings: dict[str, Any]
    priority: int
    labels: dict[str, str]
    revision: int
    """Another number after each change. In quotes it is the ETag."""


class TemplatesOut(ListOut):
    items: tuple[TemplateOut, ...]


class HealthOut(Shape):
    status: Literal["ok", "starting", "stopping"]
    version: str
    jobs: dict[str, int] = Field(default_factory=dict)
    """The number of jobs in each state."""
