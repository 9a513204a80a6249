"""What a crawl would fetch first and what it refuses, found out with nothing but robots.txt and sitemaps."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice

from . import urls
from .assembly import parts
from .errors import FetchError
from .fetch import Budget, HttpFetcher
from .frontier import Clock, MemoryFrontier, open_memory
from .model import Disposition, Outcome, Reason, Request, Response, Url
from .offload import Inline
from .parse import SITEMAP_FIRST
from .policy.admitted import Admitted
from .policy.scope import Scope
from .protocols import Robots, Rules
from .reach.roots import Ground
from .robots import RobotsRules
from .runtime.thread_reader import batches
from .settings import Config
from .visit import Visitor

FIRST = 20
"""Requests that are shown: a screen of them."""
MOST_SEEDS = 10_000
"""Seeds that are looked at: a list may have no end."""
MOST_SITES = 100
"""Sites that are asked for their robots.txt: the first ones of the list, five times as many as are shown."""
MOST_SITEMAPS = 20
"""Sitemaps that are read, out of all sites."""
PATIENCE_S = 5.0
"""A sitemap whose turn comes later than this is named and not read."""
AT_ONCE = 32
"""Sites that are asked at a time."""
_SITEMAP = re.compile(r"/[^/?]*sitemap[^/?]*\.(?:xml|txt)(?:\.gz)?(?:\?|$)", re.IGNORECASE)
_TICK_S = 1e-6
"""Beyond what is lost in the sum of two times."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, in the order the frontier lends them."""

    url: Url
    in_s: float
    """Seconds from the crawl's beginning, if every answer came at once."""
    depth: int
    via: Url | None
    """What named it; None: it is a seed."""
    was_read: bool = False
    """A sitemap, fetched and read for this rehearsal."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that would not be made, or in vain."""

    url: Url
    reason: Reason
    detail: str
    """A few words for a person: the rule that decided."""


@dataclass(slots=True)
class Rehearsal:
    """What would happen."""

    first: list[Turn] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    seeds: int = 0
    """Distinct ones that were looked at."""
    repeated: int = 0
    """Seeds that another one stands for."""
    is_cut: bool = False
    """Whether there may be more seeds, which were not looked at."""
    sites: int = 0
    """Of the seeds that are in scope."""
    asked: int = 0
    """Sites that were asked for their robots.txt, or their addresses vetted where it is ignored."""
    queued: int = 0
    """What would be fetched later, as far as it is known now; of sites not asked, robots.txt may forbid some."""


async def rehearse(
    seeds: Iterable[Url], config: Config, *, first: int = FIRST, most_seeds: int = MOST_SEEDS
) -> Rehearsal:
    """Go through the beginning of a crawl of these seeds, as a new one, without fetching its pages.

    The frontier, the rules and the visits are the crawl's own; time is made up where nothing is sent, and where
    robots.txt and sitemaps are asked for, sites rest as they do in a crawl. Raises SeedError, ConfigError.
    """
    first = min(first, config.scope.limit or first)
    told, clock = Rehearsal(), _HandClock()
    ground = Ground(config.scope.reach, config.scope.follow_moved_seeds, Admitted())
    scope = parts.scope(config, ground.admitted)
    requests = await _requests(seeds, config, most_seeds, told)
    for request in requests:
        ground.admit(request.url, None)
    within = _within(requests, scope, told)
    chosen = _of_first_sites(within, told)
    async with (
        parts.open_fetcher(config, budget := parts.budget(config)) as fetcher,
        open_memory(parts.terms(config), clock=Clock(clock.now, time.time)) as frontier,
    ):
        asking = _Asking(parts.robots(config, fetcher, Inline(), budget.release))
        actor = _Actor(fetcher, clock)
        visitor = Visitor(
            asking, actor, Inline(), frontier, scope, parts.politeness(config),
            parts.job(config, scope, frontier.key), takes_sitemaps=config.scope.sitemaps, release=budget.release,
            admit=ground.admit,
        )  # fmt: skip
        await frontier.add(chosen)
        stage = _Stage(frontier, visitor, asking, actor, budget, told)
        await stage.play(first)
        forbidden = stage.forbidden(chosen)
        told.refused += forbidden
        told.asked = len(asking.answers)
        told.queued = frontier.counts().queued - len(forbidden) + len(within) - len(chosen)
    return told


async def _requests(seeds: Iterable[Url], config: Config, most: int, told: Rehearsal) -> list[Request]:
    """The distinct seeds, folded. They are read in a thread, for they may come from a slow disk or a pipe."""
    policy, found, number = parts.policy(config), dict[Url, None](), 0
    async with aclosing(batches(islice(seeds, most))) as read:
        async for batch in read:
            number += len(batch)
            found |= dict.fromkeys(urls.folded(seed, policy) for seed in batch)
    told.seeds, told.repeated, told.is_cut = len(found), number - len(found), number == most
    return [Request(url) for url in found]


def _within(requests: Sequence[Request], scope: Scope, told: Rehearsal) -> list[Request]:
    kept = []
    for request in requests:
        ruling = scope.explain(request)
        if ruling.reason is None:
            kept.append(request)
        else:
            told.refused.append(Refusal(request.url, ruling.reason, f"{ruling.rule} {ruling.pattern}".strip()))
    return kept


def _of_first_sites(requests: Sequence[Request], told: Rehearsal) -> list[Request]:
    sites = dict.fromkeys(request.url.site for request in requests)
    told.sites, near = len(sites), set(islice(sites, MOST_SITES))
    return [request for request in requests if request.url.site in near]


