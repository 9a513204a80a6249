"""Makes a damaged frontier's file anew from the rows that can still be read; the damaged one stays beside it.

The crawl's own output tells which URLs were visited, since nothing damaged it. Every other URL that can be read is
queued. All else follows from these: fingerprints, queues, sites and claims are derived again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from hashlib import blake2b
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import orjson

from ... import urls
from ...errors import FrontierError
from ...model import Position, Url
from ...model.request import REQUISITES
from ...runtime.clock import wall
from ...runtime.files import replace_file
from ...runtime.private_files import copy_file
from ..order import FIRST, rank
from ..terms import WITHOUT_RULES
from . import schema
from .file import KEY_BYTES, check_header, check_inside, create, open_file, translate_damage, translate_errors
from .rows import NOTE, fingerprint
from .tables import Tables

STEP = 1000
MOST_MISSES = 50_000
"""Unreadable rows in a row after which no further rows are expected."""
SIGN = 1 << 63
URL = "text, depth, priority, redirects, via, seed, root"
VISIT = "disposition, reason, detail, status, attempt, visited_at, digest, duplicate_of"

Rows = dict[int, tuple[Any, ...]]


class Recorded(NamedTuple):
    """A final visit, read from the crawl's output."""

    text: str
    depth: int
    disposition: str
    status: int | None
    attempt: int
    visited_at: float
    digest: bytes | None
    request_id: str = ""
    """Of a request that is not plain, as in its lease."""

    @property
    def identity(self) -> str:
        """The URL, or the id of a request that is more than that."""
        return self.request_id or self.text


class Repaired(NamedTuple):
    """The result of a repair."""

    known: int
    queued: int
    visited: int
    lost: int
    """URLs that left nothing but a gap, at least. Some will be found again by links."""
    damaged: Path
    """The present place of the damaged file."""


def repair(path: Path, recorded: Callable[[Mapping[str, Position]], Iterable[Recorded]]) -> Repaired:
    """Rebuilds the file at `path`, which no process may hold meanwhile. Blocks.

    `recorded` returns the visits that the sinks hold up to the given positions. Raises FrontierError, and changes
    nothing, where the settled positions themselves cannot be read.
    """
    with translate_errors(path):
        check_header(path)
        with TemporaryDirectory(prefix=".repair-", dir=path.parent) as name:
            salvaged = _salvage(path, _copy_with_log(path, Path(name)))
            whole = Path(name) / "whole.sqlite"
            create(whole, salvaged.meta["key"])
            with closing(sqlite3.connect(whole, isolation_level=None)) as connection:
                figures = _Builder(connection, salvaged, recorded(salvaged.positions)).build()
            damaged = _set_aside(path)
            replace_file(whole, path)
    return Repaired(*figures, damaged)


def is_whole(path: Path) -> bool:
    """Returns whether a file has no damage, by reading a copy; no process may hold it meanwhile. Blocks.

    Raises FrontierError where it cannot be copied.
    """
    with translate_errors(path), TemporaryDirectory(prefix=".repair-", dir=path.parent) as name:
        copy = _copy_with_log(path, Path(name))
        try:
            with (
                closing(open_file(copy, "process", keeps_older=False)) as connection,
                translate_errors(copy),
                translate_damage(copy),
            ):
                check_inside(connection)
                [(key,)] = connection.execute("SELECT value FROM meta WHERE name = 'key'")
                tables = Tables(connection, lambda site: urls.fingerprint(site, key) - SIGN)
                tables.state(key, WITHOUT_RULES, wall())
        except FrontierError:
            return False
    return True


class _Salvaged(NamedTuple):
    """The rows that can be read."""

    meta: Mapping[str, Any]
    positions: Mapping[str, Position]
    urls: Rows
    visits: Rows
    retries: Rows
    revisits: Rows
    parked: Rows
    parkings: Rows
    outside: Rows
    extras: Rows
    seen: Mapping[int, int]
    """Fingerprints by row."""


