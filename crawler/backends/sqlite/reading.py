"""Reads the stored part of one shard, in the thread of its file: blocking calls, rows in, values out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from ...frontier.change import Parking
from ...frontier.claims import Claims
from ...frontier.depths import REFUSED, WITH_LINKS, WITHOUT_LINKS, Depths
from ...frontier.fingerprints import U64, Fingerprints, find_rows
from ...frontier.order import unpack
from ...frontier.shards import Cut, base_of, rows_of
from ...frontier.sqlite import schema as whole
from ...frontier.sqlite.rows import SIGN
from ...frontier.sqlite.tables import BLOBS_AT_ONCE, ROWS_AT_ONCE, Tables, read_load, read_packed
from ...frontier.state import State
from ...frontier.store import Due, Load, Picked, Shelf, Shelved
from ...frontier.terms import Terms
from ...policy.traps import StoredPattern
from ...standing import Pick, Visited
from . import schema


class ShardTables:
    """The tables of a file, as far as they hold one shard. Raises sqlite3.Error untranslated."""

    def __init__(self, connection: sqlite3.Connection, tables: Tables, cut: Cut, shard: int) -> None:
        self._connection = connection
        self.whole = tables
        """The tables of all shards."""
        self._base = base_of(shard)
        self._rows = rows_of(shard)
        sites = cut.sites_of(shard)
        self._bounds: dict[str, object] = {
            "first_row": self._rows.first, "last_row": self._rows.last, "shard": shard,
            "first_site": sites.first - SIGN, "last_site": sites.last - SIGN,
        }  # fmt: skip

    # -- opening -----------------------------------------------------------------------------------------------------

    def state(self, key: bytes, terms: Terms, now: float) -> State:
        """Returns the state for memory. Raises sqlite3.DatabaseError where the parts disagree."""
        self._run(schema.SHELVE_ALL)
        last, name = self._row(schema.ENDS)
        shelved, queued = self._row(schema.SHELVED)
        is_on = self.whole.meta("revisits") == 1
        keeps_ways = terms.in_depth_order or bool(self.whole.meta("ways"))
        if is_on:
            self._run(schema.TAKE_BACK, now=now)
        scheduled, next_due = self._row(schema.SCHEDULED) if is_on else (0, None)
        return State(
            claims=Claims(key),
            base=self._base,
            seen=self._seen((last or self._base) - self._base, with_values=keeps_ways),
            names=-(name or -self._base) - self._base,
            queued=queued,
            shelved=shelved,
            setbacks=[(unpack(read_packed(row, {})), due) for row, due in self._ask(schema.SETBACKS)],
            rests={site + SIGN: until for site, until in self._ask(schema.RESTS, now=now)},
            scheduled=scheduled,
            next_due=next_due,
            patterns=[StoredPattern(*row) for row in self._ask(schema.PATTERNS)] if terms.traps != "off" else (),
            pages=dict(self._ask(schema.FETCHED)) if terms.bounds_pages else {},
            parkings=[(Parking(*parking), number) for *parking, number in self._ask(schema.PARKINGS)],
            depths=self._depths(is_on, terms.in_depth_order) if keeps_ways else None,
        )

    def _seen(self, number: int, *, with_values: bool) -> Fingerprints:
        seen = Fingerprints(with_values=with_values, room=number + number // 8)
        told = 0
        for first, part in self._seen_parts():
            if first != self._base + told + 1:
                raise sqlite3.DatabaseError(f"fingerprints of row {first} follow those of row {self._base + told}")
            seen.add_many(part, np.arange(first, first + len(part), dtype=np.uint64) if with_values else None)
            told += len(part)
        if told != number or len(seen) != number:
            raise sqlite3.DatabaseError(f"{number} URLs but {told} fingerprints")
        return seen

    def _depths(self, has_revisits: bool, in_depth_order: bool) -> Depths:
        depths = Depths(in_depth_order, self._base)
        for rows, hops, ways in self._columns(schema.DISTANCES):
            depths.restore(rows, hops, ways)
        for rows, has_links in self._columns(schema.STANDINGS, has_revisits=has_revisits):
            depths.restore_standings(rows[has_links == 0], WITHOUT_LINKS)
            depths.restore_standings(rows[has_links == 1], REFUSED)
            depths.restore_standings(rows[has_links > 1], WITH_LINKS)
        for rows, _ in self._columns(schema.REQUISITES_FETCHED):
            depths.restore_requisites(rows)
        return depths

    # -- reading -----------------------------------------------------------------------------------------------------

    def load(self, site_id: int, behind: int, limit: int) -> Load:
        return self.whole.load(site_id - SIGN, behind, limit)

    def shelf(self, limit: int) -> str:
        """Returns the numbers of the sites with the earliest turns on the shelf, as JSON."""
        return str(self._row(schema.SHELF, limit=limit)[0])

    def take_shelf(self, chosen: str, room: int) -> Shelf:
        """Returns sites that were chosen from the shelf and are there no longer."""
        sites = [
            Shelved(site_id + SIGN, queued, next_at, read_load(found, room))
            for site_id, queued, next_at, found in orjson.loads(
                self._connection.execute(whole.UNSHELVED, (room, chosen)).fetchone()[0]
            )
        ]
        return Shelf(sites, self._row(schema.LEFT)[0])

    def due(self, until: float, limit: int) -> Due:
        found = self._ask(schema.DUE, until=until, limit=limit)
        return Due([unpack(read_packed(row, {})) for row in found], self._row(schema.NEXT_DUE, until=until)[0])

    def pick(self, pick: Pick, after: int, limit: int) -> list[Picked]:
        found = self.whole.pick(pick, max(after, self._base), limit)
        return [one for one in found if self._rows.first <= one.entry.row <= self._rows.last]

    def rows_of(self, fingerprints: U64) -> NDArray[np.int64]:
        found = [np.flatnonzero(np.isin(part, fingerprints)) + first for first, part in self._seen_parts()]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def row_of_each(self, fingerprints: U64) -> NDArray[np.int64]:
        return find_rows(fingerprints, self._seen_parts())

    def linking_to(self, places: U64, after: int) -> tuple[list[int], int]:
        rows, last = set[int](), after
        for last, part in self._packed(schema.OUTSIDE, after):  # noqa: B007
            pairs = part.reshape(-1, 2)
            rows.update(pairs[np.isin(pairs[:, 0], places), 1].tolist())
        return sorted(rows), last

    def visited(self, after: int, limit: int) -> list[Visited]:
        found = self.whole.visited(max(after, self._base), limit)
        return [one for one in found if one.row <= self._rows.last]

    def left_out(self) -> dict[int, int]:
        return {int(bits or 0): number for bits, number in self._ask(schema.LEFT_OUT).items()}

    # -- the file ----------------------------------------------------------------------------------------------------

    def _seen_parts(self) -> Iterator[tuple[int, U64]]:
        first = self._base + 1
        for _, part in self._packed(schema.SEEN, 0):
            yield first, part
            first += len(part)

    def _packed(self, query: str, after: int) -> Iterator[tuple[int, U64]]:
        """Yields blobs by the thousand, as one array each, with the number of the last one."""
        while True:
            at, text = self._row(query, after=after, blobs=BLOBS_AT_ONCE)
            if not text:
                return
            yield at, np.frombuffer(bytes.fromhex(text), "<u8")
            after = at

    def _columns(self, query: str, **named: object) -> Iterator[NDArray[np.int64]]:
        cursor = self._connection.execute(query, {**self._bounds, **named})
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield np.array(rows, np.int64).T

    def _ask(self, query: str, **named: object) -> Any:
        return orjson.loads(self._row(query, **named)[0])

    def _row(self, query: str, **named: object) -> Sequence[Any]:
        found: Sequence[Any] = self._connection.execute(query, {**self._bounds, **named}).fetchone()
        return found

    def _run(self, statement: str, **named: object) -> None:
        self._connection.execute(statement, {**self._bounds, **named})
