"""Writes rows and their number in one transaction of PostgreSQL, and removes those that were not settled.

A killed process may leave a transaction that the server still carries out. Every transaction locks the crawl's row in
the table of progress first, so the next process waits for the end of the last one before it deletes anything.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import anyio
import asyncpg

from ...errors import SinkError
from ...model import CrawlInfo, Outcome, Position
from ..columns import check_begun, columns_of
from ..jsonl.writing import off_loop
from ..patience import Patience
from ..record import Wants, record
from ..sql import make_columns, make_values
from .tables import PROGRESS, TableName, add_columns, create_progress, create_table

T = TypeVar("T")

ROWS = "rows"
"""The name of the position: the number of this crawl's rows."""
CONNECT_S = 10.0
ANSWER_S = 60.0
"""How long one statement may take. A server that does not answer so long is away."""
_SESSION = (
    "SET idle_in_transaction_session_timeout = '60s'; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10;"
    " SET tcp_keepalives_count = 3"
)
"""Makes the server end the transaction of a process that is gone, also where the network did not say so."""
_LOCK = 0x6372_776C
"""The key of the lock that is held while tables are made."""
_AWAY = ("08", "40", "53", "57", "58", "25006")
"""SQL states that pass: no connection, conflicts, no room, operator's work, trouble of its system, a stand-by."""


