"""Reads settings from TOML files, the environment and callers; one error names everything that is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import ConfigError
from ..runtime.nearest import find_nearest
from ..runtime.ownership import NOBODY, Trust, check_open_file
from ..runtime.private_files import Unsafe
from . import Config, SinkConfig, SiteConfig, Table
from .catalog import FIXED, LIVE, OLD_NAMES, SECRETS, SINK_SECRETS, fields, last_word
from .sites import may_hold_secrets

PREFIX = "CRAWL_"
"""Environment variables with this prefix are settings: `CRAWL_DELAY_S`, or in full `CRAWL_POLITENESS__DELAY_S`."""
DAEMON = "daemon"
"""The table of the daemon's own settings. It may stand in the same file; crawls ignore it."""
MOST_REPORTED = 50
"""Most wrong settings that are reported one by one, each with a guess of what was meant."""
MOST_SHOWN = 1000
"""Most characters of a wrong value that are shown."""
MOST_DOTS = 64
_TOO_DEEP = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MOST_DOTS}}}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_INNER: Mapping[str, type[Table]] = {"sinks": SinkConfig, "sites": SiteConfig}
"""The tables that are values of settings."""


class Change(NamedTuple):
    """A setting that changed since the crawl began."""

    key: str
    old: object
    new: object
    applies: bool


class Changes(NamedTuple):
    """Settings that were changed in a crawl that has begun, and whether they apply."""

    applied: tuple[Change, ...]
    """Changes that are in force."""
    needs_restart: tuple[Change, ...]
    """Changes that are in force when the crawl is opened the next time."""


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = _NOTHING,
    settings: Mapping[str, object] = _NOTHING,
    *,
    trust: Trust = NOBODY,
) -> Config:
    """Returns the defaults, overlaid by the TOML file, the environment and `settings`, in this order.

    Settings go by their full name (`politeness.delay_s`) or their last word alone (`delay_s`). Raises one ConfigError
    that names everything unknown, mistyped or out of bounds, or a file that belongs to another account.
    """
    return trace(path, environ, settings, trust=trust)[0]


def trace(
    path: Path | None = None,
    environ: Mapping[str, str] = _NOTHING,
    settings: Mapping[str, object] = _NOTHING,
    origin: str = "settings",
    *,
    trust: Trust = NOBODY,
) -> tuple[Config, dict[str, str]]:
    """Returns the settings as `load` does, and for each the file, the variable or the `origin` it came from."""
    given = {**_read_file(path, trust), **_read_environment(environ), **_read_settings(settings, origin)}
    return _build(given), {key: given[key].origin if key in given else "default" for key in fields()}


def amend(config: Config, settings: Mapping[str, object]) -> Config:
    """Returns `config` with some settings changed. Raises ConfigError."""
    kept = {key: _Given(value, "config") for key, value in chosen_settings(config).items()}
    return _build(kept | _read_settings(settings, "settings"))


def chosen_settings(config: Config) -> dict[str, object]:
    """Returns the settings that somebody chose, by full name: those not left at their default."""
    return {key: value_of(config, key) for key in fields() if last_word(key) in _table_of(config, key).model_fields_set}


def differences(old: Config, new: Config) -> list[Change]:
    """Returns the settings that `new` chose and that differ from `old`."""
    pairs = ((key, value_of(old, key), value) for key, value in chosen_settings(new).items())
    return [
        Change(key, mask_value(key, before), mask_value(key, value), key not in FIXED)
        for key, before, value in pairs
        if value != before
    ]


def changes(old: Config, new: Config) -> Changes:
    """Returns all settings that differ, chosen or default. Raises ConfigError for settings that cannot be changed."""
    differing = [key for key in fields() if value_of(old, key) != value_of(new, key)]
    if fixed := [key for key in differing if key in FIXED]:
        raise ConfigError("\n".join(f"{key}: cannot be changed in a crawl that has begun" for key in fixed))
    found = [_make_change(key, old, new) for key in differing]
    if (limits := _page_limits(old)) != (wanted := _page_limits(new)):
        found.append(Change("sites.limit", limits, wanted, False))
    applied, pending = ([change for change in found if change.applies is applies] for applies in (True, False))
    return Changes(tuple(applied), tuple(pending))


