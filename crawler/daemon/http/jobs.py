"""The operations on jobs: submit, list, change, pause, resume, cancel, remove."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import web

from ..jobs.job import Job, JobSpec
from ..jobs.listing import After, Sort, place_of
from ..jobs.states import State
from ..reload import Changed
from . import answers, inputs, paging
from .fields import IDEMPOTENCY_KEY, IF_MATCH, NO_HEADERS, etag, expected, idempotency_key
from .keys import JOBS
from .models import (
    ChangeOut,
    EventOut,
    HistoryOut,
    JobIn,
    JobOut,
    JobPatch,
    JobsOut,
    ListQuery,
    Name,
    PlantedOut,
    Priority,
    SeedsIn,
    Sent,
)
from .operations import Operations
from .paging import PageQuery
from .problems import bad_field

MOST_UPLOADED = 4 << 30
"""Largest upload of seeds in bytes: about fifty million seeds."""
operation = Operations()


class JobQuery(Sent):
    """The fields of a job whose seeds are sent as the body."""

    name: Name = ""
    """With lines as the body: a name for people."""
    template: Name | None = None
    """With lines as the body: the name of a template to start from."""
    priority: Priority | None = None
    """With lines as the body: two steps more double the job's share."""
    links: bool | None = None
    """With lines as the body: whether records list the links of each page."""
    text: bool | None = None
    """With lines as the body: whether records hold the readable text of each page."""
    markdown: bool | None = None
    """With lines as the body: whether records hold the main part of each page as markdown."""
    metadata: bool | None = None
    """With lines as the body: whether records hold what each page says of itself."""


@operation(
    "POST", "/v1/jobs", {201: JobOut, 200: JobOut},
    body=JobIn, query=JobQuery, takes_lines=True, fields=(IDEMPOTENCY_KEY,), has_etag=True,
    raises=("not-found", "full", "key-reused"),
)  # fmt: skip
async def submit_job(request: web.Request) -> web.StreamResponse:
    """Submit a crawl. The status is 200 if the same `Idempotency-Key` was used before."""
    spec, seeds = await _read_request(request)
    job, is_new = await request.app[JOBS].submit(spec, seeds, idempotency_key(request))
    return _answer(job, 201 if is_new else 200, {"Location": f"jobs/{job.id}"})


@operation("GET", "/v1/jobs", {200: JobsOut}, query=ListQuery)
async def list_jobs(request: web.Request) -> web.StreamResponse:
    """All jobs, the newest first unless `sort` and `order` say otherwise."""
    asked = inputs.query(request, ListQuery)
    sort, state = Sort(asked.sort), State(asked.state) if asked.state else None
    found = request.app[JOBS].list(
        state, _read_cursor(asked.cursor, sort), asked.limit + 1, name=asked.name, label=asked.label,
        sort=sort, is_ascending=asked.order == "asc",
    )  # fmt: skip
    items, more = found[: asked.limit], found[asked.limit :]
    following = _cursor(items[-1], sort) if more else None
    return paging.answer(request, JobsOut(items=tuple(map(shown, items)), next=following))


@operation("GET", "/v1/jobs/{id}", {200: JobOut}, has_etag=True)
async def show_job(request: web.Request) -> web.StreamResponse:
    """One job."""
    return _answer(request.app[JOBS].find(id_of(request)))


@operation("PATCH", "/v1/jobs/{id}", {200: ChangeOut}, body=JobPatch, fields=(IF_MATCH,), has_etag=True)
async def change_job(request: web.Request) -> web.StreamResponse:
    """Change a job, also while it runs. The request is applied as a whole or not at all."""
    asked = await inputs.body(request, JobPatch)
    jobs, job = request.app[JOBS], id_of(request)
    changed = await jobs.change(
        job, asked.settings, name=asked.name, priority=asked.priority, labels=asked.labels, expected=expected(request)
    )
    now = jobs.find(job)
    return answers.json(_changed(changed, now), 200, etag(now.revision))


@operation("DELETE", "/v1/jobs/{id}", {204: None}, fields=(IF_MATCH,), raises=("wrong-state",))
async def remove_job(request: web.Request) -> web.StreamResponse:
    """Remove a job with its folder. A job that has not ended is cancelled first."""
    await request.app[JOBS].remove(id_of(request), expected=expected(request))
    return answers.nothing()


@operation("POST", "/v1/jobs/{id}/pause", {200: JobOut}, fields=(IF_MATCH,), has_etag=True, raises=("wrong-state",))
async def pause_job(request: web.Request) -> web.StreamResponse:
    """Pause a job: start no further visits until it is resumed."""
    return _answer(await request.app[JOBS].pause(id_of(request), expected=expected(request)))


