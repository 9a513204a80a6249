"""Turns changes of shards into columns of arrays: each table of a transaction takes one statement."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from ...frontier.change import Change, RequestGroup
from ...frontier.depths import distance
from ...frontier.order import Entry, text_of
from ...model import Request
from .shard_index import ShardIndex

SIGN = 1 << 63
"""PostgreSQL's integers are signed, so this is subtracted from a fingerprint before it is stored."""
FAST = 1
"""The level of zlib: higher ones cost three times as much and save a tenth."""
WINDOW_BITS = -12
"""Without header, and with little to set up: 5 µs a family where zlib's usual 15 bits take 15, and no larger."""


class Table(NamedTuple):
    """A table that a change writes to."""

    statement: str
    """Takes one array a column."""
    width: int


def _rows(types: str) -> str:
    return f"unnest({', '.join(f'${n}::{name}[]' for n, name in enumerate(types.split(), 1))})"


def _table(statement: str, types: str) -> Table:
    return Table(statement.replace("ROWS", _rows(types)), len(types.split()))


def _insert(name: str, columns: str, types: str, key_columns: str = "") -> Table:
    """Returns a table whose rows are replaced where there are such."""
    names = columns.split()
    values = [f"{name} = excluded.{name}" for name in names if name not in key_columns.split()]
    upsert = f" ON CONFLICT ({', '.join(key_columns.split())}) DO UPDATE SET {', '.join(values)}" if values else ""
    if not key_columns:
        upsert = ""
    elif not values:
        upsert = " ON CONFLICT DO NOTHING"
    return _table(f"INSERT INTO crawld.{name} ({', '.join(names)}) SELECT * FROM ROWS{upsert}", types)


