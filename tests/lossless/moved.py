"""Seeds that redirect: next door all is theirs, elsewhere the landing page is."""

from __future__ import annotations

from functools import partial

from crawler.testing import Page, Site, redirect
from tests.lossless.bench import Bench, Kind
from tests.lossless.webs import essay, page

_SIZE = 20


def _shop(host: str, other: str) -> dict[str, Page]:
    """Pages of one host that link on, and to those of another."""
    pages = {
        f"/{n}": page(f"{host} {n}", [f"/{n + 1}", f"http://{other}/only-from-{n}"], essay(f"{host}{n}"))
        for n in range(_SIZE)
    }
    named = {f"/only-from-{n}": page(f"{host}, from {n}", [], essay(f"{host}-{n}")) for n in range(_SIZE)}
    return {**pages, f"/{_SIZE}": page("The end", [], essay(host)), **named}


async def next_door(bench: Bench, given: str, home: str, status: int = 301) -> None:
    """The home of one host is at another of the same domain: the links of each to the other belong to the crawl."""
    pages = _shop(home, given)
    sites = [Site(given, {"/": redirect(f"http://{home}/0", status), **_shop(given, home)}), Site(home, pages)]
    async with bench.crawl(*sites, seeds=[f"http://{given}/"], by_name=True) as crawl:
        await crawl.run()
        crawl.has([crawl.url("/"), *(crawl.url(f"/{n}", home) for n in range(_SIZE + 1))])
        crawl.has([crawl.url(f"/only-from-{n}", given) for n in range(_SIZE)])


async def elsewhere(bench: Bench, *options: str) -> None:
    """Three parked domains lead to a large site that nobody named: its landing page alone, unless we are told."""
    parked = [Site(f"parked{n}.test", {"/": redirect("http://market.test/landing")}) for n in range(3)]
    market = Site("market.test", {"/landing": page("Buy this domain", ["/0"]), **_shop("market.test", "a.test")})
    honest = Site("honest.test", {"/": page("Honest", ["/x"]), "/x": page("X", [], essay("x"))})
    seeds = [f"http://{site.host}/" for site in (*parked, honest)]
    async with bench.crawl(*parked, market, honest, Site("a.test"), seeds=seeds, by_name=True) as crawl:
        homes = [crawl.served.url(site.host) for site in parked]
        truth = [*homes, crawl.url("/landing", "market.test"), *(crawl.url(at, "honest.test") for at in ("/", "/x"))]
        await crawl.run()
        crawl.is_exactly(truth)
        crawl.says("moved")
        await crawl.run("--set", "scope.follow_moved_seeds=true")
        crawl.is_exactly([*truth, *(crawl.url(f"/{n}", "market.test") for n in range(_SIZE + 1))])


async def prefix_is_kept(bench: Bench) -> None:
    """The given folder redirects to a page outside of it: what lies in the folder belongs to the crawl."""
    pages = {
        "/docs/": redirect("/login"),
        "/login": page("Log in", ["/docs/a", "/docs/b/", "/blog/"]),
        "/docs/a": page("A", ["/docs/c"], essay("a")),
        "/docs/b/": page("B", ["/shop"], essay("b")),
        "/docs/c": page("C", [], essay("c")),
        "/blog/": page("Blog", [], essay("blog")),
        "/shop": page("Shop", [], essay("shop")),
    }
    seeds = ["http://docs.test/docs/"]
    async with bench.crawl(Site("docs.test", pages), seeds=seeds, options=("--reach", "prefix")) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(target) for target in ("/docs/", "/login", "/docs/a", "/docs/b/", "/docs/c")])


async def chain_of_moves(bench: Bench) -> None:
    """Apex, www, another path, and the links of all of them."""
    sites = [
        Site("example.net", {"/": redirect("http://www.example.net/", 302), "/deep": page("Deep", [], essay("deep"))}),
        Site(
            "www.example.net",
            {
                "/": redirect("/en/", 307),
                "/en/": page("English", ["/en/a", "http://example.net/deep", "/de/"]),
                "/en/a": page("A", [], essay("a")),
                "/de/": page("Deutsch", [], essay("de")),
            },
        ),
    ]
    async with bench.crawl(*sites, seeds=["http://example.net/"], by_name=True) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(at, site.host) for site in sites for at in site.pages])


KINDS = (
    Kind("moved/to-www", partial(next_door, given="example.org", home="www.example.org")),
    Kind("moved/to-apex", partial(next_door, given="www.example.org", home="example.org", status=302)),
    Kind("moved/elsewhere", elsewhere),
    Kind("moved/prefix", prefix_is_kept, is_quick=True),
    Kind("moved/chain", chain_of_moves),
)
