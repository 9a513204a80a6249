"""Estimates how long a crawl takes under politeness, and what other settings would change: of sites in draws."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from ..dataclass import dataclass
from .draws import Draws, Interval, N, interval_of
from .sampling import Sample, foresee_size

UNSURE = 0.1
"""How much the time of an answer changes by what nobody foresees, as a share of it."""
STEPS = 40
"""Halvings until the end at a limit is found: to a billionth."""
SHOWN_LIMITS = 3
LIMITS = (100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """One site in draws that belong together: the n-th of each is one way in which it may be."""

    site: str
    visits: Draws
    """URLs that would be visited; infinite: nothing can be said."""
    page_share: Draws
    """The share of the visits that brings a page."""
    page_bytes: Draws
    """The mean length of a page."""
    answer_s: Draws
    """Seconds that an answer takes."""
    known: int
    """URLs that are known for sure."""
    delay_s: float
    """Our own delay there."""
    asked_s: float = 0.0
    """The Crawl-delay that it asks for and that is honoured; 0: none."""
    per_site: int = 1
    slow_s: float = 0.0
    """By how much it rests longer because it is slow or in trouble."""

    def visit_s(self, n: int) -> float:
        """Returns the seconds from one visit to the next in one draw."""
        at_a_time = 1 if self.asked_s else self.per_site
        return (max(self.delay_s, self.asked_s) + self.slow_s + self.answer_s[n]) / at_a_time

    def pages_by(self, n: int, end_s: float) -> float:
        """Returns the pages that it brings until then, in one draw: it brings them evenly until it is done."""
        visit_s = self.visit_s(n)
        visits = min(self.visits[n], end_s / visit_s) if visit_s else self.visits[n]
        return _times(visits, self.page_share[n])

    @property
    def seconds(self) -> Interval:
        """How long it takes."""
        least_s = self.known * min(self.visit_s(n) for n in range(N))
        return interval_of([_times(self.visits[n], self.visit_s(n)) for n in range(N)], least_s)

    @property
    def pages(self) -> Interval:
        return interval_of([_times(self.visits[n], self.page_share[n]) for n in range(N)], self.least_pages)

    @property
    def bytes(self) -> Interval:
        draws = [_times(_times(self.visits[n], self.page_share[n]), self.page_bytes[n]) for n in range(N)]
        return interval_of(draws, self.least_pages * min(self.page_bytes))

    @property
    def least_pages(self) -> float:
        """Pages among the URLs that are known, at least."""
        return self.known * min(self.page_share)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of the whole crawl."""

    concurrency: int
    limit: float = math.inf
    """Pages after which it ends."""
    time_limit_s: float = math.inf


@dataclass(frozen=True, slots=True)
class CrawlSize:
    """How large a crawl is and how long it takes: intervals that hold in 80 of 100 cases."""

    seconds: Interval
    """Under politeness, on a machine that keeps up."""
    pages: Interval
    """Pages that it fetches."""
    bytes: Interval
    """The bytes of their bodies, as they come over the wire."""


def plan_site(
    site: str, sample: Sample, *, delay_s: float, asked_s: float, per_site: int, slow_s: float = 0.0,
    most: float = math.inf,
) -> SitePlan:  # fmt: skip
    """Returns the plan of a site from its sample. `most`: the pages that a limit leaves it."""
    dice = random.Random(site)
    known, made = len(sample.known), len(sample.pages)
    sizes = foresee_size(sample, dice) or [known if n % 2 else math.inf for n in range(N)]
    pages = [page for page in sample.pages if page.is_page]
    shares = [_draw_share(len(pages), made, dice, is_all=one == made) for one in sizes]
    visits = [min(one, most / share) if share else one for one, share in zip(sizes, shares, strict=True)]
    lengths = _draw_means([page.size for page in pages], dice)
    answers = [
        one * math.exp(dice.gauss(0.0, UNSURE)) for one in _draw_means([page.answer_s for page in sample.pages], dice)
    ]
    return SitePlan(
        site, visits, shares, lengths, answers, int(min(known, most)), delay_s, asked_s, per_site, slow_s
    )  # fmt: skip


