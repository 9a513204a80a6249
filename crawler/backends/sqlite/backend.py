"""The backend in one SQLite file, for the event loops of one machine, and the same one in the memory of a process."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import orjson
from anyio import CancelScope
from numpy.typing import NDArray

from ...frontier import Clock, Terms
from ...frontier.backend import (
    Beat,
    Commit,
    ContentClaim,
    Hold,
    Membership,
    Message,
    ShardReader,
    Standing,
    Wish,
)
from ...frontier.extras import Extra
from ...frontier.fingerprints import U64
from ...frontier.shards import Cut
from ...frontier.sqlite.file import translate_damage, translate_errors
from ...frontier.sqlite.rows import NOTE, SIGN
from ...frontier.sqlite.schema import UNSHELVE
from ...frontier.sqlite.tables import Tables
from ...frontier.state import State
from ...frontier.store import Due, Load, Picked, Shelf
from ...frontier_protocols import Look
from ...model import Request, Url, make_crawl_id
from ...policy.redirects import Hop
from ...runtime.threads import start_in_thread
from ...standing import Linking, Pick, Root, Visited
from . import contents, lives, schema
from .file import create_in_memory, open_shared
from .reading import ShardTables
from .writing import write

T = TypeVar("T")
Durability = Literal["process", "power"]

TTL_S = 15.0
MOST_LOADED = 1024
MOST_FIRST = 64
IN_MEMORY = Path("the frontier in memory")


@asynccontextmanager
async def open_sqlite_backend(
    path: Path, *, durability: Durability, clock: Clock | None = None, ttl_s: float = TTL_S
) -> AsyncIterator[SqliteBackend]:
    """Opens a file that was cut into shards. Other processes may have it open. Raises FrontierError."""
    with ThreadPoolExecutor(1, thread_name_prefix="backend") as thread:
        backend = SqliteBackend(path, thread, clock or Clock(), ttl_s, durability)
        try:
            await backend.open(partial(open_shared, path, durability))
            yield backend
        finally:
            with CancelScope(shield=True):
                await backend.close()


@asynccontextmanager
async def open_memory_backend(
    shards: int, *, key: bytes | None = None, clock: Clock | None = None, ttl_s: float = TTL_S
) -> AsyncIterator[SqliteBackend]:
    """Opens an empty crawl in the memory of this process, for nodes of this process."""
    with ThreadPoolExecutor(1, thread_name_prefix="backend") as thread:
        backend = SqliteBackend(IN_MEMORY, thread, clock or Clock(), ttl_s, "process")
        try:
            await backend.open(partial(create_in_memory, shards, key))
            yield backend
        finally:
            with CancelScope(shield=True):
                await backend.close()


class SqliteBackend:
    """A `Backend` that hands everything to one thread, in order."""

    def __init__(
        self, path: Path, thread: ThreadPoolExecutor, clock: Clock, ttl_s: float, durability: Durability
    ) -> None:
        self._path = path
        self._thread = thread
        self._clock = clock
        self._ttl_s = ttl_s
        self._is_synced = durability == "power"
        self._turn: int | None = None
        """The file whose lock is held while this process writes: so those who wait are served one after another."""
        self._connection: sqlite3.Connection
        self._tables: Tables
        self.cut: Cut
        self.key: bytes

    async def open(self, connect: Callable[[], sqlite3.Connection]) -> None:
        await self._do(self._open, connect)

    async def close(self) -> None:
        """Waits for the work under way, and accepts no more."""
        await start_in_thread(self._thread, self._close)

    # -- the door ----------------------------------------------------------------------------------------------------

    async def join(self, node: str, terms: Terms) -> Membership:
        await self.prepare(terms)
        incarnation = await self._do(self._write, False, lives.begin, node, self._clock.wall() + self._ttl_s)
        return Membership(node, incarnation, make_crawl_id(self.key), self.key, self.cut, self._ttl_s)

    async def beat(self, member: Membership, wish: Wish) -> Beat:
        now = self._clock.wall()
        beat: Beat = await self._do(self._write, False, lives.beat, member.incarnation, wish, now, self._ttl_s)
        meta = await self._do(self._read_meta)
        return beat._replace(settled=meta.settled, fetched=meta.pages, control=str(meta.notes.get("control", "run")))

    async def leave(self, member: Membership) -> None:
        await self._do(self._write, False, lives.bury, member.incarnation)

    async def forget(self, node: str) -> None:
        await self._do(self._write, False, lives.end, node)

    def reader(self, member: Membership, hold: Hold) -> ShardReader:
        return self.reader_of(hold.shard)

    def reader_of(self, shard: int) -> SqliteReader:
        """Returns the stored part of a shard, whoever holds it."""
        return SqliteReader(self, ShardTables(self._connection, self._tables, self.cut, shard), self.key)

    async def commit(self, member: Membership, batch: Commit) -> None:
        await asyncio.shield(self._do(self._write, True, write, self.number, member.incarnation, batch))

    async def inbox(self, shards: Sequence[int], limit: int) -> Sequence[Message]:
        return await self._do(self._inbox, shards, limit)

    async def claim(self, member: Membership, claims: Sequence[ContentClaim]) -> Sequence[Url]:
        now = self._clock.wall()
        return await self._do(self._write, False, contents.claim, self.key, member.incarnation, claims, now)

    async def standing(self) -> Standing:
        return await self._do(self._read_meta)

    async def is_finished(self) -> bool:
        return bool(await self._do(self._value, schema.IS_FINISHED))

    async def inboxes(self) -> Mapping[int, int]:
        return await self._do(self._count_inboxes)

    async def prepare(self, terms: Terms) -> None:
        """Brings what is stored to these terms, for all nodes."""
        await self._do(self._prepare, terms)

    # -- beyond the door: looks at all shards ------------------------------------------------------------------------

    async def roots(self, after: int, limit: int) -> Sequence[Root]:
        return await self._do(self._tables.roots, after, limit)

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        return await self._do(self._tables.linking, rows, left_out)

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await self._do(self._tables.ask, question)

    # -- the thread --------------------------------------------------------------------------------------------------

    def number(self, site: str) -> int:
        """Returns the number of a site or a pattern in the file."""
        return self.cut.site_id(site) - SIGN

    def do(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Starts a reading call in the thread."""
        return self._do(work, *arguments)

    def write_aside(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Starts a writing call that need not outlast a power cut: `work` gets the connection first."""
        return self._do(self._write, False, work, *arguments)

    def _do(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        done = start_in_thread(self._thread, self._work, work, *arguments)
        done.add_done_callback(_mark_seen)
        return done

    def _work(self, work: Callable[..., T], *arguments: object) -> T:
        with translate_errors(self._path):
            return work(*arguments)

    def _write(self, is_durable: bool, work: Callable[..., T], *arguments: object) -> T:
        """Makes a transaction of `work`. What need not be durable is synced with the next one that must be."""
        connection = self._connection
        with self._take_turn():
            if self._is_synced:
                connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection, *arguments)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
        return result

    @contextmanager
    def _take_turn(self) -> Iterator[None]:
        """Waits until no other process writes. SQLite alone lets those wait longest that came first."""
        if self._turn is None:
            yield
            return
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _open(self, connect: Callable[[], sqlite3.Connection]) -> None:
        if self._path != IN_MEMORY:
            self._turn = os.open(f"{self._path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with self._take_turn():
            self._connection = connect()
            with translate_damage(self._path):
                self._read()

    def _read(self) -> None:
        meta = dict(self._connection.execute("SELECT name, value FROM meta WHERE name IN ('key', 'shards')").fetchall())
        self.key, self.cut = meta["key"], Cut(meta["shards"], meta["key"])
        self._connection.create_function("shard_of", 1, self.cut.shard_of, deterministic=True)
        self._connection.executescript(schema.TABLES)
        self._tables = Tables(self._connection, self.number)

    def _prepare(self, terms: Terms) -> None:
        """Brings the file to the terms, each of these steps in a transaction of its own."""
        with self._take_turn(), translate_damage(self._path):
            self._tables.set_order("depth" if terms.in_depth_order else "priority")
            self._tables.set_revisits(terms.revisit_after_s, self.key)
            if terms.has_ways_out and not self._tables.meta("ways"):
                self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('ways', 1)")

    def _close(self) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()
        if self._turn is not None:
            os.close(self._turn)

    def _inbox(self, shards: Sequence[int], limit: int) -> list[Message]:
        rows = self._connection.execute(
            """
            SELECT shard, data, id FROM inbox
            WHERE shard IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?
            """,
            (orjson.dumps(shards).decode(), limit),
        )
        return [Message(*row) for row in rows.fetchall()]

    def _count_inboxes(self) -> dict[int, int]:
        return dict(self._connection.execute("SELECT shard, count(*) FROM inbox GROUP BY shard").fetchall())

    def _read_meta(self) -> Standing:
        rows = dict(self._connection.execute("SELECT name, value FROM meta WHERE name != 'key'").fetchall())
        notes = {
            name.removeprefix(NOTE): orjson.loads(str(value)) for name, value in rows.items() if name.startswith(NOTE)
        }
        return Standing(
            notes, orjson.loads(rows.get("positions", "{}")), orjson.loads(rows.get("settled", "{}")),
            rows.get("pages", 0),
        )  # fmt: skip

    def _value(self, query: str) -> object:
        return self._connection.execute(query).fetchone()[0]


class SqliteReader:
    """The stored part of one shard."""

    def __init__(self, backend: SqliteBackend, tables: ShardTables, key: bytes) -> None:
        self._backend = backend
        self._tables = tables
        self._key = key

    async def state(self, terms: Terms, now: float) -> State:
        return await self._backend.write_aside(lambda _: self._tables.state(self._key, terms, now))

    def load(self, site_id: int, behind: int, limit: int) -> Future[Load]:
        return self._backend.do(self._tables.load, site_id, behind, min(limit, MOST_LOADED))

    def unshelve(self, limit: int, room: int) -> Future[Shelf]:
        return self._backend.write_aside(self._unshelve, limit, min(room, MOST_FIRST))

    def _unshelve(self, connection: sqlite3.Connection, limit: int, room: int) -> Shelf:
        chosen = self._tables.shelf(limit)
        connection.execute(UNSHELVE, (chosen,))
        return self._tables.take_shelf(chosen, room)

    async def due(self, until: float, limit: int) -> Due:
        return await self._backend.do(self._tables.due, until, limit)

    async def extras(self, rows: Sequence[int]) -> Mapping[int, Extra]:
        return await self._backend.do(self._tables.whole.extras, rows)

    async def first(self, row: int) -> tuple[Url, bytes | None]:
        return await self._backend.do(self._tables.whole.first, row)

    async def came_by(self, row: int, request: Request) -> list[Hop]:
        return await self._backend.do(self._tables.whole.came_by, row)

    def pick(self, pick: Pick, after: int, limit: int) -> Future[list[Picked]]:
        return self._backend.do(self._tables.pick, pick, after, limit)

    async def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        return await self._backend.do(self._tables.rows_of, fingerprints)

    async def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        return await self._backend.do(self._tables.row_of_each, fingerprints)

    async def no_seeds(self, rows: Sequence[int]) -> list[int]:
        return await self._backend.do(self._tables.whole.no_seeds, rows)

    async def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        return await self._backend.do(self._tables.linking_to, places, after)

    async def visited(self, after: int, limit: int) -> list[Visited]:
        return await self._backend.do(self._tables.visited, after, limit)

    async def left_out(self) -> Mapping[int, int]:
        return await self._backend.do(self._tables.left_out)


def _mark_seen(done: Future[T]) -> None:
    """Marks a failure as seen: those who wait for the call get it all the same."""
    if not done.cancelled():
        done.exception()
