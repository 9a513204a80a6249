"""Decides which reloaded settings take effect at once, and which need a restart of the daemon; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..settings import Config, Nature
from ..settings.catalog import SHARED, fields, settings_marked
from ..settings.loading import amend, value_of
from .settings import DaemonConfig

LIVE = settings_marked(Nature.LIVE, DaemonConfig)
"""Settings of the daemon that may change while it runs; all others are read only at its start."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The result of a change of settings, by their full names."""

    applied: tuple[str, ...]
    """Settings in effect now; those of a job that is not running take effect with its next run."""
    needs_restart: tuple[str, ...]
    """Settings that take effect after the job is paused and resumed, or the daemon is restarted."""


class Reloaded(NamedTuple):
    """The result of reloading settings."""

    config: DaemonConfig
    """The daemon's settings from now on."""
    base: Config
    """The settings that jobs start from, from now on."""
    applied: tuple[str, ...]
    """Names of settings in effect now: `daemon.max_running`, or those of jobs, such as `politeness.delay_s`."""
    needs_restart: tuple[str, ...]


def merge_reloaded(old: tuple[DaemonConfig, Config], new: tuple[DaemonConfig, Config]) -> Reloaded:
    """Returns the settings that replace `old` now, and the names of all that changed."""
    (config, base), (wanted, asked) = old, new
    own = [name for name in DaemonConfig.model_fields if getattr(config, name) != getattr(wanted, name)]
    theirs = [key for key in fields() if value_of(base, key) != value_of(asked, key)]
    staying = {name: getattr(config, name) for name in own if name not in LIVE}
    kept = {key: value_of(base, key) for key in theirs if key in SHARED}
    names = [(f"daemon.{name}", name not in LIVE) for name in own] + [(key, key in SHARED) for key in theirs]
    return Reloaded(
        wanted.model_copy(update=staying),
        amend(asked, kept) if kept else asked,
        tuple(name for name, waits in names if not waits),
        tuple(name for name, waits in names if waits),
    )
