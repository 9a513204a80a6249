"""The operation that finds pages of a job by words."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from ...errors import ConfigError
from ...search import Choice
from . import answers, inputs
from .jobs import id_of
from .keys import INSIGHT
from .models import Sent, Shape
from .operations import Operations
from .problems import bad_field

operation = Operations()


class SearchQuery(Sent):
    q: Annotated[str, Field(min_length=1, max_length=1000)]
    """Words that all must be there: `word "two words" begin* -without` (docs/searching.md)."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    site: Annotated[str, Field(max_length=300)] = ""
    """Scheme, host and port, or a host alone. Empty: all."""
    status: Annotated[str, Field(pattern=r"^([1-5][0-9]{2}|[1-5]xx)?$")] = ""
    """`404`, or `4xx`. Empty: all."""
    after: Annotated[str, Field(max_length=40)] = ""
    """A date or RFC 3339: pages seen then or later."""
    before: Annotated[str, Field(max_length=40)] = ""
    """A date or RFC 3339: pages seen before."""


class HitOut(Shape):
    """A page that was found."""

    url: str
    title: str
    snippet: str
    """The part of its text that holds most of the words."""
    marks: tuple[tuple[int, int], ...]
    """Where they stand in it: from which character to which."""
    score: float
    """How well the page fits; more is better. Only scores of one answer can be compared."""
    status: int | None
    site: str
    at: str
    """When it was last seen so, RFC 3339, UTC."""


class SearchOut(Shape):
    """The pages that hold all words, the best first."""

    total: int
    """How many there are, listed or not."""
    hits: tuple[HitOut, ...]
    has_texts: bool
    """Whether the job keeps texts. Otherwise only titles and addresses were searched."""
    is_current: bool
    """Whether all that is settled was searched. If not, the same request finds more a little later."""


@operation(
    "GET",
    "/v1/jobs/{id}/search",
    {200: SearchOut},
    query=SearchQuery,
    raises=("no-records", "wrong-state"),
)
async def search_pages(request: web.Request) -> web.StreamResponse:
    """Pages of a job by words in their titles, texts and addresses, the best first."""
    asked = inputs.query(request, SearchQuery)
    choice = Choice(asked.site, asked.status, asked.after, asked.before)
    try:
        found = await request.app[INSIGHT].search(id_of(request), asked.q, choice, asked.limit)
    except ConfigError as error:
        field, _, detail = str(error).partition(": ")
        raise bad_field(field if field in SearchQuery.model_fields else "q", detail) from error
    hits = tuple(map(HitOut.model_validate, found.answer.hits))
    answer = SearchOut(
        total=found.answer.total, hits=hits, has_texts=found.answer.has_texts, is_current=found.is_current
    )
    return answers.json(answer)
