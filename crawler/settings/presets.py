"""Offers presets: settings that go well together, under one word. Each is a TOML file that comes with the package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from ..errors import ConfigError
from ..runtime.nearest import find_nearest

SETTING = "preset"
"""The setting that names the preset."""
_FOLDER = "presets"
_END = ".toml"


def names() -> tuple[str, ...]:
    """Returns the names of all presets."""
    found = files("crawler.config").joinpath(_FOLDER).iterdir()
    return tuple(sorted(one.name.removesuffix(_END) for one in found if one.name.endswith(_END)))


def text_of(name: str) -> str:
    """Returns the file of a preset. Raises ConfigError for a name that none has."""
    if name not in names():
        near = find_nearest(name, names())
        hint = f"did you mean {near}?" if near else f"there are {', '.join(names())}"
        words = f"there is none called {name!r}; {hint}"
        raise ConfigError(f"{SETTING}: {words}", [SETTING], [words])
    return files("crawler.config").joinpath(_FOLDER, f"{name}{_END}").read_text(encoding="utf-8")


def meaning_of(name: str) -> str:
    """Returns what a preset is for, in one line. Raises ConfigError."""
    return text_of(name).partition("\n")[0].removeprefix("# ")


def settings_of(name: str) -> Mapping[str, object]:
    """Returns the settings of a preset, in tables. Raises ConfigError."""
    return tomllib.loads(text_of(name))
