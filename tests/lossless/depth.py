"""Depth: the shortest way counts, whatever came first, and whatever failed for a while."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from functools import partial

from crawler import urls
from crawler.frontier import look
from crawler.testing import Page, Site, error, failing, reset
from tests.lossless.bench import Bench, Kind
from tests.lossless.scope import Written, placed
from tests.lossless.webs import linked, page, within


async def seeds_that_link(bench: Bench, number: int, rounds: int = 1, hosts: int = 40) -> None:
    """A list of seeds by turns from many hosts, each of which links to one far behind it: all leaves are in depth 1."""

    def links(n: int) -> list[str]:
        """Of seed `n`: to others of its host, which stand half a list away, and close by."""
        return [f"/s/{(n + step) % number}" for step in (number // 2, hosts, 3 * hosts)] + [f"/leaf/{n}"]

    sites = [
        linked(
            f"h{host}.test",
            {f"/s/{n}": links(n) for n in range(host, number, hosts)}
            | {f"/leaf/{n}": [f"/beyond/{n}"] for n in range(host, number, hosts)},
        )
        for host in range(hosts)
    ]
    for _ in range(rounds):
        async with bench.crawl(*sites, inline=False, options=("--depth", "1")) as crawl:
            every = [[crawl.url(f"/{kind}/{n}", f"h{n % hosts}.test") for n in range(number)] for kind in ("s", "leaf")]
            file = bench.folder / f"seeds-{number}.txt"
            file.write_text("".join(f"{seed}\n" for seed in every[0]))
            await crawl.run(seeds=[str(file)])
            crawl.is_exactly([*every[0], *every[1]])
            deep = [url for url, one in crawl.last.items() if "/s/" in url and one["depth"]]
            if deep:
                crawl.wrong(f"{len(deep)} seeds are recorded at depth 1")


async def hosts_that_link(bench: Bench, number: int = 300) -> None:
    """Likewise with a host name for each seed, and a page on each that only another host links to."""
    links = {
        f"http://h{n}.test/": [f"http://h{(n * 7 + 1) % number}.test/", "/leaf", f"http://h{(n + 1) % number}.test/far"]
        for n in range(number)
    }
    links |= {f"http://h{n}.test/leaf": ["/beyond"] for n in range(number)}
    web = Written(links)
    sites = [replace(site, address="127.0.9.1") for site in web.sites()]
    seeds = [f"http://h{n}.test/" for n in range(number)]
    options = ("--depth", "1", "--set", "politeness.per_ip=64")
    async with bench.crawl(*sites, by_name=True, inline=False, options=options) as crawl:
        file = bench.folder / "hosts.txt"
        file.write_text("".join(f"{crawl.served.web.place(seed)}\n" for seed in seeds))
        await crawl.run(seeds=[str(file)])
        crawl.is_exactly(placed(crawl, web.truth(seeds, "host", 1)))


async def setback_on_the_short_way(bench: Bench) -> None:
    """The short way answers 503 first, so that the long way is walked before it: the leaf is within the depth."""
    graph = {
        "/": ["/short", "/long"], "/short": ["/goal"], "/long": ["/longer"], "/longer": ["/goal"],
        "/goal": ["/leaf"], "/leaf": ["/beyond"], "/beyond": [],
    }  # fmt: skip
    site = linked("ways.test", graph)
    tired = {"/short": failing(site.pages["/short"], times=1, by=error(503))}
    async with bench.crawl(replace(site, pages={**site.pages, **tired}), options=("--depth", "3")) as crawl:
        await crawl.run()
        truth = within(["/"], graph.__getitem__, 3)
        crawl.is_exactly([crawl.url(target) for target in truth])


async def seed_on_standard_input(bench: Bench) -> None:
    """A seed that comes after a page linked to it, and after it was visited for that, is a seed."""
    graph = {"/a": ["/b"], "/b": ["/c"], "/c": ["/d"], "/d": []}
    async with bench.crawl(linked("input.test", graph), options=("--depth", "1")) as crawl:
        given = [("", f"{crawl.url('/a')}\n"), (crawl.url("/b"), f"{crawl.url('/b')}\n")]
        await crawl.run(seeds=["-"], given=given)
        crawl.is_exactly([crawl.url(target) for target in ("/a", "/b", "/c")])
        path, wanted = crawl.folder / "frontier.sqlite", urls.parse(crawl.url("/b"))
        known = await asyncio.to_thread(look, path, lambda looked: looked.find(wanted))
        if known is None or known.depth:
            crawl.wrong(f"the frontier has /b at depth {known and known.depth}")


async def random_graphs(bench: Bench, rounds: int = 3, pages: int = 240) -> None:
    """Random links and random setbacks: the pages are those of a breadth-first walk."""
    for number in range(rounds):
        chance = random.Random(f"{bench.seed}-{number}")
        hosts = ("one.test", "two.test")
        every = [f"http://{host}/{n}" for host in hosts for n in range(pages // 2)]
        # Near numbers, so that there are long ways and short ones.
        links = {
            url: [every[(i + chance.randint(1, 9)) % pages], every[(i + 31) % pages]] for i, url in enumerate(every)
        }
        web = Written(links)
        sites = [replace(site, pages=_with_setbacks(site, chance)) for site in web.sites()]
        seeds, depth = chance.sample(every, k=2), 5
        seeds = [next(url for url in every if host in url) if not any(host in s for s in seeds) else s
                 for host, s in zip(hosts, seeds, strict=True)]  # fmt: skip
        async with bench.crawl(*sites, seeds=seeds, by_name=True, options=("--depth", str(depth))) as crawl:
            await crawl.run()
            crawl.is_exactly(placed(crawl, web.truth(seeds, "host", depth)))


def _with_setbacks(site: Site, chance: random.Random) -> dict[str, Page]:
    """Of six pages one answers 503 at first, one breaks off."""

    def tired(made: Page) -> Page:
        match chance.randrange(6):
            case 0:
                return failing(made, times=1, by=error(503))
            case 1:
                return failing(made, times=1, by=reset())
        return made

    return {target: tired(made) for target, made in site.pages.items()}


async def seed_known_deeper(bench: Bench) -> None:
    """Each seed is the last page that the depth admits from the one before."""
    graph = {f"/{n}": [f"/{n + 1}"] for n in range(30)} | {"/30": []}
    async with bench.crawl(linked("chain.test", graph), options=("--depth", "3"), per_site=1) as crawl:
        given = [("" if n == 0 else crawl.url(f"/{n}"), f"{crawl.url(f'/{n}')}\n") for n in (0, 3, 6)]
        await crawl.run(seeds=["-"], given=given)
        crawl.is_exactly([crawl.url(target) for target in within(["/0", "/3", "/6"], graph.__getitem__, 3)])


async def redirects_cost_nothing(bench: Bench) -> None:
    """The short way leads over redirects, one of which fails at first."""
    from crawler.testing import redirect

    pages = {
        "/": page("Home", ["/jump", "/slow"]),
        "/jump": redirect("/jump-2"),
        "/jump-2": failing(redirect("/hub"), times=1),
        "/slow": page("Slow", ["/hub"]),
        "/hub": page("Hub", ["/leaf"]),
        "/leaf": page("Leaf", ["/beyond"]),
    }
    async with bench.crawl(Site("jump.test", pages), options=("--depth", "2")) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(target) for target in pages])


KINDS = (
    Kind("depth/seeds-4000", partial(seeds_that_link, number=4000)),
    Kind("depth/seeds-1200", partial(seeds_that_link, number=1200, rounds=2)),
    Kind("depth/hosts", hosts_that_link),
    Kind("depth/setback", setback_on_the_short_way, is_quick=True),
    Kind("depth/redirects", redirects_cost_nothing),
    Kind("depth/standard-input", seed_on_standard_input),
    Kind("depth/known-deeper", seed_known_deeper),
    Kind("depth/random", random_graphs),
)
