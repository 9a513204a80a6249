"""Forecasts a crawl before it is made: a polite sample of each site, and what follows from it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Unpack

from ..assembly import parts
from ..assembly.shared import open_shared
from ..errors import SeedError
from ..forecast import LEAST_PAGES, CrawlSize, Interval, Sample, SitePlan, Terms, other_settings, plan_crawl, plan_site
from ..model import Reason, Request
from ..robots.memory import SharedRobots
from ..runtime.thread_reader import read_batches
from ..settings import Config, Settings
from ..settings.loading import amend, effective_user_agent
from .opening import open_crawl
from .seeds import Seed, seed_request
from .site_samples import SiteSeen, Taster, sample_sites

SAMPLE = 40
"""Pages of each site that are looked at, unless another number is asked for: below 30 nothing can be said of a site
without a sitemap."""
MOST_SITES = 100
MOST_SEEDS = 100_000
SAMPLE_S = 180.0
"""Seconds that the sample takes at most."""
_LIMITS: Mapping[str, Any] = {
    "scope.limit": None, "scope.limit_per_site": None, "scope.limit_per_domain": None, "scope.size_limit_bytes": None,
    "scope.sitemaps": True, "scope.requisites": False, "scope.extra_hops": 0, "scope.focus": "", "scope.traps": "off",
    "politeness.revisit_after_s": None, "offload.loops": 1, "near_duplicates": "keep",
}  # fmt: skip
"""Settings under which sites are sampled: limits of the crawl hold for the forecast, not for the sample."""


@dataclass(frozen=True, slots=True)
class SiteForecast:
    """The forecast of one site: intervals that hold in 80 of 100 cases. Without `high`, nothing more can be said."""

    site: str
    """Scheme, host and port."""
    seconds: Interval
    """How long it takes, if the crawl has no limit."""
    pages: Interval
    """Its pages."""
    bytes: Interval
    """The bytes of their bodies, as they come over the wire."""
    sampled: int
    """URLs that were visited for the forecast."""
    known: int
    """URLs that are known by now."""
    listed: int
    """URLs that its sitemaps list."""
    sitemaps: int
    """Sitemaps that were read."""
    delay_s: float
    """How long it rests between two requests: our delay, or its longer Crawl-delay."""
    asked_s: float
    """Its Crawl-delay as far as it is honoured; 0: it asks for none."""
    per_site: int
    """Requests at a time."""
    why: str
    """Why nothing can be said of how large it is at most; empty: an interval is known."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A site that brought nothing."""

    site: str
    """Scheme, host and port."""
    reason: Reason
    """Why its first URL brought nothing."""
    detail: str
    """A few words about that for a person."""


