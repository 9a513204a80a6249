"""Describes a fake web, and knows the truth about it: the right result for each URL, and which URLs can be reached.

Nothing here uses the crawler's own code for URLs, robots or parsing: the truth must not share the crawler's mistakes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from crawler.testing import pages
from crawler.testing.pages import Disposition, Page
from crawler.testing.robots import Robots

REACHABLE_LIMIT = 1_000_000  # more than any test needs; beyond it, a trap was followed

Trap = Callable[[str], Page]


@dataclass(frozen=True, slots=True)
class Site:
    """One host of the web.

    `host` is a name ("alpha.test") or a loopback address. `pages` maps a path, with its query if it has one, to a
    page; a query that is not described gets the page of the path alone. `traps` maps a path prefix to a function that
    makes a page for every target below. `address` is the wanted loopback address; by default each site gets its own.
    """

    host: str
    pages: Mapping[str, Page] = field(default_factory=dict)
    robots: Robots = field(default_factory=Robots)
    traps: Mapping[str, Trap] = field(default_factory=dict)
    address: str | None = None

    def page(self, target: str) -> Page:
        """Returns the page of this site for a path and query."""
        for book in (self.robots.pages, self.pages):
            if (page := book.get(target) or book.get(target.partition("?")[0])) is not None:
                return page
        trap = max((prefix for prefix in self.traps if target.startswith(prefix)), key=len, default=None)
        return pages.missing() if trap is None else self.traps[trap](target)


@dataclass(frozen=True, slots=True)
class Expected:
    """The right result of a crawl for a URL. For a duplicate, `same_as` is the first URL with the same page."""

    status: int | None
    title: str | None
    disposition: Disposition
    same_as: str | None = None


class Web:
    """Holds sites, and the truth about them.

    As described, URLs contain the names of sites (`http://alpha.test/`); the web of a `Served` has the URLs as served.
    """

    def __init__(
        self, sites: Sequence[Site], seeds: Iterable[str] = (), authorities: Mapping[str, str] | None = None
    ) -> None:
        """A crawl begins at `seeds` (default: the first site's home). Raises ValueError if two hosts are equal."""
        if len({site.host for site in sites}) < len(sites):
            raise ValueError("two sites of a web have the same host: put their pages into one")
        self.sites: tuple[Site, ...] = tuple(sites)
        self.authorities: dict[str, str] = {site.host: site.host for site in sites} | dict(authorities or {})
        self._by_authority = {self.authorities[site.host]: site for site in sites}
        self._seeds = tuple(seeds) or tuple(f"http://{site.host}/" for site in sites[:1])

    @property
    def seeds(self) -> list[str]:
        """Returns the URLs where a crawl of this web should begin."""
        return [self.place(seed) for seed in self._seeds]

    @property
    def homes(self) -> list[str]:
        """Returns the URL of `/` on every site."""
        return [self.url(site.host) for site in self.sites]

    def at(self, authorities: Mapping[str, str]) -> Web:
        """Returns the same web with its sites under other authorities (host -> host:port)."""
        return Web(self.sites, self._seeds, authorities)

    def url(self, host: str, target: str = "/") -> str:
        """Returns the URL of a target on a site."""
        return f"http://{self.authority(host)}{target}"

    def authority(self, host: str) -> str:
        """Returns host:port under which a site is served. An authority is returned unchanged."""
        return self.authorities.get(host, host)

    def place(self, href: str) -> str:
        """Turns a link as described into the link as served. Only the host of an absolute link changes."""
        start = href.find("//") + 2
        if start == 1 or href[: start - 2] not in ("", "http:"):
            return href
        end = min((at for at in (href.find(mark, start) for mark in "/?#") if at >= 0), default=len(href))
        return href[:start] + self.authorities.get(href[start:end], href[start:end]) + href[end:]

    def site(self, url: str) -> Site | None:
        """Returns the site of a URL; None if it is not in this web."""
        return self._by_authority.get(urlsplit(url).netloc)

    def page(self, url: str) -> Page | None:
        """Returns the page of a URL (a 404 if its site does not have it); None if the URL is not in this web."""
        site = self.site(url)
        return None if site is None else site.page(target_of(url))

    def links(self, url: str) -> list[str]:
        """Returns the links of a URL's page: absolute, without fragments, each once, in order."""
        page = self.page(url)
        if page is None:
            return []
        base = resolve(url, self.place(page.base)) if page.base else url
        return list(dict.fromkeys(link for href in page.links if (link := resolve(base, self.place(href)))))

    def is_allowed(self, url: str) -> bool:
        """Whether the robots.txt of the URL's site lets a robot fetch it."""
        site = self.site(url)
        return site is not None and site.robots.rules.allows(target_of(url))

    def urls(self) -> Iterator[str]:
        """Yields every described URL, site by site, without those that traps make up."""
        return (self.url(site.host, target) for site in self.sites for target in site.pages)

    def truth(self) -> dict[str, Expected]:
        """Returns the right result for every described URL, reachable or not."""
        first: dict[int, str] = {}
        return {url: self.expected(url, first) for url in self.urls()}

    def expected(self, url: str, first: dict[int, str] | None = None) -> Expected:
        """Returns the right result for one URL. `first` remembers the first URL of each page, to find duplicates."""
        if not self.is_allowed(url):
            return Expected(None, None, "excluded")
        page = self.page(url) or pages.missing()
        original = (first if first is not None else {}).setdefault(id(page), url)
        if original != url and page.disposition == "fetched":
            return Expected(page.status, page.title, "duplicate", original)
        return Expected(page.status, page.title, page.disposition)

    def reachable(
        self,
        seeds: Iterable[str] | None = None,
        follow_hosts: Collection[str] | None = None,
        *,
        max_depth: int | None = None,
        obey_robots: bool = True,
        limit: int = REACHABLE_LIMIT,
    ) -> set[str]:
        """Returns every URL that a crawl from the seeds must request: failing ones too, none forbidden by robots.txt.

        `follow_hosts` (names or host:port; default: all sites) bounds where links lead. A redirect costs no depth.
        Raises ValueError beyond `limit` URLs: then an endless trap is in reach, so bound the question by `max_depth`.
        """
        hosts = {self.authority(host) for host in (self.authorities if follow_hosts is None else follow_hosts)}

        def is_in_reach(url: str) -> bool:
            return urlsplit(url).netloc in hosts and (not obey_robots or self.is_allowed(url))

        return self._walk(
            [resolve(seed, seed) for seed in (self.seeds if seeds is None else seeds)], is_in_reach, max_depth, limit
        )

    def _walk(
        self, seeds: Iterable[str], is_in_reach: Callable[[str], bool], max_depth: int | None, limit: int
    ) -> set[str]:
        """Walks breadth first. A redirect's target goes to the front, because it has the redirect's depth."""
        depths: dict[str, int] = {}
        queue = deque((seed, 0) for seed in seeds if is_in_reach(seed))
        while queue:
            url, depth = queue.popleft()
            if url in depths:
                continue
            depths[url] = depth
            if len(depths) > limit:
                raise ValueError(f"more than {limit} URLs in reach, the last is {url}: a trap? bound it by max_depth")
            page = self.page(url)
            is_redirect = page is not None and page.disposition == "redirected"
            fresh = [
                (link, depth + (not is_redirect))
                for link in self.links(url)
                if link not in depths and is_in_reach(link)
            ]
            if is_redirect:
                queue.extendleft(fresh)
            elif max_depth is None or depth < max_depth:
                queue.extend(fresh)
        return set(depths)


def target_of(url: str) -> str:
    """Returns path and query of a URL, as a client sends them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def resolve(base: str, href: str) -> str:
    """Resolves an href to an http URL without fragment, dot segments and default port (RFC 3986, 5); "" if not http."""
    parts = urlsplit(urljoin(base, href.strip()))
    if parts.scheme != "http":
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"http://{parts.netloc.lower().removesuffix(':80')}{_without_dots(parts.path)}{query}"


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    is_folder = segments[-1:] in (["."], [".."])
    return "/" + "/".join([*kept, ""] if is_folder and kept else kept)
