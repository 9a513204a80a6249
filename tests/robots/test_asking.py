"""How a site is asked for its robots.txt, and what its silence means."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import pytest

from crawler.errors import FetchError, OffloadError
from crawler.model import Reason, Request, Response, Url
from crawler.offload import Inline
from crawler.robots import (
    INLINE_BYTES,
    LONG_UNREACHABLE_S,
    MAX_REDIRECTS,
    UNREACHABLE_S,
    IgnoreRobots,
    RobotsCache,
    parse,
)
from crawler.robots.memory import MAX_KEPT_BYTES
from crawler.settings import MOST_INLINE_BYTES, FetchConfig
from crawler.testing import Served, Site, Web, html, open_web, robots
from tests.defaults import open_fetcher

SITE = "http://a.test"
T = TypeVar("T")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Script:
    """A Fetcher that plays what it was told, and counts."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.released: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def fetch(self, request: Request) -> Response:
        self.asked.append(request.url.text)
        await self.may_answer.wait()
        answer = self.answers[request.url.text]
        if isinstance(answer, Exception):
            raise answer
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        is_body = isinstance(value, bytes)
        headers = () if is_body else ((b"Location", value.encode()),)
        share = Noted(partial(self.released.append, request.url.text))
        return Response(request.url, status, headers, value if is_body else b"", share=share)


@dataclass
class Noted:
    """A share that says when it is given back."""

    give_back: Callable[[], None]


HOME = Request(Url(SITE + "/page"))
ROBOTS = SITE + "/robots.txt"


def cache(script: Script, clock: Callable[[], float] | None = None) -> RobotsCache:
    return RobotsCache(script, Inline(), "storybot/1.0", ttl_s=100.0, clock=clock or Clock())


async def test_what_is_known_of_a_site_is_told_without_asking() -> None:
    script, clock = Script({ROBOTS: b"User-agent: *\nDisallow: /x\nCrawl-delay: 5\n"}), Clock()
    asking = cache(script, clock)
    assert asking.state(SITE).state == "not-asked"
    await asking.rules(HOME)
    clock.now = 40
    assert asking.state(SITE)[:3] == ("rules", 5, 60)
    script.answers[ROBOTS] = b""
    clock.now = 200
    assert asking.state(SITE)[:3] == ("rules", 5, 0)
    await asking.rules(HOME)
    assert asking.state(SITE)[:3] == ("open", None, 100)
    assert len(script.asked) == 2
    assert IgnoreRobots().state(SITE).state == "ignored"


async def test_a_site_that_cannot_be_asked_says_why_and_for_how_long() -> None:
    asking = cache(Script({ROBOTS: (503, b"")}))
    with pytest.raises(FetchError):
        await asking.rules(HOME)
    told = asking.state(SITE)
    assert (told.state, told.asked_in_s) == ("unreachable", UNREACHABLE_S[0])
    assert "HTTP 503" in told.detail


async def test_a_site_is_asked_once_while_fresh() -> None:
    script, clock = Script({ROBOTS: b"User-agent: *\nDisallow: /page\n"}), Clock()
    asking = cache(script, clock)
    rules, was_asked = await asking.rules(HOME)
    assert was_asked
    assert not rules.allows(HOME.url)
    assert await asking.rules(HOME) == (rules, False)
    clock.now = 101
    assert (await asking.rules(HOME))[1]
    assert script.asked == [ROBOTS, ROBOTS]


async def test_callers_at_once_share_one_fetch_and_one_who_leaves_takes_nothing_with_him() -> None:
    script = Script({ROBOTS: b"User-agent: *\nDisallow: /page\n"})
    script.may_answer.clear()
    asking = cache(script)
    first, *others = [asyncio.create_task(asking.rules(HOME)) for _ in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    script.may_answer.set()
    answers = await asyncio.gather(*others)
    assert sum(was_asked for _, was_asked in answers) == 1
    assert len({id(rules) for rules, _ in answers}) == 1
    assert len(script.asked) == 2  # the first's, cut short, and one more


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_site_without_robots_txt_allows_all(status: int) -> None:
    rules, _ = await cache(Script({ROBOTS: (status, b"User-agent: *\nDisallow: /\n")})).rules(HOME)
    assert rules.allows(HOME.url)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_site_that_cannot_say_now_is_not_to_be_fetched(status: int) -> None:
    with pytest.raises(FetchError, match=f"HTTP {status}") as caught:
        await cache(Script({ROBOTS: (status, b"")})).rules(HOME)
    assert (caught.value.reason, caught.value.transient) == (Reason.ROBOTS_UNREACHABLE, True)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.BAD_RESPONSE, Reason.TOO_LARGE])
