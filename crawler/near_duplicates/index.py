"""Keeps the sketches of texts in a database, finds the nearest earlier one, and forgets what was never settled."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from ..parse.sketch import keys, similarity
from ..runtime.private_files import check_database, touch

FILE = "near-duplicates.sqlite"
"""Its name in a crawl folder."""
MOST_OF_KEY = 64
"""Texts that are looked at for one key. Keys of more belong to what all pages of a site share, and find little."""
MOST_CANDIDATES = 16
"""Texts that are compared, those with the most keys in common first."""
CACHE_KIB = 8192
_SIGNED = 1 << 63

TABLES = """
-- `events`: the number of changes so far, which is the position that settles.
CREATE TABLE IF NOT EXISTS progress (events INTEGER NOT NULL);
INSERT INTO progress SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM progress);

-- Texts that repeat no other one, by the number of the change that brought them. `url_mark`: 64 bits of the URL;
-- `ended`: the change since which the URL has another text.
CREATE TABLE IF NOT EXISTS page (
    number INTEGER PRIMARY KEY, url TEXT NOT NULL, url_mark INTEGER NOT NULL, sketch BLOB NOT NULL, ended INTEGER
);
CREATE INDEX IF NOT EXISTS by_url ON page (url_mark);
CREATE INDEX IF NOT EXISTS by_end ON page (ended) WHERE ended IS NOT NULL;
CREATE TABLE IF NOT EXISTS posting (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID;
"""


class Text(NamedTuple):
    """The text of a page, to be compared."""

    url: str
    sketch: bytes


class Known(NamedTuple):
    """A text that the index holds."""

    number: int
    url: str
    sketch: bytes


class Index:
    """The texts of a crawl that repeat no other one. Calls block and belong in a thread, one at a time.

    What is added stands in one transaction until `commit`. Memory stays the same, however many texts there are.
    """

    def __init__(self, path: Path | None, least: float, *, is_synced: bool) -> None:
        """`path`: None for one that ends with the process. `least`: the share of equal text from which on it is near.

        Raises OSError, sqlite3.Error.
        """
        if path is not None and check_database(path) is None:
            touch(path)
        self._least = least
        self._rows = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
        self._rows.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'OFF'}")
        self._rows.executescript(TABLES)
        self.events: int = self._rows.execute("SELECT events FROM progress").fetchone()[0]

    def rewind(self, events: int) -> None:
        """Goes back to the state after so many changes. A state that is gone is not made again: fewer are known."""
        self._begin()
        self._remove(self._rows.execute("SELECT number, sketch FROM page WHERE number > ?", [events]).fetchall())
        self._rows.execute("UPDATE page SET ended = NULL WHERE ended > ?", [events])
        self._remove(self._rows.execute("SELECT number, sketch FROM page WHERE ended IS NOT NULL").fetchall())
        self.events = events
        self.commit()

    def add(self, texts: Iterable[Text]) -> list[str]:
        """Returns for each text the URL of the earlier one that it nearly repeats; empty: it repeats none.

        A text that repeats none is known from now on, under its URL, in place of an earlier one that it does not
        repeat. No text repeats one of its own URL.
        """
        self._begin()
        return [self._add(text) for text in texts]

    def commit(self) -> None:
        """Keeps all that was added, if anything was."""
        if self._rows.in_transaction:
            self._rows.execute("UPDATE progress SET events = ?", [self.events])
            self._rows.execute("COMMIT")

    def close(self) -> None:
        """Forgets what was not committed."""
        self._rows.close()

    def _begin(self) -> None:
        if not self._rows.in_transaction:
            self._rows.execute("BEGIN IMMEDIATE")

    def _add(self, text: Text) -> str:
        mark = _mark(text.url)
        query = "SELECT number, url, sketch FROM page WHERE url_mark = ? AND ended IS NULL"
        own = next((one for one in map(Known._make, self._rows.execute(query, [mark])) if one.url == text.url), None)
        if own and similarity(own.sketch, text.sketch) >= self._least:
            return ""
        nearest = self.find(text)
        if own:
            self.events += 1
            self._rows.execute("UPDATE page SET ended = ? WHERE number = ?", [self.events, own.number])
        if nearest:
            return nearest.url
        self.events += 1
        self._rows.execute("INSERT INTO page VALUES (?, ?, ?, ?, NULL)", [self.events, text.url, mark, text.sketch])
        self._rows.executemany(
            "INSERT OR IGNORE INTO posting VALUES (?, ?)", [(key, self.events) for key in keys(text.sketch)]
        )
        return ""

    def find(self, text: Text) -> Known | None:
        """Returns the nearest text that is near enough, of several the earliest; None: there is none."""
        shared = Counter[int]()
        for key in keys(text.sketch):
            query = "SELECT number FROM posting WHERE key = ? ORDER BY number DESC LIMIT ?"
            shared.update([number for (number,) in self._rows.execute(query, [key, MOST_OF_KEY])])
        chosen = sorted(shared, key=lambda number: (-shared[number], number))[:MOST_CANDIDATES]
        found = [
            (similarity(known.sketch, text.sketch), known) for known in self._read(chosen) if known.url != text.url
        ]
        near = [(-share, known.number, known) for share, known in found if share >= self._least]
        return min(near)[2] if near else None

    def _read(self, numbers: Sequence[int]) -> list[Known]:
        places = ", ".join("?" * len(numbers))
        query = f"SELECT number, url, sketch FROM page WHERE number IN ({places}) AND ended IS NULL"
        return [Known._make(row) for row in self._rows.execute(query, numbers)]

    def _remove(self, pages: Iterable[tuple[int, bytes]]) -> None:
        for number, sketch in pages:
            self._rows.execute("DELETE FROM page WHERE number = ?", [number])
            places = [(key, number) for key in keys(sketch)]
            self._rows.executemany("DELETE FROM posting WHERE key = ? AND number = ?", places)


def _mark(url: str) -> int:
    """Returns 64 bits of a URL as SQLite holds them."""
    return xxh3_64_intdigest(url.encode()) - _SIGNED
