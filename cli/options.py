"""Names the setting that each option of a command sets, so that a table of options can be made and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_type_hints


def _keep(value: object) -> object:
    return value


class SetsSetting(NamedTuple):
    """Marks an option with the full name of its setting. The daemon's own settings begin with `daemon.`."""

    key: str
    convert: Callable[[Any], object] = _keep
    """Turns the value of the option into that of the setting. None: the setting stays as it is."""


def options_of(command: Callable[..., None]) -> dict[str, SetsSetting]:
    """Returns the options of a command that set a setting, by the names of its parameters."""
    hints = get_type_hints(command, include_extras=True)
    metadata = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {name: mark for name, found in metadata.items() for mark in found if isinstance(mark, SetsSetting)}


def flags_of(command: Callable[..., None], prefix: str = "") -> dict[str, str]:
    """Returns the spelling of the option that sets each setting, by the setting's full name: `--max-depth`."""
    return {mark.key: f"{prefix}--{name.replace('_', '-')}" for name, mark in options_of(command).items()}


def chosen_settings(command: Callable[..., None], given: Mapping[str, object]) -> dict[str, object]:
    """Returns the settings that the given options choose, by full name. An absent option (None, no value) sets none."""
    values = {mark.key: mark.convert(given[name]) for name, mark in options_of(command).items() if given[name] != []}
    return {key: value for key, value in values.items() if value is not None}