async def test_an_answer_that_fails_means_unreachable(reason: Reason) -> None:
    with pytest.raises(FetchError) as caught:
        await cache(Script({ROBOTS: FetchError(reason, "so")})).rules(HOME)
    assert (caught.value.reason, caught.value.transient) == (Reason.ROBOTS_UNREACHABLE, True)


@pytest.mark.parametrize("reason", [Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.BLOCKED_ADDRESS])
async def test_a_host_out_of_reach_is_called_what_it_is(reason: Reason) -> None:
    with pytest.raises(FetchError) as caught:
        await cache(Script({ROBOTS: FetchError(reason, "so", transient=False)})).rules(HOME)
    assert (caught.value.reason, caught.value.transient) == (reason, False)


async def test_a_dead_host_is_asked_less_and_less_often() -> None:
    script, clock = Script({ROBOTS: (503, b"")}), Clock()
    asking = cache(script, clock)
    for times, pause_s in enumerate((*UNREACHABLE_S, UNREACHABLE_S[-1]), start=1):
        for _ in range(5):
            with pytest.raises(FetchError):
                await asking.rules(HOME)
        assert len(script.asked) == times
        clock.now += pause_s + 0.1


async def test_a_host_that_recovers_is_believed_again() -> None:
    script, clock = Script({ROBOTS: (503, b"")}), Clock()
    asking = cache(script, clock)
    with pytest.raises(FetchError):
        await asking.rules(HOME)
    script.answers[ROBOTS] = b""
    clock.now = UNREACHABLE_S[0] + 0.1
    assert (await asking.rules(HOME))[0].allows(HOME.url)


async def test_a_site_that_falls_silent_keeps_the_rules_it_gave() -> None:
    script, clock = Script({ROBOTS: b"User-agent: *\nDisallow: /private\n"}), Clock()
    asking = cache(script, clock)
    await asking.rules(HOME)
    script.answers[ROBOTS] = FetchError(Reason.TIMEOUT, transient=True)
    clock.now = 101
    rules, _ = await asking.rules(HOME)
    assert rules.allows(HOME.url)
    assert not rules.allows(Url(SITE + "/private"))


async def test_a_site_that_fails_for_a_month_has_no_robots_txt() -> None:
    script, clock = Script({ROBOTS: (503, b"")}), Clock()
    asking = cache(script, clock)
    for day in range(30):
        clock.now = day * 86400.0
        with pytest.raises(FetchError):
            await asking.rules(HOME)
    clock.now = LONG_UNREACHABLE_S
    assert (await asking.rules(HOME))[0].allows(HOME.url)


async def test_a_host_that_is_dead_for_a_month_is_no_site_without_rules() -> None:
    script, clock = Script({ROBOTS: FetchError(Reason.CONNECT, "refused", transient=True)}), Clock()
    asking = cache(script, clock)
    for _ in range(3):
        with pytest.raises(FetchError):
            await asking.rules(HOME)
        clock.now += LONG_UNREACHABLE_S
    script.answers[ROBOTS] = (503, b"")
    with pytest.raises(FetchError):
        await asking.rules(HOME)  # its month begins here
    clock.now += LONG_UNREACHABLE_S
    assert (await asking.rules(HOME))[0].allows(HOME.url)


async def test_a_month_of_errors_does_not_forget_the_rules_it_gave() -> None:
    script, clock = Script({ROBOTS: b"User-agent: *\nDisallow: /page\n"}), Clock()
    asking = cache(script, clock)
    await asking.rules(HOME)
    script.answers[ROBOTS] = (500, b"")
    for _ in range(3):
        clock.now += LONG_UNREACHABLE_S
        assert not (await asking.rules(HOME))[0].allows(HOME.url)


async def test_redirects_are_followed_to_other_hosts() -> None:
    script = Script(
        {ROBOTS: (301, "/r2"), SITE + "/r2": (302, "https://b.test/r"), "https://b.test/r": b"User-agent:*\nDisallow:/"}
    )
    rules, _ = await cache(script).rules(HOME)
    assert not rules.allows(HOME.url)


@pytest.mark.parametrize("target", ["/robots.txt", "", "mailto:x@y", "http://["])
async def test_redirects_that_lead_nowhere_leave_a_site_without_rules(target: str) -> None:
    script = Script({ROBOTS: (301, target)})
    assert (await cache(script).rules(HOME))[0].allows(HOME.url)
    assert len(script.asked) in (1, MAX_REDIRECTS + 1)


async def test_a_redirect_to_a_host_that_is_down_means_unreachable() -> None:
    script = Script({ROBOTS: (301, "http://b.test/r"), "http://b.test/r": FetchError(Reason.DNS, transient=False)})
    with pytest.raises(FetchError) as caught:
        await cache(script).rules(HOME)
    assert (caught.value.reason, caught.value.transient) == (Reason.ROBOTS_UNREACHABLE, True)


