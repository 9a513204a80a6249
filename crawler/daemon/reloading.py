"""What of newly read settings holds at once, and what waits until the daemon is started again; in plain functions."""

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
"""Settings of the daemon that it begins with; all others may change meanwhile."""
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
"""Settings of crawls that shape what all jobs share."""


class Taken(NamedTuple):
    """What becomes of newly read settings."""

    config: DaemonConfig
    """What is in force from now on, as the next."""
    base: Config
    applied: tuple[str, ...]
    """Names of what holds now: `daemon.max_running`, and what jobs begin with, such as `politeness.delay_s`."""
    needs_restart: tuple[str, ...]


def taken(old: tuple[DaemonConfig, Config], new: tuple[DaemonConfig, Config]) -> Taken:
    """What of `new` can take the place of `old`."""
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
