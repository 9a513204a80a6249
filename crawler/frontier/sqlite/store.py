"""The frontier in one SQLite file, which survives `kill -9` at any instant."""

from __future__ import annotations

import asyncio
import sqlite3
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from anyio import CancelScope
from numpy.typing import NDArray

from ... import urls
from ...errors import FrontierError
from ...frontier_protocols import DurableFrontier, Look
from ...model import Outcome, Request, Url
from ...policy.redirects import Hop
from ...runtime.threads import start_in_thread
from ...standing import Known, Linking, Pick, Root, Visited
from ..change import Change, JudgedPage, left_out
from ..embedded import EmbeddedFrontier
from ..extras import Extra
from ..fingerprints import U64
from ..order import Entry
from ..site_table import SiteTable
from ..state import State
from ..store import Due, Load, Picked, Shelf
from ..terms import Clock, Terms
from .file import open_file, translate_damage, translate_errors
from .rows import SIGN
from .tables import Tables

T = TypeVar("T")

MOST_SITES = 20_000
"""Most sites in memory; all others wait on disk for their turn."""
MOST_ENTRIES = 200_000
"""Most requests in memory, about 500 bytes each."""
MOST_LOADED = 1024
"""Most requests brought into memory at once: about 4 ms of the interpreter's time."""
MOST_FIRST = 64
"""Most requests of each site that comes back from the shelf. More are loaded once it runs short of them."""


class SqliteFrontier(EmbeddedFrontier):
    """A `Frontier` on disk."""

    def __init__(
        self, key: bytes, terms: Terms, store: SqliteStore, state: State, bench: SiteTable, clock: Clock
    ) -> None:
        super().__init__(key, terms, store, state, bench, clock)
        self._disk = store
        self.owed: Mapping[int, Sequence[str]] = state.owed

    @property
    def durable(self) -> DurableFrontier:
        return self

    async def find(self, url: Url) -> Known | None:
        """Returns all that is known of one URL; None: it was never queued.

        Reads the whole file, on a person's question.
        """
        known = await self.ask(lambda opened: opened.find(url))
        if known and self._bench.is_out(known.row):
            return replace(known, standing="leased")
        return known

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        return await self._disk.roots(after, limit)

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        self._write_pending()
        return await self._disk.row_of_each(fingerprints)

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        self._write_pending()
        return await self._disk.linking(rows, left_out)

    async def judge(self, read: Sequence[tuple[Outcome, Linking]]) -> None:
        self._disk.check()
        change = self._ledger.follow([(outcome, _entry(page)) for outcome, page in read])
        change.judged += [
            JudgedPage(page.row, page.left_out, left_out(outcome), page.visited_at) for outcome, page in read
        ]
        written = self._disk.write(change)
        self._move_on()
        await written

    def brought(self, url: Url) -> int:
        return self._ledger.bars.earlier_news(url)

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await self._disk.ask(question)

    def close(self) -> None:
        if self._disk.is_usable and (change := self._ledger.note_turns()):
            self._disk.write(change)
        super().close()


@asynccontextmanager
async def open_sqlite(
    path: Path,
    terms: Terms,
    *,
    durability: Literal["process", "power"],
    clock: Clock | None = None,
    most_sites: int = MOST_SITES,
    most_entries: int = MOST_ENTRIES,
) -> AsyncIterator[SqliteFrontier]:
    """Opens the frontier at `path`, new if there is none.

    Settled visits survive the end of the process, with `power` a power cut too. Raises FrontierError if the file is
    damaged, in use or not ours.
    """
    clock = clock or Clock()
    with ThreadPoolExecutor(1, thread_name_prefix="frontier") as thread:
        store = SqliteStore(path, thread)
        try:
            key, state = await store.open(terms, durability, clock.wall())
            bench = SiteTable(terms, store.site_id, sites=most_sites, entries=most_entries)
            frontier = SqliteFrontier(key, terms, store, state, bench, clock)
            try:
                yield frontier
            finally:
                frontier.close()
        finally:
            with CancelScope(shield=True):
                await store.close()


