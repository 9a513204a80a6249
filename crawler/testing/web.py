"""The description of a fake web, and the truth about it: what each URL is, and which URLs can be reached.

Nothing here uses a line of the crawler's own URL, robots or parsing code: the truth must not share the crawler's
mistakes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from crawler.testing import pages
from crawler.testing.pages import Disposition, Page
from crawler.testing.robots import Robots

REACHABLE_LIMIT = 1_000_000  # more than any test wants: beyond it, a trap was followed

Trap = Callable[[str], Page]


@dataclass(frozen=True, slots=True)
class Site:
    """One host of the web.

    `host` is a name ("alpha.test") or a loopback address. `pages` maps a path, with its query if it has one, to a
    page; a query nobody described gets the page of the path alone. `traps` maps a path prefix to a function that
    makes a page for every target below. `address` is the loopback address wanted; by default each site gets one of
    its own.
    """

    host: str
    pages: Mapping[str, Page] = field(default_factory=dict)
    robots: Robots = field(default_factory=Robots)
    traps: Mapping[str, Trap] = field(default_factory=dict)
    address: str | None = None

    def page(self, target: str) -> Page:
        """What this site answers to a path and query."""
        for book in (self.robots.pages, self.pages):
            if (page := book.get(target) or book.get(target.partition("?")[0])) is not None:
                return page
        trap = max((prefix for prefix in self.traps if target.startswith(prefix)), key=len, default=None)
        return pages.missing() if trap is None else self.traps[trap](target)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a right crawl finds at a URL. `same_as` is the first URL with this very page, for a duplicate."""

    status: int | None
    title: str | None
    disposition: Disposition
    same_as: str | None = None


class Web:
    """Sites, and the truth about them.

    As described, URLs name the sites (`http://alpha.test/`); the web of a `Served` speaks of the URLs as they are
    served.
    """

    def __init__(
        self, sites: Sequence[Site], seeds: Iterable[str] = (), authorities: Mapping[str, str] | None = None
    ) -> None:
        """`seeds` (default: the home of the first site) are where a crawl should begin. ValueError for a host twice."""
        if len({site.host for site in sites}) < len(sites):
            raise ValueError("two sites of a web have the same host: put their pages into one")
        self.sites = tuple(sites)
        self.authorities = {site.host: site.host for site in sites} | dict(authorities or {})
        self._by_authority = {self.authorities[site.host]: site for site in sites}
        self._seeds = tuple(seeds) or tuple(f"http://{site.host}/" for site in sites[:1])

    @property
    def seeds(self) -> list[str]:
        """Where a crawl of this web should begin."""
        return [self.place(seed) for seed in self._seeds]

    @property
    def homes(self) -> list[str]:
        """The `/` of every site."""
        return [self.url(site.host) for site in self.sites]

    def at(self, authorities: Mapping[str, str]) -> Web:
        """The same web, its sites served under these authorities (host -> host:port)."""
        return Web(self.sites, self._seeds, authorities)

    def url(self, host: str, target: str = "/") -> str:
        """The URL of a target on a site."""
        return f"http://{self.authority(host)}{target}"

    def authority(self, host: str) -> str:
        """host:port under which a site is served; an authority stays what it is."""
        return self.authorities.get(host, host)

    def place(self, href: str) -> str:
        """A link as described -> the link as served: only the host of an absolute link changes."""
        start = href.find("//") + 2
        if start == 1 or href[: start - 2] not in ("", "http:"):
            return href
        end = min((at for at in (href.find(mark, start) for mark in "/?#") if at >= 0), default=len(href))
        return href[:start] + self.authorities.get(href[start:end], href[start:end]) + href[end:]

    def site(self, url: str) -> Site | None:
        """The site of a URL; None if it is not of this web."""
        return self._by_authority.get(urlsplit(url).netloc)

    def page(self, url: str) -> Page | None:
        """The page of a URL (a 404 if its site does not know it); None if the URL is not of this web."""
        site = self.site(url)
        return None if site is None else site.page(target_of(url))

    def links(self, url: str) -> list[str]:
        """Where the page of a URL points: absolute, without fragments, each once, in order."""
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
        """Every URL described, site by site; what a trap would make up is not among them."""
        return (self.url(site.host, target) for site in self.sites for target in site.pages)

    def truth(self) -> dict[str, Expected]:
        """What a right crawl finds at every URL described, reachable or not."""
        first: dict[int, str] = {}
        return {url: self.expected(url, first) for url in self.urls()}

    def expected(self, url: str, first: dict[int, str] | None = None) -> Expected:
        """What a right crawl finds at one URL. `first` remembers where each page was met, to tell duplicates."""
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
        """Every URL a crawl from the seeds must ask for, failing ones too; those robots.txt forbids are not among them.

        `follow_hosts` (names or host:port; default: all sites) bounds where links lead. A redirect costs no depth.
        ValueError beyond `limit` URLs: an endless trap is in reach, so bound the question by `max_depth`.
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
        """Breadth first; a redirect's target goes to the front, for it stands at the depth of the redirect."""
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
    """Path and query of a URL, as a client sends them."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def resolve(base: str, href: str) -> str:
    """An href -> absolute http URL without fragment, dot segments, default port (RFC 3986, 5); "" if not http."""
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
