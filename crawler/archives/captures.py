"""Keeps the index of captures: request -> places in archives. It is on the disk, so memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from enum import IntFlag
from hashlib import blake2b, sha1
from typing import NamedTuple

from .unanswered import Unanswered

_TABLE = """
CREATE TABLE capture (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, at REAL NOT NULL, file INTEGER NOT NULL, offset INTEGER NOT NULL,
    status INTEGER NOT NULL, kind INTEGER NOT NULL, digest BLOB, url TEXT
)
"""
_TOLD = "CREATE TABLE told (key BLOB PRIMARY KEY, attempts INTEGER, reason TEXT, detail TEXT) WITHOUT ROWID"
_SORTED = (
    "CREATE INDEX by_key ON capture (key, at, file, offset)",
    "CREATE INDEX by_digest ON capture (digest) WHERE digest IS NOT NULL",
)
_COLUMNS = "SELECT id, at, file, offset, status, kind FROM capture"
_CACHE_KIB = 16 << 10
"""Memory for pages of the index."""
BATCH = 1000


class Kind(IntFlag):
    """Facts of a capture."""

    REVISIT = 1
    """Its record refers to another capture for the body."""
    DOCUMENT = 2
    """A person could read the answer as a page: by its type it is HTML, XHTML, PDF or plain text."""


class Capture(NamedTuple):
    """Where an answer stands."""

    id: int
    at: float
    """Unix seconds when it was captured."""
    file: int
    offset: int
    status: int
    kind: Kind

    @property
    def is_revisit(self) -> bool:
        """Whether its record refers to another capture for the body."""
        return Kind.REVISIT in self.kind


class NewCapture(NamedTuple):
    """A capture to be kept."""

    key: bytes
    at: float
    file: int
    offset: int
    status: int
    kind: Kind
    digest: bytes | None = None
    """Of its payload, as `digest_key` makes it."""
    url: str | None = None
    """The URL, if it is a document's."""


def request_key(url: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Returns the key of a request: that of its method, its canonical URL and its body."""
    return request_key_of(url, method, sha1(body, usedforsecurity=False).digest() if body else b"")


def request_key_of(url: str, method: str, body_digest: bytes) -> bytes:
    """Returns the key of a request whose body has this digest (SHA-1); empty: it has no body."""
    return blake2b(f"{method} {url}".encode() + b"\n" + body_digest, digest_size=16).digest()


def digest_key(text: str) -> bytes | None:
    """Returns the key of a payload digest as archives write it: `sha1:...`. None: there is none."""
    return blake2b(text.strip().lower().encode(), digest_size=16).digest() if text else None


class Captures:
    """The index. Its methods block. SQLite removes its temporary file as soon as it is open, whatever comes."""

    def __init__(self) -> None:
        # An empty name is a database of its own in a temporary file. One thread at a time uses it.
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for said in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._base.execute(f"PRAGMA {said}")
        self._base.execute(_TABLE)
        self._base.execute(_TOLD)
        self._new: list[NewCapture] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, capture: NewCapture) -> int:
        """Adds a capture and returns its number."""
        self._new.append(capture)
        self._count += 1
        if len(self._new) >= BATCH:
            self._write()
        return self._count

    def change_key(self, number: int, key: bytes) -> None:
        """Gives a capture another key: its request was found, and is more than a URL, so it is no document."""
        self._write()
        self._base.execute("UPDATE capture SET key = ?, url = NULL WHERE id = ?", (key, number))

    def forget(self, file: int) -> None:
        """Removes the captures of a file, which is read again: its first ones."""
        self._write()
        self._count -= self._base.execute("DELETE FROM capture WHERE file = ?", (file,)).rowcount

    def tell(self, visits: Iterable[Unanswered]) -> None:
        """Keeps what records tell of attempts without an answer."""
        rows = ((request_key(one.url), one.attempts, one.reason, one.detail) for one in visits)
        self._base.execute("BEGIN")
        self._base.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", rows)
        self._base.execute("COMMIT")

    def told(self, key: bytes) -> tuple[int, str, str] | None:
        """Returns attempts, reason and detail of a visit that `tell` was told of."""
        row = self._base.execute("SELECT attempts, reason, detail FROM told WHERE key = ?", (key,)).fetchone()
        return row and (row[0], row[1], row[2])

    def count(self, key: bytes) -> int:
        """Returns how many captures a request has."""
        return int(self._base.execute("SELECT count(*) FROM capture WHERE key = ?", (key,)).fetchone()[0])

    def sort(self) -> None:
        """Makes the index ready for questions, once all captures are in it."""
        self._write()
        for statement in _SORTED:
            self._base.execute(statement)

    def find(self, key: bytes, number: int) -> Capture | None:
        """Returns the capture of a request with this number, from 0 in the order of time; the last if it has fewer."""
        order = f"{_COLUMNS} WHERE key = ? ORDER BY at, file, offset LIMIT 1 OFFSET ?"
        return self._one(order, key, number) or self._one(
            f"{_COLUMNS} WHERE key = ? ORDER BY at DESC, file DESC, offset DESC LIMIT 1", key
        )

    def find_original(self, key: bytes, digest: bytes | None, at: float) -> Capture | None:
        """Returns the capture that holds the body of a revisit: with the same digest, else of that request near `at`.

        Captures of the same request come first.
        """
        whole = f"NOT kind & {int(Kind.REVISIT)} AND status <> 304"
        if digest is not None:
            same = f"{_COLUMNS} WHERE digest = ? AND {whole} ORDER BY key <> ?, abs(at - ?), id LIMIT 1"
            if found := self._one(same, digest, key, at):
                return found
        return self._one(f"{_COLUMNS} WHERE key = ? AND {whole} ORDER BY abs(at - ?), id LIMIT 1", key, at)

    def documents(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Returns number and URL of up to `limit` documents behind the one with the number `after`."""
        self._write()
        query = "SELECT id, url FROM capture WHERE id > ? AND url IS NOT NULL ORDER BY id LIMIT ?"
        return self._base.execute(query, (after, limit)).fetchall()

    def close(self) -> None:
        """Drops the index."""
        self._base.close()

    def _one(self, query: str, *values: object) -> Capture | None:
        row = self._base.execute(query, values).fetchone()
        return row and Capture._make((*row[:5], Kind(row[5])))

    def _write(self) -> None:
        if self._new:
            columns = "INSERT INTO capture (key, at, file, offset, status, kind, digest, url)"
            self._base.execute("BEGIN")
            self._base.executemany(f"{columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._new)
            self._base.execute("COMMIT")
            self._new.clear()
