"""Reads many records at once: a batch is parsed in one go, and fields are picked without a step for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import orjson

from ..records import Record

Row: TypeAlias = tuple[Any, ...]
Pick: TypeAlias = Callable[[Record], Row]


def load_records(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Returns the records in lines of JSON. Raises ValueError for a line that is none."""
    return load_joined(b",".join(lines))


def load_joined(text: bytes) -> list[dict[str, Any]]:
    """Returns the records of a batch of lines with commas between them. Raises ValueError."""
    found: list[dict[str, Any]] = orjson.loads(b"[%b]" % text)
    return found


def make_row_picker(names: Sequence[str], missing: object = None) -> Pick:
    """Returns a function that takes the values of these fields out of a record, in this order.

    `timings.ttfb` names the value in a nested one. `missing` stands where a record has no such field.
    """
    picks = [
        _pick_inside(top, [name.split(".")[1:] for name in group], missing) if is_nested else _pick_flat(group, missing)
        for is_nested, top, group in _runs(names)
    ]
    if len(picks) == 1:
        return picks[0]
    if len(picks) == 3:  # the usual table: fields, timings, fields
        first, second, third = picks
        return lambda record: first(record) + second(record) + third(record)
    return lambda record: tuple([value for pick in picks for value in pick(record)])


def _runs(names: Sequence[str]) -> list[tuple[bool, str, list[str]]]:
    """Returns names that can be taken together: flat ones, or parts of the same field."""
    cut = [(name, name.partition(".")) for name in names]
    keyed = groupby(cut, key=lambda one: (bool(one[1][1]), one[1][0] if one[1][1] else ""))
    return [(is_nested, top, [name for name, _ in group]) for (is_nested, top), group in keyed]


def _take_all(keys: Sequence[str]) -> Callable[[Any], Row]:
    """Returns a function that takes all of these values as a tuple. It raises KeyError."""
    if len(keys) == 1:
        [key] = keys
        return lambda found: (found[key],)
    return itemgetter(*keys)


def _pick_flat(names: Sequence[str], missing: object) -> Pick:
    take = _take_all(names)

    def pick(record: Record) -> Row:
        try:
            return take(record)
        except KeyError:
            return tuple([record.get(name, missing) for name in names])

    return pick


def _pick_inside(top: str, paths: Sequence[Sequence[str]], missing: object) -> Pick:
    take = _take_all([path[0] for path in paths]) if all(len(path) == 1 for path in paths) else None

    def pick(record: Record) -> Row:
        value = record.get(top)
        if take is not None and isinstance(value, dict):
            try:
                return take(value)
            except KeyError:
                pass
        return tuple([_find(value, path, missing) for path in paths])

    return pick


def _find(value: object, path: Sequence[str], missing: object) -> object:
    for part in path:
        if not isinstance(value, dict):
            return missing
        value = value.get(part, missing)
    return value
