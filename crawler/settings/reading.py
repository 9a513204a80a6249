"""Reads settings from TOML files, the environment and callers, each with a note of where it came from; checks none."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, get_args, get_origin

from ..errors import ConfigError
from ..runtime.ownership import NOBODY, Trust, check_open_file
from ..runtime.private_files import Unsafe
from . import presets
from .names import OLD_NAMES, expand_name, fields_of, tables_of
from .table import Nature, Table

PREFIX = "CRAWL_"
"""Environment variables with this prefix are settings: `CRAWL_DELAY_S`, or in full `CRAWL_POLITENESS__DELAY_S`."""
WRITTEN = "# Written by crawld "
"""The beginning of the settings of a crawl folder."""
DAEMON = "daemon"
"""The table of the daemon's own settings. It may stand in the same file; crawls ignore it."""
MOST_DOTS = 64
_TOO_DEEP = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MOST_DOTS}}}")


class Given(NamedTuple):
    """A value that somebody gave a setting, and where: a file, a variable, or a call."""

    value: object
    origin: str


def gather(
    table: type[Table],
    path: Path | None,
    environ: Mapping[str, str],
    settings: Mapping[str, object],
    origin: str,
    trust: Trust,
) -> dict[str, Given]:
    """Returns the settings of the file, the environment and `settings` by full name; the last one wins.

    A preset that they name goes before all of them. In the settings of a crawl folder it is only kept: what came of it
    stands there. Raises ConfigError.
    """
    of_file = _read_file(table, path, trust)
    given = {**of_file, **_read_environment(table, environ), **read_keywords(table, settings, origin)}
    is_kept = given.get(presets.SETTING) is of_file.get(presets.SETTING) and path is not None and _is_of_folder(path)
    return given if is_kept else add_preset(table, given)


def add_preset(table: type[Table], given: Mapping[str, Given]) -> dict[str, Given]:
    """Returns the settings with those of the preset that they name, where they do not say another value.

    Raises ConfigError for a name that no preset has.
    """
    name = given[presets.SETTING].value if presets.SETTING in given else ""
    if not name or not isinstance(name, str):
        return dict(given)
    found = {key: Given(value, f"preset {name}") for key, value in _flatten(table, presets.settings_of(name))}
    return {**found, **given}


def _is_of_folder(path: Path) -> bool:
    """Returns whether a crawl wrote the file, for its folder: then it says all settings that were chosen."""
    with path.open(encoding="utf-8") as file:
        return file.readline(len(WRITTEN) + 1).startswith(WRITTEN)


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


def read_keywords(table: type[Table], settings: Mapping[str, object], origin: str = "settings") -> dict[str, Given]:
    """Returns settings by full name that go by full name, by last word, or in tables. Raises ConfigError."""
    named = [(expand_name(table, name.replace("-", "_")), value) for name, value in _flatten(table, settings)]
    if twice := sorted(key for key, times in Counter(key for key, _ in named).items() if times > 1):
        raise ConfigError("\n".join(f"{origin}: {key}: given twice, by two of its names" for key in twice), twice)
    return {key: Given(_convert(table, key, value), origin) for key, value in named}


def _read_file(table: type[Table], path: Path | None, trust: Trust) -> dict[str, Given]:
    if path is None:
        return {}
    data = read(path, trust)
    data.pop(DAEMON, None)
    return {key: Given(value, str(path)) for key, value in _flatten(table, data)}


def _read_environment(table: type[Table], environ: Mapping[str, str]) -> dict[str, Given]:
    names = {
        name: expand_name(table, name[len(PREFIX) :].lower().replace("__", "."))
        for name in environ
        if _is_setting(name)
    }
    return {
        key: Given(_convert(table, key, environ[name]), f"{name} in the environment") for name, key in names.items()
    }


def _is_setting(variable: str) -> bool:
    return variable.startswith(PREFIX) and not variable.startswith(f"{PREFIX}{DAEMON.upper()}__")


def _flatten(table: type[Table], data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yields settings by full name where they are in tables, those with an old name by their new one."""
    for key, value in _leaves(table, data):
        name = OLD_NAMES.get(key, key)
        if name != key and name in data:
            raise ConfigError(f"{key}: is now called {name}, and both are given: leave out {key}")
        yield name, value


def _leaves(table: type[Table], data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in data.items():
        if isinstance(value, Table) and name in tables_of(table):
            yield from ((f"{name}.{leaf}", getattr(value, leaf)) for leaf in value.model_fields_set)
        elif isinstance(value, Mapping) and name in tables_of(table):
            yield from ((f"{name}.{leaf}", inner) for leaf, inner in value.items())
        else:
            yield name, value


def _convert(table: type[Table], key: str, value: object) -> object:
    """Converts text from a command line or the environment: lists and tables are TOML, pydantic reads the rest."""
    field = fields_of(table).get(key)
    if not isinstance(value, str) or field is None:
        return value
    annotation = field.annotation
    if type(None) in get_args(annotation) and value.lower() in ("", "none"):
        return None
    if get_origin(annotation) not in (tuple, dict):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"] if value[:1] in ("[", "{") else (value,)
    except tomllib.TOMLDecodeError as error:
        may_be_secret = key == "sinks" or Nature.SECRET in field.metadata
        shown = "(not shown)" if may_be_secret else repr(value)
        raise ConfigError(f"{key}: {shown} is not a TOML value: {error}") from error
