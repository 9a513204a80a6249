"""The operations on schedules, which submit jobs again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from aiohttp import web
from pydantic import Field

from ..jobs import validation
from ..schedules.schedule import CatchUp, Overlap, Schedule
from . import answers, inputs, paging
from .fields import IDEMPOTENCY_KEY, IF_MATCH, NO_HEADERS, etag, expected, idempotency_key
from .jobs import id_of
from .keys import JOBS
from .models import Formats, Labels, ListOut, Name, Priority, Sent, Settings, Shape
from .operations import Operations
from .paging import PageQuery

OverlapName: TypeAlias = Literal["skip", "queue", "cancel-old"]
CatchUpName: TypeAlias = Literal["once", "never"]
Cron: TypeAlias = Annotated[str, Field(min_length=9, max_length=200)]
Zone: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
SeedTexts: TypeAlias = Annotated[
    tuple[Annotated[str, Field(max_length=2048)], ...], Field(min_length=1, max_length=1000)
]
operation = Operations()


class ScheduleIn(Sent):
    """A new schedule."""

    cron: Cron
    """Five fields as crontab(5) has them: minute, hour, day of month, month, day of week."""
    seeds: SeedTexts
    name: Name = ""
    """The name of the jobs. Empty: the first seed's site."""
    zone: Zone = "UTC"
    """The time zone of `cron`, by its name in the tz database."""
    overlap: OverlapName = "skip"
    """If the previous job has not ended: skip this run, let one wait, or cancel the old job."""
    catch_up: CatchUpName = "once"
    """If the daemon was not running at the time: start one job later, or none."""
    is_enabled: bool = True
    template: Name | None = None
    settings: Settings = Field(default_factory=dict)
    priority: Priority | None = None
    labels: Labels = Field(default_factory=dict)
    links: bool | None = None
    """Whether records list the links of each page. Absent: as the settings have it."""
    text: bool | None = None
    """Whether records hold the readable text of each page. Absent: as the settings have it."""
    markdown: bool | None = None
    """Whether records hold the main part of each page as markdown. Absent: as the settings have it."""
    metadata: bool | None = None
    """Whether records hold what each page says of itself. Absent: as the settings have it."""
    formats: Formats = ()
    """The formats of the outputs, among those that `GET /v1/settings` lists. Absent: as the settings have it."""


class SchedulePatch(Sent):
    """A change of a schedule. Absent fields stay as they are."""

    cron: Cron | None = None
    seeds: SeedTexts | None = None
    name: Name | None = None
    zone: Zone | None = None
    overlap: OverlapName | None = None
    catch_up: CatchUpName | None = None
    is_enabled: bool | None = None
    template: Name | None = None
    settings: Settings | None = None
    """The complete settings: those that are not named are removed."""
    priority: Priority | None = None
    labels: Labels | None = None
    links: bool | None = None
    text: bool | None = None
    markdown: bool | None = None
    metadata: bool | None = None
    formats: Formats | None = None


class ScheduleOut(Shape):
    """A schedule."""

    id: str
    name: str
    cron: str
    zone: str
    overlap: OverlapName
    catch_up: CatchUpName
    is_enabled: bool
    template: str | None
    settings: dict[str, Any]
    priority: int | None
    labels: dict[str, str]
    links: bool | None
    text: bool | None
    markdown: bool | None
    metadata: bool | None
    formats: tuple[str, ...]
    seeds: tuple[str, ...]
    created_at: float
    next_at: float | None
    """The next time; null: the schedule is switched off."""
    is_waiting: bool
    """Whether a job waits for the previous one to end."""
    last_at: float | None
    last_job: str | None
    said: str
    """The result of the last time, in words."""
    revision: int
    """Counts its changes by requests, not its times. In quotes it is the ETag."""


class SchedulesOut(ListOut):
    items: tuple[ScheduleOut, ...]


@operation(
    "POST", "/v1/schedules", {201: ScheduleOut, 200: ScheduleOut},
    body=ScheduleIn, fields=(IDEMPOTENCY_KEY,), has_etag=True, raises=("full", "key-reused"))  # fmt: skip
async def add_schedule(request: web.Request) -> web.StreamResponse:
    """Add a schedule. The status is 200 if the same `Idempotency-Key` was used before."""
    asked = await inputs.body(request, ScheduleIn)
    schedule, key = Schedule(id="", **chosen_fields(asked)), idempotency_key(request)
    made, is_new = await request.app[JOBS].schedules.add_once(schedule, key)
    return _answer(made, 201 if is_new else 200, {"Location": f"/v1/schedules/{made.id}"})


@operation("GET", "/v1/schedules", {200: SchedulesOut}, query=PageQuery)
async def list_schedules(request: web.Request) -> web.StreamResponse:
    """All schedules, the oldest first."""
    found, asked = request.app[JOBS].schedules.list(), inputs.query(request, PageQuery)
    page = paging.cut_by_key(found, asked, "schedules", lambda schedule: schedule.id, "")
    items = tuple(to_model(schedule) for schedule in page.items)
    return paging.answer(request, SchedulesOut(items=items, next=page.following))


@operation("GET", "/v1/schedules/{id}", {200: ScheduleOut}, has_etag=True)
async def show_schedule(request: web.Request) -> web.StreamResponse:
    """One schedule."""
    return _answer(request.app[JOBS].schedules.find(id_of(request)))


@operation("PATCH", "/v1/schedules/{id}", {200: ScheduleOut}, body=SchedulePatch, fields=(IF_MATCH,), has_etag=True)
async def change_schedule(request: web.Request) -> web.StreamResponse:
    """Change a schedule, or switch it off or on. Jobs that it started stay as they are."""
    asked = await inputs.body(request, SchedulePatch)
    changes = {name: value for name, value in chosen_fields(asked).items() if value is not None}
    return _answer(await request.app[JOBS].schedules.change(id_of(request), expected=expected(request), **changes))


@operation("DELETE", "/v1/schedules/{id}", {204: None}, fields=(IF_MATCH,))
async def remove_schedule(request: web.Request) -> web.StreamResponse:
    """Remove a schedule; its jobs stay."""
    await request.app[JOBS].schedules.remove(id_of(request), expected=expected(request))
    return answers.nothing()


def _answer(schedule: Schedule, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> web.Response:
    return answers.json(to_model(schedule), status, {**headers, **etag(schedule.revision)})


def chosen_fields(asked: ScheduleIn | SchedulePatch) -> dict[str, Any]:
    """Returns the fields of a schedule that a request names, by their names in `Schedule`."""
    values = {name: getattr(asked, name) for name in type(asked).model_fields}
    if asked.overlap is not None:
        values["overlap"] = Overlap(asked.overlap)
    if asked.catch_up is not None:
        values["catch_up"] = CatchUp(asked.catch_up)
    return values


def to_model(schedule: Schedule) -> ScheduleOut:
    """Returns the schedule as the API shows it."""
    values = {
        name: getattr(schedule, name) for name in ScheduleOut.model_fields if name not in ("is_waiting", "settings")
    }
    return ScheduleOut(
        **values, is_waiting=schedule.waiting is not None, settings=dict(validation.mask_secrets(schedule.settings))
    )
