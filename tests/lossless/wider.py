"""Wider settings: the same command with other settings goes on where the narrow ones had left something out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from crawler.testing import Answer, Asked, Page, Robots, Rules, Site, error, hung_up, robots, sitemap
from tests.lossless.bench import Bench, Kind
from tests.lossless.scope import Written, placed
from tests.lossless.webs import answering, essay, linked, page, within


def tree(branches: int = 4, levels: int = 4) -> dict[str, list[str]]:
    """Targets by their links: `/`, `/a1`, `/a1/b1`, ..."""
    graph: dict[str, list[str]] = {}
    level = ["/"]
    for letter in "abcdef"[:levels]:
        below = {above: [f"{above.rstrip('/')}/{letter}{n}" for n in range(branches)] for above in level}
        graph |= below
        level = [target for many in below.values() for target in many]
    return graph | {target: [] for target in level}


TREE = tree()


@dataclass(frozen=True, slots=True)
class Step:
    """One run of the command, and the targets that must have arrived after it."""

    options: Sequence[str]
    truth: Callable[[], Iterable[str]]


def _cut(words: Sequence[str]) -> Callable[[], Iterable[str]]:
    """The tree without what holds one of these words, and what lies below it."""
    return lambda: within(["/"], TREE.__getitem__, None, lambda target: not any(word in target for word in words))


def _deep(depth: int) -> Callable[[], Iterable[str]]:
    return lambda: within(["/"], TREE.__getitem__, depth)


def _all() -> Iterable[str]:
    return TREE


async def steps(bench: Bench, *todo: Step, site: Site | None = None) -> None:
    """Each run brings exactly what its settings admit, and fetches nothing of it anew that it has."""
    async with bench.crawl(site or linked("wide.test", TREE)) as crawl:
        for step in todo:
            await crawl.run(*step.options)
            crawl.is_exactly([crawl.url(target) for target in step.truth()])


def _nofollow_site() -> Site:
    """Every second page asks that its links are not followed."""

    def said(target: str) -> Page:
        forbids = "<meta name=robots content=nofollow>" if target.count("/") == 1 and target > "/a1" else ""
        return page(f"Page {target}", TREE[target], essay(target), forbids)

    return Site("wide.test", {target: said(target) for target in TREE})


def _followed() -> Iterable[str]:
    return within(["/"], lambda target: [] if target.count("/") == 1 and target > "/a1" else TREE[target])


def _images_site() -> Site:
    """Pages show pictures of other pages' names; every second one is known as a picture alone."""
    pages = {f"/{n}": page(f"Page {n}", [f"/{n + 2}"], essay(n), f"<img src=/{n + 1}>") for n in range(40)}
    return Site("wide.test", {"/": page("Home", ["/0"]), **pages})


def _repeating() -> dict[str, list[str]]:
    """A link that repeats more often what its page's own path repeats is left out by default, and honest here."""
    deep = ["/a/x/a/x/a/x/a", "/a/x/a/x/a/x/a/x"]
    return {"/": ["/a/", deep[0]], "/a/": [], deep[0]: [deep[1]], deep[1]: []}


async def limits(bench: Bench, name: str = "--limit") -> None:
    """A limit, a larger one, none: exact each time."""
    site, every = linked("wide.test", TREE), len(TREE)
    async with bench.crawl(site) as crawl:
        for limit in (20, 50, every + 50):
            await crawl.run(name, str(limit)) if name == "--limit" else await crawl.run("--set", f"{name}={limit}")
            if len(crawl.arrived) != min(limit, every):
                crawl.wrong(f"run {crawl.runs}: {len(crawl.arrived)} pages, {min(limit, every)} would be right")
        crawl.is_exactly([crawl.url(target) for target in TREE])


REACHES = {
    "http://www.example.org/": ["/in", "http://shop.example.org/"],
    "http://www.example.org/in": ["http://img.example.org/x", "http://other.test/"],
    "http://shop.example.org/": ["/item"],
    "http://img.example.org/x": ["http://other.test/y"],
}


async def reach(bench: Bench) -> None:
    """Its host first, then its domain."""
    web, seeds = Written(REACHES), ["http://www.example.org/"]
    async with bench.crawl(*web.sites(), seeds=seeds, by_name=True) as crawl:
        for name in ("host", "domain"):
            await crawl.run("--reach", name)
            crawl.is_exactly(placed(crawl, web.truth(seeds, name)))


