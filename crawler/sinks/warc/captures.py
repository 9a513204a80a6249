"""Remembers on disk which bodies the WARC files of a crawl have, so that a copy is stored once.

It can be lost without harm: copies are then stored once more.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from ...runtime.private_files import BESIDE, check_database, touch
from ...warc.earlier import EarlierCaptures
from ...warc.records import Referred

T = TypeVar("T")
log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS captures (
    key INTEGER NOT NULL,     -- of a payload digest, or of a URL
    serial INTEGER NOT NULL,  -- the WARC file
    place INTEGER NOT NULL,   -- where its record begins there
    url TEXT NOT NULL,
    date TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (key, serial, place)
) WITHOUT ROWID
"""
_CACHE_KIB = 8 << 10


class Note(NamedTuple):
    """A capture that later ones may refer to, by its payload or by its URL."""

    kind: Literal["payload", "url"]
    text: str
    """The digest of the payload, or the URL."""
    serial: int
    place: int
    """Where the record begins in the file with that number."""
    referred: Referred
    """The capture that has the body: of a URL its own, or the first one with that payload."""


class Captures:
    """The captures of one crawl by payload and by URL. All calls block. Raises OSError where the file is not ours.

    A file that SQLite cannot use is replaced by an empty one. `earlier` knows the captures of earlier crawls.
    """

    def __init__(self, path: Path, earlier: EarlierCaptures | None = None) -> None:
        self._path = path
        self._earlier = earlier
        self._database = self._try(self._connect)

    def cut_back(self, serial: int, length: int) -> None:
        """Forgets the captures in files after `serial`, and those at `length` or later in that one."""
        self._do("DELETE FROM captures WHERE serial > ? OR (serial = ? AND place >= ?)", serial, serial, length)
        self.commit()

    def find_payloads(self, wanted: Mapping[str, str]) -> dict[str, Referred]:
        """Returns the captures with these payloads, by digest; those of unknown ones are left out.

        `wanted` has a URL for each digest: of several captures of earlier crawls, one of the same URL is taken.
        """
        keys = json.dumps([_key("payload", digest) for digest in wanted])
        found = self._do("SELECT url, date, digest FROM captures WHERE key IN (SELECT value FROM json_each(?))", keys)
        known = {digest: Referred(url, date, digest) for url, date, digest in found if digest in wanted}
        if self._earlier:
            for digest, url in wanted.items():
                if digest not in known and (held := self._earlier.find(digest, url)):
                    known[digest] = held
        return known

    def find_latest(self, url: str) -> Referred | None:
        """Returns the capture that has the latest body of a URL."""
        query = "SELECT url, date, digest FROM captures WHERE key = ? ORDER BY serial DESC, place DESC LIMIT 1"
        found = self._do(query, _key("url", url))
        return Referred(*found[0]) if found else None

    def add(self, notes: Sequence[Note]) -> None:
        """Adds captures."""
        rows = [(_key(one.kind, one.text), one.serial, one.place, *one.referred) for one in notes]
        statement = "INSERT OR REPLACE INTO captures VALUES (?, ?, ?, ?, ?, ?)"
        self._try(lambda: self._database.executemany(statement, rows))

    def commit(self) -> None:
        self._try(self._database.commit)

    def close(self) -> None:
        self.commit()
        self._database.close()
        if self._earlier:
            self._earlier.close()

    def _do(self, query: str, *values: object) -> list[tuple[str, str, str]]:
        return self._try(lambda: self._database.execute(query, values).fetchall())

    def _try(self, work: Callable[[], T]) -> T:
        """Does the work; where the database cannot be used, once more with an empty one."""
        try:
            return work()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise OSError(28, "no space left", str(self._path)) from error
            log.warning("%s cannot be used and is begun anew: copies are stored once more (%s)", self._path, error)
            self._replace()
            return work()

    def _replace(self) -> None:
        if hasattr(self, "_database"):
            self._database.close()
        for end in ("", *BESIDE):
            self._path.with_name(f"{self._path.name}{end}").unlink(missing_ok=True)
        self._database = self._connect()

    def _connect(self) -> sqlite3.Connection:
        check_database(self._path)
        touch(self._path)
        database = sqlite3.connect(self._path, check_same_thread=False, cached_statements=8)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")  # it may be lost
            database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            database.execute(_SCHEMA)
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database


def _key(kind: str, text: str) -> int:
    return int.from_bytes(blake2b(f"{kind}{text}".encode(), digest_size=8).digest(), "big", signed=True)
