"""The stored part of one shard: tables that follow its log before each answer."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...frontier.backend import ShardReader
from ...frontier.extras import Extra
from ...frontier.fingerprints import U64
from ...frontier.state import State
from ...frontier.store import Due, Load, Picked, Shelf
from ...frontier.terms import Terms
from ...model import Request, Url
from ...policy.redirects import Hop
from ...standing import Pick, Visited
from ..in_order import mark_seen

T = TypeVar("T")


class FollowingReader:
    """A `ShardReader` over the tables of a mirror."""

    def __init__(self, tables: ShardReader, follow: Callable[[], Awaitable[None]]) -> None:
        self._tables = tables
        self._follow = follow

    async def state(self, terms: Terms, now: float) -> State:
        await self._follow()
        return await self._tables.state(terms, now)

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        return self._start(lambda: self._tables.load(site_id, behind, limit))

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        return self._start(lambda: self._tables.unshelve(limit, room))

    async def due(self, until: float, limit: int) -> Due:
        await self._follow()
        return await self._tables.due(until, limit)

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        await self._follow()
        return await self._tables.extras(rows)

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        await self._follow()
        return await self._tables.first(row)

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        await self._follow()
        return await self._tables.came_by(row, request)

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        return self._start(lambda: self._tables.pick(pick, after, limit))

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        await self._follow()
        return await self._tables.rows_of(fingerprints)

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        await self._follow()
        return await self._tables.row_of_each(fingerprints)

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        await self._follow()
        return await self._tables.no_seeds(rows)

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        await self._follow()
        return await self._tables.linking_to(places, after)

    async def visited(self, after: int, limit: int) -> list[Visited]:
        await self._follow()
        return await self._tables.visited(after, limit)

    async def left_out(self) -> Mapping[int, int]:
        await self._follow()
        return await self._tables.left_out()

    def _start(self, question: Callable[[], Awaitable[T]]) -> Future[T]:
        asked: Future[T] = asyncio.ensure_future(self._ask(question))
        asked.add_done_callback(mark_seen)
        return asked

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        await self._follow()
        return await question()
