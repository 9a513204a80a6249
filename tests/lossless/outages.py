"""Soft outages and blocks: a page that a site gives instead of its pages is neither content nor a trap."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from crawler.testing import Answer, Page, Rules, redirect, robots, sitemap
from tests.lossless.bench import Bench, Crawl, Kind
from tests.lossless.webs import answering, essay, page

RETRY_S = ("--set", "politeness.retry_delay_s=1.5")
"""The second attempt after that, the third 4.5 s later: beyond the end of every outage here."""

MAINTENANCE = "<title>Maintenance</title><h1>We will be back soon</h1><p>The site is down for maintenance."
LOGIN = "<title>Log in</title><h1>Please log in</h1><form><input name=user><input type=password name=word></form>"
TOO_MANY = "<title>Too many requests</title><p>You are sending too many requests. Please slow down."
CAPTCHA = "<title>Are you a robot?</title><form><div class=g-recaptcha></div>Tick the box to go on.</form>"
CHALLENGE = '<title>Just a moment...</title><div id="challenge-form">Checking your browser before you enter.</div>'
DENIED = "<title>Access Denied</title><h1>Access Denied</h1>You have no permission to see this page. Reference 18.2f"
CONSENT = '<title>Before you continue</title><form action="/consent">We use cookies.<button>Accept all</button></form>'


def said(text: str, status: int = 200, *headers: tuple[str, str]) -> Page:
    """A page that is not what was asked for."""
    head = (("Content-Type", "text/html"), *headers)
    return Page(lambda _: Answer(status, head, text.encode()), status, fixed=False)


@dataclass
class Tired:
    """A shop that gives one page to whatever it is asked, once it has answered so often, for so long."""

    items: int
    after: int
    seconds: float
    instead: Page
    answered: int = 0
    fell_at: float = 0.0

    def answer(self, target: str) -> Page | None:
        self.answered += 1
        if self.answered == self.after:
            self.fell_at = time.monotonic()
        if self.answered > self.after and time.monotonic() < self.fell_at + self.seconds:
            return self.instead
        return self.real(target)

    def real(self, target: str) -> Page | None:
        name = target.removeprefix("/item/")
        if target == "/":
            return replace(page("Shop", [f"/item/{n}" for n in range(self.items)]), fixed=False)
        is_item = target.startswith("/item/") and name.isdecimal() and int(name) < self.items
        return replace(page(f"Item {name}", ["/"], essay(target)), fixed=False) if is_item else None


def titles(crawl: Crawl, items: int) -> dict[str, str]:
    return {crawl.url(f"/item/{n}"): f"Item {n}" for n in range(items)}


async def outage(bench: Bench, instead: str, items: int = 400, after: int = 100, seconds: float = 1.5) -> None:
    """The home page links the items."""
    shop = Tired(items, after, seconds, said(instead))
    async with bench.crawl(answering("shop.test", shop.answer), options=RETRY_S) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, items))


async def outage_of_a_sitemap(bench: Bench) -> None:
    """A sitemap names the items."""
    shop = Tired(1500, 200, 3.0, said(MAINTENANCE))
    site = replace(
        answering("shop.test", shop.answer),
        robots=robots.stating(Rules(sitemaps=("http://shop.test/sitemap.xml",))),
        pages={"/sitemap.xml": sitemap(f"http://shop.test/item/{n}" for n in range(1500))},
    )
    async with bench.crawl(site, options=(*RETRY_S, "--sitemaps")) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 1500))


async def home_for_everything(bench: Bench) -> None:
    """For a while the site answers with its home page."""
    shop = Tired(400, 100, 1.5, said(""))
    shop.instead = shop.real("/") or shop.instead
    async with bench.crawl(answering("shop.test", shop.answer), options=RETRY_S) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 400))


async def longer_than_all_attempts(bench: Bench) -> None:
    """What stays away has failed for that reason, and comes once the site is itself again and we are told."""
    shop = Tired(150, 60, 10**6, said(MAINTENANCE))
    async with bench.crawl(answering("shop.test", shop.answer)) as crawl:
        await crawl.run()
        false = [one["url"] for one in crawl.last.values() if one["title"] == "Maintenance" and "item" in one["url"]]
        false = [url for url in false if crawl.last[url]["reason"] != "soft-outage"]
        if false:
            crawl.wrong(f"{len(false)} recorded as if the notice were theirs")
        shop.seconds = 0.0
        await crawl.run("--retry-failed=soft-outage", "--unpark=all")
        crawl.has(titles(crawl, 150))


async def always_alike(bench: Bench) -> None:
    """A parked domain says the same to everything: that is what it has, and no outage."""
    same = page("This domain is for sale", [f"/offer/{n}" for n in range(100)])
    async with bench.crawl(answering("parked.test", lambda target: same)) as crawl:
        await crawl.run()
        crawl.has([crawl.url("/"), *(crawl.url(f"/offer/{n}") for n in range(100))])


async def soft_404s(bench: Bench) -> None:
    """Of a site's links every third is dead, and it says so with a page of status 200."""
    dead = page("Nothing here", ["/"], "<p>We have no such page.")

    def answer(target: str) -> Page | None:
        if target == "/":
            return page("Home", [f"/page/{n}" for n in range(300)])
        at = int(target.removeprefix("/page/"))
        return page(f"Page {at}", ["/"], essay(at)) if at % 3 else dead

    async with bench.crawl(answering("site.test", answer)) as crawl:
        await crawl.run()
        crawl.has({crawl.url(f"/page/{n}"): f"Page {n}" for n in range(300) if n % 3})
        crawl.has([crawl.url(f"/page/{n}") for n in range(300) if n % 3 == 0])


