"""The calls of Firecrawl's API over the daemon's jobs: their shapes, their bounds, and what is refused."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import anyio
import pytest
from aiohttp import web

from crawler.daemon import State
from crawler.daemon.firecrawl import documents, notices
from crawler.daemon.firecrawl.adapter import ROUTES
from crawler.daemon.firecrawl.settings import path_pattern
from crawler.testing import Site, Web, disallowing, html, open_web, redirect, sitemap, written
from crawler.urls.patterns import compile_pattern

from .adapted import Adapted, adapted, hostile_answers, read
from .conftest import Open, until

ARTICLE = "<title>Tea</title><nav><a href=/a>Menu</a></nav><main><h1>Tea</h1><p>Green <a href=/a>tea</a>.</p></main>"
PAGES = {
    "/": html("Home", ["/a", "/tea", "/private/x", "/gone"]),
    "/a": html("A"),
    "/tea": written(ARTICLE),
    "/moved": redirect("/tea"),
    "/sitemap.xml": sitemap(["/a", "/listed/tea"]),
}
WEB = Web([Site("a.test", PAGES, disallowing("/private/"))])


async def finished(asked: Adapted, body: dict[str, Any], path: str = "crawl") -> str:
    """Starts a job and waits for its end."""
    begun = await asked.post(f"/v2/{path}", body)
    assert begun["success"], begun
    assert begun["url"] == f"{asked.url}/v2/{path}/{begun['id']}"
    await until(asked.jobs, begun["id"], State.COMPLETED)
    return str(begun["id"])


async def test_a_page_is_scraped_in_the_formats_that_are_asked_for(open_daemon: Open) -> None:
    async with open_web(WEB) as served, adapted(open_daemon, "firecrawl") as asked:
        url = served.url("a.test", "/moved")
        said = await asked.post(
            "/v2/scrape", {"url": url, "formats": ["markdown", {"type": "html"}, "rawHtml", "links"]}
        )
        page = said["data"]
        assert said["success"]
        assert page["markdown"].startswith("# Tea")
        assert page["rawHtml"] == ARTICLE
        assert "<h1>Tea</h1>" in page["html"]
        assert "Menu" not in page["html"] + page["markdown"]
        assert page["links"] == [served.url("a.test", "/a")]
        about = page["metadata"]
        assert (about["title"], about["statusCode"], about["sourceURL"], about["url"]) == (
            "Tea", 200, url, served.url("a.test", "/tea"),
        )  # fmt: skip
        whole = (await asked.post("/v2/scrape", {"url": url, "onlyMainContent": False}))["data"]
        assert "Menu" in whole["markdown"]
        assert "links" not in whole


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"formats": ["summary"]}, "'summary' is not supported here; markdown, html, rawHtml, links are"),
    ({"formats": [{"type": "json", "prompt": "x"}]}, "is not supported here"),
    ({"formats": "markdown"}, "formats: should be a list of formats"),
    ({"waitFor": 500}, "waitFor is not supported here, but as 0"),
    ({"mobile": True}, "mobile is not supported here"),
    ({"includeTags": ["h1"]}, "includeTags is not supported here"),
    ({"actions": [{"type": "click"}]}, "actions is not supported here"),
    ({"skipTlsVerification": True}, "skipTlsVerification is not supported here"),
    ({"location": {"country": "DE"}}, "'location' is not supported here"),
    ({"onlyMainContents": True}, "did you mean onlyMainContent?"),
    ({"timeout": -1}, "timeout"),
    ({"url": ""}, "url"),
    ({"url": "no url"}, "no url"),
]


async def test_what_is_not_supported_is_refused_by_its_name_and_nothing_is_ignored(open_daemon: Open) -> None:
    async with adapted(open_daemon, "firecrawl") as asked:
        for more, words in REFUSED:
            said = await asked.post("/v2/scrape", {"url": "http://127.0.0.1:9/", **more})
            assert (asked.status, said["success"]) == (400, False), more
            assert words in said["error"]
        harmless = {"blockAds": True, "maxAge": 14_400_000, "fastMode": False, "storeInCache": True, "mobile": False}
        more = {"origin": "python-sdk", "removeBase64Images": True, "proxy": "basic", "headers": None}
        said = await asked.post("/v2/scrape", {"url": "http://127.0.0.1:9/", **harmless, **more})
        assert (asked.status, said["code"]) == (500, "SCRAPE_SITE_ERROR"), said
        for body in ({"prompt": "x"}, {"ignoreRobotsTxt": 3}, {"scrapeOptions": {"formats": ["audio"]}}):
            said = await asked.post("/v2/crawl", {"url": "http://127.0.0.1:9/", **body})
            assert (asked.status, said["success"]) == (400, False), body
        assert asked.jobs.list() == []


async def test_pages_that_may_not_be_fetched_get_its_shape_of_errors(open_daemon: Open) -> None:
    async with open_web(WEB) as served, adapted(open_daemon, "firecrawl") as asked:
        said = await asked.post("/v2/scrape", {"url": served.url("a.test", "/private/x")})
        assert (asked.status, said["success"], said["code"]) == (403, False, "SCRAPE_FORBIDDEN")
        await asked.post("/v2/scrape", {"url": "http://10.0.0.1/"})
        assert asked.status == 403
        for path, status in (("extract", 404), ("crawl/j-none", 404), ("crawl/active", 200)):
            await asked.get(f"/v2/{path}")
            assert asked.status == status, path
        async with asked.http.get(f"{asked.url}/v2/crawl/active") as answer:
            assert (answer.status, (await answer.json())["success"]) == (401, False)
        job, _ = await asked.jobs.submit(*_foreign())
        await asked.get(f"/v2/crawl/{job.id}")
        assert asked.status == 404, "a job of others is none of this protocol"


def _foreign() -> tuple[Any, Any]:
    from crawler.daemon import JobSpec

    from .conftest import lines

    return JobSpec(is_paused=True), lines(["http://127.0.0.1:9/"])


async def test_a_crawl_gives_its_documents_in_parts(open_daemon: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    async with open_web(WEB) as served, adapted(open_daemon, "firecrawl") as asked:
        options = {"formats": ["markdown", "html", "rawHtml"]}
        job = await finished(asked, {"url": served.seeds[0], "scrapeOptions": options, "sitemap": "skip"})
        found, path, parts = [], f"/v2/crawl/{job}", 0
        while path:
            part = await asked.get(path)
            assert (part["success"], part["status"]) == (True, "completed")
            found += part["data"]
            path, parts = part.get("next", ""), parts + 1
        by_url = {one["metadata"]["sourceURL"]: one for one in found}
        assert set(by_url) == {served.url("a.test", path) for path in ("/", "/a", "/tea")}
        assert (len(found), parts) == (3, 2)
        assert by_url[served.url("a.test", "/tea")]["rawHtml"] == ARTICLE
        assert "<h1>Tea</h1>" in by_url[served.url("a.test", "/tea")]["html"]
        rest = await asked.get(f"/v2/crawl/{job}?skip=2")
        assert rest["data"] == found[2:]
        errors = await asked.get(f"/v2/crawl/{job}/errors")
        assert [(one["url"], one["code"]) for one in errors["errors"]] == [
            (served.url("a.test", "/gone"), "STATUS_4XX")
        ]
        assert errors["robotsBlocked"] == [served.url("a.test", "/private/x")]
        for query in ("skip=x", "skip=-1", "cursor=1e9"):
            await asked.get(f"/v2/crawl/{job}?{query}")
            assert asked.status == 400


async def test_a_batch_and_a_map_and_a_cancelled_crawl(open_daemon: Open) -> None:
    async with open_web(WEB) as served, adapted(open_daemon, "firecrawl") as asked:
        urls = [served.url("a.test", path) for path in ("/a", "/tea")]
        job = await finished(asked, {"urls": urls, "formats": ["markdown"]}, "batch/scrape")
        found = (await asked.get(f"/v2/batch/scrape/{job}"))["data"]
        assert sorted(one["metadata"]["title"] for one in found) == ["A", "Tea"]
        await asked.get(f"/v2/crawl/{job}")
        assert asked.status == 404
        found = await asked.post("/v2/map", {"url": served.seeds[0], "search": "tea", "limit": 5})
        assert {one["url"] for one in found["links"]} == {
            served.url("a.test", "/tea"),
            served.url("a.test", "/listed/tea"),
        }
        key = {"headers": {"X-Idempotency-Key": "k"}}
        begun = [await asked.post("/v2/crawl", {"url": served.seeds[0], "delay": 60}, **key) for _ in range(2)]
        assert begun[0] == begun[1]
        [active] = (await asked.get("/v2/crawl/active"))["crawls"]
        assert (active["id"], active["url"]) == (begun[0]["id"], served.seeds[0])
        assert (await asked.ask("DELETE", f"/v2/crawl/{begun[0]['id']}"))["status"] == "cancelled"
        assert (await asked.get(f"/v2/crawl/{begun[0]['id']}"))["status"] == "cancelled"
        assert (await asked.get("/v2/crawl/active"))["crawls"] == []


async def test_webhooks_hear_of_each_page_also_after_a_restart(
    open_daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "WAITS_S", (0.05,))
    monkeypatch.setattr(notices, "LOOK_S", 0.05)
    told: list[dict[str, Any]] = []
    is_well = False

    async def take(request: web.Request) -> web.Response:
        if not is_well:
            return web.Response(status=503)
        assert request.headers["X-Firecrawl-Signature"].startswith("sha256=")
        assert request.headers["X-Mine"] == "1"
        told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook = {
        "url": f"{site.name}/hook",
        "headers": {"X-Mine": "1"},
        "metadata": {"a": [1]},
        "events": ["page", "completed"],
    }
    try:
        async with open_web(WEB) as served:
            body = {"url": served.seeds[0], "sitemap": "skip", "webhook": hook}
            async with adapted(open_daemon, "firecrawl") as asked:
                job = (await asked.post("/v2/crawl", {**body, "delay": 0}))["id"]
                await asked.jobs.pause(job)
            is_well = True
            async with adapted(open_daemon, "firecrawl") as asked:
                await asked.jobs.resume(job)
                with anyio.fail_after(30):
                    while not told or told[-1]["type"] != "crawl.completed":
                        await asyncio.sleep(0.02)
                assert await asked.jobs.store.do(
                    lambda connection: connection.execute("SELECT count(*) FROM firecrawl_hook").fetchone()
                ) in [(0,), (1,)]
    finally:
        await runner.cleanup()
    pages = [one["data"][0]["metadata"]["sourceURL"] for one in told if one["type"] == "crawl.page"]
    assert len(pages) == len(set(pages)) >= 2
    assert all(one["success"] and one["metadata"] == {"a": [1]} and one["id"] == job for one in told)


@pytest.mark.parametrize(
    ("expression", "path", "matches"),
    [
        ("blog/.*", "/blog/x", True),
        ("^/blog/.*$", "/blog/x", True),
        ("^/blog/.*$", "/en/blog/x", False),
        ("/blog/", "/en/blog/x", True),
        ("(/a|/b)$", "/b", True),
        ("blog", "/x?blog", False),
        ("example", "/x", False),
    ],
)
def test_paths_are_matched_as_its_expressions_mean(expression: str, path: str, matches: bool) -> None:
    assert bool(compile_pattern(path_pattern(expression, is_full=False))(f"http://blog.example{path}")) is matches


@pytest.mark.slow
async def test_no_call_answers_a_hostile_value_with_a_fault_of_its_own(
    open_daemon: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with adapted(open_daemon, "firecrawl") as asked:
        for method, path, _ in ROUTES:
            target = f"/v2/{path}".replace("{id}", "%ff%00")
            for status, body in await hostile_answers(asked, method, target, ["application/json", "text/plain"]):
                assert 200 <= status < 500, (path, body[:200])
                assert read(body)["success"] is (status == 200), (path, body[:200])
        nested = json.dumps({"url": "http://10.0.0.1/", "webhook": {"url": "http://x/", "metadata": {}}})
        deep = nested.replace("{}", '{"a":' * 40 + "1" + "}" * 40)
        said = await asked.post("/v2/crawl", json.loads(deep))
        assert asked.status == 400, said
    assert [one for one in caplog.records if one.exc_info] == []
