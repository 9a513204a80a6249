"""Gives a table of settings its values; one error names everything that is wrong, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import ConfigError
from ..runtime.nearest import find_nearest
from .faults import simplify
from .names import fields_of, last_word, tables_of
from .output import SinkConfig
from .reading import Given
from .sites import SiteConfig
from .table import Nature, Table

T = TypeVar("T", bound=Table)

MOST_REPORTED = 50
"""Most wrong settings that are reported one by one, each with a guess of what was meant."""
MOST_SHOWN = 1000
"""Most characters of a wrong value that are shown."""
_INNER: Mapping[str, type[Table]] = {"sinks": SinkConfig, "sites": SiteConfig}
"""The tables that are values of settings."""
_SINK_SECRETS = frozenset(name for name, info in SinkConfig.model_fields.items() if Nature.SECRET in info.metadata)


def build(table: type[T], given: Mapping[str, Given]) -> T:
    """Returns a new table with these values. Raises ConfigError."""
    made = table.__new__(table)
    fill(made, given)
    return made


def fill(made: Table, given: Mapping[str, Given]) -> None:
    """Gives a table that was just made its values, by full name. Raises ConfigError."""
    nested: dict[str, Any] = {}
    for key, (value, _) in given.items():
        table, _, leaf = key.rpartition(".")
        holder = nested.setdefault(table, {}) if table else nested
        if isinstance(holder, dict):  # else the file says `scope = 3`, which is refused below
            holder[leaf] = value
    try:
        BaseModel.__init__(made, **nested)
    except ValidationError as error:
        raise _explain(type(made), error, given) from None


def _explain(table: type[Table], error: ValidationError, given: Mapping[str, Given]) -> ConfigError:
    wrong = error.errors(include_url=False, include_context=False)
    places = [".".join(map(str, one["loc"])) for one in wrong[:MOST_REPORTED]]
    told = [_explain_one(table, one, given) for one in wrong[:MOST_REPORTED]]
    if more := len(wrong) - len(told):
        places, told = [*places, ""], [*told, (f"and {more} more", f"and {more} more")]
    return ConfigError("\n".join(line for line, _ in told), places, [words for _, words in told])


def _explain_one(table: type[Table], error: ErrorDetails, given: Mapping[str, Given]) -> tuple[str, str]:
    """Returns the line that tells of a wrong value, and what it says without the name of the setting."""
    where = [str(part) for part in error["loc"]]
    key = next((key for key in (".".join(where[:2]), where[0]) if key in given), where[0])
    origin = ", ".join(dict.fromkeys(one.origin for name, one in given.items() if (name + ".").startswith(key + ".")))
    place = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where[0] in tables_of(table) else ".".join(where)
    if error["type"] == "extra_forbidden":
        words = f"no such setting{_suggest(table, where)}"
        return f"{origin}: {place}: {words}", words
    is_shown = not _is_secret(table, key) and _SINK_SECRETS.isdisjoint(where) and _is_flat(error["input"])
    value = repr(error["input"])[:MOST_SHOWN] if is_shown else ""
    message = "should be a table" if error["type"] == "model_type" else simplify(error["msg"])
    words = f"{value} {message}" if value and message.startswith("should ") else message
    return f"{origin}: {place}{f' = {value}' if value else ''}: {message}", words


def _is_secret(table: type[Table], key: str) -> bool:
    field = fields_of(table).get(key)
    return field is not None and Nature.SECRET in field.metadata


def _is_flat(value: object) -> bool:
    """Whether a value has no tables or lists inside, which may be deep and hold passwords."""
    inner = value if isinstance(value, list | tuple) else (value,)
    return not any(isinstance(one, list | tuple | Mapping | BaseModel) for one in inner)


def _suggest(table: type[Table], where: list[str]) -> str:
    names = {last_word(key): key for key in fields_of(table)} | {name: f"[{name}]" for name in tables_of(table)}
    if inner := _INNER.get(where[0]):
        names = {name: name for name in inner.model_fields}
    near = find_nearest(last_word(where[-1]), names)
    return f"; did you mean {names[near]}?" if near else "; `crawl config show` lists all settings"