def _page_limits(config: Config) -> dict[str, int]:
    """Returns the limits of pages of single sites, the one thing among their settings that is not live."""
    return {name: site.limit for name, site in config.sites.items() if site.limit is not None}


def mask_value(key: str, value: object) -> object:
    """Returns the value as people may see it; one that may hold a password becomes "(not shown)"."""
    return "(not shown)" if value and _may_hold_secrets(key, value) else value


def _may_hold_secrets(key: str, value: object) -> bool:
    match key, value:
        case "fetch.proxy" | "fetch.proxies", _:
            return "@" in str(value)
        case "sinks", tuple() | list():
            return any(dict(one).get(name) for one in value for name in SINK_SECRETS)
        case "sites", Mapping():
            return any(map(may_hold_secrets, value.values()))
        case "sinks", _:
            return any(name in str(value) for name in SINK_SECRETS)
    return key in SECRETS


def has_secrets(config: Config) -> bool:
    """Returns whether somebody chose a setting that is not shown."""
    return any(mask_value(key, value) != value for key, value in chosen_settings(config).items())


def effective_user_agent(config: Config) -> str:
    """Returns the User-Agent: the user's own or the project's, with the contact."""
    name = config.user_agent or f"crawld/{project_version()}"
    return name if not config.contact or config.contact in name else f"{name} (+{config.contact})"


@cache
def project_version() -> str:
    """Returns the installed version of this project; "0" if it is not installed."""
    try:
        return version("crawld")
    except PackageNotFoundError:
        return "0"


def read(path: Path, trust: Trust = NOBODY) -> dict[str, object]:
    """Returns all tables of a TOML file, unchecked. Raises ConfigError, also where it belongs to another account."""
    try:
        with path.open(encoding="utf-8") as file:
            check_open_file(file.fileno(), path, trust)
            text = file.read()
        if _TOO_DEEP.search(text):  # reading such a name takes quadratic time
            raise ConfigError(f"{path}: a name with more than {MOST_DOTS} parts")
        return tomllib.loads(text)
    except Unsafe as error:
        raise ConfigError(str(error)) from error
    except RecursionError:
        raise ConfigError(f"{path}: not a TOML file: too many tables within tables") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML: the message names the line
        raise ConfigError(f"{path}: not a TOML file: {error}") from error


def value_of(config: Config, key: str) -> object:
    """Returns the value of one setting, by its full name."""
    value: object = getattr(_table_of(config, key), last_word(key))
    return value


def _make_change(key: str, old: Config, new: Config) -> Change:
    return Change(key, mask_value(key, value_of(old, key)), mask_value(key, value_of(new, key)), key in LIVE)


class _Given(NamedTuple):
    value: object
    origin: str


def _read_file(path: Path | None, trust: Trust) -> dict[str, _Given]:
    if path is None:
        return {}
    data = read(path, trust)
    data.pop(DAEMON, None)
    return {key: _Given(value, str(path)) for key, value in _flatten(data)}


def _read_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    names = {
        name: _expand_name(name[len(PREFIX) :].lower().replace("__", ".")) for name in environ if _is_setting(name)
    }
    return {key: _Given(_convert(key, environ[name]), f"{name} in the environment") for name, key in names.items()}


def _is_setting(variable: str) -> bool:
    return variable.startswith(PREFIX) and not variable.startswith(f"{PREFIX}{DAEMON.upper()}__")


def _read_settings(settings: Mapping[str, object], origin: str) -> dict[str, _Given]:
    named = {_expand_name(name.replace("-", "_")): value for name, value in _flatten(settings)}
    return {key: _Given(_convert(key, value), origin) for key, value in named.items()}


