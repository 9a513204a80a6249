"""Single exchanges of a program beside the visits of its crawl: polite, with its cookies, and no part of it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

import crawler
from crawler import FetchError, ParseError, Reason, Request, Response, Retry, Url
from crawler.testing import (
    Served,
    Site,
    Web,
    bomb,
    compressed,
    delaying,
    disallowing,
    error,
    html,
    open_web,
    plain,
    redirect,
)
from crawler.testing.pages import Asked, Page
from crawler.testing.wire import Answer

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "retry_delay_s": 0.01}


def cookie_page(asked: Asked) -> Answer:
    return Answer(200, (("Set-Cookie", "a=1"), ("Content-Type", "text/html")), asked.headers.get("cookie", "").encode())


PAGES = {
    "/": html("Home", ["/a"]),
    "/a": html("A"),
    "/jar": Page(cookie_page, fixed=False),
    "/private/x": plain("x"),
    "/moved": redirect("/a"),
    "/gone": plain("gone", status=410),
    "/zip": compressed(html("Packed")),
    "/bomb": bomb(),
}


@asynccontextmanager
async def served_site(**site: Any) -> AsyncIterator[Served]:
    async with open_web(Web([Site("a.test", PAGES, **({"robots": disallowing("/private/")} | site))])) as served:
        yield served


async def test_an_exchange_gives_the_answer_as_it_is_and_leaves_no_trace() -> None:
    async with served_site() as served, crawler.open_crawl(**QUICK) as crawl:
        moved = await crawl.fetch(served.url("a.test", "/moved"))
        assert (moved.status, moved.header("location")) == (301, "/a")
        assert (await crawl.fetch(Request(Url(served.url("a.test", "/gone"))))).status == 410
        assert crawl.snapshot().counts.known == 0
        assert [hit.path for hit in served.hits] == ["/robots.txt", "/moved", "/gone"]


async def test_it_shares_the_cookies_of_the_crawl() -> None:
    async with served_site() as served, crawler.open_crawl(cookies=True, **QUICK) as crawl:
        jar = served.url("a.test", "/jar")
        assert [(await crawl.fetch(jar)).text for _ in range(2)] == ["", "a=1"]
        await crawl.run(served.seeds)
        assert served.hits[-1].headers["cookie"] == "a=1"


async def test_its_body_is_decoded_within_the_bound_of_bodies() -> None:
    async with served_site() as served, crawler.open_crawl(max_body_bytes=100_000, **QUICK) as crawl:
        packed = await crawl.fetch(served.url("a.test", "/zip"))
        assert "<title>Packed</title>" in packed.text
        assert packed.all("content-encoding") == ()
        assert packed.header("content-length") == str(len(packed.body))
        with pytest.raises(ParseError, match="too-large"):
            await crawl.fetch(served.url("a.test", "/bomb"))


async def test_a_hook_may_decode_what_it_gets() -> None:
    titles: list[str] = []
    crawls: list[crawler.Crawl] = []

    async def after(response: Response) -> Response | Retry:
        titles.append((await crawls[0].decode(response)).text[:4])
        return response

    raw = Response(Url("http://a.test/"), 200, ((b"Content-Encoding", b"gzip"),), gzip.compress(b"text"))
    async with served_site() as served, crawler.open_crawl(after_response=after, **QUICK) as crawl:
        crawls.append(crawl)
        assert (await crawl.decode(raw)).text == "text"
        summary = await crawl.run([served.url("a.test", "/zip")])
    assert (summary.pages, len(titles)) == (1, 1)


async def test_robots_txt_holds_unless_the_program_says_otherwise() -> None:
    async with served_site() as served, crawler.open_crawl(**QUICK) as crawl:
        private = served.url("a.test", "/private/x")
        with pytest.raises(
            FetchError, match=r"disallows http\S+/private/x; obeys_robots=False asks all the same"
        ) as no:
            await crawl.fetch(private)
        assert no.value.reason is Reason.ROBOTS
        assert (await crawl.fetch(private, obeys_robots=False)).text == "x"


async def test_the_guard_of_addresses_holds() -> None:
    async with crawler.open_crawl(executor="inline") as crawl:
        with pytest.raises(FetchError, match="blocked-address"):
            await crawl.fetch("http://127.0.0.1:9/", obeys_robots=False)


async def test_a_wait_that_the_answer_asks_for_keeps_visits_away() -> None:
    pages = PAGES | {"/busy": error(503, retry_after_s=1)}
    async with open_web(Web([Site("a.test", pages)])) as served, crawler.open_crawl(**QUICK) as crawl:
        assert (await crawl.fetch(served.url("a.test", "/busy"))).status == 503
        await crawl.run([served.url("a.test", "/a")])
        asked, came = (next(hit.began for hit in served.hits if hit.path == path) for path in ("/busy", "/a"))
        assert came - asked >= 1.0


async def test_exchanges_of_a_site_come_one_by_one_with_its_rest_between_them() -> None:
    settings = QUICK | {"delay_s": 0.05}
    async with served_site() as served, crawler.open_crawl(**settings) as crawl:
        async with anyio.create_task_group() as tasks:
            for path in ("/a", "/gone", "/moved"):
                tasks.start_soon(crawl.fetch, served.url("a.test", path))
        assert (len(served.hits), served.worst_concurrency("a.test")) == (4, 1)
        assert min(served.gaps("a.test")) >= 0.05


async def test_no_visit_comes_while_the_site_rests_from_an_exchange() -> None:
    settings = QUICK | {"delay_s": 0.1, "robots": "ignore"}
    async with served_site() as served, crawler.open_crawl(**settings) as crawl:
        await crawl.fetch(served.url("a.test", "/gone"))
        with anyio.fail_after(20):
            summary = await crawl.run(served.seeds)
        assert summary.pages == 2
        assert [hit.path for hit in served.hits] == ["/gone", "/", "/a"]
        assert min(served.gaps("a.test")) >= 0.1


async def test_it_keeps_the_crawl_delay_of_the_site() -> None:
    async with served_site(robots=delaying(0.1)) as served, crawler.open_crawl(**QUICK) as crawl:
        await crawl.fetch(served.url("a.test", "/a"))
        await crawl.fetch(served.url("a.test", "/gone"))
        assert min(served.gaps("a.test")) >= 0.1


async def test_a_hook_may_fetch_amid_a_run_and_the_site_rests_before() -> None:
    crawls: list[crawler.Crawl] = []
    asked: list[str] = []

    async def after(response: Response) -> Response | Retry:
        if not asked:
            asked.append((await crawls[0].fetch(f"{response.url.site}/gone")).text)
            return Retry("once more", after_s=0)
        return response

    settings = QUICK | {"delay_s": 0.05, "robots": "ignore"}
    async with served_site() as served, crawler.open_crawl(after_response=after, **settings) as crawl:
        crawls.append(crawl)
        with anyio.fail_after(20):
            summary = await crawl.run(served.seeds)
        assert [hit.path for hit in served.hits] == ["/", "/gone", "/", "/a"]
        assert min(served.gaps("a.test")) >= 0.05
    assert (summary.pages, asked) == (2, ["gone"])


async def test_sites_that_the_program_holds_stay_held_and_rests_are_not_shown_as_such() -> None:
    async with served_site() as served, crawler.open_crawl(**QUICK) as crawl:
        site = Url(served.seeds[0]).site
        crawl.hold(site)
        await crawl.fetch(served.seeds[0])
        await asyncio.sleep(0.01)
        assert crawl.held == crawl._frontier.held == {site}
        crawl.let_go(site)
        assert crawl.held == crawl._frontier.held == set()
        await crawl.fetch(served.seeds[0])
        assert crawl.held == set()
        await asyncio.sleep(0.01)
        assert crawl._frontier.held == set()


async def test_an_exchange_that_is_cancelled_or_fails_ends_its_turn() -> None:
    async with served_site() as served, crawler.open_crawl(**(QUICK | {"delay_s": 0.01})) as crawl:
        with anyio.move_on_after(0):
            await crawl.fetch(served.seeds[0])
        with pytest.raises(FetchError):
            await crawl.fetch("http://127.0.0.1:9/", obeys_robots=False)
        with anyio.fail_after(20):
            assert (await crawl.fetch(served.seeds[0])).status == 200
            while crawl._frontier.held:
                await asyncio.sleep(0.01)


async def test_a_closed_crawl_fetches_nothing() -> None:
    async with crawler.open_crawl(**QUICK) as crawl:
        pass
    with pytest.raises(crawler.CrawlError, match="closed"):
        await crawl.fetch("http://127.0.0.1:9/")
