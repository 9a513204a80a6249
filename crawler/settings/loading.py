"""Loads settings, changes them, and says what differs from what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from pydantic import BaseModel

from ..errors import ConfigError
from ..runtime.ownership import NOBODY, Trust
from . import Config, SinkConfig
from .catalog import FIXED, LIVE, SECRETS, SINK_SECRETS, fields, last_word
from .filling import build
from .reading import Given, add_preset, gather, read_keywords
from .sites import may_hold_secrets

HIDDEN = "(not shown)"
"""Stands for a value that may hold a password."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Change(NamedTuple):
    """A setting that changed since the crawl began."""

    key: str
    """The full name of the setting: `politeness.delay_s`."""
    old: object
    """Its value before; `(not shown)` where it may hold a password."""
    new: object
    """Its value now, likewise."""
    applies: bool
    """Whether the new value is in force, or will be when the crawl is opened again."""


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
    """Returns the defaults, overlaid by a preset, the TOML file, the environment and `settings`, in this order.

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
    given = gather(Config, path, environ, settings, origin, trust)
    return build(Config, given), {key: given[key].origin if key in given else "default" for key in fields()}


def amend(config: Config, settings: Mapping[str, object]) -> Config:
    """Returns `config` with some settings changed. Raises ConfigError."""
    kept = {key: Given(value, "config") for key, value in chosen_settings(config).items()}
    return build(Config, kept | add_preset(Config, read_keywords(Config, settings)))


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
    if key == "sinks" and isinstance(value, tuple | list):
        return tuple(map(_mask_sink, value))
    return HIDDEN if value and _may_hold_secrets(key, value) else value


def _mask_sink(sink: object) -> object:
    """Returns an output as people may see it. The name of a variable of the environment is no secret."""
    said = dict(cast("SinkConfig", sink))
    hidden = {name: _mask_value(said[name]) for name in SINK_SECRETS if said.get(name)}
    if not hidden:
        return sink
    return sink.model_copy(update=hidden) if isinstance(sink, SinkConfig) else said | hidden


def _may_hold_secrets(key: str, value: object) -> bool:
    match key, value:
        case "fetch.proxy" | "fetch.proxies", _:
            return "@" in str(value)
        case "sites", Mapping():
            return any(map(may_hold_secrets, value.values()))
        case "sinks", _:
            return any(name in str(value) for name in SINK_SECRETS)
    return key in SECRETS


def _mask_value(value: object) -> object:
    if isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    return value if isinstance(value, str) and value.startswith("$") else HIDDEN


def has_secrets(config: Config) -> bool:
    """Returns whether somebody chose a setting that is not shown, or cookies are kept in a file."""
    return bool(config.fetch.cookie_file) or any(
        mask_value(key, value) != value for key, value in chosen_settings(config).items()
    )


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


def value_of(config: Config, key: str) -> object:
    """Returns the value of one setting, by its full name."""
    value: object = getattr(_table_of(config, key), last_word(key))
    return value


def _make_change(key: str, old: Config, new: Config) -> Change:
    return Change(key, mask_value(key, value_of(old, key)), mask_value(key, value_of(new, key)), key in LIVE)


def _table_of(config: Config, key: str) -> BaseModel:
    table, _, _ = key.rpartition(".")
    return getattr(config, table) if table else config
