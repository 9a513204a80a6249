"""Writes rows and their number in one transaction of SQLite, and removes those that were not settled."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import orjson

from ...errors import SinkError, StorageFull
from ...model import CrawlInfo, Outcome, Position
from ...runtime.files import is_full
from ...runtime.private_files import check_database, touch
from ...runtime.threads import run_in_thread
from ..columns import check_begun, columns_of
from ..record import Wants, record
from ..sql import Column, make_columns, make_values, quote

T = TypeVar("T")

TABLE = "pages"
PROGRESS = "crawld_progress"
"""The table of one row that says which crawl wrote how many rows, and of which fields. Written with the rows."""
WAIT_S = 60.0
"""How long another program may keep the database to itself."""
ROWS = "rows"
"""The name of the position: the number of rows."""
_TYPES = {"whole": "INTEGER", "fraction": "REAL", "truth": "INTEGER", "time": "TEXT", "json": "TEXT", "text": "TEXT"}


class Database:
    """Writes rows to the table `pages` of a database of its own, each once. Other programs may read it meanwhile.

    A row has the number `n` of its place in the output. When `write` has returned, the rows survive a power cut. A
    table goes on with the columns that it began with, also if a newer version knows more fields.
    """

    def __init__(self, name: str, path: Path, fields: Sequence[str], wants: Wants) -> None:
        """`fields`: the columns; empty: the usual ones."""
        self.name = name
        self._path = path
        self._wants = wants
        self._fields = tuple(fields)
        self._crawl = ""
        self._written = 0
        self._rows: sqlite3.Connection | None = None
        self._use(make_columns(self._fields or columns_of(wants)))

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        self._crawl = crawl.id

    async def rewind(self, position: Position | None) -> None:
        await self._do(self._cut, position[ROWS] if position else None)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await self._do(self._add, outcomes)
        self._written += len(outcomes)
        return {ROWS: self._written}

    async def close(self) -> None:
        """Closes the database; then it is one file."""
        if self._rows is not None:
            await self._do(self._rows.close)

    def _use(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._values = make_values(columns)
        self._insert = f"INSERT INTO {TABLE} VALUES ({', '.join('?' * (len(columns) + 1))})"

    async def _do(self, work: Callable[..., T], *args: object) -> T:
        with _translate(self._path):
            return await run_in_thread(work, *args)

    # -- in a thread -------------------------------------------------------------------------------------------------

    def _cut(self, settled: int | None) -> None:
        """Opens the database and removes the rows after the settled one. None: nothing of this crawl is settled."""
        rows = self._rows = self._connect()
        with _transaction(rows):
            known = self._read_progress(rows)
            if settled is None:
                self._begin(rows, is_ours=known is not None)
                return
            crawl, written, fields = known or ("", 0, "[]")
            if crawl != self._crawl or written < settled:
                raise SinkError(
                    f"{self._path} has {written} rows of this crawl, but {settled} were settled: it was cut or "
                    f"replaced from outside. Put it back, or start over with --fresh"
                )
            self._go_on(tuple(orjson.loads(fields)))
            rows.execute(f"DELETE FROM {TABLE} WHERE n > ?", [settled])
            rows.execute(f"UPDATE {PROGRESS} SET written = ?", [settled])
            self._written = settled

    def _connect(self) -> sqlite3.Connection:
        if check_database(self._path) is None:
            touch(self._path)
        rows = sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA synchronous = FULL")
        return rows

    def _read_progress(self, rows: sqlite3.Connection) -> tuple[str, int, str] | None:
        """Returns the crawl, the number of its rows and their fields; None: the database is not ours, or empty."""
        names = {name for (name,) in rows.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if PROGRESS in names:
            crawl, written, fields = rows.execute(f"SELECT crawl, written, fields FROM {PROGRESS}").fetchone()
            return str(crawl), int(written), str(fields)
        if names:
            raise SinkError(f"{self._path} is a database of another program: give the output another path")
        return None

    def _begin(self, rows: sqlite3.Connection, *, is_ours: bool) -> None:
        """Makes the tables anew."""
        if is_ours:
            rows.execute(f"DROP TABLE IF EXISTS {TABLE}")
            rows.execute(f"DROP TABLE {PROGRESS}")
        said = "".join(f", {quote(column.name)} {_TYPES[column.type]}" for column in self._columns)
        rows.execute(f"CREATE TABLE {TABLE} (n INTEGER PRIMARY KEY{said})")
        rows.execute(f"CREATE TABLE {PROGRESS} (crawl TEXT NOT NULL, written INTEGER NOT NULL, fields TEXT NOT NULL)")
        fields = orjson.dumps([column.field for column in self._columns]).decode()
        rows.execute(f"INSERT INTO {PROGRESS} VALUES (?, 0, ?)", [self._crawl, fields])

    def _go_on(self, found: tuple[str, ...]) -> None:
        """Takes the columns that the table has. Raises ConfigError if others are wanted."""
        check_begun(self._path, found, self._fields)
        self._use(make_columns(found))

    def _add(self, outcomes: Sequence[Outcome]) -> None:
        rows, first = self._rows, self._written + 1
        assert rows is not None, "rewind comes first"
        with _transaction(rows):
            moved = rows.execute(
                f"UPDATE {PROGRESS} SET written = ? WHERE written = ?", [self._written + len(outcomes), self._written]
            )
            if moved.rowcount != 1:
                raise SinkError(f"{self._path} was changed by another program while the crawl wrote to it")
            lines = (record(outcome, self._wants) for outcome in outcomes)
            rows.executemany(self._insert, ([n, *self._values(line)] for n, line in enumerate(lines, first)))


@contextmanager
def _transaction(rows: sqlite3.Connection) -> Iterator[None]:
    rows.execute("BEGIN IMMEDIATE")
    try:
        yield
        rows.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            rows.execute("ROLLBACK")
        raise


@contextmanager
def _translate(path: Path) -> Iterator[None]:
    """Raises StorageFull for a full disk, SinkError for other failures of the disk and of SQLite."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_full(error):
            raise StorageFull(f"no space left where the crawl writes its pages ({path})") from error
        raise SinkError(f"pages cannot be written to {path}: {error}") from error
