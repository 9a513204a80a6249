"""Turns records into rows of SQL tables: the name and the type of each column, and its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import orjson

from ..errors import ConfigError
from .columns import make_picker
from .field_kinds import FRACTIONS, kind_of

Type = Literal["whole", "fraction", "truth", "time", "json", "text"]


class Column(NamedTuple):
    """One column of a table."""

    field: str
    """The field of the record, such as `timings.ttfb`."""
    name: str
    """Its name in SQL, with `_` for each dot: `timings_ttfb`."""
    type: Type


def make_columns(fields: Sequence[str], key: str = "sinks.fields") -> tuple[Column, ...]:
    """Returns the columns for these fields. Raises ConfigError if two would have the same name.

    `key` is the setting that names them.
    """
    columns = tuple(Column(field, field.replace(".", "_"), _type_of(field)) for field in fields)
    names = [column.name.casefold() for column in columns]
    if twice := next((name for name in names if names.count(name) > 1 or name in _TAKEN), None):
        words = f"two columns would be called {twice}: leave one out"
        raise ConfigError(f"{key}: {words}", [key], [words])
    return columns


_TAKEN = ("crawl", "n")
"""The names of columns of ours."""


def make_values(columns: Sequence[Column]) -> Callable[[bytes], list[object]]:
    """Returns a function that makes the values of a row of a record, which is given as a line of JSON.

    Lists, objects and values of programs are texts of JSON.
    """
    pick = make_picker([column.field for column in columns])
    as_json = [at for at, column in enumerate(columns) if column.type == "json"]

    def make(line: bytes) -> list[object]:
        values = pick(orjson.loads(line))
        for at in as_json:
            if values[at] is not None:
                values[at] = orjson.dumps(values[at]).decode()
        return values

    return make


def quote(name: str) -> str:
    """Returns a name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _type_of(field: str) -> Type:
    match kind_of(field):
        case "number":
            return "fraction" if field in FRACTIONS else "whole"
        case "time" | "truth" | "text" as same:
            return same
        case _:
            return "json"
