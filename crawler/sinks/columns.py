"""Flattens records into columns: nested fields have a dot in their name, lists and objects of strangers become JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from ..errors import ConfigError
from ..records import Record
from ..runtime.nearest import did_you_mean
from .record import BEYOND, EXTRA, FIELDS, HEAVY, Wants

NESTED: Mapping[str, tuple[str, ...]] = {
    "timings": ("queue", "dns", "connect", "ttfb", "download", "parse"),
    "warc": ("filename", "offset", "length"),
}
"""Fields that are objects of ours: each of their parts is a column."""
OPEN = ("fields", "data", "request_data")
"""Fields whose form a user chooses: `data.price` is a column if it is asked for."""
COLUMNS = tuple(
    column for name in FIELDS for column in ([f"{name}.{part}" for part in NESTED[name]] if name in NESTED else [name])
)
"""The columns of a table that nobody chose fields for."""


def columns_of(wants: Wants) -> tuple[str, ...]:
    """Returns the columns of a table that nobody chose fields for: COLUMNS, and the heavy fields that are wanted."""
    return (*COLUMNS, *(name for name in HEAVY if getattr(wants, name, False)))


def check_fields(fields: Iterable[str], key: str = "--fields") -> tuple[str, ...]:
    """Returns the names of fields, each once. Raises ConfigError for a name that no record can have.

    `key` is the option or the setting that names them.
    """
    known = {*FIELDS, *EXTRA, *BEYOND, *HEAVY, *NESTED, *(f"{name}.{part}" for name in NESTED for part in NESTED[name])}
    chosen = tuple(dict.fromkeys(name.strip() for name in fields if name.strip()))
    for name in chosen:
        if name not in known and not name.startswith(tuple(f"{one}." for one in OPEN)):
            end = did_you_mean(name, known, "; docs/records.md lists them")
            words = f"no record has a field {name!r}{end}"
            raise ConfigError(f"{key}: {words}", [key], [words])
    return chosen


def check_begun(place: object, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises ConfigError if a table that goes on should have other columns than it has; empty: any will do."""
    if wanted and tuple(found) != tuple(wanted):
        words = (
            f"{place} was begun with the columns {', '.join(found)[:500]}: leave `fields` as it was, "
            f"or give the new table another name"
        )
        raise ConfigError(f"sinks: {words}", ["sinks"], [words])


def make_picker(names: Sequence[str]) -> Callable[[Record], list[object]]:
    """Returns a function that takes the values of these fields out of a record, in this order; None where it has none.

    `timings.ttfb` names the value in a nested one.
    """
    tops = [name.partition(".")[0] for name in names]
    nested = [(at, name.split(".")[1:]) for at, name in enumerate(names) if "." in name]

    def pick(record: Record) -> list[object]:
        get = record.get
        values = [get(name) for name in tops]
        for at, parts in nested:
            values[at] = _find_inside(values[at], parts)
        return values

    return pick


def _find_inside(value: object, parts: Sequence[str]) -> object:
    for part in parts:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def as_cell(value: object) -> str:
    """Returns a value that is neither text nor a number as the text of a cell: JSON for lists and objects."""
    return "" if value is None else orjson.dumps(value).decode()
