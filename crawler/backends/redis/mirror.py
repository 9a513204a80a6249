"""The tables of some shards of a crawl, made of their logs: a private file that ends with the process.

The server keeps logs and answers no questions about them. The tables follow a log only when somebody asks about its
shard; then they take in the entries that came since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import orjson
from anyio import CancelScope

from ...frontier import Clock, Terms
from ...frontier.shards import Cut, base_of, names_of, rows_of
from ...frontier.sqlite import schema as whole
from ...frontier.sqlite.rows import SIGN, fingerprint
from ...frontier.terms import WITHOUT_RULES
from ...frontier_protocols import Look
from ...runtime.layouts import SIGNED
from ...settings.loading import project_version
from ...standing import Linking
from ..sqlite.backend import IN_MEMORY, SqliteBackend
from . import packing
from .packing import STAMP_BYTES, STRANGERS, Setting, Stamp, pack_copy, replay, unpack

T = TypeVar("T")

CACHE_KIB = 65_536
"""Memory for the tables. Beyond it they go to a file without a name in the folder for temporary files."""
_BY_ROW = ("retry", "visit", "revisit", "parked", "reread", "extra", "outside", "writer")
"""Tables whose `id` is a row."""
_BY_SITE = ("site", "parking")
"""Tables whose `id` is the number of a site or a pattern."""
ROWS_A_COPY = 20_000
"""Most rows of an entry that copies tables."""
_REFERRED = """
SELECT id, text FROM url WHERE id IN (
    SELECT via FROM url WHERE id BETWEEN :first AND :last UNION
    SELECT seed FROM url WHERE id BETWEEN :first AND :last UNION
    SELECT root FROM url WHERE id BETWEEN :first AND :last
) AND abs(id) NOT BETWEEN :first AND :last
"""
"""URLs of other shards to which those of one refer."""

_BEYOND = "DELETE FROM url WHERE depth IS NULL AND id BETWEEN ? AND ?"
"""Deletes texts of URLs that a server has forgotten, and to which rows of other shards refer."""


class Followed:
    """A shard as far as the tables follow its log."""

    def __init__(self, cut: str) -> None:
        self.cut = cut
        """The number of the copy with which its log begins."""
        self.entries = 0
        self.bytes = 0
        self.stamp = b""
        """The stamp of its last entry."""
        self.setting: Setting | None = None
        """The terms of its last entry; None: it had none."""
        self.rows = 0
        """URLs that its entries brought."""

    def note(self, data: bytes, entry: packing.Entry) -> None:
        """Notes an entry that the tables took in."""
        self.entries += 1
        self.bytes += len(data)
        self.stamp = data[:STAMP_BYTES]
        prints = entry.values.get("fingerprints")
        if isinstance(prints, bytes):
            self.rows += len(prints) // 8
        self.rows += sum(isinstance(row, int) and row > 0 for row, *_ in entry.tables.get("url", ()))

    def begin_anew(self, cut: str, entries: Sequence[bytes]) -> None:
        """Notes that a copy is in the place of the log, which the tables need not take in."""
        self.cut, self.entries, self.bytes = cut, len(entries), sum(map(len, entries))
        self.stamp = entries[-1][:STAMP_BYTES]

    def turn(self, setting: Setting) -> bool:
        """Notes the terms of the next entry; returns whether they turn revisits on."""
        before, self.setting = self.setting, setting
        return setting.revisit_after_s is not None and before is not None and before.revisit_after_s is None


class Mirror:
    """The tables of some shards of a crawl."""

    def __init__(self, tables: SqliteBackend) -> None:
        self.tables = tables
        self.setting: Setting = Setting(in_depth_order=False, revisit_after_s=None)
        """The terms to which the tables were brought."""
        self._followed: dict[int, Followed] = {}

    async def prepare(self, terms: Terms, *, has_ways: bool) -> None:
        """Brings the tables to these terms. With `has_ways` it is kept how URLs belong to the crawl."""
        await self.tables.prepare(terms)
        self.setting = Setting(terms.in_depth_order, terms.revisit_after_s)
        if has_ways:
            await self.tables.write_aside(_note_ways)

    def followed(self, shard: int) -> Followed:
        """Returns how far the tables follow the log of a shard."""
        return self._followed.setdefault(shard, Followed("0"))

    async def renew(self, shard: int, cut: str) -> None:
        """Forgets a shard, whose log begins anew with another copy."""
        await self.tables.write_aside(_forget, shard, self.tables.cut)
        self._followed[shard] = Followed(cut)

    async def take(self, shard: int, entries: Sequence[bytes]) -> None:
        """Takes in entries of a shard's log, which follow those that the tables have."""
        await self.tables.write_aside(self._replay, shard, entries, self.followed(shard))

    def _replay(self, connection: sqlite3.Connection, shard: int, entries: Sequence[bytes], told: Followed) -> None:
        for data in entries:
            entry = unpack(data)
            if told.turn(entry.setting):
                self._schedule_all(connection, entry.setting)
            replay(connection, shard, entry, self.setting.in_depth_order)
            told.note(data, entry)

    async def finish(self, shard: int) -> None:
        """Brings a shard whose log was read to its end to the terms of now."""
        await self.tables.write_aside(self._finish, shard)

    def _finish(self, connection: sqlite3.Connection, shard: int) -> None:
        told = self.followed(shard)
        last = base_of(shard) + told.rows
        connection.execute(_BEYOND, (last + 1, rows_of(shard).last))
        if told.turn(self.setting):
            self._schedule_all(connection, self.setting)

    def _schedule_all(self, connection: sqlite3.Connection, setting: Setting) -> None:
        """Puts pages that were visited and are on no schedule on it."""
        key = self.tables.key
        connection.create_function("fingerprint", 2, lambda text, sent: fingerprint(text, sent, key) - SIGN)
        connection.execute(whole.SCHEDULE_ALL, {"after_s": setting.revisit_after_s})

    async def visited_by(self, shard: int, lives: Iterable[int]) -> list[tuple[int, bytes | None]]:
        """Returns the rows that these lives visited last, with the digests of their pages."""
        return await self.tables.write_aside(_visited_by, shard, list(lives))

    async def keep(self, meta: Mapping[str, object]) -> None:
        """Keeps facts about the whole crawl, for questions."""
        await self.tables.write_aside(_keep, meta)

    async def ask(self, question: Callable[[Look], T]) -> T:
        return await self.tables.ask(question)

    async def linking(self, rows: Sequence[int], left_out: int) -> Sequence[Linking]:
        return await self.tables.linking(rows, left_out)

    async def copy(self, shard: int, stamp: Stamp) -> list[bytes]:
        """Returns a shard as entries of a new log, which say what all the entries of its log said."""
        tables = await self.tables.write_aside(_read_rows, shard, self.tables.cut)
        return [
            pack_copy({table: rows[at : at + ROWS_A_COPY]}, self.setting, stamp)
            for table, rows in tables.items()
            for at in range(0, len(rows), ROWS_A_COPY)
        ]


