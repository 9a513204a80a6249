"""Packs the changes of a shard into entries of its log, and brings entries into tables again."""

from __future__ import annotations

import math
import sqlite3
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import orjson

from ...frontier.change import Change
from ...frontier.order import FIELD_BITS, FIELD_MASK
from ...frontier.shards import ROWS_BITS, rows_of
from ...frontier.sqlite import schema as whole
from ...frontier.sqlite.rows import FamilyRow, NameRow, ParkedRow, PlaceRow, SetbackRow, VisitRow, column, fill
from ...model import Url
from ..sqlite import schema

FAST = 1
"""The level of zlib: higher ones cost three times as much and save a tenth."""
WINDOW_BITS = -13
"""Without header, and with little to set up: most entries have a few kilobytes."""
STAMP_BYTES = 16
"""An entry begins with the life that wrote it and the number of its commit: no two lives write the same."""
_HEAD = struct.Struct("<qqBBdqIIII")
"""Life, commit, kind, order, revisits, first row; lengths of fingerprints, digests, links out of reach; bytes packed.
"""
CHANGE = 1
COPY = 2
"""Kinds of entries: a change; rows of tables as they were."""
_BLOBS = ("fingerprints", "digests", "outside")
_TEXTS = tuple(
    name
    for name in whole.CHANGE_FIELDS
    if name not in {"first", "fingerprints", "digests", "claims", "outside", "meta"}
)
"""Fields that are JSON. Their order is part of the layout."""
_RANKS: Mapping[str, type[tuple[object, ...]]] = {
    "families": FamilyRow, "requeued": PlaceRow, "gone": PlaceRow, "setbacks": SetbackRow, "parked": ParkedRow,
}  # fmt: skip
"""Fields whose rows have a rank."""
_RANKED = ("queue", "retry", "parked")
"""Tables whose second column is a rank."""
_NOTHING = "[]"
WRITERS = "CREATE TABLE IF NOT EXISTS writer (id INTEGER PRIMARY KEY, life INTEGER NOT NULL)"
"""By row, the life of the node that visited it last."""
_WRITE = f"INSERT OR REPLACE INTO writer SELECT {column(VisitRow, 'row')}, ? FROM json_each(?)"
STRANGERS = "strangers"
"""Stands in a copy for a table: URLs of other shards, to which rows refer."""
_STRANGE = "INSERT OR IGNORE INTO url (id, text) VALUES (?, ?)"
_STRANGERS = "DELETE FROM url WHERE depth IS NULL AND id BETWEEN ? AND ?"
_STRANGE_NAMES = f"DELETE FROM url WHERE depth IS NULL AND id IN (SELECT {column(NameRow, 'row')} FROM json_each(?))"
Number = Callable[[str], int]
"""Returns the number of a site or a pattern in the tables."""


class Setting(NamedTuple):
    """The terms under which an entry was written, as far as its rows depend on them."""

    in_depth_order: bool
    revisit_after_s: float | None


class Stamp(NamedTuple):
    """The author of an entry."""

    life: int
    commit: int


class Entry(NamedTuple):
    """One entry of a shard's log."""

    stamp: Stamp
    kind: int
    setting: Setting
    values: Mapping[str, object]
    """Of a change: the fields of `schema.CHANGE`."""
    strangers: Sequence[tuple[int, str]]
    """URLs of other shards to which its rows refer."""
    tables: Mapping[str, Sequence[Sequence[object]]]
    """Of a copy: rows by table."""


def pack_change(change: Change, shard: int, number: Number, setting: Setting, stamp: Stamp) -> bytes:
    """Returns a change as an entry. Notes, positions and totals are not in it."""
    values = fill(change, number)
    strangers = _strangers(change, shard)
    texts = [b"" if (text := values[name]) == _NOTHING else str(text).encode() for name in _TEXTS]
    texts.append(orjson.dumps(list(strangers.items())) if strangers else b"")
    blobs = [bytes(values[name] or b"") for name in _BLOBS]  # type: ignore[call-overload]
    packed = _deflate(struct.pack(f"<{len(texts)}I", *map(len, texts)) + b"".join(texts))
    first = values["first"]
    return _head(stamp, CHANGE, setting, first if isinstance(first, int) else -1, blobs, packed)


def pack_copy(tables: Mapping[str, Sequence[Sequence[object]]], setting: Setting, stamp: Stamp) -> bytes:
    """Returns rows of tables as an entry."""
    rows = {name: [list(map(_plain, row)) for row in made] for name, made in tables.items()}
    return _head(stamp, COPY, setting, -1, [b"", b"", b""], _deflate(orjson.dumps(rows)))


def _head(stamp: Stamp, kind: int, setting: Setting, first: int, blobs: Sequence[bytes], packed: bytes) -> bytes:
    after_s = math.nan if setting.revisit_after_s is None else setting.revisit_after_s
    lengths = (*map(len, blobs), len(packed))
    return b"".join((_HEAD.pack(*stamp, kind, setting.in_depth_order, after_s, first, *lengths), *blobs, packed))


