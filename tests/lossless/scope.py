"""Scope: a link belongs to the crawl if the reach of any seed admits it; one seed more takes no page away."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import urljoin, urlsplit

from crawler.testing import Page, Site
from tests.lossless.bench import Bench, Crawl, Kind
from tests.lossless.webs import essay, page, within

Admits = Callable[[str, str], bool]
"""Whether the reach of a seed admits a URL: seed, URL."""


def by_prefix(seed: str, url: str) -> bool:
    root, asked = urlsplit(seed), urlsplit(url)
    return (root.netloc, asked.path.startswith(root.path.rpartition("/")[0] + "/")) == (asked.netloc, True)


def by_host(seed: str, url: str) -> bool:
    return urlsplit(seed).netloc == urlsplit(url).netloc


def by_domain(seed: str, url: str) -> bool:
    one, other = (urlsplit(one).hostname or "" for one in (seed, url))
    return one.split(".")[-2:] == other.split(".")[-2:]


REACHES: dict[str, Admits] = {"prefix": by_prefix, "host": by_host, "domain": by_domain}


class Written:
    """A web as a table of links between URLs that name hosts without ports."""

    def __init__(self, links: dict[str, list[str]]) -> None:
        links = {url: [urljoin(url, link) for link in many] for url, many in links.items()}
        every = dict.fromkeys([*links, *(link for many in links.values() for link in many)])
        self.links = {url: links.get(url, []) for url in every}

    def sites(self) -> list[Site]:
        books: dict[str, dict[str, Page]] = {}
        for url, links in self.links.items():
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            books.setdefault(parts.netloc, {})[target] = page(f"Page {url}", links, essay(url))
        return [Site(host, pages) for host, pages in books.items()]

    def truth(self, seeds: Iterable[str], reach: str, max_depth: int | None = None) -> dict[str, int]:
        roots = list(seeds)
        admits = REACHES[reach]
        return within(roots, self.links.__getitem__, max_depth, lambda url: any(admits(root, url) for root in roots))


async def union(bench: Bench, links: dict[str, list[str]], seeds: list[str], reach: str) -> None:
    """Each seed alone, then all together: the pages of all are those of any reach."""
    web = Written(links)
    for chosen in ([seeds[0]], seeds, seeds[::-1]):
        async with bench.crawl(*web.sites(), seeds=chosen, by_name=True, options=("--reach", reach)) as crawl:
            await crawl.run()
            crawl.is_exactly(placed(crawl, web.truth(chosen, reach)))


def placed(crawl: Crawl, urls: Iterable[str]) -> set[str]:
    """URLs as they are served."""
    return {crawl.served.web.place(url) for url in urls}


PREFIXES = {
    "http://h.test/": ["/about/"],
    "http://h.test/about/": [],
    "http://h.test/docs/": ["/docs/x"],
    "http://h.test/docs/x": ["/hidden/page"],
    "http://h.test/hidden/page": ["/hidden/more"],
}
HOSTS = {
    "http://a.test/": ["/one", "http://b.test/only-a-links-here"],
    "http://a.test/one": ["http://c.test/out"],
    "http://b.test/": ["/two", "http://a.test/only-b-links-here"],
    "http://b.test/only-a-links-here": ["/three"],
}
DOMAINS = {
    "http://www.example.org/": ["http://shop.example.org/", "http://blog.example.com/only-one-links-here"],
    "http://shop.example.org/": ["http://three.test/out"],
    "http://www.example.com/": ["http://shop.example.com/", "http://img.example.org/only-two-links-here"],
    "http://blog.example.com/only-one-links-here": ["http://old.example.com/"],
}


async def random_webs(bench: Bench, rounds: int = 2) -> None:
    """Random links among folders of hosts of domains: exact for two sets of seeds, one of which holds the other."""
    chance = random.Random(bench.seed)
    for reach in ("prefix", "host", "domain")[: rounds + 1]:
        hosts = [
            f"{name}.{domain}"
            for domain in ("example.org", "example.com", "example.net")
            for name in ("www", "shop", "old")
        ]
        urls = [f"http://{host}/{folder}{n}" for host in hosts for folder in ("", "x/", "y/") for n in range(4)]
        web = Written({url: chance.sample(urls, k=2) for url in urls})
        seeds = chance.sample(urls, k=5)
        for chosen in (seeds[:2], seeds):
            async with bench.crawl(*web.sites(), seeds=chosen, by_name=True, options=("--reach", reach)) as crawl:
                await crawl.run()
                crawl.is_exactly(placed(crawl, web.truth(chosen, reach)))


async def late_seed(bench: Bench) -> None:
    """A seed that comes once a page has been read that links to its host: that link belongs to the crawl."""
    web = Written({**HOSTS, "http://b.test/only-a-links-here": []})
    async with bench.crawl(*web.sites(), by_name=True) as crawl:
        first, second = (crawl.served.url(host) for host in ("a.test", "b.test"))
        await crawl.run(seeds=["-"], given=[("", f"{first}\n"), (f"{first}one", f"{second}\n")])
        crawl.is_exactly(placed(crawl, web.truth(["http://a.test/", "http://b.test/"], "host")))


async def many_seeds(bench: Bench) -> None:
    """Two thousand folders as seeds: a page in the last of them is found though only the first one links to it."""
    folders = 2000
    links = {f"http://h.test/f{n}/": [f"/f{(n * 7 + 1) % folders}/hidden"] for n in range(folders)}
    web = Written(links)
    file = bench.folder / "folders.txt"
    async with bench.crawl(*web.sites(), inline=False, by_name=True, options=("--reach", "prefix")) as crawl:
        file.write_text("".join(f"{crawl.served.web.place(url)}\n" for url in links))
        await crawl.run(seeds=[str(file)])
        crawl.is_exactly(placed(crawl, web.links))


KINDS = (
    Kind(
        "scope/prefix", partial(union, links=PREFIXES, seeds=["http://h.test/docs/", "http://h.test/"], reach="prefix")
    ),
    Kind("scope/host", partial(union, links=HOSTS, seeds=["http://a.test/", "http://b.test/"], reach="host")),
    Kind(
        "scope/domain",
        partial(union, links=DOMAINS, seeds=["http://www.example.org/", "http://www.example.com/"], reach="domain"),
    ),
    Kind("scope/late-seed", late_seed),
    Kind("scope/random", random_webs),
    Kind("scope/many-seeds", many_seeds),
)