async def blocked(bench: Bench, wall: Page) -> None:
    """A protection answers for all but the home page: nothing of it is content, and all comes once it lets us in."""
    shop = Tired(80, 1, 10**6, wall)
    async with bench.crawl(answering("shop.test", shop.answer)) as crawl:
        await crawl.run()
        for url in titles(crawl, 80):
            fate = crawl.fate(url)
            if fate not in ("failed/blocked", "waiting"):
                crawl.wrong(f"{url} is {fate}")
                break
        crawl.says("block")
        shop.seconds = 0.0
        patterns = [word for trap in crawl.counts.traps for word in ("--unpark", trap.pattern)]
        await crawl.run("--retry-failed", *patterns)
        crawl.has(titles(crawl, 80))


async def several_outages(bench: Bench) -> None:
    """Three in a row, each with another page, and an honest site beside."""
    shop = Tired(600, 100, 1.0, said(MAINTENANCE))

    def answer(target: str) -> Page | None:
        if shop.answered in (250, 400) and shop.after < shop.answered:
            shop.after, shop.instead = shop.answered + 1, said((TOO_MANY, LOGIN)[shop.answered == 400])
        return shop.answer(target)

    async with bench.crawl(answering("shop.test", answer), options=RETRY_S) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 600))


async def by_redirect(bench: Bench, place: str, text: str) -> None:
    """For a while everything leads to one page that says so."""
    shop = Tired(400, 100, 1.5, replace(redirect(place, 302), fixed=False))

    def answer(target: str) -> Page | None:
        return said(text) if target.startswith(place) else shop.answer(target)

    async with bench.crawl(answering("shop.test", answer), options=RETRY_S) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 400))


class Numbered:
    """Maintenance pages none of which is the same: each has a number and a time of its own."""

    def __init__(self) -> None:
        self.given = 0

    def page(self) -> Page:
        self.given += 1
        return said(f"{MAINTENANCE}<p>Request {self.given * 7919:08x} at {time.time():.3f}, node {self.given % 7}")


async def never_the_same(bench: Bench) -> None:
    """The page of the outage differs in a request's number and the time."""
    shop, numbered = Tired(400, 100, 1.5, said("")), Numbered()

    def answer(target: str) -> Page | None:
        shop.instead = numbered.page()
        return shop.answer(target)

    async with bench.crawl(answering("shop.test", answer), options=RETRY_S) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 400))


async def one_section(bench: Bench) -> None:
    """Of two sections of a site one is down for a while; the other answers all the time."""
    shop = Tired(300, 80, 1.5, said(MAINTENANCE))

    def answer(target: str) -> Page | None:
        if target == "/":
            return page("Home", [f"/{kind}/{n}" for n in range(300) for kind in ("item", "news")])
        return page(f"News {target}", ["/"], essay(target)) if target.startswith("/news/") else shop.answer(target)

    async with bench.crawl(answering("shop.test", answer), options=RETRY_S) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 300))
        crawl.has([crawl.url(f"/news/{n}") for n in range(300)])


