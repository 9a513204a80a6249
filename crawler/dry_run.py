"""Finds out what a crawl would fetch first and what it would refuse. It requests only robots.txt and sitemaps."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice

from . import urls
from .assembly import parts
from .errors import ConfigError, FetchError
from .event_loop import require_asyncio
from .frontier import Clock, open_memory
from .model import Disposition, Outcome, Reason, Request, Response, Url
from .offload import Inline
from .parse import SITEMAP_FIRST
from .policy.admitted import Admitted
from .policy.scope import Scope
from .protocols import Frontier, Robots, Rules, Vetting
from .reach.roots import AdmittedPlaces
from .runtime.clock import monotonic, wall
from .runtime.thread_reader import read_batches
from .settings import Config
from .standing import RobotsState
from .visit import Visitor

FIRST = 20
"""Requests that are shown: about one screen."""
MOST_SEEDS = 10_000
"""The most seeds that are looked at, since a list may have no end."""
MOST_SITES = 100
"""The most sites that are asked for robots.txt: the first of the list, five times as many as are shown."""
MOST_SITEMAPS = 20
"""The most sitemaps that are read, over all sites."""
PATIENCE_S = 5.0
"""A sitemap whose turn comes later than this is shown and not read."""
AT_ONCE = 32
"""Visits made at a time."""
_SITEMAP = re.compile(r"/[^/?]*sitemap[^/?]*\.(?:xml|txt)(?:\.gz)?(?:\?|$)", re.IGNORECASE)
_TICK_S = 1e-6
"""More than the rounding error of the sum of two times."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request that would be made, in the order in which the frontier lends them."""

    url: Url
    in_s: float
    """Seconds from the start of the crawl, if every answer came at once."""
    depth: int
    via: Url | None
    """The URL that named it; None: it is a seed."""
    was_read: bool = False
    """It is a sitemap that was fetched and read for this dry run."""
    rules: tuple[str, ...] = ()
    """The names of the tables of `sites` that its site matches, the one that wins first."""
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that would not be made, or would fail."""

    url: Url
    reason: Reason
    detail: str
    """The rule that decided, in a few words for a person."""
    method: str = "GET"


@dataclass(slots=True)
class Rehearsal:
    """The result of a dry run: the first requests, and those that would be refused."""

    first: list[Turn] = field(default_factory=list)
    """The first requests, in the order in which they would be made."""
    refused: list[Refusal] = field(default_factory=list)
    """Seeds that would not be fetched, each with the reason."""
    seeds: int = 0
    """Distinct seeds that were looked at."""
    repeated: int = 0
    """Seeds that are the same as another one."""
    is_cut: bool = False
    """Whether there may be more seeds that were not looked at."""
    sites: int = 0
    """Sites of the seeds that are in scope."""
    asked: int = 0
    """Sites that were asked for robots.txt; if that is ignored, sites whose addresses were vetted."""
    queued: int = 0
    """URLs known now that would be fetched later. On sites that were not asked, robots.txt may forbid some."""


async def rehearse(
    seeds: Iterable[Url | Request], config: Config, *, first: int = FIRST, most_seeds: int = MOST_SEEDS
) -> Rehearsal:
    """Returns what a new crawl of these seeds would fetch first and what it would refuse, without fetching pages.

    Frontier, rules and visits are those of a real crawl. Where nothing is sent, time is simulated; between requests
    for robots.txt and sitemaps, sites rest as they do in a crawl. Raises SeedError, ConfigError.
    """
    require_asyncio()
    if config.fetch.archives:
        why = "a dry run asks the network, and a replay does not: replay into a new folder instead"
        raise ConfigError(f"fetch.archives: {why}", ["fetch.archives"], [why])
    first = min(first, config.scope.limit or first)
    result, clock = Rehearsal(), _SimulatedClock()
    ground = AdmittedPlaces(config.scope.reach, config.scope.follow_moved_seeds, Admitted())
    scope = parts.scope(config, ground.admitted)
    requests = await _read_seeds(seeds, config, most_seeds, result)
    for request in requests:
        ground.admit(request.url, None)
    within = _keep_in_scope(requests, scope, result)
    chosen = _keep_first_sites(within, result)
    async with (
        parts.open_fetcher(config, parts.budget(config)) as fetcher,
        open_memory(parts.terms(config), clock=Clock(clock.now, wall)) as frontier,
    ):
        asking = _KeptRobots(parts.robots(config, fetcher, Inline()))
        actor = _SitemapFetcher(fetcher, clock)
        visitor = Visitor(
            asking, actor, Inline(), frontier, scope, parts.politeness(config),
            parts.job(config, scope, frontier.key), takes_sitemaps=config.scope.sitemaps, admit=ground.admit,
        )  # fmt: skip
        await frontier.add(chosen)
        stage = _Stage(frontier, visitor, asking, actor, result)
        await stage.play(first)
        forbidden = stage.forbidden(chosen)
        result.refused += forbidden
        result.asked = len(asking.answers)
        result.queued = frontier.counts().queued - len(forbidden) + len(within) - len(chosen)
    return result


async def _read_seeds(seeds: Iterable[Url | Request], config: Config, most: int, result: Rehearsal) -> list[Request]:
    """Returns the distinct seeds in canonical spelling, read in a thread: they may come from a slow disk or a pipe."""
    policy, found, number = parts.policy(config), dict[str, Request](), 0
    async with aclosing(read_batches(islice(seeds, most))) as read:
        async for batch in read:
            number += len(batch)
            for seed in batch:
                given = seed if isinstance(seed, Request) else Request(seed)
                request = urls.check_request(given, policy)
                found.setdefault(request.identity, request)
    result.seeds, result.repeated, result.is_cut = len(found), number - len(found), number == most
    return list(found.values())


def _keep_in_scope(requests: Sequence[Request], scope: Scope, result: Rehearsal) -> list[Request]:
    kept = []
    for request in requests:
        ruling = scope.explain(request)
        if ruling.reason is None:
            kept.append(request)
        else:
            result.refused.append(
                Refusal(request.url, ruling.reason, f"{ruling.rule} {ruling.pattern}".strip(), request.method)
            )
    return kept


def _keep_first_sites(requests: Sequence[Request], result: Rehearsal) -> list[Request]:
    sites = dict.fromkeys(request.url.site for request in requests)
    result.sites, near = len(sites), set(islice(sites, MOST_SITES))
    return [request for request in requests if request.url.site in near]


@dataclass(slots=True)
class _Stage:
    """Plays the beginning of the crawl."""

    frontier: Frontier
    visitor: Visitor
    asking: _KeptRobots
    actor: _SitemapFetcher
    result: Rehearsal
    met: set[str] = field(default_factory=set)
    """The identities of requests that were visited."""

    async def play(self, first: int) -> None:
        """Visits until `first` requests are known, or nothing is left."""
        clock = self.actor.clock
        while len(self.result.first) < first:
            leases = await self.frontier.lease(min(AT_ONCE, first - len(self.result.first)))
            if not leases and not self._move_to_next_turn(clock):
                break
            outcomes = await asyncio.gather(*map(self.visitor.visit, leases))
            clock.catch_up()
            ended = [_finish(outcome, clock.now()) for outcome in outcomes]
            for outcome in ended:
                self._note(outcome)
                outcome.release()
            await self.frontier.settle(ended, {})

    def forbidden(self, requests: Sequence[Request]) -> list[Refusal]:
        """Returns the requests not visited that the answers known by now forbid."""
        answers = self.asking.answers
        left = [one for one in requests if one.identity not in self.met and one.url.site in answers]
        return [refusal for one in left if (refusal := _find_refusal(one, answers[one.url.site]))]

    def _move_to_next_turn(self, clock: _SimulatedClock) -> bool:
        waits = [site.next_turn_in_s or 0.0 for site in self.frontier.busiest(2 * MOST_SITES) if site.queued]
        clock.move(min(waits, default=0.0) + _TICK_S)
        return bool(waits)

    def _note(self, outcome: Outcome) -> None:
        request, url, actor = outcome.request, outcome.url, self.actor
        if outcome.is_final:
            self.met.add(request.identity)
        if request.identity in actor.turns:
            in_s, is_read = actor.turns[request.identity]
            was_read = is_read and outcome.page is not None
            rules = self.visitor.politeness.sites.find(url.site).rules
            self.result.first.append(Turn(url, in_s, request.depth, request.via, was_read, rules, request.method))
        if outcome.reason is Reason.ROBOTS:
            self.result.refused += filter(None, [_find_refusal(request, self.asking.answers[url.site])])
        elif outcome.reason and outcome.disposition in (Disposition.EXCLUDED, Disposition.FAILED):
            self.result.refused.append(Refusal(url, outcome.reason, outcome.detail, request.method))


def _finish(outcome: Outcome, now: float) -> Outcome:
    """Returns the outcome as final, since a dry run tries nothing twice, and with simulated time."""
    ended = now if outcome.ended else 0.0
    if outcome.is_final or outcome.reason is None:
        return replace(outcome, ended=ended)
    return replace(outcome, disposition=Disposition.FAILED, retry_in_s=None, ended=ended)


def _find_refusal(request: Request, answer: Rules | FetchError) -> Refusal | None:
    """Returns the refusal if a site's robots.txt forbids the URL or cannot be fetched; else None."""
    url, method = request.url, request.method
    if isinstance(answer, FetchError):
        return Refusal(url, answer.reason, answer.detail, method)
    if answer.allows(url):
        return None
    verdict = answer.verdict(url)
    return Refusal(url, Reason.ROBOTS, f"line {verdict.line}: {verdict.rule}" if verdict.line else "", method)


