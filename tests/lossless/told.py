"""Told truthfully: honest paths that repeat, cookie walls, bodies with a broken end, a site's own pace."""

from __future__ import annotations

import gzip

from crawler.testing import Answer, Asked, Page, Rules, Site, redirect_loop, robots, wire
from tests.lossless.bench import Bench, Kind
from tests.lossless.webs import essay, linked, page


async def honest_repeats(bench: Bench) -> None:
    """Dates, shards, doubled slashes and words that come back are paths as others."""
    paths = [
        *(f"/{year}/{month:02}/{day:02}/" for year in (2020, 2021) for month in (1, 2, 10) for day in (1, 2, 20)),
        "/01/01/01/", "/11/11/11/11/", "/00/00/00/00/a.html", "/00/00/00/00/b.html", "/7/7/7/7/7/", "/a//b//c//d",
        "//doubled//slashes///", "/en/shop/en/books/en/new/en", "/img/a/img/b/img/c/img/d", "/tag/go/go/go/go",
    ]  # fmt: skip
    graph = {"/": paths, **{path: [f"{path}more"] for path in paths}, **{f"{path}more": [] for path in paths}}
    async with bench.crawl(linked("repeats.test", {at: _rooted(to) for at, to in graph.items()})) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(target) for target in graph])


def _rooted(targets: list[str]) -> list[str]:
    """Two slashes at the beginning of a link would name a host."""
    return [f"/.{target}" if target.startswith("//") else target for target in targets]


async def true_repeats(bench: Bench) -> None:
    """A page that names its own folder again and again is a trap: it ends, and the summary counts what is left out."""

    def said(target: str) -> Page:
        return page("About us", ["/news", *([f"{target.rstrip('/')}/about/"] if "about" in target else ["/about/"])])

    site = Site("growing.test", {"/news": page("News", [], essay("news"))}, traps={"/": said})
    async with bench.crawl(site) as crawl:
        await crawl.run()
        crawl.has([crawl.url("/"), crawl.url("/about/"), crawl.url("/news")])
        if len(crawl.served.hits) > 200:
            crawl.wrong(f"{len(crawl.served.hits)} requests")
        if not (sum(crawl.left_out.values()) or crawl.counts.parked):
            crawl.wrong("nothing is counted as left out")


def _walled(target: str) -> Page:
    """A page for who has the cookie; others are sent to fetch it, and back."""
    content = page(f"Page {target}", [], essay(target))

    def answer(asked: Asked) -> Answer:
        if "seen=1" in asked.headers.get("cookie", ""):
            return content.answer(asked)
        return Answer(302, (("Location", f"/check?back={target}"),))

    return Page(answer, 200, fixed=False)


def _check(target: str) -> Page:
    headers = (("Location", target.partition("back=")[2]), ("Set-Cookie", "seen=1; Path=/"))
    return Page(lambda _: Answer(302, headers), 302, fixed=False)


async def cookie_wall(bench: Bench) -> None:
    """Without cookies the loop is a failure that names the cure; with them the second answer counts."""
    items = [f"/item/{n}" for n in range(30)]
    pages = {"/": page("Home", items), **{item: _walled(item) for item in items}}
    async with bench.crawl(Site("wall.test", pages, traps={"/check": _check}), per_site=4) as crawl:
        titles = {crawl.url(item): f"Page {item}" for item in items}
        await crawl.run()
        good = [
            url for url in titles if crawl.fate(url) not in ("failed", "redirected") and "failed" not in crawl.fate(url)
        ]
        if good:
            crawl.wrong(f"without cookies {len(good)} are told as {crawl.fate(good[0])}")
        crawl.says("cookies")
        await crawl.run("--set", "fetch.cookies=true", "--retry-failed")
        crawl.has(titles)


async def cookie_wall_from_the_start(bench: Bench) -> None:
    """With cookies from the start every page arrives with its own content."""
    items = [f"/item/{n}" for n in range(30)]
    pages = {"/": page("Home", items), **{item: _walled(item) for item in items}}
    options = ("--set", "fetch.cookies=true")
    async with bench.crawl(Site("wall.test", pages, traps={"/check": _check}), options=options) as crawl:
        await crawl.run()
        crawl.has({crawl.url(item): f"Page {item}" for item in items})


async def loops(bench: Bench) -> None:
    """A circle of redirects is a failure, in each of its places, with cookies and without."""
    pages = {"/": page("Home", ["/loop1", "/self", "/x"]), "/x": page("X", [], essay("x"))}
    pages |= {**redirect_loop("/loop", 3), "/self": redirect_loop("/self", 1)["/self1"]}
    pages["/self1"] = pages["/self"]
    async with bench.crawl(Site("loop.test", pages)) as crawl:
        await crawl.run()
        crawl.has([crawl.url("/"), crawl.url("/x")])
        if not any(one["disposition"] == "failed" for one in crawl.records):
            crawl.wrong("no loop is a failure")