async def test_a_large_file_is_read_by_a_worker_and_one_that_kills_it_means_unreachable() -> None:
    sizes: list[int] = []

    class Dying:
        async def run(self, work: Callable[..., object], /, *args: object, size: int = 0) -> object:
            sizes.append(size)
            raise OffloadError(Reason.PARSE_CRASH, "died")

    body = b"Disallow: /\n" * 1000
    asking = RobotsCache(Script({ROBOTS: body}), Dying(), "storybot/1.0", ttl_s=86400.0)  # type: ignore[arg-type]
    with pytest.raises(FetchError) as caught:
        await asking.rules(HOME)
    assert caught.value.reason is Reason.ROBOTS_UNREACHABLE
    assert sizes == [MOST_INLINE_BYTES]


async def test_every_response_is_released_once_read() -> None:
    script = Script({ROBOTS: (301, "/r2"), SITE + "/r2": b"User-agent: *\nDisallow: /\n"})
    await RobotsCache(script, Inline(), "storybot/1.0", ttl_s=86400.0).rules(HOME)
    assert script.released == script.asked


async def test_who_ignores_robots_asks_nobody() -> None:
    rules, was_asked = await IgnoreRobots().rules(HOME)
    assert rules.allows(HOME.url)
    assert not was_asked


# --- over a real wire ---


@asynccontextmanager
async def over_the_wire(site: robots.Robots) -> AsyncIterator[tuple[RobotsCache, Served]]:
    web = Web([Site("a.test", {"/": html("Home")}, robots=site)])
    async with open_web(web) as served:
        config = FetchConfig(allow_networks=("127.0.0.0/8",))
        async with open_fetcher(config, "storybot/1.0") as fetcher:
            yield RobotsCache(fetcher, Inline(), "storybot/1.0", ttl_s=86400.0), served
            assert fetcher.budget.used == 0


STATED = robots.Rules(disallow=("/private/",), crawl_delay_s=1.5)


@pytest.mark.parametrize(
    "site",
    [robots.stating(STATED), robots.huge(STATED, 2 << 20), robots.moved(STATED, 3)],
    ids=["plain", "huge", "moved"],
)
async def test_rules_are_read_whatever_their_way_and_size(site: robots.Robots) -> None:
    async with over_the_wire(site) as (asking, served):
        rules, _ = await asking.rules(Request(Url(served.url("a.test"))))
        assert rules.delay_s == 1.5
        assert not rules.allows(Url(served.url("a.test", "/private/x")))
        assert rules.allows(Url(served.url("a.test", "/public")))


async def test_a_broken_site_is_unreachable() -> None:
    async with over_the_wire(robots.broken(503)) as (asking, served):
        with pytest.raises(FetchError, match=r"robots-unreachable: .*HTTP 503"):
            await asking.rules(Request(Url(served.url("a.test"))))


class Elsewhere(Inline):
    """An offloader that notes how much it is told to read."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        self.sizes.append(size)
        return work(*args)


class Coded(Script):
    """Its answers come in a content coding."""

    async def fetch(self, request: Request) -> Response:
        return replace(await super().fetch(request), headers=((b"Content-Encoding", b"gzip"),))


@pytest.mark.parametrize(
    ("script", "is_read_elsewhere"),
    [
        (Script({ROBOTS: b"#" * INLINE_BYTES}), False),
        (Script({ROBOTS: b"#" * (INLINE_BYTES + 1)}), True),
        (Coded({ROBOTS: gzip.compress(b"#" * 100)}), True),  # a kilobyte may be a bomb
    ],
    ids=["short", "long", "coded"],
)
async def test_only_a_short_file_is_read_on_the_loop_whatever_the_settings(
    script: Script, is_read_elsewhere: bool
) -> None:
    offloader = Elsewhere()
    rules, _ = await RobotsCache(script, offloader, "storybot", ttl_s=86400.0).rules(HOME)
    assert rules.allows(HOME.url)
    assert [size >= MOST_INLINE_BYTES for size in offloader.sizes] == [True] * is_read_elsewhere


async def test_long_files_of_many_sites_are_forgotten_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"User-agent: *\n" + b"".join(b"Disallow: /%d\n" % number for number in range(100))
    sites = [f"http://h{number}.test" for number in range(4)]
    asking = cache(Script({f"{site}/robots.txt": body for site in sites}))
    size = parse(body, "storybot").size
    assert size < MAX_KEPT_BYTES
    monkeypatch.setattr("crawler.robots.memory.MAX_KEPT_BYTES", 3 * size)
    for site in (*sites, sites[-1]):
        await asking.rules(Request(Url(f"{site}/")))
    assert [asking.state(site).state for site in sites] == ["not-asked", "rules", "rules", "rules"]