KEY = "shard id"
TABLES: Mapping[str, Table] = {
    "extra": _insert("extra", "shard id sent label data", "int4 int8 text text text", KEY),
    "seen": _insert("seen", "shard first prints sizes", "int4 int8 bytea bytea"),
    "rereads": _insert("reread", "shard id", "int4 int8", KEY),
    "again": _table("DELETE FROM crawld.visit v USING ROWS AS o(shard, id) WHERE (v.shard, v.id) = (o.shard, o.id)",
                    "int4 int8"),
    "unparked": _table("DELETE FROM crawld.parked p USING ROWS AS o(shard, id) WHERE (p.shard, p.id) = (o.shard, o.id)",
                       "int4 int8"),
    "retried": _table("UPDATE crawld.retry r SET due = NULL FROM ROWS AS o(shard, id)"
                      " WHERE (r.shard, r.id) = (o.shard, o.id)", "int4 int8"),
    "revisited": _table("UPDATE crawld.revisit r SET due = NULL FROM ROWS AS o(shard, id)"
                        " WHERE (r.shard, r.id) = (o.shard, o.id) AND r.due IS NOT NULL AND NOT EXISTS"
                        " (SELECT 1 FROM crawld.reread x WHERE (x.shard, x.id) = (o.shard, o.id))", "int4 int8"),
    "back": _insert("back", "shard site rank id", "int4 int8 int8 int8", "shard site rank id"),
    "unback": _table("DELETE FROM crawld.back b USING ROWS AS o(shard, site, rank, id)"
                     " WHERE (b.shard, b.site, b.rank, b.id) = (o.shard, o.site, o.rank, o.id)", "int4 int8 int8 int8"),
    "closed": _table("UPDATE crawld.family f SET is_open = false FROM ROWS AS o(shard, first)"
                     " WHERE (f.shard, f.first) = (o.shard, o.first)", "int4 int8"),
    "gone": _insert("gone", "shard rows", "int4 bytea"),
    "retry": _insert("retry", "shard id rank due attempt reason", "int4 int8 int8 float8 int4 text", KEY),
    "unretry": _table("DELETE FROM crawld.retry r USING ROWS AS o(shard, id) WHERE (r.shard, r.id) = (o.shard, o.id)",
                      "int4 int8"),
    "visit": _table(
        "INSERT INTO crawld.visit AS v SELECT * FROM ROWS ON CONFLICT (shard, id) DO UPDATE SET"
        " disposition = excluded.disposition, reason = excluded.reason, detail = excluded.detail,"
        " status = excluded.status, attempt = excluded.attempt, visited_at = excluded.visited_at,"
        " digest = excluded.digest, duplicate_of = excluded.duplicate_of, segment = excluded.segment,"
        " left_out = coalesce(excluded.left_out, v.left_out)",
        "int4 int8 text text text int4 int4 float8 bytea text int4 int8",
    ),
    "reread": _table("UPDATE crawld.visit v SET left_out = coalesce(o.bits, v.left_out) FROM ROWS AS o(shard, id, bits)"
                     " WHERE (v.shard, v.id) = (o.shard, o.id)", "int4 int8 int4"),
    "read": _table("DELETE FROM crawld.reread r USING ROWS AS o(shard, id) WHERE (r.shard, r.id) = (o.shard, o.id)",
                   "int4 int8"),
    "judged": _table("UPDATE crawld.visit v SET left_out = o.bits FROM ROWS AS o(shard, id, before, bits, at)"
                     " WHERE (v.shard, v.id) = (o.shard, o.id) AND v.left_out = o.before"
                     " AND abs(v.visited_at - o.at) < 0.001 AND NOT EXISTS"
                     " (SELECT 1 FROM crawld.reread x WHERE (x.shard, x.id) = (o.shard, o.id))",
                     "int4 int8 int4 int4 float8"),
    "nearer": _insert("nearer", "shard id hops way is_root data", "int4 int8 int4 int4 bool text", KEY),
    "parked": _insert("parked", "shard id rank pattern", "int4 int8 int8 int8", KEY),
    "parking": _insert("parking", "shard id name reason examples", "int4 int8 text text text", KEY),
    "outside": _insert("outside", "shard pairs", "int4 bytea"),
    "site": _table(
        "INSERT INTO crawld.site AS s SELECT * FROM ROWS ON CONFLICT (shard, id) DO UPDATE SET"
        " queued = s.queued + excluded.queued,"
        " next_at = CASE WHEN excluded.next_at > 0 THEN excluded.next_at ELSE s.next_at END,"
        " epoch = CASE WHEN excluded.epoch >= 0 THEN excluded.epoch WHEN s.queued = 0 THEN -excluded.epoch"
        " ELSE s.epoch END",
        "int4 int8 int8 float8 int8",
    ),
    "revisit": _insert("revisit", "shard id due etag last_modified digest visit interval_s fingerprint",
                       "int4 int8 float8 text text bytea int4 float8 int8", KEY),
    "hints": _table("UPDATE crawld.revisit r SET due = r.due - r.interval_s FROM ROWS AS o(shard, mark, modified)"
                    " WHERE r.shard = o.shard AND r.fingerprint = o.mark AND r.due IS NOT NULL"
                    " AND o.modified > r.due - r.interval_s AND o.modified < r.due", "int4 int8 int8"),
    "pattern": _insert("pattern", "shard name standing fetched news parked windows",
                       "int4 text int4 int4 int4 int4 text", "shard name"),
}  # fmt: skip
"""The tables that a change writes to, in the order in which they are written."""
COPIED = {"family": ["shard", "first", "site", "rank", "n", "hops", "way", "is_open", "is_root", "data"]}
"""Tables with many new rows that replace none, and their columns: COPY takes half the CPU of an INSERT from arrays, in
which the client looks at each value twice."""


class ShardPlace(NamedTuple):
    """A shard as its owner writes to it."""

    id: int
    epoch: int
    queue: ShardIndex
    site_id: Callable[[str], int]


class Columns:
    """The rows of one transaction part by table; of one shard at most one change."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        if made := list(rows):
            self._rows.setdefault(table, []).extend(made)

    def statements(self) -> Iterable[tuple[str, list[list[Any]]]]:
        """Yields statements and their arguments, one array a column, in the order in which they are to be made."""
        for name, table in TABLES.items():
            if rows := self._rows.get(name):
                yield table.statement, [list(column) for column in zip(*rows, strict=True)]

    async def copy(self, connection: Any) -> None:
        """Writes the rows that go into their table as they are, before all statements. Raises asyncpg's errors."""
        for name, columns in COPIED.items():
            if rows := self._rows.get(name):
                await connection.copy_records_to_table(name, schema_name="crawld", records=rows, columns=columns)

    def fill(self, place: ShardPlace, change: Change, segment: int | None = None) -> None:
        """Takes in a change of a shard, and notes in its index what is queued then."""
        _Filling(self, place).fill(change, segment)


