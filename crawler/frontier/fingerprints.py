"""An exact set, or map, of 64-bit fingerprints: open addressing over numpy arrays, 13 to 20 bytes a member at rest."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
Slots = NDArray[np.int64]

FULL = 0.6
"""Load at which the table grows: linear probing then needs 3.6 looks for an absent member."""
NEARLY_FULL = 0.57
"""Load at which the next table is made ready."""
GROWTH = 1.5
LEAST = 1 << 12
STEP = 1 << 14
"""Slots moved to the larger table by each call while growing: about a millisecond."""
FEW = 12
"""Probes left at which plain Python overtakes numpy's cost per call."""


def find_rows(fingerprints: U64, known: Iterable[tuple[int, U64]]) -> Slots:
    """Returns the row of each, in the order given; 0 for an unknown one. `known`: a row, and those from there on."""
    wanted, places = np.unique(fingerprints, return_inverse=True)
    rows = np.zeros(len(wanted) + 1, np.int64)
    wanted = np.append(wanted, np.uint64(0))  # the place of everything larger than the last
    for first, part in known:
        at = np.searchsorted(wanted[:-1], part)
        found = np.flatnonzero(wanted[at] == part)
        rows[at[found]] = found + first
    return rows[places]


class Fingerprints:
    """A set of 64-bit hashes, spread evenly (0 counts as 1: it marks an empty slot); each may carry an integer.

    It grows by steps: while the larger table fills, both are read, so that no call takes long.
    """

    def __init__(self, *, with_values: bool = False, room: int = 0) -> None:
        self._with_values = with_values
        self._table = _Table(max(LEAST, int(room / FULL) + 1), with_values)
        self._table.clear(self._table.size)
        self._next: _Table | None = None
        self._old: _Table | None = None
        self._moved = 0

    @classmethod
    def build(cls, parts: Iterable[U64], room: int, *, with_values: bool = False) -> Fingerprints:
        """Returns a set of all members of the parts, made at once; each carries its place in them, from 1 on.

        `room` is how many members it may get before it grows, no fewer than the parts have. Equal ones are one member.
        The set itself is all the memory that this takes; with values, 16 bytes a member more for a moment.
        """
        made = cls(with_values=with_values, room=room)
        made._table.build(parts)
        return made

    def __len__(self) -> int:
        return self._table.used + (self._old.used if self._old else 0)

    @property
    def nbytes(self) -> int:
        """Memory in bytes. The next table, while it is made ready, takes memory bit by bit, too."""
        return sum(table.nbytes for table in (self._table, self._old, self._next) if table)

    def add_many(self, fingerprints: U64, values: U64 | None = None) -> NDArray[np.bool_]:
        """Adds all; returns which were new. Of equal ones in one call the first is new, and its value stays."""
        keys = np.where(fingerprints == 0, np.uint64(1), fingerprints)
        strangers = self._find_absent(keys)
        _, first = np.unique(keys[strangers], return_index=True)
        chosen = strangers[np.sort(first)]
        self._make_room(len(chosen))
        self._table.insert(keys[chosen], None if values is None else values[chosen])
        self._move(8 * len(chosen) + STEP)
        self._get_ready(64 * len(chosen) + STEP)
        fresh = np.zeros(len(keys), np.bool_)
        fresh[chosen] = True
        return fresh

    def __contains__(self, fingerprint: int) -> bool:
        return any(table and table.find(fingerprint or 1) >= 0 for table in (self._table, self._old))

    def get(self, fingerprint: int) -> int | None:
        """Returns the value that one member carries; None: it is no member."""
        for table in (self._table, self._old):
            if table and (slot := table.find(fingerprint or 1)) >= 0:
                return int(table.values[slot])
        return None

    def values_of(self, fingerprints: U64) -> U64:
        """Returns the values that these carry, in order; 0 for one that is no member."""
        keys = np.where(fingerprints == 0, np.uint64(1), fingerprints)
        found = np.zeros(len(keys), np.uint64)
        for table in (self._old, self._table):
            if table:
                slots = table.locate(keys)
                held = slots >= 0
                found[held] = table.values[slots[held]]
        return found

    def set_values(self, fingerprints: U64, values: U64) -> None:
        """Gives members other values."""
        keys = np.where(fingerprints == 0, np.uint64(1), fingerprints)
        for table in (self._old, self._table):
            if table:
                slots = table.locate(keys)
                held = slots >= 0
                table.set_values(slots[held], values[held])

    def _find_absent(self, keys: U64) -> Slots:
        absent = np.flatnonzero(self._table.locate(keys) < 0)
        if self._old and len(absent):
            absent = absent[self._old.locate(keys[absent]) < 0]
        return absent

    def _make_room(self, coming: int) -> None:
        needed = len(self) + coming
        if needed <= self._table.size * FULL:
            return
        if self._old:
            self._move(self._old.size)
        following = self._next
        if following is None or needed > following.size * FULL:
            following = _Table(int(needed / FULL * GROWTH), self._with_values)
        following.clear(following.size)
        self._old, self._moved, self._table, self._next = self._table, 0, following, None

    def _get_ready(self, slots: int) -> None:
        """Prepares the next table before it is needed: the first touch of so much memory takes time, too."""
        if self._next:
            self._next.clear(slots)
        elif self._old is None and len(self) > self._table.size * NEARLY_FULL:
            self._next = _Table(int(self._table.size * GROWTH), self._with_values)

    def _move(self, slots: int) -> None:
        """Moves the members in the next `slots` of the old table to the new one."""
        if self._old is None:
            return
        until = min(self._moved + slots, self._old.size)
        for start in range(self._moved, until, STEP):
            self._table.take(self._old, start, min(start + STEP, until))
        self._moved = until
        if until == self._old.size:
            self._old = None


