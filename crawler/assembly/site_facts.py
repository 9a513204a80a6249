"""Tells what the settings of a crawl say of single sites, for those who show it."""

from __future__ import annotations

from collections.abc import Iterable

from ..dataclass import dataclass
from ..fetch import ProxyPool
from ..policy.politeness import Politeness
from ..policy.site_rules import SiteRules
from ..settings import Config
from ..standing import SiteView
from ..urls import bare_host
from . import parts


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """Tells what the settings say of a site."""

    politeness: Politeness
    rules: SiteRules
    per_site: int
    pool: ProxyPool

    def per_site_at(self, site: str, crawl_delay_s: float | None) -> int:
        """Returns how many visits at a time a site gets."""
        if self.politeness.asked_s(site, crawl_delay_s):
            return 1
        return self.rules.per_site(site) or self.per_site

    def proxy(self, site: str) -> str:
        """Returns the proxy of a site while all proxies work, without its password; empty: none."""
        proxy = self.pool.choose(site, bare_host(site.partition("://")[2]), self.rules.find(site).said.proxy)
        return proxy.name if proxy else ""

    def complete(self, views: Iterable[SiteView]) -> list[SiteView]:
        """Returns the views of sites with their delays, visits at a time, tables and proxies."""
        completed = []
        for view in views:
            crawl_delay_s = view.robots.crawl_delay_s
            delay_s = self.politeness.rest_s(view.site, crawl_delay_s)
            completed.append(
                view._replace(
                    delay_s=delay_s,
                    rest_s=delay_s,
                    per_site=self.per_site_at(view.site, crawl_delay_s),
                    rules=self.rules.find(view.site).rules,
                    proxy=self.proxy(view.site),
                )
            )
        return completed


def find_site_facts(config: Config) -> SiteFacts:
    """Returns what these settings say of sites. Raises ConfigError."""
    politeness = parts.politeness(config)
    return SiteFacts(politeness, politeness.sites, config.politeness.per_site, ProxyPool(config.fetch))
