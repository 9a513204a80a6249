"""Keeps what findings are joined from, in a temporary SQLite file, so that memory does not grow with the crawl."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

CACHE_KIB = 32 << 10
"""Memory of SQLite for its pages, in KiB."""
BATCH = 2000
"""Rows that are written together."""
_SCHEMA = """
create table page (
    number integer, url text primary key, is_page int, status int, disposition text, reason text, detail text,
    location text, duplicate_of text, via text, title text, description text, canonical text, is_noindex int,
    is_beyond int, simhash int, is_audited int, names blob
) without rowid;
create table hreflang (page text, lang text, target text);
create table found (code text, url text, detail text, page text, text text);
create table header (site text, page text, missing int, primary key (site, page)) without rowid;
create table problem (code text primary key, severity text, advice text);
create table bad (url text primary key, code text, detail text, is_final int) without rowid;
create table lone (url text primary key) without rowid;
"""
_PRAGMAS = f"""
pragma journal_mode = off; pragma synchronous = off; pragma locking_mode = exclusive; pragma temp_store = file;
pragma cache_size = -{CACHE_KIB};
"""
Row = tuple[object, ...]


class Store:
    """The tables of one audit. Rows are written in batches; `flush` comes before a query."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db: sqlite3.Connection = db
        self._found: list[Row] = []
        self._waiting: dict[str, list[Row]] = {"found": self._found}

    def put(self, table: str, *row: object) -> None:
        """Adds a row to a table; it replaces one with the same key."""
        rows = self._waiting.setdefault(table, [])
        rows.append(row)
        if len(rows) >= BATCH:
            self._write(table, rows)

    def add(self, code: str, url: str, detail: str = "", page: str = "", text: str = "") -> None:
        """Adds what is found: one row for each page that shows it."""
        found = self._found
        found.append((code, url, detail, page, text))
        if len(found) >= BATCH:
            self._write("found", found)

    def flush(self) -> None:
        """Writes all rows that wait."""
        for table, rows in self._waiting.items():
            self._write(table, rows)

    def run(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Runs one statement and returns its rows."""
        return self.db.execute(sql, values)

    def _write(self, table: str, rows: list[Row]) -> None:
        if rows:
            marks = ",".join("?" * len(rows[0]))
            self.db.executemany(f"insert or replace into {table} values ({marks})", rows)
            rows.clear()


@contextmanager
def open_store() -> Iterator[Store]:
    """Opens a store in a temporary folder, which is gone at the end. Raises sqlite3.Error, OSError."""
    with (
        tempfile.TemporaryDirectory(prefix="crawl-audit-") as folder,
        closing(sqlite3.connect(Path(folder) / "audit.sqlite", isolation_level=None)) as db,
    ):
        db.executescript(_PRAGMAS + _SCHEMA)
        db.execute("begin")
        yield Store(db)
