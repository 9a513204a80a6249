"""Reads and writes the frontier's SQLite file in its one thread: blocking calls, rows in, values out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from ...frontier_protocols import Look
from ...model import Url
from ...policy.redirects import Hop
from ...policy.traps import MOST_PATTERNS, StoredPattern
from ...standing import Ended, Left, Linking, Pick, Root, Rows, Visited, Waiting
from ..change import Change, Parking
from ..claims import Claims
from ..depths import REFUSED, WITH_LINKS, WITHOUT_LINKS, Depths
from ..extras import Extra
from ..fingerprints import U64, Fingerprints, find_rows
from ..order import ROW_BITS, ROW_MASK, Packed, key, rank_of, unpack
from ..state import State
from ..store import Due, Load, Picked, Shelf, Shelved
from ..terms import Terms
from . import schema
from .inspect import FileLook
from .rows import NOTE, SIGN, fill, fingerprint

T = TypeVar("T")

BLOBS_AT_ONCE = 1000
"""Packed columns read by one statement."""
ROWS_AT_ONCE = 10_000
COUNTED_A_LOOK = 20_000
"""Sites that are counted for each look at the shelf, on average: a fifth of a millisecond."""


class Tables:
    """The tables of the file; owns the connection. Raises sqlite3.Error untranslated."""

    def __init__(self, connection: sqlite3.Connection, site_id: Callable[[str], int]) -> None:
        self._connection = connection
        self._site_id = site_id
        self._in_depth_order = False
        self._left = 0
        """Sites on the shelf, without those that came since they were counted."""
        self._looks = 0
        """Looks at the shelf since its sites were counted."""
        connection.executescript(schema.REVISIT + schema.PATTERN + schema.ASIDE + schema.EXTRA + schema.PROCEDURE)

    def close(self) -> None:
        self._connection.close()

    # -- writing -----------------------------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Writes a change by one statement, which is one transaction."""
        self._connection.execute(schema.CHANGE, fill(change, self._site_id))

    # -- reading -----------------------------------------------------------------------------------------------------

    def load(self, site_id: int, behind: int, limit: int) -> Load:
        found = self._ask(schema.LOAD, site_id, behind >> ROW_BITS, behind & ROW_MASK, limit)
        return read_load(found, limit)

    def unshelve(self, limit: int, room: int) -> Shelf:
        """Takes sites from the shelf. This need not be durable: on open, all sites with work are on the shelf.

        How many are left is counted once in a while, and whenever it may be none; between, it is what was left before.
        """
        sites: list[Shelved] = []
        if limit:
            chosen = self._value(schema.SHELF, limit)
            self._connection.execute(schema.UNSHELVE, (chosen,))
            sites = [
                Shelved(site_id, queued, next_at, read_load(found, room))
                for site_id, queued, next_at, found in self._ask(schema.UNSHELVED, room, chosen)
            ]
        self._left -= len(sites)
        self._looks += 1
        if len(sites) < limit or not limit or self._looks * COUNTED_A_LOOK > self._left:
            self._left, self._looks = self._value(schema.SHELVED), 0
        return Shelf(sites, self._left)

    def due(self, until: float, limit: int) -> Due:
        found = self._ask(schema.DUE, until, limit)
        return Due([unpack(read_packed(row, {})) for row in found], self._value(schema.NEXT_DUE, until))

    def extras(self, rows: Sequence[int]) -> dict[int, Extra]:
        return {row: Extra(row, *rest) for row, *rest in self._ask(schema.EXTRAS, _json(rows))}

    def first(self, row: int) -> tuple[Url, bytes | None]:
        text, digest = self._connection.execute(schema.FIRST, (row,)).fetchone()
        return Url(text), digest

    def ask(self, question: Callable[[Look], T]) -> T:
        return question(FileLook(self._connection))

    def pick(self, pick: Pick, after: int, limit: int) -> list[Picked]:
        match pick:
            case Ended(reasons):
                found = self._ask(schema.PICK_ENDED, after, _json(reasons), limit)
            case Left(bits):
                found = self._ask(schema.PICK_LEFT, after, bits, limit)
            case Waiting(patterns):
                names = _json([self._site_id(name) for name in patterns])
                found = self._ask(schema.PICK_WAITING, after, names, names, limit)
            case Rows(rows, is_reread, reasons):
                wanted = None if reasons is None else _json(reasons)
                found = self._ask(schema.PICK_ROWS, _json(rows), wanted, wanted, is_reread)
        is_reread = isinstance(pick, Left) or (isinstance(pick, Rows) and pick.is_reread)
        return [_picked(row, self._in_depth_order, is_reread) for row in found]

    def came_by(self, row: int) -> list[Hop]:
        return [Hop(number, Url(text)) for number, text in self._ask(schema.CAME_BY, row)]

    def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        rows, first = [np.zeros(0, np.int64)], 1
        for part in self._packed("seen", "first", "fingerprints"):
            rows.append(np.flatnonzero(np.isin(part, fingerprints)) + first)
            first += len(part)
        return np.concatenate(rows)

    def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        """Returns the row of each URL, in the order given; 0 for an unknown one."""
        return find_rows(fingerprints, self._seen_parts())

    def _seen_parts(self) -> Iterator[tuple[int, U64]]:
        first = 1
        for part in self._packed("seen", "first", "fingerprints"):
            yield first, part
            first += len(part)

    def linking(self, rows: Sequence[int], left_out: int) -> list[Linking]:
        """Returns the rows that are pages with links which these rules kept out."""
        found = self._ask(schema.LINKING, _json(rows), left_out)
        pages = [(unpack(read_packed(entry, {})), bits, visited_at) for entry, bits, visited_at in found]
        return [Linking(e.row, e.request, bits, visited_at, e.seed, e.root) for e, bits, visited_at in pages]

    def no_seeds(self, rows: Sequence[int]) -> list[int]:
        found: list[int] = self._ask(schema.NO_SEEDS, _json(rows))
        return found

    def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        parts = (part.reshape(-1, 2) for part in self._packed("outside", "id", "pairs", after))
        rows = sorted({row for part in parts for row in part[np.isin(part[:, 0], places), 1].tolist()})
        return rows, self._value("SELECT coalesce(max(id), 0) FROM outside")

    def roots(self, after: int, limit: int) -> list[Root]:
        return [Root(row, Url(text), Url(seed) if seed else None) for row, text, seed in
                self._ask(schema.ROOTS, after, limit)]  # fmt: skip

    def visited(self, after: int, limit: int) -> list[Visited]:
        return [Visited(*row) for row in self._ask(schema.VISITED, after, limit)]

    def left_out(self) -> dict[int, int]:
        return {int(bits or 0): number for bits, number in self._ask(schema.LEFT_OUT).items()}

    def _ask(self, query: str, *arguments: object) -> Any:
        return orjson.loads(self._value(query, *arguments))

    def _value(self, query: str, *arguments: object) -> Any:
        return self._connection.execute(query, arguments).fetchone()[0]

    # -- opening -----------------------------------------------------------------------------------------------------

    def meta(self, name: str) -> Any:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row and row[0]

    def set_order(self, name: str) -> None:
        """Sets the order of ranks, which hold priority and depth one behind the other.

        Swaps all ranks for another order.
        """
        self._in_depth_order = name == "depth"
        if self.meta("order") != name:
            self._connection.execute("BEGIN IMMEDIATE")
            for table in ("queue", "retry", "parked"):
                self._connection.execute(schema.SWAP_ORDER.format(table))
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('order', ?)", (name,))
            self._connection.execute("COMMIT")

    def set_revisits(self, after_s: float | None, key: bytes) -> None:
        """Turns revisits on or off (None). On: pages that were settled meanwhile go on the schedule, too."""
        if (self.meta("revisits") == 1) is (after_s is not None):
            return
        self._connection.execute("BEGIN IMMEDIATE")
        if after_s is not None:
            self._connection.create_function("fingerprint", 2, lambda text, sent: fingerprint(text, sent, key) - SIGN)
            self._connection.execute(schema.SCHEDULE_ALL, {"after_s": after_s})
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('revisits', ?)", (after_s is not None,))
        self._connection.execute("COMMIT")

    def state(self, key: bytes, terms: Terms, now: float) -> State:
        """Returns the state for memory; `now` in Unix seconds.

        Raises sqlite3.DatabaseError where the parts disagree.
        """
        self._connection.execute(schema.SHELVE_ALL)
        last, names = self._connection.execute(schema.ENDS).fetchone()
        shelved, queued = self._connection.execute("SELECT count(*), sum(queued) FROM site WHERE shelved").fetchone()
        is_on, keeps_ways = self.meta("revisits") == 1, terms.in_depth_order or self._has_ways_out(terms)
        if is_on:
            self._connection.execute(schema.TAKE_BACK, {"now": now})
        scheduled, next_due = self._connection.execute(schema.SCHEDULED).fetchone() if is_on else (0, None)
        return State(
            seen=self._seen(last, with_values=keeps_ways),
            claims=self._claims(key),
            names=names,
            queued=queued or 0,
            shelved=shelved,
            setbacks=[(unpack(read_packed(row, {})), due) for row, due in self._ask(schema.SETBACKS)],
            rests=dict(self._ask(schema.RESTS, now)),
            positions=orjson.loads(self.meta("positions") or b"{}"),
            settled=orjson.loads(self.meta("settled") or b"{}"),
            scheduled=scheduled,
            next_due=next_due,
            patterns=self.patterns() if terms.traps != "off" else (),
            pages=dict(self._ask(schema.FETCHED)) if terms.bounds_pages else {},
            parkings=[(Parking(*parking), number) for *parking, number in self._ask(schema.PARKINGS)],
            depths=self._depths(is_on, terms.in_depth_order) if keeps_ways else None,
            owed=dict(self._ask(schema.OWED)),
            notes={name.removeprefix(NOTE): orjson.loads(str(value)) for name, value in
                   self._connection.execute("SELECT name, value FROM meta WHERE name LIKE ?", (NOTE + "%",))},
        )  # fmt: skip

    def _has_ways_out(self, terms: Terms) -> bool:
        """Returns whether requisites and extra hops are followed, or were in an earlier run. Notes that they were."""
        if terms.has_ways_out:
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('ways', 1)")
        return bool(self.meta("ways"))

    def patterns(self) -> list[StoredPattern]:
        return [StoredPattern(*row) for row in self._ask(schema.PATTERNS, MOST_PATTERNS)]

    def _depths(self, has_revisits: bool, in_depth_order: bool) -> Depths:
        depths = Depths(in_depth_order)
        for rows, hops, ways in self._columns(schema.DISTANCES):
            depths.restore(rows, hops, ways)
        for rows, has_links in self._columns(schema.STANDINGS, has_revisits):
            depths.restore_standings(rows[has_links == 0], WITHOUT_LINKS)
            depths.restore_standings(rows[has_links == 1], REFUSED)
            depths.restore_standings(rows[has_links > 1], WITH_LINKS)
        for rows, _ in self._columns(schema.REQUISITES_FETCHED):
            depths.restore_requisites(rows)
        return depths

    def _columns(self, query: str, *arguments: object) -> Iterator[NDArray[np.int64]]:
        """Yields columns of numbers, some thousand rows at a time."""
        cursor = self._connection.execute(query, arguments)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield np.array(rows, np.int64).T

    def _seen(self, last: int, *, with_values: bool) -> Fingerprints:
        """Returns the set of known URLs, whose values are their rows."""
        [told] = self._connection.execute("SELECT coalesce(sum(length(fingerprints)), 0) / 8 FROM seen").fetchone()
        if told == last:
            parts = self._packed("seen", "first", "fingerprints")
            seen = Fingerprints.build(parts, last + last // 8, with_values=with_values)
            told = len(seen)
        if told != last:
            raise sqlite3.DatabaseError(f"{last} URLs but {told} fingerprints")
        return seen

    def _claims(self, key: bytes) -> Claims:
        claims = Claims(key)
        for part in self._packed("claim", "id", "pairs"):
            claims.add_settled(part.reshape(-1, 2))
        return claims

    def _packed(self, table: str, by: str, column: str, after: int = -1) -> Iterator[U64]:
        """Yields blobs by the thousand, as one array each: as hex, since SQLite joins text only."""
        query = f"""
            SELECT max({by}), group_concat(hex({column}), '')
            FROM (SELECT {by}, {column} FROM {table} WHERE {by} > ? ORDER BY {by} LIMIT {BLOBS_AT_ONCE})
        """
        at, text = self._connection.execute(query, (after,)).fetchone()
        while text:
            yield np.frombuffer(bytes.fromhex(text), "<u8")
            at, text = self._connection.execute(query, (at,)).fetchone()


def _picked(row: list[Any], in_depth_order: bool, is_reread: bool) -> Picked:
    entry, pattern, disposition, is_scheduled = row
    found = unpack(read_packed(entry, {}))
    if pattern is not None:
        return Picked(found, pattern)
    ranked = rank_of(found.request, in_depth_order)
    visit = found.request.visit
    if is_reread:
        again = replace(found.request, attempt=1, is_reread=True, etag="", last_modified="", digest=b"")
    else:
        again = replace(found.request, attempt=1, visit=visit if is_scheduled else visit + 1)
    return Picked(found._replace(key=key(ranked, found.row), request=again), "", disposition, bool(is_scheduled))


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def read_load(found: list[list[Any]], limit: int) -> Load:
    """Returns a load in which repeated texts, such as those of pages and seeds, are in memory once."""
    once: dict[str | None, str | None] = {}
    return Load(sorted(read_packed(row, once) for row in found), len(found) < limit)


def read_packed(row: list[Any], once: dict[str | None, str | None]) -> Packed:
    rank, number, text, depth, via, seed, root, attempt, priority, redirects, seed_row, root_row, way, earlier = row
    if earlier is not None:
        etag, last_modified, digest, visit, interval_s, *is_so = earlier
        earlier = etag or "", last_modified or "", bytes.fromhex(digest or ""), visit, interval_s, *map(bool, is_so)
    return (
        key(rank, number), text, depth, once.setdefault(via, via), once.setdefault(seed, seed),
        once.setdefault(root, root), attempt or 1, priority, redirects, seed_row, root_row, way or 0, earlier,
    )  # fmt: skip
