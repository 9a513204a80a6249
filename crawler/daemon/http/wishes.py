"""What a job did not fetch, and is wanted after all: failures once more, parked URLs."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from . import answers, inputs
from .jobs import id_of, shown
from .keys import JOBS
from .models import JobOut, Sent, Shape
from .operations import Operations

MOST_PATTERNS = 500
"""That are listed."""
operation = Operations()


class RetryIn(Sent):
    """What is to be visited again of what failed."""

    reasons: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=100)] = ()
    """Why it ended, as docs/records.md lists it: `dns`, `timeout`, ...; none: every kind of failure."""


class UnparkIn(Sent):
    """What is to be fetched of what is parked."""

    patterns: Annotated[tuple[Annotated[str, Field(max_length=8192)], ...], Field(max_length=1000)] = ()
    """As `/parked` lists them; none: all of them."""


class WantedOut(Shape):
    """What becomes of a wish."""

    job: JobOut
    queued: int | None
    """URLs that were queued for it; null: the wish is kept, and carried out when the job runs."""


class ParkedPatternOut(Shape):
    pattern: str
    """docs/traps.md says how it is read."""
    parked: int
    """URLs that wait."""
    fetched: int
    """Pages of the pattern that were read."""
    news: int
    """Those of them that were like none before."""
    examples: tuple[str, ...]
    """Two of the URLs that wait."""
    reason: str
    """Why they wait: `trap`, or `blocked` where their site keeps us out."""


class ParkedOut(Shape):
    items: tuple[ParkedPatternOut, ...]
    """Those that hold most first, 500 at most."""
    patterns: int
    """How many there are."""
    parked: int
    """URLs that wait under all of them."""


@operation("POST", "/v1/jobs/{id}/retry", {202: WantedOut}, body=RetryIn)
async def retry_failures(request: web.Request) -> web.StreamResponse:
    """Visit again what failed, for some reasons or for any; a job that is over is resumed for it."""
    asked, job = await inputs.body(request, RetryIn), id_of(request)
    return _wanted(request, job, await request.app[JOBS].retry(job, asked.reasons))


@operation("POST", "/v1/jobs/{id}/unpark", {202: WantedOut}, body=UnparkIn)
async def unpark_patterns(request: web.Request) -> web.StreamResponse:
    """Fetch what is parked, under some patterns or under any; a job that is over is resumed for it."""
    asked, job = await inputs.body(request, UnparkIn), id_of(request)
    return _wanted(request, job, await request.app[JOBS].unpark(job, asked.patterns))


@operation("GET", "/v1/jobs/{id}/parked", {200: ParkedOut})
async def list_parked(request: web.Request) -> web.StreamResponse:
    """The patterns under which URLs are parked, until somebody wants them: those that hold most first."""
    traps = await request.app[JOBS].parked(id_of(request))
    items = tuple(ParkedPatternOut(**trap._asdict()) for trap in traps[:MOST_PATTERNS])
    return answers.json(ParkedOut(items=items, patterns=len(traps), parked=sum(trap.parked for trap in traps)))


def _wanted(request: web.Request, job: str, queued: int | None) -> web.Response:
    return answers.json(WantedOut(job=shown(request.app[JOBS].find(job)), queued=queued), 202)
