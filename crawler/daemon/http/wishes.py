"""The operations that fetch failed or parked URLs of a job."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from . import answers, inputs, paging
from .fields import IF_MATCH, etag, expected
from .jobs import id_of, shown
from .keys import JOBS
from .models import JobOut, ListOut, Sent, Shape
from .operations import Operations
from .paging import GroupsQuery

operation = Operations()


class RetryIn(Sent):
    """A request to visit failed URLs again."""

    reasons: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=100)] = ()
    """Reasons of failures, as docs/records.md lists them: `dns`, `timeout`, ... Without any: every failure."""


class UnparkIn(Sent):
    """A request to fetch parked URLs."""

    patterns: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(max_length=1000)] = ()
    """Patterns, as `/parked` lists them. Without any: all of them."""


class WantedOut(Shape):
    """The result of a wish."""

    job: JobOut
    queued: int | None
    """URLs that were queued; null: the wish is stored, and carried out when the job runs."""


class ParkedPatternOut(Shape):
    pattern: str
    """The pattern, as docs/traps.md explains it."""
    parked: int
    """Parked URLs of the pattern."""
    fetched: int
    """Pages of the pattern that were read."""
    news: int
    """Pages among them that were unlike all before."""
    examples: tuple[str, ...]
    """Two of the parked URLs."""
    reason: str
    """Why they are parked: `trap`, or `blocked` if their site blocks us."""


class ParkedOut(ListOut):
    items: tuple[ParkedPatternOut, ...]
    """The patterns with most URLs first."""
    patterns: int
    """The number of all patterns."""
    parked: int
    """Parked URLs of all patterns."""


@operation(
    "POST",
    "/v1/jobs/{id}/retry",
    {202: WantedOut},
    body=RetryIn,
    fields=(IF_MATCH,),
    has_etag=True,
    raises=("wrong-state",),
)
async def retry_failures(request: web.Request) -> web.StreamResponse:
    """Visit failed URLs again, for some reasons or for all. A job that has ended is resumed."""
    asked, job = await inputs.body(request, RetryIn), id_of(request)
    queued = await request.app[JOBS].retry(job, asked.reasons, expected=expected(request))
    return _answer(request, job, queued)


@operation(
    "POST",
    "/v1/jobs/{id}/unpark",
    {202: WantedOut},
    body=UnparkIn,
    fields=(IF_MATCH,),
    has_etag=True,
    raises=("wrong-state", "full"),
)
async def unpark_patterns(request: web.Request) -> web.StreamResponse:
    """Fetch parked URLs, of some patterns or of all. A job that has ended is resumed."""
    asked, job = await inputs.body(request, UnparkIn), id_of(request)
    queued = await request.app[JOBS].unpark(job, asked.patterns, expected=expected(request))
    return _answer(request, job, queued)


@operation("GET", "/v1/jobs/{id}/parked", {200: ParkedOut}, query=GroupsQuery)
async def list_parked(request: web.Request) -> web.StreamResponse:
    """The patterns under which URLs are parked, those with most URLs first."""
    asked = inputs.query(request, GroupsQuery)
    traps = await request.app[JOBS].parked(id_of(request))
    page = paging.cut_by_number(traps, asked, "parked")
    items = tuple(ParkedPatternOut.model_validate(trap) for trap in page.items)
    parked = sum(trap.parked for trap in traps)
    return paging.answer(request, ParkedOut(items=items, next=page.following, patterns=len(traps), parked=parked))


def _answer(request: web.Request, job: str, queued: int | None) -> web.Response:
    now = request.app[JOBS].find(job)
    return answers.json(WantedOut(job=shown(now), queued=queued), 202, etag(now.revision))
