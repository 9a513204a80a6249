"""Finds the terms of politeness of one site: those of all sites, or those of a table of its own (docs/sites.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PORTS = {"http": "80", "https": "443"}


class OwnTerms:
    """The terms that an audit says hold, for any site. It shares no code with what the crawl goes by."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        tables = said.get("sites")
        self._tables: dict[str, dict[str, Any]] = tables if isinstance(tables, dict) else {}

    def delay_s(self, site: str) -> float:
        return float(self._find(site, "delay_s"))

    def per_site(self, site: str) -> int:
        return max(1, int(self._find(site, "per_site")))

    def most_s(self, name: str) -> float:
        """Returns a limit: `max_delay_s`, `max_retry_after_s` or `robots_ttl_s`."""
        return float(self.said.get(name, 0.0))

    @property
    def agent(self) -> str:
        return str(self.said.get("agent", ""))

    @property
    def ignores_robots(self) -> bool:
        return self.said.get("robots") != "obey"

    def _find(self, site: str, key: str) -> Any:
        for name in self._names(site) if self._tables else ():
            if key in self._tables[name]:
                return self._tables[name][key]
        return self.said.get(key, 0)

    def _names(self, site: str) -> Iterator[str]:
        """Yields the names of the tables that match, the one that wins first."""
        scheme, _, place = site.partition("://")
        host, colon, port = place.rpartition(":")
        if not colon or place.endswith("]"):
            host, port = place, _PORTS.get(scheme, "")
        yield from (name for name in (site, f"{host}:{port}", host) if name in self._tables)
        for name in sorted((one for one in reversed(self._tables) if "*" in one), key=len, reverse=True):
            subject = site if "://" in name else f"{host}:{port}" if re.search(r":[0-9]+$", name) else host
            if re.fullmatch(".*".join(map(re.escape, name.split("*"))), subject):
                yield name
