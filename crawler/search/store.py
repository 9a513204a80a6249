"""Keeps an index in a SQLite file: the pages, and for each word where it stands (FTS5)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from ..runtime.private_files import check_database, touch
from .documents import Document

LAYOUT = 1
"""The layout of the file and the rules that filled it. A file of another one is made anew."""
BUSY_S = 60.0
_COLUMNS = ", ".join(Document._fields)
_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE page (id INTEGER PRIMARY KEY, key TEXT UNIQUE, url TEXT, site TEXT, status INT, at TEXT, visit INT,"
    " title TEXT, text TEXT, address TEXT)",
    "CREATE INDEX page_by_site ON page (site)",
    # Marks of scripts without spaces are no part of words, and vowel signs are: "M*".
    "CREATE VIRTUAL TABLE word USING fts5 (title, text, address, content = 'page', content_rowid = 'id',"
    """ tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'")""",
)
_VALUES = ", ".join(f"json_extract(value, '$[{i}]')" for i in range(len(Document._fields)))
_ENTER = f"INSERT INTO page ({_COLUMNS}) SELECT {_VALUES} FROM json_each(?)"
_FORGET_WORDS = (
    "INSERT INTO word (word, rowid, title, text, address) SELECT 'delete', id, title, text, address FROM page"
    " WHERE key IN (SELECT value FROM json_each(?))"
)
_LEARN_WORDS = "INSERT INTO word (rowid, title, text, address) SELECT id, title, text, address FROM page WHERE id > ?"
# Each takes a whole list: a busy event loop would starve a thread that makes many statements.


class Store:
    """An open file. One thread at a time uses it."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self.base = base

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Makes all changes of the block in one transaction; none if it raises. Waits for other processes."""
        self.base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self.base.in_transaction:  # SQLite ends it by itself where the disk is full
                self.base.execute("ROLLBACK")
            raise
        self.base.execute("COMMIT")

    def fact(self, name: str) -> str | int | None:
        """Returns a fact about the whole file; None: it is not known."""
        row = self.base.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_facts(self, **facts: str | int) -> None:
        self.base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", facts.items())

    def clear(self) -> None:
        """Drops all pages and facts."""
        for statement in ("DROP TABLE page", "DROP TABLE word", "DROP TABLE meta", *_TABLES):
            self.base.execute(statement)

    def enter(self, pages: Sequence[Document]) -> None:
        """Enters pages, each in the place of its old entry."""
        if pages:
            self.drop([page.key for page in pages])
            last = self.base.execute("SELECT coalesce(max(id), 0) FROM page").fetchone()[0]
            self.base.execute(_ENTER, (orjson.dumps([list(page) for page in pages]).decode(),))
            self.base.execute(_LEARN_WORDS, (last,))

    def drop(self, keys: Iterable[str]) -> None:
        """Removes the entries of pages, if there are any."""
        listed = orjson.dumps(list(keys)).decode()
        self.base.execute(_FORGET_WORDS, (listed,))
        self.base.execute("DELETE FROM page WHERE key IN (SELECT value FROM json_each(?))", (listed,))

    def see(self, moments: Sequence[tuple[str, str, int]]) -> None:
        """Notes for keys when they were seen again, and by which visit."""
        query = (
            "UPDATE page SET at = json_extract(seen.value, '$[1]'), visit = json_extract(seen.value, '$[2]')"
            " FROM json_each(?) AS seen WHERE page.key = json_extract(seen.value, '$[0]')"
        )
        self.base.execute(query, (orjson.dumps(moments).decode(),))

    def count(self) -> int:
        """Returns how many pages there are."""
        return int(self.base.execute("SELECT count(*) FROM page").fetchone()[0])


@contextmanager
def open_store(path: Path | None) -> Iterator[Store]:
    """Opens the file, or makes one; None: a temporary one. Raises OSError, sqlite3.Error."""
    if path is not None:
        check_database(path)
        touch(path)
    base = sqlite3.connect(path or "", isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    try:
        for said in ("trusted_schema = OFF", "cache_size = -16384"):
            base.execute(f"PRAGMA {said}")
        if base.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            _make(base)
        yield Store(base)
    finally:
        base.close()


def _make(base: sqlite3.Connection) -> None:
    """Makes the tables, unless another process has just done so."""
    base.execute("BEGIN IMMEDIATE")
    if base.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
        for name in ("page", "word", "meta"):
            base.execute(f"DROP TABLE IF EXISTS {name}")
        for statement in _TABLES:
            base.execute(statement)
        base.execute(f"PRAGMA user_version = {LAYOUT}")
    base.execute("COMMIT")