class SqliteStore:
    """A `Store` that hands everything to one thread, in order. After a failure it does nothing further."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._thread = thread
        self._trouble: Exception | None = None
        """The error after which no new work is accepted."""
        self._failed: Exception | None = None
        """The error after which the thread does nothing: work that it was given before failed."""
        self._tables: Tables
        self.site_id: Callable[[str], int]

    async def open(self, terms: Terms, durability: Literal["process", "power"], now: float) -> tuple[bytes, State]:
        return await self._do(self._open, terms, durability, now)

    async def close(self) -> None:
        """Waits for the work under way, and accepts no more."""
        self._trouble = self._trouble or FrontierError(f"{self._path} is closed")
        await start_in_thread(self._thread, self._close)

    # -- the door ----------------------------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        return self._trouble is None

    def check(self) -> None:
        if self._trouble:
            raise self._trouble

    def fail(self, error: Exception) -> None:
        self._trouble = self._trouble or error

    def write(self, change: Change) -> Awaitable[None]:
        written = asyncio.shield(self._do(self._tables.apply, change))
        written.add_done_callback(_mark_seen)
        return written

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        return self._do(self._tables.load, site_id, behind, min(limit, MOST_LOADED))

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        return self._do(self._tables.unshelve, limit, min(room, MOST_FIRST))

    async def due(self, until: float, limit: int) -> Due:
        return await asyncio.shield(self._do(self._tables.due, until, limit))

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        return await asyncio.shield(self._do(self._tables.extras, rows))

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        return await asyncio.shield(self._do(self._tables.first, row))

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        return self._do(self._tables.pick, pick, after, limit)

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        return await asyncio.shield(self._do(self._tables.came_by, row))

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        return await asyncio.shield(self._do(self._tables.rows_of, fingerprints))

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        return await asyncio.shield(self._do(self._tables.row_of_each, fingerprints))

    async def linking(self, rows: Sequence[int], left_out: int) -> list[Linking]:
        return await asyncio.shield(self._do(self._tables.linking, rows, left_out))

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        return await asyncio.shield(self._do(self._tables.no_seeds, rows))

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        return await asyncio.shield(self._do(self._tables.linking_to, places, after))

    async def roots(self, after: int, limit: int) -> list[Root]:
        return await asyncio.shield(self._do(self._tables.roots, after, limit))

    async def visited(self, after: int, limit: int) -> list[Visited]:
        return await asyncio.shield(self._do(self._tables.visited, after, limit))

    async def left_out(self) -> dict[int, int]:
        return await asyncio.shield(self._do(self._tables.left_out))

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await asyncio.shield(self._do(self._tables.ask, question))

    # -- the thread --------------------------------------------------------------------------------------------------

    def _do(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Starts work in the thread; the loop breathes until it is done."""
        done = start_in_thread(self._thread, self._work, work, *arguments)
        done.add_done_callback(_mark_seen)
        return done

    def _work(self, work: Callable[..., T], *arguments: object) -> T:
        if self._failed:
            raise self._failed
        try:
            with translate_errors(self._path):
                return work(*arguments)
        except Exception as error:
            if isinstance(error, FrontierError) or work == self._tables.apply:  # without a change, memory is ahead
                self._failed = self._trouble = error
            raise

    def _open(self, terms: Terms, durability: Literal["process", "power"], now: float) -> tuple[bytes, State]:
        connection = open_file(self._path, durability)
        try:
            with translate_damage(self._path):
                return self._read(connection, terms, now)
        except BaseException:
            connection.close()
            raise

    def _read(self, connection: sqlite3.Connection, terms: Terms, now: float) -> tuple[bytes, State]:
        key = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()[0]

        @lru_cache(1 << 16)
        def site_id(site: str) -> int:
            return urls.fingerprint(site, key) - SIGN

        self.site_id = site_id
        self._tables = Tables(connection, site_id)
        self._tables.set_order("depth" if terms.in_depth_order else "priority")
        self._tables.set_revisits(terms.revisit_after_s, key)
        return key, self._tables.state(key, terms, now)

    def _close(self) -> None:
        if hasattr(self, "_tables"):
            self._tables.close()


def _entry(page: Linking) -> Entry:
    """Returns the entry of a page that is not queued: its rank does not matter."""
    return Entry(page.row, page.request, page.seed_row, page.root_row)


def _mark_seen(done: Future[T]) -> None:
    """Marks a failure as seen, even if nobody waits for this call: `check` raises it at the next one."""
    if not done.cancelled():
        done.exception()
