"""Decides which reloaded settings take effect at once, and which need a restart of the daemon; pure."""

from __future__ import annotations

from typing import NamedTuple

from ..settings import Config
from ..settings.loading import amend, fields, value_of
from .settings import DaemonConfig

AT_START = frozenset(
    {
        "host",
        "port",
        "socket",
        "allowed_hosts",
        "token_file",
        "data",
        "budget_bytes",
        "workers",
        "webhook_secret_file",
        "trust_folder",
        "open_folder",
    }
)
"""Settings of the daemon that are read only at its start; all others may change while it runs."""
SHARED = frozenset(
    {
        "fetch.max_body_bytes",
        "fetch.budget_bytes",
        "offload.executor",
        "offload.workers",
        "offload.inline_below_bytes",
        "offload.batch",
    }
)
"""Settings of crawls that concern parts shared by all jobs."""


class Taken(NamedTuple):
    """The result of reloading settings."""

    config: DaemonConfig
    """The daemon's settings from now on."""
    base: Config
    """The settings that jobs start from, from now on."""
    applied: tuple[str, ...]
    """Names of settings in effect now: `daemon.max_running`, or those of jobs, such as `politeness.delay_s`."""
    needs_restart: tuple[str, ...]


def taken(old: tuple[DaemonConfig, Config], new: tuple[DaemonConfig, Config]) -> Taken:
    """Returns the settings that replace `old` now, and the names of all that changed."""
    (config, base), (wanted, asked) = old, new
    own = [name for name in DaemonConfig.model_fields if getattr(config, name) != getattr(wanted, name)]
    theirs = [key for key in fields() if value_of(base, key) != value_of(asked, key)]
    staying = {name: getattr(config, name) for name in own if name in AT_START}
    kept = {key: value_of(base, key) for key in theirs if key in SHARED}
    names = [(f"daemon.{name}", name in AT_START) for name in own] + [(key, key in SHARED) for key in theirs]
    return Taken(
        wanted.model_copy(update=staying),
        amend(asked, kept) if kept else asked,
        tuple(name for name, waits in names if not waits),
        tuple(name for name, waits in names if waits),
    )