@asynccontextmanager
async def open_mirror(cut: Cut, key: bytes) -> AsyncIterator[Mirror]:
    """Opens empty tables. They are gone at the end, whatever ends the process."""
    with ThreadPoolExecutor(1, thread_name_prefix="backend") as thread:
        tables = SqliteBackend(IN_MEMORY, thread, Clock(), 1.0, "process")
        try:
            await tables.open(partial(_create, cut.shards, key))
            await tables.prepare(WITHOUT_RULES)
            yield Mirror(tables)
        finally:
            with CancelScope(shield=True):
                await tables.close()


def _create(shards: int, key: bytes) -> sqlite3.Connection:
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = MEMORY", "synchronous = OFF", f"cache_size = -{CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.executescript(f"PRAGMA user_version = {whole.CUT + whole.VERSION}; {whole.TABLES}; {packing.WRITERS}")
    rows = [("key", key), ("order", "priority"), ("shards", shards), (SIGNED, project_version())]
    connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    return connection


def _forget(connection: sqlite3.Connection, shard: int, cut: Cut) -> None:
    """Deletes all of a shard, but for the texts of its URLs: rows of other shards may refer to these."""
    rows, sites, names = rows_of(shard), cut.sites_of(shard), names_of(shard)
    for bounds in (rows, names):
        connection.execute(
            "UPDATE url SET depth = NULL, priority = NULL, redirects = NULL, via = NULL, seed = NULL, root = NULL,"
            " way = 0 WHERE id BETWEEN ? AND ?", bounds,
        )  # fmt: skip
    connection.execute("DELETE FROM seen WHERE first BETWEEN ? AND ?", rows)
    for table in _BY_ROW:
        connection.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", rows)
    for table, column in (("queue", "site"), *((table, "id") for table in _BY_SITE)):
        connection.execute(f"DELETE FROM {table} WHERE {column} BETWEEN ? AND ?", [one - SIGN for one in sites])
    connection.execute("DELETE FROM pattern WHERE shard_of(name) = ?", (shard,))


def _read_rows(connection: sqlite3.Connection, shard: int, cut: Cut) -> dict[str, list[tuple[object, ...]]]:
    """Returns the rows of a shard, by table."""
    rows, sites, names = rows_of(shard), [one - SIGN for one in cut.sites_of(shard)], names_of(shard)
    found: dict[str, list[tuple[object, ...]]] = {}

    def read(table: str, column: str, bounds: Sequence[int], more: str = "") -> None:
        query = f"SELECT * FROM {table} WHERE {column} BETWEEN ? AND ?{more} ORDER BY 1"
        found.setdefault(table, []).extend(connection.execute(query, bounds).fetchall())

    found[STRANGERS] = connection.execute(_REFERRED, {"first": rows.first, "last": rows.last}).fetchall()
    for bounds in (rows, names):
        read("url", "id", bounds, " AND depth IS NOT NULL")
    read("queue", "site", sites)
    read("seen", "first", rows)
    for table in _BY_ROW:
        read(table, "id", rows)
    for table in _BY_SITE:
        read(table, "id", sites)
    found["pattern"] = connection.execute("SELECT * FROM pattern WHERE shard_of(name) = ?", (shard,)).fetchall()
    return found


def _visited_by(connection: sqlite3.Connection, shard: int, lives: Sequence[int]) -> list[tuple[int, bytes | None]]:
    query = """
        SELECT visit.id, digest FROM visit JOIN writer USING (id)
        WHERE visit.id BETWEEN ? AND ? AND life IN (SELECT value FROM json_each(?)) ORDER BY 1
    """
    return connection.execute(query, (*rows_of(shard), orjson.dumps(lives).decode())).fetchall()


def _keep(connection: sqlite3.Connection, meta: Mapping[str, object]) -> None:
    rows = [(name, value if isinstance(value, int) else orjson.dumps(value).decode()) for name, value in meta.items()]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)


def _note_ways(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('ways', 1)")
