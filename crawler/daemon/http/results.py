"""The operations on a job's results: pages, sites, failures, explanations of URLs, figures over time."""

from __future__ import annotations

from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field

from ...metrics.metrics import MAX_FAILURES
from ...protocols import Reader
from ...records import Filter, Stretch
from ...runtime.threads import run_in_thread
from ..runs import records
from ..runs.records import MOST_LOOKED, MOST_READ
from ..runs.stats import Point
from . import answers, inputs, paging
from .fields import IF_MATCH, expected
from .jobs import id_of
from .keys import INSIGHT, JOBS
from .models import (
    ExplanationOut,
    FailureOut,
    FailuresOut,
    PagesOut,
    PagesQuery,
    Sent,
    SeriesOut,
    SinceQuery,
    UrlQuery,
)
from .operations import Operations
from .paging import GroupsQuery, SitesQuery
from .site_models import SiteOut, SitesOut

MOST_SITES = 10_000
"""Sites before the last page of their list: the busiest ones are found anew for each page."""
AT_ONCE = 1000
"""Records that a stream reads and sends at once."""
operation = Operations()


class SiteIn(Sent):
    """A site of a job."""

    site: Annotated[str, Field(min_length=1, max_length=300)]
    """Scheme, host and port, such as `https://example.org`."""


@operation(
    "GET",
    "/v1/jobs/{id}/pages",
    {200: PagesOut},
    query=PagesQuery,
    upgrade=answers.NDJSON,
    raises=("no-records", "wrong-state"),
)
async def list_pages(request: web.Request) -> web.StreamResponse:
    """Records in the order in which they were written; as `application/x-ndjson` all of them, one a line.

    `next` is null when the job has ended and all records were read. Until then it is the position of new records.
    """
    asked = inputs.query(request, PagesQuery)
    job = request.app[JOBS].find(id_of(request))
    reader = records.reader(await request.app[JOBS].outputs(job.id))
    wanted = Filter(asked.status or "", asked.site or "", asked.disposition or "", asked.reason or "", asked.type or "")
    start = await _start(asked, reader, wanted)
    if answers.NDJSON in request.headers.get("Accept", ""):
        return await _stream_all(request, reader, start, wanted)
    is_tail = asked.last is not None and asked.cursor is None
    stretch = await _read_in_thread(reader, start, asked.limit, wanted, MOST_LOOKED if is_tail else MOST_READ)
    is_all = stretch.is_last and job.state.is_over
    items = tuple(orjson.loads(line) for line in stretch.lines)
    return paging.answer(request, PagesOut(items=items, next=None if is_all else inputs.cursor(stretch.end)))


@operation("GET", "/v1/jobs/{id}/sites", {200: SitesOut}, query=SitesQuery)
async def list_sites(request: web.Request) -> web.StreamResponse:
    """The sites with most URLs to visit; the first page also has all held ones.

    Sites may change places between two pages. No page begins behind the first 10,000 sites.
    """
    asked, jobs, job = inputs.query(request, SitesQuery), request.app[JOBS], id_of(request)
    start = paging.read_cursor(asked, "sites", 0)
    if not 0 <= start <= MOST_SITES:
        raise inputs.foreign_cursor()
    sites, end = await jobs.sites(job, asked.limit, start), start + asked.limit
    is_more = len(sites) >= asked.limit and end <= MOST_SITES and await jobs.sites(job, 1, end)
    following = inputs.cursor("sites", end) if is_more else None
    return paging.answer(request, SitesOut(items=tuple(map(SiteOut.model_validate, sites)), next=following))


@operation("POST", "/v1/jobs/{id}/sites/hold", {204: None}, body=SiteIn, fields=(IF_MATCH,))
async def hold_site(request: web.Request) -> web.StreamResponse:
    """Hold a site: start no visits to it until it is released."""
    asked = await inputs.body(request, SiteIn)
    await request.app[JOBS].hold(id_of(request), asked.site, expected=expected(request))
    return answers.nothing()


@operation("POST", "/v1/jobs/{id}/sites/release", {204: None}, body=SiteIn, fields=(IF_MATCH,))
async def release_site(request: web.Request) -> web.StreamResponse:
    """Release a site that was held."""
    asked = await inputs.body(request, SiteIn)
    await request.app[JOBS].let_go(id_of(request), asked.site, expected=expected(request))
    return answers.nothing()


@operation("GET", "/v1/jobs/{id}/errors", {200: FailuresOut}, query=GroupsQuery, raises=("no-records", "wrong-state"))
async def list_errors(request: web.Request) -> web.StreamResponse:
    """The failures by site and reason, with an example of each."""
    asked = inputs.query(request, GroupsQuery)
    failures = await request.app[INSIGHT].failures(id_of(request), MAX_FAILURES)
    page = paging.cut_by_number(failures, asked, "errors")
    items = tuple(FailureOut.model_validate(one) for one in page.items)
    return paging.answer(request, FailuresOut(items=items, next=page.following))


@operation("GET", "/v1/jobs/{id}/explain", {200: ExplanationOut}, query=UrlQuery)
async def explain_url(request: web.Request) -> web.StreamResponse:
    """Why a URL is fetched or not, and its outcome in this job; docs/explain.md describes the fields."""
    asked, job = inputs.query(request, UrlQuery), id_of(request)
    said = await request.app[JOBS].explain(job, asked.url)
    return answers.json(ExplanationOut.model_validate(said.record(request.app[JOBS].folder(job))))


@operation("GET", "/v1/jobs/{id}/stats", {200: SeriesOut}, query=SinceQuery)
async def show_stats(request: web.Request) -> web.StreamResponse:
    """The job's figures over time: pages, bytes, visits in flight, queued URLs, latency."""
    asked = inputs.query(request, SinceQuery)
    points = request.app[JOBS].stats(id_of(request), asked.since)
    names = Point._fields[1:]
    columns = {name: tuple(getattr(point, name) for point in points) for name in names}
    return answers.json(SeriesOut(at=tuple(point.at for point in points), columns=columns))


async def _start(asked: PagesQuery, reader: Reader, wanted: Filter) -> int:
    if asked.cursor is None:
        if asked.last is None:
            return 0
        with records.readable():
            return await run_in_thread(reader.start_of_last, asked.last, wanted, MOST_LOOKED)
    match inputs.position(asked.cursor):
        case [int(start)] if start >= 0:
            return start
    raise inputs.foreign_cursor()


async def _stream_all(request: web.Request, reader: Reader, start: int, wanted: Filter) -> web.StreamResponse:
    """Sends all present records. Each part is read after the client has taken the one before."""
    response = await answers.open_stream(request, answers.NDJSON)
    while True:
        stretch = await _read_in_thread(reader, start, AT_ONCE, wanted)
        if not await answers.send(response, stretch.lines) or stretch.is_last:
            return response
        start = stretch.end


async def _read_in_thread(
    reader: Reader, start: int, limit: int, wanted: Filter, most_bytes: int = MOST_READ
) -> Stretch:
    with records.readable():
        return await run_in_thread(reader.read, start, limit, wanted, most_bytes)