class PostgresTable:
    """Writes rows to a table, each once. Several crawls may write to one table: a row has its crawl and its number.

    While the server is away, `write` waits for it, and so does the crawl.
    """

    def __init__(
        self, name: str, place: str, url: str, table: TableName, fields: Sequence[str], wants: Wants, give_up_s: float
    ) -> None:  # fmt: skip
        """`place` is shown, `url` has the password. `fields`: the columns; empty: the usual ones."""
        self.name = name
        self._place, self._url = place, url
        self._table = table
        self._progress = table.beside(PROGRESS)
        self._fields = tuple(fields)
        self._wants = wants
        self._columns = make_columns(self._fields or columns_of(wants))
        self._patience = Patience(place, give_up_s)
        self._crawl = ""
        self._written = 0
        self._connection: asyncpg.Connection | None = None

    def hurry(self) -> None:
        """Waits no longer for a server that is away: the run is to end."""
        self._patience.hurry()

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        self._crawl = crawl.id

    async def rewind(self, position: Position | None) -> None:
        """Makes the tables, if need be, and removes the rows after the settled one. Waits for no server."""
        settled = position[ROWS] if position else None
        try:
            async with self._transaction() as connection:
                await self._make_tables(connection)
                await self._cut(connection, settled)
        except _FAILURES as error:
            raise SinkError(f"{self._place} cannot be used: {_describe(error)}") from None
        self._written = settled or 0

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        rows = await off_loop(self._make_rows, outcomes)
        after = self._written + len(rows)
        await self._persist(lambda: self._add(rows, after))
        self._written = after
        return {ROWS: after}

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            with anyio.move_on_after(CONNECT_S, shield=True):
                try:
                    await self._connection.close()
                except _FAILURES:
                    self._connection.terminate()
            self._connection = None

    # -- opening -----------------------------------------------------------------------------------------------------

    async def _make_tables(self, connection: asyncpg.Connection) -> None:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if not await _is_there(connection, self._progress):
            await connection.execute(create_progress(self._progress))
        if not await _is_there(connection, self._table):
            await connection.execute(create_table(self._table, self._columns))

    async def _cut(self, connection: asyncpg.Connection, settled: int | None) -> None:
        """Removes this crawl's rows after the settled one, once the transaction of an earlier process is over."""
        await connection.execute(
            f"INSERT INTO {self._progress} VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING",
            self._crawl, self._table.name, [column.field for column in self._columns],
        )  # fmt: skip
        written, begun = await connection.fetchrow(
            f"SELECT written, fields FROM {self._progress} WHERE crawl = $1 AND pages = $2 FOR UPDATE",
            self._crawl, self._table.name,
        )  # fmt: skip
        if settled is not None:
            if written < settled:
                raise SinkError(
                    f"{self._place} has {written} rows of this crawl, but {settled} were settled: rows were removed, "
                    f"or an older copy was restored. Put them back, or start over with --fresh"
                )
            check_begun(self._place, begun, self._fields)
            self._columns = make_columns(begun)
        await self._check_columns(connection)
        await connection.execute(f"DELETE FROM {self._table} WHERE crawl = $1 AND n > $2", self._crawl, settled or 0)
        await connection.execute(
            f"UPDATE {self._progress} SET written = $3, fields = $4 WHERE crawl = $1 AND pages = $2",
            self._crawl, self._table.name, settled or 0, [column.field for column in self._columns],
        )  # fmt: skip

    async def _check_columns(self, connection: asyncpg.Connection) -> None:
        """Raises SinkError if the table lacks columns: another program, or an older crawld, made it."""
        there = await connection.prepare(f"SELECT * FROM {self._table} LIMIT 0")
        names = {attribute.name for attribute in there.get_attributes()}
        if not {"crawl", "n"} <= names:
            raise SinkError(f"{self._place} is a table of another program: give the output another one")
        if missing := [column for column in self._columns if column.name not in names]:
            raise SinkError(
                f"{self._place} lacks columns: choose `fields` that it has, or run {add_columns(self._table, missing)}"
            )

    # -- writing -----------------------------------------------------------------------------------------------------

    def _make_rows(self, outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
        values = make_values(self._columns)
        times = [at for at, column in enumerate(self._columns) if column.type == "time"]
        rows: list[tuple[object, ...]] = []
        for n, outcome in enumerate(outcomes, self._written + 1):
            row = values(_without_nul(record(outcome, self._wants)))
            for at in times:
                row[at] = _as_time(row[at])
            rows.append((self._crawl, n, *row))
        return rows

    async def _add(self, rows: Sequence[tuple[object, ...]], after: int) -> None:
        """Writes rows, unless they are there: the connection may have broken after the server had all of them."""
        async with self._transaction() as connection:
            written = await connection.fetchval(
                f"SELECT written FROM {self._progress} WHERE crawl = $1 AND pages = $2 FOR UPDATE",
                self._crawl, self._table.name,
            )  # fmt: skip
            if written == after:
                return
            if written != self._written:
                raise SinkError(f"{self._place} was changed by another program while the crawl wrote to it")
            await connection.copy_records_to_table(
                self._table.name,
                schema_name=self._table.schema,
                columns=["crawl", "n", *(column.name for column in self._columns)],
                records=rows,
            )
            await connection.execute(
                f"UPDATE {self._progress} SET written = $3 WHERE crawl = $1 AND pages = $2",
                self._crawl, self._table.name, after,
            )  # fmt: skip

    async def _persist(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does it, again and again while the server is away. Raises SinkError for other trouble, or after a time."""
        while True:
            try:
                await work()
            except _FAILURES as error:
                self._drop_connection()
                if not _may_pass(error):
                    raise SinkError(f"pages cannot be written to {self._place}: {_describe(error)}") from None
                await self._patience.pause(_describe(error))
            else:
                self._patience.note_success()
                return

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_S,
                command_timeout=ANSWER_S,
                server_settings={"application_name": "crawld"},
            )
            await self._connection.execute(_SESSION)
        async with self._connection.transaction():
            yield self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def _may_pass(error: Exception) -> bool:
    """Whether the server may take the rows later: it is away, or busy."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "08").startswith(_AWAY)
    return not isinstance(error, ValueError)  # as the errors of settings and of values are


def _describe(error: Exception) -> str:
    """Returns the error in a few words. Those of the server name no password."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno).lower()
    return " ".join((str(error) or type(error).__name__).split())[:500]


async def _is_there(connection: asyncpg.Connection, table: TableName) -> bool:
    return await connection.fetchval("SELECT to_regclass($1)", str(table)) is not None


def _as_time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _without_nul(line: bytes) -> bytes:
    """Returns a line of JSON in which no text has a NUL, for PostgreSQL takes none."""
    if b"\\u0000" not in line:
        return line
    return line.replace(rb"\\", b"\0").replace(rb"\u0000", "\ufffd".encode()).replace(b"\0", rb"\\")