def _packed(target: str, how: str) -> Page:
    """A page whose gzip body has no trailer, a wrong checksum, or bytes behind its end."""
    plain = page(f"Page {target}", [f"{target}/next"], essay(target))

    def answer(asked: Asked) -> Answer:
        whole = gzip.compress(plain.answer(asked).body)
        body = {"bare": whole[:-8], "short": whole[:-3], "wrong": whole[:-8] + b"\1\2\3\4" + whole[-4:],
                "more": whole + b"\0\0\0"}[how]  # fmt: skip
        return Answer(200, (("Content-Type", "text/html"), ("Content-Encoding", "gzip")), body)

    return Page(answer)


async def gzip_ends(bench: Bench) -> None:
    """They are read as browsers read them, and their links are followed."""
    ways = ("bare", "short", "wrong", "more")
    pages = {"/": page("Home", [f"/{way}" for way in ways]), **{f"/{way}": _packed(f"/{way}", way) for way in ways}}
    pages |= {f"/{way}/next": page(f"Next {way}", [], essay(way)) for way in ways}
    async with bench.crawl(Site("gzip.test", pages)) as crawl:
        await crawl.run()
        crawl.has([crawl.url("/"), *(crawl.url(f"/{way}/next") for way in ways)])
        crawl.has({crawl.url(f"/{way}"): f"Page /{way}" for way in ways})


async def duplicates(bench: Bench) -> None:
    """Two folders hold the same bytes: the links of each lead to its own pages."""
    same = page("Index", ["x", "y"], essay("same"))
    pages = {"/": page("Home", ["/one/", "/two/", "/three/"])}
    for folder in ("one", "two", "three"):
        pages |= {f"/{folder}/": same} | {
            f"/{folder}/{name}": page(f"{folder} {name}", [], essay(folder + name)) for name in "xy"
        }
    async with bench.crawl(Site("same.test", pages)) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(target) for target in pages])


async def crawl_delay(bench: Bench) -> None:
    """A site's own pace means one request at a time with that gap, however many places it is given."""
    site = linked("slow.test", {"/": [f"/{n}" for n in range(10)], **{f"/{n}": [] for n in range(10)}})
    slow = Site(site.host, site.pages, robots.stating(Rules(crawl_delay_s=0.3)))
    async with bench.crawl(slow, per_site=4) as crawl:
        await crawl.run()
        crawl.has([crawl.url(target) for target in site.pages])
        gaps = crawl.served.gaps("slow.test")
        if min(gaps) < 0.3:
            crawl.wrong(f"requests {min(gaps) * 1000:.0f} ms apart, 300 were asked for")


async def retry_after(bench: Bench) -> None:
    """After a Retry-After nobody is asked before its time, however many places the site is given."""
    state = {"until": 0.0, "asked": 0}

    def answer(asked: Asked) -> Answer:
        import time

        state["asked"] += 1
        if state["asked"] == 4:
            state["until"] = time.monotonic() + 1.0
        if time.monotonic() < state["until"]:
            return Answer(429, (("Retry-After", "1"),))
        return page(f"Page {asked.target}", [], essay(asked.target)).answer(asked)

    pages = {"/": page("Home", [f"/{n}" for n in range(20)])}
    pages |= {f"/{n}": Page(answer, fixed=False) for n in range(20)}
    async with bench.crawl(Site("asks.test", pages), per_site=4) as crawl:
        await crawl.run()
        crawl.has([crawl.url(target) for target in pages])
        hits = [hit for hit in crawl.served.hits if hit.status == 429]
        first = min(hit.ended or hit.began for hit in hits)
        early = [hit for hit in crawl.served.hits if first + 0.05 < hit.began < first + 0.95]
        if early:
            crawl.wrong(f"{len(early)} requests within the second that was asked for")


async def bodies_cut_short(bench: Bench) -> None:
    """A page that breaks off twice and is whole at the third attempt arrives whole."""

    def answer(asked: Asked) -> Answer:
        whole = page(f"Page {asked.target}", [f"{asked.target}/next"], essay(asked.target)).answer(asked)
        if asked.visit < 3:
            return Answer(200, whole.headers, whole.body, wire.cut_off(len(whole.body) // 2))
        return whole

    pages = {"/": page("Home", ["/a", "/b"]), "/a": Page(answer, fixed=False), "/b": Page(answer, fixed=False)}
    pages |= {f"/{name}/next": page(f"Next {name}", [], essay(name)) for name in "ab"}
    async with bench.crawl(Site("cut.test", pages)) as crawl:
        await crawl.run()
        crawl.is_exactly([crawl.url(target) for target in pages])


KINDS = (
    Kind("told/honest-repeats", honest_repeats, is_quick=True),
    Kind("told/true-repeats", true_repeats),
    Kind("told/cookie-wall", cookie_wall),
    Kind("told/cookies-from-start", cookie_wall_from_the_start),
    Kind("told/redirect-loops", loops),
    Kind("told/gzip-ends", gzip_ends, is_quick=True),
    Kind("told/bodies-cut-short", bodies_cut_short),
    Kind("told/duplicates", duplicates),
    Kind("told/crawl-delay", crawl_delay),
    Kind("told/retry-after", retry_after),
)