async def seed_known_already(bench: Bench) -> None:
    """A page at the edge of the depth becomes a seed: its links belong to the crawl."""
    graph = {"/a": ["/b"], "/b": ["/c"], "/c": ["/d"], "/d": []}
    async with bench.crawl(linked("wide.test", graph), options=("--depth", "1")) as crawl:
        await crawl.run(seeds=[crawl.url("/a")])
        crawl.is_exactly([crawl.url(target) for target in ("/a", "/b")])
        await crawl.run(seeds=[crawl.url("/a"), crawl.url("/b")])
        crawl.is_exactly([crawl.url(target) for target in ("/a", "/b", "/c")])


async def seed_of_a_new_host(bench: Bench) -> None:
    """A new seed widens the reach: links to its host, left out before, belong to the crawl."""
    links = {
        "http://a.test/": ["/x"], "http://a.test/x": ["http://b.test/hidden"],
        "http://b.test/": ["/y"], "http://b.test/hidden": ["/more"],
    }  # fmt: skip
    web = Written(links)
    async with bench.crawl(*web.sites(), by_name=True) as crawl:
        for seeds in (["http://a.test/"], ["http://a.test/", "http://b.test/"]):
            await crawl.run(seeds=seeds)
            crawl.is_exactly(placed(crawl, web.truth(seeds, "host")))


class Down:
    """A site of which every page with a 7 in its number is down until it is mended."""

    def __init__(self, failure: Page) -> None:
        self.failure, self.is_mended = replace(failure, fixed=False), False

    def answer(self, target: str) -> Page | None:
        name = target.removeprefix("/item/")
        if target == "/":
            return page("Home", [f"/item/{n}" for n in range(60)])
        if not name.isdecimal():
            return None
        if "7" in name and not self.is_mended:
            return self.failure
        return replace(page(f"Item {name}", ["/", f"/more/{name}"], essay(name)), fixed=False)


async def up_again(bench: Bench, failure: Page, how: Sequence[str], is_seed: bool = False) -> None:
    """What failed is tried again when somebody says so, and by itself if it is given as a seed again."""
    down = Down(failure)
    async with bench.crawl(answering("down.test", down.answer), options=("--retries", "0")) as crawl:
        truth = {crawl.url(f"/item/{n}"): f"Item {n}" for n in range(60)}
        sick = [crawl.url(f"/item/{n}") for n in range(60) if "7" in str(n)]
        seeds = [crawl.url("/"), *sick] if is_seed else None
        await crawl.run(seeds=seeds)
        crawl.has({url: title for url, title in truth.items() if url not in sick})
        down.is_mended = True
        await crawl.run(*how, seeds=seeds)
        crawl.has(truth)


async def lone_seed_up_again(bench: Bench) -> None:
    """A seed that could not be reached at all, given again."""
    down = Down(hung_up())
    async with bench.crawl(answering("down.test", down.answer), options=("--retries", "0")) as crawl:
        await crawl.run(seeds=[crawl.url("/item/7")], code=4)
        down.is_mended = True
        await crawl.run(seeds=[crawl.url("/item/7")])
        crawl.has([crawl.url("/item/7")])


async def killed(bench: Bench, kills: int = 2) -> None:
    """Depth 1, then 4: killed in the middle of finding the rest again, and run once more."""
    graph = tree(5, 4)
    async with bench.crawl(linked("wide.test", graph), inline=False) as crawl:
        await crawl.run("--depth", "1")
        crawl.is_exactly([crawl.url(target) for target in within(["/"], graph.__getitem__, 1)])
        for kill in range(kills):
            await crawl.run_and_kill(3 + 60 * kill, "--depth", "4")
        await crawl.run("--depth", "4")
        crawl.is_exactly([crawl.url(target) for target in graph])


async def random_settings(bench: Bench, rounds: int = 2) -> None:
    """Narrow settings, then wide ones, once killed between: the pages are those of the wide ones from the start."""
    for number in range(rounds):
        chance = random.Random(f"{bench.seed}-wider-{number}")
        every = [f"http://{name}.example.org/{n}" for n in range(60) for name in ("www", "shop")]
        links = {url: [every[(at + chance.randint(1, 12)) % 120] for _ in range(2)] for at, url in enumerate(every)}
        web, seeds = Written(links), [every[0]]
        narrow, wide = (("--depth", str(depth), "--reach", reach) for depth, reach in ((3, "host"), (7, "domain")))
        async with bench.crawl(*web.sites(), seeds=seeds, by_name=True) as crawl:
            await crawl.run(*narrow)
            crawl.is_exactly(placed(crawl, web.truth(seeds, "host", 3)))
            if number:
                await crawl.run_and_kill(1 + chance.randint(0, 20), *wide)
            await crawl.run(*wide)
            crawl.is_exactly(placed(crawl, web.truth(seeds, "domain", 7)))


