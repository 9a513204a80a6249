"""Keeps the records of two crawls in a temporary database, so that memory stays flat, and sorts them there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

CACHE_KIB = 32 << 10
BATCH = 5000
_COLUMNS = (
    "key, visit, disposition, reason, status, digest, simhash, robots, location, title, length, part, nth, payload"
)
_FOUND = (
    "CREATE TABLE alone (side TEXT, key TEXT, digest TEXT, is_taken INT DEFAULT 0, PRIMARY KEY (side, key))"
    " WITHOUT ROWID",
    "CREATE TABLE target (key TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE difference (key TEXT PRIMARY KEY, kinds TEXT, value BLOB, moved_to TEXT) WITHOUT ROWID",
)
_RANKED = (
    "SELECT key, digest, row_number() OVER (PARTITION BY digest ORDER BY key) AS rank FROM alone"
    " WHERE side = '{}' AND digest IS NOT NULL AND NOT is_taken"
)


class Row(NamedTuple):
    """The facts of one record that are compared."""

    key: str
    """The URL; behind it method and id of a request that is more than a URL."""
    visit: float
    """Grows with the visits of a URL."""
    disposition: str | None
    reason: str | None
    status: int | None
    digest: str | None
    simhash: str | None
    robots: str | None
    location: str | None
    title: str | None
    length: int | None
    part: int
    """Where its text is found again, as its side says."""
    nth: int
    payload: str | None = None
    """The digest that a web archive gives to what was sent."""


class Table:
    """The database. SQLite removes its temporary file as soon as it is open, whatever comes."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for said in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIB}", "temp_store = FILE"):
            self._base.execute(f"PRAGMA {said}")
        for side in ("before", "after"):
            self._base.execute(
                f"CREATE TABLE {side} (n INTEGER PRIMARY KEY, key TEXT NOT NULL, visit REAL, disposition TEXT,"
                " reason TEXT, status INT, digest TEXT, simhash TEXT, robots TEXT, location TEXT, title TEXT,"
                " length INT, part INT, nth INT, payload TEXT)"
            )
        for statement in _FOUND:
            self._base.execute(statement)

    def fill(self, side: str, rows: Iterable[Row]) -> None:
        """Takes all records of a side: `before` or `after`."""
        left = iter(rows)
        while batch := list(islice(left, BATCH)):
            self._many(f"INSERT INTO {side} ({_COLUMNS}) VALUES ({', '.join('?' * len(Row._fields))})", batch)

    def find_bodies(self, side: str) -> None:
        """Gives the copies of a web archive the digest of the body that they refer to."""
        self._base.execute(f"CREATE INDEX {side}_payload ON {side} (payload) WHERE digest IS NOT NULL")
        self._base.execute(
            f"UPDATE {side} SET (digest, length) = (SELECT digest, length FROM {side} AS whole WHERE"
            f" whole.payload = {side}.payload AND whole.digest IS NOT NULL LIMIT 1)"
            " WHERE digest IS NULL AND payload IS NOT NULL"
        )

    def rows(self, side: str) -> Iterator[Row]:
        """Yields all records of a side by URL, those of a URL in the order of its visits."""
        return map(Row._make, self._base.execute(f"SELECT {_COLUMNS} FROM {side} ORDER BY key, visit, n"))

    # -- what is found -----------------------------------------------------------------------------------------------

    def add_alone(self, rows: Iterable[tuple[str, str, str | None]]) -> None:
        """Keeps URLs that one side has alone: side, key, digest of their content."""
        self._many("INSERT INTO alone (side, key, digest) VALUES (?, ?, ?)", rows)

    def add_targets(self, keys: Iterable[str]) -> None:
        """Keeps URLs that redirects of the second side lead to now."""
        self._many("INSERT OR IGNORE INTO target VALUES (?)", ((key,) for key in keys))

    def add_differences(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Keeps differences: key, kinds with spaces between them, value."""
        self._many("INSERT INTO difference (key, kinds, value) VALUES (?, ?, ?)", rows)

    def join_moved(self) -> None:
        """Finds for each content that is gone one URL that it came to, the first with the first, and so on.

        URLs that something moved to no longer count as added.
        """
        run = self._base.execute
        run("UPDATE alone SET is_taken = 1 WHERE side = 'after' AND key IN (SELECT key FROM target)")
        run(
            "CREATE TABLE pair AS SELECT gone.key AS old, new.key AS new"
            f" FROM ({_RANKED.format('before')}) AS gone JOIN ({_RANKED.format('after')}) AS new USING (digest, rank)"
        )
        run("CREATE INDEX pair_old ON pair (old)")
        run("UPDATE alone SET is_taken = 1 WHERE side = 'after' AND key IN (SELECT new FROM pair)")
        run(
            "UPDATE difference SET kinds = 'moved', moved_to = (SELECT new FROM pair WHERE old = key)"
            " WHERE key IN (SELECT old FROM pair)"
        )
        run("DELETE FROM difference WHERE key IN (SELECT key FROM alone WHERE side = 'after' AND is_taken)")

    def count(self) -> Iterator[tuple[str, int]]:
        """Yields how many differences have the same kinds."""
        return iter(self._base.execute("SELECT kinds, count(*) FROM difference GROUP BY kinds"))

    def differences(self) -> Iterator[tuple[bytes, str | None]]:
        """Yields what was added, by key: the value, and the URL that its content came to."""
        return iter(self._base.execute("SELECT value, moved_to FROM difference ORDER BY key"))

    def close(self) -> None:
        """Drops the database."""
        self._base.close()

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._base.execute("BEGIN")
        self._base.executemany(statement, rows)
        self._base.execute("COMMIT")