class _SimulatedClock:
    """A simulated clock: it moves from turn to turn, and is never behind the real one."""

    def __init__(self) -> None:
        self._begun = self._now = monotonic()

    def now(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        self._now += seconds

    def catch_up(self) -> None:
        self._now = max(self._now, monotonic())

    @property
    def elapsed(self) -> float:
        return self._now - self._begun

    @property
    def ahead(self) -> float:
        """Seconds by which this clock is ahead of the real one."""
        return max(0.0, self._now - monotonic())


class _KeptRobots:
    """Keeps the robots.txt of each site, so that a dry run asks no site twice."""

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

    def state(self, site: str) -> RobotsState:
        return self._robots.state(site)

    def ask_again(self) -> None:
        """Forgets the answers, so that each site is asked again."""
        self.answers.clear()
        self._robots.ask_again()


class _SitemapFetcher:
    """A Fetcher that fetches only sitemaps. It notes every other request and returns an empty page for it."""

    def __init__(self, fetcher: Vetting, clock: _SimulatedClock) -> None:
        self.clock = clock
        self.turns: dict[str, tuple[float, bool]] = {}
        """When each request was made, by identity, and whether it was really fetched."""
        self._fetcher = fetcher
        self._sitemaps = 0

    async def fetch(self, request: Request) -> Response:
        """Returns an answer. Raises FetchError if the address is not allowed, or the sitemap cannot be fetched."""
        await self._fetcher.vet(request)
        is_read = (
            request.is_plain
            and self._is_sitemap(request)
            and self._sitemaps < MOST_SITEMAPS
            and self.clock.ahead <= PATIENCE_S
        )
        self.turns[request.identity] = self.clock.elapsed, is_read
        if not is_read:
            return Response(request.url, 200, ())
        self._sitemaps += 1
        await asyncio.sleep(self.clock.ahead)  # until the site's turn in real time
        return await self._fetcher.fetch(request)

    def _is_sitemap(self, request: Request) -> bool:
        """Whether robots.txt, an index or its own name calls it a sitemap."""
        return request.priority < SITEMAP_FIRST // 2 or bool(_SITEMAP.search(request.url.path))
