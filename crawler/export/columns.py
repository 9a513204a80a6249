"""Flattens records into columns: nested fields have a dot in their name, lists and objects of strangers become JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson

from ..errors import ConfigError
from ..records import Record
from ..runtime.nearest import did_you_mean
from ..sinks.record import EXTRA, FIELDS, HEAVY

NESTED: Mapping[str, tuple[str, ...]] = {
    "timings": ("queue", "dns", "connect", "ttfb", "download", "parse"),
    "warc": ("filename", "offset", "length"),
}
"""Fields that are objects of ours: each of their parts is a column."""
OPEN = ("data", "request_data")
"""Fields whose form a program chooses: `data.price` is a column if it is asked for."""
COLUMNS = tuple(
    column for name in FIELDS for column in ([f"{name}.{part}" for part in NESTED[name]] if name in NESTED else [name])
)
"""The columns of a table that nobody chose fields for."""


def check_fields(fields: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of fields, each once. Raises ConfigError for a name that no record can have."""
    known = {*FIELDS, *EXTRA, *HEAVY, *NESTED, *(f"{name}.{part}" for name in NESTED for part in NESTED[name])}
    chosen = tuple(dict.fromkeys(name.strip() for name in fields if name.strip()))
    for name in chosen:
        if name not in known and not name.startswith(tuple(f"{one}." for one in OPEN)):
            end = did_you_mean(name, known, "; docs/records.md lists them")
            raise ConfigError(f"--fields: no record has a field {name!r}{end}")
    return chosen


def find_value(record: Record, path: Sequence[str]) -> object:
    """Returns the value of a field, `("timings", "ttfb")` that of a nested one; None where the record has none."""
    value: object = record
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def as_cell(value: object) -> str:
    """Returns a value as the text of a cell: nothing for null, JSON for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
