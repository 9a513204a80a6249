"""Makes records steady: the same web gives the same records, whatever failed for a moment and whatever came first.

Each URL has one record. A visit that brought an answer counts more than all that failed, a definite failure more than
a passing one, and copies are copies of the URL that comes first in the alphabet.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from ..records import Record

_DEFINITE = frozenset({404, 410})
_FETCHED = frozenset({"fetched", "duplicate"})
_TABLES = (
    "CREATE TABLE record (n INTEGER PRIMARY KEY, url TEXT, visit INT, is_good INT, status INT, detail TEXT,"
    " disposition TEXT, digest TEXT, line BLOB)",
)


class _Visit(NamedTuple):
    url: str
    n: int
    is_good: int
    status: int | None
    detail: str | None


class SteadyRecords:
    """Records in the order of their URLs, one each. Each iteration begins anew."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def fill(self, lines: Iterable[bytes]) -> None:
        """Takes the records of a crawl. A line that is no record is passed over."""
        self._base.execute("BEGIN")
        self._base.executemany(
            "INSERT INTO record (url, visit, is_good, status, detail, disposition, digest, line)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            filter(None, map(_row, lines)),
        )
        self._base.execute("CREATE INDEX by_url ON record (url, visit, n)")
        self._base.execute("CREATE INDEX by_digest ON record (digest) WHERE digest IS NOT NULL")
        self._base.execute("COMMIT")

    def __iter__(self) -> Iterator[Record]:
        visits = self._base.execute("SELECT url, n, is_good, status, detail FROM record ORDER BY url, visit, n")
        for _, of_url in groupby(map(_Visit._make, visits), itemgetter(0)):
            chosen = _choose(list(of_url))
            line = self._base.execute("SELECT line FROM record WHERE n = ?", (chosen.n,)).fetchone()[0]
            yield self._settle_copies(orjson.loads(line))

    def _settle_copies(self, record: dict[str, Any]) -> Record:
        """Says of which URL a page is a copy, whichever of them came first in this crawl."""
        if record.get("disposition") not in _FETCHED or not record.get("digest"):
            return record
        first, copies = self._base.execute(
            "SELECT min(url), sum(disposition = 'duplicate') FROM record WHERE digest = ? AND is_good",
            (record["digest"],),
        ).fetchone()
        if not copies:
            return record
        if record["url"] == first:
            return {**record, "disposition": "fetched", "reason": None, "duplicate_of": None}
        return {**record, "disposition": "duplicate", "reason": "duplicate", "duplicate_of": first}


@contextmanager
def make_steady(lines: Iterable[bytes]) -> Iterator[SteadyRecords]:
    """Yields the records in a temporary database on the disk, so that memory stays flat. Raises sqlite3.Error."""
    base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode = OFF")
        for statement in _TABLES:
            base.execute(statement)
        records = SteadyRecords(base)
        records.fill(lines)
        yield records
    finally:
        base.close()


def _row(line: bytes) -> tuple[object, ...] | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, Mapping) or not isinstance(record.get("url"), str) or "method" in record:
        return None
    is_good = record.get("disposition") not in ("failed", "excluded")
    values = [record.get(name) for name in ("status", "detail", "disposition", "digest")]
    return record["url"], record.get("visit") or 1, is_good, *values, line


def _choose(visits: list[_Visit]) -> _Visit:
    """Returns the visit that counts: the last good one; else of those that failed the most telling one."""
    good = [one for one in visits if one.is_good]
    if good:
        return good[-1]
    details = Counter((one.status, one.detail) for one in visits)
    return max(
        visits,
        key=lambda one: (one.status in _DEFINITE, details[one.status, one.detail], str(one.detail or ""), one.n),
    )
