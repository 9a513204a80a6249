"""Finds visits whose records the sinks lost after they were settled, and queues them once more.

It works on the file itself before a frontier is opened on it, so memory never holds the visits that are taken back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from ... import urls
from ...model import Position, Url
from ...model.request import REQUISITES
from ..order import FIRST, rank
from . import schema
from .file import open_file, translate_damage, translate_errors

SIGN = 1 << 63

# A revisit that waits in the queue has its number already; a page off the schedule keeps the number of its last visit.
VISITED = """
SELECT id, visited_at, CASE
    WHEN e.id IS NULL THEN 1
    WHEN e.due IS NOT NULL OR waits.id IS NOT NULL AND x.id IS NULL THEN e.visit - 1
    ELSE e.visit END
FROM visit v LEFT JOIN revisit e USING (id) LEFT JOIN reread x USING (id)
LEFT JOIN (SELECT id FROM queue UNION SELECT id FROM retry UNION SELECT id FROM parked) AS waits USING (id)
"""
# Pages visited before that are queued to be visited once more.
AGAIN = """
SELECT id, NULL, visit - 1 FROM revisit WHERE visit > 1 AND id NOT IN (SELECT id FROM visit)
"""
SETTLED = "SELECT disposition, count(*) FROM visit WHERE id IN (SELECT id FROM missing) GROUP BY 1"
# A page is fetched whole, as if for the first time: its next record may not say that nothing changed since a lost one.
TAKE_BACK = """
DELETE FROM visit WHERE id IN (SELECT id FROM missing);
DELETE FROM reread WHERE id IN (SELECT id FROM missing);
DELETE FROM retry WHERE id IN (SELECT id FROM missing);
INSERT INTO revisit SELECT id, NULL, '', '', NULL, number, 0.0, 0 FROM missing
    WHERE number > 1 OR id IN (SELECT id FROM revisit)
    ON CONFLICT (id) DO UPDATE SET due = NULL, etag = '', last_modified = '', digest = NULL, visit = excluded.visit,
        fingerprint = coalesce(fingerprint, 0);
INSERT OR REPLACE INTO owed SELECT id, sinks FROM missing;
"""
UNQUEUED = """
SELECT id, text, priority, depth, way FROM missing JOIN url USING (id)
WHERE id NOT IN (SELECT id FROM queue) AND id NOT IN (SELECT id FROM parked)
"""
QUEUE_SITE = """
INSERT INTO site VALUES (?, ?, 0, 1) ON CONFLICT (id) DO UPDATE SET queued = queued + excluded.queued
"""


class Visits(NamedTuple):
    """All settled visits, a column each: rows, fingerprints of URLs, numbers of the last visits, their times."""

    rows: NDArray[np.int64]
    fingerprints: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    visited_at: NDArray[np.float64]
    """Unix seconds; NaN where another visit is queued."""


class Missing(NamedTuple):
    """A visit to be made once more."""

    row: int
    number: int
    """The number under which the visit of its URL is recorded."""
    sinks: Sequence[str]
    """The sinks that lack its record."""


class Unrecorded:
    """The settled visits in a file that no other process holds."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        with translate_errors(path), translate_damage(path):
            connection.executescript(schema.REVISIT + schema.ASIDE)
            self.key: bytes = self._meta("key")
            self.positions: Mapping[str, Position] = orjson.loads(self._meta("positions") or b"{}")

    def visits(self) -> Visits:
        """Returns the visits that every sink must hold. Raises FrontierError."""
        with translate_errors(self._path), translate_damage(self._path):
            return self._visits()

    def queue_again(self, missing: Iterable[Missing], positions: Mapping[str, Position]) -> None:
        """Queues these visits once more, and notes what the sinks hold now: one transaction. Raises FrontierError."""
        with translate_errors(self._path):
            self._queue_again(missing, positions)

    def _visits(self) -> Visits:
        found = [row for query in (VISITED, AGAIN) for row in self._connection.execute(query)]
        rows = np.array([row for row, _, _ in found], np.int64)
        blobs = self._connection.execute("SELECT fingerprints FROM seen ORDER BY first")
        known = np.frombuffer(b"".join(blob for (blob,) in blobs), "<u8")
        times = np.array([np.nan if at is None else at for _, at, _ in found], np.float64)
        return Visits(rows, known[rows - 1], np.array([number for _, _, number in found], np.int64), times)

    def _queue_again(self, missing: Iterable[Missing], positions: Mapping[str, Position]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TEMP TABLE missing (id INTEGER PRIMARY KEY, number INTEGER, sinks TEXT)")
        rows = ((one.row, one.number, orjson.dumps(one.sinks).decode()) for one in missing)
        connection.executemany("INSERT INTO missing VALUES (?, ?, ?)", rows)
        settled: dict[str, int] = orjson.loads(self._meta("settled") or b"{}")
        for disposition, number in connection.execute(SETTLED):
            settled[disposition] = max(0, settled.get(disposition, 0) - number)
        for statement in filter(str.strip, TAKE_BACK.split(";")):
            connection.execute(statement)
        self._queue(connection.execute(UNQUEUED).fetchall())
        notes = (("settled", settled), ("positions", positions))
        texts = ((name, orjson.dumps(value).decode()) for name, value in notes)
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", texts)
        connection.execute("COMMIT")
        connection.execute("DROP TABLE missing")

    def _queue(self, found: Sequence[tuple[int, str, int, int, int]]) -> None:
        in_depth_order = self._meta("order") == "depth"
        for row, text, priority, depth, way in found:
            site = urls.fingerprint(Url(text).site, self.key) - SIGN
            place = (site, FIRST if way > REQUISITES else rank(priority, depth, in_depth_order), row)
            self._connection.execute("INSERT INTO queue VALUES (?, ?, ?)", place)
            self._connection.execute(QUEUE_SITE, (site, 1))

    def _meta(self, name: str) -> Any:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row and row[0]


@contextmanager
def open_unrecorded(path: Path) -> Iterator[Unrecorded]:
    """Opens the file at `path`, which no frontier may be opened on meanwhile. Blocks. Raises FrontierError."""
    with closing(open_file(path, "power")) as connection:
        yield Unrecorded(connection, path)