def plan_crawl(plans: Sequence[SitePlan], terms: Terms) -> CrawlSize:
    """Returns how a crawl of these sites comes out. Its slowest site, or a limit, ends it."""
    seconds, pages, lengths = list[float](), list[float](), list[float]()
    for n in range(N):
        end_s = min(_end_s(plans, terms, n), terms.time_limit_s)
        brought = [plan.pages_by(n, end_s) for plan in plans]
        seconds.append(end_s)
        pages.append(min(sum(brought), terms.limit))
        lengths.append(sum(_times(one, plan.page_bytes[n]) for one, plan in zip(brought, plans, strict=True)))
    least_s = max((plan.seconds.low for plan in plans), default=0.0)
    least = sum(plan.least_pages for plan in plans)
    least_bytes = sum(plan.least_pages * min(plan.page_bytes) for plan in plans)
    if math.isfinite(terms.limit) or math.isfinite(terms.time_limit_s):
        return CrawlSize(*map(interval_of, (seconds, pages, lengths)))
    return CrawlSize(interval_of(seconds, least_s), interval_of(pages, least), interval_of(lengths, least_bytes))


def other_settings(
    plans: Sequence[SitePlan], terms: Terms, delay_s: float, per_site: int
) -> dict[tuple[str, float], CrawlSize]:
    """Returns how the crawl would come out with one other setting, by the name and value of that."""
    found = {}
    for other_s in (delay_s / 2, 2 * delay_s) if delay_s else ():
        moved = [replace(plan, delay_s=plan.delay_s * other_s / delay_s) for plan in plans]
        found["politeness.delay_s", other_s] = plan_crawl(moved, terms)
    for number in (2 * per_site, 4 * per_site):
        moved = [replace(plan, per_site=plan.per_site * number // per_site) for plan in plans]
        found["politeness.per_site", float(number)] = plan_crawl(moved, terms)
    likely = plan_crawl(plans, terms).pages.likely
    most = min(terms.limit, likely or 100 * sum(plan.known for plan in plans))
    for limit in [one for one in LIMITS if one < most][-SHOWN_LIMITS:]:
        found["scope.limit", float(limit)] = plan_crawl(plans, replace(terms, limit=float(limit)))
    return found


def _end_s(plans: Sequence[SitePlan], terms: Terms, n: int) -> float:
    """Returns when a crawl ends in one draw."""
    alone_s = max((_times(plan.visits[n], plan.visit_s(n)) for plan in plans), default=0.0)
    together_s = sum(_times(plan.visits[n], plan.answer_s[n]) for plan in plans) / terms.concurrency
    whole_s = max(alone_s, together_s)
    if math.isinf(terms.limit) or sum(plan.pages_by(n, math.inf) for plan in plans) <= terms.limit:
        return whole_s
    return _when(plans, terms.limit, n, whole_s)


def _when(plans: Sequence[SitePlan], limit: float, n: int, most_s: float) -> float:
    """Returns when so many pages came, in one draw."""
    low, high = 0.0, 1.0
    while high < most_s and _brought(plans, n, high) < limit:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _brought(plans, n, middle) >= limit else (middle, high)
    return min(high, most_s)


def _brought(plans: Sequence[SitePlan], n: int, end_s: float) -> float:
    return sum(plan.pages_by(n, end_s) for plan in plans)


def _draw_share(good: int, every: int, dice: random.Random, *, is_all: bool) -> float:
    """Returns a draw of the share of visits that bring a page, by Jeffreys' prior; where all were made, the share."""
    if is_all or not every:
        return good / every if every else 0.0
    if good == every and dice.random() < 0.5:
        return 1.0
    return dice.betavariate(good + 0.5, every - good + 0.5)


def _draw_means(values: Sequence[float], dice: random.Random) -> Draws:
    """Returns draws of a mean, by the Bayesian bootstrap (Rubin 1981)."""
    if not values:
        return [0.0] * N
    draws = []
    for _ in range(N):
        weights = [dice.expovariate(1.0) for _ in values]
        draws.append(sum(w * one for w, one in zip(weights, values, strict=True)) / sum(weights))
    return draws


def _times(number: float, each: float) -> float:
    """Returns the product; nothing of infinitely many is nothing."""
    return number * each if each else 0.0
