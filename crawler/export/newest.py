"""Knows which record of a URL is the newest one, where URLs were visited more than once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..records import Record
from ..runtime.private_files import touch
from ..sinks.bulk import load_records
from .source import Source

_FIRST = b'"visit":1,'
_UNREAD = 304
"""The status of a page that did not change: its record says nothing of its content."""
Counts = Callable[[Record], bool]
"""Says whether a record may be the newest one of its URL."""


def is_read(record: Record) -> bool:
    """Returns whether a page was read, or failed."""
    return bool(record.get("status") != _UNREAD)


_NOTE = "INSERT INTO newest VALUES (?, ?) ON CONFLICT DO UPDATE SET visit = max(visit, excluded.visit)"


class Newest:
    """The newest visits. The list is on the disk, and empty where each URL was visited once."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._is_empty = True

    def fill(self, source: Source, counts: Counts = is_read) -> None:
        """Reads all records for visits after the first. Raises FolderError, OSError, ValueError."""
        self._database.execute("CREATE TABLE newest (url TEXT PRIMARY KEY, visit INTEGER) WITHOUT ROWID")
        for lines in source.batches():
            if later := [line for line in lines if _FIRST not in line]:
                self._is_empty = False
                self._database.executemany(
                    _NOTE,
                    [(_key(one), one.get("visit")) for one in load_records(later) if counts(one)],
                )

    def has(self, record: Record) -> bool:
        """Returns whether no later record says more about the content of its URL."""
        if self._is_empty:
            return True
        found = self._database.execute("SELECT visit FROM newest WHERE url = ?", (_key(record),)).fetchone()
        return found is None or record.get("visit") == found[0]


def _key(record: Record) -> str:
    return f"{record.get('url')} {record.get('request_id') or ''}"


@contextmanager
def open_newest(source: Source, scratch: Path, counts: Counts = is_read) -> Iterator[Newest]:
    """Yields the newest visits of all records, wanted or not. Raises FolderError, OSError."""
    with TemporaryDirectory(prefix=".newest-", dir=scratch) as folder:
        path = Path(folder) / "newest"
        touch(path)
        database = sqlite3.connect(path, isolation_level=None)
        try:
            for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                database.execute(f"PRAGMA {setting}")
            newest = Newest(database)
            newest.fill(source.all_records(), counts)
            yield newest
        finally:
            database.close()
