"""Finds the settings of one site: the tables of `sites` whose names match it, and what they say together. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..settings import SiteConfig
from ..settings.sites import DIRECT

MOST_KNOWN = 1 << 15
"""Sites whose rules are kept at hand, some 150 bytes each. Beyond this number all are found again."""
_PORT = re.compile(r":[0-9]+$")
_PORTS = {"http": "80", "https": "443"}


class SiteSettings(NamedTuple):
    """The settings of one site. None and empty values: no rule says anything."""

    rules: tuple[str, ...]
    """The names of the tables that match the site, the one that wins first."""
    said: SiteConfig

    @property
    def is_plain(self) -> bool:
        """Whether no rule matches."""
        return not self.rules


NO_SETTINGS = SiteSettings((), SiteConfig())


class SiteRules:
    """Answers for any site, from memory once it was asked about.

    A name of a site wins over a name of a host, and that one over a pattern; of two patterns the longer one wins, of
    two of the same length the later one. A setting that the winner leaves out is taken from the next table that has
    it; header fields are taken from all of them.
    """

    def __init__(self, sites: Mapping[str, SiteConfig]) -> None:
        """The names are in their canonical spelling, as `Config.sites` has them."""
        self.tables = sites
        globs = sorted((name for name in sites if "*" in name), key=len)  # stable: of equal ones the later stays later
        self._globs = [(name, _compile(name)) for name in reversed(globs)]
        self._known: dict[str, SiteSettings] = {}
        self._together: dict[tuple[str, ...], SiteSettings] = {(): NO_SETTINGS}

    def find(self, site: str) -> SiteSettings:
        """Returns the settings of a site: scheme, host, and the port if it is not the scheme's own."""
        if not self.tables:
            return NO_SETTINGS
        found = self._known.get(site)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[site] = self._find(site)
        return found

    def delay_s(self, site: str) -> float | None:
        """Returns the delay that rules give a site, or None."""
        return self.find(site).said.delay_s

    def per_site(self, site: str) -> int | None:
        """Returns how many requests at a time rules allow a site, or None."""
        return self.find(site).said.per_site if self.tables else None

    def limit(self, site: str) -> int | None:
        """Returns how many pages rules allow a site, or None."""
        return self.find(site).said.limit

    @property
    def longest_delay_s(self) -> float:
        """The longest delay of any table; 0: none names one."""
        return max((site.delay_s or 0.0 for site in self.tables.values()), default=0.0)

    @property
    def most_per_site(self) -> int:
        """The most requests at a time that any table allows; 0: none names a number."""
        return max((site.per_site or 0 for site in self.tables.values()), default=0)

    @property
    def proxies(self) -> list[str]:
        """The proxies that tables name."""
        return [site.proxy for site in self.tables.values() if site.proxy not in (None, DIRECT)]

    @property
    def has_limits(self) -> bool:
        """Whether any table limits the pages of a site."""
        return any(site.limit is not None for site in self.tables.values())

    def _find(self, site: str) -> SiteSettings:
        scheme, _, authority = site.partition("://")
        host, colon, port = authority.rpartition(":")
        if not colon or authority.endswith("]"):
            host, port = authority, _PORTS.get(scheme, "")
        names = [name for name in (site, f"{host}:{port}", host) if name in self.tables]
        for name, pattern in self._globs:
            place = site if "://" in name else f"{host}:{port}" if _PORT.search(name) else host
            if pattern.fullmatch(place):
                names.append(name)
        rules = tuple(names)
        if rules not in self._together:
            self._together[rules] = SiteSettings(rules, _merge([self.tables[name] for name in rules]))
        return self._together[rules]


NO_RULES = SiteRules({})


def _compile(name: str) -> re.Pattern[str]:
    """Returns the pattern as an expression. Its repeats take what they can and never give it back, so it is linear."""
    head, *parts = name.split("*")
    text = re.escape(head)
    for part in parts[:-1]:
        text += f"(?>.*?{re.escape(part)})"
    return re.compile(text + ".*" + re.escape(parts[-1]) if parts else text)


def _merge(sites: list[SiteConfig]) -> SiteConfig:
    """Returns what tables say together, the first of which wins."""
    said: dict[str, object] = {}
    headers: dict[str, str] = {}
    for site in reversed(sites):
        said |= {name: value for name in site.model_fields_set if (value := getattr(site, name)) not in (None, "", {})}
        for name, value in site.headers.items():
            headers = {old: kept for old, kept in headers.items() if old.lower() != name.lower()} | {name: value}
    return SiteConfig.model_construct(**{**said, "headers": headers})  # type: ignore[arg-type]
