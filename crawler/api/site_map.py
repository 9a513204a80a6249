"""Lists the URLs of a site from its sitemaps and the links of one page, without fetching those URLs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack

import orjson

from .. import urls
from ..assembly.shared import Shared, open_shared
from ..errors import UrlError
from ..model import Outcome, Position, Url
from ..robots import RobotsMemory
from ..robots.memory import SharedRobots
from ..settings import Config, Settings
from ..settings.loading import amend, effective_user_agent
from ..sinks import Wants
from ..sinks.record import record
from .one_page import ALONE
from .opening import open_crawl
from .running import Crawl

Sources = Literal["both", "sitemaps", "links"]
"""Where URLs are taken from: sitemaps and the links of the page, or one of the two."""
MOST_SITEMAPS = 100
"""Sitemaps that are read for one map; more have 5,000,000 URLs."""
MOST_ROUNDS = 4
"""Levels of indexes. The protocol of sitemaps allows one."""
_SITEMAP = re.compile(r"sitemap[^/]*$|\.xml(?:\.gz)?$", re.IGNORECASE)
"""Matches the path of an entry of a sitemap that is a sitemap itself: sites call them so."""


@dataclass(frozen=True, slots=True)
class SiteMap:
    """The URLs of a site, as far as its sitemaps and one page name them."""

    urls: tuple[str, ...]
    """Those of the page's links first, in document order, then those of sitemaps. Each once."""
    title: str = ""
    """The title of the page."""
    sitemaps: tuple[str, ...] = ()
    """The sitemaps that were read."""
    record: Mapping[str, Any] | None = None
    """The record of the page; after redirects that of the last URL. None: no page was asked for."""
    is_whole: bool = True
    """Whether no bound cut the list: of URLs, of sitemaps, of time."""


async def map_site(
    url: str,
    config: Config | None = None,
    *,
    most: int = 5000,
    sources: Sources = "both",
    subdomains: bool = False,
    wait_s: float = 60.0,
    shared: Shared | None = None,
    **settings: Unpack[Settings],
) -> SiteMap:
    """Lists the URLs of the site of `url`, at most `most`: what its sitemaps and the links of that page name.

    Nothing but robots.txt, sitemaps and that page is fetched, as politely as `fetch_page` does. URLs that robots.txt
    disallows are listed, for they may be named. With `subdomains` all hosts of the registered domain count. If the
    time is over, the list has what was found by then. Raises TimeoutError if that is nothing, ConfigError, UrlError.
    """
    alone = {**ALONE, "scope.limit": None, "sinks": [{"kind": "jsonl", "links": True}]}
    config = amend(amend(config or Config(), settings), alone)
    start = urls.parse(url)
    found = _Found(start, sources, most, subdomains=subdomains)
    try:
        async with (
            asyncio.timeout(wait_s),
            nullcontext(shared) if shared else open_shared(config) as held,
        ):
            robots = held.robots or SharedRobots()
            parts = replace(held, robots=robots)
            async with open_crawl(config, sinks=[found], shared=parts, on_bad_seed="skip") as crawl:
                await _gather(crawl, found, robots.of(effective_user_agent(config)))
    except TimeoutError:
        found.is_whole = False
        if not found.is_something:
            raise
    return found.site_map()


async def _gather(crawl: Crawl, found: _Found, robots: RobotsMemory) -> None:
    for _ in range(MOST_ROUNDS):
        if not (seeds := found.take_wanted()):
            return
        await crawl.run(seeds)
        found.take_sitemaps(robots.sitemaps(found.site))
    found.is_whole = found.is_whole and not found.take_wanted()


class _Found:
    """A sink that gathers URLs."""

    name = "map"

    def __init__(self, start: Url, sources: Sources, limit: int, *, subdomains: bool) -> None:
        self._start = start
        self._limit = limit
        self._takes_sitemaps, self._takes_links = sources != "links", sources != "sitemaps"
        self._domain = urls.registered_domain(start) if subdomains else ""
        self._links: dict[str, None] = {}
        self._listed: dict[str, None] = {}
        self._asked: dict[str, None] = {}
        self._wanted: list[str] = []
        self._want([start.text] if self._takes_links else [])
        self._pages = set(self._asked)
        """URLs that are asked for as the page, and where they redirected to."""
        self._want([f"{start.site}/sitemap.xml"] if self._takes_sitemaps else [])
        self._read: list[str] = []
        self._record: Mapping[str, Any] | None = None
        self.is_whole = True

    @property
    def site(self) -> str:
        """The site whose URLs are listed."""
        return self._start.site

    @property
    def is_something(self) -> bool:
        """Whether anything was found by now."""
        return bool(self._links or self._listed)

    def take_wanted(self) -> Sequence[str]:
        """Returns what is to be fetched next."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def site_map(self) -> SiteMap:
        """Returns what was found."""
        every = list(dict.fromkeys([*self._links, *self._listed]))
        is_whole = self.is_whole and len(every) <= self._limit
        title = str((self._record or {}).get("title") or "")
        return SiteMap(tuple(every[: self._limit]), title, tuple(self._read), self._record, is_whole)

    async def rewind(self, position: Position | None) -> None:
        """Does nothing: the crawl is new."""

    def take_sitemaps(self, named: Iterable[str]) -> None:
        """Takes the sitemaps that robots.txt names."""
        if self._takes_sitemaps:
            self._want(named)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        for outcome in outcomes:
            self._take(outcome)
        return {}

    def _take(self, outcome: Outcome) -> None:
        said = orjson.loads(record(outcome, Wants(links=True)))
        links = said.get("links") or []
        if outcome.page is not None and outcome.page.kind == "sitemap":
            self._read.append(said["url"])
            nested = [link for link in links if _SITEMAP.search(link.partition("?")[0])]
            self._want(nested)
            self._keep(self._listed, (link for link in links if link not in self._asked))
        elif self._takes_links and outcome.request.anchor.text in self._pages:
            self._record = said
            if said["location"]:
                self._pages.add(said["location"])
            self._keep(self._links, [said["url"]] if outcome.page else [])
            self._keep(self._links, links)

    def _keep(self, into: dict[str, None], links: Iterable[str]) -> None:
        for link in links:
            if len(into) > self._limit:  # one more than is wanted, so that it is known to be cut
                return
            if self._belongs(link):
                into[link] = None

    def _want(self, texts: Iterable[str]) -> None:
        """Asks for URLs of this site, each once."""
        for text in texts:
            if len(self._asked) > MOST_SITEMAPS:
                self.is_whole = False
                return
            try:
                url = urls.parse(text, self._start)
            except UrlError:
                continue
            if url.text not in self._asked:
                self._asked[url.text] = None
                self._wanted.append(url.text)

    def _belongs(self, link: str) -> bool:
        url = Url(link)
        if self._domain:
            return urls.registered_domain(url) == self._domain
        return url.site == self._start.site