async def from_records(bench: Bench) -> None:
    """Where the records hold the links, no page is asked for twice to find what was left out."""
    options = ("--set", "offload.inline_below_bytes=0", "--links")
    async with bench.crawl(linked("wide.test", TREE), options=options) as crawl:
        for depth in (1, 3):
            await crawl.run("--depth", str(depth))
            crawl.is_exactly([crawl.url(target) for target in within(["/"], TREE.__getitem__, depth)])
        twice = [url for url, n in crawl.served.counts(robots=False).items() if n > 1]
        if twice:
            crawl.wrong(f"{len(twice)} pages were asked for twice")


async def robots_back(bench: Bench) -> None:
    """A robots.txt that cannot be had keeps us out; once it is there again, and we are told, all comes."""
    mended = False

    def tell(asked: Asked) -> Answer:
        return Answer(404 if mended else 503)

    site = replace(linked("wide.test", TREE), robots=Robots(pages={"/robots.txt": Page(tell, fixed=False)}))
    async with bench.crawl(site, options=("--set", "politeness.robots_ttl_s=1")) as crawl:
        await crawl.run(code=4)
        if crawl.arrived:
            crawl.wrong(f"{len(crawl.arrived)} pages without asking")
        mended = True
        await crawl.run("--retry-failed")
        crawl.is_exactly([crawl.url(target) for target in TREE])


async def sitemaps(bench: Bench) -> None:
    """Sitemaps that were not visited at first are, once they are wanted."""
    listed = sitemap(f"http://wide.test/only-listed/{n}" for n in range(20))
    site = linked("wide.test", TREE | {f"/only-listed/{n}": [] for n in range(20)})
    rules = robots.stating(Rules(sitemaps=("http://wide.test/sitemap.xml",)))
    async with bench.crawl(replace(site, robots=rules, pages={**site.pages, "/sitemap.xml": listed})) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(target) for target in TREE])
        await crawl.run("--sitemaps")
        crawl.has([crawl.url(target) for target in site.pages])


async def excluded_seed(bench: Bench) -> None:
    """A seed that a pattern kept out is fetched, with all below it, once it does not."""
    async with bench.crawl(linked("wide.test", TREE)) as crawl:
        seeds = [crawl.url("/a2"), crawl.url("/a1")]
        below = {seed: [crawl.url(t) for t in TREE if f"{t}/".startswith(f"/{seed[-2:]}/")] for seed in seeds}
        await crawl.run("--exclude", "*/a1*", seeds=seeds)
        crawl.is_exactly(below[seeds[0]])
        await crawl.run("--set", "scope.exclude=[]", seeds=seeds)
        crawl.is_exactly([*below[seeds[0]], *below[seeds[1]]])


async def too_large(bench: Bench) -> None:
    """Pages larger than the settings allow fail; with a larger bound, and told so, they come with their links."""
    graph = {"/": ["/big", "/small"], "/small": [], "/big": ["/behind"], "/behind": []}
    site = linked("wide.test", graph)
    big = page("Page /big", ["/behind"], essay(1, 30_000))
    async with bench.crawl(replace(site, pages={**site.pages, "/big": big})) as crawl:
        await crawl.run("--set", "max_body_bytes=65536")
        crawl.is_exactly([crawl.url(target) for target in ("/", "/small")])
        await crawl.run("--set", "max_body_bytes=1048576", "--retry-failed=too-large")
        crawl.is_exactly([crawl.url(target) for target in graph])


async def stopped(bench: Bench) -> None:
    """Stopped by a limit while pages are read again for their links: the account adds up, and the next run goes on."""
    graph = tree(12, 2)
    async with bench.crawl(linked("wide.test", graph), per_site=1) as crawl:
        await crawl.run("--depth", "1")
        for limit in (14, 16, 40, 1000):
            await crawl.run("--depth", "2", "--limit", str(limit))
        crawl.is_exactly([crawl.url(target) for target in graph])


