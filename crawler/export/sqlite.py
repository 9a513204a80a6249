"""The format `sqlite`: a database with the tables `pages` and `links`, for sqlite3, Datasette and all who speak SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import IO, Any

import orjson

from ..errors import ConfigError
from ..sinks.bulk import Row, load_records
from ..sinks.columns import COLUMNS, NESTED
from ..sinks.field_kinds import FRACTIONS
from ..sinks.record import BEYOND, EXTRA, HEAVY
from ..sinks.sql import quote
from .links import read_links
from .schemas import Columns
from .source import Source
from .target import by_name
from .wanted import Wanted

USUAL = (
    *COLUMNS, *EXTRA, *BEYOND, *(name for name in HEAVY if name not in ("links", "audit", "warc")),
    *(f"warc.{part}" for part in NESTED["warc"]),
)  # fmt: skip
"""The columns of `pages` where none are chosen: all fields of a record, but links, which have a table of their own."""
CACHE_KIB = 16_384
_SETTINGS = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = OFF",  # a failed export is removed as a whole
    "PRAGMA synchronous = OFF",  # the whole file is synced before it gets its name
    "PRAGMA locking_mode = EXCLUSIVE",
    f"PRAGMA cache_size = -{CACHE_KIB}",
)
_LINKS = "CREATE TABLE links (page INTEGER NOT NULL REFERENCES pages (id), target TEXT NOT NULL, kind TEXT, text TEXT)"
_AFTER_LINKS = (
    "CREATE INDEX links_target ON links (target)",
    "CREATE INDEX links_page ON links (page)",
    "CREATE VIEW edges AS SELECT pages.url AS source, links.target, links.kind, links.text"
    " FROM links JOIN pages ON pages.id = links.page",
)
_INDEXES = {
    ("url", "visit"): "CREATE INDEX pages_url ON pages (url, visit)",
    ("status",): "CREATE INDEX pages_status ON pages (status)",
    ("disposition", "reason"): "CREATE INDEX pages_disposition ON pages (disposition, reason)",
    ("via",): "CREATE INDEX pages_via ON pages (via)",
}
_NEWEST = (
    "CREATE VIEW newest AS SELECT * FROM pages AS p"
    " WHERE visit = (SELECT max(visit) FROM pages AS other"
    " WHERE other.url = p.url AND other.request_id IS p.request_id)"
)
_TYPES = {"number": "INTEGER", "truth": "INTEGER"}
_MARKS = (b'"links":[', b'"audit":{')
"""A record that has links holds one of these."""


def write_sqlite(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes a row for each record, and one for each link where the records hold links.

    Of columns that are chosen there is the table `pages` alone. Raises ConfigError where SQL would take two of them for
    one, FolderError, OSError.
    """
    columns = wanted.columns(USUAL)
    with by_name(file, wanted.scratch) as path, closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in _SETTINGS:
            database.execute(statement)
        tables = _Tables(database, columns, is_whole=not wanted.is_choice)
        database.execute("BEGIN")
        for lines in source.batches():
            tables.add(lines)
        tables.finish()
        database.execute("COMMIT")


class _Tables:
    """The tables of a new database."""

    def __init__(self, database: sqlite3.Connection, columns: Columns, *, is_whole: bool) -> None:
        """`is_whole`: rows have numbers, and links have a table."""
        self._database = database
        self._pick = columns.pick
        self._names = tuple(name.replace(".", "_") for name in columns.names)
        self._count = 0
        self._is_whole, self._has_begun_links = is_whole, False
        self._structures = [at for at, kind in enumerate(columns.kinds) if kind in ("list", "object", "any")]
        described = [
            f"{quote(name)} {'REAL' if field in FRACTIONS else _TYPES.get(kind, 'TEXT')}"
            for name, field, kind in zip(self._names, columns.fields, columns.kinds, strict=True)
        ]
        folded = [name.casefold() for name in self._names]
        if twice := next((name for name in folded if folded.count(name) > 1), None):
            raise ConfigError(f"--fields: two columns of SQL would be called {twice}: leave one out")
        database.execute(f"CREATE TABLE pages ({'id INTEGER PRIMARY KEY, ' if is_whole else ''}{', '.join(described)})")
        names = ", ".join(map(quote, ("id" if is_whole else "rowid", *self._names)))
        self._insert = f"INSERT INTO pages ({names}) VALUES ({', '.join('?' * (len(described) + 1))})"

    def add(self, lines: Sequence[bytes]) -> None:
        """Stores records. Raises ValueError for a line that is no JSON."""
        records = load_records(lines)
        first = self._count + 1
        rows = [(number, *self._pick(record)) for number, record in enumerate(records, first)]
        if self._structures:
            rows = [self._dump(row) for row in rows]
        try:
            self._database.executemany(self._insert, rows)
        except (sqlite3.ProgrammingError, sqlite3.InterfaceError, OverflowError):  # no record of ours
            self._database.execute("DELETE FROM pages WHERE rowid >= ?", (first,))
            self._database.executemany(self._insert, [tuple(map(_as_value, row)) for row in rows])
        self._count += len(records)
        if self._is_whole and any(mark in line for line in lines for mark in _MARKS):
            self._add_links(enumerate(records, first))

    def _add_links(self, records: Iterator[tuple[int, dict[str, Any]]]) -> None:
        if not self._has_begun_links:
            self._database.execute(_LINKS)
            self._has_begun_links = True
        self._database.executemany(
            "INSERT INTO links VALUES (?, ?, ?, ?)",
            (
                (number, link.url, link.kind or None, link.text or None)
                for number, record in records
                for link in read_links(record)
            ),
        )

    def finish(self) -> None:
        """Makes the indexes and views, after all rows: that takes less than keeping them."""
        made = [statement for names, statement in _INDEXES.items() if {*names} <= {*self._names}]
        if self._is_whole:
            made.append(_NEWEST)
        for statement in (*made, *(_AFTER_LINKS if self._has_begun_links else ())):
            self._database.execute(statement)

    def _dump(self, row: Row) -> Row:
        values = list(row)
        for at in self._structures:
            if values[at + 1] is not None:
                values[at + 1] = orjson.dumps(values[at + 1]).decode()
        return tuple(values)


def _as_value(value: object) -> object:
    """Returns a value as SQLite can hold it."""
    if isinstance(value, (list, dict)) or (isinstance(value, int) and not -(1 << 63) <= value < 1 << 63):
        return orjson.dumps(value).decode()
    return value