@operation("POST", "/v1/jobs/{id}/resume", {200: JobOut}, fields=(IF_MATCH,), has_etag=True)
async def resume_job(request: web.Request) -> web.StreamResponse:
    """Resume a job where it stopped, also if it had ended."""
    return _answer(await request.app[JOBS].resume(id_of(request), expected=expected(request)))


@operation("POST", "/v1/jobs/{id}/cancel", {200: JobOut}, fields=(IF_MATCH,), has_etag=True, raises=("wrong-state",))
async def cancel_job(request: web.Request) -> web.StreamResponse:
    """End a job. What it fetched is kept."""
    return _answer(await request.app[JOBS].cancel(id_of(request), expected=expected(request)))


@operation(
    "POST",
    "/v1/jobs/{id}/seeds",
    {202: PlantedOut},
    body=SeedsIn,
    takes_lines=True,
    fields=(IDEMPOTENCY_KEY,),
    raises=("wrong-state", "full", "key-reused"),
)
async def plant_seeds(request: web.Request) -> web.StreamResponse:
    """Add seeds to a job, inline or as lines. They are on the disk before the answer is sent."""
    if inputs.is_lines(request):
        seeds = inputs.lines(request, MOST_UPLOADED)
    else:
        seeds = _inline((await inputs.body(request, SeedsIn)).seeds)
    given = await request.app[JOBS].plant(id_of(request), seeds, idempotency_key(request))
    return answers.json(PlantedOut(given=given), 202)


@operation("GET", "/v1/jobs/{id}/history", {200: HistoryOut}, query=PageQuery, raises=("store",))
async def show_history(request: web.Request) -> web.StreamResponse:
    """Every change of state and of settings, the oldest first."""
    asked = inputs.query(request, PageQuery)
    after = paging.read_cursor(asked, "history", 0)
    events = await request.app[JOBS].history(id_of(request), after, asked.limit + 1)
    page = paging.cut(events, asked, "history", lambda event: event.id or 0)
    items = tuple(EventOut.model_validate(event) for event in page.items)
    return paging.answer(request, HistoryOut(items=items, next=page.following))


def id_of(request: web.Request) -> str:
    return request.match_info["id"]


def shown(job: Job) -> JobOut:
    return JobOut.model_validate(job)


def _answer(job: Job, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> web.Response:
    return answers.json(shown(job), status, {**headers, **etag(job.revision)})


def _changed(changed: Changed, job: Job) -> ChangeOut:
    return ChangeOut(job=shown(job), applied=changed.applied, needs_restart=changed.needs_restart)


async def _read_request(request: web.Request) -> tuple[JobSpec, AsyncIterator[Sequence[str]]]:
    """Returns the request and the seeds: from a JSON body, or from the query with the seeds as the body."""
    if inputs.is_lines(request):
        brief = inputs.query(request, JobQuery)
        spec = JobSpec(
            name=brief.name,
            template=brief.template,
            priority=brief.priority,
            links=brief.links,
            text=brief.text,
            markdown=brief.markdown,
            metadata=brief.metadata,
        )
        return spec, inputs.lines(request, MOST_UPLOADED)
    if request.query:
        raise bad_field(next(iter(request.query)), "belongs into the body; the query is for lines as the body")
    asked = await inputs.body(request, JobIn)
    spec = JobSpec(
        name=asked.name,
        settings=asked.settings,
        template=asked.template,
        priority=asked.priority,
        labels=asked.labels,
        is_paused=asked.is_paused,
        webhook=asked.webhook,
        links=asked.links,
        text=asked.text,
        markdown=asked.markdown,
        metadata=asked.metadata,
        formats=asked.formats,
    )
    return spec, _inline(asked.seeds)


async def _inline(seeds: Sequence[str]) -> AsyncIterator[Sequence[str]]:
    yield seeds


def _cursor(last: Job, sort: Sort) -> str:
    """Returns where the page behind this job begins; the order is in it, so that a cursor fits no other one."""
    return inputs.cursor(last.id) if sort is Sort.CREATED else inputs.cursor(sort, *place_of(last, sort))


def _read_cursor(cursor: str | None, sort: Sort) -> After | None:
    if cursor is None:
        return None
    match inputs.position(cursor):
        case [str(job)] if sort is Sort.CREATED:
            return job
        case [str(by), str(value) | int(value), str(job)] if by == sort:
            if isinstance(value, str) is (sort is Sort.NAME):
                return value, job
    raise inputs.foreign_cursor()