class _Filling:
    """Turns one change into rows."""

    def __init__(self, columns: Columns, place: ShardPlace) -> None:
        self._add = columns.add
        self._shard = place.id
        self._epoch = place.epoch
        self._index = place.queue
        self._site_id = place.site_id

    def _number(self, site: str) -> int:
        return self._site_id(site) - SIGN

    def fill(self, change: Change, segment: int | None) -> None:
        self._fill_new(change)
        self._fill_queue(change)
        self._fill_visits(change, segment)
        self._fill_facts(change)

    def _fill_new(self, change: Change) -> None:
        shard, index = self._shard, self._index
        self._add("family", (
            (
                shard, f.first, self._number(f.site), f.rank, len(f), hops_of(f.like), f.like.way, not f.pattern,
                f.root == 0, pack_family(f),
            ) for f in change.families
        ))  # fmt: skip
        if change.families:
            sizes = [len(family) for family in change.families]
            packed = struct.pack(f"<{len(sizes)}I", *sizes)
            self._add("seen", [(shard, change.families[0].first, bytes(change.fingerprints), packed)])
            index.add_families(change.families[0].first, sizes)
        self._add("extra", last_of((shard, e.row, e.sent, _plain(e.label), e.data) for e in change.extras))

    def _fill_queue(self, change: Change) -> None:
        shard, index = self._shard, self._index
        requeued = [(shard, entry.row) for entry in change.requeued]
        self._add("rereads", sorted({(shard, row) for row in change.rereads}))
        self._add("again", ((shard, row) for row in change.again))
        for table in ("unparked", "retried", "revisited"):
            self._add(table, requeued)
        gone, unback, left = list[int](), list[tuple[int, ...]](), list[int]()
        back: dict[int, tuple[int, ...]] = {}
        for entry in (*change.requeued, *change.stays):
            if index.put_back(entry.place):
                back[entry.place] = self._place(entry)
        for entry in change.gone:
            if not index.take_from_back(entry.place):
                left.append(entry.row)
            elif back.pop(entry.place, None) is None:
                unback.append(self._place(entry))
        closed = self._leave((*left, *(entry.row for entry in change.stays)), gone)
        for family in change.families:
            if family.pattern:
                self._leave(range(family.first, family.first + len(family)), gone)
        self._add("back", back.values())
        self._add("unback", unback)
        self._add("closed", ((shard, first) for first in closed))
        if gone:
            self._add("gone", [(shard, struct.pack(f"<{len(gone)}Q", *gone))])

    def _leave(self, rows: Iterable[int], gone: list[int]) -> list[int]:
        """Takes rows out of their families, and adds them to those that are gone; returns the families that end."""
        closed = []
        for row in rows:
            left = self._index.leave(row)
            if left is not None:
                gone.append(row)
            if left == 0:
                closed.append(self._index.first_of(row))
        return closed

    def _mark(self, is_shelved: bool | None) -> int:
        """Returns the mark of a site: 0 on the shelf, our epoch in memory; below zero: in memory if it had no work."""
        if is_shelved is None:
            return -self._epoch
        return 0 if is_shelved else self._epoch

    def _place(self, entry: Entry) -> tuple[int, ...]:
        return self._shard, self._number(entry.request.url.site), entry.rank, entry.row

    def _fill_visits(self, change: Change, segment: int | None) -> None:
        shard = self._shard
        self._add("retry", last_of(
            (shard, s.entry.row, s.entry.rank, s.due, s.entry.request.attempt, s.reason and str(s.reason))
            for s in change.setbacks
        ))  # fmt: skip
        self._add(
            "unretry",
            ((shard, row) for row in (*(v.row for v in change.visits), *(page.row for page in change.reread))),
        )
        self._add("visit", last_of(
            (
                shard, v.row, str(v.disposition), v.reason and str(v.reason), _plain(v.detail), v.status, v.attempt,
                v.visited_at, v.digest, v.duplicate_of, _whole(v.left_out), segment,
            ) for v in change.visits
        ))  # fmt: skip
        self._add("reread", last_of((shard, page.row, _whole(page.left_out)) for page in change.reread))
        again = set(change.rereads)
        self._add("read", ((shard, page.row) for page in change.reread if page.row not in again))
        self._add(
            "judged", last_of((shard, j.row, int(j.before), int(j.left_out), j.visited_at) for j in change.judged)
        )

    def _fill_facts(self, change: Change) -> None:
        shard, number = self._shard, self._number
        self._add(
            "nearer", last_of((shard, n.row, *_pack_way(n.request, n.via, n.seed, n.root)) for n in change.nearer)
        )
        index = self._index
        index.nearer.update(n.row for n in change.nearer)
        self._add("parked", last_of((shard, p.row, p.rank, number(p.pattern)) for p in change.parked))
        self._add("parking", last_of(
            (shard, number(p.pattern), p.pattern, str(p.reason), dumps(list(p.examples))) for p in change.parkings
        ))  # fmt: skip
        if change.outside:
            self._add("outside", [(shard, bytes(change.outside))])
        self._add("site", (
            (shard, number(site), one.queued, one.next_at, self._mark(one.is_shelved))
            for site, one in change.sites.items()
        ))  # fmt: skip
        self._add("revisit", last_of(
            (
                shard, s.entry.row, s.due, _plain(r.etag), _plain(r.last_modified), r.digest, r.visit, r.interval_s,
                None if s.fingerprint is None else s.fingerprint - SIGN,
            ) for s in change.schedules for r in (s.entry.request,)
        ))  # fmt: skip
        self._add("hints", ((shard, hint.fingerprint - SIGN, hint.modified) for hint in change.hints))
        self._add("pattern", last_of((shard, *_plain_row(pattern)) for pattern in change.patterns))