@dataclass(frozen=True, slots=True)
class OtherSetting:
    """How the crawl would come out with one other setting."""

    setting: str
    """Its full name: `politeness.delay_s`."""
    value: float
    """Its value."""
    size: CrawlSize
    """The size of the crawl with it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How large a crawl would be, and how long it would take."""

    size: CrawlSize | None
    """Of the sites that were sampled. None: nothing can be said, for no page could be fetched."""
    sites: Sequence[SiteForecast] = ()
    """The sites that were sampled, those that take longest first."""
    without_slowest: CrawlSize | None = None
    """Of the same crawl without the first of them. None: there is no other one."""
    refused: Sequence[Refused] = ()
    """The sites that brought nothing."""
    others: Sequence[OtherSetting] = ()
    """The same crawl with other settings, each with one."""
    all_sites: int = 0
    """Sites of the seeds."""
    seeds: int = 0
    """Seeds that were looked at."""
    further_sites: int = 0
    """Sites in the reach of the crawl to which links lead, and which no seed names. They are not in the forecast."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """The limits of the crawl that the forecast keeps to, by name."""


async def forecast_crawl(
    seeds: Iterable[Seed], config: Config | None = None, *, sample: int = SAMPLE, most_sites: int = MOST_SITES,
    sample_s: float = SAMPLE_S, **settings: Unpack[Settings],
) -> Forecast:  # fmt: skip
    """Returns how large a crawl of these seeds would be, and how long it would take under politeness.

    It fetches robots.txt, sitemaps and the first pages of each site, `sample` of them, as a crawl with these settings
    does: guard, robots.txt and rests hold. Nothing is stored. At most `most_sites` sites are sampled, chosen by chance,
    for `sample_s` seconds at most. Raises SeedError, ConfigError, UrlError.
    """
    config = amend(config or Config(), settings)
    by_site, number = await _read_seeds(seeds, config)
    if not by_site:
        raise SeedError("no seeds: there is nothing to forecast")
    chosen = _choose(by_site, most_sites)
    taster, robots = Taster(chosen, sample), SharedRobots()
    trial = amend(config, {**_LIMITS, "scope.time_limit_s": sample_s, "sinks": [{"kind": "jsonl", "links": True}]})
    async with (
        open_shared(trial) as shared,
        open_crawl(trial, sinks=[taster], shared=replace(shared, robots=robots)) as crawl,
    ):
        await sample_sites(crawl, [request for requests in chosen.values() for request in requests], taster)
    rules = robots.of(effective_user_agent(config)).known
    plans = {}
    for site, seen in taster.sites.items():
        known = rules.get(site)
        if seen.visits:
            plans[site] = _plan(config, seen, seen.sample(known.rules if known else None))
    told = _Told(config, taster, plans)
    return told.forecast(len(by_site), number)


async def _read_seeds(seeds: Iterable[Seed], config: Config) -> tuple[dict[str, list[Request]], int]:
    """Returns the distinct seeds by site and their number, read in a thread."""
    policy, found = parts.policy(config), dict[str, Request]()
    async with aclosing(read_batches(islice(seeds, MOST_SEEDS))) as read:
        async for batch in read:
            for seed in batch:
                request = seed_request(seed, policy)
                found.setdefault(request.identity, request)
    by_site: dict[str, list[Request]] = {}
    for request in found.values():
        by_site.setdefault(request.url.site, []).append(request)
    return by_site, len(found)


def _choose(by_site: Mapping[str, list[Request]], most: int) -> Mapping[str, list[Request]]:
    """Returns some of the sites, chosen by chance; the same ones each time."""
    if len(by_site) <= most:
        return by_site
    return {site: by_site[site] for site in random.Random(most).sample(sorted(by_site), most)}


def _plan(config: Config, seen: SiteSeen, sample: Sample) -> SitePlan:
    delay_s = parts.politeness(config).own_delay_s(seen.site)
    terms = parts.terms(config)
    own = terms.page_limits(seen.site) if terms.page_limits else None
    most = config.scope.limit_per_site if own is None else own
    return plan_site(
        seen.site, sample, delay_s=delay_s, asked_s=seen.asked_s, per_site=terms.at_one_site(seen.site),
        slow_s=max(0.0, seen.rest_s - max(delay_s, seen.asked_s)), most=math.inf if most is None else most,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Told:
    """Makes a forecast of the plans of sites."""

    config: Config
    taster: Taster
    plans: Mapping[str, SitePlan]

    @property
    def terms(self) -> Terms:
        scope = self.config.scope
        limit = math.inf if scope.limit is None else scope.limit
        time_s = math.inf if scope.time_limit_s is None else scope.time_limit_s
        return Terms(self.config.fetch.concurrency, limit, time_s)

    def limits(self) -> Mapping[str, float]:
        scope = self.config.scope
        said = {"scope.limit": scope.limit, "scope.limit_per_site": scope.limit_per_site,
                "scope.time_limit_s": scope.time_limit_s}  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def forecast(self, all_sites: int, seeds: int) -> Forecast:
        """Returns all of it."""
        sites = self.sites()
        return Forecast(
            self.size(), sites, self.size(without=sites[0].site) if len(sites) > 1 else None, self.refused(),
            self.others(), all_sites, seeds, len(self.taster.others), self.limits(),
        )  # fmt: skip

    def size(self, without: str = "") -> CrawlSize | None:
        plans = [plan for site, plan in self.plans.items() if site != without]
        return plan_crawl(plans, self.terms) if plans else None

    def sites(self) -> list[SiteForecast]:
        told = [self._site(self.taster.sites[site], plan) for site, plan in self.plans.items()]
        return sorted(told, key=lambda one: (-(one.seconds.likely or one.seconds.low), one.site))

    def _site(self, seen: SiteSeen, plan: SitePlan) -> SiteForecast:
        pages = plan.pages
        return SiteForecast(
            seen.site, plan.seconds, pages, plan.bytes, len(seen.visits), plan.known, len(seen.listed), seen.sitemaps,
            max(plan.delay_s, plan.asked_s) + plan.slow_s, plan.asked_s, 1 if plan.asked_s else plan.per_site,
            "" if pages.high is not None else _explain(seen),
        )  # fmt: skip

    def refused(self) -> list[Refused]:
        return [
            Refused(one.site, *(one.refusal or (Reason.TIMEOUT, "its turn did not come in time")))
            for one in self.taster.sites.values()
            if not one.visits
        ]

    def others(self) -> list[OtherSetting]:
        said = self.config.politeness
        found = other_settings(list(self.plans.values()), self.terms, said.delay_s, said.per_site) if self.plans else {}
        return [OtherSetting(setting, value, size) for (setting, value), size in found.items()]


def _explain(seen: SiteSeen) -> str:
    """Returns why nothing can be said of how large a site is."""
    if len(seen.visits) < LEAST_PAGES:
        return f"its {len(seen.visits)} pages are too few to judge, and no sitemap helps"
    return "its pages still bring about as many new URLs as they are, or more"
