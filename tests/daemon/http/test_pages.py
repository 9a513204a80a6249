"""Clients that wait for a page or for the URLs of a site get them at once, by the rules that hold for jobs."""

from __future__ import annotations

import asyncio
from typing import Any

from crawler.daemon import desk
from crawler.testing import Site, Web, disallowing, html, open_web, redirect, silent, sitemap

from .conftest import Api

PAGES = {
    "/": html("Home", ["/a", "/private/x"]),
    "/a": html("A"),
    "/moved": redirect("/a"),
    "/sitemap.xml": sitemap(["/a", "/listed"]),
    "/silent": silent(),
}
WEB = Web([Site("a.test", PAGES, disallowing("/private/"))])


async def test_a_page_is_answered_with_its_record_and_the_formats_that_were_asked_for(api: Api) -> None:
    async with open_web(WEB) as served:
        page = await api.post("/v1/fetch", {"url": served.url("a.test", "/moved")})
        assert api.status == 200
        assert page["record"]["url"] == served.url("a.test", "/a")
        assert page["redirects"] == [served.url("a.test", "/moved")]
        assert {"markdown", "metadata", "links"} <= page["record"].keys()
        assert (page["html"], page["main_html"]) == (None, None)
        page = await api.post("/v1/fetch", {"url": served.url("a.test", "/a"), "formats": ["html", "main_html"]})
        assert "<title>A</title>" in page["html"]
        assert "<h1>A</h1>" in page["main_html"]
        assert "links" not in page["record"]
        assert served.counts(robots=True)[f"{served.url('a.test', '')}/robots.txt"] == 1
    assert api.jobs.list() == []


async def test_a_page_that_may_not_be_fetched_or_does_not_come_is_a_problem(api: Api) -> None:
    async with open_web(WEB) as served:
        cases: list[tuple[dict[str, Any], int, str]] = [
            ({"url": served.url("a.test", "/private/x")}, 403, "disallowed"),
            ({"url": "http://10.0.0.1/"}, 403, "disallowed"),
            ({"url": "http://127.0.0.1:9/"}, 424, "no-answer"),
            ({"url": served.url("a.test", "/silent"), "timeout_s": 0.2}, 424, "too-slow"),
            ({"url": "no url"}, 422, "bad-field"),
            ({"url": served.url("a.test", "/a"), "settings": {"fetch.proxy": "http://p.test"}}, 422, "bad-field"),
            ({"url": served.url("a.test", "/a"), "formats": ["screenshot"]}, 422, "bad-field"),
        ]
        for body, status, slug in cases:
            problem = await api.post("/v1/fetch", body)
            api.faults(problem)
            assert (api.status, problem["type"].rpartition(":")[2]) == (status, slug), body


async def test_the_urls_of_a_site_are_listed_and_not_fetched(api: Api) -> None:
    async with open_web(WEB) as served:
        found = await api.post("/v1/map", {"url": served.seeds[0]})
        assert found["urls"] == [served.url("a.test", path) for path in ("/", "/a", "/private/x", "/listed")]
        assert (found["title"], found["is_whole"]) == ("Home", True)
        assert {hit.path for hit in served.hits} == {"/robots.txt", "/", "/sitemap.xml"}
        problem = await api.post("/v1/map", {"url": "http://10.0.0.1/"})
        assert api.faults(problem) == ["url"]
        assert api.status == 403


async def test_only_so_many_clients_wait_at_a_time(api: Api) -> None:
    async with open_web(WEB) as served:
        body = {"url": served.url("a.test", "/silent"), "timeout_s": 0.5}
        waiting = [asyncio.create_task(api.post("/v1/fetch", body)) for _ in range(desk.MOST_AT_ONCE + 1)]
        kinds = [(await one)["type"].rpartition(":")[2] for one in waiting]
        assert sorted(set(kinds)) == ["busy", "too-slow"]
        assert kinds.count("busy") == 1
