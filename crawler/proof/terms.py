"""The terms of politeness that hold in a run, as they stand in the audit of its requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ..settings import Config

Terms: TypeAlias = Mapping[str, object]
"""Terms by name, as JSON has them."""


def terms_of(config: Config, *, software: str, user_agent: str, agent: str) -> Terms:
    """Returns the terms of a crawl. `agent` is its name in robots.txt."""
    said = config.politeness
    sites = {
        name: {key: value for key in ("delay_s", "per_site") if (value := getattr(site, key)) is not None}
        for name, site in config.sites.items()
    }
    return {
        "software": software, "user_agent": user_agent, "agent": agent, "robots": said.robots,
        "robots_ttl_s": said.robots_ttl_s, "delay_s": said.delay_s, "per_site": said.per_site,
        "max_delay_s": said.max_delay_s, "max_retry_after_s": said.max_retry_after_s,
        "sites": {name: table for name, table in sites.items() if table},
    }  # fmt: skip