def _flatten(data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yields the settings by full name where they are in tables, those with an old name by their new one."""
    for key, value in _leaves(data):
        name = OLD_NAMES.get(key, key)
        if name != key and name in data:
            raise ConfigError(f"{key}: is now called {name}, and both are given: leave out {key}")
        yield name, value


def _leaves(data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in data.items():
        if isinstance(value, Mapping) and name in _tables():
            yield from ((f"{name}.{leaf}", inner) for leaf, inner in value.items())
        else:
            yield name, value


def _expand_name(name: str) -> str:
    """Returns the full name of a setting; an unknown name comes back unchanged, to be refused with all the others."""
    name = OLD_NAMES.get(name, name)
    return next((key for key in fields() if name in (key, last_word(key))), name)


def _convert(key: str, value: object) -> object:
    """Converts text from a command line or the environment: lists and tables are TOML, pydantic reads the rest."""
    if not isinstance(value, str) or key not in fields():
        return value
    annotation = fields()[key].annotation
    if type(None) in get_args(annotation) and value.lower() in ("", "none"):
        return None
    if get_origin(annotation) not in (tuple, dict):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"] if value[:1] in ("[", "{") else (value,)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{key}: {mask_value(key, value)!r} is not a TOML value: {error}") from error


def _build(given: Mapping[str, _Given]) -> Config:
    nested: dict[str, Any] = {}
    for key, (value, _) in given.items():
        table, _, leaf = key.rpartition(".")
        holder = nested.setdefault(table, {}) if table else nested
        if isinstance(holder, dict):  # else the file says `scope = 3`, which is refused below
            holder[leaf] = value
    try:
        return Config.model_validate(nested)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)
        places = [".".join(map(str, one["loc"])) for one in wrong[:MOST_REPORTED]]
        lines = [_explain_error(one, given) for one in wrong[:MOST_REPORTED]]
        if more := len(wrong) - len(lines):
            places, lines = [*places, ""], [*lines, f"and {more} more"]
        raise ConfigError("\n".join(lines), places) from None


def _explain_error(error: ErrorDetails, given: Mapping[str, _Given]) -> str:
    where = [str(part) for part in error["loc"]]
    key = next((key for key in (".".join(where[:2]), where[0]) if key in given), where[0])
    origin = ", ".join(dict.fromkeys(one.origin for name, one in given.items() if (name + ".").startswith(key + ".")))
    place = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where[0] in _tables() else ".".join(where)
    if error["type"] == "extra_forbidden":
        return f"{origin}: {place}: no such setting{_suggest(where)}"
    is_shown = key not in SECRETS and SINK_SECRETS.isdisjoint(where) and _is_flat(error["input"])
    value = f" = {repr(error['input'])[:MOST_SHOWN]}" if is_shown else ""
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{origin}: {place}{value}: {'should be a table' if error['type'] == 'model_type' else message}"


def _is_flat(value: object) -> bool:
    """Whether a value has no tables or lists inside, which may be deep and hold passwords."""
    inner = value if isinstance(value, list | tuple) else (value,)
    return not any(isinstance(one, list | tuple | Mapping | BaseModel) for one in inner)


def _suggest(where: list[str]) -> str:
    names = {last_word(key): key for key in fields()} | {table: f"[{table}]" for table in _tables()}
    if table := _INNER.get(where[0]):
        names = {name: name for name in table.model_fields}
    near = find_nearest(where[-1].rpartition(".")[2], names)
    return f"; did you mean {names[near]}?" if near else "; `crawl config show` lists all settings"


def _tables() -> set[str]:
    return {key.partition(".")[0] for key in fields() if "." in key}


def _table_of(config: Config, key: str) -> BaseModel:
    table, _, _ = key.rpartition(".")
    return getattr(config, table) if table else config