class _Table:
    """One array of slots. A key's home is its upper half scaled to the size, so that moving runs in order."""

    def __init__(self, size: int, with_values: bool) -> None:
        self.size = size
        self.used = 0
        self.keys: U64 = np.empty(size, np.uint64)
        self.values: U64 = np.empty(size if with_values else 0, np.uint64)
        self._cleared = 0

    @property
    def nbytes(self) -> int:
        return (self._cleared * (self.keys.nbytes + self.values.nbytes)) // self.size

    def clear(self, slots: int) -> None:
        """Clears the next slots; all must be cleared before the first use."""
        until = min(self._cleared + slots, self.size)
        self.keys[self._cleared : until] = 0
        self._cleared = until

    def find(self, key: int) -> int:
        """Returns the slot of one key, or -1."""
        slot = (key >> 32) * self.size >> 32
        while held := int(self.keys[slot]):
            if held == key:
                return slot
            slot = slot + 1 if slot + 1 < self.size else 0
        return -1

    def _find_free(self, slot: int) -> int:
        """Returns the first empty slot from here on."""
        while self.keys[slot]:
            slot = slot + 1 if slot + 1 < self.size else 0
        return slot

    def locate(self, keys: U64) -> Slots:
        """Returns the slot of each key, or -1."""
        found = np.full(len(keys), -1, np.int64)
        todo, slots = np.arange(len(keys)), self._homes(keys)
        while len(todo) > FEW:
            held, wanted = self.keys[slots], keys[todo]
            is_hit = held == wanted
            found[todo[is_hit]] = slots[is_hit]
            going = np.flatnonzero((held != 0) & ~is_hit)
            todo, slots = todo[going], self._next(slots[going])
        for i in todo.tolist():
            found[i] = self.find(int(keys[i]))
        return found

    def insert(self, keys: U64, values: U64 | None) -> None:
        """Adds distinct keys that are not members."""
        self.used += len(keys)
        todo, slots = np.arange(len(keys)), self._homes(keys)
        while len(todo) > FEW:
            wanted = keys[todo]
            is_free = self.keys[slots] == 0
            self.keys[slots[is_free]] = wanted[is_free]  # of several keys for one slot the last stays
            is_in = self.keys[slots] == wanted
            if values is not None:
                self.values[slots[is_in]] = values[todo[is_in]]
            todo, slots = todo[~is_in], self._next(slots[~is_in])
        for i, slot in zip(todo.tolist(), slots.tolist(), strict=True):
            at = self._find_free(slot)
            self.keys[at] = keys[i]
            if values is not None:
                self.values[at] = values[i]

    def take(self, other: _Table, start: int, stop: int) -> None:
        """Adds the members of another table's slots.

        They stay there too: its chains must hold for the other members.
        """
        part = other.keys[start:stop]
        held = np.flatnonzero(part)
        self.insert(part[held], other.values[start:stop][held] if len(other.values) else None)
        other.leave(len(held))

    def build(self, parts: Iterable[U64]) -> None:
        """Fills an empty table with all members of the parts, which carry their place in them, if anything.

        They are sorted where they stand, then moved to their slots, the last ones first: as homes run with the keys, no
        member's slot lies before its place in order. What does not fit before the end begins at the front.
        """
        end = self._write(parts)
        keys, values = self.keys[:end], self.values[:end]
        if len(values):
            order = np.argsort(keys, kind="stable")
            keys[:] = keys[order]
            values[:] = order
            values += np.uint64(1)
        else:
            keys.sort()
        self.used = end = self._drop_equal(end)
        self._put_in_front(*self._spread(end))

    def _write(self, parts: Iterable[U64]) -> int:
        """Writes all keys one behind the other; returns where they end."""
        end = 0
        for part in parts:
            np.maximum(part, np.uint64(1), out=self.keys[end : end + len(part)])
            end += len(part)
        return end

    def _drop_equal(self, end: int) -> int:
        """Keeps the first of equal keys among those that are sorted; returns where they end then."""
        kept, last = 0, np.uint64(0)
        for start in range(0, end, STEP):
            part = self.keys[start : min(start + STEP, end)].copy()
            is_new = np.diff(part, prepend=last) != 0
            last, chosen = part[-1], part[is_new]
            self.keys[kept : kept + len(chosen)] = chosen
            if len(self.values):
                self.values[kept : kept + len(chosen)] = self.values[start : start + len(part)][is_new]
            kept += len(chosen)
        self.keys[kept:end] = 0
        return kept

    def _put_in_front(self, keys: U64, values: U64) -> None:
        """Puts members that found no slot up to the end into the first free ones, however many that are."""
        for start in range(0, self.size, STEP):
            if not len(keys):
                return
            free = np.flatnonzero(self.keys[start : start + STEP] == 0)[: len(keys)] + start
            self.keys[free], keys = keys[: len(free)], keys[len(free) :]
            if len(values):
                self.values[free], values = values[: len(free)], values[len(free) :]

    def _spread(self, end: int) -> tuple[U64, U64]:
        """Moves sorted members to their slots; returns those that lie beyond the end, which stand nowhere then."""
        starts = range(0, end, STEP)
        ahead, highest = list[int](), 0
        for start in starts:
            ahead.append(highest)
            highest = max(highest, int(self._leads(start, end).max()))
        beyond, beyond_values = [self.keys[:0]], [self.values[:0]]
        for start, least in zip(reversed(starts), reversed(ahead), strict=True):
            stop = min(start + STEP, end)
            leads = np.maximum(np.maximum.accumulate(self._leads(start, end)), least)
            slots = leads + np.arange(start, stop)
            keys, values = self.keys[start:stop].copy(), self.values[start:stop].copy()
            self.keys[start:stop] = 0
            fitting = slots < self.size
            self.keys[slots[fitting]] = keys[fitting]
            if len(values):
                self.values[slots[fitting]] = values[fitting]
                beyond_values.append(values[~fitting])
            beyond.append(keys[~fitting])
        return np.concatenate(beyond), np.concatenate(beyond_values)

    def _leads(self, start: int, end: int) -> Slots:
        """Returns how far the homes of the next sorted members lie ahead of their places in order."""
        stop = min(start + STEP, end)
        return self._homes(self.keys[start:stop]) - np.arange(start, stop)

    def set_values(self, slots: Slots, values: U64) -> None:
        self.values[slots] = values

    def leave(self, number: int) -> None:
        """Notes that so many of its members belong to another table now."""
        self.used -= number

    def _homes(self, keys: U64) -> Slots:
        return ((keys >> np.uint64(32)) * np.uint64(self.size) >> np.uint64(32)).astype(np.int64)

    def _next(self, slots: Slots) -> Slots:
        slots = slots + 1
        slots[slots == self.size] = 0
        return slots