def pack_family(family: RequestGroup) -> bytes:
    """Returns what the rows of a family have in common, and their URLs."""
    like = family.like
    via, seed, root = map(text_of, (like.via, like.seed, like.root))
    extras = [at for at, has in enumerate(family.have_extras) if has]
    facts = [like.depth, like.priority, like.redirects, like.way, via, seed, root, family.via, family.seed, family.root]
    packing = zlib.compressobj(FAST, zlib.DEFLATED, WINDOW_BITS)
    return packing.compress(orjson.dumps([*facts, extras, family.texts])) + packing.flush()


class Family(NamedTuple):
    """A family as it is stored."""

    depth: int
    priority: int
    redirects: int
    way: int
    via: str | None
    seed: str | None
    root: str | None
    via_row: int
    seed_row: int
    root_row: int
    extras: Sequence[int]
    texts: Sequence[str]


def unpack_family(data: bytes) -> Family:
    return Family(*orjson.loads(zlib.decompress(data, WINDOW_BITS)))


def hops_of(request: Request) -> int:
    """Returns 0 for a seed, else the depth and one, as `frontier/depths` has it."""
    return distance(request.depth, request.via is None and request.seed is None)


def _pack_way(request: Request, via: int, seed: int, root: int) -> tuple[int, int, bool, str]:
    texts = map(text_of, (request.via, request.seed, request.root))
    return hops_of(request), request.way, root == 0, dumps([request.depth, request.way, *texts, via, seed, root])


def last_of(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Returns the last row of each shard and id, for one statement writes a row once."""
    return list({row[:2]: row for row in rows}.values())


def dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def _whole(bits: int | None) -> int | None:
    """Returns a plain number: flags can be iterated over, and asyncpg takes them for arrays."""
    return None if bits is None else int(bits)


def _plain(text: str) -> str:
    """Returns text that PostgreSQL takes: without NUL, and without halves of characters."""
    return (
        text
        if text.isascii() and "\0" not in text
        else text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    )


def _plain_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_plain(one) if isinstance(one, str) else one for one in row)
