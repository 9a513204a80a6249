"""Finds settings by their names, in any table: the full name, the last word of it, or the name of a table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic.fields import FieldInfo

from .table import Table

OLD_NAMES = {"fetch.sites": "sites"}
"""Names that settings had before. Files, jobs and crawl folders may still say them."""


@cache
def fields_of(table: type[Table]) -> Mapping[str, FieldInfo]:
    """Returns every setting by its full name, in the order of the model; the sinks are one setting."""
    found: dict[str, FieldInfo] = {}
    for name, info in table.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Table):
            found |= {f"{name}.{inner}": field for inner, field in fields_of(info.annotation).items()}
        else:
            found[name] = info
    return found


def tables_of(table: type[Table]) -> set[str]:
    """Returns the names of the tables within a table."""
    return {key.partition(".")[0] for key in fields_of(table) if "." in key}


def last_word(key: str) -> str:
    """Returns the last word of a setting's full name."""
    return key.rpartition(".")[2]


def expand_name(table: type[Table], name: str) -> str:
    """Returns the full name of a setting; an unknown name comes back unchanged, to be refused with all the others."""
    name = OLD_NAMES.get(name, name)
    return next((key for key in fields_of(table) if name in (key, last_word(key))), name)