@dataclass(slots=True)
class _Stage:
    """Where the beginning of the crawl is played."""

    frontier: MemoryFrontier
    visitor: Visitor
    asking: _Asking
    actor: _Actor
    budget: Budget
    told: Rehearsal
    met: set[Url] = field(default_factory=set)

    async def play(self, first: int) -> None:
        """Visit until enough is known, or nothing is left."""
        clock = self.actor.clock
        while len(self.told.first) < first:
            leases = await self.frontier.lease(min(AT_ONCE, first - len(self.told.first)))
            if not leases and not self._to_next_turn(clock):
                break
            outcomes = await asyncio.gather(*map(self.visitor.visit, leases))
            clock.catch_up()
            ended = [_final(outcome, clock.now()) for outcome in outcomes]
            for outcome in ended:
                self._tell(outcome)
                self.budget.dispose(outcome)
            await self.frontier.settle(ended, {})

    def forbidden(self, requests: Sequence[Request]) -> list[Refusal]:
        """Those not visited that what is known by now forbids."""
        answers = self.asking.answers
        left = [request.url for request in requests if request.url not in self.met and request.url.site in answers]
        return [refusal for url in left if (refusal := _judged(url, answers[url.site]))]

    def _to_next_turn(self, clock: _HandClock) -> bool:
        waits = [site.next_turn_in_s or 0.0 for site in self.frontier.busiest(2 * MOST_SITES) if site.queued]
        clock.move(min(waits, default=0.0) + _TICK_S)
        return bool(waits)

    def _tell(self, outcome: Outcome) -> None:
        url, actor = outcome.url, self.actor
        if outcome.is_final:
            self.met.add(url)
        if url in actor.turns:
            in_s, is_read = actor.turns[url]
            was_read = is_read and outcome.page is not None
            self.told.first.append(Turn(url, in_s, outcome.request.depth, outcome.request.via, was_read))
        if outcome.reason is Reason.ROBOTS:
            self.told.refused += filter(None, [_judged(url, self.asking.answers[url.site])])
        elif outcome.reason and outcome.disposition in (Disposition.EXCLUDED, Disposition.FAILED):
            self.told.refused.append(Refusal(url, outcome.reason, outcome.detail))


def _final(outcome: Outcome, now: float) -> Outcome:
    """A rehearsal tries nothing twice, and its time is its own."""
    ended = now if outcome.ended else 0.0
    if outcome.is_final or outcome.reason is None:
        return replace(outcome, ended=ended)
    return replace(outcome, disposition=Disposition.FAILED, retry_in_s=None, ended=ended)


def _judged(url: Url, answer: Rules | FetchError) -> Refusal | None:
    """What a site's robots.txt means for a URL, if it forbids it."""
    if isinstance(answer, FetchError):
        return Refusal(url, answer.reason, answer.detail)
    if answer.allows(url):
        return None
    verdict = answer.verdict(url) if isinstance(answer, RobotsRules) else None
    return Refusal(url, Reason.ROBOTS, f"line {verdict.line}: {verdict.rule}" if verdict else "")


class _HandClock:
    """Time that is made up: it is moved on from turn to turn, and is never behind what really passed."""

    def __init__(self) -> None:
        self._begun = self._now = time.monotonic()

    def now(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        self._now += seconds

    def catch_up(self) -> None:
        self._now = max(self._now, time.monotonic())

    @property
    def elapsed(self) -> float:
        return self._now - self._begun

    @property
    def ahead(self) -> float:
        """Seconds until what is now here will be so."""
        return max(0.0, self._now - time.monotonic())


class _Asking:
    """Robots whose answers are kept: nothing is asked twice in a rehearsal."""

    def __init__(self, robots: Robots) -> None:
        self.answers: dict[str, Rules | FetchError] = {}
        self._robots = robots

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        site = request.url.site
        if site not in self.answers:
            try:
                self.answers[site], was_asked = await self._robots.rules(request)
            except FetchError as error:
                self.answers[site], was_asked = error, True
        else:
            was_asked = False
        answer = self.answers[site]
        if isinstance(answer, FetchError):
            raise answer
        return answer, was_asked


class _Actor:
    """A Fetcher that fetches sitemaps; of all else it notes that it would, and returns an empty page."""

    def __init__(self, fetcher: HttpFetcher, clock: _HandClock) -> None:
        self.clock = clock
        self.turns: dict[Url, tuple[float, bool]] = {}
        """What was asked for: when, and whether it was really fetched."""
        self._fetcher = fetcher
        self._sitemaps = 0

    async def fetch(self, request: Request) -> Response:
        """Raises FetchError where the address may not be talked to, or the sitemap not be had."""
        await self._fetcher.vet(request)
        is_read = self._is_sitemap(request) and self._sitemaps < MOST_SITEMAPS and self.clock.ahead <= PATIENCE_S
        self.turns[request.url] = self.clock.elapsed, is_read
        if not is_read:
            return Response(request.url, 200, ())
        self._sitemaps += 1
        await asyncio.sleep(self.clock.ahead)  # its turn, by the clock that the site goes by
        return await self._fetcher.fetch(request)

    def _is_sitemap(self, request: Request) -> bool:
        """Because robots.txt or an index calls it so, or because its name does."""
        return request.priority < SITEMAP_FIRST // 2 or bool(_SITEMAP.search(request.url.path))
