"""Samples sites by a crawl of their first pages: notes what they bring, and holds a site that brought enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from ..forecast import PageSeen, Sample
from ..model import Disposition, Outcome, Position, Reason, Request, Url
from ..parse import SITEMAP_FIRST
from ..protocols import Rules
from .running import Crawl

LOOK_S = 0.1
MOST_LISTED = 500_000
"""URLs of one site that are kept: ten full sitemaps."""
_MADE = frozenset({Disposition.FETCHED, Disposition.REDIRECTED, Disposition.DUPLICATE, Disposition.FAILED})


@dataclass(slots=True)
class SiteSeen:
    """The sample of one site as it grows."""

    site: str
    start: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    sitemaps: int = 0
    """Sitemaps that were read."""
    known: set[str] = field(default_factory=set)
    """All URLs of the site that belong to the crawl, those that robots.txt forbids among them."""
    rest_s: float = 0.0
    """How long it rested after its last answer."""
    asked_s: float = 0.0
    refusal: tuple[Reason, str] | None = None
    """Why its first URL brought nothing."""
    visits: list[PageSeen] = field(default_factory=list)

    def sample(self, rules: Rules | None) -> Sample:
        """Returns the sample, without the URLs that robots.txt forbids."""
        allowed = {one for one in self.known if rules is None or rules.allows(Url(one))}
        pages = [one._replace(links=one.links & allowed) for one in self.visits]
        return Sample(pages, self.start & allowed | {page.url for page in pages}, self.listed & allowed)


class Taster:
    """A sink that keeps what forecasts need of the sites that are sampled."""

    name = "forecast"

    def __init__(self, sites: Mapping[str, Collection[Request]], enough: int) -> None:
        self.hold: Callable[[str], None] = _hold_none
        """Called with each site that was sampled enough, and with each that is not to be sampled."""
        self.sites: dict[str, SiteSeen] = {site: SiteSeen(site) for site in sites}
        for site, requests in sites.items():
            texts = {request.url.text for request in requests}
            self.sites[site].start |= texts
            self.sites[site].known |= texts
        self.others: set[str] = set()
        """Sites that links lead to and that are not sampled."""
        self._enough = enough

    async def rewind(self, position: Position | None) -> None:
        """Does nothing: the crawl is new."""

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        for outcome in outcomes:
            self._take(outcome)
        for site in {outcome.url.site for outcome in outcomes}:
            if site not in self.sites or len(self.sites[site].visits) >= self._enough:
                self.hold(site)
        return {}

    def _take(self, outcome: Outcome) -> None:
        seen = self.sites.get(outcome.url.site)
        if seen is None:
            return
        if outcome.response is not None:
            seen.rest_s = outcome.rest_s
        if outcome.asked_s is not None:
            seen.asked_s = outcome.asked_s
        if not outcome.is_final:
            return
        if outcome.disposition not in _MADE or (outcome.disposition is Disposition.FAILED and not outcome.response):
            seen.refusal = seen.refusal or (outcome.reason or Reason.INTERNAL, outcome.detail)
            seen.known.discard(outcome.url.text)
            seen.start.discard(outcome.url.text)
            return
        is_sitemap = outcome.page is not None and outcome.page.kind == "sitemap"
        news = self._learn(outcome, is_sitemap=is_sitemap)
        if is_sitemap:
            seen.sitemaps += 1
            for site, texts in news.items():
                self.sites[site].listed |= texts
            seen.known.discard(outcome.url.text)
            seen.start.discard(outcome.url.text)
        else:
            self._note_visit(seen, outcome, news.get(seen.site, set()))

    def _learn(self, outcome: Outcome, *, is_sitemap: bool) -> dict[str, set[str]]:
        """Takes the URLs that a visit found and that belong to the crawl; returns them by site."""
        found: dict[str, set[str]] = {}
        texts = [request.url.text for request in outcome.found if request.priority >= SITEMAP_FIRST // 2]
        if outcome.page is not None:
            priorities = memoryview(outcome.page.news.priorities).cast("b")
            news = outcome.page.news.split()
            is_nested = [one < SITEMAP_FIRST // 2 for one in priorities] or [False] * len(news)
            texts += [text for text, nested in zip(news, is_nested, strict=True) if not nested]
        for text in texts:
            site = Url(text).site
            if site not in self.sites:
                if site not in self.others:
                    self.hold(site)
                self.others.add(site)
            elif len(self.sites[site].known) < MOST_LISTED:
                self.sites[site].known.add(text)
                found.setdefault(site, set()).add(text)
        return found

    def _note_visit(self, seen: SiteSeen, outcome: Outcome, news: Collection[str]) -> None:
        page, response = outcome.page, outcome.response
        links = orjson.loads(page.links_json) if page is not None and page.links_json else []
        is_page = outcome.disposition is Disposition.FETCHED
        size = len(response.body) if response is not None else 0
        seen.visits.append(PageSeen(outcome.url.text, frozenset([*links, *news]), is_page, size, _answer_s(outcome)))


def _answer_s(outcome: Outcome) -> float:
    """Returns the seconds of the exchange alone: what we spend on a page does not delay the next one."""
    if outcome.response is None:
        return 0.0
    took = outcome.response.timings
    return (took.dns + took.connect + took.ttfb + took.download + took.render) / 1000


def _hold_none(site: str) -> None:
    """Does nothing: the crawl has not begun."""


async def sample_sites(crawl: Crawl, seeds: Sequence[Request], taster: Taster) -> None:
    """Runs the crawl until every site was sampled enough, or has no more pages."""
    taster.hold = crawl.hold
    running = asyncio.create_task(crawl.run(seeds))
    try:
        while not running.done():
            await asyncio.wait([running], timeout=LOOK_S)
            if not running.done() and _rests(crawl):
                crawl.stop()
        await running
    finally:
        running.cancel()


def _rests(crawl: Crawl) -> bool:
    """Whether nothing is left to do but at sites that are held."""
    now = crawl.snapshot()
    held = crawl.held
    left = [view for view in crawl.sites(len(held) + 1) if view.site not in held]
    return bool(held) and not now.reads_seeds and not left and not now.counts.leased
