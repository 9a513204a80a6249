"""One page at once, and the URLs of a site: as polite as a crawl, and nothing else is fetched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest

import crawler
from crawler import Wants
from crawler.robots.memory import SharedRobots
from crawler.testing import (
    Served,
    Site,
    Web,
    compressed,
    delaying,
    disallowing,
    error,
    html,
    open_web,
    plain,
    redirect,
    silent,
    sitemap,
    sitemap_index,
    written,
)
from crawler.testing.robots import Rules, stating

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0}
ARTICLE = (
    "<title>Tea</title><meta name=description content=Leaves><nav><a href=/menu>Menu</a></nav>"
    "<main><h1>Tea</h1><p onclick='x()'>Green <a href=/green>tea</a>.</p><script>x()</script></main>"
)
PAGES = {
    "/": html("Home", ["/a", "/b", "/private/x", "//b.test/"]),
    "/a": html("A"),
    "/b": html("B"),
    "/tea": written(ARTICLE),
    "/zip": compressed(html("Packed")),
    "/moved": redirect("/moved/on"),
    "/moved/on": redirect("/tea"),
    "/gone": error(404),
    "/private/x": plain("x"),
}


def _paths(served: Served) -> list[str]:
    return [hit.path for hit in served.hits]


async def test_a_page_comes_as_its_record_with_markdown_and_html() -> None:
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        url = served.url("a.test", "/tea")
        page = await crawler.fetch_page(url, html=["source", "main", "seen"], wants=Wants(markdown=True), **QUICK)
    assert (page.record["url"], page.record["status"], page.record["title"]) == (url, 200, "Tea")
    assert page.record["markdown"].startswith("# Tea\n\nGreen [tea](http")
    assert page.html["source"] == ARTICLE
    assert "onclick" not in page.html["main"]
    assert "<script" not in page.html["main"] + page.html["seen"]
    assert f'href="{served.url("a.test", "/green")}"' in page.html["main"]
    assert "Menu" not in page.html["main"]
    assert "Menu" in page.html["seen"]
    assert page.is_answered


async def test_redirects_are_followed_and_named_and_nothing_else_is_fetched() -> None:
    async with open_web(Web([Site("a.test", PAGES)])) as served:
        page = await crawler.fetch_page(served.url("a.test", "/moved"), **QUICK)
        assert page.record["url"] == served.url("a.test", "/tea")
        assert page.redirects == (served.url("a.test", "/moved"), served.url("a.test", "/moved/on"))
        assert _paths(served) == ["/robots.txt", "/moved", "/moved/on", "/tea"]


@pytest.mark.parametrize(("path", "status", "reason"), [("/gone", 404, "status-4xx"), ("/private/x", None, "robots")])
async def test_what_brings_no_page_says_why(path: str, status: int | None, reason: str) -> None:
    async with open_web(Web([Site("a.test", PAGES, disallowing("/private/"))])) as served:
        page = await crawler.fetch_page(served.url("a.test", path), html=["source"], **QUICK)
    assert (page.record["status"], page.record["reason"], page.is_answered) == (status, reason, status is not None)


async def test_the_guard_of_addresses_holds() -> None:
    page = await crawler.fetch_page("http://127.0.0.1:9/", executor="inline")
    assert (page.record["disposition"], page.record["reason"]) == ("failed", "blocked-address")


async def test_a_page_that_does_not_come_ends_with_the_time() -> None:
    async with open_web(Web([Site("a.test", {"/": silent()})])) as served:
        with pytest.raises(TimeoutError):
            await crawler.fetch_page(served.seeds[0], wait_s=0.5, **QUICK)


async def test_pages_of_one_site_take_turns_and_share_its_robots_txt() -> None:
    async with (
        open_web(Web([Site("a.test", PAGES, delaying(0.2))])) as served,
        crawler.open_shared(**QUICK) as parts,
    ):
        shared = replace(parts, robots=SharedRobots())

        async def fetch(path: str) -> None:
            page = await crawler.fetch_page(served.url("a.test", path), shared=shared, **QUICK)
            assert page.record["status"] == 200

        async with anyio.create_task_group() as tasks:
            for path in ("/", "/a", "/b"):
                tasks.start_soon(fetch, path)
        assert sorted(_paths(served)) == ["/", "/a", "/b", "/robots.txt"]
        assert served.worst_concurrency("a.test") == 1
        assert min(served.gaps("a.test")) >= 0.2


async def test_the_urls_of_a_site_come_from_its_page_and_its_sitemaps() -> None:
    pages = PAGES | {
        "/sitemap.xml": sitemap_index(["/maps/one.xml.gz", "/maps/two.xml"]),
        "/maps/one.xml.gz": sitemap(["/a", "/s1"]),
        "/maps/two.xml": sitemap(["/s2", "//b.test/x"]),
        "/named": sitemap(["/s3"]),
    }
    robots = stating(Rules(("/private/",), sitemaps=("/named",)))
    async with open_web(Web([Site("a.test", pages, robots), Site("b.test", PAGES)])) as served:
        found = await crawler.map_site(served.url("a.test", "/"), **QUICK)
        paths = [url.removeprefix(served.url("a.test", "")) for url in found.urls]
        assert paths[:4] == ["/", "/a", "/b", "/private/x"]
        assert sorted(paths[4:]) == ["/s1", "/s2", "/s3"]
        assert (found.title, found.is_whole, len(found.sitemaps)) == ("Home", True, 4)
        assert sorted(_paths(served)) == sorted(
            ["/robots.txt", "/", "/sitemap.xml", "/named", "/maps/one.xml.gz", "/maps/two.xml"]
        )
        few = await crawler.map_site(served.url("a.test", "/"), most=2, sources="sitemaps", **QUICK)
        assert (len(few.urls), few.is_whole, few.record) == (2, False, None)
        links = await crawler.map_site(served.url("a.test", "/"), sources="links", **QUICK)
        assert len(links.urls) == 4