def unpack(data: bytes) -> Entry:
    """Returns an entry of a log."""
    life, commit, kind, order, after_s, first, *lengths, packed = _HEAD.unpack_from(data)
    stamp, setting = Stamp(life, commit), Setting(bool(order), None if math.isnan(after_s) else after_s)
    blobs, at = list[bytes](), _HEAD.size
    for length in lengths:
        blobs.append(data[at : at + length])
        at += length
    body = zlib.decompress(data[at : at + packed], WINDOW_BITS)
    if kind == COPY:
        rows = {name: [list(map(_whole, row)) for row in made] for name, made in orjson.loads(body).items()}
        return Entry(stamp, kind, setting, {}, (), rows)
    *texts, strangers = _split(body)
    values: dict[str, object] = {name: text.decode() or _NOTHING for name, text in zip(_TEXTS, texts, strict=True)}
    values |= dict(zip(_BLOBS, blobs, strict=True))
    values |= {"first": None if first < 0 else first, "claims": None, "meta": _NOTHING}
    return Entry(stamp, kind, setting, values, orjson.loads(strangers) if strangers else (), {})


def replay(connection: sqlite3.Connection, shard: int, entry: Entry, in_depth_order: bool) -> None:
    """Brings an entry into the tables, whose ranks have this order, within the transaction that is open."""
    connection.executemany(_STRANGE, entry.strangers)
    is_other_order = entry.setting.in_depth_order is not in_depth_order
    if entry.kind == COPY:
        _replay_copy(connection, entry, is_other_order)
    else:
        values = _swap_ranks(entry.values) if is_other_order else entry.values
        _replay_change(connection, shard, values, entry.stamp.life)


def _replay_copy(connection: sqlite3.Connection, entry: Entry, is_other_order: bool) -> None:
    for table, rows in entry.tables.items():
        if is_other_order and table in _RANKED:
            rows = [(one, _swap(rank), *rest) for one, rank, *rest in rows]  # type: ignore[arg-type]  # noqa: PLW2901
        if table == STRANGERS:
            connection.executemany(_STRANGE, rows)
        elif rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)


def _replay_change(connection: sqlite3.Connection, shard: int, values: Mapping[str, object], life: int) -> None:
    first, prints, outside = values["first"], values["fingerprints"], values["outside"]
    if isinstance(first, int) and isinstance(prints, bytes):  # others may have put the texts of these URLs here
        connection.execute(_STRANGERS, (first, first + len(prints) // 8 - 1))
    if values["names"] != _NOTHING:
        connection.execute(_STRANGE_NAMES, (values["names"],))
    if outside:
        rows = rows_of(shard)
        bounds = {"first_row": rows.first, "last_row": rows.last}
        [place] = connection.execute(schema.NEXT_OUTSIDE, bounds).fetchone()
        connection.execute("INSERT INTO outside VALUES (?, ?)", (place, outside))
    connection.execute(whole.CHANGE, {**values, "outside": None})
    if values["visits"] != _NOTHING:
        connection.execute(_WRITE, (life, values["visits"]))


def _strangers(change: Change, shard: int) -> dict[int, str]:
    """Returns the URLs of other shards to which families and shorter ways refer, by row."""
    found: dict[int, str] = {}

    def look(row: int, url: Url | None) -> None:
        if row and row not in found and url is not None and abs(row) >> ROWS_BITS != shard:
            found[row] = url.text

    for family in change.families:
        like = family.like
        look(family.via, like.via)
        if family.seed != family.via:
            look(family.seed, like.seed)
        if family.root != family.seed:
            look(family.root, like.root)
    for way in change.nearer:
        look(way.via, way.request.via)
        look(way.seed, way.request.seed)
        look(way.root, way.request.root)
    return found


def _swap_ranks(values: Mapping[str, object]) -> dict[str, object]:
    """Returns the fields of a change with priority and depth swapped in all ranks."""
    swapped = dict(values)
    for name, row_type in _RANKS.items():
        if values[name] == _NOTHING:
            continue
        at = row_type._fields.index("rank")  # type: ignore[attr-defined]
        rows = orjson.loads(str(values[name]))
        for row in rows:
            row[at] = _swap(row[at])
        swapped[name] = orjson.dumps(rows).decode()
    return swapped


def _swap(rank: int) -> int:
    return (rank & FIELD_MASK) << FIELD_BITS | rank >> FIELD_BITS


def _split(body: bytes) -> list[bytes]:
    number = len(_TEXTS) + 1
    texts, at = list[bytes](), 4 * number
    for length in struct.unpack_from(f"<{number}I", body):
        texts.append(body[at : at + length])
        at += length
    return texts


def _deflate(data: bytes) -> bytes:
    packing = zlib.compressobj(FAST, zlib.DEFLATED, WINDOW_BITS)
    return packing.compress(data) + packing.flush()


def _plain(value: object) -> object:
    """Returns bytes as a list of their hex, which no text of a table is."""
    return [value.hex()] if isinstance(value, bytes) else value


def _whole(value: object) -> object:
    return bytes.fromhex(value[0]) if isinstance(value, list) else value