def _salvage(path: Path, copy: Path) -> _Salvaged:
    """Reads the rows of a damaged file that can be read."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        try:
            meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
            positions = orjson.loads(meta.setdefault("positions", "{}"))
        except (sqlite3.Error, ValueError):
            meta, positions = {}, {}
        if len(meta.get("key", b"")) != KEY_BYTES:
            raise FrontierError(
                f"{path} cannot be repaired: what was settled stood in the part that is damaged. "
                "Restore it from a copy, or start over with --fresh"
            )
        return _Salvaged(
            meta,
            positions,
            _rows(connection, "url", f"{URL}, way") or _rows(connection, "url", f"{URL}, 0"),
            _rows(connection, "visit", f"{VISIT}, left_out") or _rows(connection, "visit", f"{VISIT}, NULL"),
            _rows(connection, "retry", "due, attempt, reason"),
            _rows(connection, "revisit", "due, fingerprint, etag, last_modified, digest, visit, interval_s"),
            _rows(connection, "parked", "rank, pattern"),
            _rows(connection, "parking", "name, reason, examples"),
            _rows(connection, "outside", "pairs"),
            _rows(connection, "extra", "sent, label, data") if _has(connection, "extra") else {},
            _fingerprints(connection),
        )


def _copy_with_log(path: Path, folder: Path) -> Path:
    """Makes a copy with its log, to read from: SQLite would write the log into the file itself."""
    copy = folder / path.name
    copy_file(path, copy)
    with suppress(FileNotFoundError):
        copy_file(f"{path}-wal", f"{copy}-wal")
    return copy


def _fingerprints(connection: sqlite3.Connection) -> dict[int, int]:
    """Returns the readable fingerprints where there are requests that are more than a URL; nothing else needs them."""
    if not _has(connection, "extra"):
        return {}
    blobs = _rows(connection, "(SELECT first AS id, fingerprints FROM seen)", "fingerprints")
    parts = ((first, np.frombuffer(blob, "<u8").tolist()) for first, (blob,) in blobs.items())
    return {row: mark for first, marks in parts for row, mark in enumerate(marks, first)}


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> Rows:
    """Reads all readable rows of a table, by id; where a stretch cannot be read, one by one."""
    query = f"SELECT id, {columns} FROM {table} WHERE id >= ? ORDER BY id LIMIT ?"
    found: Rows = {}
    if _lacks(connection, table):
        return found
    at, last = _find_end(connection, table, "min") or 0, _find_end(connection, table, "max")
    step, misses = STEP, 0
    while misses < MOST_MISSES and (last is None or at <= last):
        try:
            rows = connection.execute(query, (at, step)).fetchall()
        except sqlite3.Error:
            at, step, misses = (at, 1, misses) if step > 1 else (at + 1, 1, misses + 1)
            continue
        if not rows:
            break
        found |= {number: rest for number, *rest in rows}
        at, step, misses = rows[-1][0] + 1, min(2 * step, STEP), 0
    return found


def _lacks(connection: sqlite3.Connection, table: str) -> bool:
    """Returns whether the file has no such table: those of older layouts lack some."""
    try:
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
    except sqlite3.Error as error:
        return "no such table" in str(error)
    return False


def _has(connection: sqlite3.Connection, table: str) -> bool:
    """Returns whether a table can be read, and has rows: files of older layouts lack some."""
    with suppress(sqlite3.Error):
        return connection.execute(f"SELECT id FROM {table} LIMIT 1").fetchone() is not None
    return False


def _find_end(connection: sqlite3.Connection, table: str, which: str) -> int | None:
    """Returns the least or the greatest id, if readable. Names that are only referred to lie below zero."""
    try:
        row = connection.execute(f"SELECT {which}(id) FROM {table}").fetchone()
    except sqlite3.Error:
        return None
    return -1 if which == "max" and row[0] is None else row[0]


def _set_aside(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    damaged = next(name for name in names if not name.exists())
    path.rename(damaged)
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").rename(f"{damaged}{end}")
    return damaged


class _Builder:
    """Writes the rows again, under new numbers without a gap, with all that follows from them."""

    def __init__(self, connection: sqlite3.Connection, salvaged: _Salvaged, recorded: Iterable[Recorded]) -> None:
        self._connection = connection
        self._salvaged = salvaged
        self._key: bytes = salvaged.meta["key"]
        kept = {number: row for number, row in sorted(salvaged.urls.items()) if _is_url(row[0])}
        self._names = [number for number in kept if number < 0]
        self._kept = kept
        rows = {mark: number for number, row in kept.items() if (mark := self._request_print(number, row[0]))}
        self._rows = {number: mark for mark, number in rows.items()}  # one row a request
        found = {self._recorded_print(visit): visit for visit in recorded if _is_url(visit.text)}
        # A request whose body is lost cannot be made again, so its record stays as it is.
        self._recorded = {mark: visit for mark, visit in found.items() if mark in rows or not visit.request_id}
        self._new = [mark for mark in self._recorded if mark not in rows]
        old = [*self._rows]
        self._ids = {number: new for new, number in enumerate(old, 1)}
        self._ids |= {number: -place for place, number in enumerate(self._names, 1)}
        self._lost = max([number for number in salvaged.urls if number > 0], default=0) - len(old)

    def build(self) -> tuple[int, int, int, int]:
        """Returns how many URLs are known, queued, visited and lost."""
        self._connection.executescript(schema.REVISIT + schema.ASIDE + schema.EXTRA)
        self._connection.execute("BEGIN")
        rows = [*self._urls()]
        visits = self._visits()
        retries, queue = self._open(rows, visits)
        sites = Counter(site for site, _, _ in queue)
        marks = [*self._rows.values(), *self._new]
        fingerprints = b"".join(mark.to_bytes(8, "little") for mark in marks)
        self._write("url", rows)
        self._write("visit", visits.values())
        self._write("retry", retries)
        self._write("queue", queue)
        self._write("site", ((site, number, 0.0, 1) for site, number in sites.items()))
        self._write("seen", [(1, fingerprints)] if fingerprints else ())
        self._write("claim", self._claims(visits))
        self._write("revisit", self._revisits(marks, visits))
        self._write("parked", self._parked(visits))
        self._write("parking", ((number, *row) for number, row in self._salvaged.parkings.items()))
        self._write("outside", self._outside())
        extras = self._salvaged.extras.items()
        self._write("extra", ((self._ids[number], *row) for number, row in extras if number in self._rows))
        settled = orjson.dumps(self._settled(visits))
        notes = [(name, value) for name, value in self._salvaged.meta.items() if name.startswith(NOTE)]
        notes += [("ways", 1)] if self._salvaged.meta.get("ways") else []
        self._write("meta", [("positions", self._salvaged.meta["positions"]), ("settled", settled.decode()), *notes])
        self._connection.execute("COMMIT")
        known, lost = len(marks), max(0, self._lost - len(self._new))
        waiting = sum(due is not None for _, _, due, _, _ in retries)
        return known, len(queue) + waiting, len(visits), lost

    def _settled(self, visits: Mapping[int, tuple[Any, ...]]) -> Mapping[str, int]:
        """Returns final visits by disposition, without those whose records are gone: these are made once more."""
        if not (told := self._salvaged.meta.get("settled")):
            return Counter(visit[1] for visit in visits.values())
        gone = Counter(row[0] for number, row in self._salvaged.visits.items() if self._ids.get(number) not in visits)
        return {name: max(0, number - gone[name]) for name, number in orjson.loads(told).items()}

    def _urls(self) -> Iterator[tuple[Any, ...]]:
        for number in self._names:
            yield (self._ids[number], *self._kept[number][:1], 0, 0, 0, 0, 0, 0, 0)
        for number in self._rows:
            text, depth, priority, redirects, *near, way = self._kept[number]
            yield (self._ids[number], text, depth, priority, redirects, *(self._ids.get(one, 0) for one in near), way)
        for new, mark in enumerate(self._new, len(self._rows) + 1):
            yield (new, self._recorded[mark].text, self._recorded[mark].depth, 0, 0, 0, 0, 0, 0)

    def _visits(self) -> dict[int, tuple[Any, ...]]:
        """Returns the visits of the output, with the frontier's own row where that is readable."""
        visits = {}
        places = {mark: self._ids[number] for number, mark in self._rows.items()}
        places |= {mark: new for new, mark in enumerate(self._new, len(self._rows) + 1)}
        told = {self._ids[number]: row for number, row in self._salvaged.visits.items() if number in self._ids}
        for mark, visit in self._recorded.items():
            new = places[mark]
            own = (visit.disposition, None, "", visit.status, visit.attempt, visit.visited_at, visit.digest, None, None)
            visits[new] = (new, *told.get(new, own))
        return visits

    def _open(self, rows: list[tuple[Any, ...]], visits: Mapping[int, object]) -> tuple[list[Any], list[Any]]:
        """Returns the URLs that wait for another attempt, and the queue: all URLs that were never visited."""
        retries, queue = [], []
        setbacks = {self._ids[number]: row for number, row in self._salvaged.retries.items() if number in self._ids}
        parked = {row[0] for row in self._parked(visits)}
        for new, text, depth, priority, *_, way in rows:
            if new <= 0 or new in visits or new in parked:
                continue
            place = FIRST if way > REQUISITES else rank(priority, depth, in_depth_order=False)
            due, attempt, reason = setbacks.get(new, (None, None, None))
            if attempt is not None:
                retries.append((new, place, due, attempt, reason))
            if due is None:
                queue.append((self._fingerprint(Url(text).site) - SIGN, place, new))
        return retries, queue

    def _claims(self, visits: Mapping[int, tuple[Any, ...]]) -> list[tuple[int, bytes]]:
        pairs = b"".join(
            blake2b(digest, digest_size=8, key=self._key).digest() + new.to_bytes(8, "little")
            for new, disposition, _, _, _, _, _, digest, *_ in visits.values()
            if disposition == "fetched" and digest
        )
        return [(1, pairs)] if pairs else []

    def _revisits(self, marks: Sequence[int], visits: Mapping[int, object]) -> Iterator[tuple[Any, ...]]:
        """Yields the schedule. A page that was queued for a revisit is due at once; one off the schedule stays off."""
        for number, (due, mark, *earlier) in self._salvaged.revisits.items():
            new = self._ids.get(number)
            if new is not None and new in visits:
                is_over = due is None and mark is None
                yield (
                    new,
                    due if due is not None or is_over else 1.0,
                    *earlier,
                    None if is_over else marks[new - 1] - SIGN,
                )

    def _parked(self, visits: Mapping[int, object]) -> Iterator[tuple[int, int, int]]:
        """Yields URLs parked under a pattern whose name can be read; the others are queued again."""
        for number, (ranked, pattern) in self._salvaged.parked.items():
            new = self._ids.get(number)
            if new is not None and new not in visits and pattern in self._salvaged.parkings:
                yield new, ranked, pattern

    def _outside(self) -> Iterator[tuple[int, bytes]]:
        """Yields places out of reach, with the new rows of the pages that link there."""
        for number, (pairs,) in self._salvaged.outside.items():
            found = np.frombuffer(pairs, "<u8").reshape(-1, 2)
            kept = [(place, new) for place, row in found.tolist() if (new := self._ids.get(row))]
            yield number, np.array(kept, "<u8").tobytes()

    def _request_print(self, number: int, text: str) -> int:
        """Returns the fingerprint of a row's request; 0 for a reference, and where its extra cannot be read."""
        if number < 0:
            return 0
        mark = fingerprint(text, self._salvaged.extras.get(number, ("",))[0], self._key)
        return mark if self._salvaged.seen.get(number, mark) == mark else 0

    def _recorded_print(self, visit: Recorded) -> int:
        return int(visit.request_id, 16) if visit.request_id else self._fingerprint(visit.text)

    def _fingerprint(self, text: str) -> int:
        return urls.fingerprint(text, self._key)

    def _write(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            marks = ", ".join("?" * len(row))
            self._connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)


def _is_url(text: object) -> bool:
    """Returns whether a value is a canonical URL, as it was when it was written."""
    if not isinstance(text, str):
        return False
    try:
        return urls.parse(text).text == text
    except Exception:  # noqa: BLE001 - any failure means that it is no URL
        return False