async def again_changes_nothing(bench: Bench) -> None:
    """A finished crawl is not read again by the same settings, and says what would bring more."""
    async with bench.crawl(linked("wide.test", TREE), options=("--depth", "2")) as crawl:
        await crawl.run()
        asked = len(crawl.served.hits)
        await crawl.run()
        if len(crawl.served.hits) > asked:
            crawl.wrong(f"{len(crawl.served.hits) - asked} requests for nothing")
        crawl.says("nothing left to do", "depth")
        crawl.is_exactly([crawl.url(target) for target in within(["/"], TREE.__getitem__, 2)])


_DISALLOWED = replace(linked("wide.test", TREE), robots=robots.stating(Rules(disallow=("/a1", "/a2/"))))
_DEPTHS = [Step(("--depth", str(depth)), _deep(depth)) for depth in (1, 3)]
_EXCLUDES = [
    Step(("--exclude", "*/b1*", "--exclude", "*/a2*"), _cut(["/b1", "/a2"])),
    Step(("--set", 'scope.exclude=["*/a2*"]'), _cut(["/a2"])),
    Step(("--set", "scope.exclude=[]"), _all),
]
_INCLUDES = [
    Step(("--include", "*/a0*"), lambda: within(["/"], TREE.__getitem__, None, lambda t: "/a0" in t)),
    Step(("--set", "scope.include=[]"), _all),
]
_NOFOLLOW = [Step((), _followed), Step(("--set", "nofollow=ignore"), _all)]
_LINKS = [
    Step(("--set", "max_links=2"), lambda: within(["/"], lambda target: TREE[target][:2])),
    Step(("--set", "max_links=100"), _all),
]
_FOLLOW = [
    Step((), lambda: ["/", *(f"/{n}" for n in range(0, 40, 2))]),
    Step(("--set", 'scope.follow=["anchors", "images"]'), lambda: ["/", *(f"/{n}" for n in range(40))]),
]
_REPEATS = [Step((), lambda: [*_repeating()][:3]), Step(("--set", "max_repeats=9"), _repeating)]
_ROBOTS = [
    Step((), lambda: within(["/"], TREE.__getitem__, None, lambda t: not t.startswith(("/a1", "/a2/")))),
    Step(("--ignore-robots",), _all),
]

KINDS = (
    Kind("wider/depth", lambda bench: steps(bench, *_DEPTHS), is_quick=True),
    Kind("wider/exclude", lambda bench: steps(bench, *_EXCLUDES)),
    Kind("wider/include", lambda bench: steps(bench, *_INCLUDES)),
    Kind("wider/nofollow", lambda bench: steps(bench, *_NOFOLLOW, site=_nofollow_site())),
    Kind("wider/max-links", lambda bench: steps(bench, *_LINKS)),
    Kind("wider/follow", lambda bench: steps(bench, *_FOLLOW, site=_images_site())),
    Kind("wider/repeats", lambda bench: steps(bench, *_REPEATS, site=linked("wide.test", _repeating()))),
    Kind("wider/robots", lambda bench: steps(bench, *_ROBOTS, site=_DISALLOWED)),
    Kind("wider/limit", limits),
    Kind("wider/limit-per-site", partial(limits, name="scope.limit_per_site")),
    Kind("wider/reach", reach),
    Kind("wider/seed-known", seed_known_already),
    Kind("wider/seed-of-new-host", seed_of_a_new_host),
    Kind("wider/retry-all", partial(up_again, failure=error(503), how=["--retry-failed"])),
    Kind("wider/retry-reason", partial(up_again, failure=error(404), how=["--retry-failed=status-4xx"])),
    Kind("wider/retry-broken", partial(up_again, failure=hung_up(), how=["--retry-failed"])),
    Kind("wider/seed-given-again", partial(up_again, failure=error(500), how=[], is_seed=True)),
    Kind("wider/lone-seed-again", lone_seed_up_again),
    Kind("wider/random", random_settings),
    Kind("wider/from-records", from_records),
    Kind("wider/robots-back", robots_back),
    Kind("wider/sitemaps", sitemaps),
    Kind("wider/excluded-seed", excluded_seed),
    Kind("wider/too-large", too_large),
    Kind("wider/stopped", stopped),
    Kind("wider/killed", killed),
    Kind("wider/again", again_changes_nothing),
)
