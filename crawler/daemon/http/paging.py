"""Cuts lists into pages: where the next page begins stands in the body (`next`) and as a link (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, NamedTuple, TypeVar

from aiohttp import web
from pydantic import Field

from . import answers, inputs
from .models import Cursor, ListOut, Sent

T = TypeVar("T")
K = TypeVar("K", str, int)


class PageQuery(Sent):
    """The page of a list that is asked for."""

    cursor: Cursor | None = None
    """The `next` of the previous page."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    """Most entries of the page."""


class GroupsQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
    """Most entries of the page."""


class SitesQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """Most entries of the page."""


class Cut(NamedTuple, Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    following: str | None
    """The cursor of the next page. None: this is the last one."""


def read_cursor(asked: PageQuery, name: str, first: K) -> K:
    """Returns what the cursor of the list with this name holds; `first` without one. Raises Problem: 422."""
    if asked.cursor is None:
        return first
    match inputs.position(asked.cursor):
        case [kind, value] if kind == name and type(value) is type(first):
            return value
    raise inputs.foreign_cursor()


def cut_by_number(found: Sequence[T], asked: PageQuery, name: str) -> Cut[T]:
    """Returns the page of a whole list; its cursor counts the entries before it."""
    start = max(0, read_cursor(asked, name, 0))
    end = start + asked.limit
    return Cut(found[start:end], inputs.cursor(name, end) if end < len(found) else None)


def cut_by_key(found: Iterable[T], asked: PageQuery, name: str, key: Callable[[T], K], first: K) -> Cut[T]:
    """Returns the page of a whole list that is sorted by `key`; its cursor is the key of the last entry before it.

    Entries that come or go between two pages move no others from one page to the next.
    """
    after = read_cursor(asked, name, first)
    left = [one for one in found if key(one) > after]
    return cut(left, asked, name, key)


def cut(left: Sequence[T], asked: PageQuery, name: str, key: Callable[[T], str | int]) -> Cut[T]:
    """Returns the page of the rest of a list, of which there is one entry more than asked for if there are any."""
    items = left[: asked.limit]
    return Cut(items, inputs.cursor(name, key(items[-1])) if len(left) > asked.limit else None)


def answer(request: web.Request, page: ListOut) -> web.Response:
    """Returns the answer with one page of a list, and a link to the next one. The link is relative to the request."""
    if page.next is None:
        return answers.json(page)
    following = request.rel_url.without_query_params("last").update_query(cursor=page.next).raw_query_string
    return answers.json(page, headers={"Link": f'<?{following}>; rel="next"'})
