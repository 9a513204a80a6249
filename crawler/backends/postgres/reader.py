"""The stored part of one shard in PostgreSQL, for the node that holds it."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...frontier.backend import Hold
from ...frontier.extras import Extra
from ...frontier.fingerprints import U64, find_rows
from ...frontier.order import ROW_BITS, ROW_MASK, Packed, unpack
from ...frontier.shards import Cut, base_of
from ...frontier.state import State
from ...frontier.store import Due, Load, Picked, Shelf, Shelved
from ...frontier.terms import Terms
from ...model import Request, Url
from ...policy.redirects import Hop
from ...standing import Ended, Left, Pick, Rows, Visited, Waiting
from . import reading
from .columns import SIGN, ShardPlace
from .link import Link
from .opening import Opening, restore_index
from .reading import EXTRAS, Asked, Entries, Row

T = TypeVar("T")

MOST_LOADED = 1024
"""Most requests brought into memory at once: about 4 ms of the interpreter's time."""
MOST_FIRST = 64
"""Most requests of each site that comes back from the shelf."""
MOST_HOPS = 1000
"""Most redirects in a row that are followed backwards."""
COUNTED_A_LOOK = 20_000
"""Sites that are counted for each look at the shelf, on average."""


class ShardReader:
    """Answers questions about a shard. Each is under way when the call returns; all are answered in their order."""

    def __init__(self, link: Link, shard: int, hold: Hold, cut: Cut, key: bytes) -> None:
        """`shard` is the number of the shard among those of all crawls."""
        self._link = link
        self._shard = shard
        self._epoch = hold.epoch
        self._base = base_of(hold.shard)
        self._cut = cut
        self._key = key
        self._in_depth_order = False
        self._has_revisits = False
        self._place: ShardPlace | None = None
        """The shard as commits write to it; None: its index was not read yet."""
        self._taking: list[Row] = []
        """Sites that are being taken from the shelf."""
        self._left = self._looks = 0
        """Sites on the shelf when they were last counted, less those taken since; and looks at it since."""

    async def find_place(self, connection: Any) -> ShardPlace:
        """Returns the shard as commits write to it."""
        if self._place is None:
            index = await restore_index(Asked(connection, self._shard), self._base)
            self._place = ShardPlace(self._shard, self._epoch, index, self._cut.site_id)
        return self._place

    # -- the queue ---------------------------------------------------------------------------------------------------

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        return self._start(partial(self._load, site_id - SIGN, behind, min(limit, MOST_LOADED), Entries()))

    async def _load(self, site: int, behind: int, limit: int, entries: Entries, ask: Asked) -> Load:
        rank, row = behind >> ROW_BITS, behind & ROW_MASK
        found = await self._families(site, behind, limit, entries, ask)
        back = await ask.fetch(reading.BACK, site, rank, row, limit)
        merged = sorted((*found, *map(entries.packed, back)))
        return Load(merged[:limit], len(merged) < limit)

    async def _families(self, site: int, behind: int, limit: int, entries: Entries, ask: Asked) -> list[Packed]:
        """Returns the next requests of a site that are queued as they were found."""
        index, found, after = (await self.find_place(ask.connection)).queue, list[Packed](), (-1, -1)
        while len(found) < limit:
            number = (limit - len(found)) // 8 + 2
            place = behind >> ROW_BITS, behind & ROW_MASK
            rows = await ask.fetch(reading.FAMILIES, site, *place, *after, number)
            nearer = await self._nearer(rows, ask)
            for row in rows:
                found += entries.unpack_family(
                    row, lambda place: place > behind and not index.is_gone(place & ROW_MASK), nearer
                )
            if len(rows) < number:
                break
            after = rows[-1]["rank"], rows[-1]["first"]
        return found

    async def _nearer(self, families: Sequence[Row], ask: Asked) -> Mapping[int, str]:
        """Returns the shorter ways to rows of these families."""
        known = (await self.find_place(ask.connection)).queue.nearer
        if not known:
            return {}
        wanted = [row for one in families for row in range(one["first"], one["first"] + one["n"]) if row in known]
        found = await ask.fetch("SELECT id, data FROM crawld.nearer WHERE shard = $1 AND id = ANY($2::int8[])", wanted)
        return {row["id"]: row["data"] for row in found}

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        return self._start(partial(self._unshelve, limit, min(room, MOST_FIRST)))

    async def _unshelve(self, limit: int, room: int, ask: Asked) -> Shelf:
        """Takes sites from the shelf. For the next holder of the shard all sites with work are on the shelf again."""
        chosen = self._taking or (await ask.fetch(reading.SHELF, self._epoch, limit) if limit else [])
        self._taking = chosen  # a connection that breaks now leaves open whether they were taken
        if chosen:
            await ask.fetch(reading.UNSHELVE, self._epoch, [row["id"] for row in chosen])
        entries = Entries()
        sites = [
            Shelved(
                row["id"] + SIGN, row["queued"], row["next_at"], await self._load(row["id"], -1, room, entries, ask)
            )
            for row in chosen
        ]
        left, looks = self._left - len(sites), self._looks + 1
        if len(sites) < limit or not limit or looks * COUNTED_A_LOOK > left:
            left, looks = await ask.value(reading.SHELVED, self._epoch), 0
        self._left, self._looks, self._taking = left, looks, []
        return Shelf(sites, self._left)

    async def due(self, until: float, limit: int) -> Due:
        entries = Entries()
        found = await self._ask(lambda ask: ask.fetch(reading.DUE, until, limit))
        next_due = await self._ask(lambda ask: ask.value(reading.NEXT_DUE, until))
        return Due([unpack(entries.packed(row)) for row in found], next_due)

    # -- single rows -------------------------------------------------------------------------------------------------

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        return {row["id"]: Extra(*row) for row in await self._ask(lambda ask: ask.fetch(EXTRAS, list(rows)))}

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        [found] = await self._ask(partial(self._by_row, [row]))
        statement = "SELECT digest FROM crawld.visit WHERE shard = $1 AND id = $2"
        return unpack(Entries().packed(found)).request.url, await self._ask(lambda ask: ask.value(statement, row))

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        return await self._ask(partial(self._came_by, row))

    async def _came_by(self, row: int, ask: Asked) -> list[Hop]:
        """Follows the visits that ended in redirects backwards, as far as they were plain ones of this shard."""
        hops, entries = list[Hop](), Entries()
        [found] = await self._by_row([row], ask)
        while len(hops) < MOST_HOPS and unpack(entries.packed(found)).request.redirects > 0:
            above = entries.via_of(found)
            if above <= self._base or not (rows := await self._by_row([above], ask)):
                break
            [found] = rows
            sent = "SELECT sent FROM crawld.extra WHERE shard = $1 AND id = $2"
            if found["disposition"] != "redirected" or await ask.value(sent, above):
                break
            hops.append(Hop(above, unpack(entries.packed(found)).request.url))
        return hops

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        entries = Entries()
        found = [unpack(entries.packed(row)) for row in await self._ask(partial(self._by_row, rows))]
        return [e.row for e in found if e.request.via or e.seed or e.root or e.request.depth or e.request.way]

    async def _by_row(self, rows: Sequence[int], ask: Asked) -> list[Row]:
        return await ask.fetch(reading.BY_ROW, list(rows))

    # -- second looks ------------------------------------------------------------------------------------------------

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        return self._start(partial(self._pick, pick, after, limit))

    async def _pick(self, pick: Pick, after: int, limit: int, ask: Asked) -> list[Picked]:
        statement, arguments = self._candidates(pick, after, limit)
        idle = reading.IDLE if self._has_revisits else reading.IDLE_WITHOUT_REVISITS
        found = await ask.fetch(reading.facts(statement.replace("{idle}", idle)), *arguments)
        is_reread = isinstance(pick, Left) or (isinstance(pick, Rows) and pick.is_reread)
        entries = Entries()
        return [entries.picked(row, self._in_depth_order, is_reread) for row in found]

    def _candidates(self, pick: Pick, after: int, limit: int) -> tuple[str, list[object]]:
        match pick:
            case Ended(reasons):
                return reading.PICK_ENDED, [after, [str(reason) for reason in reasons], limit]
            case Left(bits):
                return reading.PICK_LEFT, [after, int(bits), limit]
            case Waiting(patterns):
                return reading.PICK_WAITING, [after, [self._cut.site_id(name) - SIGN for name in patterns], limit]
            case Rows(rows, is_reread, reasons):
                wanted = None if reasons is None else [str(reason) for reason in reasons]
                return reading.PICK_ROWS, [list(rows), wanted, is_reread]

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        found = [np.flatnonzero(np.isin(part, fingerprints)) + first for first, part in await self._ask(self._seen)]
        return np.concatenate([np.zeros(0, np.int64), *found])

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        return find_rows(fingerprints, await self._ask(self._seen))

    async def _seen(self, ask: Asked) -> list[tuple[int, U64]]:
        rows = await ask.fetch("SELECT first, prints FROM crawld.seen WHERE shard = $1 ORDER BY first")
        return [(row["first"], np.frombuffer(row["prints"], "<u8")) for row in rows]

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        statement = "SELECT id, pairs FROM crawld.outside WHERE shard = $1 AND id > $2 ORDER BY id"
        found = await self._ask(lambda ask: ask.fetch(statement, after))
        parts = [np.frombuffer(row["pairs"], "<u8").reshape(-1, 2) for row in found]
        rows = sorted({row for part in parts for row in part[np.isin(part[:, 0], places), 1].tolist()})
        return rows, found[-1]["id"] if found else after

    async def visited(self, after: int, limit: int) -> list[Visited]:
        statement = reading.facts(
            "SELECT id, 0::int8 AS rank, id AS at FROM crawld.visit WHERE shard = $1 AND id > $2 ORDER BY id LIMIT $3"
        )
        reasons = "SELECT id, reason FROM crawld.visit WHERE shard = $1 AND id > $2 ORDER BY id LIMIT $3"
        entries = Entries()
        found = await self._ask(lambda ask: ask.fetch(statement, after, limit))
        why = {row["id"]: row["reason"] for row in await self._ask(lambda ask: ask.fetch(reasons, after, limit))}
        return [
            Visited(row["id"], unpack(entries.packed(row)).request.url.site, row["disposition"], why.get(row["id"]))
            for row in found
        ]

    async def left_out(self) -> Mapping[int, int]:
        statement = "SELECT coalesce(left_out, 0) AS bits, count(*) AS n FROM crawld.visit WHERE shard = $1 GROUP BY 1"
        return {row["bits"]: row["n"] for row in await self._ask(lambda ask: ask.fetch(statement))}

    # -- opening -----------------------------------------------------------------------------------------------------

    async def state(self, terms: Terms, now: float) -> State:
        """Returns the state for memory; `now` in Unix seconds."""
        return await self._ask(partial(self._state, terms, now))

    async def _state(self, terms: Terms, now: float, ask: Asked) -> State:
        self._in_depth_order, self._has_revisits = terms.in_depth_order, terms.revisit_after_s is not None
        state = await Opening(ask, self._key, self._base, terms).state(now)
        self._place, self._left = None, state.shelved
        await self.find_place(ask.connection)
        return state

    def _start(self, question: Callable[[Asked], Awaitable[T]]) -> Future[T]:
        """Asks in the order of calls. After a break of the connection the whole question is asked again."""
        return self._link.submit(lambda connection: question(Asked(connection, self._shard)))

    async def _ask(self, question: Callable[[Asked], Awaitable[T]]) -> T:
        return await asyncio.shield(self._start(question))