async def one_server_of_ten(bench: Bench) -> None:
    """Behind a balancer one server is sick all the time: every tenth item is first asked of it, then of another one."""
    shop, sick, asked = Tired(400, 10**9, 0.0, said("")), said(MAINTENANCE), set[str]()

    def answer(target: str) -> Page | None:
        is_first = target not in asked
        asked.add(target)
        return sick if is_first and target.startswith("/item/") and target.endswith("9") else shop.answer(target)

    async with bench.crawl(answering("shop.test", answer)) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 400))


async def killed_amid(bench: Bench) -> None:
    """Killed while the site is down, and run again when it is back."""
    shop = Tired(400, 100, 1.5, said(MAINTENANCE))
    async with bench.crawl(answering("shop.test", shop.answer), inline=False, options=RETRY_S) as crawl:
        await crawl.run_and_kill(140)
        await crawl.run()
        crawl.has(titles(crawl, 400))


async def login_for_every_thread(bench: Bench) -> None:
    """Lists name threads, all of which are the very same log-in page: the lists come, and the threads are counted."""

    def answer(target: str) -> Page | None:
        at = 0 if target == "/" else int(target.rpartition("/")[2])
        if target.startswith("/thread/"):
            return said(LOGIN)
        more = [f"/forum/{at + 1}"] if at < 11 else []
        return page(f"Forum {at}", [*(f"/thread/{n}" for n in range(at * 25, at * 25 + 25)), *more], essay(at))

    async with bench.crawl(answering("forum.test", answer)) as crawl:
        await crawl.run()
        crawl.has([crawl.url("/"), *(crawl.url(f"/forum/{n}") for n in range(1, 12))])
        unknown = [n for n in range(300) if crawl.url(f"/thread/{n}") not in crawl.known]
        if unknown:
            crawl.wrong(f"{len(unknown)} threads are not known")


async def none_at_all(bench: Bench) -> None:
    """Items in a heavy frame are much alike, and nothing is down: each is asked for once, and no rest is taken."""
    shop = Tired(400, 10**9, 0.0, said(""))
    async with bench.crawl(answering("shop.test", shop.answer)) as crawl:
        await crawl.run()
        crawl.has(titles(crawl, 400))
        again = sum(n - 1 for n in crawl.served.counts(robots=False).values())
        longest = max(crawl.served.gaps("shop.test"))
        if again > 5 or longest > 2.0:
            crawl.wrong(f"{again} pages were asked for again, the site rested {longest:.1f} s")


def _outages(pages: Sequence[tuple[str, str]]) -> list[Kind]:
    return [Kind(f"outages/{name}", partial(outage, instead=text)) for name, text in pages]


def _walls(walls: Sequence[tuple[str, Page]]) -> list[Kind]:
    return [Kind(f"blocked/{name}", partial(blocked, wall=wall)) for name, wall in walls]


KINDS = (
    Kind("outages/links", partial(outage, instead=MAINTENANCE, items=1500, after=200, seconds=3.0)),
    Kind("outages/sitemap", outage_of_a_sitemap),
    *_outages([("empty", ""), ("login", LOGIN), ("too-many-requests", TOO_MANY), ("captcha", CAPTCHA)]),
    Kind("outages/home-for-everything", home_for_everything),
    Kind("outages/several", several_outages),
    Kind("outages/to-a-notice", partial(by_redirect, place="/sorry", text=MAINTENANCE)),
    Kind("outages/to-a-login", partial(by_redirect, place="/login", text=LOGIN)),
    Kind("outages/never-the-same", never_the_same),
    Kind("outages/one-section", one_section),
    Kind("outages/one-server-of-ten", one_server_of_ten),
    Kind("outages/killed", killed_amid),
    Kind("outages/login-for-threads", login_for_every_thread),
    Kind("outages/none", none_at_all),
    Kind("outages/for-ever", longer_than_all_attempts),
    Kind("outages/always-alike", always_alike),
    Kind("outages/soft-404", soft_404s, is_quick=True),
    *_walls(
        [
            ("challenge-403", said(CHALLENGE, 403, ("Server", "cloudflare"), ("cf-mitigated", "challenge"))),
            ("challenge-503", said(CHALLENGE, 503, ("Server", "cloudflare"), ("cf-mitigated", "challenge"))),
            ("denied-200", said(DENIED)),
            ("captcha-200", said(CAPTCHA)),
            ("consent-200", said(CONSENT)),
        ]
    ),
)
